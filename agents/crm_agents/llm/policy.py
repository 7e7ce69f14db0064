"""An agent with a language model behind it, over any `ModelClient`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any
from urllib.parse import urlsplit

from crm_agents.llm.bill import Bill, HasPrices
from crm_agents.llm.cassette import Cassette
from crm_agents.llm.cassette import Mode as CassetteMode
from crm_agents.llm.chat import ModelClient, Reply, Request
from crm_agents.llm.conversation import Conversation
from crm_agents.llm.faults import BadRequest, ModelFault, ModelOutage, SetupFault, TooLong
from crm_agents.llm.loop import LoopThread
from crm_agents.llm.prompt import make_prompt
from crm_agents.llm.reading import Reading, as_action, read_reply, read_text
from crm_agents.llm.retry import Retrying, RetryPolicy, check_client
from crm_gym import AgentError, UsageError
from crm_gym.evaluation.account import Spend


class LlmAgent:
    """A language model as a policy: the conversation is the state of `predict`.

    Each step is one tool call. Calls that a model asks for at once are played one after another, and their results
    handed back together. A reply that will not do is named in the account, and the model told so, up to `nudges` times
    in a row; then the agent cannot go on.

    Args:
        client: The model.
        mode: "tools" for native tool calls; "text" for models without: one JSON object in the reply.
        refusals: The environment's protocol for what must be refused, "decline" or "attempt": the prompt says so.
        prompt: A system prompt to take the place of ours.
        nudges: How often in a row the model is told that its reply will not do.
        max_calls: Model calls in an episode at the most.
        max_episode_tokens: Tokens in an episode at the most; None for no limit.
        prices: What tokens cost; without, costs are unknown.
        retry: Ask again by this policy what may pass; None leaves that to the client.
        cassette: File of a cassette, None for none.
        cassette_mode: "record", "replay" or "off".

    Attributes:
        model: Name of the model.
        prompt: 16 hexadecimal digits: hash of prompt and tools.

    Raises:
        UsageError: If a word does not exist or a number is out of its bounds.
    """

    def __init__(
        self,
        client: ModelClient,
        *,
        mode: str = "tools",
        refusals: str = "decline",
        prompt: str | None = None,
        nudges: int = 2,
        max_calls: int = 80,
        max_episode_tokens: int | None = None,
        prices: HasPrices | None = None,
        retry: RetryPolicy | None = None,
        cassette: str | None = None,
        cassette_mode: CassetteMode = "record",
    ) -> None:
        said = make_prompt(mode, refusals, prompt)
        _at_least("nudges", nudges, 0)
        _at_least("max_calls", max_calls, 1)
        if max_episode_tokens is not None:
            _at_least("max_episode_tokens", max_episode_tokens, 1)
        self.settings = client.settings
        self._api = getattr(client, "api", type(client).__name__)
        self._base_url: str | None = getattr(client, "base_url", client.settings.base_url)
        self.client = _wrapped(client, retry, cassette, cassette_mode)
        self.model: str | None = client.settings.name
        self.prompt: str | None = said.hash()
        self.mode, self.refusals, self.nudges = mode, refusals, nudges
        self.max_calls, self.max_episode_tokens, self.prices = max_calls, max_episode_tokens, prices
        self._said, self._answered, self._wrong = said, False, 0
        self._thread = LoopThread(self.client.aclose)

    def check(self) -> None:
        """Refuse, before anything is played, what cannot be asked: a missing package, key or cassette.

        Raises:
            UsageError: Says what is missing.
        """
        check_client(self.client)

    def start(self, label: str, spend: Spend | None = None) -> Conversation:
        """The state of a new episode; see `crm_gym.evaluation.account.ModelAgent`."""
        return Conversation(label, spend, native=self.mode == "tools")

    def describe(self) -> dict[str, Any]:
        """Everything that decides what the agent does, without secrets and without the server's port."""
        settings = {one.name: getattr(self.settings, one.name) for one in fields(self.settings)}
        del settings["api_key_env"], settings["timeout"]
        settings["base_url"] = _host(self._base_url)
        settings["sampling"] = dict(self.settings.sampling)
        return {
            "api": self._api,
            "model": settings,
            "mode": self.mode,
            "refusals": self.refusals,
            "nudges": self.nudges,
            "max_calls": self.max_calls,
            "max_episode_tokens": self.max_episode_tokens,
        }

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Any]:
        """As `apredict`, from plain code, notebooks and threads alike."""
        return self._thread.run(self.apredict(observation, state, episode_start, deterministic))

    async def apredict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[Any, Conversation]:
        """The next action, and the conversation.

        Args:
            observation: What the environment showed last.
            state: The conversation so far; None begins a new one.
            episode_start: Begins a new one, too.
            deterministic: Of no consequence: that is for the settings of the model to say.

        Raises:
            AgentError: If the agent cannot go on.
            ModelOutage: If the model stays out of reach.
            UsageError: If the model cannot be asked at all: the key, its name, a permission.
        """
        talk = state
        if talk is None or (episode_start and talk.turns):
            talk = self.start("") if talk is None else self.start(talk.label, talk.spend)
        talk.hear(observation)
        call = talk.next_call()
        while call is None:
            step = int(observation["steps"])
            self._take(talk, await self._ask(talk, step), step)
            call = talk.next_call()
        return as_action(call), talk

    async def aclose(self) -> None:
        """Let go of the model's connections; twice is fine."""
        await self.client.aclose()

    def close(self) -> None:
        """As `aclose`, from plain code, with what `predict` needed."""
        self._thread.close()

    def __enter__(self) -> LlmAgent:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _ask(self, talk: Conversation, step: int) -> Reply:
        account = talk.account
        if account.calls >= self.max_calls:
            raise AgentError(
                "budget", f"{account.calls} model calls were made in this episode; max_calls allows no more"
            )
        if self.max_episode_tokens is not None and account.tokens.total() >= self.max_episode_tokens:
            raise AgentError(
                "budget",
                f"{account.tokens.total()} tokens were used in this episode; max_episode_tokens allows no more",
            )
        if talk.spend is not None:
            talk.spend.before_call()
        bill = Bill(account, talk.spend, self.prices, self.settings.name)
        said = self._said
        request = Request(said.system, tuple(talk.turns), said.tools, label=talk.label, again=bill.again)
        try:
            reply = await self.client.ask(request)
        except TooLong as fault:
            bill.failed(fault)
            talk.slip(step, ("context_too_long",))
            raise AgentError("context_too_long", str(fault)) from fault
        except ModelFault as fault:
            bill.failed(fault)
            self._look_at(fault)
            raise _named(fault) from fault
        bill.replied(reply)
        self._answered = True
        return reply

    def _look_at(self, fault: ModelFault) -> None:
        """Give up where every request is called wrong: that is no outage, and nothing will ever come of it."""
        if isinstance(fault, BadRequest) and fault.kind != "bad_reply" and not self._answered:
            self._wrong += 1
            if self._wrong >= ALL_WRONG:
                raise UsageError(f"the provider has called every request wrong so far; the last time: {fault}")

    def _take(self, talk: Conversation, reply: Reply, step: int) -> None:
        """Make of a reply calls to be played, or words to the model; or give up."""
        reading = read_reply(reply) if self.mode == "tools" else read_text(reply)
        talk.account.said = _to_keep(reading.said)
        talk.slip(step, reading.slips)
        if reading.calls:
            first = self.mode == "text" and "several_calls" in reading.slips
            talk.answered(reply, reading.calls, only_first=first)
            return
        (kind,) = reading.slips
        if kind in _FINAL or talk.asked_again >= self.nudges:
            raise AgentError(_ENDS.get(kind, kind), self._gave_up(kind, reading))
        talk.object(reply, self._nudge(kind), keep=kind == "no_call" or (kind == "paused" and bool(reply.raw)))

    def _nudge(self, kind: str) -> str:
        how = "Call one of the tools" if self.mode == "tools" else "Reply with one JSON object, tool and arguments"
        if kind == "paused":
            return "Go on."
        if kind == "cut_off":
            return f"(Your reply was cut off at {self.settings.max_tokens} tokens and not used. Be brief. {how}.)"
        what = "Your reply was empty." if kind == "empty" else "Your reply called no tool, so nothing was done."
        ends = "respond, decline or finish" if self.refusals == "decline" else "respond or finish"
        return f"({what} {how}; if there is nothing left to do, it is {ends}.)"

    def _gave_up(self, kind: str, reading: Reading) -> str:
        if kind == "refusal":
            return f"the model refused to answer{': ' + reading.said[:200] if reading.said else ''}"
        if kind == "context_too_long":
            return "the conversation is longer than the model can read"
        times = "once" if self.nudges == 0 else f"{self.nudges + 1} times in a row"
        return f"{_TIRED[kind]} {times}"


MOST_SAID = 20_000
"""Characters of a reply's text that are kept for the log."""

ALL_WRONG = 3
"""Requests called wrong, with none answered ever, after which a run is stopped."""

_FINAL = ("refusal", "context_too_long")
_ENDS = {"paused": "no_call"}
_TIRED = {
    "cut_off": "the model's reply was cut off at max_tokens",
    "no_call": "the model's reply called no tool",
    "paused": "the model paused without calling a tool",
    "empty": "the model's reply was empty",
}


def _at_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise UsageError(f"{name} must be {least} or more; got {value}")


def _wrapped(client: ModelClient, retry: RetryPolicy | None, cassette: str | None, mode: CassetteMode) -> ModelClient:
    asked: ModelClient = client if retry is None else Retrying(client, retry)
    return asked if cassette is None else Cassette(asked, cassette, mode)


def _host(base_url: str | None) -> str | None:
    """A server's address without user, port and query: what it is, not where it happens to listen today."""
    if base_url is None:
        return None
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.hostname}{parts.path.rstrip('/')}"


def _to_keep(said: str) -> str:
    """What of a text goes into the log; the conversation has all of it."""
    if len(said) <= MOST_SAID:
        return said
    return f"{said[:MOST_SAID]} ... (cut: {len(said):,} characters)"


def _named(fault: ModelFault) -> Exception:
    """What a fault means to a run."""
    if isinstance(fault, SetupFault):
        return UsageError(str(fault))
    if fault.kind == "bad_reply":  # the model wrote what cannot be read
        return AgentError("bad_reply", str(fault))
    if isinstance(fault, BadRequest):
        return ModelOutage("bad_request", str(fault))
    return ModelOutage(fault.kind, str(fault))
