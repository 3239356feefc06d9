"""Corpora to download: where each lies, under which licence, and how its files are read.

The network is the caller's: `fetch(url, destination, licence)` brings a file, `hub(repo, file)` is the address of a
data set's file on Hugging Face or a mirror of it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from tiny_llama3.problem import Problem

GITHUB_FILES = "https://raw.githubusercontent.com"


@dataclass(frozen=True)
class Corpus:
    """`field` and `separate` are those of read_documents, `split` and `valid_share` those of prepare."""

    name: str
    about: str
    licence: str
    host: str  # hub (a data set there) or github
    repo: str
    files: tuple[str, ...]  # their paths in the repository
    field: str = "text"
    separate: str = "file"
    split: str = "hash"
    valid_share: float = 0.05

    def urls(self, hub: Callable[[str, str], str], base: str | None = None) -> list[str]:
        """The address of each file; `base` is that of a mirror of GitHub's files."""
        if self.host == "hub":
            return [hub(self.repo, file) for file in self.files]
        root = (base or GITHUB_FILES).rstrip("/")
        return [f"{root}/{quote(self.repo)}/master/{quote(file)}" for file in self.files]


CORPORA = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            "tinystories",
            "2.7 million very short stories in simple English, written by GPT-4 (2.2 GB)",
            "CDLA-Sharing-1.0 (https://cdla.dev/sharing-1-0), TinyStories by Ronen Eldan and Yuanzhi Li",
            "hub",
            "roneneldan/TinyStories",
            ("TinyStoriesV2-GPT4-train.txt", "TinyStoriesV2-GPT4-valid.txt"),
            separate="<|endoftext|>",
        ),
        Corpus(
            "tinyshakespeare",
            "a million letters of Shakespeare's plays (1.1 MB)",
            "public domain (text of William Shakespeare's plays), collected by Andrej Karpathy in char-rnn",
            "github",
            "karpathy/char-rnn",
            ("data/tinyshakespeare/input.txt",),
            split="tail",
            valid_share=0.1,
        ),
        Corpus(
            "tang",
            "57,000 poems of the Tang dynasty, in traditional characters (58 files)",
            "MIT (https://github.com/chinese-poetry/chinese-poetry), poems in the public domain",
            "github",
            "chinese-poetry/chinese-poetry",
            tuple(f"全唐诗/poet.tang.{first}.json" for first in range(0, 58_000, 1_000)),
            field="paragraphs",
        ),
    )
}


def download_corpus(
    name: str,
    folder: Path,
    fetch: Callable[[str, Path, str], object],
    hub: Callable[[str, str], str],
    base: str | None = None,
) -> list[Path]:
    """Bring the files into the folder, one after the other, and return their paths."""
    if name not in CORPORA:
        raise Problem(f"there is no corpus {name!r}; choose {', '.join(CORPORA)}")
    corpus = CORPORA[name]
    paths = []
    for file, url in zip(corpus.files, corpus.urls(hub, base), strict=True):
        path = folder / PurePosixPath(file).name
        fetch(url, path, corpus.licence)
        paths.append(path)
    return paths
