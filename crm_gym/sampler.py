"""Which task comes next: drawn in blocks from the environment's generator, so that a reset stays cheap."""

from __future__ import annotations

import functools
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Literal, Protocol

import numpy as np

from crm_gym.errors import UsageError, near_miss
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS

Weights = Literal["uniform", "frequency"]
WEIGHTS = ("uniform", "frequency")
_ONE = np.uint64(1)
_BLOCK, _BITS = 16, 63  # numbers drawn at once: cheap, and little to keep for an idle environment


class Source(Protocol):
    """What has a generator, such as a Gymnasium environment; it is asked for it once a block."""

    @property
    def np_random(self) -> np.random.Generator:
        """The generator."""


class Drawn:
    """Whole numbers drawn ahead in blocks."""

    def __init__(self) -> None:
        self._block: list[int] = []

    def restart(self) -> None:
        """Forget what was drawn ahead: the generator has a new seed."""
        self._block = []

    def draw(self, source: Source) -> int:
        """The next whole number of 63 bits."""
        if not self._block:
            self._block = _numbers(source.np_random)
        return self._block.pop()


class TaskSampler(Drawn):
    """Draws tasks and episode seeds.

    Args:
        tasks: The tasks to draw from.
        weights: "uniform": every task alike. "frequency": every tool as often as a CRM team asks for it
            (`Tool.requests`), the tasks of a tool alike.
    """

    def __init__(self, tasks: Sequence[Task], weights: str) -> None:
        if weights not in WEIGHTS:
            raise UsageError(f"weights {weights!r} does not exist; {near_miss(weights, WEIGHTS)}")
        self.tasks = tuple(tasks)
        self._by_id: Mapping[str, Task] | None = None
        self._steps = None if weights == "uniform" else list(accumulate(_shares(self.tasks)))  # None: all alike
        super().__init__()

    def episode(self, source: Source) -> tuple[Task, int]:
        """The next task, and a number to fix the ids of its episode."""
        block = self._block
        if self._steps is None and len(block) > 1:  # every reset asks: the usual case without further calls
            tasks = self.tasks
            return tasks[block.pop() * len(tasks) >> _BITS], block.pop()
        return self.task(source), self.draw(source)

    def task(self, source: Source, among: Sequence[Task] | None = None) -> Task:
        """The next task; uniformly from `among` if given."""
        number = self.draw(source)
        if self._steps is None or among is not None:
            tasks = self.tasks if among is None else among
            return tasks[number * len(tasks) >> _BITS]
        return self.tasks[min(bisect_right(self._steps, number / 2**_BITS * self._steps[-1]), len(self.tasks) - 1)]

    def find(self, task_id: object) -> Task:
        """The task of that id.

        Raises:
            UsageError: If it is not among these.
        """
        if self._by_id is None:
            self._by_id = _by_id(self.tasks)
        if isinstance(task_id, str) and task_id in self._by_id:
            return self._by_id[task_id]
        return self._having("task_id", "id", task_id)[0]

    def about(self, source: Source, tool: object) -> Task:
        """The next task of a tool.

        Raises:
            UsageError: If there is none among these.
        """
        return self.task(source, self._having("tool", "family", tool))

    def leveled(self, source: Source, level: object) -> Task:
        """Refused: these tasks have no measured level.

        Raises:
            UsageError: Always.
        """
        raise UsageError("option level goes with suite='generated' only")

    def _having(self, option: str, attribute: str, value: object) -> list[Task]:
        found = [task for task in self.tasks if getattr(task, attribute) == value]
        if not found:
            known = sorted({getattr(task, attribute) for task in self.tasks})
            raise UsageError(f"option {option}: {value!r} is not in this environment; {near_miss(value, known)}")
        return found


@functools.lru_cache(maxsize=16)  # environments of the same suite share it
def _by_id(tasks: tuple[Task, ...]) -> Mapping[str, Task]:
    return {task.id: task for task in reversed(tasks)}  # of the same id the first


def _numbers(rng: np.random.Generator) -> list[int]:
    bits = rng.bit_generator
    if type(bits) is np.random.PCG64:
        # The same numbers as below (Lemire's method over a power of two keeps the upper bits), at a fifth of the cost.
        drawn = np.right_shift(bits.random_raw(_BLOCK), _ONE)
    else:
        drawn = rng.integers(0, 2**_BITS, size=_BLOCK, dtype=np.int64)
    numbers: list[int] = drawn.tolist()
    return numbers


def _shares(tasks: tuple[Task, ...]) -> list[float]:
    sizes: dict[str, int] = {}
    for task in tasks:
        sizes[task.family] = sizes.get(task.family, 0) + 1
    return [TOOLS[task.family].requests / sizes[task.family] for task in tasks]
