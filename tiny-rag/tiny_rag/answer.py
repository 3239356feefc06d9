"""Answer a question from an index, with citations that exist, or say that it isn't in the documents.

With a chat model: retrieve, build the prompt, stream, check the citations. Without one: quote the best sentences.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .analysis import stem
from .bm25 import idf
from .citations import check
from .extract import extract
from .passages import Passage
from .prompt import NOT_FOUND, PromptProblem, build_counted, language_of
from .search import Hit, Searcher

PASSAGES = 6
ABSENT = {"en": "Not in the documents.", "zh": "文档中没有。"}


@dataclass
class Answer:
    """What came out, and everything that led to it."""

    question: str
    text: str
    found: bool
    citations: list[dict[str, Any]]  # number, id, source, page, start, end and, without a model, the quote
    method: str  # "model" or "extractive"
    hits: list[Hit]
    removed_citations: tuple[int, ...] = ()  # numbers that the model made up
    messages: list[dict[str, str]] = field(default_factory=list)  # the exact prompt

    def as_json(self, trace: bool = False) -> dict[str, Any]:
        """The form that `ask --json` prints."""
        result = {
            "question": self.question,
            "answer": self.text,
            "found": self.found,
            "citations": self.citations,
            "method": self.method,
            "removed_citations": list(self.removed_citations),
        }
        if trace:
            result |= {"passages": [hit.as_json() for hit in self.hits], "messages": self.messages}
        return result


def answer(
    searcher: Searcher,
    question: str,
    stream: Callable[[list[dict[str, str]]], Iterator[str]] | None = None,
    on_piece: Callable[[str], None] = lambda piece: None,
    k: int = PASSAGES,
    mode: str = "hybrid",
    max_tokens: int = 3000,
) -> Answer:
    """Answer from the best `k` passages. `stream` sends messages to a chat model and yields its answer in pieces."""
    if not question.strip():
        raise PromptProblem("the question is empty; ask something")
    hits = searcher.search(question, k, mode)
    passages = [hit.passage for hit in hits]
    if stream is None:
        return extractive(searcher, question, hits)
    messages, n_given = build_counted(question, passages, max_tokens)
    pieces = []
    for piece in stream(messages):
        pieces.append(piece)
        on_piece(piece)
    checked = check("".join(pieces), n_given)
    language = language_of(question)
    found = not is_refusal(checked.text)
    citations = [_citation(number, passages[number - 1]) for number in checked.cited] if found else []
    text = checked.text if found else ABSENT[language]
    return Answer(question, text, found, citations, "model", hits, checked.removed, messages)


def is_refusal(reply: str) -> bool:
    """Whether a model's reply is nothing but the phrase for "not in the documents", in either language."""
    words = re.sub(r"\[\d+\]|[\W_]", "", reply).casefold()
    return not words or words in {re.sub(r"\W", "", phrase).casefold() for phrase in NOT_FOUND.values()}


def extractive(searcher: Searcher, question: str, hits: list[Hit]) -> Answer:
    """The best sentences of the hits, as quotations."""
    passages = [hit.passage for hit in hits]
    quotes = extract(question, passages, term_weights(searcher))
    lines, citations = [], []
    for quote in quotes:
        passage = passages[quote.number - 1]
        text = " ".join(quote.text.split())
        lines.append(f"“{text}” [{quote.number}]")
        place = {"start": passage.start + quote.start, "end": passage.start + quote.end, "quote": quote.text}
        citations.append(_citation(quote.number, passage, passage.start + quote.start) | place)
    text = "\n".join(lines) or ABSENT[language_of(question)]
    return Answer(question, text, bool(quotes), citations, "extractive", hits)


def term_weights(searcher: Searcher) -> Callable[[str], float]:
    """idf of any word, whole or stemmed as the passages have it; words that none has count as the rarest."""
    counts = searcher.bm25.counts
    idf_V = idf(counts.document_frequency, len(counts))
    unknown = float(idf(np.ones(1), len(counts))[0])

    def weight(word: str) -> float:
        id = counts.id_of.get(stem(word), counts.id_of.get(word))
        return unknown if id is None else float(idf_V[id])

    return weight


def _citation(number: int, passage: Passage, offset: int | None = None) -> dict[str, Any]:
    span = passage.span_at(passage.start if offset is None else offset)
    return {
        "number": number,
        "id": passage.record if passage.record is not None else passage.id,
        "source": passage.source,
        "page": span.page,
        "heading": list(span.heading),
        "start": passage.start,
        "end": passage.end,
    }
