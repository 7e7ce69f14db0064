"""Content hashes: a digest for each row, and sums of them kept up to date from the changes."""

from __future__ import annotations

import hashlib

from crm_gym.journal import Change
from crm_gym.schema import Row, row_json
from crm_gym.strict_json import encode

HASH_BITS = 256


class Sum:
    """A sum of row digests, worked out when first asked for, from an older sum and the changes since."""

    __slots__ = ("below", "changes", "value")

    def __init__(self, below: Sum | None, changes: list[Change]) -> None:
        self.below = below
        self.changes = changes
        self.value: int | None = None if below or changes else 0

    def get(self) -> int:
        """The sum; sums below it that nobody has asked for yet are worked out on the way."""
        chain = []
        at: Sum | None = self
        while at is not None and at.value is None:
            chain.append(at)
            at = at.below
        total = at.value if at is not None and at.value is not None else 0
        for link in reversed(chain):
            for change in link.changes:
                total += row_digest(change.table, change.after) - row_digest(change.table, change.before)
            link.value = total = total % (1 << HASH_BITS)
            link.below, link.changes = None, []
        return total


def row_digest(table: str, row: Row | None) -> int:
    """A row's content as a number of 256 bits; 0 for no row."""
    if row is None:
        return 0
    text = encode([table, *row_json(row).values()])
    return int.from_bytes(hashlib.blake2b(text.encode("ascii"), digest_size=HASH_BITS // 8).digest(), "big")
