"""What the READMEs say is so: what every track's say, and the figures on the samples."""

import json
import re
from pathlib import Path

import pytest
from tiny_shared.reading_path import READMES
from tiny_shared.testing.readme import readme_tests

from main import parser
from tiny_rag.answer import answer
from tiny_rag.embedder import LSA
from tiny_rag.index import update
from tiny_rag.passages import Chunking
from tiny_rag.search import Searcher

TRACK = Path(__file__).resolve().parents[1]

TestReadme = readme_tests(
    TRACK, parser, {"demo", "index", "search", "ask", "evaluate", "doctor", "read", "texts", "chats"}
)


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """Without a model, on the sample questions: how often a quote holds the answer, how often a refusal is right."""
    store = tmp_path_factory.mktemp("figures") / "store"
    update(store, [TRACK / "sample" / "docs"], LSA(), Chunking())
    lines = (TRACK / "sample" / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [json.loads(line) for line in lines]
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
    text = (TRACK / name).read_text(encoding="utf-8")
    for what in ("quoted", "refused"):
        (written,) = re.findall(rf"<!-- {what} -->(.*?)<!-- /{what} -->", text)
        assert sorted(map(int, re.findall(r"\d+", written))) == sorted(figures[what]), f"{what} is {figures[what]} now"
    assert figures["wrongly refused"] == 0, "both READMEs say that none is; correct them"
