"""Text files in pieces that a question can be asked about, each with the place that it came from.

A place is counted in characters of the file as it is read (UTF-8, line ends as \\n), so that everything that is made of
a passage can be traced to its source: text[start:end] is the passage.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tiny_llama3.problem import Problem

SUFFIXES = (".txt", ".md")
# A line end within a sentence: the line was long, and the next one is neither empty nor an item of a list.
WRAP = r"(?<=[^\n]{40})\n(?=[^\W_])(?!\d+[.)]\s)"
_INSIDE = rf"(?:[^.!?。！？\n]|{WRAP}|\.(?=[0-9A-Za-z]))"  # "212.5", "main.py"
SENTENCE = re.compile(rf"{_INSIDE}*[.!?。！？]+[”’\"')）]*|{_INSIDE}+")


@dataclass(frozen=True)
class Passage:
    file: str  # below the folder
    start: int
    end: int
    text: str

    @property
    def id(self) -> str:
        return f"{self.file}:{self.start}-{self.end}"


def read_sources(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of a file or of a folder's files, by name; and why others in there weren't read, by name.

    Raises Problem where there is no text at all.
    """
    if not path.exists():
        raise Problem(f"{path.as_posix()}: there is no such file or folder; correct the name")
    found = sorted(path.rglob("*")) if path.is_dir() else [path]
    files = [file for file in found if file.is_file()]
    files = [file for file in files if not any(part.startswith(".") for part in file.relative_to(path).parts)]
    texts, unread = {}, {}
    for file in files:
        name = file.relative_to(path).as_posix() if path.is_dir() else file.name
        if file.suffix.lower() not in SUFFIXES:
            unread[name] = f"only {' and '.join(SUFFIXES)} files are read; tiny-rag's command `texts` makes one of it"
            continue
        try:
            text = file.read_text(encoding="utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            unread[name] = "it isn't UTF-8; save it as UTF-8, or let tiny-rag's command `texts` do it"
            continue
        if text.strip():
            texts[name] = text
    if not texts:
        first = next((f" ({name}: {why})" for name, why in unread.items()), "")
        raise Problem(f"{path.as_posix()} has no text in {' or '.join(SUFFIXES)} files{first}; name another folder")
    return texts, unread


def passages(texts: dict[str, str], longest: int = 700, shortest: int = 40) -> Iterator[Passage]:
    """Paragraphs, long ones cut between sentences. Headings and other scraps below `shortest` are left out."""
    for file, text in texts.items():
        for paragraph in re.finditer(r"(?:[^\n]+\n?)+", text):
            start = end = None
            for sentence in SENTENCE.finditer(text, paragraph.start(), paragraph.end()):
                if not sentence.group().strip():
                    continue
                if start is not None and end is not None and sentence.end() - start > longest:
                    yield from _passage(file, text, start, end, shortest)
                    start = None
                if start is None:
                    start = sentence.start()
                end = sentence.end()
            if start is not None and end is not None:
                yield from _passage(file, text, start, end, shortest)


def _passage(file: str, text: str, start: int, end: int, shortest: int) -> Iterator[Passage]:
    piece = text[start:end]
    start += len(piece) - len(piece.lstrip())
    piece = piece.strip()
    # a Chinese character says about as much as three Latin letters
    weight = len(piece) + 2 * len(re.findall(r"[\u4e00-\u9fff]", piece))
    if weight >= shortest and not re.match(r"#{1,6} |\||```", piece):
        yield Passage(file, start, start + len(piece), piece)


def unwrapped(text: str) -> str:
    """Without line ends inside sentences: a space in their place, or nothing between Chinese characters."""
    text = re.sub(rf"(?<=[\u3000-\u9fff\uff00-\uffef]){WRAP}(?=[\u4e00-\u9fff])", "", text)
    return re.sub(WRAP, " ", text)


def sentences(passage: Passage) -> Iterator[tuple[int, str]]:
    """Each sentence of a passage with its place in the file."""
    for found in SENTENCE.finditer(passage.text):
        sentence = re.sub(r"^\s*(?:[-*•>]|\d+[.)])?\s*", "", found.group())  # without a list's mark
        if sentence.strip():
            yield passage.start + found.end() - len(sentence), sentence.rstrip()
