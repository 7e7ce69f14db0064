"""What can be wrong with a call beyond a single value: its fields, its ids, and what the CRM's state forbids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_gym.entities import CLOSED_STAGES
from crm_gym.schema import Row
from crm_gym.tasks.families import declined_said as said
from crm_gym.tasks.families.faults import OMITTED, Fault, Maker, phrased, shown, what
from crm_gym.tasks.scene import Scene, listed_name
from crm_gym.tools import ToolCall

KINDS = {"Client": "client", "Contact": "contact", "Opportunity": "deal", "Quote": "quote", "Contract": "contract",
         "Company": "company"}  # fmt: skip
"""Table to what people call its records."""
_PREFIXES = {"Client": "CL", "Contact": "CT", "Opportunity": "OPP", "Quote": "QU", "Contract": "CO"}
_NAMED = ("Client", "Contact", "Opportunity")

FOR_RECORDS: dict[str, tuple[Any, ...]] = {
    "priority": ("High", "Low", 1, 2), "region": ("North", "South-West", "Benelux"), "currency": ("EUR", "CHF", "NOK"),
    "lead_source": ("Trade fair", "Referral"), "segment": ("Mid-market", "Public sector"), "is_test": (True, False),
    "language": ("German", "French"), "sales_team": ("Blue", "Export"), "vat_rate": (19, 25), "score": (7, 42, 88),
}  # fmt: skip
"""Fields that no record has, with values for them."""
FOR_SEARCHES: dict[str, tuple[Any, ...]] = {
    "sort_by": ("newest first", "size"), "region": ("North", "Benelux"), "fuzzy": (True,), "page": (2, 3, 4),
    "language": ("German", "French"), "created_after": ("last winter", "the fair"), "tags": ("key account", "renewal"),
    "include_deleted": (True, False), "format": ("csv table", "short list"), "team": ("Blue", "Export"),
}  # fmt: skip
FOR_VIEWS: dict[str, tuple[Any, ...]] = {
    "format": ("printable", "short"), "language": ("German", "French"), "with_history": (True, False), "depth": (2, 3),
    "currency": ("EUR", "CHF"), "columns": ("all", "main ones"), "as_of": ("last quarter", "last week"),
}  # fmt: skip
FOR_ACTIONS: dict[str, tuple[Any, ...]] = {
    "force": (True,), "cause": ("duplicate", "clean-up"), "notify": ("whole team", "sales desk"), "silent": (True,),
    "dry_run": (True, False), "approved_by": ("the board", "head office"), "keep_history": (True, False),
    "batch": (12, 31, 77), "mode": ("soft", "full"), "ticket": (4018, 5127, 6230),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stray:
    """An id that is no record's of the kind it is given for, and how it is said."""

    code: str
    value: Any
    words: str
    lookups: tuple[ToolCall, ...] = ()


def new_id(scene: Scene) -> str:
    """A UUID of version 4 that no record has."""
    digits = f"{scene.rng.getrandbits(128):032x}"
    variant = "89ab"[scene.rng.randrange(4)]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def stray_id(scene: Scene, table: str, *, numbers: bool = True) -> Stray:
    """An id of nothing, one of another kind of record, no UUID, or (`numbers`) no text at all."""
    way = scene.rng.random()
    if numbers and way < 0.25:
        number = scene.rng.randint(100, 99_999)
        return Stray("wrong_type", number, phrased(scene, said.WITH_NUMBER, value=number))
    if way < 0.5:
        return _with_id(scene, new_id(scene))
    if way < 0.65:
        return _with_id(scene, f"{_PREFIXES[table]}-{scene.rng.randint(100, 99_999)}")
    other = scene.one([name for name in _NAMED if name != table])
    row = scene.named(other)
    if way < 0.8:
        return _with_id(scene, row[0])
    words = phrased(scene, said.WITH_ANOTHERS, kind=KINDS[other], name=listed_name(row))
    return Stray("not_found", row[0], words, (scene.look_up(row),))


def _with_id(scene: Scene, value: str) -> Stray:
    return Stray("not_found", value, phrased(scene, said.WITH_ID, value=value))


def stray(field: str, table: str) -> Maker:
    """A reference to nothing; in a sentence of its own."""

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        found = stray_id(scene, table)
        words = phrased(scene, said.IS_THE_ONE, what=KINDS[table], which=found.words)
        return Fault(found.code, field, found.value, words, found.lookups)

    return maker


def missing(*fields: str) -> Maker:
    """A required field left out."""

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        field = str(scene.one(fields))
        return Fault("missing_field", field, OMITTED, phrased(scene, said.MISSING, what=what(scene, field)))

    return maker


def unknown(fields: Mapping[str, tuple[Any, ...]]) -> Maker:
    """A field that the tool does not have."""

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        field = str(scene.one(tuple(fields)))
        value = scene.one(fields[field])
        written = shown(value) if isinstance(value, str) else str(value).lower()
        return Fault("unknown_field", field, value, phrased(scene, said.UNKNOWN, field=field, value=written))

    return maker


def own_id(field: str) -> Maker:
    """An id of one's own choice for a new record, or another one for a record that stands."""

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        value = new_id(scene)
        words = phrased(scene, said.UNKNOWN, field=field, value=value)
        return Fault("unknown_field", field, value, words)

    return maker


def other_id(field: str) -> Maker:
    """Another id for a record that stands."""

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        value = new_id(scene)
        return Fault("immutable_field", field, value, phrased(scene, said.IDENTITY, field=field, value=value))

    return maker


def other_time(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """Another time of creation for a record that stands."""
    value = f"{scene.day(-900, -10)}T{scene.rng.randint(8, 17):02}:{scene.rng.choice((0, 15, 30, 45)):02}:00Z"
    words = phrased(scene, said.CREATED, field="created_date", value=shown(value))
    return Fault("immutable_field", "created_date", value, words)


def moved(field: str, table: str) -> Maker:
    """A reference that may not move, to another record."""

    def maker(scene: Scene, given: Mapping[str, Any]) -> Fault:
        row = scene.named(table)
        words = phrased(scene, said.MOVED, kind=KINDS[table], name=listed_name(row))
        return Fault("immutable_field", field, row[0], words, (scene.look_up(row),))

    return maker


def no_change(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """An update without any fields."""
    return Fault("no_change", "updates", {}, phrased(scene, said.NO_CHANGE))


def email_taken(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """The e-mail of another client, at times in other letters."""
    email = scene.pick("Client", lambda row: row[0] != given.get("id")).email
    value = scene.one((email, email.upper(), email.title(), email.capitalize(), email))
    words = phrased(scene, said.TAKEN, what=what(scene, "email"), value=value)
    return Fault("duplicate_email", "email", value, words, (ToolCall("client_search", {"email": value}),))


def day_gone(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """A close date before today."""
    value = scene.day(-500, -1)
    return Fault("date_in_past", "close_date", value, phrased(scene, said.PAST, what="close date", value=value))


def end_before_start(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """An end date before the start date that is given."""
    value = scene.day(-400, -1, given["start_date"])
    return Fault("date_order", "end_date", value, phrased(scene, said.ORDER, value=value))


def page_limit(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """More rows at once than there may be, or none."""
    value = scene.one((0, -scene.rng.randint(1, 50), *(scene.rng.randint(101, 5000) for _ in range(6))))
    return Fault("number_range", "limit", value, phrased(scene, said.LIMIT, value=value))


def page_offset(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """A place before the first row."""
    value = -scene.rng.randint(1, 200)
    return Fault("number_range", "offset", value, phrased(scene, said.OFFSET, value=value))


def page_word(scene: Scene, given: Mapping[str, Any]) -> Fault:
    """A word for a limit or an offset."""
    field = scene.one(("limit", "offset"))
    value = scene.one(("all", "everything", "as many as there are") if field == "limit" else ("last page", "end"))
    words = phrased(scene, said.SET["text_as"], what=field, value=shown(value))
    return Fault("wrong_type", field, value, words)


PAGING: Sequence[Maker] = (page_limit, page_offset, page_word)
"""What can be wrong with pages."""


def is_open(row: Row) -> bool:
    """Whether a deal is not closed."""
    return row.stage not in CLOSED_STAGES


def locked(scene: Scene, row: Row) -> Fault:
    """New terms, good in themselves, for a closed deal."""
    field = scene.one(("stage", "amount", "probability", "close_date"))
    value: Any
    if field == "stage":
        value = scene.one(scene.members("Opportunity", "stage"), row.stage)
    elif field == "amount":
        value = scene.amount(row.amount)
    elif field == "probability":
        value = scene.percent(row.probability)
    else:
        value = scene.day(5, 300)
    words = phrased(scene, said.UPDATES, details=scene.updates({field: value}))
    return Fault("closed_deal_locked", field, value, words)
