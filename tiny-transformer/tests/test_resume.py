"""Real processes, really killed: the resumed run writes the same numbers as the one that nobody disturbed."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import train_child
from tiny_transformer.run_folder import read_description, read_log, read_state

KILLS = 2
TRAIN = ["train", "--threads", "1", "--device", "cpu", "--out"]
SMALL = ("--task copy --d-model 16 --n-heads 2 --n-layers 1 --d-ff 16 --dropout 0.1 --epochs 2 --batch-tokens 2000 "
         "--precision fp32").split()  # fmt: skip


def start(*arguments):
    return subprocess.Popen([sys.executable, train_child.__file__, *map(str, arguments)], stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, encoding="utf-8", env=os.environ | {"PYTHONUTF8": "1"})  # fmt: skip


def finish(process):
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors


def result(folder):
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in read_log(folder)]
    return rows, (folder / "model.safetensors").read_bytes()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resume") / "run"
    finish(start(*TRAIN, folder, *SMALL))
    rows, weights = result(folder)
    assert len(rows) >= 5 and rows[-1]["final"]
    return rows, weights


def wait_for_rows(process, folder, count):
    """Until training has come so far; False if it has ended before."""
    while process.poll() is None:
        if (folder / "log.jsonl").exists() and len(read_log(folder)) >= count:
            return True
        time.sleep(0.002)
    return False


def test_killed_again_and_again(undisturbed, tmp_path):
    folder, rng, killed = tmp_path / "run", random.Random(), 0
    process = start(*TRAIN, folder, *SMALL)
    for number in range(KILLS):
        # a little further each time, and then anywhere: in a step, in a write, in a measurement
        if wait_for_rows(process, folder, 1 + number + rng.randint(0, 1)):
            time.sleep(rng.uniform(0, 0.2))
        process.kill()
        _, errors = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL if os.name == "posix" else 1), errors
        killed += process.returncode != 0
        read_description(folder)  # whatever the kill hit, every file can be read
        read_state(folder)
        read_log(folder)
        process = start(*TRAIN, folder, "--resume")
    finish(process)
    assert killed
    assert result(folder) == undisturbed


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGINT for one process")
def test_ctrl_c(undisturbed, tmp_path):
    folder = tmp_path / "run"
    process = start(*TRAIN, folder, *SMALL)
    assert wait_for_rows(process, folder, 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "stopped" in errors and "Traceback" not in errors
    assert not list(folder.rglob("*.tmp"))
    process = start(*TRAIN, folder, "--resume", "--json")
    output, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert result(folder) == undisturbed
    assert json.loads(output)["exact_match"] == undisturbed[0][-1]["exact_match"]
