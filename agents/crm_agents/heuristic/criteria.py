"""What to search by when a question describes records: whose they are, in which stage, in which town."""

from __future__ import annotations

import re
from collections.abc import Generator

from crm_agents.heuristic.calls import Call, Heard, Plan, Row
from crm_agents.heuristic.conditions import Condition, conditions
from crm_agents.heuristic.pointing import by_name
from crm_agents.heuristic.reading import Reading, members
from crm_agents.heuristic.records import find_client, find_opportunity
from crm_agents.heuristic.words import noun_pattern
from crm_gym import TOOLS

_CAPITALS = r"([A-Z][\w&-]*(?: (?:and |& )?[A-Z][\w&-]*)*)"
_INDUSTRY = re.compile(
    rf"(?:industry|sector|line of business)(?: is| of| called)? {_CAPITALS}"
    rf"|compan(?:y|ies) (?:in|under|from) {_CAPITALS}|list under {_CAPITALS}|(?<!^)\b([A-Z]\w+) compan(?:y|ies)\b"
)
_TOWN = re.compile(r"(?:address in|travels to|clients? .{0,60} in|based in|located in) ([^\W\d_a-z]\w+)")
_PREFIX = re.compile(r"\b(?:prefix|numbered with|prefixed|prefixed with) ([A-Z]{1,5}-)")
_NOT = r"\b(?:leaving out|neither|open|not)\b"


def criteria_of(reading: Reading, entity: str) -> Generator[Call, Heard, tuple[Row, list[Condition]]]:
    """What to search by, and what is left to be looked at row by row."""
    schema = TOOLS[f"{entity}_search"].schema["properties"]
    criteria = {name: value for name, value in _plainly(reading).items() if name in schema}
    for name in ("stage", "status", "type"):
        said = [str(one.value) for one in members(reading.text, schema.get(name, {}).get("enum", []))]
        if len(said) == 1 or (said and not reading.says(_NOT)):
            criteria[name] = said[0]
    if entity != "client" or not _TOWN.search(reading.text):
        criteria = {name: value for name, value in criteria.items() if name != "address" or value[:1].isdigit()}
    yield from _people(reading, entity, schema, criteria)
    return criteria, conditions(reading, entity)


def _plainly(reading: Reading) -> Row:
    """Values whose look says what they are."""
    found: Row = {piece.kind: piece.value for piece in reading.of_kind("phone", "email")}
    quoted = [str(piece.value) for piece in reading.of_kind("quoted") if not reading.names_record(piece)]
    for name, match in (
        ("industry", _INDUSTRY.search(reading.text)),
        ("address", _TOWN.search(reading.text)),
        ("quote_prefix", _PREFIX.search(reading.text)),
    ):
        if match:
            found[name] = next(group for group in match.groups() if group)
    if quoted and quoted[0][:1].isdigit():
        found["address"] = quoted[0]
    return found


def _people(reading: Reading, entity: str, schema: Row, criteria: Row) -> Plan:
    """Owner and client: the names in the request, whoever they turn out to be."""
    used = {str(value) for value in criteria.values()}
    names = [str(piece.value) for piece in reading.of_kind("name", "quoted") if str(piece.value) not in used]
    names = [name for name in names if " " in name]
    if "owner" in schema:
        for name in names[:3]:
            heard = yield Call(f"{entity}_search", {"owner": name, "limit": 1})
            if heard.record().get("total"):
                criteria["owner"] = name
                break
    if entity == "quote" and reading.says(noun_pattern("opportunity")):
        deals = yield from find_opportunity(reading)
        criteria |= {"opportunity_id": deals[0]["opportunity_id"]} if deals else {}
        return
    if "client_id" in schema and "owner" not in criteria:
        clients = yield from find_client(reading)
        if clients:
            criteria["client_id"] = clients[0]["client_id"]
    if entity in ("client", "company") and "owner" not in criteria:
        rows = yield from by_name(reading, entity)
        if rows:
            criteria["name"] = rows[0]["name"]
    if entity == "company" and "name" not in criteria and names:
        criteria["contacts"] = names[0]
