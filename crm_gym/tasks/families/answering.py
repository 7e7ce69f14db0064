"""Answers worked out from the few rows a family holds, never from a whole table."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from crm_gym import extract
from crm_gym.atoms import number_json
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tools import ToolCall


def _json(value: Any) -> Any:
    return number_json(value) if isinstance(value, Decimal) else value


def _ids(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(row[0] for row in rows)


def _names(scene: Scene, table: str, rows: Sequence[Row]) -> dict[str, str]:
    names = {row[0]: row[0] for row in rows}
    for row in rows:
        if scene.is_named(table, row):
            name = listed_name(row).strip()
            names[name.casefold()] = row[0]
            names[name.upper().casefold()] = row[0]  # in capitals a dotless i is an I like any other
    return names


def of_records(scene: Scene, table: str, rows: Sequence[Row]) -> Answer:
    """Which records: each by its id, or by its name where no other has it."""
    return Answer("records", list(_ids(rows)), _names(scene, table, rows), TABLES[table].key, _ids(rows))


def of_record(scene: Scene, table: str, row: Row) -> Answer:
    """Which one record."""
    return Answer("record", row[0], _names(scene, table, [row]), TABLES[table].key, (row[0],))


def of_value(row: Row, field: str) -> Answer:
    """What stands in a field; it must not be empty."""
    return Answer("value", _json(getattr(row, field)), key=TABLES[_table(row)].key, rows=(row[0],))


def of_values(rows: Sequence[Row], field: str) -> Answer:
    """The different values of a field."""
    value = list(dict.fromkeys(_json(getattr(row, field)) for row in rows))
    return Answer("values", value, key=TABLES[_table(rows[0])].key, rows=_ids(rows))


def of_count(rows: Sequence[Row]) -> Answer:
    """How many there are."""
    return Answer("count", len(rows), key=TABLES[_table(rows[0])].key, rows=_ids(rows))


def of_sum(rows: Sequence[Row], field: str) -> Answer:
    """The sum of a field."""
    total = sum((getattr(row, field) for row in rows), Decimal(0))
    return Answer("sum", _json(total), key=TABLES[_table(rows[0])].key, rows=_ids(rows))


def of_mapping(rows: Sequence[Row], by: str, of: str | None) -> Answer:
    """A sum, or without `of` a count, for each value of the field `by`, which none may lack."""
    groups: dict[str, Any] = {}
    for row in rows:
        name = str(getattr(row, by))
        groups[name] = groups.get(name, 0) + (getattr(row, of) if of else 1)
    value = {name: _json(total) for name, total in groups.items()}
    return Answer("mapping", value, key=TABLES[_table(rows[0])].key, rows=_ids(rows))


def _table(row: Row) -> str:
    return type(row).__name__.removesuffix("Row")


def asked(request: str, lookups: list[ToolCall], answer: Answer) -> Draft:
    """The draft of a question.

    Raises:
        Unsuitable: If the request says part of its own answer, or asks for names that do not tell records apart.
    """
    if answer.give in ("record", "records") and "name" in request.casefold() and not _all_named(answer):
        raise Unsuitable
    said = request.casefold()
    values = answer.value if isinstance(answer.value, list) else [answer.value]
    for value in [] if isinstance(answer.value, dict) else values:
        if isinstance(value, str) and (value.casefold() in said or _named(answer, value) in said):
            raise Unsuitable
    if any(isinstance(value, int | float) for value in values):
        told = extract.numbers(request)
        if any(isinstance(value, int | float) and Decimal(str(value)) in told for value in values):
            raise Unsuitable
    return Draft(request=request, lookups=lookups, answer=answer)


def _all_named(answer: Answer) -> bool:
    return set(answer.rows) <= {record for name, record in answer.names.items() if name != record}


def _named(answer: Answer, record: str) -> str:
    """The name of a record in the answer; its id if it has none of its own."""
    return next((name for name, one in answer.names.items() if one == record and name != record), record.casefold())
