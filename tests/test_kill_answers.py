"""Laws of comparing answers: what says the same is accepted in every form, what does not is not."""

from decimal import Decimal

import pytest
from furnished import furnished, rid

from crm_gym.crm import Crm
from crm_gym.schema import TABLES
from crm_gym.tasks.answer import Answer, Query, label, solve

NAMES = {"pump": "id1", "id1": "id1", "pipe": "id2", "id2": "id2"}


def record(value="id1"):
    return Answer("record", value, NAMES, "deal_id")


def judged(answer, *given):
    return [answer.accepts(one) for one in given]


def test_a_record_is_named_by_id_or_name_alone_or_in_a_list_of_one():
    right = (
        "id1",
        " ID1 ",
        "Pump",
        "\tPUMP\n",
        {"deal_id": "id1"},
        {"deal_id": " pump"},
        ["pump"],
        [{"deal_id": "id1"}],
    )
    assert all(one is True for one in judged(record(), *right))
    wrong = ("id2", "pipe", "", "pum", [], ["pump", "pump"], ["pump", "pipe"], {}, {"id": "id1"}, None, 1, True)
    assert all(one is False for one in judged(record(), *wrong))
    assert all(
        one is False for one in judged(record(), [["pump"]], {"deal_id": ["id1"]}, {"deal_id": {"deal_id": "id1"}})
    )


def test_records_are_a_set_of_known_ones():
    both = Answer("records", ["id1", "id2"], NAMES, "deal_id")
    assert judged(both, ["pump", "pipe"], ["id2", "id1", "PIPE"], [{"deal_id": "id1"}, "pipe"]) == [True] * 3
    assert judged(both, ["pump"], [], ["pump", "pipe", "else"], ["pump", "pipe", None], "pump", None) == [False] * 6
    assert judged(Answer("records", ["id1"], NAMES, "deal_id"), "pump", ["pump"], ["pump", "pump"]) == [True] * 3


@pytest.mark.parametrize("value", [12.5, Decimal("12.5"), Decimal("12.50")])
def test_numbers_are_equal_as_numbers_also_written_as_text(value):
    answer = Answer("value", value)
    assert judged(answer, 12.5, Decimal("12.50"), "12.5", " 12.500 ", "12.500000") == [True] * 5
    assert (
        judged(answer, 12, 12.51, -12.5, "12,5", "12.5000000", "+12.5", "012.5", "12.5.", ".5", "1e1", "")
        == [False] * 11
    )
    assert judged(answer, None, True, [12.5], {"value": 12.5}, float("nan"), float("inf")) == [False] * 6


def test_a_number_in_a_text_has_at_most_eighteen_digits_before_its_point():
    whole = 10**17 + 1
    assert judged(Answer("count", whole), whole, str(whole)) == [True, True]
    assert judged(Answer("count", whole * 10), whole * 10, str(whole * 10)) == [True, False]
    assert judged(Answer("count", 0), 0, "0", "-0", 0.0, False, "", None) == [True] * 4 + [False] * 3
    assert judged(Answer("sum", -3.25), "-3.25", "3.25", "--3.25") == [True, False, False]
    assert judged(Answer("count", 1), 1, 1.0, "1", True) == [True, True, True, False]


def test_no_number_is_equal_to_what_is_none():
    """Infinities and words are no numbers: two of them are not the same for that."""
    for word in ("x", float("inf"), float("-inf"), float("nan"), None, True):
        assert Answer("value", 5).accepts(word) is False


def test_sums_are_compared_digit_by_digit():
    assert judged(Answer("sum", 0.3), 0.3, "0.3", 0.1 + 0.2) == [True, True, False]


def test_texts_are_equal_but_for_white_space_around():
    assert judged(Answer("value", " v 1"), "v 1", "v 1\n", "V 1", "v  1", "", None, 1) == [True] * 2 + [False] * 5
    assert judged(Answer("value", "1"), "1", 1, True, ["1"]) == [True, False, False, False]


def test_other_values_are_equal_in_kind_and_content():
    contacts = Answer("value", ["Bo", "Cy"])
    assert judged(contacts, ["Bo", "Cy"], ["Cy", "Bo"], ("Bo", "Cy"), "Bo", None) == [True] + [False] * 4


def test_values_are_a_set():
    answer = Answer("values", ["a", 2])
    assert judged(answer, ["a", 2], [2.0, " a", "2"], ["a", 2, "a"]) == [True] * 3
    assert judged(answer, ["a"], [2], [], ["a", 2, 3], ["a", 2, None], "a", None, {}) == [False] * 8
    assert judged(Answer("values", ["a"]), "a", ["a"], "b", []) == [True, True, False, False]


def test_a_mapping_has_the_same_names_and_values():
    answer = Answer("mapping", {"Won": 2, "Lost": 1.5})
    assert judged(answer, {"Lost": "1.5", "Won": 2.0}, {"Won": 2, "Lost": 1.5}) == [True, True]
    wrong = (
        {"Won": 2},
        {"Won": 2, "Lost": 1},
        {"Won": 3, "Lost": 1.5},
        {"Won": 2, "Lost": 1.5, "Open": 0},
        {},
        [],
        None,
    )
    assert judged(answer, *wrong) == [False] * 7
    assert judged(answer, {"won": 2, "lost": 1.5}, [["Won", 2], ["Lost", 1.5]], "Won") == [False] * 3


def test_people_call_a_record_by_its_name_its_names_or_its_file():
    crm = furnished()
    labels = {table: next(map(label, crm.find(table))) for table in TABLES}
    assert labels == {
        "Client": "Old Mill",
        "Contact": "Bo Lind",
        "Opportunity": "Oven",
        "Quote": None,
        "Contract": None,
        "Company": "Bolt & Co",
        "Document": "plan.pdf",
        "Note": None,
    }


def twins() -> Crm:
    crm = furnished()
    for email, name in (("a@t.example", "Twin"), ("b@t.example", " tWIN "), ("c@t.example", rid("mill"))):
        crm.add("Client", {"name": name, "email": email, "status": "Active"})
    return crm


def test_a_name_that_several_have_or_that_is_an_id_names_none_of_them():
    crm = twins()
    answer = solve(Query.model_validate({"from": "Client", "where": {"name": "Old Mill"}, "give": "record"}), crm)
    ids = {row[0] for row in crm.find("Client")}
    assert answer.names == {one: one for one in ids} | {
        "old mill": rid("mill"),
        "old mills": rid("mills"),
        "zo\u00eb forge": rid("forge"),
    }
    assert (answer.key, answer.value, answer.rows) == ("client_id", rid("mill"), (rid("mill"),))
    quotes = solve(Query.model_validate({"from": "Quote", "give": "records"}), crm)
    assert set(quotes.names) == {row[0] for row in crm.find("Quote")}


def test_an_answer_cannot_be_changed_and_needs_no_names():
    plain = Answer("count", 3)
    assert (plain.names, plain.key, plain.rows) == ({}, "", ())
    with pytest.raises(AttributeError):
        plain.value = 4
