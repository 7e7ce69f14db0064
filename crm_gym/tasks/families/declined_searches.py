"""Searches and sums that the CRM must refuse, and values borrowed from other records that it must not take."""

from __future__ import annotations

from typing import Any

from crm_gym.atoms import number_json
from crm_gym.schema import Row
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families import declined_faults as faults
from crm_gym.tasks.families.declined_plea import by_name, refused, searching
from crm_gym.tasks.families.faults import Fault, all_unsearchable, phrased
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name

_PAGED = (*faults.PAGING, faults.unknown(faults.FOR_SEARCHES))
_DEALS = ("amount", "stage", "probability", "close_date")


@family(
    "declined",
    (
        "[Please ]search the deals. {body}.",
        "Which deals are there? {body}.",
        "[Could you ]find some deals for me? {body}.",
        "I am looking for certain deals. {body}.",
        "Deal search. {body}.",
        "List deals, please. {body}.",
        "Run a search over the deals. {body}.",
        "Have a search made among the deals. {body}.",
    ),
    tool="opportunity_search",
)
def decline_opportunity_search(scene: Scene) -> Draft:
    """A search for deals with one criterion wrong."""
    given = scene.one(({"owner": scene.owner()}, {"client_id": scene.named("Client")}))
    return searching(
        scene, "opportunity_search", given, (*all_unsearchable("Opportunity", *_DEALS, *_DEALS, "name"), *_PAGED)
    )


@family(
    "declined",
    (
        "[Please ]search the clients. {body}.",
        "Which clients are there? {body}.",
        "[Could you ]find some clients for me? {body}.",
        "I am looking for certain clients. {body}.",
        "Client search. {body}.",
        "List clients, please. {body}.",
        "Run a search over the clients. {body}.",
        "Have a search made among the clients. {body}.",
    ),
    tool="client_search",
)
def decline_client_search(scene: Scene) -> Draft:
    """A search for clients with one criterion wrong."""
    row = scene.pick("Client", lambda row: row.industry is not None)
    given = scene.one(({"owner": scene.owner()}, {"industry": row.industry}))
    makers = (*all_unsearchable("Client", "status", "status", "created_date", "phone", "name"), *_PAGED)
    return searching(scene, "client_search", given, makers)


@family(
    "declined",
    (
        "[Please ]search the contacts. {body}.",
        "Which contacts are there? {body}.",
        "[Could you ]find some contacts for me? {body}.",
        "I am looking for certain contacts. {body}.",
        "Contact search. {body}.",
        "List contacts, please. {body}.",
        "Run a search over the contacts. {body}.",
        "Have a search made among the contacts. {body}.",
    ),
    tool="contact_search",
)
def decline_contact_search(scene: Scene) -> Draft:
    """A search for contacts with one criterion wrong."""
    row = scene.pick("Contact", lambda row: row.title is not None)
    given = scene.one(({"title": row.title}, {"client_id": scene.named("Client")}))
    makers = (*all_unsearchable("Contact", "phone", "last_name"), *_PAGED)
    return searching(scene, "contact_search", given, makers)


@family(
    "declined",
    (
        "[Please ]search the contracts. {body}.",
        "Which contracts are there? {body}.",
        "[Could you ]find some contracts for me? {body}.",
        "I am looking for certain contracts. {body}.",
        "Contract search. {body}.",
        "List contracts, please. {body}.",
        "Run a search over the contracts. {body}.",
        "Have a search made among the contracts. {body}.",
    ),
    tool="contract_search",
)
def decline_contract_search(scene: Scene) -> Draft:
    """A search for contracts with one criterion wrong."""
    given = {"client_id": scene.named("Client")}
    fields = ("status", "value", "start_date", "end_date", "status", "value")
    return searching(scene, "contract_search", given, (*all_unsearchable("Contract", *fields), *_PAGED))


@family(
    "declined",
    (
        "[Please ]search the companies that are no clients. {body}.",
        "Which partner, vendor and competitor companies are there? {body}.",
        "[Could you ]find some companies (not clients) for me? {body}.",
        "I am looking for certain companies outside our clients. {body}.",
        "Company search, clients aside. {body}.",
        "List companies in the company table, please. {body}.",
        "Run a search over the companies, not the clients. {body}.",
        "Have a search made among the companies that are not clients. {body}.",
    ),
    tool="company_search",
)
def decline_company_search(scene: Scene) -> Draft:
    """A search for companies with one criterion wrong."""
    row = scene.pick("Company", lambda row: row.industry is not None)
    makers = (*all_unsearchable("Company", "type", "type", "name"), *_PAGED)
    return searching(scene, "company_search", {"industry": row.industry}, makers)


@family(
    "declined",
    (
        "[Please ]sum up the deals. {body}.",
        "What do the deals come to in all? {body}.",
        "[Could you ]give me a summary of deals? {body}.",
        "I need deals counted and added up. {body}.",
        "Summary of deals. {body}.",
        "Add up the amounts of deals, please. {body}.",
        "A summary over the deals is wanted. {body}.",
        "Have the deals totalled up. {body}.",
    ),
    tool="summarize_opportunities",
    held_out=True,
)
def decline_summarize_opportunities(scene: Scene) -> Draft:
    """A sum over deals with one criterion wrong; it has no pages, so that a limit is itself one too many."""
    given = scene.one(({"owner": scene.owner()}, {"client_id": scene.named("Client")}))
    makers = (*all_unsearchable("Opportunity", *_DEALS), _paged_sum, _paged_sum)
    return searching(scene, "summarize_opportunities", given, makers)


def _paged_sum(scene: Scene, given: Any) -> Fault:
    field, value = scene.one(("limit", "offset")), scene.rng.randint(2, 60)
    words = phrased(scene, _PAGES, field=field, value=value)
    return Fault("unknown_field", field, value, words)


_PAGES = (
    "Pass {field} = {value} along to the summary",
    "Give the summary a {field} of {value}, as its own argument",
    "The summary is to be called with the {field} {value}",
    "Let the summary have {value} for its {field}",
    "Use the argument {field} with {value} in the call of the summary",
)


# Held out: the value is good where it stands, and must not go where it is wanted

_BORROWED = {
    "amount": ("amount", "exact amount", "sum", "figure for the amount"),
    "probability": ("probability", "win probability", "chance of winning", "odds of winning"),
    "close_date": ("close date", "expected close date", "closing date", "target close date"),
    "stage": ("stage", "sales stage", "pipeline stage", "stage field"),
    "email": ("e-mail", "e-mail address", "email address", "mail address"),
}


@family(
    "declined",
    (
        "[Please ]give the {kind} {target} the same {what} as the {kind} {source}.",
        "The {kind} {target} should have the {what} of the {kind} {source}. Look it up and enter it.",
        "Copy the {what} of the {kind} {source} over to the {kind} {target}.",
        "Let the {what} of the {kind} {target} be what it is on the {kind} {source}.",
        "Take the {what} from the {kind} {source} and set it on the {kind} {target}.",
        "On the {kind} {target}, put the {what} that the {kind} {source} has.",
        "The {what} on the {kind} {target} has to match the {kind} {source}: change it there[, please].",
        "Look up the {what} of the {kind} {source}; the {kind} {target} is to get the very same one.",
    ),
    held_out=True,
)
def decline_borrowed_value(scene: Scene) -> Draft:
    """A value of one record for another: of a client's that no two may share, or of a deal's for one that may not."""
    code, field, source, target = scene.one((_shared_email, _past_day, _closed_terms, _closed_terms))(scene)
    value = getattr(source, field)
    value = number_json(value) if field == "amount" else value
    fault = Fault(code, field, value, "")
    one, other = by_name(scene, source), by_name(scene, target)
    request = scene.say(kind=one.kind, target=other.words, source=one.words, what=phrased(scene, _BORROWED[field]))
    tool = "modify_client" if field == "email" else "modify_opportunity"
    call = {"id": other.id, "updates": {field: value}}
    return refused(request, tool, call, fault, (*one.lookups, *other.lookups))


Loan = tuple[str, str, Row, Row]
"""Code, field, the record that has the value, the record that must not get it."""


def _pair(source: Row, target: Row) -> tuple[Row, Row]:
    """Both, if neither name holds the other."""
    one, other = listed_name(source).casefold(), listed_name(target).casefold()
    if one in other or other in one:
        raise Unsuitable
    return source, target


def _shared_email(scene: Scene) -> Loan:
    return "duplicate_email", "email", *_pair(scene.named("Client"), scene.named("Client"))


def _past_day(scene: Scene) -> Loan:
    source = scene.named("Opportunity", lambda row: row.close_date is not None and row.close_date < scene.today)
    return "date_in_past", "close_date", *_pair(source, scene.named("Opportunity", faults.is_open))


def _lends(scene: Scene, row: Row, field: str) -> bool:
    """Whether a deal is open and has a value there that any open deal may have."""
    value = getattr(row, field)
    return faults.is_open(row) and value is not None and (field != "close_date" or value >= scene.today)


def _closed_terms(scene: Scene) -> Loan:
    field = str(scene.one(_DEALS))
    target = scene.named("Opportunity", lambda row: not faults.is_open(row))
    source = scene.named(
        "Opportunity", lambda row: _lends(scene, row, field) and getattr(row, field) != getattr(target, field)
    )
    return "closed_deal_locked", field, *_pair(source, target)
