"""Several jobs in one request: takes it apart, and does one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crm_agents.heuristic.calls import Call, Plan, Row
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.words import NOUNS, noun_pattern

_VERBS = (
    "add|adjust|attach|cancel|change|clone|close|copy|create|delete|draw up|duplicate|edit|file|leave|make|mark|"
    "move|note|open|put|register|remove|rename|revise|set|update|upload|write"
)
_LABEL = r"(?:(?:[a-z]|\d{1,2})[.)] |\d\w\w, |- |\* )"
_POLITE = r"(?:(?:please|kindly|first|go ahead and|i want you to|i need you to|could you|also to|to) )*"
_BEGINS = rf"{_POLITE}(?=(?:{_VERBS})\b(?! it\b))"
_FIRST = re.compile(rf"(?:\A|[.:!?,] |\n){_LABEL}?{_BEGINS}")
_NEXT = re.compile(
    rf"(?:; (?:and )?{_LABEL}?|\n{_LABEL}?|[.,;:?!] (?:and )?{_LABEL}|[.,;?] (?:and )?"
    rf"(?:then|next|after that|finally|lastly|secondly|besides that),? |, and (?=also to )){_BEGINS}"
)
_KINDS = {"opportunity": "deal", "client": "client", "contract": "contract", "quote": "quote", "contact": "contact"}
_SAME = re.compile(
    r"\b(?:(?:that|the) (?:(?:same|new|very) )+|that )(?P<kind>deal|client|contract|quote|contact)\b|"
    r"\bthe (?:new )?copy\b"
)
_ABOUT = re.compile("|".join(noun_pattern(kind) for kind in NOUNS) + r"|\bcopy\b|\bdocument\b")


def parts_of(reading: Reading) -> list[Reading]:
    """The jobs of a request, each as a request of its own; one is the whole."""
    first = _FIRST.search(reading.plain)
    later = [found for found in _NEXT.finditer(reading.plain) if first and found.start() >= first.end()]
    if first is None or not later:
        return [reading]
    starts = [first.end(), *(found.end() for found in later)]
    ends = [*(found.start() for found in later), len(reading.text)]
    parts = [Reading(reading.text[start:end], reading.today) for start, end in zip(starts, ends, strict=True)]
    return parts if all(_ABOUT.search(part.plain) for part in parts) else [reading]


def with_ids(text: str, last: dict[str, str]) -> str:
    """The text with ids for what was made or found in the jobs before: that new deal, the same client, the copy."""

    def known(found: re.Match[str]) -> str:
        kind = found["kind"] or "deal"
        return f"the {kind} with the id {last[kind]}" if kind in last else found[0]

    return _SAME.sub(known, text)


def noted(call: Call, record: Row, last: dict[str, str]) -> None:
    """Keep in mind which records a call was about."""
    if call.tool.endswith("_search"):
        return
    for kind, word in _KINDS.items():
        if isinstance(record.get(f"{kind}_id"), str):
            last[word] = record[f"{kind}_id"]
    about = _KINDS.get(str(record.get("entity_type", "")).lower())
    if about is not None:
        last[about] = str(record["entity_id"])


def followed(plan: Plan, last: dict[str, str]) -> Plan:
    """A plan, gone through while what it was about is kept in mind."""
    for call in _first(plan):
        while True:
            heard = yield call
            noted(call, heard.record(), last)
            try:
                call = plan.send(heard)
            except StopIteration:
                return


def _first(plan: Plan) -> Iterator[Call]:
    try:
        yield next(plan)
    except StopIteration:
        return
