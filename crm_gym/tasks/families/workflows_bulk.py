"""Workflows that change many records under one condition, and no others."""

from __future__ import annotations

from decimal import Decimal

from crm_gym.atoms import number_json
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.workflows_steps import (
    OPEN,
    PAGE,
    Steps,
    all_changed,
    any_owner,
    is_open,
    new_values,
    number_of,
    of_client,
    of_owner,
    only_best,
    open_deals,
    query,
    search_owner,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.worlds_deals import OPEN_STAGES
from crm_gym.tools import ToolCall


@family(
    "workflow",
    (
        "All clients of {owner}'s {trait}: set {changes}. Nobody else's, and none of {owner}'s other clients.",
        "[Please change|Change] {changes} for every client owned by {owner} {trait}, and for nobody else.",
        "For each of the clients {owner} looks after {trait}, update {changes}; all other clients stay as they are.",
        "The clients that {owner} owns {trait} all get the same update: change {changes}. No other clients are meant.",
        "Go through {owner}'s clients. For those {trait}, set {changes}; leave the others alone.",
        "Every client {trait} that has {owner} as its owner should be updated: set {changes}.",
        "Bulk update, clients of {owner} {trait}: change {changes}. Clients of other owners don't change.",
        "I need one and the same change on all of {owner}'s clients {trait}: set {changes}. Hands off everybody"
        " else's.",
    ),
)
def bulk_clients(scene: Scene) -> Draft:
    """All clients of an owner with one industry or status get new values."""
    owner = any_owner(scene)
    clients = scene.template.clients_of_owner[owner]
    field = scene.one(("industry", "status"))
    value = getattr(scene.choose(clients), field)
    chosen = [client for client in clients if getattr(client, field) == value]
    number_of(scene, 2, 10, len(chosen))
    if value is None:
        raise Unsuitable
    changes = new_values(scene, chosen, ("status", "industry", "owner"))
    trait = f"with the {field} {value}" if field == "status" else f"in the industry {value}"
    steps = all_changed("Client", chosen, changes)
    return Draft(
        request=scene.say(owner=owner, trait=trait, changes=scene.updates(changes)),
        lookups=[ToolCall("client_search", {"owner": owner, "limit": PAGE})],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[client[0] for client in clients if client not in chosen],
        selections=[query("Client", owner=owner, **{field: value})],
    )


@family(
    "workflow",
    (
        "[Please set|Set] {changes} on all deals of {owner}'s in {stage}, and on nobody else's.",
        "All of {owner}'s deals that stand at {stage} get an update: change {changes}. Nobody else's deals are"
        " affected.",
        "For every deal in {stage} owned by {owner}, set {changes}. Other owners' deals and other stages stay"
        " untouched.",
        "Whatever {owner} has in {stage} right now should be changed as follows: set {changes} on each deal. That goes"
        " for"
        " no other deals.",
        "{owner}, stage {stage}: update {changes} on each of these deals, nothing on the others.",
        "Take the deals {owner} owns in the stage {stage} and change {changes} on each one of them, please.",
        "Each deal of {owner}'s with the stage {stage} needs a new entry: set {changes}. Keep all other deals as they"
        " are.",
        "Would you go over all deals with owner {owner} and stage {stage} and set {changes} on every one? Nothing else"
        " changes.",
    ),
)
def bulk_deals(scene: Scene) -> Draft:
    """All deals of an owner in one stage get new values."""
    owner = any_owner(scene)
    deals = of_owner(scene, owner)
    stage = scene.one(OPEN_STAGES)
    chosen = [deal for deal in deals if deal.stage == stage]
    number_of(scene, 2, 12, len(chosen))
    changes = new_values(scene, chosen, ("stage", "probability", "close_date", "owner", "notes"))
    steps = all_changed("Opportunity", chosen, changes)
    return Draft(
        request=scene.say(owner=owner, stage=stage, changes=scene.updates(changes)),
        lookups=[search_owner(owner, stage=stage)],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in deals if deal not in chosen],
        selections=[query("Opportunity", owner=owner, stage=stage)],
    )


@family(
    "workflow",
    (
        "[Please set|Set] {changes} on those of {group} that have an amount of at least {bound:money}.",
        "Of {group}, take every deal worth {bound:money} or more and change {changes} on it. Leave the smaller ones"
        " alone.",
        "For each of {group} with an amount of {bound:money} or above, update {changes}.",
        "Which of {group} come to {bound:money} or more? On each of those, set {changes}, and on no other.",
        "Look at {group}: wherever the amount is {bound:money} or higher, set {changes}.",
        "Change {changes} on all the larger ones among {group}, meaning an amount of at least {bound:money}.",
        "The deals of {bound:money} and above among {group} need the same update, which is to set {changes}.",
        "Go over {group} and look at the amount: with {bound:money} or more, change {changes}; with less, leave the"
        " deal as"
        " it is.",
    ),
    held_out=True,
)
def bulk_large_deals(scene: Scene) -> Draft:
    """The open deals of somebody from a certain amount on get new values."""
    group = open_deals(scene, 3)
    bound = Decimal(str(scene.amount()))
    chosen = [deal for deal in group.deals if deal.amount >= bound]
    number_of(scene, 2, 10, len(chosen))
    if len(chosen) == len(group.deals):
        raise Unsuitable
    changes = new_values(scene, chosen, ("stage", "probability", "close_date", "notes"))
    steps = all_changed("Opportunity", chosen, changes)
    where = {**group.where, "amount": {"min": number_json(bound)}}
    return Draft(
        request=scene.say(group=group.said, bound=bound, changes=scene.updates(changes)),
        lookups=group.lookups,
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in (*group.deals, *group.others) if deal not in chosen],
        selections=[query("Opportunity", **where)],
    )


@family(
    "workflow",
    (
        "Some of {owner}'s open deals have no {field} yet. [Please set|Set] the {field} of each of those to {value}.",
        "Fill the gaps: every open deal of {owner}'s without a {field} gets the {field} {value}. Deals that have one"
        " keep it.",
        "For all open deals owned by {owner} where the {field} is missing, put {value} as the {field}.",
        "Wherever the {field} of an open deal that {owner} owns is empty, enter {value}. Do not change a {field} that"
        " is there.",
        "Open deals of {owner}, {field} missing: make it {value}.",
        "Which open deals of {owner}'s lack a {field}? Give each of them {value} as its {field}.",
        "Give every open deal that {owner} owns a {field}: {value} for those that have none so far, no change to the"
        " rest.",
        "An open deal needs a {field}. {owner} has some without; enter {value} on each of these, and only on these.",
    ),
)
def fill_gaps(scene: Scene) -> Draft:
    """Open deals of an owner that lack a probability or a close date get one."""
    owner = any_owner(scene)
    field = scene.one(("probability", "probability", "close_date"))
    deals = of_owner(scene, owner)
    chosen = [deal for deal in deals if is_open(deal) and getattr(deal, field) is None]
    number_of(scene, 2, 8, len(chosen))
    value = scene.percent() if field == "probability" else scene.day(20, 240)
    steps = all_changed("Opportunity", chosen, {field: value})
    written = scene.written("percent" if field == "probability" else "date", value)
    return Draft(
        request=scene.say(owner=owner, field=field.replace("_", " "), value=written),
        lookups=[search_owner(owner)],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in deals if deal not in chosen],
        selections=[query("Opportunity", owner=owner, stage=OPEN, **{field: ""})],
    )


@family(
    "workflow",
    (
        "[Please find|Find] the {word} among {group}, set its stage to Closed-Lost and note {note:quoted} on it.",
        "Of {group}, we give up the {word}: stage Closed-Lost, and a note that says {note:quoted}.",
        "The {word} among {group} is lost. Set its stage to Closed-Lost and add the note {note:quoted} to it.",
        "Give up on the {word} out of {group}: close it as Closed-Lost, with the note {note:quoted} on it.",
        "About {group}: the {word} goes to Closed-Lost and gets the note {note:quoted}.",
        "Which is the {word} of {group}? Move it to Closed-Lost, and leave the note {note:quoted} there.",
        "Put the note {note:quoted} on the {word} of {group}, and then set that same deal to Closed-Lost.",
        "Time to be honest about {group}. The {word} becomes Closed-Lost, with {note:quoted} as a note on the deal.",
    ),
)
def give_up_weakest(scene: Scene) -> Draft:
    """The open deal with the lowest probability, or the earliest close date, is lost and gets a note."""
    group = open_deals(scene, 3)
    field, words = scene.one(
        (
            ("probability", ("deal with the lowest probability", "deal that has the lowest win probability")),
            ("close_date", ("deal with the earliest close date", "deal whose close date comes first")),
        )
    )
    deal = only_best(group.deals, "min", field)
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    steps.change("Opportunity", deal[0], {"stage": "Closed-Lost"})
    steps.note("Opportunity", deal[0], note)
    return Draft(
        request=scene.say(word=scene.one(words), group=group.said, note=note),
        lookups=group.lookups,
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[row[0] for row in (*group.deals, *group.others) if row != deal],
        selections=[query("Opportunity", f"min:{field}", **group.where)],
    )


@family(
    "workflow",
    (
        "{owner}'s prospects are going nowhere. For all clients of {owner}'s with the status Prospect: set their deals"
        " in"
        " {stage} to {end}. Nothing else changes.",
        "[Please clean|Clean] up after {owner}: every deal in {stage} that belongs to a client with status Prospect and"
        " owner {owner} is to be set to the stage {end}.",
        "Take the clients {owner} owns that have the status Prospect, and move each of their deals in {stage} to"
        " {end}.",
        "Deals in {stage} of {owner}'s Prospect clients: stage {end} for all of them, whoever owns the deal. Other"
        " deals"
        " stay.",
        "Look at the Prospect clients in {owner}'s charge. Whatever deal they have in {stage} goes to {end}; leave all"
        " their other deals alone.",
        "Set the stage to {end} for all deals now in {stage} whose client has {owner} as its owner and Prospect as its"
        " status.",
        "For each client with owner {owner} and status Prospect, change the stage of its deals from {stage} to {end}.",
        "The deals that {owner}'s clients with the status Prospect have in {stage} should all be in the stage {end}"
        " instead. Please see to it, and to nothing else.",
    ),
)
def clean_up_prospects(scene: Scene) -> Draft:
    """Deals in one stage of an owner's prospects are moved to another stage."""
    owner = any_owner(scene)
    clients = [client for client in scene.template.clients_of_owner[owner] if client.status == "Prospect"]
    if not clients or len(clients) > 8:
        raise Unsuitable
    stage = scene.one(OPEN_STAGES)
    deals = [deal for client in clients for deal in of_client(scene, client)]
    chosen = [deal for deal in deals if deal.stage == stage]
    number_of(scene, 2, 10, len(chosen))
    end = scene.one(("Closed-Lost", "Closed-Lost", *OPEN_STAGES), stage)
    steps = all_changed("Opportunity", chosen, {"stage": end})
    ids = [client[0] for client in clients]
    return Draft(
        request=scene.say(owner=owner, stage=stage, end=end),
        lookups=[
            ToolCall("client_search", {"owner": owner, "status": "Prospect", "limit": PAGE}),
            *(ToolCall("opportunity_search", {"client_id": record, "stage": stage}) for record in ids),
        ],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[deal[0] for deal in deals if deal not in chosen],
        selections=[
            query("Client", owner=owner, status="Prospect"),
            query("Opportunity", client_id={"any": ids}, stage=stage),
        ],
    )
