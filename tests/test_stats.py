"""Statistics agree with what counting, enumeration and other roads to the same figure give."""

import itertools
import math
from fractions import Fraction
from statistics import mean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym.evaluation import stats

TRIALS = [(count, successes, k) for count in range(1, 7) for successes in range(count + 1) for k in range(1, count + 1)]


@pytest.mark.parametrize(("count", "successes", "k"), TRIALS)
def test_chances_of_k_trials_are_those_of_enumeration(count, successes, k):
    draws = list(itertools.combinations([True] * successes + [False] * (count - successes), k))
    assert stats.pass_at_k(count, successes, k) == pytest.approx(mean(map(any, draws)))
    assert stats.pass_hat_k(count, successes, k) == pytest.approx(mean(map(all, draws)))


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.7, 1.0])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_chances_of_k_trials_have_no_bias(chance, k):
    """Over all that five trials can come to, they are on average the chance of k fresh trials."""
    weights = [math.comb(5, won) * chance**won * (1 - chance) ** (5 - won) for won in range(6)]
    at = sum(weight * stats.pass_at_k(5, won, k) for won, weight in enumerate(weights))
    hat = sum(weight * stats.pass_hat_k(5, won, k) for won, weight in enumerate(weights))
    assert at == pytest.approx(1 - (1 - chance) ** k)
    assert hat == pytest.approx(chance**k)


@pytest.mark.parametrize("chances", [stats.pass_at_k, stats.pass_hat_k])
def test_chances_of_many_trials_do_not_overflow(chances):
    assert 0 <= chances(5_000, 2_500, 40) <= 1


@pytest.mark.parametrize("chances", [stats.pass_at_k, stats.pass_hat_k])
@pytest.mark.parametrize(("count", "successes", "k"), [(3, 4, 1), (3, -1, 1), (3, 1, 0), (3, 1, 4), (0, 0, 1)])
def test_impossible_trials_are_refused(chances, count, successes, k):
    with pytest.raises(ValueError, match="must be"):
        chances(count, successes, k)


@given(st.integers(1, 400), st.data())
@settings(max_examples=60, deadline=None)
def test_wilson_ends_where_the_score_test_turns(count, data):
    """At either end p, the observed share is exactly z standard errors of p away."""
    successes = data.draw(st.integers(0, count))
    share, z = successes / count, 1.959963984540054
    low, high = stats.wilson(successes, count)
    assert 0 <= low <= share <= high <= 1
    for end in (low, high):
        if 0 < end < 1:
            assert abs(share - end) == pytest.approx(z * math.sqrt(end * (1 - end) / count), rel=1e-6)


def test_wilson_of_textbook_figures():
    assert stats.wilson(15, 20) == pytest.approx((0.531299, 0.888138), abs=1e-5)
    assert stats.wilson(0, 10) == pytest.approx((0.0, 0.277533), abs=1e-5)
    assert stats.wilson(10, 10) == pytest.approx((0.722467, 1.0), abs=1e-5)
    assert stats.wilson(0, 0) == (0.0, 1.0)
    narrow, wide = stats.wilson(5, 9, 0.5), stats.wilson(5, 9, 0.99)
    assert wide.low < narrow.low < narrow.high < wide.high


def test_wilson_covers_at_least_about_as_often_as_it_says():
    for chance in (0.05, 0.3, 0.5, 0.9):
        covered = 0.0
        for won in range(41):
            low, high = stats.wilson(won, 40)
            covered += math.comb(40, won) * chance**won * (1 - chance) ** (40 - won) * (low <= chance <= high)
        assert covered > 0.92


@pytest.mark.parametrize(("successes", "count", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 2, 0.0)])
def test_impossible_intervals_are_refused(successes, count, level):
    with pytest.raises(ValueError, match="must be"):
        stats.wilson(successes, count, level)


def test_bootstrap_of_a_mean_is_near_the_normal_interval():
    values = np.random.default_rng(1).normal(3, 2, 200).tolist()
    low, high = stats.bootstrap(values, mean, seed=5, rounds=600)
    half = 1.96 * np.std(values) / math.sqrt(200)
    assert low == pytest.approx(mean(values) - half, abs=half / 4)
    assert high == pytest.approx(mean(values) + half, abs=half / 4)
    assert stats.bootstrap(values, mean, seed=5, rounds=600) == (low, high)
    assert stats.bootstrap(values, mean, seed=6, rounds=600) != (low, high)


def test_clusters_of_one_are_the_plain_bootstrap():
    values = [0.0] * 30 + [1.0] * 50
    plain = stats.bootstrap(values, mean, rounds=2000)
    alone = stats.clustered([[value] for value in values])
    assert alone == pytest.approx(plain, abs=0.03)


def test_repeated_values_of_a_cluster_add_no_certainty():
    values = [0.0] * 20 + [1.0] * 20
    once = stats.clustered([[value] for value in values])
    often = stats.clustered([[value] * 25 for value in values])
    assert often == pytest.approx(once, abs=1e-12)
    apart = stats.clustered([[value] for value in values * 25])
    assert apart.high - apart.low < (often.high - often.low) / 3


def test_clusters_weigh_by_their_size_and_empty_ones_do_not_count():
    low, high = stats.clustered([[1.0] * 9, [], [0.0]], rounds=4000)
    assert (low, high) == (0.0, 1.0)
    assert stats.clustered([[1.0], [1.0, 1.0], []]) == (1.0, 1.0)


def test_many_clusters_are_drawn_in_batches(monkeypatch):
    clusters = [[float(at % 3 == 0)] for at in range(300)]
    whole = stats.clustered(clusters, rounds=500)
    monkeypatch.setattr(stats, "_CELLS", 7 * 300)
    assert stats.clustered(clusters, rounds=500) == whole


def test_no_values_are_refused():
    for call in (lambda: stats.bootstrap([], mean), lambda: stats.clustered([[], []]), lambda: stats.cohen_kappa([])):
        with pytest.raises(ValueError, match="at least one"):
            call()


@pytest.mark.parametrize("first", range(7))
@pytest.mark.parametrize("second", range(7))
def test_mcnemar_is_that_of_enumeration(first, second):
    """Each pair that differs is a fair coin: count the outcomes at least as uneven."""
    count, edge = first + second, abs(first - second)
    flips = itertools.product((0, 1), repeat=count)
    as_uneven = sum(abs(2 * sum(heads) - count) >= edge for heads in flips)
    assert stats.mcnemar(first, second) == pytest.approx(as_uneven / 2**count)


def test_mcnemar_of_many_pairs():
    assert stats.mcnemar(3_000, 3_000) == 1.0
    assert 0 < stats.mcnemar(3_000, 2_900) < 1
    assert stats.mcnemar(5_000, 0) == pytest.approx(float(Fraction(2, 2**5_000)), abs=1e-300)
    with pytest.raises(ValueError, match="fewer than none"):
        stats.mcnemar(-1, 2)


def test_kappa_of_a_textbook_table():
    pairs = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    assert stats.cohen_kappa(pairs) == pytest.approx(0.4)
    assert stats.cohen_kappa([(b, a) for a, b in pairs]) == pytest.approx(0.4)


def test_kappa_at_its_ends():
    assert stats.cohen_kappa([("a", "a"), ("b", "b"), ("c", "c")]) == 1.0
    assert stats.cohen_kappa([("a", "b"), ("b", "a")]) == -1.0
    assert stats.cohen_kappa([("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]) == 0.0
    assert stats.cohen_kappa([("yes", "yes")] * 9) == 0.0
    assert stats.cohen_kappa([("yes", "yes"), ("no", "yes")] * 9) == 0.0


def test_kappa_has_an_interval_by_bootstrap():
    pairs = [("yes", "yes")] * 80 + [("no", "no")] * 80 + [("yes", "no")] * 20 + [("no", "yes")] * 20
    low, high = stats.bootstrap(pairs, stats.cohen_kappa, seed=3, rounds=500)
    assert 0.4 < low < stats.cohen_kappa(pairs) < high < 0.8


def test_quantiles():
    assert stats.quantiles([4, 1, 3, 2, 5], (0.0, 0.5, 0.75, 1.0)) == [1.0, 3.0, 4.0, 5.0]
    assert stats.quantiles([], (0.5,)) == []
