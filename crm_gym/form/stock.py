"""Which forms can be filled: for which kinds of arguments there is something to point at."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from crm_gym.form.arrays import Bits, Mask
from crm_gym.form.found import LISTED
from crm_gym.form.layout import layout

_PLAN = layout()


class Stock(NamedTuple):
    """What can be filled.

    Attributes:
        once: Kinds of arguments that at least one candidate fits, a bit each.
        twice: Kinds of lists that two fit.
        tools: Which tools' forms can be filled so that they can be submitted, bool (tools,).
    """

    once: int
    twice: int
    tools: Mask


def stock_of(values: Bits, rows: Bits, fields: Bits) -> Stock:
    """What can be filled with these candidates.

    Args:
        values: Which kinds take a value, a bit each.
        rows: The same for an item itself.
        fields: The same for what any item holds in a field.
    """
    once = int(np.bitwise_or.reduce(values, initial=0)) | int(np.bitwise_or.reduce(rows, initial=0))
    once |= int(np.bitwise_or.reduce(fields)) | ALWAYS
    twice = 0
    for kind in LISTED:
        if np.count_nonzero(values & (1 << kind)) + np.count_nonzero(rows & (1 << kind)) >= 2:
            twice |= 1 << kind
    return Stock(once, twice, (_NEEDED & ~once == 0) & (_NEEDED_TWICE & ~twice == 0))


def apart(bits: Bits) -> Mask:
    """Bits of kinds one by one, (kinds, candidates)."""
    octets = bits.astype("<i8").view(np.uint8).reshape(-1, 8)
    single = np.unpackbits(octets, axis=1, count=len(_PLAN.kinds), bitorder="little")
    return single.T.astype(np.bool_, order="C")


def _needs(twice: bool) -> Bits:
    needed = []
    for form in _PLAN.forms:
        taken = 0
        for slot in form.slots:
            if slot.required and (slot.least > 1) == twice:
                taken |= 1 << slot.kind
        needed.append(taken)
    return np.array(needed, np.int64)


ALWAYS = sum(
    1 << kind.number for kind in _PLAN.kinds if kind.members or kind.bounds or kind.sorts & frozenset(("name", "any"))
)
"""Kinds of arguments that can be filled whatever was said or found."""

_NEEDED, _NEEDED_TWICE = _needs(twice=False), _needs(twice=True)
