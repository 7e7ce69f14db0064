"""`crm-agents compare`: two logs, pair by pair."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_agents.commands.report import log_at, plain
from crm_agents.output import OK, to_json
from crm_gym.evaluation.compare import compare
from crm_gym.evaluation.report import words
from crm_gym.evaluation.report.beside import MEASURES

HELP = """Compare two logs, episode by episode: pairs have the same task, seed and trial.

Differences are those of the second log from the first, with 95 % intervals over tasks, and McNemar's exact test of the
pairs in which one succeeded and the other did not. A pair in which an outage ended an episode is left out.

Examples:
  crm-agents compare runs/before runs/after
  crm-agents compare runs/claude/episodes.jsonl runs/gpt/episodes.jsonl --json
  crm-agents compare runs/before runs/after --flips 50

Exit codes: 0 they were compared, whatever came of it, 2 a log cannot be read, or they have no pair."""


@dataclass
class Args:
    """Arguments of `crm-agents compare`."""

    first: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LOG|FOLDER")]
    """The log, or the folder of a run, to measure against."""
    second: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="LOG|FOLDER")]
    """The other."""
    flips: Annotated[int, tyro.conf.arg(metavar="N")] = 10
    """List at most so many episodes that came out otherwise."""
    json: bool = False
    """Print everything as JSON in place of the table."""


def run(args: Args) -> int:
    """Compare; the exit code.

    Raises:
        UsageError: If a log cannot be read, or the two have no pair.
    """
    first, second = log_at(args.first), log_at(args.second)
    figures = compare(first, second)
    if args.json:
        print(to_json(figures, indent=2))
        return OK
    Console().print(_table(figures, str(args.first), str(args.second)))
    for line in said(figures, max(args.flips, 0)):
        print(line)
    return OK


def _table(figures: Mapping[str, Any], first: str, second: str) -> Table:
    shown = Table()
    shown.add_column("per episode")
    for name in (first, second, "difference", "95 % interval"):
        shown.add_column(Text(plain(name)), justify="right")
    for name, value, change in MEASURES:
        row = figures[name]
        if row is not None:
            interval = f"{change(row['low'])} to {change(row['high'])}"
            cells = (value(row["first"]), value(row["second"]), change(row["difference"]), interval)
            shown.add_row(words.spoken(name), *cells)
    shown.add_section()
    for row in figures["by_tool"]:
        rates = (words.share(row["first"]), words.share(row["second"]), words.points(row["difference"]))
        shown.add_row(Text(plain(f"{words.spoken(row['name'])} ({row['count']})")), *rates, "")
    return shown


def said(figures: Mapping[str, Any], flips: int) -> list[str]:
    """The test, what was left out, how the runs differ, and episodes that flipped."""
    test, unpaired = figures["mcnemar"], figures["unpaired"]
    lines = [
        f"{figures['pairs']:,} pairs: {test['only_second']} only the second solved, {test['only_first']} only the "
        f"first; McNemar's exact test: p {words.equals(test['p'])}"
    ]
    left = {
        "an outage": figures["outages"],
        "another question under the same name": figures["changed"],
        "no partner": sum(unpaired),
    }
    lines += [f"left out for {why}: {count:,}" for why, count in left.items() if count]
    if figures["differs"]:
        lines.append(f"the runs differ in: {', '.join(figures['differs'])}")
    lines += [_flip(flip) for flip in figures["flips"][:flips]]
    more = len(figures["flips"]) - flips
    return lines + ([f"and {more:,} more that flipped; --flips {len(figures['flips'])} lists all"] if more > 0 else [])


def _flip(flip: Mapping[str, Any]) -> str:
    before, after = (
        words.spoken(reason or outcome) for outcome, reason in zip(flip["outcome"], flip["reason"], strict=True)
    )
    return f"  {plain(flip['task'])} (seed {flip['seed']}, trial {flip['trial']}): {plain(before)} -> {plain(after)}"
