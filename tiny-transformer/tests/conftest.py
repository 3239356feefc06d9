"""Property tests are seeded, and not timed: a busy machine is no failure. One thread: the same numbers every time."""

import dataclasses
import random
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from hypothesis import settings
from tiny_shared import cli

import main
from tiny_transformer.tasks.toys import toy_task

settings.load_profile("ci")
torch.set_num_threads(1)

WORDS = {"der": "the", "hund": "dog", "katze": "cat", "sieht": "sees", "rot": "red", "haus": "house", "ein": "a"}


def sentences(count, seed=0):
    """Pairs of lines, word by word: a language small enough to be learned in no time."""
    rng = random.Random(seed)
    rows = [rng.choices(list(WORDS), k=rng.randint(2, 6)) for _ in range(count)]
    return [(" ".join(row), " ".join(WORDS[word] for word in row)) for row in rows]


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A small translator, trained by the command line: its folder, and the files it was trained on."""
    place = tmp_path_factory.mktemp("trained")
    for name, number in (("de", 0), ("en", 1)):
        (place / name).write_text("".join(f"{pair[number]}\n" for pair in sentences(400)), encoding="utf-8")
    shape = "--d-model 16 --n-heads 2 --n-layers 2 --d-ff 32 --max-len 48 --vocab-size 300 --dropout 0".split()
    texts = ["--source", str(place / "de"), "--target", str(place / "en")]
    training = "--epochs 8 --batch-tokens 256 --warmup-steps 60 --threads 1 --device cpu --precision fp32".split()
    command = ["train", "--task", "parallel", "--out", str(place / "run"), *texts, *shape, *training]
    assert cli.run(main.parser(), command, main.user_errors()) == 0
    return SimpleNamespace(folder=Path(place / "run"), source=place / "de", target=place / "en")


@pytest.fixture(scope="session")
def small_task():
    """The copy task with few texts."""
    task = toy_task("copy")
    return dataclasses.replace(task, train=task.train[:100], valid=task.valid[:6])
