"""Stops a private PostgreSQL server once the last process that used it has gone, however it went.

Every user of a server holds a shared lock on the file `users` in its folder; the kernel frees a lock when its process
ends, even by kill -9. The supervisor waits until it has that lock alone, and stops the server then, unless the file
`keep` says that it was asked to stay. It runs detached and by its path, `python -I postgres_supervisor.py FOLDER FD`
(FD: a descriptor to hold open while it lives), so that it starts in no time: standard library only.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

if sys.platform != "win32":
    import fcntl

_POLL, _APPEARS = 0.02, 10.0  # seconds


def process_of(data: Path) -> int | None:
    """The process id of the server that runs on this data folder, or None.

    The number in postmaster.pid alone proves nothing: after a crash another process may have got it.
    """
    try:
        pid = int((data / "postmaster.pid").read_text().partition("\n")[0])
    except (OSError, ValueError):
        return None
    return pid if pid > 0 and f" -D {data} " in _command_of(pid) else None


def is_ready(data: Path) -> bool:
    """Whether the server on this data folder takes connections."""
    if process_of(data) is None:
        return False
    with suppress(OSError):
        return (data / "postmaster.pid").read_text().split("\n")[7:8] in (["ready   "], ["ready"])
    return False


def halt(data: Path, how: int = signal.SIGINT, seconds: float = 20.0) -> bool:
    """Stop the server on this data folder; True when it is gone.

    Args:
        data: Its data folder.
        how: SIGINT ends its sessions and shuts down; SIGQUIT stops at once, as a crash does.
        seconds: How long to wait; after half of it the server is told to stop at once.
    """
    pid = process_of(data)
    if pid is None:
        return True
    for number in (how, signal.SIGQUIT):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        deadline = time.monotonic() + seconds / 2
        while time.monotonic() < deadline:
            if process_of(data) != pid:
                return True
            time.sleep(_POLL)
    return False


def is_current(descriptor: int, path: Path) -> bool:
    """Whether an open file is still the one found under its path: a purge may have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def main(folder: Path) -> None:
    """Wait until nobody uses the server of this folder, and stop it."""
    users = os.open(folder / "users", os.O_RDWR | os.O_NOFOLLOW)
    _detach()
    fcntl.flock(users, fcntl.LOCK_EX)
    if not is_current(users, folder / "users") or (folder / "keep").exists():
        return
    if (folder / "starting").exists():  # the process that was starting it died: it may still come up
        deadline = time.monotonic() + _APPEARS
        while process_of(folder / "data") is None and time.monotonic() < deadline:
            time.sleep(_POLL)
    halt(folder / "data")


def _command_of(pid: int) -> str:
    """The command line of a process, its words between spaces; "" if there is no such process."""
    if Path("/proc/self").exists():
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return ""
        return os.fsdecode(words.replace(b"\0", b" "))
    done = subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return done.stdout.strip() + " "


def _detach() -> None:
    """Out of the terminal and the session of whoever started it, so that neither Ctrl-C nor a hang-up ends it."""
    if os.fork():
        os._exit(0)
    os.setsid()
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
