"""World templates: seeded CRM worlds of any size whose records hang together, built once and shared.

A few hidden causes (size of the client, health of the relation, line of business, territory, age) give rise to all
records, so that status, stage, amount, probability, dates, quotes, contracts and notes agree with one another.
Duplicates, near-namesakes, stale deals and empty fields are there on purpose.
"""

from __future__ import annotations

import functools
from collections import Counter
from datetime import date

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tasks.answer import label
from crm_gym.tasks.splits import POOLS, Pool
from crm_gym.tasks.world import World
from crm_gym.tasks.worlds_causes import Making, make_clients, make_companies, make_contacts
from crm_gym.tasks.worlds_deals import make_contracts, make_deals, make_quotes
from crm_gym.tasks.worlds_papers import make_documents, make_notes

MIN_RECORDS, MAX_RECORDS = 10, 100_000
_LABELLED = ("Client", "Contact", "Opportunity", "Company", "Document")


class Template:
    """A world as it is at the start, with what a maker of tasks looks up in it. Fork its CRM; never write to it.

    Attributes:
        name: Pool, number and records, such as train-7-300.
        pool: Where its names and values come from.
        world: The world.
        crm: The world's CRM.
        today: The world's own day, YYYY-MM-DD.
        owners: Names of the colleagues in charge.
        sole_owners: Those of them whose names are not part of another's.
        rows: Table to its rows, in creation order.
        label_count: Table to the case-folded labels of its records and how many have each.
        clients_of_owner: Owner to the clients in their charge.
        deals_of_owner: Owner to the deals in their charge.
    """

    __slots__ = (
        "_first_words", "clients_of_owner", "crm", "deals_of_owner", "label_count", "name", "owners", "pool", "rows",
        "sole_owners", "today", "world",
    )  # fmt: skip

    def __init__(self, name: str, pool: Pool, world: World, owners: tuple[str, ...]) -> None:
        self.name, self.pool, self.world, self.owners = name, pool, world, owners
        self.crm, self.today = world.crm, world.today
        self.rows: dict[str, tuple[Row, ...]] = {table: tuple(world.crm.find(table)) for table in TABLES}
        self.label_count = {table: dict(Counter(_labels(rows))) for table, rows in self.rows.items()}
        self._first_words = {
            table: Counter(name.split()[0] for name in _labels(rows)) for table, rows in self.rows.items()
        }
        together = "\n".join(owners).casefold()
        self.sole_owners = frozenset(owner for owner in owners if together.count(owner.casefold()) == 1)
        self.clients_of_owner = self._by_owner("Client")
        self.deals_of_owner = self._by_owner("Opportunity")

    def _by_owner(self, table: str) -> dict[str, tuple[Row, ...]]:
        out: dict[str, list[Row]] = {owner: [] for owner in self.owners}
        for row in self.rows[table]:
            if row.owner is not None:
                out[row.owner].append(row)
        return {owner: tuple(rows) for owner, rows in out.items()}

    def near(self, table: str, row: Row) -> int:
        """How many other records of the table have a label with the same first word as this one of them."""
        name = label(row)
        return self._first_words[table][name.casefold().split()[0]] - 1 if name else 0

    def near_id(self, record: object) -> int:
        """The same for a record's id; 0 for all else."""
        if not isinstance(record, str):
            return 0
        for table in _LABELLED:
            row = self.crm.get(table, record)
            if row is not None:
                return self.near(table, row)
        return 0

    def children(self, table: str, field: str, record: str) -> tuple[Row, ...]:
        """The rows of a table whose reference field points at that record."""
        return tuple(self.crm.referring(table, field, record))


def _labels(rows: tuple[Row, ...]) -> list[str]:
    return [name.casefold() for row in rows if (name := label(row))]


@functools.lru_cache(maxsize=256)
def template(pool: Pool, number: int, records: int = 300) -> Template:
    """The world of that pool, number and size; the same in every process, and built once in each.

    Args:
        pool: Where its names and values come from.
        number: Which of the pool's worlds.
        records: How many records it has in all, 10 to 100,000.

    Raises:
        ValueError: If there is no such pool or size.
    """
    if pool not in POOLS:
        raise ValueError(f"pool must be one of {', '.join(POOLS)}; got {pool!r}")
    if not MIN_RECORDS <= records <= MAX_RECORDS:
        raise ValueError(f"records must be from {MIN_RECORDS} to {MAX_RECORDS:,}; got {records}")
    name = f"{pool}-{number}-{records}"
    making = Making(name, pool, records)
    owners = make_clients(making)
    make_contacts(making)
    make_deals(making, owners)
    make_quotes(making)
    make_contracts(making)
    make_companies(making)
    make_documents(making, owners)
    make_notes(making, owners)
    return Template(name, pool, World.of(name, _filled(name, making)), owners)


def _filled(name: str, making: Making) -> Crm:
    crm = Crm(date.fromordinal(making.today).isoformat(), seed=name)
    for table in TABLES:
        for row in making.rows[table]:
            crm.add_row(row)
    return crm
