"""A saved policy as an agent of the harness, at the form door."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

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
    """What makes an agent from a saved policy.

    Args:
        model: A folder with a policy (safetensors and JSON), or a zip of stable-baselines3.
        trust: Whether to load a zip, which runs whatever code its author put in.

    Raises:
        UsageError: If there is no policy, or it is a zip and not trusted.
    """
    if model.suffix == ".zip" or (model.is_file() and zipfile.is_zipfile(model)):
        policy = _from_zip(model, trust)
    else:
        net, saved = load_policy(model)
        policy = greedy(net, saved.masks)
    return lambda env, seed: PolicyAgent(env, policy)


def _from_zip(path: Path, trust: bool) -> Policy:
    if not trust:
        raise UsageError(
            f"{path} is a zip of stable-baselines3: loading it runs whatever code its author put in; "
            "if you trust that author, say --trust"
        )
    if not path.is_file():
        raise UsageError(f"{path} does not exist")
    from sb3_contrib import MaskablePPO
    from stable_baselines3 import A2C, DQN, PPO

    with zipfile.ZipFile(path) as archive:
        said = json.loads(archive.read("data"))
    masks = "maskable" in str(said.get("policy_class")).lower()
    found: Any = MaskablePPO if masks else PPO if "clip_range" in said else DQN if "exploration_rate" in said else A2C
    model = found.load(path, device="cpu")

    def act(observation: dict[str, Any], mask: Any) -> Any:
        more = {"action_masks": mask} if masks else {}
        return np.asarray(model.predict(observation, deterministic=True, **more)[0])

    return act
