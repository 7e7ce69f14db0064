"""Judgement on small tasks made by hand: goals, answers, queries and the verdict over them."""

import itertools
from decimal import Decimal

import pytest

from crm_gym.errors import TaskError
from crm_gym.schema import TABLES
from crm_gym.tasks.answer import Query, solve
from crm_gym.tasks.goal import AnswerGoal, equal_values
from crm_gym.tasks.session import Session
from crm_gym.tasks.task import Task
from crm_gym.tasks.world import World
from crm_gym.tools import ToolCall, ToolResult, call
from crm_gym.verify import SPARE, Verdict, verify

RECORDS = [
    {"table": "Client", "key": "acme", "name": "Acme", "email": "a@acme.example", "status": "Active"},
    {"table": "Client", "key": "bolt", "name": "Bolt", "email": "b@bolt.example", "status": "Prospect", "phone": "12"},
    {"table": "Client", "key": "twin1", "name": "Twin", "email": "t1@twin.example", "status": "Inactive"},
    {"table": "Client", "key": "twin2", "name": "twin ", "email": "t2@twin.example", "status": "Inactive"},
    {"table": "Contact", "key": "ada", "first_name": "Ada", "last_name": "Ray", "client_id": "@acme", "notes": "x"},
    {
        "table": "Opportunity",
        "key": "pump",
        "name": "Pump",
        "client_id": "@acme",
        "amount": 100.5,
        "stage": "Proposal",
        "owner": "Kim",
        "close_date": "2026-05-01",
        "probability": 40,
    },
    {"table": "Opportunity", "key": "pipe", "name": "Pipe", "client_id": "@acme", "amount": 50, "stage": "Proposal"},
    {"table": "Opportunity", "key": "tank", "name": "Tank", "client_id": "@bolt", "amount": 25, "stage": "Closed-Won"},
    {"table": "Quote", "key": "q1", "opportunity_id": "@pump", "amount": 90, "status": "Draft", "version": "1"},
    {"table": "Quote", "key": "q2", "opportunity_id": "@pump", "amount": 95, "status": "Draft", "version": "v2"},
    {"table": "Contract", "key": "deal", "client_id": "@acme", "opportunity_id": "@pump", "value": 100.5},
    {"table": "Document", "key": "scan", "entity_type": "Quote", "entity_id": "@q1", "file_name": "scan.pdf"},
    {"table": "Note", "key": "memo", "entity_type": "Opportunity", "entity_id": "@pump", "content": "call"},
    {"table": "Company", "key": "rival", "name": "Rival", "type": "Competitor", "contacts": ["Bo", "Cy"]},
]
WORLD = {"name": "verify", "today": "2026-01-10", "records": RECORDS}
HOME = World("verify", "2026-01-10", [(r["table"], {k: v for k, v in r.items() if k != "table"}) for r in RECORDS])


def a_task(**parts):
    return Task.from_mapping({"id": "T-1", "family": "create_new_client", "request": "Do it.", "world": WORLD} | parts)


def judged(task, *calls):
    """The verdict after those calls; "@key" stands for ids in them."""
    crm = task.world.crm.fork(1)
    results = [call(crm, ToolCall(tool, task.world.resolve(arguments, "test"))) for tool, arguments in calls]
    return verify(task, crm.journal, results)


CREATE = ("create_new_client", {"name": "New", "email": "n@new.example", "status": "Active"})
NEW = {"create": "Client", "fields": {"name": "New", "email": "n@new.example", "status": "Active"}}
CREATING = {"solution": [{"tool": CREATE[0], "arguments": CREATE[1]}], "changes": [NEW]}


def creating(**more):
    return a_task(**{**CREATING, **more})


# Changes


def test_the_expected_change_and_nothing_else_is_success():
    assert judged(creating(), CREATE) == Verdict(True, 1.0)


def test_nothing_done_is_no_success():
    verdict = judged(creating())
    assert (verdict.success, verdict.progress, verdict.unmet, verdict.excess) == (False, 0.0, 1, 0)
    assert verdict.missing == creating().goal.changes
    assert verdict.summary() == {"success": False, "progress": 0.0, "missing": 1, "unexpected": 0}


@pytest.mark.parametrize("field", ["industry", "phone", "address", "owner"])
def test_a_field_nobody_asked_for_fails(field):
    assert not judged(creating(), (CREATE[0], {**CREATE[1], field: "x"})).success


@pytest.mark.parametrize(("field", "value"), [("name", "new"), ("email", "m@new.example"), ("status", "Prospect")])
def test_a_wrong_field_fails(field, value):
    verdict = judged(creating(), (CREATE[0], {**CREATE[1], field: value}))
    assert (verdict.success, verdict.progress) == (False, 0.0)
    assert (verdict.unmet, verdict.excess) == (1, 1)
    assert verdict.unexpected[0].table == "Client"


def test_free_fields_may_hold_anything_and_others_may_not():
    task = creating(changes=[{**NEW, "free": ["phone", "industry"]}])
    assert judged(task, (CREATE[0], {**CREATE[1], "phone": "1", "industry": "x"})).success
    assert judged(task, CREATE).success
    assert not judged(task, (CREATE[0], {**CREATE[1], "owner": "Kim"})).success


def test_id_and_times_of_a_new_record_are_free():
    task = creating()
    first, second = task.world.crm.fork(1), task.world.crm.fork("other")
    for crm in (first, second):
        call(crm, ToolCall(*CREATE))
    (one,), (two,) = first.journal.net, second.journal.net
    assert one != two
    assert verify(task, first.journal).success
    assert verify(task, second.journal).success


def test_a_new_record_does_not_stand_for_an_update_nor_an_update_for_a_new_record():
    update = {"update": "@acme", "fields": {"name": "New", "email": "n@new.example"}}
    modify = ("modify_client", {"id": "@acme", "updates": {"name": "New", "email": "n@new.example"}})
    assert judged(creating(changes=[update]), modify).success
    assert not judged(creating(changes=[update]), CREATE).success
    assert not judged(creating(), modify).success


def test_the_right_update_on_the_wrong_record_fails():
    task = creating(changes=[{"update": "@pipe", "fields": {"owner": "Kim"}}])
    assert judged(task, ("modify_opportunity", {"id": "@pipe", "updates": {"owner": "Kim"}})).success
    assert not judged(task, ("modify_opportunity", {"id": "@tank", "updates": {"owner": "Kim"}})).success


def test_a_change_taken_back_counts_for_nothing():
    slip = [("modify_client", {"id": "@bolt", "updates": {"phone": phone}}) for phone in ("99", "12")]
    assert judged(creating(), *slip, CREATE).success
    assert not judged(creating(), slip[0], CREATE).success


def test_what_is_said_does_not_count_where_the_state_does():
    for tool, arguments in (("respond", {"answer": "New"}), ("finish", {}), ("decline", {"code": "blank"})):
        assert not judged(creating(), (tool, arguments)).success
        assert judged(creating(), CREATE, (tool, arguments)).success


def test_an_update_may_empty_a_field():
    task = creating(changes=[{"update": "@bolt", "fields": {"phone": ""}}])
    assert judged(task, ("modify_client", {"id": "@bolt", "updates": {"phone": None}})).success
    assert not judged(task, ("modify_client", {"id": "@bolt", "updates": {"phone": ""}})).success


def test_amounts_are_compared_as_numbers():
    task = creating(changes=[{"update": "@pump", "fields": {"amount": 120}}])
    for amount in (120, 120.0):
        assert judged(task, ("modify_opportunity", {"id": "@pump", "updates": {"amount": amount}})).success
    assert not judged(task, ("modify_opportunity", {"id": "@pump", "updates": {"amount": 120.01}})).success


def test_a_free_update_asks_only_that_the_rest_stays():
    task = creating(changes=[{"update": "@pump", "fields": {"owner": "Lee"}, "free": ["notes"]}])
    for updates in ({"owner": "Lee"}, {"owner": "Lee", "notes": "why"}):
        assert judged(task, ("modify_opportunity", {"id": "@pump", "updates": updates})).success
    for updates in ({"notes": "why"}, {"owner": "Lee", "probability": 41}):
        assert not judged(task, ("modify_opportunity", {"id": "@pump", "updates": updates})).success


def test_contract_status_defaults_to_pending_when_the_goal_leaves_it_out():
    task = creating(changes=[{"create": "Contract", "fields": {"client_id": "@bolt"}}])
    for arguments in ({}, {"status": "Pending"}, {"status": None}):
        assert judged(task, ("create_contract", {"client_id": "@bolt", **arguments})).success
    assert not judged(task, ("create_contract", {"client_id": "@bolt", "status": "Active"})).success


# Deletes

GONE = [{"delete": f"@{key}"} for key in ("pump", "q1", "q2", "scan", "memo")]
LET_GO = {"update": "@deal", "fields": {"opportunity_id": ""}}
DELETE = ("delete_opportunity", {"opportunity_id": "@pump"})


def test_a_cascading_delete_is_all_that_goes_and_what_lets_go():
    assert judged(creating(changes=[*GONE, LET_GO]), DELETE).success


@pytest.mark.parametrize("left_out", range(6))
def test_a_cascading_delete_must_be_expected_whole(left_out):
    changes = [*GONE, LET_GO]
    del changes[left_out]
    verdict = judged(creating(changes=changes), DELETE)
    assert (verdict.success, verdict.unmet, verdict.excess) == (False, 0, 1)
    assert verdict.progress == pytest.approx(5 / 6)


def test_a_delete_of_less_is_not_the_whole():
    verdict = judged(creating(changes=[*GONE, LET_GO]), ("delete_quote", {"quote_id": "@q1"}))
    assert (verdict.success, verdict.unmet, verdict.excess) == (False, 4, 0)
    assert verdict.progress == pytest.approx(2 / 6)


def test_a_record_made_and_deleted_is_no_change():
    task = creating(changes=[{"delete": "@q2"}])
    crm = task.world.crm.fork(1)
    made = call(crm, task_call(task, "create_quote", opportunity_id="@pump", amount=1, status="Draft")).value
    call(crm, task_call(task, "delete_quote", quote_id="@q2"))
    assert not verify(task, crm.journal).success
    call(crm, ToolCall("delete_quote", {"quote_id": made["quote_id"]}))
    assert verify(task, crm.journal).success


def task_call(task, tool, **arguments):
    return ToolCall(tool, task.world.resolve(arguments, "test"))


# Progress


def two_clients(**more):
    other = {"create": "Client", "fields": {"name": "Nex", "email": "x@new.example", "status": "Active"}}
    return creating(changes=[NEW, other], **more)


OTHER = ("create_new_client", {"name": "Nex", "email": "x@new.example", "status": "Active"})
NOISE = ("add_note", {"entity_type": "Client", "entity_id": "@bolt", "content": "noise"})


@pytest.mark.parametrize(
    ("calls", "progress"),
    [
        ([], 0),
        ([CREATE], 1 / 2),
        ([OTHER], 1 / 2),
        ([CREATE, NOISE], 1 / 3),
        ([NOISE], 0),
        ([CREATE, OTHER, NOISE], 2 / 3),
        ([CREATE, OTHER, NOISE, NOISE], 1 / 2),
        ([CREATE, OTHER], 1),
        ([OTHER, CREATE], 1),
    ],
)
def test_progress_is_what_was_met_of_all_expected_or_made(calls, progress):
    verdict = judged(two_clients(), *calls)
    assert verdict.progress == pytest.approx(progress)
    assert verdict.success == (progress == 1)
    assert verdict.unmet + sum(made in calls for made in (CREATE, OTHER)) == 2
    assert verdict.excess == calls.count(NOISE)


def test_one_change_does_not_meet_two_expectations():
    note = {"create": "Note", "fields": {"entity_type": "Client", "entity_id": "@bolt", "content": "noise"}}
    task = creating(changes=[note, note])
    assert not judged(task, NOISE).success
    assert judged(task, NOISE, NOISE).success
    assert not judged(task, NOISE, NOISE, NOISE).success


@pytest.mark.parametrize("order", list(itertools.permutations([CREATE, OTHER])))
def test_a_freer_expectation_does_not_take_what_a_stricter_one_needs(order):
    free = {"create": "Client", "fields": {**NEW["fields"]}, "free": ["name", "email"]}
    for changes in ([free, NEW], [NEW, free]):
        assert judged(creating(changes=changes), *order).success


def test_a_flood_of_changes_is_counted_and_the_verdict_stays_small():
    verdict = judged(creating(), CREATE, *[NOISE] * (SPARE + 20))
    assert (verdict.success, verdict.unmet, verdict.excess) == (False, 0, SPARE + 20)
    assert len(verdict.unexpected) <= SPARE + 1
    assert verdict.progress == pytest.approx(1 / (1 + SPARE + 20))


def test_progress_is_one_only_with_success():
    for calls in itertools.product([CREATE, OTHER, NOISE], repeat=3):
        verdict = judged(two_clients(), *calls)
        assert 0 <= verdict.progress <= 1
        assert (verdict.progress == 1) == verdict.success


# Answers


def asking(**query):
    return a_task(family="client_search", answer=query)


def accepts(task, *answers):
    return [judged(task, ("respond", {"answer": answer})).success for answer in answers]


def ids(*keys):
    return [HOME.ids[key] for key in keys]


def test_an_answer_needs_respond_and_an_untouched_crm():
    task = asking(**{"from": "Opportunity", "give": "count"})
    assert task.solution == (ToolCall("respond", {"answer": 3}),)
    assert judged(task, ("respond", {"answer": 3})) == Verdict(True, 1.0)
    verdict = judged(task, NOISE, ("respond", {"answer": 3}))
    assert (verdict.success, verdict.progress, verdict.unmet, verdict.excess) == (False, 0.0, 0, 1)
    assert judged(task).unmet == 1
    assert not judged(task, ("decline", {"code": "blank", "reason": "3"})).success
    assert not judged(task, ("respond", {"answer": 3, "and": 1})).success
    assert not verify(task, HOME.crm.fork().journal, [ToolResult(None)]).success


def test_a_record_by_id_name_record_or_list_of_one():
    task = asking(**{"from": "Opportunity", "where": {"name": "Pump"}, "give": "record"})
    (pump, pipe) = ids("pump", "pipe")
    assert task.solution[0].arguments["answer"] == pump
    right = (pump, "Pump", " pUMP ", {"opportunity_id": pump}, [pump], ["pump"], {"opportunity_id": pump, "name": "?"})
    assert all(accepts(task, *right))
    wrong = (pipe, "Pipe", "Pum", [pump, pipe], [pump, pump], [], {}, {"name": "Pump"}, None, 1, True, "", [[pump]])
    assert not any(accepts(task, *wrong))


def test_a_whole_record_as_the_search_showed_it_is_an_answer():
    task = asking(**{"from": "Opportunity", "where": {"name": "Pump"}, "give": "record"})
    shown = call(task.world.crm.fork(), ToolCall("opportunity_search", {"name": "pump"})).value["rows"]
    assert accepts(task, shown, shown[0]) == [True, True]


def test_a_contact_is_named_by_both_names_and_a_document_by_its_file():
    assert accepts(asking(**{"from": "Contact", "give": "record"}), "Ada Ray", "Ada", "Ray", "ada  ray") == [
        True,
        False,
        False,
        False,
    ]
    assert accepts(asking(**{"from": "Document", "give": "record"}), "scan.pdf", "SCAN.PDF", "scan") == [
        True,
        True,
        False,
    ]


def test_a_name_that_two_records_share_names_neither():
    first, second = ids("twin1", "twin2")
    task = asking(**{"from": "Client", "where": {"email": "t1@twin.example"}, "give": "record"})
    assert accepts(task, first, "Twin", "twin", "TWIN ", second) == [True, False, False, False, False]
    both = asking(**{"from": "Client", "where": {"status": "Inactive"}, "give": "records"})
    assert accepts(both, [second, first], ["Twin", "twin "], [first, "Twin"]) == [True, False, False]


def test_a_name_that_is_another_records_id_names_neither():
    other = HOME.ids["acme"]
    records = [*RECORDS, {"table": "Client", "key": "odd", "name": other, "email": "o@o.example", "status": "Active"}]
    task = a_task(
        world={**WORLD, "records": records},
        answer={"from": "Client", "where": {"email": "o@o.example"}, "give": "record"},
    )
    assert accepts(task, task.world.ids["odd"], other) == [True, False]


def test_records_are_a_set():
    pump, pipe, tank = ids("pump", "pipe", "tank")
    task = asking(**{"from": "Opportunity", "where": {"stage": "Proposal"}, "give": "records"})
    assert all(
        accepts(
            task, [pump, pipe], [pipe, pump], [pump, pipe, pump], ["Pipe", pump], [{"opportunity_id": pump}, "pipe"]
        )
    )
    wrong = ([pump], [pipe], pump, [pump, pump], [pump, pipe, tank], [pump, tank], [], "", None, {})
    assert not any(accepts(task, *wrong))


def test_one_record_of_a_set_may_stand_alone():
    task = asking(**{"from": "Opportunity", "where": {"stage": "Closed-Won"}, "give": "records"})
    assert accepts(task, "Tank", ["Tank"], ids("tank"), ["Tank", "Tank"]) == [True, True, True, True]


def test_numbers_are_compared_as_numbers():
    task = asking(**{"from": "Opportunity", "where": {"stage": "Proposal"}, "give": "sum", "of": "amount"})
    assert task.goal.answer.value == 150.5
    assert all(accepts(task, 150.5, 150.50, "150.5", " 150.50 "))
    wrong = (
        150,
        151,
        150.51,
        "1505e-1",
        "1_50.5",
        "0150.5",
        -150.5,
        "150,5",
        "150.5 EUR",
        "",
        "NaN",
        "inf",
        None,
        True,
        [150.5],
        {"sum": 150.5},
    )
    assert not any(accepts(task, *wrong))


def test_booleans_are_no_numbers():
    one = asking(**{"from": "Company", "give": "count"})
    assert one.goal.answer.value == 1
    assert accepts(one, 1, 1.0, "1", True, False, "true") == [True, True, True, False, False, False]


def test_sums_are_exact():
    records = [*RECORDS[:1]] + [
        {"table": "Opportunity", "name": f"D{n}", "client_id": "@acme", "amount": 0.1, "stage": "Proposal"}
        for n in range(3)
    ]
    task = a_task(world={**WORLD, "records": records}, answer={"from": "Opportunity", "give": "sum", "of": "amount"})
    assert task.goal.answer.value == 0.3
    assert accepts(task, 0.3, 0.1 + 0.1 + 0.1) == [True, False]


def test_texts_that_look_like_numbers_stay_texts():
    task = asking(**{"from": "Quote", "where": {"amount": 90}, "give": "value", "of": "version"})
    assert accepts(task, "1", " 1\n", 1, 1.0, "1.0", "01", True) == [True, True, False, False, False, False, False]


def test_texts_are_compared_exactly_but_for_white_space_around():
    task = asking(**{"from": "Note", "give": "value", "of": "content"})
    assert accepts(task, "call", " call ", "Call", "call.", ["call"], None) == [True, True, False, False, False, False]


def test_dates_are_texts():
    task = asking(**{"from": "Opportunity", "where": {"name": "Pump"}, "give": "value", "of": "close_date"})
    assert accepts(task, "2026-05-01", "1 May 2026", 20260501, "2026-05-01T00:00:00") == [True, False, False, False]


def test_values_are_a_set_in_which_one_may_stand_twice():
    task = asking(**{"from": "Opportunity", "give": "values", "of": "stage"})
    assert task.goal.answer.value == ["Proposal", "Closed-Won"]
    right = (["Proposal", "Closed-Won"], ["Closed-Won", "Proposal"], ["Proposal", "Closed-Won", "Proposal"])
    assert all(accepts(task, *right))
    wrong = (["Proposal"], "Proposal", [], ["Proposal", "Closed-Won", "Draft"], ["proposal", "Closed-Won"], None, {})
    assert not any(accepts(task, *wrong))


def test_values_of_numbers_are_compared_as_numbers():
    task = asking(**{"from": "Quote", "give": "values", "of": "amount"})
    assert accepts(task, [95, 90], [90.0, "95"], [90, 95, 95.0], [90], [90, 95, 1], [90, True]) == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_mapping_has_those_names_and_those_numbers():
    task = asking(**{"from": "Opportunity", "give": "mapping", "by": "stage", "of": "amount"})
    right = {"Proposal": 150.5, "Closed-Won": 25}
    assert task.goal.answer.value == right
    assert all(accepts(task, right, {"Closed-Won": 25.0, "Proposal": "150.5"}))
    wrong = (
        {"Proposal": 150.5},
        {**right, "Draft": 0},
        {**right, "Proposal": 150},
        {"Proposal": 25, "Closed-Won": 150.5},
        {"proposal": 150.5, "Closed-Won": 25},
        {**right, "Closed-Won": True},
        {**right, "Closed-Won": None},
        list(right.items()),
        [right],
        {},
        None,
        "",
    )
    assert not any(accepts(task, *wrong))


def test_a_mapping_without_of_counts():
    task = asking(**{"from": "Opportunity", "give": "mapping", "by": "stage"})
    assert task.goal.answer.value == {"Proposal": 2, "Closed-Won": 1}
    assert accepts(task, {"Closed-Won": 1, "Proposal": 2}, {"Closed-Won": True, "Proposal": 2}) == [True, False]


# Queries


def found(**query):
    rows = solve(Query(**{"give": "records", **query}), HOME.crm).value
    return [key for record in rows for key, known in HOME.ids.items() if known == record]


@pytest.mark.parametrize(
    ("where", "keys"),
    [
        ({}, ["pump", "pipe", "tank"]),
        ({"stage": "Proposal"}, ["pump", "pipe"]),
        ({"stage": {"any": ["Closed-Won", "Draft"]}}, ["tank"]),
        ({"name": {"contains": "P"}}, ["pump", "pipe"]),
        ({"amount": 50}, ["pipe"]),
        ({"amount": 50.0}, ["pipe"]),
        ({"amount": {"min": 50}}, ["pump", "pipe"]),
        ({"amount": {"max": 50}}, ["pipe", "tank"]),
        ({"amount": {"min": 26, "max": 50}}, ["pipe"]),
        ({"close_date": {"min": "2026-05-01"}}, ["pump"]),
        ({"close_date": {"max": "2026-04-30"}, "stage": {"any": ["Proposal"]}}, None),
        ({"owner": ""}, ["pipe", "tank"]),
        ({"owner": {"contains": ""}}, ["pump"]),
        ({"probability": {"any": [40, 50]}}, ["pump"]),
        ({"stage": "Proposal", "owner": "Kim"}, ["pump"]),
        ({"name": "pump"}, None),
    ],
)
def test_conditions(where, keys):
    if keys is None:
        with pytest.raises(TaskError, match="no Opportunity meets"):
            found(**{"from": "Opportunity"}, where=where)
    else:
        assert found(**{"from": "Opportunity"}, where=where) == keys


@pytest.mark.parametrize(
    ("best", "keys"),
    [
        ("max:amount", ["pump"]),
        ("min:amount", ["tank"]),
        ("min:name", ["pipe"]),
        ("max:close_date", ["pump"]),  # what is empty does not compete
        ("max:stage", ["pump", "pipe"]),
    ],
)
def test_best(best, keys):
    assert found(**{"from": "Opportunity"}, best=best) == keys


def test_ids_of_the_world_stand_in_conditions():
    task = asking(**{"from": "Opportunity", "where": {"client_id": "@bolt"}, "give": "value", "of": "name"})
    assert task.goal.answer.value == "Tank"
    either = asking(**{"from": "Quote", "where": {"quote_id": {"any": ["@q1", "@q2"]}}, "give": "sum", "of": "amount"})
    assert either.goal.answer.value == 185


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ({"from": "Deal", "give": "count"}, "Deal"),
        ({"from": "Opportunity", "give": "sum", "of": "price"}, "Opportunity.price"),
        ({"from": "Opportunity", "give": "sum"}, "Opportunity.None"),
        ({"from": "Opportunity", "give": "mapping", "by": "colour"}, "Opportunity.colour"),
        ({"from": "Opportunity", "where": {"price": 1}, "give": "count"}, "Opportunity.price"),
        ({"from": "Opportunity", "where": {"amount": {"over": 1}}, "give": "count"}, "'over' is no condition"),
        ({"from": "Opportunity", "where": {"stage": "Negotiation"}, "give": "count"}, "must not be empty"),
        ({"from": "Opportunity", "give": "record"}, "exactly one must"),
        ({"from": "Opportunity", "where": {"stage": "Proposal"}, "give": "value", "of": "name"}, "exactly one must"),
        ({"from": "Opportunity", "where": {"client_id": "@nobody"}, "give": "count"}, "names no record"),
        ({"from": "Opportunity", "give": "average"}, "give"),
    ],
)
def test_a_query_that_does_not_fit_is_complained_of(query, complaint):
    with pytest.raises(TaskError, match=complaint) as caught:
        asking(**query)
    assert "T-1" in str(caught.value)


def test_the_answer_comes_from_the_rows_and_not_from_the_tools():
    many = [
        {"table": "Opportunity", "name": f"D{n}", "client_id": "@acme", "amount": 1, "stage": "Proposal"}
        for n in range(150)
    ]
    task = a_task(world={**WORLD, "records": [RECORDS[0], *many]}, answer={"from": "Opportunity", "give": "count"})
    assert isinstance(task.goal, AnswerGoal)
    assert task.goal.answer.value == 150  # more than a page of a search


# Refusals

REFUSAL = {
    "code": "enum_value",
    "field": "stage",
    "call": {"tool": "modify_opportunity", "arguments": {"id": "@pump", "updates": {"stage": "won", "probability": 5}}},
}
TRIED = ("modify_opportunity", {"id": "@pump", "updates": {"stage": "won", "probability": 5}})


def declined(task, **arguments):
    return judged(task, ("decline", arguments)).success


def test_declining_needs_the_code_and_the_field():
    task = a_task(refusal=REFUSAL)
    assert declined(task, code="enum_value", field="stage")
    assert declined(task, code="enum_value", field="updates.stage", reason="no such stage")
    assert declined(task, code="enum_value", field=" stage ")
    for field in ("probability", "", "Stage", "stage.updates", None):
        assert not declined(task, code="enum_value", field=field)
    assert not declined(task, code="enum_value")
    assert not declined(task, code="blank", field="stage")
    assert not declined(task, code="Enum_value", field="stage")


def test_a_decline_with_a_write_is_no_success():
    verdict = judged(a_task(refusal=REFUSAL), NOISE, ("decline", {"code": "enum_value", "field": "stage"}))
    assert (verdict.success, verdict.progress, verdict.unmet, verdict.excess) == (False, 0.0, 0, 1)


def test_the_attempt_alone_counts_only_by_that_protocol():
    task = a_task(refusal=REFUSAL)
    assert not judged(task, TRIED).success
    assert judged(task.by_attempt(), TRIED).success
    assert not declined(task.by_attempt(), code="enum_value", field="stage")
    assert task.by_attempt().solution == (task.goal.call,)
    attempt = task.by_attempt()
    assert attempt.by_attempt() is attempt


@pytest.mark.parametrize(
    "updates",
    [
        {"stage": "won"},
        {"stage": "lost", "probability": 5},
        {"stage": "won", "probability": 6},
        {"stage": "Closed-Won", "probability": 5},
        {"stage": "won", "probability": 5, "owner": "x"},
        {"stage": "won", "probability": "5"},
        {"stage": "won", "probability": True},
    ],
)
def test_another_attempt_is_not_the_one(updates):
    assert not judged(a_task(refusal=REFUSAL).by_attempt(), (TRIED[0], {"id": "@pump", "updates": updates})).success


def test_an_attempt_may_write_numbers_with_a_point_and_names_in_any_order():
    arguments = {"updates": {"probability": 5.0, "stage": "won"}, "id": "@pump"}
    assert judged(a_task(refusal=REFUSAL).by_attempt(), (TRIED[0], arguments)).success


def test_an_attempt_that_is_refused_for_another_reason_is_not_the_one():
    task = a_task(refusal={**REFUSAL, "code": "not_found"}).by_attempt()
    assert not judged(task, TRIED).success


@pytest.mark.parametrize(
    ("a", "b", "equal"),
    [
        (25, 25.0, True),
        (25, Decimal(25), True),
        (1, True, False),
        (0, False, False),
        (True, True, True),
        ("1", 1, False),
        (None, None, True),
        (None, 0, False),
        ([1, 2], (1.0, 2), True),
        ([1, 2], [2, 1], False),
        ([1], [1, 1], False),
        ({"a": 1, "b": [{"c": 2}]}, {"b": [{"c": 2.0}], "a": 1.0}, True),
        ({"a": 1}, {"a": 1, "b": None}, False),
        ({"a": True}, {"a": 1}, False),
        ("x", "x", True),
        ("x", "X", False),
        ({}, [], False),
    ],
)
def test_equal_values(a, b, equal):
    assert equal_values(a, b) is equal
    assert equal_values(b, a) is equal


# Tasks as mappings


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"changes": [NEW]}, "needs its solution"),
        ({}, "one of changes, answer and refusal must be given"),
        ({**CREATING, "refusal": REFUSAL}, "one of changes, answer and refusal must be given"),
        ({"answer": {"from": "Client", "give": "count"}, "refusal": REFUSAL}, "one of changes, answer and refusal"),
        ({**CREATING, "changes": [{"create": "Deal"}]}, "'Deal' is no table"),
        ({**CREATING, "changes": [{"create": "Client", "update": "@acme"}]}, "one of create, update and delete"),
        ({**CREATING, "changes": [{"fields": {}}]}, "one of create, update and delete"),
        ({**CREATING, "changes": [{**NEW, "free": ["colour"]}]}, "no field 'colour'"),
        ({**CREATING, "changes": [{"update": "@acme", "fields": {"name": "Acme"}}]}, "changes nothing"),
        ({**CREATING, "changes": [{"update": "@acme", "fields": {"status": "active"}}]}, "status must be one of"),
        ({**CREATING, "changes": [{"delete": "@nobody"}]}, "names no record"),
        ({**CREATING, "changes": [{"delete": "unknown-id"}]}, "is no record of world"),
        ({**CREATING, "solution": [{"tool": "make_client"}]}, "'make_client' is no tool"),
        ({**CREATING, "family": "make_client"}, "family 'make_client' is no tool"),
        ({**CREATING, "request": "  "}, "request must have"),
        ({**CREATING, "world": None}, "world is missing"),
        ({**CREATING, "hint": "x"}, "hint"),
        ({"refusal": {**REFUSAL, "code": "enum"}}, "'enum' is no refusal code"),
    ],
)
def test_a_task_that_contradicts_itself_is_complained_of(parts, complaint):
    with pytest.raises(TaskError, match=complaint):
        a_task(**parts)


def test_tables_of_this_world_are_all_used():
    assert {record["table"] for record in RECORDS} == set(TABLES)


# Users and reports, written down

TALK = {
    "id": "TALK-1",
    "family": "modify_client",
    "request": "Set Acme's phone number, ask me which, then ask what comes next.",
    "solution": [{"tool": "modify_client", "arguments": {"id": "@bolt", "updates": {"phone": "99"}}}],
    "demonstration": [
        {"tool": "ask_user", "arguments": {"about": "phone"}},
        {"tool": "ask_user", "arguments": {"about": "next_step"}},
        {"tool": "modify_client", "arguments": {"id": "@bolt", "updates": {"phone": "99"}}},
    ],
    "changes": [{"update": "@bolt", "fields": {"phone": "99"}}],
    "selections": [{"from": "Client", "where": {"client_id": "@bolt"}}],
    "user": {
        "phases": [
            {"told": {"phone": "It is 99."}, "wrong": {"@acme": "No, the other one."}},
            {"says": "For Bolt, that is.", "until": [{"update": "@bolt", "fields": {"phone": "99"}}]},
        ],
        "patience": 4,
        "thanks": "Done.",
    },
}


def test_a_user_is_written_down_with_the_task():
    task = Task.from_mapping(TALK, HOME)
    session = Session(HOME.crm.fork("talk"), task.user)
    ask = {about: ToolCall("ask_user", {"about": about}) for about in ("phone", "next_step", "email")}
    spoilt = ToolCall("modify_client", {"id": HOME.ids["acme"], "updates": {"phone": "1"}})
    mended = ToolCall("modify_client", {"id": HOME.ids["acme"], "updates": {"phone": None}})
    session.play_all([ask["phone"], spoilt, ask["next_step"], mended, ask["next_step"], ask["next_step"], ask["email"]])
    said = [result.raw["user"] for result in session.results if result.call.tool == "ask_user"]
    assert said[:3] == ["It is 99.", "No, the other one.", "For Bolt, that is."]
    assert said[3] == "I do not see that in the CRM yet."
    assert "go now" in said[4]
    assert [call.tool for call in task.demonstration] == ["ask_user", "ask_user", "modify_client"]
    assert task.hints == ("modify_client", "ask_user")
    assert task.selections[0].where == {"client_id": HOME.ids["bolt"]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"user": {"phases": [{"told": {"colour": "blue"}}]}}, "colour"),
        ({"user": {"phases": [{"told": {"next_step": "x"}}]}}, "next_step"),
        ({"user": {"phases": [{"wrong": {"@nobody": "x"}}]}}, "@nobody"),
        ({"user": {"phases": []}}, "phases"),
        ({"user": {"phases": [{}], "patience": 0}}, "patience"),
        ({"demonstration": [{"tool": "ask_usr"}]}, "ask_user"),
    ],
)
def test_a_user_who_cannot_be_is_refused(change, words):
    with pytest.raises(TaskError, match=words):
        Task.from_mapping({**TALK, **change}, HOME)


LINKED = {
    "id": "LINK-1",
    "family": "create_new_client",
    "request": "Take on New with a deal.",
    "solution": [{"tool": "create_new_client", "arguments": {}}],
    "changes": [
        {"create": "Client", "fields": {"name": "New", "email": "n@new.example", "status": "Active"}},
        {"create": "Opportunity", "fields": {"name": "D", "client_id": "@new:0", "amount": 1, "stage": "Proposal"}},
    ],
}


def deal_on(link):
    deal = LINKED["changes"][1]
    return [LINKED["changes"][0], {**deal, "fields": {**deal["fields"], "client_id": link}}]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"changes": deal_on("@new:7")}, "no change before creates @new:7"),
        ({"changes": deal_on("@new:1")}, "no change before creates @new:1"),
        ({"changes": deal_on("@new:00")}, "names no record"),
        ({"changes": [{"update": "@pump", "fields": {"client_id": "@new:0"}}]}, "no change before creates"),
        (
            {
                "changes": [
                    LINKED["changes"][0],
                    {"create": "Quote", "fields": {"opportunity_id": "@new:0", "amount": 1, "status": "Draft"}},
                ]
            },
            "points at a Opportunity; @new:0 is a Client",
        ),
        ({"difficulty": -3}, "difficulty"),
        ({"solution": [{"tool": "finish"}]}, "leave finish out"),
    ],
)
def test_links_that_lead_nowhere_are_refused(change, words):
    with pytest.raises(TaskError, match=words):
        Task.from_mapping({**LINKED, **change}, HOME)


def test_a_key_that_means_a_new_record_is_refused():
    with pytest.raises(TaskError, match="take another"):
        World("w", "2026-01-10", [("Company", {"key": "new:0", "name": "N"})])
