"""The agent with a language model, its prompt, its reading of replies, its conversation: with models of our own."""

import asyncio
import json
import pickle
import threading
from dataclasses import replace

import gymnasium as gym
import pytest
from crm_agents.fake.heuristic import HeuristicModel
from crm_agents.fake.models import Answer, FunctionModel, call
from crm_agents.fake.server import FakeServer
from crm_agents.llm.agent import ClaudeAgent, LlmAgent, OpenAIAgent
from crm_agents.llm.chat import Call, ModelSettings, Reply, Results, Said, User
from crm_agents.llm.faults import BadRequest, ModelOutage, PassingFault, SetupFault, TooLong
from crm_agents.llm.prices import Prices
from crm_agents.llm.prompt import (
    first_turn,
    guidance,
    legible,
    legible_json,
    make_prompt,
    read_first_turn,
    read_result_turn,
    result_turn,
    tool_specs,
)
from crm_agents.llm.reading import arguments_of, as_action, read_reply, read_text
from crm_agents.llm.retry import RetryPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym import CODES, TOOL_NAMES, Agent, AgentError, BudgetSpent, UsageError, load_suite, rollout
from crm_gym.evaluation.account import Account, AsyncAgent, ModelAgent, Tokens
from crm_gym.evaluation.records import ENDS, SLIPS
from crm_gym.spaces import ascii_text

CLIENT = {"name": "Brightwater Dental Group", "email": "reception@brightwater-group.example", "status": "Active"}
CLIENT |= {"phone": "+44 20 5550 0147"}
SOLVE = ("create_new_client", CLIENT)
LOOK = ("client_search", {"name": "Brightwater"})


class Scripted:
    """A model that says what stands in a list; a fault in it is raised."""

    def __init__(self, *replies, **how):
        self.settings = ModelSettings(**{"name": "scripted-1", **how})
        self.replies, self.heard, self.threads, self.closed = list(replies), [], [], 0

    async def ask(self, request):
        self.heard.append(request)
        self.threads.append(threading.current_thread())
        await asyncio.sleep(0)
        reply = self.replies.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def aclose(self):
        self.closed += 1


def say(text="", *calls, stop=None, latency=0.5, raw=("kept",)):
    made = tuple(Call(f"c{number}", name, arguments) for number, (name, arguments) in enumerate(calls))
    return Reply(text, made, stop or ("calls" if calls else "end"), Tokens(10, 5, 3, 2), raw, "scripted-1", latency)


def write(text, **more):
    return say(text, **more)


class Play:
    """An episode of CNC-001 with an agent, one step at a time."""

    def __init__(self, *replies, task="CNC-001", spend=None, how=None, **keywords):
        self.model = Scripted(*replies, **(how or {}))
        self.agent = LlmAgent(self.model, **keywords)
        self.env = gym.make("CrmEnv-v0", refusals=keywords.get("refusals", "decline"))
        self.observation, self.info = self.env.reset(seed=0, options={"task_id": task})
        self.talk = self.agent.start("CNC-001/0/0", spend)
        self.actions, self.over = [], False

    def step(self):
        action, talk = asyncio.run(self.agent.apredict(self.observation, self.talk, not self.actions))
        assert talk is self.talk
        self.actions.append(action)
        self.observation, _, terminated, truncated, self.info = self.env.step(action)
        self.over = terminated or truncated

    def run(self):
        while not self.over:
            self.step()
        return self

    def slips(self):
        return [(slip["step"], slip["kind"]) for slip in self.talk.account.slips]


# ---------------------------------------------------------------- playing


def test_it_is_an_agent_with_a_model_that_others_can_wait_for():
    agent = LlmAgent(Scripted())
    assert isinstance(agent, Agent)
    assert isinstance(agent, ModelAgent)
    assert isinstance(agent, AsyncAgent)
    assert isinstance(agent.start("x").account, Account)


def test_one_call_a_step_and_what_it_cost():
    play = Play(say("I look.", LOOK), say("", SOLVE)).run()
    assert play.info["is_success"]
    account = play.talk.account
    assert (account.calls, account.tokens.as_json()) == (
        2,
        {"input": 20, "output": 10, "cache_read": 6, "cache_write": 4},
    )
    assert account.latency == 1.0
    assert account.cost is None  # no prices
    assert account.said == ""
    assert play.slips() == []
    first, second = play.model.heard
    assert first.label == "CNC-001/0/0"
    assert [type(turn) for turn in second.turns] == [User, Said, Results]
    (result,) = second.turns[2].results
    assert json.loads(result.text)["total"] == 1
    assert not result.refused


def test_what_was_sent_before_is_sent_again_unchanged():
    """Prompt caches live by that, and a provider's own blocks must come back as they came."""
    raw = [{"type": "thinking", "signature": "s"}]
    play = Play(say("a", LOOK, raw=raw), say("b", LOOK), say("", SOLVE)).run()
    one, two, three = (request.turns for request in play.model.heard)
    assert two[:1] == one
    assert three[: len(two)] == two
    assert two[1].reply.raw is raw
    assert len({id(request.tools) for request in play.model.heard}) == 1


def test_calls_asked_for_at_once_are_played_one_after_another_and_handed_back_together():
    play = Play(say("", LOOK, ("client_search", {"stage": 1}), LOOK), say("", SOLVE)).run()
    assert len(play.model.heard) == 2
    assert len(play.actions) == 4
    results = play.model.heard[1].turns[2].results
    assert [one.call.id for one in results] == ["c0", "c1", "c2"]
    assert [one.refused for one in results] == [False, True, False]
    assert json.loads(results[1].text)["code"] == "unknown_field"
    assert play.slips() == [(0, "several_calls")]


def test_an_unknown_tool_and_malformed_arguments_are_for_the_crm_to_refuse():
    play = Play(say("", ("find_client", {})), say("", ("client_search", '{"name": ')), say("", SOLVE))
    play.step()
    assert play.info["error"]["code"] == "unknown_tool"
    play.step()
    assert play.info["error"]["code"] == "invalid_json"
    play.step()
    assert play.info["is_success"]
    assert play.slips() == [(0, "unknown_tool"), (1, "bad_arguments")]
    assert play.model.heard[2].turns[-1].results[0].refused


def test_every_word_for_a_slip_and_an_end_is_in_the_list():
    for mode in ("tools", "text"):
        for stop in ("end", "calls", "cut_off", "refusal", "paused", "context_too_long"):
            for text in ("", "hm", "{", '{"tool": "respond"}', 'so {"tool": "x"} {"tool": "y"}'):
                reading = (read_reply if mode == "tools" else read_text)(say(text, stop=stop))
                assert set(reading.slips) <= set(SLIPS)
                assert reading.calls or len(reading.slips) == 1


# ---------------------------------------------------------------- replies that will not do


def test_a_reply_without_a_call_stays_and_the_model_is_told():
    play = Play(say("What a nice request!"), say("", SOLVE)).run()
    assert play.slips() == [(0, "no_call")]
    _, said, told = play.model.heard[1].turns
    assert said.reply.text == "What a nice request!"
    assert "called no tool" in told.text
    assert play.talk.account.calls == 2


@pytest.mark.parametrize(("reply", "kind", "word"), [
    (say(""), "empty", "empty"),
    (say("  \n"), "empty", "empty"),
    (say("I was just", stop="cut_off"), "cut_off", "4096 tokens"),
    (say("", SOLVE, stop="cut_off"), "cut_off", "cut off"),
])  # fmt: skip
def test_nothing_or_half_a_reply_cannot_be_handed_back(reply, kind, word):
    play = Play(say("", LOOK), reply, say("", SOLVE)).run()
    assert play.slips() == [(1, kind)]
    turns = play.model.heard[2].turns
    assert [type(turn) for turn in turns] == [User, Said, Results]
    assert word in turns[2].text
    assert turns[2].results == play.model.heard[1].turns[2].results


def test_the_first_words_can_be_added_to():
    play = Play(say(""), say(""), say("", SOLVE)).run()
    (opening,) = play.model.heard[2].turns
    assert opening.text.count("empty") == 2
    request, today = read_first_turn(opening.text)
    assert (request, today) == (play.observation["request"], play.observation["today"])


def test_a_pause_goes_on():
    play = Play(say("thinking", stop="paused"), say("", stop="paused", raw=[]), say("", SOLVE)).run()
    assert play.info["is_success"]
    assert play.slips() == [(0, "paused"), (0, "paused")]
    assert [type(turn) for turn in play.model.heard[2].turns] == [User, Said, User]


@pytest.mark.parametrize(("stop", "text", "end"), [
    ("end", "hm", "no_call"),
    ("end", "", "empty"),
    ("cut_off", "hm", "cut_off"),
    ("paused", "hm", "no_call"),
])  # fmt: skip
def test_patience_ends(stop, text, end):
    play = Play(*[say(text, stop=stop)] * 3, nudges=2)
    with pytest.raises(AgentError, match="3 times in a row") as caught:
        play.step()
    assert caught.value.reason == end
    assert end in ENDS
    assert play.talk.account.calls == 3
    assert len(play.slips()) == 3
    assert play.model.replies == []


def test_patience_is_counted_anew_after_a_call():
    play = Play(say("a"), say("b"), say("", LOOK), say("c"), say("d"), say("", SOLVE), nudges=2).run()
    assert play.info["is_success"]


def test_no_patience_at_all():
    with pytest.raises(AgentError, match="once"):
        Play(say("a"), nudges=0).step()


@pytest.mark.parametrize(("stop", "end"), [("refusal", "refusal"), ("context_too_long", "context_too_long")])
def test_some_ends_are_at_once(stop, end):
    play = Play(say("I cannot help with that.", stop=stop))
    with pytest.raises(AgentError) as caught:
        play.step()
    assert caught.value.reason == end
    assert play.slips() == [(0, end)]
    assert play.talk.account.calls == 1


# ---------------------------------------------------------------- faults and budgets


@pytest.mark.parametrize(("fault", "kind", "reason"), [
    (PassingFault("overloaded", "529"), ModelOutage, "overloaded"),
    (BadRequest("bad_request", "400"), ModelOutage, "bad_request"),
    (SetupFault("key", "401"), UsageError, None),
    (TooLong("too_long", "413"), AgentError, "context_too_long"),
    (BadRequest("bad_reply", "nonsense"), AgentError, "bad_reply"),
])  # fmt: skip
def test_faults_by_their_meaning(fault, kind, reason):
    play = Play(say("", LOOK), fault)
    play.step()
    with pytest.raises(kind) as caught:
        play.step()
    assert str(caught.value) == str(fault)
    if kind is ModelOutage:
        assert caught.value.kind == reason
    if kind is AgentError:
        assert caught.value.reason == reason
    assert play.talk.account.calls == 1
    assert play.slips() == ([(1, "context_too_long")] if isinstance(fault, TooLong) else [])


def test_an_episode_may_use_so_many_calls():
    play = Play(*[say("", LOOK)] * 3, max_calls=2)
    play.step()
    play.step()
    with pytest.raises(AgentError, match="max_calls") as caught:
        play.step()
    assert caught.value.reason == "budget"
    assert len(play.model.heard) == 2


def test_an_episode_may_use_so_many_tokens():
    play = Play(*[say("", LOOK)] * 3, max_episode_tokens=21)
    play.step()
    play.step()
    with pytest.raises(AgentError, match="max_episode_tokens") as caught:
        play.step()
    assert caught.value.reason == "budget"
    assert play.talk.account.tokens.total() == 40


class Purse:
    def __init__(self, calls):
        self.left, self.spent = calls, []

    def before_call(self):
        if not self.left:
            raise BudgetSpent("empty")
        self.left -= 1

    def after_call(self, tokens, cost):
        self.spent.append((tokens.total(), cost))


def test_a_run_may_use_so_much():
    purse = Purse(1)
    play = Play(say("", LOOK), say("", LOOK), spend=purse, prices=Prices.load("configs/prices.toml"))
    play.step()
    with pytest.raises(BudgetSpent):
        play.step()
    assert purse.spent == [(20, None)]  # no price of this model
    assert len(play.model.heard) == 1


PRICED = {"how": {"name": "crm-fake-small"}, "prices": Prices.load("configs/prices.toml")}


@pytest.mark.parametrize(("tokens", "cost"), [(Tokens(1_000, 1_000), 0.005), (Tokens(known=False), None)])
def test_a_reply_that_cannot_be_read_is_counted(tokens, cost):
    purse = Purse(9)
    play = Play(BadRequest("bad_reply", "nonsense", tokens=tokens), spend=purse, **PRICED)
    with pytest.raises(AgentError):
        play.step()
    account = play.talk.account
    assert (account.calls, account.tokens.total(), account.cost) == (1, tokens.total(), pytest.approx(cost))
    assert purse.spent == [(tokens.total(), pytest.approx(cost))]


def test_a_reply_that_does_not_say_what_it_took_has_no_price():
    play = Play(replace(say("", SOLVE), tokens=Tokens(known=False)), **PRICED).run()
    assert (play.talk.account.calls, play.talk.account.cost) == (1, None)


@pytest.mark.parametrize("fault", [PassingFault("overloaded", "529"), PassingFault("bad_body", "?", tokens=Tokens(7))])
def test_every_try_is_a_call_of_the_run_and_only_replies_are_calls_of_the_episode(fault):
    purse = Purse(3)
    play = Play(*[fault] * 9, spend=purse, retry=RetryPolicy(tries=6, base=0))
    with pytest.raises(BudgetSpent):
        play.step()
    assert len(play.model.heard) == 3
    assert len(purse.spent) == 3
    assert play.talk.account.calls == 0
    assert play.talk.account.tokens.total() == (21 if fault.tokens else 0)


def test_the_log_keeps_so_much_of_a_text_and_the_model_hears_all_of_it():
    text = "A" * 3_000_000
    play = Play(say(text, LOOK), say(text[:20_000], SOLVE))
    play.step()
    assert play.talk.account.said == "A" * 20_000 + " ... (cut: 3,000,000 characters)"
    play.step()
    assert play.model.heard[1].turns[1].reply.text == text
    assert play.talk.account.said == text[:20_000]


def test_a_name_without_end_is_cut_for_the_crm():
    play = Play(say("", ("x" * 3_000_000, {})), say("", SOLVE))
    play.step()
    assert play.actions[0]["tool"] == "x" * 200
    assert play.info["error"]["code"] == "unknown_tool"


def test_what_cannot_have_been_counted_has_no_price():
    table = Prices.load("configs/prices.toml")
    for tokens in (Tokens(10**400), Tokens(-1), Tokens(5, known=False)):
        assert table.cost("crm-fake-small", tokens) is None


def test_costs():
    prices = Prices.load("configs/prices.toml")
    play = Play(say("", LOOK), say("", SOLVE), how={"name": "crm-fake-small"}, prices=prices).run()
    one = (10 * 1.0 + 5 * 4.0 + 3 * 0.1 + 2 * 1.25) / 1_000_000
    assert play.talk.account.cost == pytest.approx(2 * one)


# ---------------------------------------------------------------- text mode


def test_text_mode_goes_by_plain_words():
    call = json.dumps({"tool": "create_new_client", "arguments": CLIENT})
    play = Play(write('{"tool": "client_search", "arguments": {"name": "Bright"}}'), write(call), mode="text").run()
    assert play.info["is_success"]
    first, second = play.model.heard
    assert first.tools == ()
    assert [type(turn) for turn in second.turns] == [User, Said, User]
    tool, result, refused = read_result_turn(second.turns[2].text)
    assert (tool, refused) == ("client_search", False)
    assert json.loads(result)["total"] == 1
    assert play.slips() == []


TEXTS = [
    ('{"tool": "finish"}', "finish", []),
    ('```json\n{"tool": "finish", "arguments": {}}\n```', "finish", []),
    ('<think>maybe {"tool": "decline"}</think>\n{"tool": "finish"}', "finish", []),
    ('Here you are: {"tool": "finish"} Good luck!', "finish", ["text_around"]),
    ('{"tool": "client_search"}\n{"tool": "finish"}', "client_search", ["several_calls"]),
    ('{"tool": "client_search"} Result: {"total": 1}', "client_search", ["text_around"]),
    ('{"tool": "no_such_tool"}', "no_such_tool", ["unknown_tool"]),
    ('{"tool": "finish", "arguments": {', "", ["bad_arguments"]),
    ('{"tool": "finish", "arguments": {"a": NaN}}', "", ["bad_arguments"]),
    ('{"tool": "finish", "tool": "decline"}', "", ["bad_arguments"]),
    ('{"tool": "finish", "arguments": "x"}', "finish", ["bad_arguments"]),
    ('{"tool": "finish", "arguments": {}, "why": "x"}', "", ["bad_arguments"]),
    ('{"name": "finish"}', "", ["bad_arguments"]),
    ('{"a":' * 5_000, "", ["bad_arguments"]),
    ("Nothing to do.", None, ["no_call"]),
    ("<think>hm</think>", None, ["empty"]),
]


@pytest.mark.parametrize(("text", "name", "slips"), TEXTS, ids=[text[:40] for text, _, _ in TEXTS])
def test_calls_in_text(text, name, slips):
    reading = read_text(write(text))
    assert list(reading.slips) == slips
    assert [call.name for call in reading.calls] == ([] if name is None else [name])


def test_a_text_that_is_no_call_is_refused_by_the_crm_and_the_model_reads_why():
    play = Play(write('{"tool": "finish", "arguments": {'), write('{"tool": "finish"}'), mode="text")
    play.step()
    assert play.info["error"]["code"] == "invalid_json"
    play.step()
    assert read_result_turn(play.model.heard[1].turns[2].text)[2]
    assert play.over


def test_of_several_objects_the_model_is_told_that_only_the_first_was_played():
    """What follows was written without the first one's result: names and ids in it are made up."""
    play = Play(write('{"tool": "client_search"}\n{"tool": "finish"}'), write('{"tool": "finish"}'), mode="text").run()
    assert "Only the first call" in play.model.heard[1].turns[2].text
    assert [action["tool"] for action in play.actions] == [
        TOOL_NAMES.index("client_search"),
        TOOL_NAMES.index("finish"),
    ]


def test_what_stands_around_a_call_is_what_was_said():
    assert read_text(write('Done. {"tool": "finish"} Bye.')).said == "Done.\nBye."
    assert read_reply(say("<think>secret</think>Done.", LOOK)).said == "Done."


# ---------------------------------------------------------------- arguments and actions


def test_arguments_are_an_object_or_the_models_own_text():
    assert arguments_of('{"a": 1}') == {"a": 1}
    assert arguments_of("") == arguments_of(None) == {}
    for text in ("[1]", "{", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 10_000, '{"a":' * 40 + "1" + "}" * 40):
        assert arguments_of(text) == text
    assert arguments_of([1]) == "[1]"
    assert arguments_of({"a": float("nan")}) == '{"a": NaN}'


def test_a_bottomless_object_is_named_not_followed():
    deep = inner = {}
    for _ in range(100_000):
        inner["a"] = inner = {}
    assert arguments_of(deep) == "{nested too deeply"
    while deep:  # taken apart by hand: to drop it whole would go as deep
        deep = deep.pop("a", None)


def test_actions_are_canonical_where_they_can_be():
    env = gym.make("CrmEnv-v0")
    action = as_action(Call("c", "respond", {"answer": "Zoë\ud800"}))
    assert env.action_space.contains(action)
    assert action["arguments"].isascii()
    assert as_action(Call("c", "", {"tool": "finish"})) == {"tool": "", "arguments": '{"tool":"finish"}'}


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.one_of(st.text(max_size=60), st.dictionaries(st.text(max_size=5), st.floats())))
def test_whatever_a_model_calls_is_an_ordinary_step(name, written):
    env = HARMLESS
    env.reset(seed=0, options={"task_id": "CNC-001"})
    reading = read_reply(say("", (name, arguments_of(written))))
    (call,) = reading.calls
    _, _, _, _, info = env.step(as_action(call))
    if name not in TOOL_NAMES:
        assert info["error"]["code"]


HARMLESS = gym.make("CrmEnv-v0")


# ---------------------------------------------------------------- prompt


def test_the_prompt_tells_every_code_and_every_tool():
    for refusals in ("decline", "attempt"):
        for mode in ("tools", "text"):
            prompt = make_prompt(mode, refusals)
            assert all(f"- {code}: " in prompt.system for code in CODES)
            names = [tool.name for tool in prompt.tools]
            assert names == (list(TOOL_NAMES) if mode == "tools" else [])
            if mode == "text":
                assert all(f'{{"name": "{name}", ' in prompt.system for name in TOOL_NAMES)


def test_prompts_that_differ_have_other_hashes():
    prompts = [make_prompt(mode, refusals) for mode in ("tools", "text") for refusals in ("decline", "attempt")]
    prompts += [make_prompt(own="Be good."), make_prompt("text", own="Be good.")]
    hashes = [prompt.hash() for prompt in prompts]
    assert len(set(hashes)) == len(hashes)
    assert all(len(one) == 16 and int(one, 16) >= 0 for one in hashes)
    assert LlmAgent(Scripted(), refusals="attempt").prompt == make_prompt(refusals="attempt").hash()


def test_a_prompt_of_ones_own_takes_the_place_of_ours():
    play = Play(say("", SOLVE), prompt="Be good.").run()
    assert play.model.heard[0].system == "Be good.\n"
    assert "One JSON object" in make_prompt("text", own="Be good.").system


def test_the_prompt_knows_no_task():
    """It names no record, value or request of any golden task."""
    for refusals in ("decline", "attempt"):
        said = guidance(refusals)
        for task in load_suite("golden"):
            assert task.request not in said
            for records in task.world.crm.find("Client"):
                assert records[1] not in said
            for solving in task.solution:
                for value in solving.arguments.values():
                    assert not (isinstance(value, str) and len(value) > 12 and value in said) or value in CODES


def test_tools_are_the_environments_own():
    env = gym.make("CrmEnv-v0")
    _, info = env.reset(seed=0)
    told = json.loads(info["tools"])
    assert [(one["name"], one["description"], one["arguments"]) for one in told] == [
        (tool.name, tool.description, tool.schema) for tool in tool_specs()
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(min_size=1, max_size=60))
def test_what_is_no_ascii_is_legible(text):
    shown = legible(ascii_text(text))
    if text.isprintable() and "\\" not in text:
        assert shown == text
    shown.encode("utf-8")  # no half a pair of surrogates comes back to life
    told = legible_json(json.dumps({"a": text}))
    assert json.loads(told) == {"a": text}
    told.encode("utf-8")


def test_first_words_and_results_can_be_read_back():
    play = Play(task="CNO-116")
    said = first_turn(play.observation)
    assert "Zoë" in said
    assert read_first_turn(said) == (legible(play.observation["request"]), play.observation["today"])
    assert read_first_turn("hello") is None
    observation = play.env.step({"tool": "client_search", "arguments": {"nam": "x"}})[0]
    tool, result, refused = read_result_turn(result_turn("client_search", observation))
    assert (tool, refused, json.loads(result)["code"]) == ("client_search", True, "unknown_field")
    assert read_result_turn("hello") is None


# ---------------------------------------------------------------- from plain code


def test_predict_works_in_plain_code_and_inside_a_loop():
    def once():
        with LlmAgent(Scripted(say("", LOOK), say("", SOLVE))) as agent:
            episode = rollout(gym.make("CrmEnv-v0"), agent, seed=0, options={"task_id": "CNC-001"})
        return episode, agent.client

    async def notebook():
        return once()

    for episode, model in (once(), asyncio.run(notebook())):
        assert episode.success
        assert model.closed == 1
        assert {thread.name for thread in model.threads} == {"model calls"}


def test_the_thread_ends_with_the_agent():
    agent = LlmAgent(Scripted(say("", LOOK)))
    play = Play()
    agent.predict(play.observation)
    model = agent.client
    del agent
    assert model.closed == 1
    assert not model.threads[0].is_alive()


def test_an_old_conversation_does_not_go_on_in_a_new_episode():
    play = Play(say("", LOOK), say("", SOLVE)).run()
    play.model.replies = [say("", LOOK)]
    observation, _ = play.env.reset(seed=1)
    _, talk = asyncio.run(play.agent.apredict(observation, play.talk, True))
    assert talk is not play.talk
    assert talk.label == play.talk.label
    assert read_first_turn(play.model.heard[-1].turns[0].text)[0] == legible(observation["request"])


def test_it_goes_on_where_its_thread_is_gone():
    """As in the child of a fork, which inherits the loop and not the thread."""
    agent, play = LlmAgent(Scripted(say("", LOOK), say("", LOOK))), Play()
    agent.predict(play.observation)
    (thread,) = (one for one in threading.enumerate() if one.name == "model calls")
    agent._thread._loop.call_soon_threadsafe(agent._thread._loop.stop)
    thread.join()
    agent.predict(play.observation)
    agent.close()
    assert len(set(agent.client.threads)) == 2


def test_it_can_be_closed_twice_and_used_again():
    agent, play = LlmAgent(Scripted(say("", LOOK), say("", LOOK))), Play()
    for _ in range(2):
        agent.predict(play.observation)
        agent.close()
        agent.close()
    assert len(set(agent.client.threads)) == 2


def test_many_episodes_at_a_time_do_not_mix():
    async def one(agent, number):
        env = gym.make("CrmEnv-v0")
        observation, _ = env.reset(seed=number)
        talk, over = agent.start(f"e{number}"), False
        while not over:
            action, talk = await agent.apredict(observation, talk)
            observation, _, terminated, truncated, _ = env.step(action)
            over = terminated or truncated
        return talk

    class Echo(Scripted):
        async def ask(self, request):
            await asyncio.sleep(0)
            said = read_first_turn(request.turns[0].text)[0]
            done = len(request.turns) > 4
            return say(request.label, ("respond", {"answer": said}) if done else ("client_search", {"name": said[:20]}))

    async def all_of_them():
        agent = LlmAgent(Echo())
        return await asyncio.gather(*(one(agent, number) for number in range(20)))

    for number, talk in enumerate(asyncio.run(all_of_them())):
        assert talk.account.said == f"e{number}"
        assert talk.account.calls == 3


def test_agents_can_be_sent_to_another_process():
    agent = ClaudeAgent("some-model", base_url="http://127.0.0.1:1", effort="low")
    there = pickle.loads(pickle.dumps(agent))
    assert there.describe() == agent.describe()
    assert there.prompt == agent.prompt


# ---------------------------------------------------------------- over HTTP, against a server that checks

APIS = ("messages", "responses", "chat")
WIRES = [(api, mode) for api in APIS for mode in ("tools", "text")]


def over_http(server, api, mode="tools", **keywords):
    if api == "messages":
        return ClaudeAgent("crm-fake", base_url=server.url, mode=mode, **keywords)
    return OpenAIAgent("crm-fake", api=api, base_url=server.v1, mode=mode, **keywords)


def played(agent, tasks):
    env = gym.make("CrmEnv-v0", ends_on="finish")
    with agent:
        return [rollout(env, agent, seed=0, options={"task_id": task}) for task in tasks]


def test_one_policy_six_ways():
    """The same model behind three protocols, with native calls and in text, does the same."""
    tasks = [f"{tool}-{number}" for tool in ("CNC", "CNO", "MOP", "CPQ", "CNT") for number in ("001", "101")]
    with FakeServer(HeuristicModel()) as server:
        ways = [played(over_http(server, *way), tasks) for way in WIRES]
    assert all(way == ways[0] for way in ways)
    assert 3 <= sum(episode.success for episode in ways[0]) < len(tasks) + 1
    assert server.tokens.cache_read > server.tokens.input


SLOPPY = [
    Answer(""),
    Answer("Let me think."),
    Answer("I was about to", stop="cut_off"),
    Answer("", (call("client_search", {"name": "x"}),), thought="Hm."),
    Answer("", (call("client_search", {"name": "y"}),), stop="cut_off"),
    Answer(" "),
    Answer("", (call("no_such_tool", {}), call("client_search", '{"name": '), call("client_search", {}))),
    Answer("Done?"),
    Answer("All done.", (call("finish"),)),
]


@pytest.mark.parametrize("api", APIS)
def test_a_conversation_stays_one_that_the_provider_takes(api):
    """After every slip the next request is still in order: turns, results, thoughts."""
    script = iter(SLOPPY)
    with FakeServer(FunctionModel(lambda request: next(script))) as server:
        agent = over_http(server, api, nudges=3, retry=RetryPolicy(tries=1))
        talk = agent.start("sloppy")
        (episode,) = played(Begun(agent, talk), ["CNC-001"])
    assert episode.errors == ("unknown_tool", "invalid_json")
    assert (episode.steps, episode.terminated) == (5, True)
    kinds = [slip["kind"] for slip in talk.account.slips]
    expected = ["empty", "no_call", "cut_off", "cut_off", "empty"]
    assert kinds == [*expected, "several_calls", "unknown_tool", "bad_arguments", "no_call"]
    assert talk.account.calls == server.calls
    assert talk.account.tokens == server.tokens
    assert talk.account.said == "All done."


class Begun:
    """An agent in a conversation that has begun already, as a harness begins it."""

    def __init__(self, agent, talk):
        self.agent, self.talk = agent, talk

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        return self.agent.predict(observation, self.talk, episode_start)

    def __enter__(self):
        return self.agent.__enter__()

    def __exit__(self, *fault):
        self.agent.__exit__(*fault)


# ---------------------------------------------------------------- keywords


def test_it_says_what_it_is_without_secrets_and_ports():
    agent = OpenAIAgent(
        "some-model", api="chat", base_url="http://me:hunter2hunter2@localhost:8123/v1?key=k123", sampling={"seed": 3}
    )
    said = json.dumps(agent.describe())
    assert not [secret for secret in ("hunter2", "8123", "k123") if secret in said]
    assert agent.describe()["api"] == "openai-chat"
    assert agent.describe()["model"]["base_url"] == "http://localhost/v1"
    assert agent.describe()["model"]["sampling"] == {"seed": 3}
    assert agent.model == "some-model"


@pytest.mark.parametrize(("keywords", "said"), [
    ({"mode": "tool"}, "did you mean 'tools'"),
    ({"refusals": "declines"}, "did you mean 'decline'"),
    ({"nudges": -1}, "nudges must be 0 or more"),
    ({"max_calls": 0}, "max_calls must be 1 or more"),
    ({"max_episode_tokens": 0}, "max_episode_tokens must be 1 or more"),
    ({"max_tokens": 0}, "max_tokens must be 1 or more"),
    ({"timeout": 0.0}, "timeout must be more than 0"),
    ({"base_url": "localhost:80"}, "base_url must begin with http"),
    ({"effrt": "low"}, "did you mean 'effort'"),
    ({"sampling": {"temperature": 0}}, "no longer taken by Anthropic's API"),
    ({"sampling": {"seed": 0}}, "sampling.seed is nothing that anthropic-messages takes"),
    ({"cassette": "x", "cassette_mode": "play"}, "did you mean 'replay'"),
])  # fmt: skip
def test_what_does_not_exist_is_said_at_once(keywords, said):
    with pytest.raises(UsageError, match=said):
        ClaudeAgent("some-model", **keywords)


def test_an_api_that_does_not_exist():
    with pytest.raises(UsageError, match="did you mean 'responses'"):
        OpenAIAgent("some-model", api="response")


def test_a_cassette_stands_between(tmp_path):
    file = str(tmp_path / "c.jsonl")
    first = Play(say("", LOOK), say("", SOLVE), cassette=file).run()
    asyncio.run(first.agent.aclose())
    again = Play(cassette=file, cassette_mode="replay").run()
    asyncio.run(again.agent.aclose())
    assert again.actions == first.actions
    assert again.talk.account == first.talk.account
    assert again.model.heard == []


# ---------------------------------------------------------------- prices


def prices(tmp_path, text):
    file = tmp_path / "prices.toml"
    file.write_text(text)
    return Prices.load(file)


def test_an_unknown_price_is_unknown_never_nothing(tmp_path):
    table = prices(
        tmp_path, '["m-1"]\ninput = 1\noutput = 2.0\n["m-1-mini"]\ninput = 0.5\noutput = 1.0\ncache_read=0\n'
    )
    million = 1_000_000
    assert table.cost("m-1", Tokens(million, million)) == 3.0
    assert table.cost("m-1-2026-05-05", Tokens(million)) == 1.0
    assert table.cost("m-1-mini-2", Tokens(million)) == 0.5
    assert table.cost("m-1", Tokens(1, 1, 1)) is None
    assert table.cost("m-1-mini", Tokens(0, 0, 9)) == 0.0
    assert table.cost("m-2", Tokens()) is None


@pytest.mark.parametrize(("text", "said"), [
    ('["m"]\ninputs = 1', "did you mean 'input'"),
    ('["m"]\ninput = -1', "0 or more"),
    ('["m"]\ninput = "1"', "US dollars per million"),
    ('["m"]\ninput = nan', "US dollars per million"),
    ("m = 1", "must be a table"),
    ("[m", "no TOML"),
])  # fmt: skip
def test_a_table_that_will_not_do(tmp_path, text, said):
    with pytest.raises(UsageError, match=said):
        prices(tmp_path, text)


def test_no_table(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        Prices.load(tmp_path / "none.toml")


def test_the_shipped_table_invents_no_prices():
    table = Prices.load("configs/prices.toml")
    assert table.cost("crm-fake", Tokens(1)) is not None
    for name in ("claude-sonnet-5-5", "gpt-5.5"):
        assert table.cost(name, Tokens(1)) is None
