"""Algorithms of stable-baselines3 and sb3-contrib with our networks, one update at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from sb3_contrib import MaskablePPO
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.logger import configure
from stable_baselines3.common.policies import BasePolicy

from crm_agents.learning.config import LearnerConfig
from crm_agents.learning.network import Net
from crm_agents.learning.sb3_policies import NetDqnPolicy, NetMaskablePolicy, NetPolicy
from crm_agents.learning.vecenv import GymVecEnv, as_sb3_vecenv

__all__ = ["ALGORITHMS", "Sb3Learner", "as_sb3_vecenv"]

ALGORITHMS: dict[str, tuple[type[BaseAlgorithm], type[BasePolicy]]] = {
    "maskable_ppo": (MaskablePPO, NetMaskablePolicy),
    "ppo": (PPO, NetPolicy),
    "a2c": (A2C, NetPolicy),
    "dqn": (DQN, NetDqnPolicy),
}
"""Algorithms by name, each with the policy that holds our networks."""


def keywords_of(algorithm: str, config: LearnerConfig) -> dict[str, Any]:
    """The hyper-parameters as an algorithm of stable-baselines3 calls them."""
    common = {"learning_rate": config.learning_rate, "gamma": config.discount, "max_grad_norm": config.max_grad_norm}
    if algorithm == "dqn":
        return {
            **common,
            "buffer_size": config.buffer,
            "learning_starts": config.warmup,
            "batch_size": config.batch,
            "train_freq": config.train_every,
            "target_update_interval": config.target_every,
        }
    actor = {
        **common,
        "n_steps": config.steps,
        "gae_lambda": config.gae_lambda,
        "ent_coef": config.entropy,
        "vf_coef": config.value_weight,
    }
    if algorithm == "a2c":
        return actor
    ppo = {"batch_size": config.batch, "n_epochs": config.epochs, "clip_range": config.clip}
    return {**actor, **ppo, "target_kl": config.target_kl}


class Sb3Learner:
    """An algorithm of stable-baselines3 that goes on by one update at a time.

    Args:
        algorithm: A name in `ALGORITHMS`.
        net: Where to begin from: its weights are copied.
        envs: The environments.
        config: Hyper-parameters.
        masks: Whether MaskablePPO sees the masks.
        seed: Fixes everything that is drawn; torch's and numpy's own generators are seeded with it.
    """

    def __init__(
        self, algorithm: str, net: Net, envs: GymVecEnv, config: LearnerConfig, masks: bool = True, seed: int = 0
    ) -> None:
        made, policy = ALGORITHMS[algorithm]
        plain = {"door": net.door.model_dump(), "network": net.config.model_dump()}
        self.algorithm, self.config, self.envs, self.seed = algorithm, config, envs, seed
        model: Any = made(policy, envs, policy_kwargs=plain, seed=seed, device="cpu", **keywords_of(algorithm, config))
        model.set_logger(configure(None, []))
        self.model = model
        self.net: Net = model.policy.net
        self.net.load_state_dict(net.state_dict())
        if algorithm == "dqn":
            model.q_net_target.load_state_dict(model.q_net.state_dict())
        self.more = {"use_masking": masks} if algorithm == "maskable_ppo" else {}
        self.restarts = 0
        self.restart()

    @property
    def steps(self) -> int:
        """Steps of all environments so far."""
        return int(self.model.num_timesteps)

    def restart(self) -> None:
        """Begin new episodes everywhere, from a seed that the number of restarts gives; see `TorchPpo.restart`."""
        self.envs.seed(self.seed + 1_000_003 * self.restarts)
        self.model._last_obs = None  # the next call of learn resets the environments
        self.restarts += 1

    def advance(self, share: float) -> dict[str, float]:
        """Collect, then learn.

        Args:
            share: How much of the budget is used up, 0 to 1: learning rate and exploration fall with it.
        """
        config, model = self.config, self.model
        rate = config.learning_rate * (max(0.1, 1 - share) if config.anneal else 1.0)
        model.lr_schedule = lambda _: rate
        if self.algorithm == "dqn":
            explore = max(config.explore_least, 1 - share / config.explore_share * (1 - config.explore_least))
            model.exploration_schedule = lambda _: explore
        steps = 1_000 if self.algorithm == "dqn" else config.steps * self.envs.num_envs
        model.learn(steps, reset_num_timesteps=False, log_interval=None, **self.more)
        return {"steps": self.steps, **self._figures()}

    def _figures(self) -> dict[str, float]:
        said = self.model.logger.name_to_value
        figures = {name.partition("/")[2]: float(value) for name, value in said.items() if name.startswith("train/")}
        said.clear()
        episodes, wins = self.model.ep_info_buffer, self.model.ep_success_buffer
        figures["success"] = float(np.mean(wins)) if wins else 0.0
        figures["return"] = float(np.mean([one["r"] for one in episodes])) if episodes else 0.0
        figures["length"] = float(np.mean([one["l"] for one in episodes])) if episodes else 0.0
        return figures

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the network. DQN's transitions are not kept: it collects new ones."""
        kind, keys, place, has_gauss, cached = np.random.get_state()
        more = {} if self.algorithm != "dqn" else {"target": self.model.q_net_target.state_dict()}
        return {
            "optimizer": self.model.policy.optimizer.state_dict(),
            "torch": torch.get_rng_state(),
            "numpy": [str(kind), torch.from_numpy(np.asarray(keys, np.int64)), place, has_gauss, cached],
            "counts": [self.steps, int(self.model._n_updates), self.restarts],
            "episodes": [[one["r"], one["l"]] for one in self.model.ep_info_buffer or ()],
            "wins": [bool(won) for won in self.model.ep_success_buffer or ()],
            **more,
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state: the episodes begin anew, as they did in the run that wrote it."""
        model = self.model
        model.policy.optimizer.load_state_dict(state["optimizer"])
        model.num_timesteps, model._n_updates, self.restarts = state["counts"]
        if "target" in state:
            model.q_net_target.load_state_dict(state["target"])
        model._setup_learn(0, None, reset_num_timesteps=False)  # makes the buffers that follow
        model.ep_info_buffer.extend({"r": r, "l": length, "t": 0.0} for r, length in state["episodes"])
        model.ep_success_buffer.extend(state["wins"])
        self.restart()
        torch.set_rng_state(state["torch"])
        kind, keys, place, has_gauss, cached = state["numpy"]
        np.random.set_state((kind, keys.numpy().astype(np.uint32), place, has_gauss, cached))

    def close(self) -> None:
        """Close the environments."""
        self.envs.close()
