"""What can be copied out of an observation: ids, names, quoted texts, numbers, dates, addresses, file names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date
from typing import Any

from crm_gym.baselines.sampling import Seen

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_SHAPES = {  # in this order: what one takes, the next does not see
    "id": _ID,
    "url": re.compile(r"https?://[^\s\"'<>]*[\w/]"),
    "email": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.ASCII),
    "time": re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z"),
    "date": re.compile(rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}|[0-9]{{1,2}} (?:{_MONTHS}) [0-9]{{4}}"),
    "file": re.compile(r"\b[\w-][\w.-]*\.(?:pdf|docx?|pptx?|xlsx|csv|txt|key)\b", re.IGNORECASE),
    "number": re.compile(r"(?<![\w.])-?[0-9][0-9,]*(?:\.[0-9]+)?(?!\w)"),
}
_ESCAPED = re.compile(r"(?:\\u[0-9a-f]{4})+")
_QUOTED = re.compile(r"\"([^\"]+)\"|“([^”]+)”|(?<!\w)'([^']+)'(?!\w)")
_NAME = re.compile(r"[^\W\d_a-z][\w&.'-]*(?: (?:[^\W\d_a-z][\w&.'-]*|&|of|de|\d+))*")
_JSON_TEXT = re.compile(r'("(?:[^"\\]|\\.)*")(:?)')  # with a colon behind it, it is a key
_JSON_NUMBER = re.compile(r"(?<=[:\[,])-?\d+(?:\.\d+)?(?=[,\]}])")


def ids_in(text: str) -> list[str]:
    """The record ids in a text, each once, in order."""
    return list(dict.fromkeys(_ID.findall(text)))


def copyable(observation: Mapping[str, Any]) -> Seen:
    """Everything in the request and in the last result that a call could repeat."""
    request, result = unescape(observation["request"]), observation["result"]
    values = _in_request(request)
    for kind, items in _in_result(result).items():
        values[kind] += items
    return Seen({kind: list(dict.fromkeys(items)) for kind, items in values.items()}, f"{request}\n{result}")


def unescape(text: str) -> str:
    r"""Observed text as it was written: observations spell what is no ASCII as \uXXXX."""
    return _ESCAPED.sub(lambda found: str(json.loads(f'"{found[0]}"')), text)


def _in_request(request: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {"text": ["".join(groups) for groups in _QUOTED.findall(request)]}
    found["text"] += [name.rstrip(".'") for name in _NAME.findall(request)]
    rest = request
    for kind, shape in _SHAPES.items():
        found[kind] = [value for text in shape.findall(rest) if (value := _READ.get(kind, str)(text)) is not None]
        rest = shape.sub(" ", rest)
    return found


def _in_result(result: str) -> dict[str, list[Any]]:
    """By pattern and not by parsing: a long result is cut, and then is no JSON."""
    numbers = [number for text in _JSON_NUMBER.findall(result) if (number := _number(text)) is not None]
    found: dict[str, list[Any]] = {"number": numbers, "text": []}
    for text in _values_in(result):
        kind = next((kind for kind, shape in _SHAPES.items() if shape.fullmatch(text)), "text")
        value = _READ.get(kind, str)(text)
        found.setdefault("text" if value is None else kind, []).append(text if value is None else value)
    return found


def _values_in(result: str) -> Iterator[str]:
    for quoted, colon in _JSON_TEXT.findall(result):
        if not colon:
            with suppress(ValueError):  # cut within an escape
                yield json.loads(quoted)


def _number(text: str) -> float | int | None:
    digits = text.replace(",", "")
    if len(digits) > 15:  # no amount, and more than a strict reader takes
        return None
    return float(digits) if "." in digits else int(digits)


def _day(text: str) -> str | None:
    if " " in text:
        day, month, year = text.split()
        text = f"{year}-{_MONTHS.split('|').index(month) + 1:02d}-{int(day):02d}"
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        return None


_READ = {"number": _number, "date": _day}
