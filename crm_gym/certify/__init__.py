"""Certifying tasks: what must hold of each before anybody is judged by it.

A task brings its own solution. Here that solution is bent in every way that must be noticed, and in every way
that must not matter; and it is asked whether the request and the CRM give all that a solver needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from crm_gym.certify.meant import ambiguous
from crm_gym.certify.reach import unreachable
from crm_gym.certify.states import wrong_end_states
from crm_gym.certify.values import EndState, play
from crm_gym.certify.ways import equivalents, perturbed
from crm_gym.tasks.goal import RefusalGoal
from crm_gym.tasks.task import Task

LEAST_WRONG, LEAST_EQUIVALENT = 15, 8
"""How many wrong end states and equivalent ways a task must have been tried with."""


def certify(task: Task, rows: Collection[str] = ()) -> list[str]:
    """What is wrong with a task, one sentence a fault; empty if it may judge.

    Args:
        task: The task; one to be refused is tried under both protocols.
        rows: Ids of the records that an answer is worked out from, if the goal does not know them.
    """
    answer = getattr(task.goal, "answer", None)
    rows = rows or (() if answer is None else answer.rows)
    protocols = [task, task.by_attempt()] if isinstance(task.goal, RefusalGoal) else [task]
    faults = [fault for each in protocols for fault in judged_wrongly(each)]
    return [*faults, *refused_otherwise(task), *unreachable(task, rows), *ambiguous(task)]


def judged_wrongly(task: Task) -> Iterator[str]:
    """Every end the task's judgement is mistaken about."""
    wrong, right, bent = wrong_end_states(task), equivalents(task), perturbed(task)
    if len(wrong) < LEAST_WRONG or len(right) < LEAST_EQUIVALENT or not (bent or _bare(task)):
        yield f"only {len(wrong)} wrong ends, {len(right)} right and {len(bent)} perturbed ways to try"
    for end in wrong:
        if end.verdict(task).success:
            yield f"success although {end.name}"
    for name, way in right.items():
        if not play(task, way).verdict(task).success:
            yield f"no success: {name}"
    for name, way in bent.items():
        if play(task, way).verdict(task).success:
            yield f"success although {name}"


def _bare(task: Task) -> bool:
    """Whether the solution has no argument that could be bent."""
    return not any(call.arguments for call in task.solution)


def refused_otherwise(task: Task) -> Iterator[str]:
    """How the refused call of a task comes out, if not as the task says."""
    if not isinstance(task.goal, RefusalGoal):
        return
    end = play(task, [task.goal.call])
    error = end.results[0].error
    if error is None:
        yield f"{task.goal.call.tool} is not refused"
    elif (error.code, error.field) != (task.goal.code, task.goal.field):
        yield f"refused with {error.code} of {error.field!r}, not {task.goal.code} of {task.goal.field!r}"
    if end.crm.state_hash() != task.world.crm.state_hash():
        yield "the refused call changes something"


__all__ = [
    "EndState",
    "ambiguous",
    "certify",
    "equivalents",
    "judged_wrongly",
    "perturbed",
    "play",
    "refused_otherwise",
    "unreachable",
    "wrong_end_states",
]
