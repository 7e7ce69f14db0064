"""Families about deals, clients and contacts: fair tasks, and answers that an independent reading gives."""

import re
from decimal import Decimal

import pytest

from crm_gym.atoms import number_json
from crm_gym.certify import certify
from crm_gym.entities import CLOSED_STAGES
from crm_gym.extract import extract
from crm_gym.schema import TABLES
from crm_gym.tasks.answer import Query, solve
from crm_gym.tasks.families import REGISTRY, clients, contacts, deals, deals_change, deals_read, deals_view
from crm_gym.tasks.generator import RECORDS, made
from crm_gym.tasks.phrasing import check_forms, parse
from crm_gym.tools import TOOLS

MODULES = {module.__name__ for module in (clients, contacts, deals, deals_change, deals_read, deals_view)}
FAMILIES = [family for family in REGISTRY.values() if family.make.__module__ in MODULES]
OF_TOOL = (
    *("create_new_opportunity", "modify_opportunity", "opportunity_search", "view_opportunity_details"),
    *("opportunity_details", "clone_opportunity", "summarize_opportunities", "delete_opportunity"),
    *("create_new_client", "modify_client", "client_search"),
    *("create_new_contact", "modify_contact", "contact_search"),
)
STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation", "Closed-Won", "Closed-Lost")
OPEN = [stage for stage in STAGES if stage not in CLOSED_STAGES]
LEAST_SHARE = 0.2
"""Of the seeds, how many must give a task."""
FEW_SEEDS = 20
"""With fewer tasks than these, the share is chance."""


def tasks_of(name, split, count, first=0):
    """So many tasks of a family, from as many seeds as it takes."""
    found, tries = [], 0
    while len(found) < count:
        assert tries < max(FEW_SEEDS, count) / LEAST_SHARE, f"{name} seldom fits: {len(found)} of {tries} seeds"
        task = made(split, name, RECORDS, (first + tries) * 7919 + 11)
        tries += 1
        found += [] if task is None else [task]
    return found


def by_name(family):
    return family.name


def test_every_tool_has_its_family_and_others_follow():
    names = [family.name for family in FAMILIES]
    assert set(OF_TOOL) <= set(names)
    assert len(names) >= len(OF_TOOL) + 6
    assert all(REGISTRY[name].tool == name and not REGISTRY[name].held_out for name in OF_TOOL)
    assert 2 <= sum(family.held_out for family in FAMILIES) <= 4
    assert {family.tool for family in FAMILIES} == set(OF_TOOL)


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_forms_are_many_and_share_no_words_with_held_out_ones(family):
    assert len(family.forms) >= 8
    check_forms(family.forms, parse(family.forms[0]).names)


@pytest.mark.parametrize(("split", "count"), [("train", 25), ("test", 10), ("ood_phrasing", 10)])
@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_every_task_is_fair(family, split, count):
    tasks = tasks_of(family.name, split, count)
    assert {task.id: faults for task in tasks if (faults := certify(task))} == {}
    assert len({(task.world.name, task.request) for task in tasks}) == count


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_a_seed_fixes_a_task(family):
    once, again = (tasks_of(family.name, "validation", 8) for _ in range(2))
    for one, other in zip(once, again, strict=True):
        assert (one.id, one.request, one.demonstration) == (other.id, other.request, other.demonstration)
        assert one.world is other.world


@pytest.mark.parametrize("family", FAMILIES, ids=by_name)
def test_the_tool_of_the_family_is_the_one_that_matters(family):
    for task in tasks_of(family.name, "train", 5):
        calls = [call.tool for call in task.demonstration]
        if TOOLS[family.tool].kind == "write":
            assert calls[-1] == family.tool
        else:
            assert calls[-2:] == [family.tool, "respond"]


# Answers, worked out from the words of the request alone

MORE = ("above", "over", "after", "more", "larger", "later", "greater")
LESS = ("below", "under", "before", "less", "smaller", "earlier", "lower")


def whose(task):
    """The owner or the client a request names, as a condition."""
    text, crm = task.request, task.world.crm
    clients_named = [row for row in crm.find("Client") if row.name in text]
    if clients_named:
        return {"client_id": max(clients_named, key=lambda row: len(row.name)).client_id}
    owners = {row.owner for table in ("Client", "Opportunity") for row in crm.find(table)} - {None}
    (owner,) = (owner for owner in owners if owner in text)
    return {"owner": owner}


def bounds(text):
    """Every bound a request sets: its field and the condition."""
    for one in extract(text):
        before = re.findall(r"[a-z]+", text[: one.start].removesuffix("the "))[-2:]
        word = before[-2] if before[-1:] == ["than"] else before[-1] if before else ""
        if one.kind in ("number", "amount", "percent", "date") and word in MORE + LESS:
            field = {"percent": "probability", "date": "close_date"}.get(one.kind, "amount")
            yield field, {"min" if word in MORE else "max": one.value}


def described(task):
    """The deals a request describes, as conditions."""
    stages = [stage for stage in STAGES if stage in task.request]
    where = {**whose(task), **dict(bounds(task.request))}
    return where | ({"stage": stages[0]} if len(stages) == 1 else {})


def asked_for(task):
    """What a request wants to know of deals."""
    fields = {"amounts": "amount", "close dates": "close_date", "probabilities": "probability"}
    of = next((field for word, field in fields.items() if f"the {word} of" in task.request), None)
    return {"give": "values", "of": of} if of else {"give": "count" if "the number" in task.request else "records"}


def searched(task):
    return {"where": described(task), **asked_for(task)}


def overdue(task):
    where = {**whose(task), **dict(bounds(task.request))}
    late = where.pop("close_date", {})
    before = {"max": min(late.get("max", task.today), task.today), "not": task.today}
    return {"where": {**where, "stage": {"any": OPEN}, "close_date": {**late, **before}}, "give": "records"}


def topmost(task):
    words = {"highest": "max", "largest": "max", "greatest": "max", "latest": "max", "most distant": "max"}
    words |= {"lowest": "min", "smallest": "min", "earliest": "min", "oldest": "min"}
    fields = {"close date": "close_date", "amount": "amount", "probability": "probability"}
    ((which, field),) = {(words[w], fields[f]) for w in words for f in fields if f"{w} {f}" in task.request}
    return {"where": described(task), "give": "record", "best": f"{which}:{field}"}


def missing(task):
    words = {"close date": "close_date", "probability": "probability", "notes": "notes"}
    (field,) = (field for word, field in words.items() if word in task.request)
    return {"where": {**described(task), field: ""}, "give": "records"}


def summed(task):
    return {"where": described(task)} | (
        {"give": "count"} if " count" in task.request else {"give": "sum", "of": "amount"}
    )


def by_stage(task):
    going = {"stage": {"any": OPEN}} if "leaving out" in task.request else {}
    of = {} if "the count" in task.request else {"of": "amount"}
    return {"where": {**whose(task), **going}, "give": "mapping", "by": "stage", **of}


def by_owner(task):
    return {"where": described(task), "give": "mapping", "by": "owner", "of": "amount"}


def owned_clients(task):
    text, where = task.request, whose(task)
    status = re.search(r"\b(Active|Prospect|Inactive)\b", text)
    where |= {"status": status[0]} if status else {}
    days = [one.value for one in extract(text) if one.kind == "date"]
    where |= {"created_date": {"max": days[0]}} if days else {}
    lines = {row.industry for row in task.world.crm.find("Client") if row.industry}
    lines = [
        line for line in lines if f"industry {line}" in text or f"industry is {line}" in text or f"{line} as " in text
    ]
    return {"from": "Client", "where": where | ({"industry": lines[0]} if lines else {}), "give": "records"}


def town_clients(task):
    towns = {row.address.rpartition(", ")[2] for row in task.world.crm.find("Client") if row.address}
    (town,) = (town for town in towns if re.search(rf"\b{re.escape(town)}\b", task.request))
    return {"from": "Client", "where": {**whose(task), "address": {"contains": f", {town}"}}, "give": "records"}


def people(task):
    return {"from": "Contact", "where": whose(task), "give": "records"}


def with_role(task):
    where = whose(task)
    titles = {row.title for row in task.world.crm.find("Contact") if row.title and row.title in task.request}
    return {"from": "Contact", "where": {**where, "title": max(titles, key=len)}, "give": "record"}


READ = {
    "opportunity_search": searched,
    "opportunity_search_overdue": overdue,
    "deal_at_the_top": topmost,
    "opportunity_search_missing": missing,
    "summarize_opportunities": summed,
    "summarize_by_stage": by_stage,
    "summarize_by_owner": by_owner,
    "clients_of_owner": owned_clients,
    "clients_in_town": town_clients,
    "contacts_of_client": people,
    "contact_by_role": with_role,
}


@pytest.mark.parametrize("name", READ)
def test_answers_are_those_of_an_independent_reading(name):
    for task in [*tasks_of(name, "train", 25, 500), *tasks_of(name, "ood_phrasing", 15)]:
        right = solve(Query.model_validate({"from": "Opportunity"} | READ[name](task)), task.world.crm)
        answer = task.goal.answer
        assert (answer.give, answer.value, answer.key) == (right.give, right.value, right.key), task.request
        assert answer.rows == right.rows or answer.give != "records", task.request
        assert answer.accepts(right.value)
        plain = {name: record for name, record in right.names.items() if record in answer.rows}
        assert plain.items() <= answer.names.items()


VALUES = ("deal_value_of_field", "view_opportunity_details", "opportunity_details", "client_search", "contact_search")
VALUES += ("client_behind_deal", "contact_detail_by_role", "contacts_behind_deal")


@pytest.mark.parametrize("name", VALUES)
def test_answers_follow_from_the_rows_they_name(name):
    for task in tasks_of(name, "train", 20, 900):
        answer, crm = task.goal.answer, task.world.crm
        table = next(name for name in TABLES if TABLES[name].key == answer.key)
        values = [value for record in answer.rows for value in crm.get(table, record)]
        held = {number_json(value) if isinstance(value, Decimal) else value for value in values}
        given = answer.value if isinstance(answer.value, list) else [answer.value]
        assert held.issuperset(given), task.request
