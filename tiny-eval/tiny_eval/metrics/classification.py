"""Classification as LongBench scores it (arXiv:2308.14508; TREC, LSHT): which class names stand in the prediction?

    score = 1 / number of classes named, if the right one is among them, else 0

A class whose name is only a part of the right one's isn't counted: whoever writes "ice cream" has also written "ice".
By hand: right is "ice cream", the prediction "Ice cream or cake? ice cream" names ice, cake and ice cream; ice goes;
score 1/2.

LongBench takes such parts off its list while it walks along the same list, so it skips the class after each one. With
right "ice cream tart", classes "ice", "cream", "ice cream tart" and that prediction, ice goes and cream is skipped:
1/2 instead of 1. `compat=True` does the same. (Its fallback to the most similar class name never runs: it asks whether
a list equals 0. So a prediction that names no class gets 0 in both modes.)
"""

from collections.abc import Sequence

from .overlap import best


def classification(
    pred: str, answers: list[str], *, all_classes: Sequence[str] | None = None, compat: bool = False
) -> float:
    """Score of the best reference. `all_classes`: the class names of this row, in the row's order."""
    if not all_classes:
        raise ValueError(f"classification needs the names of the classes (all_classes is {all_classes!r})")
    named = [name for name in all_classes if name in pred]
    drop = _drop_while_walking if compat else _drop_parts

    def score(answer: str) -> float:
        counted = drop(named, answer)
        return 1 / len(counted) if answer in counted else 0.0

    return best(answers, score)


def _is_part(name: str, answer: str) -> bool:
    return name in answer and name != answer


def _drop_parts(named: Sequence[str], answer: str) -> list[str]:
    return [name for name in named if not _is_part(name, answer)]


def _drop_while_walking(named: Sequence[str], answer: str) -> list[str]:
    """The same with LongBench's fault: after a removal the next name moves up into a place already visited."""
    left, place = list(named), 0
    while place < len(left):
        if _is_part(left[place], answer):
            left.remove(left[place])
        place += 1
    return left
