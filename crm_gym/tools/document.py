"""Documents: file them on records."""

from __future__ import annotations

from crm_gym.crm import Crm
from crm_gym.schema import TABLES, Row
from crm_gym.tools.arguments import Arguments, creating
from crm_gym.tools.base import tool


@tool("document", "write", 2190, creating(TABLES["Document"]))
def upload_document(crm: Crm, arguments: Arguments) -> Row:
    """File a document on an existing deal, contract, quote or client. Returns the new record with its
    document_id."""
    return crm.insert("Document", arguments.__dict__)
