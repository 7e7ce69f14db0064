"""Workflows on what is known: notes brought together, and clients of one name told apart and merged."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.workflows_parts import OPEN, deals_of, is_open, modify, rest_of
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable, listed_name
from crm_gym.tools import ToolCall


@family(
    "workflow",
    (
        "[Please ]bring together what we know of {client}: for {which} of this client whose notes field has text, copy"
        " that text onto {target} as a note, word for word, one note per deal.",
        "Look through the deals of the client {client}. For {which} that has something in its notes field, add a note"
        " to {target} with exactly that text.",
        "Knowledge about {client} is spread over its deals. Take the notes field of {which}, if it is not empty, and"
        " put its text as it stands on {target}, a note for each deal.",
        "Merge into notes on {target}: the text in the notes field of {which} of the client {client}. Unaltered, and"
        " one note for every deal that has such a text.",
        "[Could you ]copy the notes of {client} to one place? I mean the notes field of {which} of that client, if"
        " filled; each text becomes a note on {target}, unchanged.",
        "For {target}: a note for {which} of the client {client} with a filled notes field, each note holding exactly"
        " the text of that field.",
        "Whatever stands in the notes field of {which} of the client {client} should also be found on {target}. Make it"
        " one note a deal, verbatim; empty fields give no note.",
        "The client {client} has remarks in the notes field of its deals. Go through {which}, and turn every such text"
        " into a note on {target}, to the letter.",
    ),
)
def merge_notes(scene: Scene) -> Draft:
    """The remarks on a client's deals, copied into notes on the client or on one of its people."""
    client = scene.get("Client", scene.pick("Opportunity", lambda deal: deal.notes is not None).client_id)
    if not scene.is_named("Client", client):
        raise Unsuitable
    which = scene.one(("every deal", "every deal", "every open deal"))
    deals = scene.children("Opportunity", "client_id", client[0])
    filled = [deal for deal in deals if deal.notes is not None and (which == "every deal" or is_open(deal))]
    if not 2 <= len(filled) <= 8 or len({deal.notes for deal in filled}) < len(filled):
        raise Unsuitable
    where: dict[str, Any] = {"client_id": client[0], "notes": {"contains": ""}}
    if which != "every deal":
        where["stage"] = {"any": OPEN}
    table, record, called, lookups = _target(scene, client)
    notes = [{"entity_type": table, "entity_id": record, "content": deal.notes} for deal in filled]
    views = [ToolCall("view_opportunity_details", {"opportunity_id": deal[0]}) for deal in filled]
    return Draft(
        request=scene.say(client=client.name, which=which, target=called),
        lookups=[scene.look_up(client), deals_of(client[0]), *views, *lookups],
        calls=[ToolCall("add_note", note) for note in notes],
        achieve=[Achieve("Note", None, note) for note in notes],
        selections=[described("Opportunity", where)],
    )


def _target(scene: Scene, client: Row) -> tuple[str, str, str, list[ToolCall]]:
    """Where notes of a client go: the table, the record, what to call it, how to find it."""
    people = [row for row in scene.children("Contact", "client_id", client[0]) if scene.is_named("Contact", row)]
    if people and scene.chance(0.5):
        person = scene.one(people)
        return "Contact", person[0], f"the contact {listed_name(person)}", [scene.look_up(person)]
    return "Client", client[0], "the client record", []


_NEIGHBOURHOOD = 30
"""How far from each other clients of one name were entered at most, near enough."""


def _namesakes(scene: Scene) -> tuple[Row, Row]:
    """Two clients who alone share a name, in any order."""
    rows, counts = scene.template.rows["Client"], scene.template.label_count["Client"]
    for _ in range(80):
        at = scene.rng.randrange(len(rows))
        name = rows[at].name.casefold()
        if counts[name] == 2:
            around = rows[max(0, at - _NEIGHBOURHOOD) : at + _NEIGHBOURHOOD + 1]
            twins = [row for row in around if row.name.casefold() == name]
            if len(twins) == 2 and twins[0].name == twins[1].name:
                return (twins[0], twins[1]) if scene.chance(0.5) else (twins[1], twins[0])
    raise Unsuitable


@family(
    "workflow",
    (
        "We have two clients called {name}. The one with {email} stays. [Please ]make the other one Inactive, move its"
        " open deals[, if any,] to the one that stays, and put the note {content:quoted} on the Inactive client.",
        "{name} is in the CRM as a client twice. Keep the record with {email}; the other becomes Inactive and gets a"
        " note, {content:quoted}. Any open deals of that other client go to the one we keep.",
        "Clean up the client {name}, which was entered twice: the record with {email} is the right one. Its open deals"
        " included, the wrong one hands over everything that is not closed, becomes Inactive, and is given the note"
        " {content:quoted}.",
        "Two client records named {name}, one of them too many. The good one has {email}. For the other one: status"
        " Inactive, open deals (if there are any) over to the good client, and the note {content:quoted}.",
        "[Could you ]sort out the two clients named {name}? I want to keep the client with {email}. The second one"
        " should be Inactive, carry the note {content:quoted} and pass on any open deals to the first.",
        "Namesakes: {name}. Right client: the one with {email}. Wrong client: set to Inactive, note {content:quoted},"
        " and any open deals moved to the right one.",
        "The client {name} exists twice, and only the one with {email} is to be used. Whatever open deals the other has"
        " belong to that one; then the other is to be Inactive, with {content:quoted} as a note on the client.",
        "Of the two clients by the name of {name}, the one with {email} remains in use. The other one is to be"
        " retired: note {content:quoted}, status Inactive, any open deals transferred to the client that remains in"
        " use.",
    ),
)
def clean_up_namesakes(scene: Scene) -> Draft:
    """Of two clients of one name one is retired, its open deals going to the other."""
    keeper, other = _namesakes(scene)
    if other.status == "Inactive":
        raise Unsuitable
    deals = scene.children("Opportunity", "client_id", other[0])
    pending = [deal for deal in deals if is_open(deal)]
    content = vocab.note(scene.rng, scene.pool)
    note = {"entity_type": "Client", "entity_id": other[0], "content": content}
    moved, retired = {"client_id": keeper[0]}, {"status": "Inactive"}
    selections = [described("Client", {"name": other.name, "email": {"not": keeper.email}})]
    if pending:
        selections.append(described("Opportunity", {"client_id": other[0], "stage": {"any": OPEN}}))
    return Draft(
        request=scene.say(name=keeper.name, email=scene.details({"email": keeper.email}), content=content),
        lookups=[scene.look_up(keeper), deals_of(other[0])],
        calls=[
            *(modify("Opportunity", deal[0], moved) for deal in pending),
            modify("Client", other[0], retired),
            ToolCall("add_note", note),
        ],
        achieve=[
            *(Achieve("Opportunity", deal[0], moved) for deal in pending),
            Achieve("Client", other[0], retired),
            Achieve("Note", None, note),
        ],
        preserve=[keeper[0], *rest_of(deals, pending)],
        selections=selections,
    )
