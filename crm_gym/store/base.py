"""What the CRM asks of the place where rows are kept. A store keeps; the law is above it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from crm_gym.schema import Row


class Store(Protocol):
    """Rows by table and id, in creation order, with look-ups by unique text and by reference.

    A store is told before and after of each row and keeps its indexes from that; it checks
    nothing. What `put` has put back after a `put(..., None)` stands again in its old place.
    """

    def get(self, table: str, record: str) -> Row | None:
        """The row with that id, or None."""

    def add(self, table: str, record: str, row: Row) -> None:
        """Keep a new row, after all others of its table."""

    def put(self, table: str, record: str, before: Row | None, after: Row | None) -> None:
        """Replace the row `before` (None: it was removed) by `after` (None: remove it), in its old place."""

    def forget(self, table: str, record: str, row: Row) -> None:
        """Take back the `add` that made the row, as if it had never been."""

    def find(self, table: str) -> Iterator[Row]:
        """All rows of a table in creation order."""

    def by_unique(self, table: str, field: str, value: str) -> str | None:
        """The id of the row whose unique text is that one, compared trimmed and case-folded."""

    def by_ref(self, table: str, field: str, target: str) -> list[str]:
        """The ids of the rows that refer to that record, in the order in which they came to do so."""

    def count(self, table: str) -> int:
        """How many rows a table has."""

    def counts(self) -> list[int]:
        """How many rows each of the eight tables has, in their order; a copy."""

    def fork(self) -> Store:
        """An independent copy that shares unchanged rows; its cost does not grow with the CRM."""
