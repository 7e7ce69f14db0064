"""A task as it is written down: the pydantic models at the door. What is made of them stands in `task`."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

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


class PhaseSpec(_Spec):
    """A phase of the user's (see `dialogue.Phase`): `until` is written as changes, `wrong` maps "@key" or an id to
    what they say."""

    says: str = ""
    told: dict[str, str] = {}
    until: tuple[ChangeSpec, ...] = ()
    wrong: dict[str, str] = {}
    waits: str | None = None


class UserSpec(_Spec):
    """A user who answers `ask_user` (see `dialogue.Script`)."""

    phases: tuple[PhaseSpec, ...]
    patience: int = 12
    thanks: str | None = None
    leaves: str | None = None


class WorldSpec(_Spec):
    """A world written into a task: a name, a day, and records as `{table, ...fields}`, parents first."""

    name: str = "task"
    today: str
    records: tuple[dict[str, Any], ...] = ()


class TaskSpec(_Spec):
    """A whole task as a mapping: what files hold and `reset(options={"task": ...})` takes.

    One of `changes`, `answer` and `refusal` says what success is, or changes with an answer to be reported besides.
    A task with changes brings its `solution`; the others' follows from the goal. In the solution and in the fields of
    changes "@new:k" stands for the id of the k-th new record, from 0: the k-th change that creates one. `user` answers
    questions; `demonstration` is the whole way, if it is not the look-ups and then the solution; `selections` are
    descriptions in the request by which records are meant.
    """

    id: str
    family: str
    request: str
    world: WorldSpec | None = None
    lookups: tuple[CallSpec, ...] = ()
    solution: tuple[CallSpec, ...] = ()
    changes: tuple[ChangeSpec, ...] = ()
    answer: Query | None = None
    user: UserSpec | None = None
    selections: tuple[Query, ...] = ()
    demonstration: tuple[CallSpec, ...] = ()
    refusal: RefusalSpec | None = None
    tags: tuple[str, ...] = ()
    split: str = "golden"
    difficulty: int = Field(1, ge=1)
