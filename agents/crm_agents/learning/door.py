"""What a network must know of a numeric door: sizes, columns, and which actions point at candidates."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any, Literal

import gymnasium as gym
from pydantic import BaseModel, ConfigDict

from crm_gym import CrmGymError, UsageError, near_miss
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
    space, actions, door = env.observation_space, env.action_space, form_door()
    seen = isinstance(space, gym.spaces.Dict) and {"request", "said", "rows", "form"} <= set(space)
    if not seen or not isinstance(actions, gym.spaces.Discrete) or actions.n != door.actions:
        raise UsageError("learning needs an environment with the form door, such as 'CrmEnvForm-v0'")
    return door


def check_door(made_for: Door, present: Door, what: str) -> None:
    """See that a policy fits the environment it is to play in.

    Args:
        made_for: The door it was made for.
        present: That of the environment.
        what: What the policy is called in the complaint.

    Raises:
        UsageError: If they differ.
    """
    if made_for != present:
        raise UsageError(
            f"{what} is made for another form door than the environment has: "
            "the tools or the columns have changed since it was saved; train anew"
        )


def registered(env_id: str) -> str:
    """The bare id of `module:id`, the module imported; other ids as they are.

    Raises:
        UsageError: If there is no such module.
    """
    module, colon, name = env_id.rpartition(":")
    if colon:
        try:
            importlib.import_module(module)
        except (ImportError, ValueError) as fault:
            raise UsageError(f"environment {env_id!r}: module {module!r} cannot be imported: {fault}") from None
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
    try:
        return gym.make(name, disable_env_checker=True, **keywords)
    except CrmGymError:
        raise
    except (TypeError, ValueError, gym.error.Error) as fault:
        raise UsageError(f"environment {name!r} cannot be made with these keywords: {fault}") from fault


def probe(env_id: str, keywords: Mapping[str, Any]) -> Door:
    """The door of an environment of the id, which can be made and reset: so its database is within reach.

    Raises:
        UsageError: If the id is not registered, a keyword will not do, or it has no numeric door.
        InfraError: If its database is out of reach.
    """
    env = make_env(env_id, keywords)
    try:
        door = door_of(env)
        env.reset(seed=0)
    finally:
        env.close()
    return door


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
