"""Which field a question asks for."""

from __future__ import annotations

from crm_agents.heuristic.reading import Reading, Slot
from crm_gym import TOOLS


def asked_slot(reading: Reading, entity: str) -> Slot | None:
    """The field that a question asks for: the first it names."""
    tool = f"{entity}_search"
    if tool not in TOOLS:
        return None
    names = tuple(name for name in TOOLS[tool].schema["properties"] if name not in ("limit", "offset"))
    slots = [slot for slot in reading.told.slots(names) if not slot.field.endswith("_id")]
    return slots[0] if slots else None
