"""What a log holds, read line by line; and what is wrong with a line."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

from crm_gym.evaluation.lines import episode_of, from_line, run_of
from crm_gym.evaluation.log_file import LogError
from crm_gym.evaluation.records import EpisodeRecord, Run, SpentRecord
from crm_gym.evaluation.shapes import Damaged, check_spent

CAUSES: Final = ("torn", "damaged", "doubled", "foreign")
"""What can be wrong with a line. torn: it has no end. damaged: it is not what was written. doubled: its episode stands
in the log already, with an end of its own. foreign: its episode is none that the run plays. Playing the episodes again
mends the first two."""

TORN: Final = "torn: the program died while writing it; it is left out"
"""What is wrong with a last line that has no end."""

Key = tuple[int, int]
"""What names an episode within a run: its seed and its trial."""

_SPENT = b'{"kind":"spent",'


@dataclass(frozen=True, slots=True)
class Fault:
    """A line that cannot be used.

    Attributes:
        line: Its number, from 1.
        what: What is wrong with it.
        cause: One of `CAUSES`.
    """

    line: int
    what: str
    cause: str = "damaged"

    def __str__(self) -> str:
        return f"line {self.line}: {self.what}"

    @property
    def mends(self) -> bool:
        """Whether it does no harm any more once all episodes of the run are in the log."""
        return self.cause in ("torn", "damaged")


@dataclass(frozen=True, slots=True)
class Log:
    """What a log holds.

    Attributes:
        path: Its file.
        run: The run.
        episodes: The episodes by their index; of one that was played again, that with an end of its own, or else the
            latest.
        faults: Lines that could not be used.
        spent: What was spent on episodes that were not finished: a record for each time that the run was stopped.
    """

    path: Path
    run: Run
    episodes: tuple[EpisodeRecord, ...]
    faults: tuple[Fault, ...] = ()
    spent: tuple[SpentRecord, ...] = ()


def read_log(path: str | os.PathLike[str]) -> Log:
    """Read a log.

    Raises:
        LogError: If there is none, or its first line is no run.
    """
    where = Path(path)
    try:
        with open(where, "rb") as file:
            found = Lines(where, file)
    except OSError as fault:
        raise LogError(f"{where} cannot be read: {fault.strerror}") from None
    if found.run is None:
        raise LogError(f"{where} is no log: " + (str(found.faults[0]) if found.faults else "it is empty"))
    return log_of(where, found.run, found.latest, found.faults, found.spent)


def log_of(
    path: Path,
    run: Run,
    latest: Mapping[Key, EpisodeRecord],
    faults: Iterable[Fault],
    spent: Iterable[SpentRecord],
) -> Log:
    """What a log holds, of what was found in its lines."""
    episodes = sorted(latest.values(), key=lambda record: record["index"])
    return Log(path, run, tuple(episodes), _in_full(faults, len(episodes) >= run["count"]), tuple(spent))


def _in_full(faults: Iterable[Fault], all_there: bool) -> tuple[Fault, ...]:
    """Faults, with what came of the episodes in damaged lines."""
    what = "its episode has been played since" if all_there else "its episode counts as not played"
    return tuple(
        replace(fault, what=f"{fault.what}; {what}") if fault.cause == "damaged" else fault for fault in faults
    )


class Lines:
    """The lines of a file.

    Args:
        path: Its name.
        file: The file.

    Attributes:
        run: The run; None if there is no whole line.
        latest: The record of each episode that counts.
        spent: What was spent on episodes that were not finished.
        faults: Lines that cannot be used; of damaged ones it is open what became of their episodes.
        whole: Bytes up to the end of the last line that is not torn.

    Raises:
        LogError: If the first line is damaged.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.run: Run | None = None
        self.latest: dict[Key, EpisodeRecord] = {}
        self.spent: list[SpentRecord] = []
        self.faults: list[Fault] = []
        self.whole = 0
        self._ended: dict[Key, int] = {}  # the line of each episode that came to an end of its own
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                self.faults.append(Fault(number, TORN, "torn"))
                return
            self.whole += len(line)
            try:
                self._take(number, line)
            except Damaged as fault:
                if number == 1:
                    raise LogError(f"{path} is no log that can be used: its first line is damaged: {fault}") from None
                self.faults.append(Fault(number, f"damaged: {fault}"))

    def _take(self, number: int, line: bytes) -> None:
        if number == 1:
            self.run = run_of(line)
            return
        assert self.run is not None
        if line.startswith(_SPENT):
            self.spent.append(_spent_of(line, self.run))
            return
        record = episode_of(line, self.run)
        why = _foreign(record, self.run)
        if why is not None:
            self.faults.append(Fault(number, f"foreign: {why}; it is left out", "foreign"))
        else:
            self._sort_in(number, record)

    def _sort_in(self, number: int, record: EpisodeRecord) -> None:
        """Keep a record if it says more than that which is there."""
        key = record["seed"], record["trial"]
        if ended(record):
            first = self._ended.setdefault(key, number)
            if first != number:
                what = f"doubled: the episode of seed {key[0]}, trial {key[1]} is in line {first} already"
                self.faults.append(Fault(number, f"{what}; the higher attempt counts, or else the first", "doubled"))
        before = self.latest.get(key)
        if before is None or _rank(record) > _rank(before):
            self.latest[key] = record


def ended(record: EpisodeRecord) -> bool:
    """Whether an episode came to an end of its own, and not to an outage."""
    return record["outcome"] != "infra_error"


def _rank(record: EpisodeRecord) -> tuple[bool, int]:
    """The higher of two records of an episode counts."""
    return ended(record), record["attempt"]


def _foreign(record: EpisodeRecord, run: Run) -> str | None:
    """Why an episode is none that the run plays; None if it is one."""
    index, seed, trial = record["index"], record["seed"], record["trial"]
    if not 0 <= index < run["count"]:
        return f"index {index} is none of the run's, which are 0 to {run['count'] - 1}"
    if not 0 <= trial < run["trials"]:
        return f"trial {trial} is none of the run's, which are 0 to {run['trials'] - 1}"
    if (seed - run["seed"]) * run["trials"] + trial != index:
        return (
            f"index {index} does not go with seed {seed} and trial {trial} in a run that begins at seed {run['seed']}"
        )
    return None


def _spent_of(line: bytes, run: Run) -> SpentRecord:
    made: dict[str, Any] = from_line(line)
    check_spent(made)
    if made["run"] != run["run"]:
        raise Damaged(f"it is of another run, {made['run'][:40]!r}")
    return made  # type: ignore[return-value]
