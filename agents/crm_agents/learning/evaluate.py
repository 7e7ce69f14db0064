"""How good a policy is: it plays episodes, many at once, always taking the action it likes best."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from crm_agents.learning.config import SuiteConfig
from crm_agents.learning.door import Door, check_door, door_of, make_env
from crm_agents.learning.network import Net, masked, tensors
from crm_agents.learning.vector import Unmasked
from crm_gym import UsageError, load_suite

Array = np.ndarray[Any, Any]
Policy = Callable[[dict[str, Array], Array], Array]
"""Actions for a batch of observations and masks."""


@dataclass
class Result:
    """What came out.

    Attributes:
        name: The suite's name.
        episodes: How many were played.
        successes: How many ended in success.
        steps: Form steps of all.
        reward: Rewards of all.
        by_family: Family to episodes and successes.
        failed: Tasks that failed, in the order played.
    """

    name: str
    episodes: int = 0
    successes: int = 0
    steps: int = 0
    reward: float = 0.0
    by_family: dict[str, tuple[int, int]] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    @property
    def success(self) -> float:
        """The success rate."""
        return self.successes / max(self.episodes, 1)

    def add(self, info: dict[str, Any], steps: int, reward: float) -> None:
        """Count an episode by its last info."""
        won = bool(info["is_success"])
        family = str(info.get("family", ""))
        count, successes = self.by_family.get(family, (0, 0))
        self.by_family[family] = count + 1, successes + won
        self.episodes += 1
        self.successes += won
        self.steps += steps
        self.reward += reward
        if not won:
            self.failed.append(str(info.get("task_id", "")))

    def as_json(self) -> dict[str, Any]:
        """Plain values; families in alphabetical order."""
        families = {
            name: {"episodes": count, "successes": won, "success_rate": won / count}
            for name, (count, won) in sorted(self.by_family.items())
        }
        return {
            "name": self.name,
            "episodes": self.episodes,
            "successes": self.successes,
            "success_rate": self.success,
            "mean_steps": self.steps / max(self.episodes, 1),
            "mean_reward": self.reward / max(self.episodes, 1),
            "by_family": families,
        }


def greedy(net: Net, masks: bool = True) -> Policy:
    """The network's best actions, of the allowed ones if it is to see the masks."""

    def act(observation: dict[str, Array], mask: Array) -> Array:
        with torch.no_grad():
            logits, _ = net(tensors(observation))
            best = masked(logits, torch.from_numpy(mask) if masks else None).argmax(1)
        chosen: Array = best.numpy()
        return chosen

    return act


def random_policy(seed: int, masks: bool = True) -> Policy:
    """Any action, of the allowed ones if it is to see the masks; each as likely."""
    rng = np.random.default_rng(seed)

    def act(observation: dict[str, Array], mask: Array) -> Array:
        weights: Any = rng.random(size=mask.shape)
        chosen: Array = np.where(mask, weights, -1).argmax(1) if masks else weights.argmax(1)
        return chosen

    return act


class Evaluator:
    """Plays a suite. The environments are made once and used again; seeds alone decide what is played.

    Args:
        suite: What is played.
        count: Episodes at once.
        seed: Episode k, from 0, is reset with seed + k.
        masks: Whether the policy sees the masks. If not, an action that is masked out ends the episode: nothing has
            changed, so the same action would come for ever.

    Attributes:
        door: The door of its environments.

    Raises:
        UsageError: If the suite's environment cannot be made, has no numeric door, or its tasks have no end.
    """

    def __init__(self, suite: SuiteConfig, count: int = 64, seed: int = 0, *, masks: bool = True) -> None:
        self.suite, self.seed = suite, seed
        env = make_env(suite.id, suite.keywords)
        self.door: Door = door_of(env)
        first = self._wrapped(env, masks)
        self.resets = _resets(suite, first)
        others = range(min(count, len(self.resets)) - 1)
        self.envs = [first, *(self._wrapped(make_env(suite.id, suite.keywords), masks) for _ in others)]
        self.masks = [env.get_wrapper_attr("action_masks") for env in self.envs]

    def _wrapped(self, env: gym.Env[Any, Any], masks: bool) -> gym.Env[Any, Any]:
        return env if masks else Unmasked(env, patience=1)

    def play(self, policy: Policy, on_episode: Callable[[Result], None] | None = None) -> Result:
        """Play every episode of the suite."""
        result = Result(self.suite.name)
        waiting = iter(enumerate(self.resets))
        tables = [_Seat(env, mask) for env, mask in zip(self.envs, self.masks, strict=True)]
        seats = [seat for seat in tables if seat.next(waiting, self.seed)]
        while seats:
            views = [seat.observation for seat in seats]
            observation = {name: np.stack([view[name] for view in views]) for name in views[0]}
            actions = policy(observation, np.stack([seat.masks() for seat in seats]))
            staying = []
            for seat, action in zip(seats, actions.tolist(), strict=True):
                if seat.play(action):
                    result.add(seat.info, seat.steps, seat.reward)
                    if on_episode is not None:
                        on_episode(result)
                    if not seat.next(waiting, self.seed):
                        continue
                staying.append(seat)
            seats = staying
        return result

    def close(self) -> None:
        """Close the environments."""
        for env in self.envs:
            env.close()


class _Seat:
    """One environment and the episode under way in it."""

    def __init__(self, env: gym.Env[Any, Any], masks: Callable[[], Array]) -> None:
        self.env, self.masks = env, masks

    def next(self, waiting: Iterator[tuple[int, dict[str, Any] | None]], seed: int) -> bool:
        """Begin the next episode that waits; false if none does."""
        for number, options in waiting:
            self.observation, self.info = self.env.reset(seed=seed + number, options=options)
            self.steps, self.reward = 0, 0.0
            return True
        return False

    def play(self, action: int) -> bool:
        """One step; true if it is the last."""
        self.observation, reward, terminated, truncated, self.info = self.env.step(action)
        self.steps += 1
        self.reward += float(reward)
        return terminated or truncated


def _resets(suite: SuiteConfig, env: gym.Env[Any, Any]) -> list[dict[str, Any] | None]:
    """The options of every reset."""
    if suite.episodes is not None:
        return [None] * suite.episodes
    keywords = {**(env.spec.kwargs if env.spec is not None else {}), **suite.keywords}
    name = keywords.get("suite", "golden")
    if name == "generated":
        raise UsageError(f"suite {suite.name!r}: generated tasks have no end; say how many episodes")
    return [{"task_id": task.id} for task in load_suite(name, keywords.get("tasks"))]


def evaluate_policy(net: Net, suite: SuiteConfig, *, masks: bool = True, count: int = 64, seed: int = 0) -> Result:
    """Play a suite once with a network.

    Args:
        net: The network.
        suite: What is played.
        masks: Whether it sees the masks.
        count: Episodes at once.
        seed: Seed of the first episode.

    Raises:
        UsageError: If the suite has another door than the network was made for.
    """
    evaluator = Evaluator(suite, count, seed, masks=masks)
    net.eval()
    try:
        check_door(net.door, evaluator.door, "the policy")
        return evaluator.play(greedy(net, masks))
    finally:
        evaluator.close()
