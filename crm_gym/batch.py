"""Many episodes behind one `step`: seeds, autoreset, limits and statistics of a batch, whatever is played in it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from crm_gym.errors import UsageError, near_miss
from crm_gym.infos import Infos
from crm_gym.keywords import shown, whole_number

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Step = tuple[Any, Floats, Bools, Bools, Infos]

_MASK = "reset_mask"
_NO_LIMIT = -1  # Gymnasium's own word for it


class BatchedEnv(VectorEnv[Any, Any, Any], ABC):
    """The part of a batched environment that is the same whatever is played.

    It gives, transition by transition, what `SyncVectorEnv` gives for the same environments under `TimeLimit`. Every
    array handed out is the caller's own.

    A kind of environment brings six methods: `read_actions`, `play`, `reset_one`, `observations`, `infos`, `finals`.

    Args:
        num_envs: How many environments.
        max_episode_steps: Steps after which an episode is truncated; None or -1 for no limit.
        autoreset_mode: "NextStep", "SameStep" or "Disabled"; see `gymnasium.vector.AutoresetMode`.
        statistics: Put return, length and seconds of ended episodes into infos under "episode", in the form of
            `gymnasium.wrappers.vector.RecordEpisodeStatistics`.
        observation_space: What one environment shows.
        action_space: What one environment takes.

    Attributes:
        rewards: Of the last step; `play` fills in those of the environments it plays.
        terminations: The same of ends.
        truncations: The same of ends that are nobody's doing; the limit is added by the batch.
        lengths: Steps of the episodes under way.
        returns: Their rewards so far.

    Raises:
        UsageError: If a keyword is wrong.
    """

    def __init__(
        self,
        num_envs: int,
        max_episode_steps: int | None,
        autoreset_mode: str | AutoresetMode,
        statistics: bool,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
    ) -> None:
        count = whole_number(num_envs)
        if count is None or count < 1:
            raise UsageError(f"num_envs must be a whole number from 1; got {shown(num_envs)}")
        if type(statistics) is not bool:
            raise UsageError(f"statistics must be true or false; got {statistics!r}")
        self.num_envs = num_envs = count
        self.autoreset_mode = _mode_of(autoreset_mode)
        self.metadata = {**type(self).metadata, "autoreset_mode": self.autoreset_mode}
        self.statistics = statistics
        self.max_episode_steps = _limit_of(max_episode_steps)
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = _batched(observation_space, num_envs)
        self.action_space = _batched(action_space, num_envs)
        self.rewards = np.zeros(num_envs, np.float64)
        self.terminations, self.truncations = np.zeros(num_envs, np.bool_), np.zeros(num_envs, np.bool_)
        self.lengths, self.returns = np.zeros(num_envs, np.int64), np.zeros(num_envs, np.float64)
        self._began = np.zeros(num_envs, np.float64)
        self._all = range(num_envs)
        self._ready = False  # whether all have been reset once

    @abstractmethod
    def read_actions(self, actions: Any) -> Any:
        """The actions of a step in the form that `play` wants; what is no batch is refused before anything is played.

        Raises:
            UsageError: If there is not one action for each environment.
        """

    @abstractmethod
    def play(self, actions: Any, places: Sequence[int]) -> None:
        """Play one step in the environments of these places, and set `rewards`, `terminations`, `truncations` there."""

    @abstractmethod
    def reset_one(self, place: int, seed: int | None, options: dict[str, Any] | None) -> None:
        """Begin an episode in one environment."""

    @abstractmethod
    def observations(self) -> Any:
        """What all environments show now, batched: the caller's own."""

    @abstractmethod
    def infos(self) -> Infos:
        """Infos of the environments that were played or reset since this was last asked, merged; the caller's own."""

    @abstractmethod
    def finals(self, places: list[int]) -> tuple[list[Any], Infos]:
        """Observations, one by one, and merged infos of episodes that have ended and are about to be left.

        They are not told by `infos` again.
        """

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, Infos]:
        """Begin episodes.

        Args:
            seed: None, the first environment's (the next ones have the next numbers), or one for each environment.
            options: Options for every environment; under "reset_mask" a bool array of those to reset, if not all.

        Raises:
            UsageError: If a seed is none, there is not one for each environment, or the mask is none. Then nothing is
                reset.
            ResetNeeded: If a mask leaves out environments before all have been reset once.
        """
        seeds = self._seeds(seed)
        places: Sequence[int] = self._all
        if options is not None and _MASK in options:
            places = self._masked(options[_MASK])
            options = {name: value for name, value in options.items() if name != _MASK}
        if not self._ready and len(places) < self.num_envs:
            raise ResetNeeded(f"the first reset must be of all environments, without {_MASK}")
        for place in places:
            self.reset_one(place, seeds[place], options)
        self._begun(places)
        self._ready = True
        self.terminations[places] = self.truncations[places] = False
        return self.observations(), self.infos()

    def step(self, actions: Any) -> Step:
        """Play one action in each environment; what becomes of ended episodes is the autoreset mode's business.

        Raises:
            UsageError: If there is not one action for each environment.
            ResetNeeded: Before the first reset; in mode "Disabled" also for an episode that has ended.
        """
        if not self._ready:
            raise ResetNeeded("no episode has begun; call reset() first")
        given = self.read_actions(actions)
        left: list[int] = []  # places whose action counts for nothing, as the episode is over
        if self.autoreset_mode is not AutoresetMode.SAME_STEP:
            left = np.flatnonzero(self.terminations | self.truncations).tolist()
        if not left:
            self._play(given, self._all)
        elif self.autoreset_mode is AutoresetMode.DISABLED:
            raise ResetNeeded(f"episodes are over: reset(options={{'reset_mask': ...}}) first those of {left}")
        else:
            over = self.terminations | self.truncations
            self.rewards[left] = 0.0
            self.terminations[left] = self.truncations[left] = False
            self._play(given, np.flatnonzero(~over).tolist())
            self._restart(left)
        ended = self._ended()
        told = self.infos() | ended
        outcome = self.rewards.copy(), self.terminations.copy(), self.truncations.copy()
        return self.observations(), *outcome, told

    def _play(self, given: Any, places: Sequence[int]) -> None:
        """Play, and count."""
        self.play(given, places)
        where: Any = slice(None) if places is self._all else places
        self.lengths[where] += 1
        self.returns[where] += self.rewards[where]
        if self.max_episode_steps is not None:
            self.truncations[where] |= self.lengths[where] >= self.max_episode_steps

    def _ended(self) -> Infos:
        """What is told of the episodes that end with this step; in mode "SameStep" the next ones begin."""
        over = self.terminations | self.truncations
        if not over.any():
            return {}
        infos: Infos = {}
        if self.statistics:
            infos["episode"] = {
                "r": np.where(over, self.returns, 0.0),
                "l": np.where(over, self.lengths, 0),
                "t": np.where(over, np.round(time.perf_counter() - self._began, 6), 0.0),
            }
            infos["_episode"] = over
        if self.autoreset_mode is AutoresetMode.SAME_STEP:
            places = np.flatnonzero(over).tolist()
            observations, final_info = self.finals(places)
            shown = np.full(self.num_envs, None, dtype=object)
            for place, observation in zip(places, observations, strict=True):
                shown[place] = observation
            infos |= {"final_obs": shown, "_final_obs": over.copy()}
            infos |= {"final_info": final_info, "_final_info": over.copy()}
            self._restart(places)
        return infos

    def _restart(self, places: Sequence[int]) -> None:
        for place in places:
            self.reset_one(place, None, None)
        self._begun(places)

    def _begun(self, places: Sequence[int]) -> None:
        where: Any = slice(None) if places is self._all else places
        self.lengths[where] = 0
        self.returns[where] = 0.0
        if self.statistics:
            self._began[where] = time.perf_counter()

    def _seeds(self, seed: Any) -> Sequence[int | None]:
        """A seed for each environment; all are looked at before anything is reset."""
        if seed is None:
            return [None] * self.num_envs
        first = whole_number(seed)
        if first is not None:
            return range(_seed_of(first), first + self.num_envs)
        seeds = seed.tolist() if isinstance(seed, np.ndarray) else seed
        if not isinstance(seeds, Sequence) or isinstance(seeds, str | bytes):
            raise UsageError(
                f"reset takes as seed a whole number, or a list with one for each environment; got {shown(seed)}"
            )
        if len(seeds) != self.num_envs:
            raise UsageError(
                f"a list of seeds needs one for each of the {self.num_envs} environments; got {len(seeds)}"
            )
        return [None if one is None else _seed_of(one) for one in seeds]

    def _masked(self, mask: object) -> list[int]:
        """The places a mask speaks of."""
        if not isinstance(mask, np.ndarray) or mask.dtype != np.bool_ or mask.shape != (self.num_envs,):
            raise UsageError(f"option {_MASK} must be an array of {self.num_envs} bools; got {mask!r}")
        if not mask.any():
            raise UsageError(f"option {_MASK} names no environment to reset")
        places: list[int] = np.flatnonzero(mask).tolist()
        return places


def _batched(space: spaces.Space[Any], size: int) -> spaces.Space[Any]:
    """The space of a batch, as `batch_space` has it; but nothing is held once for each environment.

    Texts share one space, which takes 10 kB with its tables, and the bounds of numbers are views of those of one.
    """
    if isinstance(space, spaces.Dict):
        return spaces.Dict({name: _batched(part, size) for name, part in space.items()})
    if isinstance(space, spaces.Text):
        return spaces.Tuple((space,) * size)
    if isinstance(space, spaces.Box):
        made = batch_space(space, 1)
        made._shape = shape = (size, *space.shape)
        for name in ("low", "high", "bounded_below", "bounded_above"):
            setattr(made, name, np.broadcast_to(getattr(space, name), shape))
        return made
    return batch_space(space, size)


def _mode_of(mode: str | AutoresetMode) -> AutoresetMode:
    known = [one.value for one in AutoresetMode]
    if isinstance(mode, AutoresetMode):
        return mode
    if mode not in known:
        raise UsageError(f"autoreset_mode {mode!r} does not exist; {near_miss(mode, known)}")
    return AutoresetMode(mode)


def _seed_of(seed: object) -> int:
    number = whole_number(seed)
    if number is None or number < 0:
        raise UsageError(f"a seed must be a whole number from 0; got {shown(seed)}")
    return number


def _limit_of(steps: int | None) -> int | None:
    limit = whole_number(steps)
    if steps is None or limit == _NO_LIMIT:
        return None
    if limit is None or limit < 1:
        raise UsageError(f"max_episode_steps must be a whole number from 1, or None; got {shown(steps)}")
    return limit
