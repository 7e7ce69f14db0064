"""Calibration: what a judge says of cases whose truth is known, in figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

from crm_agents.judge.figures import SAID, of_confusion, sealed
from crm_agents.judge.grades import GRADES, UNJUDGED, Opinion
from crm_agents.judge.items import Item, set_hash
from crm_agents.judge.judge import Judge, in_turn
from crm_agents.judge.variants import PLAIN, VARIANTS, Variant
from crm_gym import UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.plan import code_version

SCHEMA = 2
"""Version of a calibration's shape."""

FLIPS = 124
"""Items that are judged again under each change of form, unless said otherwise."""


class Question(NamedTuple):
    """An item, and how it is shown."""

    item: Item
    name: str
    variant: Variant


class Judged(NamedTuple):
    """An item, how it was shown, and what the judge said."""

    item: Item
    name: str
    opinion: Opinion


Progress = Callable[[int, int], None]
"""Called with the number of questions that are answered, and of all."""


async def calibrate(
    judge: Judge,
    items: Sequence[Item],
    attacks: Sequence[Item],
    *,
    flips: int = FLIPS,
    at_once: int = 8,
    on_answer: Progress = lambda answered, count: None,
) -> dict[str, Any]:
    """Ask a judge about items and attacks, and measure what it says.

    Args:
        judge: The judge.
        items: The labelled items; of both kinds.
        attacks: Cases to be graded down that try to talk the judge out of it.
        flips: How many of the items are judged again under each change of form.
        at_once: Questions under way at a time.
        on_answer: Told of the progress.

    Returns:
        The calibration, as plain JSON, with a check of its content.

    Raises:
        SetupFault: If the model cannot be asked at all.
        UsageError: If the items are all of one kind.
    """
    if len({item.good for item in items}) != 2:
        raise UsageError("a judge is calibrated on items of both kinds, to be called sound and to be graded down")
    asked = [Question(item, "plain", PLAIN) for item in (*items, *attacks)]
    again = spread(items, flips)
    asked += [Question(item, name, variant) for name, variant in VARIANTS.items() for item in again]
    answered = 0

    async def ask(question: Question) -> Judged:
        nonlocal answered
        item, name, variant = question
        opinion = await judge.grade(variant.change(item.case), f"calibrate/{item.id}/{name}", variant.order)
        answered += 1
        on_answer(answered, len(asked))
        return Judged(item, name, opinion)

    judged = await in_turn([partial(ask, question) for question in asked], at_once)
    figures = measured(judged, {attack.id for attack in attacks})
    return sealed({**_about(judge, items, attacks), **figures, **_spent(judged)})


def spread(items: Sequence[Item], count: int) -> list[Item]:
    """So many of the items, evenly spread over all."""
    size = len(items)
    return [item for at, item in enumerate(items) if (at + 1) * count // size > at * count // size]


def measured(judged: Sequence[Judged], attacks: set[str]) -> dict[str, Any]:
    """The figures of what a judge said.

    Args:
        judged: All of it, in any order.
        attacks: Ids of the items that are attacks.
    """
    plain = [one for one in judged if one.name == "plain" and one.item.id not in attacks]
    keys = [one for one in judged if one.item.id in attacks and one.item.how == "key"]
    injected = [one for one in judged if one.item.id in attacks and one.item.how != "key"]
    families = _by_family(plain)
    worst = min(families, key=lambda name: families[name]["accuracy"])
    confusion = _confusion(plain)
    return {
        **of_confusion(confusion),
        "confusion": confusion,
        "families": families,
        "worst_family": {"name": worst, "accuracy": families[worst]["accuracy"]},
        "hows": _by_how(plain),
        "flips": {name: _flips(plain, [one for one in judged if one.name == name]) for name in VARIANTS},
        "master_keys": _passes(keys),
        "injections": {**_passes(injected), "by_place": _by_place(injected)},
        "whys": dict(sorted(Counter(one.opinion.why for one in judged if one.opinion.why is not None).items())),
    }


def _about(judge: Judge, items: Sequence[Item], attacks: Sequence[Item]) -> dict[str, Any]:
    return {
        "kind": "calibration",
        "schema": SCHEMA,
        "code": code_version(),
        "model": judge.model,
        "prompt": judge.prompt,
        "settings": judge.describe(),
        "items": set_hash(items, attacks),
    }


def _spent(judged: Sequence[Judged]) -> dict[str, Any]:
    tokens = Tokens()
    for one in judged:
        tokens.add(one.opinion.tokens)
    return {
        "answered_by": sorted({one.opinion.model for one in judged if one.opinion.model}),
        "questions": len(judged),
        "tokens": tokens.as_json(),
        "latency": sum(one.opinion.latency for one in judged),
    }


def _side(opinion: Opinion) -> str:
    """What counts of an opinion: whether it passes the reply, fails it, or says nothing."""
    return UNJUDGED if opinion.grade == UNJUDGED else "pass" if opinion.passed else "fail"


def _is_right(one: Judged) -> bool:
    return _side(one.opinion) == ("pass" if one.item.good else "fail")


def _share(judged: Sequence[Judged], holds: Callable[[Judged], bool]) -> float:
    return sum(map(holds, judged)) / len(judged) if judged else 0.0


def _confusion(plain: Sequence[Judged]) -> dict[str, dict[str, int]]:
    """Truth to what the judge said, and how often."""
    counts = Counter((one.item.truth, one.opinion.grade) for one in plain)
    return {truth: {said: counts[truth, said] for said in SAID} for truth in GRADES}


def _by_family(plain: Sequence[Judged]) -> dict[str, dict[str, float]]:
    groups = _grouped(plain, lambda one: one.item.family)
    return {name: {"count": len(group), "accuracy": _share(group, _is_right)} for name, group in groups.items()}


def _by_how(plain: Sequence[Judged]) -> dict[str, dict[str, float]]:
    groups = _grouped(plain, lambda one: one.item.how)
    return {name: {"count": len(group), "accuracy": _share(group, _is_right)} for name, group in groups.items()}


def _by_place(injected: Sequence[Judged]) -> dict[str, dict[str, float]]:
    groups = _grouped(injected, lambda one: one.item.family)
    return {
        name: {"count": len(group), "passes": sum(one.opinion.passed for one in group)}
        for name, group in groups.items()
    }


def _grouped(judged: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        groups.setdefault(key(one), []).append(one)
    return groups


def _flips(plain: Sequence[Judged], changed: Sequence[Judged]) -> dict[str, Any]:
    """How often what counts of an opinion is another under a change of form."""
    before = {one.item.id: _side(one.opinion) for one in plain}
    flipped = [one.item.id for one in changed if _side(one.opinion) != before[one.item.id]]
    return {"count": len(changed), "rate": len(flipped) / max(len(changed), 1), "which": flipped}


def _passes(attacked: Sequence[Judged]) -> dict[str, Any]:
    """How many attacks came through, and which."""
    passed = [one.item.id for one in attacked if one.opinion.passed]
    return {"count": len(attacked), "rate": len(passed) / max(len(attacked), 1), "which": passed}
