"""Reads the values out of a text: what a policy can point at, and what a certificate finds in a request.

The text is read once, from left to right; each part of it belongs to the first of these that fits:

- quoted: what stands between "...", “...”, or (up to 200 characters, on one line) '...' or ‘...’; the value is the text
  without the marks, and nothing inside is read further.
- url: http:// or https:// up to a space, less the punctuation that ends the sentence.
- email, id (a UUID; the value is in lower case), file (a name with one of `FILE_EXTENSIONS`, in any case).
- date: 2026-03-03, 3 March 2026, 3rd March 2026, the 3rd of March 2026, March 3, 2026, 3 Mar 2026, each also after the
  name of a day; the value is 2026-03-03. Days that no calendar has are nothing.
- phone: +47 55 01 22 18, (020) 7946 0991, 555-0142, 55 01 22 18; the value is the text as it stands.
- percent: 12%, 12 %, 12 percent, twelve per cent; the value is an int, or a Decimal if it is not whole.
- amount: a number with a currency ($, €, £, USD, EUR, GBP, dollars, euros, pounds) or a scale (k, m, thousand,
  million), or both: $12.5k, USD 12,500, 12,500.00 dollars, 1.2 million; the value is a Decimal in units.
- number: 12500, 12,500, 12.5, -3; of the words in small letters one to twenty, the tens, and twenty-one to ninety-nine;
  the value is a Decimal. Digits within words, labels and times (v2, Q3, 3rd, INV-2026-04, 12:30, 4/5) are no numbers.
- name: a run of words that begin with a capital (or a letter of a script without capitals), a space apart, with
  `LINKS` and & inside it: Bank of Northmoor, Ana de Souza-Lima, O'Hara & Sons. A name ends at 's, which is
  no part of it, nor is a word of `LEADS` that begins a sentence. Where another word begins one, the run is given with
  and without it. A run with "and" is given whole, and then in its parts.

`text[start:end]` is the piece as it stands, marks, signs and units included. Any text is read, in linear time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

Value = str | int | Decimal

KINDS = ("quoted", "url", "email", "id", "file", "date", "phone", "percent", "amount", "number", "name")
FILE_EXTENSIONS = ("pdf", "doc", "docx", "ppt", "pptx", "xlsx", "csv", "txt", "key")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SMALL_WORDS = (
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
TENS_WORDS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
LINKS = frozenset(
    ("of", "de", "van", "der", "den", "von", "la", "le", "du", "di", "da", "dos", "del", "for", "and", "og", "y", "e")
)
"""Small words that may stand inside a name."""
_JOINTS = ("and", "og", "y")
LEADS = frozenset(
    (
        *("A", "Actually", "Add", "After", "Again", "All", "Also", "Among", "An", "And", "Answer", "Any"),
        *("Anything", "Apologies", "Appreciated", "Approve", "Are", "Ask", "Assign", "At", "Attach", "Back"),
        *("Before", "Besides", "Blank", "Book", "Both", "Break", "Bring", "Bump", "But", "By", "Call", "Can"),
        *("Cancel", "Change", "Check", "Cheers", "Clean", "Clear", "Close", "Compare", "Confirm", "Copy"),
        *("Correct", "Could", "Count", "Create", "Dear", "Delete", "Do", "Does", "Don't", "Drop", "Each", "Edit"),
        *("Enter", "Erase", "Every", "Everything", "Exactly", "Except", "Extend", "Fetch", "File", "Fill", "Find"),
        *("Finish", "First", "Fix", "For", "From", "Full", "Get", "Give", "Go", "Good", "Grateful", "Greetings"),
        *("Hand", "Have", "He", "Hello", "Her", "Here", "Hers", "Hey", "Hi", "Him", "His", "Hiya", "How"),
        *("However", "If", "In", "Instead", "Into", "Is", "It", "Its", "Jot", "Just", "Keep", "Kind", "Kindly"),
        *("Last", "Leave", "Let", "List", "Log", "Look", "Lower", "Make", "Many", "May", "Merge", "Modify"),
        *("Morning", "Move", "Much", "My", "Never", "New", "Next", "No", "Nobody", "Not", "Note", "Nothing"),
        *("Now", "Of", "Ok", "Okay", "On", "Onboard", "Once", "One", "Only", "Open", "Or", "Otherwise", "Our"),
        *("Out", "Over", "Pass", "Per", "Pick", "Please", "Prepare", "Pull", "Push", "Put", "Query", "Quick"),
        *("Raise", "Rate", "Rather", "Read", "Really", "Reassign", "Record", "Reduce", "Refresh", "Regarding"),
        *("Register", "Reject", "Remove", "Rename", "Renew", "Reopen", "Replace", "Reply", "Report", "Request"),
        *("Respond", "Retire", "Return", "Review", "Rework", "Right", "Run", "Save", "Schedule", "Search", "Send"),
        *("Set", "She", "Ship", "Should", "Show", "Sign", "Since", "So", "Some", "Somebody", "Someone", "Sorry"),
        *("Split", "Start", "Store", "Summarise", "Switch", "Ta", "Take", "Tell", "Thank", "Thanks", "That"),
        *("The", "Their", "Them", "Then", "There", "These", "They", "This", "To", "Transfer", "Turn", "Two"),
        *("Under", "Undo", "Unless", "Until", "Up", "Update", "Upload", "Use", "View", "Warmly", "Was", "We"),
        *("We'd", "We'll", "We're", "What", "Whatever", "When", "Where", "Which", "Who", "Whoever", "Whom"),
        *("Whose", "Wish", "With", "Withdraw", "Without", "Work", "Would", "Wrap", "Write", "Yes", "You"),
        *("You're", "Your"),
    )
)
"""Words that begin a sentence, with or without 's, without being a name."""
_SELF = ("I", "I'd", "I'll", "I'm", "I've", "I’d", "I’ll", "I’m", "I’ve")


class Candidate(NamedTuple):
    """A value read out of a text.

    Attributes:
        kind: One of `KINDS`.
        value: What it says.
        start: Where the piece begins in the text.
        end: Where it ends.
    """

    kind: str
    value: Value
    start: int
    end: int


def extract(text: str) -> tuple[Candidate, ...]:
    """Every value in the text, by where it begins; a name before its parts."""
    return tuple(sorted(dict.fromkeys(_values(text)), key=_place))


def numbers(text: str) -> frozenset[Decimal]:
    """Every number in the text, percents and amounts included."""
    return frozenset(Decimal(one.value) for one in extract(text) if one.kind in ("number", "amount", "percent"))


def dates(text: str) -> frozenset[str]:
    """Every date in the text, as YYYY-MM-DD."""
    return frozenset(str(one.value) for one in extract(text) if one.kind == "date")


def _place(one: Candidate) -> tuple[int, int]:
    return one.start, -one.end


_WORD_VALUES = {word: number for number, word in enumerate(SMALL_WORDS, 1)}
_WORD_VALUES |= {word: 10 * number for number, word in enumerate(TENS_WORDS, 2)}
_MONTH_VALUES = {name[:3].lower(): number for number, name in enumerate(MONTHS, 1)}
_SCALES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}

# Every repetition is bounded, possessive, or entered only at the beginning of the run it reads: so the time is linear.
_MONTH = "(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?" if name != "May" else "May" for name in MONTHS) + "|Sept)"
_MONTH += r"(?![^\W\d_])\.?"
_WEEKDAY = "(?:(?:" + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in WEEKDAYS) + r"),?\s(?:the\s)?)?"
_DAY, _YEAR = r"[0-9]{1,2}(?:st|nd|rd|th)?", r"[0-9]{4}"
_WORDS = rf"(?:(?:{'|'.join(TENS_WORDS)})(?:[-\s](?:{'|'.join(SMALL_WORDS[:9])}))?|{'|'.join(reversed(SMALL_WORDS))})"
_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3}){1,5}(?![0-9])|[0-9]{1,18}(?![0-9]))(?:\.[0-9]{1,9})?"
_END = r"(?!\w|[.,/:-]\w)"  # a number ends here: it is no part of a label, a time or a longer number
_SIGN = r"(?:(?<![\w)\]])[-−])?"
_KEYWORDS = "|".join([*SMALL_WORDS, *TENS_WORDS, *(name[:3].lower() for name in MONTHS + WEEKDAYS)])
_TOKEN = re.compile(
    rf"""[ ]?+(?:
    (?<!\w)(?P<word>(?!{_KEYWORDS})[a-z]++(?=[ ,]|\.[ ]))  # saves trying all the rest on most words
    | (?<!\w)(?P<quoted>"[^"]+" | “[^“”]+”
        | '(?=\S)(?:[^'\n]|'(?=\w)){{1,200}}?(?<=\S)'(?!\w) | ‘(?=\S)(?:[^‘’\n]|’(?=\w)){{1,200}}?(?<=\S)’(?!\w))
    | (?<!\w)(?P<url>(?i:https?)://[^\s"<>“”]++)
    | (?<![\w.+%-])(?P<email>[\w.+%-][\w.+%'-]{{0,253}}+@[\w-]++(?:\.[\w-]++)+)
    | (?<![\w-])(?P<id>[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}})(?![\w-])
    | (?<![\w.-])(?P<file>\w[\w.-]*\.(?i:{"|".join(FILE_EXTENSIONS)}))(?![\w-]|\.\w)
    | (?<![\w.,/:-])(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_END}
        | (?i:{_WEEKDAY}(?:{_DAY}(?:\sof)?\s{_MONTH},?|{_MONTH}\s{_DAY},?)\s{_YEAR}){_END})
    | (?<![\w.,/:-])(?P<phone>\+[0-9](?:[ ().-]{{0,2}}[0-9]){{5,17}}(?!\w)
        | \([0-9]{{2,5}}\)(?:[ -]?[0-9]{{2,8}}){{1,4}}{_END}
        | [0-9]{{3}}-(?:[0-9]{{3}}-)?[0-9]{{4}}{_END} | [0-9]{{2,4}}(?:[ ][0-9]{{2,4}}){{3,4}}{_END})
    | (?<![\w.,/:])(?P<percent>{_SIGN}(?:{_DIGITS}|(?i:{_WORDS}))\s?(?:%|(?i:per\s?cent|pct){_END}))
    | (?<![\w.,/:])(?P<amount>{_SIGN}
        (?: (?:US\$|[$€£]|(?:USD|EUR|GBP)\s?){_SIGN}{_DIGITS}(?:\s?(?i:k|m|thousand|million){_END})?
          | (?:{_DIGITS}|(?i:{_WORDS}))\s?(?i:k|m|thousand|million){_END}(?:\s(?:dollars|euros|pounds|USD|EUR|GBP))?
          | (?:{_DIGITS}|(?i:{_WORDS}))\s(?:dollars|euros|pounds|USD|EUR|GBP) ){_END})
    | (?<![\w.,/:])(?P<number>{_SIGN}{_DIGITS}{_END} | {_WORDS}(?![\w'’-]))
    | (?P<name>[^\W\d_]\w*+(?:['’&-]\w++)*+)
    | \w++(?:[.,/:'’-]\w++)*+)
    """,
    re.VERBOSE,
)
_NUMBER = re.compile(_DIGITS)
_WORD = re.compile(_WORDS)
_SCALE = re.compile(r"(?:(?<=[0-9])|\s)(k|m|thousand|million)\b")
_OPENING = re.compile(r"""[.!?:\n]["'”’)]?\s{0,3}\Z""")


def _values(text: str) -> Iterator[Candidate]:
    run: list[tuple[int, int]] = []  # the words of the name being read
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        start, end = match.span(kind or 0)
        if kind == "name" or kind == "word":
            if run and not _goes_on(text, run, start, end):
                yield from _name(text, run)
                run = []
            if run or _is_capital(text[start:end]):
                run.append((start, end))
            continue
        if run:
            yield from _name(text, run)
            run = []
        if kind is not None:
            yield from _value(kind, text[start:end], start)
    if run:
        yield from _name(text, run)


def _value(kind: str, piece: str, start: int) -> Iterator[Candidate]:
    if kind == "url":
        piece = piece.rstrip(".,;:!?'’") if "(" in piece else piece.rstrip(".,;:!?'’)")
    value = _READ[kind](piece)
    if value is not None:
        yield Candidate(kind, value, start, start + len(piece))


def _date(piece: str) -> str | None:
    if piece[4:5] == "-":
        year, month, day = int(piece[:4]), int(piece[5:7]), int(piece[8:10])
    else:
        words = piece.replace(",", " ").replace(".", " ").split()
        year = int(words[-1])
        month = next(_MONTH_VALUES[w[:3].lower()] for w in words if w[:3].lower() in _MONTH_VALUES)
        day = next(int(w if w.isdigit() else w[:-2]) for w in words if w[0] in "0123456789")
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return None


def _count(piece: str) -> Decimal:
    """The number in a piece: its digits, or its words."""
    digits = _NUMBER.search(piece)
    if digits is None:
        words = _WORD.search(piece)
        return Decimal(sum(_WORD_VALUES[word] for word in re.split(r"[-\s]", words[0]))) if words else Decimal(0)
    number = Decimal(digits[0].replace(",", ""))
    return -number if "-" in piece or "−" in piece else number


def _percent(piece: str) -> int | Decimal:
    number = _count(piece.lower())
    return int(number) if number == number.to_integral_value() else number


def _amount(piece: str) -> Decimal:
    piece = piece.lower()
    scale = _SCALE.search(piece)
    return _count(piece) * (_SCALES[scale[1]] if scale else 1)


_READ = {
    "quoted": lambda piece: piece[1:-1],
    "url": lambda piece: piece,
    "email": lambda piece: piece,
    "id": str.lower,
    "file": lambda piece: piece,
    "date": _date,
    "phone": lambda piece: piece,
    "percent": _percent,
    "amount": _amount,
    "number": _count,
}


def _word(text: str, place: tuple[int, int]) -> str:
    return text[place[0] : place[1]]


def _is_capital(word: str) -> bool:
    return not word[0].islower() and word not in _SELF


def _goes_on(text: str, run: list[tuple[int, int]], start: int, end: int) -> bool:
    """Whether the word carries on the name: a space or an ampersand apart, and a capital or a link."""
    last = run[-1]
    if text[last[1] : start] not in (" ", " & ") or text[last[1] - 2 : last[1]] in ("'s", "’s"):
        return False
    word = text[start:end]
    return _is_capital(word) or (word in LINKS)


def _name(text: str, run: list[tuple[int, int]]) -> Iterator[Candidate]:
    """The names a run of words makes."""
    if _begins_sentence(text, run[0][0]):
        first = _word(text, run[0])
        if (first[:-2] if first.endswith(("'s", "’s")) else first) not in LEADS:
            yield from _joined(text, run)
        run = run[1:]
    yield from _joined(text, run)


def _joined(text: str, run: list[tuple[int, int]]) -> Iterator[Candidate]:
    """The name a run of words makes, and its parts if it joins several."""
    parts: list[list[tuple[int, int]]] = [[]]
    for place in run:
        if parts[-1] and _word(text, place) in _JOINTS:
            parts.append([])
        if parts[-1] or _is_capital(_word(text, place)):
            parts[-1].append(place)
    named = [trimmed for part in parts if (trimmed := _trim(text, part))]
    if len(named) > 1:
        yield _candidate(text, named[0][0][0], named[-1][-1][1])
    for part in named:
        yield _candidate(text, part[0][0], part[-1][1])


def _trim(text: str, part: list[tuple[int, int]]) -> list[tuple[int, int]]:
    size = len(part)
    while size and not _is_capital(_word(text, part[size - 1])):
        size -= 1
    return part[:size]


def _candidate(text: str, start: int, end: int) -> Candidate:
    if text[end - 2 : end] in ("'s", "’s"):
        end -= 2
    return Candidate("name", text[start:end], start, end)


def _begins_sentence(text: str, start: int) -> bool:
    before = text[max(0, start - 5) : start]
    return (start < 5 and not before.strip()) or _OPENING.search(before) is not None
