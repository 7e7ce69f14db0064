"""crm-gym describe --door: what of a suite can be done through a door that does not say everything."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crm_gym.describe import one_line
from crm_gym.errors import UsageError, near_miss
from crm_gym.form.columns import FORM_COLUMNS, ROW_COLUMNS, VALUE_COLUMNS
from crm_gym.form.expressible import DOORS, Share, Tried, shares, tasks_of, tried
from crm_gym.tasks.catalogue import SUITES
from crm_gym.tasks.families import REGISTRY
from crm_gym.tasks.splits import GENERATED

JSON = Any
OK = 0
KNOWN_SUITES = (*SUITES, GENERATED)
_PIPED_WIDTH = 1_000  # nothing is folded or cut where a program reads


def describe_door(door: str, suite: str, split: str, families: Sequence[str], count: int, as_json: bool) -> int:
    """Show how many tasks of each family can be done through a door, and list the others with the reason."""
    for what, name, known in (("door", door, DOORS), ("suite", suite, KNOWN_SUITES)):
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}; {near_miss(name, known)}")
    if count < 1:
        raise UsageError(f"count must be 1 or more; got {count}")
    found = list(tried(tasks_of(suite, split, families, count)))
    rows = [_row(share) for share in shares(found)]
    others = [one for one in found if one.reason]
    if as_json:
        print(json.dumps(_json(door, suite, split, rows, others), indent=2))
    else:
        _show(rows, others, len(found), f"suite {suite}" if suite != GENERATED else f"split {split}")
    return OK


VIEWS = {"said": VALUE_COLUMNS, "rows": ROW_COLUMNS, "form": FORM_COLUMNS}
"""The parts of the observation that have columns."""


def describe_columns(door: str, as_json: bool) -> int:
    """Show what every column of the door's observation means, as a Markdown table."""
    if door not in DOORS:
        raise UsageError(f"there is no door {door!r}; {near_miss(door, DOORS)}")
    rows = [{"part": part, **column._asdict()} for part, columns in VIEWS.items() for column in columns]
    if as_json:
        print(json.dumps(rows, indent=2))
        return OK
    print("| part | column | kind | size | meaning |\n| --- | --- | --- | --- | --- |")
    for row in _folded(rows):
        print("| " + " | ".join(str(row[name]) for name in ("part", "name", "kind", "size", "meaning")) + " |")
    return OK


def _folded(rows: list[dict[str, JSON]]) -> list[dict[str, JSON]]:
    """The rows; of columns that there is one of for each field, tool or table, the first stands for all."""
    shown: list[dict[str, JSON]] = []
    seen: dict[str, int] = {}
    for row in rows:
        stem, _, rest = row["name"].partition("_")
        if row["part"] != "form" or stem not in _ONE_EACH or not rest:
            shown.append({**row, "name": f"`{row['name']}`"})
        elif stem not in seen:
            seen[stem] = len(shown)
            shown.append(
                {**row, "name": f"`{row['name']}` and so on", "meaning": f"{row['meaning']}; one for {_ONE_EACH[stem]}"}
            )
    return shown


_ONE_EACH = {"done": "each tool", "made": "each entity", "count": "each entity", "has": "each field name"}


def _row(share: Share) -> dict[str, JSON]:
    known = REGISTRY.get(share.family)
    return {
        "family": share.family,
        "kind": known.kind if known else "single",
        "tool": known.tool if known else share.family,
        "tasks": share.tasks,
        "expressible": share.expressible,
    }


def _json(door: str, suite: str, split: str, rows: list[dict[str, JSON]], others: list[Tried]) -> JSON:
    drawn = {"split": split} if suite == GENERATED else {}
    return {"door": door, "suite": suite, **drawn, "families": rows, "others": [one._asdict() for one in others]}


def _show(rows: list[dict[str, JSON]], others: list[Tried], count: int, what: str) -> None:
    table = Table(box=box.SIMPLE, pad_edge=False)
    for name in ("family", "kind", "tool", "tasks", "expressible"):
        table.add_column(name, no_wrap=True)
    for row in rows:
        table.add_row(*map(str, row.values()))
    console = Console(markup=False, highlight=False, emoji=False, width=None if sys.stdout.isatty() else _PIPED_WIDTH)
    with console.capture() as captured:
        console.print(table)
        for one in others:
            console.print(Text(f"{one_line(one.id)}: {one_line(one.reason)}"))
        console.print(Text(f"{count - len(others)} of {count} tasks of {what}"))
    sys.stdout.write("\n".join(line.rstrip() for line in captured.get().split("\n")))
