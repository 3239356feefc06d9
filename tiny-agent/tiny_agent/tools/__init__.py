"""A typed function with a docstring becomes a tool: its JSON schema is derived, its arguments are checked.

@tool
def add(a: int, b: int = 1) -> str:
    '''Add two whole numbers.

    a: the first
    b: the second
    '''
    return str(a + b)

add.schema()              what a model is told, in OpenAI's form
add.call({"a": "2"})      "3"        a number written as text is taken as the number
add.call({"x": 2})        ArgumentError: add has no argument 'x'; it has a (integer), b (integer, optional)
"""

import inspect
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin

Json = dict[str, Any]
SCALARS: dict[Any, str] = {str: "string", int: "integer", float: "number", bool: "boolean"}


class ToolError(Exception):
    """A tool can't do what was asked; the message is for the model, and says what would work."""


class ArgumentError(ToolError):
    """The arguments don't fit the tool's parameters."""


@dataclass(frozen=True)
class Parameter:
    """`schema` is its JSON schema; `required` that it has no default."""

    name: str
    annotation: Any
    schema: Json
    required: bool


@dataclass(frozen=True)
class Tool:
    """A function, and what a model needs to know of it.

    effect     what it does to the world: read, write, execute, send, or nothing (the approval policy asks)
    untrusted  whether its output is text from somebody else: from then on the context is tainted
    """

    function: Callable[..., str]
    name: str
    description: str
    parameters: tuple[Parameter, ...]
    effect: str = "nothing"
    untrusted: bool = False

    def schema(self) -> Json:
        """In the form that chat servers take as one of `tools`."""
        properties = {parameter.name: parameter.schema for parameter in self.parameters}
        required = [parameter.name for parameter in self.parameters if parameter.required]
        inside = {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
        return {"type": "function",
                "function": {"name": self.name, "description": self.description, "parameters": inside}}  # fmt: skip

    def check(self, arguments: Json | str) -> Json:
        """The arguments as the function takes them; ArgumentError says which one is wrong, and what would be right.

        A bare text is the argument of a tool that has one required, or only one.
        """
        if isinstance(arguments, str):
            required = [parameter for parameter in self.parameters if parameter.required] or list(self.parameters)
            if len(required) != 1:
                raise ArgumentError(f"{self.name} takes an object with {self.signature()}; a bare text won't do")
            arguments = {required[0].name: arguments}
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in arguments:
            if name not in known:
                raise ArgumentError(f"{self.name} has no argument {name!r}; it has {self.signature()}")
        checked = {}
        for name, parameter in known.items():
            if name in arguments:
                checked[name] = _fitted(arguments[name], parameter.annotation, f"{self.name}: {name}")
            elif parameter.required:
                raise ArgumentError(f"{self.name} needs the argument {name!r}; it has {self.signature()}")
        return checked

    def call(self, arguments: Json | str) -> str:
        """Check, then run. ToolError for what the model can put right; anything else is the tool's own failure."""
        return self.function(**self.check(arguments))

    def signature(self) -> str:
        """`a (integer), b (integer, optional)`."""
        return ", ".join(f"{p.name} ({p.schema.get('type', 'value')}{'' if p.required else ', optional'})"
                         for p in self.parameters) or "no arguments"  # fmt: skip


def tool(
    function: Callable[..., str] | None = None, *, effect: str = "nothing", untrusted: bool = False, name: str = ""
) -> Any:
    """Make a Tool of a function; as a decorator with or without settings. TypeError if it isn't typed or described."""

    def make(function: Callable[..., str]) -> Tool:
        said = inspect.getdoc(function)
        if not said:
            raise TypeError(f"{function.__name__} has no docstring; the model reads it to know what the tool is for")
        about, described = _described(said)
        hints = typing.get_type_hints(function)
        parameters = []
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise TypeError(f"{function.__name__} takes *{parameter.name}; a tool's parameters have names")
            if parameter.name not in hints:
                raise TypeError(f"{function.__name__}: the parameter {parameter.name!r} has no type")
            schema = schema_of(hints[parameter.name], f"{function.__name__}: {parameter.name}")
            if parameter.name in described:
                schema = schema | {"description": described[parameter.name]}
            if parameter.default is not parameter.empty and parameter.default is not None:
                schema = schema | {"default": parameter.default}
            required = parameter.default is parameter.empty
            parameters.append(Parameter(parameter.name, hints[parameter.name], schema, required))
        return Tool(function, name or function.__name__, about, tuple(parameters), effect, untrusted)

    return make if function is None else make(function)


def _described(docstring: str) -> tuple[str, dict[str, str]]:
    """What stands above the parameters, and what `name: words` says of each."""
    about, described = [], {}
    for line in docstring.splitlines():
        found = re.match(r"(\w+): +(.+)", line)
        if found:
            described[found[1]] = found[2].strip()
        elif not described:
            about.append(line.strip())
    return " ".join(" ".join(about).split()), described


def schema_of(annotation: Any, place: str = "value") -> Json:
    """The JSON schema of a type: str, int, float, bool, Literal, list[T], dict[str, T], T | None."""
    if annotation in SCALARS:
        return {"type": SCALARS[annotation]}
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        kinds = {SCALARS[type(value)] for value in inside}
        return {"enum": list(inside), **({"type": kinds.pop()} if len(kinds) == 1 else {})}
    if origin in (Union, types.UnionType):
        rest = [each for each in inside if each is not type(None)]
        if len(rest) == 1:
            return schema_of(rest[0], place)
        return {"anyOf": [schema_of(each, place) for each in rest]}
    if origin is list:
        return {"type": "array", "items": schema_of(inside[0], place)}
    if origin is dict and inside[0] is str:
        return {"type": "object", "additionalProperties": schema_of(inside[1], place)}
    raise TypeError(f"{place}: no JSON schema for {annotation}; use str, int, float, bool, Literal, list, dict")


def _fitted(value: Any, annotation: Any, place: str) -> Any:
    """The value as that type; a number or a truth value written as text is taken as such, nothing else is."""
    origin, inside = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        for each in sorted(inside, key=lambda kind: kind is str):  # a text fits everything: last
            if each is type(None):
                if value is None:
                    return None
                continue
            try:
                return _fitted(value, each, place)
            except ArgumentError:
                continue
        raise ArgumentError(f"{place} must be {_name(annotation)} (got {value!r:.60})")
    if origin is Literal:
        if any(value == each and type(value) is type(each) for each in inside):
            return value
        raise ArgumentError(f"{place} must be one of {', '.join(map(repr, inside))} (got {value!r:.60})")
    if origin is list:
        if not isinstance(value, list):
            raise ArgumentError(f"{place} must be a list (got {value!r:.60})")
        return [_fitted(each, inside[0], f"{place}[{number}]") for number, each in enumerate(value)]
    if origin is dict:
        if not isinstance(value, dict):
            raise ArgumentError(f"{place} must be an object (got {value!r:.60})")
        return {str(name): _fitted(each, inside[1], f"{place}.{name}") for name, each in value.items()}
    fitted = _scalar(value, annotation)
    if fitted is None:
        raise ArgumentError(f"{place} must be {_name(annotation)} (got {value!r:.60})")
    return fitted


def _scalar(value: Any, kind: Any) -> Any:
    """The value as str, int, float or bool; None if it isn't one."""
    if kind is str:
        return value if isinstance(value, str) else str(value) if type(value) in (int, float) else None
    if kind is bool:
        if isinstance(value, bool):
            return value
        return {"true": True, "false": False}.get(value.strip().lower()) if isinstance(value, str) else None
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d[\d_]{0,30}(?:\.\d{0,30})?(?:[eE][+-]?\d{1,3})?\s*", value):
        value = float(value) if re.search(r"[.eE]", value) else int(value)
    if kind is int:
        return int(value) if isinstance(value, int) or (isinstance(value, float) and value.is_integer()) else None
    return float(value) if isinstance(value, (int, float)) else None


def _name(annotation: Any) -> str:
    schema = schema_of(annotation)
    kinds = (
        [each.get("type", "value") for each in schema["anyOf"]] if "anyOf" in schema else [schema.get("type", "value")]
    )
    return " or ".join(("an " if kind[0] in "aio" else "a ") + kind for kind in kinds)
