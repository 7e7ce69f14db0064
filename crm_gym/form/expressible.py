"""Which tasks can be done through the form door, and why the others cannot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from crm_gym.errors import UsageError, near_miss
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.oracle import FormOracle
from crm_gym.tasks.catalogue import FAMILIES, load_suite
from crm_gym.tasks.generator import Generator
from crm_gym.tasks.splits import GENERATED
from crm_gym.tasks.task import Task

DOORS = ("form",)
"""Doors that do not say everything."""

_SEED = 0


class Tried(NamedTuple):
    """A task that was tried.

    Attributes:
        id: The task's id.
        family: Its family.
        reason: Why its demonstration cannot be given through the form door; "" if it can, and solves the task.
    """

    id: str
    family: str
    reason: str


class Share(NamedTuple):
    """What of a family can be done.

    Attributes:
        family: The family.
        tasks: How many were tried.
        expressible: How many of them can be done.
    """

    family: str
    tasks: int
    expressible: int


def tasks_of(suite: str, split: str, families: Sequence[str], count: int) -> Iterator[Task]:
    """The tasks to try.

    Args:
        suite: A suite of `crm_gym.SUITES`, all of it, or "generated".
        split: With "generated": the split.
        families: Only these families; of generated ones also kinds of them; none for all.
        count: With "generated": how many tasks of each family.

    Raises:
        UsageError: If a name does not exist.
    """
    if suite == GENERATED:
        for family in Generator(split, families=families or None).families:
            source = Generator(split, families=[family])
            yield from (source.task(number) for number in range(count))
        return
    for family in families:
        if family not in FAMILIES:
            raise UsageError(f"there is no family {family!r}; {near_miss(family, FAMILIES)}")
    yield from (task for task in load_suite(suite) if not families or task.family in families)


def tried(tasks: Iterable[Task]) -> Iterator[Tried]:
    """Do each task through the form door, by its demonstration."""
    env = CrmFormEnv(masked_out="raise")
    oracle = FormOracle(env)
    for task in tasks:
        yield Tried(task.id, task.family, _reason(env, oracle, task))


def shares(found: Iterable[Tried]) -> list[Share]:
    """What of each family can be done, in the order in which they come."""
    counts: dict[str, list[int]] = {}
    for one in found:
        count = counts.setdefault(one.family, [0, 0])
        count[0] += 1
        count[1] += not one.reason
    return [Share(family, *count) for family, count in counts.items()]


def _reason(env: CrmFormEnv, oracle: FormOracle, task: Task) -> str:
    observation, _ = env.reset(seed=_SEED, options={"task": task})
    over = False
    while not over:
        action, _ = oracle.predict(observation)
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    if oracle.failed is None and not info["is_success"]:
        return "the demonstration can be given, but does not solve the task"
    return oracle.failed or ""
