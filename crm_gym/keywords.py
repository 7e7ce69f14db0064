"""Checks of what an environment is given by name: keywords, choices, flags, options."""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from crm_gym.errors import RenderModeError, UsageError, near_miss


def check_names(what: str, given: Mapping[str, Any], *made: Callable[..., Any]) -> None:
    """Refuse keywords that nobody knows.

    Args:
        what: What was given them.
        given: The keywords that it has not taken by name.
        *made: What takes keywords, one handing on to the next what it does not know; each ends with `**rest`.

    Raises:
        UsageError: For the first of them, with the one that may be meant.
    """
    if given:
        known = [name for one in made for name in list(inspect.signature(one).parameters)[:-1]]
        for name in given:
            if name not in known:
                raise UsageError(f"{what} has no keyword {name!r}; {near_miss(name, known)}")


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
        RenderModeError: If it is neither None nor one of the modes.
    """
    if mode not in (None, *modes):
        known = ", ".join(map(repr, modes))
        raise RenderModeError(f"render_mode {mode!r} does not exist; known are None, {known}")


def check_flags(given: Mapping[str, Any]) -> None:
    """Refuse what is neither true nor false.

    Raises:
        UsageError: For the first of them.
    """
    for name, flag in given.items():
        if type(flag) is not bool:
            raise UsageError(f"{name} must be true or false; got {flag!r}")


def whole_number(value: Any) -> int | None:
    """The whole number that this is, of whatever type; None if it is none. True and false are none."""
    if type(value) is int:
        return value
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None


def shown(value: object) -> str:
    """What was given, for a sentence, cut short."""
    try:
        return f"{value!r:.100}"
    except ValueError:  # a number with thousands of digits
        return f"a very long {type(value).__name__}"


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
