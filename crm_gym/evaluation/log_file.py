"""The file of a log: opened for its owner alone, locked against a second writer, written whole lines at a time."""

from __future__ import annotations

import fcntl
import os
import stat
from pathlib import Path

from crm_gym.errors import UsageError


class LogError(UsageError):
    """A log cannot be read, written or gone on with; says why and what to do."""


def write_whole(fd: int, line: bytes) -> None:
    """Write all of it; the kernel takes less than everything only where it must."""
    written = os.write(fd, line)
    while written < len(line):
        written += os.write(fd, line[written:])


def open_own(path: Path, *, may_be_there: bool) -> int:
    """A file for appending, mode 0600; never what a link points to, nor anything but a file."""
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        fd = os.open(path, flags if may_be_there else flags | os.O_EXCL, 0o600)
    except OSError as fault:
        if isinstance(fault, FileExistsError) and os.path.lexists(path):
            raise LogError(f"{path} is there already; --resume goes on with it, --force replaces it") from None
        raise LogError(f"{path} cannot be written: {fault.strerror}; give another path") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise LogError(f"{path} is no file; give another path")
    os.fchmod(fd, 0o600)
    return fd


def lock(fd: int, path: Path) -> None:
    """Keep other writers out, in this process and in others, until the file is closed."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LogError(f"another run writes to {path}; wait for it, or give another path") from None
    except OSError as fault:
        raise LogError(f"{path} cannot be locked: {fault.strerror}; give a path on another disk") from None


def cannot_write(path: Path, fault: OSError) -> LogError:
    """What is said when a line cannot be kept."""
    return LogError(
        f"{path} cannot be written: {fault.strerror or fault}; every finished episode before is in it: "
        "make room and go on with --resume"
    )
