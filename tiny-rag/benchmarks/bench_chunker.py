"""Chunking beside LangChain's recursive splitter: megabytes of UTF-8 a second, at most 256 tokens a chunk, no overlap.

LangChain asks a function how long each piece is: first our `count_tokens`, then a regular expression for nearly the
same rule, which is quicker on its many small pieces. With `--data DIR`: Shakespeare's plays and Tang poems, if they are
there (`tinyshakespeare.txt`, `tang_poems.jsonl.gz`).
"""

import gzip
import json
import re
from collections.abc import Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path

from langchain_text_splitters import RecursiveCharacterTextSplitter
from tiny_shared.benchmarks import Row, command, in_turn, speed

from benchmarks.texts import prose
from tiny_rag.chunker import chunk, count_tokens

N_BYTES, MAX_TOKENS, ROUNDS = 5_000_000, 256, 3
PLAYS, POEMS = "tinyshakespeare.txt", "tang_poems.jsonl.gz"
TOKEN = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff]|[^\W\u2e80-\u9fff\uf900-\ufaff]{1,8}|[^\w\s]")


def run(data: Path | None = None, scale: float = 1.0) -> list[Row]:
    """Cutting and counting alone, in English and in Chinese."""
    rows: list[Row] = []
    for name, text in texts(data, int(N_BYTES * scale)):
        rows += compared(name, text, command("tiny-rag", "chunker", data))
    return rows


def compared(name: str, text: str, command: str) -> Iterator[Row]:
    megabytes = len(text.encode()) / 1e6
    what = f"{megabytes:.3g} MB of {name}"
    peer = f"LangChain {version('langchain-text-splitters')}"
    for counter, length in (("our counter", count_tokens), ("a regex counter", count_by_regex)):
        splitter = RecursiveCharacterTextSplitter(chunk_size=MAX_TOKENS, chunk_overlap=0, length_function=length)
        seconds = in_turn(partial(chunk, text, MAX_TOKENS, 0), partial(splitter.split_text, text), ROUNDS)
        yield speed(f"{what}, cut; theirs with {counter}", megabytes, "MB/s", peer, seconds, command)
    seconds = in_turn(partial(count_tokens, text), partial(count_by_regex, text), ROUNDS)
    yield speed(f"{what}, only counted", megabytes, "MB/s", "re.findall", seconds, command)


def count_by_regex(text: str) -> int:
    return len(TOKEN.findall(text))


def texts(data: Path | None, n_bytes: int) -> Iterator[tuple[str, str]]:
    """What is cut: a name and a text of about `n_bytes` in each language."""
    if data is None or not (data / PLAYS).exists():
        yield "made-up English", prose("English", n_bytes)
        yield "made-up Chinese", prose("Chinese", n_bytes)
        return
    plays = (data / PLAYS).read_text(encoding="utf-8")
    yield "Shakespeare's plays, repeated", (plays * (n_bytes // len(plays) + 1))[:n_bytes]
    yield "Tang poems", "\n\n".join(tang_poems(data))[: n_bytes // 3]  # three bytes a character


def tang_poems(data: Path) -> list[str]:
    """Title and lines of each poem."""
    with gzip.open(data / POEMS, "rt", encoding="utf-8") as file:
        poems = map(json.loads, file)
        return ["\n".join([poem["title"], *poem["paragraphs"]]) for poem in poems]
