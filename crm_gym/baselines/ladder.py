"""A ladder of agents of decreasing skill, to see whether what is called harder is harder."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from crm_gym.baselines.sampling import kind_of
from crm_gym.baselines.scripted import FINISH, PlanAgent
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall


@dataclass(frozen=True, slots=True)
class Skill:
    """What somebody can and cannot do.

    Attributes:
        slips: How often a call goes wrong: a value mistaken, a result misread, an answer misheard.
        calls: How many calls they have the patience for.
        mixes_up: How often somebody takes a record of nearly the same name for the one that is meant, if there is one.
    """

    slips: float
    calls: int
    mixes_up: float


LADDER: tuple[Skill, ...] = (
    Skill(0.01, 40, 0.01),
    Skill(0.04, 24, 0.05),
    Skill(0.08, 14, 0.1),
    Skill(0.15, 9, 0.2),
    Skill(0.3, 6, 0.4),
)
"""From nearly perfect to poor."""


class SkilledAgent(PlanAgent):
    """Walks the whole way to a task's end, look-ups and questions included, as well as its skill allows.

    A call that matters and goes wrong is made with something else in it. A look-up or a question that goes wrong is
    made as it should be, but misunderstood: the next call that matters goes wrong.

    Args:
        env: The environment it plays in.
        skill: What it can do.
        seed: With the task, fixes where it slips.
    """

    def __init__(self, env: gym.Env[Any, Any], skill: Skill, seed: int = 0) -> None:
        super().__init__(env)
        self.skill, self.seed = skill, seed

    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """The demonstration, with the slips in it."""
        rng = random.Random(f"{self.seed} {task.id} {self.skill}")
        calls: list[ToolCall] = []
        misled = False
        for call in task.demonstration[: self.skill.calls]:
            misled = misled or rng.random() < self._risk(task, call)
            matters = TOOLS[call.tool].kind in ("write", "end")
            calls.append(_spoilt(call) if misled and matters else call)
            misled = misled and not matters
        return (*calls, FINISH)

    def _risk(self, task: Task, call: ToolCall) -> float:
        """How likely a call goes wrong."""
        names_another = any(_has_namesake(task, value) for value in call.arguments.values())
        return 1 - (1 - self.skill.slips) * (1 - self.skill.mixes_up * names_another)


def _has_namesake(task: Task, value: object) -> bool:
    """Whether a value is the id of a client or a deal whose name begins like another's."""
    if not isinstance(value, str):
        return False
    crm = task.world.crm
    for table in ("Client", "Opportunity"):
        row = crm.get(table, value)
        if row is not None:
            first = row.name.partition(" ")[0]
            return any(other[0] != value and other.name.partition(" ")[0] == first for other in crm.find(table))
    return False


def _spoilt(call: ToolCall) -> ToolCall:
    """The call with something else in its last place."""
    if not call.arguments:
        return call
    schema = TOOLS[call.tool].schema["properties"]
    name = list(call.arguments)[-1]
    return ToolCall(call.tool, {**call.arguments, name: _other(name, schema[name], call.arguments[name])})


def _other(name: str, schema: Mapping[str, Any], value: Any) -> Any:
    if isinstance(value, Mapping) and value and "properties" in schema:
        inner = list(value)[-1]
        return {**value, inner: _other(inner, schema["properties"][inner], value[inner])}
    kind = kind_of(name, schema)
    if kind == "enum":
        return next(word for word in schema["enum"] if word != value)
    if isinstance(value, list):
        return value[:-1]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value + 1 if value < 99 or kind != "number" else value - 1
    return _OTHERS.get(kind, f"{value} II")


_OTHERS = {
    "id": "00000000-0000-4000-8000-000000000000",
    "date": "2099-12-31",
    "email": "somebody.else@elsewhere.example",
    "file": "another.pdf",
}
