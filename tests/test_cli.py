"""crm-gym: each command's output, exit codes and errors; whole episodes played through piped input."""

from __future__ import annotations

import builtins
import io
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from crm_gym import CODES, FAMILIES, TOOLS, Task, cli, find_task, load_suite, reference
from crm_gym.play import value_of
from crm_gym.render import safe
from crm_gym.tools import TOOL_NAMES, ToolCall

NASTY = "\x1b[31mred\x1b[0m [bold red]x[/bold red] :smile: \u202e \x07"


class Said(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def crm_gym(capsys, monkeypatch):
    """Runs the program in this process, with lines for its standard input."""
    for name in ("FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")

    def run(*words: str, lines: Sequence[str] = ()) -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(line + "\n" for line in lines)))
        code = cli.main(words)
        return Said(code, *capsys.readouterr())

    return run


def written(call: ToolCall) -> str:
    """A call as a player writes it in one line."""
    return f"{call.tool} {json.dumps(call.arguments)}"


def typed(call: ToolCall) -> list[str]:
    """A call as a player types it, value by value; Enter where there is none."""
    lines = [str(TOOL_NAMES.index(call.tool))]
    for name, schema in TOOLS[call.tool].schema["properties"].items():
        inner = schema.get("properties")
        values = [(call.arguments.get(name), schema)]
        if inner:
            values = [(call.arguments[name].get(key), details) for key, details in inner.items()]
        lines += ["" if value is None else _line(value, details) for value, details in values]
    return lines


def _line(value: object, schema: dict) -> str:
    if isinstance(value, list) and "type" in schema:
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value)


def check_one_line(said: Said, words: str) -> None:
    assert said.code == 2
    assert said.out == ""
    assert said.err.startswith("crm-gym: ")
    assert said.err.count("\n") == 1
    assert words in said.err


# list


def test_list_shows_suites_and_every_task(crm_gym):
    said = crm_gym("list")
    assert said.code == 0
    assert all(f"{suite} ({len(load_suite(suite))})" in said.out for suite in ("golden", "core", "refusals"))
    assert "\x1b" not in said.out
    shown = [line.split() for line in said.out.split("\n")]
    expected = [[task.id, task.family, task.polarity] for task in load_suite()]
    assert [words[:3] for words in shown if words and words[0] in {one[0] for one in expected}] == expected


def test_list_json_has_what_it_promises(crm_gym):
    value = json.loads(crm_gym("list", "--suite", "core", "--json").out)
    assert value == [
        {"id": t.id, "family": t.family, "polarity": t.polarity, "request": t.request} for t in load_suite("core")
    ]


def test_list_narrows_by_tool_and_polarity(crm_gym):
    value = json.loads(crm_gym("list", "--tool", "create_quote", "--polarity", "refused", "--json").out)
    wanted = [t.id for t in load_suite() if (t.family, t.polarity) == ("create_quote", "refused")]
    assert wanted
    assert [one["id"] for one in value] == wanted


def test_a_tool_without_tasks_in_the_suite_is_an_empty_list(crm_gym):
    assert crm_gym("list", "--suite", "core", "--tool", "add_note", "--json") == Said(0, "[]\n", "")


# describe


@pytest.mark.parametrize("family", FAMILIES)
def test_describe_shows_every_kind_of_task(crm_gym, family):
    tasks = [task for task in load_suite() if task.family == family]
    for task in {task.polarity: task for task in tasks}.values():
        said = crm_gym("describe", task.id)
        assert said.code == 0
        assert safe(task.request) in said.out
        assert "\x1b" not in said.out
        for part in ("\nworld ", "\nexpected", "\nsolution", "\nlookups", *task.world.ids.values()):
            assert part in said.out
        assert all(call.tool in said.out for call in (*task.solution, *task.lookups))


def test_describe_says_what_must_be_created(crm_gym):
    out = crm_gym("describe", "CNC-001").out
    expected = out[out.index("\nexpected") : out.index("\nsolution")]
    values = find_task("CNC-001").solution[0].arguments
    assert "create Client" in expected
    assert all(f"{name}: {json.dumps(value)}" in expected for name, value in values.items())
    assert "free: client_id, created_date" in expected


def test_describe_says_which_refusal_is_expected(crm_gym):
    task = find_task("CNC-103")
    expected = crm_gym("describe", task.id).out.partition("\nexpected")[2]
    assert "refusal duplicate_email of email" in expected
    assert json.dumps(task.goal.call.arguments) in expected


def test_describe_json_of_a_change(crm_gym):
    task = find_task("MOP-001")
    value = json.loads(crm_gym("describe", task.id, "--json").out)
    (change,) = value["expected"]["changes"]
    assert change["change"] == "update"
    assert change["id"] == task.solution[0].arguments["id"]
    assert change["fields"] == dict(task.solution[0].arguments["updates"])
    assert value["solution"] == [{"tool": c.tool, "arguments": c.arguments} for c in task.solution]
    assert {table: len(rows) for table, rows in value["records"].items()} == dict(
        zip(value["records"], task.world.crm.counts(), strict=True)
    )


def test_describe_json_of_a_deletion_and_an_answer(crm_gym):
    task = next(t for t in load_suite(tasks=["delete_quote"]) if t.polarity == "accepted")
    kinds = {c["change"] for c in json.loads(crm_gym("describe", task.id, "--json").out)["expected"]["changes"]}
    assert "delete" in kinds
    task = next(t for t in load_suite(tasks=["opportunity_search"]) if t.polarity == "accepted")
    answer = json.loads(crm_gym("describe", task.id, "--json").out)["expected"]["answer"]
    assert answer == {"form": task.goal.answer.give, "value": task.goal.answer.value}


@pytest.mark.parametrize("command", ["describe", "play"])
def test_what_a_task_says_is_neither_obeyed_nor_read_as_markup(crm_gym, monkeypatch, command):
    mapping = {
        "id": "ODD-1",
        "family": "add_note",
        "request": NASTY,
        "world": {
            "today": "2025-01-01",
            "records": [{"table": "Client", "name": "[red]R[/red] :cat:", "email": "a@b.example", "status": "Active"}],
        },
        "solution": [{"tool": "create_new_client", "arguments": {"name": NASTY}}],
        "changes": [{"create": "Client", "fields": {"name": "n", "email": "n@n.example", "status": "Active"}}],
    }
    task = Task.from_mapping(mapping)
    monkeypatch.setattr(cli, "_task", lambda task_id: task)
    monkeypatch.setattr("crm_gym.sampler.TaskSampler.__init__", _only(task))
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = crm_gym(command, "ODD-1", lines=["client_search {}", "quit"]).out
    assert "\\u001b[31mred\\u001b[0m [bold red]x[/bold red] :smile: \\u202e \\u0007" in out
    assert "[red]R[/red] :cat:" in out
    assert "\x1b[31mred" not in out
    assert "\x07" not in out
    assert "\u202e" not in out


def _only(task: Task):
    def init(self, tasks, weights):
        self.tasks, self._steps, self._block = (task,), [1.0], []

    return init


# play


def test_a_golden_case_typed_value_by_value_succeeds(crm_gym):
    task = find_task("CNC-001")
    said = crm_gym("play", "CNC-001", lines=typed(task.solution[0]))
    assert said.code == 0
    assert said.err == ""
    assert task.request in said.out
    assert "status of the relation; 1 Active, 2 Prospect, 3 Inactive" in said.out
    assert "+ Client " in said.out
    assert "verdict success  progress 1.00" in said.out
    assert said.out.endswith("Solved in one call.\n")


@pytest.mark.parametrize("family", FAMILIES)
def test_every_tools_tasks_can_be_played_both_ways(crm_gym, family):
    tasks = [task for task in load_suite() if task.family == family]
    for task in {task.polarity: task for task in reversed(tasks)}.values():
        by_value = [line for call in task.solution for line in typed(call)]
        assert "Solved in" in crm_gym("play", task.id, lines=by_value).out, task.id
        in_one_line = [written(call) for call in task.solution]
        assert "Solved in" in crm_gym("play", task.id, lines=in_one_line).out, task.id


def test_all_arguments_may_be_an_object_at_the_first_one(crm_gym):
    call = find_task("CNC-001").solution[0]
    out = crm_gym("play", "CNC-001", lines=[call.tool, json.dumps(call.arguments)]).out
    assert "Solved in one call." in out


def test_a_listed_word_may_be_chosen_by_its_number(crm_gym):
    call = find_task("CNC-001").solution[0]
    lines = typed(call)
    lines[3] = "1"
    assert call.arguments["status"] == "Active"
    assert "Solved in one call." in crm_gym("play", "CNC-001", lines=lines).out


def test_a_wrong_end_is_told(crm_gym):
    said = crm_gym("play", "CNC-001", lines=["finish"])
    assert said.code == 0
    assert "verdict no success" in said.out
    assert said.out.endswith("Not solved; crm-gym describe CNC-001 shows a way.\n")


def test_the_limit_of_calls_ends_the_episode(crm_gym):
    said = crm_gym("play", "CNC-001", lines=["quote_prefixes"] * 42)
    assert said.out.count("call>") == 40
    assert "Not solved" in said.out


def test_a_refusal_is_shown_with_code_field_and_sentence(crm_gym):
    out = crm_gym("play", "CNC-001", lines=['create_new_client {"name": "A", "email": "x", "status": "Active"}']).out
    assert "refused email_format (email): email must be a plain address" in out
    assert "nothing has changed" in out


def test_a_dot_sends_and_an_exclamation_mark_drops_the_call(crm_gym):
    out = crm_gym("play", "CNC-001", lines=["create_new_client", "A", "!", "create_new_client", "A", "", "."]).out
    assert "Dropped." in out
    assert "It is required: type a value, or ." in out
    assert out.count("refused ") == 1
    assert "refused missing_field (email)" in out


def test_null_among_updates_empties_a_field(crm_gym):
    task = find_task("MOP-001")
    lines = ["modify_opportunity", task.solution[0].arguments["id"], *[""] * 5, "null", "."]
    out = crm_gym("play", task.id, lines=lines).out
    assert "updates.owner?> null" in out
    assert '"owner": null' in out


def test_slips_of_the_pen_cost_no_call(crm_gym):
    lines = ["", "creat_new_client", "77", "8 {nonsense", "8 [1]", "request", "help", "help 14", "help me", "quit"]
    said = crm_gym("play", "CNC-001", lines=lines)
    assert said.code == 0
    assert "'creat_new_client' is no tool; did you mean 'create_new_client'?" in said.out
    assert "'77' is no tool" in said.out
    assert said.out.count("That is no JSON object") == 2
    assert said.out.count(find_task("CNC-001").request) == 2
    assert all(f"{number:>3} {name} " in said.out for number, name in enumerate(TOOLS))
    assert "create_quote(opportunity_id, amount, status, version?" in said.out
    assert "verdict" not in said.out
    assert said.out.endswith("Left; nothing is kept.\n")


def test_control_characters_that_are_typed_are_not_sent_to_the_terminal(crm_gym):
    lines = ["create_new_client", "\x1b[2Jx", "a@b.example", "Active", ".", "\x1b[2J", "quit"]
    out = crm_gym("play", "CNC-001", lines=lines).out
    assert "\x1b[2J" not in out
    assert "refused text_invalid (name)" in out


def test_end_of_input_is_polite(crm_gym):
    said = crm_gym("play", "CNC-001", lines=["create_new_client", "A"])
    assert said.code == 0
    assert said.out.endswith("End of input; nothing is kept.\n")
    assert said.err == ""


def test_an_interrupt_is_polite(crm_gym, monkeypatch):
    def interrupted(prompt):
        raise KeyboardInterrupt

    monkeypatch.setattr(builtins, "input", interrupted)
    said = crm_gym("play", "CNC-001")
    assert said.code == 130
    assert said.err == "\ncrm-gym: stopped\n"


def test_a_seed_fixes_the_drawn_episode(crm_gym):
    first, again = (crm_gym("play", "--seed", "7", lines=["help", "quit"]).out for _ in range(2))
    assert first == again
    starts = {crm_gym("play", "--seed", str(seed), lines=["quit"]).out for seed in range(8)}
    assert len(starts) > 1


def test_colours_are_shown_where_wanted_and_only_there(crm_gym, monkeypatch):
    lines = typed(find_task("CNC-001").solution[0])
    assert "\x1b[" not in crm_gym("play", "CNC-001", lines=lines).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[32m+ Client" in crm_gym("play", "CNC-001", lines=lines).out


@pytest.mark.parametrize(
    ("line", "schema", "value"),
    [
        ("12.50", {"type": "number"}, 12.5),
        ("12", {"type": "integer"}, 12),
        ("12 EUR", {"type": "number"}, "12 EUR"),
        ("true", {"type": "number"}, "true"),
        (" padded ", {"type": "string"}, " padded "),
        ("007", {"type": "string"}, "007"),
        ("2", {"type": "string", "enum": ["a", "b"]}, "b"),
        ("3", {"type": "string", "enum": ["a", "b"]}, "3"),
        ("²", {"type": "string", "enum": ["a", "b"]}, "²"),
        ("B ", {"type": "string", "enum": ["a", "b"]}, "B "),
        ("x, y", {"type": "array"}, ["x", "y"]),
        ('["x, y"]', {"type": "array"}, ["x, y"]),
        ("42", {}, 42),
        ('{"a": 1}', {}, {"a": 1}),
        ("Acme Works", {}, "Acme Works"),
        ("NaN", {}, "NaN"),
        ("false", {}, False),
    ],
)
def test_a_typed_line_becomes_the_value_its_schema_asks_for(line, schema, value):
    found = value_of(line, schema)
    assert found == value
    assert type(found) is type(value)


# schema


@pytest.mark.parametrize("section", reference.SECTIONS)
def test_schema_prints_a_table_and_its_json(crm_gym, section):
    said = crm_gym("schema", section)
    assert said.code == 0
    assert reference.markdown(section) in said.out
    assert json.loads(crm_gym("schema", section, "--json").out) == reference.data(section)


def test_schema_without_a_name_prints_everything(crm_gym):
    out = crm_gym("schema").out
    assert all(reference.markdown(section) in out for section in reference.SECTIONS)
    assert list(json.loads(crm_gym("schema", "--json").out)) == list(reference.SECTIONS)


def test_schema_is_drawn_for_a_terminal(crm_gym, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    out = crm_gym("schema", "refusals").out
    assert "| ---" not in out
    assert all(code in out for code in CODES)


# Errors, help, the program as a program


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["lst"], "there is no command 'lst'; did you mean 'list'?"),
        ([], "a command is missing; known are list, describe, play, schema"),
        (["describe", "cnc-001"], "there is no task 'cnc-001'; did you mean 'CNC-001'?"),
        (["describe", "?"], "there is no task '?'; crm-gym list shows them all"),
        (["play", "CNC-0001"], "did you mean 'CNC-001'?"),
        (["play", "--seed", "-1"], "seed must be 0 or more; got -1"),
        (["list", "--suite", "gold"], "there is no suite 'gold'; did you mean 'golden'?"),
        (["list", "--tool", "create_quot"], "there is no tool 'create_quot'; did you mean 'create_quote'?"),
        (["list", "--tool", "finish"], "there is no tool 'finish'"),
        (["list", "--polarity", "accept"], "there is no polarity 'accept'; did you mean 'accepted'?"),
        (["schema", "tool"], "there is no reference table 'tool'; did you mean 'tools'?"),
        (["describe", "\x1b[2J\n"], "there is no task '\\x1b[2J\\n'"),
    ],
    ids=str,
)
def test_a_wrong_name_is_one_line_with_the_near_miss(crm_gym, words, hint):
    check_one_line(crm_gym(*words), hint)


@pytest.mark.parametrize("words", [["list", "--sute", "core"], ["describe"], ["play", "--seed", "x"]], ids=str)
def test_a_wrong_option_is_a_usage_error(crm_gym, words):
    said = crm_gym(*words)
    assert said.code == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err


@pytest.mark.parametrize("words", [[], *([name] for name in cli.COMMANDS)], ids=str)
def test_help_has_examples_that_parse(crm_gym, words):
    """Those of the commands stand in the help of the whole too, and are tried once."""
    said = crm_gym(*words, "--help")
    assert said.code == 0
    text = said.out if words else cli._ABOUT
    examples = [line.strip(" │").split()[1:] for line in text.split("\n") if line.strip(" │").startswith("crm-gym ")]
    assert examples
    for example in examples:
        assert crm_gym(*example, lines=["quit"]).code == 0, example


def program(*words: str, env: dict[str, str] | None = None, **keywords) -> subprocess.Popen[str]:
    """The program as a process of its own, away from the terminal settings of whoever runs the tests."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "crm_gym.cli", *words]
    return subprocess.Popen(command, **pipes, text=True, encoding="utf-8", env=env or {}, **keywords)


def test_the_module_runs_as_a_program():
    child = program("play", "CNC-001")
    out, err = child.communicate(written(find_task("CNC-001").solution[0]) + "\n", timeout=60)
    assert (child.returncode, err) == (0, "")
    assert out.endswith("Solved in one call.\n")


def test_a_reader_that_leaves_early_is_no_error():
    child = program("list", "--json")
    assert child.stdout.readline() == "[\n"
    child.stdout.close()
    assert child.wait(timeout=60) == 0
    assert child.stderr.read() == ""
    child.stdin.close()
    child.stderr.close()


def test_ctrl_c_ends_the_program_with_130():
    # Where the tests run in the background, a child would inherit that SIGINT is ignored.
    heeding = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)}
    child = program("play", "CNC-001", env={"PYTHONUNBUFFERED": "1"}, **heeding)
    assert "CNC-001" in child.stdout.readline()
    assert find_task("CNC-001").request in child.stdout.readline()
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130
    assert err.endswith("crm-gym: stopped\n")
    assert "Traceback" not in out + err


def test_an_encoding_that_lacks_letters_ends_nothing():
    child = program("describe", "CNC-001", env={"PYTHONIOENCODING": "ascii"})
    out, err = child.communicate(timeout=60)
    assert (child.returncode, err) == (0, "")
    assert "M\\xfcller" in out
