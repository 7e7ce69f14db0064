"""What a tool is: a name, a docstring, an arguments model, a function; and how one is called."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import AliasChoices, BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from crm_gym.atoms import Wire, short
from crm_gym.crm import Crm
from crm_gym.errors import CODES, ToolError, near_miss
from crm_gym.schema import TABLE_OF, Column, Table, find_marker, number_json, row_json, row_text
from crm_gym.strict_json import encode

Kind = Literal["read", "write", "end"]
JSON = Any
"""A JSON value: None, bool, int, float, str, list or dict with str keys."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One action: a tool's name and its arguments, JSON values by name."""

    tool: str
    arguments: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(slots=True)
class ToolResult:
    """What came of a call: a JSON value, or a refusal.

    Attributes:
        call: The call, None if it could not be read.
        raw: The result as the tool gave it, rows and all; None if refused.
        error: The refusal; None if it worked.
    """

    call: ToolCall | None
    raw: Any = None
    error: ToolError | None = None

    @property
    def ok(self) -> bool:
        """Whether the call worked."""
        return self.error is None

    @property
    def value(self) -> JSON:
        """The result as a JSON value; None if refused."""
        return plain(self.raw)

    def text(self) -> str:
        """The result, or the refusal, as compact ASCII JSON text."""
        if self.error is not None:
            return encode(self.error.as_json())
        return row_text(self.raw) if type(self.raw) in TABLE_OF else encode(plain(self.raw))


class Checked:
    """Checked arguments as attributes, as an instance of the arguments model has them."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.__dict__ = values


class Plan(NamedTuple):
    """How to read arguments that are plainly right: what an arguments model says, as plain dicts.

    Attributes:
        checks: Argument to the check of its atom; nested objects have a plan of their own.
        required: Names that must be there.
        defaults: Values of those that need not.
    """

    checks: dict[str, Callable[[Any], Any]]
    required: frozenset[str]
    defaults: dict[str, Any]

    def read(self, arguments: Mapping[str, JSON]) -> dict[str, Any] | None:
        """The arguments in row form; None if anything about them is not plain."""
        values = self.defaults.copy()
        checks = self.checks
        try:
            for name, value in arguments.items():
                values[name] = checks[name](value)
        except (LookupError, ValueError, AttributeError, TypeError):
            return None
        return values if self.required <= arguments.keys() else None


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
    required = frozenset(name for name, info in fields.items() if info.is_required())
    return Plan(checks, required, {name: info.default for name, info in fields.items() if name not in required})


def _read_updates(plan: Plan, updates: Any) -> dict[str, Any]:
    """Only the fields given; raises LookupError for what the model has to judge."""
    return {name: plan.checks[name](value) for name, value in updates.items()}


class Arguments(BaseModel):
    """Base of all arguments models: strict, nothing extra."""

    model_config = ConfigDict(strict=True, extra="forbid")
    immutable: ClassVar[frozenset[str]] = frozenset()  # fields of the entity that may not be among the updates


@dataclass(frozen=True)
class Tool:
    """One verb of the CRM.

    Attributes:
        name: Its name, unique.
        intent: The group it belongs to (opportunity, client, ..., ending).
        kind: Whether it reads, writes, or ends the episode.
        requests: How often it was asked for among 15,181 requests of a CRM team.
        arguments: The pydantic model of its arguments.
        run: Does the work; gets the CRM and checked arguments; returns rows or JSON values.
        description: What it does, for the model that reads it.
    """

    name: str
    intent: str
    kind: Kind
    requests: int
    arguments: type[Arguments]
    run: Callable[[Crm, Any], Any] = field(repr=False)
    description: str = field(repr=False)

    @functools.cached_property
    def schema(self) -> dict[str, JSON]:
        """JSON Schema of the arguments: one flat object, no references; do not change it."""
        return _plain_schema(self.arguments)

    def check(self, arguments: Mapping[str, JSON]) -> Any:
        """The arguments, checked, in row form, as attributes.

        Calls that are plainly right take a short cut around pydantic; the model has the last word on all others.

        Raises:
            ToolError: For the first fault in the published order.
        """
        plan = self._plan
        if plan is not None:
            values = plan.read(arguments)
            if values is not None:
                return Checked(values)
        try:
            return self.arguments.model_validate(arguments)
        except ValidationError as fault:
            raise _refusal(self, arguments, fault) from None

    @functools.cached_property
    def _plan(self) -> Plan | None:
        return plan_of(self.arguments)


def tool(
    intent: str, kind: Kind, requests: int, arguments: type[Arguments]
) -> Callable[[Callable[[Crm, Any], Any]], Tool]:
    """Make a Tool of a function; its name and docstring become the tool's."""

    def make(run: Callable[[Crm, Any], Any]) -> Tool:
        description = " ".join((run.__doc__ or "").split())
        return Tool(run.__name__, intent, kind, requests, arguments, run, description)

    return make


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
    id_field = FieldInfo(
        description=f"id of the {table.name.lower()} to change", validation_alias=AliasChoices("id", table.key)
    )
    made = model(
        f"Modify{table.name}",
        id=(table.columns[0].wire, id_field),
        updates=(updates, FieldInfo(description="new values by field; null empties an optional one")),
    )
    made.immutable = frozenset(column.name for column in table.columns if not column.mutable)
    return made


def unknown_tool(name: object, tools: Mapping[str, Tool]) -> ToolError:
    """The refusal for a name that is no tool."""
    return ToolError(
        "unknown_tool", "tool", f"tool must be one of the CRM's tools; got {short(name)}: " + near_miss(name, tools)
    )


def plain(value: Any) -> JSON:
    """Rows and what holds them as JSON values."""
    if type(value) in TABLE_OF:
        return row_json(value)
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return number_json(value) if type(value).__name__ == "Decimal" else value


# From pydantic's errors to one refusal

_OURS = frozenset(CODES)
_KINDS = {
    "string": "a text",
    "array": "a list",
    "object": "an object",
    "number": "a number",
    "integer": "a whole number",
}
_STAGE = {"unknown_field": 0, "immutable_field": 0, "missing_field": 1}


def _refusal(tool: Tool, arguments: object, fault: ValidationError) -> ToolError:
    found = [_translate(tool, error) for error in fault.errors(include_url=False, include_context=False)]
    return min(found, key=lambda error: _STAGE.get(error.code, 2))  # the first of the earliest stage


def _translate(tool: Tool, error: Any) -> ToolError:
    kind, where = error["type"], error["loc"]
    names = [part for part in where if isinstance(part, str)]
    name = names[-1] if names else ""
    if kind == "extra_forbidden":
        return _extra(tool, names)
    if kind == "missing":
        return ToolError("missing_field", name, f"{name} is required and missing; it must be {_form(tool, names)}.")
    if kind in _OURS:
        item = any(isinstance(part, int) for part in where)
        return ToolError(kind, name, f"{'each of ' if item else ''}{name} {error['msg']}")
    if kind == "string_unicode":  # pydantic could not even read a key
        return ToolError("unknown_field", "arguments", "arguments must not have names with lone surrogates.")
    if not names:
        return ToolError("wrong_type", "arguments", f"arguments must be an object; got {short(error['input'])}.")
    return ToolError("wrong_type", name, f"{name} must be {_form(tool, names)}; got {short(error['input'])}.")


def _properties(tool: Tool, names: list[str]) -> dict[str, Any]:
    schema = tool.schema
    for name in names[:-1]:
        schema = schema["properties"].get(name, schema)
    return schema.get("properties", {})  # type: ignore[no-any-return]


def _form(tool: Tool, names: list[str]) -> str:
    known = _properties(tool, names).get(names[-1], {})
    words = _KINDS.get(known.get("type", ""), "a JSON value")
    return f"{words}, {known['description']}" if known.get("description") else words


def _extra(tool: Tool, names: list[str]) -> ToolError:
    name = names[-1]
    if len(names) > 1 and name in tool.arguments.immutable:
        return ToolError("immutable_field", name, f"{name} cannot be changed; leave it out of updates.")
    known = _properties(tool, names)
    return ToolError("unknown_field", name, f"{short(name)} is no argument of {tool.name}; " + near_miss(name, known))


def _plain_schema(arguments: type[BaseModel]) -> dict[str, JSON]:
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
