"""A typed function becomes a tool; its arguments are checked, and mistakes explained. Then the shipped tools."""

import datetime as dt
import json
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_agent.tools import ArgumentError, ToolError, schema_of, tool
from tiny_agent.tools.shipped import shipped_tools
from tiny_agent.tools.units import FACTORS, convert


@tool
def order(
    what: str,
    count: int = 1,
    price: float | None = None,
    kind: Literal["small", "large"] = "small",
    tags: list[str] | None = None,
    fast: bool = False,
    more: dict[str, int] | None = None,
) -> str:
    """Order things.
    In any number.

    what: the thing
    count: how many
    """
    return json.dumps([what, count, price, kind, tags, fast, more])


def test_the_schema_is_derived():
    found = order.schema()["function"]
    assert found["name"] == "order" and found["description"] == "Order things. In any number."
    parameters = found["parameters"]
    assert parameters["required"] == ["what"] and parameters["additionalProperties"] is False
    assert parameters["properties"] == {
        "what": {"type": "string", "description": "the thing"},
        "count": {"type": "integer", "description": "how many", "default": 1},
        "price": {"type": "number"},
        "kind": {"enum": ["small", "large"], "type": "string", "default": "small"},
        "tags": {"type": "array", "items": {"type": "string"}},
        "fast": {"type": "boolean", "default": False},
        "more": {"type": "object", "additionalProperties": {"type": "integer"}},
    }
    assert schema_of(int | str) == {"anyOf": [{"type": "integer"}, {"type": "string"}]}


@pytest.mark.parametrize(("arguments", "found"), [
    ({"what": "tea"}, ["tea", 1, None, "small", None, False, None]),
    ({"what": 12, "count": "3", "price": "1.5"}, ["12", 3, 1.5, "small", None, False, None]),
    ({"what": "tea", "count": 2.0, "fast": "true",
    "tags": ["a"], "more": {"x": "1"}}, ["tea", 2, None, "small", ["a"], True, {"x": 1}]),
    ("a bare text", ["a bare text", 1, None, "small", None, False, None]),
])  # fmt: skip
def test_arguments_that_fit(arguments, found):
    assert json.loads(order.call(arguments)) == found


@pytest.mark.parametrize(("arguments", "says"), [
    ({}, r"order needs the argument 'what'; it has what \(string\), count \(integer, optional\)"),
    ({"what": "a", "size": 1}, "order has no argument 'size'"),
    ({"what": "a", "count": "two"}, r"count must be an integer \(got 'two'\)"),
    ({"what": "a", "count": 1.5}, "count must be an integer"),
    ({"what": "a", "count": True}, "count must be an integer"),
    ({"what": None}, "what must be a string"),
    ({"what": "a", "kind": "huge"}, "kind must be one of 'small', 'large'"),
    ({"what": "a", "tags": "b"}, "tags must be"),
    ({"what": "a", "tags": [["b"]]}, "tags must be an array"),
    ({"what": "a", "fast": "maybe"}, "fast must be a boolean"),
    ({"what": "a", "more": {"x": "y"}}, "more must be an object"),
])  # fmt: skip
def test_arguments_that_do_not(arguments, says):
    with pytest.raises(ArgumentError, match=says):
        order.call(arguments)


@given(st.dictionaries(st.sampled_from(["what", "count", "price", "kind", "tags", "fast", "x"]),
                       st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                                    lambda inner: st.lists(inner, max_size=2)
                                    | st.dictionaries(st.text(max_size=2), inner, max_size=2))))  # fmt: skip
def test_any_arguments_fit_or_are_explained(arguments):
    try:
        found = order.check(arguments)
    except ArgumentError as error:
        assert "order" in str(error)
    else:
        assert isinstance(found["what"], str)


@pytest.mark.parametrize(("source", "says"), [
    ("def f(a: int) -> str:\n    return ''", "has no docstring"),
    ("def f(a) -> str:\n    '''F.'''\n    return ''", "the parameter 'a' has no type"),
    ("def f(*a: int) -> str:\n    '''F.'''\n    return ''", r"takes \*a"),
    ("def f(a: set) -> str:\n    '''F.'''\n    return ''", "no JSON schema"),
])  # fmt: skip
def test_a_function_that_makes_no_tool(source, says):
    import types

    module = types.ModuleType("m")
    code = compile(source, "m", "exec")
    types.FunctionType(code, module.__dict__)()
    with pytest.raises(TypeError, match=says):
        tool(module.f)


# ---- shipped ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path):
    (tmp_path / "notes.md").write_text("The old mill was built in 1784.\nTea costs 3 coins.\n", encoding="utf-8")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "long.txt").write_text("line\n" * 3000, encoding="utf-8")
    return {each.name: each for each in shipped_tools(tmp_path, today=lambda: dt.date(2024, 2, 29))}


@pytest.mark.parametrize(("name", "arguments", "found"), [
    ("calculator", {"text": "6 * 7"}, "42"),
    ("convert_units", {"value": 1, "unit": "mile", "to": "km"}, "1.609344"),
    ("date_today", {}, "2024-02-29, Thursday"),
    ("date_add", {"date": "2024-02-28", "days": 2}, "2024-03-01"),
    ("date_between", {"start": "2024-01-01", "end": "2023-12-31"}, "-1"),
    ("weekday", {"date": "2025-10-01"}, "Wednesday"),
    ("search_notes", {"words": "MILL built"}, "notes.md:1: The old mill was built in 1784."),
    ("search_files", {"words": "nowhere"}, "nothing found for 'nowhere'"),
])  # fmt: skip
def test_shipped_tools_work(shipped, name, arguments, found):
    assert shipped[name].call(arguments) == found


def test_a_long_file_is_cut_and_read_on(shipped):
    cut = shipped["read_file"].call("sub/long.txt")
    assert "[cut: 9,000 of 15,000 characters are left; read_more with handle 'output-1' and start 6000 goes on]" in cut
    assert shipped["read_more"].call({"handle": "output-1", "start": 12000}) == "line\n" * 600
    with pytest.raises(ToolError, match="there is no output 'x'; there are output-1"):
        shipped["read_more"].call({"handle": "x", "start": 0})


@pytest.mark.parametrize(("name", "arguments", "says"), [
    ("calculator", {"text": "1 / 0"}, "division by zero"),
    ("convert_units", {"value": 1, "unit": "mile", "to": "kg"}, "mile is length and kg is mass"),
    ("convert_units", {"value": 1, "unit": "parsec", "to": "km"}, "unknown unit 'parsec'"),
    ("date_add", {"date": "2023-02-29", "days": 1}, "is no date; write YYYY-MM-DD"),
    ("date_add", {"date": "9999-12-31", "days": 1}, "outside the years"),
    ("read_file", {"path": "gone.md"}, "there is no file 'gone.md'; there are notes.md, sub/long.txt"),
    ("search_notes", {"words": "!"}, "no word to search for"),
])  # fmt: skip
def test_shipped_tools_say_what_would_work(shipped, name, arguments, says):
    with pytest.raises(ToolError, match=says):
        shipped[name].call(arguments)


def test_python_runs_in_the_sandbox(shipped):
    assert shipped["python"].call("print(2 ** 64)") == "18446744073709551616"
    assert "ZeroDivisionError" in shipped["python"].call("1 / 0")
    assert "PermissionError" in shipped["python"].call("open('/etc/passwd')")
    assert shipped["python"].call("x = 1") == "(it printed nothing)"


NEIGHBOURS = [(kind, *pair) for kind, factors in FACTORS.items()
              for pair in zip(factors, list(factors)[1:], strict=False)]  # fmt: skip


@given(st.sampled_from(NEIGHBOURS), st.integers(1, 10**6))
def test_there_and_back(units, value):
    _, unit, other = units
    assert float(convert(convert(value, unit, other), other, unit)) == pytest.approx(value, rel=1e-7)


def test_temperatures():
    assert [convert(100, "C", "F"), convert(-40, "f", "c"), convert(0, "k", "摄氏度")] == ["212", "-40", "-273.15"]
