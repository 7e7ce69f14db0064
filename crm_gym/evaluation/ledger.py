"""What episodes spend, kept until it stands in the log: also what an outage or the end of the run takes away."""

from __future__ import annotations

from collections.abc import Iterable

from crm_gym.evaluation.account import Account, Spend, Tokens
from crm_gym.evaluation.log_reading import Key, ended
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.records import SCHEMA, EpisodeRecord, Run, SpentRecord


class Ledger:
    """An account for each episode that is being played or is to be played again.

    Args:
        spend: What the run may spend.
        done: The episodes in the log; those that an outage has ended are played again.
    """

    def __init__(self, spend: Spend, done: Iterable[EpisodeRecord] = ()) -> None:
        self._spend = spend
        self._open: dict[Key, Account] = {}
        self._held: dict[Key, Account] = {}
        self._logged = {
            _key(record): account for record in done if not ended(record) and (account := _account(record)) is not None
        }

    def spend(self, job: Job) -> Spend:
        """What an episode may spend: it is asked of the run, and noted."""
        return _Noted(self._spend, self._open, job.key)

    def hold(self, record: EpisodeRecord) -> None:
        """Keep in mind what an attempt has spent that is not written down: the episode is played again."""
        key = _key(record)
        _add(self._held.setdefault(key, Account()), self._of_attempt(record))

    def with_earlier(self, record: EpisodeRecord) -> EpisodeRecord:
        """An episode's record, with what its earlier attempts have spent added."""
        key, own = _key(record), self._of_attempt(record)
        earlier = [account for book in (self._logged, self._held) if (account := book.pop(key, None)) is not None]
        if not earlier and (own is None or record["tokens"] is not None):
            return record
        total = Account()
        for account in (*earlier, own):
            _add(total, account)
        return {
            **record,
            "calls": total.calls,
            "tokens": total.tokens.as_json(),
            "cost": total.cost,
            "latency": total.latency,
        }

    def unfinished(self, run: Run) -> SpentRecord | None:
        """What was spent in this part of the run and stands in no episode's record; None if nothing was."""
        total = Account()
        for account in (*self._held.values(), *self._open.values()):
            _add(total, account)
        if not total.calls and not total.tokens.total() and total.cost == 0:
            return None
        return {
            "kind": "spent",
            "schema": SCHEMA,
            "run": run["run"],
            "calls": total.calls,
            "tokens": total.tokens.as_json(),
            "cost": total.cost,
        }

    def _of_attempt(self, record: EpisodeRecord) -> Account | None:
        """What a record says, or if it says nothing (its process is gone) what was noted; None if there was nothing."""
        noted = self._open.pop(_key(record), None)
        return _account(record) or (noted if noted is not None and noted.calls else None)


class _Noted:
    """What an episode may spend, with what it does spend noted; see `Spend`."""

    __slots__ = ("_key", "_open", "_spend")

    def __init__(self, spend: Spend, open_: dict[Key, Account], key: Key) -> None:
        self._spend, self._open, self._key = spend, open_, key

    def before_call(self) -> None:
        """See `Spend`."""
        self._spend.before_call()

    def after_call(self, tokens: Tokens, cost: float | None) -> None:
        """See `Spend`."""
        account = self._open.get(self._key)
        if account is None:  # made only where there is something to note
            account = self._open[self._key] = Account()
        account.add(tokens, cost, 0.0)  # first: the run may stop at it
        self._spend.after_call(tokens, cost)


def _key(record: EpisodeRecord) -> Key:
    return record["seed"], record["trial"]


def _account(record: EpisodeRecord) -> Account | None:
    """What a record says was spent; None without a model."""
    said = record["tokens"]
    if said is None:
        return None
    tokens = Tokens(said["input"], said["output"], said["cache_read"], said["cache_write"])
    return Account(record["calls"], tokens, record["cost"], record["latency"] or 0.0)


def _add(total: Account, account: Account | None) -> None:
    if account is not None:
        total.add(account.tokens, account.cost, account.latency, account.calls)
