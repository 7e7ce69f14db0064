"""The golden suite, certified: every case solvable, single-minded, and judged rightly whatever is done."""

from __future__ import annotations

import difflib
import functools
import itertools
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from importlib import resources
from typing import Any

import gymnasium as gym
import pytest

import crm_gym  # noqa: F401  # registers the ids
from crm_gym.certify import (
    ambiguous,
    certify,
    equivalents,
    judged_wrongly,
    perturbed,
    play,
    refused_otherwise,
    unreachable,
    wrong_end_states,
)
from crm_gym.certify.reach import said
from crm_gym.certify.values import table_of
from crm_gym.errors import CODES
from crm_gym.schema import TABLES
from crm_gym.tasks.answer import Query, label, solve
from crm_gym.tasks.catalogue import CORE, FAMILIES, core_ids, load_suite
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall
from crm_gym.verify import Verdict

SUITE = load_suite("golden")
BY_ID = {task.id: task for task in SUITE}
FAMILY = pytest.mark.parametrize("family", FAMILIES)
ENDINGS = list(itertools.product(("decline", "attempt"), ("success", "finish")))


def of(family: str) -> list[Task]:
    return [task for task in SUITE if task.family == family]


def both_protocols(task: Task) -> list[Task]:
    return [task, task.by_attempt()] if isinstance(task.goal, RefusalGoal) else [task]


@functools.cache
def cases(family: str) -> dict[str, dict[str, Any]]:
    text = resources.files("crm_gym.tasks").joinpath("golden", f"{family}.toml").read_text(encoding="utf-8")
    return {case["id"]: case for case in tomllib.loads(text)["cases"]}


def rows_behind(task: Task) -> tuple[str, ...]:
    """The records that an answer is worked out from: its query, asked for records."""
    asked = cases(task.family)[task.id].get("answer")
    if asked is None:
        return ()
    where = task.world.resolve(asked.get("where", {}), task.id)
    return tuple(solve(Query(**{**asked, "where": where, "give": "records"}), task.world.crm).value)


# Counts and ids


def test_the_suite_has_at_least_330_cases_with_unique_ids_and_requests():
    assert len(SUITE) >= 330
    assert [twice for twice, n in Counter(task.id for task in SUITE).items() if n > 1] == []
    assert [twice for twice, n in Counter(task.request for task in SUITE).items() if n > 1] == []


@FAMILY
def test_every_tool_has_its_cases(family):
    polarity = Counter(task.polarity for task in of(family))
    assert polarity["accepted"] >= 6
    assert polarity["refused"] >= 4
    assert polarity.total() >= 10


@FAMILY
def test_ids_say_tool_and_polarity(family):
    prefixes = {task.id.partition("-")[0] for task in of(family)}
    assert len(prefixes) == 1
    assert prefixes.isdisjoint(task.id.partition("-")[0] for task in SUITE if task.family != family)
    for task in of(family):
        assert re.fullmatch(r"[A-Z]+-[0-9]{3}", task.id), task.id
        assert (task.polarity == "refused") == (int(task.id[-3:]) > 100), task.id


def test_every_refusal_that_a_request_can_earn_has_a_case():
    covered = {task.goal.code for task in SUITE if isinstance(task.goal, RefusalGoal)}
    # The first two are faults of the caller's form, not of a request; no tool deletes what the third protects.
    assert set(CODES) - covered == {"unknown_tool", "invalid_json", "still_referenced"}


def test_the_core_is_there_and_of_the_right_polarity():
    assert len(core_ids()) == 103
    assert core_ids() <= BY_ID.keys()
    assert {task.id for task in load_suite("core")} == core_ids()
    assert core_ids() == ACCEPTED.keys() | REFUSED.keys()
    for family, (prefix, _, _) in CORE.items():
        assert {task.id.partition("-")[0] for task in of(family)} == {prefix}


# What each core number means

CLIENT, DEAL, QUOTE = (
    {"name", "email", "status"},
    {"name", "client_id", "amount", "stage"},
    {"opportunity_id", "amount", "status"},
)
"""What every call of the three creating tools must bring."""

ACCEPTED: dict[str, tuple[set[str], dict[str, Any]]] = {
    "CNC-001": (CLIENT | {"phone"}, {}),
    "CNC-002": (CLIENT | {"industry"}, {}),
    "CNC-003": (CLIENT | {"address"}, {}),
    "CNC-004": (CLIENT | {"owner"}, {}),
    "CNC-005": (CLIENT, {}),
    "CNC-006": (CLIENT, {}),
    "CNC-007": (CLIENT | {"phone"}, {"status": "Inactive"}),
    "CNC-008": (CLIENT | {"owner"}, {"status": "Prospect"}),
    "CNC-009": (CLIENT | {"address", "industry"}, {}),
    "CNC-010": (CLIENT | {"owner", "phone"}, {}),
    "CNO-001": (DEAL, {"stage": "Prospecting"}),
    "CNO-002": (DEAL | {"owner", "probability"}, {"stage": "Qualification"}),
    "CNO-003": (DEAL | {"notes"}, {"stage": "Proposal"}),
    "CNO-004": (DEAL | {"close_date"}, {"stage": "Negotiation"}),
    "CNO-005": (DEAL, {"stage": "Closed-Won"}),
    "CNO-006": (DEAL | {"notes"}, {"stage": "Closed-Lost"}),
    "CNO-007": (DEAL | {"probability"}, {"stage": "Negotiation"}),
    "CNO-008": (DEAL | {"owner"}, {"stage": "Qualification"}),
    "CNO-009": (DEAL | {"close_date", "probability"}, {"stage": "Prospecting"}),
    "CNO-010": (DEAL | {"owner", "notes"}, {"stage": "Negotiation"}),
    "CQT-001": (QUOTE | {"version"}, {"status": "Draft"}),
    "CQT-002": (QUOTE | {"quote_prefix"}, {"status": "Sent"}),
    "CQT-003": (QUOTE | {"valid_until"}, {"status": "Approved"}),
    "CQT-004": (QUOTE, {"status": "Rejected"}),
    "CQT-005": (QUOTE, {"status": "Canceled"}),
    "CQT-006": (QUOTE | {"version"}, {"status": "Draft"}),
    "CQT-007": (QUOTE | {"version", "quote_prefix"}, {"status": "Sent"}),
    "CQT-008": (QUOTE | {"valid_until"}, {"status": "Approved"}),
    "CQT-009": (QUOTE | {"quote_prefix"}, {"status": "Draft"}),
    "CQT-010": (QUOTE | {"version"}, {"status": "Approved"}),
    "UD-001": (set(), {"entity_type": "Client", "extension": "pdf"}),
    "UD-002": (set(), {"entity_type": "Client", "extension": "docx"}),
    "UD-003": (set(), {"entity_type": "Client", "extension": "key"}),
    "UD-004": (set(), {"entity_type": "Opportunity", "extension": "pptx"}),
    "UD-005": (set(), {"entity_type": "Opportunity", "extension": "xlsx"}),
    "UD-006": (set(), {"entity_type": "Opportunity", "extension": "pdf"}),
    "UD-007": (set(), {"entity_type": "Quote", "extension": "pdf"}),
    "UD-008": (set(), {"entity_type": "Quote", "extension": "docx"}),
    "UD-009": (set(), {"entity_type": "Contract", "extension": "pdf"}),
    "UD-010": (set(), {"entity_type": "Contract", "extension": "pdf"}),
    "MOP-001": ({"stage", "probability"}, {}),
    "MOP-002": ({"amount", "stage"}, {}),
    "MOP-003": ({"notes", "probability"}, {}),
    "MOP-004": ({"close_date", "probability"}, {}),
    "MOP-005": ({"stage", "notes"}, {"stage": "Closed-Won"}),
    "MOP-006": ({"stage", "amount"}, {}),
    "MOP-007": ({"owner", "probability"}, {}),
    "MOP-008": ({"notes"}, {}),
    "MOP-009": ({"probability", "notes"}, {}),
    "MOP-010": ({"stage", "notes"}, {"stage": "Closed-Lost"}),
}
"""Core id to the names that are given (of updates, for MOP) and values that distinguish the case."""


def _given(task: Task) -> dict[str, Any]:
    (call,) = task.solution
    given = dict(call.arguments.get("updates", call.arguments))
    if "file_name" in given:
        given["extension"] = given["file_name"].rpartition(".")[2].lower()
    return given


@pytest.mark.parametrize("number", sorted(ACCEPTED))
def test_accepted_core_number_means_what_it_says(number):
    names, values = ACCEPTED[number]
    given = _given(BY_ID[number])
    assert {name: given[name] for name in values} == values
    if names:
        assert given.keys() == names


def test_accepted_core_numbers_that_speak_of_what_is_there():
    def world(number: str) -> tuple[Task, dict[str, Any]]:
        return BY_ID[number], _given(BY_ID[number])

    task, given = world("CQT-006")
    quotes = task.world.crm.referring("Quote", "opportunity_id", given["opportunity_id"])
    assert any(quote.status == "Draft" and quote.version != given["version"] for quote in quotes)
    task, given = world("CQT-008")
    quotes = task.world.crm.referring("Quote", "opportunity_id", given["opportunity_id"])
    assert max(quote.valid_until for quote in quotes if quote.status == "Approved") < given["valid_until"]
    extension = _given(BY_ID["UD-004"])["file_name"].rpartition(".")[2]
    assert extension not in (extension.lower(), extension.upper())
    stages = TABLES["Opportunity"].column("stage").atom.schema["enum"]
    task, given = world("MOP-006")
    (call,) = task.solution
    deal = task.world.crm.get("Opportunity", call.arguments["id"])
    assert stages.index(given["stage"]) < stages.index(deal.stage)
    task, given = world("MOP-009")
    (call,) = task.solution
    assert given["probability"] < task.world.crm.get("Opportunity", call.arguments["id"]).probability


Test = Callable[[Any, Task], bool]


def _words(task: Task, field: str) -> list[str]:
    schema = TOOLS[task.family].schema["properties"]
    return (schema.get("updates", {}).get("properties") or schema)[field]["enum"]


def _lower(field: str) -> Test:
    return lambda value, task: value == value.lower() and any(value == word.lower() for word in _words(task, field))


def _padded(field: str) -> Test:
    return lambda value, task: value != value.strip() and value.strip() in _words(task, field)


def _misspelt(field: str) -> Test:
    def near(value: Any, task: Task) -> bool:
        exact = any(value.strip().casefold() == word.casefold() for word in _words(task, field))
        return not exact and bool(difflib.get_close_matches(value, _words(task, field), cutoff=0.8))

    return near


def _unknown_word(field: str) -> Test:
    return lambda value, task: value.strip().casefold() not in [word.casefold() for word in _words(task, field)]


def _other_case(value: Any, task: Task) -> bool:
    return any(row.email != value and row.email.casefold() == value.casefold() for row in task.world.crm.find("Client"))


def _any(value: Any, task: Task) -> bool:
    return True


def _text(value: Any, task: Task) -> bool:
    return isinstance(value, str) and not any(char.isdigit() for char in value)


def _text_with_unit(value: Any, task: Task) -> bool:
    return isinstance(value, str) and re.search(r"[0-9].*[A-Za-z€$%]", value) is not None


def _number(value: Any, task: Task) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _fraction(value: Any, task: Task) -> bool:
    return value != int(value)


def _unknown_id(value: Any, task: Task) -> bool:
    return re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", value) is not None and not table_of(
        task.world.crm, value
    )


def _no_uuid(value: Any, task: Task) -> bool:
    return re.fullmatch(r"[0-9a-fA-F-]{36}", value) is None


def _client_as_quote(value: Any, task: Task) -> bool:
    return table_of(task.world.crm, value) == "Client" and task.goal.call.arguments["entity_type"] == "Quote"


def _shaped(pattern: str) -> Test:
    return lambda value, task: re.fullmatch(pattern, value) is not None


def _equals(wanted: Any) -> Test:
    return lambda value, task: value == wanted and type(value) is type(wanted)


def _above(bound: float) -> Test:
    return lambda value, task: value > bound


def _below(bound: float) -> Test:
    return lambda value, task: value < bound


ABSENT = object()
ISO, NOT_ISO, WITH_TIME = r"\d{4}-\d{2}-\d{2}", r"(?!\d{4}-\d{2}-\d{2}).*\d.*", r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}.*"


def _absent(value: Any, task: Task) -> bool:
    return value is ABSENT


REFUSED: dict[str, tuple[str, str, Test]] = {
    "CNC-101": ("enum_value", "status", _lower("status")),
    "CNC-102": ("email_format", "email", _any),
    "CNC-103": ("duplicate_email", "email", _other_case),
    "CNC-104": ("missing_field", "email", _absent),
    "CNC-105": ("enum_value", "status", _padded("status")),
    "CNC-106": ("blank", "name", _any),
    "CNC-107": ("unknown_field", "", _any),
    "CNC-108": ("wrong_type", "name", _number),
    "CNO-101": ("enum_value", "stage", _misspelt("stage")),
    "CNO-102": ("probability_range", "probability", _above(100)),
    "CNO-103": ("not_found", "client_id", _unknown_id),
    "CNO-104": ("date_format", "close_date", _shaped(NOT_ISO)),
    "CNO-105": ("wrong_type", "probability", _text),
    "CNO-106": ("enum_value", "stage", _padded("stage")),
    "CNO-107": ("probability_range", "probability", _equals(0)),
    "CNO-108": ("probability_range", "probability", _equals(100)),
    "CNO-109": ("probability_not_whole", "probability", _fraction),
    "CNO-110": ("amount_not_positive", "amount", _equals(0)),
    "CNO-111": ("amount_above_ceiling", "amount", _above(10_000_000)),
    "CNO-112": ("wrong_type", "amount", _text_with_unit),
    "CNO-113": ("date_in_past", "close_date", _shaped(ISO)),
    "CNO-114": ("date_format", "close_date", _shaped(ISO)),
    "CNO-115": ("date_format", "close_date", _shaped(WITH_TIME)),
    "CQT-101": ("enum_value", "status", _lower("status")),
    "CQT-102": ("amount_not_positive", "amount", _below(0)),
    "CQT-103": ("not_found", "opportunity_id", _unknown_id),
    "CQT-104": ("enum_value", "status", _unknown_word("status")),
    "CQT-105": ("missing_field", "amount", _absent),
    "CQT-106": ("enum_value", "status", _padded("status")),
    "CQT-107": ("amount_not_positive", "amount", _equals(0)),
    "CQT-108": ("amount_above_ceiling", "amount", _above(10_000_000)),
    "CQT-109": ("wrong_type", "amount", _text_with_unit),
    "CQT-110": ("wrong_type", "status", _number),
    "UD-101": ("enum_value", "entity_type", _lower("entity_type")),
    "UD-102": ("not_found", "entity_id", _unknown_id),
    "UD-103": ("not_found", "entity_id", _no_uuid),
    "UD-104": ("blank", "file_name", _equals("")),
    "UD-105": ("file_name_characters", "file_name", _any),
    "UD-106": ("file_extension_unsupported", "file_name", _any),
    "UD-107": ("file_extension_missing", "file_name", _any),
    "UD-108": ("not_found", "entity_id", _client_as_quote),
    "MOP-101": ("enum_value", "stage", _misspelt("stage")),
    "MOP-102": ("probability_range", "probability", _below(0)),
    "MOP-103": ("unknown_field", "", _any),
    "MOP-104": ("wrong_type", "probability", _text),
    "MOP-105": ("enum_value", "stage", _padded("stage")),
    "MOP-106": ("probability_range", "probability", _equals(0)),
    "MOP-107": ("probability_not_whole", "probability", _fraction),
    "MOP-108": ("amount_not_positive", "amount", _equals(0)),
    "MOP-109": ("amount_above_ceiling", "amount", _above(10_000_000)),
    "MOP-110": ("date_in_past", "close_date", _shaped(ISO)),
    "MOP-111": ("date_format", "close_date", _shaped(WITH_TIME)),
    "MOP-112": ("closed_deal_locked", "stage", _any),
}
"""Core id to code, field ("" where any unknown one will do) and what the value at fault must be like."""


@pytest.mark.parametrize("number", sorted(REFUSED))
def test_refused_core_number_means_what_it_says(number):
    task = BY_ID[number]
    code, field, fits = REFUSED[number]
    assert (task.goal.code, field or task.goal.field) == (code, task.goal.field)
    given = task.goal.call.arguments.get("updates", task.goal.call.arguments)
    assert fits(given.get(task.goal.field, ABSENT), task)


# Solvable


@functools.cache
def env(refusals: str, ends_on: str) -> Any:
    return gym.make("CrmEnv-v0", refusals=refusals, ends_on=ends_on).unwrapped


@pytest.mark.parametrize(("refusals", "ends_on"), ENDINGS)
@FAMILY
def test_the_solution_succeeds_and_nothing_less_does(family, refusals, ends_on):
    made = env(refusals, ends_on)
    for task in of(family):
        made.reset(seed=7, options={"task_id": task.id})
        assert not made.verdict.success, task.id
        for call in made.task.solution:
            assert not made.verdict.success, task.id
            _, reward, over, truncated, info = made.step(call)
        if not over:
            assert ends_on == "finish", task.id
            _, reward, over, truncated, info = made.step(ToolCall("finish"))
        assert (info["is_success"], reward, over, truncated) == (True, 1.0, True, False), task.id
        assert made.verdict.progress == 1.0, task.id


@FAMILY
def test_refused_calls_are_refused_so_and_change_nothing(family):
    for task in of(family):
        assert list(refused_otherwise(task)) == [], task.id


# Judged rightly


@FAMILY
def test_wrong_end_states_are_rejected(family):
    for task in (each for one in of(family) for each in both_protocols(one)):
        ends = wrong_end_states(task)
        names = [end.name for end in ends]
        assert len(ends) >= 15, task.id
        for part in (
            "nothing done",
            *(f"an extra {table}" for table in TABLES),
            "neighbour altered",
            "neighbour deleted",
        ):
            assert any(part in name for name in names), (task.id, part)
        if isinstance(task.goal, ChangeGoal):
            for part in (": twice", "wrong", "another"):
                assert any(part in name for name in names), (task.id, part)
        taken = [end.name for end in ends if end.verdict(task).success]
        assert taken == [], task.id


@FAMILY
def test_every_field_that_must_change_is_tried_wrong_and_missing(family):
    for task in of(family):
        if not isinstance(task.goal, ChangeGoal):
            continue
        names = " ".join(end.name for end in wrong_end_states(task))
        for change in play(task, task.solution).crm.journal.net.values():
            if change.after is None or task.family.startswith("delete"):
                continue  # what points at a deleted record lets go by law: it cannot be wrong
            for column in TABLES[change.table].columns:
                after, before = getattr(change.after, column.name), getattr(change.before, column.name, None)
                if column.key or column.auto or after == before or column.name == "entity_type":
                    continue
                assert f"{column.name} wrong" in names, (task.id, column.name)
                if change.before is not None:
                    assert f"{column.name} as before" in names, (task.id, column.name)
                elif not column.required and after != column.default:
                    assert f"{column.name} missing" in names, (task.id, column.name)


@FAMILY
def test_equivalent_ways_are_accepted(family):
    for task in (each for one in of(family) for each in both_protocols(one)):
        ways = equivalents(task)
        assert len(ways) >= 8, task.id
        missed = [name for name, way in ways.items() if not play(task, way).verdict(task).success]
        assert missed == [], task.id


@FAMILY
def test_perturbed_solutions_are_rejected(family):
    for task in (each for one in of(family) for each in both_protocols(one)):
        ways = perturbed(task)
        for number, call in enumerate(task.solution):
            for name in _paths(call.arguments):
                tried = [way for way in ways if way.startswith(f"call {number}, {name} ")]
                assert any(way.endswith("of another type") for way in tried), (task.id, name)
                assert len(tried) >= 2, (task.id, name)
        taken = [name for name, way in ways.items() if play(task, way).verdict(task).success]
        assert taken == [], task.id


def _paths(value: Any, at: str = "") -> list[str]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path for key, item in inner for path in (f"{at}{key}", *_paths(item, f"{at}{key}."))]


# Answerable, and from one record only


@FAMILY
def test_everything_needed_is_said_or_shown(family):
    for task in of(family):
        assert unreachable(task, rows_behind(task)) == [], task.id


@FAMILY
def test_what_is_no_id_is_said_in_the_request_itself(family):
    for task in of(family):
        calls = (task.goal.call,) if isinstance(task.goal, RefusalGoal) else task.solution
        for call in calls if not isinstance(task.goal, AnswerGoal) else ():
            for name, value in _leaves(call.arguments):
                known = table_of(task.world.crm, value) is not None
                assert known or said(task.request, value, any_case=name == "entity_type"), (task.id, name, value)


def _leaves(value: Any, name: str = "") -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _leaves(item, key)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item, name)]
    return [(name, value)]


@FAMILY
def test_read_cases_use_their_own_tool(family):
    for task in of(family):
        if isinstance(task.goal, AnswerGoal):
            assert family in [lookup.tool for lookup in task.lookups], task.id


@FAMILY
def test_the_named_target_is_unique(family):
    for task in of(family):
        assert ambiguous(task) == [], task.id


KIND = {"create_quote": "Quote", "upload_document": "Document", "add_note": "Note"}


def _kind(task: Task) -> str:
    kinds = {"opportunity": "Opportunity", "client": "Client", "contact": "Contact", "quote": "Quote"}
    return KIND.get(task.family) or (kinds | {"contract": "Contract", "company": "Company"})[task.intent]


@FAMILY
def test_worlds_have_distractors_of_the_same_kind(family):
    for task in of(family):
        calls = (task.goal.call,) if isinstance(task.goal, RefusalGoal) else (*task.lookups, *task.solution)
        involved = {value for call in calls for _, value in _leaves(call.arguments) if isinstance(value, str)}
        rest = [row for row in task.world.crm.find(_kind(task)) if row[0] not in involved]
        assert len(rest) >= 2, task.id


@FAMILY
def test_worlds_have_records_with_similar_names(family):
    for world in {id(task.world): task.world for task in of(family)}.values():
        names = {
            table: [label(row) for row in world.crm.find(table)]
            for table in ("Client", "Contact", "Opportunity", "Company")
        }
        pairs = [pair for found in names.values() for pair in itertools.combinations(found, 2)]
        assert any(_similar(a, b) for a, b in pairs), world.name


def _similar(a: str, b: str) -> bool:
    words = [set(re.findall(r"\w{4,}", name.casefold())) for name in (a, b)]
    return a != b and (bool(words[0] & words[1]) or difflib.SequenceMatcher(None, a, b).ratio() > 0.6)


@FAMILY
def test_certifying_leaves_the_shared_worlds_alone(family):
    for task in of(family)[:3]:
        before = task.world.crm.state_hash()
        assert certify(task, rows_behind(task)) == [], task.id
        assert task.world.crm.state_hash() == before == task.world.crm.recomputed_hash(), task.id
        assert not task.world.crm.journal.changes, task.id


# A certifier that finds nothing proves nothing: each fault put in is found


def _loosened(task: Task, *fields: str) -> Task:
    (change,) = task.goal.changes
    places = [list(TABLES[change.table].entity.model_fields).index(name) for name in fields]
    return replace(task, goal=ChangeGoal((replace(change, free=(*change.free, *places)),)))


def test_a_forgotten_field_in_the_goal_is_found():
    task = _loosened(BY_ID["CNC-001"], "phone")
    assert any("phone" in fault and fault.startswith("success although") for fault in judged_wrongly(task))


def test_a_goal_that_is_not_met_by_the_solution_is_found():
    task = replace(BY_ID["CNC-001"], _solution=BY_ID["CNC-002"].solution)
    assert any(fault.startswith("no success: as it stands") for fault in judged_wrongly(task))


@pytest.mark.parametrize(
    ("number", "said_instead"),
    [("CQT-001", ("$12,900", "little")), ("CNO-002", ("35%", "a chance")), ("CNO-004", ("27 June 2025", "June"))],
)
def test_a_value_that_nobody_says_is_found(number, said_instead):
    task = BY_ID[number]
    assert said_instead[0] in task.request
    faults = unreachable(replace(task, request=task.request.replace(*said_instead)))
    assert any("neither said nor shown" in fault for fault in faults)


def test_an_id_that_no_look_up_shows_is_found():
    faults = unreachable(replace(BY_ID["CQT-001"], _lookups=()))
    assert faults == [
        f"create_quote opportunity_id={BY_ID['CQT-001'].solution[0].arguments['opportunity_id']!r}: "
        "it is neither said nor shown"
    ]


def test_an_answer_that_is_given_away_is_found():
    task = BY_ID["OPS-004"]
    given_away = replace(task, request=f"{task.request} (I think {task.goal.answer.value}.)")
    assert any("gives the answer" in fault for fault in unreachable(given_away))


def test_an_answer_that_is_not_shown_is_found():
    faults = unreachable(replace(BY_ID["OPS-004"], _lookups=()))
    assert any("look-ups show neither" in fault for fault in faults)


def test_a_target_that_two_records_fit_is_found():
    task = BY_ID["CQT-010"]
    vague = "Two clients run a deal called Seat fabric renewal. Enter an Approved quote of 78,325.75 as version v2."
    search = ToolCall("opportunity_search", {"name": "Seat fabric renewal"})
    assert ambiguous(task) == []
    assert len(ambiguous(replace(task, request=vague, _lookups=(search,)))) == 1


def test_a_longer_name_in_the_request_does_not_mean_the_shorter_one():
    task = BY_ID["CQT-001"]
    (call,) = task.solution
    deals = {row.name: row.opportunity_id for row in task.world.crm.find("Opportunity")}
    meant = replace(call, arguments={**call.arguments, "opportunity_id": deals["Cider press line"]})
    assert ambiguous(task) == []
    assert len(ambiguous(replace(task, _solution=(meant,)))) == 1


def test_a_refusal_with_another_code_is_found():
    task = BY_ID["CNC-101"]
    wrong = replace(task, goal=replace(task.goal, code="blank"))
    assert list(refused_otherwise(wrong)) == ["refused with enum_value of 'status', not blank of 'status'"]
    unharmed = replace(task, goal=replace(task.goal, call=BY_ID["CNC-001"].solution[0]))
    assert list(refused_otherwise(unharmed)) == [
        "create_new_client is not refused",
        "the refused call changes something",
    ]


def test_a_judge_that_looks_only_at_replies_is_found(monkeypatch):
    task = BY_ID["OPS-004"]

    def careless(task, journal, results=()):
        heard = any(task.goal.heard(result) for result in results)
        return Verdict(heard, float(heard))

    monkeypatch.setattr("crm_gym.certify.values.verify", careless)
    assert sum("solved, and" in fault for fault in judged_wrongly(task)) == 10


def test_no_answer_stands_in_the_first_observation():
    """A number that the counts show could be answered without reading anything."""
    for task in BY_ID.values():
        if isinstance(task.goal, AnswerGoal) and isinstance(task.goal.answer.value, int | float):
            assert task.goal.answer.value not in task.world.crm.counts(), task.id
