"""Several processes that play side by side, for agents that compute."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any, Final

from crm_gym.errors import BudgetSpent, UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.stage import Cast, Dealer, PlayerLost, Stage, played

_READY, _MAY, _SPENT, _PLAYED = "ready", "may", "spent", "played"
"""What a worker says: it is up; may there be a model call; what a call took; what an episode has come to."""

ONE_THREAD: Final = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""Variables by which libraries of mathematics are told how many threads to use."""


class Processes:
    """So many processes, each with an environment of its own and an episode at a time.

    They are started afresh (spawn), so that threads, locks and connections of this process do no harm; each ends by
    itself when this process is gone. A process that dies is replaced; its episode ends as an outage. If there
    are several, libraries of mathematics have one thread in each, unless the environment says how many: the processes
    share the cores.

    Args:
        workers: How many.
    """

    def __init__(self, workers: int = 1) -> None:
        self._count = workers

    def perform(self, cast: Cast, stage: Stage) -> None:
        """Play; see `Executor`."""
        crew = _Crew(Dealer(cast, stage), stage, _packed(cast), self._count)
        try:
            crew.play()
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

    def __init__(self, dealer: Dealer, stage: Stage, packed: bytes, count: int) -> None:
        self.dealer, self._stage, self._packed, self._count = dealer, stage, packed, count
        self._workers: dict[Any, _Worker] = {}  # by their pipes
        self._idle: list[_Worker] = []

    def play(self) -> None:
        """Play all of them."""
        while True:
            while (self._idle or len(self._workers) < self._count) and (job := self.dealer.next()) is not None:
                worker = self._idle.pop() if self._idle else self._hired()
                worker.play(job)
            if all(worker.job is None for worker in self._workers.values()):
                return
            for pipe in wait(list(self._workers)):
                self._hear(self._workers[pipe])

    def close(self) -> None:
        """End all of them, once what they have spent is known."""
        for worker in self._workers.values():
            self._hear_out(worker)
            worker.close()

    def _hear_out(self, worker: _Worker) -> None:
        """Take in what a worker that is stopped has spent."""
        with contextlib.suppress(EOFError, OSError):
            while worker.job is not None and worker.pipe.poll():
                what, said = worker.pipe.recv()
                if what == _SPENT:
                    with contextlib.suppress(UsageError):  # the run has stopped already
                        self._stage.spend(worker.job).after_call(*said)

    def _hired(self) -> _Worker:
        with _no_ctrl_c(), _one_thread() if self._count > 1 else contextlib.nullcontext():
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
            return
        assert worker.job is not None
        if what == _MAY:
            worker.pipe.send(self.dealer.may(worker.job))
        elif what == _SPENT:
            self._stage.spend(worker.job).after_call(*said)
        else:
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


@contextlib.contextmanager
def _no_ctrl_c() -> Iterator[None]:
    """Put Ctrl-C off until a process has been started; in the process itself it is put off until it ignores it."""
    resource_tracker.ensure_running()  # it would let Ctrl-C through again when it starts
    pressed: list[int] = []
    before = signal.getsignal(signal.SIGINT) if threading.current_thread() is threading.main_thread() else None
    if before is not None:  # that thread hears of it, whichever the kernel picks
        signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if before is not None:
            signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """An environment in which libraries of mathematics have one thread; a process that starts in it keeps it."""
    ours = [name for name in ONE_THREAD if name not in os.environ]
    os.environ.update(dict.fromkeys(ours, "1"))
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)


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
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # for what the agent may start
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
