"""What tokens cost: a table that its owner fills in."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from crm_gym import UsageError, near_miss
from crm_gym.evaluation.account import Tokens
from crm_gym.evaluation.records import TOKENS

_MILLION = 1_000_000
_MOST = 10**15
"""Tokens that a whole run may take; more than that was not counted but made up, and has no price."""


class Price(BaseModel):
    """US dollars per million tokens, by kind; a kind that is left out is not known.

    Attributes:
        input: Neither read from nor written to a cache.
        output: Written by the model.
        cache_read: Read from a cache.
        cache_write: Written to a cache.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    input: float | None = Field(None, ge=0)
    output: float | None = Field(None, ge=0)
    cache_read: float | None = Field(None, ge=0)
    cache_write: float | None = Field(None, ge=0)

    def cost(self, tokens: Tokens) -> float | None:
        """The price of tokens; None if there are some of a kind without one, or nobody knows how many."""
        total = 0.0
        for kind in TOKENS:
            number, price = getattr(tokens, kind), getattr(self, kind)
            if not tokens.known or not 0 <= number <= _MOST or (number and price is None):
                return None
            total += number * (price or 0.0) / _MILLION
        return total


class Prices:
    """Prices by model.

    Args:
        table: From a model's name, or the beginning of names ("some-model-" for all of its versions), to its price.
    """

    def __init__(self, table: Mapping[str, Price]) -> None:
        self._table = dict(sorted(table.items(), key=lambda item: -len(item[0])))  # the longest first

    @classmethod
    def load(cls, path: str | Path) -> Prices:
        """Prices from a TOML file of tables `["model name"]` with a price for each kind of tokens.

        Raises:
            UsageError: If there is no such file, or something else in it; says what.
        """
        try:
            with open(path, "rb") as file:
                read = tomllib.load(file)
        except OSError as fault:
            raise UsageError(f"the prices in {path} cannot be read: {fault.strerror}; give another file") from None
        except ValueError as fault:
            raise UsageError(f"the prices in {path} are no TOML: {fault}") from None
        return cls({name: _price(path, name, value) for name, value in read.items()})

    def cost(self, model: str, tokens: Tokens) -> float | None:
        """The price of tokens in US dollars; None if it is not known, never 0 for that."""
        price = self._table.get(model) or next(
            (price for name, price in self._table.items() if model.startswith(name)), None
        )
        return None if price is None else price.cost(tokens)


def _price(path: str | Path, name: str, value: object) -> Price:
    if not isinstance(value, dict):
        raise UsageError(f"{path}: {name!r} must be a table of prices, [{name!r}]; a model's name stands in quotes")
    for kind in value:
        if kind not in TOKENS:
            raise UsageError(f"{path}: {name!r} has no price of {kind!r}; {near_miss(kind, TOKENS)}")
    try:
        return Price.model_validate({kind: _number(number) for kind, number in value.items()})
    except ValidationError as fault:
        error = fault.errors()[0]
        where = ".".join(map(str, error["loc"]))
        raise UsageError(
            f"{path}: {name!r}.{where} must be US dollars per million tokens, 0 or more; got {error['input']!r}"
        ) from None


def _number(value: object) -> object:
    return float(value) if type(value) is int else value
