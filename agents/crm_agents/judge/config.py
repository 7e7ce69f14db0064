"""What a judge is, as a TOML file says it: the model, how it is asked, and the gate."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from crm_agents.config import CassettePart, ModelPart, RetryPart
from crm_agents.configfile import Part
from crm_agents.judge.calibrate import FLIPS
from crm_agents.judge.callback import JudgeCallback
from crm_agents.judge.coverage import CHUNK_CHARS
from crm_agents.judge.gate import Gate
from crm_agents.judge.judge import Judge
from crm_agents.llm.cassette import Cassette
from crm_agents.llm.chat import ModelClient, ModelSettings
from crm_agents.llm.claude import ClaudeClient
from crm_agents.llm.openai_chat import OpenAIChatClient
from crm_agents.llm.openai_responses import OpenAIResponsesClient
from crm_agents.llm.prices import Prices
from crm_agents.llm.retry import Retrying, RetryPolicy
from crm_gym.evaluation.account import Tokens

CALIBRATION_FILE = "calibration.json"

_CLIENTS: dict[str, Any] = {
    "messages": ClaudeClient,
    "responses": OpenAIResponsesClient,
    "chat": OpenAIChatClient,
}


class JudgeConfig(Part):
    """A judge.

    Attributes:
        model: The model; its api says by which protocol it is asked, messages if it says nothing.
        out: The folder of calibrations and reviews.
        at_once: Questions under way at a time.
        flips: Items that a calibration judges again under each change of form.
        chunk_chars: Characters of a suite that are read at a time.
        retry: What is done about faults that may pass.
        cassette: Model calls on file; if its path is not given, cassette.jsonl in the folder.
        prices: A TOML table of prices; without one, costs are unknown.
        gate: What a calibration must show.
    """

    model: ModelPart
    out: Annotated[str, Field(min_length=1)] = "runs/judge"
    at_once: Annotated[int, Field(ge=1, le=1_024)] = 8
    flips: Annotated[int, Field(ge=1)] = FLIPS
    chunk_chars: Annotated[int, Field(ge=1_000)] = CHUNK_CHARS
    retry: RetryPart = RetryPart()  # type: ignore[call-arg]
    cassette: CassettePart = CassettePart()  # type: ignore[call-arg]
    prices: str | None = None
    gate: Gate = Gate()


def client_of(config: JudgeConfig) -> ModelClient:
    """The model, with retries and a cassette around it.

    Raises:
        UsageError: If a keyword, a key or a package will not do.
    """
    given = config.model.model_dump()
    client: ModelClient = _CLIENTS[given.pop("api") or "messages"](ModelSettings(**given))
    client = Retrying(client, RetryPolicy(config.retry.tries, config.retry.base, config.retry.cap))
    if config.cassette.mode == "off":
        return client
    path = config.cassette.path or str(Path(config.out) / "cassette.jsonl")
    return Cassette(client, path, config.cassette.mode)


def cost_of(config: JudgeConfig, tokens: Mapping[str, Any]) -> float | None:
    """What tokens cost in US dollars; None if that is not known.

    Raises:
        UsageError: If the table of prices cannot be read.
    """
    return None if config.prices is None else Prices.load(config.prices).cost(config.model.name, Tokens(**tokens))


def callback_of(
    config: JudgeConfig, path: Path, *, calibration: Path | None = None, allow_uncalibrated: bool = False
) -> JudgeCallback:
    """The judge as a callback of a run.

    Args:
        config: The judge.
        path: The file of opinions.
        calibration: The judge's calibration; if not given, the one in its folder, if there is one.
        allow_uncalibrated: See `JudgeCallback`.

    Raises:
        UsageError: If the judge is refused, or a keyword, a key or a package will not do.
    """
    usual = Path(config.out) / CALIBRATION_FILE
    return JudgeCallback(
        Judge(client_of(config)),
        path,
        calibration or (usual if usual.exists() else None),
        gate=config.gate,
        allow_uncalibrated=allow_uncalibrated,
        at_once=config.at_once,
    )
