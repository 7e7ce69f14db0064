"""What every episode of a task begins with."""

from __future__ import annotations

import functools
from typing import Any
from weakref import WeakKeyDictionary

from crm_gym import spaces
from crm_gym.journal import Journal
from crm_gym.tasks.goal import ChangeGoal
from crm_gym.tasks.task import Task
from crm_gym.verify import verify


class Opening:
    """What every episode of a task begins with, worked out once; what can be changed in it is copied each time."""

    __slots__ = ("fork", "info", "listens", "observation", "summary", "tools", "verdict")

    def __init__(self, task: Task) -> None:
        self.fork = task.world.crm.fork
        self.verdict = verdict = verify(task, Journal())
        self.summary = verdict.summary()
        request = spaces.ascii_text(task.request)
        goal = task.goal
        self.listens = type(goal) is not ChangeGoal or goal.answer is not None  # whether what a call gave may count
        self.tools = spaces.tool_schemas()
        nothing: dict[str, Any] = {}  # stands for the dicts of one's own that every info gets
        self.info: dict[str, Any] = {
            "task_id": task.id,
            "family": task.family,
            "is_success": False,
            "verdict": nothing,
            "reward_terms": nothing,
            "error": nothing,
        }
        self.observation = spaces.observe_start(request, task.today, task.world.crm.counts())


@functools.lru_cache(maxsize=1024)
def opening_of(task: Task) -> Opening:
    """The opening of a suite's task: the suite keeps the task anyway."""
    return Opening(task)


_OWN: WeakKeyDictionary[Task, Opening] = WeakKeyDictionary()


def opening_of_own(task: Task) -> Opening:
    """The opening of a caller's own task: shared by all environments, and gone with the task."""
    opening = _OWN.get(task)
    if opening is None:
        opening = _OWN[task] = Opening(task)
    return opening
