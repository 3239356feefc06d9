"""What the READMEs say is so: the reading path, every command, the example, the pictures, the figures."""

import contextlib
import io
import json
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from main import READING_PATH, parser
from tiny_rag.answer import answer
from tiny_rag.embedder import LSA
from tiny_rag.index import update
from tiny_rag.passages import Chunking
from tiny_rag.search import Searcher

TRACK = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.zh-CN.md")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"\bpython main\.py\b[^`\n]*")


def readme(name: str) -> str:
    return (TRACK / name).read_text(encoding="utf-8")


def fences(name: str, language: str) -> list[str]:
    return [code for found, code in FENCE.findall(readme(name)) if found == language]


# ---- the reading path ----------------------------------------------------------------------------------------------


def test_reading_path_is_short():
    lines = {file: len((TRACK / file).read_text(encoding="utf-8").splitlines()) for file in READING_PATH}
    assert len(lines) <= 8
    assert sum(lines.values()) <= 850, lines


@pytest.mark.parametrize("name", READMES)
def test_reading_path_is_listed_with_its_lines(name):
    script = runpy.run_path(str(TRACK / "docs" / "reading_path.py"))
    path = script["reading_path"]()
    assert list(path) == READING_PATH
    rows = [(row["file"], int(row["lines"])) for row in script["ROW"].finditer(readme(name))]
    assert rows == list(path.items()), "out of date; run: python docs/reading_path.py"
    assert [int(row["lines"]) for row in script["TOTAL"].finditer(readme(name))] == [sum(path.values())]


def test_reading_path_script_corrects_old_counts():
    script = runpy.run_path(str(TRACK / "docs" / "reading_path.py"))
    table = "| 1 | [`a.py`](a.py) | 7 | idea |\n| 2 | [`b.py`](b.py) | 8 | idea |\n| | total | 15 | |\n"
    updated = "| 1 | [`a.py`](a.py) | 10 | idea |\n| 2 | [`b.py`](b.py) | 20 | idea |\n| | total | 30 | |\n"
    assert script["updated"](table, {"a.py": 10, "b.py": 20}) == updated
    with pytest.raises(ValueError, match="edit the table"):
        script["updated"](table, {"b.py": 20, "a.py": 10})


# ---- commands and code ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READMES)
def test_every_command_is_one_that_main_understands(name):
    commands = COMMAND.findall(readme(name))
    used = set()
    for command in commands:
        arguments = shlex.split(command)[2:]
        complaint = io.StringIO()
        with contextlib.redirect_stderr(complaint), contextlib.suppress(SystemExit):
            used.add(parser().parse_args(arguments).run.__name__)
        assert not complaint.getvalue(), f"{command}: {complaint.getvalue()}"
    assert used == {"demo", "index", "search", "ask", "evaluate", "doctor", "read"}


def test_both_languages_show_the_same_commands():
    english, chinese = (fences(name, "sh") for name in READMES)
    assert english == chinese


def test_the_example_prints_what_it_says():
    code, output = fences("README.md", "python")[0], fences("README.md", "output")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=TRACK, capture_output=True, encoding="utf-8")
    assert done.stdout == output, done.stderr


def test_every_package_is_explained():
    required = re.findall(r"^([A-Za-z][\w-]*)", (TRACK / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)
    for name in READMES:
        cells = re.findall(r"^\| ([\w-]+(?:, [\w-]+)*) \| ", readme(name), re.MULTILINE)
        named = {package for cell in cells for package in cell.split(", ")}
        assert set(required) <= named, f"{name} doesn't say why {set(required) - named} is needed"


# ---- pictures and figures ------------------------------------------------------------------------------------------


def test_pictures_are_what_the_script_draws():
    drawn = runpy.run_path(str(TRACK / "docs" / "make_pictures.py"))["pictures"]()
    assert {path.name for path in (TRACK / "docs").glob("*.svg")} == drawn.keys()
    for name, content in drawn.items():
        shipped = (TRACK / "docs" / name).read_text(encoding="utf-8")
        assert shipped == content, f"{name} is out of date; run: python docs/make_pictures.py"


def test_terminal_wraps_without_losing_a_character():
    script = runpy.run_path(str(TRACK / "docs" / "make_pictures.py"))
    line = "A: “停电后蓄电池可支撑二十二分钟，只供圆顶电机和应急灯。” [1] " + "and some English words " * 9
    pieces = list(script["wrap"](line))
    assert len(pieces) > 2
    assert all(script["cells"](piece) <= script["CELLS"] for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(line.split())
    assert not any(piece.lstrip()[:1] in script["NOT_FIRST"] for piece in pieces)


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """Without a model, on the sample questions: how often a quote holds the answer, how often a refusal is right."""
    store = tmp_path_factory.mktemp("figures") / "store"
    update(store, [TRACK / "sample" / "docs"], LSA(), Chunking())
    questions = [json.loads(line) for line in readme("sample/questions.jsonl").splitlines()]
    quoted: list[bool] = []
    refused: dict[bool, list[bool]] = {True: [], False: []}
    with Searcher(store) as searcher:
        for question in questions:
            result = answer(searcher, question["question"])
            answerable = question.get("answerable", True)
            refused[answerable].append(not result.found)
            if answerable:
                wanted = [*question["answers"], *(evidence["quote"] for evidence in question["relevant"])]
                quotes = [citation["quote"] for citation in result.citations]
                quoted.append(any(words in quote for words in wanted for quote in quotes))
    return {
        "quoted": (sum(quoted), len(quoted)),
        "refused": (sum(refused[False]), len(refused[False])),
        "wrongly refused": sum(refused[True]),
    }


@pytest.mark.parametrize("name", READMES)
def test_figures_on_the_samples_are_todays(name, figures):
    for what in ("quoted", "refused"):
        (written,) = re.findall(rf"<!-- {what} -->(.*?)<!-- /{what} -->", readme(name))
        assert sorted(map(int, re.findall(r"\d+", written))) == sorted(figures[what]), f"{what} is {figures[what]} now"
    assert figures["wrongly refused"] == 0, "both READMEs say that none is; correct them"
