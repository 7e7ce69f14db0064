"""Counting what the tries of a model call take, for the episode and for the run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from crm_agents.llm.chat import Reply
from crm_agents.llm.faults import ModelFault, PassingFault, SetupFault
from crm_gym.evaluation.account import Account, Spend, Tokens


class HasPrices(Protocol):
    """What knows what tokens cost."""

    def cost(self, model: str, tokens: Tokens) -> float | None:
        """US dollars, None if a price is not known."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Whom to tell. It holds nothing of the agent: a request carries it, and a client may keep requests.

    Attributes:
        account: The episode's.
        spend: What the run may spend, None without a limit.
        prices: What tokens cost, None if that is not known.
        model: The model's name.
    """

    account: Account
    spend: Spend | None
    prices: HasPrices | None
    model: str

    def replied(self, reply: Reply) -> None:
        """Count a reply."""
        self._count(reply.tokens, reply.latency, calls=1)

    def failed(self, fault: ModelFault) -> None:
        """Count a try that came to a fault: as a call of the run, and at its price if something came that is billed."""
        if fault.tokens is not None:
            self._count(fault.tokens, 0.0, calls=0 if isinstance(fault, PassingFault) else 1)
        elif self.spend is not None and not isinstance(fault, SetupFault):  # that stops the run, and says why
            self.spend.after_call(Tokens(), 0.0)

    def again(self, fault: ModelFault) -> None:
        """Count a try, and see whether there may be another.

        Raises:
            BudgetSpent: If there may not.
        """
        self.failed(fault)
        if self.spend is not None:
            self.spend.before_call()

    def _count(self, tokens: Tokens, latency: float, calls: int) -> None:
        cost = None if self.prices is None else self.prices.cost(self.model, tokens)
        self.account.add(tokens, cost, latency, calls)
        if self.spend is not None:
            self.spend.after_call(tokens, cost)
