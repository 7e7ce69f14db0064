"""`crm-agents regrade`: stored episodes, judged again by today's code."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from crm_agents.output import log_in
from crm_gym.evaluation.lines import plain
from crm_gym.evaluation.log import LogWriter, read_log
from crm_gym.evaluation.records import Run
from crm_gym.evaluation.redact import Redactor
from crm_gym.evaluation.regrade import CAUSES, Difference, judged_again, run_again

HELP = """Play the stored calls of a log again, in a fresh environment by today's code, and say what changed and why.

No model is asked: the calls are those of the log. For every episode the task, the result and the state after each
call, the verdict and the outcome are compared; of steps the first that differs is shown, for the rest follow from it.
Lines of the log that cannot be used are named, and left out.

Examples:
  crm-agents regrade runs/claude
  crm-agents regrade runs/claude --json
  crm-agents regrade runs/claude --out runs/claude/regraded.jsonl

Exit codes: 0 nothing changed, 1 something did, 2 there is no log, its environment cannot be made, or the new log
cannot be written."""

SAME, CHANGED = 0, 1


@dataclass
class Args:
    """Arguments of `crm-agents regrade`."""

    log: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LOG|FOLDER")]
    """The log, or the folder of a run."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="NEWLOG")] = None
    """Where to write the episodes as today's code judges them; a new file."""
    json: bool = False
    """Print JSON in place of text."""


def run(args: Args) -> int:
    """Judge again; the exit code.

    Raises:
        UsageError: If there is no log, or the new one cannot be written.
    """
    log = read_log(log_in(args.log))
    for fault in log.faults:
        print(f"{log.path}: {fault}", file=sys.stderr)
    new_run = run_again(log.run)
    writer = None if args.out is None else LogWriter(args.out, new_run)
    found: list[Difference] = []
    outcomes: Counter[tuple[str, str]] = Counter()
    try:
        for old, (new, differences) in zip(log.episodes, judged_again(log), strict=True):
            found += differences
            outcomes[old["outcome"], new["outcome"]] += 1
            if writer is not None:
                writer.add(new)
        if writer is not None:
            for spent in log.spent:
                writer.add_spent({**spent, "run": new_run["run"]})
    finally:
        if writer is not None:
            writer.close()
    told = summary(log.run, new_run, outcomes, found)
    if args.json:
        everything = {**told, "differences": [as_json(each) for each in found]}
        print(json.dumps(plain(everything, Redactor()), indent=2))
    else:
        _show(told, found)
    return CHANGED if found else SAME


def summary(then: Run, now: Run, outcomes: Counter[tuple[str, str]], found: Iterable[Difference]) -> dict[str, Any]:
    """How many episodes differ, why, and which way the outcomes went, as plain JSON."""
    causes = {difference.index: difference.cause for difference in found}
    counts = Counter(causes.values())
    return {
        "episodes": sum(outcomes.values()),
        "changed": len(causes) - counts["unchecked"],
        "causes": {cause: counts[cause] for cause in CAUSES if counts[cause]},
        "outcomes": {f"{was} -> {now}": count for (was, now), count in sorted(outcomes.items()) if was != now},
        "code": {"was": then["code"], "is": now["code"]},
        "tasks": {"was": then["tasks"], "is": now["tasks"]},
    }


def as_json(difference: Difference) -> dict[str, Any]:
    """A difference as plain JSON."""
    return {name: getattr(difference, name) for name in difference.__slots__}


def _show(told: dict[str, Any], found: Iterable[Difference]) -> None:
    redact = Redactor()
    for difference in found:
        print(redact(f"[{difference.cause}] {difference}"))
    print(f"{told['episodes']} episodes judged again, {told['changed']} changed{_listed(told['causes'])}")
    for change, count in told["outcomes"].items():
        print(f"  {count} x {change}")
    for name in ("code", "tasks"):
        if told[name]["was"] != told[name]["is"]:
            print(f"{name}: was {told[name]['was']}, is {told[name]['is']}")


def _listed(causes: dict[str, int]) -> str:
    return "" if not causes else " (" + ", ".join(f"{cause}: {count}" for cause, count in causes.items()) + ")"
