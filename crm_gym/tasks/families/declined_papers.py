"""Requests about contracts, documents and notes that the CRM must refuse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families import declined_faults as faults
from crm_gym.tasks.families.declined_plea import (
    Called,
    a_record,
    arguments_of,
    by_name,
    creating,
    detail_words,
    nobody,
    refused,
    text_of,
)
from crm_gym.tasks.families.faults import Fault, Maker, all_wrong, wrong
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene

_NEW_CONTRACT = (
    *all_wrong("Contract", "status", "value", "start_date", "end_date", "document_url", "status", "value"),
    *all_wrong("Contract", "document_url", "start_date", "end_date"), faults.end_before_start, faults.end_before_start,
    faults.stray("client_id", "Client"), faults.stray("opportunity_id", "Opportunity"), faults.missing("client_id"),
    faults.unknown(faults.FOR_RECORDS), faults.own_id("contract_id"),
)  # fmt: skip
_DOCUMENT = (
    *all_wrong("Document", "file_name", "file_name", "file_name", "file_url", "file_url", "uploaded_by"),
    faults.missing("file_name"), faults.unknown(faults.FOR_RECORDS), faults.own_id("document_id"),
)  # fmt: skip
_NOTE = (
    *all_wrong("Note", "content", "content", "created_by"), faults.missing("content"),
    faults.unknown(faults.FOR_RECORDS), faults.unknown(faults.FOR_ACTIONS), faults.own_id("note_id"),
)  # fmt: skip
_OUTSIDE = {"Document": "Contact", "Note": "Company"}
"""Table to a table whose records cannot carry such records."""
_FILED_ON = {
    "Document": ("Opportunity", "Contract", "Quote", "Client"),
    "Note": ("Opportunity", "Client", "Contact", "Quote", "Contract"),
}


@family(
    "declined",
    (
        "[Please ]create a new contract. {body}.",
        "A contract has been signed and should be recorded. {body}.",
        "[Could you ]enter a contract? {body}.",
        "There is a contract to be put on record. {body}.",
        "New contract. {body}.",
        "Add a contract to the CRM[, please]. {body}.",
        "I need a contract set up. {body}.",
        "Have one more contract entered. {body}.",
    ),
    tool="create_contract",
)
def decline_create_contract(scene: Scene) -> Draft:
    """A new contract with one thing wrong."""
    client = scene.named("Client")
    given: dict[str, Any] = {"client_id": client, "start_date": scene.day(-60, 90)}
    if scene.chance(0.5):
        given["status"] = scene.one(scene.members("Contract", "status"))
    if scene.chance(0.5):
        given["value"] = scene.amount()
    if scene.chance(0.4):
        given["end_date"] = scene.day(200, 900)
    return creating(scene, "create_contract", given, _NEW_CONTRACT)


@family(
    "declined",
    (
        "[Please ]upload a document to the {kind} {record}. {body}.",
        "The {kind} {record} gets a new document. {body}.",
        "File a document on the {kind} {record}. {body}.",
        "There is a document to go with the {kind} {record}. {body}.",
        "One more document for the {kind} {record}. {body}.",
        "[Could you ]attach a document to the {kind} {record}? {body}.",
        "A document belongs on the {kind} {record}. {body}.",
        "Put a new document with the {kind} {record}. {body}.",
    ),
    tool="upload_document",
)
def decline_upload_document(scene: Scene) -> Draft:
    """A document with one thing wrong, or for a record that can have none or is not there."""
    record = _carrier(scene, "Document")
    given: dict[str, Any] = {"file_name": vocab.file_name(scene.rng, scene.pool)}
    if scene.chance(0.4):
        given["uploaded_by"] = scene.owner()
    return _filed(scene, "upload_document", "Document", record, given, _DOCUMENT)


@family(
    "declined",
    (
        "[Please ]add a note to the {kind} {record}. {body}.",
        "The {kind} {record} needs a note. {body}.",
        "Write a note on the {kind} {record}. {body}.",
        "There is a note to make on the {kind} {record}. {body}.",
        "One more note for the {kind} {record}. {body}.",
        "[Could you ]leave a note on the {kind} {record}? {body}.",
        "A note belongs on the {kind} {record}. {body}.",
        "Put a new note with the {kind} {record}. {body}.",
    ),
    tool="add_note",
)
def decline_add_note(scene: Scene) -> Draft:
    """A note with one thing wrong, or on a record that can have none or is not there."""
    record = _carrier(scene, "Note")
    given: dict[str, Any] = {"content": vocab.note(scene.rng, scene.pool)}
    if scene.chance(0.4):
        given["created_by"] = scene.owner()
    return _filed(scene, "add_note", "Note", record, given, _NOTE)


def _carrier(scene: Scene, table: str) -> Called:
    """What a document or note is filed on: a record, one of a kind that carries none, or nothing."""
    way = scene.rng.random()
    if way < 0.1:
        return by_name(scene, scene.named(_OUTSIDE[table]))
    on = str(scene.one(_FILED_ON[table]))
    return nobody(scene, on) if way < 0.35 else a_record(scene, on)


def _filed(
    scene: Scene, tool: str, table: str, record: Called, given: dict[str, Any], makers: Sequence[Maker]
) -> Draft:
    fault = _fault_of(scene, table, record, makers)
    rest = {name: value for name, value in given.items() if name != fault.field}
    sentences = detail_words(scene, rest) + [fault.words] * bool(fault.words)
    whole = {"entity_type": record.table, "entity_id": record.id, **given}
    request = scene.say(kind=record.kind, record=record.words, body=text_of(sentences))
    return refused(request, tool, arguments_of(whole, fault), fault, (*record.lookups, *fault.lookups))


def _fault_of(scene: Scene, table: str, record: Called, makers: Sequence[Maker]) -> Fault:
    """What is wrong: the record, if it cannot carry anything, else something about what is filed."""
    if record.code:
        return Fault(record.code, "entity_id", record.id, "")
    if record.table == _OUTSIDE[table]:
        return Fault("enum_value", "entity_type", record.table, "")
    made: Fault = scene.one((*makers, wrong(table, "entity_type")))(scene, {})
    return made
