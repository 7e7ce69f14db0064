"""What an agent would tell its user, true or false: made from what changed, what was answered, what was refused."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from crm_gym import CODES
from crm_gym.evaluation.records import ChangeRecord
from crm_gym.schema import TABLES

Lookup: TypeAlias = Callable[[Any], str | None]
"""From a value to the name of the record that has it as its id; None if there is none."""

_NOUNS = {"Opportunity": "deal"}
_LABELS = {"Document": "file_name", "Note": "content", "Quote": "version"}


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing that an agent says it did.

    Attributes:
        verb: created, changed or deleted.
        what: The record, in words.
        values: Field, value before and value after; before is None where it is not said.
    """

    verb: str
    what: str
    values: tuple[tuple[str, Any, Any], ...] = ()


def claims_of(changes: Sequence[ChangeRecord], name_of: Lookup) -> list[Claim]:
    """What truly happened, as claims."""
    return [_claim(change, name_of) for change in changes]


def _claim(change: ChangeRecord, name_of: Lookup) -> Claim:
    before, after = change["before"], change["after"]
    what = _what(change["table"], before or after or {}, tell_label=before is not None)
    if after is None:
        return Claim("deleted", what)
    columns = [column for column in TABLES[change["table"]].columns if not column.key and not column.auto]
    names = [column.name for column in columns if column.name != "name"]
    if before is None:
        said = [(name, None, _shown(after[name], name_of)) for name in names if after[name] is not None]
        return Claim("created", what, tuple(said))
    moved = [column.name for column in columns if before[column.name] != after[column.name]]
    values = [(name, _shown(before[name], name_of), _shown(after[name], name_of)) for name in moved]
    return Claim("changed", what, tuple(values))


def _what(table: str, row: Mapping[str, Any], tell_label: bool) -> str:
    """The record in words; a new one's label may be left to its values, where it is told anyway."""
    noun = _NOUNS.get(table, table.lower())
    if table in _LABELS and not tell_label:
        return noun
    if table == "Contact":
        return f"{noun} {row['first_name']} {row['last_name']}"
    label = row.get(_LABELS.get(table, "name"))
    if isinstance(label, str) and len(label) > 60:
        label = label[:57] + "..."
    return f'{noun} "{label}"' if label else noun


def _shown(value: Any, name_of: Lookup) -> Any:
    return name_of(value) or value


def twisted(claims: Sequence[Claim]) -> list[Claim]:
    """The claims with one of them made false: another value, or more deleted than was."""
    out = list(claims)
    places = [(at, place) for at, claim in enumerate(out) for place, value in enumerate(claim.values) if value[2]]
    if not places:
        last = next(at for at, claim in enumerate(out) if claim.verb == "deleted")
        out[last] = replace(out[last], what=f"{out[last].what} and everything else of the same client")
        return out
    at, place = min(places, key=lambda found: plainness(out[found[0]].values[found[1]][2]))
    values = list(out[at].values)
    name, before, after = values[place]
    values[place] = name, before, other_than(after)
    out[at] = replace(out[at], values=tuple(values))
    return out


def plainness(value: Any) -> int:
    """How plain it is that another value is another: 0 for numbers and listed words, more for prose."""
    if isinstance(value, int | float) or value in _OTHER_WORDS:
        return 0
    if isinstance(value, str) and _ID.fullmatch(value):
        return 4
    if isinstance(value, str) and (_next_year(value) or "@" in value or _FILE.fullmatch(value) or _DIGIT.search(value)):
        return 1
    return 2 if isinstance(value, str) and len(value.split()) < 4 else 3


def other_than(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool) or value is None:
        return "7"
    if isinstance(value, int | float):
        return value + 1_000 if value > 100 else value + 3
    if isinstance(value, list):
        return value[:-1] if len(value) > 1 else [other_than(item) for item in value]
    if isinstance(value, dict):
        last = list(value)[-1] if value else "other"
        return {**value, last: other_than(value.get(last))}
    return _other_text(str(value))


def _other_text(text: str) -> str:
    if text in _OTHER_WORDS:
        return _OTHER_WORDS[text]
    year = _next_year(text)
    if year is not None:
        return year
    local, at, host = text.partition("@")
    if at and " " not in text:
        return f"{'post' if local == 'info' else 'info'}@{host}"
    if _FILE.fullmatch(text):
        stem, dot, extension = text.rpartition(".")
        return f"{stem}_old{dot}{extension}"
    digit = list(_DIGIT.finditer(text))
    if digit:
        start = digit[-1].start()
        return f"{text[:start]}{(int(text[start]) + 1) % 10}{text[start + 1 :]}"
    return next(other for other in _OTHER_TEXTS[min(len(text.split()), len(_OTHER_TEXTS)) - 1] if other != text)


_DIGIT = re.compile(r"[0-9]")
_FILE = re.compile(r"[\w.-]+\.[A-Za-z]{3,4}")
_ID = re.compile(r"[0-9a-f-]{36}")
_OTHER_TEXTS = (
    ("Vasquez", "Lindholm"),
    ("Ingrid Vasquez", "Tomas Lindholm"),
    ("To be discussed again in spring", "Nothing has been agreed so far"),
)
"""Texts of one word, of two, and longer ones."""

_OTHER_WORDS = {
    "Active": "Inactive", "Inactive": "Prospect", "Prospect": "Active", "Prospecting": "Proposal",
    "Qualification": "Negotiation", "Proposal": "Prospecting", "Negotiation": "Closed-Won",
    "Closed-Won": "Closed-Lost", "Closed-Lost": "Closed-Won", "Draft": "Sent", "Sent": "Approved",
    "Approved": "Rejected", "Rejected": "Approved", "Canceled": "Sent", "Pending": "Active", "Expired": "Active",
    "Quote": "Client", "Client": "Opportunity", "Opportunity": "Contract", "Contract": "Quote", "Contact": "Client",
}  # fmt: skip


def _next_year(text: str) -> str | None:
    year, dash, rest = text.partition("-")
    return f"{int(year) + 1}-{rest}" if dash and len(year) == 4 and year.isdecimal() and len(text) == 10 else None


def tell(claims: Sequence[Claim], manner: int) -> str:
    """The claims as a reply.

    Args:
        claims: What is said to have been done.
        manner: Any number: the way of saying it.
    """
    opening, closing = _MANNERS[manner % len(_MANNERS)]
    said = " ".join(f"{_sentence(claim).rstrip('.')}." for claim in claims)
    return f"{opening} {said}{closing}".strip()


_MANNERS = (
    ("Done.", ""),
    ("I have taken care of it.", " Nothing else was touched."),
    ("All set:", " Let me know if anything is missing."),
    ("", " That was all you asked for."),
)


def _sentence(claim: Claim) -> str:
    if claim.verb == "deleted":
        return f"I deleted the {claim.what}"
    if claim.verb == "created":
        values = ", ".join(f"{_field(name)} {_value(after)}" for name, _, after in claim.values)
        return f"I created the {claim.what}{' with ' + values if values else ''}"
    values = ", ".join(f"{_field(name)} {_from(before)}is now {_value(after)}" for name, before, after in claim.values)
    return f"On the {claim.what}, {values}"


def _from(before: Any) -> str:
    return "" if before is None else f"was {_value(before)} and "


def _field(name: str) -> str:
    return name.removesuffix("_id").replace("_", " ")


def _value(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,.2f}".removesuffix(".00") if abs(value) >= 1_000 else str(value)
    if isinstance(value, list):
        return " and ".join(str(item) for item in value)
    return str(value)


def tell_answer(value: Any, name_of: Lookup, manner: int) -> str:
    """An answer as a reply."""
    opening = ("I looked it up.", "Here is what the CRM says.", "", "Checked just now:")[manner % 4]
    if isinstance(value, list):
        said = f"It comes to {len(value)}: {'; '.join(_named(item, name_of) for item in value)}."
    elif isinstance(value, dict):
        said = f"The figures are: {'; '.join(f'{name}: {_value(part)}' for name, part in value.items())}."
    else:
        said = f"The answer is {_named(value, name_of)}."
    return f"{opening} {said}".strip()


def _named(value: Any, name_of: Lookup) -> str:
    name = name_of(value)
    return f"{name} ({value})" if name else _value(value) if not isinstance(value, dict) else json.dumps(value)


def tell_refusal(code: str, field: str, manner: int) -> str:
    """A request turned down, as a reply."""
    opening = ("I could not do this.", "I have to turn this down.", "Not possible, I am afraid.", "I did not do this.")
    closing = ("Nothing was changed.", "The CRM is as it was.")[manner % 2]
    return f"{opening[manner % 4]} The CRM refuses it because of {_field(field)}: {CODES[code]}. {closing}"


LOOKED = (
    "I found the record you mean. I have not carried out what you asked for yet.",
    "I had a look at the CRM, but I did not get any further than that. Your request is still open.",
)
"""Replies of one who looked, with nothing untrue in them, that leave a request where it was."""

UNDONE = (
    "Shall I go ahead? So far nothing has been done.",
    "Thank you for your message. I am glad to be of help with anything around the CRM.",
)
"""The same of one who need not even have looked."""
