"""Who plays, as a config says it: the agent, its name in the log, and the environment it plays in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gymnasium as gym

from crm_agents.calls import Calls, CallsAgent
from crm_agents.config import EvalConfig, ModelPart
from crm_agents.heuristic import HeuristicAgent
from crm_agents.human import HumanAgent
from crm_agents.llm.agent import ClaudeAgent, LlmAgent, OpenAIAgent
from crm_agents.llm.prices import Prices
from crm_agents.llm.retry import RetryPolicy
from crm_agents.roster import SCRIPTED, Scripted, learnt
from crm_gym import Agent, UsageError, near_miss
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.plan import Plan

WITH_MODEL, LEARNT, FORM_ID = ("claude", "openai"), "sb3", "CrmEnvForm-v0"
PLAYERS = (*SCRIPTED, "heuristic", "human", LEARNT, *WITH_MODEL)
"""Every agent that a command can name."""


@dataclass(frozen=True)
class Cast:
    """Who plays, and where.

    Attributes:
        agent: An agent, or what makes one for an episode.
        name: Its name in the log.
        settings: What decides what it does, for the log; None to ask the agent.
        make_env: What makes its environment.
    """

    agent: Any
    name: str
    settings: dict[str, Any] | None = None
    make_env: Callable[[Plan], gym.Env[Any, Any]] = Plan.make_env

    def check(self, plan: Plan) -> None:
        """Refuse what cannot be played, while nothing has been touched.

        Raises:
            UsageError: If the plan names what does not exist, or the agent is made for another environment.
        """
        plan.jobs()
        env = self.make_env(plan)
        if self.name == LEARNT:
            self.agent(env, plan.seed)
        env.close()

    def close(self) -> None:
        """Let go of what the agent holds."""
        if isinstance(self.agent, LlmAgent):
            self.agent.close()


def cast(config: EvalConfig, cassette: Path) -> Cast:
    """The agent of a config.

    Args:
        config: What to make.
        cassette: The file of a cassette, if the config names none.

    Raises:
        UsageError: If there is no such agent, or a file or a key that it needs.
    """
    name = config.agent
    if name not in PLAYERS:
        raise UsageError(f"agent {name!r} does not exist; {near_miss(name, PLAYERS)}")
    if name in WITH_MODEL:
        return Cast(_with_model(config, cassette), name)
    if name == LEARNT:
        assert config.policy is not None
        return Cast(Learnt(config.policy, config.trust), name, {"policy": config.policy}, form_env)
    if name == "heuristic":
        return Cast(HeuristicAgent(), name)
    if name == "human":
        return Cast(HumanAgent(), name)
    return Cast(Scripted(name), name)


@dataclass(frozen=True)
class Learnt:
    """Makes the agent that plays a policy from a file; can be sent to another process.

    Attributes:
        policy: A folder with a policy, or a zip of stable-baselines3.
        trust: Whether the zip may run its code.
    """

    policy: str
    trust: bool

    def __call__(self, env: gym.Env[Any, Any], seed: int) -> Agent:
        """The agent for one episode."""
        return CallsAgent(env, _maker(self.policy, self.trust)(env, seed))


_makers: dict[tuple[str, bool], Any] = {}


def _maker(policy: str, trust: bool) -> Any:
    """What makes the policy's agents; loaded once in a process."""
    key = policy, trust
    if key not in _makers:
        _makers.clear()  # one policy at a time is enough
        _makers[key] = learnt(Path(policy), trust)
    return _makers[key]


def form_env(plan: Plan) -> gym.Env[Any, Any]:
    """The environment of a plan through the form door, seen as tool calls."""
    return Calls(gym.make(FORM_ID, disable_env_checker=True, **plan.keywords()))


def _with_model(config: EvalConfig, cassette: Path) -> LlmAgent:
    part = config.model
    assert part is not None
    kind = ClaudeAgent if config.agent == "claude" else OpenAIAgent
    prices = None if config.prices is None else Prices.load(Path(config.prices))
    if config.budget.cost is not None and (prices is None or prices.cost(part.name, Tokens(1, 1, 1, 1)) is None):
        raise UsageError(
            f"budget.cost needs the prices of {part.name!r}: a file with all four (prices = FILE; configs/prices.toml "
            "says how), or leave it out and limit budget.calls or budget.tokens"
        )
    recorded = None if config.cassette.mode == "off" else str(config.cassette.path or cassette)
    return kind(
        **_model_settings(config.agent, part),
        mode=config.mode,
        refusals=config.run.refusals,
        prompt=None if config.prompt is None else _text(Path(config.prompt)),
        nudges=config.nudges,
        max_calls=config.max_calls,
        max_episode_tokens=config.max_episode_tokens,
        prices=prices,
        retry=RetryPolicy(config.retry.tries, config.retry.base, config.retry.cap),
        cassette=recorded,
        cassette_mode=config.cassette.mode,
    )


def _model_settings(agent: str, part: ModelPart) -> dict[str, Any]:
    """Keywords of the agent about its model."""
    given = part.model_dump()
    given["model"] = given.pop("name")
    api = given.pop("api")
    wanted = ("messages",) if agent == "claude" else ("responses", "chat")
    if api is not None and api not in wanted:
        raise UsageError(f"model.api: agent {agent!r} speaks {' or '.join(wanted)}; got {api!r}")
    return given if agent == "claude" else {**given, "api": api or "responses"}


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"prompt: {path} cannot be read: {fault}") from None
