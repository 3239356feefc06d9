"""The training loop: predict the next token, measure by how much it failed, move every weight a little, again.

Shapes: B rows, T positions of a row.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from tiny_llama3 import data_parallel
from tiny_llama3.attention import attend
from tiny_llama3.batches import Batch, Batches
from tiny_llama3.loss import IGNORED, summed_cross_entropy
from tiny_llama3.model import Llama
from tiny_llama3.muon import Muon
from tiny_llama3.problem import Problem
from tiny_llama3.schedule import rate_share

# Up to this length a processor is faster with attention written out, in 16 bits and compiled, than with PyTorch's
# kernel: 11 ms instead of 21 for 16 rows of 256 positions, 4 heads of 32. Beyond, T² weights take too much memory.
WRITTEN_OUT = 512

Hidden = Callable[[Tensor, Tensor | None], Tensor]


@dataclass(frozen=True)
class TrainingConfig:
    """How a model is trained; all of it is kept with the run."""

    steps: int
    sequence: int = 256  # positions of a row
    batch_rows: int = 32  # rows of one step, over all processes
    micro_rows: int = 8  # rows that go through the model at once; their gradients are accumulated
    optimizer: str = "muon"  # or adamw, for all weights
    learning_rate: float = 3e-3  # of AdamW
    muon_rate: float = 0.02
    weight_decay: float = 0.1
    schedule: str = "wsd"  # or cosine
    warmup_steps: int = 20
    decay_share: float = 0.4  # of the steps, in which wsd falls
    final_share: float = 0.0  # of the highest rate, at the end
    clip_norm: float = 1.0
    precision: str = "fp32"  # of the matrix products; or bf16
    compile: bool = False
    checkpoint_activations: bool = False  # keep less, compute more
    document_mask: bool = True  # a position never attends to another document
    evaluate_every: int = 100  # steps
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "sequence", "batch_rows", "micro_rows", "evaluate_every"):
            if getattr(self, name) < 1:
                raise Problem(f"{name} must be 1 or more (got {getattr(self, name)}); change it")
        for name, lowest in (("learning_rate", 0), ("muon_rate", 0), ("clip_norm", 0)):
            if not lowest < getattr(self, name) < math.inf:
                raise Problem(f"{name} must be above 0 (got {getattr(self, name)}); change it")
        for name in ("weight_decay", "final_share", "decay_share"):
            if not 0 <= getattr(self, name) <= 1:
                raise Problem(f"{name} must be from 0 to 1 (got {getattr(self, name)}); change it")
        for name, choices in (("optimizer", ("adamw", "muon")), ("schedule", ("cosine", "wsd")),
                              ("precision", ("fp32", "bf16"))):  # fmt: skip
            if getattr(self, name) not in choices:
                raise Problem(f"{name} must be {' or '.join(choices)} (got {getattr(self, name)!r}); change it")
        if not 0 <= self.warmup_steps <= self.steps:
            raise Problem(f"warmup_steps must be from 0 to the {self.steps} steps (got {self.warmup_steps}); change it")

    @property
    def tokens_per_step(self) -> int:
        return self.sequence * self.batch_rows


class Trainer:
    """Model and optimizers, and how far they have come. `batches` gives the rows of any step."""

    def __init__(self, model: Llama, batches: Batches, config: TrainingConfig, device: str = "cpu") -> None:
        self.model, self.batches, self.config, self.device = model.to(device), batches, config, device
        self.step = 0
        model.checkpoint_activations = config.checkpoint_activations
        self.optimizers = optimizers_for(model, config)
        self.highest = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        if config.compile and config.precision == "bf16" and device == "cpu" and config.sequence <= WRITTEN_OUT:
            model.attend_with(attend)
        self.hidden = compiled(model) if config.compile else model.hidden
        share, left = divmod(config.batch_rows, data_parallel.processes())
        if left:
            raise Problem(f"batch_rows must be a multiple of the {data_parallel.processes()} processes "
                          f"(got {config.batch_rows}); change it")  # fmt: skip
        self.first_row, self.own_rows = data_parallel.rank() * share, share

    def train_step(self) -> float:
        """One step; returns its mean loss in nats a token."""
        self.model.train()
        step = [self._load(self.batches.rows_of(self.step, row, min(self.config.micro_rows, self._end - row)))
                for row in range(self.first_row, self._end, self.config.micro_rows)]  # fmt: skip
        # The mean is over the tokens of the whole step, not of each part: parts hold different numbers of them.
        tokens = torch.tensor([sum(int((batch.targets_BT != IGNORED).sum()) for batch in step)], device=self.device)
        data_parallel.add_up([tokens])
        total = torch.zeros(1, device=self.device)
        for batch in step:
            loss = self._summed_loss(batch, self.hidden) / tokens.clamp(min=1)
            loss.backward()
            total += loss.detach()
        weights = [parameter for parameter in self.model.parameters() if parameter.grad is not None]
        data_parallel.add_up([total, *(parameter.grad for parameter in weights if parameter.grad is not None)])
        torch.nn.utils.clip_grad_norm_(weights, self.config.clip_norm)
        self.step += 1
        for optimizer, rates in zip(self.optimizers, self.highest, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * self.rate_share
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        mean = float(total)
        if not math.isfinite(mean):
            raise Problem(f"the loss became {mean} in step {self.step}: the learning rate is too high; "
                          "start again with a lower --learning-rate and --muon-rate, or a longer warm-up")  # fmt: skip
        return mean

    @property
    def _end(self) -> int:
        return self.first_row + self.own_rows

    @property
    def rate_share(self) -> float:
        c = self.config
        return rate_share(self.step, c.steps, c.schedule, c.warmup_steps, c.decay_share, c.final_share)

    @torch.no_grad()
    def loss_on(self, batches: Sequence[Batch]) -> float:
        """Mean loss on other rows, in nats a token."""
        self.model.eval()
        total, tokens = 0.0, 0
        for batch in batches:
            total += float(self._summed_loss(self._load(batch), self.model.hidden))  # compiling for this wouldn't pay
            tokens += int((batch.targets_BT != IGNORED).sum())
        return total / max(tokens, 1)

    def _summed_loss(self, batch: Batch, hidden: Hidden) -> Tensor:
        documents_BT = batch.documents_BT if self.config.document_mask else None
        with self._precision():
            hidden_BTD = hidden(batch.ids_BT, documents_BT)
            return summed_cross_entropy(hidden_BTD, self.model.lm_head.weight, batch.targets_BT)

    def _precision(self) -> AbstractContextManager[object]:
        device = self.device.partition(":")[0]
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self.config.precision == "bf16")

    def _load(self, batch: Batch) -> Batch:
        return Batch(*(tensor.to(self.device) for tensor in (batch.ids_BT, batch.targets_BT, batch.documents_BT)))

    def state(self) -> dict[str, Tensor]:
        """Copies from which `restore` goes on as if nothing had happened; the step is the caller's to keep, too."""
        tensors = {f"model.{name}": tensor for name, tensor in own_weights(self.model).items()}
        for place, optimizer in enumerate(self.optimizers):
            for number, kept in optimizer.state_dict()["state"].items():
                tensors |= {f"optimizer.{place}.{number}.{name}": tensor for name, tensor in kept.items()}
        return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}

    def restore(self, tensors: dict[str, Tensor], step: int) -> None:
        """Raises Problem if a tensor is missing or of another shape."""
        load_weights(self.model, {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")})
        for place, optimizer in enumerate(self.optimizers):
            kept: dict[int, dict[str, Tensor]] = {}
            for name, tensor in tensors.items():
                if name.startswith(f"optimizer.{place}."):
                    number, word = name.split(".")[2:]
                    kept.setdefault(int(number), {})[word] = tensor.clone()  # the optimizer writes into its own
            optimizer.load_state_dict(optimizer.state_dict() | {"state": kept})
        self.step = step


def optimizers_for(model: Llama, config: TrainingConfig) -> list[torch.optim.Optimizer]:
    """AdamW, decaying matrices only; with Muon it keeps the embeddings, the output layer and the norms."""
    inside, outside, norms = [], [], []
    for name, parameter in model.named_parameters():
        if parameter.ndim < 2:
            norms.append(parameter)
        elif name.startswith("model.layers.") and config.optimizer == "muon":
            inside.append(parameter)
        else:
            outside.append(parameter)
    groups = [{"params": outside, "weight_decay": config.weight_decay}, {"params": norms, "weight_decay": 0.0}]
    fused = next(model.parameters()).device.type in ("cpu", "cuda")  # one pass over the weights instead of ten
    adamw = torch.optim.AdamW(groups, lr=config.learning_rate, betas=(0.9, 0.95), fused=fused)
    if not inside:
        return [adamw]
    # in 16 bits where the processor multiplies them natively, as the training does
    dtype = torch.bfloat16 if config.precision == "bf16" else torch.float32
    return [adamw, Muon(inside, config.muon_rate, weight_decay=config.weight_decay, dtype=dtype)]


def compiled(model: Llama) -> Hidden:
    """`model.hidden`, all but the embedding: compiled, its gradient would be added up in an order left to chance."""
    through_layers = torch.compile(model.through_layers, dynamic=False)
    return lambda ids_BT, documents_BT: through_layers(model.model.embed_tokens(ids_BT), documents_BT)


def best_precision(device: str) -> str:
    """bf16 where the processor multiplies it natively; elsewhere it would be slower than fp32."""
    if device.startswith("cuda"):
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    if device == "cpu":
        asked = (getattr(torch.cpu, f"_is_{name}_supported", None) for name in ("avx512_bf16", "amx_tile"))
        return "bf16" if any(supported is not None and supported() for supported in asked) else "fp32"
    return "fp32"


def own_weights(model: Llama) -> dict[str, Tensor]:
    """Every weight once: tied, the output layer is the embedding."""
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    return {name: tensor.detach() for name, tensor in model.state_dict().items() if name not in tied}


def load_weights(model: Llama, weights: dict[str, Tensor]) -> None:
    """Raises Problem if a weight is missing, unknown or of the wrong shape."""
    wanted = own_weights(model)
    for name, tensor in wanted.items():
        if name not in weights:
            raise Problem(f"the weight {name!r} is missing; this is not a complete model of this configuration")
        if weights[name].shape != tensor.shape:
            raise Problem(f"the weight {name!r} has shape {tuple(weights[name].shape)}, the configuration asks for "
                          f"{tuple(tensor.shape)}; take the config.json that belongs to the weights")  # fmt: skip
    unknown = sorted(weights.keys() - wanted.keys())
    if unknown:
        raise Problem(f"the weight {unknown[0]!r} belongs to no part of this model; is it a Llama?")
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(weights[name])
