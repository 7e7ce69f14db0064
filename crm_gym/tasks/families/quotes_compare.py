"""Tasks that compare quotes, and that ask about their prefixes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crm_gym.schema import Row
from crm_gym.tasks.answer import Answer, Query
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.answering import asked, of_mapping, of_record, of_value, of_values
from crm_gym.tasks.families.asking import ASK, ask, field_word, full, grouped
from crm_gym.tasks.families.pointing import Meant, client, deal, json_of, quote, words
from crm_gym.tasks.family import family
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

Group = tuple[Sequence[Row], str, list[ToolCall], list[Query]]
"""Quotes to compare, what they are called, the reads that find them, and descriptions they are meant by."""

_ALL = (
    "the quotes for {deal}",
    "all the quotes on {deal}",
    "the quotes made for {deal}",
    "all quotes drawn up for {deal}",
)
_VERSIONS = (
    "the quotes {versions} for {deal}", "the versions {versions} of the quote for {deal}",
    "the {versions} quotes on {deal}", "the quotes labelled {versions} for {deal}",
)  # fmt: skip


def _of_deal(scene: Scene) -> tuple[Meant, Sequence[Row]]:
    row = scene.pick("Quote", lambda row: len(scene.children("Quote", "opportunity_id", row.opportunity_id)) > 1)
    rows = full(scene.children("Quote", "opportunity_id", row.opportunity_id))
    return deal(scene, scene.get("Opportunity", row.opportunity_id)), rows


def _group(scene: Scene) -> Group:
    """All quotes of a deal, some of its versions, or quotes of different deals."""
    kind = scene.rng.random()
    if kind < 0.35:
        return _across(scene)
    of, rows = _of_deal(scene)
    find = {"opportunity_id": of.row[0]}
    if kind < 0.65:
        lookups = [*of.lookups, ToolCall("quote_search", find)]
        return rows, words(scene, _ALL, deal=of.said), lookups, []
    rows = scene.rng.sample(rows, scene.count(2, min(3, len(rows))))
    versions = [row.version for row in full(rows, "version")]
    if len(set(versions)) < len(rows) or len(scene.children("Quote", "opportunity_id", of.row[0])) < len(rows):
        raise Unsuitable
    said = words(scene, _VERSIONS, deal=of.said, versions=listed(versions))
    return rows, said, [*of.lookups, *(ToolCall("quote_search", {**find, "version": v}) for v in versions)], []


def _across(scene: Scene) -> Group:
    """Quotes of different deals, each pointed at by itself."""
    rows = [scene.pick("Quote") for _ in range(scene.count(2, 3))]
    if len({row.opportunity_id for row in rows}) < len(rows):
        raise Unsuitable
    meant = [quote(scene, row, avoid=("amount", "valid_until")) for row in rows]
    lookups = [call for one in meant for call in one.lookups]
    return rows, listed([one.said for one in meant]), lookups, [query for one in meant for query in one.selections]


def _ids(rows: Sequence[Row]) -> dict[str, list[str]]:
    return {"quote_ids": [row[0] for row in rows]}


_DIFFERENCE = (
    "the difference in amount between the dearest and the cheapest of these: {them}",
    "the gap between the highest and the lowest amount in this set: {them}",
    "the amount by which the dearest lies above the cheapest, taking {them}",
    "the spread from lowest to highest amount over {them}",
)
_END = {
    "dearest": ("the dearest among {them}", "the quote with the highest amount out of {them}",
                "the most expensive quote, taking {them}", "the costliest among {them}"),
    "cheapest": ("the cheapest among {them}", "the quote with the lowest amount out of {them}",
                 "the least expensive quote, taking {them}", "the lowest in amount among {them}"),
}  # fmt: skip
_THE_ID = ("the id of {it}", "the quote id of {it}", "the id the CRM has for {it}", "the record id of {it}")
_FIELD_OF = (
    "the {field} of {it}",
    "the {field} on {it}",
    "the {field} that stands on {it}",
    "the {field} held by {it}",
)
_BY_VERSION = (
    "the amounts by version of {them}", "the amount under each version label, for {them}",
    "the amounts of {them}, by version label", "the amounts per version for {them}",
)  # fmt: skip


@family("single", ASK, tool="compare_quotes")
def compare_quotes(scene: Scene) -> Draft:
    """Which of some quotes is the dearest or cheapest, what stands on it, and how far they lie apart."""
    rows, them, lookups, selections = _group(scene)
    lookups.append(ToolCall("compare_quotes", _ids(rows)))
    amounts = [row.amount for row in rows]
    kind = scene.rng.random()
    if min(amounts) == max(amounts):
        raise Unsuitable
    if kind < 0.35:
        answer = Answer("value", json_of(max(amounts) - min(amounts)))
        draft = asked(ask(scene, words(scene, _DIFFERENCE, them=them)), lookups, answer)
    elif kind < 0.5:
        if len({row.version for row in full(rows, "version")}) < len(rows):
            raise Unsuitable
        request = ask(scene, words(scene, _BY_VERSION, them=them), several=True)
        draft = asked(request, lookups, of_mapping(rows, "version", "amount"))
    else:
        draft = _end(scene, rows, them, lookups)
    draft.selections = selections
    return draft


def _end(scene: Scene, rows: Sequence[Row], them: str, lookups: list[ToolCall]) -> Draft:
    """Which quote has the highest or lowest amount, or what stands on it."""
    end = str(scene.one(tuple(_END)))
    best = (max if end == "dearest" else min)(row.amount for row in rows)
    found = [row for row in rows if row.amount == best]
    if len(found) > 1:
        raise Unsuitable
    it = words(scene, _END[end], them=them)
    if scene.chance(0.4):
        request = ask(scene, words(scene, _THE_ID, it=it))
        return asked(request, lookups, of_record(scene, "Quote", found[0]))
    field = str(scene.one(("amount", "amount", "valid_until", "quote_prefix", "version")))
    request = ask(scene, words(scene, _FIELD_OF, it=it, field=field_word(scene, field)))
    return asked(request, lookups, of_value(full(found, field)[0], field))


_COMPARED = ("amount", "status", "version", "valid_until", "quote_prefix")
_DIFFERING = (
    "the fields in which these differ: {them}. Leave ids and the creation time aside and use the CRM's field names",
    "the names of the fields, as the CRM has them, that are not the same on {them}, not counting ids and the creation"
    " time",
    "the differing fields of {them}, by their names in the CRM and apart from ids and creation time",
    "the CRM field names for everything that sets these apart, ids and creation time excluded: {them}",
)
_SAME = (
    "the fields, by their CRM names and apart from any ids, that hold the same value on {them}",
    "the CRM names of the fields that agree between these, not counting ids: {them}",
    "the field names, ids aside, under which the CRM shows one and the same value for {them}",
    "the fields that do not vary, as the CRM names them and without ids, over {them}",
)
_SIDE_BY_SIDE = (
    "the {field} of each of these: {them}", "the {field} on every one of the following: {them}",
    "the {field}, side by side, of {them}",
    "the {field}, one after the other, of {them}",
)  # fmt: skip


@family("single", ASK, tool="compare_quote_details")
def compare_quote_details(scene: Scene) -> Draft:
    """In which fields some quotes differ or agree, or what stands in one field of each."""
    rows, them, lookups, selections = _group(scene)
    lookups.append(ToolCall("compare_quote_details", _ids(rows)))
    kind = scene.rng.random()
    if kind < 0.3:
        field = str(scene.one(_COMPARED))
        answer = of_values(full(rows, field), field)
        request = ask(scene, words(scene, _SIDE_BY_SIDE, them=them, field=field_word(scene, field)))
    else:
        differing, names = kind < 0.7, (*_COMPARED, *(() if kind < 0.7 else ("created_date",)))
        found = [name for name in names if (len({getattr(row, name) for row in rows}) > 1) is differing]
        if not found or not (differing or full(rows, *names)):  # do two empty fields agree? nobody is asked
            raise Unsuitable
        answer = Answer("values", found)
        request = ask(scene, words(scene, _DIFFERING if differing else _SAME, them=them), several=True)
    draft = asked(request, lookups, answer)
    draft.selections = selections
    return draft


_PREFIX_ONE = {
    "count": ("the number of quotes that carry the prefix {prefix}", "the count of quotes with prefix {prefix}",
              "the number of quotes under {prefix}", "the total of quotes with the prefix {prefix}"),
    "most": ("the prefix that most quotes carry", "the quote prefix in heaviest use",
             "the prefix with more quotes than any other", "the most common of the quote prefixes"),
    "least": ("the prefix that the fewest quotes carry", "the quote prefix in lightest use",
              "the prefix in use with the smallest number of quotes", "the rarest of the quote prefixes in use"),
    "first": ("the quote prefix that comes first by alphabet", "the alphabetically first quote prefix in use",
              "the prefix in use that leads the alphabetical list", "the prefix nearest the start of the alphabet"),
    "last": ("the quote prefix that comes last by alphabet", "the alphabetically last quote prefix in use",
             "the prefix in use that closes the alphabetical list", "the prefix nearest the end of the alphabet"),
    "busiest": ("the number of quotes under the most common prefix", "the quote count of the commonest prefix",
                "the count of quotes for the prefix in heaviest use", "the number of quotes with the leading prefix"),
}  # fmt: skip
_PREFIX_ALL = {
    "all": ("all the quote prefixes in use", "the prefixes that our quotes carry", "the prefixes in use on quotes",
            "all prefixes that any quote has"),
    "counts": ("the numbers of quotes by prefix, for every prefix in use", "the quote counts for each prefix in use",
               "the counts of quotes, prefix by prefix", "the numbers of quotes under each of the prefixes"),
    "but": ("all the quote prefixes in use other than {prefix}", "the prefixes on quotes, leaving out {prefix}",
            "the prefixes that quotes carry besides {prefix}", "all prefixes of quotes except {prefix}"),
    "over": ("the prefixes that more than {bound} quotes carry", "the quote prefixes with more than {bound} quotes",
             "the prefixes in use on more than {bound} quotes", "all prefixes having more than {bound} quotes"),
    "under": ("the prefixes in use that fewer than {bound} quotes carry", "the quote prefixes with fewer than {bound}"
              " quotes", "the prefixes in use on fewer than {bound} quotes", "all prefixes with below {bound} quotes"),
}  # fmt: skip


def _counts(scene: Scene) -> dict[str, int]:
    groups = grouped(scene.template, "Quote", "quote_prefix")
    return {prefix: len(groups[(prefix,)]) for prefix in sorted(prefix for (prefix,) in groups)}


@family("single", ASK, tool="quote_prefixes")
def quote_prefixes(scene: Scene) -> Draft:
    """Which prefixes are in use on quotes, how often, and which of them most."""
    counts = _counts(scene)
    if len(counts) < 2:
        raise Unsuitable
    lookups = [ToolCall("quote_prefixes")]
    if scene.chance(0.5):
        return _one_prefix(scene, counts, lookups)
    kind, bound = str(scene.one(tuple(_PREFIX_ALL))), scene.rng.randint(min(counts.values()), max(counts.values()))
    prefix = str(scene.one(tuple(counts)))
    told: dict[str, dict[str, Any]] = {"but": {"prefix": prefix}, "over": {"bound": bound}, "under": {"bound": bound}}
    chosen = {
        "but": [name for name in counts if name != prefix],
        "over": [name for name, count in counts.items() if count > bound],
        "under": [name for name, count in counts.items() if count < bound],
    }.get(kind, list(counts))
    if not chosen:
        raise Unsuitable
    answer = Answer("mapping", dict(counts)) if kind == "counts" else Answer("values", chosen)
    what = words(scene, _PREFIX_ALL[kind], **told.get(kind, {}))
    return asked(ask(scene, what, several=True), lookups, answer)


def _one_prefix(scene: Scene, counts: dict[str, int], lookups: list[ToolCall]) -> Draft:
    kind, prefix = str(scene.one(tuple(_PREFIX_ONE))), str(scene.one(tuple(counts)))
    most, least = max(counts.values()), min(counts.values())
    bound = most if kind in ("most", "busiest") else least
    if kind in ("most", "least", "busiest") and list(counts.values()).count(bound) > 1:
        raise Unsuitable
    found = next(name for name, count in counts.items() if count == bound)
    answers = {
        "count": Answer("count", counts[prefix]), "busiest": Answer("count", most),
        "first": Answer("value", min(counts)), "last": Answer("value", max(counts)),
    }  # fmt: skip
    said = {"prefix": prefix} if kind == "count" else {}
    answer = answers.get(kind, Answer("value", found))
    return asked(ask(scene, words(scene, _PREFIX_ONE[kind], **said)), lookups, answer)


# Across the deals of a client

_OF_CLIENT = {
    "dearest": ("the highest quote we have made for {client}, over all its deals",
                "the dearest of all quotes on any deal with {client}",
                "the quote with the highest amount among all deals with {client}",
                "the costliest quote over all the deals of {client}"),
    "cheapest": ("the lowest quote we have made for {client}, over all its deals",
                 "the cheapest of all quotes on any deal with {client}",
                 "the quote with the lowest amount among all deals with {client}",
                 "the least expensive quote over all the deals of {client}"),
}  # fmt: skip
_DEAL_OF = ("the deal that has {it}", "the deal behind {it}", "the deal that belongs to {it}", "the deal carrying {it}")


@family("single", ASK, tool="quote_search")
def dearest_quote_of_client(scene: Scene) -> Draft:
    """The dearest or cheapest quote over all deals of a client: which, for which deal, or what stands on it."""
    quoted = scene.get("Opportunity", scene.pick("Quote").opportunity_id)
    deals = scene.children("Opportunity", "client_id", quoted.client_id)
    rows = [row for one in deals[:8] for row in scene.children("Quote", "opportunity_id", one[0])]
    if not 1 < len(deals) <= 7 or len({row.opportunity_id for row in rows}) < 2:
        raise Unsuitable
    of = client(scene, scene.get("Client", quoted.client_id))
    end = str(scene.one(tuple(_OF_CLIENT)))
    best = (max if end == "dearest" else min)(row.amount for row in rows)
    found = [row for row in rows if row.amount == best]
    if len(found) > 1:
        raise Unsuitable
    it = words(scene, _OF_CLIENT[end], client=of.said)
    searches = [ToolCall("quote_search", {"opportunity_id": one[0]}) for one in deals]
    lookups = [*of.lookups, ToolCall("opportunity_search", {"client_id": of.row[0]}), *searches]
    kind = scene.rng.random()
    if kind < 0.4:
        answer = of_record(scene, "Opportunity", scene.get("Opportunity", found[0].opportunity_id))
        return asked(ask(scene, words(scene, _DEAL_OF, it=it)), lookups, answer)
    if kind < 0.7:
        request = ask(scene, words(scene, _THE_ID, it=it))
        return asked(request, lookups, of_record(scene, "Quote", found[0]))
    request = ask(scene, words(scene, _FIELD_OF, it=it, field=field_word(scene, "amount")))
    return asked(request, lookups, of_value(found[0], "amount"))
