"""crm-gym certify: the table, the JSON, exit codes, and the first fault laid open."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import tyro

import crm_gym  # noqa: F401  # registers the ids
from crm_gym.certify.arena import AGENTS
from crm_gym.certify.suite import Wanted, certify_suite
from crm_gym.certify_cli import certify, summary, table
from crm_gym.errors import UsageError
from crm_gym.tasks.catalogue import find_task
from crm_gym.tasks.goal import ChangeGoal

ONE = ("golden", "--families", "add_note", "--tasks", "3")


def run(*words: str) -> int:
    return tyro.cli(certify, args=list(words), config=(tyro.conf.FlagCreatePairsOff,))


@pytest.fixture
def strict(monkeypatch):
    """A suite of one task whose goal asks for more than its solution does."""
    task = find_task("CNC-001")
    (change,) = task.goal.changes
    broken = replace(task, goal=ChangeGoal((replace(change, row=change.row._replace(industry="Candles")),)))
    monkeypatch.setattr("crm_gym.certify.suite.tasks_of", lambda part: [broken])
    return broken


def test_a_suite_that_passes(capsys):
    assert run(*ONE) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "add_note" in out
    assert out.rstrip().endswith("certified")
    assert "NOT" not in out
    assert "\x1b" not in out


def test_json_on_the_terminal_and_in_a_file_are_the_same(capsys, tmp_path):
    file = tmp_path / "report.json"
    assert run(*ONE, "--json", "--out", str(file)) == 0
    out = capsys.readouterr().out
    assert out == file.read_text(encoding="utf-8")
    report = json.loads(out)
    assert report["passed"] is True
    assert report["tasks"] == 3
    assert set(report["families"]) == {"add_note"}
    counts = report["families"]["add_note"]
    assert counts["levels"] == {"1": 3}
    assert set(counts["episodes"]) == set(AGENTS)
    assert (counts["faults"], counts["first_faults"]) == (0, [])
    assert counts["wrong_ends_tried"] >= 45
    assert counts["equivalent_ways_tried"] >= 24


def test_a_fault_makes_one_and_is_laid_open(strict, capsys):
    assert run("golden", "--tasks", "1") == 1
    out = capsys.readouterr().out
    assert "NOT certified" in out
    first = out.partition("The first fault:")[2]
    assert strict.request in first
    assert "fault no success: as it stands" in first
    assert "create_new_client" in first
    expected, came = first.split("changes")
    assert '+ industry: "Candles"' in expected
    assert "Candles" not in came
    assert "no success" in came


def test_a_fault_is_in_the_json_too(strict, capsys):
    assert run("golden", "--tasks", "1", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["passed"] is False
    assert report["total"]["first_faults"][0] == {"task": "CNC-001", "fault": "no success: as it stands"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("gold",), "did you mean 'golden'"),
        (("golden", "--jobs", "0"), "jobs must be 1 or more"),
        (("golden", "--tasks", "0"), "tasks must be 1 or more"),
        (("golden", "--seed", "-1"), "seed must be 0 or more"),
        (("golden", "--level", "2"), "only suite 'generated'"),
        (("generated", "--split", "tset"), "did you mean 'test'"),
        (("golden", "--backend", "sqlite:"), "backend 'sqlite:' does not exist"),
        (("golden", "--out", "no/such/folder/report.json"), "there is no folder"),
    ],
)
def test_usage_errors_say_what_is_wrong(words, said):
    with pytest.raises(UsageError) as complaint:
        run(*words)
    assert said in str(complaint.value)


def test_a_wrong_option_is_a_usage_error_too(capsys):
    with pytest.raises(SystemExit) as end:
        run("golden", "--taks", "3")
    assert end.value.code == 2


def test_progress_is_shown_on_a_terminal_only(capsys, monkeypatch):
    monkeypatch.setattr("crm_gym.certify_cli.sys.stderr.isatty", lambda: True, raising=False)
    assert run(*ONE) == 0
    assert "3 of 3 tasks, 0 faults" in capsys.readouterr().err


def test_the_table_has_a_row_a_family_and_one_for_all():
    report = certify_suite(Wanted("golden", tasks=2, families=("add_note", "quote_prefixes")))
    shown = table(report)
    assert shown.row_count == 3
    assert len(shown.columns) == 1 + 1 + 5 + 3 + len(AGENTS) + 1
    assert summary(report)[-1] == "certified"


def test_generated_tasks_of_a_level(capsys):
    assert run("generated", "--families", "add_note", "--split", "train", "--level", "2", "--tasks", "2", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["families"]["add_note"]["levels"] == {"2": 2}


def test_the_oracle_succeeds_on_postgresql_too(capsys, pg_server):
    assert run(*ONE, "--backend", "memory:", "--backend", pg_server.dsn, "--json") == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
