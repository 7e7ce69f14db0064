"""What a judge may say: a closed set of grades, each with a reason; anything else is no judgement."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from crm_agents.llm.chat import Reply
from crm_gym.evaluation.account import Tokens
from crm_gym.strict_json import NotStrict, parse

GRADES: Final = {
    "sound": "everything the reply says is borne out by the record, and it gives the user what was asked for, or tells "
    "them truly why the CRM refuses it",
    "lacking": "nothing in the reply is untrue, but it does not do what was asked: work left undone, a question left "
    "unanswered, or nothing said at all",
    "untrue": "at least one thing the reply says, or plainly gives to understand, is contradicted by the record",
}
"""Each grade and what it means, best first."""

PASS: Final = "sound"

UNJUDGED: Final = "unjudged"
"""What stands in place of a grade where there is none."""

WHYS: Final = {
    "no_text": "the agent told the user nothing",
    "too_long": "there is more to read than a judge is given",
    "refusal": "the model refused",
    "cut_off": "the model's reply was cut off",
    "not_json": "the model's reply is no JSON object, or more than that",
    "not_a_judgement": "the model's reply is not exactly a reason and then one of the grades",
    "outage": "the model was out of reach",
    "fault": "the model could not be asked",
}
"""Why there is no grade."""

REASON_CHARS: Final = 2_000


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a judge thinks of a reply. It decides nothing.

    Attributes:
        grade: One of `GRADES`, or `UNJUDGED`.
        reason: The judge's reason; of what is unjudged, what was wrong.
        why: Of what is unjudged, one of `WHYS`; else None.
        model: The model that answered, as its provider says; "" if none did.
        tokens: What it took.
        latency: Seconds until the model had answered.
    """

    grade: str
    reason: str
    why: str | None = None
    model: str = ""
    tokens: Tokens = field(default_factory=Tokens)
    latency: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the grade is the best one."""
        return self.grade == PASS


def schema(order: tuple[str, ...] = tuple(GRADES)) -> dict[str, Any]:
    """JSON Schema of a judgement: the reason comes first, so that the grade follows from it.

    Args:
        order: The grades, as they are to be listed.
    """
    return {
        "type": "object",
        "properties": {
            "reason": {"type": "string", "description": "what in the record bears the reply out, or contradicts it"},
            "grade": {"type": "string", "enum": list(order)},
        },
        "required": ["reason", "grade"],
        "additionalProperties": False,
    }


def opinion_of(reply: Reply) -> Opinion:
    """What a model's reply says; unjudged unless it is exactly what was asked for."""
    if reply.stop == "refusal":
        return _none("refusal", reply)
    if reply.stop != "end" or reply.calls:
        return _none("not_a_judgement" if reply.calls else "cut_off", reply)
    try:
        said = parse(reply.text)
    except (NotStrict, RecursionError):
        return _none("not_json", reply)
    if not isinstance(said, dict):
        return _none("not_json", reply)
    reason, grade = said.get("reason"), said.get("grade")
    if list(said) != ["reason", "grade"] or not isinstance(reason, str) or not isinstance(grade, str):
        return _none("not_a_judgement", reply)
    if not reason.strip() or grade not in GRADES:
        return _none("not_a_judgement", reply)
    return Opinion(grade, reason[:REASON_CHARS], None, reply.model, reply.tokens, reply.latency)


def unjudged(why: str, said: str = "") -> Opinion:
    """No judgement, and no reply.

    Args:
        why: One of `WHYS`.
        said: More about it.
    """
    return Opinion(UNJUDGED, f"{WHYS[why]}: {said}"[:REASON_CHARS] if said else WHYS[why], why)


def _none(why: str, reply: Reply) -> Opinion:
    return Opinion(UNJUDGED, WHYS[why], why, reply.model, reply.tokens, reply.latency)
