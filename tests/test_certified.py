"""The suites are certified: all golden cases, and generated tasks of every family, split and level."""

import pytest

from crm_gym.certify.suite import Wanted, certify_suite
from crm_gym.certify.tally import CHANCE
from crm_gym.tasks.catalogue import load_suite
from crm_gym.tasks.difficulty import LEVELS
from crm_gym.tasks.families import REGISTRY

NEVER = ("null", "constant", "read-only", "other-task", "destroy-then-do")


def wanted(suite, tasks=None, seed=0):
    return Wanted(suite, tasks, "all", (), None, ("memory:",), seed)


@pytest.fixture(scope="module")
def generated():
    return certify_suite(wanted("generated", 2_000), jobs=2)


@pytest.fixture(scope="module")
def golden():
    return certify_suite(wanted("golden"), jobs=2)


def check(report):
    total = report.total
    assert total.sentences == []
    assert total.example is None
    assert {name: total.won[name] for name in NEVER} == dict.fromkeys(NEVER, 0)
    assert not report.too_lucky, total.luck
    assert report.passed


def test_two_thousand_generated_tasks_are_certified(generated):
    check(generated)
    assert generated.total.tasks == 2_000
    assert set(generated.families) == set(REGISTRY)
    assert min(tally.tasks for tally in generated.families.values()) >= 3


def test_they_are_of_every_level(generated):
    assert set(generated.total.levels) == set(LEVELS)
    assert min(generated.total.levels.values()) >= 50


def test_hardly_one_of_them_is_there_twice(generated):
    assert generated.duplicates < 20


def test_they_were_tried_hard(generated):
    total = generated.total
    assert total.wrong >= 15 * total.tasks
    assert total.right >= 8 * total.tasks
    assert total.bent >= 5 * total.tasks
    for agent in (*NEVER[:3], *CHANCE, "decline", "destroy-then-do"):
        assert total.played[agent] == total.tasks, agent
    assert total.played["other-task"] >= 0.6 * total.tasks


def test_the_golden_suite_is_certified(golden):
    check(golden)
    assert golden.total.tasks == len(load_suite())


def test_declining_is_right_for_few(golden, generated):
    """One code for one field is what a tenth of the golden refusals are about, at most."""
    for report in (golden, generated):
        assert report.total.won["decline"] <= 0.05 * report.total.tasks


@pytest.mark.slow
def test_a_hundred_thousand_generated_tasks_are_certified():
    report = certify_suite(wanted("generated", 100_000, seed=7), jobs=2)
    check(report)
    assert report.total.tasks == 100_000
    assert report.duplicates < 1_000
