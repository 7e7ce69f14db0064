"""Whether a task can be solved from its request, its user and the CRM alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal
from typing import Any

from crm_gym.certify.known import Known, said
from crm_gym.certify.values import table_of
from crm_gym.tasks.answer import Answer, label
from crm_gym.tasks.goal import RefusalGoal
from crm_gym.tasks.plan import filled
from crm_gym.tasks.session import Session
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall

_PAGING = ("limit", "offset")
_NOT_KNOWN = "it is neither said nor shown"


def unreachable(task: Task, rows: Collection[str] = (), walk: Walk | None = None) -> list[str]:
    """What a solver needs and cannot know; empty if all is well.

    Args:
        task: The task.
        rows: Ids of the records that an answer is worked out from, for answers whose value does not
            itself stand in a record (counts, sums, mappings).
        walk: The walk to its end, if it has been made already.

    Returns:
        One sentence a value: those of the way there or the refused call that are neither said in the request or by
        the user nor shown by an earlier call, and answers the request gives away.
    """
    walk = walk or Walk(task)
    faults = list(walk.faults)
    goal = task.goal
    if isinstance(goal, RefusalGoal):
        faults += _unknown(walk.known, goal.call, _NOT_KNOWN)
    answer = getattr(goal, "answer", None)
    if answer is not None:
        faults += _answering(task, answer, walk.known, rows)
    return faults


class Walk:
    """The whole way to a task's end, walked by somebody who knows only what is said and shown.

    Args:
        task: The task.
        asking: Whether they ask the user.

    Attributes:
        known: What they know in the end.
        faults: What they would have had to know and did not.
        spoken: All that was said: the request and the user's answers.
        shown: The rows that each read has shown, ids first.
        replies: Topic and answer of every question.
        results: What came of the calls.
    """

    def __init__(self, task: Task, *, asking: bool = True) -> None:
        self.known = Known(task.request)
        self.spoken = task.request
        self.faults: list[str] = []
        self.shown: list[list[list[Any]]] = []
        self.replies: list[tuple[str, str]] = []
        self._session = Session(task.world.crm.fork("walk"), task.user)
        self.results = self._session.results
        choosing = False  # once a question is left out, what one looks up is a guess and shows nothing to be meant
        for call in task.demonstration:
            if TOOLS[call.tool].kind == "end":
                break
            if asking or TOOLS[call.tool].kind != "ask":
                self._take(call, choosing)
            else:
                choosing = True

    def _take(self, call: ToolCall, choosing: bool) -> None:
        kind = TOOLS[call.tool].kind
        if kind != "ask":  # what one asks about is one's own to choose
            reading = kind == "read"
            why = "a look-up cannot know it" if reading else _NOT_KNOWN
            self.faults += _unknown(self.known, filled(call, self._session.ids), why, any_case=reading)
        before = len(self._session.crm.journal.changes)
        result = self._session.play(call)
        if result.error is not None:
            self.faults.append(f"{call.tool} is refused: {result.error}")
        if kind != "write" and len(self._session.crm.journal.changes) != before:
            self.faults.append("a look-up changes something")
        if kind == "ask":
            if result.ok:
                self._hear(str(call.arguments["about"]), result.raw["user"])
            return
        value = result.value
        self.known.learn(value)
        if kind == "read" and isinstance(value, dict) and not choosing:
            self.shown.append([list(row.values()) for row in value.get("rows", (value,)) if row])

    def _hear(self, about: str, answer: str) -> None:
        self.replies.append((about, answer))
        self.spoken += "\n" + answer
        self.known.request = self.spoken


def _unknown(known: Known, request: ToolCall, why: str, *, any_case: bool = False) -> Iterator[str]:
    for name, value in leaves(request.arguments):
        if name in _PAGING or (any_case and value is None):
            continue
        loose = any_case or name == "entity_type"
        words = (value, "deal") if name == "entity_type" and value == "Opportunity" else (value,)  # people say deal
        if name == "entity_type" and known.shown(f"{value}_id".lower()):
            continue  # who has seen the record knows what it is
        if not any(said(known.request, word, any_case=loose) for word in words) and not known.shown(value):
            yield f"{request.tool} {name}={value!r}: {why}"


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every value inside arguments that holds no other, with the name it stands under."""
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from leaves(item, inner)
    elif isinstance(value, list):
        for item in value:
            yield from leaves(item, name)
    else:
        yield name, value


def _answering(task: Task, answer: Answer, known: Known, rows: Collection[str]) -> Iterator[str]:
    value = answer.value
    if _given_away(task, value):
        yield f"the request gives the answer {value!r} away"
    if isinstance(value, dict):
        worked_out = all((name, Decimal(str(number))) in known.pairs for name, number in value.items())
    else:
        worked_out = all(known.shown(item) for item in _list(value))
    derived = answer.give in ("count", "sum", "mapping") and bool(rows) and all(known.shown(row) for row in rows)
    if not (worked_out or derived):
        yield f"the look-ups show neither the answer {value!r} nor the records it follows from"


def _given_away(task: Task, value: Any) -> bool:
    """Whether all of the answer stands in the request."""
    if isinstance(value, dict):
        return all(said(task.request, item) for item in value.values())
    return all(_is_said(task, item) for item in _list(value))


def _is_said(task: Task, value: Any) -> bool:
    return any(said(task.request, way, any_case=True) for way in _ways_to_say(task, value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _ways_to_say(task: Task, value: Any) -> list[Any]:
    table = table_of(task.world.crm, value)
    name = label(task.world.crm.get(table, value)) if table else None
    return [value] if name is None else [value, name]
