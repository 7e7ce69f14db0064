"""Plans: calls whose arguments may name records that earlier calls of the same plan make.

"@new:0" stands for the id of the first record that the plan makes, "@new:1" for the second, and so on: ids of new
records are the episode's, not the task's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from crm_gym.errors import ToolError
from crm_gym.schema import TABLE_OF
from crm_gym.tools import TOOLS, ToolCall, ToolResult

_NEW = re.compile(r"@new:(0|[1-9][0-9]{0,2})")

MAKERS = frozenset(name for name in TOOLS if name.startswith(("create_", "clone_", "upload_", "add_")))
"""The tools that make a record; its id is the first field of what they return."""


def new(number: int) -> str:
    """What stands for the id of the plan's new record with that number, from 0."""
    return f"@new:{number}"


def number_of_new(value: object) -> int | None:
    """The number of the new record a value stands for, None for any other value."""
    found = _NEW.fullmatch(value) if type(value) is str and value.startswith("@new:") else None
    return int(found[1]) if found else None


def filled(call: ToolCall, ids: Sequence[str]) -> ToolCall:
    """The call with the ids of what has been made so far; what is not made yet stays as it stands.

    Args:
        call: A call of a plan.
        ids: Ids of the records the plan has made, in order.
    """
    return ToolCall(call.tool, _filled(call.arguments, ids)) if refers(call.arguments) else call


def refers(value: Any) -> bool:
    """Whether a new record is named anywhere in the value."""
    if isinstance(value, Mapping):
        return any(refers(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(refers(item) for item in value)
    return number_of_new(value) is not None


def _filled(value: Any, ids: Sequence[str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _filled(item, ids) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, ids) for item in value]
    number = number_of_new(value)
    return ids[number] if number is not None and number < len(ids) else value


def id_made(tool: str, raw: Any, error: ToolError | None) -> str | None:
    """The id of the record a call has made, None if it has made none."""
    if error is not None or tool not in MAKERS or type(raw) not in TABLE_OF:
        return None
    return str(raw[0])


def ids_made(results: Iterable[ToolResult]) -> list[str]:
    """The ids of the records that calls have made, in order."""
    ids = (id_made(result.call.tool, result.raw, result.error) for result in results if result.call is not None)
    return [record for record in ids if record is not None]
