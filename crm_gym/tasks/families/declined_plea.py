"""How a request that must be refused is put together: a call that would be right, and one fault in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_gym.schema import TABLE_OF, Row
from crm_gym.tasks import notation
from crm_gym.tasks.draft import Draft, Refused
from crm_gym.tasks.families import declined_said as said
from crm_gym.tasks.families.declined_faults import KINDS, stray_id
from crm_gym.tasks.families.faults import OMITTED, Fault, Maker, phrased
from crm_gym.tasks.saying import listed
from crm_gym.tasks.scene import Scene, listed_name
from crm_gym.tools import ToolCall


@dataclass(frozen=True, slots=True)
class Called:
    """A record as a request calls it.

    Attributes:
        id: Its id, as the call carries it.
        words: What follows its kind: the quote "v2 on the deal Falcon Rollout".
        lookups: The reads that find it.
        kind: Its kind, as people say it.
        table: Its table.
        code: What its id earns, "" for a record that is there.
    """

    id: Any
    words: str
    lookups: tuple[ToolCall, ...]
    kind: str
    table: str
    code: str = ""


def by_name(scene: Scene, row: Row) -> Called:
    """A record that is called by its name alone."""
    table = TABLE_OF[type(row)]
    name = listed_name(row)
    words = notation.quoted(name) if scene.chance(0.3) else name
    return Called(row[0], words, (scene.look_up(row),), KINDS[table], table)


def a_quote(scene: Scene) -> Called:
    """A quote that is called by its version and its deal."""
    row = scene.pick("Quote", lambda row: _is_told(scene, row))
    deal = scene.get("Opportunity", row.opportunity_id)
    form = scene.one(("{} on the deal {}", "{} of the deal {}", "{} for the deal {}"))
    lookups = (scene.look_up(deal), ToolCall("quote_search", {"opportunity_id": deal[0]}))
    return Called(row[0], form.format(row.version, listed_name(deal)), lookups, "quote", "Quote")


def _is_told(scene: Scene, row: Row) -> bool:
    """Whether a quote's version and its deal's name tell it from all others."""
    deal = scene.get("Opportunity", row.opportunity_id)
    rivals = scene.children("Quote", "opportunity_id", deal[0])
    return (
        row.version is not None
        and scene.is_named("Opportunity", deal)
        and sum(other.version == row.version for other in rivals) == 1
    )


def a_contract(scene: Scene) -> Called:
    """A contract that is the only one of its client."""
    row = scene.pick(
        "Contract",
        lambda row: (
            scene.is_named("Client", scene.get("Client", row.client_id))
            and len(scene.children("Contract", "client_id", row.client_id)) == 1
        ),
    )
    client = scene.get("Client", row.client_id)
    lookups = (scene.look_up(client), ToolCall("contract_search", {"client_id": client[0]}))
    return Called(row[0], f"with the client {listed_name(client)}", lookups, "contract", "Contract")


def a_record(scene: Scene, table: str) -> Called:
    """Any record of a table, called so that only it is meant."""
    if table == "Quote":
        return a_quote(scene)
    return a_contract(scene) if table == "Contract" else by_name(scene, scene.named(table))


def nobody(scene: Scene, table: str, *, numbers: bool = True) -> Called:
    """What is called by an id that no record of the table has."""
    found = stray_id(scene, table, numbers=numbers)
    return Called(found.value, found.words, found.lookups, KINDS[table], table, found.code)


# Putting it together


def arguments_of(given: Mapping[str, Any], fault: Fault) -> dict[str, Any]:
    """The arguments of a call: what is given (records by their ids), and what is wrong."""
    values = {name: value[0] if type(value) in TABLE_OF else value for name, value in given.items()}
    values = {name: value for name, value in values.items() if name != fault.field}
    return values if fault.value is OMITTED else {**values, fault.field: fault.value}


def detail_words(scene: Scene, given: Mapping[str, Any], forms: tuple[str, ...] = said.DETAILS) -> list[str]:
    """A sentence with fields and their values, none if there are none."""
    parts = [_clause(scene, name, value) for name, value in given.items()]
    scene.rng.shuffle(parts)
    return [phrased(scene, forms, details=listed(parts))] if parts else []


def _clause(scene: Scene, name: str, value: Any) -> str:
    if type(value) in TABLE_OF:
        return f"{KINDS[TABLE_OF[type(value)]]} {listed_name(value)}"
    return f"file name {value}" if name == "file_name" else scene.details({name: value})


def text_of(sentences: Sequence[str]) -> str:
    """Sentences as one text, without the last full stop."""
    return ". ".join(sentences)


def _looked_up(scene: Scene, given: Mapping[str, Any], fault: Fault) -> Iterator[ToolCall]:
    for name, value in given.items():
        if type(value) in TABLE_OF and name != fault.field:
            yield scene.look_up(value)
    yield from fault.lookups


def refused(request: str, tool: str, arguments: Mapping[str, Any], fault: Fault, lookups: Sequence[ToolCall]) -> Draft:
    """The draft of a task whose call earns that fault."""
    call = ToolCall(tool, arguments)
    return Draft(request=request, lookups=list(lookups), refused=Refused(fault.code, fault.field, call))


def _one_call(
    scene: Scene, tool: str, given: Mapping[str, Any], makers: Sequence[Maker], forms: tuple[str, ...]
) -> Draft:
    fault: Fault = scene.one(makers)(scene, given)
    rest = {name: value for name, value in given.items() if name != fault.field}
    sentences = [*detail_words(scene, rest, forms), fault.words]
    if scene.chance(0.2):
        sentences.reverse()
    request = scene.say(body=text_of(sentences))
    return refused(request, tool, arguments_of(given, fault), fault, list(_looked_up(scene, given, fault)))


def creating(scene: Scene, tool: str, given: Mapping[str, Any], makers: Sequence[Maker]) -> Draft:
    """A new record with one thing wrong; the family's forms have the slot body."""
    return _one_call(scene, tool, given, makers, said.DETAILS)


def searching(scene: Scene, tool: str, given: Mapping[str, Any], makers: Sequence[Maker]) -> Draft:
    """A search with one criterion wrong; the family's forms have the slot body."""
    return _one_call(scene, tool, given, makers, said.CRITERIA)


def modifying(
    scene: Scene, tool: str, record: Called, also: Mapping[str, Any], makers: Sequence[Maker], share: float = 0.1
) -> Draft:
    """A change with one thing wrong; the family's forms have the slots record and body.

    Args:
        scene: The scene.
        tool: The tool that modifies.
        record: What is to be changed.
        also: A change that is right; made besides at times, and alone if the record's id is what is wrong.
        makers: What may be wrong with the updates.
        share: How often the record's id is what is wrong.
    """
    if scene.chance(share):
        record = nobody(scene, record.table)
        fault = Fault(record.code, "id", record.id, "", record.lookups)
        request = scene.say(record=record.words, body=_update_words(scene, also))
        return refused(request, tool, {"id": record.id, "updates": dict(also)}, fault, fault.lookups)
    fault = scene.one(makers)(scene, {"id": record.id})
    alone = fault.field in ("updates", *also) or scene.chance(0.5)
    updates = {} if alone else dict(also)
    sentences = ([] if alone else [_update_words(scene, also)]) + [fault.words]
    if fault.field != "updates":
        updates[fault.field] = fault.value
    request = scene.say(record=record.words, body=text_of(sentences))
    return refused(request, tool, {"id": record.id, "updates": updates}, fault, (*record.lookups, *fault.lookups))


def _update_words(scene: Scene, values: Mapping[str, Any]) -> str:
    return phrased(scene, said.UPDATES, details=scene.updates(values))


def pointing(scene: Scene, tool: str, key: str, record: Called, makers: Sequence[Maker], share: float = 0.3) -> Draft:
    """One record and little else, with one thing wrong; the family's forms have the slots record and body.

    Args:
        scene: The scene.
        tool: The tool.
        key: The argument that takes the record's id.
        record: The record.
        makers: What may be wrong besides the id.
        share: How often the id is what is wrong.
    """
    if scene.chance(share):
        record = nobody(scene, record.table)
        fault = Fault(record.code, key, record.id, phrased(scene, said.NO_MORE), record.lookups)
        arguments = {key: record.id}
        lookups = record.lookups
    else:
        fault = scene.one(makers)(scene, {})
        arguments = {key: record.id, fault.field: fault.value}
        lookups = (*record.lookups, *fault.lookups)
    return refused(scene.say(record=record.words, body=fault.words), tool, arguments, fault, lookups)
