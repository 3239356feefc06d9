"""A task is one small file: where the items are, how a prompt is made of one, and how an answer is scored.

In YAML, or in Python as a module with `TASK = Task(...)`, where `metric` may be a function of its own:

    name: capitals
    data: capitals.jsonl            # beside this file; one {"id", "input", "answers", ...} a line
    prompt: "{{input}} Answer with one word."
    metric: exact_match
"""

import importlib.util
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from tiny_eval.problem import EvalProblem

Fields = dict[str, Any]
KINDS = ("generate", "loglikelihood", "perplexity", "code")
SHIPPED = Path(__file__).resolve().parents[2] / "tasks"
BUILT_IN = Path(__file__).resolve().parents[1] / "benchmark_tasks"


@dataclass(frozen=True)
class Task:
    """What a task file says.

    kind: generate (a text), loglikelihood (the likeliest of `choices`), perplexity (of `input`), code (is run)
    metric: a name of SCORERS, or in Python a function (pred, answers) -> 0 to 1
    answer: how an example's answer is written for few-shot prompts
    read: in Python, a function from the path given with --data to the items
    adapt: in Python, a function from the task and that path to the task as it is for these files
    """

    name: str
    prompt: str
    metric: str | Callable[[str, list[str]], float] = "exact_match"
    data: str = ""
    about: str = ""
    language: str = "en"
    kind: str = "generate"
    system: str = ""
    extractor: str | None = None
    first_line: bool | None = None
    answer: str = "{{answers}}"
    examples: str = ""
    few_shot: int = 0
    max_tokens: int = 256
    temperature: float = 0.0
    stop: tuple[str, ...] = ()
    cluster: str | None = None
    read: Callable[[Path], Iterable[Fields]] | None = None
    adapt: Callable[["Task", Path], "Task"] | None = None
    folder: Path = field(default=Path(), compare=False)

    @property
    def metric_name(self) -> str:
        return self.metric if isinstance(self.metric, str) else self.metric.__name__

    def check(self, place: str) -> "Task":
        """Self, or EvalProblem that says which setting can't be."""
        if self.kind not in KINDS:
            raise EvalProblem(f"{place}: kind is {self.kind!r}; choose one of {', '.join(KINDS)}")
        if not self.name or set(self.name) & set('/\\:*?"<>|') or self.name.startswith("."):
            raise EvalProblem(f"{place}: the name {self.name!r} can't name a folder; use letters, digits and -")
        for name in ("max_tokens", "few_shot"):
            if not isinstance(getattr(self, name), int) or getattr(self, name) < (name == "max_tokens"):
                raise EvalProblem(f"{place}: {name} is {getattr(self, name)!r}; write a whole number")
        if not self.data and not self.read:
            raise EvalProblem(f"{place}: the key 'data' is missing; name the file of the items")
        if isinstance(self.metric, str):
            from tiny_eval.metrics import CORPUS_SCORERS, SCORERS

            if self.metric not in SCORERS and self.metric not in CORPUS_SCORERS and self.kind != "perplexity":
                close = get_close_matches(self.metric, [*SCORERS, *CORPUS_SCORERS], n=1)
                hint = f"did you mean {close[0]!r}?" if close else "'python main.py metrics' lists them"
                raise EvalProblem(f"{place}: there is no metric {self.metric!r}; {hint}")
        return self


def find_task(name: str) -> Task:
    """By its name, or by the path of its file."""
    files = task_files()
    path = Path(name)
    if name in files:
        path = files[name]
    elif path.suffix not in (".yaml", ".yml", ".py"):
        close = get_close_matches(name, files, n=3, cutoff=0.4)
        hint = f"did you mean {' or '.join(close)}?" if close else "'python main.py tasks' lists them"
        raise EvalProblem(f"there is no task {name!r}; {hint} (or give the path of a task file)")
    return read_task(path)


def task_files() -> dict[str, Path]:
    """The shipped tasks, then the built-in readers of real benchmarks."""
    found = [*sorted(SHIPPED.glob("*.yaml")), *sorted(BUILT_IN.glob("[a-z]*.py"))]
    return {path.stem.replace("_", "-"): path for path in found}


def read_task(path: Path) -> Task:
    """EvalProblem, beginning with the file, for whatever is wrong with it."""
    place = path.as_posix()
    task = _from_python(path) if path.suffix == ".py" else _from_yaml(path)
    return replace(task, folder=path.resolve().parent).check(place)


def _from_yaml(path: Path) -> Task:
    import yaml

    place = path.as_posix()
    text = path.read_bytes()
    try:
        said = yaml.safe_load(text.decode("utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", 0) + 1
        raise EvalProblem(f"{place}:{line}: not YAML ({' '.join(str(error).split())[:120]}); correct it") from None
    if not isinstance(said, dict):
        raise EvalProblem(f"{place}: holds no settings; write lines such as 'name: my-task'")
    known = [each.name for each in fields(Task) if each.name not in ("read", "adapt", "folder")]
    for key, value in said.items():
        if key not in known:
            close = get_close_matches(str(key), known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"a task has {', '.join(known)}"
            raise EvalProblem(f"{place}: unknown key {key!r}; {hint}")
        if key not in ("few_shot", "max_tokens", "temperature", "stop", "first_line") and not isinstance(value, str):
            raise EvalProblem(f"{place}: {key} is {value!r}; it must be text")
    for key in ("name", "prompt"):
        if key not in said:
            raise EvalProblem(f"{place}: the key {key!r} is missing")
    if "stop" in said:
        stop = said["stop"]
        said["stop"] = (stop,) if isinstance(stop, str) else tuple(map(str, stop))
    return Task(**said)


def _from_python(path: Path) -> Task:
    """The module is run: it is the caller's own program."""
    name = f"tiny_eval_task_{path.stem}"
    path.stat()  # FileNotFoundError names the path
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise EvalProblem(f"{path.as_posix()}: {type(error).__name__}: {error}; correct the task") from error
    task = getattr(module, "TASK", None)
    if not isinstance(task, Task):
        raise EvalProblem(f"{path.as_posix()}: holds no TASK = Task(...); add it")
    return task
