"""What a training run will take on this machine: memory by arithmetic, time by doing a few steps.

Afterwards the run says how far off the plan was.
"""

import math
import time
from dataclasses import asdict, dataclass

import torch

from tiny_llama3 import data_parallel
from tiny_llama3.loss import CHUNK
from tiny_llama3.model import LlamaConfig
from tiny_llama3.presets import parameters, training_flops
from tiny_llama3.problem import Problem
from tiny_llama3.training import WRITTEN_OUT, Trainer, TrainingConfig

MB = 1e6
ENOUGH_S = 5.0  # of timing


@dataclass(frozen=True)
class Plan:
    """What is expected."""

    parameters: int
    memory_mb: float  # at the peak, without Python and PyTorch themselves
    tokens_per_s: float
    peak_flops: float  # a second, of matrix products
    mfu: float  # the share of it that training uses (model FLOPs utilisation)
    steps: int
    tokens: int
    epochs: float
    seconds: float

    def numbers(self) -> dict[str, float]:
        return asdict(self)


def make_plan(trainer: Trainer, steps: int | None = None, minutes: float | None = None, timed_steps: int = 9) -> Plan:
    """Give the steps, or the minutes that they may take. The trainer is left as it was."""
    if (steps is None) == (minutes is None):
        raise Problem("give either the steps or the minutes of a run")
    c, model = trainer.config, trainer.model.config
    seconds_per_step = data_parallel.same_number(time_steps(trainer, timed_steps))
    if steps is None:
        steps = max(1, round((minutes or 0) * 60 / seconds_per_step))
    tokens_per_s = c.tokens_per_step / seconds_per_step
    peak = data_parallel.same_number(peak_flops(trainer.device, c.precision))
    return Plan(
        parameters=parameters(model),
        memory_mb=sum(memory(model, c).values()) / MB,
        tokens_per_s=tokens_per_s,
        peak_flops=peak,
        mfu=tokens_per_s * training_flops(model, c.sequence) / peak,
        steps=steps,
        tokens=steps * c.tokens_per_step,
        epochs=steps * c.tokens_per_step / len(trainer.batches.tokens),
        seconds=steps * seconds_per_step,
    )


def time_steps(trainer: Trainer, steps: int = 9) -> float:
    """Seconds a step, the median of so many; fewer where a step takes seconds.

    The first steps, in which compilers run and memory is fetched, are not counted.
    """
    state, step = trainer.state(), trainer.step
    times: list[float] = []
    while len(times) < steps + 2 and (len(times) < 5 or sum(times[2:]) < ENOUGH_S):
        start = time.perf_counter()
        trainer.train_step()  # which ends with the loss as a number, so nothing is left running on a GPU
        times.append(time.perf_counter() - start)
    trainer.restore(state, step)
    return sorted(times[2:])[len(times[2:]) // 2]


def peak_flops(device: str, precision: str, size: int = 2048, rounds: int = 5) -> float:
    """Floating-point operations a second of one large matrix product, the best of a few."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a = torch.randn(size, size, device=device).to(dtype)
    best = math.inf
    for _ in range(rounds + 1):
        start = time.perf_counter()
        float((a @ a)[0, 0])  # waits for a GPU
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best


def memory(model: LlamaConfig, training: TrainingConfig) -> dict[str, float]:
    """Bytes by what they are for. The activations are an estimate, good to about a fifth."""
    weights = parameters(model)
    inside = weights - model.vocab_size * model.hidden_size * (1 if model.tie_word_embeddings else 2)
    in_muon = inside if training.optimizer == "muon" else 0
    rows = training.micro_rows * training.sequence
    layers = model.num_hidden_layers
    layer = rows * activation_bytes(model, training)
    # recomputing keeps each layer's input, and all of one layer
    recomputed = layers * rows * 4 * model.hidden_size + layer
    return {
        "weights": 4 * weights,
        "gradients": 4 * weights,
        "optimizer": 4 * in_muon + 8 * (weights - in_muon),  # Muon keeps one number for each weight, AdamW two
        "weights in 16 bits": 2 * weights if training.precision == "bf16" else 0,
        "activations": recomputed if training.checkpoint_activations else layers * layer,
        "output layer": 4 * model.vocab_size * (model.hidden_size + 2 * min(rows, CHUNK)),
        "checkpoint while it is written": 2 * (4 * weights + 4 * in_muon + 8 * (weights - in_muon)),
    }


def activation_bytes(model: LlamaConfig, training: TrainingConfig) -> float:
    """What one layer keeps of one token for the backward pass: bytes, without compiling."""
    d, f, t = model.hidden_size, model.intermediate_size, training.sequence
    heads, shared = model.num_attention_heads * model.head_size, model.key_value_heads * model.head_size
    wide = training.precision == "fp32"
    # The stream and the norms stay in 32 bits; queries, keys, values and features have the precision of the products.
    inputs = 24 * d if wide else 20 * d
    projections = (4 if wide else 2) * (3 * heads + 2 * shared)
    features = (16 if wide else 10) * f
    written_out = training.compile and not wide and t <= WRITTEN_OUT
    attention = t * model.num_attention_heads * 4 if written_out else 4 * t
    return inputs + projections + features + attention


def how_far_off(plan: dict[str, float], seconds: float, tokens_per_s: float) -> str:
    """The plan beside what came."""
    parts = []
    for name, unit, planned, found in (("time", "s", plan.get("seconds"), seconds),
                                       ("speed", "tokens/s", plan.get("tokens_per_s"), tokens_per_s)):  # fmt: skip
        if planned:
            parts.append(f"{name}: planned {planned:,.0f} {unit}, was {found:,.0f} ({found / planned - 1:+.0%})")
    return "; ".join(parts)
