"""The law as PostgreSQL holds it by itself, against raw writes past the CRM: keys, date order and triggers.

Made of the same facts as `rules`; a refusal's constraint name is, or ends in, the refusal code. For databases that
people write to. An episode's own schema goes without: there the CRM is the only writer, and taking back a change
would break the law on the way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crm_gym.ddl import SEQ, foreign_keys_sql, literal, unique_sql
from crm_gym.entities import CLOSED_STAGES
from crm_gym.rules import LOCKED_WHEN_CLOSED, referrers
from crm_gym.schema import TABLES, Column, Table

# SET search_path FROM CURRENT: the functions find their tables whatever the search_path of the session that writes.
_REFUSE = """\
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%: %', TG_ARGV[0], TG_ARGV[1]
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_ARGV[0],
              TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;
END
$$;
"""


def guards_sql() -> str:
    """Foreign keys, uniqueness, contract dates, and the triggers; for the tables of `ddl.tables_sql`."""
    parts = [unique_sql(), foreign_keys_sql(), _date_order(), _REFUSE]
    for table in TABLES.values():
        parts += [_fixed(table), *_emptied_by_delete(table), *_attached_to(table), *_takes_along(table)]
    parts.append(_closed_deals())
    return "\n".join(parts)


def _date_order() -> str:
    return "ALTER TABLE contracts ADD CONSTRAINT contracts_end_date_date_order\n    CHECK (end_date >= start_date);\n"


def _changed(fields: Iterable[str]) -> str:
    return " OR ".join(f"OLD.{name} IS DISTINCT FROM NEW.{name}" for name in fields)


def _refusing_trigger(name: str, event: str, condition: str, code: str, sentence: str) -> str:
    return (
        f"CREATE TRIGGER {name} {event}\n    WHEN ({condition})\n"
        f"    EXECUTE FUNCTION refuse({literal(code)}, {literal(sentence)});\n"
    )


def _stays(table: Table, column: Column) -> bool:
    """Whether nobody may change the field: an id, a time, a reference that may not move, the kind it is read with."""
    kinds = {other.ref.to for other in table.columns if other.ref is not None and other.ref.by_field}
    return not column.mutable or column.name in kinds


def _fixed(table: Table) -> str:
    """Ids, times, places in creation order and references that may not move never change."""
    emptied = {column.name for column in table.columns if column.ref is not None and column.ref.on_delete == "empty"}
    names = [column.name for column in table.columns if _stays(table, column)]
    tests = [_changed([name]) if name not in emptied else _moved(name) for name in (*names, SEQ)]
    return _refusing_trigger(
        f"{table.plural}_fixed",
        f"BEFORE UPDATE ON {table.plural} FOR EACH ROW",
        "\n        OR ".join(tests),
        "immutable_field",
        f"{', '.join((*names, SEQ))} of {table.plural} cannot be changed",
    )


def _moved(name: str) -> str:
    """A reference that may be emptied, though not pointed elsewhere."""
    return f"NEW.{name} IS NOT NULL AND OLD.{name} IS DISTINCT FROM NEW.{name}"


def _emptied_by_delete(table: Table) -> Iterator[str]:
    """A reference that is emptied when its record goes is emptied by nothing else."""
    for column in table.columns:
        if column.ref is None or column.ref.on_delete != "empty":
            continue
        target = TABLES[column.ref.to]
        function = f"{table.plural}_{column.name}_kept"
        body = (
            f"    PERFORM FROM {target.plural} WHERE {target.key} = OLD.{column.name};\n"
            "    IF FOUND THEN\n"
            f"        {_raise('immutable_field', f'{column.name} of {table.plural} cannot be changed')}\n"
            "    END IF;\n"
            "    RETURN NEW;\n"
        )
        yield _function(function, body) + (
            f"CREATE TRIGGER {function} BEFORE UPDATE ON {table.plural} FOR EACH ROW\n"
            f"    WHEN (OLD.{column.name} IS NOT NULL AND NEW.{column.name} IS NULL)\n"
            f"    EXECUTE FUNCTION {function}();\n"
        )


def _function(name: str, body: str) -> str:
    return (
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$\n"
        f"BEGIN\n{body}END\n$$;\n"
    )


def _raise(code: str, sentence: str) -> str:
    return (
        f"RAISE EXCEPTION {literal(f'{code}: {sentence}')}\n"
        f"            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = {literal(code)},\n"
        "                  TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA;"
    )


def _attached_to(table: Table) -> Iterator[str]:
    """A reference to a record of any kind names one that is there; the record is locked as a foreign key would."""
    for column in table.columns:
        if column.ref is None or not column.ref.by_field:
            continue
        kind, function = column.ref.to, f"{table.plural}_{column.name}_found"
        sentence = f"{column.name} of {table.plural} must be the id of a record of that kind"
        cases = "".join(
            f"        WHEN {literal(name)} THEN\n"
            f"            PERFORM FROM {TABLES[name].plural} WHERE {TABLES[name].key} = NEW.{column.name}"
            " FOR KEY SHARE;\n"
            for name in table.column(kind).atom.schema["enum"]
        )
        body = (
            f"    CASE NEW.{kind}\n{cases}"
            "        ELSE RETURN NEW; -- no kind at all: the check of the column refuses it\n"
            "    END CASE;\n"
            "    IF NOT FOUND THEN\n"
            f"        {_raise('not_found', sentence)}\n"
            "    END IF;\n"
            "    RETURN NEW;\n"
        )
        yield _function(function, body) + (
            f"CREATE TRIGGER {function} BEFORE INSERT ON {table.plural} FOR EACH ROW\n"
            f"    EXECUTE FUNCTION {function}();\n"
        )


def _takes_along(table: Table) -> Iterator[str]:
    """When a record goes, what is attached to it goes too; TRUNCATE would leave it behind and is refused."""
    attached = [
        (TABLES[child], field) for child, field, _ in referrers(table.name) if _by_field(TABLES[child].column(field))
    ]
    if not attached:
        return
    function = f"{table.plural}_take_along"
    deletes = "".join(
        f"    DELETE FROM {child.plural}"
        f" WHERE {_kind(child, field)} = {literal(table.name)} AND {field} = OLD.{table.key};\n"
        for child, field in attached
    )
    yield _function(function, deletes + "    RETURN NULL;\n") + (
        f"CREATE TRIGGER {function} AFTER DELETE ON {table.plural} FOR EACH ROW\n    EXECUTE FUNCTION {function}();\n"
        f"CREATE TRIGGER {table.plural}_no_truncate BEFORE TRUNCATE ON {table.plural}\n"
        f"    EXECUTE FUNCTION refuse('still_referenced', 'use DELETE: {table.plural} take others along');\n"
    )


def _by_field(column: Column) -> bool:
    return column.ref is not None and column.ref.by_field


def _kind(table: Table, field: str) -> str:
    """The field that says of which kind the record is that another field refers to."""
    ref = table.column(field).ref
    assert ref is not None
    return ref.to


def _closed_deals() -> str:
    """A closed deal keeps its terms."""
    stages = ", ".join(map(literal, sorted(CLOSED_STAGES)))
    return _refusing_trigger(
        "opportunities_closed",
        "BEFORE UPDATE ON opportunities FOR EACH ROW",
        f"OLD.stage IN ({stages}) AND ({_changed(LOCKED_WHEN_CLOSED)})",
        "closed_deal_locked",
        f"{', '.join(LOCKED_WHEN_CLOSED)} of a closed deal cannot be changed",
    )
