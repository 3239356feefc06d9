"""How well a model predicts a text of yours, in perplexity and in bits per byte.

--data: a text file, or a folder of .txt. A text is cut at line ends into windows of about 2,000 characters, and each is
read from its beginning: the first token of a window has nothing before it and isn't counted. It takes a completions
server that echoes log-probabilities, or baseline:ngram.
"""

from collections.abc import Iterator
from pathlib import Path

from tiny_eval.problem import EvalProblem
from tiny_eval.running.files import all_files
from tiny_eval.running.task import Fields, Task

WINDOW = 2000


def read(path: Path) -> Iterator[Fields]:
    for file in all_files(path, "*.txt"):
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise EvalProblem(f"{file.as_posix()}: not UTF-8; save the file as UTF-8") from None
        for number, window in enumerate(windows(text), 1):
            yield {"id": f"{file.stem}-{number}", "input": window, "answers": [""]}


def windows(text: str, longest: int = WINDOW) -> Iterator[str]:
    """Whole lines, up to `longest` characters; a longer line is cut. Joined, they are the text again."""
    held = ""
    for line in text.splitlines(keepends=True):
        while len(held) + len(line) > longest:
            if held:
                yield held
                held = ""
            else:
                yield line[:longest]
                line = line[longest:]
        held += line
    if held:
        yield held


TASK = Task(
    name="perplexity",
    kind="perplexity",
    about="perplexity and bits per byte of a text; --data FILE.txt",
    prompt="",
    metric="perplexity",
    max_tokens=1,
    read=read,
)
