"""What is saved gives the same ids in `tokenizers`, `transformers` and here; what can't be read is refused."""

import base64
import itertools
import json
import os

import pytest
import tiktoken
from hypothesis import given
from tokenizers import AddedToken as LibraryToken
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizers import Tokenizer as LibraryTokenizer
from transformers import AutoTokenizer, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import TikTokenConverter

from random_texts import SENTENCES, assigned_text, random_texts, untrained_twin
from tiny_llama3.added_tokens import AddedToken
from tiny_llama3.pretokenize import LLAMA3_PATTERN, PreTokenizer
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import SPECIAL, Tokenizer
from tiny_llama3.tokenizer_files import find_tokenizer, from_ranks, llama31_special_tokens, tokenizer_config
from tiny_llama3.tokenizer_json import from_json, to_json

CORPUS = [*SENTENCES, *random_texts(300, seed=10)]
TOK = Tokenizer.train(CORPUS, 1200)
TEXTS = [*SENTENCES, "", " ", "<|eot_id|>x<|begin_of_text|>", *random_texts(400, seed=11)]


def same(ours, theirs, texts=TEXTS):
    """Equal ids in `tokenizers`, where names of special tokens are once ordinary text and once found."""
    for as_text in (True, False):
        theirs.encode_special_tokens = as_text
        for text in texts:
            ids = ours.encode(text, allowed_special=() if as_text else "all")
            assert ids == theirs.encode(text, add_special_tokens=False).ids, text
    ids = [id for id in range(len(ours)) if theirs.id_to_token(id) is not None]
    assert ours.decode(ids) == theirs.decode(ids, skip_special_tokens=False)
    assert ours.decode(ids, skip_special=True) == theirs.decode(ids)


def same_tokenizer(first, second):
    for name in ("vocab", "merges", "special", "ignore_merges", "bos_id", "eos_id", "pad_id", "eot_id"):
        assert getattr(first, name) == getattr(second, name), name
    assert first.added.all == second.added.all and len(first) == len(second)
    for name in ("patterns", "add_prefix_space", "normal_form"):
        assert getattr(first.pre_tokenizer, name) == getattr(second.pre_tokenizer, name), name


# Saving


def test_saved_and_loaded_is_the_same(tmp_path):
    TOK.save(tmp_path / "new" / "folder")
    assert os.listdir(tmp_path / "new" / "folder") == ["tokenizer.json"]  # no temporary file is left
    TOK.save(str(tmp_path / "named.json"))
    for path in (
        tmp_path / "new" / "folder",
        tmp_path / "new" / "folder" / "tokenizer.json",
        str(tmp_path / "named.json"),
    ):
        same_tokenizer(Tokenizer.load(path), TOK)
    assert to_json(from_json(to_json(TOK))) == to_json(TOK)


def test_saved_files_load_in_the_library(tmp_path):
    TOK.save(tmp_path)
    same(TOK, LibraryTokenizer.from_file(str(tmp_path / "tokenizer.json")))


def test_saving_replaces_whole_files_or_nothing(tmp_path, monkeypatch):
    TOK.save(tmp_path)
    before = (tmp_path / "tokenizer.json").read_bytes()
    monkeypatch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        Tokenizer.train(["a"], 256).save(tmp_path)
    assert os.listdir(tmp_path) == ["tokenizer.json"] and (tmp_path / "tokenizer.json").read_bytes() == before


def test_the_caller_may_write_the_bytes(tmp_path):
    written = {}
    TOK.save(tmp_path, write=lambda path, data: written.update({path: data}))
    assert written == {tmp_path / "tokenizer.json": to_json(TOK)} and not os.listdir(tmp_path)


@given(assigned_text())
def test_a_saved_file_gives_the_librarys_ids(text):
    assert TOK.encode(text) == SAVED.encode(text).ids


SAVED = LibraryTokenizer.from_str(to_json(TOK).decode())
SAVED.encode_special_tokens = True


def test_transformers_loads_what_is_saved(tmp_path):
    TOK.save(tmp_path)
    fast = PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "tokenizer.json"))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(tokenizer_config(TOK, 512)), encoding="utf-8")
    (tmp_path / "config.json").write_text('{"model_type": "llama"}', encoding="utf-8")
    auto = AutoTokenizer.from_pretrained(tmp_path)
    assert (auto.bos_token_id, auto.eos_token_id, auto.pad_token_id) == (TOK.bos_id, TOK.eos_id, TOK.pad_id)
    assert auto.model_max_length == 512
    for theirs in (fast, auto):
        assert len(theirs) == len(TOK)
        for text in TEXTS:
            ids = TOK.encode(text, allowed_special="all")
            assert theirs(text).input_ids == ids
            assert theirs.decode(ids) == TOK.decode(ids)


def test_tokenizer_config():
    assert tokenizer_config(TOK, 2048) == {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "bos_token": "<|begin_of_text|>",
        "eos_token": "<|end_of_text|>",
        "pad_token": "<|finetune_right_pad_id|>",
        "model_max_length": 2048,
        "clean_up_tokenization_spaces": False,
    }
    bare = Tokenizer({b"a": 0}, {})
    assert set(tokenizer_config(bare, 1)) == {"tokenizer_class", "model_max_length", "clean_up_tokenization_spaces"}


def test_the_folders_tokenizer_config_names_bos_eos_and_pad(tmp_path):
    TOK.save(tmp_path)
    config = tmp_path / "tokenizer_config.json"
    config.write_text(
        json.dumps({"bos_token": {"content": "<|eom_id|>"}, "eos_token": "<|eot_id|>", "pad_token": None}),
        encoding="utf-8",
    )
    loaded = Tokenizer.load(tmp_path)
    assert loaded.bos_id == TOK.special["<|eom_id|>"] and loaded.eos_id == loaded.eot_id == TOK.eot_id
    assert loaded.pad_id == TOK.pad_id
    config.write_text(json.dumps({"bos_token": "<s>"}), encoding="utf-8")
    assert Tokenizer.load(tmp_path).bos_id is None
    config.write_text("{", encoding="utf-8")
    with pytest.raises(Problem, match=r"tokenizer_config\.json: this isn't JSON"):
        Tokenizer.load(tmp_path)


# Rank files


def rank_file(vocab):
    lines = (
        base64.b64encode(token) + b" %d\n" % rank for token, rank in sorted(vocab.items(), key=lambda item: item[1])
    )
    return b"".join(lines)


# tokens that no merges lead to: 猫狗 isn't made of two tokens, and "zq" comes before what "zqx" could be made of
UNREACHED = {**TOK.vocab, "猫狗鸟".encode(): 1200, b"zqxj": 1201, b"zq": 1202, b" zq": 1203, b"ingredients": 1204}


@pytest.mark.parametrize("vocab", [TOK.vocab, UNREACHED], ids=["trained", "unreached"])
def test_a_rank_file_gives_the_ids_of_tiktoken_and_so_does_its_tokenizer_json(vocab, tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(rank_file(vocab))
    ours = Tokenizer.load(tmp_path)
    theirs = tiktoken.Encoding("twin", pat_str=LLAMA3_PATTERN, mergeable_ranks=vocab, special_tokens=ours.special)
    assert ours.special == {name: len(vocab) + number for number, name in enumerate(SPECIAL)}
    texts = [*TEXTS, "猫狗鸟 zq zqx zqxj ingredients, zq", "猫狗鸟", "ingredient zqxjzqxj"]
    for text in texts:
        assert ours.encode(text) == theirs.encode_ordinary(text)
        assert ours.encode(text, allowed_special="all") == theirs.encode(text, allowed_special="all")
    ours.save(tmp_path / "converted")
    same(ours, LibraryTokenizer.from_file(str(tmp_path / "converted" / "tokenizer.json")), texts)
    again = Tokenizer.load(tmp_path / "converted")
    same_tokenizer(again, ours)
    assert [again.encode(text) for text in texts] == [ours.encode(text) for text in texts]


def test_the_merges_of_a_rank_file_are_those_that_transformers_derives(tmp_path, monkeypatch):
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")  # it would keep a copy elsewhere
    (tmp_path / "tokenizer.model").write_bytes(rank_file(UNREACHED))
    vocab, merges = TikTokenConverter().extract_vocab_merges_from_model(str(tmp_path / "tokenizer.model"))
    model = json.loads(to_json(Tokenizer.load(tmp_path)))["model"]
    assert model["vocab"] == vocab and model["ignore_merges"]
    assert model["merges"] == [f"{left} {right}" for left, right in merges]
    assert len(merges) > len(vocab) - 256  # some tokens have two ways


def test_of_equal_ranks_a_rank_file_joins_the_left_one():
    """aa|a|aa: both pairs give "aaa". tiktoken takes the left one, however the two parts are ranked."""
    vocab = {**{bytes([byte]): byte for byte in range(256)}, b"xa": 256, b"aa": 257, b"xaa": 258, b"aaa": 259}
    theirs = tiktoken.Encoding("twin", pat_str=r"[^\n]+|\n", mergeable_ranks=vocab, special_tokens={})
    ours = from_ranks(rank_file(vocab))
    for length, letters in itertools.product(range(1, 9), ["ax", "a"]):
        for text in map("".join, itertools.product(letters, repeat=length)):
            assert ours.encode(text) == theirs.encode_ordinary(text)


def test_llama_31s_file_gets_its_256_special_tokens():
    short = (bytes(letters) for width in (1, 2, 3) for letters in itertools.product(range(256), repeat=width))
    ours = from_ranks(rank_file({token: rank for rank, token in enumerate(itertools.islice(short, 128_000))}))
    assert ours.vocab_size == 128_000 and len(ours) == 128_256 and len(ours.special) == 256
    known = {"<|begin_of_text|>": 128000, "<|end_of_text|>": 128001, "<|reserved_special_token_0|>": 128002,
             "<|reserved_special_token_1|>": 128003, "<|finetune_right_pad_id|>": 128004,
             "<|reserved_special_token_2|>": 128005, "<|start_header_id|>": 128006, "<|end_header_id|>": 128007,
             "<|eom_id|>": 128008, "<|eot_id|>": 128009, "<|python_tag|>": 128010,
             "<|reserved_special_token_3|>": 128011, "<|reserved_special_token_247|>": 128255}  # fmt: skip
    assert known.items() <= ours.special.items()
    assert len(set(llama31_special_tokens())) == 256


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this file is empty"),
        (b"IQ== 0\nIg==\n", r"line 2 isn't a token in base64 and its rank \(b'Ig=='\); give a rank file of tiktoken"),
        (b"IQ== 0\n!!! 1\n", "line 2 isn't a token in base64"),
        (b"IQ== 0\nIg== one\n", "line 2 isn't a token in base64"),
        (b"\n\x0e\n\x05<unk>\x15\0\0\0\0\x18\x02", "isn't a token in base64.*SentencePiece"),
        (bytes(range(256)), "isn't a token in base64"),
        (b"IQ== 0\nIQ== 1\n", "line 2 repeats a token"),
        (b"IQ== -1\n", "line 1 repeats a token, or its rank is below 0"),
        (b"IQ== 0\nIg== 0\n", "two tokens have the same rank"),
    ],
)
def test_rank_files_that_are_refused(data, message, tmp_path):
    (tmp_path / "tokenizer.model").write_bytes(data)
    with pytest.raises(Problem, match=rf"tokenizer\.model: .*{message}"):
        Tokenizer.load(tmp_path)


def test_finding_the_file(tmp_path):
    with pytest.raises(Problem, match=r"has no tokenizer\.json and no tokenizer\.model"):
        Tokenizer.load(tmp_path)
    assert find_tokenizer(tmp_path) is None
    (tmp_path / "tokenizer.model").write_bytes(rank_file(TOK.vocab))
    assert find_tokenizer(tmp_path) == tmp_path / "tokenizer.model"
    TOK.save(tmp_path)
    assert find_tokenizer(tmp_path) == tmp_path / "tokenizer.json"
    with pytest.raises(FileNotFoundError):
        Tokenizer.load(tmp_path / "nowhere.json")


# Files of other tokenizers


def trained(pre_tokenizer, normalizer=None, **settings):
    twin = LibraryTokenizer(models.BPE(**settings))
    twin.pre_tokenizer, twin.decoder = pre_tokenizer, decoders.ByteLevel()
    if normalizer is not None:
        twin.normalizer = normalizer
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    twin.train_from_iterator(
        CORPUS, trainers.BpeTrainer(vocab_size=900, initial_alphabet=alphabet, show_progress=False)
    )
    return twin


def byte_level(**settings):
    return pre_tokenizers.ByteLevel(**{"add_prefix_space": False, "use_regex": False} | settings)


def split(pattern):
    return pre_tokenizers.Split(pattern, "isolated")


QWEN2 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
KINDS = {
    "GPT-2": lambda: trained(byte_level(use_regex=True)),
    "a space before": lambda: trained(byte_level(use_regex=True, add_prefix_space=True)),
    "no pattern": lambda: trained(byte_level()),
    "no pattern, a space before": lambda: trained(byte_level(add_prefix_space=True)),
    "Qwen2": lambda: trained(pre_tokenizers.Sequence([split(Regex(QWEN2)), byte_level()]), normalizers.NFC()),
    "NFKD": lambda: trained(byte_level(use_regex=True), normalizers.Sequence([normalizers.NFKD()])),
    "DeepSeek": lambda: trained(
        pre_tokenizers.Sequence([split(Regex(r"\p{N}{1,3}")), split(Regex("[一-龥぀-ゟ]+")),
                                 split(Regex(r"[\r\n]|\s?\p{L}+")), byte_level()])),
    "SmolLM": lambda: trained(pre_tokenizers.Sequence([pre_tokenizers.Digits(True), byte_level(use_regex=True)])),
    "Digits": lambda: trained(pre_tokenizers.Sequence([pre_tokenizers.Digits(False), byte_level(use_regex=True)])),
    "a String": lambda: trained(pre_tokenizers.Sequence([split("a."), split(" "), byte_level()])),
    "nested": lambda: trained(
        pre_tokenizers.Sequence([pre_tokenizers.Sequence([split(Regex(r"\s+$")), split(Regex(r"(.)\n"))]),
                                 byte_level()])),
    "BLOOM": lambda: trained(pre_tokenizers.Sequence([split(Regex(" ?[^(\\s|[.,!?…。，、।۔،])]+")), byte_level()])),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_files_of_other_tokenizers(kind):
    theirs = KINDS[kind]()
    theirs.add_special_tokens(["<|eot_id|>", "<s>"])
    ours = from_json(theirs.to_str().encode())
    same(ours, theirs)
    same(ours, LibraryTokenizer.from_str(to_json(ours).decode()))
    same_tokenizer(from_json(to_json(ours)), ours)


def rewritten(theirs, change):
    content = json.loads(theirs.to_str())
    change(content)
    return json.dumps(content).encode()


def test_merges_may_be_texts_or_lists_and_the_type_may_be_missing():
    theirs = KINDS["GPT-2"]()

    def older(content):
        model = content["model"]
        del model["type"]
        model["merges"] = [" ".join(merge) for merge in model["merges"]]

    assert isinstance(json.loads(theirs.to_str())["model"]["merges"][0], list)
    same_tokenizer(from_json(rewritten(theirs, older)), from_json(theirs.to_str().encode()))


def test_byte_level_has_a_pattern_if_an_old_file_says_nothing():
    def older(content):
        del content["pre_tokenizer"]["use_regex"]

    data = rewritten(KINDS["a space before"](), older)
    same(from_json(data), LibraryTokenizer.from_str(data.decode()))


def test_ignore_merges_is_honoured():
    """A whole pre-token that merges don't lead to."""
    for ignore in (True, False):
        vocab = {**json.loads(to_json(TOK))["model"]["vocab"], "Ġzqxj": 1200, "zqxj": 1201}
        merges = [tuple(merge.split(" ")) for merge in json.loads(to_json(TOK))["model"]["merges"]]
        theirs = untrained_twin(LLAMA3_PATTERN)
        theirs.model = models.BPE(vocab=vocab, merges=merges, ignore_merges=ignore)
        ours = from_json(theirs.to_str().encode())
        same(ours, theirs, [*TEXTS, "zqxj zqxj, zqxjx"])
        assert (1200 in ours.encode("a zqxj")) is ignore
        same(ours, LibraryTokenizer.from_str(to_json(ours).decode()), [*TEXTS, "zqxj zqxj, zqxjx"])


ADDED = {
    "in every text": [LibraryToken("<tool>", special=False), LibraryToken("    ", special=False, normalized=False),
                      LibraryToken("  ", special=False, normalized=False), LibraryToken("the", special=False)],
    "white space": [LibraryToken("<mask>", lstrip=True, special=True), LibraryToken("<end>", rstrip=True, special=True),
                    LibraryToken("<both>", rstrip=True, lstrip=True, special=False)],
    "overlapping": [LibraryToken("<a>", special=True), LibraryToken("<a><b>", special=True),
                    LibraryToken("a><", special=False, normalized=False), LibraryToken("b>", special=False)],
    "normalized": [LibraryToken("né", special=False, normalized=True),
                   LibraryToken("xe\u0301", special=False, normalized=True),
                   LibraryToken("ﬁ", special=False, normalized=False),
                   LibraryToken("<s>", special=True, normalized=True)],
}  # fmt: skip
PIECES = ["<tool>", "  ", "    ", "the", "<mask>", "<end>", "<both>", "<a>", "<a><b>", "a><", "b>", "né", "ne\u0301",
          "xé", "xe\u0301", "ﬁ", "<s>", " ", "\n", "\u3000", "x", "\x1c"]  # fmt: skip


@pytest.mark.parametrize("kind", ADDED)
@pytest.mark.parametrize("base", ["GPT-2", "Qwen2", "a space before"])
def test_added_tokens_are_found_as_the_library_finds_them(kind, base):
    theirs = KINDS[base]()
    theirs.add_tokens([token for token in ADDED[kind] if not token.special])
    theirs.add_special_tokens([token for token in ADDED[kind] if token.special])
    ours = from_json(theirs.to_str().encode())
    texts = [
        *PIECES,
        *map("".join, itertools.product(PIECES, repeat=2)),
        *map("".join, itertools.permutations(PIECES[4:11], 4)),
    ]
    for as_text in (True, False):
        theirs.encode_special_tokens = as_text
        for text in texts:
            assert ours.encode(text, allowed_special=() if as_text else "all") == theirs.encode(text).ids, text
    same_tokenizer(from_json(to_json(ours)), ours)
    again = LibraryTokenizer.from_str(to_json(ours).decode())
    assert [again.encode(text).ids for text in texts] == [theirs.encode(text).ids for text in texts if not as_text]


def test_a_vocabulary_with_gaps():
    vocab = {token: id + 7 * (id > 300) for token, id in json.loads(to_json(TOK))["model"]["vocab"].items()}
    added = [("<|eot_id|>", 5000), ("<s>", 5003)]

    def gapped(content):
        content["model"]["vocab"] = vocab | dict(added)
        for entry, (text, id) in zip(content["added_tokens"], added, strict=False):
            entry.update(content=text, id=id)
        del content["added_tokens"][2:]

    data = rewritten(SAVED, gapped)
    ours, theirs = from_json(data), LibraryTokenizer.from_str(data.decode())
    same(ours, theirs)
    assert len(ours) == 5004 and ours.vocab_size == 1200 and ours.special == dict(added)
    same(ours, LibraryTokenizer.from_str(to_json(ours).decode()))
    same_tokenizer(from_json(to_json(ours)), ours)
    with pytest.raises(Problem, match="305 is no token"):
        ours.decode([305])


def test_a_token_may_be_added_and_made_by_merges():
    theirs = KINDS["GPT-2"]()
    theirs.add_special_tokens(["at", "a", "@"])
    ours = from_json(theirs.to_str().encode())
    assert theirs.token_to_id("at") < 900 and not any(b"@" in left + right for left, right in ours.merges)
    assert ours.encode("@") == theirs.encode("@").ids
    same(ours, theirs)
    same(ours, LibraryTokenizer.from_str(to_json(ours).decode()))


def test_a_vocabulary_without_some_bytes_loads_and_refuses_only_those():
    """`tokenizers` drops such bytes without a word; text that gets lost is refused here."""
    theirs = LibraryTokenizer(models.BPE())
    theirs.pre_tokenizer = byte_level(use_regex=True)
    theirs.train_from_iterator(["the cat sat"], trainers.BpeTrainer(vocab_size=30, show_progress=False))
    ours = from_json(theirs.to_str().encode())
    assert ours.encode("that cat") == theirs.encode("that cat").ids
    with pytest.raises(Problem, match="no token for byte 120"):
        ours.encode("x")


def _set(*path, value):
    def change(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value

    return change


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}


def _before(*steps, last=BYTE_LEVEL):
    return _set("pre_tokenizer", value={"type": "Sequence", "pretokenizers": [*steps, last]})


def _split(**changes):
    return {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "Isolated", "invert": False} | changes


REFUSED = [
    (_set("model", "type", value="WordPiece"), "its model is WordPiece; only byte-level BPE"),
    (_set("model", "type", value="Unigram"), "its model is Unigram"),
    (_set("model", "byte_fallback", value=True), "its model has byte_fallback True"),
    (_set("model", "dropout", value=0.1), r"its model has dropout 0\.1"),
    (_set("model", "continuing_subword_prefix", value="##"), "continuing_subword_prefix '##'"),
    (_set("model", "end_of_word_suffix", value="</w>"), "end_of_word_suffix '</w>'"),
    (_set("model", value=None), "model should be an object"),
    (_set("model", "vocab", value=[]), r"model\.vocab should be an object"),
    (_set("model", "vocab", value={}), "model.vocab should map tokens to ids"),
    (_set("model", "vocab", "a", value="1"), "model.vocab should map tokens to ids"),
    (_set("model", "vocab", "a", value=-1), "model.vocab should map tokens to ids"),
    (_set("model", "vocab", "a", value=True), "model.vocab should map tokens to ids"),
    (_set("model", "vocab", "a", value=5), "two tokens of model.vocab have the same id"),
    (lambda content: content.update(added_tokens=[], model=content["model"] | {"vocab": {"▁a": 0}, "merges": []}),
     "'▁a' isn't spelled in bytes"),
    (lambda content: content["added_tokens"].append(content["added_tokens"][0] | {"id": 165, "content": "é"}),
     r"the added token 'é' is spelled like the bytes b'\\xe9'; rename it"),
    (_set("model", "merges", value=None), r"model\.merges should be a list"),
    (_set("model", "merges", value=["a b c"]), "the merge 'a b c' is no pair"),
    (_set("model", "merges", value=[["a"]]), "is no pair"),
    (_set("model", "merges", value=[["a", 1]]), "is no pair"),
    (_set("model", "merges", value=["qqq z"]), "the merge 'qqq z' needs 'qqq', which model.vocab lacks"),
    (_set("model", "merges", value=["Z z"]), "the merge 'Z z' needs 'Zz'"),
    (_set("normalizer", value={"type": "Lowercase"}), "its normalizer is Lowercase; only NFC"),
    (_set("normalizer", value={"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "NFD"}]}),
     "its normalizer is NFC . NFD;"),
    (_set("normalizer", value="NFC"), "normalizer should be an object"),
    (_set("pre_tokenizer", value=None), r"its \(last\) pre-tokenizer is missing, not ByteLevel"),
    (_set("pre_tokenizer", value={"type": "Metaspace"}), "pre-tokenizer is Metaspace, not ByteLevel"),
    (_set("pre_tokenizer", value={"type": "Sequence", "pretokenizers": {}}), "pretokenizers should be a list"),
    (_before(BYTE_LEVEL, last=_split()), "pre-tokenizer is Split, not ByteLevel"),
    (_before(BYTE_LEVEL), "its pre-tokenizer has ByteLevel; only Split Isolated"),
    (_before({"type": "Whitespace"}), "its pre-tokenizer has Whitespace;"),
    (_before(_split(behavior="Removed")), "its pre-tokenizer has Split Removed"),
    (_before(_split(pattern={"Regex": "(a"})), "no regular expression"),
    (_before(_split(pattern={"Regex": r"\w+"})), r"has \\w, which `tokenizers` takes otherwise"),
    (_before(_split(pattern={})), "neither a Regex nor a String"),
    (_before(_split(), last=BYTE_LEVEL | {"add_prefix_space": True}), "add_prefix_space after a Split"),
    (_set("added_tokens", 0, "single_word", value=True), "has single_word"),
    (_set("added_tokens", 0, "content", value=""), "no content, no id, or twice"),
    (_set("added_tokens", 0, "id", value="1200"), "no content, no id, or twice"),
    (_set("added_tokens", 1, "content", value="<|begin_of_text|>"), "no content, no id, or twice"),
    (_set("added_tokens", 0, "id", value=7), "says that its id is 7, but `tokenizers` would number it 1200"),
    (_set("added_tokens", value={"a": 1}), "added_tokens should be a list"),
    (_set("added_tokens", 0, value=5), "an added token should be an object"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_files_that_are_refused(change, message, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(rewritten(SAVED, change))
    with pytest.raises(Problem, match=rf"tokenizer\.json: .*{message}"):
        Tokenizer.load(tmp_path)


GOOD = to_json(TOK)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "this file is empty"),
        (GOOD[: len(GOOD) // 2], "this isn't JSON, or only a part of it"),
        (GOOD[:-3], "this isn't JSON, or only a part of it"),
        (b"\x80\xff" * 50, "this isn't text"),
        (bytes(range(256)), "this isn't"),
        (b"[" * 100_000, "this isn't JSON"),
        (b"[]", "should be an object"),
        (b"{}", "model should be an object"),
    ],
)
def test_broken_files_are_refused(data, message, tmp_path):
    (tmp_path / "tokenizer.json").write_bytes(data)
    with pytest.raises(Problem, match=rf"tokenizer\.json: .*{message}"):
        Tokenizer.load(tmp_path)


def test_every_truncation_is_one_clear_line():
    small = to_json(Tokenizer({b"a": 0, b"b": 1, b"ab": 2}, {(b"a", b"b"): 0}, [AddedToken("<s>", 3)]))
    for length in range(len(small) - 2):
        with pytest.raises(Problem) as caught:
            from_json(small[:length])
        assert "\n" not in str(caught.value)


def test_what_a_file_cannot_say_is_not_saved():
    cutter = PreTokenizer([LLAMA3_PATTERN], add_prefix_space=True)
    with pytest.raises(Problem, match="can't have add_prefix_space and a pattern other than GPT-2's"):
        to_json(Tokenizer({b"a": 0}, {}, pre_tokenizer=cutter))
    with pytest.raises(Problem, match="'ab' is an ordinary and an added token; tokenizer.json can't tell them apart"):
        to_json(Tokenizer({b"a": 0, b"b": 1, b"ab": 2}, {(b"a", b"b"): 0}, [AddedToken("ab", 3)]))
