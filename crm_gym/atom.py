"""One kind of value: its form, its bounds, its refusals.

An atom knows a value in three shapes:

- *wire*: what a tool call carries (a JSON value). `check` turns it into
- *row*: what the CRM keeps (text, int, exact Decimal, tuple of texts), and `to_python` into
- *python*: what an entity shows (`date`, `datetime`, enum member).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema


def refuse(code: str, tail: str) -> PydanticCustomError:
    """An error for pydantic to collect; the tail follows the field's name in the sentence."""
    return PydanticCustomError(code, "{tail}", {"tail": tail})


def short(value: object) -> str:
    """A value for an error sentence: its repr, cut to 60 characters."""
    try:
        text = repr(value)
    except Exception:  # a whole number of too many digits, also inside a list, or a foreign object's own fault
        return f"a value of type {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Atom:
    """One kind of value.

    Attributes:
        kind: Name of the kind (text, money, date, ...), for schema, SQL and reference tables.
        check: Wire value to row value; raises what `refuse` makes.
        schema: JSON Schema of the wire value.
        to_python: Row value to the value an entity shows.
        from_python: The value an entity was given to a wire value.
        limit: Longest text in characters, 0 where it does not apply.
        to_json: The value an entity shows to the JSON value that makes it again.
    """

    kind: str
    check: Callable[[Any], Any]
    schema: Mapping[str, Any] = field(hash=False)
    to_python: Callable[[Any], Any] = _same
    from_python: Callable[[Any], Any] = _same
    limit: int = 0
    to_json: Callable[[Any], Any] = _same

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        def validate(value: Any) -> Any:
            return self.to_python(self.check(self.from_python(value)))

        return core_schema.no_info_plain_validator_function(
            validate, serialization=core_schema.plain_serializer_function_ser_schema(self.to_json, when_used="json")
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.schema)


@dataclass(frozen=True)
class Wire:
    """The same atom for tool arguments: JSON value in, row value out."""

    atom: Atom

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(self.atom.check)

    def __get_pydantic_json_schema__(self, schema: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return dict(self.atom.schema)
