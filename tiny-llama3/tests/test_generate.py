"""Text that goes on as `transformers` would go on: alone, in batches, with and without cache; NumPy as PyTorch."""

from typing import Any

import pytest
import torch
import transformers

from tiny_llama3.cache import KVCache
from tiny_llama3.generate import generate, steps
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.one_row import OneRow
from tiny_llama3.problem import Problem
from tiny_llama3.rope import RopeScaling
from tiny_llama3.sampling import Sampling

SHAPES: dict[str, Any] = {
    "grouped": {"num_attention_heads": 4, "num_key_value_heads": 2},
    "one key head": {"num_attention_heads": 4, "num_key_value_heads": 1, "tie_word_embeddings": True},
    "as many": {"num_attention_heads": 2, "num_key_value_heads": 2, "head_dim": 6},
    "scaled": {"num_attention_heads": 2, "num_key_value_heads": 1, "rope_scaling": RopeScaling(4.0, 1.0, 4.0, 16)},
}


def small(seed=0, **changes):
    torch.manual_seed(seed)
    shape: dict[str, Any] = {"num_attention_heads": 4, "num_key_value_heads": 2} | changes
    model = Llama(LlamaConfig(50, 16, 24, num_hidden_layers=2, max_position_embeddings=64, **shape))
    for parameter in model.parameters():  # far from a tie between two tokens
        torch.nn.init.normal_(parameter, std=0.5)
    return model.eval()


def theirs(model):
    c = model.config
    settings: dict[str, Any] = {
        "vocab_size": 50, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
        "max_position_embeddings": 64, "num_attention_heads": c.num_attention_heads, "head_dim": c.head_size,
        "num_key_value_heads": c.key_value_heads, "rms_norm_eps": c.rms_norm_eps, "rope_theta": c.rope_theta,
        "tie_word_embeddings": c.tie_word_embeddings, "bos_token_id": None, "eos_token_id": None, "pad_token_id": 0,
    }  # fmt: skip
    peer = transformers.LlamaForCausalLM(transformers.LlamaConfig(**settings))
    peer.load_state_dict(model.state_dict())
    return peer.eval()


PROMPT = torch.tensor([[3, 1, 4, 1, 5]])


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize("shape", ["grouped", "one key head", "as many"])
def test_greedy_equals_transformers(shape, use_cache):
    model = small(**SHAPES[shape])
    expected = theirs(model).generate(PROMPT, max_new_tokens=20, do_sample=False)
    assert torch.equal(generate(model, PROMPT, 20, use_cache=use_cache), expected)


def test_unequal_prompts_go_on_as_each_alone():
    model = small()
    prompts = [[7, 8], [3, 1, 4, 1, 5, 9, 2, 6], [11]]
    together = generate(model, prompts, 15)
    assert together == [generate(model, prompt, 15) for prompt in prompts]
    assert together == generate(model, prompts, 15, use_cache=False)
    assert [len(text) for text in together] == [17, 23, 16]


@pytest.mark.parametrize("shape", SHAPES)
def test_numpy_gives_the_logits_of_pytorch(shape):
    model = small(**SHAPES[shape])
    c = model.config
    caches = [KVCache(2, 1, c.key_value_heads, 40, c.head_size) for _ in range(2)]
    with torch.no_grad():
        for cache in caches:
            model(PROMPT, cache=cache)
        one_row = OneRow(model, caches[0])
        for id in range(30):
            expected = model(torch.tensor([[id]]), cache=caches[1])[0, -1]
            torch.testing.assert_close(torch.from_numpy(one_row.logits(id)), expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(caches[0].keys_LBGSK[:, :, :, :35], caches[1].keys_LBGSK[:, :, :, :35])


def test_numpy_survives_large_numbers():
    model = small()
    with torch.no_grad():
        for layer in model.model.layers:
            layer.mlp.gate_proj.weight *= 1e3
    assert torch.equal(generate(model, PROMPT, 5), generate(model, PROMPT, 5, use_cache=False))


def test_the_end_token_ends_a_row_and_padding_follows():
    model = small()
    free = generate(model, [PROMPT[0].tolist(), [2]], 12)
    eos = free[0][8]
    ended = generate(model, [PROMPT[0].tolist(), [2]], 12, eos=eos)
    assert ended[0] == free[0][: free[0].index(eos, 5) + 1]
    batch = torch.tensor([[3, 1, 4, 1, 5], [2, 2, 2, 2, 2]])
    rows = generate(model, batch, 12, eos=eos)
    assert rows.shape[1] <= 17 and rows[0, len(ended[0]) :].eq(eos).all()


def test_chance_depends_on_seed_and_row_only():
    model = small()
    hot: dict[str, Any] = {"temperature": 1.0}
    first = generate(model, [3, 1], 20, seed=5, **hot)
    assert first == generate(model, [3, 1], 20, seed=5, **hot)
    assert first != generate(model, [3, 1], 20, seed=6, **hot)
    assert first == generate(model, [[3, 1], [9]], 20, seed=5, **hot)[0]
    rows = generate(model, [[3, 1], [3, 1]], 20, seed=5, **hot)
    assert rows[0] != rows[1]


def test_every_setting_changes_the_text():
    model = small()
    hot: dict[str, Any] = {"temperature": 2.0, "seed": 1}
    plain = generate(model, [3], 30, **hot)
    for setting in ({"top_k": 2}, {"top_p": 0.3}, {"min_p": 0.5}, {"repetition_penalty": 3.0}):
        assert generate(model, [3], 30, **hot, **setting) != plain
    penalised = generate(model, [3], 30, repetition_penalty=1e9)
    assert len(set(penalised)) > len(set(generate(model, [3], 30)))


def test_forms_of_prompts():
    model = small()
    text = generate(model, [3, 1, 4], 4)
    assert generate(model, [[3, 1, 4]], 4) == [text]
    assert generate(model, torch.tensor([3, 1, 4]), 4).tolist() == text
    assert generate(model, [3, 1, 4], 0) == [3, 1, 4]


def test_the_models_positions_end_the_text():
    model = small()
    assert len(generate(model, [3] * 60, 100)) == 65
    with pytest.raises(Problem, match="65 tokens, the model 64 positions"):
        generate(model, [3] * 65, 1)


def test_16_bit_models_write_too():
    assert len(generate(small().bfloat16(), [3, 1], 6)) == 8


@pytest.mark.parametrize("prompt", [[], [[]], [[1], []], [50], [-1]])
def test_bad_prompts(prompt):
    with pytest.raises(Problem, match="prompt has"):
        generate(small(), prompt, 3)


def test_negative_count():
    with pytest.raises(Problem, match="max_new_tokens"):
        list(steps(small(), [[1]], -1, Sampling()))
