"""A model that can do some of the work without being one: the rules of `HeuristicAgent`, fed from a conversation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from crm_agents.fake.judging import judgement
from crm_agents.fake.models import Answer, first_words
from crm_agents.heuristic import HeuristicAgent
from crm_agents.llm.chat import Call, Request, Result, Results, Said, User
from crm_agents.llm.prompt import read_first_turn, read_result_turn
from crm_agents.llm.reading import read_text
from crm_gym import CODES, TOOLS
from crm_gym.spaces import NOT_CALLED, OK, REFUSED

JSON = Any

LOST: Final = "I work in the CRM by rules, and only read what is written as an episode begins."
REMEMBERED: Final = 20_000
"""Places in conversations that are remembered; then all are forgotten, and conversations are read anew."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a conversation: the call that the rules make there, and what they remember.

    Attributes:
        number: Another one for every place.
        call: The call.
        state: The agent's state.
    """

    number: int
    call: Call
    state: Any


class HeuristicModel:
    """Answers as the rules of `HeuristicAgent` would have it: with native calls, or in text for who offers no tools.

    It knows nothing but the conversation: the request and the day out of the first turn, the results of its calls out
    of the rest. Results of calls that are not its own (a fault may have put one in) are passed over.

    A judge's question is answered by looking up what the reply names (see `crm_agents.fake.judging`), and every other
    one for structured output with the least that the schema allows: the rules read no prose, and say so.
    """

    def __init__(self) -> None:
        self.agent = HeuristicAgent()
        self._places: dict[tuple[int, str, str], Place] = {}

    def reply(self, request: Request) -> Answer:
        """The next call, with a word about it."""
        if request.schema is not None:
            return Answer(json.dumps(judgement(request) or least(request.schema)))
        opened = read_first_turn(first_words(request))
        if opened is None:
            return Answer(LOST)
        if len(self._places) > REMEMBERED:
            self._places.clear()
        place = self._begin(*opened)
        for result in played(request):
            if is_same(result.call, place.call):
                place = self._go_on(place, opened, result)
        said, call = words(place.call), place.call
        if request.tools:
            return Answer(said, (call,))
        return Answer(json.dumps({"tool": call.name, "arguments": call.arguments}))

    def _begin(self, asked: str, today: str) -> Place:
        return self._place((0, asked, today), _observed(asked, today), None)

    def _go_on(self, place: Place, opened: tuple[str, str], result: Result) -> Place:
        refused = result.refused or looks_refused(result.text)
        seen = _observed(*opened) | {
            "tool": place.call.name,
            "arguments": json.dumps(place.call.arguments),
            "result": result.text,
            "status": REFUSED if refused else OK,
            "error_code": json.loads(result.text)["code"] if refused and looks_refused(result.text) else "",
        }
        return self._place((place.number, result.text, str(refused)), seen, place.state)

    def _place(self, key: tuple[int, str, str], seen: dict[str, JSON], state: Any) -> Place:
        found = self._places.get(key)
        if found is None:
            action, state = self.agent.predict(seen, state, state is None)
            call = Call("", str(action["tool"]), action["arguments"])
            found = self._places[key] = Place(len(self._places) + 1, call, state)
        return found


def played(request: Request) -> list[Result]:
    """The results in a conversation, whether they came by the protocol's own means or as text."""
    results: list[Result] = []
    calls: tuple[Call, ...] = ()
    for turn in request.turns:
        if isinstance(turn, Results):
            results += turn.results
        elif isinstance(turn, Said):
            calls = () if turn.reply.calls else read_text(turn.reply).calls
        elif isinstance(turn, User) and calls and (read := read_result_turn(turn.text)):
            results.append(Result(calls[0], read[1], read[2]))
            calls = ()
    return results


def is_same(one: Call, other: Call) -> bool:
    """Whether two calls ask for the same; arguments may be JSON text in the first."""
    if one.name != other.name:
        return False
    if isinstance(one.arguments, str) and not isinstance(other.arguments, str):
        try:
            return bool(json.loads(one.arguments) == other.arguments)
        except (ValueError, RecursionError):
            return False
    return one.arguments == other.arguments


def _observed(asked: str, today: str) -> dict[str, JSON]:
    """An observation before any call, the request in ASCII as the environment shows it."""
    if not asked.isascii():
        asked = "".join(each if each.isascii() else json.dumps(each)[1:-1] for each in asked)
    return {
        "request": asked,
        "today": today,
        "tool": "",
        "arguments": "",
        "status": NOT_CALLED,
        "error_code": "",
        "result": "",
    }


def looks_refused(text: str) -> bool:
    """Whether a result is a refusal, for protocols that do not say."""
    if not text.startswith('{"code"'):
        return False
    try:
        made = json.loads(text)
    except ValueError:
        return False
    return made.keys() == {"code", "field", "message"} and made["code"] in CODES


def words(call: Call) -> str:
    """What is said beside a call: what it is for, and nothing that could turn out untrue."""
    arguments = call.arguments if isinstance(call.arguments, dict) else {}
    tool = TOOLS.get(call.name)
    if tool is None or tool.kind == "read":
        return ""
    if call.name == "respond":
        answer = arguments.get("answer")
        return f"My answer is: {answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)}"
    if call.name == "decline":
        field = f" ({arguments['field']})" if arguments.get("field") else ""
        return f"The CRM would not take this: {CODES.get(arguments.get('code', ''), 'it refuses it')}{field}."
    if call.name == "finish":
        return "There is nothing more that I know to do."
    if tool.kind == "ask":
        return "I have to ask something first."
    return f"I am asking the CRM for: {call.name.replace('_', ' ')}."


def least(schema: JSON, top: JSON = None) -> JSON:
    """The least value that a schema allows: nothing claimed, nothing listed; of listed words the last.

    Args:
        schema: A JSON Schema.
        top: The schema it is part of, for references.
    """
    top = schema if top is None else top
    if not isinstance(schema, dict):
        return None
    if "$ref" in schema:
        return least(top.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2]), top)
    if schema.get("enum"):
        return schema["enum"][-1]
    if "const" in schema:
        return schema["const"]
    if schema.get("anyOf"):
        return least(schema["anyOf"][-1], top)
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = kind[-1] if kind else None
    if kind == "object":
        return {name: least(part, top) for name, part in (schema.get("properties") or {}).items()}
    if kind == "array":
        return [least(schema.get("items"), top)] * (schema.get("minItems") or 0)
    if kind == "string":
        return "I am a set of rules and read no prose; this says nothing."
    if kind in ("integer", "number"):
        return schema.get("minimum", 0)
    return False if kind == "boolean" else None
