"""What must hold of tasks with a user: asking is needed and answered, and the last word counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crm_gym.certify.known import dates, numbers, said
from crm_gym.certify.meant import ambiguous
from crm_gym.certify.order import Way
from crm_gym.certify.reach import Walk, leaves
from crm_gym.certify.sameness import same_end
from crm_gym.certify.values import EndState, play
from crm_gym.schema import TABLES
from crm_gym.tasks.goal import ChangeGoal, RefusalGoal
from crm_gym.tasks.session import ASK
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall
from crm_gym.tools.asking import SILENT


def unheard(task: Task, walk: Walk | None = None) -> list[str]:
    """What is wrong with a task's dialogue, one sentence a fault."""
    asks = any(call.tool == ASK for call in task.demonstration)
    if task.user is None:
        return ["ask_user is played, but there is no user"] if asks else []
    if not asks:
        return ["there is a user whom nobody asks"]
    walk = walk or Walk(task)
    script = task.user
    faults = []
    empty = {SILENT, script.leaves, *(phase.waits for phase in script.phases)}
    for about, answer in walk.replies:
        if answer in empty:
            faults.append(f"asked about {about}, the user only says {answer!r}")
    if not _needed(task, walk):
        faults.append("the user need not be asked: all is said and shown without")
    return faults


def _needed(task: Task, walk: Walk) -> bool:
    """Whether the user tells what the request does not: a value that is used, or which record is meant.

    That a look-up happens to show the same value is no reason to use it.
    """
    told = "\n".join(answer for _, answer in walk.replies)
    calls = [call for call in task.demonstration if call.tool != ASK]
    calls += [task.goal.call] if isinstance(task.goal, RefusalGoal) else []
    values = [
        value for call in calls for _, value in leaves(call.arguments) if not (value is None or isinstance(value, bool))
    ]
    if any(said(told, value) and not said(task.request, value) for value in values):
        return True
    return bool(ambiguous(replace(task, user=None, selections=()), Walk(task, asking=False)))


def cut_short(task: Task, right: EndState) -> Iterator[EndState]:
    """Ends of those who do not hear the user out.

    They stop at a question, or do afterwards what was said before. What comes to the right end all the same is none.
    """
    way = list(task.demonstration)
    asked = [place for place, call in enumerate(way) if call.tool == ASK]
    for place in asked:
        if any(TOOLS[call.tool].kind in ("write", "end") for call in way[place:]):
            yield from _unless_right(task, way[: place + 1], f"stopped at question {asked.index(place)}", right)
    if asked:
        for name, old in _outdated(task, way, asked[-1]):
            yield from _unless_right(task, old, name, right)


def _unless_right(task: Task, way: Way, name: str, right: EndState) -> Iterator[EndState]:
    end = play(task, way, name)
    if not (isinstance(task.goal, ChangeGoal) and same_end(task, end, right)):
        yield end


def _outdated(task: Task, way: Way, last: int) -> Iterator[tuple[str, Way]]:
    """The way with a value that the last answer brought replaced by one of its kind that was said before."""
    walk = Walk(replace(task, _path=tuple(way[: last + 1])))
    answer = walk.replies[-1][1] if walk.replies else ""
    changed = dict(_corrected(walk.spoken.removesuffix(answer), answer))
    for place in range(last + 1, len(way)):
        call = way[place]
        if TOOLS[call.tool].kind != "write":
            continue
        arguments = _put_back(call.arguments, changed)
        if arguments != call.arguments:
            yield (
                f"call {place} as if the last answer had not been given",
                [
                    *way[:place],
                    ToolCall(call.tool, arguments),
                    *way[place + 1 :],
                ],
            )


def _corrected(before: str, answer: str) -> Iterator[tuple[Any, Any]]:
    """Every number and day of the answer with one that was said before it; and the words of lists likewise."""
    for values in (numbers, dates):
        earlier = sorted(values(before) - values(answer))
        for value in sorted(values(answer) - values(before)) if earlier else ():
            yield value, earlier[-1]
    for words in _WORDS:
        earlier = [word for word in words if word in before and word not in answer]
        for word in (word for word in words if word in answer and word not in before) if earlier else ():
            yield word, earlier[-1]


_WORDS = tuple(
    tuple(column.atom.schema["enum"])
    for table in TABLES.values()
    for column in table.columns
    if "enum" in column.atom.schema
)


def _put_back(value: Any, changed: dict[Any, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _put_back(item, changed) for name, item in value.items()}
    if isinstance(value, list | bool) or value not in changed:
        return value
    old = changed[value]
    return old if isinstance(value, str) else type(value)(old)
