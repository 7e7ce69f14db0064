"""Workflows on pipelines: many deals of one colleague, copies of a deal, a list of changes from a meeting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import Answer, described, label
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.workflows_parts import (
    OPEN,
    changed,
    day_before,
    falling_before,
    is_open,
    items,
    modify,
    part,
    rest_of,
    run_by,
)
from crm_gym.tasks.family import family
from crm_gym.tasks.plan import new
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.worlds_deals import PROBABILITY
from crm_gym.tools import ToolCall


def _is_overdue(scene: Scene, deal: Row) -> bool:
    return is_open(deal) and deal.close_date is not None and deal.close_date < scene.today


def _overdue(scene: Scene, low: int, high: int, base: int) -> tuple[str, list[Row]]:
    """A colleague with about so many open deals whose close date has passed, and those deals."""
    wanted = items(scene, low, high, 1, base)
    owners = scene.rng.sample(scene.template.owners, min(8, len(scene.template.owners)))
    found = [(owner, [deal for deal in _deals(scene, owner) if _is_overdue(scene, deal)]) for owner in owners]
    enough = [pair for pair in found if low <= len(pair[1]) <= high]
    if not enough:
        raise Unsuitable
    return min(enough, key=lambda pair: abs(len(pair[1]) - wanted))


def _deals(scene: Scene, owner: str) -> tuple[Row, ...]:
    return scene.template.deals_of_owner[owner]


def _new_terms(scene: Scene) -> dict[str, Any]:
    """A later close date, and often a stage, a probability or both."""
    terms: dict[str, Any] = {"close_date": scene.day(5, 240)}
    stage = scene.one(OPEN)
    if scene.chance(0.6):
        terms["stage"] = stage
    if scene.chance(0.5):
        terms["probability"] = vocab.percent(scene.rng, scene.pool, *PROBABILITY[stage])
    names = list(terms)
    scene.rng.shuffle(names)
    return {name: terms[name] for name in names}


def _requalified(scene: Scene, owner: str, deals: list[Row], terms: dict[str, Any], request: str) -> Draft:
    overdue = {"owner": owner, "stage": {"any": OPEN}, "close_date": {"max": day_before(scene.today)}}
    return Draft(
        request=request,
        lookups=[run_by(owner)],
        calls=[modify("Opportunity", deal[0], changed(deal, terms)) for deal in deals],
        achieve=[Achieve("Opportunity", deal[0], terms) for deal in deals],
        preserve=rest_of(scene.template.deals_of_owner[owner], deals, 40),
        selections=[described("Opportunity", overdue)],
    )


@family(
    "workflow",
    (
        "[Please ]requalify the pipeline of {owner}: for every open deal of theirs with a close date before"
        " {today:date}, set {updates}. [Leave all other deals alone|All other deals stay as they are].",
        "{owner} has open deals that should have closed before {today:date}. Set {updates} on each of them, and touch"
        " nobody else's[ deals].",
        "For each open deal that {owner} owns and whose close date lies before {today:date}, [please ]set {updates}."
        " Deals without a close date are not meant.",
        "Stale pipeline of {owner}: wherever an open deal shows a close date earlier than {today:date}, move {updates}."
        " Nothing else changes.",
        "[Could you ]go through the open deals of {owner} and, where the close date is before {today:date}, set"
        " {updates}? The rest of the pipeline stays as it is.",
        "Open deals of {owner} due before {today:date}: set {updates}, each one. [Closed deals stay|Leave closed deals]"
        " untouched.",
        "Today is {today:date}, and some of the open deals of {owner} are past their close date. On all of those, and"
        " only those, [please ]set {updates}.",
        "All open deals with {owner} as owner and a close date that was before {today:date} have to be requalified:"
        " {updates}, the same for each. Later ones stay put.",
    ),
)
def requalify_pipeline(scene: Scene) -> Draft:
    """New terms for every open deal of a colleague whose close date has passed."""
    owner, deals = _overdue(scene, 2, 8, 1)
    terms = _new_terms(scene)
    request = scene.say(owner=owner, today=scene.today, updates=scene.updates(terms))
    return _requalified(scene, owner, deals, terms, request)


@family(
    "workflow",
    (
        "[Please ]set {updates} on every open deal of {owner} whose close date was before {today:date}, then tell me"
        " which deals those were.",
        "Which open deals of {owner} have a close date before {today:date}? Set {updates} on each of them[ first], then"
        " answer with the list.",
        "Clean-up for {owner}: open deals with a close date earlier than {today:date} get this: set {updates}. Report"
        " back the deals you changed.",
        "I want {updates} set on all open deals that {owner} owns and that were due before {today:date}. Afterwards"
        " list the ones concerned.",
        "The open deals of {owner} that slipped (close date before {today:date}) need an update: set {updates}. When"
        " done, name all of them.",
        "[Could you ]find the open deals of {owner} with a close date before {today:date}, set {updates} on each, and"
        " give me the list of them?",
        "Set {updates} for {owner}, on each open deal with a close date before {today:date} and on no other; I need to"
        " know which deals you touched.",
        "Two things about {owner}: every open deal due before {today:date} should be changed, {updates}; and I would"
        " like to have the list of those deals.",
    ),
)
def requalify_and_report(scene: Scene) -> Draft:
    """The same, with a report of the deals concerned."""
    owner, deals = _overdue(scene, 2, 8, 2)
    terms = _new_terms(scene)
    request = scene.say(owner=owner, today=scene.today, updates=scene.updates(terms))
    draft = _requalified(scene, owner, deals, terms, request)
    ids = [deal[0] for deal in deals]
    named = {(label(deal) or "").casefold(): deal[0] for deal in deals if scene.is_named("Opportunity", deal)}
    draft.answer = Answer("records", ids, named | {record: record for record in ids}, "opportunity_id", tuple(ids))
    return draft


@family(
    "workflow",
    (
        "[Please ]give up on the open deals of {owner} with a close date before {day:date}: set each to Closed-Lost and"
        " add a note to the deal saying {content:quoted}.",
        "Every open deal that {owner} owns and that was to close before {day:date} is Closed-Lost now. Each such deal"
        " gets a note, {content:quoted}. Nobody else's deals change.",
        "Close out {owner}: any open deal with a close date earlier than {day:date} becomes Closed-Lost, with"
        " {content:quoted} as a note on the deal.",
        "We write off what {owner} still has open with a close date before {day:date}. Stage Closed-Lost, and on each"
        " deal the note {content:quoted}.",
        "For {owner}: each open deal with a close date before {day:date} goes to Closed-Lost, and a note on that deal"
        " reads {content:quoted}. [Later deals stay open.|Deals due later stay open.]",
        "[Could you ]mark as Closed-Lost whatever {owner} has open with a close date before {day:date}, and leave"
        " {content:quoted} as a note on every deal you close?",
        "Old business of {owner}, namely open deals due to close before {day:date}: stage to Closed-Lost, note on each"
        " deal: {content:quoted}. [Don't touch|Leave alone] the others.",
        "Those open deals of {owner} whose close date is before {day:date} must be closed as Closed-Lost; write"
        " {content:quoted} on every single deal as a note.",
    ),
)
def close_lost_deals(scene: Scene) -> Draft:
    """Every open deal of a colleague due before a day is lost, with the same note on each."""
    owner = scene.owner()
    rows = scene.template.deals_of_owner[owner]
    day, deals = falling_before(scene, [deal for deal in rows if is_open(deal)], "close_date", items(scene, 1, 5, 2, 1))
    content = vocab.note(scene.rng, scene.pool, "poor")
    draft = Draft(
        request=scene.say(owner=owner, day=day, content=content),
        lookups=[run_by(owner)],
        preserve=rest_of(rows, deals, 40),
        selections=[
            described("Opportunity", {"owner": owner, "stage": {"any": OPEN}, "close_date": {"max": day_before(day)}})
        ],
    )
    for deal in deals:
        note = {"entity_type": "Opportunity", "entity_id": deal[0], "content": content}
        draft.calls += [modify("Opportunity", deal[0], {"stage": "Closed-Lost"}), ToolCall("add_note", note)]
        draft.achieve += [Achieve("Opportunity", deal[0], {"stage": "Closed-Lost"}), Achieve("Note", None, note)]
    return draft


_COPIES = (
    "one where you set {updates}",
    "on one copy set {updates}",
    "a copy for which you set {updates}",
    "one clone, and on it set {updates}",
)


@family(
    "workflow",
    (
        "[Please ]clone the deal {name} and change only this on the copies: {copies}.",
        "I need copies of the deal {name}: {copies}. Everything else stays as in the original.",
        "Take the deal {name} as a template. Clones wanted: {copies}.",
        "From the deal {name}, [please ]derive the following by cloning: {copies}. Don't touch the original.",
        "[Could you ]duplicate the deal {name} like this: {copies}? All other fields are as they were.",
        "Clone {name} (the deal): {copies}. The original deal is left as it is.",
        "The deal {name} comes again, so make clones of it: {copies}.",
        "A repeat of the deal {name}, done by cloning it and then adjusting what I name: {copies}.",
    ),
)
def clone_and_adjust(scene: Scene) -> Draft:
    """Copies of an open deal, each with something changed."""
    deal = scene.named("Opportunity", is_open)
    draft = Draft(request="", lookups=[scene.look_up(deal)])
    said = []
    for number in range(items(scene, 1, 4, 2, 1)):
        terms = _adjusted(scene, deal)
        said.append(part(scene, _COPIES, updates=scene.updates(terms)))
        draft.calls.append(ToolCall("clone_opportunity", {"opportunity_id": deal[0]}))
        draft.calls.append(modify("Opportunity", new(number), terms))
        draft.achieve.append(Achieve("Opportunity", None, terms))
    draft.request = scene.say(name=deal.name, copies="; ".join(said))
    return draft


def _adjusted(scene: Scene, deal: Row) -> dict[str, Any]:
    """What a copy has otherwise: a name, and often an amount, a close date or an owner."""
    terms: dict[str, Any] = {"name": vocab.deal_name(scene.rng, scene.pool)}
    if scene.chance(0.6):
        terms["amount"] = scene.amount(deal.amount)
    if scene.chance(0.5):
        terms["close_date"] = scene.fresh(lambda: scene.day(5, 300), lambda day: day == deal.close_date)
    if scene.chance(0.3):
        terms["owner"] = scene.owner(deal.owner)
    return terms


@family(
    "workflow",
    (
        "[Please ]enter what came out of the pipeline meeting: {changes}.",
        "Results of our pipeline review, deal by deal: {changes}. [No other deal changes.|Nothing else changes.]",
        "We went through some deals this morning. To be entered: {changes}.",
        "Minutes of the forecast call, to be put into the CRM: {changes}.",
        "[Could you ]update these deals for me: {changes}?",
        "Deal updates: {changes}.",
        "The following deals need changes, and only these fields: {changes}.",
        "From the forecast round, one deal after the other: {changes}.",
    ),
)
def pipeline_review(scene: Scene) -> Draft:
    """A list of deals, each with its own changes."""
    deals = _different(scene, items(scene, 2, 7, 2, 0))
    draft = Draft(request="")
    said = []
    for deal in deals:
        terms = _moved_on(scene, deal)
        said.append(part(scene, _ITEMS, name=deal.name, updates=scene.updates(terms)))
        draft.lookups.append(scene.look_up(deal))
        draft.calls.append(modify("Opportunity", deal[0], terms))
        draft.achieve.append(Achieve("Opportunity", deal[0], terms))
    draft.request = scene.say(changes="; ".join(said))
    return draft


_ITEMS = (
    "{name}: set {updates}",
    "for {name}, set {updates}",
    "on {name} set {updates}",
    "as to {name}, change {updates}",
)


def _different(scene: Scene, count: int) -> list[Row]:
    """So many open deals, each with a name of its own."""
    deals: dict[str, Row] = {}
    for _ in range(3 * count):
        if len(deals) < count:
            deal = scene.named("Opportunity", is_open)
            deals[deal[0]] = deal
    return list(deals.values())


def _moved_on(scene: Scene, deal: Row) -> dict[str, Any]:
    """One to three new values for an open deal."""
    makers: dict[str, Callable[[], Any]] = {
        "stage": lambda: scene.one(scene.members("Opportunity", "stage"), deal.stage),
        "amount": lambda: scene.amount(deal.amount),
        "probability": lambda: scene.percent(deal.probability),
        "close_date": lambda: scene.fresh(lambda: scene.day(3, 300), lambda day: day == deal.close_date),
        "owner": lambda: scene.owner(deal.owner),
    }
    names = scene.rng.sample(list(makers), scene.rng.randint(1, 3))
    return {name: makers[name]() for name in names}
