"""Makes one call about one record, and turns the request down if the CRM does."""

from __future__ import annotations

import re
from collections.abc import Generator

from crm_agents.heuristic.calls import JSON, Call, Heard, Plan, Row, refused
from crm_agents.heuristic.extras import extras
from crm_agents.heuristic.intent import Intent
from crm_agents.heuristic.pointing import literal_id
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.records import FIND

_BORROWED = re.compile(r"\b(?:same |very )?id (?:that|of|as) (?:the |a )?(client|deal|contact|quote|contract)\b")


def ended(call: Call) -> Plan:
    """Make a call; turn the request down if the CRM refuses it, or if the record that it is about is not there."""
    for name in ("id", "entity_id", "quote_id", "opportunity_id", "client_id"):
        if name in call.arguments and call.arguments[name] is None:
            yield Call("decline", {"code": "not_found", "field": name, "reason": "There is no such record."})
    heard = yield call
    yield from refused(heard)


def record(reading: Reading, entity: str) -> Generator[Call, Heard, tuple[JSON, Row | None]]:
    """Id and row of the record that the request points at."""
    said = literal_id(reading, entity)
    if said is not None:
        return said, None
    borrowed = _BORROWED.search(reading.plain)
    kind = {"deal": "opportunity"}.get(borrowed[1], borrowed[1]) if borrowed else entity
    if kind not in FIND:
        return None, None
    rows = yield from FIND[kind](reading)
    return (rows[0][f"{kind}_id"], rows[0]) if rows else (None, None)


def clone(reading: Reading, intent: Intent) -> Plan:
    """Copy a deal."""
    yield from _on_one("clone_opportunity", reading, intent)


def delete(reading: Reading, intent: Intent) -> Plan:
    """Delete a record."""
    yield from _on_one(f"delete_{intent.entity}", reading, intent)


def cancel(reading: Reading, intent: Intent) -> Plan:
    """Cancel a quote."""
    yield from _on_one("cancel_quote", reading, intent)


def _on_one(tool: str, reading: Reading, intent: Intent) -> Plan:
    """A call that takes a record and no more."""
    entity_id, _ = yield from record(reading, intent.entity)
    yield from ended(Call(tool, {f"{intent.entity}_id": entity_id, **extras(reading)}))
