"""Workflows on one sale: from quote to cash, a quote rejected and made anew, the renewal of a contract."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Query
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.workflows_parts import OPEN, is_open, modify, part, quotes_of
from crm_gym.tasks.family import family
from crm_gym.tasks.plan import new
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
    "put the deal's stage to Closed-Won",
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


class _Sale:
    """A sale on its way to cash: what is said, looked up, done and achieved."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.made = scene, 0
        self.said: list[str] = []
        self.draft = Draft(request="")

    def create(self, tool: str, table: str, arguments: dict[str, Any]) -> str:
        """Make a record; what stands for its id."""
        self.draft.calls.append(ToolCall(tool, arguments))
        self.draft.achieve.append(Achieve(table, None, arguments))
        self.made += 1
        return new(self.made - 1)

    def change(self, table: str, record: str, updates: dict[str, Any]) -> None:
        """Change a record."""
        self.draft.calls.append(modify(table, record, updates))
        self.draft.achieve.append(Achieve(table, record, updates))

    def say(self, forms: tuple[str, ...], **slots: Any) -> None:
        """Say a step."""
        self.said.append(part(self.scene, forms, **slots))


def _some(scene: Scene, values: dict[str, Any], share: float = 0.5) -> dict[str, Any]:
    """A random part of the values, in their order."""
    return {name: value for name, value in values.items() if scene.chance(share)}


def _quote_for(sale: _Sale, deal: str) -> None:
    scene = sale.scene
    values = {"amount": scene.amount()} | _some(
        scene, {"version": vocab.version(scene.rng, scene.pool), "valid_until": scene.day(20, 150)}
    )
    sale.say(_NEW_QUOTE, details=scene.details(values))
    sale.create("create_quote", "Quote", {"opportunity_id": deal, "status": "Approved", **values})


def _contract_for(sale: _Sale, client: str, deal: str) -> str:
    scene = sale.scene
    start = scene.day(1, 90)
    values = {"value": scene.amount(), "start_date": start, "end_date": scene.day(300, 1100, start)}
    sale.say(_CONTRACT, details=scene.details(values))
    return sale.create("create_contract", "Contract", {"client_id": client, "opportunity_id": deal, **values})


def _extras(sale: _Sale, deal: str, contract: str) -> None:
    scene = sale.scene
    if scene.count(0, 2) > 0:
        name = vocab.file_name(scene.rng, scene.pool, "Contract")
        sale.say(_FILE, file=name)
        document = {"entity_type": "Contract", "entity_id": contract, "file_name": name}
        sale.create("upload_document", "Document", document)
    if scene.count(0, 2) > 1:
        content = vocab.note(scene.rng, scene.pool, "good")
        sale.say(_NOTE, content=content)
        note = {"entity_type": "Opportunity", "entity_id": deal, "content": content}
        sale.create("add_note", "Note", note)


def _from_nothing(sale: _Sale) -> str:
    """A sale to a client of whom there is no deal yet; gives how it is called."""
    scene = sale.scene
    client = scene.named("Client", lambda row: row.status != "Inactive")
    sale.draft.lookups = [scene.look_up(client)]
    values = {"name": vocab.deal_name(scene.rng, scene.pool), "amount": scene.amount()} | _some(
        scene, {"owner": scene.owner()}
    )
    sale.say(_NEW_DEAL, details=scene.details(values))
    arguments = {"client_id": client[0], "stage": "Closed-Won", **values}
    deal = sale.create("create_new_opportunity", "Opportunity", arguments)
    _quote_for(sale, deal)
    _extras(sale, deal, _contract_for(sale, client[0], deal))
    return f"a sale to the client {client.name}"


def _from_deal(sale: _Sale) -> str:
    """A deal that stands is quoted and won."""
    scene = sale.scene
    deal = scene.named("Opportunity", is_open)
    sale.draft.lookups = [scene.look_up(deal)]
    _quote_for(sale, deal[0])
    return _signed(sale, deal)


def _from_quote(sale: _Sale) -> str:
    """A quote that stands is approved and its deal won."""
    scene = sale.scene
    quote, deal = pending_quote(scene)
    sale.draft.lookups = [scene.look_up(deal), quotes_of(deal[0])]
    sale.say(_APPROVE, version=quote.version)
    sale.change("Quote", quote[0], {"status": "Approved"})
    return _signed(sale, deal)


def _signed(sale: _Sale, deal: Row) -> str:
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
    sale = _Sale(scene)
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
        "[Please ]redo these quotes: {items}.",
        "The customer wants another price. So: {items}.",
        "New round of quoting: {items}.",
        "After the talks about prices, this is how it stands: {items}. Please enter it.",
        "[Could you ]see to it that the following comes about: {items}?",
        "To do on quotes: {items}. The deals themselves stay as they are.",
        "Please see to the quotes: {items}.",
        "A quote that failed is followed by the next one: {items}.",
    ),
)
def reject_and_requote(scene: Scene) -> Draft:
    """Quotes rejected, each followed by a new version at another price."""
    draft = Draft(request="")
    said, seen = [], set[str]()
    for _ in range(scene.count(1, 4)):
        quote, deal = scene.fresh(lambda: pending_quote(scene), lambda pair: pair[1][0] in seen)
        seen.add(deal[0])
        values = {"amount": scene.amount(quote.amount), "version": _next_version(scene, deal)} | _some(
            scene, {"valid_until": scene.day(20, 150)}
        )
        said.append(part(scene, _REDONE, version=quote.version, deal=deal.name, details=scene.details(values)))
        created = {"opportunity_id": deal[0], "status": "Draft", **values}
        draft.lookups += [scene.look_up(deal), quotes_of(deal[0])]
        draft.calls += [modify("Quote", quote[0], {"status": "Rejected"}), ToolCall("create_quote", created)]
        draft.achieve += [Achieve("Quote", quote[0], {"status": "Rejected"}), Achieve("Quote", None, created)]
    draft.request = scene.say(items="; ".join(said))
    return draft


def _next_version(scene: Scene, deal: Row) -> str:
    """The label after those of the deal's quotes."""
    return f"v{len(scene.children('Quote', 'opportunity_id', deal[0])) + 1}"


_DEAL_AGAIN = (
    "a new deal for that client over the value of the contract, with {details}",
    "a deal with the same client, its amount the contract's value, with {details}",
    "create a deal for the client, amount equal to the contract's value, {details}",
    "the client gets a deal for the same sum as the contract's value, {details}",
)
_QUOTES_AGAIN = (
    "{count} on the new deal: {quotes}",
    "{count} for that new deal: {quotes}",
    "to go with the new deal, {count}: {quotes}",
    "on top of the new deal, {count}: {quotes}",
)
_QUOTE_AGAIN = (
    "status Draft, {details}",
    "one with status Draft and {details}",
    "one as Draft, with {details}",
    "in status Draft with {details}",
)
_CONTRACT_NOTED = (
    "a note on the old contract, {content:quoted}",
    "on the contract that ends, the note {content:quoted}",
    "{content:quoted} as a note on the old contract",
    "the old contract gets the note {content:quoted}",
)


@family(
    "workflow",
    (
        "[Please ]prepare the renewal of the contract with {client} that ends on {end:date}: {steps}.",
        "The contract of {client} with the end date {end:date} is to be renewed. Get ready: {steps}.",
        "{client} has a contract that runs out on {end:date}. For the renewal I need this: {steps}.",
        "Renewal coming up: the contract with {client} ending on {end:date}. Wanted: {steps}.",
        "[Could you ]get the renewal going for the client {client}, contract end {end:date}: {steps}?",
        "Renewal file for {client} (contract ends {end:date}): {steps}.",
        "For the contract that {client} has until {end:date}, [please ]set up the follow-up: {steps}.",
        "Follow-up business with {client}, whose contract stops on {end:date}: {steps}.",
    ),
    held_out=True,
)
def prepare_renewal(scene: Scene) -> Draft:
    """A deal and quotes to follow a contract, and a note on the contract."""
    contract = scene.pick("Contract", lambda row: row.value is not None and row.end_date is not None)
    client = scene.get("Client", contract.client_id)
    where = {"client_id": client[0], "end_date": contract.end_date}
    siblings = scene.children("Contract", "client_id", client[0])
    if not scene.is_named("Client", client) or sum(row.end_date == contract.end_date for row in siblings) > 1:
        raise Unsuitable
    sale = _Sale(scene)
    sale.draft.lookups = [scene.look_up(client), ToolCall("contract_search", {"client_id": client[0]})]
    sale.draft.selections = [Query(table="Contract", where=where)]
    _follow_up(sale, client, contract)
    content = vocab.note(scene.rng, scene.pool)
    sale.say(_CONTRACT_NOTED, content=content)
    sale.create("add_note", "Note", {"entity_type": "Contract", "entity_id": contract[0], "content": content})
    sale.draft.request = scene.say(client=client.name, end=contract.end_date, steps="; ".join(sale.said))
    return sale.draft


def _follow_up(sale: _Sale, client: Row, contract: Row) -> None:
    scene = sale.scene
    value = scene.template.crm.get("Contract", contract[0]).value
    amount = int(value) if value == int(value) else float(value)
    values = {
        "name": vocab.deal_name(scene.rng, scene.pool),
        "stage": scene.one(OPEN),
        "close_date": scene.day(10, 200),
    }
    sale.say(_DEAL_AGAIN, details=scene.details(values))
    created = {"client_id": client[0], "amount": amount, **values}
    deal = sale.create("create_new_opportunity", "Opportunity", created)
    number = scene.count(1, 4)
    quotes = []
    for version in range(1, number + 1):
        offered = {"amount": scene.amount(), "version": f"v{version}"}
        quotes.append(part(scene, _QUOTE_AGAIN, details=scene.details(offered)))
        sale.create("create_quote", "Quote", {"opportunity_id": deal, "status": "Draft", **offered})
    count = "one quote" if number == 1 else f"{('two', 'three', 'four')[number - 2]} quotes, each a quote in Draft"
    sale.say(_QUOTES_AGAIN, count=count, quotes=" / ".join(quotes))
