"""Requests of several steps, one of which the CRM must refuse: all is to be turned down, and nothing done."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from uuid import UUID

from crm_gym.entities import CLOSED_STAGES
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Draft, Refused
from crm_gym.tasks.families.joining import independent, lookups_of
from crm_gym.tasks.families.parts import Part, clause
from crm_gym.tasks.families.workflows_steps import is_open
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, listed_name
from crm_gym.tasks.splits import pool_of_value
from crm_gym.tools import ToolCall

_ODD = (".zip", ".exe", ".png", ".html", ".mp4")
Fault = tuple[Part, Refused]

_MISSPELT = {
    "Prospecting": ("Prospecing", "prospecting", "Prospection"),
    "Qualification": ("Qualifcation", "qualification", "Qualified"),
    "Proposal": ("Propsal", "proposal", "Proposed"),
    "Negotiation": ("Negotation", "negotiation", "Negotiating"),
    "Closed-Won": ("Closed Won", "closed-won", "Won"),
    "Closed-Lost": ("Closed Lost", "closed-lost", "Lost"),
}


def _fault(words: str, code: str, field: str, call: ToolCall, *lookups: ToolCall) -> Fault:
    return Part(words, [call], [], lookups), Refused(code, field, call)


def _too_much(scene: Scene) -> Fault:
    """A deal gets an amount above the ceiling."""
    deal = scene.named("Opportunity", is_open)
    amount = 10_000_000 + int(scene.amount()) * scene.rng.randint(1, 9)
    forms = (
        "set the amount of the deal {deal} to {amount:money}",
        "raise the deal {deal} to an amount of {amount:money}",
        "change the amount of the deal {deal} to {amount:money}",
        "put {amount:money} as the amount on the deal {deal}",
    )
    call = ToolCall("modify_opportunity", {"id": deal[0], "updates": {"amount": amount}})
    words = clause(scene, forms, deal=listed_name(deal), amount=Decimal(amount))
    return _fault(words, "amount_above_ceiling", "amount", call, scene.look_up(deal))


def _no_stage(scene: Scene) -> Fault:
    """A deal gets a stage that there is not, spelt just so."""
    deal = scene.named("Opportunity", is_open)
    stage = scene.one(_MISSPELT[scene.one(tuple(_MISSPELT), deal.stage)])
    forms = (
        "set the stage of the deal {deal} to {stage:quoted}, spelt exactly like that",
        "move the deal {deal} to the stage {stage:quoted} (literally that value)",
        "enter the stage {stage:quoted}, exactly as written, on the deal {deal}",
        "give the deal {deal} the stage {stage:quoted}, letter for letter",
    )
    call = ToolCall("modify_opportunity", {"id": deal[0], "updates": {"stage": stage}})
    words = clause(scene, forms, deal=listed_name(deal), stage=stage)
    return _fault(words, "enum_value", "stage", call, scene.look_up(deal))


def _locked(scene: Scene) -> Fault:
    """Terms of a closed deal are to be changed."""
    deal = scene.named("Opportunity", lambda row: row.stage in CLOSED_STAGES)
    field = scene.one(("probability", "close_date"))
    value = scene.percent(deal.probability) if field == "probability" else scene.day(20, 240)
    forms = (
        "set {changes} on the deal {deal}",
        "change {changes} for the deal {deal}",
        "update the deal {deal} by setting {changes}",
        "bring the deal {deal} up to date, setting {changes}",
    )
    call = ToolCall("modify_opportunity", {"id": deal[0], "updates": {field: value}})
    words = clause(scene, forms, deal=listed_name(deal), changes=scene.updates({field: value}))
    return _fault(words, "closed_deal_locked", field, call, scene.look_up(deal))


def _gone_by(scene: Scene) -> Fault:
    """A deal gets a close date that has passed."""
    deal = scene.named("Opportunity", is_open)
    day = scene.day(-400, -5)
    forms = (
        "set the close date of the deal {deal} to {day:date}",
        "move the deal {deal} to the close date {day:date}",
        "change the close date of the deal {deal} to {day:date}",
        "enter {day:date} as the close date of the deal {deal}",
    )
    call = ToolCall("modify_opportunity", {"id": deal[0], "updates": {"close_date": day}})
    words = clause(scene, forms, deal=listed_name(deal), day=day)
    return _fault(words, "date_in_past", "close_date", call, scene.look_up(deal))


def _nobody(scene: Scene) -> Fault:
    """A note goes on a record that there is not."""
    record = scene.fresh(
        lambda: str(UUID(int=scene.rng.getrandbits(128), version=4)), lambda text: pool_of_value(text) != scene.pool
    )
    table, word = scene.one(
        (("Opportunity", "deal"), ("Quote", "quote"), ("Client", "client"), ("Contract", "contract"))
    )
    content = vocab.note(scene.rng, scene.pool)
    forms = (
        "add the note {note:quoted} to the {word} with the id {record}",
        "note {note:quoted} on the {word} {record}",
        "put a note on the {word} with the id {record} that says {note:quoted}",
        "write {note:quoted} as a note on the {word} that has the id {record}",
    )
    call = ToolCall("add_note", {"entity_type": table, "entity_id": record, "content": content})
    return _fault(clause(scene, forms, note=content, word=word, record=record), "not_found", "entity_id", call)


def _odd_file(scene: Scene) -> Fault:
    """A file of a kind that is not taken."""
    deal = scene.named("Opportunity")
    name = vocab.file_name(scene.rng, scene.pool).rpartition(".")[0] + scene.one(
        (".zip", ".exe", ".png", ".html", ".mp4")
    )
    forms = (
        "upload the file {file} to the deal {deal}",
        "attach the document {file} to the deal {deal}",
        "file {file} with the deal {deal}",
        "store the file {file} on the deal {deal}",
    )
    call = ToolCall("upload_document", {"entity_type": "Opportunity", "entity_id": deal[0], "file_name": name})
    words = clause(scene, forms, file=name, deal=listed_name(deal))
    return _fault(words, "file_extension_unsupported", "file_name", call, scene.look_up(deal))


def _mail_taken(scene: Scene) -> Fault:
    """A new client with the e-mail of another."""
    other = scene.pick("Client")
    name = scene.fresh(
        lambda: vocab.company_name(scene.rng, scene.pool),
        lambda name: name.casefold() in scene.template.label_count["Client"],
    )
    values = {"name": name, "email": other.email, "status": scene.one(scene.members("Client", "status"))}
    forms = (
        "create the client {name:quoted}, e-mail {email}, status {status}",
        "add a new client called {name:quoted} (e-mail {email}, status {status})",
        "set up {name:quoted} as a client, e-mail {email}, status {status}",
        "open a client record for {name:quoted} under the e-mail {email}, status {status}",
    )
    call = ToolCall("create_new_client", values)
    return _fault(clause(scene, forms, **values), "duplicate_email", "email", call)


def _backwards(scene: Scene) -> Fault:
    """A contract that ends before it starts."""
    client = scene.named("Client")
    end = scene.day(10, 200)
    start = scene.day(30, 400, end)
    value = int(scene.amount())
    forms = (
        "create a contract with the client {client} over {value:money}, start date {start:date}, end date {end:date}",
        "set up a contract worth {value:money} with the client {client} that starts {start:date} and ends {end:date}",
        "add a contract for the client {client}: value {value:money}, first day {start:date}, last day {end:date}",
        "draw up a contract with the client {client} from {start:date} to {end:date} over {value:money}",
    )
    values = {"client_id": client[0], "value": value, "start_date": start, "end_date": end}
    words = clause(scene, forms, client=listed_name(client), value=Decimal(value), start=start, end=end)
    return _fault(words, "date_order", "end_date", ToolCall("create_contract", values), scene.look_up(client))


_FAULTS: tuple[Callable[[Scene], Fault], ...] = (
    _too_much, _no_stage, _locked, _gone_by, _nobody, _odd_file, _mail_taken, _backwards,
)  # fmt: skip


@family(
    "workflow",
    (
        "All or nothing: {steps}. If any step is impossible, do nothing at all and turn the request down.",
        "I need the following done: {steps}. Should the CRM refuse any of it, change nothing whatsoever and decline.",
        "[Please do|Do] this in one go: {steps}. If one part cannot be done as I say, then leave everything as it is"
        " and turn"
        " me down.",
        "Here is a bundle that only makes sense as a whole: {steps}. Where a single part of it is not allowed, decline"
        " the lot"
        " and touch nothing.",
        "Several things together: {steps}. Either all of it or none of it; if something is against the rules of the"
        " CRM, just"
        " decline.",
        "Could you {steps}? Only if all of that is possible, though. Otherwise nothing is to be changed, and you"
        " decline.",
        "This must go through completely or not at all: {steps}. In case one step would be refused, decline without"
        " changing"
        " anything.",
        "Everything in this list or nothing of it: {steps}. One impossible item is enough for you to turn down the"
        " whole"
        " request.",
    ),
)
def impossible_in_workflow(scene: Scene) -> Draft:
    """Steps that can be done around one that cannot."""
    part, refused = scene.one(_FAULTS)(scene)
    taken = {str(value) for value in refused.call.arguments.values()}
    parts = independent(scene, scene.count(1, 4), taken)
    parts.insert(scene.rng.randint(0, len(parts)), part)
    gap = scene.one(("; ", "; then ", ", and then "))
    return Draft(
        request=scene.say(steps=gap.join(one.clause for one in parts)),
        lookups=lookups_of(parts),
        refused=refused,
    )
