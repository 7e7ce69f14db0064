"""Agents that do something besides, instead, or without doing it: each knows or sees much, and must get nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym

from crm_gym.baselines.reading import copyable
from crm_gym.baselines.sampling import Sampler, Seen
from crm_gym.baselines.scripted import FINISH, ChanceAgent, PlanAgent
from crm_gym.crm import Crm
from crm_gym.schema import Row
from crm_gym.tasks.goal import ChangeGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall

WRITES = tuple(name for name, tool in TOOLS.items() if tool.kind == "write")
_SEARCHES = ("client_search", "opportunity_search", "contact_search", "quote_search")


class ReadOnlyAgent(PlanAgent):
    """Looks up and asks all that the task needs, and then finishes without doing it."""

    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """The reads and questions of the demonstration."""
        return tuple(call for call in task.demonstration if TOOLS[call.tool].kind in ("read", "ask"))


class SprayAgent(ChanceAgent):
    """Searches once, then writes and writes: any writing tool, with all values it has seen since the beginning.

    Args:
        seed: With the request, fixes what is drawn in an episode.
        shots: How many calls it makes before it finishes.
    """

    copied = 0.95

    def __init__(self, seed: int = 0, shots: int = 10) -> None:
        super().__init__(seed)
        self.shots = shots
        self._seen: dict[str, list[Any]] = {}

    def begin(self, observation: Mapping[str, Any]) -> None:
        """Forget what was seen in other episodes."""
        super().begin(observation)
        self._seen = {}

    def act(self, observation: Mapping[str, Any]) -> ToolCall:
        """A search at first, then writes; in the end that it is done."""
        steps = int(observation["steps"])
        if steps >= self.shots:
            return FINISH
        if steps == 0:
            return ToolCall(self._rng.choice(_SEARCHES), {"limit": 5})
        name = self._rng.choice(WRITES)
        return ToolCall(name, Sampler(self._rng, self.seen(observation), self.copied).arguments(TOOLS[name].schema))

    def seen(self, observation: Mapping[str, Any]) -> Seen:
        """All that could be copied from any observation of the episode."""
        now = copyable(observation)
        for kind, values in now.values.items():
            self._seen[kind] = list(dict.fromkeys([*self._seen.get(kind, ()), *values]))
        return Seen(self._seen, now.said)


class OtherTaskAgent(PlanAgent):
    """Plays the solution of another task.

    Args:
        env: The environment it plays in.
        other: The task whose solution it plays.
    """

    def __init__(self, env: gym.Env[Any, Any], other: Task | None = None) -> None:
        super().__init__(env)
        self.other = other

    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """The other task's solution; nothing without one."""
        return () if self.other is None else self.other.solution


class DestroyAgent(PlanAgent):
    """Deletes or alters a record that nobody asked about, then plays the task's solution."""

    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """The harm, then the solution."""
        knowing: Any = self.env.unwrapped
        harm = next(harms(knowing.crm, task), None)
        return (*(() if harm is None else (harm,)), *task.solution)


def harms(crm: Crm, task: Task) -> Iterator[ToolCall]:
    """Calls that harm a record nobody asked about, the first one of a kind that depends on the task."""
    goal = task.goal
    meant = {one.id for one in goal.changes} if isinstance(goal, ChangeGoal) else set()
    kinds = (_lost_quotes, _renamed_clients, _renamed_deals)
    start = len(task.request) % len(kinds)
    for kind in (*kinds[start:], *kinds[:start]):
        yield from kind(crm, meant)


def _lost_quotes(crm: Crm, meant: set[str | None]) -> Iterator[ToolCall]:
    for row in _spared(crm, "Quote", meant):
        yield ToolCall("delete_quote", {"quote_id": row.quote_id})


def _renamed_clients(crm: Crm, meant: set[str | None]) -> Iterator[ToolCall]:
    for row in _spared(crm, "Client", meant):
        yield ToolCall("modify_client", {"id": row.client_id, "updates": {"name": f"{row.name} II"}})


def _renamed_deals(crm: Crm, meant: set[str | None]) -> Iterator[ToolCall]:
    for row in _spared(crm, "Opportunity", meant):
        yield ToolCall("modify_opportunity", {"id": row.opportunity_id, "updates": {"name": f"{row.name} II"}})


def _spared(crm: Crm, table: str, meant: set[str | None]) -> Iterator[Row]:
    return (row for row in crm.find(table) if row[0] not in meant)
