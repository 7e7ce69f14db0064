"""The adapters: what they send, what they understand, what they call faults; with the real SDKs."""

import asyncio
import inspect
import json
import os
import pickle
import subprocess
import sys

import anthropic
import httpx2
import openai
import pytest
from anthropic.types import Message
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from crm_agents.fake.models import Answer, ScriptedModel, call
from crm_agents.fake.server import FakeServer
from crm_agents.llm.chat import Call, ModelSettings, Reply, Request, Result, Results, Said, User
from crm_agents.llm.claude import ClaudeClient
from crm_agents.llm.faults import BadRequest, ModelFault, PassingFault, SetupFault, TooLong
from crm_agents.llm.openai_chat import OpenAIChatClient
from crm_agents.llm.openai_responses import OpenAIResponsesClient
from crm_agents.llm.policy import LlmAgent
from crm_agents.llm.prompt import make_prompt
from crm_agents.llm.retry import Retrying
from crm_agents.llm.schemas import strict, without_nulls
from crm_agents.llm.statuses import retry_after
from openai.types.chat import ChatCompletion
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from openai.types.responses import Response
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from pydantic import TypeAdapter

from crm_gym import TOOLS, UsageError
from crm_gym.evaluation.account import Tokens

KINDS = {"claude": ClaudeClient, "responses": OpenAIResponsesClient, "chat": OpenAIChatClient}
PARAMETERS = {
    "claude": (MessageCreateParamsNonStreaming, anthropic.AsyncAnthropic(api_key="k").messages.create),
    "responses": (ResponseCreateParamsNonStreaming, openai.AsyncOpenAI(api_key="k").responses.create),
    "chat": (CompletionCreateParamsNonStreaming, openai.AsyncOpenAI(api_key="k").chat.completions.create),
}
MODELS = {"claude": Message, "responses": Response, "chat": ChatCompletion}
PROMPT = make_prompt()
SECRET = "sk-test-4f6a1c9d8e7b2a30"

each = pytest.mark.parametrize("name", KINDS)


def message(*content, stop="tool_use", **more):
    usage = {"input_tokens": 7, "output_tokens": 5, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2}
    body = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m-1", "stop_sequence": None}
    return body | {"content": list(content), "stop_reason": stop, "usage": usage} | more


def response(*output, status="completed", **more):
    usage = {
        "input_tokens": 12,
        "output_tokens": 5,
        "total_tokens": 17,
        "output_tokens_details": {"reasoning_tokens": 1},
    }
    usage["input_tokens_details"] = {"cached_tokens": 3, "cache_write_tokens": 2}
    body = {"id": "resp_1", "object": "response", "created_at": 1.0, "model": "m-1", "parallel_tool_calls": False}
    return body | {"status": status, "output": list(output), "tools": [], "tool_choice": "auto", "usage": usage} | more


def completion(content=None, *calls, finish="tool_calls", **more):
    usage = {"prompt_tokens": 12, "completion_tokens": 5, "total_tokens": 17}
    usage["prompt_tokens_details"] = {"cached_tokens": 3, "cache_write_tokens": 2}
    said = {"role": "assistant", "content": content, **({"tool_calls": list(calls)} if calls else {}), **more}
    choice = {"index": 0, "finish_reason": finish, "message": said, "logprobs": None}
    return {"id": "c", "object": "chat.completion", "created": 1, "model": "m-1", "choices": [choice], "usage": usage}


def use(id, tool, arguments):
    return {"type": "tool_use", "id": id, "name": tool, "input": arguments}


def function(id, tool, arguments):
    return {"type": "function_call", "id": f"fc_{id}", "call_id": id, "name": tool, "arguments": arguments}


def chat_call(id, tool, arguments):
    return {"id": id, "type": "function", "function": {"name": tool, "arguments": arguments}}


def text_item(text, kind="output_text"):
    part = {"type": kind, "text": text, "annotations": []} if kind == "output_text" else {"type": kind, "refusal": text}
    return {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": [part]}


def one_call(name, arguments='{"name": "Zoë"}'):
    return {
        "claude": lambda: message(
            {"type": "text", "text": "Looking."}, use("t1", "client_search", json.loads(arguments))
        ),
        "responses": lambda: response(text_item("Looking."), function("t1", "client_search", arguments)),
        "chat": lambda: completion("Looking.", chat_call("t1", "client_search", arguments)),
    }[name]()


class Wire:
    """A transport that answers what it is told and keeps what it is asked."""

    def __init__(self, *answers):
        self.answers, self.requests = list(answers), []

    def __call__(self, request):
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, httpx2.Response):
            return answer
        return httpx2.Response(200, content=answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def bodies(self):
        return [json.loads(request.content) for request in self.requests]


def client(name, wire, **how):
    http = httpx2.AsyncClient(transport=httpx2.MockTransport(wire), follow_redirects=True)
    return KINDS[name](ModelSettings(**{"name": "m-1", "base_url": "http://models.example/v1", **how}), http)


def ask(name, answer, request=None, **how):
    """What a client makes of an answer, and what it sent."""
    wire = answer if isinstance(answer, Wire) else Wire(answer)

    async def once():
        asked = client(name, wire, **how)
        try:
            return await asked.ask(request or Request(PROMPT.system, (User("Hello."),), PROMPT.tools))
        finally:
            await asked.aclose()
            await asked.aclose()

    return asyncio.run(once()), wire


def fault_of(name, answer, **how):
    with pytest.raises(ModelFault) as caught:
        ask(name, answer, **how)
    return caught.value


def talk(name):
    """A conversation with everything in it, its replies read from the wire."""
    many = {
        "claude": message(
            {"type": "thinking", "thinking": "Hm.", "signature": "sig"},
            use("t1", "client_search", {"name": "x"}),
            use("t2", "find", {}),
        ),
        "responses": response(
            {"type": "reasoning", "id": "rs_1", "summary": []},
            function("t1", "client_search", '{"name": "x"}'),
            function("t2", "find", "{}"),
        ),
        "chat": completion(None, chat_call("t1", "client_search", '{"name": "x"}'), chat_call("t2", "find", "{}")),
    }[name]
    first, _ = ask(name, many)
    last, _ = ask(name, {"claude": message({"type": "text", "text": "Hm."}), "responses": response(text_item("Hm.")),
                         "chat": completion("Hm.", finish="stop")}[name])  # fmt: skip
    results = (Result(first.calls[0], '{"total":0}', False), Result(first.calls[1], '{"code":"x"}', True))
    return many, (User("Hello."), Said(first), Results(results, "Go on."), Said(last), User("Call a tool."))


def drained(value):
    """Values as pydantic checked them, its lazy iterators read to their ends."""
    if isinstance(value, dict):
        return {key: drained(part) for key, part in value.items()}
    if isinstance(value, list | tuple) or type(value).__name__ == "ValidatorIterator":
        return [drained(part) for part in value]
    return value


# ---------------------------------------------------------------- what is sent

SAMPLING = {
    "claude": {"thinking": {"type": "adaptive"}, "service_tier": "auto", "stop_sequences": ["END"]},
    "responses": {"temperature": 0.5, "store": False, "include": ["reasoning.encrypted_content"]},
    "chat": {"temperature": 0.5, "seed": 3, "stop": ["END"]},
}


@each
@pytest.mark.parametrize("enforced", [False, True])
def test_every_parameter_is_one_of_the_sdk_with_its_type(name, enforced):
    """Bodies are built by hand: the SDK's own types say whether they are right, to the last block of a conversation."""
    shape, create = PARAMETERS[name]
    asked = KINDS[name](ModelSettings("m", effort="low", strict=enforced, sampling=SAMPLING[name]))
    request = Request(PROMPT.system, talk(name)[1], PROMPT.tools, schema={"type": "object", "properties": {}})
    body = asked.body(request)
    assert drained(TypeAdapter(shape).validate_python(body)) == json.loads(json.dumps(body))
    known = inspect.signature(create).parameters
    assert body.keys() <= known.keys()
    assert "stream" not in body
    assert set(asked.samples) <= known.keys()
    filled = KINDS[name](ModelSettings("m", effort="low")).body(request).keys()
    assert not set(asked.samples) & filled - {"tool_choice"}


@each
def test_what_is_sent_is_the_body(name):
    request = Request(PROMPT.system, talk(name)[1], PROMPT.tools)
    _, wire = ask(name, one_call(name), request, effort="high")
    expected = KINDS[name](ModelSettings("m-1", base_url="http://models.example/v1", effort="high")).body(request)
    assert wire.bodies() == [json.loads(json.dumps(expected))]
    assert wire.requests[0].method == "POST"
    assert wire.requests[0].headers["content-type"] == "application/json"


@each
def test_the_beginning_is_rendered_once_and_never_stale(name):
    other = make_prompt("text")
    requests = [
        Request(PROMPT.system, (User("a"),), PROMPT.tools),
        Request(PROMPT.system, (User("b"),), PROMPT.tools),
        Request(other.system, (User("a"),), other.tools),
        Request("s", (User("a"),), (), schema={"type": "object"}),
        Request("s", (User("a"),), PROMPT.tools[:2]),
        Request("", (User("a"),)),
    ]
    wire = Wire(one_call(name))

    async def all_of_them():
        asked = client(name, wire)
        for request in requests:
            await asked.ask(request)
        await asked.aclose()
        return [asked.body(request) for request in requests]

    expected = asyncio.run(all_of_them())
    assert wire.bodies() == json.loads(json.dumps(expected))


def test_where_it_goes_and_with_what_key(monkeypatch):
    monkeypatch.setenv("MY_KEY", f" {SECRET}\n")
    for name, path, header, key in (
        ("claude", "/v1/messages", "authorization", f"Bearer {SECRET}"),
        ("responses", "/v1/responses", "authorization", f"Bearer {SECRET}"),
        ("chat", "/v1/chat/completions", "authorization", f"Bearer {SECRET}"),
    ):
        base = "http://models.example" if name == "claude" else "http://models.example/v1"
        _, wire = ask(name, one_call(name), base_url=base, api_key_env="MY_KEY")
        (request,) = wire.requests
        assert request.url == f"http://models.example{path}"
        assert request.headers[header] == key
        assert (name == "claude") == ("anthropic-version" in request.headers)


@each
def test_a_server_of_ones_own_is_not_sent_the_providers_key(name, monkeypatch):
    monkeypatch.setenv(KINDS[name].usual_key, SECRET)
    _, wire = ask(name, one_call(name))
    assert SECRET not in str(wire.requests[0].headers.raw)


@each
def test_the_provider_itself_is(name, monkeypatch):
    monkeypatch.setenv(KINDS[name].usual_key, SECRET)
    _, wire = ask(name, one_call(name), base_url=None)
    assert SECRET in str(wire.requests[0].headers.raw)
    assert wire.requests[0].url.scheme == "https"


@each
@pytest.mark.parametrize(("variable", "value", "said"), [
    (None, None, "no key in the environment variable {usual}"),
    ("MY_KEY", None, "no key in the environment variable MY_KEY"),
    ("MY_KEY", " \n", "no key in the environment variable MY_KEY"),
    ("MY_KEY", "k\u00e9y-1234567", "MY_KEY holds characters that no key has"),
])  # fmt: skip
def test_without_a_key(name, variable, value, said, monkeypatch, tmp_path):
    for known in list(os.environ):
        if known.startswith(("ANTHROPIC_", "OPENAI_", "MY_KEY")):
            monkeypatch.delenv(known)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path))
    if value is not None:
        monkeypatch.setenv(variable, value)
    with pytest.raises(UsageError, match=said.format(usual=KINDS[name].usual_key)) as caught:
        ask(name, one_call(name), base_url=None, api_key_env=variable)
    assert "1234567" not in str(caught.value)


def test_no_sdk_is_loaded_before_a_model_is_asked():
    """A cassette is played without them, and they take seconds."""
    code = (
        "import sys; from crm_agents.llm.agent import ClaudeAgent, OpenAIAgent; ClaudeAgent('m'); OpenAIAgent('m'); "
        "print(sorted({'anthropic', 'openai', 'httpx2'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@each
def test_without_the_sdk(name, monkeypatch):
    monkeypatch.setitem(sys.modules, KINDS[name].package, None)
    with pytest.raises(UsageError, match=r"pip install 'crm-gym\[llm\]'"):
        ask(name, one_call(name))


def test_caching_is_asked_for_where_it_must_be():
    request = Request(PROMPT.system, talk("claude")[1][:3], PROMPT.tools)
    body = ClaudeClient(ModelSettings("m")).body(request)
    marked = {"type": "ephemeral"}
    assert body["system"][-1]["cache_control"] == marked
    assert body["messages"][-1]["content"][-1]["cache_control"] == marked
    assert json.dumps(body).count("cache_control") == 2
    assert "cache_control" not in json.dumps(ClaudeClient(ModelSettings("m", cache=False)).body(request))
    keys = [OpenAIResponsesClient(ModelSettings("m")).body(one)["prompt_cache_key"] for one in
            (request, Request(PROMPT.system, (User("other"),), PROMPT.tools), Request("s", (User("x"),)))]  # fmt: skip
    assert keys[0] == keys[1] != keys[2]
    assert "prompt_cache_key" not in OpenAIResponsesClient(ModelSettings("m", cache=False)).body(request)


def test_a_server_of_ones_own_gets_only_what_such_servers_know():
    request = Request("s", (User("x"),), PROMPT.tools)
    own = OpenAIChatClient(ModelSettings("m", base_url="http://localhost:1/v1")).body(request)
    theirs = OpenAIChatClient(ModelSettings("m")).body(request)
    assert theirs.keys() - own.keys() == {"max_completion_tokens", "prompt_cache_key"}
    assert own.keys() - theirs.keys() == {"max_tokens"}


@each
def test_one_call_a_reply_is_asked_for(name):
    body = KINDS[name](ModelSettings("m")).body(Request("s", (User("x"),), PROMPT.tools))
    if name == "claude":
        assert body["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    else:
        assert body["parallel_tool_calls"] is False


@each
def test_half_a_pair_of_surrogates_is_not_sent(name):
    request = Request("s", (User('\ud83d x \\ud83d "\ud83d\ude00" \udc00'),))
    _, wire = ask(name, one_call(name), request)
    (sent,) = wire.bodies()
    said = sent["input" if name == "responses" else "messages"][-1]["content"]
    assert (said[0]["text"] if name == "claude" else said) == '\ufffd x \\ud83d "😀" \ufffd'


# ---------------------------------------------------------------- what is understood


@each
def test_a_call_and_words_beside_it(name):
    body = one_call(name)
    MODELS[name].model_validate(body)  # it has the shape that the SDK knows
    reply, _ = ask(name, body)
    assert reply.text == "Looking."
    assert reply.calls == (Call("t1", "client_search", {"name": "Zoë"}),)
    assert (reply.stop, reply.model) == ("calls", "m-1")
    assert reply.latency > 0
    json.dumps(reply.raw, allow_nan=False)


@each
def test_kinds_of_tokens_exclude_one_another(name):
    reply, _ = ask(name, one_call(name))
    assert reply.tokens == Tokens(7, 5, 3, 2)


def with_usage(name, field, value):
    """A reply whose usage has another value in one of its four numbers."""
    body = one_call(name)
    *way, last = KINDS[name].usage_names[field].split(".")
    place = body["usage"]
    for part in way:
        place = place[part]
    place[last] = value
    return body


@each
@pytest.mark.parametrize("usage", [None, "x", {}, [7], {"input_tokens": "7", "prompt_tokens": -1}])
def test_usage_that_is_not_there_is_not_known(name, usage):
    reply, _ = ask(name, one_call(name) | {"usage": usage})
    assert reply.tokens == Tokens(known=False)


@each
@pytest.mark.parametrize("field", range(4))
@pytest.mark.parametrize("value", [10**400, -1, 1e308, 7.0, "7", True, [], 10**9 + 1])
def test_usage_that_cannot_be_is_not_known(name, field, value):
    tokens = ask(name, with_usage(name, field, value))[0].tokens
    assert not tokens.known
    assert 0 <= tokens.total() < 100


@each
@pytest.mark.parametrize(("field", "known"), [(0, False), (1, False), (2, True), (3, True)])
def test_only_what_a_cache_took_may_be_left_out(name, field, known):
    assert ask(name, with_usage(name, field, None))[0].tokens.known is known


@each
def test_a_reply_that_cannot_be_read_is_billed_all_the_same(name):
    broken = {"claude": {"content": None}, "responses": {"output": None}, "chat": {"choices": None}}[name]
    assert fault_of(name, one_call(name) | broken).tokens == Tokens(7, 5, 3, 2)
    assert fault_of(name, one_call(name) | broken | {"usage": None}).tokens == Tokens(known=False)
    for body in (b"[]", b"half", b'{"a":' * 100_000 + b"1" + b"}" * 100_000):
        assert fault_of(name, body).tokens == Tokens(known=False)
    assert fault_of(name, httpx2.Response(429)).tokens is None


def test_a_failure_the_provider_tells_of_is_billed_if_it_says_so():
    failed = response(status="failed", error={"code": "server_error", "message": "busy"})
    assert fault_of("responses", failed).tokens == Tokens(7, 5, 3, 2)
    assert fault_of("responses", failed | {"usage": None}).tokens is None


@each
def test_the_server_in_the_environment_is_asked_and_said(name, monkeypatch):
    """The SDK obeys the variable; the log must say so, and other processes must ask the same."""
    monkeypatch.setenv(KINDS[name].usual_url, "http://me:secret@gateway.example:81/v1")
    monkeypatch.setenv(KINDS[name].usual_key, SECRET)
    _, wire = ask(name, one_call(name), base_url=None)
    assert wire.requests[0].url.host == "gateway.example"
    asked = KINDS[name](ModelSettings("m-1"))
    said = [LlmAgent(one).describe()["model"]["base_url"] for one in (asked, Retrying(asked))]
    assert said == ["http://gateway.example/v1"] * 2
    assert KINDS[name](ModelSettings("m-1", base_url="http://own.example")).base_url == "http://own.example"
    monkeypatch.delenv(KINDS[name].usual_url)
    assert pickle.loads(pickle.dumps(asked)).base_url == asked.base_url
    assert LlmAgent(KINDS[name](ModelSettings("m-1"))).describe()["model"]["base_url"] is None
    monkeypatch.setenv(KINDS[name].usual_url, "gateway.example")
    with pytest.raises(UsageError, match=f"{KINDS[name].usual_url} must begin with http"):
        KINDS[name](ModelSettings("m-1"))


@each
def test_a_second_turn_hands_back_what_came(name):
    body, turns = talk(name)
    MODELS[name].model_validate(body)
    sent = KINDS[name](ModelSettings("m", cache=False)).body(Request("s", turns))
    if name == "claude":
        _, said, results, _, _ = sent["messages"]
        assert said == {"role": "assistant", "content": body["content"]}
        assert results["content"] == [
            {"type": "tool_result", "tool_use_id": "t1", "content": '{"total":0}'},
            {"type": "tool_result", "tool_use_id": "t2", "content": '{"code":"x"}', "is_error": True},
            {"type": "text", "text": "Go on."},
        ]
    elif name == "responses":
        assert sent["input"][1:4] == body["output"]
        assert [item.get("call_id") for item in sent["input"][4:7]] == ["t1", "t2", None]
        assert sent["input"][6] == {"role": "user", "content": "Go on."}
    else:
        assert (
            sent["messages"][2] == body["choices"][0]["message"] | {"content": None}
            or "tool_calls" in sent["messages"][2]
        )
        assert [one["tool_call_id"] for one in sent["messages"][3:5]] == ["t1", "t2"]
        assert sent["messages"][2]["tool_calls"] == body["choices"][0]["message"]["tool_calls"]


def incomplete(why):
    return response(text_item("x"), status="incomplete", incomplete_details={"reason": why})


STOPS = [
    ("claude", message({"type": "text", "text": "x"}, stop="end_turn"), "end"),
    ("claude", message({"type": "text", "text": "x"}, stop="stop_sequence"), "end"),
    ("claude", message({"type": "text", "text": "x"}, stop="max_tokens"), "cut_off"),
    ("claude", message({"type": "text", "text": "x"}, stop="pause_turn"), "paused"),
    ("claude", message({"type": "text", "text": "x"}, stop="model_context_window_exceeded"), "context_too_long"),
    ("claude", message({"type": "text", "text": "x"}, stop="refusal"), "refusal"),
    ("claude", message(stop="refusal", stop_details={"type": "refusal", "explanation": "x"}), "refusal"),
    ("claude", message({"type": "text", "text": "x"}, stop="new_reason"), "end"),
    ("responses", response(text_item("x")), "end"),
    ("responses", response(text_item("x", "refusal")), "refusal"),
    ("responses", incomplete("max_output_tokens"), "cut_off"),
    ("responses", incomplete("content_filter"), "refusal"),
    ("responses", response(status="failed", error={"code": "bio_policy", "message": "x"}), "refusal"),
    ("chat", completion("x", finish="stop"), "end"),
    ("chat", completion("x", finish="length"), "cut_off"),
    ("chat", completion("x", finish="content_filter"), "refusal"),
    ("chat", completion(None, finish="stop", refusal="x"), "refusal"),
    ("chat", completion([{"type": "text", "text": "x"}], finish="stop"), "end"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "body", "stop"), STOPS)
def test_why_it_stopped(name, body, stop):
    reply, _ = ask(name, body)
    assert (reply.stop, reply.text, reply.calls) == (stop, "x", ())


BAD_ARGUMENTS = ['{"name": ', "[1, 2]", '{"a": NaN}', '{"a": 1, "a": 2}', "no JSON", '{"a":' * 200 + "1" + "}" * 200]


@pytest.mark.parametrize("name", ["responses", "chat"])
@pytest.mark.parametrize("written", BAD_ARGUMENTS)
def test_arguments_that_are_no_object_stay_the_models_own_text(name, written):
    reply, _ = ask(name, one_call(name, written))
    assert reply.calls[0].arguments == written
    _, wire = ask(
        name, one_call(name), Request("s", (User("x"), Said(reply), Results((Result(reply.calls[0], "no", True),))))
    )
    assert len(wire.requests) == 1
    if name == "chat":  # local servers read them again
        json.loads(wire.bodies()[0]["messages"][2]["tool_calls"][0]["function"]["arguments"])


@pytest.mark.parametrize("written", ["[1, 2]", '{"a": NaN}', '"text"', '{"a":' * 60 + "1" + "}" * 60, "null"])
def test_input_that_is_no_object_can_still_be_answered(written):
    body = json.dumps(message(use("t1", "respond", "HERE"))).replace('"HERE"', written).encode()
    reply, _ = ask("claude", body)
    (made,) = reply.calls
    assert made.arguments == {} if written == "null" else isinstance(made.arguments, str)
    turns = (User("x"), Said(reply), Results((Result(made, "no", True),)))
    _, wire = ask("claude", one_call("claude"), Request("s", turns))
    assert isinstance(wire.bodies()[0]["messages"][1]["content"][0]["input"], dict)


def test_what_cannot_be_handed_back_is_the_replys_fault():
    item = {"type": "reasoning", "id": "rs_1", "summary": [float("nan")]}
    reply, _ = ask("responses", json.dumps(response(item, function("t1", "finish", "{}"))).encode())
    turns = (User("x"), Said(reply), Results((Result(reply.calls[0], "no", True),)))
    wire = Wire(one_call("responses"))
    with pytest.raises(BadRequest, match="cannot be handed back") as caught:
        ask("responses", wire, Request("s", turns))
    assert caught.value.kind == "bad_reply"
    assert wire.requests == []


def test_what_the_provider_would_not_take_back_is_left_out():
    reply, _ = ask("claude", message({"type": "text", "text": " \n"}, use("t1", "finish", {})))
    assert [block["type"] for block in reply.raw] == ["tool_use"]


def test_servers_of_ones_own_may_leave_things_out():
    body = completion("", chat_call(None, "finish", None))
    del body["usage"], body["id"], body["created"]
    reply, _ = ask("chat", body)
    assert reply.calls == (Call("call_0", "finish", {}),)
    reply, _ = ask("chat", completion("", chat_call("c", "respond", {"answer": 1})))
    assert reply.calls[0].arguments == {"answer": 1}
    assert json.loads(reply.raw["tool_calls"][0]["function"]["arguments"]) == {"answer": 1}


BAD_BODIES = {
    "a list": (b"[]", BadRequest, "bad_reply"),
    "nothing in it": (b"{}", BadRequest, "bad_reply"),
    "a wrong type": (b'{"content": 3, "output": 3, "choices": 3}', BadRequest, "bad_reply"),
    "wrong blocks": (b'{"content": [3], "output": [3], "choices": [3]}', BadRequest, "bad_reply"),
    "no content": (b'{"content": null, "output": null, "choices": []}', BadRequest, "bad_reply"),
    "a bottomless one": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, BadRequest, "bad_reply"),
    "half of one": (b'{"content": [', PassingFault, "bad_body"),
    "a page": (b"<html>gateway</html>", PassingFault, "bad_body"),
    "no text": (b"\xff\xfe\x00", PassingFault, "bad_body"),
    "empty": (b"", PassingFault, "bad_body"),
}


@each
@pytest.mark.parametrize("what", BAD_BODIES)
def test_a_body_that_is_no_reply(name, what):
    body, kind, word = BAD_BODIES[what]
    fault = fault_of(name, body)
    assert (type(fault), fault.kind) == (kind, word)


# ---------------------------------------------------------------- faults

STATUSES = [
    (400, BadRequest, "bad_request"),
    (401, SetupFault, "key"),
    (402, SetupFault, "payment"),
    (403, SetupFault, "permission"),
    (404, SetupFault, "not_found"),
    (408, PassingFault, "timeout"),
    (409, PassingFault, "conflict"),
    (413, TooLong, "too_long"),
    (418, BadRequest, "bad_request"),
    (422, BadRequest, "bad_request"),
    (429, PassingFault, "rate_limited"),
    (500, PassingFault, "server_error"),
    (502, PassingFault, "server_error"),
    (503, PassingFault, "server_error"),
    (504, PassingFault, "timeout"),
    (529, PassingFault, "overloaded"),
]


@each
@pytest.mark.parametrize(("status", "kind", "word"), STATUSES)
def test_a_status_by_its_meaning_asked_once(name, status, kind, word, monkeypatch):
    """Retries are not the SDKs' business; and what a provider says of our key is not for logs."""
    monkeypatch.setenv("MY_KEY", SECRET)
    told = {"error": {"message": f"It went wrong with {SECRET}."}}
    wire = Wire(httpx2.Response(status, json=told, headers={"retry-after": "7"}))
    fault = fault_of(name, wire, api_key_env="MY_KEY")
    assert (type(fault), fault.kind, fault.status) == (kind, word, status)
    assert len(wire.requests) == 1
    assert "It went wrong with [key]." in str(fault)
    assert fault.retry_after == (7.0 if kind is PassingFault else None)
    assert fault.__cause__ is None
    assert fault.__context__ is None  # the SDK's error has the request, and the key in its headers


@each
@pytest.mark.parametrize(("status", "error", "kind"), [
    (400, {"message": "prompt is too long: 210000 tokens > 200000 maximum"}, TooLong),
    (400, {"code": "context_length_exceeded", "message": "no"}, TooLong),
    (400, {"message": "This model's maximum context length is 8192 tokens"}, TooLong),
    (429, {"code": "insufficient_quota", "message": "no"}, SetupFault),
    (400, {"message": "Your credit balance is too low"}, SetupFault),
    (500, "plain words", PassingFault),
    (500, None, PassingFault),
])  # fmt: skip
def test_words_that_change_the_meaning(name, status, error, kind):
    assert type(fault_of(name, httpx2.Response(status, json={"error": error}))) is kind


@each
@pytest.mark.parametrize(("broken", "word"), [
    (httpx2.ReadTimeout("slow"), "timeout"),
    (httpx2.ConnectTimeout("slow"), "timeout"),
    (httpx2.PoolTimeout("full"), "timeout"),
    (httpx2.ConnectError("refused"), "connection"),
    (httpx2.ReadError("reset"), "connection"),
    (httpx2.RemoteProtocolError("cut off"), "connection"),
])  # fmt: skip
def test_connections_that_break_may_be_better_next_time(name, broken, word):
    wire = Wire(broken)
    fault = fault_of(name, wire)
    assert (type(fault), fault.kind) == (PassingFault, word)
    assert len(wire.requests) == 1


@each
def test_a_fault_with_status_200(name):
    bodies = {
        "claude": {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}},
        "responses": response(status="failed", error={"code": "server_error", "message": "busy"}),
        "chat": {"error": {"message": "busy"}},
    }
    fault = fault_of(name, bodies[name])
    assert (type(fault), fault.kind) == (PassingFault, "server_error")
    assert "busy" in str(fault)


def test_a_failure_that_will_not_pass():
    assert (
        type(fault_of("responses", response(status="failed", error={"code": "image_too_small", "message": ""})))
        is BadRequest
    )


@pytest.mark.parametrize("name", ["responses", "chat"])  # anthropic's SDK calls everything a broken connection
def test_what_is_none_of_the_sdks_errors_is_nobodys_fault_of_ours(name):
    with pytest.raises(ZeroDivisionError):
        ask(name, Wire(ZeroDivisionError()))


@pytest.mark.parametrize(("headers", "seconds"), [
    ({}, None),
    ({"retry-after": "30"}, 30.0),
    ({"retry-after": "0.5"}, 0.5),
    ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
    ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
    ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ({"retry-after": "soon"}, None),
    ({"retry-after": "-3"}, None),
    ({"retry-after": "nan"}, None),
    ({"retry-after": "inf"}, None),
])  # fmt: skip
def test_how_long_to_wait(headers, seconds):
    assert retry_after(httpx2.Headers(headers)) == seconds


# ---------------------------------------------------------------- strict schemas


LOOSE = ["respond", "modify_client", "modify_contact", "modify_opportunity", "modify_quote"]
"""An answer may be anything, and null in updates empties a field."""


def test_strict_schemas_require_everything_and_leave_nothing_open():
    made = {tool.name: strict(tool.schema) for tool in TOOLS.values()}
    assert sorted(name for name, schema in made.items() if schema is None) == sorted(LOOSE)
    search = made["opportunity_search"]
    assert search["required"] == list(TOOLS["opportunity_search"].schema["properties"])
    assert None in search["properties"]["stage"]["enum"]
    assert made["create_quote"]["properties"]["status"]["type"] == "string"
    assert "exclusiveMinimum" not in json.dumps(made)


def test_what_had_to_be_null_was_left_out():
    schema = TOOLS["opportunity_search"].schema
    assert without_nulls(schema, {"owner": "x", "stage": None}) == {"owner": "x"}
    assert without_nulls(TOOLS["create_quote"].schema, {"amount": None}) == {
        "amount": None
    }  # required: the CRM refuses it


@each
def test_strict_is_off_by_default_and_marked_where_it_is_on(name):
    plain, enforced = (
        json.dumps(KINDS[name](ModelSettings("m", strict=on)).body(Request("", (User("x"),), PROMPT.tools)))
        for on in (False, True)
    )
    assert plain.count('"strict": true') == 0
    assert enforced.count('"strict": true') == len(TOOLS) - len(LOOSE)
    arguments = '{"name": "x", "industry": null}'
    assert ask(name, one_call(name, arguments), strict=True)[0].calls[0].arguments == {"name": "x"}
    assert ask(name, one_call(name, arguments))[0].calls[0].arguments["industry"] is None


@each
@pytest.mark.parametrize("enforced", [False, True])
def test_a_field_can_be_emptied(name, enforced):
    """Null among updates is what the model means, with strict schemas, too."""
    arguments = '{"id": "x", "updates": {"version": null}}'
    body = json.loads(json.dumps(one_call(name, arguments)).replace("client_search", "modify_quote"))
    assert ask(name, body, strict=enforced)[0].calls[0].arguments == json.loads(arguments)


@each
def test_structured_output(name):
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    body = KINDS[name](ModelSettings("m", effort="low")).body(Request("s", (User("x"),), schema=schema))
    where = {"claude": "output_config", "responses": "text", "chat": "response_format"}[name]
    assert json.dumps(schema) in json.dumps(body[where])
    assert "tools" not in body
    assert "tool_choice" not in body


# ---------------------------------------------------------------- over HTTP, against a server that checks

BASES = {"claude": "url", "responses": "v1", "chat": "v1"}


def over_http(name, server, **how):
    return KINDS[name](ModelSettings(**{"name": "crm-fake", "base_url": getattr(server, BASES[name]), **how}))


@each
@pytest.mark.parametrize("enforced", [False, True])
def test_a_conversation_over_http(name, enforced):
    """Tools, thoughts, parallel calls, second turns, usage; the server refuses what the real one would."""
    script = [
        Answer(
            "Both.", (call("client_search", {"name": "Zoë"}), call("contact_search", {"title": "x"})), thought="Hm."
        ),
        Answer("", (call("find", {}),), thought="So."),
        Answer("That is all."),
    ]

    async def converse():
        asked, replies, turns = over_http(name, server, strict=enforced), [], [User("Hello.")]
        for _ in script:
            reply = await asked.ask(Request(PROMPT.system, tuple(turns), PROMPT.tools))
            replies.append(reply)
            results = tuple(Result(one, json.dumps({"name": one.name}), one.name == "find") for one in reply.calls)
            turns += [Said(reply), Results(results, "Go on.") if results else User("Good.")]
        await asked.aclose()
        return replies

    with FakeServer(ScriptedModel(script), keep=9) as server:
        both, one, last = asyncio.run(converse())
        total = server.tokens
    assert [made.name for made in both.calls] == ["client_search", "contact_search"]
    assert both.calls[0].arguments == {"name": "Zoë"}
    assert len({made.id for made in both.calls + one.calls}) == 3
    assert (both.text, both.stop, one.stop) == ("Both.", "calls", "calls")
    assert (last.text, last.stop, last.calls) == ("That is all.", "end", ())
    assert sum(reply.tokens.total() for reply in (both, one, last)) == total.total() > 0
    assert one.tokens.cache_read > 0
    assert all(reply.latency > 0 for reply in (both, one, last))
    paths, _, bodies = zip(*server.seen, strict=True)
    assert len(set(paths)) == 1
    assert not [body for body in bodies if body.get("stream")]
    assert len(bodies) == 3


@each
def test_one_client_in_several_loops(name):
    """Connections belong to the loop they were made in; each loop gets its own and can let go of them."""
    with FakeServer(ScriptedModel([Answer("Hi.")])) as server:
        asked = over_http(name, server)

        async def twice():
            said = await asyncio.gather(*(asked.ask(Request("s", (User("x"),))) for _ in range(5)))
            await asked.aclose()
            again = await asked.ask(Request("s", (User("x"),)))
            await asked.aclose()
            return {reply.text for reply in (*said, again)}

        assert asyncio.run(twice()) == {"Hi."}
        assert asyncio.run(twice()) == {"Hi."}
        assert asyncio.run(pickle_of(asked)) == "Hi."
        assert server.calls == 13


async def pickle_of(asked):
    there = pickle.loads(pickle.dumps(asked))
    try:
        return (await there.ask(Request("s", (User("x"),)))).text
    finally:
        await there.aclose()


@each
def test_no_redirect_takes_the_key_elsewhere(name, monkeypatch):
    monkeypatch.setenv("MY_KEY", SECRET)
    away = httpx2.Response(307, headers={"location": "http://elsewhere.example/"})
    wire = Wire(away, one_call(name))
    ask(name, wire, api_key_env="MY_KEY")
    first, second = wire.requests
    assert SECRET in str(first.headers.raw)
    assert second.url.host == "elsewhere.example"
    assert SECRET not in str(second.headers.raw)


def test_a_reply_is_plain_data():
    reply, _ = ask("claude", one_call("claude"))
    assert isinstance(reply, Reply)
    assert pickle.loads(pickle.dumps(reply)) == reply
