"""What every track's READMEs claim is so: the reading path, each command, the example, the packages, the pictures.

For a track's tests/test_readme.py: `TestReadme = readme_tests(TRACK, parser, {"demo", "search"})`.
"""

import contextlib
import io
import re
import runpy
import shlex
import subprocess
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path

from tiny_shared import reading_path
from tiny_shared.reading_path import READMES

MOST_FILES, MOST_LINES = 8, 850  # of a reading path
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMAND = re.compile(r"\bpython main\.py\b[^`\n]*")


def fences(text: str, language: str = "") -> list[str]:
    """The code of each fence, of one language or of all."""
    return [code for found, code in _FENCE.findall(text) if language in ("", found)]


def parsed_commands(text: str, parser: Callable[[], ArgumentParser]) -> list[tuple[str, Namespace]]:
    """Each `python main.py ...` of the text with the arguments that the parser reads there; --help and the like: none.

    Raises AssertionError with the parser's complaint about a command that it refuses.
    """
    parsed = []
    for command in _COMMAND.findall(text):
        arguments, complaint = shlex.split(command)[2:], io.StringIO()
        with contextlib.redirect_stderr(complaint), contextlib.suppress(SystemExit):
            parsed.append((command, parser().parse_args(arguments)))
        assert not complaint.getvalue(), f"{command}: {complaint.getvalue()}"
    return parsed


def check_reading_path(track: Path, name: str) -> None:
    """The README lists the files of `main.py read` with their lines, and they are few."""
    path = reading_path.read(track)
    total = sum(path.values())
    assert len(path) <= MOST_FILES and total <= MOST_LINES, f"the reading path is too long: {total} lines, {path}"
    files, totals = reading_path.listed(_text(track, name))
    assert list(files.items()) == list(path.items()) and totals == [total], (
        f"{name} is out of date; run: python -m tiny_shared.reading_path {track.name}"
    )


def check_commands(track: Path, name: str, parser: Callable[[], ArgumentParser], shown: set[str]) -> None:
    """main.py understands every command of the README, and all that should be shown are."""
    used = {args.run.__name__ for _, args in parsed_commands(_text(track, name), parser)}
    assert used == shown, f"{name} doesn't show {sorted(shown - used)}; it shows also {sorted(used - shown)}"


def check_same_blocks(track: Path) -> None:
    """Both languages show the same code."""
    english, chinese = (_FENCE.findall(_text(track, name)) for name in READMES)
    assert english == chinese, f"{READMES[0]} and {READMES[1]} show different code blocks"


def check_example(track: Path) -> None:
    """The first Python block prints the first output block."""
    text = _text(track, READMES[0])
    code, output = fences(text, "python")[0], fences(text, "output")[0]
    done = subprocess.run([sys.executable, "-c", code], cwd=track, capture_output=True, encoding="utf-8")
    assert done.stdout == output, f"the example of {READMES[0]} prints {done.stdout!r}\n{done.stderr}"


def check_packages(track: Path, name: str) -> None:
    """A table says of every package of requirements.txt why it is needed."""
    required = set(re.findall(r"^([A-Za-z][\w-]*)", _text(track, "requirements.txt"), re.MULTILINE))
    cells = re.findall(r"^\| ([\w-]+(?:, [\w-]+)*) \| ", _text(track, name), re.MULTILINE)
    missing = required - {package for cell in cells for package in cell.split(", ")}
    assert not missing, f"{name} doesn't say why {sorted(missing)} is needed"


def check_pictures(track: Path) -> None:
    """The pictures in docs/ are all that docs/make_pictures.py draws, as it draws them."""
    drawn = runpy.run_path(str(track / "docs" / "make_pictures.py"))["pictures"]()
    kept = {path.name: path.read_text(encoding="utf-8") for path in (track / "docs").glob("*.svg")}
    stale = sorted(name for name in drawn.keys() | kept.keys() if drawn.get(name) != kept.get(name))
    assert not stale, f"{', '.join(stale)}: not what the code draws; run: python docs/make_pictures.py"


def check_measured(track: Path, name: str) -> None:
    """Every figure with a decimal point between <!-- measured --> and <!-- /measured --> stands in RESULTS.md."""
    (measured,) = re.findall(r"<!-- measured -->(.*?)<!-- /measured -->", _text(track, name), re.DOTALL)
    results, figures = _text(track, "benchmarks/RESULTS.md"), re.findall(r"\d+\.\d+", measured)
    assert len(figures) > 8, f"{name} tells hardly a measured figure: {figures}"
    missing = [figure for figure in figures if figure not in results]
    assert not missing, f"{name}: {missing} don't stand in benchmarks/RESULTS.md"


def check_kept_demonstration(track: Path) -> None:
    """docs/demo.txt has the words that main.py says; the numbers of a training are those of the machine it ran on."""
    kept, said = (
        _text(track, "docs/demo.txt"),
        re.findall(r'say\(\s*f?"(?:\\n)?([^"{\\]{15,})', _text(track, "main.py")),
    )
    assert len(said) >= 3, f"main.py says hardly anything: {said}"
    stale = [words for words in said if words not in kept]
    assert not stale, f"docs/demo.txt is not today's demonstration, which says {stale}"


def readme_tests(track: Path, parser: Callable[[], ArgumentParser], shown: set[str]) -> type:
    """A class of tests; `parser` makes main.py's, `shown` names the functions behind the commands in the READMEs."""
    import pytest

    in_both = pytest.mark.parametrize("name", READMES)

    class TestReadme:
        @in_both
        def test_the_reading_path_is_short_and_listed_with_its_lines(self, name: str) -> None:
            check_reading_path(track, name)

        @in_both
        def test_every_command_is_one_that_main_understands(self, name: str) -> None:
            check_commands(track, name, parser, shown)

        def test_both_languages_show_the_same_blocks(self) -> None:
            check_same_blocks(track)

        def test_the_example_prints_what_it_says(self) -> None:
            check_example(track)

        @in_both
        def test_every_package_is_explained(self, name: str) -> None:
            check_packages(track, name)

        def test_pictures_are_what_the_script_draws(self) -> None:
            check_pictures(track)

    return TestReadme


def _text(track: Path, name: str) -> str:
    return (track / name).read_text(encoding="utf-8")
