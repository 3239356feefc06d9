"""Attention written out against PyTorch's kernel."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tiny_llama3.attention import attend, attend_fused, causal


@given(
    st.integers(1, 3), st.sampled_from([(1, 1), (4, 2), (6, 2), (3, 3)]), st.integers(1, 12), st.integers(0, 9),
    st.integers(1, 8), st.booleans(), st.integers(0, 99),
)  # fmt: skip
def test_equals_pytorch(batch, heads, positions, before, size, masked, seed):
    torch.manual_seed(seed)
    query = torch.randn(batch, heads[0], positions, size, requires_grad=True)
    key, value = (torch.randn(batch, heads[1], positions + before, size, requires_grad=True) for _ in range(2))
    mask = causal(positions, positions + before)
    if masked:
        mask = mask & (torch.rand(batch, 1, positions, positions + before) < 0.7)
        mask[..., 0] = True  # somebody must be seen
    ours, theirs = attend(query, key, value, mask), attend_fused(query, key, value, mask)
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    for mine, wanted in zip(*(torch.autograd.grad(out.square().sum(), (query, key, value)) for out in (ours, theirs)),
                            strict=True):  # fmt: skip
        torch.testing.assert_close(mine, wanted, atol=1e-5, rtol=1e-4)


def test_without_a_mask_nobody_looks_ahead():
    query, key, value = (torch.randn(2, 4, 7, 6) for _ in range(3))
    torch.testing.assert_close(attend(query, key, value, None), attend_fused(query, key, value, None))
    changed = value.clone()
    changed[:, :, 5:] += 1
    assert torch.equal(attend(query, key, changed, None)[:, :, :5], attend(query, key, value, None)[:, :, :5])


def test_causal_lets_the_last_positions_see_all_before():
    assert causal(2, 4)[0, 0].tolist() == [[True, True, True, False], [True, True, True, True]]
