"""Five ways of attention: the same results as torch's own module, and costs that are what they are said to be."""

import math
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from tiny_transformer import compare_attention, five_ways
from tiny_transformer.compare_attention import Measurement, compare, count_flops, peak_bytes, plot, run, table
from tiny_transformer.five_ways import BLOCK, WAYS, Weights

TRACK = Path(__file__).resolve().parents[1]
DENSE = ("loop over heads", "fused projection", "einsum")


def inputs(batch, length, d_model, seed=0, dtype=torch.float32):
    generator = torch.Generator().manual_seed(seed)
    shapes = (batch, length, d_model), (d_model, 3 * d_model), (d_model, d_model)
    return [torch.randn(shape, generator=generator, dtype=dtype) / math.sqrt(shape[-1]) for shape in shapes]


def torch_attention(x_BTD, input_D3D, output_DD, n_heads, causal):
    """The reference library: its packed projection is ours, transposed."""
    theirs = nn.MultiheadAttention(x_BTD.shape[-1], n_heads, bias=False, batch_first=True, dtype=x_BTD.dtype)
    mask = torch.ones(x_BTD.shape[1], x_BTD.shape[1]).triu(1).bool() if causal else None  # there, True = may not
    with torch.no_grad():
        theirs.in_proj_weight.copy_(input_D3D.T)
        theirs.out_proj.weight.copy_(output_DD.T)
        return theirs(x_BTD, x_BTD, x_BTD, attn_mask=mask, need_weights=False)[0]


@pytest.mark.parametrize("name", WAYS)
@given(batch=st.integers(1, 3), length=st.integers(1, 40), heads=st.integers(1, 4), head_size=st.integers(1, 9),
       causal=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
def test_every_way_equals_torch(name, batch, length, heads, head_size, causal, seed):
    x_BTD, input_D3D, output_DD = inputs(batch, length, heads * head_size, seed)
    ours = WAYS[name](x_BTD, Weights(input_D3D, output_DD, heads), causal)
    theirs = torch_attention(x_BTD, input_D3D, output_DD, heads, causal)
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("length", [BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK + 7])
def test_blocks_that_end_anywhere(length, causal):
    x_BTD, input_D3D, output_DD = inputs(2, length, 12, dtype=torch.float64)
    ours = five_ways.blockwise(x_BTD, Weights(input_D3D, output_DD, 3), causal)
    torch.testing.assert_close(ours, torch_attention(x_BTD, input_D3D, output_DD, 3, causal))


def test_blockwise_survives_scores_that_would_overflow(monkeypatch):
    """exp(800) is infinite even in float64; and the highest score comes last, when much is summed already."""
    monkeypatch.setattr(five_ways, "BLOCK", 4)
    x_BTD = torch.linspace(1, 30, 12, dtype=torch.float64)[None, :, None]
    weights = Weights(torch.ones(1, 3, dtype=torch.float64), torch.ones(1, 1, dtype=torch.float64), 1)
    ours = five_ways.blockwise(x_BTD, weights, False)
    torch.testing.assert_close(ours, torch_attention(x_BTD, weights.input_D3D, weights.output_DD, 1, False))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", WAYS)
def test_gradients_are_those_of_finite_differences(name, masked, monkeypatch):
    monkeypatch.setattr(five_ways, "BLOCK", 2)
    tensors = [tensor.requires_grad_() for tensor in inputs(1, 5, 4, dtype=torch.float64)]
    assert torch.autograd.gradcheck(lambda x, w, o: WAYS[name](x, Weights(w, o, 2), masked), tensors)


# ---- operations ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", [*DENSE, "blockwise"])
def test_operations_are_those_that_torch_counts(name, masked, backward):
    batch, length, d_model, heads = 2, 2 * BLOCK + 30, 24, 3
    tensors = [tensor.requires_grad_(backward) for tensor in inputs(batch, length, d_model)]
    with FlopCounterMode(display=False) as counter:
        run(WAYS[name], tensors, heads, masked, backward)
    assert count_flops(name, length, d_model, batch, masked, backward) == counter.get_total_flops()


def test_the_kernel_s_operations():
    """torch's counter knows the kernel's GPU version only; on the CPU it can look at the same way done step by step."""
    batch, length, d_model, heads = 2, 50, 24, 3
    name = "torch's kernel"
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        run(WAYS[name], inputs(batch, length, d_model), heads, False, False)
    assert count_flops(name, length, d_model, batch, False) == counter.get_total_flops()
    shape = (batch, heads, length, d_model // heads)
    forward, backward = sdpa_flop_count(shape, shape, shape), sdpa_backward_flop_count(shape, shape, shape, shape)
    products = counter.get_total_flops() - forward
    assert count_flops(name, length, d_model, batch, False, True) == 3 * products + forward + backward
    seen = length * (length + 1) / (2 * length * length)
    assert count_flops(name, length, d_model, batch, True) == products + forward * seen


# ---- memory --------------------------------------------------------------------------------------------------------


def test_peak_is_what_lives_at_one_moment():
    def work():
        first = torch.ones(1000, 256)  # 1,024,000 bytes
        second = first + 1
        del first
        return second + 1  # again two of them

    assert 2 * 1_024_000 <= peak_bytes(work) < 2 * 1_024_000 + 100  # the number 1 becomes a tensor for a moment
    assert peak_bytes(lambda: None) == 0


def test_memory_of_the_five_ways():
    """Scores and weights are 2 (H, T, T); everything else is smaller, and the loop holds only one head's at a time."""
    length, d_model, heads = 512, 32, 8
    tensors = inputs(1, length, d_model)
    scores = 4 * heads * length * length
    others = 4 * 8 * length * d_model + length * length  # queries, keys, values, ...; a mask of one byte each
    peak = {name: peak_bytes(partial(run, way, tensors, heads, True, False)) for name, way in WAYS.items()}
    assert 2 * scores <= peak["fused projection"] <= 2 * scores + others
    assert 2 * scores <= peak["einsum"] <= 2 * scores + others
    assert 2 * scores / heads <= peak["loop over heads"] <= 3 * scores / heads + others
    assert peak["blockwise"] <= 4 * (4 * heads * BLOCK * BLOCK) + others
    assert peak["torch's kernel"] < 0.2 * scores


@pytest.mark.parametrize(("name", "least", "most"), [("fused projection", 3.5, 4), ("blockwise", 1, 2)])
def test_memory_by_length(name, least, most):
    short, long = (
        peak_bytes(partial(run, WAYS[name], inputs(1, length, 8), 4, False, False)) for length in (512, 1024)
    )
    assert least <= long / short <= most


def test_the_profiler_says_nothing_of_its_own():
    """PyTorch's profiler prints lines when it starts and stops; they would stand in the middle of a progress bar."""
    code = (
        "from tiny_transformer.compare_attention import peak_bytes as p; import torch; print(p(lambda: torch.ones(9)))"
    )
    environment = {name: value for name, value in os.environ.items() if name != "KINETO_LOG_LEVEL"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=TRACK, env=environment, capture_output=True, text=True, timeout=600, check=True)
    assert (done.stdout, done.stderr) == ("36\n", "")


# ---- the comparison ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def measured():
    return compare([16, 160], d_model=16, n_heads=2, batch=2, rounds=2)


def test_compare_measures_every_way_at_every_length(measured):
    wanted = [(length, masked, name) for length in (16, 160) for masked in (False, True) for name in WAYS]
    assert [(m.length, m.masked, m.name) for m in measured] == wanted
    for m in measured:
        assert m.flops == count_flops(m.name, m.length, 16, 2, m.masked)
        assert m.seconds > 0 and m.peak_bytes > 0 and 0 < m.max_difference < 1e-5


def test_compare_is_seeded_and_shows_its_progress():
    seen = []

    def progress(items):
        for item in items:
            seen.append(item)
            yield item

    first = compare([8, 9], 8, 2, rounds=1, progress=progress)
    assert seen == [(8, False), (8, True), (9, False), (9, True)]
    again, other = compare([8, 9], 8, 2, rounds=1), compare([8, 9], 8, 2, rounds=1, seed=1)
    assert [m.max_difference for m in first] == [m.max_difference for m in again]
    assert [m.max_difference for m in first] != [m.max_difference for m in other]


def test_backward_costs_more(measured):
    both = compare([16, 160], d_model=16, n_heads=2, batch=2, rounds=1, backward=True)
    assert all(b.flops >= 3 * m.flops and b.peak_bytes > m.peak_bytes for b, m in zip(both, measured, strict=True))
    assert all(b.max_difference < 1e-5 for b in both)


@pytest.mark.parametrize("wrong", ["result", "gradient", "nan"])
def test_a_way_that_differs_is_refused(monkeypatch, wrong):
    def different(x_BTD, weights, causal):
        result = five_ways.einsum(x_BTD, weights, causal)
        if wrong == "gradient":
            return result.detach() + 0 * x_BTD + 0 * weights.input_D3D.sum() + 0 * weights.output_DD.sum()
        return result + (math.nan if wrong == "nan" else 0.01 if causal else 0.0)

    monkeypatch.setitem(compare_attention.WAYS, "einsum", different)
    mask = "with mask" if wrong == "result" else "without mask"
    with pytest.raises(ValueError, match=f"einsum differs from the loop over heads by .* at length 8, {mask}"):
        compare([8], 8, 2, rounds=1, backward=wrong == "gradient")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lengths": []}, "no length"),
        ({"lengths": [8, 0]}, r"length must be 1 or more \(got 0\)"),
        ({"d_model": 10, "n_heads": 4}, r"n_heads must divide d_model \(got 4, 10\)"),
        ({"d_model": 0}, "divide"),
        ({"n_heads": 0}, "n_heads must be 1 or more"),
        ({"batch": 0}, "batch must be 1 or more"),
        ({"rounds": 0}, "rounds must be 1 or more"),
        ({"device": "meta"}, "cpu and cuda only"),
    ],
)
def test_nonsense_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        compare(**{"lengths": [8], "d_model": 8, "n_heads": 2, **arguments})


ROWS = [Measurement("blockwise", masked, length, 0.002 * length, 3 * 2**20, 10**9, 2.5e-7)
        for length in (8, 16) for masked in (False, True)]  # fmt: skip


def test_table():
    lines = table(ROWS).splitlines()
    assert len({len(line) for line in lines}) == 1
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0] == ["length", "mask", "way", "ms", "MiB", "GFLOP", "GFLOP/s", "difference"]
    assert cells[2] == ["8", "none", "blockwise", "16.00", "3.0", "1.000", "62.5", "2e-07"]
    assert cells[5][:4] == ["16", "causal", "blockwise", "32.00"]


def test_plot_is_a_picture(measured):
    image = plot(measured)
    assert image.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(image[16:20]) == 1320 and int.from_bytes(image[20:24]) == 600
    assert plot(measured) == image != plot(ROWS)
