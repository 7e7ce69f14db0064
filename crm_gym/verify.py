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
        if goal.plain:
            if len(net) == 1 == len(changes):  # the most frequent question, answered without a further call
                for change in net.values():
                    if changes[0].met_by(change):
                        return DONE
            return _changed(goal, net, 0)
        unheard = goal.answer is not None and not any(goal.heard(result) for result in results)
        return _changed(goal, net, int(unheard))
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


def _changed(goal: ChangeGoal, net: dict[str, Change], unheard: int) -> Verdict:
    """The verdict on changes.

    Args:
        goal: What must have changed.
        net: What has.
        unheard: How many reports are still to be given.
    """
    if not net:
        return Verdict(False, 0.0, goal.changes, (), len(goal.changes) + unheard)
    looked_at = list(islice(net.values(), len(goal.changes) + SPARE))
    met = _matched(goal.changes, looked_at)
    if len(met) == len(net) == len(goal.changes) and not unheard:
        return DONE
    missing = tuple(expected for place, expected in enumerate(goal.changes) if place not in met)
    unexpected = tuple(change for place, change in enumerate(looked_at) if place not in met.values())
    reports = int(goal.answer is not None)
    excess = len(net) - len(met)
    progress = (len(met) + reports - unheard) / (len(goal.changes) + reports + excess)
    return Verdict(False, progress, missing, unexpected, len(missing) + unheard, excess)


Places = dict[int, int]


def _matched(expected: tuple[Expected, ...], changes: list[Change]) -> Places:
    """Which expected change is met by which change, by their places.

    The choice can matter: new records that look alike may differ in what hangs on them, and what is free in one may
    not be in the other. So if all can be met a way to do so is searched for; else each takes the first it can.
    """
    fits = [[at for at, change in enumerate(changes) if one.met_by(change)] for one in expected]
    if len(changes) == len(expected):
        whole = _Search(expected, changes, fits).found({}, {})
        if whole is not None:
            return whole
    met: Places = {}
    new: dict[int, str] = {}
    for place, one in enumerate(expected):
        for at in fits[place]:
            if at not in met.values() and one.linked_by(changes[at], new):
                met[place] = at
                if one.number is not None:
                    new[one.number] = changes[at].id
                break
    return met


PATIENCE = 2_000
"""Dead ends after which a search is given up: only a dozen new records that all look alike can come to that."""


class _Search:
    """The search for a way to meet every expected change.

    What hangs on a new record is looked for right after it, and what has failed once is not tried again: the same
    expectations left, for the same changes, with the same new records to be linked to.
    """

    def __init__(self, expected: tuple[Expected, ...], changes: list[Change], fits: list[list[int]]) -> None:
        self.expected, self.changes, self.fits = expected, changes, fits
        self.order = _close_to_parents(expected)
        self.failed: set[tuple[int, frozenset[int], tuple[str | None, ...]]] = set()

    def found(self, met: Places, new: dict[int, str]) -> Places | None:
        """A way to go on from what is met, given the ids of the new records among it; None if there is none."""
        if len(met) == len(self.order):
            return met
        left = self.order[len(met) :]
        linked = tuple(new.get(number) for place in left for _, number in self.expected[place].links)
        state = len(met), frozenset(met.values()), linked
        if state in self.failed or len(self.failed) >= PATIENCE:
            return None
        one = self.expected[left[0]]
        for at in self.fits[left[0]]:
            if at in met.values() or not one.linked_by(self.changes[at], new):
                continue
            known = new if one.number is None else {**new, one.number: self.changes[at].id}
            way = self.found({**met, left[0]: at}, known)
            if way is not None:
                return way
        self.failed.add(state)
        return None


def _close_to_parents(expected: tuple[Expected, ...]) -> list[int]:
    """The places of the expected changes, each after the new records it is linked to and as soon as may be."""
    order: list[int] = []
    known: set[int | None] = set()
    waiting = list(range(len(expected)))
    while waiting:
        ready = [at for at in waiting if all(number in known for _, number in expected[at].links)] or waiting
        at = next((at for at in ready if expected[at].links), ready[0])
        waiting.remove(at)
        order.append(at)
        known.add(expected[at].number)
    return order
