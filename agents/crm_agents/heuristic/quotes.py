"""Answers questions about quotes and their prefixes."""

from __future__ import annotations

import operator
import re

from crm_agents.heuristic.calls import JSON, Call, Found, Plan, Row, refused, respond, search
from crm_agents.heuristic.extras import extras
from crm_agents.heuristic.pointing import literal_id
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.records import find_client, find_opportunity

_OTHER_ID = r"\bid (?:that|of|as) (?:the |a )?\w+"
_COUNT = r"\b(?:how many|number of|count)\b"
_OTHERS = re.compile(r"\b(?:other than|leaving out|except(?: for)?|but not|besides|apart from) ([A-Z]{1,5}-)")
_BOUNDS = {
    "fewer": operator.lt,
    "less": operator.lt,
    "more": operator.gt,
    "least": operator.ge,
    "most": operator.le,
}


def quotes_of(reading: Reading) -> Found:
    """All quotes that the request speaks of: of each deal the versions it names, or all."""
    deals = yield from find_opportunity(reading)
    rows: list[Row] = []
    for deal in deals[:4]:
        found = yield from search("quote", opportunity_id=deal["opportunity_id"])
        rows += found
    labels = set(re.findall(r"\bv\d[\w.]*", reading.plain))
    named = [row for row in rows if str(row["version"]).casefold() in labels]
    return named if len(named) >= len(labels) > 0 else rows


def compared(reading: Reading) -> Plan:
    """Compare quotes that a request names one by one; turn it down if they cannot be compared."""
    rows = yield from quotes_of(reading)
    ids: list[JSON] = [row["quote_id"] for row in rows]
    said = literal_id(reading, "quote")
    if said is not None:
        ids = [*ids[:1], said]
    elif reading.says(r"\b(?:itself|same quote|twice|one and the same)\b"):
        ids = [*ids[:1], *ids[:1]]
    elif reading.says(_OTHER_ID):
        others = yield from find_client(reading)
        ids = [*ids[:1], *[row["client_id"] for row in others[-1:]]]
    if not ids:
        return
    fields = reading.says(r"\bfields?\b|\bfield by field\b|\bdetails?\b")
    heard = yield Call("compare_quote_details" if fields else "compare_quotes", {"quote_ids": ids, **extras(reading)})
    yield from refused(heard)


def differences(reading: Reading) -> Plan:
    """The fields in which quotes differ, or do not."""
    rows = yield from quotes_of(reading)
    if len(rows) < 2:
        return
    heard = yield Call("compare_quote_details", {"quote_ids": [row["quote_id"] for row in rows]})
    if not heard.ok:
        return
    skipped = {"quote_id", "opportunity_id", "created_date"}
    differing = [name for name in rows[0] if len({str(row[name]) for row in rows}) > 1]
    if reading.says(r"\bsame value\b|\bone and the same\b") and not reading.says(r"\bnot the same\b"):
        yield from respond([name for name in rows[0] if name not in differing and not name.endswith("_id")])
    yield from respond([name for name in differing if name not in skipped])


def prefixes(reading: Reading) -> Plan:
    """What is asked of the prefixes in use."""
    heard = yield Call("quote_prefixes", {})
    rows = heard.rows()
    names = sorted(str(row["quote_prefix"]) for row in rows)
    if not names:
        return
    counts = {str(row["quote_prefix"]): row["count"] for row in rows}
    if reading.says(r"\b(?:first|opens|begins|heads)\b"):
        yield from respond(names[0])
    if reading.says(r"\blast\b|\bcloses\b|\bends\b"):
        yield from respond(names[-1])
    heaviest = max(names, key=lambda name: counts[name])
    rarest = min(names, key=lambda name: counts[name])
    asks_count = reading.says(_COUNT)
    if reading.says(r"\b(?:most|heaviest|commonest)\b"):
        yield from respond(counts[heaviest] if asks_count else heaviest)
    if reading.says(r"\b(?:fewest|least|rarest|lightest)\b"):
        yield from respond(counts[rarest] if asks_count else rarest)
    bound = re.search(r"\b(fewer|less|more) than (\d+)|\bat (least|most) (\d+)", reading.plain)
    if bound:
        word, number = bound[1] or bound[3], int(bound[2] or bound[4])
        yield from respond([name for name in names if _BOUNDS[word](counts[name], number)])
    if reading.says(r"\bhow many (?:different )?prefix|\bnumber of (?:different )?prefix"):
        yield from respond(len(names))
    if reading.says(r"\bhow many quotes\b|\beach prefix\b|\bper prefix\b|\bby prefix\b"):
        yield from respond(counts)
    others = _OTHERS.search(reading.text)
    yield from respond([name for name in names if others is None or name != others[1]])
