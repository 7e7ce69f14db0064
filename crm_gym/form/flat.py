"""The forms as tables, for many forms at once: one row for each line of each form, one after the other.

A form whose lines are all done stands at one more row; after those of all forms comes `CLOSED`, where no form is open.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crm_gym.form.desk import literal_mask, takes_names
from crm_gym.form.formline import FIELD_NUMBER
from crm_gym.form.layout import MAX_PICKS, Form, Slot, layout

_PLAN = layout()
_NEVER = 1_000
Numbers = npt.NDArray[np.int64]
Truths = npt.NDArray[np.bool_]

KINDS = len(_PLAN.kinds)
TOOLS_ROW, NOTHING_ROW = KINDS, KINDS + 1
"""Rows of the masks by kinds that are of no kind: the tools, and none at all."""

LITERALS: Truths = np.array([literal_mask(kind.number) for kind in _PLAN.kinds])
"""Which literals each kind takes."""

NAMED = sum(
    1 << slot.kind
    for slot in {slot.kind: slot for form in _PLAN.forms for slot in form.slots}.values()
    if takes_names(slot)
)
"""Kinds that take the name of a field itself, a bit each."""


NAMES_ALONE: Truths = np.array([[NAMED >> kind.number & 1] for kind in _PLAN.kinds], np.bool_)
"""Whether each kind does, (kinds, 1)."""


class _Row(NamedTuple):
    """One line of one form; see the constants below."""

    head: tuple[int, ...]
    kind_row: int
    line: int
    many: bool
    least: int
    need: int
    optional: bool
    free: bool
    later: int
    group: int
    nullable: bool
    names: bool
    bit: int
    filled: float


def _line(form: Form, tool: int, line: int, slot: Slot) -> _Row:
    rest = form.slots[line + 1 :]
    later = [form.slots[place] for place in form.group if place > line]
    blocked = any(one.required for one in rest)
    return _Row(
        head=(tool + 1, line + 1, FIELD_NUMBER[slot.name], slot.kind + 1, slot.required, slot.many),
        kind_row=slot.kind,
        line=line,
        many=slot.many,
        least=slot.least,
        need=_NEVER if blocked else slot.least if slot.required else 0,
        optional=not slot.required,
        free=not slot.nested or any(one.nullable for one in later),
        later=sum({1 << one.kind for one in later}),
        group=_group(form),
        nullable=slot.nullable,
        names=takes_names(slot),
        bit=1 << slot.kind,
        filled=line / (len(form.slots) + 1),
    )


def _done(form: Form, tool: int) -> _Row:
    lines = len(form.slots)
    return _Row(
        head=(tool + 1, lines + 1, 0, 0, 0, 0),
        kind_row=NOTHING_ROW,
        line=lines,
        many=False,
        least=_NEVER,
        need=0,
        optional=False,
        free=False,
        later=0,
        group=_group(form),
        nullable=False,
        names=False,
        bit=0,
        filled=lines / (lines + 1),
    )


def _group(form: Form) -> int:
    """The lines of which one must be filled, a bit each."""
    return sum(1 << place for place in form.group)


def _rows() -> Iterator[_Row]:
    for tool, form in enumerate(_PLAN.forms):
        yield from (_line(form, tool, line, slot) for line, slot in enumerate(form.slots))
        yield _done(form, tool)
    yield _Row((0,) * 6, TOOLS_ROW, 0, False, _NEVER, _NEVER, False, False, 0, 0, False, False, 0, 0.0)


_ROWS = tuple(_rows())


def _column(name: str, dtype: Any = np.int64) -> npt.NDArray[Any]:
    return np.array([getattr(row, name) for row in _ROWS], dtype)


CLOSED = len(_ROWS) - 1

FIRST: Numbers = np.cumsum([0, *(len(form.slots) + 1 for form in _PLAN.forms[:-1])])
"""Where each tool's form begins."""

HEAD = _column("head", np.int32)
"""What the form's line of numbers shows: tool, line, argument, takes, required, many."""

KIND_ROW: Numbers = _column("kind_row")
"""The row of the masks by kinds that says what can be pointed at."""

LINE: Numbers = _column("line")
"""Which line of its form it is."""

MANY: Truths = _column("many", np.bool_)
"""Whether it takes several items."""

LEAST: Numbers = _column("least")
"""Of a list, the fewest items."""

NEED: Numbers = _column("need")
"""How many picks it must hold for the form to be complete; of a line that others must follow, more than it can."""

OPTIONAL: Truths = _column("optional", np.bool_)
"""Whether it may be left alone."""

FREE: Truths = _column("free", np.bool_)
"""Whether, as far as the group goes, it may be left alone whatever is there to point at."""

LATER: Numbers = _column("later")
"""Kinds of the lines after it that could fill the group in its stead, a bit each."""

GROUP: Numbers = _column("group")
"""Lines of its form of which one must be filled, a bit each."""

UNGROUPED: Truths = GROUP == 0
"""Whether its form has no such lines."""

NULLABLE: Truths = _column("nullable", np.bool_)
"""Whether it can be emptied."""

NAMES: Truths = _column("names", np.bool_)
"""Whether it takes the name of a field."""

BIT: Numbers = _column("bit")
"""Its kind, as a bit."""

FILLED: npt.NDArray[np.float64] = _column("filled", np.float64)
"""How much of the form is done; see `Desk.filled`."""

DEPTH = max(sum(MAX_PICKS if slot.many else 1 for slot in form.slots) for form in _PLAN.forms)
"""Most picks a form can hold."""
