"""Procedures, traces, memory, evaluation, and the leaderboard's format."""

import json

import pytest

from scripts import FAILED, Script
from tiny_agent import bfcl
from tiny_agent.evaluate import evaluate, is_right, questions
from tiny_agent.loop import Limits, StopReason, run
from tiny_agent.memory import Memory
from tiny_agent.model import Reply
from tiny_agent.sop import ProcedureError, Role, checked, follow, read_procedure
from tiny_agent.tools import tool
from tiny_agent.trace import Trace, as_text, page, read


@tool
def look(what: str) -> str:
    """Look.

    what: at what
    """
    return f"seen {what}"


ACT = 'Thought: t\nAction: look\nAction Input: {"what": "x"}'
ROLES = [Role("worker", "w", {"findings": "text"}, tools=["look"]),
         Role("reviewer", "r", {"accept": "yes/no", "why": "text"}, ["worker"], reviews="worker", most_returns=1),
         Role("writer", "a", {"answer": "text"}, ["worker", "reviewer"])]  # fmt: skip


def final(**fields):
    return f"Final Answer: {json.dumps(fields)}"


# ---- procedures ------------------------------------------------------------------------------------------------------


def test_the_shipped_procedure_is_one():
    roles = read_procedure()
    assert [role.name for role in roles] == ["planner", "worker", "reviewer", "writer"]


def test_work_is_sent_back_once_and_then_goes_on():
    model = Script(ACT, final(findings="1"), final(accept=False, why="no"), final(findings="2"),
                   final(accept=False, why="still"),
                   final(answer="two"))  # fmt: skip
    result, made = follow("q", model, [look], ROLES)
    assert (result.answer, result.stop_reason) == ("two", StopReason.ANSWERED)
    assert [artefact.role for artefact in made] == ["worker", "reviewer", "worker", "reviewer", "writer"]
    assert "It was sent back" in model.requests[3][-1]["content"] and len(result.steps) == 6


def test_an_artefact_that_does_not_fit_is_asked_for_once_more():
    model = Script("Final Answer: just words", final(findings="ok"), final(accept=True, why=""), final(answer="x"))
    result, made = follow("q", model, [look], ROLES)
    assert result.answer == "x" and made[0].fields == {"findings": "ok"} and made[0].problems == []
    assert "That doesn't fit: it is no JSON object" in model.requests[1][-1]["content"]
    model = Script("Final Answer: a", "Final Answer: b", final(accept=True, why=""), final(answer="x"))
    assert follow("q", model, [look], ROLES)[1][0].fields == {"findings": "b"}


def test_a_failure_and_a_limit_end_the_procedure():
    result, made = follow("q", Script(FAILED), [look], ROLES)
    assert result.stop_reason == StopReason.ERROR and len(made) == 1
    result, _ = follow("q", Script(ACT, final(findings="1")), [look], ROLES, Limits(steps=2))
    assert result.stop_reason == StopReason.STEP_LIMIT


def test_fields_are_checked():
    role = Role("r", "t", {"accept": "yes/no", "n": "number", "items": "list"})
    assert checked('{"accept": true, "n": 1, "items": []}', role) == ({"accept": True, "n": 1, "items": []}, [])
    fields, problems = checked('{"accept": "yes", "n": true}', role)
    assert fields == {} and len(problems) == 3


@pytest.mark.parametrize(("text", "says"), [
    ("a: [", "not YAML"), ("a: 1", "holds no 'roles'"), ("roles: [{name: a}]", "a role has a name, a task"),
    ("roles: [{name: a, task: t, makes: {x: text}, tool: b}]", "unknown key 'tool'"),
    ("roles: [{name: a, task: t, makes: {x: words}}]", "'words' is no type"),
    ("roles: [{name: a, task: t, makes: {x: text}, gets: [b]}]", "no role 'b' comes before it"),
])  # fmt: skip
def test_a_procedure_with_a_mistake(tmp_path, text, says):
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(ProcedureError, match=says):
        read_procedure(tmp_path / "p.yaml")


# ---- traces ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def traced(tmp_path):
    path = tmp_path / "run.jsonl"
    with Trace(path) as trace:
        trace.begin("why?", "script", "react", Limits())
        run("why?", Script(ACT, "oops", "Final Answer: because"), [look], watch=trace.watch)
    return path


def test_everything_is_in_the_trace(traced):
    events = list(read(traced))
    assert [row["event"] for row in events] == [
        "start",
        "request",
        "reply",
        "tool",
        "request",
        "reply",
        "request",
        "reply",
        "end",
    ]
    assert events[3]["output"] == "seen x" and events[4]["unchanged"] == 2 and len(events[4]["new"]) == 2
    assert events[5]["problem"].startswith("Your reply has neither")
    assert events[-1]["answer"] == "because" and events[-1]["stop_reason"] == "answered"
    text = "\n".join(as_text(events))
    assert "call     look" in text and "answer     because" in text


def test_a_killed_run_leaves_a_readable_trace(traced):
    lines = traced.read_text(encoding="utf-8")
    whole = list(read(traced))
    for cut in range(1, len(lines), 37):
        traced.write_text(lines[:cut], encoding="utf-8")
        try:
            found = list(read(traced))
        except ValueError:
            assert "\n" not in lines[:cut]  # not even the first line
            continue
        assert found == whole[: len(found)]
    traced.write_text("{}\n{}\n")
    with pytest.raises(ValueError, match=":1: not a line of a trace"):
        list(read(traced))


def test_the_page_has_no_markup_of_others(tmp_path):
    evil = "</script><script>alert(1)</script>"
    found = page([{"event": "start", "at": 0, "question": evil, "model": evil, "engine": "react"}], evil)
    assert evil not in found and "\\u003c/script>" in found and "default-src 'none'" in found


# ---- memory, evaluation ----------------------------------------------------------------------------------------------


def test_memory_is_a_file_and_survives_a_torn_line(tmp_path):
    path = tmp_path / "m.jsonl"
    memory = Memory(path)
    memory.add("one?", "1")
    memory.add("two?", "2")
    with path.open("a") as file:
        file.write('{"role": "us')
    again = Memory(path)
    assert [message["content"] for message in again.messages] == ["one?", "1", "two?", "2"]
    again.add("three?", "3")
    assert [message["content"] for message in Memory(path).recent(1000)][-2:] == ["three?", "3"]
    assert [message["content"] for message in Memory(path).recent(14)] == ["three?", "3"]


def test_evaluation_counts():
    asked = list(questions([("f:1", {"question": "a", "answer": "so\n#### 1,200"}),
                            ("f:2", {"question": "b", "answer": "Ann"}),
                            ("f:3", {"question": "c", "answer": 3})]))  # fmt: skip
    replies = {"a": "It is 1200.", "b": "ann.", "c": "4"}
    score = evaluate(asked, lambda q: run(q, Script(f"Final Answer: {replies[q]}"), []), lambda: None)
    assert score.as_json()["accuracy"] == pytest.approx(2 / 3) and score.stopped == {"answered": 3}
    assert score.wrong[0]["said"] == "4"
    with pytest.raises(ValueError, match="f:9: a question is"):
        list(questions([("f:9", {"q": 1})]))
    assert is_right("The result is 7.50", "7.5") and not is_right("7 or 8", "7") and not is_right("", "1")


# ---- the leaderboard -------------------------------------------------------------------------------------------------

FUNCTION = {"name": "math.root", "description": "d", "parameters": {"type": "dict", "required": ["x"], "properties": {
    "x": {"type": "float"}, "digits": {"type": "integer"}, "names": {"type": "array", "items": {"type": "string"}},
    "how": {"type": "dict", "properties": {"mode": {"type": "any"}}}}}}  # fmt: skip
TRUTH = [{"math.root": {"x": [2.0, 2], "digits": ["", 3], "names": [["a"], ""], "how": [{"mode": ["fast"]}, ""]}}]


def test_names_and_types_of_the_leaderboard_become_schemas():
    made, own = bfcl.schema(FUNCTION)
    assert (made["function"]["name"], own) == ("math_root", "math.root")
    parameters = made["function"]["parameters"]
    assert parameters["type"] == "object" and parameters["properties"]["x"] == {"type": "number"}
    assert parameters["properties"]["how"]["properties"] == {"mode": {}}


@pytest.mark.parametrize(("calls", "right"), [
    ([("math.root", {"x": 2})], True), ([("math.root", {"x": 2.0, "digits": 3, "names": ["A"]})], True),
    ([("math.root", {"x": 2, "how": {"mode": "Fast"}})], True),
    ([("math.root", {"x": 2, "how": {"mode": "slow"}})], False),
    ([("math.root", {"x": 3})], False), ([("math.root", {"x": "2"})], False), ([("math.root", {})], False),
    ([("root", {"x": 2})], False), ([("math.root", {"x": 2, "y": 1})], False), ([], False),
    ([("math.root", {"x": True})], False), ([("math.root", {"x": 2, "digits": 4})], False),
    ([("math.root", {"x": 2}), ("math.root", {"x": 2})], False),
])  # fmt: skip
def test_the_checker(calls, right):
    assert (bfcl.problems(calls, TRUTH, [FUNCTION]) == []) == right


def test_a_reply_that_is_no_text_is_survived():
    assert run("q", Script(Reply("", [], "stop")), []).stop_reason in (StopReason.NO_PROGRESS, StopReason.ANSWERED)
