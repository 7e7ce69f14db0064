"""Schema-valid arguments: drawn from a tool's JSON Schema, with values that were seen or made up."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType
from typing import Any
from uuid import UUID

Schema = Mapping[str, Any]

OPTIONAL_SHARE = 0.2
"""How often an optional argument is given: few criteria at once, or a search finds nothing."""

_FORMATS = {"uuid": "id", "email": "email", "uri": "url", "date": "date", "date-time": "time"}
_WORDS = ("amber", "birch", "cobalt", "delta", "ember", "fjord", "garnet", "harbor", "indigo", "juniper", "kelp")
_FIRST_DAY, _LAST_DAY = date(2020, 1, 1).toordinal(), date(2030, 12, 31).toordinal()


@dataclass(frozen=True)
class Seen:
    """Values to copy.

    Attributes:
        values: Candidates by kind: id, email, url, date, time, file, text, number.
        said: Text in which the members of an enum are looked for.
    """

    values: Mapping[str, Sequence[Any]] = field(default_factory=lambda: MappingProxyType({}))
    said: str = ""


def kind_of(name: str, schema: Schema) -> str:
    """The kind of value an argument takes: enum, id, file, array, object, any, ..."""
    if "enum" in schema:
        return "enum"
    if name == "file_name":  # its form is not in the schema
        return "file"
    plain = {"string": "text", "integer": "number"}
    kind = str(schema.get("type", "any"))
    return _FORMATS.get(schema.get("format", ""), plain.get(kind, kind))


def fits(schema: Schema, value: Any) -> bool:
    """Whether a value of the right kind keeps the schema's bounds."""
    if isinstance(value, str):
        return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))
    if schema.get("type") == "integer" and not isinstance(value, int):
        return False
    low, above = schema.get("minimum", value), schema.get("exclusiveMinimum")
    return bool(low <= value <= schema.get("maximum", value) and (above is None or value > above))


class Sampler:
    """Draws the arguments of tool calls.

    Args:
        rng: The only source of chance.
        seen: Values to copy.
        copied: How often a value is copied where one fits; otherwise it is made up.
    """

    def __init__(self, rng: random.Random, seen: Seen, copied: float) -> None:
        self.rng, self.seen, self.copied = rng, seen, copied

    def arguments(self, schema: Schema) -> dict[str, Any]:
        """Arguments for a tool, or the fields of one object among them."""
        required = schema.get("required", ())
        return {
            name: self.value(name, part)
            for name, part in schema.get("properties", {}).items()
            if name in required or self.rng.random() < OPTIONAL_SHARE
        }

    def value(self, name: str, schema: Schema) -> Any:
        """A value for the argument of that name."""
        kind = kind_of(name, schema)
        if kind == "object":
            return self.arguments(schema)
        if kind == "array":
            return [self.value(name, schema["items"]) for _ in range(self.rng.randint(1, 3))]
        if kind == "any":
            return self._anything()
        found = self._found(kind, schema)
        if found and self.rng.random() < self.copied:
            return self.rng.choice(found)
        return self._invented(kind, schema)

    def _found(self, kind: str, schema: Schema) -> list[Any]:
        if kind == "enum":
            return [word for word in schema["enum"] if _says(self.seen.said, word)]
        return [value for value in self.seen.values.get(kind, ()) if fits(schema, value)]

    def _anything(self) -> Any:
        """An answer: one value of some kind, a few of them, or one by another."""
        kind = self.rng.choice(("id", "text", "number", "date"))
        some = [self.value(kind, _OPEN[kind]) for _ in range(self.rng.randint(1, 3))]
        form = self.rng.choice(("one", "one", "several", "mapping"))
        if form == "mapping":
            return {self.value("key", _OPEN["text"]): item for item in some}
        return some[0] if form == "one" else some

    def _invented(self, kind: str, schema: Schema) -> Any:
        return self.rng.choice(schema["enum"]) if kind == "enum" else _INVENT[kind](self, schema)

    def _id(self, schema: Schema) -> str:
        return str(UUID(int=self.rng.getrandbits(128), version=4))

    def _day(self, schema: Schema) -> str:
        return date.fromordinal(self.rng.randint(_FIRST_DAY, _LAST_DAY)).isoformat()

    def _time(self, schema: Schema) -> str:
        return f"{self._day(schema)}T{self.rng.randrange(24):02d}:{self.rng.randrange(60):02d}:00Z"

    def _word(self, schema: Schema) -> str:
        return self.rng.choice(_WORDS)

    def _text(self, schema: Schema) -> str:
        return " ".join(self.rng.sample(_WORDS, self.rng.randint(1, 3)))

    def _email(self, schema: Schema) -> str:
        return f"{self._word(schema)}@{self._word(schema)}.example"

    def _url(self, schema: Schema) -> str:
        return f"https://{self._word(schema)}.example/{self._word(schema)}"

    def _file(self, schema: Schema) -> str:
        return f"{self._word(schema)}.{self.rng.choice(('pdf', 'docx', 'xlsx', 'txt'))}"

    def _number(self, schema: Schema) -> float:
        high: int = schema.get("maximum", 10_000_000)
        if schema.get("type") == "integer":
            return self.rng.randint(schema.get("minimum", 0), high)
        return min(round(10 ** self.rng.uniform(0, 7), 2), high)  # amounts of every size alike


_OPEN: dict[str, Schema] = {
    "id": {"type": "string", "format": "uuid"},
    "text": {"type": "string"},
    "number": {"type": "number"},
    "date": {"type": "string", "format": "date"},
}

_INVENT: dict[str, Callable[[Sampler, Schema], Any]] = {
    "id": Sampler._id,
    "date": Sampler._day,
    "time": Sampler._time,
    "email": Sampler._email,
    "url": Sampler._url,
    "file": Sampler._file,
    "text": Sampler._text,
    "number": Sampler._number,
}


def _says(text: str, word: str) -> bool:
    """Whether the word stands in the text by itself, in any case."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", text, re.IGNORECASE) is not None
