"""Two models side by side: nothing between equal ones, and the definitions on small cases."""

import pytest
import torch

from qwen_blog.compare import attention_distance, compare, divergence
from qwen_blog.problem import Problem
from reference import pair


def test_a_model_and_itself(tmp_path):
    _, ours = pair("qwen2", tmp_path)
    found = compare(ours, ours, [1, 2, 3, 4])
    assert found.largest == found.divergence == 0 and found.top[0] == found.top[1]
    assert all(pair.divergence == 0 for pair in found.pairs) and [pair.layers for pair in found.pairs] == [
        (i, i) for i in range(-1, 3)
    ]
    one = compare(ours, ours, [1, 2, 3, 4], (0, 2))
    assert len(one.pairs) == 1 and one.pairs[0].divergence > 0 and len(set(one.pairs[0].distance or ())) == 2


def test_other_models(tmp_path):
    _, a = pair("qwen2", tmp_path / "a")
    _, b = pair("qwen3", tmp_path / "b", num_hidden_layers=6, seed=5)
    found = compare(a, b, [5, 6, 7])
    with torch.inference_mode():
        p, q = (model(torch.tensor([[5, 6, 7]]))[0, -1].log_softmax(-1) for model in (a, b))
    assert found.divergence == pytest.approx(
        float(torch.nn.functional.kl_div(q, p, log_target=True, reduction="sum")), rel=1e-4
    )
    assert [pair.layers for pair in found.pairs] == [(-1, -1), (0, 1), (1, 3), (2, 5)]
    _, c = pair("qwen2", tmp_path / "c", vocab_size=98)
    with pytest.raises(Problem, match="97 and 98 tokens"):
        compare(a, c, [1])
    with pytest.raises(Problem, match="no layer 3"):
        compare(a, b, [1], (3, 0))


def test_definitions():
    assert attention_distance(torch.eye(4)[None]).tolist() == [0]
    back = torch.zeros(1, 3, 3)
    back[0, :, 0] = 1  # everybody looks at the first: 0, 1 and 2 positions back
    assert attention_distance(back).tolist() == [1]
    half = torch.tensor([0.5, 0.5]).log()
    assert divergence(half, torch.tensor([0.25, 0.75]).log()) == pytest.approx(
        0.5 * torch.tensor([2.0, 2 / 3]).log().sum().item()
    )
