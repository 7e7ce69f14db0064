"""What a judge is shown: a request, what was done about it, what came of it, and what the user was told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crm_agents.judge.fence import visible
from crm_gym.evaluation.lines import plain
from crm_gym.evaluation.records import ChangeRecord, EpisodeRecord, StepRecord
from crm_gym.evaluation.report.said import words_of

RESULT_CHARS: Final = 6_000
"""Of a result more is not shown."""

REPLY_CHARS: Final = 20_000
RECORD_CHARS: Final = 120_000
"""A longer reply, or a longer record, is not judged at all: what is cut out could be what matters."""


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to judge. Nothing in it is of the task's reference, nor of the verdict.

    Attributes:
        request: What the user asked for.
        today: The CRM's own day.
        calls: What the agent called: tool, arguments, refused, result (the CRM's answer).
        changes: What is different in the CRM afterwards: table, id, before, after.
        reply: What the agent told the user, "" for nothing.
    """

    request: str
    today: str
    calls: tuple[Mapping[str, Any], ...]
    changes: tuple[Mapping[str, Any], ...]
    reply: str

    def as_json(self) -> dict[str, Any]:
        """As plain JSON."""
        return {
            "request": self.request,
            "today": self.today,
            "calls": list(self.calls),
            "changes": list(self.changes),
            "reply": self.reply,
        }

    def too_long(self) -> bool:
        """Whether there is more than a judge is given."""
        return len(self.reply) > REPLY_CHARS or len(json.dumps(self.as_json())) > RECORD_CHARS

    def says_nothing(self) -> bool:
        """Whether the user was told nothing that could be seen."""
        return not visible(self.reply)


def case_of(record: EpisodeRecord) -> Case:
    """An episode as a case; a copy, so that nothing done to it reaches the record."""
    return Case(
        request=record["request"],
        today=record["today"],
        calls=tuple(_call(step) for step in record["steps"]),
        changes=tuple(_change(change) for change in record["diff"]),
        reply=words_of(record),
    )


def _call(step: StepRecord) -> dict[str, Any]:
    result = step["result"]
    shown = result if len(result) <= RESULT_CHARS else f"{result[:RESULT_CHARS]}... ({len(result)} characters in all)"
    return {
        "tool": step["tool"],
        "arguments": plain(step["arguments"], str),
        "refused": step["error"] is not None,
        "result": shown,
    }


def _change(change: ChangeRecord) -> dict[str, Any]:
    made: dict[str, Any] = plain(change, str)
    return made
