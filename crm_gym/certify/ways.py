"""Other ways to play a task's solution: those that must count as well, and those that must not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crm_gym.certify.values import NO_ID, another, table_of
from crm_gym.schema import row_json
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall

Way = list[ToolCall]


def equivalents(task: Task) -> dict[str, Way]:
    """Ways that must be judged a success, by what is special about them; no two are the same calls."""
    ways = {**_detours(task), **_spellings(task)}
    if isinstance(task.goal, ChangeGoal):
        ways |= _writes(task)
    elif isinstance(task.goal, AnswerGoal):
        sayings = _sayings(task, task.goal.answer)
        ways |= {f"answered {name}": [ToolCall("respond", {"answer": said})] for name, said in sayings}
    else:
        ways |= _refusals(task, task.goal)
    plain = ways.pop("as it stands")
    return {"as it stands": plain} | {name: way for name, way in ways.items() if repr(way) != repr(plain)}


def _detours(task: Task) -> dict[str, Way]:
    right = list(task.solution)
    first = right[0]
    return {
        "as it stands": right,
        "reads first": [ToolCall("client_search"), *task.lookups, ToolCall("quote_prefixes"), *right],
        "looked up twice": [*task.lookups, *task.lookups, *right],
        "an argument too many first": [ToolCall(first.tool, {**first.arguments, "colour": "blue"}), *right],
        "an unknown tool first": [ToolCall("client_serach"), *right],
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


def _writes(task: Task) -> dict[str, Way]:
    right = list(task.solution)
    between = [each for call in right for each in (call, ToolCall("contact_search"))]
    ways = {"finished at the end": [*right, ToolCall("finish")], "reads between": between}
    if len(right) > 1 and len({_target(call) for call in right}) == len(right):
        ways["in reverse order"] = right[::-1]
    ways["empty optional arguments said"] = [ToolCall(c.tool, {**_nulls(c), **c.arguments}) for c in right]
    ways["the id by the record's own name for it"] = [_own_key(call) for call in right]
    return ways


def _target(call: ToolCall) -> str:
    """What the call writes to: the record it names, or a new one."""
    if call.tool.startswith(("create", "add", "upload")):
        return repr(call)
    return repr([value for name, value in call.arguments.items() if name == "id" or name.endswith("_id")])


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
    yield "by name in capitals", [name.upper() if name not in ids else name for name in names]


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


# Perturbations

_DROPPED = object()


def perturbed(task: Task) -> dict[str, Way]:
    """Ways that must not be judged a success: the solution with one argument changed, dropped or of another type.

    Every place is visited, those inside lists and objects too; only the reason given with `decline` is free.
    A change that says the same (a default left out) is none.
    """
    found: dict[str, Way] = {}
    for number, call in enumerate(task.solution):
        for place, value, schema in _places(call.arguments, TOOLS[call.tool].schema, ()):
            if call.tool == "decline" and place == ("reason",):
                continue
            for name, new in _variants(task, call, place, value, schema):
                way = list(task.solution)
                way[number] = ToolCall(call.tool, _replaced(call.arguments, place, new))
                found[f"call {number}, {'.'.join(map(str, place))} {name}"] = way
    return found


def _places(value: Any, schema: Mapping[str, Any], at: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any, Any]]:
    """Every place inside the value: where, what stands there, and its schema."""
    inner: Sequence[tuple[Any, Any, Mapping[str, Any]]] = ()
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        inner = [(name, item, known.get(name, {})) for name, item in value.items()]
    elif isinstance(value, list):
        inner = [(number, item, schema.get("items", {})) for number, item in enumerate(value)]
    for step, item, part in inner:
        yield (*at, step), item, part
        yield from _places(item, part, (*at, step))


def _replaced(value: Any, place: tuple[Any, ...], new: Any) -> Any:
    """A copy of the value with something else at that place."""
    copy = list(value) if isinstance(value, list) else dict(value)
    step, rest = place[0], place[1:]
    if rest:
        copy[step] = _replaced(copy[step], rest, new)
    elif new is _DROPPED:
        del copy[step]
    else:
        copy[step] = new
    return copy


def _variants(
    task: Task, call: ToolCall, place: tuple[Any, ...], value: Any, schema: Mapping[str, Any]
) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict | list):
        if schema.get("enum"):
            yield from ((f"changed to {word}", word) for word in schema["enum"] if word != value)
        else:
            yield "changed", another(task.world.crm, schema, value)
    yield "of another type", _of_another_type(call, value)
    if not _says_nothing(call, place, value):
        yield "dropped", _DROPPED
        if value is not None:
            yield "null", None


def _says_nothing(call: ToolCall, place: tuple[Any, ...], value: Any) -> bool:
    """Whether an argument holds what the tool would take without it."""
    field = TOOLS[call.tool].arguments.model_fields.get(str(place[0])) if len(place) == 1 else None
    return field is not None and not field.is_required() and bool(field.default == value)


def _of_another_type(call: ToolCall, value: Any) -> Any:
    if call.tool == "respond":  # a number as a text, or one record as a list of one, is still the answer
        return {"value": value}
    if isinstance(value, str) or value is None:
        return 7
    if isinstance(value, Mapping):
        return [*value]
    return str(value)
