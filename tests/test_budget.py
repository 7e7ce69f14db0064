"""Budgets: what is used up stops a run in an orderly way, and a resumed run knows of it."""

import asyncio

import pytest
from talking import Talker, chance

from crm_gym import BudgetSpent, UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.plan import Plan

FEW = Plan(tasks=("delete_quote", "quote_details"), trials=2)
WHOLE = sum(Talker.searches(f"{job.options['task_id']} seed {job.seed} trial {job.trial}") + 1 for job in FEW.jobs())
EACH = {"calls": 1, "tokens": 12, "cost": 0.25}


class Hands:
    """A clock that is set by hand."""

    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def run(path, agent=None, **keywords):
    return BaselineHarness(agent or Talker(), path, FEW, **keywords).run()


@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("workers", [1, 5])
def test_a_budget_is_overshot_by_a_call_a_worker_at_most(tmp_path, name, workers):
    limit = EACH[name] * 11
    budget = Budget(**{name: limit})
    with pytest.raises(BudgetSpent, match="the budget is spent") as caught:
        run(tmp_path / "log.jsonl", budget=budget, workers=workers)
    assert limit <= budget.used[name] < limit + EACH[name] * workers
    episodes = read_log(tmp_path / "log.jsonl").episodes
    assert 0 < len(episodes) < len(FEW.jobs())
    assert f"{len(episodes)} of {len(FEW.jobs())} episodes are in" in str(caught.value)
    assert "--resume) goes on under a larger budget" in str(caught.value)


@pytest.mark.parametrize("workers", [1, 5])
def test_episodes_in_play_when_the_budget_is_spent_finish_if_they_need_no_more(tmp_path, workers):
    class Patient(Talker):
        searches = staticmethod(lambda label: 0)

        async def apredict(self, observation, state=None, episode_start=None, deterministic=False):
            state.spend.before_call()
            for _ in range(3):
                await asyncio.sleep(0)
            return self.reply(observation, state)

    budget = Budget(calls=3)
    with pytest.raises(BudgetSpent):
        run(tmp_path / "log.jsonl", Patient(), budget=budget, workers=workers)
    assert len(read_log(tmp_path / "log.jsonl").episodes) == budget.used["calls"] >= 3


def test_a_resumed_run_counts_what_is_in_the_log(tmp_path):
    path = tmp_path / "log.jsonl"
    with pytest.raises(BudgetSpent):
        run(path, budget=Budget(calls=11), executor="serial")
    used = sum(record["calls"] for record in read_log(path).episodes)
    budget = Budget(calls=11)
    with pytest.raises(BudgetSpent):
        run(path, budget=budget, resume=True, executor="serial")
    assert budget.used["calls"] == 11
    assert used <= 11
    budget = Budget(calls=WHOLE, tokens=12 * WHOLE + 1, cost=0.25 * WHOLE + 1)
    log = run(path, budget=budget, resume=True)
    assert budget.used == {"calls": WHOLE, "tokens": 12 * WHOLE, "cost": 0.25 * WHOLE}
    assert len(log.episodes) == len(FEW.jobs())


def test_time_stops_any_agent_before_its_next_episode(tmp_path):
    clock = Hands()

    def slow(env, seed):
        clock.now += 1.0
        return chance(env, seed)

    with pytest.raises(BudgetSpent, match=r"seconds of 3\.0 seconds"):
        run(tmp_path / "log.jsonl", slow, budget=Budget(seconds=3.0, clock=clock))
    assert len(read_log(tmp_path / "log.jsonl").episodes) == 3


def test_time_begins_with_the_run_and_not_with_the_budget(tmp_path):
    clock = Hands()
    budget = Budget(seconds=10, clock=clock)
    clock.now += 1_000
    assert len(run(tmp_path / "log.jsonl", budget=budget).episodes) == len(FEW.jobs())


def test_nothing_left_plays_nothing(tmp_path):
    with pytest.raises(BudgetSpent, match="0 of"):
        run(tmp_path / "log.jsonl", budget=Budget(cost=0))


@pytest.mark.parametrize("workers", [1, 3])
def test_an_unknown_price_is_no_price_of_nothing(tmp_path, workers):
    with pytest.raises(UsageError, match="price is not known"):
        run(tmp_path / "log.jsonl", Talker(cost=None), budget=Budget(cost=5.0), workers=workers)
    log = run(tmp_path / "other.jsonl", Talker(cost=None), budget=Budget(calls=10_000))
    assert {record["cost"] for record in log.episodes} == {None}
    with pytest.raises(UsageError, match="price is not known"):
        run(tmp_path / "other.jsonl", Talker(cost=None), budget=Budget(cost=5.0), resume=True)


@pytest.mark.parametrize("limits", [{"calls": -1}, {"tokens": "9"}, {"cost": float("nan")}, {"seconds": True}])
def test_limits_are_amounts(limits):
    with pytest.raises(UsageError, match=next(iter(limits))):
        Budget(**limits)


def test_a_budget_without_limits_is_never_spent():
    budget = Budget()
    for _ in range(3):
        budget.before_call()
        budget.after_call(Tokens(input=5, cache_read=4), None)
    assert budget.used == {"calls": 3, "tokens": 27, "cost": 0}
