"""The log of a run: append-only lines, written so that no death of the program loses a finished episode.

A line is written whole by one call, at once: what `add` has taken survives a kill. A thread beside the run brings it
to the disk within a fifth of a second, and `sync` and `close` do so before they return.
"""

from __future__ import annotations

import contextlib
import os
import threading
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from crm_gym.errors import UsageError
from crm_gym.evaluation.lines import differences, to_line
from crm_gym.evaluation.log_file import LogError, cannot_write, lock, open_own, write_whole
from crm_gym.evaluation.log_reading import Fault, Key, Lines, Log, ended, log_of, read_log
from crm_gym.evaluation.records import EpisodeRecord, Run, SpentRecord
from crm_gym.evaluation.redact import Redactor

SYNC_SECONDS: Final = 0.2
"""How often lines are brought to the disk."""


class LogWarning(UserWarning):
    """A log has a line that is torn or damaged."""


class LogWriter:
    """Writes a log; one writer at a time, in any process.

    Args:
        path: The file; its folder is made if need be. Readable by its owner alone.
        run: The first line.
        resume: Go on with the log that is there; begin one if there is none.
        force: Replace the log that is there.
        redact: Takes secrets out of every line; if not given, those of this process's environment.

    Attributes:
        done: The record of every episode in the log that counts.
        spent: What was spent on episodes that were not finished.
        faults: Lines of the log gone on with that could not be used; each has been warned of.

    Raises:
        LogError: If there is a log already and neither `resume` nor `force` is said, if it is of another run, if
            somebody else writes to it, or if the file cannot be written.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        run: Run,
        *,
        resume: bool = False,
        force: bool = False,
        redact: Redactor | None = None,
    ) -> None:
        if resume and force:
            raise UsageError("resume goes on with the log that is there and force replaces it; say one of them")
        self.path = Path(path)
        self.done: dict[Key, EpisodeRecord] = {}
        self.spent: list[SpentRecord] = []
        self.faults: tuple[Fault, ...] = ()
        self._kept_faults: list[Fault] = []
        self._redact = redact or Redactor()
        self._size = self._synced = 0
        self._fd = open_own(self.path, may_be_there=resume or force)
        try:
            lock(self._fd, self.path)
            first, kept = to_line({"kind": "run", **run}, self._redact)
            self._run: Run = kept  # type: ignore[assignment]
            if force:
                self._replace()
            elif resume:
                self._go_on(first, kept)
            if not self._size:
                self._append(first)
                self._sync_folder()
            self.sync()
        except BaseException:
            os.close(self._fd)
            raise
        self._stop = threading.Event()
        self._fault: OSError | None = None
        self._thread = threading.Thread(target=self._keep_syncing, name="log-sync", daemon=True)
        self._thread.start()

    def add(self, record: EpisodeRecord) -> EpisodeRecord:
        """Write an episode's line.

        Args:
            record: The episode. One of a later attempt takes the place of an infra_error.

        Returns:
            The record as it stands in the log: without secrets, and with nothing that JSON cannot say.

        Raises:
            LogError: If it cannot be written: the log is as it was.
        """
        key = record["seed"], record["trial"]
        before = self.done.get(key)
        if before is not None and ended(before):
            raise LogError(f"{self.path} has the episode of seed {key[0]}, trial {key[1]} already")
        kept: Any = self._write(record)
        self.done[key] = kept
        return kept  # type: ignore[no-any-return]

    def add_spent(self, record: SpentRecord) -> None:
        """Write down what was spent on episodes that are not finished.

        Raises:
            LogError: If it cannot be written: the log is as it was.
        """
        kept: Any = self._write(record)
        self.spent.append(kept)

    def log(self) -> Log:
        """What the log holds now: what reading it would give."""
        return log_of(self.path, self._run, self.done, self._kept_faults, self.spent)

    def sync(self) -> None:
        """Bring to the disk what is written."""
        size = self._size
        if size != self._synced:
            try:
                os.fsync(self._fd)
            except OSError as fault:
                raise cannot_write(self.path, fault) from None
            self._synced = size

    def close(self) -> None:
        """Bring everything to the disk and let go of the file; twice is fine."""
        if self._fd < 0:
            return
        self._stop.set()
        self._thread.join()
        try:
            self.sync()
        finally:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> LogWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _write(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Write a record's line; the record as it stands there."""
        if self._fault is not None:
            raise cannot_write(self.path, self._fault)
        line, kept = to_line(record, self._redact)
        self._append(line)
        return kept

    def _append(self, line: bytes) -> None:
        """Write a line whole or not at all."""
        if self._fd < 0:
            raise LogError(f"{self.path} is closed")
        try:
            write_whole(self._fd, line)
        except OSError as fault:
            with contextlib.suppress(OSError):  # a part that stays is a torn line, and found out as such
                os.ftruncate(self._fd, self._size)
            raise cannot_write(self.path, fault) from None
        except BaseException:  # Ctrl-C between two parts
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(line)

    def _replace(self) -> None:
        """Empty the file; what is no log stays."""
        with open(os.dup(self._fd), "rb") as file:
            first = file.readline()
        if not (first == b"" or first.startswith(b'{"kind":"run",')):
            raise LogError(f"{self.path} is no log: it is not replaced; move it away first")
        os.ftruncate(self._fd, 0)

    def _go_on(self, first: bytes, run: Mapping[str, Any]) -> None:
        """Take over what is there, but for a torn line at its end."""
        with open(os.dup(self._fd), "rb") as file:
            found = Lines(self.path, file)
            file.seek(0)
            if found.run is None and not first.startswith(file.read()):
                raise LogError(f"{self.path} is no log of this run: it is not gone on with; give another path")
        if found.run is not None:
            unlike = differences(found.run, run)
            if unlike:
                raise LogError(f"{self.path} is of another run: {unlike}; give another path, or --force to replace it")
        self.faults = log_of(self.path, self._run, found.latest, found.faults, ()).faults
        for fault in self.faults:
            warnings.warn(f"{self.path}: {fault}", LogWarning, stacklevel=4)
        os.ftruncate(self._fd, found.whole)
        self.done, self.spent, self._size = found.latest, found.spent, found.whole
        self._kept_faults = [fault for fault in found.faults if fault.cause != "torn"]  # what was torn is off

    def _sync_folder(self) -> None:
        """A new file is there after a power cut only if its folder is on the disk, too."""
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _keep_syncing(self) -> None:
        while not self._stop.wait(SYNC_SECONDS):
            try:
                self.sync()
            except LogError as fault:
                self._fault = fault.__context__ if isinstance(fault.__context__, OSError) else OSError(str(fault))
                return


__all__ = ["SYNC_SECONDS", "Fault", "Key", "Log", "LogError", "LogWarning", "LogWriter", "read_log"]
