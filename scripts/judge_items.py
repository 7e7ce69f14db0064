#!/usr/bin/env python3
"""Write the judge's calibration set, made from episodes that are played anew, or check that it is current.

    python scripts/judge_items.py            write what is stale
    python scripts/judge_items.py --check    change nothing; exit 1 if something is stale

Exit codes: 0 all current or written, 1 stale (--check).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from crm_agents.judge.attacks import build_attacks
from crm_agents.judge.build_items import build
from crm_agents.judge.items import ATTACKS_FILE, ITEMS_FILE, written

FOLDER = Path(__file__).resolve().parent.parent / "agents" / "crm_agents" / "judge"


def main(argv: Sequence[str] | None = None, folder: Path = FOLDER) -> int:
    """Run the script; returns its exit code."""
    parser = argparse.ArgumentParser(
        prog="judge_items.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if something is stale")
    check = parser.parse_args(argv).check
    fresh = {ITEMS_FILE: written(build()), ATTACKS_FILE: written(build_attacks())}
    return max(_see_to(folder / name, text, check) for name, text in fresh.items())


def _see_to(file: Path, fresh: str, check: bool) -> int:
    if file.exists() and file.read_text(encoding="ascii") == fresh:
        print(f"{file.name} is current")
        return 0
    if check:
        print(f"{file.name} is stale; run: python scripts/judge_items.py", file=sys.stderr)
        return 1
    file.write_text(fresh, encoding="ascii")
    print(f"{file.name} written, {fresh.count(chr(10))} lines")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
