"""Families about quotes, contracts, companies, documents and notes: fair, right, the same each time, varied."""

import functools
import re
from datetime import date, timedelta

import pytest

from crm_gym.certify import certify
from crm_gym.extract import dates
from crm_gym.tasks.answer import Query, solve
from crm_gym.tasks.families import companies, contracts, documents, notes, quotes, quotes_compare, quotes_read
from crm_gym.tasks.family import REGISTRY
from crm_gym.tasks.generator import Generator, made
from crm_gym.tasks.phrasing import check_forms, parse
from crm_gym.tasks.saying import WORDS
from crm_gym.tools import call

MODULES = (companies, contracts, documents, notes, quotes, quotes_compare, quotes_read)
TOOLS_HERE = (
    *("create_quote", "modify_quote", "cancel_quote", "delete_quote", "quote_search", "quote_details"),
    *("compare_quotes", "compare_quote_details", "quote_prefixes", "create_contract", "contract_search"),
    *("company_search", "upload_document", "add_note"),
)
HERE = [name for name, one in REGISTRY.items() if one.make.__module__ in {module.__name__ for module in MODULES}]
HELD_OUT = [name for name in HERE if REGISTRY[name].held_out]
SEEN = [name for name in HERE if name not in HELD_OUT]
READS = {"quote_search", "contract_search", "contract_ending_soon", "company_search", "partner_in_industry"}
CASES = [(name, split) for name in SEEN for split in ("train", "test", "ood_phrasing")]
CASES += [(name, "ood_family") for name in HELD_OUT]


@functools.cache
def some(name, split):
    maker = Generator(split, families=[name])
    return [maker.make(number) for number in range(25 if split in ("train", "ood_family") else 10)]


@pytest.mark.parametrize(("name", "split"), CASES)
def test_every_task_is_fair(name, split):
    faults = {task.id: (task.request, found) for task in some(name, split) if (found := certify(task))}
    assert not faults


def test_each_tool_has_a_family_of_its_name_and_there_are_more():
    assert [name for name in TOOLS_HERE if name not in HERE or REGISTRY[name].tool != name] == []
    assert len(HERE) - len(TOOLS_HERE) >= 6
    assert 2 <= len(HELD_OUT) <= 4


@pytest.mark.parametrize("name", HERE)
def test_its_forms_are_many_and_those_held_out_are_never_said_elsewhere(name):
    forms = REGISTRY[name].forms
    assert len(forms) >= 8
    check_forms(forms, parse(forms[0]).names)


@pytest.mark.parametrize("name", SEEN)
def test_a_number_gives_the_same_task_each_time(name):
    again = Generator("train", families=[name])
    for number, task in enumerate(some(name, "train")[:5]):
        twin = again.make(number)
        assert (twin.id, twin.request, twin.solution, twin.lookups) == (
            task.id,
            task.request,
            task.solution,
            task.lookups,
        )


@pytest.mark.parametrize("name", HERE)
def test_enough_scenes_suit_it(name):
    split = "ood_family" if REGISTRY[name].held_out else "train"
    found = sum(made(split, name, 300, seed * 7919) is not None for seed in range(50))
    assert found >= 10


@pytest.mark.parametrize("name", HERE)
def test_its_tool_is_used_and_its_requests_differ(name):
    tasks = some(name, "ood_family" if REGISTRY[name].held_out else "train")
    assert all(REGISTRY[name].tool in {call.tool for call in task.demonstration} for task in tasks)
    assert len({task.request for task in tasks}) >= 0.9 * len(tasks)


# Answers, worked out anew from the last search, the superlative and the field that the request names

BEST = {
    ("Quote", "max:amount"): ("dearest", "highest", "costliest", "most money"),
    ("Quote", "min:amount"): ("cheapest", "lowest", "least"),
    ("Quote", "max:valid_until"): ("valid longest", "latest valid-until", "ends last", "holds longest"),
    ("Quote", "max:created_date"): (
        "newest",
        "latest quote",
        "recently",
        "last quote",
        "created last",
        "latest addition",
    ),
    ("Quote", "min:created_date"): ("oldest", "first quote", "earliest", "before all others"),
    ("Contract", "max:value"): ("largest", "highest value", "greatest", "worth most"),
    ("Contract", "max:end_date"): ("ends last", "latest end date", "outlasts", "last to end", "last of the contracts"),
    ("Contract", "min:end_date"): ("ends first", "earliest end date", "before the others", "first of the contracts"),
    ("Contract", "min:start_date"): ("started first", "oldest", "earliest start date", "first to begin"),
}


def the_search(task):
    last = [one for one in task.lookups if one.tool in ("quote_search", "contract_search", "company_search")][-1]
    return last.tool.partition("_")[0].title(), dict(last.arguments)


def by_query(task):
    """The answers of the task's form that its request may ask for."""
    table, where = the_search(task)
    if table == "Company" and "contacts" in where:
        where["contacts"] = {"contains": where["contacts"]}
    ways = [way for (of, way), words in BEST.items() if of == table and any(word in task.request for word in words)]
    give = task.goal.answer.give
    found = []
    for way in ways or [None]:
        for field in asked_fields(task) if give in ("value", "values") else [None]:
            query = {"from": table, "where": where, "best": way, "give": give, "of": field}
            found.append(solve(Query.model_validate(query), task.world.crm).value)
    return found


def asked_fields(task):
    words = WORDS | {"contacts": ("contacts", "people")}
    known = [field for field in the_fields(task) if any(word in task.request for word in words[field])]
    assert known, task.request
    return known


def the_fields(task):
    table, _ = the_search(task)
    return {
        "Quote": ("amount", "valid_until", "quote_prefix", "version", "status"),
        "Contract": ("value", "start_date", "end_date", "status", "document_url"),
        "Company": ("name", "industry", "address", "contacts"),
    }[table]


def is_plain(task):
    """Whether the answer is a record of the table last searched, or stands in a field of one that is no list."""
    table, _ = the_search(task)
    answer = task.goal.answer
    return answer.key == f"{table.lower()}_id" and not (table == "Company" and answer.give == "values")


@pytest.mark.parametrize("name", ["company_search", "partner_in_industry"])
def test_contacts_are_those_of_the_company(name):
    tasks = [task for task in some(name, "train") if task.goal.answer.give == "values"]
    for task in tasks:
        (row,) = solve(Query.model_validate({"from": "Company", "where": the_search(task)[1]}), task.world.crm).rows
        assert task.goal.answer.value == list(task.world.crm.get("Company", row).contacts)
    assert tasks


@pytest.mark.parametrize("name", sorted(READS))
def test_answers_of_searches_are_those_of_a_query(name):
    tried = 0
    for task in filter(is_plain, [*some(name, "train"), *some(name, "test"), *some(name, "ood_phrasing")]):
        found = by_query(task)
        assert task.goal.answer.value in found, (task.request, task.goal.answer.value, found)
        tried += 1
    assert tried >= 12


def shown(task, tool):
    request = next(one for one in task.lookups if one.tool == tool)
    return call(task.world.crm.fork("shown"), request).value


def test_comparisons_answer_what_the_tool_shows():
    for task in some("compare_quotes", "train"):
        answer, result = task.goal.answer, shown(task, "compare_quotes")
        by_id = {row["quote_id"]: row for row in result["quotes"]}
        ends = [by_id[result[end]] for end in ("dearest", "cheapest")]
        amounts = {row["version"]: row["amount"] for row in result["quotes"]}
        assert answer.value in [result["difference"], amounts, *(item for row in ends for item in row.values())]


def test_differing_and_equal_fields_are_those_the_tool_shows():
    ours = ("amount", "status", "version", "valid_until", "quote_prefix", "created_date")
    for task in some("compare_quote_details", "train"):
        value, result = task.goal.answer.value, shown(task, "compare_quote_details")
        differing = [name for name in ours[:-1] if name in result["differing"]]
        same = [name for name in ours if name not in result["differing"]]
        columns = [list(dict.fromkeys(result["fields"][name])) for name in ours]
        assert value in [differing, same, *columns]


def test_prefixes_are_those_the_tool_lists():
    for task in [*some("quote_prefixes", "train"), *some("quote_prefixes", "ood_phrasing")]:
        counts = {row["quote_prefix"]: row["count"] for row in shown(task, "quote_prefixes")}
        answer = task.goal.answer
        if answer.give == "mapping":
            assert answer.value == counts
        elif answer.give == "count":
            named = [count for prefix, count in counts.items() if prefix in task.request]
            assert answer.value == (named[0] if named else max(counts.values()))
        elif answer.give == "values":
            bound = re.search(r"(more|fewer) than ([0-9]+)|(having|below) .*?([0-9]+)", task.request)
            left = [prefix for prefix in counts if prefix not in task.request]
            if not bound:
                assert answer.value == left
            elif bound[1]:
                more = bound[1] == "more"
                assert answer.value == [
                    p for p in counts if (counts[p] > int(bound[2])) is more and counts[p] != int(bound[2])
                ]


def test_lapsed_quotes_are_those_of_a_query():
    for task in some("lapsed_quotes", "ood_family"):
        of = the_search(task)[1]
        (day,) = dates(task.request)
        where = {**of, "valid_until": {"max": (date.fromisoformat(day) - timedelta(1)).isoformat()}}
        query = Query.model_validate({"from": "Quote", "where": where})
        assert task.goal.answer.value == solve(query, task.world.crm).value


def test_incomplete_contracts_are_those_of_a_query():
    for task in some("incomplete_contracts", "ood_family"):
        words = {"deal": "opportunity_id", "start date": "start_date"}
        field = next((field for word, field in words.items() if f" {word}" in task.request), "document_url")
        query = Query.model_validate({"from": "Contract", "where": {**the_search(task)[1], field: ""}})
        assert task.goal.answer.value == solve(query, task.world.crm).value


def test_the_dearest_quote_of_a_client_is_that_among_all_its_deals():
    for task in some("dearest_quote_of_client", "train"):
        deals = [call.arguments["opportunity_id"] for call in task.lookups if call.tool == "quote_search"]
        client = {task.world.crm.get("Opportunity", deal).client_id for deal in deals}
        assert {row[0] for row in task.world.crm.referring("Opportunity", "client_id", *client)} == set(deals)
        end = "max" if any(word in task.request for word in BEST["Quote", "max:amount"]) else "min"
        query = Query.model_validate(
            {"from": "Quote", "where": {"opportunity_id": {"any": deals}}, "best": f"{end}:amount"}
        )
        (quote,) = solve(query, task.world.crm).value
        row = task.world.crm.get("Quote", quote)
        assert task.goal.answer.value in (quote, row.opportunity_id, row.amount)
