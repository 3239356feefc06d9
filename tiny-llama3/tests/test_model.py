"""The model against transformers at random small weights, with and without cache, padded, packed."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig as HuggingFaceConfig
from transformers import LlamaForCausalLM

from tiny_llama3.cache import KVCache
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.rope import RopeScaling

SCALING = RopeScaling(factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
BASE: dict[str, Any] = {
    "vocab_size": 50,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "rope_theta": 10_000.0,
}
VARIANTS: dict[str, dict[str, Any]] = {
    "grouped queries": {},
    "one key/value head": {"num_key_value_heads": 1},
    "as many key/value heads as query heads": {"num_key_value_heads": 4},
    "tied": {"tie_word_embeddings": True},
    "head size of its own": {"head_dim": 6},
    "llama 3.1 scaling": {"rope_scaling": SCALING},
}


def pair(seed=0, **changes):
    """Our model and theirs with the same weights, large enough that a mistake shows."""
    config = LlamaConfig(**(BASE | changes))
    rope = {"rope_type": "default", "rope_theta": config.rope_theta}
    if config.rope_scaling:
        rope |= {"rope_type": "llama3"} | vars(config.rope_scaling)
    same = {name: value for name, value in vars(config).items() if name not in ("rope_theta", "rope_scaling")}
    theirs_config = HuggingFaceConfig(**same, rope_parameters=rope)
    torch.manual_seed(seed)
    theirs = LlamaForCausalLM(theirs_config).eval()
    for name, parameter in theirs.named_parameters():
        torch.nn.init.normal_(parameter, mean=1.0 if "norm" in name else 0.0, std=0.2)
    ours = Llama(config).eval()
    ours.load_state_dict(theirs.state_dict(), strict=True)
    return ours, theirs


def cache_for(model, batch, capacity=64):
    config = model.config
    return KVCache(config.num_hidden_layers, batch, config.key_value_heads, capacity, config.head_size)


def close(ours, theirs, atol=1e-4):
    torch.testing.assert_close(ours, theirs, atol=atol, rtol=0)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
@torch.no_grad()
def test_logits_equal_transformers(changes):
    ours, theirs = pair(**changes)
    ids_BT = torch.randint(0, 50, (3, 40))
    close(ours(ids_BT), theirs(ids_BT).logits)


@settings(max_examples=25)
@given(
    st.sampled_from([(1, 1), (2, 1), (4, 2), (6, 3), (3, 3)]), st.integers(1, 8), st.booleans(), st.booleans(),
    st.integers(1, 24), st.integers(0, 99),
)  # fmt: skip
@torch.no_grad()
def test_logits_equal_transformers_for_any_shape(heads, half_head, tied, scaled, length, seed):
    ours, theirs = pair(
        seed, hidden_size=24, num_attention_heads=heads[0], num_key_value_heads=heads[1], head_dim=2 * half_head,
        tie_word_embeddings=tied, rope_scaling=SCALING if scaled else None,
    )  # fmt: skip
    ids_BT = torch.randint(0, 50, (2, length))
    close(ours(ids_BT), theirs(ids_BT).logits)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
@torch.no_grad()
def test_reading_in_pieces_with_the_cache_changes_nothing(changes):
    ours, theirs = pair(**changes)
    ids_BT = torch.randint(0, 50, (2, 20))
    cache = cache_for(ours, 2)
    pieces = [ours(piece, cache=cache) for piece in ids_BT.split([7, 1, 1, 5, 6], dim=1)]
    close(torch.cat(pieces, dim=1), theirs(ids_BT).logits)


@torch.no_grad()
def test_left_padding_changes_nothing_with_and_without_cache():
    ours, theirs = pair()
    lengths, longest = [9, 4, 7], 9
    ids_BT = torch.randint(0, 50, (3, longest))
    padding_BT = torch.arange(longest) < longest - torch.tensor(lengths)[:, None]
    documents_BT = torch.where(padding_BT, -1, 0)
    packed = ours(ids_BT, documents_BT)
    masked = theirs(ids_BT, attention_mask=(~padding_BT).long()).logits
    cache = cache_for(ours, 3)
    pieces = [ours(ids_BT[:, :6], documents_BT[:, :6], cache), ours(ids_BT[:, 6:], documents_BT[:, 6:], cache)]
    for row, length in enumerate(lengths):
        alone = theirs(ids_BT[row : row + 1, -length:]).logits[0]
        for found in (packed[row], masked[row], torch.cat(pieces, dim=1)[row]):
            close(found[-length:], alone)


@torch.no_grad()
def test_packed_documents_do_not_see_each_other():
    """Must not leak: replacing one document changes no logit of another, and each is as if it were alone."""
    ours, theirs = pair()
    lengths = [5, 8, 7]
    ids_BT = torch.randint(0, 50, (1, 20))
    documents_BT = torch.repeat_interleave(torch.arange(3), torch.tensor(lengths))[None]
    before = ours(ids_BT, documents_BT)
    start = 0
    for number, length in enumerate(lengths):
        mine = slice(start, start + length)
        close(before[:, mine], theirs(ids_BT[:, mine]).logits)
        changed = ids_BT.clone()
        changed[:, mine] = (changed[:, mine] + 1 + number) % 50
        after = ours(changed, documents_BT)
        others = documents_BT[0] != number
        assert torch.equal(after[:, others], before[:, others])
        assert not torch.equal(after[:, mine], before[:, mine])
        start += length


def test_gradients_equal_transformers_also_when_layers_are_recomputed():
    ours, theirs = pair()
    ids_BT = torch.randint(0, 50, (2, 12))
    theirs(ids_BT).logits.square().mean().backward()
    wanted = {name: parameter.grad for name, parameter in theirs.named_parameters()}
    for recompute in (False, True):
        ours.zero_grad()
        ours.checkpoint_activations = recompute
        ours(ids_BT).square().mean().backward()
        for name, parameter in ours.named_parameters():
            close(parameter.grad, wanted[name], atol=1e-5)


@torch.no_grad()
def test_bfloat16_stays_bfloat16_and_near():
    ours, _ = pair()
    ids_BT = torch.randint(0, 50, (2, 12))
    exact = ours(ids_BT)
    rough = ours.bfloat16()(ids_BT)
    assert rough.dtype == torch.bfloat16
    assert (rough - exact).abs().mean() < 0.05 * exact.abs().mean()


def test_what_is_added_to_the_stream_starts_smaller():
    model = Llama(LlamaConfig(**(BASE | {"hidden_size": 256, "num_hidden_layers": 8})))
    weights = model.state_dict()
    assert weights["model.layers.0.self_attn.q_proj.weight"].std().item() == pytest.approx(0.02, rel=0.05)
    assert weights["model.layers.0.mlp.down_proj.weight"].std().item() == pytest.approx(0.02 / 4, rel=0.05)


def test_tied_embeddings_are_one_tensor():
    model = Llama(LlamaConfig(**(BASE | {"tie_word_embeddings": True})))
    assert model.lm_head.weight is model.model.embed_tokens.weight
    assert Llama(LlamaConfig(**BASE)).lm_head.weight.shape == (50, 32)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_key_value_heads": 3}, "num_key_value_heads must divide"),
        ({"hidden_size": 30}, "num_attention_heads must divide hidden_size"),
        ({"head_dim": 5}, "head_dim must be even"),
        ({"vocab_size": 0}, "vocab_size must be 1 or more"),
        ({"num_key_value_heads": 0}, "num_key_value_heads must divide"),
    ],
)
def test_nonsense_is_refused(changes, message):
    with pytest.raises(Problem, match=message):
        LlamaConfig(**(BASE | changes))


def test_too_long_a_text_is_refused():
    model = Llama(LlamaConfig(**BASE))
    with pytest.raises(Problem, match="65 positions are more than the model's 64"):
        model(torch.zeros(1, 65, dtype=torch.long))
    with pytest.raises(Problem, match="room for 4 positions, 5 are needed"):
        model(torch.zeros(1, 5, dtype=torch.long), cache=cache_for(model, 1, capacity=4))
