"""The ways a name that stands in a text can be read: shorter, longer, or as two."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, pairwise

from crm_gym.extract import LINKS, SMALL_WORDS, TENS_WORDS
from crm_gym.form.words import begins

Cut = tuple[int, int, str]
"""Where a reading of a name begins, where it ends, and its variant."""

ENDINGS = frozenset(
    (
        *("a", "about", "after", "also", "am", "an", "and", "are", "as", "at", "be", "because", "been", "before"),
        *("both", "but", "by", "can", "could", "did", "do", "does", "down", "each", "exactly", "first", "for"),
        *("from", "get", "gets", "give", "gives", "goes", "had", "has", "have", "he", "her", "here", "his", "how"),
        *("i", "if", "in", "into", "is", "it", "its", "just", "last", "let", "may", "me", "might", "must", "my"),
        *("need", "needs", "no", "not", "now", "of", "off", "on", "once", "only", "or", "our", "out", "over"),
        *("owned", "please", "put", "set", "shall", "she", "should", "since", "so", "some", "stands", "such", "take"),
        *("taken", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this", "those", "to"),
        *("too", "under", "until", "up", "us", "using", "was", "we", "were", "what", "when", "where", "which"),
        *("while", "who", "whom", "whose", "will", "with", "within", "without", "works", "would", "you", "your"),
        *("client", "clients", "companies", "company", "contact", "contacts", "contract", "contracts", "deal"),
        *("deals", "document", "documents", "note", "notes", "quote", "quotes"),
        *(*SMALL_WORDS, *TENS_WORDS),
    )
)
"""Words in small letters that end a name: they are no part of it."""

_MOST_FOLLOWING = 4
_JOINT = re.compile(r" (of|for|and|og|y) ")
_OF = ("of", "for")
_MOST_JOINTS = 4
_LINKING = LINKS | {"&"}  # no name ends with one; some surnames begin with one
_MOST_WORDS, _LONGEST_NAME = 4, 100

_FOLLOWING = re.compile(r" ([^\W\d_A-Z]+(?:-[^\W\d_A-Z]+){0,3})(?![\w'’-])")
_VERB = re.compile(r" (?:add|call|change|check|close|mark|move|test) (?:an?|her|his|it|its|the|their)\b")
_TAIL = re.compile(r", ([^\W\d_A-Z]+)(?:-[^\W\d_A-Z]+)? ([^\W\d_A-Z]+)(?![\w'’-])(?! (?!I\b)[A-Z0-9$€£\"“])")
_NUMBER = re.compile(r" (?:[A-Z]|[0-9]{1,4})(?!\w|[.,:/-]\w|-| ?(?:%|per))")
_LINK = re.compile(r" (?:on|in|to|at|with) (?=[^\W\d_])")
_PART = re.compile(r"\S+")


def longer(text: str, start: int, end: int, sure: bool) -> Iterator[Cut]:
    """A name with the words in small letters that follow it; if it is not sure to be a name, none is the longest."""
    ends: list[int] = []
    at = end
    while len(ends) < _MOST_FOLLOWING:
        word = _FOLLOWING.match(text, at)
        if word is None or word[1] in ENDINGS:
            break
        if _VERB.match(text, at):
            yield start, word.end(), "longer"
            break
        at = word.end()
        ends.append(at)
    number = _NUMBER.match(text, at) if ends else None
    if number is not None:
        yield start, number.end(), "tailed"
    for one in ends:
        yield start, one, "longest" if sure and one == at else "longer"
    tail = _TAIL.match(text, at) if ends else None
    if tail is not None and tail[1] not in ENDINGS and tail[2] not in ENDINGS:
        yield start, tail.end(), "tailed" if sure else "longer"


def after_link(text: str, end: int) -> int | None:
    """Where a second name can begin after on, in, to, at or with."""
    link = _LINK.match(text, end)
    return link.end() if link else None


def sides(text: str, start: int, end: int) -> Iterator[Cut]:
    """What stands before and after each of, for and "and" in a name: Ana Lee | Bank of Northmoor."""
    for joint in islice(_JOINT.finditer(text, start, end), _MOST_JOINTS):
        if joint[1] in _OF and " " not in text[start : joint.start()] and not begins(text, start):
            continue  # Head of Research is one thing
        yield start, joint.start(), "first"
        yield joint.end(), end, "last"
        yield from parts(text, start, joint.start())


def parts(text: str, start: int, end: int) -> Iterator[Cut]:
    """The first and the last words of a name of two to four words, wherever it can be cut."""
    if not 3 <= end - start <= _LONGEST_NAME or _JOINT.search(text, start, end):
        return
    words = [match.span() for match in _PART.finditer(text, start, end)]
    if not 2 <= len(words) <= _MOST_WORDS or not all(_in_name(text[a:b]) for a, b in words):
        return
    for (first, before), (after, last) in pairwise(words):
        if text[first:before] not in _LINKING and text[after:last] != "&":
            yield start, before, "first"
            yield after, end, "last"


def _in_name(word: str) -> bool:
    return word in _LINKING or (word[0].isalpha() and not word[0].islower() and word[-1] != ",")
