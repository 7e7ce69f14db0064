"""Generated tasks on PostgreSQL: the same observations, rewards, infos and hashes as in memory, users included."""

import gymnasium as gym
import numpy as np
import pytest

import crm_gym
from crm_gym.baselines import EchoAgent, OracleAgent
from crm_gym.tasks.family import KINDS
from crm_gym.tasks.generator import Generator

PER_KIND = 6


@pytest.fixture(scope="module")
def envs(pg_server):
    pair = [
        gym.make("CrmEnv-v0", backend=backend, suite="generated", disable_env_checker=True)
        for backend in ("memory:", pg_server.dsn)
    ]
    yield pair
    for env in pair:
        env.close()


def same(mine, theirs):
    if isinstance(mine, dict):
        return mine.keys() == theirs.keys() and all(same(value, theirs[name]) for name, value in mine.items())
    return np.array_equal(mine, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_the_way_to_the_end_is_the_same(envs, kind):
    for number in range(PER_KIND):
        task = Generator("test", families=[kind]).task(number)
        starts = [env.reset(seed=number, options={"task": task}) for env in envs]
        assert all(map(same, *starts))
        oracle = OracleAgent(envs[0], demonstrate=True)
        observation, over = starts[0][0], False
        while not over:
            action, _ = oracle.predict(observation)
            mine, theirs = (env.step(action) for env in envs)
            assert same(mine[0], theirs[0])
            assert mine[1:4] == theirs[1:4]
            assert same(mine[4], theirs[4])
            observation, over = mine[0], mine[2]
        assert mine[4]["is_success"]
        assert len({env.unwrapped.crm.state_hash() for env in envs}) == 1


def test_agents_that_guess_do_alike(envs):
    for seed in range(12):
        played = [crm_gym.rollout(env, EchoAgent(seed), seed=seed) for env in envs]
        assert played[0] == played[1]
