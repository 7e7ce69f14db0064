"""Reads a request: where its values stand, which field each is said to be for, and which member of an enum it names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

from crm_agents.heuristic.words import NOUNS, STATES, any_of, field_pattern, mended
from crm_gym.baselines.reading import unescape
from crm_gym.extract import Candidate, extract

JSON = Any

_NUMBERS = ("number", "amount", "percent")
_HIDDEN = "\x1f"
_WORD_VALUE = re.compile(r"\b(?:true|false|null)\b")
_LABEL = re.compile(r"(?<![\w-])(?:[vV]\d[\w.]*|[A-Z]{2,5}-(?!\w)|[Rr]ev\s\w+)")
_BETWEEN = re.compile(
    r"[ ,\"”’)]*(?:\b(?:itself|exactly|again) )?\b(?:as|for|in|into|under|to be)\s+"
    r"(?:(?:the|its|their|his|her|a|an|our)\s+)?(?:new\s+)?\Z"
)
_OMITTED_BEFORE = re.compile(
    r"(?:leave out|leaving out|without|omit|skip|do not give|there is no|we have no|have no|with no)\s+"
    r"(?:(?:the|any|an?|its)\s+)?\Z"
)
_OMITTED_AFTER = re.compile(
    r"[^.;:]{0,40}?\b(?:is missing|is unknown|is left out|out altogether|leave it out|not known)\b"
)
_RECORD_BEFORE = re.compile(any_of(word for words in NOUNS.values() for word in words) + r"(?: called)?\s*\Z")
_STOP = re.compile(r"[.!?;](?=\s|\Z)|\n")
_OF_RECORD = re.compile(r"\s*(?:of|for|on) (?:the|our|that) ")
_TO = re.compile(r"\bto (?=\S)")
_EMPTY = re.compile(r"[^\"“'.;]{0,20}(?:\"\"|“”)")
_TITLE = re.compile(r"(?: (?:on|to|in|at|for|of) [A-Z]\w*(?: [A-Z]\w*)*)?")
_TAIL = re.compile(r"(?: (?!(?:and|plus|with|in|or|for|at|to|on|as|stage|amount|status)\b)[a-z][\w-]*)*")
_BREAK = re.compile(r"\s*(?:[,.;:!?]|\band\b|\bplus\b|\bwith\b|\bin\b|\bor\b|\Z|\()")
_LEAD = re.compile(
    r"(?:\s|[:=,(]|\b(?:field|criterion|label|of|to|is|as|be|are|at|should|must|has|have|being|a|an|the|say|says|"
    r"said|read|reads|set|now|exactly|put|down|take|give|use|given|written|out|new|namely|with)\b)*"
)


_STATE = "(?:" + "|".join(map(re.escape, STATES)) + ")"
_OF_QUOTE = "(?:valid-until date|validity date|last day of validity|amount|total amount|sum|version|prefix)"
_SELECTORS = (
    re.compile(rf"\b(?:only|one) deal\b[^.,:;?]{{0,120}}?(?P<it>\b(?:in|at) (?:the )?(?:stage )?{_STATE}\b)"),
    re.compile(rf"(?P<it>\b{_STATE} )(?=quotes?\b|contracts?\b|deals?\b)"),
    re.compile(
        r"\b(?:quote|contract|deal|client)\b(?P<it> (?:that is|with (?:the )?(?:current )?status(?: field)?|"
        rf"in (?:the )?(?:status|stage)) {_STATE}\b)"
    ),
    re.compile(r"\bclient\b(?P<it> (?:whose|with the|that has the|we reach|under|at)\b[^\x1f.,;:?]{0,30}\x1f+)"),
    re.compile(
        rf"\b(?:quote|contract)\b(?P<it> (?:with (?:the|an) {_OF_QUOTE}|over|of|for|worth|that (?:starts|ends) on|"
        r"starting|ending) [^.,;:?]{0,120}?)(?= for | on (?:the|our) | with | of (?:the|our) |[.,;:?]|\Z)"
    ),
)
"""What only says which record is meant."""


@dataclass(frozen=True, slots=True)
class Slot:
    """A field that the request speaks of: `text[start:end]` is what it calls it."""

    field: str
    start: int
    end: int


@dataclass(frozen=True)
class Reading:
    """A request, read.

    Attributes:
        text: It, as it was written.
        today: The CRM's own day.
    """

    text: str
    today: str

    @staticmethod
    def of(observation: Mapping[str, Any]) -> Reading:
        """The request of an observation."""
        return _read(str(observation["request"]), str(observation.get("today", "")))

    @cached_property
    def pieces(self) -> tuple[Candidate, ...]:
        """The values in it."""
        return extract(self.text)

    @cached_property
    def plain(self) -> str:
        """It in small letters, place for place, with what is quoted, addresses and files blotted out."""
        text = list(self.text)
        for piece in self.pieces:
            if piece.kind in ("quoted", "url", "email", "file", "id"):
                text[piece.start : piece.end] = _HIDDEN * (piece.end - piece.start)
        small = "".join(low if len(low := letter.lower()) == 1 else letter for letter in text)
        return small.replace("in quotes", "marked   ")

    @cached_property
    def told(self) -> Reading:
        """The request without what only says which record is meant: whose e-mail address is x, the Draft quote."""
        text = list(self.text)
        for pattern in _SELECTORS:
            for found in pattern.finditer(self.plain):
                start, end = found.span("it")
                text[start:end] = "_" * (end - start)
        return Reading("".join(text), self.today)

    def says(self, pattern: str) -> bool:
        """Whether the pattern is found in it."""
        return re.search(pattern, self.plain) is not None

    def of_kind(self, *kinds: str) -> list[Candidate]:
        """The values of these kinds."""
        return [piece for piece in self.pieces if piece.kind in kinds]

    def slots(self, names: tuple[str, ...]) -> list[Slot]:
        """Where the request speaks of these fields."""
        pattern, fields = field_pattern(names)
        return [Slot(fields[found[0]], found.start(), found.end()) for found in pattern.finditer(self.plain)]

    def sentence_end(self, start: int) -> int:
        """Where the sentence ends that goes on at a place."""
        found = _STOP.search(self.plain, start)
        return found.start() if found else len(self.text)

    def values(self, schema: Mapping[str, JSON]) -> tuple[dict[str, JSON], set[str]]:
        """What the request gives for each property of an object's schema, and which it says are to be left out."""
        found: dict[str, JSON] = {}
        omitted: set[str] = set()
        slots = self.slots(tuple(schema))
        for number, slot in enumerate(slots):
            if _OMITTED_BEFORE.search(self.plain, 0, slot.start) or _OMITTED_AFTER.match(self.plain, slot.end):
                omitted.add(slot.field)
                continue
            if slot.field in found:
                continue
            later = slots[number + 1].start if number + 1 < len(slots) else len(self.text)
            piece = self._before(slot, schema[slot.field]) or self._after(slot, later, schema[slot.field])
            if piece is not None:
                found[slot.field] = value_for(piece, schema[slot.field])
        return {name: value for name, value in found.items() if name not in omitted}, omitted

    def _before(self, slot: Slot, schema: Mapping[str, JSON]) -> Candidate | None:
        """The value that stands before what it is for: "x" as the e-mail address."""
        between = _BETWEEN.search(self.plain, max(0, slot.start - 60), slot.start)
        if between is None:
            return None
        for piece in self._candidates(max(0, slot.start - 400), between.start() + 1, schema):
            if piece.end == between.start():
                return piece
        return None

    def _after(self, slot: Slot, stop: int, schema: Mapping[str, JSON]) -> Candidate | None:
        """The value that stands after what it is for: e-mail address x."""
        stop = (
            min(stop, self.sentence_end(slot.end)) if not self.plain[slot.end :].lstrip().startswith(_HIDDEN) else stop
        )
        begin = _moved(self.plain, slot.end, stop)
        if begin > slot.end:
            slot = Slot(slot.field, slot.start, begin)
        empty = _EMPTY.match(self.text, slot.end, stop)
        if empty:
            return Candidate("quoted", "", empty.start(), empty.end())
        for piece in self._candidates(slot.end, stop, schema):
            if piece.kind == "name":
                break
            return piece
        return self._words(slot, stop, schema)

    def _candidates(self, start: int, stop: int, schema: Mapping[str, JSON]) -> Iterator[Candidate]:
        """Values between two places that may be of the schema's kind, or are plainly meant in its place."""
        window = [piece for piece in self.pieces if piece.start >= start and piece.start < stop]
        window += [
            Candidate("word", found[0], found.start(), found.end())
            for found in _WORD_VALUE.finditer(self.plain, start, min(stop, len(self.plain)))
        ]
        if "enum" in schema:
            window += members(self.text, schema["enum"], start, stop)
        elif schema.get("type") == "string" and not schema.get("format"):
            window += [Candidate("label", m[0], m.start(), m.end()) for m in _LABEL.finditer(self.text, start, stop)]
        kinds = _kinds(schema)
        fit = [piece for piece in window if piece.kind in kinds and not self._is_other(piece, schema)]
        yield from sorted(fit, key=lambda piece: (piece.start, -piece.end))

    def names_record(self, piece: Candidate) -> bool:
        """Whether a piece stands where a record is named: the deal "x"."""
        return _RECORD_BEFORE.search(self.plain, max(0, piece.start - 40), piece.start) is not None

    def _is_other(self, piece: Candidate, schema: Mapping[str, JSON]) -> bool:
        """Whether a piece is the name of a record, or a word such as "one" where no number is looked for."""
        if piece.kind in ("quoted", "name") and self.names_record(piece):
            return True
        digits = any(letter.isdigit() for letter in self.text[piece.start : piece.end])
        return piece.kind == "number" and not digits and schema.get("type") != "integer"

    def _words(self, slot: Slot, stop: int, schema: Mapping[str, JSON]) -> Candidate | None:
        """A name without marks, or plain words where nothing else is: for a field that takes any text."""
        if schema.get("type") != "string" or schema.get("format") or "enum" in schema:
            return None
        lead = _LEAD.match(self.plain, slot.end, stop)
        begin = lead.end() if lead else slot.end
        name = next((one for one in self.of_kind("name") if begin <= one.start < min(stop, begin + 30)), None)
        if name is not None and not self._is_other(name, schema):
            return self._whole(name, slot.field, stop)
        if name is not None or not re.search(r"\b(?:to|is|as|of|be|say|reads?)\b|[:=]", self.plain[slot.end : begin]):
            return None
        end = next((m.start() for m in _BREAK.finditer(self.plain, begin, stop)), stop)
        words = self.text[begin:end].strip()
        return Candidate("name", words, begin, end) if words and _HIDDEN not in self.plain[begin:end] else None

    def _whole(self, name: Candidate, field: str, stop: int) -> Candidate:
        """A name and the words that go on with it: the small words of a deal's name, the second half of a job title."""
        end = name.end if field in ("name", "title") else self.text.find(" for ", name.start, name.end)
        end = name.end if end < 0 else end
        if field in ("name", "title"):
            more = _TITLE.match(self.text, end, stop) if field == "title" else _TAIL.match(self.text, end, stop)
            end = more.end() if more else end
        return Candidate("name", self.text[name.start : end], name.start, end)


def _moved(plain: str, start: int, stop: int) -> int:
    """Where the value begins of "the owner of the deal ... to": behind the to."""
    if not _OF_RECORD.match(plain, start, stop):
        return start
    places = [found.end() for found in _TO.finditer(plain, start, stop)]
    return places[-1] if places else start


@lru_cache(maxsize=256)
def _read(request: str, today: str) -> Reading:
    """The reading of a request: the same for all the steps of an episode."""
    return Reading(mended(unescape(request)), today)


def _kinds(schema: Mapping[str, JSON]) -> tuple[str, ...]:
    if schema.get("type") in ("number", "integer"):
        return (*_NUMBERS, "quoted", "word")
    if "enum" in schema:
        return ("enum", "quoted", "number", "word")
    if schema.get("format") == "date":
        return ("date", "quoted", "number", "word")
    return ("quoted", "url", "email", "file", "phone", "name", "label", "number", "id", "word")


def members(text: str, enum: list[str], start: int = 0, stop: int | None = None) -> list[Candidate]:
    """The members of an enum that the text names, as they are spelt there."""
    if not enum:
        return []
    pattern = r"(?<![\w-])(?:" + "|".join(re.escape(one) for one in sorted(enum, key=len, reverse=True)) + r")(?![\w-])"
    found = re.compile(pattern).finditer(text, start, len(text) if stop is None else stop)
    return [Candidate("enum", one[0], one.start(), one.end()) for one in found]


def value_for(piece: Candidate, schema: Mapping[str, JSON]) -> JSON:
    """A value as JSON: numbers as numbers, words as text; what is quoted is kept as it stands."""
    if piece.kind == "word":
        return {"true": True, "false": False, "null": None}[str(piece.value)]
    if isinstance(piece.value, Decimal | int):
        whole = piece.value == int(piece.value)
        return int(piece.value) if whole else float(piece.value)
    return piece.value
