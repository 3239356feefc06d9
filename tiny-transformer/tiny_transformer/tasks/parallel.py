"""Translation between any two languages: pairs of sentences, one byte-pair vocabulary for both sides."""

import random
from collections.abc import Callable

from tiny_transformer.bpe import BPE
from tiny_transformer.problem import Problem
from tiny_transformer.tasks.task import Task, Texts


def parallel_task(
    train: list[Texts],
    valid: list[Texts] | None = None,
    vocab_size: int = 6000,
    seed: int = 0,
    tick: Callable[[], object] = lambda: None,
) -> Task:
    """Without `valid`, a random twentieth of the pairs is held out, 1,000 at most. `tick` goes off at each merge."""
    if valid is None:
        if len(train) < 2:
            raise Problem(f"{len(train)} pair is too few to hold some out; give two or more, or validation files")
        shuffled = random.Random(f"parallel {seed}").sample(train, len(train))
        held_out = min(1_000, -(-len(train) // 20))
        valid, train = shuffled[:held_out], shuffled[held_out:]
    # one vocabulary learned on both languages: names and numbers are cut alike on both sides, and can be copied
    vocabulary = BPE.train((text for pair in train for text in pair), vocab_size, tick)
    return Task(
        name="parallel",
        metric="bleu",
        train=train,
        valid=valid,
        test=[],
        source_vocabulary=vocabulary,
        target_vocabulary=vocabulary,
        model={
            "d_model": 256, "n_heads": 4, "n_layers": 3, "d_ff": 512, "dropout": 0.2, "max_len": 256,
            "tie_embeddings": True, "pre_norm": True,
        },
        training={
            "epochs": 20, "batch_tokens": 2048, "warmup_steps": 400, "rate_factor": 0.4, "average": 5, "score_every": 2,
            "precision": "auto",
        },
    )  # fmt: skip
