"""CrmSlotsEnv: a whole form in one action, for algorithms that take MultiDiscrete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from crm_gym.env import CrmEnv
from crm_gym.errors import ToolError, UsageError
from crm_gym.form.desk import Mask, literal_mask, takes_names
from crm_gym.form.env import CrmFormEnv, Info, Observation
from crm_gym.form.layout import MAX_ROWS, MAX_VALUES, Slot, layout
from crm_gym.keywords import check_names

_PLAN = layout()

ALONE, EMPTY, NAME = range(3)
"""Choices for a line that point at nothing: leave it alone, empty it, fill in the name of the field beside."""

_LITERAL = NAME + 1
_VALUE = _LITERAL + len(_PLAN.literals)
_ROW = _VALUE + MAX_VALUES
CHOICES = _ROW + MAX_ROWS
"""How many choices a line has: the three above, then literals, values and rows, as `Layout` has them."""

FIELDS = 1 + len(_PLAN.field_names)
"""How many fields can stand beside a choice: 0 for none, then those of `Layout`."""

_LINES = _PLAN.lines


class CrmSlotsEnv(CrmFormEnv):
    """CrmEnv through forms that are filled in one go: one action is one call.

    Args:
        tools: Only these tools are offered; None for all.
        **keywords: Those of `CrmEnv`.

    An action is `[tool, choice of line 1, ..., choice of line 11, field of line 1, ..., field of line 11]`. A choice is
    `ALONE`, `EMPTY`, `NAME`, or from 3 a literal, a value or a row, see `crm_gym.form.layout`. The field beside it
    counts with `NAME`, and with a row: then what the row holds in the field is meant, and with field 0 the row itself.
    Lines past the end of a form are more items of its last line if that takes several, else they do not count.

    Observations are those of `CrmFormEnv`, with no form open. What the form refuses never reaches the CRM: the step is
    refused, with an error as the CRM would have it. `action_masks()` speaks of each number by itself, whatever the
    others are: bool (tools + lines * choices + lines * fields,).

    Raises:
        UsageError: If a keyword does not exist, or an action is no such list of numbers.
    """

    def __init__(self, tools: Sequence[str] | None = None, **keywords: Any) -> None:
        if "masked_out" in keywords:
            raise UsageError(
                "CrmSlotsEnv has no keyword 'masked_out': its masks speak of each number by itself, and a call that is "
                "none is always an ordinary step, refused with an error"
            )
        check_names("CrmSlotsEnv", keywords, CrmSlotsEnv, CrmEnv)
        super().__init__(tools=tools, **keywords)
        sizes = [len(_PLAN.forms), *[CHOICES] * _LINES, *[FIELDS] * _LINES]
        self.action_space = spaces.MultiDiscrete(sizes)  # type: ignore[assignment]

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, Info]:
        """Fill in a form and submit it."""
        if self._over:
            raise ResetNeeded("the episode is over, or none has begun; call reset() first")
        numbers = np.asarray(action)
        if not self.action_space.contains(numbers):
            raise UsageError(f"an action is one of {self.action_space}; got {action!r:.200}")
        self._line.moved()
        focus = self._desk.focus
        try:
            self._fill(numbers.tolist())
        except ToolError as fault:
            self._desk.focus = focus
            return self._refused(int(numbers[0]), fault)
        return self._submitted(self._desk.call(), 0.0)

    def _fill(self, numbers: list[int]) -> None:
        """Fill in the form.

        Raises:
            ToolError: If it would not take a choice, or is not complete.
        """
        tool, choices, fields = numbers[0], numbers[1 : 1 + _LINES], numbers[1 + _LINES :]
        self._desk.act(tool)
        slots = self._desk.form.slots
        for choice, field in zip(choices, fields, strict=True):
            slot = self._desk.slot
            if slot is None:
                break
            last = slot is slots[-1]
            if choice != ALONE:
                for action in _steps(slot, choice, field):
                    self._do(action, slot)
            if last and not slot.many:
                break
            if not last and (choice == ALONE or slot.many):
                self._do(_PLAN.go, slot)
        if not self._desk.complete:
            line = min(self._desk.line, len(slots) - 1)
            raise _incomplete(slots[line], bool(self._desk.picks[line]))

    def _do(self, action: int, slot: Slot) -> None:
        """Take a step of the form; ToolError if there is no such step now."""
        if not self._desk.mask()[action]:
            if action == _PLAN.go:
                raise _incomplete(slot, bool(self._desk.picks[self._desk.line]))
            raise ToolError("wrong_type", slot.name, f"{slot.name} takes no {_PLAN.meaning(action)}.")
        self._desk.act(action)

    def _refused(self, tool: int, fault: ToolError) -> tuple[Observation, float, bool, bool, Info]:
        came, reward, over, info = self.crm_env.play((None, {}, None, fault))
        assert came is not None  # nothing was asked of the database
        self._sheet.learn(None, {}, came)
        self._line.called(tool, came, self.crm_env.crm.store.counts(), self._sheet)
        self._desk.close()
        observation, info = self._shown(info)
        return observation, reward, over, False, info

    def _now(self) -> Mask:
        """Which numbers may be of use, each by itself."""
        sheet = self._sheet
        held = np.bitwise_or.reduce(sheet.grants, axis=1)
        parts = (
            _FIXED,
            (_TAKEN & sheet.value_bits) != 0,
            (_TAKEN & (sheet.row_bits | held)) != 0,
        )
        fields = np.concatenate((np.ones((_LINES, 1), np.bool_), _NAMES | ((_TAKEN & sheet.field_bits) != 0)), axis=1)
        return np.concatenate((sheet.tools, np.concatenate(parts, axis=1).ravel(), fields.ravel()))


def _steps(slot: Slot, choice: int, field: int) -> list[int]:
    """The steps of the form that a choice stands for; ToolError if it stands for nothing."""
    if choice == EMPTY:
        return [_PLAN.empty]
    if choice < _LITERAL and not field:
        raise ToolError("missing_field", slot.name, f"{slot.name} should be the name of a field, but none is chosen.")
    named = [_PLAN.fields.start + field - 1] if field else []
    if choice == NAME:
        return [*named, _PLAN.go]
    if choice < _VALUE:
        return [_PLAN.literals.start + choice - _LITERAL]
    if choice < _ROW:
        return [_PLAN.values.start + choice - _VALUE]
    return [*named, _PLAN.rows.start + choice - _ROW]


def _incomplete(slot: Slot, some: bool) -> ToolError:
    """What the CRM says of a form that ends at a line.

    Args:
        slot: The line.
        some: Whether it holds anything.
    """
    if slot.nested:
        return ToolError(
            "no_change", slot.nested, f"{slot.nested} must hold at least one field to change; it is empty."
        )
    if some:
        return ToolError("number_range", slot.name, f"{slot.name} must be {slot.least} or more different items.")
    return ToolError("missing_field", slot.name, f"{slot.name} is required and missing.")


def _slots_at(line: int) -> list[Slot]:
    """What a line can be: one of a form, or more of its last if that takes several."""
    forms = [form.slots for form in _PLAN.forms if form.slots]
    return [slots[min(line, len(slots) - 1)] for slots in forms if line < len(slots) or slots[-1].many]


_AT = [_slots_at(line) for line in range(_LINES)]
_TAKEN = np.array([[sum({1 << slot.kind for slot in slots})] for slots in _AT], np.int64)
"""Kinds of values that a line can take, a bit each, (lines, 1)."""

_NAMES = np.array([[any(takes_names(slot) for slot in slots)] for slots in _AT], np.bool_)
_FIXED = np.array(
    [
        [
            True,
            any(slot.nullable for slot in slots),
            *names,
            *np.any([literal_mask(slot.kind) for slot in slots], axis=0),
        ]
        for slots, names in zip(_AT, _NAMES, strict=True)
    ]
)
"""Which of the choices that are always the same a line can take."""
