"""What the batched form door costs beside Gymnasium's own batches, and how it grows."""

from __future__ import annotations

import gc
import statistics
import time
import tracemalloc
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from crm_gym import TOOL_NAMES
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.layout import layout
from crm_gym.form.oracle import FormOracle
from crm_gym.form.vector import FormVectorEnv

ENV = "CrmEnvForm-v0"
SOLVED = "CNC-004"
_FRESH = "CrmEnvForm-Train-v0"  # a task of its own for every episode
_PLAN = layout()
CASES = (
    ("one_step", ENV, 1, False),
    ("horizon_10", ENV, 10, True),
    ("random_horizon_10", ENV, 10, False),
    ("fresh_one_step", _FRESH, 1, False),
    ("fresh_random_horizon_10", _FRESH, 10, False),
)
"""Name, environment, limit, and whether `SOLVED` is solved; see `beside`."""

_WARM = 30  # steps with submissions before forms alone are measured: so that there are records to point at
_LONG = 1_000_000  # a limit that is out of reach


def measure(
    sizes: tuple[int, ...], records: tuple[int, ...], rounds: int, large: int, size: int = 64
) -> dict[str, Any]:
    """Every figure of this benchmark.

    Args:
        sizes: Numbers of environments.
        records: Sizes of worlds.
        rounds: How often contenders take turns.
        large: Records of the world on which memory is counted.
        size: Number of environments beside Gymnasium's batches.
    """
    return {
        "beside_sync_and_async": {"environments": size, **beside(size, rounds)},
        "steps_per_second": {str(size): alone(size, rounds) for size in sizes},
        "bytes_per_extra_env": memory(large),
        "growth_with_records": {str(count): in_world(count, rounds) for count in records},
    }


# Beside Gymnasium's batches


def beside(size: int, rounds: int) -> dict[str, Any]:
    """Steps per second of the three ways, in turns, and ours over theirs; each has seeds of its own.

    "one_step": an episode is cut after its first form step, so that a step is a reset too. "horizon_10": one call is
    filled in and submitted by those who know how, in ten steps or nearly so, and the episode is a success. "random":
    masked random actions, also in submitting, cut after ten steps. "fresh": the same where each task is a new one.
    """
    out: dict[str, Any] = {}
    for name, env_id, horizon, solved in CASES:
        keywords: dict[str, Any] = {"tasks": [SOLVED]} if solved else {}
        script = solution() if solved else ()
        ways = {
            way: _Runner(_made(env_id, size, way, horizon, keywords), 1_000 * number, script)
            for number, way in enumerate(_WAYS)
        }
        for runner in ways.values():
            runner.play(10 if keywords or env_id == _FRESH else 300)  # tasks that come again are read once
        turns = in_turns({way: runner.timed(10) for way, runner in ways.items()}, rounds)
        for runner in ways.values():
            runner.envs.close()
        rates = {f"{way}_steps_per_s": size / seconds for way, seconds in turns.items()}
        ratios = {f"over_{way}": turns[way] / turns["ours"] for way in ("sync", "async")}
        out[name] = rates | ratios
    return out


def solution() -> list[int]:
    """The form steps that solve `SOLVED`."""
    env = CrmFormEnv(tasks=[SOLVED])
    oracle = FormOracle(env)
    observation, _ = env.reset(seed=0)
    actions, over = [], False
    while not over:
        actions.append(oracle.predict(observation)[0])
        observation, reward, over, *_ = env.step(actions[-1])
    if reward != 1 or len(actions) > 10:
        raise RuntimeError(f"{SOLVED} should be solved in ten steps; got {len(actions)} and reward {reward}")
    return actions


_WAYS: dict[str, dict[str, Any]] = {
    "ours": {"vectorization_mode": "vector_entry_point", "autoreset_mode": "SameStep"},
    "sync": {"vectorization_mode": "sync", "vector_kwargs": {"autoreset_mode": "SameStep"}},
    "async": {"vectorization_mode": "async", "vector_kwargs": {"autoreset_mode": "SameStep"}},
}


def _made(env_id: str, size: int, way: str, horizon: int, keywords: dict[str, Any]) -> Any:
    return gym.make_vec(env_id, num_envs=size, max_episode_steps=horizon, **_WAYS[way], **keywords)


class _Runner:
    """Actions on a batch: random ones of those there are.

    Args:
        envs: The batch.
        seed: Of tasks and actions.
        script: These actions over and over instead.

    Attributes:
        submits: Whether forms are submitted.
    """

    def __init__(self, envs: Any, seed: int, script: Sequence[int] = ()) -> None:
        self.envs, self.submits, self._script, self._at = envs, True, script, 0
        self._rng = np.random.default_rng(seed)
        self._infos = envs.reset(seed=seed)[1]
        self.sampling: list[float] = []

    def play(self, steps: int) -> float:
        """So many steps; the seconds that a step takes, the drawing of actions aside."""
        taken = 0.0
        for _ in range(steps):
            start = time.perf_counter()
            mask = self._infos["action_mask"]
            if not self.submits:
                mask[:, _PLAN.submit] = 0
            if self._script:
                actions = np.full(len(mask), self._script[self._at % len(self._script)])
                self._at += 1
            else:
                actions = sampled(mask, self._rng)
            middle = time.perf_counter()
            self._infos = self.envs.step(actions)[-1]
            taken += time.perf_counter() - middle
            self.sampling.append(middle - start)
        return taken / steps

    def timed(self, steps: int) -> Callable[[], float]:
        """The same, to be called."""
        return lambda: self.play(steps)


def sampled(mask: Any, rng: np.random.Generator) -> Any:
    """For each environment one of the actions it has, all alike."""
    return (rng.random(mask.shape, np.float32) * mask).argmax(axis=1)


def in_turns(contenders: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The median of what each says; they take turns."""
    said: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            said[name].append(run())
    return {name: statistics.median(values) for name, values in said.items()}


# By itself


def alone(size: int, rounds: int) -> dict[str, float]:
    """Steps per second of a batch: forms alone, and with their submissions; beside it the drawing of actions.

    `best` is the fastest tenth of the blocks: what the machine gives when nobody else is on it.
    """
    runner = _Runner(_endless(size), seed=1)
    runner.play(_WARM)
    mixed = _Runner(_endless(size), seed=2)
    mixed.play(_WARM)
    runner.submits = False
    runner.play(3)  # memory is lent again from here on
    runner.sampling.clear()
    blocks: list[float] = []
    both: list[float] = []
    for _ in range(rounds):
        blocks.append(runner.play(5))
        both.append(mixed.play(1))
    return {
        "forms_alone": size / statistics.median(blocks),
        "forms_alone_best": size / sorted(blocks)[len(blocks) // 10],
        "with_submissions": size / statistics.median(both),
        "sampling_us_per_env": statistics.median(runner.sampling) / size * 1e6,
    }


def _endless(size: int, **keywords: Any) -> FormVectorEnv:
    return FormVectorEnv(size, max_episode_steps=_LONG, autoreset_mode="SameStep", **keywords)


# Memory and worlds


def memory(records: int, count: int = 200) -> dict[str, float]:
    """Bytes of one more environment in an episode, on one world of that size, and how many of them its arrays take."""
    keywords = {"suite": "generated", "families": ["single"], "records": records}
    first = _endless(2, **keywords)
    first.reset(seed=0)
    options = {"task": first.envs[0].task}  # one for all: a task is no cost of an environment
    used, slices = [], 0
    for size in (count, 2 * count):  # the difference leaves out what they share
        gc.collect()
        tracemalloc.start()
        envs = _endless(size, **keywords)
        envs.reset(seed=0, options=options)
        for action in (TOOL_NAMES.index("client_search"), _PLAN.back, TOOL_NAMES.index("add_note")):
            envs.step(np.full(size, action))
        gc.collect()
        used.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        slices = envs.slice_bytes
    each = (used[1] - used[0]) / count
    return {"records": records, "in_all": each, "slice_of_the_arrays": slices, "beside_the_slice": each - slices}


def in_world(records: int, rounds: int, size: int = 64) -> dict[str, float]:
    """Microseconds of a step and of a reset of one of 64 environments on a world of that size."""
    keywords = {"suite": "generated", "families": ["single"], "records": records}
    runner = _Runner(_endless(size, **keywords), seed=1)
    runner.play(_WARM)
    times = {"mixed_step_us": runner.timed(3), "form_step_us": _forms_only(runner), "reset_us": _resets(runner.envs)}
    return {name: seconds / size * 1e6 for name, seconds in in_turns(times, max(3, rounds // 4)).items()}


def _forms_only(runner: _Runner) -> Callable[[], float]:
    def run() -> float:
        runner.submits = False
        seconds = runner.play(3)
        runner.submits = True
        return seconds

    return run


def _resets(envs: FormVectorEnv) -> Callable[[], float]:
    def run() -> float:
        start = time.perf_counter()
        envs.reset()
        return time.perf_counter() - start

    return run
