"""Statistics of evaluations: intervals, chances of several trials, paired tests, agreement. Pure functions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from fractions import Fraction
from statistics import NormalDist
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

LEVEL: Final = 0.95
"""Confidence of every interval, unless said otherwise."""

ROUNDS: Final = 2_000
"""Resamples of a bootstrap, unless said otherwise."""

_CELLS = 2_000_000  # numbers drawn at a time: memory stays small however many clusters there are
_Item = TypeVar("_Item")


class Interval(NamedTuple):
    """Where a figure most likely lies."""

    low: float
    high: float


def wilson(successes: int, count: int, level: float = LEVEL) -> Interval:
    """Wilson's score interval of a share; right also near 0 and 1 and for few episodes.

    Args:
        successes: How many came out well.
        count: Of how many; of none, the interval is everything.
        level: Confidence.

    Raises:
        ValueError: If there are more successes than episodes, or fewer than none.
    """
    if not 0 <= successes <= count:
        raise ValueError(f"successes must be 0 to {count}; got {successes}")
    if count == 0:
        return Interval(0.0, 1.0)
    z2 = _z(level) ** 2
    share, scale = successes / count, 1 + z2 / count
    middle = (share + z2 / (2 * count)) / scale
    half = math.sqrt(z2) * math.sqrt(share * (1 - share) / count + z2 / (4 * count * count)) / scale
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == count else min(1.0, middle + half)
    return Interval(low, high)


def bootstrap(
    values: Sequence[_Item],
    statistic: Callable[[Sequence[_Item]], float],
    seed: int = 0,
    rounds: int = ROUNDS,
    level: float = LEVEL,
) -> Interval:
    """The percentile bootstrap's interval of any statistic of independent values.

    Args:
        values: What was observed; at least one.
        statistic: The figure, of any resample of the values.
        seed: Of the resampling.
        rounds: Number of resamples.
        level: Confidence.

    Raises:
        ValueError: If there is no value.
    """
    if not values:
        raise ValueError("a bootstrap needs at least one value")
    rng, size = np.random.default_rng(seed), len(values)
    figures = [statistic([values[at] for at in rng.integers(0, size, size).tolist()]) for _ in range(rounds)]
    return _percentiles(np.array(figures), level)


def clustered(
    clusters: Sequence[Sequence[float]], seed: int = 0, rounds: int = ROUNDS, level: float = LEVEL
) -> Interval:
    """The bootstrap's interval of a mean whose values come in clusters, such as the trials of one task.

    Whole clusters are drawn: values of one cluster say less than as many of different ones, and the interval is wider
    for it. If all values are alike it has no width; Wilson's has.

    Args:
        clusters: The values of each cluster; empty ones do not count.
        seed: Of the resampling.
        rounds: Number of resamples.
        level: Confidence.

    Raises:
        ValueError: If there is no value.
    """
    filled = [cluster for cluster in clusters if len(cluster)]
    if not filled:
        raise ValueError("a bootstrap needs at least one value")
    sums = np.array([math.fsum(cluster) for cluster in filled])
    sizes = np.array([len(cluster) for cluster in filled], dtype=float)
    rng, count = np.random.default_rng(seed), len(filled)
    means = np.empty(rounds)
    batch = max(1, _CELLS // count)
    for begin in range(0, rounds, batch):
        drawn = rng.integers(0, count, (min(batch, rounds - begin), count))
        means[begin : begin + len(drawn)] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return _percentiles(means, level)


def pass_at_k(count: int, successes: int, k: int) -> float:
    """The chance that at least one of k trials is a success, if they are drawn from `count` of which some were.

    Without bias for the chance of k fresh trials: 1 - C(count - successes, k) / C(count, k).

    Raises:
        ValueError: If k is not 1 to count, or successes not 0 to count.
    """
    _check_trials(count, successes, k)
    return float(1 - Fraction(math.comb(count - successes, k), math.comb(count, k)))


def pass_hat_k(count: int, successes: int, k: int) -> float:
    """The chance that all of k trials are successes (pass^k), if they are drawn from `count` of which some were.

    Without bias for the chance of k fresh trials: C(successes, k) / C(count, k).

    Raises:
        ValueError: If k is not 1 to count, or successes not 0 to count.
    """
    _check_trials(count, successes, k)
    return float(Fraction(math.comb(successes, k), math.comb(count, k)))


def mcnemar(only_first: int, only_second: int) -> float:
    """McNemar's exact test, two-sided: how likely so uneven a split of the pairs that differ is, if neither is better.

    Args:
        only_first: Pairs in which only the first was a success.
        only_second: Pairs in which only the second was.

    Returns:
        The p-value; 1 if no pair differs.

    Raises:
        ValueError: If a number is below 0.
    """
    if min(only_first, only_second) < 0:
        raise ValueError(f"pairs cannot be fewer than none; got {only_first} and {only_second}")
    count, term, tail = only_first + only_second, 1, 0
    for chosen in range(min(only_first, only_second) + 1):
        tail += term
        term = term * (count - chosen) // (chosen + 1)  # from C(count, chosen) to the next
    return float(min(Fraction(1), Fraction(2 * tail, 2**count)))


def cohen_kappa(pairs: Sequence[tuple[Hashable, Hashable]]) -> float:
    """Cohen's kappa: agreement of two raters beyond what chance gives; 1 is perfect, 0 is chance.

    It is 0, too, if both always say the same one word: that is no evidence of agreement.

    Args:
        pairs: What the two said of each item; at least one.

    Raises:
        ValueError: If there is no pair.
    """
    if not pairs:
        raise ValueError("agreement needs at least one pair")
    count = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(other for _, other in pairs)
    agreed = sum(one == other for one, other in pairs) * count
    chance = sum(times * second[word] for word, times in first.items())
    return 0.0 if chance == count * count else (agreed - chance) / (count * count - chance)


def quantiles(values: Sequence[float], shares: Sequence[float]) -> list[float]:
    """Quantiles of values, between neighbours by interpolation; none of no values."""
    return [float(figure) for figure in np.quantile(np.array(values, dtype=float), list(shares))] if values else []


def _z(level: float) -> float:
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1; got {level}")
    return NormalDist().inv_cdf((1 + level) / 2)


def _percentiles(figures: Any, level: float) -> Interval:
    _z(level)  # refuses what is no level
    low, high = np.quantile(figures, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def _check_trials(count: int, successes: int, k: int) -> None:
    if not 0 <= successes <= count:
        raise ValueError(f"successes must be 0 to {count}; got {successes}")
    if not 1 <= k <= count:
        raise ValueError(f"k must be 1 to {count}, the number of trials; got {k}")
