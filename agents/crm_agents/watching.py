"""One episode of a trained policy, form step by form step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium as gym

from crm_agents.roster import Make
from crm_gym import UsageError, near_miss
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.layout import layout

MOST_STEPS = 400


def watch(make: Make, env_id: str, families: tuple[str, ...], seed: int) -> Iterator[str]:
    """The lines to print: every form step as it is taken, then the episode as `render` shows it.

    Args:
        make: Makes the agent.
        env_id: A registered environment with the form door.
        families: Only tasks of these families; all if empty.
        seed: Seed of the episode.

    Raises:
        UsageError: If there is no such environment, the agent is made for another, or the seed is negative.
    """
    if seed < 0:
        raise UsageError(f"seed must be 0 or more; got {seed}")
    forms = [name for name in gym.registry if name.startswith("CrmEnvForm")]
    if env_id not in forms:
        raise UsageError(f"environment {env_id!r} has no form door; {near_miss(env_id, forms)}")
    keywords: dict[str, Any] = {"families": list(families)} if families else {}
    env: gym.Env[Any, Any] = gym.make(env_id, render_mode="ansi", **keywords)
    agent = make(env, seed)
    observation, info = env.reset(seed=seed)
    inner: Any = env.unwrapped
    over, step = False, 0
    while not over and step < MOST_STEPS:
        action, _ = agent.predict(observation)
        step += 1
        yield f"{step:3}  {said(inner, action)}"
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
        if info["error"]["code"]:
            yield f"     refused: {info['error']['message']}"
    yield ""
    yield str(env.render())
    env.close()


def said(env: CrmFormEnv, action: int) -> str:
    """A form step in words, with what it points at."""
    plan, words = layout(), layout().meaning(action)
    if not env.action_masks()[action]:  # what it points at need not be there
        return f"{words} (masked out)"
    if action in plan.values:
        return f"{words}: {env.sheet.values[action - plan.values.start].value!r}"
    if action in plan.rows:
        item = env.sheet.items[action - plan.rows.start]
        return f"{words}: {item.shape} {item.values.get('name') or item.whole or ''}".rstrip()
    if action == plan.submit:
        call = env.desk.call()
        return f"{words}: {call.tool} {dict(call.arguments)}"
    return words
