"""Short dialogues: something is left out, or may mean several records, and the user must be asked."""

from __future__ import annotations

from typing import Any

from crm_gym.schema import TABLE_OF, Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft, Refused
from crm_gym.tasks.families.steps import (
    CHANGEABLE,
    OPEN_STAGES,
    email_of,
    is_open,
    modify,
    some,
    stands,
    stands_new,
    value_for,
    values_for,
)
from crm_gym.tasks.families.users import ask, called, phase, say, tell, user, word, words
from crm_gym.tasks.family import family
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, listed_name
from crm_gym.tools import ToolCall


def _told(scene: Scene, values: dict[str, Any]) -> dict[str, str]:
    return {name: tell(scene, name, value) for name, value in values.items()}


def _record(scene: Scene) -> Row:
    table = scene.one(("Opportunity", "Opportunity", "Client", "Contact"))
    return scene.named(table, is_open if table == "Opportunity" else None)


@family(
    "dialogue",
    (
        "[Please |]update the {what}. What changes: {fields}. Ask me for every new value.",
        "Something has to change on the {what}, namely this: {fields}. I will tell you what to enter when you"
        " ask[ me|].",
        "I need the {what} brought up to date ({fields}). Ask me for every value, one by one.",
        "There is news about the {what}. Ask me for the following and enter it: {fields}.",
        "[Can you|Could you] change this on the {what}: {fields}? You will have to ask me what to put there.",
        "For the {what} I have new data: {fields}. Ask, and I will give you each of them.",
        "Ask me about {fields}, then change the {what} accordingly.",
        "On the {what}, something has to be set anew, namely: {fields}. What to enter, you get from me on request.",
    ),
)
def ask_for_values(scene: Scene) -> Draft:
    """A record to be changed, by values that the user tells when asked for them."""
    row = _record(scene)
    table = TABLE_OF[type(row)]
    values = values_for(scene, table, some(scene, CHANGEABLE[table], scene.count(1, 4)), row)
    call = modify(row, values)
    fields = listed(words(list(values)))
    return Draft(
        request=scene.say(what=called(row), fields=fields),
        path=[scene.look_up(row), *(ask(name) for name in values), call],
        calls=[call],
        achieve=[Achieve(table, row[0], values)],
        user=user(scene, [phase(scene, told=_told(scene, values), until=[stands(row, **values)])], len(values)),
    )


_NEW = {
    "Client": ("a new client called {name}, {given}", ("email",), ("phone", "address", "industry", "owner")),
    "Contact": ("a new contact {name} at the client {home}, {given}", (), ("title", "email", "phone")),
    "Opportunity": (
        "a new deal called {name} for the client {home}, {given}",
        ("amount",),
        ("close_date", "owner", "probability"),
    ),
    "Quote": ("a new quote for the deal {home}, {given}", ("amount",), ("valid_until", "version")),
    "Contract": ("a new contract with the client {home}, {given}", (), ("start_date", "end_date")),
}
"""Table to what a new record of it is called, what must be asked for, and what else may be."""

_TOOL = {
    "Client": "create_new_client",
    "Contact": "create_new_contact",
    "Opportunity": "create_new_opportunity",
    "Quote": "create_quote",
    "Contract": "create_contract",
}


def _new_values(scene: Scene, table: str) -> tuple[dict[str, Any], Row | None, str]:
    """What is given of a new record, the record it belongs to, and what it is called."""
    rng, pool = scene.rng, scene.pool
    if table == "Client":
        name = vocab.company_name(rng, pool)
        return {"name": name, "status": scene.one(scene.members(table, "status"))}, None, name
    home = scene.named("Opportunity" if table == "Quote" else "Client")
    if table == "Contact":
        who = vocab.person(rng, pool)
        return {"first_name": who.first, "last_name": who.last, "client_id": home[0]}, home, who.full
    if table == "Opportunity":
        name = vocab.deal_name(rng, pool)
        return {"name": name, "client_id": home[0], "stage": scene.one(OPEN_STAGES)}, home, name
    key = "opportunity_id" if table == "Quote" else "client_id"
    status = scene.one([each for each in scene.members(table, "status") if each not in ("Canceled", "Expired")])
    return {key: home[0], "status": status}, home, ""


@family(
    "dialogue",
    (
        "[Please |]enter {thing}. I have left something out ({fields}): ask me.",
        "To go into the CRM: {thing}. Before you enter it, ask me for the rest: {fields}.",
        "We need {thing}. Still to come from me, as soon as you ask: {fields}.",
        "Set up {thing}. It also takes something I did not write down here: {fields}. Get that from me first.",
        "[Can you|Could you] add this: {thing}? Missing so far: {fields}. Ask me for what is missing.",
        "Put on file {thing}. You have to ask me for the following, I did not put it here: {fields}.",
        "New in the CRM, please: {thing}. Ask me about {fields} before you save it.",
        "Create {thing}; what it lacks ({fields}) you learn by asking me.",
    ),
)
def ask_for_the_rest(scene: Scene) -> Draft:
    """A new record some of whose values, required ones among them, the user tells when asked."""
    table = scene.one(tuple(_NEW))
    frame, needed, others = _NEW[table]
    given, home, name = _new_values(scene, table)
    wanted = [*needed, *some(scene, others, max(1 - len(needed), scene.count(0, 3)))]
    scene.rng.shuffle(wanted)
    asked = values_for(scene, table, wanted, home)  # looking that up must not show them
    if table == "Client":
        asked["email"] = email_of(scene, name)
    values = given | asked
    shown = {key: value for key, value in given.items() if key in ("status", "stage")}
    text = frame.format(
        name=name,
        home=listed_name(home) if home is not None else "",
        given="".join(f"{key} {value}" for key, value in shown.items()),
    ).removesuffix(", ")
    call = ToolCall(_TOOL[table], values)
    return Draft(
        request=scene.say(thing=text, fields=listed(words(wanted))),
        path=[*([scene.look_up(home)] if home is not None else []), *(ask(each) for each in wanted), call],
        calls=[call],
        achieve=[Achieve(table, None, values)],
        user=user(scene, [phase(scene, told=_told(scene, asked), until=[stands_new(table, values)])], len(wanted)),
    )


_UNWANTED = (
    "No {what} on this one.",
    "Leave the {what} empty[, please|].",
    "I do not want any {what} there.",
    "Nothing for the {what}, thanks.",
    "No, not the {what}.",
    "Skip the {what}.",
    "The {what} is not known yet, so leave it out.",
    "Rather no {what} for now.",
)


@family(
    "dialogue",
    (
        "[Please |]open a deal called {name} for the client {home}, {given}. Whether it gets more than that ({fields})"
        " you find out by asking me about each; leave out what I do not want.",
        "A new deal for the client {home}: {name}, {given}. Ask me about {fields}; I may not want all of them filled.",
        "Deal {name} has to be created for the client {home}, {given}. Possibly also with some of these, so ask me"
        " about each: {fields}. What I do not want stays empty.",
        "For the client {home}, enter the deal {name}, {given}. Check with me, one at a time, whether it is to have any"
        " of these: {fields}.",
        "[Could you|Can you] create the deal {name} with {given} for the client {home}? For {fields}, ask me first"
        " whether I want a value at all.",
        "New deal, client {home}, called {name}, {given}. Optional, ask me about every one of them: {fields}.",
        "Enter {name} as a deal of the client {home}, {given}. I am undecided about {fields}, so ask me before you"
        " save it. No value from me means none in the CRM.",
        "The client {home} gets a deal, {name}, {given}. I decide on {fields} when you ask, and some may stay blank.",
    ),
)
def ask_about_extras(scene: Scene) -> Draft:
    """A new deal with optional fields about which the user decides when asked: a value, or none."""
    given, home, name = _new_values(scene, "Opportunity")
    assert home is not None
    given["amount"] = scene.amount()
    offered = some(scene, ("close_date", "owner", "probability"), scene.count(2, 3))
    wanted = values_for(scene, "Opportunity", offered[: scene.rng.randint(1, len(offered))], home)
    told = _told(scene, wanted) | {
        each: say(scene, _UNWANTED, what=word(each)) for each in offered if each not in wanted
    }
    scene.rng.shuffle(offered)
    values = given | wanted
    call = ToolCall("create_new_opportunity", values)
    shown = scene.details({"stage": given["stage"], "amount": given["amount"]})
    return Draft(
        request=scene.say(name=name, home=listed_name(home), given=shown, fields=listed(words(offered))),
        path=[scene.look_up(home), *(ask(each) for each in offered), call],
        calls=[call],
        achieve=[Achieve("Opportunity", None, values)],
        user=user(scene, [phase(scene, told=told, until=[stands_new("Opportunity", values)])], len(offered)),
    )


def _past(scene: Scene) -> str:
    return scene.day(-300, -20)


def _refusable(scene: Scene) -> tuple[Row, str, Any, str]:
    """A record, a field of it, a value the CRM must refuse there, and the code of the refusal."""
    kind = scene.one(("date", "date", "amount", "email", "stage", "closed"))
    if kind == "email":
        row = scene.named("Client")
        return row, "email", scene.pick("Client", lambda other: other[0] != row[0]).email, "duplicate_email"
    if kind == "closed":
        row = scene.named("Opportunity", lambda row: not is_open(row))
        name = scene.one(("amount", "probability", "close_date"))
        return row, name, value_for(scene, "Opportunity", name, row), "closed_deal_locked"
    row = scene.named("Opportunity", is_open)
    if kind == "date":
        return row, "close_date", _past(scene), "date_in_past"
    if kind == "stage":
        return row, "stage", scene.one(("Verbal", "Shortlisted", "On hold", "Discovery", "Stalled")), "enum_value"
    return row, "amount", 10_000_000 + 1_000 * scene.rng.randint(1, 40_000), "amount_above_ceiling"


@family(
    "dialogue",
    (
        "[Please |]change the {field} of the {what}. Ask me for the new value. If the CRM does not take it as I say it,"
        " decline.",
        "The {field} of the {what} has to change; I will tell you the new one when you ask. Enter exactly that, or turn"
        " it down if that is against the rules.",
        "I want another {field} on the {what}. Ask me which. Should the CRM refuse it, leave all as it is and decline.",
        "Ask me for the {field} of the {what} and put it in just as I give it. If that cannot be done, say so and"
        " change nothing.",
        "The {what}: new {field}, to be had from me if you ask. Decline if it is not allowed.",
        "[Could you|Can you] set the {field} of the {what} to what I tell you once you ask? Decline it if that is not"
        " possible.",
        "There is a new {field} for the {what}. You get it from me on request; refuse if the CRM would.",
        "Update the {field} of the {what} with the value you get by asking me, and with no other. If the rules forbid"
        " it, decline.",
    ),
)
def refused_once_asked(scene: Scene) -> Draft:
    """A value that the user tells when asked and that the CRM must refuse: to be declined."""
    row, name, value, code = _refusable(scene)
    call = modify(row, {name: value})
    return Draft(
        request=scene.say(what=called(row), field=word(name)),
        path=[scene.look_up(row), ask(name)],
        lookups=[scene.look_up(row)],
        refused=Refused(code, name, call),
        user=user(scene, [phase(scene, told={name: tell(scene, name, value)})], 1),
    )


@family(
    "dialogue",
    (
        "I am about to board, so one question and no more. The {what}: {ready}, and a new {field} that you must ask me"
        " for.",
        "[Please |]set {ready} on the {what}. You also need the {field}: ask me, but only once, I have hardly any"
        " time.",
        "No time to write it all down. On the {what} set {ready}; and for the {field} ask me now, I can answer one"
        " question.",
        "Quickly: the {what} gets {ready} and a new {field}. I answer a single question, so ask for the {field}.",
        "Change the {what}: {ready}. The {field} changes too. I will pick up once and tell you if you ask.",
        "Between two meetings: {ready} on the {what}, plus another {field}. Ask me for that one now, I am gone"
        " afterwards.",
        "One question is all I can take today. The {what} needs {ready}, and you have to ask me for the {field}.",
        "You can reach me once. The {what} should have {ready} and a {field} that I will name when asked.",
    ),
)
def one_question(scene: Scene) -> Draft:
    """An impatient user, who answers a single question: it must be the right one."""
    row = _record(scene)
    table = TABLE_OF[type(row)]
    names = some(scene, CHANGEABLE[table], scene.count(2, 4))
    values = values_for(scene, table, names, row)
    ready = {name: values[name] for name in names[1:]}
    call = modify(row, values)
    return Draft(
        request=scene.say(what=called(row), ready=scene.details(ready), field=word(names[0])),
        path=[scene.look_up(row), ask(names[0]), call],
        calls=[call],
        achieve=[Achieve(table, row[0], values)],
        user=user(
            scene,
            [phase(scene, told=_told(scene, {names[0]: values[names[0]]}), until=[stands(row, **values)])],
            turns=1,
            slack=0,
        ),
    )
