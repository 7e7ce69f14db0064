"""Splits: which part of the world of values each may draw from.

Three pools share out all names and values among them, each value belonging to one pool for good; train, validation
and test draw from one each. The three out-of-distribution splits draw from the pool of test, so that what is new in
them is new on top of unseen records.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Literal

Pool = Literal["train", "validation", "test"]
GENERATED = "generated"
"""The name of the suite whose tasks are made when they are needed."""

POOLS: tuple[Pool, ...] = ("train", "validation", "test")
SPLITS = ("train", "validation", "test", "ood_phrasing", "ood_family", "ood_composition")
"""train, validation, test: unseen records and values. ood_phrasing: forms of request never used elsewhere;
ood_family: kinds of work; ood_composition: parts that are known, put together in ways that are not."""

_TRAIN: Pool = "train"
_SHARES: tuple[Pool, ...] = (_TRAIN,) * 6 + ("validation",) * 2 + ("test",) * 2


def pool_of(split: str) -> Pool:
    """The pool from which a split takes its records and values."""
    return next((pool for pool in POOLS if pool == split), "test")


def pool_of_value(value: object) -> Pool:
    """The pool a value belongs to: six in ten train, two validation, two test; the same on every machine."""
    digest = blake2b(str(value).encode("utf-8", "surrogatepass"), digest_size=4, person=b"crm_gym.pools").digest()
    return _SHARES[int.from_bytes(digest, "big") % len(_SHARES)]
