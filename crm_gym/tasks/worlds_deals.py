"""What goes on with the clients of a world: deals, and the quotes and contracts that follow from them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import accumulate

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.vocab_values import pick
from crm_gym.tasks.worlds_causes import Account, Making

OPEN_STAGES = ("Prospecting", "Qualification", "Proposal", "Negotiation")
PROBABILITY = {  # least and largest percentage of a deal in that stage
    "Prospecting": (3, 25), "Qualification": (20, 45), "Proposal": (40, 70),
    "Negotiation": (60, 90), "Closed-Won": (80, 99), "Closed-Lost": (1, 20),
}  # fmt: skip
_HAS_PROBABILITY = {"Closed-Won": 0.3, "Closed-Lost": 0.3}
_QUOTED = {  # how many quotes a deal in that stage draws, in proportion
    "Prospecting": 0.0, "Qualification": 0.3, "Proposal": 1.2, "Negotiation": 1.8, "Closed-Won": 1.4,
    "Closed-Lost": 0.9,
}  # fmt: skip
LAST_QUOTE = {  # what may become of the newest quote of a deal in that stage
    "Prospecting": ("Draft",), "Qualification": ("Draft",), "Proposal": ("Draft", "Sent", "Sent"),
    "Negotiation": ("Sent", "Sent", "Approved"), "Closed-Won": ("Approved",),
    "Closed-Lost": ("Rejected", "Rejected", "Canceled"),
}  # fmt: skip
OLD_QUOTE = ("Rejected", "Rejected", "Canceled")
QUOTE_SPREAD = (Decimal("0.85"), Decimal("1.15"))
"""The amount of a quote lies between these parts of its deal's."""

_MONTH = 30


def make_deals(making: Making, owners: tuple[str, ...]) -> None:
    """Make the deals, the larger clients having more of them."""
    accounts = making.busy_accounts(making.counts["Opportunity"])
    seller = next(account for account in making.accounts if account.status == "Active")
    accounts[0] = seller
    for number, account in enumerate(accounts):
        health = 0.7 * account.health + 0.3 * making.rng.random()
        stage = "Closed-Won" if number == 0 else _stage(making, account, health)
        making.add(
            "Opportunity",
            _deal_name(making, number, account),
            account.row[0],
            vocab.amount(making.rng, making.pool, account.size),
            stage,
            _close_date(making, account, stage, health),
            _deal_owner(making, account, owners),
            vocab.percent(making.rng, making.pool, *PROBABILITY[stage])
            if making.chance(_HAS_PROBABILITY.get(stage, 0.85))
            else None,
            vocab.note(making.rng, making.pool, account.mood) if making.chance(0.45) else None,
            account=account,
        )


def _stage(making: Making, account: Account, health: float) -> str:
    """How far a deal has come by its age and health; whoever has left has no open deal, a prospect none won."""
    closed = "Closed-Won" if making.chance(0.35 + 0.55 * health) else "Closed-Lost"
    if account.status == "Inactive":
        return closed
    if account.status == "Prospect":
        old_enough = account.born <= making.today - 120
        if old_enough and making.chance(0.15):
            return "Closed-Lost"
        return pick(making.rng, OPEN_STAGES[:3] if health < 0.6 else OPEN_STAGES)
    progress = making.rng.random() * 1.75
    if progress >= 1:
        return closed
    return OPEN_STAGES[int(progress * 4 * min(1.0, 0.75 + 0.5 * health))]


def _close_date(making: Making, account: Account, stage: str, health: float) -> str | None:
    today = making.today
    if stage in CLOSED_STAGES:
        last = today - (200 if account.status == "Inactive" else 1)
        return making.day(max(account.born + _MONTH, last - 900), last)
    if making.chance(0.05):
        return None
    if making.chance(0.12 + 0.3 * (1 - health)):
        return making.day(today - 150, today - 1)
    return making.day(today, today + 60 + 45 * (4 - OPEN_STAGES.index(stage)))


def _deal_owner(making: Making, account: Account, owners: tuple[str, ...]) -> str | None:
    """The client's owner, mostly; some deals were handed over, a few forgotten."""
    chance = making.rng.random()
    return account.owner if chance < 0.88 else pick(making.rng, owners) if chance < 0.98 else None


def _deal_name(making: Making, number: int, account: Account) -> str:
    """A new name; at times that of an earlier deal with another client."""
    if number % 23 == 22:
        for row in making.rows["Opportunity"][-20:]:
            if row.client_id != account.row[0]:
                return str(row.name)
    about = account.row.name if making.chance(1 - making.curated) else None
    return vocab.deal_name(making.rng, making.pool, account.line, about)


def make_quotes(making: Making) -> None:
    """Make the quotes: the versions of one deal follow one another, the newest stands as the deal does."""
    deals = making.rows["Opportunity"]
    weights = list(accumulate(_QUOTED[deal.stage] for deal in deals))
    chosen = making.rng.choices(range(len(deals)), cum_weights=weights, k=making.counts["Quote"])
    prefixes = [vocab.quote_prefix(making.rng, making.pool) for _ in range(min(24, 3 + len(making.accounts) // 30))]
    for position, versions in sorted(Counter(chosen).items()):
        _quotes_of(making, deals[position], versions, prefixes)


def _quotes_of(making: Making, deal: Row, versions: int, prefixes: list[str]) -> None:
    account = making.account_of[deal[0]]
    closed = deal.stage in CLOSED_STAGES
    until = date.fromisoformat(deal.close_date).toordinal() if closed else making.today
    days = [max(account.born, until - making.within(3, 40) - 20 * back) for back in range(versions)][::-1]
    prefix = pick(making.rng, prefixes)
    amount = None
    for version, day in enumerate(sorted(days), 1):
        newest = version == versions
        amount = _quote_amount(making, deal, amount, newest)
        making.add(
            "Quote",
            deal[0],
            amount,
            pick(making.rng, LAST_QUOTE[deal.stage] if newest else OLD_QUOTE),
            None if making.chance(0.08) else f"v{version}",
            making.day(day + 20, day + 120) if making.chance(0.9) else None,
            None if making.chance(0.12) else prefix,
            making.stamp(day),
            account=account,
        )


def _quote_amount(making: Making, deal: Row, previous: Decimal | None, newest: bool) -> Decimal:
    if newest and (deal.stage == "Closed-Won" or making.chance(0.4)):
        return Decimal(deal.amount)
    if previous is not None and making.chance(0.3):
        return previous
    low, high = (deal.amount * part for part in QUOTE_SPREAD)
    return vocab.amount_between(making.rng, making.pool, low, high)


def make_contracts(making: Making) -> None:
    """Make the contracts: of won deals first, then agreements that hang on no deal."""
    count = making.counts["Contract"]
    won = [deal for deal in making.rows["Opportunity"] if deal.stage == "Closed-Won"]
    making.rng.shuffle(won)
    signed = sorted(won[: count - count // 8], key=lambda deal: str(deal.close_date))
    for number, deal in enumerate(signed):
        account = making.account_of[deal[0]]
        _contract(making, account, deal, date.fromisoformat(deal.close_date).toordinal(), number % 4 == 1)
    loose = [account for account in making.accounts if account.status != "Prospect"]
    for number in range(count - len(signed)):
        account = pick(making.rng, loose)
        last = making.today - (200 if account.status == "Inactive" else 1)
        _contract(making, account, None, making.within(max(account.born, last - 900), last), number % 3 == 0)


def _contract(making: Making, account: Account, deal: Row | None, signed: int, ending: bool) -> None:
    """A contract signed on that day; if `ending`, one that runs out within ninety days, where it can."""
    start: str | None = None
    end: str | None = None
    if deal is not None or making.chance(0.9):
        start = making.day(signed, signed + 60)
        end = _end(making, account, date.fromisoformat(start).toordinal(), ending)
    size = account.size
    making.add(
        "Contract",
        account.row[0],
        deal[0] if deal is not None else None,
        contract_status(date.fromordinal(making.today).isoformat(), start, end),
        deal.amount if deal is not None else making.maybe(0.9, lambda rng, pool: vocab.amount(rng, pool, size)),
        start,
        end,
        vocab.url(making.rng, making.pool, account.row.name) if making.chance(0.6) else None,
        account=account,
    )


def _end(making: Making, account: Account, start: int, ending: bool) -> str:
    today = making.today
    if account.status == "Inactive":  # what there was is over
        return making.day(start + 1, today - 1)
    if ending and start < today:
        return making.day(today + 1, today + 90)
    term = 365 * making.within(1, 3)
    return making.day(start + term - 30, start + term + 30)


def contract_status(today: str, start: str | None, end: str | None) -> str:
    """Where a contract stands on a day: Pending before it starts or if nobody knows when, Expired after its end."""
    if start is None or start > today:
        return "Pending"
    return "Expired" if end is not None and end < today else "Active"
