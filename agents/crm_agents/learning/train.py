"""Runs a config: warm start, algorithm, evaluation, checkpoints, curves; goes on where it was stopped."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch

from crm_agents.learning import checkpoints, curves
from crm_agents.learning.cloning import Cloner
from crm_agents.learning.config import TrainConfig, read_config
from crm_agents.learning.door import Door, check_door, probe
from crm_agents.learning.evaluate import Evaluator, Result, greedy
from crm_agents.learning.network import Net, NetConfig, build, keep_words
from crm_agents.learning.records import Records
from crm_agents.learning.saving import begin_with, save_policy
from crm_agents.learning.sb3 import Sb3Learner
from crm_agents.learning.torch_ppo import TorchPpo
from crm_agents.learning.vecenv import as_sb3_vecenv
from crm_agents.learning.vector import make_vector

BATCHES = 20
"""Batches of cloning between looks at the clock."""

Progress = Callable[[float, str], None]
"""Called with the share of the budget that is used up and a line on how it goes."""


class Training:
    """A run under way.

    Args:
        config: What to do.
        resume: Go on from the folder's checkpoint.
        force: Replace the run that the folder holds.
        began: When the run's clock started, of `time.monotonic`; now if not given.

    Raises:
        UsageError: If the folder, an environment or the policy to begin with will not do. The folder is as it was.
        InfraError: If the environment's database is out of reach. The folder is as it was.
    """

    def __init__(
        self, config: TrainConfig, *, resume: bool = False, force: bool = False, began: float | None = None
    ) -> None:
        self.config, self.folder = config, Path(config.out)
        self.began = time.monotonic() if began is None else began
        self.spent = 0.0  # seconds before the checkpoint that this run goes on from
        kept = checkpoints.look(config, self.folder, resume=resume, force=force)
        torch.set_num_threads(config.threads)
        torch.manual_seed(config.seed)
        door = probe(config.env.id, config.env.keywords)
        if config.clone is not None and config.clone.keywords is not None:
            probe(config.env.id, config.clone.keywords)
        self.net: Net = build(door, NetConfig.model_validate(_network(config)))
        if config.start is not None:
            begin_with(self.net, Path(config.start))
        self.evaluators = [
            Evaluator(suite, config.evaluate.count, config.evaluate.seed, masks=config.masks)
            for suite in config.evaluate.suites
        ]
        for one in self.evaluators:
            check_door(door, one.door, f"suite {one.suite.name!r}: the policy")
        if kept is not None:
            check_door(Door.model_validate(kept.get("door", door)), door, f"the checkpoint in {self.folder}")
        checkpoints.begin(config, self.folder, clear=kept is None)
        self.phase = "clone" if config.clone is not None else "learn"
        self.figures: dict[str, float] = {}
        self.results: list[Result] = []
        self.cloner: Cloner | None = None
        self.learner: TorchPpo | Sb3Learner | None = None
        self._marks = {"evaluation": (0.0, 0), "checkpoint": (0.0, 0)}
        if kept is not None:
            self._restore(kept)
        elif self.phase == "clone":
            self.cloner = self._make_cloner()
        self.records = Records(self.folder, None if kept is None else self.spent)

    # The clock and the budget

    @property
    def seconds(self) -> float:
        """Seconds of the run so far, those before an interruption included."""
        return self.spent + time.monotonic() - self.began

    @property
    def steps(self) -> int:
        """Steps of the environments so far."""
        return self.learner.steps if self.learner is not None else 0

    @property
    def samples(self) -> int:
        """Samples cloned so far."""
        return self.cloner.samples if self.cloner is not None else int(self.figures.get("samples", 0))

    @property
    def share(self) -> float:
        """How much of the whole budget is used up, 0 to 1."""
        config, used = self.config, [0.0]
        if config.seconds is not None:
            used.append(self.seconds / config.seconds)
        if config.steps is not None:
            used.append(self.steps / config.steps)
        if config.algorithm == "clone" and self.cloner is not None:
            used.append(self.cloner.share)
        return min(max(used), 1.0)

    @property
    def over(self) -> bool:
        """Whether the budget is used up."""
        return self.share >= 1 or (self.phase == "learn" and self.config.algorithm == "clone")

    # The run

    def run(self, on_progress: Progress | None = None) -> dict[str, Any]:
        """Train until the budget is used up; returns what the last evaluation came to."""
        try:
            while not self.over:
                self._advance()
                if on_progress is not None:
                    on_progress(self.share, self.line())
                self._evaluate_if_due()
                self._keep_if_due()
            self.keep()
            if self.config.evaluate.at_end:
                self.evaluate()
        finally:
            self.close()
        result = self._result()
        (self.folder / checkpoints.RESULT_FILE).write_text(json.dumps(result, indent=1) + "\n", encoding="ascii")
        curves.plot([self.folder], self.folder / curves.CURVES_FILE, self.folder.name)
        return result

    def _advance(self) -> None:
        """A little further in the present phase."""
        if self.cloner is not None:
            figures = self.cloner.advance(BATCHES)
            if self.cloner.share >= 1:
                self._end_cloning()
        else:
            if self.learner is None:
                self.learner = self._make_learner()
            figures = self.learner.advance(self.share)
        if figures:
            self.figures = {"samples": self.samples, **figures}
            self.records.progress(self._at(), self.figures)

    def _at(self) -> dict[str, Any]:
        """Where the run stands."""
        return {"seconds": self.seconds, "phase": self.phase, "steps": self.steps, "samples": self.samples}

    def _end_cloning(self) -> None:
        assert self.cloner is not None
        self.figures = {"samples": self.cloner.samples}
        self.cloner.close()
        self.cloner, self.phase = None, "learn"

    def _make_cloner(self) -> Cloner:
        config = self.config
        assert config.clone is not None
        seed = config.seed + 7_919 * round(self.spent)  # a resumed run is shown fresh tasks
        return Cloner(self.net, config.env, config.clone, config.masks, seed, config.learner.discount)

    def _make_learner(self) -> TorchPpo | Sb3Learner:
        config = self.config
        vector = make_vector(config.env, masks=config.masks)
        keep_words(self.net)
        learner: TorchPpo | Sb3Learner
        if config.algorithm == "torch_ppo":
            learner = TorchPpo(self.net, vector, config.learner, config.masks, config.seed)
        else:
            envs = as_sb3_vecenv(vector)
            learner = Sb3Learner(config.algorithm, self.net, envs, config.learner, config.masks, config.seed)
        self.net = learner.net
        return learner

    # Evaluation

    def _due(self, what: str, seconds: float | None, count: int | None) -> bool:
        """Whether so many seconds or steps (of cloning: samples) have passed since the last time; notes it if so."""
        last, before = self._marks[what]
        now = self.steps + self.samples
        due = (seconds is not None and self.seconds - last >= seconds) or (
            count is not None and now // count > before // count
        )
        if due:
            self._marks[what] = self.seconds, now
        return due

    def _evaluate_if_due(self) -> None:
        given = self.config.evaluate
        if self._due("evaluation", given.every_seconds, given.every_steps):
            self.evaluate()
            self._marks["evaluation"] = self.seconds, self.steps + self.samples

    def evaluate(self) -> list[Result]:
        """Play all suites, and write down what came out."""
        self.net.eval()
        at = self._at()
        self.results = [one.play(greedy(self.net, self.config.masks)) for one in self.evaluators]
        self.records.evaluation(at, self.results)
        return self.results

    def line(self) -> str:
        """How it goes, in a line."""
        shown = [self.phase]
        for name in ("accuracy", "success", "loss", "entropy"):
            if name in self.figures:
                shown.append(f"{name} {self.figures[name]:.3f}")
        shown += [f"{result.name} {result.success:.3f}" for result in self.results]
        return "  ".join(shown)

    # Checkpoints

    def _keep_if_due(self) -> None:
        config = self.config
        if self._due("checkpoint", config.checkpoint_seconds, config.checkpoint_steps):
            self.keep()
            if self.learner is not None:
                self.learner.restart()

    def keep(self) -> None:
        """Write the policy and all that is needed to go on."""
        about = {"seconds": self.seconds, "steps": self.steps, "samples": self.samples, "env": self.config.env.id}
        save_policy(self.folder, self.net, masks=self.config.masks, about=about)
        kept = {
            "phase": self.phase,
            "seconds": self.seconds,
            "samples": self.samples,
            "net": self.net.state_dict(),
            "door": self.net.door.model_dump(),
            "marks": {name: list(mark) for name, mark in self._marks.items()},
            "rng": torch.get_rng_state(),
            "cloner": None if self.cloner is None else self.cloner.state(),
            "learner": None if self.learner is None else self.learner.state(),
        }
        checkpoints.write(self.config, self.folder, kept)

    def _restore(self, kept: Mapping[str, Any]) -> None:
        self.phase, self.spent = kept["phase"], kept["seconds"]
        self._marks = {name: (seconds, count) for name, (seconds, count) in kept["marks"].items()}
        self.figures = {"samples": kept["samples"]}
        self.net.load_state_dict(kept["net"])
        if kept["cloner"] is not None:
            self.cloner = self._make_cloner()
            self.cloner.load(kept["cloner"])
        torch.set_rng_state(kept["rng"])
        if kept["learner"] is not None:
            self.learner = self._make_learner()
            self.learner.load(kept["learner"])

    def _result(self) -> dict[str, Any]:
        return {
            "seconds": self.seconds,
            "steps": self.steps,
            "samples": self.samples,
            "suites": [result.as_json() for result in self.results],
        }

    def close(self) -> None:
        """End workers, close files and environments."""
        for part in (self.cloner, self.learner, *self.evaluators, self.records):
            if part is not None:
                part.close()


def _network(config: TrainConfig) -> dict[str, Any]:
    given = config.network.model_dump()
    return {"kind": given.pop("policy"), **given}


def run_train(
    config_path: Path,
    overrides: Mapping[str, Any] | None = None,
    *,
    resume: bool = False,
    force: bool = False,
    on_progress: Progress | None = None,
    began: float | None = None,
) -> dict[str, Any]:
    """Train as a TOML file says.

    Args:
        config_path: The file.
        overrides: Dotted keys to values that go before the file's.
        resume: Go on from the checkpoint in the config's folder.
        force: Replace the run that the folder holds.
        on_progress: Told how it goes.
        began: When the clock started, of `time.monotonic`.

    Returns:
        Seconds, steps, samples, and what the last evaluation came to.
    """
    config = read_config(config_path, overrides)
    return Training(config, resume=resume, force=force, began=began).run(on_progress)
