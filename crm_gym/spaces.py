"""The text door: actions in, observations out; each space beside the code that fills it."""

from __future__ import annotations

import copy
import functools
import re
import string
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from crm_gym.atom import short
from crm_gym.errors import ToolError
from crm_gym.schema import TABLES, WRITERS
from crm_gym.strict_json import MAX_CHARS, NotStrict, encode, normal, parse, parse_flat
from crm_gym.tasks import task
from crm_gym.tools import TOOL_NAMES, TOOLS, ToolCall, ToolResult
from crm_gym.tools.base import Outcome, plain, unknown_tool

REQUEST_CHARS = 12 * task.REQUEST_CHARS  # each may need a surrogate pair, \uXXXX\uXXXX
ARGUMENTS_CHARS = 4_096
RESULT_CHARS = 65_536  # more than any one record takes, so that pages of one row are never cut
CODE_CHARS = 32
COUNT_HIGH = 2**53
"""Published sizes of the observation's parts, in characters; counts stay below 2**53."""

CHARSET = string.printable
_TOOL_COUNT = len(TOOL_NAMES)
NOT_CALLED, OK, REFUSED = 0, 1, 2
"""Values of the observation's `status`."""

Observation = dict[str, Any]


@functools.cache
def _text_space(limit: int) -> spaces.Text:
    return spaces.Text(min_length=0, max_length=limit, charset=CHARSET)


def _text(limit: int) -> spaces.Text:
    """A Text space with a generator of its own; the tables of its characters are shared by all."""
    return copy.copy(_text_space(limit))


def action_space() -> spaces.Dict:
    """The canonical action: a tool's number in `TOOLS` and its arguments as a JSON object in text."""
    return spaces.Dict(
        {
            "tool": spaces.Discrete(len(TOOLS)),
            "arguments": _text(MAX_CHARS),
        }
    )


Decoded = tuple[str | None, dict[str, Any], str | None, ToolError | None]
"""An action, read: the tool's name, None if there is no reading it; the arguments; the same as JSON text, if they came
as text; the refusal that an action earns which cannot be read."""


def decode(action: object) -> Decoded:
    """Any action as a tool call, or as the refusal it earns; never raises for what an agent sends.

    Accepted: the canonical Dict; a mapping with the tool's name and arguments as mapping or JSON text;
    a ToolCall; a JSON text of such a mapping.
    """
    try:
        if type(action) is dict and len(action) == 2:
            # The canonical Dict, plain to read, needs nothing of what follows.
            tool, text = action.get("tool"), action.get("arguments")
            if type(tool) is int and type(text) is str and 0 <= tool < _TOOL_COUNT:
                arguments = parse_flat(text)
                if arguments is not None:
                    return TOOL_NAMES[tool], arguments, text, None
        mapping = _mapping(action)
        return _read(_tool_name(mapping["tool"]), mapping["arguments"])
    except ToolError as refusal:
        return None, {}, None, refusal
    except NotStrict as fault:
        return _not_json(str(fault))
    except RecursionError:
        return _not_json("nested too deeply")
    except Exception as fault:  # a foreign object's own fault, such as a mapping that cannot be read
        return None, {}, None, _malformed("wrong_type", "action", f"cannot be read: {type(fault).__name__}")


def result_of(played: Decoded, came: Outcome) -> ToolResult:
    """What came of an action, as a ToolResult."""
    tool, arguments, _, _ = played
    return ToolResult(None if tool is None else ToolCall(tool, arguments), *came)


def _not_json(why: str) -> Decoded:
    return None, {}, None, ToolError("invalid_json", "arguments", f"arguments must be a strict JSON object: {why}.")


def _mapping(action: object) -> dict[str, Any]:
    """Any accepted form as the mapping {tool, arguments}."""
    if type(action) is ToolCall:
        return {"tool": action.tool, "arguments": action.arguments}
    if isinstance(action, str | bytes):
        action = parse(_unicode(action))
    if not isinstance(action, Mapping):
        raise _malformed("wrong_type", "action", f"must be a tool call; got {short(type(action).__name__)}")
    for name in action:
        if name not in ("tool", "arguments"):
            raise _malformed("unknown_field", "action", f"has tool and arguments and no {short(name)}")
    if "tool" not in action:
        raise _malformed("missing_field", "tool", "is required and missing; it must be a tool's name")
    return {"tool": action["tool"], "arguments": action.get("arguments", {})}


def _read(name: str, arguments: object) -> Decoded:
    text = None
    if isinstance(arguments, str | bytes):
        text = arguments if type(arguments) is str else _unicode(arguments)
        arguments = parse(text) if text and not text.isspace() else {}  # "" is the empty form: no arguments
    else:
        arguments = normal(arguments)
    if type(arguments) is not dict:
        raise _malformed("wrong_type", "arguments", f"must be an object; got {short(arguments)}")
    return name, arguments, text, None


def _unicode(value: str | bytes) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise NotStrict(f"bytes must be UTF-8: {fault.reason}") from None


def _malformed(code: str, field: str, tail: str) -> ToolError:
    return ToolError(code, field, f"{field} {tail}.")


def _tool_name(tool: object) -> str:
    if isinstance(tool, str):
        name = str.__str__(tool)
        if name not in TOOLS:
            raise unknown_tool(name, TOOLS)
        return name
    if isinstance(tool, np.generic | np.ndarray) and tool.shape == ():
        tool = tool.item()
    if type(tool) is not int:
        raise _malformed("wrong_type", "tool", f"must be a tool's name or number; got {short(tool)}")
    if not 0 <= tool < len(TOOLS):
        raise ToolError("unknown_tool", "tool", f"tool must be 0 to {len(TOOLS) - 1}; got {short(tool)}.")
    return TOOL_NAMES[tool]


@functools.cache
def observation_space() -> spaces.Dict:
    """What the policy sees, a flat Dict; one object for all environments.

    Texts are ASCII; what is not is written \\uXXXX as in JSON.

    - request: what is asked. today: the CRM's own day, YYYY-MM-DD.
    - tool, arguments: the last call; arguments as JSON text. "" before the first call.
    - status: 0 no call yet, 1 it worked, 2 it was refused. error_code: the refusal's code, else "".
    - result: the last result as JSON text, or the refusal as {"code", "field", "message"}.
    - counts: records in the eight tables, in the order of `ENTITIES`. steps: calls so far.
    """

    return spaces.Dict(
        {
            "request": _text(REQUEST_CHARS),
            "today": _text(10),
            "tool": _text(CODE_CHARS),
            "arguments": _text(ARGUMENTS_CHARS),
            "status": spaces.Discrete(3),
            "error_code": _text(CODE_CHARS),
            "result": _text(RESULT_CHARS),
            "counts": spaces.Box(0, COUNT_HIGH, shape=(len(TABLES),), dtype=np.int64),
            "steps": spaces.Discrete(COUNT_HIGH),
        }
    )


_UNPRINTABLE = re.compile("[^\t-\r -~]")


def ascii_text(text: str) -> str:
    """Plain text for the observation: what is no printable ASCII becomes \\uXXXX, as in JSON."""
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(lambda found: encode(found[0])[1:-1], text)


def cut(text: str, limit: int) -> str:
    """The text within the limit; if something is lost, a marker at the end says so and how to see it."""
    if len(text) <= limit:
        return text
    marker = f'..."CUT: {len(text)} characters in all; page with limit and offset or ask for less"'
    return text[: limit - len(marker)] + marker


def observe_start(request: str, today: str, counts: list[int]) -> Observation:
    """The observation at reset.

    Args:
        request: The request, as `ascii_text` gives it.
        today: The CRM's own day.
        counts: Records in the eight tables.
    """
    return {
        "request": request,
        "today": today,
        "tool": "",
        "arguments": "",
        "status": NOT_CALLED,
        "error_code": "",
        "result": "",
        "counts": np.array(counts, np.int64),
        "steps": 0,
    }


@functools.lru_cache(maxsize=1024)
def _counted(counts: tuple[int, ...]) -> Any:
    """Counts as an array, to be copied: a copy costs a third of a new array."""
    return np.array(counts, np.int64)


def observe(start: Observation, counts: list[int], steps: int, played: Decoded, outcome: Outcome) -> Observation:
    """The observation after a call.

    Args:
        start: The observation at reset.
        counts: Records in the eight tables.
        steps: Calls so far.
        played: The call, as `decode` gives it; a text of its arguments is shown as it came if it is ASCII.
        outcome: What came of it.
    """
    tool, arguments, text, _ = played
    raw, error = outcome
    if text is None or not text.isascii() or "\x7f" in text:  # JSON allows a bare DEL, the space does not
        text = "" if tool is None else encode(arguments)
    observation = start.copy()  # and all but request and today anew: cheaper than a new dict
    observation["tool"] = tool or ""
    observation["arguments"] = text if len(text) <= ARGUMENTS_CHARS else cut(text, ARGUMENTS_CHARS)
    if error is None:
        write = WRITERS.get(type(raw))
        result = write(*raw) if write is not None else encode(plain(raw))
        observation["status"] = OK
    else:
        result = encode(error.as_json())
        observation["status"] = REFUSED
        observation["error_code"] = error.code
    observation["result"] = result if len(result) <= RESULT_CHARS else cut(result, RESULT_CHARS)
    observation["counts"] = _counted(tuple(counts)).copy()
    observation["steps"] = steps
    return observation


@functools.cache
def tool_schemas() -> str:
    """All tools as one JSON text: a list of name, kind, description and arguments (JSON Schema), in action order."""
    return encode(
        [
            {"name": tool.name, "kind": tool.kind, "description": tool.description, "arguments": tool.schema}
            for tool in TOOLS.values()
        ]
    )
