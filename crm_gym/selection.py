"""Which tasks an environment plays: from its keywords to a sampler."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from crm_gym.errors import UsageError, near_miss
from crm_gym.sampler import WEIGHTS, TaskSampler
from crm_gym.tasks.catalogue import SUITES, load_suite, names_of
from crm_gym.tasks.splits import GENERATED
from crm_gym.tasks.task import Task

if TYPE_CHECKING:
    from crm_gym.generated import GeneratedSampler

_OWN = ("split", "level", "families", "records")
"""Keywords that go with the generated suite alone."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The keywords of `CrmEnv` that choose its tasks; see there."""

    suite: str
    tasks: Sequence[str] | None
    weights: str
    refusals: str
    split: str | None
    level: int | None
    families: Sequence[str] | None
    records: int | None


def sampler_of(chosen: Selection) -> TaskSampler | GeneratedSampler:
    """What draws the tasks.

    Raises:
        UsageError: If a name does not exist, or keywords do not go together.
    """
    own = {name: getattr(chosen, name) for name in _OWN}
    if chosen.suite == GENERATED:
        return _generated(chosen, {name: value for name, value in own.items() if value is not None})
    for name, value in own.items():
        if value is not None:
            raise UsageError(f"{name} goes with suite={GENERATED!r} only; the suite is {chosen.suite!r}")
    if chosen.suite not in SUITES:
        raise UsageError(f"suite {chosen.suite!r} does not exist; {near_miss(chosen.suite, (*SUITES, GENERATED))}")
    names = None if chosen.tasks is None else names_of(chosen.tasks)
    return TaskSampler(_tasks(chosen.suite, names, chosen.refusals), chosen.weights)


def _generated(chosen: Selection, own: dict[str, object]) -> GeneratedSampler:
    if chosen.tasks is not None:
        raise UsageError(f"tasks goes with the other suites; for suite={GENERATED!r} say families=[...]")
    if chosen.weights not in WEIGHTS:
        raise UsageError(f"weights {chosen.weights!r} does not exist; {near_miss(chosen.weights, WEIGHTS)}")
    if "families" in own:
        what = "families must be a list of families or kinds of them"
        own["families"] = names_of(own["families"], what)  # type: ignore[arg-type]
    # The generator brings names, forms and families: an import of crm_gym stays quick without it.
    generated = importlib.import_module("crm_gym.generated")
    sampler: GeneratedSampler = generated.sampler(**own, weights=chosen.weights, refusals=chosen.refusals)
    return sampler


@functools.lru_cache(maxsize=64)
def _tasks(suite: str, names: tuple[str, ...] | None, refusals: str) -> tuple[Task, ...]:
    """The tasks of an environment; those with the same keywords share them."""
    return tuple(task.by_attempt() if refusals == "attempt" else task for task in load_suite(suite, names))
