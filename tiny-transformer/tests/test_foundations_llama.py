"""The Llama rung: without switches it is the GPT rung, with all of them transformers' Llama, and each switch counts."""

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig as TheirConfig
from transformers import LlamaForCausalLM

from tiny_transformer.foundations.gpt import GPT, GPTConfig
from tiny_transformer.foundations.llama import Llama, LlamaConfig, rotate

OFF: dict[str, Any] = {"rms_norm": False, "rope": False, "swiglu": False}
SMALL: dict[str, Any] = {"vocab_size": 11, "n_positions": 9, "d_model": 16, "n_layers": 2, "n_heads": 4, "d_ff": 24}
SWITCHES = [OFF, OFF | {"rms_norm": True}, OFF | {"rope": True}, OFF | {"swiglu": True}, OFF | {"n_kv_heads": 2}, {}]


def shaken(model):
    """Gains and biases away from one and zero: nothing may hide there."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model.eval()


@settings(max_examples=12)
@given(
    n_layers=st.integers(1, 3),
    kv_heads=st.integers(1, 3),
    group=st.integers(1, 3),
    half=st.integers(1, 4),
    theta=st.sampled_from([1e4, 5e5]),
    eps=st.sampled_from([1e-5, 1e-2]),
    seed=st.integers(0, 99),
)
def test_all_switches_equal_transformers(n_layers, kv_heads, group, half, theta, eps, seed):
    torch.manual_seed(seed)
    n_heads = kv_heads * group
    ours = LlamaConfig(
        vocab_size=11, n_positions=9, d_model=n_heads * 2 * half, n_layers=n_layers, n_heads=n_heads, d_ff=20,
        n_kv_heads=kv_heads, eps=eps, theta=theta,
    )  # fmt: skip
    theirs = TheirConfig(
        vocab_size=11, max_position_embeddings=9, hidden_size=ours.d_model, num_hidden_layers=n_layers,
        num_attention_heads=n_heads, num_key_value_heads=kv_heads, intermediate_size=ours.hidden_size,
        rms_norm_eps=eps, rope_parameters={"rope_type": "default", "rope_theta": theta}, tie_word_embeddings=True,
    )  # fmt: skip
    peer, model = shaken(LlamaForCausalLM(theirs)), Llama(ours).eval()
    model.load_state_dict(peer.model.state_dict())  # the names are the same
    ids = torch.randint(11, (2, 9))
    with torch.no_grad():
        torch.testing.assert_close(model(ids), peer(ids).logits, atol=1e-4, rtol=1e-4)


@given(st.integers(0, 99))
def test_no_switch_equals_the_gpt_rung(seed):
    torch.manual_seed(seed)
    gpt = shaken(GPT(GPTConfig(11, 9, 16, 2, 4)))
    llama = Llama(LlamaConfig(**SMALL | {"d_ff": 64} | OFF)).eval()
    names = {
        "wte": "embed_tokens", "wpe": "position", "ln_f": "norm", "ln_1": "input_layernorm", "h": "layers",
        "ln_2": "post_attention_layernorm", "attn": "self_attn", "c_fc": "up_proj",
    }  # fmt: skip
    weights = {}
    for name, tensor in gpt.state_dict().items():
        parts = [names.get(part, part) for part in name.split(".")]
        if "c_attn" in parts:
            for kind, part in zip("qkv", tensor.chunk(3), strict=True):
                weights[".".join(parts).replace("c_attn", f"{kind}_proj")] = part
        else:
            inner = "o_proj" if "self_attn" in parts else "down_proj"
            weights[".".join(parts).replace("c_proj", inner)] = tensor
    llama.load_state_dict(weights)
    ids = torch.randint(11, (2, 9))
    torch.testing.assert_close(llama(ids), gpt(ids), atol=1e-5, rtol=1e-5)


def test_both_start_alike():
    """The same seed gives weights of the same spread: a row of the table compares the change, not the start."""
    gpt: Any = GPT(GPTConfig(27, 16, 64, 2, 8))
    llama: Any = Llama(LlamaConfig(27, 16, n_layers=2, n_heads=8, **OFF))
    ours, theirs = gpt.h[1], llama.layers[1]
    pairs = [
        (gpt.wte, llama.embed_tokens),
        (ours.mlp.c_fc, theirs.mlp.up_proj),
        (ours.mlp.c_proj, theirs.mlp.down_proj),
        (ours.attn.c_proj, theirs.self_attn.o_proj),
    ]
    for one, other in pairs:
        assert one.weight.std().item() == pytest.approx(other.weight.std().item(), rel=0.1)
    assert gpt.h[0].mlp.c_proj.weight.std() < 0.6 * gpt.h[0].mlp.c_fc.weight.std()


@pytest.mark.parametrize("switches", SWITCHES)
def test_later_characters_change_nothing_before_them(switches):
    torch.manual_seed(0)
    model = shaken(Llama(LlamaConfig(**SMALL | switches)))
    ids = torch.randint(11, (1, 9))
    before = model(ids)
    for t in range(9):
        changed = ids.clone()
        changed[0, t] = (ids[0, t] + 1) % 11
        difference = (model(changed) - before).abs().amax(-1)[0]
        assert not difference[:t].any()
        assert difference[t:].min() > 0


@given(st.integers(1, 30), st.integers(0, 50))
def test_rotated_scores_depend_on_distance_only(shift, seed):
    torch.manual_seed(seed)
    q, k = torch.randn(2, 1, 1, 1, 8).expand(2, 1, 1, 40, 8)  # the same query and key everywhere
    scores = rotate(q, 1e4)[0, 0] @ rotate(k, 1e4)[0, 0].T
    torch.testing.assert_close(scores[shift:, shift:], scores[:-shift, :-shift], atol=1e-5, rtol=0)
    torch.testing.assert_close(rotate(q, 1e4).norm(dim=-1), q.norm(dim=-1))


def parameters(**switches):
    return sum(p.numel() for p in Llama(LlamaConfig(27, 16, **switches)).parameters())


def test_switches_keep_the_size():
    """SwiGLU's three matrices weigh what GELU's two did; shared keys and values weigh less."""
    plain = parameters(swiglu=False)
    assert parameters() == pytest.approx(plain, rel=0.01)
    assert parameters(n_kv_heads=2) == parameters() - 4 * 2 * 64 * 32
    assert parameters(rope=False) == parameters() + 16 * 64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_heads": 3}, r"n_heads must divide d_model \(got 3, 16\)"),
        ({"n_kv_heads": 3}, r"n_kv_heads must divide n_heads \(got 3, 4\)"),
        ({"n_heads": 16}, r"even \(got 1\)"),
        ({"dropout": -0.1}, r"dropout .* \(got -0.1\)"),
        ({"n_layers": 0}, r"n_layers must be positive \(got 0\)"),
        ({"n_kv_heads": 0}, r"kv_heads must be positive \(got 0\)"),
    ],
)
def test_nonsense_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        LlamaConfig(**SMALL | wrong)


def test_too_many_tokens():
    with pytest.raises(ValueError, match=r"9 positions \(got 10 tokens\)"):
        Llama(LlamaConfig(**SMALL))(torch.zeros(1, 10, dtype=torch.long))


@pytest.mark.parametrize(
    "model", [Llama(LlamaConfig(**SMALL, dropout=0.5)), GPT(GPTConfig(11, 9, 16, 2, 4, dropout=0.5))]
)
def test_dropout_is_for_training(model):
    ids = torch.randint(11, (1, 9))
    assert not torch.equal(model.train()(ids), model(ids))
    assert torch.equal(model.eval()(ids), model(ids))
