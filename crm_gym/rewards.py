"""Rewards: a sum of named terms. The reward asks the verdict; it does not judge again.

Three terms are shaping: a weight times `discount * potential(after) - potential(before)` (Ng, Harada and Russell 1999).
The potentials are the verdict's progress, less its excess, and how far an open form is filled, which is 0 while no form
is open. So loops earn nothing, and over an episode only the last state counts:

- `kept` 1, the default: an end keeps what it came to, for a failed one that is partial credit. What is best stays best
  in every state from which solving the task pays more than failing, if discount is 1 and no weight is below 0.
- `kept` 0: the end gives everything back (the potential of an end is 0, as in theory). What is best stays best in
  every state, whatever the weights and costs, for a learner with the same discount.

A limit of steps is no end: nothing is given back there, and a learner goes on from its own value of the last state.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_gym.errors import UsageError, near_miss
from crm_gym.verify import Verdict

TERMS = ("success", "failure", "progress", "collateral", "filled", "step", "refused", "form")
"""Names of the terms, in the order of `info["reward_terms"]`."""


class RewardConfig(BaseModel):
    """What an episode pays.

    Attributes:
        success: Paid once, when the episode ends in success.
        failure: Paid once, when the agent ends the episode without success.
        progress: Weight of the change of `Verdict.progress` (shaping).
        collateral: Weight of the change of `Verdict.excess`, net changes nobody asked for: each costs it once, and
            pays it back when undone (shaping).
        filled: Weight of the change of the share of a form that is filled (shaping); 0 at the text door.
        step: Paid each call; a cost is negative.
        refused: Paid each call that is refused or malformed; a cost is negative.
        form: Paid each step of a form that submits nothing; a cost is negative.
        discount: The learner's discount, for the shaping terms.
        kept: Share of the potential that the end of an episode keeps.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    success: float = Field(1.0, description="paid once, when the episode ends in success")
    failure: float = Field(0.0, description="paid once, when the agent ends the episode without success")
    progress: float = Field(0.0, description="weight of the change in progress of a step (potential-based)")
    collateral: float = Field(
        0.0, description="weight of the net changes nobody asked for: each costs it, undone pays it (potential-based)"
    )
    filled: float = Field(0.0, description="weight of the change in how far a form is filled (potential-based)")
    step: float = Field(0.0, description="paid each call; a cost is negative")
    refused: float = Field(0.0, description="paid each refused or malformed call; a cost is negative")
    form: float = Field(0.0, description="paid each step of a form that submits nothing; a cost is negative")
    discount: float = Field(1.0, ge=0, le=1, description="no term: the learner's discount, for potential-based terms")
    kept: float = Field(
        1.0, ge=0, le=1, description="no term: the share of potential an end keeps; 0 leaves optimal policies unchanged"
    )


_DEFAULT = RewardConfig()  # type: ignore[call-arg]  # shared: it is frozen
_NAMES = tuple(RewardConfig.model_fields)


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
        hints = _hints(fault) if isinstance(fault, ValidationError) else str(fault)
        raise UsageError(f"reward must map terms to numbers; {hints}") from None


def _hints(fault: ValidationError) -> str:
    """What is wrong with each weight, or which name was meant."""
    wrong = {str(error["loc"][0]): error["msg"] for error in fault.errors()}
    return "; ".join(f"{name!r}: {said if name in _NAMES else near_miss(name, _NAMES)}" for name, said in wrong.items())


def terms(
    config: RewardConfig, before: Verdict, after: Verdict, *, refused: bool, over: bool, filled: float = 0.0
) -> dict[str, float]:
    """The terms of one call; the reward is their sum.

    Args:
        config: The weights.
        before: The verdict before the call.
        after: The verdict after it.
        refused: Whether the call was refused or malformed.
        over: Whether the episode ends with this call.
        filled: How far the form was filled that submitted it, from 0 to 1; after it none is open.
    """
    share = config.discount * config.kept if over else config.discount
    return {
        "success": config.success if over and after.success else 0.0,
        "failure": config.failure if over and not after.success else 0.0,
        "progress": _shaped(config.progress, share, before.progress, after.progress),
        "collateral": _shaped(config.collateral, share, -before.excess, -after.excess),
        "filled": _shaped(config.filled, share, filled, 0.0),
        "step": config.step,
        "refused": config.refused if refused else 0.0,
        "form": 0.0,
    }


def form_terms(config: RewardConfig, progress: Any, excess: Any, before: Any, after: Any) -> dict[str, Any]:
    """The terms of one step of a form that submits nothing; the reward is their sum, in this order.

    The last four are numbers, or arrays of numbers with an element for each environment.

    Args:
        config: The weights.
        progress: The progress of the standing verdict.
        excess: Its count of net changes nobody asked for.
        before: How far the form was filled before the step, from 0 to 1; 0 if none was open.
        after: How far it is filled now.
    """
    return {
        "success": 0.0,
        "failure": 0.0,
        "progress": _shaped(config.progress, config.discount, progress, progress),
        "collateral": _shaped(config.collateral, config.discount, -excess, -excess),
        "filled": _shaped(config.filled, config.discount, before, after),
        "step": 0.0,
        "refused": 0.0,
        "form": config.form,
    }


def _shaped(weight: float, discount: float, before: Any, after: Any) -> Any:
    """What a potential pays; a plain 0 without a weight."""
    return weight * (discount * after - before) if weight else 0.0


class Reward:
    """A config at work. Most steps end in one of a few ways, whose terms are worked out once.

    Attributes:
        config: The weights.
    """

    __slots__ = ("_fades", "_known", "_shapes", "_still", "config")

    def __init__(self, config: RewardConfig) -> None:
        self.config = config
        self._shapes = bool(config.progress or config.collateral or config.filled)
        self._fades = self._shapes and config.discount != 1  # then even a potential that stands still has its price
        self._known: dict[tuple[bool, bool, bool], tuple[dict[str, float], float]] = {}  # eight at most
        self._still = dict.fromkeys(TERMS, 0.0) | {"form": config.form}

    def pay(
        self, before: Verdict, after: Verdict, refused: bool, over: bool, filled: float = 0.0
    ) -> tuple[dict[str, float], float]:
        """The terms of one call (see `terms`), the caller's own, and their sum."""
        if self._shapes and (after is not before or over or filled or self._fades):
            made = terms(self.config, before, after, refused=refused, over=over, filled=filled)
            return made, sum(made.values())
        outcome = (after[0], refused, over)  # by place: half the price of a name
        known = self._known.get(outcome)
        if known is None:
            made = terms(self.config, before, after, refused=refused, over=over)
            known = self._known[outcome] = made, sum(made.values())
        return known[0].copy(), known[1]

    def fill(self, verdict: Verdict, before: float, after: float) -> tuple[dict[str, float], float]:
        """The terms of one step of a form that submits nothing (see `form_terms`), the caller's own, and their sum."""
        if self._fades or (self._shapes and before != after):
            made = form_terms(self.config, verdict.progress, verdict.excess, before, after)
            return made, sum(made.values())
        return self._still.copy(), self.config.form
