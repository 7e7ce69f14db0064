"""The law, rule by rule, on a small store: what each refuses, at which field, in which words, and what it lets be."""

import pytest
from furnished import TODAY, furnished, rid

from crm_gym import rules
from crm_gym.errors import ToolError
from crm_gym.schema import TABLES


@pytest.fixture(scope="module")
def crm():
    return furnished()


def refused(crm, rule, values, row=None):
    """Code and field of the refusal, None if there is none."""
    try:
        assert rule(crm.store, TODAY, values, row) is None
    except ToolError as error:
        return error.code, error.field
    return None


def deal(crm, name):
    return crm.store.get("Opportunity", rid(name))


@pytest.mark.parametrize("length", [1, 59, 60, 61, 62, 500])
def test_an_unknown_id_is_shown_in_at_most_sixty_characters(length):
    record = "a" * length
    shown = record if length <= 60 else "a" * 57 + "..."
    error = rules.not_found("Client", "client_id", record)
    assert (error.code, error.field) == ("not_found", "client_id")
    assert str(error) == f"client_id must be the id of an existing Client; there is none with {shown!r}."


REFERENCES = [
    ("Contact", "client_id", "mill", "oven"),
    ("Opportunity", "client_id", "mill", "bo"),
    ("Quote", "opportunity_id", "oven", "mill"),
    ("Contract", "client_id", "mill", "oven"),
    ("Contract", "opportunity_id", "oven", "mill"),
]


@pytest.mark.parametrize(("table", "field", "right", "wrong"), REFERENCES)
def test_a_reference_names_a_record_of_its_entity(crm, table, field, right, wrong):
    rule = rules.references_exist(table)
    assert refused(crm, rule, {field: rid(right)}) is None
    assert refused(crm, rule, {field: None}) is None
    assert refused(crm, rule, {}) is None
    for record in (rid(wrong), "nowhere", ""):
        assert refused(crm, rule, {field: record}) == ("not_found", field)


@pytest.mark.parametrize("table", ["Document", "Note"])
def test_a_reference_of_any_kind_follows_the_kind_given_or_standing(crm, table):
    rule = rules.references_exist(table)
    standing = next(row for row in crm.store.find(table) if row.entity_type == "Quote")
    assert refused(crm, rule, {"entity_type": "Quote", "entity_id": rid("q1")}) is None
    assert refused(crm, rule, {"entity_type": "Client", "entity_id": rid("q1")}) == ("not_found", "entity_id")
    assert refused(crm, rule, {"entity_id": rid("q2")}, standing) is None
    assert refused(crm, rule, {"entity_id": rid("mill")}, standing) == ("not_found", "entity_id")
    assert refused(crm, rule, {"entity_type": "Client", "entity_id": rid("mill")}, standing) is None
    with pytest.raises(ToolError, match="existing Client"):
        rule(crm.store, TODAY, {"entity_type": "Client", "entity_id": "x"}, standing)


def test_an_email_is_one_clients_and_may_stay_its_own(crm):
    mill = crm.store.get("Client", rid("mill"))
    for email in ("mill@old.example", " MILL@OLD.example "):
        assert refused(crm, rules.email_is_free, {"email": email}) == ("duplicate_email", "email")
        assert refused(crm, rules.email_is_free, {"email": email}, mill) is None
    assert refused(crm, rules.email_is_free, {"email": "mills@old.example"}, mill) == ("duplicate_email", "email")
    for values in ({"email": "new@old.example"}, {"email": None}, {}):
        assert refused(crm, rules.email_is_free, values) is None


@pytest.mark.parametrize("name", ["won", "lost"])
def test_a_closed_deal_keeps_its_terms_and_may_change_the_rest(crm, name):
    locked = ("client_id", "amount", "stage", "close_date", "probability")
    assert locked == rules.LOCKED_WHEN_CLOSED
    rule = rules.closed_deal_is_locked
    for field in locked:
        for value in (None, "x"):
            assert refused(crm, rule, {field: value}, deal(crm, name)) == ("closed_deal_locked", field)
        assert refused(crm, rule, {field: 1}, deal(crm, "oven")) is None
        assert refused(crm, rule, {field: 1}) is None
    assert refused(crm, rule, {"name": "x", "owner": "y", "notes": "z"}, deal(crm, name)) is None
    assert refused(crm, rule, {"notes": "z", "probability": 1, "amount": 2}, deal(crm, name)) == (
        "closed_deal_locked",
        "amount",
    )


@pytest.mark.parametrize(("day", "lawful"), [("2025-10-29", False), (TODAY, True), ("2025-10-31", True), (None, True)])
def test_a_close_date_is_today_or_later(crm, day, lawful):
    answer = None if lawful else ("date_in_past", "close_date")
    assert refused(crm, rules.close_date_is_ahead, {"close_date": day}) == answer
    assert refused(crm, rules.close_date_is_ahead, {}) is None


@pytest.mark.parametrize(
    ("values", "lawful"),
    [
        ({"start_date": "2026-01-02", "end_date": "2026-01-01"}, False),
        ({"start_date": "2026-01-02", "end_date": "2026-01-02"}, True),
        ({"start_date": "2026-01-02", "end_date": "2026-01-03"}, True),
        ({"end_date": "2020-01-01"}, True),
        ({"start_date": "2020-01-01"}, True),
        ({}, True),
    ],
)
def test_a_contract_does_not_end_before_it_starts(crm, values, lawful):
    answer = None if lawful else ("date_order", "end_date")
    assert refused(crm, rules.contract_ends_after_start, values) == answer


@pytest.mark.parametrize(
    ("values", "lawful"),
    [
        ({"end_date": "2025-01-31"}, False),
        ({"end_date": "2025-02-01"}, True),
        ({"start_date": "2026-02-01"}, False),
        ({"start_date": "2026-01-31"}, True),
        ({"start_date": None, "end_date": "2000-01-01"}, True),
        ({"status": "Expired"}, True),
    ],
)
def test_a_date_given_is_held_against_the_one_that_stands(crm, values, lawful):
    row = crm.store.get("Contract", rid("c1"))
    answer = None if lawful else ("date_order", "end_date")
    assert refused(crm, rules.contract_ends_after_start, values, row) == answer


def first_refusal(crm, laws, values, row=None):
    return next((found for rule in laws if (found := refused(crm, rule, values, row))), None)


def test_every_table_is_held_to_its_laws_in_order(crm):
    assert list(rules.NEW) == list(rules.CHANGED) == list(TABLES)
    sizes = {"Client": 1, "Contact": 1, "Opportunity": 2, "Quote": 1, "Contract": 2, "Company": 0}
    sizes |= {"Document": 1, "Note": 1}
    assert {table: len(laws) for table, laws in rules.NEW.items()} == sizes
    assert {table: len(laws) for table, laws in rules.CHANGED.items()} == {**sizes, "Opportunity": 3}
    past = {"client_id": "x", "close_date": "2000-01-01"}
    won = deal(crm, "won")
    assert first_refusal(crm, rules.NEW["Opportunity"], past) == ("not_found", "client_id")
    assert first_refusal(crm, rules.CHANGED["Opportunity"], past, won) == ("not_found", "client_id")
    late = {"close_date": "2000-01-01"}
    assert first_refusal(crm, rules.NEW["Opportunity"], late) == ("date_in_past", "close_date")
    assert first_refusal(crm, rules.CHANGED["Opportunity"], late, won) == ("closed_deal_locked", "close_date")
    assert first_refusal(crm, rules.CHANGED["Opportunity"], late, deal(crm, "oven")) == ("date_in_past", "close_date")
    for table in ("Contact", "Quote", "Contract", "Document", "Note"):
        values = {"client_id": "x", "opportunity_id": "x", "entity_type": "Client", "entity_id": "x"}
        values |= {"start_date": "2026-01-02", "end_date": "2026-01-01"}
        for laws in (rules.NEW, rules.CHANGED):
            assert first_refusal(crm, laws[table], values)[0] == "not_found"
    backwards = {"start_date": "2026-01-02", "end_date": "2026-01-01"}
    assert first_refusal(crm, rules.NEW["Contract"], backwards) == ("date_order", "end_date")
    taken = {"email": "mill@old.example"}
    assert first_refusal(crm, rules.CHANGED["Client"], taken) == ("duplicate_email", "email")


def test_who_may_point_at_whom_and_what_then_happens():
    attached = (("Document", "entity_id", "cascade"), ("Note", "entity_id", "cascade"))
    assert {table: rules.referrers(table) for table in TABLES} == {
        "Client": (
            ("Contact", "client_id", "restrict"),
            ("Opportunity", "client_id", "restrict"),
            ("Contract", "client_id", "restrict"),
            *attached,
        ),
        "Contact": (attached[1],),
        "Opportunity": (("Quote", "opportunity_id", "cascade"), ("Contract", "opportunity_id", "empty"), *attached),
        "Quote": attached,
        "Contract": attached,
        "Company": (),
        "Document": (),
        "Note": (),
    }
