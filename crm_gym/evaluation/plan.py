"""What is played: the environment, the tasks, the seeds; and the first line of a log, which says so."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import gymnasium as gym

from crm_gym.errors import UsageError, near_miss
from crm_gym.evaluation.account import ModelAgent
from crm_gym.evaluation.records import SCHEMA, Run
from crm_gym.registration import IDS
from crm_gym.strict_json import encode
from crm_gym.tasks.catalogue import SUITES, load_suite
from crm_gym.tasks.splits import GENERATED
from crm_gym.tasks.task import Task

TRIAL_SEEDS = 1_000_003
"""How far apart the agent's seeds of two trials of a task are."""

_CHOICES = {"refusals": ("decline", "attempt"), "ends_on": ("success", "finish")}
_FIELDS = ("suite", "tasks", "refusals", "ends_on")
_DRAWING = ("split", "level", "families", "records", "weights")


@dataclass(frozen=True, slots=True)
class Job:
    """An episode to be played.

    Attributes:
        index: Its place in the run, from 0.
        seed: Seed of the reset; the same for every trial of a task.
        trial: From 0.
        options: Options of the reset.
        weight: About how many calls it will take: to begin with the long ones. Agents never see it.
        attempt: From 1; more after an outage.
    """

    index: int
    seed: int
    trial: int
    options: dict[str, Any] | None = None
    weight: int = 1
    attempt: int = 1

    @property
    def agent_seed(self) -> int:
        """The seed of an agent that is made for this episode."""
        return self.seed + TRIAL_SEEDS * self.trial

    @property
    def key(self) -> tuple[int, int]:
        """What names it within the run: seed and trial."""
        return self.seed, self.trial


@dataclass(frozen=True)
class Plan:
    """What to play.

    Attributes:
        env_id: A registered id with text actions.
        suite: The suite; None for the one the id stands for.
        tasks: Only these task ids and tool names; none for all.
        episodes: How many tasks are drawn, by seeded resets; None for every task of the suite once, in order.
        seed: Task k, from 0, has the seed `seed + k`.
        trials: How often each task is played.
        refusals: What solves a task that the CRM must refuse.
        ends_on: When the environment ends an episode.
        env: Further keywords of the environment: plain JSON.

    Raises:
        UsageError: If a name does not exist or a number is out of bounds; says what would do.
    """

    env_id: str = "CrmEnv-v0"
    suite: str | None = None
    tasks: tuple[str, ...] = ()
    episodes: int | None = None
    seed: int = 0
    trials: int = 1
    refusals: str = "decline"
    ends_on: str = "success"
    env: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.env_id not in IDS:
            raise UsageError(_no_text_id(self.env_id))
        if self.suite is not None and self.suite not in (*SUITES, GENERATED):
            raise UsageError(f"suite {self.suite!r} does not exist; {near_miss(self.suite, (*SUITES, GENERATED))}")
        for name, known in _CHOICES.items():
            value = getattr(self, name)
            if value not in known:
                raise UsageError(f"{name} {value!r} does not exist; {near_miss(value, known)}")
        for name, least in (("episodes", 1), ("seed", 0), ("trials", 1)):
            value = getattr(self, name)
            if (value is not None or name != "episodes") and (type(value) is not int or value < least):
                raise UsageError(f"{name} must be a whole number of {least} or more; got {value!r}")
        _check_env(self.env)

    def keywords(self) -> dict[str, Any]:
        """Keywords of the environment: those of its id, and what this plan says otherwise."""
        given = {"suite": self.suite, "tasks": list(self.tasks)}
        said = {name: value for name, value in given.items() if value}
        choices = {"refusals": self.refusals, "ends_on": self.ends_on}
        return {"suite": "golden", **IDS[self.env_id], **said, **choices, **self.env}

    def make_env(self) -> gym.Env[Any, Any]:
        """The environment, under its usual limit of steps."""
        return gym.make(self.env_id, disable_env_checker=True, **self.keywords())

    def jobs(self) -> list[Job]:
        """The episodes, in order.

        Raises:
            UsageError: If the suite has no end and nobody says how many.
        """
        return [
            Job(number * self.trials + trial, self.seed + number, trial, options)
            for number, options in enumerate(self._resets())
            for trial in range(self.trials)
        ]

    def count(self) -> int:
        """How many episodes there are."""
        return (self.episodes or len(self._suite())) * self.trials

    def weighed(self, jobs: Sequence[Job]) -> list[Job]:
        """The jobs with their weights: the lengths of the tasks' demonstrations."""
        weights = dict(enumerate((len(task.demonstration) for task in self._tasks()), self.seed))
        return [replace(job, weight=weights[job.seed]) for job in jobs]

    def task_set(self) -> str:
        """16 hexadecimal digits of the hash of the tasks: ids, requests and worlds.

        Of the generated ones, which are drawn as they are played: what they are drawn by, and the code that makes them.
        """
        if self._endless:
            keywords = self.keywords()
            drawing = {name: keywords.get(name) for name in _DRAWING}
            return _digest([GENERATED, drawing, self.episodes, _files_hash("tasks")])
        return _digest([[task.id, task.request, task.today, task.world.crm.state_hash()] for task in self._tasks()])

    @property
    def _endless(self) -> bool:
        return bool(self.keywords()["suite"] == GENERATED)

    def _resets(self) -> list[dict[str, Any] | None]:
        """For each task the options of the reset."""
        if self._endless and self.episodes is not None:
            return [None] * self.episodes
        return [task_options(task.id) for task in self._tasks()]

    def _tasks(self) -> Iterable[Task]:
        """The tasks that are played, in order: all of a suite, or those that seeded resets draw."""
        if self.episodes is None:
            return self._suite()
        return self._drawn(range(self.seed, self.seed + self.episodes))

    def _suite(self) -> tuple[Task, ...]:
        """All tasks of the suite."""
        if self._endless:
            raise UsageError("suite 'generated' has no end; say how many with episodes=N (--episodes N)")
        keywords = self.keywords()
        return load_suite(keywords["suite"], keywords.get("tasks"))

    def _drawn(self, seeds: Iterable[int]) -> Iterator[Task]:
        """The tasks that seeded resets draw."""
        keywords = {name: value for name, value in self.keywords().items() if name not in ("backend", "commit")}
        env: Any = gym.make(self.env_id, disable_env_checker=True, **keywords).unwrapped
        for seed in seeds:
            env.reset(seed=seed)
            yield env.task


def task_options(task_id: str, suite: str | None = None) -> dict[str, Any] | None:
    """The options of a reset that begins an episode of a task, as a run of that suite has begun it."""
    return None if suite == GENERATED else {"task_id": task_id}


def run_line(plan: Plan, agent: object, name: str | None = None, settings: dict[str, Any] | None = None) -> Run:
    """The first line of a run's log.

    Args:
        plan: What is played.
        agent: Who plays.
        name: The agent's name; that of its class if not given.
        settings: What decides what it does; what it says of itself if not given.
    """
    describe = getattr(agent, "describe", dict)
    line: dict[str, Any] = {
        "kind": "run",
        "schema": SCHEMA,
        "run": "",
        "agent": name or type(agent).__name__,
        "settings": describe() if settings is None else settings,
        "model": agent.model if isinstance(agent, ModelAgent) else None,
        "prompt": agent.prompt if isinstance(agent, ModelAgent) else None,
        "env_id": plan.env_id,
        "env": plan.keywords(),
        "seed": plan.seed,
        "trials": plan.trials,
        "count": plan.count(),
        "tasks": plan.task_set(),
        "code": code_version(),
    }
    line["run"] = _digest(line)
    return line  # type: ignore[return-value]


@functools.cache
def code_version() -> str:
    """Version of this package, and 12 hexadecimal digits of the hash of its files."""
    text = resources.files("crm_gym").joinpath("__init__.py").read_text(encoding="utf-8")
    found = re.search(r'^__version__ = "([^"]+)"', text, re.MULTILINE)
    return f"{found[1] if found else '?'} {_files_hash('')}"


@functools.cache
def _files_hash(folder: str) -> str:
    """12 hexadecimal digits of the hash of a folder of this package: programs, tasks and words."""
    start = resources.files("crm_gym").joinpath(folder) if folder else resources.files("crm_gym")
    total = hashlib.blake2b(digest_size=6)
    for name, file in sorted(_files(start, ""), key=lambda pair: pair[0]):
        content = file.read_bytes().replace(b"\r\n", b"\n")
        total.update(f"{name} {len(content)}\n".encode() + content)
    return total.hexdigest()


def _files(folder: Traversable, prefix: str) -> Iterable[tuple[str, Traversable]]:
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir():
            if entry.name != "__pycache__":
                yield from _files(entry, name + "/")
        elif name.endswith((".py", ".toml", ".txt")):
            yield name, entry


def _digest(value: Any) -> str:
    return hashlib.blake2b(encode(value).encode("ascii"), digest_size=8).hexdigest()


def _check_env(env: Any) -> None:
    """Refuse further keywords that are none, or that have a place of their own."""
    if not isinstance(env, dict) or not all(isinstance(name, str) for name in env):
        raise UsageError(f"env must map keywords of the environment to values; got {env!r}")
    for name in _FIELDS:
        if name in env:
            raise UsageError(f"env has {name!r}, which has a place of its own: say {name}=... beside env")
    for name, value in env.items():
        try:
            encode(value)
        except (TypeError, ValueError, RecursionError):
            raise UsageError(f"env: {name} must be plain JSON, so that the log can say it; got {value!r}") from None


def _no_text_id(env_id: object) -> str:
    """Why an id will not do."""
    if env_id not in gym.registry:
        return f"env_id {env_id!r} does not exist; {near_miss(env_id, IDS)}"
    same = str(env_id).replace("Form", "")
    return (
        f"env_id {env_id!r} has no text actions; runs take ids of text environments, through whichever door the agent "
        f"plays; say {same if same in IDS else 'CrmEnv-v0'}"
    )
