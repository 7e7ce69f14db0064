"""Rewards: a sum of named terms. The reward asks the verdict; it does not judge again."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from crm_gym.verify import Verdict

TERMS = ("success", "failure", "progress", "step", "refused")
"""Names of the terms, in the order of `info["reward_terms"]`."""


class RewardConfig(BaseModel):
    """What an episode pays.

    Attributes:
        success: Paid once, when the episode ends in success.
        failure: Paid once, when the agent ends the episode without success.
        progress: Weight of the change of `Verdict.progress` in a step (potential-based: its sum over an
            episode depends on the last state alone. Ng, Harada and Russell 1999, with discount 1).
        step: Paid each step; a cost is negative.
        refused: Paid each step whose call is refused or malformed; a cost is negative.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    success: float = Field(1.0, description="paid once, when the episode ends in success")
    failure: float = Field(0.0, description="paid once, when the agent ends the episode without success")
    progress: float = Field(0.0, description="weight of the change in progress of a step (potential-based)")
    step: float = Field(0.0, description="paid each step; a cost is negative")
    refused: float = Field(0.0, description="paid each refused or malformed call; a cost is negative")


def terms(config: RewardConfig, before: Verdict, after: Verdict, *, refused: bool, over: bool) -> dict[str, float]:
    """The terms of one step; the reward is their sum.

    Args:
        config: The weights.
        before: The verdict before the step.
        after: The verdict after it.
        refused: Whether the call was refused or malformed.
        over: Whether the episode ends with this step.
    """
    return {
        "success": config.success if over and after.success else 0.0,
        "failure": config.failure if over and not after.success else 0.0,
        "progress": config.progress * (after.progress - before.progress),
        "step": config.step,
        "refused": config.refused if refused else 0.0,
    }
