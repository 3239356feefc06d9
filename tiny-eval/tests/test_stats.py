"""Each statistic equals scipy's or statsmodels'."""

import math
from typing import Any

import numpy as np
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import NormalIndPower

from tiny_eval import stats
from tiny_eval.stats import (
    bootstrap_interval,
    clustered_error,
    holm,
    items_needed,
    mcnemar,
    paired,
    permutation_test,
    standard_error,
    t_cdf,
    t_quantile,
)

SCORES = st.lists(st.floats(0, 1), min_size=2, max_size=60)


def draw(n, seed=0):
    return np.random.default_rng(seed).random(n)


def test_the_worked_examples():
    assert standard_error([1, 1, 0, 0]) == pytest.approx(math.sqrt(1 / 12))
    assert clustered_error([1, 1, 0, 0], "aabb") == pytest.approx(0.5)
    assert permutation_test([1, 1, 1]) == (0.25, True)
    found = mcnemar([1] * 8 + [0] * 2 + [1, 0], [0] * 8 + [1] * 2 + [1, 0])
    assert (found.only_a, found.only_b) == (8, 2)
    assert (found.p, found.mid_p) == (pytest.approx(112 / 1024), pytest.approx(67 / 1024))
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert items_needed(200, 2, 2) == 1570


@given(SCORES)
def test_standard_error_equals_scipy(scores):
    assert standard_error(scores) == pytest.approx(scipy.stats.sem(scores), rel=1e-9, abs=1e-12)


@given(SCORES)
def test_with_every_item_a_cluster_both_errors_agree(scores):
    assert clustered_error(scores, range(len(scores))) == pytest.approx(standard_error(scores), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_clustered_error_equals_statsmodels(seed):
    random = np.random.default_rng(seed)
    clusters = random.integers(0, random.integers(2, 30), 150)
    scores = random.random(150) + random.random(30)[clusters]
    fit = sm.OLS(scores, np.ones((150, 1))).fit(cov_type="cluster", cov_kwds={"groups": clusters})
    assert clustered_error(scores.tolist(), clusters.tolist()) == pytest.approx(fit.bse[0], rel=1e-9)


@given(st.floats(-60, 60).filter(lambda t: abs(t) > 1e-3), st.floats(1, 5_000))
def test_t_distribution_equals_scipy(t, freedom):
    assert t_cdf(t, freedom) == pytest.approx(scipy.stats.t.cdf(t, freedom), abs=1e-9)


@given(st.floats(-1e-3, 1e-3))
def test_t_with_one_degree_of_freedom_is_cauchys(t):
    """Near 0 scipy's own digits fail: at 1e-8 its last eight are wrong."""
    assert t_cdf(t, 1) - 0.5 == pytest.approx(math.atan(t) / math.pi, rel=1e-9, abs=1e-16)


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1, 5_000))
def test_t_quantile_equals_scipy(probability, freedom):
    expected = scipy.stats.t.ppf(probability, freedom)
    assert t_quantile(probability, freedom) == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize(("n", "level"), [(30, 0.95), (200, 0.95), (200, 0.9)])
def test_bootstrap_equals_scipy_within_monte_carlo_error(n, level):
    scores = draw(n)
    theirs = scipy.stats.bootstrap(
        (scores,), np.mean, confidence_level=level, method="percentile", n_resamples=10_000, rng=5
    ).confidence_interval
    # the error of a quantile from 10,000 draws is about 2.7 % of the standard error at 2.5 %; twice four of them
    within = 8 * 0.027 * standard_error(scores.tolist())
    assert bootstrap_interval(scores.tolist(), level=level) == pytest.approx(tuple(theirs), abs=within)


def test_bootstrap_of_clusters_draws_whole_clusters():
    scores = np.repeat(draw(40), 5)
    clusters = np.repeat(np.arange(40), 5).tolist()
    low, high = bootstrap_interval(scores.tolist(), clusters)
    one_each = bootstrap_interval(scores[::5].tolist())
    assert (low, high) == pytest.approx(one_each, abs=0.01)
    alone = bootstrap_interval(scores.tolist())
    assert high - low > 2 * (alone[1] - alone[0])  # √5 times as wide


def test_bootstrap_depends_on_the_seed_alone():
    scores = draw(50).tolist()
    first, again, other = (bootstrap_interval(scores, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), min_size=2, max_size=12))
def test_permutation_test_is_exact_for_few_items(differences):
    p, exact = permutation_test(differences)
    theirs = scipy.stats.permutation_test(
        (np.array(differences),), np.sum, permutation_type="samples", n_resamples=np.inf
    ).pvalue
    assert exact
    assert p == pytest.approx(theirs, abs=1e-9)


def test_permutation_test_is_sampled_for_many_items():
    differences = np.random.default_rng(3).normal(0.03, 0.2, 200)
    p, exact = permutation_test(differences.tolist())
    theirs = scipy.stats.permutation_test(
        (differences,), np.sum, permutation_type="samples", n_resamples=50_000, rng=1
    ).pvalue
    assert not exact
    assert p == pytest.approx(theirs, abs=4 * math.sqrt(theirs * (1 - theirs) / 9_999))


def test_permutation_test_tosses_one_coin_for_a_cluster():
    differences = [1.0] * 12
    assert permutation_test(differences)[0] == pytest.approx(2 / 2**12)
    assert permutation_test(differences, [i // 4 for i in range(12)])[0] == 0.25


def test_no_difference_is_no_evidence():
    assert permutation_test([0.0] * 5) == (1.0, True)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_equals_statsmodels(only_a, only_b):
    found = mcnemar([1] * only_a + [0] * only_b + [1], [0] * only_a + [1] * only_b + [1])
    theirs = their_mcnemar([[5, only_a], [only_b, 7]], exact=True).pvalue if only_a + only_b else 1.0
    assert found.p == pytest.approx(theirs, rel=1e-9)
    point = scipy.stats.binom.pmf(min(only_a, only_b), only_a + only_b, 0.5)
    tail = scipy.stats.binom.cdf(min(only_a, only_b), only_a + only_b, 0.5)
    assert found.mid_p == pytest.approx(2 * tail - point, rel=1e-9)


def test_mcnemar_of_thousands_of_items():
    found = mcnemar([1] * 5_000 + [0] * 4_800, [0] * 5_000 + [1] * 4_800)
    assert found.p == pytest.approx(scipy.stats.binomtest(4_800, 9_800).pvalue, rel=1e-9)
    with pytest.raises(ValueError, match="0 and 1 only"):
        mcnemar([0.5], [1])


@pytest.mark.parametrize("n", [1, 2, 5, 20, 100])
def test_holm_equals_statsmodels(n):
    p_values = (draw(n, n) ** 3).round(2).tolist()  # small ones, and ties
    assert holm(p_values) == pytest.approx(multipletests(p_values, method="holm")[1].tolist(), abs=1e-12)


@pytest.mark.parametrize(("effect", "power"), [(0.1, 0.8), (0.05, 0.9), (0.3, 0.8)])
def test_items_needed_equals_statsmodels(effect, power):
    theirs = NormalIndPower().solve_power(effect, alpha=0.05, power=power, ratio=0)
    assert items_needed(100, 1 / 10, effect, power=power) == math.ceil(theirs)
    with pytest.raises(ValueError, match="difference of 0"):
        items_needed(100, 1, 0)


@pytest.mark.parametrize("n", [2, 10, 300])
def test_paired_equals_scipys_paired_t_test(n):
    a, b = draw(n, 1), draw(n, 2)
    found = paired(a.tolist(), b.tolist())
    theirs = scipy.stats.ttest_rel(a, b)
    assert found.p_t == pytest.approx(theirs.pvalue, abs=1e-9)
    assert (found.low, found.high) == pytest.approx(tuple(theirs.confidence_interval(0.95)), rel=1e-6)
    assert (found.difference, found.stderr_a) == pytest.approx((a.mean() - b.mean(), scipy.stats.sem(a)))
    assert found.mcnemar is None


def test_paired_with_clusters_equals_statsmodels():
    a, b, clusters = draw(90, 1), draw(90, 2), np.arange(90) // 3
    found = paired(a.tolist(), b.tolist(), clusters.tolist())
    fit = sm.OLS(a - b, np.ones((90, 1))).fit(cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True)
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]), rel=1e-6)
    assert found.p_t == pytest.approx(fit.pvalues[0], rel=1e-6)
    assert found.clusters == 30


def test_the_error_of_a_difference_uses_that_the_items_are_shared():
    hard = draw(200)
    found = paired((hard * 0.9).tolist(), hard.tolist())
    assert found.stderr < found.stderr_a / 5


def test_paired_takes_numpy_arrays_and_booleans():
    arrays: list[Any] = [np.array([True, False, True, True]), np.array([0, 0, 1, 0])]
    found = paired(*arrays)
    assert found.difference == 0.5
    assert found.mcnemar == mcnemar([1, 0, 1, 1], [0, 0, 1, 0])


def test_equal_scores_leave_nothing_to_settle():
    found = paired([0.5, 1, 0], [0.5, 1, 0])
    assert (found.difference, found.stderr, found.p_t, found.p_permutation, found.items_needed) == (0, 0, 1, 1, None)


def test_points_are_a_hundred_times_shares():
    found = paired([1, 0, 1, 1], [0, 0, 1, 0])
    points = found.scaled(100)
    assert (points.difference, points.high, points.mean_a) == pytest.approx((50, 100 * found.high, 75))
    assert (points.p_t, points.n, points.mcnemar) == (found.p_t, found.n, found.mcnemar)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: paired([1, 2], [1]), "same items"),
        (lambda: paired([1], [1]), "two items or more"),
        (lambda: paired([1, 0], [0, 1], ["a", "a"]), "two clusters or more"),
        (lambda: standard_error([1]), "two scores or more"),
        (lambda: clustered_error([1, 2], ["a"]), "needs its cluster"),
        (lambda: bootstrap_interval([]), "at least one"),
        (lambda: t_quantile(1, 3), "between 0 and 1"),
        (lambda: t_cdf(1, 0), "above 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()


def test_the_name_that_other_programs_import_is_the_function():
    assert callable(stats.paired)
