"""Wrong end states of a task, made from the right one: every way of being nearly right that the law allows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crm_gym.certify.replies import wrong_refusals, wrong_replies
from crm_gym.certify.values import EndState, another, others, play
from crm_gym.crm import Crm
from crm_gym.errors import ToolError
from crm_gym.journal import Change
from crm_gym.schema import TABLES, Column, Row, row_entity
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal
from crm_gym.tasks.task import Task


def wrong_end_states(task: Task) -> list[EndState]:
    """End states that must not be judged a success, each named for what is wrong with it."""
    nothing = EndState("nothing done", task.world.crm.fork("nothing"))
    return [nothing, *_aimed(task), *_with_something_else(task)]


def _aimed(task: Task) -> Iterator[EndState]:
    goal = task.goal
    if isinstance(goal, ChangeGoal):
        return _wrong_changes(task, goal)
    return wrong_replies(task, goal) if isinstance(goal, AnswerGoal) else wrong_refusals(task, goal)


def _with_something_else(task: Task) -> Iterator[EndState]:
    """The right end, and a change nobody asked for."""
    for table in TABLES:
        end = play(task, task.solution, f"solved, and an extra {table}")
        extra_row(end.crm, table)
        yield end
    for name, alter in (("altered", _alter_one), ("deleted", _delete_one)):
        end = play(task, task.solution, f"solved, and a neighbour {name}")
        if alter(end.crm, _own_table(task), set(end.crm.journal.net)):
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


def _alter_one(crm: Crm, table: str, without: set[str]) -> bool:
    """Alter one record that nobody asked about, of that table if possible."""
    rows = (row for name in (table, *TABLES) for row in others(crm, name, without))
    return any(_touch(crm, row) for row in rows)


def _touch(crm: Crm, row: Row) -> bool:
    """Alter the record in the last place the law lets one alter."""
    for column in reversed(_columns(row)):
        if column.creatable and column.ref is None and column.name != "entity_type":
            return _written(crm, row, {column.name: _other(crm, column, row)})
    return False


def _delete_one(crm: Crm, table: str, without: set[str]) -> bool:
    """Delete one record that nobody asked about, of that table if possible."""
    for name in (table, *TABLES):
        for row in others(crm, name, without):
            try:
                return bool(crm.delete(row))
            except ToolError:  # others depend on it
                continue
    return False


def _columns(row: Row) -> tuple[Column, ...]:
    return TABLES[type(row).__name__.removesuffix("Row")].columns


def _other(crm: Crm, column: Column, row: Row) -> Any:
    """Another row value for that place."""
    value = another(crm, column.atom.schema, getattr(row, column.name))
    if column.ref is not None and getattr(row, column.name) is None:
        return next((other[0] for other in reversed(list(crm.find(column.ref.to)))), value)
    return column.atom.check(value)


def _wrong_values(crm: Crm, column: Column, row: Row) -> list[Any]:
    """Other row values for that place; for a day the neighbours on both sides, one of which may be against the law."""
    value = getattr(row, column.name)
    if column.atom.kind == "date" and value is not None:
        return [(date.fromisoformat(value) + timedelta(days=step)).isoformat() for step in (1, -1)]
    return [_other(crm, column, row)]


def _written(crm: Crm, row: Row, updates: dict[str, Any]) -> bool:
    """Whether the law let the record be updated."""
    try:
        return bool(crm.change(row, updates) != row)
    except ValueError:  # a ToolError, or an entity that will not be made
        return False


# Write tasks


def _wrong_changes(task: Task, goal: ChangeGoal) -> Iterator[EndState]:
    right = play(task, task.solution).crm.journal.net
    for name, changes in _nearly(task, goal, list(right.values())):
        crm = task.world.crm.fork(name)
        # Some are against the law; others the law puts right, as when what is kept goes along with its deal.
        if _lawful(crm, changes) and crm.journal.net != right:
            yield EndState(name, crm)
    for place, change in enumerate(right.values()):
        end = play(task, task.solution, f"{change.table} {place}: twice")
        if _copied(end.crm, change):
            yield end


def _nearly(task: Task, goal: ChangeGoal, net: list[Change]) -> Iterator[tuple[str, list[Change]]]:
    """The right changes with one of them altered, left out or made elsewhere."""
    for place, change in enumerate(net):
        label = f"{change.table} {place}"
        rest = [*net[:place], *net[place + 1 :]]
        for name, altered in _altered(task, goal, change):
            yield f"{label}: {name}", [*net[:place], altered, *net[place + 1 :]]
        if rest:
            yield f"{label}: left out", rest
        for name, moved in _misplaced(task, change):
            yield f"{label}: {name}", [*rest, moved]


def _lawful(crm: Crm, changes: list[Change]) -> bool:
    """Whether the law let these changes be made."""
    try:
        for change in changes:
            _make(crm, change)
    except ValueError:  # a ToolError, or an entity that will not be made
        return False
    return True


def _make(crm: Crm, change: Change) -> None:
    standing = crm.get(change.table, change.id)
    if change.after is None:
        if standing is not None:  # else it went along with another
            crm.delete(standing)
    elif change.before is None:
        crm.add_entity(row_entity(change.after))
    elif standing is not None:
        new = {name: value for name, value in change.after._asdict().items() if value != getattr(standing, name)}
        crm.change(standing, new)


def _altered(task: Task, goal: ChangeGoal, change: Change) -> Iterator[tuple[str, Change]]:
    """The same change with one field wrong, missing, or touched without need."""
    start: Row = change.after or change.before
    free = next((expected.free for expected in goal.changes if expected.met_by(change)), ())
    for place, column in enumerate(TABLES[change.table].columns):
        if column.key or place in free or (column.auto and change.before is None) or column.name == "entity_type":
            continue
        if change.after is None and column.ref is not None:
            continue  # kept, but moved: no one could tell why
        name = column.name
        for wrong in _wrong_values(task.world.crm, column, start):
            yield f"{name} wrong", change._replace(after=start._replace(**{name: wrong}))
        if change.after is None:
            return  # altered where it should be gone: one place is enough
        if change.before is not None and getattr(change.before, name) != getattr(start, name):
            yield f"{name} as before", change._replace(after=start._replace(**{name: getattr(change.before, name)}))
        elif not column.required and getattr(start, name) != column.default:
            yield f"{name} missing", change._replace(after=start._replace(**{name: column.default}))


def _misplaced(task: Task, change: Change) -> Iterator[tuple[str, Change]]:
    """The right change on another record."""
    crm = task.world.crm
    changed = set(play(task, task.solution).crm.journal.net)
    for row in others(crm, change.table, changed):
        if change.after is None:
            yield "another deleted instead", change._replace(id=row[0], before=row)
        elif change.before is None:
            values = {c.name: getattr(change.after, c.name) for c in TABLES[change.table].columns if c.creatable}
            yield "written over another", Change(change.table, row[0], row, row._replace(**values))
        else:
            pairs = zip(change.after._fields, change.before, change.after, strict=True)
            values = {name: new for name, old, new in pairs if old != new}
            yield "another changed instead", Change(change.table, row[0], row, row._replace(**values))


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
