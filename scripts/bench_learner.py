"""What learning costs on our batch beside learning on environments that cost nothing; needs the extra sb3."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from crm_agents.learning.vecenv import as_sb3_vecenv
from sb3_contrib import MaskablePPO
from stable_baselines3.common.vec_env import VecEnv

CASES = (("golden", "CrmEnvForm-v0"), ("fresh_tasks", "CrmEnvForm-Train-v0"))
"""Name and environment: tasks that are there already, and a task of its own for every episode."""

_LENGTH = 20  # steps of an episode that costs nothing


class Free(VecEnv):
    """Environments with the same spaces that give the same arrays again and again.

    Args:
        like: Whose spaces, first observation and masks they have.
    """

    def __init__(self, like: VecEnv) -> None:
        self.shown: Any = like.reset()
        self.masks = np.stack(like.env_method("action_masks"))
        super().__init__(like.num_envs, like.observation_space, like.action_space)
        self.steps = 0

    def reset(self) -> Any:
        """Begin."""
        return {name: array.copy() for name, array in self.shown.items()}

    def step_async(self, actions: Any) -> None:
        """Take no notice."""

    def step_wait(self) -> Any:
        """Count, and end all episodes at once from time to time."""
        self.steps += 1
        over = np.full(self.num_envs, self.steps % _LENGTH == 0)
        infos = [{"terminal_observation": {}} if over[0] else {} for _ in range(self.num_envs)]
        return self.reset(), np.zeros(self.num_envs, np.float32), over, infos

    def close(self) -> None:
        """Nothing to do."""

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **keywords: Any) -> list[Any]:
        """The masks."""
        return list(self.masks)

    def has_attr(self, attr_name: str) -> bool:
        """Masks are all there is."""
        return attr_name == "action_masks"

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """Nothing but a render mode, which is none."""
        return [None] * self.num_envs

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Nothing to set."""

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """Nothing is wrapped."""
        return [False] * self.num_envs

    def seed(self, seed: int | None = None) -> Sequence[int | None]:
        """Nothing is drawn."""
        return [None] * self.num_envs


def measure(size: int = 64, steps: int = 64, rounds: int = 5) -> dict[str, Any]:
    """Steps a second of MaskablePPO on ours and on free environments, taking turns.

    Args:
        size: Number of environments.
        steps: Steps of each between updates.
        rounds: How often they take turns, one rollout and update each.
    """
    torch.set_num_threads(1)
    return {"environments": size, **{name: _beside(env_id, size, steps, rounds) for name, env_id in CASES}}


def _beside(env_id: str, size: int, steps: int, rounds: int) -> dict[str, float]:
    ours = as_sb3_vecenv(gym.make_vec(env_id, num_envs=size, autoreset_mode="SameStep", max_episode_steps=60))
    learners = [_learner(ours, steps), _learner(Free(ours), steps)]
    taken: list[list[float]] = [[], []]
    for turn in range(rounds + 1):
        for learner, times in zip(learners, taken, strict=True):
            began = time.perf_counter()
            learner.learn(size * steps, reset_num_timesteps=False)
            if turn:  # the first is for warming up
                times.append(time.perf_counter() - began)
    ours.close()
    mine, free = (size * steps / statistics.median(times) for times in taken)
    return {"steps_per_s": mine, "free_steps_per_s": free, "ratio": mine / free}


def _learner(envs: VecEnv, steps: int) -> MaskablePPO:
    # All else is the library's default: ten epochs, two layers of 64.
    return MaskablePPO("MultiInputPolicy", envs, n_steps=steps, batch_size=512, device="cpu", seed=0)
