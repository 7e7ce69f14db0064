"""Our networks as policies of stable-baselines3 and sb3-contrib."""

from __future__ import annotations

from typing import Any

from gymnasium import spaces
from sb3_contrib.common.maskable.policies import MaskableActorCriticPolicy
from stable_baselines3.common.policies import ActorCriticPolicy, BasePolicy
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
from stable_baselines3.dqn.policies import DQNPolicy, QNetwork
from torch import Tensor

from crm_agents.learning.door import Door
from crm_agents.learning.network import Net, NetConfig, build


class _Nothing(BaseFeaturesExtractor):
    """No features: the network reads the observation itself."""

    def __init__(self, observation_space: spaces.Space[Any]) -> None:
        super().__init__(observation_space, features_dim=1)


class _OfNet:
    """What policies made of one of our networks have in common; stands before the library's class.

    Args:
        observation_space: See stable-baselines3.
        action_space: See stable-baselines3.
        lr_schedule: See stable-baselines3.
        door: The door, as plain values.
        network: The network's config, as plain values.
        **more: Other keywords of the library's class.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        door: dict[str, Any],
        network: dict[str, Any],
        **more: Any,
    ) -> None:
        self.built_from = {"door": door, "network": network}
        more["features_extractor_class"] = _Nothing
        super().__init__(observation_space, action_space, lr_schedule, **more)  # type: ignore[call-arg]

    def _get_constructor_parameters(self) -> dict[str, Any]:
        given = super()._get_constructor_parameters()  # type: ignore[misc]
        del given["features_extractor_class"]
        return {**given, **self.built_from}


class _ActorCritic(_OfNet):
    """The methods that actor-critic algorithms call; those that know no masks give none."""

    net: Net
    action_dist: Any

    def _build(self, lr_schedule: Schedule) -> None:
        self.net = build_from(self.built_from)
        policy: Any = self
        policy.optimizer = policy.optimizer_class(policy.parameters(), lr=lr_schedule(1), **policy.optimizer_kwargs)

    def forward(self, obs: Any, deterministic: bool = False, action_masks: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        """Actions, values and log probabilities."""
        distribution, values = self._read(obs, action_masks)
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, values, distribution.log_prob(actions)

    def evaluate_actions(self, obs: Any, actions: Tensor, action_masks: Any = None) -> tuple[Tensor, Tensor, Tensor]:
        """Values, log probabilities of these actions, and entropies."""
        distribution, values = self._read(obs, action_masks)
        return values, distribution.log_prob(actions), distribution.entropy()

    def get_distribution(self, obs: Any, action_masks: Any = None) -> Any:
        """The distribution of actions."""
        return self._read(obs, action_masks)[0]

    def predict_values(self, obs: Any) -> Tensor:
        """The values."""
        values: Tensor = self.net(obs)[1]
        return values.unsqueeze(1)

    def _read(self, obs: Any, action_masks: Any) -> tuple[Any, Tensor]:
        logits, values = self.net(obs)
        distribution = self.action_dist.proba_distribution(action_logits=logits)
        if action_masks is not None:
            distribution.apply_masking(action_masks)
        return distribution, values.unsqueeze(1)


class NetMaskablePolicy(_ActorCritic, MaskableActorCriticPolicy):
    """One of our networks as a policy for MaskablePPO; arguments as for `_OfNet`."""


class NetPolicy(_ActorCritic, ActorCriticPolicy):
    """One of our networks as a policy for PPO and A2C, which know no masks; arguments as for `_OfNet`."""


class NetQ(QNetwork):
    """One of our networks whose logits are the values of the actions."""

    def __init__(self, observation_space: Any, action_space: Any, built_from: dict[str, Any]) -> None:
        BasePolicy.__init__(self, observation_space, action_space)
        self.net = build_from(built_from)

    def forward(self, obs: PyTorchObs) -> Tensor:
        """The value of every action."""
        values: Tensor = self.net(obs)[0]
        return values


class NetDqnPolicy(_OfNet, DQNPolicy):
    """One of our networks as a policy for DQN; arguments as for `_OfNet`."""

    @property
    def net(self) -> Net:
        """The network that is learnt."""
        learnt: Net = self.q_net.net  # type: ignore[assignment]
        return learnt

    def make_q_net(self) -> QNetwork:
        """A network of the values of actions."""
        return NetQ(self.observation_space, self.action_space, self.built_from).to(self.device)


def build_from(plain: dict[str, Any]) -> Net:
    """A network from plain values."""
    return build(Door.model_validate(plain["door"]), NetConfig.model_validate(plain["network"]))
