"""From what is written down of a task to its goal, its calls and its user, checked on the way."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from pydantic_core import PydanticCustomError

from crm_gym.errors import CODES, TaskError, near_miss
from crm_gym.schema import TABLES, Column
from crm_gym.tasks.answer import Answer, Query, solve
from crm_gym.tasks.dialogue import Phase, Script
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, Expected, Goal, RefusalGoal
from crm_gym.tasks.plan import number_of_new
from crm_gym.tasks.spec import CallSpec, ChangeSpec, PhaseSpec, RefusalSpec, TaskSpec, UserSpec
from crm_gym.tasks.world import World
from crm_gym.tools import TOOLS, ToolCall


def call_of(spec: CallSpec, world: World, where: str) -> ToolCall:
    """A call, with ids for "@key".

    Raises:
        TaskError: If there is no such tool or record.
    """
    if spec.tool not in TOOLS:
        raise TaskError(f"{where}: {spec.tool!r} is no tool; {near_miss(spec.tool, TOOLS)}")
    return ToolCall(spec.tool, world.resolve(spec.arguments, where))


def goal_of(spec: TaskSpec, world: World, where: str) -> tuple[Goal, tuple[ToolCall, ...]]:
    """What makes the task a success, and the calls that do.

    Raises:
        TaskError: If anything in it is missing, unknown or contradictory.
    """
    given = [name for name in ("changes", "answer", "refusal") if getattr(spec, name)]
    if len(given) != 1 and given != ["changes", "answer"]:
        raise TaskError(
            f"{where}: one of changes, answer and refusal must be given, or changes with an answer to report; "
            f"got {given or 'none'}"
        )
    if spec.refusal is not None:
        return _refused(spec.refusal, world, where)
    answer = None if spec.answer is None else _answer(spec.answer, world, where)
    report = () if answer is None else (ToolCall("respond", {"answer": answer.value}),)
    if not spec.changes:
        assert answer is not None
        return AnswerGoal(answer), report
    for call in spec.solution:
        if call.tool in TOOLS and TOOLS[call.tool].kind == "end":
            raise TaskError(f"{where}: leave {call.tool} out of the solution; how it ends follows from the goal")
    if not spec.solution:
        raise TaskError(f"{where}: a task with changes needs its solution")
    numbers = itertools.count()
    changes = tuple(_expected(change, world, where, numbers) for change in spec.changes)
    _check_links(changes, where)
    standing = [change.id for change in changes if change.id is not None]
    if len(set(standing)) != len(standing):
        raise TaskError(f"{where}: two changes of one record; write them as one")
    return ChangeGoal(changes, answer), (*(call_of(call, world, where) for call in spec.solution), *report)


def _check_links(changes: tuple[Expected, ...], where: str) -> None:
    """Every "@new:k" must stand for a record that another change creates before, of the table it is to point at."""
    new = {change.number: change for change in changes if change.number is not None}
    for change in changes:
        for at, number in change.links:
            column, other = TABLES[change.table].columns[at], new.get(number)
            if other is None or (change.number is not None and number >= change.number):
                raise TaskError(f"{where}: {column.name} of {change.table}: no change before creates @new:{number}")
            assert column.ref is not None
            assert change.row is not None
            to = getattr(change.row, column.ref.to) if column.ref.by_field else column.ref.to
            if other.table != to:
                raise TaskError(
                    f"{where}: {column.name} of {change.table} points at a {to}; @new:{number} is a {other.table}"
                )


def _answer(query: Query, world: World, where: str) -> Answer:
    try:
        return solve(query.model_copy(update={"where": world.resolve(query.where, where)}), world.crm)
    except TaskError as fault:
        raise TaskError(f"{where}: {fault}") from None


def _refused(spec: RefusalSpec, world: World, where: str) -> tuple[Goal, tuple[ToolCall, ...]]:
    if spec.code not in CODES:
        raise TaskError(f"{where}: {spec.code!r} is no refusal code; {near_miss(spec.code, CODES)}")
    goal = RefusalGoal(spec.code, spec.field, call_of(spec.call, world, where))
    return goal, (ToolCall("decline", {"code": spec.code, "field": spec.field}),)


def _expected(spec: ChangeSpec, world: World, where: str, numbers: Iterator[int]) -> Expected:
    given = [name for name in ("create", "update", "delete") if getattr(spec, name) is not None]
    if len(given) != 1:
        raise TaskError(f"{where}: a change is one of create, update and delete; got {given or 'none'}")
    if spec.create is not None:
        return _created(spec, world, where, next(numbers))
    record = world.resolve(spec.update or spec.delete, where)
    table, before = _standing(record, world, where)
    if spec.delete is not None:
        return Expected(table, record, None)
    after = before._replace(**_row_values(spec, table, world, where))
    free = _places(spec.free, table, where)
    if after == before and not free:
        raise TaskError(f"{where}: the update of {spec.update} changes nothing")
    return Expected(table, record, after, free)


def _standing(record: str, world: World, where: str) -> tuple[str, Any]:
    for table in TABLES:
        row = world.crm.get(table, record)
        if row is not None:
            return table, row
    raise TaskError(f"{where}: {record!r} is no record of world {world.name}")


def _created(spec: ChangeSpec, world: World, where: str, number: int) -> Expected:
    if spec.create not in TABLES:
        raise TaskError(f"{where}: {spec.create!r} is no table; known are {', '.join(TABLES)}")
    table = TABLES[spec.create]
    values = {column.name: column.default for column in table.columns}
    values |= _row_values(spec, table.name, world, where)
    lacking = [c.name for c in table.columns if c.required and not c.key and values[c.name] is None]
    if lacking:
        raise TaskError(f"{where}: a new {table.name} must have {', '.join(lacking)}")
    given = tuple(column.name for column in table.columns if column.key or column.auto)
    free = _places((*given, *spec.free), table.name, where)
    return Expected(table.name, None, table.row(**values), free, number)


def _places(names: tuple[str, ...], table: str, where: str) -> tuple[int, ...]:
    known = list(TABLES[table].entity.model_fields)
    for name in names:
        if name not in known:
            raise TaskError(f"{where}: {table} has no field {name!r}; {near_miss(name, known)}")
    return tuple(sorted({known.index(name) for name in names}))


def _row_values(spec: ChangeSpec, table: str, world: World, where: str) -> dict[str, Any]:
    values = {}
    for name, value in world.resolve(spec.fields, where).items():
        _places((name,), table, where)
        if not TABLES[table].column(name).creatable:
            raise TaskError(f"{where}: {name} is the CRM's to fill; it is no change to ask for")
        values[name] = _row_value(TABLES[table].column(name), value, where)
    return values


def _row_value(column: Column, value: Any, where: str) -> Any:
    if value is None or (value == "" and not column.required):
        return None  # TOML has no null
    if column.ref is not None and number_of_new(value) is not None:
        return value
    try:
        return column.atom.check(value)
    except PydanticCustomError as fault:
        raise TaskError(f"{where}: {column.name} {fault.message()}") from None


def user_of(spec: UserSpec | None, world: World, where: str) -> Script | None:
    """Who answers `ask_user`.

    Raises:
        TaskError: If a topic, a record or a field does not exist.
    """
    if spec is None:
        return None
    numbers = itertools.count()
    phases = tuple(_phase(phase, world, where, numbers) for phase in spec.phases)
    said = {name: words for name in ("thanks", "leaves") if (words := getattr(spec, name)) is not None}
    return Script(phases, spec.patience, **said)


def _phase(spec: PhaseSpec, world: World, where: str, numbers: Iterator[int]) -> Phase:
    until = tuple(_expected(change, world, where, numbers) for change in spec.until)
    wrong = {str(world.resolve(record, where)): says for record, says in spec.wrong.items()}
    for record in wrong:
        _standing(record, world, where)
    waits = {} if spec.waits is None else {"waits": spec.waits}
    try:
        return Phase(spec.says, dict(spec.told), until, wrong, **waits)
    except TaskError as fault:
        raise TaskError(f"{where}: {fault}") from None
