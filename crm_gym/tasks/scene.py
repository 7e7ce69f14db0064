"""The scene of a task in the making: a world, a generator of chance, and how things are picked and said there."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from crm_gym.atoms import number_json
from crm_gym.schema import TABLES, Row
from crm_gym.tasks import saying, vocab
from crm_gym.tasks.answer import label
from crm_gym.tasks.phrasing import phrase
from crm_gym.tasks.splits import Pool, pool_of_value
from crm_gym.tasks.worlds import Template
from crm_gym.tools import ToolCall

_TRIES = 60

Test = Callable[[Row], bool]


class Unsuitable(Exception):
    """The scene has nothing that fits; another seed may."""


class Scene:
    """Where a task is made up.

    Args:
        template: The world.
        rng: The only source of chance.
        forms: The family's ways to ask.
        held_out: Whether to speak in the forms kept for ood_phrasing.
        unseen: Whether to put parts together in the ways kept for ood_composition.
        level: The level asked for, 1 to 5, None for any: families make more or less work of it.
    """

    __slots__ = ("forms", "held_out", "level", "rng", "template", "unseen")

    def __init__(
        self,
        template: Template,
        rng: random.Random,
        forms: Sequence[str] = (),
        *,
        held_out: bool = False,
        unseen: bool = False,
        level: int | None = None,
    ) -> None:
        self.template, self.rng, self.forms = template, rng, forms
        self.held_out, self.unseen, self.level = held_out, unseen, level

    @property
    def pool(self) -> Pool:
        """The pool of names and values."""
        return self.template.pool

    @property
    def today(self) -> str:
        """The CRM's own day, YYYY-MM-DD."""
        return self.template.today

    # Picking

    def chance(self, share: float) -> bool:
        """True that often."""
        return self.rng.random() < share

    def count(self, low: int, high: int) -> int:
        """How much of something: between the bounds, near the upper one where a high level is asked for."""
        if self.level is None:
            return self.rng.randint(low, high)
        aim = low + (high - low) * (self.level - 1) / 4
        return min(high, max(low, round(aim + self.rng.uniform(-0.75, 0.75))))

    def pick(self, table: str, test: Test | None = None) -> Row:
        """Any row of a table that passes the test; its cost does not grow with the world.

        Raises:
            Unsuitable: If none of some tries does.
        """
        return self.choose(self.template.rows[table], test)

    def choose(self, rows: Sequence[Row], test: Test | None = None) -> Row:
        """Any of the rows that passes the test.

        Raises:
            Unsuitable: If none of some tries does.
        """
        for _ in range(_TRIES if rows else 0):
            row = rows[self.rng.randrange(len(rows))]
            if test is None or test(row):
                return row
        raise Unsuitable

    def named(self, table: str, test: Test | None = None) -> Row:
        """Any row that no other of its table shares its name with."""
        return self.pick(table, lambda row: self.is_named(table, row) and (test is None or test(row)))

    def is_named(self, table: str, row: Row) -> bool:
        """Whether a row is the only one of its table with its name."""
        name = label(row)
        return name is not None and self.template.label_count[table][name.casefold()] == 1

    def children(self, table: str, field: str, record: str) -> tuple[Row, ...]:
        """The rows of a table that point at a record, in creation order."""
        return self.template.children(table, field, record)

    def get(self, table: str, record: str) -> Row:
        """The row with that id."""
        return self.template.crm.get(table, record)

    # Values nobody has used, of the scene's pool

    def fresh(self, make: Callable[[], Any], taken: Callable[[Any], bool]) -> Any:
        """A value that is not taken.

        Raises:
            Unsuitable: If all of some tries are.
        """
        for _ in range(_TRIES):
            value = make()
            if not taken(value):
                return value
        raise Unsuitable

    def amount(self, other: Decimal | None = None) -> int | float:
        """An amount of money as a JSON number, not `other`."""
        return number_json(self.fresh(lambda: vocab.amount(self.rng, self.pool), lambda value: value == other))

    def percent(self, other: int | None = None, low: int = 1) -> int:
        """A whole percentage, `low` to 99, not `other`."""
        return int(self.fresh(lambda: vocab.percent(self.rng, self.pool, low), lambda value: value == other))

    def day(self, first: int, last: int, start: str = "") -> str:
        """A day so many days after `start`, today if not given; both bounds may be negative."""
        begin = date.fromisoformat(start or self.today)
        return str(
            self.fresh(
                lambda: (begin + timedelta(self.rng.randint(first, last))).isoformat(),
                lambda day: pool_of_value(day) != self.pool,
            )
        )

    def one(self, words: Sequence[Any], other: Any = None) -> Any:
        """Any of the words but `other`."""
        return self.rng.choice([word for word in words if word != other])

    def owner(self, other: str | None = None) -> str:
        """A colleague who owns something here, not `other`."""
        return str(self.fresh(lambda: self.rng.choice(self.template.owners), lambda owner: owner == other))

    def members(self, table: str, field: str) -> list[str]:
        """The members of an enum field."""
        return list(TABLES[table].column(field).atom.schema["enum"])

    # Saying

    def say(self, **slots: Any) -> str:
        """The request, in one of the family's forms."""
        return self.say_in(self.forms, **slots)

    def say_in(self, forms: Sequence[str], **slots: Any) -> str:
        """A request in one of these forms."""
        return phrase(self.rng, forms, slots, held_out=self.held_out)

    def details(self, values: Mapping[str, Any]) -> str:
        """Fields with their values, to stand in a sentence: "phone +47 55 01 22 18 and owner Miriam Adeyemi"."""
        return saying.details(self.rng, values, held_out=self.held_out)

    def updates(self, values: Mapping[str, Any]) -> str:
        """What to set to what, to stand in a sentence: "the stage to Negotiation and the probability to 40%"."""
        return saying.updates(self.rng, values, held_out=self.held_out)

    def written(self, kind: str, value: Any) -> str:
        """A value in one of its notations: money, date, percent, count."""
        return saying.written(self.rng, kind, value)

    # Looking up

    def look_up(self, row: Row) -> ToolCall:
        """The search that shows a record by the name it is called by."""
        table = type(row).__name__.removesuffix("Row")
        if table == "Contact":
            return ToolCall("contact_search", {"first_name": row.first_name, "last_name": row.last_name})
        return ToolCall(f"{table.lower()}_search", {"name": row.name})


def listed_name(row: Row) -> str:
    """The name a record is called by."""
    return label(row) or ""
