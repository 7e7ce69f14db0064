"""CrmVectorEnv: many episodes of the text door in one process."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode

from crm_gym.batch import BatchedEnv
from crm_gym.env import CrmEnv
from crm_gym.errors import UsageError
from crm_gym.infos import Infos, merged
from crm_gym.keywords import check_names


class CrmVectorEnv(BatchedEnv):
    """`CrmEnv` in a batch: what `SyncVectorEnv` gives, at a smaller price.

    Texts come as tuples of texts, numbers as arrays. Environments share tasks, worlds and spaces; each has its own
    generator, so that it plays the same episodes as a `CrmEnv` alone that is reset with its seed.

    A step takes a batch of canonical actions, `{"tool": numbers, "arguments": texts}`, or a list with one action for
    each environment, in any form that `CrmEnv` takes.

    Args:
        num_envs: How many environments.
        max_episode_steps: Steps after which an episode is truncated; None or -1 for no limit.
        autoreset_mode: "NextStep", "SameStep" or "Disabled".
        statistics: Put return, length and seconds of ended episodes into infos under "episode".
        **keywords: Keywords of `CrmEnv`.

    Attributes:
        envs: The environments, one by one, to look into; they are reset and stepped by the batch alone.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        **CrmEnv.metadata,
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        max_episode_steps: int | None = None,
        autoreset_mode: str | AutoresetMode = AutoresetMode.NEXT_STEP,
        statistics: bool = False,
        **keywords: Any,
    ) -> None:
        check_names("CrmVectorEnv", keywords, CrmVectorEnv, CrmEnv)
        first = CrmEnv(**keywords)
        super().__init__(
            num_envs, max_episode_steps, autoreset_mode, statistics, first.observation_space, first.action_space
        )
        self.render_mode = first.render_mode
        self.envs = (first, *(another(first) for _ in range(self.num_envs - 1)))
        self._seen: list[dict[str, Any]] = [{}] * self.num_envs
        self._news: list[Infos] = [{}] * self.num_envs  # empty: told already

    @property  # type: ignore[misc]
    def np_random(self) -> Any:
        """The generators, one for each environment."""
        return tuple(env.np_random for env in self.envs)

    @property
    def np_random_seed(self) -> Any:
        """The seeds, one for each environment."""
        return tuple(env.np_random_seed for env in self.envs)

    def read_actions(self, actions: Any) -> list[Any]:
        """The actions one by one; see the class.

        Raises:
            UsageError: If there is not one for each environment.
        """
        if isinstance(actions, Mapping):
            if not {"tool", "arguments"} <= actions.keys():
                raise UsageError(f"a batch of actions has tool and arguments; got {', '.join(map(str, actions))}")
            tools, texts = actions["tool"], actions["arguments"]
            self._count("tool", tools)
            self._count("arguments", texts)
            if isinstance(tools, np.ndarray):
                tools = tools.tolist()  # plain numbers are read faster
            return [{"tool": tool, "arguments": text} for tool, text in zip(tools, texts, strict=True)]
        if not isinstance(actions, list | tuple | np.ndarray):
            raise UsageError(f"step takes a batch of actions or a list of them; got {type(actions).__name__}")
        self._count("actions", actions)
        return list(actions)

    def play(self, actions: Sequence[Any], places: Sequence[int]) -> None:
        """One step in each of the environments of these places."""
        envs, seen, news = self.envs, self._seen, self._news
        rewards, ends, cuts = self.rewards, self.terminations, self.truncations
        for place in places:
            seen[place], rewards[place], ends[place], cuts[place], news[place] = envs[place].step(actions[place])

    def reset_one(self, place: int, seed: int | None, options: dict[str, Any] | None) -> None:
        """Begin an episode in one environment."""
        self._seen[place], self._news[place] = self.envs[place].reset(seed=seed, options=options)

    def observations(self) -> dict[str, Any]:
        """What all environments show now: texts as tuples, numbers as arrays."""
        seen = self._seen
        batch: dict[str, Any] = {}
        for name, space in self.single_observation_space.items():  # type: ignore[attr-defined]
            values = [observation[name] for observation in seen]
            if isinstance(space, spaces.Text):
                batch[name] = tuple(values)
            elif isinstance(space, spaces.Discrete):
                batch[name] = np.array(values, dtype=space.dtype)
            else:
                batch[name] = np.concatenate(values).reshape(self.num_envs, *space.shape)
        return batch

    def infos(self) -> Infos:
        """Infos since this was last asked."""
        batch = self._merged([place for place, info in enumerate(self._news) if info])
        self._news = [{}] * self.num_envs
        return batch

    def finals(self, places: list[int]) -> tuple[list[Any], Infos]:
        """Observations and infos of ended episodes; those that follow take their place."""
        return [self._seen[place] for place in places], self._merged(places)

    def render(self) -> tuple[Any, ...]:
        """What every environment renders."""
        return tuple(env.render() for env in self.envs)

    def close_extras(self, **_: Any) -> None:
        """Let go of databases, if there are any."""
        for env in self.envs:
            env.close()

    def _merged(self, places: list[int]) -> Infos:
        return merged(self.num_envs, places, [self._news[place] for place in places])

    def _count(self, what: str, values: Any) -> None:
        if isinstance(values, str | bytes | Mapping) or not hasattr(values, "__len__") or len(values) != self.num_envs:
            raise UsageError(f"{what} must be one for each of the {self.num_envs} environments; got {values!r:.100}")


def another(env: CrmEnv) -> CrmEnv:
    """An environment like that one, which has not been reset yet: with a generator and a database of its own."""
    made = copy.copy(env)
    made.sampler = copy.copy(env.sampler)
    made._backend = copy.copy(env._backend)
    return made
