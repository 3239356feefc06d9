"""Texts as they come in: that they are texts, that they have a UTF-8, and in batches that are worth a process."""

from collections.abc import Iterable, Iterator

from tiny_llama3.problem import Problem

BATCH = 2**20  # characters that a process gets at once: half a second's work, longer than it takes to start one


def checked(text: str) -> str:
    """The text, if it has a UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise Problem(
            f"the text has a lone surrogate, U+{ord(text[error.start]):04X}, at character {error.start}, and thus no "
            "UTF-8; take it out, for example by text.encode('utf-8', 'replace').decode()"
        ) from None
    return text


def in_batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts, checked, in lists of about BATCH characters."""
    if isinstance(texts, str):
        raise Problem("texts is one text, which would be taken for a list of letters; give [text]")
    batch: list[str] = []
    room = BATCH
    for text in texts:
        batch.append(checked(text))
        room -= len(text)
        if room <= 0:
            yield batch
            batch, room = [], BATCH
    if batch:
        yield batch
