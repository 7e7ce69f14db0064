"""The sampler of the suite "generated", a module of its own: who never asks for it need not import the generator."""

from __future__ import annotations

from crm_gym.errors import UsageError, near_miss
from crm_gym.sampler import Drawn, Source
from crm_gym.tasks.difficulty import LEVELS
from crm_gym.tasks.generator import RECORDS, Generator, find, generator
from crm_gym.tasks.task import Task


class GeneratedSampler(Drawn):
    """Draws generated tasks and episode seeds: a task's number comes from the environment's generator.

    Args:
        source: Makes the tasks; shared.
        by_attempt: Whether tasks to be refused are played under the protocol `attempt`.
    """

    def __init__(self, source: Generator, by_attempt: bool) -> None:
        super().__init__()
        self.source, self.by_attempt = source, by_attempt

    def episode(self, source: Source) -> tuple[Task, int]:
        """The next task, and a number to fix the ids of its episode."""
        return self._as_played(self.source.task(self.draw(source))), self.draw(source)

    def find(self, task_id: object) -> Task:
        """The task of that id, of whatever split.

        Raises:
            UsageError: If it is no id of a generated task.
        """
        return self._as_played(find(str(task_id)))

    def about(self, source: Source, tool: object) -> Task:
        """The next task of a family.

        Raises:
            UsageError: If it is not among these.
        """
        if tool not in self.source.families:
            raise UsageError(
                f"option tool: {tool!r} is not in this environment; {near_miss(tool, self.source.families)}"
            )
        one = generator(self.source.split, self.source.level, (str(tool),), self.source.records, "uniform")
        return self._as_played(one.task(self.draw(source)))

    def leveled(self, source: Source, level: object) -> Task:
        """The next task of that difficulty.

        Raises:
            UsageError: If there is no such level, or none of these families comes in it.
        """
        if type(level) is not int or level not in LEVELS:
            raise UsageError(f"option level must be a whole number from 1 to {len(LEVELS)}; got {level!r}")
        own = self.source
        return self._as_played(
            generator(own.split, level, own.families, own.records, own.weights).task(self.draw(source))
        )

    def _as_played(self, task: Task) -> Task:
        return task.by_attempt() if self.by_attempt else task


def sampler(
    weights: str,
    refusals: str,
    split: str = "train",
    level: int | None = None,
    families: tuple[str, ...] | None = None,
    records: int = RECORDS,
) -> GeneratedSampler:
    """The sampler of an environment's keywords.

    Raises:
        UsageError: If a name does not exist or a number is out of bounds.
    """
    if not isinstance(split, str):
        raise UsageError(f"split must be the name of one; got {split!r}")
    for name, value in (("level", level), ("records", records)):
        if value is not None and type(value) is not int:
            raise UsageError(f"{name} must be a whole number; got {value!r}")
    return GeneratedSampler(generator(split, level, families, records, weights), refusals == "attempt")
