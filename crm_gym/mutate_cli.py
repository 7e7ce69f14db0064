"""crm-gym mutate: whether the tests notice small faults in what judges."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from crm_gym.errors import UsageError, near_miss
from crm_gym.mutation.runner import SURVIVED, TIMEOUT, Mutant, mutants_of, run, sampled
from crm_gym.mutation.targets import BARS, TARGETS

JSON = Any

OK, BELOW = 0, 1

_Groups = Annotated[
    tuple[str, ...],
    Positional,
    arg(metavar="[GROUP...]", help="some of " + ", ".join(BARS), help_behavior_hint="(all if absent)"),
]
_Jobs = Annotated[int, arg(metavar="J", help="mutants tried at a time", help_behavior_hint="(2 if absent)")]
_Out = Annotated[str, arg(metavar="FILE", help="write the outcome as JSON there too", help_behavior_hint="")]
_AsJson = Annotated[bool, arg(name="json", help="print JSON instead", help_behavior_hint="")]
_Sample = Annotated[int, arg(metavar="N", help="only so many mutants, drawn", help_behavior_hint="(all if absent)")]
_Seed = Annotated[int, arg(metavar="S", help="fixes which are drawn", help_behavior_hint="(0 if absent)")]


def mutate(
    groups: _Groups = (),
    /,
    jobs: _Jobs = 2,
    out: _Out = "",
    as_json: _AsJson = False,
    sample: _Sample = 0,
    seed: _Seed = 0,
) -> int:
    """Plant small faults in what judges, and see whether the tests notice each; wants a checkout with tests.

    The exit code is 1 if fewer are noticed than the bar of a group asks (of a whole run, not of a sample), or if
    one that goes unnoticed is not on the list of survivors with a reason.

    For example:

        crm-gym mutate rewards --sample 2
        crm-gym mutate --sample 4 --seed 7
    """
    _check(groups, jobs, sample)
    mutants = mutants_of(target for target in TARGETS if not groups or target.group in groups)
    if sample:
        mutants = sampled(mutants, sample, seed)
    outcome = summary(run(mutants, jobs, _Progress(len(mutants))), whole=not sample)
    if out:
        Path(out).write_text(json.dumps(outcome, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(outcome, indent=2) if as_json else shown(outcome))
    return OK if outcome["passed"] else BELOW


def _check(groups: Sequence[str], jobs: int, sample: int) -> None:
    for group in groups:
        if group not in BARS:
            raise UsageError(f"there is no group {group!r}; {near_miss(group, BARS)}")
    if jobs < 1:
        raise UsageError(f"--jobs must be 1 or more; got {jobs}")
    if sample < 0:
        raise UsageError(f"--sample must be 1 or more; got {sample}")


class _Progress:
    """How far it is, on one line of standard error, where somebody looks."""

    def __init__(self, total: int) -> None:
        self.total, self.done = total, 0

    def __call__(self, mutant: Mutant) -> None:
        self.done += 1
        if sys.stderr.isatty():
            end = "\n" if self.done == self.total else ""
            print(f"\r{self.done} of {self.total} mutants, now in {mutant.target.path:<40}", end=end, file=sys.stderr)


def summary(mutants: Sequence[Mutant], *, whole: bool) -> dict[str, JSON]:
    """The outcome as JSON.

    Args:
        mutants: With their outcomes.
        whole: Whether these are all of their groups, so that the bars apply.
    """
    groups = {}
    for group in dict.fromkeys(mutant.target.group for mutant in mutants):
        among = [mutant for mutant in mutants if mutant.target.group == group]
        modules = dict.fromkeys(mutant.target.path for mutant in among)
        counted = _counts(among)
        reached = not whole or counted["rate"] >= BARS[group]
        parts = {path: _counts([mutant for mutant in among if mutant.target.path == path]) for path in modules}
        groups[group] = {**counted, "bar": BARS[group], "reached": reached, "modules": parts}
    survivors = [_survivor(mutant) for mutant in mutants if mutant.outcome == SURVIVED]
    passed = all(group["reached"] for group in groups.values()) and all(one["reason"] for one in survivors)
    return {"passed": passed, "whole": whole, "groups": groups, "survivors": survivors}


def _counts(mutants: Sequence[Mutant]) -> dict[str, JSON]:
    survived = sum(mutant.outcome == SURVIVED for mutant in mutants)
    timeouts = sum(mutant.outcome == TIMEOUT for mutant in mutants)
    noticed = len(mutants) - survived
    return {
        "mutants": len(mutants),
        "killed": noticed - timeouts,
        "survived": survived,
        "timeouts": timeouts,
        "rate": round(100 * noticed / len(mutants), 2) if mutants else 100.0,
    }


def _survivor(mutant: Mutant) -> dict[str, JSON]:
    fault = mutant.mutation
    return {
        "module": mutant.target.module,
        "path": mutant.target.path,
        "line": fault.line,
        "column": fault.column,
        "scope": fault.scope,
        "text": fault.text,
        "change": fault.change,
        "reason": mutant.reason,
    }


def shown(outcome: dict[str, JSON]) -> str:
    """The outcome as a table, and the survivors below it."""
    lines = [f"{'':<32}{'mutants':>9}{'killed':>9}{'timeouts':>10}{'survived':>10}{'rate':>10}{'bar':>8}"]
    for name, group in outcome["groups"].items():
        verdict = "" if group["reached"] else "  below"
        lines.append(_row(name, group) + f"{group['bar']:>7.0f}%{verdict}")
        lines += [_row("  " + path, counts) for path, counts in group["modules"].items()]
    unexplained = [one for one in outcome["survivors"] if not one["reason"]]
    lines += ["", f"{len(outcome['survivors'])} survivors, {len(unexplained)} of them unexplained"]
    for one in outcome["survivors"]:
        lines += ["", f"{one['path']}:{one['line']}:{one['column'] + 1} {one['scope']}", f"    {one['change']}"]
        lines.append(f"    {one['reason'] or 'UNEXPLAINED'}")
    return "\n".join(lines)


def _row(name: str, counts: dict[str, JSON]) -> str:
    numbers = f"{counts['mutants']:>9}{counts['killed']:>9}{counts['timeouts']:>10}{counts['survived']:>10}"
    return f"{name:<32}{numbers}{counts['rate']:>9.2f}%"
