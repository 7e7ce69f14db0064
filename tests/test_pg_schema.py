"""sql/ on a real server: what the database refuses by itself, what it accepts, that the seed comes back, and how
little the application role may do."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import uuid
from datetime import date, datetime
from pathlib import Path

import nasty
import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pydantic_core import PydanticCustomError

from crm_gym import ddl
from crm_gym.postgres_programs import find_psql
from crm_gym.schema import TABLES
from crm_gym.tasks.sandbox_world import sandbox_world

ROOT = Path(__file__).resolve().parent.parent
IDS = sandbox_world().ids
NEW = "00000000-0000-4000-8000-00000000000"  # and one more digit: ids of no record
PASSWORD = "it's \\ a password"


@pytest.fixture(scope="module")
def psql():
    found = find_psql()
    assert found, "there is no psql on this machine: install the package postgresql-client of your system"
    return str(found)


@pytest.fixture(scope="module")
def role():
    return f"crm_app_{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def database(pg_server, psql, role):
    """The DSN of a database of its own, as the superuser, set up from sql/ as docker-compose.yml has it."""
    name = f"crm_sql_{uuid.uuid4().hex[:12]}"
    dsn = make_conninfo(pg_server.admin_dsn, dbname=name)
    with psycopg.connect(pg_server.admin_dsn, autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(name)))
        try:
            for file in sorted((ROOT / "sql").glob("*.sql")):
                run_file(psql, dsn, file, role)
            yield dsn
        finally:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
            admin.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(role)))


def run_file(psql, dsn, file, role):
    command = [psql, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", str(file)]
    env = {**os.environ, "DB_USER": role, "DB_PASSWORD": PASSWORD}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def connection(database, role):
    """A connection that acts as the application role and sees its tables by their bare names."""
    with psycopg.connect(database, autocommit=True) as one:
        one.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(role)))
        one.execute("SET search_path = crm")
        one.execute("SET timezone = 'UTC'")
        yield one


@pytest.fixture
def db(connection):
    """The same in a transaction that is rolled back after the test."""
    with connection.transaction(force_rollback=True):
        yield connection


def rows(db, statement):
    return db.execute(statement).fetchall()


def keyed(statement):
    """A statement with {key} replaced by the quoted id of that record of the sandbox, {1} by an unused id."""
    ids = {key.replace("-", "_"): f"'{record}'" for key, record in IDS.items()}
    return statement.format(None, f"'{NEW}1'", f"'{NEW}2'", **ids)


# What the database refuses

CLIENT = "INSERT INTO clients (client_id, name, email, status) VALUES ({1}, "
DEAL = "INSERT INTO opportunities (opportunity_id, name, client_id, amount, stage) VALUES ({1}, 'Deal', "
QUOTE = "INSERT INTO quotes (quote_id, opportunity_id, amount, status) VALUES ({1}, "
FILE = "INSERT INTO documents (document_id, entity_type, entity_id, file_name) VALUES ({1}, "
NOTE = "INSERT INTO notes (note_id, entity_type, entity_id, content) VALUES ({1}, "

ILLEGAL = {
    "a name that is missing": (CLIENT + "NULL, 'a@b.example', 'Active')", "name"),
    "a blank name": (CLIENT + "'\u2003 ', 'a@b.example', 'Active')", "clients_name_blank"),
    "a name that is too long": (CLIENT + "repeat('x', 201), 'a@b.example', 'Active')", "clients_name_text_too_long"),
    "a control character": (CLIENT + "E'bell\\x07', 'a@b.example', 'Active')", "clients_name_text_invalid"),
    "a malformed e-mail": (CLIENT + "'X', 'a@b', 'Active')", "clients_email_email_format"),
    "a padded e-mail": (CLIENT + "'X', ' a@b.example', 'Active')", "clients_email_email_format"),
    "a taken e-mail": (
        CLIENT + "'X', 'OFFICE@OHANLON-Joinery.example', 'Active')",
        "clients_email_duplicate_email",
    ),
    "an e-mail that is taken by change": (
        "UPDATE clients SET email = 'Hello@Petrakis-Marine.example' WHERE client_id = {sakura}",
        "clients_email_duplicate_email",
    ),
    "a status in lower case": (CLIENT + "'X', 'a@b.example', 'active')", "clients_status_enum_value"),
    "a padded status": (CLIENT + "'X', 'a@b.example', 'Active ')", "clients_status_enum_value"),
    "a client without an id": (
        "INSERT INTO clients (name, email, status) VALUES ('X', 'a@b.example', 'Active')",
        "client_id",
    ),
    "an id that is taken": (
        "INSERT INTO clients (client_id, name, email, status) VALUES ({sakura}, 'X', 'a@b.example', 'Active')",
        "clients_pkey",
    ),
    "a contact of no client": (
        "INSERT INTO contacts (contact_id, first_name, last_name, client_id) VALUES ({1}, 'A', 'B', {2})",
        "contacts_client_id_not_found",
    ),
    "a contact of a deal": (
        "INSERT INTO contacts (contact_id, first_name, last_name, client_id) VALUES ({1}, 'A', 'B', {steam})",
        "contacts_client_id_not_found",
    ),
    "a deal of no client": (DEAL + "{2}, 10, 'Proposal')", "opportunities_client_id_not_found"),
    "an amount of 0": (DEAL + "{sakura}, 0, 'Proposal')", "opportunities_amount_amount_not_positive"),
    "a negative amount": (QUOTE + "{steam}, -5, 'Draft')", "quotes_amount_amount_not_positive"),
    "an amount over the ceiling": (
        DEAL + "{sakura}, 10000000.01, 'Proposal')",
        "opportunities_amount_amount_above_ceiling",
    ),
    "an amount that is no number": (DEAL + "{sakura}, 'NaN', 'Proposal')", "opportunities_amount_amount_above_ceiling"),
    "an endless amount": (QUOTE + "{steam}, 'Infinity', 'Draft')", "quotes_amount_amount_above_ceiling"),
    "a third decimal": (DEAL + "{sakura}, 10.005, 'Proposal')", "opportunities_amount_amount_precision"),
    "a third decimal of a contract": (
        "UPDATE contracts SET value = 1.001 WHERE contract_id = {frame_c}",
        "contracts_value_amount_precision",
    ),
    "a misspelt stage": (DEAL + "{sakura}, 10, 'Closed Won')", "opportunities_stage_enum_value"),
    "probability 0": (
        "UPDATE opportunities SET probability = 0 WHERE opportunity_id = {steam}",
        "opportunities_probability_probability_range",
    ),
    "probability 100": (
        "UPDATE opportunities SET probability = 100 WHERE opportunity_id = {steam}",
        "opportunities_probability_probability_range",
    ),
    "an endless date": (
        "UPDATE opportunities SET close_date = 'infinity' WHERE opportunity_id = {steam}",
        "opportunities_close_date_date_format",
    ),
    "a quote of no deal": (QUOTE + "{sakura}, 10, 'Draft')", "quotes_opportunity_id_not_found"),
    "an unknown quote status": (QUOTE + "{steam}, 10, 'Open')", "quotes_status_enum_value"),
    "a contract that ends before it starts": (
        "UPDATE contracts SET end_date = '2025-12-31' WHERE contract_id = {frame_c}",
        "contracts_end_date_date_order",
    ),
    "an address that is no web address": (
        "UPDATE contracts SET document_url = 'ftp://files.example/x' WHERE contract_id = {frame_c}",
        "contracts_document_url_url_format",
    ),
    "an unknown contract status": (
        "UPDATE contracts SET status = 'Ended' WHERE contract_id = {frame_c}",
        "contracts_status_enum_value",
    ),
    "a company of unknown type": (
        "UPDATE companies SET type = 'Customer' WHERE company_id = {guild}",
        "companies_type_enum_value",
    ),
    "a blank name in a list": (
        "UPDATE companies SET contacts = ARRAY['Noor', ' '] WHERE company_id = {guild}",
        "companies_contacts_text_invalid",
    ),
    "a missing name in a list": (
        "UPDATE companies SET contacts = ARRAY['Noor', NULL] WHERE company_id = {guild}",
        "companies_contacts_text_invalid",
    ),
    "a list of lists": (
        "UPDATE companies SET contacts = ARRAY[ARRAY['Noor'], ARRAY['Sean']] WHERE company_id = {guild}",
        "companies_contacts_text_invalid",
    ),
    "a file name with a slash": (FILE + "'Client', {sakura}, '../x.pdf')", "documents_file_name_file_name_characters"),
    "a file of another kind": (FILE + "'Client', {sakura}, 'x.exe')", "documents_file_name_file_extension_unsupported"),
    "a file without extension": (FILE + "'Client', {sakura}, 'pdf')", "documents_file_name_file_extension_unsupported"),
    "a file of an unknown entity": (FILE + "'Company', {guild}, 'x.pdf')", "documents_entity_type_enum_value"),
    "a file of no record": (FILE + "'Quote', {1}, 'x.pdf')", "not_found"),
    "a file of another entity's record": (FILE + "'Quote', {sakura}, 'x.pdf')", "not_found"),
    "a time with a fraction": (
        "INSERT INTO documents (document_id, entity_type, entity_id, file_name, uploaded_at)"
        " VALUES ({1}, 'Client', {sakura}, 'x.pdf', '2025-10-30T09:00:00.5Z')",
        "documents_uploaded_at_date_format",
    ),
    "a note on no record": (NOTE + "'Contact', {sakura}, 'Hello')", "not_found"),
    "a blank note": (NOTE + "'Client', {sakura}, E' \\n')", "notes_content_blank"),
    "a note that is too long": (NOTE + "'Client', {sakura}, repeat('x', 4001))", "notes_content_text_too_long"),
    "a closed deal's amount": (
        "UPDATE opportunities SET amount = 1 WHERE opportunity_id = {bench}",
        "closed_deal_locked",
    ),
    "a closed deal's stage": (
        "UPDATE opportunities SET stage = 'Proposal' WHERE opportunity_id = {gauge}",
        "closed_deal_locked",
    ),
    "a closed deal's day": (
        "UPDATE opportunities SET close_date = NULL WHERE opportunity_id = {gauge}",
        "closed_deal_locked",
    ),
    "a closed deal's chance": (
        "UPDATE opportunities SET probability = 5 WHERE opportunity_id = {clean}",
        "closed_deal_locked",
    ),
    "a closed deal's client": (
        "UPDATE opportunities SET client_id = {sakura} WHERE opportunity_id = {clean}",
        "closed_deal_locked",
    ),
    "a changed id": ("UPDATE companies SET company_id = {1} WHERE company_id = {guild}", "immutable_field"),
    "a changed time of making": (
        "UPDATE clients SET created_date = '2020-01-01T00:00:00Z' WHERE client_id = {sakura}",
        "immutable_field",
    ),
    "an emptied time of upload": (
        "UPDATE documents SET uploaded_at = NULL WHERE document_id = {d_steam}",
        "immutable_field",
    ),
    "a changed place": ("UPDATE notes SET seq = 99 WHERE note_id = {n_opp}", "immutable_field"),
    "a contact of another client": (
        "UPDATE contacts SET client_id = {sakura} WHERE contact_id = {awa}",
        "immutable_field",
    ),
    "a quote of another deal": (
        "UPDATE quotes SET opportunity_id = {cnc} WHERE quote_id = {fume_v1}",
        "immutable_field",
    ),
    "a contract of another client": (
        "UPDATE contracts SET client_id = {sakura} WHERE contract_id = {frame_c}",
        "immutable_field",
    ),
    "a contract of another deal": (
        "UPDATE contracts SET opportunity_id = {cnc} WHERE contract_id = {bench_c}",
        "immutable_field",
    ),
    "a contract that is given a deal": (
        "UPDATE contracts SET opportunity_id = {steam} WHERE contract_id = {frame_c}",
        "immutable_field",
    ),
    "a contract that drops its deal": (
        "UPDATE contracts SET opportunity_id = NULL WHERE contract_id = {bench_c}",
        "immutable_field",
    ),
    "a note on another record": (
        "UPDATE notes SET entity_id = {steam} WHERE note_id = {n_opp}",
        "immutable_field",
    ),
    "a file of another kind of record": (
        "UPDATE documents SET entity_type = 'Quote' WHERE document_id = {d_steam}",
        "immutable_field",
    ),
    "a client that goes while a contact stays": (
        "DELETE FROM clients WHERE client_id = {ndiaye}",
        "contacts_client_id_not_found",
    ),
    "a client that goes while a contract stays": (
        "DELETE FROM clients WHERE client_id = {petrakis}",
        "contracts_client_id_not_found",
    ),
    "truncating past the triggers": ("TRUNCATE clients CASCADE", "still_referenced"),
}


@pytest.mark.parametrize(("statement", "names"), ILLEGAL.values(), ids=ILLEGAL)
def test_refused(db, statement, names):
    with pytest.raises(errors.IntegrityError) as caught:
        db.execute(keyed(statement))
    said = caught.value.diag
    assert names in (said.constraint_name, said.column_name)


def test_at_least_twenty_kinds_are_refused():
    assert len({names for _, names in ILLEGAL.values()}) >= 20


@pytest.mark.parametrize(
    ("statement", "error"),
    [
        ("UPDATE opportunities SET probability = 'forty' WHERE opportunity_id = {steam}", errors.DataError),
        ("UPDATE opportunities SET close_date = '2025-02-30' WHERE opportunity_id = {steam}", errors.DataError),
        ("UPDATE opportunities SET amount = '12,000 EUR' WHERE opportunity_id = {steam}", errors.DataError),
        ("UPDATE opportunities SET client_id = 'sakura' WHERE opportunity_id = {steam}", errors.DataError),
        ("UPDATE opportunities SET name = 7::int4range WHERE opportunity_id = {steam}", errors.ProgrammingError),
    ],
)
def test_values_of_another_type_are_refused(db, statement, error):
    with pytest.raises(error):
        db.execute(keyed(statement))


def test_a_refused_write_changes_nothing(connection):
    before = digests(connection)
    for statement, _ in ILLEGAL.values():
        with pytest.raises(errors.IntegrityError):
            connection.execute(keyed(statement))
    assert digests(connection) == before


def test_guards_hold_whatever_the_search_path(db):
    db.execute("SET LOCAL search_path = pg_catalog")
    with pytest.raises(errors.IntegrityError, match="not_found"), db.transaction():
        db.execute(keyed(NOTE.replace("notes", "crm.notes", 1) + "'Client', {1}, 'Hello')"))
    db.execute(keyed("DELETE FROM crm.opportunities WHERE opportunity_id = {grind}"))
    assert rows(db, keyed("SELECT FROM crm.notes WHERE entity_id = {grind}")) == []


# What the database accepts

LEGAL = {
    "the least a client needs": CLIENT + "'Ünïcode 株式会社 👍', 'new@firm.example', 'Prospect')",
    "the least a contact needs": (
        "INSERT INTO contacts (contact_id, first_name, last_name, client_id) VALUES ({1}, 'A', 'B', {sakura})"
    ),
    "the least a deal needs": DEAL + "{sakura}, 0.01, 'Prospecting')",
    "a deal at the ceiling": DEAL + "{sakura}, 10000000, 'Closed-Won')",
    "an amount with zeros behind": DEAL + "{sakura}, 10.5000, 'Proposal')",
    "the least a quote needs": QUOTE + "{steam}, 10, 'Draft')",
    "the least a contract needs": "INSERT INTO contracts (contract_id, client_id) VALUES ({1}, {sakura})",
    "a contract of one day": "UPDATE contracts SET end_date = start_date WHERE contract_id = {frame_c}",
    "the least a company needs": "INSERT INTO companies (company_id, name) VALUES ({1}, 'X')",
    "an empty list": "UPDATE companies SET contacts = '{{}}' WHERE company_id = {guild}",
    "no list": "UPDATE companies SET contacts = NULL WHERE company_id = {guild}",
    "the least a file needs": FILE + "'Contract', {frame_c}, 'A.b-C_1.PDF')",
    "the least a note needs": NOTE + "'Contact', {awa}, E'two\\nlines')",
    "an e-mail in another case by its owner": (
        "UPDATE clients SET email = 'COMPRAS@quimicadelsur.example' WHERE client_id = {quimica}"
    ),
    "a contact's e-mail that a client has": (
        "UPDATE contacts SET email = 'hello@petrakis-marine.example' WHERE contact_id = {awa}"
    ),
    "an empty optional text": "UPDATE clients SET phone = '' WHERE client_id = {sakura}",
    "a closed deal's name, owner and notes": (
        "UPDATE opportunities SET name = 'X', owner = 'Y', notes = 'Z' WHERE opportunity_id = {bench}"
    ),
    "closing a deal": "UPDATE opportunities SET stage = 'Closed-Won', amount = 5 WHERE opportunity_id = {steam}",
    "an open deal of another client": "UPDATE opportunities SET client_id = {sakura} WHERE opportunity_id = {steam}",
    "a client nobody depends on": CLIENT + "'X', 'x@x.example', 'Active'); DELETE FROM clients WHERE client_id = {1}",
}


@pytest.mark.parametrize("statement", LEGAL.values(), ids=LEGAL)
def test_accepted(db, statement):
    assert db.execute(keyed(statement)).rowcount == 1


def test_a_contract_is_pending_unless_said(db):
    db.execute(keyed("INSERT INTO contracts (contract_id, client_id) VALUES ({1}, {sakura})"))
    assert rows(db, keyed("SELECT status FROM contracts WHERE contract_id = {1}")) == [("Pending",)]


def test_rows_by_hand_come_after_the_others(db):
    db.execute(keyed(CLIENT + "'X', 'x@x.example', 'Active')"))
    assert rows(db, "SELECT name FROM clients ORDER BY seq DESC LIMIT 1") == [("X",)]


def test_a_deal_takes_along_what_hangs_on_it_and_its_contract_stays(db):
    db.execute(keyed(FILE + "'Quote', {bench_v1}, 'q.pdf')"))
    db.execute(keyed(NOTE + "'Opportunity', {bench}, 'deal')"))
    db.execute(keyed("DELETE FROM opportunities WHERE opportunity_id = {bench}"))
    gone = ("quotes WHERE quote_id = {bench_v1}", "documents WHERE document_id = {1}", "notes WHERE note_id = {1}")
    assert [rows(db, keyed(f"SELECT FROM {one}")) for one in gone] == [[], [], []]
    contract = rows(db, keyed("SELECT opportunity_id, status FROM contracts WHERE contract_id = {bench_c}"))
    assert contract == [(None, "Active")]


def test_a_client_takes_along_its_files_and_notes_only(db):
    before = rows(db, "SELECT count(*) FROM notes")[0][0]
    db.execute(keyed(CLIENT + "'X', 'x@x.example', 'Active')"))
    db.execute(keyed(NOTE + "'Client', {1}, 'hello')"))
    db.execute(keyed("DELETE FROM clients WHERE client_id = {1}"))
    assert rows(db, "SELECT count(*) FROM notes")[0][0] == before


def test_the_index_on_emails_is_found_however_trim_is_written(db):
    db.execute("SET LOCAL enable_seqscan = off")
    for normal in ("lower(btrim(email))", "lower(trim(email))"):
        plan = db.execute(f"EXPLAIN SELECT client_id FROM clients WHERE {normal} = %s", ("a@b.example",)).fetchall()
        assert "clients_email_duplicate_email" in str(plan)


# The checks and the atoms say the same


def accepted(atom, value):
    try:
        return atom.check(value) == value
    except PydanticCustomError:
        return False


def corpus(pieces, number, seed):
    """Texts put together from pieces, the nasty ones and single characters."""
    rng = random.Random(seed)
    odd = ["", " ", "\t", "\n", "\x1f", "\x7f", "\x85", "\xa0", "\u2028", "\u3000", "é", "ß", "桜", "👍", "-", ".", "@"]
    made = ["".join(rng.choices([*pieces, *odd], k=rng.randint(0, 7))) for _ in range(number)]
    plain = ["".join(rng.choices(pieces, k=rng.randint(1, 9))) for _ in range(number)]
    nasty_texts = [text for text in nasty.TEXTS if not any(c == "\0" or "\ud800" <= c <= "\udfff" for c in text)]
    return [*made, *plain, *nasty_texts]


EMAIL = ["a", "Z9", "-", ".", "@", "@", "b", ".example", ".co", "+", "'", "!#$%&*/=?^_`{|}~", "x" * 63, "x" * 64]
URL = [
    "http",
    "https",
    "HTTPS",
    "://",
    "://",
    "a",
    "-",
    ".",
    "b.example",
    ":80",
    ":123456",
    "/",
    "?q=1",
    "#f",
    "~",
    "%",
]
NAMES = ["report", "A", "1", ".", "_", "-", ".pdf", ".PDF", ".Docx", ".exe", ".key", "x" * 250, " ", "/"]
TEXT = ["x", "X y", "'", '"', "\\", "%", "_", "x" * 199, "x" * 200, "y" * 4000]


@pytest.mark.parametrize(
    ("entity", "field", "pieces"),
    [
        ("Client", "email", EMAIL),
        ("Contract", "document_url", URL),
        ("Document", "file_name", NAMES),
        ("Client", "name", TEXT),
        ("Client", "industry", TEXT),
        ("Note", "content", TEXT),
        ("Contact", "notes", TEXT),
        ("Company", "type", ["Partner", "Vendor", "Competitor", "partner"]),
    ],
)
def test_checks_accept_what_the_atoms_accept(db, entity, field, pieces):
    values = corpus(pieces, 1500, f"{entity}.{field}")
    table = TABLES[entity]
    tests = [test for name, test in ddl.checks(table) if name.startswith(f"{table.plural}_{field}_")]
    kind = ddl.column_type(table.column(field))
    condition = ") AND (".join(tests).replace("%", "%%")
    query = (
        f"SELECT array_agg(({condition}) ORDER BY place) FROM"
        f" (SELECT one::{kind} AS {field}, place FROM unnest(%s::text[]) WITH ORDINALITY AS all_of (one, place)) AS x"
    )
    (verdicts,) = db.execute(query, (values,), prepare=False).fetchone()
    atom = table.column(field).atom
    assert [v for v, said in zip(values, verdicts, strict=True) if said != accepted(atom, v)] == []
    assert {True, False} == set(verdicts)


@pytest.mark.parametrize(
    "names",
    [[], ["a"], ["é", "桜"], [""], [" "], ["a", "\u3000"], ["x" * 200], ["x" * 201], ["a\nb"], ["a\x1fb"], ["a,b"]],
)
def test_lists_are_accepted_as_the_atom_accepts_them(db, names):
    atom = TABLES["Company"].column("contacts").atom
    (said,) = db.execute("SELECT clean_names(%s::text[])", (names,)).fetchone()
    try:
        atom.check(names)
    except PydanticCustomError:
        assert not said
    else:
        assert said


@pytest.mark.parametrize(
    "value", ["'", "\\", "\\'", "a''b", "E'\\\\", "\n\r\t", "$$;--", "%s {0} :x", "é 桜 👍 \u202e", ""]
)
@pytest.mark.parametrize("conforming", ["on", "off"])
def test_literals_mean_what_they_hold(db, value, conforming):
    db.execute(f"SET LOCAL standard_conforming_strings = {conforming}")
    db.execute("SET LOCAL escape_string_warning = off")
    assert db.execute(f"SELECT {ddl.literal(value)}, {ddl.literal((value, 'b'))}").fetchone() == (value, [value, "b"])


# The seed


def digests(db):
    """One digest for each table, over all columns, rows in creation order."""
    text = "SELECT md5(string_agg(t::text, E'\\n' ORDER BY seq)), count(*) FROM crm.{} AS t"
    return {table.name: db.execute(text.format(table.plural)).fetchone() for table in TABLES.values()}


def checksums(db):
    """The same, and where the numbering of each table stands."""
    return digests(db) | {table.plural: numbering(db, table) for table in TABLES.values()}


def numbering(db, table):
    (sequence,) = db.execute("SELECT pg_get_serial_sequence(%s, 'seq')", (f"crm.{table.plural}",)).fetchone()
    return db.execute(f"SELECT last_value, is_called FROM {sequence}").fetchone()


def seed(psql, dsn, *arguments, root=ROOT, **env):
    """Run scripts/db_seed.sh on a database."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DB_", "PG"))}
    given = {"PSQL": psql} | ({"CRM_GYM_PG_DSN": dsn} if dsn else {"CRM_GYM_PG_DSN": ""}) | env
    command = [str(root / "scripts" / "db_seed.sh"), *arguments]
    return subprocess.run(command, env={**kept, **given}, capture_output=True, text=True, timeout=60)


@pytest.fixture
def seeded(psql, database, connection):
    """The state to come back to; the test may leave what it likes."""
    assert seed(psql, database).returncode == 0
    yield checksums(connection)
    done = seed(psql, database, "--rebuild")
    assert done.returncode == 0, done.stderr


ROW_FORM = {
    uuid.UUID: str,
    date: str,
    datetime: lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ"),
    list: tuple,
}


def test_the_seed_is_the_sandbox_row_by_row(db):
    for name, table in TABLES.items():
        names = ", ".join(column.name for column in table.columns)
        found = rows(db, f"SELECT {names} FROM {table.plural} ORDER BY seq")
        made = [table.row(*(ROW_FORM.get(type(value), lambda same: same)(value) for value in row)) for row in found]
        assert made == list(sandbox_world().crm.find(name))


def test_tables_belong_to_the_application_role(connection, role):
    owners = rows(connection, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'crm'")
    assert owners == [(role,)]


TAMPERING = {
    "nothing": "SELECT",
    "changed rows": "UPDATE clients SET name = 'X', owner = NULL; UPDATE quotes SET amount = 1",
    "removed rows": "DELETE FROM opportunities; DELETE FROM contacts; DELETE FROM companies",
    "everything removed": "DELETE FROM contracts; DELETE FROM opportunities; DELETE FROM contacts; DELETE FROM clients",
    "new rows": keyed(CLIENT + "'X', 'x@x.example', 'Active'); " + NOTE + "'Client', {1}, 'x')"),
    "a taken e-mail, then another": keyed(
        "UPDATE clients SET email = 'z@z.example' WHERE client_id = {sakura};"
        + CLIENT
        + "'X', 'contact@sakurai-seimitsu.example', 'Active')"
    ),
    "rows in another place": (
        "CREATE TABLE kept AS SELECT * FROM notes; DELETE FROM notes;"
        " INSERT INTO notes OVERRIDING SYSTEM VALUE SELECT * FROM kept ORDER BY seq DESC; DROP TABLE kept"
    ),
    "numbering": "SELECT setval(pg_get_serial_sequence('notes', 'seq'), 5000)",
    "guards switched off": "ALTER TABLE opportunities DISABLE TRIGGER USER; UPDATE opportunities SET seq = seq + 100",
}


@pytest.mark.parametrize("statement", TAMPERING.values(), ids=TAMPERING)
def test_seeding_again_restores_the_exact_state(psql, database, connection, seeded, statement):
    connection.execute(statement)
    done = seed(psql, database)
    assert done.returncode == 0, done.stderr
    assert checksums(connection) == seeded


def test_a_rebuild_restores_the_tables_too(psql, database, connection, seeded, role):
    connection.execute("DROP TABLE notes; ALTER TABLE clients ADD COLUMN extra text DEFAULT 'x'")
    done = seed(psql, database)
    assert done.returncode == 1
    assert "nothing was changed" in done.stderr
    assert "scripts/db_seed.sh --rebuild" in done.stderr
    done = seed(psql, database, "--rebuild")
    assert done.returncode == 0, done.stderr
    assert checksums(connection) == seeded
    test_tables_belong_to_the_application_role(connection, role)


def test_settings_come_from_the_environment_then_from_the_file(psql, database, connection, seeded, tmp_path):
    shutil.copytree(ROOT / "sql", tmp_path / "sql")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts" / "db_seed.sh", tmp_path / "scripts")
    part = conninfo_to_dict(database)
    (tmp_path / ".env").write_text(
        f"# mine\nDB_HOST={part.get('host', 'localhost')}\nDB_PORT='{part.get('port', 5432)}'\r\n"
        f'DB_NAME="{part["dbname"]}"\nDB_USER={part.get("user", "postgres")}\n'
        f"DB_PASSWORD={part.get('password', 'none')}\n",
        encoding="utf-8",
    )
    connection.execute("DELETE FROM notes")
    done = seed(psql, None, root=tmp_path)
    assert done.returncode == 0, done.stderr
    assert checksums(connection) == seeded
    done = seed(psql, None, root=tmp_path, DB_NAME="crm_no_such_database")
    assert done.returncode == 1
    assert "no connection to crm_no_such_database on" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "env", "said"),
    [
        (["--all"], {}, "unknown arguments: --all"),
        ([], {"PSQL": "no-such-psql"}, "no-such-psql was not found"),
        ([], {"CRM_GYM_PG_DSN": "host=/nowhere"}, "no connection to the database of CRM_GYM_PG_DSN"),
    ],
)
def test_what_is_wrong_is_said_with_a_way_out(psql, arguments, env, said):
    done = seed(psql, None, *arguments, **env)
    assert done.returncode == 1
    assert f"FAILED: {said}" in done.stderr
    assert "Way out: " in done.stderr


def test_help_is_the_head_of_the_script(psql):
    done = seed(psql, None, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Put the rows of the sandbox")
    assert "--rebuild" in done.stdout
    assert "set -euo" not in done.stdout


# Least privilege

ATTEMPTS = {
    "reading passwords": "SELECT rolpassword FROM pg_authid",
    "reading subscriptions' secrets": "SELECT subconninfo FROM pg_subscription",
    "writing the catalogue": "UPDATE pg_class SET relowner = relowner",
    "running a program": "COPY (SELECT 1) TO PROGRAM 'cat'",
    "reading from a program": "COPY pg_temp_none FROM PROGRAM 'id'",
    "reading a file by COPY": "COPY pg_temp_none FROM '/etc/passwd'",
    "writing a file by COPY": "COPY (SELECT 1) TO '/dev/null'",
    "reading a file": "SELECT pg_read_file('/etc/passwd')",
    "reading a binary file": "SELECT pg_read_binary_file('PG_VERSION')",
    "listing a folder": "SELECT pg_ls_dir('.')",
    "loading a file as a large object": "SELECT lo_import('/etc/passwd')",
    "saving a large object as a file": "SELECT lo_export(1, '/dev/null')",
    "reading all large objects": "SELECT * FROM pg_largeobject",
    "a function in C": "CREATE FUNCTION crm_test_own.evil() RETURNS int LANGUAGE c AS 'libc', 'getpid'",
    "an internal function": "CREATE FUNCTION crm_test_own.evil() RETURNS int LANGUAGE internal AS 'pg_backend_pid'",
    "a language": "CREATE LANGUAGE evil HANDLER plpgsql_call_handler",
    "loading a library": "LOAD '/usr/lib/none'",
    "a role": "CREATE ROLE evil",
    "a superuser": "ALTER ROLE CURRENT_USER SUPERUSER",
    "joining those who run programs": "GRANT pg_execute_server_program TO CURRENT_USER",
    "joining those who read files": "GRANT pg_read_server_files TO CURRENT_USER",
    "being the superuser": "SET ROLE {admin}",
    "a database": "CREATE DATABASE evil",
    "dropping a database": "DROP DATABASE template1",
    "taking a database": "ALTER DATABASE {database} OWNER TO CURRENT_USER",
    "settings of the server": "ALTER SYSTEM SET max_connections = 1",
    "reloading the server": "SELECT pg_reload_conf()",
    "switching triggers off": "SET session_replication_role = replica",
    "hiding from the log": "SET log_min_messages = panic",
    "stopping the superuser's session": "SELECT pg_terminate_backend({pid})",
    "cancelling the superuser's query": "SELECT pg_cancel_backend({pid})",
    "a checkpoint": "CHECKPOINT",
    "a tablespace": "CREATE TABLESPACE evil LOCATION '/nowhere'",
    "a publication of everything": "CREATE PUBLICATION evil FOR ALL TABLES",
    "an event trigger": "CREATE EVENT TRIGGER evil ON sql_drop EXECUTE FUNCTION evil()",
    "a foreign data wrapper": "CREATE FOREIGN DATA WRAPPER evil",
    "a table in the common schema": "CREATE TABLE public.evil (x int)",
    "a temporary table": "CREATE TEMPORARY TABLE evil (x int)",
    "reading another's table": "SELECT * FROM others.secret",
    "writing another's table": "INSERT INTO others.secret VALUES (1)",
    "altering another's table": "ALTER TABLE others.secret ADD COLUMN y int",
    "dropping another's table": "DROP TABLE others.secret",
    "a table in another's schema": "CREATE TABLE others.evil (x int)",
    "dropping another's schema": "DROP SCHEMA others CASCADE",
    "replacing another's function": "CREATE OR REPLACE FUNCTION others.f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
    "taking another's table": "ALTER TABLE others.secret OWNER TO CURRENT_USER",
    "a trigger on another's table": (
        "CREATE TRIGGER evil BEFORE INSERT ON others.secret EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
}


@pytest.fixture(scope="module")
def attempt(pg_server, request, database, role):
    """Runs a statement as the application role: that of the server, or that of docker-compose.yml."""
    composed = request.param == "compose"
    dsn = database if composed else make_conninfo(pg_server.admin_dsn, dbname=conninfo_to_dict(pg_server.dsn)["dbname"])
    with psycopg.connect(dsn, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS others CASCADE; CREATE SCHEMA others; CREATE TABLE others.secret (x int)")
        admin.execute("CREATE FUNCTION others.f() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        names = {
            "admin": sql.Identifier(admin.info.user),
            "database": sql.Identifier(admin.info.dbname),
            "pid": sql.Literal(admin.info.backend_pid),
        }
        with psycopg.connect(dsn if composed else pg_server.dsn, autocommit=True) as app:
            if composed:  # the server lets nobody else log in
                app.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(role)))
            app.execute("CREATE SCHEMA crm_test_own; SET search_path = crm_test_own")
            yield lambda statement: app.execute(sql.SQL(statement).format(**names))
            app.execute("DROP SCHEMA crm_test_own CASCADE")
        admin.execute("DROP SCHEMA others CASCADE")


both_roles = pytest.mark.parametrize("attempt", ["server", "compose"], indirect=True)


@both_roles
@pytest.mark.parametrize("statement", ATTEMPTS.values(), ids=ATTEMPTS)
def test_the_application_role_may_not(attempt, statement):
    with pytest.raises(errors.InsufficientPrivilege):
        attempt(statement)


@both_roles
def test_the_application_role_is_nothing_special(attempt):
    flags = attempt(
        "SELECT rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls FROM pg_roles"
        " WHERE rolname = current_user"
    ).fetchone()
    assert flags == (False,) * 5
    assert attempt("SELECT FROM pg_auth_members WHERE member = current_user::regrole").fetchall() == []


@both_roles
def test_the_application_role_may_make_schemas_of_its_own(attempt):
    attempt("CREATE SCHEMA crm_test_other")
    attempt("CREATE TABLE crm_test_other.t (x int)")
    attempt("DROP SCHEMA crm_test_other CASCADE")


@pytest.mark.parametrize("attempt", ["server"], indirect=True)
def test_the_application_role_may_not_become_the_superuser(attempt):
    """On a login of its own: whoever began as a superuser may always go back."""
    with pytest.raises(errors.InsufficientPrivilege):
        attempt("SET SESSION AUTHORIZATION {admin}")


@both_roles
def test_the_application_role_may_install_no_extension_that_wants_a_superuser(attempt):
    untrusted = "SELECT DISTINCT name FROM pg_available_extension_versions WHERE superuser AND NOT trusted"
    for (name,) in attempt(untrusted).fetchall():
        with pytest.raises(errors.InsufficientPrivilege):
            attempt(f'CREATE EXTENSION "{name}" CASCADE')


@pytest.mark.parametrize("attempt", ["compose"], indirect=True)
@pytest.mark.parametrize(
    "statement", ["CREATE EXTENSION pgcrypto", "CREATE EXTENSION plperl", "CREATE LANGUAGE plperl"]
)
def test_not_even_trusted_extensions(attempt, statement):
    with pytest.raises(errors.InsufficientPrivilege, match="for superusers only"):
        attempt(statement)


def test_roles_may_be_run_again_but_not_for_the_superuser(psql, database, role, connection):
    file = ROOT / "sql" / "00_roles.sql"
    run_file(psql, database, file, role)
    admin = conninfo_to_dict(database).get("user") or connection.info.user
    with pytest.raises(AssertionError, match="DB_USER must be another role"):
        run_file(psql, database, file, admin)
