"""What an agent knows of a task on the way: the request, what the user has told, and what its calls have shown."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from crm_gym import extract

_CLEARING = re.compile(r"\b(null|empty|clear|blank|remove)", re.IGNORECASE)


@dataclass
class Known:
    """What an agent knows: the request, and what its calls have shown so far."""

    request: str
    texts: set[str] = field(default_factory=set)
    numbers: set[Decimal] = field(default_factory=set)
    pairs: set[tuple[str, Decimal]] = field(default_factory=set)  # a group's name and a number shown with it

    def learn(self, value: Any) -> None:
        """Take in a result, with everything inside it."""
        if isinstance(value, Mapping):
            words = [item for item in value.values() if isinstance(item, str)]
            self.pairs |= {(word, number) for word in words for number in _own_numbers(value)}
            for name, item in value.items():
                self.texts.add(str(name))
                self.pairs |= {(str(name), number) for number in _own_numbers(item)}
                self.learn(item)
        elif isinstance(value, list | tuple):
            for item in value:
                self.learn(item)
        elif isinstance(value, str):
            self.texts.add(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers.add(Decimal(str(value)))

    def shown(self, value: Any) -> bool:
        """Whether a result held exactly that value."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Decimal(str(value)) in self.numbers
        return value in self.texts


@functools.lru_cache(maxsize=1024)
def numbers(text: str) -> frozenset[Decimal]:
    """Every number the text says, in whatever notation."""
    return extract.numbers(text)


@functools.lru_cache(maxsize=1024)
def dates(text: str) -> frozenset[str]:
    """Every day the text says, YYYY-MM-DD."""
    return extract.dates(text)


def _own_numbers(value: Any) -> set[Decimal]:
    """The numbers of a group: the value itself, or those directly inside it."""
    items = value.values() if isinstance(value, Mapping) else [value]
    return {Decimal(str(item)) for item in items if isinstance(item, int | float) and not isinstance(item, bool)}


def said(request: str, value: Any, *, any_case: bool = False) -> bool:
    """Whether a request says a value: texts literally, numbers and dates in the ways people write them."""
    if value is None:
        return _CLEARING.search(request) is not None
    if isinstance(value, bool):
        return re.search(rf"\b{value}\b", request, re.IGNORECASE) is not None
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)) in numbers(request)
    if not value.strip():
        return f'"{value}"' in request or f"'{value}'" in request
    if _is_day(value) and value in dates(request):
        return True
    return _stands(request.casefold(), value.casefold()) if any_case else _stands(request, value)


def _stands(text: str, part: str) -> bool:
    """Whether the part stands in the text, not as a piece of a longer word."""
    before = r"(?<!\w)" if part[0].isalnum() else ""
    after = r"(?!\w)" if part[-1].isalnum() else ""
    return re.search(before + re.escape(part) + after, text) is not None


def _is_day(value: str) -> bool:
    try:
        return len(value) == 10 and bool(date.fromisoformat(value))
    except ValueError:
        return False
