"""An agent of rules: it reads a request as plain English, looks records up, makes the call, or declines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crm_agents.heuristic.calls import Call, Heard
from crm_agents.heuristic.plans import plan
from crm_agents.heuristic.reading import Reading
from crm_gym.spaces import NOT_CALLED, OK


@dataclass(frozen=True, slots=True)
class Memory:
    """What the agent has heard in an episode, in order: its state."""

    heard: tuple[Heard, ...] = ()


class HeuristicAgent:
    """Reads requests by rules of English and of the tools' schemas; no model, no chance, no knowledge of any task.

    It passes on what a request says as it stands, and turns the request down with the code and the field of the CRM's
    own refusal. One object can play many episodes at a time: what belongs to one is in the state, which is never
    changed in place. Fed the same observations it predicts the same calls.
    """

    def predict(
        self, observation: Any, state: Memory | None = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[dict[str, Any], Memory]:
        """The next call and what has been heard so far; see `crm_gym.Agent`.

        Args:
            observation: A mapping with request, today, status and result as the text door gives them.
            state: What the last call returned; None begins an episode.
            episode_start: Whether the observation is an episode's first: what was heard before is forgotten.
            deterministic: Makes no difference.
        """
        if state is None or episode_start is True or observation["status"] == NOT_CALLED:
            state = Memory()
        else:
            state = Memory((*state.heard, _heard(observation)))
        call = next_call(Reading.of(observation), state.heard)
        return {"tool": call.tool, "arguments": call.arguments}, state


def next_call(reading: Reading, heard: tuple[Heard, ...]) -> Call:
    """The call that comes after all that was heard: the plan is gone through anew."""
    going = plan(reading)
    try:
        call = next(going)
        for one in heard:
            call = going.send(one)
    except StopIteration:
        return Call("finish", {})
    return call


def _heard(observation: Mapping[str, Any]) -> Heard:
    try:
        value = json.loads(observation["result"])
    except ValueError:  # cut, as too long
        value = None
    return Heard(observation["status"] == OK and value is not None, value)
