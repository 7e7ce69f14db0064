"""How deals, quotes, contracts, clients and contacts are pointed at in a request, and how what is asked is put."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from crm_gym.atoms import number_json
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import Query, described
from crm_gym.tasks.notation import quoted
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tools import ToolCall


@dataclass(frozen=True, slots=True)
class Meant:
    """A record that a request points at.

    Attributes:
        row: The record.
        said: What it is called, to stand in a sentence.
        lookups: The reads that find it.
        selections: The description, where it is meant by one.
        by: The field it is told apart by, "" for none: not to be asked for.
    """

    row: Row
    said: str
    lookups: tuple[ToolCall, ...]
    selections: tuple[Query, ...] = ()
    by: str = ""


def json_of(value: Any) -> Any:
    """A field's value as a tool takes and shows it."""
    return number_json(value) if isinstance(value, Decimal) else value


def words(scene: Scene, forms: Sequence[str], **slots: Any) -> str:
    """A part of a request, in one of these forms."""
    return fragment(scene.rng, forms, slots, held_out=scene.held_out)


def spoken(scene: Scene, name: str) -> str:
    """A name as it stands in a sentence: between quotation marks if it holds a comma, and at times otherwise."""
    return quoted(name) if "," in name or scene.chance(0.15) else name


# Clients, contacts, deals

_BY_EMAIL = (
    "the client with the e-mail address {email}", "the client behind the address {email}",
    "the client we write to at {email}", "the client reached at {email}",
)  # fmt: skip
_DEAL = ("the deal {name}", "the deal {name}", "our deal {name}", "the deal called {name}")
_DEAL_WITH = (
    "the deal {name} with {client}", "the deal {name} at {client}", "the {client} deal {name}",
    "the deal {name} that we have with {client}",
)  # fmt: skip
_ONLY_DEAL = (
    "the only deal with {client}", "the only deal we have with {client}", "the one deal that {client} has with us",
    "the single deal of {client}",
)  # fmt: skip
_CONTACT = (
    "the contact {name}",
    "our contact {name}",
    "the contact called {name}",
    "the contact by the name of {name}",
)
_CONTACT_AT = (
    "the contact {name} at {client}", "our contact {name} of {client}", "the {client} contact {name}",
    "the contact {name} from {client}",
)  # fmt: skip
_CONTACT_EMAIL = (
    "the contact with the e-mail address {email}", "the contact behind {email}", "the contact we reach at {email}",
    "the contact who writes from {email}",
)  # fmt: skip


def client(scene: Scene, row: Row, kind: bool = False) -> Meant:
    """A client, by name or e-mail address; `kind` puts "the client" before the name."""
    if scene.chance(0.15):
        said = words(scene, _BY_EMAIL, email=row.email)
        return Meant(row, said, (ToolCall("client_search", {"email": row.email}),), by="email")
    if not scene.is_named("Client", row):
        raise Unsuitable
    name = spoken(scene, row.name)
    return Meant(row, f"the client {name}" if kind else name, (scene.look_up(row),), by="name")


def contact(scene: Scene, row: Row) -> Meant:
    """A contact, by name, by name and client, or by e-mail address."""
    if row.email is not None and scene.chance(0.15):
        said = words(scene, _CONTACT_EMAIL, email=row.email)
        return Meant(row, said, (ToolCall("contact_search", {"email": row.email}),), by="email")
    name = listed_name(row)
    if scene.is_named("Contact", row) and scene.chance(0.6):
        return Meant(row, words(scene, _CONTACT, name=name), (scene.look_up(row),), by="name")
    whose = scene.get("Client", row.client_id)
    family = scene.children("Contact", "client_id", row.client_id)
    if not scene.is_named("Client", whose) or sum(listed_name(other) == name for other in family) > 1:
        raise Unsuitable
    find = ToolCall("contact_search", {**scene.look_up(row).arguments, "client_id": whose.client_id})
    said = words(scene, _CONTACT_AT, name=name, client=spoken(scene, whose.name))
    return Meant(row, said, (scene.look_up(whose), find), by="name")


def deal(scene: Scene, row: Row) -> Meant:
    """A deal, by name, by name and client, or as the only one of its client."""
    named, chance = scene.is_named("Opportunity", row), scene.rng.random()
    if named and chance < 0.65:
        return Meant(row, words(scene, _DEAL, name=spoken(scene, row.name)), (scene.look_up(row),), by="name")
    whose = scene.get("Client", row.client_id)
    if not scene.is_named("Client", whose):
        raise Unsuitable
    deals = scene.children("Opportunity", "client_id", row.client_id)
    about = spoken(scene, whose.name)
    if len(deals) == 1 and chance > 0.8:
        find = ToolCall("opportunity_search", {"client_id": whose.client_id})
        return Meant(row, words(scene, _ONLY_DEAL, client=about), (scene.look_up(whose), find), by="client_id")
    if sum(other.name.casefold() == row.name.casefold() for other in deals) > 1:
        raise Unsuitable
    find = ToolCall("opportunity_search", {"name": row.name, "client_id": whose.client_id})
    said = words(scene, _DEAL_WITH, name=spoken(scene, row.name), client=about)
    return Meant(row, said, (scene.look_up(whose), find), by="name")


# Quotes and contracts: one among several of the same deal or client

_QUOTE = {
    "": ("the quote for {of}", "the only quote for {of}", "the one quote on {of}", "the sole quote drawn up for {of}"),
    "version": (
        "quote {value} for {of}", "version {value} of the quote for {of}", "the {value} quote on {of}",
        "the quote with the version label {value} for {of}",
    ),
    "status": (
        "the {value} quote for {of}", "the quote with status {value} for {of}", "the quote that is {value} on {of}",
        "the quote whose status is {value} for {of}",
    ),
    "amount": (
        "the quote over {value:money} for {of}", "the {value:money} quote for {of}",
        "the quote with an amount of {value:money} for {of}", "the quote that comes to {value:money} for {of}",
    ),
    "valid_until": (
        "the quote valid until {value:date} for {of}", "the quote that holds until {value:date} for {of}",
        "the quote with the valid-until date {value:date} for {of}", "the quote running to {value:date} on {of}",
    ),
    "max:amount": (
        "the dearest quote for {of}", "the quote with the highest amount for {of}", "the highest quote on {of}",
        "the costliest quote for {of}",
    ),
    "min:amount": (
        "the cheapest quote for {of}", "the quote with the lowest amount for {of}", "the lowest quote on {of}",
        "the least expensive quote for {of}",
    ),
    "max:created_date": (
        "the newest quote for {of}", "the latest quote created for {of}", "the most recently created quote on {of}",
        "the last quote created for {of}",
    ),
    "min:created_date": (
        "the oldest quote for {of}", "the first quote created for {of}", "the earliest created quote on {of}",
        "the quote created before all others for {of}",
    ),
}  # fmt: skip
"""What a quote is told apart by, to ways to say it."""

_CONTRACT = {
    "": ("the contract with {of}", "our only contract with {of}", "the one contract that {of} has with us",
         "the sole contract of {of}"),
    "status": (
        "the {value} contract with {of}", "the contract that is {value} with {of}",
        "the contract in status {value} with {of}", "the contract whose status is {value} with {of}",
    ),
    "value": (
        "the contract over {value:money} with {of}", "the {value:money} contract with {of}",
        "the contract with a value of {value:money} with {of}", "the contract worth {value:money} with {of}",
    ),
    "start_date": (
        "the contract with {of} that starts on {value:date}", "the contract of {of} with start date {value:date}",
        "the contract with {of} starting {value:date}", "the contract with {of} whose first day is {value:date}",
    ),
    "end_date": (
        "the contract with {of} that ends on {value:date}", "the contract of {of} with end date {value:date}",
        "the contract with {of} ending {value:date}", "the contract with {of} whose last day is {value:date}",
    ),
    "max:value": (
        "the largest contract with {of}", "the contract with the highest value that {of} has with us",
        "the contract with {of} with the highest value", "the contract of {of} that has the greatest value",
    ),
    "max:end_date": (
        "the contract with {of} that ends last", "the contract of {of} with the latest end date",
        "the contract with {of} that has the latest end date", "the contract with {of} that is last to end",
    ),
}  # fmt: skip
_FOR_DEAL = (
    "the contract for {of}",
    "the contract signed for {of}",
    "the contract on {of}",
    "the contract behind {of}",
)


def told_apart(row: Row, siblings: Sequence[Row], by: str) -> bool:
    """Whether a record is the only one of its siblings with that value, or the one with the most or least of it."""
    which, _, field = by.rpartition(":")
    value = getattr(row, field)
    values = [found for other in siblings if (found := getattr(other, field)) is not None]
    best = {"max": max, "min": min}.get(which)
    return value is not None and values.count(value) == 1 and (best is None or best(values) == value)


def _way(scene: Scene, row: Row, siblings: Sequence[Row], ways: Collection[str], avoid: Collection[str]) -> str:
    """What a record is told apart by from its siblings."""
    if len(siblings) == 1:
        return (
            "" if scene.chance(0.7) else str(scene.one([way for way in ways if way not in avoid and _fits(row, way)]))
        )
    usable = [way for way in ways if way and way not in avoid and told_apart(row, siblings, way)]
    if not usable:
        raise Unsuitable
    return str(scene.rng.choice(usable))


def _fits(row: Row, way: str) -> bool:
    """Whether a record without siblings can be called that way."""
    return not way or (":" not in way and getattr(row, way) is not None)


def _told(
    scene: Scene,
    row: Row,
    of: Meant,
    siblings: Sequence[Row],
    ways: Mapping[str, Sequence[str]],
    avoid: Collection[str],
) -> Meant:
    table, parent = type(row).__name__.removesuffix("Row"), TABLES[type(of.row).__name__.removesuffix("Row")].key
    way = _way(scene, row, siblings, ways, avoid)
    search = f"{table.lower()}_search"
    criteria: dict[str, Any] = {parent: of.row[0]}
    if ":" in way:
        said = words(scene, ways[way], of=of.said)
        chosen = (described(table, criteria, way),)
        return Meant(row, said, (*of.lookups, ToolCall(search, criteria)), chosen, by=way.partition(":")[2])
    if not way:
        return Meant(row, words(scene, ways[way], of=of.said), (*of.lookups, ToolCall(search, criteria)))
    value = getattr(row, way)
    said = words(scene, ways[way], of=of.said, value=value)
    criteria[way] = json_of(value)
    return Meant(row, said, (*of.lookups, ToolCall(search, criteria)), by=way)


def quote(scene: Scene, row: Row, avoid: Collection[str] = ()) -> Meant:
    """A quote, as one of its deal's; `avoid` are ways not to tell it apart, such as "status" or "max:amount"."""
    siblings = scene.children("Quote", "opportunity_id", row.opportunity_id)
    of = deal(scene, scene.get("Opportunity", row.opportunity_id))
    return _told(scene, row, of, siblings, _QUOTE, avoid)


def contract(scene: Scene, row: Row, avoid: Collection[str] = ()) -> Meant:
    """A contract, as one of its client's or as that for a deal."""
    if row.opportunity_id is not None and scene.chance(0.25):
        of = deal(scene, scene.get("Opportunity", row.opportunity_id))
        if len(scene.children("Contract", "opportunity_id", row.opportunity_id)) > 1:
            raise Unsuitable
        find = ToolCall("contract_search", {"opportunity_id": row.opportunity_id})
        return Meant(row, words(scene, _FOR_DEAL, of=of.said), (*of.lookups, find))
    siblings = scene.children("Contract", "client_id", row.client_id)
    return _told(scene, row, client(scene, scene.get("Client", row.client_id)), siblings, _CONTRACT, avoid)


POINTERS: dict[str, Callable[[Scene, Row], Meant]] = {
    "Client": lambda scene, row: client(scene, row, kind=True),
    "Contact": contact,
    "Opportunity": deal,
    "Quote": quote,
    "Contract": contract,
}
"""How a record of each table is pointed at."""


def any_record(scene: Scene, table: str) -> Meant:
    """Any record of a table that can be pointed at."""
    return POINTERS[table](scene, scene.pick(table))
