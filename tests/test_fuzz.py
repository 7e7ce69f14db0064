"""Whatever an agent sends: a value or a ToolError comes back, a refused call changes nothing, nothing pays."""

import json
import math
import random

import gymnasium as gym
import numpy as np
import pytest
from furnished import arguments, furnished
from nasty import BROKEN_JSON, EXOTIC, JSONISH, TEXTS

from crm_gym import CODES, TOOL_NAMES, TOOLS, ToolCall, ToolError, ToolResult, load_suite
from crm_gym.strict_json import NotStrict, encode, parse
from crm_gym.tools import call

ANY = (*JSONISH, *EXOTIC)
NAMES = tuple({name for tool in TOOLS.values() for name in tool.arguments.model_fields})
CALLS, EPISODES = 20_000, 2_000


def corrupted(rng, given, values):
    """The arguments with up to two faults: a nasty value, one missing, one too many."""
    for _ in range(rng.randrange(3)):
        target = given
        inner = given.get("updates")
        if type(inner) is dict and rng.random() < 0.6:
            target = inner
        kind = rng.random()
        if target and kind < 0.75:
            target[rng.choice(list(target))] = rng.choice(values)
        elif target and kind < 0.85:
            del target[rng.choice(list(target))]
        else:
            target[rng.choice((*NAMES, "nonsense", "", "\x00", "Name", "name "))] = rng.choice(values)
    return given


def shown(value):
    """A value for a failure's message; survives what repr does not."""
    try:
        text = repr(value)
    except (ValueError, RecursionError) as fault:
        text = f"<{type(value).__name__} whose repr fails: {type(fault).__name__}>"
    return text if len(text) < 2000 else text[:2000] + "..."


def play_calls(seed, count):
    rng = random.Random(seed)
    crm = furnished()
    start = crm.state_hash()
    worked = 0
    for number in range(count):
        name = rng.choice(TOOL_NAMES)
        request = ToolCall(name, corrupted(rng, arguments(name), ANY if number % 4 == 0 else JSONISH))
        where = f"call {number} of seed {seed}: {name} {shown(request.arguments)}"
        try:
            result = call(crm, request)
        except Exception as fault:
            pytest.fail(f"{where}\nraised {type(fault).__name__}: {fault}")
        assert isinstance(result, ToolResult), where
        if result.error is None:
            worked += 1
            encode(result.value)
            crm.undo(0)
        else:
            assert isinstance(result.error, ToolError), where
            assert result.error.code in CODES, where
            assert result.error.message, where
            assert len(result.error.message) < 1000, where
            assert result.value is None, where
        assert not crm.journal.net, where
        assert crm.state_hash() == start, where
    assert crm.recomputed_hash() == start
    return worked


def test_every_call_is_answered_or_refused():
    worked = play_calls(20251030, CALLS)
    assert CALLS / 4 < worked < 3 * CALLS / 4, "the fuzz must meet both sides of the law"


def loose_arguments(rng):
    """Arguments in the many shapes an agent may find for them; never a plausible answer or refusal."""
    name = rng.choice(TOOL_NAMES)
    given = corrupted(rng, arguments(name), ANY)
    if name == "decline":
        given["field"] = "nowhere"  # a right guess would rightly be paid
    shape = rng.random()
    if shape < 0.5:
        return name, given
    if shape < 0.8:
        try:
            return name, encode(given)
        except (TypeError, ValueError, RecursionError):
            return name, given
    return name, rng.choice((*BROKEN_JSON, *ANY))


def action(rng):
    """Anything at all."""
    kind = rng.random()
    if kind < 0.08:
        return rng.choice(ANY)
    if kind < 0.16:
        return rng.choice(BROKEN_JSON)
    name, given = loose_arguments(rng)
    tool = rng.choice((name, name, TOOL_NAMES.index(name), np.int64(TOOL_NAMES.index(name))))
    if kind < 0.22:
        tool = rng.choice((*ANY, "create_opportunity", len(TOOL_NAMES), -1, 2**40))
    if kind < 0.27:
        return ToolCall(tool, given)
    made = {"tool": tool, "arguments": given}
    if kind < 0.32:
        made[rng.choice(("extra", 1, None, ("tool",), "Tool", (10**5000,), "\ud800"))] = rng.choice(ANY)
    if kind < 0.36:
        del made[rng.choice(("tool", "arguments"))]
    if kind < 0.44:
        try:
            return encode(made)
        except (TypeError, ValueError, RecursionError):
            return made
    return made


def configs():
    """Ways to make the environment. An empty call may be the very attempt a task asks for: such tasks stay out."""
    wordy = [task.id for task in load_suite("refusals") if task.goal.call.arguments]
    return (
        {},
        {"refusals": "attempt", "suite": "refusals", "tasks": wordy},
        {"ends_on": "finish", "include_tool_hints": True},
        {"refusals": "attempt", "suite": "refusals", "tasks": wordy, "ends_on": "finish", "render_mode": "ansi"},
    )


def play_episodes(seed, count):
    rng = random.Random(seed)
    envs = [gym.make("CrmEnv-v0", disable_env_checker=True, **config).unwrapped for config in configs()]
    for env in envs:
        env.reset(seed=seed)
    ended = 0
    for number in range(count):
        env = envs[number % len(envs)]
        observation, _ = env.reset()
        assert observation in env.observation_space, f"episode {number} of seed {seed}: {env.task.id}"
        for step in range(10):
            sent = action(rng)
            where = f"episode {number}, step {step} of seed {seed}, {env.task.id}: {shown(sent)}"
            before = env.crm.state_hash()
            try:
                observation, reward, terminated, truncated, info = env.step(sent)
            except Exception as fault:
                pytest.fail(f"{where}\nraised {type(fault).__name__}: {fault}")
            assert reward == 0.0, where
            assert not info["is_success"], where
            assert not truncated, where
            assert observation in env.observation_space, where
            if info["error"]["code"]:
                assert info["error"]["code"] in CODES, where
                assert env.crm.state_hash() == before, where
                assert len(info["error"]["message"]) < 1000, where
            if step == 5:
                env.render()
            if terminated:
                ended += 1
                break
        assert env.crm.state_hash() == env.crm.recomputed_hash(), where
    return ended


def test_every_action_is_survived_and_none_is_paid():
    assert play_episodes(7, EPISODES) > EPISODES / 20


def strictly(text):
    """What a text says by the slow and plain way; None if it is no strict JSON within the limits."""

    def pairs(found):
        if len(dict(found)) != len(found):
            raise ValueError("twice")
        return dict(found)

    def whole(digits):
        if len(digits.lstrip("-")) > 18:
            raise ValueError("long")
        return int(digits)

    def real(digits):
        if not math.isfinite(float(digits)):
            raise ValueError("huge")
        return float(digits)

    def levels(value):
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
        return 0 if inner is None else 1 + max(map(levels, inner), default=0)

    try:
        if len(text.encode("utf-8", "surrogatepass")) > 65_536:
            return None
        made = json.loads(text, object_pairs_hook=pairs, parse_int=whole, parse_float=real, parse_constant=whole)
    except (ValueError, RecursionError):
        return None
    return (made,) if levels(made) <= 32 else None


def edited(rng, text):
    """The text with up to three small accidents."""
    for _ in range(rng.randrange(4)):
        place = rng.randrange(len(text) + 1)
        some = rng.choice('{}[]",:\\ \t\n\x00\x7f0123456789eE.+-naif\u00e9\ud800\ufeff')
        text = text[:place] + rng.choice(("", some, some * 20)) + text[place + rng.randrange(2) :]
    return text


def test_every_text_is_read_as_the_plain_way_reads_it():
    """The reader has short cuts; none may take what the limits forbid, or read it otherwise."""
    rng = random.Random(11)
    texts = [text for text in (*BROKEN_JSON, *TEXTS) if len(text) < 70_000]
    for name in TOOL_NAMES:
        texts.append(json.dumps(arguments(name)))
        texts.append(json.dumps({"tool": name, "arguments": arguments(name)}, ensure_ascii=False))
    texts += ['{"a": 1.50, "b": -0, "c": -0.0, "d": 1e2, "e": 0.1}', '{"a:b": "c:d", "e": [1, {"f": null}]}']
    taken = 0
    for number in range(CALLS):
        text = edited(rng, texts[number % len(texts)])
        try:
            read = (parse(text),)
            taken += 1
        except NotStrict:
            read = None
        assert repr(read) == repr(strictly(text)), ascii(text[:2_000])
    assert CALLS / 10 < taken < CALLS * 9 / 10


@pytest.mark.slow
def test_a_million_calls():
    for seed in range(50):
        play_calls(seed, 20_000)


@pytest.mark.slow
def test_fifty_thousand_episodes():
    for seed in range(100, 125):
        play_episodes(seed, EPISODES)
