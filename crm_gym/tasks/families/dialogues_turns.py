"""Long dialogues that take one deal after the other: a review, rules by cases, deals picked by what they show."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks.answer import described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.steps import (
    OPEN_STAGES,
    Step,
    is_open,
    modify,
    some,
    stands,
    told_in_steps,
    value_for,
    values_for,
)
from crm_gym.tasks.families.users import (
    ask,
    called,
    say,
    tell,
    word,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_GETS = (
    "Next, the {deal}: set {change}.",
    "Now the {deal}. Set {change}[, please|].",
    "Then there is the {deal}; set {change}.",
    "As for the {deal}, set {change}.",
    "The {deal} is next: set {change}.",
    "[Good. On|On] the {deal}, set {change}.",
    "Let us go on with the {deal}. Set {change}.",
    "[Fine, for|For] the {deal} set {change}.",
)
_GETS_ASKED = (
    "Next, the {deal}: it needs another {field}. Ask me for it.",
    "Now the {deal}. I will tell you the new {field} when you ask.",
    "Then there is the {deal}; ask me for the {field} it should have.",
    "As for the {deal}, the {field} is out of date: ask me about it.",
    "The {deal} is next. Its {field} changes, ask me to what.",
    "[Good. On|On] the {deal} the {field} has to be set anew. Ask me.",
    "Let us go on with the {deal}. Get the right {field} from me and enter it.",
    "[Fine, for|For] the {deal} there is a new {field}, which you have to ask me for.",
)
_GETS_IF = (
    "Next, the {deal}: if {condition}, set {first}; otherwise set {second}.",
    "Now the {deal}. Set {first} if {condition}, and {second} if not.",
    "Then there is the {deal}. Should it be that {condition}, set {first}, else set {second}.",
    "As for the {deal}: where {condition}, set {first}. In the other case, set {second}.",
    "The {deal} is next. Look it up; if {condition}, set {first}, or else set {second}.",
    "On the {deal}, it depends: set {first} if {condition}, otherwise {second}.",
    "Let us go on with the {deal}. Provided that {condition}, set {first}; if that is not so, set {second}.",
    "For the {deal}, set {second} unless {condition}: then set {first}.",
)


def _given_step(scene: Scene, row: Row) -> Step:
    values = values_for(scene, "Opportunity", some(scene, ("amount", *_SAFE), scene.rng.randint(1, 2)), row)
    return _deal_step(scene, row, values, say(scene, _GETS, deal=called(row), change=scene.updates(values)))


def _asked_step(scene: Scene, row: Row) -> Step:
    name = scene.one(("amount", *_SAFE))
    values = values_for(scene, "Opportunity", [name], row)
    step = _deal_step(scene, row, values, say(scene, _GETS_ASKED, deal=called(row), field=word(name)))
    step.told = {name: tell(scene, name, values[name])}
    step.path.insert(1, ask(name))
    return step


_SAFE = ("stage", "probability", "close_date")
"""Fields of a deal by which nobody picks it out here."""


def _deal_step(scene: Scene, row: Row, values: dict[str, Any], says: str) -> Step:
    call = modify(row, values)
    return Step(
        says=says,
        path=[scene.look_up(row), call],
        calls=[call],
        achieve=[Achieve("Opportunity", row[0], values)],
        until=[stands(row, **values)],
    )


def _conditional_step(scene: Scene, row: Row) -> Step:
    name = scene.one(("stage", "probability"))
    first = value_for(scene, "Opportunity", name, row)
    second = scene.fresh(lambda: value_for(scene, "Opportunity", name, row), lambda made: made == first)
    condition, holds = _condition(scene, row, name)
    ways = {key: scene.updates({name: value}) for key, value in (("first", first), ("second", second))}
    says = say(scene, _GETS_IF, deal=called(row), condition=condition, **ways)
    return _deal_step(scene, row, {name: first if holds else second}, says)


def _condition(scene: Scene, row: Row, changed: str) -> tuple[str, bool]:
    """Something that is or is not so of a deal, as the CRM shows it, and whether it is."""
    names = [name for name in ("amount", "stage", "probability") if name != changed and getattr(row, name) is not None]
    name = scene.one(names)
    if name == "stage":
        stage = row.stage if scene.chance(0.5) else scene.one(OPEN_STAGES, row.stage)
        return f"its stage is {stage}", bool(stage == row.stage)
    if name == "amount":
        limit = scene.amount(row.amount)
        return f"its amount is above {scene.written('money', limit)}", bool(row.amount > Decimal(str(limit)))
    share = scene.percent(row.probability)
    return f"its probability is above {scene.written('percent', share)}", bool(row.probability > share)


def _length(scene: Scene, most: int) -> int:
    """How many deals to go through: three make the highest level, so that a lower one asks for less."""
    return scene.count(1, most if scene.level in (None, 5) else 3)


def _pipeline(scene: Scene, count: int) -> tuple[str, list[Row]]:
    """Whose deals, and some open ones of them that are called by name.

    Raises:
        Unsuitable: If there are none.
    """
    owner = scene.owner()
    deals = scene.template.deals_of_owner[owner]
    chosen = scene.rng.sample(deals, min(len(deals), 40))
    rows = [row for row in chosen if is_open(row) and scene.is_named("Opportunity", row)]
    if not rows:
        raise Unsuitable
    return owner, rows[:count]


@family(
    "dialogue",
    (
        "Let us go through some of {owner}'s deals. Ask me for the next step to hear the first one, and again after"
        " each, until I say that was all.",
        "I want to review deals of {owner} with you, one at a time. Ask me what comes next, do it, ask again.",
        "Pipeline review, deals of {owner}: I name one after the other. Ask for the next step to begin, and report"
        " back whenever one is done.",
        "Together we tidy up what {owner} has in the pipeline. You get each step from me when you ask what is next;"
        " I only go on once I see it in the CRM.",
        "[Please |]work through deals of {owner} with me. Keep asking me what is next and do as I say each time.",
        "Deals of {owner} are up for review. I will take them one by one: ask me for the first, then for the next,"
        " and so on.",
        "We have to update deals that {owner} looks after. Step by step: ask me what to do, do it, and come back.",
        "It is time to go over deals of {owner}. One instruction at a time, each after the last is in the CRM; just"
        " keep asking for the next step.",
    ),
)
def review_by_turns(scene: Scene) -> Draft:
    """The user goes through deals one by one and names the next when the last is done."""
    owner, rows = _pipeline(scene, _length(scene, 9))
    left, steps = 10 - len(rows), []  # turns to spare
    for row in rows:
        kind = scene.one((_given_step, _asked_step, _conditional_step) if left else (_given_step, _conditional_step))
        left -= kind is _asked_step
        steps.append(kind(scene, row))
    return told_in_steps(scene, scene.say(owner=owner), steps)


@family(
    "dialogue",
    (
        "What to do with some of {owner}'s deals depends on how they stand in the CRM. Ask me what is next, look it"
        " up, do it, and ask again.",
        "I have a few rules for deals of {owner}: ask me for one after the other, and see in the CRM which case"
        " applies.",
        "[Please |]help me with deals of {owner}. For each I tell you what depends on what; ask for the next step to"
        " begin.",
        "Some deals of {owner} need a decision that hangs on their data. You get one rule at a time by asking me what"
        " comes next.",
        "Ask me for the next step, check how the deal stands, act on it, and come back to me for more. All of it is"
        " about deals of {owner}.",
        "Deals of {owner}, one after the other: I say what is to happen in which case, you look which case it is. Ask"
        " me what is next.",
        "I go by what the CRM shows for deals of {owner}. Ask me for the first step, and after each for the next.",
        "For deals of {owner} I give you conditions, each on your asking what is next. Look at the data and act.",
    ),
)
def rules_by_turns(scene: Scene) -> Draft:
    """Each turn brings a rule, and what to do by it depends on what the CRM shows."""
    owner, rows = _pipeline(scene, _length(scene, 7))
    return told_in_steps(scene, scene.say(owner=owner), [_conditional_step(scene, row) for row in rows])


_BEST = {
    "max:amount": "the highest amount",
    "min:amount": "the lowest amount",
    "max:close_date": "the latest close date",
    "min:close_date": "the earliest close date",
}
_PICKS = (
    "Of the open deals we talk about, take the one with {best}: set {change}.",
    "The one with {best} among those open deals: set {change} there.",
    "Now look which of the open deals has {best}, and set {change} on it.",
    "Find the open one with {best} and set {change}.",
    "For whichever open deal of these has {best}, set {change}.",
    "Among the open ones, pick the deal with {best}. Set {change}.",
    "Next: the open deal in that list with {best}. It gets a change: set {change}.",
    "You will see which open deal has {best}; set {change} for it.",
)


def _extremes(rows: list[Row]) -> dict[str, Row]:
    """The one open deal that each description fits; no deal twice."""
    found: dict[str, Row] = {}
    for best in _BEST:
        which, _, name = best.partition(":")
        values = [value for row in rows if (value := getattr(row, name)) is not None]
        if len(values) < 2:
            continue
        wanted = max(values) if which == "max" else min(values)
        if values.count(wanted) == 1:
            row = next(row for row in rows if getattr(row, name) == wanted)
            if row not in found.values():
                found[best] = row
    return found


@family(
    "dialogue",
    (
        "[Please |]look at the open deals of {whose}. What happens to which I decide then: ask me for the next step,"
        " and again after each.",
        "Have a look at the open deals of {whose}, then ask me what to do with them, one thing at a time.",
        "I want to act on the open deals of {whose}. Look them up first. I will say what comes next whenever you ask.",
        "Get yourself a view of the open deals of {whose}. I point out one after the other if you ask me what is next.",
        "See which open deals there are of {whose}, and come to me for what to do; there may be more than one thing.",
        "The open deals of {whose}: find them, then ask me for the next step until I have no more.",
        "First list the open deals of {whose} for yourself. Then get your instructions from me by asking what is next.",
        "Look into the open deals of {whose}. By and by I tell you which of them change; just ask.",
    ),
)
def find_then_decide(scene: Scene) -> Draft:
    """Deals to be looked up; the user then picks some by what the CRM shows of them."""
    where, whose, lookups, deals = _scope(scene)
    extremes = _extremes([row for row in deals if is_open(row)])
    if not extremes:
        raise Unsuitable
    steps = []
    for best in some(scene, tuple(extremes), scene.count(1, 4)):
        row = extremes[best]
        values = values_for(scene, "Opportunity", some(scene, ("stage", "probability"), scene.rng.randint(1, 2)), row)
        call = modify(row, values)
        query = described("Opportunity", where | {"stage": {"any": list(OPEN_STAGES)}}, best)
        steps.append(
            Step(
                says=say(scene, _PICKS, best=_BEST[best], change=scene.updates(values)),
                path=[call],
                calls=[call],
                achieve=[Achieve("Opportunity", row[0], values)],
                until=[stands(row, **values)],
                selections=[query],
            )
        )
    return told_in_steps(scene, scene.say(whose=whose), steps, opening=lookups)


def _scope(scene: Scene) -> tuple[dict[str, Any], str, list[ToolCall], tuple[Row, ...]]:
    """Some deals: as a condition, in words, the look-ups that show them, and themselves."""
    if scene.chance(0.5):
        owner = scene.owner()
        find = ToolCall("opportunity_search", {"owner": owner, "limit": 100})
        deals = scene.template.deals_of_owner[owner]
        if len(deals) > 100:
            raise Unsuitable
        return {"owner": owner}, owner, [find], deals
    row = scene.pick("Opportunity", lambda each: scene.is_named("Client", scene.get("Client", each.client_id)))
    client = scene.get("Client", row.client_id)
    find = ToolCall("opportunity_search", {"client_id": client[0], "limit": 100})
    deals = scene.children("Opportunity", "client_id", client[0])[:100]
    return {"client_id": client[0]}, f"the {called(client)}", [scene.look_up(client), find], deals
