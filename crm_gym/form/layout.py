"""The form door's plan: from the tools' schemas to forms, slots, kinds of values and numbers of actions.

Everything here follows from `TOOLS` and `TABLES`; a new tool, argument or field needs no line of it.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from crm_gym.atom import Wire
from crm_gym.form.kinds import Check, Kind, Kinds, tables_of
from crm_gym.schema import TABLES, find_marker
from crm_gym.tasks.sandbox_world import sandbox_world
from crm_gym.tools import TOOLS, Tool, ToolCall, call
from crm_gym.tools.base import plain

MAX_VALUES, MAX_ROWS = 64, 48
"""How many values of the request, and how many objects of results, can be pointed at."""

MAX_PICKS = 32
"""How many items a list may be given."""


@dataclass(frozen=True)
class Slot:
    """One line of a form: an argument, or a field of its `updates`.

    Attributes:
        name: The argument's name, or the field's.
        nested: The argument that holds it, "updates"; "" if it is one itself.
        required: Whether the form cannot do without it.
        kind: What it takes, as a place in `Layout.kinds`.
        many: Whether it takes several items.
        least: Of a list, the fewest items; they must differ.
        nullable: Whether it can be emptied.
    """

    name: str
    nested: str
    required: bool
    kind: int
    many: bool
    least: int
    nullable: bool


@dataclass(frozen=True)
class Form:
    """The form of one tool.

    Attributes:
        tool: Its name.
        slots: Its lines, in the schema's order.
        group: Places of the slots of which at least one must be filled; empty if there is no such rule.
    """

    tool: str
    slots: tuple[Slot, ...]
    group: tuple[int, ...]


@dataclass(frozen=True)
class Layout:
    """Forms, and the numbers of the actions.

    Attributes:
        forms: One for each tool, in their order.
        kinds: What arguments take, at most 62.
        literal_values: What can be pointed at without being said or found: enum members and bounds.
        field_names: Names of columns, arguments and keys of results.
        tools: Actions that choose a tool. The same for literals, fields, values and rows.
        go: Goes on to the next line.
        submit: Makes the call.
        back: Takes the last step back.
        empty: Empties a field.
        size: Number of actions.
        lines: Most lines a form has.
    """

    forms: tuple[Form, ...]
    kinds: tuple[Kind, ...]
    literal_values: tuple[Any, ...]
    field_names: tuple[str, ...]
    tools: range
    go: int
    submit: int
    back: int
    empty: int
    literals: range
    fields: range
    values: range
    rows: range
    size: int
    lines: int

    def meaning(self, action: int) -> str:
        """An action in words, such as "tool create_quote" or "row 3"."""
        fixed = {self.go: "go on", self.submit: "submit", self.back: "back", self.empty: "empty"}
        if action in fixed:
            return fixed[action]
        for what, where, names in (
            ("tool", self.tools, [form.tool for form in self.forms]),
            ("literal", self.literals, self.literal_values),
            ("field", self.fields, self.field_names),
            ("value", self.values, range(MAX_VALUES)),
            ("row", self.rows, range(MAX_ROWS)),
        ):
            if action in where:
                return f"{what} {names[action - where.start]}"
        raise IndexError(f"actions go from 0 to {self.size - 1}; got {action}")


def _wire(annotation: Any) -> Check | None:
    """The check of the items of a list."""
    for inner in get_args(annotation):
        for marker in getattr(inner, "__metadata__", ()):
            if isinstance(marker, Wire):
                return marker.atom.check
    return None


def _anything(value: Any) -> Any:
    if value is None:
        raise ValueError("nothing is no value")
    return value


def _slots(tool: Tool, kinds: Kinds) -> Iterator[Slot]:
    properties = tool.schema["properties"]
    for name, schema in properties.items():
        info = tool.arguments.model_fields[name]
        if schema.get("type") == "object":
            yield from _inner(tool, name, schema, info.annotation, kinds)
            continue
        many = schema.get("type") == "array"
        marker = find_marker(info, Wire)
        check = marker.atom.check if marker is not None else (_wire(info.annotation) if many else _anything)
        inner = schema["items"] if many else schema
        least = schema.get("minItems", 1)
        kind = kinds.number(tool, name, inner, check or _anything, least)
        yield Slot(
            name=name,
            nested="",
            required=name in tool.schema["required"],
            kind=kind,
            many=many or "type" not in schema,  # an answer of any type may be a list
            least=least,
            nullable=False,
        )


def _inner(tool: Tool, nested: str, schema: dict[str, Any], model: Any, kinds: Kinds) -> Iterator[Slot]:
    for name, inner in schema["properties"].items():
        info = model.model_fields[name]
        kind = kinds.number(tool, name, inner, find_marker(info, Wire).atom.check)
        yield Slot(name, nested, False, kind, False, 1, _takes_null(info.annotation))


def _takes_null(annotation: Any) -> bool:
    return type(None) in get_args(annotation)


def _form(tool: Tool, kinds: Kinds) -> Form:
    slots = tuple(_slots(tool, kinds))
    return Form(tool.name, slots, tuple(place for place, slot in enumerate(slots) if slot.nested))


def _literals(kinds: tuple[Kind, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(value for kind in kinds for value in (*kind.members, *kind.bounds)))


def _keys(value: Any) -> Iterator[str]:
    """Keys of the objects in a result; the keys of groups, which are values themselves, are left out."""
    if isinstance(value, dict):
        groups = bool(value) and all(isinstance(one, dict) for one in value.values())
        for key, inner in value.items():
            if not groups:
                yield key
            yield from _keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _keys(inner)


def _result_keys() -> Iterator[str]:
    """Keys of the results of all reading tools, from calls on a small world of our own."""
    crm = sandbox_world().crm.fork()
    ids = {table: [row[0] for row in crm.find(table)] for table in TABLES}
    for tool in TOOLS.values():
        if tool.kind == "read":
            arguments: dict[str, Any] = {}
            for name in tool.schema["required"]:
                several = ids[tables_of(tool, name)[0]]
                arguments[name] = several[:2] if tool.schema["properties"][name]["type"] == "array" else several[0]
            yield from _keys(plain(call(crm, ToolCall(tool.name, arguments)).raw))


def _field_names(forms: tuple[Form, ...]) -> tuple[str, ...]:
    names = [column.name for table in TABLES.values() for column in table.columns]
    names += [slot.nested or slot.name for form in forms for slot in form.slots]
    names += [slot.name for form in forms for slot in form.slots]
    return tuple(dict.fromkeys((*names, *_result_keys())))


@functools.cache
def layout() -> Layout:
    """The layout that follows from the tools."""
    kinds = Kinds()
    forms = tuple(_form(tool, kinds) for tool in TOOLS.values())
    found = tuple(kinds.found.values())
    if len(found) > 62:
        raise TypeError(f"the masks have 62 bits; the tools' arguments are of {len(found)} kinds")
    literals, names = _literals(found), _field_names(forms)
    places, start = [], len(forms) + 4
    for size in (len(literals), len(names), MAX_VALUES, MAX_ROWS):
        places.append(range(start, start + size))
        start += size
    first = len(forms)
    return Layout(
        forms=forms,
        kinds=found,
        literal_values=literals,
        field_names=names,
        tools=range(first),
        go=first,
        submit=first + 1,
        back=first + 2,
        empty=first + 3,
        literals=places[0],
        fields=places[1],
        values=places[2],
        rows=places[3],
        size=start,
        lines=max(len(form.slots) for form in forms),
    )
