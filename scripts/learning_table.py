#!/usr/bin/env python3
"""Print what was learnt, from the CSV files beside the configs, as the Markdown table of README.md.

python scripts/learning_table.py
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

CONFIGS = Path(__file__).resolve().parent.parent / "configs"
RUNS = ("core", "core-free", "tools", "tools-mlp", "workflows")
"""The runs of `scripts/learn.py` that are shown, in this order."""

Line = dict[str, str]


def main() -> None:
    """Run the script."""
    print("\n".join(table()))


def table() -> Iterator[str]:
    """The lines of the table."""
    yield "| run | seconds | suite | success, by seed | episodes each | random |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name in RUNS:
        path = CONFIGS / f"{name}.csv"
        if path.exists():
            with path.open(encoding="ascii", newline="") as file:
                yield from _rows(name, list(csv.DictReader(file)))


def _rows(name: str, lines: list[Line]) -> Iterator[str]:
    for suite in dict.fromkeys(line["suite"] for line in lines):
        mine = [line for line in lines if line["suite"] == suite]
        trained = [line for line in mine if line["policy"] != "random"]
        chance = [line["success_rate"] for line in mine if line["policy"] == "random"]
        seconds = ", ".join(dict.fromkeys(line["seconds"] for line in trained))
        rates = ", ".join(f"{float(line['success_rate']):.3f}" for line in trained)
        yield f"| {name} | {seconds} | {suite} | {rates} | {trained[0]['episodes']} | {', '.join(chance)} |"


if __name__ == "__main__":
    main()
