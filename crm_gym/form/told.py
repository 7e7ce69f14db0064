"""The infos of a batch of form environments as columns that stand from step to step."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import numpy.typing as npt

from crm_gym.errors import UsageError
from crm_gym.form.arrays import Mask
from crm_gym.infos import Infos, merged
from crm_gym.keywords import shown, whole_number
from crm_gym.rewards import TERMS
from crm_gym.verify import DONE

_VERDICT = tuple((name, type(value)) for name, value in DONE.summary().items())
_ERROR = ("code", "field", "message")
_TOLD = frozenset(("task_id", "family", "is_success", "verdict", "reward_terms", "error"))
_SPARE = 2  # arrays of one kind that are kept to be lent again


class Lender:
    """Copies of arrays for the caller; those that nobody holds any more are used again.

    New memory costs more than the copying: the system has to find and clear its pages.
    """

    def __init__(self) -> None:
        self._lent: dict[str, list[npt.NDArray[Any]]] = {}

    @property
    def nbytes(self) -> int:
        """What is kept."""
        return sum(array.nbytes for arrays in self._lent.values() for array in arrays)

    def copy(self, name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A copy, the caller's own. A name always stands for arrays of one shape and type."""
        lent = self._lent.setdefault(name, [])
        for place in range(len(lent)):
            if sys.getrefcount(lent[place]) == _ONLY_OURS:  # views of it count: they hold their base
                np.copyto(lent[place], array)
                return lent[place]
        made = array.copy()
        lent.append(made)
        if len(lent) > _SPARE:
            del lent[0]
        return made


def _count_only_ours() -> int:
    """What `sys.getrefcount` says of an array that only a list holds."""
    held = [np.zeros(1)]
    return sys.getrefcount(held[0])


_ONLY_OURS = _count_only_ours()


class Told:
    """What infos say of each environment, and of whom they have not said it yet.

    Args:
        count: How many environments.

    Attributes:
        news: Environments of which there is something to tell, bool (count,).
        terms: The terms of the last step's rewards, (terms, count).
        progress: What the standing verdicts say, (count,).
        excess: The same.
    """

    def __init__(self, count: int) -> None:
        self.news: Mask = np.zeros(count, np.bool_)
        self.terms: npt.NDArray[np.float64] = np.zeros((len(TERMS), count), np.float64)
        self._task_id, self._family = (np.full(count, None, dtype=object) for _ in range(2))
        self._success: Mask = np.zeros(count, np.bool_)
        self._verdict = {name: np.zeros(count, kind) for name, kind in _VERDICT}
        self.progress, self.excess = self._verdict["progress"], self._verdict["unexpected"]
        self._error = np.full((len(_ERROR), count), "", dtype=object)
        self._more: dict[int, Infos] = {}  # what only some have
        self._called: list[int] = []

    @property
    def slice_bytes(self) -> int:
        """What each environment takes of the columns."""
        every = [*vars(self).values(), self._verdict["success"], self._verdict["missing"]]
        return sum(one.nbytes for one in every if isinstance(one, np.ndarray)) // len(self.news)

    def between(self) -> None:
        """A step begins: what was told of calls no longer holds."""
        if self._called:
            self._success[self._called] = False
            self._error[:, self._called] = ""
            self._called = []
        if self._more:
            self._more = {}

    def begun(self, place: int, info: Infos) -> None:
        """An episode has begun: nothing was paid yet, and nothing refused."""
        self._task_id[place], self._family[place] = info["task_id"], info["family"]
        self.terms[:, place] = 0.0
        self._error[:, place] = ""
        self._note(place, info)

    def called(self, place: int, info: Infos) -> None:
        """A call was made."""
        self._called.append(place)
        self.terms[:, place] = list(info["reward_terms"].values())
        self._error[:, place] = list(info["error"].values())
        self._note(place, info)

    def _note(self, place: int, info: Infos) -> None:
        self.news[place] = True
        self._success[place] = info["is_success"]
        verdict = info["verdict"]
        for name, column in self._verdict.items():
            column[place] = verdict[name]
        if len(info) > len(_TOLD):
            self._more[place] = {name: value for name, value in info.items() if name not in _TOLD}
        else:
            self._more.pop(place, None)

    def tell(self, where: Mask, mask: npt.NDArray[np.int8]) -> Infos:
        """The infos of some environments, merged; of these there is nothing to tell any more.

        Args:
            where: The environments.
            mask: What actions all of them have, the caller's own.
        """
        self.news &= ~where
        count, all_of_them = len(where), bool(where.all())
        haves = iter(np.tile(where, (_HAVES, 1)))

        def group(names: Any, columns: Any, empty: Any) -> Infos:
            told: Infos = {}
            for name, column in zip(names, columns, strict=True):
                told[name] = column if all_of_them else np.where(where, column, empty).astype(column.dtype)
                told[f"_{name}"] = next(haves)
            return told

        infos = group(("task_id", "family"), (self._task_id.copy(), self._family.copy()), None)
        infos |= group(("is_success",), (self._success.copy(),), False)
        if not all_of_them:
            mask[~where] = 0
        infos["action_mask"], infos["_action_mask"] = mask, next(haves)
        parts = (
            ("verdict", self._verdict, [column.copy() for column in self._verdict.values()], 0),
            ("reward_terms", TERMS, self.terms.copy(), 0.0),
            ("error", _ERROR, self._error.copy(), None),
        )
        for name, names, columns, empty in parts:
            infos[name], infos[f"_{name}"] = group(names, columns, empty), next(haves)
        more = [place for place in sorted(self._more) if where[place]]
        if more:
            infos |= merged(count, more, [self._more.pop(place) for place in more])
        return infos


_HAVES = 7 + len(_VERDICT) + len(TERMS) + len(_ERROR)


def numbers_of(actions: Any, count: int, size: int) -> npt.NDArray[np.int64]:
    """A batch of actions as numbers.

    Raises:
        UsageError: If there is not one for each environment, or one is none.
    """
    listed = isinstance(actions, list | tuple)  # NumPy would make numbers of true and false among others
    given = np.array([whole_number(one) for one in actions], object) if listed else np.asarray(actions)
    whole = None not in given.tolist() if listed else given.dtype.kind in "iu"
    if given.shape != (count,) or not whole:
        raise UsageError(f"step takes one whole number for each of the {count} environments; got {shown(actions)}")
    if given.min() < 0 or given.max() >= size:
        wrong = next(one for one in given.tolist() if not 0 <= one < size)
        raise UsageError(f"there is no action {shown(wrong)}; they go from 0 to {size - 1}")
    return given.astype(np.int64)
