"""Tasks that file documents on records."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.pointing import any_record
from crm_gym.tasks.family import family
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene
from crm_gym.tools import ToolCall

_KINDS = ("Opportunity", "Opportunity", "Client", "Quote", "Quote", "Contract", "Contract")


def _client_name(scene: Scene, row: Row) -> str:
    """The name of the client a record belongs to."""
    if hasattr(row, "opportunity_id") and not hasattr(row, "client_id"):
        row = scene.get("Opportunity", row.opportunity_id)
    return str(scene.get("Client", row.client_id).name)


def _file_name(scene: Scene, table: str, about: str) -> str:
    return vocab.file_name(scene.rng, scene.pool, table, about if scene.chance(0.4) else None)


def _filing(table: str, row: Row, names: list[str], more: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"entity_type": table, "entity_id": row[0], "file_name": name, **more} for name in names]


def _draft(request: str, lookups: list[ToolCall], files: list[dict[str, Any]]) -> Draft:
    return Draft(
        request=request,
        lookups=lookups,
        calls=[ToolCall("upload_document", one) for one in files],
        achieve=[Achieve("Document", None, one) for one in files],
    )


def _more(scene: Scene, row: Row) -> dict[str, Any]:
    """Some of the fields a document may have."""
    more: dict[str, Any] = {}
    if scene.chance(0.35):
        more["uploaded_by"] = scene.owner()
    if scene.chance(0.35):
        more["file_url"] = vocab.url(scene.rng, scene.pool, _client_name(scene, row))
    return more


def _tail(scene: Scene, more: dict[str, Any]) -> str:
    return f", {scene.details(more)}" if more else ""


@family(
    "single",
    (
        "[Please |]upload {file} to {record}{more}.",
        "The document {file} belongs with {record}; [please |]file it there{more}.",
        "[Could|Can] you attach {file} to {record}{more}?",
        "Have the document {file} stored with {record}{more}.",
        "File {file} on {record}{more}.",
        "New document for {record}: {file}{more}.",
        "I have {file} here. [Please |]put it on {record}{more}.",
        "Let {file} be filed under {record}{more}.",
        "For {record} there is a new document, {file}{more}. Upload it[, please|].",
        "Add the file {file} to the documents of {record}{more}.",
        "They sent us {file}; it goes on {record}{more}.",
        "Among the documents of {record} there should be {file}{more}.",
    ),
    tool="upload_document",
)
def upload_document(scene: Scene) -> Draft:
    """A document filed on a deal, a client, a quote or a contract."""
    table = str(scene.rng.choice(_KINDS))
    meant = any_record(scene, table)
    more = _more(scene, meant.row)
    name = _file_name(scene, table, _client_name(scene, meant.row))
    request = scene.say(file=name, record=meant.said, more=_tail(scene, more))
    draft = _draft(request, list(meant.lookups), _filing(table, meant.row, [name], more))
    draft.selections = list(meant.selections)
    return draft


@family(
    "workflow",
    (
        "[Please |]file these on {record}: {files}{more}.",
        "These documents go on {record}{more}: {files}.",
        "[Could|Can] you upload {files} to {record}{more}?",
        "All of the following should hang on {record}{more}: {files}.",
        "Attach {files} to {record}{more}.",
        "For {record} I have several files, {files}{more}. [Please |]upload each of them.",
        "The paperwork for {record} is complete. Upload {files}{more}.",
        "Have {files} filed under {record}{more}, each as a document of its own.",
        "Upload every one of these to {record}{more}: {files}.",
        "Documents for {record}: {files}{more}.",
    ),
    tool="upload_document",
)
def file_paper_set(scene: Scene) -> Draft:
    """Two to five files of several kinds filed on one record."""
    table = str(scene.rng.choice(("Contract", "Contract", "Contract", *_KINDS)))
    meant = any_record(scene, table)
    more = {"uploaded_by": scene.owner()} if scene.chance(0.3) else {}
    about, names = _client_name(scene, meant.row), list[str]()
    for _ in range(scene.count(2, 5)):
        names.append(str(scene.fresh(lambda: _file_name(scene, table, about), names.__contains__)))
    said = f", all {scene.details(more)}" if more else ""
    request = scene.say(files=listed(names), record=meant.said, more=said)
    draft = _draft(request, list(meant.lookups), _filing(table, meant.row, names, more))
    draft.selections = list(meant.selections)
    return draft
