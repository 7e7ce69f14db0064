"""Tasks that make and find contracts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.answering import asked, of_record, of_records, of_value, of_values
from crm_gym.tasks.families.asking import ASK, ask, field_word, full, grouped
from crm_gym.tasks.families.pointing import Meant, client, contract, deal, json_of, told_apart, words
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall


def _terms(scene: Scene, row: Row) -> dict[str, Any]:
    """Some of the fields a contract may have, with new values, in any order."""
    start = scene.day(-30, 90)
    end = vocab.day_between(scene.rng, scene.pool, start, (date.fromisoformat(start) + timedelta(1100)).isoformat())
    makers: dict[str, Callable[[], Any]] = {
        "status": lambda: scene.rng.choice(scene.members("Contract", "status")),
        "value": lambda: vocab.amount(scene.rng, scene.pool),
        "start_date": lambda: start,
        "end_date": lambda: end,
        "document_url": lambda: vocab.url(scene.rng, scene.pool, row.name),
    }
    chosen = scene.rng.sample(sorted(makers), scene.count(1, len(makers)))
    return {name: makers[name]() for name in chosen}


def _new(request: str, of: Meant, lookups: list[ToolCall], fields: dict[str, Any]) -> Draft:
    """A draft whose one call makes a contract with the client, or for the deal, that is meant."""
    client_of_deal = described("Client", {"client_id": of.row.client_id})
    new = {name: json_of(value) for name, value in fields.items()}
    return Draft(
        request=request,
        lookups=[*of.lookups, *lookups],
        calls=[ToolCall("create_contract", new)],
        achieve=[Achieve("Contract", None, {"status": "Pending", **new})],
        selections=[client_of_deal] if "opportunity_id" in fields else [],
    )


@family(
    "single",
    (
        "[Please |]create a contract {whom}: {details}.",
        "We have agreed on a contract {whom}; enter it with {details}.",
        "[Could|Can] you set up a contract {whom}, with {details}?",
        "Put a contract {whom} on record, {details}.",
        "New contract {whom}: {details}.",
        "A contract {whom} has to go into the CRM, with {details}.",
        "Enter a [new |]contract {whom}. What we know: {details}.",
        "There ought to be a contract {whom} in the CRM. It has {details}.",
        "I need a contract set up {whom}, with {details}[, and nothing beyond that|].",
        "Set up the contract {whom}: {details}.",
    ),
    tool="create_contract",
)
def create_contract(scene: Scene) -> Draft:
    """A contract with a client, for a deal or for none."""
    if scene.chance(0.5):
        row = scene.pick("Client")
        of = client(scene, row)
        fields = _terms(scene, row)
        whom, known = words(scene, _WITH, client=of.said), {"client_id": row[0]}
    else:
        behind = scene.pick("Opportunity", lambda row: row.stage != "Closed-Lost")
        of, row = deal(scene, behind), scene.get("Client", behind.client_id)
        fields = _terms(scene, row)
        whom, known = words(scene, _FOR, deal=of.said), {"client_id": row[0], "opportunity_id": behind[0]}
    return _new(scene.say(whom=whom, details=scene.details(fields)), of, [], {**known, **fields})


_WITH = (
    "with {client}",
    "with {client}",
    "for {client}, without any deal",
    "that binds {client} and no particular deal",
)
_FOR = (
    "with the client of {deal}, for that deal", "for {deal} with its client", "that seals {deal} with its client",
    "under {deal} and with that deal's client",
)  # fmt: skip


@family(
    "single",
    (
        "[Please |]turn the Approved quote for {deal} into a contract with the client: value as quoted, linked to the"
        " deal, from {start:date} to {end:date}.",
        "Create a contract for {deal} with its client at the amount of the Approved quote; it starts on {start:date}"
        " and ends on {end:date}.",
        "For {deal}, the Approved quote is the price: make the contract with the client for the deal over that amount,"
        " start {start:date}, end {end:date}.",
        "What was Approved as the quote for {deal} becomes the value of a contract for that deal with its client,"
        " running from {start:date} to {end:date}.",
        "A contract for {deal} is due with its client, first day {start:date}, last day {end:date}. Its value is the"
        " amount of the Approved quote.",
        "[Could|Can] you enter the contract for {deal} with its client? Start {start:date}, end {end:date}, and the"
        " value comes from the Approved quote.",
        "Contract for {deal}, made with the client of the deal, value taken from the Approved quote, start date"
        " {start:date}, end date {end:date}.",
        "We signed for {deal}: enter the contract with its client from {start:date} until {end:date}, worth what the"
        " Approved quote says.",
    ),
    tool="create_contract",
)
def contract_from_quote(scene: Scene) -> Draft:
    """A contract for a deal at the amount of its approved quote."""
    quote = scene.pick("Quote", lambda row: row.status == "Approved")
    siblings = scene.children("Quote", "opportunity_id", quote.opportunity_id)
    if not told_apart(quote, siblings, "status"):
        raise Unsuitable
    behind = scene.get("Opportunity", quote.opportunity_id)
    of = deal(scene, behind)
    start = scene.day(1, 60)
    end = scene.day(200, 1000, start)
    find = ToolCall("quote_search", {"opportunity_id": behind[0], "status": "Approved"})
    fields = {"client_id": behind.client_id, "opportunity_id": behind[0], "value": quote.amount}
    request = scene.say(deal=of.said, start=start, end=end)
    return _new(request, of, [find], {**fields, "start_date": start, "end_date": end})


# Finding contracts

_FIELDS = ("value", "start_date", "end_date", "status", "document_url")
_FIELD_OF = (
    "the {field} of {it}",
    "the {field} on {it}",
    "the {field} that stands on {it}",
    "the {field} held by {it}",
)
_ALL = (
    "the contracts with {client}", "all contracts we have with {client}", "our contracts with {client}",
    "all the contracts that {client} has with us",
)  # fmt: skip
_WITH_STATUS = (
    "the contracts with {client} in status {status}", "the {status} contracts with {client}",
    "all {status} contracts we have with {client}", "the contracts with {client} that stand at {status}",
)  # fmt: skip
_IDS = ("the ids of {them}", "the contract ids of {them}", "the ids, no more, of {them}", "the record ids of {them}")
_EACH = (
    "the {field} of each of {them}", "the {field} on every one of {them}", "the {field} for each of {them}",
    "the {field}, contract by contract, of {them}",
)  # fmt: skip


def _contracts(scene: Scene, least: int) -> tuple[Meant, Sequence[Row]]:
    """A client with so many contracts at least, and them."""
    row = scene.pick("Contract", lambda row: len(scene.children("Contract", "client_id", row.client_id)) >= least)
    rows = full(scene.children("Contract", "client_id", row.client_id))
    return client(scene, scene.get("Client", row.client_id)), rows


def _search(of: Meant, **criteria: Any) -> list[ToolCall]:
    return [*of.lookups, ToolCall("contract_search", {"client_id": of.row[0], **criteria})]


def _them(scene: Scene, them: str, lookups: list[ToolCall], rows: Sequence[Row]) -> Draft:
    """The ids of some contracts, or what stands on each."""
    if scene.chance(0.4):
        request = ask(scene, words(scene, _IDS, them=them), several=True)
        return asked(request, lookups, of_records(scene, "Contract", rows))
    field = str(scene.one(("value", "start_date", "end_date", "document_url")))
    request = ask(scene, words(scene, _EACH, them=them, field=field_word(scene, field)))
    return asked(request, lookups, of_values(full(rows, field), field))


def _all_of_client(scene: Scene) -> Draft:
    of, rows = _contracts(scene, 1)
    return _them(scene, words(scene, _ALL, client=of.said), _search(of), rows)


def _in_status(scene: Scene) -> Draft:
    of, rows = _contracts(scene, 1)
    status = scene.choose(rows).status
    them = words(scene, _WITH_STATUS, client=of.said, status=status)
    return _them(scene, them, _search(of, status=status), [row for row in rows if row.status == status])


def _one(scene: Scene) -> Draft:
    row = scene.pick("Contract")
    field = str(scene.one(_FIELDS))
    meant = contract(scene, row, avoid=(field, f"max:{field}"))
    request = ask(scene, words(scene, _FIELD_OF, it=meant.said, field=field_word(scene, field)))
    return asked(request, list(meant.lookups), of_value(full([row], field)[0], field))


_WHOSE = {
    "document_url": ("the client whose contract lies at {value}", "the client of the contract filed at {value}",
                     "the client behind the contract document {value}", "the client that signed what lies at {value}"),
    "value": ("the client whose contract is worth {value:money}", "the client of the {value:money} contract",
              "the client behind the contract over {value:money}", "the client bound by the {value:money} contract"),
    "end_date": ("the client whose contract ends on {value:date}", "the client of the contract with end date"
                 " {value:date}", "the client behind the contract that ends on {value:date}",
                 "the client with the contract whose last day is {value:date}"),
}  # fmt: skip


def _whose(scene: Scene) -> Draft:
    field = str(scene.one(tuple(_WHOSE)))
    row = scene.pick("Contract", lambda row: getattr(row, field) is not None)
    if len(grouped(scene.template, "Contract", field)[(getattr(row, field),)]) > 1:
        raise Unsuitable
    found = json_of(getattr(row, field))
    lookups = [ToolCall("contract_search", {field: found}), ToolCall("client_search", {"client_id": row.client_id})]
    answer = of_record(scene, "Client", scene.get("Client", row.client_id))
    value = Decimal(getattr(row, field)) if field == "value" else found
    return asked(ask(scene, words(scene, _WHOSE[field], value=value)), lookups, answer)


_QUESTIONS: tuple[Callable[[Scene], Draft], ...] = (_all_of_client, _in_status, _one, _whose)


@family("single", ASK, tool="contract_search")
def contract_search(scene: Scene) -> Draft:
    """Which contracts a client has, what stands on one or each of them, and whose contract one is."""
    question: Callable[[Scene], Draft] = scene.one(_QUESTIONS)
    return question(scene)


_BEST = {
    "min:end_date": ("the contract with {client} that ends first", "the first of the contracts with {client} to end",
                     "the contract with {client} with the earliest end date",
                     "whichever contract with {client} runs out before the others"),
    "max:end_date": ("the contract with {client} that ends last", "the last of the contracts with {client} to end",
                     "the contract with {client} with the latest end date",
                     "whichever contract with {client} outlasts the others"),
    "max:value": ("the contract with {client} that is worth most", "the contract of the largest value with {client}",
                  "the contract with {client} with the highest value",
                  "the contract of the greatest value with {client}"),
    "min:start_date": ("the contract with {client} that started first", "the contract with {client} that is the oldest"
                       " by start date", "the contract with {client} with the earliest start date",
                       "whichever contract with {client} was the first to begin"),
}  # fmt: skip
_THE_ID = ("the id of {it}", "the contract id of {it}", "the id the CRM has for {it}", "the record id of {it}")


@family("single", ASK, tool="contract_search")
def contract_ending_soon(scene: Scene) -> Draft:
    """Which of a client's contracts ends first or last, is worth most or started first, or what stands on it."""
    of, rows = _contracts(scene, 2)
    way = str(scene.one(tuple(_BEST)))
    named = way.partition(":")[2]
    found = [row for row in full(rows, named) if told_apart(row, rows, way)]
    if len(found) != 1:
        raise Unsuitable
    it = words(scene, _BEST[way], client=of.said)
    if scene.chance(0.35):
        request = ask(scene, words(scene, _THE_ID, it=it))
        return asked(request, _search(of), of_record(scene, "Contract", found[0]))
    field = str(scene.one((named, "value", "end_date", "document_url")))
    request = ask(scene, words(scene, _FIELD_OF, it=it, field=field_word(scene, field)))
    return asked(request, _search(of), of_value(full(found, field)[0], field))


@family(
    "single",
    (
        "Which contracts with {client} have no {what}? [Please |]give me their ids.",
        "For which of the contracts with {client} is the {what} missing? Ids, please.",
        "List the ids of the contracts with {client} that come without a {what}.",
        "Name by id every contract with {client} that lacks a {what}.",
        "I am tidying up the contracts with {client}: which of them have no {what}? Their ids will do.",
        "Find the contracts with {client} that have an empty {what} and tell me the ids.",
        "[Can|Could] you give me the ids of those contracts with {client} in which the {what} is empty?",
        "The ids, please, of whatever contracts with {client} leave the {what} open.",
    ),
    tool="contract_search",
    held_out=True,
)
def incomplete_contracts(scene: Scene) -> Draft:
    """The contracts of a client that lack a field."""
    field = str(scene.one(("document_url", "document_url", "opportunity_id", "start_date")))
    lacking = scene.pick("Contract", lambda row: getattr(row, field) is None)
    rows = full(scene.children("Contract", "client_id", lacking.client_id))
    of = client(scene, scene.get("Client", lacking.client_id))
    what = {"opportunity_id": "deal", "start_date": "start date"}.get(field, "document URL")
    found = [row for row in rows if getattr(row, field) is None]
    return asked(scene.say(client=of.said, what=what), _search(of), of_records(scene, "Contract", found))
