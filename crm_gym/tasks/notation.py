"""Ways to write a value in a request: each says exactly that value, and `crm_gym.extract` reads it back."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import TypeVar

from crm_gym.errors import TaskError
from crm_gym.extract import MONTHS, SMALL_WORDS, TENS_WORDS, WEEKDAYS

_LARGEST = Decimal(10**18)
T = TypeVar("T")


def money(rng: random.Random, amount: Decimal | int, *, terse: bool = False) -> str:
    """An amount: 12500, 12,500.00, $12.5k, 1.2 million ...; scales only where they are exact; terse: 12500.

    Raises:
        TaskError: If it is no finite amount below 10**18 with at most six decimals.
    """
    size = _size(amount)
    sign = "-" if amount < 0 else ""
    if terse:
        return sign + _decimals(f"{size:f}")
    return sign + _pick(rng, _money_ways(size))


def day(rng: random.Random, iso: str, *, terse: bool = False) -> str:
    """A date given as YYYY-MM-DD: 2026-03-03, 3 March 2026, Tuesday 3 March 2026 ...; terse: as given.

    Raises:
        TaskError: If it is no such date.
    """
    read = _read(iso)
    return iso if terse else _pick(rng, _DAYS)(read)


def _read(iso: str) -> date:
    try:
        read = date.fromisoformat(iso)
    except ValueError:
        read = None
    if read is None or read.isoformat() != iso:  # fromisoformat also reads 20260303
        raise TaskError(f"a day is written YYYY-MM-DD and in the calendar; got {iso!r}")
    return read


def percent(rng: random.Random, value: int, *, terse: bool = False) -> str:
    """A percentage: 12%, 12 %, 12 percent, twelve per cent ...; words for 1 to 99; terse: 12%."""
    if terse:
        return f"{value}%"
    ways = [f"{value}%", f"{value} %", f"{value} percent", f"{value} per cent"]
    if 1 <= value <= 99:
        ways += [f"{_words(value)} percent", f"{_words(value)} per cent"]
    return _pick(rng, ways)


def count(rng: random.Random, number: int, *, terse: bool = False) -> str:
    """A whole number: 3 or three; words for one to twenty and the tens; terse: 3."""
    worded = 1 <= number <= 20 or (20 < number < 100 and number % 10 == 0)
    return _words(number) if worded and not terse and rng.random() < 0.5 else str(number)


def quoted(content: str) -> str:
    """The text between double quotation marks.

    Raises:
        TaskError: If the text is empty, or holds such marks so that none would be plain.
    """
    if content and '"' not in content:
        return f'"{content}"'
    if content and "“" not in content and "”" not in content:
        return f"“{content}”"
    raise TaskError(f"no quotation marks fit around {content[:60]!r}")


def _pick(rng: random.Random, ways: Sequence[T]) -> T:
    return ways[int(rng.random() * len(ways))]


def _size(amount: Decimal | int) -> Decimal:
    size = abs(Decimal(str(amount)))
    if not size.is_finite() or size >= _LARGEST or size != round(size, 6):
        raise TaskError(f"an amount is below 10**18 and has at most six decimals; got {amount}")
    return size


def _money_ways(size: Decimal) -> list[str]:
    plain, commas = _decimals(f"{size:f}"), _decimals(f"{size:,f}")
    ways = [plain, commas, f"${commas}", f"${plain}", f"USD {commas}", f"{commas} dollars"]
    if "." not in commas:
        ways += [f"{commas}.00", f"${commas}.00"]
    thousands, millions = size / 1000, size / 1_000_000
    if 1 <= thousands < 1000 and thousands == round(thousands, 1):
        short = _short(thousands)
        ways += [f"${short}k", f"{short}k", f"{short} thousand"]
    if millions >= 1 and millions == round(millions, 2):
        short = _short(millions)
        ways += [f"${short}M", f"{short} million", f"${short} million"]
    return ways


def _decimals(written: str) -> str:
    """No decimals, or at least two: 12500, 12500.50, 12500.125."""
    whole, _, part = written.partition(".")
    part = part.rstrip("0")
    return f"{whole}.{part:0<2}" if part else whole


def _short(number: Decimal) -> str:
    written = f"{number:f}"
    return written.rstrip("0").rstrip(".") if "." in written else written


def _words(number: int) -> str:
    if number < 20:
        return SMALL_WORDS[number - 1]
    tens, rest = TENS_WORDS[number // 10 - 2], number % 10
    return f"{tens}-{SMALL_WORDS[rest - 1]}" if rest else tens


def _ordinal(number: int) -> str:
    ending = "th" if 10 <= number <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _month(read: date) -> str:
    return f"{MONTHS[read.month - 1]} {read.year:04}"


_DAYS: tuple[Callable[[date], str], ...] = (
    date.isoformat,
    date.isoformat,
    lambda read: f"{read.day} {_month(read)}",
    lambda read: f"{_ordinal(read.day)} {_month(read)}",
    lambda read: f"{MONTHS[read.month - 1]} {read.day}, {read.year:04}",
    lambda read: f"{read.day} {MONTHS[read.month - 1][:3]} {read.year:04}",
    lambda read: f"{WEEKDAYS[read.weekday()]} {read.day} {_month(read)}",
    lambda read: f"the {_ordinal(read.day)} of {_month(read)}",
)
