"""A task: a request, the world it is asked in, what makes it a success, and one way there."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from crm_gym.errors import TaskError, near_miss
from crm_gym.tasks.answer import Query
from crm_gym.tasks.dialogue import Script
from crm_gym.tasks.goal import Goal, RefusalGoal
from crm_gym.tasks.spec import TaskSpec
from crm_gym.tasks.world import World
from crm_gym.tasks.written import call_of, goal_of, user_of
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
    def hints(self) -> tuple[str, ...]:
        """Names of the tools on the way to the end, but for those that end it."""
        refused = (self.goal.call,) if isinstance(self.goal, RefusalGoal) else ()
        family = (self.family,) if self.family in TOOLS else ()
        way = (*self._lookups, *self._path, *self._solution, *refused)
        names = (*family, *(call.tool for call in way if TOOLS[call.tool].kind != "end"))
        return tuple(dict.fromkeys(names))

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
    goal, solution = goal_of(spec, world, where)
    return Task(
        id=spec.id,
        family=spec.family,
        request=request,
        world=world,
        goal=goal,
        _solution=solution,
        _lookups=tuple(call_of(call, world, where) for call in spec.lookups),
        tags=spec.tags,
        split=spec.split,
        difficulty=spec.difficulty,
        user=user_of(spec.user, world, where),
        selections=tuple(
            query.model_copy(update={"where": world.resolve(query.where, where)}) for query in spec.selections
        ),
        _path=tuple(call_of(call, world, where) for call in spec.demonstration),
    )


def _without(record: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}
