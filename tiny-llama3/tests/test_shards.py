"""What goes in comes out, on one side or the other; a damaged folder is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3.problem import Problem
from tiny_llama3.shards import Shards, digest, prepare, verify
from tiny_llama3.tokenizer import Tokenizer

TOKENIZER = Tokenizer.train(["the cat sat on the mat and the rat ran"], 262)
TEXTS = [f"story {number}: the cat sat on mat {number * number}." for number in range(60)]


def write(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def prepared(folder, texts=TEXTS, **settings):
    prepare(iter(texts), TOKENIZER, folder, write, **{"valid_share": 0.2, **settings})
    return Shards.open(folder, "train"), Shards.open(folder, "valid")


def texts_of(shards):
    return [TOKENIZER.decode(shards.document(number), skip_special=True) for number in range(shards.documents)]


documents = st.lists(st.text(min_size=1, max_size=30), min_size=12, max_size=40)


@given(documents, st.integers(1, 80), st.integers(0, 10**6))
def test_what_goes_in_comes_out(tmp_path_factory, texts, shard_tokens, at):
    folder = tmp_path_factory.mktemp("data") / "made"
    try:
        sides = prepared(folder, texts, shard_tokens=shard_tokens, valid_share=0.5)
    except Problem as problem:
        assert "no document came into" in str(problem)
        return
    found = [texts_of(side) for side in sides]
    unique = list(dict.fromkeys(texts))
    assert sorted(found[0] + found[1]) == sorted(unique)
    assert all([text for text in unique if text in side] == side for side in found)  # in their order
    for side, decoded in zip(sides, found, strict=True):
        whole = np.concatenate([side.document(number) for number in range(side.documents)])
        assert len(side) == len(whole)
        start = at % len(side)
        stop = start + 1 + at // 7 % (len(side) - start)
        assert np.array_equal(side.slice(start, stop), whole[start:stop])
        assert side.bytes == sum(len(text.encode()) for text in decoded)
        assert side.characters == sum(map(len, decoded))
        assert (whole == TOKENIZER.bos_id).sum() == (whole == TOKENIZER.eos_id).sum() == side.documents
    assert sides[0].manifest["duplicates"] == len(texts) - len(unique)


def test_the_side_of_a_document_does_not_depend_on_the_others(tmp_path):
    _, valid = prepared(tmp_path / "a")
    _, fewer = prepared(tmp_path / "b", TEXTS[::-1][:40])
    assert set(texts_of(fewer)) == set(texts_of(valid)) & set(TEXTS[20:])
    assert 4 < valid.documents < 24


@pytest.mark.parametrize("texts", [["ab" * 50], ["ab" * 20, "cd" * 10, "ef" * 20]])
def test_the_tail_validates(tmp_path, texts):
    train, valid = prepared(tmp_path / "data", texts, split="tail", valid_share=0.1)
    assert "".join(texts_of(train)) == "".join(texts)[:90]
    assert "".join(texts_of(valid)) == "".join(texts)[90:]


def test_several_processes_write_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr("tiny_llama3.text_input.BATCH", 200)
    ticks: list[int] = []
    prepared(tmp_path / "one", shard_tokens=100, tick=ticks.append)
    prepared(tmp_path / "two", shard_tokens=100, processes=2)
    assert sum(ticks) == sum(map(len, TEXTS))
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two")]
    assert files[0] == files[1] and len(files[0]) > 20


def test_16_or_32_bits(tmp_path):
    assert prepared(tmp_path / "a")[0].slice(0, 3).dtype == np.uint16
    large = Tokenizer(TOKENIZER.vocab, {}, [type(TOKENIZER.added.all[0])(name, 70_000 + number)
                                           for number, name in enumerate(TOKENIZER.special)])  # fmt: skip
    prepare(TEXTS, large, tmp_path / "b", write, valid_share=0.2)
    shards = Shards.open(tmp_path / "b", "train")
    assert shards.slice(0, 1).dtype == np.uint32 and shards.slice(0, 1)[0] == large.bos_id == shards.bos_id


def test_a_crash_leaves_no_manifest(tmp_path):
    number = 0
    while True:
        number += 1
        folder, count = tmp_path / str(number), 0

        def dying(path, data, number=number):
            nonlocal count
            count += 1
            if count == number:
                raise KeyboardInterrupt
            write(path, data)

        try:
            prepare(TEXTS, TOKENIZER, folder, dying, valid_share=0.2)
            break
        except KeyboardInterrupt:
            assert not (folder / "manifest.json").exists()
            prepared(folder)  # and it can be made again
            verify(folder)
    assert number > 5


def test_the_manifest_tells(tmp_path):
    train, _ = prepared(tmp_path / "data", about={"name": "stories"})
    assert train.manifest["about"] == {"name": "stories"} and train.manifest["vocab_size"] == len(TOKENIZER)
    first = digest(tmp_path / "data")
    prepared(tmp_path / "other", TEXTS[:-1])
    assert digest(tmp_path / "other") != first
    prepared(tmp_path / "again", about={"name": "stories"})
    assert digest(tmp_path / "again") == first


def test_damage_is_named(tmp_path):
    folder = tmp_path / "data"
    prepared(folder)
    with pytest.raises(Problem, match="holds prepared data already"):
        prepared(folder)
    with pytest.raises(Problem, match="split must be train or valid"):
        Shards.open(folder, "test")
    with pytest.raises(Problem, match="there is no document 99"):
        Shards.open(folder, "valid").document(99)
    verify(folder)
    file = folder / "train-0000.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-2] + b"\0\0")
    with pytest.raises(Problem, match="isn't what was written"):
        verify(folder)
    file.write_bytes(whole[:-3])
    with pytest.raises(Problem, match="cut short or damaged"):
        Shards.open(folder, "train")
    file.unlink()
    for look in (lambda: Shards.open(folder, "train"), lambda: verify(folder)):
        with pytest.raises(Problem, match="is missing"):
            look()
    np.save(file, np.zeros(Shards.open(folder, "valid").manifest["train"]["tokens"]))
    with pytest.raises(Problem, match="of float64"):
        Shards.open(folder, "train")
    manifest = json.loads((folder / "manifest.json").read_text())
    for content, message in (("{", "damaged"), ('{"version": 9}', "not a manifest of version 1"),
                             (json.dumps(manifest | {"valid": {}}), "not a whole manifest")):  # fmt: skip
        (folder / "manifest.json").write_text(content)
        with pytest.raises(Problem, match=message):
            Shards.open(folder, "valid")
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(Problem, match="holds no prepared data"):
            digest(path)


def test_ids_and_tokenizer_are_verified(tmp_path):
    prepared(tmp_path)
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    (tmp_path / "manifest.json").write_text(json.dumps(manifest | {"vocab_size": 100}))
    with pytest.raises(Problem, match="vocab_size is 100"):
        verify(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (tmp_path / "tokenizer.json").unlink()
    with pytest.raises(Problem, match=r"tokenizer\.json isn't the one"):
        verify(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"valid_share": 0.0}, "valid_share must be"),
        ({"split": "random"}, "split must be hash or tail"),
        ({"shard_tokens": 0}, "shard_tokens must be"),
        ({"texts": ["one"]}, "no document came into"),
    ],
)
def test_bad_settings(tmp_path, settings, message):
    with pytest.raises(Problem, match=message):
        prepared(tmp_path / "data", **settings)


def test_a_tokenizer_without_bos(tmp_path):
    with pytest.raises(Problem, match="no BOS or EOS"):
        prepare(TEXTS, Tokenizer(TOKENIZER.vocab, {}), tmp_path / "data", write)
