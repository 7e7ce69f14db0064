"""Models behind the Chat Completions API, by OpenAI's SDK: OpenAI's own, and every server that speaks the same."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from crm_agents.llm.chat import Call, Reply, Request, Results, Said, Stop, Turn, User
from crm_agents.llm.openai_responses import OpenAIBase
from crm_agents.llm.sdk import JSON, server_fault

_STOPS: dict[str, Stop] = {"length": "cut_off", "content_filter": "refusal"}
_HANDED_BACK = ("content", "refusal", "reasoning_content")


class OpenAIChatClient(OpenAIBase):
    """Asks a model by Chat Completions; see `SdkClient`.

    To a server of one's own (base_url) only goes what such servers know: max_tokens in place of max_completion_tokens,
    and no key for the cache.
    """

    api: ClassVar[str] = "openai-chat"
    path: ClassVar[str] = "/chat/completions"
    usage_names: ClassVar[tuple[str, str, str, str]] = (
        "prompt_tokens",
        "completion_tokens",
        "prompt_tokens_details.cached_tokens",
        "prompt_tokens_details.cache_write_tokens",
    )
    samples: ClassVar[tuple[str, ...]] = (
        "frequency_penalty",
        "logit_bias",
        "metadata",
        "presence_penalty",
        "prompt_cache_options",
        "safety_identifier",
        "seed",
        "service_tier",
        "stop",
        "store",
        "temperature",
        "tool_choice",
        "top_p",
        "verbosity",
    )

    def fixed(self, request: Request) -> JSON:
        """Model, tools and limits."""
        settings = self.settings
        own = settings.base_url is not None
        limit = "max_tokens" if own else "max_completion_tokens"
        made: JSON = {"model": settings.name, limit: settings.max_tokens, **settings.sampling}
        if settings.cache and not own:
            made["prompt_cache_key"] = self.cache_key(request)
        if request.tools:
            made["tools"] = [self._tool(tool.name, tool.description, tool.schema) for tool in request.tools]
            made["parallel_tool_calls"] = False
        if settings.effort is not None:
            made["reasoning_effort"] = settings.effort
        if request.schema is not None:
            form = {"name": "answer", "schema": request.schema, "strict": True}
            made["response_format"] = {"type": "json_schema", "json_schema": form}
        return made

    def _tool(self, name: str, description: str, schema: JSON) -> JSON:
        parameters, enforced = self.parameters(schema)
        function: JSON = {"name": name, "description": description, "parameters": parameters}
        return {"type": "function", "function": function | {"strict": True} if enforced else function}

    def said(self, request: Request) -> JSON:
        """Prompt and conversation."""
        opening = [{"role": "system", "content": request.system}] if request.system else []
        return {"messages": [*opening, *(one for turn in request.turns for one in _messages(turn))]}

    def read(self, request: Request, body: JSON, latency: float) -> Reply:
        """A ChatCompletion."""
        if "choices" not in body and body.get("error"):
            raise server_fault(self.told(body))
        choice = body["choices"][0]
        message = choice["message"]
        calls = self._calls(request, message)
        stop: Stop = _STOPS.get(choice.get("finish_reason"), "calls" if calls else "end")
        if message.get("refusal") and not calls:
            stop = "refusal"
        text = _text(message.get("content")) or str(message.get("refusal") or "")
        raw = {"role": "assistant", **{name: message[name] for name in _HANDED_BACK if message.get(name)}}
        if calls:
            raw["tool_calls"] = [_call(call) for call in calls]
        tokens = self.usage(body)
        return Reply(text, tuple(calls), stop, tokens, raw, str(body.get("model")), latency)

    def _calls(self, request: Request, message: JSON) -> list[Call]:
        made = []
        for number, call in enumerate(message.get("tool_calls") or ()):
            function, id = call["function"], call.get("id") or f"call_{number}"  # some servers give none
            made.append(self.call(request, id, function["name"], function.get("arguments")))
        return made


def _call(call: Call) -> JSON:
    """A call as it is handed back. Servers that read its arguments again choke on what is no JSON."""
    arguments = call.arguments if isinstance(call.arguments, dict) else {"not_json": call.arguments[:1_000]}
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": json.dumps(arguments)}}


def _messages(turn: Turn) -> list[JSON]:
    if isinstance(turn, User):
        return [{"role": "user", "content": turn.text}]
    if isinstance(turn, Said):
        return [turn.reply.raw]
    return _results(turn)


def _results(turn: Results) -> list[JSON]:
    said: list[JSON] = [{"role": "tool", "tool_call_id": one.call.id, "content": one.text} for one in turn.results]
    return [*said, {"role": "user", "content": turn.text}] if turn.text else said


def _text(content: Any) -> str:
    """The text of a message: a text, or a list of parts."""
    if content is None or isinstance(content, str):
        return content or ""
    return "\n".join(part["text"] for part in content if part.get("type") == "text")
