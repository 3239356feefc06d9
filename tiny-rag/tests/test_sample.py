"""The shipped samples are what their README says, and the demonstration answers from them."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import main
from tiny_rag.readers import read

TRACK = Path(main.__file__).parent
SAMPLE = TRACK / "sample"


@pytest.fixture(scope="module")
def make_samples():
    """sample/make_samples.py as a module: its checks read the documents without the readers that are tested here."""
    spec = importlib.util.spec_from_file_location("make_samples", SAMPLE / "make_samples.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo():
    """`python main.py`, run from another folder, as lines."""
    done = subprocess.run(
        [sys.executable, str(TRACK / "main.py")], cwd=TRACK.parent, capture_output=True, encoding="utf-8", timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_samples_are_consistent(make_samples):
    """Quotes stand once in their documents, no character only looks right, every planted instruction is there."""
    assert make_samples.check() == []


def test_the_checks_can_fail(make_samples):
    lines = (SAMPLE / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    spoiled = [lines[0].replace("18:00", "18:30"), *lines[1:]]
    assert len(list(make_samples.question_problems(spoiled))) == 1
    plants = (SAMPLE / "injections.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(list(make_samples.injection_problems(plants[1:]))) == 1
    assert make_samples.odd_characters("⽆ﬁ\u200b") == ["U+200B", "U+2F46", "U+FB01"]


def test_the_readers_read_what_the_checks_read(make_samples):
    """Two ways to read a document: the track's readers and the few lines in make_samples.py."""

    def bare(text):
        """Without the marks of Markdown and tables."""
        return make_samples.unspaced(re.sub(r"```\w*|[|*`#_>-]+", "", text))

    for path in sorted((SAMPLE / "docs").iterdir()):
        (document,) = read(path)
        for line in make_samples.text_of(path).splitlines():
            assert bare(line) in bare(document.text), f"{path.name}: {line}"


def test_the_demonstration_answers_three_questions_with_right_citations(demo):
    asked = re.split(r"^Q: ", demo, flags=re.M)[1:]
    assert [text.partition("\n")[0] for text in asked] == main.DEMO_QUESTIONS
    english, chinese, absent = (text.partition("\nA: ")[2] for text in asked)
    assert "312 steps" in english and re.search(r"^ +\[(\d)\] \S*visitor-handbook\.pdf, page 2 ", english, re.M)
    assert "二十二分钟" in chinese and re.search(r"^ +\[(\d)\] \S*值班手册\.docx, 三、停电怎么办 ", chinese, re.M)
    assert absent.startswith("Not in the documents.\n") and "[" not in absent.partition("\n\n")[0]
    assert "python main.py index PATH" in absent, "it ends with the next command"


def test_every_citation_of_the_demonstration_points_at_its_quote(demo):
    """The offsets that it prints, looked up in the documents."""
    quotes = {number: quote for quote, number in re.findall(r"“(.*)” \[(\d+)\]", demo.split("Q: ")[1])}
    places = re.findall(r"^ +\[(\d+)\] (\S+?), .*\(characters (\d+)–(\d+)\)", demo.split("Q: ")[1], re.M)
    assert len(places) == len(quotes) >= 1
    for number, source, start, end in places:
        (document,) = read(SAMPLE / "docs" / Path(source).name)
        assert " ".join(document.text[int(start) : int(end)].split()) == quotes[number]


def test_the_demonstration_reads_all_formats(demo):
    assert "8 files indexed" in demo
    assert {path.suffix for path in (SAMPLE / "docs").iterdir()} >= {".pdf", ".md", ".html", ".docx", ".txt"}
