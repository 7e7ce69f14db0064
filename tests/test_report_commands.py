"""`crm-agents report` and `crm-agents compare` say what the figures say, in text and as JSON."""

import json

import pytest
from crm_agents.commands import compare, report
from records_played import modelled, write_log

from crm_gym import UsageError
from crm_gym.evaluation.compare import compare as compared
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.metrics import summarize


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, made in (("a", modelled(40, 0.8, 1)), ("b", modelled(40, 0.4, 2, model="small", run="0" * 16))):
        (folder / name).mkdir()
        write_log(folder / name / "episodes.jsonl", *made)
    return folder / "a", folder / "b"


@pytest.fixture(autouse=True)
def wide(monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")


def test_figures_as_json(folders, capsys):
    assert report.run(report.Args(folders, json=True)) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["ClaudeAgent model-large", "ClaudeAgent small"]
    assert said["ClaudeAgent small"] == summarize(read_log(folders[1] / "episodes.jsonl"))


def test_figures_as_a_table(folders, capsys):
    assert report.run(report.Args((folders[0] / "episodes.jsonl",))) == 0
    said = capsys.readouterr().out
    figures = summarize(read_log(folders[0] / "episodes.jsonl"))
    assert f"{100 * figures['success']['rate']:.1f} %" in said
    assert "2 episodes ended by an outage, which count for nothing" in said
    assert "model error: refusal" in said


def test_a_page(folders, tmp_path, capsys):
    assert report.run(report.Args(folders, html=tmp_path / "out.html")) == 0
    assert (tmp_path / "out.html").read_text().startswith("<!DOCTYPE html>")
    assert "out.html: open it in a browser" in capsys.readouterr().out


def test_names_from_logs_do_not_speak_to_the_terminal(tmp_path, capsys):
    line, records = modelled(4, 1.0, 3, model="\x1b[31m[bold]evil\u202e")
    write_log(tmp_path / "a.jsonl", line, records)
    report.run(report.Args((tmp_path / "a.jsonl",)))
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "\u202e" not in said
    assert "[bold]evil" in said


def test_a_comparison(folders, capsys):
    assert compare.run(compare.Args(*folders, flips=2)) == 0
    said = capsys.readouterr().out
    figures = compared(*(read_log(folder / "episodes.jsonl") for folder in folders))
    assert f"{100 * figures['success']['difference']:+.1f}" in said
    assert f"{figures['mcnemar']['only_first']} only the first" in said
    assert "the runs differ in: model" in said
    assert f"--flips {len(figures['flips'])} lists all" in said
    assert said.count(" -> ") == 2


def test_a_comparison_as_json(folders, capsys):
    assert compare.run(compare.Args(*folders, json=True)) == 0
    figures = compared(*(read_log(folder / "episodes.jsonl") for folder in folders))
    assert json.loads(capsys.readouterr().out) == figures


def test_what_does_not_exist_is_refused(folders, tmp_path):
    with pytest.raises(UsageError, match="say which logs"):
        report.run(report.Args(()))
    with pytest.raises(UsageError, match="cannot be read"):
        report.run(report.Args((tmp_path,)))
    with pytest.raises(UsageError, match="cannot be read"):
        compare.run(compare.Args(folders[0], tmp_path / "none"))
