"""Two logs are compared by pairs of the same episode: what is left out is said, and differences have the right sign."""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from records_played import played, run_line

from crm_gym import UsageError
from crm_gym.evaluation import stats
from crm_gym.evaluation.compare import compare


@dataclass(frozen=True)
class Read:
    episodes: Any
    run: Any = None


def log(records, **run):
    return Read(records, run_line(**run))


def made(seed, outcome="success", **other):
    return {
        "task": f"T{seed}",
        "family": "create_quote",
        "seed": seed,
        "trial": 0,
        "index": seed,
        "request": "Please.",
        "today": "2025-01-01",
        "steps": [],
        "outcome": outcome,
        "reason": None if outcome == "success" else "gave_up",
        "tokens": None,
        "cost": None,
        **other,
    }


def outcomes(text, **other):
    """s, f, m, i: an episode each."""
    words = {"s": "success", "f": "failure", "m": "model_error", "i": "infra_error"}
    return [made(seed, words[letter], **other) for seed, letter in enumerate(text)]


def test_the_difference_is_second_less_first():
    figures = compare(log(outcomes("sffffs")), log(outcomes("ssssfm")))
    assert (figures["success"]["first"], figures["success"]["second"]) == (pytest.approx(2 / 6), pytest.approx(4 / 6))
    assert figures["success"]["difference"] == pytest.approx(2 / 6)
    assert figures["mcnemar"] == {"p": stats.mcnemar(1, 3), "only_first": 1, "only_second": 3}
    assert [flip["task"] for flip in figures["flips"]] == ["T1", "T2", "T3", "T5"]
    assert figures["flips"][3]["outcome"] == ["success", "model_error"]
    assert figures["success"]["low"] <= figures["success"]["difference"] <= figures["success"]["high"]


def test_the_other_way_round_changes_signs_and_nothing_else():
    one, other = log(outcomes("sfsfsssfff")), log(outcomes("sssfsfssfs"))
    there, back = compare(one, other), compare(other, one)
    assert there["success"]["difference"] == -back["success"]["difference"]
    assert there["success"]["low"] == pytest.approx(-back["success"]["high"])
    assert there["mcnemar"]["p"] == back["mcnemar"]["p"]
    assert len(there["flips"]) == len(back["flips"])


def test_the_same_log_differs_in_nothing():
    figures = compare(log(outcomes("sfsm")), log(outcomes("sfsm")))
    assert figures["success"]["difference"] == figures["success"]["low"] == figures["success"]["high"] == 0
    assert (figures["flips"], figures["differs"], figures["mcnemar"]["p"]) == ([], [], 1.0)


def test_pairs_with_an_outage_are_left_out_on_both_sides():
    figures = compare(log(outcomes("ssif")), log(outcomes("sisf")))
    assert (figures["pairs"], figures["outages"]) == (2, 2)
    assert figures["success"]["difference"] == 0


def test_episodes_are_found_by_what_they_are_not_by_where_they_stand():
    first = outcomes("sfsf")
    second = [record | {"index": 3 - record["index"]} for record in first[::-1]]
    figures = compare(log(first), log([*second, made(9)]))
    assert (figures["pairs"], figures["flips"], figures["unpaired"]) == (4, [], [0, 1])
    assert compare(log(first), log(second[:3]))["unpaired"] == [1, 0]


@pytest.mark.parametrize("changed", [{"request": "Other."}, {"today": "2025-01-02"}, {"family": "add_note"}])
def test_another_question_under_the_same_name_is_no_pair(changed):
    second = outcomes("ss")
    second[0] |= changed
    figures = compare(log(outcomes("ss")), log(second))
    assert (figures["pairs"], figures["changed"]) == (1, 1)


@pytest.mark.parametrize("changed", [{"task": "X"}, {"seed": 77}, {"trial": 1}])
def test_logs_without_a_pair_are_refused(changed):
    with pytest.raises(UsageError, match=r"no episode in common.*same suite, seed and trials"):
        compare(log([made(0)]), log([made(0) | changed]))


def test_logs_whose_pairs_do_not_count_are_refused():
    with pytest.raises(UsageError, match="1 were ended by an outage, 1 were not asked"):
        compare(log(outcomes("is")), log([made(0), made(1, request="Other.")]))


def test_settings_that_differ_are_named():
    figures = compare(log(outcomes("s")), log(outcomes("s"), agent="other", model="m-1", run="1" * 16, count=9))
    assert figures["differs"] == ["agent", "model"]


def test_costs_are_compared_where_all_are_known():
    cheap, dear = [made(n, cost=0.1, tokens={"input": 5}) for n in range(4)], [made(n, cost=0.3) for n in range(4)]
    assert compare(log(cheap), log(dear))["cost"]["difference"] == pytest.approx(0.2)
    assert compare(log(cheap), log(dear))["tokens"] is None
    assert compare(log(cheap), log([*dear[:3], made(3)]))["cost"] is None


def test_real_logs():
    figures = compare(log(played("oracle", 25)), log(played("random", 25), agent="random"))
    assert figures["success"]["first"] == 1.0
    assert figures["success"]["second"] == 0.0
    assert figures["mcnemar"]["p"] == pytest.approx(2 / 2**25)
    assert sum(row["count"] for row in figures["by_tool"]) == 25
    assert all(row["difference"] == -1 for row in figures["by_tool"])
    assert figures["refused_calls"]["difference"] > 0
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures
