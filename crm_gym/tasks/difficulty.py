"""Difficulty, measured on the task as it stands: never declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from crm_gym.tasks.draft import Draft, solution_of
from crm_gym.tasks.splits import pool_of
from crm_gym.tasks.task import Task
from crm_gym.tasks.worlds import Template, template
from crm_gym.tools import TOOLS, ToolCall

LEVELS = (1, 2, 3, 4, 5)
STEPS = (2.5, 4.0, 6.0, 9.0)
"""Scores at which level 2, 3, 4 and 5 begin."""


class Difficulty(NamedTuple):
    """What makes a task hard.

    Attributes:
        calls: Calls that matter in the shortest solution known, the answer or the refusal among them.
        lookups: Reads on the way there.
        distractors: Records that go by nearly the same name as one that is used.
        turns: Answers to be had from the user.
    """

    calls: int
    lookups: int
    distractors: int
    turns: int

    @property
    def score(self) -> float:
        """Calls, look-ups and turns count one each; distractors ever less, the second half as much as the first."""
        return self.calls + self.lookups + self.turns + 1.0 - 0.5**self.distractors

    @property
    def level(self) -> int:
        """From 1 to 5."""
        return 1 + sum(self.score >= step for step in STEPS)


def measure(draft: Draft, world: Template) -> Difficulty:
    """The difficulty of a draft in its world."""
    return _measured(solution_of(draft), draft.path or [*draft.lookups, *draft.calls], world)


def measured(task: Task) -> Difficulty:
    """The difficulty of a generated task, worked out again from the task."""
    pool, number, records = task.world.name.split("-")
    return _measured(task.solution, task.demonstration, template(pool_of(pool), int(number), int(records)))


def _measured(solution: Sequence[ToolCall], way: Sequence[ToolCall], world: Template) -> Difficulty:
    kinds = [TOOLS[call.tool].kind for call in way]
    used = (value for call in (*way, *solution) for value in call.arguments.values())
    near = (world.near_id(value) for value in used)
    return Difficulty(len(solution), kinds.count("read"), max(near, default=0), kinds.count("ask"))
