"""Words of a CRM team: what people call a field, a record and a piece of work. Nothing here is of any one task."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from crm_gym import TOOLS

SAID: dict[str, tuple[str, ...]] = {
    "name": ("name of the record", "name of the deal", "name of the client", "name field", "named", "called"),
    "email": ("e-mail address", "email address", "e-mail", "mail address"),
    "phone": ("phone number", "telephone number", "telephone"),
    "industry": ("line of business", "sector", "branch"),
    "address": ("postal address",),
    "owner": ("account owner", "owned by"),
    "status": ("current status",),
    "amount": ("total amount", "deal value", "sum", "value", "worth"),
    "value": ("contract value", "total value", "worth", "over"),
    "stage": ("pipeline stage", "sales stage"),
    "close_date": (
        "expected close date",
        "expected closing date",
        "closing date",
        "closing day",
        "close on",
        "closes on",
    ),
    "probability": ("win probability", "chance of winning", "chances of winning", "winning chance", "chance"),
    "notes": ("free-text notes",),
    "title": ("job title", "position", "role"),
    "first_name": ("given name", "forename"),
    "last_name": ("family name", "surname"),
    "valid_until": ("valid-until date", "last day of validity", "validity date", "expiry date"),
    "version": ("version label",),
    "created_date": ("creation date", "date of creation", "created on"),
    "quote_prefix": ("number prefix", "prefix"),
    "start_date": ("starting date", "first day", "starts on", "starting on", "starting", "runs from", "from"),
    "end_date": ("ending date", "last day", "ends on", "ending on", "ending", "until"),
    "document_url": ("document url", "document link", "link to the document", "url"),
    "file_url": ("link to the file", "file link", "file url", "url", "link"),
    "file_name": ("name of the document file", "name of the file"),
    "uploaded_by": ("person uploading", "uploader", "uploaded by"),
    "created_by": ("name of the author", "author", "signed by", "signed", "written by"),
    "content": ("note text", "wording", "text"),
    "entity_type": ("record type", "type of record", "kind of record", "entity type"),
    "type": ("type of company", "kind of company", "company type"),
    "contacts": ("contact names",),
}
"""What people call a field besides its own name."""

NOUNS: dict[str, tuple[str, ...]] = {
    "opportunity": ("deal", "opportunity", "deals", "opportunities"),
    "quote": ("quote", "quotes", "offer", "offers"),
    "contract": ("contract", "contracts", "agreement", "agreements"),
    "client": ("client", "clients", "customer", "customers"),
    "contact": ("contact", "contacts", "contact person"),
    "company": ("company", "companies", "partner", "vendor", "competitor", "partners", "vendors", "competitors"),
}
"""What people call the records."""


def _states() -> tuple[str, ...]:
    """Stages and statuses that the tools know, in small letters, the longest first."""
    found: set[str] = set()
    for tool in TOOLS.values():
        for name in ("stage", "status"):
            found |= set(tool.schema["properties"].get(name, {}).get("enum", ()))
    return tuple(sorted((state.lower() for state in found), key=lambda state: (-len(state), state)))


STATES = _states()


@cache
def field_pattern(names: tuple[str, ...]) -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern that finds what these fields are called, and whose field each phrase is."""
    fields: dict[str, str] = {}
    for name in names:
        for phrase in (name, name.replace("_", " "), *SAID.get(name, ())):
            for spoken in (phrase, phrase + ("es" if phrase.endswith("s") else "s")):
                if spoken not in fields or name == phrase:
                    fields[spoken] = name
    return re.compile(any_of(fields)), fields


def any_of(phrases: Iterable[str]) -> str:
    """A pattern for any of these phrases as whole words, the longest first."""
    longest = sorted(phrases, key=lambda phrase: (-len(phrase), phrase))
    return r"(?<![\w-])(?:" + "|".join(map(re.escape, longest)) + r")(?![\w-])"


def noun_pattern(entity: str) -> str:
    """A pattern for what people call a record of this kind."""
    return any_of(NOUNS[entity])


_COMMON = [
    "erase",
    "delete",
    "remove",
    "cancel",
    "canceled",
    "clone",
    "copy",
    "duplicate",
    "create",
    "update",
    "change",
    "changed",
    "switch",
    "rename",
    "replace",
    "edit",
    "upload",
    "attach",
    "document",
    "register",
    "record",
    "recorded",
    "enter",
    "entered",
    "signed",
    "quote",
    "quotes",
    "client",
    "clients",
    "contract",
    "contracts",
    "contact",
    "contacts",
    "deal",
    "deals",
    "company",
    "companies",
    "search",
    "find",
    "list",
    "report",
    "amount",
    "stage",
    "status",
    "owner",
    "address",
    "industry",
    "telephone",
    "overdue",
    "pipeline",
    "question",
    "total",
    "please",
    "number",
    "prefix",
    "notes",
    "details",
    "compare",
    "break",
    "criteria",
    "filter",
    "restrict",
    "match",
    "without",
    "field",
    "called",
    "new",
    "there",
    "should",
]
"""Words that decide what a request asks for; a slip of the keyboard in one of them is mended."""


@cache
def _slips() -> dict[str, str]:
    """What the words become when a letter inside is lost, or two neighbours change places."""
    slips: dict[str, str] = {}
    for word in _COMMON:
        for at in range(1, len(word) - 1):
            lost = word[:at] + word[at + 1 :]
            swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
            slips |= {slip: word for slip in (lost, swapped) if len(slip) > 3}
    return {slip: word for slip, word in slips.items() if slip not in _COMMON}


_SMALL_WORD = re.compile(r"(?<![\w@.\"“-])[a-z]{4,12}(?![\w@.-]\w|[\w@])")


def mended(text: str) -> str:
    """The text without slips of the keyboard in the words that decide."""
    slips = _slips()
    return _SMALL_WORD.sub(lambda found: slips.get(found[0], found[0]), text)
