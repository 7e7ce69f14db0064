"""Laws of the judgement, on goals and changes made by hand: linked new records, changes with a report, exact counts."""

import dataclasses
import importlib
import itertools
from types import SimpleNamespace

import pytest

from crm_gym.errors import ToolError
from crm_gym.journal import Change, Journal
from crm_gym.schema import TABLES
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, Expected, RefusalGoal
from crm_gym.tools import ToolCall, ToolResult
from crm_gym.verify import DONE, Verdict, verify

MODULE = importlib.import_module("crm_gym.verify")  # as a name of the package it is the function
DEAL = {"name": "Pump", "client_id": "c", "amount": 5, "stage": "Proposal", "probability": 40, "notes": "n"}


def row(table, **fields):
    columns = [column.name for column in TABLES[table].columns]
    assert set(fields) <= set(columns)
    return TABLES[table].row(**{name: fields.get(name) for name in columns})


def places(table, *names):
    columns = [column.name for column in TABLES[table].columns]
    return tuple(columns.index(name) for name in names)


def wanted(table, number=None, free=(), **fields):
    """A new record that must have come about; its id is anybody's."""
    return Expected(table, None, row(table, **fields), places(table, TABLES[table].key, *free), number)


def made(table, record, **fields):
    return Change(table, record, None, row(table, **{TABLES[table].key: record, **fields}))


def judge(goal, *changes, results=()):
    journal = Journal()
    for change in changes:
        journal.append(change)
    return verify(SimpleNamespace(goal=goal), journal, results)


def noise(count):
    return [made("Note", f"noise{n}", content=str(n)) for n in range(count)]


def said(answer):
    return ToolResult(ToolCall("respond", {"answer": answer}), "ok")


# What is free, and nothing else


def deal_change(**fields):
    return made("Opportunity", "x", **{**DEAL, **fields})


@pytest.mark.parametrize("free", [(), ("notes",), ("amount",), ("name",), ("amount", "owner"), ("name", "notes")])
def test_every_place_is_compared_but_the_free_ones(free):
    goal = ChangeGoal((wanted("Opportunity", free=free, **DEAL),))
    others = {"name": "Pomp", "client_id": "d", "amount": 6, "stage": "Negotiation", "probability": 41, "notes": "m"}
    others |= {"owner": "Kim", "close_date": "2026-01-01"}
    assert judge(goal, deal_change()) is DONE
    for field, value in others.items():
        assert judge(goal, deal_change(**{field: value})).success == (field in free), field


def test_a_record_that_must_be_gone_is_gone_only_without_a_row():
    goal = ChangeGoal((Expected("Note", "n", None),))
    before, after = row("Note", note_id="n", content="x"), row("Note", note_id="n", content="y")
    assert judge(goal, Change("Note", "n", before, None)) is DONE
    assert not judge(goal, Change("Note", "n", before, after)).success
    assert not judge(goal, Change("Note", "m", before, None)).success
    assert not judge(goal, Change("Quote", "n", row("Quote", quote_id="n"), None)).success


def test_a_deletion_does_not_meet_an_update_with_free_places():
    goal = ChangeGoal((Expected("Note", "n", row("Note", note_id="n", content="y"), (5,)),))
    assert not judge(goal, Change("Note", "n", row("Note", note_id="n", content="x"), None)).success


def test_goals_cannot_be_changed_and_are_equal_by_content():
    call = ToolCall("finish", {})
    one, two = wanted("Opportunity", 0, **DEAL), wanted("Opportunity", 0, **DEAL)
    assert one == two
    assert ChangeGoal((one,)) == ChangeGoal((two,))
    for goal, name in (
        (one, "row"),
        (ChangeGoal((one,)), "answer"),
        (AnswerGoal(Answer("count", 1)), "answer"),
        (RefusalGoal("blank", "name", call), "code"),
    ):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(goal, name, None)


# Records that are linked to new ones


def deal(number=0, **more):
    return wanted("Opportunity", number, **{**DEAL, **more})


def quote(to, amount=1, number=None, free=()):
    return wanted("Quote", number, free, opportunity_id=to, amount=amount, status="Draft")


def deal_made(record, **more):
    return made("Opportunity", record, **{**DEAL, **more})


def quote_made(record, to, amount=1):
    return made("Quote", record, opportunity_id=to, amount=amount, status="Draft")


def test_a_new_record_linked_to_a_new_record_must_lead_to_it():
    goal = ChangeGoal((quote("@new:0"), deal()))
    assert not goal.plain
    for changes in itertools.permutations([deal_made("d"), quote_made("q", "d")]):
        assert judge(goal, *changes) is DONE
    for other in ("elsewhere", "q", "@new:0", None):
        verdict = judge(goal, deal_made("d"), quote_made("q", other))
        assert verdict.progress == pytest.approx(1 / 3)
        assert (verdict.success, verdict.unmet, verdict.excess) == (False, 1, 1)
        assert verdict.missing == (quote("@new:0"),)
        assert verdict.unexpected == (quote_made("q", other),)


def test_a_linked_record_alone_is_not_the_whole():
    goal = ChangeGoal((deal(), quote("@new:0")))
    verdict = judge(goal, quote_made("q", "d"))
    assert (verdict.success, verdict.progress, verdict.unmet, verdict.excess) == (False, 0.0, 2, 1)
    alone = judge(ChangeGoal((quote("@new:0"),)), quote_made("q", "d"))
    assert not alone.success


def test_the_order_of_matching_follows_the_links_not_what_is_free():
    """The deal leaves more open than its quote, and comes first all the same."""
    open_deal = wanted("Opportunity", 0, ("notes", "owner", "close_date"), **DEAL)
    goal = ChangeGoal((quote("@new:0"), open_deal))
    assert goal.changes[0] is open_deal
    assert judge(goal, quote_made("q", "d"), deal_made("d", owner="Kim")) is DONE
    more = judge(goal, quote_made("q", "d"), deal_made("d", owner="Kim"), *noise(1))
    assert (more.progress, more.unmet, more.excess) == (pytest.approx(2 / 3), 0, 1)


def test_a_chain_of_new_records_is_followed():
    note = wanted("Note", None, (), entity_type="Quote", entity_id="@new:1", content="x")
    goal = ChangeGoal((note, quote("@new:0", number=1), deal()))
    chain = [deal_made("d"), quote_made("q", "d")]
    right = made("Note", "n", entity_type="Quote", entity_id="q", content="x")
    for changes in itertools.permutations([*chain, right]):
        assert judge(goal, *changes) is DONE
    wrong = made("Note", "n", entity_type="Quote", entity_id="d", content="x")
    assert judge(goal, *chain, wrong).progress == pytest.approx(2 / 4)


TWINS = ChangeGoal((deal(0), deal(1), quote("@new:0", 10), quote("@new:1", 20)))


@pytest.mark.parametrize(("ten", "twenty", "right"), [("a", "b", True), ("b", "a", True), ("a", "a", False)])
def test_new_records_that_look_alike_are_told_apart_by_what_hangs_on_them(ten, twenty, right):
    twins = [deal_made("a"), deal_made("b")]
    for changes in itertools.permutations([*twins, quote_made("t", ten, 10), quote_made("v", twenty, 20)]):
        assert judge(TWINS, *changes).success == right


def test_one_new_record_does_not_stand_for_two():
    goal = ChangeGoal((deal(0), deal(1), quote("@new:0", 10), quote("@new:1", 10)))
    quotes = [quote_made("t", "a", 10), quote_made("v", "a", 10)]
    verdict = judge(goal, deal_made("a"), deal_made("b", name="Other"), *quotes)
    assert (verdict.success, verdict.unmet, verdict.excess) == (False, 2, 2)
    assert judge(goal, deal_made("a"), deal_made("b"), *quotes).progress == pytest.approx(3 / 5)
    assert judge(goal, deal_made("a"), deal_made("b"), quotes[0], quote_made("v", "b", 10)) is DONE


def test_a_linked_update_of_a_standing_record_leads_to_the_new_one():
    stands = {"note_id": "n", "entity_type": "Client", "content": "x"}
    goal = ChangeGoal(
        (Expected("Note", "n", row("Note", **stands, entity_id="@new:0")), wanted("Client", 0, name="New"))
    )
    client, before = made("Client", "c", name="New"), row("Note", **stands, entity_id="old")
    for target, right in (("c", True), ("old2", False)):
        after = row("Note", **stands, entity_id=target)
        assert judge(goal, client, Change("Note", "n", before, after)).success == right


def test_what_reads_like_a_link_is_one_only_in_a_reference_that_is_not_free():
    named = wanted("Opportunity", None, **{**DEAL, "name": "@new:0"})
    assert named.links == ()
    assert judge(ChangeGoal((named,)), deal_made("d", name="@new:0")) is DONE
    assert not judge(ChangeGoal((named,)), deal_made("d", name="else")).success
    free = quote("@new:0", free=("opportunity_id",))
    assert free.links == ()
    assert quote("@new:0").links == ((1, 0),)
    assert Expected("Quote", "q", None).links == ()


def test_a_flood_beside_linked_records_is_no_success():
    goal = ChangeGoal((deal(), quote("@new:0")))
    verdict = judge(goal, deal_made("d"), quote_made("q", "d"), *noise(30))
    assert (verdict.success, verdict.unmet, verdict.excess) == (False, 0, 30)
    assert verdict.progress == pytest.approx(2 / 32)


# Changes with a report

REPORTING = ChangeGoal((deal(None),), Answer("count", 3))


@pytest.mark.parametrize(
    ("changes", "answers", "expected"),
    [
        ([deal_made("d")], [3], (True, 1.0, 0, 0)),
        ([deal_made("d")], [2, 3], (True, 1.0, 0, 0)),
        ([deal_made("d")], [], (False, 1 / 2, 1, 0)),
        ([deal_made("d")], [4], (False, 1 / 2, 1, 0)),
        ([], [3], (False, 0.0, 1, 0)),
        ([], [], (False, 0.0, 2, 0)),
        (noise(1), [3], (False, 1 / 3, 1, 1)),
        (noise(1), [], (False, 0.0, 2, 1)),
        ([deal_made("d"), *noise(1)], [3], (False, 2 / 3, 0, 1)),
        ([deal_made("d"), *noise(2)], [], (False, 1 / 4, 1, 2)),
    ],
)
def test_changes_with_a_report_want_both(changes, answers, expected):
    verdict = judge(REPORTING, *changes, results=[said(answer) for answer in answers])
    assert (verdict.success, verdict.progress, verdict.unmet, verdict.excess) == pytest.approx(expected)


def test_a_report_is_heard_only_as_an_accepted_response():
    call = ToolCall("respond", {"answer": 3})
    assert REPORTING.heard(said(3)) is True
    assert REPORTING.heard(said(4)) is False
    assert ChangeGoal((deal(None),)).heard(said(3)) is False
    for result in (
        ToolResult(call, None, ToolError("unknown_field", "x", "x")),
        ToolResult(ToolCall("decline", {"answer": 3})),
        ToolResult(None),
        ToolResult(ToolCall("respond", {})),
    ):
        assert REPORTING.heard(result) is False
        assert AnswerGoal(Answer("count", 3)).heard(result) is False


def test_linked_records_with_a_report_want_all():
    goal = ChangeGoal((deal(), quote("@new:0")), Answer("count", 3))
    pair = [deal_made("d"), quote_made("q", "d")]
    assert judge(goal, *pair, results=[said(3)]) is DONE
    assert judge(goal, *pair).progress == pytest.approx(2 / 3)
    assert judge(goal, deal_made("d"), quote_made("q", "z"), results=[said(3)]).progress == pytest.approx(2 / 4)


# What a verdict says


def test_missing_and_unexpected_name_what_they_count():
    other = wanted("Note", content="y")
    goal = ChangeGoal((deal(None), other))
    (stray,) = noise(1)
    verdict = judge(goal, stray, deal_made("d"))
    assert verdict.missing == (other,)
    assert verdict.unexpected == (stray,)
    assert (verdict.unmet, verdict.excess) == (1, 1)
    assert verdict.progress == pytest.approx(1 / 3)
    assert judge(goal) == Verdict(False, 0.0, goal.changes, (), 2, 0)
    assert verdict.summary() == {"success": False, "progress": verdict.progress, "missing": 1, "unexpected": 1}


def test_of_a_flood_sixteen_are_shown_beyond_what_was_expected():
    verdict = judge(ChangeGoal((deal(None),)), deal_made("d"), *noise(40))
    assert (len(verdict.unexpected), verdict.excess) == (16, 40)
    answer = judge(AnswerGoal(Answer("count", 3)), *noise(40), results=[said(3)])
    assert (len(answer.unexpected), answer.excess, answer.unmet) == (16, 40, 0)
    assert answer.unexpected == tuple(noise(16))


def test_two_changes_where_one_was_expected_are_one_too_many():
    goal = ChangeGoal((deal(None),))
    assert judge(goal, deal_made("d"), deal_made("e")) == Verdict(False, 1 / 2, (), (deal_made("e"),), 0, 1)
    assert judge(ChangeGoal((deal(None), deal(None))), deal_made("d")).progress == pytest.approx(1 / 2)


def test_done_is_what_it_says():
    assert Verdict(True, 1.0, (), (), 0, 0) == DONE
    assert Verdict(False, 0.5) == Verdict(False, 0.5, (), (), 0, 0)


# Answers and refusals


@pytest.mark.parametrize(("changes", "answers", "unmet"), [(0, [], 1), (0, [4], 1), (1, [3], 0), (2, [], 1)])
def test_an_answer_wants_an_untouched_crm(changes, answers, unmet):
    goal = AnswerGoal(Answer("count", 3))
    verdict = judge(goal, *noise(changes), results=[said(answer) for answer in answers])
    assert verdict == Verdict(False, 0.0, (), tuple(noise(changes)), unmet, changes)
    assert judge(goal, results=[said(3)]) is DONE


REFUSED = RefusalGoal("blank", "name", ToolCall("create_new_client", {"name": " ", "amount": 5}))
ATTEMPT = dataclasses.replace(REFUSED, attempt=True)
ERROR = ToolError("blank", "name", "name must not be blank.")


def test_a_refusal_is_the_request_turned_down_for_the_right_reason():
    def decline(**arguments):
        return ToolResult(ToolCall("decline", arguments), "ok")

    assert REFUSED.attempt is False
    for field in ("name", " name ", "updates.name"):
        assert REFUSED.heard(decline(code="blank", field=field)) is True
    for field in ("nam", "name.x", "", None, 3):
        assert REFUSED.heard(decline(code="blank", field=field)) is False
    assert REFUSED.heard(decline(code="enum_value", field="name")) is False
    assert REFUSED.heard(ToolResult(ToolCall("respond", {"code": "blank", "field": "name"}))) is False
    assert REFUSED.heard(ToolResult(ToolCall("decline", {"code": "blank", "field": "name"}), None, ERROR)) is False
    assert REFUSED.heard(ToolResult(None)) is False


def test_an_attempt_is_the_very_call_refused_for_the_right_reason():
    assert ATTEMPT.heard(ToolResult(REFUSED.call, None, ERROR)) is True
    assert ATTEMPT.heard(ToolResult(ToolCall("create_new_client", {"amount": 5.0, "name": " "}), None, ERROR)) is True
    for call, error in (
        (None, ERROR),
        (REFUSED.call, None),
        (REFUSED.call, ToolError("blank", "email", "x")),
        (REFUSED.call, ToolError("enum_value", "name", "x")),
        (ToolCall("modify_client", REFUSED.call.arguments), ERROR),
        (ToolCall("create_new_client", {"name": " ", "amount": "5"}), ERROR),
    ):
        assert ATTEMPT.heard(ToolResult(call, None, error)) is False


# What a verdict costs: one is due after every write


def test_the_most_frequent_question_is_answered_without_a_further_call(monkeypatch):
    monkeypatch.setattr(MODULE, "_changed", None)
    assert judge(ChangeGoal((deal(None),)), deal_made("d")) is DONE


def test_ways_are_searched_only_where_all_can_be_met(monkeypatch):
    monkeypatch.setattr(MODULE, "_Search", None)
    linked = ChangeGoal((deal(), quote("@new:0")))
    assert judge(linked, deal_made("d"), quote_made("q", "d"), *noise(20)).excess == 20


def test_places_side_by_side_are_picked_in_one_slice():
    assert deal()._pick.__reduce__()[1] == (slice(1, 9),)
    assert wanted("Opportunity", None, ("notes",), **DEAL)._pick.__reduce__()[1] == (slice(1, 8),)
    assert wanted("Opportunity", None, ("amount",), **DEAL)._pick.__reduce__()[1] == (1, 2, 4, 5, 6, 7, 8)


# Where several expectations fit, the choice must not decide


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_two_new_records_free_in_different_places_each_finds_its_own(order):
    goal = ChangeGoal(
        (
            wanted("Note", 0, free=("created_by",), entity_type="Client", entity_id="c", content="same"),
            wanted("Note", 1, free=("content",), entity_type="Client", entity_id="c", created_by="Ann"),
        )
    )
    fits_both = made("Note", "n1", entity_type="Client", entity_id="c", content="same", created_by="Ann")
    fits_first = made("Note", "n2", entity_type="Client", entity_id="c", content="same", created_by="Bo")
    changes = (fits_both, fits_first)
    assert judge(goal, *(changes[at] for at in order)).success


def test_where_everything_is_free_any_new_record_will_do():
    columns = [column.name for column in TABLES["Note"].columns]
    goal = ChangeGoal((wanted("Note", 0, free=tuple(columns[1:])),))
    assert judge(goal, made("Note", "n", content="anything", created_by="anybody")).success
    assert not judge(goal, made("Client", "c", name="of another table")).success


@pytest.mark.parametrize("count", [2, 6, 9])
def test_new_records_that_look_alike_are_told_apart_by_what_hangs_on_them_in_bounded_work(count):
    deals = [wanted("Opportunity", k, name="d", client_id="c", amount=5) for k in range(count)]
    quotes = [wanted("Quote", count + k, opportunity_id=f"@new:{k}", amount=3, status="Draft") for k in range(count)]
    goal = ChangeGoal((*deals, *quotes))
    made_deals = [made("Opportunity", f"o{k}", name="d", client_id="c", amount=5) for k in range(count)]
    hung = [made("Quote", f"q{k}", opportunity_id=f"o{count - 1 - k}", amount=3, status="Draft") for k in range(count)]
    assert judge(goal, *made_deals, *hung).success
    astray = made("Quote", "stray", opportunity_id=f"o{count - 1}", amount=3, status="Draft")
    search = MODULE._Search(goal.changes, [*made_deals, *hung[:-1], astray], [])
    search.fits = [[at for at, change in enumerate(search.changes) if one.met_by(change)] for one in search.expected]
    assert search.found({}, {}) is None
    assert len(search.failed) <= min(MODULE.PATIENCE + 2 * count, 4 * 2**count)
    assert not judge(goal, *made_deals, *hung[:-1], astray).success


def test_a_search_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(MODULE, "PATIENCE", 0)
    goal = ChangeGoal((deal(), quote("@new:0")))
    search = MODULE._Search(goal.changes, [deal_made("d"), quote_made("q", "d")], [[0], [1]])
    assert search.found({}, {}) is None
