"""The trace against the model, and every tensor of it that transformers shows against transformers."""

import json

import pytest
import torch
from torch.nn import functional
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from test_model import BASE, SCALING, close, pair
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.problem import Problem
from tiny_llama3.trace import as_dicts, format_trace, trace

IDS = [3, 41, 7, 0, 28, 7, 12]
LAYER = ["attention norm", "query", "key", "value", "query per head", "key per head", "value per head", "cosine",
         "sine", "rotated query", "rotated key", "scores", "mask", "masked scores", "attention weights",
         "weighted values", "joined heads", "attention output", "after attention", "feed-forward norm", "gate", "up",
         "gated", "down", "after feed-forward"]  # fmt: skip


def name_of(id):
    return f"<{id}>"


def by_name(steps):
    return {(step.part, step.name): step.tensor for step in steps}


@pytest.mark.parametrize(
    "changes", [{}, {"num_key_value_heads": 4}, {"tie_word_embeddings": True}, {"rope_scaling": SCALING}]
)
@torch.no_grad()
def test_the_logits_are_those_of_the_model(changes):
    ours, _ = pair(**changes)
    logits = by_name(trace(ours, IDS, name_of))["output", "logits"]
    close(logits, ours(torch.tensor([IDS]))[0], atol=1e-5)


@torch.no_grad()
def test_every_step_equals_what_transformers_computes():
    ours, theirs = pair(rope_scaling=SCALING)
    theirs.set_attn_implementation("eager")
    seen = {}

    def keep(name):
        return lambda module, inputs, output: seen.update({name: output})

    for name, module in theirs.named_modules():
        if name:
            module.register_forward_hook(keep(name))
    answer = theirs(torch.tensor([IDS]), output_hidden_states=True, output_attentions=True)
    steps = trace(ours, IDS, name_of)
    found = by_name(steps)
    compared = {("embedding", "ids")}

    def equal(part, name, wanted):
        compared.add((part, name))
        close(found[part, name], wanted, atol=1e-5)

    equal("embedding", "embedding", answer.hidden_states[0][0])
    cos, sin = seen["model.rotary_emb"]
    for number in range(2):
        part, at = f"layer {number}", f"model.layers.{number}."
        plain = {
            "attention norm": "input_layernorm",
            "query": "self_attn.q_proj",
            "key": "self_attn.k_proj",
            "value": "self_attn.v_proj",
            "attention output": "self_attn.o_proj",
            "feed-forward norm": "post_attention_layernorm",
            "gate": "mlp.gate_proj",
            "up": "mlp.up_proj",
            "down": "mlp.down_proj",
        }
        for name, module in plain.items():
            equal(part, name, seen[at + module][0])
        equal(part, "cosine", cos[0, :, :4])
        equal(part, "sine", sin[0, :, :4])
        q, k, v = (seen[f"{at}self_attn.{name}_proj"].view(1, len(IDS), -1, 8).transpose(1, 2) for name in "qkv")
        for name, tensor in (("query", q), ("key", k), ("value", v)):
            equal(part, f"{name} per head", tensor[0])
        q, k = apply_rotary_pos_emb(q, k, cos, sin)
        equal(part, "rotated query", q[0])
        equal(part, "rotated key", k[0])
        equal(part, "attention weights", answer.attentions[number][0])
        scores = torch.einsum("htk,hsk->hts", q[0], k[0][[0, 0, 1, 1]]) / 8**0.5
        equal(part, "scores", scores)
        mask = torch.tensor([[0.0 if s <= t else -torch.inf for s in range(len(IDS))] for t in range(len(IDS))])
        equal(part, "mask", mask)
        equal(part, "masked scores", scores + mask)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=True)[0]
        equal(part, "weighted values", mixed)
        equal(part, "joined heads", torch.cat(list(mixed), dim=1))
        equal(part, "after attention", answer.hidden_states[number][0] + seen[f"{at}self_attn.o_proj"][0])
        equal(part, "gated", seen[f"{at}mlp.act_fn"][0] * seen[f"{at}mlp.up_proj"][0])
        equal(part, "after feed-forward", seen[f"model.layers.{number}"][0])
    equal("output", "last norm", answer.hidden_states[-1][0])
    equal("output", "logits", answer.logits[0])
    equal("output", "probabilities", answer.logits[0].softmax(-1))
    equal("output", "next token", answer.logits[0, -1].argmax())
    assert compared == set(found), "a step has no witness"
    assert found["embedding", "ids"].tolist() == IDS


def test_steps_come_in_the_order_of_the_lesson():
    ours, _ = pair()
    steps = trace(ours, IDS, name_of)
    names = [step.name for step in steps]
    assert names == ["ids", "embedding", *LAYER, *LAYER, "last norm", "logits", "probabilities", "next token"]
    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    for step in steps:
        sizes = {"T": 7, "S": 7, "V": 50, "D": 32, "F": 48, "H": 4, "G": 2, "K": 8, "P": 4, "HK": 32, "GK": 16}
        letters = step.shape_names.split(", ") if step.shape_names else []
        assert step.shape == tuple(sizes[letter] for letter in letters) == tuple(step.tensor.shape)


def test_only_the_layers_asked_for_are_shown_but_all_are_computed():
    ours, _ = pair()
    everything, some = trace(ours, IDS, name_of), trace(ours, IDS, name_of, layers=[1])
    assert [step.name for step in some if step.part == "layer 0"] == ["layer output"]
    assert [step.name for step in some if step.part == "layer 1"] == LAYER
    wanted, found = by_name(everything), by_name(some)
    assert torch.equal(found["layer 0", "layer output"], wanted["layer 0", "after feed-forward"])
    for key in found.keys() - {("layer 0", "layer output")}:
        assert torch.equal(found[key], wanted[key])
    assert {step.name for step in trace(ours, IDS, name_of, layers=[]) if "layer" in step.part} == {"layer output"}


def test_values_are_the_first_of_the_last_position():
    ours, _ = pair()
    steps = {step.name: step for step in trace(ours, IDS, name_of, layers=[0])}
    assert steps["embedding"].values == tuple(steps["embedding"].tensor[6, :4].tolist())
    assert steps["scores"].values == tuple(steps["scores"].tensor[0, 6, :4].tolist())
    assert steps["ids"].values == (3, 41, 7, 0)


def test_tokens_are_named():
    ours, _ = pair()
    steps = trace(ours, IDS, name_of)
    assert steps[0].operation == "'<3>' '<41>' '<7>' '<0>' '<28>' '<7>' '<12>'"
    assert f"'<{int(steps[-1].tensor)}>'" in steps[-1].operation


def test_the_table_is_aligned_and_grouped():
    ours, _ = pair()
    steps = trace(ours, IDS, name_of)
    lines = format_trace(steps).splitlines()
    assert [line for line in lines[1:] if line and not line.startswith(" ")] == [
        "embedding", "layer 0", "layer 1", "output"
    ]  # fmt: skip
    rows = [line for line in lines if line.startswith("  ")]
    assert len(rows) == len(steps)
    assert len({row.index(step.operation) for row, step in zip(rows, steps, strict=True)}) == 1
    embedding = next(row for row in rows if row.split()[1] == "embedding")
    assert "T=7 D=32" in embedding
    assert f"{steps[1].values[0]:.4f}" in embedding
    assert lines[-1].split()[:5] == [str(len(steps)), "next", "token", str(int(steps[-1].tensor)), "the"]


def test_a_program_gets_plain_json():
    ours, _ = pair()
    steps = trace(ours, IDS, name_of)
    read = json.loads(json.dumps(as_dicts(steps), allow_nan=False))
    assert read[1] == {"number": 2, "part": "embedding", "name": "embedding", "operation": steps[1].operation,
                       "shape": [7, 32], "shape_names": "T, D", "values": list(steps[1].values)}  # fmt: skip
    assert len(read) == len(steps)


def test_sixteen_bit_weights_are_traced_in_float32():
    model, _ = pair()
    rounded = {name: tensor.bfloat16() for name, tensor in model.state_dict().items()}
    model.load_state_dict({name: tensor.float() for name, tensor in rounded.items()})
    wanted = by_name(trace(model, IDS, name_of))["output", "logits"]
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            parameter.data = parameter.data.bfloat16()
    found = by_name(trace(model, IDS, name_of))["output", "logits"]
    assert found.dtype == torch.float32
    close(found, wanted, atol=1e-6)


@pytest.mark.parametrize(
    ("ids", "layers", "message"),
    [
        ([], None, "no token to trace"),
        ([50], None, "outside the model's vocabulary of 50"),
        ([-1], None, "outside the model's vocabulary of 50"),
        ([1] * 65, None, "65 positions are more than the model's 64"),
        ([1], [0, 2], "there is no layer 2; the model's layers are 0 to 1"),
        ([1], [-1], "there is no layer -1"),
    ],
)
def test_what_cannot_be_traced_is_refused(ids, layers, message):
    with pytest.raises(Problem, match=message):
        trace(Llama(LlamaConfig(**BASE)), ids, name_of, layers)
