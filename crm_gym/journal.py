"""What happened: every write leaves a Change; the net change is kept up to date as they come and go."""

from __future__ import annotations

from typing import NamedTuple

from crm_gym.schema import Row


class Change(NamedTuple):
    """One record before and after a write; None where it did not, or does not, exist."""

    table: str
    id: str
    before: Row | None
    after: Row | None


_new = tuple.__new__  # makes a Change of a tuple, without the detour over named arguments


class Journal:
    """The changes since a beginning, in order, and their net effect.

    Attributes:
        changes: Every change, oldest first.
        net: Record id to its net change; records that are back where they began are not in it.
    """

    __slots__ = ("changes", "net")

    def __init__(self) -> None:
        self.changes: list[Change] = []
        self.net: dict[str, Change] = {}

    def __len__(self) -> int:
        return len(self.changes)

    def append(self, change: Change) -> None:
        """Note a change that has just been made."""
        table, record, before, after = change
        self.changes.append(change)
        if record in self.net:
            self._fold(table, record, before, after)
        elif before != after:
            self.net[record] = change

    def made(self, table: str, record: str, row: Row) -> None:
        """Note a record that has just been made."""
        change = _new(Change, (table, record, None, row))
        self.changes.append(change)
        if record in self.net:
            self._fold(table, record, None, row)
        else:
            self.net[record] = change

    def pop(self) -> Change:
        """Take back the newest change and return it."""
        change = self.changes.pop()
        self._fold(change.table, change.id, change.after, change.before)
        return change

    def _fold(self, table: str, record: str, before: Row | None, after: Row | None) -> None:
        known = self.net.get(record)
        if known is not None:
            before = known.before
        if before == after:
            self.net.pop(record, None)
        else:
            self.net[record] = Change(table, record, before, after)
