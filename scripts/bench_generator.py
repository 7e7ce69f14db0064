"""What a fresh task costs: made and reset to, in worlds of two sizes, taking turns in one run.

Called by `scripts/bench.py generator`.
"""

from __future__ import annotations

import statistics
import time
from typing import Any

import gymnasium as gym

import crm_gym  # noqa: F401  registers the ids

SMALL, LARGE = 1_000, 100_000
_BLOCK = 100


def measure(rounds: int, large: int = LARGE) -> dict[str, Any]:
    """Tasks a second in the smaller worlds, and what one costs in the larger against the smaller.

    Args:
        rounds: Blocks of a hundred resets in each size.
        large: Records of the larger worlds.
    """
    envs = {size: _env(size) for size in (SMALL, large)}
    times: dict[int, list[float]] = {size: [] for size in envs}
    for _ in range(rounds):
        for size, env in envs.items():
            times[size].append(_block(env))
    typical = {size: statistics.median(found) for size, found in times.items()}
    ratios = sorted(b / a for a, b in zip(times[SMALL], times[large], strict=True))
    return {
        "tasks_per_second": 1 / typical[SMALL],
        "microseconds_small": typical[SMALL] * 1e6,
        "microseconds_large": typical[large] * 1e6,
        "large_over_small": statistics.median(ratios),
        "ratio_tenth": ratios[len(ratios) // 10],
        "ratio_nine_tenths": ratios[len(ratios) * 9 // 10],
    }


def _env(records: int) -> gym.Env[Any, Any]:
    """An environment whose worlds are built: the first resets have seen to that."""
    env = gym.make("CrmEnv-v0", suite="generated", records=records, disable_env_checker=True).unwrapped
    env.reset(seed=0)
    for _ in range(3 * _BLOCK):
        env.reset()
    return env


def _block(env: gym.Env[Any, Any]) -> float:
    """Seconds of one reset to a fresh task, over a block of them."""
    start = time.perf_counter()
    for _ in range(_BLOCK):
        env.reset()
    return (time.perf_counter() - start) / _BLOCK
