"""What the commands have in common: exit codes, strict JSON, files of one's own."""

from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import Any

from crm_gym import UsageError

OK, FAULTS, USAGE, BUDGET, STOPPED = 0, 1, 2, 3, 130
"""Exit codes: done, whatever came of it; something looked at is not as it should be; the command asks for what does not
exist; a budget is used up; Ctrl-C."""

EPISODES_FILE, SUMMARY_FILE, OPINIONS_FILE, CASSETTE_FILE = (
    "episodes.jsonl",
    "summary.json",
    "opinions.jsonl",
    "cassette.jsonl",
)
"""What the folder of a run holds."""


def log_in(path: Path) -> Path:
    """The log that is meant: the file, or that in the folder of a run."""
    return path / EPISODES_FILE if path.is_dir() else path


def to_json(value: Any, indent: int | None = None) -> str:
    """Strict ASCII JSON: what a run holds may come from anyone, and NaN is no JSON."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False, indent=indent)


def write_own(path: Path, text: str) -> None:
    """Write a file that its owner alone may read; whole or not at all. What was there is replaced, a link not followed.

    Raises:
        UsageError: If it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as fault:
        with contextlib.suppress(OSError):
            beside.unlink()
        raise UsageError(f"{path} cannot be written: {fault.strerror}") from None
