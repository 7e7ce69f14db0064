"""The usual first calls of Stable-Baselines3, which asks for a render mode that the environments do not have."""

import warnings

import pytest

from crm_gym.registration import SLOTS_ID

pytest.importorskip("stable_baselines3", reason="the extra sb3 is not installed")

from stable_baselines3 import PPO
from stable_baselines3.common.env_util import make_vec_env

TINY = "CrmEnvForm-Tiny-v0"


@pytest.fixture(autouse=True)
def _asked_for_rgb_array():
    """Gymnasium warns of the mode that Stable-Baselines3 tries first."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*render_mode='rgb_array' that is not in the possible render_modes")
        yield


def test_a_policy_learns_from_an_id():
    model = PPO("MultiInputPolicy", TINY, n_steps=4, batch_size=4, n_epochs=1, device="cpu", seed=0)
    model.learn(4)
    assert model.num_timesteps == 4


@pytest.mark.parametrize("env_id", [TINY, SLOTS_ID])
def test_a_batch_is_made_from_an_id(env_id):
    envs = make_vec_env(env_id, 2, seed=0)
    observation = envs.reset()
    assert envs.num_envs == 2
    assert {len(part) for part in observation.values()} == {2}
    assert not envs.step([envs.action_space.sample() for _ in range(2)])[1].any()
    envs.close()
