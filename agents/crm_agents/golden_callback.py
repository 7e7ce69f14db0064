"""For stable-baselines3: every so many steps the policy plays a suite; its success is logged, in all and by tool."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import numpy as np
from sb3_contrib import MaskablePPO
from stable_baselines3.common.callbacks import BaseCallback

from crm_agents.learning.config import SuiteConfig
from crm_agents.learning.evaluate import Evaluator, Result
from crm_gym import UsageError

Array = np.ndarray[Any, Any]

COLUMNS = ("steps", "suite", "family", "episodes", "successes", "success_rate")
"""Columns of the file: a line for each family, and one with the family "all", at each evaluation."""

GOLDEN = SuiteConfig.model_validate({"name": "golden", "id": "CrmEnvForm-v0"})
"""Every golden task once, at the form door: a minute or two for a policy that solves nothing yet and goes on to the
limit of steps each time, so `episodes` does well at first."""


class GoldenCaseCallback(BaseCallback):
    """Plays a suite with the policy that is being learnt, always taking the action it likes best.

    Nothing of it reaches the training: it has environments of its own and draws no random numbers. Works with
    MaskablePPO, which sees the masks, and with PPO, A2C and DQN, which do not: of theirs, an action that is masked out
    ends the episode.

    Curves are recorded under the suite's name (golden/success_rate, golden/steps, golden/by_tool/create_quote, ...).

    Args:
        every: Steps of all environments between evaluations.
        suite: What is played: all golden tasks, or any suite; with `episodes` so many seeded ones, always the same.
        path: A CSV file with `COLUMNS`, for its owner alone; what is in it already is kept.
        best: Where the best model so far is saved, as a zip.
        count: Episodes at once.
        seed: Seed of the first episode.
        verbose: Whether to print a line at each evaluation (1) or nothing (0).

    Attributes:
        last: The last evaluation.
        best_rate: The best success rate so far, -1.0 before the first evaluation.

    Raises:
        UsageError: When training begins, if the suite's environment does not exist or is not what the policy sees.
    """

    def __init__(
        self,
        every: int = 10_000,
        suite: SuiteConfig = GOLDEN,
        path: str | os.PathLike[str] | None = None,
        best: str | os.PathLike[str] | None = None,
        count: int = 32,
        seed: int = 0,
        verbose: int = 0,
    ) -> None:
        super().__init__(verbose)
        if type(every) is not int or every < 1:
            raise UsageError(f"every must be a whole number of 1 or more; got {every!r}")
        self.every, self.suite, self.count, self.seed = every, suite, count, seed
        self.path = None if path is None else Path(path)
        self.best = None if best is None else Path(best)
        self.last: Result | None = None
        self.best_rate = -1.0
        self._evaluator: Evaluator | None = None
        self._next = every

    def evaluate(self) -> Result:
        """Play the suite now, and log what came out."""
        if self._evaluator is None:
            self._evaluator = self._made()
        result = self.last = self._evaluator.play(self._policy)
        self._record(result)
        if self.path:
            _append(self.path, self.num_timesteps, result)
        if result.success > self.best_rate:
            self.best_rate = result.success
            if self.best:
                self.best.parent.mkdir(parents=True, exist_ok=True)
                self.model.save(self.best)
        if self.verbose:
            won = f"{result.successes} of {result.episodes}"
            print(f"{self.num_timesteps} steps: {self.suite.name} {result.success:.1%} ({won})")
        return result

    def close(self) -> None:
        """Close the environments; the next evaluation opens new ones."""
        if self._evaluator is not None:
            self._evaluator.close()
            self._evaluator = None

    def _on_training_start(self) -> None:
        self._evaluator = self._evaluator or self._made()
        self._next = self.num_timesteps + self.every

    def _on_step(self) -> bool:
        if self.num_timesteps >= self._next:
            self._next += self.every * ((self.num_timesteps - self._next) // self.every + 1)
            self.evaluate()
        return True

    def _on_training_end(self) -> None:
        self.close()

    def _made(self) -> Evaluator:
        evaluator = Evaluator(self.suite, self.count, self.seed, masks=isinstance(self.model, MaskablePPO))
        env = evaluator.envs[0]
        if (env.observation_space, env.action_space) != (self.model.observation_space, self.model.action_space):
            evaluator.close()
            raise UsageError(
                f"suite {self.suite.name!r} is played in {self.suite.id}, which shows or takes something else than "
                "the environment the model learns in; give a suite with the same door and the same tools"
            )
        return evaluator

    def _policy(self, observation: dict[str, Array], mask: Array) -> Array:
        more = {"action_masks": mask} if isinstance(self.model, MaskablePPO) else {}
        return np.asarray(self.model.predict(observation, deterministic=True, **more)[0])  # type: ignore[arg-type]

    def _record(self, result: Result) -> None:
        name = self.suite.name
        self.logger.record(f"{name}/success_rate", result.success)
        self.logger.record(f"{name}/episodes", result.episodes)
        self.logger.record(f"{name}/steps", result.steps / max(result.episodes, 1))
        for family, (episodes, successes) in sorted(result.by_family.items()):
            self.logger.record(f"{name}/by_tool/{family}", successes / episodes, exclude="stdout")


def _opened(path: str, flags: int) -> int:
    """A file that its owner alone can read, also if it was there before."""
    fd = os.open(path, flags, 0o600)
    os.fchmod(fd, 0o600)
    return fd


def _append(path: Path, steps: int, result: Result) -> None:
    """Add an evaluation to the file."""
    lines = [("all", (result.episodes, result.successes)), *sorted(result.by_family.items())]
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", newline="", encoding="utf-8", opener=_opened) as file:
        table = csv.writer(file)
        if not file.tell():
            table.writerow(COLUMNS)
        table.writerows((steps, result.name, name, count, won, round(won / count, 6)) for name, (count, won) in lines)
