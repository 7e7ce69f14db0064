"""A person as an agent: the same log as any other, and leaving is no failure."""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from crm_agents.human import HumanAgent, TerminalCallback

from crm_gym import UsageError, find_task, load_suite
from crm_gym.baselines import OracleAgent
from crm_gym.evaluation.harness import BaselineHarness
from crm_gym.evaluation.log import read_log
from crm_gym.evaluation.plan import Plan
from crm_gym.play import Terminal
from crm_gym.strict_json import encode

TASKS = [task.id for task in load_suite("golden", ["contact_search"]) if task.id.startswith("CTS-0")][:3]


class Typist(Terminal):
    """A terminal with lines typed beforehand; keeps what is shown."""

    def __init__(self, *lines: str) -> None:
        super().__init__(colour=False)
        self.lines = list(lines)
        self.shown = ""

    def say(self, text: str = "") -> None:
        self.shown += re.sub(r"\x1b\[\d+m", "", text) + "\n"

    def ask(self, prompt: str) -> str:
        self.shown += prompt
        if not self.lines:
            raise EOFError
        return self.lines.pop(0)


def keys(task_id: str) -> Iterator[str]:
    for call in find_task(task_id).solution:
        yield f"{call.tool} {encode(call.arguments)}"


def plan() -> Plan:
    return Plan(suite="golden", tasks=tuple(TASKS))


def steps_of(path: Path) -> list[Any]:
    return [(one["task"], one["outcome"], one["steps"], one["diff"]) for one in read_log(path).episodes]


def test_a_person_leaves_the_log_that_a_script_leaves(tmp_path: Path) -> None:
    typist = Typist(*(line for task in TASKS for line in keys(task)))
    mine = BaselineHarness(HumanAgent(typist), tmp_path / "human.jsonl", plan()).run()
    BaselineHarness(lambda env, seed: OracleAgent(env), tmp_path / "oracle.jsonl", plan()).run()
    assert mine.run["agent"] == "HumanAgent"
    assert steps_of(tmp_path / "human.jsonl") == steps_of(tmp_path / "oracle.jsonl")
    assert {record["outcome"] for record in mine.episodes} == {"success"}


@pytest.mark.parametrize("goodbye", [["quit"], []])
def test_leaving_stops_the_run_and_it_goes_on_another_day(tmp_path: Path, goodbye: list[str]) -> None:
    path, lines = tmp_path / "log.jsonl", [list(keys(task)) for task in TASKS]
    first = Typist(*lines[0], "contact_search {}", *goodbye)
    with pytest.raises(KeyboardInterrupt, match=r"1 of 3 episodes .* goes on"):
        BaselineHarness(HumanAgent(first), path, plan()).run()
    assert [task for task, *_ in steps_of(path)] == TASKS[:1]
    second = Typist(*lines[1], *lines[2])
    log = BaselineHarness(HumanAgent(second), path, plan(), resume=True).run()
    assert [(one["task"], one["outcome"]) for one in log.episodes] == [(task, "success") for task in TASKS]
    assert "contact_search" not in [step["tool"] for step in log.episodes[1]["steps"]]


def test_arguments_are_asked_for_one_by_one() -> None:
    typist = Typist("modify_opportunity", "abc", "", "", "12.5", "3", ".")
    call, _ = HumanAgent(typist).predict(start())
    assert call == {
        "tool": "modify_opportunity",
        "arguments": {"id": "abc", "updates": {"amount": 12.5, "stage": "Proposal"}},
    }
    assert "updates.stage?> " in typist.shown


def test_an_update_of_null_empties_a_field_and_a_wrong_value_goes_on_as_it_is() -> None:
    typist = Typist("modify_opportunity", "abc", "", "", "much", "", "", "null", ".")
    call, _ = HumanAgent(typist).predict(start())
    assert call["arguments"]["updates"] == {"amount": "much", "owner": None}


def test_a_call_can_be_dropped_and_slips_are_told() -> None:
    typist = Typist(
        "clone_oportunity", "add_note", "!", "respond [1]", "respond {", "help", "help respond", "request", "finish {}"
    )
    call, _ = HumanAgent(typist).predict(start())
    assert call == {"tool": "finish", "arguments": {}}
    assert "did you mean 'clone_opportunity'?" in typist.shown
    assert typist.shown.count("no JSON object") == 2
    assert "End the episode with the answer" in typist.shown
    assert typist.shown.count("Find Åse.") == 2


def test_what_is_shown_is_safe_and_readable() -> None:
    typist = Typist("finish {}", "finish {}", "finish {}")
    agent = HumanAgent(typist)
    agent.predict(start() | {"status": 1, "result": '{"name":"\\u00c5se\\u001b[2J"}'})
    agent.predict(start() | {"status": 2, "error_code": "blank", "result": '{"field":"name","message":"must not"}'})
    agent.predict(start() | {"status": 1, "result": '{"rows":[..."CUT'})
    assert '"name": "Åse' in typist.shown
    assert "\x1b[2J" not in typist.shown
    assert "refused blank (name): must not" in typist.shown
    assert "CUT" in typist.shown


def start() -> dict[str, Any]:
    return {"request": "Find \\u00c5se.", "today": "2026-01-02", "status": 0, "result": "", "error_code": ""}


def test_it_is_told_which_episode_it_is_and_how_it_came_out(tmp_path: Path) -> None:
    lines = [*keys(TASKS[0]), "finish {}", *keys(TASKS[2])]
    typist = Typist(*lines)
    callbacks = [TerminalCallback(typist)]
    BaselineHarness(HumanAgent(typist), tmp_path / "log.jsonl", plan(), callbacks=callbacks).run()
    assert "Episode 2 of 3" in typist.shown
    assert typist.shown.count("Solved in") == 2
    assert "Not solved in one call: gave_up." in typist.shown


def test_a_person_is_in_one_place_only(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="one episode at a time"):
        BaselineHarness(HumanAgent(Typist()), tmp_path / "log.jsonl", plan(), workers=2).run()


def test_standard_input_is_the_default(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    lines = iter(["finish {}"])
    monkeypatch.setattr(builtins, "input", lambda prompt: next(lines))
    env = gym.make("CrmEnv-v0")
    observation, _ = env.reset(seed=1)
    call, _ = HumanAgent().predict(observation)
    env.close()
    assert call["tool"] == "finish"
    assert "today" in capsys.readouterr().out
