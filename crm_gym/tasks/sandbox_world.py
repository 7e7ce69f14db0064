"""The house's own sandbox: a named world of about sixty records, for looking around and for a fresh database."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources

from crm_gym.schema import TABLES
from crm_gym.tasks.world import World

NAME = "sandbox"


@functools.cache
def sandbox_world() -> World:
    """The world of worlds/sandbox.toml, read once a process. Fork its CRM; never write to it."""
    text = resources.files("crm_gym.tasks").joinpath("worlds", f"{NAME}.toml").read_text(encoding="utf-8")
    spec = tomllib.loads(text)
    today = spec.pop("today")
    unknown = [table for table in spec if table not in TABLES]  # for World to complain of
    return World(NAME, today, ((table, fields) for table in (*unknown, *TABLES) for fields in spec.get(table, ())))
