"""What was said, read once: a request with all that an episode begins with, and the user's answers."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from crm_gym.atoms import number_json
from crm_gym.form import mentions as said
from crm_gym.form.arrays import Bits, Ints, Mask
from crm_gym.form.columns import VALUE_COLUMNS, places
from crm_gym.form.found import DIFFERENT, FIELD, value_bits
from crm_gym.form.layout import MAX_VALUES
from crm_gym.form.stock import Stock, apart, stock_of
from crm_gym.form.words import read
from crm_gym.tasks.task import Task

_AT = places(VALUE_COLUMNS)
_MARKS = {"number": "amount", "amount": "amount", "percent": "percent", "date": "date"}
_SORTS = {
    **dict.fromkeys(("number", "percent", "amount"), "number"),
    "date": "date",
    "id": "id",
    "enum": "enum",
    "word": "name",
}
_FROM_REQUEST, _FROM_USER, _FROM_CALENDAR = range(3)
_NO_ROWS, _NO_FIELDS = np.zeros(0, np.int64), np.zeros(len(FIELD), np.int64)


@dataclass(slots=True)
class Value:
    """One value that was said. Episodes share those that they have not used.

    Attributes:
        kind: Its kind, as in `mentions`, or "today".
        value: The value, as a tool call carries it.
        bits: Which kinds of arguments take it, a bit each.
        place: Where in the request it is said, from 1.
        whole: Whether it is all of what was said there.
        used: How many calls that worked have used it.
    """

    kind: str
    value: Any
    bits: int
    place: int
    whole: bool
    used: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """A text, read once.

    Attributes:
        words: Its words and bigrams, int16 (words, 2).
        values: Its values.
        lines: The lines that show them.
        bits: Which kinds of arguments take them, a bit each.
    """

    words: Ints
    values: tuple[Value, ...]
    lines: Ints
    bits: Bits


@dataclass(frozen=True, slots=True)
class Beginning:
    """What every episode of a task begins with: its request and the CRM's day.

    Attributes:
        heard: The text, and the day as its last value.
        marks: The first amount, percentage and date that was said, by sort.
        said: Every value that was said.
        stock: What can be filled with that alone.
        apart: Which kinds take which values, (kinds, values).
    """

    heard: Said
    marks: dict[str, Any]
    said: Set[Any]
    stock: Stock
    apart: Mask


def hear(text: str, offset: int, source: int = _FROM_USER) -> Said:
    """Read a text.

    Args:
        text: The request, or an answer of the user.
        offset: How many words were read before it.
        source: Whether it is the request (0) or an answer (1).
    """
    reading = read(text, offset)
    found = said.mentions(text)[:MAX_VALUES]
    lines = np.zeros((len(found), len(VALUE_COLUMNS)), np.int16)
    if found:
        features = said.features(found, reading)
        lines[:, : features.shape[1]] = features
        lines[:, _AT["source"]] = source
    values = []
    for number, one in enumerate(found):
        value = _wire(one.value)
        sort = _SORTS.get(one.kind, "text")
        taken = value_bits(sort, (), value, False)
        values.append(Value(one.kind, value, taken, int(lines[number, _AT["place"]]), one.variant == "whole"))
    words = np.stack((reading.words, reading.bigrams), axis=1)
    return Said(words, tuple(values), lines, np.array([one.bits for one in values], np.int64))


def marks_of(values: Sequence[Value]) -> dict[str, Any]:
    """The first amount, percentage and date among values, by sort."""
    marks: dict[str, Any] = {}
    for one in values:
        mark = _MARKS.get(one.kind)
        if mark is not None:
            marks.setdefault(mark, one.value)
    return marks


def forget_twins(values: Sequence[Value], bits: Bits, seen: set[Any]) -> None:
    """An id that is said twice, or is that of a record in sight, is no second item of a list.

    Args:
        values: What was said.
        bits: Which kinds take each; changed where that is so.
        seen: Ids of the records in sight.
    """
    for slot, value in enumerate(values):
        if value.kind == "id":
            bits[slot] = value.bits & ~DIFFERENT if value.value in seen else value.bits
            seen.add(value.value)


_BEGINNINGS: WeakKeyDictionary[Task, Beginning] = WeakKeyDictionary()


def beginning_of(task: Task) -> Beginning:
    """What a task begins with, worked out once; gone with the task."""
    known = _BEGINNINGS.get(task)
    if known is None:
        known = _BEGINNINGS[task] = _beginning(task)
    return known


def _beginning(task: Task) -> Beginning:
    heard = hear(task.request, 0, _FROM_REQUEST)
    spoken = heard.values[: MAX_VALUES - 1]  # one line is the day's
    taken = value_bits("date", (), task.today, False)
    values = (*spoken, Value("today", task.today, taken, 0, True))
    lines = np.zeros((len(values), len(VALUE_COLUMNS)), np.int16)
    lines[:-1] = heard.lines[: len(spoken)]
    lines[-1, _AT["kind"]] = len(said.MENTION_KINDS) + 1
    lines[-1, _AT["source"]] = _FROM_CALENDAR
    bits = np.array([one.bits for one in values], np.int64)
    forget_twins(values, bits, set())
    stock = stock_of(bits, _NO_ROWS, _NO_FIELDS)
    everything = frozenset(one.value for one in spoken)
    return Beginning(Said(heard.words, values, lines, bits), marks_of(spoken), everything, stock, apart(bits))


def _wire(value: Any) -> Any:
    return number_json(value) if isinstance(value, Decimal) else value
