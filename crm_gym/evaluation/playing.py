"""One episode, played and written down: a tape that makes the record, and two short loops over it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any

import gymnasium as gym
from pydantic_core import from_json

from crm_gym.errors import AgentError, InfraError, ToolError
from crm_gym.evaluation.account import Account, AsyncAgent, ModelAgent, Spend
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.records import ChangeRecord, EpisodeRecord, Run, StepRecord
from crm_gym.evaluation.rollout import Agent
from crm_gym.evaluation.taxonomy import failure_of
from crm_gym.journal import Change, Journal
from crm_gym.schema import row_json
from crm_gym.spaces import ARGUMENTS_CHARS, decode
from crm_gym.strict_json import MAX_CHARS
from crm_gym.tools import ToolCall, ToolResult
from crm_gym.verify import verify

MAX_STEPS, HASH_DIGITS = 1_000, 16
"""What stops an episode that nothing else ends; how much of a state hash is kept."""

OnStep = Callable[[Job, int, StepRecord], None]
"""Called after each step with the episode, the step's number from 1 and the step."""


class Tape:
    """What happens in an episode, written down; as a context it takes an agent's or an outage's end as the episode's.

    Args:
        env: The environment: its own door may be any, what it shows and takes must be the text door's.
        job: The episode.
        run: The run it belongs to.
        on_step: Called after each step.

    Attributes:
        over: Whether the episode is over.
        steps: The steps so far.
        account: What the agent keeps of the episode, if it has a model.
    """

    __slots__ = (
        "_changes", "_env", "_fault", "_hash", "_heard", "_inside", "_job", "_journal", "_on_step", "_outage", "_run",
        "_success", "_terminated", "_total", "_truncated", "_verdict", "_written_down", "account", "over", "steps",
    )  # fmt: skip

    def __init__(self, env: gym.Env[Any, Any], job: Job, run: Run, on_step: OnStep | None = None) -> None:
        self._env, self._job, self._run, self._on_step = env, job, run, on_step
        self._inside: Any = env.unwrapped
        self.over = self._terminated = self._truncated = self._success = False
        self.steps: list[StepRecord] = []
        self.account: Account | None = None
        self._fault: AgentError | InfraError | None = None
        self._outage: str | None = None
        self._total, self._hash = 0.0, ""
        self._changes = self._heard = 0
        self._journal: Journal | None = None  # until the episode has begun
        self._verdict: dict[str, Any] = {}
        self._written_down: dict[int, tuple[Change, ChangeRecord]] = {}

    def __enter__(self) -> Tape:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> bool:
        if not isinstance(fault, AgentError | InfraError):
            return False
        self._fault, self._truncated, self.over = fault, True, True
        return True

    @property
    def left(self) -> int:
        """About how many calls are still to come."""
        return max(self._job.weight - len(self.steps), 1)

    def begin(self) -> Any:
        """Reset; the first observation."""
        observation, info = self._env.reset(seed=self._job.seed, options=self._job.options)
        self._journal = self._inside.crm.journal
        self._verdict = info["verdict"]
        return observation

    def sit(self, agent: Agent, spend: Spend | None) -> Any:
        """Seat the agent; its state for the first `predict`."""
        if getattr(agent, "start", None) is None or not isinstance(agent, ModelAgent):
            return None
        state = agent.start(f"{self._inside.task.id} seed {self._job.seed} trial {self._job.trial}", spend)
        self.account = state.account
        return state

    def step(self, action: Any) -> Any:
        """Take a step; the next observation."""
        observation, reward, self._terminated, self._truncated, info = self._env.step(action)
        self._total += float(reward)
        self._verdict, self._success = info["verdict"], bool(info["is_success"])
        self._outage = info.get("infra_error")
        # A form that was never submitted is no step: nothing was called.
        if self._outage is None and observation["steps"] > len(self.steps):
            self._note(action, observation, info)
        if len(self.steps) >= MAX_STEPS and not self._terminated:
            self._truncated = True
        self.over = self._terminated or self._truncated
        return observation

    def _note(self, action: Any, observation: Any, info: dict[str, Any]) -> None:
        """Write a step down."""
        assert self._journal is not None
        changes, before, count = self._journal.changes, self._changes, len(self._journal.changes)
        if count != before or not self._hash:
            self._hash, self._changes = self._inside.crm.state_hash()[:HASH_DIGITS], count
        tool = observation["tool"]
        step: StepRecord = {
            "tool": tool or None,
            "arguments": _arguments(action, observation["arguments"]) if tool else _as_text(action),
            "result": observation["result"],
            "error": info["error"] if info["error"]["code"] else None,
            "reward": {name: value for name, value in info["reward_terms"].items() if value},
            "hash": self._hash,
            "diff": [self._written(change) for change in changes[before:]] if count != before else [],
        }
        account = self.account
        if account is not None and account.calls != self._heard:
            self._heard = account.calls
            if account.said:
                step["said"] = account.said
        self.steps.append(step)
        if self._on_step is not None:
            self._on_step(self._job, len(self.steps), step)

    def _written(self, change: Change) -> ChangeRecord:
        """A change as JSON; one that stands in a step is the same object in the episode's."""
        known = self._written_down.get(id(change))
        if known is None:  # the change is kept, too: so nothing else can come to have its id
            known = self._written_down[id(change)] = change, change_record(change)
        return known[1]

    def record(self) -> EpisodeRecord:
        """The episode, as it stands in a log."""
        run, job, task, account = self._run, self._job, self._inside.task, self.account
        outcome, reason, note = self._outcome()
        journal = (
            Journal() if self._journal is None else self._journal
        )  # None if the database was out of reach from the start
        return {
            "kind": "episode",
            "schema": run["schema"],
            "run": run["run"],
            "agent": run["agent"],
            "model": run["model"],
            "prompt": run["prompt"],
            "tasks": run["tasks"],
            "code": run["code"],
            "index": job.index,
            "task": task.id,
            "family": task.family,
            "level": task.difficulty,
            "polarity": task.polarity,
            "seed": job.seed,
            "trial": job.trial,
            "request": task.request,
            "today": task.today,
            "steps": self.steps,
            "total": self._total,
            "verdict": self._verdict or verify(task, journal).summary(),
            "diff": [self._written(change) for change in journal.net.values()],
            "terminated": self._terminated,
            "truncated": self._truncated,
            "outcome": outcome,
            "reason": reason,
            "note": note,
            "said": None if account is None else account.said or None,
            "slips": [] if account is None else list(account.slips),
            "calls": 0 if account is None else account.calls,
            "tokens": None if account is None else account.tokens.as_json(),
            "cost": None if account is None else account.cost,
            "latency": None if account is None else account.latency,
            "attempt": job.attempt,
        }

    def _outcome(self) -> tuple[str, str | None, str | None]:
        """The outcome, the reason and the note."""
        fault = self._fault
        if isinstance(fault, InfraError):
            return "infra_error", str(getattr(fault, "kind", "database")), str(fault)
        if self._outage is not None:
            return "infra_error", "database", self._outage
        if fault is not None:
            return ("failure" if fault.reason == "budget" else "model_error"), fault.reason, fault.message
        if self._success:
            return "success", None, None
        assert self._journal is not None
        over = str(self.steps[-1]["tool"]) if self._terminated else "limit"
        results = [_result(step) for step in self.steps]
        return "failure", failure_of(self._inside.task, self._journal, self._inside.verdict, results, over), None


def play(
    env: gym.Env[Any, Any],
    agent: Agent,
    job: Job,
    run: Run,
    *,
    spend: Spend | None = None,
    on_step: OnStep | None = None,
) -> EpisodeRecord:
    """Play an episode.

    Args:
        env: The environment.
        agent: Who plays.
        job: The episode.
        run: The run it belongs to.
        spend: What the run may still spend.
        on_step: Called after each step.

    Raises:
        BudgetSpent: If the run has used up what it may: there is no record then.
    """
    with Tape(env, job, run, on_step) as tape:
        observation = tape.begin()
        state, start = tape.sit(agent, spend), True
        while not tape.over:
            action, state = agent.predict(observation, state, start)
            observation, start = tape.step(action), False
    return tape.record()


Turn = Callable[[int], AbstractAsyncContextManager[None]]
"""Waits until there is room for one more model call; given about how many calls the episode still has to make."""


async def aplay(
    env: gym.Env[Any, Any],
    agent: AsyncAgent,
    job: Job,
    run: Run,
    turn: Turn,
    *,
    spend: Spend | None = None,
    on_step: OnStep | None = None,
) -> EpisodeRecord:
    """Play an episode beside others: as `play`, each prediction in a turn of its own."""
    with Tape(env, job, run, on_step) as tape:
        observation = tape.begin()
        state, start = tape.sit(agent, spend), True  # type: ignore[arg-type]  # an AsyncAgent predicts, too
        while not tape.over:
            async with turn(tape.left):
                action, state = await agent.apredict(observation, state, start)
            observation, start = tape.step(action), False
    return tape.record()


def change_record(change: Change) -> ChangeRecord:
    """A change as plain JSON values."""
    table, record, before, after = change
    return {
        "table": table,
        "id": record,
        "before": None if before is None else row_json(before),
        "after": None if after is None else row_json(after),
    }


def _result(step: StepRecord) -> ToolResult:
    """What came of a step, as far as a verdict needs it: the call, and the refusal."""
    error, tool = step["error"], step["tool"]
    call = None if tool is None else ToolCall(tool, step["arguments"])
    return ToolResult(call, None, None if error is None else ToolError(**error))


def _arguments(action: Any, shown: str) -> Any:
    """The arguments of a call that could be read, from the observation's text of them unless that is cut."""
    if shown and len(shown) < ARGUMENTS_CHARS:
        try:
            return from_json(shown)
        except ValueError:  # white space; a lone surrogate
            pass
    return decode(action)[1]


def _as_text(action: Any) -> str:
    """An action that could not be read as a text that cannot be read either, with the same refusal where possible."""
    if isinstance(action, bytes | bytearray):
        action = bytes(action).decode("utf-8", "replace")
    if isinstance(action, Mapping):
        action = dict(action)
    if not isinstance(action, str):
        try:  # NaN and infinities stay, to be refused again
            action = json.dumps(action)
        except (TypeError, ValueError, RecursionError):
            action = f"{type(action).__name__} that is no JSON"
    return str(action[: MAX_CHARS + 1])
