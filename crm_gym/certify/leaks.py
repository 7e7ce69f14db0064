"""Whether a task gives away more than its request: in the first observation, in info, or by breaking a limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym

from crm_gym.render import safe
from crm_gym.schema import TABLES
from crm_gym.spaces import ascii_text
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, RefusalGoal
from crm_gym.tasks.session import Session
from crm_gym.tasks.task import REQUEST_CHARS, Task

_PUBLIC = ("tools", "task_id", "family")  # of info: what every task of the kind shows
_SHORT = 3  # texts of so few characters stand anywhere

_NEVER_SAID = ("the id of a record to be made", "the refusal")  # how far a request may name its answer: see `reach`


def leaks(task: Task, env: gym.Env[Any, Any]) -> list[str]:
    """What an episode's beginning shows and should not, one sentence a fault; empty if all is well.

    Args:
        task: The task.
        env: An environment to begin it in, through its public side.
    """
    faults = list(_form(task))
    observation, info = env.reset(seed=0, options={"task": task})
    if not env.observation_space.contains(observation):
        faults.append("the first observation is not in the observation space")
    shown = {name: value for name, value in observation.items() if name not in ("request", "today")}
    rest = "\n".join(_texts([shown, {name: value for name, value in info.items() if name not in _PUBLIC}]))
    for what, value in _hidden(task, env):
        if value in rest:
            faults.append(f"the first observation or info shows {what} {value!r}")
        if what in _NEVER_SAID and value in task.request:
            faults.append(f"the request shows {what} {value!r}")
    answer = getattr(task.goal, "answer", None)
    if answer is not None and answer.give == "count" and answer.rows:
        crm = task.world.crm
        tables = dict(zip(TABLES, observation["counts"].tolist(), strict=True))
        if any(crm.get(table, answer.rows[0]) is not None and count == answer.value for table, count in tables.items()):
            faults.append(f"the first observation counts {answer.value} records: that is the answer")
    return faults


def _form(task: Task) -> Iterator[str]:
    request = task.request
    if not 0 < len(request) <= REQUEST_CHARS:
        yield f"the request must have 1 to {REQUEST_CHARS} characters; it has {len(request)}"
    odd = {char for char in request if safe(char) != char}
    if odd - set("".join(_wanted(task))):
        yield "the request holds characters that cannot be printed"
    if not ascii_text(request).strip():
        yield "the request is blank"


def _hidden(task: Task, env: gym.Env[Any, Any]) -> Iterator[tuple[str, str]]:
    """What must not be seen: the ids of records to be made, the answer, the refusal, and values of the solution."""
    goal = task.goal
    if isinstance(goal, ChangeGoal) and any(one.id is None for one in goal.changes):
        knowing: Any = env.unwrapped
        for record in Session(knowing.crm.fork()).play_all(task.solution).ids:  # the ids go on as in the episode
            yield "the id of a record to be made", record
    if isinstance(goal, RefusalGoal) and "_" in goal.code:  # others are words of their own, such as blank
        yield "the refusal", goal.code
    for text in dict.fromkeys(_wanted(task)):
        if len(text) > _SHORT and not text.startswith("@new:"):
            yield ("the answer" if isinstance(goal, AnswerGoal) else "the value"), text


def _wanted(task: Task) -> Iterator[str]:
    """Every text among the arguments that the request is about."""
    goal = task.goal
    for call in (goal.call,) if isinstance(goal, RefusalGoal) else task.solution:
        yield from _texts(call.arguments)


def _texts(value: Any) -> Iterator[str]:
    """Every text among the values, names of fields left out."""
    if isinstance(value, Mapping | list | tuple):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value
