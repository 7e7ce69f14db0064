"""The law: what the CRM refuses by looking at its state. Pure functions, one code each.

Shape and form of values are the business of the arguments models (see `tools`); the law is asked
afterwards, in the order of `NEW` and `CHANGED`: references, duplicates, closed deals, dates.
A rule gets the store, the CRM's own day (YYYY-MM-DD), the fields to be written in row form, and the row as it
stands (None for a new one); it returns nothing or raises a ToolError.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from crm_gym.entities import CLOSED_STAGES
from crm_gym.errors import ToolError
from crm_gym.schema import TABLES, Row
from crm_gym.store.base import Store

Values = Mapping[str, Any]
Rule = Callable[[Store, str, Values, Row | None], None]

LOCKED_WHEN_CLOSED = ("client_id", "amount", "stage", "close_date", "probability")
_REFS = {name: tuple(c for c in table.columns if c.ref is not None) for name, table in TABLES.items()}


def not_found(table: str, field: str, record: object) -> ToolError:
    """The refusal for an id that is no record of that entity."""
    shown = str(record) if len(str(record)) <= 60 else str(record)[:57] + "..."
    return ToolError(
        "not_found", field, f"{field} must be the id of an existing {table}; there is none with {shown!r}."
    )


def references_exist(table: str) -> Rule:
    """not_found: every foreign key of that table names a record of its entity."""
    refs = [(column.name, column.ref) for column in _REFS[table] if column.ref is not None]

    def rule(store: Store, today: str, values: Values, row: Row | None) -> None:
        for field, ref in refs:
            target = values.get(field)
            if target is not None:
                other = values.get(ref.to) or getattr(row, ref.to) if ref.by_field else ref.to
                if store.get(other, target) is None:
                    raise not_found(other, field, target)

    return rule


def email_is_free(store: Store, today: str, values: Values, row: Row | None) -> None:
    """duplicate_email: no two clients share an e-mail, compared trimmed and case-folded."""
    email = values.get("email")
    if email is None:
        return
    holder = store.by_unique("Client", "email", email)
    if holder is not None and (row is None or holder != row.client_id):
        raise ToolError(
            "duplicate_email", "email", f"email must be used by no other client; {email} already belongs to one."
        )


def closed_deal_is_locked(store: Store, today: str, values: Values, row: Row | None) -> None:
    """closed_deal_locked: a closed deal keeps its client, amount, stage, close date and probability."""
    if row is None or row.stage not in CLOSED_STAGES:
        return
    for field in LOCKED_WHEN_CLOSED:
        if field in values:
            raise ToolError(
                "closed_deal_locked",
                field,
                f"{field} of a deal that is {row.stage} cannot be changed; its name, owner and notes can.",
            )


def close_date_is_ahead(store: Store, today: str, values: Values, row: Row | None) -> None:
    """date_in_past: a close date is today or later, by the CRM's own clock."""
    close_date = values.get("close_date")
    if close_date is not None and close_date < today:
        raise ToolError(
            "date_in_past",
            "close_date",
            f"close_date must not be before today, {today}; got {close_date}.",
        )


def contract_ends_after_start(store: Store, today: str, values: Values, row: Row | None) -> None:
    """date_order: a contract does not end before it starts."""
    start, end = (values.get(name, getattr(row, name, None)) for name in ("start_date", "end_date"))
    if start is not None and end is not None and end < start:
        raise ToolError("date_order", "end_date", f"end_date must not be before start_date, {start}; got {end}.")


NEW: dict[str, tuple[Rule, ...]] = {
    "Client": (email_is_free,),
    "Contact": (references_exist("Contact"),),
    "Opportunity": (references_exist("Opportunity"), close_date_is_ahead),
    "Quote": (references_exist("Quote"),),
    "Contract": (references_exist("Contract"), contract_ends_after_start),
    "Company": (),
    "Document": (references_exist("Document"),),
    "Note": (references_exist("Note"),),
}
"""Rules for a new record, in order."""

CHANGED: dict[str, tuple[Rule, ...]] = NEW | {
    "Opportunity": (references_exist("Opportunity"), closed_deal_is_locked, close_date_is_ahead),
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
