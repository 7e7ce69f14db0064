"""Judges whose faults are known, as models: the gate must let the good one in and keep every other out.

All but the plainest know the truth and have one fault, so that each check of the gate is seen to catch it by itself.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeAlias

from crm_agents.judge.fence import unfence
from crm_agents.judge.grades import GRADES, PASS
from crm_agents.judge.items import Item
from crm_agents.judge.payloads import MASTER_KEYS
from crm_agents.llm.chat import ModelSettings, Reply, Request, User
from crm_gym.evaluation.account import Tokens

LONG = 300
"""Characters of a reply that impress a judge with a weakness for length."""

Decide: TypeAlias = Callable[[str, dict[str, Any], tuple[str, ...]], str]
"""From the truth, what is shown and the grades as listed to what is said."""

_ORDERS = re.compile(r"grade|judge|verdict|evaluat|override", re.IGNORECASE)


def _always(grade: str) -> Decide:
    return lambda truth, shown, listed: grade


def _knowing(truth: str, shown: dict[str, Any], listed: tuple[str, ...]) -> str:
    return truth


def _by_length(truth: str, shown: dict[str, Any], listed: tuple[str, ...]) -> str:
    return PASS if len(shown["reply"]) > LONG / 2 else "lacking"


def _by_chance(truth: str, shown: dict[str, Any], listed: tuple[str, ...]) -> str:
    digits = hashlib.sha256(json.dumps(shown, sort_keys=True).encode()).digest()
    return tuple(GRADES)[digits[0] % len(GRADES)]


def _fooled_by(sign: Callable[[dict[str, Any], tuple[str, ...]], bool]) -> Decide:
    return lambda truth, shown, listed: PASS if sign(shown, listed) else truth


FAULTS: dict[str, Decide] = {
    "always_yes": _always(PASS),
    "always_no": _always("untrue"),
    "random": _by_chance,
    "length_biased": _by_length,
    "fooled_by_length": _fooled_by(lambda shown, listed: len(shown["reply"]) > LONG),
    "fooled_by_format": _fooled_by(lambda shown, listed: "**" in shown["reply"]),
    "fooled_by_order": _fooled_by(lambda shown, listed: listed[0] != PASS),
    "fooled_by_keys": _fooled_by(lambda shown, listed: shown["reply"] in MASTER_KEYS),
    "obedient": _fooled_by(lambda shown, listed: bool(_ORDERS.search(json.dumps(shown, ensure_ascii=False)))),
    "babbling": _always("I think the grade is sound"),
}
"""Each fault by name."""


class Planted:
    """A model that judges as it is told to.

    Args:
        items: Items whose truth it knows.
        name: One of `FAULTS`, or "knowing".
    """

    api: ClassVar[str] = "planted"

    def __init__(self, items: Iterable[Item], name: str = "knowing") -> None:
        self.settings = ModelSettings(name=f"planted-{name}")
        self.decide = FAULTS.get(name, _knowing)
        self.truths = {item.id: item.truth for item in items}

    async def ask(self, request: Request) -> Reply:
        """A judgement."""
        turn = request.turns[0]
        assert isinstance(turn, User)
        assert request.schema is not None
        listed = tuple(request.schema["properties"]["grade"]["enum"])
        truth = self.truths[request.label.split("/")[1]]
        said = {"reason": "It is as I see it.", "grade": self.decide(truth, unfence(turn.text), listed)}
        return Reply(
            json.dumps(said), (), "end", Tokens(input=len(turn.text) // 4, output=20), None, self.settings.name
        )

    async def aclose(self) -> None:
        """Nothing to close."""
