"""Cassettes: what is recorded comes back word for word, offline; what was not recorded is named."""

import asyncio
import json
import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest
from crm_agents.fake.faults import Fault
from crm_agents.fake.heuristic import HeuristicModel
from crm_agents.fake.server import FakeServer
from crm_agents.llm import tape
from crm_agents.llm.cassette import Cassette, NoClient
from crm_agents.llm.chat import Call, ModelSettings, Reply, Request, Result, Results, Said, ToolSpec, User
from crm_agents.llm.claude import ClaudeClient
from crm_agents.llm.faults import BadRequest, PassingFault, SetupFault, TooLong
from crm_agents.llm.openai_chat import OpenAIChatClient
from crm_agents.llm.openai_responses import OpenAIResponsesClient
from crm_agents.llm.policy import LlmAgent
from crm_agents.llm.retry import Retrying, RetryPolicy, VirtualClock
from crm_agents.llm.tape import CassetteWarning

from crm_gym import UsageError
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.harness import BaselineHarness

SETTINGS = ModelSettings("some", base_url="http://127.0.0.1:1")
TOOLS = (ToolSpec("look", "Look.", {"type": "object", "properties": {}}),)
REQUEST = Request("Be brief.", (User("hello"),), TOOLS, label="T-1 seed 0 trial 0")
CALL = Call("c1", "look", {"at": [1, {"b": None}], "name": "Åsa \ud800"})
REPLY = Reply("Let me see.", (CALL,), "calls", Tokens(1, 2, 3, 4), {"content": [{"x": 0.1}]}, "some-1", 0.123456789)


class Telling:
    """A client that says a list of things, and counts."""

    api = "telling"

    def __init__(self, *says, settings=SETTINGS):
        self.settings, self.says, self.asked, self.closed = settings, list(says), 0, 0

    async def ask(self, request):
        self.asked += 1
        says = self.says.pop(0)
        if isinstance(says, Exception):
            raise says
        return says

    async def aclose(self):
        self.closed += 1


def ask(cassette, *requests):
    async def go():
        try:
            return [await cassette.ask(request) for request in requests]
        finally:
            await cassette.aclose()

    return asyncio.run(go())


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "some.jsonl")


def replay(path, *requests, settings=SETTINGS, api="telling"):
    return ask(Cassette(NoClient(settings, api), path, "replay"), *requests)


def test_a_reply_comes_back_word_for_word(path):
    assert ask(Cassette(Telling(REPLY), path), REQUEST) == [REPLY]
    assert replay(path, REQUEST) == [REPLY]


@pytest.mark.parametrize(
    "reply",
    [
        Reply("", (), "end", Tokens(), None, ""),
        Reply("x", (), "refusal", Tokens(), ["raw", {"a": True}], "m", 1e-9),
        Reply("x", (Call("", "", "no { json"),), "calls", Tokens(10**12), "raw", "m"),
        Reply("\udfff \x00 \u2028 \U0001f600", (), "cut_off", Tokens(), {}, "m"),
        Reply("x", (), "end", Tokens(), {"deep": [[[[[[[[]]]]]]]]}, "m"),
    ],
    ids=["empty", "refusal", "malformed", "strange", "nested"],
)
def test_any_reply_comes_back(path, reply):
    ask(Cassette(Telling(reply), path), REQUEST)
    assert replay(path, REQUEST) == [reply]


def test_numbers_that_are_no_json_come_back_and_the_file_stays_strict(path):
    reply = replace(REPLY, calls=(Call("c", "look", {"limit": float("nan"), "to": float("-inf")}),))
    ask(Cassette(Telling(reply), path), REQUEST)
    (again,) = replay(path, REQUEST)
    assert str(again.calls[0].arguments) == "{'limit': nan, 'to': -inf}"
    for line in lines(path):
        json.loads(line, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_what_is_too_deep_is_left_out_and_said(path):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    client = Telling(replace(REPLY, calls=(Call("c", "look", '{"a":' * 50_000),), raw={"deep": deep}))
    with pytest.warns(CassetteWarning, match=r"T-1 seed 0 trial 0.*too deep"):
        ask(Cassette(client, path), REQUEST)
    with pytest.raises(UsageError, match="nothing of"):
        replay(path, REQUEST)
    while deep:  # freed from the outside in: destructors would go deep, too
        deep = deep.pop()


def lines(path):
    with open(path, encoding="ascii") as file:
        return file.read().splitlines()


def other(**changes):
    return replace(REQUEST, **changes)


TALK = (User("hello"), Said(REPLY), Results((Result(CALL, "nothing", False),)))


@pytest.mark.parametrize(
    "request_",
    [
        other(system="Be long."),
        other(turns=(User("hello "),)),
        other(turns=TALK),
        other(tools=()),
        other(tools=(ToolSpec("look", "Look!", TOOLS[0].schema),)),
        other(tools=(ToolSpec("look", "Look.", {"type": "object"}),)),
        other(schema={"type": "object"}),
        other(label="T-1 seed 0 trial 1"),
    ],
)
def test_other_questions_are_other(path, request_):
    client = Telling(REPLY, REPLY)
    ask(Cassette(client, path), REQUEST, request_)
    assert client.asked == 2
    with pytest.raises(UsageError, match="no answer"):
        replay(path, replace(request_, system="Neither."))


@pytest.mark.parametrize(
    "turns",
    [
        (User("hello"), Said(replace(REPLY, text="No.")), TALK[2]),
        (User("hello"), Said(replace(REPLY, calls=(replace(CALL, arguments={}),))), TALK[2]),
        (User("hello"), Said(REPLY), Results((Result(CALL, "nothing", True),))),
        (User("hello"), Said(REPLY), Results((Result(CALL, "nothing", False),), "go on")),
    ],
)
def test_what_was_said_before_counts(path, turns):
    client = Telling(REPLY, REPLY)
    ask(Cassette(client, path), other(turns=TALK), other(turns=turns))
    assert client.asked == 2


def test_how_long_a_reply_took_does_not_count(path):
    slow = (User("hello"), Said(replace(REPLY, latency=9.0, tokens=Tokens(9))), TALK[2])
    client = Telling(REPLY)
    assert ask(Cassette(client, path), other(turns=TALK), other(turns=slow)) == [REPLY, REPLY]


@pytest.mark.parametrize(
    ("change", "counts"),
    [
        ({"name": "other"}, True),
        ({"max_tokens": 7}, True),
        ({"effort": "high"}, True),
        ({"strict": True}, True),
        ({"sampling": {"temperature": 0.5}}, True),
        ({"base_url": "http://127.0.0.1:2"}, False),
        ({"api_key_env": "OTHER_KEY"}, False),
        ({"timeout": 1.0}, False),
        ({"cache": False}, False),
    ],
)
def test_settings_count_where_they_decide_the_answer(path, change, counts):
    ask(Cassette(Telling(REPLY), path), REQUEST)
    settings = replace(SETTINGS, **change)
    if not counts:
        assert replay(path, REQUEST, settings=settings) == [REPLY]
        return
    with pytest.raises(UsageError, match="name of the model" if "name" in change else "settings of the model"):
        replay(path, REQUEST, settings=settings)


def test_the_shape_counts(path):
    ask(Cassette(Telling(REPLY), path), REQUEST)
    with pytest.raises(UsageError, match="shape in which"):
        replay(path, REQUEST, api="chat")


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (other(system="Be long."), "the system prompt differs"),
        (other(tools=(), system=""), "the system prompt and the tools differs"),
        (other(schema={}), "the schema of the reply differs"),
        (other(turns=(User("bye"),)), "what was said before differs"),
        (other(turns=TALK), "question 2 of 'T-1 seed 0 trial 0': the recording is shorter"),
        (other(label="T-2"), "nothing of 'T-2' was recorded"),
    ],
)
def test_a_miss_names_the_episode_and_what_differs(path, request_, says):
    ask(Cassette(Telling(REPLY), path), REQUEST)
    with pytest.raises(UsageError) as caught:
        replay(path, request_)
    assert says in str(caught.value)
    assert path in str(caught.value)


def test_replaying_asks_nobody(path):
    ask(Cassette(Telling(REPLY), path), REQUEST)
    client = Telling()
    ask(Cassette(client, path, "replay"), REQUEST)
    assert client.asked == 0
    with pytest.raises(SetupFault, match="only replays"):
        asyncio.run(NoClient(SETTINGS, "telling").ask(REQUEST))


def test_off_leaves_no_file(path):
    client = Telling(REPLY, REPLY)
    ask(Cassette(client, path, "off"), REQUEST, REQUEST)
    assert (client.asked, client.closed, os.path.exists(path)) == (2, 1, False)


def test_recording_goes_on_where_it_broke_off(path):
    second = other(turns=TALK)
    ask(Cassette(Telling(REPLY), path), REQUEST)
    client = Telling(replace(REPLY, text="Second."))
    said = ask(Cassette(client, path), REQUEST, second)
    assert [reply.text for reply in said] == ["Let me see.", "Second."]
    assert client.asked == 1
    assert [reply.text for reply in replay(path, REQUEST, second)] == ["Let me see.", "Second."]


@pytest.mark.parametrize(
    "fault",
    [
        PassingFault("overloaded", "later", 529, 2.5),
        TooLong("context_too_long", "too long", 400),
        BadRequest("bad_request", "wrong", 422),
        BadRequest("bad_reply", "nonsense", tokens=Tokens(7, 5)),
        PassingFault("bad_body", "cut off", tokens=Tokens(known=False)),
    ],
)
def test_a_fault_comes_back_and_then_the_reply(path, fault):
    recorder = Cassette(Telling(fault, REPLY), path)
    with pytest.raises(type(fault)):
        asyncio.run(recorder.ask(REQUEST))
    assert ask(recorder, REQUEST) == [REPLY]
    player = Cassette(NoClient(SETTINGS, "telling"), path, "replay")
    with pytest.raises(type(fault)) as caught:
        asyncio.run(player.ask(REQUEST))
    assert vars(caught.value) == vars(fault)
    assert ask(player, REQUEST, REQUEST) == [REPLY, REPLY]


def test_a_wrong_key_is_not_recorded(path):
    recorder = Cassette(Telling(SetupFault("key", "no such key", 401), REPLY), path)
    with pytest.raises(SetupFault):
        asyncio.run(recorder.ask(REQUEST))
    assert ask(recorder, REQUEST) == [REPLY]
    assert replay(path, REQUEST) == [REPLY]


def test_retries_are_behind_the_cassette(path):
    client = Telling(PassingFault("timeout", "late"), PassingFault("timeout", "late"), REPLY)
    ask(Cassette(Retrying(client, RetryPolicy(), VirtualClock()), path), REQUEST)
    assert replay(path, REQUEST) == [REPLY]
    assert len(lines(path)) == 2


def test_only_the_owner_can_read_it(path):
    old = os.umask(0)
    try:
        ask(Cassette(Telling(REPLY), path), REQUEST)
    finally:
        os.umask(old)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_no_key_and_no_address_is_in_it(path):
    settings = replace(SETTINGS, base_url="http://user:pa55word@127.0.0.1:1", api_key_env="SECRET_ENV_NAME")
    ask(Cassette(Telling(REPLY, settings=settings), path), REQUEST)
    text = "\n".join(lines(path))
    assert "pa55word" not in text
    assert "SECRET_ENV_NAME" not in text
    assert "Be brief" not in text  # of the question nothing but hashes


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_torn_last_line_is_dropped_and_asked_again(path, cut):
    second = other(label="T-2")
    ask(Cassette(Telling(REPLY, REPLY), path), REQUEST, second)
    os.truncate(path, os.path.getsize(path) - cut)
    assert replay(path, REQUEST) == [REPLY]
    client = Telling(REPLY)
    ask(Cassette(client, path), REQUEST, second)
    assert client.asked == 1
    assert len(lines(path)) == 3
    assert replay(path, REQUEST, second) == [REPLY, REPLY]


def test_a_cassette_cut_anywhere_can_be_gone_on_with(path):
    second = other(label="T-2")
    ask(Cassette(Telling(REPLY, REPLY), path), REQUEST, second)
    with open(path, "rb") as file:
        whole = file.read()
    for size in range(0, len(whole), 17):
        with open(path, "wb") as file:
            file.write(whole[:size])
        ask(Cassette(Telling(REPLY, REPLY), path), REQUEST, second)
        with open(path, "rb") as file:
            assert sorted(file.read().splitlines()) == sorted(whole.splitlines())


def test_a_damaged_line_in_the_middle_is_said_and_left_out(path):
    second = other(label="T-2")
    ask(Cassette(Telling(REPLY, REPLY), path), REQUEST, second)
    text = lines(path)
    text[1] = text[1].replace("Let me see", "Let me pay")
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(text) + "\n")
    with pytest.warns(CassetteWarning, match="1 damaged"):
        assert replay(path, second) == [REPLY]
    with pytest.warns(CassetteWarning), pytest.raises(UsageError, match="nothing of 'T-1"):
        replay(path, REQUEST)


def test_a_file_that_is_none_is_refused(path):
    with open(path, "w", encoding="ascii") as file:
        file.write('{"kind": "run"}\n')
    for mode in ("record", "replay"):
        with pytest.raises(UsageError, match="is no cassette"):
            ask(Cassette(Telling(REPLY), path, mode), REQUEST)
    assert lines(path) == ['{"kind": "run"}']


def test_a_newer_file_is_refused(path):
    ask(Cassette(Telling(REPLY), path), REQUEST)
    text = lines(path)
    with open(path, "wb") as file:
        file.write(tape._line({"kind": "cassette", "schema": 99}) + "\n".join(text[1:]).encode() + b"\n")
    with pytest.raises(UsageError, match="schema 99"):
        replay(path, REQUEST)


def test_what_cannot_be_opened_is_said(path, tmp_path):
    with pytest.raises(UsageError, match="record one first"):
        replay(path, REQUEST)
    with pytest.raises(UsageError, match="give another path"):
        ask(Cassette(Telling(REPLY), str(tmp_path)), REQUEST)
    with pytest.raises(UsageError, match="no plain file"):
        replay(str(tmp_path), REQUEST)
    os.mkfifo(path)
    with pytest.raises(UsageError, match="no plain file"):
        replay(path, REQUEST)


def test_a_link_is_not_followed(path, tmp_path):
    target = tmp_path / "target"
    os.symlink(target, path)
    with pytest.raises(UsageError, match="cannot be opened"):
        ask(Cassette(Telling(REPLY), path), REQUEST)
    assert not target.exists()


def test_an_unknown_mode_is_met_with_a_near_one(path):
    with pytest.raises(UsageError, match="did you mean 'replay'"):
        Cassette(Telling(), path, "repaly")


def test_a_full_disk_takes_the_half_line_back(path, monkeypatch):
    ask(Cassette(Telling(REPLY), path), REQUEST)
    before = lines(path)
    recorder = Cassette(Telling(REPLY), path)
    recorder.tape.reply("")  # opened while there was room
    real, room = os.write, [100]

    def write(fd, data):
        if not room:
            raise OSError(28, "No space left on device")
        return real(fd, data[: room.pop()])

    monkeypatch.setattr(os, "write", write)
    with pytest.raises(UsageError, match=r"No space left.*make room"):
        ask(recorder, other(label="T-2"))
    monkeypatch.undo()
    assert lines(path) == before


def test_two_writers_share_a_file(path):
    one, two = (Cassette(Telling(*[REPLY] * 10), path) for _ in range(2))

    async def both():
        for number in range(10):
            await one.ask(other(label=f"one {number}"))
            await two.ask(other(label=f"two {number}"))
        await one.aclose()
        await two.aclose()

    asyncio.run(both())
    assert len(lines(path)) == 21
    assert len(replay(path, *[other(label=f"two {number}") for number in range(10)])) == 10


def test_closing_twice_is_fine(path):
    cassette = Cassette(Telling(REPLY), path)
    ask(cassette, REQUEST)
    asyncio.run(cassette.aclose())


TASKS = ("CNO-001", "CNC-007", "MCT-006", "CAQ-004", "COS-002", "CPQ-006")
FAULTS = (
    Fault("rate_limited", 0),
    Fault("no_call", 1),
    Fault("two_calls", 2),
    Fault("overloaded", 3, times=4),  # all tries of the first attempt
    Fault("context_too_long", 4, call=1),
    Fault("server_error", 5, times=None),
)
CLIENTS = {"messages": ClaudeClient, "responses": OpenAIResponsesClient, "chat": OpenAIChatClient}


def play(api, url, log, cassette, mode, workers):
    """A run with a cassette; the lines of its log."""
    settings = ModelSettings("fake-1", base_url=url if api == "messages" else f"{url}/v1")
    client = Retrying(CLIENTS[api](settings), RetryPolicy(tries=4), VirtualClock())
    agent = LlmAgent(Cassette(client, cassette, mode))
    with agent:
        BaselineHarness(agent, log, {"tasks": TASKS, "trials": 2}, "async", workers, outage_retries=1).run()
    return log.read_bytes()


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("api", CLIENTS)
def test_a_run_replays_offline_byte_for_byte(api, workers, path, tmp_path):
    """With faults that passed, that ended episodes, and that stayed; nobody listens any more when it is replayed."""
    with FakeServer(HeuristicModel(), FAULTS) as server:
        recorded = play(api, server.url, tmp_path / "one.jsonl", path, "record", workers)
    assert len(server.plan.met) == len(FAULTS)
    kept = Path(path).read_bytes()
    replayed = play(api, server.url, tmp_path / "two.jsonl", path, "replay", workers)
    assert sorted(replayed.splitlines()) == sorted(recorded.splitlines())
    if workers == 1:
        assert replayed == recorded
    assert {json.loads(line)["outcome"] for line in recorded.splitlines()[1:]} == {
        "success",
        "failure",
        "model_error",
        "infra_error",
    }
    again = play(api, server.url, tmp_path / "three.jsonl", path, "replay", 3)
    assert sorted(again.splitlines()) == sorted(recorded.splitlines())
    assert Path(path).read_bytes() == kept


def test_a_replay_of_another_prompt_names_the_prompt(path, tmp_path):
    with FakeServer(HeuristicModel()) as server:
        play("messages", server.url, tmp_path / "one.jsonl", path, "record", 1)
    settings = ModelSettings("fake-1", base_url=server.url)
    with LlmAgent(
        NoClient(settings, "anthropic-messages"), prompt="Do well.", cassette=path, cassette_mode="replay"
    ) as it:
        harness = BaselineHarness(it, tmp_path / "two.jsonl", {"tasks": TASKS})
        with pytest.raises(UsageError, match=r"CNO-001 seed 0 trial 0.*: the system prompt differs"):
            harness.run()
