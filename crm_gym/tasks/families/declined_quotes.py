"""Requests about quotes that the CRM must refuse."""

from __future__ import annotations

from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families import declined_faults as faults
from crm_gym.tasks.families import declined_said as said
from crm_gym.tasks.families.declined_plea import (
    Called,
    a_quote,
    creating,
    modifying,
    nobody,
    pointing,
    refused,
    searching,
)
from crm_gym.tasks.families.faults import Fault, all_unsearchable, all_wrong, phrased
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_NEW_QUOTE = (
    *all_wrong("Quote", "amount", "amount", "status", "status", "valid_until", "valid_until"),
    *all_wrong("Quote", "version", "quote_prefix"),
    faults.stray("opportunity_id", "Opportunity"), faults.stray("opportunity_id", "Opportunity"),
    faults.missing("amount", "status", "opportunity_id"), faults.unknown(faults.FOR_RECORDS), faults.own_id("quote_id"),
)  # fmt: skip
_CHANGED_QUOTE = (
    *all_wrong("Quote", "amount", "amount", "status", "status", "valid_until", "valid_until"),
    *all_wrong("Quote", "version", "quote_prefix"),
    faults.unknown(faults.FOR_RECORDS), faults.other_id("quote_id"), faults.moved("opportunity_id", "Opportunity"),
    faults.other_time, faults.no_change,
)  # fmt: skip
_SEARCH = (
    *all_unsearchable("Quote", "amount", "status", "valid_until", "version", "amount", "status", "created_date"),
    *faults.PAGING, faults.unknown(faults.FOR_SEARCHES),
)  # fmt: skip
_VIEW = (*faults.PAGING, faults.unknown(faults.FOR_VIEWS))
_ACTION = (faults.unknown(faults.FOR_ACTIONS),)


@family(
    "declined",
    (
        "[Please ]create a new quote. {body}.",
        "We need one more quote. {body}.",
        "[Could you ]draw up a quote in the CRM? {body}.",
        "There is an offer to be recorded as a quote. {body}.",
        "New quote. {body}.",
        "Add a quote, please. {body}.",
        "A quote is to be entered. {body}.",
        "Have this quote recorded. {body}.",
    ),
    tool="create_quote",
)
def decline_create_quote(scene: Scene) -> Draft:
    """A new quote with one thing wrong."""
    given = {
        "opportunity_id": scene.named("Opportunity"),
        "amount": scene.amount(),
        "status": scene.one(scene.members("Quote", "status")),
    }
    if scene.chance(0.4):
        given["version"] = vocab.version(scene.rng, scene.pool)
    if scene.chance(0.3):
        given["valid_until"] = scene.day(10, 200)
    return creating(scene, "create_quote", given, _NEW_QUOTE)


@family(
    "declined",
    (
        "[Please ]update the quote {record}. {body}.",
        "The quote {record} has to be changed. {body}.",
        "Something on the quote {record} is to be changed. {body}.",
        "There is an edit to make to the quote {record}. {body}.",
        "An update to the quote {record}. {body}.",
        "For the quote {record} I need an update. {body}.",
        "[Could you ]edit the quote {record}? {body}.",
        "Find the quote {record} and make a change. {body}.",
    ),
    tool="modify_quote",
)
def decline_modify_quote(scene: Scene) -> Draft:
    """A change to a quote with one thing wrong."""
    also = scene.one(({"quote_prefix": vocab.quote_prefix(scene.rng, scene.pool)}, {"valid_until": scene.day(10, 200)}))
    return modifying(scene, "modify_quote", a_quote(scene), also, _CHANGED_QUOTE)


@family(
    "declined",
    (
        "[Please ]cancel the quote {record}. {body}.",
        "The quote {record} is to be canceled. {body}.",
        "I want the quote {record} canceled. {body}.",
        "Call off the quote {record}, that is, cancel it. {body}.",
        "Quote {record}: cancel it. {body}.",
        "[Could you ]cancel the quote {record}? {body}.",
        "Have the quote {record} canceled, keeping the record. {body}.",
        "A cancellation for the quote {record}, if you will. {body}.",
    ),
    tool="cancel_quote",
)
def decline_cancel_quote(scene: Scene) -> Draft:
    """The cancelling of a quote that is not there, or with an option that there is not."""
    return pointing(scene, "cancel_quote", "quote_id", a_quote(scene), _ACTION)


@family(
    "declined",
    (
        "[Please ]delete the quote {record}. {body}.",
        "The quote {record} has to go. {body}.",
        "Remove the quote {record} from the CRM. {body}.",
        "Get rid of the quote {record} for good. {body}.",
        "I want the quote {record} deleted. {body}.",
        "[Could you ]erase the quote {record}? {body}.",
        "Quote {record}: delete it. {body}.",
        "Have the quote {record} removed altogether. {body}.",
    ),
    tool="delete_quote",
)
def decline_delete_quote(scene: Scene) -> Draft:
    """The removal of a quote that is not there, or with an option that there is not."""
    return pointing(scene, "delete_quote", "quote_id", a_quote(scene), _ACTION)


@family(
    "declined",
    (
        "[Please ]search the quotes. {body}.",
        "Which quotes are there? {body}.",
        "[Could you ]find some quotes for me? {body}.",
        "I am looking for certain quotes. {body}.",
        "Quote search. {body}.",
        "List quotes, please. {body}.",
        "Run a search over the quotes. {body}.",
        "Have a search made among the quotes. {body}.",
    ),
    tool="quote_search",
)
def decline_quote_search(scene: Scene) -> Draft:
    """A search for quotes with one criterion wrong."""
    row = scene.pick("Quote", lambda row: row.quote_prefix is not None)
    given = scene.one(({"quote_prefix": row.quote_prefix}, {"opportunity_id": scene.named("Opportunity")}))
    return searching(scene, "quote_search", given, _SEARCH)


@family(
    "declined",
    (
        "[Please ]show me the details of the quote {record}. {body}.",
        "I want to see the quote {record} with all that hangs on it. {body}.",
        "Open the quote {record} for me. {body}.",
        "Bring up the quote {record} in full. {body}.",
        "What is there on the quote {record}? {body}.",
        "[Could you ]pull up everything on the quote {record}? {body}.",
        "Details of the quote {record}, please. {body}.",
        "Let me look at the quote {record} from end to end. {body}.",
    ),
    tool="quote_details",
)
def decline_quote_details(scene: Scene) -> Draft:
    """A look at a quote that is not there, or at pages there cannot be."""
    return pointing(scene, "quote_details", "quote_id", a_quote(scene), _VIEW)


@family(
    "declined",
    (
        "[Please ]compare the amount of the quote {first} with that of {second}. {body}.",
        "How does the quote {first} compare in amount with {second}? {body}.",
        "Put the quote {first} and {second} side by side and compare their amounts. {body}.",
        "I would like a comparison of amounts: the quote {first} against {second}. {body}.",
        "Compare amounts: the quote {first}, then {second}. {body}.",
        "The quote {first} and {second} are to be compared by amount. {body}.",
        "[Could you ]compare the quote {first} and {second} as to their amounts? {body}.",
        "As to amounts, hold the quote {first} up against {second}. {body}.",
    ),
    tool="compare_quotes",
)
def decline_compare_quotes(scene: Scene) -> Draft:
    """A comparison with nothing to compare, or with an option that there is not."""
    first = a_quote(scene)
    way = scene.rng.random()
    if way < 0.2:
        return _with_itself(scene, first)
    if way < 0.55:
        second = nobody(scene, "Quote")
        words = phrased(scene, said.NO_MORE)
        fault = Fault(second.code, "quote_ids", None, words, second.lookups)
        return _compared(scene, first, f"the quote {second.words}", fault, [first.id, second.id], {})
    second = a_quote(scene)
    if second.id == first.id:
        raise Unsuitable
    fault = faults.unknown(faults.FOR_VIEWS)(scene, {})
    fault = Fault(fault.code, fault.field, fault.value, fault.words, second.lookups)
    ids = [first.id, second.id]
    return _compared(scene, first, f"the quote {second.words}", fault, ids, {fault.field: fault.value})


def _with_itself(scene: Scene, quote: Called) -> Draft:
    fault = Fault("number_range", "quote_ids", None, phrased(scene, _SAME))
    return _compared(scene, quote, scene.one(("itself", "that same quote")), fault, [quote.id, quote.id], {})


_SAME = (
    "Yes, the one quote twice",
    "There is just that quote, so give it twice",
    "The same quote on both sides, as I say",
    "It is the same one on either side",
    "I mean one and the same quote, listed twice",
)


def _compared(
    scene: Scene, first: Called, second: str, fault: Fault, ids: list[object], more: dict[str, object]
) -> Draft:
    request = scene.say(first=first.words, second=second, body=fault.words)
    lookups: tuple[ToolCall, ...] = (*first.lookups, *fault.lookups)
    return refused(request, "compare_quotes", {"quote_ids": ids, **more}, fault, lookups)
