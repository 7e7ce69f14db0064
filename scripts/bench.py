#!/usr/bin/env python3
"""Benchmarks: what things cost beside each other, measured in one run with the contenders taking turns.

scripts/bench.py core                    table
scripts/bench.py core --json             the same as JSON
scripts/bench.py core --instructions     instructions of one episode (needs valgrind)
scripts/bench.py core --records 10000    smaller large world, for a quick look
scripts/bench.py generator               what a fresh generated task costs
scripts/bench.py vector                  the batched form door beside Gymnasium's batches, and how it grows
scripts/bench.py harness                 the harness beside the bare rollout, transports, reports (extra llm)
scripts/bench.py learner                 MaskablePPO on our batch beside MaskablePPO on environments that cost nothing
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import statistics
import subprocess
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym

from crm_gym import TOOL_NAMES, Crm, CrmEnv, MockCrmApi, Task, ToolCall, verify
from crm_gym.tasks.world import World

SMALL = 100
EPISODES = (500, 4_500)  # lengths of the two runs whose difference counts instructions
_CHILD = "--instructions-child"


def main() -> int:
    """Run the benchmark named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["core", "generator", "postgres", "vector", "learner", "harness"])
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--instructions", action="store_true", help="count instructions with valgrind's callgrind")
    parser.add_argument("--records", type=int, default=100_000, help="size of the large world")
    parser.add_argument("--resets", type=int, default=100_000, help="resets in the search for growth")
    parser.add_argument(_CHILD, type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.instructions_child:
        _episodes(options.instructions_child)
        return 0
    if options.what == "postgres":
        import bench_postgres  # beside this file; needs the extra `postgres`

        results = bench_postgres.figures(options.records)
    elif options.what == "generator":
        import bench_generator  # beside this file

        results = bench_generator.measure(rounds=60, large=options.records)
    elif options.what == "vector":
        import bench_vector  # beside this file

        worlds = (SMALL, 1_000, 10_000, options.records)
        results = bench_vector.measure((1, 8, 64, 512, 1_024, 4_096), worlds, rounds=12, large=10_000)
    elif options.what == "learner":
        import bench_learner  # beside this file; needs the extra `sb3`

        results = bench_learner.measure()
    elif options.what == "harness":
        import bench_harness  # beside this file
        import bench_report  # beside this file
        import bench_transport  # beside this file; needs the extra `llm`

        results = {
            "harness": bench_harness.measure(),
            "transport": bench_transport.measure(),
            "report": bench_report.measure(),
        }
    else:
        results = {"instructions_per_episode": instructions()} if options.instructions else core(options)
    print(json.dumps(results, indent=2) if options.json else _table(results))
    return 0


def core(options: argparse.Namespace) -> dict[str, Any]:
    """Every figure of the core benchmark."""
    small, large = World.of("small", _loaded(SMALL)), World.of("large", _loaded(options.records))
    return {
        "records": options.records,
        "episode": episode(),
        "flat_in_size": flat(small, large),
        "long_episode": long_episode(),
        "loading": loading(options.records),
        "memory_bytes": memory(large),
        "growth": growth(options.resets),
    }


# One episode beside one step of CartPole


def _one_write() -> tuple[CrmEnv, dict[str, Any]]:
    env = CrmEnv(tasks=["CNC-001"])
    env.reset(seed=0)
    call = env.task.solution[0]
    return env, {"tool": TOOL_NAMES.index(call.tool), "arguments": json.dumps(call.arguments)}


def _episodes(count: int) -> None:
    env, action = _one_write()
    for _ in range(count):
        env.reset()
        env.step(action)


def episode() -> dict[str, float]:
    """Microseconds of one episode of one write (reset, step, verdict) and of one CartPole-v1 step, in turns."""
    env, action = _one_write()
    pole = gym.make("CartPole-v1")
    pole.reset(seed=0)

    def one_episode() -> None:
        env.reset()
        reward = env.step(action)[1]
        assert reward == 1.0

    def one_step() -> None:
        if pole.step(0)[2]:
            pole.reset()

    turns = _in_turns({"episode": one_episode, "step": one_step}, repeats=1, rounds=20_000)
    blocks = _in_turns({"episode": one_episode, "step": one_step}, repeats=200, rounds=60)
    return {
        "episode_us": turns["episode"],
        "cartpole_step_us": turns["step"],
        "ratio": turns["episode"] / turns["step"],
        "ratio_in_blocks_of_200": blocks["episode"] / blocks["step"],
    }


def _in_turns(contenders: dict[str, Callable[[], Any]], repeats: int, rounds: int) -> dict[str, float]:
    """Median microseconds of each contender; they take turns, `repeats` calls at a time."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            start = time.perf_counter_ns()
            for _ in range(repeats):
                run()
            times[name].append((time.perf_counter_ns() - start) / repeats / 1_000)
    return {name: statistics.median(values) for name, values in times.items()}


# The size of the CRM


def _loaded(records: int) -> Crm:
    """A CRM with that many records, half of them clients and half deals, made through the API."""
    api = MockCrmApi()
    _load(api, 0, records)
    return api.crm


def _load(api: MockCrmApi, first: int, last: int) -> None:
    for i in range(first, last, 2):
        client = api.create_new_client(name=f"Client {i}", email=f"c{i}@firm{i}.example", status="Active")
        api.create_new_opportunity(name=f"Deal {i}", client_id=client.client_id, amount=1 + i, stage="Proposal")


def _task(world: World) -> Task:
    arguments = {"name": "Newcomer", "email": "new@comer.example", "status": "Prospect"}
    mapping = {
        "id": f"BENCH-{world.name}",
        "family": "create_new_client",
        "request": "Create the client Newcomer, e-mail new@comer.example, status Prospect.",
        "solution": [{"tool": "create_new_client", "arguments": arguments}],
        "changes": [{"create": "Client", "fields": arguments}],
    }
    return Task.from_mapping(mapping, world)


def flat(small: World, large: World) -> dict[str, dict[str, float]]:
    """Microseconds in a small and in a large world, and their ratio."""
    out = {}
    parts = [_parts(world) for world in (small, large)]
    for name in parts[0]:
        medians = _in_turns({"small": parts[0][name], "large": parts[1][name]}, repeats=20, rounds=400)
        out[name] = {"small_us": medians["small"], "large_us": medians["large"]}
        out[name]["ratio"] = medians["large"] / medians["small"]
    return out


def _parts(world: World) -> dict[str, Callable[[], Any]]:
    env, task = CrmEnv(tasks=["CNC-001"]), _task(world)
    options = {"task": task}
    env.reset(seed=0, options=options)
    call = task.solution[0]
    action = {"tool": TOOL_NAMES.index(call.tool), "arguments": json.dumps(call.arguments)}
    done = world.crm.fork(1)
    done.add("Client", {"industry": None, "phone": None, "address": None, "owner": None, **call.arguments})

    def reset_and_step() -> None:
        env.reset(options=options)
        env.step(action)

    def fork_write_hash() -> str:
        fork = done.fork(2)
        fork.delete(fork.get("Client", next(iter(done.journal.net))))
        return fork.state_hash()

    return {
        "reset": lambda: env.reset(options=options),
        "reset and step": reset_and_step,
        "verdict": lambda: verify(task, done.journal),
        "snapshot": done.snapshot,
        "fork": lambda: done.fork(2),
        "fork, write, state hash": fork_write_hash,
    }


def long_episode() -> dict[str, float]:
    """Microseconds of step 10 and of step 10,000 of one episode in which every step writes."""
    env = CrmEnv(tasks=["CNC-001"], ends_on="finish")
    env.reset(seed=0)
    early: list[float] = []
    late: list[float] = []
    gc.collect()
    gc.disable()  # a collection that falls into one of the few steps looked at would be all we see
    for number in range(10_100):
        call = ToolCall("create_new_client", {"name": "N", "email": f"n{number}@x.example", "status": "Active"})
        start = time.perf_counter_ns()
        env.step(call)
        took = (time.perf_counter_ns() - start) / 1_000
        if number < 100:
            early.append(took)
        elif number >= 10_000:
            late.append(took)
    gc.enable()
    first, last = statistics.median(early), statistics.median(late)
    return {"step_10_us": first, "step_10000_us": last, "ratio": last / first}


def loading(records: int) -> dict[str, float]:
    """Microseconds a record while loading through the API: the first tenth, and the last."""
    api, tenth = MockCrmApi(), records // 10
    times = []
    for part in range(10):
        start = time.perf_counter()
        _load(api, part * tenth, (part + 1) * tenth)
        times.append((time.perf_counter() - start) / tenth * 1e6)
    return {"first_tenth_us": times[0], "last_tenth_us": times[-1], "ratio": times[-1] / times[0]}


# Memory


def memory(world: World) -> dict[str, float]:
    """Bytes of one more fork, and of one more environment in the middle of an episode, on a shared world."""
    task = _task(world)

    def one_env() -> CrmEnv:
        env = CrmEnv(tasks=["CNC-001"])
        env.reset(seed=0, options={"task": task})
        return env

    return {"per_fork": _bytes_each(lambda: world.crm.fork(0)), "per_env": _bytes_each(one_env)}


def _bytes_each(make: Callable[[], Any], count: int = 1_000) -> float:
    kept = [make()]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    kept += [make() for _ in range(count)]
    gc.collect()
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return used / count


def growth(resets: int) -> dict[str, int]:
    """What a process gains over many resets with a step each, after a tenth as many to warm up."""
    env = gym.make("CrmEnv-v0").unwrapped
    env.reset(seed=0)
    calls = {task.id: task.solution[0] for task in env.sampler.tasks}

    def play(count: int) -> None:
        for _ in range(count):
            info = env.reset()[1]
            env.step(calls[info["task_id"]])

    play(resets // 10)
    before = _footprint()
    play(resets)
    after = _footprint()
    return {"resets": resets, **{f"{name}_more": after[name] - before[name] for name in before}}


def _footprint() -> dict[str, int]:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "resident_kb": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "objects": len(gc.get_objects()),
        "threads": threading.active_count(),
        "file_descriptors": len(os.listdir("/proc/self/fd")),
    }


# Instructions


def instructions() -> int:
    """Instructions of one episode of one write: the difference of two runs, divided by that of their lengths."""
    counts = [_callgrind(length) for length in EPISODES]
    return round((counts[1] - counts[0]) / (EPISODES[1] - EPISODES[0]))


def _callgrind(episodes: int) -> int:
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, __file__]
    run = subprocess.run(
        [*command, "core", _CHILD, str(episodes)],
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
        check=True,
    )
    line = next(line for line in run.stderr.splitlines() if "Collected" in line)
    return int(line.rpartition(":")[2])


def _table(results: dict[str, Any], indent: str = "") -> str:
    lines = []
    for name, value in results.items():
        if isinstance(value, dict):
            lines += [f"{indent}{name}", _table(value, indent + "  ")]
        else:
            shown = f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
            lines.append(f"{indent}{name:<{32 - len(indent)}}{shown:>14}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
