"""The calibration set that ships: cases whose truth is known, because they were made so that it is."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from crm_agents.judge.case import Case
from crm_agents.judge.grades import PASS

ITEMS_FILE, ATTACKS_FILE = "items.jsonl", "attacks.jsonl"


@dataclass(frozen=True, slots=True)
class Item:
    """A case with its truth.

    Attributes:
        id: Its id.
        family: The tool, or the kind of work, it is about; of an attack, where the payload stands.
        how: How the agent played and what it said of it, in a word or two.
        truth: The right grade.
        success: What the state said of the episode.
        case: What a judge is shown.
    """

    id: str
    family: str
    how: str
    truth: str
    success: bool
    case: Case

    @property
    def good(self) -> bool:
        """Whether the right grade is the best one."""
        return self.truth == PASS


def items() -> tuple[Item, ...]:
    """The labelled items."""
    return read(text_of(ITEMS_FILE))


def attacks() -> tuple[Item, ...]:
    """Cases to be graded down whose texts try to talk a judge out of it, `how` being "key" or the kind of payload."""
    return read(text_of(ATTACKS_FILE))


@functools.cache
def text_of(name: str) -> str:
    """A file of the package."""
    return resources.files("crm_agents.judge").joinpath(name).read_text(encoding="ascii")


def read(text: str) -> tuple[Item, ...]:
    """Items from JSON lines."""
    return tuple(_item(json.loads(line)) for line in text.splitlines())


def written(made: Sequence[Item]) -> str:
    """Items as JSON lines."""
    return "".join(json.dumps(_line(item), separators=(",", ":")) + "\n" for item in made)


def set_hash(*sets: Sequence[Item]) -> str:
    """16 hexadecimal digits of a hash of items: two calibrations with the same asked the same."""
    return hashlib.sha256("\n".join(written(made) for made in sets).encode()).hexdigest()[:16]


def _line(item: Item) -> dict[str, Any]:
    return {
        "id": item.id,
        "family": item.family,
        "how": item.how,
        "truth": item.truth,
        "success": item.success,
        "case": item.case.as_json(),
    }


def _item(line: dict[str, Any]) -> Item:
    case = line.pop("case")
    return Item(**line, case=Case(**case | {"calls": tuple(case["calls"]), "changes": tuple(case["changes"])}))
