"""Workflows on contracts that end: successors, and the business that is to follow them."""

from __future__ import annotations

from crm_gym.atoms import number_json
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.workflows_parts import (
    OPEN,
    Steps,
    day_before,
    falling_before,
    items,
    part,
    rest_of,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall


@family(
    "workflow",
    (
        "[Please ]renew the contracts of {client} with an end date before {day:date}: for each a new Pending contract"
        " of the same value, from {start:date} to {end:date}, no deal on it. Put the note {content:quoted} on every old"
        " contract concerned.",
        "Each contract of {client} that ends before {day:date} gets a successor, Pending, same value, start"
        " {start:date}, end {end:date}, without a deal; and on the old contract goes a note, {content:quoted}.",
        "{client} wants to go on. Every contract with an end date before {day:date} is to be made anew with its value"
        " unchanged, status Pending, running {start:date} to {end:date} and tied to no deal; note on each old contract:"
        " {content:quoted}.",
        "For all contracts of {client} ending before {day:date}, create one new contract each (value as before, start"
        " date {start:date}, end date {end:date}, Pending, no deal) and write {content:quoted} on the old contract as a"
        " note.",
        "Contract renewals, {client}: those that end before {day:date}. One new Pending contract for each, same value,"
        " no deal, {start:date} until {end:date}. The old contract is marked with a note: {content:quoted}.",
        "[Could you ]create follow-on contracts for {client}, one per contract that ends before {day:date}, for the"
        " same value, Pending, from {start:date} until {end:date}, with no deal? Every old contract of these gets the"
        " note {content:quoted}.",
        "The contracts of {client} whose end date lies before {day:date} need a renewal from {start:date} to"
        " {end:date}: same value as the old one, Pending, no deal. Also, {content:quoted} as a note on each old"
        " contract.",
        "Renew what ends before {day:date} at {client}, contract by contract: the new one Pending, of equal value,"
        " linked to no deal, first day {start:date}, last day {end:date}; on the old contract the note"
        " {content:quoted}.",
    ),
)
def renew_contracts(scene: Scene) -> Draft:
    """A successor for every contract of a client that ends before a day, and a note on the old one."""
    least = 2 if scene.chance(0.7) else 1
    first = scene.pick("Contract", lambda row: len(scene.children("Contract", "client_id", row.client_id)) >= least)
    client = scene.get("Client", first.client_id)
    contracts = scene.children("Contract", "client_id", client[0])
    if not scene.is_named("Client", client):
        raise Unsuitable
    day, ending = falling_before(scene, contracts, "end_date", items(scene, 1, 4, 2, 2))
    if any(contract.value is None for contract in ending):
        raise Unsuitable
    start = scene.day(1, 120, max(day, scene.today))
    end, content = scene.day(300, 1100, start), vocab.note(scene.rng, scene.pool)
    draft = Draft(
        request=scene.say(client=client.name, day=day, start=start, end=end, content=content),
        lookups=[scene.look_up(client), ToolCall("contract_search", {"client_id": client[0]})],
        preserve=rest_of(contracts, ending),
        selections=[described("Contract", {"client_id": client[0], "end_date": {"max": day_before(day)}})],
    )
    for contract in ending:
        _renewed(draft, contract, start, end, content)
    return draft


def _renewed(draft: Draft, contract: Row, start: str, end: str, content: str) -> None:
    made = {
        "client_id": contract.client_id,
        "status": "Pending",
        "value": number_json(contract.value),
        "start_date": start,
        "end_date": end,
    }
    note = {"entity_type": "Contract", "entity_id": contract[0], "content": content}
    draft.calls += [ToolCall("create_contract", made), ToolCall("add_note", note)]
    draft.achieve += [Achieve("Contract", None, made), Achieve("Note", None, note)]


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
_NUMBERS = ("two", "three", "four", "five", "six")
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
    sale = Steps(scene)
    sale.draft.lookups = [scene.look_up(client), ToolCall("contract_search", {"client_id": client[0]})]
    sale.draft.selections = [described("Contract", where)]
    _follow_up(sale, client, contract)
    content = vocab.note(scene.rng, scene.pool)
    sale.say(_CONTRACT_NOTED, content=content)
    sale.create("add_note", "Note", {"entity_type": "Contract", "entity_id": contract[0], "content": content})
    sale.draft.request = scene.say(client=client.name, end=contract.end_date, steps="; ".join(sale.said))
    return sale.draft


def _follow_up(sale: Steps, client: Row, contract: Row) -> None:
    scene = sale.scene
    values = {
        "name": vocab.deal_name(scene.rng, scene.pool),
        "stage": scene.one(OPEN),
        "close_date": scene.day(10, 200),
    }
    sale.say(_DEAL_AGAIN, details=scene.details(values))
    created = {"client_id": client[0], "amount": number_json(contract.value), **values}
    deal = sale.create("create_new_opportunity", "Opportunity", created)
    number = items(scene, 1, 6, 1, 4)
    quotes = []
    for version in range(1, number + 1):
        offered = {"amount": scene.amount(), "version": f"v{version}"}
        quotes.append(part(scene, _QUOTE_AGAIN, details=scene.details(offered)))
        sale.create("create_quote", "Quote", {"opportunity_id": deal, "status": "Draft", **offered})
    count = "one quote" if number == 1 else f"{_NUMBERS[number - 2]} quotes"
    sale.say(_QUOTES_AGAIN, count=count, quotes=" / ".join(quotes))
