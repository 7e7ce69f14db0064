"""What a reply took, by what its provider says of it: checked, since budgets and prices are reckoned from it."""

from __future__ import annotations

from typing import Any

from crm_gym.evaluation.account import Tokens

MOST = 1_000_000_000
"""Tokens of a kind that a reply is believed to have taken at the most."""


def tokens_of(usage: Any, names: tuple[str, str, str, str], *, cached_apart: bool) -> Tokens:
    """The tokens in a provider's usage; not known if what was read or written is not said, or is no number of tokens.

    Args:
        usage: What stands in the reply.
        names: Where the tokens read, written, read from a cache and written to it stand, with dots into objects.
        cached_apart: Whether those read leave out what has to do with a cache.
    """
    whole, output, read, written = (_found(usage, name) for name in names)
    numbers = [whole, output, 0 if read is None else read, 0 if written is None else written]
    known = all(map(_is_count, numbers))
    whole, output, read, written = (number if _is_count(number) else 0 for number in numbers)
    return Tokens(whole if cached_apart else max(0, whole - read - written), output, read, written, known)


def _found(usage: Any, name: str) -> Any:
    for part in name.split("."):
        usage = usage.get(part) if isinstance(usage, dict) else None
    return usage


def _is_count(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MOST
