"""A small CRM with something in every table, and one full valid call for every tool."""

import copy
from decimal import Decimal

from crm_gym import Client, Company, Contact, Contract, Crm, Document, Note, Opportunity, Quote
from crm_gym.ids import named_id

TODAY = "2025-10-30"
STAMP = "2025-10-01T08:00:00Z"


def rid(name):
    """The id of the record of that name."""
    return named_id("furnished", name)


RECORDS = (
    Client(
        client_id=rid("mill"),
        name="Old Mill",
        email="mill@old.example",
        status="Active",
        owner="Ann Ray",
        industry="Food",
        phone="+49 30 1",
        address="Mill Lane 1",
        created_date=STAMP,
    ),
    Client(client_id=rid("mills"), name="Old Mills", email="mills@old.example", status="Prospect", created_date=STAMP),
    Client(client_id=rid("forge"), name="Zoë Forge", email="forge@zoe.example", status="Inactive", created_date=STAMP),
    Contact(
        contact_id=rid("bo"),
        first_name="Bo",
        last_name="Lind",
        client_id=rid("mill"),
        title="Baker",
        email="bo@old.example",
        phone="12",
        notes="calls\nback",
    ),
    Contact(contact_id=rid("bea"), first_name="Bea", last_name="Lind", client_id=rid("mills")),
    Opportunity(
        opportunity_id=rid("oven"),
        name="Oven",
        client_id=rid("mill"),
        amount=Decimal("12500.50"),
        stage="Proposal",
        close_date="2025-12-24",
        owner="Ann Ray",
        probability=40,
        notes="first",
    ),
    Opportunity(opportunity_id=rid("ovens"), name="Ovens", client_id=rid("mill"), amount=900, stage="Prospecting"),
    Opportunity(
        opportunity_id=rid("won"),
        name="Silo",
        client_id=rid("mills"),
        amount=70000,
        stage="Closed-Won",
        close_date="2025-01-15",
        owner="Lo Tan",
    ),
    Opportunity(opportunity_id=rid("lost"), name="Cart", client_id=rid("forge"), amount=10, stage="Closed-Lost"),
    Quote(
        quote_id=rid("q1"),
        opportunity_id=rid("oven"),
        amount=12000,
        status="Sent",
        version="v1",
        valid_until="2025-11-30",
        quote_prefix="OM",
        created_date=STAMP,
    ),
    Quote(quote_id=rid("q2"), opportunity_id=rid("oven"), amount=11500, status="Draft", created_date=STAMP),
    Quote(quote_id=rid("q3"), opportunity_id=rid("won"), amount=70000, status="Approved", quote_prefix="OM"),
    Contract(
        contract_id=rid("c1"),
        client_id=rid("mills"),
        opportunity_id=rid("won"),
        status="Active",
        value=70000,
        start_date="2025-02-01",
        end_date="2026-01-31",
        document_url="https://files.example/c1",
    ),
    Contract(contract_id=rid("c2"), client_id=rid("mill"), opportunity_id=rid("oven")),
    Company(company_id=rid("bolt"), name="Bolt & Co", type="Vendor", industry="Steel", contacts=["Kim Oh", "Jo Po"]),
    Company(company_id=rid("nut"), name="Nut Ltd"),
    Document(document_id=rid("d1"), entity_type="Opportunity", entity_id=rid("oven"), file_name="plan.pdf"),
    Document(document_id=rid("d2"), entity_type="Quote", entity_id=rid("q1"), file_name="offer.XLSX"),
    Document(document_id=rid("d3"), entity_type="Client", entity_id=rid("mill"), file_name="card.txt"),
    Document(document_id=rid("d4"), entity_type="Contract", entity_id=rid("c1"), file_name="deal.key"),
    Note(note_id=rid("n1"), entity_type="Opportunity", entity_id=rid("oven"), content="ask again"),
    Note(note_id=rid("n2"), entity_type="Quote", entity_id=rid("q1"), content="too dear", created_by="Bo"),
    Note(note_id=rid("n3"), entity_type="Client", entity_id=rid("mill"), content="likes rye"),
    Note(note_id=rid("n4"), entity_type="Contact", entity_id=rid("bo"), content="on leave"),
    Note(note_id=rid("n5"), entity_type="Contract", entity_id=rid("c1"), content="signed"),
)


def _load():
    crm = Crm(TODAY, seed="furnished")
    for record in RECORDS:
        crm.add_entity(record)
    return crm.fork()


_BASE = _load()


def furnished():
    """A fresh, independent CRM with the records above and an empty journal."""
    return _BASE.fork()


_CLIENT = {"name": "New Mill", "email": "new@mill.example", "status": "Active"}
_CLIENT_MORE = {"industry": "Food", "phone": "+49 30 2", "address": "Mill Lane 2", "owner": "Ann Ray"}
_DEAL = {"name": "Mixer", "client_id": rid("mill"), "amount": 1250.75, "stage": "Qualification"}
_DEAL_MORE = {"close_date": "2025-12-01", "owner": "Ann Ray", "probability": 30, "notes": "two\nlines"}
_QUOTE = {"opportunity_id": rid("oven"), "amount": 1000, "status": "Draft"}
_QUOTE_MORE = {"version": "v3", "valid_until": "2025-12-01", "quote_prefix": "NM"}
_PERSON = {"first_name": "Al", "last_name": "Gee", "client_id": rid("mill")}
_PERSON_MORE = {"title": "Cook", "email": "al@gee.example", "phone": "9", "notes": "early"}
_CONTRACT = {"client_id": rid("mill")}
_CONTRACT_MORE = {
    "opportunity_id": rid("oven"),
    "status": "Active",
    "value": 500.05,
    "start_date": "2025-11-01",
    "end_date": "2026-10-31",
    "document_url": "https://files.example/x.pdf",
}
_FILE = {"entity_type": "Client", "entity_id": rid("mill"), "file_name": "a_1-b.PDF"}
_FILE_MORE = {"uploaded_by": "Ann Ray", "file_url": "http://files.example/a.pdf"}
_NOTE = {"entity_type": "Contact", "entity_id": rid("bo"), "content": "call at noon"}
_PAGE = {"limit": 5, "offset": 0}
_FOUND = {"name": "Oven", "client_id": rid("mill"), "stage": "Proposal", "amount": 12500.5, "owner": "ann"}


def _change(name, values):
    return {"id": rid(name), "updates": values}


_UPDATES = {name: value for name, value in {**_DEAL, **_DEAL_MORE}.items() if name != "client_id"}
_QUOTE_UPDATES = {name: value for name, value in {**_QUOTE, **_QUOTE_MORE}.items() if name != "opportunity_id"}
_PERSON_UPDATES = {name: value for name, value in {**_PERSON, **_PERSON_MORE}.items() if name != "client_id"}

FULL = {
    "create_new_opportunity": {**_DEAL, **_DEAL_MORE},
    "modify_opportunity": _change("oven", {**_UPDATES, "client_id": rid("mills")}),
    "opportunity_search": {**_FOUND, "close_date": "2025-12-24", "probability": 40, "notes": "FIRST", **_PAGE},
    "view_opportunity_details": {"opportunity_id": rid("oven")},
    "opportunity_details": {"opportunity_id": rid("oven")},
    "clone_opportunity": {"opportunity_id": rid("won")},
    "summarize_opportunities": {**_FOUND, "probability": 40},
    "delete_opportunity": {"opportunity_id": rid("oven")},
    "create_new_client": {**_CLIENT, **_CLIENT_MORE},
    "modify_client": _change("mill", {**_CLIENT, **_CLIENT_MORE}),
    "client_search": {"name": "old", "email": "OLD.example", "status": "Active", "created_date": STAMP, **_PAGE},
    "create_new_contact": {**_PERSON, **_PERSON_MORE},
    "modify_contact": _change("bo", _PERSON_UPDATES),
    "contact_search": {"first_name": "b", "last_name": "LIND", "client_id": rid("mill"), "title": "bak", **_PAGE},
    "create_quote": {**_QUOTE, **_QUOTE_MORE},
    "modify_quote": _change("q1", _QUOTE_UPDATES),
    "cancel_quote": {"quote_id": rid("q1")},
    "delete_quote": {"quote_id": rid("q1")},
    "quote_search": {"opportunity_id": rid("oven"), "status": "Sent", "amount": 12000, "version": "V1", **_PAGE},
    "quote_details": {"quote_id": rid("q1")},
    "compare_quotes": {"quote_ids": [rid("q2"), rid("q1")]},
    "compare_quote_details": {"quote_ids": [rid("q1"), rid("q2")]},
    "quote_prefixes": {},
    "create_contract": {**_CONTRACT, **_CONTRACT_MORE},
    "contract_search": {"client_id": rid("mills"), "status": "Active", "value": 70000, "document_url": "C1", **_PAGE},
    "company_search": {"name": "&", "type": "Vendor", "industry": "ste", "contacts": "kim", **_PAGE},
    "upload_document": {**_FILE, **_FILE_MORE},
    "add_note": {**_NOTE, "created_by": "Ann Ray"},
    "respond": {"answer": "no such thing"},
    "decline": {"code": "blank", "field": "nowhere", "reason": "it is empty"},
    "finish": {},
    "ask_user": {"about": "which_record", "question": "Which of the two do you mean?"},
}
"""Arguments of one valid call for every tool, with most of what is optional."""

REQUIRED = {
    "create_new_opportunity": _DEAL,
    "create_new_client": _CLIENT,
    "create_new_contact": _PERSON,
    "create_quote": _QUOTE,
    "create_contract": _CONTRACT,
    "upload_document": _FILE,
    "add_note": _NOTE,
}
"""Arguments of each creating tool with only what is required."""


def arguments(tool):
    """A valid call's arguments, free to be changed."""
    return copy.deepcopy(FULL[tool])
