"""The one loop: an agent, an environment, an episode."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import gymnasium as gym

from crm_gym.errors import AgentError
from crm_gym.evaluation.account import ModelAgent

Step = Callable[[int, Any, Any, float, dict[str, Any]], None]
"""Called after each step with its number from 1, the action, the observation, the reward and the info."""


@runtime_checkable
class Agent(Protocol):
    """Anything that predicts; policies of stable-baselines3 have the same method."""

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """The next action and the agent's new state.

        Args:
            observation: What the environment showed last.
            state: What the last call returned as state; None at the start of an episode.
            episode_start: Whether the observation is an episode's first.
            deterministic: Whether to leave out exploration.
        """


@dataclass(frozen=True, slots=True)
class Episode:
    """What a rollout came to.

    Attributes:
        task_id: The task.
        family: The tool it is about.
        seed: The seed given to reset, if any.
        success: Whether the episode ended in success.
        reward: Sum of the rewards.
        steps: Number of steps.
        terminated: Whether the episode came to its own end.
        truncated: Whether a limit ended it, or the agent could not go on.
        actions: The actions, in order.
        errors: Refusal codes met, in order.
        verdict: The last verdict's summary.
    """

    task_id: str
    family: str
    seed: int | None
    success: bool
    reward: float
    steps: int
    terminated: bool
    truncated: bool
    actions: tuple[Any, ...] = ()
    errors: tuple[str, ...] = ()
    verdict: dict[str, Any] = field(default_factory=dict)


def rollout(
    env: gym.Env[Any, Any],
    agent: Agent,
    *,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
    on_step: Step | None = None,
    max_steps: int = 1_000,
) -> Episode:
    """Play one episode. It ends where the agent cannot go on (AgentError).

    Args:
        env: The environment; usually under a TimeLimit.
        agent: Who plays.
        seed: Passed to `reset`.
        options: Passed to `reset`.
        on_step: Called after each step.
        max_steps: Stops an episode that nothing else ends.

    Returns:
        The episode; truncated if `max_steps` ended it.
    """
    observation, info = env.reset(seed=seed, options=options)
    state, total = _state(agent, info["task_id"], seed), 0.0
    actions: list[Any] = []
    errors: list[str] = []
    terminated = truncated = False
    while not (terminated or truncated):
        try:
            action, state = agent.predict(observation, state, not actions)
        except AgentError:
            truncated = True
            break
        observation, reward, terminated, truncated, info = env.step(action)
        actions.append(action)
        total += float(reward)
        if info["error"]["code"]:
            errors.append(info["error"]["code"])
        if on_step is not None:
            on_step(len(actions), action, observation, float(reward), info)
        truncated = truncated or (len(actions) >= max_steps and not terminated)
    return Episode(
        task_id=info["task_id"],
        family=info["family"],
        seed=seed,
        success=bool(info["is_success"]),
        reward=total,
        steps=len(actions),
        terminated=terminated,
        truncated=truncated,
        actions=tuple(actions),
        errors=tuple(errors),
        verdict=dict(info["verdict"]),
    )


def _state(agent: Agent, task_id: str, seed: int | None) -> Any:
    """An agent's state at the start of an episode."""
    if getattr(agent, "start", None) is None or not isinstance(agent, ModelAgent):
        return None
    return agent.start(f"{task_id} seed {seed}")
