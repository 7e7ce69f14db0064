"""Episodes on PostgreSQL are the episodes in memory, byte for byte; what is kept, and for how long."""

import itertools
import json
import pickle
import socket
import time
from pathlib import Path
from types import SimpleNamespace

import digest
import gymnasium as gym
import psycopg
import pytest
from digest import plain
from gymnasium.error import ResetNeeded
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

import crm_gym
from crm_gym import FAMILIES, CrmEnv, InfraError, ToolError, UsageError, backend, load_suite
from crm_gym.schema import TABLES

SUITE = load_suite("golden")
PROTOCOLS = ("decline", "attempt")
COMMITTED = json.loads((Path(__file__).parent / "digests.json").read_text(encoding="ascii"))
SEARCHES = tuple(f"{table}_search" for table in ("client", "contact", "opportunity", "quote", "contract", "company"))
NOWHERE = "7d0c2a4e-5b1f-4c39-9a7e-1f2b3c4d5e6f"
NOISE = (
    "no call at all",
    {"tool": "client_search", "arguments": '{"name": "a", "name": "b"}'},
    {"tool": "no_such_tool", "arguments": {}},
    {"tool": "client_search", "arguments": {"name": "%"}},
    {"tool": "quote_details", "arguments": {"quote_id": NOWHERE}},
    {"tool": "modify_client", "arguments": {"id": "x' OR true --", "updates": {"name": "\x00"}}},
    {"tool": "summarize_opportunities", "arguments": {"name": "_"}},
    {"tool": "decline", "arguments": {"code": "no_such_code"}},
)


def make(dsn=None, **more):
    """The bare environment; in memory without a DSN."""
    return CrmEnv(**({} if dsn is None else {"backend": dsn}), **more)


@pytest.fixture
def made(pg_server):
    """Makes environments on the server that are closed at the end."""
    envs = []

    def made(dsn=pg_server.dsn, **more):
        envs.append(make(dsn, **more))
        return envs[-1]

    yield made
    for env in envs:
        env.close()


@pytest.fixture(scope="module")
def pairs(pg_server):
    """For each protocol an environment in memory and one on the server."""
    pairs = {protocol: (make(refusals=protocol), make(pg_server.dsn, refusals=protocol)) for protocol in PROTOCOLS}
    yield pairs
    for _, env in pairs.values():
        env.close()


def action(call):
    return {"tool": call.tool, "arguments": call.arguments}


def rows(env):
    return {table: list(env.crm.find(table)) for table in TABLES}


def store_of(env):
    return env._backend._store


def schema_of(env):
    return store_of(env).session.schema


def schemas(dsn):
    with psycopg.connect(dsn) as connection:
        return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}


def see(connection, env, table="Client"):
    """The ids of a table's rows, as somebody else sees them."""
    name = sql.Identifier(schema_of(env), TABLES[table].plural)
    key = sql.Identifier(TABLES[table].key)
    return [i for (i,) in connection.execute(sql.SQL("SELECT {}::text FROM {} ORDER BY seq").format(key, name))]


def ids(env, table="Client"):
    return [row[0] for row in env.crm.find(table)]


@pytest.fixture
def other(pg_server):
    with psycopg.connect(pg_server.dsn, autocommit=True) as connection:
        yield connection


def taken_address(env):
    """A call refused by what is in the database."""
    mail = next((row.email for row in env.crm.find("Client")), "x")
    fields = {"name": "Twin", "email": mail.upper(), "status": "Active"}
    return {"tool": "create_new_client", "arguments": fields}


# Every golden task, in lockstep


def lockstep(pair, task, number):
    """Play a task on both: look-ups, searches, a refused call, noise, then the solution; gives how many steps."""
    memory, postgres = pair
    seed = {"seed": number, "options": {"task_id": task.id}}
    assert plain(memory.reset(**seed)) == plain(postgres.reset(**seed)), task.id
    looks = [action(call) for call in memory.task.lookups]
    search = {"tool": SEARCHES[number % len(SEARCHES)], "arguments": {"limit": 100}}
    noise = [NOISE[number % len(NOISE)], NOISE[(number * 3 + 1) % len(NOISE)]]
    script = [*looks, search, taken_address(memory), *noise, *map(action, memory.task.solution)]
    for step, sent in enumerate(script):
        ours, theirs = memory.step(sent), postgres.step(sent)
        where = f"{task.id}, step {step}: {sent!a}"
        assert plain(ours) == plain(theirs), where
        assert memory.crm.state_hash() == postgres.crm.state_hash(), where
        assert memory.verdict == postgres.verdict, where
        assert memory.crm.counts() == postgres.crm.counts(), where
        if ours[2]:
            break
    assert ours[4]["is_success"], task.id
    assert rows(memory) == rows(postgres), task.id
    assert postgres.crm.recomputed_hash() == postgres.crm.state_hash() == memory.crm.recomputed_hash(), task.id
    assert memory.crm.journal.changes == postgres.crm.journal.changes, task.id
    return step + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("family", FAMILIES)
def test_every_golden_task_is_the_same_on_both(pairs, family, protocol):
    tasks = [task for task in SUITE if task.family == family]
    if protocol == "attempt":  # it makes a difference for refused tasks alone
        tasks = [task for task in tasks if task.polarity == "refused"]
    steps = sum(lockstep(pairs[protocol], task, number) for number, task in enumerate(tasks))
    assert steps >= 4 * len(tasks) > 0


def test_rows_after_a_refused_call_are_the_rows_before_it(made):
    env = made()
    env.reset(seed=0)
    before = rows(env)
    *_, info = env.step(taken_address(env))
    assert info["error"]["code"] == "duplicate_email"
    assert rows(env) == before


# Determinism


def test_seeded_episodes_have_the_digest_of_those_in_memory(made, pg_server, monkeypatch):
    envs = []

    def kept(env_id, **keywords):
        envs.append(gym.make(env_id, backend=pg_server.dsn, **keywords))
        return envs[-1]

    monkeypatch.setattr(digest, "gym", SimpleNamespace(make=kept))
    assert digest.single(0, digest.GROUP) == COMMITTED[f"episodes 0-{digest.GROUP - 1}"]
    for env in envs:
        env.close()


def test_a_vector_of_environments_has_the_digest_of_that_in_memory(pg_server, monkeypatch):
    before = schemas(pg_server.dsn)
    monkeypatch.setitem(digest.KEYWORDS, "backend", pg_server.dsn)
    assert digest.vector("sync") == COMMITTED["vector"]
    assert schemas(pg_server.dsn) <= before


def test_environments_on_one_server_do_not_see_each_other(pg_server):
    envs = crm_gym.make_vec("CrmEnv-v0", num_envs=3, backend=pg_server.dsn)
    try:
        envs.reset(seed=[1, 1, 1])
        bare = [env.unwrapped for env in envs.envs]
        assert len({schema_of(env) for env in bare}) == 3
        for call in bare[0].task.solution:
            bare[0].step(action(call))
        assert rows(bare[1]) == rows(bare[2])
    finally:
        envs.close()


# commit=True

WRITING = next(task for task in SUITE if task.family == "create_new_client" and task.polarity == "accepted")


def new_client(number):
    fields = {"name": f"New {number}", "email": f"new{number}@new.example", "status": "Active"}
    return {"tool": "create_new_client", "arguments": fields}


def test_what_is_committed_is_seen_after_each_call_and_gone_after_reset(made, other):
    env, twin = made(commit=True, ends_on="finish"), make(ends_on="finish")
    for episode in range(3):
        for one in (env, twin):
            one.reset(seed=episode, options={"task_id": WRITING.id})
        start = ids(twin)
        assert see(other, env) == start
        for number in range(3):
            assert plain(env.step(new_client(number))) == plain(twin.step(new_client(number)))
            assert see(other, env) == ids(twin) != start
            assert plain(env.step(taken_address(twin))) == plain(twin.step(taken_address(twin)))
            assert see(other, env) == ids(twin)
        assert rows(env) == rows(twin)
        assert env.crm.recomputed_hash() == twin.crm.state_hash()


def test_without_commit_nobody_else_sees_anything(made, other):
    env = made(ends_on="finish")
    env.reset(seed=0, options={"task_id": WRITING.id})
    start = see(other, env)
    env.step(new_client(1))
    assert len(ids(env)) == len(start) + 1
    assert see(other, env) == start
    env.reset(seed=1, options={"task_id": WRITING.id})
    assert ids(env) == see(other, env) == start


@pytest.mark.parametrize("commit", [True, False])
def test_reset_never_truncates(made, other, commit):
    """TRUNCATE gives a table a new file, and waits for everybody who is reading."""
    env = made(commit=commit, ends_on="finish")
    env.reset(seed=0, options={"task_id": WRITING.id})
    asked = "SELECT relname, relfilenode FROM pg_class WHERE relnamespace = %s::regnamespace ORDER BY relname"
    files = other.execute(asked, (schema_of(env),)).fetchall()
    assert len(files) > 16
    with other.transaction():
        see(other, env)  # holds a reader's lock on the table from here on
        for seed, task in itertools.product(range(3), (WRITING, SUITE[-1])):
            env.reset(seed=seed, options={"task_id": task.id})
            *_, truncated, _ = env.step(new_client(seed))
            assert not truncated
    assert other.execute(asked, (schema_of(env),)).fetchall() == files


# One call, all or nothing

_DELETIONS = [task for task in SUITE if task.family == "delete_opportunity" and task.polarity == "accepted"]
DELETING = max(_DELETIONS, key=lambda task: len(task.goal.changes))


class Failing:
    """A store's `put` that fails at the last of so many writes and from then on does nothing at all."""

    def __init__(self, put, last, fault):
        self.put, self.left, self.fault = put, last, fault

    def __call__(self, *given):
        self.left -= 1
        if self.left > 0:
            return self.put(*given)
        if self.left == 0:
            raise self.fault
        return None


@pytest.mark.parametrize("commit", [True, False])
@pytest.mark.parametrize("fault", [ToolError("not_found", "id", "no more"), InfraError("gone")], ids=["tool", "infra"])
def test_a_call_that_fails_at_its_last_write_leaves_everything_as_before(made, other, monkeypatch, commit, fault):
    """Nothing is taken back by hand here: what undoes the writes is the savepoint, or the end of the transaction."""
    env = made(commit=commit)
    env.reset(seed=0, options={"task_id": DELETING.id})
    before, seen = rows(env), {table: see(other, env, table) for table in TABLES}
    writes = len(DELETING.goal.changes)
    assert writes > 2
    store = store_of(env)
    monkeypatch.setattr(store, "put", Failing(store.put, writes, fault))
    (call,) = DELETING.solution
    _, reward, terminated, truncated, info = env.step(action(call))
    assert reward == 0.0
    assert not info["is_success"]
    assert not terminated
    if isinstance(fault, ToolError):
        assert info["error"]["code"] == "not_found"
        assert rows(env) == before
        assert {table: see(other, env, table) for table in TABLES} == seen
    else:
        assert truncated
        assert info["infra_error"] == "gone"
    monkeypatch.undo()
    env.reset(seed=0, options={"task_id": DELETING.id})
    assert rows(env) == before
    *_, info = env.step(action(call))
    assert info["is_success"]


# Coming, going, travelling


def test_a_pickled_environment_connects_by_itself(made):
    env = made(ends_on="finish")
    env.reset(seed=3, options={"task_id": WRITING.id})
    env.step(new_client(1))
    other = pickle.loads(pickle.dumps(env))
    with pytest.raises(ResetNeeded):
        other.step(new_client(2))
    try:
        twin = make(ends_on="finish")
        for seed in (5, None, None):
            assert plain(other.reset(seed=seed)) == plain(twin.reset(seed=seed))
            assert plain(other.step(new_client(2))) == plain(twin.step(new_client(2)))
            assert rows(other) == rows(twin)
        assert schema_of(other) != schema_of(env)
    finally:
        other.close()
    assert len(env.crm.journal) == 1
    assert env.crm.recomputed_hash() == env.crm.state_hash()


def test_an_environment_not_reset_yet_opens_nothing():
    env = make("postgresql://nobody@127.0.0.1:1/nowhere")
    other = pickle.loads(pickle.dumps(env))
    for one in (env, other):
        assert store_of(one) is None
        one.close()


def test_its_schema_is_gone_after_close_and_a_reset_makes_a_new_one(made, pg_server):
    env = made()
    env.reset(seed=0)
    first = schema_of(env)
    assert first in schemas(pg_server.dsn)
    env.close()
    env.close()
    assert first not in schemas(pg_server.dsn)
    with pytest.raises(ResetNeeded):
        env.step(new_client(1))
    env.reset(seed=0)
    assert schema_of(env) != first
    assert env.crm.recomputed_hash() == env.crm.state_hash()


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"backend": "mysql://x"}, "mysql://x"),
        ({"backend": "postgres"}, "known are"),
        ({"backend": ""}, "known are"),
        ({"backend": None}, "known are"),
        ({"backend": 5}, "known are"),
        ({"backend": "memory"}, "memory:"),
        ({"commit": True}, "needs a database"),
        ({"backend": "memory:", "commit": True}, "needs a database"),
        ({"backend": "postgresql://x", "commit": "yes"}, "true or false"),
        ({"backend": "postgresql://x", "commit": 1}, "true or false"),
        ({"commit": None}, "true or false"),
    ],
)
def test_usage_errors(keywords, said):
    with pytest.raises(UsageError, match=said):
        CrmEnv(**keywords)


def test_without_psycopg_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(backend, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"crm-gym\[postgres\]"):
        CrmEnv(backend="postgresql://x")
    CrmEnv()


# Time limits


def test_a_held_lock_ends_the_episode_and_the_next_reset_works(made, pg_server):
    env = made()
    env.reset(seed=0, options={"task_id": WRITING.id})
    dsn = make_conninfo(pg_server.admin_dsn, dbname=conninfo_to_dict(pg_server.dsn)["dbname"])
    with psycopg.connect(dsn) as holder:
        name = sql.Identifier(schema_of(env), "clients")
        holder.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(name))
        start = time.monotonic()
        _, reward, terminated, truncated, info = env.step(new_client(1))
        assert time.monotonic() - start < 5
    assert (reward, terminated, truncated, info["is_success"]) == (0.0, False, True, False)
    assert "LockNotAvailable" in info["infra_error"]
    with pytest.raises(ResetNeeded):
        env.step(new_client(1))
    env.reset(seed=0, options={"task_id": WRITING.id})
    *_, truncated, info = env.step(new_client(1))
    assert not truncated
    assert "infra_error" not in info


def test_a_statement_that_takes_too_long_ends_the_episode(made, monkeypatch):
    env = made()
    env.reset(seed=0, options={"task_id": WRITING.id})
    store = store_of(env)
    store.session.connection().execute("SET statement_timeout = '300ms'")
    monkeypatch.setattr(store, "by_unique", lambda *given: store._run(b"SELECT pg_sleep(30)"))
    start = time.monotonic()
    _, reward, terminated, truncated, info = env.step(new_client(1))
    assert time.monotonic() - start < 5
    assert (reward, terminated, truncated, info["is_success"]) == (0.0, False, True, False)
    assert "QueryCanceled" in info["infra_error"]


def test_a_server_that_is_not_there_is_an_infra_error_within_seconds():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    env = make(f"postgresql://u@127.0.0.1:{port}/d")
    start = time.monotonic()
    with pytest.raises(InfraError):
        env.reset(seed=0)
    assert time.monotonic() - start < 5
    with pytest.raises(ResetNeeded):
        env.step(new_client(1))
    env.close()
