"""What piles up in a world: documents and notes on its records."""

from __future__ import annotations

from operator import attrgetter

from crm_gym.tasks import vocab
from crm_gym.tasks.vocab_values import pick
from crm_gym.tasks.worlds_causes import Account, Making

_DOCUMENTED = ("Opportunity",) * 9 + ("Quote",) * 4 + ("Contract",) * 4 + ("Client",) * 3
_NOTED = ("Opportunity",) * 9 + ("Client",) * 5 + ("Contact",) * 3 + ("Quote",) * 2 + ("Contract",)


def make_documents(making: Making, owners: tuple[str, ...]) -> None:
    """Make the documents, in the order in which they were uploaded."""
    for _ in range(making.counts["Document"]):
        kind = pick(making.rng, _DOCUMENTED)
        record = pick(making.rng, making.rows[kind])
        account = making.account_of[record[0]]
        about = account.row.name if making.chance(0.5) else None
        name = vocab.file_name(making.rng, making.pool, kind, about)
        making.add(
            "Document",
            kind,
            record[0],
            name,
            _author(making, account, owners),
            f"https://files.{vocab.domain(account.row.name)}/{name}" if making.chance(0.55) else None,
            making.stamp(making.within(account.born, making.today - 1)),
        )
    _in_order(making, "Document", "uploaded_at")


def make_notes(making: Making, owners: tuple[str, ...]) -> None:
    """Make the notes, in the order in which they were written; their tone is that of the relation."""
    for _ in range(making.counts["Note"]):
        kind = pick(making.rng, _NOTED)
        record = pick(making.rng, making.rows[kind])
        account = making.account_of[record[0]]
        who = record.first_name if kind == "Contact" else None
        lines = [vocab.note(making.rng, making.pool, account.mood, who) for _ in range(2 if making.chance(0.2) else 1)]
        making.add(
            "Note",
            kind,
            record[0],
            "\n".join(lines),
            _author(making, account, owners),
            making.stamp(making.within(account.born, making.today - 1)),
        )
    _in_order(making, "Note", "created_at")


def _author(making: Making, account: Account, owners: tuple[str, ...]) -> str | None:
    chance = making.rng.random()
    return account.owner if chance < 0.75 else pick(making.rng, owners) if chance < 0.94 else None


def _in_order(making: Making, table: str, stamp: str) -> None:
    making.rows[table].sort(key=attrgetter(stamp))
