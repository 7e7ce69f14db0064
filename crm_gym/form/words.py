"""Reads a text into numbers: one per word, value and mark, and one per pair of neighbours.

The numbers of words: 0 is nothing; then one for each of `PLACEHOLDERS`, which stands for every value of that kind; then
`BUCKETS` that the words outside the vocabulary share; then the words of vocabulary.txt, the most frequent first. That
file is written by scripts/vocabulary.py.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from crm_gym.extract import KINDS, Candidate, extract
from crm_gym.tools import TOOLS

MAX_WORDS = 256
"""Words of a reading at most; those after them are cut off."""

PLACEHOLDERS = (*KINDS, "label")
"""Kinds of values that are one word of a reading each; the number of such a word is the kind's place here, plus 1."""

BUCKETS = 64
"""Numbers that the words outside the vocabulary share."""

VOCABULARY: tuple[str, ...] = tuple(
    Path(__file__).with_name("vocabulary.txt").read_text(encoding="utf-8").removesuffix("\n").split("\n")
)
"""Words and marks with a number of their own, in small letters."""

WORD_COUNT = 1 + len(PLACEHOLDERS) + BUCKETS + len(VOCABULARY)
"""How many numbers of words there are, 0 included."""

BIGRAM_COUNT = 4096
"""How many numbers of pairs there are, 0 included."""

NEWLINE = "¶"
"""What a line's end is called in the vocabulary."""


class Reading(NamedTuple):
    """A text in numbers.

    Attributes:
        words: The number of each word, value and mark.
        bigrams: For each, the number of the pair it makes with the next; 0 for the last.
        starts: Where each begins in the text.
        stop: Where the last of them ends: what stands from here on was cut off.
        offset: How many words of earlier texts stand before the first.
    """

    words: NDArray[np.int16]
    bigrams: NDArray[np.int16]
    starts: list[int]
    stop: int
    offset: int


def _members(schema: Any) -> Iterator[str]:
    """Every text that an enum of the schema allows."""
    if isinstance(schema, dict):
        yield from (one for one in schema.get("enum", ()) if isinstance(one, str))
        for inner in schema.values():
            yield from _members(inner)


MEMBERS: tuple[str, ...] = tuple(
    sorted({one for tool in TOOLS.values() if tool.kind in ("read", "write") for one in _members(tool.schema)})
)
"""The members of all enums of the tools that read and write records, sorted."""

_MEMBERS = frozenset(MEMBERS)
_KIND_WORDS = {kind: number for number, kind in enumerate(PLACEHOLDERS, 1)}
_FIRST_BUCKET = 1 + len(PLACEHOLDERS)
_WORDS = {word: number for number, word in enumerate(VOCABULARY, _FIRST_BUCKET + BUCKETS)}

# Every repetition is bounded or entered only at the beginning of the run it reads: so the time is linear.
_LABEL = re.compile(
    r"(?<![\w.-])(?:[A-Za-z]{1,16}(?:-[A-Za-z]{1,16}){0,3}-?[0-9][^\W_]*(?:[.-][^\W_]+)*-?|[A-Z]{1,8}-"
    r"|[Rr]ev[ -][A-Z]|[0-9]{1,8}-[A-Z]{1,4}|(?<=quote )[A-Z]|(?<=version )[A-Z])(?!\w)"
)
_WORD = re.compile(r"\w+(?:(?:-|'(?!s\b))\w+)*|'s\b|\n|[^\w\s]")
_OPENING = re.compile(r"""(?:\A|[.!?:;\n]["'”’)]?)[ \t]{0,3}\Z""")


def word_id(word: str) -> int:
    """The number of a word."""
    word = word.lower()
    return _WORDS.get(word) or _FIRST_BUCKET + crc32(word.encode("utf-8", "surrogatepass")) % BUCKETS


def pieces(text: str) -> tuple[Candidate, ...]:
    """What `extract` finds, and labels (v2, v9.4, NP-, CL-90105, rev A), which take the place of names they overlap.

    A member of an enum, or a single letter, with "of" or "for" after it is no part of the name that follows: Sent for
    Northmoor Mills.
    """
    found = tuple(sorted({_freed(one): None for one in extract(text)}, key=_place))
    labels = [match.span() for match in _LABEL.finditer(text)]
    if not labels:
        return found
    kept = [one for one in found if one.kind != "name" or not _is_label(one, labels)]
    starts = [one.start for one in kept]
    ends = list(accumulate((one.end for one in kept), max, initial=0))  # the furthest end of those before each
    for start, end in labels:
        if ends[bisect_left(starts, end)] <= start:
            kept.append(Candidate("label", text[start:end], start, end))
    return tuple(sorted(kept, key=_place))


def _freed(name: Candidate) -> Candidate:
    """The name without what is no part of it at its beginning."""
    kind, value, _, end = name
    if kind == "name" and isinstance(value, str):
        first, _, rest = value.partition(" ")
        if (first in _MEMBERS or len(first) == 1) and rest.startswith(("of ", "for ")):
            rest = rest.partition(" ")[2]
            return Candidate(kind, rest, end - len(rest), end)
    return name


def _is_label(name: Candidate, labels: list[tuple[int, int]]) -> bool:
    """Whether a name is all of a label or a part of it, or goes over into one."""
    place = bisect_left(labels, (name.end, 0)) - 1
    if place < 0:
        return False
    start, end = labels[place]
    return end > name.end or (end == name.end and start <= name.start)


def _place(one: Candidate) -> tuple[int, int]:
    return one.start, -one.end


def read(text: str, offset: int = 0, found: Sequence[Candidate] | None = None) -> Reading:
    """Read a text.

    Args:
        text: Any text.
        offset: How many words of earlier texts it is added to.
        found: Its `pieces`, if they are at hand.
    """
    room = max(0, MAX_WORDS - offset)
    plain = text.replace("’", "'")
    ids: list[int] = []
    starts: list[int] = []
    at = stop = 0
    for one in _chosen(text, pieces(text) if found is None else found):
        if len(ids) >= room:
            break
        _spell(plain, at, one.start, ids, starts)
        ids.append(_KIND_WORDS[one.kind])
        starts.append(one.start)
        at = one.end
    if len(ids) < room:
        _spell(plain, at, len(text), ids, starts)
    stop = starts[room] if len(ids) > room else len(text)
    words = np.array(ids[:room], dtype=np.int16)
    return Reading(words, _pairs(words), starts[:room], stop, offset)


def spelled(text: str) -> list[str]:
    """The words and marks of a text without values, in small letters."""
    return [NEWLINE if word == "\n" else word.lower() for word in _WORD.findall(text.replace("’", "'"))]


def is_led(text: str, one: Candidate) -> bool:
    """Whether a name begins with an ordinary word, which has its capital because it begins a sentence."""
    first = text[one.start : one.end].partition(" ")[0].lower()
    return first in _WORDS and begins(text, one.start)


def begins(text: str, start: int) -> bool:
    """Whether a sentence begins there."""
    return _OPENING.search(text[max(0, start - 5) : start]) is not None


def _chosen(text: str, found: Sequence[Candidate]) -> Iterator[Candidate]:
    """The pieces that are one word each; no two overlap. Of names that overlap, it is the longest without "and"."""
    at = 0
    for place, one in enumerate(found):
        if one.start < at:
            continue
        if one.kind == "name":
            joined = place + 1 < len(found) and found[place + 1].start == one.start
            if joined or one.value in _MEMBERS or is_led(text, one):
                continue
        elif one.kind == "number" and text[one.start : one.end] == "one":
            continue
        yield one
        at = one.end


def _spell(plain: str, start: int, end: int, ids: list[int], starts: list[int]) -> None:
    """Add the words and marks of a part of a text that holds no values."""
    for match in _WORD.finditer(plain, start, end):
        word = match[0].lower()
        ids.append(_WORDS.get(word) or (_NEWLINE_WORD if word == "\n" else word_id(word)))
        starts.append(match.start())


_NEWLINE_WORD = word_id(NEWLINE)


def _pairs(words: NDArray[np.int16]) -> NDArray[np.int16]:
    """The number of each word's pair with the next."""
    wide = words.astype(np.uint32)
    pairs = np.zeros(len(words), dtype=np.int16)
    mixed = wide[:-1] * np.uint32(40503) + wide[1:] * np.uint32(2654435761)
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(2246822519)
    mixed ^= mixed >> np.uint32(13)
    pairs[:-1] = mixed % np.uint32(BIGRAM_COUNT - 1) + 1
    return pairs
