"""A task played by hand: a fork of its world, its user, and the ids made so far."""

from __future__ import annotations

from collections.abc import Iterable

from crm_gym.crm import Crm
from crm_gym.tasks.dialogue import Script, User
from crm_gym.tasks.plan import filled, id_made
from crm_gym.tools import ToolCall, ToolResult, call

ASK = "ask_user"


class Session:
    """Calls of a plan on a CRM of its own.

    Args:
        crm: Where to play; written to.
        script: Who answers `ask_user`, if anybody.

    Attributes:
        crm: The CRM.
        results: What came of the calls, in order; the calls with the ids of new records in them.
        ids: The records the calls have made, in order.
    """

    __slots__ = ("crm", "ids", "results", "user")

    def __init__(self, crm: Crm, script: Script | None = None) -> None:
        self.crm = crm
        self.user = None if script is None else User(script)
        self.results: list[ToolResult] = []
        self.ids: list[str] = []

    def play(self, request: ToolCall) -> ToolResult:
        """Make one call."""
        result = call(self.crm, filled(request, self.ids))
        if result.ok and request.tool == ASK and self.user is not None:
            result.raw = {"user": self.user.answer(str(request.arguments["about"]), self.crm.journal)}
        made = id_made(request.tool, result.raw, result.error)
        if made is not None:
            self.ids.append(made)
        self.results.append(result)
        return result

    def play_all(self, requests: Iterable[ToolCall]) -> Session:
        """Make calls one after the other, refused or not; returns itself."""
        for request in requests:
            self.play(request)
        return self
