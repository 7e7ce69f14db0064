"""Quotes: make, change, cancel, remove, find, look at, compare."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic.fields import FieldInfo
from pydantic.types import Strict

from crm_gym.crm import Crm
from crm_gym.errors import ToolError
from crm_gym.schema import TABLES, Row
from crm_gym.tools.arguments import Arguments, creating, model, modifying
from crm_gym.tools.base import Extended, tool
from crm_gym.tools.changing import deleted, modify
from crm_gym.tools.searching import PAGING, criteria, page, paged

TABLE = TABLES["Quote"]
_KEY = TABLE.columns[0].wire
_ID = model("OneQuote", quote_id=(_KEY, FieldInfo(description="id of the quote")))
_VIEW = model("QuoteView", quote_id=(_KEY, FieldInfo(description="id of the quote")), **PAGING)
_IDS = model(
    "SeveralQuotes",
    quote_ids=(
        Annotated[list[_KEY], Strict()],  # type: ignore[valid-type]
        FieldInfo(
            description="ids of two or more different quotes",
            json_schema_extra={"minItems": 2, "uniqueItems": True},  # said here, enforced with a code of its own below
        ),
    ),
)


@tool("quote", "write", 1804, creating(TABLE))
def create_quote(crm: Crm, arguments: Arguments) -> Row:
    """Create a quote for an existing deal. Returns the new record with its quote_id."""
    return crm.insert("Quote", arguments.__dict__)


@tool("quote", "write", 3, modifying(TABLE))
def modify_quote(crm: Crm, arguments: Any) -> Row:
    """Change fields of a quote. Put only the fields to change into updates; all others stay. A quote cannot move
    to another deal. Returns the whole record."""
    return modify(crm, "Quote", arguments)


@tool("quote", "write", 2, _ID)
def cancel_quote(crm: Crm, arguments: Any) -> Row:
    """Set a quote's status to Canceled; the record stays. Returns it."""
    return crm.change(crm.need("Quote", arguments.quote_id, "quote_id"), {"status": "Canceled"})


@tool("quote", "write", 1, _ID)
def delete_quote(crm: Crm, arguments: Any) -> dict[str, Any]:
    """Delete a quote for good, with its documents and notes. Returns what was deleted, by kind."""
    return deleted(crm.delete(crm.need("Quote", arguments.quote_id, "quote_id")))


@tool("quote", "read", 32, criteria(TABLE))
def quote_search(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Find quotes. All criteria given must hold: texts match as a part in any case, ids, enums, numbers and dates
    exactly. Returns total and one page of rows in creation order; use limit and offset for more."""
    return page(crm, TABLE, arguments)


@tool("quote", "read", 1, _VIEW)
def quote_details(crm: Crm, arguments: Any) -> Extended:
    """Show one quote with its deal, documents and notes. Of each list one page is shown; totals says how many there
    are; use limit and offset for more."""
    row = crm.need("Quote", arguments.quote_id, "quote_id")
    lists = {
        "documents": crm.referring("Document", "entity_id", row.quote_id),
        "notes": crm.referring("Note", "entity_id", row.quote_id),
    }
    return Extended(row, {"opportunity": crm.get("Opportunity", row.opportunity_id), **paged(lists, arguments)})


def _several(crm: Crm, arguments: Any) -> list[Row]:
    wanted = list(dict.fromkeys(arguments.quote_ids))
    if len(wanted) < 2 or len(wanted) != len(arguments.quote_ids):
        raise ToolError(
            "number_range", "quote_ids", f"quote_ids must be two or more different ids; got {len(wanted)} different."
        )
    return [crm.need("Quote", quote_id, "quote_ids") for quote_id in wanted]


@tool("quote", "read", 1, _IDS)
def compare_quotes(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Compare the amounts of two or more quotes: the quotes in the order asked for, the cheapest, the dearest and
    the difference between these two."""
    rows = _several(crm, arguments)
    cheapest, dearest = min(rows, key=lambda row: row.amount), max(rows, key=lambda row: row.amount)
    return {
        "quotes": rows,
        "cheapest": cheapest.quote_id,
        "dearest": dearest.quote_id,
        "difference": dearest.amount - cheapest.amount,
    }


@tool("quote", "read", 1, _IDS)
def compare_quote_details(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Compare two or more quotes field by field: every field's values side by side in the order asked for, and
    the names of the fields that differ."""
    rows = _several(crm, arguments)
    fields = {name: [getattr(row, name) for row in rows] for name in rows[0]._fields}
    return {"fields": fields, "differing": [name for name, values in fields.items() if len(set(values)) > 1]}


@tool("quote", "read", 1, model("NoArguments"))
def quote_prefixes(crm: Crm, arguments: Arguments) -> list[dict[str, Any]]:
    """List the quote prefixes in use and how many quotes carry each, by prefix."""
    counts: dict[str, int] = {}
    for row in crm.find("Quote"):
        if row.quote_prefix is not None:
            counts[row.quote_prefix] = counts.get(row.quote_prefix, 0) + 1
    return [{"quote_prefix": prefix, "count": counts[prefix]} for prefix in sorted(counts)]
