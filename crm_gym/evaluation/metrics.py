"""Figures of a log: success with intervals, by what it was about, costs, and what went wrong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from crm_gym.evaluation import stats
from crm_gym.evaluation.records import ENDS, FAILURES, OUTCOMES, SLIPS, TOKENS, EpisodeRecord, Run, SpentRecord
from crm_gym.tasks.families import REGISTRY
from crm_gym.tasks.family import KINDS
from crm_gym.tools import TOOL_NAMES

Records = Sequence[EpisodeRecord]
Figures = dict[str, Any]
_Amount = TypeVar("_Amount", int, float)
MOST = 10**15
"""A larger count or amount of an episode is taken for this: a server may claim any number, and sums must be finite."""

_SHARES = {"median": 0.5, "p90": 0.9, "p99": 0.99}


@runtime_checkable
class Played(Protocol):
    """A log as it is read back."""

    @property
    def run(self) -> Run:
        """Its first line."""

    @property
    def episodes(self) -> Records:
        """Its episodes, one for each seed and trial."""


def counted(records: Iterable[EpisodeRecord]) -> list[EpisodeRecord]:
    """The episodes that count: all but those that an outage ended."""
    return [record for record in records if record["outcome"] != "infra_error"]


def succeeded(record: EpisodeRecord) -> bool:
    """Whether an episode came out well."""
    return record["outcome"] == "success"


def tool_of(family: str) -> str:
    """The tool that a family of tasks is about; the kind of work for work with several tools."""
    known = REGISTRY.get(family)
    return family if known is None else known.tool or known.kind


def summarize(log: Played | Records, seed: int = 0) -> Figures:
    """All figures of a log, as plain JSON in a fixed order.

    Episodes with outcome infra_error count nowhere but in `outcomes`, `infra_errors` and what was spent; everything
    else does, whatever ended it.

    Args:
        log: A log, or episodes.
        seed: Of the resampling for the intervals.

    Returns:
        planned, played, counted, infra_errors: Numbers of episodes; planned is None if there is no run line.
        success: rate, successes and count; wilson and bootstrap (over tasks), two numbers each, None of no episodes.
        outcomes: Number by outcome. failures, model_errors, infra: Number by reason. slips: Number by kind.
        by_tool, by_family, by_level, by_polarity: Rows of name, count, successes, rate, low, high (Wilson), mean_steps.
        pass_at_k, pass_hat_k: Rows of k, value, low, high, tasks (those with at least k trials that count).
        steps: mean and quantiles. calls: Rows by tool called: calls, refused. refused_calls: count, rate, by_code.
        collateral: count, rate, low, high of episodes that changed what nobody asked for.
        model: None without a model; else calls, tokens by kind, cost, cost_per_success (None if not known), latency,
            all of the episodes; and unfinished, what was spent beside them: calls, tokens by kind, cost.
    """
    run, records = (log.run, log.episodes) if isinstance(log, Played) else (None, log)
    kept = counted(records)
    return {
        "planned": None if run is None else run["count"],
        "played": len(records),
        "counted": len(kept),
        "infra_errors": len(records) - len(kept),
        "success": success(kept, seed),
        "outcomes": _counts((record["outcome"] for record in records), OUTCOMES),
        "failures": _reasons(records, "failure", FAILURES),
        "model_errors": _reasons(records, "model_error", ENDS),
        "infra": _reasons(records, "infra_error", ()),
        "slips": _counts((slip["kind"] for record in kept for slip in record["slips"]), SLIPS),
        "by_tool": grouped(kept, lambda record: tool_of(record["family"])),
        "by_family": grouped(kept, lambda record: record["family"]),
        "by_level": grouped(kept, lambda record: record["level"]),
        "by_polarity": grouped(kept, lambda record: record["polarity"]),
        "pass_at_k": chances(kept, stats.pass_at_k, seed),
        "pass_hat_k": chances(kept, stats.pass_hat_k, seed),
        "steps": _spread([len(record["steps"]) for record in kept]),
        "calls": _calls(kept),
        "refused_calls": _refused(kept),
        "collateral": _share(sum(_collateral(record) for record in kept), len(kept)),
        "model": _model(records, getattr(log, "spent", ())),
    }


def success(kept: Records, seed: int = 0) -> Figures:
    """The rate of success with its intervals: Wilson's, and the bootstrap's over tasks."""
    successes = sum(map(succeeded, kept))
    share = _share(successes, len(kept))
    clusters = _clusters((record["task"], float(succeeded(record))) for record in kept)
    drawn = list(stats.clustered(clusters, seed)) if clusters else None
    return {
        "rate": share["rate"],
        "successes": successes,
        "count": len(kept),
        "wilson": [share["low"], share["high"]] if kept else None,
        "bootstrap": drawn,
    }


def grouped(kept: Records, key: Callable[[EpisodeRecord], str | int]) -> list[Figures]:
    """Success by anything: a row for each name, tools in their fixed order, then kinds of work, then all others."""
    groups: dict[str | int, list[EpisodeRecord]] = {}
    for record in kept:
        groups.setdefault(key(record), []).append(record)
    rows = []
    for name in sorted(groups, key=_order):
        group = groups[name]
        share = _share(sum(map(succeeded, group)), len(group))
        mean = sum(len(record["steps"]) for record in group) / len(group)
        rows.append({"name": str(name), **_renamed(share), "mean_steps": mean})
    return rows


def chances(kept: Records, chance: Callable[[int, int, int], float], seed: int = 0) -> list[Figures]:
    """The chance of k trials, averaged over tasks: pass@k or pass^k with intervals over tasks.

    Args:
        kept: Episodes that count; trials of one task have the same task and seed.
        chance: `stats.pass_at_k` or `stats.pass_hat_k`.
        seed: Of the resampling.
    """
    trials: dict[tuple[str, int], list[bool]] = {}
    for record in kept:
        trials.setdefault((record["task"], record["seed"]), []).append(succeeded(record))
    most = max(map(len, trials.values()), default=0)
    rows = []
    for k in [k for k in range(1, most + 1) if k <= 8 or k & (k - 1) == 0 or k == most]:
        pairs = [(task, chance(len(won), sum(won), k)) for (task, _), won in trials.items() if len(won) >= k]
        values = [value for _, value in pairs]
        low, high = stats.clustered(_clusters(pairs), seed)
        rows.append({"k": k, "value": sum(values) / len(values), "low": low, "high": high, "tasks": len(values)})
    return rows


def _clusters(pairs: Iterable[tuple[str, float]]) -> list[list[float]]:
    """Values by task, in order of first appearance."""
    clusters: dict[str, list[float]] = {}
    for task, value in pairs:
        clusters.setdefault(task, []).append(value)
    return list(clusters.values())


_NAMES = dict.fromkeys((*TOOL_NAMES, *KINDS, *REGISTRY, "accepted", "refused"))  # a tool's first family has its name
_PLACES = {name: place for place, name in enumerate(_NAMES)}


def _order(name: str | int) -> tuple[int, int, str]:
    """Numbers by size, known names in their fixed order, others by the alphabet."""
    if isinstance(name, int):
        return 0, name, ""
    return (1, _PLACES[name], "") if name in _PLACES else (2, 0, name)


def _share(part: int, count: int) -> Figures:
    """A share with Wilson's interval; its rate is None of none."""
    low, high = stats.wilson(part, count)
    return {"count": part, "of": count, "rate": part / count if count else None, "low": low, "high": high}


def _renamed(share: Figures) -> Figures:
    return {
        "count": share["of"],
        "successes": share["count"],
        "rate": share["rate"],
        "low": share["low"],
        "high": share["high"],
    }


def _counts(words: Iterable[str], known: Sequence[str]) -> dict[str, int]:
    """How often each word occurs: known ones always and in their order, then others by the alphabet."""
    found = Counter(words)
    return {word: found[word] for word in (*known, *sorted(set(found) - set(known)))}


def _reasons(records: Records, outcome: str, known: Sequence[str]) -> dict[str, int]:
    return _counts((record["reason"] or "not said" for record in records if record["outcome"] == outcome), known)


def _collateral(record: EpisodeRecord) -> bool:
    return bool(record["verdict"].get("unexpected"))


def _spread(values: Sequence[float]) -> Figures | None:
    """Mean and quantiles, None of no values."""
    if not values:
        return None
    figures = stats.quantiles(values, tuple(_SHARES.values()))
    return {"mean": sum(values) / len(values), **dict(zip(_SHARES, figures, strict=True)), "max": max(values)}


def _calls(kept: Records) -> list[Figures]:
    """Calls by the tool called; those that could not be read are under "unreadable"."""
    made: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    for record in kept:
        for step in record["steps"]:
            name = step["tool"] or "unreadable"
            made[name] += 1
            refused[name] += step["error"] is not None
    return [{"name": name, "calls": made[name], "refused": refused[name]} for name in sorted(made, key=_order)]


def _refused(kept: Records) -> Figures:
    codes = Counter(step["error"]["code"] for record in kept for step in record["steps"] if step["error"])
    steps, refused = sum(len(record["steps"]) for record in kept), sum(codes.values())
    ranked = sorted(codes.items(), key=lambda pair: (-pair[1], pair[0]))
    return {"count": refused, "of": steps, "rate": refused / steps if steps else None, "by_code": dict(ranked)}


def _within(amount: _Amount) -> _Amount:
    """A number, `MOST` at most, above 0 and below."""
    return max(-MOST, min(amount, MOST))


def _model(records: Records, spent: Sequence[SpentRecord]) -> Figures | None:
    """What the model's calls came to and cost, in all episodes: an outage's were paid for, too."""
    asked = [record for record in records if record["tokens"] is not None]
    if not asked and not spent:
        return None
    calls, successes = sum(_within(record["calls"]) for record in asked), sum(map(succeeded, asked))
    costs = [record["cost"] for record in asked]
    known = [_within(cost) for cost in costs if cost is not None]
    cost = math.fsum(known) if len(known) == len(costs) else None
    waits = [_within(record["latency"]) for record in asked if record["latency"] is not None]
    tokens = {kind: sum(_within((record["tokens"] or {}).get(kind, 0)) for record in asked) for kind in TOKENS}
    return {
        "calls": calls,
        "calls_per_episode": calls / len(asked) if asked else None,
        "tokens": tokens,
        "tokens_per_episode": sum(tokens.values()) / len(asked) if asked else None,
        "cost": cost,
        "cost_unknown": len(costs) - len(known),
        "cost_per_episode": None if cost is None or not asked else cost / len(asked),
        "cost_per_success": None if cost is None or not successes else cost / successes,
        "latency": _spread(waits),
        "latency_per_call": sum(waits) / calls if waits and calls else None,
        "unfinished": _unfinished(spent),
    }


def _unfinished(spent: Sequence[SpentRecord]) -> Figures:
    """What was spent on episodes that were not finished when their run stopped."""
    costs = [record["cost"] for record in spent]
    known = [_within(cost) for cost in costs if cost is not None]
    return {
        "calls": sum(_within(record["calls"]) for record in spent),
        "tokens": {kind: sum(_within(record["tokens"].get(kind, 0)) for record in spent) for kind in TOKENS},
        "cost": math.fsum(known) if len(known) == len(costs) else None,
    }
