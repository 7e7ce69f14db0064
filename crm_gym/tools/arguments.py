"""Arguments models: made from the entities' columns, read in a hurry where they are plainly right."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from pydantic import AliasChoices, BaseModel, ConfigDict, create_model
from pydantic.fields import FieldInfo

from crm_gym.atom import Wire
from crm_gym.schema import Column, Table, find_marker

JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""


class Checked:
    """Checked arguments as attributes, as an instance of the arguments model has them; made by `Tool.check`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How to read arguments that are plainly right: what an arguments model says, as plain dicts.

    Attributes:
        checks: Argument to the check of its atom; nested objects have a plan of their own.
        defaults: Values of the arguments that need not be there; all others must.
    """

    checks: dict[str, Callable[[Any], Any]]
    defaults: dict[str, Any]

    def read(self, arguments: Mapping[str, JSON]) -> Checked | None:
        """The arguments in row form, as attributes; None if anything about them is not plain."""
        checks = self.checks
        values = self.defaults.copy()
        try:
            for name, value in arguments.items():
                values[name] = checks[name](value)
        except (LookupError, ValueError, AttributeError, TypeError):
            return None
        if len(values) < len(checks):  # a required one is missing
            return None
        checked = _blank(Checked)
        checked.__dict__ = values
        return checked


_blank = object.__new__


def plan_of(arguments: type[BaseModel]) -> Plan | None:
    """The plan of an arguments model; None if it holds more than atoms and an `updates` object of atoms."""
    checks: dict[str, Callable[[Any], Any]] = {}
    for name, info in arguments.model_fields.items():
        wire = find_marker(info, Wire)
        if wire is not None:
            checks[name] = wire.atom.check
        elif isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            inner = plan_of(info.annotation)
            if inner is None:
                return None
            checks[name] = functools.partial(_read_updates, inner)
        else:
            return None
    fields = arguments.model_fields
    return Plan(checks, {name: info.default for name, info in fields.items() if not info.is_required()})


def _read_updates(plan: Plan, updates: Any) -> dict[str, Any]:
    """Only the fields given; raises LookupError for what the model has to judge."""
    return {name: plan.checks[name](value) for name, value in updates.items()}


class Arguments(BaseModel):
    """Base of all arguments models: strict, nothing extra."""

    model_config = ConfigDict(strict=True, extra="forbid", defer_build=True)  # most calls never need it built
    immutable: ClassVar[frozenset[str]] = frozenset()  # fields of the entity that may not be among the updates
    other_id: ClassVar[str] = ""  # the second name under which a modify tool takes `id`


def model(name: str, /, **fields: tuple[Any, FieldInfo]) -> type[Arguments]:
    """An arguments model from (type, pydantic field) pairs."""
    return create_model(name, __base__=Arguments, **fields)  # type: ignore[call-overload,no-any-return]


def argument(column: Column, *, required: bool, default: Any = None) -> tuple[Any, FieldInfo]:
    """One argument that carries a column's value; optional ones may also be null."""
    if required:
        return column.wire, FieldInfo(description=column.description)
    return column.wire | None, FieldInfo(default=default, description=column.description)


def creating(table: Table) -> type[Arguments]:
    """The arguments that make a record: every column somebody may set."""
    fields = {c.name: argument(c, required=c.required, default=c.default) for c in table.columns if c.creatable}
    return model(f"New{table.name}", **fields)


def modifying(table: Table) -> type[Arguments]:
    """The arguments `{id, updates}` that change a record; `updates` holds at least one field."""
    fields = {}
    for column in table.columns:
        if column.mutable:
            kind = column.wire if column.required else column.wire | None
            fields[column.name] = (kind, FieldInfo(default=None, description=column.description))
    updates = model(f"{table.name}Updates", **fields)
    # The entity's own name for its id is taken too: a caller who has just read a record may well use it.
    what = f"id of the {table.name.lower()} to change; {table.key} is understood too"
    id_field = FieldInfo(description=what, validation_alias=AliasChoices("id", table.key))
    made = model(
        f"Modify{table.name}",
        id=(table.columns[0].wire, id_field),
        updates=(updates, FieldInfo(description="new values by field; null empties an optional one")),
    )
    made.other_id = table.key
    made.immutable = frozenset(column.name for column in table.columns if not column.mutable)
    return made


def plain_schema(arguments: type[BaseModel]) -> dict[str, JSON]:
    """JSON Schema of an arguments model: one object without references, labels or defaults."""
    schema = arguments.model_json_schema(by_alias=False)
    definitions = schema.pop("$defs", {})

    def tidy(node: Any, named: bool = False) -> Any:
        if isinstance(node, list):
            return [tidy(item) for item in node]
        if not isinstance(node, dict):
            return node
        if "$ref" in node:
            inner = definitions[node["$ref"].rpartition("/")[2]]
            node = {**inner, **{key: value for key, value in node.items() if key != "$ref"}}
        # a key "title" is pydantic's label, save among properties, where it is an argument's name
        out = {k: tidy(v, k == "properties") for k, v in node.items() if named or k not in ("title", "default")}
        choices = out.get("anyOf")
        if choices and not named and {"type": "null"} in choices:  # an optional value: said by `required` alone
            rest = [choice for choice in choices if choice != {"type": "null"}]
            out = {**(rest[0] if len(rest) == 1 else {"anyOf": rest}), **{k: v for k, v in out.items() if k != "anyOf"}}
        return out

    tidied: dict[str, JSON] = tidy(schema)
    tidied.pop("description", None)
    tidied.setdefault("properties", {})
    tidied.setdefault("required", [])
    return tidied
