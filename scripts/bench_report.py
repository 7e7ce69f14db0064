"""What a report of many episodes costs: seconds, bytes of the page, and most memory used; part of bench.py.

The episodes are real: tasks of the generator, played by an agent that looks up what it needs and then does it. Once as
it is, and once with a page of twenty records read first, as an agent does that searches without knowing for what.
A thousand are played; they are repeated under other seeds, so far apart that it helps no compression.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gymnasium as gym

from crm_gym import ToolCall
from crm_gym.baselines import OracleAgent
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import Log, LogWriter, read_log
from crm_gym.evaluation.report import report

PLAYED = 1_000
_SEARCHES = ("client_search", "opportunity_search", "contact_search", "quote_search", "contract_search")


class Careful(OracleAgent):
    """Looks up what it needs, and then does it."""

    def __init__(self, env: gym.Env[Any, Any], seed: int = 0) -> None:
        super().__init__(env, demonstrate=True)


class Broad(Careful):
    """Reads a page of twenty records before."""

    def __init__(self, env: gym.Env[Any, Any], seed: int = 0) -> None:
        super().__init__(env, seed)
        self._first = ToolCall(_SEARCHES[seed % len(_SEARCHES)], {})

    def act(self, observation: Mapping[str, Any]) -> ToolCall:
        """A search first."""
        return super().act(observation) if observation["steps"] else self._first


def measure(count: int = 10_000, played: int = PLAYED) -> dict[str, dict[str, float]]:
    """Figures for both kinds of episodes."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            agent.__name__.lower(): _one(Path(folder), agent, count, min(played, count)) for agent in (Careful, Broad)
        }


def _one(folder: Path, agent: type[Careful], count: int, played: int) -> dict[str, float]:
    name = agent.__name__
    plan = {"suite": "generated", "episodes": played, "seed": 0}
    some = BaselineHarness(agent, folder / f"{name}.some.jsonl", plan=plan).run()
    log = _repeated(some, folder / f"{name}.jsonl", count)
    page = folder / f"{name}.html"
    began = time.perf_counter()
    report([log], page)
    seconds = time.perf_counter() - began
    return {
        "episodes": count,
        "steps_per_episode": sum(len(record["steps"]) for record in some.episodes) / len(some.episodes),
        "log_megabytes": log.stat().st_size / 1e6,
        "seconds": seconds,
        "page_megabytes": page.stat().st_size / 1e6,
        "most_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


def _repeated(some: Log, path: Path, count: int) -> Path:
    """A log of as many episodes as wanted."""
    size = len(some.episodes)
    with LogWriter(path, {**some.run, "count": count}) as writer:
        for place in range(count):
            round_, record = place // size, some.episodes[place % size]
            other = {"seed": place, "index": place, "task": f"{record['task']}-{round_}"}
            writer.add({**record, **other})  # type: ignore[typeddict-item]
    assert len(read_log(path).episodes) == count
    return path


if __name__ == "__main__":
    print(json.dumps(measure(*map(int, sys.argv[1:])), indent=2))
