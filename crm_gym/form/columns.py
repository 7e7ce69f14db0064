"""What the numbers of the form door's observation mean: every column of every array, with its range."""

from __future__ import annotations

from typing import Literal, NamedTuple

from crm_gym.errors import CODES
from crm_gym.form.layout import layout
from crm_gym.form.mentions import MENTION_COLUMNS, MENTION_KINDS, VARIANTS
from crm_gym.form.words import MAX_WORDS, MEMBERS, WORD_COUNT
from crm_gym.schema import TABLES

_LAYOUT = layout()
_NAMES = _LAYOUT.field_names
_FIELDS = len(_NAMES) + 1
_LITERALS = len(_LAYOUT.literal_values) + 1
_TOOLS = len(_LAYOUT.forms) + 1

RANKS = ("in no list", "lowest", "between", "highest", "all alike")
ORDERS = ("nothing to compare", "less", "the same", "more")
EDGES = ("in no list", "the only one", "first", "last", "between")
ORIGINS = ("found", "made by a call", "changed by a call", "deleted by a call", "as it was before a call changed it")
SHAPES = ("nothing", *TABLES, "a result as a whole", "a list", "groups", "a group")
SOURCES = ("the request", "an answer of the user", "the CRM's calendar")
AGES, USES = 8, 4


class Column(NamedTuple):
    """One number of a line.

    Attributes:
        name: What it is called.
        kind: "category": 0 to size - 1, nothing to do with one another. "word": the id of a word, as in the request.
            "position": the place of a word in the request, from 1; 0 for none. "number": a quantity.
        size: How many categories, words or places there are; of a number, about how large it gets.
        meaning: In words.
    """

    name: str
    kind: Literal["category", "word", "position", "number"]
    size: int
    meaning: str


def _word(name: str, meaning: str) -> Column:
    return Column(name, "word", WORD_COUNT, meaning)


VALUE_COLUMNS: tuple[Column, ...] = (
    Column(
        "kind",
        "category",
        len(MENTION_KINDS) + 2,
        "0 no value here; else from 1: " + ", ".join(MENTION_KINDS) + ", today",
    ),
    Column("variant", "category", len(VARIANTS) + 1, "how much of what was said, from 1: " + ", ".join(VARIANTS)),
    Column("place", "position", MAX_WORDS + 1, "where it is said"),
    Column("tokens", "number", 8, "how many words of the request it takes"),
    _word("before3", "the third word before it"),
    _word("before2", "the second word before it"),
    _word("before1", "the word before it"),
    _word("after1", "the word after it"),
    _word("after2", "the second word after it"),
    Column("clause", "number", 16, "the number of the clause it is said in, from 0"),
    Column("magnitude", "number", 64, "of a number above 1, ten times its decimal logarithm"),
    Column("literal", "category", len(MEMBERS) + 1, "the member of an enum that it says, from 1"),
    Column("words", "number", 8, "how many words, by spaces, it is itself"),
    Column("source", "category", len(SOURCES), "where it comes from: " + ", ".join(SOURCES)),
    Column("used", "category", USES, "how many calls that worked have used it, at most 3"),
    Column("used_tool", "category", _TOOLS, "the tool of the last of them, from 1"),
    Column("used_as", "category", _FIELDS, "the argument it was there, from 1"),
    Column("known_as", "category", _FIELDS, "the field in which a record that was found holds it, from 1"),
    Column("known_row", "category", 49, "the line of that record in rows, from 1"),
    Column("used_now", "category", 2, "whether the open form uses it"),
)
"""Columns of `said`: what the request says."""

ROW_COLUMNS: tuple[Column, ...] = (
    Column("shape", "category", len(SHAPES), "0 nothing here; else what it is: " + ", ".join(SHAPES[1:])),
    Column("age", "category", AGES, "how many calls ago it was last returned, at most 7"),
    Column("tool", "category", _TOOLS, "the tool that returned it last, from 1"),
    Column("index", "number", 16, "its place in the list it came in, from 1"),
    Column("list_size", "number", 16, "how many came in that list"),
    Column("edge", "category", len(EDGES), "where in the list: " + ", ".join(EDGES)),
    Column("origin", "category", len(ORIGINS), ", ".join(ORIGINS)),
    Column("place", "position", MAX_WORDS + 1, "where the request speaks of it, or of what it was found by"),
    Column("matched", "category", _FIELDS, "the field that the request says, from 1"),
    Column("matches", "number", 4, "how many of its fields the request says"),
    Column(
        "rank1",
        "category",
        len(RANKS),
        "its first amount (of a group: its first number), in its list: " + ", ".join(RANKS),
    ),
    Column("rank2", "category", len(RANKS), "its first date, in its list"),
    Column("rank3", "category", len(RANKS), "its second date, in its list"),
    Column("state", "category", _LITERALS, "the value of its first enum, from 1"),
    Column("said", "category", 3, "0 no enum, 1 the request does not say that value, 2 it does"),
    Column("due", "category", len(ORDERS), "its first date beside today: " + ", ".join(ORDERS)),
    Column("amount_order", "category", len(ORDERS), "its first amount beside the request's first"),
    Column("percent_order", "category", len(ORDERS), "its percentage beside the request's first"),
    Column("date1_order", "category", len(ORDERS), "its first date beside the request's first"),
    Column("date2_order", "category", len(ORDERS), "its second date beside the request's first"),
    Column("blanks", "category", 512, "which of its second to tenth fields are empty, a bit each"),
    Column("used", "category", USES, "how many calls that worked have used it, at most 3"),
    Column("used_tool", "category", _TOOLS, "the tool of the last of them, from 1"),
    Column("used_now", "category", 2, "whether the open form uses it"),
)
"""Columns of `rows`: what the CRM returned."""

HELD = ("not there", "a field of something", "named in a list of fields")
LINE_STATES = ("open", "skipped", "filled", "emptied")
_HEAD = (
    Column("tool", "category", _TOOLS, "the tool of the open form, from 1; 0 if none is open"),
    Column("line", "category", _LAYOUT.lines + 2, "the line to be filled, from 1; 0 if no form is open"),
    Column("argument", "category", _FIELDS, "the name of that line, from 1"),
    Column("takes", "category", len(_LAYOUT.kinds) + 1, "what kind of value it takes, from 1"),
    Column("required", "category", 2, "whether it must be filled"),
    Column("many", "category", 2, "whether it takes several values"),
    Column("picks", "number", 4, "how many it has"),
    Column("pending", "category", _FIELDS, "the field chosen whose value is taken from the row chosen next, from 1"),
    Column("complete", "category", 2, "whether the form can be submitted"),
    Column("focus", "position", MAX_WORDS + 1, "where the request says what was picked last"),
    Column("named", "category", _FIELDS, "the field by which the last item of the list was picked, from 1"),
)
_LAST = (
    Column("last_tool", "category", _TOOLS, "the tool of the last call, from 1; 0 before the first"),
    Column("last_status", "category", 3, "0 no call yet, 1 it worked, 2 it was refused"),
    Column("last_code", "category", len(CODES) + 1, "the refusal's code, from 1"),
    Column("last_rows", "number", 16, "how many objects it returned"),
    Column("calls", "number", 16, "calls so far"),
    Column("refused", "number", 8, "calls refused so far"),
    Column("moves", "number", 128, "form steps so far"),
    Column("left", "number", 16, "values of the request, variants aside, that no call has used"),
)
FORM_COLUMNS: tuple[Column, ...] = (
    *_HEAD,
    *(Column(f"line{n}", "category", len(LINE_STATES), ", ".join(LINE_STATES)) for n in range(1, _LAYOUT.lines + 1)),
    *_LAST,
    *(Column(f"done_{form.tool}", "number", 4, f"calls of {form.tool} that worked") for form in _LAYOUT.forms),
    *(Column(f"made_{name}", "number", 4, f"records of {name} more than at the start") for name in TABLES),
    *(Column(f"count_{name}", "number", 100_000, f"records of {name}") for name in TABLES),
    *(
        Column(f"has_{name}", "category", len(HELD), f"{name} in the last result: " + ", ".join(HELD))
        for name in _NAMES
    ),
)
"""Columns of `form`: the form being filled, the last call, and counts."""

if tuple(column.name for column in VALUE_COLUMNS[: len(MENTION_COLUMNS)]) != MENTION_COLUMNS:
    raise TypeError("the columns of values must begin with those of mentions")

HEAD, LAST = 0, len(_HEAD) + _LAYOUT.lines
"""Where in `FORM_COLUMNS` the open form begins, and what outlasts it."""


def places(columns: tuple[Column, ...]) -> dict[str, int]:
    """Column names to their places."""
    return {column.name: place for place, column in enumerate(columns)}
