"""The command line: the demonstration, JSON, servers, approval, traces, and one line for whatever is wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_shared import cli
from tiny_shared.testing import FakeServer

from main import parser

TRACK = Path(__file__).resolve().parents[1]


@pytest.fixture
def main(capsys, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL", "SERPER_API_KEY", "SEARXNG_URL"):
        monkeypatch.delenv(name, raising=False)

    def main(*words, code=0):
        assert cli.run(parser(), [str(word) for word in words]) == code
        out, err = capsys.readouterr()
        return err.strip().splitlines()[-1] if code else out

    return main


def test_the_demonstration_answers_four_questions():
    done = subprocess.run([sys.executable, "main.py"], cwd=TRACK, capture_output=True, encoding="utf-8", timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(answered, 2 steps)") == 4
    for answer in ("432", "42.1648128 公里", "29 days", "林若水"):
        assert f"answer     {answer}\n" in done.stdout
    assert "default-src 'none'" in (TRACK / "runs" / "demo" / "4.html").read_text(encoding="utf-8")


def test_ask_as_json_and_with_a_trace(main, tmp_path):
    found = json.loads(main("ask", "What is 6 times 7?", "--json", "--trace", tmp_path / "t.jsonl"))
    assert (found["answer"], found["stop_reason"], found["steps"]) == ("42", "answered", 2)
    assert found["calls"][0]["name"] == "calculator"
    assert "answer     42" in main("trace", tmp_path / "t.jsonl")
    main("trace", tmp_path / "t.jsonl", "--html", tmp_path / "t.html")
    assert "calculator" in (tmp_path / "t.html").read_text(encoding="utf-8")


def test_a_server_with_function_calls(main, tmp_path):
    (tmp_path / "a.md").write_text("The budget is 120 coins.")
    with FakeServer() as server:
        server.replies = [
            {"content": "", "tool_calls": [{"name": "search_files", "arguments": {"words": "budget"}},
                                           {"name": "calculator", "arguments": {"text": "120 / 4"}}]},
            {"content": "30 coins each"},
        ]  # fmt: skip
        found = json.loads(main("ask", "q", "--engine", "tools", "--model", "tiny-chat", "--base-url", server.base_url,
                                "--workspace", tmp_path, "--json"))  # fmt: skip
        second = server.requests[1].body["messages"]
    assert found["answer"] == "30 coins each" and found["calls"][1]["output"] == "30"
    assert [message["role"] for message in second] == ["system", "user", "assistant", "tool", "tool"]
    assert "The budget is 120 coins." in second[3]["content"] and second[3]["content"].startswith("<<<")


def test_a_dead_server_is_a_stop_reason(main):
    with FakeServer() as server:
        server.faults = ["401"]
        found = json.loads(main("ask", "q", "--model", "tiny-chat", "--base-url", server.base_url, "--json"))
    assert found["stop_reason"] == "error" and "check OPENAI_API_KEY" in found["why"]


def test_chat_streams_remembers_and_asks(main, tmp_path, monkeypatch):
    typed = iter(["first", "second", "/quit"])
    monkeypatch.setattr("builtins.input", lambda prompt="": next(typed))
    with FakeServer() as server:
        server.replies = ["one", "two"]
        out = main("chat", "--engine", "tools", "--model", "tiny-chat", "--base-url", server.base_url, "--memory",
                   tmp_path / "m.jsonl", "--traces", tmp_path)  # fmt: skip
        assert [message["content"] for message in server.requests[1].body["messages"]][1:] == ["first", "one", "second"]
        assert server.requests[0].body["stream"] is True
    assert "one" in out and "two" in out and len(list(tmp_path.glob("chat-*.jsonl"))) == 2


def test_eval_counts(main):
    found = json.loads(main("eval", TRACK / "sample" / "questions.jsonl", "--json"))
    assert found["questions"] == 10 and found["accuracy"] >= 0.9 and found["stopped"] == {"answered": 10}


def test_the_sandbox_runs_a_file(main, tmp_path):
    (tmp_path / "p.py").write_text("print(6 * 7)")
    assert main("sandbox", "run", tmp_path / "p.py") == "42\n"
    (tmp_path / "p.py").write_text("open('/etc/passwd')")
    assert "the program ended with 1" in main("sandbox", "run", tmp_path / "p.py", code=2)


def test_tools_are_listed(main):
    found = {row["name"]: row for row in json.loads(main("tools", "--json", "--web"))}
    assert {"calculator", "read_file", "python", "fetch_page"} <= found.keys() and found["read_file"]["untrusted"]
    assert "calculator(text (string))" in main("tools")


@pytest.mark.parametrize(("words", "says"), [
    (["ask", "q", "--engine", "tools"], "the shipped model knows only --engine react"),
    (["ask", "q", "--workspace", "nowhere"], "nowhere is no folder"),
    (["ask", "q", "--policy", "python=maybe"], "write TOOL=auto, TOOL=ask or TOOL=deny"),
    (["trace", "nowhere.jsonl"], "no such file or folder"),
    (["sandbox", "run"], "name the program"),
    (["eval", "nowhere.jsonl"], "no such file or folder"),
    (["ask", "q", "--steps", "0"], "must be a whole number from 1 up"),
])  # fmt: skip
def test_what_is_wrong_is_one_line(main, words, says):
    assert says in main(*words, code=2)


def test_only_some_tools_are_offered(main, tmp_path):
    out = main("tools", "--only", "calculator", "--only", "weekday", "--json")
    assert [tool["name"] for tool in json.loads(out)] == ["calculator", "weekday"]
    trace = tmp_path / "run.jsonl"
    main("ask", "What is 2 plus 3?", "--only", "calculator", "--trace", trace)
    first = json.loads(trace.read_text(encoding="utf-8").splitlines()[1])["new"][0]["content"]
    assert "calculator(" in first and "weekday" not in first
    assert "there is no tool hammer; there are: calculator, " in main("tools", "--only", "hammer", code=2)
