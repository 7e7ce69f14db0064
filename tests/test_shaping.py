"""Shaping: what it pays adds up to what came of it, loops earn nothing, and each door pays it."""

import itertools
import random

import gymnasium as gym
import numpy as np
import pytest
from solved import NEAR
from test_env import make, own_task, solution

from crm_gym import CrmEnv, RewardConfig, UsageError
from crm_gym.baselines import OracleAgent
from crm_gym.rewards import TERMS, Reward, config_of, form_terms
from crm_gym.verify import DONE, Verdict

STRAY = {"tool": "create_new_client", "arguments": {"name": "Stray", "email": "stray@s.example", "status": "Active"}}


def summed(infos, term):
    return sum(info["reward_terms"][term] for info in infos)


# Sums


def meddle(env, rng):
    """A call that changes something, mostly for the worse, or undoes what was done."""
    made = [change.id for change in env.crm.journal.net.values() if change.table == "Quote" and change.before is None]
    clients = [row[0] for row in itertools.islice(env.crm.find("Client"), 5)]
    kind = rng.random()
    if kind < 0.3 and made:
        return {"tool": "delete_quote", "arguments": {"quote_id": rng.choice(made)}}
    if kind < 0.5 or not clients:
        return STRAY
    phone = rng.choice(("+49 1", "+49 2", None))
    return {"tool": "modify_client", "arguments": {"id": rng.choice(clients), "updates": {"phone": phone}}}


def episodes(env, count, seed=0):
    """Infos of episodes in which the solution's calls stand among others."""
    agent, rng = OracleAgent(env), random.Random(seed)
    for episode in range(count):
        observation, info = env.reset(seed=seed + episode)
        infos, over = [info], False
        while not over:
            action = meddle(env.unwrapped, rng) if rng.random() < 0.4 else agent.predict(observation)[0]
            observation, reward, terminated, truncated, info = env.step(action)
            infos.append(info)
            assert reward == pytest.approx(sum(info["reward_terms"].values()), abs=NEAR)
            assert tuple(info["reward_terms"]) == TERMS
            over = terminated or truncated
        yield infos, terminated


@pytest.mark.parametrize("discount", [1, 0.9])
@pytest.mark.parametrize("kept", [1, 0])
@pytest.mark.parametrize("env_id", ["CrmEnv-v0", "CrmEnv-Train-v0", "CrmEnv-Workflow-v0"])
def test_shaping_telescopes(env_id, kept, discount):
    """Discounted, its sum over an episode is what the end keeps; what a step pays follows from two verdicts."""
    weights = {"progress": 0.7, "collateral": 0.3, "discount": discount, "kept": kept, "step": -0.01}
    env = gym.make(env_id, ends_on="finish", reward=weights)
    moved = 0
    for infos, ended in episodes(env, 12):
        verdicts = [info["verdict"] for info in infos]
        share = kept if ended else 1
        fade = discount ** (len(infos) - 1)
        for term, weight, name in (("progress", 0.7, "progress"), ("collateral", -0.3, "unexpected")):
            paid = [info["reward_terms"][term] for info in infos]
            assert paid[0] == 0
            for at in range(1, len(infos)):
                after = verdicts[at][name] * (share if at == len(infos) - 1 else 1)
                assert paid[at] == pytest.approx(weight * (discount * after - verdicts[at - 1][name]), abs=NEAR)
            total = sum(discount ** (at - 1) * paid[at] for at in range(1, len(infos)))
            assert abs(total - fade * weight * share * verdicts[-1][name]) <= NEAR
            moved += any(paid)
    assert moved > 5


def looped(actions_of, kept=1, discount=1):
    """Infos of a loop gone round several times."""
    env = make(
        ends_on="finish", reward={"progress": 0.7, "collateral": 0.3, "filled": 1, "kept": kept, "discount": discount}
    )
    task = own_task(records=[{"table": "Client", "key": "k", "name": "K", "email": "k@k.example", "status": "Active"}])
    parts = {
        "solution": [{"tool": "modify_client", "arguments": {"id": "@k", "updates": {"status": "Inactive"}}}],
        "changes": [{"update": "@k", "fields": {"status": "Inactive"}}],
    }
    env.reset(seed=0, options={"task": task | parts})
    infos = []
    for _ in range(4):
        for action in actions_of(env):
            *_, info = env.step(action)
            assert info["error"]["code"] == ""
            infos.append(info)
    assert env.crm.journal.net == {}
    return infos


def status(env, value):
    (client,) = env.crm.find("Client")
    return {"tool": "modify_client", "arguments": {"id": client[0], "updates": {"status": value}}}


def create_and_delete(env):
    (client,) = env.crm.find("Client")
    fields = {"name": "X", "client_id": client[0], "amount": 5, "stage": "Prospecting"}
    yield {"tool": "create_new_opportunity", "arguments": fields}
    yield {"tool": "delete_opportunity", "arguments": {"opportunity_id": env.crm.journal.changes[-1].id}}


def wrong_and_back(env):
    yield status(env, "Prospect")
    yield status(env, "Active")


def right_and_back(env):
    yield status(env, "Inactive")
    yield status(env, "Active")


def the_long_way_round(env):
    yield from (status(env, "Inactive"), status(env, "Prospect"))
    yield from create_and_delete(env)
    yield status(env, "Active")


@pytest.mark.parametrize("loop", [create_and_delete, wrong_and_back, right_and_back, the_long_way_round])
@pytest.mark.parametrize("kept", [0, 1])
def test_loops_earn_nothing(loop, kept):
    infos = looped(loop, kept)
    for term in ("progress", "collateral"):
        assert abs(summed(infos, term)) <= NEAR
    assert any(info["reward_terms"]["progress"] or info["reward_terms"]["collateral"] for info in infos)


def test_under_a_discount_a_loop_earns_nothing_in_discounted_sum():
    infos = looped(the_long_way_round, discount=0.9)
    for term in ("progress", "collateral"):
        assert abs(sum(0.9**at * info["reward_terms"][term] for at, info in enumerate(infos))) <= NEAR


# Doors


def test_arrays_are_paid_as_one_by_one():
    rng = np.random.default_rng(3)
    for discount, weight in ((1, 0.5), (0.9, 0.5), (1, 0)):
        config = RewardConfig(
            progress=weight, collateral=weight, filled=2 * weight, form=-0.01, step=9, discount=discount
        )
        progress, excess = rng.random(20), rng.integers(0, 5, 20)
        before, after = rng.random(20), rng.random(20)
        made = form_terms(config, progress, excess, before, after)
        total = np.broadcast_to(sum(made.values()), 20)
        for lane in range(20):
            verdict = Verdict(False, float(progress[lane]), excess=int(excess[lane]))
            paid, alone = Reward(config).fill(verdict, float(before[lane]), float(after[lane]))
            assert alone == total[lane] == sum(paid.values())
            assert {name: np.broadcast_to(value, 20)[lane] for name, value in made.items()} == paid


def test_every_term_reaches_the_info_of_an_environment_that_was_made():
    weights = {
        "success": 2,
        "failure": -3,
        "progress": 0.5,
        "collateral": 0.25,
        "filled": 7,
        "step": -0.125,
        "refused": -0.5,
        "form": -9,
        "discount": 0.5,
        "kept": 0.5,
    }
    env = gym.make("CrmEnv-v0", ends_on="finish", reward=weights)
    assert env.unwrapped.reward_config == RewardConfig(**weights)
    _, info = env.reset(seed=0, options={"task": own_task()})
    assert info["reward_terms"] == dict.fromkeys(TERMS, 0.0)
    nothing = dict.fromkeys(TERMS, 0.0)
    for action, due in (
        ("{", {"step": -0.125, "refused": -0.5}),
        (STRAY, {"step": -0.125, "collateral": -0.125}),  # 0.25 * (0 - 0.5 * 1)
        (solution(env.unwrapped)[0], {"step": -0.125, "progress": 0.125, "collateral": 0.125}),  # half of all is met
        (
            {"tool": "finish"},
            {"step": -0.125, "failure": -3, "progress": -0.1875, "collateral": 0.1875},
        ),
    ):
        _, reward, _, _, info = env.step(action)
        assert info["reward_terms"] == nothing | due
        assert reward == sum(due.values())


def test_by_default_shaping_pays_nothing_and_costs_nothing():
    reward = Reward(config_of(None))
    paid, total = reward.pay(Verdict(False, 0.5, excess=3), DONE, False, True, 1.0)
    assert (paid, total) == (dict.fromkeys(TERMS, 0.0) | {"success": 1.0}, 1.0)
    assert reward.fill(Verdict(False, 0.5, excess=3), 0.25, 0.5) == (dict.fromkeys(TERMS, 0.0), 0.0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"colateral": 1}, "'colateral': did you mean 'collateral'?"),
        ({"fill": 1}, "'fill': did you mean 'filled'?"),
        ({"forms": 1}, "'forms': did you mean 'form'?"),
        ({"gamma": 0.9}, "'gamma': known are success, failure, progress, collateral, filled, step, refused, form, "),
        ({"discount": 1.5}, "'discount': Input should be less than or equal to 1"),
        ({"discount": -0.5}, "'discount': Input should be greater than or equal to 0"),
        ({"kept": 2}, "'kept': Input should be less than or equal to 1"),
    ],
)
def test_a_wrong_name_or_number_is_told(given, words):
    for door in (lambda: CrmEnv(reward=given), lambda: gym.make("CrmEnv-v0", reward=given)):
        with pytest.raises(UsageError) as caught:
            door()
        assert words in str(caught.value)
