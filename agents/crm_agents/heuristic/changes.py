"""Changes fields of a record."""

from __future__ import annotations

import re

from crm_agents.heuristic.calls import JSON, Call, Plan, Row
from crm_agents.heuristic.extras import extras
from crm_agents.heuristic.intent import Intent
from crm_agents.heuristic.reading import Reading, members, value_for
from crm_agents.heuristic.records import find_client
from crm_agents.heuristic.single import ended, record
from crm_gym import TOOLS

_RENAMED = (
    r"\bnew name\b|\b(?:change|set|switch) the name of\b|\brenam\w+|\bshould (?:be called|read)\b|"
    r"\bname\b[^.]* is wrong\b"
)
_MOVED = (
    r"\b(?:its|their|his|her|the) client (?:is|should|must|has) (?:to |now )?be|"
    r"\bmove (?:it|them|him|her|the \w+).{0,40}\bclient\b|\bbelongs? to (?:the )?client\b"
)
_OWNER = re.compile(r"\b[Mm]ake ([^\W\d_a-z][^,.;:]{2,40}?) the (?:account )?owner\b")
_EMPTY_UPDATES = r"\bupdates? (?:stay|stays|with no fields|without any|is empty|are empty|empty)\b|\bno fields in it\b"


def modify(reading: Reading, intent: Intent) -> Plan:
    """Change fields of a record."""
    tool = f"modify_{intent.entity}"
    if tool not in TOOLS:
        return
    schema = TOOLS[tool].schema["properties"]["updates"]["properties"]
    own = {name: details for name, details in schema.items() if not name.endswith("_id")}
    found, _ = reading.told.values(own)
    _by_kind(reading.told, own, found)
    entity_id, row = yield from record(reading, intent.entity)
    updates = {
        name: value for name, value in found.items() if name != "name" or row is None or value != row.get("name")
    }
    for name, value in _moved_to(reading.told, own).items():
        updates.setdefault(name, value)
    owner = _OWNER.search(reading.text)
    if owner and "owner" in own:
        updates["owner"] = owner[1]
    if intent.entity != "client" and reading.says(_MOVED):
        clients = yield from find_client(reading)
        updates |= {"client_id": clients[-1]["client_id"]} if clients else {}
    if "name" in own and reading.says(_RENAMED):
        updates |= _guess(reading, {}, row)
    updates |= extras(reading)
    updates = {} if reading.says(_EMPTY_UPDATES) else updates or _guess(reading.told, own, row)
    yield from ended(Call(tool, {"id": entity_id, "updates": updates}))


def _by_kind(reading: Reading, schema: dict[str, JSON], found: Row) -> None:
    """Fields that are spoken of without a value beside them: the only number or date that is no other's."""
    taken = {str(value) for value in found.values()}
    for slot in reading.slots(tuple(schema)):
        details = schema[slot.field]
        kinds = ("amount", "number") if details.get("type") == "number" else ("date",)
        if slot.field in found or (details.get("type") != "number" and details.get("format") != "date"):
            continue
        free = [piece for piece in reading.of_kind(*kinds) if str(value_for(piece, details)) not in taken]
        if len(free) == 1:
            found[slot.field] = value_for(free[0], details)


def _moved_to(reading: Reading, schema: dict[str, JSON]) -> Row:
    """Members of enums that something is moved to, without a word for the field."""
    found: Row = {}
    for name, details in schema.items():
        for one in members(reading.text, details.get("enum", [])):
            before = reading.plain[max(0, one.start - 12) : one.start]
            if re.search(r"\b(?:to|into|as|is|is in|now)\s*\Z", before) or reading.plain.startswith(
                " is the outcome", one.end
            ):
                found[name] = one.value
    return found


def _guess(reading: Reading, schema: dict[str, JSON], row: Row | None) -> Row:
    """What changes if no field is named: a new name, or a member of an enum."""
    if reading.says(r"\bname|\brenam|\bcalled\b"):
        quoted = [one for one in reading.of_kind("quoted") if row is None or one.value not in row.values()]
        if quoted:
            return {"name": quoted[-1].value}
    for name, details in schema.items():
        for one in members(reading.text, details.get("enum", [])):
            return {name: one.value}
    return {}
