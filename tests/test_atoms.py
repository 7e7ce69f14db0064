"""Every kind of value at its bounds: what is taken, as what, and with which code the rest is refused."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nasty import EXOTIC, JSONISH
from pydantic_core import PydanticCustomError

from crm_gym import CODES, atoms
from crm_gym.entities import ClientStatus, OpportunityStage

settings.register_profile("house", deadline=None, derandomize=True, database=None, max_examples=300)
settings.load_profile("house")

NAME, OPTIONAL, LINES = atoms.text(), atoms.text(blank=True), atoms.text(4_000, lines=True)
EVERY = {
    "text": NAME,
    "optional": OPTIONAL,
    "lines": LINES,
    "email": atoms.email(),
    "url": atoms.url(),
    "file_name": atoms.file_name(),
    "money": atoms.money(),
    "percent": atoms.percent(),
    "day": atoms.day(),
    "stamp": atoms.stamp(),
    "enum": atoms.enum(ClientStatus),
    "names": atoms.names(),
    "id": atoms.record_id(),
    "whole": atoms.whole(1, 100),
}


def code(atom, value):
    """The refusal's code; None if the value is taken."""
    try:
        atom.check(value)
    except PydanticCustomError as fault:
        refusal = fault
    else:
        return None
    assert refusal.type in CODES
    assert refusal.message().endswith(".")
    return refusal.type


@pytest.mark.parametrize("kind", EVERY)
def test_anything_is_taken_or_refused_with_a_code(kind):
    for value in (*JSONISH, *EXOTIC):
        code(EVERY[kind], value)


@pytest.mark.parametrize("kind", EVERY)
def test_rows_are_taken_again_and_shown_and_written_back(kind):
    """Row values are wire values too, and survive the way to Python and back."""
    atom, seen = EVERY[kind], 0
    for value in (
        *JSONISH,
        "Active",
        "2025-12-01",
        "2025-10-30T09:00:00Z",
        "a.pdf",
        "a@b.example",
        "http://a.example",
        7,
    ):
        if code(atom, value) is None:
            row = atom.check(value)
            assert atom.check(row) == row
            assert atom.check(atom.from_python(atom.to_python(row))) == row
            hash(row)
            seen += 1
    assert seen


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("x", None),
        (" x ", None),
        ("x" * 200, None),
        ("\U0001f600" * 200, None),
        ("x" * 201, "text_too_long"),
        ("", "blank"),
        (" ", "blank"),
        ("\u2003\u00a0", "blank"),
        ("a\nb", "text_invalid"),
        ("a\tb", "text_invalid"),
        ("a\n", "text_invalid"),
        ("a\x00", "text_invalid"),
        ("a\x1f", "text_invalid"),
        ("\x7f", "text_invalid"),
        ("\x80", "text_invalid"),
        ("\x9f", "text_invalid"),
        ("\xa0x", None),
        ("\ud800", "text_invalid"),
        ("x\udfff", "text_invalid"),
        (7, "wrong_type"),
        (True, "wrong_type"),
        (None, "wrong_type"),
        (b"x", "wrong_type"),
        (["x"], "wrong_type"),
    ],
    ids=ascii,
)
def test_texts(value, refused):
    assert code(NAME, value) == refused


def test_optional_texts_may_be_empty_and_lines_may_break():
    assert [code(OPTIONAL, value) for value in ("", " ", "\n")] == [None, None, "text_invalid"]
    assert [code(LINES, value) for value in ("a\n\tb", "a\rb", "a\x0bb", "a\x00b")] == [None, *["text_invalid"] * 3]
    assert [code(LINES, "x" * size) for size in (4_000, 4_001)] == [None, "text_too_long"]


def test_texts_are_kept_as_they_are():
    assert NAME.check(" Zo\u00eb  e\u0301 ") == " Zo\u00eb  e\u0301 "
    assert type(NAME.check(ClientStatus.ACTIVE)) is str


@pytest.mark.parametrize(
    "value",
    [
        "a@b.example",
        "first.last+tag@sub.firm.example",
        "o'neil@x-y.example",
        "A@B.EXAMPLE",
        "1@2.example",
        "_@x.example",
        "a" * 64 + "@" + "b" * 60 + ".example",
    ],
)
def test_plain_addresses_are_taken(value):
    assert atoms.email().check(value) == value
    assert atoms.email().check(f" \t{value}\n") == value


@pytest.mark.parametrize(
    "value",
    [
        "a", "a@", "@b.example", "a@b", "a@@b.example", "a@b@c.example", "a b@c.example", "a@b c.example",
        ".a@b.example",
        "a.@b.example", "a..b@c.example", "a@.example", "a@b..example", "a@-b.example", "a@b-.example", "a@b.example.",
        "Ana <a@b.example>", "a@b.example,c@d.example", '"a b"@c.example', "a@[127.0.0.1]", "a@127.0.0.1",
        "\u00e9@b.example",
        "a@b\u00fccher.example", "mailto:a@b.example", "a@" + "b" * 64 + ".example",
    ],
)  # fmt: skip
def test_other_addresses_are_refused(value):
    assert code(atoms.email(), value) == "email_format"


def test_bounds_of_addresses():
    longest = "a" * (254 - len("@" + "b" * 60 + ".example")) + "@" + "b" * 60 + ".example"
    assert [code(atoms.email(), longest), code(atoms.email(), "a" + longest)] == [None, "text_too_long"]
    assert code(atoms.email(), " ") == "blank"
    assert code(atoms.email(), "a\x00@b.example") == "text_invalid"
    assert code(atoms.email(), 7) == "wrong_type"


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("http://a.example", None),
        ("https://a.example/p?q=1#f", None),
        ("HTTPS://A.example:8080/", None),
        ("https://localhost/x", None),
        ("https://a.example?x", None),
        ("ftp://a.example", "url_format"),
        ("a.example", "url_format"),
        ("//a.example", "url_format"),
        ("http:/a.example", "url_format"),
        ("http://", "url_format"),
        ("https:// a.example", "url_format"),
        ("https://a.example/x y", "url_format"),
        ("https://a.example/\u00e9", "url_format"),
        ("https://user:word@a.example", "url_format"),
        ("javascript:alert(1)", "url_format"),
        (" https://a.example", "url_format"),
        ("https://a.example:123456", "url_format"),
        ("", "blank"),
        ("https://a.example/\n", "text_invalid"),
        ("https://a.example/" + "x" * 1_982, None),
        ("https://a.example/" + "x" * 1_983, "text_too_long"),
        (1, "wrong_type"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_urls(value, refused):
    assert code(atoms.url(), value) == refused


@pytest.mark.parametrize("extension", ["pdf", "doc", "docx", "ppt", "pptx", "xlsx", "csv", "txt", "key"])
def test_every_extension_in_any_case(extension):
    for written in (extension, extension.upper(), extension.title()):
        assert atoms.file_name().check(f"A-1_b.c.{written}") == f"A-1_b.c.{written}"


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ("1.pdf", None),
        ("a..pdf", None),
        ("x" * 251 + ".pdf", None),
        ("x" * 252 + ".pdf", "text_too_long"),
        ("", "blank"),
        (".pdf", "file_name_characters"),
        ("_a.pdf", "file_name_characters"),
        ("-a.pdf", "file_name_characters"),
        ("a b.pdf", "file_name_characters"),
        ("a/b.pdf", "file_name_characters"),
        ("..\\b.pdf", "file_name_characters"),
        ("\u00e9.pdf", "file_name_characters"),
        ("a\uff0epdf", "file_name_characters"),
        ("a\u0661.pdf", "file_name_characters"),
        (" a.pdf", "file_name_characters"),
        ("a.pdf\n", "text_invalid"),
        ("a", "file_extension_missing"),
        ("a.", "file_extension_missing"),
        ("a.exe", "file_extension_unsupported"),
        ("a.pdf.exe", "file_extension_unsupported"),
        ("a.xls", "file_extension_unsupported"),
        (None, "wrong_type"),
    ],
    ids=lambda value: ascii(value)[:40],
)
def test_file_names(value, refused):
    assert code(atoms.file_name(), value) == refused


@pytest.mark.parametrize(
    ("value", "row"),
    [
        (1, "1.00"),
        (0.01, "0.01"),
        (25.0, "25.00"),
        (0.1, "0.10"),
        (10_000_000, "10000000.00"),
        (9_999_999.99, "9999999.99"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1.500"), "1.50"),
        (1e3, "1000.00"),
    ],
    ids=str,
)
def test_amounts_are_exact(value, row):
    made = atoms.money().check(value)
    assert type(made) is Decimal
    assert str(made) == row


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (0, "amount_not_positive"),
        (0.0, "amount_not_positive"),
        (-0.0, "amount_not_positive"),
        (-0.01, "amount_not_positive"),
        (-1e300, "amount_not_positive"),
        (10_000_000.01, "amount_above_ceiling"),
        (10_000_001, "amount_above_ceiling"),
        (1e300, "amount_above_ceiling"),
        (10**17, "amount_above_ceiling"),
        (0.001, "amount_precision"),
        (1.005, "amount_precision"),
        (5e-324, "amount_precision"),
        (0.1 + 0.2, "amount_precision"),
        (float("nan"), "wrong_type"),
        (float("inf"), "wrong_type"),
        (float("-inf"), "wrong_type"),
        (Decimal("NaN"), "wrong_type"),
        (10**400, "amount_above_ceiling"),
        (-(10**400), "amount_not_positive"),
        ("5", "wrong_type"),
        ("5 EUR", "wrong_type"),
        (True, "wrong_type"),
        (None, "wrong_type"),
        ([5], "wrong_type"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_other_amounts_are_refused(value, refused):
    assert code(atoms.money(), value) == refused


@given(st.integers(1, 10**9))
def test_every_amount_in_cents_survives_as_a_float(cents):
    assert atoms.money().check(cents / 100) == Decimal(cents) / 100


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (1, None),
        (99, None),
        (50.0, None),
        (0, "probability_range"),
        (100, "probability_range"),
        (-1, "probability_range"),
        (10**17, "probability_range"),
        (0.5, "probability_not_whole"),
        (99.5, "probability_not_whole"),
        (150.5, "probability_not_whole"),
        ("50", "wrong_type"),
        ("fifty", "wrong_type"),
        (True, "wrong_type"),
        (float("nan"), "wrong_type"),
        (None, "wrong_type"),
    ],
    ids=str,
)
def test_probabilities(value, refused):
    assert code(atoms.percent(), value) == refused


def test_a_probability_is_a_whole_number():
    made = atoms.percent().check(50.0)
    assert (made, type(made)) == (50, int)


@pytest.mark.parametrize("value", ["2025-12-01", "2024-02-29", "0001-01-01", "9999-12-31"])
def test_days(value):
    assert atoms.day().check(value) == value
    assert atoms.day().to_python(value) == date.fromisoformat(value)


@pytest.mark.parametrize(
    "value",
    [
        "", "2025-02-29", "2025-02-30", "2025-13-01", "2025-00-01", "2025-01-00", "0000-01-01", "2025-1-1", "25-01-01",
        "20250101", "2025-W01-1", "2025-001", "2025/01/01", "01.01.2025", "01-01-2025", "1 January 2025", "tomorrow",
        "2025-01-01T00:00:00", "2025-01-01 00:00", "2025-01-01Z", " 2025-01-01", "2025-01-01 ", "2025-01-01\n",
        "\u0662\u0660\u0662\u0665-01-01", "2025\u201001\u201001", "-2025-01-01", "+2025-1-01", "10000-01-01",
    ],
    ids=ascii,
)  # fmt: skip
def test_other_ways_to_write_a_day_are_refused(value):
    assert code(atoms.day(), value) == "date_format"


def test_a_day_is_a_text():
    assert [code(atoms.day(), value) for value in (20250101, None, date(2025, 1, 1))] == ["wrong_type"] * 3


@pytest.mark.parametrize("value", ["2025-10-30T09:00:00Z", "2024-02-29T23:59:59Z"])
def test_moments(value):
    assert atoms.stamp().check(value) == value
    assert atoms.stamp().to_python(value).tzinfo == UTC


@pytest.mark.parametrize(
    "value",
    ["2025-10-30", "2025-10-30T09:00:00", "2025-10-30T09:00:00+00:00", "2025-10-30 09:00:00Z", "2025-02-30T09:00:00Z",
     "2025-10-30T24:00:00Z", "2025-10-30T09:00:60Z", "2025-10-30T09:00:00.5Z", ""],
)  # fmt: skip
def test_other_moments_are_refused(value):
    assert code(atoms.stamp(), value) == "date_format"


def test_a_moment_of_another_zone_is_told_in_utc():
    """The same instant: eleven in a zone two hours ahead is nine."""
    there = datetime(2025, 10, 30, 11, tzinfo=timezone(timedelta(hours=2)))
    assert atoms.stamp().from_python(there) == "2025-10-30T09:00:00Z"


@pytest.mark.parametrize("word", ["Prospecting", "Closed-Won"])
def test_enums_exactly(word):
    atom = atoms.enum(OpportunityStage)
    assert atom.check(word) == word
    assert atom.to_python(word) is OpportunityStage(word)
    for near in (word.lower(), word.upper(), f"{word} ", f" {word}", word[:-1], word.replace("-", " ") + "?", ""):
        assert code(atom, near) == "enum_value"
    assert [code(atom, value) for value in (0, None, True, [word])] == ["wrong_type"] * 4


def test_lists_of_names():
    assert atoms.names().check(["a", "b"]) == ("a", "b")
    assert atoms.names().check([]) == ()
    cases = {"blank": [" "], "text_invalid": ["a\x00"], "text_too_long": ["x" * 201], "wrong_type": ["a", 1]}
    for refused, value in cases.items():
        assert code(atoms.names(), value) == refused
    assert [code(atoms.names(), value) for value in ("a", None, {"a": 1})] == ["wrong_type"] * 3


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        (1, None),
        (100, None),
        (7.0, None),
        (0, "number_range"),
        (101, "number_range"),
        (1.5, "wrong_type"),
        (True, "wrong_type"),
        ("1", "wrong_type"),
    ],
    ids=repr,
)
def test_whole_numbers(value, refused):
    assert code(atoms.whole(1, 100), value) == refused


def test_sentences_show_what_came_shortly():
    for value in (*JSONISH, *EXOTIC):
        assert len(atoms.short(value)) <= 60
