"""Rewards: a sum of named terms. The reward asks the verdict; it does not judge again."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_gym.errors import UsageError, near_miss
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

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    success: float = Field(1.0, description="paid once, when the episode ends in success")
    failure: float = Field(0.0, description="paid once, when the agent ends the episode without success")
    progress: float = Field(0.0, description="weight of the change in progress of a step (potential-based)")
    step: float = Field(0.0, description="paid each step; a cost is negative")
    refused: float = Field(0.0, description="paid each refused or malformed call; a cost is negative")


_DEFAULT = RewardConfig()  # type: ignore[call-arg]  # shared: it is frozen


def config_of(reward: Mapping[str, float] | RewardConfig | None) -> RewardConfig:
    """A config from what an environment was given.

    Raises:
        UsageError: If a term does not exist or its weight is no finite number.
    """
    if reward is None:
        return _DEFAULT
    if isinstance(reward, RewardConfig):
        return reward
    try:
        return RewardConfig(**(reward or {}))
    except (ValidationError, TypeError) as fault:
        names = [str(error["loc"][-1]) for error in fault.errors()] if isinstance(fault, ValidationError) else []
        hints = "; ".join(f"{name!r}: {near_miss(name, TERMS)}" for name in names) or str(fault)
        raise UsageError(f"reward must map terms to numbers; {hints}") from None


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


class Reward:
    """A config at work. Most steps end in one of a few ways, whose terms are worked out once.

    Attributes:
        config: The weights.
    """

    __slots__ = ("_known", "_weight", "config")

    def __init__(self, config: RewardConfig) -> None:
        self.config = config
        self._weight = config.progress
        self._known: dict[tuple[bool, bool, bool], tuple[dict[str, float], float]] = {}  # eight at most

    def pay(self, before: Verdict, after: Verdict, refused: bool, over: bool) -> tuple[dict[str, float], float]:
        """The terms of one step (see `terms`), the caller's own, and their sum."""
        success, progress = after[0], after[1]  # by place: half the price of a name
        if after is not before:
            change = progress - before[1]
            if change < 0 or (change and self._weight):  # only else the term of progress is the same for all
                made = terms(self.config, before, after, refused=refused, over=over)
                return made, sum(made.values())
        outcome = (success, refused, over)
        known = self._known.get(outcome)
        if known is None:
            made = terms(self.config, before, after, refused=refused, over=over)
            known = self._known[outcome] = made, sum(made.values())
        return known[0].copy(), known[1]
