"""Whether a task means one record where it uses one: no second fits what is said of it."""

from __future__ import annotations

from collections.abc import Collection

from crm_gym.certify.known import said
from crm_gym.certify.reach import leaves
from crm_gym.certify.values import table_of
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import label, select
from crm_gym.tasks.goal import RefusalGoal
from crm_gym.tasks.plan import number_of_new
from crm_gym.tasks.session import Session
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS


def ambiguous(task: Task) -> list[str]:
    """Records that the task's calls name by id although the request may mean another; empty if all is well."""
    used = _used(task)
    spoken, found = _walked(task, used)
    faults = []
    for query in task.selections:
        picked = {row[0] for row in select(query, task.world.crm)}
        found |= picked
        if not picked or not picked <= set(used):
            faults.append(f"the task leaves out some {query.table} of those meant by {query.where}")
    return faults + [
        f"{_shown(task, record)} is not the only record meant"
        for record in used
        if record not in found and not _single(task, spoken, record)
    ]


def _used(task: Task) -> list[str]:
    """The ids of standing records among the arguments of the task's calls."""
    goal = task.goal
    last = (goal.call,) if isinstance(goal, RefusalGoal) else task.solution
    calls = [request for request in (*task.demonstration, *last) if TOOLS[request.tool].kind not in ("end", "ask")]
    named = [value for request in calls for _, value in leaves(request.arguments)]
    return [value for value in dict.fromkeys(named) if number_of_new(value) is None and table_of(task.world.crm, value)]


def _walked(task: Task, used: Collection[str]) -> tuple[str, set[str]]:
    """All that is said on the way, and the records of searches that find nothing but what is used: the one there is,
    or all of them."""
    session = Session(task.world.crm.fork("searches"), task.user)
    spoken, found = task.request, set()
    for request in task.demonstration:
        value = session.play(request).value
        if request.tool == "ask_user" and isinstance(value, dict):
            spoken += "\n" + str(value["user"])
        rows = value.get("rows", ()) if isinstance(value, dict) else ()
        ids = {next(iter(row.values())) for row in rows}  # a record's first field is its id
        if ids <= set(used):
            found |= ids
    return spoken, found


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
    names = {name for other in task.world.crm.find(table) if own.casefold() in (name := label(other) or "").casefold()}
    for name in sorted(names, key=lambda name: (-len(name), name)):
        if len(name) > len(own):
            spoken = spoken.replace(name, "")
    return spoken
