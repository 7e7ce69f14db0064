"""Seeded ids and the episode's clock; the one module that may draw from the operating system.

A CRM numbers its writes. The number and the seed give the id and the time of a new record, so
that both are equal on every backend, in every process and on every day.
"""

from __future__ import annotations

import functools
import hashlib
import operator
import uuid
from datetime import date

DEFAULT_TODAY = "2025-10-30"
"""The day on which a CRM lives when nobody says otherwise."""

# Weyl sequence: an odd step visits all 2**128 values before one returns; the constant is
# 2**128 divided by the golden ratio, made odd, so that neighbours look nothing alike.
_STEP = 0x9E3779B97F4A7C15F39CC0605CEDC835
_SPREAD = 0xDA942042E4DD58B5D1342543DE82EF95  # odd, without pattern
_MASK = (1 << 128) - 1
_CLEAR = _MASK ^ (0xF << 76) ^ (0x3 << 62)
_NINE, _MIDNIGHT = 9 * 3600, 24 * 3600  # seconds of a day
_VERSION = (0x4 << 76) | (0x2 << 62)  # RFC 9562: version 4, variant 10


def random_id() -> str:
    """A fresh random UUID, for entities made by hand outside a CRM."""
    return str(uuid.uuid4())


def id_base(seed: int | str) -> int:
    """The 128-bit number from which all ids of a seed follow."""
    if type(seed) is int:  # every reset asks; a product is enough to set seeds apart
        return (seed + 1) * _SPREAD & _MASK
    if not isinstance(seed, str):
        return id_base(operator.index(seed))  # numpy's whole numbers, and true and false
    digest = hashlib.blake2b(seed.encode(), digest_size=16, person=b"crm_gym.ids").digest()
    return int.from_bytes(digest, "big")


def format_id(number: int) -> str:
    """A number of up to 128 bits as the text of a version-4 UUID."""
    # Groups of four digits first, then away with the first and the two last hyphens: cheaper than to cut five pieces.
    fours = (number & _CLEAR | _VERSION).to_bytes(16, "big").hex("-", 2)
    return "".join(fours.rsplit("-", 2)).replace("-", "", 1)


def nth_id(base: int, serial: int) -> str:
    """The id of the write with this serial number."""
    number = base + (serial + 1) * _STEP
    fours = (number & _CLEAR | _VERSION).to_bytes(16, "big").hex("-", 2)  # format_id, without the call
    return "".join(fours.rsplit("-", 2)).replace("-", "", 1)


def named_id(*names: str) -> str:
    """The id of a record that a world file calls by name."""
    return format_id(id_base("\x1f".join(names)))


@functools.lru_cache(maxsize=1024)
def nth_hour(serial: int) -> str:
    """The time of day, to follow a date, of the write with this serial number: nine o'clock (UTC) for the first, then
    a second later each; for the last second of the day from then on."""
    second = min(_NINE + serial, _MIDNIGHT - 1)
    return f"T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}Z"


def parse_day(text: str) -> date:
    """A date written YYYY-MM-DD.

    Raises:
        ValueError: If it is written otherwise or is no day of the calendar.
    """
    # fromisoformat alone would also take 20251030, 2025-W44-4 and non-ASCII digits.
    if len(text) != 10 or not text.isascii() or text[4] != "-" or text[7] != "-":
        raise ValueError(f"{text!r} is not a date written YYYY-MM-DD")
    return date.fromisoformat(text)
