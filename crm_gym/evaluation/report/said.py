"""What an agent told its user, as one text, and that text's hash: an opinion carries it, and holds for no other."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from typing import Any

from crm_gym.evaluation.records import EpisodeRecord

_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def fingerprint(record: EpisodeRecord) -> str:
    """16 hexadecimal digits: hash of what the user was told."""
    return hashlib.sha256(words_of(record).encode("utf-8", "backslashreplace")).hexdigest()[:16]


def words_of(record: EpisodeRecord) -> str:
    """The last words, and the answer or the reason that the last call ended the episode with; only what can be seen."""
    parts = [record["said"] or ""]
    last = record["steps"][-1] if record["steps"] else None
    if last is not None and last["error"] is None and isinstance(last["arguments"], dict):
        parts.append(_ending(last["tool"], last["arguments"]))
    return "\n\n".join(part for part in parts if _visible(part))


def _ending(tool: str | None, arguments: dict[str, Any]) -> str:
    if tool == "respond":
        answer = arguments.get("answer")
        return answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
    reason = arguments.get("reason") if tool == "decline" else None
    return reason if isinstance(reason, str) else ""


def _visible(text: str) -> bool:
    return any(unicodedata.category(char) not in _HIDDEN and not char.isspace() for char in text)
