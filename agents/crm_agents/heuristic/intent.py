"""Which work a request asks for: the verb and the kind of record it is about."""

from __future__ import annotations

import re
from typing import NamedTuple

from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.words import NOUNS, noun_pattern

_QUESTION = (
    r"(?:\b|(?<=\A))(?:what (?:is|are|was|were|do|does|amount|fields)|how (?:many|much|do|does)|do (?:we|you) have|"
    r"(?:(?:\A|[.!?:,;] )(?:which|who|whose|when|where))|is there|are there|tell me|let me (?:know|have)|give me|"
    r"get me|fetch|send me|show me|list|report|show|name (?:all|every)|asks? for|asking for|asked me for|asked for|"
    r"wants? to know|have to know|find out|find|want to see|side by side|i am after|we are after|"
    r"look(?:ing)? (?:for|in)|look up|for my report|check (?:the|every|all|which|how)|view|pull up|open the|break down|"
    r"sum up|add up|count|name every|search|state the|alphabetically|compar(?:e|ed|es|ing)|by (?:stage|owner)|"
    r"the sum of|i (?:need|want) (?:all|every|one figure|the (?:name|id|number|count|total|sum|amount|differ|address|"
    r"e-?mail|figure|phone|telephone|quote ids|compan|fields|contact|version|prefix|file|notes|close|closing|start|end|"
    r"value|first day|last day|overdue|deals|client for|client among|client behind|stage|status|owner|probab|chance|"
    r"text|wording)\w*))\b"
)
_ORDER = (
    r"\b(?:set|change|update|edit|switch|move|rename|replace|put|add|create|register|upload|attach|delete|remove|erase|"
    r"cancel|clone|copy|duplicate|enter|make|revise|adjust|close our|close the|mark|log)\b"
)
_AND_DO = r"\band (?:then |please )?(?:set|change|update|switch|move|rename|replace|cancel|delete|remove|add|put)\b"
_TOLD = (
    r"\b(?:\w+ed|news|correction|change|update|it is|set|schedule|re-plan|due|is wrong|should|new (?:name|terms)|"
    r"with an?)\b"
)
_CLONE = r"\b(?:clon\w+|cop(?:y|ied)|duplicat\w+|second time|identical|twin|replica\w*|twice)\b"
_DELETE = r"\b(?:delet\w+|remov\w+|erase\w*|erasing|get rid of|gone|ha(?:s|ve) to go|no longer need|wipe\w*)\b"
_CANCEL = r"\b(?:cancel\w*|call off)\b"
_NOTE = (
    r"\b(?:(?:a|this|following|one more|another|new|short) note|note (?:for|on|to|belongs|down|that|about)|as a note|"
    r"on record|log (?:a|the|this)|jot|noted)\b|\bnote\W*\x1f|(?:\A|[.,:] )(?:please )?note\b"
)
_NOTE_FIELD = r"\b(?:notes field|free-text notes|the notes|new notes|notes to)\b"
_DOCUMENT = r"\b(?:upload\w*|(?<!link to the )document(?! (?:url|link|address)))\b"
_UPLOAD = r"\b(?:upload\w*|attach\w*|document(?! (?:url|link|address|lies))|file)\b"
_NEW = (
    r"(?:\b(?:new|create|creating|add|register|set up|open|enter|entered|one more|another|record|recorded|onboard|made|"
    r"draw up|prepare|make out|issue|write up|need an?|want an?|agreed on an?)\b)"
)
_BARRED = frozenset(("our", "the", "that", "on", "for", "with"))
_KEPT = r"\bnew (?:name|terms|stage|amount|close|owner|notes|status|address|value)\b"


class Intent(NamedTuple):
    """What is to be done: one of the tools' verbs, and the record it is about."""

    verb: str
    entity: str


def entities(reading: Reading) -> list[str]:
    """The kinds of records that a request names, in the order in which it does."""
    places = []
    text = re.sub(
        r"\b(?:same |very )?id (?:that|of|as) (?:the |a )?\w+|\bcontact(?= for (?:our|the) deal)", " ", reading.plain
    )
    for entity in NOUNS:
        found = re.search(noun_pattern(entity), text)
        if found:
            places.append((found.start(), entity))
    return [entity for _, entity in sorted(places)]


def intent_of(reading: Reading) -> Intent:
    """What a request asks for."""
    spoken = entities(reading)
    finest = next((one for one in ("quote", "contract", "contact", "opportunity", "client") if one in spoken), "")
    head = spoken[0] if spoken else ""
    asked = is_question(reading)
    if not asked:
        if _is_note(reading):
            return Intent("note", head if head == "company" else finest)
        if _is_upload(reading):
            return Intent("upload", _filed_on(spoken))
    made = "" if asked else _made(reading, spoken)
    if made:
        return Intent("create", made)
    if reading.says(_CLONE) and "opportunity" in spoken and "quote" not in spoken[:1] and not asked:
        return Intent("clone", "opportunity")
    if not asked and reading.says(_CANCEL) and "quote" in spoken and not reading.says(r"not just cancel|new quote"):
        return Intent("cancel", "quote")
    if not asked and reading.says(_DELETE) and finest in ("quote", "opportunity"):
        return Intent("delete", finest)
    if asked:
        return Intent("read", head)
    if not reading.says(_ORDER) and not reading.says(_TOLD):
        return Intent("read", head)
    return Intent("modify", finest or "contact")


def is_question(reading: Reading) -> bool:
    """Whether the request wants to know something, and not to have something done."""
    question, order = re.search(_QUESTION, reading.plain), re.search(_ORDER, reading.plain)
    if reading.says(_AND_DO):
        return False
    if reading.says(r"\b(?:search|criteria|restrict it|filter by)\b"):
        return True
    return question is not None and (order is None or question.start() < order.start())


def _is_upload(reading: Reading) -> bool:
    if not reading.of_kind("file") and not reading.says(_DOCUMENT):
        return False
    return reading.says(_UPLOAD) or not reading.says(_ORDER)


def _filed_on(spoken: list[str]) -> str:
    return next((one for one in ("quote", "contract", "opportunity", "client") if one in spoken), "".join(spoken[:1]))


def _is_note(reading: Reading) -> bool:
    if reading.of_kind("file") and reading.says(r"\b(?:upload|attach)"):
        return False
    return reading.says(_NOTE) and not (reading.says(_NOTE_FIELD) and not reading.says(r"\bnote\b"))


def _made(reading: Reading, spoken: list[str]) -> str:
    """The kind of record to be created, if one is."""
    if reading.says(_KEPT):
        return ""
    if reading.says(r"\badd \x1f+ to the (?:pipeline|deals|opportunities)\b"):
        return "opportunity"
    best: tuple[int, str] | None = None
    for entity in spoken:
        noun = noun_pattern(entity)
        for found in re.finditer(rf"{_NEW}(?: [\w-]+){{0,3}}? {noun}", reading.plain):
            words = found[0].split()
            barred = _BARRED - {"the"} if words[0] in ("set", "create") else _BARRED
            if not barred & set(words[1:-1]):
                best = min(best or (found.start(), entity), (found.start(), entity))
        told = re.search(
            rf"\ban? (?:\w+ )?{noun}[^.;]{{0,140}}\b(?:has to go into|drawn up|to be (?:made|created|entered)|set up|"
            rf"recorded|needed)\b|\b(?:as an?|make an?) {noun}|\ba {noun}[^.]{{0,200}}\benter it\b|"
            rf"\bsomebody new\b[^.]{{0,200}}{noun}|\A\W{{0,9}}(?:[\w ,]{{0,80}}[:.!] )?new {noun}",
            reading.plain,
        )
        if told:
            best = min(best or (told.start(), entity), (told.start(), entity))
    return best[1] if best else ""
