"""A bar in the terminal while a run is played."""

from __future__ import annotations

from collections import Counter
from typing import Any

from crm_gym import UsageError
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.log import Log
from crm_gym.evaluation.records import EpisodeRecord, Run


class ProgressCallback(EpisodeCallback):
    """A bar with the counts of outcomes and what the run has cost; nothing where nobody looks. Needs rich.

    Episodes that were in the log before are not counted.

    Args:
        console: Where to draw (a `rich.console.Console`); standard error if not given.

    Raises:
        UsageError: If rich is not installed.
    """

    def __init__(self, console: Any = None) -> None:
        try:
            from rich.console import Console
            from rich.progress import Progress
        except ModuleNotFoundError:
            raise UsageError("a progress bar needs rich: pip install 'crm-gym'") from None
        self._console = Console(stderr=True) if console is None else console
        self._progress = Progress(console=self._console, transient=True, disable=not self._console.is_terminal)
        self._bar = self._progress.add_task("", total=None)
        self._counts: Counter[str] = Counter()
        self._cost: float | None = 0.0
        self._agent = ""

    def on_run_begin(self, run: Run) -> None:
        """Draw the bar."""
        self._agent = run["agent"]
        self._progress.update(self._bar, total=run["count"], description=self._agent)
        self._progress.start()

    def on_episode_end(self, record: EpisodeRecord) -> None:
        """Go on by one."""
        self._counts[record["outcome"]] += 1
        if record["calls"]:
            cost = record["cost"]
            self._cost = None if cost is None or self._cost is None else self._cost + cost
        self._progress.update(self._bar, advance=1, description=self.line())

    def on_run_end(self, log: Log) -> None:
        """Take the bar away."""
        self._progress.stop()

    def line(self) -> str:
        """What stands beside the bar."""
        parts = [f"{self._counts['success']} of {self._counts.total()} right"]
        parts += [f"{self._counts[name]} {word}" for name, word in _TROUBLE.items() if self._counts[name]]
        if self._cost is None:
            parts.append("cost unknown")
        elif self._cost:
            parts.append(f"{self._cost:.2f} US dollars")
        return f"{self._agent}: {', '.join(parts)}"


_TROUBLE = {"model_error": "ended by the model", "infra_error": "ended by an outage"}
