"""Episodes on a Ray cluster; needs the extra `ray`."""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import Any

import gymnasium as gym

from crm_gym.errors import BudgetSpent, UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.stage import Cast, Dealer, PlayerLost, Stage, played

_MAY, _SPENT = "may", "spent"


class Ray:
    """So many Ray actors, each with an environment of its own and an episode at a time.

    They play on the cluster that this program is connected to (`ray.init`), or else on one started here, on this
    machine alone, which ends with the run.

    Args:
        workers: How many.

    Raises:
        UsageError: If Ray is not installed.
    """

    def __init__(self, workers: int = 1) -> None:
        try:
            self._ray: Any = importlib.import_module("ray")
        except ModuleNotFoundError:
            raise UsageError("executor 'ray' needs Ray: pip install 'crm-gym[ray]'") from None
        self._count = workers

    def perform(self, cast: Cast, stage: Stage) -> None:
        """Play; see `Executor`."""
        ours = not self._ray.is_initialized()
        if ours:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            self._ray.init(num_cpus=self._count + 1, include_dashboard=False, log_to_driver=False)
        try:
            troupe = _Troupe(self._ray, cast, stage)
            try:
                troupe.play(self._count)
            finally:
                troupe.close()
        finally:
            if ours:
                self._ray.shutdown()
        if troupe.dealer.spent is not None:
            raise troupe.dealer.spent


class _Troupe:
    """The actors of a run."""

    def __init__(self, ray: Any, cast: Cast, stage: Stage) -> None:
        self._ray, self._stage, self.dealer = ray, stage, Dealer(cast, stage)
        self._cast = ray.put(cast)
        self._post = ray.remote(num_cpus=0)(Post).options(max_concurrency=1_000).remote()
        self._letter = self._post.next.remote()
        self._idle: list[Any] = []
        self._playing: dict[Any, tuple[Any, Job]] = {}  # by what each will give

    def play(self, count: int) -> None:
        """Play all of them."""
        while True:
            while len(self._playing) < count and (job := self.dealer.next()) is not None:
                player = self._idle.pop() if self._idle else self._hired()
                self._playing[player.play.remote(job)] = player, job
            if not self._playing:
                return
            done, _ = self._ray.wait([self._letter, *self._playing], num_returns=1)
            for ready in done:
                if ready == self._letter:
                    self._answer(*self._ray.get(ready))
                else:
                    self._take(ready)

    def close(self) -> None:
        """Let go of all of them."""
        for player in (*self._idle, *(player for player, _ in self._playing.values()), self._post):
            self._ray.kill(player)

    def _hired(self) -> Any:
        return self._ray.remote(num_cpus=1)(Player).remote(self._cast, self._post)

    def _answer(self, number: int, what: str, job: Job, said: Any) -> None:
        """Answer a player, who waits for it."""
        self._letter = self._post.next.remote()
        reply = None
        if what == _MAY:
            reply = self.dealer.may(job)
        else:
            self._stage.spend(job).after_call(*said)
        self._post.answer.remote(number, reply)

    def _take(self, ready: Any) -> None:
        """Take in what a player has come to, or that it is gone."""
        player, job = self._playing.pop(ready)
        try:
            what, said = self._ray.get(ready)
        except self._ray.exceptions.RayActorError as fault:
            told = str(fault).splitlines()[0]
            self.dealer.lost(job, PlayerLost(f"the actor that played it is gone: {told}"))
            return
        self._idle.append(player)
        self.dealer.take(job, what, said)


class Post:
    """An actor that carries questions from players to the harness, and answers back."""

    def __init__(self) -> None:
        self._letters: asyncio.Queue[tuple[int, str, Job, Any]] = asyncio.Queue()
        self._open: dict[int, asyncio.Future[Any]] = {}
        self._count = 0

    async def ask(self, what: str, job: Job, said: Any) -> Any:
        """A player's question; gives the answer."""
        self._count += 1
        number, answer = self._count, asyncio.get_running_loop().create_future()
        self._open[number] = answer
        await self._letters.put((number, what, job, said))
        return await answer

    async def next(self) -> tuple[int, str, Job, Any]:
        """The next question, with its number, when there is one."""
        return await self._letters.get()

    async def answer(self, number: int, reply: Any) -> None:
        """The answer to a question."""
        self._open.pop(number).set_result(reply)


class Player:
    """An actor that plays.

    Args:
        cast: Who plays what.
        post: The way to the harness.
    """

    def __init__(self, cast: Cast, post: Any) -> None:
        self._cast, self._post = cast, post
        self._env: gym.Env[Any, Any] = cast.env()

    def play(self, job: Job) -> tuple[str, Any]:
        """Play an episode."""
        return played(self._cast, self._env, job, Asking(self._post, job))


class Asking:
    """What a player may spend on an episode: it asks the harness.

    Args:
        post: The way there.
        job: The episode.
    """

    def __init__(self, post: Any, job: Job) -> None:
        self._post, self._job = post, job

    def before_call(self) -> None:
        """See `Spend`."""
        why = self._ask(_MAY, None)
        if why is not None:
            raise BudgetSpent(why)

    def after_call(self, tokens: Tokens, cost: float | None) -> None:
        """See `Spend`."""
        self._ask(_SPENT, (tokens, cost))

    def _ask(self, what: str, said: Any) -> Any:
        ray: Any = importlib.import_module("ray")
        return ray.get(self._post.ask.remote(what, self._job, said))
