"""What plans are made of: generators that yield calls to the CRM and are sent what came of each."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple

JSON = Any
Row = dict[str, JSON]

_PAGE, _PAGES = 50, 4


class Call(NamedTuple):
    """A call to be made."""

    tool: str
    arguments: dict[str, JSON]


class Heard(NamedTuple):
    """What came of a call: the value, or the refusal; None if what was shown was cut."""

    ok: bool
    value: JSON

    def record(self) -> Row:
        """The value as a record; an empty one if it is none."""
        return self.value if self.ok and isinstance(self.value, dict) else {}

    def rows(self) -> list[Row]:
        """The records of a list, or of a page of a search; none if it is neither."""
        listed = self.record().get("rows") if isinstance(self.value, dict) else self.value
        return [row for row in listed if isinstance(row, dict)] if self.ok and isinstance(listed, list) else []


Plan = Generator[Call, Heard, None]
"""Yields calls, is sent what came of each; the last call ends the episode."""

Found = Generator[Call, Heard, list[Row]]
"""Yields calls, is sent what came of each, and returns rows."""


def search(entity: str, **criteria: JSON) -> Found:
    """All rows that meet the criteria, page after page."""
    rows: list[Row] = []
    for page in range(_PAGES):
        heard = yield Call(f"{entity}_search", {**criteria, "limit": _PAGE, "offset": page * _PAGE})
        rows += heard.rows()
        if len(rows) >= heard.record().get("total", 0):
            break
    return rows


def respond(value: JSON) -> Plan:
    """End with an answer."""
    yield Call("respond", {"answer": value})


def refused(heard: Heard) -> Plan:
    """Turn the request down with the code and the field of the CRM's own refusal, if it was one."""
    if not heard.ok and isinstance(heard.value, dict):
        said = {name: heard.value[name] for name in ("code", "field") if heard.value.get(name)}
        yield Call("decline", {**said, "reason": str(heard.value.get("message", ""))[:1000]})
