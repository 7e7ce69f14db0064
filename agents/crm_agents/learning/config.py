"""What a training run is: one strict model, read from TOML."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from crm_agents.configfile import Part, config_of, read_toml

ALGORITHMS = ("clone", "torch_ppo", "maskable_ppo", "ppo", "a2c", "dqn")
"""Cloning alone; PPO in plain torch; and those of stable-baselines3 and sb3-contrib."""


class EnvConfig(Part):
    """The environment to learn in: its id, and keywords of it such as split, families, level or reward."""

    id: str = "CrmEnvForm-Train-v0"
    keywords: dict[str, Any] = Field({}, description="keywords of the environment, the reward's weights among them")
    count: int = Field(16, ge=1, le=65_536, description="environments at once")
    curriculum: bool = Field(False, description="harder tasks as the success rate rises (crm_gym.wrappers.Curriculum)")


class NetworkConfig(Part):
    """The network."""

    policy: Literal["pointer", "mlp"] = "pointer"
    width: int = Field(64, ge=8, le=1024, description="size of embeddings and keys")
    hidden: int = Field(128, ge=8, le=4096, description="size of hidden layers")
    word_dropout: float = Field(0.3, ge=0, lt=1, description="share of the words blotted out while cloning")


class CloneConfig(Part):
    """The warm start: behaviour cloning of the oracle. At least one budget; what is used up first ends it."""

    seconds: float | None = Field(None, gt=0, description="wall-clock seconds, those of starting the workers included")
    samples: int | None = Field(None, ge=1, description="samples learnt from, repeated ones counted again")
    batch: int = Field(512, ge=1)
    learning_rate: float = Field(1e-3, gt=0, description="falls to a twentieth over the budget")
    workers: int = Field(1, ge=1, le=64, description="processes that demonstrate")
    capacity: int = Field(50_000, ge=1, description="the last demonstrations, from which batches are drawn")
    first: int = Field(2_048, ge=1, description="demonstrations to wait for before learning begins")
    repeats: float | None = Field(
        None, gt=0, description="how often each is used on average; if not given, workers and learner run freely"
    )
    value_weight: float = Field(0.1, ge=0, description="weight of the loss of the value head")
    smoothing: float = Field(0.0, ge=0, lt=1, description="label smoothing over the allowed actions")
    keywords: dict[str, Any] | None = Field(None, description="keywords of the oracle's environments, if others")

    @model_validator(mode="after")
    def _has_an_end(self) -> CloneConfig:
        if self.seconds is None and self.samples is None:
            raise ValueError("clone needs seconds or samples")
        return self


class LearnerConfig(Part):
    """Hyper-parameters of reinforcement learning; each algorithm reads its own."""

    learning_rate: float = Field(3e-4, gt=0)
    anneal: bool = Field(True, description="let the learning rate fall to a tenth over the budget")
    discount: float = Field(0.99, gt=0, le=1)
    gae_lambda: float = Field(0.95, ge=0, le=1)
    steps: int = Field(128, ge=1, description="steps of each environment between updates (PPO, A2C)")
    batch: int = Field(512, ge=1, description="size of a minibatch")
    epochs: int = Field(4, ge=1, description="passes over what was collected (PPO)")
    clip: float = Field(0.2, gt=0)
    entropy: float = Field(0.01, ge=0)
    value_weight: float = Field(0.5, ge=0)
    max_grad_norm: float = Field(0.5, gt=0)
    target_kl: float | None = Field(None, gt=0)
    anchor: float = Field(0.0, ge=0, description="weight of the divergence from the cloned policy (torch_ppo)")
    buffer: int = Field(20_000, ge=1, description="transitions kept (DQN)")
    warmup: int = Field(1_000, ge=0, description="steps before learning begins (DQN)")
    train_every: int = Field(4, ge=1, description="steps between updates (DQN)")
    target_every: int = Field(1_000, ge=1, description="steps between copies to the target network (DQN)")
    explore_share: float = Field(0.3, gt=0, le=1, description="share of the budget over which exploration falls (DQN)")
    explore_least: float = Field(0.05, ge=0, le=1, description="exploration at the end (DQN)")


class SuiteConfig(Part):
    """What is played to see how good the policy is."""

    name: str = Field(min_length=1)
    id: str = "CrmEnvForm-Test-v0"
    keywords: dict[str, Any] = Field({})
    episodes: int | None = Field(None, ge=1, description="seeded resets; if not given, every task of the suite once")


class EvaluateConfig(Part):
    """When to look how good the policy is, and on what."""

    suites: tuple[SuiteConfig, ...] = Field((), strict=False)
    every_seconds: float | None = Field(None, gt=0)
    every_steps: int | None = Field(None, ge=1)
    count: int = Field(64, ge=1, description="episodes at once")
    seed: int = Field(1_000_000, ge=0, description="seed of the first episode")
    at_end: bool = True

    @model_validator(mode="after")
    def _names_differ(self) -> EvaluateConfig:
        names = [suite.name for suite in self.suites]
        twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if twice:
            raise ValueError(f"two suites have the name {twice[0]!r}; give each its own")
        return self


class TrainConfig(Part):
    """One training run.

    A budget in seconds counts everything from the start of the run: imports of workers, cloning, evaluation. With a
    budget in steps alone, and cloning by samples and repeats, a seed fixes the policy.
    """

    out: str = Field("runs/policy", min_length=1, description="folder of what the run leaves")
    start: str | None = Field(None, description="folder of a saved policy to begin with; of the same network")
    algorithm: Literal["clone", "torch_ppo", "maskable_ppo", "ppo", "a2c", "dqn"] = "torch_ppo"
    masks: bool = Field(True, description="whether the policy sees the masks")
    seconds: float | None = Field(None, gt=0, description="wall-clock seconds of the whole run")
    steps: int | None = Field(None, ge=1, description="steps of all environments together")
    seed: int = Field(0, ge=0)
    threads: int = Field(2, ge=1, le=256, description="threads of torch")
    checkpoint_seconds: float | None = Field(60.0, gt=0)
    checkpoint_steps: int | None = Field(None, ge=1)
    env: EnvConfig = EnvConfig()  # type: ignore[call-arg]
    network: NetworkConfig = NetworkConfig()  # type: ignore[call-arg]
    clone: CloneConfig | None = None
    learner: LearnerConfig = LearnerConfig()  # type: ignore[call-arg]
    evaluate: EvaluateConfig = EvaluateConfig()  # type: ignore[call-arg]

    @model_validator(mode="after")
    def _makes_sense(self) -> TrainConfig:
        if self.algorithm == "clone":
            if self.clone is None:
                raise ValueError("algorithm 'clone' needs a table [clone]")
        elif self.seconds is None and self.steps is None:
            raise ValueError("a run needs seconds or steps")
        if self.masks and self.algorithm in ("ppo", "a2c", "dqn"):
            raise ValueError(f"{self.algorithm} knows no masks; say masks = false, or take maskable_ppo or torch_ppo")
        if "ppo" in self.algorithm and min(self.learner.batch, self.learner.steps * self.env.count) < 2:
            raise ValueError(f"{self.algorithm} needs a learner.batch, and learner.steps times env.count, of 2 or more")
        return self


def config_from(given: Mapping[str, Any]) -> TrainConfig:
    """A config from plain values.

    Raises:
        UsageError: If it is no config; names what is wrong, and for an unknown key the nearest known one.
    """
    return config_of(TrainConfig, given)


def read_config(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """The config in a TOML file.

    Args:
        path: The file.
        overrides: Dotted keys to values that go before the file's: {"env.count": 8}.

    Raises:
        UsageError: If the file cannot be read, or is no config.
    """
    return config_of(TrainConfig, read_toml(path, overrides))
