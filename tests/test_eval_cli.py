"""`crm-agents eval`: files, figures, exit codes, and that the same command writes the same bytes."""

import fcntl
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import gymnasium as gym
import pytest
from crm_agents import RandomAgent
from crm_agents.cli import main

from crm_gym import TOOL_NAMES, load_suite, rollout

FEW = ("--tasks", "CNC-001", "CQT-104", "quote_prefixes")
COMMAND = Path(sys.executable).parent / "crm-agents"


def records(out: Path) -> list[dict]:
    """The episodes of a run; its first line is about the run itself."""
    first, *episodes = [json.loads(line) for line in (out / "episodes.jsonl").read_text("ascii").splitlines()]
    assert (first["kind"], {episode["kind"] for episode in episodes}) == ("run", {"episode"} if episodes else set())
    return episodes


def calls(record: dict) -> list[dict]:
    return [{"tool": step["tool"], "arguments": step["arguments"]} for step in record["steps"]]


def summary(out: Path) -> dict:
    return json.loads((out / "summary.json").read_text("ascii"))


def evaluate(out: Path, *arguments: str) -> int:
    return main(["eval", "--out", str(out), *arguments])


def shell(*arguments: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess:
    given = os.environ | {"COLUMNS": "120"} | environment
    return subprocess.run([*map(str, arguments)], cwd=cwd, env=given, capture_output=True, text=True, check=False)


# What a run leaves


def test_without_episodes_every_task_is_played_once_in_order(tmp_path):
    assert evaluate(tmp_path / "run", "--agent", "oracle", "--suite", "core", "--seed", "5") == 0
    played = records(tmp_path / "run")
    assert [record["task"] for record in played] == [task.id for task in load_suite("core")]
    assert [record["seed"] for record in played] == list(range(5, 5 + len(played)))
    assert all(record["outcome"] == "success" for record in played)


def test_with_episodes_the_environment_draws(tmp_path):
    assert evaluate(tmp_path / "run", "--agent", "null", "--episodes", "6", "--seed", "3") == 0
    played = records(tmp_path / "run")
    env = gym.make("CrmEnv-v0")
    assert [record["task"] for record in played] == [env.reset(seed=seed)[1]["task_id"] for seed in range(3, 9)]


def test_a_record_says_all_of_an_episode(tmp_path):
    out = tmp_path / "run"
    evaluate(out, "--agent", "oracle", "--tasks", "CQT-104", "--refusals", "attempt", "--ends-on", "finish")
    task = load_suite("golden", ["CQT-104"])[0].by_attempt()
    (record,) = records(out)
    assert calls(record) == [
        {"tool": "create_quote", "arguments": task.solution[0].arguments},
        {"tool": "finish", "arguments": {}},
    ]
    assert [step["error"] and step["error"]["code"] for step in record["steps"]] == ["enum_value", None]
    said = {name: record[name] for name in ("task", "family", "seed", "trial", "polarity", "request", "today")}
    assert said == {
        "task": "CQT-104",
        "family": "create_quote",
        "seed": 0,
        "trial": 0,
        "polarity": "refused",
        "request": task.request,
        "today": task.today,
    }
    assert (record["outcome"], record["reason"], record["total"]) == ("success", None, 1.0)
    assert (record["terminated"], record["truncated"], record["diff"]) == (True, False, [])
    assert record["verdict"] == {"success": True, "progress": 1.0, "missing": 0, "unexpected": 0}


def test_any_recorded_episode_can_be_played_again_alone(tmp_path):
    evaluate(tmp_path / "run", "--agent", "random", "--episodes", "5", "--seed", "40")
    last = records(tmp_path / "run")[-1]
    again = rollout(gym.make("CrmEnv-v0"), RandomAgent(last["seed"]), seed=last["seed"])
    played = [{"tool": TOOL_NAMES[a["tool"]], "arguments": json.loads(a["arguments"])} for a in again.actions]
    assert (again.task_id, played) == (last["task"], calls(last))


def test_the_summary_agrees_with_the_records(tmp_path):
    evaluate(tmp_path / "run", "--agent", "decline", "--suite", "refusals")
    figures, played = summary(tmp_path / "run"), records(tmp_path / "run")
    won = sum(record["outcome"] == "success" for record in played)
    assert 0 < won < len(played)
    run = figures["run"]
    assert (run["agent"], run["env"]["suite"], run["env"]["refusals"]) == ("decline", "refusals", "decline")
    assert (figures["planned"], figures["played"], figures["counted"]) == (len(played),) * 3
    success = figures["success"]
    assert (success["count"], success["successes"], success["rate"]) == (len(played), won, won / len(played))
    assert success["wilson"][0] < success["rate"] < success["wilson"][1]
    rows = {row["name"]: row for row in figures["by_family"]}
    assert set(rows) == {record["family"] for record in played}
    for family, row in rows.items():
        mine = [record for record in played if record["family"] == family]
        assert (row["count"], row["successes"]) == (len(mine), sum(record["outcome"] == "success" for record in mine))
        assert row["mean_steps"] == sum(len(record["steps"]) for record in mine) / len(mine)


def test_an_environment_id_brings_its_suite_and_tasks(tmp_path):
    evaluate(tmp_path / "a", "--agent", "null", "--env-id", "CrmEnv-Refusals-v0")
    evaluate(tmp_path / "b", "--agent", "null", "--env-id", "CrmEnv-Contract-v0")
    assert summary(tmp_path / "a")["run"]["env"]["suite"] == "refusals"
    assert len(records(tmp_path / "a")) == len(load_suite("refusals"))
    assert {row["name"] for row in summary(tmp_path / "b")["by_tool"]} == {"create_contract", "contract_search"}


@pytest.mark.parametrize("name", ["episodes.jsonl", "summary.json"])
def test_files_are_strict_ascii_and_for_their_owner_alone(tmp_path, name):
    evaluate(tmp_path / "run", "--agent", "echo", "--suite", "core")
    file = tmp_path / "run" / name
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    data = file.read_bytes()
    assert data.isascii()
    assert data.endswith(b"\n")
    assert b"NaN" not in data
    assert b"Infinity" not in data


def test_the_default_folder_says_agent_and_suite(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["eval", "--agent", "null", "--suite", "core", "--tasks", "CNC-001"]) == 0
    assert len(records(tmp_path / "runs" / "null-core")) == 1


# The same again


@pytest.mark.parametrize("agent", ["oracle", "null", "random", "echo", "constant", "decline"])
def test_the_same_command_writes_the_same_bytes_and_another_seed_others(tmp_path, agent):
    for name, seed in (("one", "7"), ("two", "7"), ("other", "8")):
        assert evaluate(tmp_path / name, "--agent", agent, *FEW, "--seed", seed) == 0
    one, two, other = ((tmp_path / name / "episodes.jsonl").read_bytes() for name in ("one", "two", "other"))
    assert one == two != other
    assert (tmp_path / "one/summary.json").read_bytes() == (tmp_path / "two/summary.json").read_bytes()


@pytest.mark.parametrize("agent", ["random", "echo"])
def test_another_seed_plays_other_calls(tmp_path, agent):
    for seed in ("7", "8"):
        evaluate(tmp_path / seed, "--agent", agent, *FEW, "--seed", seed)
    assert calls(records(tmp_path / "7")[0]) != calls(records(tmp_path / "8")[0])


@pytest.mark.parametrize("command", [(COMMAND,), (sys.executable, "-m", "crm_agents.cli")], ids=["script", "module"])
def test_a_fresh_process_writes_the_same_bytes(tmp_path, command):
    assert evaluate(tmp_path / "here", "--agent", "echo", *FEW) == 0
    done = shell(*command, "eval", "--agent", "echo", *FEW, "--out", "there", cwd=tmp_path, PYTHONHASHSEED="1")
    assert (done.returncode, done.stderr) == (0, "")
    for name in ("episodes.jsonl", "summary.json"):
        assert (tmp_path / "there" / name).read_bytes() == (tmp_path / "here" / name).read_bytes()
    assert "there/episodes.jsonl" in done.stdout


# What is printed


def test_the_table_counts_by_tool(tmp_path, capsys):
    evaluate(tmp_path / "run", "--agent", "oracle", *FEW)
    shown = capsys.readouterr()
    rows = [line.strip("│ ").split("│") for line in shown.out.splitlines() if line.startswith("│")]
    cells = {row[0].strip(): [cell.strip() for cell in row[1:]] for row in rows}
    count = len(load_suite("golden", ["quote_prefixes"]))
    assert cells["create_new_client"] == ["1", "1", "100.0", "1.00"]
    assert cells["quote_prefixes"] == [str(count), str(count), "100.0", "1.00"]
    assert cells["all"][:3] == [str(count + 2), str(count + 2), "100.0"]
    assert shown.err == ""  # no progress bar where nobody looks


def test_json_is_the_summary_and_nothing_else(tmp_path, capsys):
    evaluate(tmp_path / "run", "--agent", "null", *FEW, "--json")
    assert json.loads(capsys.readouterr().out) == summary(tmp_path / "run")


def test_help_shows_examples_that_work(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(["eval", "--help"])
    assert left.value.code == 0
    examples = [line.split()[1:] for line in capsys.readouterr().out.splitlines() if line.startswith("  crm-agents ")]
    assert len(examples) == 5  # two of them need a model
    assert [main(example) for example in examples[:3]] == [0, 0, 0]


# What is refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--agent", "orcale"), "did you mean 'oracle'?"),
        (("--agent", "null", "--suite", "goldn"), "did you mean 'golden'?"),
        (("--agent", "null", "--tasks", "create_qoute"), "did you mean 'create_quote'?"),
        (("--agent", "null", "--env-id", "CrmEnv-Clients-v0"), "did you mean 'CrmEnv-Client-v0'?"),
        (("--agent", "null", "--episodes", "0"), "episodes must be a whole number of 1 or more; got 0"),
        (("--agent", "null", "--seed", "-1"), "seed must be a whole number of 0 or more; got -1"),
    ],
    ids=["agent", "suite", "task", "env-id", "episodes", "seed"],
)
def test_a_wrong_name_or_number_exits_with_2_and_says_the_right_one(tmp_path, capsys, arguments, said):
    assert evaluate(tmp_path / "run", *arguments) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("evil",),
        ("eval", "--agent", "null", "--refusals", "x"),
        ("eval", "--agent", "null", "--sed", "1"),
    ],
    ids=["no command", "wrong command", "wrong choice", "wrong option"],
)
def test_a_malformed_command_line_exits_with_2(tmp_path, monkeypatch, capsys, arguments):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    assert left.value.code == 2
    assert "--help" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_exit_code_reaches_the_shell(tmp_path):
    done = shell(COMMAND, "eval", "--agent", "orcale", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "crm-agents: agent 'orcale' does not exist; did you mean 'oracle'?\n"


@pytest.mark.parametrize("left", ["episodes.jsonl", "summary.json"])
def test_a_folder_that_holds_a_run_is_kept_unless_forced(tmp_path, capsys, left):
    evaluate(tmp_path, "--agent", "echo", "--tasks", "CNC-001")
    (tmp_path / ({"episodes.jsonl", "summary.json"} - {left}).pop()).unlink()
    old = (tmp_path / left).read_bytes()
    assert evaluate(tmp_path, "--agent", "null", *FEW) == 2
    assert "--force" in capsys.readouterr().err
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [(left, old)]
    assert evaluate(tmp_path, "--agent", "null", *FEW, "--force") == 0
    assert summary(tmp_path)["run"]["agent"] == "null"
    assert summary(tmp_path)["played"] == len(records(tmp_path))
    assert stat.S_IMODE((tmp_path / left).stat().st_mode) == 0o600


def test_force_replaces_logs_and_nothing_else(tmp_path, capsys):
    """Neither a file that is no log, nor what a link leads to, nor the log that somebody writes just now."""
    (tmp_path / "diary").mkdir()
    (tmp_path / "diary" / "episodes.jsonl").write_text("my diary", "ascii")
    assert evaluate(tmp_path / "diary", "--agent", "null", *FEW, "--force") == 2
    assert (tmp_path / "diary" / "episodes.jsonl").read_text("ascii") == "my diary"
    (tmp_path / "mine").write_text("keep", "ascii")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "episodes.jsonl").symlink_to(tmp_path / "mine")
    assert evaluate(tmp_path / "run", "--agent", "null", *FEW, "--force") == 2
    assert (tmp_path / "mine").read_text("ascii") == "keep"
    assert evaluate(tmp_path / "busy", "--agent", "null", *FEW) == 0
    before = (tmp_path / "busy" / "episodes.jsonl").read_bytes()
    with open(tmp_path / "busy" / "episodes.jsonl", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert evaluate(tmp_path / "busy", "--agent", "echo", *FEW, "--force") == 2
    assert "another run writes" in capsys.readouterr().err
    assert (tmp_path / "busy" / "episodes.jsonl").read_bytes() == before
    assert summary(tmp_path / "busy")["played"] > 0


def test_resume_and_force_are_one_too_many(tmp_path, capsys):
    assert evaluate(tmp_path, "--agent", "null", *FEW, "--force", "--resume") == 2
    assert "say one of them" in capsys.readouterr().err


@pytest.mark.parametrize("target", ["stdout", "summary"])
def test_what_cannot_be_written_is_said_without_a_traceback(tmp_path, target):
    arguments = [COMMAND, "eval", "--agent", "null", *FEW, "--out", "run"]
    if target == "summary":
        (tmp_path / "run" / "summary.json").mkdir(parents=True)
        arguments.append("--force")
    with open("/dev/full" if target == "stdout" else os.devnull, "w") as full:
        done = subprocess.run(
            [*map(str, arguments)], cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 2
    assert done.stderr.startswith("crm-agents: ")
    assert "Traceback" not in done.stderr
    assert len(records(tmp_path / "run")) > 1


def test_a_folder_that_cannot_be_one_is_a_usage_error(tmp_path, capsys):
    (tmp_path / "file").write_text("keep", "ascii")
    assert evaluate(tmp_path / "file", "--agent", "null", *FEW) == 2
    assert "give another --out" in capsys.readouterr().err


def test_the_agents_load_neither_tyro_nor_rich(tmp_path):
    code = "import sys, crm_agents; sys.exit(bool({'tyro', 'rich'} & set(sys.modules)))"
    assert shell(sys.executable, "-c", code, cwd=tmp_path).returncode == 0
