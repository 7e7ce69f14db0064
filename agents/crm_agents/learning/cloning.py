"""Behaviour cloning of the oracle, from demonstrations without end."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from crm_agents.learning.config import CloneConfig, EnvConfig
from crm_agents.learning.demonstrations import SAMPLES, Block, Buffer, Source, Workers, shapes_of
from crm_agents.learning.door import make_env
from crm_agents.learning.network import Net, masked, tensors

LEAST = 0.05
"""What is left of the learning rate at the end."""


class Cloner:
    """Learns to do what the oracle does.

    Args:
        net: The network; changed in place.
        env: Where the oracle plays.
        config: How.
        masks: Whether the policy is judged among the allowed actions only.
        seed: Fixes the demonstrations and the draws.
        discount: For the value head.
    """

    def __init__(
        self, net: Net, env: EnvConfig, config: CloneConfig, masks: bool = True, seed: int = 0, discount: float = 0.99
    ) -> None:
        self.net, self.config, self.masks = net, config, masks
        self.began = time.monotonic()
        keywords = env.keywords if config.keywords is None else config.keywords
        sources = [Source(env.id, keywords, seed + 100_003 * (n + 1), discount) for n in range(config.workers)]
        self.workers = Workers(sources, min(SAMPLES, config.first))
        one = make_env(env.id, keywords)
        self.buffer = Buffer(config.capacity, shapes_of(one))
        one.close()
        self.rng = np.random.default_rng(seed)
        self.optimizer = torch.optim.Adam(net.parameters(), lr=config.learning_rate, fused=True)
        self.samples = 0
        self.spent = 0.0  # seconds of earlier runs, when resumed

    @property
    def share(self) -> float:
        """How much of the budget is used up, 0 to 1."""
        used = [0.0]
        if self.config.seconds is not None:
            used.append((self.spent + time.monotonic() - self.began) / self.config.seconds)
        if self.config.samples is not None:
            used.append(self.samples / self.config.samples)
        return min(max(used), 1.0)

    def advance(self, batches: int = 20) -> dict[str, float]:
        """Learn from some batches; gives mean loss and accuracy."""
        self.net.train()
        losses, right = [], []
        for _ in range(batches):
            self._fetch()
            share = self.share
            if share >= 1:
                break
            for group in self.optimizer.param_groups:
                group["lr"] = self.config.learning_rate * max(LEAST, 1 - share)
            loss, accuracy = self._learn(self.buffer.draw(self.rng, self.config.batch))
            losses.append(loss)
            right.append(accuracy)
            self.samples += self.config.batch
        if not losses:
            return {}
        means = torch.stack(losses).mean(), torch.stack(right).mean()
        return {
            "loss": means[0].item(),
            "accuracy": means[1].item(),
            "samples": self.samples,
            "seen": self.buffer.seen,
        }

    def _fetch(self) -> None:
        """Take what the workers have: enough to begin, then all there is, or just as much as repeats ask for."""
        while self.buffer.seen < min(self.config.first, self.config.capacity):
            self.buffer.add(self.workers.take())
        if self.config.repeats is None:
            for block in self.workers.ready():
                self.buffer.add(block)
        else:
            while self.samples >= self.config.repeats * self.buffer.seen:
                self.buffer.add(self.workers.take())

    def _learn(self, block: Block) -> tuple[Tensor, Tensor]:
        batch = tensors(block)
        action, mask = batch["action"], batch["mask"] if self.masks else None
        logits, value = self.net(batch)
        logits = masked(logits, mask)
        loss = functional.cross_entropy(logits, action)
        if self.config.smoothing:
            loss = loss + self.config.smoothing * _spread(logits, mask)
        if self.config.value_weight:
            loss = loss + self.config.value_weight * functional.mse_loss(value, batch["return"])
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimizer.step()
        return loss.detach(), (logits.argmax(1) == action).float().mean()

    def state(self) -> dict[str, Any]:
        """What a checkpoint keeps; demonstrations are not kept: a resumed run plays fresh tasks."""
        spent = self.spent + time.monotonic() - self.began
        return {"optimizer": self.optimizer.state_dict(), "samples": self.samples, "spent": spent}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.samples, self.spent = state["samples"], state["spent"]

    def close(self) -> None:
        """End the workers."""
        self.workers.close()


def _spread(logits: Tensor, mask: Tensor | None) -> Tensor:
    """Cross entropy with the uniform distribution over the allowed actions."""
    logs = logits.log_softmax(1)
    if mask is None:
        return -logs.mean()
    return -(logs.masked_fill(~mask, 0.0).sum(1) / mask.sum(1)).mean()
