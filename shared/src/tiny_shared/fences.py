"""The fenced blocks of a Markdown file and the comments that direct them, lexed by Sybil (https://sybil.readthedocs.io).

What a writer may use, and what the tests make of it:

    python fence                           runs
    output fence                           must be what the block right above it printed
    <!-- source: pkg/file.py::name -->     the python fence below is that definition, verbatim; it isn't executed
    <!-- run -->                           the `python ...` lines of the bash fence below are executed
    <!-- skip: why -->                     the fence below isn't executed; the reason must be given
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tiny_shared import UserError

DIRECTIVE = re.compile(r"<!--\s*([\w-]+)(?::[ \t]*(.*?))?\s*-->[ \t]*\n\s*\Z")
LANGUAGES = {"source": ["python"], "run": ["bash"], "skip": ["python", "bash"]}
LOOKALIKES = {"py", "py3", "python3", "pycon", "Python"}  # readers would take them for code that is tested


class TutorialError(UserError, AssertionError):
    """A tutorial that is written wrongly or no longer says what the code does; the message starts with `file:line`."""


@dataclass(frozen=True)
class Fence:
    """text[start:end] from fence line to fence line; `code`, at text[code_start:], is what stands between them."""

    start: int
    end: int
    code_start: int
    line: int
    language: str
    code: str
    directive: str
    argument: str

    @property
    def kind(self) -> str:
        """What becomes of it: `run`, `source`, `skip` or `output`; empty for a block that is only read."""
        if self.directive or self.language == "output":
            return self.directive or "output"
        return "run" if self.language == "python" else ""


class Document:
    """A Markdown file: its path, its text, its fences in order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.fences = list(self._lex())

    def error(self, line: int, message: str) -> TutorialError:
        return TutorialError(f"{self.path}:{line}: {message}")

    def blocks(self) -> Iterator[tuple[Fence, Fence | None]]:
        """Each block of code (`run`, `source`, `skip`), with the output fence that follows it, if one does."""
        for index, fence in enumerate(self.fences):
            if fence.kind == "output":
                if index == 0 or self.fences[index - 1].kind not in ("run", "skip"):
                    raise self.error(fence.line, "an output fence must directly follow the block that printed it")
            elif fence.kind:
                following = self.fences[index + 1] if index + 1 < len(self.fences) else None
                yield fence, following if following and following.kind == "output" else None

    def _lex(self) -> Iterator[Fence]:
        import sybil
        from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

        lex = RawFencedCodeBlockLexer(re.compile(r"[ \t]*(?P<language>[\w+-]*)[^\n]*\n"))
        end = 0
        for region in sorted(lex(sybil.Document(self.text, str(self.path))), key=lambda region: region.start):
            if region.start < end:  # a fence that is shown inside a longer fence
                continue
            end = region.end
            code_start = self.text.index("\n", region.start) + 1
            code_end = self.text.rfind("\n", 0, end) + 1
            comment = DIRECTIVE.search(self.text, max(0, region.start - 300), region.start)
            fence = Fence(
                start=region.start,
                end=end,
                code_start=code_start,
                line=self.text.count("\n", 0, region.start) + 1,
                language=region.lexemes["language"],
                code=self.text[code_start:code_end],
                directive=comment[1] if comment else "",
                argument=comment[2] or "" if comment else "",
            )
            self._check(fence)
            yield fence

    def _check(self, fence: Fence) -> None:
        """Refuse what would silently not be tested."""
        if not self.text[fence.code_start + len(fence.code) : fence.end].lstrip(" \t>").startswith(("```", "~~~")):
            raise self.error(fence.line, "this fence is never closed")
        if fence.kind and self.text[fence.start] not in "`~":
            raise self.error(fence.line, f"a {fence.language} fence must start at the left margin")
        if fence.language in LOOKALIKES:
            raise self.error(fence.line, f"write ```python; ```{fence.language} is not run")
        if fence.directive and fence.language not in LANGUAGES.get(fence.directive, []):
            known = "; ".join(f"{name} above {' or '.join(allowed)}" for name, allowed in LANGUAGES.items())
            raise self.error(fence.line, f"<!-- {fence.directive} --> above ```{fence.language}; known are {known}")
        if fence.directive == "skip" and not fence.argument:
            raise self.error(fence.line, "a skip needs its reason: <!-- skip: why -->")


def same_code(english: Document, translation: Document) -> None:
    """Raise TutorialError at the first place where python, output or executed bash fences are not byte-identical."""
    ours, theirs = (
        [fence for fence in document.fences if fence.kind or fence.language == "python"]
        for document in (translation, english)
    )
    for fence, model in zip(ours, theirs, strict=False):
        if (fence.language, fence.directive, fence.code) != (model.language, model.directive, model.code):
            raise translation.error(
                fence.line,
                f"differs from {english.path.name}:{model.line}; there it is\n```{model.language}\n{model.code}```",
            )
    if len(ours) != len(theirs):
        raise translation.error(1, f"{len(ours)} blocks of code or output, {english.path.name} has {len(theirs)}")
