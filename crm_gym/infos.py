"""Infos of single environments as the infos of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

Infos = dict[str, Any]


def merged(size: int, places: Sequence[int], infos: Sequence[Infos]) -> Infos:
    """Infos of single environments as arrays, each with a mask of the environments that have it, under `_name`.

    The same as `VectorEnv._add_info` one by one, but by columns: a dict becomes a dict of arrays; whole numbers,
    floats, bools and arrays become arrays of their type, 0 where there is none; all else arrays of objects, with None.

    Args:
        size: Number of environments.
        places: Those that the infos are from.
        infos: One for each place; places in rising order.
    """
    batch: Infos = {}
    for name in dict.fromkeys(chain.from_iterable(infos)):
        where = places
        try:
            values = [info[name] for info in infos]
        except KeyError:
            having = [(place, info[name]) for place, info in zip(places, infos, strict=True) if name in info]
            where, values = [place for place, _ in having], [value for _, value in having]
        if isinstance(values[0], dict):
            batch[name] = merged(size, where, values)
        else:
            batch[name] = _column(size, where, values)
        mask = np.zeros(size, np.bool_)
        mask[where] = True
        batch[f"_{name}"] = mask
    return batch


def _column(size: int, places: Sequence[int], values: list[Any]) -> NDArray[Any]:
    kind = type(values[0])
    nothing: int | None = 0
    if kind in (bool, int, float) or issubclass(kind, np.number):
        made = np.array(values, dtype=kind)
    elif issubclass(kind, np.ndarray):
        made = np.array(values, dtype=values[0].dtype)
    else:
        made, nothing = np.fromiter(values, dtype=object, count=len(values)), None
    if len(values) == size:  # from all of them, in order
        return made
    column = np.full((size, *made.shape[1:]), nothing, dtype=made.dtype)
    column[places] = made
    return column
