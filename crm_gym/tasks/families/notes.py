"""Tasks about notes."""

from __future__ import annotations

from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.pointing import Meant, any_record, words
from crm_gym.tasks.family import family
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_TABLES = ("Client", "Client", "Contact", "Contact", "Opportunity", "Opportunity", "Quote", "Contract")
_SIGNED = (", signed {author}", ", with {author} as its author", ", written by {author}", ", in the name of {author}")


def _signed(scene: Scene, author: str | None) -> str:
    return words(scene, _SIGNED, author=author) if author else ""


def _noted(request: str, meant: list[Meant], content: str, author: str | None) -> Draft:
    """A draft that leaves the same note on each of the records."""
    notes = []
    for one in meant:
        table = type(one.row).__name__.removesuffix("Row")
        note = {"entity_type": table, "entity_id": one.row[0], "content": content}
        notes.append({**note, "created_by": author} if author else note)
    return Draft(
        request=request,
        lookups=[call for one in meant for call in one.lookups],
        calls=[ToolCall("add_note", note) for note in notes],
        achieve=[Achieve("Note", None, note) for note in notes],
        selections=[query for one in meant for query in one.selections],
    )


@family(
    "single",
    (
        "[Please |]add a note to {record}{signed}: {content:quoted}.",
        "Put this on record for {record}[, as a note|]{signed}: {content:quoted}.",
        "On {record} we need a note{signed}. It says {content:quoted}.",
        "[Could|Would] you write {content:quoted} as a note on {record}{signed}?",
        "New note for {record}{signed}: {content:quoted}.",
        "A note for {record}{signed}, word for word: {content:quoted}.",
        "Leave a note with {record}{signed}. It should read {content:quoted}.",
        "On {record}, please note down {content:quoted}{signed}.",
        "I just talked about {record}. [Please |]log a note{signed}: {content:quoted}.",
        "Note {content:quoted} on {record}{signed}.",
        "Before I forget: {content:quoted} goes as a note on {record}{signed}.",
        "Let the notes on {record} have this too{signed}: {content:quoted}.",
    ),
    tool="add_note",
)
def add_note(scene: Scene) -> Draft:
    """A note with a given text on a client, a contact, a deal, a quote or a contract."""
    meant = any_record(scene, str(scene.rng.choice(_TABLES)))
    content = vocab.note(scene.rng, scene.pool)
    author = scene.owner() if scene.chance(0.3) else None
    request = scene.say(record=meant.said, content=content, signed=_signed(scene, author))
    return _noted(request, [meant], content, author)


@family(
    "single",
    (
        "[Please |]note on {record}[, not on its deal|]: {content:quoted}{signed}.",
        "{content:quoted} is to be noted on {record}{signed}.",
        "The remark {content:quoted} concerns {record}, so add it there as a note{signed}.",
        "Let a note stay with {record}{signed}: {content:quoted}.",
        "Add {content:quoted} to {record} as a note{signed}.",
        "For the record, {record} gets the note {content:quoted}{signed}.",
        "[Could|Can] you leave the note {content:quoted} with {record}{signed}?",
        "A note that says {content:quoted} ought to go with {record}{signed}.",
    ),
    tool="add_note",
)
def note_on_quote(scene: Scene) -> Draft:
    """A note on one quote among several of its deal, or on a contract among several of its client."""
    meant = any_record(scene, str(scene.rng.choice(("Quote", "Quote", "Contract"))))
    if not meant.by:
        raise Unsuitable
    content = vocab.note(scene.rng, scene.pool)
    author = scene.owner() if scene.chance(0.25) else None
    request = scene.say(record=meant.said, content=content, signed=_signed(scene, author))
    return _noted(request, [meant], content, author)


@family(
    "workflow",
    (
        "[Please |]leave the same note with {records}{signed}: {content:quoted}.",
        "{content:quoted} should stand as a note on each of these{signed}: {records}.",
        "The note {content:quoted} goes on {records}{signed}.",
        "Let {records} each get a note that reads {content:quoted}{signed}.",
        "Add a note to each of {records}{signed}. The text is {content:quoted}.",
        "[Could|Can] you note {content:quoted} on {records}{signed}?",
        "Same note on all of these{signed}: {records}. It says {content:quoted}.",
        "Attach the note {content:quoted} to {records}, every one of them{signed}.",
    ),
    tool="add_note",
)
def same_note_on_several(scene: Scene) -> Draft:
    """The same note on two to four records of different kinds."""
    meant = [any_record(scene, table) for table in scene.rng.sample(("Client", "Contact", "Opportunity", "Quote"), 2)]
    meant += [any_record(scene, str(scene.rng.choice(_TABLES[:6]))) for _ in range(scene.count(0, 2))]
    if len({one.row[0] for one in meant}) < len(meant):
        raise Unsuitable
    content = vocab.note(scene.rng, scene.pool)
    author = scene.owner() if scene.chance(0.25) else None
    said = listed([one.said for one in meant])
    return _noted(scene.say(records=said, content=content, signed=_signed(scene, author)), meant, content, author)
