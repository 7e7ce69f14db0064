"""What one episode's policy can point at: the request's values and what the CRM has returned, as arrays and as values.

A sheet changes when an episode begins and when a call has been made; between them only the form changes.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from crm_gym.form.arrays import Arrays, Mask
from crm_gym.form.columns import ROW_COLUMNS, USES, VALUE_COLUMNS, places
from crm_gym.form.found import BEFORE, CHANGED, DELETED, FIELD, GROUP, MADE, Item, grants, items, whole_bits
from crm_gym.form.heard import Said, Value, beginning_of, forget_twins, hear, marks_of
from crm_gym.form.kept import kept_of
from crm_gym.form.layout import MAX_VALUES
from crm_gym.form.lines import age, row_line
from crm_gym.form.stock import Stock, stock_of
from crm_gym.form.words import MAX_WORDS
from crm_gym.tasks.plan import MAKERS
from crm_gym.tasks.session import ASK
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOL_NAMES, TOOLS
from crm_gym.tools.base import Outcome

_AT = places(VALUE_COLUMNS)
_ROW_AT = places(ROW_COLUMNS)
_AGE, _USED, _USED_TOOL, _ORIGIN = (_ROW_AT[name] for name in ("age", "used", "used_tool", "origin"))
_KNOWN = slice(_AT["known_as"], _AT["known_row"] + 1)  # beside each other
_UNKNOWN = 0, 0


def _view(name: str) -> Any:
    """An environment's line of one of the arrays; made anew each time: kept, the views would be most of its memory."""
    return property(lambda sheet: getattr(sheet._arrays, name)[sheet.index])


class Sheet:
    """What the policy of one environment can point at.

    Args:
        arrays: Where to write.
        index: The line of the arrays that is this environment's.

    Attributes:
        values: What was said, in the order of the value actions.
        items: What was returned, in the order of the row actions.
        calls: Calls made so far.
        offered: The tools that there are at all, bool (tools,).
        marks: The first amount, percentage and date that was said, by sort.
        said: Every value that was said.
        request, value_lines, row_lines, value_bits, row_bits, field_bits, tools: Its lines of `Arrays`.
    """

    __slots__ = (
        *("_arrays", "_lines_used", "_rows_used", "_said"),
        *("calls", "index", "items", "marks", "offered", "said", "today", "values"),
    )

    def __init__(self, arrays: Arrays, index: int) -> None:
        self.index = index
        self.look_at(arrays)
        self.values: Sequence[Value] = ()
        self.items: list[Item] = []
        self.calls = 0
        self.today = ""
        self.marks: dict[str, Any] = {}
        self.said: Set[Any] = frozenset()
        self.offered: Mask = np.ones(len(TOOLS), np.bool_)
        self._said = self._lines_used = self._rows_used = 0

    request, value_lines, row_lines = _view("request"), _view("values"), _view("rows")
    value_bits, row_bits, field_bits, tools = (
        _view(name) for name in ("value_bits", "row_bits", "field_bits", "tools")
    )

    @property
    def grants(self) -> Any:
        """Which kinds of arguments take what an item holds in a field, a bit each, (items, fields)."""
        return self._arrays.granted[self.index].T

    def look_at(self, arrays: Arrays) -> None:
        """Write there from now on."""
        self._arrays = arrays

    def open(self, task: Task) -> None:
        """Begin an episode: all that is there is what the request says."""
        begins, arrays, index = beginning_of(task), self._arrays, self.index
        heard = begins.heard
        words, lines = len(heard.words), len(heard.values)
        request, shown, bits = arrays.request[index], arrays.values[index], arrays.value_bits[index]
        request[:words], shown[:lines], bits[:lines] = heard.words, heard.lines, heard.bits
        request[words : self._said] = 0
        shown[lines : self._lines_used] = 0
        bits[lines : self._lines_used] = 0
        self.values, self.items, self.calls, self.today = heard.values, [], 0, task.today
        self._said, self._lines_used = words, lines
        self.marks, self.said = begins.marks, begins.said
        self._clear_rows(0)
        self._note(begins.stock)

    def learn(self, tool: str | None, arguments: dict[str, Any], came: Outcome) -> None:
        """Take in what came of a call; of one that was refused, that all the rest is older now."""
        self.calls += 1
        raw, error = came
        if error is not None or tool is None:
            self.row_lines[: len(self.items), _AGE] = [age(item, self) for item in self.items]
            return
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
        values = list(self.values)
        for slot, name in zip(value_slots, names, strict=True):
            one, line = values[slot], self.value_lines[slot]
            values[slot] = value = Value(one.kind, one.value, one.bits, one.place, one.whole, one.used + 1)
            line[_AT["used"]] = min(value.used, USES - 1)
            line[_AT["used_tool"]] = tool + 1
            line[_AT["used_as"]] = FIELD[name] + 1
        self.values = values
        for slot in row_slots:
            item = self.items[slot]
            item.used, item.used_tool = item.used + 1, tool + 1

    def _add(self, heard: Said) -> None:
        """Add a text's words and values, as far as there is room."""
        start, first = self._said, self._lines_used
        words, values = heard.words[: MAX_WORDS - start], heard.values[: MAX_VALUES - first]
        self._said, self._lines_used = start + len(words), first + len(values)
        self.request[start : self._said] = words
        self.values = (*self.values, *values) if self.values else values
        self.value_lines[first : self._lines_used] = heard.lines[: len(values)]
        self.value_bits[first : self._lines_used] = heard.bits[: len(values)]

    def _answered(self, text: str) -> None:
        heard, first = hear(text, self._said), self._lines_used
        self._add(heard)
        new = self.values[first:]
        self.marks = marks_of(new) | self.marks
        self.said = self.said | {one.value for one in new}

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
        for number, item in enumerate(new):
            fresh.setdefault(item.id or str(number), item)
        older = [item for item in self.items if item.id is None or item.id not in fresh]
        for item in fresh.values():
            old = known.get(item.id) if item.id is not None else None
            if item.origin == CHANGED and old is not None and old.row != item.row:
                old.origin = BEFORE
                older.insert(0, old)
        self.items = kept_of(list(fresh.values()), older)

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
        held = {value: name for name, value in reversed(item.values.items()) if isinstance(value, str | int | float)}
        if item.row is not None:
            met = [one for one in self.values if one.kind != "enum" and one.value in held]
        else:  # of what is no record, only the label of a group says which it is
            met = [one for one in self.values if one.value in (item.label or None, *_texts(item))]
        item.matches = len({one.value for one in met})
        if not met:
            return 0
        best = max(met, key=_weight)
        item.matched = FIELD.get(held.get(best.value, ""), -1) + 1
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
        count = len(self.items)
        self._clear_rows(count)
        if count:
            self.row_lines[:count] = [self._line_of(item) for item in self.items]
            self.row_bits[:count] = [whole_bits(item) for item in self.items]
            granted = np.array([grants(item) for item in self.items])
            self.grants[:count] = granted
            self.field_bits[:] = np.bitwise_or.reduce(granted, axis=0)
        self._rows_used = count
        self.value_lines[: len(self.values), _KNOWN] = self._known()
        self._take_stock()

    def _known(self) -> list[tuple[int, int]]:
        """Of each value, the field in which a record holds it, and that record's line, from 1; or zeros."""
        said = self.said
        held: dict[Any, tuple[int, int]] = {}
        for slot, item in enumerate(self.items, 1):
            if item.id is not None:
                for name, value in item.values.items():
                    if type(value) is str and (value in said or value == self.today):
                        held.setdefault(value, (FIELD[name] + 1, slot))
        if not held:
            return [_UNKNOWN] * len(self.values)
        return [held.get(one.value, _UNKNOWN) if type(one.value) is str else _UNKNOWN for one in self.values]

    def _line_of(self, item: Item) -> list[int]:
        if item.line is None:
            item.line = row_line(item, self)
        line = item.line
        line[_AGE], line[_USED], line[_USED_TOOL] = age(item, self), min(item.used, USES - 1), item.used_tool
        line[_ORIGIN] = item.origin
        return line

    def _take_stock(self) -> None:
        """Which kinds have candidates, and so which forms can be filled."""
        bits = self.value_bits[: self._lines_used]
        forget_twins(self.values, bits, {item.id for item in self.items})
        self._note(stock_of(bits, self.row_bits[: len(self.items)], self.field_bits))

    def _note(self, stock: Stock) -> None:
        arrays, index = self._arrays, self.index
        arrays.once[index], arrays.twice[index] = stock.once, stock.twice
        arrays.tools[index] = stock.tools & self.offered


def _texts(item: Item) -> list[str]:
    """The texts that a group holds."""
    return [value for value in item.values.values() if isinstance(value, str)] if item.shape == GROUP else []


def _weight(one: Value) -> tuple[bool, int, int]:
    return isinstance(one.value, str), len(str(one.value)), -one.place
