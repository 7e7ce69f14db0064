"""Runs beside each other, and a judge's opinions beside the verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from crm_gym.errors import UsageError
from crm_gym.evaluation.compare import compare
from crm_gym.evaluation.metrics import Figures
from crm_gym.evaluation.report import words
from crm_gym.evaluation.report.body import table
from crm_gym.evaluation.report.data import Opinion, Source, opinions_by_key, opinions_on
from crm_gym.evaluation.report.markup import Markup, joined, link, tag

MEASURES: Final[tuple[tuple[str, Callable[[float], str], Callable[[float], str]], ...]] = (
    ("success", words.share, words.points),
    ("steps", words.number, "{:+.2f}".format),
    ("refused_calls", words.number, "{:+.2f}".format),
    ("tokens", words.whole, "{:+,.0f}".format),
    ("cost", words.money, "{:+.4f}".format),
)
"""Figures that are compared, and how their values and their differences are written."""

FLIPS: Final = 200
"""Flips listed on the page; all of them are in the comparison's JSON."""


def comparisons(sources: Sequence[Source]) -> Markup | None:
    """Every other run beside the first."""
    if len(sources) < 2:
        return None
    return joined(*(_comparison(sources, place) for place in range(1, len(sources))))


def _comparison(sources: Sequence[Source], place: int) -> Markup:
    first, second = sources[0], sources[place]
    title = tag("h3", f"{second.label} beside {first.label}")
    try:
        figures = compare(first.log, second.log)
    except UsageError as fault:
        return joined(title, tag("p", f"They cannot be paired: {fault}.", class_="quiet"))
    return joined(title, _verdict(figures), _measures(figures, first.label, second.label), _flips(figures, place))


def _verdict(figures: Figures) -> Markup:
    change, test = figures["success"], figures["mcnemar"]
    said = (
        f"{words.points(change['difference'])} percentage points of success "
        f"(95 % interval over tasks {words.points(change['low'])} to {words.points(change['high'])}) in "
        f"{figures['pairs']:,} pairs; McNemar's exact test p {words.equals(test['p'])}: "
        f"{test['only_second']} won and {test['only_first']} lost. "
    )
    left_out = [
        f"{count:,} {why}"
        for count, why in (
            (figures["outages"], "with an outage"),
            (figures["changed"], "not asked the same thing"),
            (sum(figures["unpaired"]), "episodes without a partner"),
        )
        if count
    ]
    return tag("p", said, f"Left out: {', '.join(left_out)}." if left_out else None)


def _measures(figures: Figures, first: str, second: str) -> Markup:
    rows = []
    for name, value, change in MEASURES:
        row = figures[name]
        if row is not None:
            interval = f"{change(row['low'])} to {change(row['high'])}"
            rows.append(
                [words.spoken(name), value(row["first"]), value(row["second"]), change(row["difference"]), interval]
            )
    return table(["per episode", first, second, "difference", "95 % interval"], rows)


def _flips(figures: Figures, place: int) -> Markup | None:
    flips = figures["flips"]
    if not flips:
        return None
    rows = [_flip(flip, place) for flip in flips[:FLIPS]]
    more = tag("p", f"and {len(flips) - FLIPS:,} more", class_="quiet") if len(flips) > FLIPS else None
    head = tag("summary", f"{len(flips):,} episodes that flipped")
    return tag("details", head, table(["task", "first", "second"], rows, 3), more)


def _flip(flip: Mapping[str, Any], place: int) -> list[object]:
    cells = (
        link(words.spoken(reason or outcome), open=f"{run}.{index}")
        for run, index, outcome, reason in zip((0, place), flip["index"], flip["outcome"], flip["reason"], strict=True)
    )
    return [f"{flip['task']} (seed {flip['seed']}, trial {flip['trial']})", *cells]


# Second opinions

_ELSEWHERE = "{count:,} left out: on words that the log does not have, as of a run before. Judge the log again."


def second_opinions(sources: Sequence[Source], opinions: Sequence[Opinion]) -> Markup | None:
    """What a judge thought of the words, beside what the state says of the deeds."""
    found = opinions_by_key(opinions)
    tables = []
    for source in sources:
        on = [(record["outcome"], *opinions_on(record, found)) for record in source.log.episodes]
        pairs = Counter((str(opinion.get("grade")), outcome) for outcome, fitting, _ in on for opinion in fitting)
        others = sum(count for _, _, count in on)
        if pairs:
            grades = sorted({grade for grade, _ in pairs})
            shown = [outcome for outcome in source.figures["outcomes"] if any(other == outcome for _, other in pairs)]
            rows = [[grade, *(pairs[grade, outcome] for outcome in shown)] for grade in grades]
            tables += [tag("h3", source.label), table(["grade", *map(words.spoken, shown)], rows)]
        if others:
            tables.append(tag("p", f"{source.label}: {_ELSEWHERE.format(count=others)}", class_="warn"))
    note = "A model's opinion of what the agent told its user. It moves no verdict and no figure above."
    return joined(tag("p", note, class_="quiet"), *tables) if tables else None
