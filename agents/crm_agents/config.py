"""What an evaluation is: one strict model, read from TOML or put together from the command line."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from crm_agents.configfile import Part


class RunPart(Part):
    """What is played, and how many episodes at a time."""

    env_id: str = Field("CrmEnv-v0", description="a registered id with text actions")
    suite: str | None = Field(None, description="the tasks; if not given, those the id stands for")
    tasks: tuple[str, ...] = Field((), strict=False, description="only these task ids and tool names")
    episodes: int | None = Field(None, description="seeded resets; if not given, every task of the suite")
    seed: int = Field(0, description="seed of the first task; each further one has the next")
    trials: int = Field(1, description="how often each task is played")
    refusals: Literal["decline", "attempt"] = "decline"
    ends_on: Literal["success", "finish"] = "success"
    env: dict[str, Any] = Field({}, description="further keywords of the environment")
    executor: Literal["serial", "async", "process", "ray"] | None = Field(
        None, description="if not given: async for agents that wait for a model, else process where workers are many"
    )
    workers: int = Field(1, ge=1, le=1_024, description="model calls in flight, or processes")


class ModelPart(Part):
    """The model, and how it is asked."""

    name: str = Field(min_length=1, description="the model's name with its provider")
    api: Literal["messages", "responses", "chat"] | None = Field(
        None, description="the protocol; agent claude speaks messages, openai responses or chat"
    )
    base_url: str | None = Field(None, description="the server; if not given, the provider's own")
    api_key_env: str | None = Field(None, description="environment variable with the key, if not the provider's usual")
    max_tokens: int = Field(4_096, ge=1, description="the most it may write in a reply")
    timeout: float = Field(120.0, gt=0, strict=False, description="seconds after which a call is given up")
    effort: str | None = Field(None, description="how much it thinks, a word of the provider's")
    strict: bool = Field(False, description="tools as strict schemas; then wrong values cannot be sent at all")
    cache: bool = Field(True, description="prompt caching")
    sampling: dict[str, Any] = Field({}, description="temperature, top_p, seed, ... for servers that take them")


class RetryPart(Part):
    """What is done about faults that may pass."""

    tries: int = Field(6, ge=1, le=100, description="attempts in all")
    base: float = Field(1.0, gt=0, strict=False, description="seconds before the second; they double")
    cap: float = Field(60.0, gt=0, strict=False, description="the longest wait in seconds")


class BudgetPart(Part):
    """What the whole run may use, resumed parts included (but for seconds, which are this session's)."""

    calls: int | None = Field(None, ge=0)
    tokens: int | None = Field(None, ge=0)
    cost: float | None = Field(None, ge=0, strict=False, description="US dollars")
    seconds: float | None = Field(None, ge=0, strict=False)


class CassettePart(Part):
    """Every model call on file, to be played again without the model."""

    mode: Literal["record", "replay", "off"] = "off"
    path: str | None = Field(None, description="the file; if not given, cassette.jsonl in the run's folder")


class EvalConfig(Part):
    """One evaluation: who plays what, and what it may use."""

    agent: str = Field(min_length=1, description="who plays")
    out: str | None = Field(None, min_length=1, description="the run's folder; if not given, runs/AGENT-SUITE")
    run: RunPart = RunPart()  # type: ignore[call-arg]
    model: ModelPart | None = None
    policy: str | None = Field(None, description="for agent sb3: folder of a trained policy, or a zip")
    trust: bool = Field(False, description="whether such a zip may run its code")
    mode: Literal["tools", "text"] = Field("tools", description="native tool calls, or one JSON object in the reply")
    nudges: int = Field(2, ge=0, le=100, description="how often an episode goes on after a reply without a call")
    max_calls: int = Field(80, ge=1, description="model calls in an episode")
    max_episode_tokens: int | None = Field(None, ge=1, description="tokens in an episode")
    prompt: str | None = Field(None, min_length=1, description="a file with a system prompt of your own")
    prices: str | None = Field(None, description="a TOML table of prices; without one, costs are unknown")
    retry: RetryPart = RetryPart()  # type: ignore[call-arg]
    budget: BudgetPart = BudgetPart()  # type: ignore[call-arg]
    cassette: CassettePart = CassettePart()  # type: ignore[call-arg]

    @model_validator(mode="after")
    def _goes_together(self) -> EvalConfig:
        if self.agent in ("claude", "openai") and self.model is None:
            raise ValueError(f"agent {self.agent!r} needs a model: a table [model] with its name, or --model NAME")
        if self.model is not None and self.agent not in ("claude", "openai"):
            raise ValueError(f"agent {self.agent!r} has no model; only claude and openai do")
        if (self.agent == "sb3") != (self.policy is not None):
            raise ValueError("agent 'sb3' plays a policy from a file: --model FOLDER, which no other agent takes")
        if self.trust and self.policy is None:
            raise ValueError(f"--trust is about the file of a policy; agent {self.agent!r} loads none")
        return self
