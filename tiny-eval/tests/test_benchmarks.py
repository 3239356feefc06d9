"""The benchmarks run from end to end at a tiny scale, and replace only the table of the part that ran."""

import pytest

from benchmarks import results
from benchmarks.__main__ import PARTS, main
from benchmarks.measure import Row, speed
from benchmarks.results import merged, table

PEERS = {"rouge": ["rouge_score", "rouge"], "help": []}


def section(name):
    return table(name, "What is compared.", [Row("a thing", "1 MB/s", "peer: 2", "0.50×", "make bench")])


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_replaces_only_its_own_table(part, tmp_path, capsys):
    for peer in PEERS[part]:
        pytest.importorskip(peer, reason=f"{peer} is a peer, installed by requirements-bench.txt")
    output = tmp_path / "RESULTS.md"
    kept = next(name for name in PARTS if name != part)
    before = merged("", results.machine(), {name: section(name) for name in PARTS}, PARTS)
    output.write_text(before, encoding="utf-8")

    main(["--only", part, "--scale", "0.01", "--output", str(output)])

    written = output.read_text(encoding="utf-8")
    assert section(kept) in written
    assert section(part) not in written
    mine = capsys.readouterr().out.strip()
    assert mine.startswith(f"## {part}\n")
    assert mine in written
    assert list(tmp_path.iterdir()) == [output]


@pytest.mark.parametrize(
    ("arguments", "said"), [(["--only", "nonsense"], "invalid choice"), (["--scale", "0"], "above 0")]
)
def test_what_makes_no_sense_is_refused_before_anything_is_measured(arguments, said, tmp_path, capsys):
    with pytest.raises(SystemExit) as refused:
        main([*arguments, "--output", str(tmp_path / "RESULTS.md")])
    assert refused.value.code == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_kept_table_says_what_was_different_when_it_was_measured():
    here = {"processor": "Abacus", "date": "2025-06-02"}
    text = merged("", here, {"rouge": section("rouge")}, PARTS)
    text = merged(text, here | {"date": "2026-01-01"}, {"help": section("help")}, PARTS)
    assert "## rouge\n\nKept from an earlier run with date: 2025-06-02.\n\nWhat" in text
    assert text.count("Kept") == 1


def test_a_ratio_above_one_means_that_ours_is_faster():
    assert speed("cut", 10.0, "MB/s", "peer", (0.5, 2.0), "x") == Row("cut", "20 MB/s", "peer: 5", "4.00×", "x")
