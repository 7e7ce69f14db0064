"""Workflows that find something out first, and then act on it."""

from __future__ import annotations

from decimal import Decimal

from crm_gym.atoms import number_json
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.answering import of_record
from crm_gym.tasks.families.workflows_steps import (
    PAGE,
    Steps,
    any_owner,
    is_open,
    new_values,
    number_of,
    of_client,
    only_best,
    open_deals,
    query,
    search_client,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tasks.worlds_deals import OPEN_STAGES
from crm_gym.tools import ToolCall

_BEST = {
    "max": ("highest amount", "largest amount", "biggest amount"),
    "min": ("lowest amount", "smallest amount", "least amount"),
}


@family(
    "workflow",
    (
        "[Please find|Find|Look up] the deal with the {best} among {group}. Set {changes} on it[ and|, and] add this"
        " note"
        " to it: {note:quoted}.",
        "Which of {group} has the {best}? [On that deal|On that very deal], change {changes} and leave the note"
        " {note:quoted}.",
        "Of {group}, take the deal with the {best}: change {changes} there, and write {note:quoted} as a note on it.",
        "Change {changes} on whichever of {group} has the {best}, and attach this note to the same deal:"
        " {note:quoted}.",
        "About {group}: only the deal with the {best} is meant. Set {changes}[ there|] and note down {note:quoted} on"
        " it.",
        "I'd like [you to set|to set] {changes} on the deal with the {best}, out of {group}. That deal also needs a"
        " note"
        " saying {note:quoted}.",
        "Go through {group} and pick the deal with the {best}. It needs a note, {note:quoted}, and a change: set"
        " {changes}.",
        "Out of {group}, the deal with the {best} is the one I care about. A note should go on it ({note:quoted}), and"
        " please update {changes}.",
        "Sort {group} by amount. For the deal with the {best}: set {changes}, and add the note {note:quoted}.",
        "The deal with the {best} among {group} gets the note {note:quoted}; also update {changes} on it. Leave the"
        " rest alone.",
    ),
)
def top_deal_note(scene: Scene) -> Draft:
    """The largest or smallest open deal of somebody is changed and gets a note."""
    group = open_deals(scene, 3)
    which = scene.one(tuple(_BEST))
    deal = only_best(group.deals, which, "amount")
    changes = new_values(scene, [deal], ("stage", "probability", "close_date"))
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    steps.change("Opportunity", deal[0], changes)
    steps.note("Opportunity", deal[0], note)
    return Draft(
        request=scene.say(best=scene.one(_BEST[which]), group=group.said, changes=scene.updates(changes), note=note),
        lookups=group.lookups,
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[row[0] for row in (*group.deals, *group.others) if row != deal],
        selections=[query("Opportunity", f"{which}:amount", **group.where)],
    )


@family(
    "workflow",
    (
        "Which of {owner}'s clients has the highest total amount {scope}? Put the note {note:quoted} on that client,"
        " set {changes} there, and tell me which client it is.",
        "[Please work|Work] out for which client of {owner}'s the amounts {scope} add up to the most. Then set"
        " {changes}"
        " for that client, add the note {note:quoted} to it, and report the client.",
        "Compare the clients {owner} looks after by their total amount {scope}. The client at the top gets the note"
        " {note:quoted} and a change: set {changes}. Report back who it was.",
        "Add up the amounts {scope} for each client of {owner}'s. Name the client with the largest total; for that one,"
        " update {changes} and leave the note {note:quoted}.",
        "Among {owner}'s clients, find the one with the largest total {scope}. I need its name back, a note"
        " ({note:quoted}) on it, and on the same client you should set {changes}.",
        "Tell me the client of {owner}'s whose amounts {scope} come to the highest total, after you have changed"
        " {changes} for it and filed the note {note:quoted} with it.",
        "Rank {owner}'s clients by total amount {scope}. For the client at the top: change {changes}, add a note"
        " reading {note:quoted}. Then answer with that client.",
        "Whoever has the highest total {scope} among the clients of {owner} should get a note, {note:quoted}, and new"
        " data: set {changes}. Answer with the client's name.",
    ),
)
def leading_client(scene: Scene) -> Draft:
    """The client of an owner with the largest total, of all deals or of those in one stage."""
    owner = any_owner(scene)
    clients = scene.template.clients_of_owner[owner]
    number_of(scene, 2, 8, len(clients))
    stage = scene.one((None, *OPEN_STAGES, "Closed-Won"))
    scope = "over all its deals, open or closed" if stage is None else f"of deals in {stage}"
    totals = [_total(_in_stage(scene, client, stage)) for client in clients]
    best = max(totals)
    if not best or totals.count(best) > 1:
        raise Unsuitable
    client = clients[totals.index(best)]
    changes = new_values(scene, [client], ("industry", "phone", "address"), 1, 1)
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    steps.note("Client", client[0], note)
    steps.change("Client", client[0], changes)
    only = {} if stage is None else {"stage": stage}
    return Draft(
        request=scene.say(owner=owner, scope=scope, note=note, changes=scene.updates(changes)),
        lookups=[
            ToolCall("client_search", {"owner": owner, "limit": PAGE}),
            *(ToolCall("summarize_opportunities", {"client_id": row[0], **only}) for row in clients),
        ],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[row[0] for row in clients if row != client],
        answer=of_record(scene, "Client", client),
        selections=[query("Client", owner=owner)],
    )


def _in_stage(scene: Scene, client: Row, stage: str | None) -> list[Row]:
    deals = of_client(scene, client)
    return [deal for deal in deals if stage in (None, deal.stage)]


def _total(deals: list[Row]) -> Decimal:
    return sum((deal.amount for deal in deals), Decimal(0))


@family(
    "workflow",
    (
        "[Please enter|Enter] the following as amounts of deals with {client}: {amounts}. Then report the new"
        " total amount of all the deals this client has, open or closed.",
        "For {client}, to be entered as amount: {amounts}. Once that is in, what is the total amount of all this"
        " client's deals, closed ones included?",
        "For the client {client}, update the deal amounts as follows: {amounts}. Answer with the total that all of the"
        " client's deals, open or closed, come to afterwards.",
        "What do all the deals of {client} (open and closed) add up to once this is entered as amount: {amounts}?"
        " Enter it, then tell me.",
        "{client} has agreed to a change of amount: {amounts}. Enter that in the CRM, and tell me the total amount"
        " of"
        " all deals with that client after that, whether open or closed.",
        "Amounts to enter on deals of {client}: {amounts}. Afterwards give me the sum of all amounts of that client's"
        " deals, including closed ones.",
        "I need two things for {client}. The amounts: {amounts}. And then the total over every deal of that client,"
        " open or closed, with the change counted.",
        "Put what follows on the deals of {client} as amount: {amounts}. With that done, report the sum over all of the"
        " client's deals, whatever their stage.",
    ),
)
def change_and_report(scene: Scene) -> Draft:
    """Amounts of a client's deals are changed, and the new total is reported."""
    client = scene.named("Client", lambda row: len(of_client(scene, row)) >= 3)
    deals = of_client(scene, client)
    able = [deal for deal in deals if is_open(deal) and scene.is_named("Opportunity", deal)]
    number = scene.count(1, 5)
    if len(able) < number or number > len(deals) - 2 or len(deals) > PAGE:
        raise Unsuitable
    chosen = scene.rng.sample(able, number)
    amounts = {deal[0]: scene.amount(deal.amount) for deal in chosen}
    total = sum((Decimal(str(amounts.get(deal[0], deal.amount))) for deal in deals), Decimal(0))
    steps = Steps()
    for deal in chosen:
        steps.change("Opportunity", deal[0], {"amount": amounts[deal[0]]})
    lookups = [scene.look_up(client), search_client(client)]
    return Draft(
        request=scene.say(client=listed_name(client), amounts=_amounts(scene, chosen, amounts)),
        path=[*lookups, *steps.calls, ToolCall("summarize_opportunities", {"client_id": client[0]})],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in deals if deal not in chosen],
        answer=Answer("sum", number_json(total), rows=tuple(deal[0] for deal in deals)),
    )


def _amounts(scene: Scene, deals: list[Row], amounts: dict[str, int | float]) -> str:
    return listed(
        [f'{scene.written("money", Decimal(str(amounts[deal[0]])))} for "{listed_name(deal)}"' for deal in deals]
    )


@family(
    "workflow",
    (
        "[Please draw|Draw] up a contract with {client} over the total amount of its deals in {stage}, as the CRM sums"
        " them up, running from {start:date} to {end:date}. Then put the note {note:quoted} on the client.",
        "{client} gets one contract for everything it has in {stage}: its value is the total amount of those deals,"
        " start"
        " date {start:date}, end date {end:date}. Also note {note:quoted} on the client.",
        "Sum up the amounts of the deals {client} has in {stage}. That total is the value of a new contract with them,"
        " valid from {start:date} until {end:date}. Add the note {note:quoted} to the client as well.",
        "New contract with the client {client}: it starts {start:date}, it ends {end:date}, and its value is whatever"
        " the"
        " client's deals in {stage} come to in total. The client record also needs the note {note:quoted}.",
        "How much do {client}'s deals in {stage} come to together? Create a contract with that client for exactly that"
        " value, first day {start:date}, last day {end:date}, and record {note:quoted} as a note on the client.",
        "A contract is due for {client}. Value: total amount of the client's deals in {stage}. Start: {start:date}."
        " End:"
        " {end:date}. When it is there, leave the note {note:quoted} on the client.",
        "Add a contract for {client}, worth the total of all its deals in {stage}, from {start:date} through"
        " {end:date},"
        " and a note on the client that says {note:quoted}.",
        "Write {note:quoted} as a note on the client {client}, and set up a contract with them that runs from"
        " {start:date} to {end:date}; the value to enter is the total amount of their deals in {stage}.",
    ),
)
def contract_for_total(scene: Scene) -> Draft:
    """A contract whose value is the total of a client's deals in one stage."""
    client = scene.named("Client", lambda row: len(of_client(scene, row)) >= 2)
    stage = scene.choose(of_client(scene, client)).stage
    deals = _in_stage(scene, client, stage)
    total = _total(deals)
    if len(deals) < 2 or total > 10_000_000:
        raise Unsuitable
    start = scene.day(0, 60)
    terms = {"client_id": client[0], "value": number_json(total), "start_date": start}
    terms["end_date"] = scene.day(200, 900, start)
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    steps.make("create_contract", "Contract", terms)
    steps.note("Client", client[0], note)
    return Draft(
        request=scene.say(client=listed_name(client), stage=stage, start=start, end=terms["end_date"], note=note),
        lookups=[
            scene.look_up(client),
            ToolCall("summarize_opportunities", {"client_id": client[0], "stage": stage}),
        ],
        calls=steps.calls,
        achieve=steps.achieve,
    )
