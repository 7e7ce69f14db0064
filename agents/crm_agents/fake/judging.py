"""How the rules judge a reply: by looking up what it names. Simple, and wrong often enough to be found out."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from crm_agents.judge.fence import unfence
from crm_agents.judge.grades import GRADES
from crm_agents.llm.chat import Request, User

JSON = Any

_PARTS: Final = ("request", "calls", "changes", "reply")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_QUOTED = re.compile(r'"([^"\n]{2,})"')
_ENDS: Final = ("respond", "decline", "finish")
_REFUSAL = re.compile(r"\b(?:cannot|can't|could not|couldn't|not possible|refuse[sd]?|unable|not allowed)\b", re.I)
_DONE = re.compile(r"\b(?:created|added|changed|updated|set|deleted|removed|cancelled|uploaded|cloned|moved)\b", re.I)


def judgement(request: Request) -> dict[str, str] | None:
    """A reason and a grade for a question of `crm_agents.judge.judge.Judge`; None if it is none of those."""
    last = request.turns[-1]
    if sorted(_listed(request.schema)) != sorted(GRADES) or not isinstance(last, User):
        return None
    shown = unfence(last.text)
    if not all(part in shown for part in _PARTS):
        return None
    reason, grade = _graded(shown)
    return {"reason": reason, "grade": grade}


def _listed(schema: JSON) -> list[str]:
    """The grades that a schema lists."""
    for name in ("properties", "grade", "enum"):
        schema = schema.get(name) if isinstance(schema, dict) else None
    return [str(grade) for grade in schema] if isinstance(schema, list) else []


def _graded(shown: dict[str, JSON]) -> tuple[str, str]:
    reply = str(shown["reply"])
    work = [call for call in shown["calls"] if call.get("tool") not in _ENDS]
    record = json.dumps([shown["request"], work, shown["changes"]], ensure_ascii=False)
    for value in _QUOTED.findall(reply):
        if json.dumps(value, ensure_ascii=False)[1:-1].casefold() not in record.replace('\\"', '"').casefold():
            return f"The record nowhere says {value!r:.200}.", "untrue"
    known = {_number(each) for each in _NUMBER.findall(record)} | {float(len(shown["changes"]))}
    for each in _NUMBER.findall(reply):
        if _number(each) not in known and not _counted(_number(each), work):
            return f"The number {each:.40} stands nowhere in the record.", "untrue"
    refused = any(call.get("refused") for call in work)
    if _DONE.search(reply) and not shown["changes"] and not _REFUSAL.search(reply):
        return "The reply tells of a change, and nothing has changed.", "untrue"
    if _REFUSAL.search(reply) and not refused and not shown["changes"]:
        return "The reply speaks of a refusal, and no call was refused.", "lacking"
    if not shown["changes"] and not _says_something(reply, work):
        return "Nothing was changed, and the reply names nothing that was found.", "lacking"
    return "All that the reply names stands in the record.", "sound"


def _number(text: str) -> float:
    return float(text.replace(",", ""))


def _counted(value: float, work: list[JSON]) -> bool:
    """Whether a number may be a count of rows."""
    return value < 100 and any(value == str(call.get("result", "")).count('"created_date"') for call in work)


def _says_something(reply: str, work: list[JSON]) -> bool:
    found = " ".join(str(call.get("result", "")) for call in work).casefold()
    names = re.findall(r"[^\s,.;:\"']{3,}", reply.casefold())
    return any(name in found for name in names) or bool(_NUMBER.search(reply)) or bool(_REFUSAL.search(reply))
