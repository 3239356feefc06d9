"""A Python function as a model: `python:my_model.py:answer`, where `def answer(prompt: str) -> str`, async or not."""

import asyncio
import hashlib
import importlib.util
import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tiny_eval.problem import EvalProblem
from tiny_eval.running.question import Answer, Json, NotAnswered, Question


class FunctionModel:
    """The function is given the prompt's text. What it raises makes an item not measured, not a run fail."""

    def __init__(self, where: str) -> None:
        path, _, name = where.rpartition(":")
        if not path.endswith(".py") or not name.isidentifier():
            raise EvalProblem(f"python:{where} is no function; write python:FILE.py:NAME")
        source = Path(path).read_bytes()
        self.name = f"{Path(path).stem}-{name}"
        self.identity = f"python {name} {hashlib.blake2b(source, digest_size=8).hexdigest()}"
        self.function = _load(Path(path), name)

    def request(self, question: Question) -> Json:
        if question.continuation is not None:
            raise EvalProblem(f"{self.name} answers in text and knows no probabilities; take a task of another kind")
        return {"prompt": question.prompt.text, "temperature": question.temperature, "seed": question.seed}

    async def answer(self, question: Question) -> Answer:
        start = time.perf_counter()
        try:
            if inspect.iscoroutinefunction(self.function):
                text = await self.function(question.prompt.text)
            else:
                text = await asyncio.to_thread(self.function, question.prompt.text)
        except Exception as error:
            raise NotAnswered(f"{self.name} raised {type(error).__name__}: {error}") from error
        if not isinstance(text, str):
            raise NotAnswered(f"{self.name} gave {type(text).__name__}; it must give text")
        seconds = round(time.perf_counter() - start, 4)
        return Answer(text, prompt_tokens=question.prompt.tokens, seconds=seconds)


def _load(path: Path, name: str) -> Callable[[str], Any]:
    spec = importlib.util.spec_from_file_location(f"tiny_eval_model_{path.stem}", path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise EvalProblem(f"{path.as_posix()}: {type(error).__name__}: {error}; correct it") from error
    function: Callable[[str], Any] | None = getattr(module, name, None)
    if not callable(function):
        raise EvalProblem(f"{path.as_posix()} has no function {name!r}; check the name")
    return function
