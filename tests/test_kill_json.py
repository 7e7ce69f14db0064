"""Laws of strict JSON: each limit holds at its bound, for texts and for values, through every door."""

import json
from enum import StrEnum

import numpy as np
import pytest

from crm_gym import strict_json
from crm_gym.strict_json import MAX_CHARS, MAX_DEPTH, MAX_DIGITS, NotStrict, encode, normal, parse, parse_flat


def refusal(door, value):
    """What the refusal says, None if there is none."""
    try:
        door(value)
    except NotStrict as fault:
        return str(fault)
    return None


def test_the_limits_are_those_published():
    assert (MAX_CHARS, MAX_DEPTH, MAX_DIGITS) == (65_536, 32, 18)


def nested(depth, kind="list"):
    value = {} if kind == "dict" else []
    for _ in range(depth - 1):
        value = {"a": value} if kind == "dict" else [value]
    return value


@pytest.mark.parametrize("kind", ["list", "dict"])
def test_thirty_two_levels_are_read_and_no_more(kind):
    for depth in (1, 31, 32):
        value = nested(depth, kind)
        assert parse(json.dumps(value)) == normal(value) == value
    for door, value in ((parse, json.dumps(nested(33, kind))), (normal, nested(33, kind))):
        assert refusal(door, value) == "at most 32 levels of nesting are read"


def test_brackets_side_by_side_or_in_texts_are_not_deep():
    for text in (
        "[" + ",".join(["[[]]"] * 40) + "]",
        json.dumps({"a": "[" * 99, "b": []}),
        json.dumps(["{" * 40, '"[' * 40]),
    ):
        assert parse(text) == json.loads(text)
    deep = '["' + "\\\\" + '",' + "[" * 32 + "]" * 33
    assert refusal(parse, deep) == "at most 32 levels of nesting are read"
    quoted = '["' + '\\"' + "[" * 40 + '",[]]'
    assert parse(quoted) == ['"' + "[" * 40, []]
    back = "[" + "[" * 31 + "]" * 31 + "," + "[" * 31 + "]" * 31 + "]"
    assert parse(back) == json.loads(back)
    assert refusal(parse, "[" + "{}," * 3 + "[" * 32 + "]" * 33) == "at most 32 levels of nesting are read"


def test_a_text_has_at_most_65536_bytes():
    longest = '{"a":"' + "x" * (MAX_CHARS - 8) + '"}'
    assert len(longest) == MAX_CHARS
    assert parse(longest)["a"] == "x" * (MAX_CHARS - 8)
    assert refusal(parse, longest + " ") == "at most 65,536 bytes are read; got 65,537 characters"
    wide = '{"a":"' + "\u00e9" * (MAX_CHARS // 2 - 4) + '"}'
    assert parse(wide)["a"][0] == "\u00e9"
    assert refusal(parse, wide + " ").startswith("at most 65,536 bytes are read; got 32,7")
    assert parse_flat(longest + " ") is None
    assert parse_flat(longest) == parse(longest)


def cost(value):
    return refusal(normal, [value, "x" * (MAX_CHARS - 6 - size(value))]), refusal(
        normal, [value, "x" * (MAX_CHARS - 5 - size(value))]
    )


def size(value):
    return {None: 4, True: 4, False: 4}.get(value, 0) if value is None or type(value) is bool else len(encode(value))


@pytest.mark.parametrize("value", [None, True, False, 5, -12345, 1.5, 1e100, "abc", ""])
def test_a_value_may_cost_as_many_bytes_as_a_text(value):
    """Two brackets and a comma each, the text's own quotes, and the value: to the byte."""
    assert cost(value) == (None, "at most 65,536 bytes are read")


def test_names_cost_their_quotes_and_a_colon():
    free = MAX_CHARS - 3 - (2 + 3) - 2
    assert normal({"ab": "x" * free}) == {"ab": "x" * free}
    assert refusal(normal, {"ab": "x" * (free + 1)}) == "at most 65,536 bytes are read"
    wide = {"\u00e9": "x" * free}
    assert normal(wide) == wide
    assert refusal(normal, {"\u00e9\u00e9": "x" * free}) == "at most 65,536 bytes are read"


def test_bytes_are_counted_not_characters():
    half = (MAX_CHARS - 2) // 2
    assert normal("\u00e9" * half) == "\u00e9" * half
    assert refusal(normal, "\u00e9" * (half + 1)) == "at most 65,536 bytes are read"
    assert refusal(normal, "\ud800" * 21_845) is not None
    assert normal("\ud800" * 21_844) == "\ud800" * 21_844


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_have_eighteen_digits(sign):
    most = sign * (10**18 - 1)
    for wrapped in (most, [most], {"a": most}):
        assert parse(json.dumps(wrapped)) == normal(wrapped) == wrapped
    for wrapped in (sign * 10**18, [sign * 10**18], {"a": sign * 10**18}):
        assert refusal(normal, wrapped) == "whole numbers have at most 18 digits"
        assert refusal(parse, json.dumps(wrapped)).startswith("whole numbers have at most 18 digits; got ")
    assert refusal(parse, f"[{'-' * (sign < 0)}{'9' * 19}]") is not None
    assert parse_flat(json.dumps({"a": sign * 10**18})) is None
    assert parse_flat(json.dumps({"a": most})) == {"a": most}


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_numbers_are_finite(word):
    for text in (word, f"[{word}]", f'{{"a":{word}}}'):
        assert refusal(parse, text) is not None
    assert parse_flat(f'{{"a":{word}}}') is None
    for value in (float("nan"), float("inf"), float("-inf")):
        assert refusal(normal, value) == f"{value} is no JSON"
        with pytest.raises(ValueError, match="not JSON compliant"):
            encode(value)


def test_refusals_say_what_is_wrong():
    assert refusal(parse, "[NaN]") == "NaN is no JSON"
    assert refusal(parse, "[1e999]") == "numbers must be finite; 1e999 is not"
    assert refusal(parse, f"[{'9' * 30}.5e999]") == f"numbers must be finite; {'9' * 20} is not"
    assert refusal(parse, '[{"a":1,"b":1,"a":2}]') == "the name 'a' stands twice in one object"
    assert refusal(parse, '{"b":{"c":1,"c":1}}') == "the name 'c' stands twice in one object"
    assert refusal(parse, '[{"b":1,"a":1,"c":1,"a":2}]') == "the name 'a' stands twice in one object"
    assert refusal(parse, "[1,]") == "Expecting value at character 4"
    assert refusal(normal, {1: 2}) == "names in an object are texts; got int"
    assert refusal(normal, {1, 2}) == "set is no JSON value"
    assert refusal(normal, object()) == "object is no JSON value"
    assert refusal(normal, b"x") == "bytes is no JSON value"


@pytest.mark.parametrize(
    "text",
    ['{"a":1,"b":"x"}', "{}", '{"a":null,"b":true,"c":false,"d":-1.5}', ' {"a": 1}\n'],
)
def test_flat_objects_are_read_in_a_hurry(text):
    assert parse_flat(text) == json.loads(text) == parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "1",
        "null",
        '"x"',
        '{"a":1,"a":1}',
        '{"a":":"}',
        '{"a":[]}',
        '{"a":{}}',
        '{"a":"\u00e9"}',
        '{"a":1',
        "",
        "{",
    ],
)
def test_what_is_not_flat_and_plain_is_not_read_in_a_hurry(text):
    assert parse_flat(text) is None


@pytest.mark.parametrize(
    "text", ["[]", "1", "null", '"x"', '{"a":":"}', '{"a":[1,{}]}', '{"a":"\u00e9"}', "-0.0", "true"]
)
def test_the_rest_is_read_at_leisure(text):
    assert repr(parse(text)) == repr(json.loads(text))


class Colour(StrEnum):
    RED = "red"


def test_values_become_plain_json_types():
    given = {
        "enum": Colour.RED,
        Colour.RED: ("a", ["b"]),
        "bool": np.bool_(True),
        "int": np.int64(5),
        "float": np.float32(0.5),
        "text": np.str_("x"),
        "array": np.array(7),
        "none": None,
    }
    plain = {
        "enum": "red",
        "red": ["a", ["b"]],
        "bool": True,
        "int": 5,
        "float": 0.5,
        "text": "x",
        "array": 7,
        "none": None,
    }
    made = normal(given)
    assert repr(made) == repr(plain)
    assert [type(name) for name in made] == [str] * 8
    assert [type(value) for value in made.values()] == [type(value) for value in plain.values()]
    assert refusal(normal, np.array([1])) == "ndarray is no JSON value"
    assert refusal(normal, np.float64("nan")) == "nan is no JSON"


def test_empty_values_and_values_near_nought_stay():
    for value in ([], {}, "", 0, 0.0, -0.0, False, [[]], {"": ""}):
        assert repr(normal(value)) == repr(value)
        assert repr(parse(json.dumps(value))) == repr(value)


@pytest.mark.parametrize("value", [{"a": [1, 2.5, '\u00e9\n"', None, True]}, "x", 3, [], {"b": 1, "a": 2}])
@pytest.mark.parametrize("quick", [True, False])
def test_json_is_written_compact_in_ascii_and_in_the_order_given(monkeypatch, value, quick):
    if not quick:
        monkeypatch.setattr(json.encoder, "c_make_encoder", None)
    write = strict_json._encoder()
    assert write(value) == json.dumps(value, separators=(",", ":"))
    assert encode(value) == write(value)
    with pytest.raises(TypeError, match="not JSON serializable"):
        write({"a": object()})
    with pytest.raises(TypeError, match="keys must be str"):
        write({(1, 2): 3})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write(float("nan"))
