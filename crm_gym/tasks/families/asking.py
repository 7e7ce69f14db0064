"""How families that only read put their questions, and how their answers are made."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import Answer, label
from crm_gym.tasks.families.pointing import json_of, words
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
    "Would you report {what} back to me?",
    "A colleague is asking for {what}; what [do I|should I] say?",
    "[Please |]check {what} in the CRM and let me have it.",
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


# Answers


def _key(rows: Sequence[Row]) -> tuple[str, tuple[str, ...]]:
    return TABLES[type(rows[0]).__name__.removesuffix("Row")].key, tuple(row[0] for row in rows)


def _names(scene: Scene, rows: Sequence[Row]) -> dict[str, str]:
    table = type(rows[0]).__name__.removesuffix("Row")
    names = {row[0]: row[0] for row in rows}
    return names | {(label(row) or "").strip().casefold(): row[0] for row in rows if scene.is_named(table, row)}


def one(scene: Scene, row: Row) -> Answer:
    """The answer that is a record."""
    return Answer("record", row[0], _names(scene, [row]), *_key([row]))


def several(scene: Scene, rows: Sequence[Row]) -> Answer:
    """The answer that is some records, in creation order.

    Raises:
        Unsuitable: If there are none, or more than a page holds.
    """
    _check_page(rows)
    return Answer("records", [row[0] for row in rows], _names(scene, rows), *_key(rows))


def value(row: Row, field: str) -> Answer:
    """The answer that is the value of a record's field.

    Raises:
        Unsuitable: If the field is empty.
    """
    if getattr(row, field) in (None, ()):
        raise Unsuitable
    return Answer("value", json_of(getattr(row, field)), {}, *_key([row]))


def values(rows: Sequence[Row], field: str) -> Answer:
    """The answer that is the values of a field of some records, each once.

    Raises:
        Unsuitable: If a field is empty, or there are no records or more than a page holds.
    """
    _check_page(rows)
    found = [json_of(getattr(row, field)) for row in rows]
    if None in found:
        raise Unsuitable
    return Answer("values", list(dict.fromkeys(found)), {}, *_key(rows))


def count(rows: Sequence[Row]) -> Answer:
    """The answer that is how many records there are."""
    return Answer("count", len(rows), {}, *_key(rows))


def _check_page(rows: Sequence[Row]) -> None:
    if not 0 < len(rows) <= MOST_ROWS:
        raise Unsuitable


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
