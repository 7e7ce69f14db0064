"""Dialogues told step by step: new values for fields, what then stands in the CRM, and tasks made of steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from crm_gym.atoms import number_json
from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import TABLE_OF, TABLES, Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Query
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.users import NEXT, phase, user
from crm_gym.tasks.goal import Expected
from crm_gym.tasks.plan import number_of_new
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

OPEN_STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")

# What stands in the CRM


def stands(row: Row, **updates: Any) -> Expected:
    """A record as it is but for those fields, given as a tool takes them."""
    return Expected(TABLE_OF[type(row)], row[0], row._replace(**_checked(TABLE_OF[type(row)], updates)))


def gone(row: Row) -> Expected:
    """A record that is no more."""
    return Expected(TABLE_OF[type(row)], row[0], None)


def stands_new(table: str, values: Mapping[str, Any]) -> Expected:
    """A new record with those fields, given as a tool takes them, and nothing else."""
    columns = TABLES[table].columns
    row = {column.name: column.default for column in columns} | _checked(table, values)
    free = tuple(at for at, column in enumerate(columns) if column.key or column.auto)
    return Expected(table, None, TABLES[table].row(**row), free)


def _checked(table: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value
        if value is None or number_of_new(value) is not None
        else TABLES[table].column(name).atom.check(value)
        for name, value in values.items()
    }


# Values


def is_open(row: Row) -> bool:
    """Whether the terms of a deal may be changed."""
    return row.stage not in CLOSED_STAGES


CHANGEABLE = {
    "Opportunity": ("amount", "stage", "probability", "close_date", "owner"),
    "Client": ("email", "phone", "address", "industry", "status", "owner"),
    "Contact": ("email", "phone", "title"),
    "Quote": ("amount", "status", "version", "valid_until"),
    "Contract": ("status", "start_date", "end_date"),
}
"""Fields about which a user can be asked."""


def value_for(scene: Scene, table: str, name: str, row: Row | None = None) -> Any:
    """A new value for a field, as a tool takes it; not what `row`, the record or the one it hangs on, shows there."""
    now = getattr(row, name, None)
    if name == "amount":
        return scene.amount(now)
    if name == "probability":
        return scene.percent(now, low=21)  # smaller numbers stand in results as counts and limits
    if name == "owner":
        return scene.owner(now)
    if name == "stage":
        return scene.one(OPEN_STAGES, now)
    if name == "status":
        return scene.one(scene.members(table, "status"), now)
    if name == "industry":
        return scene.one(tuple(vocab.INDUSTRY), now)
    return scene.fresh(
        lambda: _made(scene, name), lambda value: _is_like(value, now) or _taken(scene, table, name, value)
    )


def _is_like(value: str, now: str | None) -> bool:
    """Whether a value is the present one, or begins with it: v1.6 would seem to say v1."""
    return now is not None and value.startswith(now)


def _made(scene: Scene, name: str) -> Any:
    rng, pool = scene.rng, scene.pool
    if name in ("close_date", "valid_until", "end_date"):
        return scene.day(20, 320)
    if name == "start_date":
        return scene.day(1, 19)
    if name == "email":
        return vocab.company_email(rng, pool)  # a name in it would tell whose it is
    return {"phone": vocab.phone, "address": vocab.address, "title": vocab.title, "version": vocab.version}[name](
        rng, pool
    )


def _taken(scene: Scene, table: str, name: str, value: Any) -> bool:
    return table == "Client" and name == "email" and scene.template.crm.store.by_unique(table, name, value) is not None


def email_of(scene: Scene, company: str) -> str:
    """A free e-mail address of a new client."""
    return str(
        scene.fresh(
            lambda: vocab.company_email(scene.rng, scene.pool, company),
            lambda value: _taken(scene, "Client", "email", value),
        )
    )


def values_for(scene: Scene, table: str, fields: Sequence[str], row: Row | None = None) -> dict[str, Any]:
    """New values for some fields."""
    return {name: value_for(scene, table, name, row) for name in fields}


def some(scene: Scene, fields: Sequence[str], count: int) -> list[str]:
    """So many of the fields, in any order; all if there are fewer."""
    return scene.rng.sample(fields, min(count, len(fields)))


def modify(row: Row, updates: Mapping[str, Any]) -> ToolCall:
    """The call that sets those fields of a record."""
    return ToolCall(f"modify_{TABLE_OF[type(row)].lower()}", {"id": row[0], "updates": dict(updates)})


def distinct(scene: Scene, rows: Sequence[Row], fields: Sequence[str], row: Row) -> tuple[str, Any]:
    """A field by whose value a record is told from its like, and that value as a tool takes it.

    Raises:
        Unsuitable: If there is none.
    """
    telling = [
        name
        for name in fields
        if getattr(row, name) is not None
        and not any(getattr(other, name) == getattr(row, name) for other in rows if other is not row)
    ]
    if not telling:
        raise Unsuitable
    name = scene.one(telling)
    return name, plain(getattr(row, name))


def plain(value: Any) -> Any:
    """A stored value as a tool takes it."""
    return number_json(value) if isinstance(value, Decimal) else value


# Tasks told step by step


@dataclass(slots=True)
class Step:
    """One thing the user wants before they say the next.

    Attributes:
        says: How they ask for it; "" if the request does.
        path: All calls it takes, in order: look-ups, questions, writes.
        calls: The writes that matter in the end.
        achieve: What they achieve.
        until: What the user then sees in the CRM.
        told: Topic to what they tell when asked.
        wrong: Records that must not be changed by then.
        selections: Descriptions in what they say.
    """

    says: str = ""
    path: list[ToolCall] = field(default_factory=list)
    calls: list[ToolCall] = field(default_factory=list)
    achieve: list[Achieve] = field(default_factory=list)
    until: list[Expected] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    wrong: list[Row] = field(default_factory=list)
    selections: list[Query] = field(default_factory=list)


def turns_of(path: Sequence[ToolCall]) -> int:
    """How many questions there are on the way."""
    return sum(call.tool == "ask_user" for call in path)


def told_in_steps(scene: Scene, request: str, steps: Sequence[Step], *, opening: Sequence[ToolCall] = ()) -> Draft:
    """The task of doing one step after the other.

    Args:
        scene: The scene.
        request: What is asked at first: it holds the first step, unless that one says something itself.
        steps: The steps.
        opening: Look-ups at the beginning.
    """
    path, phases = list(opening), []
    if steps[0].says:
        phases.append(phase(scene))
    for step in steps:
        if phases:
            path.append(NEXT)
        path += step.path
        phases.append(phase(scene, step.says, step.told, step.until, step.wrong))
    return Draft(
        request=request,
        calls=[call for step in steps for call in step.calls],
        path=path,
        achieve=[aim for step in steps for aim in step.achieve],
        user=user(scene, phases, turns_of(path)),
        selections=[query for step in steps for query in step.selections],
    )
