"""Questions about deals that their details or a summary answer."""

from __future__ import annotations

from collections.abc import Callable

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks.answer import Answer
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.answering import asked, of_count, of_mapping, of_sum, of_value, of_values
from crm_gym.tasks.families.deal_sets import deal_set, deals_of_client
from crm_gym.tasks.families.referring import a_deal
from crm_gym.tasks.family import family
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_FEWEST = 4  # a count below could be guessed


def _quotes(scene: Scene, deal: Row) -> tuple[Row, ...]:
    return scene.children("Quote", "opportunity_id", deal[0])


def _contracts(scene: Scene, deal: Row) -> tuple[Row, ...]:
    return scene.children("Contract", "opportunity_id", deal[0])


def _documents(scene: Scene, deal: Row) -> tuple[Row, ...]:
    return scene.children("Document", "entity_id", deal[0])


def _notes(scene: Scene, deal: Row) -> tuple[Row, ...]:
    return scene.children("Note", "entity_id", deal[0])


def _client(scene: Scene, deal: Row) -> tuple[Row, ...]:
    return (scene.get("Client", deal.client_id),)


def _itself(scene: Scene, deal: Row) -> tuple[Row, ...]:
    return (deal,)


Part = tuple[Callable[[Scene, Row], tuple[Row, ...]], str, bool, tuple[str, ...]]
"""Rows that the details of a deal show, a field of theirs, whether there may be several, and what to call it."""

_SINGLE: tuple[Part, ...] = (
    (_client, "email", False, ("the client's e-mail address for {deal}", "the e-mail of the client behind {deal}")),
    (_client, "phone", False, ("the phone number of the client behind {deal}", "the client's phone number for {deal}")),
    (_client, "address", False, ("the postal address of the client behind {deal}", "the client's address for {deal}")),
    (
        _notes,
        "content",
        False,
        ("the text of the one note written on {deal}", "the wording of the only note on {deal}"),
    ),
    (
        _contracts,
        "end_date",
        False,
        ("the end date of the contract on {deal}", "the last day of the contract on {deal}"),
    ),
    (
        _contracts,
        "start_date",
        False,
        ("the start date of the contract on {deal}", "the first day of the contract on {deal}"),
    ),
    (_quotes, "valid_until", False, ("the day until which the only quote for {deal} is valid",) * 2),
    (_quotes, "amount", False, ("the amount of the only quote for {deal}", "what the one quote for {deal} comes to")),
    (_itself, "close_date", False, ("the close date of {deal}", "the close date noted for {deal}")),
    (_itself, "probability", False, ("the probability of {deal}", "the win probability of {deal}")),
)
_SEVERAL: tuple[Part, ...] = (
    (_quotes, "amount", True, ("the amounts of all quotes for {deal}", "what each of the quotes for {deal} comes to")),
    (_quotes, "valid_until", True, ("the valid-until dates of all quotes for {deal}",) * 2),
    (_documents, "file_name", True, ("the names of the files attached to {deal}", "the file names filed with {deal}")),
    (_notes, "content", True, ("the texts of the notes on {deal}", "the wording of every note written on {deal}")),
)


def _details(scene: Scene, tool: str, parts: tuple[Part, ...]) -> Draft:
    """What the details of a deal show of it or of what hangs on it."""
    rows_of, field, several, words = scene.rng.choice(parts)
    deal = a_deal(scene, lambda row: _shows(rows_of(scene, row), field, several))
    rows = rows_of(scene, deal.row)
    forms = (words[0], words[1], words[0], words[1])
    what = fragment(scene.rng, forms, {"deal": deal.words}, held_out=scene.held_out)
    answer: Answer = of_values(rows, field) if several else of_value(rows[0], field)
    lookups = [*deal.lookups, ToolCall(tool, {"opportunity_id": deal.row[0]})]
    return asked(scene.say(what=what), lookups, answer)


def _shows(rows: tuple[Row, ...], field: str, several: bool) -> bool:
    enough = 1 <= len(rows) <= 20 if several else len(rows) == 1
    return enough and all(getattr(row, field) is not None for row in rows)


@family(
    "single",
    (
        "[Please |]open the details and tell me {what}.",
        "I need {what}[, from the details of the deal|].",
        "[Could you|Can you] [look up|find out] {what}?",
        "The details should show {what}: please report it.",
        "[Tell me|Let me know] {what}[, please|].",
        "For a call I have to know {what}.",
        "[Check|View] the deal's details and give me {what}.",
        "Would you read out {what}?",
        "Do we have {what}? [I need it.|Please send it to me.]",
    ),
    tool="view_opportunity_details",
)
def view_opportunity_details(scene: Scene) -> Draft:
    """What hangs on a deal: quotes, contracts, documents, notes, the client."""
    return _details(scene, "view_opportunity_details", _SEVERAL * 2 + _SINGLE)


@family(
    "single",
    (
        "[Please |]give me {what}.",
        "[Quick question|One question]: I am looking for {what}.",
        "[Could you|Can you] send me {what}?",
        "In preparation for a meeting, kindly state {what}.",
        "[Get|Fetch] me {what}[, please|].",
        "A colleague wants to know {what}. [What should I say?|Please look it up.]",
        "[Find|Look up] {what}[ for me|].",
        "My report still lacks {what}.",
        "Our records should tell us {what}. [What do they say?|Please read it out.]",
    ),
    tool="opportunity_details",
)
def opportunity_details(scene: Scene) -> Draft:
    """A value that the details of a deal show."""
    return _details(scene, "opportunity_details", _SINGLE * 2 + _SEVERAL)


@family(
    "single",
    (
        "[Please |]sum up the deals {which}: [I need|give me] {what}.",
        "[What is {what}, taking all deals {which}?|Tell me {what}, taking all deals {which}.]",
        "[Could you|Can you] work out {what} for the deals {which}?",
        "For the deals {which}, state {what}.",
        "Looking at all deals {which}, I want {what}.",
        "[Management asks|I was asked] for {what} of the deals {which}.",
        "I need one figure: {what}, over all deals {which}.",
        "Kindly compute {what} across every deal {which}.",
        "Take all deals {which} together and report {what}.",
    ),
    tool="summarize_opportunities",
)
def summarize_opportunities(scene: Scene) -> Draft:
    """How much the deals of an owner or a client are worth together, or how many they are."""
    deals = deal_set(scene, stage=scene.chance(0.5))
    counting = scene.chance(0.3)
    if len(deals.rows) < (_FEWEST if counting else 2):
        raise Unsuitable
    what = scene.one(("the count", "the exact count") if counting else _TOTALS)
    lookups = [*deals.lookups, ToolCall("summarize_opportunities", deals.criteria)]
    answer = of_count(deals.rows) if counting else of_sum(deals.rows, "amount")
    return asked(scene.say(which=deals.words, what=what), lookups, answer)


_TOTALS = ("the total amount", "the sum of the amounts", "the total value", "the combined amount")


@family(
    "single",
    (
        "[Please |]break down the deals {which} by stage: {what} for each stage[ that occurs|].",
        "I need {what} by stage, for the deals {which}.",
        "[Could you|Can you] give me {what} per stage of the deals {which}?",
        "Stage by stage, {what} of the deals {which}: I would like to see that.",
        "How do the deals {which} spread over the stages? Give {what} for each.",
        "For every stage in which there are deals {which}, tell me {what}.",
        "By stage, [please|]: {what} of the deals {which}.",
        "Group the deals {which} by their stage and show {what} of every group.",
    ),
    tool="summarize_opportunities",
)
def summarize_by_stage(scene: Scene) -> Draft:
    """What the deals of an owner or a client come to by stage, all of them or the open ones."""
    deals = deal_set(scene)
    going = scene.chance(0.4)
    rows = [row for row in deals.rows if not (going and row.stage in CLOSED_STAGES)]
    if len({row.stage for row in rows}) < 2:
        raise Unsuitable
    counting = scene.chance(0.3)
    what = "the count" if counting else scene.one(("the total amount", "the sum of the amounts"))
    which = f"{deals.words} (leaving out Closed-Won and Closed-Lost)" if going else deals.words
    lookups = [*deals.lookups, ToolCall("summarize_opportunities", deals.criteria)]
    return asked(scene.say(which=which, what=what), lookups, of_mapping(rows, "stage", None if counting else "amount"))


@family(
    "single",
    (
        "[Please |]tell me {what} for each owner, looking at the deals {which}.",
        "Several colleagues own deals {which}. [I need|Give me] {what} by owner.",
        "[Could you|Can you] split the deals {which} by owner and give me {what} for each?",
        "Owner by owner, {what} of the deals {which}: please find that out.",
        "Who owns how much of the deals {which}? [I want|Show] {what} per owner.",
        "By owner, {what} of the deals {which}[, please|].",
        "For every owner of deals {which}, state {what}.",
        "Group the deals {which} by their owner and show {what} of every group.",
    ),
    tool="summarize_opportunities",
)
def summarize_by_owner(scene: Scene) -> Draft:
    """What the deals with a client come to by owner."""
    deals = deals_of_client(
        scene,
        stage=scene.chance(0.1),
        one=lambda row: row.owner is not None and row.owner != scene.get("Client", row.client_id).owner,
    )
    if len({row.owner for row in deals.rows}) < 2 or any(row.owner is None for row in deals.rows):
        raise Unsuitable
    what = scene.one(("the total amount", "the sum of the amounts", "the combined amount"))
    lookups = [*deals.lookups, ToolCall("summarize_opportunities", deals.criteria)]
    return asked(scene.say(which=deals.words, what=what), lookups, of_mapping(deals.rows, "owner", "amount"))
