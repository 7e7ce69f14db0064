"""Seeded makers of amounts, percentages and days, each of which gives values of one pool only."""

from __future__ import annotations

import functools
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from random import Random
from typing import TypeVar

from crm_gym.tasks.splits import POOLS, Pool, pool_of_value

T = TypeVar("T")

SIZES = {"tiny": (400, 6_000), "small": (4_000, 40_000), "medium": (25_000, 250_000), "large": (150_000, 2_000_000)}
"""How big a client is to least and largest amount of its deals; amounts lean towards the least."""

_TRIES = 400  # a pool holds a fifth of all values at least: to fail so often has a chance of 1 in 10**38
_FIRST_DAY, _LAST_DAY = date(2010, 1, 1).toordinal(), date(2040, 12, 31).toordinal()


def pick(rng: Random, items: Sequence[T]) -> T:
    """One of the items; quicker than `rng.choice`."""
    return items[int(rng.random() * len(items))]


def drawn(make: Callable[[], str], pool: Pool) -> str:
    """What `make` gives when it first gives a value of the pool."""
    for _ in range(_TRIES):
        value = make()
        if pool_of_value(value) == pool:
            return value
    raise ValueError(f"no value of pool {pool} found in {_TRIES} tries; the bounds leave too few")


def amount(rng: Random, pool: Pool, size: str = "medium") -> Decimal:
    """An amount such as a client of that size pays; sizes are the keys of SIZES."""
    return amount_between(rng, pool, *SIZES[size])


def amount_between(rng: Random, pool: Pool, low: int | Decimal, high: int | Decimal) -> Decimal:
    """An amount from low to high, both included: mostly a round one, sometimes exact to the cent.

    Raises:
        ValueError: If there is none of that pool, or so few that none was found.
    """
    least, most = int(low * 100), int(high * 100)
    for attempt in range(_TRIES):
        chance = rng.random()
        cents = least + int((most - least + 1) * chance * chance)
        kind = rng.random()
        if kind < 0.9 or attempt > 40:  # narrow bounds may hold no round amount
            step = 10 ** max(2, len(str(cents)) - (3 if kind < 0.6 else 4))
            rounded = (cents + step // 2) // step * step
            cents = rounded if least <= rounded <= most and attempt <= 40 else cents
        text = f"{cents // 100}.{cents % 100:02d}"
        if cents and pool_of_value(text) == pool:
            return Decimal(text)
    raise ValueError(f"no amount of pool {pool} found from {low} to {high}")


@functools.cache
def percents(pool: Pool) -> tuple[int, ...]:
    """All whole percentages of the pool, 1 to 99, rising."""
    return tuple(number for number in range(1, 100) if pool_of_value(number) == pool)


def percent(rng: Random, pool: Pool, low: int = 1, high: int = 99) -> int:
    """A whole percentage of the pool from low to high; the next one above (or the last) if it has none there."""
    known = percents(pool)
    return known[_position(rng, known, low, high)]


@functools.cache
def _days() -> dict[Pool, tuple[tuple[int, ...], tuple[str, ...]]]:
    """Ordinals and texts of every pool's days, rising."""
    out: dict[Pool, tuple[list[int], list[str]]] = {pool: ([], []) for pool in POOLS}
    for number in range(_FIRST_DAY, _LAST_DAY + 1):
        text = date.fromordinal(number).isoformat()
        numbers, texts = out[pool_of_value(text)]
        numbers.append(number)
        texts.append(text)
    return {pool: (tuple(numbers), tuple(texts)) for pool, (numbers, texts) in out.items()}


def _position(rng: Random, known: tuple[int, ...], low: int, high: int) -> int:
    left, right = bisect_left(known, low), bisect_right(known, high)
    if left < right:
        return left + int(rng.random() * (right - left))
    return min(left, len(known) - 1)


def day_of(rng: Random, pool: Pool, first: int, last: int) -> str:
    """`day_between` for ordinals."""
    numbers, texts = _days()[pool]
    return texts[_position(rng, numbers, first, last)]


def day_between(rng: Random, pool: Pool, first: str, last: str) -> str:
    """A day of the pool from first to last, YYYY-MM-DD, both included; the next one later if it has none there.

    A pool has a day in every stretch of sixty days from 2010 to 2040.
    """
    return day_of(rng, pool, date.fromisoformat(first).toordinal(), date.fromisoformat(last).toordinal())


def day_after(rng: Random, pool: Pool, day: str, within: int = 180) -> str:
    """A day of the pool later than the given one, by at most so many days (sixty or more)."""
    start = date.fromisoformat(day).toordinal()
    return day_of(rng, pool, start + 1, start + within)


def day_before(rng: Random, pool: Pool, day: str, within: int = 180) -> str:
    """A day of the pool earlier than the given one, by at most so many days (sixty or more)."""
    start = date.fromisoformat(day).toordinal()
    return day_of(rng, pool, start - within, start - 1)
