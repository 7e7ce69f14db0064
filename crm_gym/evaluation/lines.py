"""A line of a log: a JSON object in strict ASCII, with a hash of itself at its end."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from crm_gym.evaluation.records import OUTCOMES, SCHEMA, EpisodeRecord, Run
from crm_gym.evaluation.redact import Redactor
from crm_gym.strict_json import encode

DEEPEST: Final = 48
"""Levels of nesting that are kept of what an agent sent."""

_LARGEST = 10**18
_TAIL = re.compile(rb',"check":"([0-9a-f]{16})"}\n')
_TAIL_SIZE = len(b',"check":"0123456789abcdef"}\n')


class Damaged(ValueError):
    """A line is not what was written; says in what."""


def to_line(record: Mapping[str, Any], redact: Redactor) -> tuple[bytes, Mapping[str, Any]]:
    """A record's line, and the record as the line has it: without secrets, and with nothing that JSON cannot say."""
    try:
        text = encode(record)
        clean = "\\ud" not in text and not redact.finds(text)
    except (ValueError, TypeError, RecursionError):
        clean = False
    if not clean:
        record = plain(record, redact)
        text = encode(record)
    return f'{text[:-1]},"check":"{_hash(text.encode("ascii"))}"}}\n'.encode("ascii"), record


def from_line(line: bytes) -> dict[str, Any]:
    """What stands in a line, without its hash.

    Raises:
        Damaged: If it is not as it was written.
    """
    tail = _TAIL.fullmatch(line[-_TAIL_SIZE:])
    if tail is None:
        raise Damaged("it does not end in a check")
    body = line[:-_TAIL_SIZE] + b"}"
    if _hash(body) != tail[1].decode("ascii"):
        raise Damaged("its check does not match")
    try:
        made = json.loads(body.decode("ascii"), parse_constant=_constant)
    except (ValueError, RecursionError):
        raise Damaged("it is no strict JSON") from None
    if not isinstance(made, dict):
        raise Damaged("it is no object")
    return made


def run_of(line: bytes) -> Run:
    """The run that a log's first line is about.

    Raises:
        Damaged: If it is about none.
    """
    made = from_line(line)
    _check_schema(made)
    _check_fields(made, _RUN, "run")
    return made  # type: ignore[return-value]


def episode_of(line: bytes, run: Run) -> EpisodeRecord:
    """The episode in a line.

    Raises:
        Damaged: If there is none of this run.
    """
    made = from_line(line)
    _check_schema(made)
    _check_fields(made, _EPISODE, "episode")
    if made["run"] != run["run"]:
        raise Damaged(f"it is of another run, {made['run'][:40]!r}")
    if made["outcome"] not in OUTCOMES:
        raise Damaged(f"it has an outcome that there is not, {made['outcome'][:40]!r}")
    for number, step in enumerate(made["steps"], 1):
        if not isinstance(step, dict) or not step.keys() >= _STEP:
            raise Damaged(f"its step {number} is not whole")
    return made  # type: ignore[return-value]


def plain(value: Any, redact: Callable[[str], str], depth: int = 0) -> Any:
    """A value as strict JSON can say it, without secrets.

    NaN and infinities become their names, a lone surrogate becomes its escape written out, what is nested too deep or
    is no JSON value becomes a text.
    """
    if isinstance(value, str):
        return redact(_whole(str.__str__(value)))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int(value) if abs(value) < _LARGEST else hex(value)[:100]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping | list | tuple) and depth >= DEEPEST:
        return "nested too deep"
    if isinstance(value, Mapping):
        return {_name(name, redact): plain(item, redact, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, redact, depth + 1) for item in value]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return plain(value.item(), redact, depth)
    return redact(_whole(f"{type(value).__name__} {value!s}"[:1_000]))


def _name(name: object, redact: Callable[[str], str]) -> str:
    return redact(_whole(name if isinstance(name, str) else str(name)))


def _whole(text: str) -> str:
    """The text with lone surrogates written out as their escapes."""
    if text.isascii():
        return text
    joined = text.encode("utf-16-le", "surrogatepass").decode(
        "utf-16-le", "surrogatepass"
    )  # halves that belong together
    return joined.encode("utf-8", "backslashreplace").decode("utf-8")


def _hash(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=8).hexdigest()


def _constant(name: str) -> Any:
    raise Damaged(f"{name} is no JSON")


_TEXT, _WHOLE, _NUMBER, _NONE = (str,), (int,), (int, float), type(None)
_RUN: dict[str, tuple[type, ...]] = {
    "kind": _TEXT,
    "schema": _WHOLE,
    "run": _TEXT,
    "agent": _TEXT,
    "settings": (dict,),
    "model": (str, _NONE),
    "prompt": (str, _NONE),
    "env_id": _TEXT,
    "env": (dict,),
    "seed": _WHOLE,
    "trials": _WHOLE,
    "count": _WHOLE,
    "tasks": _TEXT,
    "code": _TEXT,
}
_EPISODE: dict[str, tuple[type, ...]] = {
    **{name: _RUN[name] for name in ("kind", "schema", "run", "agent", "model", "prompt", "tasks", "code")},
    "index": _WHOLE,
    "task": _TEXT,
    "family": _TEXT,
    "level": _WHOLE,
    "polarity": _TEXT,
    "seed": _WHOLE,
    "trial": _WHOLE,
    "request": _TEXT,
    "today": _TEXT,
    "steps": (list,),
    "total": _NUMBER,
    "verdict": (dict,),
    "diff": (list,),
    "terminated": (bool,),
    "truncated": (bool,),
    "outcome": _TEXT,
    "reason": (str, _NONE),
    "note": (str, _NONE),
    "said": (str, _NONE),
    "slips": (list,),
    "calls": _WHOLE,
    "tokens": (dict, _NONE),
    "cost": (int, float, _NONE),
    "latency": (int, float, _NONE),
    "attempt": _WHOLE,
}
_STEP = {"tool", "arguments", "result", "error", "reward", "hash", "diff"}


def _check_schema(made: dict[str, Any]) -> None:
    schema = made.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise Damaged(f"it has schema {schema}, of a newer crm_gym; this one reads up to {SCHEMA}")


def _check_fields(made: dict[str, Any], fields: dict[str, tuple[type, ...]], kind: str) -> None:
    for name, types in fields.items():
        if name not in made:
            raise Damaged(f"it has no {name!r}")
        if type(made[name]) not in types:
            raise Damaged(f"its {name!r} is of another type, {type(made[name]).__name__}")
    if made["kind"] != kind:
        raise Damaged(f"it is no {kind}")
