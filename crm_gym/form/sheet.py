"""What one episode's policy can point at: the request's values and what the CRM has returned, as arrays and as values.

A sheet changes when an episode begins and when a call has been made; between them only the form changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from crm_gym.atoms import number_json
from crm_gym.form import mentions as said
from crm_gym.form.arrays import Arrays, Bits, Ints
from crm_gym.form.columns import ROW_COLUMNS, USES, VALUE_COLUMNS, places
from crm_gym.form.found import BEFORE, CHANGED, DELETED, FIELD, LIST, MADE, Item, grants, items, value_bits, whole_bits
from crm_gym.form.layout import MAX_ROWS, MAX_VALUES, layout
from crm_gym.form.lines import age, row_line
from crm_gym.form.words import MAX_WORDS, Reading, read
from crm_gym.tasks.plan import MAKERS
from crm_gym.tasks.session import ASK
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOL_NAMES, TOOLS
from crm_gym.tools.base import Outcome

_PLAN = layout()
_AT = places(VALUE_COLUMNS)
_ROW_AT = places(ROW_COLUMNS)
_AGE, _USED, _USED_TOOL, _ORIGIN = (_ROW_AT[name] for name in ("age", "used", "used_tool", "origin"))
_MARKS = {"number": "amount", "amount": "amount", "percent": "percent", "date": "date"}
_OTHERS = 8  # things that are no records and are kept in sight, of the last calls
_SORTS = {
    **dict.fromkeys(("number", "percent", "amount"), "number"),
    "date": "date",
    "id": "id",
    "enum": "enum",
    "word": "name",
}
_FROM_REQUEST, _FROM_USER, _FROM_CALENDAR = range(3)


@dataclass(slots=True)
class Value:
    """One value that was said.

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
    """A text, read once: its words, its values, and the lines they fill."""

    reading: Reading
    values: tuple[Value, ...]
    lines: Ints
    bits: Bits


def hear(text: str, offset: int, source: int) -> Said:
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
    return Said(reading, tuple(values), lines, np.array([one.bits for one in values], np.int64))


def _wire(value: Any) -> Any:
    return number_json(value) if isinstance(value, Decimal) else value


_HEARD: WeakKeyDictionary[Task, Said] = WeakKeyDictionary()


def _request_of(task: Task) -> Said:
    """A task's request, read once; gone with the task."""
    heard = _HEARD.get(task)
    if heard is None:
        heard = _HEARD[task] = hear(task.request, 0, _FROM_REQUEST)
    return heard


class Sheet:
    """What the policy of one environment can point at.

    Args:
        arrays: Where to write.
        index: The line of the arrays that is this environment's.

    Attributes:
        values: What was said, in the order of the value actions.
        items: What was returned, in the order of the row actions.
        calls: Calls made so far.
        marks: The first amount, percentage and date that was said, by sort.
        said: Every value that was said.
    """

    def __init__(self, arrays: Arrays, index: int) -> None:
        self.index = index
        self.request, self.value_lines, self.row_lines = arrays.request[index], arrays.values[index], arrays.rows[index]
        self.value_bits, self.row_bits = arrays.value_bits[index], arrays.row_bits[index]
        self.grants, self.field_bits = arrays.grants[index], arrays.field_bits[index]
        self.tools = arrays.tools[index]
        self._arrays = arrays
        self.values: list[Value] = []
        self.items: list[Item] = []
        self.calls = 0
        self.today = ""
        self.marks: dict[str, Any] = {}
        self.said: set[Any] = set()
        self._said = 0
        self._rows_used = 0

    def open(self, task: Task) -> None:
        """Begin an episode: all that is there is what the request says."""
        heard = _request_of(task)
        words = len(heard.reading.words)
        self.request[words : self._said] = 0
        self.values, self.items, self.calls, self._said = [], [], 0, 0
        self.today = task.today
        self.marks, self.said = {}, set()
        self._hear(heard)
        self.value_lines[len(self.values) :] = 0
        self.value_bits[len(self.values) :] = 0
        self._say_today()
        self._clear_rows(0)
        self._take_stock()

    def learn(self, tool: str | None, arguments: dict[str, Any], came: Outcome) -> None:
        """Take in what came of a call that worked."""
        self.calls += 1
        raw, error = came
        if error is None and tool is not None:
            if tool == ASK:
                self._answered(str(raw["user"]))
            elif TOOLS[tool].kind != "end":
                self._returned(tool, raw, arguments)
        self._lay_out()

    @property
    def once(self) -> int:
        """Kinds of arguments that at least one candidate fits, a bit each."""
        return int(self._arrays.once[self.index])

    def use(self, value_slots: Sequence[int], row_slots: Sequence[int], tool: int, names: Sequence[str]) -> None:
        """Note which candidates a call that worked has used.

        Args:
            value_slots: Places of values.
            row_slots: Places of items.
            tool: The tool's place.
            names: The argument each of the values was used for.
        """
        for slot, name in zip(value_slots, names, strict=True):
            value, line = self.values[slot], self.value_lines[slot]
            value.used += 1
            line[_AT["used"]] = min(value.used, USES - 1)
            line[_AT["used_tool"]] = tool + 1
            line[_AT["used_as"]] = FIELD[name] + 1
        for slot in row_slots:
            item = self.items[slot]
            item.used, item.used_tool = item.used + 1, tool + 1

    def _hear(self, heard: Said) -> None:
        """Add a text's words and values."""
        start, room = self._said, MAX_WORDS - self._said
        words = heard.reading.words[:room]
        self.request[start : start + len(words), 0] = words
        self.request[start : start + len(words), 1] = heard.reading.bigrams[:room]
        self._said = start + len(words)
        first = len(self.values)
        fitting = heard.values[: MAX_VALUES - 1 - first]  # one line is the day's
        last = first + len(fitting)
        self.values += [Value(one.kind, one.value, one.bits, one.place, one.whole) for one in fitting]
        for one in fitting:
            mark = _MARKS.get(one.kind)
            if mark is not None:
                self.marks.setdefault(mark, one.value)
            self.said.add(one.value)
        self.value_lines[first:last] = heard.lines[: len(fitting)]
        self.value_bits[first:last] = heard.bits[: len(fitting)]

    def _say_today(self) -> None:
        """The CRM's own day can be pointed at too."""
        slot = len(self.values)
        taken = value_bits("date", (), self.today, False)
        self.values.append(Value("today", self.today, taken, 0, True))
        self.value_lines[slot] = 0
        self.value_lines[slot, _AT["kind"]] = len(said.MENTION_KINDS) + 1
        self.value_lines[slot, _AT["source"]] = _FROM_CALENDAR
        self.value_bits[slot] = taken

    def _answered(self, text: str) -> None:
        self._hear(hear(text, self._said, _FROM_USER))

    def _returned(self, tool: str, raw: Any, arguments: dict[str, Any]) -> None:
        """Put what was returned before all else; a record that was there already moves."""
        new = items(raw)
        known = {item.id: item for item in self.items if item.id is not None}
        place = self._place_of(arguments)
        fresh: dict[str | None, Item] = {}
        for item in new:
            item.call, item.tool = self.calls, TOOL_NAMES.index(tool)
            old = known.get(item.id) if item.id is not None else None
            if old is not None:
                item.origin, item.place, item.used, item.used_tool = old.origin, old.place, old.used, old.used_tool
                if item.index < 0 and old.index >= 0:
                    item.index, item.size, item.peers = old.index, old.size, old.peers
            item.place = self._match(item) or item.place or place
        if TOOLS[tool].kind == "write":
            for item in new[:1]:
                item.origin = MADE if tool in MAKERS else CHANGED if item.origin != MADE else MADE
            if isinstance(raw, dict) and "deleted" in raw:
                for item in new:
                    item.origin = DELETED
        for item in new:
            fresh.setdefault(item.id or str(id(item)), item)
        older = [item for item in self.items if item.id is None or item.id not in fresh]
        for item in fresh.values():
            old = known.get(item.id) if item.id is not None else None
            if item.origin == CHANGED and old is not None and old.row != item.row:
                old.origin = BEFORE
                older.insert(0, old)
        self.items = self._kept(list(fresh.values()), older)

    def _kept(self, new: list[Item], older: list[Item]) -> list[Item]:
        """What stays in sight, the newest first: of what is no record, little; records of our own making always."""
        new, others = _first(new, MAX_ROWS), 0
        room, kept = MAX_ROWS - len(new), []
        mine = sum(item.origin == MADE for item in older)
        for item in older:
            if item.id is None:
                others += 1
                if others > _OTHERS:
                    continue
            if item.origin == MADE:
                mine -= 1
            elif len(kept) + mine >= room:
                continue
            if len(kept) < room:
                kept.append(item)
        return new + kept

    def _place_of(self, arguments: dict[str, Any]) -> int:
        """Where the request speaks of what a call was made for: of its values, or of the records it names."""
        given = {**arguments, **arguments.get("updates", {})}
        for value in given.values():
            for item in self.items:
                if item.id == value and item.place:
                    return item.place
        for value in given.values():
            for one in self.values:
                if one.place and isinstance(value, str | int | float) and one.value == value:
                    return one.place
        return 0

    def _match(self, item: Item) -> int:
        """Where the request says the longest text that the record holds; notes which field, and how many are said."""
        if item.row is None:
            return 0
        held = {value: name for name, value in reversed(item.values.items()) if isinstance(value, str)}
        met = [one for one in self.values if one.kind != "enum" and one.value in held]
        item.matches = len({one.value for one in met})
        if not met:
            return 0
        best = max(met, key=_weight)
        item.matched = FIELD[held[best.value]] + 1
        return best.place

    def _clear_rows(self, first: int) -> None:
        last = self._rows_used
        if last > first:
            self.row_lines[first:last] = 0
            self.row_bits[first:last] = 0
            self.grants[first:last] = 0
        if first == 0:
            self.field_bits[:] = 0
        self._rows_used = first

    def _lay_out(self) -> None:
        """Write the lines of all items, and which values they hold."""
        self._clear_rows(len(self.items))
        texts: dict[Any, tuple[int, int]] = {}
        for slot, item in enumerate(self.items):
            self.row_lines[slot] = self._line_of(item)
            self.row_bits[slot] = whole_bits(item)
            self.grants[slot] = grants(item)
            if item.id is not None:
                for name, value in item.values.items():
                    if type(value) is str:
                        texts.setdefault(value, (FIELD[name] + 1, slot + 1))
        self.field_bits[:] = np.bitwise_or.reduce(self.grants[: max(1, len(self.items))], axis=0)
        for slot, value in enumerate(self.values):
            known = texts.get(value.value) if isinstance(value.value, str) else None
            self.value_lines[slot, _AT["known_as"]], self.value_lines[slot, _AT["known_row"]] = known or (0, 0)
        self._rows_used = len(self.items)
        self._take_stock()

    def _line_of(self, item: Item) -> list[int]:
        if item.line is None:
            item.line = row_line(item, self)
        line = item.line
        line[_AGE], line[_USED], line[_USED_TOOL] = age(item, self), min(item.used, USES - 1), item.used_tool
        line[_ORIGIN] = item.origin
        return line

    def _take_stock(self) -> None:
        """Which kinds have candidates, and so which forms can be filled."""
        self._forget_twins()
        values, rows = self.value_bits[: len(self.values)], self.row_bits[: len(self.items)]
        once = int(np.bitwise_or.reduce(values, initial=0)) | int(np.bitwise_or.reduce(rows, initial=0))
        once |= int(np.bitwise_or.reduce(self.field_bits)) | ALWAYS
        twice = 0
        for kind in LISTED:
            if int((values >> kind & 1).sum()) + int((rows >> kind & 1).sum()) >= 2:
                twice |= 1 << kind
        self._arrays.once[self.index], self._arrays.twice[self.index] = once, twice
        self.tools[:] = (NEEDED & ~once == 0) & (NEEDED_TWICE & ~twice == 0)

    def _forget_twins(self) -> None:
        """An id that is said twice, or is that of a record in sight, is no second item of a list."""
        seen = {item.id for item in self.items}
        for slot, value in enumerate(self.values):
            if value.kind == "id":
                taken = value.bits & ~_LISTS if value.value in seen else value.bits
                self.value_bits[slot] = taken
                seen.add(value.value)


def _weight(one: Value) -> tuple[int, int]:
    return len(str(one.value)), -one.place


def _first(found: list[Item], count: int) -> list[Item]:
    """The first of a list, without breaking it off before its records."""
    if len(found) <= count:
        return found
    records = [item for item in found if item.row is not None or item.shape == LIST]
    return records[:count]


def _needs(twice: bool) -> Bits:
    needed = []
    for form in _PLAN.forms:
        taken = 0
        for slot in form.slots:
            if slot.required and (slot.least > 1) == twice:
                taken |= 1 << slot.kind
        needed.append(taken)
    return np.array(needed, np.int64)


ALWAYS = sum(1 << kind.number for kind in _PLAN.kinds if kind.members or kind.bounds or "name" in kind.sorts)
"""Kinds of arguments that can be filled whatever was said or found."""

LISTED = tuple(sorted({slot.kind for form in _PLAN.forms for slot in form.slots if slot.least > 1}))
"""Kinds of the items of lists that must have several."""

_LISTS = sum(1 << kind for kind in LISTED)
NEEDED, NEEDED_TWICE = _needs(twice=False), _needs(twice=True)
