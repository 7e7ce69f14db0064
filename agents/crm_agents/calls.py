"""What was said at the form door, as the text door would have been told."""

from __future__ import annotations

import json
from typing import Any

import gymnasium as gym

from crm_gym import TOOL_NAMES
from crm_gym.form.layout import layout


class Calls(gym.Wrapper[Any, Any, Any, Any]):
    """Notes the tool calls that a form environment submits.

    Attributes:
        calls: Those of the present episode, as actions of the text door.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        super().__init__(env)
        self.calls: list[dict[str, Any]] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode."""
        self.calls = []
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Take a form step."""
        if int(action) == layout().submit:
            call = self.env.get_wrapper_attr("desk").call()
            self.calls.append({"tool": TOOL_NAMES.index(call.tool), "arguments": json.dumps(call.arguments)})
        return self.env.step(action)
