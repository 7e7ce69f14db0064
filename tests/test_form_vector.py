"""The batched form door: equal to SyncVectorEnv transition by transition, and its forms to `Desk` action by action."""

import copy
import pickle
import random

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from hypothesis import given, settings
from hypothesis import strategies as st
from test_vector import MODES, NO_SEEDS, Fragile, arrays_in, assert_same, mask_of, scribbled, without_seconds

import crm_gym
from crm_gym import CrmEnv, UsageError
from crm_gym.form import flat
from crm_gym.form.arrays import Arrays
from crm_gym.form.columns import FORM_COLUMNS, places
from crm_gym.form.desk import Desk
from crm_gym.form.desks import Desks
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.layout import MAX_PICKS, layout
from crm_gym.form.oracle import FormOracle
from crm_gym.form.sheet import Sheet
from crm_gym.form.told import Lender
from crm_gym.form.vector import FormVectorEnv
from crm_gym.vector import CrmVectorEnv

ID = "CrmEnvForm-v0"
PLAN = layout()
AT = places(FORM_COLUMNS)
LIMIT = 24
PAYS = {"success": 2.0, "failure": -1.0, "progress": 0.3, "collateral": 0.1, "filled": 0.2, "form": -0.01, "step": -0.1}
FADING = {**PAYS, "discount": 0.9, "kept": 0.0, "refused": -0.1}
MADE = {"suite": "generated", "records": 40}
KEYWORDS = {
    "golden": {},
    "finish": {"ends_on": "finish", "include_tool_hints": True, "expose_reference": True, "reward": {"form": -0.01}},
    "few": {"tools": ["client_search", "create_new_client", "respond"], "tasks": ["create_new_client"]},
    "refusals": {"suite": "refusals", "refusals": "attempt", "reward": PAYS},
    "single": {**MADE, "families": ["single"], "reward": {"filled": 0.5}},
    "workflow": {**MADE, "families": ["workflow"], "reward": FADING},
    "dialogue": {**MADE, "families": ["dialogue"], "reward": PAYS},
}


def batched(size, mode="NextStep", env_id=ID, **keywords):
    made = gym.make_vec(env_id, num_envs=size, vectorization_mode="vector_entry_point", autoreset_mode=mode, **keywords)
    assert type(made) is FormVectorEnv
    return made


def synchronous(size, mode="NextStep", env_id=ID, **keywords):
    how = {"autoreset_mode": mode}
    made = gym.make_vec(env_id, num_envs=size, vectorization_mode="sync", vector_kwargs=how, **keywords)
    assert type(made) is SyncVectorEnv
    return made


def both(size, mode, **keywords):
    return [make(size, mode, **keywords) for make in (batched, synchronous)]


def drawn(rng, mask, hurry=0.4):
    """A random action that the mask allows; where the form can be submitted, that often."""
    if mask[PLAN.submit] and rng.random() < hurry:
        return PLAN.submit
    return int(rng.choice(np.flatnonzero(mask).tolist()))


class Player:
    """One action for each environment: of the oracle in some episodes, at random in others, now and then any at all."""

    def __init__(self, rng, envs):
        self.rng, self.envs = rng, envs
        self.oracles = [FormOracle(env) for env in envs.envs]
        self.knows = [False] * len(self.oracles)

    def actions(self, observations):
        return np.array([self.action(place, observations) for place in range(len(self.oracles))])

    def action(self, place, observations):
        rng, line = self.rng, observations["form"][place]
        if not line[AT["moves"]]:
            self.knows[place] = rng.random() < 0.5
        if self.knows[place]:
            return self.oracles[place].predict({"form": line})[0]
        if rng.random() < 0.05:
            return rng.randrange(PLAN.size)
        return drawn(rng, self.envs.envs[place].unwrapped.action_masks())


def desk_of(desk):
    picks = [[pick._replace(before=0) for pick in picks] for picks in desk.picks]
    return desk.tool, desk.line, desk.pending, desk.states, desk.focus, picks


# Equal to SyncVectorEnv


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("suite", "size", "steps"),
    [
        *((suite, size, 60) for suite in ("golden", "workflow") for size in (1, 2)),
        ("golden", 7, 90),
        ("workflow", 7, 60),
        *((suite, 3, 50) for suite in ("single", "dialogue", "finish", "refusals", "few")),
    ],
)
def test_every_transition_is_that_of_sync_vector_env(suite, size, steps, mode):
    rng = random.Random(f"{suite} {size} {mode}")
    ours, theirs = both(size, mode, max_episode_steps=LIMIT, **KEYWORDS[suite])
    player, ended = Player(rng, theirs), 0
    for seed in (rng.randrange(1_000), [rng.choice([5, rng.randrange(2**31)]) for _ in range(size)]):
        mine, other = ours.reset(seed=seed), theirs.reset(seed=seed)
        assert_same(mine, other)
        for _ in range(steps):
            actions = player.actions(other[0])
            mine, other = ours.step(actions), theirs.step(actions.copy())
            assert_same(mine, other)
            assert_same(ours.action_masks(), mine[-1]["action_mask"].astype(np.bool_))
            for seat, env in zip(ours.envs, theirs.envs, strict=True):
                assert desk_of(seat.desk) == desk_of(env.unwrapped.desk)
            over = other[2] | other[3]
            ended += int(over.sum())
            if rng.random() < 0.1 or (mode == "Disabled" and over.any()):
                mask = mask_of(rng, over, size)
                seeds = rng.choice([None, rng.randrange(99), [rng.choice([None, 3, 8]) for _ in range(size)]])
                other = theirs.reset(seed=seeds, options={"reset_mask": mask.copy()})
                assert_same(ours.reset(seed=seeds, options={"reset_mask": mask}), other)
    assert ended >= size
    ours.close()
    theirs.close()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 5), st.sampled_from(MODES), st.sampled_from(sorted(KEYWORDS)))
def test_any_seed_size_mode_and_tasks(seed, size, mode, suite):
    ours, theirs = both(size, mode, max_episode_steps=7, **KEYWORDS[suite])
    player = Player(random.Random(seed), theirs)
    mine, other = ours.reset(seed=seed), theirs.reset(seed=seed)
    for _ in range(16):
        assert_same(mine, other)
        if mode == "Disabled" and len(other) > 2 and (other[2] | other[3]).any():
            options = {"reset_mask": other[2] | other[3]}
            mine, other = ours.reset(options=dict(options)), theirs.reset(options=dict(options))
        else:
            actions = player.actions(other[0])
            mine, other = ours.step(actions), theirs.step(actions)


@pytest.mark.parametrize("mode", MODES)
def test_options_reach_every_environment(mode):
    ours, theirs = both(3, mode)
    for options in ({"tool": "create_quote"}, {"task_id": crm_gym.load_suite("golden")[7].id}):
        assert_same(ours.reset(seed=4, options=dict(options)), theirs.reset(seed=4, options=dict(options)))
    part = {"tool": "add_note", "reset_mask": np.array([True, False, True])}
    mine = ours.reset(options=dict(part))
    assert_same(mine, theirs.reset(options=dict(part)))
    assert mine[1]["_action_mask"].tolist() == mine[1]["_family"].tolist() == [True, False, True]


@pytest.mark.parametrize("mode", MODES)
def test_an_outage_ends_one_episode_as_in_sync_vector_env(mode):
    ours, theirs = both(3, mode)
    for cores in (ours.crm_envs, [env.unwrapped.crm_env for env in theirs.envs]):
        cores[1]._backend = Fragile()
    assert_same(ours.reset(seed=0), theirs.reset(seed=0))
    search = crm_gym.TOOL_NAMES.index("client_search")
    for action in (search, PLAN.submit) * 3:
        mine = ours.step(np.full(3, action))
        assert_same(mine, theirs.step(np.full(3, action)))
    assert mine[3].tolist() == [False, True, False]
    told = mine[4]["final_info"] if mode == "SameStep" else mine[4]
    assert told["infra_error"].tolist() == [None, "gone", None]
    if mode == "NextStep":
        assert_same(ours.step(np.full(3, search)), theirs.step(np.full(3, search)))


def test_the_oracle_plays_in_a_batch():
    """What a batch shows is enough for the oracle: it solves what it solves alone."""
    envs = batched(16, "SameStep", max_episode_steps=None, **MADE, families=["single"])
    oracles = [FormOracle(seat) for seat in envs.envs]
    observation, _ = envs.reset(seed=1)
    ended = solved = 0
    for _ in range(60):
        actions = [oracle.predict({"form": line})[0] for oracle, line in zip(oracles, observation["form"], strict=True)]
        observation, _, ends, _, infos = envs.step(actions)
        if ends.any():
            ended += int(ends.sum())
            solved += int(infos["final_info"]["is_success"].sum())
    assert ended > 40
    assert solved > 0.9 * ended


# Equal to Desk


def opened(count, seed):
    """Arrays and sheets in the middle of episodes, and for each a desk of its own; nothing of the batch is in use."""
    env, rng = CrmFormEnv(), random.Random(seed)
    arrays = Arrays(count)
    sheets = [Sheet(arrays, index) for index in range(count)]
    for index, sheet in enumerate(sheets):
        env.reset(seed=seed + index)
        sheet.open(env.task)
        for name in rng.sample(("client_search", "quote_search", "opportunity_search", "summarize_opportunities"), 2):
            raw, error = crm_gym.tools.outcome(env.crm, name, {})
            assert error is None
            sheet.learn(name, {}, (raw, error))
    desks = Desks(arrays)
    for index in range(count):
        desks.close(index)
        desks.learn(index)
    desks.show()
    return arrays, sheets, desks


@pytest.mark.parametrize("hurry", [0.0, 0.5])
def test_many_forms_at_once_are_filled_as_one_alone(hurry):
    """The array form of the door is a view: at every step of thousands it has the reference's mask and state."""
    count, steps = 24, 160
    rng = random.Random(f"desks {hurry}")
    _, sheets, desks = opened(count, seed=rng.randrange(1_000))
    alone = [Desk(sheet) for sheet in sheets]
    lists = back = 0
    for step in range(steps):
        masks = np.array([desk.mask() for desk in alone])
        np.testing.assert_array_equal(desks.mask, masks, err_msg=f"step {step}")
        active = np.array([rng.random() < 0.9 for _ in range(count)])
        actions = np.array(
            [drawn(rng, mask, hurry) if rng.random() < 0.97 else rng.randrange(PLAN.size) for mask in masks]
        )
        calls = desks.act(actions, active if step % 2 else None)
        played = active if step % 2 else np.ones(count, np.bool_)
        played &= masks[np.arange(count), actions]
        assert calls == np.flatnonzero(played & (actions == PLAN.submit)).tolist()
        for index in np.flatnonzero(played).tolist():
            call, desk = alone[index].act(int(actions[index])), alone[index]
            assert (call is not None) == (index in calls)
            if call is not None:
                again = desks.desk(index, sheets[index])
                assert again.call() == call
                assert again.filled == desk.filled == flat.FILLED[desks.place[index]]
                desk.close()
                desks.close(index)
        desks.show()
        for index, desk in enumerate(alone):
            assert desk_of(desks.desk(index, sheets[index])) == desk_of(desk)
        lists += sum(len(picks) > 2 for desk in alone for picks in desk.picks)
        back += int((actions == PLAN.back).sum())
    assert lists > 5  # lists of several items were among them,
    assert back > 100  # and what was taken back


def test_a_list_takes_no_more_than_it_may():
    """Many values of one request, and a list that takes anything: the mask closes at the limit, and opens again."""
    arrays, sheets, desks = opened(1, seed=3)
    desk = Desk(sheets[0])
    respond, field = crm_gym.TOOL_NAMES.index("respond"), PLAN.fields.start
    for action in (respond, *[field, PLAN.go] * MAX_PICKS, PLAN.back, field, PLAN.go):
        np.testing.assert_array_equal(desks.mask[0], desk.mask())
        assert desks.mask[0, action] or action == respond
        desks.act(np.array([action]), None)
        if desk.mask()[action]:
            desk.act(action)
        desks.show()
        assert arrays.form[0, AT["picks"]] == (len(desk.picks[desk.line]) if desk.tool >= 0 else 0)
        assert desk_of(desks.desk(0, sheets[0])) == desk_of(desk)


# Actions


@pytest.mark.parametrize(
    ("actions", "word"),
    [
        ([1], "one whole number for each of the 2"),
        (1, "one whole number for each"),
        ([[1, 1]], "one whole number for each"),
        ([1.0, 2.0], "one whole number for each"),
        (["go", "submit"], "one whole number for each"),
        (None, "one whole number for each"),
        ([True, 3], "one whole number for each"),
        ([3, np.True_], "one whole number for each"),
        ([True, False], "one whole number for each"),
        ([[1], [2, 3]], "one whole number for each"),
        ([3, None], "one whole number for each"),
        ([3, np.array([3])], "one whole number for each"),
        (np.array([1, None]), "one whole number for each"),
        ([2**63, -1], f"there is no action {2**63}"),
        (np.array([2**63, 1], np.uint64), f"there is no action {2**63}"),
        ([0, PLAN.size], f"there is no action {PLAN.size}"),
        ([-1, 0], "there is no action -1"),
    ],
)
def test_what_is_no_batch_of_actions_is_refused_before_anything_is_played(actions, word):
    envs = batched(2)
    envs.reset(seed=0)
    with pytest.raises(UsageError, match=word):
        envs.step(actions)
    assert envs.step([0, 1])[0]["form"][:, AT["moves"]].tolist() == [1, 1]
    assert envs.step(np.array([PLAN.back] * 2, np.int32))[0]["form"][:, AT["tool"]].tolist() == [0, 0]


@pytest.mark.parametrize("mode", MODES)
def test_what_is_masked_out_raises_if_asked_to(mode):
    envs = batched(2, mode, masked_out="raise", max_episode_steps=2)
    envs.reset(seed=0)
    search = crm_gym.TOOL_NAMES.index("client_search")
    with pytest.raises(UsageError, match=rf"action {PLAN.submit} \(submit\) of environment 1 is masked out"):
        envs.step([search, PLAN.submit])
    observation = envs.step([search, search])[0]
    assert observation["form"][:, AT["moves"]].tolist() == [1, 1]
    envs.step([PLAN.back, PLAN.back])  # the limit
    if mode == "NextStep":
        envs.step([PLAN.submit] * 2)  # counts for nothing: the episodes are over


def test_samples_of_the_action_space_are_played():
    ours, theirs = both(3, "NextStep")
    assert ours.action_space == theirs.action_space
    assert ours.observation_space == theirs.observation_space
    assert ours.single_action_space == theirs.single_action_space
    assert ours.single_observation_space == theirs.single_observation_space
    ours.reset(seed=0), theirs.reset(seed=0)
    ours.action_space.seed(3)
    for _ in range(20):
        sample = ours.action_space.sample()
        mine = ours.step(sample)
        assert_same(mine, theirs.step(sample))
        assert ours.observation_space.contains(mine[0])


# What is handed out


@pytest.mark.parametrize("mode", MODES)
def test_what_was_handed_out_is_the_callers(mode):
    spoiled, twin = (batched(3, mode, statistics=True, max_episode_steps=9) for _ in range(2))
    rng, kept = random.Random(mode), []
    got, same = spoiled.reset(seed=9), twin.reset(seed=9)
    for _ in range(30):
        assert_same(without_seconds(got), without_seconds(same))
        found = list(arrays_in(got))
        assert not any(
            np.shares_memory(one, other) for place, one in enumerate(found) for other in found[:place] if one.size
        )
        scribbled(got)
        kept.append((same, copy.deepcopy(same)))
        if mode == "Disabled" and (twin.terminations | twin.truncations).any():
            options = {"reset_mask": twin.terminations | twin.truncations}
            got, same = spoiled.reset(options=options), twin.reset(options=options)
            continue
        masks = twin.action_masks()
        actions = [drawn(rng, mask) for mask in masks]
        masks[:] = False
        got, same = spoiled.step(actions), twin.step(actions)
    for value, then in kept:
        assert_same(value, then)


def test_memory_is_lent_again_only_if_nobody_holds_it():
    lender, source = Lender(), np.arange(6).reshape(2, 3)
    first = lender.copy("a", source)
    view = first[1:, ::-1]
    where = first.ctypes.data
    del first
    held = [lender.copy("a", source + number) for number in range(1, 6)]
    assert len({id(one) for one in held}) == 5
    assert view.tolist() == [[5, 4, 3]]
    assert [one[0, 0] for one in held] == [1, 2, 3, 4, 5]
    assert where not in {one.ctypes.data for one in held}
    places = {one.ctypes.data for one in held}
    del held
    again = [lender.copy("a", source) for _ in range(2)]
    assert {one.ctypes.data for one in again} <= places
    assert lender.copy("b", source).ctypes.data not in {one.ctypes.data for one in again}
    assert view.tolist() == [[5, 4, 3]]


# Statistics


@pytest.mark.parametrize("mode", MODES)
def test_statistics_are_those_of_the_wrapper(mode):
    ours, theirs = (RecordEpisodeStatistics(env) for env in both(4, mode, max_episode_steps=6, reward=PAYS))
    own = batched(4, mode, statistics=True, max_episode_steps=6, reward=PAYS)
    rng, seen = random.Random(mode), 0
    for envs in (ours, theirs, own):
        envs.reset(seed=2)
    for _ in range(25):
        actions = [drawn(rng, mask) for mask in own.action_masks()]
        first, second, third = (envs.step(actions) for envs in (ours, theirs, own))
        assert_same(without_seconds(first), without_seconds(second))
        assert_same(without_seconds(third), without_seconds(second))
        if "episode" in third[-1]:
            seen += int(third[-1]["_episode"].sum())
        if mode == "Disabled" and (third[2] | third[3]).any():
            for envs in (ours, theirs, own):
                envs.reset()  # with a mask the wrapper forgets the statistics of all
    assert seen > 8


# The contract


def test_spec_metadata_and_the_default_way_in():
    envs = batched(2, "SameStep", suite="refusals")
    assert envs.spec.id == ID
    assert envs.metadata == synchronous(2, "SameStep").metadata
    assert FormVectorEnv.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP
    assert envs.max_episode_steps == 400
    again = gym.make_vec(gym.envs.registration.EnvSpec.from_json(envs.spec.to_json()))
    assert again.autoreset_mode is AutoresetMode.SAME_STEP
    assert_same(again.reset(seed=5), envs.reset(seed=5))
    for env_id, kind in ((ID, FormVectorEnv), ("CrmEnv-v0", CrmVectorEnv)):
        assert type(gym.make_vec(env_id, num_envs=2)) is kind
        assert type(crm_gym.make_vec(env_id, num_envs=2)) is SyncVectorEnv
        assert type(crm_gym.make_vec(env_id, num_envs=2, vectorization_mode="vector_entry_point")) is kind


def test_seeds_are_those_of_single_environments():
    envs = batched(3)
    first = envs.reset(seed=np.int64(70))[1]["task_id"]
    assert envs.np_random_seed == (70, 71, 72)
    assert len({id(rng) for rng in envs.np_random}) == 3
    assert list(first) == [gym.make(ID).reset(seed=seed)[1]["task_id"] for seed in (70, 71, 72)]


def test_a_step_wants_a_reset():
    envs = batched(2, "Disabled", max_episode_steps=1)
    with pytest.raises(ResetNeeded):
        envs.step([0, 0])
    envs.reset(seed=0)
    envs.step([0, 0])
    with pytest.raises(ResetNeeded, match=r"those of \[0, 1\]"):
        envs.step([0, 0])


def test_closing_twice_and_rendering():
    ours, theirs = both(2, "NextStep", render_mode="ansi")
    ours.reset(seed=0), theirs.reset(seed=0)
    for action in (crm_gym.TOOL_NAMES.index("client_search"), PLAN.submit):
        ours.step([action] * 2), theirs.step([action] * 2)
    assert ours.render() == theirs.render()
    ours.close()
    ours.close()
    assert ours.closed


@pytest.mark.parametrize(
    ("keywords", "word"),
    [
        ({"num_envs": 0}, "num_envs"),
        ({"autoreset_mode": "SameStp"}, "did you mean 'SameStep'"),
        ({"suit": "golden"}, "did you mean 'suite'"),
        ({"masked_out": "rise"}, "did you mean 'raise'"),
        ({"num_envs": 2.0}, "num_envs"),
        ({"num_env": 2}, "FormVectorEnv has no keyword 'num_env'; did you mean 'num_envs'"),
        ({"autoreset": "SameStep"}, "did you mean 'autoreset_mode'"),
        ({"statistic": True}, "did you mean 'statistics'"),
        ({"max_episode_step": 3}, "did you mean 'max_episode_steps'"),
        ({"mask_out": 1}, "did you mean 'masked_out'"),
        ({"tool": ["finish"]}, "did you mean 'tools'"),
    ],
)
def test_wrong_keywords(keywords, word):
    with pytest.raises(UsageError, match=word):
        FormVectorEnv(**{"num_envs": 2, **keywords})


def test_whole_numbers_of_any_type_are_keywords_and_actions():
    envs, same = FormVectorEnv(np.int64(2), max_episode_steps=np.int32(3)), FormVectorEnv(2, 3)
    assert_same(envs.reset(seed=np.array([1, 2], np.uint8)), same.reset(seed=[1, 2]))
    assert type(envs.num_envs) is type(envs.max_episode_steps) is int
    assert_same(envs.step([np.int8(3), np.array(4)]), same.step([3, 4]))


@pytest.mark.parametrize("masked_out", ["ignore", "raise"])
@pytest.mark.parametrize("tools", [None, ["client_search", "finish"]])
def test_tools_are_offered_in_every_environment(masked_out, tools):
    envs, alone = FormVectorEnv(3, masked_out=masked_out, tools=tools), CrmFormEnv(tools=tools)
    envs.reset(seed=0), alone.reset(seed=0)
    for mask in envs.action_masks():
        assert mask[PLAN.tools].tolist() == alone.action_masks()[PLAN.tools].tolist()


@pytest.mark.parametrize("seed", NO_SEEDS, ids=repr)
def test_a_reset_with_a_wrong_seed_resets_nothing(seed):
    envs, same = batched(2), batched(2)
    for each in (envs, same):
        each.reset(seed=0)
    with pytest.raises(UsageError, match="seed"):
        envs.reset(seed=seed)
    assert_same(envs.step([0, 1]), same.step([0, 1]))
    assert envs.np_random_seed == (0, 1)


def test_seats_are_looked_into():
    envs = batched(3)
    envs.reset(seed=1)
    envs.step([2, 0, 1])
    seat = envs.envs[2]
    assert seat.unwrapped is seat
    assert isinstance(seat.crm_env, CrmEnv)
    assert seat.task is seat.crm_env.task
    assert seat.crm is seat.crm_env.crm
    assert seat.verdict == seat.crm_env.verdict
    assert seat.desk.tool == 1
    assert seat.sheet is envs.sheet(2)
    assert seat.action_masks().tolist() == envs.action_masks()[2].tolist()


def test_a_batch_goes_through_pickle():
    envs = batched(3)
    got, rng = envs.reset(seed=1), random.Random(0)
    for _ in range(12):
        got = envs.step([drawn(rng, mask) for mask in envs.action_masks()])
    twin = pickle.loads(pickle.dumps(envs))
    for _ in range(20):
        actions = [drawn(rng, mask) for mask in envs.action_masks()]
        got = envs.step(actions)
        assert_same(twin.step(actions), got)
