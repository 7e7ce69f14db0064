"""The published reader of values: every notation it promises, nothing in what is no value, and any text at all."""

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym.atoms import FILE_EXTENSIONS as KEPT
from crm_gym.extract import FILE_EXTENSIONS, KINDS, LEADS, dates, extract, numbers

settings.register_profile("house", deadline=None, derandomize=True, database=None, max_examples=300)
settings.load_profile("house")

UUID = "0a1b2c3d-0000-4000-8000-00000000000a"


def read(text):
    return [(one.kind, one.value) for one in extract(text)]


AMOUNTS = {
    "$12,500": 12500,
    "$12.5k": 12500,
    "12.5k": 12500,
    "12.5 K": 12500,
    "€12,500": 12500,
    "£0.99": Decimal("0.99"),
    "USD 12,500": 12500,
    "USD 12.5k": 12500,
    "12,500 dollars": 12500,
    "12,500.00 EUR": 12500,
    "1.2 million": 1_200_000,
    "$1.2M": 1_200_000,
    "$1.2 million": 1_200_000,
    "1.2 million dollars": 1_200_000,
    "12 thousand": 12_000,
    "twelve thousand": 12_000,
    "twenty dollars": 20,
    "-$500": -500,
    "$-500": -500,
}
PLAIN = {"12500": 12500, "12,500": 12500, "1,012,500.75": Decimal("1012500.75"), "-3": -3, "three": 3, "seventy": 70}
PERCENTS = {
    "12%": 12,
    "12 %": 12,
    "12 percent": 12,
    "12 per cent": 12,
    "twelve percent": 12,
    "Ninety-five per cent": 95,
}
DAYS = (
    *("2026-03-03", "3 March 2026", "3rd March 2026", "March 3, 2026", "March 3rd 2026", "3 Mar 2026", "3 Mar. 2026"),
    *("Tuesday 3 March 2026", "Tuesday, March 3, 2026", "3rd of March 2026", "Tuesday the 3rd of March 2026"),
)
AROUND = ("{}", "set it to {}, please", "is it {}?", "({})", "it was {}. Now go on", "{}\n")


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("kind", ["amount", "number", "percent"])
def test_numbers_in_every_notation(kind, around):
    for written, value in {"amount": AMOUNTS, "number": PLAIN, "percent": PERCENTS}[kind].items():
        assert [(one.kind, one.value) for one in extract(around.format(written)) if one.kind != "name"] == [
            (kind, value)
        ], written


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize("written", DAYS)
def test_dates_in_every_notation(written, around):
    text = around.format(written)
    assert dates(text) == {"2026-03-03"}
    assert numbers(text) == frozenset()


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("anna.o'brien+x@mail.acme.co.uk", "email"),
        ("https://files.example/a/b.pdf?v=2&n=3", "url"),
        ("Offer_v2.final.PDF", "file"),
        ("2026-03-03_minutes.docx", "file"),
        (UUID, "id"),
        ("+47 55 01 22 18", "phone"),
        ("(020) 7946 0991", "phone"),
        ("555-0142", "phone"),
        ("55 01 22 18", "phone"),
        ("Ødegård", "name"),
        ("Bank of Northmoor", "name"),
        ("Ana de Souza-Lima", "name"),
        ("O'Hara & Sons", "name"),
        ("Q3 Renewal", "name"),
        ("東京電機", "name"),
        ("Closed-Won", "name"),
    ],
)
@pytest.mark.parametrize("around", ["of {}", "of {}, please", "(of {})", "of {}. Now go on"])
def test_texts_are_found_whole(written, kind, around):
    assert read(around.format(written)) == [(kind, written)]


@pytest.mark.parametrize(
    "text",
    [
        *("v2", "the 3rd", "x3", "at 12:30", "on 03/04/2026", "1.2.3", "12-month"),
        *("1" * 19, "31 February 2026", "2026-02-30", "nobody", "someone", "tensions", ""),
    ],
)
def test_what_is_no_value(text):
    assert extract(text) == ()


def test_labels_hold_no_numbers():
    assert (
        numbers(f"version v2 of INV-2026-04, Q3, {UUID}, a3@b4.com, Offer_v2.pdf, http://x.y/7, +47 55 01 22") == set()
    )


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('note "Call on 3 March 2026 about $5k"', "Call on 3 March 2026 about $5k"),
        ("note “two\nlines”.", "two\nlines"),
        ("the 'Big' deal", "Big"),
        ("rename to 'O'Hara and Sons', now", "O'Hara and Sons"),
        ("rename to ‘O’Hara’.", "O’Hara"),
    ],
)
def test_quoted_text_is_one_value(text, inside):
    assert read(text) == [("quoted", inside)]


def test_apostrophes_quote_nothing():
    assert read("the clients' deals and the partners' quotes") == []


def test_names_at_the_beginning_of_a_sentence():
    assert read("Update Acme Ltd.") == [("name", "Acme Ltd")]
    assert read("done. Please tell Ana") == [("name", "Ana")]
    assert read("Requalify Acme Ltd") == [("name", "Requalify Acme Ltd"), ("name", "Acme Ltd")]
    assert read("Update") == []
    assert read("That's what I said, and I'm sure") == []
    assert all(read(word) == [] for word in LEADS)


def test_possessives_and_joined_names():
    assert read("on Acme's Fleet Renewal") == [("name", "Acme"), ("name", "Fleet Renewal")]
    assert read("for Ana Berg and O'Hara & Sons") == [
        *(("name", "Ana Berg and O'Hara & Sons"), ("name", "Ana Berg"), ("name", "O'Hara & Sons")),
    ]


def test_a_sentence_of_everything():
    text = (
        f"Set Fjord Rail (id {UUID}) to Closed-Won at $12.5k and sixty percent by 3 March 2026, attach Offer_v2.pdf "
        'from https://x.example/o, add the note "Won!", tell ana@x.example on +47 55 01 22 18 about 3 deals.'
    )
    assert [kind for kind, _ in read(text)] == [
        *("name", "id", "name", "amount", "percent", "date", "file", "url", "quoted", "email", "phone", "number"),
    ]


def test_extensions_are_those_the_crm_keeps():
    assert FILE_EXTENSIONS == KEPT


PIECES = [
    *AMOUNTS,
    *PLAIN,
    *PERCENTS,
    *DAYS,
    UUID,
    *"\"“”'‘’&-+$@.,:/()% \n\tAaeé9０٣",
    "http://",
    "of",
    "and",
    "k",
    ".pdf",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join), st.text(alphabet="aA1 .,'\"-@+$")))
def test_any_text_is_read(text):
    found = extract(text)
    assert [one.start for one in found] == sorted(one.start for one in found)
    for one in found:
        assert one.kind in KINDS
        assert 0 <= one.start < one.end <= len(text)
        piece = text[one.start : one.end]
        if one.kind in ("name", "url", "email", "file", "phone"):
            assert one.value == piece
        elif one.kind == "quoted":
            assert one.value == piece[1:-1]
    assert all(type(number) is Decimal and number.is_finite() for number in numbers(text))
    assert all(len(day) == 10 for day in dates(text))


@pytest.mark.parametrize(
    "unit",
    [
        '"',
        "“",
        "'a ",
        "‘a",
        "a.",
        "a@",
        "1,",
        "12 ",
        "- ",
        "http://",
        "Aa ",
        "A of ",
        "+1 ",
        "twenty-",
        "3 March ",
        "$",
    ],
)
def test_time_grows_with_the_text_alone(unit):
    """Quadratic reading would take a hundred times as long for ten times the text."""
    short, long = (unit * size for size in (400, 4_000))
    assert _quickest(long) < 40 * _quickest(short) + 0.002


def _quickest(text):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        extract(text)
        times.append(time.perf_counter() - start)
    return min(times)
