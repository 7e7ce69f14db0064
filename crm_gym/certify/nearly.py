"""Nearly the right changes: each with one thing wrong, missing, too many, or hung on the wrong record."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import date, timedelta
from itertools import combinations, islice
from typing import Any

from crm_gym.certify.values import another, nearest, table_of
from crm_gym.crm import Crm
from crm_gym.journal import Change
from crm_gym.schema import TABLES, Column, Row
from crm_gym.tasks.goal import ChangeGoal
from crm_gym.tasks.task import Task

_ELSEWHERE = 8
"""On how many other records a change is tried, the nearest first."""
_SWAPS = 6

Changes = list[Change]


def nearly(task: Task, goal: ChangeGoal, net: Changes) -> Iterator[tuple[str, Changes]]:
    """The right changes with one of them altered, left out, made elsewhere or elsewhere too; each with a name.

    Not all are lawful, and where two new records are alike an exchange may come to the same.
    """
    new = {change.id: change.table for change in net if change.before is None}
    for place, change in enumerate(net):
        label = f"{change.table} {place}"
        rest = [*net[:place], *net[place + 1 :]]
        for name, altered in _altered(task, goal, change, new):
            yield f"{label}: {name}", [*rest, altered]
        if rest:
            yield f"{label}: left out", rest
        for name, moved in _misplaced(task, change, {one.id for one in net}):
            yield f"{label}: {name} instead", [*rest, moved]
            if change.before is not None:
                yield f"{label}: {name} too", [*net, moved]
        if change.id in new:
            yield from _without(task, label, change, rest)
    yield from islice(_swapped(net, new), _SWAPS)


def _altered(task: Task, goal: ChangeGoal, change: Change, new: Mapping[str, str]) -> Iterator[tuple[str, Change]]:
    """The same change with one field wrong, missing, or touched without need."""
    start: Row = change.after or change.before
    free = next((expected.free for expected in goal.changes if expected.met_by(change)), ())
    for place, column in enumerate(TABLES[change.table].columns):
        if column.key or place in free or (column.auto and change.before is None) or column.name == "entity_type":
            continue
        if change.after is None and column.ref is not None:
            continue  # kept, but moved: no one could tell why
        name = column.name
        for wrong in _wrong_values(task.world.crm, column, start, new):
            yield f"{name} wrong", change._replace(after=start._replace(**{name: wrong}))
        if change.after is None:
            return  # altered where it should be gone: one place is enough
        if change.before is not None and getattr(change.before, name) != getattr(start, name):
            yield f"{name} as before", change._replace(after=start._replace(**{name: getattr(change.before, name)}))
        elif not column.required and getattr(start, name) != column.default:
            yield f"{name} missing", change._replace(after=start._replace(**{name: column.default}))


def _wrong_values(crm: Crm, column: Column, row: Row, new: Mapping[str, str]) -> list[Any]:
    """Other row values for that place.

    For a day the neighbours on both sides, one of which may be against the law; for a reference another new record
    of the table and another standing one.
    """
    value = getattr(row, column.name)
    if column.atom.kind == "date" and value is not None:
        return [(date.fromisoformat(value) + timedelta(days=step)).isoformat() for step in (1, -1)]
    if column.ref is None:
        return [column.atom.check(another(crm, column.atom.schema, value))]
    table = new.get(value) or table_of(crm, value) or column.ref.to
    made = [record for record, its in new.items() if its == table and record not in (value, row[0])]
    standing = next(crm.find(table), None) if value is None else _beside(crm, table, value)
    return made[:2] if standing is None else [*made[:2], standing[0]]


def _beside(crm: Crm, table: str, record: str) -> Row | None:
    """Another standing record of the table, if possible one that could be mistaken for this one."""
    row = crm.get(table, record)
    if row is None:
        return next(crm.find(table), None)
    return next(iter(nearest(crm, table, row, (record,), 1)), None)


def _misplaced(task: Task, change: Change, changed: Collection[str]) -> Iterator[tuple[str, Change]]:
    """The right change on another record."""
    crm = task.world.crm
    start: Row = change.before or change.after
    for row in nearest(crm, change.table, start, changed, _ELSEWHERE):
        if change.after is None:
            yield "another deleted", change._replace(id=row[0], before=row)
        elif change.before is None:
            values = {c.name: getattr(change.after, c.name) for c in TABLES[change.table].columns if c.creatable}
            yield "written over another", Change(change.table, row[0], row, row._replace(**values))
        else:
            pairs = zip(change.after._fields, change.before, change.after, strict=True)
            values = {name: value for name, old, value in pairs if old != value}
            yield "another changed", Change(change.table, row[0], row, row._replace(**values))


def _without(task: Task, label: str, change: Change, rest: Changes) -> Iterator[tuple[str, Changes]]:
    """A new record left out: with what hangs on it, and with that hung on a standing one."""
    lost = {change.id}
    for _ in rest:  # what hangs on what hangs on it, and so on
        lost |= {one.id for one in rest if lost & {value for value in one.after or () if isinstance(value, str)}}
    if len(lost) == 1:
        return
    left = [one for one in rest if one.id not in lost]
    if left:
        yield f"{label}: left out with what hangs on it", left
    standing = next(task.world.crm.find(change.table), None)
    if standing is not None:
        hung = [_relinked(one, {change.id: standing[0]}) for one in rest]
        yield f"{label}: left out, and what hangs on it hung on another", hung


def _relinked(change: Change, links: Mapping[str, str]) -> Change:
    if change.after is None:
        return change
    after = change.after._make(links.get(v, v) if isinstance(v, str) else v for v in change.after)
    return change._replace(after=after)


def _swapped(net: Changes, new: Mapping[str, str]) -> Iterator[tuple[str, Changes]]:
    """Two records of a table that lead to different new ones, exchanged."""
    for one, other in combinations(net, 2):
        first, second = one.after, other.after
        if one.table != other.table or first is None or second is None:
            continue
        for at, column in enumerate(TABLES[one.table].columns):
            mine, theirs = first[at], second[at]
            if column.ref is None or mine == theirs or not {mine, theirs} & new.keys():
                continue
            swap = {
                one.id: one._replace(after=first._replace(**{column.name: theirs})),
                other.id: other._replace(after=second._replace(**{column.name: mine})),
            }
            yield f"{one.table}: {column.name} swapped", [swap.get(change.id, change) for change in net]
