"""A file of opinions beside a log: lines of JSON, each with a hash of itself; the log is never touched."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from crm_agents.judge.case import case_of
from crm_agents.judge.grades import Opinion
from crm_agents.judge.judge import Judge
from crm_agents.judge.licence import Licence
from crm_gym import UsageError
from crm_gym.evaluation.lines import Damaged, from_line, to_line
from crm_gym.evaluation.log import Log
from crm_gym.evaluation.records import EpisodeRecord, Run
from crm_gym.evaluation.redact import Redactor
from crm_gym.evaluation.report.said import fingerprint

SCHEMA = 2
AGAIN = ("outage", "fault")
"""Why there was no grade, where another time there may be one."""

Key: TypeAlias = tuple[int, int, int]
"""What names an episode as it was played: its seed, its trial and the attempt."""


def key_of(record: Mapping[str, Any]) -> Key:
    """What an opinion and the episode it is about have in common."""
    return record["seed"], record["trial"], record["attempt"]


def shown(record: EpisodeRecord) -> str:
    """16 hexadecimal digits of a hash of all that a judge is shown of an episode: another one is to be judged anew."""
    return _hash(json.dumps(case_of(record).as_json(), sort_keys=True))


class Opinions:
    """The file that a judge's opinions on a run are added to; readable by its owner alone.

    One that is there is gone on with, if it is of the same run and judge. It is never what a link points to.

    Args:
        path: The file.
        run: The run's first line.
        judge: Whose opinions they are.
        licence: What they are worth.
        redact: Takes secrets out of every line; if not given, those of this process's environment.

    Attributes:
        done: The episodes there is an opinion on, or will never be one, and the hash of what it is about (`shown`).

    Raises:
        UsageError: If the file cannot be written, or is something else.
    """

    def __init__(self, path: Path, run: Run, judge: Judge, licence: Licence, redact: Redactor | None = None) -> None:
        self.path, self.run, self.licence = path, run["run"], licence
        self._redact = redact or Redactor()
        self.done: dict[Key, str] = {}
        self._fd = _open(path)
        try:
            self._begin(_header(run, judge, licence))
        except BaseException:
            os.close(self._fd)
            raise

    def add(self, record: EpisodeRecord, opinion: Opinion) -> dict[str, Any]:
        """Write an opinion on an episode; returns the line as it stands there."""
        line: dict[str, Any] = {
            "kind": "opinion",
            "run": self.run,
            **{name: record[name] for name in ("index", "task", "seed", "trial", "attempt")},
            "text": fingerprint(record),
            "case": shown(record),
            "grade": opinion.grade,
            "reason": opinion.reason,
            "why": opinion.why,
            "calibrated": self.licence.covers(opinion.model),
            "model": opinion.model,
            "tokens": opinion.tokens.as_json(),
            "latency": opinion.latency,
        }
        written, kept = to_line(line, self._redact)
        self._write(written)
        self.done[key_of(record)] = line["case"]
        return dict(kept)

    def close(self) -> None:
        """Bring everything to the disk and let go of the file; twice is fine."""
        if self._fd >= 0:
            try:
                os.fsync(self._fd)
            finally:
                os.close(self._fd)
                self._fd = -1

    def _begin(self, header: dict[str, Any]) -> None:
        """Take over what is there, or write the first line."""
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(f"{self.path} is being written to by somebody else") from None
        with open(os.dup(self._fd), "rb") as file:
            whole = file.read()
        text = whole[: whole.rfind(b"\n") + 1]
        if whole and not whole.startswith(b'{"kind":"opinions",'):
            raise UsageError(f"{self.path} holds something else than opinions; give another path")
        if not text:
            os.ftruncate(self._fd, 0)  # a first line that was torn
            self._write(to_line(header, self._redact)[0])
            return
        there, *lines = _lines(self.path, text)
        for name, value in header.items():
            if there.get(name) != value:
                raise UsageError(f"{self.path} holds opinions of another {_OF[name]}; give another path")
        os.ftruncate(self._fd, len(text))  # a torn last line is left out
        latest = {key_of(line): line for line in lines}
        self.done = {key: line["case"] for key, line in latest.items() if line["why"] not in AGAIN}

    def _write(self, line: bytes) -> None:
        size = os.fstat(self._fd).st_size
        try:
            if os.write(self._fd, line) != len(line):
                raise OSError(0, "the disk is full")
        except OSError as fault:
            os.ftruncate(self._fd, size)
            raise UsageError(f"{self.path} cannot be written: {fault.strerror}") from None


_OF = {
    "kind": "kind",
    "schema": "version",
    "run": "run",
    "judge": "judge",
    "prompt": "judge's prompt",
    "settings": "judge's settings",
    "calibrated": "standing of the judge",
    "reasons": "standing of the judge",
    "gate": "gate",
}


def read_opinions(path: str | os.PathLike[str], logs: Iterable[Log] | None = None) -> list[dict[str, Any]]:
    """The opinions in a file, the latest on each episode: run, seed, trial, grade, reason and more.

    Args:
        path: The file.
        logs: If given, an opinion on what is in none of these logs, or reads another way there, is left out.

    Raises:
        UsageError: If there is no such file, or it holds something else.
    """
    where = Path(path)
    try:
        text = where.read_bytes()
    except OSError as fault:
        raise UsageError(f"{where} cannot be read: {fault.strerror}") from None
    found = list(_lines(where, text[: text.rfind(b"\n") + 1]))
    if not found:
        raise UsageError(f"{where} holds no opinions")
    latest = {key_of(line): line for line in found[1:]}
    if logs is None:
        return list(latest.values())
    ours = [record for log in logs if log.run["run"] == found[0]["run"] for record in log.episodes]
    there = {(key_of(record), shown(record)) for record in ours if key_of(record) in latest}
    return [line for key, line in latest.items() if (key, line.get("case")) in there]


def _lines(path: Path, text: bytes) -> Iterator[dict[str, Any]]:
    """The first line, and every opinion that is as it was written."""
    first, *rest = text.splitlines(keepends=True) or [b""]
    try:
        header = from_line(first)
    except Damaged as fault:
        raise UsageError(f"{path} holds no opinions: its first line is damaged: {fault}") from None
    if header.get("kind") != "opinions":
        raise UsageError(f"{path} holds something else than opinions")
    yield header
    for line in rest:
        try:
            made = from_line(line)
        except Damaged:
            continue  # counts as not judged
        if made.get("kind") == "opinion" and made.get("run") == header["run"]:
            yield made


def _header(run: Run, judge: Judge, licence: Licence) -> dict[str, Any]:
    return {
        "kind": "opinions",
        "schema": SCHEMA,
        "run": run["run"],
        "judge": judge.model,
        "prompt": judge.prompt,
        "settings": judge.describe(),
        "calibrated": licence.calibrated,
        "reasons": list(licence.reasons),
        "gate": licence.gate.model_dump(),
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(path, flags, 0o600)
    except OSError as fault:
        raise UsageError(f"{path} cannot be written: {fault.strerror}; give another path") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise UsageError(f"{path} is no file; give another path")
    return fd
