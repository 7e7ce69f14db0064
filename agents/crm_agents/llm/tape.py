"""The file of a cassette: one JSON line per answer, found again by the hash of its question."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
import warnings
from dataclasses import asdict
from typing import Any

from crm_agents.llm.chat import Call, ModelSettings, Reply, Request, Said, ToolSpec, Turn, User
from crm_agents.llm.faults import BadRequest, ModelFault, PassingFault, TooLong
from crm_gym import UsageError
from crm_gym.evaluation.account import Tokens

SCHEMA = 1
"""Version of the lines."""

_HEADER = {"kind": "cassette", "schema": SCHEMA}
_FAULTS: dict[str, type[ModelFault]] = {"PassingFault": PassingFault, "TooLong": TooLong, "BadRequest": BadRequest}
_MEANING = {
    "model": "the name of the model",
    "api": "the shape in which the model is asked",
    "settings": "the settings of the model (max_tokens, effort, strict, sampling)",
    "system": "the system prompt",
    "tools": "the tools",
    "schema": "the schema of the reply",
}


class CassetteWarning(UserWarning):
    """A line of a cassette is damaged or could not be written; the rest is used."""


def digest(value: Any) -> str:
    """32 hexadecimal digits of the hash of a JSON value."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:32]


class Keys:
    """Makes keys of questions: hashes of all that decides an answer; neither address nor key is in them.

    Args:
        settings: How the model is asked.
        api: The shape in which it is asked.
    """

    def __init__(self, settings: ModelSettings, api: str) -> None:
        asked = {
            "max_tokens": settings.max_tokens,
            "effort": settings.effort,
            "strict": settings.strict,
            "sampling": dict(settings.sampling),
        }
        self._about = {"model": settings.name, "api": api, "settings": digest(asked)}
        self._tools: tuple[tuple[ToolSpec, ...], str] | None = None

    def of(self, request: Request) -> tuple[str, dict[str, str]]:
        """The key of a question; and hashes of its parts, shortened, for finding out what differs."""
        whole = {
            **self._about,
            "system": digest(request.system),
            "tools": self._tools_of(request.tools),
            "schema": digest(request.schema),
        }
        key = digest([request.label, whole, [_plain(turn) for turn in request.turns]])
        parts = {name: value if name in ("model", "api") else value[:8] for name, value in whole.items()}
        return key, {**parts, "turn": str(len(request.turns))}

    def _tools_of(self, tools: tuple[ToolSpec, ...]) -> str:
        """Hash of the tools; they are most of a question, and always the same."""
        if self._tools is None or self._tools[0] is not tools:
            self._tools = tools, digest([[tool.name, tool.description, tool.schema] for tool in tools])
        return self._tools[1]


def _plain(turn: Turn) -> list[Any]:
    """A turn as it counts: what was said, not how long it took nor in which wrapping it came."""
    if isinstance(turn, User):
        return ["user", turn.text]
    if isinstance(turn, Said):
        calls = [[call.id, call.name, call.arguments] for call in turn.reply.calls]
        return ["said", turn.reply.text, calls, turn.reply.stop]
    return ["results", turn.text, [[one.call.id, one.text, one.refused] for one in turn.results]]


def reply_of(kept: Any) -> Reply:
    """A reply from its JSON."""
    if isinstance(kept, str):  # as `_answer` keeps what is no strict JSON
        kept = json.loads(kept)
    calls = tuple(Call(**call) for call in kept["calls"])
    return Reply(**{**kept, "calls": calls, "tokens": Tokens(**kept["tokens"])})


def fault_of(kept: dict[str, Any]) -> ModelFault:
    """A fault from its JSON."""
    tokens = None if kept.get("tokens") is None else Tokens(**kept["tokens"])
    return _FAULTS[kept["class"]](kept["kind"], kept["message"], kept["status"], kept["retry_after"], tokens)


def _answer(answer: Reply | ModelFault) -> dict[str, Any]:
    if isinstance(answer, ModelFault):
        said = {name: getattr(answer, name) for name in ("kind", "message", "status", "retry_after")}
        took = None if answer.tokens is None else asdict(answer.tokens)
        return {"fault": {"class": type(answer).__name__, **said, "tokens": took}}
    made = asdict(answer)
    try:
        json.dumps(made, allow_nan=False)
    except ValueError:  # a model wrote NaN: the line stays strict JSON, with the reply as a text in it
        return {"reply": json.dumps(made)}
    return {"reply": made}


class Tape:
    """The file; read at its first use, and kept open.

    Every answer is written at once, whole, at the end: whoever dies leaves all lines but the one being written, and a
    torn one is taken off when the file is opened again. Several processes may write to one file.

    Args:
        path: Where it is.
        writing: Whether to make the file if need be, and to add to it.
    """

    def __init__(self, path: str | os.PathLike[str], *, writing: bool) -> None:
        self.path, self.writing = os.fspath(path), writing
        self._fd: int | None = None
        self._places: dict[str, list[tuple[int, int]]] = {}
        self._parts: dict[tuple[str, str], dict[str, str]] = {}  # by label and number of turns

    def entry(self, key: str, number: int) -> dict[str, Any] | None:
        """The answer with that number to a question, or the last one; None if there is none."""
        fd = self.open()
        places = self._places.get(key)
        if not places:
            return None
        start, size = places[min(number, len(places) - 1)]
        made: dict[str, Any] = json.loads(os.pread(fd, size, start))
        return made

    def reply(self, key: str) -> Any:
        """The last reply to a question, None if there is none (or nothing but faults)."""
        self.open()
        for number in reversed(range(len(self._places.get(key, ())))):
            made = self.entry(key, number)
            if made is not None and "reply" in made:
                return made["reply"]
        return None

    def add(self, key: str, label: str, parts: dict[str, str], answer: Reply | ModelFault) -> None:
        """Write an answer down."""
        fd = self.open()
        try:
            line = _line({"key": key, "label": label, "parts": parts, **_answer(answer)})
        except RecursionError:
            text = f"a reply to {label!r} is nested too deep to be kept; a replay will not find it"
            warnings.warn(text, CassetteWarning, stacklevel=3)
            return
        with _Locked(fd):
            start = os.lseek(fd, 0, os.SEEK_END)
            try:
                _write_all(fd, line)
            except OSError as fault:
                os.ftruncate(fd, start)
                raise UsageError(f"{self.path} cannot be written: {fault.strerror}; make room and go on") from None
        self._places.setdefault(key, []).append((start, len(line)))

    def missed(self, parts: dict[str, str], label: str) -> str:
        """Why a question may not be on the file."""
        self.open()
        same = f"the cassette {self.path} holds no answer to question {int(parts['turn']) // 2 + 1} of {label!r}: "
        again = "; record again with cassette=record, or replay what was recorded"
        known = self._parts.get((label, parts["turn"]))
        if known is None:
            labels = {name for name, _ in self._parts}
            if label in labels:
                return same + "the recording is shorter: it broke off there, or went another way before" + again
            return same + f"nothing of {label!r} was recorded ({len(labels):,} others were)" + again
        differ = [meaning for part, meaning in _MEANING.items() if known.get(part) != parts[part]]
        return same + (" and ".join(differ) or "what was said before") + " differs from the recording" + again

    def close(self) -> None:
        """Let go of the file; twice is fine."""
        if self._fd is not None:
            if self.writing:
                os.fsync(self._fd)
            os.close(self._fd)
            self._fd = None

    def open(self) -> int:
        """Open and read the file, if it is not open already; its descriptor."""
        if self._fd is not None:
            return self._fd
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND if self.writing else os.O_RDONLY
        try:
            fd = os.open(self.path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        except OSError as fault:
            hint = "give another path" if self.writing else "record one first with cassette=record"
            raise UsageError(f"the cassette {self.path} cannot be opened: {fault.strerror}; {hint}") from None
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise UsageError(f"the cassette {self.path} is no plain file; give another path")
            with _Locked(fd):
                self._load(fd)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return fd

    def _load(self, fd: int) -> None:
        self._places, self._parts = {}, {}
        start, faults = 0, 0
        with open(fd, "rb", closefd=False) as file:
            file.seek(0)
            for number, line in enumerate(file):
                if not line.endswith(b"\n"):
                    break
                made = _read(line)
                if number == 0:
                    self._check_header(made)
                elif made is None:
                    faults += 1
                else:
                    self._places.setdefault(made["key"], []).append((start, len(line)))
                    self._parts[made["label"], made["parts"]["turn"]] = made["parts"]
                start += len(line)
        if faults:
            text = f"the cassette {self.path} has {faults:,} damaged lines, which are left out"
            warnings.warn(text, CassetteWarning, stacklevel=5)
        if self.writing:
            os.ftruncate(fd, start)
            if start == 0:
                _write_all(fd, _line(_HEADER))

    def _check_header(self, made: Any) -> None:
        if not isinstance(made, dict) or made.get("kind") != "cassette":
            raise UsageError(f"{self.path} is no cassette: its first line does not say so; give another path")
        if made["schema"] > SCHEMA:
            raise UsageError(f"{self.path} has schema {made['schema']}; this version reads up to {SCHEMA}")


def _line(made: dict[str, Any]) -> bytes:
    """A line of strict ASCII JSON with its checksum in front."""
    text = json.dumps(made, allow_nan=False, separators=(",", ":"))
    return f'{{"check":"{_check(text)}",{text[1:]}\n'.encode("ascii")


def _read(line: bytes) -> dict[str, Any] | None:
    """The values of a line, None if it is damaged."""
    try:
        made: dict[str, Any] = json.loads(line)
        text = "{" + line[28:-1].decode("ascii")  # after {"check":"16 digits",
        return made if made.pop("check") == _check(text) else None
    except (ValueError, KeyError, AttributeError, RecursionError):
        return None


def _check(text: str) -> str:
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


def _write_all(fd: int, line: bytes) -> None:
    while line:
        line = line[os.write(fd, line) :]


class _Locked:
    """A file that is ours alone while a line is written."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __enter__(self) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self.fd, fcntl.LOCK_UN)
