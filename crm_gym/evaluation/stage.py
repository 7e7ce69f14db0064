"""The seam between a harness and what plays for it: who plays what, where episodes come from and where they go."""

from __future__ import annotations

import functools
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import gymnasium as gym

from crm_gym.errors import BudgetSpent, CrmGymError, InfraError
from crm_gym.evaluation.account import Spend
from crm_gym.evaluation.plan import Job, Plan
from crm_gym.evaluation.playing import OnStep, play
from crm_gym.evaluation.records import EpisodeRecord, Run
from crm_gym.evaluation.rollout import Agent

Make = Callable[[gym.Env[Any, Any], int], Agent]
"""Makes an agent for one episode, given the environment it will play in and a seed."""

MakeEnv = Callable[[Plan], gym.Env[Any, Any]]


@dataclass(frozen=True)
class Cast:
    """Who plays what; goes to other processes as it is.

    Attributes:
        plan: What is played.
        run: The log's first line.
        agent: An agent, or what makes one for each episode.
        make_env: Makes the environment.
    """

    plan: Plan
    run: Run
    agent: Agent | Make
    make_env: MakeEnv = Plan.make_env

    @functools.cached_property
    def makes(self) -> bool:
        """Whether each episode has an agent of its own."""
        return is_make(self.agent)

    def env(self) -> gym.Env[Any, Any]:
        """An environment to play in, one episode after another."""
        return self.make_env(self.plan)

    def player(self, env: gym.Env[Any, Any], job: Job) -> Any:
        """The agent for an episode."""
        agent: Any = self.agent
        return agent(env, job.agent_seed) if self.makes else agent


def is_make(agent: object) -> bool:
    """Whether this makes agents and is none itself."""
    return isinstance(agent, type) or not hasattr(agent, "predict")


class Stage(Protocol):
    """Where episodes come from and where they go: an executor's only way to the log.

    Attributes:
        on_step: To be called after each step.
    """

    on_step: OnStep | None

    def next(self) -> Job | None:
        """The next episode to be played, None if there is none (for now: one in play may have to be played again).

        Raises:
            BudgetSpent: If nothing is left to play it with.
        """

    def spend(self, job: Job) -> Spend:
        """What an episode may spend: whatever its agent spends is told to it, wherever it plays."""

    def keep(self, job: Job, record: EpisodeRecord) -> None:
        """Take an episode that has been played."""


class Executor(Protocol):
    """Plays episodes until the stage has no more.

    An episode that is stopped by BudgetSpent is dropped, those in play are played on, and in the end it is raised.
    """

    def perform(self, cast: Cast, stage: Stage) -> None:
        """Play.

        Raises:
            BudgetSpent: If the run has used up what it may.
        """


class Serial:
    """One episode after another, in this thread."""

    def perform(self, cast: Cast, stage: Stage) -> None:
        """Play; see `Executor`."""
        env = cast.env()
        try:
            while (job := stage.next()) is not None:
                agent = cast.player(env, job)
                stage.keep(job, play(env, agent, job, cast.run, spend=stage.spend(job), on_step=stage.on_step))
        finally:
            env.close()


class Queue:
    """Episodes to be played, and those to be played again when they are through.

    Args:
        jobs: In the order in which they are played.
    """

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = deque(jobs)
        self._later: list[Job] = []
        self._open = 0

    def take(self) -> Job | None:
        """The next one; None if there is none for now."""
        if not self._jobs and not self._open:
            self._jobs, self._later = deque(self._later), []
        if not self._jobs:
            return None
        self._open += 1
        return self._jobs.popleft()

    def done(self, again: Job | None = None) -> None:
        """One is through, or is to be played again."""
        self._open -= 1
        if again is not None:
            self._later.append(again)


class Dealer:
    """Deals out a stage's episodes to many players, and keeps in mind that the budget is spent.

    Args:
        cast: Who plays what.
        stage: Where episodes come from and go to.

    Attributes:
        spent: That the budget is spent, once it is: then there is no next episode.
    """

    def __init__(self, cast: Cast, stage: Stage) -> None:
        self._cast, self._stage = cast, stage
        self.spent: BudgetSpent | None = None

    def next(self) -> Job | None:
        """The next episode, None if there is none for now."""
        if self.spent is None:
            try:
                return self._stage.next()
            except BudgetSpent as fault:
                self.spent = fault
        return None

    def may(self, job: Job) -> str | None:
        """Why an episode may make no further model call; None if it may."""
        try:
            self._stage.spend(job).before_call()
        except BudgetSpent as fault:
            return str(fault)
        return None

    def take(self, job: Job, what: str, said: Any) -> None:
        """Take in what a player elsewhere has come to: see `played`."""
        if what == FAILED:
            raise said
        if what == STOPPED:
            self.spent = BudgetSpent(said)
        else:
            self._keep(job, said)

    def lost(self, job: Job, fault: InfraError) -> None:
        """Take it that a player is gone: its episode has ended as an outage."""
        env = self._cast.env()
        try:
            self._keep(job, play(env, _Gone(fault), job, self._cast.run))
        finally:
            env.close()

    def _keep(self, job: Job, record: EpisodeRecord) -> None:
        if self._stage.on_step is not None:
            for number, step in enumerate(record["steps"], 1):
                self._stage.on_step(job, number, step)
        self._stage.keep(job, record)


class PlayerLost(InfraError):
    """A process that played an episode is gone.

    Attributes:
        kind: One word for the record.
    """

    kind = "worker"


class _Gone:
    """Stands in for an agent that is gone."""

    def __init__(self, fault: InfraError) -> None:
        self._fault = fault

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """Say why."""
        raise self._fault


RECORD, STOPPED, FAILED = "record", "stopped", "failed"


def played(cast: Cast, env: gym.Env[Any, Any], job: Job, spend: Spend) -> tuple[str, Any]:
    """Play an episode for a harness in another process: its record, why it was stopped, or what is wrong for good."""
    try:
        return RECORD, play(env, cast.player(env, job), job, cast.run, spend=spend)
    except BudgetSpent as fault:
        return STOPPED, str(fault)
    except CrmGymError as fault:
        return FAILED, fault
    except Exception:
        return FAILED, RuntimeError(f"a process that plays has failed:\n{traceback.format_exc()}")
