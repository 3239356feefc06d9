"""Real processes, really killed: the resumed run ends with the same weights as the one that nobody disturbed."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest
from tiny_shared import cli

import main
import train_child
from tiny_llama3.run_folder import checkpoints, read_checkpoint, read_description, read_log

KILLS = int(os.environ.get("KILLS", "3"))
SMALL = ("--preset nano --steps 60 --sequence 32 --batch-rows 4 --micro-rows 2 --evaluate-every 20 --warmup-steps 5 "
         "--threads 1 --device cpu --precision fp32").split()  # fmt: skip
TIMES = ("seconds", "tokens_per_s", "memory_mb", "mfu")


def start(*arguments):
    return subprocess.Popen([sys.executable, train_child.__file__, "pretrain", *map(str, arguments)],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                            env=os.environ | {"PYTHONUTF8": "1"})  # fmt: skip


def finish(process):
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    return output


def result(folder):
    rows = [{key: value for key, value in row.items() if key not in TIMES} for row in read_log(folder)]
    return rows, (folder / "model.safetensors").read_bytes(), read_checkpoint(checkpoints(folder)[-1])[0]


def assert_same(folder, undisturbed):
    rows, best, state = result(folder)
    assert rows == undisturbed[0]
    assert best == undisturbed[1]
    assert state.keys() == undisturbed[2].keys()
    assert all(state[name].equal(undisturbed[2][name]) for name in state)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume") / "data"
    words = ["data", "prepare", "--stories", "en", "--count", "300", "--vocab-size", "300", "--out", str(folder)]
    assert cli.run(main.parser(), words, main.user_errors()) == 0
    return folder


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "run"
    finish(start("--data", data, "--out", folder, *SMALL))
    return result(folder)


def wait_for_rows(process, folder, count):
    """Until training has come so far; False if it has ended before."""
    while process.poll() is None:
        if (folder / "log.jsonl").exists() and len(read_log(folder)) >= count:
            return True
        time.sleep(0.002)
    return False


def test_killed_again_and_again(data, undisturbed, tmp_path):
    folder, rng, killed = tmp_path / "run", random.Random(), 0
    process = start("--data", data, "--out", folder, *SMALL)
    for number in range(KILLS):
        # a little further each time, and then anywhere: in a step, in a write, in an evaluation
        if wait_for_rows(process, folder, 1 + (number + rng.randint(0, 1)) % 7):
            time.sleep(rng.uniform(0, 0.3))
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL if os.name == "posix" else 1), errors
        killed += process.returncode != 0
        read_log(folder)  # whatever the kill hit, every file can be read
        for path in checkpoints(folder):
            read_checkpoint(path)
        if (folder / "run.json").exists():
            read_description(folder)
            process = start("--resume", "--out", folder)
        else:
            process = start("--data", data, "--out", folder, *SMALL)
    finish(process)
    assert killed
    assert_same(folder, undisturbed)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c(data, undisturbed, tmp_path):
    folder = tmp_path / "run"
    process = start("--data", data, "--out", folder, *SMALL)
    assert wait_for_rows(process, folder, 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "stopped" in errors and "Traceback" not in errors
    assert not list(folder.rglob("*.tmp"))
    last = json.loads(finish(start("--resume", "--out", folder, "--json")))
    assert_same(folder, undisturbed)
    assert last["step"] == 60


def test_two_at_once(data, tmp_path):
    folder = tmp_path / "run"
    first = start("--data", data, "--out", folder, *SMALL)
    assert wait_for_rows(first, folder, 1)
    second = start("--data", data, "--out", folder, *SMALL)
    _, errors = second.communicate(timeout=600)
    assert second.returncode == 2 and "another process is training here" in errors
    finish(first)
