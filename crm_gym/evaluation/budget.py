"""What a run may use: calls, tokens, money, time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable

from crm_gym.errors import BudgetSpent, UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.records import EpisodeRecord, SpentRecord


class Budget:
    """What a run may use in all. It is asked before every model call, so it is overshot by a call a worker at most.

    Calls are counted by tries: each request to the model is one, whether it comes to a reply or not, so they may be
    more than the model calls in the log. (A client that asks again by itself, without `crm_agents.llm.retry`, hides its
    tries.) Tokens and money are counted for every reply, also for one that cannot be read; what came to none (a status
    of error, time that ran out, a broken connection) is taken as not billed. A reply that does not say what it took
    stops a run whose tokens or money are limited.

    A resumed run counts what the log says: episodes with all their attempts, and what was spent on episodes that were
    cut off when a run stopped. It does not know of tries that came to no reply in episodes that have ended, nor of what
    a program that was killed had spent on unfinished ones.

    Args:
        calls: Requests to the model.
        tokens: Tokens of all kinds.
        cost: US dollars.
        seconds: Wall-clock time; that of a resumed run begins anew.
        clock: Seconds from any beginning; never goes back.

    Raises:
        UsageError: If a number is below 0 or none.
    """

    def __init__(
        self,
        calls: int | None = None,
        tokens: int | None = None,
        cost: float | None = None,
        seconds: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        limits = {"calls": calls, "tokens": tokens, "cost": cost, "seconds": seconds}
        for name, limit in limits.items():
            if limit is not None and not _is_amount(limit):
                raise UsageError(f"budget: {name} must be a number of 0 or more; got {limit!r}")
        self.limits: dict[str, float] = {name: limit for name, limit in limits.items() if limit is not None}
        self.used: dict[str, float] = dict.fromkeys(("calls", "tokens", "cost"), 0)
        self._clock, self._began = clock, clock()
        self._lock = threading.Lock()

    def begin(self, records: Iterable[EpisodeRecord | SpentRecord] = ()) -> None:
        """Start the clock, and count what a resumed run has used before.

        Args:
            records: The episodes in its log, and what was spent beside them.

        Raises:
            UsageError: If money is limited and the cost of one of them is not known.
        """
        self.used = dict.fromkeys(("calls", "tokens", "cost"), 0)
        self._began = self._clock()
        for record in records:
            if record["tokens"] is not None:  # also without a reply: a try may have been paid for
                self._count(record["calls"], sum(record["tokens"].values()), record["cost"])

    def before_call(self) -> None:
        """Called before each model call, and before each episode.

        Raises:
            BudgetSpent: If there is nothing left; says of what.
        """
        if not self.limits:
            return
        used = {**self.used, "seconds": self._clock() - self._began} if "seconds" in self.limits else self.used
        for name, limit in self.limits.items():
            if used[name] >= limit:
                raise BudgetSpent(f"the budget is spent: {_said(name, used[name])} of {_said(name, limit)}")

    def after_call(self, tokens: Tokens, cost: float | None) -> None:
        """Called after each try of a model call, whatever came of it.

        Raises:
            UsageError: If money is limited and the cost is not known, or tokens are and they are not known.
        """
        if "tokens" in self.limits and not tokens.known:
            raise UsageError(
                "budget: tokens are limited, but a reply does not say what it took: limit calls in place of tokens"
            )
        self._count(1, tokens.total(), cost)

    def _count(self, calls: int, tokens: int, cost: float | None) -> None:
        if cost is None and "cost" in self.limits:
            raise UsageError(
                "budget: cost is limited, but a call's price is not known: give a table of prices that has the model, "
                "or, if it is the reply that does not say what it took, limit calls in place of cost"
            )
        with self._lock:
            self.used["calls"] += calls
            self.used["tokens"] += tokens
            self.used["cost"] += cost or 0.0


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _said(name: str, amount: float) -> str:
    if name == "cost":
        return f"{amount:.4f} US dollars"
    return (
        f"{amount:.1f} seconds" if name == "seconds" else f"{amount:,.0f} {'model calls' if name == 'calls' else name}"
    )
