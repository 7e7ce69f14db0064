"""The arrays of the form door: one line for each environment, preallocated, shared by all parts that fill them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from crm_gym.form.columns import FORM_COLUMNS, ROW_COLUMNS, VALUE_COLUMNS, Column
from crm_gym.form.layout import MAX_ROWS, MAX_VALUES, layout
from crm_gym.form.words import BIGRAM_COUNT, MAX_WORDS, WORD_COUNT

Ints = npt.NDArray[np.int16]
Bits = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]
COUNT_HIGH = 2**31 - 1
GRANT = np.uint32 if len(layout().kinds) <= 32 else np.int64
"""Of the largest of the arrays: no wider than the kinds need."""


class Arrays:
    """What the policies of so many environments see, and the masks behind it.

    Args:
        count: How many environments.

    Attributes:
        request: Words and bigrams of the requests, int16 (count, 256, 2).
        values: What the requests say, int16 (count, 64, columns of values).
        rows: What the CRM returned, int16 (count, 48, columns of rows).
        form: The form being filled, the last call, and counts, int32 (count, columns of form).
        value_bits: Which kinds of arguments take a value, a bit each, int64 (count, 64).
        row_bits: The same for an item itself, int64 (count, 48).
        granted: The same for what an item holds in a field, by fields: `GRANT` (count, fields, 48).
        field_bits: The same for what any item holds in a field, int64 (count, fields).
        once: Kinds that at least one candidate fits; twice: that two do, int64 (count,).
        tools: Which tools' forms can be filled so that they can be submitted, bool (count, tools).
    """

    def __init__(self, count: int) -> None:
        plan = layout()
        fields = len(plan.field_names)
        self.request: Ints = np.zeros((count, MAX_WORDS, 2), np.int16)
        self.values: Ints = np.zeros((count, MAX_VALUES, len(VALUE_COLUMNS)), np.int16)
        self.rows: Ints = np.zeros((count, MAX_ROWS, len(ROW_COLUMNS)), np.int16)
        self.form: npt.NDArray[np.int32] = np.zeros((count, len(FORM_COLUMNS)), np.int32)
        self.value_bits: Bits = np.zeros((count, MAX_VALUES), np.int64)
        self.row_bits: Bits = np.zeros((count, MAX_ROWS), np.int64)
        self.granted: Bits = np.zeros((count, fields, MAX_ROWS), GRANT)
        self.field_bits: Bits = np.zeros((count, fields), np.int64)
        self.once: Bits = np.zeros(count, np.int64)
        self.twice: Bits = np.zeros(count, np.int64)
        self.tools: Mask = np.zeros((count, len(plan.forms)), np.bool_)

    def observation(self, index: int) -> dict[str, np.ndarray]:
        """One environment's observation, a copy."""
        return {
            "form": self.form[index].copy(),
            "request": self.request[index].copy(),
            "rows": self.rows[index].copy(),
            "said": self.values[index].copy(),
        }


def _box(lines: int, columns: tuple[Column, ...]) -> spaces.Box:
    high = [np.iinfo(np.int16).max if one.kind == "number" else one.size - 1 for one in columns]
    top = np.tile(np.array(high, np.int16), (lines, 1))
    return spaces.Box(np.zeros_like(top), top, dtype=np.int16)


def observation_space() -> spaces.Dict:
    """What the policy sees: a flat Dict of Box, of fixed shapes; see `crm_gym.form.columns` for every column.

    - request: int16 (256, 2), the words of the request and of the user's answers, as ids, and the ids of pairs of
      words; 0 where there are no more.
    - said: int16 (64, columns), what the request says, one value a line.
    - rows: int16 (48, columns), what the CRM returned, one thing a line.
    - form: int32 (columns,), the form being filled, the last call, and counts.
    """
    high = np.tile(np.array([WORD_COUNT - 1, BIGRAM_COUNT - 1], np.int16), (MAX_WORDS, 1))
    form = np.array([COUNT_HIGH if one.kind == "number" else one.size - 1 for one in FORM_COLUMNS], np.int32)
    low = np.where(np.char.startswith([one.name for one in FORM_COLUMNS], "made_"), -COUNT_HIGH, 0).astype(np.int32)
    return spaces.Dict(
        {
            "form": spaces.Box(low, form, dtype=np.int32),
            "request": spaces.Box(np.zeros_like(high), high, dtype=np.int16),
            "rows": _box(MAX_ROWS, ROW_COLUMNS),
            "said": _box(MAX_VALUES, VALUE_COLUMNS),
        }
    )
