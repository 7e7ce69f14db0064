"""The text door: Gymnasium's contract for every registered id, and the promises of CrmEnv."""

import copy
import json
import pickle
import warnings
from itertools import pairwise

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import NameNotFound, ResetNeeded
from gymnasium.utils.env_checker import check_env

import crm_gym
from crm_gym import CODES, IDS, TOOL_NAMES, TOOLS, RewardConfig, TaskError, ToolCall, UsageError, load_suite
from crm_gym.registration import FORM_IDS, SLOTS_ID
from crm_gym.rewards import TERMS
from crm_gym.schema import TABLES
from crm_gym.spaces import ARGUMENTS_CHARS, CHARSET, NOT_CALLED, OK, REFUSED, REQUEST_CHARS, RESULT_CHARS
from crm_gym.strict_json import encode

EVERY_ID = pytest.mark.parametrize("env_id", IDS)


def make(env_id="CrmEnv-v0", **kwargs):
    """The bare environment."""
    return gym.make(env_id, disable_env_checker=True, **kwargs).unwrapped


def solution(env):
    return [{"tool": call.tool, "arguments": call.arguments} for call in env.task.solution]


def canonical(tool, arguments):
    return {"tool": TOOL_NAMES.index(tool), "arguments": encode(arguments)}


def plain(value):
    """Observations and infos in a form that == compares."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


def own_task(request="Please do nothing of note.", records=(), **more):
    """A task as a mapping: create the client called Wanted."""
    fields = {"name": "Wanted", "email": "wanted@w.example", "status": "Active"}
    return {
        "id": "OWN-001",
        "family": "create_new_client",
        "request": request,
        "world": {"today": "2025-10-30", "records": list(records)},
        "solution": [{"tool": "create_new_client", "arguments": fields}],
        "changes": [{"create": "Client", "fields": fields}],
        **more,
    }


def clients(count, padding="", **more):
    same = {"table": "Client", "status": "Active", **more}
    return [{**same, "key": f"k{n}", "name": f"C{n}{padding}", "email": f"c{n}@x.example"} for n in range(count)]


# Gymnasium's contract


@EVERY_ID
@pytest.mark.parametrize("bare", [True, False], ids=["unwrapped", "made"])
def test_check_env(env_id, bare, capsys):
    env = gym.make(env_id)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version")  # said of any wrapper
        check_env(env.unwrapped if bare else env)
    env.close()
    env.close()
    capsys.readouterr()


@EVERY_ID
def test_made_environments_stay_silent_and_take_every_kind_of_action(env_id):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        env = gym.make(env_id)
        env.reset(seed=1)
        (first, *_) = solution(env.unwrapped)
        observation, _, _, _, _ = env.step("not json")
        assert observation in env.observation_space
        observation, *_ = env.step(first)
        assert observation in env.observation_space


@EVERY_ID
def test_pickled_in_the_middle_an_episode_goes_on_alike(env_id):
    env = make(env_id)
    for seed in range(3):
        env.reset(seed=seed)
        env.step({"tool": "client_search", "arguments": {}})
        twin = pickle.loads(pickle.dumps(env))
        for action in [*solution(env), {"tool": "finish", "arguments": {}}]:
            if env._over:
                break
            assert plain(env.step(action)) == plain(twin.step(action))
            assert env.crm.state_hash() == twin.crm.state_hash()
        assert plain(env.reset()) == plain(twin.reset())


def test_a_deep_copy_goes_on_alike():
    env = make()
    env.reset(seed=5)
    twin = copy.deepcopy(env)
    for action in solution(env):
        assert plain(env.step(action)) == plain(twin.step(action))


@EVERY_ID
def test_spaces_are_equal_between_instances_and_do_not_change(env_id):
    one, two = make(env_id), make(env_id, ends_on="finish")
    assert one.observation_space == two.observation_space == crm_gym.CrmEnv().observation_space
    assert one.action_space == two.action_space
    space = one.observation_space
    one.reset(seed=0)
    assert one.observation_space is space


def test_two_episodes_interleaved_are_each_as_if_alone():
    for seed in range(0, 40, 2):
        alone = [play(make(), seed), play(make(), seed + 1)]
        envs = [make(), make()]
        together = [[plain(env.reset(seed=seed + n))] for n, env in enumerate(envs)]
        actions = [noisy(env) for env in envs]
        for turn in range(max(map(len, actions))):
            for env, todo, seen in zip(envs, actions, together, strict=True):
                if turn < len(todo) and not env._over:
                    seen.append(plain(env.step(todo[turn])))
        assert together == alone


def noisy(env):
    return [{"tool": "quote_prefixes"}, "nonsense", *solution(env), {"tool": "finish"}]


def play(env, seed):
    seen = [plain(env.reset(seed=seed))]
    for action in noisy(env):
        if not env._over:
            seen.append(plain(env.step(action)))
    return seen


def test_a_seed_fixes_the_episode_and_none_goes_on():
    env = make()
    first = [play(env, 3), plain(env.reset()), plain(env.reset())]
    again = [play(env, 3), plain(env.reset()), plain(env.reset())]
    assert first == again
    assert len({play(env, seed)[0][1]["task_id"] for seed in range(40)}) > 20


def test_what_is_handed_out_is_not_shared():
    env = make()
    observation, info = env.reset(seed=0)
    kept = plain((observation, info))
    observation["counts"][:] = 7
    info["verdict"]["progress"] = 1.0
    info["error"]["code"] = info["reward_terms"]["success"] = 9
    assert plain(env.reset(seed=0)) == list(kept)


@EVERY_ID
def test_specs_can_be_saved(env_id):
    env = gym.make(env_id, ends_on="finish", reward={"step": -0.01})
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.reward_config.step == -0.01
    assert again.unwrapped.ends_on == "finish"
    assert plain(again.reset(seed=4)) == plain(env.reset(seed=4))


KINDS = ("single", "declined", "workflow", "composition", "dialogue")
PLAYED = {
    "train": ("train", KINDS),
    "test": ("test", KINDS),
    "workflow": ("train", ("workflow", "composition")),
    "dialogue": ("train", ("dialogue",)),
}
"""The split and the kinds of families that the ids with generated tasks play."""


@EVERY_ID
def test_ids_play_what_their_names_say(env_id):
    env = make(env_id)
    word = env_id.removeprefix("CrmEnv-").removesuffix("-v0").lower()
    if IDS[env_id].get("suite") == "generated":
        split, kinds = PLAYED[word]
        env.reset(seed=0)
        for _ in range(12):
            env.reset()
            assert env.task.split == split
            assert env.task.tags[0] in kinds
        return
    tasks = env.sampler.tasks
    if word == "v0":
        assert len(tasks) == len(load_suite())
    elif word == "refusals":
        assert {task.polarity for task in tasks} == {"refused"}
    else:
        assert {task.intent for task in tasks} == {word}


def test_ids_are_registered_once():
    crm_gym.register_all()
    assert [env_id for env_id in gym.registry if env_id.startswith("CrmEnv")] == [*IDS, *FORM_IDS, SLOTS_ID]


def test_the_limit_of_forty_steps_is_time_limits():
    env = gym.make("CrmEnv-v0")
    env.reset(seed=0)
    ends = [env.step({"tool": "client_search"})[2:4] for _ in range(40)]
    assert ends == [(False, False)] * 39 + [(False, True)]


# Vector environments


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_make_vec_is_many_single_ones(mode):
    envs = crm_gym.make_vec("CrmEnv-v0", num_envs=2, vectorization_mode=mode)
    try:
        observations, infos = envs.reset(seed=[11, 12])
        singles = [gym.make("CrmEnv-v0") for _ in range(2)]
        firsts = [env.reset(seed=seed) for env, seed in zip(singles, (11, 12), strict=True)]
        tool = TOOL_NAMES.index("client_search")
        actions = {"tool": np.array([tool, tool]), "arguments": ('{"limit": 2}', "{")}
        after = envs.step(actions)
        for n, env in enumerate(singles):
            assert infos["task_id"][n] == firsts[n][1]["task_id"]
            own = env.step({"tool": np.int64(tool), "arguments": actions["arguments"][n]})
            for name in env.observation_space:
                assert plain(observations[name][n]) == plain(firsts[n][0][name])
                assert plain(after[0][name][n]) == plain(own[0][name])
            assert after[1][n] == own[1]
    finally:
        envs.close()


class Parrot(gym.Env):
    """Says the number of its step."""

    observation_space = gym.spaces.Text(max_length=8)
    action_space = gym.spaces.Discrete(2)
    said = 0

    def reset(self, *, seed=None, options=None):
        return "zero", {}

    def step(self, action):
        self.said += 1
        return f"no{self.said}", 0.0, False, False, {}


def test_text_in_shared_memory_is_still_broken_upstream():
    """Why make_vec turns shared memory off; when this fails, Gymnasium has mended it and make_vec need not.

    The parent reads the texts once, when the vector environment is made, and never again: no timing decides.
    """
    envs = gym.vector.AsyncVectorEnv([Parrot], shared_memory=True)
    try:
        seen = [envs.reset()[0], *(envs.step([0])[0] for _ in range(2))]
    finally:
        envs.close()
    assert seen != [("zero",), ("no1",), ("no2",)]
    assert len(set(seen)) == 1


def test_text_through_pipes_is_whole():
    envs = gym.vector.AsyncVectorEnv([Parrot], shared_memory=False)
    try:
        assert [envs.reset()[0], envs.step([0])[0], envs.step([0])[0]] == [("zero",), ("no1",), ("no2",)]
    finally:
        envs.close()


def test_async_text_does_not_go_stale():
    envs = crm_gym.make_vec("CrmEnv-v0", num_envs=1, vectorization_mode="async")
    try:
        envs.reset(seed=1)
        results = []
        for arguments in ('{"limit": 100}', "{", '{"limit": 100}'):
            action = {"tool": np.array([TOOL_NAMES.index("client_search")]), "arguments": (arguments,)}
            results.append(envs.step(action)[0]["result"][0])
        assert results[0] == results[2]
        assert json.loads(results[1])["code"] == "invalid_json"
    finally:
        envs.close()


# Wrong words


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("CrmEvn-v0", "CrmEnv"), ("CrmEnv-Oportunity-v0", "CrmEnv-Opportunity"), ("crmenv-v0", "CrmEnv")],
)
def test_a_wrong_id_meets_the_right_one(wrong, right):
    with pytest.raises(NameNotFound, match=right):
        gym.make(wrong)


@pytest.mark.parametrize(
    ("kwargs", "hint"),
    [
        ({"sweet": "golden"}, "suite"),
        ({"rewards": {}}, "'reward'"),
        ({"end_on": "finish"}, "'ends_on'"),
        ({"suite": "goldn"}, "'golden'"),
        ({"weights": "frequent"}, "'frequency'"),
        ({"refusals": "declin"}, "'decline'"),
        ({"ends_on": "sucess"}, "'success'"),
        ({"backend": "memory"}, "'memory:'"),
        ({"tasks": ["CNC-01"]}, "did you mean 'CNC-"),
        ({"tasks": ["create_client"]}, "'create_new_client'"),
        ({"tasks": "CNC-001"}, "list"),
        ({"tasks": []}, "nothing"),
        ({"reward": {"sucess": 1}}, "'success'"),
        ({"reward": {"success": "much"}}, "success"),
        ({"reward": {"success": float("nan")}}, "success"),
    ],
    ids=str,
)
def test_a_wrong_keyword_meets_the_right_one(kwargs, hint):
    with pytest.raises(UsageError, match=hint):
        crm_gym.CrmEnv(**kwargs)


def test_gym_make_passes_the_hint_on():
    with pytest.raises(UsageError, match="'ends_on'"):
        gym.make("CrmEnv-v0", end_on="finish")
    with pytest.raises(UsageError, match="'golden'"):
        gym.make("CrmEnv-v0", suite="goldn")


def test_an_unknown_render_mode_is_refused():
    with pytest.raises(UsageError, match="ansi") as caught:
        crm_gym.CrmEnv(render_mode="rgb_array")
    assert isinstance(caught.value, TypeError)  # what Stable-Baselines3 looks out for


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"taskid": "CNC-001"}, "'task_id'"),
        ({"task_id": "CNC-0001"}, "'CNC-001'"),
        ({"tool": "create_client"}, "'create_new_client'"),
        ({"tool": "finish"}, "not in this environment"),
        ({"task_id": "CNC-001", "tool": "create_new_client"}, "one option"),
        ({"task_id": None}, "not in this environment"),
    ],
    ids=str,
)
def test_a_wrong_option_meets_the_right_one(options, hint):
    with pytest.raises(UsageError, match=hint):
        make().reset(options=options)


@pytest.mark.parametrize("task", [{}, 3, None, {"id": "X"}, own_task(family="nonsense"), own_task(extra=1)], ids=str)
def test_a_malformed_task_is_refused(task):
    with pytest.raises(TaskError):
        make().reset(options={"task": task})


def test_a_refused_reset_leaves_the_episode_alone():
    env = make()
    env.reset(seed=0)
    task = env.task
    with pytest.raises(UsageError):
        env.reset(options={"task_id": "nope"})
    assert env.task is task
    env.step({"tool": "client_search"})


# Reset


def test_reset_by_task_id():
    env = make()
    for task_id in ("CNC-001", "UD-108", "MOP-112"):
        _, info = env.reset(options={"task_id": task_id})
        assert info["task_id"] == env.task.id == task_id


def test_reset_by_tool_draws_among_its_tasks():
    env = make()
    seen = {env.reset(seed=seed, options={"tool": "add_note"})[1]["task_id"] for seed in range(40)}
    assert len(seen) > 5
    assert seen <= {task.id for task in load_suite(tasks=["add_note"])}


def test_reset_with_a_whole_task():
    env = make()
    observation, info = env.reset(options={"task": own_task(records=clients(2))})
    assert observation["request"] == "Please do nothing of note."
    assert observation["counts"].tolist() == [2, 0, 0, 0, 0, 0, 0, 0]
    assert info["task_id"] == "OWN-001"
    _, reward, terminated, _, info = env.step(solution(env)[0])
    assert (reward, terminated, info["is_success"]) == (1.0, True, True)


def test_tasks_keyword_takes_ids_and_tools():
    env = make(tasks=["UD-001", "add_note"])
    assert {task.id for task in env.sampler.tasks} == {"UD-001"} | {t.id for t in load_suite(tasks=["add_note"])}


def test_frequency_follows_the_requests_of_the_team():
    env = make(weights="frequency")
    families = [env.reset(seed=0 if n == 0 else None)[1]["family"] for n in range(3_000)]
    total = sum(tool.requests for tool in TOOLS.values())
    for name in ("create_new_opportunity", "modify_opportunity", "upload_document", "create_quote"):
        assert families.count(name) / 3_000 == pytest.approx(TOOLS[name].requests / total, abs=0.03)


def test_reset_shows_nothing_called_yet():
    observation, info = make().reset(seed=0)
    assert observation["status"] == NOT_CALLED
    assert [observation[name] for name in ("tool", "arguments", "error_code", "result")] == [""] * 4
    assert observation["steps"] == 0
    assert info["is_success"] is False
    tools = json.loads(info["tools"])
    assert [tool["name"] for tool in tools] == list(TOOL_NAMES)
    assert "reference" not in info
    assert "tool_hints" not in info


def test_hints_and_reference_are_given_when_asked_for():
    env = make(include_tool_hints=True, expose_reference=True)
    _, info = env.reset(options={"task_id": "CNO-001"})
    assert json.loads(info["reference"]) == solution(env)
    assert "create_new_opportunity" in json.loads(info["tool_hints"])
    _, _, _, _, info = env.step({"tool": "client_search"})
    assert not {"reference", "tool_hints"} & info.keys()


# Steps


@pytest.mark.parametrize(
    "shape",
    [
        lambda tool, given: {"tool": tool, "arguments": given},
        lambda tool, given: {"tool": tool, "arguments": encode(given)},
        lambda tool, given: {"tool": TOOL_NAMES.index(tool), "arguments": given},
        lambda tool, given: {"tool": np.int64(TOOL_NAMES.index(tool)), "arguments": encode(given)},
        lambda tool, given: ToolCall(tool, given),
        lambda tool, given: encode({"tool": tool, "arguments": given}),
        lambda tool, given: json.dumps({"arguments": given, "tool": tool}, indent=2).encode(),
        canonical,
    ],
)
def test_every_way_to_say_it_is_the_same(shape):
    seen = []
    for form in (canonical, shape):
        env = make()
        env.reset(seed=0, options={"task_id": "CNO-001"})
        call = env.task.solution[0]
        seen.append((plain(env.step(form(call.tool, call.arguments))), env.crm.state_hash()))
    assert seen[0] == seen[1]
    assert seen[1][0][1] == 1.0


def test_an_action_without_arguments_has_none():
    env = make()
    env.reset(seed=0)
    for action in (
        {"tool": "quote_prefixes"},
        {"tool": "quote_prefixes", "arguments": ""},
        '{"tool":"quote_prefixes"}',
    ):
        assert env.step(action)[0]["status"] == OK


def step_code(action):
    env = make()
    env.reset(seed=0)
    before = env.crm.state_hash()
    observation, reward, terminated, _, info = env.step(action)
    assert (reward, terminated) == (0.0, False)
    assert env.crm.state_hash() == before
    if info["error"]["code"]:
        assert observation["status"] == REFUSED
        assert observation["error_code"] == info["error"]["code"]
        assert json.loads(observation["result"]) == info["error"]
        assert observation["result"].isascii()
    return info["error"]["code"], info["error"]["field"]


def nested(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ('{"name": "' + "x" * (65_536 - 12) + '"}', "text_too_long"),
        ('{"name": "' + "x" * (65_536 - 11) + '"}', "invalid_json"),
        ('{"name": "' + "\u00e9" * 33_000 + '"}', "invalid_json"),
        ('{"contacts": ' + nested(31) + "}", "wrong_type"),
        ('{"contacts": ' + nested(32) + "}", "invalid_json"),
        ('{"limit": ' + "9" * 18 + "}", "number_range"),
        ('{"limit": ' + "9" * 19 + "}", "invalid_json"),
        ('{"limit": -' + "9" * 18 + "}", "number_range"),
        ('{"limit": -' + "9" * 19 + "}", "invalid_json"),
        ('{"limit": NaN}', "invalid_json"),
        ('{"limit": Infinity}', "invalid_json"),
        ('{"limit": -Infinity}', "invalid_json"),
        ('{"limit": 1e999}', "invalid_json"),
        ('{"limit": 1, "limit": 1}', "invalid_json"),
        ('{"limit": {"a": 1, "a": 2}}', "invalid_json"),
        ('{"limit": 1', "invalid_json"),
        ("{'limit': 1}", "invalid_json"),
        ('{"limit": 1} {}', "invalid_json"),
        ("null", "wrong_type"),
        ("[]", "wrong_type"),
        ('"{}"', "wrong_type"),
        ("{}", ""),
        ("", ""),
        ('{"name": "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["}', ""),
        ('{"limit": 1e2}', ""),
    ],
    ids=lambda value: value[:30],
)
def test_limits_of_the_text(arguments, code):
    assert step_code({"tool": "company_search", "arguments": arguments})[0] == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"tool": "company_search", "arguments": {"limit": 1}}', ""),
        ('{"tool": "company_search", "arguments": "{\\"limit\\": 1}"}', ""),
        ('{"tool": 25, "arguments": {}}', ""),
        ('{"tool": "company_search", "arguments": {"limit": NaN}}', "invalid_json"),
        ('{"tool": "company_search", "tool": "company_search"}', "invalid_json"),
        ('{"tool": "company_search", "arguments": {"limit": ' + "9" * 19 + "}}", "invalid_json"),
        ('{"tool": "company_search", "arguments": {"name": ' + nested(30) + "}}", "wrong_type"),
        ('{"tool": "company_search", "arguments": {"name": ' + nested(31) + "}}", "invalid_json"),
        ('{"tool": "company_search", "arguments": {"name": "' + "x" * 65_500 + '"}}', "invalid_json"),
        ('{"tool": "company_search", "arguments": null}', "wrong_type"),
        ('{"tool": "company_search"', "invalid_json"),
    ],
    ids=lambda value: value[-30:],
)
def test_limits_of_a_whole_action_as_text(text, code):
    assert step_code(text)[0] == code


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"limit": float("nan")}, "invalid_json"),
        ({"limit": float("inf")}, "invalid_json"),
        ({"limit": 10**18 - 1}, "number_range"),
        ({"limit": 10**18}, "invalid_json"),
        ({"limit": 10**5000}, "invalid_json"),
        ({"name": "x" * 70_000}, "invalid_json"),
        ({"name": "\u00e9" * 40_000}, "invalid_json"),
        ({"name": [10**17] * 4_000}, "invalid_json"),
        ({"name": [0.123456789] * 7_000}, "invalid_json"),
        ({1: 2}, "invalid_json"),
        ({"name": {1}}, "invalid_json"),
        ({"name": object()}, "invalid_json"),
        (None, "wrong_type"),
        ([], "wrong_type"),
        (3, "wrong_type"),
        (np.array([1]), "invalid_json"),
        ({"limit": np.int64(3)}, ""),
        ({"limit": np.float64(3)}, ""),
        ({"name": np.str_("x")}, ""),
    ],
    ids=lambda value: str(type(value).__name__) if not isinstance(value, str) else value,
)
def test_limits_of_mappings_are_those_of_the_text(arguments, code):
    assert step_code({"tool": "company_search", "arguments": arguments})[0] == code


@pytest.mark.parametrize(
    ("action", "code", "field"),
    [
        (None, "wrong_type", "action"),
        (7, "wrong_type", "action"),
        ([], "wrong_type", "action"),
        (("client_search", {}), "wrong_type", "action"),
        ({}, "missing_field", "tool"),
        ({"arguments": {}}, "missing_field", "tool"),
        ({"tool": "client_search", "args": {}}, "unknown_field", "action"),
        ({"tool": "client_serch"}, "unknown_tool", "tool"),
        ({"tool": ""}, "unknown_tool", "tool"),
        ({"tool": -1}, "unknown_tool", "tool"),
        ({"tool": len(TOOL_NAMES)}, "unknown_tool", "tool"),
        ({"tool": 10**5000}, "unknown_tool", "tool"),
        ({"tool": True}, "wrong_type", "tool"),
        ({"tool": 1.0}, "wrong_type", "tool"),
        ({"tool": None}, "wrong_type", "tool"),
        ({"tool": [10**5000]}, "wrong_type", "tool"),
        ({"tool": np.array([1, 2])}, "wrong_type", "tool"),
        ("[]", "wrong_type", "action"),
        ("3", "wrong_type", "action"),
        ("", "invalid_json", "arguments"),
        (b"\xff", "invalid_json", "arguments"),
        (ToolCall("client_search", None), "wrong_type", "arguments"),
        (ToolCall("nonsense", {}), "unknown_tool", "tool"),
    ],
    ids=lambda value: repr(value)[:40] if not isinstance(value, dict) or "tool" not in value else None,
)
def test_malformed_actions_are_ordinary_outcomes(action, code, field):
    assert step_code(action) == (code, field)


def test_refusals_cost_nothing_but_a_step():
    env = make()
    env.reset(seed=0, options={"task_id": "CNO-101"})
    call = env.task.goal.call
    observation, reward, terminated, _, info = env.step({"tool": call.tool, "arguments": call.arguments})
    assert info["error"]["code"] == "enum_value" == observation["error_code"]
    assert (reward, terminated, observation["steps"]) == (0.0, False, 1)
    observation, *_ = env.step({"tool": "quote_prefixes"})
    assert (observation["status"], observation["error_code"]) == (OK, "")


def test_stepping_before_or_after_an_episode_says_so():
    for env in (make(), gym.make("CrmEnv-v0")):
        with pytest.raises(ResetNeeded):
            env.step({"tool": "finish"})
        env.reset(seed=0)
        assert env.step({"tool": "finish"})[2]
        with pytest.raises(ResetNeeded):
            env.step({"tool": "finish"})
        env.reset()
        env.step({"tool": "quote_prefixes"})


def test_there_is_no_task_before_the_first_reset():
    with pytest.raises(ResetNeeded):
        _ = make().task


# Ends, protocols, rewards


@pytest.mark.parametrize("task_id", ["CNO-001", "MOP-005", "CNC-103", "OS-001"])
def test_ends_on(task_id):
    known = {task.id: task for task in load_suite()}
    if task_id not in known:
        task_id = next(task.id for task in known.values() if task.solution[0].tool == "respond")
    for ends_on in ("success", "finish"):
        env = make(ends_on=ends_on)
        env.reset(seed=0, options={"task_id": task_id})
        for action in solution(env):
            _, reward, terminated, _, info = env.step(action)
        if not terminated:
            assert ends_on == "finish"
            assert (reward, info["is_success"]) == (0.0, False)
            assert info["verdict"]["success"]
            _, reward, terminated, _, info = env.step({"tool": "finish"})
        assert (reward, terminated, info["is_success"]) == (1.0, True, True)


def test_ends_on_finish_judges_the_end_not_the_way():
    env = make(ends_on="finish")
    env.reset(seed=0, options={"task_id": "CNO-001"})
    env.step(solution(env)[0])
    env.step(solution(env)[0])  # once too often
    _, reward, terminated, _, info = env.step({"tool": "finish"})
    assert (reward, terminated, info["is_success"]) == (0.0, True, False)
    assert info["verdict"]["unexpected"] == 1


@pytest.mark.parametrize("tool", ["respond", "decline", "finish"])
def test_the_agent_may_end_without_success(tool):
    given = {"respond": {"answer": "no"}, "decline": {"code": "blank", "field": "name"}, "finish": {}}[tool]
    env = make(reward={"failure": -1})
    env.reset(seed=0, options={"task_id": "CNO-001"})
    _, reward, terminated, truncated, info = env.step({"tool": tool, "arguments": given})
    assert (reward, terminated, truncated, info["is_success"]) == (-1.0, True, False, False)


def test_a_refused_end_does_not_end():
    env = make()
    env.reset(seed=0)
    _, _, terminated, _, info = env.step({"tool": "decline", "arguments": {"code": "nonsense"}})
    assert not terminated
    assert info["error"]["code"] == "enum_value"


@pytest.mark.parametrize("task_id", ["CNC-103", "CNO-101", "MOP-112", "UD-108"])
def test_refusals_by_both_protocols(task_id):
    env = make()
    env.reset(seed=0, options={"task_id": task_id})
    call, goal = env.task.goal.call, env.task.goal
    attempt = {"tool": call.tool, "arguments": call.arguments}
    assert env.step(attempt)[1:3] == (0.0, False)
    wrong = next(code for code in CODES if code != goal.code)
    for code, field, pays in ((goal.code, goal.field, 1.0), (wrong, goal.field, 0.0), (goal.code, "zzz", 0.0)):
        env.reset(seed=0, options={"task_id": task_id})
        assert env.step({"tool": "decline", "arguments": {"code": code, "field": field}})[1:3] == (pays, True)
    env = make(refusals="attempt")
    env.reset(seed=0, options={"task_id": task_id})
    assert env.step(attempt)[1:3] == (1.0, True)
    env.reset(seed=0, options={"task_id": task_id})
    assert env.step({"tool": "decline", "arguments": {"code": goal.code, "field": goal.field}})[1:3] == (0.0, True)


def test_reward_terms_add_up_and_are_named():
    weights = {"success": 2, "failure": -3, "progress": 0.5, "step": -0.1, "refused": -0.2}
    env = make(reward=weights)
    env.reset(seed=0, options={"task_id": "CNO-001"})
    _, reward, _, _, info = env.step("{")
    nothing = dict.fromkeys(TERMS, 0)
    assert info["reward_terms"] == nothing | {"step": -0.1, "refused": -0.2}
    assert reward == pytest.approx(-0.3)
    _, reward, _, _, info = env.step(solution(env)[0])
    assert info["reward_terms"] == nothing | {"success": 2, "progress": 0.5, "step": -0.1}
    assert reward == pytest.approx(sum(info["reward_terms"].values())) == pytest.approx(2.4)


def test_reward_takes_a_config_and_defaults_to_success_alone():
    assert crm_gym.CrmEnv().reward_config == RewardConfig(success=1, failure=0, progress=0, step=0, refused=0)
    assert crm_gym.CrmEnv(reward=RewardConfig(success=5)).reward_config.success == 5


def test_progress_telescopes():
    """Its sum over an episode is the last state's progress, whatever the way."""
    env = make(reward={"success": 0, "progress": 1}, ends_on="finish")
    for seed in range(60):
        env.reset(seed=seed)
        total = 0.0
        stray = {"name": "Stray", "email": "stray@s.example", "status": "Active"}
        for action in [{"tool": "create_new_client", "arguments": stray}, *solution(env), *solution(env)]:
            _, reward, over, _, info = env.step(action)
            total += reward
            assert total == pytest.approx(info["verdict"]["progress"])
            if over:
                break
        else:
            _, reward, _, _, info = env.step({"tool": "finish"})
            assert total + reward == pytest.approx(info["verdict"]["progress"])
        assert info["is_success"] is False


def test_progress_goes_up_and_down_with_the_state():
    env = make(reward={"progress": 1}, ends_on="finish")
    task = next(task for task in load_suite() if task.family == "create_quote" and task.polarity == "accepted")
    env.reset(seed=0, options={"task_id": task.id})
    _, up, *_ = env.step(solution(env)[0])
    made = env.crm.journal.changes[-1].id
    _, down, *_ = env.step({"tool": "delete_quote", "arguments": {"quote_id": made}})
    assert (up, down) == (1.0, -1.0)


# Observations and infos


def test_counts_follow_the_state():
    env = make()
    before = env.reset(seed=0, options={"task_id": "CNO-001"})[0]["counts"]
    after = env.step(solution(env)[0])[0]["counts"]
    assert (after - before).tolist() == [int(table == "Opportunity") for table in TABLES]
    assert after.dtype == np.int64


def test_long_results_are_cut_with_a_marker_and_can_be_paged_through():
    env = make()
    env.reset(
        options={
            "task": own_task(records=clients(250, "x" * 150, address="y" * 200, phone="z" * 200, industry="i" * 200))
        }
    )
    observation, *_ = env.step({"tool": "client_search", "arguments": {"limit": 100}})
    assert len(observation["result"]) == RESULT_CHARS
    assert observation["result"].endswith('ask for less"')
    assert "CUT" in observation["result"]
    assert observation in env.observation_space
    names = []
    for offset in range(0, 250, 20):
        observation, *_ = env.step({"tool": "client_search", "arguments": {"offset": offset}})
        page = json.loads(observation["result"])
        assert page["total"] == 250
        names += [row["name"] for row in page["rows"]]
    assert [name.rstrip("x") for name in names] == [f"C{n}" for n in range(250)]


def test_long_arguments_are_cut():
    env = make()
    env.reset(seed=0)
    observation, *_ = env.step({"tool": "client_search", "arguments": {"name": "x" * 4_000, "owner": "y" * 4_000}})
    assert len(observation["arguments"]) == ARGUMENTS_CHARS
    assert observation in env.observation_space


@pytest.mark.parametrize("char", ["a", "\u00e9", "\u4e2d", "\U0001f600", "\n", "\x7f", "\u2028", "\ud83d"], ids=ascii)
def test_any_request_of_4000_characters_is_inside_the_space(char):
    env = make()
    request = "a" + char * 3_998 + "a"
    observation, _ = env.reset(options={"task": own_task(request=request)})
    assert observation in env.observation_space
    assert len(observation["request"]) <= REQUEST_CHARS
    assert set(observation["request"]) <= set(CHARSET)


def test_other_alphabets_arrive_as_ascii():
    env = make()
    records = [
        {"table": "Client", "name": "Zo\u00eb \u4e2d\u6587 \U0001f600", "email": "z@z.example", "status": "Active"}
    ]
    observation, _ = env.reset(options={"task": own_task(request="Zo\u00eb", records=records)})
    assert observation["request"] == "Zo\\u00eb"
    observation, *_ = env.step({"tool": "client_search", "arguments": {"name": "ZO\u00cb"}})
    assert observation["result"].isascii()
    assert json.loads(observation["result"])["rows"][0]["name"] == records[0]["name"]


def size(info):
    return len(encode(plain(info)))


def test_info_is_small_and_does_not_grow():
    env = make()
    env.reset(seed=0, options={"task_id": "CNO-001"})
    sizes, keys = [], set()
    for number in range(300):
        values = {"name": f"N{number}", "email": f"n{number}@n.example", "status": "Active"}
        *_, info = env.step({"tool": "create_new_client", "arguments": values})
        sizes.append(size(info))
        keys.add(tuple(info))
    assert len(keys) == 1
    assert max(sizes) - min(sizes) < 40  # digits of the counts
    assert max(sizes) < 1_000


@pytest.mark.parametrize(
    "action",
    [
        '{"tool": "finish", "arguments": {"' + "k" * 30_000 + '": 1, "' + "k" * 30_000 + '": 2}}',
        {"tool": "n" * 60_000},
        {"tool": "finish", "arguments": {"n" * 60_000: 1}},
        {"t" * 60_000: "finish", "tool": "finish"},
        {"tool": "view_opportunity_details", "arguments": {"opportunity_id": "i" * 60_000}},
        {"tool": "create_new_client", "arguments": {"name": "n", "email": "e" * 60_000, "status": "s" * 60_000}},
        {"tool": "decline", "arguments": {"code": "c" * 4_000}},
    ],
    ids=range(7),
)
def test_info_stays_small_whatever_was_sent(action):
    env = make()
    env.reset(seed=0)
    *_, info = env.step(action)
    assert info["error"]["code"]
    assert size(info) < 2_000


def test_an_episode_without_end_keeps_no_past():
    """What an env holds of its steps may not grow with their number."""
    env = make(ends_on="finish")
    env.reset(seed=0)
    sizes = []
    for _ in range(3):
        for _ in range(200):
            env.step({"tool": "client_search"})
        sizes.append(len(pickle.dumps(env)))
    assert max(sizes) - min(sizes) < 100


# Rendering


def test_render_shows_request_calls_changes_and_verdict():
    env = make(render_mode="ansi")
    env.reset(seed=0, options={"task_id": "CNO-001"})
    assert env.task.request in env.render()
    assert "nothing has changed" in env.render()
    env.step("{")
    env.step(solution(env)[0])
    text = env.render()
    assert "invalid_json" in text
    assert "create_new_opportunity" in text
    assert "+ Opportunity" in text
    assert "success" in text.splitlines()[-1]
    assert "\x1b[32m" in text


def test_render_is_none_without_a_mode_and_prints_in_human(capsys):
    env = make()
    env.reset(seed=0)
    assert env.render() is None
    assert capsys.readouterr().out == ""
    env = make(render_mode="human")
    env.reset(seed=0)
    assert env.task.request in capsys.readouterr().out
    env.step({"tool": "client_search"})
    assert "client_search" in capsys.readouterr().out
    assert env.render() is None


def test_render_sends_no_control_characters_to_the_terminal():
    evil = "\x1b[2J\x07\u202e"
    env = make(render_mode="ansi")
    task = own_task(id=f"OWN{evil}", request=f"Please{evil}", records=clients(1))
    env.reset(options={"task": task})
    (client,) = env.crm.find("Client")
    env.step({"tool": "modify_client", "arguments": {"id": client.client_id, "updates": {"owner": "\u202eO"}}})
    env.step({"tool": "client_search", "arguments": {"name": evil, evil: 1}})
    env.step({"tool": evil})
    text = env.render()
    assert "\x1b[2J" not in text
    assert "\x07" not in text
    assert "\u202e" not in text


def test_step_and_reset_types():
    env = make()
    observation, info = env.reset(seed=np.int64(3).item())
    assert type(observation) is dict
    assert type(info) is dict
    _, reward, terminated, truncated, _ = env.step({"tool": "finish"})
    assert [type(value) for value in (reward, terminated, truncated)] == [float, bool, bool]


def test_pairs_of_resets_draw_new_ids():
    env = make(tasks=["CNO-001"])
    env.reset(seed=0)
    made = []
    for _ in range(4):
        env.step(solution(env)[0])
        made.append(env.crm.journal.changes[-1].id)
        env.reset()
    assert all(one != other for one, other in pairwise(made))
