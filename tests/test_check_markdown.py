"""Each kind of broken Markdown planted in a small repository is found; what GitHub renders well is left alone."""

import pytest

from tools.check_markdown import anchors_of, problems

PAGE = """\
# Retrieval, in `main.py`

## 1. BM25：先算三个数！
## Twice
## Twice
<h2 align="center">In <b>HTML</b></h2>
<a id="here"></a>
"""


def found(tree, text: str, **others: str) -> list[str]:
    return problems(tree({"README.md": text, "README.zh-CN.md": "", "docs/page.md": PAGE, "docs/a b.png": ""} | others))


@pytest.mark.parametrize(
    "text",
    [
        "[a](docs/page.md) [b](/docs/page.md) [c](docs/) [d](docs/page.md#retrieval-in-mainpy) [e](#top)\n\n# Top",
        "[a](docs/page.md#1-bm25先算三个数) [b](docs/page.md#twice-1) [c](docs/page.md#in-html) [d](docs/page.md#here)",
        "![figure](docs/a%20b.png) <img src=\"docs/page.md\"> [web](https://example.org/x#y) [me](mailto:a@b.c)",
        "```text\n[a](gone.md) $x$y **。**x\n```\n`[a](gone.md)` ``a ` [b](gone.md)``  <!-- [a](gone.md) -->",
        "so $x$ is, ($y$), $z$. It costs $5 or $6; `a$b$c`\n\n| $x$ | $y^2$ |",
        "**bold** words, **粗体**文字，前文**粗体**。（**“引号”**） **文字。** 后文 **a**`b` 2\\*\\*3",
        "A price list of PyPI. Installed from the registry that pip uses.",
    ],
)  # fmt: skip
def test_good_markdown_passes(tree, text):
    assert found(tree, text) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[a](docs/gone.md)", "link to 'docs/gone.md': no such file ships"),
        ("[a](Docs/page.md)", "link to 'Docs/page.md': no such file ships"),
        ("![a](gone.png)", "link to 'gone.png'"),
        ('<img width="3" src="gone.png">', "link to 'gone.png'"),
        ("[a][1]\n\n[1]: gone.md", "link to 'gone.md'"),
        ("[a](docs/page.md#twice-2)", "docs/page.md has no heading with this anchor"),
        ("[a](docs/page.md#BM25)", "docs/page.md has no heading with this anchor"),
        ("[a](#nowhere)", "README.md has no heading with this anchor"),
        ("其中$x$是", "中$x$是: put a space"),
        ("the $x$s", "put a space on both sides of $x$"),
        ("设 $x$，则", "put a space on both sides of $x$"),
        ("**文字。**后文", "。**后: GitHub shows these asterisks; move '。' out"),
        ("前文**“引号”** x", "文**“: GitHub shows these asterisks; move '“' out"),
        ("前文**`代码`** x", "文**`: GitHub shows"),
        ("** space** x", "GitHub shows these asterisks"),
        ("**open and never closed", "a ** without its partner"),
        ("pip install -i https://pypi.example.org/x y", "names a package registry (pypi.ex)"),
        ("```bash\npip install -i https://mirror.example.org/pypi/web y\n```", "names a package registry"),
    ],
)
def test_planted_faults_are_found(tree, text, message):
    (problem,) = found(tree, f"first line\n\n{text}\n")
    assert problem.startswith(("README.md:3: ", "README.md:4: ", "README.md:5: "))
    assert message in problem


def test_fences_that_are_no_fences_are_found(tree):
    assert found(tree, "\n```py\n1\n```\n")[0].startswith("README.md:2: write ```python")


def test_both_languages_are_there_with_the_same_code(tree):
    python = "```python\nprint(1)\n```\n"
    files = {"tiny-a/main.py": "", "tiny-a/TUTORIAL.md": python, "tiny-a/README.md": "", "notes.zh-CN.md": ""}
    assert found(tree, python, **files) == [
        "tiny-a/README.md: has no README.zh-CN.md beside it",
        "tiny-a/TUTORIAL.md: has no TUTORIAL.zh-CN.md beside it",
        "README.zh-CN.md:1: 0 blocks of code or output, README.md has 1",
        "notes.zh-CN.md: has no notes.md beside it",
    ]


def test_samples_are_data_and_not_checked(tree):
    assert found(tree, "", **{"tiny-a/sample/docs/page.md": "[a](gone.md)"}) == []


def test_anchors_follow_githubs_rule():
    assert anchors_of(PAGE, PAGE) == {"retrieval-in-mainpy", "1-bm25先算三个数", "twice", "twice-1", "in-html", "here"}


def test_this_repository_is_clean(root):
    assert problems(root) == []
