"""pass@k against the definition: every way to draw k of n samples, looked at one by one."""

from itertools import combinations, pairwise

import pytest

from tiny_eval.metrics.pass_at_k import mean_pass_at_k, pass_at_k


def test_numbers_by_hand():
    assert pass_at_k(4, 1, 2) == 0.5
    assert pass_at_k(10, 3, 1) == 0.3  # k = 1 is the share that passes
    assert (pass_at_k(5, 0, 3), pass_at_k(5, 5, 3), pass_at_k(5, 3, 3)) == (0.0, 1.0, 1.0)  # 2 failures can't fill 3


@pytest.mark.parametrize("n", range(1, 10))
def test_equals_brute_force_over_all_subsets(n):
    for c in range(n + 1):
        samples = [True] * c + [False] * (n - c)
        for k in range(1, n + 1):
            draws = list(combinations(samples, k))
            assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, draws)) / len(draws), abs=1e-12)


def test_grows_with_k_and_with_c_and_stays_exact_for_many_samples():
    values = [pass_at_k(200, 3, k) for k in range(1, 201)]
    assert all(a <= b for a, b in pairwise(values)) and values[-1] == 1.0
    assert pass_at_k(200, 4, 10) > pass_at_k(200, 3, 10)
    assert pass_at_k(10_000, 1, 100) == pytest.approx(0.01, abs=1e-15)


def test_mean_over_problems():
    assert mean_pass_at_k([(4, 1), (4, 4), (2, 0)], 2) == pytest.approx((0.5 + 1 + 0) / 3)


@pytest.mark.parametrize("n, c, k", [(4, 5, 1), (4, -1, 1), (4, 1, 5), (4, 1, 0), (0, 0, 1)])
def test_impossible_numbers_are_refused(n, c, k):
    with pytest.raises(ValueError, match=f"n={n}, c={c}, k={k}"):
        pass_at_k(n, c, k)


def test_no_problems_are_refused():
    with pytest.raises(ValueError, match="got none"):
        mean_pass_at_k([], 1)
