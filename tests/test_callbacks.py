"""Callbacks: five moments of a run, in order, and nothing of what they see is changed."""

import io
import json

import pytest
from crm_agents.progress import ProgressCallback
from crm_agents.tensorboard import TensorboardCallback
from rich.console import Console
from talking import Faltering, Outage, Talker, chance, oracle

from crm_gym import BudgetSpent, UsageError
from crm_gym.evaluation.budget import Budget
from crm_gym.evaluation.callbacks import CallbackList, EpisodeCallback, JsonlCallback
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.plan import Plan

FEW = Plan(tasks=("delete_quote",))
COUNT = len(FEW.jobs())


def run(agent, path, **keywords):
    return BaselineHarness(agent, path, FEW, **keywords).run()


class Moments(EpisodeCallback):
    """Writes down what happens."""

    def __init__(self):
        self.told = []

    def on_run_begin(self, run):
        self.told.append(("run begins", run["agent"]))

    def on_episode_begin(self, job):
        self.told.append(("begins", job.index, job.attempt))

    def on_step(self, job, number, step):
        self.told.append(("step", job.index, number, step["tool"]))

    def on_episode_end(self, record):
        self.told.append(("ends", record["index"], record["outcome"]))

    def on_run_end(self, log):
        self.told.append(("run ends", len(log.episodes)))


def test_the_moments_come_in_order(tmp_path):
    seen = Moments()
    log = run(oracle, tmp_path / "log.jsonl", callbacks=[seen])
    expected = [("run begins", "OracleAgent")]
    for record in log.episodes:
        expected.append(("begins", record["index"], 1))
        expected += [("step", record["index"], k, step["tool"]) for k, step in enumerate(record["steps"], 1)]
        expected.append(("ends", record["index"], "success"))
    assert seen.told == [*expected, ("run ends", COUNT)]


def test_an_episode_that_is_played_again_begins_twice_and_ends_once(tmp_path):
    seen = Moments()
    run(Faltering({"seed 2 ": Outage("later")}), tmp_path / "log.jsonl", callbacks=[seen])
    assert [told for told in seen.told if told[0] == "begins" and told[1] == 2] == [("begins", 2, 1), ("begins", 2, 2)]
    assert [told for told in seen.told if told[0] == "ends" and told[1] == 2] == [("ends", 2, "failure")]


def test_the_end_is_told_of_a_run_that_was_stopped(tmp_path):
    seen = Moments()
    with pytest.raises(BudgetSpent):
        run(Talker(), tmp_path / "log.jsonl", callbacks=[seen], budget=Budget(calls=5))
    assert seen.told[-1] == ("run ends", len(read_log(tmp_path / "log.jsonl").episodes))


def test_a_resumed_run_tells_of_what_it_plays(tmp_path):
    run(oracle, tmp_path / "log.jsonl")
    seen = Moments()
    run(oracle, tmp_path / "log.jsonl", callbacks=[seen], resume=True)
    assert seen.told == [("run begins", "OracleAgent"), ("run ends", COUNT)]


def test_what_is_handed_over_is_what_stands_in_the_log(tmp_path, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "Prospecting-is-secret")
    records = []

    class Keep(EpisodeCallback):
        def on_episode_end(self, record):
            records.append(record)

    class Leaking(Talker):
        def reply(self, observation, state):
            made = super().reply(observation, state)
            state.account.said = "the key is Prospecting-is-secret"
            return made

    log = run(Leaking(), tmp_path / "log.jsonl", callbacks=[Keep()])
    assert sorted(records, key=lambda record: record["index"]) == list(log.episodes)
    assert "Prospecting-is-secret" not in json.dumps(records) + (tmp_path / "log.jsonl").read_text()


def test_a_list_calls_each_and_for_steps_only_those_that_look():
    first, second, plain = Moments(), Moments(), EpisodeCallback()
    both = CallbackList([first, CallbackList([plain, second])])
    assert both.looks_at_steps
    assert not CallbackList([plain, CallbackList([plain])]).looks_at_steps
    both.on_run_begin({"agent": "A"})
    both.on_step(FEW.jobs()[0], 1, {"tool": "finish"})
    assert first.told == second.told == [("run begins", "A"), ("step", 0, 1, "finish")]


def test_a_callback_is_one():
    with pytest.raises(UsageError, match="EpisodeCallback"):
        CallbackList([print])


def test_jsonl_has_a_line_for_every_moment_and_nothing_anybody_said(tmp_path):
    path = tmp_path / "more" / "moments.jsonl"
    log = run(chance, tmp_path / "log.jsonl", callbacks=[JsonlCallback(path)])
    told = [json.loads(line) for line in path.read_text().splitlines()]
    steps = sum(len(record["steps"]) for record in log.episodes)
    assert [line["moment"] for line in told[:3]] == ["run_begin", "episode_begin", "step"]
    assert sum(line["moment"] == "step" for line in told) == steps
    assert told[-1] == {"moment": "run_end", "episodes": COUNT, "of": COUNT}
    ends = [line for line in told if line["moment"] == "episode_end"]
    assert [(line["index"], line["outcome"], line["steps"]) for line in ends] == [
        (record["index"], record["outcome"], len(record["steps"])) for record in log.episodes
    ]
    assert path.stat().st_mode & 0o777 == 0o600
    for record in log.episodes:
        assert record["request"] not in path.read_text()


def test_jsonl_goes_on_with_a_file_and_follows_no_link(tmp_path):
    path, link = tmp_path / "moments.jsonl", tmp_path / "link.jsonl"
    for _ in range(2):
        run(oracle, tmp_path / "log.jsonl", callbacks=[JsonlCallback(path, steps=False)], force=True)
    assert len(path.read_text().splitlines()) == 2 * (2 + 2 * COUNT)
    link.symlink_to(path)
    with pytest.raises(UsageError, match="cannot be written"):
        run(oracle, tmp_path / "log.jsonl", callbacks=[JsonlCallback(link)], force=True)


def test_the_bar_counts_and_names_trouble_and_cost(tmp_path):
    out = io.StringIO()
    bar = ProgressCallback(Console(file=out, force_terminal=True, width=100))
    run(Faltering({"seed 1 ": Outage("later")}, times=2), tmp_path / "log.jsonl", callbacks=[bar])
    dollars = sum(record["cost"] for record in read_log(tmp_path / "log.jsonl").episodes)
    assert bar.line() == f"Faltering: 0 of {COUNT} right, 1 ended by an outage, {dollars:.2f} US dollars"
    assert "Faltering" in out.getvalue()


def test_the_bar_says_nothing_where_nobody_looks(tmp_path):
    out = io.StringIO()
    bar = ProgressCallback(Console(file=out))
    run(Talker(cost=None), tmp_path / "log.jsonl", callbacks=[bar])
    assert out.getvalue().strip() == ""
    assert bar.line().endswith("cost unknown")


def test_tensorboard_has_a_point_an_episode(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    agent = Faltering({"seed 1 ": Outage("later")}, times=2)
    run(agent, tmp_path / "log.jsonl", callbacks=[TensorboardCallback(tmp_path / "events")])
    events = EventAccumulator(str(tmp_path / "events"))
    events.Reload()
    assert [point.step for point in events.Scalars("episode/steps")] == list(range(1, COUNT + 1))
    assert len(events.Scalars("episode/success")) == COUNT - 1
    assert events.Scalars("run/outages")[-1].value == 1
    assert events.Scalars("run/success_rate")[-1].value == 0
    assert events.Scalars("episode/tokens")[0].value % 12 == 0
