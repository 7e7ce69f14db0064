"""Which names and ids in a request stand for records."""

from __future__ import annotations

import re
from collections.abc import Iterator

from crm_agents.heuristic.calls import Found, Row, search
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.words import NOUNS, noun_pattern

_SAID_ID = re.compile(
    r"(?<![\w-])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[A-Z]{2,4}-\d{3,}|\d{3,})(?![\w-])"
)
_SMALL = (
    "the",
    "a",
    "an",
    "of",
    "and",
    "for",
    "with",
    "at",
    "on",
    "in",
    "to",
    "that",
    "which",
    "is",
    "we",
    "have",
    "our",
)


def said_name(row: Row) -> str:
    """What people call the record of a row."""
    return f"{row['first_name']} {row['last_name']}" if "first_name" in row else str(row.get("name", ""))


def named(reading: Reading, rows: list[Row]) -> list[Row]:
    """The rows whose name stands in the request, the longest names only; the rest if it is part of those is dropped."""
    text = reading.text.casefold()
    hits: dict[tuple[int, str], list[Row]] = {}
    for row in rows:
        name = said_name(row).casefold()
        place = _place(text, name)
        if name and place >= 0:
            hits.setdefault((place, name), []).append(row)
    kept = [key for key in hits if not any(_covers(other, key) for other in hits)]
    kept.sort(key=lambda key: key[0])
    return [row for key in kept for row in hits[key]]


def _place(text: str, name: str) -> int:
    found = re.compile(r"(?<!\w)" + re.escape(name) + r"(?!\w)").search(text)
    return found.start() if found else -1


def _covers(other: tuple[int, str], key: tuple[int, str]) -> bool:
    return other != key and other[0] <= key[0] and other[0] + len(other[1]) >= key[0] + len(key[1])


def literal_id(reading: Reading, entity: str) -> str | int | None:
    """The id that a request gives for a record of this kind, as it gives it."""
    nouns = [(found.start(), kind) for kind in NOUNS for found in re.finditer(noun_pattern(kind), reading.plain)]
    for found in _SAID_ID.finditer(reading.text):
        if any(
            piece.start <= found.start() < piece.end for piece in reading.of_kind("date", "amount", "file", "phone")
        ):
            continue
        if not re.search(r"\bid\b", reading.plain[max(0, found.start() - 40) : found.end() + 40]):
            continue
        before = [(place, kind) for place, kind in nouns if place < found.start()]
        if before and max(before)[1] == entity and not re.search(r"\bown id\b|\b\w+_id\b", reading.plain):
            return int(found[0]) if found[0].isdigit() else found[0]
    return None


def by_name(reading: Reading, entity: str, tries: int = 6) -> Found:
    """Rows of this kind whose names stand in the request."""
    field = "last_name" if entity == "contact" else "name"
    seen: set[str] = set()
    for probe in _probes_for(reading, entity):
        if probe in seen or len(probe) < 2:
            continue
        if len(seen) >= tries:
            break
        seen.add(probe)
        rows = yield from search(entity, **{field: probe})
        hits = named(reading, rows)
        if hits:
            return hits
    return []


def _probes_for(reading: Reading, entity: str) -> Iterator[str]:
    if entity != "contact":
        yield from _probes(reading, entity)
        return
    for piece in reading.of_kind("name", "quoted"):
        words = re.split(r" (?:of|at|from|for) ", str(piece.value))[0].split()
        if 2 <= len(words) <= 4:
            yield words[-1]
            yield words[1]


def _probes(reading: Reading, entity: str) -> Iterator[str]:
    """Words to search for a record of this kind by, the likeliest first."""
    nouns = [found.end() for found in re.finditer(noun_pattern(entity), reading.plain)]
    pieces = reading.of_kind("quoted", "name")
    after = [piece for end in nouns for piece in pieces if 0 <= piece.start - end <= 40]
    told = dict.fromkeys(str(piece.value) for piece in (*after, *pieces))
    for text in told:
        words = [word for word in re.split(r"[\s,]+", text) if word and word.casefold() not in _SMALL]
        if words and len(text) <= 80:
            yield words[0].rstrip("'’s") if words[0].endswith(("'s", "’s")) else words[0]
