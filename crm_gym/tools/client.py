"""Clients: make, change, find."""

from __future__ import annotations

from typing import Any

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tools.arguments import Arguments, creating, modifying
from crm_gym.tools.base import tool
from crm_gym.tools.changing import modify
from crm_gym.tools.searching import criteria, page

TABLE = TABLES["Client"]


@tool("client", "write", 142, creating(TABLE))
def create_new_client(crm: Crm, arguments: Arguments) -> Row:
    """Create a client. The e-mail must not belong to another client. Returns the new record with its client_id."""
    return crm.insert("Client", arguments.__dict__)


@tool("client", "write", 3, modifying(TABLE))
def modify_client(crm: Crm, arguments: Any) -> Row:
    """Change fields of a client. Put only the fields to change into updates; all others stay. Returns the whole
    record."""
    return modify(crm, "Client", arguments)


@tool("client", "read", 192, criteria(TABLE))
def client_search(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Find clients. All criteria given must hold: texts match as a part in any case, ids, enums and times exactly.
    Returns total and one page of rows in creation order; use limit and offset for more."""
    return page(crm, TABLE, arguments)
