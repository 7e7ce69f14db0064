"""The world of a task: its day and the records that are there at the start."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from crm_gym.crm import Crm
from crm_gym.errors import CrmGymError, TaskError
from crm_gym.ids import named_id
from crm_gym.schema import TABLES
from crm_gym.tasks.plan import number_of_new

_IN_TEXT = re.compile(r"\{@([A-Za-z0-9_.-]+)\}")


class World:
    """A named starting point, built once and shared: every episode forks it.

    Args:
        name: Fixes the ids of the records.
        today: The world's own day, YYYY-MM-DD.
        records: Pairs of table and fields, parents first; `key` among the fields is the name by
            which "@key" stands for the record's id, here and in tasks.

    Attributes:
        crm: The CRM as it is at the start. Fork it; never write to it.
        ids: Record key to record id.

    Raises:
        TaskError: If a record is malformed or breaks the law.
    """

    def __init__(self, name: str, today: str, records: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        self.name = name
        self.ids: dict[str, str] = {}
        try:
            self.crm = Crm(today, seed=name)
        except ValueError as fault:
            raise TaskError(f"world {name}: today: {fault}") from None
        for table, fields in records:
            self._load(table, dict(fields))
        self.crm = self.crm.fork()  # everything above is now a frozen layer, and the journal is empty

    @classmethod
    def of(cls, name: str, crm: Crm) -> World:
        """A world that begins with what a CRM holds now; later changes to that CRM do not reach it."""
        world = cls.__new__(cls)
        world.name, world.ids, world.crm = name, {}, crm.fork()
        return world

    @property
    def today(self) -> str:
        """The world's own day, YYYY-MM-DD."""
        return self.crm.today

    def _load(self, table: str, fields: dict[str, Any]) -> None:
        if table not in TABLES:
            raise TaskError(f"world {self.name}: {table!r} is no table; known are {', '.join(TABLES)}")
        key = str(fields.pop("key", f"{table}-{len(self.ids)}"))
        where = f"world {self.name}, {table} {key!r}"
        if number_of_new("@" + key) is not None:
            raise TaskError(f"{where}: the key means a new record in tasks; take another")
        if key in self.ids:
            raise TaskError(f"{where}: the key is used twice")
        record = named_id(self.name, key)
        start = {column.name: f"{self.today}T08:00:00Z" for column in TABLES[table].columns if column.auto}
        values = {**start, TABLES[table].key: record, **self.resolve(fields, where)}
        try:
            self.crm.add_entity(TABLES[table].entity(**values))
        except ValidationError as fault:
            first = fault.errors()[0]
            raise TaskError(f"{where}: {'.'.join(map(str, first['loc']))} {first['msg']}") from None
        except CrmGymError as fault:
            raise TaskError(f"{where}: {fault}") from None
        self.ids[key] = record

    def resolve(self, value: Any, where: str) -> Any:
        """The value with every "@key" in it replaced by that record's id."""
        if isinstance(value, str) and value.startswith("@") and number_of_new(value) is None:
            if value[1:] not in self.ids:
                raise TaskError(f"{where}: {value!r} names no record of world {self.name}")
            return self.ids[value[1:]]
        if isinstance(value, Mapping):
            return {name: self.resolve(item, where) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.resolve(item, where) for item in value]
        return value

    def resolve_text(self, text: str, where: str) -> str:
        """The text with every "{@key}" in it replaced by that record's id."""
        return _IN_TEXT.sub(lambda found: str(self.resolve("@" + found[1], where)), text)
