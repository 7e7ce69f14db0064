#!/usr/bin/env python3
"""What a call to a model costs this process: real HTTP to a server in a process of its own, by the real SDKs.

scripts/bench_transport.py             table
scripts/bench_transport.py --json      the same as JSON

Processor time of a call in milliseconds, of the client alone, with 64 calls in flight: by the adapters, by the SDKs'
own typed methods with the same body, and by httpx2 alone, the transport below both; the least of some rounds each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

import anthropic
import gymnasium as gym
import httpx2
import openai
from crm_agents.fake.process import FakeServerProcess
from crm_agents.llm.agent import LlmAgent
from crm_agents.llm.chat import ModelSettings, Request
from crm_agents.llm.claude import ClaudeClient
from crm_agents.llm.openai_chat import OpenAIChatClient
from crm_agents.llm.openai_responses import OpenAIResponsesClient
from crm_agents.llm.prompt import make_prompt
from crm_agents.llm.sdk import SdkClient

IN_FLIGHT, LATENCY = 64, 0.05
CALLS, ROUNDS = 512, 3
MOST = 3.0
"""Milliseconds a call may cost."""

Ask = Callable[[], Awaitable[Any]]
TASK = "CPQ-001"
"""Takes a few look-ups, with results of some size."""


async def conversation(client: SdkClient, steps: int = 3) -> Request:
    """A request in the middle of an episode: the prompt, all tools, what was said and looked up so far."""
    agent, env = LlmAgent(client), gym.make("CrmEnv-v0")
    observation, _ = env.reset(seed=0, options={"task_id": TASK})
    talk = agent.start(TASK)
    for _ in range(steps):
        action, talk = await agent.apredict(observation, talk)
        observation = env.step(action)[0]
    talk.hear(observation)
    env.close()
    prompt = make_prompt()
    return Request(prompt.system, tuple(talk.turns), prompt.tools)


async def cost(ask: Ask) -> float:
    """Milliseconds of processor time a call."""
    best = float("inf")
    await _many(ask, IN_FLIGHT)
    for _ in range(ROUNDS):
        began = time.process_time()
        await _many(ask, CALLS)
        best = min(best, (time.process_time() - began) / CALLS)
    return 1_000 * best


async def _many(ask: Ask, calls: int) -> None:
    left = iter(range(calls))

    async def worker() -> None:
        for _ in left:
            await ask()

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))


async def _by_adapter(client: SdkClient, typed: Callable[[dict[str, Any]], Ask]) -> dict[str, float]:
    request = await conversation(client)
    row = {"adapter_ms": await cost(lambda: client.ask(request)), "typed_ms": await cost(typed(client.body(request)))}
    await client.aclose()
    return row


async def _bare(url: str, client: SdkClient) -> float:
    content = json.dumps(client.body(await conversation(client))).encode()
    await client.aclose()
    headers = {"content-type": "application/json", "authorization": "Bearer none", "anthropic-version": "2023-06-01"}
    async with httpx2.AsyncClient(limits=httpx2.Limits(max_connections=IN_FLIGHT)) as http:
        return await cost(lambda: http.post(f"{url}/v1/messages", content=content, headers=headers))


async def figures(url: str, v1: str) -> dict[str, Any]:
    """Every figure, against a server."""
    claude = anthropic.AsyncAnthropic(api_key="none", base_url=url, max_retries=0)
    gpt = openai.AsyncOpenAI(api_key="none", base_url=v1, max_retries=0)
    own, theirs = ModelSettings("crm-fake", base_url=url), ModelSettings("crm-fake", base_url=v1)
    rows: dict[str, Any] = {
        "anthropic, messages": await _by_adapter(
            ClaudeClient(own), lambda body: lambda: claude.messages.create(**body)
        ),
        "openai, responses": await _by_adapter(
            OpenAIResponsesClient(theirs), lambda body: lambda: gpt.responses.create(**body)
        ),
        "openai, chat": await _by_adapter(
            OpenAIChatClient(theirs), lambda body: lambda: gpt.chat.completions.create(**body)
        ),
    }
    rows["httpx2"] = {"bare_ms": await _bare(url, ClaudeClient(own))}
    await claude.close()
    await gpt.close()
    return {"in_flight": IN_FLIGHT, "most_ms": MOST, **rows}


def measure() -> dict[str, Any]:
    """Every figure, against a server of its own."""
    with FakeServerProcess(latency=LATENCY) as server:
        return asyncio.run(figures(server.url, server.v1))


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    results = measure()
    if parser.parse_args().json:
        print(json.dumps(results, indent=2))
        return 0
    for name, row in results.items():
        shown = "  ".join(f"{what} {value:.2f}" for what, value in row.items()) if isinstance(row, dict) else row
        print(f"{name:20} {shown}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
