"""Calibrations and reviews as Markdown. What a model or a config said is shown as text, never as markup."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

from crm_agents.judge.coverage import PRIORITIES
from crm_agents.judge.fence import visible
from crm_agents.judge.gate import Finding, Gate, findings, looser
from crm_agents.judge.grades import GRADES, UNJUDGED

_MARKUP = re.compile(r"([\\`*_{}\[\]()#+!|~$]|^-)")
_BREAKS = re.compile(r"\s+")


def literal(text: object) -> str:
    """A text as Markdown shows it: on one line, with nothing in it that means anything to Markdown or HTML."""
    shown = "".join(char if visible(char) or char.isspace() else "\N{REPLACEMENT CHARACTER}" for char in str(text))
    return escape(_MARKUP.sub(r"\\\1", _BREAKS.sub(" ", shown).strip()), quote=False)


def calibration_page(made: Mapping[str, Any], gate: Gate) -> str:
    """A calibration as Markdown, with every check of the gate."""
    checked = findings(made, gate)
    failed = [*(finding.said() for finding in checked if not finding.met), *looser(gate)]
    verdict = "**Refused.** " + "; ".join(failed) + "." if failed else "**Passed.** It may be used."
    kappa, accuracy = made["kappa"], made["accuracy"]
    parts = [
        f"# Judge {literal(made['model'])}",
        verdict,
        f"{made['count']} items, {_percent(made['negatives'])} of them to be graded down; {made['questions']} "
        f"questions. Accuracy {_percent(accuracy['value'])} "
        f"({_percent(accuracy['low'])} to {_percent(accuracy['high'])}), "
        f"Cohen's kappa {kappa['value']:.3f} ({kappa['low']:.3f} to {kappa['high']:.3f}). "
        f"Answered by {literal(', '.join(made['answered_by']) or 'nobody')}; {_spent(made)}.",
        "## Gate",
        _table(("figure", "value", "limit", "met"), (_row(finding) for finding in checked)),
        "## What it said of what",
        _table(("truth", *GRADES, UNJUDGED), ((truth, *row.values()) for truth, row in made["confusion"].items())),
        "## By kind of item",
        _table(("kind", "items", "right"), _shares(made["hows"])),
        "## By family",
        _table(("family", "items", "right"), _shares(made["families"])),
        "## Flips",
        _table(
            ("change of form", "items", "flipped", "which"),
            ((name, one["count"], _percent(one["rate"]), _some(one["which"])) for name, one in made["flips"].items()),
        ),
        "## Attacks",
        _table(("place", "tried", "called sound"), _attacks(made)),
        f"Came through: {_some([*made['injections']['which'], *made['master_keys']['which']])}.",
    ]
    return "\n\n".join(parts) + "\n"


def coverage_page(made: Mapping[str, Any]) -> str:
    """A review of a suite as Markdown, by priority."""
    chunks = "one part" if made["chunks"] == 1 else f"{made['chunks']} parts"
    parts = [
        f"# Coverage of {literal(made.get('suite', 'a suite'))}",
        f"{made['tasks']} tasks, read in {chunks} by {literal(made['model'])}. A model's opinion: "
        f"nothing in the suite was changed, and no reward depends on it. It took {_spent(made)}.",
    ]
    for priority in PRIORITIES:
        some = [one for one in made["findings"] if one["priority"] == priority]
        parts += [f"## Priority {priority} ({len(some)})", *map(_finding, some)]
    if made["unread"]:
        parts += ["## Not read", *(f"- {len(one['cases'])} tasks: {literal(one['why'])}" for one in made["unread"])]
    if made["unmerged"]:
        parts += ["## Not put together", *(f"- {literal(why)}" for why in made["unmerged"])]
    return "\n\n".join(parts) + "\n"


def _finding(one: Mapping[str, Any]) -> str:
    about = f" Tasks: {literal(', '.join(one['tasks']))}." if one["tasks"] else ""
    return (
        f"### {one['kind'].capitalize()}: {literal(one['title'])}\n\n{literal(one['detail'])}\n\n"
        f"Advice: {literal(one['advice'])}{about}"
    )


def _row(finding: Finding) -> tuple[object, ...]:
    sign = "at least" if finding.check.side == "least" else "at most"
    value = "missing" if finding.value is None else _number(finding.value)
    return finding.check.what, value, f"{sign} {_number(finding.limit)}", "yes" if finding.met else "**no**"


def _shares(groups: Mapping[str, Mapping[str, Any]]) -> Iterable[tuple[object, ...]]:
    return ((name, group["count"], _percent(group["accuracy"])) for name, group in groups.items())


def _attacks(made: Mapping[str, Any]) -> Iterable[tuple[object, ...]]:
    keys = made["master_keys"]
    yield from ((place, one["count"], one["passes"]) for place, one in made["injections"]["by_place"].items())
    yield "master keys", keys["count"], len(keys["which"])


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _spent(made: Mapping[str, Any]) -> str:
    cost = made.get("cost")
    return f"{sum(made['tokens'].values()):,} tokens, " + ("cost unknown" if cost is None else f"{cost:.4f} US dollars")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return (", ".join(names[:12]) + more) or "none"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
