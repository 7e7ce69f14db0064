"""The top of the page: each run's headline, its settings, and success by what the tasks were about."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from crm_gym.evaluation.metrics import Figures
from crm_gym.evaluation.report import words
from crm_gym.evaluation.report.data import Source
from crm_gym.evaluation.report.markup import Markup, joined, link, tag
from crm_gym.evaluation.report.plots import Curve, Point, axis, curves, dots

LONG = 40
"""A breakdown with more rows is folded."""

_BREAKDOWNS = (
    ("by_tool", "By tool", "tool"),
    ("by_level", "By level", "level"),
    ("by_polarity", "By polarity", "polarity"),
    ("by_family", "By family", "family"),
)


def overview(sources: Sequence[Source]) -> Markup:
    """A card for each run."""
    return tag("div", *(_card(place, source) for place, source in enumerate(sources)), class_="cards")


def _card(place: int, source: Source) -> Markup:
    figures = source.figures
    result = figures["success"]
    low, high = result["wilson"] or (0.0, 1.0)
    point = Point(place, result["rate"] or 0.0, low, high, _rate_words(source))
    return tag(
        "article",
        tag("h2", source.label),
        tag("p", words.share(result["rate"]), class_="rate"),
        axis(),
        dots([point], 1) if result["count"] else None,
        tag("p", f"95 % interval {words.between(result['wilson'])}", class_="interval"),
        tag("p", f"over tasks (bootstrap) {words.over_tasks(result['bootstrap'])}", class_="interval quiet"),
        tag("p", _counts(place, source)),
        *(tag("p", f"{source.file} {fault}", class_="warn") for fault in source.faults),
        _facts(figures),
        class_=f"card s{place % 6}",
    )


def _rate_words(source: Source) -> str:
    result = source.figures["success"]
    return f"{source.label}: {words.share(result['rate'])}, 95 % interval {words.between(result['wilson'])}"


def _counts(place: int, source: Source) -> Markup:
    """How many succeeded, and whatever is not in the rate."""
    figures = source.figures
    result, planned = figures["success"], figures["planned"]
    said = [joined(f"{result['successes']:,} of {words.episodes(result['count'])} that count succeeded.")]
    outages = figures["infra_errors"]
    if outages:
        what = f"{words.episodes(outages)} ended by an outage"
        said.append(tag("strong", link(what, run=place, outcome="infra_error"), " count for nothing.", class_="warn"))
    if planned is not None and planned > figures["played"]:
        left = planned - figures["played"]
        said.append(tag("strong", f"{left:,} of {words.episodes(planned)} are not played yet.", class_="warn"))
    return joined(*said, by=" ")


def _facts(figures: Figures) -> Markup:
    """The other figures that a headline wants."""
    model, refused, damage = figures["model"], figures["refused_calls"], figures["collateral"]
    facts = [
        ("steps", "–" if figures["steps"] is None else words.number(figures["steps"]["mean"])),
        ("refused calls", words.share(refused["rate"])),
        ("collateral damage", words.share(damage["rate"])),
    ]
    if model is not None:
        facts += [
            ("cost per success", words.money(model["cost_per_success"])),
            ("tokens per episode", words.whole(model["tokens_per_episode"])),
            ("waiting per episode", words.seconds(model["latency"]["median"] if model["latency"] else None)),
        ]
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in facts), class_="facts")


def settings(sources: Sequence[Source]) -> Markup:
    """Everything that decided what was played, run beside run; what differs stands out."""
    names = [name for name in sources[0].log.run if name not in ("kind",)]
    rows = []
    for name in names:
        values = [_plain(source.log.run.get(name)) for source in sources]
        differs = len(set(values)) > 1
        cells = (tag("td", tag("code", value)) for value in values)
        rows.append(tag("tr", tag("th", name, scope="row"), *cells, class_="differs" if differs else None))
    head = tag("tr", tag("th", "setting"), *(tag("th", source.label) for source in sources))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", *rows)), class_="wide")
    return tag("details", tag("summary", "What was played, and by whom"), table)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=True)


def breakdowns(sources: Sequence[Source]) -> Markup:
    """Success by tool, level, polarity and family."""
    tables = []
    for key, title, field in _BREAKDOWNS:
        names = _names(sources, key)
        if not names or (key == "by_family" and names == _names(sources, "by_tool")):
            continue
        table = _breakdown(sources, key, field, names)
        if len(names) > LONG:
            tables.append(tag("details", tag("summary", f"{title} ({len(names)})"), table, class_="fold"))
        else:
            tables.append(joined(tag("h3", title), table))
    return joined(legend(sources), *tables)


def _names(sources: Sequence[Source], key: str) -> list[str]:
    """The rows of all runs, in the order of the first that has each."""
    return list(dict.fromkeys(row["name"] for source in sources for row in source.figures[key]))


def _breakdown(sources: Sequence[Source], key: str, field: str, names: list[str]) -> Markup:
    found = [{row["name"]: row for row in source.figures[key]} for source in sources]
    rows = [_row(sources, field, name, [rows.get(name) for rows in found]) for name in names]
    head = tag("tr", tag("th", field), tag("th", axis(), class_="plot"), tag("th", "success", class_="num"))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="breakdown")


def _row(sources: Sequence[Source], field: str, name: str, rows: list[Figures | None]) -> Markup:
    points, said = [], []
    for place, row in enumerate(rows):
        if row is None:
            continue
        label = sources[place].label
        sentence = (
            f"{label}: {row['successes']} of {row['count']}, {words.share(row['rate'])}, "
            f"95 % interval {words.between((row['low'], row['high']))}"
        )
        points.append(Point(place, row["rate"], row["low"], row["high"], sentence))
        count = tag("span", f"{row['successes']}/{row['count']}", class_="quiet")
        said.append(tag("div", count, f" {words.share(row['rate'])}", class_=f"figure s{place % 6}"))
    return tag(
        "tr",
        tag("th", link(words.spoken(name), **{field: name}), scope="row"),
        tag("td", dots(points, len(points)), class_="plot"),
        tag("td", *said, class_="num"),
    )


def legend(sources: Sequence[Source]) -> Markup | None:
    """Which colour is which run, if there are several."""
    if len(sources) < 2:
        return None
    keys = (tag("li", tag("span", class_=f"swatch s{place % 6}"), source.label) for place, source in enumerate(sources))
    return tag("ul", *keys, class_="legend")


def trials(sources: Sequence[Source]) -> Markup | None:
    """pass@k and pass^k, if any task was played more than once."""
    lines, rows = [], []
    for place, source in enumerate(sources):
        for key, name, style in (("pass_at_k", "pass@k", "full"), ("pass_hat_k", "pass^k", "dashed")):
            found: list[dict[str, Any]] = source.figures[key]
            if len(found) > 1:
                lines.append(Curve(place, style, [(row["k"], row["value"], row["low"], row["high"]) for row in found]))
                rows.append((f"{source.label} {name}", found))
    if not lines:
        return None
    ks = sorted({row["k"] for _, found in rows for row in found})
    head = tag("tr", tag("th", "k"), *(tag("th", k, class_="num") for k in ks))
    body = []
    for label, found in rows:
        values = {row["k"]: row for row in found}
        cells = (tag("td", words.share(values[k]["value"]) if k in values else "", class_="num") for k in ks)
        body.append(tag("tr", tag("th", label, scope="row"), *cells))
    table = tag("div", tag("table", tag("thead", head), tag("tbody", *body)), class_="wide")
    note = tag(
        "p",
        "pass@k (full line): the chance that at least one of k trials succeeds; pass^k (dashed): that all of them do. "
        "Without bias, averaged over tasks; the bands are 95 % intervals over tasks.",
        class_="quiet",
    )
    return joined(legend(sources), tag("div", curves(lines, "pass@k and pass^k"), table, class_="beside"), note)
