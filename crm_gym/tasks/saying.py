"""Fields and their values as parts of a sentence: what many families say alike."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from crm_gym.tasks.phrasing import fragment

_MONEY, _DATE = ("amount", "value"), ("close_date", "valid_until", "start_date", "end_date")
_QUOTED = ("notes", "content", "address")

WORDS: dict[str, tuple[str, ...]] = {
    "name": ("name", "name field", "record name", "full name"),
    "email": ("e-mail", "email address", "e-mail address", "mail address"),
    "phone": ("phone", "phone number", "telephone", "telephone number"),
    "address": ("address", "postal address", "street address", "mailing address"),
    "industry": ("industry", "line of business", "sector", "branch of business"),
    "status": ("status", "status field", "current status", "record status"),
    "owner": ("owner", "account owner", "owner field", "responsible colleague"),
    "title": ("job title", "title", "position", "role"),
    "amount": ("amount", "total amount", "sum", "overall amount"),
    "stage": ("stage", "pipeline stage", "sales stage", "stage field"),
    "probability": ("probability", "win probability", "chance of winning", "odds of winning"),
    "close_date": ("close date", "expected close date", "closing date", "target close date"),
    "notes": ("notes", "notes field", "free-text notes", "text in the notes"),
    "version": ("version", "version label", "version field", "version tag"),
    "valid_until": ("valid-until date", "validity date", "last day of validity", "end of validity"),
    "quote_prefix": ("prefix", "quote prefix", "number prefix", "quote number prefix"),
    "value": ("value", "contract value", "total value", "total worth"),
    "start_date": ("start date", "first day", "starting date", "starting day"),
    "end_date": ("end date", "last day", "ending date", "final day"),
    "document_url": ("document URL", "document link", "link to the document", "URL of the document"),
    "file_url": ("file URL", "file link", "link to the file", "URL of the file"),
    "uploaded_by": ("uploaded by", "uploader", "person uploading", "name of the uploader"),
    "created_by": ("author", "written by", "name of the author", "note author"),
    "content": ("text", "wording", "note text", "exact text"),
    "first_name": ("first name", "given name", "forename", "given (first) name"),
    "last_name": ("last name", "family name", "surname", "family (last) name"),
}
"""What people call the fields; the fourth of each for held-out requests only."""


def kind_of(field: str) -> str:
    """How the value of a field is written: "" as it is, or money, date, percent, quoted."""
    if field == "probability":
        return "percent"
    return "money" if field in _MONEY else "date" if field in _DATE else "quoted" if field in _QUOTED else ""


def _slot(field: str, value: Any) -> str:
    # a text with a comma would run into what is listed after it
    kind = kind_of(field) or ("quoted" if isinstance(value, str) and "," in value else "")
    return "{value:" + kind + "}" if kind else "{value}"


def details(rng: random.Random, values: Mapping[str, Any], *, held_out: bool) -> str:
    """ "phone +47 55 01 22 18 and owner Miriam Adeyemi"."""
    return listed([_clause(rng, field, value, " ", held_out) for field, value in values.items()])


def updates(rng: random.Random, values: Mapping[str, Any], *, held_out: bool) -> str:
    """ "the stage to Negotiation and the probability to 40%"."""
    return listed([_clause(rng, field, value, " to ", held_out, "the ") for field, value in values.items()])


def _clause(rng: random.Random, field: str, value: Any, link: str, held_out: bool, article: str = "") -> str:
    forms = tuple(f"{article}{word}{link}{_slot(field, value)}" for word in WORDS[field])
    return fragment(rng, forms, {"value": value}, held_out=held_out)


def written(rng: random.Random, kind: str, value: Any) -> str:
    """A value in one of its notations: money, date, percent, count."""
    forms = (f"{{value:{kind}}}",) * 4
    return fragment(rng, forms, {"value": value}, held_out=False)


def listed(parts: Sequence[str]) -> str:
    """Parts as people list them: "a, b and c"."""
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]
