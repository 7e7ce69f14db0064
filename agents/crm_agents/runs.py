"""A run: an agent over a suite, one record an episode, a summary, and the folder that keeps them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import gymnasium as gym

from crm_agents.calls import Calls
from crm_gym import FAMILIES, IDS, TOOL_NAMES, Agent, Episode, UsageError, load_suite, near_miss, rollout
from crm_gym.baselines import ConstantAgent, DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent

AGENTS: dict[str, Callable[[gym.Env[Any, Any], int], Agent]] = {
    "oracle": lambda env, seed: OracleAgent(env),
    "null": lambda env, seed: NullAgent(),
    "random": lambda env, seed: RandomAgent(seed),
    "echo": lambda env, seed: EchoAgent(seed),
    "constant": lambda env, seed: ConstantAgent(env),
    "decline": lambda env, seed: DeclineAgent(),
}
"""How to make each agent, given the environment it will play in and the episode's seed."""

LEARNT, FORM_ID = "sb3", "CrmEnvForm-v0"
"""The agent that plays a policy from a file, and the environment in which it does."""

PLAYERS = (*AGENTS, LEARNT)

EPISODES_FILE, SUMMARY_FILE = "episodes.jsonl", "summary.json"


@dataclass(frozen=True)
class Run:
    """What to play.

    Attributes:
        agent: One of `PLAYERS`.
        suite: The suite; None for the one the environment id stands for.
        episodes: How many seeded resets; None for every task once, in order.
        seed: Episode k, from 0, has the seed `seed + k`, the agent like the environment.
        env_id: A registered id.
        tasks: Only these task ids and tool names; none for all.
        refusals: The environment's protocol for tasks that must be refused.
        ends_on: When the environment ends an episode.
        model: For the agent "sb3": where its policy is.
        trust: Whether its files may run code when they are loaded.

    Raises:
        UsageError: If a name does not exist or a number is out of bounds; says what would do.
    """

    agent: str
    suite: str | None = None
    episodes: int | None = None
    seed: int = 0
    env_id: str = "CrmEnv-v0"
    tasks: tuple[str, ...] = ()
    refusals: str = "decline"
    ends_on: str = "success"
    model: str | None = None
    trust: bool = False

    def __post_init__(self) -> None:
        if self.agent not in PLAYERS:
            raise UsageError(f"agent {self.agent!r} does not exist; {near_miss(self.agent, PLAYERS)}")
        if self.env_id not in IDS:
            raise UsageError(_no_text_id(self.env_id))
        if (self.agent == LEARNT) != (self.model is not None):
            raise UsageError(f"agent {LEARNT!r} plays a policy from a file: --model FOLDER, which no other agent takes")
        if self.trust and self.model is None:
            raise UsageError(f"--trust is about the file of a policy; agent {self.agent!r} loads none")
        if self.seed < 0:
            raise UsageError(f"seed must be 0 or more; got {self.seed}")
        if self.episodes is not None and self.episodes < 1:
            raise UsageError(f"episodes must be 1 or more; got {self.episodes}")

    def keywords(self) -> dict[str, Any]:
        """Keywords of the environment: those of its id, and what this run says otherwise."""
        given = {"suite": self.suite, "tasks": list(self.tasks)}
        said = {name: value for name, value in given.items() if value}
        return {"suite": "golden", **IDS[self.env_id], **said, "refusals": self.refusals, "ends_on": self.ends_on}

    def make_env(self) -> gym.Env[Any, Any]:
        """The environment, under its usual limit of steps; for a learnt policy the same tasks through the form door."""
        if self.agent == LEARNT:
            return Calls(gym.make(FORM_ID, disable_env_checker=True, **self.keywords()))
        return gym.make(self.env_id, disable_env_checker=True, **self.keywords())

    def resets(self) -> list[dict[str, Any] | None]:
        """The options of each episode's reset."""
        if self.episodes is not None:
            return [None] * self.episodes
        keywords = self.keywords()
        if keywords["suite"] == "generated":
            raise UsageError("suite 'generated' has no end; say how many with --episodes N")
        return [{"task_id": task.id} for task in load_suite(keywords["suite"], keywords.get("tasks"))]


def _no_text_id(env_id: str) -> str:
    """Why an id will not do."""
    if env_id not in gym.registry:
        return f"env-id {env_id!r} does not exist; {near_miss(env_id, IDS)}"
    same = env_id.replace("Form", "")
    return (
        f"env-id {env_id!r} has no text actions; eval takes ids of text environments, and agent {LEARNT!r} plays their "
        f"tasks through the form door; say {same if same in IDS else 'CrmEnv-v0'}, and --tasks for some tasks only"
    )


Make = Callable[[gym.Env[Any, Any], int], Agent]


def play(
    run: Run, env: gym.Env[Any, Any], resets: Iterable[dict[str, Any] | None], make: Make | None = None
) -> Iterator[Episode]:
    """The episodes of a run, one after the other. Each can be played alone: a new agent, its own seed.

    Args:
        run: What to play.
        env: Its environment.
        resets: Options of the resets.
        make: What makes the agent; that of `AGENTS` if not given.
    """
    make = make or AGENTS[run.agent]
    for number, options in enumerate(resets):
        seed = run.seed + number
        yield _said(env, rollout(env, make(env, seed), seed=seed, options=options))


def _said(env: gym.Env[Any, Any], episode: Episode) -> Episode:
    """An episode at the form door in tool calls: that is what its steps and actions are to a reader."""
    if not isinstance(env, Calls):
        return episode
    return replace(episode, actions=tuple(env.calls), steps=len(env.calls))


def record(episode: Episode) -> dict[str, Any]:
    """An episode as plain JSON values, with the calls by name."""
    return {**asdict(episode), "actions": [_readable(action) for action in episode.actions]}


def _readable(action: dict[str, Any]) -> dict[str, Any]:
    return {"tool": TOOL_NAMES[action["tool"]], "arguments": json.loads(action["arguments"])}


@dataclass
class Tally:
    """Counts over episodes."""

    episodes: int = 0
    successes: int = 0
    steps: int = 0

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        self.episodes += 1
        self.successes += episode.success
        self.steps += episode.steps

    def as_json(self) -> dict[str, float]:
        """The counts, the success rate and the mean number of steps."""
        count = max(self.episodes, 1)
        return {
            "episodes": self.episodes,
            "successes": self.successes,
            "success_rate": self.successes / count,
            "mean_steps": self.steps / count,
        }


class Summary:
    """What a run came to, in all and by tool."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.total = Tally()
        self.by_tool: dict[str, Tally] = {}

    def add(self, episode: Episode) -> None:
        """Count an episode."""
        self.total.add(episode)
        self.by_tool.setdefault(episode.family, Tally()).add(episode)

    def as_json(self) -> dict[str, Any]:
        """The run's settings and counts; tools in their fixed order."""
        families = [family for family in FAMILIES if family in self.by_tool]
        settings = asdict(self.run) | {"suite": self.run.keywords()["suite"]}
        del settings["episodes"]  # the number asked for; what counts is the number played
        if self.run.model is None:
            del settings["model"], settings["trust"]
        by_tool = {family: self.by_tool[family].as_json() for family in families}
        return {**settings, **self.total.as_json(), "by_tool": by_tool}


class RunFolder:
    """The folder of one run: a line of JSON an episode, and the summary; readable by its owner alone.

    Args:
        path: The folder; made if need be.
        force: Replace the run that is there.

    Raises:
        UsageError: If there is a run already, or the folder cannot be written.
    """

    def __init__(self, path: Path, *, force: bool = False) -> None:
        self.path = path
        files = [path / name for name in (EPISODES_FILE, SUMMARY_FILE)]
        if not force and any(os.path.lexists(file) for file in files):
            raise UsageError(f"{path} already holds a run; give another --out, or --force to replace it")
        try:
            path.mkdir(parents=True, exist_ok=True)
            for file in files:
                file.unlink(missing_ok=True)
            self._episodes = _own(files[0])
        except OSError as fault:
            raise UsageError(f"{path} cannot be written: {fault.strerror}; give another --out") from None

    def add(self, episode: Episode) -> None:
        """Write an episode's line."""
        self._episodes.write(to_json(record(episode)) + "\n")

    def close(self, summary: Summary) -> None:
        """Write the summary."""
        self._episodes.close()
        with _own(self.path / SUMMARY_FILE) as file:
            file.write(to_json(summary.as_json(), indent=2) + "\n")


def to_json(value: Any, indent: int | None = None) -> str:
    """Strict ASCII JSON: what a run holds may come from anyone, and NaN is no JSON."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)


def _own(path: Path) -> Any:
    """A new file for writing, mode 0600; never one that is there, nor where a link points."""
    return open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii", newline="\n")
