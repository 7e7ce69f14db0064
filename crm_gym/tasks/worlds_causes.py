"""The hidden causes of a world, and the clients, contacts and companies that follow from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from random import Random
from typing import TypeVar

from crm_gym.ids import id_base, nth_id
from crm_gym.schema import TABLES, Row
from crm_gym.tasks import vocab
from crm_gym.tasks.splits import Pool
from crm_gym.tasks.vocab_industries import INDUSTRIES, Industry
from crm_gym.tasks.vocab_values import pick
from crm_gym.tasks.vocab_words import MAILBOXES, REGIONS

T = TypeVar("T")

SHARES = {  # of all records
    "Client": 0.12, "Contact": 0.22, "Opportunity": 0.24, "Quote": 0.14,
    "Contract": 0.06, "Company": 0.03, "Document": 0.09, "Note": 0.10,
}  # fmt: skip
SIZE_WEIGHTS = {"tiny": 1, "small": 2, "medium": 3, "large": 5}  # how much goes on with a client of that size
CLIENTS_PER_OWNER = (6, 12)
_SIZES = ("tiny",) * 3 + ("small",) * 4 + ("medium",) * 3 + ("large",)  # how common they are
_POOR = 0.3  # a relation below this health ends, sooner or later


@dataclass(frozen=True, slots=True)
class Owner:
    """A colleague in charge of a territory: a few lines of business."""

    name: str
    lines: tuple[Industry, ...]


@dataclass(slots=True)
class Account:
    """A client and why its records are as they are.

    Attributes:
        size: Key of `vocab.SIZES`.
        health: Of the relation, 0 to 1.
        born: Day of the first record, as an ordinal.
        row: The client's record.
    """

    size: str
    health: float
    line: Industry
    owner: str
    status: str
    born: int
    row: Row = None

    @property
    def mood(self) -> str:
        """The tone of its notes."""
        return "good" if self.health >= 0.6 else "mixed" if self.health >= 0.35 else "poor"


class Making:
    """A world in the making: what its parts share.

    Attributes:
        today: The world's day, as an ordinal.
        counts: How many records each table shall have.
        curated: The chance that a name is a curated one: small in large worlds, whose names must not run dry.
        rows: What is made so far, by table.
        account_of: Id of a record to the account it belongs to.
    """

    def __init__(self, name: str, pool: Pool, records: int) -> None:
        self.pool = pool
        self.rng = Random(f"world {name}")
        self.today = date(2024, 1, 1).toordinal() + int(self.rng.random() * 1461)
        self.counts = apportion(records)
        self.curated = min(0.7, 150 / records + 0.1)
        self.rows: dict[str, list[Row]] = {table: [] for table in TABLES}
        self.accounts: list[Account] = []
        self.account_of: dict[str, Account] = {}
        self._base = id_base(f"records of world {name}")
        self._serial = 0

    def add(self, table: str, *values: object, account: Account | None = None) -> Row:
        """Make a record of these values, which follow its id."""
        row = TABLES[table].row(nth_id(self._base, self._serial), *values)
        self._serial += 1
        self.rows[table].append(row)
        if account is not None:
            self.account_of[row[0]] = account
        return row

    def chance(self, share: float) -> bool:
        """True in that share of cases."""
        return self.rng.random() < share

    def maybe(self, share: float, make: Callable[[Random, Pool], T]) -> T | None:
        """A value of the world's pool in that share of cases, else None."""
        return make(self.rng, self.pool) if self.rng.random() < share else None

    def within(self, low: int, high: int) -> int:
        """A whole number from low to high; low if there is none."""
        return low + int(self.rng.random() * (high - low + 1)) if high > low else low

    def day(self, low: int, high: int) -> str:
        """A day of the pool between two ordinals."""
        return vocab.day_of(self.rng, self.pool, low, high)

    def stamp(self, day: int) -> str:
        """A moment of that day, in working hours."""
        second = int(self.rng.random() * 36_000)
        clock = f"{8 + second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        return f"{date.fromordinal(day).isoformat()}T{clock}Z"

    def busy_accounts(self, count: int) -> list[Account]:
        """So many accounts, the larger ones more often."""
        weights = list(accumulate(SIZE_WEIGHTS[account.size] for account in self.accounts))
        return self.rng.choices(self.accounts, cum_weights=weights, k=count)


def apportion(records: int) -> dict[str, int]:
    """How many records each table gets: one at least, and of the rest its share, by largest remainders."""
    rest = records - len(SHARES)
    counts = {table: 1 + int(rest * share) for table, share in SHARES.items()}
    by_remainder = sorted(SHARES, key=lambda table: int(rest * SHARES[table]) - rest * SHARES[table])
    for table in by_remainder[: records - sum(counts.values())]:
        counts[table] += 1
    return counts


def make_owners(making: Making) -> tuple[list[Owner], list[Owner]]:
    """The owners, and for every client whose territory it is in."""
    places: list[Owner] = []
    owners: list[Owner] = []
    taken: set[str] = set()
    while len(places) < making.counts["Client"]:
        who = vocab.person(making.rng, making.pool, making.curated).full
        if who not in taken:
            taken.add(who)
            owner = Owner(who, (pick(making.rng, INDUSTRIES), pick(making.rng, INDUSTRIES)))
            owners.append(owner)
            places += [owner] * making.within(*CLIENTS_PER_OWNER)
    places = places[: making.counts["Client"]]
    making.rng.shuffle(places)
    return owners, places


def _status_and_age(making: Making, health: float) -> tuple[str, int]:
    if making.chance(0.25):
        return "Prospect", making.within(5, 400)
    if health < _POOR:
        return "Inactive", making.within(600, 3_200)
    return "Active", making.within(150, 3_200)


def _account(making: Making, owner: Owner, first: bool) -> Account:
    health = (making.rng.random() + making.rng.random()) / 2
    if first:  # so that every world has a client whose deals can be won
        health, (status, age) = max(health, 0.5), ("Active", making.within(400, 3_200))
    else:
        status, age = _status_and_age(making, health)
    line = pick(making.rng, owner.lines if making.chance(0.85) else INDUSTRIES)
    return Account(pick(making.rng, _SIZES), health, line, owner.name, status, making.today - age)


def make_clients(making: Making) -> tuple[str, ...]:
    """Make the clients in the order in which they came; gives the owners' names."""
    owners, places = make_owners(making)
    accounts = [_account(making, owner, number == 0) for number, owner in enumerate(places)]
    making.accounts = sorted(accounts, key=lambda account: account.born)
    mails: set[str] = set()
    for number, account in enumerate(making.accounts):
        name = _client_name(making, number, account)
        account.row = making.add(
            "Client",
            name,
            _free_email(making, name, mails),
            account.status,
            None if making.chance(0.06) else account.line.name,
            making.maybe(0.8, vocab.phone),
            making.maybe(0.78, vocab.address),
            None if making.chance(0.03) else account.owner,
            making.stamp(account.born),
        )
        making.account_of[account.row[0]] = account
    return tuple(owner.name for owner in owners)


def _client_name(making: Making, number: int, account: Account) -> str:
    """A new name; at times one that begins as an earlier client's does, or that very name."""
    if number % 29 == 28:
        return str(making.accounts[number - making.within(1, 25)].row.name)
    if number % 8 == 7:
        other = making.accounts[number - making.within(1, 7)].row.name
        if making.chance(0.5) and other.split()[-1] not in REGIONS:
            return f"{other} {pick(making.rng, REGIONS)}"
        return vocab.company_name(making.rng, making.pool, account.line, other.split()[0])
    first = vocab.stem(making.rng, making.pool, making.curated)
    return vocab.company_name(making.rng, making.pool, account.line, first)


def _free_email(making: Making, name: str, taken: set[str]) -> str:
    boxes = list(MAILBOXES)
    making.rng.shuffle(boxes)
    host = vocab.domain(name)
    free = next((f"{box}@{host}" for box in boxes if f"{box}@{host}" not in taken), None)
    while free is None or free in taken:
        free = f"{boxes[0]}.{vocab.slug(vocab.first_name(making.rng, making.pool))}@{host}"
    taken.add(free)
    return free


def make_contacts(making: Making) -> None:
    """Make the contacts: one for every client first, then more where more goes on."""
    count = making.counts["Contact"]
    homes = making.accounts[:count]
    homes = homes + making.busy_accounts(count - len(homes))
    people: list[vocab.Person] = []
    for number, account in enumerate(homes):
        who = _person(making, number, people)
        people.append(who)
        making.add(
            "Contact",
            who.first,
            who.last,
            account.row[0],
            making.maybe(0.85, vocab.title),
            f"{vocab.slug(who.first)}.{vocab.slug(who.last)}@{account.row.email.partition('@')[2]}"
            if making.chance(0.85)
            else None,
            making.maybe(0.7, vocab.phone),
            vocab.note(making.rng, making.pool, account.mood, who.first) if making.chance(0.3) else None,
            account=account,
        )


def _person(making: Making, number: int, people: list[vocab.Person]) -> vocab.Person:
    """A new person; at times one of an earlier contact's family, or a namesake."""
    if number % 37 == 36:
        return people[number - making.within(1, 30)]
    if number % 11 == 10:
        first = vocab.first_name(making.rng, making.pool)
        return vocab.Person(first, people[number - making.within(1, 10)].last)
    return vocab.person(making.rng, making.pool, making.curated)


def make_companies(making: Making) -> None:
    """Make the partners, vendors and competitors."""
    for _ in range(making.counts["Company"]):
        line = vocab.industry(making.rng)
        people = [vocab.person(making.rng, making.pool, making.curated).full for _ in range(making.within(0, 3))]
        making.add(
            "Company",
            vocab.company_name(making.rng, making.pool, line, vocab.stem(making.rng, making.pool, making.curated)),
            pick(making.rng, ("Partner", "Partner", "Vendor", "Vendor", "Competitor")) if making.chance(0.95) else None,
            line.name if making.chance(0.9) else None,
            making.maybe(0.75, vocab.address),
            tuple(people) if making.chance(0.8) else None,
        )
