"""Our logits are those of `transformers`, whose folders we load and which loads ours."""

import json
from typing import Any

import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

from qwen_blog import hub
from qwen_blog.attention import attend
from qwen_blog.linear import Linear, written_out
from qwen_blog.model import Qwen, use_attention
from reference import KINDS, SMALL, assert_close, pair, random_ids, theirs


@pytest.fixture(scope="module", params=KINDS)
def both(request, tmp_path_factory):
    return pair(request.param, tmp_path_factory.mktemp("model"))


@torch.inference_mode()
@pytest.mark.parametrize("written_out", [False, True])
def test_logits(both, written_out):
    reference, ours = both
    ids = random_ids(length=23)
    if written_out:
        use_attention(ours, attend)
    assert_close(ours(ids), reference(ids).logits)


@torch.inference_mode()
@pytest.mark.parametrize("side", ["left", "right"])
def test_padded_batches(both, side):
    reference, ours = both
    ids, mask = random_ids(rows=3, length=14), torch.ones(3, 14, dtype=torch.long)
    for row, padding in enumerate((0, 3, 9)):
        mask[row, slice(padding) if side == "left" else slice(14 - padding, None)] = 0
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    expected = reference(ids, attention_mask=mask, position_ids=positions).logits
    assert_close(ours(ids, mask)[mask.bool()], expected[mask.bool()])
    assert ours(ids, mask).isfinite().all()


@torch.inference_mode()
def test_cache_or_none_and_pieces_of_any_size(both):
    reference, ours = both
    ids = random_ids(length=19)
    whole = reference(ids).logits
    cache = ours.new_cache(2, 19)
    pieces = [ours(piece, cache=cache) for piece in ids.split([5, 1, 1, 7, 5], dim=1)]
    assert_close(torch.cat(pieces, 1), whole)


@torch.inference_mode()
def test_a_padded_batch_goes_on_from_its_cache(both):
    _, ours = both
    ids, mask = random_ids(rows=2, length=12), torch.ones(2, 12, dtype=torch.long)
    mask[1, :4] = 0
    whole = ours(ids, mask)
    cache = ours.new_cache(2, 12)
    first = ours(ids[:, :7], mask[:, :7], cache=cache)
    rest = [ours(ids[:, t : t + 1], cache=cache) for t in range(7, 12)]
    assert_close(torch.cat([first, *rest], 1)[mask.bool()], whole[mask.bool()])


@torch.inference_mode()
def test_packed_documents_are_as_if_alone(both):
    _, ours = both
    ids = random_ids(rows=1, length=15)
    documents = torch.tensor([[1] * 6 + [2] * 8 + [0]])
    packed = ours(ids, documents=documents)
    assert_close(packed[:, :6], ours(ids[:, :6]))
    assert_close(packed[:, 6:14], ours(ids[:, 6:14]))


@torch.inference_mode()
def test_what_we_save_transformers_loads(both, tmp_path):
    reference, ours = both
    hub.save(tmp_path, ours)
    load: Any = transformers.AutoModelForCausalLM.from_pretrained
    again, info = load(tmp_path, output_loading_info=True)
    assert not any(info[name] for name in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert type(again) is type(reference)
    ids = random_ids()
    assert_close(again.eval()(ids).logits, reference(ids).logits)
    assert hub.load(tmp_path)[0].config == ours.config


@torch.inference_mode()
@pytest.mark.parametrize("kind", ["qwen2", "qwen3", "qwen2-moe", "qwen3-moe"])
@pytest.mark.parametrize("head", ["ForSequenceClassification", "ForTokenClassification"])
def test_classifiers(kind, head, tmp_path):
    reference, ours = pair(kind, tmp_path / "theirs", head, num_labels=5, pad_token_id=0)
    ids = random_ids(rows=3, length=9) % 96 + 1
    ids[1, 6:] = 0
    mask = (ids != 0).long()
    expected, got = reference(ids, attention_mask=mask).logits, ours(ids, mask)
    if head == "ForTokenClassification":
        expected, got = expected[mask.bool()], got[mask.bool()]
    assert_close(got, expected)
    hub.save(tmp_path / "ours", ours)
    again = getattr(transformers, f"AutoModel{head}").from_pretrained(tmp_path / "ours").eval()
    got = again(ids, attention_mask=mask).logits
    assert_close(got[mask.bool()] if head == "ForTokenClassification" else got, expected)


@torch.inference_mode()
@given(
    kind=st.sampled_from(["Qwen2", "Qwen3"]), groups=st.sampled_from([1, 2, 3, 6]), half=st.integers(1, 9),
    layers=st.integers(1, 3), window=st.none() | st.integers(1, 30), from_layer=st.integers(0, 3),
    theta=st.sampled_from([100.0, 1e4, 1e6]), factor=st.none() | st.sampled_from([2.0, 7.5]), seed=st.integers(0, 99),
)  # fmt: skip
def test_any_shape(kind, groups, half, layers, window, from_layer, theta, factor, seed):
    """Through the configuration that `transformers` would write, and its state dict, name by name."""
    from qwen_blog.config import from_content

    size = {"head_dim": 2 * half} if kind == "Qwen3" else {}
    rope = {"rope_type": "default", "rope_theta": theta}
    if factor:
        rope = {"rope_type": "yarn", "rope_theta": theta, "factor": factor, "original_max_position_embeddings": 20}
    config = getattr(transformers, f"{kind}Config")(**(SMALL | size | {
        "hidden_size": 12 * half, "num_attention_heads": 6, "num_key_value_heads": groups, "num_hidden_layers": layers,
        "use_sliding_window": window is not None, "sliding_window": window, "max_window_layers": from_layer,
        "rope_parameters": rope, "vocab_size": 31,
    }))  # fmt: skip
    torch.manual_seed(seed)
    reference = getattr(transformers, f"{kind}ForCausalLM")(config).eval()
    ours = Qwen(from_content(json.loads(config.to_json_string(use_diff=False)) | {"architectures": None})).eval()
    ours.load_state_dict(reference.state_dict())
    ids = random_ids(rows=1, length=40, seed=seed, vocabulary=31)
    assert_close(ours(ids), reference(ids).logits)


def test_both_spellings_of_the_rope_settings(tmp_path):
    """Version 4 wrote rope_theta and rope_scaling, version 5 rope_parameters."""
    from qwen_blog.config import QwenConfig, from_content

    theirs("qwen2, YaRN").save_pretrained(tmp_path)
    new = json.loads((tmp_path / "config.json").read_text())
    rope = new.pop("rope_parameters")
    old = new | {"rope_theta": rope.pop("rope_theta"), "rope_scaling": {"type": rope.pop("rope_type"), **rope}}
    assert from_content(old) == QwenConfig.from_json(tmp_path / "config.json")
    assert from_content(old).yarn is not None and from_content(old).rope_theta == 10_000
    assert from_content(old | {"rope_scaling": None}).yarn is None


@torch.inference_mode()
def test_one_row_by_the_written_out_product(tmp_path, monkeypatch):
    """What `compile_one_row` compiles, here as it is written; compiling itself takes a C++ compiler."""
    reference, ours = pair("qwen2", tmp_path)
    ids = random_ids(rows=1, length=12)
    used = []

    def product(weight, x):
        used.append(weight)
        return written_out(weight, x)

    monkeypatch.setattr(Linear, "one_row", staticmethod(product))
    cache = ours.new_cache(1, 12)
    assert_close(torch.cat([ours(ids[:, t : t + 1], cache=cache) for t in range(12)], 1), reference(ids).logits)
    assert len(used) == 12 * (3 * 7 + 1)
    half, cache = ours.bfloat16(), ours.bfloat16().new_cache(1, 12)
    one_by_one = torch.cat([half(ids[:, t : t + 1], cache=cache) for t in range(12)], 1)
    assert (one_by_one - half(ids)).abs().max() < 0.05 * half(ids).abs().max()
