"""Asking again: what is repeated, how often, and how long it waits in between; nobody sleeps here."""

import asyncio
import random

import pytest
from crm_agents.llm.chat import ModelSettings, Reply, Request, User
from crm_agents.llm.faults import BadRequest, PassingFault, SetupFault, TooLong
from crm_agents.llm.retry import RealClock, Retrying, RetryPolicy, VirtualClock

from crm_gym import UsageError
from crm_gym.evaluation.account import Tokens

REQUEST = Request("", (User("hello"),))
REPLY = Reply("hello", (), "end", Tokens(1, 1), None, "some")


class Faulty:
    """A client with a list of what comes of each question."""

    def __init__(self, *comes):
        self.settings, self.comes, self.asked, self.closed = ModelSettings("some"), list(comes), 0, 0

    async def ask(self, request):
        self.asked += 1
        comes = self.comes.pop(0)
        if isinstance(comes, Exception):
            raise comes
        return comes

    async def aclose(self):
        self.closed += 1


def passing(retry_after=None):
    return PassingFault("rate_limited", "slow down", 429, retry_after)


def ask(client, policy=None, rng=None):
    clock = VirtualClock()
    retrying = Retrying(client, policy, clock, rng or random.Random(0))
    return clock, retrying, lambda: asyncio.run(retrying.ask(REQUEST))


def test_a_reply_at_once_waits_for_nothing():
    clock, retrying, go = ask(Faulty(REPLY))
    assert go() is REPLY
    assert (clock.waits, retrying.retried) == ([], 0)


def test_waits_grow_twofold_up_to_the_cap():
    policy = RetryPolicy(tries=6, base=1.0, cap=5.0, jitter=0.0)
    clock, retrying, go = ask(Faulty(*[passing()] * 5, REPLY), policy)
    assert go() is REPLY
    assert clock.waits == [1, 2, 4, 5, 5]
    assert clock.now == 17
    assert retrying.retried == 5


def test_after_all_tries_the_last_fault_goes_on():
    faults = [passing(), passing(), PassingFault("overloaded", "later", 529)]
    client = Faulty(*faults, REPLY)
    clock, _, go = ask(client, RetryPolicy(tries=3))
    with pytest.raises(PassingFault) as caught:
        go()
    assert caught.value is faults[-1]
    assert (client.asked, len(clock.waits)) == (3, 2)


@pytest.mark.parametrize("fault", [SetupFault("key", "no"), TooLong("too_long", "no"), BadRequest("bad", "no")])
def test_what_does_not_pass_is_not_asked_again(fault):
    client = Faulty(fault, REPLY)
    clock, _, go = ask(client)
    with pytest.raises(type(fault)):
        go()
    assert (client.asked, clock.waits) == (1, [])


def test_other_exceptions_are_not_swallowed():
    client = Faulty(KeyError("ours"), REPLY)
    with pytest.raises(KeyError):
        ask(client)[2]()
    assert client.asked == 1


def test_one_try_never_asks_again():
    client = Faulty(passing(), REPLY)
    with pytest.raises(PassingFault):
        ask(client, RetryPolicy(tries=1))[2]()
    assert client.asked == 1


def test_retry_after_goes_before_our_own_waits():
    policy = RetryPolicy(base=1.0, jitter=0.5)
    clock, _, go = ask(Faulty(passing(30.0), passing(), REPLY), policy)
    go()
    assert 30.0 <= clock.waits[0] <= 30.5
    assert 1.0 <= clock.waits[1] <= 2.0


@pytest.mark.parametrize(("asked", "least"), [(1e9, 300.0), (-5.0, 0.0), (0.0, 0.0)])
def test_retry_after_is_bounded(asked, least):
    policy = RetryPolicy(jitter=0.0)
    clock, _, go = ask(Faulty(passing(asked), REPLY), policy)
    go()
    assert clock.waits == [least]


def test_jitter_takes_off_at_most_its_part_and_spreads():
    policy = RetryPolicy(tries=2, base=8.0, jitter=0.5)
    waits = [policy.wait(1, None, random.Random(seed).random()) for seed in range(200)]
    assert all(4.0 <= wait <= 8.0 for wait in waits)
    assert max(waits) - min(waits) > 3.0


def test_jitter_spreads_those_who_were_told_the_same_time():
    waits = {RetryPolicy().wait(1, 20.0, random.Random(seed).random()) for seed in range(50)}
    assert len(waits) == 50
    assert min(waits) >= 20.0


def test_the_same_chance_gives_the_same_waits():
    def waits(seed):
        clock, _, go = ask(Faulty(*[passing()] * 4, REPLY), rng=random.Random(seed))
        go()
        return clock.waits

    assert waits(3) == waits(3) != waits(4)


def test_late_tries_do_not_overflow():
    assert RetryPolicy(jitter=0.0).wait(5_000, None, 0.5) == 60.0


@pytest.mark.parametrize(
    ("name", "value"),
    [("tries", 0), ("base", -1.0), ("cap", float("nan")), ("patience", 1e12), ("jitter", 1.5), ("jitter", -0.1)],
)
def test_numbers_out_of_bounds_are_named(name, value):
    with pytest.raises(UsageError, match=f"retry.{name}"):
        RetryPolicy(**{name: value})


def test_closing_closes_the_client():
    client = Faulty()
    asyncio.run(Retrying(client).aclose())
    assert client.closed == 1


def test_it_tells_of_the_client_behind_it():
    client = Faulty()
    assert Retrying(client).settings is client.settings
    assert Retrying(client).api == "Faulty"
    client.api = "chat"
    assert Retrying(client).api == "chat"


def test_a_stopped_run_does_not_go_on_waiting():
    async def stop():
        waiting = asyncio.ensure_future(Retrying(Faulty(passing(3_600.0), REPLY)).ask(REQUEST))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(stop())


def test_the_real_clock_waits():
    asyncio.run(RealClock().sleep(0))


def test_many_at_a_time_wait_side_by_side():
    async def all_of_them():
        clock = VirtualClock()
        clients = [Faulty(passing(), passing(), REPLY) for _ in range(20)]
        replies = await asyncio.gather(*[Retrying(each, clock=clock).ask(REQUEST) for each in clients])
        return clock, replies

    clock, replies = asyncio.run(all_of_them())
    assert replies == [REPLY] * 20
    assert len(clock.waits) == 40
