"""Whether a task can be solved from its request and the CRM alone, and means one record only."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from crm_gym.certify.values import table_of
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import Answer, label
from crm_gym.tasks.goal import AnswerGoal, RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall, call

_NUMBER = re.compile(
    r"(?<![\w.,-])[$€£]?"  # not inside a word, an id or a longer number
    r"(-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|-?[0-9]+(?:\.[0-9]+)?)"
    r"(?!\w|[.,-][0-9])"
)
_PAGING = ("limit", "offset")
_CLEARING = re.compile(r"\b(null|empty|clear|blank|remove)", re.IGNORECASE)


@dataclass
class Known:
    """What an agent knows: the request, and what its calls have shown so far."""

    request: str
    texts: set[str] = field(default_factory=set)
    numbers: set[Decimal] = field(default_factory=set)
    pairs: set[tuple[str, Decimal]] = field(default_factory=set)  # a group's name and a number shown with it

    def learn(self, value: Any) -> None:
        """Take in a result, with everything inside it."""
        if isinstance(value, Mapping):
            words = [item for item in value.values() if isinstance(item, str)]
            self.pairs |= {(word, number) for word in words for number in _own_numbers(value)}
            for name, item in value.items():
                self.texts.add(str(name))
                self.pairs |= {(str(name), number) for number in _own_numbers(item)}
                self.learn(item)
        elif isinstance(value, list | tuple):
            for item in value:
                self.learn(item)
        elif isinstance(value, str):
            self.texts.add(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            self.numbers.add(Decimal(str(value)))

    def shown(self, value: Any) -> bool:
        """Whether a result held exactly that value."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            return Decimal(str(value)) in self.numbers
        return value in self.texts


def _own_numbers(value: Any) -> set[Decimal]:
    """The numbers of a group: the value itself, or those directly inside it."""
    items = value.values() if isinstance(value, Mapping) else [value]
    return {Decimal(str(item)) for item in items if isinstance(item, int | float) and not isinstance(item, bool)}


def said(request: str, value: Any, *, any_case: bool = False) -> bool:
    """Whether a request says a value: texts literally, numbers and dates in the ways people write them."""
    if value is None:
        return _CLEARING.search(request) is not None
    if isinstance(value, bool):
        return re.search(rf"\b{value}\b", request, re.IGNORECASE) is not None
    if isinstance(value, int | float | Decimal):
        return Decimal(str(value)) in _numbers(request)
    if not value.strip():
        return f'"{value}"' in request or f"'{value}'" in request
    ways = [value, *_written_dates(value)]
    if any_case:
        request, ways = request.casefold(), [way.casefold() for way in ways]
    return any(_stands(request, way) for way in ways)


def _stands(text: str, part: str) -> bool:
    """Whether the part stands in the text, not as a piece of a longer word."""
    before = r"(?<!\w)" if part[0].isalnum() else ""
    after = r"(?!\w)" if part[-1].isalnum() else ""
    return re.search(before + re.escape(part) + after, text) is not None


def _numbers(text: str) -> set[Decimal]:
    return {Decimal(found.replace(",", "")) for found in _NUMBER.findall(text)}


def _written_dates(value: str) -> list[str]:
    try:
        day = date.fromisoformat(value) if len(value) == 10 else None
    except ValueError:
        day = None
    if day is None:
        return []
    month = day.strftime("%B")  # the C locale's: Python does not take another unless told to
    return [f"{day.day} {month} {day.year}", f"{month} {day.day}, {day.year}"]


def unreachable(task: Task, rows: Collection[str] = ()) -> list[str]:
    """What a solver needs and cannot know; empty if all is well.

    Args:
        task: The task.
        rows: Ids of the records that an answer is worked out from, for answers whose value does not
            itself stand in a record (counts, sums, mappings).

    Returns:
        One sentence a value: those of the solution or the refused call that are neither in the request nor in
        what the lookups show, those of the lookups themselves, and answers the request gives away.
    """
    known = Known(task.request)
    faults = list(_looking_up(task, known))
    if isinstance(task.goal, AnswerGoal):
        return faults + list(_answering(task, task.goal.answer, known, rows))
    calls = (task.goal.call,) if isinstance(task.goal, RefusalGoal) else task.solution
    return faults + [fault for each in calls for fault in _unknown(known, each, "it is neither said nor shown")]


def _looking_up(task: Task, known: Known) -> Iterator[str]:
    crm = task.world.crm.fork("lookups")
    for lookup in task.lookups:
        yield from _unknown(known, lookup, "a look-up cannot know it", any_case=True)
        result = call(crm, lookup)
        if result.error is not None:
            yield f"{lookup.tool} is refused: {result.error}"
        known.learn(result.value)
    if crm.journal.changes:
        yield "a look-up changes something"


def _unknown(known: Known, request: ToolCall, why: str, *, any_case: bool = False) -> Iterator[str]:
    for name, value in _leaves(request.arguments):
        if name in _PAGING or (any_case and value is None):
            continue
        loose = any_case or name == "entity_type"
        if not said(known.request, value, any_case=loose) and not known.shown(value):
            yield f"{request.tool} {name}={value!r}: {why}"


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for inner, item in value.items():
            yield from _leaves(item, inner)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, name)
    else:
        yield name, value


def _answering(task: Task, answer: Answer, known: Known, rows: Collection[str]) -> Iterator[str]:
    value = answer.value
    if _given_away(task, value):
        yield f"the request gives the answer {value!r} away"
    if isinstance(value, dict):
        worked_out = all((name, Decimal(str(number))) in known.pairs for name, number in value.items())
    else:
        worked_out = all(known.shown(item) for item in _list(value))
    derived = answer.give in ("count", "sum", "mapping") and bool(rows) and all(known.shown(row) for row in rows)
    if not (worked_out or derived):
        yield f"the look-ups show neither the answer {value!r} nor the records it follows from"


def _given_away(task: Task, value: Any) -> bool:
    """Whether all of the answer stands in the request."""
    if isinstance(value, dict):
        return all(said(task.request, item) for item in value.values())
    return all(_is_said(task, item) for item in _list(value))


def _is_said(task: Task, value: Any) -> bool:
    return any(said(task.request, way, any_case=True) for way in _ways_to_say(task, value))


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _ways_to_say(task: Task, value: Any) -> list[Any]:
    table = table_of(task.world.crm, value)
    name = label(task.world.crm.get(table, value)) if table else None
    return [value] if name is None else [value, name]


# One record only


def ambiguous(task: Task) -> list[str]:
    """Records that the task's calls name by id although the request may mean another; empty if all is well."""
    goal = task.goal
    last = (goal.call,) if isinstance(goal, RefusalGoal) else task.solution
    calls = [request for request in (*task.lookups, *last) if TOOLS[request.tool].kind != "end"]
    named = [value for request in calls for _, value in _leaves(request.arguments)]
    used = [value for value in dict.fromkeys(named) if table_of(task.world.crm, value)]
    meant = _searched_for(task, used)
    return [
        f"{_shown(task, record)} is not the only record meant"
        for record in used
        if record not in meant and not _single(task, record)
    ]


def _searched_for(task: Task, used: Collection[str]) -> set[str]:
    """The records of searches that find nothing but what is used: the one there is, or all of them."""
    crm = task.world.crm.fork("searches")
    found: set[str] = set()
    for lookup in task.lookups:
        value = call(crm, lookup).value
        rows = value.get("rows", ()) if isinstance(value, dict) else ()
        ids = {next(iter(row.values())) for row in rows}  # a record's first field is its id
        if ids <= set(used):
            found |= ids
    return found


def _shown(task: Task, record: str) -> str:
    table = table_of(task.world.crm, record) or ""
    return f"{table} {label(task.world.crm.get(table, record)) or record}"


def _single(task: Task, record: str) -> bool:
    """Whether what the request says of a record fits no other of its table."""
    if record in task.request:
        return True
    crm = task.world.crm
    table = table_of(crm, record) or ""
    row: Row = crm.get(table, record)
    told = _told(task, table, row)
    rivals = [other for other in crm.find(table) if other != row and all(other[at] == row[at] for at in told)]
    return bool(told) and not rivals


def _told(task: Task, table: str, row: Row) -> list[int]:
    """The places of a row whose value the request says, or whose record it names."""
    crm, request = task.world.crm, _without_longer_names(task, table, row)
    told = []
    for at, column in enumerate(TABLES[table].columns):
        value = row[at]
        if value is None or column.key or column.auto:
            continue
        named = value
        if column.ref is not None:
            other = crm.get(table_of(crm, value) or "", value) if table_of(crm, value) else None
            named = None if other is None else label(other)
            if named is None and other is not None and _single(task, value):
                told.append(at)
        if named is not None and not isinstance(named, tuple) and said(request, named, any_case=True):
            told.append(at)
    return told


def _without_longer_names(task: Task, table: str, row: Row) -> str:
    """The request without names of other records that hold this record's name: they do not mean it."""
    own, request = label(row), task.request
    if own is None:
        return request
    names = {label(other) or "" for other in task.world.crm.find(table)}
    for name in sorted(names, key=len, reverse=True):
        if len(name) > len(own) and own.casefold() in name.casefold():
            request = request.replace(name, "")
    return request
