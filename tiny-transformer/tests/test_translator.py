"""The translator: many texts at once come out as each would alone, in their order."""

import pytest
import torch

import main
from tiny_transformer.decoding import beam_search
from tiny_transformer.translator import MORE, TooLong

TEXTS = ["der hund sieht", "ein haus", "", "katze", "der hund sieht ein haus rot", "1999 Straße 猫", "haus"]


@pytest.fixture(scope="module")
def translator(trained):
    return main.load(trained.folder, "cpu")


@pytest.mark.parametrize("beam", [1, 3])
def test_order_and_batches_do_not_matter(translator, beam):
    found = translator.translate(TEXTS, beam)
    assert len(set(found)) > 2
    assert translator.translate(TEXTS[::-1], beam, batch=2) == found[::-1]


def test_it_is_what_the_decoder_says(translator):
    for text in TEXTS:
        ids = translator.encode(text)
        assert ids[-1] == 2 and 2 not in ids[:-1]
        most = min(translator.model.config.max_len - 1, len(ids) + MORE)
        (tokens,) = beam_search(translator.model, torch.tensor([ids]), most, 4, 0.3)
        assert translator.translate([text], 4, 0.3) == [translator.target_vocabulary.decode(tokens)]


def test_tick_counts_all_texts(translator):
    done: list[int] = []
    translator.translate(TEXTS, batch=3, tick=done.append)
    assert done == [3, 3, 1]
    assert translator.translate([], tick=done.append) == [] and len(done) == 3


def test_dropout_is_off(translator):
    translator.model.train()
    assert translator.translate(TEXTS) == translator.translate(TEXTS)
    assert not translator.model.training


def test_too_long_names_the_text_and_writes_nothing(translator):
    longest = translator.model.config.max_len
    with pytest.raises(TooLong, match=rf"text 2 has {longest + 1} tokens \('!1!1.*at most {longest}: split it"):
        translator.translate(["haus", "!1" * (longest // 2)])
    assert translator.translate(["12345678" * ((longest - 1) // 8)])
