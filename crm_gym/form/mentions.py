"""Finds what a policy can point at in a text: the values that stand in it, and the ways a name can be read.

The text alone decides. A mention is of one of `MENTION_KINDS`: those of `extract`, and

- label: a word with digits, or capitals with a hyphen at the end: v2, v9.4, CL-90105, NP-.
- enum: a member of an enum of the tools, in any case; the value is the member.
- word: a word with an underscore, or a word in small letters after field, fill, named or called.

and of one of `VARIANTS`:

- whole: the piece as it stands.
- longest: a name and the words in small letters that follow it: Oleander kitchen refit.
- tailed: the same with two words after a comma: Oleander kitchen refit, west wing.
- title: two names with on, in, to, at or with between them: Adviser on Workshops.
- first, last: the first and the last words of a name of two to four words.
- longer: a longest one without its last words: Oleander kitchen.
- weak: a piece that is seldom meant: a name with the ordinary word that begins a sentence, a member of an enum in other
  capitals than its own, the word "one".
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, chain, islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crm_gym.extract import LINKS, SMALL_WORDS, TENS_WORDS, Candidate, Value
from crm_gym.form.words import MEMBERS, NEWLINE, PLACEHOLDERS, Reading, begins, is_led, pieces, word_id

LIMIT = 64
"""Mentions of a text at most."""

MENTION_KINDS = (*PLACEHOLDERS, "enum", "word")
"""Kinds of mentions; in features a kind is its place here, plus 1."""

VARIANTS = ("whole", "longest", "tailed", "title", "first", "last", "longer", "weak")
"""Variants of mentions, in the order in which they go first if there is not room for all; in features plus 1."""

MENTION_COLUMNS = (
    *("kind", "variant", "place", "tokens", "before3", "before2", "before1", "after1", "after2"),
    *("clause", "magnitude", "literal", "words"),
)
"""What `features` gives of each mention, in this order.

kind, variant: see above. place: of the first word in the words read, from 1, those of earlier texts counted; 0 if it
was cut off. tokens: how many of these words it takes. before3 to after2: the words around it. clause: which of the
parts between . ! ? : ; and line ends it is in, from 0. magnitude: of a number above 1, ten times its decimal logarithm.
literal: of a member of an enum, its place in `MEMBERS`, plus 1. words: words in it, by spaces.
"""

MOST_CLAUSES = 31
MOST_TOKENS = 31
MOST_MAGNITUDE = 120


class Mention(NamedTuple):
    """What a policy can point at.

    Attributes:
        kind: One of `MENTION_KINDS`.
        value: What it says.
        text: How it stands in the text.
        start: Where it begins.
        end: Where it ends.
        variant: One of `VARIANTS`.
        literal: The member of an enum that it says, if any.
    """

    kind: str
    value: Value
    text: str
    start: int
    end: int
    variant: str = "whole"
    literal: str | None = None


_MEMBER_OF = {one.lower(): one for one in MEMBERS}
_RANKS = {variant: rank for rank, variant in enumerate(VARIANTS)}
_KIND_IDS = {kind: number for number, kind in enumerate(MENTION_KINDS, 1)}
_LITERAL_IDS = {one: number for number, one in enumerate(MEMBERS, 1)}
_ENDINGS = frozenset(
    (
        *(
            "a",
            "about",
            "after",
            "also",
            "am",
            "an",
            "and",
            "are",
            "as",
            "at",
            "be",
            "because",
            "been",
            "before",
            "both",
        ),
        *("but", "by", "can", "could", "did", "do", "does", "down", "each", "exactly", "first", "for", "from", "get"),
        *("gets", "give", "gives", "goes", "had", "has", "have", "he", "her", "here", "his", "how", "i", "if", "in"),
        *("into", "is", "it", "its", "just", "last", "let", "may", "me", "might", "must", "my", "need", "needs", "no"),
        *("not", "now", "of", "off", "on", "once", "only", "or", "our", "out", "over", "owned", "please", "put", "set"),
        *("shall", "she", "should", "since", "so", "some", "stands", "such", "take", "taken", "than", "that", "the"),
        *("their", "them", "then", "there", "these", "they", "this", "those", "to", "too", "under", "until", "up"),
        *("us", "using", "was", "we", "were", "what", "when", "where", "which", "while", "who", "whom", "whose"),
        *("will", "with", "within", "without", "works", "would", "you", "your"),
        *("client", "clients", "companies", "company", "contact", "contacts", "contract", "contracts", "deal", "deals"),
        *("document", "documents", "note", "notes", "quote", "quotes", *SMALL_WORDS, *TENS_WORDS),
    )
)
"""Words in small letters that end a name: they are no part of it."""
_BREAKS = frozenset(word_id(mark) for mark in (".", "!", "?", ":", ";", NEWLINE))
_INTRODUCING = frozenset(("called", "field", "fill", "named"))
_MOST_FOLLOWING = 4
_JOINT = re.compile(r" (of|for|and|og|y) ")
_OF = ("of", "for")
_MOST_JOINTS = 4
_MOST_WORDS, _LONGEST_NAME = 4, 100
_NEVER_FIRST = ("of", "for", "and", "&")  # a surname can begin with the other links
_FOLLOWING = re.compile(r" ([^\W\d_A-Z]+(?:-[^\W\d_A-Z]+){0,3})(?![\w'’-])")
_VERB = re.compile(r" (?:add|call|change|check|close|mark|move|test) (?:an?|her|his|it|its|the|their)\b")
_TAIL = re.compile(r", ([^\W\d_A-Z]+)(?:-[^\W\d_A-Z]+)? ([^\W\d_A-Z]+)(?![\w'’-])(?! (?!I\b)[A-Z0-9$€£\"“])")
_TITLE = re.compile(r" (?:on|in|to|at|with) (?=[^\W\d_])")
_PART = re.compile(r"\S+")
_WORD = re.compile(r"(?<![\w.'’-])[^\W\d]\w*(?:-\w+){0,3}(?![\w'’-])")


def mentions(text: str, found: Sequence[Candidate] | None = None) -> tuple[Mention, ...]:
    """What a policy can point at in a text, by where it begins; at one place in the order of `VARIANTS`.

    Args:
        text: Any text.
        found: Its `pieces`, if they are at hand.
    """
    found = pieces(text) if found is None else found
    every: dict[tuple[str, int, int], Mention] = {}
    for one in chain(_of_pieces(text, found), _of_words(text, found)):
        place = one.kind, one.start, one.end
        other = every.get(place)
        if other is None or _RANKS[one.variant] < _RANKS[other.variant]:
            every[place] = one
    kept = list(every.values())
    if len(kept) > LIMIT:
        kept = sorted(kept, key=_preference)[:LIMIT]
    kept.sort(key=lambda one: (one.start, _RANKS[one.variant], -one.end))
    return tuple(kept)


def _preference(one: Mention) -> tuple[int, int, int, int]:
    """What goes first if there is not room for all: of parts of names, the shortest."""
    if one.variant in ("first", "last"):
        return _RANKS["first"], one.text.count(" "), one.start, -one.end
    return _RANKS[one.variant], 0, one.start, -one.end


def features(found: Sequence[Mention], reading: Reading) -> NDArray[np.int16]:
    """A row of `MENTION_COLUMNS` for each mention.

    Args:
        found: Mentions of a text.
        reading: The same text as it was read.
    """
    around = [0, 0, 0, *reading.words.tolist(), 0, 0, 0]  # the word of a place, from 1, stands at that place and 2
    clauses = [*accumulate(int(word in _BREAKS) for word in around)]
    rows = [_row(one, reading, around, clauses) for one in found]
    return np.array(rows, dtype=np.int16).reshape(len(rows), len(MENTION_COLUMNS))


def _row(one: Mention, reading: Reading, around: list[int], clauses: Sequence[int]) -> tuple[int, ...]:
    kind, variant, magnitude, literal, words = _said(one)
    if one.start >= reading.stop or not reading.starts:
        return kind, variant, 0, 0, 0, 0, 0, 0, 0, 0, magnitude, literal, words
    first = bisect_right(reading.starts, one.start) or 1
    last = bisect_left(reading.starts, one.end, first)
    tokens = min(last - first + 1, MOST_TOKENS)
    before3, before2, before1 = around[first - 1 : first + 2]
    after1, after2 = around[last + 3 : last + 5]
    clause = min(clauses[first + 1], MOST_CLAUSES)
    return (
        *(kind, variant, first + reading.offset, tokens, before3, before2, before1, after1, after2),
        *(clause, magnitude, literal, words),
    )


def _said(one: Mention) -> tuple[int, int, int, int, int]:
    """What a row has of a mention itself."""
    magnitude = 0
    size = 0.0 if isinstance(one.value, str) else abs(float(one.value))
    if size > 1:
        magnitude = min(round(10 * math.log10(size)), MOST_MAGNITUDE)
    literal = 0 if one.literal is None else _LITERAL_IDS[one.literal]
    words = min(one.text.count(" ") + 1, MOST_TOKENS)
    return _KIND_IDS[one.kind], _RANKS[one.variant] + 1, magnitude, literal, words


def _of_pieces(text: str, found: Sequence[Candidate]) -> Iterator[Mention]:
    starts = {one.start: one.end for one in found if one.kind == "name"}
    for one in found:
        kind, value, start, end = one
        piece = text[start:end]
        if kind == "name":
            yield from _of_name(text, one, starts)
        elif kind == "quoted":
            if value in _LITERAL_IDS:
                yield Mention("enum", value, piece, start, end, "whole", str(value))
            else:
                yield Mention(kind, value, piece, start, end)
                yield from _parts(text, kind, start + 1, end - 1)
        else:
            yield Mention(kind, value, piece, start, end, "weak" if piece == "one" else "whole")


def _of_name(text: str, one: Candidate, starts: dict[int, int]) -> Iterator[Mention]:
    kind, value, start, end = one
    piece = text[start:end]
    if piece in _LITERAL_IDS:
        yield Mention("enum", value, piece, start, end, "whole", piece)
        return
    led = is_led(text, one)
    yield Mention(kind, value, piece, start, end, "weak" if led else "whole")
    yield from _sides(text, start, end)
    if starts[start] != end or (led and " " in piece):  # what it joins, or what follows the first word, comes by itself
        return
    yield from _longer(text, one, led)
    if _JOINT.search(piece) is None:
        yield from _parts(text, kind, start, end)
    title = _TITLE.match(text, end)
    if title is not None and title.end() in starts:
        yield _cut(text, kind, start, starts[title.end()], "title")


def _longer(text: str, one: Candidate, led: bool) -> Iterator[Mention]:
    """A name with the words in small letters that follow it."""
    ends: list[int] = []
    at = one.end
    while len(ends) < _MOST_FOLLOWING:
        word = _FOLLOWING.match(text, at)
        if word is None or word[1] in _ENDINGS:
            break
        if _VERB.match(text, at):
            yield _cut(text, "name", one.start, word.end(), "longer")
            break
        at = word.end()
        ends.append(at)
    for end in ends:
        yield _cut(text, "name", one.start, end, "longest" if end == at and not led else "longer")
    tail = _TAIL.match(text, at) if ends else None
    if tail is not None and tail[1] not in _ENDINGS and tail[2] not in _ENDINGS:
        yield _cut(text, "name", one.start, tail.end(), "longer" if led else "tailed")


def _sides(text: str, start: int, end: int) -> Iterator[Mention]:
    """What stands before and after each of, for and "and" in a name: Ana Lee | Bank of Northmoor."""
    for joint in islice(_JOINT.finditer(text, start, end), _MOST_JOINTS):
        if joint[1] in _OF and " " not in text[start : joint.start()] and not begins(text, start):
            continue  # Head of Research is one thing
        yield _cut(text, "name", start, joint.start(), "first")
        yield _cut(text, "name", joint.end(), end, "last")
        yield from _parts(text, "name", start, joint.start())


def _parts(text: str, kind: str, start: int, end: int) -> Iterator[Mention]:
    """The first and the last words of a name of two to four words, cut where a name can be cut."""
    if not 3 <= end - start <= _LONGEST_NAME or " " not in text[start:end]:
        return
    words = [match.span() for match in _PART.finditer(text, start, end)]
    if not 2 <= len(words) <= _MOST_WORDS or not all(_in_name(text[a:b]) for a, b in words):
        return
    for (first, before), (after, last) in pairwise(words):
        if text[first:before] not in LINKS and text[after:last] not in _NEVER_FIRST:
            yield _cut(text, kind, start, before, "first")
            yield _cut(text, kind, after, end, "last")


def _in_name(word: str) -> bool:
    return word in LINKS or (word[0].isalpha() and not word[0].islower() and word[-1] != ",")


def _cut(text: str, kind: str, start: int, end: int, variant: str) -> Mention:
    piece = text[start:end]
    return Mention(kind, piece, piece, start, end, variant)


def _of_words(text: str, found: Sequence[Candidate]) -> Iterator[Mention]:
    """Members of enums and field names, outside of values."""
    closed = iter([(one.start, one.end) for one in found if one.kind != "name"])
    start, end = next(closed, (len(text), len(text)))
    before = ""
    for match in _WORD.finditer(text):
        at = match.start()
        while end <= at and start < len(text):
            start, end = next(closed, (len(text), len(text)))
        if start <= at:
            before = ""
            continue
        word = match[0]
        member = _MEMBER_OF.get(word.lower())
        if member is not None:
            yield Mention("enum", member, word, at, match.end(), "whole" if word == member else "weak", member)
        elif "_" in word or (before in _INTRODUCING and word.islower() and word not in _ENDINGS):
            yield Mention("word", word, word, at, match.end())
        before = word
