"""The form door: Gymnasium's contract for every registered id, and the promises of CrmFormEnv."""

import copy
import dataclasses
import json
import pickle
import warnings

import gymnasium as gym
import numpy as np
import pytest
from formed import FORM, PLAN, SOURCES, choose, make, plain, walk
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from crm_gym import TOOLS, UsageError, load_suite
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.oracle import FormOracle, NotExpressible, actions_of
from crm_gym.registration import FORM_IDS, MAX_FORM_STEPS
from crm_gym.tasks.goal import RefusalGoal
from crm_gym.tools import TOOL_NAMES, ToolCall, ToolResult

EVERY_ID = pytest.mark.parametrize("env_id", FORM_IDS)
EVERY_SOURCE = pytest.mark.parametrize("source", SOURCES)


def rng_of(*numbers):
    return np.random.default_rng(numbers)


# Gymnasium's contract


@EVERY_ID
@pytest.mark.parametrize("bare", [True, False], ids=["unwrapped", "made"])
def test_check_env(env_id, bare, capsys):
    env = gym.make(env_id)
    assert isinstance(env.unwrapped, CrmFormEnv)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", message=".*is different from the unwrapped version")  # said of any wrapper
        check_env(env.unwrapped if bare else env)
    env.close()
    env.close()
    capsys.readouterr()


@EVERY_ID
def test_spaces_are_equal_between_instances_and_do_not_change(env_id):
    one, two = gym.make(env_id).unwrapped, gym.make(env_id, ends_on="finish").unwrapped
    assert one.observation_space == two.observation_space == CrmFormEnv().observation_space
    assert one.action_space == two.action_space == gym.spaces.Discrete(PLAN.size)
    space = one.observation_space
    one.reset(seed=0)
    assert one.observation_space is space


@EVERY_ID
def test_specs_can_be_saved(env_id):
    env = gym.make(env_id, ends_on="finish", masked_out="raise", reward={"form": -0.01})
    again = gym.make(gym.envs.registration.EnvSpec.from_json(env.spec.to_json()))
    assert again.unwrapped.crm_env.reward_config.form == -0.01
    assert again.unwrapped.masked_out == "raise"
    assert plain(again.reset(seed=4)) == plain(env.reset(seed=4))


def test_the_limit_of_form_steps_is_time_limits():
    env = gym.make("CrmEnvForm-v0")
    env.reset(seed=0)
    steps = [TOOL_NAMES.index("client_search"), PLAN.back]
    ends = [env.step(steps[number % 2])[2:4] for number in range(MAX_FORM_STEPS)]
    assert ends == [(False, False)] * (MAX_FORM_STEPS - 1) + [(False, True)]


def test_steps_need_a_reset():
    env = CrmFormEnv()
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset(seed=0)
    env.step(TOOL_NAMES.index("finish"))
    assert env.step(PLAN.submit)[2]
    with pytest.raises(ResetNeeded):
        env.step(0)


# Determinism and copies


@EVERY_SOURCE
def test_a_seed_fixes_everything_byte_for_byte(source):
    one, two = ([packed(step) for step in walk(make(source), rng_of(1), 120, seed=9)] for _ in range(2))
    assert one == two
    assert one != [packed(step) for step in walk(make(source), rng_of(1), 120, seed=10)]


def packed(step):
    observation, reward, terminated, truncated, info = step
    parts = [(name, array.dtype.str, array.shape, array.tobytes()) for name, array in observation.items()]
    return pickle.dumps((parts, reward, terminated, truncated, plain(info)))


@pytest.mark.parametrize("how", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))], ids=["deep", "pickled"])
@pytest.mark.parametrize("source", ["golden", "workflow", "dialogue"])
def test_a_copy_in_the_middle_goes_on_alike_and_alone(source, how):
    env, rng = make(source), rng_of(2)
    for number, _ in enumerate(walk(env, rng, 200, seed=3)):
        if number % 25 == 24:
            other = how(env)
            for action in following(copy.deepcopy(env), rng):
                assert plain(env.step(action)) == plain(other.step(action))
                assert env.crm.state_hash() == other.crm.state_hash()
            break
    assert plain(env.reset()) == plain(other.reset())
    seen = plain(env.reset(seed=5))
    other.reset(seed=6)
    assert plain(env.step(PLAN.tools.start)[0]["request"]) == seen[0]["request"]


def following(env, rng):
    """Some more actions, up to the end of the episode."""
    for _ in range(30):
        action = choose(rng, env.action_masks())
        yield action
        if env.step(action)[2]:
            return


@EVERY_SOURCE
def test_what_was_handed_out_never_changes(source):
    env = make(source)
    handed = []
    for step in walk(env, rng_of(3), 100, seed=1):
        handed.append((step, plain(step), env.action_masks(), env.action_masks().tolist()))
    for step, seen, mask, allowed in handed:
        assert plain(step) == seen
        assert mask.tolist() == allowed


def test_what_was_handed_out_may_be_written_to():
    env, other = make("workflow"), make("workflow")
    for mine, its in zip(walk(env, rng_of(4), 80, seed=2), walk(other, rng_of(4), 80, seed=2), strict=True):
        assert plain(mine) == plain(its)
        for array in mine[0].values():
            array[:] = 7
        mine[4]["action_mask"][:] = 1
        env.action_masks()[:] = True
        mine[4]["verdict"].clear()


# Observations and masks


@EVERY_SOURCE
def test_observations_are_in_the_space(source):
    env = make(source)
    spaces = env.observation_space
    for observation, reward, _, _, info in walk(env, rng_of(5), 160, seed=11):
        for name, array in observation.items():
            assert array.dtype == spaces[name].dtype
            assert array in spaces[name], name
        assert np.array_equal(info["action_mask"], env.action_masks())
        assert info["action_mask"].dtype == np.int8
        assert type(reward) is float


@EVERY_SOURCE
def test_the_oracles_way_is_in_the_space_and_in_the_mask(source):
    env = make(source, masked_out="raise")
    oracle = FormOracle(env)
    solved = 0
    for seed in range(10):
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            action, _ = oracle.predict(observation)
            observation, _, over, _, info = env.step(action)
            assert observation in env.observation_space
        assert info["is_success"] or oracle.failed
        solved += info["is_success"]
    assert solved >= 8


def test_long_requests_and_many_results_fit():
    names = [f"Clover {n} Works" for n in range(90)]
    same = {"table": "Client", "status": "Active"}
    clients = [{**same, "key": f"k{n}", "name": name, "email": f"c{n}@x.example"} for n, name in enumerate(names)]
    env = CrmFormEnv(masked_out="raise")
    env.reset(seed=0, options={"task": own_task("Please add them: " + ", ".join(names * 3)[:3_900], clients)})
    tool = TOOL_NAMES.index("client_search")
    limit = [slot.name for slot in PLAN.forms[tool].slots].index("limit")
    hundred = PLAN.literals.start + PLAN.literal_values.index(100)
    for action in (tool, *[PLAN.go] * limit, hundred, PLAN.submit):
        observation, *_ = env.step(action)
    assert observation in env.observation_space
    for name in ("request", "said", "rows"):
        assert (observation[name][:, 0] > 0).sum() >= len(observation[name]) - 1
    for _ in range(50):
        observation, *_ = env.step(choose(rng_of(6), env.action_masks(), back=0.5))
        assert observation in env.observation_space


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


def test_a_masked_out_action_raises_where_it_should_and_names_itself():
    env = make(masked_out="raise")
    env.reset(seed=0)
    for action in np.flatnonzero(~env.action_masks()):
        with pytest.raises(UsageError, match=rf"^action {action} \({PLAN.meaning(int(action))}\) is masked out"):
            env.step(action)
    assert env.step(TOOL_NAMES.index("client_search"))[0]["form"][FORM["moves"]] == 1  # nothing has happened


@pytest.mark.parametrize("action", [-1, PLAN.size, 10**6])
@pytest.mark.parametrize("masked_out", ["ignore", "raise"])
def test_a_number_that_is_no_action_always_raises(action, masked_out):
    env = make(masked_out=masked_out)
    env.reset(seed=0)
    with pytest.raises(UsageError, match=f"no action {action}; they go from 0 to {PLAN.size - 1}"):
        env.step(action)


@pytest.mark.parametrize(
    "action",
    [3.7, 3.0, "3", True, np.True_, None, [3], np.array([3]), float("nan"), np.float32(3), np.array(3.0), {}],
    ids=repr,
)
@pytest.mark.parametrize("masked_out", ["ignore", "raise"])
def test_what_is_no_whole_number_always_raises(action, masked_out):
    env = make(masked_out=masked_out)
    moves = env.reset(seed=0)[0]["form"][FORM["moves"]]
    with pytest.raises(UsageError, match=f"an action is a whole number from 0 to {PLAN.size - 1}; got"):
        env.step(action)
    assert env.step(TOOL_NAMES.index("client_search"))[0]["form"][FORM["moves"]] == moves + 1  # of this step alone


def test_a_number_too_long_to_write_raises_too():
    env = make()
    env.reset(seed=0)
    with pytest.raises(UsageError, match="no action a very long int"):
        env.step(10**5000)


@pytest.mark.parametrize("kind", [np.int64, np.int32, np.uint8, np.array])
def test_whole_numbers_of_any_type_are_actions(kind):
    ours, theirs = make(), make()
    for env in (ours, theirs):
        env.reset(seed=0)
    assert plain(ours.step(kind(4))) == plain(theirs.step(4))


def test_a_masked_out_action_does_nothing_otherwise():
    env, rng = make("workflow", reward={"form": -0.5, "filled": 0.3}), rng_of(7)
    tried = 0
    for before in walk(env, rng, 60, seed=4):
        (masked,) = np.flatnonzero(~env.action_masks())[:1]
        after = env.step(masked)
        before[0]["form"][FORM["moves"]] += 1
        assert plain(after[0]) == plain(before[0])
        assert after[1] == -0.5
        assert after[2:4] == (False, False)
        assert np.array_equal(after[4]["action_mask"], before[4]["action_mask"])
        tried += 1
    assert tried > 60


def test_a_choice_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="masked_out 'rise' does not exist; did you mean 'raise'"):
        CrmFormEnv(masked_out="rise")
    with pytest.raises(UsageError, match="'ends_on'"):
        CrmFormEnv(end_on="finish")


@pytest.mark.parametrize(
    ("wrong", "right"),
    [("mask_out", "masked_out"), ("tool", "tools"), ("suit", "suite"), ("render_mod", "render_mode")],
)
def test_a_wrong_keyword_meets_the_right_one(wrong, right):
    with pytest.raises(UsageError, match=f"CrmFormEnv has no keyword '{wrong}'; did you mean '{right}'"):
        gym.make("CrmEnvForm-v0", **{wrong: 1})


def test_a_keyword_like_none_lists_all():
    with pytest.raises(UsageError, match=r"known are masked_out, tools, suite, .*, render_mode\."):
        CrmFormEnv(zzzzzz=1)


# Taking back


@EVERY_SOURCE
def test_any_form_can_be_undone_to_nothing(source):
    """Then everything is as it was before it was opened, but for the number of moves."""
    env, rng = make(source, masked_out="raise"), rng_of(8)
    before, _ = env.reset(seed=1)
    for number in range(60):
        allowed = env.action_masks()
        filling = env.step(choose(rng, allowed))
        for _ in range(rng.integers(0, 25)):
            mask = env.action_masks()
            mask[PLAN.submit] = mask[PLAN.back] = False
            if not mask.any():
                break
            filling = env.step(choose(rng, mask))
        moves = backs(env)
        assert plain(without_moves(moves[-1])) == plain(without_moves(before))
        assert plain(filling[0]) != plain(before)
        assert np.array_equal(env.action_masks(), allowed)
        assert env.desk.filled == 0
        assert len(moves) <= PLAN.lines + 2
        before = moves[-1]
        if number % 4 == 3:
            before = call(env, "quote_search" if number % 8 == 3 else "opportunity_search")
        if number % 20 == 19:
            before, _ = env.reset()


def without_moves(observation):
    form = observation["form"].copy()
    form[FORM["moves"]] = 0
    return observation | {"form": form}


def backs(env):
    """BACK until no form is open; what each showed."""
    seen = []
    while env.desk.tool >= 0:
        assert env.action_masks()[PLAN.back]
        seen.append(env.step(PLAN.back)[0])
    return seen


def call(env, tool):
    """A look-up, so that there is something to point at; what it showed."""
    env.step(TOOL_NAMES.index(tool))
    return env.step(PLAN.submit)[0]


# What may be known


@EVERY_SOURCE
def test_tasks_that_differ_in_their_solution_alone_look_the_same(source):
    """Same request and world, other goal, solution, id, family: no number and no mask may differ on any way."""
    env, other, rng = make(source, ends_on="finish"), make(source, ends_on="finish"), rng_of(9)
    for seed in range(4):
        env.reset(seed=seed)
        first = plain(env.reset(seed=seed, options={"task": env.task}))
        second = plain(other.reset(seed=seed, options={"task": spoiled(env.task)}))
        assert first[0] == second[0]
        for _ in range(80):
            assert np.array_equal(env.action_masks(), other.action_masks())
            action = choose(rng, env.action_masks())
            mine, its = env.step(action), other.step(action)
            assert plain(mine[0]) == plain(its[0])
            assert mine[2] == its[2]
            if mine[2]:
                break


def spoiled(task):
    """The task with nothing of its solution left but what the user says."""
    nothing = RefusalGoal("not_found", "client_id", ToolCall("finish"))
    changes = {"goal": nothing, "_solution": (), "_lookups": (), "_path": (), "selections": ()}
    changes |= {"id": "other", "family": "quote_prefixes", "tags": ("single",), "split": "other", "difficulty": 5}
    return dataclasses.replace(task, **changes)


@EVERY_SOURCE
def test_every_text_and_id_to_point_at_was_said_or_returned(source):
    """Said in the request or by the user, or in the text of a result of this episode."""
    env = make(source)
    known = [""]
    play = env.crm_env.play

    def overheard(played, filled=0.0):
        came, *rest = play(played, filled)
        known.append(ToolResult(None, *came).text())
        return came, *rest

    env.crm_env.play = overheard
    seen = 0
    for _, _, _, _, info in walk(env, rng_of(10), 160, seed=7):
        if info["action_mask"][: len(TOOLS)].any():  # a call has been made, or an episode begins
            text = said_so_far(env, known)
            for value in env.sheet.values:
                if isinstance(value.value, str) and value.kind not in ("date", "today", "enum"):
                    assert squeezed(value.value) in text, value
                    seen += 1
            for item in env.sheet.items:
                if item.id is not None:
                    assert squeezed(str(item.id)) in text
                    for held in item.values.values():
                        assert not isinstance(held, str) or squeezed(held) in text, held
                    seen += 1
        if env.crm_env._steps == 0:
            del known[1:]
    assert seen > 100


def said_so_far(env, known):
    results = " ".join(json.dumps(json.loads(one), ensure_ascii=False) for one in known[1:])
    return squeezed(f"{env.task.request} {results}".replace("\\n", " "))


def squeezed(text):
    """The text without what quoting, spacing and capitals do to it."""
    return "".join(one for one in text.casefold() if one.isalnum())


def test_a_spoiled_task_is_judged_otherwise():
    """Else the tests above would compare a task with itself."""
    env, task = make(ends_on="finish"), load_suite("core")[0]
    observation, _ = env.reset(seed=0, options={"task": task})
    oracle, actions = FormOracle(env), []
    while not env.verdict.success:
        actions.append(oracle.predict(observation)[0])
        observation, *_ = env.step(actions[-1])
    env.reset(seed=0, options={"task": spoiled(task)})
    for action in actions:
        env.step(action)
    assert not env.verdict.success


# What answers can be given


def test_values_of_several_groups_are_an_answer_by_group():
    """Of all groups, of some of them in any order, of one."""
    env = CrmFormEnv(suite="generated", families=["summarize_by_stage"], masked_out="raise", ends_on="finish")
    env.reset(seed=3)
    call(env, "summarize_opportunities")
    groups = [place for place, item in enumerate(env.sheet.items) if item.label]
    assert len(groups) > 2
    labels = [env.sheet.items[place].label for place in groups]
    held = [env.sheet.items[place].values["count"] for place in groups]
    count = PLAN.fields.start + PLAN.field_names.index("count")
    assert answered(env, [(count, PLAN.rows.start + place) for place in groups[2:0:-1]]) == {
        labels[2]: held[2],
        labels[1]: held[1],
    }
    assert answered(env, [(count, PLAN.rows.start + groups[0])]) == held[0]


def answered(env, pairs):
    """The answer of a form that is filled with these steps; nothing is submitted."""
    env.step(TOOL_NAMES.index("respond"))
    for pair in pairs:
        for action in pair:
            env.step(action)
    answer = env.desk.call().arguments["answer"]
    backs(env)
    return answer


def test_values_of_several_records_are_a_list():
    env = make(masked_out="raise")
    env.reset(seed=0)
    call(env, "client_search")
    name = PLAN.fields.start + PLAN.field_names.index("name")
    found = [env.sheet.items[place].values["name"] for place in (2, 1)]
    assert answered(env, [(name, PLAN.rows.start + place) for place in (2, 1)]) == found


def test_compared_quotes_can_be_told_by_version():
    env = CrmFormEnv(suite="generated", families=["compare_quotes"], masked_out="raise")
    oracle, told = FormOracle(env), 0
    for seed in range(25):
        observation, _ = env.reset(seed=seed)
        over = False
        while not over:
            observation, _, over, _, info = env.step(oracle.predict(observation)[0])
        assert info["is_success"], oracle.failed
        told += isinstance(env.task.goal.answer.value, dict)
    assert told > 0


def test_what_is_no_value_and_no_line_cannot_be_said():
    env = make(masked_out="raise")
    env.reset(seed=0)
    call(env, "quote_search")
    quote = env.sheet.items[1].id
    for wrong, why in (
        (ToolCall("client_search", {"nam": "x"}), "has no line nam"),
        (ToolCall("modify_quote", {"id": quote, "updates": {"nam": 1}}), "has no line nam"),
        (ToolCall("client_search", {"name": "never said"}), "'never said' is neither said nor found"),
        (ToolCall("create_quote", {"status": "Sent"}), "has no go on there"),
    ):
        with pytest.raises(NotExpressible, match=why):
            actions_of(wrong, env.sheet, 0)
