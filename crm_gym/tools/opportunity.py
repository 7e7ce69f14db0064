"""Deals: make, change, find, look at, copy, sum up, remove."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from pydantic.fields import FieldInfo

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tools.arguments import Arguments, creating, model, modifying
from crm_gym.tools.base import Extended, tool
from crm_gym.tools.changing import deleted, modify
from crm_gym.tools.searching import PAGING, criteria, matching, page, paged

TABLE = TABLES["Opportunity"]
_ID = model("OneOpportunity", opportunity_id=(TABLE.columns[0].wire, FieldInfo(description="id of the deal")))
_VIEW = model(
    "OpportunityView", opportunity_id=(TABLE.columns[0].wire, FieldInfo(description="id of the deal")), **PAGING
)
_CRITERIA = criteria(TABLE)


@tool("opportunity", "write", 3683, creating(TABLE))
def create_new_opportunity(crm: Crm, arguments: Arguments) -> Row:
    """Create a deal for an existing client. Returns the new record with its opportunity_id. The close date must
    not be in the past; once a deal is Closed-Won or Closed-Lost its terms are locked."""
    return crm.insert("Opportunity", arguments.__dict__)


@tool("opportunity", "write", 2939, modifying(TABLE))
def modify_opportunity(crm: Crm, arguments: Any) -> Row:
    """Change fields of a deal. Put only the fields to change into updates; all others stay. The client, amount,
    stage, close date and probability of a closed deal cannot be changed. Returns the whole record."""
    return modify(crm, "Opportunity", arguments)


@tool("opportunity", "read", 2279, _CRITERIA)
def opportunity_search(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Find deals. All criteria given must hold: texts match as a part in any case, ids, enums, numbers and dates
    exactly. Returns total and one page of rows in creation order; use limit and offset for more."""
    return page(crm, TABLE, arguments)


def _details(crm: Crm, arguments: Any) -> Extended:
    row = crm.need("Opportunity", arguments.opportunity_id, "opportunity_id")
    record = row.opportunity_id
    lists = {
        "quotes": crm.referring("Quote", "opportunity_id", record),
        "contracts": crm.referring("Contract", "opportunity_id", record),
        "documents": crm.referring("Document", "entity_id", record),
        "notes_on_record": crm.referring("Note", "entity_id", record),
    }
    return Extended(row, {"client": crm.get("Client", row.client_id), **paged(lists, arguments)})


@tool("opportunity", "read", 878, _VIEW)
def view_opportunity_details(crm: Crm, arguments: Arguments) -> Extended:
    """Show one deal with its client, quotes, contracts, documents and the notes written on it (notes_on_record).
    Of each list one page is shown; totals says how many there are; use limit and offset for more."""
    return _details(crm, arguments)


@tool("opportunity", "read", 6, _VIEW)
def opportunity_details(crm: Crm, arguments: Arguments) -> Extended:
    """The same as view_opportunity_details: one deal with its client, quotes, contracts, documents and notes."""
    return _details(crm, arguments)


@tool("opportunity", "write", 267, _ID)
def clone_opportunity(crm: Crm, arguments: Any) -> Row:
    """Make an exact copy of a deal, all fields alike, under a new opportunity_id. Quotes, documents and notes
    stay with the original. Returns the copy."""
    return crm.copy(crm.need("Opportunity", arguments.opportunity_id, "opportunity_id"))


def _group(rows: list[Row], field: str) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(getattr(row, field) or "", []).append(row)
    return {name: _total(groups[name]) for name in sorted(groups)}


def _total(rows: list[Row]) -> dict[str, Any]:
    return {"count": len(rows), "total_amount": sum((row.amount for row in rows), Decimal(0))}


@tool("opportunity", "read", 194, criteria(TABLE, paging=False))
def summarize_opportunities(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Count deals and add up their amounts: in all, by stage and by owner (deals without an owner under "").
    Takes the same criteria as opportunity_search; without any, all deals count."""
    rows = list(matching(crm, TABLE, arguments))
    return {**_total(rows), "by_stage": _group(rows, "stage"), "by_owner": _group(rows, "owner")}


@tool("opportunity", "write", 1, _ID)
def delete_opportunity(crm: Crm, arguments: Any) -> dict[str, Any]:
    """Delete a deal for good, with its quotes and the documents and notes of both. Its contracts stay, without a
    deal. Returns what was deleted, by kind."""
    gone = crm.delete(crm.need("Opportunity", arguments.opportunity_id, "opportunity_id"))
    return deleted(gone)
