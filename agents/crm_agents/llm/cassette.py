"""Model calls on a file, to be played again without a model: by content, in JSON lines."""

from __future__ import annotations

from typing import Literal, get_args

from crm_agents.llm.chat import ModelClient, ModelSettings, Reply, Request
from crm_agents.llm.faults import BadRequest, PassingFault, SetupFault, TooLong
from crm_agents.llm.retry import check_client
from crm_agents.llm.tape import Keys, Tape, fault_of, reply_of
from crm_gym import UsageError, near_miss

Mode = Literal["record", "replay", "off"]


class NoClient:
    """A client with nobody behind it, for replaying: it needs no key.

    Args:
        settings: How it would ask.
        api: The shape it would ask in: the `api` of the client that recorded.
    """

    def __init__(self, settings: ModelSettings, api: str) -> None:
        self.settings, self.api = settings, api

    async def ask(self, request: Request) -> Reply:
        """Never."""
        raise SetupFault("nobody", f"there is nobody to ask about {request.label!r}; this client only replays")

    async def aclose(self) -> None:
        """Nothing to close."""


class Cassette:
    """A client that keeps what another says, or gives what was kept.

    A question is known by a hash of all that decides its answer: model, shape, settings, system prompt, conversation,
    tools, schema, label; no key and no address is in it. "record" gives what is on the file and asks for the rest: a
    recording that broke off goes on where it stopped. "replay" asks nobody. "off" is as if there were no cassette.

    A fault is kept, too (but for those of keys and names, which stop a run). Recording asks again where nothing but
    faults is on the file; replaying gives all that was kept for a question in the order it came, and then the last.

    What the model said is kept word for word in a file that its owner alone can read.

    Args:
        client: Who is asked; in "replay" only its settings and shape count.
        path: The file.
        mode: "record", "replay" or "off".

    Attributes:
        settings: The client's.
        api: The client's.
        base_url: The client's.
    """

    def __init__(self, client: ModelClient, path: str, mode: Mode = "record") -> None:
        if mode not in get_args(Mode):
            raise UsageError(f"cassette {mode!r} does not exist; {near_miss(mode, get_args(Mode))}")
        self.client, self.settings, self.mode = client, client.settings, mode
        self.api: str = getattr(client, "api", type(client).__name__)
        self.base_url: str | None = getattr(client, "base_url", client.settings.base_url)
        self.tape = Tape(path, writing=mode == "record")
        self._keys = Keys(self.settings, self.api)
        self._given: dict[str, int] = {}

    def check(self) -> None:
        """Refuse a cassette that cannot be opened, and a client that is needed and cannot be asked (UsageError)."""
        if self.mode != "off":
            self.tape.open()
        if self.mode != "replay":
            check_client(self.client)

    async def ask(self, request: Request) -> Reply:
        """The reply: from the file, or the client's.

        Raises:
            ModelFault: If the client, or the recording, came to one.
            UsageError: If a replay meets a question that is not on the file; says what most likely differs.
        """
        if self.mode == "off":
            return await self.client.ask(request)
        key, parts = self._keys.of(request)
        if self.mode == "replay":
            return self._replay(key, parts, request)
        kept = self.tape.reply(key)
        return reply_of(kept) if kept is not None else await self._record(key, parts, request)

    def _replay(self, key: str, parts: dict[str, str], request: Request) -> Reply:
        number = self._given.get(key, 0)
        kept = self.tape.entry(key, number)
        if kept is None:
            raise UsageError(self.tape.missed(parts, request.label))
        self._given[key] = number + 1
        if "fault" in kept:
            raise fault_of(kept["fault"])
        return reply_of(kept["reply"])

    async def _record(self, key: str, parts: dict[str, str], request: Request) -> Reply:
        try:
            reply = await self.client.ask(request)
        except (PassingFault, TooLong, BadRequest) as fault:
            self.tape.add(key, request.label, parts, fault)
            raise
        self.tape.add(key, request.label, parts, reply)
        return reply

    async def aclose(self) -> None:
        """Close the file and the client."""
        self.tape.close()
        await self.client.aclose()
