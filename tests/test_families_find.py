"""Workflows that find out, compare, change in bulk or put right: certified, complete, and nothing touched besides."""

import functools
import re

import pytest

from crm_gym.certify import certify, play
from crm_gym.tasks.families import (
    workflows_bulk,
    workflows_find,
    workflows_impossible,
    workflows_quotes,
    workflows_rules,
)
from crm_gym.tasks.family import REGISTRY
from crm_gym.tasks.generator import Generator, find, made
from crm_gym.tasks.goal import RefusalGoal
from crm_gym.tasks.phrasing import check_forms, parse
from crm_gym.tasks.splits import POOLS
from crm_gym.tools import TOOLS, ToolCall

MODULES = (workflows_bulk, workflows_find, workflows_impossible, workflows_quotes, workflows_rules)
NAMES = {module.__name__ for module in MODULES}
FAMILIES = [name for name, one in REGISTRY.items() if one.make.__module__ in NAMES]
HELD_OUT = [name for name in FAMILIES if REGISTRY[name].held_out]
USUAL = [name for name in FAMILIES if name not in HELD_OUT]
CASES = [(name, split) for name in USUAL for split in ("train", "test", "ood_phrasing")]
CASES += [(name, "ood_family") for name in HELD_OUT]
TASKS = {"train": 20, "ood_family": 20}


@functools.cache
def tasks(name, split):
    generator = Generator(split, families=[name])
    return [generator.make(number) for number in range(TASKS.get(split, 8))]


def success(task, calls):
    return play(task, calls).verdict(task).success


def test_there_are_enough_of_them():
    assert len(FAMILIES) >= 12
    assert len(HELD_OUT) == 2
    assert all(REGISTRY[name].kind == "workflow" and REGISTRY[name].tool == "" for name in FAMILIES)


@pytest.mark.parametrize(("name", "split"), CASES)
def test_every_task_is_fair(name, split):
    faults = {task.id: found for task in tasks(name, split) if (found := certify(task))}
    assert faults == {}


@pytest.mark.parametrize(("name", "split"), CASES)
def test_it_takes_two_to_twelve_calls_that_matter(name, split):
    for task in tasks(name, split):
        steps = [call for call in task.demonstration if TOOLS[call.tool].kind != "read"]
        assert 2 <= len(steps) <= 12 or (isinstance(task.goal, RefusalGoal) and len(steps) == 1)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_step_left_out_is_no_success(name):
    for task in tasks(name, "ood_family" if name in HELD_OUT else "train")[:6]:
        right = list(task.solution)
        for at in range(len(right)):
            assert not success(task, right[:at] + right[at + 1 :])


@pytest.mark.parametrize("name", [name for name in FAMILIES if name != "impossible_in_workflow"])
def test_a_near_miss_that_is_changed_too_is_no_success(name):
    for task in tasks(name, "ood_family" if name in HELD_OUT else "train")[:8]:
        assert success(task, task.solution)
        assert not success(task, [near_miss_changed(task), *task.solution])


def near_miss_changed(task):
    """A call that changes a record like those that are meant, one of the same owner if there is one."""
    crm, net = task.world.crm, play(task, task.solution).crm.journal.net
    table = next((change.table for change in net.values() if change.before is not None), "Client")
    owners = {getattr(change.before, "owner", None) for change in net.values()} - {None}
    rest = [row for row in crm.find(table) if row[0] not in net]
    other = next((row for row in rest if getattr(row, "owner", None) in owners), rest[-1])
    field, value = {"Opportunity": ("notes", "x"), "Quote": ("version", "x"), "Client": ("phone", "1")}[table]
    return ToolCall(f"modify_{table.lower()}", {"id": other[0], "updates": {field: value}})


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_number_is_the_same_task(name):
    split = "ood_family" if name in HELD_OUT else "train"
    first, again = tasks(name, split)[0], Generator(split, families=[name]).make(0)
    assert (first.id, first.request, first.demonstration) == (again.id, again.request, again.demonstration)
    assert find(first.id).request == first.request


@pytest.mark.parametrize("name", FAMILIES)
def test_forms_are_sound_and_begin_sentences(name):
    forms = REGISTRY[name].forms
    assert len(forms) >= 8
    check_forms(forms, parse(forms[0]).names)


@pytest.mark.parametrize("name", FAMILIES)
def test_a_fair_share_of_seeds_fits(name):
    split = "ood_family" if name in HELD_OUT else "train"
    fitting = sum(made(split, name, 300, seed * 0x9E3779B97F4A7C15 % 2**64) is not None for seed in range(1, 61))
    assert fitting >= 8


def test_levels_two_to_five_can_be_asked_for():
    for level in (2, 3, 4, 5):
        generator = Generator("train", level, families=["bulk_deals", "bulk_clients"])
        assert {generator.make(number).difficulty for number in range(4)} == {level}


# Requests that are impossible as a whole


def test_impossible_requests_come_in_many_kinds():
    generator = Generator("train", families=["impossible_in_workflow"])
    goals = [generator.make(number).goal for number in range(120)]
    assert len({(goal.code, goal.field) for goal in goals}) >= 8


def test_doing_what_can_be_done_of_an_impossible_request_is_no_success():
    for task in tasks("impossible_in_workflow", "train"):
        goal = task.goal
        done = ToolCall("add_note", {"entity_type": "Client", "entity_id": first_client(task), "content": "done"})
        decline = {"code": goal.code, "field": goal.field}
        assert success(task, [ToolCall("decline", decline)])
        assert not success(task, [done, ToolCall("decline", decline)])
        assert not success(task, [ToolCall("finish")])


def first_client(task):
    return next(iter(task.world.crm.find("Client")))[0]


@pytest.mark.parametrize("pool", POOLS)
def test_nothing_of_the_grammar_is_left_in_a_request(pool):
    for name in USUAL:
        request = Generator(pool, families=[name]).make(3).request
        assert not re.search(r"[{}|\[\]]|None|@new", request)
