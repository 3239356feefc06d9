"""Folders: loaded whole, in shards, in bf16, layer by layer; and every way to be damaged ends in one clear line."""

import contextlib
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest
import safetensors.torch
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

import qwen_folder
from qwen_blog import hub
from qwen_blog.problem import Problem
from qwen_blog.safetensors_file import read_header, read_tensor, to_bytes
from reference import KINDS, pair, random_ids, theirs

TRACK = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    made = qwen_folder.make(folder)
    theirs("qwen2", vocab_size=made.get_vocab_size()).save_pretrained(folder)
    return folder


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def refused(folder):
    with pytest.raises(Problem) as problem:
        hub.load(folder)
    assert "\n" not in str(problem.value)
    return str(problem.value)


def change(file, **changes):
    content = json.loads(file.read_text())
    content |= changes
    file.write_text(json.dumps({name: value for name, value in content.items() if value is not ...}))


def test_model_and_tokenizer(folder):
    model, tokenizer = hub.load(folder)
    assert tokenizer is not None and len(tokenizer) == model.config.vocab_size and not model.training
    (without := folder.parent / "without").mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(folder / name, without)
    assert hub.load(without)[1] is None


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["qwen2", "qwen2, tied", "qwen3-moe"])
def test_shards_and_bf16(kind, tmp_path):
    theirs(kind).bfloat16().save_pretrained(tmp_path, max_shard_size="20KB")
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, attn_implementation="eager"
    )
    assert len(list(tmp_path.glob("*.safetensors"))) > 1
    ours, _ = hub.load(tmp_path)
    assert ours.lm_head.weight.dtype == torch.bfloat16
    wide, _ = hub.load(tmp_path, dtype=torch.float32)
    ids = random_ids()
    torch.testing.assert_close(wide(ids), reference(ids).logits, atol=1e-4, rtol=0)


@torch.inference_mode()
@pytest.mark.parametrize("kind", KINDS)
def test_low_memory_gives_the_same_and_holds_nothing(kind, tmp_path):
    _, ours = pair(kind, tmp_path)
    opened, _ = hub.load(tmp_path, low_memory=True)
    ids = random_ids()
    for _ in range(2):
        torch.testing.assert_close(opened(ids), ours(ids), atol=1e-5, rtol=0)
    held = [parameter for parameter in opened.parameters() if not parameter.is_meta]
    assert len(held) == 1  # the last norm
    cache = opened.new_cache(2, 11)
    pieces = [opened(piece, cache=cache) for piece in ids.split([6, 5], 1)]
    torch.testing.assert_close(torch.cat(pieces, 1), ours(ids), atol=1e-4, rtol=0)


@pytest.mark.parametrize(("low_memory", "most"), [(False, 1.1), (True, 0.35)])
def test_memory_of_loading(low_memory, most, tmp_path):
    """Peak resident memory of a process that loads, beyond what it had before, in sizes of the weights."""
    model = theirs("qwen2", hidden_size=512, intermediate_size=2048, num_hidden_layers=12, vocab_size=16_000)
    model.save_pretrained(tmp_path)
    del model
    code = (
        "import resource, sys, torch\n"
        "from qwen_blog import hub\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"model, _ = hub.load({str(tmp_path)!r}, low_memory={low_memory})\n"
        "with torch.inference_mode(): model(torch.tensor([[1, 2, 3]]), last=True)\n"
        "print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TRACK)
    assert int(out.stdout) < most * (tmp_path / "model.safetensors").stat().st_size + 40e6  # 40 MB: libraries


def test_a_folder_that_is_missing_or_empty(tmp_path):
    assert "is no folder" in refused(tmp_path / "nowhere")
    assert "has no config.json" in refused(tmp_path)


@pytest.mark.parametrize(("changes", "said"), [
    ({"model_type": "llama"}, "model_type is 'llama'; only qwen2"),
    ({"architectures": ["Qwen2ForQuestionAnswering"]}, "architecture is 'Qwen2ForQuestionAnswering'"),
    ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
    ({"hidden_size": ...}, "hidden_size is missing"),
    ({"hidden_size": "32"}, "should be a whole number"),
    ({"num_key_value_heads": 3}, "must divide num_attention_heads"),
    ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 1e4, "factor": 2.0}}, "llama3"),
    ({"intermediate_size": 64}, "the configuration asks for (32, 64)"),
    ({"num_hidden_layers": 4, "layer_types": None}, "'model.layers.3"),
    ({"num_hidden_layers": 2, "layer_types": None}, "belongs to no part of this model"),
    ({"vocab_size": 10}, "tokens, the model's vocab_size is only 10"),
    ({"tie_word_embeddings": True}, None),
])  # fmt: skip
def test_configurations_that_do_not_fit(copy, changes, said):
    change(copy / "config.json", **changes)
    if said is None:
        hub.load(copy)
    else:
        assert said in refused(copy)


def test_a_config_that_is_no_json(copy):
    (copy / "config.json").write_text('{"model_type": "qwen2"')
    assert "no JSON" in refused(copy)


def test_weights_that_are_missing(copy):
    weights = safetensors.torch.load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    assert "no model.safetensors and no model.safetensors.index.json" in refused(copy)
    (copy / "pytorch_model.bin").write_bytes(b"x")
    assert "pickle" in refused(copy)
    del weights["model.layers.1.mlp.up_proj.weight"]
    safetensors.torch.save_file(weights, copy / "model.safetensors")
    assert "'model.layers.1.mlp.up_proj.weight' is missing" in refused(copy)


def test_a_shard_that_is_missing_or_leads_elsewhere(tmp_path):
    theirs("qwen2").save_pretrained(tmp_path, max_shard_size="20KB")
    shard = sorted(tmp_path.glob("model-*.safetensors"))[0]
    shard.rename(tmp_path / "away")
    assert f"names {shard.name}, which isn't there" in refused(tmp_path)
    index = tmp_path / "model.safetensors.index.json"
    change(index, weight_map={"a": "../../etc/x.safetensors"})
    assert "no file of this folder" in refused(tmp_path)
    index.write_text("[]")
    assert "is damaged" in refused(tmp_path)


@given(cut=st.integers(0, 4000), at=st.integers(0, 3000), byte=st.integers(0, 255))
def test_a_damaged_file_never_ends_in_a_traceback(folder, tmp_path_factory, cut, at, byte):
    """Cut short anywhere, or with any byte of the header changed: refused in one line, or still the same weights."""
    whole = (folder / "model.safetensors").read_bytes()
    place = tmp_path_factory.mktemp("damaged")
    shutil.copy(folder / "config.json", place)
    (place / "model.safetensors").write_bytes(whole[: len(whole) - 1 - cut])
    assert "copy" in refused(place)
    (place / "model.safetensors").write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
    with contextlib.suppress(Problem):
        hub.load(place)  # whatever else it raises fails the test


def test_headers_that_lie(copy):
    file = copy / "model.safetensors"
    whole = file.read_bytes()
    file.write_bytes(struct.pack("<Q", 1 << 62) + whole[8:])
    assert "cut short or no safetensors file" in refused(copy)
    file.write_bytes(b"")
    assert "cut short" in refused(copy)
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + b"0000")
    assert "don't fill the bytes" in refused(copy)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool])
def test_safetensors_there_and_back(dtype, tmp_path):
    tensors = {
        "b": torch.arange(12).view(3, 4).to(dtype),
        "a": torch.zeros(0, 3).to(dtype),
        "c": torch.ones(1, dtype=dtype),
    }
    file = tmp_path / "x.safetensors"
    file.write_bytes(to_bytes(tensors))
    for name, tensor in safetensors.torch.load_file(file).items():
        torch.testing.assert_close(tensor, tensors[name])
    safetensors.torch.save_file(tensors, file)
    for name, entry in read_header(file).items():
        torch.testing.assert_close(read_tensor(file, entry), tensors[name])
        torch.testing.assert_close(read_tensor(file, entry, slice(0, 1)), tensors[name][0:1])


def test_a_quantised_weight_is_named(copy):
    weights = safetensors.torch.load_file(copy / "model.safetensors")
    weights["model.norm.weight"] = weights["model.norm.weight"].to(torch.int8)
    safetensors.torch.save_file(weights, copy / "model.safetensors")
    assert "isn't quantised" in refused(copy)
