"""`crm-agents eval` with models: configs, budgets, resuming, cassettes; all against the server that comes along."""

import json
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("anthropic", reason="the extra llm is not installed")

from crm_agents.cli import main
from crm_agents.commands.eval import Args, configured, plan_of
from crm_agents.fake.faults import Fault
from crm_agents.fake.heuristic import HeuristicModel
from crm_agents.fake.server import FakeServer
from crm_agents.output import BUDGET, OK, USAGE

from crm_gym.evaluation.log import read_log

ROOT = Path(__file__).parent.parent
CONFIGS = sorted(ROOT.glob("configs/eval_*.toml"))
FAKE = str(ROOT / "configs" / "eval_fake.toml")
TASKS = ("CNC-001", "CNC-003", "ANT-001", "DOP-001", "CQT-101", "UD-001")


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("CRM_FAKE_KEY", "a-key-that-nobody-may-see")
    with FakeServer(HeuristicModel()) as server:
        yield server


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """The configs name files of this folder."""
    monkeypatch.chdir(ROOT)


def play(out, *arguments, url=None):
    server = ["--base-url", url] if url else []
    return main(["eval", "--config", FAKE, "--out", str(out), *server, "--tasks", *TASKS, *arguments])


def log_of(out):
    return read_log(out / "episodes.jsonl")


@pytest.mark.parametrize("path", CONFIGS, ids=[path.stem for path in CONFIGS])
def test_every_config_is_one(path):
    config = configured(Args(config=path))
    assert config.model is not None
    assert plan_of(config).jobs()
    assert config.prices is None or tomllib.loads((ROOT / config.prices).read_text("utf-8"))


def test_a_run_by_config_counts_tokens_and_money(tmp_path, server, capsys):
    assert play(tmp_path, url=server.url) == OK
    figures = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (figures["planned"], figures["counted"]) == (len(TASKS),) * 2
    assert figures["model"]["calls"] == server.calls
    assert figures["model"]["tokens"] == server.tokens.as_json()
    assert figures["model"]["cost"] > 0
    assert "model calls; tokens: input" in capsys.readouterr().out
    assert "a-key-that-nobody-may-see" not in "".join(path.read_text("utf-8") for path in tmp_path.iterdir())


@pytest.mark.parametrize("budget", ["calls=4", "tokens=30000", "cost=0.01"])
def test_a_spent_budget_stops_the_run_and_a_larger_one_goes_on(tmp_path, server, capsys, budget):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    few = ("--workers", "1", "--cassette", "off")
    assert play(whole, *few, url=server.url) == OK
    assert play(parts, *few, "--set", f"budget.{budget}", url=server.url) == BUDGET
    said = capsys.readouterr().err
    assert "--resume" in said
    assert 0 < len(log_of(parts).episodes) < len(TASKS)
    assert json.loads((parts / "summary.json").read_text("utf-8"))["played"] == len(log_of(parts).episodes)
    assert play(parts, *few, "--resume", url=server.url) == OK
    assert [_timeless(record) for record in log_of(parts).episodes] == [
        _timeless(record) for record in log_of(whole).episodes
    ]


def _timeless(record):
    """What does not depend on the server's pace, nor on what its cache holds already."""
    return {name: value for name, value in record.items() if name not in ("latency", "tokens", "cost", "check")}


def test_a_cassette_plays_a_run_again_without_a_server_to_the_same_bytes(tmp_path, server, monkeypatch):
    tape = f"cassette.path={tmp_path / 'tape.jsonl'}"
    assert play(tmp_path / "one", "--workers", "1", "--set", tape, url=server.url) == OK
    asked = server.calls
    monkeypatch.delenv("CRM_FAKE_KEY")
    again = ("--workers", "1", "--cassette", "replay", "--set", tape)
    assert play(tmp_path / "two", *again, url=server.url) == OK
    assert server.calls == asked > 0
    for name in ("episodes.jsonl", "summary.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_outages_stand_in_the_headline_and_are_played_again(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_FAKE_KEY", "any")
    once = ("--cassette", "off", "--set", "retry.tries=1")
    with FakeServer(HeuristicModel(), [Fault("overloaded", times=10**6)]) as server:
        url = server.url
        assert play(tmp_path, *once, url=url) == OK
        said = f"{len(TASKS)} episodes were ended by an outage (overloaded {len(TASKS)}) and do not count; --resume"
        assert said in capsys.readouterr().out
    with FakeServer(HeuristicModel()) as server:
        assert play(tmp_path, *once, "--resume", url=server.url) == OK
    figures = json.loads((tmp_path / "summary.json").read_text("utf-8"))
    assert (figures["infra_errors"], figures["counted"]) == (0, len(TASKS))


def test_the_model_can_be_named_on_the_command_line(tmp_path, server):
    arguments = ["--agent", "openai", "--model", "any-name", "--base-url", server.v1, "--tasks", "CNC-001"]
    assert main(["eval", *arguments, "--out", str(tmp_path)]) == OK
    assert log_of(tmp_path).run["model"] == "any-name"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--agent", "claude"), "needs a model"),
        (("--agent", "null", "--base-url", "http://127.0.0.1:1"), "model"),
        (("--agent", "claude", "--model", "x", "--set", "model.api=chat"), "speaks messages"),
        (("--agent", "claude", "--model", "x", "--set", "model.nmae=y"), "did you mean 'name'?"),
        (("--agent", "claude", "--model", "x", "--set", "budgte.calls=1"), "did you mean 'budget'?"),
        (("--agent", "claude", "--model", "x", "--set", "model.sampling.temperature=0.5"), "temperature"),
        (("--agent", "claude", "--model", "x", "--set", "budget.cost=1"), "price"),
        (("--agent", "claude", "--model", "x", "--set", "prices=nowhere.toml"), "nowhere.toml"),
        (("--agent", "claude", "--model", "x", "--set", "prompt=nowhere.txt"), "nowhere.txt"),
        (("--config", "nowhere.toml"), "nowhere.toml"),
        ((), "who plays?"),
    ],
)
def test_what_will_not_do_is_said_before_anything_is_asked(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    assert main(["eval", *arguments, "--out", "run"]) == USAGE
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run" / "episodes.jsonl").exists()


def test_a_missing_key_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_AUTH_TOKEN", raising=False)
    assert main(["eval", "--agent", "claude", "--model", "x", "--out", str(tmp_path / "run")]) == USAGE
    assert "ANTHROPIC_API_KEY" in capsys.readouterr().err


def test_a_start_that_fails_is_in_nobodys_way(tmp_path, server, monkeypatch, capsys):
    assert play(tmp_path, url=server.url) == OK
    before = (tmp_path / "episodes.jsonl").read_bytes()
    monkeypatch.delenv("CRM_FAKE_KEY")
    for more in (("--force",), ("--force", "--cassette", "replay", "--set", f"cassette.path={tmp_path / 'none'}")):
        assert play(tmp_path, *more, url=server.url) == USAGE  # no key; no cassette
        assert (tmp_path / "episodes.jsonl").read_bytes() == before
    assert play(tmp_path / "new", url=server.url) == USAGE
    monkeypatch.setenv("CRM_FAKE_KEY", "any")
    assert play(tmp_path / "new", url=server.url) == OK


def test_nothing_but_bad_requests_is_no_outage(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_FAKE_KEY", "any")
    with FakeServer(HeuristicModel(), [Fault("bad_request", times=10**6)]) as server:
        assert play(tmp_path, "--cassette", "off", "--workers", "1", url=server.url) == USAGE
        assert server.calls <= 3
    assert "called every request wrong" in capsys.readouterr().err


def test_a_refused_key_stops_the_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CRM_FAKE_KEY", "wrong-key-0123456789")
    with FakeServer(HeuristicModel(), key="right") as server:
        assert play(tmp_path / "run", "--cassette", "off", url=server.url) == USAGE
    shown = capsys.readouterr()
    assert "401" in shown.err or "key" in shown.err
    assert "wrong-key-0123456789" not in shown.err + shown.out
