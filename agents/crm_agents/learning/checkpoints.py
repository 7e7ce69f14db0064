"""The folder of a run, and the checkpoint in it: numbers and plain values, so that loading one runs no code."""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from crm_agents.learning.config import TrainConfig
from crm_agents.learning.curves import CURVES_FILE
from crm_agents.learning.saving import POLICY_FILE, WEIGHTS_FILE
from crm_gym import UsageError

CONFIG_FILE, CHECKPOINT_FILE, RESULT_FILE = "config.json", "checkpoint.pt", "result.json"
FREE = {"out", "seconds", "steps", "evaluate", "threads", "checkpoint_seconds", "checkpoint_steps"}
"""What a run that goes on may say otherwise than the one it goes on with."""


def look(config: TrainConfig, folder: Path, *, resume: bool, force: bool) -> dict[str, Any] | None:
    """See whether a run may have the folder, and change nothing; gives the checkpoint to go on from, if so asked.

    Raises:
        UsageError: If the folder holds a run and is neither to be replaced nor gone on with, there is nothing to go
            on from, or it is no folder.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise UsageError(f"out: {folder} is a file; give another folder")
        if resume:
            return _read(config, folder / CHECKPOINT_FILE)
        if (folder / CONFIG_FILE).exists() and not force:
            raise UsageError(f"{folder} already holds a run; go on with it (--resume) or replace it (--force)")
    except OSError as fault:
        raise UsageError(f"out: {folder} cannot be read: {fault.strerror}; give another folder") from None
    return None


def begin(config: TrainConfig, folder: Path, *, clear: bool) -> None:
    """Write the config into the folder, which is made if need be.

    Args:
        config: What the run does.
        folder: Its folder.
        clear: Whether to delete first what an earlier run has left.

    Raises:
        UsageError: If the folder cannot be written.
    """
    text = json.dumps(config.model_dump(mode="json"), indent=1) + "\n"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if clear:
            events = [path.name for path in folder.glob("events.out.tfevents.*")]
            for old in (CHECKPOINT_FILE, RESULT_FILE, POLICY_FILE, WEIGHTS_FILE, CURVES_FILE, *events):
                (folder / old).unlink(missing_ok=True)
        (folder / CONFIG_FILE).write_text(text, encoding="ascii")
    except OSError as fault:
        raise UsageError(f"out: {folder} cannot be written: {fault.strerror}; give another folder") from None


def write(config: TrainConfig, folder: Path, kept: Mapping[str, Any]) -> None:
    """Write a checkpoint in place of the last one; never half of one."""
    path = folder / f".{CHECKPOINT_FILE}"
    torch.save({"same": _same(config), **kept}, path)
    path.replace(folder / CHECKPOINT_FILE)


def _read(config: TrainConfig, path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UsageError(f"{path.parent} holds no checkpoint to go on from")
    try:
        kept: dict[str, Any] = torch.load(path, weights_only=True)
        same = kept["same"]
    except (RuntimeError, EOFError, pickle.UnpicklingError, LookupError, TypeError, ValueError):
        # What torch says of it advises to load it in a way that may run code.
        raise UsageError(
            f"{path} is no checkpoint that can be read: cut off, or another's; --force starts anew"
        ) from None
    if same != _same(config):
        raise UsageError(f"{path} is of another config: only budgets and evaluation may differ")
    return kept


def _same(config: TrainConfig) -> str:
    """What a checkpoint and the run that goes on from it must agree on."""
    return json.dumps(config.model_dump(mode="json", exclude=FREE), sort_keys=True)
