"""A run killed at any instant goes on as if nothing had been: no episode lost, none played twice, the same log."""

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import warnings

import pytest

from crm_gym import InfraError
from crm_gym.baselines import RandomAgent
from crm_gym.evaluation import log as log_module
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import LogWarning, read_log
from crm_gym.evaluation.metrics import summarize

PLAN = {"episodes": 20, "trials": 2, "seed": 11}
COUNT = 40


def chance(env, seed):
    return RandomAgent(seed)


class Patient(RandomAgent):
    """Waits a turn of the loop before it answers."""

    async def apredict(self, observation, state=None, episode_start=None, deterministic=False):
        await asyncio.sleep(0)
        return self.predict(observation, state, episode_start)


def patient(env, seed):
    return Patient(seed)


class Shaky(RandomAgent):
    """Out of reach in every seventh task."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        if self.seed % 7 == 3:
            raise InfraError("nobody answers")
        return super().predict(observation, state, episode_start)


def shaky(env, seed):
    return Shaky(seed % 1_000_003)


def run(path, agent=chance, **keywords):
    return BaselineHarness(agent, path, PLAN, name="agent", **keywords).run()


def finish(path, agent=chance, **keywords):
    """Go on to the end; a torn line is expected and no more."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", "line .*torn|.*: torn", LogWarning)
        return run(path, agent, resume=True, **keywords)


@contextlib.contextmanager
def child(prepare, *arguments, **keywords):
    """A run in a process of its own; killed in the end if it still lives."""
    pid = os.fork()
    if pid == 0:
        try:
            warnings.simplefilter("ignore")
            prepare()
            run(*arguments, **keywords)
        finally:
            os._exit(0)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def nothing():
    """Nothing to prepare."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The log of a run that nobody disturbed."""
    path = tmp_path_factory.mktemp("whole") / "log.jsonl"
    run(path)
    return path


def size_of(path):
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def killed_at(path, size, **keywords):
    """Kill a run as soon as its log has that size; whether it came to that."""
    with child(nothing, path, **keywords) as pid:
        while size_of(path) < size:
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
                return False
    return True


def sound(path, whole):
    """Nothing is lost, nothing is doubled, and the report is the same: it says the same, byte for byte."""
    assert path.read_bytes() == whole.read_bytes()
    log, other = read_log(path), read_log(whole)
    assert log.faults == ()
    assert len({(record["seed"], record["trial"]) for record in log.episodes}) == len(log.episodes) == COUNT
    assert json.dumps(summarize(log)) == json.dumps(summarize(other))


def sweep(tmp_path, whole, number):
    """A run killed once, twice or three times, anywhere."""
    dice = random.Random(number)
    path, size = tmp_path / "log.jsonl", size_of(whole)
    deaths = 0
    for target in sorted(dice.randrange(size) for _ in range(dice.choice((1, 1, 2, 3)))):
        deaths += killed_at(path, target, resume=True)
    finish(path)
    sound(path, whole)
    return deaths


@pytest.mark.parametrize("number", range(20))
def test_killed_at_any_instant(tmp_path, whole, number):
    sweep(tmp_path, whole, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1_000, 1_100))
def test_killed_at_any_of_a_hundred_instants(tmp_path, whole, number):
    sweep(tmp_path, whole, number)


def test_the_sweep_does_kill(tmp_path, whole):
    """A sweep whose runs are over before they are killed would prove nothing."""
    path, before = tmp_path / "log.jsonl", size_of(whole) // 2
    assert killed_at(path, before)
    played = len(read_log(path).episodes)
    assert 0 < played < COUNT
    finish(path)
    sound(path, whole)


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def at_write(number, moment):
    """Die at a line: before it, inside it, or right after it."""
    real, counted = log_module.write_whole, iter(range(1, 10**6))

    def write(fd, line):
        if next(counted) != number:
            real(fd, line)
            return
        part = {"before": 0, "first byte": 1, "inside": len(line) // 2, "but the end": len(line) - 1}.get(moment)
        real(fd, line if part is None else line[:part])
        die()

    log_module.write_whole = write


def at_call(module, name, number, moment):
    """Die before or after the call of a function."""
    real, counted = getattr(module, name), iter(range(1, 10**6))

    def called(*arguments, **keywords):
        if next(counted) != number:
            return real(*arguments, **keywords)
        if moment == "after":
            real(*arguments, **keywords)
        return die()

    setattr(module, name, called)


WRITES = [
    (number, moment)
    for number in (1, 2, 20, COUNT + 1)
    for moment in ("before", "first byte", "inside", "but the end", "after")
]
CALLS = [
    (name, number, moment)
    for name, numbers in (("open_own", (1,)), ("lock", (1,)), ("to_line", (1, 2, 20)))
    for number in numbers
    for moment in ("before", "after")
]
DISK = [("fsync", number, moment) for number in (1, 2) for moment in ("before", "after")]


def dies_by_itself(prepare, path, **keywords):
    """Run until the process kills itself, and see that it did."""
    with child(prepare, path, **keywords) as pid:
        done = os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert (done.si_code, done.si_status) == (os.CLD_KILLED, signal.SIGKILL)


@pytest.mark.parametrize(("number", "moment"), WRITES)
def test_killed_at_a_write(tmp_path, whole, number, moment):
    path = tmp_path / "log.jsonl"
    dies_by_itself(lambda: at_write(number, moment), path)
    finish(path)
    sound(path, whole)


@pytest.mark.parametrize(("name", "number", "moment"), CALLS)
def test_killed_at_a_step_of_the_writer(tmp_path, whole, name, number, moment):
    path = tmp_path / "log.jsonl"
    dies_by_itself(lambda: at_call(log_module, name, number, moment), path)
    finish(path)
    sound(path, whole)


@pytest.mark.parametrize(("name", "number", "moment"), DISK)
def test_killed_while_lines_come_to_the_disk(tmp_path, whole, name, number, moment):
    path = tmp_path / "log.jsonl"
    dies_by_itself(lambda: at_call(os, name, number, moment), path)
    finish(path)
    sound(path, whole)


@pytest.mark.parametrize("at", [1, 2, 20])
@pytest.mark.parametrize(
    ("name", "moment"),
    [("open_own", "after"), ("lock", "after"), ("Lines", "before"), ("Lines", "after"), ("warn", "before")],
)
def test_killed_while_it_resumes(tmp_path, whole, at, name, moment):
    """After a death inside a line: before, while and after what is there is read and the torn line is cut off."""
    path = tmp_path / "log.jsonl"
    dies_by_itself(lambda: at_write(at, "inside"), path)
    module = warnings if name == "warn" else log_module
    dies_by_itself(lambda: at_call(module, name, 1, moment), path, resume=True)
    finish(path)
    sound(path, whole)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_the_torn_line_is_cut_off(tmp_path, whole, moment):
    path = tmp_path / "log.jsonl"
    dies_by_itself(lambda: at_write(7, "inside"), path)
    dies_by_itself(lambda: at_call(os, "ftruncate", 1, moment), path, resume=True)
    finish(path)
    sound(path, whole)


@pytest.mark.parametrize("moment", ["before", "inside", "after"])
def test_killed_again_and_again(tmp_path, whole, moment):
    """At the third line of every life: what is finished stays, and the run comes to its end."""
    path = tmp_path / "log.jsonl"
    for life in range(4):
        dies_by_itself(lambda: at_write(3, moment), path, resume=life > 0)
    finish(path)
    sound(path, whole)


def test_killed_while_it_replaces(tmp_path, whole):
    """Of the old log nothing is left in the new one."""
    path = tmp_path / "log.jsonl"
    BaselineHarness(chance, path, {"episodes": 5, "seed": 99}, name="agent").run()
    dies_by_itself(lambda: at_write(1, "before"), path, force=True)
    finish(path)
    sound(path, whole)


def test_killed_between_many_at_a_time(tmp_path):
    """Side by side, episodes end in any order; by their index they are the same."""
    other, path = tmp_path / "whole.jsonl", tmp_path / "log.jsonl"
    run(other, patient, workers=8)
    for number, moment in ((2, "inside"), (9, "after"), (5, "before")):
        dies_by_itself(lambda n=number, m=moment: at_write(n, m), path, agent=patient, workers=8, resume=True)
    finish(path, patient, workers=8)
    assert sorted(path.read_bytes().splitlines()) == sorted(other.read_bytes().splitlines())


def test_killed_with_outages(tmp_path):
    """Episodes that an outage ended are played again; the others are not, and none counts twice."""
    other, path = tmp_path / "whole.jsonl", tmp_path / "log.jsonl"
    run(other, shaky)
    for number in (4, 30, 3):
        dies_by_itself(lambda n=number: at_write(n, "inside"), path, agent=shaky, resume=True)
    log, expected = finish(path, shaky), read_log(other)
    assert {record["outcome"] for record in log.episodes} >= {"infra_error", "failure"}
    assert [record | {"attempt": 0} for record in log.episodes] == [
        record | {"attempt": 0} for record in expected.episodes
    ]


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_disk_that_is_full(tmp_path, whole, share):
    """The kernel takes a part of a line and no more: it is taken back, and the run goes on when there is room."""
    path, room = tmp_path / "log.jsonl", int(size_of(whole) * share)
    with child(lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)), path) as pid:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    kept = path.read_bytes()
    assert whole.read_bytes().startswith(kept)
    assert kept.endswith(b"\n")
    assert len(kept) > room / 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(path, resume=True)
    sound(path, whole)


def test_a_power_cut_that_leaves_rubbish(tmp_path, whole):
    """A disk may keep a length and not what was in it: zeros in place of the last lines."""
    path = tmp_path / "log.jsonl"
    lines = whole.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:20]) + b"\x00" * 5_000)
    finish(path)
    sound(path, whole)


PROCESSES = """
import sys
sys.path.insert(0, sys.argv[2])
import test_kill_run
test_kill_run.run(sys.argv[1], executor="process", workers=2, resume=True)
"""


@pytest.mark.slow
def test_killed_with_processes(tmp_path, whole):
    """Workers do not outlive the run that is killed, and hold nothing that the next one needs."""
    path = tmp_path / "log.jsonl"
    command = [sys.executable, "-c", PROCESSES, str(path), os.path.dirname(__file__)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as running:
        while size_of(path) < size_of(whole) // 3:
            assert running.poll() is None
            time.sleep(0.001)
        running.kill()
        running.wait()
    for _ in range(1_000):
        if not others(running.pid):
            break
        time.sleep(0.01)
    assert others(running.pid) == []
    finish(path)
    assert sorted(path.read_bytes().splitlines()) == sorted(whole.read_bytes().splitlines())


def others(session):
    """Processes of a session."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
                if int(fields[3]) == session and fields[0] != "Z":
                    found.append(int(name))
    return found
