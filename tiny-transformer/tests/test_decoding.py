"""Decoding: the cache changes nothing, beam 1 is greedy, and a full beam finds what an exhaustive search finds."""

import functools
import itertools

import pytest
import torch

from tiny_transformer.decoding import beam_search, greedy, penalty, until_end
from tiny_transformer.model import Transformer, TransformerConfig

PAD, BOS, EOS = 0, 1, 2


def random_model(seed, vocab_size=11, pre_norm=False):
    """It feels positions strongly, so that texts are varied, and not all of one length."""
    torch.manual_seed(seed)
    config = TransformerConfig(vocab_size=vocab_size, d_model=16, n_heads=2, n_layers=2, d_ff=32, max_len=40,
                               pre_norm=pre_norm)  # fmt: skip
    model = Transformer(config).eval()
    model.positions_LD.mul_(3)
    return model


def sources(seed, rows, longest=7, vocab_size=11):
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, vocab_size, (rows, longest), generator=generator)
    lengths = torch.randint(1, longest + 1, (rows,), generator=generator)
    lengths[0] = longest
    return ids.masked_fill(torch.arange(longest) >= lengths[:, None], PAD)


@pytest.mark.parametrize("pre_norm", [False, True])
@pytest.mark.parametrize("rows", [1, 3, 8])
@pytest.mark.parametrize("seed", range(8))
def test_the_cache_changes_no_token_and_beam_one_is_greedy(seed, rows, pre_norm):
    model, source = random_model(seed, pre_norm=pre_norm), sources(seed, rows)
    plain = greedy(model, source, 20, cached=False)
    assert greedy(model, source, 20) == plain
    for alpha in (0.0, 0.6):
        assert beam_search(model, source, 20, 1, alpha) == plain
    for width in (2, 5):
        assert beam_search(model, source, 20, width) == beam_search(model, source, 20, width, cached=False)


def test_the_tests_above_see_varied_texts():
    found = [text for seed in range(8) for text in greedy(random_model(seed), sources(seed, 8), 20)]
    assert len({len(text) for text in found}) > 5 and len({tuple(text) for text in found}) > 20
    wider = [text for seed in range(8) for text in beam_search(random_model(seed), sources(seed, 8), 20, 5)]
    assert found != wider


def all_texts(letters, max_tokens):
    """Every token sequence that decoding can end with: an eos at the end, or `max_tokens` tokens without one."""
    for length in range(max_tokens):
        for text in itertools.product(letters, repeat=length):
            yield [*text, EOS]
    yield from (list(text) for text in itertools.product(letters, repeat=max_tokens))


def scores(model, source, texts, alpha):
    """One text after the other through the whole model: the sum of log-probabilities over the penalty."""
    for text in texts:
        log_p = model(source, torch.tensor([[BOS, *text]]))[0].log_softmax(-1)
        total = sum(log_p[place, token].item() for place, token in enumerate(text))
        yield total / ((5 + len(text)) / 6) ** alpha


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize(("seed", "max_tokens", "pre_norm"), [(0, 3, False), (1, 4, True), (2, 3, True), (3, 4, False)])
@torch.no_grad()
def test_a_full_beam_equals_exhaustive_search(seed, max_tokens, pre_norm, alpha):
    """Six symbols, so three letters: 40 texts of up to 3 tokens, 121 of up to 4."""
    model, source = random_model(seed, 6, pre_norm), sources(seed, 3, 4, 6)
    texts = list(all_texts([3, 4, 5], max_tokens))
    assert len(texts) == {3: 40, 4: 121}[max_tokens]
    found = beam_search(model, source, max_tokens, len(texts), alpha)
    for row, text in enumerate(found):
        alone = source[row : row + 1]
        ranking = dict(zip(map(tuple, texts), scores(model, alone, texts, alpha), strict=True))
        best = max(ranking, key=lambda candidate: ranking[candidate])
        # without an eos a text ends by its length
        assert tuple(text if len(text) == max_tokens else [*text, EOS]) == best
        (by_greedy,) = greedy(model, alone, max_tokens)
        assert ranking[best] >= ranking[tuple(by_greedy if len(by_greedy) == max_tokens else [*by_greedy, EOS])]


@pytest.mark.parametrize("pre_norm", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_rows_of_a_batch_do_not_influence_each_other(seed, pre_norm):
    model, source = random_model(seed, pre_norm=pre_norm), sources(seed, 6)
    for decode in (greedy, functools.partial(beam_search, width=3)):
        alone = [decode(model, row[row != PAD][None], 15)[0] for row in source]
        assert decode(model, source, 15) == alone
        assert decode(model, source.flip(0), 15) == alone[::-1]


def test_no_special_symbol_is_ever_written():
    """Not even by a model that wants to: nothing but eos can come of pad, bos and eos."""
    model = random_model(0)
    with torch.no_grad():
        model.output.weight[[PAD, BOS]] = 5 * model.output.weight[[4, 5]]
    texts = greedy(model, sources(0, 8), 12) + beam_search(model, sources(0, 8), 12, 3)
    assert not {PAD, BOS, EOS} & {token for text in texts for token in text}


@pytest.mark.parametrize("max_tokens", [1, 2, 7])
def test_no_more_tokens_than_asked_for(max_tokens):
    model = random_model(1)
    with torch.no_grad():
        model.output.weight[EOS] = 0  # it hardly ever stops
    for texts in (greedy(model, sources(1, 4), max_tokens), beam_search(model, sources(1, 4), max_tokens, 4)):
        assert max(map(len, texts)) == max_tokens


def test_the_penalty_is_the_one_of_the_paper():
    lengths = torch.tensor([1.0, 7.0, 19.0])
    assert penalty(lengths, 0.0).tolist() == [1, 1, 1]
    assert penalty(lengths, 1.0).tolist() == pytest.approx([1, 2, 4])
    assert penalty(lengths, 0.6).tolist() == pytest.approx([1, 2**0.6, 4**0.6])


def test_a_larger_alpha_prefers_longer_texts():
    lengths = []
    for alpha in (0.0, 3.0):
        found = [text for seed in range(6) for text in beam_search(random_model(seed), sources(seed, 6), 15, 6, alpha)]
        lengths.append(sum(map(len, found)))
    assert lengths[0] < lengths[1]


def test_until_end():
    assert until_end([1, 5, 6, 2, 0, 0], 2) == [5, 6]
    assert until_end([1, 5, 6], 2) == [5, 6]
    assert until_end([1, 2], 2) == []
