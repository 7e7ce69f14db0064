"""A digest of a suite for a model to read: what is asked and expected, and no identifier of any record.

An identifier is what could tell which record is meant: any text that a record of the task's world holds, or that the
task's own calls, changes or answers would write or name, but for members of enums, kinds of business, job titles and
version labels. None is in a digest, neither whole, in any case, nor any capitalised word of it. Nor is anything of the
form of a record id, an e-mail address, an address with a scheme (http:, file:), a telephone number or a file name, nor
what a request puts in quotes. Digits are 0: the notation of an amount or a date stays, its value does not. Tasks are
numbered, and their ids stay here. A request that cannot be cleared of all that is left out as a whole.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_gym import CODES, TOOLS, Task
from crm_gym.schema import TABLES, row_json
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, Goal, RefusalGoal

WITHHELD = "(left out: it could not be told without an identifier)"

_FREE = frozenset({"version", "industry", "title"})
_PLAIN_KINDS = frozenset({"money", "percent", "date", "datetime"})
_ENUMS = frozenset(
    word for table in TABLES.values() for column in table.columns for word in column.atom.schema.get("enum", ())
)
_COLUMNS = {(name, column.name): column.atom.kind for name, table in TABLES.items() for column in table.columns}
_UNSAID = frozenset(
    name for (_, name), kind in _COLUMNS.items() if name in _FREE or kind in _PLAIN_KINDS or kind.startswith("enum:")
)
_SHAPES = (
    re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
    re.compile(r"[a-z][a-z0-9+.-]*:/\S+", re.IGNORECASE),
    re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+"),
    re.compile(r"[\w.-]*[\w-]\.(?:pdf|docx?|pptx?|xlsx|csv|txt|key)\b", re.IGNORECASE),
    re.compile(r"\+\d[\d ()/-]{5,}\d"),
)
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|„[^“”]*[“”]|«[^»]*»|‘[^’]*’|(?<!\w)'[^'\n]*'(?!\w)")
_WORD = re.compile(r"\w+")
_HIDDEN = "<text>"


@dataclass(frozen=True, slots=True)
class Entry:
    """A task in a digest.

    Attributes:
        number: Its number in the digest, from 1.
        task: Its id; stays here.
        told: What a model is told of it.
    """

    number: int
    task: str
    told: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Digest:
    """A suite as a model is told of it.

    Attributes:
        entries: The tasks.
        summary: What there is, and how much of it, over all of them.
    """

    entries: tuple[Entry, ...]
    summary: dict[str, Any]


def digest(tasks: Sequence[Task]) -> Digest:
    """The digest of some tasks."""
    entries = tuple(Entry(number, task.id, _told(number, task)) for number, task in enumerate(tasks, 1))
    return Digest(entries, _summary(tasks))


def masked(task: Task) -> str:
    """The task's request without identifiers."""
    known = identifiers(task)
    text = _covered(task.request, known)
    text = re.sub(rf"{_HIDDEN}(?:[\s.&'-]*{_HIDDEN})+", _HIDDEN, text)
    text = re.sub(r"\d", "0", text)
    return WITHHELD if leaks(text, known) else text


def _covered(text: str, known: frozenset[str]) -> str:
    """The text with everything covered that any pattern finds in it as it was: what is found for one hides nothing
    from another."""
    folded, words = text.casefold(), _names_in(known)
    values = (_alone(value) for value in known if value.casefold() in folded)
    spans = [found.span() for shape in (_QUOTED, *_SHAPES, *values) for found in shape.finditer(text)]
    spans += [found.span() for found in _WORD.finditer(text) if _is_name(found[0], words)]
    out, end = [], 0
    for begin, until in sorted(spans):
        if begin >= end:
            out += [text[end:begin], _HIDDEN]
        end = max(end, until)
    return "".join([*out, text[end:]])


def leaks(text: str, known: Iterable[str]) -> list[str]:
    """Identifiers of the known ones that a text tells, whole or by a capitalised word, and whatever looks like one."""
    known = tuple(known)
    bare = text.replace(_HIDDEN, " ")
    folded, words = bare.casefold(), _names_in(known)
    whole = [value for value in known if value.casefold() in folded and _alone(value).search(bare)]
    shaped = [found[0] for shape in (*_SHAPES, _QUOTED) for found in shape.finditer(bare)]
    named = [word for word in _WORD.findall(bare) if _is_name(word, words)]
    return [*whole, *shaped, *named, *re.findall(r"[1-9]", bare)]


def identifiers(task: Task) -> frozenset[str]:
    """Every text that could tell which record of the task is meant."""
    calls = (*task.demonstration, *task.solution, *_refused(task.goal))
    found = {*_of_world(task), *_of_goal(task.goal)}
    for call in calls:
        found.update(_texts(call.arguments))
    return frozenset(_cleaned(found))


def _cleaned(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        text = value.strip()
        if text not in _ENUMS and text not in CODES and any(char.isalpha() for char in text):
            yield text


def _of_world(task: Task) -> frozenset[str]:
    return _in_world(task.world)


@functools.lru_cache(maxsize=256)
def _in_world(world: Any) -> frozenset[str]:
    rows = (row_json(row) for table in TABLES for row in world.crm.find(table))
    return frozenset(text for row in rows for text in _texts(row))


def _of_goal(goal: Goal) -> Iterator[str]:
    if isinstance(goal, ChangeGoal):
        for change in goal.changes:
            names = [column.name for column in TABLES[change.table].columns]
            yield from _texts(dict(zip(names, change.row or (), strict=False)))
    answer = goal.answer if isinstance(goal, ChangeGoal | AnswerGoal) else None
    if answer is not None:
        yield from _texts({"answer": answer.value})


def _refused(goal: Goal) -> tuple[Any, ...]:
    return (goal.call,) if isinstance(goal, RefusalGoal) else ()


def _texts(value: Any, name: str = "") -> Iterator[str]:
    """The texts in a value, but for those of fields that identify nothing."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _texts(item, str(key))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item, name)
    elif isinstance(value, str) and name not in _UNSAID and name not in ("code", "field", "about"):
        yield value


def _names_in(known: Iterable[str]) -> frozenset[str]:
    return frozenset(word.casefold() for value in known for word in _WORD.findall(value) if word[0].isupper())


def _is_name(word: str, words: frozenset[str]) -> bool:
    return word[0].isupper() and word.casefold() in words and word not in _ENUMS


def _alone(value: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(value)}(?!\w)", re.IGNORECASE)


def _told(number: int, task: Task) -> dict[str, Any]:
    return {
        "case": number,
        "about": task.family,
        "level": task.difficulty,
        "request": masked(task),
        "expected": _expected(task.goal),
        "tools": list(task.hints),
        "asks_user": task.user is not None,
        "records": sum(1 for table in TABLES for _ in task.world.crm.find(table)),
    }


def _expected(goal: Goal) -> str:
    if isinstance(goal, RefusalGoal):
        return f"refused: {goal.call.tool}, {goal.code}" + (f" of {goal.field}" if goal.field in _FIELDS else "")
    answer = goal.answer
    said = "" if answer is None else f"answered with {answer.give}"
    if isinstance(goal, AnswerGoal):
        return said
    changes = Counter(_change(change) for change in goal.changes)
    parts = [name if count == 1 else f"{name} ({count} times)" for name, count in changes.items()]
    return "; ".join([*parts, *([said] if said else [])])


_FIELDS = frozenset(name for _, name in _COLUMNS) | {
    name for tool in TOOLS.values() for name in tool.schema.get("properties", {})
}


def _change(change: Any) -> str:
    if change.row is None:
        return f"{change.table} deleted"
    return f"{change.table} created" if change.id is None else f"{change.table} changed"


def _summary(tasks: Sequence[Task]) -> dict[str, Any]:
    """Counts over all tasks, beside everything that there could be."""
    refused = [task for task in tasks if isinstance(task.goal, RefusalGoal)]
    codes = Counter(
        (_refused(task.goal)[0].tool, task.goal.code) for task in refused if isinstance(task.goal, RefusalGoal)
    )
    used = Counter(call.tool for task in tasks for call in (*task.demonstration, *_refused(task.goal)))
    said = Counter(
        (call.tool, name)
        for task in tasks
        for call in (*task.demonstration, *_refused(task.goal))
        for name in {**call.arguments, **_inner(call.arguments)}
    )
    return {
        "cases": len(tasks),
        "by_subject": dict(Counter(task.family for task in tasks)),
        "by_level": {str(level): count for level, count in sorted(Counter(t.difficulty for t in tasks).items())},
        "refused": len(refused),
        "tools": {
            name: {
                "used_in_calls": used[name],
                "arguments": {argument: said[name, argument] for argument in _arguments(tool.schema)},
                "refused_for": {code: codes[name, code] for code in CODES if codes[name, code]},
            }
            for name, tool in TOOLS.items()
        },
        "refusal_codes": dict(CODES),
    }


def _inner(arguments: Mapping[str, Any]) -> dict[str, Any]:
    updates = arguments.get("updates")
    return dict(updates) if isinstance(updates, Mapping) else {}


def _arguments(schema: Mapping[str, Any]) -> list[str]:
    parts = schema.get("properties", {})
    inner = parts.get("updates", {}).get("properties", {})
    return [name for name in (*parts, *inner) if name != "updates"]
