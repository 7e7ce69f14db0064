"""Claude, by Anthropic's SDK and its Messages API."""

from __future__ import annotations

from typing import Any, ClassVar

from crm_agents.llm.chat import ModelSettings, Reply, Request, Results, Said, Stop, Turn, User
from crm_agents.llm.schemas import strict
from crm_agents.llm.sdk import JSON, SdkClient, server_fault
from crm_gym import UsageError

_CACHED = {"type": "ephemeral"}
_STOPS: dict[str, Stop] = {
    "end_turn": "end",
    "stop_sequence": "end",
    "tool_use": "calls",
    "max_tokens": "cut_off",
    "refusal": "refusal",
    "pause_turn": "paused",
    "model_context_window_exceeded": "context_too_long",
}
_GONE = ("temperature", "top_p", "top_k")


class ClaudeClient(SdkClient):
    """Asks a Claude model; see `SdkClient`.

    One call a reply is asked for, and several are understood. Whether to call at all is left to the model: it could not
    think if a call were forced. Thoughts go back as they came. Prompt caching marks the prompt and the last turn.

    With strict schemas the API makes one grammar of all tools, and may refuse as many as the CRM has as too large.
    """

    api: ClassVar[str] = "anthropic-messages"
    package: ClassVar[str] = "anthropic"
    path: ClassVar[str] = "/v1/messages"
    usual_key: ClassVar[str] = "ANTHROPIC_API_KEY"
    usual_url: ClassVar[str] = "ANTHROPIC_BASE_URL"
    usage_names: ClassVar[tuple[str, str, str, str]] = (
        "input_tokens",
        "output_tokens",
        "cache_read_input_tokens",
        "cache_creation_input_tokens",
    )
    cached_apart: ClassVar[bool] = True
    samples: ClassVar[tuple[str, ...]] = (
        "inference_geo",
        "metadata",
        "service_tier",
        "speed",
        "stop_sequences",
        "thinking",
    )

    def __init__(self, settings: ModelSettings, http_client: Any = None) -> None:
        gone = [name for name in _GONE if name in settings.sampling]
        if gone:
            raise UsageError(f"sampling.{gone[0]} is no longer taken by Anthropic's API; leave it out, or set effort")
        super().__init__(settings, http_client)

    def connect(self, package: Any, key: str | None) -> Any:
        """An AsyncAnthropic."""
        settings = self.settings
        return package.AsyncAnthropic(
            api_key=key,
            base_url=self.base_url,
            timeout=settings.timeout,
            max_retries=0,
            http_client=self._http,
            open_telemetry=False,
        )

    def fixed(self, request: Request) -> JSON:
        """Model, prompt and tools."""
        settings = self.settings
        made: JSON = {"model": settings.name, "max_tokens": settings.max_tokens, **settings.sampling}
        if request.system:
            block = {"type": "text", "text": request.system}
            made["system"] = [block | {"cache_control": _CACHED} if settings.cache else block]
        if request.tools:
            made["tools"] = [self._tool(tool.name, tool.description, tool.schema) for tool in request.tools]
            made["tool_choice"] = {"type": "auto", "disable_parallel_tool_use": True}
        output: JSON = {}
        if settings.effort is not None:
            output["effort"] = settings.effort
        if request.schema is not None:
            output["format"] = {"type": "json_schema", "schema": request.schema}
        return made | {"output_config": output} if output else made

    def _tool(self, name: str, description: str, schema: JSON) -> JSON:
        enforced = strict(schema) if self.settings.strict else None
        made = {"name": name, "description": description, "input_schema": enforced or schema}
        return made | {"strict": True} if enforced else made

    def said(self, request: Request) -> JSON:
        """The conversation."""
        messages = [_message(turn) for turn in request.turns]
        if self.settings.cache and messages and messages[-1]["role"] == "user":
            last = messages[-1]["content"]
            last[-1] = last[-1] | {"cache_control": _CACHED}
        return {"messages": messages}

    def read(self, request: Request, body: JSON, latency: float) -> Reply:
        """A Message."""
        if body.get("type") == "error":
            raise server_fault(self.told(body))
        content, calls, texts = [], [], []
        for block in body["content"]:
            kind = block["type"]
            if kind == "tool_use":
                call = self.call(request, block["id"], block["name"], block["input"])
                calls.append(call)
                if isinstance(call.arguments, str):  # what is no JSON object cannot be handed back as one
                    block = block | {"input": {"not_json": call.arguments[:1_000]}}
                elif not isinstance(block["input"], dict):
                    block = block | {"input": call.arguments}
            elif kind == "text":
                if not block["text"].strip():  # is not taken back
                    continue
                texts.append(block["text"])
            content.append(block)
        stop: Stop = _STOPS.get(body["stop_reason"], "calls" if calls else "end")
        text = "\n".join(texts) or (_explained(body) if stop == "refusal" else "")
        return Reply(text, tuple(calls), stop, self.usage(body), content, str(body.get("model")), latency)


def _message(turn: Turn) -> JSON:
    if isinstance(turn, User):
        return {"role": "user", "content": [{"type": "text", "text": turn.text}]}
    if isinstance(turn, Said):
        return {"role": "assistant", "content": turn.reply.raw}
    return {"role": "user", "content": _results(turn)}


def _results(turn: Results) -> list[JSON]:
    blocks: list[JSON] = []
    for one in turn.results:
        block = {"type": "tool_result", "tool_use_id": one.call.id, "content": one.text}
        blocks.append(block | {"is_error": True} if one.refused else block)
    return [*blocks, {"type": "text", "text": turn.text}] if turn.text else blocks


def _explained(body: JSON) -> str:
    details = body.get("stop_details")
    return str(details.get("explanation") or "") if isinstance(details, dict) else ""
