"""How small jobs are put together: which may follow which, on which record, and what comes of them all."""

from __future__ import annotations

import functools
from collections.abc import Collection, Sequence

from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.parts import Job, Part, Target, target
from crm_gym.tasks.families.parts_kinds import JOBS
from crm_gym.tasks.families.workflows_steps import is_open
from crm_gym.tasks.plan import number_of_new
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.splits import pool_of_value
from crm_gym.tools import ToolCall

_STANDING = ("", "Client", "Contact", "Opportunity", "Quote")
ALONE = tuple(name for name, one in JOBS.items() if one.on in _STANDING)
"""Jobs that need no record made before them."""

FIRST = ("create_client", "create_deal", "clone_deal", "create_quote", "create_contract")
"""Jobs that make a record for others to go on with."""

_NOT_ON_NEW = ("change_client", "change_contact", "change_quote", "cancel_quote", "clone_deal")
_ON_COPIES = ("change_deal", "hand_over_deal")


def is_kept(first: str, second: str) -> bool:
    """Whether two jobs, in this order, are kept for the split ood_composition."""
    return pool_of_value(f"{first}+{second}") == "test"


@functools.cache
def after(first: str, among: tuple[str, ...], kept: bool) -> tuple[str, ...]:
    """Those of the jobs that may follow one: only in pairs that are kept, or in none."""
    return tuple(name for name in among if is_kept(first, name) is kept)


def following(first: str) -> tuple[str, ...]:
    """The jobs that can be done on the record that a job makes."""
    table = JOBS[first].makes
    fit = [name for name, one in JOBS.items() if table and one.on == table and name not in _NOT_ON_NEW]
    return tuple(name for name in fit if first == "clone_deal" or name not in _ON_COPIES)


def _next(scene: Scene, last: str, among: tuple[str, ...]) -> str:
    names = after(last, among, scene.unseen)
    if not names:
        raise Unsuitable
    return str(scene.one(names))


def _goes_with(one: Job, last: Target, altered: Collection[str]) -> bool:
    """Whether a job can be done on the very record of the one before."""
    if not one.on or last.table != one.on or (one.alters and last.id in altered):
        return False
    return not one.alters or one.on != "Opportunity" or is_open(last.row)


def _made(scene: Scene, name: str, on: Target, number: int) -> Part:
    part = JOBS[name].make(scene, on, number)
    part.name = name
    return part


def independent(scene: Scene, number: int, taken: Collection[str] = ()) -> list[Part]:
    """So many jobs, none of which needs what another makes; some on the same record as the one before.

    Args:
        scene: The scene.
        number: How many.
        taken: Ids of records to leave alone.

    Raises:
        Unsuitable: If there is no such pair, or no record for one.
    """
    parts: list[Part] = []
    used = set(taken)
    name, last, made = "", Target(), 0
    altered: set[str] = set()
    cloned: set[str] = set()  # "the same deal" might be the copy
    for _ in range(number):
        before, name = name, _next(scene, name, ALONE) if name else str(scene.one(ALONE))
        one = JOBS[name]
        again = before not in ("", name) and last.id not in cloned and _goes_with(one, last, altered)
        last = last.again(scene) if again and scene.chance(0.5) else target(scene, one, used)
        used.add(last.id)
        altered |= {last.id} if one.alters else set()
        cloned |= {last.id} if name == "clone_deal" else set()
        parts.append(_made(scene, name, last, made))
        made += bool(one.makes)
    return parts


def chained(scene: Scene, number: int) -> list[Part]:
    """So many jobs, of which each after the first goes on with a record that one before has made.

    Raises:
        Unsuitable: If there is no such chain, or no record to begin with.
    """
    name = str(scene.one(FIRST))
    parts = [_made(scene, name, target(scene, JOBS[name], ()), 0)]
    maker, current, made, done = name, parts[0].made, 1, {name}
    while len(parts) < number and current is not None:
        name = _next(scene, name, tuple(one for one in following(maker) if one not in done))
        done.add(name)
        parts.append(_made(scene, name, current, made))
        made += bool(JOBS[name].makes)
        if following(name) and scene.chance(0.5):
            maker, current = name, parts[-1].made
    return parts


def lookups_of(parts: Sequence[Part]) -> list[ToolCall]:
    """The reads that the parts need, each once."""
    found: list[ToolCall] = []
    for part in parts:
        found += [call for call in part.lookups if call not in found]
    return found


def _aims(parts: Sequence[Part]) -> list[Achieve]:
    """All aims; what is changed on a new record is an aim of the record itself."""
    aims: list[Achieve] = []
    places: list[int] = []  # of new records among the aims
    for aim in (aim for part in parts for aim in part.achieve):
        number = number_of_new(aim.id)
        if number is not None:
            old = aims[places[number]]
            aims[places[number]] = Achieve(old.table, None, {**old.fields, **aim.fields})
            continue
        if aim.id is None:
            places.append(len(aims))
        aims.append(aim)
    return aims


def together(request: str, parts: Sequence[Part]) -> Draft:
    """The draft of all the parts."""
    return Draft(
        request=request,
        lookups=lookups_of(parts),
        calls=[call for part in parts for call in part.calls],
        achieve=_aims(parts),
    )
