"""A task as it is written down: the pydantic models at the door. What is made of them stands in `task`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

from crm_gym.tasks.answer import Query


class _Spec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class CallSpec(_Spec):
    """A tool call, written down."""

    tool: str
    arguments: dict[str, Any] = {}


class ChangeSpec(_Spec):
    """One expected change: exactly one of create (a table), update and delete ("@key" or an id)."""

    create: str | None = None
    update: str | None = None
    delete: str | None = None
    fields: dict[str, Any] = {}
    free: tuple[str, ...] = ()


class RefusalSpec(_Spec):
    """The expected refusal, and the call that earns it."""

    code: str
    field: str
    call: CallSpec


class WorldSpec(_Spec):
    """A world written into a task: a name, a day, and records as `{table, ...fields}`, parents first."""

    name: str = "task"
    today: str
    records: tuple[dict[str, Any], ...] = ()


class TaskSpec(_Spec):
    """A whole task as a mapping: what files hold and `reset(options={"task": ...})` takes.

    One of `changes`, `answer` and `refusal` says what success is, or changes with an answer to be reported besides.
    A task with changes brings its `solution`; the others' follows from the goal. In the solution and in the fields of
    changes "@new:k" stands for the id of the k-th new record, from 0: the k-th change that creates one.
    """

    id: str
    family: str
    request: str
    world: WorldSpec | None = None
    lookups: tuple[CallSpec, ...] = ()
    solution: tuple[CallSpec, ...] = ()
    changes: tuple[ChangeSpec, ...] = ()
    answer: Query | None = None
    refusal: RefusalSpec | None = None
    tags: tuple[str, ...] = ()
    split: str = "golden"
    difficulty: int = 1
