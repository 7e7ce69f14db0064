"""The fake server: what it takes, what it refuses as the real ones do, how it counts, how it behaves as a server."""

import asyncio
import contextlib
import copy
import json
import os
import signal
import socket
import threading

import anthropic
import openai
import pytest
from crm_agents.commands import fake_server
from crm_agents.fake.faults import KINDS, Fault, Plan, read_fault
from crm_agents.fake.heuristic import HeuristicModel, least, words
from crm_agents.fake.http import MAX_HEAD, Heard
from crm_agents.fake.models import Answer, FunctionModel, ScriptedModel, call, read_script
from crm_agents.fake.process import FakeServerProcess
from crm_agents.fake.server import FakeServer
from crm_agents.fake.talk import signature
from crm_agents.heuristic import HeuristicAgent
from crm_agents.judge.case import Case
from crm_agents.judge.judge import Judge
from crm_agents.llm.chat import Call, ModelSettings, Request, ToolSpec, User
from crm_agents.llm.claude import ClaudeClient
from crm_agents.llm.openai_chat import OpenAIChatClient
from crm_agents.llm.openai_responses import OpenAIResponsesClient
from crm_agents.llm.policy import LlmAgent
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym import TOOLS, UsageError
from crm_gym.evaluation.harness import BaselineHarness

SCHEMA = {"type": "object", "properties": {"name": {"type": "string"}}, "required": []}
LOOK = call("look", {"name": "Åsa"})
SCRIPT = [Answer("Let me see.", (LOOK,), thought="Where is it?"), Answer("Here it is.")]
HEADERS = {"x-api-key": "any", "anthropic-version": "2023-06-01"}

MESSAGES = {
    "model": "m",
    "max_tokens": 100,
    "system": "Be brief.",
    "messages": [{"role": "user", "content": "Where is Åsa?"}],
    "tools": [{"name": "look", "description": "Look.", "input_schema": SCHEMA}],
}
RESPONSES = {
    "model": "m",
    "instructions": "Be brief.",
    "input": [{"role": "user", "content": "Where is Åsa?"}],
    "tools": [{"type": "function", "name": "look", "description": "Look.", "parameters": SCHEMA}],
}
CHAT = {
    "model": "m",
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Where is Åsa?"}],
    "tools": [{"type": "function", "function": {"name": "look", "description": "Look.", "parameters": SCHEMA}}],
}
BODIES = {"/v1/messages": MESSAGES, "/v1/responses": RESPONSES, "/v1/chat/completions": CHAT}


def post(server, path, body, headers=HEADERS):
    """Status and JSON of an answer, without a network between."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    response = server.answer(Heard("POST", path, headers, data))
    return response.status, json.loads(response.text)


@pytest.fixture
def server():
    return FakeServer(ScriptedModel(SCRIPT))


@pytest.fixture(scope="module")
def running():
    with FakeServer(ScriptedModel(SCRIPT), keep=10) as server:
        yield server


# What the SDKs make of it.


def test_anthropics_sdk_calls_a_tool_and_goes_on(running):
    with anthropic.Anthropic(base_url=running.url, api_key="any", max_retries=0) as client:
        asked = {name: MESSAGES[name] for name in ("model", "max_tokens", "system", "tools")}
        first = client.messages.create(**asked, messages=MESSAGES["messages"])
        assert [block.type for block in first.content] == ["thinking", "text", "tool_use"]
        assert first.stop_reason == "tool_use"
        assert first.content[2].input == {"name": "Åsa"}
        result = {"type": "tool_result", "tool_use_id": first.content[2].id, "content": "in the garden"}
        turns = [
            *MESSAGES["messages"],
            {"role": "assistant", "content": first.content},
            {"role": "user", "content": [result]},
        ]
        second = client.messages.create(**asked, messages=turns)
        assert (second.content[0].text, second.stop_reason) == ("Here it is.", "end_turn")
        with pytest.raises(anthropic.BadRequestError, match="toolu_1_0"):
            client.messages.create(**asked, messages=[*turns[:2], {"role": "user", "content": "and?"}])


def test_openais_sdk_calls_a_tool_and_goes_on(running):
    with openai.OpenAI(base_url=running.v1, api_key="any", max_retries=0) as client:
        asked = {name: RESPONSES[name] for name in ("model", "instructions", "tools")}
        first = client.responses.create(**asked, input=RESPONSES["input"])
        assert [item.type for item in first.output] == ["reasoning", "message", "function_call"]
        assert json.loads(first.output[2].arguments) == {"name": "Åsa"}
        items = [item.model_dump(exclude_none=True) for item in first.output]
        result = {"type": "function_call_output", "call_id": first.output[2].call_id, "output": "in the garden"}
        second = client.responses.create(**asked, input=[*RESPONSES["input"], *items, result])
        assert second.output_text == "Here it is."
        assert second.status == "completed"
        with pytest.raises(openai.BadRequestError, match="call_1_0"):
            client.responses.create(**asked, input=[*RESPONSES["input"], *items])


def test_openais_sdk_chats_and_goes_on(running):
    with openai.OpenAI(base_url=running.v1, api_key="any", max_retries=0) as client:
        first = client.chat.completions.create(**CHAT)
        said = first.choices[0].message
        assert (first.choices[0].finish_reason, said.content) == ("tool_calls", "Let me see.")
        assert json.loads(said.tool_calls[0].function.arguments) == {"name": "Åsa"}
        result = {"role": "tool", "tool_call_id": said.tool_calls[0].id, "content": "in the garden"}
        turns = [*CHAT["messages"], said.model_dump(exclude_none=True), result]
        second = client.chat.completions.create(**{**CHAT, "messages": turns})
        assert (second.choices[0].finish_reason, second.choices[0].message.content) == ("stop", "Here it is.")


@pytest.mark.parametrize("path", BODIES)
def test_several_calls_must_all_be_answered(path):
    server = FakeServer(ScriptedModel([Answer("", (LOOK, call("look", {}))), Answer("Both.")]))
    status, made = post(server, path, BODIES[path])
    assert status == 200
    for results, wanted in (((0, 1), 200), ((1, 0), 200), ((0,), 400), ((), 400), ((0, 0), 400), ((0, 1, 2), 400)):
        assert post(server, path, going_on(path, made, results))[0] == wanted, results


def going_on(path, made, results):
    """The body of the next call: the reply handed back, and results for the calls of these numbers."""
    body = copy.deepcopy(BODIES[path])
    if path == "/v1/messages":
        ids = [block["id"] for block in made["content"]] + ["toolu_no"]
        blocks = [{"type": "tool_result", "tool_use_id": ids[n], "content": "x"} for n in results]
        body["messages"] += [{"role": "assistant", "content": made["content"]}]
        body["messages"] += [{"role": "user", "content": blocks or "and?"}]
    elif path == "/v1/responses":
        ids = [item["call_id"] for item in made["output"]] + ["call_no"]
        body["input"] += made["output"]
        body["input"] += [{"type": "function_call_output", "call_id": ids[n], "output": "x"} for n in results]
    else:
        message = made["choices"][0]["message"]
        ids = [each["id"] for each in message["tool_calls"]] + ["call_no"]
        body["messages"] += [message, *({"role": "tool", "tool_call_id": ids[n], "content": "x"} for n in results)]
    return body


# What is refused.


def changed(body, **values):
    made = {**copy.deepcopy(body), **values}
    return {name: value for name, value in made.items() if value is not ...}


USER, MODEL = {"role": "user", "content": "hello"}, {"role": "assistant", "content": "hello"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": signature("hm")}
USE = {"type": "tool_use", "id": "t", "name": "look", "input": {}}
DONE = {"type": "tool_result", "tool_use_id": "t", "content": "x"}
OPEN = {"type": "object", "properties": {"a": {"type": "object", "properties": {}}}, "required": ["a"]}
CLOSED = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}
TEXT = {"type": "text", "text": "x"}
MARK = {"cache_control": {"type": "ephemeral"}}


def messages(*turns, **values):
    return changed(MESSAGES, messages=list(turns), **values)


def of_user(*blocks):
    return {"role": "user", "content": list(blocks)}


def of_model(*blocks):
    return {"role": "assistant", "content": list(blocks)}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (changed(MESSAGES, model=...), "model: field required"),
        (changed(MESSAGES, max_tokens=...), "max_tokens: field required"),
        (changed(MESSAGES, max_tokens="many"), "max_tokens: input should be of type int"),
        (changed(MESSAGES, max_tokens=True), "max_tokens: input should be of type int"),
        (changed(MESSAGES, max_tokens=0), "max_tokens: must be at least 1"),
        (changed(MESSAGES, messages=...), "messages: field required"),
        (changed(MESSAGES, temperature=0.5), "temperature: extra inputs"),
        (changed(MESSAGES, top_k=5), "top_k: extra inputs"),
        (changed(MESSAGES, stream=True), "stream"),
        (messages(), "end with a turn of the user"),
        (messages(MODEL), "roles must alternate"),
        (messages(USER, USER), "roles must alternate"),
        (messages(USER, MODEL), "end with a turn of the user"),
        (messages({"role": "system", "content": "x"}), "messages.0.role"),
        (messages({"role": "user", "content": " "}), "non-whitespace"),
        (messages(of_user({"type": "text", "text": ""})), "messages.0.content.0"),
        (messages(of_user()), "must not be empty"),
        (messages(USER, of_model(), USER), "non-empty content"),
        (messages(USER, of_model(USE), USER), "calls without a result: t"),
        (messages(USER, of_model(USE), of_user({"type": "text", "text": "x"}, DONE)), "before all text"),
        (messages(USER, of_model(USE), of_user({**DONE, "tool_use_id": "u"})), "no open call"),
        (messages(USER, of_model(USE, USE), of_user(DONE)), "ids must be unique"),
        (messages(USER, of_model({**USE, "input": "{}"}), of_user(DONE)), "input: input should be of type dict"),
        (messages(USER, of_model({**THOUGHT, "thinking": "ha"}, USE), of_user(DONE)), "invalid signature"),
        (messages(of_user({"type": "image"})), "messages.0.content.0.type"),
        (messages({"role": "user"}), "messages.0.content: field required"),
        (messages({**USER, "name": "me"}), "messages.0.name: extra inputs"),
        (messages(of_user({**TEXT, **MARK}), system=[{**TEXT, **MARK}] * 4), "at most 4 blocks"),
        (changed(MESSAGES, tools=[{"name": "a b", "input_schema": SCHEMA}]), "tools[0].name"),
        (changed(MESSAGES, tools=[{"name": "a", "input_schema": {"type": "array"}}]), "object schema"),
        (changed(MESSAGES, tools=MESSAGES["tools"] * 2), "look stands twice"),
        (changed(MESSAGES, tools=[{"name": "a", "parameters": SCHEMA}]), "tools[0].parameters: extra"),
        (changed(MESSAGES, tools=[{"name": "a", "input_schema": SCHEMA, "strict": True}]), "additionalProperties"),
        (changed(MESSAGES, tool_choice={"type": "required"}), "tool_choice.type"),
        (changed(MESSAGES, tool_choice={"type": "any"}, tools=...), "only be given with tools"),
        (changed(MESSAGES, output_config={"format": {"type": "json_schema", "schema": OPEN}}), "additionalProperties"),
        (changed(MESSAGES, output_config={"effort": "huge"}), "output_config.effort"),
    ],
)  # fmt: skip
def test_messages_refuses(server, body, says):
    status, made = post(server, "/v1/messages", body)
    assert (status, made["type"], made["error"]["type"]) == (400, "error", "invalid_request_error")
    assert says in made["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        messages(of_user({"type": "text", "text": "x", **MARK})),
        messages(USER, of_model(THOUGHT, TEXT, USE), of_user(DONE, TEXT)),
        messages(USER, of_model(USE), of_user({**DONE, "content": [{"type": "text", "text": "x"}], "is_error": True})),
        messages(USER, MODEL, USER),
        changed(MESSAGES, tools=..., thinking={"type": "adaptive"}),
        changed(MESSAGES, tools=[{"name": "a", "input_schema": CLOSED, "strict": True}]),
        changed(MESSAGES, tool_choice={"type": "any", "disable_parallel_tool_use": True}),
        changed(MESSAGES, output_config={"effort": "high", "format": {"type": "json_schema", "schema": CLOSED}}),
    ],
)  # fmt: skip
def test_messages_takes(server, body):
    assert post(server, "/v1/messages", body)[0] == 200


def items(*given, **values):
    return changed(RESPONSES, input=list(given), **values)


CALLED = {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{"}
OUTPUT = {"type": "function_call_output", "call_id": "c", "output": "x"}
REASON = {"type": "reasoning", "id": f"rs_{signature('hm')}", "summary": [], "encrypted_content": signature("hm")}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (changed(RESPONSES, model=...), "model: field required"),
        (changed(RESPONSES, input=...), "input: field required"),
        (changed(RESPONSES, messages=[]), "messages: extra inputs"),
        (changed(RESPONSES, max_output_tokens=8), "at least 16"),
        (changed(RESPONSES, stream=True), "stream"),
        (changed(RESPONSES, previous_response_id="resp_1"), "keeps nothing"),
        (items(USER, CALLED), "calls without a result: c"),
        (items(USER, CALLED, USER), "calls without a result: c"),
        (items(USER, OUTPUT), "no open call"),
        (items(USER, CALLED, OUTPUT, OUTPUT), "no open call"),
        (items(USER, {**CALLED, "arguments": {}}, OUTPUT), "arguments: input should be of type str"),
        (items(USER, REASON, OUTPUT), "without the item that followed"),
        (items(USER, {**REASON, "encrypted_content": "0"}, CALLED, OUTPUT), "could not be verified"),
        (items(USER, {"type": "web_search_call"}), "not taken here"),
        (items({"role": "user", "content": [{"type": "output_text", "text": "x"}]}), "content[0].type"),
        (items(USER, MODEL), "end with a turn of the user"),
        (items(), "end with a turn of the user"),
        (changed(RESPONSES, tools=[{"type": "function", "function": {"name": "a"}}]), "tools[0].function: extra"),
        (changed(RESPONSES, tools=[{**RESPONSES["tools"][0], "strict": True}]), "additionalProperties"),
        (changed(RESPONSES, tool_choice="any"), "tool_choice"),
        (changed(RESPONSES, tool_choice="auto", tools=...), "only allowed when tools"),
        (changed(RESPONSES, text={"format": {"type": "json_schema", "schema": CLOSED}}), "text.format.name"),
        (changed(RESPONSES, text={"format": {"type": "json_schema", "name": "x", "schema": OPEN, "strict": True}}),
         "additionalProperties"),
    ],
)  # fmt: skip
def test_responses_refuses(server, body, says):
    status, made = post(server, "/v1/responses", body)
    assert (status, made["error"]["type"]) == (400, "invalid_request_error")
    assert says in made["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        changed(RESPONSES, input="Where?"),
        items({"role": "developer", "content": "x"}, USER),
        items(USER, REASON, CALLED, OUTPUT),
        items(USER, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, USER),
        changed(RESPONSES, temperature=0.5, store=False, parallel_tool_calls=False, include=[]),
        changed(RESPONSES, text={"format": {"type": "json_schema", "name": "x", "schema": CLOSED, "strict": True}}),
    ],
)
def test_responses_takes(server, body):
    assert post(server, "/v1/responses", body)[0] == 200


def chat(*turns, **values):
    return changed(CHAT, messages=list(turns), **values)


ASKS = {
    "role": "assistant",
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "l", "arguments": ""}}],
}
TOLD = {"role": "tool", "tool_call_id": "c", "content": "x"}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (changed(CHAT, model=...), "model: field required"),
        (changed(CHAT, input=[]), "input: extra inputs"),
        (changed(CHAT, n=2), "one choice"),
        (chat(USER, ASKS), "calls without a result: c"),
        (chat(USER, ASKS, USER), "calls without a result: c"),
        (chat(USER, TOLD), "no open call"),
        (chat(USER, {"role": "assistant"}, USER), "content is required"),
        (chat(USER, {**MODEL, "tool_calls": []}, USER), "must not be empty"),
        (chat(USER, {"role": "function", "content": "x"}), "messages[1].role"),
        (chat({"role": "user"}), "content: field required"),
        (changed(CHAT, tools=[{"type": "function", "name": "look"}]), "function: field required"),
        (changed(CHAT, response_format={"type": "json_schema", "json_schema": {"schema": CLOSED}}), "name"),
    ],
)
def test_chat_refuses(server, body, says):
    status, made = post(server, "/v1/chat/completions", body)
    assert (status, made["error"]["type"]) == (400, "invalid_request_error")
    assert says in made["error"]["message"]


@pytest.mark.parametrize(
    "body",
    [
        chat(USER, ASKS, TOLD),
        chat(USER, ASKS, TOLD, MODEL, USER),
        changed(CHAT, max_completion_tokens=5, temperature=1, seed=3, parallel_tool_calls=False),
        changed(CHAT, response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": CLOSED}}),
    ],
)
def test_chat_takes(server, body):
    assert post(server, "/v1/chat/completions", body)[0] == 200


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    ("body", "says"),
    [(b"{", "no JSON"), (b"[]", "must be a JSON object"), (b'{"a":' * 50_000, "nested too deep"), (b"\xff", "no JSON")],
)
def test_bodies_that_are_none(server, path, body, says):
    status, made = post(server, path, body)
    assert status == 400
    assert says in made["error"]["message"]


FULL = {
    "/v1/messages": messages(
        USER,
        of_model(THOUGHT, TEXT, USE),
        of_user({**DONE, "content": [TEXT], "is_error": True}, {**TEXT, **MARK}),
        system=[{**TEXT, **MARK}],
        tools=[{"name": "a", "input_schema": CLOSED, "strict": True}],
        tool_choice={"type": "any"},
        output_config={"effort": "high", "format": {"type": "json_schema", "schema": CLOSED}},
    ),
    "/v1/responses": items(
        {"role": "developer", "content": [{"type": "input_text", "text": "x"}]},
        USER,
        REASON,
        CALLED,
        OUTPUT,
        tools=[{**RESPONSES["tools"][0], "parameters": CLOSED, "strict": True}],
        tool_choice="required",
        max_output_tokens=20,
        text={"format": {"type": "json_schema", "name": "x", "schema": CLOSED, "strict": True}},
    ),
    "/v1/chat/completions": chat(
        {"role": "system", "content": [{"type": "text", "text": "x"}]},
        USER,
        ASKS,
        TOLD,
        tool_choice={"type": "function"},
        max_completion_tokens=20,
        response_format={"type": "json_schema", "json_schema": {"name": "x", "schema": CLOSED, "strict": True}},
    ),
}
"""Requests with everything in them."""

ODD = st.sampled_from(
    [None, True, 0, -1, 1.5, "", "x", "\ud800", [], [[]], [None], {}, {"type": "x"}, {"type": {}}, [1, "x"]]
)


def places(value, at=()):
    """Every place in a JSON value."""
    yield at
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from places(part, (*at, name))


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.data())
def test_whatever_is_sent_is_answered(data):
    """Anything in the place of anything: an answer or a refusal, never a failure of the server."""
    path = data.draw(st.sampled_from(sorted(FULL)))
    body = copy.deepcopy(FULL[path])
    assert post(FakeServer(ScriptedModel(SCRIPT)), path, body)[0] == 200
    for _ in range(data.draw(st.integers(1, 2))):
        *way, last = data.draw(st.sampled_from([place for place in places(body) if place]))
        inner = body
        for name in way:
            inner = inner[name]
        if data.draw(st.booleans()):
            inner[last] = copy.deepcopy(data.draw(ODD))
        else:
            del inner[last]
    status, made = post(FakeServer(HeuristicModel()), path, body)
    assert status in (200, 400)
    assert made


@pytest.mark.parametrize("path", BODIES)
def test_a_key_is_asked_for(path):
    server = FakeServer(ScriptedModel(SCRIPT), key="sk-right")
    version = {"anthropic-version": "x"}
    for headers, wanted in (
        ({}, 401),
        ({"x-api-key": "sk-wrong"}, 401),
        ({"x-api-key": "sk-right"}, 200),
        ({"authorization": "Bearer sk-right"}, 200),
        ({"authorization": "Bearer "}, 401),
    ):
        status, made = post(server, path, BODIES[path], headers | version)
        assert status == wanted
        assert "sk-right" not in str(made)
    assert server.calls == 2


def test_messages_wants_a_version_of_its_protocol(server):
    status, made = post(server, "/v1/messages", MESSAGES, {"x-api-key": "any"})
    assert status == 400
    assert "anthropic-version" in made["error"]["message"]


@pytest.mark.parametrize("path", BODIES)
def test_names_of_models_that_do_not_exist(path):
    server = FakeServer(ScriptedModel(SCRIPT), names=("other",))
    assert post(server, path, BODIES[path])[0] == 404
    assert post(server, path, {**BODIES[path], "model": "other"})[0] == 200


def test_paths_that_do_not_exist(server):
    assert post(server, "/v1/embeddings", {})[0] == 404
    assert server.answer(Heard("GET", "/v1/messages", HEADERS, b"")).status == 404


def test_models_are_listed():
    with FakeServer(ScriptedModel(SCRIPT), names=("one", "two")) as server:
        with anthropic.Anthropic(base_url=server.url, api_key="any") as client:
            assert [model.id for model in client.models.list(extra_headers={})] == ["one", "two"]
        with openai.OpenAI(base_url=server.v1, api_key="any") as client:
            assert [model.id for model in client.models.list()] == ["one", "two"]


def test_a_model_that_fails_is_told_of(server):
    server.model = FunctionModel(lambda request: 1 / 0)
    status, made = post(server, "/v1/messages", MESSAGES)
    assert status == 500
    assert "ZeroDivisionError" in made["error"]["message"]


# Tokens.


def usage(server, path, body):
    status, made = post(server, path, body)
    assert status == 200, made
    return made["usage"]


def test_a_token_is_four_characters(server):
    plain = changed(MESSAGES, tools=..., system="x" * 40, messages=[{"role": "user", "content": "y" * 40}])
    told = usage(server, "/v1/messages", plain)
    assert told["input_tokens"] == 20
    said = "Let me see." + "Where is it?" + "look" + str(LOOK.arguments)
    assert told["output_tokens"] == -(-len(said) // 4)
    assert usage(server, "/v1/messages", changed(plain, system="x" * 41))["input_tokens"] == 21
    with_tools = usage(server, "/v1/messages", {**plain, "tools": MESSAGES["tools"]})["input_tokens"]
    assert with_tools > 20 + len(json.dumps(SCHEMA)) // 4


LONG = "x" * 8_000


def marked(text, *turns):
    system = [{"type": "text", "text": text, "cache_control": {"type": "ephemeral"}}]
    return messages(USER, *turns, system=system)


def test_what_repeats_is_read_from_a_cache_where_it_is_asked_for(server):
    first = usage(server, "/v1/messages", marked(LONG))
    second = usage(server, "/v1/messages", marked(LONG, MODEL, USER))
    third = usage(server, "/v1/messages", marked(LONG, MODEL, USER))
    other = usage(server, "/v1/messages", marked("y" + LONG))
    unmarked = usage(server, "/v1/messages", messages(USER, system=LONG))
    parts = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    total = sum(first[part] for part in parts)
    assert [first[part] for part in parts] == [0, 0, total]
    assert [second[part] for part in parts][:2] == [0, total]
    assert second["cache_creation_input_tokens"] == 3  # hello, twice
    assert [third[part] for part in parts][2] == 0
    assert other["cache_read_input_tokens"] == 0
    assert [unmarked[part] for part in parts] == [total, 0, 0]


def test_openais_cache_needs_no_asking(server):
    first = usage(server, "/v1/responses", changed(RESPONSES, instructions=LONG))
    again = usage(server, "/v1/responses", changed(RESPONSES, instructions=LONG))
    assert first["input_tokens_details"]["cached_tokens"] == 0
    assert again["input_tokens"] == again["input_tokens_details"]["cached_tokens"] == first["input_tokens"]
    chatted = [usage(server, "/v1/chat/completions", chat({"role": "system", "content": LONG}, USER)) for _ in "12"]
    assert chatted[1]["prompt_tokens_details"]["cached_tokens"] == chatted[0]["prompt_tokens"]


def test_short_prompts_are_not_cached(server):
    usage(server, "/v1/responses", RESPONSES)
    assert usage(server, "/v1/responses", RESPONSES)["input_tokens_details"]["cached_tokens"] == 0


def test_the_server_keeps_the_sum(server):
    told = [usage(server, "/v1/messages", marked(LONG)) for _ in range(3)]
    assert server.calls == 3
    assert server.tokens.output == sum(each["output_tokens"] for each in told)
    assert server.tokens.cache_read == sum(each["cache_read_input_tokens"] for each in told)
    assert server.tokens.cache_write == sum(each["cache_creation_input_tokens"] for each in told)


@pytest.mark.parametrize("path", BODIES)
def test_tools_that_come_again_are_read_once_and_others_anew(path):
    """The tools of a body are recognised by their text: others, and text that looks like them, are not confused."""
    heard = []
    server = FakeServer(FunctionModel(lambda request: heard.append(request) or Answer("Yes.")))
    body = copy.deepcopy(BODIES[path])
    text = json.dumps(body["tools"])
    other = json.loads(text.replace("Look.", "Look!"))
    talk = body["input"] if path == "/v1/responses" else body["messages"]
    for tools in (body["tools"], body["tools"], other, body["tools"], None):
        talk[-1]["content"] = f'"tools": {text} {json.dumps(text)}'
        post(server, path, {**body, "tools": tools})
    assert [len(request.tools) for request in heard] == [1, 1, 1, 1, 0]
    assert heard[0].tools is heard[1].tools is heard[3].tools
    assert [tool.description for request in heard for tool in request.tools] == ["Look.", "Look.", "Look!", "Look."]
    assert all(text in request.turns[0].text for request in heard)


@pytest.mark.parametrize("path", BODIES)
def test_more_than_max_tokens_is_cut_off(path):
    server = FakeServer(ScriptedModel([Answer("x" * 1_000)]))
    name = {"/v1/messages": "max_tokens", "/v1/responses": "max_output_tokens"}.get(path, "max_completion_tokens")
    _, made = post(server, path, {**BODIES[path], name: 20})
    assert "x" * 80 in str(made)
    assert "x" * 81 not in str(made)
    assert ("max_tokens" in str(made)) or ("max_output_tokens" in str(made)) or ("'length'" in str(made))


@pytest.mark.parametrize("path", BODIES)
def test_a_prompt_over_the_context_is_refused(path):
    server = FakeServer(ScriptedModel(SCRIPT), context=20)
    status, made = post(server, path, BODIES[path])
    assert status == 400
    assert "prompt is too long" in made["error"]["message"]


# A server as servers go.


def send(server, *parts):
    """All that comes back for some bytes, until the server closes or has nothing more to say."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as sock:
        for part in parts:
            sock.sendall(part)
        sock.shutdown(socket.SHUT_WR)
        back = b""
        while data := sock.recv(65_536):
            back += data
        return back


def http(body, path="/v1/messages"):
    data = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nX-Api-Key: any\r\nanthropic-version: x\r\nContent-Length: {len(data)}\r\n\r\n"
    return head.encode() + data


def test_requests_may_come_in_pieces_and_one_after_another(running):
    whole = http(MESSAGES)
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    back = send(running, *pieces, whole + whole, whole)
    assert back.count(b"HTTP/1.1 200") == 4


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", b"411"),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: -1\r\n\r\n", b"411"),
        (b"POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n", b"413"),
        (b"x" * (MAX_HEAD + 1), b"431"),
    ],
)
def test_what_is_no_request_is_told_so(running, data, status):
    back = send(running, data)
    assert back.startswith(b"HTTP/1.1 " + status)


def test_it_listens_on_this_machine_alone(running):
    sockets = running._server.sockets
    assert {sock.getsockname()[0] for sock in sockets} == {"127.0.0.1"}


def test_answers_do_not_wait_to_be_gathered(running):
    with socket.create_connection(("127.0.0.1", running.port)) as client:
        client.sendall(http(MESSAGES))
        client.recv(10)
        (connection,) = running._opened.values()
        inner = connection.transport.get_extra_info("socket")
        assert inner.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_many_at_a_time_wait_side_by_side():
    """As many answers as there are callers are under way at once: none is given before all have asked."""
    count = 50

    async def go():
        async with FakeServer(ScriptedModel(SCRIPT), latency=0.5) as server:
            loop, asked = asyncio.get_running_loop(), []
            real = server.answer
            server.answer = lambda heard: asked.append(loop.time()) or real(heard)

            async def one():
                reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.write(http(MESSAGES))
                line = await reader.readline()
                answered = loop.time()
                writer.close()
                await writer.wait_closed()
                return line, answered

            done = await asyncio.gather(*[one() for _ in range(count)])
            return asked, done

    asked, done = asyncio.run(go())
    assert {line for line, _ in done} == {b"HTTP/1.1 200 OK\r\n"}
    assert max(asked) < min(answered for _, answered in done)


def test_a_port_that_is_taken_is_named(running):
    before = threading.active_count()
    with pytest.raises(UsageError, match=f"port {running.port}"), FakeServer(ScriptedModel(SCRIPT), port=running.port):
        pass
    assert threading.active_count() == before


def test_it_can_be_stopped_with_connections_open_and_calls_under_way():
    with FakeServer(ScriptedModel(SCRIPT), [Fault("hang", times=None)]) as server:
        sock = socket.create_connection(("127.0.0.1", server.port), timeout=5)
        sock.sendall(http(MESSAGES))
        while not server.plan.met:
            pass
    with sock, contextlib.suppress(ConnectionResetError):
        assert sock.recv(10) == b""
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", server.port))


def test_it_can_be_started_again_on_its_port():
    server = FakeServer(ScriptedModel(SCRIPT))
    ports = set()
    for _ in range(3):
        with server:
            ports.add(server.port)
            assert send(server, http(MESSAGES)).startswith(b"HTTP/1.1 200")
    assert len(ports) == 1
    assert server.calls == 3


def test_what_was_asked_can_be_looked_at(running):
    send(running, http(MESSAGES))
    path, headers, body = running.seen[-1]
    assert (path, headers["anthropic-version"], body["model"]) == ("/v1/messages", "x", "m")
    assert len(running.seen) <= 10


# Models and faults.


def ask(text, tools=()):
    return Request("", (User(text),), tools)


def test_scripts_go_by_what_is_asked():
    model = ScriptedModel({"Åsa": [Answer("one")], "": [Answer("two")]})
    assert [model.reply(ask(text)).text for text in ("Where is Åsa?", "And Bo?")] == ["one", "two"]
    assert ScriptedModel({"Åsa": [Answer("one")]}).reply(ask("And Bo?")).text == "I have no script for this."


def test_a_script_is_read_from_json():
    model = read_script(
        '[{"text": "a", "calls": [{"name": "look", "arguments": {"x": 1}}]}, {"calls": [{"name": "y"}]}]'
    )
    assert model.scripts[""][0] == Answer("a", (Call("", "look", {"x": 1}),))
    assert model.scripts[""][1] == Answer("", (Call("", "y", {}),))
    assert set(read_script('{"a": [{}], "b": [{"text": "x"}]}').scripts) == {"a", "b"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "no JSON"),
        ("3", "list of answers"),
        ("[]", "at least one"),
        ('{"a": {}}', r"script\['a'\] must be a list"),
        ('[{"txt": "a"}]', r"script\[0\] must be an object with text"),
        ('[{"text": 3}]', "text must be a text"),
        ('[{}, {"calls": [{"arguments": {}}]}]', r"script\[1\]: a call is"),
        ('[{"calls": [{"name": "a", "arguments": 3}]}]', "arguments must be"),
    ],
)
def test_scripts_that_are_none_are_told_of(text, says):
    with pytest.raises(UsageError, match=says):
        read_script(text)


def test_faults_go_by_episode_call_and_number():
    plan = Plan([Fault("empty", "Bo", 0, 2), Fault("nan", 2, None, None), Fault("reset", None, 0, 1)])
    picked = [plan.pick(ask(text)) for text in ("Ann", "Bo", "Bo", "Bo", "Cy", "Cy", "Ann")]
    assert [fault and fault.kind for fault in picked] == ["reset", "empty", "empty", None, "nan", "nan", None]
    assert plan.met == {"reset": 1, "empty": 2, "nan": 2}


def test_a_fault_that_does_not_exist_is_met_with_a_near_one():
    with pytest.raises(UsageError, match="did you mean 'rate_limited'"):
        Fault("rate_limitd")


@pytest.mark.parametrize(
    ("word", "fault"),
    [
        ("reset", Fault("reset")),
        ("reset@2", Fault("reset", call=2)),
        ("reset@2x3", Fault("reset", call=2, times=3)),
        ("reset@*x*", Fault("reset", call=None, times=None)),
    ],
)
def test_faults_are_read_from_words(word, fault):
    assert read_fault(word) == fault


@pytest.mark.parametrize("word", ["reset@", "rest@1", "reset@one", "reset@1xtwo", ""])
def test_words_that_are_no_faults(word):
    if word == "reset@":
        assert read_fault(word) == Fault("reset")
        return
    with pytest.raises(UsageError):
        read_fault(word)


CLIENTS = {"messages": ClaudeClient, "responses": OpenAIResponsesClient, "chat": OpenAIChatClient}


@pytest.mark.parametrize("mode", ["tools", "text"])
@pytest.mark.parametrize("api", CLIENTS)
def test_the_rules_do_through_a_model_what_they_do_alone(api, mode, tmp_path):
    plan = {"tasks": ("create_new_opportunity", "quote_search"), "seed": 5}
    alone = BaselineHarness(HeuristicAgent(), tmp_path / "alone", plan).run()
    with FakeServer(HeuristicModel()) as server:
        settings = ModelSettings("rules", base_url=server.url if api == "messages" else server.v1)
        with LlmAgent(CLIENTS[api](settings), mode=mode) as agent:
            asked = BaselineHarness(agent, tmp_path / "asked", plan, "async", 8).run()
    assert len(asked.episodes) == len(alone.episodes) > 10
    for one, other in zip(alone.episodes, asked.episodes, strict=True):
        same = ("index", "request", "outcome", "reason", "diff", "verdict", "total")
        assert {name: one[name] for name in same} == {name: other[name] for name in same}
        assert [(step["tool"], step["arguments"]) for step in one["steps"]] == [
            (step["tool"], step["arguments"]) for step in other["steps"]
        ]
        assert other["slips"] == []
        assert other["calls"] == len(other["steps"])


def test_the_rules_say_so_when_they_are_lost():
    assert "by rules" in HeuristicModel().reply(ask("Tell me a story.")).text


def test_the_rules_answer_for_structure_without_claiming_anything():
    schema = {
        "type": "object",
        "properties": {
            "reason": {"type": "string"},
            "grade": {"enum": ["good", "bad"]},
            "gaps": {"type": "array", "items": {"$ref": "#/$defs/gap"}},
            "first": {"$ref": "#/$defs/gap"},
            "count": {"type": "integer", "minimum": 1},
            "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
            "sure": {"type": "boolean"},
        },
        "$defs": {"gap": {"type": "object", "properties": {"kind": {"const": "gap"}}}},
    }
    made = json.loads(HeuristicModel().reply(Request("", (User("x"),), schema=schema)).text)
    assert list(made) == list(schema["properties"])
    assert (made["grade"], made["gaps"], made["first"], made["count"]) == ("bad", [], {"kind": "gap"}, 1)
    assert (made["maybe"], made["sure"]) == (None, False)
    assert "rules" in made["reason"]
    assert least({"type": ["null", "string"]}) == made["reason"]


ROWS = '{"rows": [{"name": "Alder Mill", "amount": 400}]}'
FOUND = {"tool": "client_search", "arguments": {"name": "Alder"}, "refused": False, "result": ROWS}
REFUSED = {"tool": "create_quote", "arguments": {}, "refused": True, "result": '{"code": "not_found"}'}
MADE = {"table": "Note", "id": "n1", "before": None, "after": {"content": "Call back", "amount": 12}}


@pytest.mark.parametrize(
    ("calls", "changes", "reply", "grade"),
    [
        ((FOUND,), (MADE,), 'Done: I added the note "Call back".', "sound"),
        ((FOUND,), (MADE,), 'Done: I added the note "Call never".', "untrue"),
        ((FOUND,), (), 'Done: I added the note "Call back" to it.', "untrue"),
        ((FOUND,), (), "The amount is 400.00.", "sound"),
        ((FOUND,), (), "The amount is 4,000.", "untrue"),
        ((REFUSED,), (), "I could not do this: the CRM refused it.", "sound"),
        ((FOUND,), (), "I could not do this: the CRM refused it.", "lacking"),
        ((FOUND,), (), "Good day!", "lacking"),
    ],
)
def test_the_rules_judge_by_looking_things_up(calls, changes, reply, grade):
    """Over HTTP, as a judge of the product asks; the gate is for calibration to hold."""
    case = Case('Please add the note "Call back" for them.', "2026-01-05", calls, changes, reply)

    async def go():
        async with FakeServer(HeuristicModel()) as server:
            client = ClaudeClient(ModelSettings("rules", base_url=server.url))
            try:
                return await Judge(client).grade(case)
            finally:
                await client.aclose()

    opinion = asyncio.run(go())
    assert (opinion.grade, opinion.why) == (grade, None), opinion.reason


@pytest.mark.parametrize("name", TOOLS)
def test_the_rules_have_a_word_for_every_tool(name):
    said = words(Call("", name, {"answer": 3, "code": "not_found", "field": "id"}))
    assert (said == "") == (TOOLS[name].kind == "read")


def test_every_fault_leaves_something_to_answer():
    """In every protocol, with and without tools: an answer that is HTTP, and JSON where it says so."""
    for kind in KINDS:
        for path, body in BODIES.items():
            for sent in (body, changed(body, tools=...)):
                server = FakeServer(ScriptedModel(SCRIPT), [Fault(kind, value=50 if kind == "depth_bomb" else None)])
                server._nobody = socket.socket()
                with server._nobody as nobody:
                    nobody.bind(("127.0.0.1", 0))
                    response = server.answer(Heard("POST", path, HEADERS, json.dumps(sent).encode()))
                assert server.plan.met == {kind: 1}
                assert response.render().startswith(b"HTTP/1.1 ")
                if response.kind == "application/json" and response.text:
                    assert isinstance(json.loads(response.text), dict)


# The command.


def test_the_command_serves_until_it_is_told_to_stop():
    with (
        FakeServerProcess(names=["rules"], fault=["rate_limited_after"]) as server,
        anthropic.Anthropic(base_url=server.url, api_key="any", max_retries=0) as client,
    ):
        with pytest.raises(anthropic.RateLimitError) as caught:
            client.messages.create(**{**MESSAGES, "model": "rules"})
        assert caught.value.response.headers["retry-after"] == "7"
        said = client.messages.create(**{**MESSAGES, "model": "rules"}).content[0].text
    assert "by rules" in said


def test_the_command_says_what_it_served(capsys):
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    assert fake_server.run(fake_server.Args(port=0)) == 0
    told = capsys.readouterr().out
    assert "base_url for anthropic: http://127.0.0.1:" in told
    assert "0 replies; tokens: input 0" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"port": 70_000}, "port must be between"),
        ({"latency": -1.0}, "latency must be"),
        ({"fault": ("bogus",)}, "fault 'bogus' does not exist"),
        ({"script": "nowhere.json"}, "nowhere.json cannot be read"),
    ],
)
def test_the_command_says_what_will_not_do(arguments, says):
    with pytest.raises(UsageError, match=says):
        fake_server.run(fake_server.Args(**{"port": 0, **arguments}))


def test_a_process_that_does_not_start_says_why():
    with pytest.raises(UsageError, match=r"did not start(.|\n)*bogus"), FakeServerProcess(fault=["bogus"]):
        pass


def test_specs_are_what_was_sent(server):
    heard = []
    server.model = FunctionModel(lambda request: heard.append(request) or Answer("Yes."))
    for path, body in BODIES.items():
        post(server, path, body)
    for request in heard:
        assert request.tools == (ToolSpec("look", "Look.", SCHEMA),)
        assert (request.system, request.turns) == ("Be brief.", (User("Where is Åsa?"),))
