"""Contacts, the people at clients: make, change, find."""

from __future__ import annotations

from typing import Any

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tools.arguments import Arguments, creating, modifying
from crm_gym.tools.base import tool
from crm_gym.tools.changing import modify
from crm_gym.tools.searching import criteria, page

TABLE = TABLES["Contact"]


@tool("contact", "write", 111, creating(TABLE))
def create_new_contact(crm: Crm, arguments: Arguments) -> Row:
    """Create a contact, a person at an existing client. Returns the new record with its contact_id."""
    return crm.insert("Contact", arguments.__dict__)


@tool("contact", "write", 2, modifying(TABLE))
def modify_contact(crm: Crm, arguments: Any) -> Row:
    """Change fields of a contact. Put only the fields to change into updates; all others stay. A contact cannot
    move to another client. Returns the whole record."""
    return modify(crm, "Contact", arguments)


@tool("contact", "read", 375, criteria(TABLE))
def contact_search(crm: Crm, arguments: Arguments) -> dict[str, Any]:
    """Find contacts. All criteria given must hold: texts match as a part in any case, ids exactly. Returns total
    and one page of rows in creation order; use limit and offset for more."""
    return page(crm, TABLE, arguments)
