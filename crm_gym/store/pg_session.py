"""A connection to PostgreSQL with a schema of its own: opened late, limited in time, swept when its owner is gone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from crm_gym import ddl
from crm_gym.errors import InfraError
from crm_gym.ids import random_id

PREFIX = "crm_env_"
_SWEEP_WAITS = "SET lock_timeout = '200ms'"  # somebody may be looking at what is left; it is swept another time
_LOCK_SPACE = 0x43524D  # first half of the advisory lock's key: "CRM"
_INHERITED: list[psycopg.Connection] = []  # a parent's, kept after a fork: to let go of one unclosed is a warning


@dataclass(frozen=True)
class Limits:
    """How long the database may take, in seconds."""

    connect: int = 5
    statement: int = 10
    lock: int = 2
    idle_in_transaction: int = 3_600  # an agent thinks between two calls, and people do too

    def options(self) -> str:
        """The limits as options of a connection; the server holds to them."""
        return (
            f"-c statement_timeout={self.statement}s -c lock_timeout={self.lock}s"
            f" -c idle_in_transaction_session_timeout={self.idle_in_transaction}s"
            " -c timezone=UTC -c datestyle=ISO -c client_min_messages=warning"
        )


_SAID: tuple[tuple[type[psycopg.Error], str], ...] = (  # the first that fits
    (errors.LockNotAvailable, "another connection kept a lock on the records for too long"),
    (errors.QueryCanceled, "a statement took too long, or somebody cancelled it"),
    (errors.IdleInTransactionSessionTimeout, "the episode stood still for longer than the database allows"),
    (psycopg.OperationalError, "the database cannot be reached, or hung up"),
    (psycopg.Error, "the database failed"),
)


@contextmanager
def outages() -> Iterator[None]:
    """Turn what the database raises into an InfraError: none of it is the agent's doing."""
    try:
        yield
    except psycopg.Error as fault:
        said = next(sentence for kind, sentence in _SAID if isinstance(fault, kind))
        first = str(fault).strip().split("\n")[0]
        raise InfraError(f"{said} ({type(fault).__name__}: {first})") from fault


class Session:
    """One connection and one schema.

    Both are made when first asked for, in the process that asks: a connection does not survive a fork. The
    schema is named at random and held by an advisory lock; whoever starts a session sweeps schemas whose
    lock nobody holds any more.

    Args:
        dsn: Where the server is, as libpq takes it. Its own `options` win over the limits.
        limits: How long the database may take.
    """

    def __init__(self, dsn: str, limits: Limits | None = None) -> None:
        self.dsn = dsn
        self.limits = limits or Limits()
        self.schema = ""
        self._connection: psycopg.Connection | None = None
        self._pid = 0

    def __getstate__(self) -> dict[str, object]:
        return {"dsn": self.dsn, "limits": self.limits, "schema": "", "_connection": None, "_pid": 0}

    @property
    def is_open(self) -> bool:
        """Whether there is a connection of this process that is not known to be broken."""
        return self._connection is not None and self._pid == os.getpid() and not self._connection.closed

    def connection(self) -> psycopg.Connection:
        """The connection; opened, with a fresh schema, if there is none in this process."""
        if not self.is_open or self._connection is None:
            self._open()
        assert self._connection is not None
        return self._connection

    def _open(self) -> None:
        given = conninfo_to_dict(self.dsn).get("options", "")
        info = make_conninfo(
            self.dsn, connect_timeout=self.limits.connect, options=f"{self.limits.options()} {given}".strip()
        )
        connection = psycopg.connect(info, autocommit=True)
        try:
            sweep(connection)
            self.schema = PREFIX + random_id().replace("-", "")
            _hold(connection, self.schema)
            connection.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(self.schema)))
            connection.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(self.schema)))
            connection.execute(sql.SQL(ddl.env_sql()))
        except BaseException:
            connection.close()
            raise
        self._release()  # of a parent, or broken
        self._connection, self._pid = connection, os.getpid()

    def _release(self) -> psycopg.Connection | None:
        """Take the connection away from here; None if there is none, or if it is a parent's and not ours to close."""
        connection, self._connection = self._connection, None
        if connection is not None and self._pid != os.getpid():
            _INHERITED.append(connection)
            return None
        return connection

    def close(self) -> None:
        """Drop the schema and hang up. Closing twice, or after an outage, is fine."""
        connection = self._release()
        if connection is None:
            return
        try:
            if not connection.closed:
                connection.rollback()
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(self.schema)))
        except psycopg.Error:
            pass  # the server is gone or going; the next session sweeps
        finally:
            connection.close()

    def abandon(self) -> None:
        """Hang up without a word: the connection is broken. Its schema is swept by the next session."""
        connection = self._release()
        if connection is not None:
            connection.close()


def _hold(connection: psycopg.Connection, schema: str) -> None:
    connection.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", (_LOCK_SPACE, schema))


def sweep(connection: psycopg.Connection) -> list[str]:
    """Drop the schemas of sessions that are gone; returns their names. The connection must be in autocommit."""
    rows = connection.execute(
        "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s) AND pg_has_role(nspowner, 'USAGE')", (PREFIX,)
    ).fetchall()
    gone = []
    connection.execute(_SWEEP_WAITS)
    for (schema,) in rows:
        got = connection.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_LOCK_SPACE, schema)).fetchone()
        if got is None or not got[0]:
            continue  # its owner lives
        try:
            connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
            gone.append(schema)
        except errors.LockNotAvailable:
            continue
        finally:
            connection.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (_LOCK_SPACE, schema))
    connection.execute("RESET lock_timeout")
    return gone
