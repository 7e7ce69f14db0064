"""The families of generated tasks, in a fixed order: the place of a family in it is part of what a seed means."""

from __future__ import annotations

from crm_gym.tasks.families import (
    clients,
    companies,
    compositions,
    contacts,
    contracts,
    deals,
    deals_change,
    deals_read,
    deals_view,
    declined,
    declined_papers,
    declined_quotes,
    declined_searches,
    dialogues,
    dialogues_long,
    dialogues_new,
    dialogues_turns,
    dialogues_which,
    documents,
    notes,
    quotes,
    quotes_compare,
    quotes_read,
    workflows_accounts,
    workflows_bulk,
    workflows_deals,
    workflows_find,
    workflows_impossible,
    workflows_knowledge,
    workflows_papers,
    workflows_quotes,
    workflows_renewals,
    workflows_rules,
    workflows_sales,
)
from crm_gym.tasks.family import KINDS, REGISTRY, Family

MODULES = (
    deals,
    deals_change,
    deals_read,
    deals_view,
    clients,
    contacts,
    quotes,
    quotes_read,
    quotes_compare,
    contracts,
    companies,
    documents,
    notes,
    declined,
    declined_quotes,
    declined_papers,
    declined_searches,
    workflows_deals,
    workflows_sales,
    workflows_papers,
    workflows_renewals,
    workflows_accounts,
    workflows_knowledge,
    workflows_find,
    workflows_rules,
    workflows_bulk,
    workflows_quotes,
    workflows_impossible,
    compositions,
    dialogues,
    dialogues_which,
    dialogues_long,
    dialogues_turns,
    dialogues_new,
)
"""Where the families are written, in the order of a split's families; new ones go last."""

_PLACE = {module.__name__: place for place, module in enumerate(MODULES)}


def _order(one: Family) -> tuple[int, int]:
    return KINDS.index(one.kind), _PLACE[one.make.__module__]


for _name in sorted(REGISTRY, key=lambda name: _order(REGISTRY[name])):  # stable: as written within a module
    REGISTRY[_name] = REGISTRY.pop(_name)

__all__ = ["MODULES", "REGISTRY"]
