"""Tools' schemas as strict ones, which providers enforce while the model writes."""

from __future__ import annotations

from typing import Any

JSON = dict[str, Any]

_KEPT = ("type", "enum", "description", "items", "properties", "anyOf")
_FORMATS = ("uuid", "date", "date-time", "email")


def strict(schema: JSON) -> JSON | None:
    """A schema in which every argument is required, optional ones may be null, and nothing else is allowed.

    Bounds and lengths go, as providers do not enforce them. None if that cannot be, and the tool stays as it is: if
    there is a value of any kind whatever in the schema, or an object with optional parts among the arguments (new
    values by field, where null empties a field and so cannot stand for one that is left out).
    """
    if any(_is_change(part) for part in schema.get("properties", {}).values()):
        return None
    try:
        return _strict(schema)
    except KeyError:
        return None


def _is_change(schema: JSON) -> bool:
    return schema.get("type") == "object" and set(schema.get("properties", ())) > set(schema.get("required", ()))


def _strict(schema: JSON) -> JSON:
    made = {name: schema[name] for name in _KEPT if name in schema}
    if "anyOf" in made:
        made["anyOf"] = [_strict(one) for one in made["anyOf"]]
        return made
    kind = schema["type"]
    if schema.get("format") in _FORMATS:
        made["format"] = schema["format"]
    if kind == "array":
        made["items"] = _strict(schema["items"])
    if kind == "object":
        needed = schema.get("required", [])
        parts = schema["properties"].items()
        made["properties"] = {name: _strict(one) if name in needed else _nullable(_strict(one)) for name, one in parts}
        made["required"] = list(schema["properties"])
        made["additionalProperties"] = False
    return made


def _nullable(schema: JSON) -> JSON:
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], {"type": "null"}]}
    made = schema | {"type": [schema["type"], "null"]}
    return made | {"enum": [*schema["enum"], None]} if "enum" in schema else made


def without_nulls(schema: JSON, value: Any) -> Any:
    """Arguments written under `strict(schema)` as they are meant: what is null and optional was left out.

    Where there is no strict schema, they are what they are.
    """
    if not isinstance(value, dict) or strict(schema) is None:
        return value
    needed = schema.get("required", [])
    return {name: part for name, part in value.items() if part is not None or name in needed}
