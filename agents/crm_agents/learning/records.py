"""What a run writes down as it goes: two tables, and events for tensorboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch.utils.tensorboard.writer import SummaryWriter

from crm_agents.learning.curves import ALL, EVALUATIONS, EVALUATIONS_FILE, PROGRESS, PROGRESS_FILE, Log
from crm_agents.learning.evaluate import Result


class Records:
    """The records of a run.

    Args:
        folder: Its folder.
        until: Of what an earlier part of the run wrote, keep what is not later than so many seconds; None for nothing.
    """

    def __init__(self, folder: Path, until: float | None = None) -> None:
        self._progress = Log(folder / PROGRESS_FILE, PROGRESS, until)
        self._evaluations = Log(folder / EVALUATIONS_FILE, EVALUATIONS, until)
        self._writer = SummaryWriter(str(folder))

    def progress(self, at: Mapping[str, Any], figures: Mapping[str, float]) -> None:
        """Write how learning goes.

        Args:
            at: Seconds, phase, steps and samples.
            figures: The figures.
        """
        self._progress.add({**at, **figures})
        for name, value in figures.items():
            self._writer.add_scalar(f"{at['phase']}/{name}", value, at["steps"] + at["samples"])

    def evaluation(self, at: Mapping[str, Any], results: Sequence[Result]) -> None:
        """Write how good the policy is: a line for each suite, and for each of its families."""
        for result in results:
            plain = result.as_json()
            self._evaluations.add({**at, "suite": result.name, "family": ALL, **plain})
            for family, row in plain["by_family"].items():
                self._evaluations.add({**at, "suite": result.name, "family": family, **row})
            self._writer.add_scalar(f"success/{result.name}", result.success, at["steps"] + at["samples"])

    def close(self) -> None:
        """Close the files."""
        self._progress.close()
        self._evaluations.close()
        self._writer.close()
