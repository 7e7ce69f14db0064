"""How people put a request: greetings, thanks, brevity, and slips of the keyboard that change no value.

No word here is a value, a name or a word the CRM knows; every fourth greeting and thanks is kept for held-out requests.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import NamedTuple

from crm_gym.extract import MONTHS, SMALL_WORDS, TENS_WORDS, WEEKDAYS
from crm_gym.schema import TABLES

HELD_OUT_EVERY = 4


def share(items: Sequence[str], held_out: bool) -> tuple[str, ...]:
    """The items at positions 3, 7, 11, ... if held out, else the others."""
    return tuple(item for at, item in enumerate(items) if (at % HELD_OUT_EVERY == HELD_OUT_EVERY - 1) is held_out)


class Style(NamedTuple):
    """A manner of asking.

    Attributes:
        name: What to call it.
        weight: How often it is met, of 100.
        openers: What may stand before, each ending in a space.
        closers: What may stand after.
        manner_rate: How often each of the two stands there.
        terse: Whether to leave out courtesy and to write values the shortest way.
    """

    name: str
    weight: int
    openers: tuple[str, ...] = ()
    closers: tuple[str, ...] = ()
    manner_rate: float = 0.0
    terse: bool = False


_FORMAL_OPENERS = (
    *("Good morning. ", "Dear team, ", "Good afternoon. ", "Good day to you. "),
    *("With your permission, ", "Dear colleagues, ", "For your attention: ", "At your convenience: "),
    *("Hello. ", "I hope this finds you well. ", "I would be grateful for some help. ", "I trust all is well. "),
)
_FORMAL_CLOSERS = (
    *("Thank you in advance.", "With kind regards.", "Much appreciated.", "Thank you for your assistance."),
    *("Many thanks in advance.", "I am grateful for your help.", "Kind regards.", "With thanks and best wishes."),
    *("Thank you very much.", "Thank you for your time.", "Your help is appreciated.", "I am obliged to you."),
)
_CHATTY_OPENERS = (
    *("Hi there, ", "Hey, ", "Hi! ", "Hello you, "),
    *("Ok, so: ", "Hey there! ", "Quick favour: ", "Hiya, "),
    *("Morning! ", "Right, ", "Hi again, ", "So here we go: "),
)
_CHATTY_CLOSERS = (
    *("Thanks!", "Cheers!", "Thanks a lot!", "Thanks a bunch!"),
    *("You're a star!", "That would be great, thanks.", "Thanks so much!", "Ta!"),
    *("Really appreciate it!", "That's it from me.", "Thanks, you're the best!", "Thank you, thank you!"),
)
STYLES = (
    Style("plain", 40),
    Style("terse", 15, terse=True),
    Style("formal", 20, _FORMAL_OPENERS, _FORMAL_CLOSERS, 0.7),
    Style("chatty", 25, _CHATTY_OPENERS, _CHATTY_CLOSERS, 0.7),
)
_WEIGHTED = tuple(style for style in STYLES for _ in range(style.weight))
_SHARES = {
    (style.name, held_out): (share(style.openers, held_out), share(style.closers, held_out))
    for style in STYLES
    for held_out in (False, True)
}


class Manner(NamedTuple):
    """What stands around one request: opener and closer may be empty."""

    opener: str
    closer: str
    terse: bool


def manner(rng: random.Random, *, held_out: bool) -> Manner:
    """A manner for one request."""
    style = _WEIGHTED[int(rng.random() * len(_WEIGHTED))]
    openers, closers = _SHARES[style.name, held_out]
    opener = openers[int(rng.random() * len(openers))] if rng.random() < style.manner_rate else ""
    closer = closers[int(rng.random() * len(closers))] if rng.random() < style.manner_rate else ""
    return Manner(opener, closer, style.terse)


_PLEASE = re.compile(r"\bplease,? |,? please\b", re.IGNORECASE)


def curt(words: str) -> str:
    """The words without please."""
    return _PLEASE.sub("", words) if "lease" in words else words


def _enum_words() -> set[str]:
    """Members of enums that are no names of entities."""
    columns = (column for table in TABLES.values() for column in table.columns)
    return {word for column in columns for word in column.atom.schema.get("enum", ())} - TABLES.keys()


CAPITALISED = frozenset({*_enum_words(), *MONTHS, *WEEKDAYS})
"""Words that keep their capital wherever they stand."""


def _crm_words() -> set[str]:
    """Names of entities and fields and members of enums, word by word."""
    said = {name for table in TABLES.values() for name in (table.name, *(column.name for column in table.columns))}
    said |= _enum_words()
    return {word for text in said for word in re.split(r"[_\W]+", text.lower())}


_WEIGHTY = (
    *("about", "above", "account", "accounts", "after", "again", "already", "among", "amounts", "asking", "average"),
    *("because", "before", "below", "between", "biggest", "cheaper", "cheapest", "closed", "closing", "dated", "dates"),
    *("dearer", "dearest", "earlier", "earliest", "either", "empty", "equal", "every", "everybody", "everyone"),
    *("everything", "except", "exactly", "expired", "fewer", "first", "greater", "highest", "instead", "keeping"),
    *("largest", "later", "latest", "least", "leave", "leaving", "longer", "lower", "lowest", "matching", "neither"),
    *("never", "newest", "nobody", "nothing", "oldest", "open", "other", "others", "otherwise", "quarter", "rather"),
    *("second", "shorter", "since", "smallest", "still", "third", "those", "these", "today", "together", "tomorrow"),
    *("total", "totals", "unchanged", "under", "unless", "until", "untouched", "where", "which", "whichever", "whole"),
    *(
        "whose",
        "within",
        "without",
        "worth",
        "yesterday",
        "months",
        "weeks",
        "years",
        "month",
        "deals",
        "there",
        "their",
    ),
    *("blank", "clear", "cleared", "null", "remove", "removed", "cancel", "delete", "deleted", "sooner"),
    *("field", "fields"),
    *("dollars", "euros", "pounds", "percent", "hundred", "thousand", "million"),
    *("both", "only", "each", "none", "not", "all", "any", "half", "twice", "double", "beyond", "past", "next", "last"),
)


def _plurals(words: set[str]) -> set[str]:
    return {word + "s" for word in words} | {word[:-1] + "ies" for word in words if word.endswith("y")}


def _protected() -> frozenset[str]:
    words = _crm_words()
    counted = {*SMALL_WORDS, *TENS_WORDS, *(name.lower() for name in MONTHS + WEEKDAYS)}
    return frozenset(words | _plurals(words) | counted | set(_WEIGHTY))


PROTECTED = _protected()
"""Words that are never misspelt, and that no misspelling may become: on them a request's meaning hangs."""

_SENTENCE = re.compile(r"(?<!\.[a-z]\. )(?<=[.!?] )[a-z]")  # not after "i.e. "
_LEAD = re.compile(r"(?:A|[A-Z][a-z]+)\b(?!['’-])")


def dress(words: list[str], manner: Manner) -> None:
    """Puts a manner around the words of a request, in place, and capitals where sentences begin."""
    opener, closer, terse = manner
    if terse:
        words[:] = map(curt, words)
        words[-1] = words[-1].removesuffix(".")
    if closer:
        gap = " " if words[-1].rstrip().endswith((".", "!", "?")) else ". "
        words[-1] = words[-1].rstrip() + gap + closer
    first = words[0]
    if opener[-2:-1] in (",", ":"):
        lead = _LEAD.match(first)
        if lead and lead[0] not in CAPITALISED:
            first = first[0].lower() + first[1:]
    else:
        first = first[:1].upper() + first[1:]
    words[0] = opener + first
    for at, piece in enumerate(words):
        if ". " in piece or "! " in piece or "? " in piece:
            words[at] = _SENTENCE.sub(lambda match: match[0].upper(), piece)


TYPO_RATE = 0.12
_SPELT = re.compile(r"(?<![\w'’-])[a-z]{5,}(?![\w'’-])")


def slip(rng: random.Random, pieces: list[str]) -> None:
    """Misspells one or two words of the pieces in place: two inner letters swapped, or one left out."""
    places = [
        (at, match.start(), match[0])
        for at, piece in enumerate(pieces)
        for match in _SPELT.finditer(piece)
        if match[0] not in PROTECTED
    ]
    slips = 1 + (rng.random() < 0.3)
    chosen = {int(rng.random() * len(places)) for _ in range(slips)} if places else set()
    for which in sorted(chosen, reverse=True):  # from the back: the places before stay where they are
        at, start, word = places[which]
        pieces[at] = pieces[at][:start] + misspelt(rng, word) + pieces[at][start + len(word) :]


def misspelt(rng: random.Random, word: str) -> str:
    """The word with its first and last letter and one fault between them; as it is if that would say something else."""
    at = 1 + int(rng.random() * (len(word) - 3))
    swap = rng.random() < 0.5 and word[at] != word[at + 1]
    wrong = word[:at] + (word[at + 1] + word[at] if swap else word[at + 1]) + word[at + 2 :]
    return word if wrong in PROTECTED else wrong
