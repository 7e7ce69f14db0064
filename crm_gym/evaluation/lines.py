"""A line of a log: a JSON object in strict ASCII, with a hash of itself at its end."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping
from itertools import takewhile
from typing import Any, Final

from pydantic_core import from_json, to_json

from crm_gym.evaluation.records import EpisodeRecord, Run
from crm_gym.evaluation.redact import Redactor
from crm_gym.evaluation.shapes import Damaged, check_episode, check_run
from crm_gym.strict_json import encode

DEEPEST: Final = 48
"""Levels of nesting that are kept of what an agent sent."""

_MOST_DIFFERENCES = 12
_NONE_THERE: Final = object()
_LARGEST = 10**18
_MOST_BITS = 10_000  # about 3,000 digits: Python writes 4,300 at most, and no secret has as many
_FIGURES = frozenset(("tokens", "verdict", "slips", "reward"))  # parts of a record, and of its steps
_HEADER = re.compile(r"(?i)(?:^|[^a-z0-9])(?:authorization|api-key)$")
_FOREIGN = re.compile("[^\\x00-\\x7f]+")
_NAN, _INFINITY = re.compile(b"NaN").search, re.compile(b"Infinity").search
_TAIL = re.compile(rb',"check":"([0-9a-f]{16})"}\n')
_TAIL_SIZE = len(b',"check":"0123456789abcdef"}\n')


def to_line(record: Mapping[str, Any], redact: Redactor) -> tuple[bytes, Mapping[str, Any]]:
    """A record's line, and the record as the line has it: without secrets, and with nothing that JSON cannot say."""
    try:
        text = _quick(record) or encode(record)  # the first refuses half a pair of surrogates
        clean = not redact.finds(text)
    except (ValueError, TypeError, RecursionError):
        clean = False
    if not clean:
        record = without_secrets(record, redact)
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
    pairs = [pair for name in names for pair in _unlike(name, there.get(name), new.get(name))]
    said = "; ".join(f"{name} {_told(was, now)}" for name, was, now in pairs[:_MOST_DIFFERENCES])
    more = len(pairs) - _MOST_DIFFERENCES
    return f"{said}; and {more} more" if more > 0 else said


def _unlike(name: str, was: Any, now: Any) -> Iterator[tuple[str, Any, Any]]:
    """Where two values differ: of objects the names within that do."""
    if was == now:
        return
    if isinstance(was, Mapping) and isinstance(now, Mapping):
        for inner in dict.fromkeys((*was, *now)):
            yield from _unlike(f"{name}.{inner}", was.get(inner, _NONE_THERE), now.get(inner, _NONE_THERE))
    else:
        yield name, was, now


def _told(was: object, now: object) -> str:
    """Two values beside each other; of long ones what comes from shortly before the place where they part."""
    texts = ["not there" if value is _NONE_THERE else repr(value) for value in (was, now)]
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False)))
    if (start := alike - 40) > 100:
        texts = [f"...{text[start:]}" for text in texts]
    first, second = (text if len(text) <= 200 else text[:197] + "..." for text in texts)
    return f"was {first}, is {second}"


def without_secrets(record: Mapping[str, Any], redact: Callable[[str], str], depth: int = 0) -> dict[str, Any]:
    """A record as strict JSON can say it, without secrets.

    As `plain`, but the record's own figures stay numbers, whatever their digits: no agent chose them, and a record
    whose seed is a text is none.
    """
    return {_name(name, redact): _field(name, item, redact, depth + 1) for name, item in record.items()}


def _field(name: object, item: Any, redact: Callable[[str], str], depth: int) -> Any:
    if name == "steps" and depth == 1 and isinstance(item, list | tuple):
        return [
            without_secrets(step, redact, depth + 1) if isinstance(step, Mapping) else plain(step, redact, depth + 1)
            for step in item
        ]
    return plain(item, redact, depth, name in _FIGURES or (_is_number(item) and name != "arguments"))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) or (hasattr(value, "item") and getattr(value, "shape", None) == ())


def plain(value: Any, redact: Callable[[str], str], depth: int = 0, figures: bool = False) -> Any:
    """A value as strict JSON can say it, without secrets.

    NaN and infinities become their names, a lone surrogate becomes its escape written out, what is nested too deep or
    is no JSON value becomes a text. So does a number in whose digits there is a secret, unless numbers are `figures`.
    """
    if isinstance(value, str):
        return redact(_whole(str.__str__(value)))
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _number(value, str if figures else redact)
    if isinstance(value, Mapping | list | tuple) and depth >= DEEPEST:
        return "nested too deep"
    if isinstance(value, Mapping):
        return {_name(name, redact): _named(name, item, redact, depth + 1, figures) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item, redact, depth + 1, figures) for item in value]
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        return plain(value.item(), redact, depth, figures)
    return redact(_whole(f"{type(value).__name__} {value!s}"[:1_000]))


def _number(value: int | float, redact: Callable[[str], str]) -> int | float | str:
    """A number, or what is left of its digits without the secret in them."""
    if isinstance(value, int):
        made: int | float | str = int(value) if abs(value) < _LARGEST else hex(value)[:100]
        digits = str(int(value)) if value.bit_length() < _MOST_BITS else ""
    else:
        made = float(value) if math.isfinite(value) else str(float(value))
        digits = str(float(value))
    left = redact(digits)
    return made if left == digits else left


def _named(name: object, item: Any, redact: Callable[[str], str], depth: int, figures: bool) -> Any:
    """A value with a name; that of a header is as secret as in the header's line."""
    made = plain(item, redact, depth, figures)
    if isinstance(name, str) and isinstance(made, str | int | float) and _HEADER.search(name):
        line = f"authorization: {made}"
        left = redact(line)
        return made if left == line else left.removeprefix("authorization: ")
    return made


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
    return hashlib.sha256(text).hexdigest()[:16]


__all__ = [
    "DEEPEST",
    "Damaged",
    "differences",
    "episode_of",
    "from_line",
    "plain",
    "run_of",
    "to_line",
    "without_secrets",
]
