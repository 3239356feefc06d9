"""run, tasks, download on the command line: dry runs, repetitions, functions, limits, and what can be wrong."""

import json
import time

import pytest
from tiny_shared import cli
from tiny_shared.testing import FakeServer

from main import parser, user_errors


@pytest.fixture
def main(capsys, monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_MODEL"):
        monkeypatch.delenv(name, raising=False)

    def main(*words, code=0):
        assert cli.run(parser(), [str(word) for word in words], user_errors()) == code
        out, err = capsys.readouterr()
        return err.strip().splitlines()[-1] if code else out

    return main


def test_tasks_are_listed(main):
    found = {row["name"]: row for row in json.loads(main("tasks", "--json"))}
    assert {"choice-en", "code-zh", "gsm8k", "longbench", "perplexity"} <= found.keys()
    assert found["gsm8k"]["data"] and not found["choice-en"]["data"]
    assert all(name in main("tasks") for name in found)


def test_a_dry_run_sends_nothing_and_says_what_it_would(main, tmp_path):
    with FakeServer() as server:
        words = ("run", "--task", "choice-en", "--model", "tiny-chat", "--out", tmp_path, "--base-url", server.base_url,
                 "--few-shot", 1, "--repeat", 2, "--price-in", 10, "--price-out", 20, "--dry-run")  # fmt: skip
        found = json.loads(main(*words, "--json"))[0]
        text = main(*words)
        assert server.requests == [] and not (tmp_path / "choice-en").exists()
    assert (found["items"], found["requests"], found["new_requests"], found["cut_prompts"]) == (24, 48, 48, 0)
    assert found["completion_tokens_at_most"] == 48 * 64 and len(found["prompts"]) == 3 and found["shuffled"] is None
    assert found["cost_at_most"] == pytest.approx((found["prompt_tokens"] * 10 + 48 * 64 * 20) / 1e6)
    assert all(prompt in text for prompt in found["prompts"])
    assert [turn["role"] for turn in found["request"]["messages"]] == ["user", "assistant", "user"]


def test_a_probe_asks_ten_questions_twice(main, tmp_path):
    with FakeServer() as server:
        server.replies = lambda request: "B"  # a model that always says B changes its mind when the options move
        words = ("run", "--task", "choice-en", "--model", "tiny-chat", "--out", tmp_path, "--base-url", server.base_url)
        text = main(*words, "--dry-run", "--probe")
        assert len(server.requests) == 20
        assert "of 10 answers stay the same when the options are shuffled" in text
        kept = int(text.split("order of options ")[1].split()[0])
        main(*words)
        assert "of which 0 were never answered before" in main(*words, "--dry-run")
    assert kept < 6


def test_a_function_is_a_model_and_its_failures_are_not_measured(main, tmp_path):
    (tmp_path / "mine.py").write_text(
        "def answer(prompt):\n    if 'spider' in prompt:\n        raise RuntimeError('afraid')\n"
        "    return 'The answer is A.'\n"
        "async def later(prompt):\n    return 'B'\ndef number(prompt):\n    return 7\n"
    )
    base = ("run", "--task", "choice-en", "--out", tmp_path / "out", "--json", "--model")
    found = json.loads(main(*base, f"python:{tmp_path}/mine.py:answer"))[0]
    assert (found["n"], found["not_measured"], found["model"]) == (24, 1, "mine-answer")
    rows = (tmp_path / "out/choice-en/mine-answer.jsonl").read_text(encoding="utf-8")
    assert "mine-answer raised RuntimeError: afraid" in rows
    assert json.loads(main(*base, f"python:{tmp_path}/mine.py:later"))[0]["not_measured"] == 0
    assert json.loads(main(*base, f"python:{tmp_path}/mine.py:number"))[0]["not_measured"] == 24
    assert "has no function" in main(*base, f"python:{tmp_path}/mine.py:none", code=2)
    assert "write python:FILE.py:NAME" in main(*base, "python:mine", code=2)


def test_repetitions_are_clusters_and_programs_give_pass_at_k(main, tmp_path):
    said = iter(range(10**6))

    def reply(request):
        return "def double(n):\n    return 2 * n" if next(said) % 2 else "def double(n):\n    return n"

    with FakeServer() as server:
        server.replies = reply
        found = json.loads(main("run", "--task", "code-en", "--limit", 1, "--repeat", 6, "--allow-code",
                                "--temperature", 0.8, "--model", "tiny-chat", "--out", tmp_path, "--concurrency", 1,
                                "--base-url", server.base_url, "--seed", 5, "--json"))[0]  # fmt: skip
        assert [request.body["seed"] for request in server.requests] == [5, 6, 7, 8, 9, 10]
        assert server.requests[0].body["temperature"] == 0.8
    assert found["pass@1"] == pytest.approx(50) and found["pass@5"] == pytest.approx(100)
    rows = [json.loads(line) for line in (tmp_path / "code-en/tiny-chat.jsonl").read_text("utf-8").splitlines()]
    assert [row["id"] for row in rows] == [f"double#{n}" for n in range(1, 7)] and rows[0]["item"] == "double"


def test_completions_get_one_text_with_the_templates_marks(main, tmp_path):
    with FakeServer() as server:
        main("run", "--task", "qa-en", "--limit", 1, "--model", "tiny-chat", "--api", "completions", "--chat-template",
             "chatml", "--max-prompt-tokens", 60, "--out", tmp_path, "--base-url", server.base_url)  # fmt: skip
        (request,) = server.requests
    assert request.path == "/v1/completions" and request.body["prompt"].endswith("<|im_start|>assistant\n")
    assert " … " in request.body["prompt"]


def test_extra_fields_go_into_the_request_and_null_takes_one_out(main, tmp_path):
    with FakeServer() as server:
        main("run", "--task", "choice-en", "--limit", 1, "--model", "tiny-chat", "--out", tmp_path, "--base-url",
             server.base_url, "--extra", '{"top_p": 0.8, "max_tokens": null, "max_completion_tokens": 9}')  # fmt: skip
        (request,) = server.requests
    assert (request.body["top_p"], request.body["max_completion_tokens"]) == (0.8, 9)
    assert "max_tokens" not in request.body
    assert "must be a JSON object" in main("run", "--task", "choice-en", "--model", "m", "--out", tmp_path, "--extra",
                                           "[1]", code=2)  # fmt: skip


def test_the_rate_is_kept(main, tmp_path):
    with FakeServer() as server:
        start = time.monotonic()
        main("run", "--task", "choice-en", "--limit", 11, "--model", "tiny-chat", "--rate", 20, "--out", tmp_path,
             "--base-url", server.base_url)  # fmt: skip
        assert time.monotonic() - start > 0.5


def test_a_key_is_sent_and_never_written(main, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-key")
    with FakeServer() as server:
        server.api_key = "sk-secret-key"
        main("run", "--task", "choice-en", "--limit", 2, "--model", "tiny-chat", "--out", tmp_path, "--base-url",
             server.base_url)  # fmt: skip
        server.api_key = "sk-another-key"
        line = main("run", "--task", "choice-zh", "--limit", 2, "--model", "tiny-chat", "--out", tmp_path, "--base-url",
                    server.base_url, code=2)  # fmt: skip
    assert "check OPENAI_API_KEY" in line and "sk-secret-key" not in line
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or b"sk-secret" not in path.read_bytes()


@pytest.mark.parametrize(("words", "says"), [
    (["--task", "nothing", "--model", "baseline:lead"], "there is no task 'nothing'"),
    (["--task", "choice-en", "--model", "baseline:best"], "no baseline 'best'"),
    (["--task", "choice-en", "--model", "gpt"], "no server is configured; set OPENAI_BASE_URL"),
    (["--task", "gsm8k", "--model", "baseline:lead"], "name them with --data"),
    (["--task", "gsm8k", "--model", "baseline:lead", "--data", "nowhere"], "no such file or folder: 'nowhere'"),
    (["--task", "choice-en", "--model", "baseline:lead", "--few-shot", "9"], "holds 3 examples (asked for 9)"),
    (["--task", "classify-en", "--model", "baseline:lead", "--few-shot", "1"], "has no examples to show"),
    (["--task", "qa-en", "--model", "baseline:ngram", "--loglikelihood"], "has no 'choices'; add them"),
    (["--task", "choice-en", "--model", "baseline:lead", "--rate", "-1"], "must be a number from 0 up"),
    (["--task", "choice-en", "--model", "x", "--base-url", "localhost"], "OPENAI_BASE_URL must look like"),
    (["--task", "choice-en", "--model", "baseline:lead", "--tokenizer", "nowhere.json"], "not a tokenizer.json"),
])  # fmt: skip
def test_what_is_wrong_is_one_line(main, tmp_path, words, says):
    assert says in main("run", *words, "--out", tmp_path / "out", code=2)


def test_a_template_with_an_unknown_name(main, tmp_path):
    (tmp_path / "t.yaml").write_text("name: t\ndata: t.jsonl\nprompt: '{{question}}'\n")
    (tmp_path / "t.jsonl").write_text('{"id": "1", "input": "a", "answers": ["b"]}\n')
    line = main("run", "--task", tmp_path / "t.yaml", "--model", "baseline:lead", "--out", tmp_path / "out", code=2)
    assert "asks for {{question}}, and item '1' has no 'question'; it has id, input, answers" in line
    (tmp_path / "t.jsonl").write_text('{"id": "1"\n')
    line = main("run", "--task", tmp_path / "t.yaml", "--model", "baseline:lead", "--out", tmp_path / "out", code=2)
    assert "t.jsonl:1: not JSON" in line


def test_download(main, tmp_path):
    assert "gsm8k" in main("download")
    assert "no download is called 'gsm9k'; did you mean 'gsm8k'" in main("download", "gsm9k", code=2)
    with FakeServer() as server:
        server.files["test.jsonl"] = b'{"question": "1?", "answer": "#### 1"}\n'
        out = main("download", "gsm8k", "--out", tmp_path, "--url", f"{server.url}/files/test.jsonl")
    path = tmp_path / "gsm8k-test.jsonl"
    assert path.as_posix() in out and "MIT" in (tmp_path / "gsm8k-test.jsonl.licence").read_text()
    assert json.loads(main("run", "--task", "gsm8k", "--data", path, "--model", "baseline:lead", "--out",
                           tmp_path / "out", "--json"))[0]["n"] == 1  # fmt: skip
