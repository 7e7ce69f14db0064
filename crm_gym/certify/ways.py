"""Other ways to play a task's solution that must count as well."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from crm_gym.certify.order import Way, backwards, shifted
from crm_gym.certify.values import NO_ID, table_of
from crm_gym.schema import row_json
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.goal import ChangeGoal, RefusalGoal
from crm_gym.tasks.plan import new
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall


def equivalents(task: Task) -> dict[str, Way]:
    """Ways that must be judged a success, by what is special about them; no two are the same calls."""
    ways = {**_detours(task), **_spellings(task)}
    goal = task.goal
    if isinstance(goal, RefusalGoal):
        ways |= _refusals(task, goal)
    else:
        if isinstance(goal, ChangeGoal):
            ways |= _writes(task, goal)
        if goal.answer is not None:
            writes = [call for call in task.solution if call.tool != "respond"]
            for name, said in _sayings(task, goal.answer):
                ways[f"answered {name}"] = [*writes, ToolCall("respond", {"answer": said})]
    plain = ways.pop("as it stands")
    return {"as it stands": plain} | {name: way for name, way in ways.items() if repr(way) != repr(plain)}


def _detours(task: Task) -> dict[str, Way]:
    right = list(task.solution)
    first = right[0]
    return {
        "as it stands": right,
        "the whole way": list(task.demonstration),
        "reads first": [ToolCall("client_search"), *task.lookups, ToolCall("quote_prefixes"), *right],
        "looked up twice": [*task.lookups, *task.lookups, *right],
        "an argument too many first": [ToolCall(first.tool, {**first.arguments, "x": "blue"}), *right],
        "an unknown tool first": [ToolCall("go"), *right],
        "an unknown id first": [ToolCall("opportunity_details", {"opportunity_id": NO_ID}), *right],
        "a slip put right first": [*_slip(task), *right],
    }


def _slip(task: Task) -> Way:
    """A client changed and changed back: in the end, nothing."""
    client = next(iter(task.world.crm.find("Client")), None)
    if client is None:
        return []
    slips = ({"industry": "Something else"}, {"industry": client.industry})
    return [ToolCall("modify_client", {"id": client.client_id, "updates": updates}) for updates in slips]


def _spellings(task: Task) -> dict[str, Way]:
    right = task.solution
    return {
        "names in reverse order": [ToolCall(c.tool, _reversed(c.arguments)) for c in right],
        "numbers with a point": [ToolCall(c.tool, _floats(c.arguments)) for c in right],
    }


def _reversed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _reversed(value[name]) for name in reversed(value)}
    return value


def _floats(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _floats(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_floats(item) for item in value]
    return float(value) if type(value) is int else value


def _writes(task: Task, goal: ChangeGoal) -> dict[str, Way]:
    right = list(task.solution)
    between = [each for call in right for each in (call, ToolCall("contact_search"))]
    ways = {"reads between": between, "in reverse order": backwards(task)}
    if goal.answer is None:
        ways["finished at the end"] = [*right, ToolCall("finish")]
    ways["empty optional arguments said"] = [ToolCall(c.tool, {**_nulls(c), **c.arguments}) for c in right]
    ways["the id by the record's own name for it"] = [_own_key(call) for call in right]
    deal = next(iter(task.world.crm.find("Opportunity")), None)
    if deal is not None:
        quote = {"opportunity_id": deal.opportunity_id, "amount": 1, "status": "Draft"}
        slip = [ToolCall("create_quote", quote), ToolCall("delete_quote", {"quote_id": new(0)})]
        ways["a quote made by mistake and deleted first"] = [*slip, *(shifted(call, 1) for call in right)]
    return ways


def _nulls(call: ToolCall) -> dict[str, None]:
    schema = TOOLS[call.tool].schema
    return {name: None for name in schema["properties"] if name not in schema["required"]}


def _own_key(call: ToolCall) -> ToolCall:
    if not call.tool.startswith("modify_"):
        return call
    own = {"id": call.tool.removeprefix("modify_") + "_id"}
    return ToolCall(call.tool, {own.get(name, name): value for name, value in call.arguments.items()})


def _sayings(task: Task, answer: Answer) -> Iterator[tuple[str, Any]]:
    value = answer.value
    if answer.give in ("record", "records"):
        yield from _record_sayings(task, answer)
    elif isinstance(value, dict):
        yield "with its names in reverse order", _reversed(value)
        yield "with numbers as texts", {name: str(number) for name, number in value.items()}
    elif isinstance(value, list):
        yield "in reverse order", value[::-1]
        yield "with one twice", [*value, value[0]]
    elif isinstance(value, str):
        yield "with white space around", f" {value}\n"
    else:
        yield "as a text", str(value)
        yield "with a zero more", f"{float(value):.2f}"


def _record_sayings(task: Task, answer: Answer) -> Iterator[tuple[str, Any]]:
    ids = [answer.value] if isinstance(answer.value, str) else list(answer.value)
    table = table_of(task.world.crm, ids[0]) or ""
    rows = [row_json(task.world.crm.get(table, record)) for record in ids]
    names = [_name(answer, record) for record in ids]
    yield "as a list in reverse order", ids[::-1]
    yield "as records", rows
    yield "as objects with an id", [{answer.key: record} for record in ids]
    yield "by name where one has it alone", names
    yield "by name in capitals", [_upper(name) if name not in ids else name for name in names]


def _upper(name: str) -> str:
    """The name in capitals, if they say the same: a dotless i has none of its own."""
    return name.upper() if name.upper().casefold() == name.casefold() else name


def _name(answer: Answer, record: str) -> str:
    return next((name for name, other in answer.names.items() if other == record and name != record), record)


def _refusals(task: Task, goal: RefusalGoal) -> dict[str, Way]:
    decline = {"code": goal.code, "field": goal.field}
    if goal.attempt:
        return {
            "tried twice": [goal.call, goal.call],
            "tried, then declined": [goal.call, ToolCall("decline", decline)],
            "tried, then finished": [goal.call, ToolCall("finish")],
        }
    return {
        "tried first": [goal.call, *task.solution],
        "with a reason": [ToolCall("decline", {**decline, "reason": "The CRM does not take that."})],
        "with the field's place": [ToolCall("decline", {**decline, "field": f"updates.{goal.field}"})],
    }
