"""crm-gym certify: prove that tasks are fair, and show the first one that is not."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tyro.conf import Positional, arg

from crm_gym.backend import MEMORY, backend_of
from crm_gym.certify.arena import AGENTS, CHANCE
from crm_gym.certify.suite import Wanted, certify_suite
from crm_gym.certify.tally import MOST_LUCK, Report, Tally
from crm_gym.errors import UsageError, near_miss
from crm_gym.tasks.catalogue import SUITES
from crm_gym.tasks.difficulty import LEVELS
from crm_gym.tasks.splits import GENERATED, SPLITS

PASSED, FAULTY = 0, 1
_PIPED_WIDTH = 1_000  # nothing is folded or cut where a program reads
_KNOWN = (*SUITES, GENERATED)


def _option(metavar: str, words: str, absent: str) -> Any:
    return arg(metavar=metavar, help=words, help_behavior_hint=f"({absent})")


def certify(
    suite: Annotated[
        str, Positional, arg(metavar="[SUITE]", help="one of " + ", ".join(_KNOWN), help_behavior_hint="(golden)")
    ] = "golden",
    /,
    tasks: Annotated[int | None, _option("N", "how many, shared out among the families", "all; generated 2000")] = None,
    jobs: Annotated[int, _option("J", "how many processes", "1 if absent")] = 1,
    split: Annotated[str, _option("NAME", "generated: one of " + ", ".join(SPLITS), "all if absent")] = "all",
    families: Annotated[
        tuple[str, ...], _option("NAME", "only these: tools, families or kinds of them", "all if absent")
    ] = (),
    level: Annotated[int | None, _option("L", "generated: only this difficulty, 1 to 5", "all if absent")] = None,
    backend: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]],
        _option("DSN", "where the oracle must succeed too; may be given again", "in memory if absent"),
    ] = (),
    seed: Annotated[int, _option("K", "other tasks and other draws for another", "0 if absent")] = 0,
    out: Annotated[Path | None, _option("FILE", "write the report there, as JSON", "nowhere if absent")] = None,
    as_json: Annotated[bool, arg(name="json", help="print the report as JSON instead", help_behavior_hint="")] = False,
) -> int:
    """Certify tasks: solvable, with one meaning, judged rightly, and closed to those who do not do what is asked.

    Exit code 1 if a task is not, with the first one laid open.

    For example:

        crm-gym certify golden --families add_note
        crm-gym certify generated --split test --tasks 60
        crm-gym certify generated --families dialogue --tasks 30
    """
    if suite not in _KNOWN:
        raise UsageError(f"there is no suite {suite!r}; {near_miss(suite, _KNOWN)}")
    if seed < 0:
        raise UsageError(f"seed must be 0 or more; got {seed}")
    for name in backend:
        backend_of(name, commit=False)  # complains of one that cannot be had
    _writable(out)
    if suite == GENERATED and tasks is None:
        tasks = 2_000
    wanted = Wanted(suite, tasks, split, tuple(families), level, backend or (MEMORY,), seed)
    on_part = _progress if sys.stderr.isatty() else None
    report = certify_suite(wanted, jobs, on_part)
    if on_part is not None:
        print(file=sys.stderr)
    text = json.dumps(report.as_json(), indent=2)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
    else:
        _show(report)
    return PASSED if report.passed else FAULTY


def _writable(out: Path | None) -> None:
    if out is not None and not out.parent.is_dir():
        raise UsageError(f"out: there is no folder {str(out.parent)!r}")
    if out is not None and out.is_dir():
        raise UsageError(f"out: {str(out)!r} is a folder; name a file in it")


def _progress(done: int, total: int, faults: int) -> None:
    print(f"\r{done:,} of {total:,} tasks, {faults} faults", end="", file=sys.stderr, flush=True)


def _show(report: Report) -> None:
    console = Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    console.print(table(report))
    for line in summary(report):
        console.print(Text(line))
    example = report.total.example
    if example is not None:
        console.print(Text.from_ansi(f"\nThe first fault:\n\n{example.text}"))


def table(report: Report) -> Table:
    """The counts by family; in the column of each agent its successes."""
    shown = Table(box=box.SIMPLE, pad_edge=False)
    shown.add_column("family", no_wrap=True)
    agents = (name.partition("-")[0] for name in AGENTS)
    names = ("tasks", *map(str, LEVELS), "wrong", "right", "bent", *agents, "faults")
    for name in names:
        shown.add_column(name, justify="right")
    for family, tally in report.families.items():
        shown.add_row(*_cells(family, tally))
    if len(report.families) > 1:
        shown.add_section()
        shown.add_row(*_cells("all", report.total))
    return shown


def _cells(name: str, tally: Tally) -> list[Text]:
    counts = [tally.tasks, *(tally.levels[level] for level in LEVELS), tally.wrong, tally.right, tally.bent]
    agents = [str(tally.won[agent]) if tally.played[agent] else "-" for agent in AGENTS]
    faults = Text(str(tally.faults), "red" if tally.faults else "")
    return [Text(name), *(Text(f"{count:,}" if count else ".") for count in counts), *map(Text, agents), faults]


def summary(report: Report) -> list[str]:
    """What the table does not say."""
    total = report.total
    declined = f"{total.won['decline'] / max(1, total.played['decline']):.1%}"
    share = f"{total.lucky / max(1, report.chances):.2%}"
    return [
        f"{total.tasks:,} tasks of {len(report.families)} families in {report.seconds:.1f} s; {report.duplicates}"
        " with the world and the request of another.",
        "1 to 5: tasks of each level. wrong, right, bent: wrong ends and bent ways tried and rejected, equivalent ways"
        " tried and accepted, but for the faults. null to destroy: successes of the agents that must have none.",
        f"decline is right by its code and field in {declined} of the tasks.",
        f"{', '.join(CHANCE)} drew {total.lucky} true solutions in {report.chances:,} episodes ({share}); up to"
        f" {MOST_LUCK:.1%} is chance" + (": too many." if report.too_lucky else "."),
        *(f"    {agent} on {task}: {calls}" for task, agent, calls in total.luck),
        *(f"fault in {task}: {fault}" for task, fault in total.sentences),
        "certified" if report.passed else "NOT certified",
    ]
