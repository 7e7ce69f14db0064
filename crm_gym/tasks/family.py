"""Families of generated tasks: kinds of work, each a function that makes a draft from a scene."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from crm_gym.errors import TaskError
from crm_gym.tasks.draft import Draft
from crm_gym.tasks.scene import Scene

Kind = Literal["single", "declined", "workflow", "composition", "dialogue"]
KINDS: tuple[Kind, ...] = ("single", "declined", "workflow", "composition", "dialogue")
"""single: one call, or one answer. declined: something the CRM must refuse. workflow: several calls that belong
together. composition: single jobs put together. dialogue: the user must be asked."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of work.

    Attributes:
        name: Its name; for the first family of a tool, the tool's.
        kind: One of `KINDS`.
        tool: The tool it is about, "" for work with several.
        forms: Ways to ask for it (see `phrasing`); a family may say things otherwise besides.
        held_out: Whether it is kept for the split ood_family.
        make: Makes a draft; raises Unsuitable if the scene has nothing fitting.
    """

    name: str
    kind: Kind
    tool: str
    forms: tuple[str, ...] = field(repr=False)
    held_out: bool
    make: Callable[[Scene], Draft] = field(repr=False)


REGISTRY: dict[str, Family] = {}
"""Every family by name, in the order in which `tasks.families` reads them in."""


def family(
    kind: Kind, forms: Sequence[str], *, tool: str = "", held_out: bool = False
) -> Callable[[Callable[[Scene], Draft]], Callable[[Scene], Draft]]:
    """Register a function as a family; its name becomes the family's."""

    def register(make: Callable[[Scene], Draft]) -> Callable[[Scene], Draft]:
        name = make.__name__
        if name in REGISTRY:
            raise TaskError(f"there are two families named {name}")
        REGISTRY[name] = Family(name, kind, tool, tuple(forms), held_out, make)
        return make

    return register
