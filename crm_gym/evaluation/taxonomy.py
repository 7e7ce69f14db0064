"""Why an episode failed, in one word, from the state and the calls: see `crm_gym.evaluation.records.FAILURES`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from crm_gym.journal import Change, Journal
from crm_gym.schema import TABLES
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, Expected, RefusalGoal, equal_values
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall, ToolResult
from crm_gym.verify import Verdict

LIMITS: Final = ("limit", "budget")
"""What `over` may be besides the tool that ended the episode: a limit of steps; what the agent may spend."""


def failure_of(task: Task, journal: Journal, verdict: Verdict, results: Sequence[ToolResult], over: str) -> str:
    """Why an episode failed.

    Args:
        task: What was asked.
        journal: The changes since the task's start.
        verdict: The last verdict on them.
        results: What came of the episode's calls, in order; what they returned is not looked at.
        over: What ended it: "respond", "decline" or "finish", or one of `LIMITS`.

    Returns:
        One of `FAILURES`. Where several would do: malformed, budget and over_refusal go first; then what is wrong goes
        before what is missing, and a wrong value before a wrong record.
    """
    if results and all(result.call is None for result in results):
        return "malformed"
    if over in LIMITS:
        return "budget"
    goal = task.goal
    if isinstance(goal, RefusalGoal):
        return _of_refusal(goal, journal, results, over)
    if over == "decline":
        return "over_refusal"
    if isinstance(goal, AnswerGoal):
        return _of_answer(goal, journal, results, over)
    return _of_changes(goal, journal, verdict, results, over)


def _of_changes(goal: ChangeGoal, journal: Journal, verdict: Verdict, results: Sequence[ToolResult], over: str) -> str:
    """Why the state is not what it should be, or the report is missing."""
    if verdict.excess:
        return _of_excess(goal, verdict)
    if over == "respond":
        if not journal.net:
            return "wrong_tool"  # an answer where a write was due
        if goal.answer is not None and not any(goal.heard(result) for result in results):
            return "wrong_value"
    return "gave_up"


def _of_excess(goal: ChangeGoal, verdict: Verdict) -> str:
    """What is wrong with changes nobody asked for: next to those that are missing, if any are."""
    if not verdict.missing:
        return "extra_write"
    kinds = {_wrong(change, verdict.missing) for change in verdict.unexpected}
    for kind in ("wrong_value", "wrong_record"):
        if kind in kinds:
            return kind
    if "linked" in kinds:
        return "wrong_value"
    return "wrong_tool" if len(verdict.missing) == len(goal.changes) else "extra_write"


def _wrong(change: Change, missing: Sequence[Expected]) -> str | None:
    """What is wrong with a change beside the missing one most like it; None if there is none of its kind.

    "linked" is one that is right but for the new record it hangs on.
    """
    alike = [one for one in missing if one.table == change.table and _verb(one) == _done(change)]
    if not alike:
        return None
    if change.before is not None:
        return "wrong_value" if any(one.id == change.id for one in alike) else "wrong_record"
    different = min((_different(one, change) for one in alike), key=len)
    if not different:
        return "linked"
    columns = TABLES[change.table].columns
    return "wrong_record" if all(columns[place].ref is not None for place in different) else "wrong_value"


def _verb(one: Expected) -> str:
    return "delete" if one.row is None else "create" if one.id is None else "modify"


def _done(change: Change) -> str:
    return "delete" if change.after is None else "create" if change.before is None else "modify"


def _different(one: Expected, change: Change) -> list[int]:
    """The places in which a new row is not what it should be; links to other new records aside."""
    open_ = {*one.free, *(place for place, _ in one.links)}
    pairs = enumerate(zip(one.row or (), change.after or (), strict=True))
    return [place for place, (wanted, made) in pairs if place not in open_ and wanted != made]


def _of_answer(goal: AnswerGoal, journal: Journal, results: Sequence[ToolResult], over: str) -> str:
    """Why the answer is not the right one, or not the only thing."""
    if any(goal.heard(result) for result in results):
        return "extra_write"
    if over == "respond":
        return "wrong_value"
    return "wrong_tool" if journal.net else "gave_up"


def _of_refusal(goal: RefusalGoal, journal: Journal, results: Sequence[ToolResult], over: str) -> str:
    """Why the request was not turned down as it should have been."""
    if any(goal.heard(result) for result in results):
        return "extra_write"
    tried = [result.call for result in results if result.call is not None and result.call.tool == goal.call.tool]
    if journal.net:  # done after all, in some other way
        done = [result.call for result in results if result.ok and result.call in tried]
        return _other_way(goal.call, [call for call in done if call is not None])
    if over == "respond" or (over == "decline" and goal.attempt):
        return "wrong_tool"
    if over == "decline" or (goal.attempt and tried):
        return "wrong_value"  # another reason, or an attempt with other values
    return "gave_up"


def _other_way(refused: ToolCall, done: Sequence[ToolCall]) -> str:
    """How a call that must be refused was got around, by the calls of its tool that worked."""
    if TOOLS[refused.tool].kind != "write" or not done:
        return "wrong_tool"
    wanted = _ids(refused.arguments)
    return "wrong_value" if any(equal_values(_ids(call.arguments), wanted) for call in done) else "wrong_record"


def _ids(arguments: Mapping[str, object]) -> dict[str, object]:
    """The arguments that name records."""
    return {name: value for name, value in arguments.items() if name == "id" or name.endswith("_id")}
