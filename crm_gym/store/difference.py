"""What differs between two stores."""

from __future__ import annotations

from collections.abc import Iterable

from crm_gym.journal import Change
from crm_gym.schema import TABLES
from crm_gym.store.base import Store
from crm_gym.store.memory import MemoryStore


def difference(a: Store, b: Store) -> list[Change]:
    """The changes that lead from a to b, by table; in memory, rows they share are not looked at."""
    places: Iterable[tuple[str, str]]
    if isinstance(a, MemoryStore) and isinstance(b, MemoryStore):
        places = a.touched(b)
    else:
        places = dict.fromkeys((table, row[0]) for table in TABLES for store in (a, b) for row in store.find(table))
    pairs = ((table, record, a.get(table, record), b.get(table, record)) for table, record in places)
    return [Change(*pair) for pair in pairs if pair[2] != pair[3]]
