"""Tutorials that run: each rule of tiny_shared.fences and tiny_shared.tutorials, and a document that breaks it."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from tiny_shared import notebook, tutorials
from tiny_shared.fences import Document, TutorialError, same_code
from tiny_shared.tutorials import CHINESE, ENGLISH, check_tutorial

SOURCE = '''\
"""A module."""

K1: float = 1.5
B = 0.75


@staticmethod
def idf(n: int) -> float:
    """Rare words count more."""
    return 1 / n


class Store:
    def add(self, x: int) -> int:
        """Add.

        Twice.
        """
        return x + 1
'''

MAIN = """\
import sys
print("got", *sys.argv[1:])
print("progress", file=sys.stderr)
sys.exit(int("fail" in sys.argv))
"""


@pytest.fixture
def track(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny-toy"
    (folder / "toy_package").mkdir(parents=True)
    (folder / "toy_package" / "bm25.py").write_text(SOURCE, encoding="utf-8")
    (folder / "main.py").write_text(MAIN, encoding="utf-8")
    return folder


def check(track: Path, text: str, name: str = ENGLISH) -> None:
    (track / name).write_text(text, encoding="utf-8")
    check_tutorial(track / name)


def python(code: str, output: str | None = None) -> str:
    shown = "" if output is None else f"\n```output\n{output}```\n"
    return f"```python\n{code}```\n{shown}"


def test_blocks_share_one_namespace_and_outputs_are_compared(track):
    check(track, python("x = 2\n") + "prose\n" + python("print(x + 1)\nprint('  indented')\n", "3\n  indented\n"))
    with pytest.raises(TutorialError, match=r"(?s)TUTORIAL.md:9: the block above prints something else.*-4.*\+3"):
        check(track, python("x = 2\n") + "prose\n" + python("print(x + 1)\n", "4\n"))


def test_an_output_that_is_not_shown_is_reported(track):
    with pytest.raises(TutorialError, match="TUTORIAL.md:1: its output is not shown"):
        check(track, python("print(1)\n"))


def test_an_exception_names_the_line_of_the_document(track):
    (track / ENGLISH).write_text("# Title\n\n" + python("x = 1\nx / 0\n"), encoding="utf-8")
    with pytest.raises(ZeroDivisionError) as caught:
        check_tutorial(track / ENGLISH)
    last = caught.traceback[-1]
    assert (Path(last.path).name, last.lineno + 1) == (ENGLISH, 5)


def test_the_package_of_the_track_is_importable_and_files_are_written_to_a_copy(track):
    code = "from pathlib import Path\nimport toy_package.bm25\nPath('left.txt').write_text('x')\n"
    before = sys.path[:]
    check(track, python(code) + python("print(Path('main.py').exists(), Path('left.txt').read_text())\n", "True x\n"))
    assert not (track / "left.txt").exists()
    assert sys.path == before


def test_the_copy_is_without_hidden_and_large_files(track):
    (track / ".venv").mkdir()
    (track / "toy_package" / "__pycache__").mkdir()
    (track / "small.bin").write_bytes(bytes(tutorials.LARGEST_SHIPPED))
    (track / "large.bin").write_bytes(bytes(tutorials.LARGEST_SHIPPED + 1))
    code = "import os\nprint(sorted(os.listdir()), os.listdir('toy_package'))\n"
    check(track, python(code, "['TUTORIAL.md', 'main.py', 'small.bin', 'toy_package'] ['bm25.py']\n"))


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("K1", "K1: float = 1.5\n"),
        ("B", "B = 0.75\n"),
        ("idf", SOURCE[SOURCE.index("@static") : SOURCE.index("\n\nclass")]),
        ("Store", SOURCE[SOURCE.index("class") :]),
        ("Store.add", 'def add(self, x: int) -> int:\n    """Add.\n\n    Twice.\n    """\n    return x + 1\n'),
    ],
)
def test_an_excerpt_is_the_definition_verbatim(track, name, code):
    text = f"<!-- source: toy_package/bm25.py::{name} -->\n" + python(code)
    check(track, text)
    with pytest.raises(TutorialError, match=f"TUTORIAL.md:2: toy_package/bm25.py::{name} has changed"):
        check(track, text.replace("1.5\n", "2\n").replace("0.75", "0.7").replace(":\n", ":  # old\n"))


def test_an_excerpt_is_not_executed(track):
    text = "<!-- source: toy_package/bm25.py::B -->\n" + python("B = 0.75\n")
    check(track, text + python("print('B' in globals())\n", "False\n"))


@pytest.mark.parametrize("argument", ["toy_package/bm25.py::gone", "toy_package/gone.py::idf", "toy_package/bm25.py"])
def test_an_excerpt_of_nothing_is_refused(track, argument):
    with pytest.raises(TutorialError, match="TUTORIAL.md:2: .*gone|TUTORIAL.md:2: .*defines no ''"):
        check(track, f"<!-- source: {argument} -->\n" + python("B = 0.75\n"))


def test_commands_run_without_a_shell_and_only_stdout_is_compared(track):
    text = "<!-- run -->\n```bash\n# a comment\npython main.py 'two words' \\\n    $HOME  # why\n```\n\n"
    check(track, text + "```output\ngot two words $HOME\n```\n")


@pytest.mark.parametrize(
    ("line", "message"), [("python main.py fail", "exited with 1:\ngot fail\nprogress"), ("rm -rf x", "got 'rm -rf x'")]
)
def test_commands_that_fail_or_are_not_python_are_refused(track, line, message):
    with pytest.raises(TutorialError, match=f"(?s)TUTORIAL.md:2: .*{message}"):
        check(track, f"<!-- run -->\n```bash\n{line}\n```\n")


def test_other_fences_and_bash_without_the_comment_are_left_alone(track):
    check(track, "```bash\nfalse\n```\n\n```text\nanything\n```\n\n````markdown\n```python\n1 / 0\n```\n````\n")


def test_a_skip_with_a_reason_is_obeyed_and_its_output_is_not_compared(track):
    check(track, "<!-- skip: needs a key -->\n" + python("1 / 0\n", "never\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("<!-- skip -->\n" + python("1\n"), ":2: a skip needs its reason"),
        ("<!-- skip: -->\n" + python("1\n"), ":2: a skip needs its reason"),
        ("<!-- soruce: a.py::b -->\n" + python("1\n"), ":2: <!-- soruce --> above ```python"),
        ("<!-- run -->\n" + python("1\n"), ":2: <!-- run --> above ```python"),
        ("text\n\n```output\n1\n```\n", ":3: an output fence must directly follow"),
        (python("1\n") + "```text\n```\n```output\n1\n```\n", ":6: an output fence must directly follow"),
        ("```py\n1\n```\n", ":1: write ```python"),
        ("- item\n\n  ```python\n  1\n  ```\n", ":3: a python fence must start at the left margin"),
        ("\n```python\n1\n", ":2: this fence is never closed"),
    ],
)
def test_what_would_silently_not_be_tested_is_refused(track, text, message):
    with pytest.raises(TutorialError) as caught:
        check(track, text)
    assert f"{ENGLISH}{message}" in str(caught.value)


@pytest.mark.parametrize(
    ("english", "chinese", "message"),
    [
        (python("x = 1\n"), python("x = 2\n"), f":1: differs from {ENGLISH}:1"),
        (python("print(1)\n", "1\n"), python("print(1)\n", "2\n"), f":5: differs from {ENGLISH}:5"),
        (python("x = 1\n"), python("x = 1\n") * 2, ":1: 2 blocks of code or output, TUTORIAL.md has 1"),
        (python("x = 1\n"), "<!-- skip: 无 -->\n" + python("x = 1\n"), f":2: differs from {ENGLISH}:1"),
    ],
)
def test_the_chinese_file_must_have_the_same_code(track, english, chinese, message):
    (track / ENGLISH).write_text(english, encoding="utf-8")
    check(track, "前言\n\n" + english.replace("\n```output", "\n说明\n\n```output"), CHINESE)
    with pytest.raises(TutorialError) as caught:
        check(track, chinese, CHINESE)
    assert f"{CHINESE}{message}" in str(caught.value)


def test_bash_that_is_only_read_may_differ_between_languages(track):
    (track / ENGLISH).write_text("```bash\nmake demo  # runs it\n```\n", encoding="utf-8")
    check(track, "```bash\nmake demo  # 运行\n```\n", CHINESE)


def test_update_writes_outputs_and_excerpts_into_both_files(track):
    excerpt = "<!-- source: toy_package/bm25.py::B -->\n" + python("B = 0.5\n")
    stale = python("print('old')\n", "new\n") + python("print(1, end='')\n") + excerpt + "end\n"
    (track / ENGLISH).write_text("# One\n\n" + stale, encoding="utf-8")
    (track / CHINESE).write_text("# 一\n\n" + stale, encoding="utf-8")
    tutorials.update(track)
    fresh = python("print('old')\n", "old\n") + python("print(1, end='')\n", "1\n") + excerpt.replace("0.5", "0.75")
    assert (track / ENGLISH).read_text(encoding="utf-8") == "# One\n\n" + fresh + "end\n"
    assert (track / CHINESE).read_text(encoding="utf-8") == "# 一\n\n" + fresh + "end\n"
    check_tutorial(track / ENGLISH)
    check_tutorial(track / CHINESE)


def test_chapters_run_in_the_folder_of_the_track(track):
    (track / "blog").mkdir()
    chapter = "<!-- source: toy_package/bm25.py::B -->\n" + python("B = 0\n")
    chapter += python("import os\nprint(os.path.exists('toy_package'), __name__)\n", "old\n")
    documents = [track / name for name in (ENGLISH, CHINESE, "blog/1_first.md", "blog/1_first.zh-CN.md")]
    for path in documents:
        path.write_text(chapter, encoding="utf-8")
    assert tutorials.both(track) == documents
    tutorials.update(track)
    for path in documents:
        text = path.read_text(encoding="utf-8")
        assert "B = 0.75" in text and "True" in text and "old" not in text
        check_tutorial(path)
    documents[3].write_text(chapter.replace("os.path", "os. path"), encoding="utf-8")
    with pytest.raises(TutorialError, match=r"1_first\.zh-CN\.md:\d+: differs from 1_first\.md"):
        check_tutorial(documents[3])


def test_update_leaves_a_translation_with_other_code_untouched(track):
    (track / ENGLISH).write_text(python("print(1)\n", "1\n"), encoding="utf-8")
    (track / CHINESE).write_text(python("print(2)\n", "2\n"), encoding="utf-8")
    with pytest.raises(TutorialError, match=f"{CHINESE}:1: this code differs from {ENGLISH}:1"):
        tutorials.update(track)
    assert (track / CHINESE).read_text(encoding="utf-8") == python("print(2)\n", "2\n")


def test_update_reports_a_translation_with_a_block_too_many(track):
    (track / ENGLISH).write_text(python("x = 1\n"), encoding="utf-8")
    (track / CHINESE).write_text(python("x = 1\n") + python("y = 1\n"), encoding="utf-8")
    with pytest.raises(TutorialError, match=f"{CHINESE}:1: 2 blocks of code or output, TUTORIAL.md has 1"):
        tutorials.update(track)


def test_the_tests_of_a_track_are_one_line(track):
    test = tutorials.tutorial_tests(track)
    (track / ENGLISH).write_text(python("print(1)\n", "2\n"), encoding="utf-8")
    (track / CHINESE).write_text(python("print(1)\n", "2\n"), encoding="utf-8")
    assert [mark.args for mark in vars(test)["pytestmark"]] == [("name", [ENGLISH, CHINESE])]
    with pytest.raises(TutorialError):
        test(ENGLISH)
    test(CHINESE)


def test_notebook_holds_what_runs_as_cells_with_their_outputs(track):
    path = track / ENGLISH
    text = "# Title\n\n" + python("print(1)\n", "1\n") + "<!-- run -->\n```bash\npython main.py a\n```\n\n"
    path.write_text(text + "```output\ngot a\n```\n\n```bash\nmake demo\n```\n", encoding="utf-8")
    written = notebook.write(Document(path))
    assert written == track / "TUTORIAL.ipynb"
    content = json.loads(written.read_text(encoding="utf-8"))
    nbformat.validate(content)
    cells = [(cell["cell_type"], cell["source"]) for cell in content["cells"]]
    assert cells == [
        ("code", notebook.FIRST_CELL.strip()),
        ("markdown", "# Title"),
        ("code", "print(1)"),
        ("markdown", "<!-- run -->"),
        ("code", '!"{sys.executable}" main.py a'),
        ("markdown", "```bash\nmake demo\n```"),
    ]
    printed = [output["text"] for cell in content["cells"] for output in cell.get("outputs", [])]
    assert printed == ["1\n", "got a\n"]


def test_the_command_line(track):
    for name in (ENGLISH, CHINESE):
        (track / name).write_text(python("print(1)\n"), encoding="utf-8")

    def command(word: str) -> subprocess.CompletedProcess[str]:
        arguments = [sys.executable, "-m", "tiny_shared.tutorials", word, str(track)]
        return subprocess.run(arguments, capture_output=True, encoding="utf-8")

    failed = command("check")
    assert (failed.returncode, "its output is not shown" in failed.stderr) == (2, True)
    assert command("update").stdout == f"{track / ENGLISH}: updated\n{track / CHINESE}: updated\n"
    assert command("check").returncode == 0
    assert command("notebook").returncode == 0
    assert (track / "TUTORIAL.zh-CN.ipynb").exists()


def test_same_code_looks_at_outputs_of_any_document(track):
    english, chinese = track / "README.md", track / "README.zh-CN.md"
    english.write_text("```bash\nmake\n```\n\n```output\n3 answers\n```\n", encoding="utf-8")
    chinese.write_text("```bash\nmake\n```\n\n```output\n4 answers\n```\n", encoding="utf-8")
    with pytest.raises(TutorialError, match=r"README.zh-CN.md:5: differs"):
        same_code(Document(english), Document(chinese))
