"""The presets' sizes are what their names say, and the count equals the model's."""

import pytest
import torch

from tiny_llama3.attention import attend
from tiny_llama3.model import Llama, LlamaConfig
from tiny_llama3.presets import PRESETS, from_depth, parameters, training_flops
from tiny_llama3.problem import Problem
from tiny_llama3.tokenizer import Tokenizer

SIZES = {
    "nano": (0.5e6, 1e6),
    "micro": (4.5e6, 5.5e6),
    "15M": (14e6, 16e6),
    "42M": (40e6, 44e6),
    "110M": (105e6, 115e6),
}


@pytest.mark.parametrize("name", PRESETS)
def test_sizes(name):
    config = PRESETS[name].config(PRESETS[name].vocab_size)
    least, most = SIZES[name]
    assert least < parameters(config) < most
    with torch.device("meta"):
        assert sum(weight.numel() for weight in Llama(config).parameters()) == parameters(config)


@pytest.mark.parametrize("depth", range(1, 25))
def test_depth_derives_a_model_that_can_be_built(depth):
    preset = from_depth(depth)
    config = preset.config(preset.vocab_size)
    assert (config.num_hidden_layers, config.hidden_size, config.head_dim) == (depth, 64 * depth, 64)
    assert config.intermediate_size % 64 == 0
    assert preset.batch_rows % preset.micro_rows == 0


def test_more_depth_is_more_model():
    sizes = [parameters(from_depth(depth).config(1000)) for depth in range(1, 13)]
    assert sizes == sorted(sizes)
    with pytest.raises(Problem, match="depth must be 1 or more"):
        from_depth(0)


@pytest.mark.parametrize("tied", [True, False])
def test_flops_equal_what_pytorch_counts(tied):
    """PyTorch's counter sees the matrix products of one forward and backward pass."""
    from torch.utils.flop_counter import FlopCounterMode

    config = LlamaConfig(40, 32, 64, 2, 4, 2, tie_word_embeddings=tied)
    model, length = Llama(config), 16
    model.attend_with(attend)
    with FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, length, dtype=torch.long)).sum().backward()
    norms = 6 * (2 * config.num_hidden_layers + 1) * config.hidden_size  # weights too, but they multiply no matrix
    assert counter.get_total_flops() == pytest.approx((training_flops(config, length) - norms) * length)


def test_what_is_chosen_counts_and_the_rest_suits_the_shape():
    small, large = PRESETS["nano"], PRESETS["42M"]
    assert (small.training("cpu").steps, small.training("cpu").decay_share) == (1000, 0.5)
    assert large.training("cpu").sequence == 512 and large.training("cpu", sequence=64).sequence == 64
    assert small.training("cpu", steps=5).warmup_steps == 5 and small.training("cpu", steps=50).warmup_steps == 20
    assert small.training("cpu", batch_rows=2).micro_rows == 2 and large.training("cpu").micro_rows == 4
    assert large.compiling_pays and not small.compiling_pays


def test_a_model_has_the_marks_of_its_tokenizer_and_room_for_its_rows():
    tokenizer = Tokenizer.train(["a cat and a rat"], 258)
    config = PRESETS["nano"].config_for(tokenizer, 2000)
    assert (config.vocab_size, config.max_position_embeddings) == (len(tokenizer), 2000)
    assert config.bos_token_id == tokenizer.bos_id and config.eos_token_id == tokenizer.eos_id
    assert PRESETS["nano"].config_for(tokenizer, 8).max_position_embeddings == 512
