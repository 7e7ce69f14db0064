"""`crm-agents verify-log`: whether a log is sound."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from crm_agents.output import log_in
from crm_gym.evaluation.log import Fault, Log, read_log
from crm_gym.evaluation.records import OUTCOMES

HELP = """Check a log line by line: every check, every field, whether each episode is one that the run plays and there
but once, and whether all of them are there.

Examples:
  crm-agents verify-log runs/oracle
  crm-agents verify-log runs/oracle --json

Exit codes: 0 every line is sound, or all episodes are there beside lines that are torn or damaged, 1 some lines are
torn or damaged (go on with --resume: those episodes are played again), or hold an episode twice or one that the run
does not play, 2 there is no log, or its first line is damaged. Episodes that are still to be played are no damage."""

SOUND, DAMAGED = 0, 1


@dataclass
class Args:
    """Arguments of `crm-agents verify-log`."""

    log: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LOG|FOLDER")]
    """The log, or the folder of a run."""
    json: bool = False
    """Print JSON in place of text."""


def run(args: Args) -> int:
    """Check it; the exit code.

    Raises:
        UsageError: If there is no log, or its first line is damaged.
    """
    log = read_log(log_in(args.log))
    found = findings(log)
    if args.json:
        print(json.dumps(found, indent=2))
    else:
        _show(log, found)
    return DAMAGED if harmful(log) else SOUND


def harmful(log: Log) -> list[Fault]:
    """Faults that matter still: a damaged line does not, once the episode in it has been played again."""
    whole = len(log.episodes) >= log.run["count"]
    return [fault for fault in log.faults if not (whole and fault.mends)]


def findings(log: Log) -> dict[str, Any]:
    """What a log holds, and what is wrong with it, as plain JSON."""
    counts = Counter(record["outcome"] for record in log.episodes)
    return {
        "log": str(log.path),
        "run": log.run["run"],
        "agent": log.run["agent"],
        "of": log.run["count"],
        "episodes": len(log.episodes),
        "outcomes": {name: counts[name] for name in OUTCOMES if counts[name]},
        "faults": [{"line": fault.line, "cause": fault.cause, "what": fault.what} for fault in log.faults],
        "harmful": len(harmful(log)),
    }


def _show(log: Log, found: dict[str, Any]) -> None:
    for fault in log.faults:
        print(f"{log.path}: {fault}")
    outcomes = ", ".join(f"{count} {name}" for name, count in found["outcomes"].items()) or "none"
    print(f"{log.path}: {found['episodes']} of {found['of']} episodes ({outcomes}) by {ascii(found['agent'])[1:-1]}")
    missing = found["of"] - found["episodes"]
    lasting = sum(not fault.mends for fault in log.faults)
    if lasting:
        print(f"{lasting} doubled or foreign; take those lines out, or play the run anew with --force")
    if found["harmful"] > lasting:
        print(f"{found['harmful'] - lasting} damaged; --resume plays those episodes again")
    elif lasting:
        return
    elif log.faults:
        print(f"{len(log.faults)} damaged, and all episodes are there: they have been played since")
    elif missing > 0:
        print(f"sound; {missing} still to be played: --resume goes on")
    else:
        print("sound")
