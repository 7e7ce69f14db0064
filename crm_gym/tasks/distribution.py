"""What a world is made of, in numbers: a report on the distribution of a template's records."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crm_gym.atoms import number_json
from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import label
from crm_gym.tasks.worlds import Template

ENDING_DAYS = 90
_QUANTILES = {
    "least": 0.0,
    "tenth": 0.1,
    "quarter": 0.25,
    "median": 0.5,
    "three quarters": 0.75,
    "ninety": 0.9,
    "most": 1.0,
}
_SHARED = (  # table, field: those whose values are few and known
    ("Client", "status"), ("Client", "industry"), ("Opportunity", "stage"), ("Quote", "status"), ("Contract", "status"),
    ("Company", "type"), ("Document", "entity_type"), ("Note", "entity_type"),
)  # fmt: skip


def distribution(template: Template) -> dict[str, Any]:
    """The numbers of a world, as JSON values; shares are parts of one.

    Returns:
        name, today, owners, counts (by table), shares ("Table.field" to value to share), amounts (table to quantiles),
        deals_per_client, clients_per_owner (least, mean, most each), overdue (of open deals), ending (contracts that
        run out in the next ninety days), duplicates (table to records whose label another one has), near_namesakes
        (table to records that share no more than the first word with another one), unicode (share of labels that are
        not ASCII) and empty ("Table.field" to share, fields that are sometimes empty).
    """
    rows = template.rows
    return {
        "name": template.name,
        "today": template.today,
        "owners": len(template.owners),
        "counts": {table: len(of) for table, of in rows.items()},
        "shares": {f"{table}.{field}": _shares(getattr(row, field) for row in rows[table]) for table, field in _SHARED},
        "amounts": {
            "Opportunity": _quantiles([row.amount for row in rows["Opportunity"]]),
            "Quote": _quantiles([row.amount for row in rows["Quote"]]),
            "Contract": _quantiles([row.value for row in rows["Contract"] if row.value is not None]),
        },
        "deals_per_client": _spread(_deals_per_client(rows)),
        "clients_per_owner": _spread([len(clients) for clients in template.clients_of_owner.values()]),
        "overdue": _overdue(rows["Opportunity"], template.today),
        "ending": _ending(rows["Contract"], template.today),
        "duplicates": {table: _duplicates(template, table) for table in rows if template.label_count[table]},
        "near_namesakes": {table: _near_namesakes(template, table) for table in rows if template.label_count[table]},
        "unicode": _part(not name.isascii() for of in rows.values() for row in of if (name := label(row))),
        "empty": _empty(rows),
    }


def _part(truths: Iterable[bool]) -> float:
    """The share of those that are true."""
    seen = list(truths)
    return round(sum(seen) / len(seen), 4) if seen else 0.0


def _shares(values: Iterable[str | None]) -> dict[str, float]:
    counted = Counter("" if value is None else value for value in values)
    total = counted.total()
    return {
        value: round(count / total, 4) for value, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))
    }


def _quantiles(amounts: list[Decimal]) -> dict[str, int | float]:
    rising = sorted(amounts)
    return {name: number_json(rising[int(part * (len(rising) - 1))]) for name, part in _QUANTILES.items() if rising}


def _spread(counts: list[int]) -> dict[str, int | float]:
    return {"least": min(counts), "mean": round(sum(counts) / len(counts), 2), "most": max(counts)}


def _deals_per_client(rows: Mapping[str, tuple[Row, ...]]) -> list[int]:
    deals = Counter(row.client_id for row in rows["Opportunity"])
    return [deals[row[0]] for row in rows["Client"]]


def _overdue(deals: tuple[Row, ...], today: str) -> float:
    return _part(
        row.close_date is not None and row.close_date < today for row in deals if row.stage not in CLOSED_STAGES
    )


def _ending(contracts: tuple[Row, ...], today: str) -> int:
    last = (date.fromisoformat(today) + timedelta(days=ENDING_DAYS)).isoformat()
    return sum(row.end_date is not None and today <= row.end_date <= last for row in contracts)


def _duplicates(template: Template, table: str) -> int:
    return sum(count for count in template.label_count[table].values() if count > 1)


def _near_namesakes(template: Template, table: str) -> int:
    """Records with a relative by first word that is not simply a record of the same name."""
    known = template.label_count[table]
    return sum(
        template.near(table, row) >= known[name.casefold()] for row in template.rows[table] if (name := label(row))
    )


def _empty(rows: Mapping[str, tuple[Row, ...]]) -> dict[str, float]:
    out = {}
    for table, of in rows.items():
        for index, column in enumerate(TABLES[table].columns):
            share = _part(row[index] is None for row in of)
            if share:
                out[f"{table}.{column.name}"] = share
    return out


def distribution_text(numbers: Mapping[str, Any]) -> str:
    """The numbers of `distribution` as a table of plain text."""
    lines = [f"world {numbers['name']}, today {numbers['today']}, {numbers['owners']} owners", ""]
    lines += _table(
        ("table", "records", "same label", "same first word"),
        [
            (table, count, numbers["duplicates"].get(table, ""), numbers["near_namesakes"].get(table, ""))
            for table, count in numbers["counts"].items()
        ],
    )
    for field, shares in numbers["shares"].items():
        parts = ", ".join(f"{value or '(empty)'} {_percent(share)}" for value, share in shares.items())
        lines.append(f"{field}: {parts}")
    lines.append("")
    lines += _table(
        ("amounts", *_QUANTILES),
        [(table, *(f"{value:,.2f}" for value in of.values())) for table, of in numbers["amounts"].items()],
    )
    for name in ("deals_per_client", "clients_per_owner"):
        of = numbers[name]
        lines.append(f"{name.replace('_', ' ')}: {of['least']} to {of['most']}, {of['mean']} on average")
    lines.append(f"open deals past their day: {_percent(numbers['overdue'])}")
    lines.append(f"contracts that end within {ENDING_DAYS} days: {numbers['ending']}")
    lines.append(f"names that are not ASCII: {_percent(numbers['unicode'])}")
    empty = ", ".join(f"{field} {_percent(share)}" for field, share in numbers["empty"].items())
    lines.append(f"empty: {empty or 'nothing'}")
    return "\n".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.1f}%"


def _table(head: tuple[str, ...], body: list[tuple[Any, ...]]) -> list[str]:
    """Lines of columns: the first to the left, the others to the right; an empty line follows."""
    cells = [head, *(tuple(map(str, row)) for row in body)]
    widths = [max(len(row[index]) for row in cells if index < len(row)) for index in range(len(head))]
    lines = []
    for row in cells:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=False))
        lines.append("  ".join((first.strip().ljust(widths[0]), *others)).rstrip())
    return [*lines, ""]
