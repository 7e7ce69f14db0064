"""Notes: write them on records."""

from __future__ import annotations

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tools.arguments import Arguments, creating
from crm_gym.tools.base import tool


@tool("note", "write", 1, creating(TABLES["Note"]))
def add_note(crm: Crm, arguments: Arguments) -> Row:
    """Write a note on an existing deal, client, contact, quote or contract. Returns the new record with its
    note_id."""
    return crm.insert("Note", arguments.__dict__)
