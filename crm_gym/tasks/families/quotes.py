"""Tasks that make, change, cancel and delete quotes."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks import vocab
from crm_gym.tasks.answer import described
from crm_gym.tasks.draft import Achieve, Draft
from crm_gym.tasks.families.pointing import Meant, deal, json_of, quote, told_apart, words
from crm_gym.tasks.family import family
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tasks.worlds_deals import OPEN_STAGES
from crm_gym.tools import ToolCall

_LOW, _HIGH = Decimal("0.8"), Decimal("1.2")


def _offer(scene: Scene, row: Row, taken: tuple[Decimal, ...] = ()) -> Decimal:
    """An amount such as one offers for a deal, other than those taken."""
    low, high = row.amount * _LOW, row.amount * _HIGH
    return Decimal(scene.fresh(lambda: vocab.amount_between(scene.rng, scene.pool, low, high), taken.__contains__))


def _version(scene: Scene, siblings: tuple[Row, ...]) -> str:
    taken = {row.version for row in siblings}
    return str(scene.fresh(lambda: vocab.version(scene.rng, scene.pool), taken.__contains__))


def _optional(scene: Scene, siblings: tuple[Row, ...]) -> dict[str, Any]:
    """Some of the fields a quote may have, with new values."""
    makers: dict[str, Callable[[], str]] = {
        "version": lambda: _version(scene, siblings),
        "valid_until": lambda: scene.day(20, 150),
        "quote_prefix": lambda: vocab.quote_prefix(scene.rng, scene.pool),
    }
    return {name: make() for name, make in makers.items() if scene.chance(0.5)}


def _shuffled(scene: Scene, fields: dict[str, Any]) -> dict[str, Any]:
    names = list(fields)
    scene.rng.shuffle(names)
    return {name: fields[name] for name in names}


def _plain(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as a tool takes them."""
    return {name: json_of(value) for name, value in fields.items()}


def _write(meant: Meant, request: str, call: ToolCall, fields: dict[str, Any]) -> Draft:
    """A draft whose one call changes the quote that is meant; without fields it is deleted."""
    return Draft(
        request=request,
        lookups=list(meant.lookups),
        calls=[call],
        achieve=[Achieve("Quote", meant.row[0], fields)],
        selections=list(meant.selections),
    )


@family(
    "single",
    (
        "[Please |]create a quote for {deal} with {details}.",
        "We need a [new |]quote for {deal}: {details}.",
        "[Could|Can] you set up a quote for {deal}, {details}?",
        "Have a quote made out for {deal}; it should carry {details}.",
        "New quote for {deal}: {details}.",
        "On {deal}, add a quote with {details}[ and nothing more|].",
        "I promised a quote for {deal}; [please |]enter it with {details}.",
        "A fresh quote goes on {deal} today, {details}.",
        "Add this quote to {deal}: {details}.",
        "A quote has to be drawn up for {deal}. It gets {details}.",
        "They want an offer from us for {deal}, so make a quote: {details}.",
        "Would you put a quote with {details} on {deal}?",
    ),
    tool="create_quote",
)
def create_quote(scene: Scene) -> Draft:
    """A quote for a deal, with some of the optional fields."""
    row = scene.pick("Opportunity", lambda row: row.stage in OPEN_STAGES)
    meant = deal(scene, row)
    siblings = scene.children("Quote", "opportunity_id", row[0])
    status = scene.rng.choice(("Draft", "Draft", "Sent", "Sent", "Approved", "Rejected"))
    fields = {"amount": _offer(scene, row), "status": status, **_optional(scene, siblings)}
    new = {"opportunity_id": row[0], **_plain(fields)}
    return Draft(
        request=scene.say(deal=meant.said, details=scene.details(_shuffled(scene, fields))),
        lookups=list(meant.lookups),
        calls=[ToolCall("create_quote", new)],
        achieve=[Achieve("Quote", None, new)],
    )


@family(
    "single",
    (
        "[Please |]update {quote}: change {updates}.",
        "On {quote}, set {updates}[ and leave the rest|].",
        "[Could|Can] you set {updates} on {quote}?",
        "Kindly adjust {quote}, setting {updates}.",
        "Change {updates} on {quote}[, please|].",
        "There is a correction to {quote}: set {updates}.",
        "For {quote}, change {updates}; everything else stays.",
        "It turns out that {quote} is out of date. Change {updates}.",
        "[Please |]revise {quote} by setting {updates}.",
        "I got new figures for {quote}. [Please |]set {updates}.",
        "Set {updates}. This is about {quote}.",
        "A revision is due on {quote}, namely to set {updates}.",
    ),
    tool="modify_quote",
)
def modify_quote(scene: Scene) -> Draft:
    """One to four fields of a quote changed to new values."""
    row = scene.pick("Quote", lambda row: row.status != "Canceled")
    meant = quote(scene, row)
    siblings = scene.children("Quote", "opportunity_id", row.opportunity_id)
    fields = _optional(scene, siblings)
    if scene.chance(0.6):
        fields["amount"] = _offer(scene, scene.get("Opportunity", row.opportunity_id), (row.amount,))
    if scene.chance(0.5) or not fields:
        fields["status"] = scene.one(("Draft", "Sent", "Approved", "Rejected"), row.status)
    if any(getattr(row, name) == value for name, value in fields.items()):
        raise Unsuitable
    fields = _shuffled(scene, fields)
    request = scene.say(quote=meant.said, updates=scene.updates(fields))
    call = ToolCall("modify_quote", {"id": row[0], "updates": _plain(fields)})
    return _write(meant, request, call, _plain(fields))


@family(
    "single",
    (
        "[Please |]cancel {quote}.",
        "They walked away from {quote}, so cancel it[, please|].",
        "[Could|Can] you cancel {quote}[ for me|]?",
        "Let {quote} be canceled; it stays on record.",
        "We are withdrawing {quote}: set it to Canceled.",
        "Cancel {quote}[ but do not delete it|].",
        "Mark {quote} as Canceled[, please|].",
        "Withdraw {quote}, which means cancel and keep it.",
        "I want {quote} canceled, and no other quote.",
        "There will be no business from {quote}. [Please |]cancel it.",
    ),
    tool="cancel_quote",
)
def cancel_quote(scene: Scene) -> Draft:
    """A quote that is canceled."""
    row = scene.pick("Quote", lambda row: row.status != "Canceled")
    meant = quote(scene, row)
    call = ToolCall("cancel_quote", {"quote_id": row[0]})
    return _write(meant, scene.say(quote=meant.said), call, {"status": "Canceled"})


@family(
    "single",
    (
        "[Please |]delete {quote}.",
        "Delete {quote} for good[, please|].",
        "[Could|Can] you remove {quote} from the CRM [altogether|for good]?",
        "Let {quote} disappear from the CRM for good.",
        "We entered {quote} by mistake, so delete it.",
        "Erase {quote}[ completely|]: it should never have been made.",
        "I want {quote} gone from the CRM, not just canceled.",
        "Do away with {quote}: a deletion, no mere cancellation.",
        "Get rid of {quote}; delete the record.",
        "The record of {quote} is to be deleted[ permanently|].",
    ),
    tool="delete_quote",
)
def delete_quote(scene: Scene) -> Draft:
    """A quote that is deleted, with whatever hangs on it."""
    meant = quote(scene, scene.pick("Quote"))
    call = ToolCall("delete_quote", {"quote_id": meant.row[0]})
    return _write(meant, scene.say(quote=meant.said), call, {})


@family(
    "single",
    (
        "[Please |]leave {fields} of {quote} empty from now on.",
        "Whatever {quote} has as {fields} is out of date. Make that empty[ and leave the rest as it is|].",
        "[Could|Can] you clear {fields} on {quote}, so that nothing but an empty field is left?",
        "Let {fields} of {quote} be empty from here on.",
        "On {quote}, {fields} should be empty[, please|].",
        "We no longer give {fields} on {quote}: leave nothing there but an empty field.",
        "Make {fields} empty on {quote}, nothing else.",
        "Take {quote} and leave {fields} empty there.",
    ),
    tool="modify_quote",
)
def clear_quote_field(scene: Scene) -> Draft:
    """One or two optional fields of a quote emptied."""
    row = scene.pick("Quote")
    filled = [name for name in ("version", "valid_until", "quote_prefix") if getattr(row, name) is not None]
    if not filled:
        raise Unsuitable
    chosen = scene.rng.sample(filled, min(len(filled), scene.count(1, 2)))
    meant = quote(scene, row, avoid=chosen)
    called = listed([words(scene, _CLEARED[name]) for name in chosen])
    updates = dict.fromkeys(chosen)
    call = ToolCall("modify_quote", {"id": row[0], "updates": updates})
    return _write(meant, scene.say(quote=meant.said, fields=called), call, updates)


_CLEARED = {
    "version": ("the version", "the version label", "the version field", "the version tag"),
    "valid_until": ("the valid-until date", "the validity date", "the end of validity", "the last day of validity"),
    "quote_prefix": ("the prefix", "the quote prefix", "the number prefix", "the quote number prefix"),
}


@family(
    "single",
    (
        "[Please |]make a new version of {quote}: {version} at {amount:money}, status Draft, same prefix and"
        " valid-until date.",
        "Draw up {version} from {quote}, as a Draft over {amount:money}; prefix and valid-until date carry over.",
        "We have a new price after {quote}: create {version} with {amount:money} as a Draft, prefix and valid-until"
        " date as before.",
        "Base a new Draft on {quote}, version {version}, amount {amount:money}; take over its prefix and its"
        " valid-until date.",
        "Create another quote like {quote}, with the same prefix and valid-until date, but version {version}, status"
        " Draft and an amount of {amount:money}.",
        "Add a Draft next to {quote}: version {version}, {amount:money}, and the same prefix and valid-until date as"
        " there.",
        "[Could|Can] you create {version} as a follow-up to {quote}? It is a Draft over {amount:money} and keeps the"
        " prefix and the valid-until date.",
        "Next to {quote} goes {version}, a Draft of {amount:money} that shares its prefix and valid-until date.",
    ),
    tool="create_quote",
)
def next_quote_version(scene: Scene) -> Draft:
    """Another version of a quote, with a new amount and the old prefix and validity."""
    row = scene.pick("Quote", lambda row: row.valid_until is not None and row.quote_prefix is not None)
    meant = quote(scene, row, avoid=("version",))
    siblings = scene.children("Quote", "opportunity_id", row.opportunity_id)
    version = _version(scene, siblings)
    amount = _offer(scene, scene.get("Opportunity", row.opportunity_id), tuple(other.amount for other in siblings))
    kept = {name: getattr(row, name) for name in ("opportunity_id", "quote_prefix", "valid_until")}
    new = {**kept, "amount": json_of(amount), "status": "Draft", "version": version}
    return Draft(
        request=scene.say(quote=meant.said, version=version, amount=amount),
        lookups=[*meant.lookups, ToolCall("quote_details", {"quote_id": row[0]})],
        calls=[ToolCall("create_quote", new)],
        achieve=[Achieve("Quote", None, new)],
        selections=list(meant.selections),
    )


@family(
    "single",
    (
        "[Please |]set the prefix to {prefix} on {which} for {deal}.",
        "Switch {which} for {deal} to the prefix {prefix}[, nothing else|].",
        "From now on {which} for {deal} should carry {prefix} as prefix.",
        "Renumber {which} for {deal}: the prefix becomes {prefix}.",
        "The prefix of {which} for {deal} is {prefix}; [please |]correct that[ in the CRM|].",
        "Give {which} for {deal} the prefix {prefix}.",
        "[Could|Can] you put the prefix {prefix} on {which} for {deal}?",
        "Use {prefix} as the prefix of {which} for {deal}.",
    ),
    tool="modify_quote",
    held_out=True,
)
def prefix_by_validity(scene: Scene) -> Draft:
    """A new prefix for the quote of a deal that is valid longest, or runs out first."""
    row = scene.pick("Quote", lambda row: row.valid_until is not None)
    siblings = scene.children("Quote", "opportunity_id", row.opportunity_id)
    best = next((way for way in scene.rng.sample(sorted(_BY_VALIDITY), 2) if told_apart(row, siblings, way)), None)
    if len(siblings) < 2 or best is None:
        raise Unsuitable
    of = deal(scene, scene.get("Opportunity", row.opportunity_id))
    find = {"opportunity_id": row.opportunity_id}
    chosen = (described("Quote", find, best),)
    meant = Meant(row, "", (*of.lookups, ToolCall("quote_search", find)), chosen)
    fields = {"quote_prefix": vocab.quote_prefix(scene.rng, scene.pool)}
    if row.quote_prefix == fields["quote_prefix"]:
        raise Unsuitable
    request = scene.say(deal=of.said, which=words(scene, _BY_VALIDITY[best]), prefix=fields["quote_prefix"])
    return _write(meant, request, ToolCall("modify_quote", {"id": row[0], "updates": fields}), fields)


_BY_VALIDITY = {
    "max:valid_until": (
        "the quote that is valid longest", "the quote with the latest valid-until date",
        "the quote whose validity ends last", "the quote that holds longest",
    ),
    "min:valid_until": (
        "the quote whose validity ends first", "the quote with the earliest valid-until date",
        "the quote that is the first to run out", "the quote that lapses first",
    ),
}  # fmt: skip
