"""Other values for a place, and the playing of calls: what all checks of a task share."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import label
from crm_gym.tasks.session import Session
from crm_gym.tasks.task import Task
from crm_gym.tools import ToolCall, ToolResult
from crm_gym.verify import Verdict, verify

NO_ID = "00000000-0000-4000-8000-000000000000"
"""An id that no CRM gives."""


@dataclass(frozen=True, slots=True)
class EndState:
    """A CRM at the end of an episode, and what the calls came to.

    Attributes:
        name: What is special about it.
        crm: A fork of the task's world; its journal holds what was done.
        results: The results of the calls that were made.
    """

    name: str
    crm: Crm
    results: tuple[ToolResult, ...] = ()

    def verdict(self, task: Task) -> Verdict:
        """What the task's judgement says of it."""
        return verify(task, self.crm.journal, self.results)


def play(task: Task, calls: Iterable[ToolCall], name: str = "played", crm: Crm | None = None) -> EndState:
    """Make the calls on a fork of the task's world, or on another CRM, with its user to ask."""
    session = Session(task.world.crm.fork(name) if crm is None else crm, task.user).play_all(calls)
    return EndState(name, session.crm, tuple(session.results))


class Trail:
    """The task's solution played call by call, to go on from any point of it in another way."""

    def __init__(self, task: Task) -> None:
        self.task, self.right = task, task.solution
        session = Session(task.world.crm.fork("played"), task.user)
        self._points = [_branched(session)]
        for request in self.right:
            session.play(request)
            self._points.append(_branched(session))

    @property
    def end(self) -> EndState:
        """The end that the solution comes to."""
        return EndState("played", self._points[-1].crm, tuple(self._points[-1].results))

    def play(self, calls: Sequence[ToolCall], name: str = "played") -> EndState:
        """The same as `play`, at the cost of the calls from the first that is not the solution's."""
        same = 0
        while same < min(len(calls), len(self.right)) and calls[same] == self.right[same]:
            same += 1
        session = _branched(self._points[same]).play_all(calls[same:])
        return EndState(name, session.crm, tuple(session.results))


def _branched(session: Session) -> Session:
    """The same moment of a session, to be played on by itself; of a session without questions so far."""
    other = Session(_copied(session.crm, None), None if session.user is None else session.user.script)
    other.results, other.ids = session.results.copy(), session.ids.copy()
    return other


def _copied(crm: Crm, seed: str | None) -> Crm:
    """A copy that remembers what has changed: for a verdict, which reads the journal; its hash is not right."""
    other = crm.fork(seed)
    other.journal.changes += crm.journal.changes
    other.journal.net.update(crm.journal.net)
    return other


def again(end: EndState, name: str) -> EndState:
    """The same end once more, to be taken further: for a verdict, not for a hash."""
    return EndState(name, _copied(end.crm, name), end.results)


def sampled(items: list[Any], most: int | None, seed: str) -> list[Any]:
    """At most so many of the items, in their order: the same for the same seed, others for another."""
    if most is None or len(items) <= most:
        return items
    return [items[at] for at in sorted(random.Random(seed).sample(range(len(items)), most))]


def nearest(crm: Crm, table: str, start: Row, without: Collection[str], most: int) -> list[Row]:
    """At most so many other rows of a table: first what hangs on the same records or has nearly the same name."""
    rest = others(crm, table, without)
    if len(rest) <= most:
        return rest
    refs = [at for at, column in enumerate(TABLES[table].columns) if column.ref is not None and start[at] is not None]
    word = first_word(start)
    near = [
        row
        for row in rest
        if any(row[at] == start[at] for at in refs) or (word is not None and first_word(row) == word)
    ][: most - most // 4]
    left = most - len(near)
    far = [row for row in rest if row not in near]
    return [*near, *far[:: max(1, len(far) // left)][:left]] if left else near


def first_word(row: Row) -> str | None:
    """The first word of the name a record is called by, in lower case."""
    return (label(row) or "").casefold().partition(" ")[0] or None


def table_of(crm: Crm, record: object) -> str | None:
    """The table that holds a record of that id, or None."""
    if not isinstance(record, str):
        return None
    return next((table for table in TABLES if crm.get(table, record) is not None), None)


def others(crm: Crm, table: str, without: Collection[str] = ()) -> list[Row]:
    """The rows of a table whose ids are not among `without`."""
    return [row for row in crm.find(table) if row[0] not in without]


def another(crm: Crm, schema: Mapping[str, Any], value: Any) -> Any:
    """Another plausible value for a place with that JSON Schema; never equal to `value`."""
    if "enum" in schema:
        members = schema["enum"]
        at = members.index(value) if value in members else -1
        return members[(at + 1) % len(members)]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float | Decimal):
        return value + 1 if value + 1 < schema.get("maximum", value + 2) else value - 1
    if isinstance(value, Mapping):
        return {}
    if isinstance(value, list | tuple) or schema.get("type") == "array":
        return [*(value or ()), "Ada Nowak"]
    if value is None:
        return _first_value(schema)
    return _another_text(crm, schema.get("format", ""), value)


def _first_value(schema: Mapping[str, Any]) -> Any:
    if schema.get("type") in ("number", "integer"):
        return 7
    return _TEXTS.get(schema.get("format", ""), "Something else")


_TEXTS = {
    "uuid": NO_ID,
    "date": "2031-05-06",
    "date-time": "2001-02-03T04:05:06Z",
    "email": "someone.else@elsewhere.example",
    "uri": "https://elsewhere.example/other.pdf",
}


def _another_text(crm: Crm, form: str, value: str) -> str:
    table = table_of(crm, value)
    if table is not None:
        rest = nearest(crm, table, crm.get(table, value), (value,), 1)
        return str(rest[0][0]) if rest else NO_ID
    if form == "date":
        try:
            return (date.fromisoformat(value) + timedelta(days=1)).isoformat()
        except ValueError:
            return value + "1"
    if form in ("uuid", "date-time"):
        return _TEXTS[form]
    if form == "uri":
        return value + "-2"
    return "x" + value if "." in value or form == "email" else value + " II"
