"""A batch of environments as stable-baselines3 takes it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvObs, VecEnvStepReturn

from crm_agents.learning.vector import Array, Ended, Vector, masks_of
from crm_gym import UsageError


class GymVecEnv(VecEnv):
    """A gymnasium vector environment as stable-baselines3 wants it, masks included; see `as_sb3_vecenv`."""

    def __init__(self, vector: Vector) -> None:
        _check(vector)
        self.vector = vector
        self.masks: Array | None = None  # before the first reset
        super().__init__(vector.num_envs, vector.single_observation_space, vector.single_action_space)
        self._actions: Array = np.zeros(vector.num_envs, np.int64)
        self._returns, self._lengths = np.zeros(vector.num_envs), np.zeros(vector.num_envs, np.int64)

    def reset(self) -> VecEnvObs:
        """Begin an episode everywhere, with the options of `set_options` if there are any.

        Raises:
            UsageError: If the environments are given different options.
        """
        seeds: Any = [seed for seed in self._seeds if seed is not None]
        options = self._options[0]
        if any(other != options for other in self._options):
            raise UsageError("a batch is reset with one dict of options for all; set_options got different ones")
        given_seeds = seeds if len(seeds) == self.num_envs else None
        observation, infos = self.vector.reset(seed=given_seeds, options=options or None)
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
        """The batch's attribute, once for each environment; of a tuple with one for each, each its own."""
        places = self._get_indices(indices)
        if attr_name == "action_masks":
            return [partial(self._mask, place) for place in places]
        value = getattr(self.vector, attr_name, None) if attr_name == "render_mode" else getattr(self.vector, attr_name)
        if isinstance(value, tuple) and len(value) == self.num_envs:
            return [value[place] for place in places]
        return [value for _ in places]

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Set an attribute of the batch.

        Raises:
            UsageError: If it is meant for some of the environments only.
        """
        if len(set(self._get_indices(indices))) < self.num_envs:
            raise UsageError(f"attribute {attr_name!r} is the whole batch's; it cannot be set for some environments")
        setattr(self.vector, attr_name, value)

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Call a method of the environments; there is one: action_masks.

        Raises:
            ResetNeeded: Before the first reset.
        """
        if method_name != "action_masks":
            raise AttributeError(f"a batch has one method for each environment, action_masks; not {method_name!r}")
        return [self._mask(place) for place in self._get_indices(indices)]

    def _mask(self, place: int) -> Array:
        if self.masks is None:
            raise ResetNeeded("no episode has begun, so there are no masks yet; call reset() first")
        mask: Array = self.masks[place]
        return mask

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

    Raises:
        UsageError: If it is no batch, one of texts, or in another mode.
    """
    return GymVecEnv(vector)


def _check(vector: object) -> None:
    """Refuse what stable-baselines3 could make nothing of."""
    if not isinstance(vector, VectorEnv):
        name = type(vector).__name__
        raise UsageError(f"as_sb3_vecenv takes a batch, such as gym.make_vec('CrmEnvForm-v0', ...) gives; got {name}")
    spaces = (vector.single_observation_space, vector.single_action_space)
    if any(isinstance(part, gym.spaces.Text) for space in spaces for part in _parts(space)):
        raise UsageError("stable-baselines3 reads no texts; give a batch of the form door, such as 'CrmEnvForm-v0'")
    if vector.metadata.get("autoreset_mode") != AutoresetMode.SAME_STEP:
        raise UsageError("as_sb3_vecenv needs a batch with autoreset_mode=AutoresetMode.SAME_STEP")


def _parts(space: gym.Space[Any]) -> Iterator[gym.Space[Any]]:
    """A space, or the parts of a dict of spaces."""
    if isinstance(space, gym.spaces.Dict):
        yield from space.values()
    else:
        yield space
