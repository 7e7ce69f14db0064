"""Bent ways to play a task's solution, which must not count: one argument changed, dropped or of another type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from crm_gym.certify.order import Way
from crm_gym.certify.values import another, table_of
from crm_gym.tasks.plan import new, number_of_new, refers
from crm_gym.tasks.session import Session
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall

_DROPPED = object()


def perturbed(task: Task) -> dict[str, Way]:
    """Ways that must not be judged a success: the solution with one argument changed, dropped or of another type.

    Every place is visited, those inside lists and objects too; only the reason given with `decline` is free.
    A change that says the same (a default left out) is none.
    """
    found: dict[str, Way] = {}
    made = _made(task)
    right = task.solution
    for number, call in enumerate(right):
        for place, value, schema in _places(call.arguments, TOOLS[call.tool].schema, ()):
            if call.tool == "decline" and place == ("reason",):
                continue
            variants = [*_variants(task, call, place, value, schema), *_instead_of_new(task, value, made)]
            for name, value_now in variants:
                way = list(right)
                way[number] = ToolCall(call.tool, _replaced(call.arguments, place, value_now))
                found[f"call {number}, {'.'.join(map(str, place))} {name}"] = way
    return found


def _made(task: Task) -> list[str]:
    """The tables of the records that the solution makes, in order."""
    if not any(refers(call.arguments) for call in task.solution):
        return []
    session = Session(task.world.crm.fork("made")).play_all(task.solution)
    return [table_of(session.crm, record) or "" for record in session.ids]


def _instead_of_new(task: Task, value: Any, made: Sequence[str]) -> Iterator[tuple[str, Any]]:
    """Other records in the place of a new one: two that stand already, and the other new ones of its table."""
    number = number_of_new(value)
    if number is None or number >= len(made):
        return
    for row in islice(task.world.crm.find(made[number]), 2):
        yield f"changed to {row[0]}", row[0]
    for other, table in enumerate(made):
        if other != number and table == made[number]:
            yield f"changed to {new(other)}", new(other)


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


def _replaced(value: Any, place: tuple[Any, ...], other: Any) -> Any:
    """A copy of the value with something else at that place."""
    copy = list(value) if isinstance(value, list) else dict(value)
    step, rest = place[0], place[1:]
    if rest:
        copy[step] = _replaced(copy[step], rest, other)
    elif other is _DROPPED:
        del copy[step]
    else:
        copy[step] = other
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
