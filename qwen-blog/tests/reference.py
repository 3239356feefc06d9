"""Small random models of `transformers`, as the reference that every part is compared with."""

import torch
import transformers

from qwen_blog import hub

SMALL = {"vocab_size": 97, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 64, "attn_implementation": "eager"}  # fmt: skip
EXPERTS = {"num_experts": 6, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
SLIDING = {"use_sliding_window": True, "sliding_window": 5}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 10_000.0}
# name -> (class in transformers, settings)
KINDS: dict[str, tuple[str, dict]] = {
    "qwen2": ("Qwen2", {}),
    "qwen2, tied": ("Qwen2", {"tie_word_embeddings": True}),
    "qwen2, sliding window": ("Qwen2", SLIDING | {"max_window_layers": 1}),
    "qwen2, YaRN": ("Qwen2", {"rope_parameters": YARN}),
    "qwen3": ("Qwen3", {"head_dim": 12}),
    "qwen3, sliding window": ("Qwen3", SLIDING | {"max_window_layers": 2, "head_dim": 8}),
    "qwen2-moe": ("Qwen2Moe", EXPERTS | {"shared_expert_intermediate_size": 24}),
    "qwen2-moe, mixed": ("Qwen2Moe", EXPERTS | SLIDING | {"shared_expert_intermediate_size": 24, "mlp_only_layers": [1],
                                                          "norm_topk_prob": True, "max_window_layers": 2}),
    "qwen3-moe": ("Qwen3Moe", EXPERTS | {"head_dim": 12, "norm_topk_prob": True}),
    "qwen3-moe, every second layer": ("Qwen3Moe", EXPERTS | {"head_dim": 12, "decoder_sparse_step": 2}),
}  # fmt: skip


def theirs(kind, head="ForCausalLM", seed=0, **changes):
    """A model of `transformers` with random weights, biases and norms included."""
    name, settings = KINDS[kind]
    config = getattr(transformers, f"{name}Config")(**(SMALL | settings | changes))
    torch.manual_seed(seed)
    model = getattr(transformers, name + head)(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.normal_(1.0, 0.3)
            else:
                parameter.normal_(0.0, 0.15)
    return model


def pair(kind, folder, head="ForCausalLM", **changes):
    """The reference and ours, loaded from the folder that it saved."""
    reference = theirs(kind, head, **changes)
    reference.save_pretrained(folder)
    return reference, hub.load(folder)[0]


def random_ids(rows=2, length=11, seed=1, vocabulary=97):
    return torch.randint(0, vocabulary, (rows, length), generator=torch.Generator().manual_seed(seed))


def assert_close(got, expected, atol=1e-4):
    """Up to an absolute difference: logits are compared as they are."""
    torch.testing.assert_close(got, expected, atol=atol, rtol=0)
