"""The GPT rung: transformers' GPT-2 gives the same logits and tokens, official folders load, damaged ones say so."""

import json
import unicodedata

import pytest
import safetensors.torch
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import ByteLevelBPETokenizer
from transformers import GPT2Config, GPT2LMHeadModel

from tiny_transformer.foundations.attention import AttentionModel, causal_attention, join_heads, split_heads
from tiny_transformer.foundations.gpt import GPT, GPTConfig, generate
from tiny_transformer.foundations.gpt_bpe import END_OF_TEXT, GPT2Tokenizer, byte_characters
from tiny_transformer.foundations.gpt_load import continue_text, load_gpt2
from tiny_transformer.problem import Problem

CORPUS = [
    "The ladder leans on the wall, and the wall isn't theirs: it's ours. They've 12 ladders, we'll have 1,200.",
    "  two  spaces\tand a tab\n\nand lines \n",
    "Die Straße führt über die Brücke; 狐狸跳过懒狗。 Ладья идёт. naïve café — “quotes” … 😀👍🏽",
] * 4


def peer(n_layer=2, n_head=2, head_size=4, vocab_size=17, n_positions=12, eps=1e-5, seed=0):
    torch.manual_seed(seed)
    config = GPT2Config(
        vocab_size=vocab_size, n_positions=n_positions, n_embd=n_head * head_size, n_layer=n_layer, n_head=n_head,
        layer_norm_epsilon=eps, bos_token_id=0, eos_token_id=0,
    )  # fmt: skip
    model = GPT2LMHeadModel(config).eval()
    with torch.no_grad():  # larger weights than a fresh model's, biases and gains too: nothing may hide in a zero
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.2)
    return model


@pytest.fixture
def folder(tmp_path):
    peer().save_pretrained(tmp_path)
    return tmp_path


def rewrite(folder, change):
    """The folder's tensors, changed: in place, or by those that are returned."""
    path = folder / "model.safetensors"
    tensors = safetensors.torch.load(path.read_bytes())
    tensors = change(tensors) or tensors
    safetensors.torch.save_file({name: tensor.contiguous().clone() for name, tensor in tensors.items()}, path)


def reconfigure(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


@settings(max_examples=12)
@given(
    n_layer=st.integers(1, 3),
    n_head=st.integers(1, 4),
    head_size=st.integers(1, 8),
    eps=st.sampled_from([1e-5, 1e-3]),
    seed=st.integers(0, 99),
)
def test_logits_equal_transformers(tmp_path_factory, n_layer, n_head, head_size, eps, seed):
    theirs = peer(n_layer, n_head, head_size, eps=eps, seed=seed)
    folder = tmp_path_factory.mktemp("gpt2")
    theirs.save_pretrained(folder)
    ids = torch.randint(17, (3, 12))
    with torch.no_grad():
        torch.testing.assert_close(load_gpt2(folder)(ids), theirs(ids).logits, atol=1e-4, rtol=1e-4)


def test_files_of_other_origins_load(folder):
    """The official file has no `transformer.` in front and carries mask buffers; others have a copy of the head."""
    ids = torch.arange(10)[None]
    expected = load_gpt2(folder)(ids)

    def official(tensors):
        tensors = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
        for i in range(2):
            tensors[f"h.{i}.attn.bias"] = torch.ones(1, 1, 12, 12).tril()
            tensors[f"h.{i}.attn.masked_bias"] = torch.tensor(-1e4)
        return tensors | {"lm_head.weight": tensors["wte.weight"]}

    rewrite(folder, official)
    assert torch.equal(load_gpt2(folder)(ids), expected)
    rewrite(folder, lambda tensors: {f"transformer.{name}": tensor for name, tensor in tensors.items()})
    rewrite(folder, lambda tensors: {name.replace("transformer.lm_", "lm_"): t for name, t in tensors.items()})
    assert torch.equal(load_gpt2(folder)(ids), expected)
    rewrite(folder, lambda tensors: {name: tensor.half() for name, tensor in tensors.items()})
    torch.testing.assert_close(load_gpt2(folder)(ids), expected, atol=0.02, rtol=0.02)


def first(tensors, ending):
    return next(name for name in tensors if name.endswith(ending))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop(first(t, "ln_f.bias")), "lacks ln_f.bias;"),
        (lambda t: [t.pop(first(t, name)) for name in ("ln_f.bias", "wpe.weight")], "lacks ln_f.bias and 1 more"),
        (lambda t: t.update({"h.7.ln_1.weight": torch.ones(8)}), "has unknown h.7.ln_1.weight"),
        (lambda t: t.update({first(t, "wpe.weight"): torch.ones(9, 8)}), r"wpe.weight has shape \(9, 8\)"),
        (lambda t: t.update({"lm_head.weight": torch.ones(17, 8)}), "head is tied"),
    ],
)
def test_files_that_do_not_fit(folder, change, message):
    def in_place(tensors):
        change(tensors)

    rewrite(folder, in_place)
    with pytest.raises(Problem, match=message):
        load_gpt2(folder)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_head": 3}, "n_head must divide n_embd"),
        ({"n_layer": 3}, "lacks h.2"),
        ({"n_layer": "2"}, "n_layer must be a number"),
        ({"n_layer": 0}, "n_layer must be positive"),
        ({"activation_function": "relu"}, "activation_function is 'relu'"),
        ({"model_type": "llama"}, "model_type is 'llama'"),
        ({"n_inner": 7}, "n_inner is 7"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx is True"),
    ],
)
def test_configurations_that_do_not_fit(folder, fields, message):
    reconfigure(folder, **fields)
    with pytest.raises(Problem, match=message):
        load_gpt2(folder)


def test_damaged_folders(folder):
    weights = (folder / "model.safetensors").read_bytes()
    for content in (weights[:100], weights[:-1], b""):
        (folder / "model.safetensors").write_bytes(content)
        with pytest.raises(Problem, match="cut short or damaged"):
            load_gpt2(folder)
    (folder / "model.safetensors").unlink()
    with pytest.raises(Problem, match="model.safetensors is missing"):
        load_gpt2(folder)
    for content in (b"{", b"\xff", b"[]"):
        (folder / "config.json").write_bytes(content)
        with pytest.raises(Problem, match="no JSON"):
            load_gpt2(folder)
    (folder / "config.json").unlink()
    with pytest.raises(Problem, match="config.json is missing"):
        load_gpt2(folder)


@pytest.mark.parametrize(
    "wrong", [{"n_head": 5}, {"vocab_size": 0}, {"dropout": 1.0}, {"n_layer": -1}, {"layer_norm_epsilon": 0}]
)
def test_nonsense_is_refused(wrong):
    with pytest.raises(ValueError, match=str(next(iter(wrong.values())))):
        GPTConfig(**wrong)


def test_too_many_tokens(folder):
    with pytest.raises(ValueError, match=r"12 positions \(got 13 tokens\)"):
        load_gpt2(folder)(torch.zeros(1, 13, dtype=torch.long))


@given(st.integers(1, 9), st.integers(1, 4), st.integers(0, 99))
def test_attention_equals_torch(t, n_heads, seed):
    torch.manual_seed(seed)
    q, k, v = (split_heads(torch.randn(2, t, n_heads * 3), n_heads) for _ in range(3))
    expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(causal_attention(q, k, v), expected, atol=1e-6, rtol=1e-5)
    assert torch.equal(split_heads(join_heads(q), n_heads), q)


def models():
    torch.manual_seed(0)
    return [AttentionModel(9, 8, 1, 16), AttentionModel(9, 8, 4, 16), GPT(GPTConfig(9, 8, 16, 2, 4))]


@pytest.mark.parametrize("model", models(), ids=["1 head", "4 heads", "GPT"])
def test_later_characters_change_nothing_before_them(model):
    ids = torch.randint(9, (1, 8))
    before = model(ids)
    for t in range(8):
        changed = ids.clone()
        changed[0, t] = (ids[0, t] + 1) % 9
        difference = (model(changed) - before).abs().amax(-1)[0]
        assert not difference[:t].any()
        assert difference[t:].min() > 0  # and everything from there on sees it


def test_heads_must_divide():
    with pytest.raises(ValueError, match=r"n_heads must divide d_model \(got 3, 64\)"):
        AttentionModel(9, 8, 3)


def test_greedy_equals_transformers(folder):
    theirs, ids = GPT2LMHeadModel.from_pretrained(folder), torch.tensor([[3, 1, 4], [1, 5, 9]])
    expected = theirs.generate(ids, max_new_tokens=8, do_sample=False, eos_token_id=None, pad_token_id=0)
    assert generate(load_gpt2(folder), ids, 8, 12, temperature=0).tolist() == expected.tolist()


def test_generation_outlives_the_positions(folder):
    """What is out of reach is forgotten: the window's logits decide."""
    model = load_gpt2(folder)
    row = generate(model, torch.tensor([[3, 1, 4]]), 20, 12, temperature=0)
    assert row.shape == (1, 23)
    assert row[0, -1] == model(row[:, -13:-1])[0, -1].argmax()


class Fixed(torch.nn.Module):
    """Always the same logits."""

    def __init__(self, probabilities):
        super().__init__()
        self.logits = torch.tensor(probabilities).log()

    def forward(self, ids):
        return self.logits.expand(*ids.shape, -1)


def test_temperature_and_top_k():
    model, start = Fixed([0.5, 0.3, 0.2]), torch.zeros(4_000, 1, dtype=torch.long)

    def shares(**options):
        drawn = generate(model, start, 1, 8, generator=torch.Generator().manual_seed(0), **options)[:, 1]
        return [round((drawn == i).float().mean().item(), 2) for i in range(3)]

    assert shares() == pytest.approx([0.5, 0.3, 0.2], abs=0.03)
    assert shares(temperature=0.5) == pytest.approx([0.25 / 0.38, 0.09 / 0.38, 0.04 / 0.38], abs=0.03)
    assert shares(top_k=2) == pytest.approx([0.625, 0.375, 0], abs=0.03)
    assert shares(top_k=1) == shares(temperature=0) == [1, 0, 0]
    assert shares(top_k=99) == shares()


def test_generation_stops(folder):
    ids = generate(Fixed([0.9, 0.1]), torch.ones(1, 1, dtype=torch.long), 50, 8, temperature=0, stop=0)
    assert ids.tolist() == [[1, 0]]
    with pytest.raises(ValueError, match="-1"):
        generate(Fixed([1.0]), ids, 1, 8, temperature=-1)
    with pytest.raises(ValueError, match="top_k at least 1"):
        generate(Fixed([1.0]), ids, 1, 8, top_k=0)


@pytest.fixture(scope="module")
def vocabulary(tmp_path_factory):
    """A small GPT-2 vocabulary, trained by the tokenizers library and written as OpenAI wrote it."""
    place = tmp_path_factory.mktemp("bpe")
    theirs = ByteLevelBPETokenizer()
    theirs.train_from_iterator(CORPUS, vocab_size=400, min_frequency=2, special_tokens=[END_OF_TEXT])
    theirs.save_model(str(place))
    theirs = ByteLevelBPETokenizer(str(place / "vocab.json"), str(place / "merges.txt"))
    theirs.add_special_tokens([END_OF_TEXT])
    return place, theirs, GPT2Tokenizer.from_folder(place)


def known(text):
    """Characters that both Unicode tables already know."""
    return all(unicodedata.category(character) not in ("Cn", "Cs", "Co") for character in text)


TEXTS = st.text() | st.text("abthe IT'sverdlm 12\n\t  ,.ßé狐😀" + "\u00a0\u3000\x1c\x85") | st.sampled_from(CORPUS)


@settings(max_examples=200)
@given(TEXTS.filter(known))
def test_tokens_equal_the_tokenizers_library(vocabulary, text):
    _, theirs, ours = vocabulary
    ids = ours.encode(text)
    assert ids == theirs.encode(text).ids
    assert ours.decode(ids) == text


@pytest.mark.parametrize(
    "text", ["I'll", "I'LL they've", "a  b", "a \n b ", " \n", f"one{END_OF_TEXT} two{END_OF_TEXT}"]
)
def test_tokens_at_the_pattern_s_corners(vocabulary, text):
    _, theirs, ours = vocabulary
    assert ours.encode(text) == theirs.encode(text).ids
    assert ours.decode(ours.encode(text)) == text


@given(st.lists(st.integers(0, 399), max_size=12))
def test_any_tokens_decode(vocabulary, ids):
    """Also those that cut a character in two."""
    _, theirs, ours = vocabulary
    ids = [i for i in ids if i in ours.token_of and i != ours.end_of_text]
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)


def test_bytes_have_printable_signs():
    signs = byte_characters()
    assert len(set(signs)) == 256
    assert (signs[ord("a")], signs[ord(" ")], signs[ord("\n")], signs[0xAD]) == ("a", "Ġ", "Ċ", "Ń")


def test_unknown_ids_are_refused(vocabulary):
    with pytest.raises(ValueError, match="9999 is no token"):
        vocabulary[2].decode([9999])


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("vocab.json", None, r"vocab.json is missing"),
        ("merges.txt", None, r"merges.txt is missing"),
        ("vocab.json", b"{", "damaged"),
        ("vocab.json", b"[]", "doesn't map"),
        ("vocab.json", b'{"a": 0}', "lacks '.', and 255 more|lacks .* more"),
        ("merges.txt", b"#version: 0.2\na b c\n", "aren't two symbols"),
        ("merges.txt", b"q \xff\n", "damaged"),
        ("merges.txt", b"#version: 0.2\nq q\n", "lacks 'qq'"),
    ],
)
def test_damaged_vocabularies(vocabulary, tmp_path, name, content, message):
    for file in ("vocab.json", "merges.txt"):
        (tmp_path / file).write_bytes((vocabulary[0] / file).read_bytes())
    if content is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(Problem, match=message):
        GPT2Tokenizer.from_folder(tmp_path)


def test_text_goes_on(vocabulary, tmp_path):
    """The prompt, then what transformers' greedy search gives, too."""
    _, _, tokenizer = vocabulary
    theirs = peer(vocab_size=len(tokenizer.id_of), n_positions=40)
    theirs.save_pretrained(tmp_path)
    model, prompt = load_gpt2(tmp_path), "The ladder"
    ids = tokenizer.encode(prompt)
    expected = theirs.generate(
        torch.tensor([ids]), max_new_tokens=10, do_sample=False, eos_token_id=None, pad_token_id=0
    )
    text = continue_text(model, tokenizer, prompt, 10, temperature=0)
    assert text == prompt + tokenizer.decode(expected[0, len(ids) :].tolist()).split(END_OF_TEXT)[0]
    assert continue_text(model, tokenizer, "", 5, seed=1) == continue_text(model, tokenizer, "", 5, seed=1)
    assert continue_text(model, tokenizer, "", 9, seed=1) != continue_text(model, tokenizer, "", 9, seed=2)


def test_text_needs_a_beginning_and_a_vocabulary_that_fits(vocabulary, folder):
    _, _, tokenizer = vocabulary
    with pytest.raises(Problem, match=r"more tokens than the model \(17\)"):
        continue_text(load_gpt2(folder), tokenizer, "The")
    bare = GPT2Tokenizer({sign: i for i, sign in enumerate(byte_characters())}, [])
    with pytest.raises(Problem, match="give a prompt"):
        continue_text(load_gpt2(folder), bare, "")
