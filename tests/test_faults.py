"""The fault matrix: everything that can go wrong between an agent and its model, over real HTTP with the real SDKs.

Each kind of fault meets the first, a middle and the last episode of a run, with 1 and with 8 calls in flight. Whatever
the fault, the run comes to its end with one record for every episode; those that met it are in its class; the others
are what they are without it. Waits go by a virtual clock.
"""

import json
import random

import pytest
from crm_agents.fake.faults import KINDS, Fault, Plan
from crm_agents.fake.heuristic import is_same, played
from crm_agents.fake.models import Answer, FunctionModel, call, first_words
from crm_agents.fake.server import FakeServer
from crm_agents.llm.chat import ModelSettings
from crm_agents.llm.claude import ClaudeClient
from crm_agents.llm.openai_chat import OpenAIChatClient
from crm_agents.llm.openai_responses import OpenAIResponsesClient
from crm_agents.llm.policy import LlmAgent
from crm_agents.llm.retry import Retrying, RetryPolicy, VirtualClock

from crm_gym import BudgetSpent, UsageError, find_task, load_suite
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.harness import BaselineHarness

KEY = "sk-fake-Kj93nVb27xQpLm"
TASKS = [task.id for task in load_suite("golden", ["CNO-001", "CNC-007", "MCT-006", "CAQ-004", "COS-002", "CPQ-006"])]
COUNT = len(TASKS)
MET = (0, COUNT // 2, COUNT - 1)
"""The episodes that meet a fault: the first, a middle one, the last."""

NUDGES, TRIES = 1, 3
TIMEOUT = 0.25
"""Seconds; only for the calls that are never answered, which nothing but time can tell."""

SHALLOW, DEEP = 500, 2_000
"""Levels of nesting: JSON that Python still reads, and that it does not."""

CLIENTS = {"messages": ClaudeClient, "responses": OpenAIResponsesClient, "chat": OpenAIChatClient}

OUTAGES = {
    "rate_limited": "rate_limited",
    "rate_limited_after": "rate_limited",
    "request_timeout": "timeout",
    "conflict": "conflict",
    "server_error": "server_error",
    "bad_gateway": "server_error",
    "unavailable": "server_error",
    "gateway_timeout": "timeout",
    "overloaded": "overloaded",
    "key_in_error": "server_error",
    "refused": "connection",
    "hang": "timeout",
    "closed": "connection",
    "reset": "connection",
    "garbage": "bad_body",
}
"""Faults that may pass -> infra_error, and this reason, if they do not. If they do, nothing is to be seen of them."""

FATAL = {
    "bad_request": ("infra_error", "bad_request"),
    "unprocessable": ("infra_error", "bad_request"),
    "too_large": ("model_error", "context_too_long"),
    "context_too_long": ("model_error", "context_too_long"),
    "refusal": ("model_error", "refusal"),
}
"""Faults that end an episode at once -> outcome, reason."""

SLIPS = {
    "cut_off": ("cut_off", "cut_off"),
    "cut_call": ("cut_off", "cut_off"),
    "empty": ("empty", "empty"),
    "no_call": ("no_call", "no_call"),
    "paused": ("paused", "no_call"),
}
"""Replies without a call -> the slip, and the reason of the model_error if the model does not mend its ways."""

PLAYED = {
    "two_calls": "several_calls",
    "unknown_tool": "unknown_tool",
    "malformed_arguments": "bad_arguments",
    "depth_bomb": "bad_arguments",
    "nan": "bad_arguments",
    "wrong_types": None,
    "surrogates": None,
    "text_around": None,
}
"""Replies with a call that is played, whatever it is -> the slip. The CRM refuses what is wrong."""

SETUP = ("unauthorized", "forbidden", "not_found")
"""Faults that no other episode would escape: they stop the run."""


def test_every_kind_of_fault_is_in_the_matrix():
    assert sorted(KINDS) == sorted([*OUTAGES, *FATAL, *SLIPS, *PLAYED, *SETUP])


def follow(request):
    """The calls of the task's own demonstration, each until it is played."""
    task = next(task for task in map(find_task, TASKS) if task.request in first_words(request))
    calls = [call(step.tool, dict(step.arguments)) for step in task.demonstration]
    done = 0
    for result in played(request):
        done += is_same(result.call, calls[done])
    one = calls[done]
    if request.tools:
        return Answer("Here goes.", (one,))
    return Answer(json.dumps({"tool": one.name, "arguments": one.arguments}))


@pytest.fixture(scope="module")
def server():
    with FakeServer(FunctionModel(follow), key=KEY) as running:
        yield running


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("FAKE_KEY", KEY)


def client_of(api, server, timeout=30.0):
    url = server.url if api == "messages" else server.v1
    return CLIENTS[api](ModelSettings("fake-1", base_url=url, api_key_env="FAKE_KEY", timeout=timeout))


def agent_of(api, server, mode="tools", timeout=30.0, **keywords):
    policy = RetryPolicy(tries=TRIES)
    client = Retrying(client_of(api, server, timeout), policy, VirtualClock(), random.Random(0))
    return LlmAgent(client, mode=mode, nudges=NUDGES, **keywords)


def run(server, path, faults, api="messages", workers=1, mode="tools", timeout=30.0, **keywords):
    """The log of a run, every episode seen to be there once."""
    server.plan = Plan(faults)
    agent = agent_of(api, server, mode, timeout)
    try:
        harness = BaselineHarness(
            agent, path, {"tasks": tuple(TASKS)}, "async", workers, force=True, outage_retries=0, **keywords
        )
        log = harness.run()
    finally:
        agent.close()
    assert log.faults == ()
    assert [record["index"] for record in log.episodes] == list(range(COUNT))
    lines = path.read_text(encoding="ascii").splitlines()
    records = [json.loads(line) for line in lines[1:]]
    assert len({(record["seed"], record["trial"]) for record in records}) == len(records) == COUNT
    assert KEY not in path.read_text(encoding="ascii")
    return log.episodes


def at(kind, times=1, call=0, value=None):
    """The fault at the first, a middle and the last episode; so often in each."""
    return [Fault(kind, find_task(TASKS[number]).request, call, times, value) for number in MET]


def without_time(record):
    """A record but for what tells when and how long; what was read from a cache depends on who came before."""
    tokens = record["tokens"]
    counted = {"written": tokens["output"], "read": sum(tokens.values()) - tokens["output"]}
    return (
        {name: value for name, value in record.items() if name not in ("latency", "check", "run")}
        | counted
        | {"tokens": None}
    )


@pytest.fixture(scope="module")
def clean(server, tmp_path_factory):
    """What the run comes to without faults, by protocol and mode."""
    known = {}

    def of(api, mode="tools"):
        if (api, mode) not in known:
            path = tmp_path_factory.mktemp("clean") / "log.jsonl"
            known[api, mode] = run(server, path, (), api, mode=mode)
        return known[api, mode]

    return of


def pytest_generate_tests(metafunc):
    """Each kind over both SDKs and both numbers of workers; what is over a protocol or mode besides is slow."""
    if "way" not in metafunc.fixturenames:
        return
    ways = [
        pytest.param(
            (api, workers, mode),
            id=f"{api}-{workers}-{mode}",
            marks=[] if mode == "tools" and api != "chat" else [pytest.mark.slow],
        )
        for api in CLIENTS
        for workers in (1, 8)
        for mode in ("tools", "text")
    ]
    metafunc.parametrize("way", ways)


def slip_of(kind, api):
    """Only one of the protocols has pauses; in the others they are text like any."""
    return "no_call" if kind == "paused" and api != "messages" else SLIPS[kind][0]


def others_are_unharmed(episodes, clean):
    for number in range(COUNT):
        if number not in MET:
            assert without_time(episodes[number]) == without_time(clean[number])


def test_without_faults_everything_succeeds(way, clean):
    api, _, mode = way
    assert {record["outcome"] for record in clean(api, mode)} == {"success"}
    assert {record["attempt"] for record in clean(api, mode)} == {1}


@pytest.mark.parametrize("kind", OUTAGES)
def test_what_passes_leaves_no_trace(kind, way, server, clean, tmp_path):
    """Twice each, and the third try comes through."""
    api, workers, mode = way
    timeout = TIMEOUT if kind == "hang" else 30.0
    times = 1 if kind == "hang" else TRIES - 1
    episodes = run(server, tmp_path / "log", at(kind, times), api, workers, mode, timeout)
    assert server.plan.met[kind] == len(MET) * times or kind == "hang"  # may be read after it was given up
    for record, untouched in zip(episodes, clean(api, mode), strict=True):
        assert without_time(record) == without_time(untouched)


@pytest.mark.parametrize("kind", OUTAGES)
def test_what_does_not_pass_is_an_outage(kind, way, server, clean, tmp_path):
    api, workers, mode = way
    timeout = TIMEOUT if kind == "hang" else 30.0
    episodes = run(server, tmp_path / "log", at(kind, None), api, workers, mode, timeout)
    assert server.plan.met[kind] == len(MET) * TRIES or kind == "hang"
    for number in MET:
        record = episodes[number]
        assert (record["outcome"], record["reason"], record["calls"]) == ("infra_error", OUTAGES[kind], 0)
        assert record["note"]
    others_are_unharmed(episodes, clean(api, mode))


@pytest.mark.parametrize("kind", FATAL)
def test_what_cannot_be_mended_ends_the_episode(kind, way, server, clean, tmp_path):
    api, workers, mode = way
    episodes = run(server, tmp_path / "log", at(kind), api, workers, mode)
    assert server.plan.met == {kind: len(MET)}
    for number in MET:
        record = episodes[number]
        assert (record["outcome"], record["reason"]) == FATAL[kind]
        assert record["truncated"]
        assert not record["terminated"]
    others_are_unharmed(episodes, clean(api, mode))


@pytest.mark.parametrize("kind", SLIPS)
def test_a_reply_without_a_call_is_gone_on_from(kind, way, server, clean, tmp_path):
    api, workers, mode = way
    episodes = run(server, tmp_path / "log", at(kind), api, workers, mode)
    for number in MET:
        record = episodes[number]
        assert (record["outcome"], record["slips"]) == ("success", [{"step": 0, "kind": slip_of(kind, api)}])
        assert record["steps"][-1]["hash"] == clean(api, mode)[number]["steps"][-1]["hash"]
        assert record["calls"] == clean(api, mode)[number]["calls"] + 1
    others_are_unharmed(episodes, clean(api, mode))


@pytest.mark.parametrize("kind", SLIPS)
def test_nothing_but_replies_without_a_call_ends_the_episode(kind, way, server, clean, tmp_path):
    api, workers, mode = way
    faults = [Fault(kind, find_task(TASKS[number]).request, None, None) for number in MET]
    episodes = run(server, tmp_path / "log", faults, api, workers, mode)
    slip, reason = slip_of(kind, api), SLIPS[kind][1]
    for number in MET:
        record = episodes[number]
        assert (record["outcome"], record["reason"], record["steps"]) == ("model_error", reason, [])
        assert record["slips"] == [{"step": 0, "kind": slip}] * (NUDGES + 1)
        assert record["note"]
    others_are_unharmed(episodes, clean(api, mode))


@pytest.mark.parametrize("kind", PLAYED)
def test_a_call_that_will_not_do_is_the_crms_to_refuse(kind, way, server, clean, tmp_path):
    api, workers, mode = way
    levels = SHALLOW if kind == "depth_bomb" else None
    episodes = run(server, tmp_path / "log", at(kind, value=levels), api, workers, mode)
    assert server.plan.met == {kind: len(MET)}
    for number in MET:
        record, untouched = episodes[number], clean(api, mode)[number]
        slip = "text_around" if kind == "text_around" and mode == "text" else PLAYED[kind]
        assert [each["kind"] for each in record["slips"]] == ([slip] if slip else [])
        assert record["outcome"] == "success", record["reason"]
        assert record["diff"] == untouched["diff"]
        extra = len(record["steps"]) - len(untouched["steps"])
        assert extra == (0 if kind == "text_around" else 1)
        assert (record["steps"][0]["error"] is None) == (kind in ("text_around", "two_calls"))
    others_are_unharmed(episodes, clean(api, mode))


@pytest.mark.parametrize("kind", SETUP)
@pytest.mark.parametrize("api", CLIENTS)
def test_what_no_episode_would_escape_stops_the_run(kind, api, server, tmp_path):
    with pytest.raises(UsageError) as caught:
        run(server, tmp_path / "log", [Fault(kind, 3)], api)
    assert KEY not in str(caught.value)
    assert ("FAKE_KEY" if kind != "not_found" else "fake-1") in str(caught.value)
    assert len((tmp_path / "log").read_text(encoding="ascii").splitlines()) == 4  # the run, and what was finished


def test_a_reply_too_deep_to_be_read_at_all_is_the_models_doing(way, server, clean, tmp_path):
    """Where arguments are part of the reply's own JSON; as text in it they are only malformed."""
    api, workers, mode = way
    episodes = run(server, tmp_path / "log", at("depth_bomb", value=DEEP), api, workers, mode)
    for number in MET:
        record = episodes[number]
        if api == "messages" and mode == "tools":
            assert (record["outcome"], record["reason"], record["steps"]) == ("model_error", "bad_reply", [])
        else:
            assert (record["outcome"], record["slips"][0]["kind"]) == ("success", "bad_arguments")
    others_are_unharmed(episodes, clean(api, mode))


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("api", CLIENTS)
def test_an_outage_is_played_again_in_the_end(api, workers, server, clean, tmp_path):
    """All tries of an episode fail; when the others are through it is begun anew, and counts once."""
    server.plan = Plan(at("overloaded", TRIES))
    with agent_of(api, server) as agent:
        plan = {"tasks": tuple(TASKS)}
        log = BaselineHarness(agent, tmp_path / "log", plan, "async", workers, outage_retries=1).run()
    assert [record["outcome"] for record in log.episodes] == ["success"] * COUNT
    assert [record["index"] for record in log.episodes if record["attempt"] == 2] == list(MET)
    assert len((tmp_path / "log").read_text(encoding="ascii").splitlines()) == 1 + COUNT
    for record, untouched in zip(log.episodes, clean(api), strict=True):
        assert without_time({**record, "attempt": 1}) == without_time(untouched)


def test_a_server_that_is_gone_for_good_loses_no_episode(tmp_path, server):
    """Nobody listens: every connection is refused."""
    with FakeServer(FunctionModel(follow)) as gone:
        pass
    episodes = run(gone, tmp_path / "log", (), workers=8)
    assert {(record["outcome"], record["reason"]) for record in episodes} == {("infra_error", "connection")}
    server.plan = Plan(())
    with agent_of("messages", server) as agent:
        plan = {"tasks": tuple(TASKS)}
        log = BaselineHarness(agent, tmp_path / "log", plan, "async", 8, resume=True).run()
    assert {(record["outcome"], record["attempt"]) for record in log.episodes} == {("success", 2)}


def test_every_reply_of_an_episode_may_be_wrong_in_another_way(server, clean, tmp_path):
    request = find_task(TASKS[0]).request
    kinds = ("two_calls", "unknown_tool", "no_call", "rate_limited", "malformed_arguments", "empty", "wrong_types")
    faults = [Fault(kind, request, None) for kind in kinds]
    record = run(server, tmp_path / "log", faults)[0]
    assert server.plan.met == dict.fromkeys(kinds, 1)
    assert record["outcome"] == "success"
    assert [slip["kind"] for slip in record["slips"]] == [
        "several_calls",
        "unknown_tool",
        "no_call",
        "bad_arguments",
        "empty",
    ]
    assert record["diff"] == clean("messages")[0]["diff"]


def test_retry_after_is_waited_for(server, tmp_path):
    server.plan = Plan([Fault("rate_limited_after", 0, value=42)])
    clock = VirtualClock()
    client = Retrying(client_of("messages", server), RetryPolicy(), clock, random.Random(0))
    with LlmAgent(client) as agent:
        BaselineHarness(agent, tmp_path / "log", {"tasks": (TASKS[0],)}).run()
    assert len(clock.waits) == 1
    assert 42 <= clock.waits[0] <= 43


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(("kind", "value"), [("overloaded", None), ("depth_bomb", DEEP), ("garbage", None)])
def test_a_budget_of_calls_bounds_what_is_asked_whatever_comes_of_it(kind, value, workers, server, tmp_path):
    """Replies that cannot be read are paid for, and tries that come to nothing are requests all the same."""
    faults = [Fault(kind, find_task(task).request, None, None, value) for task in TASKS]
    before, budget = server.calls, Budget(calls=2)
    with pytest.raises(BudgetSpent):
        run(server, tmp_path / "log", faults, workers=workers, budget=budget)
    assert 2 <= server.plan.met[kind] < 2 + workers
    assert budget.used["calls"] == server.plan.met[kind]
    assert server.calls - before <= server.plan.met[kind]


@pytest.mark.parametrize(("limits", "kind"), [({"tokens": 100}, "garbage"), ({"cost": 1.0}, "depth_bomb")])
def test_what_nobody_knows_the_price_of_is_not_for_nothing(limits, kind, server, tmp_path):
    faults = [Fault(kind, find_task(task).request, None, None, DEEP) for task in TASKS]
    with pytest.raises(UsageError, match="limit calls in place of"):
        run(server, tmp_path / "log", faults, budget=Budget(**limits))
