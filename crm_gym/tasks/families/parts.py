"""Small jobs as parts of a larger one: each is an order in a few words, the calls that carry it out, and their aim."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from crm_gym.atoms import number_json
from crm_gym.schema import Row
from crm_gym.tasks.draft import Achieve
from crm_gym.tasks.families.workflows_steps import is_open
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.plan import new
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tools import ToolCall

WORD = {"Client": "client", "Contact": "contact", "Opportunity": "deal", "Quote": "quote", "Contract": "contract"}
"""What people call the records of a table."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a part is about.

    Attributes:
        table: Its table; "" for nothing, as when a client is made.
        id: Its id, or what stands for one not made yet.
        said: What it is called in the order.
        row: The record as it stands, None for one not made yet.
        lookups: The reads that show it.
    """

    table: str = ""
    id: str = ""
    said: str = ""
    row: Row | None = None
    lookups: tuple[ToolCall, ...] = ()

    def again(self, scene: Scene) -> Target:
        """The same record, called back to mind."""
        said = scene.one((f"that same {WORD[self.table]}", f"the same {WORD[self.table]}"))
        return Target(self.table, self.id, said, self.row, self.lookups)


@dataclass(slots=True)
class Part:
    """A small job.

    Attributes:
        clause: The order, in small letters and without a full stop.
        calls: The calls that write.
        lookups: The reads they need.
        achieve: What they are to achieve.
        made: The new record, if the job makes one.
        name: The kind of job.
    """

    clause: str
    calls: list[ToolCall]
    achieve: list[Achieve]
    lookups: Sequence[ToolCall] = ()
    made: Target | None = None
    name: str = ""


Make = Callable[[Scene, Target, int], Part]
"""Makes a part about a target; the number is how many records have been made before."""


@dataclass(frozen=True, slots=True)
class Job:
    """A kind of part.

    Attributes:
        name: Its name.
        on: The table of its target; "" for none.
        makes: The table of the record it makes; "" for none.
        alters: Whether it alters its target, or takes it as it stands: no two such jobs go on one record.
        make: Makes a part.
    """

    name: str
    on: str
    makes: str
    alters: bool
    make: Make = field(repr=False)


JOBS: dict[str, Job] = {}
"""Every kind of part by name, in the order in which they are written."""


def job(name: str, *, on: str = "", makes: str = "", alters: bool = False) -> Callable[[Make], Make]:
    """Register a function as a kind of part."""

    def register(make: Make) -> Make:
        JOBS[name] = Job(name, on, makes, alters, make)
        return make

    return register


def clause(scene: Scene, forms: tuple[str, ...], **slots: Any) -> str:
    """An order in one of these forms; the fourth is kept for held-out requests."""
    return fragment(scene.rng, forms, slots, held_out=scene.held_out)


def written(scene: Scene, target: Target, words: str, tool: str, table: str, values: Mapping[str, Any], k: int) -> Part:
    """The part that makes a record of these values, the k-th new one."""
    kind = WORD.get(table, "")
    said = scene.one((f"the new {kind}", f"that new {kind}")) if kind else ""
    made = Target(table, new(k), said)
    return Part(words, [ToolCall(tool, dict(values))], [Achieve(table, None, values)], target.lookups, made)


def changed(target: Target, words: str, updates: Mapping[str, Any]) -> Part:
    """The part that changes fields of its target."""
    call = ToolCall(f"modify_{target.table.lower()}", {"id": target.id, "updates": dict(updates)})
    return Part(words, [call], [Achieve(target.table, target.id, updates)], target.lookups)


# Targets


def target(scene: Scene, one: Job, taken: Collection[str]) -> Target:
    """A standing record for a job, none of those taken; deals that are altered are open.

    Raises:
        Unsuitable: If there is none.
    """
    if not one.on:
        return Target()
    if one.on == "Quote":
        return _quote(scene, taken)
    if one.on not in ("Client", "Contact", "Opportunity"):
        raise Unsuitable
    closed_will_do = one.on != "Opportunity" or not one.alters
    row = scene.named(one.on, lambda row: row[0] not in taken and (closed_will_do or is_open(row)))
    return Target(one.on, row[0], f"the {WORD[one.on]} {listed_name(row)}", row, (scene.look_up(row),))


def _quote(scene: Scene, taken: Collection[str]) -> Target:
    """A quote, called by its version and its deal."""
    row = scene.pick("Quote", lambda row: row[0] not in taken and row.version and row.status != "Canceled")
    deal = scene.get("Opportunity", row.opportunity_id)
    same = [other for other in scene.children("Quote", "opportunity_id", deal[0]) if other.version == row.version]
    if len(same) > 1 or not scene.is_named("Opportunity", deal):
        raise Unsuitable
    find = ToolCall("quote_search", {"opportunity_id": deal[0], "version": row.version})
    said = scene.one(
        (
            f"the quote {row.version} of the deal {listed_name(deal)}",
            f"quote {row.version} on the deal {listed_name(deal)}",
        )
    )
    return Target("Quote", row[0], said, row, (scene.look_up(deal), find))


def standing(on: Target) -> list[Row]:
    """The rows that a change must differ from."""
    return [] if on.row is None else [on.row]


def some(scene: Scene, makers: Mapping[str, Callable[[], Any]], most: int) -> dict[str, Any]:
    """Up to so many of the optional fields, with values."""
    names = scene.rng.sample(list(makers), scene.rng.randint(0, min(most, len(makers))))
    return {name: makers[name]() for name in names}


def with_details(scene: Scene, values: Mapping[str, Any]) -> str:
    """Optional fields at the end of an order: " with ...", or nothing."""
    return f" with {scene.details(values)}" if values else ""


def money(scene: Scene) -> int | float:
    """An amount as a JSON number."""
    return number_json(Decimal(str(scene.amount())))
