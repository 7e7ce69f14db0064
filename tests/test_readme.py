"""The README does what it says: its Python runs, its figures and links are there."""

import re
from pathlib import Path

import pytest

from crm_gym import CODES, load_suite

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
MARKERS = ("actions", "observations", "rewards", "ids", "entities", "tools", "refusals")


def test_the_python_of_the_readme_runs(capsys):
    """The blocks follow one another, as a reader would type them."""
    blocks = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    assert len(blocks) >= 6
    names = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    printed = capsys.readouterr().out
    assert "probability_not_whole probability" in printed
    assert "verdict" in printed
    assert "True False" in printed  # the oracle succeeds, the echo does not
    assert "1.0\n[]\n" in printed


def test_every_reference_table_stands_in_the_readme():
    assert sorted(re.findall(r"<!-- generated: (\w+) -->", TEXT)) == sorted(MARKERS)


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"])
def test_links_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert link.startswith("https://") or (ROOT / link).exists(), link


def test_counts_in_the_changelog_are_true():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"{len(load_suite())} cases" in text
    assert f"{len(CODES)} refusal codes" in text


def test_commands_in_the_readme_exist():
    for path in re.findall(r"`(scripts/[\w.]+)", TEXT):
        assert (ROOT / path).exists(), path
