"""What workflows do alike: groups of deals, new values for all of a group, calls with their aims."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Query, described
from crm_gym.tasks.draft import Achieve
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tasks.worlds_deals import OPEN_STAGES
from crm_gym.tools import ToolCall

PAGE = 100
"""The longest page a search gives."""

OPEN: dict[str, Any] = {"any": list(OPEN_STAGES)}
"""The condition that a deal is open."""

_MAKERS: dict[str, Callable[[Scene], Any]] = {
    "stage": lambda scene: scene.one(OPEN_STAGES),
    "probability": lambda scene: scene.percent(),
    "close_date": lambda scene: scene.day(20, 240),
    "amount": lambda scene: scene.amount(),
    "notes": lambda scene: vocab.note(scene.rng, scene.pool),
    "status": lambda scene: scene.one(scene.members("Client", "status")),
    "industry": lambda scene: vocab.industry(scene.rng).name,
    "owner": lambda scene: any_owner(scene),
    "phone": lambda scene: vocab.phone(scene.rng, scene.pool),
    "address": lambda scene: vocab.address(scene.rng, scene.pool),
    "title": lambda scene: vocab.title(scene.rng, scene.pool),
    "valid_until": lambda scene: scene.day(20, 200),
    "quote_prefix": lambda scene: vocab.quote_prefix(scene.rng, scene.pool),
}


def query(table: str, best: str | None = None, **where: Any) -> Query:
    """A description of records by their fields."""
    return described(table, where, best)


def is_open(deal: Row) -> bool:
    """Whether a deal is neither won nor lost."""
    return deal.stage not in CLOSED_STAGES


def any_owner(scene: Scene) -> str:
    """A colleague who owns something, found without a look at the others."""
    owners = scene.template.owners
    return owners[int(scene.rng.random() * len(owners))]


def new_values(
    scene: Scene, rows: Sequence[Row], fields: Sequence[str], least: int = 1, most: int = 2
) -> dict[str, Any]:
    """Some of the fields, each with a new value that none of the rows has."""
    chosen = scene.rng.sample(list(fields), min(len(fields), scene.rng.randint(least, most)))
    return {field: new_value(scene, rows, field) for field in chosen}


def new_value(scene: Scene, rows: Sequence[Row], field: str) -> Any:
    """A value for a field that none of the rows has."""
    held = [getattr(row, field) for row in rows]
    return scene.fresh(lambda: _MAKERS[field](scene), held.__contains__)


def quoted_names(rows: Sequence[Row]) -> str:
    """The names of records as a list; in quotation marks, because some names hold a comma."""
    return listed([f'"{listed_name(row)}"' for row in rows])


class Steps:
    """Calls that write, and what each of them is to achieve.

    Attributes:
        calls: The calls.
        achieve: The aims.
    """

    __slots__ = ("achieve", "calls")

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []
        self.achieve: list[Achieve] = []

    def change(self, table: str, record: str, updates: Mapping[str, Any]) -> None:
        """Change fields of a record."""
        self.calls.append(ToolCall(f"modify_{table.lower()}", {"id": record, "updates": dict(updates)}))
        self.achieve.append(Achieve(table, record, updates))

    def note(self, table: str, record: str, content: str) -> None:
        """Put a note on a record."""
        self.make("add_note", "Note", {"entity_type": table, "entity_id": record, "content": content})

    def make(self, tool: str, table: str, values: Mapping[str, Any]) -> None:
        """Make a record."""
        self.calls.append(ToolCall(tool, dict(values)))
        self.achieve.append(Achieve(table, None, values))

    def cancel(self, quote: str) -> None:
        """Cancel a quote."""
        self.calls.append(ToolCall("cancel_quote", {"quote_id": quote}))
        self.achieve.append(Achieve("Quote", quote, {"status": "Canceled"}))


def all_changed(table: str, rows: Sequence[Row], changes: Mapping[str, Any]) -> Steps:
    """The same change of all the rows."""
    steps = Steps()
    for row in rows:
        steps.change(table, row[0], changes)
    return steps


class Group(NamedTuple):
    """Open deals that belong together.

    Attributes:
        said: What they are called: "Miriam Adeyemi's open deals".
        where: The conditions by which they are found.
        deals: They themselves.
        others: The other deals of the same owner or client.
        lookups: The reads that show them.
    """

    said: str
    where: dict[str, Any]
    deals: list[Row]
    others: list[Row]
    lookups: list[ToolCall]


def open_deals(scene: Scene, least: int) -> Group:
    """The open deals of an owner, or of a client that is called by name; at least so many.

    Raises:
        Unsuitable: If none of some tries finds enough.
    """
    if scene.chance(0.5):
        client = scene.named("Client", lambda row: _count_open(of_client(scene, row)) >= least)
        name = listed_name(client)
        lookups = [scene.look_up(client), search_client(client)]
        said = scene.one(
            (f"{name}'s open deals", f"the open deals with {name}", f"the open deals of the client {name}")
        )
        return _grouped(said, {"client_id": client[0]}, of_client(scene, client), lookups)
    owner = next(
        (name for name in (any_owner(scene) for _ in range(8)) if _count_open(of_owner(scene, name)) >= least), ""
    )
    if not owner:
        raise Unsuitable
    said = scene.one((f"{owner}'s open deals", f"the open deals owned by {owner}", f"the open deals that {owner} owns"))
    return _grouped(said, {"owner": owner}, of_owner(scene, owner), [search_owner(owner)])


def _grouped(said: str, where: dict[str, Any], deals: Sequence[Row], lookups: list[ToolCall]) -> Group:
    if len(deals) > PAGE:
        raise Unsuitable
    others = [deal for deal in deals if not is_open(deal)]
    return Group(said, {**where, "stage": OPEN}, [deal for deal in deals if is_open(deal)], others, lookups)


def _count_open(deals: Sequence[Row]) -> int:
    return sum(map(is_open, deals))


def of_client(scene: Scene, client: Row) -> tuple[Row, ...]:
    """The deals of a client."""
    return scene.children("Opportunity", "client_id", client[0])


def of_owner(scene: Scene, owner: str) -> tuple[Row, ...]:
    """The deals of an owner."""
    return scene.template.deals_of_owner[owner]


def search_client(client: Row) -> ToolCall:
    """The search that shows the deals of a client."""
    return ToolCall("opportunity_search", {"client_id": client[0], "limit": PAGE})


def search_owner(owner: str, **criteria: Any) -> ToolCall:
    """The search that shows the deals of an owner."""
    return ToolCall("opportunity_search", {"owner": owner, **criteria, "limit": PAGE})


def only_best(rows: Sequence[Row], which: str, field: str) -> Row:
    """The row with the highest ("max") or lowest ("min") value.

    Raises:
        Unsuitable: If there is none, or several share it.
    """
    values = [value for row in rows if (value := getattr(row, field)) is not None]
    if not values:
        raise Unsuitable
    best = max(values) if which == "max" else min(values)
    found = [row for row in rows if getattr(row, field) == best]
    if len(found) > 1:
        raise Unsuitable
    return found[0]


def some_named(scene: Scene, table: str, number: int, test: Callable[[Row], bool]) -> list[Row]:
    """So many different rows, each of which its name alone tells apart.

    Raises:
        Unsuitable: If there are not enough.
    """
    found: list[Row] = []
    for _ in range(number):
        found.append(scene.named(table, lambda row: row not in found and test(row)))
    return found


def number_of(scene: Scene, low: int, high: int, found: int) -> None:
    """Takes a number of items found, or not: any between the bounds, of the size that a level asks for.

    Raises:
        Unsuitable: If it is not fitting.
    """
    if not low <= found <= high or (scene.level is not None and abs(scene.count(low, high) - found) > 1):
        raise Unsuitable
