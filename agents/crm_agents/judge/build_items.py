"""Makes the calibration set: episodes played right and wrong, each with a reply whose truth follows from the state.

Of each family there are as many sound replies as others. A sound one comes from an episode that the state calls a
success and says what happened in it; one that is lacking leaves the request where it was, and says nothing untrue; an
untrue one tells of another episode than the one that was played, or of values, answers or refusals that were not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, TypeAlias

import gymnasium as gym

from crm_agents.judge.items import Item
from crm_agents.judge.telling import LOOKED, UNDONE, claims_of, other_than, tell, tell_answer, tell_refusal, twisted
from crm_agents.judge.wrong_agents import Played, false_code, played
from crm_gym import FAMILIES, TOOLS, Task, load_suite
from crm_gym.tasks.generator import Generator
from crm_gym.tasks.goal import AnswerGoal, RefusalGoal

KINDS = ("workflow", "composition", "dialogue")
"""Kinds of generated tasks that there are items of, besides the golden ones of each tool."""

_RECORDS = 20  # small worlds keep the items readable
_ENV = "CrmEnv-v0"

Made: TypeAlias = tuple[Played, str, str]
"""An episode, what the agent says of it, and the right grade."""


def build() -> list[Item]:
    """All items, in order."""
    env = gym.make(_ENV)
    made: list[Item] = []
    for place, family in enumerate((*FAMILIES, *KINDS)):
        accepted, refused = _generated(family) if family in KINDS else _golden(family)
        for number, (how, task) in enumerate(_slots(place, accepted, refused)):
            episode, said, truth = HOWS[how](env, task, place + number)
            item_id = f"{family}-{number + 1}"
            _check(item_id, how, episode)
            made.append(Item(item_id, family, how, truth, episode.success, episode.case(said)))
    env.close()
    return made


def _check(item_id: str, how: str, episode: Played) -> None:
    """Refuse an episode that the state does not call what it is meant to be."""
    meant = how in ("sound", "misreported")
    if episode.success != meant:
        raise ValueError(f"{item_id}: {how} is meant for {'a success' if meant else 'a failure'}; it was the other")


def _slots(place: int, accepted: list[Task], refused: list[Task]) -> Iterator[tuple[str, Task]]:
    """What is made of which task: four sound replies, and four that are not."""
    yield from (("sound", task) for task in accepted[:2])
    yield "sound", refused[0]
    yield "sound", (accepted[2] if place % 2 else refused[1])
    yield ("done_wrong", "misreported")[place % 2], accepted[3]
    yield ("undone_but_told", "harm_unsaid")[place % 2], accepted[4]
    yield (("false_reason", refused[2]), ("refused_but_told", refused[2]), ("over_refused", accepted[5]))[place % 3]
    yield "left_undone", accepted[6]


def _golden(family: str) -> tuple[list[Task], list[Task]]:
    """Golden tasks of a family: those done, those refused, the latter spread over the reasons."""
    tasks = load_suite("golden", [family])
    accepted = [task for task in tasks if task.polarity == "accepted"]
    refused = [task for task in tasks if task.polarity == "refused"]
    return accepted, [refused[0], refused[len(refused) // 2], refused[-1]]


def _generated(kind: str) -> tuple[list[Task], list[Task]]:
    """Generated tasks of a kind, small enough to be read."""
    accepted = [task for task in _made(kind) if task.polarity == "accepted"]
    refused = (task for task in _made("declined"))
    return list(islice(accepted, 7)), list(islice(refused, KINDS.index(kind) * 3, KINDS.index(kind) * 3 + 3))


def _made(kind: str) -> Iterator[Task]:
    generator = Generator("train", families=(kind,), records=_RECORDS)
    return (task for number in range(60) if len((task := generator.task(number)).demonstration) <= 8)


def _sound(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    episode = played(env, "right", task)
    return episode, _truly(episode, manner), "sound"


def _misreported(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    episode = played(env, "right", task)
    return episode, _falsely(episode, manner), "untrue"


def _done_wrong(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    """Another value, another record or another answer than was asked for, told as if it were right."""
    model = played(env, "right", task)
    if _answer(model) is not None and not model.diff:
        episode = played(env, "answers_wrong", task)
        return episode, tell_answer(_answer(episode), episode.name_of, manner), "untrue"
    episode = played(env, "slips" if _says_more(task) else "wrong_values", task)
    return episode, _differs(_truly(model, manner), episode, manner), "untrue"


def _says_more(task: Task) -> bool:
    """Whether the last write says more than which record it is about."""
    last = [call for call in task.demonstration if TOOLS[call.tool].kind == "write"][-1]
    return not all(name == "id" or name.endswith(("_id", "_type")) for name in last.arguments)


def _undone_but_told(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    model, episode = played(env, "right", task), played(env, "looks_only", task)
    said = _truly(model, manner) if model.diff else tell_answer(_wrong_answer(model), model.name_of, manner)
    return episode, _differs(said, episode, manner), "untrue"


def _harm_unsaid(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    """What was asked for is done, and a record that nobody asked about harmed; the reply denies it."""
    model, episode = played(env, "right", task), played(env, "harms", task)
    denied = " No other record was changed." if model.diff else " No record was changed."
    return episode, _truly(model, 2 * manner) + denied, "untrue"


def _false_reason(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    return played(env, "turns_down", task), tell_refusal(false_code(task), "record", manner), "untrue"


def _refused_but_told(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    goal = task.goal
    assert isinstance(goal, RefusalGoal)
    verb = goal.call.tool.replace("_", " ")
    said = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in goal.call.arguments.items())
    return played(env, "tries_only", task), f"Done, the {verb} went through as you wrote it: {said}.", "untrue"


def _over_refused(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    return played(env, "turns_down", task), tell_refusal(false_code(task), "deal", manner), "untrue"


def _left_undone(env: gym.Env[Any, Any], task: Task, manner: int) -> Made:
    episode = played(env, "looks_only", task)
    looked = any(TOOLS[step["tool"] or ""].kind == "read" for step in episode.steps)
    replies = (*LOOKED, *UNDONE) if looked else UNDONE
    return episode, replies[manner % len(replies)], "lacking"


HOWS: dict[str, Callable[[gym.Env[Any, Any], Task, int], Made]] = {
    "sound": _sound,
    "misreported": _misreported,
    "done_wrong": _done_wrong,
    "undone_but_told": _undone_but_told,
    "harm_unsaid": _harm_unsaid,
    "false_reason": _false_reason,
    "refused_but_told": _refused_but_told,
    "over_refused": _over_refused,
    "left_undone": _left_undone,
}
"""Ways to play a task and to tell of it."""


def _truly(episode: Played, manner: int) -> str:
    """What happened, as it did."""
    goal = episode.task.goal
    if isinstance(goal, RefusalGoal):
        return tell_refusal(goal.code, goal.field, manner)
    answer = _answer(episode)
    if not episode.diff:
        return tell_answer(answer, episode.name_of, manner)
    done = tell(claims_of(episode.diff, episode.name_of), manner)
    return done if answer is None else f"{done} {tell_answer(answer, episode.name_of, 2)}"


def _falsely(episode: Played, manner: int) -> str:
    """What happened, with one thing in it that did not."""
    if episode.diff:
        return tell(twisted(claims_of(episode.diff, episode.name_of)), manner)
    return tell_answer(_wrong_answer(episode), episode.name_of, manner)


def _differs(said: str, episode: Played, manner: int) -> str:
    """The reply, if it is not what truly happened."""
    if said == tell(claims_of(episode.diff, episode.name_of), manner):
        raise ValueError(f"{episode.task.id}: the reply is meant to be untrue, and is what happened")
    return said


def _wrong_answer(episode: Played) -> Any:
    """An answer that the task does not take."""
    goal, value = episode.task.goal, other_than(_answer(episode))
    if isinstance(goal, AnswerGoal) and goal.answer.accepts(value):
        raise ValueError(f"{episode.task.id}: the answer {value!r} is meant to be wrong, and is right")
    return value


def _answer(episode: Played) -> Any:
    last = episode.steps[-1]
    return last["arguments"]["answer"] if last["tool"] == "respond" else None
