"""One CRM behind two doors: the same calls give the same states, rewards, verdicts and infos through either."""

import numpy as np
import pytest
from formed import PLAN, choose, plain

from crm_gym import CrmEnv, load_suite
from crm_gym.form.columns import FORM_COLUMNS, places
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.oracle import FormOracle
from crm_gym.schema import TABLES
from crm_gym.tasks.families import REGISTRY
from crm_gym.tasks.family import KINDS
from crm_gym.tasks.generator import Generator
from crm_gym.tools import ToolCall

PROTOCOLS = pytest.mark.parametrize("refusals", ["decline", "attempt"])
REWARD = {"progress": 0.5, "collateral": 0.2, "step": -0.01, "refused": -0.1, "failure": -1.0}
"""Weights of all that a call pays; what a form's other steps pay has none."""

FIRST = places(FORM_COLUMNS)[f"count_{next(iter(TABLES))}"]
COUNTS = slice(FIRST, FIRST + len(TABLES))


class Doors:
    """Both environments, with the same task; what is submitted through the one is sent through the other too."""

    def __init__(self, refusals):
        keywords = {"refusals": refusals, "reward": REWARD}
        self.form, self.text = CrmFormEnv(masked_out="raise", **keywords), CrmEnv(**keywords)
        self.oracle = FormOracle(self.form)
        self.calls = self.refused = 0

    def reset(self, seed, task):
        self.shown, info = self.form.reset(seed=seed, options={"task": task})
        _, other = self.text.reset(seed=seed, options={"task": task})
        assert without_mask(info) == plain(other)
        self.same()
        self.over = False

    def step(self, action):
        call = self.form.desk.call() if action == PLAN.submit else None
        self.shown, reward, self.over, truncated, info = self.form.step(action)
        assert not truncated
        if call is None:
            assert (reward, self.over) == (0.0, False)
            assert info["is_success"] is False
            assert info["error"] == {"code": "", "field": "", "message": ""}
            return
        seen, its_reward, its_over, _, its_info = self.text.step(ToolCall(call.tool, call.arguments))
        assert (reward, self.over) == (its_reward, its_over)
        assert without_mask(info) == plain(its_info)
        assert seen["steps"] == self.form.crm_env._steps
        assert self.shown["form"][COUNTS].tolist() == seen["counts"].tolist()
        self.same()
        self.calls += 1
        self.refused += bool(info["error"]["code"])

    def same(self):
        assert self.form.crm.state_hash() == self.text.crm.state_hash()
        assert self.form.verdict == self.text.verdict

    def by_the_oracle(self):
        """The task's own demonstration."""
        while not self.over:
            self.step(self.oracle.predict(self.shown)[0])

    def at_random(self, rng, steps):
        for _ in range(steps):
            if self.over:
                return
            self.step(choose(rng, self.form.action_masks()))


def without_mask(info):
    return plain({name: value for name, value in info.items() if name != "action_mask"})


def check_played(doors, tasks):
    """By the oracle, all but few are solved; but no form makes a call that its schema refuses."""
    solved, tried = [0, 0], [0, 0]
    for number, task in enumerate(tasks):
        doors.reset(number, task)
        doors.by_the_oracle()
        attempt = task.polarity == "refused" and doors.form.crm_env.refusals == "attempt"
        solved[attempt] += doors.form.verdict.success
        tried[attempt] += 1
    assert solved[0] >= 0.88 * tried[0]
    assert solved[1] > 0 or tried[1] < 10
    assert solved[1] <= doors.refused


@PROTOCOLS
def test_golden_tasks_are_the_same_through_both_doors(refusals):
    check_played(Doors(refusals), load_suite())


@PROTOCOLS
@pytest.mark.parametrize("kind", KINDS)
def test_generated_tasks_are_the_same_through_both_doors(kind, refusals):
    """Three of each family, in a split that knows it."""
    names = [name for name, family in REGISTRY.items() if family.kind == kind]
    sources = [Generator("ood_family" if REGISTRY[name].held_out else "test", families=[name]) for name in names]
    check_played(Doors(refusals), [source.task(number) for source in sources for number in range(3)])


@pytest.mark.parametrize("source", ["golden", "generated"])
def test_random_forms_do_the_same_through_both_doors(source):
    doors, rng = Doors("decline"), np.random.default_rng(5)
    tasks = load_suite()[::16] if source == "golden" else [Generator("train").task(number) for number in range(30)]
    for number, task in enumerate(tasks):
        doors.reset(number, task)
        doors.at_random(rng, 60)
    assert doors.calls > 60
    assert doors.refused > 3
