"""The PostgreSQL store keeps to the contract of every store, and to what only a database can promise."""

import json
import os
import pickle
import socket
import time

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from test_store import StoreContract, client, row, uid

from crm_gym.errors import InfraError, UsageError
from crm_gym.schema import TABLES
from crm_gym.store.pg_session import PREFIX, Limits
from crm_gym.store.postgres import PostgresStore

NOTHING = [0] * len(TABLES)


def no_rows(table):
    return iter(())


def begin_empty(store):
    store.begin(object(), no_rows, NOTHING)
    return store


def schemas(dsn):
    with psycopg.connect(dsn) as connection:
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (PREFIX,))
        return {name for (name,) in found}


@pytest.fixture(scope="module")
def opened(pg_server):
    store = PostgresStore(pg_server.dsn)
    yield store
    store.close()


@pytest.fixture
def made(pg_server):
    """Makes stores that are closed at the end."""
    stores = []

    def make(dsn=pg_server.dsn, **more):
        stores.append(PostgresStore(dsn, **more))
        return stores[-1]

    yield make
    for store in stores:
        store.close()


class TestPostgresStore(StoreContract):
    @pytest.fixture
    def store(self, opened):
        return begin_empty(opened)

    def test_it_cannot_be_forked(self, store):
        with pytest.raises(UsageError, match="cannot be forked"):
            store.fork()

    @pytest.mark.parametrize(
        "record",
        ["", "a", "%", "' OR true --", "\x00", "\ud800", uid("a").upper(), uid("a") + "\n", "{" + uid("a") + "}"],
        ids=ascii,
    )
    def test_what_is_no_id_names_no_row(self, store, record):
        self.add(store, client("a"))
        assert store.get("Client", record) is None
        assert store.by_ref("Opportunity", "client_id", record) == []

    def test_what_a_savepoint_encloses_is_released_or_rolled_back(self, store):
        kept = client("a")
        store.savepoint()
        self.add(store, kept)
        store.release()
        store.savepoint()
        self.change(store, kept, name="B")
        store.rollback()
        assert list(store.find("Client")) == [kept]

    @pytest.mark.parametrize("ending", ["release", "rollback"])
    def test_savepoints_do_not_pile_up(self, store, ending):
        """Refused calls by the thousand must not nest subtransactions by the thousand."""
        for _ in range(10):
            store.savepoint()
            getattr(store, ending)()
        connection = store.session.connection()
        connection.execute("RELEASE SAVEPOINT call")
        with pytest.raises(errors.InvalidSavepointSpecification):
            connection.execute("RELEASE SAVEPOINT call")

    def test_the_next_begin_forgets_the_episode(self, store):
        self.add(store, client("a"))
        begin_empty(store)
        assert store.counts() == NOTHING
        assert self.ids(store) == []

    def test_rows_of_a_world_come_by_copy_and_by_insert_alike(self, store):
        for count in (3, 1_500):
            content = "tab\tback\\slash\nnull \\N 'quote' \"double\" {a,b} Zoë"
            rows = [row("Note", str(n), entity_type="Client", entity_id="c", content=content) for n in range(count)]
            world = {"Note": rows}
            counts = [count * (table == "Note") for table in TABLES]
            store.begin(world, lambda table, world=world: iter(world.get(table, ())), counts)
            assert list(store.find("Note")) == rows
            assert store.count("Note") == count


def test_nothing_is_opened_before_it_is_needed(made):
    assert not made("postgresql://nobody@127.0.0.1:1/nowhere").session.is_open


@pytest.mark.parametrize("ending", ["close", "abandon", "travel"])
def test_a_store_without_its_connection_has_no_rows_to_give(made, ending):
    """A new schema, quietly opened in place of the lost one, would look like an empty CRM."""
    store = begin_empty(made())
    if ending == "travel":
        store = pickle.loads(pickle.dumps(store))
    else:
        getattr(store, ending)()
    with pytest.raises(InfraError):
        store.find("Client")
    assert not store.session.is_open


def test_its_schema_is_gone_after_close(made, pg_server):
    store = begin_empty(made())
    assert store.session.schema in schemas(pg_server.dsn)
    store.close()
    store.close()
    assert store.session.schema not in schemas(pg_server.dsn)


def test_a_schema_whose_owner_vanished_is_swept_by_the_next(made, pg_server):
    lost, living = begin_empty(made()), begin_empty(made())
    name = lost.session.schema
    lost.abandon()
    deadline = time.monotonic() + 5
    while name in schemas(pg_server.dsn):  # its lock goes when the server has seen the connection end
        assert time.monotonic() < deadline
        begin_empty(made())
    assert living.session.schema in schemas(pg_server.dsn)


def test_a_pickled_store_leaves_its_connection_behind(made):
    store = begin_empty(made())
    other = pickle.loads(pickle.dumps(store))
    assert not other.session.is_open
    begin_empty(other)
    assert other.session.schema != store.session.schema
    assert store.session.is_open
    other.close()


def test_a_fork_of_the_process_neither_uses_nor_ends_the_connection(made):
    store = begin_empty(made())
    store.add("Client", uid("a"), client("a"))
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            seen = store.session.is_open
            try:
                store.find("Client")
            except InfraError:
                seen = seen or "refused"
            store.close()
            os.write(write, json.dumps(seen).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        assert json.load(pipe) == "refused"
    os.waitpid(child, 0)
    assert [row[0] for row in store.find("Client")] == [uid("a")]


# Time limits


def test_a_statement_that_takes_too_long_is_an_infra_error(made):
    store = begin_empty(made(limits=Limits(statement=1)))
    start = time.monotonic()
    with pytest.raises(InfraError, match="QueryCanceled"):
        store._run(b"SELECT pg_sleep(30)")
    assert time.monotonic() - start < 5


def test_a_lock_that_is_held_is_an_infra_error(made, pg_server):
    store = begin_empty(made(limits=Limits(lock=1)))
    dsn = make_conninfo(pg_server.admin_dsn, dbname=conninfo_to_dict(pg_server.dsn)["dbname"])
    with psycopg.connect(dsn) as other:
        name = sql.Identifier(store.session.schema, "clients")
        other.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
        start = time.monotonic()
        with pytest.raises(InfraError, match="LockNotAvailable"):
            store.find("Client")
        assert time.monotonic() - start < 5


def test_an_idle_transaction_is_ended_by_the_server(made):
    store = begin_empty(made(limits=Limits(idle_in_transaction=1)))
    store.savepoint()
    store.add("Client", uid("a"), client("a"))
    pid = store.session.connection().info.backend_pid
    watcher = begin_empty(made())
    deadline = time.monotonic() + 10
    while watcher._run(b"SELECT FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone() is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    with pytest.raises(InfraError):
        store.find("Client")


def test_the_server_holds_to_the_usual_limits(made):
    store = begin_empty(made())
    seen = {
        name: store._run(b"SELECT current_setting(%s)", (name,)).fetchone()[0]
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    }
    assert seen == {
        "statement_timeout": "10s",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": "1h",
    }


@pytest.mark.parametrize("where", ["refused", "silent"])
def test_a_server_out_of_reach_is_an_infra_error_soon(made, where):
    """A port where nobody listens, and one where a listener never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if where == "refused":
            listener.close()
        store = made(f"postgresql://u@127.0.0.1:{port}/d", limits=Limits(connect=2))
        start = time.monotonic()
        with pytest.raises(InfraError):
            begin_empty(store)
        assert time.monotonic() - start < 5
