"""Compositions: parts that are known, put together in pairs that are kept for one split or used in all others."""

import functools
import itertools
import random
import re

import pytest

from crm_gym.certify import certify, play
from crm_gym.extract import numbers
from crm_gym.tasks.families import compositions, joining
from crm_gym.tasks.families.parts_kinds import JOBS
from crm_gym.tasks.family import REGISTRY
from crm_gym.tasks.generator import Generator
from crm_gym.tasks.phrasing import check_forms, parse, surface_forms
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.splits import pool_of_value
from crm_gym.tasks.worlds import template
from crm_gym.tools import ToolCall

FAMILIES = [name for name, one in REGISTRY.items() if one.make.__module__ == compositions.__name__]
SPLITS = {"train": 20, "test": 8, "ood_phrasing": 8, "ood_composition": 8}
CASES = [(name, split) for name in FAMILIES for split in SPLITS]
CALLS = {"two_jobs": (2, 2), "three_jobs": (3, 3), "chained_jobs": (2, 5), "many_jobs": (4, 7)}


@functools.cache
def tasks(name, split):
    generator = Generator(split, families=[name])
    return [generator.make(number) for number in range(SPLITS[split])]


def success(task, calls):
    return play(task, calls).verdict(task).success


def test_there_are_parts_and_compositions():
    assert set(FAMILIES) == set(CALLS)
    assert len(JOBS) >= 10
    assert all(REGISTRY[name].kind == "composition" and not REGISTRY[name].held_out for name in FAMILIES)


@pytest.mark.parametrize(("name", "split"), CASES)
def test_every_task_is_fair(name, split):
    faults = {task.id: found for task in tasks(name, split) if (found := certify(task))}
    assert faults == {}


@pytest.mark.parametrize(("name", "split"), CASES)
def test_it_takes_as_many_calls_as_there_are_parts(name, split):
    low, high = CALLS[name]
    assert all(low <= len(task.solution) <= high for task in tasks(name, split))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_part_left_out_or_something_besides_is_no_success(name):
    for task in tasks(name, "train")[:6]:
        right = list(task.solution)
        assert success(task, right)
        for at in range(len(right)):
            assert not success(task, right[:at] + right[at + 1 :])
        client = next(iter(task.world.crm.find("Client")))
        note = {"entity_type": "Client", "entity_id": client[0], "content": "one more"}
        assert not success(task, [*right, ToolCall("add_note", note)])


def test_chains_go_on_with_what_they_have_made():
    for task in tasks("chained_jobs", "train"):
        assert all("@new:" in repr(call.arguments) for call in task.solution[1:])


# Which parts go together


def names_of(unseen):
    """The parts of many compositions, in order."""
    found = []
    for seed in range(400):
        scene = Scene(template("train" if seed % 2 else "test", seed % 4), random.Random(seed), unseen=unseen)
        make = joining.chained if seed % 4 == 0 else joining.independent
        try:
            found.append([part.name for part in make(scene, 2 + seed % 3 % 2)])
        except Unsuitable:
            continue
    return found


def pairs(sequences):
    return {pair for names in sequences for pair in itertools.pairwise(names)}


def test_pairs_are_used_in_ood_composition_or_elsewhere_but_never_in_both():
    kept, usual = pairs(names_of(True)), pairs(names_of(False))
    assert len(kept) >= 30
    assert len(usual) >= 60
    assert not kept & usual
    assert all(pool_of_value(f"{first}+{second}") == "test" for first, second in kept)


def test_a_fifth_of_the_pairs_is_kept():
    known = [(first, second) for first in joining.ALONE for second in joining.ALONE]
    assert 0.12 <= sum(joining.is_kept(*pair) for pair in known) / len(known) <= 0.28


def test_every_part_is_known_from_other_splits():
    known = {name for names in names_of(False) for name in names}
    assert {name for names in names_of(True) for name in names} <= known


@pytest.mark.parametrize("split", ["train", "test", "ood_phrasing", "ood_composition"])
def test_a_generator_hands_its_splits_pairs_out(split, monkeypatch):
    seen = []
    made = joining._made
    monkeypatch.setattr(joining, "_made", lambda scene, name, *rest: seen.append(name) or made(scene, name, *rest))
    generator = Generator(split, families=["two_jobs"])
    for number in range(10):
        generator.make(number)
        first, second = seen[-2:]
        assert joining.is_kept(first, second) is (split == "ood_composition")


# How they are said


@pytest.mark.parametrize("name", FAMILIES)
def test_forms_are_sound(name):
    forms = REGISTRY[name].forms
    assert len(forms) >= 8
    check_forms(forms, parse(forms[0]).names)
    assert surface_forms(forms, True) >= 2


@pytest.mark.parametrize("name", FAMILIES)
def test_what_numbers_the_parts_is_no_number(name):
    """Letters, dashes and ordinals count the parts, so that no count can be taken for a value."""
    for form in REGISTRY[name].forms:
        said = re.sub(r"\{\w+\}", "do it", form).replace("[", "").replace("]", "").replace("|", " ")
        assert not {number for number in numbers(said) if re.search(rf"(?<!\w){number}[.)]", said)}
        assert not re.search(r"(?<!\w)[0-9]+(?![0-9a-z])", said)


@pytest.mark.parametrize("name", FAMILIES)
def test_the_same_number_is_the_same_task(name):
    first, again = tasks(name, "train")[0], Generator("train", families=[name]).make(0)
    assert (first.id, first.request, first.demonstration) == (again.id, again.request, again.demonstration)
