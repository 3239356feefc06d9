"""A standard operating procedure: roles with fixed hand-overs (MetaGPT, Hong et al. 2023, arXiv:2308.00352).

What each role gets, makes, and may use stands in one YAML file (procedures/report.yaml is shipped). A role makes an
artefact: an object with named fields, checked before it is handed on. A reviewer can send work back, a bounded number
of times; then the work goes on with the objections beside it. The order is the file's, not the model's.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tiny_agent.loop import Limits, Result, Step, StopReason, Usage, Watcher, run
from tiny_agent.model import Model
from tiny_agent.policy import Policy
from tiny_agent.react import arguments_of
from tiny_agent.tools import Tool

SHIPPED = Path(__file__).resolve().parent / "procedures" / "report.yaml"
TYPES: dict[str, type | tuple[type, ...]] = {"text": str, "number": (int, float), "list": list, "yes/no": bool}
USUAL = Limits()
KEYS = {"name", "task", "gets", "makes", "tools", "reviews", "most_returns"}


class ProcedureError(ValueError):
    """The file isn't a procedure; the message begins with its path."""


@dataclass(frozen=True)
class Role:
    """`makes` are the artefact's fields and their types; `reviews` names the role whose work it may send back."""

    name: str
    task: str
    makes: Mapping[str, str]
    gets: Sequence[str] = ()
    tools: Sequence[str] = ()
    reviews: str = ""
    most_returns: int = 2


@dataclass
class Artefact:
    """What a role made, and how it came about."""

    role: str
    fields: dict[str, Any]
    result: Result
    problems: list[str] = field(default_factory=list)


def read_procedure(path: Path = SHIPPED) -> list[Role]:
    """ProcedureError for a key, a type or a role that isn't there."""
    import yaml

    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ProcedureError(f"{path}: not YAML ({' '.join(str(error).split())[:120]}); correct it") from None
    if not isinstance(said, dict) or not isinstance(said.get("roles"), list) or not said["roles"]:
        raise ProcedureError(f"{path}: holds no 'roles'; write a list of them")
    roles: list[Role] = []
    for number, row in enumerate(said["roles"], 1):
        place = f"{path}, role {number}"
        if not isinstance(row, dict) or not {"name", "task", "makes"} <= row.keys():
            raise ProcedureError(f"{place}: a role has a name, a task, and what it makes")
        unknown = row.keys() - KEYS
        if unknown:
            raise ProcedureError(f"{place}: unknown key {sorted(unknown)[0]!r}; there are {', '.join(sorted(KEYS))}")
        wrong = [kind for kind in row["makes"].values() if kind not in TYPES]
        if wrong:
            raise ProcedureError(f"{place}: {wrong[0]!r} is no type; there are {', '.join(TYPES)}")
        earlier = {role.name for role in roles}
        for needed in [*row.get("gets", ()), *([row["reviews"]] if row.get("reviews") else [])]:
            if needed not in earlier:
                raise ProcedureError(f"{place}: no role {needed!r} comes before it")
        if row.get("reviews") and "accept" not in row["makes"]:
            raise ProcedureError(f"{place}: a reviewer makes 'accept: yes/no' and says why")
        roles.append(Role(**row))
    return roles


def follow(
    question: str,
    model: Model,
    tools: Sequence[Tool],
    roles: Sequence[Role],
    limits: Limits = USUAL,
    policy: Policy | None = None,
    engine: str = "react",
    watch: Watcher = lambda event, facts: None,
) -> tuple[Result, list[Artefact]]:
    """Role by role to the last one, whose first field is the answer. One budget of steps and tokens for all."""
    made: dict[str, Artefact] = {}
    history: list[Artefact] = []
    place, returns = 0, dict.fromkeys((role.name for role in roles), 0)
    objections = ""
    while place < len(roles):
        role = roles[place]
        left = _left(limits, history)
        if left.steps < 1 or left.tokens < 1:
            reason = StopReason.STEP_LIMIT if left.steps < 1 else StopReason.TOKEN_LIMIT
            return _together(history, "(no answer: the procedure ran out)", reason), history
        artefact = _work(role, question, made, objections, model, tools, left, policy, engine, watch)
        history.append(artefact)
        made[role.name] = artefact
        watch("artefact", {"role": role.name, "fields": artefact.fields, "problems": artefact.problems})
        if artefact.result.stop_reason != StopReason.ANSWERED:
            return _together(history, artefact.result.answer, artefact.result.stop_reason), history
        objections = ""
        if role.reviews and artefact.fields.get("accept") is False and returns[role.name] < role.most_returns:
            returns[role.name] += 1
            objections = json.dumps(artefact.fields, ensure_ascii=False)
            place = next(number for number, each in enumerate(roles) if each.name == role.reviews)
            continue
        place += 1
    last = history[-1]
    answer = str(next(iter(last.fields.values()), last.result.answer))
    return _together(history, answer, StopReason.ANSWERED), history


def _work(
    role: Role,
    question: str,
    made: Mapping[str, Artefact],
    objections: str,
    model: Model,
    tools: Sequence[Tool],
    limits: Limits,
    policy: Policy | None,
    engine: str,
    watch: Watcher,
) -> Artefact:
    """One role at work; an artefact that doesn't fit is asked for once more, with what is wrong."""
    shape = json.dumps(dict(role.makes), ensure_ascii=False)
    given = "\n\n".join(f"From {name}:\n{json.dumps(made[name].fields, ensure_ascii=False)}" for name in role.gets)
    text = f"You are the {role.name}. {role.task}\n\nThe question: {question}\n\n{given}".strip()
    if objections and role.name in made:
        before = json.dumps(made[role.name].fields, ensure_ascii=False)
        text += f"\n\nYour work before:\n{before}\n\nIt was sent back:\n{objections}"
    text += f"\n\nYour final answer must be one JSON object with these fields: {shape}"
    own = [tool for tool in tools if tool.name in role.tools]
    result = run(text, model, own, engine, limits, policy, watch)
    fields, problems = checked(result.answer, role)
    if problems and result.stop_reason == StopReason.ANSWERED:
        again = f"{text}\n\nYou answered:\n{result.answer}\n\nThat doesn't fit: {'; '.join(problems)}."
        left = replace(limits, steps=max(1, limits.steps - len(result.steps)))
        second = run(again, model, own, engine, left, policy, watch)
        result = replace(second, steps=[*result.steps, *second.steps], usage=_sum([result.usage, second.usage]))
        fields, problems = checked(result.answer, role)
    if problems:  # handed on as it is, with what is wrong with it
        fields = {next(iter(role.makes)): result.answer, **fields}
    return Artefact(role.name, fields, result, problems)


def checked(answer: str, role: Role) -> tuple[dict[str, Any], list[str]]:
    """The artefact's fields as far as they fit, and what doesn't."""
    start = answer.find("{")
    found, wrong = arguments_of(answer[start:]) if start >= 0 else ({}, "is no JSON object")
    if wrong or not isinstance(found, dict):
        return {}, [f"it {wrong or 'is no JSON object'}"]
    problems = [f"{name!r} is missing" for name in role.makes if name not in found]
    fields = {}
    for name, kind in role.makes.items():
        value = found.get(name)
        right = isinstance(value, TYPES[kind]) and (kind == "yes/no" or not isinstance(value, bool))
        if name in found and not right:
            problems.append(f"{name!r} must be {kind} (got {str(value)[:40]!r})")
        elif right:
            fields[name] = value
    return fields, problems


def _left(limits: Limits, history: Sequence[Artefact]) -> Limits:
    steps = sum(len(artefact.result.steps) for artefact in history)
    usage = _sum([artefact.result.usage for artefact in history])
    return replace(limits, steps=limits.steps - steps, seconds=max(0.0, limits.seconds - usage.seconds),
                   tokens=limits.tokens - usage.prompt_tokens - usage.completion_tokens)  # fmt: skip


def _sum(usages: Sequence[Usage]) -> Usage:
    return Usage(sum(u.prompt_tokens for u in usages), sum(u.completion_tokens for u in usages),
                 round(sum(u.seconds for u in usages), 4))  # fmt: skip


def _together(history: Sequence[Artefact], answer: str, reason: StopReason) -> Result:
    steps: list[Step] = [step for artefact in history for step in artefact.result.steps]
    return Result(answer, reason, steps, _sum([artefact.result.usage for artefact in history]))
