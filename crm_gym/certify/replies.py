"""Wrong replies: answers that are not right, and requests turned down for the wrong reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from crm_gym.certify.values import EndState, again, nearest, play, sampled, table_of
from crm_gym.crm import Crm
from crm_gym.errors import CODES
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.goal import RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall, ToolResult, outcome

_TOOLS = 5  # how many other tools are given the refused arguments, where only some ways are to be tried

# Read tasks


def wrong_replies(task: Task, answer: Answer) -> Iterator[EndState]:
    """Ends of a task that wants an answer without the right one, its changes made; and the answer without them."""
    writes = [call for call in task.solution if call.tool != "respond"]
    written = play(task, writes)
    reason = {"code": "not_found", "reason": str(answer.value)}
    for name, call in (
        ("finished without an answer", ToolCall("finish")),
        ("declined", ToolCall("decline", {"code": "not_found"})),
        ("the right answer, refused", ToolCall("respond", {"answer": answer.value, "sure": True})),
        ("the right answer as a reason to decline", ToolCall("decline", reason)),
    ):
        yield _then(written, call, name)
    for wrong in wrong_answers(answer, task.world.crm):
        yield _then(written, ToolCall("respond", {"answer": wrong}), f"answered {wrong!r}")
    if writes:
        respond = ToolCall("respond", {"answer": answer.value})
        yield play(task, [respond], "answered, and nothing changed")


def _then(end: EndState, request: ToolCall, name: str) -> EndState:
    """One more call at the end."""
    further = again(end, name)
    result = ToolResult(request, *outcome(further.crm, request.tool, request.arguments))
    return EndState(name, further.crm, (*end.results, result))


def wrong_answers(answer: Answer, crm: Crm) -> list[Any]:
    """Answers of the same and of other forms that are not right."""
    value = answer.value
    common: list[Any] = [None, "", [], {}, True, "nothing of the kind"]
    if answer.give in ("record", "records"):
        return common + _wrong_records(answer, crm)
    if isinstance(value, dict):
        return common + _wrong_mappings(value)
    if isinstance(value, list):
        alien = max(value) + 1 if isinstance(value[0], int | float) else "none of them"
        return [*common, [*value, alien], [alien, *value[1:]], *([value[:-1], value[0]] if len(value) > 1 else [])]
    if isinstance(value, int | float):
        near = [one for one in (value + 1, value - 1, value * 10, -value, 0) if one != value]
        return [*common, *near, {"answer": value}, [value, value + 1]]
    return [*common, value + " II", value[:-1], value[1:], 0, {"answer": value}, [value, value + " II"]]


def _wrong_records(answer: Answer, crm: Crm) -> list[Any]:
    right = [answer.value] if isinstance(answer.value, str) else list(answer.value)
    table = table_of(crm, right[0]) or ""
    alien = [row[0] for row in nearest(crm, table, crm.get(table, right[0]), right, 3)]
    wrong: list[Any] = [[*right, one] for one in alien] + [[one, *right[1:]] for one in alien]
    wrong += alien + [{answer.key: one} for one in alien] + [0, [right[0], 0]]
    if len(right) > 1:
        wrong += [right[:-1], right[1:], right[0], [right[0]] * len(right)]
    return wrong


def _wrong_mappings(value: dict[str, Any]) -> list[Any]:
    wrong: list[Any] = [list(value), list(value.values()), {**value, "Other": 1}]
    for name, number in value.items():
        wrong.append({**value, name: number + 1})
        wrong.append({other: kept for other, kept in value.items() if other != name})
        wrong.append({(f"{other} II" if other == name else other): kept for other, kept in value.items()})
    return wrong


# Tasks to be refused


def wrong_refusals(task: Task, goal: RefusalGoal, most: int | None = None) -> Iterator[EndState]:
    """Ends of a task to be refused, under its protocol, without the right refusal."""
    right = {"code": goal.code, "field": goal.field}
    yield play(task, [ToolCall("finish")], "finished")
    yield play(task, [ToolCall("respond", {"answer": goal.code})], "the code as an answer")
    for code in _near(goal.code, list(CODES)):
        yield play(task, [ToolCall("decline", {**right, "code": code})], f"declined for {code}")
    for field in (*_near(goal.field, _fields(goal.call.tool)), "", goal.code, None):
        yield play(task, [ToolCall("decline", {**right, "field": field})], f"declined for the field {field!r}")
    yield play(task, [ToolCall("decline", {"code": goal.code})], "declined without a field")
    yield play(task, [ToolCall("decline", {**right, "why": "?"})], "the right decline, refused")
    if goal.attempt:
        yield play(task, [ToolCall("decline", right)], "declined where it should be tried")
    else:
        yield play(task, [goal.call], "tried where it should be declined")
    others = [tool for tool in TOOLS if tool != goal.call.tool and TOOLS[tool].kind == "write"]
    for tool in sampled(others, None if most is None else _TOOLS, task.id):
        yield play(task, [ToolCall(tool, goal.call.arguments)], f"the same arguments to {tool}")


def _fields(tool: str) -> list[str]:
    known = TOOLS[tool].schema["properties"]
    return [*known, *known.get("updates", {}).get("properties", ())]


def _near(word: str, words: list[str]) -> list[str]:
    """The words before and after it in the list, which closes to a ring."""
    if not words:
        return []
    at = words.index(word) if word in words else 0
    return [other for other in dict.fromkeys((words[at - 1], words[(at + 1) % len(words)])) if other != word]
