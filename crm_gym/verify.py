"""Judgement: one pure function decides whether an episode is a success.

It compares what changed (net, all tables, all fields) with what the task says must change. What the
agent said counts only where the task asks for an answer or a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

from crm_gym.journal import Change, Journal
from crm_gym.tasks.goal import ChangeGoal, Expected
from crm_gym.tasks.task import Task
from crm_gym.tools import ToolResult

SPARE = 16
"""Net changes looked at beyond those expected: what an episode's verdict costs stays bounded. With more than
these the episode cannot be a success any more; `progress` then speaks of the oldest ones."""


class Verdict(NamedTuple):
    """What the state says of an episode.

    Attributes:
        success: Whether everything asked for, and nothing else, has come about.
        progress: From 0 to 1, 1 only with success: expected changes met, as a share of all expected or made.
        missing: Expected changes that have not come about.
        unexpected: Net changes nobody asked for (of those looked at).
        unmet: How much of what was asked for is not there: changes, or the one answer or refusal.
        excess: How many net changes nobody asked for there are.
    """

    success: bool
    progress: float
    missing: tuple[Expected, ...] = ()
    unexpected: tuple[Change, ...] = ()
    unmet: int = 0
    excess: int = 0

    def summary(self) -> dict[str, bool | float | int]:
        """The verdict in numbers; says nothing of what was expected."""
        return {
            "success": self.success,
            "progress": self.progress,
            "missing": self.unmet,
            "unexpected": self.excess,
        }


def verify(task: Task, journal: Journal, results: Sequence[ToolResult] = ()) -> Verdict:
    """Judge an episode.

    Args:
        task: What was asked.
        journal: The changes since the task's start.
        results: Results of the episode's calls, or of those that end it or were refused.
    """
    goal = task.goal
    if type(goal) is ChangeGoal:
        net, changes = journal.net, goal.changes
        if len(net) == 1 == len(changes):  # the most frequent question, answered without a further call
            for change in net.values():
                if changes[0].met_by(change):
                    return DONE
        return _changed(goal, net)
    if any(goal.heard(result) for result in results):
        if not journal.net:
            return DONE
        unmet = 0
    else:
        unmet = 1
    count = len(journal.net)
    return Verdict(False, 0.0, (), tuple(islice(journal.net.values(), SPARE)), unmet, count)


DONE = Verdict(True, 1.0)
"""The verdict on every success."""


def _changed(goal: ChangeGoal, net: dict[str, Change]) -> Verdict:
    if not net:
        return Verdict(False, 0.0, goal.changes, (), len(goal.changes))
    missing = list(goal.changes)
    unexpected = []
    for change in islice(net.values(), len(missing) + SPARE):
        for expected in missing:
            if expected.met_by(change):
                missing.remove(expected)
                break
        else:
            unexpected.append(change)
    if not missing and len(net) == len(goal.changes):
        return DONE
    met_count = len(goal.changes) - len(missing)
    excess = len(net) - met_count
    progress = met_count / (len(goal.changes) + excess)
    return Verdict(False, progress, tuple(missing), tuple(unexpected), len(missing), excess)
