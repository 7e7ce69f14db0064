"""What can go wrong between an agent and its model, to be had on purpose."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from crm_agents.fake.models import Answer, first_words, said_so_far
from crm_agents.fake.talk import TOO_LONG, ApiError
from crm_agents.llm.chat import Call, Request
from crm_gym import UsageError, near_miss

JSON = Any

STATUSES: Final[dict[str, tuple[int, str, str]]] = {
    "rate_limited": (429, "rate_limit_error", "the rate limit is reached; slow down"),
    "rate_limited_after": (429, "rate_limit_error", "the rate limit is reached; see the header retry-after"),
    "request_timeout": (408, "timeout_error", "the request came in too slowly"),
    "conflict": (409, "conflict_error", "another request is at it"),
    "server_error": (500, "api_error", "an internal error"),
    "bad_gateway": (502, "api_error", "bad gateway"),
    "unavailable": (503, "api_error", "not available"),
    "gateway_timeout": (504, "api_error", "no answer from behind the gateway"),
    "overloaded": (529, "overloaded_error", "overloaded"),
    "bad_request": (400, "invalid_request_error", "something about the request is wrong"),
    "unprocessable": (422, "invalid_request_error", "something in the request cannot be processed"),
    "unauthorized": (401, "authentication_error", "invalid x-api-key"),
    "forbidden": (403, "permission_error", "this key may not use this model"),
    "not_found": (404, "not_found_error", "there is no such model"),
    "too_large": (413, "request_too_large", "the request is too large"),
    "context_too_long": (400, "invalid_request_error", TOO_LONG),
    "key_in_error": (500, "api_error", "an internal error while serving the key {key}"),
}
"""Faults that are an answer with another status: the status, the provider's word, the message."""

WIRE: Final = {
    "refused": "the connection is refused: the request is sent on to a port where nobody listens",
    "hang": "the request is read and never answered",
    "closed": "the connection is closed before anything is answered",
    "reset": "the connection is reset in the middle of the answer",
    "garbage": "status 200, and a page of HTML",
}
"""Faults of the connection."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault.

    Attributes:
        kind: One of `KINDS`.
        episode: Whose: a text that stands in the conversation's first turn; or a number, from 0, in the order in which
            the server first saw such turns; None for all.
        call: At which of its replies, from 0; None for every one.
        times: How often in all; None for ever.
        value: Seconds for rate_limited_after, levels for depth_bomb; None for the usual.

    Raises:
        UsageError: If there is no such kind.
    """

    kind: str
    episode: str | int | None = None
    call: int | None = 0
    times: int | None = 1
    value: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UsageError(f"fault {self.kind!r} does not exist; {near_miss(self.kind, KINDS)}")

    def status(self, key: str) -> ApiError | None:
        """The error to answer with, if that is what it is."""
        if self.kind not in STATUSES:
            return None
        status, kind, message = STATUSES[self.kind]
        code = "context_length_exceeded" if self.kind == "context_too_long" else None
        after = f"{self.value or 7:g}" if self.kind == "rate_limited_after" else None
        return ApiError(status, message.format(key=key), kind, code, after)

    def bend(self, answer: Answer, request: Request) -> Answer:
        """The model's answer as this fault leaves it."""
        return SAID[self.kind](answer, request, self) if self.kind in SAID else answer


class Plan:
    """The faults of a server, and what is left of them.

    Args:
        faults: The faults; of several that fit, the first that is left.

    Attributes:
        met: How often each kind came about.
    """

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        self.met: dict[str, int] = {}
        self._left = [fault.times for fault in self.faults]
        self._numbers: dict[str, int] = {}

    def pick(self, request: Request) -> Fault | None:
        """The fault that is due."""
        if not self.faults:
            return None
        first, call = first_words(request), said_so_far(request)
        episode = self._numbers.setdefault(first, len(self._numbers))
        for number, fault in enumerate(self.faults):
            left = self._left[number]
            if left == 0 or fault.call not in (None, call) or not _is_whose(fault.episode, first, episode):
                continue
            self._left[number] = None if left is None else left - 1
            self.met[fault.kind] = self.met.get(fault.kind, 0) + 1
            return fault
        return None


def _is_whose(wanted: str | int | None, first: str, episode: int) -> bool:
    if isinstance(wanted, str):
        return wanted in first
    return wanted in (None, episode)


def _calls(answer: Answer) -> tuple[Call, ...]:
    """The answer's calls; in a text that is a JSON object, that one."""
    if answer.calls:
        return answer.calls
    try:
        made = json.loads(answer.text)
        return (Call("", made["tool"], made["arguments"]),)
    except (ValueError, KeyError, TypeError, RecursionError):
        return (Call("", "finish", {}),)


def _written(call: Call) -> str:
    """A call as a text, its arguments as they stand."""
    arguments = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
    return f'{{"tool": {json.dumps(call.name)}, "arguments": {arguments}}}'


def _with(answer: Answer, request: Request, *calls: Call) -> Answer:
    """The answer with other calls, as native ones or, for who was given no tools, as text."""
    if request.tools:
        return replace(answer, calls=calls)
    return replace(answer, text="\n".join(map(_written, calls)), calls=())


def _arguments(answer: Answer, request: Request, arguments: dict[str, JSON] | str) -> Answer:
    first, *others = _calls(answer)
    return _with(answer, request, Call(first.id, first.name, arguments), *others)


def _refusal(answer: Answer, request: Request, fault: Fault) -> Answer:
    return Answer("I cannot help with that.", stop="refusal")


def _cut_off(answer: Answer, request: Request, fault: Fault) -> Answer:
    return Answer("Let me think about this at some length. First of all, the reque", stop="cut_off")


def _cut_call(answer: Answer, request: Request, fault: Fault) -> Answer:
    first = _calls(answer)[0]
    text = first.arguments if isinstance(first.arguments, str) else json.dumps(first.arguments)
    return replace(_arguments(answer, request, text[: len(text) // 2]), stop="cut_off")


def _empty(answer: Answer, request: Request, fault: Fault) -> Answer:
    return Answer()


def _no_call(answer: Answer, request: Request, fault: Fault) -> Answer:
    return Answer("I would begin by looking for the record.")


def _paused(answer: Answer, request: Request, fault: Fault) -> Answer:
    return Answer("One moment.", stop="paused")


def _two_calls(answer: Answer, request: Request, fault: Fault) -> Answer:
    return _with(answer, request, Call("", "client_search", {"name": "a"}), *_calls(answer))


def _unknown_tool(answer: Answer, request: Request, fault: Fault) -> Answer:
    return _with(answer, request, Call("", "search_everything", {"text": "a"}))


def _malformed(answer: Answer, request: Request, fault: Fault) -> Answer:
    return _arguments(answer, request, '{"name": "Alder Mill", ')


def _wrong_types(answer: Answer, request: Request, fault: Fault) -> Answer:
    first = _calls(answer)[0]
    names = first.arguments if isinstance(first.arguments, dict) and first.arguments else ("name",)
    return _arguments(answer, request, {name: [True] for name in names})


def _around(answer: Answer, request: Request, fault: Fault) -> Answer:
    if request.tools:
        return replace(answer, text="Sure! I will do that now. Here is the call:")
    return replace(
        answer, text=f"Sure! Here is the call:\n```json\n{_written(_calls(answer)[0])}\n```\nDone.", calls=()
    )


def _depth_bomb(answer: Answer, request: Request, fault: Fault) -> Answer:
    levels = int(fault.value or 2_000)
    return _arguments(answer, request, '{"a":' * levels + "1" + "}" * levels)


def _surrogates(answer: Answer, request: Request, fault: Fault) -> Answer:
    made = _arguments(answer, request, r'{"name": "\ud800 \udfff\u0000"}')
    return replace(made, text="Look: \ud83d \udc00") if made.calls else made


def _nan(answer: Answer, request: Request, fault: Fault) -> Answer:
    return _arguments(answer, request, '{"limit": NaN, "offset": -Infinity}')


SAID: Final[dict[str, Callable[[Answer, Request, Fault], Answer]]] = {
    "refusal": _refusal,
    "cut_off": _cut_off,
    "cut_call": _cut_call,
    "empty": _empty,
    "no_call": _no_call,
    "paused": _paused,
    "two_calls": _two_calls,
    "unknown_tool": _unknown_tool,
    "malformed_arguments": _malformed,
    "wrong_types": _wrong_types,
    "text_around": _around,
    "depth_bomb": _depth_bomb,
    "surrogates": _surrogates,
    "nan": _nan,
}
"""Faults of what the model says."""

KINDS: Final = (*STATUSES, *WIRE, *SAID)
"""All kinds of faults."""


def read_fault(text: str) -> Fault:
    """A fault from a word for the command line: KIND, KIND@CALL, KIND@CALLxTIMES; * for every call and for ever.

    Raises:
        UsageError: If it cannot be read.
    """
    kind, _, rest = text.partition("@")
    call, _, times = rest.partition("x")
    try:
        return Fault(kind, call=_count(call, 0), times=_count(times, 1))
    except ValueError as fault:
        if isinstance(fault, UsageError):
            raise
        raise UsageError(
            f"fault {text!r} cannot be read; write rate_limited, rate_limited@2 or rate_limited@*x3"
        ) from None


def _count(word: str, default: int) -> int | None:
    return default if not word else None if word == "*" else int(word)
