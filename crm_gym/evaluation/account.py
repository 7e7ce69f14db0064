"""What an agent with a model keeps of an episode, and what a harness gives it: the seam between the two."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from crm_gym.evaluation.records import SlipRecord


@dataclass(slots=True)
class Tokens:
    """Tokens by kind; the kinds exclude one another.

    Attributes:
        input: Neither read from nor written to a cache.
        output: Written by the model, its thoughts included.
        cache_read: Read from a cache.
        cache_write: Written to a cache.
        known: Whether that is all: False once a reply did not say what it took. Then their price is not known.
    """

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0
    known: bool = True

    def add(self, other: Tokens) -> None:
        """Add others to these."""
        self.input += other.input
        self.output += other.output
        self.cache_read += other.cache_read
        self.cache_write += other.cache_write
        self.known = self.known and other.known

    def total(self) -> int:
        """All of them."""
        return self.input + self.output + self.cache_read + self.cache_write

    def as_json(self) -> dict[str, int]:
        """By kind."""
        return {
            "input": self.input,
            "output": self.output,
            "cache_read": self.cache_read,
            "cache_write": self.cache_write,
        }


@dataclass(slots=True)
class Account:
    """What an episode has cost so far, and what the model said; the agent adds to it at every model call.

    Attributes:
        calls: Model calls that came to a reply, also to one that could not be read; not the tries before it, nor calls
            that came to none (an error's status, time that ran out, a connection or a body that broke off).
        tokens: What they took, and tries that came to nothing and were paid for all the same.
        cost: The price of all that in US dollars; None as soon as a part of it is not known.
        latency: Seconds spent waiting for replies.
        slips: What was wrong with replies.
        said: The text of the latest reply, "" if it had none.
    """

    calls: int = 0
    tokens: Tokens = field(default_factory=Tokens)
    cost: float | None = 0.0
    latency: float = 0.0
    slips: list[SlipRecord] = field(default_factory=list)
    said: str = ""

    def add(self, tokens: Tokens, cost: float | None, latency: float, calls: int = 1) -> None:
        """Count one call; or with `calls` 0 what was paid for a try that came to no reply."""
        self.calls += calls
        self.tokens.add(tokens)
        self.cost = None if cost is None or self.cost is None else self.cost + cost
        self.latency += latency


class Spend(Protocol):
    """What a run may still spend; a harness hands one to the agent at every episode's start."""

    def before_call(self) -> None:
        """Called before each try of a model call.

        Raises:
            BudgetSpent: If there is nothing left: the agent lets it pass through.
        """

    def after_call(self, tokens: Tokens, cost: float | None) -> None:
        """Called after each try of a model call, whatever came of it.

        Args:
            tokens: What it took; none where the provider answered with an error, or did not answer.
            cost: Its price, None if that is not known.
        """


@runtime_checkable
class ModelAgent(Protocol):
    """An agent with a model behind it, besides `predict`.

    One object plays all episodes, many at a time if it has `apredict`: what belongs to an episode is in its state.

    Attributes:
        model: Name of the model.
        prompt: 16 hexadecimal digits: hash of its prompt and tools.
    """

    model: str | None
    prompt: str | None

    def start(self, label: str, spend: Spend | None = None) -> Any:
        """The state of a new episode, given to the first `predict` in place of None.

        The state has an attribute `account` (`Account`), kept up to date in place: it can be read after `predict` has
        raised AgentError or InfraError, too.

        Args:
            label: What names the episode among all of a run: a task, a seed and a trial.
            spend: What the run may still spend.
        """

    def describe(self) -> dict[str, Any]:
        """Everything that decides what the agent does, as plain JSON without secrets: goes into the log."""


@runtime_checkable
class AsyncAgent(Protocol):
    """An agent that waits for others while it predicts: many of its episodes can be played at a time."""

    async def apredict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """As `Agent.predict`."""
