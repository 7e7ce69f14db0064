"""Seeded ids and the episode's clock; the one module that may draw from the operating system.

A CRM numbers its writes. The number and the seed give the id and the time of a new record, so
that both are equal on every backend, in every process and on every day.
"""

from __future__ import annotations

import hashlib
import uuid
from datetime import date, datetime, timedelta

DEFAULT_TODAY = "2025-10-30"
"""The day on which a CRM lives when nobody says otherwise."""

# Weyl sequence: an odd step visits all 2**128 values before one returns; the constant is
# 2**128 divided by the golden ratio, made odd, so that neighbours look nothing alike.
_STEP = 0x9E3779B97F4A7C15F39CC0605CEDC835
_MASK = (1 << 128) - 1
_CLEAR = _MASK ^ (0xF << 76) ^ (0x3 << 62)
_VERSION = (0x4 << 76) | (0x2 << 62)  # RFC 9562: version 4, variant 10


def random_id() -> str:
    """A fresh random UUID, for entities made by hand outside a CRM."""
    return str(uuid.uuid4())


def id_base(seed: int | str) -> int:
    """The 128-bit number from which all ids of a seed follow."""
    digest = hashlib.blake2b(str(seed).encode(), digest_size=16, person=b"crm_gym.ids").digest()
    return int.from_bytes(digest, "big")


def format_id(number: int) -> str:
    """A number of up to 128 bits as the text of a version-4 UUID."""
    text = f"{number & _CLEAR | _VERSION:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def nth_id(base: int, serial: int) -> str:
    """The id of the write with this serial number."""
    return format_id(base + (serial + 1) * _STEP)


def named_id(*names: str) -> str:
    """The id of a record that a world file calls by name."""
    return format_id(id_base("\x1f".join(names)))


def clock_start(today: str) -> datetime:
    """Nine o'clock (UTC) on the CRM's today: the time of its first write."""
    return datetime.fromisoformat(f"{today}T09:00:00+00:00")


def nth_time(start: datetime, serial: int) -> str:
    """The time of the write with this serial number: one second after the one before."""
    return (start + timedelta(seconds=serial)).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_day(text: str) -> date:
    """A date written YYYY-MM-DD.

    Raises:
        ValueError: If it is written otherwise or is no day of the calendar.
    """
    # fromisoformat alone would also take 20251030, 2025-W44-4 and non-ASCII digits.
    if len(text) != 10 or not text.isascii() or text[4] != "-" or text[7] != "-":
        raise ValueError(f"{text!r} is not a date written YYYY-MM-DD")
    return date.fromisoformat(text)
