"""The policy sees nothing a deployed agent would not: canaries planted where only the judge may look."""

import itertools

import gymnasium as gym
import pytest
from test_env import plain

import crm_gym
from crm_gym.strict_json import encode

HIDDEN = "CANARY"
FIELDS = {"name": f"{HIDDEN} name", "email": "canary@hidden.example", "status": "Inactive", "owner": f"{HIDDEN} owner"}
WRONG = {"name": "Plain", "email": "plain@p.example", "status": "Active"}
RECORDS = [
    {"table": "Client", "key": f"{HIDDEN}-key", "name": "Old Mill", "email": "mill@old.example", "status": "Active"},
    {"table": "Opportunity", "name": "Oven", "client_id": f"@{HIDDEN}-key", "amount": 41.5, "stage": "Proposal"},
]
COMMON = {
    "id": "OWN-001",
    "request": "Do as agreed on the telephone.",
    "world": {"name": f"{HIDDEN} world", "today": "2025-10-30", "records": RECORDS},
    "tags": [f"{HIDDEN} tag"],
    "split": f"{HIDDEN} split",
}
TASKS = {
    "create": {
        **COMMON,
        "family": "create_new_client",
        "lookups": [{"tool": "client_search", "arguments": {"name": f"{HIDDEN} look"}}],
        "solution": [{"tool": "create_new_client", "arguments": FIELDS}],
        "changes": [{"create": "Client", "fields": FIELDS}],
    },
    "update": {
        **COMMON,
        "family": "modify_client",
        "solution": [{"tool": "modify_client", "arguments": {"id": f"@{HIDDEN}-key", "updates": {"owner": HIDDEN}}}],
        "changes": [{"update": f"@{HIDDEN}-key", "fields": {"owner": HIDDEN}, "free": ["phone"]}],
    },
    "refusal": {
        **COMMON,
        "family": "create_new_client",
        "refusal": {
            "code": "enum_value",
            "field": "status",
            "call": {"tool": "create_new_client", "arguments": {**FIELDS, "status": f"{HIDDEN} status"}},
        },
    },
}
FLAGS = {
    "include_tool_hints": (False, True),
    "ends_on": ("success", "finish"),
    "refusals": ("decline", "attempt"),
    "render_mode": (None, "ansi", "human"),
    "reward": ({}, {"progress": 1, "step": -0.1, "failure": -1, "refused": -1}),
}
COMBINATIONS = [dict(zip(FLAGS, values, strict=True)) for values in itertools.product(*FLAGS.values())]
PLAYS = {
    "wrong": [{"tool": "create_new_client", "arguments": WRONG}, {"tool": "finish"}],
    "malformed": ["{", None, {"tool": "create_client"}, {"tool": 99}, '{"tool": "finish", "arguments": [1]}', 3],
    "refused": [
        {"tool": "create_new_client", "arguments": {}},
        {"tool": "create_new_client", "arguments": {**WRONG, "status": "inactive"}},
        {"tool": "modify_client", "arguments": {"id": "x", "updates": {"owner": "y"}}},
        {"tool": "modify_client", "arguments": {"id": "x"}},
        {"tool": "decline", "arguments": {"code": "enum"}},
    ],
    "looks": [{"tool": name} for name in ("client_search", "opportunity_search", "summarize_opportunities")],
    "turned down": [{"tool": "decline", "arguments": {"code": "blank", "field": "name"}}],
    "answered": [{"tool": "respond", "arguments": {"answer": "Old Mill"}}],
}


def seen_by_the_policy(env, task, play):
    """Everything that comes out of the public side of an episode."""
    yield from (repr(env), str(env), repr(env.unwrapped), str(env.unwrapped), repr(env.spec))
    observation, info = env.reset(seed=0, options={"task": task})
    yield encode(plain([observation, info]))
    for action in play:
        observation, reward, terminated, truncated, info = env.step(action)
        yield encode(plain([observation, reward, info]))
        yield str(env.render())
        if terminated or truncated:
            break
    yield from (repr(env), str(env), repr(env.unwrapped), str(env.unwrapped))


@pytest.mark.parametrize("name", TASKS)
@pytest.mark.parametrize("play", PLAYS)
def test_canaries_stay_hidden(name, play, capsys):
    for flags in COMBINATIONS:
        env = gym.make("CrmEnv-v0", disable_env_checker=True, **flags)
        seen = "\n".join(seen_by_the_policy(env, TASKS[name], PLAYS[play])) + capsys.readouterr().out
        assert HIDDEN not in seen, flags
        assert "canary" not in seen, flags
        assert "hidden" not in seen.lower(), flags


def test_a_step_of_the_way_shows_no_more_of_it(capsys):
    """A solution of two calls: after the first, nothing of the second is to be seen."""
    second = {**FIELDS, "name": "Second"}
    first = {**WRONG, "name": "First"}
    calls = [{"tool": "create_new_client", "arguments": fields} for fields in (first, second)]
    task = {
        **COMMON,
        "family": "create_new_client",
        "solution": calls,
        "changes": [{"create": "Client", "fields": fields} for fields in (first, second)],
    }
    for flags in COMBINATIONS:
        env = gym.make("CrmEnv-v0", disable_env_checker=True, **flags)
        seen = "\n".join(seen_by_the_policy(env, task, calls[:1])) + capsys.readouterr().out
        assert "First" in seen
        assert "Second" not in seen
        assert "canary" not in seen.lower()


@pytest.mark.parametrize("name", TASKS)
def test_the_reference_is_shown_when_asked_for_and_only_at_reset(name):
    env = crm_gym.CrmEnv(expose_reference=True)
    observation, info = env.reset(seed=0, options={"task": TASKS[name]})
    assert "reference" in info
    if name != "refusal":
        assert HIDDEN in info["reference"]
    assert HIDDEN not in encode(plain(observation))
    _, _, _, _, info = env.step({"tool": "client_search"})
    assert HIDDEN not in encode(plain(info))


def test_complaints_of_reset_do_not_tell(capsys):
    env = crm_gym.CrmEnv(tasks=["CNC-001"])
    env.reset(seed=0)
    values = [str(value) for call in env.task.solution for value in call.arguments.values()]
    with pytest.raises(crm_gym.UsageError) as complaint:
        env.reset(options={"task_id": "CNC-00"})
    assert not [value for value in values if value in str(complaint.value)]


def texts(value):
    """Every text among the values, names of fields left out."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def test_golden_solutions_are_not_in_what_is_shown_first():
    """Beyond the request: no value of a solution may stand anywhere else in the first observation or info."""
    env = crm_gym.CrmEnv()
    for task in env.sampler.tasks:
        observation, info = env.reset(seed=0, options={"task_id": task.id})
        del info["tools"], info["task_id"], info["family"]
        del observation["request"], observation["today"]
        rest = "\n".join(texts([observation, info]))
        for call in task.solution:
            for value in call.arguments.values():
                if isinstance(value, str) and len(value) > 3:
                    assert value not in rest, task.id
