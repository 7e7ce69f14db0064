"""A database that fails in mid-episode: told apart from the agent, never rewarded, nothing half written."""

import re
import shutil
import socket
import tempfile
import time
from pathlib import Path

import gymnasium as gym
import psycopg
import pytest
from gymnasium.error import ResetNeeded
from psycopg import sql

import crm_gym
from crm_gym import InfraError, UsageError, load_suite
from crm_gym.postgres import VARIABLE, server
from crm_gym.schema import TABLES
from crm_gym.store.pg_session import PREFIX, Limits, sweep
from crm_gym.store.postgres import STATEMENTS, PostgresStore, _row

SECONDS = 5.0  # in which a reset must work again
EPISODES = 50
COSTS = {"success": 1.0, "failure": -1.0, "progress": 0.5, "step": -0.1, "refused": -0.1}
MODES = pytest.mark.parametrize("commit", [False, True], ids=["rolled_back", "kept"])


# What the tests do to a server, as its superuser


@pytest.fixture(scope="module")
def admin(pg_server):
    with psycopg.connect(pg_server.admin_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module", autouse=True)
def before_all(pg_server):
    """The schemas of whoever else is on the server."""
    return schemas_on(pg_server.dsn)


def session_of(env):
    return env._backend._store.session


def pid_of(env):
    return session_of(env).connection().info.backend_pid


def terminate(admin, pid):
    """End a backend and wait until it is gone."""
    assert admin.execute("SELECT pg_terminate_backend(%s)", (pid,)).fetchone() == (True,)
    wait_for_end(admin, pid)


def wait_for_end(admin, pid):
    deadline = time.monotonic() + SECONDS
    while admin.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s", (pid,)).fetchone():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def rows_in(admin, schema):
    """What anybody else sees in a schema, by table, in creation order."""
    admin.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(schema)))
    admin.execute("SET timezone TO 'UTC'")
    return {name: [_row(name, row) for row in admin.execute(STATEMENTS[name].find)] for name in TABLES}


def rows_of(crm):
    return {name: list(crm.find(name)) for name in TABLES}


def schemas_on(dsn):
    """The schemas of environments on a server, once what nobody lives in has been swept."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        sweep(connection)
        found = connection.execute("SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s)", (PREFIX,))
        return {name for (name,) in found}


def wait_until_gone(dsn, schema=None, others=frozenset()):
    """A backend that was hung up on ends a moment later; then its schema can be swept."""
    deadline = time.monotonic() + SECONDS
    while (schema in schemas_on(dsn)) if schema else (schemas_on(dsn) - others):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def with_options(dsn, **options):
    """The DSN with settings of its own, which win over the limits."""
    words = "%20".join(f"-c%20{name}%3D{value}" for name, value in options.items())
    return f"{dsn}&options={words}"


# What the tests hold of an episode


def make(backend="memory:", **keywords):
    return gym.make("CrmEnv-v0", backend=backend, disable_env_checker=True, **keywords).unwrapped


@pytest.fixture
def make_env(pg_server):
    """Makes environments on the server of the run, and closes them."""
    made = []

    def one(dsn=pg_server.dsn, **keywords):
        made.append(make(dsn, **keywords))
        return made[-1]

    yield one
    for env in made:
        env.close()


def begin(env, task, seed=3):
    began = time.monotonic()
    came = env.reset(seed=seed, options={"task_id": task})
    assert time.monotonic() - began < SECONDS
    return came


def calls_of(env):
    return [*env.task.lookups, *env.task.solution]


def expect_outage(env, action, match=""):
    """A step that meets an outage: over, paid nothing, said to be nobody's fault."""
    observation, reward, terminated, truncated, info = env.step(action)
    assert (reward, terminated, truncated) == (0.0, False, True)
    assert type(reward) is float
    assert info["infra_error"]
    assert re.search(match, info["infra_error"]), info["infra_error"]
    assert info["is_success"] is False
    assert set(info["reward_terms"].values()) == {0.0}
    assert info["error"] == {"code": "", "field": "", "message": ""}
    assert observation in env.observation_space
    assert (observation["error_code"], observation["result"]) == ("", "")
    with pytest.raises(ResetNeeded):
        env.step(action)


def expect_normal(env, task):
    """The next episode: reset in time, every call as in memory, won."""
    twin = make()
    begin(twin, task)
    begin(env, task)
    for call in calls_of(env):
        came, meant = env.step(call), twin.step(call)
        assert "infra_error" not in came[4]
        assert came[1:] == meant[1:]
        assert came[0]["result"] == meant[0]["result"]
    assert came[1:4] == (1.0, True, False)
    assert came[4]["is_success"]
    assert env.crm.state_hash() == env.crm.recomputed_hash() == twin.crm.state_hash()


def after(task, count):
    """The rows after so many calls, as memory has them."""
    twin = make()
    begin(twin, task)
    for call in calls_of(twin)[:count]:
        assert twin.step(call)[4]["error"]["code"] == ""
    return rows_of(twin.crm)


# A connection lost between two calls


def _cases():
    """Pairs of task and step: of every tool the task with most calls, each step of it, in turn kept or rolled back."""
    longest = {}
    for task in load_suite("golden"):
        if (
            task.solution[-1].tool != "decline"
            and len(task.solution) + len(task.lookups) > longest.get(task.family, (0, ""))[0]
        ):
            longest[task.family] = len(task.solution) + len(task.lookups), task.id
    pairs = [(name, step) for count, name in longest.values() for step in range(count)]
    # Every first step, every last one, then what lies between, as far as it goes.
    ends = [(name, count - 1) for count, name in longest.values() if count > 1]
    firsts = [(name, 0) for _, name in longest.values()]
    chosen = [*firsts, *ends, *(pair for pair in pairs if pair not in firsts and pair not in ends)]
    return [(*pair, number % 2 == 1) for number, pair in enumerate(chosen[:EPISODES])]


CASES = _cases()


@pytest.fixture(scope="module")
def pair(pg_server):
    """Two environments that go through all of it: one rolls back, one keeps."""
    envs = {commit: make(pg_server.dsn, commit=commit) for commit in (False, True)}
    yield envs
    for env in envs.values():
        env.close()


def test_the_cases_are_many_and_different():
    assert len(set(CASES)) == EPISODES
    assert len({load_suite("golden", (task,))[0].family for task, _, _ in CASES}) == len(
        {task.family for task in load_suite("golden")}
    )
    assert {step for _, step, _ in CASES} >= {0, 1, 2, 3}


@pytest.mark.parametrize(("task", "step", "commit"), CASES)
def test_a_backend_terminated_at_a_step(admin, pair, task, step, commit):
    env = pair[commit]
    begin(env, task)
    calls = calls_of(env)
    for call in calls[:step]:
        assert "infra_error" not in env.step(call)[4]
    schema = session_of(env).schema
    terminate(admin, pid_of(env))
    expect_outage(env, calls[step], "cannot be reached|hung up")
    assert rows_in(admin, schema) == after(task, step if commit else 0)
    expect_normal(env, task)
    assert session_of(env).schema != schema


@MODES
def test_a_backend_terminated_before_every_ending(admin, make_env, commit):
    """An ending asks the database nothing; that it is gone is noticed all the same."""
    env = make_env(commit=commit, reward=COSTS)
    for suite, tool in (("golden", "respond"), ("refusals", "decline")):
        begin(env, next(task.id for task in load_suite(suite) if task.solution[-1].tool == tool))
        for call in calls_of(env)[:-1]:
            env.step(call)
        terminate(admin, pid_of(env))
        expect_outage(env, calls_of(env)[-1])


@MODES
def test_success_that_is_only_paid_at_the_end_is_not_paid_by_an_outage(admin, make_env, commit):
    env = make_env(commit=commit, ends_on="finish", reward=COSTS)
    begin(env, "CNC-001")
    for call in calls_of(env):
        came = env.step(call)
    assert came[2] is False
    assert env.verdict.success
    terminate(admin, pid_of(env))
    expect_outage(env, {"tool": "finish", "arguments": {}})


@MODES
@pytest.mark.parametrize("played", [0, 1, 2])
def test_a_backend_terminated_between_two_episodes_costs_nothing(admin, make_env, commit, played):
    env = make_env(commit=commit)
    begin(env, "CNC-001")
    for call in calls_of(env)[:played]:
        env.step(call)
    terminate(admin, pid_of(env))
    expect_normal(env, "CNC-001")


@MODES
def test_a_connection_known_to_be_gone_is_no_empty_crm(admin, make_env, commit):
    """Whoever looked first has met the outage; the agent must meet it too, not a CRM without records."""
    env = make_env(commit=commit)
    begin(env, "DOP-003")
    terminate(admin, pid_of(env))
    for _ in range(2):
        with pytest.raises(InfraError):
            list(env.crm.find("Client"))
    expect_outage(env, calls_of(env)[0])
    with pytest.raises(InfraError):
        env.crm.recomputed_hash()
    expect_normal(env, "DOP-003")


# A connection lost within a call


def statements_of(env, monkeypatch, call):
    """What a call sends."""
    sent = []
    send = PostgresStore._send
    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "_send", lambda store, *words: (sent.append(words[0]), send(store, *words))[1])
        env.step(call)
    return sent


def _writers():
    """The longest solution of tools that write in different ways."""
    families = ("create_new_client", "delete_opportunity", "modify_quote")
    for family in families:
        yield next(
            task.id for task in load_suite("golden") if task.family == family and task.solution[-1].tool == family
        )


@MODES
@pytest.mark.parametrize("task", list(_writers()))
def test_a_winning_call_is_whole_or_not_at_all(admin, make_env, monkeypatch, task, commit):
    """The backend goes before each of its statements in turn: no success, no row of it."""
    env = make_env(commit=commit, reward=COSTS)
    begin(env, task)
    count = len(calls_of(env))
    for call in calls_of(env)[:-1]:
        env.step(call)
    statements = statements_of(env, monkeypatch, calls_of(env)[-1])
    assert len(statements) >= 3
    assert env.verdict.success
    send = PostgresStore._send
    for place in range(len(statements)):
        begin(env, task)
        for call in calls_of(env)[:-1]:
            env.step(call)
        schema, pid, sent, journal = session_of(env).schema, pid_of(env), [], env.crm.journal.changes[:]

        def cut(store, *words, pid=pid, sent=sent, place=place):
            if len(sent) == place:
                terminate(admin, pid)
            sent.append(words[0])
            return send(store, *words)

        with monkeypatch.context() as patch:
            patch.setattr(PostgresStore, "_send", cut)
            expect_outage(env, calls_of(env)[-1], "AdminShutdown|OperationalError")
        assert sent == statements[: place + 1]  # nothing was sent after the outage, to take back or otherwise
        assert rows_in(admin, schema) == after(task, count - 1 if commit else 0)
        if statements[place] != b"COMMIT":  # then nobody knows
            assert env.crm.journal.changes == journal


def test_a_commit_whose_answer_is_lost_is_kept_whole_and_not_rewarded(admin, make_env, monkeypatch):
    env = make_env(commit=True, reward=COSTS)
    begin(env, "DOP-003")
    count = len(calls_of(env))
    for call in calls_of(env)[:-1]:
        env.step(call)
    schema, pid = session_of(env).schema, pid_of(env)
    send = PostgresStore._send

    def lose(store, statement, values):
        came = send(store, statement, values)
        if statement == b"COMMIT":
            terminate(admin, pid)
            send(store, b"SELECT 1", None)
        return came

    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "_send", lose)
        expect_outage(env, calls_of(env)[-1])
    assert rows_in(admin, schema) == after("DOP-003", count)


def test_an_interrupt_within_a_call_goes_up_and_leaves_nothing(make_env, admin, monkeypatch):
    env = make_env(commit=True)
    begin(env, "DOP-003")
    *before, last = calls_of(env)
    for call in before:
        env.step(call)
    schema, send = session_of(env).schema, PostgresStore._send

    def interrupted(store, statement, values):
        if statement.startswith(b"DELETE"):
            raise KeyboardInterrupt
        return send(store, statement, values)

    with monkeypatch.context() as patch:
        patch.setattr(PostgresStore, "_send", interrupted)
        with pytest.raises(KeyboardInterrupt):
            env.step(last)
    expect_outage(env, last, "is gone")
    assert rows_in(admin, schema) == after("DOP-003", len(before))
    expect_normal(env, "DOP-003")


# A server that restarts, and one that is down


@pytest.fixture(scope="module")
def own_folder():
    """Where the server lies that this file may stop; made once."""
    home = Path(tempfile.mkdtemp(prefix="crm_gym-tests-"))
    home.chmod(0o711)
    yield home / "pg"
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def own_server(own_folder, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    with server("faults", folder=own_folder) as running:
        yield running


def test_five_restarts_at_once_in_mid_episode(own_server):
    """Two environments at a time; the tables of both are lost in the crash, the next reset makes them anew."""
    envs = [make(own_server.dsn, commit=commit, reward=COSTS) for commit in (False, True)]
    for turn in range(5):
        for env in envs:
            begin(env, "DOP-003", seed=turn)
            for call in calls_of(env)[: turn % len(calls_of(env))]:
                assert "infra_error" not in env.step(call)[4]
        own_server.restart(at_once=True)
        for env in envs:
            expect_outage(env, calls_of(env)[turn % len(calls_of(env))])
        for env in envs:
            env.reward_config = crm_gym.RewardConfig()
            expect_normal(env, "DOP-003")
            env.reward_config = crm_gym.RewardConfig(**COSTS)
    for env in envs:
        env.close()
    wait_until_gone(own_server.dsn)


def test_a_server_that_is_down_is_said_so_and_found_again(own_server):
    env, idle = make(own_server.dsn), make(own_server.dsn)  # making one asks for no server
    begin(env, "DOP-003")
    begin(idle, "DOP-003")
    own_server.stop()
    expect_outage(env, calls_of(env)[0])
    for each in (env, idle, env):
        began = time.monotonic()
        with pytest.raises(InfraError, match=r"^the database cannot be reached, or hung up \(\w+: .*No such file"):
            each.reset(seed=1)
        assert time.monotonic() - began < SECONDS
    with pytest.raises(ResetNeeded):
        env.step({"tool": "finish", "arguments": {}})
    with server("faults", folder=own_server.place.folder):
        for each in (env, idle):
            expect_normal(each, "DOP-003")
            each.close()


def test_closing_when_the_server_is_down_is_fine(own_server):
    env = make(own_server.dsn)
    begin(env, "CNC-001")
    own_server.stop()
    env.close()
    env.close()


def test_a_server_that_does_not_answer_costs_the_connect_limit():
    with socket.create_server(("127.0.0.1", 0)) as mute:
        dsn = f"postgresql://crm_app:s3cret@127.0.0.1:{mute.getsockname()[1]}/crm_sandbox"
        store = PostgresStore(dsn, limits=Limits(connect=2))
        began = time.monotonic()
        with pytest.raises(InfraError, match="cannot be reached") as caught:
            store.begin(None, lambda table: iter(()), [0] * len(TABLES))
        assert 1.0 < time.monotonic() - began < SECONDS
    assert "s3cret" not in str(caught.value)


def test_a_dsn_that_is_none_is_the_callers_mistake():
    with pytest.raises(UsageError, match="no DSN") as caught:
        make("postgresql://me:s3%zzcret@host/name")
    assert "zz" not in str(caught.value)


# Time limits


def test_the_limits_are_in_force_on_every_connection(make_env):
    env = make_env()
    begin(env, "CNC-001")
    shown = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    found = {name: session_of(env).connection().execute(f"SHOW {name}").fetchone()[0] for name in shown}
    assert found == dict(zip(shown, ("10s", "2s", "1h"), strict=True))


def test_a_table_held_by_another_ends_the_episode(pg_server, make_env):
    """At the limit that holds for everybody; the next episode does not wait for the holder."""
    env = make_env()
    begin(env, "CNC-001")
    schema = session_of(env).schema
    with psycopg.connect(pg_server.admin_dsn) as other:
        other.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(schema, "clients")))
        began = time.monotonic()
        expect_outage(env, calls_of(env)[-1], r"^another connection kept a lock .*LockNotAvailable")
        assert 1.8 < time.monotonic() - began < SECONDS
        expect_normal(env, "CNC-001")
    env.close()
    wait_until_gone(pg_server.dsn, schema)


@MODES
def test_a_row_held_by_another_ends_the_episode(pg_server, make_env, commit):
    """A call with several writes, the last of them held up: those before it go too, and what is said is the lock."""
    env = make_env(with_options(pg_server.dsn, lock_timeout="200ms"), commit=commit)
    begin(env, "DOP-003")
    *before, last = calls_of(env)
    for call in before:
        env.step(call)
    schema, deal = session_of(env).schema, last.arguments["opportunity_id"]
    held = sql.SQL("SELECT 1 FROM {} WHERE opportunity_id = %s FOR UPDATE").format(
        sql.Identifier(schema, "opportunities")
    )
    with psycopg.connect(pg_server.admin_dsn) as other:
        assert other.execute(held, (deal,)).fetchall() == [(1,)]
        expect_outage(env, last, "^another connection kept a lock")
        assert rows_in(other, schema) == after("DOP-003", len(before) if commit else 0)
        expect_normal(env, "DOP-003")


def test_rows_held_over_a_reset_do_not_stop_it(pg_server, make_env):
    """With commit=True a reset deletes rows somebody may be holding; it goes on in another schema then."""
    env = make_env(with_options(pg_server.dsn, lock_timeout="200ms"), commit=True)
    begin(env, "CNC-001")
    with psycopg.connect(pg_server.admin_dsn) as other:
        other.execute(sql.SQL("SELECT 1 FROM {} FOR UPDATE").format(sql.Identifier(session_of(env).schema, "clients")))
        expect_normal(env, "CNC-001")


def test_a_slow_trigger_ends_the_episode(pg_server, make_env):
    env = make_env(with_options(pg_server.dsn, statement_timeout="300ms"), reward=COSTS)
    begin(env, "CNC-001")
    schema = sql.Identifier(session_of(env).schema)
    slow = """
        CREATE FUNCTION {0}.slow() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN PERFORM pg_sleep(30); RETURN NEW; END $$;
        CREATE TRIGGER slow BEFORE INSERT ON {0}.clients FOR EACH ROW EXECUTE FUNCTION {0}.slow()"""
    with psycopg.connect(pg_server.admin_dsn) as other:
        other.execute(sql.SQL(slow).format(schema))
    for call in calls_of(env)[:-1]:
        env.step(call)
    expect_outage(env, calls_of(env)[-1], r"^a statement took too long.*statement timeout")
    env.reward_config = crm_gym.RewardConfig()
    expect_normal(env, "CNC-001")


def test_a_slow_question_ends_the_episode(pg_server, make_env, monkeypatch):
    env = make_env(with_options(pg_server.dsn, statement_timeout="300ms"))
    begin(env, "CNC-001")
    with monkeypatch.context() as patch:
        patch.setattr(STATEMENTS["Client"], "find", b"SELECT pg_sleep(30)")
        expect_outage(env, {"tool": "client_search", "arguments": {}}, r"^a statement took too long.*QueryCanceled")
    expect_normal(env, "CNC-001")


def test_an_episode_that_stands_still_too_long_is_over(admin, pg_server, make_env):
    env = make_env(with_options(pg_server.dsn, idle_in_transaction_session_timeout="100ms"))
    begin(env, "CNC-001")
    env.step({"tool": "client_search", "arguments": {}})
    wait_for_end(admin, pid_of(env))
    expect_outage(env, calls_of(env)[-1], "^the episode stood still.*IdleInTransactionSessionTimeout")
    expect_normal(env, "CNC-001")


# The agent's own mistakes

MALFORMED = (
    "", "{", "null", "[]", '{"tool": 3', "nonsense", None, 7, b"finish", {"tool": "no_such_tool", "arguments": {}},
    {"tool": "client_search", "arguments": "{"}, {"tool": "client_search", "arguments": {"name": "a\x00b"}},
    {"tool": "client_search", "arguments": {"name": "\ud800"}},
    {"tool": "client_search", "arguments": {"limit": 10**17}},
    {"tool": "client_search", "arguments": {"offset": -1}}, {"tool": "client_search", "arguments": {"x'; --": 1}},
    {"tool": "view_opportunity_details", "arguments": {"opportunity_id": "'; DROP TABLE clients; --"}},
    {"tool": "view_opportunity_details", "arguments": {"opportunity_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12}},
    {"tool": "add_note", "arguments": {"entity_type": "clients", "entity_id": "1", "content": "x"}},
    {"tool": "quote_search", "arguments": {"amount": 10**17}}, {"tool": "quote_search", "arguments": {"amount": 1e300}},
    {"tool": "quote_search", "arguments": {"valid_until": "2025-02-30"}},
)  # fmt: skip


def test_malformed_calls_are_the_agents_and_end_nothing(make_env):
    env = make_env()
    begin(env, "CNC-001")
    for action in MALFORMED:
        _, reward, terminated, truncated, info = env.step(action)
        assert (reward, terminated, truncated) == (0.0, False, False), action
        assert info["error"]["code"], action
        assert "infra_error" not in info
    for call in calls_of(env):
        came = env.step(call)
    assert came[1:4] == (1.0, True, False)


def test_refused_calls_are_the_agents(make_env):
    """Every refusal the suite knows, made on the database: the code that memory gives, and no outage."""
    env, twin = make_env(refusals="attempt", ends_on="finish"), make(refusals="attempt", ends_on="finish")
    codes = set()
    for task in load_suite("refusals")[::3]:
        begin(env, task.id)
        begin(twin, task.id)
        for call in env.task.solution:
            came, meant = env.step(call), twin.step(call)
            assert came[1:] == meant[1:]
            assert not came[3]
            assert "infra_error" not in came[4]
        codes.add(came[4]["error"]["code"])
    assert len(codes) >= 12


def test_everything_is_swept_in_the_end(pg_server, before_all, pair):
    """Outages leave schemas behind; the next who comes takes them away."""
    for env in pair.values():
        env.close()
    wait_until_gone(pg_server.dsn, others=before_all)
