"""Families of dialogues: certified, walked through the environment, and not to be solved without asking."""

import dataclasses
import functools
import pickle
import random

import gymnasium as gym
import pytest

import crm_gym  # noqa: F401  registers the environments
from crm_gym.baselines import OracleAgent
from crm_gym.certify import ambiguous, certify, unreachable
from crm_gym.certify.known import said
from crm_gym.certify.reach import leaves
from crm_gym.tasks.difficulty import STEPS
from crm_gym.tasks.draft import expected_of
from crm_gym.tasks.families import (
    dialogues,
    dialogues_long,
    dialogues_new,
    dialogues_turns,
    dialogues_which,
)
from crm_gym.tasks.families.users import NEXT
from crm_gym.tasks.family import REGISTRY
from crm_gym.tasks.generator import Generator, made
from crm_gym.tasks.goal import ChangeGoal
from crm_gym.tasks.phrasing import check_forms, parse
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.session import ASK, Session
from crm_gym.tasks.worlds import template
from crm_gym.tools.asking import SILENT

MODULES = (dialogues, dialogues_which, dialogues_long, dialogues_turns, dialogues_new)
OURS = {name: one for name, one in REGISTRY.items() if one.make.__module__ in {each.__name__ for each in MODULES}}
HELD_OUT = {name for name, one in OURS.items() if one.held_out}
LONG = {"review_by_turns", "guided_intake", "rules_by_turns", "haggle_over_quote"}
EACH = pytest.mark.parametrize("name", OURS)
COUNTS = {"train": 20, "test": 8, "ood_phrasing": 8}


def tasks_of(name, split, count):
    """The first tasks that a family makes in a split, whether or not the family is kept for another."""
    tasks = [task for seed in range(2 * count) if (task := _made(split, name, seed)) is not None]
    assert len(tasks) >= count  # most scenes have something fitting
    return tasks[:count]


@functools.cache
def _made(split, name, seed):
    return made(split, name, 300, seed)


def heard(task):
    """What the user says on the way, with the topics."""
    session = Session(task.world.crm.fork("heard"), task.user).play_all(task.demonstration)
    return [
        (result.call.arguments["about"], result.raw["user"]) for result in session.results if result.call.tool == ASK
    ]


def test_enough_families_of_every_length():
    assert len(OURS) >= 10
    assert len(HELD_OUT) == 2
    assert all(one.kind == "dialogue" and one.tool == "" for one in OURS.values())
    turns = [len(heard(task)) for name in OURS for task in tasks_of(name, "train", 12)]
    assert set(turns) == set(range(1, 11))


@EACH
def test_forms(name):
    forms = OURS[name].forms
    assert len(forms) >= 8
    check_forms(forms, parse(forms[0]).names)


@EACH
@pytest.mark.parametrize("split", COUNTS)
def test_certified(name, split):
    for task in tasks_of(name, split, COUNTS[split]):
        assert certify(task) == [], (task.id, task.request)


@EACH
def test_walked_through_the_environment(name):
    env = gym.make("CrmEnv-v0", max_episode_steps=60)
    agent = OracleAgent(env, demonstrate=True)
    for task in tasks_of(name, "train", 20)[::5] + tasks_of(name, "ood_phrasing", 2):
        observation, info = env.reset(seed=1, options={"task": task})
        over = truncated = False
        steps = 0
        while not (over or truncated):
            action, _ = agent.predict(observation, episode_start=not steps)
            observation, _, over, truncated, info = env.step(action)
            assert observation["error_code"] == "", observation
            steps += 1
        assert info["is_success"], task.request
        assert steps == len(task.demonstration)  # no step of the way is for nothing
    env.close()


@EACH
def test_every_answer_on_the_way_says_something(name):
    """No question is met with silence, impatience or a refusal to go on, and none is asked after the end."""
    for task in tasks_of(name, "train", 20):
        script = task.user
        dull = {SILENT, script.leaves, script.thanks} | {phase.waits for phase in script.phases}
        dull |= {says for phase in script.phases for says in phase.wrong.values()}
        texts = [text for _, text in heard(task)]
        assert texts
        assert not dull & set(texts)
        assert len(texts) <= min(script.patience, 10)


@EACH
def test_turns_are_counted(name):
    for task in tasks_of(name, "train", 20):
        turns = len(heard(task))
        least = turns + len(task.solution)
        assert task.difficulty >= 1 + sum(least >= step for step in STEPS)


@EACH
def test_not_to_be_known_without_asking(name):
    """With the questions left out, values are missing or records are not told apart."""
    for task in tasks_of(name, "train", 20):
        silent = tuple(call for call in task.demonstration if call.tool != ASK)
        without = dataclasses.replace(task, user=None, selections=(), _path=silent)
        assert unreachable(without) or ambiguous(without), task.request


@EACH
def test_what_is_told_is_not_said_before(name):
    """The request holds no value for which the user is asked."""
    for task in tasks_of(name, "train", 12):
        for topic, text in heard(task):
            values = [value for call in task.solution for field, value in leaves(call.arguments) if field == topic]
            told = [value for value in values if said(text, value)]
            assert not any(said(task.request, value) for value in told), (task.request, topic, text)


@EACH
def test_users_do_not_go_on_before_the_crm_shows_it(name):
    """Asked for the next step over and over with nothing done, they say nothing that a later phase holds."""
    for task in tasks_of(name, "train", 8):
        phases = task.user.phases
        session = Session(task.world.crm.fork("idle"), task.user)
        for _ in range(task.user.patience):
            session.play(NEXT)
        first = next((at for at, phase in enumerate(phases) if phase.until), len(phases) - 1)
        assert session.user.phase == first
        assert all(phase.until for phase in phases[1:])
        assert all(phase.says for phase in phases[1:])  # no phase says otherwise than the last without a word


@EACH
def test_the_goal_is_reached_at_the_end_only(name):
    """No state on the way is the goal already: the last thing the user says is needed."""
    for task in tasks_of(name, "train", 12):
        if not isinstance(task.goal, ChangeGoal):
            continue
        session = Session(task.world.crm.fork("on the way"), task.user)
        for call in task.demonstration[:-1]:
            session.play(call)
            net = session.crm.journal.net.values()
            done = [any(one.met_by(change) for change in net) for one in task.goal.changes]
            assert not (all(done) and len(net) == len(done)), task.request


@EACH
def test_the_same_number_gives_the_same_task(name):
    split = "ood_family" if name in HELD_OUT else "train"
    for number in range(3):
        one, other = (Generator(split, families=[name]).make(number) for _ in range(2))
        assert (one.request, one.demonstration, heard(one)) == (other.request, other.demonstration, heard(other))
        assert pickle.loads(pickle.dumps(one.user)) == one.user


@EACH
def test_what_is_expected_is_what_is_drafted(name):
    """What the family says is achieved is what its calls do, in small and in large worlds."""
    family = OURS[name]
    for records in (120, 1_000):
        world, found = template("validation", 0, records), 0
        for seed in range(24):
            scene = Scene(world, random.Random(seed), family.forms, level=1 + seed % 5)
            try:
                draft = family.make(scene)
            except Unsuitable:
                continue
            found += 1
            assert draft.refused is not None or expected_of(draft, world.world)
        assert found >= 5


@pytest.mark.parametrize("name", sorted(LONG))
def test_levels_can_be_asked_for(name):
    split = "ood_family" if name in HELD_OUT else "train"
    for level in (4, 5):
        assert Generator(split, level=level, families=[name]).make(0).difficulty == level
