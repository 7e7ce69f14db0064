"""Answers of read tasks: worked out from the state by a query, and compared by value.

Queries read rows directly, not through the tools, so that a fault in a tool cannot hide in the answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from crm_gym.atoms import number_json
from crm_gym.crm import Crm
from crm_gym.errors import TaskError
from crm_gym.schema import TABLES, Row

_PLAIN_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,6})?")

Give = Literal["record", "records", "count", "sum", "value", "values", "mapping"]


class Query(BaseModel):
    """What to read from the state.

    Attributes:
        table: The table (`from` in files).
        where: Field to condition, all of which must hold: a value (equality), "" (empty), or a mapping with
            `contains` (part of the text, in any case), `min`, `max` (inclusive), `any` (one of), `not` (another).
        best: `max:field` or `min:field`: only the one row that has it.
        give: The form of the answer; records if all that matters is which.
        of: The field that sum, value and values read, and whose sums mapping gives (counts without).
        by: The field by which mapping groups.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, defer_build=True)

    table: str = Field(alias="from")
    where: dict[str, Any] = {}
    best: str | None = None
    give: Give = "records"
    of: str | None = None
    by: str | None = None


def described(table: str, where: Mapping[str, Any], best: str | None = None) -> Query:
    """The query for the records of a table that a description means; see `Query`."""
    return Query.model_validate({"from": table, "where": dict(where), "best": best})


@dataclass(frozen=True, slots=True)
class Answer:
    """The right answer, in a form that can be compared.

    Attributes:
        give: Its form.
        value: JSON value to respond with.
        names: For records: every way to name one, in lower case, to its id.
        key: The name of the table's id.
        rows: Ids of the records it comes from.
    """

    give: Give
    value: Any
    names: dict[str, str] = field(default_factory=dict)
    key: str = ""
    rows: tuple[str, ...] = ()

    def accepts(self, given: Any) -> bool:
        """Whether the given JSON value says the same."""
        return _ACCEPT[self.give](self, given)

    def _record(self, given: Any) -> str | None:
        if isinstance(given, dict):
            given = given.get(self.key)
        return self.names.get(given.strip().casefold()) if isinstance(given, str) else None


def solve(query: Query, crm: Crm) -> Answer:
    """The answer to a query in that state.

    Raises:
        TaskError: If the query does not fit the tables, has no answer, or more than one.
    """
    rows = select(query, crm)
    if not rows:
        raise TaskError(f"no {query.table} meets {query.where}; the answer must not be empty")
    value = _GIVE[query.give](query, rows)
    if value is None:
        raise TaskError(f"{query.table}.{query.of} is empty; the answer must not be")
    key = TABLES[query.table].key
    names = _names(crm, query.table) if query.give in ("record", "records") else {}
    return Answer(query.give, value, names, key, tuple(row[0] for row in rows))


def _column(query: Query, name: str | None) -> str:
    if query.table not in TABLES or name not in TABLES[query.table].entity.model_fields:
        raise TaskError(f"the answer's query asks for {query.table}.{name}, which does not exist")
    return name


def select(query: Query, crm: Crm) -> list[Row]:
    """The rows that a query describes, in creation order.

    Raises:
        TaskError: If the query does not fit the tables.
    """
    tests = [_condition(_column(query, name), wanted) for name, wanted in query.where.items()]
    if query.table not in TABLES:
        raise TaskError(f"{query.table!r} is no table; known are {', '.join(TABLES)}")
    rows = [row for row in crm.find(query.table) if all(test(row) for test in tests)]
    if query.best is None or not rows:
        return rows
    which, _, name = query.best.partition(":")
    if which not in ("max", "min"):
        raise TaskError(f"best must be max:field or min:field; got {query.best!r}")
    values = [value for row in rows if (value := getattr(row, _column(query, name))) is not None]
    best = (max if which == "max" else min)(values, default=None)
    return [row for row in rows if best is not None and getattr(row, name) == best]


def _condition(name: str, wanted: Any) -> Callable[[Row], bool]:
    if wanted == "":
        return lambda row: getattr(row, name) is None
    if not isinstance(wanted, dict):
        return lambda row: _same(getattr(row, name), wanted)
    tests: list[Callable[[Any], bool]] = []
    for operator, bound in wanted.items():
        if operator not in _OPERATORS:
            raise TaskError(f"{operator!r} is no condition; known are {', '.join(_OPERATORS)}")
        tests.append(_OPERATORS[operator](bound))
    return lambda row: getattr(row, name) is not None and all(test(getattr(row, name)) for test in tests)


def _contains(bound: str) -> Callable[[Any], bool]:
    return lambda value: bound.casefold() in str(value).casefold()


_OPERATORS: dict[str, Callable[[Any], Callable[[Any], bool]]] = {
    "contains": _contains,
    "min": lambda bound: lambda value: bool(value >= bound),
    "max": lambda bound: lambda value: bool(value <= bound),
    "any": lambda bound: lambda value: any(_same(value, one) for one in bound),
    "not": lambda bound: lambda value: not _same(value, bound),
}


def _one(query: Query, rows: list[Row]) -> Row:
    if len(rows) != 1:
        raise TaskError(f"{len(rows)} records of {query.table} meet {query.where}; exactly one must")
    return rows[0]


def _json(value: Any) -> Any:
    return number_json(value) if isinstance(value, Decimal) else value


def _mapping(query: Query, rows: list[Row]) -> dict[str, Any]:
    by = _column(query, query.by)
    groups: dict[str, Any] = {}
    for row in rows:
        step = getattr(row, _column(query, query.of)) if query.of else 1
        groups[str(getattr(row, by))] = groups.get(str(getattr(row, by)), 0) + step
    return {name: _json(value) for name, value in groups.items()}


def _distinct(query: Query, rows: list[Row]) -> list[Any]:
    of = _column(query, query.of)
    return list(dict.fromkeys(_json(getattr(row, of)) for row in rows))


_GIVE: dict[Give, Callable[[Query, list[Row]], Any]] = {
    "record": lambda query, rows: _one(query, rows)[0],
    "records": lambda query, rows: [row[0] for row in rows],
    "count": lambda query, rows: len(rows),
    "sum": lambda query, rows: _json(sum(getattr(row, _column(query, query.of)) for row in rows)),
    "value": lambda query, rows: _json(getattr(_one(query, rows), _column(query, query.of))),
    "values": _distinct,
    "mapping": _mapping,
}


def label(row: Row) -> str | None:
    """The name by which people call a record, None where they do not."""
    if hasattr(row, "first_name"):
        return f"{row.first_name} {row.last_name}"
    return getattr(row, "name", None) or getattr(row, "file_name", None)


def _names(crm: Crm, table: str) -> dict[str, str]:
    """Every id, and every name that only one record has, to the id."""
    seen: dict[str, list[str]] = {}
    for row in crm.find(table):
        name = label(row)
        if name:
            seen.setdefault(name.strip().casefold(), []).append(row[0])
    named = {name: ids[0] for name, ids in seen.items() if len(ids) == 1}
    return named | {row[0]: row[0] for row in crm.find(table)}  # an id is an id, whatever others are called


def _number(value: Any) -> Decimal | None:
    """A number, also one written as a JSON text of itself ("12.50"); None for all else."""
    if isinstance(value, str):
        return Decimal(value.strip()) if _PLAIN_NUMBER.fullmatch(value.strip()) else None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    return number if number.is_finite() else None


def _same(mine: Any, given: Any) -> bool:
    """Whether two JSON values say the same: numbers as numbers, texts without the white space around them."""
    if isinstance(mine, int | float | Decimal):
        return _number(mine) == _number(given)
    if isinstance(mine, str) and isinstance(given, str):
        return mine.strip() == given.strip()
    return type(mine) is type(given) and bool(mine == given)


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _accepts_record(answer: Answer, given: Any) -> bool:
    items = _listed(given)
    return len(items) == 1 and answer._record(items[0]) == answer.value


def _accepts_records(answer: Answer, given: Any) -> bool:
    found = [answer._record(item) for item in _listed(given)]
    return set(found) == set(answer.value)


def _covers(mine: Iterable[Any], given: list[Any]) -> bool:
    return all(any(_same(one, other) for other in given) for one in mine)


def _accepts_values(answer: Answer, given: Any) -> bool:
    items = _listed(given)
    return _covers(answer.value, items) and all(any(_same(one, item) for one in answer.value) for item in items)


def _accepts_mapping(answer: Answer, given: Any) -> bool:
    return (
        isinstance(given, dict)
        and given.keys() == answer.value.keys()
        and all(_same(value, given[name]) for name, value in answer.value.items())
    )


def _accepts_value(answer: Answer, given: Any) -> bool:
    return _same(answer.value, given)


_ACCEPT: dict[Give, Callable[[Answer, Any], bool]] = {
    "record": _accepts_record,
    "records": _accepts_records,
    "count": _accepts_value,
    "sum": _accepts_value,
    "value": _accepts_value,
    "values": _accepts_values,
    "mapping": _accepts_mapping,
}
