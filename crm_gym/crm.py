"""The CRM: the only writer. It asks the law, writes, and journals; it can take back, copy, compare and hash itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from crm_gym import rules
from crm_gym.digest import HASH_BITS, Sum, row_digest
from crm_gym.entities import Entity
from crm_gym.errors import StaleSnapshot, ToolError
from crm_gym.ids import DEFAULT_TODAY, id_base, nth_hour, nth_id, parse_day
from crm_gym.journal import Change, Journal
from crm_gym.schema import TABLE_OF, TABLES, Row, changed_values, entity_values, new_values
from crm_gym.store.base import Store
from crm_gym.store.difference import difference
from crm_gym.store.memory import MemoryStore

_AUTO = {name: tuple(c.name for c in table.columns if c.auto) for name, table in TABLES.items()}
_GIVEN = {name: tuple(c.name for c in table.columns if c.creatable) for name, table in TABLES.items()}
_MAKE = {  # row class, what a caller gives in the row's order, whether a time follows; the id comes first
    name: (table.row, itemgetter(*_GIVEN[name]), bool(_AUTO[name])) for name, table in TABLES.items()
}


_new_row = tuple.__new__  # makes a row of a tuple, without the detour over named arguments
_blank = object.__new__


class Snapshot(NamedTuple):
    """A moment of a Crm to return to: a token into its journal."""

    journal: Journal
    position: int
    last: Change | None


class Crm:
    """Eight tables of records under the law.

    Args:
        today: The CRM's own day, YYYY-MM-DD. The machine's clock is never asked.
        seed: Fixes the ids of new records.
        store: Where the rows are kept; in memory if not given.

    Values go in and out in row form: what the tools' arguments models give (see `schema.Row`). Rows are immutable.
    """

    __slots__ = ("_base", "_serial", "_sums", "journal", "store", "today")

    def __init__(self, today: str = DEFAULT_TODAY, seed: int | str = 0, store: Store | None = None) -> None:
        parse_day(today)
        self.today = today
        self.store: Store = MemoryStore() if store is None else store
        self.journal = Journal()
        self._base = id_base(seed)
        self._serial = 0
        self._sums: list[tuple[int, Sum]] = [(0, Sum(None, []))]  # journal position, sum there

    def get(self, table: str, record: str) -> Row | None:
        """The row with that id, or None."""
        return self.store.get(table, record)

    def need(self, table: str, record: str, field: str) -> Row:
        """The row with that id.

        Raises:
            ToolError: not_found, naming `field` as the argument at fault.
        """
        row = self.store.get(table, record)
        if row is None:
            raise rules.not_found(table, field, record)
        return row

    def find(self, table: str) -> Iterator[Row]:
        """All rows of a table in creation order."""
        return self.store.find(table)

    def referring(self, table: str, field: str, record: str) -> list[Row]:
        """The rows of `table` whose `field` points at the record, found through an index."""
        rows = (self.store.get(table, other) for other in self.store.by_ref(table, field, record))
        return [row for row in rows if row is not None]

    def counts(self) -> list[int]:
        """How many records each of the eight tables holds, in the order of `ENTITIES`."""
        return self.store.counts()

    # Writing

    def add(self, table: str, values: Mapping[str, Any]) -> Row:
        """Make a record; its id and times come from the seed and the clock.

        Args:
            table: Name of its table.
            values: Its fields as a tool call would give them; optional ones may be absent.

        Raises:
            ToolError: If a value is not in form or the law refuses it; nothing is written.
        """
        return self.insert(table, new_values(TABLES[table], values))

    def insert(self, table: str, values: Mapping[str, Any]) -> Row:
        """The same for values in row form, every field there: what an arguments model has checked.

        Raises:
            ToolError: If the law refuses it; nothing is written.
        """
        for rule in rules.NEW[table]:
            rule(self.store, self.today, values, None)
        return self._insert(table, values)

    def copy(self, row: Row) -> Row:
        """Make an exact copy of a record under a new id; what was lawful once may be copied."""
        return self._insert(TABLE_OF[type(row)], row._asdict())

    def add_entity(self, entity: Entity) -> Row:
        """Take in a whole record as it stands, id and times included, such as a world's.

        Dates may lie in the past.

        Raises:
            ToolError: If a reference is missing, or an id or an e-mail is taken already.
        """
        table = type(entity).__name__
        return self.add_row(TABLES[table].row(**entity_values(entity)))

    def add_row(self, row: Row) -> Row:
        """The same for a row whose values are in form, such as a world maker's."""
        table = TABLE_OF[type(row)]
        taken = next((name for name in TABLES if self.store.get(name, row[0]) is not None), None)
        if taken is not None:
            raise ToolError("immutable_field", TABLES[table].key, f"{row[0]} is already the id of a {taken}.")
        for rule in rules.NEW[table]:
            if rule is not rules.close_date_is_ahead:
                rule(self.store, self.today, row._asdict(), None)
        self.store.add(table, row[0], row)
        self.journal.made(table, row[0], row)
        return row

    def update(self, row: Row, updates: Mapping[str, Any]) -> Row:
        """Change fields of a record.

        Args:
            row: The record, as it stands or stood.
            updates: New values by field, as a tool call would give them; None empties an optional field.

        Raises:
            ToolError: If a value is not in form or the law refuses it; nothing is written.
        """
        return self.change(row, changed_values(TABLES[TABLE_OF[type(row)]], updates))

    def change(self, row: Row, updates: Mapping[str, Any]) -> Row:
        """The same for values in row form: what an arguments model has checked.

        Raises:
            ToolError: If the law refuses it; nothing is written.
        """
        table, row = self._standing(row)
        for rule in rules.CHANGED[table]:
            rule(self.store, self.today, updates, row)
        changed = row._replace(**updates)
        if changed != row:
            self._write(table, row[0], row, changed)
        return changed

    def delete(self, row: Row) -> list[Row]:
        """Remove a record and what lives and dies with it; what merely points at it lets go.

        Returns the removed rows, the record itself last; raises ToolError (still_referenced) if records depend on it
        that do not go with it.
        """
        doomed = self._doomed(*self._standing(row))
        for table, gone in doomed:
            for child, field, action in rules.referrers(table):
                if action == "empty":
                    for other in self.referring(child, field, gone[0]):
                        self._write(child, other[0], other, other._replace(**{field: None}))
        for table, gone in doomed:
            self._write(table, gone[0], gone, None)
        return [gone for _, gone in doomed]

    def _doomed(self, table: str, row: Row) -> list[tuple[str, Row]]:
        out: list[tuple[str, Row]] = []
        for child, field, action in rules.referrers(table):
            others = self.referring(child, field, row[0])
            if action == "restrict" and others:
                raise ToolError(
                    "still_referenced",
                    TABLES[table].key,
                    f"{TABLES[table].key} must be a {table} nothing depends on; {len(others)} {child} records do.",
                )
            if action == "cascade":
                for other in others:
                    out.extend(self._doomed(child, other))
        out.append((table, row))
        return out

    def _insert(self, table: str, values: Mapping[str, Any]) -> Row:
        serial = self._serial
        record = nth_id(self._base, serial)
        row_class, pick, stamped = _MAKE[table]
        stamp = (self.today + nth_hour(serial),) if stamped else ()
        row = _new_row(row_class, (record,) + pick(values) + stamp)  # noqa: RUF005  # half the price of unpacking
        self._serial = serial + 1
        self.store.add(table, record, row)
        self.journal.made(table, record, row)
        return row

    def _write(self, table: str, record: str, before: Row, after: Row | None) -> None:
        self.store.put(table, record, before, after)
        self.journal.append(Change(table, record, before, after))

    def _standing(self, row: Row) -> tuple[str, Row]:
        """The table of a record and the row as it stands now, whatever the caller still holds."""
        table = TABLE_OF[type(row)]
        return table, self.need(table, row[0], TABLES[table].key)

    # Taking back

    def mark(self) -> int:
        """The present moment, for `undo`: how many changes there are."""
        return len(self.journal.changes)

    def undo(self, mark: int) -> None:
        """Take back every change since the mark, newest first."""
        while len(self.journal.changes) > mark:
            table, record, before, after = self.journal.pop()
            if before is None:
                self.store.forget(table, record, after)
                if record == nth_id(self._base, self._serial - 1):
                    self._serial -= 1  # the same call made again gets the same id and time
            else:
                self.store.put(table, record, after, before)
        while self._sums[-1][0] > mark:
            self._sums.pop()

    def snapshot(self) -> Snapshot:
        """The present moment, for `restore`; costs nothing, whatever the size of the CRM."""
        changes = self.journal.changes
        return Snapshot(self.journal, len(changes), changes[-1] if changes else None)

    def restore(self, snapshot: Snapshot) -> None:
        """Return to a snapshot; costs the changes since.

        Raises:
            StaleSnapshot: If it is another Crm's, or lies on a path that has been undone.
        """
        changes = self.journal.changes
        position = snapshot.position
        here = snapshot.journal is self.journal and position <= len(changes)
        if not here or (position and changes[position - 1] is not snapshot.last):
            raise StaleSnapshot("the snapshot was taken on another Crm or on changes undone since; take a new one")
        self.undo(position)

    # Copying and comparing

    def fork(self, seed: int | str | None = None, store: Store | None = None) -> Crm:
        """An independent copy that shares unchanged rows; its journal begins empty.

        Args:
            seed: Fixes the ids of the copy's new records; if None they go on as here.
            store: Where the copy's rows are, if they are there already.
        """
        other = _blank(Crm)
        other.today = self.today
        other.store = self.store.fork() if store is None else store
        other.journal = Journal()
        other._base = self._base if seed is None else id_base(seed)
        other._serial = self._serial
        position, known = self._sums[-1]
        other._sums = [(0, known if position == len(self.journal.changes) else self._sum())]
        return other

    def _sum(self) -> Sum:
        position, known = self._sums[-1]
        if position == len(self.journal.changes):
            return known
        newest = Sum(known, self.journal.changes[position:])
        self._sums.append((len(self.journal.changes), newest))
        return newest

    def state_hash(self) -> str:
        """64 hexadecimal digits that depend on the content alone, not on how it came about.

        The sum modulo 2**256 of the BLAKE2b digests of all rows, kept up to date from the changes.
        """
        return f"{self._sum().get():064x}"

    def recomputed_hash(self) -> str:
        """The same from all rows; for checking."""
        total = sum(row_digest(table, row) for table in TABLES for row in self.store.find(table))
        return f"{total % (1 << HASH_BITS):064x}"

    def diff(self, other: Crm) -> list[Change]:
        """The changes that lead from here to the other; rows they share are not looked at."""
        return difference(self.store, other.store)


diff = Crm.diff
