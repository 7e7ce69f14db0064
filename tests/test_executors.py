"""Executors: whichever plays, the log is the same; slots stay full; faults and budgets end things in an orderly way."""

import asyncio
import heapq
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import gymnasium as gym
import pytest
from talking import Faltering, Outage, Talker, chance, oracle, sleepy, talker

from crm_gym import BudgetSpent, InfraError, ToolCall, UsageError
from crm_gym.baselines import NullAgent
from crm_gym.evaluation.async_executor import Async, Turns
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.executors import executor_of
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.plan import Job, Plan
from crm_gym.evaluation.process_executor import ONE_THREAD, Processes
from crm_gym.evaluation.stage import Queue, Serial

FEW = Plan(tasks=("delete_quote", "quote_details", "modify_client"), trials=2, env={"reward": {"step": -0.125}})


def run(agent, path, plan=FEW, **keywords):
    return BaselineHarness(agent, path, plan, **keywords).run()


def lines(path):
    """The lines of a log by index, as they stand there."""
    first, *rest = path.read_bytes().splitlines()
    return [first, *sorted(rest, key=lambda line: json.loads(line)["index"])]


# Which


def test_what_waits_for_a_model_is_played_side_by_side_and_what_computes_in_processes():
    assert isinstance(executor_of(None, 1, NullAgent()), Serial)
    assert isinstance(executor_of(None, 2, NullAgent()), Processes)
    assert isinstance(executor_of(None, 1, Talker()), Async)
    assert isinstance(executor_of("serial", 1, Talker()), Serial)


@pytest.mark.parametrize(
    ("name", "workers", "said"),
    [
        ("thread", 1, "known are serial"),
        ("serial", 2, "one worker"),
        ("async", 1, "NullAgent has none"),
        (None, 0, "1 or more"),
    ],
)
def test_what_does_not_suit_is_refused(name, workers, said):
    with pytest.raises(UsageError, match=said):
        executor_of(name, workers, NullAgent())


# The same log


def test_serial_and_async_write_the_same_lines(tmp_path):
    names = [("serial", 1), ("async", 1), ("async", 7), ("async", 64)]
    paths = [tmp_path / f"{name}-{workers}.jsonl" for name, workers in names]
    for path, (name, workers) in zip(paths, names, strict=True):
        run(sleepy, path, executor=name, workers=workers)
    assert {tuple(lines(path)) for path in paths} == {tuple(lines(paths[0]))}
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_processes_write_the_same_lines(tmp_path):
    for workers in (1, 2):
        run(chance, tmp_path / f"{workers}.jsonl", executor="process", workers=workers)
    run(chance, tmp_path / "serial.jsonl")
    assert lines(tmp_path / "1.jsonl") == lines(tmp_path / "2.jsonl") == lines(tmp_path / "serial.jsonl")


def test_an_agent_with_a_model_plays_in_processes_too(tmp_path):
    run(Talker(), tmp_path / "process.jsonl", executor="process", workers=2)
    run(Talker(), tmp_path / "async.jsonl", workers=5)
    assert lines(tmp_path / "process.jsonl") == lines(tmp_path / "async.jsonl")


@pytest.fixture
def ray_cluster(monkeypatch):
    """A cluster may be had whose workers find the agents of these tests."""
    pytest.importorskip("ray", reason="ray is not installed")
    folders = [str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, folders)))


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_ray_writes_the_same_lines(tmp_path):
    run(Talker(), tmp_path / "ray.jsonl", executor="ray", workers=2)
    run(Talker(), tmp_path / "serial.jsonl", executor="serial")
    assert lines(tmp_path / "ray.jsonl") == lines(tmp_path / "serial.jsonl")


@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_an_actor_that_dies_is_an_outage(tmp_path):
    log = run(Mortal(str(tmp_path / "died")), tmp_path / "log.jsonl", executor="ray", workers=2)
    assert [record["attempt"] for record in log.episodes if record["seed"] == 3 and record["trial"] == 0] == [2]


# Side by side


def test_as_many_model_calls_are_in_flight_as_there_are_workers_and_never_more(tmp_path):
    for workers in (1, 4):
        agent = Talker()
        run(agent, tmp_path / f"{workers}.jsonl", workers=workers)
        assert agent.most == workers


def test_one_worker_plays_in_order(tmp_path):
    run(Talker(), tmp_path / "log.jsonl", workers=1)
    kept = [json.loads(line)["index"] for line in (tmp_path / "log.jsonl").read_text().splitlines()[1:]]
    assert kept == sorted(kept)


class Clock:
    """A loop's time that jumps to the next thing to happen."""

    def __init__(self):
        self.now, self.waiting, self.numbers = 0.0, [], 0

    async def sleep(self, seconds):
        called = asyncio.get_running_loop().create_future()
        self.numbers += 1
        heapq.heappush(self.waiting, (self.now + seconds, self.numbers, called))
        await called

    async def run(self, main):
        task = asyncio.ensure_future(main)
        while not task.done():
            for _ in range(12):  # let everybody go as far as they can
                await asyncio.sleep(0)
            if self.waiting and not task.done():
                self.now, _, called = heapq.heappop(self.waiting)
                called.set_result(None)
        return await task


@dataclass
class Chains:
    """A stage with chains of calls in place of episodes."""

    lengths: list[int]
    workers: int

    def seconds(self):
        clock, turns = Clock(), Turns(self.workers)
        jobs = sorted(self.lengths, reverse=True)

        async def chain(length):
            for left in range(length, 0, -1):
                async with turns.turn(left):
                    await clock.sleep(1.0)

        async def seat():
            while jobs:
                await chain(jobs.pop(0))

        async def main():
            await asyncio.gather(*(seat() for _ in range(2 * self.workers)))

        asyncio.run(clock.run(main()))
        return clock.now

    def bound(self):
        return max(max(self.lengths), -(-sum(self.lengths) // self.workers))


@pytest.mark.parametrize("seed", range(6))
def test_who_has_most_left_goes_first_so_that_the_end_comes_near_the_bound(seed):
    rng = random.Random(seed)
    chains = Chains([rng.choice((1, 2, 2, 3, 3, 4, 6, 9)) for _ in range(71)], 16)
    assert chains.bound() <= chains.seconds() <= 1.1 * chains.bound() + 1
    assert Chains([3] * 17, 16).seconds() == 4


def test_a_turn_cancelled_while_it_is_called_goes_to_the_next():
    async def main():
        turns = Turns(1)
        order = []

        async def take(name):
            async with turns.turn(1):
                order.append(name)

        async with turns.turn(1):
            first, second = asyncio.create_task(take("first")), asyncio.create_task(take("second"))
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.gather(first, second, return_exceptions=True)
        await asyncio.wait_for(take("third"), 1)
        return order

    assert asyncio.run(main()) == ["second", "third"]


def test_ctrl_c_ends_waiting_episodes_at_once(tmp_path):
    class Hanging(Talker):
        async def apredict(self, observation, state=None, episode_start=None, deterministic=False):
            if observation["steps"]:
                signal.raise_signal(signal.SIGINT)
                await asyncio.Event().wait()
            return ToolCall("client_search"), state

    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(KeyboardInterrupt, match=r"0 of .*--resume"):
        run(Hanging(), tmp_path / "log.jsonl", workers=4)


def test_connections_are_let_go_of_in_the_loop_they_were_made_in(tmp_path):
    loops = []

    class Closing(Talker):
        async def apredict(self, *given, **more):
            loops.append(asyncio.get_running_loop())
            return await super().apredict(*given, **more)

        async def aclose(self):
            loops.append("closed")
            loops.append(asyncio.get_running_loop())

    run(Closing(), tmp_path / "log.jsonl", workers=3)
    assert loops[-2] == "closed"
    assert len({id(loop) for loop in loops if loop != "closed"}) == 1


# Outages and budgets


def test_a_queue_gives_what_is_to_be_played_again_only_when_nothing_is_open():
    queue = Queue([Job(0, 0, 0), Job(1, 1, 0)])
    first, second = queue.take(), queue.take()
    assert queue.take() is None
    queue.done(again=first)
    assert queue.take() is None
    queue.done()
    assert queue.take() == first
    queue.done()
    assert (second.index, queue.take()) == (1, None)


def test_outages_among_many_at_a_time_are_played_again(tmp_path):
    agent = Faltering({f"seed {k} ": Outage("later") for k in (0, 3, 5)})
    log = run(agent, tmp_path / "log.jsonl", workers=8)
    assert Counter(record["attempt"] for record in log.episodes) == {1: len(FEW.jobs()) - 3, 2: 3}
    assert {record["outcome"] for record in log.episodes} == {"failure"}


def test_processes_ask_before_every_model_call(tmp_path):
    budget = Budget(calls=9)
    with pytest.raises(BudgetSpent, match=r"(9|10) model calls of 9"):
        run(Talker(), tmp_path / "log.jsonl", executor="process", workers=2, budget=budget)
    assert 9 <= budget.used["calls"] <= 10
    assert 0 < sum(record["calls"] for record in read_log(tmp_path / "log.jsonl").episodes) <= 10


class Mortal:
    """Takes its process with it, the first time it meets a certain seed."""

    def __init__(self, marker, again=False):
        self.marker, self.again = marker, again

    def __call__(self, env, seed):
        marker = Path(self.marker)
        if seed == 3 and (self.again or not marker.exists()):
            marker.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return NullAgent()


def test_an_episode_whose_process_died_is_played_again(tmp_path):
    # The harness makes one agent here, to ask its name: with a seed that harms nobody.
    log = run(Mortal(str(tmp_path / "died")), tmp_path / "log.jsonl", executor="process", workers=2)
    assert [record["attempt"] for record in log.episodes if record["seed"] == 3 and record["trial"] == 0] == [2]
    assert {record["outcome"] for record in log.episodes} == {"failure"}
    assert len(log.episodes) == len(FEW.jobs())


def test_a_process_that_dies_again_and_again_is_an_outage(tmp_path):
    plan = Plan(tasks=("delete_quote",))
    log = run(Mortal(str(tmp_path / "died"), True), tmp_path / "log.jsonl", plan, executor="process", workers=1)
    (record,) = [record for record in log.episodes if record["seed"] == 3]
    assert (record["outcome"], record["reason"], record["attempt"]) == ("infra_error", "worker", 2)
    assert "ended with code -9" in record["note"]
    assert sum(record["outcome"] == "failure" for record in log.episodes) == len(log.episodes) - 1


class Broken:
    def __call__(self, env, seed):
        return Breaking()


class Breaking:
    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        raise ZeroDivisionError("no way")


class Threads(NullAgent):
    """Writes down what its process would tell libraries of mathematics, and how Ctrl-C stands in it."""

    def __init__(self, folder):
        self.folder = folder

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        told = {name: os.environ.get(name) for name in ONE_THREAD}
        ignored = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
        Path(self.folder, "told.json").write_text(json.dumps([told, ignored, blocked]))
        return super().predict(observation, state, episode_start)


@pytest.mark.parametrize("workers", [1, 2])
def test_several_processes_have_one_thread_each_for_mathematics_unless_told_otherwise(tmp_path, monkeypatch, workers):
    for name in ONE_THREAD:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "7")
    before = dict(os.environ)
    plan = Plan(tasks=("CNC-001",))
    run(Threads(str(tmp_path)), tmp_path / "log.jsonl", plan, executor="process", workers=workers)
    told, ignored, blocked = json.loads((tmp_path / "told.json").read_text())
    usual = "1" if workers > 1 else None
    assert told == {name: "7" if name == "MKL_NUM_THREADS" else usual for name in ONE_THREAD}
    assert dict(os.environ) == before
    assert ignored
    assert not blocked


PRESSED = """
import os, signal, subprocess, sys, threading
from crm_gym.baselines import NullAgent
from crm_gym.evaluation import process_executor
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.plan import Plan

class Pressing(process_executor._Worker):
    def __init__(self, packed):
        super().__init__(packed)
        os.killpg(os.getpgid(0), signal.SIGINT)  # as a terminal does: to the process that starts, too
        print(self.pipe.recv()[0], flush=True)

if __name__ == "__main__":
    process_executor._Worker = Pressing
    try:
        BaselineHarness(NullAgent(), sys.argv[1], Plan(tasks=("CNC-001",)), executor="process").run()
    except KeyboardInterrupt as fault:
        print(fault)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
"""


def test_ctrl_c_while_a_process_starts_is_said_once_and_by_the_harness_alone(tmp_path):
    program = tmp_path / "pressed.py"
    program.write_text(PRESSED)
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path / "log.jsonl")],
        capture_output=True,
        text=True,
        start_new_session=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    assert done.returncode == 0
    up, said = done.stdout.splitlines()
    assert up == "ready"
    assert "0 of 1 episodes are in" in said


def test_a_fault_in_a_process_comes_out_with_its_place(tmp_path):
    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*ZeroDivisionError: no way"):
        run(Broken(), tmp_path / "log.jsonl", executor="process", workers=1)


def test_what_cannot_be_sent_to_a_process_is_refused(tmp_path):
    with pytest.raises(UsageError, match="top of a module"):
        run(lambda env, seed: NullAgent(), tmp_path / "log.jsonl", executor="process", workers=2)


class Steps(EpisodeCallback):
    def __init__(self):
        self.seen = Counter()

    def on_step(self, job, number, step):
        self.seen[job.index, number, step["tool"]] += 1


def test_steps_of_other_processes_are_told_of_too(tmp_path):
    seen = {}
    for executor, workers in (("serial", 1), ("process", 2)):
        steps = Steps()
        run(oracle, tmp_path / f"{executor}.jsonl", executor=executor, workers=workers, callbacks=[steps])
        seen[executor] = steps.seen
    assert seen["serial"] == seen["process"] != {}


def test_environments_are_closed_and_shared_by_episodes(tmp_path):
    closed = []

    class Closing(gym.Wrapper):
        def close(self):
            closed.append(self)
            super().close()

    def make_env(plan):
        return Closing(plan.make_env())

    run(talker, tmp_path / "log.jsonl", workers=3, make_env=make_env)
    assert 2 <= len({id(env) for env in closed}) <= 7  # six are open at most, and one was made to ask the agent's name


def test_an_outage_at_a_reset_leaves_the_environment_for_the_next(tmp_path):
    class Gone(gym.Wrapper):
        def reset(self, *, seed=None, options=None):
            came = super().reset(seed=seed, options=options)
            if seed == 2:
                raise InfraError("gone")
            return came

    log = run(Talker(), tmp_path / "log.jsonl", make_env=lambda plan: Gone(plan.make_env()), workers=2)
    assert {record["seed"] for record in log.episodes if record["outcome"] == "infra_error"} == {2}
