#!/usr/bin/env python3
"""Run a training config with several seeds, play the policies at length, and leave table and curves beside the config.

    python scripts/learn.py configs/tools.toml                       train seeds 0, 1, 2, then play, then write
    python scripts/learn.py configs/tools.toml --played              play the policies of runs/tools-0, -1, -2 again
    python scripts/learn.py configs/ppo_form.toml --name core-free --set masks=false

Writes configs/NAME.csv (a line for each seed and suite, and for a random policy), configs/NAME-families.csv (the same
by family, all seeds together) and configs/NAME.png (the curves), NAME being that of the config or of --name.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

from crm_agents.configfile import override
from crm_agents.learning import curves
from crm_agents.learning.config import SuiteConfig, TrainConfig, read_config
from crm_agents.learning.evaluate import Evaluator, Result, evaluate_policy, random_policy
from crm_agents.learning.saving import load_policy
from crm_agents.learning.train import run_train

from crm_gym import InfraError, TaskError, UsageError

COLUMNS = ("policy", "seed", "suite", "episodes", "successes", "success_rate", "seconds", "samples", "steps")
FIRST = 2_000_000
"""Seed of the first episode that is played at the end: none of those that a run looks at on its way."""


def main(argv: list[str] | None = None) -> int:
    """Run the script; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="learn.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("config", type=Path)
    parser.add_argument("--name", help="of the runs and of the files; the config's if not given")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--episodes", type=int, default=1_000, help="episodes of each suite at the end")
    parser.add_argument("--played", action="store_true", help="train nothing: play what the runs have left")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="values that go before the file's")
    given = parser.parse_args(argv)
    name = given.name or given.config.stem
    try:
        overrides: dict[str, Any] = dict(override(one) for one in given.set)
        if given.episodes < 1:
            raise UsageError(f"--episodes must be 1 or more; got {given.episodes}")
        config = read_config(given.config, overrides)
        folders = [Path(f"runs/{name}-{seed}") for seed in given.seeds]
        runs = [
            {**overrides, "seed": seed, "out": str(folder)} for seed, folder in zip(given.seeds, folders, strict=True)
        ]
        for run, folder in zip(runs, folders, strict=True):  # what is wrong with the last one is said before the first
            read_config(given.config, run)
            if given.played:
                load_policy(folder)
        if not given.played:
            for run in runs:
                run_train(given.config, run, force=True)
        played = [
            (seed, one)
            for seed, folder in zip(given.seeds, folders, strict=True)
            for one in _played(folder, config, given.episodes)
        ]
        _write(given.config.with_name(f"{name}.csv"), config, played, given.episodes)
        _write_families(given.config.with_name(f"{name}-families.csv"), [result for _, (result, _) in played])
        curves.plot(folders, given.config.with_name(f"{name}.png"), name)
    except (UsageError, TaskError, InfraError) as fault:
        print(f"learn.py: {fault}", file=sys.stderr)
        return 2
    return 0


def _suites(config: TrainConfig, episodes: int) -> list[SuiteConfig]:
    """The suites at length; one that is played whole stays so."""
    return [
        suite if suite.episodes is None else suite.model_copy(update={"episodes": episodes})
        for suite in config.evaluate.suites
    ]


def _played(folder: Path, config: TrainConfig, episodes: int) -> list[tuple[Result, dict[str, Any]]]:
    """What a run's policy comes to on every suite, and what its training took."""
    net, saved = load_policy(folder)
    return [
        (evaluate_policy(net, suite, masks=config.masks, seed=FIRST), saved.about)
        for suite in _suites(config, episodes)
    ]


def _write(path: Path, config: TrainConfig, played: list[Any], episodes: int) -> None:
    lines = []
    for seed, (result, about) in played:
        took = {"seconds": round(about["seconds"]), "samples": about["samples"], "steps": about["steps"]}
        lines.append({"policy": config.network.policy, "seed": seed, **_figures(result), **took})
    for suite in _suites(config, episodes):
        evaluator = Evaluator(suite, seed=FIRST, masks=config.masks)
        result = evaluator.play(random_policy(0, config.masks))
        evaluator.close()
        lines.append({"policy": "random", "seed": 0, **_figures(result)})
    _save(path, COLUMNS, lines)
    for line in lines:
        print("  ".join(f"{key} {value}" for key, value in line.items()))


def _figures(result: Result) -> dict[str, Any]:
    return {
        "suite": result.name,
        "episodes": result.episodes,
        "successes": result.successes,
        "success_rate": round(result.success, 4),
    }


def _write_families(path: Path, results: list[Result]) -> None:
    counted: dict[tuple[str, str], tuple[int, int]] = {}
    for result in results:
        for family, (count, won) in result.by_family.items():
            before = counted.get((result.name, family), (0, 0))
            counted[result.name, family] = before[0] + count, before[1] + won
    lines = [
        {"suite": suite, "family": family, "episodes": count, "successes": won, "success_rate": round(won / count, 4)}
        for (suite, family), (count, won) in sorted(counted.items())
    ]
    _save(path, ("suite", "family", "episodes", "successes", "success_rate"), lines)


def _save(path: Path, columns: tuple[str, ...], lines: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="ascii", newline="") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
    print(f"{path} written")


if __name__ == "__main__":
    sys.exit(main())
