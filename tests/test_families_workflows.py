"""Workflow families of the first half: every task fair, its end exact, nothing else touched."""

import hashlib
import os
import random
import subprocess
import sys

import pytest

from crm_gym.certify import certify, play
from crm_gym.certify.values import table_of
from crm_gym.tasks.answer import select, solve
from crm_gym.tasks.families import (
    workflows_accounts,
    workflows_deals,
    workflows_knowledge,
    workflows_papers,
    workflows_renewals,
    workflows_sales,
)
from crm_gym.tasks.family import REGISTRY
from crm_gym.tasks.generator import RECORDS, Generator, world_count
from crm_gym.tasks.phrasing import check_forms, parse
from crm_gym.tasks.scene import Scene
from crm_gym.tasks.splits import pool_of
from crm_gym.tasks.worlds import template
from crm_gym.tools import TOOLS, ToolCall

MODULES = (
    workflows_accounts,
    workflows_deals,
    workflows_knowledge,
    workflows_papers,
    workflows_renewals,
    workflows_sales,
)
MINE = [name for name, one in REGISTRY.items() if one.make.__module__ in {module.__name__ for module in MODULES}]
KNOWN = [name for name in MINE if not REGISTRY[name].held_out]
HELD_OUT = [name for name in MINE if REGISTRY[name].held_out]
PLACES = [(name, split, count) for name in KNOWN for split, count in (("train", 12), ("test", 4), ("ood_phrasing", 4))]
PLACES += [(name, "ood_family", 12) for name in HELD_OUT]
SELECTING = (
    *("requalify_pipeline", "requalify_and_report", "close_lost_deals", "move_account", "offboard_client"),
    *("expire_quotes", "file_on_right_quote", "renew_contracts", "clean_up_namesakes"),
)
TOUCH = {
    "Opportunity": lambda record: ToolCall("modify_opportunity", {"id": record, "updates": {"owner": "Nobody Known"}}),
    "Client": lambda record: ToolCall("modify_client", {"id": record, "updates": {"phone": "+1 555 010 010"}}),
    "Quote": lambda record: ToolCall("modify_quote", {"id": record, "updates": {"version": "v99"}}),
    "Contract": lambda record: ToolCall(
        "add_note", {"entity_type": "Contract", "entity_id": record, "content": "Not asked for."}
    ),
}


def split_of(name):
    return "ood_family" if name in HELD_OUT else "train"


def tasks(name, split, count, level=None):
    generator = Generator(split, level, families=[name])
    return [generator.make(number) for number in range(count)]


def draft_of(task):
    """What the family wrote down, made again from the task's id."""
    split, name, _, _, seed = task.id.split(":")
    rng = random.Random(int(seed, 16))
    world = template(pool_of(split), rng.randrange(world_count(pool_of(split), RECORDS)), RECORDS)
    forms = REGISTRY[name].forms
    return REGISTRY[name].make(Scene(world, rng, forms, held_out=split == "ood_phrasing"))


def writes(task):
    return [call for call in task.solution if TOOLS[call.tool].kind == "write"]


def test_there_are_enough_families_and_some_are_kept_for_ood_family():
    assert len(MINE) >= 12
    assert len(HELD_OUT) >= 2
    assert all(REGISTRY[name].kind == "workflow" and not REGISTRY[name].tool for name in MINE)


@pytest.mark.parametrize("name", MINE)
def test_forms_have_the_same_slots_and_held_out_ones_say_nothing_the_others_do(name):
    forms = REGISTRY[name].forms
    assert len(forms) >= 8
    check_forms(forms, parse(forms[0]).names)


@pytest.mark.parametrize(("name", "split", "count"), PLACES, ids=lambda value: str(value))
def test_tasks_are_fair_and_have_two_to_twelve_calls(name, split, count):
    for task in tasks(name, split, count):
        assert certify(task) == [], task.request
        assert 2 <= len(writes(task)) <= 12, task.request


@pytest.mark.parametrize("name", MINE)
def test_the_whole_way_succeeds_and_leaving_out_the_last_call_does_not(name):
    for task in tasks(name, split_of(name), 8):
        assert play(task, task.demonstration).verdict(task).success
        assert not play(task, task.solution[:-1]).verdict(task).success
        calls = list(task.solution)
        last = max(at for at, call in enumerate(calls) if TOOLS[call.tool].kind == "write")
        assert not play(task, calls[:last] + calls[last + 1 :]).verdict(task).success


@pytest.mark.parametrize("name", SELECTING)
def test_a_near_miss_must_be_left_alone(name):
    touched = 0
    for task in tasks(name, split_of(name), 10):
        for record in draft_of(task).preserve[:3]:
            touch = TOUCH[table_of(task.world.crm, record)](record)
            end = play(task, [touch, *task.solution])
            assert end.results[0].ok, touch
            assert not end.verdict(task).success, (task.request, touch)
            touched += 1
    assert touched >= 3


@pytest.mark.parametrize("name", MINE)
def test_a_number_fixes_the_task(name):
    for first, second in zip(tasks(name, split_of(name), 5), tasks(name, split_of(name), 5), strict=True):
        assert (first.id, first.request, first.demonstration) == (second.id, second.request, second.demonstration)
        assert draft_of(first).request == first.request


def digest():
    """What the first tasks of every family say and do."""
    lines = [f"{task.request}{task.demonstration}" for name in MINE for task in tasks(name, split_of(name), 1)]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_another_process_makes_the_same_tasks():
    code = "import sys; sys.path.insert(0, sys.argv[1]); import test_families_workflows as t; print(t.digest())"
    here = os.path.dirname(__file__)
    env = {**os.environ, "PYTHONHASHSEED": "7"}
    other = subprocess.run(
        [sys.executable, "-c", code, here], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    assert other.stdout.strip() == digest()


@pytest.mark.parametrize("level", [2, 3, 4, 5])
def test_every_level_but_the_first_can_be_asked_for(level):
    generator = Generator("train", level, families=KNOWN)
    assert [generator.make(number).difficulty for number in range(5)] == [level] * 5


def test_few_tasks_come_twice():
    for name in MINE:
        made = tasks(name, split_of(name), 40)
        assert len({task.request for task in made}) >= 39, name


def test_the_deals_reported_are_those_described():
    for task in tasks("requalify_and_report", "train", 10):
        query = task.selections[0]
        answer, said = task.goal.answer, solve(query, task.world.crm)
        assert (answer.value, answer.rows) == (said.value, said.rows)
        assert answer.names.items() <= said.names.items()


def test_deals_that_are_due_today_or_have_no_date_are_not_overdue():
    for task in tasks("requalify_pipeline", "train", 10):
        today = task.world.crm.today
        chosen = select(task.selections[0], task.world.crm)
        assert all(deal.close_date < today and not deal.stage.startswith("Closed") for deal in chosen)
        assert {call.arguments["id"] for call in task.solution} == {deal[0] for deal in chosen}


def test_a_sale_starts_from_nothing_from_a_deal_and_from_a_quote():
    made = {task.solution[0].tool for task in tasks("quote_to_cash", "train", 30)}
    assert made == {"create_new_opportunity", "create_quote", "modify_quote"}
