"""Questions by a model, which is not believed: each must quote its passage, and whatever doesn't hold is rejected."""

import json
import re
from collections.abc import Iterator
from typing import Any

from tiny_llama3.make.items import Item, Reject
from tiny_llama3.make.passages import Passage

PROMPT = """Write {count} different questions about the passage below, in its language, each with its answer.
Each question must make sense without the passage and have exactly one answer, which stands in the passage.
Answer with a JSON array and nothing else: [{{"question": "…", "answer": "…", "quote": "…"}}]
"quote" is the sentence of the passage that has the answer, copied letter by letter.

Passage ({file}):
{text}"""


def prompt(passage: Passage, count: int) -> str:
    return PROMPT.format(count=count, file=passage.file, text=passage.text)


def read_reply(reply: str, passage: Passage, count: int) -> Iterator[Item | Reject]:
    """What a reply is worth: at most `count` items, and a reject for everything that is none."""
    rows = _array(reply)
    if rows is None:
        yield Reject("the reply is no JSON array", passage.id, answer=reply[:200])
        return
    for number, row in enumerate(rows):
        given = [row.get(name) for name in ("question", "answer", "quote")] if isinstance(row, dict) else []
        if not given or not all(isinstance(text, str) for text in given):
            yield Reject("an entry has no question, answer and quote", passage.id, answer=str(row)[:200])
            continue
        question, answer, quote = (str(text).strip() for text in given)
        if number >= count:
            yield Reject(f"more than the {count} that were asked for", passage.id, question, answer)
        elif (place := find(quote, passage.text)) is None:
            yield Reject("the quote doesn't stand in the source", passage.id, question, answer)
        else:
            start, end = passage.start + place[0], passage.start + place[1]
            exact = passage.text[place[0] : place[1]]
            yield Item(question, answer, exact, passage, start, end, "model")


def find(quote: str, text: str) -> tuple[int, int] | None:
    """Where the quote stands; line breaks and spaces may differ, for a model writes them as it likes."""
    words = quote.split()
    if not words:
        return None
    match = re.search(r"\s+".join(map(re.escape, words)), text)
    return match.span() if match else None


def _array(reply: str) -> list[Any] | None:
    """The first JSON array in the reply; models like to put words, or a fence, around it."""
    for match in re.finditer(r"\[", reply):
        try:
            value, _ = json.JSONDecoder().raw_decode(reply, match.start())
        except (ValueError, RecursionError):
            continue
        if isinstance(value, list) and (not value or isinstance(value[0], dict)):
            return value
    return None
