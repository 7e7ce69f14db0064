"""Why episodes fail: played on golden and generated tasks by agents whose failing is known beforehand."""

from collections import Counter

import gymnasium as gym
import pytest

import crm_gym
from crm_gym import ToolCall, load_suite
from crm_gym.baselines import ConstantAgent, DeclineAgent, NullAgent, RandomAgent
from crm_gym.baselines.scripted import PlanAgent
from crm_gym.baselines.spoilers import DestroyAgent, ReadOnlyAgent, SprayAgent
from crm_gym.evaluation.plan import Job
from crm_gym.evaluation.playing import play
from crm_gym.evaluation.records import FAILURES
from crm_gym.tasks.goal import AnswerGoal, ChangeGoal, RefusalGoal

RUN = dict.fromkeys(crm_gym.evaluation.records.Run.__annotations__, "")
TASKS = load_suite("golden")
KINDS = {
    "changes": [task for task in TASKS if isinstance(task.goal, ChangeGoal)],
    "answers": [task for task in TASKS if isinstance(task.goal, AnswerGoal)],
    "refusals": [task for task in TASKS if isinstance(task.goal, RefusalGoal)],
}


class Planned(PlanAgent):
    """Plays the calls it is given, then says that it is done."""

    def __init__(self, env, calls):
        super().__init__(env)
        self.calls = calls

    def plan(self, task):
        return tuple(self.calls(task) if callable(self.calls) else self.calls)


class Unreadable:
    """Says what nobody can read."""

    def __init__(self, *actions):
        self.actions = actions

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        number = state or 0
        return self.actions[min(number, len(self.actions) - 1)], number + 1


@pytest.fixture(scope="module")
def env():
    made = gym.make("CrmEnv-v0", disable_env_checker=True)
    yield made
    made.close()


def reason(env, agent, task_id, seed=0):
    """The reason of the failure; "success" where there is none."""
    record = play(env, agent, Job(0, seed, 0, {"task_id": task_id}), RUN)
    assert record["outcome"] in ("success", "failure")
    assert record["reason"] is None or record["reason"] in FAILURES
    return record["reason"] or record["outcome"]


def reasons(env, agent, tasks):
    return Counter(reason(env, agent, task.id) for task in tasks)


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_nothing_gave_up(env, kind):
    assert set(reasons(env, NullAgent(), KINDS[kind])) == {"gave_up"}


@pytest.mark.parametrize("kind", KINDS)
def test_who_only_reads_gave_up(env, kind):
    assert set(reasons(env, ReadOnlyAgent(env), KINDS[kind])) == {"gave_up"}


@pytest.mark.parametrize("kind", ["changes", "answers"])
def test_who_turns_down_what_can_be_done_refuses_too_much(env, kind):
    assert set(reasons(env, DeclineAgent(), KINDS[kind])) == {"over_refusal"}


def test_who_turns_down_for_another_reason_gives_a_wrong_value(env):
    found = reasons(env, DeclineAgent("duplicate_email", "nothing"), KINDS["refusals"])
    assert set(found) == {"wrong_value"}


@pytest.mark.parametrize("kind", KINDS)
def test_who_does_it_and_harms_another_record_writes_too_much(env, kind):
    found = reasons(env, DestroyAgent(env), KINDS[kind])
    strays = found.total() - found["extra_write"]
    # One clones the record that was harmed: its copy has the wrong name.
    assert strays <= 1
    assert set(found) <= {"extra_write", "wrong_value"}


def test_another_answer_is_a_wrong_value(env):
    assert set(reasons(env, ConstantAgent(env), KINDS["answers"])) == {"wrong_value"}


def test_a_refusal_answered_by_other_values_or_records(env):
    """Made acceptable and done: the right tool, on the record that was meant, or on another."""
    assert set(reasons(env, ConstantAgent(env), KINDS["refusals"])) == {"wrong_value", "wrong_record"}


def test_a_refused_call_made_acceptable_is_a_wrong_value(env):
    task = crm_gym.find_task("MOP-102")
    call = ToolCall("modify_opportunity", {"id": task.goal.call.arguments["id"], "updates": {"probability": 15}})
    assert reason(env, Planned(env, [call]), task.id) == "wrong_value"


def test_a_refused_call_made_on_another_record(env):
    task = crm_gym.find_task("MOP-112")
    other = next(row[0] for row in task.world.crm.find("Opportunity") if row.stage not in ("Closed Won", "Closed Lost"))
    call = ToolCall("modify_opportunity", {"id": other, "updates": {"probability": 15}})
    assert reason(env, Planned(env, [call]), task.id) == "wrong_record"


def test_a_refusal_got_around_with_another_tool(env):
    task = crm_gym.find_task("MOP-102")
    call = ToolCall("delete_opportunity", {"id": task.goal.call.arguments["id"]})
    note = ToolCall("clone_opportunity", {"opportunity_id": task.goal.call.arguments["id"]})
    assert reason(env, Planned(env, [call, note]), task.id) == "wrong_tool"


def test_a_refusal_that_is_answered(env):
    assert reason(env, Planned(env, [ToolCall("respond", {"answer": "done"})]), "MOP-102") == "wrong_tool"


def solved_by(tool):
    """Tasks solved by one call of a tool."""
    return [task for task in KINDS["changes"] if [call.tool for call in task.solution] == [tool]]


@pytest.mark.parametrize(("tool", "key", "table"), [
    ("delete_quote", "quote_id", "Quote"),
    ("cancel_quote", "quote_id", "Quote"),
    ("modify_client", "id", "Client"),
    ("modify_opportunity", "id", "Opportunity"),
])  # fmt: skip
def test_the_right_kind_of_change_on_another_record(env, tool, key, table):
    """On every other record that takes it."""
    found = Counter()
    for task in solved_by(tool):
        right = task.solution[0]
        for row in task.world.crm.find(table):
            if row[0] != right.arguments[key]:
                wrong = ToolCall(tool, {**right.arguments, key: row[0]})
                found[reason(env, Planned(env, [wrong]), task.id)] += 1
    assert found["wrong_record"] > 10
    assert set(found) <= {"wrong_record", "gave_up"}  # gave_up: the CRM refused it, nothing is wrong


def test_a_new_record_that_hangs_on_another(env):
    """All its values are right, and it is another client's."""
    found = Counter()
    for task in solved_by("create_new_opportunity"):
        right = task.solution[0]
        other = next(row[0] for row in task.world.crm.find("Client") if row[0] != right.arguments["client_id"])
        wrong = ToolCall(right.tool, {**right.arguments, "client_id": other})
        found[reason(env, Planned(env, [wrong]), task.id)] += 1
    assert set(found) == {"wrong_record"}


@pytest.mark.parametrize(
    ("tool", "name", "value"),
    [
        ("create_new_opportunity", "name", "Somebody Else"),
        ("create_quote", "amount", 77.25),
        ("create_new_contact", "first_name", "Somebody Else"),
    ],
)
def test_a_new_record_with_another_value(env, tool, name, value):
    found = Counter()
    for task in solved_by(tool):
        right = task.solution[0]
        found[reason(env, Planned(env, [ToolCall(tool, {**right.arguments, name: value})]), task.id)] += 1
    assert set(found) == {"wrong_value"}


def test_the_right_record_with_another_value(env):
    found = Counter()
    for task in solved_by("modify_client"):
        right = task.solution[0]
        wrong = ToolCall(right.tool, {**right.arguments, "updates": {"address": "Nowhere 1"}})
        if "address" not in right.arguments["updates"]:
            found[reason(env, Planned(env, [wrong]), task.id)] += 1
    assert set(found) == {"wrong_value"}


def test_the_right_and_more(env):
    """More on the same record is another value; on another record, or a new one, it is too much."""
    for task in solved_by("modify_opportunity")[:4]:
        right = task.solution[0]
        again = ToolCall(right.tool, {"id": right.arguments["id"], "updates": {"name": "Somebody Else"}})
        assert reason(env, Planned(env, [again, right]), task.id) == "wrong_value"
        client = next(iter(task.world.crm.find("Client")))[0]
        note = ToolCall("add_note", {"entity_type": "Client", "entity_id": client, "content": "called"})
        assert reason(env, Planned(env, [note, right]), task.id) == "extra_write"


@pytest.mark.parametrize("instead", ["clone", "note"])
def test_another_tool_than_the_one_that_was_due(env, instead):
    for task in solved_by("delete_opportunity"):
        record = next(iter(task.solution[0].arguments.values()))
        call = {
            "clone": ToolCall("clone_opportunity", {"opportunity_id": record}),
            "note": ToolCall("add_note", {"entity_type": "Opportunity", "entity_id": record, "content": "gone"}),
        }[instead]
        assert reason(env, Planned(env, [call]), task.id) == "wrong_tool"


def test_cancelling_is_not_deleting(env):
    """The right record, and another verb."""
    found = Counter(
        reason(env, Planned(env, [ToolCall("cancel_quote", dict(task.solution[0].arguments))]), task.id)
        for task in solved_by("delete_quote")
    )
    assert found["wrong_tool"] > 0
    assert set(found) <= {"wrong_tool", "gave_up"}


def test_an_answer_where_a_write_was_due(env):
    answer = Planned(env, [ToolCall("respond", {"answer": "done"})])
    assert set(reasons(env, answer, KINDS["changes"])) == {"wrong_tool"}


def test_a_write_where_an_answer_was_due(env):
    found = Counter()
    for task in KINDS["answers"][:20]:
        client = next(iter(task.world.crm.find("Client")), None)
        if client is not None:
            note = ToolCall("add_note", {"entity_type": "Client", "entity_id": client[0], "content": "done"})
            found[reason(env, Planned(env, [note]), task.id)] += 1
            answer = task.solution[-1]
            assert reason(env, Planned(env, [note, answer]), task.id) == "extra_write"
    assert set(found) == {"wrong_tool"}


def test_a_limit_of_steps(env):
    read = Planned(env, lambda task: [ToolCall("client_search", {})] * 50)
    for kind in KINDS:
        assert set(reasons(env, read, KINDS[kind][:5])) == {"budget"}


def test_what_cannot_be_read(env):
    for kind in KINDS:
        for agent in (Unreadable("not JSON"), Unreadable({"tool": "no_such_tool", "arguments": {}}, None, 7)):
            assert set(reasons(env, agent, KINDS[kind][:3])) == {"malformed"}
    readable_in_the_end = Unreadable("not JSON", {"tool": "finish", "arguments": {}})
    assert reason(env, readable_in_the_end, "CNC-001") == "gave_up"


def test_attempts():
    """Where the refused call itself is asked for."""
    with gym.make("CrmEnv-v0", disable_env_checker=True, refusals="attempt") as env:
        task = crm_gym.find_task("MOP-102")
        call = task.goal.call
        refusal = ToolCall("decline", {"code": task.goal.code, "field": task.goal.field})
        other = ToolCall(call.tool, {**call.arguments, "updates": {"probability": -20}})
        assert reason(env, Planned(env, [call]), task.id) == "success"
        assert reason(env, Planned(env, [refusal]), task.id) == "wrong_tool"
        assert reason(env, Planned(env, [other]), task.id) == "wrong_value"
        assert reason(env, NullAgent(), task.id) == "gave_up"


def test_work_with_several_changes():
    """A part of it is giving up; a part with something wrong is that."""
    found = Counter()
    with gym.make("CrmEnv-Workflow-v0", disable_env_checker=True) as env:
        for seed in range(60):
            env.reset(seed=seed)
            task = env.unwrapped.task
            if not isinstance(task.goal, ChangeGoal) or len(task.goal.changes) < 2 or len(task.solution) < 3:
                continue
            job = Job(0, seed, 0)
            part = play(env, Planned(env, lambda task: task.solution[:1]), job, RUN)
            assert part["outcome"] == "failure"
            if part["verdict"]["unexpected"] == 0 < part["verdict"]["progress"]:
                found[part["reason"]] += 1
            whole = play(env, Planned(env, lambda task: task.solution), job, RUN)
            assert whole["outcome"] == "success"
            turned_down = play(env, DeclineAgent(), job, RUN)
            assert turned_down["reason"] == "over_refusal"
    assert found["gave_up"] > 10
    assert set(found) == {"gave_up"}


@pytest.mark.parametrize("kind", KINDS)
def test_chance_fails_in_many_ways(env, kind):
    """Whatever it does, there is a word for it."""
    found = reasons(env, RandomAgent(3), KINDS[kind][:100]) + reasons(env, SprayAgent(3), KINDS[kind][:60])
    assert len(found) >= 4
