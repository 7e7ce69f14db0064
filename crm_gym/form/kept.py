"""What stays in sight of what the CRM has returned."""

from __future__ import annotations

from crm_gym.form.found import LIST, MADE, Item
from crm_gym.form.layout import MAX_ROWS

_OTHERS = 8  # things that are no records and are kept in sight, of the last calls


def kept_of(new: list[Item], older: list[Item]) -> list[Item]:
    """What stays in sight, the newest first: of what is no record, little; records of our own making always."""
    new, others = _first(new, MAX_ROWS), 0
    room = MAX_ROWS - len(new)
    kept: list[Item] = []
    mine = sum(item.origin == MADE for item in older)
    for item in older:
        if item.id is None:
            others += 1
            if others > _OTHERS:
                continue
        if item.origin == MADE:
            mine -= 1
        elif len(kept) + mine >= room:
            continue
        if len(kept) < room:
            kept.append(item)
    return new + kept


def _first(found: list[Item], count: int) -> list[Item]:
    """The first of a list, without breaking it off before its records."""
    if len(found) <= count:
        return found
    records = [item for item in found if item.row is not None or item.shape == LIST]
    return records[:count]
