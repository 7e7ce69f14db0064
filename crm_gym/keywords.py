"""Checks of what an environment is given by name: keywords, choices, flags, options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crm_gym.errors import UsageError, near_miss


def check_names(what: str, unknown: Mapping[str, Any], made: Callable[..., Any]) -> None:
    """Refuse keywords that nobody knows; `made` ends with `**unknown`.

    Raises:
        UsageError: For the first of them, with the one that may be meant.
    """
    for name in unknown:
        raise UsageError(
            f"{what} has no keyword {name!r}; {near_miss(name, list(inspect.signature(made).parameters)[:-1])}"
        )


def check_choices(given: Mapping[str, Any], choices: Mapping[str, Sequence[str]]) -> None:
    """Refuse what is none of the choices.

    Raises:
        UsageError: For the first of them, with the one that may be meant.
    """
    for name, value in given.items():
        if value not in choices[name]:
            raise UsageError(f"{name} {value!r} does not exist; {near_miss(value, choices[name])}")


def check_render_mode(mode: str | None, modes: Sequence[str]) -> None:
    """Refuse a render mode that does not exist.

    Raises:
        UsageError: If it is neither None nor one of the modes.
    """
    if mode not in (None, *modes):
        known = ", ".join(map(repr, modes))
        raise UsageError(f"render_mode {mode!r} does not exist; known are None, {known}")


def check_flags(given: Mapping[str, Any]) -> None:
    """Refuse what is neither true nor false.

    Raises:
        UsageError: For the first of them.
    """
    for name, flag in given.items():
        if type(flag) is not bool:
            raise UsageError(f"{name} must be true or false; got {flag!r}")


def one_option(options: Any, known: Sequence[str]) -> tuple[str, Any]:
    """The one option that reset was given.

    Raises:
        UsageError: If it is no mapping, has a name that does not exist, or more than one.
    """
    if not isinstance(options, Mapping):
        raise UsageError(f"reset takes options as a mapping; got {options!r}")
    for name in options:
        if name not in known:
            raise UsageError(f"reset has no option {name!r}; {near_miss(name, known)}")
    if len(options) > 1:
        raise UsageError(f"reset takes one option; got {', '.join(options)}")
    return next(iter(options.items()))
