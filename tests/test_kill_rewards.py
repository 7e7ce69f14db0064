"""Laws of the reward: each term is paid when and only when it is due, and the short way pays what the long way does."""

import itertools

import pytest
from pydantic import ValidationError

from crm_gym.errors import UsageError
from crm_gym.rewards import TERMS, Reward, RewardConfig, config_of, terms
from crm_gym.verify import DONE, Verdict

CONFIG = RewardConfig(success=2, failure=-3, progress=0.5, step=-0.125, refused=-0.25)
START, HALF, MOST = Verdict(False, 0.0), Verdict(False, 0.5), Verdict(False, 0.75)


def test_without_a_word_success_alone_pays():
    assert config_of(None) == RewardConfig(success=1, failure=0, progress=0, step=0, refused=0)
    assert config_of({}) == config_of(None) == RewardConfig()
    assert config_of(CONFIG) is CONFIG
    assert config_of({"step": -1}) == RewardConfig(success=1, step=-1)


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize("over", [False, True])
@pytest.mark.parametrize(
    ("before", "after", "change"),
    [(START, START, 0), (START, HALF, 0.5), (MOST, HALF, -0.25), (START, DONE, 1), (MOST, DONE, 0.25)],
)
def test_each_term_is_paid_when_it_is_due(before, after, change, refused, over):
    paid = {
        "success": 2 if over and after is DONE else 0,
        "failure": -3 if over and after is not DONE else 0,
        "progress": change / 2,
        "step": -0.125,
        "refused": -0.25 if refused else 0,
    }
    assert terms(CONFIG, before, after, refused=refused, over=over) == paid
    assert tuple(paid) == TERMS
    assert Reward(CONFIG).pay(before, after, refused, over) == (paid, sum(paid.values()))


@pytest.mark.parametrize("weight", [0, 0.5, -1])
def test_a_reward_remembered_is_the_one_worked_out(weight):
    config = CONFIG.model_copy(update={"progress": weight})
    reward = Reward(config)
    assert reward.config is config
    verdicts = (START, HALF, MOST, DONE, Verdict(False, 0.5))
    ways = list(itertools.product(verdicts, verdicts, (False, True), (False, True)))
    for before, after, refused, over in [*ways, *ways]:
        plain = terms(config, before, after, refused=refused, over=over)
        paid, total = reward.pay(before, after, refused, over)
        assert repr(paid) == repr(plain)  # 0.0 and -0.0 are told apart
        assert total == sum(plain.values())


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
    reward = Reward(RewardConfig())
    reward.pay(START, START, False, False)
    monkeypatch.setattr("crm_gym.rewards.terms", None)
    assert reward.pay(START, HALF, False, False)[1] == 0


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sucess": 1}, "'sucess': did you mean 'success'"),
        ({"step": "cheap"}, "'step'"),
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
    assert tuple(RewardConfig.model_fields) == TERMS
