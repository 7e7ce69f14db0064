"""Who can play: agents by name, and what each is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym

from crm_gym import Agent, UsageError
from crm_gym.baselines import ConstantAgent, DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent

Make = Callable[[gym.Env[Any, Any], int], Agent]

SCRIPTED: dict[str, Make] = {
    "oracle": lambda env, seed: OracleAgent(env),
    "null": lambda env, seed: NullAgent(),
    "random": lambda env, seed: RandomAgent(seed),
    "echo": lambda env, seed: EchoAgent(seed),
    "constant": lambda env, seed: ConstantAgent(env),
    "decline": lambda env, seed: DeclineAgent(),
}
"""How to make each agent that needs no model, given the environment it will play in and the episode's seed."""


@dataclass(frozen=True)
class Scripted:
    """Makes a scripted agent by its name; can be sent to another process."""

    name: str

    def __call__(self, env: gym.Env[Any, Any], seed: int) -> Agent:
        """The agent for one episode."""
        return SCRIPTED[self.name](env, seed)


def learnt(model: Path, trust: bool) -> Make:
    """What makes the agent that plays a policy from a file."""
    try:
        from crm_agents.learning.agent import policy_agent
    except ModuleNotFoundError as fault:
        raise needs_extra(fault, "policies", "sb3") from None
    return policy_agent(model, trust)


def needs_extra(fault: ModuleNotFoundError, what: str, extra: str) -> UsageError:
    """What to say when a package is missing."""
    return UsageError(f"{fault.name} is not installed; {what} need the extra {extra}: pip install 'crm-gym[{extra}]'")
