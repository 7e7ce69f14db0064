"""What follows from the nouns: columns, frozen rows, and the ways between rows, JSON and entities."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from json.encoder import encode_basestring_ascii
from types import UnionType
from typing import Annotated, Any, TypeAlias, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticCustomError

from crm_gym.atom import Atom, Wire
from crm_gym.atoms import number_json
from crm_gym.entities import ENTITIES, Auto, Entity, Key, Ref, Unique
from crm_gym.errors import ToolError, near_miss

Row: TypeAlias = Any
"""A frozen record: a named tuple with the entity's fields, of the class `TABLES[name].row`.

Texts, dates (YYYY-MM-DD) and times (YYYY-MM-DDTHH:MM:SSZ) are str, money is Decimal with two
decimals, percentages are int, lists are tuples; what is empty is None.
"""


@dataclass(frozen=True)
class Column:
    """One field of an entity, as data."""

    name: str
    atom: Atom
    required: bool
    default: Any
    description: str
    key: bool = False
    auto: bool = False
    unique: bool = False
    ref: Ref | None = None

    @property
    def creatable(self) -> bool:
        """Whether a create call may carry it."""
        return not (self.key or self.auto)

    @property
    def mutable(self) -> bool:
        """Whether a modify call may carry it."""
        return self.creatable and (self.ref is None or self.ref.moves)

    @property
    def wire(self) -> Any:
        """The type of the value in a tool call, for pydantic."""
        return Annotated[Any, Wire(self.atom)]


@dataclass(frozen=True)
class Table:
    """One entity, as data."""

    name: str
    entity: type[Entity]
    columns: tuple[Column, ...]
    row: type[Any]
    plural: str

    @property
    def key(self) -> str:
        """Name of the id column; always the first."""
        return self.columns[0].name

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_table, (self.name,))


def _table(name: str) -> Table:
    return TABLES[name]


def find_marker(info: FieldInfo, kind: type) -> Any:
    """The marker of that class in a field's annotation, also below `| None`."""
    metadata = list(info.metadata)
    optional = get_origin(info.annotation) in (Union, UnionType)
    for part in get_args(info.annotation) if optional else ():
        metadata.extend(getattr(part, "__metadata__", ()))
    return next((item for item in metadata if isinstance(item, kind)), None)


def _column(name: str, info: FieldInfo) -> Column:
    key = find_marker(info, Key) is not None
    default = None if info.is_required() or key else info.default
    return Column(
        name=name,
        atom=find_marker(info, Atom),
        required=info.is_required() or key,
        default=str(default) if isinstance(default, StrEnum) else default,
        description=info.description or "",
        key=key,
        auto=find_marker(info, Auto) is not None,
        unique=find_marker(info, Unique) is not None,
        ref=find_marker(info, Ref),
    )


def _build(name: str, model: type[Entity]) -> Table:
    names = list(model.model_fields)
    last = [field for field, info in model.model_fields.items() if find_marker(info, Auto)]
    if find_marker(model.model_fields[names[0]], Key) is None or names[len(names) - len(last) :] != last:
        raise TypeError(f"{name}: the id must come first, what the CRM fills itself last")
    row = namedtuple(f"{name}Row", model.model_fields)  # type: ignore[misc]  # fields follow from the entity
    row.__module__ = __name__
    globals()[row.__name__] = row  # where pickle looks for it
    columns = tuple(_column(field, info) for field, info in model.model_fields.items())
    plural = name[:-1].lower() + "ies" if name.endswith("y") else name.lower() + "s"
    return Table(name, model, columns, row, plural)


TABLES: dict[str, Table] = {name: _build(name, model) for name, model in ENTITIES.items()}
"""The eight tables by entity name, in the order of `ENTITIES`."""

TABLE_OF: dict[type, str] = {table.row: name for name, table in TABLES.items()}
"""Row class to table name."""


def _of_kind(kind: str) -> dict[type, tuple[str, ...]]:
    return {table.row: tuple(c.name for c in table.columns if c.atom.kind == kind) for table in TABLES.values()}


_MONEY, _LISTS = _of_kind("money"), _of_kind("names")


def row_json(row: Row) -> dict[str, Any]:
    """A row as JSON values, fields in the entity's order."""
    out: dict[str, Any] = row._asdict()
    for name in _MONEY[type(row)]:
        if out[name] is not None:
            out[name] = number_json(out[name])
    for name in _LISTS[type(row)]:
        if out[name] is not None:
            out[name] = list(out[name])
    return out


def _names_text(names: tuple[str, ...]) -> str:
    return "[" + ",".join(map(encode_basestring_ascii, names)) + "]"


def _money_text(amount: Decimal) -> str:
    return repr(number_json(amount))


_PLAIN = ("id", "email", "date", "datetime")  # kinds of text that never hold what JSON has to escape


def _writer(table: Table) -> Callable[..., str]:
    """A function that writes the values of a row as JSON text; made from the columns as namedtuple makes __new__."""
    kinds = {"money": "money({})", "percent": "{}", "names": "names({})"}
    fields = []
    for i, column in enumerate(table.columns):
        value = "{" + kinds.get(column.atom.kind, "text({})").format(f"v{i}") + "}"
        if not column.required:
            value = f"{{null if v{i} is None else {value[1:]}"
        elif column.atom.kind in _PLAIN or column.atom.kind.startswith("enum:"):
            value = f'"{{v{i}}}"'
        fields.append(f'"{column.name}":{value}')
    values = ", ".join(f"v{i}" for i in range(len(fields)))
    source = f"lambda {values}: f'{{{{" + ",".join(fields) + "}}'"
    names = {"text": encode_basestring_ascii, "money": _money_text, "names": _names_text, "null": "null"}
    return eval(source, names)  # type: ignore[no-any-return]


WRITERS: dict[type, Callable[..., str]] = {table.row: _writer(table) for table in TABLES.values()}
"""Row class to the function that writes the values of a row, each an argument, as `row_text` gives them."""


def row_text(row: Row) -> str:
    """A row as compact ASCII JSON text: `row_json`, encoded, in a quarter of the time."""
    return WRITERS[type(row)](*row)


def row_entity(row: Row) -> Entity:
    """A row as an entity: a copy that cannot reach the row."""
    return TABLES[TABLE_OF[type(row)]].entity(**row._asdict())


def new_values(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Values for a new record, checked, in row form, every field there.

    Raises:
        ToolError: unknown_field, missing_field, or what the value's atom refuses.
    """
    columns = {column.name: column for column in table.columns if column.creatable}
    _only_known(values, columns, table)
    made = {name: column.default if values.get(name) is None else values[name] for name, column in columns.items()}
    for name, column in columns.items():
        if column.required and made[name] is None:
            raise ToolError("missing_field", name, f"{name} is required and missing.")
    return {name: _checked(columns[name], value) for name, value in made.items()}


def changed_values(table: Table, updates: Mapping[str, Any]) -> dict[str, Any]:
    """Updates of a record, checked, in row form.

    Raises:
        ToolError: unknown_field, immutable_field, or what the value's atom refuses.
    """
    columns = {column.name: column for column in table.columns}
    _only_known(updates, columns, table)
    for name in updates:
        if not columns[name].creatable:
            raise ToolError("immutable_field", name, f"{name} cannot be changed.")
    return {name: _checked(columns[name], value) for name, value in updates.items()}


def _only_known(values: Mapping[str, Any], columns: Mapping[str, Column], table: Table) -> None:
    for name in values:
        if name not in columns:
            raise ToolError("unknown_field", name, f"{name!r} is no field of {table.name}; {near_miss(name, columns)}")


def _checked(column: Column, value: Any) -> Any:
    if value is None and not column.required:
        return None
    try:
        return column.atom.check(value)
    except PydanticCustomError as fault:
        raise ToolError(fault.type, column.name, f"{column.name} {fault.message()}") from None


def entity_values(entity: Entity) -> dict[str, Any]:
    """An entity's fields as row values."""
    table = TABLES[type(entity).__name__]
    values = {}
    for column in table.columns:
        value = getattr(entity, column.name)
        values[column.name] = None if value is None else column.atom.check(column.atom.from_python(value))
    return values
