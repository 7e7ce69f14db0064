"""What the adapters share: a client of a provider's SDK for each event loop, bodies in and out, and faults.

The SDKs do what is theirs: keys, headers, addresses, proxies, time-outs, connections, kinds of errors. Bodies are
built and read here, as JSON: what is the same in every call of a run (prompt, tools) is rendered once, and no reply is
turned into models whose parts would have to be turned back for the next call. With 64 calls in flight and 32 tools
that took 1.3 to 1.4 ms of processor time a call, where the SDKs' typed methods took 2.5 (anthropic), 20 (openai,
responses) and 5.7 ms (openai, chat); `scripts/bench_transport.py` measures it again.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import re
import time
import weakref
from abc import ABC, abstractmethod
from typing import Any, ClassVar

from crm_agents.llm.chat import Call, ModelSettings, Reply, Request
from crm_agents.llm.faults import BadRequest, ModelFault, PassingFault
from crm_agents.llm.reading import arguments_of
from crm_agents.llm.schemas import without_nulls
from crm_agents.llm.statuses import by_status
from crm_agents.llm.usage import tokens_of
from crm_gym import UsageError, near_miss
from crm_gym.evaluation.account import Tokens

JSON = dict[str, Any]

_HEADERS = {"Content-Type": "application/json"}
_UNREADABLE = (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError)


class SdkClient(ABC):
    """A `ModelClient` over an SDK.

    Args:
        settings: How to ask.
        http_client: An `httpx2.AsyncClient` to be used instead of the SDK's own; it is closed with this.

    Attributes:
        settings: How to ask.
        api: The shape in which it asks.
        base_url: The server it asks, None for the provider's own.

    Raises:
        UsageError: If the settings ask for what the API does not have; says what would do.
    """

    api: ClassVar[str]
    package: ClassVar[str]
    path: ClassVar[str]
    usual_key: ClassVar[str]
    usual_url: ClassVar[str]
    """The environment variable with the server, where the settings name none."""
    usage_names: ClassVar[tuple[str, str, str, str]]
    cached_apart: ClassVar[bool]
    """How tokens are told: see `crm_agents.llm.usage.tokens_of`."""
    samples: ClassVar[tuple[str, ...]]
    """Names of `ModelSettings.sampling` that go with every call as they are."""

    def __init__(self, settings: ModelSettings, http_client: Any = None) -> None:
        self.settings = settings
        _check(settings, self.samples, self.api)
        self.base_url = _server(settings.base_url, self.usual_url)
        self._http = http_client
        self._sdks: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Any] = weakref.WeakKeyDictionary()
        self._head: tuple[Request, str] | None = None
        self._key = ""

    async def ask(self, request: Request) -> Reply:
        """The model's reply; see `crm_agents.llm.chat.ModelClient`."""
        sdk = self._sdk()
        content = self._content(request)
        began = time.perf_counter()
        failed: Exception | None = None
        try:
            response = await self._send(sdk, content)
        except Exception as fault:
            failed = self._named(fault)
            if failed is None:
                raise
        if failed is not None:  # raised out here: the SDK's own error carries the request, with the key in its headers
            raise failed
        latency = time.perf_counter() - began
        body = _body(response.content)
        try:
            return self.read(request, body, latency)
        except ModelFault as fault:  # the provider says that it failed: billed if it says what it took
            fault.tokens = self.usage(body) if body.get("usage") else None
            raise
        except _UNREADABLE as fault:
            why = f"the model's reply has not the shape of {self.api}: {_short(fault)}"
            raise BadRequest("bad_reply", why, tokens=self.usage(body)) from None

    def check(self) -> None:
        """Refuse (UsageError), before anything is asked, a missing package and a named key that is not set."""
        self._import()
        self._find_key()

    async def aclose(self) -> None:
        """Let go of the connections of this event loop; twice is fine."""
        sdk = self._sdks.pop(asyncio.get_running_loop(), None)
        if sdk is not None:
            await sdk.close()

    @abstractmethod
    def fixed(self, request: Request) -> JSON:
        """The part of the body that is the same in every call of a conversation."""

    @abstractmethod
    def said(self, request: Request) -> JSON:
        """The part of the body that is the conversation."""

    @abstractmethod
    def read(self, request: Request, body: JSON, latency: float) -> Reply:
        """The reply in a body; what is raised for a missing key or a wrong type means that it has another shape."""

    @abstractmethod
    def connect(self, package: Any, key: str | None) -> Any:
        """A client of the SDK."""

    def usage(self, body: JSON) -> Tokens:
        """What a reply took, as it says itself."""
        return tokens_of(body.get("usage"), self.usage_names, cached_apart=self.cached_apart)

    def body(self, request: Request) -> JSON:
        """All that is sent."""
        return self.fixed(request) | self.said(request)

    def call(self, request: Request, id: str, name: str, written: Any) -> Call:
        """A call out of what a model wrote, as text or as values."""
        arguments = arguments_of(written)
        if self.settings.strict and isinstance(arguments, dict):
            schema = next((tool.schema for tool in request.tools if tool.name == name), {})
            arguments = without_nulls(schema, arguments)
        if not isinstance(id, str) or not isinstance(name, str):
            raise TypeError("the id and the name of a call must be texts")
        return Call(id, name, arguments)

    async def _send(self, sdk: Any, content: bytes) -> Any:
        whole = importlib.import_module("httpx2").Response  # as it came, not as one of the SDK's models
        options = {"headers": _HEADERS, "timeout": self.settings.timeout}
        return await sdk.post(self.path, cast_to=whole, content=content, options=options)

    def _content(self, request: Request) -> bytes:
        kept = self._head
        if kept is None or not _same_head(kept[0], request):
            self._head = kept = request, json.dumps(self.fixed(request), allow_nan=False)
        try:
            rest = json.dumps(self.said(request), allow_nan=False)
        except (ValueError, RecursionError):  # NaN, or too deep, in a part of a reply that we do not read
            raise BadRequest("bad_reply", "an earlier reply holds what cannot be handed back as JSON") from None
        text = kept[1][:-1] + "," + rest[1:]
        return (_LONE.sub(_replaced, text) if "\\ud" in text else text).encode("ascii")

    def _sdk(self) -> Any:
        loop = asyncio.get_running_loop()
        sdk = self._sdks.get(loop)
        if sdk is None:
            for old in [old for old in self._sdks if old.is_closed()]:
                del self._sdks[old]
            self._key = self._find_key() or ""
            sdk = self._sdks[loop] = self._connected()
        return sdk

    def _connected(self) -> Any:
        package = self._import()
        try:
            return self.connect(package, self._key or None)
        except Exception as fault:
            known = getattr(package, "OpenAIError", ()), getattr(package, "CredentialsError", ())
            if isinstance(fault, known):  # it looks for a key at once
                raise self._no_key() from None
            raise

    def _import(self) -> Any:
        try:
            return importlib.import_module(self.package)
        except ModuleNotFoundError as fault:
            raise UsageError(
                f"{fault.name} is not installed; {self.api} needs the extra llm: pip install 'crm-gym[llm]'"
            ) from None

    def _find_key(self) -> str | None:
        """The key; None to leave it to the SDK. A server of one's own gets the key it is meant to get, or none."""
        name = self.settings.api_key_env
        if name is None:
            if self.settings.base_url is not None:
                return "none"
            name = self.usual_key
            if name not in os.environ:
                return None
        key = os.environ.get(name, "").strip()
        if not key:
            raise self._no_key(name)
        if not (key.isascii() and key.isprintable()):
            raise UsageError(f"the key in the environment variable {name} holds characters that no key has")
        return key

    def _no_key(self, name: str | None = None) -> UsageError:
        name = name or self.usual_key
        return UsageError(
            f"there is no key in the environment variable {name}; set it, name another with api_key_env, "
            "or play a cassette"
        )

    def _named(self, fault: Exception) -> Exception | None:
        """Our name for what the SDK raised; None if it is none of its errors."""
        sdk = self._import()
        if isinstance(fault, TypeError) and "authentication" in str(fault):
            return self._no_key()
        if isinstance(fault, getattr(sdk, "CredentialsError", ())):  # a profile that is not there, or has run out
            return self._no_key()
        if isinstance(fault, sdk.APITimeoutError):
            return PassingFault("timeout", f"the model did not answer within {self.settings.timeout:g} s")
        if isinstance(fault, sdk.APIStatusError):
            return by_status(
                fault, self.told(fault.body), self.settings.name, self.settings.api_key_env or self.usual_key
            )
        if isinstance(fault, sdk.APIConnectionError):
            cause = type(fault.__cause__ or fault).__name__
            return PassingFault("connection", f"no connection to the model's server, or a broken one ({cause})")
        if isinstance(fault, sdk.APIError):
            return BadRequest("sdk_error", f"the SDK gave up: {type(fault).__name__}")
        return None

    def told(self, body: Any) -> str:
        """What a provider says was wrong, without our key."""
        error = body.get("error", body) if isinstance(body, dict) else body
        text = error.get("message", "") if isinstance(error, dict) else error
        text = " ".join(str(text or "").split())[:300]
        return text.replace(self._key, "[key]") if len(self._key) > 6 else text

    def __getstate__(self) -> JSON:
        return {"settings": self.settings, "base_url": self.base_url}  # connections stay in their process

    def __setstate__(self, kept: JSON) -> None:
        self.__init__(kept["settings"])  # type: ignore[misc]
        self.base_url = kept["base_url"]  # whatever the environment says there


def _check(settings: ModelSettings, samples: tuple[str, ...], api: str) -> None:
    for name in settings.sampling:
        if name not in samples:
            raise UsageError(f"sampling.{name} is nothing that {api} takes; {near_miss(name, samples)}")
    if settings.max_tokens < 1:
        raise UsageError(f"max_tokens must be 1 or more; got {settings.max_tokens}")
    if not settings.timeout > 0:
        raise UsageError(f"timeout must be more than 0 seconds; got {settings.timeout}")


def _server(base_url: str | None, variable: str) -> str | None:
    """The server to be asked. The SDKs read the variable, too; it is read here so that a log can say who was asked."""
    name = "base_url"
    if base_url is None:
        name, base_url = variable, os.environ.get(variable, "").strip() or None
    if base_url is not None and not re.match(r"https?://[^/]", base_url, re.IGNORECASE):
        raise UsageError(f"{name} must begin with http:// or https:// and a host")
    return base_url


def _same_head(one: Request, other: Request) -> bool:
    return one.tools is other.tools and one.schema is other.schema and one.system == other.system


def _body(content: bytes) -> JSON:
    """The JSON object in a reply's body. Where there is none, nobody knows what the answer took."""
    unknown = Tokens(known=False)
    try:
        body = json.loads(content)
    except RecursionError:
        raise BadRequest("bad_reply", "the model's reply is nested too deep to be read", tokens=unknown) from None
    except ValueError:
        raise PassingFault("bad_body", "the reply's body is no JSON, or was cut off", tokens=unknown) from None
    if not isinstance(body, dict):
        raise BadRequest("bad_reply", "the reply's body is no JSON object", tokens=unknown)
    return body


def _short(fault: Exception) -> str:
    return f"{type(fault).__name__} {str(fault)[:80]}"


_LONE = re.compile(r"\\\\|\\ud[89ab][0-9a-f]{2}\\ud[c-f][0-9a-f]{2}|\\ud[89a-f][0-9a-f]{2}")
"""In JSON text: a backslash, a pair of surrogates, half a pair."""


def _replaced(found: re.Match[str]) -> str:
    """Half a pair is no Unicode, and providers refuse it."""
    return "\\ufffd" if len(found[0]) == 6 else found[0]


def server_fault(told: str) -> ModelFault:
    """A fault that came with status 200."""
    return PassingFault("server_error", f"the provider's server failed: {told or 'it does not say why'}")
