"""A fault laid open: the request, the calls that were played, and what was expected against what came about."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from crm_gym import render
from crm_gym.certify.values import EndState, play
from crm_gym.schema import row_json
from crm_gym.strict_json import encode
from crm_gym.tasks.goal import ChangeGoal, Expected, RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import ToolCall


def explained(task: Task, fault: str, example: tuple[Sequence[ToolCall], EndState] | None = None) -> str:
    """A fault for people.

    Args:
        task: The task.
        fault: What is wrong.
        example: The calls and the end it was found with; the solution's if not given.
    """
    way, end = example or (task.solution, play(task, task.solution))
    return "\n".join(_lines(task, fault, way, end))


def _lines(task: Task, fault: str, way: Sequence[ToolCall], end: EndState) -> Iterator[str]:
    yield f"{render.BOLD}{render.safe(task.id)}{render.PLAIN}  today {task.today}, world {render.safe(task.world.name)}"
    yield render.safe(task.request)
    yield ""
    yield f"{render.RED}fault{render.PLAIN} {render.safe(fault)}"
    yield f"{render.BOLD}played{render.PLAIN} {render.safe(end.name)}"
    if end.results:
        for number, result in enumerate(end.results, 1):
            yield from render.call_lines(number, result)
    elif way:
        yield from (f"    {call.tool} {render.safe(encode(dict(call.arguments)))}" for call in way)
    yield f"{render.BOLD}expected{render.PLAIN}"
    yield from _expected(task)
    yield from render.changes(end.crm.journal)[1:]
    yield render.verdict_line(end.verdict(task), over=True)


def _expected(task: Task) -> Iterator[str]:
    goal = task.goal
    if isinstance(goal, RefusalGoal):
        yield f"  refusal {goal.code} of {goal.field!r}"
        return
    if isinstance(goal, ChangeGoal):
        for one in goal.changes:
            yield from _change(task, one)
    if goal.answer is not None:
        yield f"  answer ({goal.answer.give}) {render.safe(encode(goal.answer.value))}"


def _change(task: Task, one: Expected) -> Iterator[str]:
    """An expected change: the fields that are new or other than before, and those left open."""
    before = task.world.crm.get(one.table, one.id) if one.id is not None else None
    if one.row is None:
        yield f"  {render.RED}- {one.table} {one.id}{render.PLAIN}"
        return
    old, new = ({} if before is None else row_json(before)), row_json(one.row)
    names = list(new)
    free = {names[place] for place in one.free}
    yield f"  {render.YELLOW if old else render.GREEN}{'~' if old else '+'} {one.table} {one.id or ''}{render.PLAIN}"
    for name, value in new.items():
        if name not in free and value != old.get(name):
            yield f"      {render.GREEN}+ {name}: {render.safe(encode(value))}{render.PLAIN}"
    if one.free:
        yield f"      {render.DIM}free: {', '.join(name for name in names if name in free)}{render.PLAIN}"
