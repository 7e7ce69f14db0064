"""As much HTTP/1.1 as the SDKs speak: requests with a length, answers with a length, connections kept alive."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from crm_agents.fake.talk import JSON, ApiError, KnownTools

MAX_HEAD, MAX_BODY = 65_536, 32 << 20
"""Bytes that are read of a head and of a body."""

_REASONS: Final = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests"}


@dataclass(slots=True)
class Heard:
    """A request.

    Attributes:
        method: The method.
        path: The path, without a query.
        headers: The headers by their names in lower case.
        body: The body.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Response:
    """What is done about a request.

    Attributes:
        text: The body.
        status: The status.
        headers: Headers besides type and length.
        end: "" to go on; "hang" to answer nothing, "close" to close without an answer, "reset" to break off in the
            middle of it.
        kind: The type of the content.
    """

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    end: str = ""
    kind: str = "application/json"

    def render(self) -> bytes:
        """The bytes to send."""
        body = self.text.encode("utf-8", "surrogatepass")
        more = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
        reason = _REASONS.get(self.status, "Error")
        head = (
            f"HTTP/1.1 {self.status} {reason}\r\ncontent-type: {self.kind}\r\ncontent-length: {len(body)}\r\n{more}\r\n"
        )
        return head.encode("latin-1", "replace") + body


Answering = Callable[[Heard], Response]


class Connection(asyncio.Protocol):
    """One connection.

    Args:
        answer: What answers requests.
        latency: Seconds from request to answer.
        opened: The connections that are open; it adds and removes itself.
    """

    def __init__(self, answer: Answering, latency: float, opened: dict[int, Connection]) -> None:
        self.answer, self.latency, self.opened = answer, latency, opened
        self.transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str], int] | None = None
        self._busy = False

    def connection_made(self, transport: Any) -> None:
        """Begin; TCP_NODELAY is asyncio's own setting."""
        self.transport = transport
        self.opened[id(self)] = self

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self.opened.pop(id(self), None)
        self.transport = None

    def data_received(self, data: bytes) -> None:
        """Take in what came."""
        self._buffer += data
        if not self._busy:
            self._next()

    def _next(self) -> None:
        """Answer the next request, if it is all there."""
        try:
            heard = self._request()
        except ApiError as fault:
            self._send(Response(json.dumps({"error": {"message": fault.message}}), fault.status, end="bad"))
            return
        if heard is None:
            return
        self._busy = True
        response = self.answer(heard)
        if self.latency:
            asyncio.get_running_loop().call_later(self.latency, self._send, response)
        else:
            self._send(response)

    def _request(self) -> Heard | None:
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > MAX_HEAD:
                    raise ApiError(431, "the head of the request is too large")
                return None
            self._head = _head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
        method, path, headers, length = self._head
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._head = None
        return Heard(method, path, headers, body)

    def _send(self, response: Response) -> None:
        transport = self.transport
        if transport is None or response.end == "hang":
            return
        if response.end == "close":
            transport.abort()
            return
        data = response.render()
        if response.end == "reset":
            transport.write(data[: len(data) - len(response.text) // 2 - 1])
            asyncio.get_running_loop().call_soon(self._reset)
            return
        transport.write(data)
        if response.end == "bad":
            transport.close()
            return
        self._busy = False
        if self._buffer:
            self._next()

    def _reset(self) -> None:
        """Break off so that the other side is told at once."""
        if self.transport is None:
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _head(head: bytes) -> tuple[str, str, dict[str, str], int]:
    """Method, path, headers and length of the body."""
    first, *lines = head.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):
        raise ApiError(400, "this is no HTTP/1.1 request")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal():
        raise ApiError(411, "a request needs a content-length")
    if int(length) > MAX_BODY:
        raise ApiError(413, f"at most {MAX_BODY:,} bytes are read")
    return words[0], words[1].partition("?")[0], headers, int(length)


_TOOLS, _DECODER = re.compile(rb'"tools": ?(?=\[)'), json.JSONDecoder()
_MARK, _MARKED = b'"tools":"\\u0000 as before"', "\0 as before"
MANY = 8
"""Sets of tools that are remembered."""


class Bodies:
    """Reads bodies; the tools, which are most of one and always the same, only once."""

    def __init__(self) -> None:
        self._known: dict[bytes, KnownTools] = {}

    def read(self, body: bytes) -> dict[str, JSON]:
        """The JSON object in a body.

        Raises:
            ApiError: If there is none.
        """
        start = body.find(b'"tools"')  # within a text its quotes would have backslashes
        for text, tools in self._known.items():
            if start >= 0 and body.startswith(text, start):
                made = _object(body[:start] + _MARK + body[start + len(text) :])
                if made.get("tools") == _MARKED:
                    made["tools"] = tools
                    return made
        made = _object(body)
        if isinstance(made.get("tools"), list):
            made["tools"] = self._learn(body, made["tools"])
        return made

    def _learn(self, body: bytes, tools: list[JSON]) -> KnownTools:
        known = KnownTools(tools)
        found = _TOOLS.search(body)
        if found:
            text = body[found.start() :].decode("utf-8", "replace")
            value, end = _DECODER.raw_decode(text, len(found[0]))
            if value == tools:
                if len(self._known) >= MANY:
                    self._known.clear()
                self._known[text[:end].encode()] = known
        return known


def _object(body: bytes) -> dict[str, JSON]:
    try:
        made = json.loads(body)
    except RecursionError:
        raise ApiError(400, "the body is nested too deep") from None
    except ValueError as fault:
        raise ApiError(400, f"the body is no JSON: {fault}") from None
    if not isinstance(made, dict):
        raise ApiError(400, "the body must be a JSON object")
    return made
