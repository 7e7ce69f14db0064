"""The folder of a private PostgreSQL server: its files, who owns them, and its locks.

    FOLDER/               ours
        lock              held alone while somebody starts or stops the server
        users             held shared by every process that uses it; see postgres_supervisor.py
        watch             held by the supervisor
        keep              there if the server is to stay when nobody uses it
        starting          there while it is being started
        *.conf            the server's settings and who may connect, written anew at each start
        data/             the account's alone: the cluster and its log
        socket/           the account's alone: the socket; there is no TCP

When we are root, data and socket belong to an unprivileged account; what it could change, root never writes to.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from crm_gym.postgres_programs import Account, Programs, ServerError, find_programs
from crm_gym.postgres_supervisor import is_current

if sys.platform != "win32":
    import fcntl

DATABASE = "crm_sandbox"
PORT = 5432  # names the socket file only
HIDDEN, PASSABLE = 0o700, 0o711
_SOCKET_CHARS = 103  # longest path of a socket on macOS; Linux has 107
_HELD: set[int] = set()  # descriptors of the locks this process holds


class Place:
    """The folder of a server, its files and their locks.

    Args:
        folder: Where it is.
        account: Who the server runs as.
        parents: Folders above it that are ours too: made with it, and removed when nothing is left in them.
    """

    def __init__(self, folder: Path, account: Account, parents: tuple[Path, ...] = ()) -> None:
        self.account = account
        self.folder = folder.resolve()  # one spelling: a server is known by the folder in its command line
        self.parents = parents
        self.data = self.folder / "data"
        self.keep = self.folder / "keep"
        self.log = self.data / "server.log"
        self.sockets = self._sockets()

    def dsn(self, role: str) -> str:
        """How to connect as a role. The port is said, or PGPORT of the environment would decide it."""
        return f"postgresql://{role}@/{DATABASE}?host={quote(str(self.sockets))}&port={PORT}"

    def make(self) -> None:
        """Make the folders that are missing, with the modes they need."""
        ours = (*self.parents, self.folder)
        ours[0].parent.mkdir(parents=True, exist_ok=True)
        for folder in ours:
            own_folder(folder, PASSABLE if self.account.is_other else HIDDEN)
        if not self.account.can_enter(self.folder):
            raise ServerError(f"the OS user {self.account.name} cannot enter {self.folder}; choose another folder")
        own_folder(self.sockets, HIDDEN, self.account)

    def take(self, name: str, how: int) -> int:
        """Lock a file of the folder; gives the descriptor that holds the lock.

        Raises:
            BlockingIOError: It is held, and `how` says not to wait.
        """
        while True:
            try:
                self.make()
                held = os.open(self.folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            except FileNotFoundError:  # purged just now
                continue
            except OSError as fault:
                raise ServerError(f"cannot keep a server in {self.folder}: {fault}") from fault
            try:
                fcntl.flock(held, how)
            except BaseException:
                os.close(held)
                raise
            if is_current(held, self.folder / name):
                _HELD.add(held)
                return held
            os.close(held)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While nobody else starts, stops or removes this server."""
        held = self.take("lock", fcntl.LOCK_EX)
        try:
            yield
        finally:
            release(held)

    def programs(self) -> Programs:
        """The programs that fit the data."""
        try:
            wanted = int((self.data / "PG_VERSION").read_text())
        except FileNotFoundError:
            wanted = None
        return find_programs(self.account, wanted, self.folder / "wheel")

    def _sockets(self) -> Path:
        """Beside the data; in /tmp, whatever TMPDIR says to this process, if that path is too long for a socket."""
        usual = self.folder / "socket"
        if len(os.fsencode(usual / f".s.PGSQL.{PORT}")) <= _SOCKET_CHARS:
            return usual
        return Path("/tmp") / f"crm_gym-{_mark(self.folder)}"


def release(held: int) -> bool:
    """Give up a lock; False if this process does not hold it, as a forked child does not."""
    if held not in _HELD:
        return False
    _HELD.remove(held)
    os.close(held)
    return True


def _release_all() -> None:
    """In a forked child: what its parent holds is not its own, and must end with the parent."""
    for held in tuple(_HELD):
        release(held)


if sys.platform != "win32":
    os.register_at_fork(after_in_child=_release_all)


def own_folder(path: Path, mode: int, owner: Account | None = None) -> None:
    """Make a folder with a mode and an owner (ourselves if None); one that is there must be exactly so.

    Raises:
        ServerError: It is a link, or another's, or others could write to it.
    """
    if not os.path.lexists(path):
        made = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        made.chmod(mode)
        if owner is not None and owner.is_other:
            os.chown(made, owner.uid, owner.gid)
        try:
            made.rename(path)  # at once, so that nobody meets it half made
        except OSError:  # somebody else was quicker
            made.rmdir()
    _check_folder(path, os.geteuid() if owner is None else owner.uid)


def usual_place(name: str, account: Account) -> Place:
    """Where the server of a name lives: the user's cache folder, or /var/tmp if the account cannot go there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "crm_gym").resolve()
    existing = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if account.can_enter(existing):
        return Place(cache / "pg" / name, account, (cache, cache / "pg"))
    instead = Path("/var/tmp") / f"crm_gym-{os.geteuid()}-{_mark(cache)}"
    return Place(instead / name, account, (instead,))


def _check_folder(path: Path, owner: int) -> None:
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o022:
        raise ServerError(f"{path} is not a folder that belongs to user id {owner} alone: remove it")


def _mark(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
