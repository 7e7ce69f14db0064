"""The line of numbers that shows one thing the CRM returned; see `columns.ROW_COLUMNS`."""

from __future__ import annotations

import functools
from collections.abc import Collection, Mapping
from typing import Any, Protocol

from crm_gym.form.columns import AGES, ROW_COLUMNS, USES
from crm_gym.form.found import GROUP, GROUPS, LIST, WHOLE, Item
from crm_gym.form.layout import layout
from crm_gym.schema import TABLES

_LITERAL = {value: place for place, value in enumerate(layout().literal_values, 1)}
_SHAPE = {shape: place for place, shape in enumerate((*TABLES, WHOLE, LIST, GROUPS, GROUP), 1)}
_MOST = 1_000
NO_RANK, LOWEST, BETWEEN, HIGHEST, ALIKE = range(5)


class Around(Protocol):
    """What an item is compared with: a `Sheet`."""

    calls: int
    today: str

    @property
    def marks(self) -> Mapping[str, Any]:
        """The first amount, percentage and date that was said, by sort."""

    @property
    def said(self) -> Collection[Any]:
        """Every value that was said."""


@functools.cache
def _ordered(table: str) -> tuple[str | None, str | None, str | None, str | None, str | None]:
    """The fields of a table that are compared: first amount, first and second date, percentage, first enum."""
    kinds: dict[str, list[str]] = {}
    for column in TABLES[table].columns:
        kinds.setdefault(column.atom.kind.partition(":")[0], []).append(column.name)
    dates = [*kinds.get("date", ()), *kinds.get("datetime", ()), None, None]
    return (_one(kinds, "money"), dates[0], dates[1], _one(kinds, "percent"), _one(kinds, "enum"))


def _one(kinds: dict[str, list[str]], kind: str) -> str | None:
    return kinds[kind][0] if kind in kinds else None


def row_line(item: Item, sheet: Around) -> list[int]:
    """The numbers of an item, in the order of `ROW_COLUMNS`."""
    size, index = min(item.size, _MOST), min(item.index + 1, _MOST)
    line = [
        _SHAPE[item.shape],
        age(item, sheet),
        item.tool + 1,
        index,
        size,
        _edge(item.index, item.size),
        item.origin,
        item.place,
        item.matched,
        min(item.matches, _MOST),
    ]
    line += _compared(item, sheet) if item.row is not None else [_group_rank(item), *_NOTHING]
    line += [min(item.used, USES - 1), item.used_tool, 0]
    return line


def age(item: Item, sheet: Around) -> int:
    """How many calls ago it was last returned, at most `AGES` - 1."""
    return min(sheet.calls - item.call, AGES - 1)


_NOTHING = [0] * (len(ROW_COLUMNS) - 14)


def _edge(index: int, size: int) -> int:
    if index < 0:
        return 0
    if size == 1:
        return 1
    return 2 if index == 0 else 3 if index == size - 1 else 4


def _compared(item: Item, sheet: Around) -> list[int]:
    amount, date1, date2, percent, enum = _ordered(item.shape)
    held = item.values.get
    state = held(enum) if enum else None
    return [
        _rank(item, amount),
        _rank(item, date1),
        _rank(item, date2),
        _LITERAL.get(state, 0) if state is not None else 0,
        0 if state is None else 2 if state in sheet.said else 1,
        _order(held(date1) if date1 else None, sheet.today),
        _order(held(amount) if amount else None, sheet.marks.get("amount")),
        _order(held(percent) if percent else None, sheet.marks.get("percent", sheet.marks.get("amount"))),
        _order(held(date1) if date1 else None, sheet.marks.get("date")),
        _order(held(date2) if date2 else None, sheet.marks.get("date")),
        sum(1 << place for place, value in enumerate(item.row[1:10]) if value is None),
    ]


def _order(mine: Any, other: Any) -> int:
    if mine is None or other is None:
        return 0
    return 1 if mine < other else 2 if mine == other else 3


def _rank(item: Item, name: str | None) -> int:
    """Where a record's value stands among those of its list."""
    if name is None or not item.peers or name not in item.values:
        return NO_RANK
    values = [value for row in item.peers if (value := getattr(row, name, None)) is not None]
    return _among(getattr(item.row, name), values)


def _group_rank(item: Item) -> int:
    """Where a group's first number stands among those of the others."""
    name = next((name for name, value in item.values.items() if isinstance(value, int | float)), None)
    if item.shape != GROUP or name is None:
        return NO_RANK
    return _among(item.values[name], [group[name] for group in item.peers if name in group])


def _among(mine: Any, values: list[Any]) -> int:
    low, high = min(values, default=mine), max(values, default=mine)
    if low == high:
        return ALIKE
    return LOWEST if mine <= low else HIGHEST if mine >= high else BETWEEN
