"""Calls in another order: where that is lawful, and with the numbers of new records kept right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from crm_gym.tasks.plan import id_made, new, number_of_new
from crm_gym.tasks.session import Session
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall

Way = list[ToolCall]


@dataclass(frozen=True, slots=True)
class _Done:
    """What a call has to do with: the record ids it names, those it writes, and the new record it makes."""

    call: ToolCall
    named: frozenset[str]
    written: frozenset[str]
    made: str | None

    def depends_on(self, other: _Done) -> bool:
        """Whether it may matter which of the two is made first."""
        return bool(self.written & (other.written | other.named) or other.written & self.named)


def backwards(task: Task) -> Way:
    """The task's solution as far back to front as what builds on what allows; what ends the episode stays last."""
    calls = [call for call in task.solution if TOOLS[call.tool].kind != "end"]
    ends = [call for call in task.solution if TOOLS[call.tool].kind == "end"]
    done = _played(task, calls)
    left = list(done)
    ordered: list[_Done] = []
    while left:
        free = [one for at, one in enumerate(left) if not any(one.depends_on(earlier) for earlier in left[:at])]
        ordered.append(free[-1])
        left.remove(free[-1])
    before = [one.made for one in done if one.made is not None]
    after = [one.made for one in ordered if one.made is not None]
    places = {number: after.index(made) for number, made in enumerate(before)}
    return [*(renumbered(one.call, lambda number: places.get(number, number)) for one in ordered), *ends]


def _played(task: Task, calls: Way) -> list[_Done]:
    session = Session(task.world.crm.fork("order"), task.user)
    done = []
    for request in calls:
        before = len(session.crm.journal.changes)
        result = session.play(request)
        changes = session.crm.journal.changes[before:]
        written = {change.id for change in changes}
        if any(change.table == "Client" for change in changes):
            written.add("a client's e-mail")  # which only one client may have
        arguments = result.call.arguments if result.call is not None else {}
        made = id_made(request.tool, result.raw, result.error)
        done.append(_Done(request, frozenset(_texts(arguments)), frozenset(written), made))
    return done


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)
    elif isinstance(value, str):
        yield value


def shifted(call: ToolCall, step: int) -> ToolCall:
    """The call as it stands in a plan where so many more records are made before all others."""
    return renumbered(call, lambda number: number + step)


def renumbered(call: ToolCall, place: Callable[[int], int]) -> ToolCall:
    """The call with every new record named by another number."""
    return ToolCall(call.tool, {name: _renumbered(value, place) for name, value in call.arguments.items()})


def _renumbered(value: Any, place: Callable[[int], int]) -> Any:
    if isinstance(value, Mapping):
        return {name: _renumbered(item, place) for name, item in value.items()}
    if isinstance(value, list):
        return [_renumbered(item, place) for item in value]
    number = number_of_new(value)
    return value if number is None else new(place(number))
