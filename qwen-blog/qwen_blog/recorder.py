"""Watch the model's own code while it runs: which lines ran, and every tensor that a function had in its hands.

Python can call us back at each line of a function (`sys.settrace`, as debuggers do). So nothing in the model's code is
there for our sake: what is shown is what ran.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import torch
from torch import Tensor, nn

from qwen_blog.attention import attend, attend_fused
from qwen_blog.model import Qwen, use_attention

FOLDER = Path(__file__).resolve().parent


@dataclass
class Visit:
    """One call of one function: its tensors when it returned, its result, and the calls that it made."""

    function: str  # "Attention.forward"
    code: CodeType | None
    tensors: dict[str, Any] = field(default_factory=dict)
    result: Any = None
    ran: set[int] = field(default_factory=set)
    inside: list["Visit"] = field(default_factory=list)

    def all(self, function: str) -> list["Visit"]:
        """The calls of that function in here, at any depth, in the order in which they were made."""
        found = []
        for visit in self.inside:
            found += [visit] if visit.function == function else visit.all(function)
        return found

    def first(self, function: str) -> "Visit":
        return self.all(function)[0]


@contextmanager
def recording() -> Iterator[Visit]:
    """Everything of this package that runs in the block, as a tree. Whoever was watching before watches on after it."""
    root = Visit("", None)
    open_visits = [root]

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        if not is_ours(frame.f_code.co_filename):
            return None  # its lines are not watched
        visit = Visit(frame.f_code.co_qualname, frame.f_code)
        open_visits[-1].inside.append(visit)
        open_visits.append(visit)

        def on_line(frame: FrameType, event: str, argument: Any) -> Any:
            if event == "line":
                visit.ran.add(frame.f_lineno)
            elif event == "return":
                visit.tensors = {name: value for name, value in frame.f_locals.items() if isinstance(value, Tensor)}
                if isinstance(owner := frame.f_locals.get("self"), nn.Module):
                    # a norm's weight, a bias; matrices are left out: of a model on the disk, they would pile up
                    visit.tensors |= {f"self.{name}": weight for name, weight in owner.named_parameters(recurse=False)
                                      if weight.ndim == 1}  # fmt: skip
                visit.result = argument
                open_visits.pop()
            return on_line

        return on_line

    before = sys.gettrace()
    sys.settrace(on_call)
    try:
        yield root
    finally:
        sys.settrace(before)


def recorded(model: Qwen, ids: Sequence[int] | Tensor) -> tuple[Visit, Tensor]:
    """One forward pass with attention written out: what its functions had in hand, and the logits (B, T, V).

    `ids` is one text, or (B, T).
    """
    ids_BT = ids if isinstance(ids, Tensor) else torch.tensor([list(ids)])
    use_attention(model, attend)
    try:
        with recording() as root:
            return root, model(ids_BT.to(model.model.norm.weight.device))
    finally:
        use_attention(model, attend_fused)


@cache
def is_ours(file: str) -> bool:
    return Path(file).resolve().parent == FOLDER


@dataclass(frozen=True)
class Source:
    """The lines of a function, which of them ran, and which of them made the tensor that is looked at."""

    file: str
    function: str
    first: int  # number of the first line in the file
    lines: tuple[str, ...]
    ran: tuple[int, ...]
    focus: tuple[int, ...]


def source_of(visit: Visit, name: str | None) -> Source:
    """`name` is the variable that is looked at; None: what the function returns."""
    assert visit.code is not None
    lines, first = inspect.getsourcelines(visit.code)
    text = textwrap.dedent("".join(lines))
    tree = ast.parse(text).body[0]
    focus: list[int] = []
    for node in ast.walk(tree):
        made = isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == name for each in node.targets for target in ast.walk(each)
        )
        if made or (name is None and isinstance(node, ast.Return)):
            focus += range(first + node.lineno - 1, first + (node.end_lineno or node.lineno))  # type: ignore[attr-defined]
    return Source(
        Path(visit.code.co_filename).name, visit.function, first, tuple(text.rstrip("\n").split("\n")),
        tuple(sorted(visit.ran)), tuple(line for line in sorted(set(focus))),
    )  # fmt: skip
