"""What to do about a request, from its first call to the one that ends the episode."""

from __future__ import annotations

from crm_agents.heuristic.answers import answer
from crm_agents.heuristic.calls import Call, Plan
from crm_agents.heuristic.changes import modify
from crm_agents.heuristic.intent import intent_of
from crm_agents.heuristic.jobs import followed, parts_of, with_ids
from crm_agents.heuristic.making import create, note, upload
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.single import cancel, clone, delete

_PLANS = {
    "read": answer,
    "upload": upload,
    "note": note,
    "create": create,
    "modify": modify,
    "clone": clone,
    "delete": delete,
    "cancel": cancel,
}


def plan(reading: Reading) -> Plan:
    """The whole episode."""
    parts, last = parts_of(reading), dict[str, str]()
    for part in parts:
        job = Reading(with_ids(part.text, last), part.today) if last else part
        intent = intent_of(job)
        yield from followed(_PLANS[intent.verb](job, intent), last)
    yield Call("finish", {})
