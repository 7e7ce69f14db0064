"""Difficulty, measured on the task as it stands: never declared."""

from __future__ import annotations

from typing import NamedTuple

from crm_gym.tasks.draft import Draft
from crm_gym.tasks.worlds import Template
from crm_gym.tools import TOOLS

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
    way = draft.path or [*draft.lookups, *draft.calls]
    kinds = [TOOLS[call.tool].kind for call in way]
    ends = int(draft.answer is not None or draft.refused is not None)
    return Difficulty(
        calls=len(draft.calls) + ends,
        lookups=kinds.count("read"),
        distractors=_distractors(draft, world),
        turns=kinds.count("ask"),
    )


def _distractors(draft: Draft, world: Template) -> int:
    """The most near-namesakes that any record has which the calls name."""
    return max((world.near_id(value) for call in draft.calls for value in call.arguments.values()), default=0)
