"""A tokenizer.json counts for the chunker: its offsets, its limits, its name in the passport."""

import hashlib
import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

from tiny_rag.chunker import chunk
from tiny_rag.passages import Chunking
from tiny_rag.tokenizer_file import TokenizerProblem, load

TEXTS = ["The Lantern Stair has 312 steps.", "石阶共三百一十二级。", "naïve café 😀", "Walkers may climb the stair."]


def byte_level():
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=400, special_tokens=["<s>", "[PAD]"], initial_alphabet=alphabet)
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def wordpiece():
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=120, special_tokens=["[UNK]", "<s>", "[PAD]"])
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


@pytest.fixture(scope="module", params=[byte_level, wordpiece])
def file(request, tmp_path_factory):
    """A tokenizer.json with what real ones have, and must not be counted: special tokens, truncation, padding."""
    tokenizer = request.param()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=64, pad_token="[PAD]")
    path = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer.save(str(path))
    return path


def test_starts_are_where_the_tokens_begin(file):
    find_starts, _ = load(file)
    plain = Tokenizer.from_file(str(file))
    plain.no_truncation()
    plain.no_padding()
    for text in TEXTS[:1] + TEXTS[3:]:  # English: no two tokens share a character
        offsets = plain.encode(text, add_special_tokens=False).offsets
        assert find_starts(text).tolist() == [start for start, _ in offsets]
        assert len(offsets) > 4, "longer than the truncation in the file"


TEXT = st.lists(st.sampled_from([*TEXTS, "\n\n", " ", "天", "x" * 30, "\u0301", "\x00", "  "]), max_size=8).map("".join)


@settings(deadline=None)
@given(TEXT)
def test_chunks_are_cut_by_the_tokens_of_the_file(file, text):
    find_starts, _ = load(file)
    starts = find_starts(text)
    assert starts[0] == 0 and (starts[1:] >= starts[:-1]).all() and (starts <= len(text)).all()
    end = 0
    for piece in chunk(text, 12, 3, find_starts=find_starts):
        assert text[piece.start : piece.end] == piece.text
        assert ((starts >= piece.start) & (starts < piece.end)).sum() <= 12
        assert not text[end : piece.start].strip()
        end = piece.end
    assert not text[end:].strip()


def test_the_name_changes_with_the_file(file, tmp_path):
    _, name = load(file)
    data = file.read_bytes()
    assert name == f"tokenizer.json {hashlib.sha256(data).hexdigest()[:12]}"
    other = json.loads(data)
    other["added_tokens"][0]["lstrip"] = True
    (tmp_path / "tokenizer.json").write_text(json.dumps(other), encoding="utf-8")
    assert load(tmp_path / "tokenizer.json")[1] != name
    assert str(Chunking(tokenizer=name)) != str(Chunking())


@pytest.mark.parametrize("content", ["", "{}", "not JSON", '{"model": {"type": "BPE"}}', "[1]"])
def test_another_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "vocab.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(TokenizerProblem, match=r"vocab\.json is no tokenizer\.json .*; name the file"):
        load(path)


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load(tmp_path / "tokenizer.json")


def test_without_the_package_the_error_says_what_to_install(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(TokenizerProblem, match="pip install tokenizers"):
        load(file)
