"""Tasks that find partners, vendors and competitors."""

from __future__ import annotations

import functools
from collections.abc import Callable

from crm_gym.schema import Row
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.answering import asked, of_record, of_records, of_value
from crm_gym.tasks.families.asking import ASK, ask, full, grouped
from crm_gym.tasks.families.pointing import spoken, words
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.worlds import Template
from crm_gym.tools import ToolCall

_ON = {
    "industry": ("the industry of the company {name}", "the line of business of the company {name}",
                 "the industry that the company {name} is in", "the sector the company {name} works in"),
    "address": ("the address of the company {name}", "the postal address of the company {name}",
                "the address we have for the company {name}", "the street address of the company {name}"),
    "contacts": ("the people we know at the company {name}", "the contacts at the company {name}",
                 "the names of the contacts at the company {name}", "the people on file for the company {name}"),
}  # fmt: skip


def _contacts(row: Row) -> Answer:
    """The names of the people at a company."""
    return Answer("values", list(dict.fromkeys(full([row], "contacts")[0].contacts)), {}, "company_id", (row[0],))


def _value(scene: Scene) -> Draft:
    field = str(scene.one(tuple(_ON)))
    row = scene.named("Company", lambda row: getattr(row, field) not in (None, ()))
    answer = _contacts(row) if field == "contacts" else of_value(row, field)
    request = ask(scene, words(scene, _ON[field], name=spoken(scene, row.name)), several=field == "contacts")
    return asked(request, [scene.look_up(row)], answer)


_WHERE = {
    "contacts": ("the company that {value} works for", "the company where {value} is our contact",
                 "the company that lists {value} as a contact", "the company {value} belongs to"),
    "address": ("the company at {value:quoted}", "the company with the address {value:quoted}",
                "the company whose address is {value:quoted}", "the company that sits at {value:quoted}"),
}  # fmt: skip


def _whose(scene: Scene) -> Draft:
    field = str(scene.one(tuple(_WHERE)))
    row = scene.pick("Company", lambda row: getattr(row, field) not in (None, ()))
    value = str(scene.rng.choice(row.contacts)) if field == "contacts" else row.address
    if len(_known(scene.template, field)[value]) > 1:
        raise Unsuitable
    request = ask(scene, words(scene, _WHERE[field], value=value))
    lookups = [ToolCall("company_search", {field: value})]
    return asked(request, lookups, of_record(scene, "Company", row))


@functools.lru_cache(maxsize=64)
def _known(world: Template, field: str) -> dict[str, list[Row]]:
    """Companies by contact or address, worked out once for a world."""
    found: dict[str, list[Row]] = {}
    for (key,), rows in grouped(world, "Company", field).items():
        for value in dict.fromkeys(key if field == "contacts" else (key,)):
            found.setdefault(value, []).extend(rows)
    return found


_OF_KIND = {
    ("type", "industry"): (
        "the companies of type {type} in the industry {industry}", "the {industry} companies that are a {type} to us",
        "every company in {industry} with the type {type}", "the companies in {industry} that count as {type}",
    ),
    ("industry",): (
        "the partners, vendors and competitors in {industry}", "the companies other than clients in {industry}",
        "the companies in the company list under {industry}", "the non-client companies in the {industry} business",
    ),
    ("type",): (
        "the companies of type {type}", "the companies that are a {type} to us", "all companies with the type {type}",
        "the companies that count as {type}",
    ),
}  # fmt: skip


def _of_kind(scene: Scene) -> Draft:
    fields: tuple[str, ...] = scene.one(tuple(_OF_KIND))
    row = scene.pick("Company", lambda row: None not in [getattr(row, field) for field in fields])
    said = {field: getattr(row, field) for field in fields}
    rows = full(grouped(scene.template, "Company", *fields)[tuple(said.values())])
    request = ask(scene, words(scene, _OF_KIND[fields], **said), several=True)
    return asked(request, [ToolCall("company_search", said)], of_records(scene, "Company", rows))


_QUESTIONS: tuple[Callable[[Scene], Draft], ...] = (_value, _whose, _of_kind)


@family("single", ASK, tool="company_search")
def company_search(scene: Scene) -> Draft:
    """What is known of a company that is no client, which one somebody works for, and which there are of a kind."""
    question: Callable[[Scene], Draft] = scene.one(_QUESTIONS)
    return question(scene)


_FOR_KIND = {
    "name": ("the name of the company of type {type} in the industry {industry}",
             "the name of the {industry} company that is a {type} to us",
             "the name of the only company in {industry} with the type {type}",
             "the name of the company in {industry} that counts as {type}"),
    "address": ("the address of the company of type {type} in the industry {industry}",
                "the postal address of the {industry} company that is a {type} to us",
                "the address of the only company in {industry} with the type {type}",
                "the address of the company in {industry} that counts as {type}"),
    "contacts": ("the names of our contacts at the company of type {type} in the industry {industry}",
                 "the people we can talk to at the {industry} company that is a {type} to us",
                 "the contacts at the only company in {industry} with the type {type}",
                 "the contacts at the company in {industry} that counts as {type}"),
}  # fmt: skip


@family("single", ASK, tool="company_search")
def partner_in_industry(scene: Scene) -> Draft:
    """The one company of a type in an industry: its name, its address, or whom to talk to there."""
    field = str(scene.rng.choice(("name", "address", "contacts", "contacts")))
    row = scene.pick("Company", lambda row: None not in (row.type, row.industry) and getattr(row, field))
    if len(grouped(scene.template, "Company", "type", "industry")[row.type, row.industry]) > 1:
        raise Unsuitable
    answer = _contacts(row) if field == "contacts" else of_value(row, field)
    what = words(scene, _FOR_KIND[field], type=row.type, industry=row.industry)
    lookups = [ToolCall("company_search", {"type": row.type, "industry": row.industry})]
    return asked(ask(scene, what, several=field == "contacts"), lookups, answer)
