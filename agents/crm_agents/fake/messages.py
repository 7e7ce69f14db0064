"""The protocol of POST /v1/messages: reading requests as strictly as the real one, writing replies and errors."""

from __future__ import annotations

import json
from typing import Final

from crm_agents.fake.models import Answer
from crm_agents.fake.talk import (
    JSON,
    ApiError,
    Asked,
    Talk,
    need,
    of,
    one_of,
    only,
    raw,
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
    "cache_control container inference_geo max_tokens messages metadata model output_config service_tier speed "
    "stop_sequences stream system thinking tool_choice tools"
)
_TOOL: Final = words("name description input_schema strict cache_control type")
_CHOICE: Final = frozenset(("type", "disable_parallel_tool_use", "name"))
_STOPS: Final = {
    "end": "end_turn",
    "calls": "tool_use",
    "cut_off": "max_tokens",
    "refusal": "refusal",
    "paused": "pause_turn",
    "context_too_long": "model_context_window_exceeded",
}
MARKS = 4
"""Most places of a request that may be marked for caching."""


def read(body: dict[str, JSON]) -> Asked:
    """A request.

    Raises:
        ApiError: If the real server would refuse it.
    """
    whole(body, _KNOWN)
    model, most = need(body, "model", str), need(body, "max_tokens", int)
    if most < 1:
        raise ApiError(400, "max_tokens: must be at least 1")
    marks = _Marks("cache_control" in body)
    system = _system(body, marks)
    specs = tools_of(body, _tool)
    marks.seen += sum("cache_control" in tool for tool in body.get("tools") or ())
    talk = Talk()
    last = "assistant"
    for number, message in enumerate(need(body, "messages", list)):
        where = f"messages.{number}."
        if not isinstance(message, dict):
            raise ApiError(400, f"{where[:-1]}: input should be an object")
        only(message, frozenset(("role", "content")), where)
        role = one_of(message, "role", ("user", "assistant"), where)
        if role == last:
            raise ApiError(400, f"{where}role: roles must alternate, beginning with user; got {role} after {last}")
        last = role
        content = need(message, "content", (str, list), where)
        (_user if role == "user" else _model)(talk, content, f"{where}content", marks)
    choice, must_call = of(body, "tool_choice", dict), False
    if choice is not None:
        only(choice, _CHOICE, "tool_choice.")
        must_call = one_of(choice, "type", ("auto", "any", "tool", "none"), "tool_choice.") in ("any", "tool")
        if not specs:
            raise ApiError(400, "tool_choice: may only be given with tools")
    if marks.seen > MARKS:
        raise ApiError(400, f"cache_control: at most {MARKS} blocks may be marked; got {marks.seen}")
    schema = _schema(body)
    request = Request(system, talk.ended(), specs, schema)
    return Asked(request, model, most, must_call, "paid" if marks.seen else "none")


class _Marks:
    """Counts the blocks that are marked for caching."""

    def __init__(self, top: bool) -> None:
        self.seen = int(top)

    def block(self, block: JSON, where: str) -> str:
        """Count a block's mark; its type."""
        if not isinstance(block, dict):
            raise ApiError(400, f"{where}: input should be an object")
        if block.get("cache_control") is not None:
            one_of(block["cache_control"], "type", ("ephemeral",), f"{where}.cache_control.")
            self.seen += 1
        kind: str = need(block, "type", str, f"{where}.")
        return kind

    def text(self, block: JSON, where: str) -> str:
        """A block that must be text."""
        if (kind := self.block(block, where)) != "text":
            raise ApiError(400, f"{where}.type: only text is taken here; got {kind!r:.60}")
        return _full(need(block, "text", str, f"{where}."), where)


def _full(text: str, where: str) -> str:
    if not text.strip():
        raise ApiError(400, f"{where}: text content blocks must contain non-whitespace text")
    return text


def _system(body: dict[str, JSON], marks: _Marks) -> str:
    system = of(body, "system", (str, list))
    if isinstance(system, list):
        return "".join(marks.text(block, f"system.{number}") for number, block in enumerate(system))
    return system or ""


def _tool(tool: JSON, where: str) -> ToolSpec:
    if not isinstance(tool, dict):
        raise ApiError(400, f"{where}: input should be an object")
    only(tool, _TOOL, f"{where}.")
    return tool_spec(tool.get("name"), tool.get("description"), tool.get("input_schema"), tool.get("strict"), where)


def _user(talk: Talk, content: str | list[JSON], where: str, marks: _Marks) -> None:
    if isinstance(content, str):
        talk.user(_full(content, where))
        return
    texts, results = [], 0
    for number, block in enumerate(content):
        at = f"{where}.{number}"
        kind = marks.block(block, at)
        if kind == "text":
            texts.append(_full(need(block, "text", str, f"{at}."), at))
        elif kind == "tool_result":
            if texts:
                raise ApiError(400, f"{at}: tool_result blocks must stand before all text")
            results += 1
            inner = of(block, "content", (str, list), f"{at}.") or ""
            if isinstance(inner, list):
                inner = "".join(marks.text(each, f"{at}.content.{n}") for n, each in enumerate(inner))
            talk.result(need(block, "tool_use_id", str, f"{at}."), inner, bool(block.get("is_error")))
        else:
            raise ApiError(400, f"{at}.type: text and tool_result are taken here; got {kind!r:.60}")
    if texts:
        talk.user("".join(texts))
    elif not results:
        raise ApiError(400, f"{where}: must not be empty")


def _model(talk: Talk, content: str | list[JSON], where: str, marks: _Marks) -> None:
    if not content:
        raise ApiError(400, f"{where}: all messages must have non-empty content")
    if isinstance(content, str):
        talk.said(_full(content, where))
        return
    for number, block in enumerate(content):
        at = f"{where}.{number}"
        kind = marks.block(block, at)
        if kind == "text":
            talk.said(_full(need(block, "text", str, f"{at}."), at))
        elif kind == "tool_use":
            made = need(block, "input", dict, f"{at}.")
            talk.called(Call(need(block, "id", str, f"{at}."), need(block, "name", str, f"{at}."), made))
        elif kind == "thinking":
            if block.get("signature") != signature(need(block, "thinking", str, f"{at}.")):
                raise ApiError(400, f"{at}: invalid signature in thinking block; thoughts must come back unchanged")
        else:
            raise ApiError(400, f"{at}.type: text, tool_use and thinking are taken here; got {kind!r:.60}")


def _schema(body: dict[str, JSON]) -> dict[str, JSON] | None:
    config = of(body, "output_config", dict) or {}
    only(config, frozenset(("effort", "format")), "output_config.")
    if config.get("effort") is not None:
        one_of(config, "effort", ("low", "medium", "high", "xhigh", "max"), "output_config.")
    form = of(config, "format", dict, "output_config.")
    if form is None:
        return None
    one_of(form, "type", ("json_schema",), "output_config.format.")
    schema: dict[str, JSON] = need(form, "schema", dict, "output_config.format.")
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        raise ApiError(400, "output_config.format.schema: additionalProperties must be false")
    return schema


def write(asked: Asked, answer: Answer, tokens: Tokens) -> str:
    """A reply."""
    blocks = []
    if answer.thought:
        made = {"type": "thinking", "thinking": answer.thought, "signature": signature(answer.thought)}
        blocks.append(json.dumps(made))
    if answer.text:
        blocks.append(f'{{"type":"text","text":{json.dumps(answer.text)}}}')
    for call in with_ids(answer, asked, "toolu_"):
        name, id = json.dumps(call.name), json.dumps(call.id)
        blocks.append(f'{{"type":"tool_use","id":{id},"name":{name},"input":{raw(call.arguments)}}}')
    stop = _STOPS[answer.stop or ("calls" if answer.calls else "end")]
    return (
        f'{{"id":"msg_{len(asked.request.turns)}","type":"message","role":"assistant",'
        f'"model":{json.dumps(asked.model)},"content":[{",".join(blocks)}],"stop_reason":"{stop}",'
        f'"stop_sequence":null,"usage":{{"input_tokens":{tokens.input},"output_tokens":{tokens.output},'
        f'"cache_read_input_tokens":{tokens.cache_read},"cache_creation_input_tokens":{tokens.cache_write}}}}}'
    )


def error(fault: ApiError) -> str:
    """An error."""
    return json.dumps({"type": "error", "error": {"type": fault.kind, "message": fault.message}})
