"""crm-gym db: a PostgreSQL server to play on and look into, started and stopped by hand."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, NoReturn

import tyro
from tyro.conf import FlagCreatePairsOff, Positional, arg

from crm_gym import postgres
from crm_gym.errors import UsageError, near_miss
from crm_gym.postgres import VARIABLE
from crm_gym.postgres_place import Place
from crm_gym.postgres_programs import ServerError, find_psql
from crm_gym.postgres_server import APP, take_down
from crm_gym.postgres_supervisor import is_ready, process_of

JSON = Any

OK, NOT_RUNNING = 0, 1

_PSQL_HELP = """\
usage: crm-gym db psql [--name NAME] [what psql takes]

Open psql on the server, as the application role. What follows goes to psql as it stands:

    crm-gym db psql -c 'select 1'
"""

_Name = Annotated[str, arg(metavar="NAME", help="which server", help_behavior_hint="(default if absent)")]
_AsJson = Annotated[bool, arg(name="json", help="print JSON instead", help_behavior_hint="")]
_Purge = Annotated[bool, arg(help="remove its data too", help_behavior_hint="")]
_Yes = Annotated[bool, arg(help=f"also where {VARIABLE} says which server", help_behavior_hint="")]
_Words = Annotated[
    tuple[str, ...], Positional, arg(metavar="COMMAND", help="up, status, psql, reset or down", help_behavior_hint="")
]


def up(name: _Name = "default") -> int:
    """Start the server unless it runs; it stays until crm-gym db down. Prints how to use it."""
    server = postgres.server(name, keep=True)
    server.stop()  # our use of it; the server stays
    if not server.running:
        raise ServerError(f"the server of {VARIABLE} does not answer: {shown(server.dsn)}")
    backend = f"os.environ[{VARIABLE!r}]" if server.place is None else repr(server.dsn)
    here = "" if name == "default" else f" --name {name}"
    whose = f"the one of {VARIABLE}" if server.place is None else f"data in {server.place.folder}"
    print(f"The server runs ({whose}).\n")
    print(f"    DSN     {shown(server.dsn)}")
    print(f'    play    gym.make("CrmEnv-v0", backend={backend})')
    print(f"    look    crm-gym db psql{here}")
    if server.place is not None:
        print(f"    stop    crm-gym db down{here}")
    return OK


def status(name: _Name = "default", as_json: _AsJson = False) -> int:
    """Say whether the server runs; the exit code is 0 if it does, 1 if not."""
    facts = _facts(name)
    if as_json:
        print(json.dumps(facts, indent=2))
    elif facts["running"]:
        print(f"The server {facts['name'] or 'of ' + VARIABLE} runs: {facts['dsn']}")
    else:
        print(f"The server {facts['name'] or 'of ' + VARIABLE} does not run.")
    return OK if facts["running"] else NOT_RUNNING


def reset(name: _Name = "default", yes: _Yes = False) -> int:
    """Drop every schema of the application role, with all that is in it."""
    dsn = os.environ.get(VARIABLE)
    if dsn and not yes:
        raise UsageError(f"this would drop every schema of {shown(dsn)}, which {VARIABLE} names: add --yes if so")
    names = postgres.drop_schemas(dsn or _running(name).dsn(APP))
    print(f"dropped {len(names)} schemas" + (f": {', '.join(names)}" if names else ""))
    return OK


def down(name: _Name = "default", purge: _Purge = False) -> int:
    """Stop the server, whoever uses it; with --purge remove its data."""
    if os.environ.get(VARIABLE):
        raise UsageError(f"{VARIABLE} names a server that is not ours to stop; unset it to stop the private one")
    place = postgres.place_of(name)
    there = place.folder.exists()
    ran = take_down(place, purge=purge)
    words = "The server has stopped" if ran else "The server did not run"
    print(f"{words}; its data are removed." if purge and there else f"{words}.")
    return OK


def psql(words: Sequence[str]) -> int:
    """Become psql on the server, with further arguments passed on as they are."""
    if words and words[0] in ("--help", "-h"):
        print(_PSQL_HELP, end="")
        return OK
    name = "default"
    if words and words[0].partition("=")[0] == "--name":
        _, equals, name = words[0].partition("=")
        if not equals and len(words) < 2:
            raise UsageError("--name wants the name of a server")
        name, words = (name, words[1:]) if equals else (words[1], words[2:])
    dsn = os.environ.get(VARIABLE)
    program = find_psql() if dsn else _running(name).programs().psql
    if program is None:
        raise ServerError("there is no psql on this machine: install the package postgresql-client of your system")
    _become([str(program), _without_password(dsn or _running(name).dsn(APP)), *words])


COMMANDS: dict[str, Callable[..., int]] = {"up": up, "status": status, "psql": psql, "reset": reset, "down": down}


def db(words: _Words = (), /) -> int:
    """Start, look into and stop a PostgreSQL server to play on: up, status, psql, reset, down.

    For example:

        crm-gym db up --help
        crm-gym db psql --help
        crm-gym db down --help
    """
    if not words:
        raise UsageError(f"a command is missing; known are {', '.join(COMMANDS)} (see crm-gym db --help)")
    raise UsageError(f"there is no command db {words[0]!r}; {near_miss(words[0], COMMANDS)}")


def run(words: Sequence[str]) -> int:
    """Run `crm-gym db` with its further words; gives the exit code.

    Raises:
        UsageError: A word is wrong, or no server can be had.
    """
    config = (FlagCreatePairsOff,)
    try:
        postgres.need_psycopg()
        if not words or words[0] not in COMMANDS:
            return int(tyro.cli(db, prog="crm-gym db", args=words, config=config))
        if words[0] == "psql":  # whose options are not ours to read
            return psql(words[1:])
        return int(tyro.cli(COMMANDS[words[0]], prog=f"crm-gym db {words[0]}", args=words[1:], config=config))
    except ServerError as fault:
        raise UsageError(str(fault)) from fault


def shown(dsn: str) -> str:
    """A DSN fit to be printed: without its password."""
    from psycopg.conninfo import make_conninfo

    parts = _parts(dsn)
    return make_conninfo("", **(parts | {"password": "***"})) if "password" in parts else dsn


def _without_password(dsn: str) -> str:
    """The DSN for a command line, which everybody on the machine can read; a password goes to the environment."""
    from psycopg.conninfo import make_conninfo

    parts = _parts(dsn)
    if "password" not in parts:
        return dsn
    os.environ["PGPASSWORD"] = str(parts.pop("password"))
    return make_conninfo("", **parts)


def _parts(dsn: str) -> dict[str, JSON]:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict

    try:
        return dict(conninfo_to_dict(dsn))
    except psycopg.ProgrammingError:  # its message may quote the password
        raise UsageError(f"{VARIABLE} is no DSN, such as postgresql://user@host:5432/database") from None


def _facts(name: str) -> dict[str, JSON]:
    if dsn := os.environ.get(VARIABLE):
        return {"name": "", "running": postgres.is_reachable(dsn), "dsn": shown(dsn), "folder": None, "pid": None}
    place = postgres.place_of(name)
    running = is_ready(place.data)
    return {
        "name": name,
        "running": running,
        "dsn": place.dsn(APP) if running else None,
        "folder": str(place.folder),
        "pid": process_of(place.data) if running else None,
    }


def _running(name: str) -> Place:
    place = postgres.place_of(name)
    if not is_ready(place.data):
        raise ServerError(f"the server {name!r} does not run: start it with crm-gym db up")
    return place


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    os.execv(command[0], command)
