"""From pydantic's errors to one refusal of the CRM."""

from __future__ import annotations

from typing import Any, NamedTuple

from pydantic import ValidationError

from crm_gym.atom import short
from crm_gym.errors import CODES, ToolError, near_miss

_OURS = frozenset(CODES)
_KINDS = {
    "string": "a text",
    "array": "a list",
    "object": "an object",
    "number": "a number",
    "integer": "a whole number",
}
_STAGE = {"unknown_field": 0, "immutable_field": 0, "missing_field": 1}


class Asked(NamedTuple):
    """Whose arguments are refused.

    Attributes:
        tool: The tool's name.
        schema: JSON Schema of its arguments.
        immutable: Fields that may not be among its updates.
        other_id: The second name under which a modify tool takes `id`, else "".
    """

    tool: str
    schema: dict[str, Any]
    immutable: frozenset[str]
    other_id: str


def refusal(asked: Asked, fault: ValidationError) -> ToolError:
    """The first of pydantic's errors, in the published order, as the CRM's refusal."""
    found = [_translate(asked, error) for error in fault.errors(include_url=False, include_context=False)]
    return min(found, key=lambda error: _STAGE.get(error.code, 2))  # the first of the earliest stage


def _translate(asked: Asked, error: Any) -> ToolError:
    kind, where = error["type"], error["loc"]
    names = [part for part in where if isinstance(part, str)]
    name = names[-1] if names else ""
    if name == asked.other_id and len(names) == 1:
        name = "id"
    if kind == "extra_forbidden":
        return _extra(asked, names)
    if kind == "missing":
        return ToolError("missing_field", name, f"{name} is required and missing; it must be {_form(asked, names)}.")
    if kind in _OURS:
        item = any(isinstance(part, int) for part in where)
        return ToolError(kind, name, f"{'each of ' if item else ''}{name} {error['msg']}")
    if kind == "string_unicode":  # pydantic could not even read a key
        return ToolError("unknown_field", "arguments", "arguments must not have names with lone surrogates.")
    if not names:
        return ToolError("wrong_type", "arguments", f"arguments must be an object; got {short(error['input'])}.")
    return ToolError("wrong_type", name, f"{name} must be {_form(asked, names)}; got {short(error['input'])}.")


def _properties(asked: Asked, names: list[str]) -> dict[str, Any]:
    schema = asked.schema
    for name in names[:-1]:
        schema = schema["properties"].get(name, schema)
    return schema.get("properties", {})  # type: ignore[no-any-return]


def _form(asked: Asked, names: list[str]) -> str:
    known = _properties(asked, names).get(names[-1], {})
    words = _KINDS.get(known.get("type", ""), "a JSON value")
    return f"{words}, {known['description']}" if known.get("description") else words


def _extra(asked: Asked, names: list[str]) -> ToolError:
    name = names[-1]
    if len(names) > 1 and name in asked.immutable:
        return ToolError("immutable_field", name, f"{name} cannot be changed; leave it out of updates.")
    known = _properties(asked, names)
    return ToolError("unknown_field", name, f"{short(name)} is no argument of {asked.tool}; " + near_miss(name, known))
