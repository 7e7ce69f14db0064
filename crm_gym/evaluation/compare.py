"""Two logs beside each other, episode by episode: differences with intervals, McNemar's test, and what flipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crm_gym.errors import UsageError
from crm_gym.evaluation import stats
from crm_gym.evaluation.metrics import Figures, Played, grouped, succeeded, tool_of
from crm_gym.evaluation.records import EpisodeRecord

Pair = tuple[EpisodeRecord, EpisodeRecord]
_SETTINGS = ("agent", "model", "prompt", "settings", "env_id", "env", "seed", "trials", "tasks", "code")


def compare(first: Played, second: Played, seed: int = 0) -> Figures:
    """What the second log has come to, beside the first.

    Episodes are paired by task, seed and trial. A pair is left out if an outage ended either episode, or if the two
    were not asked the same thing.

    Args:
        first: The log to measure against.
        second: The other.
        seed: Of the resampling for the intervals.

    Returns:
        pairs, outages, changed, unpaired: Pairs that count; pairs left out; episodes without a partner in each log.
        differs: Names of the settings in which the runs differ.
        success: first, second and difference (second less first) of the rates; low and high of the difference by the
            bootstrap over tasks.
        mcnemar: p, and in how many pairs only_first or only_second was a success. The test takes pairs for
            independent: with several trials a task, hold on to the interval.
        steps, refused_calls, cost, tokens: Means per episode as in success; None where not known on both sides.
        by_tool: Rows of name, count, first, second, difference.
        flips: Pairs in which one was a success and the other not: task, family, seed, trial, index (of each), outcome
            and reason of each.

    Raises:
        UsageError: If no pair is left.
    """
    pairs, lost, unpaired = _paired(first.episodes, second.episodes)
    if not pairs:
        raise UsageError(_why_no_pair(lost, unpaired))
    won = [(succeeded(one), succeeded(other)) for one, other in pairs]
    only_first, only_second = sum(a and not b for a, b in won), sum(b and not a for a, b in won)
    return {
        "pairs": len(pairs),
        **lost,
        "unpaired": unpaired,
        "differs": [name for name in _SETTINGS if first.run.get(name) != second.run.get(name)],
        "success": _difference(pairs, lambda record: float(succeeded(record)), seed),
        "mcnemar": {
            "p": stats.mcnemar(only_first, only_second),
            "only_first": only_first,
            "only_second": only_second,
        },
        "steps": _difference(pairs, lambda record: float(len(record["steps"])), seed),
        "refused_calls": _difference(pairs, _refused, seed),
        "cost": _difference(pairs, lambda record: record["cost"], seed),
        "tokens": _difference(pairs, _tokens, seed),
        "by_tool": _by_tool(pairs),
        "flips": [_flip(one, other) for (one, other), (a, b) in zip(pairs, won, strict=True) if a != b],
    }


def _key(record: EpisodeRecord) -> tuple[str, int, int]:
    return record["task"], record["seed"], record["trial"]


def _paired(
    first: Sequence[EpisodeRecord], second: Sequence[EpisodeRecord]
) -> tuple[list[Pair], dict[str, int], list[int]]:
    """The pairs that count, how many do not and why, and how many episodes of each have no partner."""
    others = {_key(record): record for record in second}
    found = [(record, others[_key(record)]) for record in first if _key(record) in others]
    same = [pair for pair in found if _asked(pair[0]) == _asked(pair[1])]
    pairs = [pair for pair in same if all(record["outcome"] != "infra_error" for record in pair)]
    lost = {"outages": len(same) - len(pairs), "changed": len(found) - len(same)}
    return pairs, lost, [len(first) - len(found), len(second) - len(found)]


def _asked(record: EpisodeRecord) -> tuple[str, str, str]:
    return record["request"], record["today"], record["family"]


def _why_no_pair(lost: dict[str, int], unpaired: list[int]) -> str:
    if not any(lost.values()):
        return (
            f"the logs have no episode in common ({unpaired[0]} and {unpaired[1]} on their own): episodes are paired "
            "by task, seed and trial; play both with the same suite, seed and trials"
        )
    return (
        f"the logs have no pair of episodes that counts: {lost['outages']} were ended by an outage, "
        f"{lost['changed']} were not asked the same thing"
    )


def _difference(pairs: Sequence[Pair], figure: Callable[[EpisodeRecord], float | None], seed: int) -> Figures | None:
    """Means of a figure and their difference with an interval over tasks; None if it is not known everywhere."""
    values = [(record["task"], figure(record), figure(other)) for record, other in pairs]
    clusters: dict[str, list[float]] = {}
    left = right = 0.0
    for task, one, other in values:
        if one is None or other is None:
            return None
        clusters.setdefault(task, []).append(other - one)
        left, right = left + one, right + other
    low, high = stats.clustered(list(clusters.values()), seed)
    count = len(values)
    return {
        "first": left / count,
        "second": right / count,
        "difference": (right - left) / count,
        "low": low,
        "high": high,
    }


def _refused(record: EpisodeRecord) -> float:
    return float(sum(step["error"] is not None for step in record["steps"]))


def _tokens(record: EpisodeRecord) -> float | None:
    return None if record["tokens"] is None else float(sum(record["tokens"].values()))


def _by_tool(pairs: Sequence[Pair]) -> list[Figures]:
    """Rates of both by tool; the same tasks, so the same rows."""
    left, right = (grouped([pair[side] for pair in pairs], lambda record: tool_of(record["family"])) for side in (0, 1))
    return [
        {
            "name": one["name"],
            "count": one["count"],
            "first": one["rate"],
            "second": other["rate"],
            "difference": other["rate"] - one["rate"],
        }
        for one, other in zip(left, right, strict=True)
    ]


def _flip(one: EpisodeRecord, other: EpisodeRecord) -> dict[str, Any]:
    return {
        "task": one["task"],
        "family": one["family"],
        "seed": one["seed"],
        "trial": one["trial"],
        "index": [one["index"], other["index"]],
        "outcome": [one["outcome"], other["outcome"]],
        "reason": [one["reason"], other["reason"]],
    }
