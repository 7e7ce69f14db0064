"""A task: a request, the world it is asked in, what makes it a success, and one way there."""

from __future__ import annotations

import copy
import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from crm_gym.errors import CODES, TaskError, near_miss
from crm_gym.schema import TABLES, Column
from crm_gym.tasks.answer import Answer, Query, solve
from crm_gym.tasks.dialogue import Script
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, Expected, Goal, RefusalGoal
from crm_gym.tasks.plan import number_of_new
from crm_gym.tasks.spec import CallSpec, ChangeSpec, RefusalSpec, TaskSpec
from crm_gym.tasks.world import World
from crm_gym.tools import TOOLS, ToolCall

REQUEST_CHARS = 4_000


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Task:
    """One thing to do, frozen. Two tasks are the same only if they are one object.

    Attributes:
        id: Its id, such as CNC-001.
        family: The tool it is about, or the kind of work.
        request: What is asked, in plain language.
        world: Where it is asked; shared, not to be written to.
        goal: What makes the episode a success.
        tags: Words to sort tasks by.
        split: The set the task belongs to.
        difficulty: From 1.
        user: Who answers `ask_user`; None if the request says it all.
        selections: Descriptions in the request that stand for several records, or one, each as a query.
    """

    id: str
    family: str
    request: str
    world: World
    goal: Goal
    _solution: tuple[ToolCall, ...]
    _lookups: tuple[ToolCall, ...] = ()
    tags: tuple[str, ...] = ()
    split: str = "golden"
    difficulty: int = 1
    user: Script | None = None
    selections: tuple[Query, ...] = ()
    _path: tuple[ToolCall, ...] = ()

    @property
    def solution(self) -> tuple[ToolCall, ...]:
        """One way there: the calls that matter, without look-ups. A copy, to do with as one likes.

        "@new:k" among the arguments stands for the id of the k-th record that the calls make (see `tasks.plan`).
        """
        return copied(self._solution)

    @property
    def lookups(self) -> tuple[ToolCall, ...]:
        """Read calls that show what the solution needs and the request does not say; a copy."""
        return copied(self._lookups)

    @property
    def demonstration(self) -> tuple[ToolCall, ...]:
        """The whole way there, as somebody walks it who has only the request: look-ups, questions, and what follows
        from the answers; a copy."""
        return copied(self._path or (*self._lookups, *self._solution))

    @property
    def today(self) -> str:
        """The CRM's own day in this task, YYYY-MM-DD."""
        return self.world.today

    @property
    def intent(self) -> str:
        """The group of the family's tool; "workflow" for work with several."""
        return TOOLS[self.family].intent if self.family in TOOLS else "workflow"

    @property
    def polarity(self) -> str:
        """Whether the request is to be "accepted" or "refused"."""
        return "refused" if isinstance(self.goal, RefusalGoal) else "accepted"

    def by_attempt(self) -> Task:
        """The same task under the `attempt` protocol: a refused task is solved by the refused call itself."""
        if not isinstance(self.goal, RefusalGoal) or self.goal.attempt:
            return self
        goal = dataclasses.replace(self.goal, attempt=True)
        return dataclasses.replace(self, goal=goal, _solution=(goal.call,), _path=())

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, Any], world: World | None = None) -> Task:
        """Build a task from a mapping (see `TaskSpec`).

        Args:
            mapping: The task; checked.
            world: The world, if the mapping does not bring one.

        Raises:
            TaskError: If anything in it is missing, unknown or contradictory.
        """
        try:
            spec = TaskSpec.model_validate(dict(mapping))
        except (ValidationError, TypeError, ValueError) as fault:
            raise TaskError(f"task {_name(mapping)}: {_first(fault)}") from None
        try:
            return _compile(spec, world)
        except TaskError:
            raise
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as fault:
            raise TaskError(f"task {spec.id}: {type(fault).__name__}: {fault}") from None


def copied(calls: tuple[ToolCall, ...]) -> tuple[ToolCall, ...]:
    """The calls with arguments of their own."""
    return tuple(ToolCall(call.tool, copy.deepcopy(call.arguments)) for call in calls)


def _name(mapping: Any) -> str:
    return str(mapping.get("id", "without id")) if isinstance(mapping, Mapping) else "that is no mapping"


def _first(fault: Exception) -> str:
    if isinstance(fault, ValidationError):
        error = fault.errors()[0]
        return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"
    return str(fault)


def _compile(spec: TaskSpec, world: World | None) -> Task:
    where = f"task {spec.id}"
    if spec.world is not None:
        records = [(str(record.get("table")), _without(record, "table")) for record in spec.world.records]
        world = World(spec.world.name, spec.world.today, records)
    if world is None:
        raise TaskError(f"{where}: world is missing")
    if spec.family not in TOOLS or not TOOLS[spec.family].requests:
        families = [name for name, tool in TOOLS.items() if tool.requests]
        raise TaskError(f"{where}: family {spec.family!r} is no tool to ask for; {near_miss(spec.family, families)}")
    request = world.resolve_text(spec.request, where).strip()
    if not 0 < len(request) <= REQUEST_CHARS:
        raise TaskError(f"{where}: request must have 1 to {REQUEST_CHARS} characters; it has {len(request)}")
    goal, solution = _goal(spec, world, where)
    return Task(
        id=spec.id,
        family=spec.family,
        request=request,
        world=world,
        goal=goal,
        _solution=solution,
        _lookups=tuple(_call(call, world, where) for call in spec.lookups),
        tags=spec.tags,
        split=spec.split,
        difficulty=spec.difficulty,
    )


def _without(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


def _call(spec: CallSpec, world: World, where: str) -> ToolCall:
    if spec.tool not in TOOLS:
        raise TaskError(f"{where}: {spec.tool!r} is no tool; {near_miss(spec.tool, TOOLS)}")
    return ToolCall(spec.tool, world.resolve(spec.arguments, where))


def _goal(spec: TaskSpec, world: World, where: str) -> tuple[Goal, tuple[ToolCall, ...]]:
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
    if not spec.solution:
        raise TaskError(f"{where}: a task with changes needs its solution")
    numbers = itertools.count()
    changes = tuple(_expected(change, world, where, numbers) for change in spec.changes)
    standing = [change.id for change in changes if change.id is not None]
    if len(set(standing)) != len(standing):
        raise TaskError(f"{where}: two changes of one record; write them as one")
    return ChangeGoal(changes, answer), (*(_call(call, world, where) for call in spec.solution), *report)


def _answer(query: Query, world: World, where: str) -> Answer:
    try:
        return solve(query.model_copy(update={"where": world.resolve(query.where, where)}), world.crm)
    except TaskError as fault:
        raise TaskError(f"{where}: {fault}") from None


def _refused(spec: RefusalSpec, world: World, where: str) -> tuple[Goal, tuple[ToolCall, ...]]:
    if spec.code not in CODES:
        raise TaskError(f"{where}: {spec.code!r} is no refusal code; {near_miss(spec.code, CODES)}")
    goal = RefusalGoal(spec.code, spec.field, _call(spec.call, world, where))
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
