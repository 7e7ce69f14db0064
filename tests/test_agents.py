"""The scripted agents over the whole golden suite: what must succeed, and what must not."""

import json
from collections.abc import Iterable, Iterator

import gymnasium as gym
import numpy as np
import pytest
from crm_agents import ConstantAgent, DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent

from crm_gym import TOOL_NAMES, TOOLS, Agent, Episode, UsageError, load_suite, rollout
from crm_gym.baselines.reading import copyable

GOLDEN = load_suite("golden")
PROTOCOLS = [(refusals, ends_on) for refusals in ("decline", "attempt") for ends_on in ("success", "finish")]
FORM_CODES = {
    "unknown_tool", "invalid_json", "unknown_field", "missing_field", "wrong_type", "enum_value", "text_too_long",
    "email_format", "url_format", "date_format", "amount_not_positive", "amount_above_ceiling", "probability_range",
    "probability_not_whole",
}  # fmt: skip
"""Codes a schema-valid call never earns."""


def make_env(refusals: str = "decline", ends_on: str = "success") -> gym.Env:
    return gym.make("CrmEnv-v0", refusals=refusals, ends_on=ends_on, disable_env_checker=True)


@pytest.fixture(scope="module", params=PROTOCOLS, ids="-".join)
def env(request) -> gym.Env:
    return make_env(*request.param)


@pytest.fixture(scope="module")
def usual() -> gym.Env:
    return make_env()


def play(env: gym.Env, agent: Agent, seeds: Iterable[int] = (0,)) -> Iterator[Episode]:
    for seed in seeds:
        for task in GOLDEN:
            yield rollout(env, agent, seed=seed, options={"task_id": task.id})


def calls(episode: Episode) -> list[tuple[str, dict]]:
    return [(TOOL_NAMES[action["tool"]], json.loads(action["arguments"])) for action in episode.actions]


def successes(episodes: Iterable[Episode]) -> list[Episode]:
    won = [episode for episode in episodes if episode.success]
    for episode in won:
        print(episode.seed, episode.task_id, calls(episode))
    return won


# The one that knows


def test_the_suite_is_whole():
    assert len(GOLDEN) >= 330


@pytest.mark.parametrize("demonstrate", [False, True], ids=["solution", "demonstration"])
def test_oracle_solves_every_golden_task(env, demonstrate):
    failed = [e.task_id for e in play(env, OracleAgent(env, demonstrate)) if not (e.success and e.terminated)]
    assert failed == []


def test_a_demonstration_plays_the_lookups_before_the_solution(usual):
    for episode, task in zip(play(usual, OracleAgent(usual, demonstrate=True)), GOLDEN, strict=True):
        assert calls(episode) == [(call.tool, call.arguments) for call in (*task.lookups, *task.solution)]


def test_oracle_starts_afresh_when_told_so_and_needs_no_state(usual):
    task = next(task for task in GOLDEN if task.lookups and task.polarity == "accepted")
    agent = OracleAgent(usual, demonstrate=True)
    observation, _ = usual.reset(seed=1, options={"task_id": task.id})
    first, _ = agent.predict(observation)
    observation, *_ = usual.step(first)
    second, _ = agent.predict(observation)
    again, _ = agent.predict(observation, None, np.array([True]))
    assert first == again != second


# Those that must not succeed


@pytest.mark.parametrize("make", [lambda env: NullAgent(), ConstantAgent], ids=["null", "constant"])
def test_null_and_constant_never_succeed(env, make):
    assert [e.task_id for e in successes(play(env, make(env), range(10)))] == []


def test_constant_uses_the_right_tools_and_the_crm_takes_most_of_its_writes(usual):
    """Else its failures would say nothing about the verdict."""
    written = 0
    for episode, task in zip(play(usual, ConstantAgent(usual)), GOLDEN, strict=True):
        used = {tool for tool, _ in calls(episode)}
        assert used >= {task.family, *(call.tool for call in task.solution)}
        written += TOOLS[task.family].kind == "write" and episode.verdict["unexpected"] > 0
    writes = sum(TOOLS[task.family].kind == "write" for task in GOLDEN)
    assert written > 0.6 * writes


@pytest.mark.parametrize("kind", [RandomAgent, EchoAgent])
def test_chance_succeeds_in_under_one_percent(env, kind):
    episodes = [episode for seed in range(3) for episode in play(env, kind(seed), (seed,))]
    won = successes(episodes)
    assert len(won) < 0.01 * len(episodes)
    # what was played is worth something: schema-valid calls of every tool, many of which the CRM takes
    assert FORM_CODES.isdisjoint(code for episode in episodes for code in episode.errors)
    steps = sum(episode.steps for episode in episodes)
    assert sum(len(episode.errors) for episode in episodes) < 0.7 * steps
    assert {tool for episode in episodes for tool, _ in calls(episode)} == set(TOOLS)


@pytest.mark.parametrize("reason", [("enum_value", "status"), ("not_found", "opportunity_id"), ("blank", "name")])
def test_decline_succeeds_only_where_code_and_field_are_right(usual, reason):
    agent = DeclineAgent(*reason)
    right = [t.id for t in GOLDEN if [(c.tool, c.arguments) for c in t.solution] == calls_of_decline(*reason)]
    assert right
    assert [episode.task_id for episode in play(usual, agent) if episode.success] == right


def calls_of_decline(code: str, field: str) -> list[tuple[str, dict]]:
    return [("decline", {"code": code, "field": field})]


def test_declining_solves_nothing_where_the_attempt_is_asked_for():
    assert successes(play(make_env("attempt"), DeclineAgent())) == []


def test_decline_wants_a_code_there_is():
    with pytest.raises(UsageError, match="enum_value"):
        DeclineAgent("no_such_code")


# All of them


AGENTS = {
    "oracle": OracleAgent,
    "null": lambda env: NullAgent(),
    "random": lambda env: RandomAgent(3),
    "echo": lambda env: EchoAgent(3),
    "constant": ConstantAgent,
    "decline": lambda env: DeclineAgent(),
}


@pytest.mark.parametrize("make", AGENTS.values(), ids=AGENTS)
def test_every_action_is_of_the_action_space(usual, make):
    agent = make(usual)
    assert isinstance(agent, Agent)
    for task in GOLDEN[::10]:
        for action in rollout(usual, agent, seed=5, options={"task_id": task.id}).actions:
            assert usual.action_space.contains(action)


@pytest.mark.parametrize("make", AGENTS.values(), ids=AGENTS)
def test_an_episode_is_the_same_whatever_was_played_before(usual, make):
    tasks = [task.id for task in GOLDEN[::25]]
    agent = make(usual)
    forth = {task: rollout(usual, agent, seed=9, options={"task_id": task}) for task in tasks}
    back = {task: rollout(usual, agent, seed=9, options={"task_id": task}) for task in reversed(tasks)}
    alone = {task: rollout(usual, make(usual), seed=9, options={"task_id": task}) for task in tasks}
    assert forth == back == alone


@pytest.mark.parametrize("kind", [RandomAgent, EchoAgent])
def test_seeds_and_requests_matter(usual, kind):
    tasks = [task.id for task in GOLDEN[::25]]
    played = {
        (seed, task): calls(rollout(usual, kind(seed), seed=0, options={"task_id": task}))[0]
        for seed in (0, 1)
        for task in tasks
    }
    assert len({task: 0 for task in tasks if played[0, task] != played[1, task]}) > len(tasks) / 2
    assert len({repr(played[0, task]) for task in tasks}) > len(tasks) / 2


# What EchoAgent reads


def observed(request: str, result: str = "") -> dict[str, list]:
    return dict(copyable({"request": request, "result": result}).values)


def test_echo_reads_the_request():
    found = observed(
        'Send "two \\u00e9clairs" to Zo\\u00eb M\\u00fcller (zoe@cake.example) by 3 May 2026 or 2026-05-09, '
        "cost $12,500.50 at 60%, plan_v2.pdf, see https://cake.example/a, for 11fcc971-d0a2-460d-bdb5-5392491d2bb6."
    )
    assert {"two éclairs", "Zoë Müller"} <= set(found["text"])
    assert found["email"] == ["zoe@cake.example"]
    assert found["date"] == ["2026-05-03", "2026-05-09"]
    assert found["number"] == [12500.5, 60]
    assert found["file"] == ["plan_v2.pdf"]
    assert found["url"] == ["https://cake.example/a"]
    assert found["id"] == ["11fcc971-d0a2-460d-bdb5-5392491d2bb6"]


def test_echo_reads_values_and_no_keys_from_a_result():
    result = {"rows": [{"quote_id": "11fcc971-d0a2-460d-bdb5-5392491d2bb6", "amount": 12.5, "owner": 'A "B" \u00e9'}]}
    found = observed("", json.dumps(result, separators=(",", ":")))
    assert (found["id"], found["number"], found["text"]) == ([result["rows"][0]["quote_id"]], [12.5], ['A "B" é'])


@pytest.mark.parametrize("length", range(1, 41, 3))
def test_echo_reads_a_result_that_was_cut_anywhere(length):
    result = '{"rows":[{"name":"one"},{"name":"t\\u00e9\\"x","notes":"three"}]}'
    marker = '..."CUT: 90000 characters in all; page with limit and offset or ask for less"'
    assert set(observed("", result[:-length] + marker)["text"]) >= {"one"}


def test_echo_takes_an_impossible_date_for_a_text():
    assert observed("on 2026-02-30", '{"a":"2026-02-31"}')["date"] == []
    assert observed("", '{"a":"2026-02-31"}')["text"] == ["2026-02-31"]


@pytest.mark.parametrize("digits", ["1" * 16, "9" * 40])
def test_echo_leaves_numbers_alone_that_no_amount_has(digits):
    assert observed(digits, f'{{"a":{digits}}}')["number"] == []
