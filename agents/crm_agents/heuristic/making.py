"""Makes records: clients, contacts, deals, quotes, contracts, documents, notes."""

from __future__ import annotations

import re

from crm_agents.heuristic.calls import JSON, Call, Plan
from crm_agents.heuristic.extras import extras
from crm_agents.heuristic.intent import Intent
from crm_agents.heuristic.reading import Reading, members, value_for
from crm_agents.heuristic.single import ended, record
from crm_gym import TOOLS

_OF_CLIENTS = ("email", "phone", "address", "industry", "owner", "status", "stage")
Arguments = dict[str, JSON]

_PARENTS = {
    "create_new_opportunity": ("client",),
    "create_new_contact": ("client",),
    "create_quote": ("opportunity",),
    "create_contract": ("client", "opportunity"),
}
_CREATE = {
    "client": "create_new_client",
    "contact": "create_new_contact",
    "opportunity": "create_new_opportunity",
    "quote": "create_quote",
    "contract": "create_contract",
}
_OF_OTHERS = re.compile(
    r"\b(?:client|customer|deal|company)(?: called)?\s*\Z|\bclient (?:of|owned by|belonging to)\s*\Z"
)


def upload(reading: Reading, intent: Intent) -> Plan:
    """File a document."""
    yield from _attached("upload_document", reading, intent)


def note(reading: Reading, intent: Intent) -> Plan:
    """Write a note."""
    yield from _attached("add_note", reading, intent)


def _attached(tool: str, reading: Reading, intent: Intent) -> Plan:
    """Upload a document, or write a note."""
    schema = {name: one for name, one in TOOLS[tool].schema["properties"].items() if name != "entity_id"}
    found, omitted = reading.values(schema)
    field, shape = ("file_name", "file") if tool == "upload_document" else ("content", "quoted")
    taken = {str(value) for name, value in found.items() if name != field}
    free = [
        piece for piece in reading.of_kind(shape) if str(piece.value) not in taken and not reading.names_record(piece)
    ]
    if field not in found and field not in omitted and free:
        found[field] = max(free, key=lambda piece: len(str(piece.value))).value
    entity_id, _ = yield from record(reading, intent.entity)
    call = {"entity_type": intent.entity.capitalize(), "entity_id": entity_id, **found, **extras(reading)}
    yield from ended(Call(tool, call))


def create(reading: Reading, intent: Intent) -> Plan:
    """Make a record."""
    tool = _CREATE[intent.entity]
    schema = TOOLS[tool].schema["properties"]
    own = {name: details for name, details in schema.items() if not name.endswith("_id")}
    found, omitted = reading.values(own)
    of_itself, _ = reading.told.values(own)
    found = {name: value for name, value in found.items() if name in of_itself or name not in _OF_CLIENTS}
    parents: Arguments = {}
    for kind in _PARENTS.get(tool, ()):
        if (
            kind == "opportunity"
            and tool == "create_contract"
            and not reading.says(r"for (?:that|the) deal|under the deal|deal")
        ):
            continue
        if reading.says(r"without any deal") and kind == "opportunity":
            continue
        entity_id, row = yield from record(reading, kind)
        if entity_id is not None:
            parents[f"{kind}_id"] = entity_id
        if kind == "opportunity" and tool == "create_contract" and row is not None:
            parents["client_id"] = row["client_id"]
    _fill(reading, TOOLS[tool].schema, found, omitted)
    until = reading.of_kind("date")
    if "start_date" in found and "end_date" in own and len(until) == 2 and not omitted:
        found.setdefault("end_date", until[1].value)
    yield from ended(Call(tool, {**parents, **found, **extras(reading)}))


def _fill(reading: Reading, schema: dict[str, JSON], found: Arguments, omitted: set[str]) -> None:
    """Required fields without their name beside them: the value that is of their kind and is no other's."""
    for name in schema["required"]:
        if name in found or name in omitted or name.endswith("_id"):
            continue
        details = schema["properties"][name]
        used = {str(value) for value in found.values()}
        if "enum" in details:
            pieces = members(reading.told.text, details["enum"]) or members(reading.text, details["enum"])
        elif details["type"] == "number":
            pieces = reading.of_kind("amount") or reading.of_kind("number")
        elif name == "email":
            pieces = reading.of_kind("email")
        elif name in ("first_name", "last_name"):
            _person(reading, found)
            continue
        else:
            pieces = reading.of_kind("quoted") or reading.of_kind("name")
        free = [piece for piece in pieces if str(piece.value) not in used]
        if free:
            found[name] = value_for(free[0], details)


def _person(reading: Reading, found: Arguments) -> None:
    """First and last name: the name that is no client's, no deal's and no owner's."""
    for piece in reading.of_kind("quoted", "name"):
        words = str(piece.value).split()
        if 2 <= len(words) <= 4 and not _OF_OTHERS.search(reading.plain, 0, piece.start):
            found.setdefault("first_name", words[0])
            found.setdefault("last_name", " ".join(words[1:]))
            return
