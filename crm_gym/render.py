"""The episode for people: request, calls, changes as a diff, verdict; ANSI colours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

from crm_gym.journal import Change, Journal
from crm_gym.schema import row_json
from crm_gym.strict_json import encode
from crm_gym.tasks.task import Task
from crm_gym.tools import ToolResult
from crm_gym.verify import Verdict

RED, GREEN, YELLOW, BOLD, DIM, PLAIN = (f"\x1b[{code}m" for code in (31, 32, 33, 1, 2, 0))
_WIDTH = 120
_SHOWN = 20


def ansi(task: Task, calls: Sequence[ToolResult], journal: Journal, verdict: Verdict, *, over: bool) -> str:
    """The whole episode so far. Control characters in what is shown are escaped, never sent to the terminal."""
    lines = [f"{BOLD}{safe(task.id)}{PLAIN}  {DIM}today {task.today}{PLAIN}", safe(task.request), ""]
    if len(calls) > _SHOWN:
        lines.append(f"{DIM}... {len(calls) - _SHOWN} earlier calls{PLAIN}")
    first = max(0, len(calls) - _SHOWN)
    for number, result in enumerate(calls[first:], first + 1):
        lines += call_lines(number, result)
    lines += changes(journal)
    return "\n".join([*lines, "", verdict_line(verdict, over=over)])


def safe(text: str) -> str:
    """The text with everything unprintable escaped; newlines stay."""
    return "".join(char if char.isprintable() or char == "\n" else encode(char)[1:-1] for char in text)


def _short(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 3] + "..."


def call_lines(number: int, result: ToolResult) -> list[str]:
    """One call and what came of it, in two lines."""
    name = result.call.tool if result.call else "(malformed)"
    arguments = encode(result.call.arguments) if result.call else ""
    head = f"{DIM}{number:>3}{PLAIN} {BOLD}{name}{PLAIN} {_short(arguments)}"
    if result.error is None:
        return [head, f"    {GREEN}ok{PLAIN} {_short(encode(result.value))}"]
    return [head, f"    {RED}{result.error.code}{PLAIN} {safe(_short(result.error.message))}"]


def changes(journal: Journal) -> list[str]:
    """The net changes as a coloured diff."""
    lines = [line for change in islice(journal.net.values(), _SHOWN) for line in change_lines(change)]
    if len(journal.net) > _SHOWN:
        lines.append(f"{DIM}... {len(journal.net) - _SHOWN} more changed records{PLAIN}")
    return ["", f"{BOLD}changes{PLAIN}", *lines] if lines else ["", f"{DIM}nothing has changed{PLAIN}"]


def change_lines(change: Change) -> list[str]:
    """One net change: + for what is new, - for what is gone."""
    before = row_json(change.before) if change.before is not None else {}
    after = row_json(change.after) if change.after is not None else {}
    sign, colour = ("+", GREEN) if not before else ("-", RED) if not after else ("~", YELLOW)
    lines = [f"  {colour}{sign} {change.table} {change.id}{PLAIN}"]
    for name in before or after:
        old, new = before.get(name), after.get(name)
        if old != new and old is not None:
            lines.append(f"      {RED}- {name}: {_short(encode(old))}{PLAIN}")
        if old != new and new is not None:
            lines.append(f"      {GREEN}+ {name}: {_short(encode(new))}{PLAIN}")
    return lines


def verdict_line(verdict: Verdict, *, over: bool) -> str:
    """The verdict in one line: numbers only, nothing of what was expected."""
    word = f"{GREEN}success{PLAIN}" if verdict.success else f"{RED}no success{PLAIN}" if over else "open"
    counts = f"missing {verdict.unmet}, unexpected {verdict.excess}"
    return f"{BOLD}verdict{PLAIN} {word}  progress {verdict.progress:.2f}  {DIM}{counts}{PLAIN}"
