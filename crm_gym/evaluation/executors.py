"""Which executor plays: one episode after another, many at a time while models think, or in several processes."""

from __future__ import annotations

from crm_gym.errors import UsageError, near_miss
from crm_gym.evaluation.account import AsyncAgent
from crm_gym.evaluation.async_executor import Async
from crm_gym.evaluation.process_executor import Processes
from crm_gym.evaluation.ray_executor import Ray
from crm_gym.evaluation.stage import Executor, Serial

EXECUTORS = ("serial", "async", "process", "ray")
"""Names of the executors."""


def executor_of(name: str | None, workers: int, agent: object) -> Executor:
    """The executor of that name.

    Args:
        name: One of `EXECUTORS`; None for what suits the agent: "async" for one that waits for a model, "process" for
            any other if there are several workers, else "serial".
        workers: Model calls in flight, or processes.
        agent: The agent, or one of those made.

    Raises:
        UsageError: If there is none of that name, or it does not suit the agent.
    """
    if type(workers) is not int or workers < 1:
        raise UsageError(f"workers must be a whole number of 1 or more; got {workers!r}")
    waits = isinstance(agent, AsyncAgent)
    chosen = name or ("async" if waits else "process" if workers > 1 else "serial")
    if chosen not in EXECUTORS:
        raise UsageError(f"executor {chosen!r} does not exist; {near_miss(chosen, EXECUTORS)}")
    if chosen == "serial" and workers > 1:
        raise UsageError(f"executor 'serial' has one worker; for {workers} say 'async' or 'process'")
    if chosen == "async" and not waits:
        raise UsageError(
            "executor 'async' takes agents that wait for a model, with a method apredict; "
            f"{type(agent).__name__} has none: say 'serial' or 'process'"
        )
    return _made(chosen, workers)


def _made(name: str, workers: int) -> Executor:
    if name == "serial":
        return Serial()
    if name == "async":
        return Async(workers)
    return Processes(workers) if name == "process" else Ray(workers)
