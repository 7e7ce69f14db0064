"""The harness: any agent over any plan, into a log that loses nothing."""

from __future__ import annotations

import inspect
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from crm_gym.errors import BudgetSpent, UsageError
from crm_gym.evaluation.account import ModelAgent, Spend
from crm_gym.evaluation.async_executor import Async
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.callbacks import CallbackList, EpisodeCallback
from crm_gym.evaluation.executors import executor_of
from crm_gym.evaluation.ledger import Ledger
from crm_gym.evaluation.log import Log, LogWriter
from crm_gym.evaluation.log_reading import ended
from crm_gym.evaluation.plan import Job, Plan, run_line
from crm_gym.evaluation.playing import OnStep
from crm_gym.evaluation.records import EpisodeRecord
from crm_gym.evaluation.redact import Redactor
from crm_gym.evaluation.rollout import Agent
from crm_gym.evaluation.stage import Cast, Make, MakeEnv, Queue, is_make
from crm_gym.strict_json import encode


class BaselineHarness:
    """Plays a plan with an agent and keeps every episode.

    The order of the lines is that in which episodes end; sorted by index they are the same whichever executor ran.
    Episodes that an outage has ended are played again when all others are through, and written down only then, with
    what all their attempts have spent. What a run spends on episodes that it does not finish is in the log, too, once
    it has stopped: by a spent budget, Ctrl-C or a fault. Only a program that is killed takes that with it.

    An agent with a model may have a method `check()`, which raises UsageError if it cannot play: it is called before
    there is a log.

    Args:
        agent: An agent, or what makes one for each episode, `make(env, seed)`: a class or a function. The process
            executor needs one that can be pickled: at the top of a module.
        log_path: The log, a file of JSON lines.
        plan: What to play, or keywords of `Plan`.
        executor: "serial", "async", "process" or "ray"; None for what suits the agent.
        workers: Model calls in flight, or processes.
        budget: What the run may use.
        callbacks: Called at five moments of the run.
        resume: Go on with the log that is there: what is in it is not played again, but for outages.
        force: Replace the log that is there.
        outage_retries: How often an episode that an outage has ended is played again.
        name: The agent's name in the log; if not given, that of its class.
        settings: What decides what the agent does, for the log; if not given, what it says of itself.
        make_env: Makes the environment from the plan, for agents that play through another door; picklable, too.
        redact: Takes secrets out of the log.

    Raises:
        UsageError: If anything does not exist or does not go together; says what would do.
    """

    def __init__(
        self,
        agent: Agent | Make,
        log_path: str | os.PathLike[str],
        plan: Plan | dict[str, Any] | None = None,
        executor: str | None = None,
        workers: int = 1,
        budget: Budget | None = None,
        callbacks: Sequence[EpisodeCallback] = (),
        resume: bool = False,
        force: bool = False,
        outage_retries: int = 1,
        name: str | None = None,
        settings: dict[str, Any] | None = None,
        make_env: MakeEnv = Plan.make_env,
        redact: Redactor | None = None,
    ) -> None:
        if type(outage_retries) is not int or outage_retries < 0:
            raise UsageError(f"outage_retries must be a whole number of 0 or more; got {outage_retries!r}")
        self.plan = plan if isinstance(plan, Plan) else _plan(plan or {})
        self.path = _path(log_path)
        self.budget = _budget(budget)
        self.callbacks = CallbackList(callbacks)
        self._resume, self._force, self._redact = resume, force, redact
        self._retries = outage_retries
        _check_said(name, settings, make_env)
        self._one = one = _one_of(agent, self.plan, make_env)
        if settings is None and hasattr(one, "describe"):
            settings = one.describe()
            _check_settings(settings)
        self._executor = executor_of(executor, workers, one)
        self.run_line = run_line(self.plan, one, name, settings)
        self._cast = Cast(self.plan, self.run_line, agent, make_env)
        self._longest_first = workers > 1 and isinstance(self._executor, Async)

    def run(self) -> Log:
        """Play what is not in the log yet.

        Returns:
            What is in the log: that of the parts before, too, if the run was resumed.

        Raises:
            BudgetSpent: If the budget is spent; every finished episode is in the log, and the message says how to go
                on.
            KeyboardInterrupt: On Ctrl-C, with such a message.
            LogError: If the log is there already, is another run's, or cannot be written.
            UsageError: If the agent says that it cannot play; there is no log then.
        """
        check = getattr(self._one, "check", None)
        if callable(check) and isinstance(self._one, ModelAgent):
            check()
        with LogWriter(self.path, self.run_line, resume=self._resume, force=self._force, redact=self._redact) as writer:
            self.budget.begin([*writer.done.values(), *writer.spent])
            ledger = Ledger(self.budget, writer.done.values())
            try:
                self.callbacks.on_run_begin(self.run_line)
                self._play(writer, ledger)
            except BudgetSpent as fault:
                raise BudgetSpent(f"{fault}; {self._so_far(writer)} under a larger budget") from None
            except KeyboardInterrupt:
                raise KeyboardInterrupt(f"stopped; {self._so_far(writer)}") from None
            finally:
                self._end(writer, ledger)
        return writer.log()

    def _end(self, writer: LogWriter, ledger: Ledger) -> None:
        """Write down what was spent on episodes that are not finished, and close the log."""
        try:
            spent = ledger.unfinished(self.run_line)
            if spent is not None:
                writer.add_spent(spent)
        finally:
            writer.close()
            self.callbacks.on_run_end(writer.log())

    def _play(self, writer: LogWriter, ledger: Ledger) -> None:
        jobs = [again for job in self.plan.jobs() if (again := _to_play(job, writer.done.get(job.key))) is not None]
        if self._longest_first:
            jobs = sorted(self.plan.weighed(jobs), key=lambda job: (-job.weight, job.index))
        if jobs:
            stage = _Stage(jobs, writer, self.budget, ledger, self.callbacks, self._retries)
            self._executor.perform(self._cast, stage)

    def _so_far(self, writer: LogWriter) -> str:
        count = sum(map(ended, writer.done.values()))
        return f"{count} of {self.run_line['count']} episodes are in {self.path}: resume=True (--resume) goes on"


class _Stage:
    """Between the executor, the log, the budget and the callbacks; see `executors.Stage`."""

    def __init__(
        self,
        jobs: list[Job],
        writer: LogWriter,
        budget: Budget,
        ledger: Ledger,
        callbacks: CallbackList,
        retries: int,
    ) -> None:
        self._queue, self._writer, self._callbacks = Queue(jobs), writer, callbacks
        self._budget, self._ledger = budget, ledger
        self._last = {job.key: job.attempt + retries for job in jobs}
        self.on_step: OnStep | None = callbacks.on_step if callbacks.looks_at_steps else None

    def next(self) -> Job | None:
        job = self._queue.take()
        if job is not None:
            self._budget.before_call()
            self._callbacks.on_episode_begin(job)
        return job

    def spend(self, job: Job) -> Spend:
        return self._ledger.spend(job)

    def keep(self, job: Job, record: EpisodeRecord) -> None:
        if not ended(record) and job.attempt < self._last[job.key]:
            self._ledger.hold(record)
            self._queue.done(again=replace(job, attempt=job.attempt + 1))
            return
        self._queue.done()
        self._callbacks.on_episode_end(self._writer.add(self._ledger.with_earlier(record)))


def _to_play(job: Job, done: EpisodeRecord | None) -> Job | None:
    """The job, if it is still to be played."""
    if done is None:
        return job
    return None if ended(done) else replace(job, attempt=done["attempt"] + 1)


def _path(log_path: object) -> Path:
    if isinstance(log_path, str | os.PathLike) and isinstance(os.fspath(log_path), str) and os.fspath(log_path):
        return Path(log_path)
    raise UsageError(f"log_path must be the path of a file, such as 'runs/mine/episodes.jsonl'; got {log_path!r}")


def _budget(budget: object) -> Budget:
    if budget is None:
        return Budget()
    if not isinstance(budget, Budget):
        raise UsageError(f"budget must be a Budget, such as Budget(calls=100), or None for no limit; got {budget!r}")
    return budget


def _check_said(name: object, settings: object, make_env: object) -> None:
    """Refuse what the log cannot say, and an environment that cannot be made."""
    if not (name is None or isinstance(name, str)):
        raise UsageError(f"name must be a text, or None for the name of the agent's class; got {name!r}")
    if not callable(make_env):
        raise UsageError(f"make_env must be a function that makes an environment of a plan; got {make_env!r}")
    if settings is not None:
        _check_settings(settings)


def _check_settings(settings: object) -> None:
    if not isinstance(settings, dict) or not all(isinstance(each, str) for each in settings):
        raise UsageError(f"settings must map names to plain JSON values; got {settings!r}")
    for each, value in settings.items():
        if not _is_json(value):
            raise UsageError(f"settings: {each} must be plain JSON, so that the log can say it; got {value!r}")


def _is_json(value: object) -> bool:
    try:
        encode(value)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _plan(keywords: dict[str, Any]) -> Plan:
    try:
        return Plan(**keywords)
    except TypeError as fault:
        raise UsageError(
            f"plan must be a Plan or its keywords: {str(fault).removeprefix('Plan.__init__() ')}"
        ) from None


def _one_of(agent: Agent | Make, plan: Plan, make_env: MakeEnv) -> Any:
    """The agent, or one made to be asked who it is."""
    if not is_make(agent):
        return agent
    if not callable(agent) or not _takes_two(agent):
        raise UsageError(
            f"agent must be an agent, with a method predict, or make(env, seed) that makes one; got {agent!r}"
        )
    env = make_env(plan)
    try:
        made = agent(env, plan.seed)
    finally:
        env.close()
    if not hasattr(made, "predict"):
        raise UsageError(f"make(env, seed) must make an agent, with a method predict; it made {made!r}")
    return made


def _takes_two(make: Any) -> bool:
    try:
        inspect.signature(make).bind(None, 0)
    except TypeError:
        return False
    except ValueError:  # no signature to be had
        return True
    return True
