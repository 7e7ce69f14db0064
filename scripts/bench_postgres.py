"""Figures of the PostgreSQL backend, in round trips of `select 1` measured in the same run."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from crm_gym import CrmEnv, MockCrmApi, Task, ToolCall, postgres
from crm_gym.tasks.world import World

SIZES = (0, 10_000, 100_000)
CALL = ToolCall("create_new_client", {"name": "Newcomer", "email": "new@comer.example", "status": "Prospect"})
EPISODES = 400


def figures(largest: int) -> dict[str, Any]:
    """Every figure; worlds larger than `largest` records are left out."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)  # the account that runs the server must get to its own folder in it
        start = time.perf_counter()
        with postgres.server("bench", folder=Path(folder)) as server:
            first = time.perf_counter() - start
            sizes = [size for size in SIZES if size <= largest]
            by_size = {f"{size:,} records": _by_size(server.dsn, size) for size in sizes}
            empty = by_size["0 records"]["episode_us"]
            for row in by_size.values():
                row["ratio_to_empty"] = row["episode_us"] / empty
            return {"first_start_s": first, **by_size, "envs": _by_envs(server.dsn)}


def _task(size: int) -> Task:
    api = MockCrmApi()
    for i in range(0, size, 2):
        client = api.create_new_client(name=f"Client {i}", email=f"c{i}@firm{i}.example", status="Active")
        api.create_new_opportunity(name=f"Deal {i}", client_id=client.client_id, amount=1 + i, stage="Proposal")
    mapping = {
        "id": f"BENCH-{size}",
        "family": CALL.tool,
        "request": "Create the client Newcomer, e-mail new@comer.example, status Prospect.",
        "solution": [{"tool": CALL.tool, "arguments": CALL.arguments}],
        "changes": [{"create": "Client", "fields": CALL.arguments}],
    }
    return Task.from_mapping(mapping, World.of(f"bench-{size}", api.crm))


def _by_size(dsn: str, size: int) -> dict[str, float]:
    """Microseconds and round trips; memory, database and `select 1` take turns."""
    task = _task(size)
    options = {"task": task}
    there, here = CrmEnv(tasks=["CNC-001"], backend=dsn), CrmEnv(tasks=["CNC-001"])
    times: dict[str, list[float]] = {name: [] for name in ("select_1", "reset", "step", "memory_episode")}
    with psycopg.connect(dsn, autocommit=True) as line:
        there.reset(seed=0, options=options)
        for _ in range(EPISODES):
            _timed(times["select_1"], lambda: line.execute("SELECT 1").fetchone())
            _timed(times["reset"], lambda: there.reset(options=options))
            _timed(times["step"], lambda: there.step(CALL))
            _timed(times["memory_episode"], lambda: (here.reset(options=options), here.step(CALL)))
    there.close()
    median = {name: statistics.median(values) for name, values in times.items()}
    trip = median["select_1"]
    episode = median["reset"] + median["step"]
    return {
        "select_1_us": trip,
        "step_us": median["step"],
        "step_round_trips": median["step"] / trip,
        "episode_us": episode,
        "episode_round_trips": episode / trip,
        "reset_p95_ms": statistics.quantiles(times["reset"], n=20)[-1] / 1_000,
        "memory_episode_us": median["memory_episode"],
    }


def _timed(times: list[float], run: Callable[[], Any]) -> None:
    start = time.perf_counter_ns()
    run()
    times.append((time.perf_counter_ns() - start) / 1_000)


def _by_envs(dsn: str) -> dict[str, float]:
    """Microseconds of a golden episode (another world each time) with 1 to 16 environments of one process in turn."""
    out = {}
    for count in (1, 2, 4, 8, 16):
        envs = [CrmEnv(backend=dsn) for _ in range(count)]
        for number, env in enumerate(envs):
            env.reset(seed=number)
        start = time.perf_counter()
        for number in range(160):
            env = envs[number % count]
            env.reset()
            env.step(env.task.solution[-1])
        out[f"{count}_envs_us"] = (time.perf_counter() - start) / 160 * 1e6
        for env in envs:
            env.close()
    return out
