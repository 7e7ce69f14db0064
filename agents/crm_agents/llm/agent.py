"""The agents with a language model: over any client, for Claude, for OpenAI and servers that speak like it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Literal, TypedDict, Unpack

from crm_agents.llm.bill import HasPrices
from crm_agents.llm.cassette import Mode as CassetteMode
from crm_agents.llm.chat import ModelSettings
from crm_agents.llm.claude import ClaudeClient
from crm_agents.llm.openai_chat import OpenAIChatClient
from crm_agents.llm.openai_responses import OpenAIResponsesClient
from crm_agents.llm.policy import LlmAgent
from crm_agents.llm.retry import RetryPolicy
from crm_gym import UsageError, near_miss

__all__ = ["ClaudeAgent", "Keywords", "LlmAgent", "OpenAIAgent"]


class Keywords(TypedDict, total=False):
    """Keywords of `ClaudeAgent` and `OpenAIAgent`: those of `ModelSettings` about a model, those of `LlmAgent` else."""

    max_tokens: int
    timeout: float
    effort: str | None
    strict: bool
    cache: bool
    base_url: str | None
    api_key_env: str | None
    sampling: Mapping[str, Any]
    mode: str
    refusals: str
    prompt: str | None
    nudges: int
    max_calls: int
    max_episode_tokens: int | None
    prices: HasPrices | None
    retry: RetryPolicy | None
    cassette: str | None
    cassette_mode: CassetteMode


class ClaudeAgent(LlmAgent):
    """A Claude model as a policy, by Anthropic's API; the key is in ANTHROPIC_API_KEY.

    Args:
        model: The model's name.
        http_client: An `httpx2.AsyncClient` in place of the SDK's own.
        keywords: Those of `ModelSettings` and of `LlmAgent`; retry is `RetryPolicy()` if not given.

    Raises:
        UsageError: If a keyword does not exist or will not do.
    """

    def __init__(self, model: str, *, http_client: Any = None, **keywords: Unpack[Keywords]) -> None:
        asked, played = _sorted("ClaudeAgent", keywords)
        super().__init__(ClaudeClient(ModelSettings(model, **asked), http_client), **played)


class OpenAIAgent(LlmAgent):
    """A model as a policy, by OpenAI's API or that of any server that speaks the same (`base_url`).

    The key is in OPENAI_API_KEY; a server of one's own is sent none unless `api_key_env` names one.

    Args:
        model: The model's name.
        api: "responses", or "chat" for servers that have Chat Completions only.
        http_client: An `httpx2.AsyncClient` in place of the SDK's own.
        keywords: Those of `ModelSettings` and of `LlmAgent`; retry is `RetryPolicy()` if not given.

    Raises:
        UsageError: If a keyword does not exist or will not do.
    """

    def __init__(
        self,
        model: str,
        *,
        api: Literal["responses", "chat"] = "responses",
        http_client: Any = None,
        **keywords: Unpack[Keywords],
    ) -> None:
        kinds = {"responses": OpenAIResponsesClient, "chat": OpenAIChatClient}
        if api not in kinds:
            raise UsageError(f"api {api!r} does not exist; {near_miss(api, kinds)}")
        asked, played = _sorted("OpenAIAgent", keywords)
        super().__init__(kinds[api](ModelSettings(model, **asked), http_client), **played)


def _sorted(owner: str, keywords: Keywords) -> tuple[dict[str, Any], dict[str, Any]]:
    """Keywords about the model, and the others."""
    known = list(Keywords.__annotations__)
    for name in keywords:
        if name not in known:
            raise UsageError(f"{owner} has no keyword {name!r}; {near_miss(name, known)}")
    about_model = {one.name for one in fields(ModelSettings)}
    asked = {name: value for name, value in keywords.items() if name in about_model}
    played = {name: value for name, value in keywords.items() if name not in about_model}
    return asked, {**played, "retry": played.get("retry") or RetryPolicy()}
