"""Dialogues about which record is meant: what the request says fits several, and the user tells them apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crm_gym.schema import TABLE_OF, Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Query, described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.steps import (
    CHANGEABLE,
    distinct,
    is_open,
    modify,
    some,
    stands,
    stands_new,
    value_for,
    values_for,
)
from crm_gym.tasks.families.users import (
    KINDS,
    ask,
    called,
    phase,
    point,
    say,
    tell,
    user,
    word,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.goal import Expected
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_MOST = 8  # records among which a user is asked to choose
_BRANCHES = {  # what hangs on what, and what tells one from another
    "deal": ("Client", "Opportunity", "client_id", ("stage", "amount", "close_date", "name")),
    "contact": ("Client", "Contact", "client_id", ("title", "email", "first_name", "last_name")),
    "quote": ("Opportunity", "Quote", "opportunity_id", ("version", "amount", "valid_until", "status")),
}


@dataclass(frozen=True, slots=True)
class Several:
    """Records of one kind that hang on one other, and one of them that is meant.

    Attributes:
        noun: What people call them.
        home: What they hang on, called by name.
        rows: All of them.
        row: The one that is meant.
        by: The field that tells it from the others, and its value there.
        query: The description of it that follows.
    """

    noun: str
    home: Row
    rows: tuple[Row, ...]
    row: Row
    by: tuple[str, Any]
    query: Query

    @property
    def others(self) -> list[Row]:
        """The ones that are not meant."""
        return [row for row in self.rows if row is not self.row]

    @property
    def lookups(self) -> list[ToolCall]:
        """The searches that show them all."""
        table = TABLE_OF[type(self.row)]
        key = _BRANCHES[self.noun][2]
        home = TABLE_OF[type(self.home)]
        name = ToolCall(f"{home.lower()}_search", {"name": self.home.name})
        return [name, ToolCall(f"{table.lower()}_search", {key: self.home[0]})]


def several(scene: Scene, *nouns: str) -> Several:
    """Two or more records of a kind that hang on one, the meant one among them free to be changed.

    Raises:
        Unsuitable: If the scene has none.
    """
    noun = scene.one(nouns)
    above, table, key, telling = _BRANCHES[noun]
    first = scene.pick(table, lambda row: _changeable(row) and _fits(scene, row, table, key))
    rows = scene.children(table, key, getattr(first, key))
    if not 2 <= len(rows) <= _MOST:
        raise Unsuitable
    row = next(each for each in rows if each[0] == first[0])
    name, value = distinct(scene, rows, telling, row)
    query = described(table, {key: getattr(row, key), name: value})
    return Several(noun, scene.get(above, getattr(row, key)), rows, row, (name, value), query)


def _changeable(row: Row) -> bool:
    return TABLE_OF[type(row)] != "Opportunity" or is_open(row)


def _fits(scene: Scene, row: Row, table: str, key: str) -> bool:
    above = "Opportunity" if table == "Quote" else "Client"
    return scene.is_named(above, scene.get(above, getattr(row, key))) and (
        2 <= len(scene.children(table, key, getattr(row, key))) <= _MOST
    )


def _action(scene: Scene, row: Row) -> tuple[str, ToolCall, Achieve, Expected]:
    """Something to be done with a record: in words, as a call, as an aim, and as what the CRM then shows."""
    table = TABLE_OF[type(row)]
    if scene.chance(0.3):
        note = {"entity_type": table, "entity_id": row[0], "content": vocab.note(scene.rng, scene.pool)}
        words = say(scene, _NOTING, noun=KINDS[table], content=note["content"])
        return words, ToolCall("add_note", note), Achieve("Note", None, note), stands_new("Note", note)
    values = values_for(scene, table, some(scene, CHANGEABLE[table], scene.count(1, 3)), row)
    words = f"set {scene.updates(values)}"
    return words, modify(row, values), Achieve(table, row[0], values), stands(row, **values)


_NOTING = (
    "add the note {content:quoted} to that {noun}",
    "write a note on that {noun} that says {content:quoted}",
    "put {content:quoted} on that {noun} as a note",
    "leave this note with the {noun}: {content:quoted}",
)


@family(
    "dialogue",
    (
        "There is more than one {noun} for the {home}. Ask me which one I mean, and {action}.",
        "[Please |]take a {noun} of the {home} and {action}; which {noun}, you find out by asking me.",
        "One {noun} of the {home} needs work: {action}. You will have to ask which it is.",
        "The {home} has several {noun}s and only one is meant here. Find out from me which, then {action}.",
        "For one of the {noun}s of the {home}, {action}. Do not guess which one, ask me.",
        "[Could you|Can you] {action}? It is about a {noun} of the {home}, and I will tell you which once you ask.",
        "On a certain {noun} of the {home}, {action}. Check with me first which {noun} that is.",
        "A {noun} that hangs on the {home} is concerned, but not just any: ask me which, then {action}.",
    ),
)
def ask_which_one(scene: Scene) -> Draft:
    """One of several like records, which the user tells apart when asked, is to be changed."""
    choice = several(scene, "deal", "contact", "quote")
    words, call, aim, seen = _action(scene, choice.row)
    if choice.noun == "contact" and choice.row.first_name in words:
        raise Unsuitable  # a note that speaks of the one who is meant would tell which
    told = {"which_record": point(scene, *choice.by)}
    return Draft(
        request=scene.say(noun=choice.noun, home=called(choice.home), action=words),
        path=[*choice.lookups, ask("which_record"), call],
        calls=[call],
        achieve=[aim],
        user=user(scene, [phase(scene, told=told, until=[seen], wrong=choice.others)], 1),
        selections=[choice.query],
    )


@family(
    "dialogue",
    (
        "One {noun} of the {home} gets a new {field}. Ask me which {noun}, and ask me for the {field} too.",
        "[Please |]change the {field} of a {noun} of the {home}. Both, which one and to what, you have to ask me.",
        "The {field} is wrong on a {noun} of the {home}. Ask which of them, then ask what it should be, then correct"
        " it.",
        "The {home}: on one of the {noun}s, the {field} has to change. Which one and the value, you get from me.",
        "[Could you|Can you] correct the {field} on a {noun} of the {home}? There are several, so ask me which, and ask"
        " for the right value.",
        "There are several {noun}s for the {home}; one of them needs another {field}. I know which and what: ask me.",
        "A different {field} for a {noun} of the {home}: find out from me which {noun} and what value, then enter it.",
        "I want one {noun} of the {home} to have another {field}. Get both the {noun} and the value out of me first.",
    ),
)
def ask_which_and_what(scene: Scene) -> Draft:
    """Neither which record is meant nor the new value is said: both are asked for."""
    choice = several(scene, "deal", "contact", "quote")
    table = TABLE_OF[type(choice.row)]
    name = scene.one(CHANGEABLE[table])
    value = value_for(scene, table, name, choice.row)
    call = modify(choice.row, {name: value})
    told = {"which_record": point(scene, *choice.by), name: tell(scene, name, value)}
    seen = stands(choice.row, **{name: value})
    questions = [ask("which_record"), ask(name)]
    scene.rng.shuffle(questions)
    return Draft(
        request=scene.say(noun=choice.noun, home=called(choice.home), field=word(name)),
        path=[*choice.lookups, *questions, call],
        calls=[call],
        achieve=[Achieve(table, choice.row[0], {name: value})],
        user=user(scene, [phase(scene, told=told, until=[seen], wrong=choice.others)], 2),
        selections=[choice.query],
    )


_SHORT = {  # what people shorten the name of a record to, and the fields that then tell it from its namesakes
    "Client": ("name", ("email",)),
    "Opportunity": ("name", ("name",)),
    "Contact": ("first_name", ("last_name",)),
}


@family(
    "dialogue",
    (
        "There are several {noun}s that go by {short}. Ask me which one it is, and {action}.",
        "[Please |]{action}. I mean {short}, a {noun}; more than one is called something like that, so ask me which.",
        "The {noun} is {short} something, I do not have the whole name here. Ask me which one, then {action}.",
        "It is about a {noun} by the name of {short}, of which we have more than one. You will have to ask me"
        " which; then {action}.",
        "For {short}, the {noun}, {action}. Not just any {short}: find out from me which I mean.",
        "[Could you|Can you] {action}? The name of the {noun} begins with {short}. There is a choice of them, so"
        " do ask me.",
        "{short} is the {noun}, or how its name begins. Check with me which of them before you {action}.",
        "Of the {noun}s named {short} one is concerned, and I know which: ask me. Then {action}.",
    ),
)
def ask_which_namesake(scene: Scene) -> Draft:
    """A record called by a part of its name that others share; the user says which when asked."""
    table = scene.one(tuple(_SHORT))
    row = scene.named(
        table, lambda each: scene.template.near(table, each) > 0 and (table != "Opportunity" or is_open(each))
    )
    field, telling = _SHORT[table]
    short = str(getattr(row, field)).split()[0]
    name = scene.one(telling)
    where = {name: getattr(row, name)} | ({"first_name": row.first_name} if table == "Contact" else {})
    words, call, aim, seen = _action(scene, row)
    told = {"which_record": point(scene, name, getattr(row, name))}
    return Draft(
        request=scene.say(noun=KINDS[table], short=short, action=words),
        path=[ToolCall(f"{table.lower()}_search", {field: short, "limit": 100}), ask("which_record"), call],
        calls=[call],
        achieve=[aim],
        user=user(scene, [phase(scene, told=told, until=[seen])], 1),
        selections=[described(table, where)],
    )
