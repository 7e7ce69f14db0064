"""A corpus of values that break careless code."""

import enum
from collections import OrderedDict, UserDict
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType, SimpleNamespace
from uuid import UUID

import numpy as np
from furnished import rid


def deep(levels, leaf=0):
    """A list in a list in a list."""
    for _ in range(levels):
        leaf = [leaf]
    return leaf


def _ring():
    ring = []
    ring.append(ring)
    return ring


class Word(str):
    """A text of another class."""


class Shade(enum.StrEnum):
    DARK = "Active"


NUMBERS = (
    0, -1, -0.0, 0.001, 0.01, 0.1 + 0.2, 1.005, 99.5, 1e-300, 5e-324, 1e22, 1e308, -1e308, 10_000_000.01, 10_000_001,
    10**17, 10**18 - 1, 10**18, 2**63, 2**64, -(2**63), 10**19, 10**400, 10**5000, -(10**5000),
    float("nan"), float("inf"), float("-inf"),
)  # fmt: skip

TEXTS = (
    "", " ", "\t", "\n", "\x00", "a\x00b", "\x1b[2J", "\x7f", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\ud800",
    "\udfff tail", "\U0001f600", "Zo\u00eb", "\u0130", "\u00df", "\ufb01", "e\u0301" * 50, "x" * 200, "x" * 201,
    "x" * 254,
    "x" * 4000, "x" * 4001, "x" * 70_000, "\U0001f600" * 201, "%", "_", "\\", "'", '"', "'; DROP TABLE Client; --",
    "{@mill}", "@mill", "${HOME}", "{0}", "%s", "{tail}", "null", "true", "NaN", "0", "-1", "1e5", "12,000 EUR",
    "active", "Active ", " Active", "ACTIVE", "Closed-Won", "closed-won", "Closed\u2010Won", "Pending", "Vendor",
    "not-an-email", "a@b", "a@@b.example", "a b@c.example", "@c.example", "a@c.example\n", " a@c.example ",
    "MILL@OLD.EXAMPLE", "mills@old.example", "a" * 250 + "@c.example", "a@" + "b." * 100 + "example",
    "Ana <a@c.example>",
    "2025-02-30", "2025-13-01", "2025-1-1", "20251030", "2025-W44-4", "2025-10-30T00:00:00", "30.10.2025",
    "0000-00-00",
    "0001-01-01", "9999-12-31", "2025-10-29", "\uff12\uff10\uff12\uff15-01-01", "\u0662\u0660\u0662\u0665-01-01",
    " 2025-12-01", "2025-12-01\n", "2025-10-30T09:00:00Z", "2025-10-30T25:00:00Z", "tomorrow",
    "ftp://x.example", "javascript:alert(1)", "http://", "https://x.example:99999/", "HTTP://X.EXAMPLE", "//x.example",
    "http://x.example/\u00e9", "x.exe", "../x.pdf", ".pdf", "x.", "x", "x.pdf\n", "x.pdf.exe", "X.PDF", "a b.pdf",
    "\u00e9.pdf", "x" * 252 + ".pdf", "x" * 251 + ".pdf",
    rid("mill"), rid("oven"), rid("q1"), rid("mill").upper(), rid("mill").replace("-", ""), "{" + rid("mill") + "}",
    "00000000-0000-0000-0000-000000000000", "Client", "Quote", "client", "Company", "__class__", "__dict__", "self",
)  # fmt: skip

CONTAINERS = (
    [], [[]], {}, {"": ""}, {"a": {"b": [None]}}, [None], [True], [""], ["a", 1], [10**5000], {"n": 10**5000},
    {"id": rid("mill")}, [rid("q1")], [rid("q1"), rid("q1")], [rid("q1"), rid("q2"), "x"], [rid("q1"), None],
    list(range(1000)), {str(i): i for i in range(300)}, deep(31), deep(33), deep(100), {"\ud800": 1}, {"\x00": 1},
    ["\ud800"], [float("nan")],
)  # fmt: skip

JSONISH = (None, True, False, *NUMBERS, *TEXTS, *CONTAINERS)
"""What JSON can say, or nearly."""

EXOTIC = (
    b"bytes", b"\xff", bytearray(b"x"), 1j, object(), object, len, ..., NotImplemented, (), (1, 2), {1, 2},
    frozenset(),
    range(3), Decimal("1.5"), Decimal("NaN"), Decimal("sNaN"), Decimal("1E+999999"), Decimal("1E-999999"),
    Fraction(1, 3),
    date(2025, 12, 1), datetime(2025, 12, 1), timedelta(1), UUID(int=1), Word("Active"), Shade.DARK,
    SimpleNamespace(a=1),
    np.int64(3), np.float32(1.5), np.float64("nan"), np.longdouble(1), np.bool_(True), np.str_("Active"),
    np.bytes_(b"x"),
    np.datetime64("2025-01-01"), np.array(3), np.array([1, 2]), np.array("Active"), np.array([]), np.array(None),
    {1: 2}, {None: 1}, {("a",): 1}, {b"tool": 1}, {(10**5000,): 1}, MappingProxyType({"a": 1}), OrderedDict(a=1),
    UserDict(a=1), deep(3000), _ring(), [object()], {"a": {1}}, np.ma.masked, Exception("x"), ValueError, iter([]),
    (i for i in ()), lambda: 0, type("Odd", (), {"shape": (), "item": 3})(),
)  # fmt: skip
"""What only Python can say."""

BROKEN_JSON = (
    "", " ", "{", "}", "[", "]", "{}", "[]", "null", "1", '"x"', "{'a': 1}", '{"a": 1,}', '{"a" 1}', '{"a": }',
    "{a: 1}",
    '{"a": NaN}', '{"a": Infinity}', '{"a": -Infinity}', '{"a": 1e400}', '{"a": 01}', '{"a": +1}', '{"a": .5}',
    '{"a": 1.}', '{"a": 0x1}', '{"a": 1, "a": 2}', '{"a": {"b": 1, "b": 1}}', '{"a": ' + "9" * 19 + "}",
    '{"a": -' + "9" * 19 + "}", '{"a": ' + "9" * 5000 + "}", "[" * 33 + "]" * 33, "[" * 100_000,
    '{"a":' * 40 + "1" + "}" * 40,
    '{"a": "' + "x" * 66_000 + '"}', '{"a": "\\ud800"}', '{"a": "\\u0000"}', '{"a": "\x00"}', '{"a": "\n"}',
    "\ufeff{}",
    '{"a": 1} x', '{"a": 1}{"a": 1}', "\ud800", '{"\ud800": 1}', '{"\\udfff": 1}', "/* c */ {}", "// c", "\x00", "nul",
    '{"answer": ' + "[" * 31 + "]" * 31 + "}", '{"answer": 1E5}', '{"name": "a\x7f"}', '{"name": "a\x1f"}',
    '{"name":\f1}', '{"limit": 1\x0b}', '{"answer": -0}', '{"name": "a", "name": "b"}',
    '{"' + "k" * 60_000 + '": 1, "' + "k" * 60_000 + '": 2}', '{"' + "k" * 60_000 + '": 1}',
)  # fmt: skip
"""Arguments as text: most of it no strict JSON, all of it survivable."""
