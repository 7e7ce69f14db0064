"""Figures as a reader wants them."""

from __future__ import annotations

from collections.abc import Sequence

UNKNOWN = "unknown"


def share(value: float | None) -> str:
    """A share in percent."""
    return UNKNOWN if value is None else f"{100 * value:.1f} %"


def between(interval: Sequence[float] | None) -> str:
    """An interval of shares."""
    return UNKNOWN if interval is None else f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f} %"


def over_tasks(interval: Sequence[float] | None) -> str:
    """An interval of the bootstrap, which says nothing if all tasks came out alike."""
    alike = interval is not None and interval[0] == interval[1]
    return "says nothing: all tasks came out alike" if alike else between(interval)


def points(value: float) -> str:
    """A difference of shares, in percentage points."""
    return f"{100 * value:+.1f}"


def whole(value: float | None) -> str:
    """A number without decimals, thousands apart."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def number(value: float | None) -> str:
    """A number of moderate size."""
    return UNKNOWN if value is None else f"{value:,.2f}"


def money(value: float | None) -> str:
    """US dollars; small sums with more digits."""
    if value is None:
        return UNKNOWN
    return f"${value:,.2f}" if value >= 1 or value == 0 else f"${value:.4f}"


def seconds(value: float | None) -> str:
    """A time."""
    return UNKNOWN if value is None else f"{value:.2f} s"


def equals(value: float) -> str:
    """A p-value and the sign before it."""
    return "< 0.0001" if value < 0.0001 else f"= {value:.4f}"


def spoken(word: str) -> str:
    """A name with underscores as words."""
    return word.replace("_", " ")


def episodes(count: int) -> str:
    """A number of episodes."""
    return f"{count:,} episode" + ("" if count == 1 else "s")
