"""Generated tasks: a seed fixes them, splits share nothing, levels are what they are measured to be."""

import json
import os
import subprocess
import sys
from collections import Counter
from itertools import combinations

import gymnasium as gym
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import crm_gym
from crm_gym import TOOLS, UsageError
from crm_gym.baselines import OracleAgent
from crm_gym.baselines.ladder import LADDER, SkilledAgent
from crm_gym.extract import extract
from crm_gym.tasks import generator as module
from crm_gym.tasks.difficulty import LEVELS, measured
from crm_gym.tasks.families import REGISTRY
from crm_gym.tasks.family import KINDS
from crm_gym.tasks.generator import Generator, find, made, members, world_count
from crm_gym.tasks.phrasing import check_forms, parse
from crm_gym.tasks.splits import POOLS, SPLITS
from crm_gym.tasks.task import REQUEST_CHARS
from crm_gym.tools.asking import SILENT


def tasks(count, split="train", first=0, **keywords):
    source = Generator(split, **keywords)
    return [source.task(first + number) for number in range(count)]


def told(task):
    """All that makes a task what it is."""
    return (
        task.id,
        task.request,
        task.world.name,
        [(call.tool, json.dumps(call.arguments)) for call in task.demonstration],
        [(call.tool, json.dumps(call.arguments)) for call in task.solution],
        repr(task.goal),
        task.difficulty,
    )


# A number fixes a task


def test_a_number_fixes_a_task():
    assert [told(Generator("test").make(k)) for k in range(60)] == [told(Generator("test").make(k)) for k in range(60)]


def test_a_number_fixes_a_task_in_any_process():
    code = (
        "import json; from crm_gym.tasks.generator import Generator; g = Generator('validation'); "
        "print(json.dumps([[t.id, t.request, repr(t.goal)] for t in map(g.task, range(80))]))"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Pacific/Kiritimati"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    mine = [[t.id, t.request, repr(t.goal)] for t in tasks(80, "validation")]
    assert json.loads(done.stdout) == mine


def test_an_id_is_enough_to_make_a_task_again():
    for split in SPLITS:
        for task in tasks(15, split):
            assert told(find(task.id)) == told(task)
    leveled = Generator("train", level=3).make(5)
    assert told(find(leveled.id)) == told(leveled)


@pytest.mark.parametrize(
    "task_id",
    [
        "",
        "CNC-001",
        "train:add_note:300::1",
        "train:nothing:300::0123456789abcdef",
        "train:lapsed_quotes:300::0123456789abcdef",  # held out: no task of this split
        "ood_composition:create_quote:300::0123456789abcdef",
        "train:add_note:0300::0123456789abcdef",
        "train:add_note:300:6:0123456789abcdef",
        "train:add_note:" + "9" * 5_000 + "::0123456789abcdef",
        "train:add_note:100001::0123456789abcdef",
        "train:add_note:300::0123456789abcdef\n",
    ],
)
def test_what_is_no_id_is_refused(task_id):
    with pytest.raises(UsageError, match="no id of a generated task"):
        find(task_id)


def test_an_id_that_claims_another_level_is_refused():
    task = Generator("train", families=["create_quote"]).make(0)
    split, name, records, _, seed = task.id.split(":")
    other = 5 if task.difficulty < 5 else 1
    with pytest.raises(UsageError, match="level is another"):
        find(f"{split}:{name}:{records}:{other}:{seed}")


@pytest.mark.parametrize("number", [-1, 1.5, "1", None, [1], True])
def test_what_is_no_number_of_a_task_is_refused(number):
    for ask in (Generator("train").task, Generator("train").make):
        with pytest.raises(UsageError, match=r"whole number, 0 or more|unhashable"):
            ask(number)


def test_huge_numbers_and_numpys_are_numbers_too():
    assert told(Generator("train").task(np.int64(5))) == told(Generator("train").make(5))
    assert Generator("train").task(2**70).request


def test_numbers_give_different_tasks():
    made_ = tasks(3_000)
    requests = Counter((task.world.name, task.request) for task in made_)
    assert sum(count - 1 for count in requests.values()) < 0.01 * len(made_)


@pytest.mark.slow
def test_of_a_hundred_thousand_tasks_less_than_one_in_a_hundred_is_there_twice():
    source, seen, twice = Generator("train"), set(), 0
    for number in range(100_000):
        task = source.make(number)
        key = hash((task.world.name, task.request))
        twice += key in seen
        seen.add(key)
    assert twice < 1_000


# Through the environment


def make(**keywords):
    return gym.make("CrmEnv-v0", suite="generated", disable_env_checker=True, **keywords)


def test_resets_with_one_seed_give_equal_states():
    envs = [make() for _ in range(3)]
    for seed in range(25):
        starts = [env.reset(seed=seed) for env in envs for _ in range(2)]
        assert len({json.dumps([obs["request"], obs["today"], obs["counts"].tolist()]) for obs, _ in starts}) == 1
        assert len({info["task_id"] for _, info in starts}) == 1
        ends = []
        for env in envs:
            for call in env.unwrapped.task.demonstration[:1]:
                env.step(call)
            ends.append(env.unwrapped.crm.state_hash())
        assert len(set(ends)) == 1


@pytest.mark.parametrize("split", SPLITS)
def test_an_oracle_succeeds_both_ways(split):
    env = make(split=split)
    for demonstrate in (False, True):
        oracle = OracleAgent(env, demonstrate=demonstrate)
        for seed in range(40):
            episode = crm_gym.rollout(env, oracle, seed=seed)
            assert episode.success, (episode.task_id, episode.errors)
            assert episode.reward == 1.0


def test_a_task_is_found_by_its_id_its_family_and_its_level():
    env = make(split="test")
    env.reset(seed=3)
    task_id = env.unwrapped.task.id
    assert env.reset(seed=9, options={"task_id": task_id})[1]["task_id"] == task_id
    assert env.reset(seed=9, options={"tool": "create_quote"})[1]["family"] == "create_quote"
    for level in LEVELS:
        env.reset(options={"level": level})
        assert env.unwrapped.task.difficulty == level


@pytest.mark.parametrize("level", LEVELS)
def test_levels_are_what_was_asked_for(level):
    for split in ("train", "test"):
        for task in tasks(12, split, level=level):
            assert task.difficulty == level == measured(task).level


def test_families_are_what_was_asked_for():
    for kind in KINDS:
        assert {task.tags[0] for task in tasks(15, families=[kind])} == {kind}
    names = ["add_note", "create_quote"]
    assert {task.family for task in tasks(40, families=names)} == set(names)


def test_frequent_tools_come_more_often_if_asked_for():
    shares = Counter(task.family for task in tasks(400, families=["single"], weights="frequency"))
    assert shares["create_new_opportunity"] > shares["add_note"] + shares["delete_quote"]


def test_every_tool_has_a_family_of_its_name_and_there_are_workflows_enough():
    for name in crm_gym.FAMILIES:
        assert REGISTRY[name].tool == name
        assert REGISTRY[name].kind == "single"
    kinds = Counter(family.kind for family in REGISTRY.values())
    assert kinds["workflow"] >= 20
    assert min(kinds[kind] for kind in KINDS) >= 3


@pytest.mark.parametrize(
    ("keywords", "words"),
    [
        ({"split": "tset"}, "did you mean 'test'"),
        ({"level": 6}, "from 1 to 5"),
        ({"level": True}, "level"),
        ({"families": ["create_qoute"]}, "did you mean 'create_quote'"),
        ({"families": "create_quote"}, "families must be a list"),
        ({"level": "3"}, "level must be a whole number"),
        ({"records": [1]}, "records must be a whole number"),
        ({"families": []}, "empty list"),
        ({"records": 9}, "from 10 to 100,000"),
        ({"tasks": ["CNC-001"]}, "families="),
        ({"weights": "often"}, "weights"),
        ({"suite": "golden", "split": "train"}, "goes with suite='generated' only"),
        ({"suite": "generatd"}, "did you mean 'generated'"),
    ],
)
def test_keywords_that_make_no_sense_are_refused_with_the_way_out(keywords, words):
    with pytest.raises(UsageError, match=words):
        gym.make("CrmEnv-v0", **{"suite": "generated", **keywords})


def test_a_level_is_no_option_of_other_suites():
    env = gym.make("CrmEnv-v0")
    with pytest.raises(UsageError, match="generated"):
        env.reset(options={"level": 2})
    with pytest.raises(UsageError, match="from 1 to 5"):
        make().reset(options={"level": 0})


def test_who_asks_where_nobody_answers_hears_so():
    env = make(families=["create_quote"])
    env.reset(seed=1)
    observation, reward, terminated, _, info = env.step({"tool": "ask_user", "arguments": {"about": "amount"}})
    assert json.loads(observation["result"]) == {"user": SILENT}
    assert not terminated
    assert (reward, info["error"]["code"]) == (0.0, "")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(
    split=st.sampled_from(SPLITS),
    level=st.sampled_from((None, *LEVELS)),
    kinds=st.none() | st.lists(st.sampled_from(KINDS), min_size=1, unique=True),
    records=st.sampled_from((10, 40, 300, 1_000)),
    number=st.integers(0, 2**63 - 1),
)
def test_whatever_is_asked_for_a_task_comes_or_a_sentence(split, level, kinds, records, number):
    said = ""
    try:
        task = Generator(split, level, kinds, records).task(number)
    except UsageError as fault:
        said = str(fault)
    if said:
        assert said.startswith(("no task", "families: nothing of split"))
        return
    assert task.split == split
    assert level in (None, task.difficulty)
    assert kinds is None or task.tags[0] in kinds
    assert 0 < len(task.request) <= REQUEST_CHARS
    assert sum(task.world.crm.counts()) == records
    env = make(split=split)
    observation, _ = env.reset(seed=0, options={"task": task})
    assert env.observation_space.contains(observation)
    for call in OracleAgent(env).plan(task):
        assert call.tool in TOOLS
    assert crm_gym.rollout(env, OracleAgent(env), seed=0, options={"task": task}).success


# Splits share nothing

SHARED = {
    "industry",
    "version",
    "entity_type",
    "status",
    "stage",
    "type",
    "code",
    "field",
    "about",
    "quote_ids",
    "question",
    "limit",
    "offset",
}
"""Fields whose values come from short lists that every split must use."""


def values(task):
    """Every value that a task's writes put into the CRM, but for ids and words from short lists."""
    found = set()

    def collect(name, value):
        if isinstance(value, dict):
            for inner, item in value.items():
                collect(inner, item)
        elif not (name in SHARED or name == "id" or name.endswith("_id") or value is None or "answer" in name):
            found.add((name, str(value)))

    for call in task.solution:
        if TOOLS[call.tool].kind == "write":
            collect("", call.arguments)
    return found


def test_values_and_records_of_the_pools_are_disjoint():
    by_split = {split: tasks(900, split) for split in POOLS}
    for one, other in combinations(POOLS, 2):
        assert not {t.world.name for t in by_split[one]} & {t.world.name for t in by_split[other]}
        shared = set().union(*map(values, by_split[one])) & set().union(*map(values, by_split[other]))
        assert not shared, sorted(shared)[:10]
        both = {t.request for t in by_split[one]} & {t.request for t in by_split[other]}
        assert not [request for request in both if any(found.kind != "name" for found in extract(request))]


def test_families_held_out_are_in_no_other_split():
    held_out = set(members("ood_family"))
    assert len(held_out) >= 5
    assert {REGISTRY[name].kind for name in held_out} >= {"single", "workflow", "dialogue"}
    for split in SPLITS:
        if split != "ood_family":
            assert not held_out & set(members(split))


@pytest.mark.parametrize("name", list(REGISTRY))
def test_forms_held_out_are_said_in_no_other_split(name):
    forms = REGISTRY[name].forms
    check_forms(forms, parse(forms[0]).names)


def test_worlds_are_fewer_the_larger_they_are():
    assert [world_count("train", size) for size in (10, 300, 1_000, 100_000)] == [240, 24, 7, 1]
    assert min(world_count(pool, 100_000) for pool in POOLS) == 1


def test_a_scene_without_what_a_family_needs_makes_no_task():
    found = [made("train", "quote_to_cash", 10, seed) for seed in range(3)]
    assert all(task is None or task.family == "quote_to_cash" for task in found)
    with pytest.raises(UsageError, match="other families, levels or records"):
        Generator("train", level=5, families=["add_note"]).task(0)


# Harder is harder


def ranks(numbers):
    ordered = sorted(numbers)
    return [ordered.index(number) + (ordered.count(number) - 1) / 2 for number in numbers]


def correlation(xs, ys):
    """Spearman's rank correlation."""
    a, b = ranks(xs), ranks(ys)
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    over = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    return over / (sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b)) ** 0.5


def test_the_higher_the_level_the_fewer_of_a_ladder_of_agents_succeed():
    env = make()
    rates = []
    for level in LEVELS:
        some = tasks(60, level=level)
        wins = [
            crm_gym.rollout(env, SkilledAgent(env, skill), seed=0, options={"task": task}).success
            for task in some
            for skill in LADDER
        ]
        rates.append(sum(wins) / len(wins))
    assert correlation(LEVELS, rates) <= -0.9, rates


def test_the_ladder_goes_down():
    env = make()
    some = tasks(80)
    wins = [
        sum(crm_gym.rollout(env, SkilledAgent(env, skill), seed=0, options={"task": task}).success for task in some)
        for skill in LADDER
    ]
    assert wins == sorted(wins, reverse=True)
    assert wins[0] > wins[-1]


def test_tasks_are_made_once_for_all_environments_of_a_process():
    module._task_at.cache_clear()
    one, two = make(), make()
    one.reset(seed=4)
    two.reset(seed=4)
    assert one.unwrapped.task is two.unwrapped.task
