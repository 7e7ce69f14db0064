"""What certifying many tasks came to: counted by family, added up in a fixed order, whoever did the work."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from crm_gym.certify.arena import AGENTS, CHANCE

JSON = Any

MOST_LUCK = 0.005
"""Drawn true solutions are chance, not a fault, up to this share of the episodes of those who draw."""

_SHOWN = 20  # faults and strokes of luck kept of a family: enough to see what is wrong


@dataclass(frozen=True, slots=True)
class Example:
    """A fault laid open.

    Attributes:
        task_id: The task.
        fault: What is wrong, in a sentence.
        text: The task, the calls, and the expected changes against those that came about.
    """

    task_id: str
    fault: str
    text: str


@dataclass(slots=True)
class Tally:
    """The counts of one family.

    Attributes:
        tasks: Tasks certified.
        levels: Level to tasks of it.
        wrong: Wrong end states tried; all rejected, but for the faults.
        right: Equivalent ways tried; all accepted, but for the faults.
        bent: Bent ways tried; all rejected, but for the faults.
        played: Agent to episodes.
        won: Agent to successes.
        faults: How many faults there are.
        sentences: The first faults, each with its task's id.
        luck: The first true solutions that were drawn: task, agent and calls.
        lucky: How many there are.
        example: The first fault laid open.
    """

    tasks: int = 0
    levels: Counter[int] = field(default_factory=Counter)
    wrong: int = 0
    right: int = 0
    bent: int = 0
    played: Counter[str] = field(default_factory=Counter)
    won: Counter[str] = field(default_factory=Counter)
    faults: int = 0
    sentences: list[tuple[str, str]] = field(default_factory=list)
    luck: list[tuple[str, str, str]] = field(default_factory=list)
    lucky: int = 0
    example: Example | None = None

    def add(self, other: Tally) -> None:
        """Take in the counts of further tasks."""
        self.tasks += other.tasks
        self.wrong += other.wrong
        self.right += other.right
        self.bent += other.bent
        self.faults += other.faults
        self.lucky += other.lucky
        self.levels.update(other.levels)
        self.played.update(other.played)
        self.won.update(other.won)
        self.sentences = [*self.sentences, *other.sentences][:_SHOWN]
        self.luck = [*self.luck, *other.luck][:_SHOWN]
        self.example = self.example or other.example

    def as_json(self) -> dict[str, JSON]:
        """The counts as JSON values."""
        return {
            "tasks": self.tasks,
            "levels": {str(level): self.levels[level] for level in sorted(self.levels)},
            "wrong_ends_tried": self.wrong,
            "equivalent_ways_tried": self.right,
            "perturbations_tried": self.bent,
            "episodes": {name: self.played[name] for name in AGENTS if self.played[name]},
            "successes": {name: self.won[name] for name in AGENTS if self.played[name]},
            "true_solutions_drawn": self.lucky,
            "faults": self.faults,
            "first_faults": [{"task": task, "fault": fault} for task, fault in self.sentences],
            "first_draws": [{"task": task, "agent": agent, "calls": calls} for task, agent, calls in self.luck],
        }


@dataclass(slots=True)
class Report:
    """What a run came to.

    Attributes:
        families: Family to its counts, in the order of the suite.
        duplicates: How many tasks have the world and the request of another.
        seconds: How long it took; no part of what is written down.
    """

    families: dict[str, Tally]
    duplicates: int = 0
    seconds: float = 0.0

    @property
    def total(self) -> Tally:
        """All families together."""
        total = Tally()
        for tally in self.families.values():
            total.add(tally)
        return total

    @property
    def chances(self) -> int:
        """Episodes of those who draw their calls."""
        return sum(self.total.played[name] for name in CHANCE)

    @property
    def too_lucky(self) -> bool:
        """Whether more true solutions were drawn than chance allows; one alone always may be."""
        return self.total.lucky > max(1.0, MOST_LUCK * self.chances)

    @property
    def passed(self) -> bool:
        """Whether every task may judge."""
        return not self.total.faults and not self.too_lucky

    def as_json(self) -> dict[str, JSON]:
        """The report as JSON values; the same for the same tasks, however many processes did the work."""
        return {
            "passed": self.passed,
            "tasks": self.total.tasks,
            "duplicates": self.duplicates,
            "total": self.total.as_json(),
            "families": {name: tally.as_json() for name, tally in self.families.items()},
        }


def added_up(parts: Iterable[tuple[str, Tally, list[bytes]]]) -> Report:
    """A report of the counts of parts of families, in their order, each with what its tasks are known by."""
    families: dict[str, Tally] = {}
    known: Counter[bytes] = Counter()
    for family, tally, digests in parts:
        families.setdefault(family, Tally()).add(tally)
        known.update(digests)
    return Report(families, sum(count - 1 for count in known.values()))
