"""Contracts: make, find."""

from __future__ import annotations

from typing import Any

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tools.arguments import Arguments, creating
from crm_gym.tools.base import tool
from crm_gym.tools.searching import criteria, page

TABLE = TABLES["Contract"]


@tool("contract", "write", 24, creating(TABLE))
def create_contract(crm: Crm, arguments: Any) -> Row:
    """Create a contract with an existing client, for a deal or on its own. Its status is Pending unless given; it
    must not end before it starts. Returns the new record with its contract_id."""
    values = dict(arguments.__dict__)
    values["status"] = values["status"] or TABLE.column("status").default  # null stands for "not given"
    return crm.insert("Contract", values)


@tool("contract", "read", 40, criteria(TABLE))
def contract_search(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Find contracts. All criteria given must hold: texts match as a part in any case, ids, enums, numbers and
    dates exactly. Returns total and one page of rows in creation order; use limit and offset for more."""
    return page(crm, TABLE, arguments)
