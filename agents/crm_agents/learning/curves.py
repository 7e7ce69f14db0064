"""What a run writes down as it goes, and the curves drawn from it."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

PROGRESS_FILE, EVALUATIONS_FILE, CURVES_FILE = "progress.csv", "evaluations.csv", "curves.png"
PROGRESS = (
    *("seconds", "phase", "steps", "samples", "seen", "loss", "accuracy", "success", "return", "length"),
    *("policy_loss", "value_loss", "entropy", "kl"),
)
EVALUATIONS = (
    *("seconds", "phase", "steps", "samples", "suite", "family", "episodes", "successes", "success_rate", "mean_steps"),
)
ALL = "all"
"""What stands for the family in the line of a suite as a whole."""


class Log:
    """A CSV file with fixed columns, a line at a time, readable while the run goes on.

    Args:
        path: The file; kept and added to if it is there.
        columns: Its columns; what a row does not have stays blank, what has no column is left out.
        until: Of the lines that are there, keep those with at most so many seconds: what came after was not finished.
    """

    def __init__(self, path: Path, columns: Sequence[str], until: float | None = None) -> None:
        kept = [] if until is None else [row for row in read_rows(path) if float(row["seconds"]) <= until]
        self._file = path.open("w", encoding="ascii", newline="")
        self._writer = csv.DictWriter(self._file, columns, extrasaction="ignore", lineterminator="\n")
        self._writer.writeheader()
        self._writer.writerows(kept)
        self._file.flush()

    def add(self, row: Mapping[str, Any]) -> None:
        """Write a line."""
        self._writer.writerow({name: _short(value) for name, value in row.items()})
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _short(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def read_rows(path: Path) -> list[dict[str, str]]:
    """The lines of a CSV file; none if there is no file."""
    if not path.exists():
        return []
    with path.open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file))


def plot(folders: Sequence[Path], picture: Path, title: str = "") -> None:
    """Draw success against seconds: a line for each suite, the mean of several runs with least and most around it.

    Args:
        folders: Runs, alike but for their seeds.
        picture: The PNG to write.
        title: What stands above.
    """
    from matplotlib.figure import Figure  # on its own it needs no display

    figure = Figure(figsize=(7, 4.2), dpi=120)
    axes = figure.subplots()
    runs = [read_rows(folder / EVALUATIONS_FILE) for folder in folders]
    for suite in dict.fromkeys(row["suite"] for rows in runs for row in rows):
        lines = [_line(rows, suite) for rows in runs]
        lines = [line for line in lines if line]
        ends = [line[-1][0] for line in lines]
        seconds = np.unique([at for line in lines for at, _ in line if at <= min(ends)] + [min(ends)])
        rates = np.array([np.interp(seconds, *np.array(line).T) for line in lines])
        (drawn,) = axes.plot(seconds, rates.mean(0), label=suite, marker="o", markersize=3)
        if len(rates) > 1:
            axes.fill_between(seconds, rates.min(0), rates.max(0), color=drawn.get_color(), alpha=0.2)
    axes.set(xlabel="seconds of training", ylabel="success", ylim=(-0.02, 1.02), title=title)
    axes.grid(alpha=0.3)
    if axes.lines:
        axes.legend(loc="lower right", fontsize=8)
    figure.tight_layout()
    figure.savefig(picture, metadata={"Software": None})


def _line(rows: list[dict[str, str]], suite: str) -> list[tuple[float, float]]:
    return [
        (float(row["seconds"]), float(row["success_rate"]))
        for row in rows
        if row["suite"] == suite and row["family"] == ALL
    ]
