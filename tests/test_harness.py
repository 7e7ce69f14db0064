"""The harness: what is played, what is written down of it, and that nothing is lost or played twice."""

import asyncio
import json
from dataclasses import replace

import gymnasium as gym
import pytest
from talking import Faltering, Outage, Talker, chance, oracle, refusal

from crm_gym import AgentError, InfraError, ToolCall, UsageError, find_task, load_suite, rollout
from crm_gym.baselines import NullAgent
from crm_gym.evaluation.callbacks import EpisodeCallback
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import LogError, LogWriter, read_log
from crm_gym.evaluation.plan import Job, Plan, code_version, run_line
from crm_gym.evaluation.playing import play
from crm_gym.evaluation.records import ENDS, EpisodeRecord, Run, StepRecord

FEW = Plan(tasks=("delete_quote", "quote_details"))
ONE = Plan(tasks=("CNC-001",))
NO_RUN = run_line(ONE, NullAgent())


def lines(path):
    """The lines of a log by index, as they stand there."""
    first, *rest = path.read_bytes().splitlines()
    return [first, *sorted(rest, key=lambda line: json.loads(line)["index"])]


def played(agent, plan=ONE, job=None):
    return play(plan.make_env(), agent, job or plan.jobs()[0], NO_RUN)


def run(agent, path, plan=FEW, **keywords):
    return BaselineHarness(agent, path, plan, **keywords).run()


class Calling:
    """Makes these calls, then finishes."""

    def __init__(self, *actions):
        self.actions = actions

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        left = iter(self.actions) if episode_start else state
        return next(left, ToolCall("finish")), left


class Raising:
    def __init__(self, fault):
        self.fault = fault

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        raise self.fault


# The plan


def test_every_task_of_a_suite_is_played_with_a_seed_of_its_own():
    jobs = Plan(seed=7).jobs()
    assert [job.options["task_id"] for job in jobs] == [task.id for task in load_suite("golden")]
    assert [job.seed for job in jobs[:3]] == [7, 8, 9]
    assert [job.index for job in jobs] == list(range(len(jobs)))


def test_trials_of_a_task_share_the_seed_of_the_reset_and_differ_in_the_agents():
    jobs = replace(ONE, trials=3, seed=5).jobs()
    assert [(job.index, job.seed, job.trial) for job in jobs] == [(0, 5, 0), (1, 5, 1), (2, 5, 2)]
    assert [job.agent_seed for job in jobs] == [5, 1_000_008, 2_000_011]


def test_drawn_episodes_are_those_that_seeded_resets_draw():
    plan = Plan(episodes=5, seed=3, suite="core")
    env = plan.make_env()
    drawn = [env.reset(seed=seed)[1]["task_id"] for seed in range(3, 8)]
    assert [job.options["task_id"] for job in plan.jobs()] == drawn


def test_generated_tasks_are_drawn_as_they_are_played_and_weighed_when_that_helps():
    plan = Plan("CrmEnv-Train-v0", episodes=3, trials=2)
    assert [job.options for job in plan.jobs()] == [None] * 6
    env, weights = plan.make_env(), []
    for seed in range(3):
        env.reset(seed=seed)
        weights += [len(env.unwrapped.task.demonstration)] * 2
    assert [job.weight for job in plan.weighed(plan.jobs())] == weights


def test_weights_are_the_lengths_of_demonstrations():
    jobs = FEW.weighed(FEW.jobs())
    assert [job.weight for job in jobs] == [len(find_task(job.options["task_id"]).demonstration) for job in jobs]


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"env_id": "CrmEnv-v9"}, "did you mean 'CrmEnv-v0'"),
        ({"env_id": "CrmEnvForm-Test-v0"}, "say CrmEnv-Test-v0"),
        ({"suite": "goldn"}, "did you mean 'golden'"),
        ({"refusals": "no"}, "known are decline, attempt"),
        ({"ends_on": "finsh"}, "did you mean 'finish'"),
        ({"seed": -1}, "seed must be a whole number of 0 or more"),
        ({"trials": 0}, "trials must be a whole number of 1 or more"),
        ({"trials": True}, "trials must be"),
        ({"episodes": 0}, "episodes must be"),
        ({"env": {"suite": "core"}}, "say suite=..."),
        ({"env": {"reward": float}}, "plain JSON"),
        ({"env": ["records"]}, "env must map"),
    ],
)
def test_a_plan_that_cannot_be_says_what_would_do(keywords, said):
    with pytest.raises(UsageError, match=said):
        Plan(**keywords)


def test_unknown_tasks_and_keywords_are_refused_before_anything_is_written(tmp_path):
    for plan, said in (
        ({"tasks": ("CNC-0001",)}, "did you mean 'CNC-001'"),
        ({"env": {"recrods": 10}}, "did you mean 'records'"),
        ({"suit": "core"}, "suit"),
        ({"suite": "generated"}, "say how many"),
    ):
        with pytest.raises(UsageError, match=said):
            run(chance, tmp_path / "log.jsonl", plan)
    assert list(tmp_path.iterdir()) == []


def test_the_first_line_has_every_part_and_its_own_hash():
    line = run_line(ONE, NullAgent())
    assert list(line) == list(Run.__annotations__)
    assert (line["agent"], line["settings"], line["model"], line["count"]) == ("NullAgent", {}, None, 1)
    assert line["code"] == code_version()
    assert line == run_line(ONE, NullAgent())


@pytest.mark.parametrize(
    "other",
    [
        replace(ONE, seed=1),
        replace(ONE, trials=2),
        replace(ONE, tasks=("CNC-002",)),
        replace(ONE, ends_on="finish"),
        replace(ONE, env={"reward": {"step": -0.1}}),
    ],
    ids=["seed", "trials", "tasks", "ends_on", "reward"],
)
def test_another_plan_is_another_run(other):
    assert run_line(other, NullAgent())["run"] != NO_RUN["run"]


def test_drawn_tasks_are_another_set_than_the_suite():
    plan = Plan(suite="core")
    assert plan.task_set() != Plan().task_set() != replace(plan, episodes=103).task_set()


def test_an_agent_with_a_model_says_who_it_is():
    line = run_line(ONE, Talker(cost=2.0), name="me")
    assert (line["agent"], line["model"], line["prompt"]) == ("me", "talker-1", "0123456789abcdef")
    assert line["settings"] == {"cost": 2.0}


# The record


def test_a_record_has_every_part_in_order_and_nothing_else():
    record = played(NullAgent())
    assert [name for name in EpisodeRecord.__annotations__ if name != "check"] == list(record)
    record = played(Calling(find_task("CNC-001").solution[0]))
    assert [name for name in StepRecord.__annotations__ if name != "said"] == list(record["steps"][0])
    json.dumps(record, allow_nan=False)


def test_what_is_played_is_what_a_plain_rollout_plays():
    plan = Plan(episodes=20)
    env = plan.make_env()
    for job in plan.jobs():
        record = play(env, chance(env, job.agent_seed), job, NO_RUN)
        plain = rollout(env, chance(env, job.agent_seed), seed=job.seed, options=job.options)
        assert (record["task"], len(record["steps"]), record["total"]) == (plain.task_id, plain.steps, plain.reward)
        assert [step["error"]["code"] for step in record["steps"] if step["error"]] == list(plain.errors)
        assert record["verdict"] == plain.verdict
        assert (record["terminated"], record["truncated"]) == (plain.terminated, plain.truncated)


def test_a_success_shows_call_result_reward_hash_and_changes():
    env, (job,) = ONE.make_env(), ONE.jobs()
    record = play(env, oracle(env, 0), job, NO_RUN)
    last = record["steps"][-1]
    assert (record["outcome"], record["reason"], record["note"], record["total"]) == ("success", None, None, 1.0)
    assert last["tool"] == "create_new_client"
    assert last["arguments"] == find_task("CNC-001").solution[0].arguments
    assert last["hash"] == env.unwrapped.crm.state_hash()[:16]
    assert last["reward"] == {"success": 1.0}
    (change,) = last["diff"]
    assert change["before"] is None
    assert change["after"] == json.loads(last["result"])
    assert record["diff"] == [change]


def test_a_look_up_changes_neither_hash_nor_records():
    record = played(Calling(ToolCall("client_search"), ToolCall("client_search")))
    first, second, _ = record["steps"]
    assert first["hash"] == second["hash"]
    assert first["diff"] == second["diff"] == record["diff"] == []


def test_what_is_done_and_undone_stands_in_the_steps_alone():
    plan = Plan(tasks=("MOP-001",))
    env = plan.make_env()
    env.reset(seed=0, options={"task_id": "MOP-001"})
    deal = next(iter(env.unwrapped.crm.find("Opportunity")))
    there = ToolCall("modify_opportunity", {"opportunity_id": deal[0], "updates": {"notes": "once"}})
    back = ToolCall("modify_opportunity", {"opportunity_id": deal[0], "updates": {"notes": deal.notes}})
    record = played(Calling(there, back), plan)
    assert [len(step["diff"]) for step in record["steps"]] == [1, 1, 0]
    assert record["steps"][0]["diff"][0]["after"]["notes"] == "once"
    assert record["diff"] == []
    assert record["steps"][0]["hash"] != record["steps"][1]["hash"] == record["steps"][2]["hash"]


def test_a_refused_call_keeps_its_error():
    (step, _) = played(Calling(ToolCall("create_new_client", {"name": "A"})))["steps"]
    assert (step["error"]["code"], step["error"]["field"]) == ("missing_field", "email")
    assert json.loads(step["result"]) == step["error"]


@pytest.mark.parametrize(
    ("action", "code"),
    [
        ({"tool": "delete_everything", "arguments": {}}, "unknown_tool"),
        ("{not json", "invalid_json"),
        (b'{"tool": "finish", "arguments": "{x"}', "invalid_json"),
        ({"tool": "finish", "arguments": {"a": float("nan")}}, "invalid_json"),
        ({"tool": "finish", "arguments": "[" * 40_000}, "invalid_json"),
        ("x" * 100_000, "invalid_json"),
        (17, "wrong_type"),
        (object(), "wrong_type"),
    ],
    ids=["tool", "text", "bytes", "nan", "deep", "long", "number", "object"],
)
def test_an_action_that_cannot_be_read_is_kept_as_a_text_that_earns_the_same_refusal(action, code):
    record = played(Calling(action))
    step = record["steps"][0]
    assert (step["tool"], step["error"]["code"]) == (None, code)
    assert len(step["arguments"]) <= 65_537
    if code != "wrong_type":
        assert played(Calling(step["arguments"]))["steps"][0]["error"]["code"] == code


def test_nested_too_deep_to_be_written_is_no_trouble():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    step = played(Calling({"tool": "finish", "arguments": {"a": deep}}))["steps"][0]
    assert (step["tool"], step["error"]["code"]) == (None, "invalid_json")


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "  ",
        "{}",
        '{"name": "\\ud800"}',
        '{"name": "\u00e9\\u00e9"}',
        '{"limit": 1e0, "name": "%s"}' % ("x" * 5_000),
    ],
    ids=["nothing", "blank", "empty", "surrogate", "accents", "long"],
)
def test_arguments_are_kept_as_they_were_understood(arguments):
    step = played(Calling({"tool": "client_search", "arguments": arguments}))["steps"][0]
    assert (step["tool"], step["arguments"]) == ("client_search", json.loads(arguments.strip() or "{}"))


def test_reference_answers_are_not_in_the_log(tmp_path):
    plan = Plan(env={"expose_reference": True, "include_tool_hints": True})
    log = run(lambda env, seed: NullAgent(), tmp_path / "log.jsonl", plan)
    assert {record["verdict"]["missing"] > 0 for record in log.episodes} == {True}
    text = (tmp_path / "log.jsonl").read_text()
    for task in load_suite("golden"):
        if task.polarity == "accepted":
            continue
        assert f'"code":"{task.goal.code}"' not in text


def test_the_agents_account_is_in_the_record(tmp_path):
    log = run(Talker(), tmp_path / "log.jsonl", executor="serial")
    for record in log.episodes:
        calls = Talker.searches(f"{record['task']} seed {record['seed']} trial 0") + 1
        assert (record["calls"], record["cost"], record["latency"]) == (calls, 0.25 * calls, 0.5 * calls)
        assert record["tokens"] == {"input": 10 * calls, "output": 2 * calls, "cache_read": 0, "cache_write": 0}
        assert [step["said"] for step in record["steps"]] == [f"call {k + 1}" for k in range(calls)]
        assert record["said"] == f"call {calls}"
        assert (record["outcome"], record["model"]) == ("failure", "talker-1")


class Parallel(Talker):
    """Asks for two calls at once: the second step needs no model."""

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        if observation["steps"] == 1:
            return ToolCall("client_search"), state
        return super().predict(observation, state)


def test_what_is_said_once_is_written_once():
    record = play(ONE.make_env(), Parallel(), ONE.jobs()[0], NO_RUN, spend=Free())
    assert ["said" in step for step in record["steps"][:2]] == [True, False]


class Free:
    def before_call(self):
        pass

    def after_call(self, tokens, cost):
        pass


def test_slips_are_kept():
    class Slipping(Talker):
        def reply(self, observation, state):
            state.account.slips.append({"step": 0, "kind": "empty"})
            return super().reply(observation, state)

    record = play(ONE.make_env(), Slipping(), ONE.jobs()[0], NO_RUN, spend=Free())
    assert record["slips"][0] == {"step": 0, "kind": "empty"}
    assert len(record["slips"]) == record["calls"]


# Outcomes


@pytest.mark.parametrize("reason", ENDS)
def test_an_agent_that_cannot_go_on_ends_its_episode(reason):
    record = played(Raising(AgentError(reason, "so it is")))
    outcome = "failure" if reason == "budget" else "model_error"
    assert (record["outcome"], record["reason"], record["note"]) == (outcome, reason, "so it is")
    assert (record["terminated"], record["truncated"], record["steps"]) == (False, True, [])


def test_failures_have_their_reason():
    assert played(NullAgent())["reason"] == "gave_up"
    assert played(Calling(ToolCall("decline", {"code": "blank", "field": "name"})))["reason"] == "over_refusal"
    idle = played(Calling(*[ToolCall("client_search")] * 50))
    assert (idle["reason"], idle["truncated"], len(idle["steps"])) == ("budget", True, 40)
    assert played(Calling(*["{"] * 50))["reason"] == "malformed"


def test_right_too_late_is_no_success():
    plan = replace(ONE, ends_on="finish")
    env = plan.make_env()
    solution = find_task("CNC-001").solution[0]
    record = played(Calling(solution, *[ToolCall("client_search")] * 50), plan)
    assert (record["outcome"], record["reason"]) == ("failure", "budget")
    assert played(Calling(solution), plan)["outcome"] == "success"
    env.close()


def test_an_outage_of_the_model_is_named():
    record = played(Raising(Outage("try later")))
    assert (record["outcome"], record["reason"], record["note"]) == ("infra_error", "overloaded", "try later")


class Failing(gym.Wrapper):
    """A database that is gone, at a reset or at a step."""

    def __init__(self, env, at_reset):
        super().__init__(env)
        self.at_reset = at_reset

    def reset(self, **keywords):
        came = super().reset(**keywords)
        if self.at_reset:
            raise InfraError("the database is gone")
        return came

    def step(self, action):
        observation, _, _, _, info = super().step(action)
        return observation, 0.0, False, True, {**info, "is_success": False, "infra_error": "the database is gone"}


@pytest.mark.parametrize("at_reset", [True, False])
def test_an_outage_of_the_database_is_nobodys_failure(at_reset):
    record = play(Failing(ONE.make_env(), at_reset), NullAgent(), ONE.jobs()[0], NO_RUN)
    assert (record["outcome"], record["reason"]) == ("infra_error", "database")
    assert record["note"] == "the database is gone"
    assert (record["task"], record["steps"], record["truncated"]) == ("CNC-001", [], True)
    assert record["verdict"] == {"success": False, "progress": 0.0, "missing": 1, "unexpected": 0}


def test_other_faults_are_not_taken_for_anything():
    with pytest.raises(ZeroDivisionError):
        played(Raising(ZeroDivisionError()))


def test_a_plain_rollout_starts_a_model_agent_and_ends_with_its_error():
    class Tired(Talker):
        def reply(self, observation, state):
            if observation["steps"] == 1:
                raise AgentError("refusal", "no more")
            return ToolCall("client_search"), state

        def start(self, label, spend=None):
            return super().start(label, Free())

    agent = Tired()
    episode = rollout(ONE.make_env(), agent, seed=3)
    assert agent.labels == ["CNC-001 seed 3"]
    assert (episode.steps, episode.truncated, episode.terminated, episode.success) == (1, True, False, False)


# The run


def test_a_run_writes_one_line_an_episode_and_reads_them_back(tmp_path):
    path = tmp_path / "deep" / "log.jsonl"
    log = run(oracle, path, replace(FEW, trials=2))
    assert len(log.episodes) == log.run["count"] == 2 * len(FEW.jobs())
    assert {record["outcome"] for record in log.episodes} == {"success"}
    assert log.faults == ()
    assert log == read_log(path)
    assert path.stat().st_mode & 0o777 == 0o600


def test_each_trial_of_an_agent_by_chance_is_another_one(tmp_path):
    log = run(chance, tmp_path / "log.jsonl", replace(ONE, trials=2))
    first, second = log.episodes
    assert first["steps"] != second["steps"]


def test_a_run_does_not_replace_another_by_accident(tmp_path):
    path = tmp_path / "log.jsonl"
    run(oracle, path)
    before = path.read_bytes()
    with pytest.raises(LogError, match="--resume goes on"):
        run(oracle, path)
    assert path.read_bytes() == before
    run(oracle, path, ONE, force=True)
    assert len(read_log(path).episodes) == 1


class StopAfter(EpisodeCallback):
    def __init__(self, count, fault):
        self.count, self.fault = count, fault

    def on_episode_end(self, record):
        self.count -= 1
        if not self.count:
            raise self.fault


@pytest.mark.parametrize("fault", [RuntimeError("stop"), KeyboardInterrupt()], ids=["fault", "ctrl-c"])
@pytest.mark.parametrize("agent", [chance, Talker()], ids=["serial", "async"])
def test_a_stopped_run_goes_on_and_ends_in_the_same_log(tmp_path, fault, agent):
    whole, stopped = tmp_path / "whole.jsonl", tmp_path / "stopped.jsonl"
    run(agent, whole)
    with pytest.raises(type(fault)) as caught:
        run(agent, stopped, callbacks=[StopAfter(3, fault)])
    assert len(read_log(stopped).episodes) == 3
    if isinstance(fault, KeyboardInterrupt):
        assert "3 of" in str(caught.value)
        assert "--resume" in str(caught.value)
    played_again = []

    class Watch(EpisodeCallback):
        def on_episode_begin(self, job):
            played_again.append(job.index)

    run(agent, stopped, resume=True, callbacks=[Watch()])
    assert len(played_again) == len(FEW.jobs()) - 3
    assert lines(stopped) == lines(whole)


def test_a_run_that_is_whole_plays_nothing_more(tmp_path):
    path = tmp_path / "log.jsonl"
    run(oracle, path)
    before = path.read_bytes()
    run(oracle, path, resume=True)
    assert path.read_bytes() == before


def test_another_run_is_not_gone_on_with(tmp_path):
    run(oracle, tmp_path / "log.jsonl")
    with pytest.raises(LogError, match="seed was 0, is 9"):
        run(oracle, tmp_path / "log.jsonl", replace(FEW, seed=9), resume=True)


def test_a_log_that_is_written_to_is_left_alone(tmp_path):
    with LogWriter(tmp_path / "log.jsonl", NO_RUN), pytest.raises(LogError, match="another run writes"):
        run(lambda env, seed: NullAgent(), tmp_path / "log.jsonl", ONE, resume=True)


@pytest.mark.parametrize("executor", ["serial", "async"])
def test_outages_are_played_again_when_all_others_are_through(tmp_path, executor):
    agent = Faltering({"seed 1 ": Outage("later")})
    log = run(agent, tmp_path / "log.jsonl", executor=executor)
    kept = [json.loads(line)["seed"] for line in (tmp_path / "log.jsonl").read_text().splitlines()[1:]]
    assert kept == [0, *range(2, len(FEW.jobs())), 1]
    assert [record["attempt"] for record in log.episodes] == [1, 2, *[1] * (len(FEW.jobs()) - 2)]
    assert log.episodes[1]["outcome"] == "failure"


def test_an_outage_that_stays_is_written_down_once_and_played_again_by_a_resumed_run(tmp_path):
    path = tmp_path / "log.jsonl"
    agent = Faltering({"seed 1 ": Outage("later"), "seed 2 ": refusal()}, times=3)
    log = run(agent, path, outage_retries=1)
    assert [record["outcome"] for record in log.episodes[:3]] == ["failure", "infra_error", "model_error"]
    assert len(path.read_text().splitlines()) == 1 + len(FEW.jobs())
    assert log.episodes[1]["attempt"] == 2
    log = run(agent, path, resume=True)
    assert (log.episodes[1]["outcome"], log.episodes[1]["attempt"]) == ("failure", 4)
    assert log.episodes[2]["outcome"] == "model_error"
    assert len(path.read_text().splitlines()) == 2 + len(FEW.jobs())


def test_an_outage_held_back_when_the_run_stops_is_not_lost(tmp_path):
    path = tmp_path / "log.jsonl"
    agent = Faltering({"seed 0 ": Outage("later")})
    with pytest.raises(RuntimeError):
        run(agent, path, executor="serial", callbacks=[StopAfter(2, RuntimeError())])
    assert [record["seed"] for record in read_log(path).episodes] == [1, 2]
    assert len(run(agent, path, resume=True).episodes) == len(FEW.jobs())


def test_a_fault_of_the_program_stops_the_run_and_keeps_what_is_finished(tmp_path):
    path = tmp_path / "log.jsonl"
    for executor in ("serial", "async"):
        with pytest.raises(ZeroDivisionError):
            run(Faltering({"seed 2 ": ZeroDivisionError()}), path, executor=executor, force=True)
        assert [record["seed"] for record in read_log(path).episodes] == [0, 1]


def test_callers_may_bring_their_own_environment(tmp_path):
    made = []

    def make_env(plan):
        made.append(Failing(plan.make_env(), at_reset=False))
        return made[-1]

    log = run(lambda env, seed: NullAgent(), tmp_path / "log.jsonl", ONE, make_env=make_env, outage_retries=0)
    assert log.episodes[0]["outcome"] == "infra_error"
    assert made


def test_a_run_in_a_notebook_has_a_loop_of_its_own(tmp_path):
    async def cell():
        return run(Talker(), tmp_path / "log.jsonl", workers=4)

    assert len(asyncio.run(cell()).episodes) == len(FEW.jobs())


def test_a_fault_in_a_notebook_comes_out(tmp_path):
    async def cell():
        return run(Faltering({"seed 2 ": ZeroDivisionError()}), tmp_path / "log.jsonl")

    with pytest.raises(ZeroDivisionError):
        asyncio.run(cell())


@pytest.mark.parametrize("agent", [3, object(), lambda env: None, lambda env, seed: 3, NullAgent])
def test_what_is_no_agent_and_makes_none_is_refused(tmp_path, agent):
    with pytest.raises(UsageError, match=r"make\(env, seed\)"):
        run(agent, tmp_path / "log.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_settings_of_the_harness_are_checked(tmp_path):
    for keywords, said in (
        ({"outage_retries": -1}, "outage_retries must be"),
        ({"workers": 0}, "workers must be"),
        ({"executor": "asinc"}, "did you mean 'async'"),
        ({"callbacks": [3]}, "EpisodeCallback"),
        ({"callbacks": object()}, "callbacks must be a list of EpisodeCallback"),
        ({"callbacks": EpisodeCallback()}, "callbacks must be a list of EpisodeCallback"),
        ({"budget": 5}, r"budget must be a Budget, such as Budget\(calls=100\)"),
        ({"settings": {"rate": {1, 2}}}, "settings: rate must be plain JSON"),
        ({"settings": {"rate": float("nan")}}, "settings: rate must be plain JSON"),
        ({"settings": {"me": object()}}, "settings: me must be plain JSON"),
        ({"settings": [1]}, "settings must map names"),
        ({"settings": {1: 2}}, "settings must map names"),
        ({"name": 7}, "name must be a text"),
        ({"make_env": 7}, "make_env must be a function"),
    ):
        with pytest.raises(UsageError, match=said):
            run(chance, tmp_path / "log.jsonl", **keywords)
    for path in (None, 3, b"log", ""):
        with pytest.raises(UsageError, match="log_path must be the path of a file"):
            run(chance, path)
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_describes_itself_in_no_json_is_refused(tmp_path):
    class Odd(Talker):
        def describe(self):
            return {"cost": {1, 2}}

    with pytest.raises(UsageError, match="settings: cost must be plain JSON"):
        run(Odd(), tmp_path / "log.jsonl")
    assert list(tmp_path.iterdir()) == []


def test_an_agent_that_cannot_play_says_so_before_there_is_a_log(tmp_path):
    class Keyless(Talker):
        def check(self):
            raise UsageError("no key: set OUR_API_KEY")

    for agent in (Keyless(), lambda env, seed: Keyless()):
        with pytest.raises(UsageError, match="set OUR_API_KEY"):
            run(agent, tmp_path / "log.jsonl")
        assert list(tmp_path.iterdir()) == []


def test_a_method_of_that_name_of_an_agent_without_a_model_is_its_own(tmp_path):
    class Checking(NullAgent):
        def check(self, board):
            raise ZeroDivisionError

    assert run(Checking(), tmp_path / "log.jsonl", ONE).episodes


def test_a_job_is_named_by_seed_and_trial():
    assert Job(3, 7, 1).key == (7, 1)
