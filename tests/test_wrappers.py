"""The curriculum follows the agent: up with success, down with failure, the same whenever it is played again."""

import gymnasium as gym
import pytest

import crm_gym
from crm_gym import UsageError
from crm_gym.baselines import NullAgent, OracleAgent
from crm_gym.form.oracle import FormOracle
from crm_gym.wrappers import Curriculum


def make(**keywords):
    return Curriculum(gym.make("CrmEnv-v0", suite="generated", disable_env_checker=True), **keywords)


def play(env, agent, count):
    found = []
    for number in range(count):
        crm_gym.rollout(env, agent, seed=5 if number == 0 else None)
        found.append((env.unwrapped.task.id, env.level, env.played))
    return found


def test_success_leads_up_and_failure_down_again():
    env = make(window=3, review=0.0)
    ups = [level for _, level, _ in play(env, OracleAgent(env), 16)]
    assert ups == sorted(ups)
    assert (ups[0], ups[-1]) == (1, 5)
    downs = [level for _, level, _ in play(env, NullAgent(), 20)]
    assert downs == sorted(downs, reverse=True)
    assert downs[-1] == 1


def test_episodes_are_of_the_level_that_is_due():
    env = make(window=2, review=0.0)
    agent = OracleAgent(env)
    for number in range(9):
        _, info = env.reset(seed=1 if number == 0 else None)
        assert env.unwrapped.task.difficulty == info["curriculum"]["played"] == info["curriculum"]["level"]
        crm_gym.rollout(env, agent)


def test_lower_levels_are_reviewed():
    env = make(window=50, review=0.5, start=4)
    played = [level for _, _, level in play(env, NullAgent(), 40)]
    assert set(played) > {4}
    assert max(played) == 4


def test_the_same_seeds_and_outcomes_give_the_same_episodes():
    runs = []
    for _ in range(2):
        env = make(window=3)
        runs.append(play(env, OracleAgent(env), 20))
    assert runs[0] == runs[1]


def test_the_state_is_in_every_info():
    env = make(window=4)
    _, info = env.reset(seed=2)
    assert info["curriculum"] == {"level": 1, "played": 1, "rate": 0.0, "counted": 0}
    info = env.step({"tool": "finish"})[4]
    assert info["curriculum"] == {"level": 1, "played": 1, "rate": 0.0, "counted": 1}


def test_options_of_ones_own_go_before():
    env = make(window=1)
    env.reset(seed=0, options={"level": 3})
    assert (env.level, env.played) == (1, 3)
    env.step({"tool": "finish"})
    assert env.reset()[1]["curriculum"]["counted"] == 0


def test_it_is_rebuilt_from_its_spec():
    env = make(window=7, start=2)
    again = gym.make(env.spec)
    while not isinstance(again, Curriculum):
        again = again.env
    assert (again.window, again.level) == (7, 2)


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"window": 0}, "window"),
        ({"start": 6}, "1 to 5"),
        ({"raise_at": 0.2, "lower_at": 0.5}, "below raise_at"),
        ({"review": 1.0}, "review"),
        ({"raise_at": "high"}, "numbers"),
    ],
)
def test_numbers_out_of_bounds_are_refused(keywords, words):
    with pytest.raises(UsageError, match=words):
        make(**keywords)


def test_other_suites_have_no_levels_to_follow():
    with pytest.raises(UsageError, match="generated"):
        Curriculum(gym.make("CrmEnv-v0"))
    with pytest.raises(UsageError, match="level=None"):
        Curriculum(gym.make("CrmEnv-v0", suite="generated", level=2))


def test_levels_that_families_do_not_come_in_are_passed_over():
    base = gym.make("CrmEnv-v0", suite="generated", families=["add_note"], disable_env_checker=True)
    env = Curriculum(base, window=1, review=0.0)
    levels = [level for _, level, _ in play(env, OracleAgent(env), 6)]
    assert levels[0] == 1
    assert set(levels) <= {1, 2, 3}
    upper = Curriculum(base, window=1, review=0.0, start=5)
    assert play(upper, NullAgent(), 3)[0][1] < 5


def test_an_episode_counts_once_and_only_if_it_was_due():
    env = Curriculum(gym.make("CrmEnv-v0", suite="generated", max_episode_steps=2, disable_env_checker=True), window=9)
    env.reset(seed=0)
    for _ in range(4):
        info = env.step({"tool": "quote_prefixes"})[4]
    assert info["curriculum"]["counted"] == 1
    task_id = info["task_id"]
    env.reset(options={"task_id": task_id})
    for _ in range(2):
        info = env.step({"tool": "quote_prefixes"})[4]
    assert info["curriculum"]["counted"] == 1


def test_the_form_door_is_led_through_the_same_tasks():
    """As long as it succeeds, the episodes are those of the text door."""
    text, form = make(window=3), Curriculum(gym.make("CrmEnvForm-Train-v0", disable_env_checker=True), window=3)
    through_text = play(text, OracleAgent(text, demonstrate=True), 12)
    assert play(form, FormOracle(form), 12) == through_text
    assert through_text[-1][1] > 2
