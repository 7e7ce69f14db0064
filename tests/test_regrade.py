"""Stored episodes, judged again: nothing differs by itself, and every difference is found and explained."""

import copy
import dataclasses
import json

import gymnasium as gym
import pytest
from crm_agents.commands import regrade as command
from crm_agents.commands import verify_log
from talking import Talker

from crm_gym import AgentError, BudgetSpent, InfraError, UsageError
from crm_gym import env as env_module
from crm_gym.baselines import ConstantAgent, DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent
from crm_gym.baselines.spoilers import SprayAgent
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import LogError, LogWarning, LogWriter, read_log
from crm_gym.evaluation.redact import GONE, Redactor
from crm_gym.evaluation.regrade import judged_again, regrade
from crm_gym.evaluation.report import page
from crm_gym.tools import TOOLS
from crm_gym.verify import Verdict

PLANS = {
    "golden": {"tasks": ("modify_opportunity", "create_quote", "quote_search", "delete_quote", "clone_opportunity")},
    "drawn": {"episodes": 30, "trials": 2, "seed": 9},
    "one": {"tasks": ("MOP-104",), "episodes": 3},
    "attempt": {"suite": "core", "refusals": "attempt", "ends_on": "finish", "episodes": 30},
    "generated": {"env_id": "CrmEnv-Train-v0", "episodes": 12, "seed": 5},
    "dialogue": {"env_id": "CrmEnv-Dialogue-v0", "episodes": 12, "seed": 5},
    "shaped": {"episodes": 20, "env": {"reward": {"progress": 0.5, "step": -0.01}, "weights": "frequency"}},
}
AGENTS = {
    "oracle": lambda env, seed: OracleAgent(env, demonstrate=True),
    "constant": lambda env, seed: ConstantAgent(env),
    "chance": lambda env, seed: RandomAgent(seed),
    "echo": lambda env, seed: EchoAgent(seed),
    "spray": lambda env, seed: SprayAgent(seed),
    "decline": lambda env, seed: DeclineAgent(),
}


class Awkward:
    """Acts out of a list, then stops in some way."""

    def __init__(self, *actions, end=None):
        self.actions, self.end = actions, end

    def predict(self, observation, state=None, episode_start=None, deterministic=False):
        number = state or 0
        if number == len(self.actions):
            if self.end is not None:
                raise self.end
            return {"tool": "finish", "arguments": {}}, number
        return self.actions[number], number + 1


def played(tmp_path, agent, plan=None, **keywords):
    path = tmp_path / "log.jsonl"
    make = agent if callable(agent) else lambda env, seed: agent
    BaselineHarness(make, path, plan or {"tasks": ("MOP-001",)}, name="agent", **keywords).run()
    return path


def changed(path, change):
    """The log with a change made to every episode."""
    log = read_log(path)
    other = path.with_name("changed.jsonl")
    with LogWriter(other, log.run, redact=Redactor({})) as writer:
        for record in log.episodes:
            record = copy.deepcopy(record)
            change(record)
            writer.add(record)
    return other


@pytest.mark.parametrize("plan", PLANS)
@pytest.mark.parametrize("agent", AGENTS)
def test_today_nothing_differs(tmp_path, plan, agent):
    path = played(tmp_path, AGENTS[agent], PLANS[plan])
    assert regrade(path) == []
    log = read_log(path)
    assert [record for record, _ in judged_again(log)] == list(log.episodes)


AWKWARD = {
    "no json": ["{", "", "NaN", '{"tool": "finish", "arguments": {"a": NaN}}'],
    "not finite": [{"tool": "respond", "arguments": {"answer": float("nan")}}],
    "surrogate": [{"tool": "client_search", "arguments": {"name": "a\ud800b\udfff"}}],
    "surrogate as text": [{"tool": "client_search", "arguments": '{"name": "a\\ud800b"}'}],
    "surrogate that is none": [{"tool": "client_search", "arguments": {"name": "\\ud800"}}],
    "unknown tool": [{"tool": "no_such_tool", "arguments": {}}, {"tool": 999, "arguments": "{}"}],
    "other types": [None, 7, ["finish"], b"\xff", {"tool": "finish"}],
    "an object": [object()],
    "unknown field": [{"tool": "finish", "arguments": {"why": [1.0, 1e300, True]}}],
    "long": [{"tool": "add_note", "arguments": {"content": "x" * 70_000}}, "y" * 70_000],
}


@pytest.mark.parametrize("name", AWKWARD)
def test_what_was_refused_is_refused_again(tmp_path, name):
    path = played(tmp_path, Awkward(*AWKWARD[name]))
    (record,) = read_log(path).episodes
    assert any(step["error"] for step in record["steps"]) == (name != "surrogate that is none")
    assert regrade(path) == []


@pytest.mark.parametrize(
    ("end", "outcome"),
    [
        (AgentError("refusal", "it will not"), "model_error"),
        (AgentError("budget", "no calls left"), "failure"),
        (InfraError("nobody answers"), "infra_error"),
    ],
)
@pytest.mark.parametrize("calls", [0, 1])
def test_an_agents_end_stays_its_end(tmp_path, end, outcome, calls):
    path = played(tmp_path, Awkward(*[{"tool": "client_search", "arguments": {}}] * calls, end=end))
    log = read_log(path)
    assert log.episodes[0]["outcome"] == outcome
    assert regrade(path) == []


def test_a_limit_of_steps_stays_one(tmp_path):
    path = played(tmp_path, Awkward(*[{"tool": "client_search", "arguments": {}}] * 60))
    record = read_log(path).episodes[0]
    assert (record["truncated"], record["reason"], len(record["steps"])) == (True, "budget", 40)
    assert regrade(path) == []


def test_a_limit_that_comes_with_the_end(tmp_path):
    path = played(tmp_path, Awkward(*[{"tool": "client_search", "arguments": {}}] * 39))
    record = read_log(path).episodes[0]
    assert (record["terminated"], record["truncated"], record["reason"]) == (True, True, "gave_up")
    assert regrade(path) == []


def no_usual_limit(plan):
    return gym.make(plan.env_id, disable_env_checker=True, max_episode_steps=60, **plan.keywords())


@pytest.mark.parametrize("calls", [59, 60, 70])
def test_another_limit_of_steps_than_the_usual(tmp_path, calls):
    """As of agents that play through another door."""
    path = played(tmp_path, Awkward(*[{"tool": "client_search", "arguments": {}}] * calls), make_env=no_usual_limit)
    assert len(read_log(path).episodes[0]["steps"]) == 60
    assert regrade(path) == []


def test_another_verdict(tmp_path, monkeypatch):
    """A verdict that calls everything a failure: found in every success, and only there."""
    path = played(tmp_path, AGENTS["oracle"], PLANS["golden"])
    monkeypatch.setattr(env_module, "verify", lambda task, journal, results=(): Verdict(False, 0.5))
    log = read_log(path)
    found = regrade(path)
    assert {difference.index for difference in found} == {record["index"] for record in log.episodes}
    assert {difference.cause for difference in found} <= {"verdict", "tool"}
    outcomes = [difference for difference in found if difference.what == "outcome"]
    assert {(difference.was, difference.now) for difference in outcomes} == {("success", "failure")}
    assert len(outcomes) == len(log.episodes)
    whole = [each for each in found if each.what == "verdict" and each.was["success"] and not each.now["success"]]
    assert len(whole) == len(log.episodes)


def test_a_success_that_was_none(tmp_path):
    """The log calls them failures; today's verdict calls them what they are."""
    path = changed(
        played(tmp_path, AGENTS["oracle"]),
        lambda record: record.update(
            outcome="failure", reason="wrong_value", verdict=record["verdict"] | {"success": False}
        ),
    )
    found = {difference.what: difference for difference in regrade(path)}
    assert set(found) == {"verdict", "outcome", "reason"}
    assert (found["outcome"].was, found["outcome"].now) == ("failure", "success")
    assert found["outcome"].cause == "verdict"
    assert str(found["outcome"]) == 'MOP-001 seed 0 trial 0: outcome was "failure", is "success"'


def test_another_tool(tmp_path, monkeypatch):
    """A tool that does something else today: the first step that shows it is named, and what it led to."""
    path = played(tmp_path, AGENTS["oracle"])
    real = TOOLS["modify_opportunity"]

    def run(crm, arguments):
        arguments.updates["name"] = "Somebody Else"
        return real.run(crm, arguments)

    monkeypatch.setitem(TOOLS, real.name, dataclasses.replace(real, run=run))
    found = regrade(path)
    steps = len(read_log(path).episodes[0]["steps"])
    assert {difference.cause for difference in found} == {"tool"}
    by_what = {difference.what: difference for difference in found}
    assert set(by_what) >= {"result", "hash", "diff", "verdict", "outcome", "reason", "terminated"}
    assert by_what["hash"].step == steps
    assert by_what["reason"].now == "wrong_value"


@pytest.mark.parametrize(
    ("change", "what", "cause"),
    [
        (lambda record: record["steps"][-1].update(hash="f" * 16), "hash", "tool"),
        (lambda record: record["steps"][-1].update(result="{}"), "result", "tool"),
        (lambda record: record["steps"][-1].update(reward={"success": 2.0}), "reward", "tool"),
        (
            lambda record: record["steps"][0].update(error={"code": "blank", "field": "", "message": ""}),
            "error",
            "tool",
        ),
        (lambda record: record["steps"].append(record["steps"][-1]), "steps", "tool"),
        (lambda record: record.update(request="Something else."), "request", "task"),
        (lambda record: record.update(today="1999-01-01"), "today", "task"),
        (lambda record: record.update(polarity="refused"), "polarity", "task"),
        (lambda record: record.update(level=5), "level", "task"),
        (lambda record: record.update(total=0.5), "total", "verdict"),
        (lambda record: record.update(diff=[]), "diff", "verdict"),
        (lambda record: record.update(task="MOP-999"), "task", "task"),
    ],
)
def test_every_change_is_found(tmp_path, change, what, cause):
    path = changed(played(tmp_path, AGENTS["oracle"], {"tasks": ("CQT-001",)}), change)
    found = regrade(path)
    assert what in {difference.what for difference in found}
    assert {difference.cause for difference in found} == {cause}


def test_episodes_are_played_with_their_own_seeds(tmp_path):
    path = played(tmp_path, AGENTS["oracle"], {"tasks": ("CQT-001",)})
    log, other = read_log(path), tmp_path / "other.jsonl"
    with LogWriter(other, {**log.run, "seed": 77}) as writer:
        writer.add({**log.episodes[0], "seed": 77})
    assert "hash" in {difference.what for difference in regrade(other)}


def test_lines_that_cannot_be_used_are_told_of(tmp_path, capsys):
    path = changed(played(tmp_path, AGENTS["oracle"]), lambda record: record.update(index=70))
    assert command.run(command.Args(path)) == 0
    said = capsys.readouterr()
    assert "0 episodes judged again" in said.out
    assert "line 2: foreign: index 70" in said.err


def test_what_was_redacted_cannot_be_judged(tmp_path):
    key = "sk-ant-abcdefgh12345678ijkl"
    call = {"tool": "add_note", "arguments": {"entity_type": "Client", "entity_id": "x", "content": key}}
    path = played(tmp_path, Awkward(call))
    assert key not in path.read_text()
    (found,) = regrade(path)
    assert (found.cause, found.step) == ("unchecked", 1)
    assert "a secret was taken out" in str(found)


def test_results_that_were_redacted_are_not_held_against_them(tmp_path):
    path = played(tmp_path, AGENTS["oracle"])
    assert regrade(changed(path, lambda record: record["steps"][-1].update(result=f'{{"name":"{GONE}"}}'))) == []


def test_an_environment_that_is_gone(tmp_path):
    log = read_log(played(tmp_path, NullAgent()))
    for run in ({"env_id": "CrmEnv-v9"}, {"env": log.run["env"] | {"colour": "red"}}, {"trials": 0}):
        path = tmp_path / "gone.jsonl"
        LogWriter(path, log.run | run, force=path.exists()).close()
        with pytest.raises(UsageError):
            regrade(path)


def test_the_database_of_a_run_is_not_needed(tmp_path):
    log = read_log(played(tmp_path, AGENTS["oracle"]))
    path = tmp_path / "database.jsonl"
    env = log.run["env"] | {"backend": "postgresql://nobody@127.0.0.1:1/none", "commit": True}
    with LogWriter(path, log.run | {"env": env}) as writer:
        writer.add(log.episodes[0])
    assert regrade(path) == []


def test_the_command(tmp_path, capsys):
    path = played(tmp_path, AGENTS["oracle"])
    assert command.run(command.Args(path)) == 0
    assert capsys.readouterr().out == "1 episodes judged again, 0 changed\n"
    other = changed(path, lambda record: record.update(outcome="failure", reason="gave_up"))
    assert command.run(command.Args(other)) == 1
    said = capsys.readouterr().out
    assert '[verdict] MOP-001 seed 0 trial 0: outcome was "failure", is "success"' in said
    assert "1 changed (verdict: 1)" in said
    assert "1 x failure -> success" in said
    assert command.run(command.Args(other, json=True)) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["episodes"], told["changed"], told["causes"]) == (1, 1, {"verdict": 1})
    assert {each["what"] for each in told["differences"]} == {"outcome", "reason"}


def test_the_command_says_that_the_code_is_another(tmp_path, capsys):
    log = read_log(played(tmp_path, AGENTS["oracle"]))
    old = tmp_path / "old.jsonl"
    with LogWriter(old, log.run | {"code": "0.0.1 abc", "tasks": "0" * 16}) as writer:
        writer.add(log.episodes[0])
    assert command.run(command.Args(old)) == 0
    said = capsys.readouterr().out
    assert f"code: was 0.0.1 abc, is {log.run['code']}" in said
    assert f"tasks: was {'0' * 16}, is {log.run['tasks']}" in said


def test_the_new_log(tmp_path, capsys):
    """It is a log like any other, of today's code: judged again there is nothing to say about it."""
    path = played(tmp_path, AGENTS["chance"], PLANS["drawn"])
    other = changed(path, lambda record: record.update(outcome="failure", reason="gave_up", total=0.25))
    new = tmp_path / "new.jsonl"
    assert command.run(command.Args(other, out=new)) == 1
    assert read_log(new).episodes == read_log(path).episodes
    assert read_log(new).run == read_log(path).run
    assert regrade(new) == []
    with pytest.raises(LogError, match="there already"):
        command.run(command.Args(other, out=new))
    capsys.readouterr()


def test_verify_log(tmp_path, capsys):
    path = played(tmp_path, AGENTS["chance"], PLANS["drawn"])
    assert verify_log.run(verify_log.Args(path)) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "sound"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-3]))
    assert verify_log.run(verify_log.Args(path)) == 0
    assert "sound; 3 still to be played" in capsys.readouterr().out
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(b"chance", b"Chance", 1)[:-9] + b"\n", *lines[3:]]) + b"{")
    assert verify_log.run(verify_log.Args(path)) == 1
    said = capsys.readouterr().out
    assert "line 3: damaged" in said
    assert f"line {len(lines) + 1}: torn" in said
    assert verify_log.run(verify_log.Args(path, json=True)) == 1
    told = json.loads(capsys.readouterr().out)
    assert [fault["line"] for fault in told["faults"]] == [3, len(lines) + 1]
    assert (told["episodes"], told["of"]) == (59, 60)
    with pytest.raises(LogError):
        verify_log.run(verify_log.Args(tmp_path / "none.jsonl"))


def again_and_again(path, *numbers):
    """The log with some of its lines in another number: each line by its number, from 1."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[number - 1] for number in numbers))
    return path


def verified(path, capsys):
    """Exit code and text of verify-log."""
    code = verify_log.run(verify_log.Args(path))
    return code, capsys.readouterr().out


def test_verify_log_finds_what_stands_there_twice(tmp_path, capsys):
    path = played(tmp_path, AGENTS["oracle"], {"tasks": ("CQT-001", "CQT-002")})
    code, said = verified(again_and_again(path, 1, 2, 3, 2), capsys)
    assert code == 1
    assert "line 4: doubled: the episode of seed 0, trial 0 is in line 2 already" in said
    assert "1 doubled or foreign; take those lines out" in said


def test_verify_log_finds_episodes_that_the_run_does_not_play(tmp_path, capsys):
    path = changed(played(tmp_path, AGENTS["oracle"]), lambda record: record.update(seed=record["seed"] + 1))
    code, said = verified(path, capsys)
    assert code == 1
    assert "line 2: foreign: index 0 does not go with seed 1 and trial 0" in said


def test_damage_heals_once_its_episode_is_played_again(tmp_path, capsys):
    path = played(tmp_path, AGENTS["oracle"], {"tasks": ("CQT-001", "CQT-002")})
    whole = read_log(path)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1].replace(b"oracle", b"Oracle").replace(b"CQT", b"QQT"), lines[2]]))
    code, said = verified(path, capsys)
    assert code == 1
    assert "its episode counts as not played" in said
    assert "--resume plays those episodes again" in said
    with pytest.warns(LogWarning):
        log = BaselineHarness(
            AGENTS["oracle"], path, {"tasks": ("CQT-001", "CQT-002")}, name="agent", resume=True
        ).run()
    assert log.episodes == whole.episodes
    assert log == read_log(path)
    code, said = verified(path, capsys)
    assert code == 0
    assert "line 2: damaged: its check does not match; its episode has been played since" in said
    assert "--resume" not in said


def test_a_log_with_what_was_spent_beside_is_sound_and_regraded(tmp_path, capsys):
    path, new = tmp_path / "log.jsonl", tmp_path / "new.jsonl"
    with pytest.raises(BudgetSpent):
        BaselineHarness(Talker(), path, {"suite": "golden"}, executor="serial", budget=Budget(calls=7)).run()
    (spent,) = read_log(path).spent
    assert verified(path, capsys)[0] == 0
    assert command.run(command.Args(path, out=new)) == 0
    assert read_log(new).spent == (spent,)
    assert "talker-1" in page([read_log(path)])


def test_hostile_text_does_not_reach_the_terminal(tmp_path, capsys):
    evil = "\x1b]0;owned\x07"
    path = changed(played(tmp_path, AGENTS["oracle"]), lambda record: record.update(request=evil, task=f"MOP{evil}"))
    assert command.run(command.Args(path)) == 1
    assert verify_log.run(verify_log.Args(path)) == 0
    assert "\x1b" not in capsys.readouterr().out
