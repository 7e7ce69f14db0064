"""Rows in PostgreSQL: the same promises as the in-memory store, one transaction an episode.

The law is above: this store asks the database for rows and tells it rows, never what an agent wrote as SQL.
Identifiers come from the entities, values travel as parameters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

from psycopg import sql

from crm_gym.errors import InfraError, UsageError
from crm_gym.schema import TABLES, Column, Row, Table
from crm_gym.store.memory import normal
from crm_gym.store.pg_session import Limits, Session, outages

_POSITION = {name: index for index, name in enumerate(TABLES)}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STAMP = 'YYYY-MM-DD"T"HH24:MI:SS"Z"'
_COPY_FROM = 1_000  # rows from which COPY pays
_VACUUM_EVERY = 200  # episodes; rolled-back and deleted rows stay in the files until then


def _shown(column: Column) -> sql.Composable:
    """A column as the row form has it."""
    name = sql.Identifier(column.name)
    if column.atom.kind in ("id", "date"):
        return sql.SQL("{}::text").format(name)
    if column.atom.kind == "datetime":
        return sql.SQL("to_char({} AT TIME ZONE 'UTC', {})").format(name, sql.Literal(_STAMP))
    return name


class Statements:
    """The statements of one table, composed once: together with those of `Session`, all that is ever sent."""

    def __init__(self, table: Table) -> None:
        name, key = sql.Identifier(table.plural), sql.Identifier(table.key)
        columns = [sql.Identifier(column.name) for column in table.columns]
        seq = sql.Identifier("seq")
        shown = sql.SQL(", ").join(_shown(column) for column in table.columns)
        marks = sql.SQL(", ").join(sql.Placeholder() for _ in columns)
        all_columns = sql.SQL(", ").join([*columns, seq])
        self.get = sql.SQL("SELECT {} FROM {} WHERE {} = %s").format(shown, name, key).as_bytes()
        self.find = sql.SQL("SELECT {} FROM {} ORDER BY seq").format(shown, name).as_bytes()
        self.insert = sql.SQL("INSERT INTO {} ({}) VALUES ({}, %s)").format(name, all_columns, marks).as_bytes()
        assigned = sql.SQL(", ").join(sql.SQL("{} = %s").format(column) for column in columns[1:])
        self.update = sql.SQL("UPDATE {} SET {} WHERE {} = %s").format(name, assigned, key).as_bytes()
        self.delete = sql.SQL("DELETE FROM {} WHERE {} = %s RETURNING seq").format(name, key).as_bytes()
        self.empty = sql.SQL("DELETE FROM {}").format(name).as_bytes()
        self.vacuum = sql.SQL("VACUUM {}").format(name).as_bytes()
        self.copy = sql.SQL("COPY {} ({}) FROM STDIN").format(name, all_columns).as_bytes()
        base = sql.Identifier(f"base_{table.plural}")
        self.empty_base = sql.SQL("DELETE FROM {}").format(base).as_bytes()
        self.to_base = sql.SQL("INSERT INTO {} SELECT * FROM {}").format(base, name).as_bytes()
        self.from_base = sql.SQL("INSERT INTO {} SELECT * FROM {}").format(name, base).as_bytes()
        self.by_ref = {
            column.name: sql.SQL("SELECT {}::text FROM {} WHERE {} = %s ORDER BY seq")
            .format(key, name, sql.Identifier(column.name))
            .as_bytes()
            for column in table.columns
            if column.ref is not None
        }
        self.by_unique = {
            column.name: sql.SQL("SELECT {}::text FROM {} WHERE lower(btrim({})) = %s")
            .format(key, name, sql.Identifier(column.name))
            .as_bytes()
            for column in table.columns
            if column.unique
        }


_FIRST, _NEXT = b"BEGIN; SAVEPOINT call", b"RELEASE SAVEPOINT call; SAVEPOINT call"
_BACK, _COMMIT, _ROLLBACK, _ASK = b"ROLLBACK TO SAVEPOINT call", b"COMMIT", b"ROLLBACK", b"SELECT 1"
STATEMENTS: dict[str, Statements] = {name: Statements(table) for name, table in TABLES.items()}


def _row(table: str, values: tuple[Any, ...]) -> Row:
    """A database row in row form: lists as tuples, all else as it was selected."""
    return TABLES[table].row(*(tuple(value) if isinstance(value, list) else value for value in values))


def _values(row: Row) -> list[Any]:
    return [list(value) if isinstance(value, tuple) else value for value in row]


class PostgresStore:
    """The Store protocol on one schema of a PostgreSQL database.

    An episode is a transaction: `begin` ends the last one and starts anew from a world; `savepoint` and
    `release` or `rollback` enclose each tool call. Whatever goes wrong with the database is an InfraError.

    Args:
        dsn: Where the server is, as libpq takes it.
        commit: Keep what is written, for people who look at it; else an episode is rolled back when it is over.
        limits: How long the database may take.
    """

    def __init__(self, dsn: str, *, commit: bool = False, limits: Limits | None = None) -> None:
        self.session = Session(dsn, limits)
        self.commit = commit
        self._counts = [0] * len(TABLES)
        self._seq = 0
        self._removed: dict[str, int] = {}  # id to place of what was removed in this episode, to be put back there
        self._world: object = None
        self._inside = False  # whether a transaction is open
        self._failed = False  # whether it is lost: what is to be taken back in it has gone already
        self._begun = 0

    def __getstate__(self) -> dict[str, Any]:
        # A connection cannot travel, and with it goes the world that lies in its schema.
        return self.__dict__ | {"_world": None, "_inside": False}

    def _run(self, statement: bytes, values: Any = None) -> Any:
        if self._begun and not self.session.is_open:  # a new connection would know nothing of the episode
            raise InfraError("the connection of this episode is gone, and the episode with it; begin another")
        try:
            return self._send(statement, values)
        except BaseException:
            self._failed = self._inside
            raise

    def _send(self, statement: bytes, values: Any) -> Any:
        with outages():
            # Two statements in one, as savepoints are sent, cannot be prepared; those with values are, by themselves.
            return self.session.connection().execute(statement, values, prepare=None if values else False)

    # Episodes

    def begin(self, world: object, find: Callable[[str], Iterator[Row]], counts: list[int]) -> None:
        """Start an episode.

        Args:
            world: What the episode starts from; compared by identity with that of the last one.
            find: Gives its rows by table, in creation order.
            counts: How many rows each table has.
        """
        self._begun += 1
        if self.session.is_open:
            try:
                return self._begin(world, find, counts)
            except InfraError:
                pass  # it failed between two episodes, which a new connection may mend
        self._begin(world, find, counts)

    def _begin(self, world: object, find: Callable[[str], Iterator[Row]], counts: list[int]) -> None:
        fresh = not self.session.is_open
        try:
            with outages():
                connection = self.session.connection()
                if self._inside:
                    connection.execute(_ROLLBACK, prepare=False)
                if fresh or world is not self._world:
                    self._load(find, sum(counts))
                elif self.commit:
                    self._reload()
                elif not self._inside:
                    connection.execute(_ASK, prepare=False)  # else nothing would say that the server is gone
                if self._begun % _VACUUM_EVERY == 0:
                    for name in TABLES:
                        connection.execute(STATEMENTS[name].vacuum)
        except BaseException:
            self.abandon()
            raise
        self._world = world
        self._inside = self._failed = False
        self._counts = counts[:]
        self._seq = sum(counts)
        self._removed = {}

    def _load(self, find: Callable[[str], Iterator[Row]], count: int) -> None:
        connection = self.session.connection()
        numbered: dict[str, list[list[Any]]] = {}
        seq = 0
        for name in TABLES:
            numbered[name] = [[*_values(row), place] for place, row in enumerate(find(name), seq)]
            seq += len(numbered[name])
        # A few rows go in one breath; COPY, which pays for many, cannot be part of a pipeline.
        with connection.transaction(), connection.pipeline() if count < _COPY_FROM else nullcontext():
            for name in reversed(TABLES):
                connection.execute(STATEMENTS[name].empty)
            for name, rows in numbered.items():
                if count < _COPY_FROM:
                    connection.cursor().executemany(STATEMENTS[name].insert, rows)
                    continue
                with connection.cursor().copy(STATEMENTS[name].copy) as copy:
                    for values in rows:
                        copy.write_row(values)
            if self.commit:
                for name in TABLES:
                    connection.execute(STATEMENTS[name].empty_base)
                    connection.execute(STATEMENTS[name].to_base)

    def _reload(self) -> None:
        connection = self.session.connection()
        with connection.transaction(), connection.pipeline():
            for name in reversed(TABLES):
                connection.execute(STATEMENTS[name].empty)
            for name in TABLES:
                connection.execute(STATEMENTS[name].from_base)

    def savepoint(self) -> None:
        """Before a tool call; the savepoint of the call before it is let go in the same breath."""
        self._run(_NEXT if self._inside else _FIRST)
        self._inside = True

    def release(self) -> None:
        """After a tool call that worked."""
        if self.commit:
            self._run(_COMMIT)
            self._inside = False

    def rollback(self) -> None:
        """After a tool call that was refused."""
        self._run(_BACK)

    def abandon(self) -> None:
        """Hang up at once: the connection is broken."""
        self.session.abandon()
        self._world, self._inside = None, False

    def close(self) -> None:
        """Drop the schema and hang up; twice is fine."""
        self.session.close()
        self._world, self._inside = None, False

    # The Store protocol

    def get(self, table: str, record: str) -> Row | None:
        """The row with that id, or None."""
        if not _UUID.fullmatch(record):
            return None
        found = self._run(STATEMENTS[table].get, (record,)).fetchone()
        return None if found is None else _row(table, found)

    def add(self, table: str, record: str, row: Row) -> None:
        """Keep a new row, after all others of its table."""
        self._run(STATEMENTS[table].insert, [*_values(row), self._seq])
        self._seq += 1
        self._counts[_POSITION[table]] += 1

    def put(self, table: str, record: str, before: Row | None, after: Row | None) -> None:
        """Replace the row `before` (None: it was removed) by `after` (None: remove it), in its old place."""
        if self._failed:
            return
        if after is None:
            (self._removed[record],) = self._run(STATEMENTS[table].delete, (record,)).fetchone()
            self._counts[_POSITION[table]] -= 1
        elif before is None:
            self._run(STATEMENTS[table].insert, [*_values(after), self._removed.pop(record)])
            self._counts[_POSITION[table]] += 1
        else:
            self._run(STATEMENTS[table].update, [*_values(after)[1:], record])

    def forget(self, table: str, record: str, row: Row) -> None:
        """Take back the `add` that made the row, as if it had never been."""
        if self._failed:
            return
        self._run(STATEMENTS[table].delete, (record,))
        self._counts[_POSITION[table]] -= 1

    def find(self, table: str) -> Iterator[Row]:
        """All rows of a table in creation order."""
        return iter([_row(table, found) for found in self._run(STATEMENTS[table].find).fetchall()])

    def by_unique(self, table: str, field: str, value: str) -> str | None:
        """The id of the row whose unique text is that one, compared trimmed and case-folded."""
        found = self._run(STATEMENTS[table].by_unique[field], (normal(value),)).fetchone()
        return None if found is None else str(found[0])

    def by_ref(self, table: str, field: str, target: str) -> list[str]:
        """The ids of the rows that refer to that record, in the order in which they came to do so."""
        if not _UUID.fullmatch(target):
            return []
        return [record for (record,) in self._run(STATEMENTS[table].by_ref[field], (target,)).fetchall()]

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return self._counts[_POSITION[table]]

    def counts(self) -> list[int]:
        """How many rows each of the eight tables has, in their order; a copy."""
        return self._counts[:]

    def fork(self) -> PostgresStore:
        """Not to be had here.

        Raises:
            UsageError: Always; says what to do instead.
        """
        raise UsageError("a CRM on PostgreSQL cannot be forked; fork the world's own, in memory: task.world.crm.fork()")
