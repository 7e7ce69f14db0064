"""Batches of environments as learners take them."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv

from crm_agents.learning.config import EnvConfig
from crm_agents.learning.door import registered
from crm_gym import UsageError
from crm_gym.wrappers import Curriculum

Array = np.ndarray[Any, Any]
Vector = VectorEnv[Any, Any, Any]


class Unmasked(gym.Wrapper[Any, Any, Any, Any]):
    """For policies that do not see the masks: an action that is masked out changes nothing and costs a step.

    Args:
        env: An environment with `action_masks()`.
        patience: So many such actions in a row end the episode; None for the environment's limit of steps.
    """

    def __init__(self, env: gym.Env[Any, Any], patience: int | None = None) -> None:
        super().__init__(env)
        self._masks = env.get_wrapper_attr("action_masks")
        limit = env.spec.max_episode_steps if env.spec is not None else None
        self._limit, self._patience = limit or 1_000, patience or limit or 1_000
        self._steps = self._idle = 0
        self._last: Any = None
        self._info: dict[str, Any] = {}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        self._steps = self._idle = 0
        self._last, self._info = self.env.reset(seed=seed, options=options)
        return self._copy(), dict(self._info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take the action if it is allowed."""
        self._steps += 1
        if self._masks()[int(action)]:
            self._idle = 0
            self._last, reward, terminated, truncated, self._info = self.env.step(action)
        else:
            self._idle += 1
            reward, terminated, truncated = 0.0, False, self._idle >= self._patience
        return self._copy(), reward, terminated, truncated or self._steps >= self._limit, dict(self._info)

    def _copy(self) -> Any:
        return {name: array.copy() for name, array in self._last.items()}


def make_vector(config: EnvConfig, *, masks: bool = True) -> Vector:
    """The environments of a config as one; an episode's end and the next one's beginning are one step.

    They are a batch of their own kind where there is one, else one after the other.
    """
    name = registered(config.id)
    spec = gym.spec(name)
    wrappers = [*([Curriculum] if config.curriculum else []), *([] if masks else [Unmasked])]
    if spec.vector_entry_point is not None and not wrappers:
        return gym.make_vec(
            name,
            num_envs=config.count,
            vectorization_mode="vector_entry_point",
            autoreset_mode=AutoresetMode.SAME_STEP.value,
            **config.keywords,
        )
    return gym.make_vec(
        name,
        num_envs=config.count,
        vectorization_mode="sync",
        vector_kwargs={"autoreset_mode": AutoresetMode.SAME_STEP},
        wrappers=wrappers,
        disable_env_checker=True,
        **config.keywords,
    )


class Ended:
    """The episodes that ended in a step of a batch.

    Args:
        infos: The infos of the step.
        over: Which environments ended an episode.
    """

    def __init__(self, infos: dict[str, Any], over: Array) -> None:
        self.places: list[int] = np.flatnonzero(over).tolist()
        self._last = infos.get("final_obs")
        final = infos.get("final_info", {})
        self._successes = final.get("is_success") if isinstance(final, dict) else None
        self._finals = final

    def observation(self, place: int) -> dict[str, Array]:
        """The last observation of the environment's episode."""
        last = self._last
        if isinstance(last, dict):
            return {name: array[place] for name, array in last.items()}
        assert last is not None, "the batch must begin episodes in the same step"
        return dict(last[place])

    def success(self, place: int) -> bool:
        """Whether the episode ended in success."""
        if self._successes is not None:
            return bool(self._successes[place])
        return bool(self._finals[place]["is_success"]) if len(self._finals) else False


def masks_of(infos: dict[str, Any]) -> Array:
    """The masks of a batch, bool (environments, actions).

    Raises:
        UsageError: If its infos hold none.
    """
    if "action_mask" not in infos:
        raise UsageError("the infos of the batch hold no 'action_mask'; those of the form door's environments do")
    masks: Array = np.asarray(infos["action_mask"]).astype(np.bool_)
    return masks
