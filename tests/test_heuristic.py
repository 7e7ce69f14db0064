"""The agent of rules: honest (it sees what any agent sees and knows no task), steady, a floor well above chance."""

from __future__ import annotations

import pickle
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import gymnasium as gym
import hypothesis
import pytest
from crm_agents import heuristic
from crm_agents.heuristic import HeuristicAgent
from crm_agents.heuristic.intent import intent_of
from crm_agents.heuristic.jobs import parts_of, with_ids
from crm_agents.heuristic.pointing import literal_id
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.words import mended
from hypothesis import strategies as st

from crm_gym import FAMILIES, TOOL_NAMES, TOOLS, load_suite, rollout
from crm_gym.baselines import OracleAgent, RandomAgent
from crm_gym.evaluation.harness import BaselineHarness

CORE = ("CNC", "CNO", "CQT", "UD", "MOP")
TODAY = "2026-03-01"


def reading(text: str) -> Reading:
    return Reading(text, TODAY)


def shown(request: str, **more: Any) -> dict[str, Any]:
    blank = {"tool": "", "arguments": "", "status": 0, "error_code": "", "result": "", "steps": 0}
    return {"request": request, "today": TODAY, **blank, **more}


def rates(env_id: str, seeds: range) -> dict[str, float]:
    won = defaultdict(list)
    env = gym.make(env_id)
    for seed in seeds:
        played = rollout(env, HeuristicAgent(), seed=seed)
        won[played.family].append(played.success)
    env.close()
    return {family: sum(all_) / len(all_) for family, all_ in won.items()}


# What it is worth


@pytest.mark.parametrize(("env_id", "least"), [("CrmEnv-Train-v0", 0.9), ("CrmEnv-Test-v0", 0.85)])
def test_it_does_most_single_jobs_in_words_it_was_and_was_not_made_on(env_id: str, least: float) -> None:
    known = rates(env_id, range(500, 900))
    single = [rate for family, rate in known.items() if family.removeprefix("decline_") in FAMILIES]
    assert len(single) > 40
    assert least <= sum(single) / len(single) < 1.0


def test_it_stands_between_chance_and_the_oracle_on_golden_tasks_it_was_not_made_on() -> None:
    env = gym.make("CrmEnv-v0")
    tasks = [task.id for task in load_suite("golden") if task.id.split("-")[0] in CORE]
    agents = {"random": RandomAgent(0), "rules": HeuristicAgent(), "oracle": OracleAgent(env)}
    won = {
        name: sum(rollout(env, agent, seed=7, options={"task_id": task}).success for task in tasks) / len(tasks)
        for name, agent in agents.items()
    }
    env.close()
    assert won["random"] == 0.0
    assert won["oracle"] == 1.0
    assert 0.3 <= won["rules"] <= 0.8


def test_it_uses_public_tools_only_and_ends_every_episode_itself() -> None:
    env = gym.make("CrmEnv-Train-v0")
    for seed in range(60):
        played = rollout(env, HeuristicAgent(), seed=seed)
        assert played.terminated
        assert {action["tool"] for action in played.actions} <= set(TOOL_NAMES)
    env.close()


# What it decides from


def test_it_is_rebuilt_by_feeding_what_was_observed() -> None:
    env = gym.make("CrmEnv-Train-v0")
    for seed in range(12):
        seen, calls, state = [env.reset(seed=seed)[0]], [], None
        over = False
        while not over:
            call, state = HeuristicAgent().predict(seen[-1], state, not calls)
            state = pickle.loads(pickle.dumps(state))
            calls.append(call)
            observation, _, terminated, truncated, _ = env.step(call)
            seen.append(observation)
            over = terminated or truncated
        again, state = [], None
        for observation in seen[:-1]:
            call, state = HeuristicAgent().predict(observation, state)
            again.append(call)
        assert again == calls
    env.close()


def test_a_state_can_be_gone_on_from_twice() -> None:
    first = shown("Delete the deal Heron gates.")
    agent = HeuristicAgent()
    call, state = agent.predict(first)
    assert call["tool"] == "opportunity_search"
    nobody = shown(first["request"], status=1, tool=call["tool"], result='{"total":0,"rows":[]}')
    before = pickle.dumps(state)
    assert agent.predict(nobody, state)[0] == agent.predict(nobody, state)[0]
    assert pickle.dumps(state) == before


def test_an_episodes_first_observation_forgets_the_one_before() -> None:
    agent = HeuristicAgent()
    start = shown("Delete the deal Heron gates.")
    call, state = agent.predict(start)
    assert agent.predict(start, state, episode_start=True)[0] == call
    assert agent.predict(start, state)[0] == call


def test_no_line_of_it_repeats_six_words_of_a_golden_request() -> None:
    folder = Path(heuristic.__file__).parent
    source = " ".join(re.findall(r"[a-z]+", " ".join(path.read_text().lower() for path in sorted(folder.glob("*.py")))))
    for task in load_suite("golden"):
        words = re.findall(r"[a-z]+", task.request.lower())
        for at in range(len(words) - 5):
            assert " " + " ".join(words[at : at + 6]) + " " not in source, task.id


def test_it_knows_nothing_of_tasks() -> None:
    folder = Path(heuristic.__file__).parent
    for path in folder.glob("*.py"):
        assert "crm_gym.tasks" not in path.read_text()
        assert "load_suite" not in path.read_text()


@hypothesis.settings(max_examples=150, deadline=None)
@hypothesis.given(
    st.text(max_size=200) | st.sampled_from([task.request for task in load_suite("golden")]),
    st.sampled_from(
        ["", "null", "[]", "{}", '{"rows":[],"total":0}', '{"code":"not_found","field":"id"}', "{...CUT", "7"]
    ),
    st.integers(0, 2),
)
def test_whatever_it_is_shown_it_makes_a_call_that_exists(request: str, result: str, status: int) -> None:
    agent, state = HeuristicAgent(), None
    for number in range(6):
        call, state = agent.predict(shown(request, status=status if number else 0, result=result), state)
        assert call["tool"] in TOOLS
        assert isinstance(call["arguments"], dict)


# How it reads


@pytest.mark.parametrize(
    ("text", "verb", "entity"),
    [
        ("Please register a client called Halden Ferries.", "create", "client"),
        ("Add a deal for Halden Ferries.", "create", "opportunity"),
        ("Copy the deal Heron gates.", "clone", "opportunity"),
        ("Delete the quote on the deal Heron gates.", "delete", "quote"),
        ("Cancel the quote on the deal Heron gates.", "cancel", "quote"),
        ('Leave a note on the client Halden Ferries: "calls back".', "note", "client"),
        ("Upload gates.pdf to the deal Heron gates.", "upload", "opportunity"),
        ("Set the stage of the deal Heron gates to Proposal.", "modify", "opportunity"),
        ("What is the amount of the deal Heron gates?", "read", "opportunity"),
        ("Which clients are in Oslo?", "read", "client"),
    ],
)
def test_the_work_asked_for(text: str, verb: str, entity: str) -> None:
    assert intent_of(reading(text)) == (verb, entity)


FIELDS = TOOLS["create_new_opportunity"].schema["properties"]


@pytest.mark.parametrize(
    ("text", "name", "value"),
    [
        ("Set the amount to 12,500.50 dollars.", "amount", 12500.5),
        ("with an amount of 48k and no more", "amount", 48000),
        ('The amount is "12 grand", as written.', "amount", "12 grand"),
        ("Pass true as the probability.", "probability", True),
        ("win probability 45 %", "probability", 45),
        ("Probability: 45.5", "probability", 45.5),
        ("chance of winning thirty per cent", "probability", 30),
        ("Set the close date to 3 March 2027.", "close_date", "2027-03-03"),
        ('Enter "3.3.2027" as the close date.', "close_date", "3.3.2027"),
        ('the stage must be "negotiation ", so spelt', "stage", "negotiation "),
        ("sales stage Closed-Won", "stage", "Closed-Won"),
        ("owner Ana Berg, please", "owner", "Ana Berg"),
        ("For the owner pass 517 as a number.", "owner", 517),
        ('notes "two; three"', "notes", "two; three"),
        ('Make the name "".', "name", ""),
    ],
)
def test_a_value_is_passed_on_as_it_stands(text: str, name: str, value: Any) -> None:
    found, omitted = reading(text).values({name: FIELDS[name]})
    assert found == {name: value}
    assert type(found[name]) is type(value)
    assert not omitted


@pytest.mark.parametrize("text", ["Leave out the amount.", "There is no amount.", "The amount is missing, as yet 7."])
def test_what_is_to_be_left_out_is(text: str) -> None:
    assert reading(text).values({"amount": FIELDS["amount"]}) == ({}, {"amount"})


def test_what_only_says_which_record_is_meant_is_no_value() -> None:
    told = reading("Move the only deal of Halden Ferries in stage Proposal to Negotiation.").told
    assert "Proposal" not in told.text
    assert "Negotiation" in told.text


def test_an_id_belongs_to_the_record_named_before_it() -> None:
    text = "Put it on the quote with the id QU-4411, for the client Halden Ferries."
    assert literal_id(reading(text), "quote") == "QU-4411"
    assert literal_id(reading(text), "client") is None
    assert literal_id(reading("the deal whose id is the number 90210"), "opportunity") == 90210


def test_slips_of_the_keyboard_in_deciding_words_are_mended_and_values_are_left() -> None:
    assert mended("Plesae dleete the qoute") == "Plesae delete the quote"
    assert mended('set "qoute" for qoute@halden.example') == 'set "qoute" for qoute@halden.example'


@pytest.mark.parametrize(
    "text",
    [
        'Add the note "a; then delete it" to the deal Heron gates; delete the deal Alder gates.',
        "1st, clone the deal Heron gates. 2nd, upload gates.pdf to the deal Alder gates.",
        "To do:\n- set the owner of the deal Heron gates to Ana Berg\n- cancel the quote of the deal Alder gates",
        "Copy the deal Heron gates, and then set the amount of the new copy to 500.",
        "Both of these: a) delete the deal Heron gates; b) create the deal Alder gates for Halden Ferries.",
    ],
)
def test_several_jobs_are_taken_apart(text: str) -> None:
    assert len(parts_of(reading(text))) == 2


@pytest.mark.parametrize(
    "text",
    [
        "Delete the deal Heron gates.",
        'Create a client, please. Put the e-mail address down as "x"; then leave it so.',
        "Set the stage of the deal Heron gates to Proposal and the amount to 500; nothing else.",
    ],
)
def test_one_job_stays_whole(text: str) -> None:
    assert len(parts_of(reading(text))) == 1


def test_what_a_job_has_made_is_known_to_the_next() -> None:
    last = {"deal": "d-1", "client": "c-1"}
    assert with_ids("Add a note to that new deal.", last) == "Add a note to the deal with the id d-1."
    assert with_ids("Set the owner of the same client and of the copy.", last) == (
        "Set the owner of the client with the id c-1 and of the deal with the id d-1."
    )
    assert with_ids("on that contract", last) == "on that contract"


def test_it_plays_in_other_processes_as_in_this_one(tmp_path: Path) -> None:
    plan = {"suite": "golden", "tasks": ("clone_opportunity",)}
    logs = [
        BaselineHarness(HeuristicAgent(), tmp_path / f"{workers}.jsonl", plan, workers=workers).run().episodes
        for workers in (1, 2)
    ]
    assert logs[0] == logs[1]
    assert {record["outcome"] for record in logs[0]} == {"success", "failure"}
