#!/usr/bin/env python3
"""Train configs/ablation.toml with and without masks, shaping and cloning, and write configs/ablation.csv.

python scripts/ablate.py              all eight, one after the other
python scripts/ablate.py --seeds 0 1  the same with two seeds
"""

from __future__ import annotations

import argparse
import csv
import itertools
from pathlib import Path
from typing import Any

from crm_agents.learning.train import run_train

CONFIG = Path("configs/ablation.toml")
SHAPED = {"progress": 0.5, "collateral": 0.1, "filled": 0.2, "form": -0.002}
CLONE = {"seconds": 10, "batch": 256, "learning_rate": 2e-3, "first": 512}
COLUMNS = ("masks", "reward", "cloning", "seed", "episodes", "successes", "success_rate", "steps", "samples", "seconds")


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(
        prog="ablate.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    given = parser.parse_args()
    lines = []
    for masks, shaped, cloned, seed in itertools.product((True, False), (False, True), (False, True), given.seeds):
        lines.append(_line(masks, shaped, cloned, seed))
        print("  ".join(f"{key} {value}" for key, value in lines[-1].items()), flush=True)
    with CONFIG.with_suffix(".csv").open("w", encoding="ascii", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)


def _line(masks: bool, shaped: bool, cloned: bool, seed: int) -> dict[str, Any]:
    name = f"{'masks' if masks else 'free'}-{'shaped' if shaped else 'binary'}-{'cloned' if cloned else 'plain'}"
    overrides: dict[str, Any] = {"masks": masks, "seed": seed, "out": f"runs/ablation/{name}-{seed}"}
    if shaped:
        overrides["env.keywords.reward"] = SHAPED
    if cloned:
        overrides["clone"] = CLONE
    result = run_train(CONFIG, overrides, force=True)
    suite = result["suites"][0]
    return {
        "masks": "yes" if masks else "no",
        "reward": "shaped" if shaped else "binary",
        "cloning": "yes" if cloned else "no",
        "seed": seed,
        "episodes": suite["episodes"],
        "successes": suite["successes"],
        "success_rate": suite["success_rate"],
        "steps": result["steps"],
        "samples": result["samples"],
        "seconds": round(result["seconds"]),
    }


if __name__ == "__main__":
    main()
