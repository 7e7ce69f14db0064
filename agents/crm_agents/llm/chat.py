"""What is said to a model and what it says: the shapes that every provider is brought to. Plain data, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from crm_agents.llm.faults import ModelFault
from crm_gym.evaluation.account import Tokens


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as a model is told of it.

    Attributes:
        name: Its name.
        description: What it does.
        schema: JSON Schema of its arguments.
    """

    name: str
    description: str
    schema: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call that a model asks for.

    Attributes:
        id: The provider's id of the call.
        name: The tool, as the model wrote it.
        arguments: The arguments; the model's own text where that is no JSON object.
    """

    id: str
    name: str
    arguments: dict[str, Any] | str


Stop: TypeAlias = Literal["end", "calls", "cut_off", "refusal", "paused", "context_too_long"]
"""Why a reply ended: said all, asks for calls, ran into max_tokens, refused, wants to go on, no room left."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model said.

    Attributes:
        text: Its text, "" for none.
        calls: The calls it asks for, in order.
        stop: Why it ended.
        tokens: What it took.
        raw: The reply in the provider's own shape, to be handed back in the next turn: JSON values only.
        model: The model that answered, as the provider says.
        latency: Seconds from asking to the whole reply.
    """

    text: str
    calls: tuple[Call, ...]
    stop: Stop
    tokens: Tokens
    raw: Any
    model: str
    latency: float = 0.0


@dataclass(frozen=True, slots=True)
class User:
    """A turn of the user: plain text."""

    text: str


@dataclass(frozen=True, slots=True)
class Said:
    """A turn of the model: its reply, as it came."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one call."""

    call: Call
    text: str
    refused: bool


@dataclass(frozen=True, slots=True)
class Results:
    """A turn with the results of all calls of the reply before it, in order; `text` may add a word."""

    results: tuple[Result, ...]
    text: str = ""


Turn: TypeAlias = User | Said | Results


@dataclass(frozen=True, slots=True)
class Request:
    """What a model is asked.

    Attributes:
        system: The system prompt.
        turns: The conversation, oldest first.
        tools: The tools it may call, () for none.
        schema: JSON Schema that the text of the reply must keep to (structured output), None for free text.
        label: What the question belongs to (an episode); never sent, but it keeps equal questions of different
            episodes apart in a cassette.
        again: Told of the fault of each try after which the model is asked again; what it raises ends the asking.
    """

    system: str
    turns: tuple[Turn, ...]
    tools: tuple[ToolSpec, ...] = ()
    schema: dict[str, Any] | None = None
    label: str = ""
    again: Callable[[ModelFault], None] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How a model is asked; all of it comes from a config file or a keyword, nothing from code.

    Attributes:
        name: The model's name with its provider.
        max_tokens: The most it may write in a reply.
        timeout: Seconds after which a call is given up.
        effort: How much it thinks, a word of the provider's; None to leave it to the provider.
        strict: Whether tools are sent as strict schemas: then optional arguments become required, and wrong values
            cannot be sent at all, so that tasks to be refused by attempt cannot be solved. Null then means left out.
            Tools to which it means something else (those with updates: it empties a field) and tools that take any
            value stay as they are.
        cache: Whether to ask for prompt caching where that must be asked for.
        base_url: The server; None for the one in ANTHROPIC_BASE_URL or OPENAI_BASE_URL, else the provider's own.
        api_key_env: Name of the environment variable with the key, None for the provider's usual one.
        sampling: Sampling parameters (temperature, top_p, seed, ...) for servers that take them.
    """

    name: str
    max_tokens: int = 4_096
    timeout: float = 120.0
    effort: str | None = None
    strict: bool = False
    cache: bool = True
    base_url: str | None = None
    api_key_env: str | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)


class ModelClient(Protocol):
    """Anything that answers a request: a provider's adapter, a cassette, a scripted model.

    Attributes:
        settings: How it asks.
    """

    settings: ModelSettings

    async def ask(self, request: Request) -> Reply:
        """The model's reply.

        Raises:
            ModelFault: If there is none (see `crm_agents.llm.faults`).
        """

    async def aclose(self) -> None:
        """Let go of connections; twice is fine."""
