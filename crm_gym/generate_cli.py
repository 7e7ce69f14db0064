"""crm-gym generate, families, splits, levels, world: look at the suite whose tasks are made when they are needed."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text
from tyro.conf import arg

from crm_gym.describe import call_line, one_line
from crm_gym.errors import UsageError, near_miss
from crm_gym.render import safe
from crm_gym.tasks.difficulty import LEVELS, STEPS, Difficulty, measured
from crm_gym.tasks.distribution import distribution, distribution_text
from crm_gym.tasks.families import REGISTRY
from crm_gym.tasks.family import KINDS, Family
from crm_gym.tasks.generator import RECORDS, Generator, members, world_count
from crm_gym.tasks.phrasing import surface_forms
from crm_gym.tasks.splits import POOLS, SPLITS, pool_of
from crm_gym.tasks.task import Task
from crm_gym.tasks.worlds import template

JSON = Any
OK = 0


def _option(metavar: str, words: str, absent: str) -> Any:
    return arg(metavar=metavar, help=words, help_behavior_hint=f"({absent})")


_Split = Annotated[str, _option("NAME", "one of " + ", ".join(SPLITS), "train if absent")]
_Families = Annotated[
    tuple[str, ...], _option("NAME", "families, or kinds of them: " + ", ".join(KINDS), "all if absent")
]
_Level = Annotated[int | None, _option("N", "difficulty, 1 to 5", "any if absent")]
_Records = Annotated[int, _option("N", "records of a world, 10 to 100,000", f"{RECORDS} if absent")]
_Seed = Annotated[int, _option("N", "number of the first task (a reset's seed draws such a number)", "0 if absent")]
_AsJson = Annotated[bool, arg(name="json", help="print JSON instead", help_behavior_hint="")]


def generate(
    split: _Split = "train",
    level: _Level = None,
    families: _Families = (),
    count: Annotated[int, _option("N", "how many tasks", "5 if absent")] = 5,
    seed: _Seed = 0,
    records: _Records = RECORDS,
    one_each: Annotated[bool, arg(help="one task of each family, not `count`", help_behavior_hint="")] = False,
    as_json: _AsJson = False,
) -> int:
    """Make tasks and show them: request, difficulty, and the whole way to the end.

    For example:

        crm-gym generate --families quote_to_cash --count 2
        crm-gym generate --split test --level 5 --json
    """
    source = Generator(split, level, families or None, records)
    _at_least("count", count, 1)
    _at_least("seed", seed, 0)
    if one_each:
        tasks = [task for name in source.families if (task := _one(Generator(split, level, [name], records), seed))]
    else:
        tasks = [source.task(seed + number) for number in range(count)]
    if as_json:
        return _print_json([_task_json(task) for task in tasks])
    for task in tasks:
        print("\n".join([*_lines(task), ""]))
    return OK


def _one(source: Generator, number: int) -> Task | None:
    """The family's task of that number; None, with a word, if it has none."""
    try:
        return source.task(number)
    except UsageError as fault:
        print(f"crm-gym: left out: {one_line(str(fault))}", file=sys.stderr)
        return None


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"{name} must be {least} or more; got {value}")


def _task_json(task: Task) -> dict[str, JSON]:
    return {
        "id": task.id,
        "family": task.family,
        "kind": task.tags[0],
        "level": task.difficulty,
        "difficulty": measured(task)._asdict(),
        "world": task.world.name,
        "today": task.today,
        "request": task.request,
        "way": [{"tool": call.tool, "arguments": dict(call.arguments)} for call in task.demonstration],
        "solution": [{"tool": call.tool, "arguments": dict(call.arguments)} for call in task.solution],
    }


def _lines(task: Task) -> Iterable[str]:
    hard = measured(task)
    yield f"{one_line(task.id)}  level {hard.level}: {_figures(hard)}; today {task.today}"
    yield f"  {safe(task.request)}"
    for call in task.demonstration:
        yield "  " + call_line({"tool": call.tool, "arguments": dict(call.arguments)})


def _figures(hard: Difficulty) -> str:
    return ", ".join(f"{value} {name}" for name, value in hard._asdict().items())


def families(split: _Split = "", as_json: _AsJson = False) -> int:
    """List the families of tasks: kind, tool, whether held out, and how many wordings each has.

    For example:

        crm-gym families
        crm-gym families --split ood_family
    """
    names = members(split) if split else tuple(REGISTRY)
    rows = [_family_row(REGISTRY[name]) for name in names]
    return _print_json(rows) if as_json else _show(rows)


def _family_row(one: Family) -> dict[str, JSON]:
    return {
        "family": one.name,
        "kind": one.kind,
        "tool": one.tool,
        "kept for": "ood_family" if one.held_out else "",
        "wordings": surface_forms(one.forms, False),
        "held out": surface_forms(one.forms, True),
    }


def splits(as_json: _AsJson = False) -> int:
    """What each split is made of.

    For example:

        crm-gym splits
    """
    rows = [_split_row(split) for split in SPLITS]
    return _print_json(rows) if as_json else _show(rows)


def _split_row(split: str) -> dict[str, JSON]:
    names = members(split)
    kinds = Counter(REGISTRY[name].kind for name in names)
    held_out = split == "ood_phrasing"
    forms = sum(surface_forms(REGISTRY[name].forms, held_out) for name in names)
    return {
        "split": split,
        "records and values of": pool_of(split),
        "worlds": world_count(pool_of(split), RECORDS),
        "families": len(names),
        **{kind: kinds[kind] for kind in KINDS},
        "forms": "held out" if held_out else "seen",
        "wordings": forms,
    }


def levels(
    split: _Split = "train",
    families: _Families = (),
    count: Annotated[int, _option("N", "how many tasks to measure", "2,000 if absent")] = 2_000,
    seed: _Seed = 0,
    records: _Records = RECORDS,
    as_json: _AsJson = False,
) -> int:
    """How hard the tasks of a split are, as measured: how many of each level, and what makes them so.

    For example:

        crm-gym levels
        crm-gym levels --split ood_family --families workflow
    """
    _at_least("count", count, 1)
    _at_least("seed", seed, 0)
    source = Generator(split, None, families or None, records)
    found: dict[int, list[tuple[Task, Difficulty]]] = {level: [] for level in LEVELS}
    for number in range(count):
        task = source.make(seed + number)
        found[task.difficulty].append((task, measured(task)))
    rows = [_level_row(level, tasks) for level, tasks in found.items()]
    return _print_json(rows) if as_json else _show(rows)


def _level_row(level: int, tasks: list[tuple[Task, Difficulty]]) -> dict[str, JSON]:
    kinds = Counter(task.tags[0] for task, _ in tasks)
    bounds = ("-", *STEPS, "-")
    means = {
        f"mean {name}": round(sum(getattr(hard, name) for _, hard in tasks) / max(len(tasks), 1), 2)
        for name in Difficulty._fields
    }
    return {
        "level": level,
        "score": f"{bounds[level - 1]} to {bounds[level]}",
        "tasks": len(tasks),
        **means,
        **{kind: kinds[kind] for kind in KINDS},
    }


def world(
    pool: Annotated[str, _option("NAME", "one of " + ", ".join(POOLS), "train if absent")] = "train",
    number: Annotated[int, _option("N", "which of the pool's worlds, from 0", "0 if absent")] = 0,
    records: _Records = RECORDS,
    as_json: _AsJson = False,
) -> int:
    """What a world is like: how many records of each kind, and how their values are spread.

    For example:

        crm-gym world --records 1000
    """
    if pool not in POOLS:
        raise UsageError(f"there is no pool {pool!r}; {near_miss(pool, POOLS)}")
    _at_least("number", number, 0)
    if not 10 <= records <= 100_000:
        raise UsageError(f"records must be from 10 to 100,000; got {records}")
    if number >= world_count(pool, records):
        raise UsageError(
            f"number must be below {world_count(pool, records)}: so many worlds of {records} records has it"
        )
    found = distribution(template(pool_of(pool), number, records))
    if as_json:
        return _print_json(found)
    print(safe(distribution_text(found)))
    return OK


def _print_json(value: JSON) -> int:
    print(json.dumps(value, indent=2))
    return OK


def _show(rows: list[dict[str, JSON]]) -> int:
    """A table for people; Markdown where it is piped."""
    cells = [[f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()] for row in rows]
    console = Console(markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        lines = [list(rows[0]), ["---"] * len(rows[0]), *cells]
        print("\n".join(f"| {' | '.join(line)} |" for line in lines))
        return OK
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name, value in rows[0].items():
        table.add_column(name, justify="left" if isinstance(value, str) else "right")
    for line in cells:
        table.add_row(*map(Text, line))
    console.print(table)
    return OK
