"""What each trick of the recipe is worth on the dates: all of them, then one taken away, or another put in its place.

Every row is one small model, trained for the same number of steps, once for each seed, and measured on dates that it
never saw. Loss: the negative log-likelihood in nats a character, without smoothing. Exact match: greedy. Both are means
over the seeds, with the lowest and the highest in brackets; a row whose range overlaps that of its first row has shown
nothing. The deep models have three times the layers. The last table is about the batches alone: how much is padding.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import mean
from typing import Any

import torch
from torch import Tensor

from tiny_transformer.attention import MultiHeadAttention, attention_weights
from tiny_transformer.batches import Pair, bucketed
from tiny_transformer.foundations.ladder import one_thread
from tiny_transformer.model import Transformer, TransformerConfig
from tiny_transformer.recipe import averaged, warmup_rate
from tiny_transformer.tasks.dates import dates_task
from tiny_transformer.tasks.task import Task
from tiny_transformer.training import Trainer, TrainingConfig, load_weights, own_weights
from tiny_transformer.translator import Translator

STEPS, SEEDS, DATES = 600, (0, 1), 500
AVERAGED = 5  # checkpoints
MODEL = {"d_model": 64, "n_heads": 4, "n_layers": 2, "d_ff": 128, "dropout": 0.05, "max_len": 64}
TRAINING = {"epochs": 1000, "batch_tokens": 1024, "warmup_steps": 150}


def leave_as_is(model: Transformer) -> None:
    """No change."""


def without_positions(model: Transformer) -> None:
    model.positions_LD.zero_()


def without_root(model: Transformer) -> None:
    """Scores that are not divided by √K: the query is made √K times longer first, which undoes it."""

    def unscaled(module: MultiHeadAttention) -> Callable[..., Tensor]:
        def weights(query_BTD: Tensor, key_BHSK: Tensor, mask: Tensor | None = None) -> Tensor:
            query_BHTK = module.split_heads(module.query(query_BTD))
            return attention_weights(query_BHTK * math.sqrt(query_BHTK.shape[-1]), key_BHSK, mask)

        return weights

    for module in model.modules():
        if isinstance(module, MultiHeadAttention):
            module.weights = unscaled(module)  # type: ignore[method-assign]


class NoWarmUp(Trainer):
    """The highest rate from the first step on, and from the end of the warm-up the paper's."""

    @property
    def rate(self) -> float:
        c = self.config
        return warmup_rate(max(self.step, c.warmup_steps), self.model.config.d_model, c.warmup_steps, c.rate_factor)


class ConstantRate(Trainer):
    """The highest rate at every step."""

    @property
    def rate(self) -> float:
        c = self.config
        return warmup_rate(c.warmup_steps, self.model.config.d_model, c.warmup_steps, c.rate_factor)


@dataclass(frozen=True)
class Variant:
    """One row: what differs in the model's settings, in those of the training, in the model itself, in the trainer."""

    what: str
    model: dict[str, Any] = field(default_factory=dict)
    training: dict[str, Any] = field(default_factory=dict)
    change: Callable[[Transformer], None] = leave_as_is
    trainer: type[Trainer] = Trainer


ALL = Variant("all tricks")
AVERAGE = f"all tricks, mean of {AVERAGED} checkpoints"
PRE_NORM, DEEP = {"pre_norm": True}, {"n_layers": 6}
VARIANTS = [
    ALL,
    Variant("no warm-up", trainer=NoWarmUp),
    Variant("no warm-up, no decay (constant rate)", trainer=ConstantRate),
    Variant("no label smoothing", training={"label_smoothing": 0.0}),
    Variant("no clipping", training={"clip_norm": 1e9}),
    Variant("no dropout", model={"dropout": 0.0}),
    Variant("scores not divided by √K", change=without_root),
    Variant("no positions", change=without_positions),
    Variant("pre-norm", model=PRE_NORM),
    Variant("deep: all tricks", model=DEEP),
    Variant("deep: no warm-up", model=DEEP, trainer=NoWarmUp),
    Variant("deep: a quarter of the rate", model=DEEP, training={"rate_factor": 0.25}),
    Variant("deep: pre-norm", model=DEEP | PRE_NORM),
    Variant("deep: pre-norm, no warm-up", model=DEEP | PRE_NORM, trainer=NoWarmUp),
]


def run(scale: float = 1.0) -> str:
    """Two tables; `scale` below 1 takes fewer steps, dates and pairs to train on, and below a half one seed."""
    task = dates_task()
    steps, dates = max(round(STEPS * scale), 2 * AVERAGED), max(round(DATES * scale), 10)
    seeds = SEEDS if scale >= 0.5 else SEEDS[:1]
    pairs = task.encoded(task.train[: max(round(len(task.train) * scale), 100)])
    weights = sum(parameter.numel() for parameter in build(ALL, task, 0).parameters())
    lines = [
        f"{steps:,} steps, {len(seeds)} seed{'s' * (len(seeds) > 1)}, {dates:,} dates; {weights:,} weights.",
        "",
        "| what | loss, nats | exact match, % |",
        "|---|---|---|",
    ]
    with one_thread():
        for variant in VARIANTS:
            runs = [trained(variant, task, pairs, steps, dates, seed) for seed in seeds]
            lines += [row(what, [found[what] for found in runs]) for what in runs[0]]
    lines += ["", "| batches | of it padding | batches an epoch |", "|---|---|---|"]
    for what, plan in (
        (
            "texts of about equal length together",
            bucketed(pairs, TRAINING["batch_tokens"], torch.Generator().manual_seed(0)),
        ),
        ("texts at random together", at_random(pairs, TRAINING["batch_tokens"], torch.Generator().manual_seed(0))),
    ):
        lines.append(f"| {what} | {padding(pairs, plan):.1%} | {len(plan):,} |")
    return "\n".join(lines) + "\n"


def build(variant: Variant, task: Task, seed: int) -> Transformer:
    torch.manual_seed(seed)
    sizes = {"vocab_size": task.source_vocabulary.size, "target_vocab_size": task.target_vocabulary.size}
    model = Transformer(TransformerConfig(**(MODEL | variant.model | sizes)))
    variant.change(model)
    return model


Measured = tuple[float, float]  # loss, exact match


def trained(
    variant: Variant, task: Task, pairs: Sequence[Pair], steps: int, dates: int, seed: int
) -> dict[str, Measured]:
    """What came out, by the row's name: one, and for `ALL` a second with the averaged weights."""
    config = TrainingConfig(**(TRAINING | {"seed": seed} | variant.training))
    trainer = variant.trainer(build(variant, task, seed), pairs, config)
    spacing = max(1, steps // 40)
    kept = {steps - spacing * number for number in range(AVERAGED)}
    snapshots = []
    for step in first_steps(trainer, steps):
        if variant is ALL and step in kept:
            snapshots.append({name: weight.clone() for name, weight in own_weights(trainer.model).items()})
    found = {variant.what: measured(trainer, task, dates)}
    if variant is ALL:
        load_weights(trainer.model, averaged(snapshots))
        found[AVERAGE] = measured(trainer, task, dates)
    return found


def first_steps(trainer: Trainer, steps: int) -> Iterator[int]:
    while True:
        for step in trainer.steps():
            yield step
            if step == steps:
                return


def measured(trainer: Trainer, task: Task, dates: int) -> Measured:
    texts = task.valid[:dates]
    translator = Translator(trainer.model, task.source_vocabulary, task.target_vocabulary)
    ours = translator.translate([source for source, _ in texts])
    right = mean(translation == target for translation, (_, target) in zip(ours, texts, strict=True))
    return trainer.loss_on(task.encoded(texts)), right


def row(what: str, runs: Sequence[Measured]) -> str:
    losses, matches = [loss for loss, _ in runs], [100 * right for _, right in runs]
    return f"| {what} | {spread(losses, 3)} | {spread(matches, 1)} |"


def spread(values: Sequence[float], digits: int) -> str:
    """Mean, and in brackets the lowest and the highest."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    return f"{mean(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def at_random(pairs: Sequence[Pair], batch_tokens: int, generator: torch.Generator) -> list[list[int]]:
    """What `bucketed` does, without sorting: whoever comes next, until the batch is full."""
    batches: list[list[int]] = [[]]
    longest = 0
    for number in torch.randperm(len(pairs), generator=generator).tolist():
        own = max(len(pairs[number][0]), len(pairs[number][1])) + 1
        if batches[-1] and max(longest, own) * (len(batches[-1]) + 1) > batch_tokens:
            batches.append([])
            longest = 0
        longest = max(longest, own)
        batches[-1].append(number)
    return batches


def padding(pairs: Sequence[Pair], plan: Sequence[Sequence[int]]) -> float:
    """The share of a plan's positions, both sides together, that hold nothing."""
    real = everything = 0
    for batch in plan:
        for side in (0, 1):
            lengths = [len(pairs[number][side]) + 1 for number in batch]  # 1: eos or bos
            real += sum(lengths)
            everything += len(lengths) * max(lengths)
    return 1 - real / everything
