"""The protocol of POST /v1/chat/completions: reading requests as strictly as the real one, writing replies."""

from __future__ import annotations

import json
from typing import Final

from crm_agents.fake.models import Answer
from crm_agents.fake.responses import error, must_call
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
    tool_spec,
    tools_of,
    whole,
    with_ids,
    words,
)
from crm_agents.llm.chat import Call, Request, ToolSpec
from crm_gym.evaluation.account import Tokens

__all__ = ["error", "read", "write"]

_KNOWN: Final = words(
    "frequency_penalty logit_bias logprobs max_completion_tokens max_tokens messages metadata model n "
    "parallel_tool_calls prediction presence_penalty prompt_cache_key prompt_cache_options prompt_cache_retention "
    "reasoning_effort response_format safety_identifier seed service_tier stop store stream temperature tool_choice "
    "tools top_logprobs top_p user verbosity"
)
_FUNCTION: Final = frozenset(("name", "description", "parameters", "strict"))
_STOPS: Final = {"end": "stop", "calls": "tool_calls", "cut_off": "length", "refusal": "stop", "paused": "stop"}


def read(body: dict[str, JSON]) -> Asked:
    """A request.

    Raises:
        ApiError: If the real server would refuse it.
    """
    whole(body, _KNOWN)
    if (of(body, "n", int) or 1) != 1:
        raise ApiError(400, "n: this server gives one choice")
    model = need(body, "model", str)
    most = of(body, "max_completion_tokens", int) or of(body, "max_tokens", int)
    specs = tools_of(body, _tool)
    talk, system = Talk(), list[str]()
    for number, message in enumerate(need(body, "messages", list)):
        _message(talk, system, message, f"messages[{number}]")
    request = Request("\n".join(system), talk.ended(), specs, _schema(body))
    return Asked(request, model, most or 1_000_000, must_call(body, specs))


def _tool(tool: JSON, where: str) -> ToolSpec:
    if not isinstance(tool, dict):
        raise ApiError(400, f"{where}: input should be an object")
    one_of(tool, "type", ("function",), f"{where}.")
    made = need(tool, "function", dict, f"{where}.")
    only(made, _FUNCTION, f"{where}.function.")
    return tool_spec(made.get("name"), made.get("description"), made.get("parameters"), made.get("strict"), where)


def _message(talk: Talk, system: list[str], message: JSON, where: str) -> None:
    if not isinstance(message, dict):
        raise ApiError(400, f"{where}: input should be an object")
    role = one_of(message, "role", ("system", "developer", "user", "assistant", "tool"), f"{where}.")
    if role == "assistant":
        _model(talk, message, where)
        return
    text = _text(need(message, "content", (str, list), f"{where}."), f"{where}.content")
    if role == "tool":
        talk.result(need(message, "tool_call_id", str, f"{where}."), text, False)
    elif role == "user":
        talk.user(text)
    else:
        system.append(text)


def _model(talk: Talk, message: dict[str, JSON], where: str) -> None:
    content, calls = of(message, "content", (str, list), f"{where}."), of(message, "tool_calls", list, f"{where}.")
    if content is None and not calls and message.get("refusal") is None:
        raise ApiError(400, f"{where}: content is required unless there are tool_calls or a refusal")
    if calls == []:
        raise ApiError(400, f"{where}.tool_calls: must not be empty; leave it out", code="empty_array")
    talk.said(_text(content or message.get("refusal") or "", f"{where}.content"))
    for number, call in enumerate(calls or ()):
        at = f"{where}.tool_calls[{number}]."
        if not isinstance(call, dict):
            raise ApiError(400, f"{at[:-1]}: input should be an object")
        one_of(call, "type", ("function",), at)
        made = need(call, "function", dict, at)
        name, text = need(made, "name", str, f"{at}function."), need(made, "arguments", str, f"{at}function.")
        talk.called(Call(need(call, "id", str, at), name, text))


def _text(content: str | list[JSON], where: str) -> str:
    if isinstance(content, str):
        return content
    texts = []
    for number, part in enumerate(content):
        if not isinstance(part, dict):
            raise ApiError(400, f"{where}[{number}]: input should be an object")
        kind = one_of(part, "type", ("text", "refusal"), f"{where}[{number}].")
        texts.append(need(part, kind, str, f"{where}[{number}]."))
    return "".join(texts)


def _schema(body: dict[str, JSON]) -> dict[str, JSON] | None:
    form = of(body, "response_format", dict)
    if form is None or form.get("type") == "text":
        return None
    one_of(form, "type", ("json_schema",), "response_format.")
    return named_schema(need(form, "json_schema", dict, "response_format."), "response_format.json_schema")


def write(asked: Asked, answer: Answer, tokens: Tokens) -> str:
    """A reply."""
    if answer.stop == "context_too_long":
        raise ApiError(400, TOO_LONG, code="context_length_exceeded")
    said = json.dumps(answer.text) if answer.text else "null"
    content, refusal = ("null", said) if answer.stop == "refusal" else (said, "null")
    calls = []
    for call in with_ids(answer, asked, "call_"):
        text = call.arguments if isinstance(call.arguments, str) else json.dumps(call.arguments)
        calls.append(
            f'{{"id":{json.dumps(call.id)},"type":"function",'
            f'"function":{{"name":{json.dumps(call.name)},"arguments":{json.dumps(text)}}}}}'
        )
    asks = f',"tool_calls":[{",".join(calls)}]' if calls else ""
    stop = _STOPS[answer.stop or ("calls" if calls else "end")]
    total = tokens.input + tokens.cache_read
    return (
        f'{{"id":"chatcmpl-{len(asked.request.turns)}","object":"chat.completion","created":0,'
        f'"model":{json.dumps(asked.model)},"choices":[{{"index":0,"finish_reason":"{stop}","logprobs":null,'
        f'"message":{{"role":"assistant","content":{content},"refusal":{refusal}{asks}}}}}],'
        f'"usage":{{"prompt_tokens":{total},"completion_tokens":{tokens.output},'
        f'"total_tokens":{total + tokens.output},"prompt_tokens_details":{{"cached_tokens":{tokens.cache_read}}}}}}}'
    )
