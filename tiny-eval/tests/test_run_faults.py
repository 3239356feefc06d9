"""What goes wrong with a server ends in "not measured", never in zero and never in a hang; or in one clear line."""

import asyncio
import errno
import json
import os

import pytest
from tiny_shared import cli
from tiny_shared.testing import FakeServer
from tiny_shared.testing.server import Fault

from main import parser, user_errors
from tiny_eval.problem import EvalProblem
from tiny_eval.running.journal import Journal
from tiny_eval.running.prompt import Prompt
from tiny_eval.running.question import Answer, NotAnswered, Question
from tiny_eval.running.runner import Limits, ask_all


@pytest.fixture
def task(tmp_path):
    rows = [{"id": f"q{n}", "input": f"{n}?", "answers": [f"echo: {n}?"]} for n in range(12)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (tmp_path / "t.yaml").write_text("name: t\ndata: t.jsonl\nprompt: '{{input}}'\nmetric: exact_match\n")
    return tmp_path / "t.yaml"


@pytest.fixture
def run(task, tmp_path, capsys):
    """`run` against a server; gives the result, or the error's line."""

    def run(server, *more, code=0):
        words = ["run", "--task", task, "--model", "tiny-chat", "--out", tmp_path / "out", "--base-url",
                 server if isinstance(server, str) else server.base_url, "--json", *more]  # fmt: skip
        assert cli.run(parser(), list(map(str, words)), user_errors()) == code
        out, err = capsys.readouterr()
        return json.loads(out)[0] if code == 0 else err.strip().splitlines()[-1]

    return run


def test_all_is_well(run, tmp_path):
    with FakeServer() as server:
        found = run(server)
        assert (found["score"], found["n"], found["not_measured"]) == (100, 12, 0)
        assert len(server.requests) == 12
        assert run(server)["score"] == 100 and len(server.requests) == 12  # nothing is asked twice
    rows = [json.loads(line) for line in (tmp_path / "out/t/tiny-chat.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == [f"q{n}" for n in range(12)]
    assert rows[3]["pred"] == "echo: 3?" and rows[3]["tokens"] == [4, 2]


@pytest.mark.parametrize("kind", ["500", "429", "503", "garbage", "error", "empty", "short"])
def test_endless_faults_are_not_measured(run, kind):
    with FakeServer() as server:
        server.faults = [Fault(kind, {"retry-after-ms": "1"}) for _ in range(100)]
        found = run(server, "--retries", 2)
        assert (found["score"], found["not_measured"], found["low"], found["high"]) == (None, 12, 0, 100)
        assert found["reasons"] == {"error": 12}
        server.faults = []
        assert run(server)["score"] == 100  # asked again, since a failure is no answer


@pytest.mark.parametrize("kind", ["stall", "trickle", "pause"])
def test_a_silent_server_is_not_waited_for(run, kind):
    with FakeServer() as server:
        server.faults = [kind] * 60
        found = run(server, "--retries", 0, "--timeout", 0.3, "--deadline", 0.6, "--concurrency", 12)
        assert (found["score"], found["not_measured"]) == (None, 12)


def test_what_passes_is_asked_again(run):
    with FakeServer() as server:
        server.faults = [Fault("429", {"retry-after-ms": "5"}), "500", "cut", "refuse", "ok", "503"]
        assert run(server)["score"] == 100
        assert len(server.requests) == 12 + 5


@pytest.mark.parametrize(("kind", "says"), [("404", "refused with 404"), ("401", "check OPENAI_API_KEY"),
                                            ("html", "answered with a web page")])  # fmt: skip
def test_an_endpoint_that_is_none_stops_the_run(run, kind, says):
    with FakeServer() as server:
        server.faults = [kind] * 50
        assert says in run(server, code=2)
        assert len(server.requests) <= 8  # those at once, no more


def test_nobody_there(run):
    with FakeServer() as server:
        url = server.base_url
    line = run(url, "--retries", 1, code=2)
    assert "does not answer" in line and line.startswith("error: 127.0.0.1")


class Dying:
    """Answers four times, then nobody listens any more."""

    name = identity = "dying"

    def __init__(self):
        self.asked = 0

    def request(self, question):
        return {"prompt": question.prompt.text}

    async def answer(self, question):
        self.asked += 1
        if self.asked > 4:
            raise NotAnswered("host does not answer", hopeless=True)
        return Answer("x")


def test_a_server_that_dies_in_the_middle_ends_the_run_and_keeps_what_was_answered(tmp_path):
    questions = [Question({"id": str(n)}, Prompt([], str(n), 1)) for n in range(100)]
    model = Dying()

    async def ask():
        async with Journal(tmp_path / "j") as journal:
            await ask_all(model, questions, journal, Limits(concurrency=2))

    with pytest.raises(EvalProblem, match="what was answered is kept, run the same command again"):
        asyncio.run(ask())
    assert 4 + 6 <= model.asked <= 4 + 7 and len(Journal(tmp_path / "j").read().answers) == 4


def test_a_full_disk_is_one_line_and_loses_nothing(run, monkeypatch, tmp_path):
    real = Journal.add
    count = []

    def add(self, key, answer):
        count.append(1)
        if len(count) > 5:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(self, key, answer)

    with FakeServer() as server:
        monkeypatch.setattr(Journal, "add", add)
        assert run(server, "--concurrency", 1, code=2).startswith("error: no space left on the disk")
        monkeypatch.setattr(Journal, "add", real)
        assert run(server)["score"] == 100
        assert len(server.requests) == 12 + 1  # five were kept, the sixth had no room


def test_a_write_that_fails_leaves_whole_lines(tmp_path, monkeypatch):
    real = os.write

    async def fill():
        async with Journal(tmp_path / "j") as journal:
            journal.add("a", {"text": "one"})

            def half(descriptor, data):
                if data.startswith(b'{"key": "b"'):
                    real(descriptor, data[:7])
                    raise OSError(errno.ENOSPC, "No space left on device")
                return real(descriptor, data)

            monkeypatch.setattr(os, "write", half)
            journal.add("b", {"text": "two"})

    with pytest.raises(OSError, match="No space"):
        asyncio.run(fill())
    assert Journal(tmp_path / "j").read().answers == {"a": {"text": "one"}}
    assert (tmp_path / "j").read_bytes().count(b"\n") == 1


def test_a_torn_line_is_cut_off(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b'{"key": "a", "answer": {"text": "one"}}\n{"key": "b", "ans')

    async def go_on():
        async with Journal(path) as journal:
            journal.add("c", {"text": "three"})

    asyncio.run(go_on())
    assert Journal(path).read().answers == {"a": {"text": "one"}, "c": {"text": "three"}}


def test_a_broken_line_in_the_middle_is_named(tmp_path):
    path = tmp_path / "j"
    path.write_bytes(b'{"key": "a", "answer": {}}\nnonsense\n{"key": "b", "answer": {}}\n')
    with pytest.raises(EvalProblem, match=":2: not a line of the journal"):
        Journal(path).read()


def test_an_answer_without_an_end_and_one_without_words(run):
    with FakeServer() as server:
        server.replies = [{"content": "cut", "finish_reason": "length"}, {"content": None}, *["echo: 5?"] * 10]
        found = run(server, "--concurrency", 1)
        assert found["reasons"] == {"truncated": 1} and found["not_measured"] == 1
