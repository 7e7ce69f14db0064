"""Asking again: the one place where a call to a model is repeated. The SDKs' own retries are off."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from typing import Protocol

from crm_agents.llm.chat import ModelClient, Reply, Request
from crm_agents.llm.faults import PassingFault
from crm_gym import UsageError


class Clock(Protocol):
    """What waits."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""


class RealClock:
    """The event loop's clock."""

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        await asyncio.sleep(seconds)


@dataclass
class VirtualClock:
    """A clock that waits for nobody: it only notes how long it was asked to.

    Attributes:
        now: Seconds that have gone by on it.
        waits: Each wait, in order.
    """

    now: float = 0.0
    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        """Let others run, and note the wait."""
        self.now += seconds
        self.waits.append(seconds)
        await asyncio.sleep(0)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often to ask, and how long to wait in between.

    The n-th wait is `base` times 2 to the (n - 1), at most `cap`, less a random part of it. If the provider says how
    long to wait, it is that long, up to `patience`, plus a random part of `base`, so that not all come back at once.

    Attributes:
        tries: How often to ask in all; 1 never asks again.
        base: Seconds of the first wait.
        cap: The longest wait of our own.
        jitter: The random part, between 0 (none) and 1 (all of it).
        patience: The longest wait that a provider is granted.

    Raises:
        UsageError: If a number is out of its bounds.
    """

    tries: int = 6
    base: float = 1.0
    cap: float = 60.0
    jitter: float = 0.5
    patience: float = 300.0

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise UsageError(f"retry.tries must be 1 or more (1 never asks again); got {self.tries}")
        for name, seconds in (("base", self.base), ("cap", self.cap), ("patience", self.patience)):
            if not 0 <= seconds <= 86_400:
                raise UsageError(f"retry.{name} must be seconds between 0 and 86,400; got {seconds}")
        if not 0 <= self.jitter <= 1:
            raise UsageError(f"retry.jitter must be between 0 (no chance in it) and 1; got {self.jitter}")

    def wait(self, failed: int, retry_after: float | None, chance: float) -> float:
        """Seconds to wait.

        Args:
            failed: How many tries have failed, from 1.
            retry_after: What the provider asks for, None if nothing.
            chance: A random number between 0 and 1.
        """
        if retry_after is not None:
            return min(max(retry_after, 0.0), self.patience) + self.base * self.jitter * chance
        whole = min(self.cap, self.base * 2.0 ** min(failed - 1, 60))
        return whole * (1 - self.jitter * chance)


def check_client(client: ModelClient) -> None:
    """Let a client that can tell beforehand say that it cannot be asked (UsageError)."""
    check = getattr(client, "check", None)
    if check is not None:
        check()


class Retrying:
    """A client that asks again while a fault may pass by itself.

    Args:
        client: Who is asked.
        policy: How often, and how long to wait.
        clock: What waits.
        rng: Where chance comes from; by default one of its own, other in every process: nothing that is kept of a run
            depends on it.

    Attributes:
        settings: The client's.
        api: The shape the client asks in.
        base_url: The client's server, None for the provider's own.
        retried: How many tries were repeated.
    """

    def __init__(
        self,
        client: ModelClient,
        policy: RetryPolicy | None = None,
        clock: Clock | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self.client, self.settings = client, client.settings
        self.api: str = getattr(client, "api", type(client).__name__)
        self.base_url: str | None = getattr(client, "base_url", client.settings.base_url)
        self.policy, self.clock, self.rng = policy or RetryPolicy(), clock or RealClock(), rng or random.Random()
        self.retried = 0

    def check(self) -> None:
        """As the client's."""
        check_client(self.client)

    async def ask(self, request: Request) -> Reply:
        """The client's reply; a fault that does not pass, or has not passed after all tries, goes on to the caller."""
        for failed in range(1, self.policy.tries):
            try:
                return await self.client.ask(request)
            except PassingFault as fault:
                wait = self.policy.wait(failed, fault.retry_after, self.rng.random())
                if request.again is not None:
                    request.again(fault)
            self.retried += 1
            await self.clock.sleep(wait)
        return await self.client.ask(request)

    async def aclose(self) -> None:
        """Close the client."""
        await self.client.aclose()
