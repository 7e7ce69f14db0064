"""Searching: criteria by field, ANDed; texts as case-insensitive substrings, all else exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any

from pydantic.fields import FieldInfo

from crm_gym import atoms
from crm_gym.atom import Wire
from crm_gym.crm import Crm
from crm_gym.schema import Column, Row, Table
from crm_gym.tools.arguments import Arguments, model

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
_LIMIT, _OFFSET = atoms.whole(1, MAX_LIMIT), atoms.whole(0, 10**9)
PAGING: dict[str, tuple[Any, FieldInfo]] = {
    "limit": (
        Annotated[Any, Wire(_LIMIT)] | None,
        FieldInfo(default=None, description=f"rows to return, 1 to {MAX_LIMIT}; {DEFAULT_LIMIT} if absent"),
    ),
    "offset": (
        Annotated[Any, Wire(_OFFSET)] | None,
        FieldInfo(default=None, description="rows to skip, for the next page; 0 if absent"),
    ),
}
"""The two arguments by which long lists are paged through."""

_SUBSTRING = ("text", "email", "url", "file_name", "names")
_ANY_TEXT = atoms.text(atoms.NOTE_CHARS, blank=True, lines=True)


def _criterion(column: Column) -> tuple[Any, FieldInfo]:
    loose = column.atom.kind in _SUBSTRING
    atom = _ANY_TEXT if loose else column.atom
    how = "part of it, in any case" if loose else "exactly"
    return Annotated[Any, Wire(atom)] | None, FieldInfo(default=None, description=f"{column.description} ({how})")


def criteria(table: Table, *, paging: bool = True) -> type[Arguments]:
    """The arguments of a search in that table."""
    fields = {column.name: _criterion(column) for column in table.columns}
    return model(f"{table.name}Criteria", **fields, **(PAGING if paging else {}))


def matching(crm: Crm, table: Table, arguments: Arguments) -> Iterator[Row]:
    """The rows that meet every criterion given, in creation order."""
    wanted = [(c, v) for c in table.columns if (v := getattr(arguments, c.name)) is not None]
    tests = [_test(index, table, value) for index, value in ((table.columns.index(c), v) for c, v in wanted)]
    return (row for row in _candidates(crm, table, arguments) if all(test(row) for test in tests))


def _candidates(crm: Crm, table: Table, arguments: Arguments) -> Iterator[Row]:
    record = getattr(arguments, table.key)
    if record is not None:
        row = crm.get(table.name, record)
        return iter(() if row is None else (row,))
    for column in table.columns:
        # An index gives rows in the order of their references: creation order only where those never move.
        if column.ref is not None and not column.ref.moves and getattr(arguments, column.name) is not None:
            return iter(crm.referring(table.name, column.name, getattr(arguments, column.name)))
    return crm.find(table.name)


def _test(index: int, table: Table, value: Any) -> Callable[[Row], bool]:
    kind = table.columns[index].atom.kind
    if kind == "names":
        needle = value.casefold()
        return lambda row: any(needle in name.casefold() for name in row[index] or ())
    if kind in _SUBSTRING:
        needle = value.casefold()
        return lambda row: row[index] is not None and needle in row[index].casefold()
    return lambda row: bool(row[index] == value)


def page(crm: Crm, table: Table, arguments: Any) -> dict[str, Any]:
    """One page of the matching rows, with their total number."""
    rows = list(matching(crm, table, arguments))
    offset, limit = _window(arguments)
    return {"total": len(rows), "offset": offset, "limit": limit, "rows": rows[offset : offset + limit]}


def _window(arguments: Any) -> tuple[int, int]:
    limit = DEFAULT_LIMIT if arguments.limit is None else arguments.limit
    return arguments.offset or 0, limit


def paged(lists: dict[str, list[Row]], arguments: Any) -> dict[str, Any]:
    """One page of each list, with their totals."""
    offset, limit = _window(arguments)
    pages = {name: rows[offset : offset + limit] for name, rows in lists.items()}
    return {**pages, "totals": {name: len(rows) for name, rows in lists.items()}}
