"""Attention to look at: the weights are those that torch computes, and the model is left as it was."""

import numpy as np
import pytest
import torch
from torch import nn

import main
from tiny_transformer.attention import MultiHeadAttention
from tiny_transformer.looking import look, recorded

TEXT = "der hund sieht ein haus"


@pytest.fixture(scope="module")
def translator(trained):
    return main.load(trained.folder, "cpu")


@pytest.fixture(scope="module")
def found(translator):
    return look(translator, TEXT)


def test_shapes_and_labels(translator, found):
    c = translator.model.config
    s, t = len(found.source), len(found.target)
    assert found.source == [*translator.source_vocabulary.tokens(translator.source_vocabulary.encode(TEXT)), "<eos>"]
    assert (found.read[0], found.target[-1]) == ("<bos>", "<eos>") and found.read[1:] == found.target[:-1]
    assert "".join(found.source[:-1]) == TEXT and "".join(found.target[:-1]) == found.translation
    assert found.translation == translator.translate([TEXT])[0]
    assert found.encoder_LHSS.shape == (c.n_layers, c.n_heads, s, s)
    assert found.decoder_LHTT.shape == (c.n_layers, c.n_heads, t, t)
    assert found.cross_LHTS.shape == (c.n_layers, c.n_heads, t, s)


def test_rows_are_shares_and_nobody_looks_ahead(found):
    for weights in (found.encoder_LHSS, found.decoder_LHTT, found.cross_LHTS):
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    assert (np.triu(found.decoder_LHTT, 1) == 0).all()
    assert found.encoder_LHSS[0, 0].std() > 0


def torchs_weights(ours, query, key, **masks):
    theirs = nn.MultiheadAttention(query.shape[-1], ours.n_heads, batch_first=True)
    parts = (ours.query, ours.key, ours.value)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([part.weight for part in parts]))
        theirs.in_proj_bias.copy_(torch.cat([part.bias for part in parts]))
        return theirs(query, key, key, average_attn_weights=False, **masks)[1][0].numpy()


@torch.no_grad()
def test_the_weights_are_torchs(translator, found):
    """Every layer's inputs are overheard by hooks; torch then says where they make each head look."""
    model, heard = translator.model, {}

    def overhear(name):
        def hook(module, given, output):
            heard[name] = given

        return hook

    hooks = [layer.register_forward_hook(overhear(("encoder", n))) for n, layer in enumerate(model.encoder)]
    hooks += [layer.register_forward_hook(overhear(("decoder", n))) for n, layer in enumerate(model.decoder)]
    source = torch.tensor([translator.encode(TEXT)])
    target = torch.tensor([[1, *translator.target_vocabulary.encode(found.translation)]])
    if target.shape[1] != len(found.target):
        pytest.fail("the translation is not cut as it was written; choose another text")
    model(source, target)
    for hook in hooks:
        hook.remove()
    pre_norm = model.config.pre_norm  # then a sub-layer gets the norm of what its layer gets
    for n, layer in enumerate(model.encoder):
        x = heard["encoder", n][0]
        x = layer.around_self.norm(x) if pre_norm else x
        np.testing.assert_allclose(found.encoder_LHSS[n], torchs_weights(layer.self_attention, x, x), atol=1e-5)
    future = torch.ones(target.shape[1], target.shape[1], dtype=torch.bool).triu(1)
    for n, layer in enumerate(model.decoder):
        x, memory = heard["decoder", n][:2]
        after = layer.around_self(x, lambda y, layer=layer: layer.self_attention(y, y, y, ~future))
        if pre_norm:
            x, after = layer.around_self.norm(x), layer.around_cross.norm(after)
        own = torchs_weights(layer.self_attention, x, x, attn_mask=future)
        np.testing.assert_allclose(found.decoder_LHTT[n], own, atol=1e-5)
        np.testing.assert_allclose(found.cross_LHTS[n], torchs_weights(layer.cross_attention, after, memory), atol=1e-5)


def test_the_model_is_left_as_it_was(translator):
    with pytest.raises(RuntimeError), recorded(translator.model) as weights:
        raise RuntimeError
    assert weights == {}
    for module in translator.model.modules():
        if isinstance(module, MultiHeadAttention):
            assert "weights" not in vars(module)


def test_every_attention_is_recorded_and_nothing_changes(translator):
    source, target = torch.tensor([[4, 5, 6, 2]]), torch.tensor([[1, 5, 6]])
    plain = translator.model(source, target)
    with recorded(translator.model) as weights:
        assert torch.equal(translator.model(source, target), plain)
    names = {f"encoder.{n}.self_attention" for n in range(2)}
    names |= {f"decoder.{n}.{kind}_attention" for n in range(2) for kind in ("self", "cross")}
    assert weights.keys() == names


def test_an_empty_text_and_a_text_that_fills_the_model(translator):
    assert look(translator, "").source == ["<eos>"]
    full = look(translator, "1" * (translator.model.config.max_len - 1))
    assert full.encoder_LHSS.shape[-1] == translator.model.config.max_len
