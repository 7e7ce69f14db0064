"""Workflows about the quotes of deals: comparing them, and acting on what comes out."""

from __future__ import annotations

from typing import Any

from crm_gym.atoms import number_json
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Query
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.workflows_steps import (
    PAGE,
    Steps,
    is_open,
    new_values,
    of_client,
    only_best,
    query,
    quoted_names,
    search_client,
    some_named,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tools import ToolCall


def _quotes(scene: Scene, deal: Row) -> tuple[Row, ...]:
    return scene.children("Quote", "opportunity_id", deal[0])


def _best_query(deal: Row, which: str) -> Query:
    return query("Quote", f"{which}:amount", opportunity_id=deal[0])


def _lookups(scene: Scene, deals: list[Row], *, compare: bool) -> list[ToolCall]:
    out = []
    for deal in deals:
        out += [scene.look_up(deal), ToolCall("quote_search", {"opportunity_id": deal[0]})]
        if compare:
            out.append(ToolCall("compare_quotes", {"quote_ids": [quote[0] for quote in _quotes(scene, deal)]}))
    return out


def _best(scene: Scene, deal: Row, which: str) -> Row | None:
    """The cheapest or dearest of at least two quotes, if there is one alone."""
    quotes = _quotes(scene, deal)
    if len(quotes) < 2:
        return None
    try:
        return only_best(quotes, which, "amount")
    except Unsuitable:
        return None


def _can_cancel(scene: Scene, deal: Row, which: str) -> bool:
    best = _best(scene, deal, which)
    return best is not None and best.status != "Canceled"


@family(
    "workflow",
    (
        "[Please compare|Compare] the quotes on the deal {deals} and cancel the {which}. Then leave this note on the"
        " deal:"
        " {note:quoted}.",
        "Of all quotes for the deal {deals}, the {which} has to go: cancel it, and note {note:quoted} on the deal.",
        "Which quote on the deal {deals} is the {which}? Cancel that quote[, please], and put the note {note:quoted}"
        " on the"
        " deal itself.",
        "Put the quotes of the deal {deals} side by side by amount; the {which} is to be canceled, the deal gets a note"
        " that reads {note:quoted}.",
        "Too many quotes on the deal {deals}. Cancel the {which}, keep the rest as it is, and add {note:quoted} as a"
        " note"
        " to the deal.",
        "The {which} quote of the deal {deals} is no longer on the table, so cancel it. The deal should carry the note"
        " {note:quoted}.",
        "Note on the deal {deals}: {note:quoted}. Besides, cancel the {which} of its quotes.",
        "I want the {which} among the quotes for the deal {deals} set to canceled, with {note:quoted} noted on the"
        " deal.",
    ),
)
def compare_and_cancel(scene: Scene) -> Draft:
    """The dearest or the cheapest quote of a deal is canceled, and the deal gets a note."""
    which = scene.one(("max", "min"))
    deal = some_named(scene, "Opportunity", 1, lambda row: _can_cancel(scene, row, which))[0]
    quote = only_best(_quotes(scene, deal), which, "amount")
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    steps.cancel(quote[0])
    steps.note("Opportunity", deal[0], note)
    word = scene.one(("dearest", "most expensive") if which == "max" else ("cheapest", "least expensive"))
    return Draft(
        request=scene.say(deals=listed_name(deal), which=word, note=note),
        lookups=_lookups(scene, [deal], compare=True),
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[row[0] for row in _quotes(scene, deal) if row != quote],
        selections=[_best_query(deal, which)],
    )


@family(
    "workflow",
    (
        "Compare the quotes for the deal {deal}. The cheapest[ one|] becomes {first}, every other quote of that deal"
        " becomes"
        " {rest}.",
        "[Please set|Set] the cheapest quote on the deal {deal} to {first} and all the other quotes on it to {rest}.",
        "On the deal {deal}, only the cheapest quote counts now: mark it {first}, and mark all its other quotes"
        " {rest}.",
        "The deal {deal} goes with its lowest quote. Status {first} for that quote, status {rest} for each of the"
        " others.",
        "For the deal {deal}: cheapest quote to {first}, remaining quotes to {rest}.",
        "Which of the quotes for the deal {deal} has the lowest amount? Its status should be {first}; the status of"
        " all the"
        " others should be {rest}.",
        "All quotes of the deal {deal} should end up as {rest}, except the cheapest, which should end up as {first}.",
        "After comparing what was quoted on the deal {deal}, give the quote with the smallest amount the status"
        " {first} and"
        " the others the status {rest}.",
    ),
)
def best_quote_wins(scene: Scene) -> Draft:
    """The cheapest quote of a deal gets one status and all others another."""
    deal = some_named(scene, "Opportunity", 1, lambda row: _best(scene, row, "min") is not None)[0]
    first, rest = scene.one((("Approved", "Rejected"), ("Sent", "Canceled"), ("Approved", "Canceled")))
    best = only_best(_quotes(scene, deal), "min", "amount")
    wanted = {quote: first if quote == best else rest for quote in _quotes(scene, deal)}
    steps = Steps()
    for quote, status in wanted.items():
        if quote.status != status:
            steps.change("Quote", quote[0], {"status": status})
    if len(steps.calls) < 2:
        raise Unsuitable
    return Draft(
        request=scene.say(deal=listed_name(deal), first=first, rest=rest),
        lookups=_lookups(scene, [deal], compare=True),
        calls=steps.calls,
        achieve=steps.achieve,
        selections=[_best_query(deal, "min"), query("Quote", opportunity_id=deal[0])],
    )


@family(
    "workflow",
    (
        "For each of the deals {deals}, set the deal's amount to the amount of its {which} quote.",
        "[Please bring|Bring] the amounts of the deals {deals} in line with their quotes: each deal takes over the"
        " amount of"
        " its {which} quote.",
        "The deals {deals} carry old figures. The right amount for each deal is that of the {which} quote made for it;"
        " correct them.",
        "Look at the quotes made for the deals {deals}: the amount of the {which} quote is to become the amount of the"
        " deal,"
        " in each case.",
        "Deals {deals}: copy the amount of the {which} quote into the amount of each deal.",
        "Could you correct the amounts of the deals {deals}? [In each case the|The] {which} quote on the deal says"
        " what the"
        " amount should be.",
        "Every one of the deals {deals} should have the same amount as its {which} quote. Change the deals, not the"
        " quotes.",
        "What the {which} quote says goes: update the amounts of the deals {deals} to match it, each deal by its own"
        " quotes.",
    ),
)
def amounts_from_quotes(scene: Scene) -> Draft:
    """Deals take over the amount of their dearest or cheapest quote."""
    which = scene.one(("max", "min"))
    number = scene.count(2, 4)
    deals = some_named(scene, "Opportunity", number, lambda row: _differs(scene, row, which))
    steps = Steps()
    for deal in deals:
        quote = only_best(_quotes(scene, deal), which, "amount")
        steps.change("Opportunity", deal[0], {"amount": number_json(quote.amount)})
    word = scene.one(("highest", "dearest") if which == "max" else ("lowest", "cheapest"))
    return Draft(
        request=scene.say(deals=quoted_names(deals), which=word),
        lookups=_lookups(scene, deals, compare=False),
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[quote[0] for deal in deals for quote in _quotes(scene, deal)],
    )


def _differs(scene: Scene, deal: Row, which: str) -> bool:
    """Whether an open deal has quotes, one of which is the best alone, with another amount."""
    quotes = _quotes(scene, deal)
    if not is_open(deal) or not quotes:
        return False
    best = quotes[0] if len(quotes) == 1 else _best(scene, deal, which)
    return best is not None and best.amount != deal.amount


@family(
    "workflow",
    (
        "The quote over {amount:money} for {client} is back: set its status to {status}. The deal it belongs to needs"
        " an"
        " update as well: set {changes}, and put the note {note:quoted} on that deal.",
        "We heard from {client} about the quote with the amount {amount:money}. Mark the quote {status}; on its deal,"
        " change"
        " {changes} and note {note:quoted}.",
        "There is a quote over {amount:money} for {client}. [Please change|Change] its status to {status}, then go to"
        " the"
        " deal it was made for, set {changes} there and leave the note {note:quoted} on the deal.",
        "Find the quote over {amount:money} that {client} got: its status becomes {status}. Its deal gets the note"
        " {note:quoted}, and on the deal you should change {changes}.",
        "Status of the quote over {amount:money} for {client}: {status}. Deal behind that quote: change {changes}, and"
        " add"
        " the note {note:quoted}.",
        "Which deal with {client} was the quote over {amount:money} made for? On that deal, set {changes} and add"
        " {note:quoted} as a note. The quote itself is now {status}; update its status.",
        "Write {note:quoted} as a note on the deal with {client} that has the quote over {amount:money}. Set {changes}"
        " on"
        " that deal, and the status {status} on the quote.",
        "{client} has answered on our quote over {amount:money}, so its status is {status} now. Please record that,"
        " and on"
        " the deal of that quote set {changes}, and add the note {note:quoted}.",
    ),
    held_out=True,
)
def quote_comes_back(scene: Scene) -> Draft:
    """A quote is called by its client and its amount; it and its deal are brought up to date."""
    quote = scene.pick("Quote", lambda row: is_open(scene.get("Opportunity", row.opportunity_id)))
    deal = scene.get("Opportunity", quote.opportunity_id)
    client = scene.get("Client", deal.client_id)
    deals = of_client(scene, client)
    same = [row for other in deals for row in _quotes(scene, other) if row.amount == quote.amount]
    if len(same) > 1 or not scene.is_named("Client", client):
        raise Unsuitable
    status = scene.one(scene.members("Quote", "status"), quote.status)
    changes = new_values(scene, [deal], ("stage", "probability", "close_date"))
    note = vocab.note(scene.rng, scene.pool)
    steps = Steps()
    steps.change("Quote", quote[0], {"status": status})
    steps.change("Opportunity", deal[0], changes)
    steps.note("Opportunity", deal[0], note)
    where: dict[str, Any] = {"opportunity_id": {"any": [row[0] for row in deals]}, "amount": number_json(quote.amount)}
    return Draft(
        request=scene.say(
            amount=quote.amount,
            client=listed_name(client),
            status=status,
            changes=scene.updates(changes),
            note=note,
        ),
        lookups=[
            scene.look_up(client),
            search_client(client),
            ToolCall("quote_search", {"amount": number_json(quote.amount), "limit": PAGE}),
            ToolCall("opportunity_search", {"opportunity_id": deal[0]}),
        ],
        calls=steps.calls,
        achieve=steps.achieve,
        preserve=[row[0] for row in (*deals, *_quotes(scene, deal)) if row not in (deal, quote)],
        selections=[query("Quote", **where)],
    )
