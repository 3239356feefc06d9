"""Write names.txt again: python sample/names/make_names.py (from the track's folder)."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1]))

from tiny_transformer.foundations.grammar import draw_names  # noqa: E402  # the track's folder is on the path only now


def content() -> str:
    return "\n".join(draw_names()) + "\n"


if __name__ == "__main__":
    (HERE / "names.txt").write_text(content(), encoding="utf-8", newline="\n")
