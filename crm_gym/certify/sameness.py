"""Whether two ends are the same but for the ids of new records: worked out without asking any judgement."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from crm_gym.certify.values import EndState
from crm_gym.journal import Change
from crm_gym.schema import TABLES
from crm_gym.tasks.goal import ChangeGoal, equal_values
from crm_gym.tasks.task import Task

_GIVEN_BY_CRM = {
    name: frozenset(at for at, column in enumerate(table.columns) if column.key or column.auto)
    for name, table in TABLES.items()
}
_ROUNDS = 4  # how far apart two new records may stand and still tell each other apart: client, deal, quote, note

Free = Mapping[str, frozenset[int]]
"""Table to the places of its new records that may hold anything."""


def shape(net: Mapping[str, Change], free: Free | None = None) -> tuple[str, ...]:
    """What a net change says, whatever the ids of its new records; equal for two that say the same.

    A new record is known by what it holds and by what hangs on it, found out in rounds.

    Args:
        net: Record id to net change.
        free: Places of new records that may hold anything.
    """
    new = {record: change for record, change in net.items() if change.before is None}
    names = dict.fromkeys(new, "new")
    for _ in range(_ROUNDS if new else 0):
        held = {record: _text(change, names, free) for record, change in new.items()}
        hung: dict[str, list[str]] = {record: [] for record in new}
        for change in net.values():
            for at, value in enumerate(change.after or ()):
                if value in hung and value != change.id:
                    hung[value].append(f"{at} {held.get(change.id, change.id)}")
        names = {record: _digest([held[record], *sorted(hung[record])]) for record in new}
    return tuple(sorted(_text(change, names, free) for change in net.values()))


def _text(change: Change, names: Mapping[str, str], free: Free | None) -> str:
    """A change with new ids replaced by the names found for them."""
    if change.after is None:
        return f"{change.table} {change.id} gone"
    blank: frozenset[int] = frozenset()
    if change.before is None:
        blank = _GIVEN_BY_CRM[change.table] | (free or {}).get(change.table, frozenset())
    values = [None if at in blank else _named(value, names) for at, value in enumerate(change.after)]
    return f"{change.table} {names.get(change.id, change.id)} {values!r}"


def _named(value: Any, names: Mapping[str, str]) -> Any:
    return names.get(value, value) if isinstance(value, str) else value


def _digest(parts: list[str]) -> str:
    return blake2b("\n".join(parts).encode(), digest_size=12).hexdigest()


def same_end(task: Task, end: EndState, right: EndState) -> bool:
    """Whether an end has the state and the report of the right one, though other calls have led there."""
    return shape(end.crm.journal.net) == shape(right.crm.journal.net) and _reports(end) == _reports(right)


def _reports(end: EndState) -> list[Any]:
    done = [result.call for result in end.results if result.ok and result.call is not None]
    return [call.arguments.get("answer") for call in done if call.tool == "respond"]


def truly_solved(task: Task, end: EndState, right: EndState) -> bool:
    """Whether an end is what the task asks for: the changes its solution makes, and its answer or refusal."""
    goal = task.goal
    free: dict[str, frozenset[int]] = {}
    if isinstance(goal, ChangeGoal):
        for one in goal.changes:
            if one.id is None:
                free[one.table] = free.get(one.table, frozenset()) | frozenset(one.free)
    if shape(end.crm.journal.net, free) != shape(right.crm.journal.net, free):
        return False
    answer = getattr(goal, "answer", None)
    if answer is not None:
        return any(answer.accepts(report) for report in _reports(end))
    if isinstance(goal, ChangeGoal):
        return True
    wanted = task.solution[0].arguments
    done = [result.call for result in end.results if result.ok and result.call is not None]
    return any(
        call.tool == "decline" and equal_values({name: call.arguments.get(name) for name in wanted}, wanted)
        for call in done
    )
