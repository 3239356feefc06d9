"""The training loop: batches in, Adam steps out, and a state that can be put away and taken up again exactly.

Everything that chance touches comes from two sources: the order of the batches from (seed, epoch), dropout from
torch's own generator, whose state is kept. So a resumed run does what the uninterrupted one would have done.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from tiny_transformer.batches import Batch, Pair, bucketed, collate
from tiny_transformer.model import Transformer
from tiny_transformer.problem import Problem
from tiny_transformer.recipe import smoothed_cross_entropy, warmup_rate


@dataclass(frozen=True)
class TrainingConfig:
    """How to train; the defaults are the paper's where it has them."""

    epochs: int = 10
    batch_tokens: int = 2048  # positions a side of a batch, padding counted
    rate_factor: float = 1.0  # of the learning rate, see recipe.warmup_rate
    warmup_steps: int = 4000
    label_smoothing: float = 0.1
    clip_norm: float = 1.0
    average: int = 5  # the last so many epochs make the final weights
    score_every: int = 1  # epochs between two measurements of BLEU or exact match
    precision: str = "fp32"  # or bf16: matrix products in 16 bits, weights and sums in 32
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_tokens", "warmup_steps", "average", "score_every"):
            if getattr(self, name) < 1:
                raise Problem(f"{name} must be 1 or more (got {getattr(self, name)})")
        for name in ("rate_factor", "clip_norm"):
            if not 0 < getattr(self, name) < math.inf:
                raise Problem(f"{name} must be a finite number above 0 (got {getattr(self, name)})")
        if not 0 <= self.label_smoothing < 1:
            raise Problem(f"label_smoothing must be from 0 to below 1 (got {self.label_smoothing})")
        if self.precision not in ("fp32", "bf16"):
            raise Problem(f"precision must be fp32 or bf16 (got {self.precision!r})")


class Trainer:
    """A model on its way: `steps()` trains it for an epoch, `state` and `restore` put it away and take it up again."""

    def __init__(self, model: Transformer, pairs: Sequence[Pair], config: TrainingConfig, device: str = "cpu") -> None:
        self.model, self.pairs, self.config, self.device = model.to(device), pairs, config, device
        # fused: one pass over all weights in place of one for each of Adam's lines
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=0.0, betas=(0.9, 0.98), eps=1e-9, fused=device != "mps"
        )
        self.step, self.epoch, self.place = 0, 0, 0  # `place`: batches done in this epoch
        self.summed_loss, self.summed_tokens = 0.0, 0  # since the last report
        self.plan = self._plan()

    def _plan(self) -> list[list[int]]:
        generator = torch.Generator().manual_seed(self.config.seed * 1_000_003 + self.epoch)
        return bucketed(self.pairs, self.config.batch_tokens, generator)

    @property
    def total_steps(self) -> int:
        """About so many: the cut into batches varies a little from epoch to epoch."""
        return len(self.plan) * self.config.epochs

    @property
    def finished(self) -> bool:
        return self.epoch >= self.config.epochs

    def steps(self) -> Iterator[int]:
        """Train until the end of the epoch, and yield after every step."""
        self.model.train()
        while self.place < len(self.plan):
            batch = self._batch([self.pairs[number] for number in self.plan[self.place]])
            self.place += 1
            self._train_on(batch)
            yield self.step
        self.epoch, self.place = self.epoch + 1, 0
        self.plan = self._plan()

    def _batch(self, pairs: Sequence[Pair]) -> Batch:
        c = self.model.config
        return collate(pairs, c.pad_id, c.bos_id, c.eos_id).to(self.device)

    def _train_on(self, batch: Batch) -> None:
        self.step += 1
        config, model = self.config, self.model
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate
        with self._precision():
            logits = model(batch.source_BS, batch.target_in_BT)
        loss = smoothed_cross_entropy(logits, batch.target_out_BT, model.config.pad_id, config.label_smoothing)
        tokens = int((batch.target_out_BT != model.config.pad_id).sum())
        self.optimizer.zero_grad(set_to_none=True)
        (loss / tokens).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        self.optimizer.step()
        self.summed_loss += float(loss.detach())
        if not math.isfinite(self.summed_loss):
            raise Problem(
                f"the loss became {self.summed_loss} in step {self.step}: the learning rate is too high; "
                "start again with a lower --rate-factor or more --warmup-steps"
            )
        self.summed_tokens += tokens

    @property
    def rate(self) -> float:
        c = self.config
        return warmup_rate(max(self.step, 1), self.model.config.d_model, c.warmup_steps, c.rate_factor)

    def _precision(self) -> AbstractContextManager[object]:
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.config.precision == "bf16")

    def mean_loss(self) -> float:
        """Smoothed training loss in nats a token since the last call."""
        mean = self.summed_loss / max(self.summed_tokens, 1)
        self.summed_loss, self.summed_tokens = 0.0, 0
        return mean

    @torch.no_grad()
    def loss_on(self, pairs: Sequence[Pair]) -> float:
        """Negative log-likelihood of other pairs, in nats a token, without smoothing and dropout."""
        self.model.eval()
        total, tokens = 0.0, 0
        for numbers in bucketed(pairs, self.config.batch_tokens):
            batch = self._batch([pairs[number] for number in numbers])
            with self._precision():
                logits = self.model(batch.source_BS, batch.target_in_BT)
            total += float(smoothed_cross_entropy(logits, batch.target_out_BT, self.model.config.pad_id, 0.0))
            tokens += int((batch.target_out_BT != self.model.config.pad_id).sum())
        return total / max(tokens, 1)

    def state(self) -> tuple[dict[str, Tensor], dict[str, float]]:
        """Tensors and numbers from which `restore` goes on as if nothing had happened."""
        tensors = {f"model.{name}": tensor for name, tensor in own_weights(self.model).items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"adam.{number}.{name}": tensor for name, tensor in moments.items()}
        tensors["torch_rng"] = torch.get_rng_state()
        if self.device == "cuda":
            tensors["cuda_rng"] = torch.cuda.get_rng_state()
        numbers = {
            "step": self.step,
            "epoch": self.epoch,
            "place": self.place,
            "summed_loss": self.summed_loss,
            "summed_tokens": self.summed_tokens,
        }
        return tensors, numbers

    def restore(self, tensors: dict[str, Tensor], numbers: dict[str, float]) -> None:
        load_weights(self.model, {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
        moments: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("adam."):
                _, number, moment = name.split(".")
                moments.setdefault(int(number), {})[moment] = tensor
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
        torch.set_rng_state(tensors["torch_rng"].cpu())
        if self.device == "cuda" and "cuda_rng" in tensors:
            torch.cuda.set_rng_state(tensors["cuda_rng"].cpu())
        self.step, self.epoch, self.place = int(numbers["step"]), int(numbers["epoch"]), int(numbers["place"])
        self.summed_loss, self.summed_tokens = numbers["summed_loss"], int(numbers["summed_tokens"])
        self.plan = self._plan()


def best_precision(device: str) -> str:
    """bf16 where the processor multiplies it natively; elsewhere it would be slower than fp32."""
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if device == "cpu":
        asked = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
        return "bf16" if any(supported is not None and supported() for supported in asked) else "fp32"
    return "fp32"


def own_weights(model: Transformer) -> dict[str, Tensor]:
    """Every weight once: of tied ones, only `source_embedding.weight`."""
    tied = {"target_embedding.weight", "output.weight"} if model.config.tie_embeddings else set()
    return {name: tensor.detach() for name, tensor in model.state_dict().items() if name not in tied}


def load_weights(model: Transformer, weights: dict[str, Tensor]) -> None:
    """Raises ValueError if a weight is missing, unknown or of the wrong shape."""
    wanted = own_weights(model)
    for name, tensor in wanted.items():
        if name not in weights:
            raise ValueError(f"the weight {name!r} is missing; this is not a complete model of this configuration")
        if weights[name].shape != tensor.shape:
            raise ValueError(
                f"the weight {name!r} has shape {tuple(weights[name].shape)}; "
                f"the configuration asks for {tuple(tensor.shape)}"
            )
    unknown = sorted(weights.keys() - wanted.keys())
    if unknown:
        raise ValueError(f"the weight {unknown[0]!r} belongs to no part of this model")
    model.load_state_dict(weights, strict=False)
