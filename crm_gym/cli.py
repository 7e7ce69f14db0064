"""crm-gym: list, describe and play tasks, read the reference, and run a database server."""

from __future__ import annotations

import difflib
import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import tyro
from rich import box
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.table import Table
from rich.text import Text
from tyro.conf import FlagCreatePairsOff, Positional, arg

from crm_gym import certify_cli, db_cli, door_cli, generate_cli, mutate_cli, reference
from crm_gym.describe import lines, one_line, task_json
from crm_gym.errors import UsageError, near_miss
from crm_gym.play import play
from crm_gym.tasks.catalogue import FAMILIES, SUITES, load_suite
from crm_gym.tasks.generator import find
from crm_gym.tasks.task import Task

JSON = Any

OK, USAGE, INTERRUPTED = 0, 2, 130
"""Exit codes; 130 is what shells give for Ctrl-C (128 and the signal's number)."""

POLARITIES = ("accepted", "refused")
_PIPED_WIDTH = 1_000  # nothing is folded or cut where a program reads
_ABOUT = """\
A synthetic CRM as a Gymnasium environment: look at its tasks, play one yourself, read the reference.

For example:

    crm-gym list --tool create_quote
    crm-gym describe CNC-001
    crm-gym play CNC-001
    crm-gym schema refusals
"""

_AsJson = Annotated[bool, arg(name="json", help="print JSON instead", help_behavior_hint="")]
_TaskId = Annotated[
    str,
    Positional,
    arg(metavar="[ID]", help="id of a task, such as CNC-001, or of a generated one", help_behavior_hint=""),
]
_Drawn = Annotated[str, Positional, arg(metavar="[ID]", help="id of a task", help_behavior_hint="(drawn if absent)")]


def _option(metavar: str, words: str, absent: str) -> Any:
    return arg(metavar=metavar, help=words, help_behavior_hint=f"({absent})")


def list_tasks(
    suite: Annotated[str, _option("NAME", "one of " + ", ".join(SUITES), "golden if absent")] = "golden",
    tool: Annotated[str, _option("NAME", "only tasks about this tool", "all if absent")] = "",
    polarity: Annotated[str, _option("WORD", "only tasks to be accepted, or refused", "both if absent")] = "",
    as_json: _AsJson = False,
) -> int:
    """List the suites and the tasks of one.

    For example:

        crm-gym list --suite core
        crm-gym list --tool create_quote --polarity refused --json
    """
    _known("suite", suite, SUITES)
    _known("tool", tool, ("", *FAMILIES))
    _known("polarity", polarity, ("", *POLARITIES))
    tasks = [t for t in load_suite(suite) if tool in ("", t.family) and polarity in ("", t.polarity)]
    rows = [{"id": t.id, "family": t.family, "polarity": t.polarity, "request": t.request} for t in tasks]
    if as_json:
        return _print_json(rows)
    sizes = ", ".join(f"{name} ({len(load_suite(name))})" for name in SUITES)
    _show(Text(f"suites: {sizes}"), _table(rows), Text(f"{len(rows)} tasks of suite {suite}"))
    return OK


def describe(
    task_id: _TaskId = "",
    /,
    door: Annotated[str, _option("NAME", "no task but a door: form", "none if absent")] = "",
    suite: Annotated[str, _option("NAME", "door: one of " + ", ".join(door_cli.KNOWN_SUITES), "golden if absent")] = "",
    split: Annotated[str, _option("NAME", "door, suite generated: the split", "train if absent")] = "train",
    families: Annotated[tuple[str, ...], _option("NAME", "door: only these families", "all if absent")] = (),
    count: Annotated[int, _option("N", "door, suite generated: tasks of each family", "5 if absent")] = 5,
    columns: Annotated[
        bool, _option("", "door: what the numbers of its observation mean, in place of tasks", "no")
    ] = False,
    as_json: _AsJson = False,
) -> int:
    """Show a task: its request, world, expected outcome, solution and look-ups.

    With --door: how many tasks of each family can be done through that door; the others, with the reason.

    For example:

        crm-gym describe CNC-001
        crm-gym describe CNC-103 --json
        crm-gym describe --door form --families create_quote
        crm-gym describe --door form --suite generated --split test --families add_note --count 10
    """
    if bool(task_id) == bool(door):
        raise UsageError("describe takes the id of a task, or --door; crm-gym list shows the tasks")
    if door:
        if columns:
            return door_cli.describe_columns(door, as_json)
        return door_cli.describe_door(door, suite or "golden", split, families, count, as_json)
    if suite or families or columns:
        raise UsageError("--suite, --families and --columns go with --door")
    task = task_json(_task(task_id))
    if as_json:
        return _print_json(task)
    _show(*(Text(line, style) for line, style in lines(task)))
    return OK


def play_task(
    task_id: _Drawn = "",
    /,
    seed: Annotated[int | None, _option("N", "fixes task, ids and times", "any if absent")] = None,
) -> int:
    """Play a task in the terminal: read the request, call tools, see the verdict. Type help for help.

    For example:

        crm-gym play CNC-001
        crm-gym play --seed 7
    """
    if seed is not None and seed < 0:
        raise UsageError(f"seed must be 0 or more; got {seed}")
    return play(_task(task_id) if task_id else None, seed, colour=_console().color_system is not None)


def schema(
    section: Annotated[
        str, Positional, arg(metavar="[TABLE]", help="one of " + ", ".join(reference.SECTIONS), help_behavior_hint="")
    ] = "",
    /,
    as_json: _AsJson = False,
) -> int:
    """Print the reference: entities, tools, refusals and so on; Markdown where it is piped.

    For example:

        crm-gym schema entities
        crm-gym schema tools --json
    """
    _known("reference table", section, ("", *reference.SECTIONS))
    names = (section,) if section else reference.SECTIONS
    if as_json:
        return _print_json(reference.data(section) if section else {name: reference.data(name) for name in names})
    text = "\n\n".join(f"## {name}\n\n{reference.markdown(name)}" for name in names)
    if _console().is_terminal:
        _show(Markdown(text))
    else:
        print(text)
    return OK


COMMANDS: dict[str, Callable[..., int]] = {
    "list": list_tasks,
    "describe": describe,
    "play": play_task,
    "schema": schema,
    "generate": generate_cli.generate,
    "families": generate_cli.families,
    "splits": generate_cli.splits,
    "levels": generate_cli.levels,
    "world": generate_cli.world,
    "certify": certify_cli.certify,
    "mutate": mutate_cli.mutate,
    "db": db_cli.db,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run `crm-gym`; returns its exit code: 0 fine, 1 no (of `db status`, `certify` and
    `mutate`), 2 usage error, 130 interrupted."""
    _forgive()
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except UsageError as fault:
        print(f"crm-gym: {one_line(str(fault))}", file=sys.stderr)
        return USAGE
    except SystemExit as end:  # tyro: help is 0, a wrong option 2
        return end.code if isinstance(end.code, int) else USAGE
    except KeyboardInterrupt:
        print("\ncrm-gym: stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK


def _forgive() -> None:
    """What an encoding cannot say must not end the program."""
    for stream, errors in ((sys.stdin, "replace"), (sys.stdout, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def _run(arguments: list[str]) -> int:
    if not arguments:
        raise UsageError(f"a command is missing; known are {', '.join(COMMANDS)} (see crm-gym --help)")
    if not arguments[0].startswith("-"):
        _known("command", arguments[0], tuple(COMMANDS))
    if arguments[0] == "db":  # commands of its own
        return db_cli.run(arguments[1:])
    config = (FlagCreatePairsOff,)
    return int(
        tyro.extras.subcommand_cli_from_dict(
            COMMANDS, prog="crm-gym", description=_ABOUT, args=arguments, config=config
        )
    )


def _known(what: str, name: str, names: Sequence[str]) -> None:
    if name not in names:
        raise UsageError(f"there is no {what} {name!r}; {near_miss(name, filter(None, names))}")


def _task(task_id: str) -> Task:
    if ":" in task_id:
        return find(task_id)
    tasks = {task.id: task for task in load_suite()}
    if task_id in tasks:
        return tasks[task_id]
    close = difflib.get_close_matches(task_id.upper(), tasks, n=1)
    hint = f"did you mean {close[0]!r}?" if close else "crm-gym list shows them all"
    raise UsageError(f"there is no task {task_id!r}; {hint}")


# Printing: every text from a task or the CRM goes through `safe`, and none is read as markup.


def _console() -> Console:
    return Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)


def _show(*parts: RenderableType) -> None:
    console = _console()
    with console.capture() as captured:
        for part in parts:
            console.print(part)
    sys.stdout.write("\n".join(line.rstrip() for line in captured.get().split("\n")))


def _print_json(value: JSON) -> int:
    print(json.dumps(value, indent=2))
    return OK


def _table(rows: list[dict[str, str]]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("id", "family", "polarity"):
        table.add_column(name, no_wrap=True)
    table.add_column("request")
    for row in rows:
        table.add_row(*(Text(one_line(value)) for value in row.values()))
    return table


if __name__ == "__main__":
    raise SystemExit(main())
