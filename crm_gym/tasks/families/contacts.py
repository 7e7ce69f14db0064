"""Tasks about contacts, the people at clients."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.answering import asked, of_record, of_records, of_value, of_values
from crm_gym.tasks.families.referring import Referred, a_client, a_contact, a_deal, named_client
from crm_gym.tasks.family import family
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_WITH = (", with {more}", ", including {more}", ", plus {more}", "; we also have {more}")
_LIMIT = 20


@family(
    "single",
    (
        "[Please |]add {first} {last} as a contact at {client}{more}.",
        "We met {first} {last} of {client}. [Create a contact|Enter a new contact]{more}.",
        "[Could you|Can you] create a contact for {client}: first name {first}, last name {last}{more}?",
        "A new person at {client} is {first} {last}; a contact should be made{more}.",
        "New contact, {client}: {first} {last}{more}.",
        "{first} {last} works for {client} now. [Set up|Make] a contact record{more}.",
        "Put {first} {last} on file as somebody at {client}{more}.",
        "Register with {client} the contact {first} {last}{more}.",
        "For {client}, enter a contact with the first name {first} and the last name {last}{more}.",
    ),
    tool="create_new_contact",
)
def create_new_contact(scene: Scene) -> Draft:
    """A new contact at a standing client, with some of the optional fields."""
    client, taken = a_client(scene), scene.template.label_count["Contact"]
    who = scene.fresh(lambda: vocab.person(scene.rng, scene.pool), lambda who: who.full.casefold() in taken)
    every = _particulars(scene, who, client.row.name)
    more = {name: every[name] for name in scene.rng.sample(list(every), scene.count(0, len(every)))}
    with_more = fragment(scene.rng, _WITH, {"more": scene.details(more)}, held_out=scene.held_out) if more else ""
    made = {"first_name": who.first, "last_name": who.last, "client_id": client.row[0], **more}
    return Draft(
        request=scene.say(first=who.first, last=who.last, client=client.words, more=with_more),
        lookups=client.lookups,
        calls=[ToolCall("create_new_contact", made)],
        achieve=[Achieve("Contact", None, made)],
        selections=client.selections,
    )


def _particulars(scene: Scene, who: vocab.Person, company: str) -> dict[str, Any]:
    """Values for the optional fields of a contact."""
    rng, pool = scene.rng, scene.pool
    return {
        "title": vocab.title(rng, pool),
        "email": vocab.person_email(rng, pool, who, company),
        "phone": vocab.phone(rng, pool),
        "notes": vocab.note(rng, pool),
    }


@family(
    "single",
    (
        "[Please |]set {changes} [on|for] {contact}.",
        "For {contact}, [change|update] {changes}[, nothing else|].",
        "[Could you|Can you|Would you] change {changes} on {contact}?",
        "What we hold on {contact} is out of date: change {changes}.",
        "Update the record of {contact}: [please |]set {changes}.",
        "There is news about {contact}. [Change|Set] {changes}.",
        "Switch {changes} in the record of {contact}[, and leave the rest|].",
        "Amend {contact} as follows: {changes}, the rest as it stands.",
        "Take {contact} and switch {changes}.",
    ),
    tool="modify_contact",
)
def modify_contact(scene: Scene) -> Draft:
    """Some fields of a contact, one to four, to new values."""
    contact = a_contact(scene)
    row = contact.row
    last = scene.fresh(lambda: vocab.last_name(scene.rng, scene.pool), lambda name: name == row.last_name)
    every = _particulars(scene, vocab.Person(row.first_name, last), scene.get("Client", row.client_id).name)
    every = {name: value for name, value in {**every, "last_name": last}.items() if value != getattr(row, name)}
    names = scene.rng.sample(list(every), scene.count(1, 4))
    updates = {name: every[name] for name in names}
    return _modified(scene, contact, updates, scene.say(contact=contact.words, changes=scene.updates(updates)))


def _modified(scene: Scene, contact: Referred, updates: dict[str, Any], request: str) -> Draft:
    return Draft(
        request=request,
        lookups=contact.lookups,
        calls=[ToolCall("modify_contact", {"id": contact.row[0], "updates": updates})],
        achieve=[Achieve("Contact", contact.row[0], updates)],
        selections=contact.selections,
    )


_EMPTIED = {"title": "job title", "email": "e-mail", "phone": "phone", "notes": "notes"}


@family(
    "single",
    (
        "[Please |]empty the {fields} of {contact}.",
        "The {fields} of {contact} should be empty[, as what stands there is wrong|].",
        "[Could you|Can you] make the {fields} of {contact} empty?",
        "What we have in the {fields} of {contact} is wrong: it should be left empty.",
        "In the record of {contact}, [please |]empty the {fields}.",
        "Nothing should stand in the {fields} of {contact}: please empty what is there.",
        "Let the {fields} of {contact} be empty from now on.",
        "For {contact}, the {fields} must be left empty, all else as it is.",
    ),
    tool="modify_contact",
    held_out=True,
)
def modify_contact_clear(scene: Scene) -> Draft:
    """One or two fields of a contact emptied."""
    contact = a_contact(scene, lambda row: any(getattr(row, name) is not None for name in _EMPTIED))
    full = [name for name in _EMPTIED if getattr(contact.row, name) is not None]
    names = scene.rng.sample(full, min(len(full), scene.count(1, 2)))
    fields = listed([_EMPTIED[name] for name in names]) + (" field" if len(names) == 1 else " fields")
    request = scene.say(contact=contact.words, fields=fields)
    return _modified(scene, contact, dict.fromkeys(names), request)


_FIELDS = {
    "email": ("the e-mail address", "the e-mail"),
    "phone": ("the phone number", "the telephone number"),
    "title": ("the job title", "the title"),
    "notes": ("the text of the notes", "the exact text of the notes"),
}


@family(
    "single",
    (
        "[Tell me|Let me know] {what}[, please|].",
        "[Please |][look up|find] {what}.",
        "[Could you|Can you] [tell|give|send] me {what}?",
        "I was asked for {what}; kindly report what we have.",
        "I need {what}[ for an invitation|, nothing more|].",
        "[Find out|Check] {what}[ for me|].",
        "We are looking for {what}. [Can you help?|The CRM should have it.]",
        "Would you report {what}?",
        "[Get|Give] me {what}[, please|].",
    ),
    tool="contact_search",
)
def contact_search(scene: Scene) -> Draft:
    """What stands in a field of a contact, or of all at a client, or who there has a number."""
    kind = scene.rng.choice((_field_of_one, _field_of_one, _field_of_all, _one_at_client))
    what, lookups, answer = kind(scene)
    return asked(scene.say(what=what), lookups, answer)


Asked = tuple[str, list[ToolCall], Any]


def _field_of_one(scene: Scene) -> Asked:
    field = scene.rng.choice(tuple(_FIELDS))
    contact = a_contact(scene, lambda row: getattr(row, field) is not None)
    return f"{scene.one(_FIELDS[field])} of {contact.words}", contact.lookups, of_value(contact.row, field)


def _at_client(scene: Scene) -> tuple[Referred, tuple[Row, ...], list[ToolCall]]:
    """A client that goes by its name, its contacts, and the reads that show them."""
    client = named_client(scene)
    rows = scene.children("Contact", "client_id", client.row[0])
    if not 0 < len(rows) <= _LIMIT:
        raise Unsuitable
    return client, rows, [*client.lookups, ToolCall("contact_search", {"client_id": client.row[0]})]


def _field_of_all(scene: Scene) -> Asked:
    client, rows, lookups = _at_client(scene)
    field = scene.rng.choice(("email", "phone", "title"))
    if len(rows) < 2 or any(getattr(row, field) is None for row in rows):
        raise Unsuitable
    several = {"email": "e-mail addresses", "phone": "phone numbers", "title": "job titles"}[field]
    return f"the {several} of all our contacts at {client.words}", lookups, of_values(rows, field)


def _one_at_client(scene: Scene) -> Asked:
    client, rows, lookups = _at_client(scene)
    row = scene.choose(rows, lambda row: row.phone is not None)
    if sum(other.phone == row.phone for other in rows) != 1:
        raise Unsuitable
    what = f"the name of the contact at {client.words} with the phone number {row.phone}"
    return what, lookups, of_record(scene, "Contact", row)


@family(
    "single",
    (
        "Who is [the |]{title} at {client}?",
        "[Please |]find the person at {client} whose job title is {title}[ and tell me the name|].",
        "[Could you|Can you] tell me which contact at {client} is {title}?",
        "The job title {title}, at {client}: who has it?",
        "Somebody at {client} is {title}. [Who is it?|I need the name.]",
        "I need the name of the {title} at {client}.",
        "Which contact [of|at] {client} has the job title {title}?",
        "Name the {title} whom we know at {client}.",
    ),
    tool="contact_search",
)
def contact_by_role(scene: Scene) -> Draft:
    """Who at a client has a job title."""
    client, rows, _ = _at_client(scene)
    row = scene.choose(rows, lambda row: row.title is not None)
    if sum(row.title.casefold() in (other.title or "").casefold() for other in rows) != 1:
        raise Unsuitable
    search = ToolCall("contact_search", {"client_id": client.row[0], "title": row.title})
    request = scene.say(title=row.title, client=client.words)
    return asked(request, [*client.lookups, search], of_record(scene, "Contact", row))


@family(
    "single",
    (
        "[What is {what} of the {title} at {client}?|Tell me {what} of the {title} at {client}.]",
        "[Please |]look for the {title} at {client} and give me {what}.",
        "I want to reach the {title} at {client}. [What is {what}?|Send me {what}.]",
        "{title} at {client}: please report {what} of that person.",
        "[Could you|Can you] find out {what} of the person who is {title} at {client}?",
        "We have a contact at {client} who is {title}. I need {what}.",
        "For the contact at {client} with the job title {title}, give me {what}.",
        "Let me have {what} of the contact who is {title} at {client}.",
    ),
    tool="contact_search",
)
def contact_detail_by_role(scene: Scene) -> Draft:
    """How to reach whoever has a job title at a client."""
    client, rows, _ = _at_client(scene)
    field = scene.rng.choice(("email", "phone"))
    row = scene.choose(rows, lambda row: row.title is not None and getattr(row, field) is not None)
    if sum(row.title.casefold() in (other.title or "").casefold() for other in rows) != 1:
        raise Unsuitable
    search = ToolCall("contact_search", {"client_id": client.row[0], "title": row.title})
    request = scene.say(what=scene.one(_FIELDS[field]), title=row.title, client=client.words)
    return asked(request, [*client.lookups, search], of_value(row, field))


@family(
    "single",
    (
        "Whom do we know at {client}[? I need all contacts.|? All contacts, please.]",
        "[Please |][list|name|show me] [all|the] contacts [at|of] {client}.",
        "[Could you|Can you] [name|list] [every contact|all contacts] we have at {client}?",
        "All people on file for {client}: who are they?",
        "Who are our contacts at {client}?",
        "I need [the names of |]all contacts at {client}.",
        "[Show|Give] me everybody we have as a contact at {client}.",
        "The whole list of contacts for {client} is needed[, please|].",
        "Which contacts are there at {client}[, all told|]?",
    ),
    tool="contact_search",
)
def contacts_of_client(scene: Scene) -> Draft:
    """Who works at a client."""
    client, rows, lookups = _at_client(scene)
    return asked(scene.say(client=client.words), lookups, of_records(scene, "Contact", rows))


@family(
    "single",
    (
        "Whom [can I call|do we know] at the client behind {deal}? [Name all contacts.|I need all contacts.]",
        "[Please |]find the client of {deal} and list [all|the] contacts there.",
        "[Could you|Can you] name all contacts at the client that {deal} is with?",
        "All contacts of the client to whom {deal} belongs: who are they?",
        "We want to push {deal}. Who are our contacts at its client?",
        "I need [the names of |]all contacts at the client for {deal}.",
        "Who are the contacts at the client of {deal}?",
        "The people we know at the client for whom {deal} is meant: list every one.",
    ),
    tool="contact_search",
)
def contacts_behind_deal(scene: Scene) -> Draft:
    """Who works at the client of a deal."""
    deal = a_deal(scene)
    client = deal.row.client_id
    rows = scene.children("Contact", "client_id", client)
    if not 0 < len(rows) <= _LIMIT:
        raise Unsuitable
    reads = [ToolCall(tool, {"client_id": client}) for tool in ("client_search", "contact_search")]
    lookups = [*deal.lookups, *reads]
    return asked(scene.say(deal=deal.words), lookups, of_records(scene, "Contact", rows))
