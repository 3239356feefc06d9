"""Shapes of models that go well together: five by name, and one dial, the depth, that derives the rest.

The depth sets the width as in nanochat (Karpathy 2025): 64 features for each layer, heads of 64 features.
"""

from dataclasses import asdict, dataclass
from typing import Any

from tiny_llama3.model import LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer
from tiny_llama3.training import TrainingConfig, best_precision

DEFAULT_STEPS = 1000


@dataclass(frozen=True)
class Preset:
    """A shape without its vocabulary, and the rows it is trained on by default."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    sequence: int  # positions of a training row
    batch_rows: int  # rows of one step
    micro_rows: int  # rows that go through the model at once
    vocab_size: int  # of a tokenizer that suits this size
    tie_word_embeddings: bool = True

    def config(self, vocab_size: int, **changes: Any) -> LlamaConfig:
        own = ("sequence", "batch_rows", "micro_rows", "vocab_size")
        shape = {name: value for name, value in asdict(self).items() if name not in own}
        shape |= {"vocab_size": vocab_size, "max_position_embeddings": max(self.sequence, 512), "rope_theta": 10_000.0}
        return LlamaConfig(**(shape | changes))

    def config_for(self, tokenizer: Tokenizer, sequence: int) -> LlamaConfig:
        """With the tokenizer's vocabulary and marks, and positions enough for rows of `sequence`."""
        return self.config(len(tokenizer), bos_token_id=tokenizer.bos_id, eos_token_id=tokenizer.eos_id,
                           pad_token_id=tokenizer.pad_id, max_position_embeddings=max(512, sequence))  # fmt: skip

    def training(self, device: str, **chosen: Any) -> TrainingConfig:
        """What suits the shape and the device, but for what is `chosen`."""
        steps = chosen.get("steps", DEFAULT_STEPS)
        values = {"steps": steps, "sequence": self.sequence, "batch_rows": self.batch_rows,
                  "micro_rows": self.micro_rows, "warmup_steps": min(20, steps), "decay_share": 0.5,
                  "precision": best_precision(device)} | chosen  # fmt: skip
        return TrainingConfig(**(values | {"micro_rows": min(values["micro_rows"], values["batch_rows"])}))

    @property
    def compiling_pays(self) -> bool:
        """Whether a usual run gains more by torch.compile than compiling takes."""
        return self.num_hidden_layers > 4


PRESETS = {
    "nano": Preset(128, 352, 4, 4, 2, 256, 16, 16, 512),
    "micro": Preset(256, 704, 6, 4, 2, 256, 32, 8, 2048),
    "15M": Preset(384, 1024, 8, 6, 3, 256, 64, 8, 4096),
    "42M": Preset(512, 1408, 12, 8, 4, 512, 64, 4, 16384),
    "110M": Preset(768, 2048, 14, 12, 4, 1024, 128, 4, 32000),
}


def from_depth(depth: int) -> Preset:
    """One dial: `depth` layers, and everything else that goes with them."""
    if depth < 1:
        raise Problem(f"depth must be 1 or more (got {depth}); 4 is small, 12 is GPT-2's")
    heads = depth
    width = 64 * depth
    inner = -(-8 * width // (3 * 64)) * 64  # 8/3 of the width, as SwiGLU has three matrices; whole blocks of 64
    groups = max(divisor for divisor in range(1, max(1, heads // 2) + 1) if heads % divisor == 0)
    sequence = 256 if depth <= 6 else 512 if depth <= 10 else 1024
    vocabulary = 512 if depth <= 2 else 4096 if depth <= 6 else 16384 if depth <= 10 else 32000
    return Preset(
        width, inner, depth, heads, groups, sequence, 32 if depth <= 4 else 128, 8 if depth <= 6 else 4, vocabulary
    )


def parameters(config: LlamaConfig) -> int:
    """How many weights a model of this shape has."""
    d, f, k = config.hidden_size, config.intermediate_size, config.head_size
    attention = 2 * d * k * config.num_attention_heads + 2 * d * k * config.key_value_heads
    extra = config.qkv_bias * k * (config.num_attention_heads + 2 * config.key_value_heads) + config.qk_norm * 2 * k
    layer = attention + 3 * d * f + 2 * d + extra
    tables = config.vocab_size * d * (1 if config.tie_word_embeddings else 2)
    return config.num_hidden_layers * layer + tables + d


def training_flops(config: LlamaConfig, length: int) -> int:
    """Floating-point operations for one token of training, as in PaLM's appendix B (Chowdhery et al. 2022).

    Forward and backward take 6 for every weight that multiplies (an embedding is only looked up), and attention
    12 * layers * heads * head size * row length. Causal attention needs half of the latter, which is not counted off,
    so that figures can be compared with those of others.
    """
    looked_up = 0 if config.tie_word_embeddings else config.vocab_size * config.hidden_size
    attention = 12 * config.num_hidden_layers * config.num_attention_heads * config.head_size * length
    return 6 * (parameters(config) - looked_up) + attention
