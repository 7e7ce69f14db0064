"""`crm-agents fake-server`: two providers' protocols on this machine, for trying everything without keys."""

from __future__ import annotations

import asyncio
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from crm_agents.fake.faults import read_fault
from crm_agents.fake.heuristic import HeuristicModel
from crm_agents.fake.models import Model, read_script
from crm_agents.fake.server import FakeServer
from crm_gym import UsageError

HELP = """Serve the protocols of two providers on this machine, without keys and without a model.

POST /v1/messages, /v1/responses and /v1/chat/completions are answered by the rules of the heuristic agent, or by a
script of yours. Requests are checked as the real servers do; tokens are counted at four characters each, and what
repeats from the beginning as read from a cache. Nobody but this machine can reach it. No key is needed:

  ClaudeAgent(model="fake", base_url="http://127.0.0.1:8000")
  OpenAIAgent(model="fake", base_url="http://127.0.0.1:8000/v1")
  OpenAIAgent(model="fake", api="chat", base_url="http://127.0.0.1:8000/v1")

A script is JSON: a list of answers {"text": ..., "calls": [{"name": ..., "arguments": {...}}]}, the n-th for the n-th
reply of a conversation; or an object of such lists by a text that stands in the request.

Examples:
  crm-agents fake-server --port 8000
  crm-agents fake-server --latency 0.2 --fault rate_limited_after overloaded@1x3
  crm-agents fake-server --script answers.json

Exit codes: 0 stopped by Ctrl-C or a signal, 2 a port, a script or a fault will not do."""


@dataclass
class Args:
    """Arguments of `crm-agents fake-server`."""

    port: int = 8_000
    """The port; 0 for any that is free."""
    latency: float = 0.0
    """Seconds that each answer takes."""
    script: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Answers to give in place of the rules'."""
    fault: Annotated[tuple[str, ...], tyro.conf.arg(metavar="KIND[@CALL[xTIMES]] ...")] = ()
    """What goes wrong: at which reply of a conversation, from 0, and how often in all; * for every, and for ever."""
    names: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME ...")] = ()
    """Names of models that exist; if not given, any."""
    context: Annotated[int | None, tyro.conf.arg(metavar="TOKENS")] = None
    """Tokens that a prompt may have; if not given, any number."""
    json: bool = False
    """Say as JSON where it listens, and in the end what was asked."""


def run(args: Args) -> int:
    """Serve until stopped.

    Raises:
        UsageError: If a port, a script or a fault will not do.
    """
    if not 0 <= args.port < 65_536:
        raise UsageError(f"port must be between 0 and 65535; got {args.port}")
    if not 0 <= args.latency < 3_600:
        raise UsageError(f"latency must be seconds between 0 and 3600; got {args.latency}")
    faults = [read_fault(word) for word in args.fault]
    server = FakeServer(_model(args.script), faults, args.port, args.latency, names=args.names, context=args.context)
    asyncio.run(_serve(server, args.json))
    return 0


def _model(script: Path | str | None) -> Model:
    if script is None:
        return HeuristicModel()
    try:
        return read_script(Path(script).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as fault:
        raise UsageError(f"the script {script} cannot be read: {fault}") from None


async def _serve(server: FakeServer, as_json: bool) -> None:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with server:
        if as_json:
            print(json.dumps({"anthropic": server.url, "openai": server.v1}), flush=True)
        else:
            print(
                f"Listening. base_url for anthropic: {server.url}, for openai: {server.v1}. Ctrl-C stops.", flush=True
            )
        await stop.wait()
    if as_json:
        print(json.dumps({"calls": server.calls, "tokens": server.tokens.as_json(), "faults": server.plan.met}))
    else:
        print(
            f"{server.calls:,} replies; tokens: {_counts(server.tokens.as_json())}; faults: {_counts(server.plan.met)}"
        )


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none"
