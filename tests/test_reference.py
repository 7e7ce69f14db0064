"""The reference tables: everything of the code is in them, they are tables, and the README's copies are checked."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crm_gym import CODES, TOOLS, RewardConfig, UsageError, reference, spaces
from crm_gym.registration import registered
from crm_gym.schema import TABLES

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / "scripts" / "generate.py"


def rows(text: str) -> list[list[str]]:
    """The cells of every body row of a Markdown text's tables."""
    lines = [line for line in text.split("\n") if line.startswith("|") and not line.startswith("| ---")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def field(entity: str, name: str) -> dict:
    table = next(one for one in reference.data("entities") if one["name"] == entity)
    return next(one for one in table["fields"] if one["name"] == name)


# The tables and the code


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_field_has_a_row_under_its_entity(table):
    parts = dict(re.findall(r"^\*\*(\w+)\*\*:.*?\n\n(.*?)(?:\n\n|\Z)", reference.markdown("entities"), re.S | re.M))
    assert [row[0] for row in rows(parts[table.name])[1:]] == [f"`{column.name}`" for column in table.columns]


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_required_fields_are_those_a_create_call_needs(table):
    fields = next(one for one in reference.data("entities") if one["name"] == table.name)["fields"]
    required = {one["name"] for one in fields if one["required"]}
    assert required == {column.name for column in table.columns if column.required and column.creatable}


@pytest.mark.parametrize(
    ("entity", "name", "accepts"),
    [
        ("Opportunity", "amount", ["more than 0", "at most 10,000,000", "at most two decimals"]),
        ("Opportunity", "probability", ["1 to 99", "whole"]),
        ("Opportunity", "close_date", ["YYYY-MM-DD"]),
        ("Client", "status", ["Active, Prospect, Inactive"]),
        ("Client", "name", ["at most 200 characters", "not blank"]),
        ("Note", "content", ["at most 4,000 characters", "not blank"]),
    ],
)
def test_bounds_enums_and_limits_are_told(entity, name, accepts):
    assert field(entity, name)["accepts"] == accepts


@pytest.mark.parametrize(
    ("entity", "name", "remark"),
    [
        ("Client", "client_id", "id of the record, given by the CRM"),
        ("Client", "email", "unique, compared trimmed and in any case"),
        ("Client", "created_date", "filled by the CRM"),
        ("Quote", "opportunity_id", "references Opportunity, deleted with it"),
        ("Quote", "opportunity_id", "cannot be changed"),
        ("Contract", "opportunity_id", "references Opportunity, emptied when that is deleted"),
        ("Contract", "status", "Pending if not given"),
        ("Document", "entity_id", "references the record of the kind in entity_type, deleted with it"),
    ],
)
def test_remarks_are_told(entity, name, remark):
    assert remark in field(entity, name)["remarks"]


def test_a_field_that_may_move_is_not_called_fixed():
    assert "cannot be changed" not in field("Opportunity", "client_id")["remarks"]


def test_every_tool_has_its_number_kind_and_arguments():
    table = rows(reference.markdown("tools"))[1:]
    assert [(row[0], row[1], row[2]) for row in table] == [
        (str(number), f"`{tool.name}`", tool.kind) for number, tool in enumerate(TOOLS.values())
    ]
    for row, tool in zip(table, TOOLS.values(), strict=True):
        for name in tool.schema["properties"]:
            mark = name if name in tool.schema["required"] else name + "?"
            assert re.search(rf"(?<!\w){re.escape(mark)}(?![\w?])", row[3]), (tool.name, name)


def test_the_fields_of_updates_are_shown_inside_it():
    assert reference.signature(TOOLS["modify_contact"].schema) == (
        "id, updates {first_name?, last_name?, title?, email?, phone?, notes?}"
    )


def test_shares_add_up_and_are_shown():
    assert sum(one["share"] for one in reference.data("tools")) == pytest.approx(1)
    assert sum(one["requests"] for one in reference.data("tools")) == 15_181
    assert "| 3,683 (24.26%) |" in reference.markdown("tools")


def test_first_sentence_stops_at_the_first_full_stop():
    assert reference.first_sentence("Find 2.5 things. Then stop.") == "Find 2.5 things."
    assert reference.first_sentence("No stop") == "No stop"


def test_every_code_stands_in_check_order_with_its_meaning():
    table = rows(reference.markdown("refusals"))[1:]
    assert table == [[str(n), f"`{code}`", meaning] for n, (code, meaning) in enumerate(CODES.items(), 1)]


def test_every_id_stands_with_its_keywords():
    table = rows(reference.markdown("ids"))[1:]
    assert [row[0] for row in table] == [f"`{name}`" for name in registered()]
    for row, (keywords, _) in zip(table, registered().values(), strict=True):
        assert all(f"{name}=" in row[1] for name in keywords)
        assert all(tool in row[1] for tool in keywords.get("tasks", ()))


@pytest.mark.parametrize(
    ("name", "space"), [("observations", spaces.observation_space()), ("actions", spaces.action_space())]
)
def test_every_key_of_a_space_has_a_row(name, space):
    found = {one["key"]: one["space"] for one in reference.data(name)}
    assert found == {key: reference.space_words(inner) for key, inner in space.spaces.items()}
    assert all(one["meaning"] for one in reference.data(name))


def test_spaces_are_put_in_words():
    found = {one["key"]: one["space"] for one in reference.data("observations")}
    assert found["status"] == "Discrete(3)"
    assert found["today"] == "Text, at most 10 printable ASCII characters"
    assert found["counts"] == f"Box(0, {2**53}, (8,), int64)"


def test_every_reward_term_has_its_default():
    table = {row[0].strip("`"): row[1] for row in rows(reference.markdown("rewards"))[1:]}
    assert {term: float(weight) for term, weight in table.items()} == RewardConfig().model_dump()


@pytest.mark.parametrize("name", reference.SECTIONS)
def test_tables_are_whole_and_data_is_json(name):
    widths = {len(row) for row in rows(reference.markdown(name))}
    assert len(widths) == 1
    value = reference.data(name)
    assert json.loads(json.dumps(value, allow_nan=False)) == value


def empty(value: object) -> None:
    """Empty a JSON value from its leaves up."""
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            empty(inner)
        value.clear()


@pytest.mark.parametrize("name", reference.SECTIONS)
def test_data_cannot_reach_the_code(name):
    before = reference.markdown(name)
    empty(reference.data(name))
    assert reference.markdown(name) == before


def test_a_pipe_or_a_line_break_does_not_break_a_table(monkeypatch):
    monkeypatch.setitem(CODES, "odd", "a | b\nc")
    assert rows(reference.markdown("refusals"))[-1][2] == "a \\| b c"


def test_an_unknown_table_offers_the_near_miss():
    with pytest.raises(UsageError, match=r"'tols'; did you mean 'tools'\?"):
        reference.markdown("tols")


# scripts/generate.py


@pytest.fixture(scope="module")
def generate() -> Callable[[list[str]], int]:
    spec = importlib.util.spec_from_file_location("generate", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


@pytest.fixture
def readme(tmp_path) -> Path:
    file = tmp_path / "README.md"
    parts = [f"## {name}\n\n<!-- generated: {name} -->\n<!-- /generated -->\n" for name in reference.SECTIONS]
    file.write_text("# Ähem\n\n" + "\n".join(parts) + "\nThe end.\n", encoding="utf-8")
    return file


def test_generate_fills_every_part_and_leaves_the_rest(generate, readme):
    assert generate([str(readme)]) == 0
    text = readme.read_text(encoding="utf-8")
    assert text.startswith("# Ähem\n\n## entities\n\n<!-- generated: entities -->\n\n**Client**")
    assert text.endswith("<!-- /generated -->\n\nThe end.\n")
    assert all(reference.markdown(name) in text for name in reference.SECTIONS)


def test_check_says_fresh_stale_and_fresh_again(generate, readme, capsys):
    generate([str(readme)])
    fresh = readme.read_bytes()
    assert generate(["--check", str(readme)]) == 0
    readme.write_bytes(fresh.replace(b"| `blank` |", b"| `blank` or so |"))
    capsys.readouterr()
    assert generate(["--check", str(readme)]) == 1
    said = capsys.readouterr()
    assert "\n-| 7 | `blank` or so |" in said.out
    assert "\n+| 7 | `blank` |" in said.out
    assert f"run: python scripts/generate.py {readme}" in said.err
    assert readme.read_bytes() != fresh, "--check must not write"
    assert generate([str(readme)]) == 0
    assert readme.read_bytes() == fresh


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("<!-- generated: tols -->\n<!-- /generated -->\n", "line 1: there is no reference table 'tols'; did you mean"),
        ("a\n<!-- generated: tools -->\nb\n", "line 2: the part opened here is not closed"),
        (
            "<!-- generated: ids -->\n<!-- generated: tools -->\n<!-- /generated -->",
            "line 2: the part opened in line 1",
        ),
        ("a\n\n<!-- /generated -->\n", "line 3: <!-- /generated --> closes nothing"),
    ],
    ids=["unknown", "unclosed", "nested", "closed twice"],
)
def test_wrong_markers_are_errors_and_nothing_is_written(generate, tmp_path, capsys, text, words):
    file = tmp_path / "README.md"
    file.write_text(text, encoding="utf-8")
    assert generate([str(file)]) == 2
    assert words in capsys.readouterr().err
    assert file.read_text(encoding="utf-8") == text


def test_a_missing_file_is_an_error(generate, tmp_path, capsys):
    assert generate(["--check", str(tmp_path / "none.md")]) == 2
    assert "none.md" in capsys.readouterr().err


def test_the_readme_is_current():
    done = subprocess.run([sys.executable, str(SCRIPT), "--check"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
