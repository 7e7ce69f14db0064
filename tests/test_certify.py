"""Certificates: every kind of broken task is caught with the right sentence, fair ones pass, and runs add up."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import gymnasium as gym
import pytest

import crm_gym  # noqa: F401  # registers the ids
from crm_gym.baselines.reading import ids_in
from crm_gym.baselines.spoilers import WRITES, DestroyAgent, OtherTaskAgent, ReadOnlyAgent, SprayAgent, harms
from crm_gym.certify import Trial, certify, equivalents, judged_wrongly, perturbed, play, unheard, wrong_end_states
from crm_gym.certify.arena import AGENTS, CHANCE, Arena, is_right_elsewhere
from crm_gym.certify.explain import explained
from crm_gym.certify.leaks import leaks
from crm_gym.certify.order import backwards, shifted
from crm_gym.certify.sameness import shape, truly_solved
from crm_gym.certify.suite import PART, Part, Wanted, certified, certify_suite, parts_of, tasks_of
from crm_gym.certify.tally import Report, Tally
from crm_gym.certify.values import again, nearest, sampled
from crm_gym.errors import TaskError, UsageError
from crm_gym.evaluation.rollout import rollout
from crm_gym.schema import TABLES
from crm_gym.tasks.answer import Query, solve
from crm_gym.tasks.catalogue import find_task, load_suite
from crm_gym.tasks.dialogue import Phase, Script
from crm_gym.tasks.draft import Achieve, Draft, goal_of, path_of, solution_of
from crm_gym.tasks.goal import ChangeGoal
from crm_gym.tasks.plan import MAKERS, filled, new
from crm_gym.tasks.task import Task
from crm_gym.tasks.world import World
from crm_gym.tools import TOOLS, ToolCall
from crm_gym.verify import Verdict

TODAY = "2026-03-02"
RECORDS = [
    (
        "Client",
        {"key": "mill", "name": "Old Mill", "email": "mill@old.example", "status": "Active", "industry": "Food"},
    ),
    ("Client", {"key": "forge", "name": "Zoë Forge", "email": "forge@zoe.example", "status": "Prospect"}),
    ("Client", {"key": "harbour", "name": "Harbour Trust", "email": "h@harbour.example", "status": "Active"}),
    *(
        ("Opportunity", {"key": name.lower(), "name": name, "client_id": client, "amount": amount, "stage": "Proposal"})
        for name, client, amount in (("Oven", "@mill", 1200), ("Silo", "@mill", 700), ("Anvil", "@forge", 7400))
    ),
    *(
        ("Quote", {"key": key, "opportunity_id": deal, "amount": amount, "status": "Draft", "version": version})
        for key, deal, amount, version in (
            ("q1", "@oven", 1100, "v1"),
            ("q2", "@oven", 1150, "v2"),
            ("q3", "@anvil", 9, "v1"),
        )
    ),
    ("Contact", {"key": "bo", "first_name": "Bo", "last_name": "Lind", "client_id": "@mill", "title": "Baker"}),
    ("Contact", {"key": "bea", "first_name": "Bea", "last_name": "Lind", "client_id": "@mill", "title": "Buyer"}),
    ("Note", {"entity_type": "Client", "entity_id": "@mill", "content": "likes rye"}),
    ("Contract", {"client_id": "@harbour", "status": "Active", "value": 10}),
    ("Company", {"name": "Bolt & Co"}),
    ("Document", {"entity_type": "Client", "entity_id": "@mill", "file_name": "card.pdf"}),
]


@cache
def world() -> World:
    return World("certified", TODAY, RECORDS)


def rid(key: str) -> str:
    return world().ids[key]


def task_of(draft: Draft, task_id: str = "made") -> Task:
    return Task(
        id=task_id,
        family="workflow",
        request=draft.request,
        world=world(),
        goal=goal_of(draft, world()),
        _solution=solution_of(draft),
        _lookups=tuple(draft.lookups),
        split="made",
        user=draft.user,
        selections=tuple(draft.selections),
        _path=path_of(draft),
    )


def made(table: str, **fields):
    return Achieve(table, None, fields)


def changed(table: str, key: str, **fields):
    return Achieve(table, rid(key), fields)


def client_search(name: str) -> ToolCall:
    return ToolCall("client_search", {"name": name})


def deal_search(name: str) -> ToolCall:
    return ToolCall("opportunity_search", {"name": name})


@cache
def linked() -> Task:
    """A deal with two quotes on it, all new, and a note on the deal."""
    deal = {"name": "Mixer", "client_id": rid("mill"), "amount": 5000, "stage": "Qualification"}
    quotes = [{"opportunity_id": new(0), "amount": amount, "status": "Draft"} for amount in (4900, 4800)]
    note = {"entity_type": "Opportunity", "entity_id": new(0), "content": "wants it soon"}
    return task_of(
        Draft(
            request='For the client Old Mill open a deal "Mixer" of 5,000 in Qualification, put two Draft quotes on it,'
            ' of 4,900 and of 4,800, and note on the deal: "wants it soon".',
            lookups=[client_search("Old Mill")],
            calls=[
                ToolCall("create_new_opportunity", deal),
                *(ToolCall("create_quote", quote) for quote in quotes),
                ToolCall("add_note", note),
            ],
            achieve=[made("Opportunity", **deal), *(made("Quote", **quote) for quote in quotes), made("Note", **note)],
        )
    )


@cache
def paired() -> Task:
    """Two new deals, each with a quote of its own."""
    deals = [
        {"name": name, "client_id": rid("mill"), "amount": amount, "stage": "Qualification"}
        for name, amount in (("Mixer", 5000), ("Ladle", 6000))
    ]
    quotes = [{"opportunity_id": new(2 * k), "amount": amount, "status": "Draft"} for k, amount in enumerate((49, 59))]
    calls = [
        call
        for d, q in zip(deals, quotes, strict=True)
        for call in (ToolCall("create_new_opportunity", d), ToolCall("create_quote", q))
    ]
    return task_of(
        Draft(
            request='For the client Old Mill open the deals "Mixer" of 5,000 and "Ladle" of 6,000, both in'
            " Qualification, with a Draft quote of 49 on the first and one of 59 on the second.",
            lookups=[client_search("Old Mill")],
            calls=calls,
            achieve=[*(made("Opportunity", **deal) for deal in deals), *(made("Quote", **quote) for quote in quotes)],
        )
    )


@cache
def reported() -> Task:
    """The dearest deal is moved on, and its amount is reported."""
    answer = solve(Query(**{"from": "Opportunity", "best": "max:amount", "give": "value", "of": "amount"}), world().crm)
    updates = {"stage": "Negotiation"}
    return task_of(
        Draft(
            request="Move the deal with the highest amount of all to the stage Negotiation, and tell me that amount.",
            lookups=[ToolCall("opportunity_search", {"limit": 100})],
            calls=[ToolCall("modify_opportunity", {"id": rid("anvil"), "updates": updates})],
            achieve=[changed("Opportunity", "anvil", **updates)],
            answer=answer,
            selections=[Query(**{"from": "Opportunity", "best": "max:amount"})],
        )
    )


@cache
def talked() -> Task:
    """The amount must be asked for, and is corrected when it is there."""
    first, second = ({"amount": amount} for amount in (1250, 1300))
    writes = [ToolCall("modify_opportunity", {"id": rid("oven"), "updates": one}) for one in (first, second)]
    reached = goal_of(Draft("x", calls=writes[:1], achieve=[changed("Opportunity", "oven", **first)]), world())
    script = Script(
        (
            Phase(told={"amount": "Make it 1,250."}, until=reached.changes),
            Phase(says="Sorry, I meant 1,300. That is all."),
        )
    )
    return task_of(
        Draft(
            request="The deal Oven needs a new amount: ask me for it. When it is there, ask what is next.",
            calls=writes,
            path=[
                deal_search("Oven"),
                ToolCall("ask_user", {"about": "amount"}),
                writes[0],
                ToolCall("ask_user", {"about": "next_step"}),
                writes[1],
            ],
            achieve=[changed("Opportunity", "oven", **second)],
            user=script,
        )
    )


@cache
def which() -> Task:
    """Two contacts fit; the user says which is meant."""
    update = {"phone": "+47 55 01 22 18"}
    script = Script((Phase(told={"which_record": "The one whose title is Buyer."}),))
    return task_of(
        Draft(
            request="Set the phone of the contact Lind at Old Mill to +47 55 01 22 18. Ask me which one.",
            calls=[ToolCall("modify_contact", {"id": rid("bea"), "updates": update})],
            path=[
                ToolCall("contact_search", {"last_name": "Lind"}),
                ToolCall("ask_user", {"about": "which_record"}),
                ToolCall("modify_contact", {"id": rid("bea"), "updates": update}),
            ],
            achieve=[changed("Contact", "bea", **update)],
            user=script,
        )
    )


FAIR = {"linked": linked, "paired": paired, "reported": reported, "talked": talked, "which": which}


@pytest.fixture(scope="module")
def arena():
    arena = Arena()
    yield arena
    arena.close()


@pytest.mark.parametrize("name", FAIR)
def test_a_fair_task_passes(name, arena):
    trial = Trial()
    task = FAIR[name]()
    assert certify(task, trial=trial) == []
    assert trial.wrong >= 15
    assert trial.right >= 8
    assert trial.bent >= 4
    assert trial.example is None
    assert leaks(task, arena.env) == []
    played = arena.play(task, linked() if name != "linked" else paired())
    assert (played.faults, played.won, sorted(played.played)) == ([], [], sorted(AGENTS))


# Each fault put in is found


def faults_of(task: Task) -> str:
    return "\n".join(certify(task))


def test_a_value_out_of_reach_is_found():
    task = linked()
    assert "amount=4900: it is neither said nor shown" in faults_of(
        replace(task, request=task.request.replace("4,900", "some"))
    )


def test_an_ambiguous_record_is_found():
    task = replace(which(), user=None, _path=(), _lookups=(ToolCall("contact_search", {"last_name": "Lind"}),))
    assert "Contact Bea Lind is not the only record meant" in faults_of(task)


def test_a_record_left_out_of_those_meant_is_found():
    task = replace(reported(), selections=(Query(**{"from": "Opportunity", "where": {"stage": "Proposal"}}),))
    assert "the task leaves out some Opportunity of those meant" in faults_of(task)


def test_an_answer_given_away_is_found():
    task = reported()
    assert "the request gives the answer 7400 away" in faults_of(replace(task, request=task.request + " Is it 7,400?"))


def test_a_goal_too_lax_is_found():
    task = linked()
    place = [column.name for column in TABLES["Quote"].columns].index("status")
    lax = [replace(one, free=(*one.free, place)) if one.table == "Quote" else one for one in task.goal.changes]
    assert "success although call 1, status changed to Sent" in faults_of(replace(task, goal=ChangeGoal(tuple(lax))))


def test_a_goal_too_strict_is_found():
    task = linked()
    strict = [
        replace(one, row=one.row._replace(notes="so")) if one.table == "Opportunity" else one
        for one in task.goal.changes
    ]
    assert "no success: as it stands" in faults_of(replace(task, goal=ChangeGoal(tuple(strict))))


def test_a_goal_that_forgets_what_hangs_on_what_is_found():
    """Links that may lead anywhere: a quote on the wrong deal would count."""
    task = paired()
    place = [column.name for column in TABLES["Quote"].columns].index("opportunity_id")
    loose = [replace(one, free=(*one.free, place)) if one.table == "Quote" else one for one in task.goal.changes]
    found = faults_of(replace(task, goal=ChangeGoal(tuple(loose))))
    assert f"success although call 1, opportunity_id changed to {new(2)}" not in found  # not made yet: refused
    assert f"success although call 3, opportunity_id changed to {new(0)}" in found


def test_a_refusal_for_another_reason_is_found():
    task = find_task("CNC-101")
    wrong = replace(task, goal=replace(task.goal, code="blank"))
    assert "refused with enum_value of 'status', not blank of 'status'" in faults_of(wrong)


def test_a_forgotten_answer_is_found():
    task = reported()
    assert "success although" in faults_of(replace(task, goal=ChangeGoal(task.goal.changes)))


@pytest.mark.parametrize(
    ("request_", "sentence"),
    [
        ("Do it.\x07", "cannot be printed"),
        ("x" * 4001, "it has 4001"),
        ("", "it has 0"),
        ("Decline this: duplicate_email.", "the request shows the refusal 'duplicate_email'"),
    ],
)
def test_a_request_that_breaks_a_limit_or_gives_the_reason_is_found(request_, sentence, arena):
    task = find_task("CNC-103")
    assert leaks(task, arena.env) == []
    assert any(sentence in fault for fault in leaks(replace(task, request=request_), arena.env))


def test_an_answer_that_the_counts_show_is_found(arena):
    answer = solve(Query(**{"from": "Client", "give": "count"}), world().crm)
    task = task_of(Draft(request="How many clients are there?", lookups=[client_search("")], answer=answer))
    assert leaks(task, arena.env) == ["the first observation counts 3 records: that is the answer"]


def test_a_solution_in_info_is_found():
    env = gym.make("CrmEnv-v0", expose_reference=True, disable_env_checker=True)
    assert "the first observation or info shows the value 'wants it soon'" in leaks(linked(), env)


def test_an_id_of_a_record_to_be_made_in_the_request_is_found(arena):
    arena.env.reset(seed=0, options={"task": linked()})
    crm = arena.env.unwrapped.crm.fork()
    made_id = play(linked(), linked().solution, crm=crm).results[1].raw[0]
    told = replace(linked(), request=f"{linked().request} ({made_id})")
    assert f"the request shows the id of a record to be made {made_id!r}" in leaks(told, arena.env)


# Dialogues


def test_a_question_that_needs_no_asking_is_found():
    task = talked()
    told = replace(task, request=task.request + " It is 1,250, and later 1,300.")
    assert unheard(told) == ["the user need not be asked: all is said and shown without"]
    assert unheard(replace(which(), request=which().request + " It is Bea Lind.")) == unheard(told)


def test_a_user_who_says_nothing_is_found():
    task = replace(talked(), user=Script((Phase(), Phase())))
    assert any("asked about amount, the user only says" in fault for fault in unheard(task))


def test_a_user_without_patience_is_found():
    assert any(
        "I have to go now" in fault for fault in unheard(replace(talked(), user=replace(talked().user, patience=1)))
    )


def test_a_user_nobody_asks_and_a_question_to_nobody_are_found():
    assert unheard(replace(linked(), user=talked().user)) == ["there is a user whom nobody asks"]
    assert unheard(replace(talked(), user=None)) == ["ask_user is played, but there is no user"]


def test_a_goal_that_takes_what_was_said_before_the_correction_is_found():
    task = talked()
    before = task_of(
        Draft("x", calls=list(task.solution[:1]), achieve=[changed("Opportunity", "oven", amount=1250)])
    ).goal
    found = faults_of(replace(task, goal=before))
    assert "success although stopped at question 1" in found
    place = [column.name for column in TABLES["Opportunity"].columns].index("amount")
    anything = ChangeGoal((replace(task.goal.changes[0], free=(place,)),))
    assert "success although call 4 as if the last answer had not been given" in faults_of(replace(task, goal=anything))


# What is tried


def test_new_records_are_left_out_hung_elsewhere_and_exchanged():
    names = [end.name for end in wrong_end_states(paired())]
    for part in (
        "opportunity_id wrong",
        "opportunity_id swapped",
        "Quote 1: left out",
        "Opportunity 0: left out with what hangs on it",
        "Opportunity 0: left out, and what hangs on it hung on another",
        "Quote 1: twice",
        "Quote 1: written over another instead",
    ):
        assert any(part in name for name in names), part


def test_changes_with_an_answer_are_tried_with_one_of_the_two_only():
    names = [end.name for end in wrong_end_states(reported())]
    assert {"answered, and nothing changed", "finished without an answer", "answered 7401"} <= set(names)
    assert any("another changed too" in name for name in names)
    right = play(reported(), reported().solution)
    with_answer = [end for end in wrong_end_states(reported(), right) if "as before" in end.name or "wrong" in end.name]
    assert with_answer
    assert all(end.results == right.results for end in with_answer)


def test_calls_that_build_on_each_other_stay_in_order_and_new_ones_keep_their_numbers():
    way = backwards(paired())
    assert [call.tool for call in way] == ["create_new_opportunity", "create_quote"] * 2
    assert [call.arguments.get("name") for call in way] == ["Ladle", None, "Mixer", None]
    assert [call.arguments.get("opportunity_id") for call in way] == [None, new(0), None, new(2)]
    assert play(paired(), way).verdict(paired()).success
    assert equivalents(paired())["in reverse order"] == way
    assert backwards(talked()) == list(talked().solution)  # both write to one record
    assert shifted(way[1], 2).arguments["opportunity_id"] == new(2)


def test_new_records_are_replaced_by_standing_ones_and_by_each_other():
    names = set(perturbed(paired()))
    assert f"call 3, opportunity_id changed to {new(0)}" in names
    assert f"call 3, opportunity_id changed to {rid('oven')}" in names


def test_two_like_records_exchanged_are_no_wrong_end():
    """Two deals alike, a quote on each: whichever hangs on which, it is what was asked for."""
    deal = {"name": "Twin", "client_id": rid("mill"), "amount": 10, "stage": "Proposal"}
    quotes = [{"opportunity_id": new(2 * k), "amount": 9, "status": "Draft"} for k in range(2)]
    calls = [call for q in quotes for call in (ToolCall("create_new_opportunity", deal), ToolCall("create_quote", q))]
    task = task_of(
        Draft(
            request='For the client Old Mill open two deals, both "Twin" of 10 in Proposal, each with a'
            " Draft quote of 9.",
            lookups=[client_search("Old Mill")],
            calls=calls,
            achieve=[*(made("Opportunity", **deal) for _ in quotes), *(made("Quote", **quote) for quote in quotes)],
        )
    )
    assert list(judged_wrongly(task)) == []
    wrong = [end for end in wrong_end_states(task) if "on the wrong" in end.name or "opportunity_id wrong" in end.name]
    assert wrong
    assert not any(end.verdict(task).success for end in wrong)


def test_shapes_tell_apart_what_differs_in_links_only():
    right = play(paired(), paired().solution)
    other = play(paired(), backwards(paired()), "another seed")
    assert right.crm.journal.net != other.crm.journal.net
    assert shape(right.crm.journal.net) == shape(other.crm.journal.net)
    wrong = next(end for end in wrong_end_states(paired()) if "swapped" in end.name)
    assert shape(wrong.crm.journal.net) != shape(right.crm.journal.net)
    assert truly_solved(paired(), other, right)
    assert not truly_solved(paired(), wrong, right)


def test_a_branched_end_goes_on_by_itself():
    end = play(linked(), linked().solution)
    count = len(end.crm.journal)
    further = again(end, "further")
    further.crm.add("Company", {"name": "More"})
    assert (len(end.crm.journal), len(further.crm.journal)) == (count, count + 1)
    assert not further.verdict(linked()).success
    assert end.verdict(linked()).success


def test_samples_and_neighbours():
    assert sampled([1, 2, 3], None, "x") == sampled([1, 2, 3], 5, "x") == [1, 2, 3]
    drawn = sampled(list(range(50)), 7, "x")
    assert drawn == sorted(drawn) == sampled(list(range(50)), 7, "x") != sampled(list(range(50)), 7, "y")
    crm = world().crm
    assert [row[0] for row in nearest(crm, "Quote", crm.get("Quote", rid("q1")), {rid("q1")}, 1)] == [rid("q2")]
    assert len(nearest(crm, "Quote", crm.get("Quote", rid("q1")), {rid("q1")}, 9)) == 2


# The agents


@pytest.fixture(scope="module")
def env():
    return gym.make("CrmEnv-v0", disable_env_checker=True)


def tools_played(env, agent, task) -> list[str]:
    episode = rollout(env, agent, seed=1, options={"task": task})
    assert not episode.success
    return [list(TOOLS)[action["tool"]] for action in episode.actions]


def test_read_only_reads_and_asks_all_and_writes_nothing(env):
    assert tools_played(env, ReadOnlyAgent(env), talked()) == ["opportunity_search", "ask_user", "ask_user", "finish"]


def test_spray_writes(env):
    played = tools_played(env, SprayAgent(3, shots=6), linked())
    assert len(played) == 7
    assert played[0].endswith("_search")
    assert set(played[1:-1]) <= set(WRITES)
    assert played == tools_played(env, SprayAgent(3, shots=6), linked())


def test_destroy_harms_and_then_solves(env):
    for task in (linked(), reported()):
        played = tools_played(env, DestroyAgent(env), task)
        assert played[0] in ("delete_quote", "modify_client", "modify_opportunity")
        assert played[1 : 1 + len(task.solution)] == [call.tool for call in task.solution]
        harm = next(harms(world().crm, task))
        assert not {harm.arguments.get("id"), harm.arguments.get("quote_id")} & {
            one.id for one in task.goal.changes
        } - {None}


def test_another_tasks_solution_is_played(env):
    assert tools_played(env, OtherTaskAgent(env, paired()), reported())[:2] == [
        "create_new_opportunity",
        "create_quote",
    ]
    assert tools_played(env, OtherTaskAgent(env), reported()) == ["finish"]
    assert is_right_elsewhere(reported(), reported())
    assert not is_right_elsewhere(reported(), linked())


def test_a_success_that_nobody_should_have_is_a_fault(arena, monkeypatch):
    monkeypatch.setattr("crm_gym.env.verify", lambda task, journal, results=(): Verdict(bool(journal.changes), 1.0))
    played = arena.play(linked(), reported())
    assert "destroy-then-do succeeds" in played.faults
    assert "other-task succeeds" in played.faults
    assert "random succeeds" in played.faults
    assert not played.luck


def test_a_true_solution_that_was_drawn_is_luck(arena, monkeypatch):
    calls = iter(linked().solution)
    monkeypatch.setattr(SprayAgent, "act", lambda self, observation: filled_from(observation, calls))
    made_ids: list[str] = []

    def filled_from(observation, left):
        if observation["tool"] in MAKERS:
            made_ids.extend(ids_in(observation["result"])[:1])
        return filled(next(left, ToolCall("finish")), made_ids)

    played = arena.play(linked())
    assert [agent for agent, _ in played.luck] == ["spray-writes"]
    assert played.faults == []
    assert "create_new_opportunity" in played.luck[0][1]


def test_decline_may_be_right_and_nothing_else(arena):
    right = next(
        task
        for task in load_suite()
        if task.polarity == "refused" and task.solution[0].arguments == {"code": "enum_value", "field": "status"}
    )
    assert arena.play(right).won == ["decline"]
    assert arena.play(right).faults == []


# Runs


def test_a_run_is_the_same_in_one_process_and_in_two():
    wanted = Wanted("golden", families=("quote_details", "add_note"), tasks=16)
    one, two = certify_suite(wanted), certify_suite(wanted, jobs=2)
    assert one.passed
    assert json.dumps(one.as_json()) == json.dumps(two.as_json())
    assert sum(one.total.levels.values()) == one.total.tasks == 16


def test_golden_passes_through_the_public_channel():
    seen = []
    report = certify_suite(Wanted("golden", tasks=28, seed=5), on_part=lambda *counts: seen.append(counts))
    assert report.passed, report.as_json()["total"]["first_faults"]
    assert report.total.tasks == 28 == len(report.families)
    assert seen[-1] == (28, 28, 0)
    assert all(report.total.won[name] == 0 for name in AGENTS if name not in (*CHANCE, "decline"))
    assert report.chances == 3 * 28


def test_generated_tasks_pass_and_come_from_every_split():
    wanted = Wanted("generated", tasks=8, families=("add_note",))
    report = certify_suite(wanted)
    assert report.passed, report.as_json()["total"]["first_faults"]
    assert report.total.tasks == 8
    parts = parts_of(wanted)
    assert {part.split for part in parts} >= {"train", "validation", "test", "ood_phrasing"}
    first = [task.id for part in parts for task in tasks_of(part)]
    assert first == [task.id for part in parts for task in tasks_of(part)]
    again_ = [task.id for part in parts_of(replace(wanted, seed=1)) for task in tasks_of(part)]
    assert not set(first) & set(again_)


def test_parts_share_tasks_out():
    parts = parts_of(Wanted("golden", tasks=100))
    assert sum(part.count for part in parts) == 100
    assert max(part.count for part in parts) <= PART
    assert sum(part.count for part in parts_of(Wanted("golden"))) == len(load_suite())
    assert sum(part.count for part in parts_of(Wanted("generated", tasks=1000))) == 1000
    assert {part.split for part in parts_of(Wanted("generated", tasks=9, split="test"))} == {"test"}
    (levelled,) = parts_of(Wanted("generated", tasks=3, split="train", families=("add_note",), level=2))
    assert [task.difficulty for task in tasks_of(levelled)] == [2, 2, 2]


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Wanted("golden", tasks=0), "tasks must be 1 or more"),
        (Wanted("gold"), "suite 'gold' does not exist"),
        (Wanted("golden", level=2), "only suite 'generated'"),
        (Wanted("golden", families=("nothing",)), "no task or tool 'nothing'"),
        (Wanted("generated", split="trian"), "split 'trian' does not exist"),
        (Wanted("generated", level=6), "level must be"),
        (Wanted("generated", families=("nothing",)), "no split has nothing"),
    ],
)
def test_what_does_not_exist_is_refused(wanted, words):
    with pytest.raises(UsageError, match=words):
        parts_of(wanted)
    with pytest.raises(UsageError, match="jobs"):
        certify_suite(Wanted(), jobs=0)


def test_faults_are_counted_and_the_first_is_laid_open(monkeypatch):
    task = replace(linked(), request="Do something.")
    monkeypatch.setattr("crm_gym.certify.suite.tasks_of", lambda part: [task, task])
    _, tally, digests = certified(Part(Wanted(agents=False), "workflow", "", 0, 2))
    assert tally.tasks == 2
    assert tally.faults == 2 * len(certify(task)) > 0
    assert tally.example.task_id == task.id
    assert tally.example.fault in tally.example.text
    report = Report({"workflow": tally}, duplicates=len(digests) - len(set(digests)))
    assert (report.passed, report.duplicates) == (False, 1)


def test_a_family_that_cannot_make_its_tasks_is_a_fault(monkeypatch):
    def broken(part):
        yield linked()
        raise TaskError("the solution changes nothing")

    monkeypatch.setattr("crm_gym.certify.suite.tasks_of", broken)
    _, tally, _ = certified(Part(Wanted(agents=False), "workflow", "train", 0, 2))
    assert (tally.tasks, tally.faults) == (1, 1)
    assert tally.sentences == [("train:workflow", "the solution changes nothing")]
    assert tally.example.text == "the solution changes nothing"


def test_luck_is_allowed_up_to_a_share():
    def report(lucky: int, episodes: int) -> Report:
        tally = Tally(lucky=lucky)
        tally.played.update({"echo": episodes})
        return Report({"x": tally})

    assert report(1, 3).passed
    assert report(5, 1000).passed
    assert not report(6, 1000).passed


def test_an_explanation_shows_expected_and_net_changes():
    trial = Trial()
    task = linked()
    place = [column.name for column in TABLES["Quote"].columns].index("status")
    lax = [replace(one, free=(*one.free, place)) if one.table == "Quote" else one for one in task.goal.changes]
    task = replace(task, goal=ChangeGoal(tuple(lax)))
    fault = next(iter(certify(task, trial=trial)))
    text = explained(task, fault, trial.example)
    for part in (
        task.request,
        fault,
        "expected",
        "+ Quote",
        "free: quote_id, status",
        "+ amount: 4900",
        "verdict",
        "changes",
    ):
        assert part in text, part
