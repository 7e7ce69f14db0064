"""Policies as files that run no code when they are loaded: safetensors for the numbers, JSON for the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from crm_agents.learning.door import Door, check_door
from crm_agents.learning.network import Net, NetConfig, build
from crm_gym import UsageError

WEIGHTS_FILE, POLICY_FILE = "policy.safetensors", "policy.json"
FORMAT = 1


class Saved(BaseModel):
    """The JSON part of a policy.

    Attributes:
        format: Version of this form.
        network: What the network is built from.
        door: The view it was made for.
        masks: Whether it wants the masks.
        about: What else is worth knowing: where it comes from, how long it learnt.
    """

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    network: NetConfig
    door: Door
    masks: bool = True
    about: dict[str, Any] = {}


def save_policy(folder: Path, net: Net, *, masks: bool = True, about: dict[str, Any] | None = None) -> None:
    """Write a policy into a folder, in place of the one that is there; never half of one."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = Saved(network=net.config, door=net.door, masks=masks, about=about or {})
    weights, described = folder / f".{WEIGHTS_FILE}", folder / f".{POLICY_FILE}"
    save_file({name: tensor.detach().contiguous() for name, tensor in net.state_dict().items()}, weights)
    described.write_text(json.dumps(saved.model_dump(), indent=1, allow_nan=False) + "\n", encoding="ascii")
    weights.replace(folder / WEIGHTS_FILE)
    described.replace(folder / POLICY_FILE)


def load_policy(folder: Path) -> tuple[Net, Saved]:
    """A policy from a folder; runs nothing that stands in its files.

    Raises:
        UsageError: If there is none, or its files are no policy.
    """
    try:
        saved = Saved.model_validate_json((folder / POLICY_FILE).read_text(encoding="utf-8"))
        weights = load_file(folder / WEIGHTS_FILE)
    except OSError as fault:
        raise UsageError(f"{folder} holds no policy: {POLICY_FILE} and {WEIGHTS_FILE} ({fault.strerror})") from None
    except (ValidationError, SafetensorError, UnicodeDecodeError) as fault:
        raise UsageError(f"{folder} holds no policy that can be read: {str(fault).splitlines()[0]}") from None
    if saved.format != FORMAT:
        raise UsageError(f"{folder} is of format {saved.format}; this program reads {FORMAT}")
    with torch.random.fork_rng(devices=[]):  # initial weights, replaced at once, cost nobody a draw
        net = build(saved.door, saved.network)
    try:
        net.load_state_dict(weights)
    except RuntimeError as fault:
        raise UsageError(
            f"{folder}: its numbers do not fit its network: {str(fault).splitlines()[-1].strip()}"
        ) from None
    net.eval()
    return net, saved


def begin_with(net: Net, folder: Path) -> None:
    """Give a network the numbers of a saved policy.

    Raises:
        UsageError: If there is none, or it is of another network or for another door.
    """
    saved, _ = load_policy(folder)
    check_door(saved.door, net.door, f"start: the policy in {folder}")
    try:
        net.load_state_dict(saved.state_dict())
    except RuntimeError:
        raise UsageError(f"start: the policy in {folder} is of another network than this config's") from None
