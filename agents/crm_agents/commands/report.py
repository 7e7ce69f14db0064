"""`crm-agents report`: what logs come to, in the terminal, as JSON, or as one page to open, show and send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_agents.judge.opinions import read_opinions
from crm_agents.output import OK, OPINIONS_FILE, log_in, to_json
from crm_gym import UsageError
from crm_gym.evaluation.log import Log, read_log
from crm_gym.evaluation.report import figures_of, report, words

HELP = """Say what logs come to: success with intervals, by tool, family, level and polarity, failures, tokens and cost.

With --html all of it, and every episode, goes into one page that needs no network: plots, filters, a search, and the
request, calls, changes and verdict of each episode. What is filtered or open stands in the address after the #, as in
report.html#outcome=failure&open=0.17, and can be sent as a link. Several logs stand beside each other; the first is
the one that the others are compared with.

Examples:
  crm-agents report runs/oracle
  crm-agents report runs/claude runs/gpt --html report.html
  crm-agents report runs/claude/episodes.jsonl --json

Exit codes: 0 the report is made, 2 a log cannot be read, or the page not be written."""


@dataclass
class Args:
    """Arguments of `crm-agents report`."""

    logs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="LOG|FOLDER ...")]
    """Logs, or the folders of runs."""
    html: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the page here; an older page is replaced."""
    opinions: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE ...")] = ()
    """A judge's opinions to show on the page; if not given, those that lie beside the logs."""
    json: bool = False
    """Print all figures as JSON in place of the table."""


def run(args: Args) -> int:
    """Make the report; the exit code.

    Raises:
        UsageError: If a log cannot be read, or the page not be written.
    """
    if not args.logs:
        raise UsageError("say which logs: crm-agents report LOG ...")
    logs = [log_at(path) for path in args.logs]
    if args.html is not None:
        report(logs, args.html, _opinions(args, logs))
    figures = figures_of(logs)
    if args.json:
        print(to_json(figures, indent=2))
        return OK
    Console().print(_table(figures))
    for label, found in figures.items():
        for line in asides(found):
            print(f"{plain(label)}: {line}")
    if args.html is not None:
        print(f"{args.html}: open it in a browser")
    return OK


def log_at(path: Path) -> Log:
    """The log at a path, or in the folder of a run.

    Raises:
        UsageError: If there is none.
    """
    return read_log(log_in(path))


def _opinions(args: Args, logs: Sequence[Log]) -> list[dict[str, Any]]:
    beside = dict.fromkeys(log.path.with_name(OPINIONS_FILE) for log in logs)
    files = args.opinions or [path for path in beside if path.is_file()]
    return [opinion for path in files for opinion in read_opinions(path, logs)]


def plain(name: object) -> str:
    """A name from a log as a terminal may show it."""
    return ascii(str(name))[1:-1]


def asides(figures: Mapping[str, Any]) -> list[str]:
    """What must not be overlooked: outages, and what is left to play."""
    said = []
    if figures["infra_errors"]:
        said.append(f"{words.episodes(figures['infra_errors'])} ended by an outage, which count for nothing")
    left = (figures["planned"] or 0) - figures["played"]
    if left > 0:
        said.append(f"{left:,} of {words.episodes(figures['planned'])} still to be played")
    return said


def _table(figures: Mapping[str, Mapping[str, Any]]) -> Table:
    shown = Table()
    shown.add_column("")
    for label in figures:
        shown.add_column(Text(plain(label)), justify="right")
    for name, cells in _ROWS.items():
        shown.add_row(name, *(cells(found) for found in figures.values()))
    shown.add_section()
    reasons = dict.fromkeys(reason for found in figures.values() for reason in _reasons(found))
    for reason in reasons:
        shown.add_row(
            Text(plain(words.spoken(reason))), *(f"{_reasons(found).get(reason, 0)}" for found in figures.values())
        )
    return shown


def _reasons(figures: Mapping[str, Any]) -> dict[str, int]:
    """How often episodes failed, by reason."""
    kinds = {"failures": "", "model_errors": "model error: ", "infra": "outage: "}
    return {
        before + reason: count for kind, before in kinds.items() for reason, count in figures[kind].items() if count
    }


_ROWS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "success": lambda found: words.share(found["success"]["rate"]),
    "95 % interval (Wilson)": lambda found: words.between(found["success"]["wilson"]),
    "over tasks (bootstrap)": lambda found: words.over_tasks(found["success"]["bootstrap"]),
    "episodes that count": lambda found: f"{found['success']['successes']:,} of {found['success']['count']:,}",
    "steps": lambda found: words.number(found["steps"]["mean"] if found["steps"] else None),
    "refused calls": lambda found: words.share(found["refused_calls"]["rate"]),
    "collateral damage": lambda found: words.share(found["collateral"]["rate"]),
    "tokens": lambda found: words.whole(sum(found["model"]["tokens"].values())) if found["model"] else "-",
    "cost": lambda found: words.money(found["model"]["cost"]) if found["model"] else "-",
    "cost per success": lambda found: words.money(found["model"]["cost_per_success"]) if found["model"] else "-",
}
"""The table's rows, and what stands in each."""
