"""Strict JSON with limits that hold before and while parsing; the door for whatever an agent sends."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii
from typing import Any

import numpy as np
from pydantic_core import from_json

MAX_CHARS = 65_536
MAX_DEPTH = 32
MAX_DIGITS = 18


class NotStrict(ValueError):
    """The text or value is no JSON within the limits; says why."""


def parse(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        NotStrict: If it is no JSON, longer than 64 KiB, deeper than 32, or holds NaN, an infinity, a whole
            number of more than 18 digits, or a name twice in one object.
    """
    if len(text) > MAX_CHARS or _bytes(text) > MAX_CHARS:
        raise NotStrict(f"at most {MAX_CHARS:,} bytes are read; got {len(text):,} characters")
    made = parse_flat(text)
    if made is not None:
        return made
    if text.count("{") + text.count("[") > MAX_DEPTH and _depth(text) > MAX_DEPTH:
        raise NotStrict(f"at most {MAX_DEPTH} levels of nesting are read")
    try:
        return _DECODE(text)
    except json.JSONDecodeError as fault:
        raise NotStrict(f"{fault.msg} at character {fault.pos + 1}") from None


def parse_flat(text: str) -> dict[str, Any] | None:
    """The object in the text, if it is flat and plain to see that every limit of `parse` holds; else None.

    Costs a third of `_DECODE`. As many colons as names: no name stands twice. What is not plain goes there.
    """
    if len(text) > MAX_CHARS or not text.isascii():
        return None
    try:
        made = from_json(text)  # NaN and infinities come through and are found not to be small
    except ValueError:
        return None
    if type(made) is not dict or text.count(":") != len(made):
        return None
    for value in made.values():
        if type(value) is not str and not _is_small(value):
            return None  # an object or a list is not small either
    return made


def _is_small(value: Any) -> bool:
    kind = type(value)
    return value is None or kind is bool or ((kind is int or kind is float) and -_LARGEST < value < _LARGEST)


def _depth(text: str) -> int:
    """The deepest nesting of brackets outside texts."""
    depth = deepest = 0
    quoted = escaped = False
    for char in text:
        if escaped:
            escaped = False
        elif quoted:
            escaped = char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif char in "]}":
            depth -= 1
    return deepest


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise NotStrict(f"the name {twice!r} stands twice in one object")
    return made


def _whole(text: str) -> int:
    if len(text) > MAX_DIGITS + 1 or len(text.lstrip("-")) > MAX_DIGITS:
        raise NotStrict(f"whole numbers have at most {MAX_DIGITS} digits; got {len(text)} characters")
    return int(text)


def _float(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise NotStrict(f"numbers must be finite; {text[:20]} is not")
    return number


def _constant(text: str) -> Any:
    raise NotStrict(f"{text} is no JSON")


_LARGEST = 10**MAX_DIGITS
_DECODE = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_whole, parse_float=_float, parse_constant=_constant
).decode


def normal(value: Any) -> Any:
    """A Python value as plain JSON types under the same limits as `parse`: what a text of it would give.

    Raises:
        NotStrict: If it holds anything JSON cannot say, or breaks a limit.
    """
    budget = [MAX_CHARS]
    return _normal(value, 0, budget)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _spend(budget: list[int], size: int) -> None:
    budget[0] -= size
    if budget[0] < 0:
        raise NotStrict(f"at most {MAX_CHARS:,} bytes are read")


def _normal(value: Any, depth: int, budget: list[int]) -> Any:
    kind = type(value)
    if kind is str:
        _spend(budget, _bytes(value) + 2)
        return value
    if value is None or kind is bool:
        _spend(budget, 4)
        return value
    if kind is int:
        if abs(value) >= 10**MAX_DIGITS:
            raise NotStrict(f"whole numbers have at most {MAX_DIGITS} digits")
        _spend(budget, len(str(value)))
        return value
    if kind is float:
        if not math.isfinite(value):
            raise NotStrict(f"{value} is no JSON")
        _spend(budget, len(repr(value)))
        return value
    if isinstance(value, Mapping) or kind in (list, tuple):
        if depth >= MAX_DEPTH:
            raise NotStrict(f"at most {MAX_DEPTH} levels of nesting are read")
        _spend(budget, 2 + len(value))  # brackets and commas
        if kind in (list, tuple):
            return [_normal(item, depth + 1, budget) for item in value]
        return {_name(key, budget): _normal(item, depth + 1, budget) for key, item in value.items()}
    if isinstance(value, str):  # a StrEnum member, numpy.str_
        return _normal(str.__str__(value), depth, budget)
    if isinstance(value, np.generic | np.ndarray) and value.shape == ():
        return _normal(value.item(), depth, budget)
    raise NotStrict(f"{kind.__name__} is no JSON value")


def _name(key: Any, budget: list[int]) -> str:
    if not isinstance(key, str):
        raise NotStrict(f"names in an object are texts; got {type(key).__name__}")
    _spend(budget, _bytes(key) + 3)
    return str.__str__(key)


def _encoder() -> Callable[[Any], str]:
    """JSONEncoder.encode without the encoder it builds anew for every call, where CPython's is at hand."""
    whole = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False)
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return whole.encode
    chunks = make(None, whole.default, encode_basestring_ascii, None, ":", ",", False, False, False)
    return lambda value: "".join(chunks(value, 0))


encode = _encoder()
"""A JSON value as compact ASCII text."""
