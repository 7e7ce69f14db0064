"""A line of a log: a JSON object in strict ASCII, with a hash of itself at its end."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic_core import from_json, to_json

from crm_gym.evaluation.records import EpisodeRecord, Run
from crm_gym.evaluation.redact import Redactor
from crm_gym.evaluation.shapes import Damaged, check_episode, check_run
from crm_gym.strict_json import encode

DEEPEST: Final = 48
"""Levels of nesting that are kept of what an agent sent."""

_LARGEST = 10**18
_FOREIGN = re.compile("[^\\x00-\\x7f]+")
_NAN, _INFINITY = re.compile(b"NaN").search, re.compile(b"Infinity").search
_TAIL = re.compile(rb',"check":"([0-9a-f]{16})"}\n')
_TAIL_SIZE = len(b',"check":"0123456789abcdef"}\n')


def to_line(record: Mapping[str, Any], redact: Redactor) -> tuple[bytes, Mapping[str, Any]]:
    """A record's line, and the record as the line has it: without secrets, and with nothing that JSON cannot say."""
    try:
        text = _quick(record) or encode(record)
        clean = "\\ud" not in text and not redact.finds(text)
    except (ValueError, TypeError, RecursionError):
        clean = False
    if not clean:
        record = plain(record, redact)
        text = encode(record)
    body = text.encode("ascii")
    return b'%b,"check":"%b"}\n' % (body[:-1], _hash(body).encode("ascii")), record


def _quick(record: Mapping[str, Any]) -> str | None:
    """As `encode`, in half the time; None if there is a number in it that is none."""
    made = to_json(record)
    if _NAN(made) or _INFINITY(made):
        return None
    text = made.decode()
    return text if text.isascii() else _FOREIGN.sub(lambda found: encode(found[0])[1:-1], text)


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
    if not body.isascii():
        raise Damaged("it is no ASCII")
    try:
        made = from_json(body, allow_inf_nan=False)  # twice as fast as json.loads
    except ValueError:
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
    check_run(made)
    return made  # type: ignore[return-value]


def episode_of(line: bytes, run: Run) -> EpisodeRecord:
    """The episode in a line.

    Raises:
        Damaged: If there is none of this run.
    """
    made = from_line(line)
    check_episode(made)
    if made["run"] != run["run"]:
        raise Damaged(f"it is of another run, {made['run'][:40]!r}")
    return made  # type: ignore[return-value]


def differences(there: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """In what one run is another than another run; "" if they are the same, whatever they are called."""
    names = [name for name in dict.fromkeys((*there, *new)) if name != "run"]
    unlike = [name for name in names if there.get(name) != new.get(name)]
    return "; ".join(f"{name} was {_short(there.get(name))}, is {_short(new.get(name))}" for name in unlike)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:197] + "..."


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


__all__ = ["DEEPEST", "Damaged", "differences", "episode_of", "from_line", "plain", "run_of", "to_line"]
