"""Laws of the reward: each term is paid when and only when it is due, and the short way pays what the long way does."""

import itertools

import pytest
from pydantic import ValidationError

from crm_gym.errors import UsageError
from crm_gym.rewards import TERMS, Reward, RewardConfig, config_of, form_terms, terms
from crm_gym.verify import DONE, Verdict

CONFIG = RewardConfig(
    success=2, failure=-3, progress=0.5, collateral=0.0625, filled=4, step=-0.125, refused=-0.25, form=-0.03125
)
START, HALF, MOST = Verdict(False, 0.0), Verdict(False, 0.5), Verdict(False, 0.75, excess=3)
FADING = CONFIG.model_copy(update={"discount": 0.5, "kept": 0.25})


def test_without_a_word_success_alone_pays():
    nothing = dict.fromkeys(TERMS, 0) | {"success": 1}
    assert config_of(None) == RewardConfig(**nothing, discount=1, kept=1)
    assert config_of({}) == config_of(None) == RewardConfig()
    assert config_of(CONFIG) is CONFIG
    assert config_of({"step": -1}) == RewardConfig(success=1, step=-1)


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize("filled", [0, 0.5])
@pytest.mark.parametrize(
    ("before", "after", "change", "more"),
    [
        (START, START, 0, 0),
        (START, HALF, 0.5, 0),
        (HALF, MOST, 0.25, 3),
        (MOST, HALF, -0.25, -3),
        (START, DONE, 1, 0),
        (MOST, DONE, 0.25, -3),
    ],
)
def test_each_term_is_paid_when_it_is_due(before, after, change, more, filled, refused, over):
    paid = {
        "success": 2 if over and after is DONE else 0,
        "failure": -3 if over and after is not DONE else 0,
        "progress": change / 2,
        "collateral": -more / 16,
        "filled": -4 * filled,
        "step": -0.125,
        "refused": -0.25 if refused else 0,
        "form": 0,
    }
    assert terms(CONFIG, before, after, refused=refused, over=over, filled=filled) == paid
    assert tuple(paid) == TERMS
    assert Reward(CONFIG).pay(before, after, refused, over, filled) == (paid, sum(paid.values()))


@pytest.mark.parametrize(
    ("over", "progress", "collateral"),
    [
        (False, 0.5 * (0.5 * 0.75 - 0.5), -0.0625 * (0.5 * 3)),
        (True, 0.5 * (0.125 * 0.75 - 0.5), -0.0625 * (0.125 * 3)),
    ],
)
def test_what_comes_after_is_discounted_and_an_end_keeps_its_share(over, progress, collateral):
    paid = terms(FADING, HALF, MOST, refused=False, over=over, filled=0.25)
    assert (paid["progress"], paid["collateral"], paid["filled"]) == (progress, collateral, -1)


def test_a_potential_that_stands_still_fades():
    paid, total = Reward(FADING).pay(MOST, MOST, False, False)
    assert (paid["progress"], paid["collateral"]) == (-0.5 * 0.375, 0.0625 * 1.5)
    assert total == sum(paid.values()) == -0.125 - 0.1875 + 0.09375


@pytest.mark.parametrize("weight", [0, 0.5, -1])
@pytest.mark.parametrize("shape", ["progress", "collateral", "filled"])
@pytest.mark.parametrize("rest", [{}, {"discount": 0.5}, {"kept": 0}, {"discount": 0.5, "kept": 0.5}])
def test_a_reward_remembered_is_the_one_worked_out(weight, shape, rest):
    config = RewardConfig(success=2, failure=-3, step=-0.125, refused=-0.25, **{shape: weight}, **rest)
    reward = Reward(config)
    assert reward.config is config
    verdicts = (START, HALF, MOST, DONE, Verdict(False, 0.5))
    ways = list(itertools.product(verdicts, verdicts, (False, True), (False, True), (0.0, 0.5)))
    for before, after, refused, over, filled in [*ways, *ways]:
        plain = terms(config, before, after, refused=refused, over=over, filled=filled)
        paid, total = reward.pay(before, after, refused, over, filled)
        assert repr(paid) == repr(plain)  # 0.0 and -0.0 are told apart
        assert total == sum(plain.values())


def test_a_step_of_a_form_costs_and_pays_for_what_was_filled():
    nothing = dict.fromkeys(TERMS, 0)
    for verdict in (START, MOST):
        for before, after in ((0.25, 0.75), (0.75, 0.25), (0.5, 0.5)):
            due = nothing | {"filled": 4 * (after - before), "form": -0.03125}
            assert form_terms(CONFIG, verdict.progress, verdict.excess, before, after) == due
            assert tuple(due) == TERMS
            assert Reward(CONFIG).fill(verdict, before, after) == (due, sum(due.values()))
    due = nothing | {"progress": -0.1875, "collateral": 0.09375, "filled": 4 * (0.25 - 0.25), "form": -0.03125}
    assert form_terms(FADING, 0.75, 3, 0.25, 0.5) == due
    assert Reward(FADING).fill(MOST, 0.25, 0.5) == (due, sum(due.values()))
    due = nothing | {"progress": -0.1875, "collateral": 0.09375, "filled": 4 * (0.25 - 0.5), "form": -0.03125}
    assert Reward(FADING).fill(MOST, 0.5, 0.5) == (due, sum(due.values()))


def test_a_form_that_stands_still_is_not_worked_out(monkeypatch):
    reward, unshaped = Reward(CONFIG), Reward(RewardConfig(form=-1, discount=0.5))
    monkeypatch.setattr("crm_gym.rewards.form_terms", None)
    first, total = reward.fill(MOST, 0.5, 0.5)
    assert (first["form"], total) == (-0.03125, -0.03125)
    first.clear()
    assert reward.fill(MOST, 0.5, 0.5)[0]["form"] == -0.03125
    with pytest.raises(TypeError):
        reward.fill(MOST, 0.25, 0.5)
    assert unshaped.fill(MOST, 0.25, 0.5) == (dict.fromkeys(TERMS, 0.0) | {"form": -1}, -1)


def test_terms_handed_out_are_the_callers_own():
    reward = Reward(CONFIG)
    first, _ = reward.pay(START, START, False, False)
    first["step"] = 99
    second, total = reward.pay(START, START, False, False)
    assert (second["step"], total) == (-0.125, -0.125)
    second.clear()
    assert reward.pay(START, START, False, False)[0]["step"] == -0.125


def test_what_was_worked_out_is_not_worked_out_again(monkeypatch):
    reward = Reward(CONFIG)
    reward.pay(START, START, False, False)
    monkeypatch.setattr("crm_gym.rewards.terms", None)
    assert reward.pay(START, START, False, False)[1] == -0.125


def test_a_progress_without_weight_is_not_worked_out(monkeypatch):
    reward = Reward(RewardConfig(discount=0.5))
    reward.pay(START, START, False, False)
    reward.pay(START, START, False, True)
    monkeypatch.setattr("crm_gym.rewards.terms", None)
    assert reward.pay(START, HALF, False, False, 0.5)[1] == 0
    assert reward.pay(HALF, START, False, True)[1] == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sucess": 1}, "'sucess': did you mean 'success'"),
        ({"step": "cheap"}, "'step': Input should be a valid number"),
        ({"discount": 1.25}, "'discount': Input should be less than or equal to 1"),
        ({"discount": -0.25}, "'discount': Input should be greater than or equal to 0"),
        ({"kept": 1.25}, "'kept': Input should be less than or equal to 1"),
        ({"kept": -0.25}, "'kept': Input should be greater than or equal to 0"),
        ({"keep": 1}, "'keep': did you mean 'kept'"),
        ({"step": float("nan")}, "'step'"),
        ({"failure": float("inf")}, "'failure'"),
        ({"step": True}, "'step'"),
        ({"step": "1", "sucess": 1}, "; 'sucess'"),
        (3, "mapping"),
        ([("step", 1)], "mapping"),
    ],
)
def test_a_wrong_reward_is_told_what_would_be_right(given, words):
    with pytest.raises(UsageError, match="reward must map terms to numbers; ") as caught:
        config_of(given)
    assert words in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_config_cannot_be_changed():
    with pytest.raises(ValidationError):
        CONFIG.step = 1.0
    assert tuple(RewardConfig.model_fields) == (*TERMS, "discount", "kept")
