"""The law: what the CRM refuses by looking at its state. Pure functions, one code each.

Shape and form of values are the business of the arguments models (see `tools`); the law is asked
afterwards, in the order of `NEW` and `CHANGED`: references, duplicates, closed deals, dates.
Each rule gets a `Case`, and returns nothing or raises a ToolError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from crm_gym.entities import CLOSED_STAGES
from crm_gym.errors import ToolError
from crm_gym.schema import TABLES, Row
from crm_gym.store.base import Store


class Case(NamedTuple):
    """What a rule looks at.

    Attributes:
        store: Where the rows are.
        today: The CRM's own day, YYYY-MM-DD.
        table: Name of the table written to.
        values: The fields to be written, in row form.
        row: The row as it stands, None for a new one.
    """

    store: Store
    today: str
    table: str
    values: Mapping[str, Any]
    row: Row | None


Rule = Callable[[Case], None]

LOCKED_WHEN_CLOSED = ("client_id", "amount", "stage", "close_date", "probability")
_REFS = {name: tuple(c for c in table.columns if c.ref is not None) for name, table in TABLES.items()}


def not_found(table: str, field: str, record: object) -> ToolError:
    """The refusal for an id that is no record of that entity."""
    shown = str(record) if len(str(record)) <= 60 else str(record)[:57] + "..."
    return ToolError("not_found", field, f"{field} must be the id of an existing {table}; there is none with {shown!r}.")


def references_exist(case: Case) -> None:
    """not_found: a foreign key names a record of its entity."""
    for column in _REFS[case.table]:
        target = case.values.get(column.name)
        if target is None or column.ref is None:
            continue
        table = case.values[column.ref.to] if column.ref.by_field else column.ref.to
        if case.store.get(table, target) is None:
            raise not_found(table, column.name, target)


def email_is_free(case: Case) -> None:
    """duplicate_email: no two clients share an e-mail, compared trimmed and case-folded."""
    email = case.values.get("email")
    if email is None:
        return
    holder = case.store.by_unique("Client", "email", email)
    if holder is not None and (case.row is None or holder != case.row.client_id):
        raise ToolError(
            "duplicate_email", "email", f"email must be used by no other client; {email} already belongs to one."
        )


def closed_deal_is_locked(case: Case) -> None:
    """closed_deal_locked: a closed deal keeps its client, amount, stage, close date and probability."""
    if case.row is None or case.row.stage not in CLOSED_STAGES:
        return
    for field in LOCKED_WHEN_CLOSED:
        if field in case.values:
            raise ToolError(
                "closed_deal_locked",
                field,
                f"{field} of a deal that is {case.row.stage} cannot be changed; its name, owner and notes can.",
            )


def close_date_is_ahead(case: Case) -> None:
    """date_in_past: a close date is today or later, by the CRM's own clock."""
    close_date = case.values.get("close_date")
    if close_date is not None and close_date < case.today:
        raise ToolError(
            "date_in_past",
            "close_date",
            f"close_date must not be before today, {case.today}; got {close_date}.",
        )


def contract_ends_after_start(case: Case) -> None:
    """date_order: a contract does not end before it starts."""
    start, end = case.values.get("start_date"), case.values.get("end_date")
    if start is not None and end is not None and end < start:
        raise ToolError("date_order", "end_date", f"end_date must not be before start_date, {start}; got {end}.")


NEW: dict[str, tuple[Rule, ...]] = {
    "Client": (email_is_free,),
    "Contact": (references_exist,),
    "Opportunity": (references_exist, close_date_is_ahead),
    "Quote": (references_exist,),
    "Contract": (references_exist, contract_ends_after_start),
    "Company": (),
    "Document": (references_exist,),
    "Note": (references_exist,),
}
"""Rules for a new record, in order."""

CHANGED: dict[str, tuple[Rule, ...]] = {
    "Client": (email_is_free,),
    "Contact": (),
    "Opportunity": (references_exist, closed_deal_is_locked, close_date_is_ahead),
    "Quote": (),
    "Contract": (contract_ends_after_start,),
    "Company": (),
    "Document": (),
    "Note": (),
}
"""Rules for changed fields of a record, in order."""


def referrers(table: str) -> tuple[tuple[str, str, str], ...]:
    """Who may point at a record of that table: (table, field, what happens to it on delete)."""
    return _REFERRERS[table]


def _points_at(child: str, target: str) -> tuple[tuple[str, str, str], ...]:
    found = []
    for column in _REFS[child]:
        ref = column.ref
        if ref is None:
            continue
        targets = TABLES[child].column(ref.to).atom.schema["enum"] if ref.by_field else [ref.to]
        if target in targets:
            found.append((child, column.name, ref.on_delete))
    return tuple(found)


_REFERRERS = {target: tuple(row for child in TABLES for row in _points_at(child, target)) for target in TABLES}
