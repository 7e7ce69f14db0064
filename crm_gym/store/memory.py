"""The in-memory store: frozen layers shared between forks, and one thin layer of one's own on top.

A fork freezes the top layer of its parent and starts a new one on each side. Two neighbouring
layers of similar size are merged, so that n writes make at most log2(n) layers and every row is
copied at most log2(n) times, however many forks there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm_gym.schema import TABLES, Row

_TABLES = tuple(TABLES)
_POSITION = {name: index for index, name in enumerate(_TABLES)}
_UNIQUE_KEY = {name: {c.name: f"{name}.{c.name}" for c in table.columns if c.unique} for name, table in TABLES.items()}
_UNIQUE = {
    name: tuple((i, _UNIQUE_KEY[name][c.name]) for i, c in enumerate(table.columns) if c.unique)
    for name, table in TABLES.items()
}
_REFS = {
    name: tuple((i, c.name) for i, c in enumerate(table.columns) if c.ref is not None) for name, table in TABLES.items()
}
_NEW = {  # what `add` has to know of a table
    name: (_POSITION[name], _UNIQUE[name], _REFS[name]) for name in _TABLES
}
_blank = object.__new__
_AGAIN = "again"

# A layer is a dict of dicts under these kinds of key; a missing inner dict means "nothing here":
#   table                        id -> row, or None where the row is gone
#   "table.field"                normalised unique text -> id, or None
#   (table, field, target id)    id of a referring row -> True, or False where it refers no more
#   (_AGAIN, one of these keys)  names that begin anew here: their place below does not count
Layer = dict[Any, dict[str, Any]]


def normal(value: str) -> str:
    """A unique text as it is compared: trimmed and case-folded."""
    return value.strip().casefold()


def _size(layer: Layer) -> int:
    return sum(len(layer[name]) for name in _TABLES if name in layer)


def _merged(lower: Layer, upper: Layer) -> Layer:
    """Both as one new layer; names keep the place they had in the lower one."""
    out = dict(lower)
    for key, entries in upper.items():
        out[key] = _over(lower[key], entries, upper.get((_AGAIN, key))) if key in lower else entries
    return out


def _over(lower: dict[str, Any], upper: dict[str, Any], again: dict[str, Any] | None) -> dict[str, Any]:
    if again:
        lower = {name: value for name, value in lower.items() if name not in again}
    return {**lower, **upper}


class MemoryStore:
    """Rows in dicts. Reads cost the number of layers, writes one layer, whatever the size of the CRM."""

    __slots__ = ("_counts", "_forgot", "_layers", "_top")

    def __init__(self) -> None:
        self._layers: tuple[Layer, ...] = ()  # oldest first
        self._top: Layer = {}
        self._counts = [0] * len(_TABLES)
        self._forgot = False  # whether anything was ever forgotten that a frozen layer knows

    def get(self, table: str, record: str) -> Row | None:
        """The row with that id, or None."""
        return self._lookup(table, record)

    def _lookup(self, key: Any, name: str) -> Any:
        top = self._top
        if key in top and name in (entries := top[key]):  # twice to the dict is cheaper here than one call of `get`
            return entries[name]
        for layer in reversed(self._layers):
            if key in layer and name in (entries := layer[key]):
                return entries[name]
        return None

    def add(self, table: str, record: str, row: Row) -> None:
        """Keep a new row, after all others of its table."""
        if self._forgot:
            for key in (table, *((table, field, row[index]) for index, field in _REFS[table])):
                self._begin_anew(key, record)
        position, unique, refs = _NEW[table]
        top = self._top
        if table in top:
            top[table][record] = row
        else:
            top[table] = {record: row}
        self._counts[position] += 1
        for index, key in unique:  # `_write` and `normal`, without the calls
            name = row[index].strip().casefold()
            if key in top:
                top[key][name] = record
            else:
                top[key] = {name: record}
        for index, field in refs:
            if row[index] is not None:
                self._write((table, field, row[index]), record, True)

    def put(self, table: str, record: str, before: Row | None, after: Row | None) -> None:
        """Replace the row `before` (None: it was removed) by `after` (None: remove it), in its old place."""
        self._write(table, record, after)
        if before is None:
            self._counts[_POSITION[table]] += 1
        elif after is None:
            self._counts[_POSITION[table]] -= 1
        for index, key in _UNIQUE[table]:
            old = None if before is None else before[index]
            new = None if after is None else after[index]
            if old != new:
                if old is not None:
                    self._write(key, normal(old), None)
                if new is not None:
                    self._write(key, normal(new), record)
        for index, field in _REFS[table]:
            old = None if before is None else before[index]
            new = None if after is None else after[index]
            if old != new:
                if old is not None:
                    self._write((table, field, old), record, False)
                if new is not None:
                    self._write((table, field, new), record, True)

    def _write(self, key: Any, name: str, value: Any) -> None:
        entries = self._top.get(key)
        if entries is None:
            self._top[key] = {name: value}
        else:
            entries[name] = value

    def forget(self, table: str, record: str, row: Row) -> None:
        """Take back the `add` that made the row, as if it had never been."""
        self._counts[_POSITION[table]] -= 1
        self._erase(table, record)
        for index, key in _UNIQUE[table]:
            if row[index] is not None:
                self._erase(key, normal(row[index]))
        for index, field in _REFS[table]:
            if row[index] is not None:
                self._erase((table, field, row[index]), record)

    def _erase(self, key: Any, name: str) -> None:
        # A frozen layer that knows the name still has to be overruled; else nothing may stay behind.
        if self._known_below(key, name):
            self._forgot = True
            self._write(key, name, None)
            return
        entries = self._top[key]
        del entries[name]
        if not entries:
            del self._top[key]

    def _known_below(self, key: Any, name: str) -> bool:
        return any(name in layer.get(key, ()) for layer in self._layers)

    def _begin_anew(self, key: Any, name: str) -> None:
        if self._known_below(key, name):
            self._top.setdefault((_AGAIN, key), {})[name] = True
            self._top.get(key, {}).pop(name, None)

    def _stacked(self, key: Any) -> dict[str, Any]:
        """What all layers say under a key; not to be changed."""
        out: dict[str, Any] = {}
        for layer in (*self._layers, self._top):
            entries = layer.get(key)
            if entries is not None:
                out = _over(out, entries, layer.get((_AGAIN, key))) if out else entries
        return out

    def find(self, table: str) -> Iterator[Row]:
        """All rows of a table in creation order."""
        return iter([row for row in self._stacked(table).values() if row is not None])

    def by_unique(self, table: str, field: str, value: str) -> str | None:
        """The id of the row whose unique text is that one, compared trimmed and case-folded."""
        return self._lookup(_UNIQUE_KEY[table][field], value.strip().casefold())  # type: ignore[no-any-return]

    def by_ref(self, table: str, field: str, target: str) -> list[str]:
        """The ids of the rows that refer to that record, in the order in which they came to do so."""
        return [record for record, refers in self._stacked((table, field, target)).items() if refers]

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self._counts[_POSITION[table]]

    def counts(self) -> list[int]:
        """How many rows each of the eight tables has, in their order; a copy."""
        return self._counts.copy()

    def fork(self) -> MemoryStore:
        """An independent copy that shares unchanged rows; its cost does not grow with the CRM."""
        if self._top:
            self._freeze()
        other = _blank(MemoryStore)
        other._layers = self._layers
        other._top = {}
        other._counts = self._counts.copy()
        other._forgot = self._forgot
        return other

    def _freeze(self) -> None:
        layers = [*self._layers, self._top]
        while len(layers) > 1 and 2 * _size(layers[-1]) >= _size(layers[-2]):
            upper = layers.pop()
            layers[-1] = _merged(layers[-1], upper)
        self._layers = tuple(layers)
        self._top = {}

    def touched(self, other: MemoryStore) -> Iterator[tuple[str, str]]:
        """Table and id of every row that may differ from the other store's: what they do not share."""
        shared = 0
        for mine, theirs in zip(self._layers, other._layers, strict=False):
            if mine is not theirs:
                break
            shared += 1
        own = (*self._layers[shared:], self._top, *other._layers[shared:], other._top)
        for table in _TABLES:
            for record in dict.fromkeys(record for layer in own for record in layer.get(table, ())):
                yield table, record
