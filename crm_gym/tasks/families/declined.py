"""Requests about clients, contacts and deals that the CRM must refuse."""

from __future__ import annotations

from typing import Any

from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families import declined_faults as faults
from crm_gym.tasks.families.declined_plea import by_name, creating, modifying, pointing, refused
from crm_gym.tasks.families.faults import all_wrong
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene

_NEW_CLIENT = (
    *all_wrong("Client", "name", "email", "status", "email", "status", "phone", "owner", "industry"),
    faults.email_taken, faults.email_taken, faults.missing("name", "email", "status"),
    faults.unknown(faults.FOR_RECORDS), faults.own_id("client_id"),
)  # fmt: skip
_NEW_CONTACT = (
    *all_wrong("Contact", "first_name", "last_name", "email", "email", "title", "phone"),
    faults.stray("client_id", "Client"), faults.stray("client_id", "Client"),
    faults.missing("first_name", "last_name", "client_id"), faults.unknown(faults.FOR_RECORDS),
    faults.own_id("contact_id"),
)  # fmt: skip
_NEW_DEAL = (
    *all_wrong("Opportunity", "name", "amount", "stage", "probability", "close_date", "owner"),
    *all_wrong("Opportunity", "amount", "stage", "probability", "close_date"),
    faults.stray("client_id", "Client"), faults.missing("name", "amount", "stage", "client_id"), faults.day_gone,
    faults.unknown(faults.FOR_RECORDS), faults.own_id("opportunity_id"),
)  # fmt: skip
_CHANGED_CLIENT = (
    *all_wrong("Client", "name", "email", "status", "email", "status", "phone", "owner", "industry"),
    faults.email_taken, faults.email_taken, faults.unknown(faults.FOR_RECORDS), faults.other_id("client_id"),
    faults.other_time, faults.no_change,
)  # fmt: skip
_CHANGED_CONTACT = (
    *all_wrong("Contact", "first_name", "last_name", "email", "email", "title", "phone", "notes"),
    faults.unknown(faults.FOR_RECORDS), faults.other_id("contact_id"), faults.moved("client_id", "Client"),
    faults.moved("client_id", "Client"), faults.no_change,
)  # fmt: skip
_CHANGED_DEAL = (
    *all_wrong("Opportunity", "name", "amount", "stage", "probability", "close_date", "owner"),
    *all_wrong("Opportunity", "amount", "stage", "probability", "close_date"),
    faults.stray("client_id", "Client"), faults.day_gone, faults.unknown(faults.FOR_RECORDS),
    faults.other_id("opportunity_id"), faults.no_change,
)  # fmt: skip
_VIEW = (*faults.PAGING, faults.unknown(faults.FOR_VIEWS))
_ACTION = (faults.unknown(faults.FOR_ACTIONS),)
_LOCKED = 0.25  # of the changes to deals are to the terms of closed ones


def _some(scene: Scene, values: dict[str, Any]) -> dict[str, Any]:
    """Some of the values, or none."""
    return {name: value for name, value in values.items() if scene.chance(0.35)}


@family(
    "declined",
    (
        "[Please ]create a new client. {body}.",
        "We need a new client in the CRM. {body}.",
        "[Could you ]set up a client record for me? {body}.",
        "There is a client to be entered. {body}.",
        "New client. {body}.",
        "Add a client to the CRM, please. {body}.",
        "A new client has come in and should be recorded. {body}.",
        "Open a client file with the following. {body}.",
    ),
    tool="create_new_client",
)
def decline_create_new_client(scene: Scene) -> Draft:
    """A new client with one thing wrong."""
    name = vocab.company_name(scene.rng, scene.pool)
    given = {
        "name": name,
        "email": vocab.company_email(scene.rng, scene.pool, name),
        "status": scene.one(scene.members("Client", "status")),
        **_some(scene, {"phone": vocab.phone(scene.rng, scene.pool), "industry": vocab.industry(scene.rng).name}),
        **_some(scene, {"owner": scene.owner()}),
    }
    return creating(scene, "create_new_client", given, _NEW_CLIENT)


@family(
    "declined",
    (
        "[Please ]create a new contact. {body}.",
        "We have met somebody new: enter the contact. {body}.",
        "[Could you ]add a contact? {body}.",
        "A contact person has to go on record. {body}.",
        "New contact. {body}.",
        "Put a new contact into the CRM[, please]. {body}.",
        "I need one more contact recorded. {body}.",
        "Here is a contact for the CRM. {body}.",
    ),
    tool="create_new_contact",
)
def decline_create_new_contact(scene: Scene) -> Draft:
    """A new contact with one thing wrong."""
    client = scene.named("Client")
    who = vocab.person(scene.rng, scene.pool)
    given = {
        "first_name": who.first,
        "last_name": who.last,
        "client_id": client,
        **_some(scene, {"title": vocab.title(scene.rng, scene.pool), "phone": vocab.phone(scene.rng, scene.pool)}),
        **_some(scene, {"email": vocab.person_email(scene.rng, scene.pool, who, client.name)}),
    }
    return creating(scene, "create_new_contact", given, _NEW_CONTACT)


@family(
    "declined",
    (
        "[Please ]create a new deal. {body}.",
        "A deal needs to be entered. {body}.",
        "[Could you ]open a deal in the CRM? {body}.",
        "There is a fresh deal for the pipeline. {body}.",
        "New deal. {body}.",
        "Put one more deal into the CRM[, please]. {body}.",
        "I would like a deal set up. {body}.",
        "Record this deal for us. {body}.",
    ),
    tool="create_new_opportunity",
)
def decline_create_new_opportunity(scene: Scene) -> Draft:
    """A new deal with one thing wrong."""
    given = {
        "name": vocab.deal_name(scene.rng, scene.pool),
        "client_id": scene.named("Client"),
        "amount": scene.amount(),
        "stage": scene.one(scene.members("Opportunity", "stage")),
        **_some(scene, {"probability": scene.percent(), "close_date": scene.day(5, 300), "owner": scene.owner()}),
    }
    return creating(scene, "create_new_opportunity", given, _NEW_DEAL)


@family(
    "declined",
    (
        "[Please ]update the client {record}. {body}.",
        "The client {record} has to be changed. {body}.",
        "Something is to be changed on the client {record}. {body}.",
        "There is an edit to make to the client {record}. {body}.",
        "An update to the client {record}. {body}.",
        "For the client {record} I need an update. {body}.",
        "[Could you ]edit the record of the client {record}? {body}.",
        "Go to the client {record} and make a change. {body}.",
    ),
    tool="modify_client",
)
def decline_modify_client(scene: Scene) -> Draft:
    """A change to a client with one thing wrong."""
    row = scene.named("Client")
    also = scene.one(({"owner": scene.owner(row.owner)}, {"phone": vocab.phone(scene.rng, scene.pool)}))
    return modifying(scene, "modify_client", by_name(scene, row), also, _CHANGED_CLIENT)


@family(
    "declined",
    (
        "[Please ]update the contact {record}. {body}.",
        "The contact {record} has to be changed. {body}.",
        "Something on the contact {record} is to be changed. {body}.",
        "There is an edit to make to the contact {record}. {body}.",
        "An update to the contact {record}. {body}.",
        "For the contact {record} I need an update. {body}.",
        "[Could you ]edit the details of the contact {record}? {body}.",
        "Go to the contact {record} and make a change. {body}.",
    ),
    tool="modify_contact",
)
def decline_modify_contact(scene: Scene) -> Draft:
    """A change to a contact with one thing wrong."""
    row = scene.named("Contact")
    also = scene.one(
        ({"title": vocab.title(scene.rng, scene.pool)}, {"phone": vocab.phone(scene.rng, scene.pool)}), None
    )
    return modifying(scene, "modify_contact", by_name(scene, row), also, _CHANGED_CONTACT)


@family(
    "declined",
    (
        "[Please ]update the deal {record}. {body}.",
        "The deal {record} needs a change. {body}.",
        "Something has to be changed on the deal {record}. {body}.",
        "There is news on the deal {record} to enter. {body}.",
        "An update to the deal {record}. {body}.",
        "On the deal {record} I want a change made. {body}.",
        "[Could you ]edit the deal {record}? {body}.",
        "Take the deal {record} and change it. {body}.",
    ),
    tool="modify_opportunity",
)
def decline_modify_opportunity(scene: Scene) -> Draft:
    """A change to a deal with one thing wrong, or to the terms of a closed one."""
    if scene.chance(_LOCKED):
        closed = scene.named("Opportunity", lambda row: not faults.is_open(row))
        record, fault = by_name(scene, closed), faults.locked(scene, closed)
        arguments = {"id": record.id, "updates": {fault.field: fault.value}}
        request = scene.say(record=record.words, body=fault.words)
        return refused(request, "modify_opportunity", arguments, fault, record.lookups)
    row = scene.named("Opportunity", faults.is_open)
    also = scene.one(({"owner": scene.owner(row.owner)}, {"notes": vocab.note(scene.rng, scene.pool)}))
    return modifying(scene, "modify_opportunity", by_name(scene, row), also, _CHANGED_DEAL)


@family(
    "declined",
    (
        "[Please ]clone the deal {record}. {body}.",
        "Make a copy of the deal {record}. {body}.",
        "I need the deal {record} cloned. {body}.",
        "A clone of the deal {record} is wanted. {body}.",
        "Duplicate the deal {record}[, please]. {body}.",
        "[Could you ]copy the deal {record}? {body}.",
        "Clone of the deal {record}, once. {body}.",
        "The deal {record} is to be copied. {body}.",
    ),
    tool="clone_opportunity",
)
def decline_clone_opportunity(scene: Scene) -> Draft:
    """A copy of a deal that is not there, or with an option that there is not."""
    record = by_name(scene, scene.named("Opportunity"))
    return pointing(scene, "clone_opportunity", "opportunity_id", record, _ACTION)


@family(
    "declined",
    (
        "[Please ]delete the deal {record}. {body}.",
        "The deal {record} has to go. {body}.",
        "Remove the deal {record} from the CRM. {body}.",
        "Get rid of the deal {record} for good. {body}.",
        "I want the deal {record} deleted. {body}.",
        "[Could you ]erase the deal {record}? {body}.",
        "Deal {record}: delete it. {body}.",
        "Strike the deal {record} off the books. {body}.",
    ),
    tool="delete_opportunity",
)
def decline_delete_opportunity(scene: Scene) -> Draft:
    """The removal of a deal that is not there, or with an option that there is not."""
    record = by_name(scene, scene.named("Opportunity"))
    return pointing(scene, "delete_opportunity", "opportunity_id", record, _ACTION)


@family(
    "declined",
    (
        "[Please ]view the details of the deal {record}. {body}.",
        "Show me the full view of the deal {record}. {body}.",
        "I want to view the deal {record} with all that hangs on it. {body}.",
        "Bring up the detail view of the deal {record}. {body}.",
        "Open the view of the deal {record} for me. {body}.",
        "[Could you ]pull up the view with everything on the deal {record}? {body}.",
        "A view of everything there is on the deal {record}, please. {body}.",
        "Let me view the deal {record} from end to end. {body}.",
    ),
    tool="view_opportunity_details",
)
def decline_view_opportunity_details(scene: Scene) -> Draft:
    """A look at a deal that is not there, or at pages there cannot be."""
    record = by_name(scene, scene.named("Opportunity"))
    return pointing(scene, "view_opportunity_details", "opportunity_id", record, _VIEW)
