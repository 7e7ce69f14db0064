"""What workflow families share: parts of sentences, and records chosen by a description."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.difficulty import STEPS
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.plan import new
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


def items(scene: Scene, low: int, high: int, each: int, base: int) -> int:
    """How many items of work there are.

    Args:
        scene: The scene; if a level is asked for there, the number is one that gives it, or comes nearest.
        low: The least.
        high: The most.
        each: Calls and look-ups for each item.
        base: Calls and look-ups besides.
    """
    if scene.level is None:
        return scene.rng.randint(low, high)
    first, last = (-1.0, *STEPS, 100.0)[scene.level - 1 : scene.level + 1]
    about = {number: base + each * number + _DISTRACTION for number in range(low, high + 1)}
    fitting = [number for number, score in about.items() if first <= score < last]
    return scene.rng.choice(fitting) if fitting else min(about, key=lambda number: abs(about[number] - first))


_DISTRACTION = 0.25
"""What near-namesakes add to the score of a task, more or less."""


def falling_before(scene: Scene, rows: Sequence[Row], field: str, wanted: int) -> tuple[str, list[Row]]:
    """A day, and those of the rows, so many of them or all there are, that have an earlier one in a field.

    Raises:
        Unsuitable: If there are none, or no day stands between those and the rest.
    """
    dated = sorted((row for row in rows if getattr(row, field)), key=lambda row: str(getattr(row, field)))
    taken = min(wanted, len(dated))
    if not taken:
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


def file_names(scene: Scene, kind: str, count: int) -> list[str]:
    """So many different names of files that would hang on a record of that kind."""
    names: list[str] = []
    for _ in range(count):
        names.append(scene.fresh(lambda: vocab.file_name(scene.rng, scene.pool, kind), names.__contains__))
    return names


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


def some(scene: Scene, values: dict[str, Any], share: float = 0.5) -> dict[str, Any]:
    """A random part of the values, in their order."""
    return {name: value for name, value in values.items() if scene.chance(share)}


class Steps:
    """Work in the making, step by step.

    Args:
        scene: Where it is made up.

    Attributes:
        scene: The same.
        said: What has been said of the steps so far.
        draft: What has been written down so far.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene, self._made = scene, 0
        self.said: list[str] = []
        self.draft = Draft(request="")

    def create(self, tool: str, table: str, arguments: dict[str, Any]) -> str:
        """Make a record; what stands for its id."""
        self.draft.calls.append(ToolCall(tool, arguments))
        self.draft.achieve.append(Achieve(table, None, arguments))
        self._made += 1
        return new(self._made - 1)

    def change(self, table: str, record: str, updates: dict[str, Any]) -> None:
        """Change a record."""
        self.draft.calls.append(modify(table, record, updates))
        self.draft.achieve.append(Achieve(table, record, updates))

    def say(self, forms: tuple[str, ...], **slots: Any) -> None:
        """Say a step."""
        self.said.append(part(self.scene, forms, **slots))
