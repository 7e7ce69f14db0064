"""Deals described together: those of one owner or one client, narrowed down by what their fields hold."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.families.referring import sole_owner
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Test, Unsuitable
from crm_gym.tools import ToolCall

PAGE, MOST = 20, 100

_OF_OWNER = ("owned by {owner}", "in {owner}'s name", "belonging to {owner}", "with {owner} as the owner")
_OF_CLIENT = ("with {client}", "with the client {client}", "of our client {client}", "of the client {client}")
_IN_STAGE = ("in stage {stage}", "in {stage}", "at the stage {stage}", "in the stage {stage}")
_BOUNDS = {
    ("amount", True): (
        *("worth more than {x:money}", "above {x:money}", "with an amount over {x:money}"),
        "larger than {x:money}",
    ),
    ("amount", False): (
        *("worth less than {x:money}", "below {x:money}", "with an amount under {x:money}"),
        "smaller than {x:money}",
    ),
    ("close_date", True): (
        *("with a close date after {x:date}", "dated to close after {x:date}", "with a closing date after {x:date}"),
        "with a close date later than {x:date}",
    ),
    ("close_date", False): (
        *("with a close date before {x:date}", "dated to close before {x:date}", "with a closing date before {x:date}"),
        "with a close date earlier than {x:date}",
    ),
    ("probability", True): (
        *("with a probability above {x:percent}", "with a win probability over {x:percent}"),
        *("with a probability of more than {x:percent}", "with a probability greater than {x:percent}"),
    ),
    ("probability", False): (
        *("with a probability below {x:percent}", "with a win probability under {x:percent}"),
        *("with a probability of less than {x:percent}", "with a probability lower than {x:percent}"),
    ),
}
"""How to say that a field is above, or below, a bound that no deal of the set meets exactly."""


@dataclass(frozen=True, slots=True)
class DealSet:
    """Deals that a request describes.

    Attributes:
        clauses: What is said of them, each to follow "deals".
        rows: The deals.
        criteria: What a search or a summary takes to find them, or more of the same owner or client.
        lookups: The reads that show what the criteria need.
        found: How many deals the criteria find.
    """

    clauses: tuple[str, ...]
    rows: tuple[Row, ...]
    criteria: dict[str, Any]
    lookups: list[ToolCall]
    found: int

    @property
    def words(self) -> str:
        """The description, to follow "deals"."""
        return listed(self.clauses)

    def search(self) -> list[ToolCall]:
        """The reads that show all the deals."""
        limit = {"limit": MOST} if self.found > PAGE else {}
        return [*self.lookups, ToolCall("opportunity_search", {**self.criteria, **limit})]


def _said(scene: Scene, forms: tuple[str, ...], **slots: Any) -> str:
    return fragment(scene.rng, forms, slots, held_out=scene.held_out)


def deals_of_owner(scene: Scene, stage: bool = False) -> DealSet:
    """All deals of an owner, or those in one stage."""
    owner = scene.owner()
    rows = scene.template.deals_of_owner[owner]
    if not rows or not sole_owner(scene, owner):
        raise Unsuitable
    whole = DealSet((_said(scene, _OF_OWNER, owner=owner),), rows, {"owner": owner}, [], len(rows))
    return in_stage(scene, whole) if stage else _bounded(whole)


def deals_of_client(scene: Scene, stage: bool = False, one: Test | None = None) -> DealSet:
    """All deals with a client, or those in one stage; a client with deals, one of which passes the test."""
    row = scene.pick("Opportunity", one)
    client = scene.get("Client", row.client_id)
    if not scene.is_named("Client", client):
        raise Unsuitable
    rows = scene.children("Opportunity", "client_id", client[0])
    clauses = (_said(scene, _OF_CLIENT, client=client.name),)
    whole = DealSet(clauses, rows, {"client_id": client[0]}, [scene.look_up(client)], len(rows))
    return in_stage(scene, whole) if stage else _bounded(whole)


def deal_set(scene: Scene, stage: bool = False) -> DealSet:
    """Deals of an owner or, as often, with a client."""
    return (deals_of_owner if scene.chance(0.5) else deals_of_client)(scene, stage)


def _bounded(deals: DealSet) -> DealSet:
    if deals.found > MOST:
        raise Unsuitable
    return deals


def in_stage(scene: Scene, deals: DealSet) -> DealSet:
    """Those of the deals that are in one stage, the stage being a criterion."""
    stage = deals.rows[scene.rng.randrange(len(deals.rows))].stage
    rows = tuple(row for row in deals.rows if row.stage == stage)
    clauses = (*deals.clauses, _said(scene, _IN_STAGE, stage=stage))
    return _bounded(DealSet(clauses, rows, {**deals.criteria, "stage": stage}, deals.lookups, len(rows)))


def narrowed(scene: Scene, deals: DealSet, times: int) -> DealSet:
    """Those of the deals that lie on one side of so many bounds."""
    clauses, rows = list(deals.clauses), deals.rows
    for field in scene.rng.sample(tuple(_DRAWN), times):
        above = scene.chance(0.5)
        bound = _bound(scene, field, rows)
        rows = tuple(row for row in rows if _beyond(getattr(row, field), bound, above))
        if not rows:
            raise Unsuitable
        clauses.append(_said(scene, _BOUNDS[field, above], x=bound))
    return DealSet(tuple(clauses), rows, deals.criteria, deals.lookups, deals.found)


def _beyond(value: Any, bound: Any, above: bool) -> bool:
    return value is not None and bool(value > bound if above else value < bound)


def _amount(scene: Scene, values: list[Decimal]) -> Decimal:
    return vocab.amount(scene.rng, scene.pool, scene.one(tuple(vocab.SIZES)))


def _day(scene: Scene, values: list[str]) -> str:
    return vocab.day_between(scene.rng, scene.pool, min(values), max(values))


def _percent(scene: Scene, values: list[int]) -> int:
    return vocab.percent(scene.rng, scene.pool, min(values), max(values))


_DRAWN: dict[str, Callable[[Scene, list[Any]], Any]] = {
    "amount": _amount,
    "close_date": _day,
    "probability": _percent,
}


def _bound(scene: Scene, field: str, rows: tuple[Row, ...]) -> Any:
    """A bound that parts the rows and that none of them meets exactly."""
    values = [value for row in rows if (value := getattr(row, field)) is not None]
    if len(set(values)) < 2:
        raise Unsuitable
    low, high = min(values), max(values)
    return scene.fresh(lambda: _DRAWN[field](scene, values), lambda bound: not low < bound < high or bound in values)
