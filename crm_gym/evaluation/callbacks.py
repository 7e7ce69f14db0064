"""What else may happen while a run is played: five moments, none of which can change a record."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from crm_gym.errors import UsageError
from crm_gym.evaluation.log import Log
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.records import EpisodeRecord, Run, StepRecord
from crm_gym.strict_json import encode


class EpisodeCallback:
    """Five moments of a run, in which nothing happens: override those you like.

    All are called in the process and, but for `on_run_begin` and `on_run_end`, in the thread that plays. What is handed
    over is not to be changed. What a callback raises stops the run; what is finished is in the log.
    """

    def on_run_begin(self, run: Run) -> None:
        """Before the first episode."""

    def on_episode_begin(self, job: Job) -> None:
        """Before an episode; again before it is played again after an outage."""

    def on_step(self, job: Job, number: int, step: StepRecord) -> None:
        """After a step; those of another process come all at once when their episode has ended.

        Args:
            job: The episode.
            number: The step's number, from 1.
            step: The step.
        """

    def on_episode_end(self, record: EpisodeRecord) -> None:
        """After an episode has been written to the log, as it stands there; once an episode."""

    def on_run_end(self, log: Log) -> None:
        """After the last episode, or after the run was stopped: `log` holds what there is."""


_STEP = EpisodeCallback.on_step
_BEGUN = ("run", "agent", "env_id", "count")
_ENDED = ("index", "seed", "trial", "attempt", "task", "outcome", "reason", "calls", "cost")


class CallbackList(EpisodeCallback):
    """Several callbacks, each moment in their order.

    Args:
        callbacks: The callbacks.
    """

    def __init__(self, callbacks: Iterable[EpisodeCallback] = ()) -> None:
        if not isinstance(callbacks, Iterable):
            raise UsageError(f"callbacks must be a list of EpisodeCallback objects; got {callbacks!r}")
        self.callbacks = list(callbacks)
        for callback in self.callbacks:
            if not isinstance(callback, EpisodeCallback):
                raise UsageError(f"callbacks must be EpisodeCallback objects; got {callback!r}")
        # Steps are many: only those are called that look at them.
        self._of_steps = [callback for callback in self.callbacks if _looks_at_steps(callback)]

    @property
    def looks_at_steps(self) -> bool:
        """Whether any of them overrides `on_step`."""
        return bool(self._of_steps)

    def on_run_begin(self, run: Run) -> None:
        """See `EpisodeCallback`."""
        for callback in self.callbacks:
            callback.on_run_begin(run)

    def on_episode_begin(self, job: Job) -> None:
        """See `EpisodeCallback`."""
        for callback in self.callbacks:
            callback.on_episode_begin(job)

    def on_step(self, job: Job, number: int, step: StepRecord) -> None:
        """See `EpisodeCallback`."""
        for callback in self._of_steps:
            callback.on_step(job, number, step)

    def on_episode_end(self, record: EpisodeRecord) -> None:
        """See `EpisodeCallback`."""
        for callback in self.callbacks:
            callback.on_episode_end(record)

    def on_run_end(self, log: Log) -> None:
        """See `EpisodeCallback`."""
        for callback in self.callbacks:
            callback.on_run_end(log)


def _looks_at_steps(callback: EpisodeCallback) -> bool:
    if isinstance(callback, CallbackList):
        return callback.looks_at_steps
    return getattr(callback.on_step, "__func__", None) is not _STEP


class JsonlCallback(EpisodeCallback):
    """A line of JSON for every moment, to follow a run from another program; readable by its owner alone.

    The lines hold names and numbers only, nothing that a model or a record of the CRM said.

    Args:
        path: The file; added to if it is there. Never what a link points to.
        steps: Whether steps get a line each, too.

    Raises:
        UsageError: If the file cannot be written.
    """

    def __init__(self, path: str | os.PathLike[str], steps: bool = True) -> None:
        self.path, self._steps, self._fd = Path(path), steps, -1

    def on_run_begin(self, run: Run) -> None:
        """Open the file."""
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(self.path, flags, 0o600)
        except OSError as fault:
            raise UsageError(f"{self.path} cannot be written: {fault.strerror}; give another path") from None
        whole: dict[str, Any] = {**run}
        self._say("run_begin", {name: whole[name] for name in _BEGUN})

    def on_episode_begin(self, job: Job) -> None:
        """Say which."""
        self._say("episode_begin", _named(job))

    def on_step(self, job: Job, number: int, step: StepRecord) -> None:
        """Say which tool, and how it went."""
        if self._steps:
            error = step["error"] and step["error"]["code"]
            self._say("step", {**_named(job), "step": number, "tool": step["tool"], "error": error})

    def on_episode_end(self, record: EpisodeRecord) -> None:
        """Say what came of it."""
        whole: dict[str, Any] = {**record}
        self._say("episode_end", {**{name: whole[name] for name in _ENDED}, "steps": len(record["steps"])})

    def on_run_end(self, log: Log) -> None:
        """Close the file."""
        if self._fd >= 0:
            self._say("run_end", {"episodes": len(log.episodes), "of": log.run["count"]})
            os.close(self._fd)
            self._fd = -1

    def _say(self, moment: str, what: dict[str, Any]) -> None:
        os.write(self._fd, (encode({"moment": moment, **what}) + "\n").encode("ascii"))


def _named(job: Job) -> dict[str, int]:
    return {"index": job.index, "seed": job.seed, "trial": job.trial, "attempt": job.attempt}
