"""What a network must know of a numeric door: sizes, columns, and which actions point at candidates."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Literal

import gymnasium as gym
from pydantic import BaseModel, ConfigDict

from crm_gym import UsageError, near_miss
from crm_gym.form.columns import FORM_COLUMNS, ROW_COLUMNS, VALUE_COLUMNS
from crm_gym.form.layout import MAX_ROWS, MAX_VALUES, layout
from crm_gym.form.oracle import FormOracle
from crm_gym.form.words import BIGRAM_COUNT, MAX_WORDS, WORD_COUNT

KINDS = ("category", "word", "position", "number")


class Sort(BaseModel):
    """One column of a view.

    Attributes:
        name: Its name.
        kind: "category" (a number below size), "word" (a word of the vocabulary), "position" (a place in the
            request, 0 for none) or "number" (a plain number, of the order of size).
        size: See kind.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: str
    kind: Literal["category", "word", "position", "number"]
    size: int


class Door(BaseModel):
    """The view of a numeric door; as JSON it is part of a saved policy.

    Actions are numbered: those that are always the same first, then one for each line of `values`, then one for each
    line of `rows`. Lines of zeros in the first column are empty.

    Attributes:
        actions: Number of actions.
        request: Longest request, in words.
        words: Size of the vocabulary; word 0 is none.
        bigrams: Size of the vocabulary of hashed pairs of words.
        values: Number of lines for what the request says.
        rows: Number of lines for what the CRM returned.
        value_columns: Columns of `values`.
        row_columns: Columns of `rows`.
        form_columns: Columns of `form`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    actions: int
    request: int
    words: int
    bigrams: int
    values: int
    rows: int
    value_columns: tuple[Sort, ...]
    row_columns: tuple[Sort, ...]
    form_columns: tuple[Sort, ...]

    @property
    def fixed(self) -> int:
        """Number of actions that are always the same."""
        return self.actions - self.values - self.rows


def sorts(columns: Any) -> tuple[Sort, ...]:
    """Columns of the door as `Sort`s.

    Raises:
        UsageError: If a column is of a kind that no network knows.
    """
    for column in columns:
        if column.kind not in KINDS:
            raise UsageError(f"column {column.name!r} is of kind {column.kind!r}; networks know {', '.join(KINDS)}")
    return tuple(Sort(name=column.name, kind=column.kind, size=int(column.size)) for column in columns)


def door_of(env: gym.Env[Any, Any]) -> Door:
    """The door of an environment: its own `door`, or that of crm_gym's form environments.

    Raises:
        UsageError: If it has no numeric door.
    """
    own = getattr(env.unwrapped, "door", None)
    if own is not None:
        return Door.model_validate(own)
    space = env.observation_space
    if not isinstance(space, gym.spaces.Dict) or not {"request", "said", "rows", "form"} <= set(space):
        raise UsageError("learning needs an environment with the form door, such as 'CrmEnvForm-v0'")
    return form_door()


def registered(env_id: str) -> str:
    """The bare id of `module:id`, the module imported; other ids as they are."""
    module, colon, name = env_id.rpartition(":")
    if colon:
        importlib.import_module(module)
    return name


def make_env(env_id: str, keywords: Mapping[str, Any]) -> gym.Env[Any, Any]:
    """An environment of the id.

    Raises:
        UsageError: If the id is not registered, or a keyword will not do.
    """
    name = registered(env_id)
    if name not in gym.registry:
        ours = [one for one in gym.registry if one.startswith("Crm")]
        raise UsageError(f"environment {name!r} does not exist; {near_miss(name, ours)}")
    return gym.make(name, disable_env_checker=True, **keywords)


def form_door() -> Door:
    """The door of crm_gym's form environments."""
    return Door(
        actions=layout().size,
        request=MAX_WORDS,
        words=WORD_COUNT,
        bigrams=BIGRAM_COUNT,
        values=MAX_VALUES,
        rows=MAX_ROWS,
        value_columns=sorts(VALUE_COLUMNS),
        row_columns=sorts(ROW_COLUMNS),
        form_columns=sorts(FORM_COLUMNS),
    )


def oracle_of(env: gym.Env[Any, Any]) -> Any:
    """Who knows the solution: the environment's own `oracle`, or the form door's."""
    own = getattr(env.unwrapped, "oracle", None)
    return own if own is not None else FormOracle(env)
