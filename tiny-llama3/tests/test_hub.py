"""Folders: ours in transformers, theirs here, Meta's names, and all that can be wrong with a folder."""

import io
import json
import logging
import math
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, LlamaForCausalLM

from test_model import BASE, SCALING, VARIANTS, close, pair
from tiny_llama3 import hub, weight_files
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.official import config_from_params, from_official, to_official
from tiny_llama3.problem import Problem
from tiny_llama3.rope import RopeScaling
from tiny_llama3.tokenizer import Tokenizer

TEXT = "a cat and a dog and a cat sat on a mat; the dog sang, the cat did not. 猫 sat."
IDS_BT = torch.randint(0, 50, (2, 20), generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train([TEXT], 280)  # and 8 special tokens


@pytest.fixture
def ours_folder(tmp_path):
    """A folder that we saved, for tests that damage it."""
    hub.save(tmp_path / "model", pair()[0])
    return tmp_path / "model"


def change(file, **changes):
    """Rewrite some entries of a JSON file; ... removes one."""
    content = json.loads(file.read_text(encoding="utf-8")) | changes
    kept = {name: value for name, value in content.items() if value is not ...}
    file.write_text(json.dumps(kept), encoding="utf-8")


def refused(folder, *words):
    with pytest.raises(Problem) as caught:
        hub.load(folder)
    message = str(caught.value)
    assert "\n" not in message
    for word in (str(folder), *words):
        assert word in message


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
@torch.no_grad()
def test_our_folder_gives_the_same_logits_in_transformers_and_here(tmp_path, changes):
    ours, _ = pair(**changes)
    hub.save(tmp_path, ours)
    wanted = ours(IDS_BT)
    theirs = LlamaForCausalLM.from_pretrained(tmp_path)
    close(theirs(IDS_BT).logits, wanted)
    again, none = hub.load(tmp_path)
    assert none is None
    assert again.config == ours.config
    assert not again.training
    assert torch.equal(again(IDS_BT), wanted)
    tied = changes.get("tie_word_embeddings", False)
    assert ("lm_head.weight" in load_file(tmp_path / "model.safetensors")) is not tied
    assert (again.lm_head.weight is again.model.embed_tokens.weight) is tied


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
@pytest.mark.parametrize("shard", ["1GB", "8KB"])
@torch.no_grad()
def test_their_folder_gives_the_same_logits_here(tmp_path, changes, shard):
    _, theirs = pair(**changes)
    theirs.save_pretrained(tmp_path, max_shard_size=shard)
    assert (tmp_path / "model.safetensors.index.json").exists() is (shard == "8KB")
    ours, _ = hub.load(tmp_path)
    close(ours(IDS_BT), theirs(IDS_BT).logits)


@torch.no_grad()
def test_sixteen_bits_stay_sixteen_bits_unless_another_type_is_asked_for(tmp_path):
    _, theirs = pair(rope_scaling=SCALING)
    theirs.bfloat16().save_pretrained(tmp_path)
    theirs = LlamaForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    rough, _ = hub.load(tmp_path)
    assert {parameter.dtype for parameter in rough.parameters()} == {torch.bfloat16}
    assert rough.frequency_P.dtype == torch.float32  # positions beyond 256 have no bfloat16
    wide, _ = hub.load(tmp_path, dtype=torch.float32)
    assert {parameter.dtype for parameter in wide.parameters()} == {torch.float32}
    close(wide(IDS_BT), theirs(IDS_BT).logits)
    hub.save(tmp_path / "again", rough)
    written = json.loads((tmp_path / "again" / "config.json").read_text(encoding="utf-8"))
    assert written["dtype"] == written["torch_dtype"] == "bfloat16"  # versions 5 and 4 of transformers
    assert LlamaForCausalLM.from_pretrained(tmp_path / "again").dtype == torch.bfloat16


def test_the_device_is_where_all_of_it_goes(ours_folder):
    model, _ = hub.load(ours_folder, device="meta")
    assert {tensor.device.type for tensor in [*model.parameters(), *model.buffers()]} == {"meta"}
    assert hub.load(ours_folder)[0].frequency_P.device.type == "cpu"


@torch.no_grad()
def test_weights_of_several_types_take_the_one_that_holds_all(ours_folder):
    weights = load_file(ours_folder / "model.safetensors")
    mixed = {name: tensor.bfloat16() if "proj" in name else tensor.half() for name, tensor in weights.items()}
    save_file(mixed, ours_folder / "model.safetensors")
    model, _ = hub.load(ours_folder)
    for name, parameter in model.named_parameters():
        assert parameter.dtype == torch.float32
        assert torch.equal(parameter, mixed[name].float())


def test_transformers_takes_both_spellings_of_the_rope_without_a_word(ours_folder, tmp_path):
    hub.save(tmp_path / "scaled", pair(rope_scaling=SCALING, rope_theta=5e5)[0])
    messages = io.StringIO()
    handler = logging.StreamHandler(messages)
    logger = transformers.logging.get_logger("transformers")
    logger.addHandler(handler)
    try:
        plain = LlamaForCausalLM.from_pretrained(ours_folder).config
        scaled = LlamaForCausalLM.from_pretrained(tmp_path / "scaled").config
    finally:
        logger.removeHandler(handler)
    assert messages.getvalue() == ""
    assert plain.rope_parameters == {"rope_type": "default", "rope_theta": 10_000.0}
    assert scaled.rope_parameters == {"rope_type": "llama3", "rope_theta": 5e5} | vars(SCALING)
    for spelling in (["rope_parameters"], ["rope_theta", "rope_scaling"]):
        change(tmp_path / "scaled" / "config.json", **dict.fromkeys(spelling, ...))
        one = transformers.AutoConfig.from_pretrained(tmp_path / "scaled").rope_parameters
        assert one == scaled.rope_parameters
        assert hub.load(tmp_path / "scaled")[0].config.rope_scaling == SCALING
        hub.save(tmp_path / "scaled", pair(rope_scaling=SCALING, rope_theta=5e5)[0])


def test_whole_numbers_are_written_as_version_4_of_transformers_wants_them(tmp_path):
    hub.save(tmp_path, pair(rope_scaling=replace(SCALING, factor=8), rope_theta=500_000)[0])
    written = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    assert written["rope_scaling"] == {"rope_type": "llama3", **LLAMA3}
    numbers = [written["rope_theta"], *(written["rope_scaling"][name] for name in LLAMA3)]
    assert [type(number) for number in numbers] == [float, float, float, float, int]


LLAMA3 = {"factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 16}


@pytest.mark.parametrize(
    ("rope", "theta", "scaling"),
    [
        ({}, 10_000.0, None),
        ({"rope_theta": 500_000}, 500_000.0, None),
        ({"rope_theta": 5e5, "rope_scaling": None}, 5e5, None),
        ({"rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", **LLAMA3}}, 5e5, SCALING),
        ({"rope_theta": 5e5, "rope_scaling": {"type": "llama3", **LLAMA3}}, 5e5, SCALING),
        ({"rope_scaling": {"type": "default"}}, 10_000.0, None),
        ({"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}, 5e5, None),
        ({"rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, **LLAMA3}}, 5e5, SCALING),
        ({"rope_parameters": {"rope_type": "llama3", **LLAMA3}, "rope_theta": 5e5}, 5e5, SCALING),
    ],
)
def test_every_spelling_of_the_rope_is_read_as_by_transformers(ours_folder, rope, theta, scaling):
    change(
        ours_folder / "config.json", **(dict.fromkeys(["rope_theta", "rope_scaling", "rope_parameters"], ...) | rope)
    )
    ours, _ = hub.load(ours_folder)
    assert (ours.config.rope_theta, ours.config.rope_scaling) == (theta, scaling)
    theirs = LlamaForCausalLM.from_pretrained(ours_folder)
    close(ours.frequency_P, theirs.model.rotary_emb.inv_freq, atol=1e-6)


def test_absent_settings_have_the_defaults_of_transformers(ours_folder):
    names = ["num_key_value_heads", "head_dim", "rms_norm_eps", "tie_word_embeddings", "max_position_embeddings",
             "bos_token_id", "pad_token_id", "hidden_act", "attention_bias", "mlp_bias"]  # fmt: skip
    model = Llama(LlamaConfig(**(BASE | {"num_key_value_heads": 4})))
    hub.save(ours_folder, model)
    change(ours_folder / "config.json", **dict.fromkeys(names, ...))
    config = hub.load(ours_folder)[0].config
    theirs = transformers.AutoConfig.from_pretrained(ours_folder)
    for name in names[:5]:
        assert getattr(config, name) == getattr(theirs, name), name
    assert (config.rms_norm_eps, config.max_position_embeddings) == (1e-6, 2048)


def test_ids_of_begin_and_end_are_kept(tmp_path):
    config = LlamaConfig(**BASE, bos_token_id=3, eos_token_id=(4, 7), pad_token_id=5)
    hub.save(tmp_path, Llama(config))
    assert hub.load(tmp_path)[0].config == config
    theirs = LlamaForCausalLM.from_pretrained(tmp_path)
    for holder in (theirs.config, theirs.generation_config):
        assert (holder.bos_token_id, holder.eos_token_id, holder.pad_token_id) == (3, [4, 7], 5)


def test_the_tokenizer_goes_along(tmp_path, tokenizer):
    model = Llama(LlamaConfig(**(BASE | {"vocab_size": len(tokenizer)})))
    hub.save(tmp_path, model, tokenizer)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    again, ours = hub.load(tmp_path)
    assert ours is not None
    for text in (TEXT, "", " 123  new\r\nwords 😀", "naïve<|end_of_text|>"):
        assert ours.encode(text, allowed_special="all") == theirs.encode(text, add_special_tokens=False)
    assert ours.encode("<|end_of_text|>") == tokenizer.encode("<|end_of_text|>") != [tokenizer.eos_id]
    ids = (tokenizer.bos_id, tokenizer.eos_id, tokenizer.pad_id)
    assert ids == (theirs.bos_token_id, theirs.eos_token_id, theirs.pad_token_id) == (280, 281, 282)
    assert theirs.model_max_length == 64
    # the model had no ids, so the folder has those of the tokenizer
    assert (again.config.bos_token_id, again.config.eos_token_id, again.config.pad_token_id) == ids
    assert LlamaForCausalLM.from_pretrained(tmp_path).generation_config.eos_token_id == tokenizer.eos_id
    own = replace(model.config, bos_token_id=4, eos_token_id=5, pad_token_id=6)
    hub.save(tmp_path, Llama(own), tokenizer)
    assert hub.load(tmp_path)[0].config == own


def test_a_tokenizer_may_be_smaller_than_the_model_not_larger(tmp_path, tokenizer):
    larger = Llama(LlamaConfig(**(BASE | {"vocab_size": len(tokenizer) + 5})))
    hub.save(tmp_path, larger, tokenizer)
    found = hub.load(tmp_path)[1]
    assert found is not None
    assert len(found) == 288
    with pytest.raises(Problem, match="the tokenizer has 288 tokens, the model's vocab_size is only 50"):
        hub.save(tmp_path / "new", pair()[0], tokenizer)
    assert not (tmp_path / "new").exists()
    hub.save(tmp_path, pair()[0])
    refused(tmp_path, "the tokenizer has 288 tokens, the model's vocab_size is only 50")


def test_a_tokenizer_of_sentencepiece_is_refused_by_name(ours_folder):
    (ours_folder / "tokenizer.model").write_bytes(b"\n\x0e\n\x05<unk>\x15\x00\x00\x00\x00\x18\x02\n\x07\n\x03<s>")
    refused(ours_folder, "tokenizer.model", "SentencePiece")


def test_the_configuration_is_written_last_and_by_the_caller(tmp_path, tokenizer):
    written: dict[Path, bytes] = {}
    hub.save(tmp_path, Llama(LlamaConfig(**(BASE | {"vocab_size": 300}))), tokenizer, written.__setitem__)
    assert [path.name for path in written] == ["tokenizer.json", "tokenizer_config.json", "generation_config.json",
                                               "model.safetensors", "config.json"]  # fmt: skip
    assert {path.parent for path in written} == {tmp_path}
    assert not list(tmp_path.iterdir())
    hub.save(tmp_path, Llama(LlamaConfig(**(BASE | {"vocab_size": 300}))))
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        assert file.metadata() == {"format": "pt"}


@pytest.mark.parametrize("changes", [{}, {"tie_word_embeddings": True}])
def test_each_weight_is_read_once_and_let_go_before_the_next(tmp_path, monkeypatch, changes):
    """A large model needs its own size of memory: shapes come from the meta device, weights one by one."""
    _, theirs = pair(**changes)
    theirs.save_pretrained(tmp_path, max_shard_size="8KB")
    read: list[str] = []
    alive: list[weakref.ref[torch.Tensor]] = []

    def get(file, name):
        assert all(reference() is None for reference in alive), "an earlier weight is still held"
        tensor = file.get_tensor(name)
        read.append(name)
        alive.append(weakref.ref(tensor))
        return tensor

    monkeypatch.setattr(weight_files, "safe_open", watched(get))
    monkeypatch.setattr(torch.nn.init, "normal_", on_meta_only(torch.nn.init.normal_))
    model, _ = hub.load(tmp_path)
    monkeypatch.undo()
    assert alive[-1]() is None
    assert sorted(read) == sorted(name for name, _ in theirs.named_parameters())
    assert not [name for name, tensor in [*model.named_parameters(), *model.named_buffers()] if tensor.is_meta]
    assert all(parameter.requires_grad for parameter in model.parameters())
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    for file in tmp_path.glob("*.safetensors"):
        with open(file, "r+b") as opened:  # the model holds copies: another program may write there
            opened.write(b"\xff" * file.stat().st_size)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def watched(get):
    """safe_open whose files give out their tensors by `get`."""

    class Watched:
        def __init__(self, *args, **options):
            self.context = safe_open(*args, **options)

        def __enter__(self):
            self.file = self.context.__enter__()
            return self

        def __exit__(self, *error):
            return self.context.__exit__(*error)

        def __getattr__(self, name):
            return getattr(self.file, name)

        def get_tensor(self, name):
            return get(self.file, name)

    return Watched


def on_meta_only(initialise):
    def checked(tensor, **options):
        assert tensor.is_meta, "weights are made up that are then thrown away"
        return initialise(tensor, **options)

    return checked


@torch.no_grad()
def test_a_tied_model_may_bring_its_output_layer_if_it_is_the_embedding(tmp_path):
    ours, _ = pair(tie_word_embeddings=True)
    hub.save(tmp_path, ours)
    weights = load_file(tmp_path / "model.safetensors")
    save_file(
        weights | {"lm_head.weight": weights["model.embed_tokens.weight"].clone()}, tmp_path / "model.safetensors"
    )
    assert torch.equal(hub.load(tmp_path)[0](IDS_BT), ours(IDS_BT))
    save_file(weights | {"lm_head.weight": weights["model.embed_tokens.weight"] + 1}, tmp_path / "model.safetensors")
    refused(tmp_path, "tie_word_embeddings is true, but lm_head.weight is not the embedding")


def test_frequencies_in_old_files_are_passed_over(ours_folder):
    weights = load_file(ours_folder / "model.safetensors")
    name = "model.layers.0.self_attn.rotary_emb.inv_freq"
    save_file(weights | {name: torch.zeros(4)}, ours_folder / "model.safetensors")
    close(hub.load(ours_folder)[0].frequency_P, pair()[0].frequency_P, atol=0)


def test_a_missing_folder(tmp_path):
    refused(tmp_path / "nowhere", "is no folder", "nothing is downloaded")
    refused(tmp_path, "has no config.json")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model_type": "mistral"}, ["model_type is 'mistral', only 'llama'"]),
        ({"model_type": ...}, ["model_type is None, only 'llama'"]),
        ({"hidden_act": "gelu"}, ["hidden_act is 'gelu', only 'silu'"]),
        ({"attention_bias": True}, ["attention_bias is True"]),
        ({"mlp_bias": True}, ["mlp_bias is True"]),
        ({"hidden_size": ...}, ["hidden_size is missing"]),
        ({"hidden_size": "32"}, ["hidden_size should be a whole number and is '32'"]),
        ({"num_hidden_layers": True}, ["num_hidden_layers should be a whole number"]),
        ({"num_attention_heads": 5}, ["num_key_value_heads must divide num_attention_heads"]),
        ({"rms_norm_eps": math.nan}, ["rms_norm_eps should be a number above 0"]),
        ({"eos_token_id": [1, "2"]}, ["eos_token_id should be a whole number and is '2'"]),
        ({"tie_word_embeddings": 1}, ["tie_word_embeddings should be true or false"]),
        ({"rope_theta": 5e5}, ["rope_parameters says another thing"]),
        ({"rope_scaling": {"rope_type": "llama3", **LLAMA3}}, ["rope_parameters says another thing"]),
        ({"rope_scaling": {"rope_type": "linear", "factor": 2.0}}, ["of type 'linear'"]),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, ["of type 'dynamic'"]),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 2.0}}, ["of type 'yarn'"]),
        ({"rope_parameters": {"rope_type": "llama3", "factor": 2.0}}, ["low_freq_factor is missing"]),
        ({"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}}, ["partial_rotary_factor 0.5"]),
        ({"rope_parameters": [1]}, ["rope_parameters should be an object"]),
    ],
)
def test_a_configuration_that_cannot_be_read(ours_folder, changes, words):
    change(ours_folder / "config.json", **changes)
    refused(ours_folder, "config.json", *words)


@pytest.mark.parametrize("content", [b"", b'{"model_type": "lla', b"[]", b"\xff\xfe", b"{}{}"])
def test_a_damaged_configuration(ours_folder, content):
    (ours_folder / "config.json").write_bytes(content)
    refused(ours_folder, "config.json")


@pytest.mark.parametrize("keep", [0, 4, 100, 2000, -1])
def test_truncated_weights(ours_folder, keep):
    file = ours_folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    refused(ours_folder, "model.safetensors is cut short or damaged", "copy it again")


def test_weights_that_are_something_else(ours_folder):
    (ours_folder / "model.safetensors").write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n" * 9)
    refused(ours_folder, "model.safetensors is cut short or damaged")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"hidden_size": 64}, ["has shape (50, 32), the configuration asks for (50, 64)"]),
        ({"vocab_size": 51}, ["has shape (50, 32), the configuration asks for (51, 32)"]),
        ({"num_hidden_layers": 3}, ["the weight 'model.layers.2.", "is missing"]),
        ({"num_hidden_layers": 1}, ["the weight 'model.layers.1.", "belongs to no part of this model"]),
    ],
)
def test_a_configuration_that_does_not_fit_the_weights(ours_folder, changes, words):
    change(ours_folder / "config.json", head_dim=8, **changes)
    refused(ours_folder, *words, "configuration")


def test_missing_unknown_and_quantised_weights(ours_folder):
    file = ours_folder / "model.safetensors"
    weights = load_file(file)
    save_file({name: tensor for name, tensor in weights.items() if name != "model.norm.weight"}, file)
    refused(ours_folder, "the weight 'model.norm.weight' is missing")
    save_file(weights | {"model.layers.0.self_attn.q_proj.bias": torch.zeros(32)}, file)
    refused(ours_folder, "the weight 'model.layers.0.self_attn.q_proj.bias' belongs to no part of this model")
    save_file(weights | {"model.norm.weight": torch.zeros(32, dtype=torch.int8)}, file)
    refused(ours_folder, "the weight 'model.norm.weight' is in I8")


def test_nothing_is_read_before_everything_is_checked(ours_folder, monkeypatch):
    file = ours_folder / "model.safetensors"
    save_file(load_file(file) | {"zzz": torch.zeros(1)}, file)
    monkeypatch.setattr(weight_files, "safe_open", watched(lambda file, name: pytest.fail(f"{name} was read")))
    refused(ours_folder, "'zzz' belongs to no part")


def test_an_index_that_names_what_is_not_there(tmp_path):
    pair()[1].save_pretrained(tmp_path, max_shard_size="8KB")
    shard = min(tmp_path.glob("model-*.safetensors"))
    shard.unlink()
    refused(tmp_path, f"index.json names {shard.name}, which isn't there")


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/x.safetensors", "..\\x.safetensors", "C:x.safetensors", "..", "x.bin", 3]
)
def test_an_index_must_not_lead_out_of_the_folder(ours_folder, name):
    shutil.copy(ours_folder / "model.safetensors", ours_folder.parent / "model.safetensors")
    (ours_folder / "model.safetensors").unlink()
    index = {"weight_map": {"model.norm.weight": name}}
    (ours_folder / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    refused(ours_folder, "weight_map names", "no safetensors file of this folder")


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": {}}'])
def test_a_damaged_index(ours_folder, content):
    (ours_folder / "model.safetensors").unlink()
    (ours_folder / "model.safetensors.index.json").write_text(content, encoding="utf-8")
    refused(ours_folder, "model.safetensors.index.json")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model-00001-of-00002.bin", "consolidated.00.pth"])
def test_pickle_is_not_read(ours_folder, name):
    (ours_folder / "model.safetensors").rename(ours_folder / name)
    refused(ours_folder, f"only as pickle ({name})", "convert them to safetensors")


def test_no_weights_at_all(ours_folder):
    (ours_folder / "model.safetensors").unlink()
    refused(ours_folder, "has no model.safetensors")


# Meta's form ---------------------------------------------------------------------------------------------------------


def by_complex_numbers(x_THK, theta):
    """Meta's rotation: neighbours are the two parts of a complex number, turned by multiplying with e^(i angle)."""
    pairs = torch.view_as_complex(x_THK.reshape(*x_THK.shape[:2], -1, 2).contiguous())
    size = x_THK.shape[2]
    frequencies = torch.tensor([theta ** (-2 * i / size) for i in range(size // 2)])
    angles = torch.outer(torch.arange(len(x_THK)).float(), frequencies)
    turned = pairs * torch.polar(torch.ones_like(angles), angles)[:, None]
    return torch.view_as_real(turned).flatten(2)


@pytest.mark.parametrize("changes", [{}, {"head_dim": 6}, {"num_key_value_heads": 1}])
@torch.no_grad()
def test_meta_rotates_neighbours_and_gets_the_same_scores(changes):
    ours, theirs = pair(**changes)
    theirs.set_attn_implementation("eager")
    official = to_official(ours.state_dict(), ours.config)
    ids_T = IDS_BT[0]
    x_TD = official["tok_embeddings.weight"][ids_T]
    x_TD = x_TD / (x_TD.square().mean(-1, keepdim=True) + 1e-5).sqrt() * official["layers.0.attention_norm.weight"]
    k = ours.config.head_dim
    query, key = (
        by_complex_numbers((x_TD @ official[f"layers.0.attention.{name}.weight"].T).view(20, -1, k), 10_000.0)
        for name in ("wq", "wk")
    )
    key = key.repeat_interleave(query.shape[1] // key.shape[1], dim=1)
    scores_HTS = torch.einsum("thk,shk->hts", query, key) / k**0.5
    weights_HTS = (scores_HTS + torch.full((20, 20), -math.inf).triu(1)).softmax(-1)
    close(weights_HTS, theirs(ids_T[None], output_attentions=True).attentions[0][0], atol=1e-5)


@pytest.mark.parametrize("changes", VARIANTS.values(), ids=VARIANTS.keys())
def test_official_names_go_there_and_back(changes):
    ours, _ = pair(**changes)
    weights = ours.state_dict()
    official = to_official(weights, ours.config)
    inside = ["attention.wq", "attention.wk", "attention.wv", "attention.wo", "feed_forward.w1", "feed_forward.w2",
              "feed_forward.w3", "attention_norm", "ffn_norm"]  # fmt: skip
    assert set(official) == {"tok_embeddings.weight", "norm.weight", "output.weight"} | {
        f"layers.{number}.{name}.weight" for number in (0, 1) for name in inside
    }
    assert official["layers.1.feed_forward.w1.weight"] is weights["model.layers.1.mlp.gate_proj.weight"]
    assert official["layers.1.feed_forward.w3.weight"] is weights["model.layers.1.mlp.up_proj.weight"]
    assert not torch.equal(official["layers.0.attention.wq.weight"], weights["model.layers.0.self_attn.q_proj.weight"])
    back = from_official(official, ours.config)
    assert back.keys() == weights.keys()
    assert all(torch.equal(back[name], weights[name]) for name in weights)


@pytest.mark.parametrize(
    "name", ["output.bias", "layers.x.ffn_norm.weight", "layers.0.wq.weight", "model.norm.weight", "layers.0.weight"]
)
def test_unknown_official_names_are_refused(name):
    with pytest.raises(Problem, match="belongs to no part of this model"):
        from_official({name: torch.zeros(1)}, LlamaConfig(**BASE))


LLAMA_3_1_8B = {"dim": 4096, "n_layers": 32, "n_heads": 32, "n_kv_heads": 8, "vocab_size": 128256,
                "ffn_dim_multiplier": 1.3, "multiple_of": 1024, "norm_eps": 1e-05, "rope_theta": 500000.0,
                "use_scaled_rope": True}  # fmt: skip
LLAMA_3_2_1B = LLAMA_3_1_8B | {"dim": 2048, "n_layers": 16, "ffn_dim_multiplier": 1.5, "multiple_of": 256}


def test_params_json_gives_the_published_shapes():
    config = config_from_params(LLAMA_3_1_8B)
    assert (config.intermediate_size, config.head_dim, config.max_position_embeddings) == (14336, 128, 131072)
    assert (config.rope_theta, config.rms_norm_eps, config.rope_scaling) == (5e5, 1e-5, RopeScaling())
    config = config_from_params(LLAMA_3_2_1B)
    assert (config.intermediate_size, config.head_dim) == (8192, 64)
    assert config.rope_scaling == RopeScaling(factor=32.0)
    assert config_from_params(LLAMA_3_2_1B | {"rope_scaling_factor": 4}).rope_scaling == RopeScaling(factor=4.0)
    config = config_from_params(LLAMA_3_1_8B | {"use_scaled_rope": False, "n_kv_heads": None})
    assert (config.rope_scaling, config.max_position_embeddings, config.num_key_value_heads) == (None, 8192, 32)
    assert (
        config_from_params(LLAMA_3_1_8B | {"ffn_dim_multiplier": None, "multiple_of": 256}).intermediate_size == 11008
    )


@torch.no_grad()
def test_a_folder_of_meta(tmp_path, tokenizer):
    ours, theirs = pair(intermediate_size=96, vocab_size=300, max_position_embeddings=8192)
    params = {"dim": 32, "n_layers": 2, "n_heads": 4, "n_kv_heads": 2, "vocab_size": 300, "multiple_of": 32,
              "norm_eps": 1e-5, "rope_theta": 10_000.0}  # fmt: skip
    (tmp_path / "params.json").write_text(json.dumps(params), encoding="utf-8")
    refused(tmp_path, "has no consolidated.safetensors")
    (tmp_path / "consolidated.00.pth").write_bytes(b"PK")
    refused(tmp_path, "only as pickle (consolidated.00.pth)")
    weights = to_official(ours.state_dict(), ours.config) | {"rope.freqs": torch.zeros(4)}
    save_file({name: tensor.contiguous() for name, tensor in weights.items()}, tmp_path / "consolidated.safetensors")
    tokenizer.save(tmp_path)
    model, found = hub.load(tmp_path)
    close(model(IDS_BT), theirs(IDS_BT).logits)
    assert found is not None
    assert model.config.eos_token_id == tokenizer.eos_id
    (tmp_path / "consolidated.safetensors").rename(tmp_path / "consolidated.00.safetensors")
    assert torch.equal(hub.load(tmp_path)[0](IDS_BT), model(IDS_BT))
    shutil.copy(tmp_path / "consolidated.00.safetensors", tmp_path / "consolidated.01.safetensors")
    refused(tmp_path, "has 2 consolidated files")
    (tmp_path / "consolidated.01.safetensors").unlink()
    change(tmp_path / "params.json", moe=8)
    refused(tmp_path, "params.json", "moe is no setting of Llama 3")
    change(tmp_path / "params.json", moe=..., multiple_of=0)
    refused(tmp_path, "params.json", "multiple_of must be 1 or more")
