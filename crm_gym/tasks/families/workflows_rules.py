"""Workflows that follow a rule: what is not as it should be is put right, what is due is dealt with."""

from __future__ import annotations

from datetime import date
from typing import Any

from crm_gym.extract import MONTHS
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.workflows_steps import (
    OPEN,
    Steps,
    any_owner,
    is_open,
    new_value,
    new_values,
    number_of,
    of_client,
    of_owner,
    query,
    search_client,
    search_owner,
    some_named,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tools import ToolCall


@family(
    "workflow",
    (
        "Some stages are wrong. [Please correct|Correct] them and note the evidence on the same deal: {items}.",
        "For each of these deals, set the stage and add the note given as evidence to it: {items}.",
        "Stage corrections, with the reason to be noted on each deal: {items}.",
        "Correct the stage of the following, and leave the words in quotation marks after it as a note on that deal:"
        " {items}.",
        "The pipeline is not what it should be. Set these stages, and put the remark that goes with each on its deal"
        " as a"
        " note: {items}.",
        "Wrong stage, right stage: I list the deal, the stage it belongs in, and the note that goes on the deal to"
        " show why:"
        " {items}.",
        "After the review, these corrections are due (deal, correct stage, note for the deal): {items}.",
        "Would you put the stages right and write down why, as a note on the deal? Here is what we have: {items}.",
    ),
)
def correct_stage(scene: Scene) -> Draft:
    """Deals get the stage they should have, and a note with the evidence."""
    deals = some_named(scene, "Opportunity", scene.count(1, 5), is_open)
    steps = Steps()
    items = []
    for deal in deals:
        stage = new_value(scene, [deal], "stage")
        note = vocab.note(scene.rng, scene.pool)
        steps.change("Opportunity", deal[0], {"stage": stage})
        steps.note("Opportunity", deal[0], note)
        items.append(f'the deal {listed_name(deal)} to {stage}, note "{note}"')
    return Draft(
        request=scene.say(items="; ".join(items)),
        lookups=[scene.look_up(deal) for deal in deals],
        calls=steps.calls,
        achieve=steps.achieve,
    )


@family(
    "workflow",
    (
        "Every open deal with {client} should have the same owner as the client itself. [Please correct|Correct] those"
        " that"
        " do not, and then add the note {note:quoted} to the client.",
        "Some open deals of {client} are in the wrong hands, or in nobody's. Give them to the client's own owner, and"
        " note"
        " {note:quoted} on the client.",
        "Whoever owns the client {client} is to own all its open deals as well. Change the ones where that is not so."
        " The"
        " client also gets the note {note:quoted}.",
        "Check the owners of {client}'s open deals: where it is not the client's owner, or none, make it the client's"
        " owner."
        " Leave the note {note:quoted} on the client.",
        "Look up who owns the client {client}, make that person the owner of all its open deals, and put {note:quoted}"
        " on"
        " record as a note on the client.",
        "The open deals of the client {client} go to the owner of the client, closed ones stay. Also add a note to the"
        " client: {note:quoted}.",
        "One client, one owner: for {client}, set the owner of each open deal to the one the client has, and write the"
        " note"
        " {note:quoted} on the client.",
        "For the client {client}, I want a note that says {note:quoted}, and its open deals all owned by the colleague"
        " who"
        " owns the client.",
    ),
)
def align_owners(scene: Scene) -> Draft:
    """Open deals of a client go to the client's own owner, those without any among them."""
    client = scene.named("Client", lambda row: row.owner is not None and bool(_astray(scene, row)))
    astray = _astray(scene, client)
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    for deal in astray:
        steps.change("Opportunity", deal[0], {"owner": client.owner})
    steps.note("Client", client[0], note)
    conditions = [{"not": client.owner}] if any(deal.owner for deal in astray) else []
    conditions += [""] if any(deal.owner is None for deal in astray) else []  # type: ignore[list-item]
    return Draft(
        request=scene.say(client=listed_name(client), note=note),
        lookups=[scene.look_up(client), search_client(client)],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in of_client(scene, client) if deal not in astray],
        selections=[query("Opportunity", client_id=client[0], stage=OPEN, owner=owner) for owner in conditions],
    )


def _astray(scene: Scene, client: Row) -> list[Row]:
    return [deal for deal in of_client(scene, client) if is_open(deal) and deal.owner != client.owner]


@family(
    "workflow",
    (
        "{who} called about everything we have open with their company. Set {changes} on each of those deals, and put"
        " the"
        " note {note:quoted} on the contact.",
        "[Please find|Find] the client that the contact {who} works for, set {changes} on all open deals of that"
        " client, and"
        " note {note:quoted} on the contact.",
        "For all open deals with the client where {who} works: change {changes}. The contact gets the note"
        " {note:quoted}.",
        "The contact {who} speaks for the whole company. So on each open deal of that client set {changes}, and add a"
        " note"
        " to the contact: {note:quoted}.",
        "News from our contact {who}: every open deal with their company gets an update, namely set {changes}. Note on"
        " the"
        " contact: {note:quoted}.",
        "Add the note {note:quoted} to the contact {who}. Then take all open deals of the client this contact belongs"
        " to and"
        " change {changes}.",
        "Where does the contact {who} work? All open deals of that client need an update, so set {changes} on them."
        " Then"
        " leave {note:quoted} as a note on the contact.",
        "Whichever client the contact {who} belongs to, set {changes} on all of its open deals, and write"
        " {note:quoted} on"
        " the contact as a note.",
    ),
)
def word_from_contact(scene: Scene) -> Draft:
    """The open deals of the client that a contact works for are changed, and the contact gets a note."""
    contact = scene.named("Contact", lambda row: any(is_open(deal) for deal in _deals_of(scene, row)))
    deals = _deals_of(scene, contact)
    chosen = [deal for deal in deals if is_open(deal)]
    if len(chosen) > 10 or (scene.level is not None and abs(scene.count(1, 8) - len(chosen)) > 1):
        raise Unsuitable
    changes = new_values(scene, chosen, ("stage", "probability", "close_date", "owner"))
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    for deal in chosen:
        steps.change("Opportunity", deal[0], changes)
    steps.note("Contact", contact[0], note)
    client = scene.get("Client", contact.client_id)
    return Draft(
        request=scene.say(who=listed_name(contact), changes=scene.updates(changes), note=note),
        lookups=[scene.look_up(contact), ToolCall("client_search", {"client_id": client[0]}), search_client(client)],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in deals if deal not in chosen],
        selections=[query("Opportunity", client_id=client[0], stage=OPEN)],
    )


def _deals_of(scene: Scene, contact: Row) -> tuple[Row, ...]:
    return scene.children("Opportunity", "client_id", contact.client_id)


@family(
    "workflow",
    (
        "[Please set|Set] {changes} on every open deal of {owner}'s that is due to close {month}. Nobody else's deals,"
        " and no other months.",
        "{owner}'s open deals with a close date {month}: update {changes} on each of them, and leave all other deals as"
        " they are.",
        "For each open deal owned by {owner} that closes {month}, change {changes}.",
        "Take the open deals of {owner} that have their close date {month}, and on all of them set {changes}. Only"
        " those.",
        "Which open deals of {owner}'s close {month}? Set {changes} on all of these.",
        "All open deals that {owner} has closing {month} need an update: change {changes} on each.",
        "Going by the close date, whatever {owner} still has open {month} gets the same treatment: set {changes} on"
        " every such deal.",
        "Every open deal belonging to {owner} whose close date falls {month} should be changed. Set {changes};"
        " everything"
        " else stays as is.",
    ),
)
def closing_in_month(scene: Scene) -> Draft:
    """The open deals of an owner whose close date lies in one month are changed alike."""
    owner = any_owner(scene)
    deals = of_owner(scene, owner)
    start = scene.choose(deals, lambda deal: is_open(deal) and deal.close_date is not None).close_date[:7]
    first, last = f"{start}-01", f"{start}-31"  # days are compared as texts
    chosen = [deal for deal in deals if is_open(deal) and first <= (deal.close_date or "") <= last]
    number_of(scene, 2, 10, len(chosen))
    changes = new_values(scene, chosen, ("stage", "probability", "notes"))
    steps = Steps()
    for deal in chosen:
        steps.change("Opportunity", deal[0], changes)
    where: dict[str, Any] = {"owner": owner, "stage": OPEN, "close_date": {"min": first, "max": last}}
    return Draft(
        request=scene.say(owner=owner, month=_month(scene, start), changes=scene.updates(changes)),
        lookups=[search_owner(owner)],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in deals if deal not in chosen],
        selections=[query("Opportunity", **where)],
    )


def _month(scene: Scene, start: str) -> str:
    if start == scene.today[:7] and scene.chance(0.5):
        return "this month"
    day = date.fromisoformat(f"{start}-01")
    return f"in {MONTHS[day.month - 1]} {day.year}"
