"""What the CRM returned, as things to point at: records, lists of them, groups, results as a whole."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_gym.form.kinds import Kind
from crm_gym.form.layout import layout
from crm_gym.schema import TABLE_OF, TABLES, Column, row_json
from crm_gym.tools.base import Extended, plain

WHOLE, LIST, GROUPS, GROUP = "whole", "list", "groups", "group"
"""Shapes of what is no record."""

FOUND, MADE, CHANGED, DELETED, BEFORE = range(5)
"""What the episode's calls have done with a record; BEFORE: as it was before one changed it."""

_SORTS = {"money": "number", "percent": "number", "whole": "number", "date": "date", "datetime": "date", "enum": "enum"}


@dataclass(slots=True)
class Item:
    """One thing to point at.

    Attributes:
        shape: A table, or one of the shapes of what is no record.
        values: What it holds by field, JSON values; None is left out.
        row: The record itself, None if it is none.
        index: Its place in the list it came in, from 0; -1 if it came in none.
        size: How many came in that list.
        peers: The list.
        call: The number of the call that returned it last.
        tool: That call's tool, as its place in `TOOLS`.
        origin: FOUND, MADE, CHANGED, DELETED or BEFORE.
        place: Where the request speaks of it; 0 if nowhere.
        matched: The field that the request says, as its place in the layout, from 1.
        matches: How many of its fields the request says.
        used: How many calls that worked have used it.
        used_tool: The tool of the last of them, from 1.
        label: Of a group, what it is the group of.
        line: The line of numbers that shows it, once it has been written.
        granted: Which kinds take what it holds, once it has been worked out; see `grants`.
    """

    shape: str
    values: dict[str, Any]
    row: Any = None
    index: int = -1
    size: int = 0
    peers: list[Any] = field(default_factory=list, repr=False)
    call: int = 0
    tool: int = 0
    origin: int = FOUND
    place: int = 0
    matched: int = 0
    matches: int = 0
    used: int = 0
    used_tool: int = 0
    label: str = ""
    line: list[int] | None = field(default=None, repr=False)
    granted: npt.NDArray[np.int64] | None = field(default=None, repr=False)

    @property
    def id(self) -> str | None:
        """The record's id; None if it is none, or no longer like that."""
        return None if self.row is None or self.origin == BEFORE else str(self.row[0])

    @property
    def whole(self) -> Any:
        """What pointing at it, at no field of it, says: a record's id, the ids of a list's records; None if nothing."""
        if self.row is not None:
            return self.row[0]
        if self.shape == LIST and self.peers and type(self.peers[0]) in TABLE_OF:
            return [row[0] for row in self.peers]
        return None


def items(raw: Any) -> list[Item]:
    """Everything in a result that can be pointed at, as the tool gave it."""
    return list(_walk(raw))


def _walk(value: Any) -> Iterator[Item]:
    if type(value) in TABLE_OF:
        yield _record(value)
    elif isinstance(value, Extended):
        yield _record(value.row)
        for part in value.parts.values():
            yield from _walk(part)
    elif isinstance(value, dict):
        yield from _object(value)
    elif _holds(value):
        yield from _listed(list(value), {})


def _is_object(value: Any) -> bool:
    return type(value) in TABLE_OF or isinstance(value, dict)


def _record(row: Any, index: int = -1, peers: list[Any] | None = None) -> Item:
    peers = peers or []
    return Item(TABLE_OF[type(row)], _row_values(row), row, index, len(peers), peers)


@functools.lru_cache(maxsize=8_192)
def _row_values(row: Any) -> dict[str, Any]:
    return {name: value for name, value in row_json(row).items() if value is not None}


def _object(value: dict[str, Any]) -> Iterator[Item]:
    inner = [one for one in value.values() if type(one) in TABLE_OF or isinstance(one, dict | Extended) or _holds(one)]
    scalars = {name: plain(one) for name, one in value.items() if one is not None and not _has_objects(one)}
    lists = [one for one in inner if _holds(one)]
    if len(lists) == 1:
        yield from _listed(list(lists[0]), scalars)
        if "total" not in value:  # no page, but what was asked for
            yield from _labelled(list(lists[0]))
    elif scalars:
        yield Item(WHOLE, scalars)
    for one in inner:
        if isinstance(one, dict) and one and all(isinstance(group, dict) for group in one.values()):
            yield from _groups(one)
        elif not (len(lists) == 1 and one is lists[0]):
            yield from _walk(one)


def _holds(value: Any) -> bool:
    return type(value) in (list, tuple) and bool(value) and _is_object(value[0])


def _has_objects(value: Any) -> bool:
    return _is_object(value) or isinstance(value, Extended) or _holds(value) or value == []


def _listed(rows: list[Any], more: dict[str, Any]) -> Iterator[Item]:
    """A list with its columns, and what is in it."""
    yield Item(LIST, {**_columns(rows), **more}, size=len(rows), peers=rows)
    for index, row in enumerate(rows):
        if type(row) in TABLE_OF:
            yield _record(row, index, rows)
        else:
            yield Item(GROUP, plain(row), None, index, len(rows), rows)


def _columns(rows: list[Any]) -> dict[str, Any]:
    """Field to its values in all rows, or, of rows that are no records, to a mapping from their first field."""
    if type(rows[0]) in TABLE_OF:
        columns: dict[str, list[Any]] = {}
        for row in rows:
            for name, value in row_json(row).items():
                if value is not None:
                    columns.setdefault(name, []).append(value)
        return columns
    first, *others = rows[0]
    return {name: {str(row[first]): plain(row[name]) for row in rows} for name in others}


def _labelled(rows: list[Any]) -> Iterator[Item]:
    """Of records that all have a text of their own, field to a mapping from that text."""
    if type(rows[0]) not in TABLE_OF:
        return
    label = next((one.name for one in TABLES[TABLE_OF[type(rows[0])]].columns if one.atom.kind == "text"), None)
    labels = [getattr(row, label) for row in rows] if label else [None]
    if None not in labels and len(set(labels)) == len(rows) > 1:
        found = dict(zip(labels, map(row_json, rows), strict=True))
        yield Item(GROUPS, {name: {key: row[name] for key, row in found.items()} for name in rows[0]._fields})


def _groups(groups: dict[str, Any]) -> Iterator[Item]:
    names = next(iter(groups.values()))
    yield Item(GROUPS, {name: {label: plain(group[name]) for label, group in groups.items()} for name in names})
    for index, (label, group) in enumerate(groups.items()):
        yield Item(GROUP, plain(group), None, index, len(groups), list(groups.values()), label=label)


LISTED = tuple(sorted({slot.kind for form in layout().forms for slot in form.slots if slot.least > 1}))
"""Kinds of the items of lists that must have several, which differ."""

DIFFERENT = sum(1 << kind for kind in LISTED)
"""The same, a bit each."""

FIELD = {name: place for place, name in enumerate(layout().field_names)}
"""Names of fields to their places in the layout."""


@functools.cache
def column_sort(column: Column) -> tuple[str, tuple[str, ...]]:
    """What a column holds: a sort of values, and the tables its ids are of."""
    if column.key:
        return "id", next((name,) for name, table in TABLES.items() if table.key == column.name)
    if column.ref is not None:
        return "id", tuple(TABLES) if column.ref.by_field else (column.ref.to,)
    return _SORTS.get(column.atom.kind.partition(":")[0], "text" if column.atom.kind != "names" else "any"), ()


_COLUMNS = {(name, column.name): column_sort(column) for name, table in TABLES.items() for column in table.columns}


def bits(item: Item, name: str) -> int:
    """Which kinds of arguments take what an item holds in a field: a bit each."""
    value = item.values[name]
    if isinstance(value, list | dict) or value is True or value is False:
        return _ANY
    sort, tables = _COLUMNS.get((item.shape, name)) or ("number" if isinstance(value, int | float) else "any", ())
    return value_bits(sort, tables, value) & ~DIFFERENT  # the record itself is there for those


def grants(item: Item) -> npt.NDArray[np.int64]:
    """`bits` of all its fields, by their places in the layout, int64 (fields,); not to be written to."""
    if item.granted is None:
        item.granted = _row_grants(item.row) if item.row is not None else _grants(item)
    return item.granted


@functools.lru_cache(maxsize=8_192)
def _row_grants(row: Any) -> npt.NDArray[np.int64]:
    return _grants(_record(row))


def _grants(item: Item) -> npt.NDArray[np.int64]:
    line = np.zeros(len(FIELD), np.int64)
    for name in item.values:
        if name in FIELD:  # else it is a label
            line[FIELD[name]] = bits(item, name)
    return line


def whole_bits(item: Item) -> int:
    """Which kinds of arguments take the item itself: a bit each."""
    if item.origin == BEFORE:
        return 0  # the record itself is there as it is now
    if item.row is not None:
        return _of_table(item.shape)
    return _ANY if item.whole is not None else 0


@functools.cache
def _of_table(table: str) -> int:
    return _ANY | sum(1 << kind.number for kind in layout().kinds if "id" in kind.sorts and table in kind.tables)


_ANY = sum(1 << kind.number for kind in layout().kinds if "any" in kind.sorts)


@functools.lru_cache(maxsize=65_536)
def value_bits(sort: str, tables: tuple[str, ...], value: Any, anything: bool = True) -> int:
    """Which kinds of arguments take a value: a bit each.

    Args:
        sort: What sort of value it is.
        tables: Of an id, the tables it may be of.
        value: The value, as a tool call carries it.
        anything: Whether arguments that take anything take it too.
    """
    found = _ANY if anything else 0
    for kind in layout().kinds:
        if sort in kind.sorts and _same_tables(kind, tables) and kind.takes(value):
            found |= 1 << kind.number
    return found


def _same_tables(kind: Kind, tables: tuple[str, ...]) -> bool:
    return not tables or any(table in kind.tables for table in tables)
