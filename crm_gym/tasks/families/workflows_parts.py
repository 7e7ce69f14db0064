"""What workflow families share: parts of sentences, and records chosen by a description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.worlds_deals import OPEN_STAGES
from crm_gym.tools import ToolCall

OPEN = list(OPEN_STAGES)
"""Stages of deals that are still open, for queries."""


def part(scene: Scene, forms: Sequence[str], **slots: Any) -> str:
    """A part of a request, in one of at least four forms; every fourth is kept for held-out requests."""
    return fragment(scene.rng, forms, slots, held_out=scene.held_out)


def is_open(deal: Row) -> bool:
    """Whether a deal is not closed."""
    return deal.stage not in CLOSED_STAGES


def day_before(day: str) -> str:
    """The day before a day."""
    return (date.fromisoformat(day) - timedelta(1)).isoformat()


def falling_before(scene: Scene, rows: Sequence[Row], field: str, low: int, high: int) -> tuple[str, list[Row]]:
    """A day, and those of the rows, `low` to `high` of them, that have an earlier one in a field.

    Raises:
        Unsuitable: If there are too few, or no day stands between those and the rest.
    """
    dated = sorted((row for row in rows if getattr(row, field)), key=lambda row: str(getattr(row, field)))
    taken = min(scene.count(low, high), len(dated))
    if taken < low:
        raise Unsuitable
    last = getattr(dated[taken - 1], field)
    room = 60
    if taken < len(dated):
        room = (date.fromisoformat(getattr(dated[taken], field)) - date.fromisoformat(last)).days
    if room < 1:
        raise Unsuitable
    chosen = set(dated[:taken])
    return scene.day(1, min(room, 60), last), [row for row in rows if row in chosen]


def rest_of(rows: Sequence[Row], chosen: Sequence[Row], most: int = 8) -> list[str]:
    """Ids of some rows that are not among the chosen: what must stay as it is."""
    taken = {row[0] for row in chosen}
    return [row[0] for row in rows if row[0] not in taken][:most]


def changed(row: Row, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a record does not hold yet."""
    return {name: value for name, value in fields.items() if getattr(row, name) != value}


def modify(table: str, record: str, updates: Mapping[str, Any]) -> ToolCall:
    """The call that changes a record."""
    return ToolCall(f"modify_{table.lower()}", {"id": record, "updates": dict(updates)})


def deals_of(record: str) -> ToolCall:
    """The search that shows all deals of a client."""
    return ToolCall("opportunity_search", {"client_id": record, "limit": 100})


def quotes_of(record: str) -> ToolCall:
    """The search that shows all quotes of a deal."""
    return ToolCall("quote_search", {"opportunity_id": record})


def run_by(owner: str) -> ToolCall:
    """The search that shows all deals of a colleague."""
    return ToolCall("opportunity_search", {"owner": owner, "limit": 100})
