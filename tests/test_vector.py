"""The batched text door: equal to SyncVectorEnv transition by transition, and nobody's arrays but the caller's."""

import copy
import random
import time

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym import TOOL_NAMES, ToolCall, UsageError, load_suite
from crm_gym.errors import InfraError
from crm_gym.infos import merged
from crm_gym.spaces import COUNT_HIGH
from crm_gym.strict_json import encode
from crm_gym.tools import outcome
from crm_gym.vector import CrmVectorEnv

LIMIT = 5
MODES = [mode.value for mode in AutoresetMode]
PAYS = {"success": 2.0, "failure": -1.0, "progress": 0.3, "step": -0.01, "refused": -0.1}
FLOW = {"suite": "generated", "families": ["workflow", "dialogue"], "records": 40, "reward": PAYS}
KEYWORDS = {
    "golden": {},
    "finish": {"ends_on": "finish", "include_tool_hints": True, "expose_reference": True, "reward": PAYS},
    "generated": FLOW,
    "refusals": {"suite": "refusals", "refusals": "attempt"},
}
CALLS = (
    ("client_search", '{"limit": 2}'),
    ("client_search", ""),
    ("opportunity_search", "{"),
    ("quote_details", '{"quote_id": "none"}'),
    ("create_new_client", '{"name": "N", "email": "n@n.example", "status": "Active"}'),
    ("ask_user", '{"about": "client"}'),
    ("respond", '{"answer": 3}'),
    ("decline", '{"code": "not_found", "field": "quote_id"}'),
    ("finish", "{}"),
)


@pytest.fixture(scope="module", autouse=True)
def env_id():
    """A registered id of the tests' own, with both ways in."""
    name = "VectorUnderTest-v0"
    gym.register(
        name,
        entry_point="crm_gym.env:CrmEnv",
        vector_entry_point="crm_gym.vector:CrmVectorEnv",
        max_episode_steps=LIMIT,
    )
    yield name
    del gym.registry[name]


def batched(env_id, size, mode="NextStep", **keywords):
    made = gym.make_vec(env_id, num_envs=size, vectorization_mode="vector_entry_point", autoreset_mode=mode, **keywords)
    assert type(made) is CrmVectorEnv
    return made


def synchronous(env_id, size, mode="NextStep", **keywords):
    how = {"autoreset_mode": mode}
    made = gym.make_vec(env_id, num_envs=size, vectorization_mode="sync", vector_kwargs=how, **keywords)
    assert type(made) is SyncVectorEnv
    return made


def assert_same(ours, theirs, path="it"):
    """Equal in structure, types, shapes and values."""
    assert type(ours) is type(theirs), path
    if isinstance(theirs, dict):
        assert set(ours) == set(theirs), path
        for name in theirs:
            assert_same(ours[name], theirs[name], f"{path}[{name!r}]")
    elif isinstance(theirs, tuple | list):
        assert len(ours) == len(theirs), path
        for place, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(one, other, f"{path}[{place}]")
    elif isinstance(theirs, np.ndarray):
        assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape), path
        if theirs.dtype == object:
            assert_same(ours.tolist(), theirs.tolist(), path)
        else:
            np.testing.assert_array_equal(ours, theirs, err_msg=path)
    else:
        assert ours == theirs, path


def number(tool):
    return TOOL_NAMES.index(tool)


def acted(rng, env, steps, share):
    """One canonical action: with that probability the solution's next call, else any of `CALLS`."""
    solution = env.unwrapped.task.solution
    if rng.random() < share:
        call = solution[min(steps, len(solution) - 1)]
        return number(call.tool), encode(call.arguments)
    tool, text = rng.choice(CALLS)
    return number(tool), text


def batch_of(rng, envs, steps, share):
    pairs = [acted(rng, env, int(steps[place]), share) for place, env in enumerate(envs.envs)]
    return {"tool": np.array([tool for tool, _ in pairs]), "arguments": tuple(text for _, text in pairs)}


def mask_of(rng, over, size):
    """Those that must be reset, and now and then others."""
    mask = over | np.array([rng.random() < 0.2 for _ in range(size)])
    return mask if mask.any() else np.ones(size, np.bool_)


# Equal to SyncVectorEnv


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("suite", "size"),
    [
        *(("golden", size) for size in (1, 2, 7)),
        *(("generated", size) for size in (1, 2, 7)),
        ("finish", 2),
        ("refusals", 7),
    ],
)
def test_every_transition_is_that_of_sync_vector_env(env_id, suite, size, mode):
    rng = random.Random(f"{suite} {size} {mode}")
    ours, theirs = (make(env_id, size, mode, **KEYWORDS[suite]) for make in (batched, synchronous))
    ended = 0
    for seed in (rng.randrange(1_000), [rng.choice([5, rng.randrange(2**31)]) for _ in range(size)]):
        assert_same(ours.reset(seed=seed), theirs.reset(seed=seed))
        steps = theirs.reset()[0]["steps"]  # an episode without a seed of its own
        assert_same(ours.reset()[0]["steps"], steps)
        for _ in range(12):
            actions = batch_of(rng, theirs, steps, 0.7)
            mine, other = ours.step(actions), theirs.step(copy.deepcopy(actions))
            assert_same(mine, other)
            steps, over = other[0]["steps"], other[2] | other[3]
            ended += int(over.sum())
            if rng.random() < 0.3 or (mode == "Disabled" and over.any()):
                mask = mask_of(rng, over, size)
                seeds = rng.choice([None, rng.randrange(99), [rng.choice([None, 3, 8]) for _ in range(size)]])
                again = theirs.reset(seed=seeds, options={"reset_mask": mask.copy()})
                assert_same(ours.reset(seed=seeds, options={"reset_mask": mask}), again)
                steps = again[0]["steps"]
    assert ended >= size  # both ends and limits were among them
    ours.close()
    theirs.close()


@pytest.mark.parametrize("mode", MODES)
def test_options_reach_every_environment(env_id, mode):
    ours, theirs = (make(env_id, 3, mode) for make in (batched, synchronous))
    for options in ({"tool": "create_quote"}, {"task_id": load_suite("golden")[7].id}):
        assert_same(ours.reset(seed=4, options=dict(options)), theirs.reset(seed=4, options=dict(options)))
    part = {"tool": "add_note", "reset_mask": np.array([True, False, True])}
    mine, other = ours.reset(options=dict(part)), theirs.reset(options=dict(part))
    assert_same(mine, other)
    assert mine[1]["_family"].tolist() == [True, False, True]


def test_the_limit_truncates_and_its_episode_may_succeed_too(env_id):
    envs = batched(env_id, 2, "SameStep", max_episode_steps=1)
    envs.reset(seed=0)
    call = envs.envs[0].task.solution[0]
    idle = {"tool": "client_search"}
    *_, ends, cuts, infos = envs.step([call, idle])
    assert ends.tolist() == [True, False]
    assert cuts.tolist() == [True, True]  # as TimeLimit has it
    assert infos["final_info"]["is_success"].tolist() == [True, False]


@pytest.mark.parametrize("limit", [None, -1])
def test_no_limit(limit):
    envs = CrmVectorEnv(1, max_episode_steps=limit)
    envs.reset(seed=0)
    assert not any(envs.step([{"tool": "client_search"}])[3].any() for _ in range(60))


def test_without_a_seed_every_environment_has_its_own(env_id):
    envs = batched(env_id, 8)
    ids = envs.reset()[1]["task_id"]
    assert len(set(ids)) > 1
    assert len(set(envs.np_random_seed)) == len({id(rng) for rng in envs.np_random}) == 8


def test_seeds_are_those_of_single_environments(env_id):
    envs = batched(env_id, 3)
    first = envs.reset(seed=np.int64(70))[1]["task_id"]
    assert envs.np_random_seed == (70, 71, 72)
    assert list(first) == [gym.make(env_id).reset(seed=seed)[1]["task_id"] for seed in (70, 71, 72)]


# Actions


def test_every_form_of_an_action_is_the_same(env_id):
    tool, arguments = "client_search", {"limit": 2}
    forms = {
        "array": {"tool": np.full(2, number(tool)), "arguments": (encode(arguments),) * 2},
        "lists": {"tool": [number(tool), tool], "arguments": [encode(arguments), arguments]},
        "calls": [ToolCall(tool, arguments), ToolCall(tool, arguments)],
        "texts": (encode({"tool": tool, "arguments": arguments}),) * 2,
        "mixed": np.array([ToolCall(tool, arguments), {"tool": tool, "arguments": arguments}], dtype=object),
    }
    came = []
    for actions in forms.values():
        envs = batched(env_id, 2)
        envs.reset(seed=1)
        came.append(envs.step(actions))
    assert came[0][0]["status"].tolist() == [1, 1]
    for other in came[1:]:
        assert_same(came[0][1:], other[1:])
        assert came[0][0]["result"] == other[0]["result"]


def test_samples_of_the_action_space_are_played(env_id):
    ours, theirs = (make(env_id, 3) for make in (batched, synchronous))
    assert ours.action_space == theirs.action_space
    assert ours.observation_space == theirs.observation_space
    assert ours.single_action_space == theirs.single_action_space
    assert ours.single_observation_space == theirs.single_observation_space
    ours.reset(seed=0), theirs.reset(seed=0)
    ours.action_space.seed(3)
    for _ in range(3):
        sample = ours.action_space.sample()
        assert len(set(sample["arguments"])) == 3
        mine = ours.step(sample)
        assert_same(mine, theirs.step(sample))
        assert ours.observation_space.contains(mine[0])


@pytest.mark.parametrize(
    ("actions", "word"),
    [
        ([{"tool": "finish"}], "actions must be one for each of the 2"),
        ({"tool": np.zeros(2, int), "arguments": ("{}",)}, "arguments must be one for each of the 2"),
        ({"tool": np.zeros(3, int), "arguments": ("{}",) * 2}, "tool must be one for each of the 2"),
        ({"tool": "finish", "arguments": {}}, "tool must be one for each"),
        ({"tool": [0, 0], "arguments": {"a": 1, "b": 2}}, "arguments must be one for each"),
        ({"tool": np.zeros(2, int)}, "has tool and arguments"),
        ('{"tool": "finish"}', "got str"),
        (None, "got NoneType"),
    ],
)
def test_what_is_no_batch_of_actions_is_refused_before_anything_is_played(env_id, actions, word):
    envs = batched(env_id, 2)
    envs.reset(seed=0)
    with pytest.raises(UsageError, match=word):
        envs.step(actions)
    assert envs.step([{"tool": "client_search"}] * 2)[0]["steps"].tolist() == [1, 1]


# What is handed out


def arrays_in(value):
    if isinstance(value, np.ndarray):
        yield value
        value = value.tolist() if value.dtype == object else ()
    if isinstance(value, dict | tuple | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from arrays_in(part)


def scribbled(value):
    """Spoil everything that can be."""
    if isinstance(value, dict):
        for part in list(value.values()):
            scribbled(part)
        value.clear()
    elif isinstance(value, tuple | list):
        for part in value:
            scribbled(part)
    elif isinstance(value, np.ndarray):
        if value.dtype == object:
            scribbled(value.tolist())
        value.fill(None if value.dtype == object else 1)


@pytest.mark.parametrize("mode", MODES)
def test_what_was_handed_out_is_the_callers(env_id, mode):
    spoiled, twin = (batched(env_id, 3, mode, statistics=True) for _ in range(2))
    rng, kept = random.Random(mode), []
    got, same = spoiled.reset(seed=9), twin.reset(seed=9)
    for _ in range(14):
        assert_same(without_seconds(got), without_seconds(same))
        found = list(arrays_in(got))
        assert len({id(array) for array in found}) == len(found)  # none stands in two places
        scribbled(got)
        kept.append((same, copy.deepcopy(same)))
        if mode == "Disabled" and (twin.terminations | twin.truncations).any():
            options = {"reset_mask": twin.terminations | twin.truncations}
            got, same = spoiled.reset(options=options), twin.reset(options=options)
            continue
        actions = batch_of(rng, twin, twin.lengths, 0.6)
        got, same = spoiled.step(copy.deepcopy(actions)), twin.step(actions)
    for value, then in kept:
        assert_same(value, then)


def without_seconds(outcome):
    infos = outcome[-1]
    if "episode" in infos:
        infos = {**infos, "episode": {name: infos["episode"][name] for name in "rl"}}
    return (*outcome[:-1], infos)


def test_options_and_masks_stay_the_callers(env_id):
    envs = batched(env_id, 2)
    envs.reset(seed=0)
    options = {"tool": "add_note", "reset_mask": np.array([False, True])}
    envs.reset(options=options)
    assert list(options) == ["tool", "reset_mask"]
    assert options["reset_mask"].tolist() == [False, True]


# Statistics


@pytest.mark.parametrize("mode", MODES)
def test_statistics_are_those_of_the_wrapper(env_id, mode):
    recorded = [RecordEpisodeStatistics(make(env_id, 4, mode, reward=PAYS)) for make in (batched, synchronous)]
    own = batched(env_id, 4, mode, reward=PAYS, statistics=True)
    rng, seen, began = random.Random(mode), 0, time.perf_counter()
    for envs in (*recorded, own):
        envs.reset(seed=2)
    for _ in range(25):
        actions = batch_of(rng, own, own.lengths, 0.5)
        first, second, third = (envs.step(actions) for envs in (*recorded, own))
        assert_same(without_seconds(first), without_seconds(second))
        assert_same(without_seconds(third), without_seconds(second))
        if "episode" in third[-1]:
            seen += int(third[-1]["_episode"].sum())
            assert_same(third[-1]["_episode"], third[2] | third[3])
            assert third[-1]["episode"]["t"].dtype == np.float64
            assert ((third[-1]["episode"]["t"] > 0) <= third[-1]["_episode"]).all()
            assert third[-1]["episode"]["t"].max() <= time.perf_counter() - began
        if mode == "Disabled" and (third[2] | third[3]).any():
            for envs in (*recorded, own):
                envs.reset()  # with a mask the wrapper forgets the statistics of all
    assert seen > 8
    assert recorded[0].episode_count == recorded[1].episode_count == seen


# The contract


def test_spec_and_metadata(env_id):
    envs = batched(env_id, 2, "SameStep", suite="refusals")
    assert envs.spec.id == env_id
    assert envs.spec.kwargs["suite"] == "refusals"
    assert envs.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert CrmVectorEnv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert envs.metadata == synchronous(env_id, 2, "SameStep").metadata
    assert envs.max_episode_steps == LIMIT
    again = gym.make_vec(gym.envs.registration.EnvSpec.from_json(envs.spec.to_json()))
    assert again.autoreset_mode is AutoresetMode.SAME_STEP
    assert_same(again.reset(seed=5), envs.reset(seed=5))


def test_default_way_in_is_the_batched_one(env_id):
    envs = gym.make_vec(env_id, num_envs=2)
    assert type(envs) is CrmVectorEnv
    assert envs.autoreset_mode is AutoresetMode.NEXT_STEP
    assert type(batched(env_id, 1, AutoresetMode.DISABLED)) is CrmVectorEnv


def test_closing_twice_and_rendering(env_id, capsys):
    envs, theirs = (make(env_id, 2, render_mode="ansi") for make in (batched, synchronous))
    envs.reset(seed=0), theirs.reset(seed=0)
    assert envs.render() == theirs.render()
    assert envs.render_mode == "ansi"
    envs.close()
    envs.close()
    assert envs.closed
    loud = batched(env_id, 2, render_mode="human")
    loud.reset(seed=0)
    assert loud.render() == (None, None)
    assert capsys.readouterr().out


def test_a_step_wants_a_reset(env_id):
    envs = batched(env_id, 2, "Disabled")
    idle = [{"tool": "client_search"}] * 2
    with pytest.raises(ResetNeeded):
        envs.step(idle)
    with pytest.raises(ResetNeeded, match="without reset_mask"):
        envs.reset(options={"reset_mask": np.array([True, False])})
    envs.reset(seed=0)
    envs.step([{"tool": "finish"}, idle[1]])
    with pytest.raises(ResetNeeded, match=r"those of \[0\]"):
        envs.step(idle)
    envs.reset(options={"reset_mask": np.array([True, False])})
    assert envs.step(idle)[0]["steps"].tolist() == [1, 2]


@pytest.mark.parametrize(
    ("keywords", "word"),
    [
        ({"num_envs": 0}, "num_envs"),
        ({"num_envs": True}, "num_envs"),
        ({"autoreset_mode": "SameStp"}, "did you mean 'SameStep'"),
        ({"max_episode_steps": 0}, "max_episode_steps"),
        ({"max_episode_steps": 2.5}, "max_episode_steps"),
        ({"statistics": 1}, "statistics"),
        ({"suit": "golden"}, "did you mean 'suite'"),
        ({"num_envs": np.True_}, "num_envs"),
        ({"num_env": 2}, "CrmVectorEnv has no keyword 'num_env'; did you mean 'num_envs'"),
        ({"statistic": True}, "did you mean 'statistics'"),
    ],
)
def test_wrong_keywords(keywords, word):
    with pytest.raises(UsageError, match=word):
        CrmVectorEnv(**{"num_envs": 2, **keywords})


@pytest.mark.parametrize(
    "arguments",
    [
        {"seed": [1]},
        {"seed": [1, 2, 3]},
        {"options": {"reset_mask": [True, False]}},
        {"options": {"reset_mask": np.array([True])}},
        {"options": {"reset_mask": np.array([1, 0])}},
        {"options": {"reset_mask": np.zeros(2, np.bool_)}},
        {"options": {"tol": "add_note"}},
    ],
)
def test_wrong_resets(env_id, arguments):
    envs = batched(env_id, 2)
    before = envs.reset(seed=0)[1]["task_id"]
    with pytest.raises(UsageError):
        envs.reset(**arguments)
    assert [env.task.id for env in envs.envs] == list(before)


NO_SEEDS = (
    [7, -1],
    [7, 1.5],
    [7, True],
    [7, "8"],
    -1,
    1.5,
    {1, 2},
    "77",
    b"77",
    True,
    np.array(1.5),
    np.array([7, -1]),
)


@pytest.mark.parametrize("seed", NO_SEEDS, ids=repr)
def test_a_reset_with_a_wrong_seed_resets_nothing(env_id, seed):
    envs, same = batched(env_id, 2), batched(env_id, 2)
    for each in (envs, same):
        each.reset(seed=0)
    with pytest.raises(UsageError, match="seed"):
        envs.reset(seed=seed)
    idle = [{"tool": "client_search"}] * 2
    assert_same(envs.step(idle), same.step(idle))
    assert envs.np_random_seed == (0, 1)


def test_seeds_may_be_of_any_whole_type(env_id):
    envs = batched(env_id, np.int64(2))
    for seeds in ((7, 9), [np.int64(7), np.uint8(9)], np.array([7, 9])):
        envs.reset(seed=seeds)
        assert envs.np_random_seed == (7, 9)
    envs.reset(seed=[None, 9])
    assert envs.np_random_seed[1] == 9


def test_environments_share_what_does_not_change():
    envs = CrmVectorEnv(50)
    envs.reset(seed=0, options={"tool": "create_quote"})
    first, *others = envs.envs
    for other in others:
        assert other.observation_space is first.observation_space
        assert other.action_space is first.action_space
        assert other.sampler.tasks is first.sampler.tasks
    texts = envs.observation_space["request"].spaces
    assert all(text is texts[0] for text in texts)  # with its tables a Text takes 10 kB
    assert envs.observation_space["steps"].nvec.tolist() == [COUNT_HIGH] * 50


def test_every_environment_has_a_database_of_its_own(env_id, pg_server):
    new = ToolCall("create_new_client", {"name": "N", "email": "n@n.example", "status": "Active"})
    came = []
    for backend in ("memory:", pg_server.dsn):
        envs = batched(env_id, 2, backend=backend)
        try:
            came.append([envs.reset(seed=3), envs.step([new, new]), envs.step([new, {"tool": "client_search"}])])
        finally:
            envs.close()
    assert_same(came[1], came[0])
    assert came[0][1][0]["status"].tolist() == [1, 1]


class Fragile:
    """A backend whose server fails at the third call."""

    def __init__(self):
        self.calls = 0

    def open(self, task, number):
        return task.world.crm.fork(number)

    def play(self, crm, name, arguments):
        self.calls += 1
        if self.calls == 3:
            raise InfraError("gone")
        return outcome(crm, name, arguments)


@pytest.mark.parametrize("mode", MODES)
def test_an_outage_ends_one_episode_as_in_sync_vector_env(env_id, mode):
    ours, theirs = (make(env_id, 3, mode) for make in (batched, synchronous))
    for envs in (ours, theirs):
        envs.envs[1].unwrapped._backend = Fragile()
        envs.reset(seed=0)
    actions = {"tool": np.full(3, number("client_search")), "arguments": ('{"limit": 1}',) * 3}
    for _ in range(3):
        mine, other = ours.step(actions), theirs.step(actions)
        assert_same(mine, other)
    assert mine[3].tolist() == [False, True, False]
    told = mine[4]["final_info"] if mode == "SameStep" else mine[4]
    assert told["infra_error"].tolist() == [None, "gone", None]


# Merging


NUMBERS = st.sampled_from([0.5, 1.0, 0.0])
VALUES = {
    "flag": st.booleans(),
    "count": st.integers(-3, 3),
    "share": NUMBERS,
    "small": st.sampled_from([np.float32(0.5), np.float32(2)]),
    "text": st.text(max_size=3),
    "list": st.lists(st.integers(0, 3), max_size=3),
    "none": st.none(),
    "row": st.lists(st.integers(0, 9), min_size=2, max_size=2).map(np.array),
    "truth": st.booleans().map(np.bool_),
}
FLAT = st.fixed_dictionaries({}, optional=VALUES)
INFO = st.fixed_dictionaries({}, optional={**VALUES, "inner": FLAT})


@settings(max_examples=150, deadline=None)
@given(st.lists(INFO, min_size=1, max_size=6), st.integers(0, 2))
def test_merging_by_columns_is_merging_one_by_one(infos, spare):
    size, places = len(infos) + spare, range(spare, len(infos) + spare)
    reference = VectorEnv()
    reference.num_envs, theirs = size, {}
    for place, info in zip(places, infos, strict=True):
        theirs = reference._add_info(theirs, info, place)
    assert_same(merged(size, places, infos), theirs)
