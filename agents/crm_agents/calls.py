"""The form door seen from the text door: one step is one call, however many form steps it took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium as gym

from crm_gym import Agent, ToolCall
from crm_gym.spaces import ascii_text, observe, observe_start
from crm_gym.strict_json import encode
from crm_gym.tools.base import Outcome

Action = dict[str, Any]


class Calls(gym.Wrapper[Any, Any, Any, Any]):
    """A form environment as its tool calls: observations, actions and infos are those of the text door.

    `fill` takes form steps until a call is submitted; the `step` that follows says what came of it.

    Args:
        env: An environment with the form door, under its limit of form steps.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self._form: Any = env.unwrapped
        self._seen: Any = None
        self._came: tuple[float, bool, bool, dict[str, Any]] | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        self._seen, info = self.env.reset(seed=seed, options=options)
        task = self._form.task
        self._start = observe_start(ascii_text(task.request), task.today, self._form.crm.store.counts())
        self._shown, self._steps, self._came = self._start, 0, None
        return self._start.copy(), info

    def fill(self, policy: Agent) -> Action:
        """Let a policy take form steps until it has submitted a call, or a limit has ended the episode.

        Returns:
            The call, as an action of the text door; an empty mapping if none was submitted.
        """
        total, over, before = 0.0, False, self._form.latest
        while not over and self._form.latest is before:
            action, _ = policy.predict(self._seen)
            self._seen, reward, terminated, truncated, info = self.env.step(action)
            total += float(reward)
            over = terminated or truncated
        self._came = total, terminated, truncated, info
        if self._form.latest is before:
            return {}
        self._steps += 1
        call, came = self._form.latest
        if came is not None:
            self._shown = self._observed(call, came)
        return {"tool": call.tool, "arguments": dict(call.arguments)}

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """What came of the call that `fill` submitted."""
        assert self._came is not None, "fill comes before step"
        (reward, terminated, truncated, info), self._came = self._came, None
        return self._shown.copy(), reward, terminated, truncated, info

    def _observed(self, call: ToolCall, came: Outcome) -> Any:
        arguments = dict(call.arguments)
        played = call.tool, arguments, encode(arguments), None
        return observe(self._start, self._form.crm.store.counts(), self._steps, played, came)


class CallsAgent:
    """A policy of the form door as an agent of the text door; see `crm_gym.Agent`.

    Args:
        env: Its environment, in a `Calls`.
        policy: The policy, as an agent of the form door.
    """

    def __init__(self, env: gym.Env[Any, Any], policy: Agent) -> None:
        self._fill: Callable[[Agent], Action] = env.get_wrapper_attr("fill")
        self._policy = policy

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Action, Any]:
        """The next call."""
        return self._fill(self._policy), state
