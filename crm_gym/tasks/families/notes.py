"""Tasks about notes."""

from __future__ import annotations

from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, listed_name
from crm_gym.tools import ToolCall

_KINDS = {"Client": "client", "Contact": "contact", "Opportunity": "deal"}


@family(
    "single",
    (
        "[Please ]add a note to the {kind} {name}: {content:quoted}.",
        "Put this on record for the {kind} {name}[, as a note]: {content:quoted}.",
        "The {kind} {name} needs a note that says {content:quoted}.",
        "[Could you ]write {content:quoted} as a note on the {kind} {name}.",
        "New note, {kind} {name}: {content:quoted}.",
        "A note for the {kind} {name}, word for word: {content:quoted}.",
        "Leave a note with the {kind} {name}. It should read {content:quoted}.",
        "On the {kind} {name}, please note down {content:quoted}.",
    ),
    tool="add_note",
)
def add_note(scene: Scene) -> Draft:
    """A note with a given text on a record that is called by name."""
    table = scene.one(tuple(_KINDS))
    row = scene.named(table)
    content = vocab.note(scene.rng, scene.pool)
    note = {"entity_type": table, "entity_id": row[0], "content": content}
    return Draft(
        request=scene.say(kind=_KINDS[table], name=listed_name(row), content=content),
        lookups=[scene.look_up(row)],
        calls=[ToolCall("add_note", note)],
        achieve=[Achieve("Note", None, note)],
    )
