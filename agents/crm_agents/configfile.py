"""Config files: TOML, values that go before the file's, and faults said so that they can be mended."""

from __future__ import annotations

import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from crm_gym import UsageError, near_miss


class Part(BaseModel):
    """A table of a config file: strict, frozen, and with no key it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


Config = TypeVar("Config", bound=BaseModel)


def config_of(model: type[Config], given: Mapping[str, Any]) -> Config:
    """A config from plain values.

    Raises:
        UsageError: If it is no config; names what is wrong, and for an unknown key the nearest known one.
    """
    try:
        return model.model_validate(dict(given))
    except ValidationError as fault:
        raise UsageError("; ".join(_said(model, error) for error in fault.errors())) from None


def read_toml(path: Path, overrides: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What a TOML file says.

    Args:
        path: The file.
        overrides: Dotted keys to values that go before the file's: {"env.count": 8}.

    Raises:
        UsageError: If the file cannot be read, or is no TOML.
    """
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise UsageError(f"{path} is no TOML: {fault}") from None
    return overridden(given, overrides or {})


def overridden(given: dict[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The values with others in their place: dotted keys to values. Changes `given` and returns it."""
    for key, value in overrides.items():
        *tables, last = key.split(".")
        table = given
        for name in tables:
            table = table.setdefault(name, {})
            if not isinstance(table, dict):
                raise UsageError(f"{key}: {name!r} is a value, no table")
        table[last] = value
    return given


def override(text: str) -> tuple[str, Any]:
    """A key and a value from `key=value`, the value as in TOML, or as a text.

    Raises:
        UsageError: If there is no "=".
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"an override is written key=value, such as env.count=8; got {text!r}")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def _said(model: type[BaseModel], error: Any) -> str:
    """One fault in a sentence."""
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        return f"there is no {place!r}; {near_miss(error['loc'][-1], _keys(model, error['loc'][:-1]))}"
    message = error["msg"].removeprefix("Value error, ")
    return f"{place}: {message}" if place else str(message)


def _keys(model: type[BaseModel], path: tuple[Any, ...]) -> list[str]:
    """The keys of the table that a path leads to."""
    for part in path:
        if isinstance(part, str) and part in model.model_fields:
            model = _table(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _table(annotation: Any) -> type[BaseModel] | None:
    """The model among what an annotation allows."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    if typing.get_origin(annotation) in (typing.Union, types.UnionType, tuple, list):
        return next((found for part in typing.get_args(annotation) if (found := _table(part))), None)
    return None
