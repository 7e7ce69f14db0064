"""Long dialogues about what comes and goes: a client taken in step by step, a quote haggled over."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from crm_gym.atoms import number_json
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.steps import (
    OPEN_STAGES,
    Step,
    email_of,
    is_open,
    modify,
    some,
    stands,
    stands_new,
    told_in_steps,
    values_for,
)
from crm_gym.tasks.families.users import (
    ask,
    called,
    say,
    tell,
    words,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.plan import new
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene
from crm_gym.tools import ToolCall

_REST = (
    " Ask me for {fields}.",
    " You get {fields} from me when you ask.",
    " For {fields}, ask me.",
    " Still missing, so ask: {fields}.",
)


_NEXT_NEW = (
    "Good, next comes {thing}.{rest}",
    "Thank you. Now enter {thing}.{rest}",
    "Then I need {thing}.{rest}",
    "It goes on with {thing}.{rest}",
    "I see it. Please add {thing}.{rest}",
    "After that, {thing}.{rest}",
    "Well done; now {thing}.{rest}",
    "So far so good. What follows is {thing}.{rest}",
)
_REST = (
    " Ask me for the {fields}.",
    " You get the {fields} from me when you ask.",
    " For the {fields}, ask me.",
    " Still missing, so ask: {fields}.",
)


class _Intake:
    """Steps of taking in a client: each new record may hang on an earlier one.

    Args:
        scene: The scene.
        turns: Questions that may still be asked.
    """

    def __init__(self, scene: Scene, turns: int) -> None:
        self.scene, self.turns = scene, turns
        self.place: dict[str, int] = {}

    def add(self, tool: str, table: str, thing: str, given: dict[str, Any], others: tuple[str, ...]) -> Step:
        """A step that makes a record of given values and some of the others, which are told or asked for."""
        scene = self.scene
        values = values_for(scene, table, others)
        asked = some(scene, others, min(scene.rng.randint(0, 2), self.turns))
        self.turns -= len(asked)
        ready = {name: value for name, value in values.items() if name not in asked}
        rest = say(scene, _REST, fields=listed(words(asked))) if asked else ""
        if ready:
            thing = f"{thing}, with {scene.details(ready)}"
        call = ToolCall(tool, given | values)
        step = Step(
            says=say(scene, _NEXT_NEW, thing=thing, rest=rest),
            path=[*(ask(name) for name in asked), call],
            calls=[call],
            achieve=[Achieve(table, None, given | values)],
            until=[stands_new(table, given | values)],
            told={name: tell(scene, name, values[name]) for name in asked},
        )
        self.place[table] = len(self.place)
        return step

    def contact(self) -> Step:
        """A person there."""
        who = vocab.person(self.scene.rng, self.scene.pool)
        given = {"first_name": who.first, "last_name": who.last, "client_id": new(self.place["Client"])}
        others = tuple(some(self.scene, ("title", "email", "phone"), self.scene.rng.randint(1, 3)))
        return self.add("create_new_contact", "Contact", f"a contact there, {who.full}", given, others)

    def deal(self) -> Step:
        """A deal with them."""
        name, stage = vocab.deal_name(self.scene.rng, self.scene.pool), self.scene.one(OPEN_STAGES)
        given = {"name": name, "stage": stage, "client_id": new(self.place["Client"])}
        others = ("amount", *some(self.scene, ("close_date", "probability", "owner"), self.scene.rng.randint(0, 2)))
        thing = f"a deal for that new client, called {name}, stage {stage}"
        return self.add("create_new_opportunity", "Opportunity", thing, given, others)

    def quote(self) -> Step:
        """A quote on the deal."""
        status = self.scene.one(("Draft", "Sent"))
        given = {"opportunity_id": new(self.place["Opportunity"]), "status": status}
        others = ("amount", *some(self.scene, ("version", "valid_until"), self.scene.rng.randint(0, 2)))
        return self.add("create_quote", "Quote", f"a quote on that deal, status {status}", given, others)

    def contract(self) -> Step:
        """A contract with them."""
        status = self.scene.one(("Active", "Pending"))
        given = {"client_id": new(self.place["Client"]), "status": status}
        thing = f"a contract with the new client, status {status}"
        return self.add("create_contract", "Contract", thing, given, ("start_date", "end_date"))


@family(
    "dialogue",
    (
        "[Please |]take in a new client: {name}, status {status}.{rest} When it is in the CRM, ask me for the next"
        " step; there is more to enter.",
        "We have a new client, {name}, status {status}.{rest} Enter it and report back, more follows bit by bit.",
        "New client {name}, status {status}.{rest} Once that stands, ask me what comes next, and so on until I say"
        " that was all.",
        "Put the new client {name} on file with status {status}.{rest} There is more to follow, always after the last"
        " thing is in: keep asking me what is next.",
        "Begin with a client called {name}, status {status}.{rest} Then come back to me for what belongs to it.",
        "An intake, step by step. First the client: {name}, status {status}.{rest} Ask me for the next one when you"
        " have it in the CRM.",
        "Set up {name} as a client, status {status}.{rest} Let me know when you are done, and I will go on.",
        "Here is a newcomer: client {name}, status {status}.{rest} After that I have more for you; ask for the next"
        " step each time.",
    ),
)
def guided_intake(scene: Scene) -> Draft:
    """A client and what belongs to it, each told only after the one before stands in the CRM."""
    count = max(2, scene.count(1, 5))
    intake = _Intake(scene, 10 - (count - 1))
    name, status = vocab.company_name(scene.rng, scene.pool), scene.one(("Active", "Prospect"))
    intake.turns -= 1
    email = {"email": email_of(scene, name)}
    values = {"name": name, "status": status, **email}
    call = ToolCall("create_new_client", values)
    first = Step(
        path=[ask("email"), call],
        calls=[call],
        achieve=[Achieve("Client", None, values)],
        until=[stands_new("Client", values)],
        told={"email": tell(scene, "email", email["email"])},
    )
    intake.place["Client"] = 0
    steps = [first, *(make() for make in _course(scene, intake)[: count - 1])]
    return told_in_steps(
        scene, scene.say(name=name, status=status, rest=say(scene, _REST, fields="e-mail address")), steps
    )


def _course(scene: Scene, intake: _Intake) -> list[Callable[[], Step]]:
    """The records in an order in which each has what it hangs on."""
    course = [intake.deal, intake.quote]
    for make in (intake.contact, intake.contract):
        course.insert(scene.rng.randint(0, len(course)), make)
    return course


_HAGGLES = (
    "They find it too dear: {amount:money} now, same quote.",
    "[Hm, they|They] came back to us. The quote has to say {amount:money}.",
    "A new figure for that quote: {amount:money}.",
    "Change the quote's amount to {amount:money}; they keep haggling.",
    "The client asks for another price. Make the quote {amount:money}.",
    "We met in the middle, so put {amount:money} on the quote.",
    "Correct the quote once more, to {amount:money}.",
    "After a call with them: {amount:money} on that quote.",
)
_AGREED = (
    "Agreed! The quote is Approved now.",
    "They have said yes: set the quote's status to Approved.",
    "Done deal on the price. Mark the quote as Approved.",
    "It is settled, so the quote gets the status Approved.",
)
_WON = (
    "And the {deal} is won: set the stage to Closed-Won.",
    "Finally, set the stage of the {deal} to Closed-Won.",
    "Now close the {deal}: stage Closed-Won, nothing else.",
    "That leaves the {deal}, whose stage is to be Closed-Won.",
)


@family(
    "dialogue",
    (
        "[Please |]make a quote on the {deal}: {amount:money}, status Sent, version {version}. We are in talks, so"
        " ask me"
        " for the next step once it is in.",
        "On the {deal}, enter a quote over {amount:money} with status Sent and version {version}. Then keep asking"
        " me what"
        " is next while I talk to the client.",
        "The {deal} gets a quote: {amount:money}, version {version}, status Sent. Report back, they will surely want"
        " changes.",
        "A quote of {amount:money} for the {deal}, please, version {version}, status Sent. When it stands, come back"
        " to me"
        " for what they say to it.",
        "I am on the phone about the {deal}. Put in a quote of {amount:money}, status Sent, version {version}, and"
        " ask me"
        " what comes next until we are through.",
        "Start with a quote on the {deal}, status Sent, {amount:money}, version {version}. The rest depends on the"
        " client:"
        " ask me for the next step each time.",
        "Quote for the {deal}: {amount:money}, status Sent, version {version}. Let me know when you have it, there"
        " will be"
        " more.",
        "Set up a quote, status Sent, version {version}, amount {amount:money}, on the {deal}. Afterwards ask me how it"
        " goes on.",
    ),
    held_out=True,
)
def haggle_over_quote(scene: Scene) -> Draft:
    """A quote whose amount the client keeps talking about until it is approved, and the deal perhaps won."""
    row = scene.named("Opportunity", is_open)
    amounts = _haggling(scene, 1 + scene.count(1, 4))
    version = vocab.version(scene.rng, scene.pool)
    base: dict[str, Any] = {"opportunity_id": row[0], "amount": amounts[0], "status": "Sent", "version": version}
    steps = [Step(path=[scene.look_up(row), ToolCall("create_quote", base)], until=[stands_new("Quote", base)])]
    changes = _changes(scene, amounts[1:])
    quote = dict(base)
    for change, says in changes:
        quote |= change
        call = ToolCall("modify_quote", {"id": new(0), "updates": change})
        steps.append(Step(says=says, path=[call], until=[stands_new("Quote", quote)]))
    steps[-1].calls = [ToolCall("create_quote", quote)]
    steps[-1].achieve = [Achieve("Quote", None, quote)]
    if scene.chance(0.6):
        steps.append(_won(scene, row))
    return told_in_steps(scene, scene.say(deal=called(row), amount=amounts[0], version=version), steps)


def _changes(scene: Scene, amounts: list[int | float]) -> list[tuple[dict[str, Any], str]]:
    """What becomes of a quote, and how the user says so: one amount after the other, and approval."""
    changes: list[tuple[dict[str, Any], str]] = []
    for amount in amounts:
        changes.append(({"amount": amount}, say(scene, _HAGGLES, amount=amount)))
    return [*changes, ({"status": "Approved"}, say(scene, _AGREED))]


def _haggling(scene: Scene, count: int) -> list[int | float]:
    """So many amounts, each somewhat below the one before."""
    amounts = [vocab.amount(scene.rng, scene.pool)]
    while len(amounts) < count:
        low, high = amounts[-1] * Decimal("0.8"), amounts[-1] * Decimal("0.98")
        amounts.append(vocab.amount_between(scene.rng, scene.pool, low, high))
    return [number_json(amount) for amount in amounts]


def _won(scene: Scene, row: Row) -> Step:
    won = {"stage": "Closed-Won"}
    call = modify(row, won)
    return Step(
        says=say(scene, _WON, deal=called(row)),
        path=[call],
        calls=[call],
        achieve=[Achieve("Opportunity", row[0], won)],
        until=[stands(row, **won)],
    )
