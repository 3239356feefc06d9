"""Killed twenty times, a run ends with every item predicted once, and no finished request is sent twice."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from tiny_shared.testing import FakeServer

from tiny_eval.score import score_file

TRACK = Path(__file__).resolve().parents[1]
ITEMS, KILLS = 2000, 20


def write_task(folder):
    rows = [{"id": f"q{n}", "input": f"What is {n} plus {n}?", "answers": [str(2 * n)]} for n in range(ITEMS)]
    (folder / "sums.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "sums.yaml").write_text("name: sums\ndata: sums.jsonl\nprompt: '{{input}}'\nmetric: exact_match\n")


def reply(request):
    """Right for two of three; slow enough to be killed in the middle."""
    time.sleep(0.02)
    n = int(request["messages"][-1]["content"].split()[2])
    return str(2 * n if n % 3 else n)


def command(folder, out, server):
    return [sys.executable, "main.py", "run", "--task", str(folder / "sums.yaml"), "--model", server.models[0], "--out",
            str(out), "--base-url", server.base_url, "--concurrency", "16"]  # fmt: skip


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_twenty_kills_lose_nothing(tmp_path):
    write_task(tmp_path)
    rng = random.Random(1)
    out = tmp_path / "out"
    with FakeServer() as server:
        server.replies = reply
        kills = 0
        for _ in range(KILLS):
            before = len(server.requests)
            running = subprocess.Popen(command(tmp_path, out, server), cwd=TRACK, stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)  # fmt: skip
            target = before + rng.randrange(10, 90)
            while running.poll() is None and len(server.requests) < target:
                time.sleep(0.005)
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
                kills += 1
            running.wait()
        done = subprocess.run(command(tmp_path, out, server), cwd=TRACK, capture_output=True, encoding="utf-8")
        assert done.returncode == 0, done.stderr
        # one whose client was killed before it had sent the body was never asked
        whole = [request.body for request in server.requests if request.body]
        asked = Counter(body["messages"][-1]["content"] for body in whole)
        after = len(server.requests)
        subprocess.run(command(tmp_path, out, server), cwd=TRACK, capture_output=True, check=True)
        assert len(server.requests) == after  # all of it was known
    assert kills == KILLS
    predictions = out / "sums" / "tiny-chat.jsonl"
    rows = [json.loads(line) for line in predictions.read_text(encoding="utf-8").splitlines()]
    assert [row["id"] for row in rows] == [f"q{n}" for n in range(ITEMS)]
    assert len(asked) == ITEMS and max(asked.values()) <= 2
    assert sum(count - 1 for count in asked.values()) <= KILLS * 16  # only what was in flight
    right = sum(bool(n % 3) or n == 0 for n in range(ITEMS))
    found = score_file(predictions, "exact_match")
    assert found.score == pytest.approx(100 * right / ITEMS) and found.not_measured == 0


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is sent otherwise there")
def test_ctrl_c_stops_at_once_and_keeps_what_was_answered(tmp_path):
    write_task(tmp_path)
    out = tmp_path / "out"
    with FakeServer() as server:
        server.replies = reply
        running = subprocess.Popen(command(tmp_path, out, server), cwd=TRACK, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, encoding="utf-8")  # fmt: skip
        while len(server.requests) < 100 and running.poll() is None:
            time.sleep(0.01)
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=20)
    assert running.returncode == 130 and "stopped; run the same command again" in said
    assert "Traceback" not in said
    kept = (out / "answers.journal").read_text(encoding="utf-8").splitlines()
    assert sum("answer" in json.loads(line) for line in kept) >= 100 - 16
    assert not (out / "sums" / "tiny-chat.jsonl").exists()
