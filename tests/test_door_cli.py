"""crm-gym describe --door: what can be done through the form door, counted and listed."""

import json
from collections import Counter

import pytest

from crm_gym import TOOLS, UsageError, cli, load_suite
from crm_gym.form.columns import FORM_COLUMNS, ROW_COLUMNS, VALUE_COLUMNS
from crm_gym.form.expressible import shares, tasks_of, tried
from crm_gym.tasks.families import REGISTRY

TOOL_FAMILIES = [name for name, family in REGISTRY.items() if name == family.tool]


@pytest.fixture
def run(capsys):
    def say(*words):
        code = cli.main(["describe", *words])
        return code, *capsys.readouterr()

    return say


def counts(found):
    """Tasks and expressible ones, of all families together."""
    rows = shares(found)
    return sum(row.tasks for row in rows), sum(row.expressible for row in rows)


def test_there_is_a_family_named_like_each_tool():
    assert len(TOOL_FAMILIES) == sum(tool.requests > 0 for tool in TOOLS.values()) == 28


def test_golden_tasks_but_few_can_be_expressed():
    found = list(tried(load_suite()))
    tasks, expressible = counts(found)
    assert tasks == len(load_suite())
    assert expressible >= 0.93 * tasks
    reasons = [one.reason for one in found if one.reason]
    assert all(reason.endswith("is neither said nor found") for reason in reasons)


@pytest.mark.parametrize("split", ["train", "test"])
def test_single_calls_of_every_tool_can_be_expressed(split):
    found = list(tried(tasks_of("generated", split, TOOL_FAMILIES, 5)))
    tasks, expressible = counts(found)
    assert (tasks, len(shares(found))) == (5 * 28, 28)
    assert expressible >= 0.97 * tasks
    assert all(row.expressible >= 3 for row in shares(found))


def test_workflows_can_be_expressed():
    tasks, expressible = counts(tried(tasks_of("generated", "test", ["workflow", "composition"], 2)))
    assert expressible >= 0.95 * tasks
    assert tasks >= 60


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("family", TOOL_FAMILIES)
def test_two_hundred_of_every_tool(family, split):
    tasks, expressible = counts(tried(tasks_of("generated", split, [family], 200)))
    assert expressible >= 0.95 * tasks


@pytest.mark.slow
@pytest.mark.parametrize("split", ["train", "test"])
def test_many_workflows(split):
    tasks, expressible = counts(tried(tasks_of("generated", split, ["workflow"], 50)))
    assert expressible >= 0.95 * tasks


def test_families_are_counted_in_their_order():
    tasks = [*tasks_of("golden", "", ["add_note", "client_search"], 1)]
    found = shares(tried(tasks))
    sizes = Counter(task.family for task in tasks)
    assert [(row.family, row.tasks) for row in found] == [(name, sizes[name]) for name in dict.fromkeys(sizes)]


def test_the_command_counts_and_lists(run):
    code, out, err = run("--door", "form", "--families", "opportunity_search", "add_note")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.split("\n") if line.strip()]
    (notes,) = [line for line in lines if line[0] == "add_note"]
    assert notes[1:3] == ["single", "add_note"]
    assert notes[3] == notes[4]
    (searches,) = [line for line in lines if line[0] == "opportunity_search"]
    listed = [line for line in lines if line[0].startswith("OPS-")]
    assert len(listed) == int(searches[3]) - int(searches[4]) > 0
    total = int(searches[3]) + int(notes[3])
    assert out.endswith(f"{total - len(listed)} of {total} tasks of suite golden\n")


def test_json_of_the_command(run):
    words = ("--suite", "generated", "--split", "test", "--families", "compare_quotes", "--count", "3")
    code, out, _ = run("--door", "form", *words, "--json")
    value = json.loads(out)
    assert code == 0
    assert (value["door"], value["suite"], value["split"]) == ("form", "generated", "test")
    (row,) = value["families"]
    assert row | {"expressible": 0} == {
        "family": "compare_quotes",
        "kind": "single",
        "tool": "compare_quotes",
        "tasks": 3,
        "expressible": 0,
    }
    assert len(value["others"]) == 3 - row["expressible"]


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["--door", "from"], "there is no door 'from'; did you mean 'form'?"),
        (["--door", "form", "--suite", "goldn"], "there is no suite 'goldn'; did you mean 'golden'?"),
        (["--door", "form", "--families", "add_not"], "there is no family 'add_not'; did you mean 'add_note'?"),
        (["--door", "form", "--suite", "generated", "--split", "tst"], "split 'tst' does not exist"),
        (["--door", "form", "--count", "0"], "count must be 1 or more; got 0"),
        (["CNC-001", "--door", "form"], "describe takes the id of a task, or --door"),
        (["CNC-001", "--suite", "core"], "--suite, --families and --columns go with --door"),
        ([], "describe takes the id of a task, or --door"),
    ],
    ids=str,
)
def test_wrong_words_are_one_line(run, words, hint):
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert err.startswith("crm-gym: ")
    assert hint in err
    assert err.count("\n") == 1


def test_the_families_of_a_suite_must_exist():
    with pytest.raises(UsageError, match="did you mean 'add_note'"):
        list(tasks_of("golden", "", ["add_notes"], 1))


def test_the_columns_are_all_there(run):
    code, out, _ = run("--door", "form", "--columns")
    assert code == 0
    lines = out.splitlines()
    assert lines[:2] == ["| part | column | kind | size | meaning |", "| --- | --- | --- | --- | --- |"]
    assert sum(line.startswith("| said |") for line in lines) == len(VALUE_COLUMNS)
    assert sum(line.startswith("| rows |") for line in lines) == len(ROW_COLUMNS)
    code, out, _ = run("--door", "form", "--columns", "--json")
    assert len(json.loads(out)) == len(VALUE_COLUMNS) + len(ROW_COLUMNS) + len(FORM_COLUMNS)
