"""From an item to its questions, and from their answers to its row: {"id", "pred", "answers", ...}.

generate        one question; the row's pred is the text
code            the same; the program is run, pred is "passed" or "failed: ..."
loglikelihood   a question for each option; pred is the letter of the likeliest
perplexity      one question: how likely is the item's whole text
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from tiny_eval.metrics.loglikelihood import ScoredChoice, pick
from tiny_eval.running.code_run import program_of, run_tests
from tiny_eval.running.items import LETTERS
from tiny_eval.running.prompt import Cut, Message, Prompt, build
from tiny_eval.running.question import Answer, Question
from tiny_eval.running.task import Fields, Task

LEFT_OUT = ("context", "input", "id", "answers")  # of the row: the context stands in the prompt


@dataclass(frozen=True)
class Settings:
    """What a run may set beside its task; None: as the task says."""

    repeat: int = 1
    max_tokens: int | None = None
    temperature: float | None = None
    seed: int | None = None
    chat_template: str = "plain"
    longest: int | None = None  # tokens of a prompt
    cut: Cut | None = None
    allow_code: bool = False


@dataclass(frozen=True)
class Asked:
    """An item, one repetition of it, and its questions."""

    item: Fields
    repeat: int
    questions: list[Question]


def plan(task: Task, items: Sequence[Fields], examples: Sequence[Fields], settings: Settings) -> list[Asked]:
    """All that is to be asked, item by item; EvalProblem for a prompt that can't be filled in."""
    asked = []
    for item in items:
        questions = _questions(task, item, examples, settings)
        for repeat in range(settings.repeat):
            asked.append(Asked(item, repeat, [replace(question, repeat=repeat) for question in questions]))
    return asked


def _questions(task: Task, item: Fields, examples: Sequence[Fields], settings: Settings) -> list[Question]:
    from tiny_eval.problem import EvalProblem

    if task.kind == "perplexity":
        return [Question(item, Prompt([], "", 0), continuation=item["input"])]
    prompt = build(task, item, examples, settings.chat_template, settings.longest, settings.cut)
    if task.kind == "loglikelihood":
        if not item.get("choices"):
            raise EvalProblem(f"{task.name} compares options, and item {item['id']!r} has no 'choices'; add them")
        blank = "" if task.language == "zh" or prompt.text.endswith((" ", "\n")) else " "
        return [Question(item, prompt, continuation=blank + option, part=part)
                for part, option in enumerate(item["choices"])]  # fmt: skip
    return [Question(
        item, prompt,
        task.max_tokens if settings.max_tokens is None else settings.max_tokens,
        task.temperature if settings.temperature is None else settings.temperature,
        task.stop, seed=settings.seed,
    )]  # fmt: skip


def row_of(task: Task, asked: Asked, answers: Sequence[Answer | str], settings: Settings) -> dict[str, Any]:
    """The row of the prediction file. One question without an answer makes the item not measured."""
    item = asked.item
    one = asked.questions[0]
    row: dict[str, Any] = {"id": item["id"] if settings.repeat == 1 else f"{item['id']}#{asked.repeat + 1}"}
    failed = next((answer for answer in answers if isinstance(answer, str)), None)
    good = [answer for answer in answers if isinstance(answer, Answer)]
    row |= {"pred": None, "error": failed} if failed else _prediction(task, asked, good, settings)
    row["answers"] = item["answers"]
    if settings.repeat > 1:
        row |= {"item": item["id"], "repeat": asked.repeat + 1}
    row |= {name: value for name, value in item.items() if name not in LEFT_OUT and name not in row}
    row |= {"input": item["input"], "prompt": _readable(one.prompt.messages) or one.continuation}
    if one.prompt.cut:
        row["prompt_cut"] = one.prompt.cut
    if callable(task.metric) and row["pred"] is not None:
        row["score"] = float(task.metric(row["pred"], row["answers"]))
    if good and not failed:
        row["tokens"] = [sum(each.prompt_tokens for each in good), sum(each.completion_tokens for each in good)]
        row["seconds"] = round(sum(each.seconds for each in good), 4)
    return row


def _prediction(task: Task, asked: Asked, answers: Sequence[Answer], settings: Settings) -> dict[str, Any]:
    if task.kind == "perplexity":
        return {"pred": "", "logprobs": answers[0].logprobs}
    if task.kind == "loglikelihood":
        sums = [sum(answer.logprobs) for answer in answers]
        scored = ScoredChoice([question.continuation or "" for question in asked.questions], sums, 0)
        ways = {way: LETTERS[pick(scored, way)] for way in ("sum", "per_character", "per_byte")}
        return {"pred": ways["sum"], "by": ways, "option_logprobs": [round(value, 6) for value in sums]}
    text, finish = answers[0].text, answers[0].finish_reason
    found: dict[str, Any] = {"pred": text}
    if finish != "stop":
        found["finish_reason"] = finish
    if task.kind == "code" and finish != "length":
        if not settings.allow_code:
            return {"pred": None, "program": text, "error": "the program was not run; allow it with --allow-code"}
        program = program_of(text, asked.item.get("before", ""), asked.item.get("entry_point", ""))
        found |= {"pred": run_tests(program, asked.item.get("tests", "")), "program": text}
    return found


def _readable(messages: Sequence[Message]) -> str:
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"[{message['role']}]\n{message['content']}" for message in messages)
