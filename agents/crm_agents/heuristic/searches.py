"""Makes the very search that a request spells out, or opens the very record, odd arguments and all."""

from __future__ import annotations

from collections.abc import Generator

from crm_agents.heuristic.calls import JSON, Call, Heard, Plan, refused, respond
from crm_agents.heuristic.extras import extras
from crm_agents.heuristic.pointing import literal_id
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.records import FIND
from crm_agents.heuristic.words import noun_pattern
from crm_gym import TOOLS

_VIEWS = {"opportunity": "view_opportunity_details", "quote": "quote_details"}
_SEARCHED = (
    r"\b(?:criteria|restrict it|filter by|it must match|must be given to the search|run a search|\w+ search)\b"
    r"|\bcount, (?:spelt|not)|[.?!] look for\b"
)
_ODD = r"\b(?:limit|offset)\b|\b[a-z]+_[a-z_]+\b|\bfield (?:named|called)|\bthe field \w+ (?:goes|with|=)|\bfill \w+ \("
_VIEWED = (
    r"\bid\b|\b(?:full view|view with everything|the view|everything (?:on|about)|what is there on|the details of|"
    r"full picture|view|all that)\b"
)


def spelt_out(reading: Reading) -> bool:
    """Whether a request gives criteria or arguments one by one."""
    if reading.says(_SEARCHED):
        return True
    if any(literal_id(reading, kind) is not None for kind in _VIEWS):
        return not reading.says(r"\bcompar\w+")
    return reading.says(_ODD)


def searched(reading: Reading, entity: str) -> Plan:
    """Make the call with just the arguments that the request gives."""
    viewed = entity in _VIEWS and reading.says(_VIEWED) and not reading.says(_SEARCHED)
    tool = _VIEWS[entity] if viewed else f"{entity}_search"
    if tool not in TOOLS:
        return
    schema = TOOLS[tool].schema["properties"]
    arguments: dict[str, JSON] = {}
    for kind in (entity,) if viewed else ("client", "opportunity"):
        if f"{kind}_id" in schema and (viewed or kind != entity) and reading.says(noun_pattern(kind)):
            found_id = yield from _id_of(reading, kind)
            arguments |= {f"{kind}_id": found_id} if found_id is not None else {}
    found, _ = reading.values({name: one for name, one in schema.items() if not name.endswith("_id")})
    heard = yield Call(tool, {**arguments, **found, **extras(reading, schema)})
    yield from refused(heard)
    if heard.ok and not viewed:
        yield from respond([row[f"{entity}_id"] for row in heard.rows()])


def _id_of(reading: Reading, entity: str) -> Generator[Call, Heard, JSON]:
    said = literal_id(reading, entity)
    if said is not None:
        return said
    rows = yield from FIND[entity](reading)
    return rows[0][f"{entity}_id"] if rows else None
