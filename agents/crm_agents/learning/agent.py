"""A saved policy as an agent of the harness, at the form door."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

from crm_agents.learning.door import Door, check_door, door_of
from crm_agents.learning.evaluate import Policy, greedy
from crm_agents.learning.saving import load_policy
from crm_gym import UsageError

Make = Callable[[gym.Env[Any, Any], int], "PolicyAgent"]


class PolicyAgent:
    """Takes the action that a policy likes best of the allowed ones; see `crm_gym.Agent`.

    Args:
        env: The environment it plays in, with the form door: it asks it for the masks.
        policy: The policy.
    """

    def __init__(self, env: gym.Env[Any, Any], policy: Policy) -> None:
        self._masks = env.get_wrapper_attr("action_masks")
        self._policy = policy

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = True
    ) -> tuple[int, Any]:
        """The next action."""
        batch = {name: array[None] for name, array in observation.items()}
        return int(self._policy(batch, self._masks()[None])[0]), state


def policy_agent(model: Path, trust: bool = False) -> Make:
    """What makes an agent from a saved policy; it refuses an environment with another door than the policy's.

    Args:
        model: A folder with a policy (safetensors and JSON), or a zip of stable-baselines3.
        trust: Whether to load a zip, which runs whatever code its author put in.

    Raises:
        UsageError: If there is no policy, or it is a zip and not trusted.
    """
    if not model.is_dir() and (model.suffix == ".zip" or zipfile.is_zipfile(model)):
        return _from_zip(model, trust)
    net, saved = load_policy(model)
    policy = greedy(net, saved.masks)

    def make(env: gym.Env[Any, Any], seed: int) -> PolicyAgent:
        check_door(saved.door, door_of(env), f"the policy in {model}")
        return PolicyAgent(env, policy)

    return make


def _from_zip(path: Path, trust: bool) -> Make:
    if not path.is_file():
        raise UsageError(f"{path} does not exist")
    if not trust:
        raise UsageError(
            f"{path} is a zip of stable-baselines3: loading it runs whatever code its author put in; "
            "if you trust that author, say --trust"
        )
    try:
        model, masks = _loaded(path)
    except Exception as fault:  # it is code of others that runs here: it may raise anything
        said = (str(fault) or type(fault).__name__).splitlines()[0]
        raise UsageError(f"{path} is no zip of stable-baselines3 that can be loaded: {said}") from fault

    def act(observation: dict[str, Any], mask: Any) -> Any:
        more = {"action_masks": mask} if masks else {}
        return np.asarray(model.predict(observation, deterministic=True, **more)[0])

    def make(env: gym.Env[Any, Any], seed: int) -> PolicyAgent:
        present, made_for = door_of(env), model.policy_kwargs.get("door")
        if made_for is not None:  # a network of ours
            check_door(Door.model_validate(made_for), present, f"the policy in {path}")
        elif (model.observation_space, model.action_space) != (env.observation_space, env.action_space):
            raise UsageError(f"the policy in {path} is made for other observations or actions than the environment's")
        return PolicyAgent(env, act)

    return make


def _loaded(path: Path) -> tuple[Any, bool]:
    """The algorithm in a zip, and whether it knows masks. Runs code that the zip holds."""
    from sb3_contrib import MaskablePPO
    from stable_baselines3 import A2C, DQN, PPO

    with zipfile.ZipFile(path) as archive:
        said = json.loads(archive.read("data"))
    masks = "maskable" in str(said.get("rollout_buffer_class")).lower()
    found: Any = MaskablePPO if masks else PPO if "clip_range" in said else DQN if "exploration_rate" in said else A2C
    return found.load(path, device="cpu"), masks
