"""Tasks that make, copy and remove deals."""

from __future__ import annotations

from typing import Any

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.referring import a_client, a_deal
from crm_gym.tasks.family import family
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.scene import Scene
from crm_gym.tools import ToolCall

_WITH = (", with {more}", ", including {more}", ", plus {more}", "; it also has {more}")


def is_open(row: Row) -> bool:
    """Whether a deal is still going on."""
    return row.stage not in CLOSED_STAGES


def new_name(scene: Scene) -> str:
    """A name that no deal has."""
    taken = scene.template.label_count["Opportunity"]
    name = scene.fresh(lambda: vocab.deal_name(scene.rng, scene.pool), lambda name: name.casefold() in taken)
    return str(name)


def _optional(scene: Scene, stage: str) -> dict[str, Any]:
    """Some of the optional fields of a new deal, in any order; a closed one gets no close date."""
    values: dict[str, Any] = {"owner": scene.owner(), "probability": scene.percent()}
    values["notes"] = vocab.note(scene.rng, scene.pool)
    if stage not in CLOSED_STAGES:
        values["close_date"] = vocab.day_after(scene.rng, scene.pool, scene.today, 240)
    return {name: values[name] for name in scene.rng.sample(list(values), scene.count(0, 3))}


@family(
    "single",
    (
        "[Please |]create a new deal {name:quoted} for {client}: amount {amount:money}, stage {stage}{more}.",
        "We have a new deal with {client}. [Call it|Its name is] {name:quoted}, [the amount is|worth] {amount:money}, "
        "[in stage|and the stage is] {stage}{more}.",
        "[Could you|Can you] open a deal for {client} [named|called] {name:quoted}, worth {amount:money}, "
        "in {stage}{more}?",
        "A deal named {name:quoted} should be entered for {client}; it is at {stage} with an amount of "
        "{amount:money}{more}.",
        "New deal, {client}: {name:quoted}, {amount:money}, {stage}{more}.",
        "Add {name:quoted} to the [pipeline|deals] of {client}, at {amount:money} and in {stage}{more}.",
        "I need {name:quoted} set up as a deal of {client}. [Stage|It is in] {stage}, amount {amount:money}{more}.",
        "Kindly register for {client} the deal {name:quoted} over {amount:money}, with the stage {stage}{more}.",
        "Log a deal in {stage} for {client}: it is called {name:quoted} and [worth|comes to] {amount:money}{more}.",
    ),
    tool="create_new_opportunity",
)
def create_new_opportunity(scene: Scene) -> Draft:
    """A new deal for a standing client, with some of the optional fields."""
    client = a_client(scene)
    stage = scene.one(scene.members("Opportunity", "stage"))
    values = {"name": new_name(scene), "amount": scene.amount(), "stage": stage}
    more = _optional(scene, stage)
    request = scene.say(
        client=client.words,
        name=values["name"],
        amount=values["amount"],
        stage=stage,
        more=fragment(scene.rng, _WITH, {"more": scene.details(more)}, held_out=scene.held_out) if more else "",
    )
    made = {**values, "client_id": client.row[0], **more}
    return Draft(
        request=request,
        lookups=client.lookups,
        calls=[ToolCall("create_new_opportunity", made)],
        achieve=[Achieve("Opportunity", None, made)],
        selections=client.selections,
    )


@family(
    "single",
    (
        "[Please |]clone {deal}.",
        "Make [an exact|one] copy of {deal}.",
        "[Could you|Can you] duplicate {deal} for me?",
        "A second record just like {deal} is needed; leave the original alone.",
        "I need {deal} a second time, [exactly as it is|with all fields alike].",
        "We need a [copy|clone|duplicate] of {deal}[, the same in every field|].",
        "Copy {deal}[ as it stands|, unchanged|, once].",
        "Let us have {deal} twice: one clone of it, please.",
        "[There should be|I would like] an identical copy of {deal} in the CRM.",
        "Take {deal} as a [template|model] and clone it[, without any change|].",
    ),
    tool="clone_opportunity",
)
def clone_opportunity(scene: Scene) -> Draft:
    """An exact copy of a deal."""
    deal = a_deal(scene)
    return Draft(
        request=scene.say(deal=deal.words),
        lookups=deal.lookups,
        calls=[ToolCall("clone_opportunity", {"opportunity_id": deal.row[0]})],
        achieve=[Achieve("Opportunity", None, _copied(deal.row))],
        selections=deal.selections,
    )


def _copied(row: Row) -> dict[str, Any]:
    return {name: value for name, value in row._asdict().items() if name != "opportunity_id"}


@family(
    "single",
    (
        "[Please |]delete {deal} [for good|from the CRM|altogether].",
        "[Could you|Can you] remove {deal} from the CRM[, with all that hangs on it|]?",
        "[It was entered by mistake|That was a test entry], so [delete|remove] {deal}.",
        "Off with {deal}: it should no longer be in the CRM.",
        "Get rid of {deal}[, it was a test|, it was entered twice|, nothing else|].",
        "We no longer need {deal} in the CRM. Delete it[, but no other deal|].",
        "Erase the record of {deal}.",
        "Nobody wants to see {deal} any more; take it out of the CRM.",
    ),
    tool="delete_opportunity",
)
def delete_opportunity(scene: Scene) -> Draft:
    """A deal deleted, with what goes along."""
    deal = a_deal(scene)
    record = deal.row[0]
    kept = scene.children("Contract", "opportunity_id", record)
    return Draft(
        request=scene.say(deal=deal.words),
        lookups=deal.lookups,
        calls=[ToolCall("delete_opportunity", {"opportunity_id": record})],
        achieve=[
            Achieve("Opportunity", record),
            *(Achieve("Contract", contract[0], {"opportunity_id": None}) for contract in kept),
        ],
        selections=deal.selections,
    )
