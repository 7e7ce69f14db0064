"""Tasks that change deals."""

from __future__ import annotations

from typing import Any

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.deals import is_open, new_name
from crm_gym.tasks.families.referring import Referred, a_deal, named_client, named_deal
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene
from crm_gym.tools import ToolCall


def _modified(scene: Scene, deal: Referred, updates: dict[str, Any], request: str) -> Draft:
    record = deal.row[0]
    return Draft(
        request=request,
        lookups=deal.lookups,
        calls=[ToolCall("modify_opportunity", {"id": record, "updates": updates})],
        achieve=[Achieve("Opportunity", record, updates)],
        selections=deal.selections,
    )


def _changes(scene: Scene, row: Row, low: int, high: int) -> dict[str, Any]:
    """New values for some fields of a deal, none of them as it stands."""
    values: dict[str, Any] = {"owner": scene.owner(row.owner), "notes": vocab.note(scene.rng, scene.pool)}
    if is_open(row):
        values["stage"] = scene.one(scene.members("Opportunity", "stage"), row.stage)
        values["amount"] = scene.amount(row.amount)
        values["probability"] = scene.percent(row.probability)
        values["close_date"] = scene.fresh(
            lambda: vocab.day_after(scene.rng, scene.pool, scene.today, 240), lambda day: day == row.close_date
        )
    names = scene.rng.sample(list(values), min(len(values), scene.count(low, high)))
    return {name: values[name] for name in names}


@family(
    "single",
    (
        "[Please |]set {changes} [on|for] {deal}.",
        "For {deal}, [change|update] {changes}[, nothing else|].",
        "[Could you|Can you|Would you] change {changes} on {deal}?",
        "An edit to {deal}: {changes}, and all the rest stays as it is.",
        "Take {deal} and [switch|change|update] {changes}.",
        "There is an update on {deal}: [please |]set {changes}.",
        "I need {deal} corrected. [Change|Set] {changes}.",
        "Would you amend {deal}, setting {changes}?",
        "Look up {deal} and set {changes} there.",
    ),
    tool="modify_opportunity",
)
def modify_opportunity(scene: Scene) -> Draft:
    """Some fields of a deal, one to four, to new values."""
    deal = a_deal(scene, is_open if scene.chance(0.8) else None)
    updates = _changes(scene, deal.row, 1, 4)
    return _modified(scene, deal, updates, scene.say(deal=deal.words, changes=scene.updates(updates)))


@family(
    "single",
    (
        "[Please |]close {deal} as {stage} and put {reason:quoted} [in|into] the notes.",
        "We can close {deal}: the stage is {stage}, and the notes should read {reason:quoted}.",
        "It is decided for {deal}. Set the stage to {stage} and the notes to {reason:quoted}.",
        "Mark {deal} {stage}; as the reason enter {reason:quoted} in its notes field.",
        "[Could you|Can you] move {deal} to {stage}, with {reason:quoted} as the new notes?",
        "{stage} is the outcome of {deal}. [Record that|Enter it], and replace the notes with {reason:quoted}.",
        "Stage of {deal} to {stage}, notes to {reason:quoted}.",
        "That was it for {deal}: take it to {stage} and let its notes say {reason:quoted}.",
    ),
    tool="modify_opportunity",
)
def modify_opportunity_close(scene: Scene) -> Draft:
    """An open deal closed, with the reason in its notes."""
    deal = a_deal(scene, is_open)
    stage, reason = scene.one(sorted(CLOSED_STAGES)), vocab.note(scene.rng, scene.pool)
    request = scene.say(deal=deal.words, stage=stage, reason=reason)
    return _modified(scene, deal, {"stage": stage, "notes": reason}, request)


@family(
    "single",
    (
        "[Please |]move {deal} to {stage} with a probability of {chance:percent}.",
        "News on {deal}: it is in {stage} now, and the probability is {chance:percent}.",
        "[Could you|Can you] put {deal} into {stage} and set its probability to {chance:percent}?",
        "With the probability at {chance:percent}, {deal} should be moved to the stage {stage}.",
        "We re-rated {deal}. Stage {stage}, probability {chance:percent}.",
        "The probability of {deal} is {chance:percent} [now|from now on], and its stage is {stage}; "
        "[update the deal|enter both].",
        "Update {deal}: [stage {stage}, probability {chance:percent}|probability {chance:percent}, stage {stage}].",
        "Let {deal} stand at {stage}, with {chance:percent} as its probability.",
    ),
    tool="modify_opportunity",
)
def modify_opportunity_two_fields(scene: Scene) -> Draft:
    """Stage and probability of an open deal together."""
    deal = a_deal(scene, is_open)
    stage = scene.one(("Prospecting", "Qualification", "Proposal", "Negotiation"), deal.row.stage)
    updates = {"stage": stage, "probability": scene.percent(deal.row.probability)}
    return _modified(scene, deal, updates, scene.say(deal=deal.words, stage=stage, chance=updates["probability"]))


@family(
    "single",
    (
        "[Please |]re-plan {deal}: it will close on {day:date} and be worth {amount:money}.",
        "[The customer of|Our contact for] {deal} wants to sign on {day:date} for {amount:money}. [Set|Update] the "
        "close date and the amount.",
        "[Could you|Can you] change the close date of {deal} to {day:date} and its amount to {amount:money}?",
        "The terms of {deal} are {amount:money} with a close date of {day:date}; please make the record say so.",
        "New terms for {deal}: amount {amount:money}, close date {day:date}.",
        "Schedule {deal} anew, with a close date of {day:date} and an amount of {amount:money}.",
        "{amount:money} and {day:date} are the new amount and close date of {deal}. [Enter both|Please update it].",
        "Forecast change: {deal} now has {day:date} as its close date and {amount:money} as its amount.",
    ),
    tool="modify_opportunity",
)
def modify_opportunity_terms(scene: Scene) -> Draft:
    """Close date and amount of an open deal together."""
    deal = a_deal(scene, is_open)
    day = scene.fresh(
        lambda: vocab.day_after(scene.rng, scene.pool, scene.today, 300), lambda day: day == deal.row.close_date
    )
    updates = {"close_date": day, "amount": scene.amount(deal.row.amount)}
    return _modified(scene, deal, updates, scene.say(deal=deal.words, day=day, amount=updates["amount"]))


@family(
    "single",
    (
        "[Please |]rename {deal}: it should be called {name:quoted}.",
        "The name of {deal} is wrong, it should read {name:quoted}[, nothing else changes|].",
        "[Could you|Can you] change the name of {deal} to {name:quoted}?",
        "From now on {deal} goes by the name {name:quoted}; please put that right.",
        "Give {deal} the new name {name:quoted}.",
        "We renamed a project: {deal} is now {name:quoted}. [Change its name|Update the name].",
        "New name for {deal}: {name:quoted}.",
        "Let {name:quoted} be the name of {deal} in future.",
    ),
    tool="modify_opportunity",
)
def modify_opportunity_rename(scene: Scene) -> Draft:
    """A deal, open or closed, under a new name."""
    deal, name = a_deal(scene), new_name(scene)
    return _modified(scene, deal, {"name": name}, scene.say(deal=deal.words, name=name))


@family(
    "single",
    (
        "[Please |]move {deal} to another client: it belongs to {client}.",
        "We booked {deal} on the wrong client. It should be with {client}.",
        "[Could you|Can you] re-assign {deal} to {client}, who is the real buyer?",
        "Whoever entered {deal} took the wrong client; {client} is the right one, so please link it there.",
        "The buyer of {deal} turns out to be {client}. [Change the client of the deal|Move the deal there].",
        "Transfer {deal} to {client}, all else unchanged.",
        "Client of {deal}: should be {client}. [Fix that|Correct it].",
        "Put {deal} under {client}, as that is the client who buys.",
    ),
    tool="modify_opportunity",
    held_out=True,
)
def modify_opportunity_client(scene: Scene) -> Draft:
    """An open deal moved to another client."""
    deal = named_deal(scene, is_open)
    client = named_client(scene, lambda row: row[0] != deal.row.client_id)
    both = Referred(deal.row, deal.words, [*deal.lookups, *client.lookups])
    return _modified(scene, both, {"client_id": client.row[0]}, scene.say(deal=deal.words, client=client.words))
