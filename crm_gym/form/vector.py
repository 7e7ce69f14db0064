"""FormVectorEnv: many episodes of the numeric door in one process, its forms filled by array operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from gymnasium.vector import AutoresetMode

from crm_gym.batch import BatchedEnv
from crm_gym.env import CrmEnv
from crm_gym.errors import UsageError
from crm_gym.form import flat
from crm_gym.form.arrays import Arrays, Mask
from crm_gym.form.columns import FORM_COLUMNS, places
from crm_gym.form.desk import Desk
from crm_gym.form.desks import Desks
from crm_gym.form.env import CrmFormEnv, submitted
from crm_gym.form.formline import FormLine
from crm_gym.form.heard import beginning_of
from crm_gym.form.inside import Inside
from crm_gym.form.layout import layout
from crm_gym.form.sheet import Sheet
from crm_gym.form.told import Lender, Told, numbers_of
from crm_gym.infos import Infos
from crm_gym.keywords import check_names
from crm_gym.rewards import TERMS, form_terms
from crm_gym.vector import another

_PLAN = layout()
_MOVES = places(FORM_COLUMNS)["moves"]
_FORM_TERM = TERMS.index("form")


class FormVectorEnv(BatchedEnv):
    """`CrmFormEnv` in a batch: what `SyncVectorEnv` gives, at a smaller price.

    Only a form that is submitted enters the CRM; all other steps are array operations over all environments.

    Args:
        num_envs: How many environments.
        max_episode_steps: Steps after which an episode is truncated; None or -1 for no limit.
        autoreset_mode: "NextStep", "SameStep" or "Disabled".
        statistics: Put return, length and seconds of ended episodes into infos under "episode".
        **keywords: Keywords of `CrmFormEnv`.

    Attributes:
        crm_envs: The episodes at the CRM, to look into; they are reset and played by the batch alone.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        **CrmFormEnv.metadata,
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
        check_names("FormVectorEnv", keywords, FormVectorEnv, CrmFormEnv, CrmEnv)
        single = CrmFormEnv(**keywords)
        super().__init__(
            num_envs, max_episode_steps, autoreset_mode, statistics, single.observation_space, single.action_space
        )
        num_envs = self.num_envs
        self.render_mode, self.masked_out = single.render_mode, single.masked_out
        first = single.crm_env
        self.crm_envs = (first, *(another(first) for _ in range(num_envs - 1)))
        self._arrays = Arrays(num_envs)
        self._sheets = [Sheet(self._arrays, index) for index in range(num_envs)]
        for sheet in self._sheets:
            sheet.offered = single.sheet.offered
        self._desks = Desks(self._arrays)
        self._told = Told(num_envs)
        self._lender = Lender()
        self._stale = False  # whether masks and forms are yet to be shown

    @property  # type: ignore[misc]
    def np_random(self) -> Any:
        """The generators, one for each environment."""
        return tuple(env.np_random for env in self.crm_envs)

    @property
    def np_random_seed(self) -> Any:
        """The seeds, one for each environment."""
        return tuple(env.np_random_seed for env in self.crm_envs)

    @property
    def envs(self) -> tuple[Seat, ...]:
        """The environments one by one, to look into."""
        return tuple(Seat(self, index) for index in range(self.num_envs))

    @property
    def slice_bytes(self) -> int:
        """What each environment takes of the arrays, and of the copies of them that were handed out last."""
        every = [*vars(self._arrays).values(), *vars(self._desks).values(), *vars(self).values()]
        own = sum(one.nbytes for one in every if isinstance(one, np.ndarray)) + self._lender.nbytes
        return own // self.num_envs + self._told.slice_bytes

    def action_masks(self) -> Mask:
        """Which actions there are now, bool (environments, actions)."""
        self._show()
        return self._desks.mask.copy()

    def read_actions(self, actions: Any) -> npt.NDArray[np.int64]:
        """The actions as numbers.

        Raises:
            UsageError: If there is not one for each environment, one is none, or it is masked out and that raises.
        """
        numbers = numbers_of(actions, self.num_envs, _PLAN.size)
        if self.masked_out == "raise":
            self._show()
            wrong = ~self._desks.mask[self._all, numbers]
            if self.autoreset_mode is not AutoresetMode.SAME_STEP:
                wrong &= ~(self.terminations | self.truncations)
            for place in np.flatnonzero(wrong).tolist():
                action = int(numbers[place])
                raise UsageError(
                    f"action {action} ({_PLAN.meaning(action)}) of environment {place} is masked out now; "
                    "choose among those of action_masks()"
                )
        return numbers

    def play(self, actions: npt.NDArray[np.int64], places: Sequence[int]) -> None:
        """One form step in each of the environments of these places."""
        self._show()
        told, desks = self._told, self._desks
        told.between()
        active: Mask | None = None
        if len(places) < self.num_envs:
            active = np.zeros(self.num_envs, np.bool_)
            active[places] = True
        where: Any = slice(None) if active is None else active
        self._arrays.form[where, _MOVES] += 1
        before = desks.place.copy()
        calls = desks.act(actions, active)
        self._pay(before, where)
        told.news[where] = True
        self.terminations[where] = self.truncations[where] = False
        for place in calls:
            self._submit(place)
        self._stale = True

    def _pay(self, before: npt.NDArray[np.int64], where: Any) -> None:
        """Rewards of form steps, and their terms."""
        config, told = self.crm_envs[0].reward_config, self._told
        if not (config.progress or config.collateral or config.filled):
            told.terms[:] = 0.0
            told.terms[_FORM_TERM] = self.rewards[where] = config.form
            return
        filled = flat.FILLED.take(before), flat.FILLED.take(self._desks.place)
        terms = form_terms(config, told.progress, told.excess, *filled)
        for row, name in zip(told.terms, TERMS, strict=True):
            row[:] = terms[name]
        self.rewards[where] = sum(terms.values())[where]

    def _submit(self, place: int) -> None:
        """Make the call of a form."""
        desk = self.desk(place)
        came, reward, over, info = submitted(
            desk.call(),
            desk,
            self.crm_envs[place],
            FormLine(self._arrays.form[place]),
            float(flat.FILLED[self._desks.place[place]]),
        )
        self.rewards[place], self.terminations[place], self.truncations[place] = reward, over, came is None
        self._told.called(place, info)
        self._desks.close(place)
        if came is not None and came[1] is None:
            self._desks.learn(place)

    def reset_one(self, place: int, seed: int | None, options: dict[str, Any] | None) -> None:
        """Begin an episode in one environment."""
        env, sheet = self.crm_envs[place], self._sheets[place]
        _, info = env.reset(seed=seed, options=options)
        sheet.open(env.task)
        FormLine(self._arrays.form[place]).open(env.crm.store.counts(), sheet)
        self._desks.close(place)
        self._desks.begin(place, beginning_of(env.task))
        self._told.begun(place, info)
        self._stale = True

    def observations(self) -> dict[str, npt.NDArray[Any]]:
        """What all environments show now."""
        self._show()
        arrays, copy = self._arrays, self._lender.copy
        parts: dict[str, npt.NDArray[Any]] = {"form": arrays.form, "request": arrays.request}
        parts |= {"rows": arrays.rows, "said": arrays.values}
        return {name: copy(name, array) for name, array in parts.items()}

    def infos(self) -> Infos:
        """Infos since this was last asked."""
        return self._tell(self._told.news.copy())

    def finals(self, places: list[int]) -> tuple[list[Any], Infos]:
        """Observations and infos of ended episodes."""
        self._show()
        where = np.zeros(self.num_envs, np.bool_)
        where[places] = True
        return [self._arrays.observation(place) for place in places], self._tell(where)

    def render(self) -> tuple[Any, ...]:
        """What every environment renders."""
        return tuple(env.render() for env in self.crm_envs)

    def close_extras(self, **_: Any) -> None:
        """Let go of databases, if there are any."""
        for env in self.crm_envs:
            env.close()

    def sheet(self, place: int) -> Sheet:
        """What can be pointed at in one environment."""
        return self._sheets[place]

    def desk(self, place: int) -> Desk:
        """The form being filled in one environment: a copy of its state."""
        return self._desks.desk(place, self._sheets[place])

    def _tell(self, where: Mask) -> Infos:
        self._show()
        return self._told.tell(where, self._lender.copy("action_mask", self._desks.mask).view(np.int8))

    def _show(self) -> None:
        if self._stale:
            self._desks.show()
            self._stale = False


class Seat(Inside):
    """One environment of a batch, to look into, as a `CrmFormEnv` is looked into; `FormOracle` plays at one.

    Args:
        envs: The batch.
        place: The environment's place in it.
    """

    __slots__ = ("crm_env", "envs", "place")

    def __init__(self, envs: FormVectorEnv, place: int) -> None:
        self.envs, self.place = envs, place
        self.crm_env = envs.crm_envs[place]

    @property
    def unwrapped(self) -> Seat:
        """Itself."""
        return self

    @property
    def sheet(self) -> Sheet:
        """What can be pointed at now, as values."""
        return self.envs.sheet(self.place)

    @property
    def desk(self) -> Desk:
        """The form being filled: a copy of its state."""
        return self.envs.desk(self.place)

    def action_masks(self) -> Mask:
        """Which actions there are now, bool (actions,)."""
        masks: Mask = self.envs.action_masks()[self.place]
        return masks
