"""Certifying whole suites: parts of fixed size, in as many processes as one likes, with the same report."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from multiprocessing.util import Finalize

from crm_gym.backend import MEMORY
from crm_gym.certify import Trial, certify
from crm_gym.certify.arena import Arena, is_right_elsewhere
from crm_gym.certify.explain import explained
from crm_gym.certify.leaks import leaks
from crm_gym.certify.tally import Example, Report, Tally, added_up
from crm_gym.errors import InfraError, TaskError, UsageError
from crm_gym.render import safe
from crm_gym.tasks.catalogue import SUITES, load_suite
from crm_gym.tasks.difficulty import LEVELS
from crm_gym.tasks.family import REGISTRY
from crm_gym.tasks.generator import RECORDS, Generator, made, members
from crm_gym.tasks.splits import GENERATED, SPLITS
from crm_gym.tasks.task import Task

PART = 40
"""Tasks of a part: one process does them, and each is given others' solutions from among them."""

_TRIES = 3  # for a level, before any will do
_SPREAD, _MASK = 0x9E3779B97F4A7C15, 2**64 - 1
_APART = 1_000_003  # numbers of tasks between one seed and the next
_WORLDS_WITHIN = 12  # how far back a task in the same world is looked for


@dataclass(frozen=True)
class Wanted:
    """What is to be certified.

    Attributes:
        suite: A suite of `catalogue.SUITES`, or "generated".
        tasks: How many tasks; None for all of a suite.
        split: With "generated": a split, or "all".
        families: Only these; names of families, or of kinds with "generated".
        level: With "generated": only tasks of this level.
        backends: Where the oracle must succeed.
        seed: Other seeds certify other generated tasks, and draw other calls.
        agents: Whether the agents play too.
    """

    suite: str = "golden"
    tasks: int | None = None
    split: str = "all"
    families: tuple[str, ...] = ()
    level: int | None = None
    backends: tuple[str, ...] = (MEMORY,)
    seed: int = 0
    agents: bool = True


@dataclass(frozen=True)
class Part:
    """Some tasks of one family.

    Attributes:
        wanted: What is to be certified in all.
        family: The family.
        split: Its split; "" for a suite with an end.
        start: Number of the first task.
        count: How many.
    """

    wanted: Wanted
    family: str
    split: str
    start: int
    count: int


def parts_of(wanted: Wanted) -> list[Part]:
    """The parts of what is wanted, the tasks shared out evenly among families.

    Raises:
        UsageError: If a name does not exist, a number is out of bounds, or nothing is left.
    """
    if wanted.tasks is not None and wanted.tasks < 1:
        raise UsageError(f"tasks must be 1 or more; got {wanted.tasks}")
    if wanted.suite == GENERATED:
        return _generated_parts(wanted)
    if wanted.level is not None or wanted.split != "all":
        raise UsageError(f"only suite {GENERATED!r} has splits and levels; got suite {wanted.suite!r}")
    tasks = load_suite(wanted.suite, wanted.families or None)
    sizes = {family: sum(task.family == family for task in tasks) for family in dict.fromkeys(t.family for t in tasks)}
    shares = _shares(wanted.tasks, list(sizes.values()))
    return [
        Part(wanted, name, "", start, min(PART, share - start))
        for name, share in zip(sizes, shares, strict=True)
        for start in range(0, share, PART)
    ]


def _generated_parts(wanted: Wanted) -> list[Part]:
    if wanted.level is not None and wanted.level not in LEVELS:
        raise UsageError(f"level must be a whole number from 1 to {len(LEVELS)}; got {wanted.level}")
    if wanted.split != "all":
        members(wanted.split)  # complains of an unknown one
    splits = SPLITS if wanted.split == "all" else (wanted.split,)
    pairs = [(name, split) for split in splits for name in _members(wanted, split)]
    if not pairs:
        raise UsageError(f"families: no split has {', '.join(wanted.families)}")
    shares = _shares(wanted.tasks or len(pairs), [None] * len(pairs))
    return [
        Part(wanted, name, split, start, min(PART, share - start))
        for (name, split), share in zip(pairs, shares, strict=True)
        for start in range(0, share, PART)
    ]


def _members(wanted: Wanted, split: str) -> tuple[str, ...]:
    """The families of a split that are wanted; none where all splits are and this one has none of them."""
    if not wanted.families:
        return members(split)
    try:
        return Generator(split, families=wanted.families).families
    except UsageError:
        if wanted.split != "all":
            raise
        known = {word for name in members(split) for word in (name, REGISTRY[name].kind)}
        left = tuple(name for name in wanted.families if name in known)
        return Generator(split, families=left).families if left else ()


def _shares(total: int | None, sizes: Sequence[int | None]) -> list[int]:
    """How many of each, as evenly as the sizes allow; sizes of None have no end."""
    if total is None:
        return [size or 0 for size in sizes]
    shares = [0] * len(sizes)
    left = total
    while left:
        open_ = [at for at, size in enumerate(sizes) if size is None or shares[at] < size]
        if not open_:
            break
        room = [size - shares[at] for at in open_ if (size := sizes[at]) is not None]
        each = max(1, min([left // len(open_), *room]))
        for at in open_[:left]:
            shares[at] += each
            left -= each
    return shares


def tasks_of(part: Part) -> Iterator[Task]:
    """The tasks of a part; the same in every process."""
    wanted = part.wanted
    if part.split == "":
        tasks = [task for task in load_suite(wanted.suite, wanted.families or None) if task.family == part.family]
        yield from tasks[part.start : part.start + part.count]
        return
    one = Generator(part.split, wanted.level, [part.family])
    for number in range(part.start, part.start + part.count):
        place = wanted.seed * _APART + number
        yield (None if wanted.level else _at_some_level(part, place)) or one.make(place)


def _at_some_level(part: Part, place: int) -> Task | None:
    """A task made with a level in mind, in turn as they come and of every level: families make less or more of it."""
    level = place % (len(LEVELS) + 1)
    if level == 0:
        return None
    for attempt in range(_TRIES):
        seed = (place * _TRIES + attempt + 1) * _SPREAD & _MASK
        task = made(part.split, part.family, RECORDS, seed ^ seed >> 29, level)
        if task is not None and task.difficulty == level:
            return task
    return None


def certify_suite(wanted: Wanted, jobs: int = 1, on_part: Callable[[int, int, int], None] | None = None) -> Report:
    """Certify every task wanted.

    Args:
        wanted: What to certify.
        jobs: In how many processes.
        on_part: Told of each part when it is done: tasks done, tasks in all, faults so far.

    Raises:
        UsageError: If something wanted does not exist, or a backend cannot be had.
    """
    if jobs < 1:
        raise UsageError(f"jobs must be 1 or more; got {jobs}")
    begun = time.perf_counter()
    parts = parts_of(wanted)
    total, done, faults = sum(part.count for part in parts), 0, 0
    found = []
    for family, tally, digests in _worked(parts, jobs):
        found.append((family, tally, digests))
        done, faults = done + tally.tasks, faults + tally.faults
        if on_part is not None:
            on_part(done, total, faults)
    report = added_up(found)
    if not report.total.tasks and not report.total.faults:
        raise UsageError(f"there is nothing to certify: none of these families comes in level {wanted.level}")
    report.seconds = time.perf_counter() - begun
    return report


def _worked(parts: list[Part], jobs: int) -> Iterator[tuple[str, Tally, list[bytes]]]:
    if jobs == 1 or len(parts) == 1:
        try:
            yield from map(certified, parts)
        finally:
            _close()
        return
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(parts)), _prepare) as pool:
        yield from pool.imap(certified, parts)  # in the order of the parts, whoever is done first
        pool.close()
        pool.join()


_ARENAS: dict[tuple[tuple[str, ...], int], Arena] = {}
"""The environments of this process."""


def _arena(backends: tuple[str, ...], seed: int) -> Arena:
    if (backends, seed) not in _ARENAS:
        _ARENAS[backends, seed] = Arena(backends, seed)
    return _ARENAS[backends, seed]


def _prepare() -> None:
    Finalize(None, _close, exitpriority=1)  # a pool's process ends without what atexit would do


def _close() -> None:
    while _ARENAS:
        _ARENAS.popitem()[1].close()


def certified(part: Part) -> tuple[str, Tally, list[bytes]]:
    """The counts of one part, and what its tasks are known by."""
    arena = _arena(part.wanted.backends, part.wanted.seed)
    tally, digests = Tally(), []
    earlier: list[Task] = []
    try:
        for task in tasks_of(part):
            _certify(task, _other(task, earlier), arena, part.wanted, tally)
            digests.append(blake2b(f"{task.world.name}\n{task.request}".encode(), digest_size=8).digest())
            earlier = [task, *earlier][:_WORLDS_WITHIN]
    except UsageError:
        if part.wanted.level is None:
            raise  # else the family has no task of that level, or no more: nothing to certify
    except InfraError:
        raise
    except Exception as fault:  # a family that cannot make its tasks; the rest of the part is left out
        words = str(fault) if isinstance(fault, TaskError) else f"{type(fault).__name__}: {fault}"
        tally.faults += 1
        tally.sentences.append((f"{part.split}:{part.family}", words))
        tally.example = tally.example or Example(part.family, words, safe(words))
    return part.family, tally, digests


def _other(task: Task, earlier: list[Task]) -> Task | None:
    """Another task of the family whose solution is not right here: in the same world if there is one."""
    fit = [other for other in earlier if not is_right_elsewhere(task, other)]
    return next((other for other in fit if other.world is task.world), fit[0] if fit else None)


def _certify(task: Task, other: Task | None, arena: Arena, wanted: Wanted, tally: Tally) -> None:
    trial = Trial()
    faults = certify(task, trial=trial)
    if wanted.agents:
        faults += leaks(task, arena.env)
        played = arena.play(task, other)
        faults += played.faults
        tally.played.update(played.played)
        tally.won.update(played.won)
        tally.lucky += len(played.luck)
        tally.luck += [(task.id, agent, calls) for agent, calls in played.luck]
    tally.tasks += 1
    tally.levels[task.difficulty] += 1
    tally.wrong += trial.wrong
    tally.right += trial.right
    tally.bent += trial.bent
    tally.faults += len(faults)
    tally.sentences += [(task.id, fault) for fault in faults]
    if faults and tally.example is None:
        tally.example = Example(task.id, faults[0], explained(task, faults[0], trial.example))


__all__ = ["PART", "SUITES", "Part", "Report", "Wanted", "certified", "certify_suite", "parts_of", "tasks_of"]
