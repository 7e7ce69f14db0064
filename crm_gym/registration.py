"""The registered environments: a table and a loop."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
from gymnasium.vector import VectorEnv

from crm_gym.tools import TOOLS

MAX_EPISODE_STEPS = 40
"""Enough for twelve calls, as many look-ups and ten questions."""

_INTENTS = ("opportunity", "client", "contact", "quote", "contract", "company", "document", "note")


def _of(intent: str) -> list[str]:
    return [tool.name for tool in TOOLS.values() if tool.intent == intent]


MAX_FORM_STEPS = 400
"""Enough for forty calls of ten form steps."""

IDS: dict[str, dict[str, Any]] = {
    "CrmEnv-v0": {},
    **{f"CrmEnv-{intent.title()}-v0": {"tasks": _of(intent)} for intent in _INTENTS},
    "CrmEnv-Refusals-v0": {"suite": "refusals"},
    "CrmEnv-Train-v0": {"suite": "generated", "split": "train"},
    "CrmEnv-Test-v0": {"suite": "generated", "split": "test"},
    "CrmEnv-Workflow-v0": {"suite": "generated", "families": ["workflow", "composition"]},
    "CrmEnv-Dialogue-v0": {"suite": "generated", "families": ["dialogue"]},
}
"""Every registered id and the keywords in which it differs from CrmEnv-v0."""


_TINY = {"tasks": ["CLO-001", "CLO-002", "CLO-004", "CLO-005", "CLO-006", "CLO-007"]}

FORM_IDS: dict[str, dict[str, Any]] = {
    "CrmEnvForm-v0": {},
    "CrmEnvForm-Train-v0": IDS["CrmEnv-Train-v0"],
    "CrmEnvForm-Test-v0": IDS["CrmEnv-Test-v0"],
    "CrmEnvForm-Workflow-v0": IDS["CrmEnv-Workflow-v0"],
    "CrmEnvForm-Tiny-v0": {**_TINY, "tools": ["opportunity_search", "clone_opportunity"]},
}
"""Every registered id of the form door and its keywords.

Tiny: six tasks, find a deal by its name and copy it. Chance alone does not fail there: random actions that keep to the
mask solve 26 % of its episodes within 400 steps.
"""


SLOTS_ID = "CrmEnvSlots-v0"
"""The id of the door whose action is a whole call."""


def registered() -> dict[str, tuple[dict[str, Any], int]]:
    """Every registered id, with its keywords and its limit of steps."""
    calls = {**IDS, SLOTS_ID: {}}
    return {
        **{name: (keywords, MAX_EPISODE_STEPS) for name, keywords in calls.items()},
        **{name: (keywords, MAX_FORM_STEPS) for name, keywords in FORM_IDS.items()},
    }


def register_all() -> None:
    """Register every id of `IDS` and `FORM_IDS`, and `SLOTS_ID`; ids that are registered already stay as they are."""
    for ids, entry_point, batched, steps in (
        (IDS, "crm_gym.env:CrmEnv", "crm_gym.vector:CrmVectorEnv", MAX_EPISODE_STEPS),
        (FORM_IDS, "crm_gym.form.env:CrmFormEnv", "crm_gym.form.vector:FormVectorEnv", MAX_FORM_STEPS),
    ):
        for env_id, kwargs in ids.items():
            if env_id not in gym.registry:
                gym.register(
                    env_id,
                    entry_point=entry_point,
                    vector_entry_point=batched,
                    kwargs=kwargs,
                    max_episode_steps=steps,
                )
    if SLOTS_ID not in gym.registry:
        gym.register(
            SLOTS_ID, entry_point="crm_gym.form.slots:CrmSlotsEnv", kwargs={}, max_episode_steps=MAX_EPISODE_STEPS
        )


def make_vec(
    env_id: str = "CrmEnv-v0", num_envs: int = 1, vectorization_mode: str = "sync", **kwargs: Any
) -> VectorEnv[Any, Any, Any]:
    """`gymnasium.make_vec` with what text needs.

    In AsyncVectorEnv's shared memory text observations go stale without an error; this hands them over by pipe.

    Args:
        env_id: A registered id.
        num_envs: How many environments.
        vectorization_mode: "sync" (one process), "async" (one process each), or "vector_entry_point" (one process, and
            faster: `CrmVectorEnv`, `FormVectorEnv`; what Gymnasium's own `make_vec` takes if it is given none).
        **kwargs: Keywords of `CrmEnv` and of `gymnasium.make_vec`.
    """
    if vectorization_mode == "async":
        kwargs["vector_kwargs"] = {"shared_memory": False, **(kwargs.get("vector_kwargs") or {})}
    return gym.make_vec(env_id, num_envs=num_envs, vectorization_mode=vectorization_mode, **kwargs)
