"""The protocol of POST /v1/responses: reading requests as strictly as the real one, writing replies and errors."""

from __future__ import annotations

import json
from typing import Final

from crm_agents.fake.models import Answer
from crm_agents.fake.talk import (
    JSON,
    TOO_LONG,
    ApiError,
    Asked,
    Talk,
    named_schema,
    need,
    of,
    one_of,
    only,
    signature,
    tool_spec,
    tools_of,
    whole,
    with_ids,
    words,
)
from crm_agents.llm.chat import Call, Request, ToolSpec
from crm_gym.evaluation.account import Tokens

_KNOWN: Final = words(
    "background context_management conversation include input instructions max_output_tokens max_tool_calls metadata "
    "model parallel_tool_calls previous_response_id prompt prompt_cache_key prompt_cache_options "
    "prompt_cache_retention reasoning safety_identifier service_tier store stream temperature text tool_choice tools "
    "top_logprobs top_p truncation user"
)
_TOOL: Final = words("type name description parameters strict")
SMALLEST_OUTPUT = 16
"""Least value of max_output_tokens."""


def read(body: dict[str, JSON]) -> Asked:
    """A request.

    Raises:
        ApiError: If the real server would refuse it.
    """
    whole(body, _KNOWN)
    if body.get("previous_response_id") or body.get("conversation"):
        raise ApiError(400, "previous_response_id: this server keeps nothing; send the whole conversation as input")
    model, most = need(body, "model", str), of(body, "max_output_tokens", int)
    if most is not None and most < SMALLEST_OUTPUT:
        raise ApiError(400, f"max_output_tokens: must be at least {SMALLEST_OUTPUT}", code="integer_below_min_value")
    specs = tools_of(body, _tool)
    items = need(body, "input", (str, list))
    if isinstance(items, str):
        items = [{"role": "user", "content": items}]
    reader = _Items()
    for number, item in enumerate(items):
        reader.item(item, f"input[{number}]")
    turns = reader.ended()
    system = "\n".join((*([of(body, "instructions", str)] if body.get("instructions") else []), *reader.system))
    return Asked(Request(system, turns, specs, _schema(body)), model, most or 1_000_000, must_call(body, specs))


def must_call(body: dict[str, JSON], specs: tuple[ToolSpec, ...]) -> bool:
    """Whether a call is asked for; says so if tools are chosen from that are not there."""
    choice = of(body, "tool_choice", (str, dict))
    if choice is None:
        return False
    if isinstance(choice, str) and choice not in ("auto", "none", "required"):
        raise ApiError(400, f"tool_choice: input should be auto, none, required or an object; got {choice!r:.60}")
    if not specs and choice != "none":
        raise ApiError(400, "tool_choice is only allowed when tools are specified")
    return choice not in ("auto", "none")


def _tool(tool: JSON, where: str) -> ToolSpec:
    if not isinstance(tool, dict):
        raise ApiError(400, f"{where}: input should be an object")
    one_of(tool, "type", ("function",), f"{where}.")
    only(tool, _TOOL, f"{where}.")
    return tool_spec(tool.get("name"), tool.get("description"), tool.get("parameters"), tool.get("strict"), where)


class _Items:
    """Reads the items of an input, one after the other."""

    def __init__(self) -> None:
        self.talk, self.system = Talk(), list[str]()
        self.thought = ""  # id of a reasoning item that waits for what it led to

    def item(self, item: JSON, where: str) -> None:
        """Read one."""
        if not isinstance(item, dict):
            raise ApiError(400, f"{where}: input should be an object")
        kind = item.get("type", "message")
        role = (
            one_of(item, "role", ("user", "assistant", "system", "developer"), f"{where}.") if kind == "message" else ""
        )
        if self.thought and (kind == "function_call_output" or role == "user"):
            raise ApiError(400, f"{where}: reasoning {self.thought!r} was given without the item that followed it")
        if role in ("system", "developer"):
            self.system.append(_text(item, ("input_text",), where))
        elif role == "user":
            self.talk.user(_text(item, ("input_text",), where))
        elif role == "assistant":
            self.talk.said(_text(item, ("output_text", "refusal"), where))
        elif kind == "function_call":
            id, name = need(item, "call_id", str, f"{where}."), need(item, "name", str, f"{where}.")
            self.talk.called(Call(id, name, need(item, "arguments", str, f"{where}.")))
        elif kind == "function_call_output":
            need(item, "output", (str, list), f"{where}.")
            self.talk.result(
                need(item, "call_id", str, f"{where}."), _text(item, ("input_text",), where, "output"), False
            )
        elif kind == "reasoning":
            self._reasoning(item, where)
            return
        else:
            raise ApiError(400, f"{where}.type: {kind!r:.60} is not taken here")
        self.thought = ""

    def _reasoning(self, item: dict[str, JSON], where: str) -> None:
        self.thought = need(item, "id", str, f"{where}.")
        if self.thought != f"rs_{item.get('encrypted_content')}":
            raise ApiError(400, f"{where}: the encrypted content of {self.thought!r:.60} could not be verified")

    def ended(self) -> tuple[JSON, ...]:
        """The turns."""
        return self.talk.ended()


def _text(item: dict[str, JSON], kinds: tuple[str, ...], where: str, name: str = "content") -> str:
    """The text of a message or an output, which is a text or a list of parts."""
    content = need(item, name, (str, list), f"{where}.")
    if isinstance(content, str):
        return content
    texts = []
    for number, part in enumerate(content):
        at = f"{where}.{name}[{number}]"
        if not isinstance(part, dict):
            raise ApiError(400, f"{at}: input should be an object")
        kind = one_of(part, "type", kinds, f"{at}.")
        texts.append(need(part, "refusal" if kind == "refusal" else "text", str, f"{at}."))
    return "".join(texts)


def _schema(body: dict[str, JSON]) -> dict[str, JSON] | None:
    form = of(of(body, "text", dict) or {}, "format", dict, "text.")
    if form is None or form.get("type") == "text":
        return None
    one_of(form, "type", ("json_schema",), "text.format.")
    return named_schema(form, "text.format")


def write(asked: Asked, answer: Answer, tokens: Tokens) -> str:
    """A reply."""
    if answer.stop == "context_too_long":
        raise ApiError(400, TOO_LONG, code="context_length_exceeded")
    place, status, details = len(asked.request.turns), "completed", "null"
    if answer.stop == "cut_off":
        status, details = "incomplete", '{"reason":"max_output_tokens"}'
    items = []
    if answer.thought:
        mark = signature(answer.thought)
        made = {"type": "reasoning", "id": f"rs_{mark}", "summary": [], "encrypted_content": mark}
        items.append(json.dumps(made))
    if answer.text:
        said = json.dumps(answer.text)
        part = f'{{"type":"output_text","text":{said},"annotations":[],"logprobs":[]}}'
        if answer.stop == "refusal":
            part = f'{{"type":"refusal","refusal":{said}}}'
        items.append(
            f'{{"type":"message","id":"msg_{place}","role":"assistant","status":"{status}","content":[{part}]}}'
        )
    for call in with_ids(answer, asked, "call_"):
        text = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        items.append(
            f'{{"type":"function_call","id":"fc_{call.id}","call_id":{json.dumps(call.id)},'
            f'"name":{json.dumps(call.name)},"arguments":{json.dumps(text)},"status":"{status}"}}'
        )
    total = tokens.input + tokens.cache_read
    return (
        f'{{"id":"resp_{place}","object":"response","created_at":0,"status":"{status}","error":null,'
        f'"incomplete_details":{details},"instructions":null,"metadata":{{}},"model":{json.dumps(asked.model)},'
        f'"output":[{",".join(items)}],"parallel_tool_calls":false,"tool_choice":"auto","tools":[],'
        f'"usage":{{"input_tokens":{total},"input_tokens_details":{{"cached_tokens":{tokens.cache_read},'
        f'"cache_write_tokens":0}},"output_tokens":{tokens.output},'
        f'"output_tokens_details":{{"reasoning_tokens":{-(-len(answer.thought) // 4)}}},'
        f'"total_tokens":{total + tokens.output}}}}}'
    )


def error(fault: ApiError) -> str:
    """An error."""
    made = {"message": fault.message, "type": fault.kind, "param": None, "code": fault.code}
    return json.dumps({"error": made})
