"""PPO in plain torch, in one file, on a batch of environments; with masks or without.

Proximal policy optimisation (Schulman et al. 2017) with generalised advantages (Schulman et al. 2016). The batch must
begin the next episode in the step that ends one, and give "action_mask" in its infos.
"""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from crm_agents.learning.config import LearnerConfig
from crm_agents.learning.network import Net, masked, tensors
from crm_agents.learning.vector import Array, Ended, Vector, masks_of

WINDOW = 200
"""Episodes that the figures of a run are taken from."""


@dataclass
class Rollout:
    """What was collected: every array begins with steps and environments."""

    observation: dict[str, Array]
    masks: Array
    actions: Array
    logs: Array
    rewards: Array
    over: Array
    values: Array


class TorchPpo:
    """One network, one batch of environments, one optimiser.

    Args:
        net: The network; changed in place.
        vector: The environments.
        config: Hyper-parameters.
        masks: Whether the policy sees the masks.
        seed: Fixes everything that is drawn.
    """

    def __init__(self, net: Net, vector: Vector, config: LearnerConfig, masks: bool = True, seed: int = 0) -> None:
        self.net, self.vector, self.config, self.masks, self.seed = net, vector, config, masks, seed
        self.optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate, eps=1e-5, fused=True)
        self.reference = copy.deepcopy(net).eval().requires_grad_(False) if config.anchor else None
        self.rng = torch.Generator().manual_seed(seed)
        self.steps = self.updates = self.restarts = 0
        self.returns: deque[float] = deque(maxlen=WINDOW)
        self.wins: deque[bool] = deque(maxlen=WINDOW)
        self.lengths: deque[int] = deque(maxlen=WINDOW)
        self._rollout = self._prepared()
        self.restart()

    def _prepared(self) -> Rollout:
        """Arrays for what will be collected, made once."""
        shape = (self.config.steps, self.vector.num_envs)
        space = self.vector.single_observation_space
        return Rollout(
            observation={name: np.zeros((*shape, *box.shape), box.dtype) for name, box in space.items()},  # type: ignore[attr-defined]
            masks=np.zeros((*shape, self.net.door.actions), np.bool_),
            actions=np.zeros(shape, np.int64),
            logs=np.zeros(shape, np.float32),
            rewards=np.zeros(shape, np.float32),
            over=np.zeros(shape, np.bool_),
            values=np.zeros(shape, np.float32),
        )

    def restart(self) -> None:
        """Begin new episodes everywhere, from a seed that the number of restarts gives: so a checkpoint needs no
        environments in it, and a run that goes on from one is the run that was not interrupted."""
        seed = self.seed + 1_000_003 * self.restarts
        self._observation, infos = self.vector.reset(seed=seed)
        self._masks = masks_of(infos)
        self._return, self._length = np.zeros(self.vector.num_envs), np.zeros(self.vector.num_envs, np.int64)
        self.restarts += 1

    def advance(self, share: float) -> dict[str, float]:
        """Collect, then learn.

        Args:
            share: How much of the budget is used up, 0 to 1: the learning rate falls with it.
        """
        if self.config.anneal:
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * max(0.1, 1 - share)
        last = self._collect()
        advantages, targets = self._advantages(last)
        figures = self._learn(advantages, targets)
        count = max(len(self.wins), 1)
        return {
            **figures,
            "steps": self.steps,
            "success": sum(self.wins) / count,
            "return": sum(self.returns) / count,
            "length": sum(self.lengths) / count,
        }

    def _collect(self) -> Array:
        """Play; returns the values of what is seen at the end."""
        rollout, gone = self._rollout, self.config.discount
        self.net.eval()
        for step in range(self.config.steps):
            for name, array in rollout.observation.items():
                array[step] = self._observation[name]
            rollout.masks[step] = self._masks
            actions, logs, values = self._act()
            rollout.actions[step], rollout.logs[step], rollout.values[step] = actions, logs, values
            self._observation, rewards, terminated, truncated, infos = self.vector.step(actions)
            self._masks = masks_of(infos)
            over = terminated | truncated
            rollout.rewards[step], rollout.over[step] = rewards, over
            self._return += rewards
            self._length += 1
            if over.any():
                ended = Ended(infos, over)
                self._count(ended)
                cut = [place for place in ended.places if truncated[place] and not terminated[place]]
                if cut:  # what a limit cut off would have been worth something
                    rollout.rewards[step, cut] += gone * self._values(_stacked([ended.observation(p) for p in cut]))
        self.steps += rollout.actions.size
        return self._values(self._observation)

    def _act(self) -> tuple[Array, Array, Array]:
        with torch.no_grad():
            logits, values = self.net(tensors(self._observation))
            logs = masked(logits, torch.from_numpy(self._masks) if self.masks else None).log_softmax(1)
            actions = torch.multinomial(logs.exp(), 1, generator=self.rng)
            chosen = logs.gather(1, actions).squeeze(1)
        return actions.squeeze(1).numpy(), chosen.numpy(), values.numpy()

    def _values(self, observation: dict[str, Array]) -> Array:
        with torch.no_grad():
            values: Array = self.net(tensors(observation))[1].numpy()
        return values

    def _count(self, ended: Ended) -> None:
        for place in ended.places:
            self.wins.append(ended.success(place))
            self.returns.append(float(self._return[place]))
            self.lengths.append(int(self._length[place]))
        self._return[ended.places], self._length[ended.places] = 0, 0

    def _advantages(self, last: Array) -> tuple[Array, Array]:
        """Generalised advantages, and what the values should have been."""
        rollout, config = self._rollout, self.config
        advantages = np.zeros_like(rollout.rewards)
        after, running = last, np.zeros_like(last)
        for step in reversed(range(config.steps)):
            goes_on = ~rollout.over[step]
            surprise = rollout.rewards[step] + config.discount * after * goes_on - rollout.values[step]
            running = surprise + config.discount * config.gae_lambda * goes_on * running
            advantages[step], after = running, rollout.values[step]
        return advantages, advantages + rollout.values

    def _learn(self, advantages: Array, targets: Array) -> dict[str, float]:
        """Several passes in minibatches; stops when the policy has moved too far."""
        rollout, config = self._rollout, self.config
        flat = {name: array.reshape(-1, *array.shape[2:]) for name, array in rollout.observation.items()}
        flat |= {
            "mask": rollout.masks.reshape(-1, rollout.masks.shape[2]),
            "action": rollout.actions.reshape(-1),
            "log": rollout.logs.reshape(-1),
            "advantage": advantages.reshape(-1),
            "target": targets.reshape(-1),
        }
        total = rollout.actions.size
        self.net.train()
        sums: dict[str, float] = {}
        batches = 0
        for _ in range(config.epochs):
            order = torch.randperm(total, generator=self.rng).numpy()
            moved = []
            for start in range(0, total, config.batch):
                places = order[start : start + config.batch]
                figures = self._update(tensors({name: array[places] for name, array in flat.items()}))
                moved.append(figures["kl"])
                batches += 1
                for name, value in figures.items():
                    sums[name] = sums.get(name, 0.0) + value
            if config.target_kl is not None and float(np.mean(moved)) > config.target_kl:
                break
        self.updates += 1
        return {name: value / batches for name, value in sums.items()}

    def _update(self, batch: dict[str, Tensor]) -> dict[str, float]:
        """One step of the optimiser."""
        config = self.config
        mask = batch["mask"] if self.masks else None
        logits, values = self.net(batch)
        logs = masked(logits, mask).log_softmax(1)
        log = logs.gather(1, batch["action"].unsqueeze(1)).squeeze(1)
        difference = log - batch["log"]
        ratio = difference.exp()
        advantage = batch["advantage"]
        if len(advantage) > 1:
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        clipped = ratio.clamp(1 - config.clip, 1 + config.clip)
        policy_loss = -torch.min(ratio * advantage, clipped * advantage).mean()
        value_loss = functional.mse_loss(values, batch["target"])
        entropy = -(logs.exp() * logs.clamp(min=-100)).sum(1).mean()
        loss = policy_loss + config.value_weight * value_loss - config.entropy * entropy
        if self.reference is not None:
            with torch.no_grad():
                known = masked(self.reference(batch)[0], mask).log_softmax(1)
            apart = (known.exp() * (known.clamp(min=-100) - logs.clamp(min=-100))).sum(1).mean()
            loss = loss + config.anchor * apart
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), config.max_grad_norm)
        self.optimizer.step()
        with torch.no_grad():
            kl = (ratio - 1 - difference).mean()
        return {
            "policy_loss": policy_loss.item(),
            "value_loss": value_loss.item(),
            "entropy": entropy.item(),
            "kl": kl.item(),
        }

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps beside the network."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "reference": None if self.reference is None else self.reference.state_dict(),
            "rng": self.rng.get_state(),
            "counts": [self.steps, self.updates, self.restarts],
            "wins": list(self.wins),
            "returns": list(self.returns),
            "lengths": list(self.lengths),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state: the episodes begin anew, as they did in the run that wrote it."""
        self.optimizer.load_state_dict(state["optimizer"])
        if self.reference is not None:
            self.reference.load_state_dict(state["reference"])
        self.rng.set_state(state["rng"])
        self.steps, self.updates, self.restarts = state["counts"]
        for mine, kept in ((self.wins, "wins"), (self.returns, "returns"), (self.lengths, "lengths")):
            mine.clear()
            mine.extend(state[kept])
        self.restart()

    def close(self) -> None:
        """Close the environments."""
        self.vector.close()


def _stacked(observations: list[dict[str, Array]]) -> dict[str, Array]:
    return {name: np.stack([one[name] for one in observations]) for name in observations[0]}
