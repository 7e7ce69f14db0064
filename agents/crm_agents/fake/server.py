"""The fake server: the protocols of two providers on a loopback port, with any model behind them."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Final

from crm_agents.fake import completions, messages, responses
from crm_agents.fake.faults import Fault, Plan
from crm_agents.fake.http import Bodies, Connection, Heard, Response
from crm_agents.fake.models import Answer, Model
from crm_agents.fake.talk import TOO_LONG, ApiError, Asked
from crm_agents.fake.tokens import CHARS, Counter
from crm_gym import UsageError
from crm_gym.evaluation.account import Tokens

HOST: Final = "127.0.0.1"
"""Nobody else can reach it."""


@dataclass(frozen=True, slots=True)
class Wire:
    """A protocol: how its requests are read, its replies and errors written, and where the key stands."""

    read: Callable[[dict[str, Any]], Asked]
    write: Callable[[Asked, Answer, Tokens], str]
    error: Callable[[ApiError], str]


_MESSAGES = Wire(messages.read, messages.write, messages.error)
WIRES: Final = {
    "/v1/messages": _MESSAGES,
    "/v1/responses": Wire(responses.read, responses.write, responses.error),
    "/v1/chat/completions": Wire(completions.read, completions.write, completions.error),
}
"""The protocols by their paths."""


class FakeServer:
    """A server on this machine alone that answers as two providers do.

    A context manager, of both kinds: `with` runs it in a thread, `async with` in the running loop.

    It counts tokens as `crm_agents.fake.tokens.Counter` says, and checks requests as the real ones do: required and
    unknown parameters, a key, turns, every call answered, thoughts unchanged, strict schemas.

    Args:
        model: Who answers.
        faults: What goes wrong.
        port: The port, 0 for any that is free.
        latency: Seconds that each answer takes.
        names: Names of models that exist; () for any.
        key: The key that is asked for; None for any.
        context: Tokens that a prompt may have; None for any number.
        keep: How many of the latest requests to keep.

    Attributes:
        plan: The faults, and how often they came about.
        seen: The latest requests: path, headers, body.
        calls: How many requests came to a reply of the model.
        tokens: What these took.
    """

    def __init__(
        self,
        model: Model,
        faults: Sequence[Fault] = (),
        port: int = 0,
        latency: float = 0.0,
        *,
        names: Sequence[str] = (),
        key: str | None = None,
        context: int | None = None,
        keep: int = 0,
    ) -> None:
        self.model, self.port, self.latency, self.names, self.key = model, port, latency, tuple(names), key
        self.plan, self.context = Plan(faults), context
        self.seen: deque[tuple[str, dict[str, str], Any]] = deque(maxlen=keep)
        self.calls, self.tokens = 0, Tokens()
        self._counter, self._bodies = Counter(), Bodies()
        self._opened: dict[int, Connection] = {}
        self._server: asyncio.Server | None = None
        self._nobody: socket.socket | None = None
        self._thread: _Thread | None = None

    @property
    def url(self) -> str:
        """The base URL for anthropic's SDK."""
        return f"http://{HOST}:{self.port}"

    @property
    def v1(self) -> str:
        """The base URL for openai's SDK."""
        return f"{self.url}/v1"

    def answer(self, heard: Heard) -> Response:
        """What is answered to a request."""
        wire = WIRES.get(heard.path, _MESSAGES)
        try:
            return self._answer(heard, wire)
        except ApiError as fault:
            return _failed(wire, fault)
        except RecursionError:
            return _failed(wire, ApiError(400, "the request is nested too deep"))

    def _answer(self, heard: Heard, wire: Wire) -> Response:
        key = _key(heard)
        if self.key not in (None, key) or not key:
            raise ApiError(401, "there is no such key", "authentication_error", "invalid_api_key")
        if heard.path == "/v1/models" and heard.method == "GET":
            return Response(self._models())
        if heard.path not in WIRES or heard.method != "POST":
            raise ApiError(404, f"there is no {heard.method} {heard.path:.100}", "not_found_error")
        if wire is _MESSAGES and "anthropic-version" not in heard.headers:
            raise ApiError(400, "anthropic-version: header is required")
        body = self._bodies.read(heard.body)
        if self.seen.maxlen:
            self.seen.append((heard.path, heard.headers, body))
        asked = wire.read(body)
        if self.names and asked.model not in self.names:
            raise ApiError(404, f"model: {asked.model:.100} does not exist", "not_found_error", "model_not_found")
        fault = self.plan.pick(asked.request)
        if fault and (failed := fault.status(key)):
            return self._status(wire, fault, failed)
        if fault and fault.kind in ("refused", "hang", "closed", "garbage"):
            return self._wire_fault(fault.kind, heard.path)
        answer = self._model_says(asked)
        response = self._reply(wire, asked, fault.bend(answer, asked.request) if fault else answer)
        response.end = "reset" if fault and fault.kind == "reset" else ""
        return response

    def _model_says(self, asked: Asked) -> Answer:
        try:
            return self.model.reply(asked.request)
        except Exception as fault:  # a server goes on, and says what happened
            text = f"the model behind this server failed: {type(fault).__name__}: {fault}"
            raise ApiError(500, text, "api_error") from fault

    def _reply(self, wire: Wire, asked: Asked, answer: Answer) -> Response:
        tokens = self._counter.count(asked, answer)
        if self.context is not None and tokens.total() - tokens.output > self.context:
            raise ApiError(400, TOO_LONG, code="context_length_exceeded")
        if tokens.output > asked.max_tokens:
            answer = Answer(answer.text[: asked.max_tokens * CHARS], stop="cut_off")
            tokens = replace(tokens, output=asked.max_tokens)
        text = wire.write(asked, answer, tokens)
        self.calls += 1
        self.tokens.add(tokens)
        return Response(text)

    def _status(self, wire: Wire, fault: Fault, failed: ApiError) -> Response:
        if fault.kind in ("bad_gateway", "gateway_timeout"):  # that is not the provider who speaks
            page = f"<html><head><title>{failed.status}</title></head><body>{failed.message}</body></html>"
            return Response(page, failed.status, kind="text/html")
        return _failed(wire, failed)

    def _wire_fault(self, kind: str, path: str) -> Response:
        if kind == "hang":
            return Response(end="hang")
        if kind == "closed":
            return Response(end="close")
        if kind == "garbage":
            return Response("<html><body>Sign in to the network to go on</body></html>", kind="text/html")
        assert self._nobody is not None
        place = f"http://{HOST}:{self._nobody.getsockname()[1]}{path}"
        return Response(status=307, headers={"location": place})

    def _models(self) -> str:
        data = [
            {"id": name, "object": "model", "type": "model", "created": 0, "owned_by": "fake"} for name in self.names
        ]
        return json.dumps({"object": "list", "data": data, "has_more": False})

    async def start(self) -> None:
        """Listen.

        Raises:
            UsageError: If the port is taken.
        """
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: Connection(self.answer, self.latency, self._opened), HOST, self.port, backlog=1_024
            )
        except OSError as fault:
            raise UsageError(f"port {self.port} of {HOST} cannot be had: {fault.strerror}; give another") from None
        self.port = self._server.sockets[0].getsockname()[1]
        # A port that is ours and where nobody listens: who connects to it is refused.
        self._nobody = socket.socket()
        self._nobody.bind((HOST, 0))

    async def stop(self) -> None:
        """Close the port and all connections; twice is fine."""
        if self._server is None:
            return
        self._server.close()
        for connection in list(self._opened.values()):
            if connection.transport is not None:
                connection.transport.abort()
        await self._server.wait_closed()
        while self._opened:
            await asyncio.sleep(0)
        self._server = None
        if self._nobody is not None:
            self._nobody.close()

    async def __aenter__(self) -> FakeServer:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def __enter__(self) -> FakeServer:
        self._thread = _Thread(self)
        self._thread.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._thread.end()
            self._thread = None


class _Thread:
    """Runs a server in a thread with a loop of its own."""

    def __init__(self, server: FakeServer) -> None:
        self.server, self._failed = server, list[BaseException]()
        self._ready, self._loop, self._stop = threading.Event(), asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._run, name="fake-server", daemon=True)

    def begin(self) -> None:
        """Start it, and wait until it listens."""
        self._thread.start()
        self._ready.wait()
        if self._failed:
            self._thread.join()
            raise self._failed[0]

    def end(self) -> None:
        """Stop it, and wait until all is closed."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        try:
            await self.server.start()
        except BaseException as fault:  # it belongs to who waits in begin()
            self._failed.append(fault)
            return
        finally:
            self._ready.set()
        await self._stop.wait()
        await self.server.stop()


def _failed(wire: Wire, fault: ApiError) -> Response:
    headers = {} if fault.retry_after is None else {"retry-after": fault.retry_after}
    return Response(wire.error(fault), fault.status, headers)


def _key(heard: Heard) -> str:
    """The key of a request, in whichever header it stands."""
    bearer = heard.headers.get("authorization", "")
    return heard.headers.get("x-api-key") or bearer.removeprefix("Bearer ").strip()
