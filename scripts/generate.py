#!/usr/bin/env python3
"""Write what is generated, the parts of README.md and the files of sql/, or check that all of it is current.

A part of README.md stands between a line `<!-- generated: NAME -->` and a line `<!-- /generated -->`; NAME is one of
entities, tools, refusals, ids, observations, actions, rewards (see `crm_gym.reference`), or a command, such as
`crm-gym splits`, whose output stands there. The files of sql/ are generated as a whole (see `crm_gym.sql_files`).

    python scripts/generate.py                 write what is stale
    python scripts/generate.py --check         change nothing; exit 1 with a diff if something is stale
    python scripts/generate.py [--check] FILE  the same for the parts of another Markdown file alone

Exit codes: 0 all current or written, 1 stale (--check), 2 a file cannot be read or its markers are wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import io
import re
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from crm_gym import cli, reference, sql_files
from crm_gym.errors import UsageError

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
CLOSE = "<!-- /generated -->"
_OPEN = re.compile(r"<!-- generated: (.*?) -->")


def fill(text: str) -> str:
    """The text with every generated part made anew.

    Raises:
        UsageError: If a marker names no part, or one is not closed, or closed twice.
    """
    out: list[str] = []
    opened = 0  # line number of the marker that waits to be closed
    for number, line in enumerate(text.split("\n"), 1):
        mark = _OPEN.fullmatch(line.strip())
        if mark:
            if opened:
                raise UsageError(f"line {number}: the part opened in line {opened} is not closed by {CLOSE}")
            opened = number
            out += [line, "", _part(mark[1], number), ""]
        elif line.strip() == CLOSE:
            if not opened:
                raise UsageError(f"line {number}: {CLOSE} closes nothing")
            opened = 0
            out.append(line)
        elif not opened:
            out.append(line)
    if opened:
        raise UsageError(f"line {opened}: the part opened here is not closed by {CLOSE}")
    return "\n".join(out)


def _part(name: str, number: int) -> str:
    try:
        return _output(name) if name.startswith("crm-gym ") else reference.markdown(name)
    except UsageError as fault:
        raise UsageError(f"line {number}: {fault}") from None


def _output(command: str) -> str:
    """What a command prints: a Markdown table as it is, anything else as a block."""
    caught = io.StringIO()
    with contextlib.redirect_stdout(caught):
        code = cli.main(shlex.split(command)[1:])
    if code != cli.OK:
        raise UsageError(f"{command} ends with exit code {code}")
    text = caught.getvalue().strip()
    return text if text.startswith("|") else f"```text\n{text}\n```"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the script; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="generate.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", nargs="?", type=Path, help="the Markdown file to see to, and no other")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something is stale")
    given = parser.parse_args(argv)
    if given.file is not None:
        return _see_to(given.file, fill, given.check, f"python scripts/generate.py {given.file}")
    codes = [_see_to(README, fill, given.check)]
    for name, make in sql_files.FILES.items():
        codes.append(_see_to(ROOT / "sql" / name, _whole(make), given.check))
    return max(codes)


def _whole(make: Callable[[], str]) -> Callable[[str], str]:
    """A file that is generated from its first line to its last, whatever stood there."""
    return lambda old: make()


def _see_to(file: Path, fresh: Callable[[str], str], check: bool, again: str = "python scripts/generate.py") -> int:
    """Write one file, or check it; returns the exit code."""
    try:
        old = "" if file.suffix == ".sql" and not file.exists() else file.read_text(encoding="utf-8")
        new = fresh(old)
    except (OSError, UnicodeDecodeError, UsageError) as fault:
        print(f"generate.py: {file}: {fault}", file=sys.stderr)
        return 2
    if old == new:
        print(f"{file} is current")
        return 0
    if not check:
        file.write_text(new, encoding="utf-8")
        print(f"{file} written")
        return 0
    print(_diff(old, new, file), end="")
    print(f"{file} is stale; run: {again}", file=sys.stderr)
    return 1


def _diff(old: str, new: str, file: Path) -> str:
    lines = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), f"{file.name} (as it is)", f"{file.name} (fresh)"
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)


if __name__ == "__main__":
    raise SystemExit(main())
