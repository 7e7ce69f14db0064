"""A batch of environments as stable-baselines3 takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from crm_agents.learning.vector import Array, Ended, Vector, masks_of


class GymVecEnv(VecEnv):
    """A gymnasium vector environment as stable-baselines3 wants it, masks included; see `as_sb3_vecenv`."""

    def __init__(self, vector: Vector) -> None:
        if vector.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
            raise ValueError("as_sb3_vecenv needs a batch with autoreset_mode=AutoresetMode.SAME_STEP")
        self.vector = vector
        self.masks: Array = np.zeros((0,), np.bool_)
        super().__init__(vector.num_envs, vector.single_observation_space, vector.single_action_space)
        self._actions: Array = np.zeros(vector.num_envs, np.int64)
        self._returns, self._lengths = np.zeros(vector.num_envs), np.zeros(vector.num_envs, np.int64)

    def reset(self) -> VecEnvObs:
        """Begin an episode everywhere."""
        seeds: Any = [seed for seed in self._seeds if seed is not None]
        observation, infos = self.vector.reset(seed=seeds if len(seeds) == self.num_envs else None)
        self.masks = masks_of(infos)
        self._returns[:], self._lengths[:] = 0, 0
        self._reset_seeds()
        self._reset_options()
        given: VecEnvObs = observation
        return given

    def step_async(self, actions: Array) -> None:
        """Say what to do next."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Do it. Infos hold only what is read: at an episode's end its last observation, outcome and length."""
        observation, rewards, terminated, truncated, infos = self.vector.step(self._actions)
        self.masks = masks_of(infos)
        self._returns += rewards
        self._lengths += 1
        over = terminated | truncated
        given: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        if over.any():
            ended = Ended(infos, over)
            for place in ended.places:
                given[place] = {
                    "is_success": ended.success(place),
                    "terminal_observation": ended.observation(place),
                    "TimeLimit.truncated": bool(truncated[place] and not terminated[place]),
                    "episode": {"r": float(self._returns[place]), "l": int(self._lengths[place]), "t": 0.0},
                }
            self._returns[over], self._lengths[over] = 0, 0
        return observation, rewards.astype(np.float32), over, given

    def close(self) -> None:
        """Close the batch."""
        self.vector.close()

    def has_attr(self, attr_name: str) -> bool:
        """Whether the environments have an attribute: masks they have."""
        return attr_name in ("action_masks", "render_mode") or hasattr(self.vector, attr_name)

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """The batch's attribute, once for each environment."""
        value = getattr(self.vector, attr_name, None) if attr_name == "render_mode" else getattr(self.vector, attr_name)
        return [value for _ in self._get_indices(indices)]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the batch."""
        setattr(self.vector, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the environments; there is one: action_masks."""
        if method_name != "action_masks":
            raise AttributeError(f"a batch has one method for each environment, action_masks; not {method_name!r}")
        return [self.masks[place] for place in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: type[gym.Wrapper[Any, Any, Any, Any]], indices: Any = None) -> list[bool]:
        """Whether they are wrapped: not by what stable-baselines3 asks for, except that returns are counted."""
        return [wrapper_class.__name__ == "Monitor" for _ in self._get_indices(indices)]

    def get_images(self) -> Sequence[Array | None]:
        """No pictures."""
        return [None] * self.num_envs


def as_sb3_vecenv(vector: Vector) -> GymVecEnv:
    """A gymnasium vector environment as a `VecEnv` of stable-baselines3.

    `env_method("action_masks")` gives the masks, as sb3-contrib asks for them. `terminal_observation` and
    "TimeLimit.truncated" stand in the infos of the step that ends an episode.

    Args:
        vector: A batch in SAME_STEP mode whose infos hold "action_mask".
    """
    return GymVecEnv(vector)
