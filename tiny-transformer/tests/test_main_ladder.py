"""The ladder's command: its table, its picture, its JSON, and what it refuses; with a hundredth of the training."""

import functools
import json

import pytest
from tiny_shared import cli

import main
from tiny_transformer.foundations import ladder

NAMES = [first + second + third for first in "bdfgklmn" for second in "aeiou" for third in "rnst"]


@pytest.fixture
def call(capfd, monkeypatch):
    """Exit code, stdout, stderr."""
    monkeypatch.setattr(ladder, "run_ladder", functools.partial(ladder.run_ladder, effort=0.002))

    def call(*arguments):
        code = cli.run(main.parser(), ["ladder", *map(str, arguments)], main.user_errors())
        return code, *capfd.readouterr()

    return call


def test_a_table_and_a_picture(call, tmp_path):
    data = tmp_path / "names.txt"
    data.write_text("\n".join(NAMES), encoding="utf-8")
    code, out, err = call("--data", data, "--out", tmp_path / "ladder.png")
    assert code == 0, err
    assert [name for name, _, _ in ladder.RUNGS if f"| {name} " not in out] == []
    assert (tmp_path / "ladder.png").read_bytes().startswith(b"\x89PNG")

    code, out, err = call("--data", data, "--out", tmp_path / "ladder.png", "--json")
    assert code == 0, err
    rows = json.loads(out)
    assert [row["name"] for row in rows] == [name for name, _, _ in ladder.RUNGS]
    assert all(0 < row["nats"] < 10 and row["bits"] > row["nats"] and len(row["samples"]) == 5 for row in rows)


@pytest.mark.parametrize(("text", "said"), [(b"", "empty"), (b"\xff\xfe\n", "UTF-8"), (b"ada\n", "items")])
def test_a_file_that_is_no_list_of_names(call, tmp_path, text, said):
    data = tmp_path / "names.txt"
    data.write_bytes(text)
    code, out, err = call("--data", data, "--out", tmp_path / "ladder.png")
    assert (code, out) == (2, "")
    assert err.startswith("error: ") and said in err and err.count("\n") == 1
    assert not (tmp_path / "ladder.png").exists()
