"""How the fake server counts tokens: simply, and the same every time."""

from __future__ import annotations

import json

from crm_agents.fake.models import Answer
from crm_agents.fake.talk import Asked
from crm_agents.llm.chat import Call, Request, Said, ToolSpec, Turn, User
from crm_gym.evaluation.account import Tokens

CHARS = 4
"""Characters of a token; about what real ones hold of English and JSON."""

SMALLEST = 1_024
"""Tokens a prefix must have to be cached."""

FULL = 100_000
"""Prefixes remembered; then all are forgotten, as a provider forgets those of a while ago."""


class Counter:
    """Counts tokens: four characters each, of the system prompt, the tools as JSON, every turn, the reply.

    What a request has in common with an earlier one from its beginning, turn by turn, is read from the cache, if that
    is at least 1,024 tokens; where a cache is paid for, the rest is written there. A turn counts whole or not at all.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[int, object], int] = {}  # a trie: the prefix before, and what comes next
        self._tools: dict[int, tuple[tuple[ToolSpec, ...], int, int]] = {}

    def count(self, asked: Asked, answer: Answer) -> Tokens:
        """The tokens of one call."""
        output = -(-sum(map(len, _said(answer.text, answer.calls)), len(answer.thought)) // CHARS)
        chars, seen = self._read(asked.request)
        total, cached = -(-chars // CHARS), -(-seen // CHARS)
        if asked.cache == "none" or cached < SMALLEST:
            cached = 0
        if asked.cache == "paid" and total >= SMALLEST:
            return Tokens(0, output, cached, total - cached)
        return Tokens(total - cached, output, cached)

    def _read(self, request: Request) -> tuple[int, int]:
        """Characters of a request, and how many of them from its beginning were known."""
        if len(self._known) > FULL or len(self._tools) > 64:
            self._known.clear()
            self._tools.clear()
        tools, size = self._tools_of(request.tools)
        chars = len(request.system) + size
        node, old = self._next(0, (tools, request.system))
        seen = chars if old else 0
        for turn in request.turns:
            texts = _texts(turn)
            node, known = self._next(node, texts)
            old = old and known
            chars += sum(map(len, texts))
            seen = chars if old else seen
        return chars, seen

    def _next(self, node: int, step: object) -> tuple[int, bool]:
        number = self._known.get((node, step))
        if number is not None:
            return number, True
        number = self._known[node, step] = len(self._known) + 1
        return number, False

    def _tools_of(self, tools: tuple[ToolSpec, ...]) -> tuple[int, int]:
        """A number that stands for the tools, and their characters; those of one tuple are counted once."""
        found = self._tools.get(id(tools))
        if found is None:
            text = json.dumps([[tool.name, tool.description, tool.schema] for tool in tools]) if tools else ""
            number, _ = self._next(-1, text)
            found = self._tools[id(tools)] = tools, number, len(text)
        return found[1], found[2]


def _said(text: str, calls: tuple[Call, ...]) -> tuple[str, ...]:
    parts = [text]
    for call in calls:
        parts.append(call.name)
        parts.append(call.arguments if isinstance(call.arguments, str) else str(call.arguments))
    return tuple(parts)


def _texts(turn: Turn) -> tuple[str, ...]:
    if isinstance(turn, User):
        return (turn.text,)
    if isinstance(turn, Said):
        return _said(turn.reply.text, turn.reply.calls)
    return (*(result.text for result in turn.results), turn.text)
