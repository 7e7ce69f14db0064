"""Wrong end states of a task, made from the right one: every way of being nearly right that the law allows."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from crm_gym.certify.nearly import nearly
from crm_gym.certify.replies import wrong_refusals, wrong_replies
from crm_gym.certify.values import EndState, again, another, nearest, others, play, sampled
from crm_gym.crm import Crm
from crm_gym.errors import ToolError
from crm_gym.journal import Change
from crm_gym.schema import TABLE_OF, TABLES, Column, Row, row_entity
from crm_gym.tasks.goal import ChangeGoal, RefusalGoal
from crm_gym.tasks.task import Task

_TWICE = 6
"""Of how many changes a second one is tried, where there are many."""


def wrong_end_states(task: Task, right: EndState | None = None, most: int | None = None) -> list[EndState]:
    """End states that must not be judged a success, each named for what is wrong with it.

    Args:
        task: The task.
        right: The right end, if it has been played already.
        most: Try at most so many ways to change nearly the right things, chosen by the task's id; all if not given.
    """
    right = right or play(task, task.solution)
    nothing = EndState("nothing done", task.world.crm.fork("nothing"))
    return [nothing, *_aimed(task, right, most), *_with_something_else(task, right)]


def _aimed(task: Task, right: EndState, most: int | None) -> Iterator[EndState]:
    goal = task.goal
    if isinstance(goal, RefusalGoal):
        yield from wrong_refusals(task, goal, most)
        return
    if isinstance(goal, ChangeGoal):
        yield from _wrong_changes(task, goal, right, most)
    if goal.answer is not None:
        yield from wrong_replies(task, goal.answer)


def _with_something_else(task: Task, right: EndState) -> Iterator[EndState]:
    """The right end, and a change nobody asked for."""
    for table in TABLES:
        end = again(right, f"solved, and an extra {table}")
        extra_row(end.crm, table)
        yield end
    for name, alter in (("altered", _alter_one), ("deleted", _delete_one)):
        end = again(right, f"solved, and a neighbour {name}")
        if alter(end.crm, _own_table(task), right):
            yield end


def _own_table(task: Task) -> str:
    """The table a task is mainly about."""
    if isinstance(task.goal, ChangeGoal):
        return task.goal.changes[0].table
    return {"quote": "Quote", "client": "Client", "contact": "Contact", "contract": "Contract"}.get(
        task.intent, "Opportunity"
    )


def extra_row(crm: Crm, table: str) -> Row:
    """Add a plausible record to a table, with a client to hang it on if there is none."""
    values = {c.name: _filler(crm, c) if c.required else None for c in TABLES[table].columns if c.creatable}
    if table == "Contract":
        values["status"] = "Pending"
    return crm.insert(table, values)


def _filler(crm: Crm, column: Column) -> Any:
    if column.name == "entity_type":
        return "Client"
    if column.ref is not None:
        wanted = "Client" if column.ref.by_field else column.ref.to
        row = next(crm.find(wanted), None)
        return (row or extra_row(crm, wanted))[0]
    if column.atom.kind == "money":
        return Decimal("7.00")
    if column.name == "file_name":
        return "extra.pdf"
    return another(crm, column.atom.schema, None)


def _rows_nearby(crm: Crm, table: str, right: EndState) -> Iterator[Row]:
    """Records that nobody asked about: of that table those nearest to what was changed, then of the other tables."""
    net = right.crm.journal.net
    for name in dict.fromkeys((table, *TABLES)):
        start = next((change.before or change.after for change in net.values() if change.table == name), None)
        yield from others(crm, name, net) if start is None else nearest(crm, name, start, net, 8)


def _alter_one(crm: Crm, table: str, right: EndState) -> bool:
    """Alter one record that nobody asked about, of that table if possible."""
    return any(_touch(crm, row) for row in _rows_nearby(crm, table, right))


def _touch(crm: Crm, row: Row) -> bool:
    """Alter the record in the last place the law lets one alter."""
    for column in reversed(TABLES[TABLE_OF[type(row)]].columns):
        if column.creatable and column.ref is None and column.name != "entity_type":
            value = column.atom.check(another(crm, column.atom.schema, getattr(row, column.name)))
            return _written(crm, row, {column.name: value})
    return False


def _delete_one(crm: Crm, table: str, right: EndState) -> bool:
    """Delete one record that nobody asked about, of that table if possible."""
    for row in _rows_nearby(crm, table, right):
        try:
            return bool(crm.delete(row))
        except ToolError:  # others depend on it
            continue
    return False


def _written(crm: Crm, row: Row, updates: dict[str, Any]) -> bool:
    """Whether the law let the record be updated."""
    try:
        return bool(crm.change(row, updates) != row)
    except ValueError:  # a ToolError, or an entity that will not be made
        return False


# Write tasks


def _wrong_changes(task: Task, goal: ChangeGoal, right: EndState, most: int | None) -> Iterator[EndState]:
    net = right.crm.journal.net
    for name, changes in sampled(list(nearly(task, goal, list(net.values()))), most, task.id):
        crm = task.world.crm.fork(name)
        # Some are against the law; others the law puts right, as when what is kept goes along with its deal.
        if _lawful(crm, changes) and crm.journal.net != net:
            yield EndState(name, crm, right.results)
    numbered = list(enumerate(net.values()))
    for place, change in sampled(numbered, None if most is None else _TWICE, task.id):
        end = again(right, f"{change.table} {place}: twice")
        if _copied(end.crm, change):
            yield end


def _lawful(crm: Crm, changes: list[Change]) -> bool:
    """Whether the law let these changes be made."""
    try:
        for change in sorted(changes, key=_turn):
            _make(crm, change)
    except ValueError:  # a ToolError, or an entity that will not be made
        return False
    return True


def _turn(change: Change) -> int:
    """When a change is made: new records first, parents before what hangs on them."""
    return _PLACE[change.table] if change.before is None else len(_PLACE)


_PLACE = {table: place for place, table in enumerate(TABLES)}


def _make(crm: Crm, change: Change) -> None:
    standing = crm.get(change.table, change.id)
    if change.after is None:
        if standing is not None:  # else it went along with another
            crm.delete(standing)
    elif change.before is None:
        crm.add_entity(row_entity(change.after))
    elif standing is not None:
        pairs = zip(change.after._fields, standing, change.after, strict=True)
        crm.change(standing, {name: new for name, old, new in pairs if new != old})


def _copied(crm: Crm, change: Change) -> bool:
    """Whether a second record like the changed one could be made."""
    row: Row = change.after or change.before
    values = {c.name: getattr(row, c.name) for c in TABLES[change.table].columns if c.creatable}
    if change.table == "Client":
        values["email"] = "x" + row.email
    if change.table == "Opportunity":
        values["close_date"] = None  # a copy of an old deal may have closed long ago
    try:
        return bool(crm.insert(change.table, values))
    except ValueError:  # a ToolError, or an entity that will not be made
        return False
