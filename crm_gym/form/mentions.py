"""Finds what a policy can point at in a text: the values that stand in it, and the ways a name can be read.

The text alone decides. A mention is of one of `MENTION_KINDS`: those of `extract`, and

- label: a word with digits, capitals with a hyphen at the end, or a letter as a version: v2, CL-90105, NP-, rev A.
- enum: a member of an enum of the tools, in any case; the value is the member.
- word: what may be a field's name: a word with an underscore, or one in small letters after field, fill, named, called,
  argument or criterion, before "argument", or before an equals sign.

and of one of `VARIANTS`:

- whole: the piece as it stands.
- longest: a name and the words in small letters that follow it: Oleander kitchen refit.
- tailed: the same with two words after a comma, or a number or a letter: Oleander kitchen refit, west wing.
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
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from crm_gym.extract import Candidate, Value
from crm_gym.form.names import ENDINGS, Cut, after_link, longer, parts, sides
from crm_gym.form.words import MEMBERS, NEWLINE, PLACEHOLDERS, Reading, is_led, pieces, word_id

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
_BREAKS = frozenset(word_id(mark) for mark in (".", "!", "?", ":", ";", NEWLINE))
_INTRODUCING = frozenset(("argument", "called", "criterion", "field", "fill", "named"))
_INTRODUCED = (" argument", " =")
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
                yield from _cuts(text, kind, parts(text, start + 1, end - 1))
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
    yield from _cuts(text, kind, sides(text, start, end))
    if starts[start] != end or (led and " " in piece):  # what it joins, or what follows the first word, comes by itself
        return
    yield from _cuts(text, kind, longer(text, start, end, sure=not led))
    yield from _cuts(text, kind, parts(text, start, end))
    second = after_link(text, end)
    if second in starts:
        yield from _cuts(text, kind, [(start, starts[second], "title")])


def _cuts(text: str, kind: str, cuts: Iterable[Cut]) -> Iterator[Mention]:
    for start, end, variant in cuts:
        piece = text[start:end]
        yield Mention(kind, piece, piece, start, end, variant)


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
        elif "_" in word or _names_field(text, before, word, match.end()):
            yield Mention("word", word, word, at, match.end())
        before = word


def _names_field(text: str, before: str, word: str, end: int) -> bool:
    """Whether the words around a word say that it is a field's name."""
    if before in _INTRODUCING or text.startswith(_INTRODUCED, end):
        return word.islower() and word not in ENDINGS and word not in _INTRODUCING
    return False
