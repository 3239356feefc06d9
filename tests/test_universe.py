"""The circle with a model too small to be good: it runs, is killed, goes on, asks another server; its page tells it."""

import html
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_shared.testing import FakeServer

from universe.drills import drills
from universe.journal import Journal
from universe.page import write_page
from universe.seeds import table

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "tiny-rag" / "sample" / "docs"
STEPS = ["texts", "lessons", "tokens", "base", "tuned", "scores", "answers", "agent"]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
pytestmark = pytest.mark.skipif(os.name == "nt", reason="the loop needs Linux or macOS")
needs_browser = pytest.mark.skipif(
    BROWSER is None, reason="no Chromium on PATH: apt-get install chromium fonts-noto-cjk"
)
SMALL = "--no-course --vocabulary 600 --drills 300 --pretrain-steps 24 --tune-steps 6 --questions 2".split()
WATCH = """<script>window.problems = [];
addEventListener("error", event => problems.push(event.message));
addEventListener("securitypolicyviolation", event => problems.push(event.blockedURI));</script>"""


def command(folder, *more, docs=None):
    docs = docs or folder.parent / "docs"
    return [sys.executable, "-m", "universe", "--docs", str(docs), "--out", str(folder), "--json", *SMALL, *more]


def environment(**more):
    names = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_MODEL", "OPENAI_EMBEDDING_MODEL")
    return {name: value for name, value in os.environ.items() if name not in names} | more


def run(folder, *more, docs=None, **env):
    done = subprocess.run(
        command(folder, *more, docs=docs), cwd=ROOT, capture_output=True, encoding="utf-8", env=environment(**env)
    )
    return done.returncode, done.stdout, done.stderr


def result(folder, step):
    return json.loads((folder / "steps" / f"{step}.json").read_text(encoding="utf-8"))["result"]


def log(folder, name):
    return json.loads((folder / "logs" / f"{name}.json").read_text(encoding="utf-8"))


def processes_of(folder):
    """Living processes that have the folder on their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if str(folder).encode() in path.read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            pass
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A loop that was killed while it pretrained, and then run to its end."""
    folder = tmp_path_factory.mktemp("universe") / "loop"
    (folder.parent / "docs").mkdir()
    for name in ("history.html", "telescope-manual.md", "值班手册.docx", "建台史.md"):
        shutil.copy2(SAMPLE / name, folder.parent / "docs")
    child = subprocess.Popen(
        command(folder), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment()
    )
    while not [path for path in (folder / "base" / "checkpoints").glob("*.safetensors") if int(path.stem)]:
        assert child.poll() is None, "it ended before it was killed"
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    if sys.platform == "linux":
        deadline = time.monotonic() + 10
        while processes_of(folder):
            assert time.monotonic() < deadline, "what it had started lives on"
            time.sleep(0.05)
    code, _, err = run(folder)
    assert code == 0, err
    return folder


def test_a_killed_loop_goes_on(folder):
    assert result(folder, "base")["gone_on"] and not result(folder, "tuned")["gone_on"]
    assert "--resume" in result(folder, "base")["commands"][0]["command"]
    steps = [json.loads(line)["step"] for line in (folder / "base" / "log.jsonl").read_text().splitlines()]
    assert steps[-1] == 24 and steps.count(24) <= 2


def test_what_is_done_is_not_done_again(folder):
    before = {path: path.stat().st_mtime_ns for path in (folder / "steps").iterdir()}
    code, out, err = run(folder)
    assert code == 0, err
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "steps").iterdir()}
    assert Path(json.loads(out)["page"]) == folder / "universe.html"


def test_the_numbers_are_those_of_the_logs(folder):
    assert result(folder, "texts")["documents"] == len(log(folder, "texts")["written"]) == 4
    lessons = [json.loads(line) for line in (folder / "data" / "lessons.jsonl").read_text("utf-8").splitlines()]
    assert result(folder, "lessons")["lessons"] == len(lessons)
    assert result(folder, "lessons")["eval"] == log(folder, "eval")["made"]
    assert result(folder, "tokens")["train_tokens"] == log(folder, "tokens")["train"]["tokens"]
    assert result(folder, "base")["validation_loss"] == log(folder, "base")["validation_loss"]
    assert result(folder, "tuned")["after"] == log(folder, "tuned")["measured"]["validation_loss"]
    scores = result(folder, "scores")
    assert [task["task"] for task in scores["tasks"]] == ["documents-en", "documents-zh"]
    for task in scores["tasks"]:
        told = {row["model"]: row for name in ("base", "tuned") for row in log(folder, f"scores-{name}")
                if row["task"] == task["task"]}  # fmt: skip
        assert {name: row["score"] for name, row in told.items()} == task["scores"]
        compared = folder / "logs" / f"compare-{task['task']}.json"
        if task["difference"] is None:  # a model of 24 steps may end none of its answers
            assert task["n"] == 0 and "too few" in task["verdict"] and not compared.read_bytes()
        else:
            found = json.loads(compared.read_text(encoding="utf-8"))
            assert all(task[name] == found[name] for name in ("n", "difference", "low", "high", "verdict"))
    answers, agent = result(folder, "answers"), result(folder, "agent")
    assert [row["answer"] for row in answers["rows"]] == [log(folder, f"ask-{n:02}")["answer"] for n in (1, 2)]
    found = log(folder, "agent")
    assert (agent["questions"], agent["right"] / agent["questions"]) == (found["questions"], found["accuracy"])
    for name in STEPS:
        for told in result(folder, name)["commands"]:
            assert (folder / told["log"]).is_file()


def test_no_lesson_asks_or_answers_what_the_scores_ask(folder):
    """Neither a question of the scores nor its answer is one of a lesson's."""
    held = [json.loads(line) for line in (folder / "data" / "eval.jsonl").read_text("utf-8").splitlines()]
    lessons = [json.loads(line) for line in (folder / "data" / "lessons.jsonl").read_text("utf-8").splitlines()]
    said = {message["content"] for row in lessons for message in row["messages"] if message["role"] == "assistant"}
    said = {re.sub(r" \[\d\]$", "", text) for text in said}
    asked = {row["messages"][-2]["content"].splitlines()[-1] for row in lessons}
    assert len(held) > 10 and len(said) > 50
    for row in held:
        assert row["answers"][0] not in said and row["input"].splitlines()[-1] not in asked
    sums = {json.loads(line)["question"] for line in (folder / "data" / "sums.jsonl").read_text("utf-8").splitlines()}
    assert not sums & {row["messages"][1]["content"] for row in lessons}


def opened(tmp_path, page, script):
    text = page.read_text(encoding="utf-8").replace("<style>", WATCH + "<style>", 1)
    file = tmp_path / "page.html"
    file.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    options = ["--headless", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--dump-dom",
               f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=3000", "--enable-logging=stderr",
               "--lang=en-US"]  # fmt: skip
    if sys.platform == "linux":
        options.append("--no-sandbox")  # containers run as root, where the sandbox refuses to start
    done = subprocess.run([str(BROWSER), *options, file.as_uri()], check=True, capture_output=True, timeout=300)
    console = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if "CONSOLE" in line]
    return done.stdout.decode("utf-8"), console


@needs_browser
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page(folder, tmp_path, language):
    script = f"""zh = {int(language == "zh")}; draw();
    document.title = JSON.stringify([problems, performance.getEntriesByType('resource').length])"""
    document, console = opened(tmp_path, folder / "universe.html", script)
    assert "<title>[[],0]</title>" in document and not console
    shown = html.unescape(re.sub(r"<script.*?</script>", "", document, flags=re.DOTALL))
    text = re.sub(r"<[^>]+>", "", shown)
    for task in result(folder, "scores")["tasks"]:
        for model, score in task["scores"].items():
            assert f"{model}</td>" in shown and (score is None or f"{score:.1f}" in text)
        if task["low"] is not None:
            assert f"{task['low']:.1f} … {task['high']:.1f}" in text
    assert f"{result(folder, 'base')['parameters']:,}" in text
    assert all(row["question"] in text for row in result(folder, "answers")["rows"])
    assert ("预训练" in text, "Pretraining" in text) == (language == "zh", language == "en")
    links = set(re.findall(r'<a href="([^"#]+)"', shown))
    assert len(links) > 20 and all((folder / link).is_file() for link in links)
    sections = re.findall(r'<section id="(\w+)">', shown)
    assert sections == STEPS


@needs_browser
def test_nothing_that_is_said_gets_into_the_page(tmp_path):
    evil = (
        "</script><script>document.title = 'taken'</script><!-- \u2028 <img src=x onerror=\"document.title='taken'\">"
    )
    command = {"track": evil, "command": evil, "log": "logs/texts.json"}
    texts = {"documents": 1, "characters": 2, "of_documents": 3, "unread": [], "seconds": 1.0, "gone_on": False}
    steps = {"texts": texts | {"commands": [command]}}
    page = write_page(tmp_path, {"docs": evil, "folder": evil}, steps)
    document, console = opened(tmp_path, page, "document.title += problems.length")
    assert "<title>Tiny Universe: the circle0</title>" in document and not console
    assert document.count("not run yet") >= 7


def test_another_server_is_asked_instead(folder):
    """Only the last three steps are done again, and tiny-rag and tiny-agent ask nobody else."""
    kept = {name: (folder / "steps" / f"{name}.json").read_bytes() for name in STEPS}
    try:
        with FakeServer(["org/chat:7b"]) as server:
            server.replies = lambda request: "Final Answer: 7 [1]"
            code, out, err = run(
                folder, OPENAI_BASE_URL=server.base_url, OPENAI_MODEL="org/chat:7b", OPENAI_API_KEY="s3cret-of-the-user"
            )
            assert code == 0, err
            asked = [request.body["messages"][0]["content"] for request in server.requests]
        for name in STEPS[:5]:
            assert kept[name] == (folder / "steps" / f"{name}.json").read_bytes()
        scores, answers, agent = (result(folder, name) for name in STEPS[5:])
        count = sum(task["items"] for task in scores["tasks"])
        assert len(asked) == count + 2 + 2
        assert all("org/chat:7b" in task["scores"] and "tuned" in task["scores"] for task in scores["tasks"])
        assert (answers["model"], agent["model"]) == ("org/chat:7b", "org/chat:7b")
        assert answers["rows"][0]["answer"] == "Final Answer: 7 [1]" and agent["stopped"] == {"answered": 2}
        told = json.loads(out)
        assert told["agent"] == [agent["right"], 2]
        assert not [path for path in folder.rglob("*") if path.is_file() and b"s3cret-of-the-user" in path.read_bytes()]
    finally:
        for name, content in kept.items():
            (folder / "steps" / f"{name}.json").write_bytes(content)


@pytest.mark.parametrize(
    ("more", "env", "says"),
    [
        (["--docs", "nowhere"], {}, "no such file or folder"),
        (["--pretrain-steps", "0"], {}, "--pretrain-steps"),
        ([], {"OPENAI_BASE_URL": "http://127.0.0.1:9"}, "OPENAI_MODEL"),
        ([], {"OPENAI_BASE_URL": "http://127.0.0.1:9", "OPENAI_MODEL": "tuned"}, "by another name"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, more, env, says):
    code, out, err = run(tmp_path / "loop", *more, docs=SAMPLE, **env)
    assert code == 2 and not out
    assert says in err.splitlines()[-1] and err.splitlines()[-1].startswith("error: ")


def test_a_step_that_fails_says_whose_and_why(tmp_path):
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "short.txt").write_text("Too short.", encoding="utf-8")
    code, _, err = run(tmp_path / "loop", docs=tmp_path / "docs")
    assert code == 2 and "Traceback" not in err
    assert re.match(r"error: tiny-llama3: .* failed: .*no paragraph", err.splitlines()[-1])


def test_the_documents_are_not_in_the_folder_that_is_emptied(tmp_path):
    (tmp_path / "docs").mkdir()
    code, _, err = run(tmp_path, docs=tmp_path / "docs")
    assert code == 2 and "lie in one another" in err
    code, _, err = run(tmp_path / "docs" / "out", docs=tmp_path / "docs")
    assert code == 2 and "lie in one another" in err


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mine.txt").write_text("precious", encoding="utf-8")
    code, _, err = run(tmp_path, docs=SAMPLE)
    assert code == 2 and "holds something else" in err
    assert (tmp_path / "data" / "mine.txt").read_text(encoding="utf-8") == "precious"


def test_drills_say_everything_again():
    texts = list(drills(["alpha", "beta", "gamma"], 200, 1))
    assert texts == list(drills(["alpha", "beta", "gamma"], 200, 1)) != list(drills(["alpha"], 200, 2))
    for text in texts:
        words = text.split(" ")
        assert any(words == words[: len(words) // times] * times for times in (2, 3, 4))


def test_a_step_is_done_again_when_its_settings_or_an_earlier_one_change(tmp_path):
    calls = []

    def loop(first, second):
        journal = Journal(tmp_path)
        for name, settings in (("one", first), ("two", second)):

            def run(same, name=name):
                calls.append((name, same))
                return {}

            journal.step(name, settings, run)
        done, calls[:] = list(calls), []
        return done

    assert loop(1, 1) == [("one", False), ("two", False)]
    assert loop(1, 1) == []
    assert loop(1, 2) == [("two", False)]
    assert loop(2, 2) == [("one", False), ("two", False)]
    (tmp_path / "two.json").unlink()  # killed in the middle of it
    assert loop(2, 2) == [("two", True)]
    (tmp_path / "one.json").write_text("{torn")
    assert loop(2, 2) == [("one", True)]


def test_a_result_is_gone_as_soon_as_its_step_is_begun_anew(tmp_path):
    def fails(same):
        raise KeyboardInterrupt

    Journal(tmp_path).step("one", 1, lambda same: {"is": 1})
    with pytest.raises(KeyboardInterrupt):
        Journal(tmp_path).step("one", 2, fails)  # which may have emptied what the first one made
    assert Journal(tmp_path).step("one", 1, lambda same: {"is": same})["is"] is False


def test_the_table_of_seeds():
    gain = {"n": 4, "difference": 50.25, "low": 20.0, "high": 80.5}
    none = {"n": 0, "difference": None, "low": None, "high": None}
    models = dict.fromkeys(("baseline-overlap", "base", "control", "tuned"))
    row = {"seed": 7, "task": "documents-en", "items": 9, "beside_control": none}
    row |= {"scores": models | {"tuned": 60.0}, "measured": dict.fromkeys(models, 0) | {"tuned": 5}}
    row |= {"whole_base": gain | {"difference": 33.3}, "whole_control": none}
    row |= {"exact": dict.fromkeys(models, 0) | {"tuned": 3}}
    use = {"seed": 7, "seconds": 90.0, "answers": {"right": 1, "cited": 2, "questions": 3},
           "agent": {"right": 4, "questions": 5}}  # fmt: skip
    text = table([row | gain], [use], 3.46e6)
    assert (
        "| 7 | documents-en | 0 of 9 | 0 of 9 | 0 of 9 | 3 of 9 | +33.3, 20.0 to 80.5 (4) | – |" in text
        and "3.5 million" in text
    )
    assert "| – (0) | – (0) | – (0) | 60.0 (5) | +50.2, 20.0 to 80.5 (4) | – |" in text
    assert "| 7 | 1.5 | 1 of 3 | 2 of 3 | 4 of 5 |" in text
