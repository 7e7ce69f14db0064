"""Many environments in several processes on one server: equal to memory, in nobody's way, gone when they are gone."""

import gc
import json
import multiprocessing
import os
import signal
import sys
import time
import warnings

import gymnasium as gym
import psycopg
import pytest
from digest import KEYWORDS, Digest, Script

import crm_gym  # noqa: F401  # registers the ids
from crm_gym.store.pg_session import PREFIX

PROCESSES, LANES, EPISODES = 4, 8, 50
PATIENCE = 60.0  # seconds until a test gives up on another process
LOCK_LIMIT = "1s"  # a longer wait on a lock is an error on the server, and the end of the episode
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = hashtext(%s)::bit(32)::bigint::oid"
LONGEST_CALL = 5.0  # seconds; computing included, on however busy a machine


class Lane:
    """One environment with a policy: the solutions among look-ups, slips and noise."""

    def __init__(self, number, backend):
        self.env = gym.make("CrmEnv-v0", backend=backend, disable_env_checker=True, **KEYWORDS)
        self.number, self.digest, self.script = number, Digest(), Script(number)
        self.episodes, self.over, self.longest, self.faults = 0, True, 0.0, []

    def timed(self, method, **given):
        begun = time.perf_counter()
        out = method(**given)
        self.longest = max(self.longest, time.perf_counter() - begun)
        return out

    def move(self):
        """One step, or the reset before the first."""
        if self.over:
            seed = None if self.episodes % 10 else self.number * 1_000 + self.episodes
            observation, info = self.timed(self.env.reset, seed=seed)
            self.digest.add(observation, info)
            self.script.begin(info["reference"])
            self.over = False
            return
        tool, text = self.script.act()
        observation, reward, terminated, truncated, info = self.timed(
            self.env.step, action={"tool": tool, "arguments": text}
        )
        self.digest.add(observation, reward, terminated, truncated, info)
        if "infra_error" in info:
            self.faults.append(info["infra_error"])
        if terminated or truncated:
            self.digest.add(self.env.unwrapped.crm.state_hash())
            self.episodes += 1
            self.over = True


def play(lanes):
    """The episodes of all lanes, a move of each in turn: all are in the middle of something all the time."""
    while waiting := [lane for lane in lanes if lane.episodes < EPISODES]:
        for lane in waiting:
            lane.move()


def setting(env, name):
    """What the server goes by on an environment's own connection."""
    connection = env.unwrapped._backend._store.session.connection()
    return connection.execute("SELECT current_setting(%s)", (name,)).fetchone()[0]


def worker(dsn, numbers, barrier, pipe):
    """A process of its own: plays its lanes, says what came of it, closes when told to."""
    warnings.simplefilter("error")
    lanes = [Lane(number, dsn) for number in numbers]
    barrier.wait(PATIENCE)
    play(lanes)
    report = {
        "digests": {lane.number: lane.digest.sum.hexdigest() for lane in lanes},
        "episodes": [lane.episodes for lane in lanes],
        "longest": max(lane.longest for lane in lanes),
        "faults": [fault for lane in lanes for fault in lane.faults],
        "limits": sorted({setting(lane.env, "lock_timeout") for lane in lanes}),
    }
    pipe.send(report)
    pipe.recv()
    for lane in lanes:
        lane.env.close()


def doomed(dsn, pipe):
    """A process that is killed in the middle of two episodes."""
    lanes = [Lane(number, dsn) for number in (0, 1)]
    for lane in lanes:
        lane.move()
        given = '{"name": "A", "email": "a@a.example", "status": "Active"}'
        *_, info = lane.env.step({"tool": "create_new_client", "arguments": given})
        assert not info["error"]["code"]
    pipe.send([schema_of(lane.env) for lane in lanes])
    pipe.recv()


def schema_of(env):
    return env.unwrapped._backend._store.session.schema


def backend_of(env):
    """The number of the server's process that serves an environment."""
    return env.unwrapped._backend._store.session.connection().info.backend_pid


def receive(pipe, process):
    """What the other process says; fails if it ended, or says nothing."""
    if not pipe.poll(PATIENCE):
        pytest.fail(f"process {process.pid} says nothing; its exit code is {process.exitcode}")
    try:
        return pipe.recv()
    except EOFError:
        process.join(PATIENCE)
        pytest.fail(f"process {process.pid} ended with code {process.exitcode}")


def spawn(kind, target, *given):
    """A started process and our end of its pipe."""
    context = multiprocessing.get_context(kind)
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(*given, theirs), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def end(process, pipe):
    """Whatever happened, no process is left."""
    pipe.close()
    if process.is_alive():
        process.kill()
    process.join(PATIENCE)


def until(true):
    """Wait for what is about to happen."""
    give_up = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < give_up, "it never happened"
        time.sleep(0.01)


@pytest.fixture
def ask(pg_server):
    """Questions to the server, on a connection of the test's own."""
    with psycopg.connect(pg_server.admin_dsn, autocommit=True) as connection:
        yield lambda question, *values: [row[0] for row in connection.execute(question, values)]


@pytest.fixture
def schemas(ask):
    """Asks which environments have a schema; those that other tests left behind do not count."""
    question = "SELECT nspname FROM pg_namespace WHERE starts_with(nspname, %s) ORDER BY nspname"
    before = set(ask(question, PREFIX))
    return lambda: [name for name in ask(question, PREFIX) if name not in before]


def in_memory(numbers):
    lanes = [Lane(number, "memory:") for number in numbers]
    play(lanes)
    return {lane.number: lane.digest.sum.hexdigest() for lane in lanes}


def test_32_envs_in_4_processes_play_as_in_memory_and_wait_for_nobody(pg_server, schemas):
    """That nobody waits for a lock for over a second is the server's word: it would have ended the episode."""
    dsn = f"{pg_server.dsn}&options=-c%20lock_timeout%3D{LOCK_LIMIT}"
    barrier = multiprocessing.get_context("spawn").Barrier(PROCESSES)
    shares = [range(first * LANES, (first + 1) * LANES) for first in range(PROCESSES)]
    players = []
    try:
        for share in shares:
            players.append(spawn("spawn", worker, dsn, share, barrier))
        reports = [receive(pipe, process) for process, pipe in players]
        assert len(schemas()) == PROCESSES * LANES
        for process, pipe in players:
            pipe.send("close")
            process.join(PATIENCE)
            assert process.exitcode == 0
    finally:
        for process, pipe in players:
            end(process, pipe)
    assert schemas() == []
    found = {}
    for report in reports:
        assert report["faults"] == []
        assert report["limits"] == [LOCK_LIMIT]
        assert report["episodes"] == [EPISODES] * LANES
        assert report["longest"] < LONGEST_CALL
        found |= report["digests"]
    assert found == in_memory(range(PROCESSES * LANES))


def test_a_wait_on_a_lock_would_have_been_seen(pg_server, ask):
    """The limit on which the test above relies does bite."""
    dsn = f"{pg_server.dsn}&options=-c%20lock_timeout%3D100ms"
    lane = Lane(0, dsn)
    lane.move()
    given = '{"name": "A", "email": "a@a.example", "status": "Active"}'
    with psycopg.connect(pg_server.admin_dsn) as holder:
        clients = psycopg.sql.Identifier(schema_of(lane.env), "clients")
        holder.execute(psycopg.sql.SQL("LOCK TABLE {} IN SHARE MODE").format(clients))
        *_, truncated, info = lane.env.step({"tool": "create_new_client", "arguments": given})
    assert truncated
    assert "lock timeout" in info["infra_error"]
    lane.env.close()


def test_schemas_of_a_killed_process_are_swept_when_the_next_one_starts(pg_server, ask, schemas):
    living = Lane(7, pg_server.dsn)
    living.move()
    process, pipe = spawn("spawn", doomed, pg_server.dsn)
    try:
        left = receive(pipe, process)
        assert schemas() == sorted([*left, schema_of(living.env)])
        assert [ask(HELD, schema) for schema in left] == [[1], [1]]
        os.kill(process.pid, signal.SIGKILL)
        process.join(PATIENCE)
        assert process.exitcode == -signal.SIGKILL
    finally:
        end(process, pipe)
    for schema in left:
        until(lambda schema=schema: ask(HELD, schema) == [0])
    assert schemas() == sorted([*left, schema_of(living.env)]), "nobody has started since"
    following = Lane(8, pg_server.dsn)
    following.move()
    assert schemas() == sorted([schema_of(living.env), schema_of(following.env)])
    for lane in (living, following):
        while not lane.over:
            lane.move()
        assert lane.faults == []
        lane.env.close()
    assert schemas() == []


def inherited(lane, pipe):
    """A forked child with its parent's environment in the middle of an episode."""
    warnings.simplefilter("error")
    complaints = []  # of objects that are let go of, which nothing else would show
    sys.unraisablehook = lambda found: complaints.append(str(found.exc_value))
    parents = backend_of_parent(lane.env)
    *_, reward, terminated, truncated, info = lane.env.step({"tool": "client_search", "arguments": "{}"})
    stepped = [reward, terminated, truncated, "infra_error" in info]
    lane.digest, lane.over, lane.episodes = Digest(), True, 0
    while lane.episodes < 3:
        lane.move()
    gc.collect()
    digest = lane.digest.sum.hexdigest()
    pipe.send([stepped, parents, backend_of(lane.env), digest, schema_of(lane.env), lane.faults + complaints])
    pipe.recv()
    lane.env.close()


def backend_of_parent(env):
    return env.unwrapped._backend._store.session._connection.info.backend_pid


def three_in_memory(number):
    lane = Lane(number, "memory:")
    while lane.episodes < 3:
        lane.move()
    return lane.digest.sum.hexdigest()


def test_a_forked_child_connects_by_itself_and_leaves_its_parents_connection_alone(pg_server, schemas):
    lane = Lane(3, pg_server.dsn)
    lane.move()
    before = lane.env.step({"tool": "client_search", "arguments": "{}"})
    process, pipe = spawn("fork", inherited, lane)
    try:
        # A transaction cannot be shared: its episode is over in the child, by no fault of the agent.
        stepped, parents, childs, digest, schema, complaints = receive(pipe, process)
        assert stepped == [0.0, False, True, True]
        assert parents == backend_of(lane.env) != childs
        assert complaints == []
        assert schemas() == sorted([schema, schema_of(lane.env)])
        during = lane.env.step({"tool": "client_search", "arguments": "{}"})
        pipe.send("close")
        process.join(PATIENCE)
        assert process.exitcode == 0
    finally:
        end(process, pipe)
    assert schemas() == [schema_of(lane.env)]
    after = lane.env.step({"tool": "client_search", "arguments": "{}"})
    assert backend_of(lane.env) == parents
    assert json.loads(before[0]["result"]) == json.loads(during[0]["result"]) == json.loads(after[0]["result"])
    lane.env.close()
    assert schemas() == []
    assert digest == three_in_memory(3)


def first_use(lane, pipe):
    lane.move()
    pipe.send([lane.digest.sum.hexdigest(), backend_of(lane.env)])
    pipe.recv()
    lane.env.close()


def test_an_env_connects_only_when_it_is_used_and_where(pg_server, ask, schemas):
    connected = "SELECT pid FROM pg_stat_activity WHERE usename = 'crm_app'"
    before = set(ask(connected))
    lane = Lane(5, pg_server.dsn)
    assert set(ask(connected)) <= before
    assert schemas() == []
    process, pipe = spawn("fork", first_use, lane)
    try:
        digest, backend = receive(pipe, process)
        assert set(ask(connected)) - before == {backend}
        assert len(schemas()) == 1
        pipe.send("close")
        process.join(PATIENCE)
        assert process.exitcode == 0
    finally:
        end(process, pipe)
    assert schemas() == []
    lane.move()
    assert lane.digest.sum.hexdigest() == digest
    assert backend_of(lane.env) != backend
    lane.env.close()
    assert schemas() == []
