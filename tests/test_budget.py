"""Budgets: what is used up stops a run in an orderly way, and a resumed run knows of it."""

import asyncio
import dataclasses
import os
import signal

import pytest
from talking import Faltering, Outage, Talker, chance

from crm_gym import BudgetSpent, UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.metrics import summarize
from crm_gym.evaluation.plan import Plan
from crm_gym.evaluation.report import page

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


@pytest.mark.parametrize("limits", [{"tokens": 100}, {"cost": 1.0}])
def test_a_reply_that_does_not_say_what_it_took_is_not_for_nothing(limits):
    with pytest.raises(UsageError, match="limit calls in place of"):
        Budget(**limits).after_call(Tokens(known=False), None)
    total = Tokens(1)
    total.add(Tokens(known=False))
    assert not total.known


# What is not finished


class Counting(Faltering):
    """Counts its own calls."""

    def __init__(self, faults=None, times=1, cost=0.25):
        super().__init__(faults or {}, times)
        self.cost, self.calls = cost, 0

    def reply(self, observation, state):
        self.calls += 1
        return super().reply(observation, state)


def stopping(at, fault):
    class Stopping(Counting):
        def reply(self, observation, state):
            made = super().reply(observation, state)
            if self.calls == at:
                raise fault
            return made

    return Stopping()


def told(path):
    """Calls, tokens and cost in a log: in episodes and beside them."""
    log = read_log(path)
    parts = [*log.episodes, *log.spent]
    tokens = sum(sum((part["tokens"] or {}).values()) for part in parts)
    return sum(part["calls"] for part in parts), tokens, sum(part["cost"] for part in parts)


@pytest.mark.parametrize("workers", [1, 8])
def test_a_budget_holds_over_any_number_of_resumed_runs(tmp_path, workers):
    path, agent = tmp_path / "log.jsonl", Counting()
    for part in range(4):
        with pytest.raises(BudgetSpent):
            run(path, agent, budget=Budget(calls=10), resume=part > 0, workers=workers)
        assert agent.calls < 10 + workers
        assert told(path) == (agent.calls, 12 * agent.calls, 0.25 * agent.calls)
    assert len(read_log(path).spent) <= 1
    log = run(path, agent, budget=Budget(calls=10 * WHOLE), resume=True)
    assert len(log.episodes) == len(FEW.jobs())
    assert told(path)[0] == agent.calls
    assert log == read_log(path)


@pytest.mark.parametrize("fault", [KeyboardInterrupt(), ZeroDivisionError()], ids=["ctrl-c", "fault"])
@pytest.mark.parametrize("workers", [1, 5])
def test_what_a_stopped_run_spent_on_the_unfinished_is_in_the_log(tmp_path, fault, workers):
    path, agent = tmp_path / "log.jsonl", stopping(9, fault)
    with pytest.raises(type(fault)):
        run(path, agent, workers=workers)
    assert agent.calls >= 9
    assert told(path) == (agent.calls, 12 * agent.calls, 0.25 * agent.calls)
    (spent,) = read_log(path).spent
    assert spent["calls"] > 0
    assert list(spent) == ["kind", "schema", "run", "calls", "tokens", "cost"]
    budget = Budget(calls=1_000)
    run(path, agent, resume=True, budget=budget)
    assert told(path)[0] == agent.calls == budget.used["calls"]
    assert read_log(path).spent == (spent,)


def test_outages_held_back_when_a_run_stops_are_in_the_log(tmp_path):
    path, agent = tmp_path / "log.jsonl", Counting({"seed 0 trial 0": Outage("later")})
    with pytest.raises(BudgetSpent):
        run(path, agent, executor="serial", budget=Budget(calls=6))
    assert told(path)[0] == agent.calls == 6


def test_who_spends_nothing_leaves_no_line(tmp_path):
    def stop(env, seed):
        if seed == 2:
            raise ZeroDivisionError
        return chance(env, seed)

    with pytest.raises(ZeroDivisionError):
        run(tmp_path / "log.jsonl", stop)
    assert read_log(tmp_path / "log.jsonl").spent == ()
    assert b'"spent"' not in (tmp_path / "log.jsonl").read_bytes()


@pytest.mark.parametrize("workers", [1, 5])
def test_what_came_before_an_outage_is_in_the_record(tmp_path, workers):
    path, agent = tmp_path / "log.jsonl", Counting({"seed 1 trial 0": Outage("later")}, times=3)
    log = run(path, agent, workers=workers)
    (down,) = [record for record in log.episodes if record["outcome"] == "infra_error"]
    assert (down["calls"], down["cost"], down["latency"], down["attempt"]) == (2, 0.5, 1.0, 2)
    log = run(path, agent, workers=workers, resume=True, budget=Budget(calls=1_000))
    (again,) = [record for record in log.episodes if record["attempt"] > 1]
    assert (again["attempt"], again["calls"], again["latency"]) == (4, again["cost"] * 4, again["cost"] * 2)
    assert log.spent == ()
    assert told(path) == (agent.calls, 12 * agent.calls, 0.25 * agent.calls)


def test_an_unknown_cost_of_an_earlier_attempt_stays_unknown(tmp_path):
    class Dear(Counting):
        def reply(self, observation, state):
            self.cost = None if self.times["seed 1 trial 0"] else 0.25
            return super().reply(observation, state)

    log = run(tmp_path / "log.jsonl", Dear({"seed 1 trial 0": Outage("later")}), executor="serial")
    (again,) = [record for record in log.episodes if record["attempt"] > 1]
    assert again["cost"] is None
    assert again["calls"] > 1


class Dying(Talker):
    """Its process is killed after a call of a certain episode."""

    def reply(self, observation, state):
        made = super().reply(observation, state)
        if state.label.endswith("seed 1 trial 1"):
            os.kill(os.getpid(), signal.SIGKILL)
        return made


def test_calls_of_a_process_that_is_gone_are_in_the_record(tmp_path):
    log = run(tmp_path / "log.jsonl", Dying(), executor="process")
    (gone,) = [record for record in log.episodes if record["outcome"] == "infra_error"]
    assert (gone["reason"], gone["attempt"], gone["calls"], gone["cost"]) == ("worker", 2, 2, 0.5)


def test_what_processes_spent_before_a_stop_is_in_the_log(tmp_path):
    path, budget = tmp_path / "log.jsonl", Budget(calls=6)
    with pytest.raises(BudgetSpent):
        run(path, Talker(), executor="process", workers=2, budget=budget)
    assert told(path) == tuple(budget.used.values())


def test_figures_tell_of_what_was_spent_on_the_unfinished(tmp_path):
    path, agent = tmp_path / "log.jsonl", Counting()
    with pytest.raises(BudgetSpent):
        run(path, agent, budget=Budget(calls=10), workers=8)
    log = read_log(path)
    model = summarize(log)["model"]
    (spent,) = log.spent
    assert model["unfinished"] == {name: spent[name] for name in ("calls", "tokens", "cost")}
    assert model["calls"] + spent["calls"] == agent.calls
    none_ended = summarize(dataclasses.replace(log, episodes=()))["model"]
    assert (none_ended["calls"], none_ended["calls_per_episode"], none_ended["cost_per_episode"]) == (0, None, None)
    unknown = dataclasses.replace(log, spent=(spent, spent | {"cost": None}))
    assert summarize(unknown)["model"]["unfinished"]["cost"] is None
    both = page([log, dataclasses.replace(log, episodes=(), spent=())])
    assert "talker-1" in both
    assert both.count(f"on episodes that were not finished: {spent['calls']} model calls") == 1
    assert "not finished" in page([dataclasses.replace(log, episodes=())])
