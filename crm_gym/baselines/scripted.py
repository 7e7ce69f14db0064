"""Agents that need no model: one that knows the task, and others that show what a verdict must not reward.

Each plays one environment at a time, keeps what it needs of an episode to itself, and starts afresh with the
first observation of the next. Chance comes from the agent's own generator, seeded anew each episode by the
agent's seed and the request: the same seeds give the same episode, whatever was played before.
"""

from __future__ import annotations

import json
import random
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any

import gymnasium as gym

from crm_gym.baselines.reading import copyable, ids_in
from crm_gym.baselines.sampling import Sampler, Seen
from crm_gym.errors import CODES, UsageError
from crm_gym.spaces import OK
from crm_gym.tasks.plan import MAKERS, filled
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOL_NAMES, TOOLS, ToolCall

Action = dict[str, Any]
FINISH = ToolCall("finish")


def as_action(call: ToolCall) -> Action:
    """A call as the environment's canonical action: the tool's number and the arguments as JSON text."""
    return {"tool": TOOL_NAMES.index(call.tool), "arguments": json.dumps(call.arguments, separators=(",", ":"))}


class ScriptedAgent(ABC):
    """Base of the agents here: `begin` at an episode's first observation, `act` at each."""

    _begun = False

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Action, Any]:
        """The next action, and the state as it came in; see `crm_gym.Agent`."""
        if episode_start or not self._begun or not observation["steps"]:
            self.begin(observation)
            self._begun = True
        return as_action(self.act(observation)), state

    def begin(self, observation: Mapping[str, Any]) -> None:  # noqa: B027  most have nothing to prepare
        """Prepare for a new episode."""

    @abstractmethod
    def act(self, observation: Mapping[str, Any]) -> ToolCall:
        """The next call."""


class NullAgent(ScriptedAgent):
    """Does nothing and says that it is done."""

    def act(self, observation: Mapping[str, Any]) -> ToolCall:
        """Finish."""
        return FINISH


class DeclineAgent(ScriptedAgent):
    """Turns every request down, always for the same reason.

    Args:
        code: The refusal's code.
        field: The argument said to be at fault.

    Raises:
        UsageError: If there is no such code.
    """

    def __init__(self, code: str = "enum_value", field: str = "status") -> None:
        if code not in CODES:
            raise UsageError(f"code {code!r} does not exist; known are {', '.join(CODES)}")
        self.code, self.field = code, field

    def act(self, observation: Mapping[str, Any]) -> ToolCall:
        """Decline."""
        return ToolCall("decline", {"code": self.code, "field": self.field})


class PlanAgent(ScriptedAgent):
    """Base of those that know the task: plays a list of calls, then finishes.

    Args:
        env: The environment it plays in; asked for the task at the start of each episode.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self.env = env
        self._left: Iterator[ToolCall] = iter(())
        self._made: list[str] = []

    def begin(self, observation: Mapping[str, Any]) -> None:
        """Plan the episode."""
        knowing: Any = self.env.unwrapped
        self._left = iter(self.plan(knowing.task))
        self._made = []

    def act(self, observation: Mapping[str, Any]) -> ToolCall:
        """The next call of the plan, with the ids of the records made so far."""
        if observation["status"] == OK and observation["tool"] in MAKERS:
            self._made += ids_in(observation["result"])[:1]
        return filled(next(self._left, FINISH), self._made)

    @abstractmethod
    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """The calls to play."""


class OracleAgent(PlanAgent):
    """Plays the task's own solution.

    Args:
        env: The environment it plays in.
        demonstrate: Play the task's look-ups and questions too, as an agent must that does not know the ids.
    """

    def __init__(self, env: gym.Env[Any, Any], demonstrate: bool = False) -> None:
        super().__init__(env)
        self.demonstrate = demonstrate

    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """The solution, or the whole way there."""
        return task.demonstration if self.demonstrate else task.solution


class ChanceAgent(ScriptedAgent):
    """Base of those that draw their calls: any tool, arguments valid by its schema.

    Args:
        seed: With the request, fixes what is drawn in an episode.
    """

    copied = 0.5
    """How often a value is copied where one fits."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._rng = random.Random(seed)

    def begin(self, observation: Mapping[str, Any]) -> None:
        """Seed the generator; of a text, Python's takes the SHA-512, the same in every process."""
        self._rng = random.Random(f"{self.seed} {observation['request']}")

    def act(self, observation: Mapping[str, Any]) -> ToolCall:
        """Draw a tool and its arguments."""
        name = self._rng.choice(TOOL_NAMES)
        return ToolCall(name, Sampler(self._rng, self.seen(observation), self.copied).arguments(TOOLS[name].schema))

    @abstractmethod
    def seen(self, observation: Mapping[str, Any]) -> Seen:
        """What may be copied."""


class RandomAgent(ChanceAgent):
    """Makes up all values, save ids, half of which come from the last result."""

    def seen(self, observation: Mapping[str, Any]) -> Seen:
        """The ids in the last result."""
        return Seen({"id": ids_in(observation["result"])})


class EchoAgent(ChanceAgent):
    """Copies values out of the observation wherever one of the right kind is there."""

    copied = 0.95

    def seen(self, observation: Mapping[str, Any]) -> Seen:
        """All that can be copied from the request and the last result."""
        return copyable(observation)
