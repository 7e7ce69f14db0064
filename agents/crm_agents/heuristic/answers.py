"""Answers questions about one record, or about what belongs to it."""

from __future__ import annotations

from crm_agents.heuristic.asked import asked_slot
from crm_agents.heuristic.calls import Call, Plan, Row, respond, search
from crm_agents.heuristic.conditions import best_of
from crm_agents.heuristic.intent import Intent
from crm_agents.heuristic.lists import of_many
from crm_agents.heuristic.quotes import compared, differences, prefixes
from crm_agents.heuristic.reading import Reading
from crm_agents.heuristic.records import FIND, find_client, find_contact, find_contract, find_opportunity, find_quote
from crm_agents.heuristic.searches import searched, spelt_out
from crm_agents.heuristic.words import noun_pattern

_KINDS = ("quote", "contract", "contact", "opportunity", "client", "company")
_OF_CONTACT = ("email", "phone", "notes", "title", "first_name", "last_name")
_FILES = r"\bfiles?\b|\bdocuments?\b|\buploaders?\b"
_NOTES = r"\bnotes?\b"
_SEVERAL = (
    r"\b(?:all|every|each|deals|clients|contacts at|contacts of|companies|contracts|quotes|versions|how many|list|"
    r"by owner|by stage|total value|owns how much|number of (?:deals|clients|quotes|contracts|contacts))\b"
)


def answer(reading: Reading, intent: Intent) -> Plan:
    """Find what is asked for and say it."""
    entity = intent.entity
    if entity in ("contact", "client", "opportunity") and reading.says(r"\bcompan(?:y|ies)\b"):
        entity = "company" if entity == "contact" else entity
    if spelt_out(reading):
        yield from searched(reading, entity)
    if reading.says(r"\bcompar\w+\b"):
        yield from compared(reading)
    if reading.says(r"\bprefix(?:es)?\b") and not reading.says(noun_pattern("opportunity") + r"|\bprefix [a-z]{1,5}-"):
        yield from prefixes(reading)
    if reading.says(r"\bdiffer(?:s|ing)?\b|\bsame value\b|\bnot the same\b") and reading.says(noun_pattern("quote")):
        yield from differences(reading)
    if not reading.says(_SEVERAL) and best_of(reading, entity) is None:
        yield from of_one(reading, entity)
    yield from of_many(reading, entity)


def of_one(reading: Reading, entity: str) -> Plan:
    """What is asked of one record, or of what belongs to it."""
    spoken = [kind for kind in _KINDS if reading.says(noun_pattern(kind))]
    if "opportunity" in spoken and "contact" not in spoken:
        yield from of_deal(reading, entity, spoken)
        return
    if "contract" in spoken:
        rows = yield from find_contract(reading)
        if len(rows) == 1 and reading.says(r"\bclient (?:behind|whose|of|with the)\b"):
            yield from respond(rows[0]["client_id"])
        yield from _one_value(reading, rows, "contract")
    if entity != "company":
        yield from of_contact(reading, entity)
    if entity in FIND:
        rows = yield from FIND[entity](reading)
        yield from _one_value(reading, rows, entity)


def _one_value(reading: Reading, rows: list[Row], entity: str) -> Plan:
    if rows:
        asked = asked_slot(reading, entity)
        yield from respond(rows[0].get(asked.field) if asked else rows[0][f"{entity}_id"])


def of_contact(reading: Reading, entity: str) -> Plan:
    """What is asked of a person, who is named or described by the job."""
    rows = (yield from find_contact(reading)) if entity != "client" or reading.says(r"\bcontact\b") else []
    if not rows:
        clients = yield from find_client(reading)
        people = (yield from search("contact", client_id=clients[0]["client_id"])) if clients else []
        text = reading.text.casefold()
        rows = [row for row in people if row["title"] and str(row["title"]).casefold() in text]
        rows = rows if len(rows) == 1 else []
    if rows:
        names = (
            ("email", "phone", "notes")
            if len(rows) == 1 and rows[0]["title"] and str(rows[0]["title"]) in reading.text
            else _OF_CONTACT
        )
        slots = reading.told.slots(names)
        yield from respond(rows[0][slots[0].field] if slots else rows[0]["contact_id"])


def of_deal(reading: Reading, entity: str, spoken: list[str]) -> Plan:
    """What is asked of a deal, its client, its quote, its contract, their documents and notes."""
    deals = yield from find_opportunity(reading)
    if not deals:
        return
    heard = yield Call("view_opportunity_details", {"opportunity_id": deals[0]["opportunity_id"]})
    whole = heard.record() or deals[0]
    subject, kind = whole, "opportunity"
    if (entity == "quote" or ("quote" in spoken and entity != "opportunity")) and not reading.says("the deal behind"):
        chosen = yield from find_quote(reading)
        if not chosen:
            return
        told = yield Call("quote_details", {"quote_id": chosen[0]["quote_id"]})
        subject, kind = told.record() or chosen[0], "quote"
    elif "contract" in spoken and whole.get("contracts"):
        subject, kind = whole["contracts"][0], "contract"
    elif whole.get("client") and (entity == "client" or reading.says(r"\b(?:that|the|its) client\b|\bclient's\b")):
        subject, kind = whole["client"], "client"
    yield from _papers(reading, subject, kind)
    asked = asked_slot(reading, kind)
    yield from respond(subject.get(asked.field) if asked else subject.get(f"{kind}_id"))


def _papers(reading: Reading, subject: Row, kind: str) -> Plan:
    """The documents and notes of a record, if they are asked for."""
    if reading.says(_FILES) and "documents" in subject:
        field = "uploaded_by" if reading.says(r"\buploader|\bwho uploaded|\buploaded by") else "file_name"
        yield from respond([row[field] for row in subject["documents"]])
    notes = subject.get("notes_on_record", subject.get("notes"))
    if not isinstance(notes, list) or not reading.says(_NOTES):
        return
    if kind == "quote" or reading.says(r"\bnotes? (?:on|about)\b|\bauthors?\b"):
        field = "created_by" if reading.says(r"\bauthors?\b|\bwho wrote\b|\bwritten by\b") else "content"
        told = [row[field] for row in notes]
        yield from respond(told[0] if len(told) == 1 and not reading.says(r"\bnotes\b|\bauthors\b") else told)
