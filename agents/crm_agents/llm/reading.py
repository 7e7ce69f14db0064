"""What a reply asks for: the calls in it, and what is wrong with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from crm_agents.llm.chat import Call, Reply, Stop
from crm_gym import TOOL_NAMES
from crm_gym.strict_json import NotStrict, normal, parse

_NUMBERS = {name: number for number, name in enumerate(TOOL_NAMES)}
_LONGEST_NAME = 200
_THOUGHTS = re.compile(r"\A\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_FENCE = re.compile(r"```(?:json)?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reply, read.

    Attributes:
        calls: The calls to be played, in order.
        said: Its text, without a call that is written in it.
        slips: What is wrong with it, of `crm_gym.evaluation.records.SLIPS`.
    """

    calls: tuple[Call, ...]
    said: str
    slips: tuple[str, ...]


def read_reply(reply: Reply) -> Reading:
    """A reply with native tool calls.

    Calls of a reply that broke off are not played: the last of them may be half a call.
    """
    said = _THOUGHTS.sub("", reply.text, count=1).strip()
    if reply.stop in ("refusal", "cut_off", "context_too_long"):
        return Reading((), said, (reply.stop,))
    if not reply.calls:
        return Reading((), said, (_nothing(reply.stop, said),))
    slips = [slip for call in reply.calls if (slip := _slip(call))]
    if len(reply.calls) > 1:
        slips.insert(0, "several_calls")
    return Reading(reply.calls, said, tuple(slips))


def read_text(reply: Reply) -> Reading:
    """A reply whose call is written in its text: the first JSON object in it. Others after it are not played."""
    text = _THOUGHTS.sub("", reply.text, count=1).strip()
    if reply.stop in ("refusal", "cut_off", "context_too_long"):
        return Reading((), text, (reply.stop,))
    found = _object(text)
    if found is None:
        return Reading((), text, (_nothing(reply.stop, text),))
    start, end, value = found
    before, after = _outside(text[:start]), _outside(text[end:])
    call = _written(text[start:end], value)
    slips = [slip] if (slip := _slip(call)) else []
    following = _object(after)
    if following is not None and isinstance(following[2], dict) and "tool" in following[2]:
        slips.insert(0, "several_calls")
    elif before or after:
        slips.insert(0, "text_around")
    return Reading((call,), f"{before}\n{after}".strip(), tuple(slips))


def arguments_of(value: Any) -> dict[str, Any] | str:
    """Arguments that a model wrote, as text or as values: the object, or a text of them where they are none.

    What is no strict JSON (NaN, a name twice, nested without end) stays a text, too: the CRM says what is wrong.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    try:
        made = parse(value) if isinstance(value, str) else normal(value)
    except (NotStrict, RecursionError):
        return value if isinstance(value, str) else _text_of(value)
    return made if isinstance(made, dict) else _text_of(value)


def _text_of(value: Any) -> str:
    try:
        return value if isinstance(value, str) else json.dumps(value)
    except RecursionError:
        return "{nested too deeply"


def as_action(call: Call) -> Any:
    """A call as an action: the canonical one where it can be; else as the model wrote it, for the CRM to refuse.

    A name longer than any tool's is cut: the CRM looks for the tool that was meant, and refuses either.
    """
    if _is_no_call(call):
        return call.arguments
    tool = _NUMBERS.get(call.name, call.name[:_LONGEST_NAME])
    if isinstance(call.arguments, str):
        return {"tool": tool, "arguments": call.arguments}
    return {"tool": tool, "arguments": json.dumps(call.arguments, separators=(",", ":"))}


def _nothing(stop: Stop, said: str) -> str:
    """What to call a reply without a call."""
    if stop == "paused":
        return "paused"
    return "no_call" if said else "empty"


def _slip(call: Call) -> str | None:
    if call.name not in _NUMBERS and not _is_no_call(call):
        return "unknown_tool"
    return "bad_arguments" if isinstance(call.arguments, str) else None


def _is_no_call(call: Call) -> bool:
    """Whether it stands for a text that should have been a call."""
    return not call.name and not call.id and isinstance(call.arguments, str)


_DECODER = json.JSONDecoder()


def _object(text: str) -> tuple[int, int, Any] | None:
    """Begin, end and value of the first JSON object in a text; None without a brace.

    If there is a brace and no object, it is all of the text from there on, with value None.
    """
    start = first = text.find("{")
    while start >= 0:
        try:
            value, end = _DECODER.raw_decode(text, start)
        except RecursionError:
            break
        except ValueError:
            start = text.find("{", start + 1)
            continue
        return start, end, value
    return None if first < 0 else (first, len(text), None)


def _written(text: str, value: Any) -> Call:
    """The call that a text is; without a name if it is none."""
    if isinstance(value, dict) and isinstance(value.get("tool"), str) and value["tool"]:
        arguments = arguments_of(value.get("arguments", {}))
        if isinstance(arguments_of(text), dict) and value.keys() <= {"tool", "arguments"}:
            return Call("", value["tool"], arguments)
    return Call("", "", text)


def _outside(text: str) -> str:
    """What stands around an object, without the fences of code."""
    return _FENCE.sub("", text).strip()
