"""Many forms being filled at once: what `Desk` does, as array operations."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_gym.form import flat
from crm_gym.form.arrays import Arrays, Mask
from crm_gym.form.columns import FORM_COLUMNS, ROW_COLUMNS, VALUE_COLUMNS, places
from crm_gym.form.desk import EMPTIED, FILLED, OPEN, SKIPPED, Desk, Pick
from crm_gym.form.heard import Beginning
from crm_gym.form.layout import MAX_PICKS, MAX_ROWS, MAX_VALUES, layout
from crm_gym.form.sheet import Sheet
from crm_gym.form.stock import apart

Numbers = npt.NDArray[np.int64]

_PLAN = layout()
_AT = places(FORM_COLUMNS)
_PICKS, _PENDING, _COMPLETE, _FOCUS, _NAMED, _LINE1 = (
    _AT[name] for name in ("picks", "pending", "complete", "focus", "named", "line1")
)
_VALUE_PLACE, _VALUE_USED = (places(VALUE_COLUMNS)[name] for name in ("place", "used_now"))
_ROW_PLACE, _ROW_USED = (places(ROW_COLUMNS)[name] for name in ("place", "used_now"))
_VALUES, _ROWS, _SIZE = _PLAN.values.start, _PLAN.rows.start, _PLAN.size

_NO_STEP, _CHOOSE, _POINT, _GO, _BACK, _PICK, _SUBMIT = range(7)
"""What an action does."""


def _sorts() -> npt.NDArray[np.uint8]:
    """What each action does; those of a form with a field pending come second, and last that nothing is done."""
    sorts = np.full(2 * _SIZE + 1, _PICK, np.uint8)
    for start in (0, _SIZE):
        sorts[start : start + len(_PLAN.tools)] = _CHOOSE
        sorts[start + _PLAN.fields.start : start + _PLAN.fields.stop] = _POINT
        sorts[start + _PLAN.submit] = _SUBMIT
    sorts[_PLAN.go], sorts[_PLAN.back] = _GO, _BACK
    sorts[_SIZE + _PLAN.back] = _POINT  # at no field
    sorts[-1] = _NO_STEP
    return sorts


_SORT = _sorts()


class Desks:
    """A form and the actions on it for each environment; `Desk` is the reference.

    What is picked is kept as numbers: an action, or, of what a row holds in a field, `_held`.

    Args:
        arrays: What the policies see; the form's state is written there too.

    Attributes:
        mask: Which actions there are now, bool (count, actions), as `show` worked it out.
        place: Where each form stands, as a row of `flat`.
    """

    def __init__(self, arrays: Arrays) -> None:
        count = len(arrays.form)
        self.arrays = arrays
        self.place: Numbers = np.full(count, flat.CLOSED, np.int64)
        self.mask: Mask = np.zeros((count, _SIZE), np.bool_)
        self._pending: Numbers = np.full(count, -1, np.int64)  # the field chosen
        self._picked: Numbers = np.zeros(count, np.int64)  # picks of the line to be filled
        self._depth: Numbers = np.zeros(count, np.int64)  # picks of the form
        self._filled: Numbers = np.zeros(count, np.int64)  # lines that hold something, a bit each
        self._counts: npt.NDArray[np.int16] = np.zeros((count, _PLAN.lines + 1), np.int16)  # picks of each line
        self._focuses: npt.NDArray[np.int16] = np.zeros((count, _PLAN.lines), np.int16)  # before a line was filled
        self._codes: npt.NDArray[np.int16] = np.zeros((count, flat.DEPTH), np.int16)
        self._uses: npt.NDArray[np.uint8] = np.zeros((count, MAX_VALUES + MAX_ROWS), np.uint8)
        self._choices: Mask = np.zeros((count, flat.KINDS + 2, _SIZE), np.bool_)
        self._choices[:, : flat.KINDS, _PLAN.literals.start : _PLAN.literals.stop] = flat.LITERALS
        self._every = np.arange(count)
        self._starts = self._every * _SIZE
        self._choice_rows = np.arange(count) * (flat.KINDS + 2)

    def close(self, index: int) -> None:
        """Put a form away."""
        self.place[index], self._pending[index] = flat.CLOSED, -1
        if self._depth[index]:
            self._uses[index] = 0
            self.arrays.values[index, :, _VALUE_USED] = 0
            self.arrays.rows[index, :, _ROW_USED] = 0
        self._picked[index] = self._depth[index] = self._filled[index] = 0
        self._counts[index] = 0
        self.arrays.form[index, _LINE1 : _LINE1 + _PLAN.lines] = OPEN

    def learn(self, index: int) -> None:
        """Take in that the sheet has changed: work out what each kind of argument can point at now."""
        arrays, choices = self.arrays, self._choices[index]
        bits = np.concatenate((arrays.field_bits[index] | flat.NAMED, arrays.value_bits[index], arrays.row_bits[index]))
        choices[: flat.KINDS, _PLAN.fields.start :] = apart(bits)
        choices[flat.TOOLS_ROW, : len(_PLAN.tools)] = arrays.tools[index]

    def begin(self, index: int, begins: Beginning) -> None:
        """The same for a sheet that was just opened."""
        choices, values = self._choices[index], begins.apart
        choices[: flat.KINDS, _PLAN.fields.start : _VALUES] = flat.NAMES_ALONE
        choices[: flat.KINDS, _VALUES : _VALUES + values.shape[1]] = values
        choices[: flat.KINDS, _VALUES + values.shape[1] :] = False
        choices[flat.TOOLS_ROW, : len(_PLAN.tools)] = self.arrays.tools[index]

    def act(self, actions: Numbers, active: Mask | None) -> list[int]:
        """Take a step in each form; what is masked out does nothing.

        Args:
            actions: One for each.
            active: Those that take a step; None for all.

        Returns:
            The forms that are to be submitted.
        """
        allowed = self.mask.reshape(-1).take(self._starts + actions)
        if active is not None:
            allowed &= active
        sorts = _SORT.take(np.where(allowed, actions + (self._pending >= 0) * _SIZE, 2 * _SIZE))
        order = np.argsort(sorts, kind="stable")
        ends = np.cumsum(np.bincount(sorts, minlength=7)).tolist()
        parts = [order[start:end] for start, end in itertools.pairwise(ends)]
        chosen, pointed, gone, back, picked, submitted = parts
        self.place[chosen] = flat.FIRST.take(actions.take(chosen))
        fields = actions.take(pointed) - _PLAN.fields.start
        self._pending[pointed] = np.maximum(fields, -1)  # BACK is a smaller number
        self._go_on(gone)
        self._go_back(back)
        self._pick(picked, actions.take(picked))
        return submitted.tolist()  # type: ignore[no-any-return]

    def _go_on(self, rows: Numbers) -> None:
        left = rows[self._picked.take(rows) == 0]
        self.arrays.form[left, _LINE1 + flat.LINE.take(self.place.take(left))] = SKIPPED
        self.place[rows] += 1
        self._picked[rows] = 0

    def _pick(self, rows: Numbers, actions: Numbers) -> None:
        form = self.arrays.form
        place, pending, picked, depth = (of.take(rows) for of in (self.place, self._pending, self._picked, self._depth))
        line, focus, held = flat.LINE.take(place), form[rows, _FOCUS], pending >= 0
        first = picked == 0
        self._focuses[rows[first], line[first]] = focus[first]
        self._codes[rows, depth] = np.where(held, _held(pending, actions), actions)
        self._depth[rows] = depth + 1
        self._counts[rows, line] = picked + 1
        form[rows, _LINE1 + line] = np.where(actions == _PLAN.empty, EMPTIED, FILLED)
        self._filled[rows] |= np.left_shift(1, line)
        self._look(rows, actions, held)
        many = flat.MANY.take(place)
        self._pending[rows] = -1
        self.place[rows] = place + ~many
        self._picked[rows] = (picked + 1) * many

    def _look(self, rows: Numbers, actions: Numbers, held: Mask) -> None:
        """Move the focus to what was picked, and note that it is in use."""
        arrays = self.arrays
        on_row = actions >= _ROWS
        on_value = (actions >= _VALUES) & ~on_row
        for where, start, lines, at in (
            (on_value, _VALUES, arrays.values, _VALUE_PLACE),
            (on_row, _ROWS, arrays.rows, _ROW_PLACE),
        ):
            there, slots = rows[where], actions[where] - start
            said = lines[there, slots, at]
            arrays.form[there, _FOCUS] = np.where(said > 0, said, arrays.form[there, _FOCUS])
        itself = (on_value | on_row) & ~held
        self._use(rows[itself], actions[itself], 1)

    def _use(self, rows: Numbers, actions: Numbers, more: int) -> None:
        """Note of candidates that a form uses them once more, or once less; no form says one twice."""
        slots = actions - _VALUES
        uses = self._uses[rows, slots].astype(np.int64) + more
        self._uses[rows, slots] = uses
        on_row = slots >= MAX_VALUES
        on_value = ~on_row
        self.arrays.values[rows[on_value], slots[on_value], _VALUE_USED] = uses[on_value] > 0
        self.arrays.rows[rows[on_row], slots[on_row] - MAX_VALUES, _ROW_USED] = uses[on_row] > 0

    def _go_back(self, rows: Numbers) -> None:
        place, empty = self.place.take(rows), self._picked.take(rows) == 0
        closing = empty & (flat.LINE.take(place) == 0)
        self.place[rows] = np.where(closing, flat.CLOSED, place - empty)
        rows = rows[~closing]
        line = flat.LINE.take(self.place.take(rows))
        counts = self._counts[rows, line].astype(np.int64)
        self._depth[rows] -= counts
        self._forget(rows[counts > 0], line[counts > 0], counts[counts > 0])
        self.arrays.form[rows, _LINE1 + line] = OPEN
        self._filled[rows] &= ~np.left_shift(1, line)
        self._counts[rows, line] = self._picked[rows] = 0

    def _forget(self, rows: Numbers, line: Numbers, counts: Numbers) -> None:
        """Take back what lines hold, and the way the focus went with it."""
        self.arrays.form[rows, _FOCUS] = self._focuses[rows, line]
        self._use(*self._pointed_at(rows, self._depth.take(rows), counts), -1)

    def _pointed_at(self, rows: Numbers, first: Numbers, counts: Numbers) -> tuple[Numbers, Numbers]:
        """Of so many picks from there on, those that are items themselves: forms and actions."""
        ends = np.cumsum(counts)
        depth = np.repeat(first - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)
        rows = np.repeat(rows, counts)
        codes = self._codes[rows, depth].astype(np.int64)
        itself = (codes >= _VALUES) & (codes < _SIZE)
        return rows[itself], codes[itself]

    def show(self) -> None:
        """Work out the masks, and write the forms' state where the policies see it."""
        place, picked, mask = self.place, self._picked, self.mask
        pending = self._pending >= 0
        closed_up = pending | (picked >= MAX_PICKS)
        rows = np.where(closed_up, flat.NOTHING_ROW, flat.KIND_ROW.take(place))
        rows += self._choice_rows
        np.take(self._choices.reshape(-1, _SIZE), rows, axis=0, out=mask, mode="clip")  # "clip": without a buffer
        grouped = (self._filled & flat.GROUP.take(place)) != 0
        complete = (picked >= flat.NEED.take(place)) & ~pending & (flat.UNGROUPED.take(place) | grouped)
        passing = grouped | flat.FREE.take(place) | ((self.arrays.once & flat.LATER.take(place)) != 0)
        go = np.where(picked > 0, picked >= flat.LEAST.take(place), flat.OPTIONAL.take(place) & passing)
        mask[:, _PLAN.go] = np.where(pending, flat.NAMES.take(place), go)
        mask[:, _PLAN.submit] = complete
        mask[:, _PLAN.back] = place != flat.CLOSED
        mask[:, _PLAN.empty] = flat.NULLABLE.take(place) & ~closed_up
        self._show_held(np.flatnonzero(pending))
        self._hide_picked(np.flatnonzero((picked > 0) & ~pending))
        form = self.arrays.form
        form[:, :_PICKS] = flat.HEAD.take(place, axis=0)
        form[:, _PICKS] = picked
        form[:, _PENDING] = self._pending + 1
        form[:, _COMPLETE] = complete
        form[:, _NAMED] = 0
        listed = np.flatnonzero(picked)
        last = self._codes[listed, self._depth.take(listed) - 1]
        form[listed, _NAMED] = np.where(last >= _SIZE, _field(last) + 1, 0)
        last = self._codes[self._every, np.maximum(self._depth - 1, 0)].astype(np.int64)
        form[:, _NAMED] = np.where((picked > 0) & (last >= _SIZE), (last - _SIZE) // (MAX_ROWS + 1) + 1, 0)

    def _show_held(self, rows: Numbers) -> None:
        """With a field chosen, the rows that hold there what the line takes."""
        if len(rows):
            bits = flat.BIT.take(self.place.take(rows))
            held = self.arrays.granted[rows, self._pending.take(rows)]
            self.mask[rows, _ROWS:_SIZE] = (held & bits[:, None].astype(held.dtype)) != 0

    def _hide_picked(self, rows: Numbers) -> None:
        """An item is pointed at once in a list."""
        picked = self._picked.take(rows)
        self.mask[self._pointed_at(rows, self._depth.take(rows) - picked, picked)] = False

    def desk(self, index: int, sheet: Sheet) -> Desk:
        """One of the forms as a `Desk`."""
        desk = Desk(sheet)
        place = int(self.place[index])
        if place != flat.CLOSED:
            desk.tool, desk.line = int(flat.HEAD[place, 0]) - 1, int(flat.LINE[place])
            lines = len(desk.form.slots)
            desk.states = self.arrays.form[index, _LINE1 : _LINE1 + lines].tolist()
            codes = iter(self._codes[index, : self._depth[index]].tolist())
            befores = self._focuses[index].tolist()
            for count, before in zip(self._counts[index, :lines].tolist(), befores, strict=False):
                desk.picks.append([_picked(desk, next(codes))._replace(before=before) for _ in range(count)])
            desk.pending = int(self._pending[index])
        desk.focus = int(self.arrays.form[index, _FOCUS])
        return desk


def _held(fields: Any, actions: Any) -> Any:
    """The number of what a row holds in a field, or of the field's name: from the actions, GO or of a row."""
    return _SIZE + fields * (MAX_ROWS + 1) + np.maximum(actions - _ROWS + 1, 0)


def _field(codes: Any) -> Any:
    """The field of such a number."""
    return (codes - _SIZE) // (MAX_ROWS + 1)


def _picked(desk: Desk, code: int) -> Pick:
    """What a number stands for."""
    if code >= _SIZE:
        desk.pending, row = divmod(code - _SIZE, MAX_ROWS + 1)
        code = _ROWS + row - 1 if row else _PLAN.go
    return desk.picked(code, _PLAN)
