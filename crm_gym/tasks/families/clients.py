"""Tasks about clients."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.answering import asked, of_record, of_records, of_value, of_values
from crm_gym.tasks.families.referring import Referred, a_client, a_deal, named_client, sole_owner
from crm_gym.tasks.family import family
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_WITH = (", with {more}", ", including {more}", ", plus {more}", "; it also has {more}")
_LIMIT = 20


def _free_email(scene: Scene, name: str) -> str:
    """An address of a company of that name which no client has."""
    store = scene.template.crm.store
    make = lambda: vocab.company_email(scene.rng, scene.pool, name)  # noqa: E731
    return str(scene.fresh(make, lambda email: store.by_unique("Client", "email", email) is not None))


@family(
    "single",
    (
        "[Please |]create a new client {name:quoted}, e-mail {email}, status {status}{more}.",
        "We have a new client. [The name is|It is called] {name:quoted}, the e-mail address {email}, "
        "the status {status}{more}.",
        "[Could you|Can you] add {name:quoted} as a client, reachable at {email} and with the status {status}{more}?",
        "A client by the name of {name:quoted} should be entered: {status}, {email}{more}.",
        "New client: {name:quoted}, {email}, {status}{more}.",
        "[Set up|Register] a client record for {name:quoted} ({email}) as {status}{more}.",
        "I would like {name:quoted} among our clients. E-mail {email}, status {status}{more}.",
        "With the status {status} and the e-mail {email}, {name:quoted} joins our clients{more}.",
        "Enter a client with status {status}: {name:quoted}, mail goes to {email}{more}.",
    ),
    tool="create_new_client",
)
def create_new_client(scene: Scene) -> Draft:
    """A new client, with some of the optional fields."""
    taken = scene.template.label_count["Client"]
    line = vocab.industry(scene.rng)
    name = scene.fresh(lambda: vocab.company_name(scene.rng, scene.pool, line), lambda name: name.casefold() in taken)
    email, status = _free_email(scene, name), scene.one(scene.members("Client", "status"))
    every = {"industry": line.name, **_particulars(scene)}
    more = {name: every[name] for name in scene.rng.sample(list(every), scene.count(0, len(every)))}
    with_more = fragment(scene.rng, _WITH, {"more": scene.details(more)}, held_out=scene.held_out) if more else ""
    values = {"name": name, "email": email, "status": status}
    made = {**values, **more}
    return Draft(
        request=scene.say(**values, more=with_more),
        calls=[ToolCall("create_new_client", made)],
        achieve=[Achieve("Client", None, made)],
    )


def _particulars(scene: Scene, row: Row = None) -> dict[str, Any]:
    """New values for optional fields of a client, none of them as it stands."""
    rng, pool = scene.rng, scene.pool
    return {
        "phone": vocab.phone(rng, pool),
        "address": vocab.address(rng, pool),
        "owner": scene.owner(None if row is None else row.owner),
    }


@family(
    "single",
    (
        "[Please |]set {changes} [on|for] {client}.",
        "For {client}, [change|update] {changes}[, nothing else|].",
        "[Could you|Can you|Would you] change {changes} on {client}?",
        "The record of {client} is out of date: change {changes}.",
        "Update the record of {client}: [please |]set {changes}.",
        "There is news from {client}. [Change|Set] {changes}.",
        "Switch {changes} in the record of {client}[, and leave the rest|].",
        "Amend {client} as follows: {changes}, the rest as it stands.",
        "Take {client} and switch {changes}.",
    ),
    tool="modify_client",
)
def modify_client(scene: Scene) -> Draft:
    """Some fields of a client, one to four, to new values."""
    client = a_client(scene)
    row = client.row
    every = _particulars(scene, row)
    every["status"] = scene.one(scene.members("Client", "status"), row.status)
    every["email"] = _free_email(scene, row.name)
    every["industry"] = scene.fresh(lambda: vocab.industry(scene.rng).name, lambda name: name == row.industry)
    every = {name: value for name, value in every.items() if value != getattr(row, name)}
    names = scene.rng.sample(list(every), scene.count(1, 4))
    return _modified(scene, client, {name: every[name] for name in names})


def _modified(scene: Scene, client: Referred, updates: dict[str, Any]) -> Draft:
    return Draft(
        request=scene.say(client=client.words, changes=scene.updates(updates)),
        lookups=client.lookups,
        calls=[ToolCall("modify_client", {"id": client.row[0], "updates": updates})],
        achieve=[Achieve("Client", client.row[0], updates)],
        selections=client.selections,
    )


_FIELDS = {
    "email": ("the e-mail address", "the e-mail"),
    "phone": ("the phone number", "the telephone number"),
    "address": ("the postal address", "the address"),
}


@family(
    "single",
    (
        "[Tell me|Let me know] {what}[, please|].",
        "[Please |][look up|find] {what}.",
        "[Could you|Can you] [tell|give|send] me {what}?",
        "I was asked for {what}; kindly report what we have.",
        "I need {what}[ for a letter|, nothing more|].",
        "[Find out|Check] {what}[ for me|].",
        "We are looking for {what}. [Can you help?|The CRM should have it.]",
        "Would you report {what}?",
        "[Get|Give] me {what}[, please|].",
    ),
    tool="client_search",
)
def client_search(scene: Scene) -> Draft:
    """What stands in a field of a client, which one a value belongs to, or a field of all of somebody's."""
    kind = scene.rng.choice((_field_of_one, _one_of_owner, _field_of_all))
    what, lookups, answer = kind(scene)
    return asked(scene.say(what=what), lookups, answer)


def _field_of_one(scene: Scene) -> tuple[str, list[ToolCall], Any]:
    field = scene.rng.choice(tuple(_FIELDS))
    client = named_client(scene, lambda row: getattr(row, field) is not None)
    return f"{scene.one(_FIELDS[field])} of {client.words}", client.lookups, of_value(client.row, field)


_WHOSE = {
    "phone": (
        "the name of {owner}'s client with the phone number {value}",
        "the name of the client of {owner} whose phone number is {value}",
        "the client among those of {owner} that has the phone number {value}",
        "the name of the client that {owner} looks after and that has {value} as its phone number",
    ),
    "address": (
        "the name of {owner}'s client at {value:quoted}",
        "the name of the client of {owner} whose address is {value:quoted}",
        "the client among those of {owner} that has the address {value:quoted}",
        "the name of the client that {owner} looks after and that has {value:quoted} as its address",
    ),
}


def _one_of_owner(scene: Scene) -> tuple[str, list[ToolCall], Any]:
    owner, rows = _owned(scene)
    field = scene.one(("phone", "address"))
    row = scene.choose(rows, lambda row: getattr(row, field) is not None)
    value = getattr(row, field)
    if sum(value.casefold() in (getattr(other, field) or "").casefold() for other in rows) != 1:
        raise Unsuitable
    what = fragment(scene.rng, _WHOSE[field], {"owner": owner, "value": value}, held_out=scene.held_out)
    search = ToolCall("client_search", {"owner": owner, field: value})
    return what, [search], of_record(scene, "Client", row)


def _field_of_all(scene: Scene) -> tuple[str, list[ToolCall], Any]:
    owner, rows = _owned(scene)
    field = scene.rng.choice(tuple(_FIELDS))
    status = scene.choose(rows).status
    rows = tuple(row for row in rows if row.status == status)
    if len(rows) < 2 or any(getattr(row, field) is None for row in rows):
        raise Unsuitable
    several = {"email": "e-mail addresses", "phone": "phone numbers", "address": "postal addresses"}[field]
    what = f"the {several} of all clients of {owner} with the status {status}"
    return what, [ToolCall("client_search", {"owner": owner, "status": status})], of_values(rows, field)


def _owned(scene: Scene) -> tuple[str, tuple[Row, ...]]:
    """An owner and their clients, few enough for one page."""
    owner = scene.owner()
    rows = scene.template.clients_of_owner[owner]
    if not 0 < len(rows) <= _LIMIT or not sole_owner(scene, owner):
        raise Unsuitable
    return owner, rows


_NARROWED = {
    "status": (
        *("whose status is {x}", "that have the status {x}", "with the status {x}"),
        "that carry the status {x}",
    ),
    "industry": (
        *("in the industry {x}", "from the industry {x}", "whose industry is {x}"),
        "with {x} as their industry",
    ),
    "created_date": (
        *("created before {x:date}", "added before {x:date}", "entered before {x:date}"),
        "that were on record before {x:date}",
    ),
}


@family(
    "single",
    (
        "Which clients of {owner} [are there|do we have]{that}?",
        "[Please |]list [all|the] clients of {owner}{that}.",
        "[Could you|Can you] name [all|the] clients{that} who belong to {owner}?",
        "Clients{that} for whom {owner} is responsible: which are they?",
        "{owner} asks for a list of [their|all their] own clients{that}. [Which are they?|Please list them.]",
        "I need [the names of |]all clients of {owner}{that}.",
        "[Who are {owner}'s clients{that}?|Show me {owner}'s clients{that}.]",
        "Of all our clients, [which belong|which ones belong] to {owner}{that}?",
        "Show every client{that} owned by {owner}[, and nobody else's|].",
    ),
    tool="client_search",
)
def clients_of_owner(scene: Scene) -> Draft:
    """Which clients somebody looks after, all of them or those of a status, an industry, or an age."""
    owner, rows = _owned(scene)
    field = scene.rng.choice((None, *_NARROWED, *_NARROWED))
    criteria, that = {"owner": owner}, ""
    if field is not None:
        value = getattr(scene.choose(rows, lambda row: getattr(row, field) is not None), field)
        if field == "created_date":
            value = value[:10]
            rows = tuple(row for row in rows if row.created_date[:10] < value)
        else:
            rows = tuple(row for row in rows if getattr(row, field) == value)
            criteria[field] = value
        that = " " + fragment(scene.rng, _NARROWED[field], {"x": value}, held_out=scene.held_out)
    if not rows:
        raise Unsuitable
    request = scene.say(owner=owner, that=that)
    return asked(request, [ToolCall("client_search", criteria)], of_records(scene, "Client", rows))


@family(
    "single",
    (
        "Which of {owner}'s clients [are|sit|have their address] in {town}?",
        "[Please |][list|name|show me] [the|all] clients of {owner} that have [their|an] address in {town}.",
        "{owner} travels to {town}. Which [of their own clients|clients of their own] have an address there?",
        "A trip to {town} is planned; which of {owner}'s clients have their address there?",
        "[Could you|Can you] [find|name|list] [all|the] clients of {owner} with an address in {town}?",
        "I need [the names of |]all clients of {owner} in {town}, going by [their addresses|the addresses].",
        "Who among {owner}'s clients has an address in {town}?",
        "Look for {town} in the addresses of the clients of {owner}: which are they?",
    ),
    tool="client_search",
)
def clients_in_town(scene: Scene) -> Draft:
    """Which clients of somebody have an address in a town."""
    owner, rows = _owned(scene)
    town = scene.choose(rows, lambda row: row.address is not None).address.rpartition(", ")[2]
    there = [row for row in rows if town.casefold() in (row.address or "").casefold()]
    if any(not row.address.endswith(f", {town}") for row in there):
        raise Unsuitable
    search = ToolCall("client_search", {"owner": owner, "address": town})
    return asked(scene.say(owner=owner, town=town), [search], of_records(scene, "Client", there))


@family(
    "single",
    (
        "[What is {what} of the client behind {deal}?|Tell me {what} of the client behind {deal}.]",
        "[Please |]find out who {deal} is with, and give me {what} of that client.",
        "I have to write to the client of {deal}. [What is {what}?|Give me {what}.]",
        "Of the company that {deal} was made with, what is {what}?",
        "[Could you|Can you] look up {what} of the client to whom {deal} belongs?",
        "Whose deal is {deal}, and what is {what} of that client? I only need the latter.",
        "I need {what} of the client for {deal}.",
        "Which client stands behind {deal}? Just send me {what}.",
    ),
    tool="client_search",
)
def client_behind_deal(scene: Scene) -> Draft:
    """How to reach the client of a deal."""
    field = scene.rng.choice(tuple(_FIELDS))
    deal = a_deal(scene, lambda row: getattr(scene.get("Client", row.client_id), field) is not None)
    client = scene.get("Client", deal.row.client_id)
    request = scene.say(deal=deal.words, what=scene.one(_FIELDS[field]))
    lookups = [*deal.lookups, ToolCall("client_search", {"client_id": client[0]})]
    return asked(request, lookups, of_value(client, field))
