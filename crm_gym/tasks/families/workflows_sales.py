"""Workflows on one sale: from quote to cash, a quote rejected and made anew, the renewal of a contract."""

from __future__ import annotations

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.workflows_parts import (
    Steps,
    file_names,
    is_open,
    items,
    modify,
    part,
    quotes_of,
    some,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_NEW_DEAL = (
    "book a new deal for the client as Closed-Won, with {details}",
    "create the deal, straight as Closed-Won, with {details}",
    "enter a deal for this client, stage Closed-Won, {details}",
    "put in a new Closed-Won deal for them, {details}",
)
_NEW_QUOTE = (
    "make a quote for the deal, status Approved, with {details}",
    "create an Approved quote on that deal, {details}",
    "add a quote to the deal as Approved, with {details}",
    "put a quote with status Approved on the deal, {details}",
)
_APPROVE = (
    "set the status of its quote {version} to Approved",
    "make its quote {version} Approved",
    "approve its quote {version} (status Approved)",
    "move its quote {version} on to Approved",
)
_CONTRACT = (
    "draw up a contract with the client for that deal, {details}",
    "create the contract for client and deal, with {details}",
    "make a contract on the deal with this client, {details}",
    "set up the contract that belongs to the deal and the client, {details}",
)
_WIN = (
    "set the deal to Closed-Won",
    "close the deal as Closed-Won",
    "set the deal's stage to Closed-Won",
    "turn the deal's stage into Closed-Won",
)
_FILE = (
    "file {file} on the new contract",
    "attach the document {file} to the new contract",
    "upload {file} to that contract",
    "let the new contract have the document {file}",
)
_NOTE = (
    "add the note {content:quoted} to the deal",
    "leave a note on the deal: {content:quoted}",
    "write {content:quoted} as a note on the deal",
    "put {content:quoted} on the deal as a note",
)


def _quote_for(sale: Steps, deal: str) -> None:
    scene = sale.scene
    values = {"amount": scene.amount()} | some(
        scene, {"version": vocab.version(scene.rng, scene.pool), "valid_until": scene.day(20, 150)}
    )
    sale.say(_NEW_QUOTE, details=scene.details(values))
    sale.create("create_quote", "Quote", {"opportunity_id": deal, "status": "Approved", **values})


def _contract_for(sale: Steps, client: str, deal: str) -> str:
    scene = sale.scene
    start = scene.day(1, 90)
    values = {"value": scene.amount(), "start_date": start, "end_date": scene.day(300, 1100, start)}
    sale.say(_CONTRACT, details=scene.details(values))
    return sale.create("create_contract", "Contract", {"client_id": client, "opportunity_id": deal, **values})


def _extras(sale: Steps, deal: str, contract: str) -> None:
    scene = sale.scene
    more = items(scene, 0, 5, 1, 4)
    noted = more > 0 and scene.chance(0.5)
    for name in file_names(scene, "Contract", more - noted):
        sale.say(_FILE, file=name)
        document = {"entity_type": "Contract", "entity_id": contract, "file_name": name}
        sale.create("upload_document", "Document", document)
    if noted:
        content = vocab.note(scene.rng, scene.pool, "good")
        sale.say(_NOTE, content=content)
        note = {"entity_type": "Opportunity", "entity_id": deal, "content": content}
        sale.create("add_note", "Note", note)


def _from_nothing(sale: Steps) -> str:
    """A sale to a client of whom there is no deal yet; gives how it is called."""
    scene = sale.scene
    client = scene.named("Client", lambda row: row.status != "Inactive")
    sale.draft.lookups = [scene.look_up(client)]
    values = {"name": vocab.deal_name(scene.rng, scene.pool), "amount": scene.amount()} | some(
        scene, {"owner": scene.owner()}
    )
    sale.say(_NEW_DEAL, details=scene.details(values))
    arguments = {"client_id": client[0], "stage": "Closed-Won", **values}
    deal = sale.create("create_new_opportunity", "Opportunity", arguments)
    _quote_for(sale, deal)
    _extras(sale, deal, _contract_for(sale, client[0], deal))
    return f"a sale to the client {client.name}"


def _from_deal(sale: Steps) -> str:
    """A deal that stands is quoted and won."""
    scene = sale.scene
    deal = scene.named("Opportunity", is_open)
    sale.draft.lookups = [scene.look_up(deal)]
    _quote_for(sale, deal[0])
    return _signed(sale, deal)


def _from_quote(sale: Steps) -> str:
    """A quote that stands is approved and its deal won."""
    scene = sale.scene
    quote, deal = pending_quote(scene)
    sale.draft.lookups = [scene.look_up(deal), quotes_of(deal[0])]
    sale.say(_APPROVE, version=quote.version)
    sale.change("Quote", quote[0], {"status": "Approved"})
    return _signed(sale, deal)


def _signed(sale: Steps, deal: Row) -> str:
    sale.draft.selections.append(described("Client", {"client_id": deal.client_id}))  # the client of the deal
    contract = _contract_for(sale, deal.client_id, deal[0])
    _extras(sale, deal[0], contract)
    sale.say(_WIN)
    sale.change("Opportunity", deal[0], {"stage": "Closed-Won"})
    return f"the deal {deal.name}"


def pending_quote(scene: Scene) -> tuple[Row, Row]:
    """A quote that is not decided, with a version of its own on an open deal, and the deal."""
    quote = scene.pick("Quote", lambda row: row.status in ("Draft", "Sent") and row.version is not None)
    deal = scene.get("Opportunity", quote.opportunity_id)
    siblings = scene.children("Quote", "opportunity_id", deal[0])
    if not is_open(deal) or not scene.is_named("Opportunity", deal):
        raise Unsuitable
    if sum(row.version == quote.version for row in siblings) > 1:
        raise Unsuitable
    return quote, deal


@family(
    "workflow",
    (
        "[Please ]take {what} from quote to cash: {steps}.",
        "Good news about {what}. To be done, in this order: {steps}.",
        "They said yes to {what}! [Please do the paperwork|Do the paperwork, please], step by step: {steps}.",
        "Signed today: {what}. Paperwork to do, one thing after the other: {steps}.",
        "[Could you ]wrap up {what} for me: {steps}?",
        "Quote to cash for {what}: {steps}.",
        "I need {what} finished[ today]: {steps}. [Nothing else changes.|That is all.]",
        "Here is what {what} still needs, from first to last: {steps}.",
    ),
)
def quote_to_cash(scene: Scene) -> Draft:
    """A sale from wherever it stands to a won deal with an approved quote and a contract."""
    sale = Steps(scene)
    start = scene.one((_from_nothing, _from_deal, _from_quote))
    what = start(sale)
    sale.draft.request = scene.say(what=what, steps="; ".join(sale.said))
    return sale.draft


_REDONE = (
    "quote {version} of the deal {deal} is Rejected, and a new quote on that deal has status Draft and {details}",
    "on the deal {deal}, set quote {version} to Rejected and create a new Draft quote with {details}",
    "reject quote {version} of the deal {deal} (status Rejected), then add a quote to that deal, status Draft, with"
    " {details}",
    "the deal {deal} had its quote {version} turned down, so make that one Rejected and give the deal a quote in Draft"
    " with {details}",
)


@family(
    "workflow",
    (
        "[Please ]redo these quotes: {quotes}.",
        "The customer wants another price. So: {quotes}.",
        "New round of quoting: {quotes}.",
        "After the talks about prices, this is how it stands: {quotes}. Please enter it.",
        "[Could you ]see to it that the following comes about: {quotes}?",
        "To do on quotes: {quotes}. The deals themselves stay as they are.",
        "Please see to the quotes: {quotes}.",
        "A quote that failed is followed by the next one: {quotes}.",
    ),
)
def reject_and_requote(scene: Scene) -> Draft:
    """Quotes rejected, each followed by a new version at another price."""
    draft = Draft(request="")
    said, seen = [], set[str]()
    for _ in range(items(scene, 1, 4, 4, 0)):
        quote, deal = scene.fresh(lambda: pending_quote(scene), lambda pair: pair[1][0] in seen)
        seen.add(deal[0])
        values = {"amount": scene.amount(quote.amount), "version": _next_version(scene, deal)} | some(
            scene, {"valid_until": scene.day(20, 150)}
        )
        said.append(part(scene, _REDONE, version=quote.version, deal=deal.name, details=scene.details(values)))
        created = {"opportunity_id": deal[0], "status": "Draft", **values}
        draft.lookups += [scene.look_up(deal), quotes_of(deal[0])]
        draft.calls += [modify("Quote", quote[0], {"status": "Rejected"}), ToolCall("create_quote", created)]
        draft.achieve += [Achieve("Quote", quote[0], {"status": "Rejected"}), Achieve("Quote", None, created)]
    draft.request = scene.say(quotes="; ".join(said))
    return draft


def _next_version(scene: Scene, deal: Row) -> str:
    """The label after those of the deal's quotes."""
    return f"v{len(scene.children('Quote', 'opportunity_id', deal[0])) + 1}"
