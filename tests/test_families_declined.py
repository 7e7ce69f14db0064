"""Families of requests that must be refused: each is certified, and no constant reason to decline gets far."""

from __future__ import annotations

import functools
from collections import Counter

import pytest

from crm_gym.certify import ambiguous, certify, refused_otherwise, unreachable
from crm_gym.certify.values import play
from crm_gym.tasks.families import declined, declined_papers, declined_quotes, declined_said, declined_searches
from crm_gym.tasks.family import REGISTRY
from crm_gym.tasks.generator import Generator, find
from crm_gym.tasks.phrasing import check_forms, parse
from crm_gym.tools import TOOLS, ToolCall

MODULES = (declined, declined_quotes, declined_papers, declined_searches)
NAMES = [name for name, one in REGISTRY.items() if one.make.__module__ in {module.__name__ for module in MODULES}]
CODES = {
    *("enum_value", "amount_not_positive", "amount_above_ceiling", "amount_precision", "probability_range"),
    *("probability_not_whole", "date_format", "date_in_past", "date_order", "email_format", "duplicate_email"),
    *("url_format", "file_name_characters", "file_extension_missing", "file_extension_unsupported", "blank"),
    *("not_found", "closed_deal_locked", "immutable_field", "unknown_field", "missing_field", "wrong_type"),
    *("number_range", "no_change", "text_invalid", "text_too_long"),
}
"""Every code of the CRM that a plain request can earn."""


@functools.cache
def tasks(name, split="train", count=60):
    if split == "train" and REGISTRY[name].held_out:
        split = "ood_family"
    if split != "ood_family" and REGISTRY[name].held_out:
        return []
    generator = Generator(split, families=[name])
    return [generator.make(number) for number in range(count)]


def reason(task):
    return task.goal.code, task.goal.field


def test_every_tool_has_its_family():
    assert {REGISTRY[name].tool for name in NAMES if REGISTRY[name].tool} >= {
        *("create_new_opportunity", "modify_opportunity", "clone_opportunity", "delete_opportunity"),
        *("view_opportunity_details", "opportunity_search", "create_new_client", "modify_client", "client_search"),
        *("create_new_contact", "modify_contact", "contact_search", "create_quote", "modify_quote", "cancel_quote"),
        *("delete_quote", "quote_search", "quote_details", "compare_quotes", "create_contract", "contract_search"),
        *("company_search", "upload_document", "add_note"),
    }
    for name in NAMES:
        assert REGISTRY[name].kind == "declined"
        assert name.startswith("decline_")
        assert not REGISTRY[name].tool or all(task.goal.call.tool == REGISTRY[name].tool for task in tasks(name)[:5])


@pytest.mark.parametrize("name", NAMES)
def test_tasks_are_fair(name):
    made = tasks(name)[:25] + tasks(name, "test", 10) + tasks(name, "ood_phrasing", 10)
    for number, task in enumerate(made):
        # Judging is much alike for all refusals: that dear part of the certificate is played for every third.
        quick = [*refused_otherwise(task), *unreachable(task), *ambiguous(task)]
        assert (quick or (certify(task) if number % 3 == 1 else [])) == [], task.request


@pytest.mark.parametrize("name", NAMES)
def test_no_constant_reason_gets_far(name):
    made = tasks(name)
    (code, field), most = Counter(map(reason, made)).most_common(1)[0]
    assert most <= 0.4 * len(made), (code, field)  # a third, and chance
    assert len(set(map(reason, made))) >= 5


def test_codes_are_all_there_and_spread():
    made = [task for name in NAMES for task in tasks(name)]
    assert len(made) >= 600
    assert {task.goal.code for task in made} == CODES
    most = Counter(map(reason, made)).most_common(1)[0][1]
    assert most < 0.15 * len(made)
    assert len({task.request for task in made}) > 0.99 * len(made)


@pytest.mark.parametrize("name", NAMES)
def test_a_task_is_made_again_from_its_id(name):
    task = tasks(name)[0]
    again = find(task.id)
    assert (again.request, again.goal, again.demonstration) == (task.request, task.goal, task.demonstration)
    assert play(task, task.solution).verdict(task).success


@pytest.mark.parametrize("name", NAMES)
def test_a_neighbour_of_the_right_reason_fails(name):
    task, other = tasks(name)[0], next(one for one in tasks(name) if reason(one) != reason(tasks(name)[0]))
    assert not play(task, other.solution).verdict(task).success
    assert not play(task, [ToolCall("decline", {"code": task.goal.code})]).verdict(task).success


@pytest.mark.parametrize("name", NAMES)
def test_the_call_differs_from_a_right_one_only_in_the_field(name):
    """One fault alone: nothing else in the call is of another name than the tool's."""
    for task in tasks(name):
        known = TOOLS[task.goal.call.tool].schema["properties"]
        strange = [argument for argument in task.goal.call.arguments if argument not in known]
        assert strange == ([task.goal.field] if task.goal.code == "unknown_field" and strange else [])


def test_forms_keep_their_words_apart():
    for name in NAMES:
        forms = REGISTRY[name].forms
        assert len(forms) >= 8
        check_forms(forms, parse(forms[0]).names)
    single = [value for value in vars(declined_said).values() if isinstance(value, tuple)]
    for forms in (*single, *declined_said.SET.values(), *declined_said.FILTER.values()):
        check_forms(forms, parse(forms[0]).names)
