"""The model against torch.nn.Transformer: the same weights give the same numbers, and the same gradients."""

import math
import random

import pytest
import torch
from torch import nn

from tiny_transformer.masks import padding_mask
from tiny_transformer.model import Transformer, TransformerConfig
from tiny_transformer.problem import Problem


def copy_attention(theirs, ours):
    parts = (ours.query, ours.key, ours.value)
    for linear, weight, bias in zip(parts, theirs.in_proj_weight.chunk(3), theirs.in_proj_bias.chunk(3), strict=True):
        linear.weight.copy_(weight)
        linear.bias.copy_(bias)
    ours.output.load_state_dict(theirs.out_proj.state_dict())


@torch.no_grad()
def copy_layer(theirs, ours):
    copy_attention(theirs.self_attn, ours.self_attention)
    ours.feed_forward.inner.load_state_dict(theirs.linear1.state_dict())
    ours.feed_forward.outer.load_state_dict(theirs.linear2.state_dict())
    norms = [ours.around_self, ours.around_feed_forward]
    if hasattr(theirs, "multihead_attn"):
        copy_attention(theirs.multihead_attn, ours.cross_attention)
        norms = [ours.around_self, ours.around_cross, ours.around_feed_forward]
    for number, residual in enumerate(norms, start=1):
        residual.norm.load_state_dict(getattr(theirs, f"norm{number}").state_dict())


def twins(seed, pre_norm):
    """Our model, and torch's stack of layers with the same random weights (biases and norms too)."""
    torch.manual_seed(seed)
    rng = random.Random(seed)
    heads = rng.choice([1, 2, 4])
    c = TransformerConfig(
        vocab_size=17, target_vocab_size=13, d_model=heads * rng.choice([4, 8]), n_heads=heads,
        n_layers=rng.randint(1, 3), d_ff=rng.choice([8, 24]), dropout=0.0, max_len=16, pre_norm=pre_norm,
    )  # fmt: skip
    shape = {"dropout": 0.0, "batch_first": True, "norm_first": pre_norm}
    # post-norm layers end with a norm of their own; torch's nn.Transformer would add another one
    norms = [nn.LayerNorm(c.d_model) for _ in range(2)]
    encoder_norm, decoder_norm = norms if pre_norm else (None, None)
    encoder_layer = nn.TransformerEncoderLayer(c.d_model, heads, c.d_ff, **shape)
    decoder_layer = nn.TransformerDecoderLayer(c.d_model, heads, c.d_ff, **shape)
    encoder = nn.TransformerEncoder(encoder_layer, c.n_layers, encoder_norm, enable_nested_tensor=False)
    decoder = nn.TransformerDecoder(decoder_layer, c.n_layers, decoder_norm)
    theirs = nn.Transformer(c.d_model, heads, custom_encoder=encoder, custom_decoder=decoder, batch_first=True)
    ours = Transformer(c)
    with torch.no_grad():
        for name, parameter in theirs.named_parameters():
            parameter.normal_(mean=float("norm" in name and "weight" in name), std=0.3)
        for mine, yours in ((ours.encoder, encoder.layers), (ours.decoder, decoder.layers)):
            for our_layer, their_layer in zip(mine, yours, strict=True):
                copy_layer(their_layer, our_layer)
        if pre_norm:
            ours.encoder_norm.load_state_dict(norms[0].state_dict())
            ours.decoder_norm.load_state_dict(norms[1].state_dict())
    return ours.eval(), theirs.eval()


def ragged(rows, longest, vocab_size):
    """Random ids, padded on the right; the first row is full, the last one as short as can be."""
    ids = torch.randint(3, vocab_size, (rows, longest))
    lengths = torch.randint(1, longest + 1, (rows,))
    lengths[0], lengths[-1] = longest, 1
    return ids.masked_fill(torch.arange(longest) >= lengths[:, None], 0)


def their_logits(theirs, ours, source, target):
    """torch's stack between our embeddings and our output matrix, with all masks in torch's sense (True = may not)."""
    future = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
    out = theirs(
        ours.embed(source, ours.source_embedding), ours.embed(target, ours.target_embedding), tgt_mask=future,
        src_key_padding_mask=source == 0, tgt_key_padding_mask=target == 0, memory_key_padding_mask=source == 0,
    )  # fmt: skip
    return out @ ours.output.weight.T


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pre_norm", [False, True])
def test_same_logits_and_gradients_as_torch(seed, pre_norm):
    ours, theirs = twins(seed, pre_norm)
    source, target = ragged(4, 3 + seed, 17), ragged(4, 9 - seed, 13)
    logits, expected = ours(source, target), their_logits(theirs, ours, source, target)
    real = target != 0
    torch.testing.assert_close(logits[real], expected[real], atol=1e-5, rtol=1e-5)

    tables = [ours.source_embedding.weight, ours.target_embedding.weight]
    upstream = torch.randn_like(logits)[real]
    mine = torch.autograd.grad(logits[real], tables, upstream)
    yours = torch.autograd.grad(expected[real], tables, upstream)
    for gradient, wanted in zip(mine, yours, strict=True):
        torch.testing.assert_close(gradient, wanted, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("pre_norm", [False, True])
def test_same_memory_as_torch(pre_norm):
    ours, theirs = twins(7, pre_norm)
    source = ragged(5, 8, 17)
    expected = theirs.encoder(ours.embed(source, ours.source_embedding), src_key_padding_mask=source == 0)
    real = source != 0
    torch.testing.assert_close(ours.encode(source)[real], expected[real], atol=1e-5, rtol=1e-5)


def test_forward_is_encode_then_decode():
    model = Transformer(TransformerConfig(vocab_size=9, d_model=8, n_heads=2, n_layers=1, d_ff=8)).eval()
    source, target = ragged(3, 5, 9), ragged(3, 4, 9)
    by_parts = model.decode(target, model.encode(source), padding_mask(source, 0))
    assert torch.equal(model(source, target), by_parts)
    assert by_parts.shape == (3, 4, 9)


def test_embeddings_are_scaled_and_carry_their_place():
    model = Transformer(TransformerConfig(vocab_size=2000, d_model=64, n_heads=2, n_layers=1, d_ff=8, max_len=6)).eval()
    ids = torch.tensor([[5, 5, 7]])
    embedded = model.embed(ids, model.source_embedding)
    difference = embedded[0, 1] - embedded[0, 0]
    torch.testing.assert_close(difference, model.positions_LD[1] - model.positions_LD[0], atol=1e-5, rtol=0)
    plain = embedded[0] - model.positions_LD[:3]
    torch.testing.assert_close(plain, model.source_embedding.weight[ids[0]] * 8, atol=1e-5, rtol=0)
    # every feature starts with variance 1, so that positions and tokens weigh alike
    assert (model.source_embedding.weight * math.sqrt(64)).var().item() == pytest.approx(1, abs=0.05)


def test_a_cached_position_is_the_position_it_would_have_been():
    model = Transformer(TransformerConfig(vocab_size=9, d_model=8, n_heads=2, n_layers=1, d_ff=8)).eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    whole = model.embed(ids, model.target_embedding)
    torch.testing.assert_close(model.embed(ids[:, 2:], model.target_embedding, start=2), whole[:, 2:])


def test_a_source_of_nothing_but_padding_is_no_nan():
    model = Transformer(TransformerConfig(vocab_size=9, d_model=8, n_heads=2, n_layers=2, d_ff=8))
    source = torch.tensor([[5, 6], [0, 0]])
    logits = model(source, torch.tensor([[1, 4], [1, 0]]))
    logits.sum().backward()
    assert logits.isfinite().all()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_one_table_for_all_three():
    tied = Transformer(TransformerConfig(vocab_size=50, d_model=8, n_heads=2, n_layers=1, d_ff=8, tie_embeddings=True))
    free = Transformer(TransformerConfig(vocab_size=50, d_model=8, n_heads=2, n_layers=1, d_ff=8))
    assert tied.source_embedding.weight is tied.target_embedding.weight is tied.output.weight
    sizes = [sum(p.numel() for p in model.parameters()) for model in (tied, free)]
    assert sizes[1] - sizes[0] == 2 * 50 * 8


@pytest.mark.parametrize(("dropout", "inner_dropout"), [(0.5, 0.0), (0.0, 0.5)])
def test_both_kinds_of_dropout_act_in_training_only(dropout, inner_dropout):
    model = Transformer(TransformerConfig(vocab_size=9, d_model=8, n_heads=2, n_layers=1, d_ff=8, dropout=dropout,
                                          inner_dropout=inner_dropout))  # fmt: skip
    source, target = torch.tensor([[5, 6, 7]]), torch.tensor([[1, 4]])
    assert not torch.equal(model(source, target), model(source, target))
    model.eval()
    assert torch.equal(model(source, target), model(source, target))


def test_every_field_has_a_default_and_the_names_are_kept():
    c = TransformerConfig()
    assert (c.pad_id, c.target_vocab_size, c.target_size) == (0, None, c.vocab_size)
    named = TransformerConfig(vocab_size=10, target_vocab_size=11, d_model=4, n_heads=2, n_layers=1, d_ff=4,
                              dropout=0.0, max_len=5, pad_id=3)  # fmt: skip
    assert Transformer(named)(torch.tensor([[4]]), torch.tensor([[1]])).shape == (1, 1, 11)


def test_another_pad_id_is_obeyed():
    c = TransformerConfig(vocab_size=9, d_model=8, n_heads=2, n_layers=1, d_ff=8, dropout=0.0, pad_id=8)
    model = Transformer(c).eval()
    short, long = torch.tensor([[5, 6]]), torch.tensor([[5, 6, 8, 8]])
    target = torch.tensor([[1, 4]])
    torch.testing.assert_close(model(short, target), model(long, target), atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_heads": 5, "d_model": 64}, "n_heads must divide d_model (got 5, 64)"),
        ({"n_layers": 0}, "n_layers must be 1 or more (got 0)"),
        ({"vocab_size": 0}, "vocab_size must be 1 or more"),
        ({"max_len": -1}, "max_len must be 1 or more"),
        ({"dropout": 1.0}, "dropout must be from 0 to below 1 (got 1.0)"),
        ({"dropout": float("nan")}, "dropout must be from 0 to below 1"),
        ({"inner_dropout": -0.1}, "inner_dropout must be from 0 to below 1"),
        ({"pad_id": 8000}, "pad_id must be a token of both vocabularies, 0 to 7999 (got 8000)"),
        ({"target_vocab_size": 2}, "eos_id must be a token of both vocabularies, 0 to 1 (got 2)"),
        ({"pad_id": 1}, "must differ"),
        ({"tie_embeddings": True, "target_vocab_size": 9}, "one vocabulary for both sides (got 8000 and 9)"),
    ],
)
def test_nonsense_is_refused(change, message):
    with pytest.raises(Problem) as error:
        TransformerConfig(**change)
    assert message in str(error.value)


def test_too_long_is_refused_by_length():
    model = Transformer(TransformerConfig(vocab_size=9, d_model=8, n_heads=2, n_layers=1, d_ff=8, max_len=4))
    assert model(torch.ones(1, 4).long(), torch.ones(1, 4).long()).shape == (1, 4, 9)
    with pytest.raises(ValueError, match=r"5 tokens is longer than max_len \(4\)"):
        model(torch.ones(1, 5).long(), torch.ones(1, 4).long())
