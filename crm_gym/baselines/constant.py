"""ConstantAgent: right about everything but the values, so that only a verdict that reads them turns it down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crm_gym.baselines.sampling import Schema, kind_of
from crm_gym.baselines.scripted import PlanAgent
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolCall

CONSTANTS: dict[str, tuple[Any, ...]] = {
    "id": ("00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-000000000001"),
    "email": ("constant@constant.example", "other@constant.example"),
    "url": ("https://constant.example/", "https://constant.example/other"),
    "date": ("2099-12-31", "2099-12-30"),
    "time": ("2099-12-31T00:00:00Z", "2099-12-30T00:00:00Z"),
    "file": ("constant.pdf", "other.pdf"),
    "text": ("constant", "other"),
    "number": (7, 8),
}
"""What a ConstantAgent says, by kind of value; the second where the first would be right."""


class ConstantAgent(PlanAgent):
    """Uses the right tools on the right records, with constants that are wrong for every other value.

    A call that says nothing but ids goes to another record of the same table; what a call must say and does
    not is filled in.
    """

    def plan(self, task: Task) -> tuple[ToolCall, ...]:
        """The task's own calls, and before them one of its family's tool, all with wrong values."""
        calls = task.solution
        if task.family not in {call.tool for call in calls}:
            refused = getattr(task.goal, "call", None)
            calls = (*(call for call in (refused, *task.lookups) if call and call.tool == task.family), *calls)
        return tuple(self._spoilt(call) for call in calls)

    def _spoilt(self, call: ToolCall) -> ToolCall:
        schema = TOOLS[call.tool].schema
        return ToolCall(call.tool, self._wrong(schema, call.arguments, not _says_more(schema, call.arguments)))

    def _wrong(self, schema: Schema, right: Mapping[str, Any], only_ids: bool) -> dict[str, Any]:
        parts = schema["properties"]
        said = [name for name in parts if name in right or name in schema.get("required", ())]
        return {name: self._other(name, parts[name], right.get(name), only_ids or name not in right) for name in said}

    def _other(self, name: str, schema: Schema, right: Any, only_ids: bool) -> Any:
        kind = kind_of(name, schema)
        if kind == "object":
            return self._wrong(schema, right if isinstance(right, Mapping) else {}, only_ids)
        if kind == "array":
            items = right if isinstance(right, list) else [right]
            return [self._other(name, schema["items"], item, only_ids) for item in items]
        if kind == "any":
            return _wrong_answer(right)
        if kind == "id":
            return self._neighbour(right) if only_ids else right
        constants = schema["enum"] if kind == "enum" else CONSTANTS[kind]
        return next(value for value in constants if value != right)

    def _neighbour(self, record: Any) -> str:
        """The first other record of the table that holds this one."""
        knowing: Any = self.env.unwrapped
        crm = knowing.crm
        for table in ("Client", "Contact", "Opportunity", "Quote", "Contract", "Company", "Document", "Note"):
            if isinstance(record, str) and crm.get(table, record) is not None:
                return next((str(row[0]) for row in crm.find(table) if row[0] != record), CONSTANTS["id"][0])
        return str(CONSTANTS["id"][0])


def _says_more(schema: Schema, arguments: Any) -> bool:
    """Whether anything is given that is no id and no list of them."""
    if not isinstance(arguments, Mapping):
        return True
    given = [(name, part) for name, part in schema["properties"].items() if name in arguments]
    return any(
        _says_more(part, arguments[name]) if "properties" in part else kind_of(name, part.get("items", part)) != "id"
        for name, part in given
    )


def _wrong_answer(right: Any) -> Any:
    if isinstance(right, list):
        return [_wrong_answer(item) for item in right]
    if isinstance(right, dict):
        return {name: _wrong_answer(item) for name, item in right.items()}
    kind = "number" if isinstance(right, int | float) else "text"
    return next(value for value in CONSTANTS[kind] if value != right)
