"""Whether a task means one record where it uses one: no second fits what is said of it."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from crm_gym.certify.known import said
from crm_gym.certify.reach import Walk, leaves
from crm_gym.certify.values import table_of
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import label, select
from crm_gym.tasks.goal import RefusalGoal
from crm_gym.tasks.plan import number_of_new
from crm_gym.tasks.task import Task
from crm_gym.tasks.world import World
from crm_gym.tools import TOOLS


def ambiguous(task: Task, walk: Walk | None = None) -> list[str]:
    """Records that the task's calls name by id although the request may mean another; empty if all is well.

    Args:
        task: The task.
        walk: The walk to its end, if it has been made already.
    """
    walk = walk or Walk(task)
    used = _used(task)
    found = _found(walk, set(used))
    faults = []
    for query in task.selections:
        picked = {row[0] for row in select(query, task.world.crm)}
        found |= picked
        if not picked or not picked <= set(used):
            faults.append(f"the task leaves out some {query.table} of those meant by {query.where}")
    return faults + [
        f"{_shown(task, record)} is not the only record meant"
        for record in used
        if record not in found and not _single(task, walk.spoken, record)
    ]


def _found(walk: Walk, used: set[str]) -> set[str]:
    """The records that reads show to be meant.

    Those of a search that finds nothing but what is used: the one there is, or all of them. And those that the rows
    of such a search lead to, or the one row that a read shows: the client of that deal.
    """
    found = set()
    for rows in walk.shown:
        ids = {row[0] for row in rows if isinstance(row[0], str)}
        if ids <= used and len(ids) == len(rows) > 0:
            found |= ids
        if ids <= used or len(rows) == 1:
            found |= {value for row in rows for value in row[1:] if isinstance(value, str)}
    return found


def _used(task: Task) -> list[str]:
    """The ids of standing records among the arguments of the task's calls."""
    goal = task.goal
    last = (goal.call,) if isinstance(goal, RefusalGoal) else task.solution
    calls = [request for request in (*task.demonstration, *last) if TOOLS[request.tool].kind not in ("end", "ask")]
    named = [value for request in calls for _, value in leaves(request.arguments)]
    return [value for value in dict.fromkeys(named) if number_of_new(value) is None and table_of(task.world.crm, value)]


def _shown(task: Task, record: str) -> str:
    table = table_of(task.world.crm, record) or ""
    return f"{table} {label(task.world.crm.get(table, record)) or record}"


def _single(task: Task, spoken: str, record: str) -> bool:
    """Whether what is said of a record fits no other of its table."""
    if record in spoken:
        return True
    crm = task.world.crm
    table = table_of(crm, record) or ""
    row: Row = crm.get(table, record)
    told = _told(task, spoken, table, row)
    rivals = [other for other in crm.find(table) if other != row and all(other[at] == row[at] for at in told)]
    return bool(told) and not rivals


def _told(task: Task, spoken: str, table: str, row: Row) -> list[int]:
    """The places of a row whose value is said, or whose record is named."""
    crm, text = task.world.crm, _without_longer_names(task, spoken, table, row)
    told = []
    for at, column in enumerate(TABLES[table].columns):
        value = row[at]
        if value is None or column.key or column.auto:
            continue
        named = value
        if column.ref is not None:
            other = crm.get(table_of(crm, value) or "", value) if table_of(crm, value) else None
            named = None if other is None else label(other)
            if named is None and other is not None and _single(task, spoken, value):
                told.append(at)
        if named is not None and not isinstance(named, tuple) and said(text, named, any_case=True):
            told.append(at)
    return told


def _without_longer_names(task: Task, spoken: str, table: str, row: Row) -> str:
    """What is said, without names of other records that hold this record's name: they do not mean it."""
    own = label(row)
    if own is None:
        return spoken
    own = own.casefold()
    names = {name for folded, name in names_of(task.world, table) if own in folded and len(name) > len(own)}
    for name in sorted(names, key=lambda name: (-len(name), name)):
        spoken = spoken.replace(name, "")
    return spoken


_NAMES: WeakKeyDictionary[World, dict[str, tuple[tuple[str, str], ...]]] = WeakKeyDictionary()


def names_of(world: World, table: str) -> tuple[tuple[str, str], ...]:
    """The names of a table's records in a world, in lower case and as they stand; looked through once a world."""
    known = _NAMES.setdefault(world, {})
    if table not in known:
        known[table] = tuple((name.casefold(), name) for row in world.crm.find(table) if (name := label(row)))
    return known[table]
