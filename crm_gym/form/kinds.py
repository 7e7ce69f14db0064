"""What one sort of argument takes, from the tools' schemas: arguments that take the same are of one kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from crm_gym.schema import TABLES
from crm_gym.tools import Tool

Check = Callable[[Any], Any]
Sorts = frozenset[str]


@dataclass(frozen=True)
class Kind:
    """What one sort of argument takes; arguments that take the same share one.

    Attributes:
        number: Its place in `Layout.kinds`, and its bit in the masks.
        sorts: Sorts of values it takes: number, date, text, name (of a field), id, enum, or any.
        tables: For ids: the tables whose records may be pointed at.
        members: For enums: the members.
        bounds: For whole numbers: the least and the greatest, which can be pointed at too.
        check: The schema's own word on a value; raises for what it refuses.
    """

    number: int
    sorts: Sorts
    tables: tuple[str, ...]
    members: tuple[Any, ...]
    bounds: tuple[int, ...]
    check: Check = field(repr=False)

    def takes(self, value: Any) -> bool:
        """Whether the schema takes the value."""
        try:
            self.check(value)
        except (ValueError, TypeError, AttributeError, LookupError):
            return False
        return not self.members or value in self.members


class Kinds:
    """Collects kinds: what takes the same is one."""

    def __init__(self) -> None:
        self.found: dict[str, Kind] = {}

    def number(self, tool: Tool, name: str, schema: dict[str, Any], check: Check, least: int = 1) -> int:
        """The place of the kind of an argument; items of lists that must have several are a kind of their own."""
        tables = tables_of(tool, name) if schema.get("format") == "uuid" else ()
        sorts = _sorts(schema, ending=tool.kind in ("end", "ask"))
        bounds = (schema["minimum"], schema["maximum"]) if schema.get("type") == "integer" else ()
        plain_schema = {key: value for key, value in schema.items() if key != "description"}
        same = json.dumps([plain_schema, tables, sorted(sorts), least])
        known = self.found.get(same)
        if known is None:
            members = tuple(schema.get("enum", ()))
            known = self.found[same] = Kind(len(self.found), sorts, tables, members, bounds, check)
        return known.number


def _sorts(schema: dict[str, Any], ending: bool) -> Sorts:
    if "enum" in schema:
        return frozenset(("enum",))
    kind, form = schema.get("type"), schema.get("format")
    if kind in ("integer", "number"):
        return frozenset(("number",))
    if form == "uuid":
        return frozenset(("id",))
    if form in ("date", "date-time"):
        return frozenset(("date",))
    if kind == "string":
        return frozenset(("text", "name") if ending else ("text",))
    return frozenset(("any",))


def tables_of(tool: Tool, name: str) -> tuple[str, ...]:
    """The tables whose ids an argument takes, by its name: the key of one, its plural, or what the tool modifies."""
    if name == "id":
        name = tool.arguments.other_id
    found = tuple(table for table, one in TABLES.items() if name in (one.key, f"{one.key}s"))
    return found or tuple(TABLES)
