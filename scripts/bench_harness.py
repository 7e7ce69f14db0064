#!/usr/bin/env python3
"""What the harness costs: beside the bare rollout, and how near it comes to the bound when models take their time.

scripts/bench_harness.py             table
scripts/bench_harness.py --json      the same as JSON
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import gc
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym

from crm_gym import rollout
from crm_gym.baselines import OracleAgent
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import Log, read_log
from crm_gym.evaluation.plan import Plan

LATENCY, IN_FLIGHT = 0.2, 64


class SlowOracle(OracleAgent):
    """Knows the answer, and takes as long as a model to say it."""

    async def apredict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """The next call, after a while."""
        await asyncio.sleep(LATENCY)
        return self.predict(observation, state, episode_start)


def oracle(env: gym.Env[Any, Any], seed: int) -> OracleAgent:
    """The oracle, look-ups included."""
    return OracleAgent(env, demonstrate=True)


def slow(env: gym.Env[Any, Any], seed: int) -> SlowOracle:
    """The oracle that takes its time."""
    return SlowOracle(env, demonstrate=True)


def per_call(folder: Path, rounds: int = 15) -> dict[str, float]:
    """Microseconds a call of the bare rollout and of a whole run of the harness over the golden suite.

    They take turns; of each the best of all rounds counts, as what else goes on in the machine only ever adds.
    """
    plan = Plan()
    log = BaselineHarness(oracle, folder / "serial.jsonl", plan).run()
    calls = _calls(log)
    times: dict[str, list[float]] = {"rollout": [], "harness": []}
    for number in range(rounds):
        path = folder / f"serial-{number}.jsonl"
        times["rollout"].append(_timed(lambda: _bare(plan)))
        times["harness"].append(_timed(functools.partial(_whole, path, plan)))
    best = {name: min(values) / calls * 1e6 for name, values in times.items()}
    return {
        "episodes": len(log.episodes),
        "calls": calls,
        "rollout_us": best["rollout"],
        "harness_us": best["harness"],
        "more_us": best["harness"] - best["rollout"],
        "ratio": best["harness"] / best["rollout"],
    }


def _whole(path: Path, plan: Plan) -> Log:
    return BaselineHarness(oracle, path, plan).run()


def _bare(plan: Plan) -> None:
    env = plan.make_env()
    for job in plan.jobs():
        rollout(env, oracle(env, job.agent_seed), seed=job.seed, options=job.options)


def beside_bound(folder: Path, episodes: int) -> dict[str, float]:
    """Seconds of a run with slow agents, and the least they could be: the longest chain, or all calls side by side."""
    path = folder / f"slow-{episodes}.jsonl"
    harness = BaselineHarness(slow, path, Plan(episodes=episodes), workers=IN_FLIGHT)
    took = _timed(harness.run)
    lengths = [len(episode["steps"]) for episode in read_log(path).episodes]
    bound = max(max(lengths) * LATENCY, sum(lengths) * LATENCY / IN_FLIGHT)
    return {"calls": sum(lengths), "longest": max(lengths), "seconds": took, "bound": bound, "ratio": took / bound}


def _calls(log: Log) -> int:
    return sum(len(episode["steps"]) for episode in log.episodes)


def _timed(run: Callable[[], Any]) -> float:
    gc.collect()
    start = time.perf_counter()
    made = run()
    took = time.perf_counter() - start
    del made  # giving back the memory of a whole log is the caller's
    return took


def measure(episodes: Sequence[int] = (71, 1_000), rounds: int = 15) -> dict[str, Any]:
    """Every figure."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bounds = {f"episodes_{count}": beside_bound(folder, count) for count in episodes}
        return {"zero_latency": per_call(folder, rounds), "latency_200_ms_64_in_flight": bounds}


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    figures = measure()
    if parser.parse_args().json:
        print(json.dumps(figures, indent=2))
        return 0
    print("zero latency, serial")
    for name, value in figures["zero_latency"].items():
        print(f"  {name:<32}{value:>12,.2f}")
    for title, row in figures["latency_200_ms_64_in_flight"].items():
        print(f"200 ms, 64 in flight, {title}")
        for name, value in row.items():
            print(f"  {name:<32}{value:>12,.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
