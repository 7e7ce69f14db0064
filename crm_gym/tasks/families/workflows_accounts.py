"""Workflows on accounts: clients that come, change hands, go, or stand there twice, and what is known of them."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Query, described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.workflows_parts import (
    OPEN,
    deals_of,
    is_open,
    items,
    modify,
    part,
    rest_of,
    some,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.plan import new
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall


def _with_open_deals(scene: Scene, base: int) -> tuple[Row, tuple[Row, ...], list[Row]]:
    """A client with open deals, one at least, as many as the level wants if it has them; all its deals; the open."""
    wanted = items(scene, 1, 8, 1, base)
    best: tuple[Row, tuple[Row, ...], list[Row]] | None = None
    for _ in range(8):
        client = scene.get("Client", scene.pick("Opportunity", is_open).client_id)
        deals = scene.children("Opportunity", "client_id", client[0])
        pending = [deal for deal in deals if is_open(deal)]
        fits = scene.is_named("Client", client) and len(pending) <= wanted
        if fits and (best is None or len(pending) > len(best[2])):
            best = client, deals, pending
    if best is None:
        raise Unsuitable
    return best


def _open_of(client: Row) -> Query:
    return described("Opportunity", {"client_id": client[0], "stage": {"any": OPEN}})


@family(
    "workflow",
    (
        "[Please ]hand the client {client} over to {owner}: the client record and every open deal of theirs. Closed"
        " deals stay with whom they are.",
        "{owner} takes over {client}. Change the owner of the client and of all its open deals, not of closed ones.",
        "From now on {owner} is in charge of {client} and of each deal of {client} that is still open. Won and lost"
        " ones keep their owner.",
        "Account move: {client} goes to {owner}, with everything open on it. Owner of the client, owner of the open"
        " deals; closed deals are left alone.",
        "[Could you ]make {owner} the owner of {client} and of any open deal with that client? Leave closed deals as"
        " they are.",
        "New owner for {client} and its open deals (not for the closed ones): {owner}.",
        "The account {client} changes hands. {owner} becomes owner of the client as well as of its deals, as far as"
        " these are open.",
        "Transfer {client} to {owner}, and with it each deal that has not been closed yet; those that have been closed"
        " keep their owner.",
    ),
)
def move_account(scene: Scene) -> Draft:
    """A new owner for a client and all its open deals."""
    client, deals, pending = _with_open_deals(scene, 3)
    held = {client.owner, *(deal.owner for deal in pending)}
    owner = scene.fresh(lambda: scene.rng.choice(scene.template.owners), held.__contains__)
    terms = {"owner": owner}
    return Draft(
        request=scene.say(client=client.name, owner=owner),
        lookups=[scene.look_up(client), deals_of(client[0])],
        calls=[modify("Client", client[0], terms), *(modify("Opportunity", deal[0], terms) for deal in pending)],
        achieve=[
            Achieve("Client", client[0], terms),
            *(Achieve("Opportunity", deal[0], terms) for deal in pending),
        ],
        preserve=rest_of(deals, pending),
        selections=[_open_of(client)],
    )


@family(
    "workflow",
    (
        "We have lost {client}. [Please ]set the client to Inactive and every open deal of theirs to Closed-Lost, and"
        " add the note {content:quoted} to the client.",
        "{client} leaves us: status of the client Inactive, all its open deals Closed-Lost, and a note on the client"
        " that reads {content:quoted}.",
        "Wind down {client}. Its open deals become Closed-Lost, the client itself Inactive; leave {content:quoted} as a"
        " note on the client.",
        "No more business with {client}. Whatever deal is open there goes to Closed-Lost, the client record to"
        " Inactive. Note for the client: {content:quoted}.",
        "[Could you ]close the books on {client}: client Inactive, each open deal Closed-Lost, note on the client"
        " {content:quoted}?",
        "Offboarding of {client}: Closed-Lost for every deal still open, Inactive for the client, and"
        " {content:quoted} as a note on the client.",
        "The client {client} has gone. Mark it Inactive, mark its open deals Closed-Lost (those closed before stay as"
        " they are), and note on the client: {content:quoted}.",
        "As {client} is no longer a customer, the client gets the status Inactive and the note {content:quoted}, and"
        " its open deals the stage Closed-Lost.",
    ),
    held_out=True,
)
def offboard_client(scene: Scene) -> Draft:
    """A client that leaves: inactive, its open deals lost, a note on it."""
    client, deals, pending = _with_open_deals(scene, 4)
    if client.status == "Inactive":
        raise Unsuitable
    content = vocab.note(scene.rng, scene.pool, "poor")
    note = {"entity_type": "Client", "entity_id": client[0], "content": content}
    lost = {"stage": "Closed-Lost"}
    return Draft(
        request=scene.say(client=client.name, content=content),
        lookups=[scene.look_up(client), deals_of(client[0])],
        calls=[
            modify("Client", client[0], {"status": "Inactive"}),
            *(modify("Opportunity", deal[0], lost) for deal in pending),
            ToolCall("add_note", note),
        ],
        achieve=[
            Achieve("Client", client[0], {"status": "Inactive"}),
            *(Achieve("Opportunity", deal[0], lost) for deal in pending),
            Achieve("Note", None, note),
        ],
        preserve=rest_of(deals, pending),
        selections=[_open_of(client)],
    )


_CONTACT = (
    "{name} ({details})",
    "{name}, with {details}",
    "{name} (to be entered with {details})",
    "{name}: {details}",
)


@family(
    "workflow",
    (
        "[Please ]onboard a new client: {client}. Contacts there: {contacts}. First deal: {deal}. And add the note"
        " {content:quoted} to the {target}.",
        "We have a new client, {client}. Enter it with these contacts: {contacts}. Then open a deal for it, {deal}, and"
        " put {content:quoted} on the {target} as a note.",
        "New account. Client: {client}. People (each a contact): {contacts}. Deal: {deal}. Note on the {target}:"
        " {content:quoted}.",
        "Set up for me as a client: {client}. To be entered as contacts of that client: {contacts}. It starts with"
        " a deal, {deal}; the {target} gets the note {content:quoted}.",
        "[Could you ]create the client {client}, its contacts {contacts}, a first deal for it ({deal}), and a note on"
        " the {target} saying {content:quoted}?",
        "To be created, in this order: the client {client}; as contacts {contacts}; the deal {deal}; on the new"
        " {target} the note {content:quoted}.",
        "Somebody new is with us. The client is {client}. Contact by contact: {contacts}. The first deal is {deal}."
        " Leave the note {content:quoted} with the {target}.",
        "A client to be taken in: {client}. With it go these contacts: {contacts}. They also get a deal, {deal}, and"
        " the {target} a note, {content:quoted}.",
    ),
)
def onboard_client(scene: Scene) -> Draft:
    """A new client with contacts, a first deal and a note."""
    client, draft = _new_client(scene), Draft(request="")
    count = items(scene, 1, 7, 1, 3)
    deal = _new_deal(scene)
    people = _people(scene, client["name"], count)
    target = scene.one(("client", "deal"))
    content = vocab.note(scene.rng, scene.pool)
    note = {
        "entity_type": "Client" if target == "client" else "Opportunity",
        "entity_id": new(0) if target == "client" else new(count + 1),
        "content": content,
    }
    _create(draft, "create_new_client", "Client", client)
    for person in people:
        _create(draft, "create_new_contact", "Contact", person | {"client_id": new(0)})
    _create(draft, "create_new_opportunity", "Opportunity", deal | {"client_id": new(0)})
    _create(draft, "add_note", "Note", note)
    draft.request = scene.say(
        client=_said(scene, client),
        contacts=_said_people(scene, people),
        deal=_said(scene, deal),
        target=target,
        content=content,
    )
    return draft


def _create(draft: Draft, tool: str, table: str, values: dict[str, Any]) -> None:
    draft.calls.append(ToolCall(tool, values))
    draft.achieve.append(Achieve(table, None, values))


def _new_client(scene: Scene) -> dict[str, Any]:
    rng, pool = scene.rng, scene.pool
    name = vocab.company_name(rng, pool)
    email = scene.fresh(
        lambda: vocab.company_email(rng, pool, name),
        lambda text: scene.template.crm.store.by_unique("Client", "email", text) is not None,
    )
    more = {
        "industry": vocab.industry(rng).name,
        "phone": vocab.phone(rng, pool),
        "address": vocab.address(rng, pool),
        "owner": scene.owner(),
    }
    return {"name": name, "email": email, "status": scene.one(("Active", "Prospect")), **some(scene, more)}


def _new_deal(scene: Scene) -> dict[str, Any]:
    rng, pool = scene.rng, scene.pool
    more = {"close_date": scene.day(10, 300), "probability": scene.percent(), "owner": scene.owner()}
    return {
        "name": vocab.deal_name(rng, pool),
        "amount": scene.amount(),
        "stage": scene.one(OPEN),
        **some(scene, more),
    }


def _people(scene: Scene, company: str, count: int) -> list[dict[str, Any]]:
    rng, pool = scene.rng, scene.pool
    people: dict[str, dict[str, Any]] = {}
    while len(people) < count:
        who = vocab.person(rng, pool)
        more = {
            "title": vocab.title(rng, pool),
            "email": vocab.person_email(rng, pool, who, company),
            "phone": vocab.phone(rng, pool),
        }
        names = rng.sample(list(more), rng.randint(1, 3))
        people[who.full] = {"first_name": who.first, "last_name": who.last} | {name: more[name] for name in names}
    return list(people.values())


def _said(scene: Scene, values: dict[str, Any]) -> str:
    """The name, then the rest: "Northmoor Foods with e-mail ... and status Active"."""
    rest = {name: value for name, value in values.items() if name != "name"}
    return f"{values['name']} with {scene.details(rest)}"


def _said_people(scene: Scene, people: list[dict[str, Any]]) -> str:
    said = []
    for person in people:
        more = {name: value for name, value in person.items() if name not in ("first_name", "last_name")}
        name = f"{person['first_name']} {person['last_name']}"
        said.append(part(scene, _CONTACT, name=name, details=scene.details(more)))
    return "; ".join(said)
