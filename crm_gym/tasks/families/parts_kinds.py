"""The kinds of small jobs that larger ones are put together from."""

from __future__ import annotations

from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve
from crm_gym.tasks.families.parts import (
    JOBS,
    WORD,
    Part,
    Target,
    changed,
    clause,
    job,
    money,
    some,
    standing,
    with_details,
    written,
)
from crm_gym.tasks.families.workflows_steps import any_owner, new_value, new_values
from crm_gym.tasks.plan import new
from crm_gym.tasks.scene import Scene
from crm_gym.tasks.worlds_deals import OPEN_STAGES
from crm_gym.tools import ToolCall

_CHANGE = (
    "[set|change] {changes} on {it}",
    "[update|edit] {it} by setting {changes}",
    "change {changes} for {it}",
    "bring {it} up to date, setting {changes}",
    "[adjust|revise] {it}, setting {changes}",
)


def _change(scene: Scene, on: Target, fields: tuple[str, ...], most: int = 2) -> Part:
    updates = new_values(scene, standing(on), fields, 1, most)
    return changed(on, clause(scene, _CHANGE, changes=scene.updates(updates), it=on.said), updates)


@job("change_deal", on="Opportunity", alters=True)
def change_deal(scene: Scene, on: Target, k: int) -> Part:
    """Terms of an open deal."""
    return _change(scene, on, ("stage", "probability", "close_date", "amount"), 3)


@job("change_client", on="Client", alters=True)
def change_client(scene: Scene, on: Target, k: int) -> Part:
    """Data of a client."""
    return _change(scene, on, ("status", "industry", "phone", "address", "owner"))


@job("change_contact", on="Contact", alters=True)
def change_contact(scene: Scene, on: Target, k: int) -> Part:
    """Data of a contact."""
    return _change(scene, on, ("title", "phone"))


@job("change_quote", on="Quote", alters=True)
def change_quote(scene: Scene, on: Target, k: int) -> Part:
    """Terms of a quote."""
    return _change(scene, on, ("amount", "valid_until", "quote_prefix"))


@job("hand_over_deal", on="Opportunity", alters=True)
def hand_over_deal(scene: Scene, on: Target, k: int) -> Part:
    """A deal gets another owner."""
    owner = new_value(scene, standing(on), "owner")
    forms = (
        "make {owner} the owner of {it}",
        "hand {it} over to {owner} as its owner",
        "set the owner of {it} to {owner}",
        "reassign {it} so that {owner} is its owner",
    )
    return changed(on, clause(scene, forms, owner=owner, it=on.said), {"owner": owner})


@job("cancel_quote", on="Quote", alters=True)
def cancel_quote(scene: Scene, on: Target, k: int) -> Part:
    """A quote is canceled."""
    forms = ("cancel {it}", "mark {it} as Canceled", "set the status of {it} to Canceled", "have {it} canceled")
    call = ToolCall("cancel_quote", {"quote_id": on.id})
    aim = Achieve("Quote", on.id, {"status": "Canceled"})
    return Part(clause(scene, forms, it=on.said), [call], [aim], on.lookups)


@job("clone_deal", on="Opportunity", makes="Opportunity", alters=True)
def clone_deal(scene: Scene, on: Target, k: int) -> Part:
    """An exact copy of a deal."""
    forms = (
        "make an exact copy of {it}",
        "[clone|duplicate] {it}",
        "create a copy of {it}, all fields alike",
        "make a second, identical deal out of {it}",
    )
    call = ToolCall("clone_opportunity", {"opportunity_id": on.id})
    same = {} if on.row is None else {name: getattr(on.row, name) for name in ("name", "client_id", "amount", "owner")}
    made = Target("Opportunity", new(k), scene.one(("the copy", "the new copy")), on.row)
    return Part(clause(scene, forms, it=on.said), [call], [Achieve("Opportunity", None, same)], on.lookups, made)


@job("create_client", makes="Client")
def create_client(scene: Scene, on: Target, k: int) -> Part:
    """A new client."""
    template = scene.template
    name = scene.fresh(
        lambda: vocab.company_name(scene.rng, scene.pool),
        lambda name: name.casefold() in template.label_count["Client"],
    )
    email = scene.fresh(
        lambda: vocab.company_email(scene.rng, scene.pool, name),
        lambda email: template.crm.store.by_unique("Client", "email", email) is not None,
    )
    values = {"name": name, "email": email, "status": scene.one(scene.members("Client", "status"))}
    optional = {
        "industry": lambda: vocab.industry(scene.rng).name,
        "phone": lambda: vocab.phone(scene.rng, scene.pool),
        "owner": lambda: any_owner(scene),
    }
    more = some(scene, optional, 2)
    forms = (
        "create the client {name:quoted}, e-mail {email}, status {status}{more}",
        "add a new client called {name:quoted} (e-mail {email}, status {status}){more}",
        "set up {name:quoted} as a client, e-mail {email}, status {status}{more}",
        "open a client record for {name:quoted} under the e-mail {email}, status {status}{more}",
    )
    words = clause(scene, forms, name=name, email=email, status=values["status"], more=with_details(scene, more))
    return written(scene, on, words, "create_new_client", "Client", {**values, **more}, k)


@job("create_contact", on="Client", makes="Contact")
def create_contact(scene: Scene, on: Target, k: int) -> Part:
    """A new contact at a client."""
    template = scene.template
    who = scene.fresh(
        lambda: vocab.person(scene.rng, scene.pool), lambda who: who.full.casefold() in template.label_count["Contact"]
    )
    optional = {
        "title": lambda: vocab.title(scene.rng, scene.pool),
        "email": lambda: vocab.person_email(scene.rng, scene.pool, who),
        "phone": lambda: vocab.phone(scene.rng, scene.pool),
    }
    more = some(scene, optional, 3)
    forms = (
        "create the contact {who} for {it}{more}",
        "add {who} as a new contact of {it}{more}",
        "enter {who} as a contact at {it}{more}",
        "register a contact called {who} with {it}{more}",
    )
    words = clause(scene, forms, who=who.full, it=on.said, more=with_details(scene, more))
    values = {"first_name": who.first, "last_name": who.last, "client_id": on.id, **more}
    return written(scene, on, words, "create_new_contact", "Contact", values, k)


@job("create_deal", on="Client", makes="Opportunity")
def create_deal(scene: Scene, on: Target, k: int) -> Part:
    """A new deal with a client."""
    name = scene.fresh(
        lambda: vocab.deal_name(scene.rng, scene.pool),
        lambda name: name.casefold() in scene.template.label_count["Opportunity"],
    )
    values = {"name": name, "client_id": on.id, "amount": money(scene), "stage": scene.one(OPEN_STAGES)}
    optional = {
        "close_date": lambda: scene.day(20, 240),
        "probability": lambda: scene.percent(),
        "owner": lambda: any_owner(scene),
    }
    more = some(scene, optional, 2)
    forms = (
        "create the deal {name:quoted} for {it}, amount {amount:money}, stage {stage}{more}",
        "open a new deal called {name:quoted} with {it} over {amount:money} in the stage {stage}{more}",
        "add a deal over {amount:money} named {name:quoted} for {it}, in {stage}{more}",
        "enter {name:quoted} as a new deal with {it}, {amount:money}, at stage {stage}{more}",
    )
    words = clause(
        scene,
        forms,
        name=name,
        it=on.said,
        amount=values["amount"],
        stage=values["stage"],
        more=with_details(scene, more),
    )
    return written(scene, on, words, "create_new_opportunity", "Opportunity", {**values, **more}, k)


@job("create_quote", on="Opportunity", makes="Quote")
def create_quote(scene: Scene, on: Target, k: int) -> Part:
    """A new quote for a deal."""
    values = {"opportunity_id": on.id, "amount": money(scene), "status": scene.one(("Draft", "Sent", "Approved"))}
    optional = {
        "version": lambda: vocab.version(scene.rng, scene.pool),
        "valid_until": lambda: scene.day(20, 200),
        "quote_prefix": lambda: vocab.quote_prefix(scene.rng, scene.pool),
    }
    more = some(scene, optional, 2)
    forms = (
        "create a quote over {amount:money} for {it}, status {status}{more}",
        "add a quote for {it}, amount {amount:money}, status {status}{more}",
        "make out a quote for {it} in the status {status} over {amount:money}{more}",
        "enter a quote of {amount:money} on {it}, status {status}{more}",
    )
    words = clause(
        scene,
        forms,
        amount=values["amount"],
        it=on.said,
        status=values["status"],
        more=with_details(scene, more),
    )
    return written(scene, on, words, "create_quote", "Quote", {**values, **more}, k)


@job("create_contract", on="Client", makes="Contract")
def create_contract(scene: Scene, on: Target, k: int) -> Part:
    """A new contract with a client."""
    start = scene.day(0, 90)
    values = {"client_id": on.id, "value": money(scene), "start_date": start, "end_date": scene.day(200, 900, start)}
    more = some(scene, {"status": lambda: scene.one(scene.members("Contract", "status"))}, 1)
    forms = (
        "create a contract with {it} over {value:money}, from {start:date} to {end:date}{more}",
        "set up a contract with {it}, value {value:money}, start date {start:date}, end date {end:date}{more}",
        "add a contract worth {value:money} for {it} that runs from {start:date} until {end:date}{more}",
        "draw up a contract with {it}: {value:money}, first day {start:date}, last day {end:date}{more}",
    )
    words = clause(
        scene,
        forms,
        it=on.said,
        value=values["value"],
        start=start,
        end=values["end_date"],
        more=with_details(scene, more),
    )
    return written(scene, on, words, "create_contract", "Contract", {**values, **more}, k)


_NOTE = (
    "[add|attach] the note {note:quoted} to {it}",
    "note {note:quoted} on {it}",
    "[leave|put] a note on {it} that says {note:quoted}",
    "write {note:quoted} as a note on {it}",
)
_FILE = (
    "upload the [file|document] {file} to {it}{more}",
    "file {file} with {it}{more}",
    "attach the document {file} to {it}{more}",
    "store the file {file} on {it}{more}",
)


def _note(scene: Scene, on: Target, k: int) -> Part:
    content = vocab.note(scene.rng, scene.pool)
    values = {"entity_type": on.table, "entity_id": on.id, "content": content}
    return written(scene, on, clause(scene, _NOTE, note=content, it=on.said), "add_note", "Note", values, k)


def _file(scene: Scene, on: Target, k: int) -> Part:
    name = vocab.file_name(scene.rng, scene.pool, on.table)
    more = some(
        scene,
        {
            "uploaded_by": lambda: any_owner(scene),
            "file_url": lambda: vocab.url(scene.rng, scene.pool),
        },
        1,
    )
    values = {"entity_type": on.table, "entity_id": on.id, "file_name": name, **more}
    words = clause(scene, _FILE, file=name, it=on.said, more=with_details(scene, more))
    return written(scene, on, words, "upload_document", "Document", values, k)


for _table, _word in WORD.items():
    job(f"note_{_word}", on=_table, makes="Note")(_note)
    if _table != "Contact":  # a document hangs on no contact
        job(f"file_{_word}", on=_table, makes="Document")(_file)

__all__ = ["JOBS"]
