"""Plots as inline SVG. Lengths along the page are in percent, so that one plot fits a phone and a desk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crm_gym.evaluation.report.markup import Markup, joined, tag

LANE = 16  # pixels between the runs of one row
TICKS = (0, 25, 50, 75, 100)


class Point(NamedTuple):
    """A share with its interval, from 0 to 1; `series` is the number of the run, `words` says it in a sentence."""

    series: int
    value: float
    low: float
    high: float
    words: str


class Part(NamedTuple):
    """A part of a bar: its share of the whole, the class that colours it, and what it is in words."""

    share: float
    colour: str
    words: str


class Curve(NamedTuple):
    """A curve: the number of the run, its colour's class, and (x, value, low, high) with values from 0 to 1."""

    series: int
    style: str
    points: Sequence[tuple[int, float, float, float]]


def percent(share: float) -> str:
    """A length along the page."""
    return f"{100 * share:.2f}%"


def dots(points: Sequence[Point], lanes: int) -> Markup:
    """Shares as dots with whiskers, a lane for each run."""
    height = LANE * lanes + 4
    drawn = joined(*(_dot(point, LANE * place + LANE / 2 + 2) for place, point in enumerate(points)))
    words = "; ".join(point.words for point in points)
    return tag("svg", _grid(height), drawn, class_="dots", height=height, role="img", aria_label=words)


def _grid(height: int) -> Markup:
    return joined(
        *(tag("line", class_="grid", x1=f"{at}%", x2=f"{at}%", y1=0, y2=height) for at in TICKS),
    )


def _dot(point: Point, y: float) -> Markup:
    whisker = tag("line", class_="whisker", x1=percent(point.low), x2=percent(point.high), y1=y, y2=y)
    dot = tag("circle", cx=percent(point.value), cy=y, r=4.5)
    return tag("g", tag("title", point.words), whisker, dot, class_=f"s{point.series % 6}")


def axis() -> Markup:
    """The scale over a column of dots."""
    marks = (
        tag("text", f"{at}", x=f"{at}%", y=11, text_anchor="end" if at == 100 else "middle" if at else "start")
        for at in TICKS
    )
    return tag("svg", *marks, class_="axis", height=14, aria_hidden="true")


def bar(parts: Sequence[Part], height: int = 22) -> Markup:
    """Parts of a whole beside each other."""
    drawn, begin = [], 0.0
    for part in parts:
        if part.share > 0:
            box = tag("rect", x=percent(begin), y=0, width=percent(part.share), height=height, class_=part.colour)
            drawn.append(tag("g", tag("title", part.words), box))
            begin += part.share
    words = "; ".join(part.words for part in parts if part.share > 0)
    return tag("svg", *drawn, class_="bar", height=height, role="img", aria_label=words)


def columns(counts: Sequence[tuple[str, int]], colour: str = "s0") -> Markup:
    """A histogram: labelled columns, the highest as high as the plot."""
    high, most, wide = 90, max((count for _, count in counts), default=0), 1 / max(len(counts), 1)
    drawn = []
    for place, (name, count) in enumerate(counts):
        tall = 0 if not count else max(2, round((high - 16) * count / most))
        middle = percent(wide * (place + 0.5))
        box = tag("rect", x=percent(wide * (place + 0.1)), y=high - tall, width=percent(wide * 0.8), height=tall)
        number = tag("text", count, x=middle, y=high - tall - 3, text_anchor="middle") if count else None
        label = tag("text", name, x=middle, y=high + 13, text_anchor="middle", class_="label")
        drawn.append(tag("g", tag("title", f"{name}: {count}"), box, number, label))
    words = "; ".join(f"{name}: {count}" for name, count in counts)
    return tag("svg", *drawn, class_=f"columns {colour}", height=high + 18, role="img", aria_label=words)


WIDE, HIGH, LEFT, BELOW = 420, 240, 34, 24


def curves(lines: Sequence[Curve], words: str) -> Markup:
    """Shares over a whole number, with their intervals as bands."""
    most = max((point[0] for line in lines for point in line.points), default=1)
    frame = [_level(at) for at in TICKS] + [_mark(x, most) for x in _marks(most)]
    drawn = [_curve(line, most) for line in lines]
    box = f"0 0 {WIDE} {HIGH + BELOW}"
    return tag("svg", *frame, *drawn, class_="curves", viewBox=box, role="img", aria_label=words)


def _marks(most: int) -> list[int]:
    return list(range(1, most + 1)) if most <= 10 else [1, *(x for x in range(2, most) if x & (x - 1) == 0), most]


def _x(x: int, most: int) -> float:
    inner = WIDE - LEFT - 16
    return LEFT + 8 + (inner * (x - 1) / (most - 1) if most > 1 else inner / 2)


def _y(share: float) -> float:
    return 8 + (HIGH - 8) * (1 - share)


def _level(at: int) -> Markup:
    y = _y(at / 100)
    return joined(
        tag("line", class_="grid", x1=LEFT, x2=WIDE, y1=y, y2=y),
        tag("text", f"{at}", x=LEFT - 6, y=y + 4, text_anchor="end"),
    )


def _mark(x: int, most: int) -> Markup:
    return tag("text", x, x=f"{_x(x, most):.1f}", y=HIGH + 18, text_anchor="middle")


def _curve(line: Curve, most: int) -> Markup:
    upper = [f"{_x(x, most):.1f},{_y(high):.1f}" for x, _, _, high in line.points]
    lower = [f"{_x(x, most):.1f},{_y(low):.1f}" for x, _, low, _ in reversed(line.points)]
    middle = [f"{_x(x, most):.1f},{_y(value):.1f}" for x, value, _, _ in line.points]
    dots_on = (
        tag("g", tag("title", f"k={x}: {100 * value:.1f} % ({100 * low:.1f} to {100 * high:.1f})"),
            tag("circle", cx=f"{_x(x, most):.1f}", cy=f"{_y(value):.1f}", r=3.5))
        for x, value, low, high in line.points
    )  # fmt: skip
    band = tag("path", d="M" + " L".join(upper + lower) + " Z", class_="band")
    path = tag("polyline", points=" ".join(middle), class_=line.style)
    return tag("g", band, path, *dots_on, class_=f"s{line.series % 6}")
