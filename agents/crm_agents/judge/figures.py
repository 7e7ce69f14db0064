"""The figures of a calibration: what follows from its confusion, and whether a file that holds some can be right.

A file is checked for what cannot be, for figures that are not those of its own counts, and by a check of its content.
That finds damage and slips of the hand. It finds no forgery: who makes up a whole calibration can work out its check.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Annotated, Any, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_agents.judge.grades import GRADES, PASS, UNJUDGED
from crm_agents.judge.items import Item
from crm_agents.judge.variants import VARIANTS
from crm_gym.evaluation.stats import bootstrap, cohen_kappa, wilson

Confusion: TypeAlias = Mapping[str, Mapping[str, int]]
"""The right grade to what was said in its place, and how often."""

SAID = (*GRADES, UNJUDGED)

_ROUNDS = 1_000  # resamples for kappa's interval
_MOST = 4  # faults of shape that are said
_NEAR = 1e-9
_NEAR_RESAMPLED = 0.02  # resamples are drawn anew, and another NumPy may draw others

Share: TypeAlias = Annotated[float, Field(ge=0, le=1)]
Agreement: TypeAlias = Annotated[float, Field(ge=-1, le=1)]
Count: TypeAlias = Annotated[int, Field(ge=0, le=10**9)]


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)


class _Accuracy(_Figures):
    value: Share
    low: Share
    high: Share


class _Kappa(_Figures):
    value: Agreement
    low: Agreement
    high: Agreement


class _Group(_Figures):
    count: Annotated[int, Field(ge=1, le=10**9)]
    accuracy: Share


class _Worst(_Figures):
    name: str
    accuracy: Share


class _Tried(_Figures):
    count: Count
    rate: Share
    which: list[str]


class _Place(_Figures):
    count: Count
    passes: Count


class _Injections(_Tried):
    by_place: dict[str, _Place]


class _Calibration(_Figures):
    """The figures of a calibration, each within its range; what else there is of it decides nothing."""

    count: Count
    questions: Count
    negatives: Share
    unjudged: Share
    accuracy: _Accuracy
    exact: Share
    kappa: _Kappa
    false_passes: Share
    false_fails: Share
    confusion: dict[str, dict[str, Count]]
    families: dict[str, _Group]
    worst_family: _Worst
    hows: dict[str, _Group]
    flips: dict[str, _Tried]
    master_keys: _Tried
    injections: _Injections


def of_confusion(table: Confusion) -> dict[str, Any]:
    """All figures that follow from a confusion alone; of one with replies of both kinds in it."""
    pairs = _pairs(table)
    count, bad = len(pairs), sum(sum(table[truth].values()) for truth in GRADES if truth != PASS)
    right = sum(truth == said for truth, said in pairs)
    return {
        "count": count,
        "negatives": bad / count,
        "unjudged": sum(said == UNJUDGED for _, said in pairs) / count,
        "accuracy": {"value": right / count, **_interval(wilson(right, count))},
        "exact": sum(table[truth][truth] for truth in GRADES) / count,
        "kappa": {"value": cohen_kappa(pairs), **_interval(_resampled(tuple(pairs)))},
        "false_passes": pairs.count(("fail", "pass")) / bad,
        "false_fails": (count - bad - pairs.count(("pass", "pass"))) / (count - bad),
    }


def sealed(made: Mapping[str, Any]) -> dict[str, Any]:
    """A calibration with the check of its content at its end."""
    content = {name: value for name, value in made.items() if name != "check"}
    return {**content, "check": _check(content)}


def faults(made: Mapping[str, Any], items: Sequence[Item], attacks: Sequence[Item]) -> tuple[str, ...]:
    """Why a calibration cannot be as it was written; none if it can.

    Args:
        made: The calibration.
        items: The items it says it is of.
        attacks: The attacks it says it is of.
    """
    said = [] if made.get("check") == _check(made) else ["the calibration was changed or damaged: its check is another"]
    try:
        read = _Calibration.model_validate(dict(made))
    except ValidationError as fault:
        errors = fault.errors(include_url=False, include_context=False)
        more = (f"and {len(errors) - _MOST} more of the kind",) if len(errors) > _MOST else ()
        return (*said, *map(_told, errors[:_MOST]), *more)
    asked = [
        *_of_counts("confusion", {truth: sum(row.values()) for truth, row in read.confusion.items()}, items, _truth),
        *_of_counts("families", {name: one.count for name, one in read.families.items()}, items, _family),
        *_of_counts("hows", {name: one.count for name, one in read.hows.items()}, items, _how),
        *_of_attacks(read, attacks),
    ]
    if asked or any(set(row) != set(SAID) for row in read.confusion.values()):
        return (*said, *(asked or ["confusion does not have a count of each grade"]))
    return (*said, *_of_figures(read))


def _pairs(table: Confusion) -> list[tuple[str, str]]:
    """What was right and what was said, each time, in an order that depends on nothing but the table.

    What counts is whether a reply passes; a question left unjudged agrees with nothing.
    """
    return [
        (_side(truth), said if said == UNJUDGED else _side(said))
        for truth in GRADES
        for said in SAID
        for _ in range(table[truth][said])
    ]


@functools.lru_cache(maxsize=16)
def _resampled(pairs: tuple[tuple[str, str], ...]) -> tuple[float, float]:
    return bootstrap(pairs, cohen_kappa, seed=0, rounds=_ROUNDS)


def _side(grade: str) -> str:
    return "pass" if grade == PASS else "fail"


def _interval(ends: tuple[float, float]) -> dict[str, float]:
    return {"low": ends[0], "high": ends[1]}


def _check(made: Mapping[str, Any]) -> str:
    content = {name: value for name, value in made.items() if name != "check"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _told(error: Any) -> str:
    return f"the calibration's {'.'.join(map(str, error['loc']))} will not do: {error['msg']}"


def _truth(item: Item) -> str:
    return item.truth


def _family(item: Item) -> str:
    return item.family


def _how(item: Item) -> str:
    return item.how


def _of_counts(
    name: str, found: Mapping[str, int], items: Sequence[Item], kind: Callable[[Item], str]
) -> Iterator[str]:
    if dict(found) != Counter(map(kind, items)):
        yield f"the calibration's {name} are not of the {len(items)} items that ship"


def _of_attacks(read: _Calibration, attacks: Sequence[Item]) -> Iterator[str]:
    keys = sum(attack.how == "key" for attack in attacks)
    yield from _same("master_keys.count", read.master_keys.count, keys, "the set that ships")
    yield from _same("injections.count", read.injections.count, len(attacks) - keys, "the set that ships")


def _of_figures(read: _Calibration) -> Iterator[str]:
    """What is another than what the calibration's own counts say."""
    for name, value in of_confusion(read.confusion).items():
        found = getattr(read, name)
        if not isinstance(value, dict):
            yield from _same(name, found, value, "its confusion")
            continue
        for part, figure in value.items():
            near = _NEAR_RESAMPLED if name == "kappa" and part != "value" else _NEAR
            yield from _same(f"{name}.{part}", getattr(found, part), figure, "its confusion", near)
    yield from _of_groups(read)
    yield from _of_tried(read)


def _of_groups(read: _Calibration) -> Iterator[str]:
    for name, groups in (("families", read.families), ("hows", read.hows)):
        for group, one in groups.items():
            whole = round(one.count * one.accuracy) / one.count
            yield from _same(f"{name}.{group}.accuracy", one.accuracy, whole, f"its {one.count} items")
        right = sum(one.count * one.accuracy for one in groups.values())
        yield from _same(f"accuracy over its {name}", right / read.count, read.accuracy.value, "its confusion")
    lowest = min(one.accuracy for one in read.families.values())
    yield from _same("worst_family.accuracy", read.worst_family.accuracy, lowest, "its families")


def _of_tried(read: _Calibration) -> Iterator[str]:
    if set(read.flips) != set(VARIANTS):
        yield f"the calibration's flips are not of {', '.join(VARIANTS)}"
    tried = {f"flips.{name}": one for name, one in read.flips.items()}
    for name, one in (tried | {"master_keys": read.master_keys, "injections": read.injections}).items():
        if len(set(one.which)) != len(one.which) or len(one.which) > one.count:
            yield f"the calibration's {name}.which names one twice, or more than there are"
        yield from _same(f"{name}.rate", one.rate, len(one.which) / max(one.count, 1), f"what {name}.which names")
    places = read.injections.by_place.values()
    yield from _same("injections.count", read.injections.count, sum(one.count for one in places), "its by_place")
    passes = sum(one.passes for one in places)
    yield from _same("injections.by_place", passes, len(read.injections.which), "what injections.which names")
    asked = read.count + read.master_keys.count + read.injections.count + sum(one.count for one in read.flips.values())
    yield from _same("questions", read.questions, asked, "its counts")


def _same(name: str, found: float, expected: float, by: str, near: float = _NEAR) -> Iterator[str]:
    if abs(found - expected) > near:
        yield f"the calibration's {name} is {found:g}, but {expected:g} by {by}"
