"""Goals: what makes an episode a success. Each is data; `verify` decides by it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from typing import Any, TypeAlias

from crm_gym.journal import Change
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.plan import number_of_new
from crm_gym.tools import ToolCall, ToolResult

_REFS = {
    name: tuple(at for at, column in enumerate(table.columns) if column.ref is not None)
    for name, table in TABLES.items()
}


def _nothing(row: Row) -> None:
    """What must be equal where everything is free."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One net change that must have come about.

    Attributes:
        table: The table.
        id: The record, None for a new one.
        row: The row afterwards, with anything in its free places; None if it must be gone. "@new:k" stands for
            the id of the new record with that number.
        free: Places of the row (column numbers) that may hold anything.
        number: Which of the goal's new records this is, from 0; None for one that stands already.
    """

    table: str
    id: str | None
    row: Row | None
    free: tuple[int, ...] = ()
    number: int | None = None
    links: tuple[tuple[int, int], ...] = field(init=False, repr=False, compare=False)
    _pick: Callable[[Row], Any] | None = field(init=False, repr=False, compare=False)
    _wanted: Any = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        row: Any = self.row or ()
        links = [(at, number_of_new(row[at])) for at in _REFS[self.table] if row and at not in self.free]
        object.__setattr__(self, "links", tuple((at, number) for at, number in links if number is not None))
        # What must be equal, picked at C speed: a verdict is due after every write.
        open_ = {*self.free, *(place for place, _ in self.links)}
        fixed = [i for i in range(len(self.row)) if i not in open_] if self.row and open_ else []
        together = bool(fixed) and len(fixed) == fixed[-1] - fixed[0] + 1
        places = [slice(fixed[0], fixed[-1] + 1)] if together else fixed
        pick: Callable[[Row], Any] | None = itemgetter(*places) if places else _nothing if open_ else None
        object.__setattr__(self, "_pick", pick)
        object.__setattr__(self, "_wanted", pick(self.row) if pick else self.row)

    def met_by(self, change: Change) -> bool:
        """Whether a net change is this one, whatever its links to new records lead to."""
        table, record, before, after = change
        if table != self.table or (before is not None if self.id is None else record != self.id):
            return False
        if self._pick is None or after is None:
            return bool(after == self.row)
        return bool(self._pick(after) == self._wanted)

    def linked_by(self, change: Change, new: Mapping[int, str]) -> bool:
        """Whether the links of a net change that meets this lead to the new records with those ids."""
        row = change.after
        return not self.links or (row is not None and all(row[place] == new.get(k) for place, k in self.links))


@dataclass(frozen=True, slots=True)
class ChangeGoal:
    """The net change is exactly this, and what was to be reported is.

    Attributes:
        changes: What must have changed; what leaves least open comes first, so that it is matched first.
        answer: What must be reported with `respond` besides, if anything.
        plain: Whether the changes alone decide, each by itself.
    """

    changes: tuple[Expected, ...]
    answer: Answer | None = None
    plain: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A new record before those that are linked to it, then what leaves least open.
        ordered = sorted(self.changes, key=lambda change: (_latest(change), len(change.free)))
        object.__setattr__(self, "changes", tuple(ordered))
        linked = any(change.links for change in ordered)
        object.__setattr__(self, "plain", self.answer is None and not linked)

    def heard(self, result: ToolResult) -> bool:
        """Whether the result is the right report, given; without one, only the state counts."""
        return self.answer is not None and _answers(self.answer, result)


def _latest(change: Expected) -> int:
    """The highest number among the new records a change is linked to; -1 without any."""
    return max((number for _, number in change.links), default=-1)


def _answers(answer: Answer, result: ToolResult) -> bool:
    call = result.call
    return result.ok and call is not None and call.tool == "respond" and answer.accepts(call.arguments.get("answer"))


@dataclass(frozen=True, slots=True)
class AnswerGoal:
    """The right answer is given with `respond`, and nothing is changed."""

    answer: Answer

    def heard(self, result: ToolResult) -> bool:
        """Whether the result is the right answer, given."""
        return _answers(self.answer, result)


@dataclass(frozen=True, slots=True)
class RefusalGoal:
    """The request is turned down for the right reason, and nothing is changed.

    Attributes:
        code: The code of the refusal.
        field: The argument at fault.
        call: The call that the CRM refuses.
        attempt: False: `decline` with code and field is success. True: the refused call itself is.
    """

    code: str
    field: str
    call: ToolCall
    attempt: bool = False

    def heard(self, result: ToolResult) -> bool:
        """Whether the result is the request turned down, or the attempt refused."""
        call, error = result.call, result.error
        if call is None:
            return False
        if not self.attempt:
            return (
                error is None
                and call.tool == "decline"
                and call.arguments.get("code") == self.code
                and self._means(call.arguments.get("field"))
            )
        return (
            error is not None
            and (error.code, error.field) == (self.code, self.field)
            and call.tool == self.call.tool
            and equal_values(call.arguments, self.call.arguments)
        )

    def _means(self, field: Any) -> bool:
        """Whether that names the field: as in the schema, or with its place, as in updates.stage."""
        return isinstance(field, str) and field.strip().rpartition(".")[2] == self.field


Goal: TypeAlias = ChangeGoal | AnswerGoal | RefusalGoal


def equal_values(a: Any, b: Any) -> bool:
    """Whether two JSON values are equal: 25 and 25.0 are, 1 and true are not, nor are texts and numbers."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(equal_values(value, b[name]) for name, value in a.items())
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(equal_values(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, int | float | Decimal) and isinstance(b, int | float | Decimal):
        return a == b
    return type(a) is type(b) and bool(a == b)
