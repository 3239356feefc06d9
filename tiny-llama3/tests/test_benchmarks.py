"""The benchmarks run from end to end at a tiny scale, and replace only the section of the part that ran."""

import pytest
from tiny_shared.testing.benchmarks import run_part

from benchmarks import bench_alignment, bench_tang, bench_text
from benchmarks.__main__ import PARTS, main

SAYS = {
    "text": "| stories | 1 |",
    "alignment": "| base |",
    "tang": "Not measured",
    "training": "transformers",
    "decode": "transformers",
    "memory": "plan",
    "tokenizer": "tiktoken",
    "serve": "0 mixed up",
    "light": "main.py --help",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_runs_and_replaces_only_its_own_section(part, tmp_path, tmp_path_factory, monkeypatch):
    monkeypatch.setattr(bench_text, "MINUTES", (1,))
    monkeypatch.setattr(bench_text, "KEPT", tmp_path_factory.mktemp("runs") / "bench-text")  # nothing finished there
    monkeypatch.setattr(bench_alignment, "KEPT", tmp_path_factory.mktemp("runs") / "bench-alignment")
    monkeypatch.setattr(bench_alignment, "SEEDS", 1)
    monkeypatch.setattr(bench_alignment, "METHODS", ("sft",))
    assert SAYS[part] in run_part(main, part, PARTS, 0.01, tmp_path)


def test_what_counts_as_a_poem_of_five_characters():
    five = "春眠不覺曉，處處聞啼鳥。\n夜來風雨聲，花落知多少。"
    assert bench_tang.lines_of(five) == ["春眠不覺曉", "處處聞啼鳥", "夜來風雨聲", "花落知多少"]
    assert bench_tang.five_characters(five) and bench_tang.five_characters(five.replace("\n", ""))
    for other in ("", "春眠不覺曉", "春眠不覺曉，處聞啼。", "床前明月光，望。", "床前明月光，疑是地上�。"):
        assert not bench_tang.five_characters(other)
    row = bench_tang.reported("x", [{"text": five, "finish": "end"}, {"text": "一二，一二。", "finish": "length"}])
    assert row == "| x | **50.0%** | 50.0% | 3.0 | 50.0% | 0.72 | 50.0% | 0.0% |"


def test_a_title_is_on_one_side_only():
    poems = [bench_tang.Poem(f"title {number % 50}", f"poem {number}") for number in range(200)]
    train, test = bench_tang.split(poems)
    assert not {poem.title for poem in train} & {poem.title for poem in test}
    assert len({poem.title for poem in test}) == len(test) == 2
    assert len(train) == 200 - 4 * 2
