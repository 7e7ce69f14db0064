"""The scripted user: always ends, tells only what is asked, never contradicts itself, looks at the CRM and at nothing
else."""

import copy
import json
import pickle

import gymnasium as gym
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import crm_gym  # noqa: F401  registers the environments
from crm_gym.errors import TaskError
from crm_gym.journal import Change, Journal
from crm_gym.spaces import OK, REFUSED
from crm_gym.tasks.dialogue import DONE, Phase, Script, User
from crm_gym.tasks.draft import Achieve, Draft, goal_of, path_of, solution_of
from crm_gym.tasks.families.steps import gone, modify, stands, stands_new
from crm_gym.tasks.task import Task
from crm_gym.tasks.worlds import template
from crm_gym.tools import ToolCall
from crm_gym.tools.asking import SILENT, TOPICS

WORLD = template("train", 0, 40)
A, B, C = WORLD.rows["Client"][:3]
NEW = {"name": "Brand New", "email": "brand@new.example", "status": "Active"}


def journal(*changes):
    """A journal whose net change is this."""
    made = Journal()
    for change in changes:
        made.append(change)
    return made


def put(row, status):
    other = row._replace(status=status)
    return Change("Client", row[0], row, other if other != row else row._replace(status="Inactive"))


def seen(change):
    return stands(change.before, status=change.after.status)


SET_A, SET_B, SET_C = put(A, "Prospect"), put(B, "Prospect"), put(C, "Prospect")
STATES = {
    "nothing": journal(),
    "A": journal(SET_A),
    "A and B": journal(SET_A, SET_B),
    "B": journal(SET_B),
    "C": journal(SET_C),
    "A and C": journal(SET_A, SET_C),
}
PHASES = (
    Phase(told={"amount": "Ten."}, until=(seen(SET_A),), wrong={C[0]: "No, not C."}, waits="Set A first."),
    Phase("Now B.", told={"owner": "Mine."}, until=(seen(SET_A), seen(SET_B)), waits="And B?"),
    Phase("No, the other one: A as it was.", until=(seen(SET_B),), wrong={A[0]: "A is still changed."}),
)
GOES_ON = ({"A", "A and B"}, {"A and B"}, {"B"})
"""In which states the user of these phases goes on, from the first phase, the second and the third."""
SCRIPT = Script(PHASES, patience=3, thanks="All done.", leaves="Bye.")
ASKED = ("amount", "owner", DONE)


def expected(heard, about, state):
    """What the user of SCRIPT says when so many phases have been announced, worked out without the machine."""
    if about != DONE:
        return PHASES[heard].told.get(about, SILENT)
    if state in GOES_ON[heard]:
        return PHASES[heard + 1].says if heard + 1 < len(PHASES) else SCRIPT.thanks
    objecting = {0: {"C", "A and C"}, 1: set(), 2: {"A", "A and B", "A and C"}}[heard]
    return next(iter(PHASES[heard].wrong.values())) if state in objecting else PHASES[heard].waits


def test_machine_walked_exhaustively():
    """Every sequence of questions and states of the CRM, to the end and one beyond."""
    walked = 0

    def walk(phase, answers, heard):
        nonlocal walked
        for state, net in STATES.items():
            for about in ASKED:
                user = User(SCRIPT)
                user.phase, user.answers = phase, answers
                said = user.answer(about, net)
                walked += 1
                if answers >= SCRIPT.patience:
                    assert said == SCRIPT.leaves
                    assert (user.phase, user.answers) == (phase, SCRIPT.patience + 1)
                    continue
                assert said == expected(heard, about, state), (heard, about, state)
                announced = said in [each.says for each in PHASES[1:]]
                assert announced == (about == DONE and state in GOES_ON[heard] and heard + 1 < len(PHASES))
                walk(user.phase, user.answers, heard + announced)

    walk(0, 0, 0)
    assert walked == sum((len(STATES) * len(ASKED)) ** depth for depth in range(1, SCRIPT.patience + 2))


@pytest.mark.parametrize("about", TOPICS)
def test_gone_for_ever_once_patience_is_used_up(about):
    user = User(SCRIPT)
    for _ in range(SCRIPT.patience):
        assert user.answer("reason", STATES["A"]) == SILENT
    left = (user.phase, user.answers + 1)
    for net in STATES.values():
        assert user.answer(about, net) == SCRIPT.leaves
        assert (user.phase, user.answers) == left


def test_last_phase_is_absorbing():
    user = User(Script((PHASES[0],), patience=9, thanks="All done."))
    assert [user.answer(DONE, STATES["A"]) for _ in range(3)] == ["All done."] * 3
    assert user.answer(DONE, STATES["nothing"]) == "Set A first."  # it was taken back: no thanks for that


def test_waits_for_new_records_and_for_deletions():
    created = Change("Client", "new-id", None, A._replace(client_id="new-id", **NEW))
    bare = created._replace(after=type(A)("new-id", "Brand New", "brand@new.example", "Active", *[None] * 5))
    phase = Phase(until=(stands_new("Client", NEW), gone(B)), waits="Not yet.")
    deleted = Change("Client", B[0], B, None)
    assert phase.objection(journal(bare)) == "Not yet."
    assert phase.objection(journal(deleted)) == "Not yet."
    assert phase.objection(journal(bare, deleted)) is None
    assert phase.objection(journal(created, deleted)) == "Not yet."  # with a phone nobody asked for


def test_malformed_scripts_are_refused():
    with pytest.raises(TaskError, match=r"tells nothing about 'amuont'.*amount"):
        Phase(told={"amuont": "Ten."})
    with pytest.raises(TaskError, match="tells nothing about 'next_step'"):
        Phase(told={DONE: "More."})
    with pytest.raises(TaskError, match="phases and patience"):
        Script(())
    with pytest.raises(TaskError, match="phases and patience"):
        Script(PHASES, patience=0)


CHANGES = (SET_A, SET_B, SET_C)
TEXTS = st.text("abc xyz", min_size=1, max_size=12)


@st.composite
def scripts(draw):
    def phase():
        changes = draw(st.lists(st.sampled_from(CHANGES), unique=True, max_size=3))
        split = draw(st.integers(0, len(changes)))
        told = draw(st.dictionaries(st.sampled_from([topic for topic in TOPICS if topic != DONE]), TEXTS, max_size=3))
        wrong = {change.id: draw(TEXTS) for change in changes[split:]}
        return Phase(draw(TEXTS), told, tuple(map(seen, changes[:split])), wrong, draw(TEXTS))

    phases = tuple(phase() for _ in range(draw(st.integers(1, 4))))
    return Script(phases, draw(st.integers(1, 6)), draw(TEXTS), draw(TEXTS))


MOVES = st.lists(st.tuples(st.sampled_from(TOPICS), st.sets(st.sampled_from(CHANGES))), min_size=1, max_size=12)


@settings(max_examples=150, deadline=None)
@given(scripts(), MOVES, st.integers(0, 11))
def test_any_user_is_a_small_pure_machine(script, moves, cut):
    """Deterministic, the same after pickling and copying in the middle, and each answer one of those written down."""
    user, twin = User(script), User(script)
    phase = 0
    for number, (about, changes) in enumerate(moves):
        if number == cut:
            twin = pickle.loads(pickle.dumps(copy.deepcopy(twin)))
        net = journal(*sorted(changes))
        before = script.phases[phase]
        said = user.answer(about, net)
        assert twin.answer(about, net) == said
        if number >= script.patience:
            assert said == script.leaves
        elif about != DONE:
            assert said == before.told.get(about, SILENT)
            assert user.phase == phase
        elif user.phase != phase:
            assert user.phase == phase + 1
            assert said == script.phases[phase + 1].says
            assert all(any(one.met_by(change) for change in changes) for one in before.until)
            assert not {change.id for change in changes} & before.wrong.keys()
        else:
            assert said in {before.waits, script.thanks, *before.wrong.values()}
        phase = user.phase
        assert user.answers <= script.patience + 1


# Through the environment


def dialogue():
    """A task with a user: two clients, the second named only when the first is done."""
    change = {"status": SET_A.after.status}
    calls = [modify(A, change), modify(B, {"status": SET_B.after.status})]
    draft = Draft(
        request="Begin with the first client.",
        calls=calls,
        path=[calls[0], ToolCall("ask_user", {"about": DONE}), calls[1]],
        achieve=[Achieve("Client", A[0], change), Achieve("Client", B[0], {"status": SET_B.after.status})],
        user=Script((Phase(told={"owner": "Mine."}, until=(seen(SET_A),)), Phase("Now B."))),
    )
    return Task("DIA-1", "dialogue", draft.request, WORLD.world, goal_of(draft, WORLD.world), solution_of(draft),
                user=draft.user, split="train", _path=path_of(draft))  # fmt: skip


def made(task=None, **kwargs):
    env = gym.make("CrmEnv-v0", disable_env_checker=True, **kwargs).unwrapped
    env.reset(seed=0, options={"task": task} if task is not None else None)
    return env


def step(env, tool, **arguments):
    return env.step({"tool": tool, "arguments": arguments})


def asked(env, about, **more):
    observation, *_ = step(env, "ask_user", about=about, **more)
    return json.loads(observation["result"])["user"]


def test_text_is_part_of_the_observation_and_depends_on_the_crm():
    env = made(dialogue())
    assert asked(env, "owner", question="Whose is it?") == "Mine."
    assert asked(env, "amount") == SILENT
    assert asked(env, DONE) == Phase().waits
    env.step({"tool": "modify_client", "arguments": modify(A, {"status": SET_A.after.status}).arguments})
    assert asked(env, DONE) == "Now B."
    observation, reward, over, _, info = env.step(modify_b())
    assert (over, info["is_success"], reward) == (True, True, 1.0)
    assert observation["steps"] == 6


def modify_b():
    return {"tool": "modify_client", "arguments": modify(B, {"status": SET_B.after.status}).arguments}


def test_asking_costs_a_step_and_solves_nothing():
    env = made(dialogue(), reward={"step": -0.25, "refused": -1.0})
    observation, reward, over, truncated, info = step(env, "ask_user", about="owner")
    assert (reward, over, truncated) == (-0.25, False, False)
    assert (observation["steps"], observation["status"], info["reward_terms"]["step"]) == (1, OK, -0.25)


def test_refused_topic_costs_no_patience():
    env = made(dialogue())
    for about in ("Owner", "owners", "", "everything"):
        observation, *_, info = step(env, "ask_user", about=about)
        assert (observation["status"], info["error"]["code"], info["error"]["field"]) == (
            REFUSED,
            "enum_value",
            "about",
        )
    assert env._user.answers == 0
    observation, *_ = step(env, "ask_user", question="Whose?")
    assert observation["error_code"] == "missing_field"
    assert asked(env, "owner") == "Mine."


@pytest.mark.parametrize("about", TOPICS)
def test_a_task_without_a_user_has_no_more_to_tell(about):
    env = made()
    assert env.task.user is None
    assert asked(env, about) == SILENT


def test_copied_environments_talk_on_by_themselves():
    env = made(dialogue())
    assert asked(env, "owner") == "Mine."
    twins = [copy.deepcopy(env), pickle.loads(pickle.dumps(env))]
    for twin in twins:
        twin.step({"tool": "modify_client", "arguments": modify(A, {"status": SET_A.after.status}).arguments})
        assert asked(twin, DONE) == "Now B."
        assert asked(twin, "owner") == SILENT  # that was another phase
    assert asked(env, DONE) == Phase().waits
    assert asked(env, "owner") == "Mine."
    assert [each._user.answers for each in (env, *twins)] == [3, 3, 3]


def test_reset_brings_the_user_back():
    task = dialogue()
    env = made(task)
    for _ in range(20):
        last = asked(env, "owner")
    assert last == task.user.leaves
    env.reset(options={"task": task})
    assert asked(env, "owner") == "Mine."
