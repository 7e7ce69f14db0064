"""What the three protocols have in common: a request as it is checked and put into turns, and the ways to refuse it."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from crm_agents.fake.models import Answer
from crm_agents.llm.chat import Call, Reply, Request, Result, Results, Said, ToolSpec, Turn, User
from crm_gym.evaluation.account import Tokens

JSON = Any


class ApiError(Exception):
    """A request is answered with an error.

    Attributes:
        status: The HTTP status.
        kind: The provider's word for it, where it has one: "invalid_request_error".
        message: What is wrong.
        code: A second word, where the provider has one.
        retry_after: Value of the header retry-after, None for no such header.
    """

    def __init__(
        self,
        status: int,
        message: str,
        kind: str = "invalid_request_error",
        code: str | None = None,
        retry_after: str | None = None,
    ) -> None:
        self.status, self.kind, self.message, self.code, self.retry_after = status, kind, message, code, retry_after
        super().__init__(message)


TOO_LONG = "prompt is too long: the input and max_tokens exceed the context window of this model"


@dataclass(slots=True)
class Asked:
    """A request as it was read.

    Attributes:
        request: It, in the shapes that all protocols are brought to.
        model: The model asked for.
        max_tokens: The most that may be written.
        must_call: Whether the answer has to be a call.
        cache: "none", "free" (reading is told of), or "paid" (writing is, too).
    """

    request: Request
    model: str
    max_tokens: int
    must_call: bool = False
    cache: Literal["none", "free", "paid"] = "free"


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def only(made: dict[str, JSON], known: frozenset[str], where: str = "") -> None:
    """Refuse what is not known."""
    if not made.keys() <= known:
        name = min(made.keys() - known)
        raise ApiError(400, f"{where}{name}: extra inputs are not permitted")


def whole(body: dict[str, JSON], known: frozenset[str]) -> None:
    """Refuse what is not known of a request, and one for a stream."""
    only(body, known)
    if body.get("stream"):
        raise ApiError(400, "stream: this server answers whole replies only; leave stream out")


def need(made: JSON, name: str, kind: type | tuple[type, ...], where: str = "") -> JSON:
    """A required value of a type."""
    if not isinstance(made, dict):
        raise ApiError(400, f"{where[:-1]}: input should be an object")
    if made.get(name) is None:
        raise ApiError(400, f"{where}{name}: field required")
    return of(made, name, kind, where)


def of(made: dict[str, JSON], name: str, kind: type | tuple[type, ...], where: str = "") -> JSON:
    """A value of a type, None if it is left out."""
    value = made.get(name)
    if value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool)):
        wanted = kind.__name__ if isinstance(kind, type) else " or ".join(each.__name__ for each in kind)
        raise ApiError(400, f"{where}{name}: input should be of type {wanted}")
    return value


def one_of(made: JSON, name: str, words: Iterable[str], where: str = "") -> JSON:
    """A required value out of a few words."""
    value = need(made, name, str, where)
    if value not in (words := tuple(words)):
        raise ApiError(400, f"{where}{name}: input should be one of {', '.join(words)}; got {value!r:.60}")
    return value


@dataclass(slots=True)
class Talk:
    """Turns in the making: messages and items come in one by one, and every call must be answered before all else."""

    turns: list[Turn] = field(default_factory=list)
    _text: list[str] = field(default_factory=list)
    _calls: list[Call] = field(default_factory=list)
    _saying: bool = False
    _open: dict[str, Call] = field(default_factory=dict)
    _results: list[Result] = field(default_factory=list)

    def user(self, text: str) -> None:
        """The user says something; after results it belongs to their turn."""
        self._end_said()
        if self._open:
            raise ApiError(400, f"calls without a result: {', '.join(self._open)}; every call must be answered first")
        if self._results:
            self.turns.append(Results(tuple(self._results), text))
            self._results.clear()
        else:
            self.turns.append(User(text))

    def said(self, text: str) -> None:
        """The model said something."""
        self._begin_said()
        self._text.append(text)

    def called(self, call: Call) -> None:
        """The model called a tool."""
        self._begin_said()
        if any(call.id == other.id for other in self._calls):
            raise ApiError(400, f"two calls have the id {call.id}; ids must be unique")
        self._calls.append(call)

    def result(self, id: str, text: str, refused: bool) -> None:
        """A call is answered."""
        self._end_said()
        call = self._open.pop(id, None)
        if call is None:
            raise ApiError(400, f"a result for {id!r:.80}, which is no open call of the reply before it")
        self._results.append(Result(call, text, refused))

    def ended(self) -> tuple[Turn, ...]:
        """All turns; the last must not be the model's."""
        self._end_said()
        if self._open:
            raise ApiError(400, f"calls without a result: {', '.join(self._open)}; every call must be answered")
        if not self._results and (not self.turns or isinstance(self.turns[-1], Said)):
            raise ApiError(400, "the conversation must end with a turn of the user")
        if self._results:
            self.turns.append(Results(tuple(self._results)))
        return tuple(self.turns)

    def _begin_said(self) -> None:
        if self._open:
            raise ApiError(400, f"calls without a result: {', '.join(self._open)}")
        if self._results:
            self.turns.append(Results(tuple(self._results)))
            self._results.clear()
        self._saying = True

    def _end_said(self) -> None:
        if self._saying:
            calls = tuple(self._calls)
            self.turns.append(Said(Reply("".join(self._text), calls, "calls" if calls else "end", Tokens(), None, "")))
            self._open = {call.id: call for call in calls}
            self._text.clear()
            self._calls.clear()
            self._saying = False


_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def tool_spec(name: JSON, description: JSON, schema: JSON, strict: JSON, where: str) -> ToolSpec:
    """A tool, its name and schema checked."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ApiError(400, f"{where}.name: must match {_NAME.pattern}; got {name!r:.80}")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise ApiError(400, f"{where}: the schema of {name} must be an object schema")
    if strict:
        strict_schema(schema, f"{where} {name}")
    return ToolSpec(name, description or "", schema)


def strict_schema(schema: JSON, where: str) -> None:
    """Refuse an object schema that leaves anything open: strict ones must not."""
    if isinstance(schema, list):
        for each in schema:
            strict_schema(each, where)
    if not isinstance(schema, dict):
        return
    if schema.get("type") == "object" or "properties" in schema:
        names, required = of(schema, "properties", dict, where) or {}, of(schema, "required", list, where) or []
        if schema.get("additionalProperties") is not False:
            raise ApiError(400, f"{where}: in strict schemas additionalProperties must be false")
        if sorted(map(str, required)) != sorted(names):
            raise ApiError(400, f"{where}: in strict schemas required must name every property")
        strict_schema(list(names.values()), where)
    for part in ("items", "anyOf", "$defs"):
        inner = schema.get(part)
        strict_schema(list(inner.values()) if part == "$defs" and isinstance(inner, dict) else inner, where)


def named_schema(form: JSON, where: str) -> dict[str, JSON]:
    """The schema that a reply is to keep to, which has a name and may be strict."""
    need(form, "name", str, f"{where}.")
    schema: dict[str, JSON] = need(form, "schema", dict, f"{where}.")
    if form.get("strict"):
        strict_schema(schema, f"{where}.schema")
    return schema


def unique_names(tools: list[ToolSpec]) -> tuple[ToolSpec, ...]:
    """The tools; no two may have one name."""
    names: set[str] = set()
    for tool in tools:
        if tool.name in names:
            raise ApiError(400, f"tools: names must be unique; {tool.name} stands twice")
        names.add(tool.name)
    return tuple(tools)


class KnownTools(list[JSON]):
    """The tools of a request as they came, with what was read from them: they come again and again.

    Attributes:
        specs: The tools as they were read, None before.
    """

    specs: tuple[ToolSpec, ...] | None = None


def tools_of(made: dict[str, JSON], read: Callable[[JSON, str], ToolSpec]) -> tuple[ToolSpec, ...]:
    """The tools of a request, read one by one; those that are known are not read again."""
    tools = of(made, "tools", list) or ()
    if isinstance(tools, KnownTools) and tools.specs is not None:
        return tools.specs
    specs = unique_names([read(tool, f"tools[{number}]") for number, tool in enumerate(tools)])
    if isinstance(tools, KnownTools):
        tools.specs = specs
    return specs


def with_ids(answer: Answer, asked: Asked, prefix: str) -> list[Call]:
    """The calls of an answer, each with an id: the place in the conversation, so that equal ones have equal ids."""
    place = len(asked.request.turns)
    return [Call(call.id or f"{prefix}{place}_{n}", call.name, call.arguments) for n, call in enumerate(answer.calls)]


def raw(arguments: dict[str, JSON] | str) -> str:
    """Arguments as JSON text: their own text where that is JSON of any sort, else a JSON string with the text in it."""
    if isinstance(arguments, dict):
        return json.dumps(arguments)
    try:
        json.loads(arguments)
    except RecursionError:  # deep, but JSON
        return arguments
    except ValueError:
        return json.dumps(arguments)
    return arguments


def signature(thought: str) -> str:
    """What goes with a thought, so that it cannot come back changed."""
    return f"{zlib.crc32(thought.encode('utf-8', 'surrogatepass')):08x}"
