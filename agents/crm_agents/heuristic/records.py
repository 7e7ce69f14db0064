"""Finds the records that a request points at, by asking the CRM."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from crm_agents.heuristic.calls import JSON, Found, Row, search
from crm_agents.heuristic.conditions import best_of
from crm_agents.heuristic.pointing import by_name
from crm_agents.heuristic.reading import Reading, members, value_for
from crm_agents.heuristic.words import noun_pattern
from crm_gym import TOOLS

_OWNED = re.compile(r"\b(?:one|only|the) client (?:of|owned by|belonging to) ")
_ONE = r"(?:only|one|single)"


def find_company(reading: Reading) -> Found:
    """The company, by its name."""
    return by_name(reading, "company")


def find_client(reading: Reading) -> Found:
    """The client, by its address, its owner and industry, or its name."""
    if reading.says(noun_pattern("client") + r"[^.]{0,40}\b(?:reach|whose|with|under|e-mail)\b"):
        rows = yield from _by_email(reading)
        if rows:
            return rows
    owned = _OWNED.search(reading.plain)
    if owned:
        people = [piece for piece in reading.of_kind("name") if owned.end() <= piece.start < owned.end() + 3]
        schema = TOOLS["client_search"].schema["properties"]
        found, _ = reading.values({name: schema[name] for name in ("industry", "status", "phone", "address")})
        if people and found:
            rows = yield from search("client", owner=people[0].value, **found)
            return rows
    rows = yield from by_name(reading, "client")
    return rows or (yield from _by_email(reading))


def _by_email(reading: Reading) -> Found:
    for piece in reading.of_kind("email"):
        rows = yield from search("client", email=str(piece.value))
        if rows:
            return rows[:1]
    return []


def find_contact(reading: Reading) -> Found:
    """The contact, by the name, and where there are several by the client."""
    rows = yield from by_name(reading, "contact")
    if len(rows) > 1:
        rows = yield from _with_client(reading, rows)
    return rows


def find_opportunity(reading: Reading) -> Found:
    """The deal, by its name; or the only one of a client, maybe in some stage."""
    rows: list[Row] = []
    only = re.search(rf"\b{_ONE} (?:\w+ )?deal\b", reading.plain)
    if not only:
        rows = yield from by_name(reading, "opportunity")
    if not rows:
        rows = yield from _only_one(reading)
    if len(rows) > 1:
        rows = yield from _with_client(reading, rows)
    return rows


def _only_one(reading: Reading) -> Found:
    """The deals of the client, or else of the colleague, that the request names; in the stage it names."""
    clients = yield from find_client(reading)
    if clients:
        rows = yield from search("opportunity", client_id=clients[0]["client_id"])
    else:
        owners = [str(piece.value) for piece in reading.of_kind("name") if " " in str(piece.value)]
        rows = (yield from search("opportunity", owner=owners[0])) if owners else []
    said = members(reading.text, _stages())
    told = {one.start for one in members(reading.told.text, _stages())}
    stages = [str(one.value) for one in said if one.start not in told] or [str(one.value) for one in said[:1]]
    narrowed = [row for row in rows if row["stage"] in stages[:1]]
    return narrowed or rows


def _stages() -> list[str]:
    return list(TOOLS["create_new_opportunity"].schema["properties"]["stage"]["enum"])


def _with_client(reading: Reading, rows: list[Row]) -> Found:
    """Those of several rows of one name whose client the request names."""
    clients = yield from find_client(reading)
    ids = {client["client_id"] for client in clients}
    return [row for row in rows if row["client_id"] in ids] or rows


def find_quote(reading: Reading) -> Found:
    """The quotes of the deal that the request describes."""
    deals = yield from find_opportunity(reading)
    if not deals:
        return []
    rows = yield from search("quote", opportunity_id=deals[0]["opportunity_id"])
    return _chosen_quote(reading, rows)


def _chosen_quote(reading: Reading, rows: list[Row]) -> list[Row]:
    """Of a deal's quotes the one meant."""
    sort = re.search(r"\b(draft|sent|approved|rejected|canceled)(?= quotes?\b)", reading.plain)
    if sort:
        rows = [row for row in rows if str(row["status"]).casefold() == sort[1]] or rows
    near = re.search(r"\bv\d[\w.]*(?= quote)|(?<=quote )v\d[\w.]*|(?<=version )v?\d[\w.]*", reading.plain)
    if near:
        return [row for row in rows if str(row["version"]).casefold() == near[0]] or rows
    if reading.says(r"\b(?:most recent\w*|latest|newest|last created|created last)\b") and rows:
        return [max(rows, key=lambda row: str(row["created_date"]))]
    if reading.says(r"\b(?:oldest|earliest|first created)\b") and rows:
        return [min(rows, key=lambda row: str(row["created_date"]))]
    if reading.says(r"\b(?:cheapest|least expensive|lowest)\b") and rows:
        return [min(rows, key=lambda row: row["amount"])]
    if reading.says(r"\b(?:dearest|most expensive|highest)\b") and rows:
        return [max(rows, key=lambda row: row["amount"])]
    if len(rows) > 1:
        rows = _described(reading, rows, "quote")
    return rows


def _described(reading: Reading, rows: list[Row], entity: str) -> list[Row]:
    """The rows that have the first dates, amounts or statuses which the request names."""
    noun = re.search(noun_pattern(entity), reading.plain)
    start = noun.start() if noun else 0
    for piece in reading.pieces:
        if piece.start < start or piece.kind not in ("date", "amount", "number", "url"):
            continue
        value = piece.value if isinstance(piece.value, str) else float(piece.value)
        held = [row for row in rows if value in (*_plain(row),)]
        if held:
            return held
    statuses = sorted({str(row["status"]) for row in rows})
    for one in members(reading.text, statuses, start):
        return [row for row in rows if row["status"] == one.value]
    return rows


def _plain(row: Row) -> Iterator[JSON]:
    for value in row.values():
        yield float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def find_contract(reading: Reading) -> Found:
    """The contract, by its deal or its client and what the request says of it."""
    for piece in reading.of_kind("url"):
        rows = yield from search("contract", document_url=str(piece.value))
        if rows:
            return rows
    clients = yield from find_client(reading)
    if clients:
        rows = yield from search("contract", client_id=clients[0]["client_id"])
        best = best_of(reading, "contract")
        if best is not None:
            return best.pick(rows)
        return _described(reading, rows, "contract") if len(rows) > 1 else rows
    if reading.says(noun_pattern("opportunity")):
        deals = yield from find_opportunity(reading)
        return (yield from search("contract", opportunity_id=deals[0]["opportunity_id"])) if deals else []
    for piece in reading.of_kind("date", "amount", "number"):
        if piece.kind == "number" and abs(float(piece.value)) < 100:
            continue
        fields = ("end_date", "start_date") if piece.kind == "date" else ("value",)
        for field in fields:
            rows = yield from search("contract", **{field: value_for(piece, {})})
            if rows:
                return rows
    return []


FIND: dict[str, Callable[[Reading], Found]] = {
    "company": find_company,
    "client": find_client,
    "contact": find_contact,
    "opportunity": find_opportunity,
    "quote": find_quote,
    "contract": find_contract,
}
"""How a record of each kind is found."""
