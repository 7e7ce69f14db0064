"""A PostgreSQL server to play on, without Docker.

    with crm_gym.postgres.server() as pg:
        env = gym.make("CrmEnv-v0", backend=pg.dsn)

The ladder: the server of CRM_GYM_PG_DSN if that is set; else a private one, from programs of this machine; else one
from the optional wheel; else a ServerError that says what to install.
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from types import TracebackType

from crm_gym import postgres_server as machine
from crm_gym.errors import UsageError
from crm_gym.postgres_place import Place, release, usual_place
from crm_gym.postgres_programs import ServerError, account
from crm_gym.postgres_server import ADMIN, APP
from crm_gym.postgres_supervisor import is_ready

VARIABLE = "CRM_GYM_PG_DSN"
"""Environment variable with the DSN of a server to use; nothing is started or stopped then."""

_CONNECT_SECONDS = 5
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


class Server:
    """A server to play on; made by `server`.

    Attributes:
        name: Its name, or "" for the one of CRM_GYM_PG_DSN.
        dsn: How to connect as the application role, which may make schemas and nothing else.
        admin_dsn: How to connect as the superuser; as `dsn` for the one of CRM_GYM_PG_DSN, where we know none.
        place: Its folder, or None for the one of CRM_GYM_PG_DSN.
    """

    def __init__(self, name: str, place: Place | None, dsn: str = "", users: int = -1) -> None:
        self.name = name
        self.place = place
        self.dsn = place.dsn(APP) if place else dsn
        self.admin_dsn = place.dsn(ADMIN) if place else dsn
        self._users = users

    @property
    def running(self) -> bool:
        """Whether it takes connections."""
        return is_ready(self.place.data) if self.place else is_reachable(self.dsn)

    def stop(self) -> None:
        """Use it no more. It is stopped unless others use it, or `crm-gym db up` started it; twice does nothing."""
        if self.place:
            users, self._users = self._users, -1
            machine.leave(self.place, users)

    def restart(self, *, at_once: bool = False) -> None:
        """Stop and start it, whoever uses it.

        Args:
            at_once: Stop it as a crash does, without a shutdown.
        """
        place = self._private("restarted")
        with place.alone():
            machine.stop(place, signal.SIGQUIT if at_once else signal.SIGINT)
            machine.start(place, seconds=30.0)

    def purge(self) -> None:
        """Stop it whoever uses it, and remove its data."""
        place = self._private("removed")
        self.stop()
        machine.take_down(place, purge=True)

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _private(self, done: str) -> Place:
        if self.place is None:
            raise UsageError(f"the server of {VARIABLE} is not ours to be {done}")
        return self.place


def server(
    name: str = "default", *, folder: str | Path | None = None, timeout: float = 30.0, keep: bool = False
) -> Server:
    """A running server, to be used in a `with` block or until `stop`.

    Processes that ask for the same name share one; it stops when the last of them stops using it or ends, killed or
    not. Its data are kept for the next time.

    Args:
        name: Which one: lower-case letters, digits, - and _. Servers of different names run side by side.
        folder: Where it lives, instead of the user's cache folder.
        timeout: How many seconds it may take, once its data are made, until it takes connections.
        keep: Whether it is to stay until it is taken down, as with `crm-gym db up`.

    Raises:
        ServerError: No server can be had; says what to do.
        UsageError: The name is no such name.
    """
    if dsn := os.environ.get(VARIABLE):
        return Server("", None, dsn)
    need_psycopg()
    place = place_of(name, folder)
    with place.alone():
        users = machine.join(place, timeout, keep=keep)
        made = Server(name, place, users=users)
        try:
            _provide_role(made.admin_dsn)
        except BaseException:
            release(users)
            raise
    return made


def need_psycopg() -> None:
    """Raise a ServerError that names the missing extra, if it is missing."""
    try:
        import psycopg  # noqa: F401
    except ImportError as fault:
        raise ServerError(f"psycopg cannot be loaded ({fault}): pip install 'crm-gym[postgres]'") from fault


def place_of(name: str, folder: str | Path | None = None) -> Place:
    """The folder of the private server of a name, whether it exists or not."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"a server's name has at most 40 lower-case letters, digits, - and _; got {name!r}")
    owner = account()
    return Place(Path(folder), owner) if folder is not None else usual_place(name, owner)


def is_reachable(dsn: str) -> bool:
    """Whether a server takes our connection."""
    import psycopg

    try:
        psycopg.connect(dsn, connect_timeout=_CONNECT_SECONDS).close()
    except psycopg.Error:
        return False
    return True


def drop_schemas(dsn: str) -> list[str]:
    """Drop every schema of the role that a DSN connects as, with all that is in it; gives their names.

    Raises:
        ServerError: The role is a superuser, a schema is in use, or there is no connection.
    """
    import psycopg
    from psycopg import sql

    try:
        with psycopg.connect(dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            if connection.execute(_IS_SUPERUSER).fetchone() == (True,):
                raise ServerError("the DSN connects as a superuser: what belongs to it is not for a reset to drop")
            names = [name for (name,) in connection.execute(_OWN_SCHEMAS)]
            connection.execute("SET lock_timeout = '2s'")
            for name in names:
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(name)))
    except psycopg.errors.LockNotAvailable:
        raise ServerError(f"schema {name} is in use: close the environments that play on this server") from None
    except psycopg.Error as fault:
        raise ServerError(f"the database said: {fault}") from fault
    return names


_IS_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
_OWN_SCHEMAS = """
SELECT nspname FROM pg_namespace JOIN pg_roles ON pg_roles.oid = nspowner
WHERE rolname = current_user AND nspname NOT IN ('public', 'information_schema') AND NOT starts_with(nspname, 'pg_')
ORDER BY nspname
"""
_PROVIDED = (
    ("SELECT FROM pg_roles WHERE rolname = 'crm_app'", "CREATE ROLE crm_app"),
    ("SELECT FROM pg_database WHERE datname = 'crm_sandbox'", "CREATE DATABASE crm_sandbox"),
)
_GRANTED = (
    "SET synchronous_commit = on",  # a crash right after must not undo it
    "ALTER ROLE crm_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS",
    "REVOKE ALL ON DATABASE crm_sandbox, postgres, template1 FROM PUBLIC",
    "GRANT CONNECT, CREATE ON DATABASE crm_sandbox TO crm_app",
)


def _provide_role(admin_dsn: str) -> None:
    """Make the application role and its database, unless they are there; may be done again."""
    import psycopg

    try:
        with psycopg.connect(admin_dsn, dbname=ADMIN, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            for look, make in _PROVIDED:
                if connection.execute(look).fetchone() is None:
                    connection.execute(make)
            for statement in _GRANTED:
                connection.execute(statement)
        with psycopg.connect(admin_dsn, autocommit=True, connect_timeout=_CONNECT_SECONDS) as connection:
            connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    except psycopg.Error as fault:
        raise ServerError(f"the role {APP} cannot be made: {fault}") from fault
