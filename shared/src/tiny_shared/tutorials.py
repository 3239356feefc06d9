"""Tutorials as tests: every block of a TUTORIAL.md is executed, and its outputs and excerpts are held to the code.

A track with many chapters keeps them in blog/, beside its TUTORIAL.md; they are run alike, each by itself.

`tiny_shared.fences` says how such a document is written. Whatever it owes to the code is an `Edit`: a stretch of text
and what should stand there. A test wants no edits; `update` applies them. The Chinese file isn't run: its code must be
the English one's, byte for byte, and its outputs and excerpts are copied from there.

    python -m tiny_shared.tutorials check|update|notebook TRACK
"""

import ast
import contextlib
import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from pathlib import Path

from tiny_shared.fences import Document, Fence, TutorialError, same_code
from tiny_shared.files import atomic_write

ENGLISH, CHINESE = "TUTORIAL.md", "TUTORIAL.zh-CN.md"
CHAPTERS, TRANSLATED = "blog", ".zh-CN.md"
LARGEST_SHIPPED = 5_000_000  # bytes; a larger file was downloaded or built, and a tutorial does without it


@dataclass(frozen=True)
class Edit:
    """text[start:end] should be `new`; `why` starts with the line that it is about."""

    start: int
    end: int
    new: str
    line: int
    why: str


def documents(track: Path) -> list[Path]:
    """The English tutorial and chapters, in their order."""
    chapters = [path for path in sorted((track / CHAPTERS).glob("*.md")) if not path.name.endswith(TRANSLATED)]
    return [track / ENGLISH, *chapters]


def translation_of(path: Path) -> Path:
    return path.with_name(path.name.removesuffix(".md") + TRANSLATED)


def track_of(path: Path) -> Path:
    """The folder that a tutorial or chapter is about, and runs in."""
    folder = path.resolve().parent
    return folder.parent if folder.name == CHAPTERS else folder


def run(document: Document) -> list[Edit]:
    """Execute the document in a temporary copy of its track; return what it owes to the code."""
    import sybil
    from sybil.evaluators.python import PythonEvaluator
    from sybil.region import Lexeme

    track, execute = track_of(document.path), PythonEvaluator()
    examples = sybil.Document(document.text, str(document.path))  # one namespace for all of them
    edits: list[Edit] = []
    with _inside_a_copy(track):
        for fence, output in document.blocks():
            if fence.kind == "source":
                edits += _replace(fence, excerpt(document, fence, track), f"{fence.argument} has changed")
            elif fence.language == "bash" and fence.kind == "run":
                edits += _show(fence, output, _run_commands(document, fence))
            elif fence.kind == "run":
                code = sybil.Region(fence.start, fence.end, Lexeme(fence.code, 0, line_offset=0))
                with contextlib.redirect_stdout(io.StringIO()) as stdout:
                    execute(sybil.Example(examples, fence.line, 1, code, examples.namespace))
                edits += _show(fence, output, stdout.getvalue())
    return edits


def translate(english: Document, translation: Document) -> list[Edit]:
    """What the translation owes to the English file: outputs and excerpts. The code itself has to agree already."""
    edits: list[Edit] = []
    for (fence, output), (model, shown) in zip(translation.blocks(), english.blocks(), strict=False):
        if fence.kind == model.kind == "source":
            edits += _replace(fence, model.code, f"the excerpt differs from {english.path.name}:{model.line}")
        elif (fence.kind, fence.language, fence.code) != (model.kind, model.language, model.code):
            raise translation.error(fence.line, f"this code differs from {english.path.name}:{model.line}; copy it")
        edits += _show(fence, output, shown.code if shown else "")
    return edits


def apply(document: Document, edits: Sequence[Edit]) -> bool:
    """Write the edits into the file, atomically; False if there was nothing to write."""
    text = document.text
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):  # from the end: offsets before it stay true
        text = text[: edit.start] + edit.new + text[edit.end :]
    if edits:
        atomic_write(document.path, text)
    return bool(edits)


def excerpt(document: Document, fence: Fence, track: Path) -> str:
    """The source of `file.py::name` or `file.py::Class.method`, at the left margin, decorators included."""
    file, _, name = fence.argument.partition("::")
    try:
        source = (track / file).read_text(encoding="utf-8")
    except OSError as error:
        raise document.error(fence.line, f"cannot read the source {file!r} ({error}); correct the path") from None
    nodes: list[ast.stmt] = ast.parse(source).body
    found: ast.stmt | None = None
    for part in name.split("."):
        found = next((node for node in nodes if part in _names(node)), None)
        nodes = found.body if isinstance(found, ast.ClassDef) else []
    if found is None:
        raise document.error(fence.line, f"{file} defines no {name!r}; write <!-- source: file.py::name -->")
    first = min([found.lineno, *(node.lineno for node in getattr(found, "decorator_list", []))])
    return textwrap.dedent("\n".join(source.splitlines()[first - 1 : found.end_lineno]) + "\n")


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


@contextlib.contextmanager
def _inside_a_copy(track: Path) -> Iterator[None]:
    """Work in a copy of the track: a tutorial may write beside its files, as its reader would, and nothing is left."""

    def left_out(folder: str, names: list[str]) -> list[str]:
        paths = [Path(folder, name) for name in names]
        large = [path.name for path in paths if path.is_file() and path.stat().st_size > LARGEST_SHIPPED]
        return large + [name for name in names if name.startswith(".") or name == "__pycache__"]

    path_before = sys.path[:]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
        folder = Path(temporary, track.name)
        shutil.copytree(track, folder, ignore=left_out)
        sys.path.insert(0, str(track))
        try:
            with contextlib.chdir(folder):
                yield
        finally:
            sys.path[:] = path_before


def _run_commands(document: Document, fence: Fence) -> str:
    """What the `python ...` lines print; run without a shell, so that they mean the same on every system."""
    printed = ""
    for line in fence.code.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if not words:
            continue
        if words[0] != "python":
            raise document.error(fence.line, f"<!-- run --> runs lines that start with `python` (got {line!r})")
        command, environment = [sys.executable, *words[1:]], os.environ | {"PYTHONUTF8": "1"}
        done = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
        if done.returncode:
            raise document.error(fence.line, f"{line!r} exited with {done.returncode}:\n{done.stdout}{done.stderr}")
        printed += done.stdout
    return printed


def _show(fence: Fence, output: Fence | None, printed: str) -> list[Edit]:
    """What must be done so that the output fence of this block, perhaps still to be made, shows what it printed."""
    if printed and not printed.endswith("\n"):
        printed += "\n"
    if output is not None:
        return _replace(output, printed, "the block above prints something else")
    new = f"\n\n```output\n{printed}```"
    return [Edit(fence.end, fence.end, new, fence.line, "its output is not shown")] if printed else []


def _replace(fence: Fence, code: str, why: str) -> list[Edit]:
    if fence.code == code:
        return []
    difference = "".join(unified_diff(fence.code.splitlines(True), code.splitlines(True), "written", "true", n=1))
    start = fence.code_start
    return [Edit(start, start + len(fence.code), code, fence.line, f"{why}\n{difference}")]


def check_tutorial(path: Path) -> None:
    """Raise TutorialError unless the document holds: the English one by running it, the Chinese one by comparison."""
    document = Document(path)
    if path.name.endswith(TRANSLATED):
        return same_code(Document(path.with_name(path.name.removesuffix(TRANSLATED) + ".md")), document)
    edits = run(document)
    if edits:
        list_of_edits = "\n".join(f"{path}:{edit.line}: {edit.why}" for edit in edits)
        raise TutorialError(f"{list_of_edits}\nmake tutorial-update rewrites outputs and excerpts")


def tutorial_tests(track: Path) -> Callable[[str], None]:
    """For a track's tests/test_tutorial.py: `test_tutorial = tutorial_tests(Path(__file__).parents[1])`."""
    import pytest

    @pytest.mark.parametrize("name", [path.relative_to(track).as_posix() for path in both(track)])
    def test_tutorial(name: str) -> None:
        check_tutorial(track / name)

    return test_tutorial


def update(track: Path) -> None:
    """Run the English tutorial and chapters, and write their outputs and excerpts into both languages."""
    for path in documents(track):
        english = Document(path)
        _report(english, apply(english, run(english)))
        english, chinese = Document(path), Document(translation_of(path))
        _report(chinese, apply(chinese, translate(english, chinese)))
        same_code(english, Document(translation_of(path)))


def _report(document: Document, changed: bool) -> None:
    print(f"{document.path}: {'updated' if changed else 'nothing to change'}")


def both(track: Path) -> list[Path]:
    """Every document in both languages."""
    return [path for english in documents(track) for path in (english, translation_of(english))]


def main() -> int:
    from tiny_shared import cli, notebook

    def check(track: Path) -> None:
        for path in both(track):
            check_tutorial(path)
            print(f"{path}: holds")

    def notebooks(track: Path) -> None:
        for path in both(track):
            print(f"{notebook.write(Document(path))}: written; open it with Jupyter")

    parser = cli.Parser(prog="-m tiny_shared.tutorials", description="Check, update or convert a track's tutorials.")
    commands = {"check": check, "update": update, "notebook": notebooks}
    parser.add_argument("command", choices=commands)
    parser.add_argument("track", type=Path, help="the track's folder")
    parser.set_defaults(run=lambda args: commands[args.command](args.track))
    return cli.run(parser)


if __name__ == "__main__":
    sys.exit(main())
