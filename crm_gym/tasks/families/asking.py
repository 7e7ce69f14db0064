"""How families that only read put their questions, and the bounded sets of records they ask about."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks.families.pointing import words
from crm_gym.tasks.saying import WORDS
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.worlds import Template

MOST_ROWS = 20
"""Records that a search shows on one page."""

ASK = (
    "What is {what}?",
    "[Please |]tell me {what}.",
    "[Can|Could] you look up {what}[ for me|]?",
    "I should like to know {what}.",
    "I need {what}[, please|].",
    "Look in the CRM and give me {what}.",
    "Quick question: what is {what}?",
    "Would you report back to me with {what}?",
    "Somebody is asking for {what}; what [do I|should I] say?",
    "In the CRM, [please |]check {what} and let me have it.",
    "For my report I need {what}.",
    "Kindly let me have {what}.",
)
"""Ways to ask for one thing."""

ASK_ALL = tuple(form.replace("hat is {", "hat are {").replace("have it", "have them") for form in ASK)
"""Ways to ask for several things."""


def ask(scene: Scene, what: str, *, several: bool = False) -> str:
    """A request for one thing, or for several."""
    return scene.say_in(ASK_ALL if several else ASK, what=what)


def field_word(scene: Scene, field: str) -> str:
    """What people call a field."""
    return words(scene, WORDS[field])


def full(rows: Sequence[Row], *fields: str) -> Sequence[Row]:
    """The rows, if there are some, no more than a page holds, and none lacks one of the fields.

    Raises:
        Unsuitable: If not.
    """
    if not 0 < len(rows) <= MOST_ROWS or any(getattr(row, field) in (None, ()) for row in rows for field in fields):
        raise Unsuitable
    return rows


# Records by what they have in common, worked out once for a world


@functools.lru_cache(maxsize=256)
def grouped(world: Template, table: str, *fields: str) -> dict[tuple[Any, ...], tuple[Row, ...]]:
    """The rows of a table by the values of some fields, in creation order; rows with an empty one are left out."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in world.rows[table]:
        found = tuple(getattr(row, field) for field in fields)
        if None not in found:
            groups.setdefault(found, []).append(row)
    return {found: tuple(rows) for found, rows in groups.items()}
