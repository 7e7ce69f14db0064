"""OpenAI's models, by OpenAI's SDK and its Responses API."""

from __future__ import annotations

import hashlib
from typing import Any, ClassVar

from crm_agents.llm.chat import Call, Reply, Request, Results, Said, Stop, Turn, User
from crm_agents.llm.faults import BadRequest
from crm_agents.llm.schemas import strict
from crm_agents.llm.sdk import JSON, SdkClient, server_fault

_POLICY = ("invalid_prompt", "bio_policy", "misalignment_policy_violation")
_PASSING = ("server_error", "rate_limit_exceeded")


class OpenAIBase(SdkClient):
    """What the two APIs of OpenAI share."""

    package: ClassVar[str] = "openai"
    usual_key: ClassVar[str] = "OPENAI_API_KEY"
    usual_url: ClassVar[str] = "OPENAI_BASE_URL"
    cached_apart: ClassVar[bool] = False

    def connect(self, package: Any, key: str | None) -> Any:
        """An AsyncOpenAI."""
        settings = self.settings
        return package.AsyncOpenAI(
            api_key=key,
            base_url=self.base_url,
            timeout=settings.timeout,
            max_retries=0,
            http_client=self._http,
        )

    def cache_key(self, request: Request) -> str:
        """What brings calls with the same beginning to the same cache."""
        said = [request.system, *(tool.name for tool in request.tools)]
        return "crm-gym-" + hashlib.sha256("\n".join(said).encode("utf-8", "replace")).hexdigest()[:16]

    def parameters(self, schema: JSON) -> tuple[JSON, bool]:
        """A tool's schema as it is sent, and whether it is a strict one."""
        enforced = strict(schema) if self.settings.strict else None
        return (schema, False) if enforced is None else (enforced, True)


class OpenAIResponsesClient(OpenAIBase):
    """Asks a model by the Responses API; see `SdkClient`.

    Everything the model put out goes back as it came, its reasoning included. Where a server keeps nothing
    (sampling.store = false), sampling.include = ["reasoning.encrypted_content"] brings the reasoning along.
    """

    api: ClassVar[str] = "openai-responses"
    path: ClassVar[str] = "/responses"
    usage_names: ClassVar[tuple[str, str, str, str]] = (
        "input_tokens",
        "output_tokens",
        "input_tokens_details.cached_tokens",
        "input_tokens_details.cache_write_tokens",
    )
    samples: ClassVar[tuple[str, ...]] = (
        "include",
        "metadata",
        "prompt_cache_options",
        "safety_identifier",
        "service_tier",
        "store",
        "temperature",
        "tool_choice",
        "top_p",
        "truncation",
    )

    def fixed(self, request: Request) -> JSON:
        """Model, prompt and tools."""
        settings = self.settings
        made: JSON = {"model": settings.name, "max_output_tokens": settings.max_tokens, **settings.sampling}
        if request.system:
            made["instructions"] = request.system
        if settings.cache:
            made["prompt_cache_key"] = self.cache_key(request)
        if request.tools:
            made["tools"] = [self._tool(tool.name, tool.description, tool.schema) for tool in request.tools]
            made["parallel_tool_calls"] = False
        if settings.effort is not None:
            made["reasoning"] = {"effort": settings.effort}
        if request.schema is not None:
            form = {"type": "json_schema", "name": "answer", "schema": request.schema, "strict": True}
            made["text"] = {"format": form}
        return made

    def _tool(self, name: str, description: str, schema: JSON) -> JSON:
        parameters, enforced = self.parameters(schema)
        return {
            "type": "function",
            "name": name,
            "description": description,
            "parameters": parameters,
            "strict": enforced,
        }

    def said(self, request: Request) -> JSON:
        """The conversation."""
        return {"input": [item for turn in request.turns for item in _items(turn)]}

    def read(self, request: Request, body: JSON, latency: float) -> Reply:
        """A Response."""
        if body.get("status") in ("failed", "cancelled"):
            return self._failed(body, latency)
        calls: list[Call] = []
        texts: list[str] = []
        refused = False
        for item in body["output"]:
            if item["type"] == "function_call":
                calls.append(self.call(request, item["call_id"], item["name"], _text(item["arguments"])))
            elif item["type"] == "message":
                for part in item["content"]:
                    refused = refused or part["type"] == "refusal"
                    texts.append(_text(part["refusal"] if part["type"] == "refusal" else part["text"]))
        text = "\n".join(filter(None, texts))
        stop = _stop(body, bool(calls), refused)
        tokens = self.usage(body)
        return Reply(text, tuple(calls), stop, tokens, body["output"], str(body.get("model")), latency)

    def _failed(self, body: JSON, latency: float) -> Reply:
        error = body.get("error")
        code = error.get("code") if isinstance(error, dict) else None
        told = self.told(body)
        if code in _POLICY:
            return Reply(told, (), "refusal", self.usage(body), [], str(body.get("model")), latency)
        if code in _PASSING or code is None:
            raise server_fault(told)
        raise BadRequest(str(code)[:60], f"the provider could not answer ({str(code)[:60]}): {told}")


def _items(turn: Turn) -> list[JSON]:
    if isinstance(turn, User):
        return [{"role": "user", "content": turn.text}]
    if isinstance(turn, Said):
        return list(turn.reply.raw)
    return _results(turn)


def _results(turn: Results) -> list[JSON]:
    items: list[JSON] = [
        {"type": "function_call_output", "call_id": one.call.id, "output": one.text} for one in turn.results
    ]
    return [*items, {"role": "user", "content": turn.text}] if turn.text else items


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("texts and arguments must be texts")
    return value


def _stop(body: JSON, calls: bool, refused: bool) -> Stop:
    if body.get("status") == "incomplete":
        details = body.get("incomplete_details")
        why = details.get("reason") if isinstance(details, dict) else None
        return "refusal" if why == "content_filter" else "cut_off"
    if refused and not calls:
        return "refusal"
    return "calls" if calls else "end"
