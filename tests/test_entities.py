"""The nouns: eight pydantic models, every field with its bounds, for people to make and to be handed."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from furnished import RECORDS, furnished, rid
from pydantic import ValidationError

import crm_gym
from crm_gym.entities import ENTITIES, Auto, Key, Ref, Unique
from crm_gym.schema import TABLES, entity_values, row_entity, row_json

STAMP = "2025-10-01T08:00:00Z"
FIELDS = {
    "Client": "client_id name! email! status! industry phone address owner created_date",
    "Contact": "contact_id first_name! last_name! client_id! title email phone notes",
    "Opportunity": "opportunity_id name! client_id! amount! stage! close_date owner probability notes",
    "Quote": "quote_id opportunity_id! amount! status! version valid_until quote_prefix created_date",
    "Contract": "contract_id client_id! opportunity_id status value start_date end_date document_url",
    "Company": "company_id name! type industry address contacts",
    "Document": "document_id entity_type! entity_id! file_name! uploaded_by uploaded_at file_url",
    "Note": "note_id entity_type! entity_id! content! created_by created_at",
}
ENUMS = {
    ("Client", "status"): "Active Prospect Inactive",
    ("Opportunity", "stage"): "Prospecting Qualification Proposal Negotiation Closed-Won Closed-Lost",
    ("Quote", "status"): "Draft Sent Approved Rejected Canceled",
    ("Contract", "status"): "Active Pending Expired",
    ("Company", "type"): "Partner Vendor Competitor",
    ("Document", "entity_type"): "Opportunity Contract Quote Client",
    ("Note", "entity_type"): "Opportunity Client Contact Quote Contract",
}
KINDS = {
    "money": {"Opportunity.amount", "Quote.amount", "Contract.value"},
    "percent": {"Opportunity.probability"},
    "date": {"Opportunity.close_date", "Quote.valid_until", "Contract.start_date", "Contract.end_date"},
    "datetime": {"Client.created_date", "Quote.created_date", "Document.uploaded_at", "Note.created_at"},
    "email": {"Client.email", "Contact.email"},
    "url": {"Contract.document_url", "Document.file_url"},
    "file_name": {"Document.file_name"},
    "names": {"Company.contacts"},
}
LEAST = {
    "Client": {"name": "A", "email": "a@a.example", "status": "Active"},
    "Contact": {"first_name": "A", "last_name": "B", "client_id": "c"},
    "Opportunity": {"name": "A", "client_id": "c", "amount": 1, "stage": "Proposal"},
    "Quote": {"opportunity_id": "o", "amount": 1, "status": "Draft"},
    "Contract": {"client_id": "c"},
    "Company": {"name": "A"},
    "Document": {"entity_type": "Client", "entity_id": "c", "file_name": "a.pdf"},
    "Note": {"entity_type": "Client", "entity_id": "c", "content": "x"},
}
EVERY = pytest.mark.parametrize("name", FIELDS)

NO_TEXT = [("wrong_type", 7), ("wrong_type", True), ("wrong_type", ["x"])]
WRONG = {
    "text": [*NO_TEXT, ("text_invalid", "a\x00"), ("text_invalid", "\ud800")],
    "id": NO_TEXT,
    "key": [("uuid_parsing", value) for value in (7, None, "", "x", rid("a").upper(), rid("a")[1:], rid("a") + "\n")],
    "email": [*NO_TEXT, ("email_format", "a@b"), ("blank", " ")],
    "url": [*NO_TEXT, ("url_format", "ftp://a.example")],
    "file_name": [*NO_TEXT, ("file_name_characters", "a b.pdf"), ("file_extension_missing", "a"),
                  ("file_extension_unsupported", "a.exe")],
    "money": [("wrong_type", "1"), ("wrong_type", True), ("amount_not_positive", 0), ("amount_precision", 0.001),
              ("amount_above_ceiling", 10_000_000.01), ("wrong_type", float("nan"))],
    "percent": [("wrong_type", "1"), ("probability_range", 0), ("probability_range", 100), ("probability_not_whole",
    1.5)],
    "date": [("wrong_type", 7), ("date_format", "2025-02-30"), ("date_format", "2025-01-01T00:00:00")],
    "datetime": [("wrong_type", 7), ("date_format", "2025-01-01")],
    "enum": [*NO_TEXT, ("enum_value", "active"), ("enum_value", "")],
    "names": [("wrong_type", "x"), ("wrong_type", [1]), ("blank", [""])],
}  # fmt: skip
RIGHT = {
    "text": ["x" * 200, "Zo\u00eb \u4e2d"],
    "id": ["anything"],
    "key": [rid("mine"), UUID(int=7)],
    "email": ["a.b@c.example"],
    "url": ["https://a.example/x"],
    "file_name": ["a.PDF"],
    "money": [0.01, 10_000_000, Decimal("5.25")],
    "percent": [1, 99],
    "date": ["2025-01-01", date(2025, 1, 1)],
    "datetime": [STAMP, datetime(2025, 1, 1, tzinfo=UTC)],
    "names": [[], ["a", "b"]],
}


def make(name, /, **values):
    return ENTITIES[name](**{**LEAST[name], **values})


def kind(column):
    """The kind of value; "key" for a record's own id, which must be a UUID."""
    return "key" if column.key else column.atom.kind.partition(":")[0]


def test_the_eight_in_order():
    assert list(ENTITIES) == list(FIELDS) == list(TABLES)
    for name, model in ENTITIES.items():
        assert getattr(crm_gym, name) is model


@EVERY
def test_fields_are_those_of_the_domain(name):
    words = FIELDS[name].split()
    assert ENTITIES[name].model_fields.keys() == {word.rstrip("!") for word in words}
    assert next(iter(ENTITIES[name].model_fields)) == words[0]
    required = {field for field, info in ENTITIES[name].model_fields.items() if info.is_required()}
    assert required == {word.rstrip("!") for word in words if word.endswith("!")}
    assert all(info.description for field, info in ENTITIES[name].model_fields.items())


@EVERY
def test_kinds_are_those_of_the_domain(name):
    for column in TABLES[name].columns:
        where = f"{name}.{column.name}"
        listed = [known for known, places in KINDS.items() if where in places]
        if (name, column.name) in ENUMS:
            assert column.atom.schema["enum"] == ENUMS[name, column.name].split()
        else:
            assert [kind(column)] == (listed or (["key"] if column.key else ["id"] if column.ref else ["text"]))


def test_marks_are_those_of_the_domain():
    columns = {f"{name}.{column.name}": column for name, table in TABLES.items() for column in table.columns}
    assert [where for where, column in columns.items() if column.unique] == ["Client.email"]
    assert {where for where, column in columns.items() if column.auto} == KINDS["datetime"]
    assert [where for where, column in columns.items() if column.key] == [f"{n}.{TABLES[n].key}" for n in TABLES]
    refs = {where: column.ref for where, column in columns.items() if column.ref}
    assert {where: ref.to for where, ref in refs.items()} == {
        "Contact.client_id": "Client",
        "Opportunity.client_id": "Client",
        "Quote.opportunity_id": "Opportunity",
        "Contract.client_id": "Client",
        "Contract.opportunity_id": "Opportunity",
        "Document.entity_id": "entity_type",
        "Note.entity_id": "entity_type",
    }
    assert [where for where, ref in refs.items() if ref.moves] == ["Opportunity.client_id"]
    assert all(isinstance(mark, type) for mark in (Auto, Key, Ref, Unique))


@EVERY
def test_ids_are_fresh_uuids_unless_given(name):
    key = TABLES[name].key
    one, two = make(name), make(name)
    assert getattr(one, key) != getattr(two, key)
    assert UUID(getattr(one, key)).version == 4
    assert getattr(make(name, **{key: rid("mine")}), key) == rid("mine")
    assert getattr(make(name, **{key: UUID(rid("mine"))}), key) == rid("mine")


@EVERY
def test_the_rest_is_empty_unless_given(name):
    made = make(name).model_dump()
    rest = {field: value for field, value in made.items() if field not in LEAST[name] and field != TABLES[name].key}
    expected = dict.fromkeys(rest) | ({"status": "Pending"} if name == "Contract" else {})
    assert rest == expected


@EVERY
def test_required_fields_are_required(name):
    for field in LEAST[name]:
        values = {other: value for other, value in LEAST[name].items() if other != field}
        with pytest.raises(ValidationError) as refusal:
            ENTITIES[name](**values)
        assert [(error["type"], error["loc"]) for error in refusal.value.errors()] == [("missing", (field,))]


def refusal_of(act):
    with pytest.raises(ValidationError) as refusal:
        act()
    (error,) = refusal.value.errors()
    return error["type"], error["loc"][0]


@EVERY
def test_wrong_values_are_refused_when_made_and_when_assigned(name):
    for column in TABLES[name].columns:
        cases = [*WRONG[kind(column)]]
        if kind(column) == "text" and column.required:
            cases += [("blank", ""), ("blank", " ")]
        if column.atom.limit and kind(column) == "text":
            cases.append(("text_too_long", "x" * (column.atom.limit + 1)))
        for code, value in cases:
            assert refusal_of(lambda c=column, v=value: make(name, **{c.name: v})) == (code, column.name)
            made = make(name)
            before = made.model_copy(deep=True)
            assert refusal_of(lambda c=column, v=value, m=made: setattr(m, c.name, v)) == (code, column.name)
            assert made == before


@EVERY
def test_right_values_are_taken_when_made_and_when_assigned(name):
    for column in TABLES[name].columns:
        for value in RIGHT.get(kind(column)) or column.atom.schema["enum"]:
            made = make(name)
            setattr(made, column.name, value)
            assert getattr(made, column.name) == getattr(make(name, **{column.name: value}), column.name)
            assert column.atom.check(column.atom.from_python(getattr(made, column.name))) is not None


@EVERY
def test_null_is_for_what_is_optional(name):
    for column in TABLES[name].columns:
        if column.name == "status" and name == "Contract":
            continue
        if column.required:
            with pytest.raises(ValidationError):
                make(name, **{column.name: None})
        else:
            assert getattr(make(name, **{column.name: None}), column.name) is None


def test_long_texts_have_their_limits():
    limits = {f"{n}.{c.name}": c.atom.limit for n, t in TABLES.items() for c in t.columns if kind(c) == "text"}
    assert {where for where, limit in limits.items() if limit == 4_000} == {
        "Contact.notes",
        "Opportunity.notes",
        "Note.content",
    }
    assert set(limits.values()) == {200, 4_000}


@EVERY
def test_unknown_fields_are_forbidden(name):
    with pytest.raises(ValidationError):
        make(name, colour="red")
    with pytest.raises(ValueError, match="colour"):
        make(name).colour = "red"


def test_values_show_as_python_has_them():
    deal = make("Opportunity", amount=12.5, close_date="2025-12-24", probability=40.0)
    assert (deal.amount, type(deal.amount)) == (Decimal("12.50"), Decimal)
    assert deal.close_date == date(2025, 12, 24)
    assert (deal.probability, type(deal.probability)) == (40, int)
    assert deal.stage is crm_gym.entities.OpportunityStage.PROPOSAL
    assert deal.stage == "Proposal"
    assert make("Client", created_date=STAMP).created_date == datetime(2025, 10, 1, 8, tzinfo=UTC)
    assert make("Client", email=" a@a.example ").email == "a@a.example"


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_rows_and_entities_say_the_same(record):
    table = TABLES[type(record).__name__]
    row = table.row(**entity_values(record))
    assert row_entity(row) == record
    assert list(row_json(row)) == list(type(record).model_fields)
    assert type(record).model_validate(record.model_dump()) == record


def test_copies_cannot_reach_the_crm():
    crm = furnished()
    before = crm.state_hash()
    for table in TABLES.values():
        for row in crm.find(table.name):
            entity = row_entity(row)
            for column in table.columns:
                if isinstance(value := getattr(entity, column.name), list):
                    value.clear()
                elif kind(column) in ("text", "id"):
                    setattr(entity, column.name, "changed")
    assert crm.state_hash() == before == crm.recomputed_hash()
    assert crm.get("Client", rid("mill")).name == "Old Mill"
