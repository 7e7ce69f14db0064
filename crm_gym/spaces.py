"""The text door: actions in, observations out; each space beside the code that fills it."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from crm_gym.atoms import short
from crm_gym.errors import ToolError
from crm_gym.schema import TABLES
from crm_gym.strict_json import MAX_CHARS, NotStrict, encode, normal, parse
from crm_gym.tools import TOOL_NAMES, TOOLS, ToolCall, ToolResult
from crm_gym.tools.base import unknown_tool

REQUEST_CHARS = 24_000  # 4,000 characters, each of which may need six (\uXXXX)
ARGUMENTS_CHARS = 4_096
RESULT_CHARS = 16_384
CODE_CHARS = 32
COUNT_HIGH = 2**53
"""Published sizes of the observation's parts, in characters; counts stay below 2**53."""

CHARSET = string.printable
NOT_CALLED, OK, REFUSED = 0, 1, 2
"""Values of the observation's `status`."""

Observation = dict[str, Any]


def action_space() -> spaces.Dict:
    """The canonical action: a tool's number in `TOOLS` and its arguments as a JSON object in text."""
    return spaces.Dict(
        {
            "tool": spaces.Discrete(len(TOOLS)),
            "arguments": spaces.Text(min_length=0, max_length=MAX_CHARS, charset=CHARSET),
        }
    )


def decode(action: object) -> ToolCall | ToolError:
    """Any action as a tool call, or as the refusal it earns; never raises for what an agent sends.

    Accepted: the canonical Dict; a mapping with the tool's name and arguments as mapping or JSON text;
    a ToolCall; a JSON text of such a mapping.
    """
    try:
        return _decode(action)
    except NotStrict as fault:
        return ToolError("invalid_json", "arguments", f"arguments must be a strict JSON object: {fault}.")
    except RecursionError:
        return ToolError("invalid_json", "arguments", "arguments must be a strict JSON object: nested too deeply.")


def _decode(action: object) -> ToolCall | ToolError:
    if type(action) is ToolCall:
        action = {"tool": action.tool, "arguments": action.arguments}
    elif isinstance(action, str | bytes):
        action = parse(_text(action))
    if not isinstance(action, Mapping):
        return _malformed("wrong_type", "action", f"must be a tool call; got {short(type(action).__name__)}")
    for name in action:
        if name not in ("tool", "arguments"):
            return _malformed("unknown_field", "action", f"has tool and arguments and no {short(name)}")
    if "tool" not in action:
        return _malformed("missing_field", "tool", "is required and missing; it must be a tool's name")
    name = _tool_name(action["tool"])
    if isinstance(name, ToolError):
        return name
    return _with_arguments(name, action.get("arguments", {}))


def _with_arguments(name: str, arguments: object) -> ToolCall | ToolError:
    if isinstance(arguments, str | bytes):
        text = _text(arguments)
        arguments = parse(text) if text.strip() else {}  # "" is the empty form: no arguments
    else:
        arguments = normal(arguments)
    if type(arguments) is not dict:
        return _malformed("wrong_type", "arguments", f"must be an object; got {short(arguments)}")
    return ToolCall(name, arguments)


def _text(value: str | bytes) -> str:
    if isinstance(value, str):
        return str.__str__(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise NotStrict(f"bytes must be UTF-8: {fault.reason}") from None


def _malformed(code: str, field: str, tail: str) -> ToolError:
    return ToolError(code, field, f"{field} {tail}.")


def _tool_name(tool: object) -> str | ToolError:
    if isinstance(tool, str):
        name = str.__str__(tool)
        return name if name in TOOLS else unknown_tool(name, TOOLS)
    if isinstance(tool, np.generic | np.ndarray) and tool.shape == ():
        tool = tool.item()
    if type(tool) is not int:
        return _malformed("wrong_type", "tool", f"must be a tool's name or number; got {short(tool)}")
    if not 0 <= tool < len(TOOLS):
        return ToolError("unknown_tool", "tool", f"tool must be 0 to {len(TOOLS) - 1}; got {short(tool)}.")
    return TOOL_NAMES[tool]


def observation_space() -> spaces.Dict:
    """What the policy sees, a flat Dict. Texts are ASCII; what is not is written \\uXXXX as in JSON.

    - request: what is asked. today: the CRM's own day, YYYY-MM-DD.
    - tool, arguments: the last call; arguments as JSON text. "" before the first call.
    - status: 0 no call yet, 1 it worked, 2 it was refused. error_code: the refusal's code, else "".
    - result: the last result as JSON text, or the refusal as {"code", "field", "message"}.
    - counts: records in the eight tables, in the order of `ENTITIES`. steps: calls so far.
    """

    def text(limit: int) -> spaces.Text:
        return spaces.Text(min_length=0, max_length=limit, charset=CHARSET)

    return spaces.Dict(
        {
            "request": text(REQUEST_CHARS),
            "today": text(10),
            "tool": text(CODE_CHARS),
            "arguments": text(ARGUMENTS_CHARS),
            "status": spaces.Discrete(3),
            "error_code": text(CODE_CHARS),
            "result": text(RESULT_CHARS),
            "counts": spaces.Box(0, COUNT_HIGH, shape=(len(TABLES),), dtype=np.int64),
            "steps": spaces.Box(0, COUNT_HIGH, shape=(1,), dtype=np.int64),
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


def observe(request: str, today: str, counts: list[int], steps: int, last: ToolResult | None) -> Observation:
    """One observation.

    Args:
        request: The request, as `ascii_text` gives it.
        today: The CRM's own day.
        counts: Records in the eight tables.
        steps: Calls so far.
        last: The result of the last call, None before the first.
    """
    tool = arguments = code = result = ""
    status = NOT_CALLED
    if last is not None:
        if last.call is not None:
            tool = last.call.tool
            arguments = cut(encode(last.call.arguments), ARGUMENTS_CHARS)
        if last.error is None:
            status, result = OK, cut(encode(last.value), RESULT_CHARS)
        else:
            status, code = REFUSED, last.error.code
            result = cut(encode(last.error.as_json()), RESULT_CHARS)
    return {
        "request": request,
        "today": today,
        "tool": tool,
        "arguments": arguments,
        "status": status,
        "error_code": code,
        "result": result,
        "counts": np.array(counts, np.int64),
        "steps": np.array((steps,), np.int64),
    }


def tool_schemas() -> str:
    """All tools as one JSON text: a list of name, kind, description and arguments (JSON Schema), in action order."""
    return encode(
        [
            {"name": tool.name, "kind": tool.kind, "description": tool.description, "arguments": tool.schema}
            for tool in TOOLS.values()
        ]
    )


