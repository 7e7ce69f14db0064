"""The middle of the page: what went wrong, what was called, and what it cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm_gym.evaluation.metrics import Figures, tool_of
from crm_gym.evaluation.records import TOKENS, EpisodeRecord
from crm_gym.evaluation.report import words
from crm_gym.evaluation.report.data import Source
from crm_gym.evaluation.report.markup import Markup, joined, link, tag
from crm_gym.evaluation.report.plots import Part, bar, columns

_KINDS = (("failures", "failure", 0), ("model_errors", "model_error", 8), ("infra", "infra_error", 9))
"""Reasons by outcome, and the first colour of each."""


def table(head: Sequence[object], rows: Iterable[Sequence[object]], numbers: int = 1) -> Markup:
    """A table; cells from number `numbers` on are figures."""
    classes = ["num" if place >= numbers else None for place in range(len(head))]
    top = tag("tr", *(tag("th", cell, class_=classes[place]) for place, cell in enumerate(head)))
    body = (_row(row, classes) for row in rows)
    return tag("div", tag("table", tag("thead", top), tag("tbody", *body)), class_="wide")


def _row(row: Sequence[object], classes: Sequence[str | None]) -> Markup:
    first = tag("th", row[0], scope="row")
    return tag("tr", first, *(tag("td", cell, class_=classes[place]) for place, cell in enumerate(row[1:], 1)))


# What went wrong


def failures(sources: Sequence[Source]) -> Markup:
    """How episodes came out, why they failed, and where."""
    bars = tag("div", *(_outcomes(place, source) for place, source in enumerate(sources)), class_="bars")
    found = [_reasons(place, source) for place, source in enumerate(sources)]
    names = [name for name in dict.fromkeys(key for one in found for key in one) if any(name in one for one in found)]
    rows = [[_why(*name), *(one.get(name, "–") for one in found)] for name in names]
    reasons = table(["reason", *(source.label for source in sources)], rows) if rows else None
    grids = [_matrix(place, source, len(sources)) for place, source in enumerate(sources)]
    wide = "beside unequal" if len(sources) == 1 else "beside"
    return joined(bars, tag("div", tag("div", reasons), tag("div", *grids), class_=wide))


def _why(outcome: str, reason: str) -> str:
    said = words.spoken(reason)
    return said if outcome == "failure" else f"{words.spoken(outcome)}: {said}"


def _outcomes(place: int, source: Source) -> Markup:
    figures = source.figures
    played = max(figures["played"], 1)
    won = figures["outcomes"]["success"]
    parts = [Part(won / played, "good", f"success: {won}")]
    for key, outcome, colour in _KINDS:
        for number, (reason, count) in enumerate(figures[key].items()):
            shade = f"c{min(colour + number, 7) if outcome == 'failure' else colour}"
            parts.append(Part(count / played, shade, f"{words.spoken(reason)}: {count}"))
    shown = [part for part in parts if part.share]
    keys = (tag("li", tag("span", class_=f"swatch {part.colour}"), part.words) for part in shown)
    return joined(tag("h3", source.label), bar(parts), tag("ul", *keys, class_="legend"))


def _reasons(place: int, source: Source) -> dict[tuple[str, str], Markup]:
    """Links to the episodes of each outcome and reason."""
    return {
        (outcome, reason): link(f"{count:,}", run=place, outcome=outcome, reason=reason)
        for key, outcome, _ in _KINDS
        for reason, count in source.figures[key].items()
        if count
    }


def _matrix(place: int, source: Source, of: int) -> Markup | None:
    """Where the failures are: reasons across, tools down, shaded by number."""
    found = Counter(
        (tool_of(record["family"]), record["reason"] or "not said")
        for record in source.log.episodes
        if record["outcome"] in ("failure", "model_error")
    )
    if not found:
        return None
    tools = [row["name"] for row in source.figures["by_tool"] if any(tool == row["name"] for tool, _ in found)]
    known = (*source.figures["failures"], *source.figures["model_errors"])
    reasons = [reason for reason in dict.fromkeys(known) if any(other == reason for _, other in found)]
    most = max(found.values())
    rows = [[words.spoken(tool), *(_heat(found[tool, reason], most) for reason in reasons)] for tool in tools]
    grid = table(["tool", *(words.spoken(reason) for reason in reasons)], rows)
    title = "Failures by tool and reason" + ("" if of == 1 else f": {source.label}")
    return tag("details", tag("summary", title), grid, open=of == 1 and len(tools) <= 40, class_="heat")


def _heat(count: int, most: int) -> Markup:
    shade = 0 if not count else 1 + round(4 * (count - 1) / max(most - 1, 1))
    return tag("span", count or "·", class_=f"heat{shade}")


# What was done


def work(sources: Sequence[Source]) -> Markup:
    """Steps, calls and refusals."""
    spreads = [source.figures["steps"] for source in sources]
    rows = [
        [source.label, *(words.number(spread[name]) for name in ("mean", "median", "p90", "max"))]
        for source, spread in zip(sources, spreads, strict=True)
        if spread is not None
    ]
    steps = table(["steps per episode", "mean", "median", "90 %", "most"], rows)
    plots = (
        tag(
            "figure", tag("figcaption", f"steps: {source.label}"), columns(_histogram(source.log.episodes), f"s{n % 6}")
        )
        for n, source in enumerate(sources)
    )
    return joined(
        steps,
        tag("div", *plots, class_="figures"),
        tag(
            "div",
            tag("div", tag("h3", "Calls by tool"), _calls(sources)),
            tag("div", tag("h3", "Why calls were refused"), _codes(sources), _slips(sources)),
            class_="beside",
        ),
    )


def _histogram(records: Sequence[EpisodeRecord]) -> list[tuple[str, int]]:
    """Episodes by number of steps, in at most eight columns."""
    counts = Counter(len(record["steps"]) for record in records)
    if not counts:
        return []
    low, high = min(counts), max(counts)
    wide = -(-(high - low + 1) // 8)
    begins = range(low, high + 1, wide)
    return [
        (f"{begin}" if wide == 1 else f"{begin}–{begin + wide - 1}", sum(counts[begin + n] for n in range(wide)))
        for begin in begins
    ]


def _calls(sources: Sequence[Source]) -> Markup:
    found = [{row["name"]: row for row in source.figures["calls"]} for source in sources]
    names = dict.fromkeys(name for rows in found for name in rows)
    rows = [[words.spoken(name), *(_call(rows.get(name)) for rows in found)] for name in names]
    return table(["tool called", *(source.label for source in sources)], rows)


def _call(row: Figures | None) -> object:
    if row is None:
        return "–"
    refused = tag("span", f"{row['refused']:,} refused", class_="bad") if row["refused"] else None
    return joined(f"{row['calls']:,}", refused, by=" ")


def _codes(sources: Sequence[Source]) -> Markup:
    found = [source.figures["refused_calls"]["by_code"] for source in sources]
    total = Counter({code: sum(codes.get(code, 0) for codes in found) for codes_of in found for code in codes_of})
    rows = [[link(code, q=code), *(codes.get(code, "–") for codes in found)] for code, _ in total.most_common()]
    return table(["refusal", *(source.label for source in sources)], rows)


def _slips(sources: Sequence[Source]) -> Markup | None:
    found = [source.figures["slips"] for source in sources]
    names = [
        kind for kind in dict.fromkeys(kind for slips in found for kind in slips) if any(s.get(kind) for s in found)
    ]
    if not names:
        return None
    rows = [[link(words.spoken(kind), q=kind), *(slips.get(kind, 0) for slips in found)] for kind in names]
    return joined(tag("h3", "What was wrong with replies"), table(["slip", *(s.label for s in sources)], rows))


# What it cost


def costs(sources: Sequence[Source]) -> Markup | None:
    """Tokens, money and time of the runs that have a model."""
    asked = [(source, source.figures["model"]) for source in sources if source.figures["model"]]
    if not asked:
        return None
    rows = [_cost(source.label, model) for source, model in asked]
    head = ["run", "model calls", *(words.spoken(kind) for kind in TOKENS), "cost", "per episode", "per success"]
    waits = [[source.label, *_waits(model)] for source, model in asked]
    unknown = sum(model["cost_unknown"] for _, model in asked)
    note = f"The price of {words.episodes(unknown)} is not known: a cost with a part that is unknown is unknown."
    return joined(
        tag("div", *(_tokens(source, model) for source, model in asked), class_="bars"),
        tag("h3", "Tokens and cost"),
        table(head, rows),
        tag("p", note, class_="quiet") if unknown else None,
        *(_unfinished(source.label, model["unfinished"]) for source, model in asked),
        tag("h3", "Time spent waiting for the model, per episode"),
        table(["run", "mean", "median", "90 %", "99 %", "longest", "mean per call"], waits),
    )


def _cost(label: str, model: Mapping[str, Any]) -> list[object]:
    tokens = (words.whole(model["tokens"][kind]) for kind in TOKENS)
    sums = (words.money(model[name]) for name in ("cost", "cost_per_episode", "cost_per_success"))
    return [label, words.whole(model["calls"]), *tokens, *sums]


def _unfinished(label: str, spent: Mapping[str, Any]) -> Markup | None:
    """What a run that was stopped had spent on episodes that are not on the page."""
    tokens = sum(spent["tokens"].values())
    if not spent["calls"] and not tokens:
        return None
    took = f"{words.whole(spent['calls'])} model calls, {words.whole(tokens)} tokens, {words.money(spent['cost'])}"
    return tag("p", f"{label}: and beside these, on episodes that were not finished: {took}.", class_="quiet")


def _waits(model: Mapping[str, Any]) -> list[str]:
    spread = model["latency"] or {}
    return [words.seconds(spread.get(name)) for name in ("mean", "median", "p90", "p99", "max")] + [
        words.seconds(model["latency_per_call"])
    ]


def _tokens(source: Source, model: Mapping[str, Any]) -> Markup:
    total = max(sum(model["tokens"].values()), 1)
    parts = [
        Part(count / total, f"s{place}", f"{words.spoken(kind)}: {count:,} ({100 * count / total:.0f} %)")
        for place, (kind, count) in enumerate(model["tokens"].items())
    ]
    keys = (tag("li", tag("span", class_=f"swatch {part.colour}"), part.words) for part in parts if part.share)
    return joined(tag("h3", f"Tokens: {source.label}"), bar(parts), tag("ul", *keys, class_="legend"))
