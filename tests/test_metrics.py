"""Figures of a log are what counting by hand gives, and outages count nowhere but where they are named."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from records_played import played, run_line

from crm_gym.evaluation import stats
from crm_gym.evaluation.metrics import MOST, summarize, tool_of
from crm_gym.evaluation.records import ENDS, FAILURES, OUTCOMES, SLIPS


@dataclass(frozen=True)
class Read:
    run: Any
    episodes: Any


def made(outcome="success", **other):
    """A small record: only what figures look at."""
    return {
        "task": "CNC-001",
        "family": "create_new_client",
        "level": 1,
        "polarity": "accepted",
        "seed": 0,
        "trial": 0,
        "steps": [],
        "verdict": {"success": outcome == "success", "progress": 0.0, "missing": 0, "unexpected": 0},
        "outcome": outcome,
        "reason": None if outcome == "success" else "gave_up",
        "slips": [],
        "calls": 0,
        "tokens": None,
        "cost": None,
        "latency": None,
        **other,
    }


def asked(outcome="success", cost=0.5, **other):
    tokens = {"input": 10, "output": 2, "cache_read": 30, "cache_write": 4}
    return made(outcome, calls=2, tokens=tokens, cost=cost, latency=1.5, **other)


def named(rows):
    return {row["name"]: row for row in rows}


def test_the_rate_is_over_episodes_that_count():
    records = [made(seed=n) for n in range(6)] + [made("failure", seed=n) for n in range(6, 8)]
    records += [made("model_error", reason="refusal", seed=8), made("infra_error", reason="model", seed=9)]
    figures = summarize(records)
    assert (figures["played"], figures["counted"], figures["infra_errors"], figures["planned"]) == (10, 9, 1, None)
    assert figures["success"]["rate"] == pytest.approx(6 / 9)
    assert figures["success"]["wilson"] == list(stats.wilson(6, 9))
    assert figures["outcomes"] == {"success": 6, "failure": 2, "model_error": 1, "infra_error": 1}
    assert sum(row["count"] for row in figures["by_tool"]) == 9


def test_outages_move_no_figure_but_their_own_and_what_was_spent():
    records = [asked(seed=n) for n in range(4)] + [asked("failure", seed=4)]
    outage = asked(
        "infra_error",
        reason="model",
        seed=5,
        verdict={"unexpected": 3},
        slips=[{"step": 0, "kind": "empty"}],
        steps=[{"tool": "finish", "error": {"code": "not_found", "field": "", "message": ""}}],
    )
    without, with_one = summarize(records), summarize([*records, outage])
    moved = {name for name in without if without[name] != with_one[name]}
    assert moved == {"played", "infra_errors", "outcomes", "infra", "model"}
    assert with_one["model"]["cost"] == pytest.approx(3.0)


def test_a_log_says_how_much_was_planned():
    log = Read(run_line(count=50), [made()])
    assert summarize(log)["planned"] == 50
    assert summarize(log) | {"planned": None} == summarize(log.episodes)


def test_nothing_played_gives_figures_all_the_same():
    figures = summarize([])
    assert figures["success"] == {"rate": None, "successes": 0, "count": 0, "wilson": None, "bootstrap": None}
    assert figures["steps"] is None
    assert figures["model"] is None
    assert figures["by_tool"] == figures["pass_at_k"] == []
    json.dumps(figures, allow_nan=False)


def test_trials_of_one_task_are_no_independent_evidence():
    """The bootstrap draws whole tasks: its interval is wider than Wilson's, which takes every episode for its own."""
    records = [
        made("success" if task % 2 else "failure", task=f"T{task}", trial=t) for task in range(20) for t in range(20)
    ]
    figures = summarize(records)["success"]
    (low, high), (from_, to) = figures["wilson"], figures["bootstrap"]
    assert to - from_ > 3 * (high - low)


def test_chances_of_several_trials():
    wins = {"A": [True, True, True], "B": [True, False, False], "C": [False, False, False]}
    records = [
        made("success" if won else "failure", task=task, seed=ord(task), trial=trial)
        for task, trials in wins.items()
        for trial, won in enumerate(trials)
    ]
    figures = summarize(records)
    at, hat = figures["pass_at_k"], figures["pass_hat_k"]
    assert [row["value"] for row in at] == pytest.approx([4 / 9, (1 + 2 / 3 + 0) / 3, 2 / 3])
    assert [row["value"] for row in hat] == pytest.approx([4 / 9, 1 / 3, 1 / 3])
    assert all(row["low"] <= row["value"] <= row["high"] and row["tasks"] == 3 for row in at + hat)


def test_a_trial_lost_to_an_outage_takes_its_task_out_of_the_larger_k():
    records = [made(task="A", trial=0), made(task="A", trial=1), made(task="B", seed=1, trial=0)]
    records.append(made("infra_error", task="B", seed=1, trial=1))
    assert [row["tasks"] for row in summarize(records)["pass_at_k"]] == [2, 1]


def test_the_same_task_under_another_seed_is_no_trial():
    records = [made(task="A", seed=0), made("failure", task="A", seed=1)]
    assert [row["k"] for row in summarize(records)["pass_at_k"]] == [1]


def test_groups_stand_in_their_fixed_order():
    families = ["bulk_clients", "zzz_custom", "create_quote", "create_new_client", "modify_client"]
    records = [made(family=family, level=level) for family in families for level in (10, 9, 2)]
    figures = summarize(records)
    names = [row["name"] for row in figures["by_tool"]]
    assert names == ["create_new_client", "modify_client", "create_quote", "workflow", "zzz_custom"]
    assert [row["name"] for row in figures["by_level"]] == ["2", "9", "10"]
    assert summarize(records[::-1])["by_family"] == figures["by_family"]


def test_families_go_to_their_tools():
    assert tool_of("modify_opportunity_close") == "modify_opportunity"
    assert tool_of("decline_modify_client") == "modify_client"
    assert tool_of("bulk_clients") == "workflow"
    assert tool_of("no_such_family") == "no_such_family"


def test_reasons_are_counted_by_outcome_in_the_order_of_the_taxonomy():
    records = [made("failure", reason="budget"), made("failure", reason="wrong_tool"), made("failure", reason=None)]
    records += [made("model_error", reason="cut_off"), made("infra_error", reason="database")]
    figures = summarize(records)
    assert tuple(figures["failures"]) == (*FAILURES, "not said")
    assert {name: n for name, n in figures["failures"].items() if n} == {"wrong_tool": 1, "budget": 1, "not said": 1}
    assert tuple(figures["model_errors"]) == ENDS
    assert figures["model_errors"]["cut_off"] == 1
    assert figures["infra"] == {"database": 1}
    assert tuple(figures["outcomes"]) == OUTCOMES


def test_slips_and_refused_calls():
    refused = {"tool": "add_note", "error": {"code": "blank", "field": "content", "message": "."}}
    unread = {"tool": None, "error": {"code": "invalid_json", "field": "arguments", "message": "."}}
    fine = {"tool": "add_note", "error": None}
    slips = [{"step": 0, "kind": "empty"}, {"step": 1, "kind": "empty"}, {"step": 1, "kind": "odd"}]
    figures = summarize([made(steps=[refused, refused, unread, fine], slips=slips), made(steps=[fine] * 2)])
    assert figures["refused_calls"]["rate"] == pytest.approx(0.5)
    assert list(figures["refused_calls"]["by_code"].items()) == [("blank", 2), ("invalid_json", 1)]
    rows = named(figures["calls"])
    assert rows["add_note"] == {"name": "add_note", "calls": 5, "refused": 2}
    assert rows["unreadable"] == {"name": "unreadable", "calls": 1, "refused": 1}
    assert tuple(figures["slips"]) == (*SLIPS, "odd")
    assert figures["slips"]["empty"] == 2
    assert figures["steps"]["mean"] == 3


def test_collateral_damage_is_of_episodes_not_of_changes():
    records = [made("failure", verdict={"unexpected": 7}), made("failure"), made(), made()]
    assert summarize(records)["collateral"] == {"count": 1, "of": 4, "rate": 0.25, **stats.wilson(1, 4)._asdict()}


def test_costs_and_tokens():
    figures = summarize([asked(), asked("failure"), asked("model_error", reason="refusal")])["model"]
    assert figures["tokens"] == {"input": 30, "output": 6, "cache_read": 90, "cache_write": 12}
    assert figures["cost"] == figures["cost_per_success"] == pytest.approx(1.5)
    assert figures["calls"] == 6
    assert figures["latency"]["median"] == 1.5
    assert figures["latency_per_call"] == pytest.approx(0.75)


@pytest.mark.parametrize("absurd", [10**400, -(10**400), 1.7e308], ids=["huge", "below", "float"])
def test_absurd_usage_leaves_figures_that_are_numbers(absurd):
    """A server may claim anything."""
    tokens = dict.fromkeys(("input", "output", "cache_read", "cache_write"), absurd)
    record = asked() | {"calls": absurd, "tokens": tokens, "cost": absurd, "latency": absurd}
    figures = summarize([record, dict(record), asked()])
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
    most = MOST if absurd > 0 else -MOST
    assert figures["model"]["tokens"]["input"] == 2 * most + 10
    assert figures["model"]["cost"] == 2 * most + 0.5
    assert figures["model"]["calls"] == 2 * most + 2
    assert figures["success"]["successes"] == 3


def test_one_unknown_price_makes_the_cost_unknown():
    figures = summarize([asked(), asked(cost=None)])["model"]
    assert (figures["cost"], figures["cost_per_success"], figures["cost_unknown"]) == (None, None, 1)


def test_no_success_has_no_cost():
    assert summarize([asked("failure")])["model"]["cost_per_success"] is None
    assert summarize([asked("failure")])["model"]["cost"] == 0.5


@pytest.mark.parametrize("suite", ["golden", "generated"])
def test_figures_of_real_episodes(suite):
    best, worst = played("oracle", 25, suite), played("null", 25, suite)
    assert summarize(best)["success"]["rate"] == 1.0
    assert summarize(worst)["success"]["rate"] == 0.0
    both = summarize(best + worst)
    for name in ("by_tool", "by_family", "by_level", "by_polarity"):
        assert sum(row["successes"] for row in both[name]) == 25
        assert sum(row["count"] for row in both[name]) == 50
        assert all(row["low"] <= row["rate"] <= row["high"] for row in both[name])
    steps = [step for record in best + worst for step in record["steps"]]
    assert both["refused_calls"]["of"] == len(steps) == sum(row["calls"] for row in both["calls"])
    assert both["success"]["bootstrap"][0] <= 0.5 <= both["success"]["bootstrap"][1]
    assert json.loads(json.dumps(both, allow_nan=False)) == both
