"""CrmEnvSlots: a whole call in one MultiDiscrete action, with the form door's rules and observations."""

import warnings

import gymnasium as gym
import numpy as np
import pytest
from formed import FORM, PLAN, SOURCES, plain
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from crm_gym import CODES, TOOLS, UsageError
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.oracle import FormOracle
from crm_gym.form.slots import ALONE, CHOICES, EMPTY, FIELDS, NAME, CrmSlotsEnv
from crm_gym.tools import TOOL_NAMES

LINES = PLAN.lines
EVERY_SOURCE = pytest.mark.parametrize("source", SOURCES)


def action_of(tool, **filled):
    """An action that fills in lines by name: choices, or pairs of a choice and a field."""
    form = PLAN.forms[TOOL_NAMES.index(tool)]
    action = np.zeros(1 + 2 * LINES, np.int64)
    action[0] = TOOL_NAMES.index(tool)
    for name, choice in filled.items():
        place = [slot.name for slot in form.slots].index(name)
        action[1 + place], action[1 + LINES + place] = choice if isinstance(choice, tuple) else (choice, 0)
    return action


def literal(value):
    return 3 + PLAN.literal_values.index(value)


def row(place, field=""):
    choice = 3 + len(PLAN.literals) + len(PLAN.values) + place
    return (choice, 1 + PLAN.field_names.index(field)) if field else choice


def folded(steps):
    """Steps of the form door, as an action; None if they hold more than an action does."""
    action, line, field = np.zeros(1 + 2 * LINES, np.int64), 0, 0
    action[0] = steps[0]
    slots = PLAN.forms[steps[0]].slots
    for step in steps[1:-1]:
        if step in PLAN.fields:
            field = 1 + step - PLAN.fields.start
            continue
        if line >= LINES:
            return None
        if step == PLAN.go and not field:
            line += not (line and slots[line - 1].many)  # past a line left alone; a list has gone on by itself
            continue
        action[1 + line], action[1 + LINES + line] = choice_of(step), field
        line, field = line + 1, 0
    return action


def choice_of(step):
    if step == PLAN.go:
        return NAME
    if step == PLAN.empty:
        return EMPTY
    return (
        3 + step - PLAN.literals.start
        if step < PLAN.fields.start
        else 3 + step - len(PLAN.fields) - PLAN.literals.start
    )


def sampled(env, rng, filled=0.3):
    """A random action that keeps to the masks, most lines left alone."""
    parts = np.split(env.action_masks(), np.cumsum(env.action_space.nvec)[:-1])
    action = [int(rng.choice(np.flatnonzero(part))) for part in parts]
    alone = rng.random(len(action)) > filled
    alone[0] = False
    return np.where(alone, ALONE, action)


def opened(**keywords):
    env = CrmSlotsEnv(**keywords)
    env.reset(seed=0)
    return env


def error_of(step):
    return step[4]["error"]


@pytest.mark.parametrize("source", ["golden", "workflow"])
def test_check_env(source, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*not having a spec")
        check_env(CrmSlotsEnv(**SOURCES[source]))
    capsys.readouterr()


def test_the_space_and_the_mask_follow_from_the_layout():
    env = opened()
    assert env.action_space.nvec.tolist() == [len(TOOLS), *[CHOICES] * LINES, *[FIELDS] * LINES]
    assert env.action_masks().shape == (env.action_space.nvec.sum(),)
    assert env.observation_space == CrmFormEnv().observation_space
    assert 3 + len(PLAN.literals) + len(PLAN.values) + len(PLAN.rows) == CHOICES


@EVERY_SOURCE
def test_the_oracles_calls_do_the_same_in_one_action_each(source):
    """Calls of the form door, folded into one action each: same calls, states, rewards and infos."""
    form, slots = CrmFormEnv(masked_out="raise", **SOURCES[source]), CrmSlotsEnv(**SOURCES[source])
    oracle, solved = FormOracle(form), 0
    for seed in range(12):
        observation, info = form.reset(seed=seed)
        assert plain(same_part(info)) == plain(same_part(slots.reset(seed=seed)[1]))
        steps, over = [], False
        while not over:
            steps.append(oracle.predict(observation)[0])
            observation, reward, over, _, info = form.step(steps[-1])
            if steps[-1] == PLAN.submit:
                action, steps = folded(steps), []
                if action is None:  # a list longer than an action
                    break
                assert allowed(slots.action_masks(), action, slots.action_space.nvec)
                seen, its_reward, its_over, _, its_info = slots.step(action)
                assert (its_reward, its_over) == (reward, over)
                assert plain(same_part(its_info)) == plain(same_part(info))
                assert slots.crm.state_hash() == form.crm.state_hash()
                assert same_observation(seen, observation)
        solved += slots.verdict.success
    assert solved >= 9


def same_part(info):
    return {name: value for name, value in info.items() if name != "action_mask"}


def same_observation(one, other):
    """All is the same but how many steps it took."""
    forms = [dict(one)["form"].copy(), dict(other)["form"].copy()]
    for form in forms:
        form[FORM["moves"]] = 0
    return plain(one | {"form": forms[0]}) == plain(other | {"form": forms[1]})


def allowed(mask, action, sizes):
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    return bool(mask[starts + action].all())


@EVERY_SOURCE
def test_random_actions_are_ordinary_steps(source):
    env, rng = CrmSlotsEnv(**SOURCES[source], reward={"refused": -0.25}), np.random.default_rng(4)
    codes, calls = set(), 0
    for seed in range(12):
        env.reset(seed=seed)
        for _ in range(12):
            before = env.crm.state_hash()
            observation, reward, terminated, truncated, info = env.step(sampled(env, rng))
            assert observation in env.observation_space
            assert observation["form"][FORM["tool"]] == 0
            assert info["action_mask"].dtype == np.int8
            assert not truncated
            code = info["error"]["code"]
            codes.add(code)
            calls += not code
            if code:
                assert code in CODES
                assert (reward, terminated) == (-0.25, False)
                assert env.crm.state_hash() == before
                assert observation["form"][FORM["last_code"]] == 1 + list(CODES).index(code)
            if terminated:
                break
    assert calls > 10
    assert {"wrong_type", "missing_field"} <= codes


def test_what_is_masked_out_is_always_refused():
    """A choice that no tool's line takes there."""
    env, rng = CrmSlotsEnv(suite="generated", families=["single"]), np.random.default_rng(5)
    tried = 0
    for seed in range(20):
        env.reset(seed=seed)
        parts = np.split(env.action_masks(), np.cumsum(env.action_space.nvec)[:-1])
        for tool in rng.permutation(np.flatnonzero(parts[0]))[:8]:
            slots = PLAN.forms[tool].slots
            place = int(rng.integers(max(1, len(slots))))
            masked = np.flatnonzero(~parts[1 + place])
            if not slots or not len(masked):
                continue
            action = np.zeros(1 + 2 * LINES, np.int64)
            action[0], action[1 + place] = tool, rng.choice(masked)
            assert error_of(env.step(action))["code"] in ("wrong_type", "missing_field", "no_change")
            tried += 1
    assert tried > 60


def test_what_the_form_refuses_never_reaches_the_crm(monkeypatch):
    env, asked = opened(), []
    play = env.crm_env.play
    monkeypatch.setattr(env.crm_env, "play", lambda played, *more: asked.append(played[0]) or play(played, *more))
    env.step(action_of("create_new_client"))
    env.step(action_of("client_search"))
    assert asked == [None, "client_search"]


def test_faults_are_named_as_the_crm_names_them():
    env = opened()
    env.step(action_of("quote_search"))
    for action, code, field in (
        (action_of("create_new_client"), "missing_field", "name"),
        (action_of("client_search", status=literal("Proposal")), "wrong_type", "status"),
        (action_of("client_search", status=EMPTY), "wrong_type", "status"),
        (action_of("client_search", name=NAME), "missing_field", "name"),
        (action_of("modify_quote", id=row(1)), "no_change", "updates"),
        (action_of("compare_quotes", quote_ids=row(1)), "number_range", "quote_ids"),
        (action_of("modify_quote", id=row(47), status=literal("Sent")), "wrong_type", "id"),
    ):
        error = error_of(env.step(action))
        assert (error["code"], error["field"]) == (code, field)
        assert error["message"].startswith(field)


def test_a_row_and_a_field_of_a_row_can_be_meant():
    env = opened()
    env.step(action_of("quote_search"))
    env.step(action_of("view_opportunity_details", opportunity_id=row(1, "opportunity_id")))
    assert env.sheet.items[0].shape == "Opportunity"
    quote = next(place for place, item in enumerate(env.sheet.items) if item.shape == "Quote")
    amount = env.sheet.items[quote].values["amount"]
    step = env.step(action_of("modify_quote", id=row(quote), status=literal("Sent"), valid_until=EMPTY))
    assert error_of(step)["code"] == ""
    step = env.step(action_of("quote_search", amount=row(0, "amount")))
    assert error_of(step)["code"] == ""
    assert {item.values["amount"] for item in env.sheet.items if item.shape == "Quote" and item.call == 4} == {amount}


def test_lines_past_the_end_are_more_items_of_a_list_and_nothing_else():
    env = opened()
    env.step(action_of("quote_search"))
    action = action_of("compare_quotes")
    action[1:4] = row(1), ALONE, row(2)
    step = env.step(action)
    assert error_of(step)["code"] == ""
    assert sum(item.shape == "Quote" and item.call == 2 for item in env.sheet.items) == 2
    action = action_of("quote_details", quote_id=row(1))
    action[5:12] = CHOICES - 1
    action[12:] = 7
    action[12] = 0
    assert error_of(env.step(action))["code"] == ""


def test_a_name_of_a_field_can_be_meant():
    env = opened(tasks=["create_new_client"], suite="refusals")
    code, field = env.task.goal.code, env.task.goal.field
    step = env.step(action_of("decline", code=literal(code), field=(NAME, 1 + PLAN.field_names.index(field))))
    assert step[2]
    assert step[4]["is_success"]


@pytest.mark.parametrize("wrong", [0, [0] * 3, [-1] * 23, [10**6] * 23, np.zeros(23), "finish"], ids=str)
def test_what_is_no_action_is_a_usage_error(wrong):
    env = opened()
    with pytest.raises(UsageError, match="an action is one of MultiDiscrete"):
        env.step(wrong)


def test_steps_need_a_reset():
    env = CrmSlotsEnv()
    with pytest.raises(ResetNeeded):
        env.step(action_of("finish"))
    env.reset(seed=0)
    assert env.step(action_of("finish"))[2]
    with pytest.raises(ResetNeeded):
        env.step(action_of("finish"))


def test_it_can_be_registered_like_the_others():
    spec = gym.envs.registration.EnvSpec(
        "CrmEnvSlotsTest-v0", entry_point="crm_gym.form.slots:CrmSlotsEnv", max_episode_steps=3
    )
    env = gym.make(spec, ends_on="finish")
    env.reset(seed=1)
    assert [env.step(action_of("client_search"))[2:4] for _ in range(3)] == [(False, False)] * 2 + [(False, True)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"masked_out": "raise"}, "CrmSlotsEnv has no keyword 'masked_out': .* refused"),
        ({"masked_out": "ignore"}, "CrmSlotsEnv has no keyword 'masked_out': .* refused"),
        ({"tool": ["finish"]}, "CrmSlotsEnv has no keyword 'tool'; did you mean 'tools'"),
        ({"suit": "golden"}, "did you mean 'suite'"),
    ],
)
def test_wrong_keywords(wrong, words):
    with pytest.raises(UsageError, match=words):
        gym.make("CrmEnvSlots-v0", **wrong)


def test_tools_can_be_chosen():
    env = opened(tools=["client_search", "finish"])
    assert np.flatnonzero(env.action_masks()[: len(TOOLS)]).tolist() == sorted(
        TOOL_NAMES.index(name) for name in ("client_search", "finish")
    )
