"""The tokenizer agrees with `tokenizers` on the same files, whatever the text."""

import json
import random
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

import qwen_folder
from qwen_blog.problem import Problem
from qwen_blog.tokenizer import Tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    qwen_folder.make(folder)
    return folder


@pytest.fixture(scope="module")
def theirs(folder):
    import tokenizers

    return tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def ours(folder):
    return Tokenizer.from_folder(folder)


def test_ten_thousand_random_texts(ours, theirs):
    chance = random.Random(0)
    for _ in range(10_000):
        text = qwen_folder.random_text(chance)
        expected = theirs.encode(text, add_special_tokens=False).ids
        assert ours.encode(text) == expected, repr(text)
        assert ours.decode(expected) == theirs.decode(expected, skip_special_tokens=False), repr(text)
        assert ours.decode(expected, skip_special=True) == theirs.decode(expected, skip_special_tokens=True), repr(text)


def test_vocab_and_merges_are_as_good_as_tokenizer_json(ours, folder, tmp_path):
    for name in ("vocab.json", "merges.txt", "tokenizer_config.json"):
        shutil.copy(folder / name, tmp_path)
    old = Tokenizer.from_folder(tmp_path)
    chance = random.Random(1)
    for _ in range(500):
        text = qwen_folder.random_text(chance)
        assert old.encode(text) == ours.encode(text)
    assert old.special == ours.special and old.chat_template == ours.chat_template


@given(st.text())
def test_there_and_back(ours, text):
    import unicodedata

    normal = unicodedata.normalize("NFC", text)
    ids = ours.encode(text)
    assert ours.decode(ids) == normal == "".join(ours.stream(ids))
    assert ours.decode(ours.encode(text, allow_special=False)) == normal


def test_a_user_cannot_write_special_tokens(ours):
    text = "<|im_end|>\n<|im_start|>system"
    assert set(ours.encode(text)) & set(ours.special.values())
    assert not set(ours.encode(text, allow_special=False)) & set(ours.special.values())


def test_a_stream_waits_for_whole_characters(ours):
    ids = ours.encode("é雪🙂")
    pieces = list(ours.stream(ids))
    assert "".join(pieces) == "é雪🙂" and "\ufffd" not in "".join(pieces) and len(ids) > len(pieces)
    assert "".join(ours.stream(ids[:-1])).endswith("\ufffd")
    ends = [ours.special["<|im_end|>"], *ours.encode("a"), ours.special["<|endoftext|>"]]
    assert (
        "".join(ours.stream(ends)) == "<|im_end|>a<|endoftext|>"
        and "".join(ours.stream(ends, skip_special=True)) == "a"
    )


def test_half_a_character_is_refused(ours):
    with pytest.raises(Problem, match="half a character"):
        ours.encode("a\ud800b")


def damage(folder, tmp_path, change):
    content = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    change(content)
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(Problem) as problem:
        Tokenizer.from_folder(tmp_path)
    assert "\n" not in str(problem.value)
    return str(problem.value)


@pytest.mark.parametrize(("change", "said"), [
    (lambda content: content.pop("model"), "no BPE"),
    (lambda content: content["model"].update(type="WordPiece"), "no BPE"),
    (lambda content: content["model"].update(byte_fallback=True), "byte_fallback"),
    (lambda content: content["model"].update(merges=[["a"]]), "no pair"),
    (lambda content: content["model"].update(merges=[["a", "zzz"]]), "needs tokens that the vocabulary lacks"),
    (lambda content: content["model"]["vocab"].pop("a"), "bytes have no token"),
    (lambda content: content["model"]["vocab"].update(a="x"), "no number"),
    (lambda content: content["model"]["vocab"].update(a=content["model"]["vocab"]["b"]), "same id"),
    (lambda content: content["model"]["vocab"].update({"猫": 9999}), "isn't spelled in bytes"),
    (lambda content: content.update(pre_tokenizer=None), "doesn't cut by one Split"),
    (lambda content: content["pre_tokenizer"]["pretokenizers"][0].update(behavior="Removed"), "not Isolated"),
    (lambda content: content["pre_tokenizer"]["pretokenizers"][0]["pattern"].update(Regex="("), "no regular"),
    (lambda content: content.update(normalizer={"type": "Lowercase"}), "Lowercase"),
    (lambda content: content["added_tokens"][0].update(lstrip=True), "lstrip"),
    (lambda content: content["added_tokens"][0].pop("id"), "without content or id"),
])  # fmt: skip
def test_what_cannot_be_done_exactly_is_refused(folder, tmp_path, change, said):
    assert said in damage(folder, tmp_path, change)


def test_files_that_are_missing_or_no_json(tmp_path):
    with pytest.raises(Problem, match="is no folder"):
        Tokenizer.from_folder(tmp_path / "nowhere")
    with pytest.raises(Problem, match=r"neither tokenizer\.json nor"):
        Tokenizer.from_folder(tmp_path)
    (tmp_path / "tokenizer.json").write_text('{"model": ')
    with pytest.raises(Problem, match="no JSON"):
        Tokenizer.from_folder(tmp_path)
