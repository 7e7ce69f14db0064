"""Conditions a request puts on records that no search criterion can say: more than, before, still open, the highest."""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from crm_agents.heuristic.reading import Reading

JSON = Any
Row = dict[str, JSON]

_MORE = r"\b(?:over|above|more than|exceeding|exceeds|higher than|larger than|greater than|upwards of)\s*\Z"
_LESS = r"\b(?:under|below|less than|lower than|smaller than|fewer than)\s*\Z"
_AFTER = r"\b(?:after|later than|since)(?: the)?\s*\Z"
_BEFORE = r"\b(?:before|earlier than|prior to|until)(?: the)?\s*\Z"
_DATE = {"opportunity": "close_date", "client": "created_date", "quote": "valid_until", "contract": "end_date"}
_OPEN = r"\b(?:open|leaving out closed-won and closed-lost|neither closed-won nor closed-lost)\b"
_OVERDUE = r"\b(?:overdue|(?:has|have) (?:passed|gone by)|past their|in the past|before today|slipped)\b"
_CLOSED = ("Closed-Won", "Closed-Lost")


@dataclass(frozen=True)
class Condition:
    """A field that must meet a test; an empty one does not."""

    field: str
    test: Callable[[JSON], bool]

    def holds(self, row: Row) -> bool:
        """Whether the row meets it."""
        value = row.get(self.field)
        return value is not None and self.test(value)


@dataclass(frozen=True)
class Best:
    """The row with the most or the least of a field."""

    field: str
    most: bool

    def pick(self, rows: list[Row]) -> list[Row]:
        """That row."""
        held = [row for row in rows if row.get(self.field) is not None]
        if not held:
            return []
        return [(max if self.most else min)(held, key=lambda row: row[self.field])]


def conditions(reading: Reading, entity: str) -> list[Condition]:
    """All that a request says of the kind."""
    found = list(_compared(reading, entity))
    if entity == "opportunity" and reading.says(_OPEN):
        found.append(Condition("stage", lambda stage: stage not in _CLOSED))
    if entity == "opportunity" and reading.says(_OVERDUE):
        found.append(Condition("close_date", lambda day: day < reading.today))
    return found


def _compared(reading: Reading, entity: str) -> Iterator[Condition]:
    for piece in reading.of_kind("amount", "number", "percent", "date"):
        before = reading.plain[max(0, piece.start - 40) : piece.start]
        value: JSON = piece.value if isinstance(piece.value, str) else float(piece.value)
        if piece.kind == "date":
            field, more, less = _DATE.get(entity, ""), _AFTER, _BEFORE
        else:
            number = "value" if entity == "contract" else "amount"
            field, more, less = "probability" if piece.kind == "percent" else number, _MORE, _LESS
        if re.search(more, before):
            yield Condition(field, functools.partial(operator.lt, value))
        elif re.search(less, before):
            yield Condition(field, functools.partial(operator.gt, value))


def best_of(reading: Reading, entity: str) -> Best | None:
    """The superlative of a request."""
    money, day = ("value" if entity == "contract" else "amount"), _DATE.get(entity, "")
    if entity == "contract" and reading.says(
        r"\bfirst\b.*\bto end\b|\bends? (?:first|soonest|next)\b|\bruns? out (?:first|next)\b"
    ):
        return Best(day, False)
    if entity == "contract" and reading.says(r"\blast\b.*\bto end\b|\bends? last\b|\bruns? longest\b"):
        return Best(day, True)
    if reading.says(r"\b(?:earliest|oldest|soonest|nearest|first)\b[^.]{0,20}\b(?:date|close|end|start|valid\w*)\b"):
        return Best(day, False)
    if reading.says(
        r"\b(?:latest|most distant|last(?! day)|furthest)\b[^.]{0,20}\b(?:date|close|end|start|valid\w*)\b"
    ):
        return Best(day, True)
    if reading.says(r"\b(?:highest|largest|biggest|greatest|dearest|most expensive|top|worth most|worth the most)\b"):
        return Best("probability" if reading.says(r"\bhighest (?:win )?probability\b") else money, True)
    if reading.says(r"\b(?:lowest|smallest|least|cheapest|worth least|worth the least)\b"):
        return Best("probability" if reading.says(r"\blowest (?:win )?probability\b") else money, False)
    return None
