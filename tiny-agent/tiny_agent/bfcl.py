"""The Berkeley function-calling leaderboard's files (Patil et al., gorilla.cs.berkeley.edu): its functions as schemas,
and its answers as a check.

Its types are Python's (`dict`, `float`, `tuple`, `any`), its names may have dots, which chat servers refuse. So a name
goes out with underscores and comes back as it was. An answer lists, for each argument, every value that counts; an
empty text among them means that the argument may be left out.
"""

import re
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]
TYPES = {"dict": "object", "float": "number", "tuple": "array", "list": "array", "int": "integer", "bool": "boolean",
         "String": "string", "str": "string"}  # fmt: skip
NAME = re.compile(r"[^A-Za-z0-9_-]")


def schema(function: Json) -> tuple[Json, str]:
    """In the form of `tools` of a chat request, and the function's own name."""
    own = function["name"]
    wire = NAME.sub("_", own)[:64]
    parameters = converted(function["parameters"])
    return {"type": "function", "function": {"name": wire, "description": function.get("description", ""),
                                             "parameters": parameters}}, own  # fmt: skip


def converted(kind: Json) -> Json:
    """A type of the leaderboard's as JSON schema; `any` is the schema that takes everything."""
    found: Json = {name: kind[name] for name in ("description", "enum", "default") if name in kind}
    said = kind.get("type", "any")
    if said != "any":
        found["type"] = TYPES.get(said, said)
    if "properties" in kind:
        found["properties"] = {name: converted(inner) for name, inner in kind["properties"].items()}
        found["required"] = list(kind.get("required", []))
    if "items" in kind:
        found["items"] = converted(kind["items"])
    return found


def problems(calls: Sequence[tuple[str, Json]], truth: Sequence[Json], functions: Sequence[Json]) -> list[str]:
    """Why these calls, in any order, aren't the ones wanted; empty if they are."""
    if len(calls) != len(truth):
        return [f"{len(calls)} calls instead of {len(truth)}"]
    known = {function["name"]: function["parameters"] for function in functions}
    left = list(truth)
    found = []
    for name, arguments in calls:
        reasons = [_mismatch(name, arguments, wanted, known) for wanted in left]
        if "" in reasons:
            left.pop(reasons.index(""))
        else:
            found.append(reasons[0] if len(reasons) == 1 else f"{name} with these arguments is none of those wanted")
    return found


def _mismatch(name: str, arguments: Json, wanted: Json, known: dict[str, Json]) -> str:
    ((right, values),) = wanted.items()
    if name != right:
        return f"{name} instead of {right}"
    described = known[name].get("properties", {})
    for required in known[name].get("required", []):
        if required not in arguments:
            return f"{required} is missing"
    for argument, value in arguments.items():
        if argument not in described:
            return f"there is no argument {argument}"
        wrong = type_problem(value, described[argument])
        if wrong:
            return f"{argument} {wrong}"
        if argument in values and not any(equal(value, accepted) for accepted in values[argument]):
            return f"{argument} is {value!r}, wanted is one of {values[argument]!r}"
        if argument not in values:
            return f"{argument} is too much"
    for argument, accepted in values.items():
        if argument not in arguments and "" not in accepted:
            return f"{argument} is missing"
    return ""


def type_problem(value: Any, kind: Json) -> str:
    """Whether a value contradicts its parameter's type; whole numbers are numbers, too."""
    said = str(kind.get("type", "any"))
    wanted = TYPES.get(said, said)
    fits = {
        "string": isinstance(value, str), "boolean": isinstance(value, bool),
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "number": isinstance(value, (int, float)) and not isinstance(value, bool),
        "array": isinstance(value, (list, tuple)), "object": isinstance(value, dict),
    }  # fmt: skip
    if not fits.get(wanted, True):
        return f"is {value!r}, which is no {wanted}"
    if wanted == "array" and "items" in kind:
        return next((wrong for each in value if (wrong := type_problem(each, kind["items"]))), "")
    return ""


def equal(value: Any, accepted: Any) -> bool:
    """Texts without regard to case and punctuation, as the leaderboard compares them; objects field by field."""
    if isinstance(value, str) and isinstance(accepted, str):
        return _plain(value) == _plain(accepted)
    if isinstance(value, (list, tuple)) and isinstance(accepted, (list, tuple)):
        return len(value) == len(accepted) and all(map(equal, value, accepted))
    if isinstance(value, dict) and isinstance(accepted, dict):
        # inside an object, too, every field lists what counts
        if any(name not in accepted for name in value):
            return False
        return all((name in value and any(equal(value[name], each) for each in _all(options)))
                   or (name not in value and "" in _all(options)) for name, options in accepted.items())  # fmt: skip
    return bool(value == accepted) and isinstance(value, bool) == isinstance(accepted, bool)


def _all(options: Any) -> Sequence[Any]:
    return options if isinstance(options, list) else [options]


def _plain(text: str) -> str:
    return re.sub(r"[ ,./\-_*^()]", "", text).lower().replace("'", '"')
