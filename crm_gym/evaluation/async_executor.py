"""Many episodes at a time in one thread, while their models think."""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import itertools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import gymnasium as gym

from crm_gym.errors import BudgetSpent
from crm_gym.evaluation.account import AsyncAgent
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.playing import aplay
from crm_gym.evaluation.stage import Cast, Dealer, Stage, is_make


class Turns:
    """So many at a time; who has most left to do goes first.

    With the longest first a few long episodes among many short ones do not hold up the end of a run.
    """

    def __init__(self, count: int) -> None:
        self._free = count
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._arrivals = itertools.count()

    @asynccontextmanager
    async def turn(self, left: int) -> AsyncIterator[None]:
        """Wait until there is room.

        Args:
            left: How much is left to do.
        """
        if self._free:
            self._free -= 1
        else:
            await self._wait(left)
        try:
            yield
        finally:
            self._give()

    async def _wait(self, left: int) -> None:
        called: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-left, next(self._arrivals), called))
        try:
            await called
        except asyncio.CancelledError:
            if called.done() and not called.cancelled():  # called and cancelled in one moment
                self._give()
            raise

    def _give(self) -> None:
        while self._waiting:
            called = heapq.heappop(self._waiting)[2]
            if not called.done():
                called.set_result(None)
                return
        self._free += 1


class Async:
    """Many episodes at a time in one thread, for agents that wait for a model.

    Args:
        workers: Model calls in flight at most. Twice as many episodes are open, so that there is always one to go on
            with; a single one is played to its end before the next begins.
    """

    def __init__(self, workers: int = 1) -> None:
        self._workers = workers
        self._open = 2 * workers if workers > 1 else 1

    def perform(self, cast: Cast, stage: Stage) -> None:
        """Play; see `Executor`. Inside a running event loop, such as a notebook's, it takes a thread of its own."""
        _run(lambda: self._perform(cast, stage))

    async def _perform(self, cast: Cast, stage: Stage) -> None:
        room = _Room(cast, stage, Turns(self._workers))
        try:
            await room.play(self._open)
        finally:
            room.close()
            close = getattr(cast.agent, "aclose", None)
            if close is not None and not is_make(cast.agent):
                await close()  # its connections belong to this loop
        if room.dealer.spent is not None:
            raise room.dealer.spent


class _Room:
    """Episodes in play, side by side."""

    def __init__(self, cast: Cast, stage: Stage, turns: Turns) -> None:
        self._cast, self._stage, self._turns = cast, stage, turns
        self._envs: list[gym.Env[Any, Any]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self.dealer = Dealer(cast, stage)

    async def play(self, seats: int) -> None:
        """Play all of them, so many at a time."""
        try:
            while True:
                while len(self._tasks) < seats and (job := self.dealer.next()) is not None:
                    self._tasks.add(asyncio.create_task(self._episode(job)))
                if not self._tasks:
                    return
                done, self._tasks = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                faults = [fault for task in done if (fault := task.exception()) is not None]
                if faults:
                    raise faults[0]
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def close(self) -> None:
        """Close the environments."""
        for env in self._envs:
            env.close()

    async def _episode(self, job: Job) -> None:
        cast, stage = self._cast, self._stage
        env = self._envs.pop() if self._envs else cast.env()
        try:
            agent: AsyncAgent = cast.player(env, job)
            turn = self._turns.turn
            spend, on_step = stage.spend(job), stage.on_step
            record = await aplay(env, agent, job, cast.run, turn, spend=spend, on_step=on_step)
            stage.keep(job, record)
        except BudgetSpent as fault:
            self.dealer.spent = fault
        finally:
            self._envs.append(env)


def _run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine to its end, in a thread of its own if this one has a running loop."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(main())
        return
    faults: list[BaseException] = []
    runner = _Thread(main, faults)
    runner.start()
    try:
        runner.join()
    except BaseException:  # Ctrl-C
        runner.stop()
        runner.join()
        raise
    for fault in faults:
        raise fault


class _Thread(threading.Thread):
    """A thread with an event loop for one coroutine."""

    def __init__(self, main: Callable[[], Coroutine[Any, Any, None]], faults: list[BaseException]) -> None:
        super().__init__(name="harness", daemon=True)
        self._main, self._faults = main, faults
        self._context = contextvars.copy_context()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def run(self) -> None:
        """Run the coroutine."""
        try:
            self._context.run(asyncio.run, self._noted())
        except BaseException as fault:
            self._faults.append(fault)

    async def _noted(self) -> None:
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        await self._main()

    def stop(self) -> None:
        """Cancel it."""
        if self._loop is not None and self._task is not None:
            self._loop.call_soon_threadsafe(self._task.cancel)
