"""What an HTTP status means to a run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

from crm_agents.llm.faults import BadRequest, ModelFault, PassingFault, SetupFault, TooLong

_PASSING = {408: "timeout", 409: "conflict", 429: "rate_limited", 504: "timeout", 529: "overloaded"}
_TOO_LONG = ("context_length_exceeded", "prompt is too long", "context length", "context window", "maximum context")
_NO_MONEY = ("insufficient_quota", "billing", "credit balance")


def by_status(error: Any, told: str, model: str, key_name: str) -> ModelFault:
    """The fault in an SDK's APIStatusError.

    Args:
        error: It.
        told: What the provider says, without secrets.
        model: The model asked.
        key_name: Name of the environment variable with the key.
    """
    status, headers = int(error.status_code), error.response.headers
    tail = f": {told}" if told else ""
    if status in (401, 402, 403):
        kind = {401: "key", 402: "payment", 403: "permission"}[status]
        return SetupFault(kind, f"the provider refused the key in {key_name} ({status}){tail}", status)
    if status == 404:
        return SetupFault("not_found", f"the provider knows no such model or address ({model!r}, 404){tail}", status)
    words = f"{_code(error)} {told}".lower()
    if status == 413 or (status == 400 and any(word in words for word in _TOO_LONG)):
        return TooLong("too_long", f"the conversation is longer than the model can read ({status}){tail}", status)
    if status in (400, 429) and any(word in words for word in _NO_MONEY):
        return SetupFault("quota", f"the provider's account is used up ({status}){tail}", status)
    if status in _PASSING or status >= 500:
        kind = _PASSING.get(status, "server_error")
        return PassingFault(kind, f"the provider answered {status} ({kind}){tail}", status, retry_after(headers))
    return BadRequest("bad_request", f"the provider calls the request wrong ({status}){tail}", status)


def _code(error: Any) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    inner = body.get("error", body)
    return str(inner.get("code") or "") if isinstance(inner, dict) else ""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a reply asks us to wait, None if it does not say, or says nonsense."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) * scale
        except ValueError:
            seconds = _until(text, headers.get("date"))
        if 0 <= seconds < float("inf"):
            return seconds
    return None


def _until(text: str, now: str | None) -> float:
    """Seconds until a date, by the server's own clock if it tells the time; -1 if it is no date."""
    try:
        then = parsedate_to_datetime(text)
        begin = parsedate_to_datetime(now).timestamp() if now else time.time()
    except ValueError:
        return -1.0
    aware = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max(0.0, aware.timestamp() - begin)
