"""From a draft to a task: what a family of tasks writes down, and how it is compiled.

A family says what is to be achieved, what is to be preserved and what is free, and gives the calls that lead there.
The calls are played on a fork of the world; the net change they leave is what the task expects. That change must be
what the family says it achieves and must not touch what it says is preserved, so that a slip in the one shows in the
other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from crm_gym.errors import TaskError
from crm_gym.journal import Change
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import Answer, Query
from crm_gym.tasks.dialogue import Script
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, Expected, Goal, RefusalGoal
from crm_gym.tasks.plan import new
from crm_gym.tasks.session import Session
from crm_gym.tasks.world import World
from crm_gym.tools import ToolCall


@dataclass(frozen=True, slots=True)
class Achieve:
    """One thing that must be so in the end, said without the calls that make it so.

    Attributes:
        table: The table.
        id: The record; None for a new one.
        fields: Its fields as the tools take them; empty means that the record must be gone.
    """

    table: str
    id: str | None
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """What the CRM must refuse: the call, and why."""

    code: str
    field: str
    call: ToolCall


@dataclass(slots=True)
class Draft:
    """A task as its family writes it.

    Attributes:
        request: What is asked.
        calls: The calls that matter, in order; empty for tasks that only ask or must be refused.
        lookups: Reads that show what the calls need and the request does not say.
        path: The whole way, if it is not the look-ups and then the calls: dialogues, or reads between writes.
        achieve: What must be so in the end; every record that changes is in it.
        preserve: Ids of records that must stay as they are although they look as if they were meant.
        free: Table to fields of its new records that may hold anything.
        answer: What must be answered, or reported besides the changes.
        refused: What must be turned down.
        user: Who answers questions.
        selections: Descriptions in the request by which records are meant, each as a query: "every open deal of
            Priya's", "the quote with the highest amount". All that it finds must be used.
    """

    request: str
    calls: list[ToolCall] = field(default_factory=list)
    lookups: list[ToolCall] = field(default_factory=list)
    path: list[ToolCall] = field(default_factory=list)
    achieve: list[Achieve] = field(default_factory=list)
    preserve: list[str] = field(default_factory=list)
    free: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    answer: Answer | None = None
    refused: Refused | None = None
    user: Script | None = None
    selections: list[Query] = field(default_factory=list)


def goal_of(draft: Draft, world: World) -> Goal:
    """What makes an episode of the draft a success.

    Raises:
        TaskError: If its calls are refused, do nothing, do not achieve what it says or touch what it preserves.
    """
    if draft.refused is not None:
        return _refusal(draft.refused, world)
    if not draft.calls:
        if draft.answer is None:
            raise TaskError("a draft needs calls, an answer or a refusal")
        return AnswerGoal(draft.answer)
    return ChangeGoal(expected_of(draft, world), draft.answer)


def solution_of(draft: Draft) -> tuple[ToolCall, ...]:
    """The calls that matter, with the one that answers or declines at the end."""
    if draft.refused is not None:
        return (ToolCall("decline", {"code": draft.refused.code, "field": draft.refused.field}),)
    report = () if draft.answer is None else (ToolCall("respond", {"answer": draft.answer.value}),)
    return (*draft.calls, *report)


def path_of(draft: Draft) -> tuple[ToolCall, ...]:
    """The whole way, where it is not the look-ups and then the solution; else nothing."""
    if not draft.path:
        return ()
    return (*draft.path, *solution_of(draft)[len(draft.calls) if draft.refused is None else 0 :])


def _refusal(refused: Refused, world: World) -> RefusalGoal:
    session = Session(world.crm.fork("refused"))
    error = session.play(refused.call).error
    if error is None or (error.code, error.field) != (refused.code, refused.field):
        raise TaskError(f"{refused.call.tool} must be refused with {refused.code} of {refused.field}; got {error}")
    return RefusalGoal(refused.code, refused.field, refused.call)


def expected_of(draft: Draft, world: World) -> tuple[Expected, ...]:
    """The net change that the draft's calls leave, as expectations, checked against what it says.

    Raises:
        TaskError: See `goal_of`.
    """
    session = Session(world.crm.fork("compiled"))
    for request in draft.calls:
        error = session.play(request).error
        if error is not None:
            raise TaskError(f"the solution's {request.tool} is refused: {error.code} of {error.field}: {error}")
    net = session.crm.journal.net
    made = {record: number for number, record in enumerate(session.ids)}
    if not net:
        raise TaskError("the solution changes nothing")
    _check_preserved(draft, net)
    _check_achieved(draft, net, made)
    return tuple(_expected(change, made, draft.free.get(change.table, ())) for change in net.values())


def _expected(change: Change, made: Mapping[str, int], free: tuple[str, ...]) -> Expected:
    if change.after is None:
        return Expected(change.table, change.id, None)
    columns = TABLES[change.table].columns
    row: Row = change.after._make(new(made[v]) if v.__class__ is str and v in made else v for v in change.after)
    if change.before is not None:
        return Expected(change.table, change.id, row)
    places = tuple(at for at, column in enumerate(columns) if column.key or column.auto or column.name in free)
    return Expected(change.table, None, row, places, made[change.id])


def _check_preserved(draft: Draft, net: Mapping[str, Change]) -> None:
    for record in draft.preserve:
        if record in net:
            raise TaskError(f"the solution touches {net[record].table} {record}, which must be preserved")


def _check_achieved(draft: Draft, net: Mapping[str, Change], made: Mapping[str, int]) -> None:
    left = dict(net)
    for aim in draft.achieve:
        found = next((key for key, change in left.items() if _achieves(aim, change, made)), None)
        if found is None:
            raise TaskError(f"the solution does not achieve {aim.table} {aim.id or 'new'} {dict(aim.fields)}")
        del left[found]
    for change in left.values():
        if change.after is not None or not draft.achieve:  # what is deleted takes others with it
            raise TaskError(f"the solution changes {change.table} {change.id}, of which nothing is said")


def _achieves(aim: Achieve, change: Change, made: Mapping[str, int]) -> bool:
    if aim.table != change.table or (aim.id != change.id if aim.id else change.before is not None):
        return False
    if change.after is None or not aim.fields:
        return change.after is None and not aim.fields
    return all(_same(getattr(change.after, name), value, made) for name, value in aim.fields.items())


def _same(held: Any, wanted: Any, made: Mapping[str, int]) -> bool:
    if isinstance(held, Decimal):
        return bool(held == Decimal(str(wanted)))
    if isinstance(held, tuple):
        return list(held) == list(wanted)
    if held in made and wanted == new(made[held]):
        return True
    return bool(held == wanted)
