"""What GitHub would show broken in the Markdown files that ship, and code that differs between two languages.

    links     relative links, images and #anchors lead somewhere (anchors by GitHub's rule, Chinese headings included)
    maths     `$x$` stands between spaces or ASCII punctuation, otherwise GitHub prints the dollars
    bold      `**` opens and closes by CommonMark's rule; in Chinese, `**文字。**后文` does not
    code      X.md and X.zh-CN.md have the same python and output fences
    hosts     no package registry is named; which one pip uses is the reader's own setting

Run from the repository's root: python -m tools.check_markdown
"""

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import unquote

from tiny_shared.fences import Document, TutorialError, same_code

from tools.shipped import shipped_files, tracks

CHINESE = ".zh-CN.md"
LINK = re.compile(
    r"""\]\(\s*<?([^)\s>]+)"""  # [text](target), ![alt](target)
    r"""|^\s{0,3}\[[^\]]+\]:\s*<?([^\s>]+)"""  # [name]: target
    r"""|<(?:a|img)\b[^>]*?\b(?:href|src)="([^"]+)\"""",
    re.MULTILINE,
)
HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t#]*$|<h[1-6][^>]*>(.*?)</h[1-6]>", re.MULTILINE)
MATHS = re.compile(r"(?<![\\$])\$(?![\s$])[^$\n]*?(?<![\s\\])\$(?![\d$])")
REGISTRIES = re.compile(r"pypi\.[a-z]{2}|pythonhosted\.org|npmjs\.|crates\.io|anaconda\.org|/pypi/", re.IGNORECASE)

Problem = tuple[int, str]  # position in the text, message


def problems(root: Path) -> list[str]:
    files = [path for path in shipped_files(root) if "sample" not in path.parts]  # samples are data, not ours to mend
    documents: dict[str, Document] = {}
    found: list[str] = []
    for name in (path.as_posix() for path in files if path.suffix == ".md"):
        try:
            documents[name] = Document(root / name)
        except TutorialError as error:
            found.append(_relative(error, root))
    existing = {path.as_posix() for file in shipped_files(root) for path in [file, *file.parents]}
    anchors = {name: anchors_of(document.text, prose(document)) for name, document in documents.items()}
    for name, document in documents.items():
        text = prose(document)
        checks = [*bad_links(name, text, existing, anchors), *bad_maths(text), *bad_bold(text)]
        checks += [(match.start(), f"names a package registry ({match[0]})")
                   for match in REGISTRIES.finditer(document.text)]  # fmt: skip
        for position, message in sorted(checks):
            found.append(f"{name}:{text.count(chr(10), 0, position) + 1}: {message}")
    return found + list(bad_pairs(root, documents))


def _relative(error: TutorialError, root: Path) -> str:
    return str(error).removeprefix(f"{root}/").removeprefix(f"{root}\\")


def prose(document: Document) -> str:
    """The text with fences, comments and inline code blanked out; every character keeps its place."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match[0])

    text = document.text
    for fence in document.fences:
        hidden = re.sub(r"[^\n]", " ", text[fence.start : fence.end])
        text = text[: fence.start] + hidden + text[fence.end :]
    text = re.sub(r"<!--.*?-->", blank, text, flags=re.DOTALL)
    # the backticks stay: to the rule about bold they are punctuation
    return re.sub(r"(?<!`)(`+)(?!`)([^\n]*?[^`\n])\1(?!`)", lambda m: m[1] + "x" * len(m[2]) + m[1], text)


def anchors_of(text: str, without_code: str) -> set[str]:
    """The anchors that GitHub gives the headings: lower case; letters, digits, `_` and `-`; spaces become `-`."""
    used: Counter[str] = Counter()
    found = set(re.findall(r"""<[^>]*\b(?:id|name)="([^"]+)""", without_code))
    for match in HEADING.finditer(without_code):
        group = 1 if match[1] is not None else 2
        heading = re.sub(r"!?\[([^\]]*)\]\([^)]*\)|<[^>]+>", r"\1", text[match.start(group) : match.end(group)])
        slug = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.add(f"{slug}-{used[slug]}" if used[slug] else slug)
        used[slug] += 1
    return found


def bad_links(name: str, text: str, existing: set[str], anchors: dict[str, set[str]]) -> Iterator[Problem]:
    folder = PurePosixPath(name).parent
    for match in LINK.finditer(text):
        target = unquote(match[1] or match[2] or match[3])
        if re.match(r"[a-z][a-z+.-]*:|//", target):  # https: and the like; tests are offline
            continue
        path, _, anchor = target.partition("#")
        goal = normpath(path.lstrip("/") if path.startswith("/") else str(folder / path)) if path else name
        if goal not in existing:
            yield match.start(), f"link to {target!r}: no such file ships"
        elif anchor and goal in anchors and anchor not in anchors[goal]:
            yield match.start(), f"link to {target!r}: {goal} has no heading with this anchor"


def bad_maths(text: str) -> Iterator[Problem]:
    for match in MATHS.finditer(text):
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        if not all(char == "" or char.isspace() or char in "()[]|.,;:!?-'\"*" for char in (before, after)):
            yield match.start(), f"{before}{match[0]}{after}: put a space on both sides of {match[0]}"


def bad_bold(text: str) -> Iterator[Problem]:
    """CommonMark's rule for `**` (section 6.2), applied to opening and closing ones in turn."""
    for paragraph in re.finditer(r"(?:[^\n]*\S[^\n]*(?:\n|\Z))+", text):
        marks = list(re.finditer(r"(?<![*\\])\*\*(?!\*)", paragraph[0]))
        if len(marks) % 2:
            yield paragraph.start() + marks[-1].start(), "a ** without its partner"
            continue
        for number, mark in enumerate(marks):
            before, after = paragraph[0][: mark.start()][-1:], paragraph[0][mark.end() :][:1]
            inner, outer = (after, before) if number % 2 == 0 else (before, after)
            if _is_space(inner) or (_is_punctuation(inner) and not (_is_space(outer) or _is_punctuation(outer))):
                message = f"{before}**{after}: GitHub shows these asterisks; move {inner!r} out of the bold"
                yield paragraph.start() + mark.start(), message


def _is_space(char: str) -> bool:
    return not char.strip()


def _is_punctuation(char: str) -> bool:
    return unicodedata.category(char)[0] in "PS"


def bad_pairs(root: Path, documents: dict[str, Document]) -> Iterator[str]:
    """Both languages of every README and TUTORIAL that a newcomer meets, with the same code."""
    for folder in ["", *(f"{track}/" for track in tracks(root))]:
        for name in (f"{folder}README.md", f"{folder}TUTORIAL.md"):
            if name in documents and name.replace(".md", CHINESE) not in documents:
                yield f"{name}: has no {PurePosixPath(name).stem}{CHINESE} beside it"
    for name in documents:
        if not name.endswith(CHINESE):
            continue
        english = name.removesuffix(CHINESE) + ".md"
        if english not in documents:
            yield f"{name}: has no {PurePosixPath(english).name} beside it"
            continue
        try:
            same_code(documents[english], documents[name])
        except TutorialError as error:
            yield _relative(error, root)


def main() -> int:
    found = problems(Path.cwd())
    print("\n".join(found) or "Markdown: links, maths, bold and the two languages are fine")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
