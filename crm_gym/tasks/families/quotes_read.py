"""Tasks that find and show quotes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crm_gym.schema import Row
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.families.answering import asked, of_record, of_records, of_value, of_values
from crm_gym.tasks.families.asking import ASK, ask, field_word, full, grouped
from crm_gym.tasks.families.pointing import Meant, deal, quote, told_apart, words
from crm_gym.tasks.family import family
from crm_gym.tasks.scene import Scene, Unsuitable
from crm_gym.tools import ToolCall

_FIELDS = ("amount", "valid_until", "quote_prefix", "version", "status")

_IDS = ("the ids of {them}", "the quote ids of {them}", "the ids, no more, of {them}", "the record ids of {them}")
_THE_ID = ("the id of {it}", "the quote id of {it}", "the id the CRM has for {it}", "the record id of {it}")
_FIELD_OF = (
    "the {field} of {it}",
    "the {field} on {it}",
    "the {field} that stands on {it}",
    "the {field} held by {it}",
)
_FIELDS_OF = (
    "the {field} of each of {them}", "the {field} on every one of {them}", "the {field}, quote by quote, of {them}",
    "the {field} for every one of {them}",
)  # fmt: skip
_ALL_QUOTES = (
    "the quotes for {deal}",
    "the quotes made for {deal}",
    "all the quotes on {deal}",
    "all quotes drawn up for {deal}",
)
_WITH_STATUS = (
    "the quotes for {deal} with status {status}", "the quotes on {deal} that are {status}",
    "the {status} quotes for {deal}", "the quotes whose status is {status} for {deal}",
)  # fmt: skip
_BEST = {
    "max:amount": ("the dearest quote for {deal}", "the quote with the highest amount for {deal}",
                   "the quote over the most money on {deal}", "the costliest quote for {deal}"),
    "min:amount": ("the cheapest quote for {deal}", "the quote with the lowest amount for {deal}",
                   "the quote over the least money on {deal}", "the least expensive quote for {deal}"),
    "max:valid_until": ("the quote that is valid longest for {deal}", "the quote with the latest valid-until"
                        " date for {deal}", "the quote whose validity ends last on {deal}",
                        "the quote that holds longest for {deal}"),
    "max:created_date": ("the newest quote for {deal}", "the most recently created quote for {deal}",
                         "the quote created last on {deal}", "the latest addition to the quotes for {deal}"),
}  # fmt: skip


def _quotes(scene: Scene, least: int) -> tuple[Meant, Sequence[Row]]:
    """A deal with so many quotes at least, and them."""
    row = scene.pick("Quote", lambda row: len(scene.children("Quote", "opportunity_id", row.opportunity_id)) >= least)
    rows = full(scene.children("Quote", "opportunity_id", row.opportunity_id))
    return deal(scene, scene.get("Opportunity", row.opportunity_id)), rows


def _search(of: Meant, **criteria: str) -> list[ToolCall]:
    return [*of.lookups, ToolCall("quote_search", {"opportunity_id": of.row[0], **criteria})]


def _best(scene: Scene, rows: Sequence[Row]) -> tuple[str, Row]:
    """A superlative that holds of one of the rows alone, and that row."""
    way = str(scene.one(tuple(_BEST)))
    found = [row for row in rows if told_apart(row, rows, way)]
    if len(found) != 1:
        raise Unsuitable
    return way, found[0]


def _search_ids(scene: Scene) -> Draft:
    of, rows = _quotes(scene, 1)
    request = ask(scene, words(scene, _IDS, them=words(scene, _ALL_QUOTES, deal=of.said)), several=True)
    return asked(request, _search(of), of_records(scene, "Quote", rows))


def _search_status(scene: Scene) -> Draft:
    of, rows = _quotes(scene, 2)
    status = scene.choose(rows).status
    them = words(scene, _WITH_STATUS, deal=of.said, status=status)
    found = [row for row in rows if row.status == status]
    request = ask(scene, words(scene, _IDS, them=them), several=True)
    return asked(request, _search(of, status=status), of_records(scene, "Quote", found))


def _search_values(scene: Scene) -> Draft:
    of, rows = _quotes(scene, 1)
    field = str(scene.one(_FIELDS[:2]))
    them = words(scene, _ALL_QUOTES, deal=of.said)
    request = ask(scene, words(scene, _FIELDS_OF, them=them, field=field_word(scene, field)))
    return asked(request, _search(of), of_values(full(rows, field), field))


def _search_best(scene: Scene) -> Draft:
    of, rows = _quotes(scene, 2)
    way, row = _best(scene, rows)
    it = words(scene, _BEST[way], deal=of.said)
    if scene.chance(0.4):
        request = ask(scene, words(scene, _THE_ID, it=it))
        return asked(request, _search(of), of_record(scene, "Quote", row))
    field = str(scene.one(_FIELDS[:4], way.partition(":")[2] if way != "max:amount" else None))
    request = ask(scene, words(scene, _FIELD_OF, it=it, field=field_word(scene, field)))
    return asked(request, _search(of), of_value(full([row], field)[0], field))


def _search_one(scene: Scene) -> Draft:
    row = scene.pick("Quote")
    field = str(scene.one(_FIELDS))
    meant = quote(scene, row, avoid=(field, f"max:{field}", f"min:{field}", "max:created_date", "min:created_date"))
    request = ask(scene, words(scene, _FIELD_OF, it=meant.said, field=field_word(scene, field)))
    return asked(request, list(meant.lookups), of_value(full([row], field)[0], field))


_PREFIXED = (
    "the {status} quotes with prefix {prefix}", "the quotes with the prefix {prefix} that are {status}",
    "the quotes numbered with {prefix} that have status {status}", "the quotes under {prefix} whose status is {status}",
)  # fmt: skip


def _search_prefix(scene: Scene) -> Draft:
    row = scene.pick("Quote", lambda row: row.quote_prefix is not None)
    rows = grouped(scene.template, "Quote", "quote_prefix", "status")[row.quote_prefix, row.status]
    them = words(scene, _PREFIXED, prefix=row.quote_prefix, status=row.status)
    lookups = [ToolCall("quote_search", {"quote_prefix": row.quote_prefix, "status": row.status})]
    if scene.chance(0.5):
        request = ask(scene, words(scene, _IDS, them=them), several=True)
        return asked(request, lookups, of_records(scene, "Quote", full(rows)))
    request = ask(scene, words(scene, _FIELDS_OF, them=them, field=field_word(scene, "amount")))
    return asked(request, lookups, of_values(full(rows), "amount"))


_QUESTIONS: tuple[Callable[[Scene], Draft], ...] = (
    _search_ids, _search_status, _search_values, _search_best, _search_one, _search_prefix,
)  # fmt: skip


@family("single", ASK, tool="quote_search")
def quote_search(scene: Scene) -> Draft:
    """Which quotes a deal has, which of them is the dearest or newest, what stands on one or all of them."""
    question: Callable[[Scene], Draft] = scene.one(_QUESTIONS)
    return question(scene)


_OF_DEAL = {
    "name": ("the deal name behind {it}", "the name that the deal behind {it} goes by", "the deal name on {it}",
             "the name of the deal to which {it} belongs"),
    "stage": ("the stage of the deal behind {it}", "the stage of the deal that belongs to {it}",
              "the pipeline stage of the deal behind {it}", "the stage that the deal behind {it} has come to"),
    "owner": ("the owner of the deal behind {it}", "the colleague who owns the deal behind {it}",
              "the deal owner to talk to about {it}", "the owner of the deal to which {it} belongs"),
    "amount": ("the amount of the deal behind {it}", "the amount of the deal itself, not of {it}",
               "the deal's own amount behind {it}", "the amount standing on the deal to which {it} belongs"),
    "close_date": ("the close date of the deal behind {it}", "the expected close date of the deal behind {it}",
                   "the close date of the deal that belongs to {it}", "the close date of the deal that {it} is for"),
}  # fmt: skip
_FILED = {
    "file_name": ("the names of the files on {it}", "the file names of all documents on {it}",
                  "the names of the documents filed with {it}", "the files by name attached to {it}"),
    "uploaded_by": ("the people who uploaded documents to {it}", "the names of all who uploaded files to {it}",
                    "the uploaders of the documents on {it}", "the people behind the uploads to {it}"),
    "content": ("the texts of the notes on {it}", "the notes on {it}, in full", "the wording of notes on {it}",
                "the full texts of all notes left on {it}"),
    "created_by": ("the authors of the notes on {it}", "the people who wrote the notes on {it}",
                   "the names of the note authors on {it}", "the writers of the notes on {it}"),
}  # fmt: skip


@family("single", ASK, tool="quote_details")
def quote_details(scene: Scene) -> Draft:
    """What is filed with a quote, what stands on it, or on the deal it was made for."""
    kind = scene.rng.random()
    if kind < 0.55:
        return _filed(scene, "Document" if kind < 0.3 else "Note")
    row = scene.pick("Quote")
    meant = quote(scene, row)
    lookups = [*meant.lookups, ToolCall("quote_details", {"quote_id": row[0]})]
    if kind < 0.8:
        behind, field = scene.get("Opportunity", row.opportunity_id), str(scene.one(tuple(_OF_DEAL), "name"))
        answer = of_value(full([behind], field)[0], field)
        draft = asked(ask(scene, words(scene, _OF_DEAL[field], it=meant.said)), lookups, answer)
    else:
        field = str(scene.one(_FIELDS, meant.by))
        request = ask(scene, words(scene, _FIELD_OF, it=meant.said, field=field_word(scene, field)))
        draft = asked(request, lookups, of_value(full([row], field)[0], field))
    draft.selections = list(meant.selections)
    return draft


def _filed(scene: Scene, table: str) -> Draft:
    """What documents or notes on a quote say."""
    record = scene.pick(table, lambda row: row.entity_type == "Quote")
    meant = quote(scene, scene.get("Quote", record.entity_id))
    fields = ("file_name", "file_name", "uploaded_by") if table == "Document" else ("content", "content", "created_by")
    field = str(scene.rng.choice(fields))
    rows = full(scene.children(table, "entity_id", record.entity_id), field)
    lookups = [*meant.lookups, ToolCall("quote_details", {"quote_id": meant.row[0]})]
    request = ask(scene, words(scene, _FILED[field], it=meant.said), several=True)
    draft = asked(request, lookups, of_values(rows, field))
    draft.selections = list(meant.selections)
    return draft


@family(
    "single",
    (
        "Which quotes for {deal} [are|were] no longer valid on {day:date}? [Please |]give me their ids.",
        "On {day:date}, which of the quotes for {deal} had lapsed? I need the ids.",
        "Ids, please, of the quotes on {deal} whose validity ended before {day:date}.",
        "Of all quotes made for {deal}, name by id those that could not be accepted any more on {day:date}.",
        "Find the quotes for {deal} with a valid-until date before {day:date} and list their ids.",
        "The quotes for {deal}: which ran out before {day:date}? Ids will do.",
        "I want to know by id which quotes on {deal} were valid until some day before {day:date}.",
        "Whatever was quoted for {deal} and had expired when {day:date} began: list the quote ids.",
    ),
    tool="quote_search",
    held_out=True,
)
def lapsed_quotes(scene: Scene) -> Draft:
    """The quotes of a deal whose validity ended before a day."""
    of, rows = _quotes(scene, 2)
    full(rows, "valid_until")
    first = min(row.valid_until for row in rows)
    day = scene.day(1, 120, first)
    request = scene.say(deal=of.said, day=day)
    found = [row for row in rows if row.valid_until < day]
    return asked(request, _search(of), of_records(scene, "Quote", found))
