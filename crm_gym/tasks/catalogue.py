"""Suites of tasks by name, read from the package when first asked for, once a process."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

from crm_gym.errors import TaskError, UsageError, near_miss
from crm_gym.schema import TABLES
from crm_gym.tasks.splits import GENERATED
from crm_gym.tasks.task import Task
from crm_gym.tasks.world import World
from crm_gym.tools import TOOLS

SUITES = ("golden", "core", "refusals")
"""golden: every golden case. core: the 103 with fixed ids. refusals: the golden cases that must be refused."""

CORE: dict[str, tuple[str, int, int]] = {
    "create_new_client": ("CNC", 10, 108),
    "create_new_opportunity": ("CNO", 10, 115),
    "create_quote": ("CQT", 10, 110),
    "upload_document": ("UD", 10, 108),
    "modify_opportunity": ("MOP", 10, 112),
}
"""The five core tools: prefix, last accepted and last refused number."""

FAMILIES: tuple[str, ...] = tuple(name for name, tool in TOOLS.items() if tool.requests)
"""The 28 tools that tasks are about, in the order of `TOOLS`."""


def core_ids() -> frozenset[str]:
    """The 103 case ids that every run of the suite shares."""
    numbers = ((p, n) for p, good, bad in CORE.values() for n in (*range(1, good + 1), *range(101, bad + 1)))
    return frozenset(f"{prefix}-{number:03d}" for prefix, number in numbers)


def load_suite(suite: str = "golden", tasks: Iterable[str] | None = None) -> tuple[Task, ...]:
    """The tasks of a suite, in a fixed order.

    Args:
        suite: One of `SUITES`.
        tasks: Only these: task ids or tool names.

    Raises:
        UsageError: If a name is unknown, or nothing is left.
    """
    if suite == GENERATED:
        raise UsageError(f"suite {GENERATED!r} has no end; use gymnasium.make, or crm_gym.tasks.generator.Generator")
    if not isinstance(suite, str) or suite not in SUITES:
        raise UsageError(f"suite {suite!r} does not exist; {near_miss(suite, (*SUITES, GENERATED))}")
    wanted = None if tasks is None else names_of(tasks)
    families = FAMILIES if wanted is None else _families(wanted)
    found = [task for family in families for task in golden(family) if _belongs(task, suite)]
    if wanted is not None:
        known = {task.id for task in found} | {task.family for task in found}
        for name in wanted:
            if name not in known:
                raise UsageError(
                    f"tasks: suite {suite!r} has no task or tool {name!r}; {near_miss(name, sorted(known))}"
                )
        found = [task for task in found if task.id in wanted or task.family in wanted]
    if not found:
        raise UsageError(f"tasks: nothing of suite {suite!r} is left")
    return tuple(found)


def names_of(tasks: Iterable[str], what: str = "tasks must be a list of task ids or tool names") -> tuple[str, ...]:
    """Names as a tuple; a bare text is refused, being a list of its letters otherwise."""
    if isinstance(tasks, str) or not isinstance(tasks, Iterable):
        raise UsageError(f"{what}; got {tasks!r}")
    names = tuple(tasks)
    for name in names:
        if not isinstance(name, str):
            raise UsageError(f"{what}; got {name!r} in it")
    return names


def _families(wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The files to read: only those named, if nothing but tools is named."""
    return tuple(f for f in FAMILIES if f in wanted) if set(wanted) <= set(FAMILIES) else FAMILIES


def _belongs(task: Task, suite: str) -> bool:
    if suite == "core":
        return task.id in core_ids()
    return suite == "golden" or task.polarity == "refused"


def find_task(task_id: str) -> Task:
    """The golden task of that id.

    Raises:
        UsageError: If there is none; offers the closest.
    """
    everything = load_suite("golden")
    for task in everything:
        if task.id == task_id:
            return task
    raise UsageError(f"there is no task {task_id!r}; {near_miss(task_id, [task.id for task in everything])}")


@functools.cache
def golden(family: str) -> tuple[Task, ...]:
    """The golden cases of one tool, in the order of their file."""
    text = resources.files("crm_gym.tasks").joinpath("golden", f"{family}.toml").read_text(encoding="utf-8")
    return parse_cases(tomllib.loads(text), family)


def parse_cases(data: Mapping[str, Any], name: str) -> tuple[Task, ...]:
    """The tasks of a file of cases: `tool`, `worlds`, `cases` (see CONTRIBUTING)."""
    worlds = {key: _world(f"{name}/{key}", dict(spec)) for key, spec in data.get("worlds", {}).items()}
    return tuple(_case(dict(case), data["tool"], worlds) for case in data.get("cases", ()))


def _world(name: str, spec: dict[str, Any]) -> World:
    today = spec.pop("today", None)
    if today is None:
        raise TaskError(f"world {name}: today is missing")
    return World(name, today, ((table, fields) for table in _by_need(spec) for fields in spec[table]))


def _by_need(spec: Mapping[str, Any]) -> list[str]:
    """The tables of a world in the order of TABLES, parents first; unknown ones stay, to be complained of."""
    return sorted(spec, key=lambda table: list(TABLES).index(table) if table in TABLES else -1)


def _case(case: dict[str, Any], tool: str, worlds: Mapping[str, World]) -> Task:
    world = worlds.get(case.pop("world", ""))
    if world is None:
        raise TaskError(f"task {case.get('id')}: world must be one of {', '.join(worlds)}")
    family = case.setdefault("family", tool)
    tags = [TOOLS[family].intent if family in TOOLS else "?", "refused" if "refusal" in case else "accepted"]
    return Task.from_mapping({**case, "tags": [*case.get("tags", []), *tags]}, world)
