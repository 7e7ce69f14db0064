"""Agents that go right or wrong in one known way, and a play of an episode that keeps what a judge is shown."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import gymnasium as gym

from crm_agents.judge.case import Case, case_of
from crm_agents.judge.telling import Lookup, other_than, plainness
from crm_gym import TOOLS, Agent, Task, ToolCall, rollout
from crm_gym.baselines import ConstantAgent
from crm_gym.baselines.scripted import PlanAgent
from crm_gym.baselines.spoilers import DestroyAgent
from crm_gym.entities import ENTITIES
from crm_gym.evaluation.records import ChangeRecord, StepRecord
from crm_gym.schema import row_json
from crm_gym.tasks.answer import label
from crm_gym.tasks.goal import RefusalGoal

Plan: TypeAlias = Callable[[Task], tuple[ToolCall, ...]]


class Planned(PlanAgent):
    """Plays what a function makes of the task, then finishes."""

    def __init__(self, env: gym.Env[Any, Any], make: Plan) -> None:
        super().__init__(env)
        self.make = make

    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """What the function says."""
        return self.make(task)


def right(task: Task) -> tuple[ToolCall, ...]:
    """The whole way there; of a request to be refused: tried, refused, turned down."""
    way = task.demonstration
    return (*way[:-1], task.goal.call, way[-1]) if isinstance(task.goal, RefusalGoal) else way


def looks_only(task: Task) -> tuple[ToolCall, ...]:
    """The reads and the questions, and nothing else."""
    return tuple(call for call in task.demonstration if TOOLS[call.tool].kind in ("read", "ask"))


def answers_wrong(task: Task) -> tuple[ToolCall, ...]:
    """The whole way there, and then another answer."""
    way = [call for call in task.demonstration if call.tool != "respond"]
    answer = next(call.arguments["answer"] for call in task.demonstration if call.tool == "respond")
    return (*way, ToolCall("respond", {"answer": other_than(answer)}))


def slips(task: Task) -> tuple[ToolCall, ...]:
    """The whole way there, with one value of its last write mistaken."""
    way = list(task.demonstration)
    at = max(place for place, call in enumerate(way) if TOOLS[call.tool].kind == "write")
    arguments = way[at].arguments
    inner = arguments.get("updates", arguments)
    said = [name for name in inner if not (name == "id" or name.endswith(("_id", "_type"))) and inner[name]]
    name = min(said, key=lambda name: plainness(inner[name]))
    inner[name] = other_than(inner[name])
    return tuple(way)


def turns_down(task: Task) -> tuple[ToolCall, ...]:
    """Turned down for a reason that is not there; what must be refused has been tried."""
    seen = tries_only(task) if isinstance(task.goal, RefusalGoal) else looks_only(task)
    return (*seen, ToolCall("decline", {"code": false_code(task)}))


def tries_only(task: Task) -> tuple[ToolCall, ...]:
    """Of a request to be refused: tried and refused, and left at that."""
    return right(task)[:-1]


def false_code(task: Task) -> str:
    """The code of a refusal that is not the task's."""
    true = task.goal.code if isinstance(task.goal, RefusalGoal) else None
    return "closed_deal_locked" if true in ("not_found", None) else "not_found"


AGENTS: dict[str, Callable[[gym.Env[Any, Any]], Agent]] = {
    "right": lambda env: Planned(env, right),
    "looks_only": lambda env: Planned(env, looks_only),
    "answers_wrong": lambda env: Planned(env, answers_wrong),
    "slips": lambda env: Planned(env, slips),
    "turns_down": lambda env: Planned(env, turns_down),
    "tries_only": lambda env: Planned(env, tries_only),
    "wrong_values": lambda env: ConstantAgent(env),
    "harms": lambda env: DestroyAgent(env),
}
"""Each agent, made for the environment it plays in."""


@dataclass(frozen=True, slots=True)
class Played:
    """An episode that was played.

    Attributes:
        task: The task.
        success: What the state says of it.
        steps: The steps.
        diff: What is different in the CRM afterwards.
        name_of: Names of the records, by id: of those there were, and those there are.
    """

    task: Task
    success: bool
    steps: tuple[StepRecord, ...]
    diff: tuple[ChangeRecord, ...]
    name_of: Lookup

    def case(self, said: str) -> Case:
        """The episode as a judge is shown it, had the agent said that."""
        told: Any = {
            "request": self.task.request,
            "today": self.task.today,
            "steps": list(self.steps),
            "diff": list(self.diff),
            "said": said,
        }
        return case_of(told)


def played(env: gym.Env[Any, Any], agent: str, task: Task | Mapping[str, Any]) -> Played:
    """Let one of `AGENTS` play a task."""
    steps: list[StepRecord] = []

    def keep(number: int, action: Any, observation: Any, reward: float, info: Mapping[str, Any]) -> None:
        steps.append(
            {
                "tool": observation["tool"],
                "arguments": json.loads(observation["arguments"] or "{}"),
                "result": observation["result"],
                "error": dict(info["error"]) if info["error"]["code"] else None,
                "reward": {},
                "hash": "",
                "diff": [],
            }
        )

    episode = rollout(env, AGENTS[agent](env), seed=0, options={"task": task}, on_step=keep)
    knowing: Any = env.unwrapped
    names = _names(knowing.task.world.crm) | _names(knowing.crm)
    changes = [_change(change) for change in knowing.crm.journal.net.values()]
    return Played(
        knowing.task, bool(episode.verdict["success"]), tuple(steps), tuple(changes),
        lambda value: names.get(value) if isinstance(value, str) else None,
    )  # fmt: skip


def _names(crm: Any) -> dict[str, str]:
    rows = (row for table in ENTITIES for row in crm.find(table))
    return {row[0]: name for row in rows if (name := label(row))}


def _change(change: Any) -> ChangeRecord:
    before, after = (None if row is None else row_json(row) for row in (change.before, change.after))
    return {"table": change.table, "id": change.id, "before": before, "after": after}
