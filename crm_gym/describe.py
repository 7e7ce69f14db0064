"""A task laid open: its world, what must come about and one way there, as JSON values and as lines for people.

Not for policies: it shows the solution.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from crm_gym.render import safe
from crm_gym.schema import TABLES, row_json
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, Expected, RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import ToolCall

JSON = Any

SHOWN_WHOLE = 60
"""Records up to which a world is shown whole."""

_STYLES = {"create": "green", "update": "yellow", "delete": "red"}


def task_json(task: Task) -> dict[str, JSON]:
    """A task as JSON values, with its world and its solution."""
    crm = task.world.crm
    return {
        "id": task.id,
        "family": task.family,
        "polarity": task.polarity,
        "tags": list(task.tags),
        "today": task.today,
        "request": task.request,
        "world": task.world.name,
        "keys": {record: key for key, record in task.world.ids.items()},
        "records": {table: [row_json(row) for row in crm.find(table)] for table in TABLES},
        "expected": _expected(task),
        "solution": [_call_json(call) for call in task.solution],
        "lookups": [_call_json(call) for call in task.lookups],
        "demonstration": [_call_json(call) for call in task.demonstration],
    }


def _call_json(call: ToolCall) -> dict[str, JSON]:
    return {"tool": call.tool, "arguments": dict(call.arguments)}


def _expected(task: Task) -> dict[str, JSON]:
    goal = task.goal
    if isinstance(goal, ChangeGoal):
        report = {} if goal.answer is None else {"answer": _answer_json(goal.answer)}
        return {"changes": [_change_json(change, task) for change in goal.changes], **report}
    if isinstance(goal, AnswerGoal):
        return {"answer": _answer_json(goal.answer)}
    assert isinstance(goal, RefusalGoal)
    return {"refusal": {"code": goal.code, "field": goal.field, "call": _call_json(goal.call)}}


def _answer_json(answer: Answer) -> dict[str, JSON]:
    return {"form": answer.give, "value": answer.value}


def _change_json(change: Expected, task: Task) -> dict[str, JSON]:
    """An expected change: which record, and its fields that are new or other than before."""
    before = task.world.crm.get(change.table, change.id) if change.id else None
    old = row_json(before) if before is not None else {}
    new = row_json(change.row) if change.row is not None else {}
    free = [TABLES[change.table].columns[place].name for place in change.free]
    what = "create" if change.id is None else "update" if new else "delete"
    fields = {name: value for name, value in new.items() if name not in free and value != old.get(name)}
    return {"change": what, "table": change.table, "id": change.id, "fields": fields, "free": free}


def one_line(text: str) -> str:
    """The text in one line, with everything unprintable escaped."""
    return safe(text.replace("\n", " "))


def _value(value: JSON) -> str:
    return safe(json.dumps(value, ensure_ascii=False))


def lines(task: dict[str, JSON]) -> Iterator[tuple[str, str]]:
    """What `task_json` gives, as safe lines, each with its style (a word that rich knows, "" for none)."""
    yield f"{one_line(task['id'])}  {task['family']}, {task['polarity']}; today {task['today']}", "bold"
    yield safe(task["request"]), ""
    yield f"\nworld {one_line(task['world'])}", "bold"
    yield from _records(task)
    yield "\nexpected", "bold"
    yield from _expectation(task["expected"])
    for part in ("solution", "lookups", "demonstration"):
        if part == "demonstration" and task[part] == task["lookups"] + task["solution"]:
            continue
        yield f"\n{part}", "bold"
        for call in task[part]:
            yield call_line(call), ""
        if not task[part]:
            yield "  none", "dim"


def _records(task: dict[str, JSON]) -> Iterator[tuple[str, str]]:
    """The world's records; of a large one those alone that the task names."""
    said = json.dumps([task["expected"], task["demonstration"]])
    count = sum(map(len, task["records"].values()))
    left_out = 0
    for table, rows in task["records"].items():
        for row in rows:
            if count > SHOWN_WHOLE and next(iter(row.values())) not in said:
                left_out += 1
            else:
                yield from _record(table, row, task["keys"])
    if left_out:
        yield f"  and {left_out} more records", "dim"


def _record(table: str, row: dict[str, JSON], keys: dict[str, str]) -> Iterator[tuple[str, str]]:
    record, *_ = row.values()
    yield f"  {table} {one_line(record)}{_key(keys, record)}", "cyan"
    fields = list(row.items())[1:]
    yield "      " + ", ".join(f"{name} {_value(value)}" for name, value in fields if value is not None), ""


def _key(keys: dict[str, str], record: str) -> str:
    return f"  @{one_line(keys[record])}" if record in keys else ""


def call_line(call: dict[str, JSON]) -> str:
    """A call in one safe line."""
    return f"  {one_line(call['tool'])} {_value(call['arguments'])}"


def _expectation(expected: dict[str, JSON]) -> Iterator[tuple[str, str]]:
    for change in expected.get("changes", ()):
        style = _STYLES[change["change"]]
        yield f"  {change['change']} {change['table']} {one_line(change['id'] or '')}".rstrip(), style
        for name, value in change["fields"].items():
            yield f"      {name}: {_value(value)}", style
        if change["free"]:
            yield f"      free: {', '.join(change['free'])}", "dim"
    if "answer" in expected:
        yield f"  answer ({expected['answer']['form']}): {_value(expected['answer']['value'])}", "green"
    if "refusal" in expected:
        refusal = expected["refusal"]
        yield f"  refusal {refusal['code']} of {one_line(refusal['field'])}, earned by", "red"
        yield call_line(refusal["call"]), ""
