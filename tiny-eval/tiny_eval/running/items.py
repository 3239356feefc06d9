"""The items of a task: {"id", "input", "answers", "choices"?, "all_classes"?, "context"?, ...}, checked one by one."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tiny_eval.problem import EvalProblem
from tiny_eval.rows import read_objects
from tiny_eval.running.task import Fields, Task

LETTERS = "ABCDEFGHIJ"


def read_items(task: Task, data: Path | None = None) -> list[Fields]:
    """All items, from `data` if given, else from the task's own file. EvalProblem names the item that is wrong."""
    if task.read:
        if data is None:
            raise EvalProblem(f"{task.name} is read from files that you have; name them with --data PATH")
        data.stat()
        return list(checked(task.read(data), data.as_posix()))
    path = data or task.folder / task.data
    return list(checked((row for _, row in read_objects(path)), path.as_posix()))


def read_examples(task: Task, count: int) -> list[Fields]:
    """The first `count` of the task's examples, for few-shot prompts."""
    if not count:
        return []
    if not task.examples:
        raise EvalProblem(f"{task.name} has no examples to show; add 'examples: FILE' to it, or --few-shot 0")
    path = task.folder / task.examples
    found = list(checked((row for _, row in read_objects(path)), path.as_posix()))
    if len(found) < count:
        raise EvalProblem(f"{path.as_posix()} holds {len(found)} examples (asked for {count}); lower --few-shot")
    return found[:count]


def checked(rows: Iterable[Fields], place: str) -> Iterator[Fields]:
    seen: set[str] = set()
    for number, row in enumerate(rows, 1):
        where = f"{place}, item {number}"
        item = {"id": str(row.get("id", number)), **{name: row[name] for name in row if name != "id"}}
        if isinstance(item.get("answers"), str):
            item["answers"] = [item["answers"]]
        if not isinstance(item.get("input"), str):
            raise EvalProblem(f"{where}: the field 'input' is missing; it is the text of the question")
        if not _texts(item.get("answers")):
            raise EvalProblem(f"{where}: 'answers' must be a list of texts (got {str(item.get('answers'))[:40]!r})")
        for name in ("choices", "all_classes"):
            if item.get(name) is not None and not (_texts(item[name]) and len(item[name]) <= len(LETTERS) * 100):
                raise EvalProblem(f"{where}: {name!r} must be a list of texts")
        if item.get("choices") and len(item["choices"]) > len(LETTERS):
            raise EvalProblem(f"{where}: {len(item['choices'])} choices; at most {len(LETTERS)} have letters")
        if item["id"] in seen:
            raise EvalProblem(f"{where}: the id {item['id']!r} was there already; every item needs its own")
        seen.add(item["id"])
        yield item
    if not seen:
        raise EvalProblem(f"{place} holds no items; check the path")


def shuffled_choices(item: Fields, order: list[int]) -> Fields:
    """The same question with its options in another order; the letters of the answers move with them."""
    new_place = {old: new for new, old in enumerate(order)}
    answers = ["".join(sorted(LETTERS[new_place[LETTERS.index(letter)]] for letter in answer))
               for answer in item["answers"]]  # fmt: skip
    return {**item, "choices": [item["choices"][place] for place in order], "answers": answers}


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
