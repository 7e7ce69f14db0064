"""Laws of the atoms that their own tests leave open: bounds, schemas and the normal forms."""

import time
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from pydantic_core import PydanticCustomError

from crm_gym import atoms


def code(kind, value):
    """The code of the refusal, None if the value is taken."""
    try:
        kind.check(value)
    except PydanticCustomError as fault:
        return fault.type
    return None


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


SCHEMAS = [
    (atoms.text(), "text", 200, {"type": "string", "maxLength": 200, "minLength": 1}),
    (atoms.text(9, blank=True), "text", 9, {"type": "string", "maxLength": 9}),
    (atoms.email(), "email", 254, {"type": "string", "format": "email", "maxLength": 254}),
    (atoms.url(), "url", 2000, {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 2000}),
    (atoms.file_name(), "file_name", 255, {"type": "string", "maxLength": 255, "minLength": 1}),
    (atoms.money(), "money", 0, {"type": "number", "exclusiveMinimum": 0, "maximum": 10_000_000}),
    (atoms.percent(), "percent", 0, {"type": "integer", "minimum": 1, "maximum": 99}),
    (atoms.day(), "date", 0, {"type": "string", "format": "date"}),
    (atoms.stamp(), "datetime", 0, {"type": "string", "format": "date-time"}),
    (atoms.enum(Colour), "enum:Colour", 0, {"type": "string", "enum": ["red", "blue"]}),
    (atoms.names(), "names", 0, {"type": "array", "items": {"type": "string"}}),
    (atoms.record_id(), "id", 0, {"type": "string", "format": "uuid"}),
    (atoms.own_id(), "id", 0, {"type": "string", "format": "uuid"}),
    (atoms.whole(3, 7), "whole", 0, {"type": "integer", "minimum": 3, "maximum": 7}),
]


@pytest.mark.parametrize(("atom", "kind", "limit", "schema"), SCHEMAS, ids=[case[1] for case in SCHEMAS])
def test_what_is_published_of_each_kind(atom, kind, limit, schema):
    assert (atom.kind, atom.limit, dict(atom.schema)) == (kind, limit, schema)


def test_published_bounds():
    assert (atoms.MONEY_CEILING, atoms.PERCENT_LOW, atoms.PERCENT_HIGH) == (10_000_000, 1, 99)
    assert (atoms.NAME_CHARS, atoms.NOTE_CHARS, atoms.EMAIL_CHARS) == (200, 4_000, 254)
    assert (atoms.URL_CHARS, atoms.FILE_NAME_CHARS) == (2_000, 255)
    assert atoms.FILE_EXTENSIONS == ("pdf", "doc", "docx", "ppt", "pptx", "xlsx", "csv", "txt", "key")


@pytest.mark.parametrize("lines", [False, True])
@pytest.mark.parametrize("blank", [False, True])
def test_texts_at_their_bounds(lines, blank):
    kind = atoms.text(5, blank=blank, lines=lines)
    assert [code(kind, value) for value in ("abcde", "abcdef", " a ", "\u00e9" * 5)] == [
        None,
        "text_too_long",
        None,
        None,
    ]
    assert [code(kind, value) for value in ("", " ", "\u2003")] == [None if blank else "blank"] * 3
    assert [code(kind, value) for value in ("a\nb", "a\tb")] == [None if lines else "text_invalid"] * 2
    for char in "\x00\x08\x0b\x0c\r\x1f\x7f\x9f\ud800\udfff":
        assert code(kind, f"a{char}") == "text_invalid", ascii(char)
    for char in "\xa0\u2028\u200b\ue000\U0010ffff":
        assert code(kind, f"a{char}") is None, ascii(char)
    assert code(kind, "\x01" + "a" * 9) == "text_invalid"
    for value in (None, 1, True, b"a", ["a"]):
        assert code(kind, value) == "wrong_type"
    assert code(kind, Colour.BLUE) is None
    assert type(kind.check(Colour.RED)) is str


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        (atoms.money(), "x", "must be an amount, as a number"),
        (atoms.percent(), "x", "must be a whole percentage, as a number"),
        (atoms.whole(1, 2), "x", "must be a whole number, as a number"),
        (atoms.enum(Colour), "x", "must be one of red, blue, exactly"),
        (atoms.file_name(), "x", "must end in one of pdf, doc, docx, ppt, pptx, xlsx, csv, txt, key;"),
    ],
)
def test_a_refusal_names_what_is_expected(kind, value, words):
    with pytest.raises(PydanticCustomError, match=words):
        kind.check(value)


def test_a_moment_without_a_zone_is_utc_wherever_the_machine_stands(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Etc/GMT+5")
        time.tzset()
        assert atoms.stamp_text(datetime(2024, 2, 29, 1, 2, 3)) == "2024-02-29T01:02:03Z"
    time.tzset()


def test_long_notes_with_lines_and_long_plain_ones():
    assert code(atoms.text(5, lines=True), "a\nbcd") is None
    assert code(atoms.text(5, lines=True), "a\nbcdef") == "text_too_long"
    assert code(atoms.text(5), "a\u2028bcdef") == "text_too_long"


def test_an_address_is_trimmed_and_counted_then():
    kind = atoms.email()
    assert kind.check("  ana@firm.example\n") == "ana@firm.example"
    local = "a" * (254 - len("@firm.example"))
    assert kind.check(f" {local}@firm.example ") == f"{local}@firm.example"
    assert code(kind, f"{local}a@firm.example") == "text_too_long"
    assert kind.check(f"{local}@firm.example") == f"{local}@firm.example"
    for value in ("ana", "ana@", "@firm.example", "ana@firm", "ana@firm.1", "a..b@firm.example", "ana@-f.example"):
        assert code(kind, value) == "email_format", value
    assert code(kind, " ") == "blank"
    assert code(kind, 3) == "wrong_type"
    assert type(kind.check(type("Text", (str,), {})("ana@firm.example"))) is str


def test_a_url_is_a_text_first():
    kind = atoms.url()
    assert kind.check("HTTPS://Firm.example:80/a?b#c") == "HTTPS://Firm.example:80/a?b#c"
    assert code(kind, "http://f.example/" + "a" * 1983) is None
    assert code(kind, "http://f.example/" + "a" * 1984) == "text_too_long"
    for value in (
        "ftp://f.example",
        "f.example",
        "http://",
        "http://\u017fub.example",
        "http://f.example:123456",
        "http://f/\u00e9",
    ):
        assert code(kind, value) == "url_format", value
    assert [code(kind, value) for value in ("", 3)] == ["blank", "wrong_type"]


def test_file_names_at_their_bounds():
    kind = atoms.file_name()
    assert code(kind, "a" * 251 + ".pdf") is None
    assert code(kind, "a" * 252 + ".pdf") == "text_too_long"
    assert [code(kind, value) for value in ("a", "a.", "a.b.", "a.b", ".pdf", "a b.pdf")] == [
        "file_extension_missing",
        "file_extension_missing",
        "file_extension_missing",
        "file_extension_unsupported",
        "file_name_characters",
        "file_name_characters",
    ]
    for extension in atoms.FILE_EXTENSIONS:
        assert kind.check(f"a.{extension.upper()}") == f"a.{extension.upper()}"


def test_amounts_at_their_bounds():
    kind = atoms.money()
    for value, row in (
        (0.01, "0.01"),
        (10_000_000, "10000000.00"),
        (1, "1.00"),
        (Decimal("2.50"), "2.50"),
        (1e7, "10000000.00"),
    ):
        assert str(kind.check(value)) == row
    refused = {0: "amount_not_positive", 10_000_000.01: "amount_above_ceiling"}
    refused |= {10_000_001: "amount_above_ceiling", 0.001: "amount_precision", -1: "amount_not_positive"}
    refused |= {10**400: "amount_above_ceiling", -(10**400): "amount_not_positive", 0.015: "amount_precision"}
    for value, answer in refused.items():
        assert code(kind, value) == answer, value
    for value in (True, None, "1", float("nan"), float("inf"), Decimal("NaN"), Decimal("Infinity"), [1], 1j):
        assert code(kind, value) == "wrong_type", value


def test_whole_numbers_at_their_bounds():
    for kind, low, high, fraction, outside in (
        (atoms.percent(), 1, 99, "probability_not_whole", "probability_range"),
        (atoms.whole(3, 7), 3, 7, "wrong_type", "number_range"),
    ):
        for value in (low, high, float(low), Decimal(high), low + 1):
            assert kind.check(value) == value
            assert type(kind.check(value)) is int
        assert [code(kind, value) for value in (low - 1, high + 1, 10**400, -(10**400))] == [outside] * 4
        assert [code(kind, value) for value in (low + 0.5, low - 0.5, Decimal("3.1"))] == [fraction] * 3
        assert [code(kind, value) for value in (True, "3", None, float("nan"))] == ["wrong_type"] * 4


def test_bounds_beyond_any_number_there_is_are_found_out_without_its_digits():
    kind = atoms.whole(0, 10**18)
    assert kind.check(10**18) == 10**18
    assert code(atoms.whole(-(10**18), 0), -(10**18) - 1) is None
    assert atoms.whole(0, 10**19).check(10**19) == 10**18


def test_amounts_as_json_numbers():
    for amount, number in (("5.00", 5), ("5.50", 5.5), ("10000000.00", 10_000_000), ("0.01", 0.01)):
        made = atoms.number_json(Decimal(amount))
        assert (made, type(made)) == (number, type(number))
    assert atoms.money().to_json(Decimal("5.00")) == 5


def test_days_between_wire_row_entity_and_json():
    kind = atoms.day()
    assert kind.check("2024-02-29") == "2024-02-29"
    assert kind.to_python("2024-02-29") == date(2024, 2, 29)
    assert kind.from_python(date(2024, 2, 29)) == kind.to_json(date(2024, 2, 29)) == "2024-02-29"
    moment = datetime(2024, 2, 29, 1, 2, 3)
    assert kind.from_python(moment) is moment
    assert [code(kind, value) for value in ("2023-02-29", "20240229", "29.2.2024", "", 3)] == ["date_format"] * 4 + [
        "wrong_type"
    ]


def test_moments_between_wire_row_entity_and_json():
    kind, text = atoms.stamp(), "2024-02-29T01:02:03Z"
    moment = datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC)
    assert kind.check(text) == text
    assert kind.to_python(text) == moment
    elsewhere = moment.astimezone(timezone(timedelta(hours=5)))
    for value in (moment, elsewhere, moment.replace(tzinfo=None)):
        assert kind.from_python(value) == kind.to_json(value) == text
    assert atoms.stamp_text("as it is") == "as it is"
    assert atoms.stamp_text(date(2024, 1, 1)) == date(2024, 1, 1)
    wrong = ("2024-02-30T01:02:03Z", "2024-02-29T01:02:03", "2024-02-29T24:00:01Z", "2024-02-29 01:02:03Z", "")
    assert [code(kind, value) for value in (*wrong, 3)] == ["date_format"] * 5 + ["wrong_type"]


def test_enums_take_their_words_exactly():
    kind = atoms.enum(Colour)
    assert kind.check("red") == kind.check(Colour.RED) == "red"
    assert type(kind.check(Colour.RED)) is str
    assert kind.to_python("blue") is Colour.BLUE
    assert [code(kind, value) for value in ("Red", "red ", "", 3, None)] == ["enum_value"] * 3 + ["wrong_type"] * 2


def test_lists_of_names_are_lists_of_texts():
    kind = atoms.names()
    assert kind.check(["a", "b"]) == kind.check(("a", "b")) == ("a", "b")
    assert kind.check([]) == ()
    assert kind.to_python(("a",)) == ["a"]
    assert [code(kind, value) for value in ("ab", {"a": 1}, None, [1], [""])] == ["wrong_type"] * 4 + ["blank"]


ID = "0123abcd-0123-0123-0123-0123456789ab"


def test_ids_are_texts_and_ones_own_are_uuids():
    for kind in (atoms.record_id(), atoms.own_id()):
        assert kind.from_python(UUID(ID)) == kind.from_python(ID) == kind.check(ID) == ID
        assert code(kind, 3) == "wrong_type"
    assert atoms.record_id().from_python("any") == "any"
    assert atoms.record_id().from_python(3) == 3
    for value in (ID.upper(), ID + "0", ID[1:], "any", 3, None):
        with pytest.raises(PydanticCustomError) as caught:
            atoms.own_id().from_python(value)
        assert caught.value.type == "uuid_parsing"
