"""JudgeCallback: a judge beside a run. Its opinions go to a file of their own; nothing it does reaches a record."""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from concurrent.futures import Future, wait
from pathlib import Path

from crm_agents.judge.case import Case, case_of
from crm_agents.judge.gate import Gate
from crm_agents.judge.grades import Opinion, unjudged
from crm_agents.judge.judge import Judge
from crm_agents.judge.licence import licence
from crm_agents.judge.opinions import Key, Opinions, key_of, shown
from crm_agents.llm.faults import SetupFault
from crm_gym import UsageError
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.log import Log
from crm_gym.evaluation.records import EpisodeRecord, Run
from crm_gym.evaluation.redact import Redactor


class JudgeWarning(UserWarning):
    """Opinions could not be written, or a judge could not be asked."""


class JudgeCallback(EpisodeCallback):
    """A second opinion on what the agent tells the user, asked for while the run goes on.

    An episode is judged after it has been written to the log, from a copy. The run waits for no opinion but at its very
    end; whatever goes wrong with the judge leaves an episode unjudged and stops nothing. A run that was stopped lets go
    of what is not judged yet: going on with it, or `crm-agents judge log`, makes up for it, as for what an outage left
    unjudged, and for an episode that reads another way than when it was judged. With a wrong key nothing more is asked.
    The judge's client is closed with the run.

    Play with ends_on="finish": an episode that ends as soon as it is solved leaves the agent no time to say so.

    Args:
        judge: The judge.
        path: The file of opinions; gone on with if it is of this run and judge.
        calibration: What `crm-agents judge calibrate` wrote for this judge.
        gate: The limits it must keep; the usual ones if not given. With looser ones it counts as not calibrated.
        allow_uncalibrated: Use a judge that has not come through the gate; each of its opinions says so.
        at_once: Opinions asked for at a time.
        redact: Takes secrets out of what is kept; if not given, those of this process's environment.

    Attributes:
        faults: What went wrong in the last run, a sentence each, without secrets.

    Raises:
        UsageError: If the judge has no calibration that lets it through; says why.
    """

    def __init__(
        self,
        judge: Judge,
        path: str | os.PathLike[str],
        calibration: str | os.PathLike[str] | None = None,
        *,
        gate: Gate | None = None,
        allow_uncalibrated: bool = False,
        at_once: int = 4,
        redact: Redactor | None = None,
    ) -> None:
        file = None if calibration is None else Path(calibration)
        self.licence = licence(judge, file, gate, allow_uncalibrated=allow_uncalibrated)
        self.judge, self.path, self.at_once, self._redact = judge, Path(path), at_once, redact
        self.faults: list[str] = []
        self._desk: _Desk | None = None

    def on_run_begin(self, run: Run) -> None:
        """Open the file."""
        opinions = Opinions(self.path, run, self.judge, self.licence, self._redact)
        self._desk = _Desk(self.judge, opinions, self.at_once)

    def on_episode_end(self, record: EpisodeRecord) -> None:
        """Ask for an opinion, and do not wait for it."""
        if self._desk is not None:
            self._desk.take(record)

    def on_run_end(self, log: Log) -> None:
        """Wait for the opinions, those missing from an earlier part of the run included, if the run came to its end."""
        self._finish(log if len(log.episodes) == log.run["count"] else None)

    def catch_up(self, log: Log) -> None:
        """Judge what there is in a log and no opinion on; for runs that are over."""
        self.on_run_begin(log.run)
        self._finish(log)

    def _finish(self, log: Log | None) -> None:
        """Close the file, after every opinion on that log is in it."""
        desk, self._desk = self._desk, None
        if desk is None:
            return
        try:
            if log is not None:
                for record in log.episodes:
                    desk.take(record)
                desk.wait()
        finally:
            desk.close()
            self.faults = list(map(self._redact or Redactor(), desk.faults))
        if self.faults:
            warnings.warn(f"{self.path}: {self.faults[0]} ({len(self.faults)} in all)", JudgeWarning, stacklevel=3)


class _Desk:
    """A thread with a loop in which opinions are asked for."""

    def __init__(self, judge: Judge, opinions: Opinions, at_once: int) -> None:
        self.judge, self.opinions = judge, opinions
        self.faults: list[str] = []
        self._locked = False
        self._gate = asyncio.Semaphore(at_once)
        self._taken: dict[Key, str] = dict(opinions.done)
        self._futures: list[Future[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="judge", daemon=True)
        self._thread.start()

    def take(self, record: EpisodeRecord) -> None:
        """See to an episode, once as it is; one that an outage ended has nothing to be judged."""
        if record["outcome"] == "infra_error":
            return
        key, case = key_of(record), shown(record)
        if self._taken.get(key) != case:
            self._taken[key] = case
            self._futures.append(asyncio.run_coroutine_threadsafe(self._see_to(record, case_of(record)), self._loop))

    def wait(self) -> None:
        """Wait until everything taken is seen to."""
        wait(self._futures)

    def close(self) -> None:
        """Let go of everything: what is not judged by now is not judged."""
        for future in self._futures:
            future.cancel()
        wait(self._futures)
        try:
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    async def _see_to(self, record: EpisodeRecord, case: Case) -> None:
        async with self._gate:
            opinion = await self._opinion(case, f"judge/{record['task']}/{record['seed']}/{record['trial']}")
        if opinion is None:
            return
        try:
            self.opinions.add(record, opinion)
        except Exception as fault:  # the run goes on, whatever becomes of an opinion
            self.faults.append(str(fault))

    async def _opinion(self, case: Case, label: str) -> Opinion | None:
        """The judge's opinion; None if there is nobody to ask."""
        if self._locked:
            return None
        try:
            return await self.judge.grade(case, label)
        except (SetupFault, UsageError) as fault:  # a key, a name, a cassette: the same for every question
            self._locked = True
            self.faults.append(f"the judge cannot be asked: {fault}")
            return None
        except Exception as fault:  # a stranger's client may raise anything
            self.faults.append(f"the judge could not be asked: {type(fault).__name__}: {fault}")
            return unjudged("fault", f"{type(fault).__name__}: {fault}")

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)  # those called off need a turn to end
        self.opinions.close()
        await self.judge.client.aclose()
