"""What tools that change or delete do alike."""

from __future__ import annotations

from typing import Any

from crm_gym.crm import Crm
from crm_gym.errors import ToolError
from crm_gym.schema import TABLE_OF, Row


def modify(crm: Crm, table: str, arguments: Any) -> Row:
    """Apply `updates` to the record `id` of a table and return it."""
    updates = arguments.updates
    if not isinstance(updates, dict):
        updates = {name: getattr(updates, name) for name in updates.model_fields_set}
    if not updates:
        raise ToolError("no_change", "updates", "updates must hold at least one field to change; it is empty.")
    return crm.change(crm.need(table, arguments.id, "id"), updates)


def deleted(gone: list[Row]) -> dict[str, Any]:
    """Removed rows as a result: the record itself, and how many others went with it."""
    also: dict[str, int] = {}
    for row in gone[:-1]:
        name = TABLE_OF[type(row)]
        also[name] = also.get(name, 0) + 1
    return {"deleted": gone[-1], "with_it": also}
