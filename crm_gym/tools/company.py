"""Companies that are no clients: find."""

from __future__ import annotations

from typing import Any

from crm_gym.crm import Crm
from crm_gym.schema import TABLES
from crm_gym.tools.arguments import Arguments
from crm_gym.tools.base import tool
from crm_gym.tools.searching import criteria, page

TABLE = TABLES["Company"]


@tool("company", "read", 8, criteria(TABLE))
def company_search(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Find partners, vendors and competitors. All criteria given must hold: texts (and any of the contacts' names)
    match as a part in any case, ids and enums exactly. Returns total and one page of rows in creation order; use
    limit and offset for more."""
    return page(crm, TABLE, arguments)
