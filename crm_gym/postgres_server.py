"""A private PostgreSQL server: made once, started, shared, stopped, removed.

Who may connect is asked of the kernel (peer): our own OS user, as the two roles, and nobody else; so there are no
passwords to lose, whoever else works on the machine.
"""

from __future__ import annotations

import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from crm_gym import postgres_supervisor
from crm_gym.postgres_place import DATABASE, HIDDEN, PORT, Place, own_folder, release
from crm_gym.postgres_programs import Programs, ServerError, environment
from crm_gym.postgres_supervisor import halt, is_ready, process_of

if sys.platform != "win32":
    import fcntl
    import pwd

ADMIN, APP = "postgres", "crm_app"
_INITDB_SECONDS, _STOP_SECONDS = 120.0, 20.0

_SETTINGS = f"""\
# Written anew at each start.
max_connections = 200
port = {PORT}
unix_socket_permissions = 0700
# What is kept can be made again: a crash of the machine may cost the data, and each commit is quicker.
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
# A schema for each environment: dropping one takes a lock on each of its objects.
max_locks_per_transaction = 256
jit = off
# Nothing waits for ever, and nothing of a client that died goes on. Sessions may set their own, shorter ones.
authentication_timeout = '10s'
statement_timeout = '2min'
lock_timeout = '10s'
idle_in_transaction_session_timeout = '1h'
client_connection_check_interval = '5s'
# The log has no statements, so no records: what a client does wrong is told to the client.
log_min_messages = log
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
lc_messages = 'C'
"""
_MAY_CONNECT = f"""\
local  all         {ADMIN}  peer  map=us
local  {DATABASE}  {APP}    peer  map=us
"""


def join(place: Place, seconds: float, *, keep: bool) -> int:
    """Start the server unless it runs, and use it; to be called alone. Gives the descriptor that says we use it.

    Args:
        place: Its folder.
        seconds: How long it may take until it takes connections.
        keep: Whether it is to stay when nobody uses it any more.
    """
    users = place.take("users", fcntl.LOCK_SH)  # waits for a supervisor that is just stopping it
    try:
        if not is_ready(place.data):
            place.keep.unlink(missing_ok=True)
        if keep:
            place.keep.touch(mode=0o600)
        elif not place.keep.exists():
            _supervise(place)
        if not is_ready(place.data):
            start(place, seconds)
    except BaseException:
        release(users)
        raise
    return users


def leave(place: Place, users: int) -> None:
    """Use the server no more; if nobody else does and it is not to stay, it has stopped on return."""
    if not release(users) or not place.folder.exists():
        return
    with place.alone():
        try:
            held = place.take("users", fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # used by others; or the supervisor was quicker, then wait until it is done
            held = place.take("users", fcntl.LOCK_SH)
        else:
            if not place.keep.exists():
                stop(place)
        release(held)


def start(place: Place, seconds: float) -> None:
    """Make the cluster if there is none, and start the server; returns when it takes connections."""
    stop(place)  # what runs but is not ready was left half started
    programs = place.programs()
    _initialise(place, programs)
    _write_settings(place)
    place.log.unlink(missing_ok=True)
    _forget_stale(place.data / "postmaster.pid")
    options = shlex.join(["-c", f"config_file={place.folder / 'server.conf'}", "-c", "listen_addresses="])
    words: list[str | Path] = ["start", "-s", "-D", place.data, "-l", place.log, "-o", options]
    command = [programs.folder / "pg_ctl", *words, "-w", "-t", str(math.ceil(seconds))]
    starting = place.folder / "starting"
    starting.touch(mode=0o600)
    try:
        _run(place, command, seconds + 30, f"did not start within {seconds:g} s")
    except BaseException:
        halt(place.data, signal.SIGQUIT, _STOP_SECONDS)
        raise
    finally:
        starting.unlink(missing_ok=True)


def stop(place: Place, how: int = signal.SIGINT) -> None:
    """Stop the server whoever uses it; to be called alone."""
    if not halt(place.data, how, _STOP_SECONDS):
        raise ServerError(f"the server in {place.folder} did not stop within {_STOP_SECONDS:g} s")


def take_down(place: Place, *, purge: bool) -> bool:
    """Stop the server whoever uses it, and remove its data if told; False if it did not run."""
    if not place.folder.exists():
        return False
    with place.alone():
        ran = process_of(place.data) is not None
        place.keep.unlink(missing_ok=True)
        stop(place)
        if purge:
            away = place.folder.with_name(f"{place.folder.name}.purged-{os.getpid()}")
            place.folder.rename(away)  # at once, so that nobody meets half a folder
            shutil.rmtree(away)
            shutil.rmtree(place.sockets, ignore_errors=True)
            with suppress(OSError):  # others live there still
                for parent in reversed(place.parents):
                    parent.rmdir()
    return ran


def _supervise(place: Place) -> None:
    try:
        watch = place.take("watch", fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # there is one; it waits for the lock on `users`, which we have shared
        return
    command = [sys.executable, "-I", "-S", postgres_supervisor.__file__, str(place.folder), str(watch)]
    try:
        subprocess.run(
            command, pass_fds=(watch,), stdin=subprocess.DEVNULL, cwd="/", env=environment(), check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError) as fault:
        raise ServerError(f"the supervisor of the server cannot be started: {fault}") from fault
    finally:
        release(watch)


def _initialise(place: Place, programs: Programs) -> None:
    if (place.data / "PG_VERSION").exists():
        return
    for left in place.folder.glob("data.part-*"):  # by somebody who was killed
        shutil.rmtree(left, ignore_errors=True)
    part = place.folder / f"data.part-{os.getpid()}"  # renamed when it is whole
    own_folder(part, HIDDEN, place.account)
    words = ["-U", ADMIN, "--encoding=UTF8", "--locale=C", "--auth=reject", "--no-sync", "--no-instructions"]
    _run(place, [programs.folder / "initdb", "-D", part, *words], _INITDB_SECONDS, "cannot make its data")
    part.rename(place.data)


def _forget_stale(path: Path) -> None:
    """Remove a postmaster.pid whose number another process has got: PostgreSQL would take that for a server."""
    with suppress(OSError, ValueError):
        os.kill(int(path.read_text().partition("\n")[0]), 0)
        path.unlink()


def _write_settings(place: Place) -> None:
    us = pwd.getpwuid(os.geteuid()).pw_name
    sockets = f'"{place.sockets}"'  # an item of a list, so it is quoted twice
    files = {
        "server.conf": _SETTINGS
        + f"unix_socket_directories = {_quoted(sockets)}\n"
        + f"hba_file = {_quoted(place.folder / 'clients.conf')}\n"
        + f"ident_file = {_quoted(place.folder / 'users.conf')}\n",
        "clients.conf": _MAY_CONNECT,
        "users.conf": "".join(f'us  "{us}"  {role}\n' for role in (ADMIN, APP)),
    }
    for name, text in files.items():
        (place.folder / name).write_text(text, encoding="utf-8")
        (place.folder / name).chmod(0o644)


def _quoted(path: Path | str) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _run(place: Place, command: Sequence[str | Path], seconds: float, failed: str) -> None:
    try:
        done = place.account.run(command, seconds)
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise ServerError(f"PostgreSQL {failed}: {fault}") from fault
    if done.returncode != 0:
        log = place.log.read_text(encoding="utf-8", errors="replace") if place.log.exists() else ""
        said = " ".join([*done.stderr.strip().splitlines()[-2:], *log.strip().splitlines()[-3:]])
        raise ServerError(f"PostgreSQL {failed} (folder {place.folder}; crm-gym db down --purge begins anew): {said}")
