"""The verbs: what each does and refuses, in which order, and that a failing call leaves nothing behind."""

import json
import re

import pytest
from furnished import FULL, REQUIRED, TODAY, arguments, furnished, rid
from pydantic import BaseModel

from crm_gym import CODES, TOOL_NAMES, TOOLS, ToolCall, ToolError, ToolResult
from crm_gym.entities import ENTITIES
from crm_gym.schema import TABLES
from crm_gym.store.memory import MemoryStore
from crm_gym.tools import call

IN_ORDER = (
    "create_new_opportunity",
    "modify_opportunity",
    "opportunity_search",
    "view_opportunity_details",
    "opportunity_details",
    "clone_opportunity",
    "summarize_opportunities",
    "delete_opportunity",
    "create_new_client",
    "modify_client",
    "client_search",
    "create_new_contact",
    "modify_contact",
    "contact_search",
    "create_quote",
    "modify_quote",
    "cancel_quote",
    "delete_quote",
    "quote_search",
    "quote_details",
    "compare_quotes",
    "compare_quote_details",
    "quote_prefixes",
    "create_contract",
    "contract_search",
    "company_search",
    "upload_document",
    "add_note",
    "respond",
    "decline",
    "finish",
    "ask_user",
)
REQUESTS = {
    "create_new_opportunity": 3_683,
    "modify_opportunity": 2_939,
    "opportunity_search": 2_279,
    "upload_document": 2_190,
    "create_quote": 1_804,
    "view_opportunity_details": 878,
    "contact_search": 375,
    "clone_opportunity": 267,
    "summarize_opportunities": 194,
    "client_search": 192,
    "create_new_client": 142,
    "create_new_contact": 111,
    "contract_search": 40,
    "quote_search": 32,
    "create_contract": 24,
    "company_search": 8,
    "opportunity_details": 6,
    "modify_client": 3,
    "modify_quote": 3,
    "cancel_quote": 2,
    "modify_contact": 2,
    "add_note": 1,
    "delete_opportunity": 1,
    "delete_quote": 1,
    "compare_quotes": 1,
    "compare_quote_details": 1,
    "quote_details": 1,
    "quote_prefixes": 1,
}
EVERY_TOOL = pytest.mark.parametrize("tool", TOOL_NAMES)
SEARCHES = {name: tool for name, tool in TOOLS.items() if name.endswith("_search")}
MODIFIES = {"modify_opportunity": "oven", "modify_client": "mill", "modify_contact": "bo", "modify_quote": "q1"}


@pytest.fixture
def crm():
    return furnished()


def run(crm, tool, **given):
    """The value of a call that must work."""
    result = call(crm, ToolCall(tool, given))
    assert result.error is None, result.error
    return result.value


def refusal(crm, tool, **given):
    """Code and field of a call that must be refused and change nothing."""
    before, digest = len(crm.journal), crm.state_hash()
    result = call(crm, ToolCall(tool, given))
    assert result.error is not None, result.value
    assert not result.ok
    assert (len(crm.journal), crm.state_hash()) == (before, digest)
    assert result.error.code in CODES
    assert result.error.message.endswith((".", "?"))
    return result.error.code, result.error.field


# The table of tools


def test_the_order_of_tools_is_published():
    """The place is the tool's number in the action space: recorded actions and trained policies hold on to it."""
    assert TOOL_NAMES == tuple(TOOLS) == IN_ORDER


def test_requests_are_those_of_the_team():
    assert {name: tool.requests for name, tool in TOOLS.items() if tool.kind in ("read", "write")} == REQUESTS
    assert sum(REQUESTS.values()) == 15_181


def test_kinds():
    kinds = {name: tool.kind for name, tool in TOOLS.items()}
    writes = r"(create|modify|clone|delete|cancel|upload|add)_.*"
    for name, kind in kinds.items():
        others = {"respond": "end", "decline": "end", "finish": "end", "ask_user": "ask"}
        assert kind == others.get(name, "write" if re.match(writes, name) else "read")


@EVERY_TOOL
def test_every_tool_says_what_it_does(tool):
    assert TOOLS[tool].name == tool
    assert len(TOOLS[tool].description) > 30
    assert TOOLS[tool].description == " ".join(TOOLS[tool].description.split())


def walk(schema):
    yield schema
    for inner in schema.get("properties", {}).values():
        yield from walk(inner)
    if "items" in schema:
        yield from walk(schema["items"])
    for inner in schema.get("anyOf", ()):
        yield from walk(inner)


@EVERY_TOOL
def test_schemas_are_plain_closed_and_described(tool):
    schema = TOOLS[tool].schema
    assert json.loads(json.dumps(schema)) == schema
    text = json.dumps(schema)
    assert "$ref" not in text
    assert "$defs" not in text
    for node in walk(schema):
        assert node.keys() <= {
            "type", "properties", "required", "additionalProperties", "description", "enum", "items", "format",
            "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "pattern", "anyOf", "minItems",
            "maxItems", "uniqueItems",
        }  # fmt: skip
        if node.get("type") == "object":
            assert node["additionalProperties"] is False
            assert set(node.get("required", ())) <= set(node["properties"])
            for argument in node["properties"].values():
                assert argument["description"]
    assert schema["type"] == "object"
    assert schema["properties"].keys() == {*TOOLS[tool].arguments.model_fields}


def conforms(schema, value):
    """A small reading of JSON Schema, enough for these."""
    kinds = {"string": str, "array": list, "object": dict, "number": (int, float), "integer": int}
    if "type" in schema and not (isinstance(value, kinds[schema["type"]]) and not isinstance(value, bool)):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, dict):
        properties = schema["properties"]
        known = value.keys() <= properties.keys() and set(schema.get("required", ())) <= value.keys()
        return known and all(conforms(properties[name], item) for name, item in value.items())
    if isinstance(value, list):
        return all(conforms(schema.get("items", {}), item) for item in value)
    if isinstance(value, str):
        return schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
    return schema.get("minimum", value) <= value <= schema.get("maximum", value)


@EVERY_TOOL
def test_valid_calls_conform_to_the_schema_and_work(tool, crm):
    assert conforms(TOOLS[tool].schema, FULL[tool])
    run(crm, tool, **arguments(tool))


@EVERY_TOOL
def test_results_are_json_and_reads_write_nothing(tool, crm):
    value = run(crm, tool, **arguments(tool))
    assert json.loads(json.dumps(value, allow_nan=False)) == value
    assert bool(crm.journal.net) == (TOOLS[tool].kind == "write")


@EVERY_TOOL
def test_calls_leave_their_arguments_alone(tool, crm):
    given = arguments(tool)
    run(crm, tool, **given)
    assert given == FULL[tool]


def test_schemas_follow_from_the_entities():
    for tool, table in (("create_new_client", "Client"), ("create_quote", "Quote"), ("create_contract", "Contract")):
        columns = [column for column in TABLES[table].columns if column.creatable]
        assert list(TOOLS[tool].schema["properties"]) == [column.name for column in columns]
        assert TOOLS[tool].schema["required"] == [column.name for column in columns if column.required]
    assert all(issubclass(model, BaseModel) for model in ENTITIES.values())


# Shape


@EVERY_TOOL
@pytest.mark.parametrize("given", [None, [], "x", 3, True, [["name", "x"]]], ids=repr)
def test_arguments_are_an_object(tool, given, crm):
    result = call(crm, ToolCall(tool, given))
    assert (result.error.code, result.error.field) == ("wrong_type", "arguments")


@EVERY_TOOL
def test_unknown_arguments_are_refused(tool, crm):
    assert refusal(crm, tool, **{**arguments(tool), "colour": "red"}) == ("unknown_field", "colour")


@EVERY_TOOL
def test_missing_arguments_are_refused(tool, crm):
    for name in TOOLS[tool].schema["required"]:
        given = arguments(tool)
        del given[name]
        assert refusal(crm, tool, **given) == ("missing_field", name)


@EVERY_TOOL
def test_optional_arguments_may_be_left_out(tool, crm):
    given = {name: value for name, value in arguments(tool).items() if name in TOOLS[tool].schema["required"]}
    run(crm, tool, **given)


def places(tool):
    """Argument names of a tool with their schemas; those inside updates as updates.name."""
    for name, schema in TOOLS[tool].schema["properties"].items():
        yield name, schema
        for inner, detail in schema.get("properties", {}).items():
            yield f"{name}.{inner}", detail


def put(given, place, value):
    *outer, name = place.split(".")
    for part in outer:
        given = given[part]
    given[name] = value
    return name


@EVERY_TOOL
def test_values_of_another_type_are_refused(tool, crm):
    wrong = {"string": [7, 1.5, True, [], {}], "number": ["7", True, []], "integer": ["7", False, {}]}
    wrong |= {"array": ["x", 7, {}], "object": ["x", 7, []]}
    for place, schema in places(tool):
        for value in wrong.get(schema.get("type"), ()):
            given = arguments(tool)
            name = put(given, place, value)
            assert refusal(crm, tool, **given) == ("wrong_type", name), (place, value)


@EVERY_TOOL
def test_null_is_for_what_is_optional(tool, crm):
    for name, schema in TOOLS[tool].schema["properties"].items():
        if name in TOOLS[tool].schema["required"] and "type" in schema:
            assert refusal(crm, tool, **{**arguments(tool), name: None}) == ("wrong_type", name)


@EVERY_TOOL
def test_enums_match_exactly(tool, crm):
    for place, schema in places(tool):
        for word in schema.get("enum", ()):
            for near in (word.swapcase(), f" {word}", f"{word} ", word[:-1], ""):
                given = arguments(tool)
                name = put(given, place, near)
                assert refusal(crm, tool, **given) == ("enum_value", name), (place, near)


@EVERY_TOOL
def test_control_characters_and_surrogates_are_refused(tool, crm):
    for place, schema in places(tool):
        if schema.get("type") == "string" and not {"enum", "format"} & schema.keys():
            for bad in ("a\x00b", "a\x1bb", "a\ud800b", "a\x85b"):
                given = arguments(tool)
                name = put(given, place, bad)
                assert refusal(crm, tool, **given) == ("text_invalid", name), (place, bad)


def test_unknown_tools_meet_the_right_one(crm):
    result = call(crm, ToolCall("create_client", {}))
    assert (result.error.code, result.error.field) == ("unknown_tool", "tool")
    assert "create_new_client" in result.error.message


def test_unknown_arguments_meet_the_right_one(crm):
    result = call(crm, ToolCall("create_new_client", {**arguments("create_new_client"), "adress": "x"}))
    assert "'address'" in result.error.message


# The published order of checks


def test_checks_run_in_the_published_order(crm):
    """Faults of every stage at once; mending the one reported brings up the next."""
    given = {
        "colour": "red",
        "client_id": rid("nobody"),
        "amount": "much",
        "stage": "Proposal",
        "close_date": "2020-01-01",
        "probability": 200,
    }
    seen = []
    for mend in (
        lambda: given.pop("colour"),
        lambda: given.update(name="D"),
        lambda: given.update(amount=5),
        lambda: given.update(probability=20),
        lambda: given.update(client_id=rid("mill")),
        lambda: given.update(close_date=TODAY),
    ):
        seen.append(refusal(crm, "create_new_opportunity", **given))
        mend()
    assert seen == [
        ("unknown_field", "colour"),
        ("missing_field", "name"),
        ("wrong_type", "amount"),
        ("probability_range", "probability"),
        ("not_found", "client_id"),
        ("date_in_past", "close_date"),
    ]
    run(crm, "create_new_opportunity", **given)


def test_the_order_of_a_change(crm):
    updates = {"colour": "red", "stage": "Sold", "client_id": rid("nobody"), "close_date": "2020-01-01"}
    given = {"id": rid("nothing"), "updates": updates, "more": 1}
    seen = []
    for mend in (
        lambda: updates.pop("colour"),
        lambda: given.pop("more"),
        lambda: updates.update(stage="Proposal"),
        lambda: given.update(id=rid("won")),
        lambda: updates.update(client_id=rid("mill")),
        lambda: given.update(id=rid("ovens")),
        lambda: updates.update(close_date="2026-01-01"),
    ):
        seen.append(refusal(crm, "modify_opportunity", **given))
        mend()
    assert {seen[0], seen[1]} == {("unknown_field", "colour"), ("unknown_field", "more")} or seen[0] == seen[1]
    assert [code for code, _ in seen[2:]] == [
        "enum_value",
        "not_found",
        "not_found",
        "closed_deal_locked",
        "date_in_past",
    ]
    run(crm, "modify_opportunity", **given)


def test_codes_are_listed_in_the_order_of_the_checks():
    order = list(CODES)
    stages = (
        "unknown_tool",
        "unknown_field",
        "missing_field",
        "wrong_type",
        "no_change",
        "not_found",
        "duplicate_email",
    )
    assert [order.index(code) for code in stages] == sorted(order.index(code) for code in stages)


# Creating


@pytest.mark.parametrize("tool", REQUIRED)
def test_creating_keeps_every_value_and_gives_an_id(tool, crm):
    table = {"opportunity": "Opportunity", "client": "Client", "contact": "Contact", "quote": "Quote"}.get(
        tool.rpartition("_")[2],
        {"create_contract": "Contract", "upload_document": "Document", "add_note": "Note"}.get(tool),
    )
    full = run(crm, tool, **arguments(tool))
    assert list(full) == [column.name for column in TABLES[table].columns]
    assert {name: full[name] for name in FULL[tool]} == FULL[tool]
    row = crm.get(table, full[TABLES[table].key])
    assert row is not None
    assert [change.after for change in crm.journal.changes] == [row]
    for column in TABLES[table].columns:
        if column.auto:
            assert full[column.name] == f"{TODAY}T09:00:00Z"


@pytest.mark.parametrize("tool", REQUIRED)
def test_creating_with_the_required_alone_leaves_the_rest_empty(tool, crm):
    made = run(crm, tool, **REQUIRED[tool])
    given_by_crm = {"created_date", "uploaded_at", "created_at"}
    rest = {name: value for name, value in made.items() if name not in REQUIRED[tool] and name not in given_by_crm}
    filled = {name: value for name, value in rest.items() if value is not None and not name.endswith("_id")}
    assert filled == ({"status": "Pending"} if tool == "create_contract" else {})


@pytest.mark.parametrize("tool", REQUIRED)
def test_nobody_chooses_an_id_or_a_time(tool, crm):
    table = next(t for t in TABLES.values() if TOOLS[tool].arguments.__name__ == f"New{t.name}")
    for column in table.columns:
        if not column.creatable:
            given = {**arguments(tool), column.name: rid("mine")}
            assert refusal(crm, tool, **given) in {("unknown_field", column.name), ("immutable_field", column.name)}


@pytest.mark.parametrize(
    ("tool", "field", "wrong"),
    [
        ("create_new_opportunity", "client_id", "oven"),
        ("create_new_contact", "client_id", "bo"),
        ("create_quote", "opportunity_id", "mill"),
        ("create_contract", "client_id", "c1"),
        ("create_contract", "opportunity_id", "q1"),
        ("upload_document", "entity_id", "oven"),
        ("add_note", "entity_id", "mill"),
    ],
)
@pytest.mark.parametrize("shape", ["other", "unknown", "no uuid", "upper", "empty"])
def test_references_must_exist(tool, field, wrong, shape, crm):
    good = FULL[tool][field]
    value = {"other": rid(wrong), "unknown": rid("nobody"), "no uuid": "17", "upper": good.upper(), "empty": ""}[shape]
    assert refusal(crm, tool, **{**arguments(tool), field: value}) == ("not_found", field)


@pytest.mark.parametrize("email", ["mill@old.example", "MILL@Old.Example", "  mill@old.example\t"])
def test_emails_of_clients_are_unique(email, crm):
    given = {**arguments("create_new_client"), "email": email}
    assert refusal(crm, "create_new_client", **given) == ("duplicate_email", "email")
    assert refusal(crm, "modify_client", id=rid("mills"), updates={"email": email}) == ("duplicate_email", "email")
    assert run(crm, "modify_client", id=rid("mill"), updates={"email": email})["email"] == email.strip()


def test_an_email_let_go_is_free(crm):
    run(crm, "modify_client", id=rid("mill"), updates={"email": "other@old.example"})
    run(crm, "create_new_client", **{**arguments("create_new_client"), "email": "mill@old.example"})


def test_contacts_may_share_an_email(crm):
    for _ in range(2):
        run(crm, "create_new_contact", **arguments("create_new_contact"))


@pytest.mark.parametrize(("day", "lawful"), [("2025-10-29", False), ("2025-10-30", True)])
def test_close_dates_are_ahead(day, lawful, crm):
    given = {**arguments("create_new_opportunity"), "close_date": day}
    if lawful:
        assert run(crm, "create_new_opportunity", **given)["close_date"] == day
        assert run(crm, "modify_opportunity", id=rid("oven"), updates={"close_date": day})["close_date"] == day
    else:
        assert refusal(crm, "create_new_opportunity", **given) == ("date_in_past", "close_date")
        changed = refusal(crm, "modify_opportunity", id=rid("oven"), updates={"close_date": day})
        assert changed == ("date_in_past", "close_date")


@pytest.mark.parametrize(("end", "lawful"), [("2025-10-31", False), ("2025-11-01", True), ("2025-11-02", True)])
def test_contracts_end_after_they_start(end, lawful, crm):
    given = {**arguments("create_contract"), "start_date": "2025-11-01", "end_date": end}
    if lawful:
        run(crm, "create_contract", **given)
    else:
        assert refusal(crm, "create_contract", **given) == ("date_order", "end_date")


def test_a_deal_may_be_created_closed(crm):
    for stage in ("Closed-Won", "Closed-Lost"):
        assert run(crm, "create_new_opportunity", **{**arguments("create_new_opportunity"), "stage": stage})


@pytest.mark.parametrize("kind", ["Contact", "Company", "Document"])
def test_documents_go_on_four_kinds_of_record(kind, crm):
    assert refusal(crm, "upload_document", **{**arguments("upload_document"), "entity_type": kind}) == (
        "enum_value",
        "entity_type",
    )


def test_a_blank_note_is_refused_and_a_long_one_kept(crm):
    given = arguments("add_note")
    assert refusal(crm, "add_note", **{**given, "content": " \n"}) == ("blank", "content")
    assert refusal(crm, "add_note", **{**given, "content": "x" * 4_001}) == ("text_too_long", "content")
    assert len(run(crm, "add_note", **{**given, "content": "line\n" * 800})["content"]) == 4_000


# Changing


@pytest.mark.parametrize("tool", MODIFIES)
def test_changing_touches_only_what_is_given(tool, crm):
    for name, value in FULL[tool]["updates"].items():
        before = run(crm, tool, id=rid(MODIFIES[tool]), updates={name: value})
        changes = crm.journal.net
        assert len(changes) <= 1
        for change in changes.values():
            differing = [f for f in change.after._fields if getattr(change.after, f) != getattr(change.before, f)]
            assert differing == [name]
        assert before[name] == value
        crm.undo(0)


@pytest.mark.parametrize("tool", MODIFIES)
def test_null_empties_what_is_optional_and_only_that(tool, crm):
    table = next(t for t in TABLES.values() if TOOLS[tool].arguments.__name__ == f"Modify{t.name}")
    for column in table.columns:
        if column.mutable:
            given = {"id": rid(MODIFIES[tool]), "updates": {column.name: None}}
            if column.required:
                assert refusal(crm, tool, **given) == ("wrong_type", column.name)
            else:
                assert run(crm, tool, **given)[column.name] is None


@pytest.mark.parametrize("tool", MODIFIES)
def test_ids_times_and_fixed_references_do_not_change(tool, crm):
    table = next(t for t in TABLES.values() if TOOLS[tool].arguments.__name__ == f"Modify{t.name}")
    for column in table.columns:
        if not column.mutable:
            given = {"id": rid(MODIFIES[tool]), "updates": {column.name: rid("mills")}}
            assert refusal(crm, tool, **given) == ("immutable_field", column.name)


@pytest.mark.parametrize("tool", MODIFIES)
def test_empty_updates_are_no_change(tool, crm):
    assert refusal(crm, tool, id=rid(MODIFIES[tool]), updates={}) == ("no_change", "updates")
    assert refusal(crm, tool, id="nothing", updates={}) == ("no_change", "updates")


@pytest.mark.parametrize("tool", MODIFIES)
def test_the_record_must_exist(tool, crm):
    for wrong in ("n1", "nobody"):
        assert refusal(crm, tool, id=rid(wrong), updates=FULL[tool]["updates"])[0] == "not_found"


@pytest.mark.parametrize("tool", MODIFIES)
def test_the_entitys_own_name_for_its_id_is_taken_too(tool, crm):
    key = next(t.key for t in TABLES.values() if TOOLS[tool].arguments.__name__ == f"Modify{t.name}")
    run(crm, tool, **{key: rid(MODIFIES[tool]), "updates": FULL[tool]["updates"]})


@pytest.mark.parametrize("name", ["won", "lost"])
def test_closed_deals_are_locked_but_for_words(name, crm):
    locked = {"stage": "Proposal", "amount": 5, "probability": 5, "close_date": "2026-01-01", "client_id": rid("mill")}
    for field, value in locked.items():
        for updates in ({field: value}, {"notes": "x", field: value}):
            assert refusal(crm, "modify_opportunity", id=rid(name), updates=updates) == ("closed_deal_locked", field)
    words = {"name": "N", "owner": "O", "notes": "P"}
    changed = run(crm, "modify_opportunity", id=rid(name), updates=words)
    assert {field: changed[field] for field in words} == words


def test_a_deal_may_move_to_another_client(crm):
    run(crm, "modify_opportunity", id=rid("oven"), updates={"client_id": rid("forge")})
    assert [row["opportunity_id"] for row in run(crm, "opportunity_search", client_id=rid("forge"))["rows"]] == [
        rid("oven"),
        rid("lost"),
    ]
    moved = refusal(crm, "modify_opportunity", id=rid("oven"), updates={"client_id": rid("bo")})
    assert moved == ("not_found", "client_id")


# Copying, cancelling, deleting


def test_a_clone_is_exact(crm):
    for name in ("oven", "won", "lost"):
        made = run(crm, "clone_opportunity", opportunity_id=rid(name))
        original = run(crm, "view_opportunity_details", opportunity_id=rid(name))
        assert {**made, "opportunity_id": rid(name)} == {field: original[field] for field in made}
        assert made["opportunity_id"] != rid(name)
        assert run(crm, "view_opportunity_details", opportunity_id=made["opportunity_id"])["quotes"] == []


def test_cancelling_keeps_the_quote(crm):
    cancelled = run(crm, "cancel_quote", quote_id=rid("q1"))
    assert cancelled == {**run(crm, "quote_search", quote_id=rid("q1"))["rows"][0], "status": "Canceled"}
    assert len(crm.journal.net) == 1


def test_deleting_says_what_went(crm):
    gone = run(crm, "delete_opportunity", opportunity_id=rid("oven"))
    assert gone["deleted"]["opportunity_id"] == rid("oven")
    assert gone["with_it"] == {"Quote": 2, "Document": 2, "Note": 2}
    assert refusal(crm, "delete_opportunity", opportunity_id=rid("oven")) == ("not_found", "opportunity_id")
    crm.undo(0)
    assert run(crm, "delete_quote", quote_id=rid("q1"))["with_it"] == {"Document": 1, "Note": 1}


@pytest.mark.parametrize(
    "tool", [name for name, given in FULL.items() if list(given) in (["opportunity_id"], ["quote_id"])]
)
def test_records_named_must_exist(tool, crm):
    (field,) = FULL[tool]
    for wrong in (rid("mill"), "", "17", FULL[tool][field].upper()):
        assert refusal(crm, tool, **{field: wrong}) == ("not_found", field)


# Atomicity


class BrokenError(Exception):
    pass


@pytest.mark.parametrize("fault", [BrokenError, ToolError, KeyboardInterrupt, MemoryError])
def test_a_call_that_fails_at_any_write_leaves_nothing(fault, crm, monkeypatch):
    """delete_opportunity makes eight writes: a contract let go, and seven records removed."""
    before = {table: list(crm.find(table)) for table in TABLES}
    digest = crm.state_hash()
    honest = MemoryStore.put
    for failing in range(1, 9):
        writes = 0

        def put(store, *change, failing=failing):
            nonlocal writes
            writes += 1
            if writes == failing:
                raise fault("not_found", "x", "No.") if fault is ToolError else fault
            honest(store, *change)

        monkeypatch.setattr(MemoryStore, "put", put)
        request = ToolCall("delete_opportunity", {"opportunity_id": rid("oven")})
        if fault is ToolError:
            assert call(crm, request).error.code == "not_found"
        else:
            with pytest.raises(fault):
                call(crm, request)
        assert writes >= failing
        assert crm.state_hash() == digest == crm.recomputed_hash()
        assert {table: list(crm.find(table)) for table in TABLES} == before
        assert len(crm.journal) == 0
    monkeypatch.setattr(MemoryStore, "put", honest)
    run(crm, "delete_opportunity", opportunity_id=rid("oven"))
    assert len(crm.journal) == 8


def test_a_tool_that_fails_after_its_write_leaves_nothing(crm, monkeypatch):
    digest = crm.state_hash()
    monkeypatch.setitem(TOOLS["add_note"].__dict__, "run", lambda crm, given: (_add(crm, given), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        call(crm, ToolCall("add_note", arguments("add_note")))
    assert crm.state_hash() == digest


def _add(crm, given):
    return crm.add("Note", given.__dict__)


# Reading


@pytest.mark.parametrize("tool", SEARCHES)
def test_searches_find_all_in_creation_order_and_page(tool, crm):
    table = next(t for t in TABLES.values() if TOOLS[tool].arguments.__name__ == f"{t.name}Criteria")
    everything = run(crm, tool)
    ids = [row[0] for row in crm.find(table.name)]
    assert [row[table.key] for row in everything["rows"]] == ids
    assert (everything["total"], everything["offset"], everything["limit"]) == (len(ids), 0, 20)
    one_by_one = [run(crm, tool, limit=1, offset=n)["rows"][0][table.key] for n in range(len(ids))]
    assert one_by_one == ids
    assert run(crm, tool, offset=len(ids))["rows"] == []


@pytest.mark.parametrize("tool", SEARCHES)
@pytest.mark.parametrize(
    ("page", "refused"),
    [
        ({"limit": 0}, ("number_range", "limit")),
        ({"limit": 101}, ("number_range", "limit")),
        ({"limit": 1.5}, ("wrong_type", "limit")),
        ({"limit": True}, ("wrong_type", "limit")),
        ({"offset": -1}, ("number_range", "offset")),
        ({"offset": "1"}, ("wrong_type", "offset")),
    ],
    ids=str,
)
def test_pages_have_bounds(tool, page, refused, crm):
    assert refusal(crm, tool, **page) == refused
    assert run(crm, tool, limit=100)["limit"] == 100


@pytest.mark.parametrize("tool", SEARCHES)
def test_every_field_is_a_criterion_that_finds_its_record(tool, crm):
    table = next(t for t in TABLES.values() if TOOLS[tool].arguments.__name__ == f"{t.name}Criteria")
    for row in run(crm, tool)["rows"]:
        for column in table.columns:
            value = row[column.name]
            if value is None:
                continue
            if column.atom.kind == "names":
                value = value[0]
            if column.atom.kind in ("text", "email", "url", "names"):
                value = value[1:].upper().replace("\n", "\n")
            found = run(crm, tool, **{column.name: value})
            assert row in found["rows"], (column.name, value)
            assert found["total"] == len(found["rows"])


def names(value):
    return [row["name"] for row in value["rows"]]


def test_criteria_are_anded(crm):
    assert names(run(crm, "opportunity_search", name="oven", owner="Ann")) == ["Oven"]
    assert names(run(crm, "opportunity_search", name="oven", owner="Lo")) == []
    assert names(run(crm, "client_search", name="old mill", status="Prospect")) == ["Old Mills"]
    assert names(run(crm, "opportunity_search", client_id=rid("mill"), stage="Prospecting")) == ["Ovens"]
    assert names(run(crm, "opportunity_search", opportunity_id=rid("oven"), client_id=rid("mills"))) == []


def test_texts_match_in_any_case_and_plainly(crm):
    assert names(run(crm, "client_search", name="ZO\u00cb")) == ["Zo\u00eb Forge"]
    for pattern in ("%", "_", "Old_Mill", "O.d", "*", "\\"):
        assert names(run(crm, "client_search", name=pattern)) == []
    assert names(run(crm, "company_search", name="& c")) == ["Bolt & Co"]
    assert names(run(crm, "client_search", phone="")) == ["Old Mill"]


def test_all_else_matches_exactly(crm):
    assert run(crm, "client_search", client_id=rid("mill")[:-1])["total"] == 0
    assert run(crm, "opportunity_search", amount=12500.5)["total"] == 1
    assert run(crm, "opportunity_search", amount=12500)["total"] == 0
    assert run(crm, "quote_search", valid_until="2025-11-30")["total"] == 1
    assert refusal(crm, "client_search", status="active") == ("enum_value", "status")
    assert refusal(crm, "opportunity_search", close_date="24.12.2025") == ("date_format", "close_date")


def test_company_contacts_are_searched_by_name(crm):
    assert names(run(crm, "company_search", contacts="jo p")) == ["Bolt & Co"]
    assert names(run(crm, "company_search", contacts="Kim Oh, Jo")) == []


@pytest.mark.parametrize("tool", ["view_opportunity_details", "opportunity_details"])
def test_details_of_a_deal(tool, crm):
    shown = run(crm, tool, opportunity_id=rid("oven"))
    assert shown["client"]["client_id"] == rid("mill")
    assert [quote["quote_id"] for quote in shown["quotes"]] == [rid("q1"), rid("q2")]
    assert [contract["contract_id"] for contract in shown["contracts"]] == [rid("c2")]
    assert [document["document_id"] for document in shown["documents"]] == [rid("d1")]
    assert [note["note_id"] for note in shown["notes_on_record"]] == [rid("n1")]
    assert (shown["notes"], shown["amount"]) == ("first", 12500.5)


def test_details_of_a_quote(crm):
    shown = run(crm, "quote_details", quote_id=rid("q1"))
    assert shown["opportunity"]["name"] == "Oven"
    assert [document["file_name"] for document in shown["documents"]] == ["offer.XLSX"]
    assert [note["content"] for note in shown["notes"]] == ["too dear"]


def test_summaries_count_and_add_exactly(crm):
    assert run(crm, "summarize_opportunities") == {
        "count": 4,
        "total_amount": 83410.5,
        "by_stage": {
            "Closed-Lost": {"count": 1, "total_amount": 10},
            "Closed-Won": {"count": 1, "total_amount": 70000},
            "Proposal": {"count": 1, "total_amount": 12500.5},
            "Prospecting": {"count": 1, "total_amount": 900},
        },
        "by_owner": {
            "": {"count": 2, "total_amount": 910},
            "Ann Ray": {"count": 1, "total_amount": 12500.5},
            "Lo Tan": {"count": 1, "total_amount": 70000},
        },
    }
    assert run(crm, "summarize_opportunities", client_id=rid("mill"))["count"] == 2
    assert run(crm, "summarize_opportunities", name="zzz") == {
        "count": 0,
        "total_amount": 0,
        "by_stage": {},
        "by_owner": {},
    }


def test_sums_are_exact(crm):
    for _ in range(10):
        run(crm, "create_new_opportunity", **{**arguments("create_new_opportunity"), "name": "Dime", "amount": 0.1})
    assert run(crm, "summarize_opportunities", name="Dime")["total_amount"] == 1


def test_quotes_are_compared(crm):
    ids = [rid("q2"), rid("q1"), rid("q3")]
    compared = run(crm, "compare_quotes", quote_ids=ids)
    assert [quote["quote_id"] for quote in compared["quotes"]] == ids
    assert (compared["cheapest"], compared["dearest"], compared["difference"]) == (rid("q2"), rid("q3"), 58500)
    details = run(crm, "compare_quote_details", quote_ids=ids[:2])
    assert details["fields"]["amount"] == [11500, 12000]
    assert {"amount", "status", "version"} <= set(details["differing"])
    assert "opportunity_id" not in details["differing"]


@pytest.mark.parametrize("tool", ["compare_quotes", "compare_quote_details"])
def test_comparing_takes_two_or_more_different_quotes(tool, crm):
    for ids in ([], [rid("q1")], [rid("q1"), rid("q1")], [rid("q1"), rid("q2"), rid("q1")]):
        assert refusal(crm, tool, quote_ids=ids) == ("number_range", "quote_ids")
    assert refusal(crm, tool, quote_ids=[rid("q1"), rid("oven")]) == ("not_found", "quote_ids")
    assert refusal(crm, tool, quote_ids=[rid("q1"), 7]) == ("wrong_type", "quote_ids")
    assert refusal(crm, tool, quote_ids=rid("q1")) == ("wrong_type", "quote_ids")


def test_prefixes_are_counted(crm):
    assert run(crm, "quote_prefixes") == [{"quote_prefix": "OM", "count": 2}]


# Ending


@pytest.mark.parametrize("answer", [0, 1.5, "", "x", None, True, [], [1, [2]], {"a": {"b": 1}}], ids=repr)
def test_any_json_is_an_answer(answer, crm):
    assert run(crm, "respond", answer=answer) == {"ended": "respond"}


def test_declining_takes_a_code(crm):
    for code in CODES:
        assert run(crm, "decline", code=code) == {"ended": "decline"}
    assert refusal(crm, "decline", code="nonsense") == ("enum_value", "code")
    assert refusal(crm, "decline", field="name") == ("missing_field", "code")
    assert run(crm, "finish") == {"ended": "finish"}


def test_a_result_knows_its_call(crm):
    request = ToolCall("finish", {})
    result = call(crm, request)
    assert isinstance(result, ToolResult)
    assert result.call is request
    assert result.ok
