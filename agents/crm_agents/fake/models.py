"""Models to stand behind the fake server: anything that answers a conversation, whoever's protocol it came in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crm_agents.llm.chat import Call, Request, Said, Stop, User
from crm_gym import UsageError


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model says.

    Attributes:
        text: Its text.
        calls: Its calls. Arguments that are a text go out as they stand, be they JSON or not. A call without an id is
            given one.
        stop: Why it stops; None for "calls" with calls, and "end" without.
        thought: What it thinks before: a thinking block or a reasoning item, which must come back unchanged.
    """

    text: str = ""
    calls: tuple[Call, ...] = ()
    stop: Stop | None = None
    thought: str = ""


def call(name: str, arguments: dict[str, Any] | str | None = None, id: str = "") -> Call:
    """A call; the server gives it an id if it has none."""
    return Call(id, name, {} if arguments is None else arguments)


class Model(Protocol):
    """Anything that answers."""

    def reply(self, request: Request) -> Answer:
        """The answer to a conversation; the same for the same one."""


class ScriptedModel:
    """A model that says what it is told to: its n-th answer is the n-th of a script, and then the last again.

    Args:
        script: The answers, for every conversation; or scripts by a text that stands in the first turn, "" for the
            rest. Of several that fit, the first counts.

    Raises:
        UsageError: If a script has no answer.
    """

    def __init__(self, script: Sequence[Answer] | Mapping[str, Sequence[Answer]]) -> None:
        scripts = script if isinstance(script, Mapping) else {"": script}
        self.scripts = {text: tuple(answers) for text, answers in scripts.items()}
        for text, answers in self.scripts.items():
            if not answers:
                raise UsageError(f"the script for {text!r} has no answer; give at least one")

    def reply(self, request: Request) -> Answer:
        """The next answer of the script that fits."""
        first = first_words(request)
        for text, answers in self.scripts.items():
            if text in first:
                return answers[min(said_so_far(request), len(answers) - 1)]
        return Answer("I have no script for this.")


@dataclass(frozen=True, slots=True)
class FunctionModel:
    """A model that is a function.

    Attributes:
        answer: The function.
    """

    answer: Callable[[Request], Answer]

    def reply(self, request: Request) -> Answer:
        """What the function says."""
        return self.answer(request)


def first_words(request: Request) -> str:
    """The text of a conversation's first turn."""
    first = request.turns[0]
    return first.text if isinstance(first, User) else ""


def said_so_far(request: Request) -> int:
    """How many replies of the model are in a conversation."""
    return sum(isinstance(turn, Said) for turn in request.turns)


def read_script(text: str) -> ScriptedModel:
    """A scripted model from JSON: a list of answers, or an object of such lists.

    An answer is {"text": ..., "calls": [{"name": ..., "arguments": {...}}]}; both may be left out.

    Raises:
        UsageError: If it is something else; says where.
    """
    try:
        made = json.loads(text)
    except ValueError as fault:
        raise UsageError(f"the script is no JSON: {fault}") from None
    if isinstance(made, dict):
        return ScriptedModel({key: _answers(value, f"script[{key!r}]") for key, value in made.items()})
    return ScriptedModel(_answers(made, "script"))


def _answers(made: Any, where: str) -> list[Answer]:
    if not isinstance(made, list):
        raise UsageError(f'{where} must be a list of answers, {{"text": ..., "calls": [...]}}; got {made!r:.80}')
    return [_answer(each, f"{where}[{number}]") for number, each in enumerate(made)]


def _answer(made: Any, where: str) -> Answer:
    if not isinstance(made, dict) or not made.keys() <= {"text", "calls"}:
        raise UsageError(f"{where} must be an object with text, calls or both; got {made!r:.80}")
    calls = made.get("calls", [])
    if not isinstance(made.get("text", ""), str) or not isinstance(calls, list):
        raise UsageError(f"{where}: text must be a text and calls a list; got {made!r:.80}")
    for each in calls:
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise UsageError(f'{where}: a call is {{"name": ..., "arguments": {{...}}}}; got {each!r:.80}')
        if not isinstance(each.get("arguments", {}), dict | str):
            raise UsageError(f"{where}: arguments must be an object, or a text to go out as it stands")
    return Answer(made.get("text", ""), tuple(call(each["name"], each.get("arguments")) for each in calls))
