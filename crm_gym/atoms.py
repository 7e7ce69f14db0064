"""The atoms: every kind of value a field can hold. What an atom is stands in `atom`."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from crm_gym.atom import Atom, refuse, short
from crm_gym.ids import parse_day

MONEY_CEILING = 10_000_000
PERCENT_LOW, PERCENT_HIGH = 1, 99
NAME_CHARS = 200
NOTE_CHARS = 4_000
EMAIL_CHARS = 254  # RFC 5321, 4.5.3.1.3: a path of 256 octets less its two brackets
URL_CHARS = 2_000
FILE_NAME_CHARS = 255
FILE_EXTENSIONS = ("pdf", "doc", "docx", "ppt", "pptx", "xlsx", "csv", "txt", "key")

_HUGE = 10**18
_CENT = Decimal("0.01")
_INVALID = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_INVALID_LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")  # tab and newline may stay
# Possessive quantifiers (x++) never go back over what they took: no text makes these patterns slow.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++"  # RFC 5322, 3.2.3: a dot-atom, unquoted
_LABEL = r"(?!-)[A-Za-z0-9-]{1,63}+(?<!-)"  # RFC 1123, 2.1
_EMAIL = re.compile(rf"{_ATEXT}(?:\.{_ATEXT})*+@(?:{_LABEL}\.)++(?=[A-Za-z]){_LABEL}")
_URL = re.compile(rf"https?://{_LABEL}(?:\.{_LABEL})*+(?::[0-9]{{1,5}})?(?:[/?#][!-~]*)?", re.IGNORECASE | re.ASCII)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")


def _str(value: Any) -> str:
    if type(value) is str:
        return value
    if isinstance(value, str):  # a StrEnum member
        return str.__str__(value)
    raise refuse("wrong_type", f"must be a text; got {short(value)}.")


def text(limit: int = NAME_CHARS, *, blank: bool = False, lines: bool = False) -> Atom:
    """A text of at most `limit` characters; `lines` allows tabs and newlines."""
    invalid = _INVALID_LINES if lines else _INVALID

    def check(value: Any) -> Any:
        if type(value) is not str:
            value = _str(value)
        elif value.isprintable() and value and not value.isspace() and len(value) <= limit:
            return value  # plainly right
        if not blank and not value.strip():
            raise refuse("blank", "must not be empty or only white space.")
        if not value.isprintable() and invalid.search(value):
            raise refuse("text_invalid", f"must hold no control characters or lone surrogates; got {short(value)}.")
        if len(value) > limit:
            raise refuse("text_too_long", f"must have at most {limit} characters; got {len(value)}.")
        return value

    schema = {"type": "string", "maxLength": limit} | ({} if blank else {"minLength": 1})
    return Atom("text", check, schema, limit=limit)


def email() -> Atom:
    """A plain address, trimmed; at most 254 characters."""
    inner = text(EMAIL_CHARS).check

    def check(value: Any) -> Any:
        if type(value) is str and len(value) <= EMAIL_CHARS and _EMAIL.fullmatch(value):
            return value
        value = inner(_str(value).strip())
        if not _EMAIL.fullmatch(value):
            raise refuse("email_format", f"must be a plain address such as ana@firm.example; got {short(value)}.")
        return value

    return Atom("email", check, {"type": "string", "format": "email", "maxLength": EMAIL_CHARS}, limit=EMAIL_CHARS)


def url() -> Atom:
    """An http or https address."""
    inner = text(URL_CHARS).check

    def check(value: Any) -> Any:
        value = inner(value)
        if not _URL.fullmatch(value):
            raise refuse("url_format", f"must be an http:// or https:// address; got {short(value)}.")
        return value

    schema = {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": URL_CHARS}
    return Atom("url", check, schema, limit=URL_CHARS)


def file_name() -> Atom:
    """A file name with one of the extensions the CRM keeps, in any case."""
    inner = text(FILE_NAME_CHARS).check
    listed = ", ".join(FILE_EXTENSIONS)

    def check(value: Any) -> Any:
        value = inner(value)
        if not _FILE_NAME.fullmatch(value):
            raise refuse(
                "file_name_characters",
                "must begin with a letter or digit and hold only letters, digits, dots, underscores and hyphens;"
                f" got {short(value)}.",
            )
        _, dot, extension = value.rpartition(".")
        if not dot or not extension:
            raise refuse("file_extension_missing", f"must end in one of {listed}; {short(value)} has no extension.")
        if extension.lower() not in FILE_EXTENSIONS:
            raise refuse("file_extension_unsupported", f"must end in one of {listed}; got {short(value)}.")
        return value

    schema = {"type": "string", "maxLength": FILE_NAME_CHARS, "minLength": 1}
    return Atom("file_name", check, schema, limit=FILE_NAME_CHARS)


def _number(value: Any, what: str) -> Decimal:
    kind = type(value)
    if kind is int:
        return Decimal(max(-_HUGE, min(value, _HUGE)))  # beyond every bound there is; all digits would take time
    if kind is float and math.isfinite(value):
        return Decimal(repr(value))
    if kind is Decimal and value.is_finite():
        return value  # type: ignore[no-any-return]
    raise refuse("wrong_type", f"must be {what}, as a number without quotes or units; got {short(value)}.")


def number_json(amount: Decimal) -> int | float:
    """An exact amount as a JSON number; every amount of two decimals up to 10,000,000 survives."""
    whole = int(amount)
    return whole if whole == amount else float(amount)


def money() -> Atom:
    """An amount: more than 0, at most 10,000,000, at most two decimals; exact."""

    def check(value: Any) -> Decimal:
        amount = _number(value, "an amount")
        if amount <= 0:
            raise refuse("amount_not_positive", f"must be more than 0; got {short(value)}.")
        if amount > MONEY_CEILING:
            raise refuse("amount_above_ceiling", f"must be at most {MONEY_CEILING:,}; got {short(value)}.")
        exact = amount.quantize(_CENT)
        if exact != amount:
            raise refuse("amount_precision", f"must have at most two decimals; got {short(value)}.")
        return exact

    schema = {"type": "number", "exclusiveMinimum": 0, "maximum": MONEY_CEILING}
    return Atom("money", check, schema, to_json=number_json)


def percent() -> Atom:
    """A whole percentage from 1 to 99."""

    def check(value: Any) -> int:
        number = _number(value, "a whole percentage")
        if number != number.to_integral_value():
            raise refuse("probability_not_whole", f"must be a whole number, such as 40; got {short(value)}.")
        if not PERCENT_LOW <= number <= PERCENT_HIGH:
            raise refuse(
                "probability_range", f"must be from {PERCENT_LOW} to {PERCENT_HIGH} percent; got {short(value)}."
            )
        return int(number)

    return Atom("percent", check, {"type": "integer", "minimum": PERCENT_LOW, "maximum": PERCENT_HIGH})


def _day_text(value: Any) -> Any:
    return value.isoformat() if type(value) is date else value


def day() -> Atom:
    """A calendar date; YYYY-MM-DD on the wire and in rows."""

    def check(value: Any) -> Any:
        value = _str(value)
        try:
            parse_day(value)
        except ValueError:
            raise refuse("date_format", f"must be a calendar date written YYYY-MM-DD; got {short(value)}.") from None
        return value

    return Atom("date", check, {"type": "string", "format": "date"}, date.fromisoformat, _day_text, to_json=_day_text)


def stamp_text(value: Any) -> Any:
    """A datetime as it is written here, in UTC; one without a zone is taken to be UTC. All else as it is."""
    if not isinstance(value, datetime):
        return value
    return (value.astimezone(UTC) if value.tzinfo else value).strftime("%Y-%m-%dT%H:%M:%SZ")


def stamp() -> Atom:
    """A point in time, UTC, to the second; YYYY-MM-DDTHH:MM:SSZ on the wire and in rows."""

    def check(value: Any) -> Any:
        value = _str(value)
        try:
            if not _STAMP.fullmatch(value):
                raise ValueError
            datetime.fromisoformat(value)
        except ValueError:
            raise refuse("date_format", f"must be a time written YYYY-MM-DDTHH:MM:SSZ; got {short(value)}.") from None
        return value

    return Atom(
        "datetime",
        check,
        {"type": "string", "format": "date-time"},
        datetime.fromisoformat,
        stamp_text,
        to_json=stamp_text,
    )


def enum(members: type[StrEnum]) -> Atom:
    """One of the listed words, exactly as written."""
    words = frozenset(str(member) for member in members)
    listed = ", ".join(member.value for member in members)

    def check(value: Any) -> Any:
        if type(value) is not str:
            value = _str(value)
        if value not in words:
            raise refuse("enum_value", f"must be one of {listed}, exactly as written; got {short(value)}.")
        return value

    schema = {"type": "string", "enum": [member.value for member in members]}
    return Atom(f"enum:{members.__name__}", check, schema, to_python=members)


def names() -> Atom:
    """A list of texts."""
    one = text().check

    def check(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list | tuple):
            raise refuse("wrong_type", f"must be a list of texts; got {short(value)}.")
        return tuple(one(item) for item in value)

    schema = {"type": "array", "items": {"type": "string"}}
    return Atom("names", check, schema, to_python=list)


def record_id() -> Atom:
    """The id of a record. Whether there is such a record is asked later, of the CRM."""
    return Atom("id", _str, {"type": "string", "format": "uuid"}, from_python=_id_text)


def _id_text(value: Any) -> Any:
    return str(value) if isinstance(value, UUID) else value


def own_id() -> Atom:
    """A record's own id; entities made by hand may bring one, if it is a UUID as text."""

    def uuid_text(value: Any) -> Any:
        text = _id_text(value)
        if not isinstance(text, str) or not _UUID.fullmatch(text):
            raise refuse("uuid_parsing", f"must be a UUID in lower case; got {short(value)}.")
        return text

    return Atom("id", _str, {"type": "string", "format": "uuid"}, from_python=uuid_text)


def whole(low: int, high: int) -> Atom:
    """A whole number from low to high, such as a search's limit."""

    def check(value: Any) -> int:
        number = _number(value, "a whole number")
        if number != number.to_integral_value():
            raise refuse("wrong_type", f"must be a whole number; got {short(value)}.")
        if not low <= number <= high:
            raise refuse("number_range", f"must be from {low:,} to {high:,}; got {short(value)}.")
        return int(number)

    return Atom("whole", check, {"type": "integer", "minimum": low, "maximum": high})
