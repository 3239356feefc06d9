"""The tests that tracks make of their READMEs and figures: one that holds passes, each broken claim is found."""

import argparse
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_shared.testing import readme
from tiny_shared.testing.figures import check_figure

README = """# Toy

```sh
python main.py greet Ada
python main.py --help
```

`python main.py read`

```python
print(1 + 1)
```

```output
2
```

| 1 | [`toy.py`](toy.py) | 2 | all |
| | total | 2 | |

| numpy, requests | arrays |
"""
FILES = {
    "README.md": README,
    "README.zh-CN.md": README.replace("# Toy", "# 玩具").replace("arrays", "数组"),
    "requirements.txt": "-e ../shared\nnumpy>=2\nrequests\n",
    "toy.py": "x = 1\ny = 2\n",
    "main.py": 'print(\'{"files": [{"file": "toy.py", "lines": 2}]}\')\n',
    "docs/make_pictures.py": 'def pictures():\n    return {"demo.svg": "<svg/>"}\n',
    "docs/demo.svg": "<svg/>",
}


def greet(args):
    """Never called: the commands are only parsed."""


def read(args):
    """Never called."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="main.py")
    commands = made.add_subparsers(required=True)
    greeting = commands.add_parser("greet")
    greeting.add_argument("name")
    greeting.set_defaults(run=greet)
    commands.add_parser("read").set_defaults(run=read)
    return made


@pytest.fixture
def track(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def edit(track: Path, name: str, old: str, new: str) -> None:
    text = (track / name).read_text(encoding="utf-8")
    assert old in text
    (track / name).write_text(text.replace(old, new), encoding="utf-8")


def check_all(track: Path) -> None:
    for name in readme.READMES:
        readme.check_reading_path(track, name)
        readme.check_commands(track, name, parser, {"greet", "read"})
        readme.check_packages(track, name)
    readme.check_same_blocks(track)
    readme.check_example(track)
    readme.check_pictures(track)


def test_a_track_that_holds_passes(track):
    check_all(track)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("main.py", '"lines": 2', '"lines": 3', "README.md is out of date; run: python -m tiny_shared.reading_path"),
        ("README.zh-CN.md", "| total | 2 |", "| total | 3 |", "README.zh-CN.md is out of date"),
        ("README.zh-CN.md", "`toy.py`](toy.py)", "`other.py`](other.py)", "README.zh-CN.md is out of date"),
        ("main.py", '"lines": 2', '"lines": 851', "the reading path is too long: 851 lines"),
        ("README.md", "greet Ada", "greet", "python main.py greet: .*required: name"),
        ("README.md", "`python main.py read`", "`main.py read`", r"README.md doesn't show \['read'\]"),
        ("README.zh-CN.md", "greet Ada", "greet 小明", "show different code blocks"),
        ("README.md", "print(1 + 1)", "print(1 + 2)", "show different code blocks"),
        ("README.zh-CN.md", "numpy, requests", "numpy", r"README.zh-CN.md doesn't say why \['requests'\]"),
        ("docs/demo.svg", "<svg/>", "<svg></svg>", "demo.svg: not what the code draws"),
        ("docs/make_pictures.py", "demo.svg", "other.svg", "demo.svg, other.svg: not what the code draws"),
    ],
)
def test_a_claim_that_does_not_hold_is_found(name, old, new, said, track):
    edit(track, name, old, new)
    with pytest.raises(AssertionError, match=f"(?s){said}"):
        check_all(track)


def test_measured_figures_must_stand_in_the_results(track):
    figures = [f"{number}.5" for number in range(10, 20)]
    (track / "benchmarks").mkdir()
    (track / "benchmarks" / "RESULTS.md").write_text(" ".join(figures), encoding="utf-8")
    for shown, said in ((figures, None), ([*figures, "20.5"], "'20.5'"), (figures[:3], "hardly a measured figure")):
        text = f"1.25 <!-- measured --> {' '.join(shown)} <!-- /measured -->"
        (track / "README.md").write_text(text, encoding="utf-8")
        if said is None:
            readme.check_measured(track, "README.md")
        else:
            with pytest.raises(AssertionError, match=said):
                readme.check_measured(track, "README.md")


def test_the_kept_demonstration_has_the_words_of_main(track):
    words = ["A model learns to add.", "It has learned so much:", "Now try it yourself:"]
    (track / "main.py").write_text("\n".join(f'say("{each}")' for each in words), encoding="utf-8")
    (track / "docs" / "demo.txt").write_text("\n7\n".join(words), encoding="utf-8")
    readme.check_kept_demonstration(track)
    edit(track, "docs/demo.txt", "to add", "to multiply")
    with pytest.raises(AssertionError, match="which says .'A model learns to add.'"):
        readme.check_kept_demonstration(track)
    (track / "main.py").write_text("", encoding="utf-8")
    with pytest.raises(AssertionError, match="hardly anything"):
        readme.check_kept_demonstration(track)


def test_an_example_that_prints_something_else_is_found(track):
    for name in readme.READMES:
        edit(track, name, "print(1 + 1)", "print(1 + 2)")
    with pytest.raises(AssertionError, match=r"the example of README.md prints '3\\n'"):
        check_all(track)


def test_commands_are_parsed_and_those_that_only_ask_for_help_are_not_counted():
    found = readme.parsed_commands(README, parser)
    assert [(command, args.run) for command, args in found] == [
        ("python main.py greet Ada", greet),
        ("python main.py read", read),
    ]


def test_fences_of_one_language_or_of_all():
    assert readme.fences(README, "python") == ["print(1 + 1)\n"]
    assert readme.fences(README) == ["python main.py greet Ada\npython main.py --help\n", "print(1 + 1)\n", "2\n"]


# ---- figures -------------------------------------------------------------------------------------------------------


def test_a_figure_may_differ_in_the_last_digit_of_a_coordinate_only():
    check_figure('<a x="1.5" y="-2.0">text</a>', '<a x="1.6" y="-2.1">text</a>')
    for other in ('<a x="1.8" y="-2.0">text</a>', '<a x="1.5" y="-2.0">words</a>', '<a x="1.5">text</a>'):
        with pytest.raises(AssertionError, match="run: python figures/make_figures.py"):
            check_figure('<a x="1.5" y="-2.0">text</a>', other)


# ---- as pytest runs them -------------------------------------------------------------------------------------------

TESTS = """\
from pathlib import Path
from test_readme_checks import parser
from tiny_shared.testing.figures import figure_tests
from tiny_shared.testing.readme import readme_tests

TRACK = Path(__file__).parent
TestReadme = readme_tests(TRACK, parser, {"greet", "read"})
test_figure = figure_tests(TRACK)
"""


def pytest_in(track: Path) -> str:
    (track / "test_all.py").write_text(TESTS, encoding="utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-o", f"pythonpath={Path(__file__).parent}"]
    command = [sys.executable, "-m", "pytest", *options, "test_all.py"]
    return subprocess.run(command, cwd=track, capture_output=True, encoding="utf-8").stdout


def test_a_track_runs_them_with_two_lines(track):
    (track / "figures").mkdir()
    (track / "TUTORIAL.md").write_text("![A](figures/a.svg) ![B](figures/b.svg)\n", encoding="utf-8")
    code = 'FIGURES = {"a": lambda: "<svg/>", "b": lambda: "<svg/>"}\n'
    (track / "figures" / "make_figures.py").write_text(code, encoding="utf-8")
    for name in "ab":
        (track / "figures" / f"{name}.svg").write_text("<svg/>", encoding="utf-8")
    assert "11 passed" in pytest_in(track)

    (track / "figures" / "b.svg").write_text("<svg></svg>", encoding="utf-8")
    (track / "docs" / "demo.svg").unlink()
    printed = pytest_in(track)
    assert "2 failed, 9 passed" in printed
    assert "test_figure[b]" in printed and "test_pictures_are_what_the_script_draws" in printed

    (track / "figures" / "a.svg").unlink()  # drawn and shown, but not kept
    assert "3 failed, 8 passed" in pytest_in(track)
