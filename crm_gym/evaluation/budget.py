"""What a run may use: calls, tokens, money, time."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterable

from crm_gym.errors import BudgetSpent, UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.records import EpisodeRecord


class Budget:
    """What a run may use in all. It is asked before every model call, so it is overshot by a call a worker at most.

    What an episode has used that was cut off before its end stands in no log: a resumed run does not know of it.

    Args:
        calls: Model calls.
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

    def begin(self, records: Iterable[EpisodeRecord] = ()) -> None:
        """Start the clock, and count what the episodes of a resumed log have used.

        Raises:
            UsageError: If money is limited and an episode's cost is not known.
        """
        self.used = dict.fromkeys(("calls", "tokens", "cost"), 0)
        self._began = self._clock()
        for record in records:
            if record["calls"]:
                tokens = sum((record["tokens"] or {}).values())
                self._count(record["calls"], tokens, record["cost"])

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
        """Called after each model call that came to a reply.

        Raises:
            UsageError: If money is limited and the cost is not known.
        """
        self._count(1, tokens.total(), cost)

    def _count(self, calls: int, tokens: int, cost: float | None) -> None:
        if cost is None and "cost" in self.limits:
            raise UsageError(
                "budget: cost is limited, but a call's price is not known: give a table of prices that has the model, "
                "or limit tokens or calls in place of cost"
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
