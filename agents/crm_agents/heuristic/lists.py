"""Answers questions about all records that meet some conditions."""

from __future__ import annotations

import re

from crm_agents.heuristic.asked import asked_slot
from crm_agents.heuristic.calls import JSON, Found, Plan, Row, respond, search
from crm_agents.heuristic.conditions import best_of
from crm_agents.heuristic.criteria import criteria_of
from crm_agents.heuristic.quotes import quotes_of
from crm_agents.heuristic.reading import Reading, Slot
from crm_agents.heuristic.records import find_opportunity
from crm_agents.heuristic.words import noun_pattern
from crm_gym import TOOLS

_MONEY = {"opportunity": "amount", "quote": "amount", "contract": "value"}
_TOTAL = r"\b(?:total|sums?|combined|add up|sum up|how much|worth in all|altogether)\b"
_COUNT = r"\b(?:how many|number of|count)\b"
_GROUPS = ("stage", "owner", "status")


def of_many(reading: Reading, entity: str) -> Plan:
    """What is asked of them."""
    if reading.says(r"\b(?:contacts|people)\b") and entity in ("opportunity", "client"):
        entity = "contact"
    if f"{entity}_search" not in TOOLS:
        return
    rows = yield from _rows(reading, entity)
    best = best_of(reading, entity)
    if best is None:
        yield from _figure(reading, rows, entity)
    rows = rows if best is None else best.pick(rows)
    yield from _fields(reading, rows, entity)
    several = best is None and (len(rows) != 1 or reading.says(rf"\b(?:all|every|{entity}s|companies)\b"))
    ids = [row[f"{entity}_id"] for row in rows]
    yield from respond(ids if several or not ids else ids[0])


def _rows(reading: Reading, entity: str) -> Found:
    of_deal = reading.says(noun_pattern("opportunity"))
    if entity == "contact" and of_deal:
        deals = yield from find_opportunity(reading)
        return (yield from search("contact", client_id=deals[0]["client_id"])) if deals else []
    criteria, rest = yield from criteria_of(reading, entity)
    if entity == "quote" and of_deal:
        rows = yield from quotes_of(reading)
        return [row for row in rows if criteria.get("status") in (None, row["status"])]
    rows = yield from search(entity, **criteria)
    return [row for row in rows if all(one.holds(row) for one in rest)]


def _figure(reading: Reading, rows: list[Row], entity: str) -> Plan:
    """A count, a sum, a difference; or one for each stage, owner or version."""
    money, counted = _MONEY.get(entity, ""), reading.says(_COUNT)
    if entity == "quote" and reading.says(r"\bby version\b|\bamounts? of the versions?\b"):
        yield from respond({str(row["version"]): row["amount"] for row in rows})
    if entity == "quote" and rows and reading.says(r"\bdifference\b|\blies above\b|\bhow far apart\b"):
        amounts = [row["amount"] for row in rows]
        yield from respond(round(max(amounts) - min(amounts), 2))
    summed = (
        bool(money) and reading.says(_TOTAL) and (not reading.says(r"\bamounts\b") or reading.says("of the amounts"))
    )
    if counted or summed:
        for group in _GROUPS:
            if reading.says(rf"\b(?:by|per|each|every|over the) {group}s?\b") or (
                group == "owner" and reading.says(r"\bwho owns how much\b")
            ):
                yield from respond(_by_group(rows, group, "" if counted else money))
    if counted:
        yield from respond(len(rows))
    if summed:
        yield from respond(round(sum(row[money] or 0 for row in rows), 2))


def _by_group(rows: list[Row], group: str, money: str) -> dict[str, JSON]:
    """Counts, or sums of a field, for each value of another."""
    figures: dict[str, JSON] = {}
    for row in rows:
        name = str(row.get(group) or "")
        figures[name] = round(figures.get(name, 0) + ((row[money] or 0) if money else 1), 2)
    return figures


def _fields(reading: Reading, rows: list[Row], entity: str) -> Plan:
    """The values of the field that is asked for, if one is."""
    if entity == "company" and reading.says(r"\bcontacts\b|\bpeople\b"):
        yield from respond([name for row in rows for name in row["contacts"] or []])
    asked = _before_noun(reading, entity)
    if asked and asked.field != "name":
        values = [row[asked.field] for row in rows]
        single = len(values) == 1 and not reading.says(r"\b(?:all|each|every)\b")
        yield from respond(values[0] if single else [value for value in values if value is not None])


def _before_noun(reading: Reading, entity: str) -> Slot | None:
    noun = re.search(noun_pattern(entity), reading.plain)
    slot = asked_slot(reading, entity)
    return slot if slot and (noun is None or slot.start < noun.start()) else None
