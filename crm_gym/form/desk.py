"""The form being filled: which actions there are now, and what each does; batches are held equal to it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from crm_gym.form.layout import MAX_PICKS, Form, Layout, Slot, layout
from crm_gym.form.sheet import Sheet
from crm_gym.form.stock import ALWAYS
from crm_gym.tools import ToolCall

OPEN, SKIPPED, FILLED, EMPTIED = range(4)
"""States of a form's lines."""

Mask = npt.NDArray[np.bool_]
_PLAN = layout()


class Pick(NamedTuple):
    """One value in a form.

    Attributes:
        value: As the tool call carries it.
        value_slot: The place of the value pointed at, -1 if none.
        row_slot: The place of the item pointed at, -1 if none.
        before: The focus before it was picked.
        label: What it is the value of, if it is held by a group.
        field: The field by which it was picked, as its place in the layout; -1 if by none.
    """

    value: Any
    value_slot: int = -1
    row_slot: int = -1
    before: int = 0
    label: str = ""
    field: int = -1


class Desk:
    """A form and the actions on it.

    Args:
        sheet: What can be pointed at.

    Attributes:
        tool: The place of the open form's tool; -1 if none is open.
        line: The line to be filled.
        pending: The field chosen whose value is taken from the row chosen next; -1 if none.
        picks: For each line, what it holds.
        states: For each line, OPEN, SKIPPED, FILLED or EMPTIED.
        focus: Where the request says what was picked last.
    """

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.focus = 0
        self.close()

    def close(self) -> None:
        """Put the form away."""
        self.tool = self.pending = -1
        self.line = 0
        self.picks: list[list[Pick]] = []
        self.states: list[int] = []

    @property
    def form(self) -> Form:
        """The open form."""
        return _PLAN.forms[self.tool]

    @property
    def slot(self) -> Slot | None:
        """The line to be filled; None if all are done, or no form is open."""
        return self.form.slots[self.line] if self.tool >= 0 and self.line < len(self.form.slots) else None

    @property
    def complete(self) -> bool:
        """Whether the form can be submitted."""
        if self.tool < 0 or self.pending >= 0:
            return False
        slots = self.form.slots
        for place in range(self.line, len(slots)):
            if slots[place].required and len(self.picks[place]) < slots[place].least:
                return False
        return not self.form.group or self._grouped()

    @property
    def filled(self) -> float:
        """How much of the open form is done, from 0 to less than 1; 0 if none is open."""
        return self.line / (len(self.form.slots) + 1) if self.tool >= 0 else 0.0

    def _grouped(self) -> bool:
        return any(self.states[place] in (FILLED, EMPTIED) for place in self.form.group)

    def mask(self) -> Mask:
        """Which actions there are now, bool (actions,)."""
        plan, sheet = _PLAN, self.sheet
        mask = np.zeros(plan.size, np.bool_)
        if self.tool < 0:
            mask[plan.tools.start : plan.tools.stop] = sheet.tools
            return mask
        mask[plan.back] = True
        mask[plan.submit] = self.complete
        slot = self.slot
        if slot is None:
            return mask
        bit = np.int64(1 << slot.kind)
        if self.pending >= 0:
            mask[plan.go] = takes_names(slot)
            mask[plan.rows.start : plan.rows.stop] = (sheet.grants[:, self.pending] & bit) != 0
            return mask
        picks = self.picks[self.line]
        mask[plan.go] = self._can_go(slot, picks)
        if len(picks) >= MAX_PICKS:
            return mask
        mask[plan.empty] = slot.nullable
        mask[plan.literals.start : plan.literals.stop] = literal_mask(slot.kind)
        mask[plan.fields.start : plan.fields.stop] = takes_names(slot) | ((sheet.field_bits & bit) != 0)
        mask[plan.values.start : plan.values.stop] = (sheet.value_bits & bit) != 0
        mask[plan.rows.start : plan.rows.stop] = (sheet.row_bits & bit) != 0
        for pick in picks:  # an item is pointed at once
            if pick.value_slot >= 0:
                mask[plan.values.start + pick.value_slot] = False
            if pick.row_slot >= 0:
                mask[plan.rows.start + pick.row_slot] = False
        return mask

    def _can_go(self, slot: Slot, picks: list[Pick]) -> bool:
        """Whether one may go on to the next line: with a list that is long enough, or past what need not be filled."""
        if slot.many and picks:
            return len(picks) >= slot.least
        if slot.required:
            return False
        later = (place for place in self.form.group if place > self.line)
        return not slot.nested or self._grouped() or any(self._fillable(self.form.slots[place]) for place in later)

    def _fillable(self, slot: Slot) -> bool:
        once = self.sheet.once
        return slot.nullable or bool((once | ALWAYS) >> slot.kind & 1)

    def act(self, action: int) -> ToolCall | None:
        """Take an action that the mask allows; the call, if it is SUBMIT."""
        plan = _PLAN
        if action == plan.submit:
            return self.call()
        if action == plan.back:
            self._back()
        elif self.tool < 0:
            self._choose(action)
        elif action == plan.go and self.pending < 0:
            self._go_on()
        elif action in plan.fields:
            self.pending = action - plan.fields.start
        else:
            before = self.focus
            self._pick(self.picked(action, plan)._replace(before=before))
        return None

    def _choose(self, tool: int) -> None:
        self.tool, self.line, self.pending = tool, 0, -1
        self.picks = [[] for _ in self.form.slots]
        self.states = [OPEN] * len(self.form.slots)

    def _go_on(self) -> None:
        if not self.picks[self.line]:
            self.states[self.line] = SKIPPED
        self.line += 1

    def picked(self, action: int, plan: Layout) -> Pick:
        """What an action picks, with the field that is pending; moves the focus there."""
        if self.pending >= 0:
            field, self.pending = self.pending, -1
            name = plan.field_names[field]
            if action == plan.go:
                return Pick(name, field=field)
            slot = action - plan.rows.start
            self.focus = self.sheet.items[slot].place or self.focus
            item = self.sheet.items[slot]
            return Pick(item.values[name], label=item.label, field=field)  # what it holds: it may be pointed at again
        if action == plan.empty:
            return Pick(None)
        if action in plan.literals:
            return Pick(plan.literal_values[action - plan.literals.start])
        if action in plan.values:
            slot = action - plan.values.start
            self.focus = self.sheet.values[slot].place or self.focus
            return Pick(self.sheet.values[slot].value, value_slot=slot)
        slot = action - plan.rows.start
        self.focus = self.sheet.items[slot].place or self.focus
        return Pick(self.sheet.items[slot].whole, row_slot=slot)

    def _pick(self, pick: Pick) -> None:
        slot = self.slot
        self.picks[self.line].append(pick)
        self.states[self.line] = EMPTIED if pick.value is None else FILLED
        if slot is not None and not slot.many:
            self.line += 1

    def _back(self) -> None:
        """Take back the pending field, or what the line holds, or the line before; at the first, the tool."""
        if self.pending >= 0:
            self.pending = -1
            return
        if self.line >= len(self.picks) or not self.picks[self.line]:
            if self.line == 0:
                self.close()
                return
            self.line -= 1
        if self.picks[self.line]:
            self.focus = self.picks[self.line][0].before
        self.picks[self.line] = []
        self.states[self.line] = OPEN

    def call(self) -> ToolCall:
        """The form as a tool call."""
        arguments: dict[str, Any] = {}
        for slot, picks in zip(self.form.slots, self.picks, strict=True):
            if picks:
                value: Any = [pick.value for pick in picks] if slot.many else picks[0].value
                if slot.many and slot.least == 1 and len(picks) == 1:
                    value = picks[0].value
                elif slot.many and all(pick.label for pick in picks):  # of several groups: what each of them holds
                    value = {pick.label: pick.value for pick in picks}
                holder = arguments.setdefault(slot.nested, {}) if slot.nested else arguments
                holder[slot.name] = value
        return ToolCall(self.form.tool, arguments)


def takes_names(slot: Slot) -> bool:
    """Whether a line takes the name of a field itself."""
    sorts = _PLAN.kinds[slot.kind].sorts
    return "name" in sorts or "any" in sorts


_LITERALS = np.array(
    [
        [value in (*kind.members, *kind.bounds) and kind.takes(value) for value in _PLAN.literal_values]
        for kind in _PLAN.kinds
    ]
)


def literal_mask(kind: int) -> Mask:
    """Which literals a kind of argument takes."""
    mask: Mask = _LITERALS[kind]
    return mask
