"""The line of numbers that shows the form being filled, the last call, and counts; see `columns.FORM_COLUMNS`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crm_gym.errors import CODES
from crm_gym.form.columns import FORM_COLUMNS, ROW_COLUMNS, VALUE_COLUMNS, places
from crm_gym.form.desk import Desk
from crm_gym.form.layout import layout
from crm_gym.form.sheet import Sheet
from crm_gym.schema import TABLES
from crm_gym.tools.base import Outcome

_PLAN = layout()
_AT = places(FORM_COLUMNS)
_VALUE_USED, _ROW_USED = places(VALUE_COLUMNS)["used_now"], places(ROW_COLUMNS)["used_now"]
_HEAD = _AT["line1"]
_LINES = slice(_HEAD, _HEAD + _PLAN.lines)
_DONE, _MADE, _COUNT = (
    _AT[name] for name in (f"done_{_PLAN.forms[0].tool}", f"made_{next(iter(TABLES))}", f"count_{next(iter(TABLES))}")
)
_CODE = {code: number for number, code in enumerate(CODES, 1)}
_HAS = len(FORM_COLUMNS) - len(_PLAN.field_names)
FIELD_NUMBER = {name: number for number, name in enumerate(_PLAN.field_names, 1)}
"""Names of fields to their numbers, from 1."""


class FormLine:
    """Fills one environment's line of `Arrays.form`.

    Args:
        line: The line.
    """

    def __init__(self, line: npt.NDArray[np.int32]) -> None:
        self.line = line

    def open(self, counts: list[int], sheet: Sheet) -> None:
        """Begin an episode."""
        self.line[:] = 0
        self.line[_COUNT : _COUNT + len(TABLES)] = counts
        self.line[_AT["left"]] = _left(sheet)

    def called(self, tool: int, came: Outcome, counts: list[int], sheet: Sheet) -> None:
        """Take in a call."""
        line, error = self.line, came[1]
        line[_AT["last_tool"]] = tool + 1
        line[_AT["last_status"]] = 1 if error is None else 2
        line[_AT["last_code"]] = 0 if error is None else _CODE[error.code]
        line[_AT["last_rows"]] = 0 if error is not None else sum(item.call == sheet.calls for item in sheet.items)
        line[_AT["calls"]] += 1
        if error is not None:
            line[_AT["refused"]] += 1
        else:
            line[_DONE + tool] += 1
        line[_AT["left"]] = _left(sheet)
        line[_MADE : _MADE + len(TABLES)] += counts - line[_COUNT : _COUNT + len(TABLES)]
        line[_COUNT : _COUNT + len(TABLES)] = counts
        if error is None:
            line[_HAS:] = _held(sheet)

    def moved(self) -> None:
        """Count a form step."""
        self.line[_AT["moves"]] += 1

    def fill(self, desk: Desk) -> None:
        """Show the form as it is."""
        line, slot = self.line, desk.slot
        is_open = desk.tool >= 0
        picks = desk.picks[desk.line] if slot is not None else []
        line[:_HEAD] = (
            desk.tool + 1,
            desk.line + 1 if is_open else 0,
            FIELD_NUMBER[slot.name] if slot is not None else 0,
            slot.kind + 1 if slot is not None else 0,
            slot is not None and slot.required,
            slot is not None and slot.many,
            len(picks),
            desk.pending + 1,
            desk.complete,
            desk.focus,
            picks[-1].field + 1 if picks else 0,
        )
        line[_LINES] = 0
        line[_HEAD : _HEAD + len(desk.states)] = desk.states
        _show_used(desk)


def _show_used(desk: Desk) -> None:
    values, rows = desk.sheet.value_lines[:, _VALUE_USED], desk.sheet.row_lines[:, _ROW_USED]
    values[:] = rows[:] = 0
    for picks in desk.picks:
        for pick in picks:
            if pick.value_slot >= 0:
                values[pick.value_slot] = 1
            if pick.row_slot >= 0:
                rows[pick.row_slot] = 1


def _held(sheet: Sheet) -> npt.NDArray[np.int32]:
    """Which fields the last result holds, and which it names."""
    held = np.zeros(len(FIELD_NUMBER), np.int32)
    for item in sheet.items:
        if item.call == sheet.calls:
            for name, value in item.values.items():
                if name in FIELD_NUMBER:
                    held[FIELD_NUMBER[name] - 1] = max(held[FIELD_NUMBER[name] - 1], 1)
                if isinstance(value, list) and item.row is None and not item.peers:
                    for one in value:
                        if isinstance(one, str) and one in FIELD_NUMBER:
                            held[FIELD_NUMBER[one] - 1] = 2
    return held


def _left(sheet: Sheet) -> int:
    """Values that no call has used, variants aside."""
    return sum(one.whole and not one.used for one in sheet.values)
