"""Ways to refer to one deal, client or contact, each of which no second record fits."""

from __future__ import annotations

from dataclasses import dataclass, field

from crm_gym.schema import Row
from crm_gym.tasks.answer import Query, described
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.scene import Scene, Test, Unsuitable, listed_name
from crm_gym.tools import ToolCall

_NEAR = 0.35  # how often a record is chosen that others are nearly named like

_DEAL = ("the deal {name}", "the deal {name:quoted}", "our deal {name:quoted}", "the deal called {name:quoted}")
_DEAL_OF_CLIENT = (
    "the deal {name:quoted} with {client}",
    "the deal {name:quoted} that we have with {client}",
    "{client}'s deal {name:quoted}",
    "the deal {name:quoted} of the client {client}",
)
_DEAL_OF_OWNER = (
    "the only deal that {owner} has in stage {stage}",
    "{owner}'s only deal in {stage}",
    "the one deal of {owner} that is in {stage}",
    "the single deal owned by {owner} with the stage {stage}",
)
_DEAL_OF_STAGE = (
    "the only deal with {client} that is in {stage}",
    "{client}'s only deal in {stage}",
    "the one deal of {client} in stage {stage}",
    "the single deal of the client {client} with the stage {stage}",
)
_CLIENT = ("the client {name}", "the client {name:quoted}", "our client {name}", "the client called {name}")
_CLIENT_BY_MAIL = (
    "the client with the e-mail {email}",
    "the client we reach at {email}",
    "the client whose e-mail address is {email}",
    "the client that has {email} as its e-mail",
)
_CLIENT_OF_OWNER = (
    "the only client in {industry} that {owner} looks after",
    "{owner}'s only client in {industry}",
    "the one client of {owner} with the industry {industry}",
    "the single client owned by {owner} with {industry} as its industry",
)
_CONTACT = ("the contact {name}", "our contact {name}", "the contact {name:quoted}", "the contact named {name}")
_CONTACT_AT = (
    "{name} at {client}",
    "the contact {name} at {client}",
    "{client}'s contact {name}",
    "the contact named {name} at the client {client}",
)


@dataclass(frozen=True, slots=True)
class Referred:
    """A record as a request speaks of it.

    Attributes:
        row: The record.
        words: What it is called, to stand inside a sentence.
        lookups: The reads that show it.
        selections: The description as a query, if it is called by one.
    """

    row: Row
    words: str
    lookups: list[ToolCall]
    selections: list[Query] = field(default_factory=list)


def sole_owner(scene: Scene, owner: str | None) -> bool:
    """Whether a search for that owner finds nobody else's records."""
    return owner in scene.template.sole_owners


def _words(scene: Scene, forms: tuple[str, ...], **slots: str) -> str:
    return fragment(scene.rng, forms, slots, held_out=scene.held_out)


def a_client(scene: Scene, test: Test | None = None) -> Referred:
    """A client: by name mostly, else by e-mail, or as somebody's only one in an industry."""
    way = scene.rng.random()
    if way < 0.6:
        return named_client(scene, test)
    row = scene.pick("Client", test)
    if way < 0.8 or row.industry is None or not sole_owner(scene, row.owner):
        words = _words(scene, _CLIENT_BY_MAIL, email=row.email)
        return Referred(row, words, [ToolCall("client_search", {"email": row.email})])
    return _only_client(scene, row)


def named_client(scene: Scene, test: Test | None = None) -> Referred:
    """A client by its name."""
    near = scene.chance(_NEAR)
    row = scene.named("Client", lambda row: _fits(scene, "Client", row, near, test))
    return Referred(row, _words(scene, _CLIENT, name=row.name), [scene.look_up(row)])


def _fits(scene: Scene, table: str, row: Row, near: bool, test: Test | None) -> bool:
    return (not near or scene.template.near(table, row) > 0) and (test is None or test(row))


def _only_client(scene: Scene, row: Row) -> Referred:
    found = {"owner": row.owner, "industry": row.industry}
    wanted = row.industry.casefold()
    alike = [
        other for other in scene.template.clients_of_owner[row.owner] if wanted in (other.industry or "").casefold()
    ]
    if len(alike) != 1:
        raise Unsuitable
    words = _words(scene, _CLIENT_OF_OWNER, **found)
    return Referred(row, words, [ToolCall("client_search", found)], [described("Client", found)])


def a_deal(scene: Scene, test: Test | None = None) -> Referred:
    """A deal: by name mostly, else by name and client, or as the only one of its owner or client in its stage."""
    way = scene.rng.random()
    if way < 0.5:
        return named_deal(scene, test)
    if way < 0.75:
        return _deal_of_client(scene, test)
    return (_deal_of_owner if way < 0.88 else _deal_of_stage)(scene, scene.pick("Opportunity", test))


def named_deal(scene: Scene, test: Test | None = None) -> Referred:
    """A deal by its name."""
    near = scene.chance(_NEAR)
    row = scene.named("Opportunity", lambda row: _fits(scene, "Opportunity", row, near, test))
    return Referred(row, _words(scene, _DEAL, name=row.name), [scene.look_up(row)])


def client_of(scene: Scene, row: Row) -> Row:
    """The client of a deal or contact, if nobody shares its name.

    Raises:
        Unsuitable: If somebody does.
    """
    client = scene.get("Client", row.client_id)
    if not scene.is_named("Client", client):
        raise Unsuitable
    return client


def _deal_of_client(scene: Scene, test: Test | None) -> Referred:
    shared = scene.chance(0.5)  # names that several deals have are rare: look for them

    def fits(row: Row) -> bool:
        return (not shared or not scene.is_named("Opportunity", row)) and (test is None or test(row))

    row = scene.pick("Opportunity", fits)
    client = client_of(scene, row)
    deals = scene.children("Opportunity", "client_id", client[0])
    if sum(other.name.casefold() == row.name.casefold() for other in deals) > 1:
        raise Unsuitable
    words = _words(scene, _DEAL_OF_CLIENT, name=row.name, client=client.name)
    search = ToolCall("opportunity_search", {"name": row.name, "client_id": client[0]})
    return Referred(row, words, [scene.look_up(client), search])


def _deal_of_owner(scene: Scene, row: Row) -> Referred:
    if not sole_owner(scene, row.owner):
        raise Unsuitable
    found = {"owner": row.owner, "stage": row.stage}
    if sum(other.stage == row.stage for other in scene.template.deals_of_owner[row.owner]) != 1:
        raise Unsuitable
    words = _words(scene, _DEAL_OF_OWNER, **found)
    return Referred(row, words, [ToolCall("opportunity_search", found)], [described("Opportunity", found)])


def _deal_of_stage(scene: Scene, row: Row) -> Referred:
    client = client_of(scene, row)
    deals = scene.children("Opportunity", "client_id", client[0])
    if sum(other.stage == row.stage for other in deals) != 1:
        raise Unsuitable
    found = {"client_id": client[0], "stage": row.stage}
    words = _words(scene, _DEAL_OF_STAGE, client=client.name, stage=row.stage)
    lookups = [scene.look_up(client), ToolCall("opportunity_search", found)]
    return Referred(row, words, lookups, [described("Opportunity", found)])


def a_contact(scene: Scene, test: Test | None = None) -> Referred:
    """A contact: by name, or by name and client."""
    if scene.chance(0.5):
        near = scene.chance(_NEAR)
        row = scene.named("Contact", lambda row: _fits(scene, "Contact", row, near, test))
        return Referred(row, _words(scene, _CONTACT, name=listed_name(row)), [scene.look_up(row)])
    row = scene.pick("Contact", test)
    client, name = client_of(scene, row), listed_name(row)
    people = scene.children("Contact", "client_id", client[0])
    if sum(listed_name(other).casefold() == name.casefold() for other in people) > 1:
        raise Unsuitable
    found = {"first_name": row.first_name, "last_name": row.last_name, "client_id": client[0]}
    words = _words(scene, _CONTACT_AT, name=name, client=client.name)
    return Referred(row, words, [scene.look_up(client), ToolCall("contact_search", found)])
