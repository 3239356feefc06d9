"""LoRA: nothing at first, the same merged and unmerged, and the same in peft."""

import json

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import LlamaForCausalLM

from tiny_base import base, chats, tokenizer
from tiny_llama3 import hub
from tiny_llama3.align.lora import (
    LAYERS,
    LoraConfig,
    adapters,
    add_lora,
    fingerprint,
    load_adapter,
    merge,
    save_adapter,
)
from tiny_llama3.align.sft import Sft
from tiny_llama3.align.tuning import Tuner, TuningConfig
from tiny_llama3.problem import Problem

IDS_BT = torch.randint(0, 250, (2, 15), generator=torch.Generator().manual_seed(0))
EVERY = (*LAYERS, "lm_head")


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def trained(config, **changes):
    """A base model with an adapter whose B is no longer zero."""
    model = add_lora(base(**changes), config)
    torch.manual_seed(1)
    with torch.no_grad():
        for adapter in adapters(model).values():
            adapter.lora_B.normal_(std=0.05)
    return model


@torch.no_grad()
def test_it_begins_at_the_base_model():
    torch.testing.assert_close(add_lora(base(), LoraConfig(layers=EVERY))(IDS_BT), base()(IDS_BT), atol=0, rtol=0)


@pytest.mark.parametrize("layers", [("q_proj",), LAYERS, EVERY, ("down_proj", "lm_head")], ids=",".join)
@torch.no_grad()
def test_merged_equals_unmerged(layers):
    """Of every shape: q_proj is square, k_proj and down_proj are not; tied, the embedding stays as it was."""
    model = trained(LoraConfig(4, 10.0, layers))
    unmerged = model(IDS_BT)
    assert not torch.allclose(unmerged, base()(IDS_BT), atol=1e-2)
    merged = merge(model)
    assert not adapters(merged)
    torch.testing.assert_close(merged(IDS_BT), unmerged, atol=1e-4, rtol=0)
    torch.testing.assert_close(merged.model.embed_tokens.weight, base().model.embed_tokens.weight, atol=0, rtol=0)


@torch.no_grad()
def test_rank_and_alpha_count():
    outputs = [trained(LoraConfig(rank, alpha))(IDS_BT) for rank, alpha in ((4, 8.0), (4, 16.0), (2, 8.0))]
    assert not torch.allclose(outputs[0], outputs[1], atol=1e-3)
    assert not torch.allclose(outputs[0], outputs[2], atol=1e-3)
    layer = next(iter(adapters(trained(LoraConfig(4, 8.0))).values()))
    expected = layer.base.weight + 2.0 * layer.lora_B @ layer.lora_A
    torch.testing.assert_close(layer.weight, expected)


def test_only_the_adapter_learns():
    model = add_lora(base(), LoraConfig(2, 8.0, EVERY))
    before = {name: each.detach().clone() for name, each in model.named_parameters()}
    tuner = Tuner(Sft(model, chats(), per_step=8, length=200), TuningConfig(3, 1e-2))
    for _ in range(3):
        tuner.train_step()
    changed = {name for name, each in model.named_parameters() if not torch.equal(each, before[name])}
    assert changed == {name for name in before if "lora_" in name}
    weights = 2 * sum(each.base.in_features + each.base.out_features for each in adapters(model).values())
    assert sum(each.numel() for each in tuner.weights.values()) == weights


@pytest.mark.parametrize("layers", [LAYERS, EVERY], ids=["inside", "every"])
@torch.no_grad()
def test_peft_loads_it(tmp_path, layers):
    untied = {"tie_word_embeddings": False}
    model = trained(LoraConfig(4, 12.0, layers), **untied)
    hub.save(tmp_path / "base", base(**untied), tokenizer())
    save_adapter(tmp_path / "adapter", model, LoraConfig(4, 12.0, layers), str(tmp_path / "base"), "", write)
    theirs = peft.PeftModel.from_pretrained(LlamaForCausalLM.from_pretrained(tmp_path / "base"), tmp_path / "adapter")
    torch.testing.assert_close(theirs(IDS_BT).logits, model(IDS_BT), atol=1e-4, rtol=0)
    merged = theirs.merge_and_unload()
    torch.testing.assert_close(merged(IDS_BT).logits, model(IDS_BT), atol=1e-4, rtol=0)


@torch.no_grad()
def test_one_that_peft_made_loads_here(tmp_path):
    hub.save(tmp_path / "base", base(), tokenizer())
    config = peft.LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj", "down_proj"], init_lora_weights=False)
    theirs = peft.get_peft_model(LlamaForCausalLM.from_pretrained(tmp_path / "base"), config)
    theirs.save_pretrained(tmp_path / "adapter")
    ours = load_adapter(hub.load(tmp_path / "base")[0], tmp_path / "adapter")
    torch.testing.assert_close(ours(IDS_BT), theirs(IDS_BT).logits, atol=1e-4, rtol=0)


@pytest.fixture
def adapter(tmp_path):
    model = trained(LoraConfig(4, 8.0))
    save_adapter(tmp_path, model, LoraConfig(4, 8.0), "base", fingerprint(base()), write)
    return tmp_path


@torch.no_grad()
def test_there_and_back(adapter):
    torch.testing.assert_close(load_adapter(base(), adapter)(IDS_BT), trained(LoraConfig(4, 8.0))(IDS_BT))


def test_an_adapter_for_another_base_is_refused(adapter):
    with pytest.raises(Problem, match="for another base"):
        load_adapter(base(seed=1), adapter)
    file = adapter / "adapter_model.safetensors"
    save_file(load_file(file), file)  # without the fingerprint, as peft writes it
    with pytest.raises(Problem, match=r"of shape .* the base model needs"):
        load_adapter(base(hidden_size=64), adapter)
    with pytest.raises(Problem, match="belongs to no layer"):
        load_adapter(base(num_hidden_layers=1), adapter)
    with pytest.raises(Problem, match="is missing"):
        load_adapter(base(num_hidden_layers=3), adapter)


def test_damaged_adapters_are_refused(adapter):
    config, weights = adapter / "adapter_config.json", adapter / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(Problem, match="cut short or damaged"):
        load_adapter(base(), adapter)
    for content in ("{", "[]", "{}", json.dumps({"peft_type": "IA3", "r": 1, "lora_alpha": 1, "target_modules": []})):
        config.write_text(content, "utf-8")
        with pytest.raises(Problem, match="not a LoRA adapter"):
            load_adapter(base(), adapter)
    config.unlink()
    with pytest.raises(Problem, match="can't be read"):
        load_adapter(base(), adapter)
    with pytest.raises(Problem, match="no linear layer is called"):
        add_lora(base(), LoraConfig(layers=("query",)))
    for wrong in ({"rank": 0}, {"alpha": 0.0}, {"alpha": float("nan")}):
        with pytest.raises(Problem, match="must be"):
            LoraConfig(**wrong)
