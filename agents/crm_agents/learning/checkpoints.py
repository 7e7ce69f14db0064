"""The folder of a run, and the checkpoint in it: numbers and plain values, so that loading one runs no code."""

from __future__ import annotations

import json
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


def begin(config: TrainConfig, folder: Path, *, resume: bool, force: bool) -> dict[str, Any] | None:
    """Prepare the folder; gives the checkpoint to go on from, if so asked.

    Raises:
        UsageError: If the folder holds a run and is neither to be replaced nor gone on with, or there is nothing to
            go on from.
    """
    kept = _read(config, folder / CHECKPOINT_FILE) if resume else None
    if kept is None:
        if (folder / CONFIG_FILE).exists() and not force:
            raise UsageError(f"{folder} already holds a run; go on with it (--resume) or replace it (--force)")
        folder.mkdir(parents=True, exist_ok=True)
        events = [path.name for path in folder.glob("events.out.tfevents.*")]
        for old in (CHECKPOINT_FILE, RESULT_FILE, POLICY_FILE, WEIGHTS_FILE, CURVES_FILE, *events):
            (folder / old).unlink(missing_ok=True)
    text = json.dumps(config.model_dump(mode="json"), indent=1) + "\n"
    (folder / CONFIG_FILE).write_text(text, encoding="ascii")
    return kept


def write(config: TrainConfig, folder: Path, kept: Mapping[str, Any]) -> None:
    """Write a checkpoint in place of the last one; never half of one."""
    path = folder / f".{CHECKPOINT_FILE}"
    torch.save({"same": _same(config), **kept}, path)
    path.replace(folder / CHECKPOINT_FILE)


def _read(config: TrainConfig, path: Path) -> dict[str, Any]:
    if not path.exists():
        raise UsageError(f"{path.parent} holds no checkpoint to go on from")
    kept: dict[str, Any] = torch.load(path, weights_only=True)
    if kept["same"] != _same(config):
        raise UsageError(f"{path} is of another config: only budgets and evaluation may differ")
    return kept


def _same(config: TrainConfig) -> str:
    """What a checkpoint and the run that goes on from it must agree on."""
    return json.dumps(config.model_dump(mode="json", exclude=FREE), sort_keys=True)
