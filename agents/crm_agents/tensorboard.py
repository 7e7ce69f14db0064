"""The figures of a run as curves in tensorboard."""

from __future__ import annotations

import os
from typing import Any

from crm_gym import UsageError
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.log import Log
from crm_gym.evaluation.records import EpisodeRecord, Run


class TensorboardCallback(EpisodeCallback):
    """Events for tensorboard, one point an episode in the order in which they end. Needs the extra sb3.

    Curves: episode/success, steps, reward, calls, tokens, cost and latency, where there are; run/success_rate so far,
    over the episodes that count; run/outages so far.

    Args:
        folder: Where the events go.

    Raises:
        UsageError: If tensorboard is not installed.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as fault:
            raise UsageError(f"{fault.name} is not installed; curves need it: pip install 'crm-gym[sb3]'") from None
        self._make, self._folder = SummaryWriter, os.fspath(folder)
        self._writer: Any = None
        self._played = self._counted = self._successes = 0

    def on_run_begin(self, run: Run) -> None:
        """Open the events."""
        self._writer = self._make(self._folder)
        self._played = self._counted = self._successes = 0
        self._writer.add_text("run", f"{run['agent']} on {run['env_id']}, {run['count']} episodes, run {run['run']}")

    def on_episode_end(self, record: EpisodeRecord) -> None:
        """A point on every curve."""
        self._played += 1
        counts = record["outcome"] != "infra_error"
        self._counted += counts
        self._successes += record["outcome"] == "success"
        for name, value in _figures(record).items():
            self._writer.add_scalar(f"episode/{name}", value, self._played)
        if self._counted:
            self._writer.add_scalar("run/success_rate", self._successes / self._counted, self._played)
        self._writer.add_scalar("run/outages", self._played - self._counted, self._played)

    def on_run_end(self, log: Log) -> None:
        """Close the events."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _figures(record: EpisodeRecord) -> dict[str, float]:
    """The figures of an episode; those that are not known are left out."""
    tokens, counts = record["tokens"], record["outcome"] != "infra_error"
    figures: dict[str, float | None] = {
        "success": record["outcome"] == "success" if counts else None,
        "steps": len(record["steps"]),
        "reward": record["total"],
    }
    if record["calls"]:
        spent = None if tokens is None else sum(tokens.values())
        figures |= {"calls": record["calls"], "tokens": spent, "cost": record["cost"], "latency": record["latency"]}
    return {name: float(value) for name, value in figures.items() if value is not None}
