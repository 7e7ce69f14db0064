"""Questions about deals that a search answers."""

from __future__ import annotations

from crm_gym.tasks.answer import Answer
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.answering import asked, of_count, of_record, of_records, of_value, of_values
from crm_gym.tasks.families.deal_sets import DealSet, deal_set, deals_of_owner, in_stage, narrowed
from crm_gym.tasks.families.deals import is_open
from crm_gym.tasks.families.referring import a_deal
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable

_FEWEST = 4  # a count below could be guessed


@family(
    "single",
    (
        "[Please |][give me|tell me|send me] {what} {which}.",
        "[Could you|Can you] [look up|find|get me] {what} {which}?",
        "I need {what} {which}[, as the CRM has it|].",
        "For the review [I would like|we want] {what} {which}.",
        "[Look up|Find] {what} {which}.",
        "I am [looking for|after] {what} {which}[, please|].",
        "Go into the CRM and bring me {what} {which}[, please|].",
        "Would you report {what} {which}?",
        "[Could I have|Do you have] {what} {which}?",
        "Somebody asked me for {what} {which}. [Can you help?|Please look it up.]",
    ),
    tool="opportunity_search",
)
def opportunity_search(scene: Scene) -> Draft:
    """Which deals of an owner or a client fit a description, how many, or what stands in a field of theirs."""
    deals = deal_set(scene, stage=scene.chance(0.5))
    deals = narrowed(scene, deals, scene.count(0, 2))
    kind = scene.rng.choice(("records", "records", "count", "amount", "close_date", "probability"))
    if kind == "records":
        what = scene.one(("a list of all deals", "all deals", "every deal", "the names of all deals"))
        answer = of_records(scene, "Opportunity", deals.rows)
    elif kind == "count":
        if len(deals.rows) < _FEWEST:
            raise Unsuitable
        what, answer = "the number of deals", of_count(deals.rows)
    else:
        if len(deals.rows) < 2 or any(getattr(row, kind) is None for row in deals.rows):
            raise Unsuitable
        what = {"amount": "the amounts", "close_date": "the close dates", "probability": "the probabilities"}[kind]
        what, answer = f"{what} of all deals", of_values(deals.rows, kind)
    return _asked(scene.say(what=what, which=deals.words), deals, answer)


def _asked(request: str, deals: DealSet, answer: Answer) -> Draft:
    return asked(request, deals.search(), answer)


@family(
    "single",
    (
        "Which open deals {which} are past their close date[ today|]?",
        "[Please |]list the open deals {which} whose close date has [passed|gone by].",
        "[Could you|Can you] find [every open deal|all open deals] {which} with a close date before today?",
        "Open deals {which} that should have closed before today: which are they?",
        "Some open deals {which} are overdue[ by their close date|]. Which ones?",
        "I need [a list of all|the] overdue deals {which}: still open, close date before today.",
        "[Show|Give] me the deals {which} that are neither Closed-Won nor Closed-Lost although the close date lies "
        "[in the past|before today].",
        "What open deals {which} have missed their close date?",
    ),
    tool="opportunity_search",
)
def opportunity_search_overdue(scene: Scene) -> Draft:
    """Which open deals of one owner are past their close date."""
    deals = deals_of_owner(scene)
    if scene.chance(0.4):
        deals = narrowed(scene, deals, 1)
    late = [row for row in deals.rows if is_open(row) and row.close_date is not None and row.close_date < scene.today]
    if not late:
        raise Unsuitable
    return _asked(scene.say(which=deals.words), deals, of_records(scene, "Opportunity", late))


_FIELDS = {
    "amount": ("the amount", "the total amount", "the figure in the amount field"),
    "close_date": ("the close date", "the closing date", "the expected close date"),
    "probability": ("the probability", "the win probability", "the chance of winning"),
    "notes": ("the text of the notes", "the exact text of the notes", "the full text of the notes"),
}


@family(
    "single",
    (
        "[What is {what} of {deal}?|Tell me {what} of {deal}.]",
        "[Please |][look up|check] {what} of {deal}[ and tell me|].",
        "[Could you|Can you] [tell|give] me {what} of {deal}?",
        "I have to know {what} of {deal}.",
        "I need {what} of {deal}[ for my report|, nothing more|].",
        "Find out {what} of {deal}[ for me|].",
        "For {deal}, report {what}.",
        "What does the CRM hold as {what} of {deal}?",
    ),
    tool="opportunity_search",
)
def deal_value_of_field(scene: Scene) -> Draft:
    """What stands in one field of one deal."""
    field = scene.rng.choice(tuple(_FIELDS))
    deal = a_deal(scene, lambda row: getattr(row, field) is not None)
    request = scene.say(what=scene.one(_FIELDS[field]), deal=deal.words)
    return asked(request, deal.lookups, of_value(deal.row, field))


_BEST = {
    ("amount", True): ("highest amount", "largest amount"),
    ("amount", False): ("lowest amount", "smallest amount"),
    ("close_date", True): ("latest close date", "most distant close date"),
    ("close_date", False): ("earliest close date", "oldest close date"),
    ("probability", True): ("highest probability", "greatest probability"),
    ("probability", False): ("lowest probability", "smallest probability"),
}


@family(
    "single",
    (
        "Which of the deals {which} has the {best}?",
        "[Please |]find the deal with the {best} among those {which}.",
        "[Could you|Can you] tell me which deal has the {best}, of all deals {which}?",
        "Of the deals {which}, name the one with the {best}.",
        "I am looking for one deal: the one with the {best} [of|among] all {which}.",
        "Among the deals {which} there is one with the {best}. [Which one is it|Which is it]?",
        "Look at the deals {which} and [name|tell me] the one that has the {best}.",
        "The deal with the {best}, out of all {which}: what is its name?",
    ),
    tool="opportunity_search",
)
def deal_at_the_top(scene: Scene) -> Draft:
    """Which deal of an owner or a client has the highest or lowest of something."""
    deals = deal_set(scene, stage=scene.chance(0.3))
    field, most = scene.rng.choice(tuple(_BEST))
    known = [row for row in deals.rows if getattr(row, field) is not None]
    if len(known) < 3:
        raise Unsuitable
    top = (max if most else min)(getattr(row, field) for row in known)
    best = [row for row in known if getattr(row, field) == top]
    if len(best) > 1:
        raise Unsuitable
    request = scene.say(which=deals.words, best=scene.one(_BEST[field, most]))
    return _asked(request, deals, of_record(scene, "Opportunity", best[0]))


_MISSING = {
    "close_date": ("a close date", "any close date"),
    "probability": ("a probability", "any probability"),
    "notes": ("notes", "any notes"),
}


@family(
    "single",
    (
        "Which deals {which} are there without {missing}?",
        "[Please |]list the deals {which} that never got {missing}.",
        "[Could you|Can you] find all deals {which} that lack {missing}?",
        "Deals {which} to which nobody has given {missing}: which are they?",
        "I am checking our data. Which deals {which} do not have {missing}?",
        "Some deals {which} were saved without {missing}. [List them all.|Which ones?]",
        "Show me every deal {which} that is still without {missing}.",
        "What deals {which} have gaps, that is, come without {missing}?",
    ),
    tool="opportunity_search",
    held_out=True,
)
def opportunity_search_missing(scene: Scene) -> Draft:
    """Which deals of an owner or a client have an empty field."""
    deals = deal_set(scene)
    if scene.chance(0.4):
        deals = in_stage(scene, deals)
    field = scene.rng.choice(tuple(_MISSING))
    gaps = [row for row in deals.rows if getattr(row, field) is None]
    if not gaps or len(gaps) == len(deals.rows):
        raise Unsuitable
    request = scene.say(which=deals.words, missing=scene.one(_MISSING[field]))
    return _asked(request, deals, of_records(scene, "Opportunity", gaps))
