"""Workflows on papers: documents on the right quote, bundles, quotes that have run out, contracts to be renewed."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Query, described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.workflows_parts import (
    day_before,
    deals_of,
    falling_before,
    file_names,
    items,
    part,
    quotes_of,
    rest_of,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall


def _filed(draft: Draft, table: str, record: str, names: list[str]) -> None:
    for name in names:
        document = {"entity_type": table, "entity_id": record, "file_name": name}
        draft.calls.append(ToolCall("upload_document", document))
        draft.achieve.append(Achieve("Document", None, document))


_BY_STATUS = (
    "the quote that is {status}",
    "the one quote with status {status}",
    "the {status} quote",
    "whichever quote has the status {status}",
)
_BY_VERSION = (
    "the quote with version {version}",
    "quote {version}",
    "its quote {version}",
    "version {version} of the quote",
)
_DEAREST = (
    "the quote with the highest amount",
    "the dearest quote",
    "the quote of the largest amount",
    "whichever quote has the greatest amount",
)
_CHEAPEST = (
    "the quote with the lowest amount",
    "the cheapest quote",
    "the quote of the smallest amount",
    "whichever quote has the least amount",
)
_LATEST = (
    "the quote that was created last",
    "the most recently created quote",
    "the quote with the latest creation date",
    "the newest quote by creation date",
)


def _described(scene: Scene, deal: Row, quotes: tuple[Row, ...]) -> tuple[str, Row, Query]:
    """One quote of a deal: what it is called, itself, and the query that finds it.

    Raises:
        Unsuitable: If the description drawn fits none or several.
    """
    where: dict[str, Any] = {"opportunity_id": deal[0]}
    kind = scene.one(("status", "version", "max:amount", "min:amount", "max:created_date"))
    if kind in ("status", "version"):
        value = getattr(scene.one(quotes), kind)
        fitting = [quote for quote in quotes if getattr(quote, kind) == value]
        words = part(scene, _BY_STATUS if kind == "status" else _BY_VERSION, **{kind: value})
        query = described("Quote", where | {kind: value})
    else:
        which, _, name = kind.partition(":")
        value = (max if which == "max" else min)(getattr(quote, name) for quote in quotes)
        fitting = [quote for quote in quotes if getattr(quote, name) == value]
        words = part(scene, _LATEST if name == "created_date" else _DEAREST if which == "max" else _CHEAPEST)
        query = described("Quote", where, kind)
    if value is None or len(fitting) > 1:
        raise Unsuitable
    return words, fitting[0], query


@family(
    "workflow",
    (
        "The deal {deal} has several quotes. [Please ]file {files} on {quote}[, not on the others].",
        "[Please ]upload {files} for the deal {deal}, but to {quote}[ only].",
        "{files}: all of this belongs, for the deal {deal}, on {quote}.",
        "Among the quotes of the deal {deal}, find {quote}. That is where {files} must be filed.",
        "For the deal {deal}, [could you ]attach {files} to {quote}? The other quotes get nothing.",
        "Documents for the deal {deal}: {files}. To be filed on {quote}.",
        "On the deal {deal}, {quote} is still without its papers: [please ]file {files} there.",
        "On the deal {deal}, upload the following to {quote}: {files}.",
    ),
)
def file_on_right_quote(scene: Scene) -> Draft:
    """Documents on one quote of a deal that has several."""
    first = scene.pick("Quote", lambda row: len(scene.children("Quote", "opportunity_id", row.opportunity_id)) > 1)
    deal = scene.get("Opportunity", first.opportunity_id)
    if not scene.is_named("Opportunity", deal):
        raise Unsuitable
    quotes = scene.children("Quote", "opportunity_id", deal[0])
    words, quote, query = _described(scene, deal, quotes)
    names = file_names(scene, "Quote", items(scene, 2, 8, 1, 2))
    draft = Draft(
        request=scene.say(deal=deal.name, quote=words, files=listed(names)),
        lookups=[scene.look_up(deal), quotes_of(deal[0])],
        preserve=rest_of(quotes, [quote]),
        selections=[query],
    )
    _filed(draft, "Quote", quote[0], names)
    return draft


@family(
    "workflow",
    (
        "[Please ]file {first} on the deal {deal} and {second} on its contract.",
        "The bundle for the deal {deal}: {first} to be filed on the deal itself, {second} on the contract that goes"
        " with it.",
        "Upload {second} to the contract of the deal {deal}, and {first} to that deal.",
        "Papers for {deal}: on the deal, {first}; on the contract of that deal, {second}.",
        "[Could you ]attach {first} to the deal {deal}, then {second} to the contract made for it?",
        "Two places for these documents: {first} with the deal {deal}; {second} with the contract of this deal.",
        "The deal {deal} gets {first}; its contract gets {second}. Please upload all of it.",
        "Put on file: with the deal {deal}, {first}; with the contract of the same deal, {second}.",
    ),
)
def attach_bundle(scene: Scene) -> Draft:
    """Documents on a deal, and others on its contract."""
    contract = scene.pick("Contract", lambda row: row.opportunity_id is not None)
    deal = scene.get("Opportunity", contract.opportunity_id)
    if not scene.is_named("Opportunity", deal) or len(scene.children("Contract", "opportunity_id", deal[0])) > 1:
        raise Unsuitable
    total = items(scene, 2, 9, 1, 2)
    share = scene.rng.randint(1, total - 1)
    names = file_names(scene, "Opportunity", share)
    others = file_names(scene, "Contract", total - share)
    draft = Draft(
        request=scene.say(deal=deal.name, first=listed(names), second=listed(others)),
        lookups=[scene.look_up(deal), ToolCall("contract_search", {"opportunity_id": deal[0]})],
    )
    _filed(draft, "Opportunity", deal[0], names)
    _filed(draft, "Contract", contract[0], others)
    return draft


@family(
    "workflow",
    (
        "[Please ]cancel every Sent or Draft quote for {client} that is valid until a day before {day:date}, and put"
        " the note {content:quoted} on each quote you cancel.",
        "Quotes made for {client}, on whatever deal: if the status is Draft or Sent and the validity ends before"
        " {day:date}, cancel the quote and add a note to the quote saying {content:quoted}.",
        "For {client}, any quote in Draft or Sent with a valid-until date before {day:date} has to be canceled. Each"
        " such quote gets the note {content:quoted}. Leave the other quotes alone.",
        "Run-out quotes for {client} (status Sent or Draft, valid-until date before {day:date}): cancel each one, with"
        " {content:quoted} as a note on the quote.",
        "[Could you ]go through all deals with {client} and cancel each quote that is Draft or Sent and valid only"
        " until some day before {day:date}? On every such quote leave the note {content:quoted}.",
        "Draft and Sent quotes for {client} whose validity ends before {day:date} are to be canceled, and each quote"
        " canceled is to have the note {content:quoted}.",
        "Nothing that we quoted to {client} with an end of validity before {day:date} holds any more. Cancel what is"
        " still Draft or Sent of it; note on each such quote: {content:quoted}. Approved ones stay.",
        "There are quotes in Draft or Sent for {client} that end before {day:date} by their validity. Cancel those and"
        " write {content:quoted} on each quote as a note.",
    ),
)
def expire_quotes(scene: Scene) -> Draft:
    """Every open quote of some clients that is valid until before a day is canceled, with a note on each."""
    clients = _clients_with_quotes(scene, items(scene, 1, 3, 6, 0))
    deals = [deal for client in clients for deal in scene.children("Opportunity", "client_id", client[0])]
    quotes = [quote for deal in deals for quote in scene.children("Quote", "opportunity_id", deal[0])]
    pending = [quote for quote in quotes if quote.status in ("Draft", "Sent")]
    content = vocab.note(scene.rng, scene.pool)
    lookups = [call for client in clients for call in (scene.look_up(client), deals_of(client[0]))]
    lookups += [quotes_of(deal[0]) for deal in deals]
    day, gone = falling_before(scene, pending, "valid_until", items(scene, 1, 5, 2, len(lookups)))
    where = {
        "opportunity_id": {"any": [deal[0] for deal in deals]},
        "status": {"any": ["Draft", "Sent"]},
        "valid_until": {"max": day_before(day)},
    }
    draft = Draft(
        request=scene.say(client=listed([client.name for client in clients]), day=day, content=content),
        lookups=lookups,
        preserve=rest_of(quotes, gone),
        selections=[described("Quote", where)],
    )
    for quote in gone:
        note = {"entity_type": "Quote", "entity_id": quote[0], "content": content}
        draft.calls += [ToolCall("cancel_quote", {"quote_id": quote[0]}), ToolCall("add_note", note)]
        draft.achieve += [Achieve("Quote", quote[0], {"status": "Canceled"}), Achieve("Note", None, note)]
    return draft


def _clients_with_quotes(scene: Scene, count: int) -> list[Row]:
    """So many clients, each with a quote that is not decided and not too many deals."""
    clients: dict[str, Row] = {}
    for _ in range(3 * count):
        quote = scene.pick("Quote", lambda row: row.status in ("Draft", "Sent") and row.valid_until is not None)
        client = scene.get("Client", scene.get("Opportunity", quote.opportunity_id).client_id)
        few = len(scene.children("Opportunity", "client_id", client[0])) <= 7
        if few and len(clients) < count and scene.is_named("Client", client):
            clients[client[0]] = client
    if not clients:
        raise Unsuitable
    return list(clients.values())
