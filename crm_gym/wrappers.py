"""Wrappers: each changes one thing."""

from __future__ import annotations

from collections import deque
from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

from crm_gym.errors import UsageError
from crm_gym.tasks.splits import GENERATED

LEVELS = (1, 5)


class Curriculum(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Follows the agent's success rate: harder generated tasks when it succeeds, easier ones when it fails.

    The level of an episode is the current one, or, for a share of episodes, a lower one, so that what was learnt is
    not lost. After `window` episodes on the current level their success rate decides: from `raise_at` on the level
    goes up, down to `lower_at` it goes down, and a new window begins. Episodes that an outage ended do not count,
    nor those whose task was chosen by an option. Levels that the environment's families do not have are passed over.

    Seeds and the outcomes so far fix everything. Every info has "curriculum": level (the current one), played (this
    episode's), rate (of the present window, 0 while it is empty), counted (episodes in it).

    Args:
        env: An environment with suite "generated" and no level of its own.
        window: Episodes to judge by.
        raise_at: Success rate from which on the level goes up.
        lower_at: Success rate down to which the level goes down.
        review: Share of episodes on lower levels.
        start: The first level, 1 to 5.

    Raises:
        UsageError: If the environment plays another suite or a fixed level, or a number is out of bounds; at reset,
            if its families come in no level at all.
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        window: int = 20,
        raise_at: float = 0.8,
        lower_at: float = 0.2,
        review: float = 0.2,
        start: int = LEVELS[0],
    ) -> None:
        RecordConstructorArgs.__init__(
            self, window=window, raise_at=raise_at, lower_at=lower_at, review=review, start=start
        )
        gym.Wrapper.__init__(self, env)
        source = getattr(getattr(env.unwrapped, "sampler", None), "source", None)
        if source is None or source.level is not None:
            raise UsageError(f"Curriculum needs an environment with suite={GENERATED!r} and level=None")
        if type(window) is not int or window < 1 or type(start) is not int or not LEVELS[0] <= start <= LEVELS[1]:
            raise UsageError(f"window must be 1 or more and start a level from 1 to 5; got {window!r} and {start!r}")
        shares = (lower_at, raise_at, review)
        if not all(isinstance(share, int | float) for share in shares):
            raise UsageError(f"lower_at, raise_at and review must be numbers; got {shares!r}")
        if not (0 <= lower_at < raise_at <= 1 and 0 <= review < 1):
            raise UsageError(
                "lower_at must be below raise_at, both from 0 to 1, and review from 0 to below 1; "
                f"got {lower_at!r}, {raise_at!r} and {review!r}"
            )
        self.window, self.raise_at, self.lower_at, self.review = window, raise_at, lower_at, review
        self.level = self.played = start
        self._outcomes: deque[bool] = deque(maxlen=window)
        self._counts = False  # whether the episode under way is one to judge by
        self._missing: set[int] = set()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode on the level that is due; options of one's own go before."""
        if options:
            observation, info = self.env.reset(seed=seed, options=options)
            self.played, self._counts = self.env.unwrapped.task.difficulty, False  # type: ignore[attr-defined]
            return observation, self._noted(info)
        self._adjust()
        if seed is not None:
            self.env.reset(seed=seed)  # the draw of the level comes from the new seed too
        while True:
            self.played = self._due()
            try:
                observation, info = self.env.reset(options={"level": self.played})
            except UsageError:
                self._pass_over(self.played)
                continue
            self._counts = self.played == self.level
            return observation, self._noted(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Play on; the end of an episode on the current level is counted."""
        observation, reward, terminated, truncated, info = self.env.step(action)
        if (terminated or truncated) and self._counts:
            self._counts = False
            if "infra_error" not in info:
                self._outcomes.append(bool(info["is_success"]))
        return observation, reward, terminated, truncated, self._noted(info)

    def _adjust(self) -> None:
        if len(self._outcomes) < self.window:
            return
        rate = sum(self._outcomes) / self.window
        step = int(rate >= self.raise_at) - int(rate <= self.lower_at)
        ahead = [level for level in self._there() if (level - self.level) * step > 0]
        if ahead:
            self.level = min(ahead, key=lambda level: abs(level - self.level))
            self._outcomes.clear()

    def _there(self) -> list[int]:
        """The levels that may come."""
        return [level for level in range(LEVELS[0], LEVELS[1] + 1) if level not in self._missing]

    def _due(self) -> int:
        rng = self.env.unwrapped.np_random
        below = [level for level in self._there() if level < self.level]
        if below and rng.random() < self.review:
            return below[int(rng.integers(len(below)))]
        return self.level

    def _pass_over(self, level: int) -> None:
        """Leave out a level that no task comes in; if it is the current one, go on with the nearest, rather easier."""
        self._missing.add(level)
        there = self._there()
        if not there:
            raise UsageError("Curriculum: the environment's families come in no level")
        if level == self.level:
            self.level = min(there, key=lambda other: (abs(other - level), other))
            self._outcomes.clear()

    def _noted(self, info: dict[str, Any]) -> dict[str, Any]:
        counted = len(self._outcomes)
        rate = sum(self._outcomes) / counted if counted else 0.0
        return {
            **info,
            "curriculum": {"level": self.level, "played": self.played, "rate": rate, "counted": counted},
        }
