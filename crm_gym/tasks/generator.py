"""The generator: from a number to a task, the same everywhere, as many as anyone wants.

A number fixes the family, the world, the records, the values and the wording. A task's id holds what made it, so
that it can be made again from its id alone.
"""

from __future__ import annotations

import functools
import operator
import random
import re
from collections.abc import Iterable
from hashlib import blake2b

from crm_gym.errors import TaskError, UsageError, near_miss
from crm_gym.tasks.difficulty import LEVELS, measure
from crm_gym.tasks.draft import Draft, goal_of, path_of, solution_of
from crm_gym.tasks.families import REGISTRY
from crm_gym.tasks.family import KINDS, Family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.splits import SPLITS, pool_of
from crm_gym.tasks.task import REQUEST_CHARS, Task
from crm_gym.tasks.worlds import Template, template
from crm_gym.tools import TOOLS

RECORDS = 300
"""Records of a world, all tables together."""

_IN_ALL = {"train": 7_200, "validation": 2_400, "test": 3_600}  # records of all worlds of a pool
_MOST_WORLDS = 240

_TRIES = 2_000  # for a level that a family seldom comes in
_ID = re.compile(r"(\w+):(\w+):([1-9][0-9]{1,5}):([1-5]?):([0-9a-f]{16})")


def world_count(pool: str, records: int) -> int:
    """How many worlds of that size the tasks of a pool are made in: the fewer, the larger they are."""
    return max(1, min(_MOST_WORLDS, _IN_ALL[pool] // records))


def members(split: str) -> tuple[str, ...]:
    """The families of a split.

    Raises:
        UsageError: If there is no such split.
    """
    if split not in SPLITS:
        raise UsageError(f"split {split!r} does not exist; {near_miss(split, SPLITS)}")
    if split == "ood_composition":
        return tuple(name for name, one in REGISTRY.items() if one.kind == "composition")
    return tuple(name for name, one in REGISTRY.items() if one.held_out == (split == "ood_family"))


def _named(split: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The families that names of families and of kinds stand for, in the split's order."""
    known = members(split)
    for name in names:
        if name not in known and name not in KINDS:
            raise UsageError(f"families: split {split!r} has no {name!r}; {near_miss(name, (*known, *KINDS))}")
    found = tuple(name for name in known if name in names or REGISTRY[name].kind in names)
    if not found:
        raise UsageError(f"families: nothing of split {split!r} is left of {', '.join(names) or 'an empty list'}")
    return found


class Generator:
    """Makes the tasks of a split.

    Args:
        split: One of `SPLITS`.
        level: Only tasks of this difficulty, 1 to 5.
        families: Only these: names of families, or of kinds of them (see `family.KINDS`).
        records: Size of the worlds, 10 to 100,000 records.
        weights: "uniform": every family alike. "frequency": those of a tool as often as a CRM team asks for it, all
            others as often as an average tool.

    Raises:
        UsageError: If a name does not exist or a number is out of bounds.
    """

    def __init__(
        self,
        split: str = "train",
        level: int | None = None,
        families: Iterable[str] | None = None,
        records: int = RECORDS,
        weights: str = "uniform",
    ) -> None:
        wanted = members(split) if families is None else _named(split, tuple(families))
        if level is not None and (type(level) is not int or level not in LEVELS):
            raise UsageError(f"level must be a whole number from 1 to {len(LEVELS)}; got {level!r}")
        if type(records) is not int or not 10 <= records <= 100_000:
            raise UsageError(f"records must be a whole number from 10 to 100,000; got {records!r}")
        self.split, self.level, self.families, self.records = split, level, wanted, records
        self.weights = weights
        self._steps = _shares(self.families) if weights == "frequency" else None

    def task(self, number: int) -> Task:
        """The task of a number, 0 or more.

        Raises:
            UsageError: If it is no such number, or none of many tries has the level that was asked for.
        """
        return _task_at(self._key(), _whole(number))

    def _key(self) -> tuple[str, int | None, tuple[str, ...], int, str]:
        return self.split, self.level, self.families, self.records, self.weights

    def make(self, number: int) -> Task:
        """The same, made anew."""
        number = _whole(number)
        for attempt in range(_TRIES):
            seed = _seed(self.split, number, attempt)
            name = self._draw(seed)
            task = made(self.split, name, self.records, seed, self.level)
            if task is not None and self.level in (None, task.difficulty):
                return task
        what = "no task" if self.level is None else f"no task of level {self.level}"
        raise UsageError(
            f"{what} in {_TRIES} tries: families {', '.join(self.families)} seldom or never come to one in worlds of "
            f"{self.records} records; ask for other families, levels or records"
        )

    def _draw(self, seed: int) -> str:
        names = self.families
        if self._steps is None:
            return names[seed % len(names)]
        return random.Random(seed).choices(names, cum_weights=self._steps)[0]


def _whole(number: object) -> int:
    try:
        whole = operator.index(number)  # type: ignore[arg-type]
    except TypeError:
        whole = -1
    if whole < 0 or isinstance(number, bool):
        raise UsageError(f"the number of a task is a whole number, 0 or more; got {number!r}")
    return whole


def _seed(split: str, number: int, attempt: int) -> int:
    """64 bits that have nothing to do with those of another split, number or attempt."""
    text = f"{split} {number} {attempt}".encode("ascii")
    return int.from_bytes(blake2b(text, digest_size=8, person=b"crm_gym.task").digest(), "big")


@functools.lru_cache(maxsize=256)
def _task_at(key: tuple[str, int | None, tuple[str, ...], int, str], number: int) -> Task:
    """The task of a number: environments that are reset with one seed share it."""
    return generator(*key).make(number)


@functools.lru_cache(maxsize=64)
def generator(split: str, level: int | None, families: tuple[str, ...] | None, records: int, weights: str) -> Generator:
    """A generator, shared by the environments that ask for the same."""
    return Generator(split, level, families, records, weights)


def made(split: str, name: str, records: int, seed: int, level: int | None = None) -> Task | None:
    """The task that a family makes of a seed, None if the scene it meets has nothing fitting."""
    one = REGISTRY[name]
    rng = random.Random(seed)
    pool = pool_of(split)
    world = template(pool, rng.randrange(world_count(pool, records)), records)
    held_out, unseen = split == "ood_phrasing", split == "ood_composition"
    scene = Scene(world, rng, one.forms, held_out=held_out, unseen=unseen, level=level)
    try:
        draft = one.make(scene)
    except Unsuitable:
        return None
    task_id = f"{split}:{name}:{records}:{level or ''}:{seed:016x}"
    try:
        return _task(task_id, one, draft, world)
    except TaskError as fault:
        raise TaskError(f"task {task_id}: {fault}; request: {draft.request}") from None


def _task(task_id: str, one: Family, draft: Draft, world: Template) -> Task:
    if not 0 < len(draft.request) <= REQUEST_CHARS:
        raise TaskError(f"the request must have 1 to {REQUEST_CHARS} characters; it has {len(draft.request)}")
    difficulty = measure(draft, world)
    return Task(
        id=task_id,
        family=one.name,
        request=draft.request,
        world=world.world,
        goal=goal_of(draft, world.world),
        _solution=solution_of(draft),
        _lookups=tuple(draft.lookups),
        tags=(one.kind, TOOLS[one.tool].intent if one.tool else "workflow", f"level {difficulty.level}"),
        split=task_id.partition(":")[0],
        difficulty=difficulty.level,
        user=draft.user,
        selections=tuple(draft.selections),
        _path=path_of(draft),
    )


def find(task_id: str) -> Task:
    """The generated task of that id.

    Raises:
        UsageError: If it is no id of one.
    """
    parts = _ID.fullmatch(task_id)
    if parts is None or parts[1] not in SPLITS or parts[2] not in members(parts[1]) or int(parts[3]) > 100_000:
        raise UsageError(f"{task_id!r} is no id of a generated task, such as train:create_quote:300::0123456789abcdef")
    task = made(parts[1], parts[2], int(parts[3]), int(parts[5], 16), int(parts[4]) if parts[4] else None)
    if task is None or parts[4] not in ("", str(task.difficulty)):
        raise UsageError(f"there is no task {task_id!r}: its scene has nothing fitting, or its level is another")
    return task


def _shares(names: tuple[str, ...]) -> list[float]:
    """Cumulative weights of families by how often a CRM team asks for their tools."""
    of_tool: dict[str, int] = {}
    for name in names:
        of_tool[REGISTRY[name].tool] = of_tool.get(REGISTRY[name].tool, 0) + 1
    mean = sum(tool.requests for tool in TOOLS.values()) / 28
    total, steps = 0.0, []
    for name in names:
        tool = REGISTRY[name].tool
        total += TOOLS[tool].requests / of_tool[tool] if tool else mean
        steps.append(total)
    return steps
