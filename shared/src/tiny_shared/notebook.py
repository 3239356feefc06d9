"""A tutorial as a Jupyter notebook, format 4.5 (https://nbformat.readthedocs.io/en/latest/format_description.html).

What the tests execute becomes a code cell with its output beneath; everything between is a Markdown cell.
"""

import json
from pathlib import Path
from typing import Any

from tiny_shared.fences import Document
from tiny_shared.files import atomic_write

FIRST_CELL = """\
import os
import sys

if os.path.basename(os.getcwd()) == "blog":  # a chapter: what it imports and reads lies in the folder above
    os.chdir("..")
sys.path.insert(0, os.getcwd())  # the track's folder, where the package is that this notebook imports
"""


def write(document: Document) -> Path:
    """Write the notebook beside the document, and return its path."""
    cells = [_code(FIRST_CELL)]
    end = 0
    for fence, output in document.blocks():
        if fence.kind != "run":
            continue
        cells += _markdown(document.text[end : fence.start])
        # {sys.executable}: IPython puts the kernel's own Python there, the one that has the packages
        code = fence.code if fence.language == "python" else _shell(fence.code)
        cells.append(_code(code, output.code if output else ""))
        end = output.end if output else fence.end
    cells += _markdown(document.text[end:])
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"kernelspec": kernel}, "cells": cells}
    path = document.path.with_suffix(".ipynb")
    atomic_write(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    return path


def _markdown(text: str) -> list[dict[str, Any]]:
    return [{"cell_type": "markdown", "metadata": {}, "source": text.strip()}] if text.strip() else []


def _code(source: str, printed: str = "") -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": printed}] if printed else []
    return {
        "cell_type": "code", "metadata": {}, "execution_count": None, "source": source.rstrip("\n"), "outputs": outputs
    }  # fmt: skip


def _shell(code: str) -> str:
    """`python main.py` as IPython spells it."""
    lines = code.replace("\\\n", " ").splitlines()
    return "\n".join(f'!"{{sys.executable}}"{line.removeprefix("python")}' for line in lines)
