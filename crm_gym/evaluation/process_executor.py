"""Several processes that play side by side, for agents that compute."""

from __future__ import annotations

import contextlib
import multiprocessing
import pickle
import signal
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from crm_gym.errors import BudgetSpent, UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.stage import Cast, Dealer, PlayerLost, Stage, played

_READY, _MAY, _SPENT, _PLAYED = "ready", "may", "spent", "played"
"""What a worker says: it is up; may there be a model call; what a call took; what an episode has come to."""


class Processes:
    """So many processes, each with an environment of its own and an episode at a time.

    They are started afresh (spawn), so that threads, locks and connections of this process do no harm; each ends by
    itself when this process is gone. A process that dies is replaced; its episode ends as an outage.

    Args:
        workers: How many.
    """

    def __init__(self, workers: int = 1) -> None:
        self._count = workers

    def perform(self, cast: Cast, stage: Stage) -> None:
        """Play; see `Executor`."""
        crew = _Crew(Dealer(cast, stage), stage, _packed(cast))
        try:
            crew.play(self._count)
        finally:
            crew.close()
        if crew.dealer.spent is not None:
            raise crew.dealer.spent


class _Worker:
    """A process, the pipe to it, and what it plays."""

    def __init__(self, packed: bytes) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, there = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(packed, there), daemon=True)
        self.process.start()
        there.close()
        self.job: Job | None = None
        self.up = False

    def play(self, job: Job) -> None:
        """Give it an episode."""
        self.job = job
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it has died: the next `recv` will tell
            self.pipe.send(job)

    def close(self) -> int | None:
        """End it; its exit code."""
        self.pipe.close()
        self.process.terminate()
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        return code


class _Crew:
    """The workers of a run."""

    def __init__(self, dealer: Dealer, stage: Stage, packed: bytes) -> None:
        self.dealer, self._spend, self._packed = dealer, stage.spend, packed
        self._workers: dict[Any, _Worker] = {}  # by their pipes
        self._idle: list[_Worker] = []

    def play(self, count: int) -> None:
        """Play all of them."""
        while True:
            while (self._idle or len(self._workers) < count) and (job := self.dealer.next()) is not None:
                worker = self._idle.pop() if self._idle else self._hired()
                worker.play(job)
            if all(worker.job is None for worker in self._workers.values()):
                return
            for pipe in wait(list(self._workers)):
                self._hear(self._workers[pipe])

    def close(self) -> None:
        """End all of them."""
        for worker in self._workers.values():
            worker.close()

    def _hired(self) -> _Worker:
        worker = _Worker(self._packed)
        self._workers[worker.pipe] = worker
        return worker

    def _hear(self, worker: _Worker) -> None:
        """Take in one thing that a worker says, or that it is gone."""
        try:
            what, said = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            self._lost(worker)
            return
        if what == _READY:
            worker.up = True
        elif what == _MAY:
            worker.pipe.send(self.dealer.may())
        elif what == _SPENT:
            self._spend.after_call(*said)
        elif worker.job is not None:
            job, worker.job = worker.job, None
            self._idle.append(worker)
            self.dealer.take(job, *said)

    def _lost(self, worker: _Worker) -> None:
        """A worker is gone."""
        del self._workers[worker.pipe]
        code = worker.close()
        if not worker.up:
            raise UsageError(
                f"a process that should play ended before it began, with code {code}: programs that use several "
                "processes must keep what they do under if __name__ == '__main__'"
            )
        if worker.job is not None:
            self.dealer.lost(worker.job, PlayerLost(f"the process that played it ended with code {code}"))
        else:
            self._idle.remove(worker)


def _packed(cast: Cast) -> bytes:
    """The cast as it goes to other processes."""
    try:
        return pickle.dumps(cast)
    except Exception as fault:  # what is pickled may raise anything
        raise UsageError(
            "several processes need an agent and a make_env that can be pickled: an object, or a class or function at "
            f"the top of a module; pickle says: {fault}"
        ) from None


class _Asking:
    """What a worker's agents may spend: it asks the harness."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe

    def before_call(self) -> None:
        """See `Spend`."""
        self._pipe.send((_MAY, None))
        why = self._pipe.recv()
        if why is not None:
            raise BudgetSpent(why)

    def after_call(self, tokens: Tokens, cost: float | None) -> None:
        """See `Spend`."""
        self._pipe.send((_SPENT, (tokens, cost)))


def _work(packed: bytes, pipe: Connection) -> None:
    """The life of a worker: it plays what it is given until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the harness
    cast: Cast = pickle.loads(packed)
    env = cast.env()
    try:
        pipe.send((_READY, None))
        while True:
            job = pipe.recv()
            pipe.send((_PLAYED, played(cast, env, job, _Asking(pipe))))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the harness is gone, or has no more
    finally:
        env.close()
