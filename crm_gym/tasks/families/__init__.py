"""The families of generated tasks, in a fixed order: the place of a family in it is part of what a seed means."""

from __future__ import annotations

from crm_gym.tasks.families import notes
from crm_gym.tasks.family import REGISTRY

MODULES = (notes,)
"""Where the families are written, in the order in which they were read in."""

__all__ = ["MODULES", "REGISTRY"]
