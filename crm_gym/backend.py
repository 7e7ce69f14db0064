"""Where an environment keeps its records: in memory, or on PostgreSQL, one schema an environment."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from crm_gym.crm import Crm
from crm_gym.errors import UsageError
from crm_gym.tasks.task import Task
from crm_gym.tools import outcome
from crm_gym.tools.base import Outcome

if TYPE_CHECKING:
    from crm_gym.store.postgres import PostgresStore

MEMORY = "memory:"
_SCHEMES = ("postgresql://", "postgres://")


class PostgresBackend:
    """Episodes on a PostgreSQL server.

    Args:
        dsn: Where it is, as a URL.
        commit: Keep what the agent wrote, for people who look at it with psql.
    """

    def __init__(self, dsn: str, commit: bool) -> None:
        self.dsn, self.commit = dsn, commit
        self._store: PostgresStore | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"dsn": self.dsn, "commit": self.commit, "_store": None}  # the other process connects by itself

    def open(self, task: Task, number: int) -> Crm:
        """The CRM of a new episode; the last one's changes are gone.

        Raises:
            InfraError: If the server cannot be had.
        """
        if self._store is None:
            from crm_gym.store.postgres import PostgresStore  # needs the extra `postgres`

            self._store = PostgresStore(self.dsn, commit=self.commit)
        world = task.world.crm
        self._store.begin(task.world, world.find, world.counts())
        return world.fork(number, self._store)

    def play(self, crm: Crm, name: str, arguments: Mapping[str, Any]) -> Outcome:
        """One tool call between savepoints: all of it happens, or none.

        Raises:
            InfraError: If the server fails; the connection is given up, and with it the episode's transaction.
        """
        store = self._store
        assert store is not None
        try:
            store.savepoint()
            came = outcome(crm, name, arguments)
            if came[1] is None:
                store.release()
            else:
                store.rollback()
        except BaseException:  # an interrupt too: what it cut short must not go on half done
            store.abandon()
            raise
        return came

    def close(self) -> None:
        """Drop the schema and hang up; twice is fine."""
        if self._store is not None:
            self._store.close()


def backend_of(name: str, commit: bool) -> PostgresBackend | None:
    """The backend of that name; None for the in-memory one, which needs nothing.

    Raises:
        UsageError: If there is none of that name, or what it needs is not installed.
    """
    if type(commit) is not bool:
        raise UsageError(f"commit must be true or false; got {commit!r}")
    if name == MEMORY:
        if commit:
            raise UsageError("commit=True needs a database: backend='postgresql://...'")
        return None
    if not isinstance(name, str) or not name.startswith(_SCHEMES):
        raise UsageError(f"backend {name!r} does not exist; known are 'memory:' and 'postgresql://...'")
    if find_spec("psycopg") is None:
        raise UsageError("backend 'postgresql://...' needs psycopg: pip install 'crm-gym[postgres]'")
    _check(name)
    return PostgresBackend(name, commit)


def _check(dsn: str) -> None:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        conninfo_to_dict(dsn)
    except psycopg.ProgrammingError:  # its message may quote the password
        raise UsageError("backend is no DSN that libpq reads, such as 'postgresql://user@host:5432/name'") from None
