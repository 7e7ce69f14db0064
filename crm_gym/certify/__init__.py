"""Certifying tasks: what must hold of each before anybody is judged by it.

A task brings its own solution. Here that solution is bent in every way that must be noticed, and in every way
that must not matter; and it is asked whether the request and the CRM give all that a solver needs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from crm_gym.certify.bent import perturbed
from crm_gym.certify.meant import ambiguous
from crm_gym.certify.reach import Walk, unreachable
from crm_gym.certify.sameness import same_end
from crm_gym.certify.states import wrong_end_states
from crm_gym.certify.talks import cut_short, unheard
from crm_gym.certify.values import EndState, Trail, play, sampled
from crm_gym.certify.ways import equivalents
from crm_gym.tasks.goal import ChangeGoal, RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import ToolCall

LEAST_WRONG, LEAST_EQUIVALENT = 15, 8
"""How many wrong end states and equivalent ways a task must have been tried with."""

MOST_WRONG, MOST_BENT = 60, 60
"""How many nearly right changes and bent ways are tried of a task that has more: chosen by its id, so that over many
tasks every kind comes up."""


@dataclass(slots=True)
class Trial:
    """What a task was tried with.

    Attributes:
        wrong: Wrong end states tried.
        right: Equivalent ways tried.
        bent: Bent ways tried.
        example: The first fault's way and end, if it lies in one.
    """

    wrong: int = 0
    right: int = 0
    bent: int = 0
    example: tuple[tuple[ToolCall, ...], EndState] | None = field(default=None, repr=False)

    def notice(self, end: EndState, way: Collection[ToolCall] = ()) -> None:
        """Keep the first end that was judged wrongly."""
        if self.example is None:
            self.example = tuple(way), end


def certify(task: Task, rows: Collection[str] = (), trial: Trial | None = None) -> list[str]:
    """What is wrong with a task, one sentence a fault; empty if it may judge.

    Args:
        task: The task; one to be refused is tried under both protocols.
        rows: Ids of the records that an answer is worked out from, if the goal does not know them.
        trial: Where to note what was tried.
    """
    answer = getattr(task.goal, "answer", None)
    rows = rows or (() if answer is None else answer.rows)
    protocols = [task, task.by_attempt()] if isinstance(task.goal, RefusalGoal) else [task]
    faults = [fault for each in protocols for fault in judged_wrongly(each, trial)]
    walk = Walk(task)
    faults += [*refused_otherwise(task), *unreachable(task, rows, walk), *ambiguous(task, walk)]
    return [*faults, *unheard(task, walk)]


def judged_wrongly(task: Task, trial: Trial | None = None) -> Iterator[str]:
    """Every end the task's judgement is mistaken about."""
    trial = trial or Trial()
    trail = Trail(task)
    done = trail.end
    wrong = [*wrong_end_states(task, done, MOST_WRONG), *cut_short(task, done)]
    right, every = equivalents(task), perturbed(task)
    bent = {name: every[name] for name in sampled(list(every), MOST_BENT, task.id)}
    trial.wrong, trial.right, trial.bent = trial.wrong + len(wrong), trial.right + len(right), trial.bent + len(bent)
    if len(wrong) < LEAST_WRONG or len(right) < LEAST_EQUIVALENT or not (bent or _bare(task)):
        yield f"only {len(wrong)} wrong ends, {len(right)} right and {len(bent)} perturbed ways to try"
    for end in wrong:
        if end.verdict(task).success and not _comes_to_the_same(task, end, done):
            trial.notice(end)
            yield f"success although {end.name}"
    for name, way in right.items():
        end = trail.play(way, name)
        if not end.verdict(task).success:
            trial.notice(end, way)
            yield f"no success: {name}"
    for name, way in bent.items():
        end = trail.play(way, name)
        if end.verdict(task).success and not _comes_to_the_same(task, end, done):
            trial.notice(end, way)
            yield f"success although {name}"


def _comes_to_the_same(task: Task, end: EndState, right: EndState) -> bool:
    """Whether an end is no wrong one: two like records exchanged, or a value that a later call writes over."""
    several = isinstance(task.goal, ChangeGoal) and len(task.solution) > 1
    return several and same_end(task, end, right)


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
