"""Whether a value is a run or an episode as `crm_gym.evaluation.records` says: names, types, words, finite numbers."""

from __future__ import annotations

import sys
from typing import Any

from crm_gym.evaluation.records import OUTCOMES, SCHEMA, SLIPS


class Damaged(ValueError):
    """A line is not what was written; says in what."""


Types = dict[str, tuple[type, ...]]

_TEXT, _WHOLE, _NUMBER, _NONE = (str,), (int,), (int, float), type(None)
_RUN: Types = {
    "kind": _TEXT,
    "schema": _WHOLE,
    "run": _TEXT,
    "agent": _TEXT,
    "settings": (dict,),
    "model": (str, _NONE),
    "prompt": (str, _NONE),
    "env_id": _TEXT,
    "env": (dict,),
    "seed": _WHOLE,
    "trials": _WHOLE,
    "count": _WHOLE,
    "tasks": _TEXT,
    "code": _TEXT,
}
_EPISODE: Types = {
    **{name: _RUN[name] for name in ("kind", "schema", "run", "agent", "model", "prompt", "tasks", "code")},
    "index": _WHOLE,
    "task": _TEXT,
    "family": _TEXT,
    "level": _WHOLE,
    "polarity": _TEXT,
    "seed": _WHOLE,
    "trial": _WHOLE,
    "request": _TEXT,
    "today": _TEXT,
    "steps": (list,),
    "total": _NUMBER,
    "verdict": (dict,),
    "diff": (list,),
    "terminated": (bool,),
    "truncated": (bool,),
    "outcome": _TEXT,
    "reason": (str, _NONE),
    "note": (str, _NONE),
    "said": (str, _NONE),
    "slips": (list,),
    "calls": _WHOLE,
    "tokens": (dict, _NONE),
    "cost": (int, float, _NONE),
    "latency": (int, float, _NONE),
    "attempt": _WHOLE,
}
_STEP: Types = {
    "tool": (str, _NONE),
    "arguments": (dict, list, str, int, float, bool, _NONE),
    "result": _TEXT,
    "error": (dict, _NONE),
    "reward": (dict,),
    "hash": _TEXT,
    "diff": (list,),
}
_ERROR: Types = {"code": _TEXT, "field": _TEXT, "message": _TEXT}
_CHANGE: Types = {"table": _TEXT, "id": _TEXT, "before": (dict, _NONE), "after": (dict, _NONE)}
_VERDICT: Types = {"success": (bool,), "progress": _NUMBER, "missing": _WHOLE, "unexpected": _WHOLE}
_SPENT: Types = {
    **{name: _RUN[name] for name in ("kind", "schema", "run")},
    "calls": _WHOLE,
    "tokens": (dict,),
    "cost": (int, float, _NONE),
}
_TOKENS: Types = {"input": _WHOLE, "output": _WHOLE, "cache_read": _WHOLE, "cache_write": _WHOLE}
_SLIP: Types = {"step": _WHOLE, "kind": _TEXT}

_SOUND: set[tuple[int, tuple[str, ...], tuple[type, ...]]] = set()
_MOST_SOUND = 1_000


def check_run(made: dict[str, Any]) -> None:
    """Refuse what is no run.

    Raises:
        Damaged: Says why.
    """
    _check_kind(made, "run")
    _check(made, _RUN, "it")


def check_episode(made: dict[str, Any]) -> None:
    """Refuse what is no episode.

    Raises:
        Damaged: Says why.
    """
    _check_kind(made, "episode")
    _check(made, _EPISODE, "it")
    _check(made["verdict"], _VERDICT, "its verdict")
    if made["outcome"] not in OUTCOMES:
        raise Damaged(f"it has an outcome that there is not, {made['outcome'][:40]!r}")
    _check_amounts(made)
    if not _finite(made["total"]):
        raise Damaged("its 'total' is no finite number")
    if made["attempt"] < 1:
        raise Damaged("its 'attempt' is below 1")
    for slip in made["slips"]:
        _check(slip, _SLIP, "a slip of it")
        if slip["kind"] not in SLIPS:
            raise Damaged(f"it has a slip that there is not, {slip['kind'][:40]!r}")
    for change in made["diff"]:
        _check(change, _CHANGE, "a change of it")
    for number, step in enumerate(made["steps"], 1):
        _check_step(step, f"its step {number}")


def check_spent(made: dict[str, Any]) -> None:
    """Refuse what does not say what was spent.

    Raises:
        Damaged: Says why.
    """
    _check_kind(made, "spent")
    _check(made, _SPENT, "it")
    _check_amounts(made)


def _check_amounts(made: dict[str, Any]) -> None:
    """Refuse what nothing can come to: 1e999 is JSON."""
    amounts = {name: made.get(name) or 0 for name in ("calls", "cost", "latency")}
    if made["tokens"] is not None:
        _check(made["tokens"], _TOKENS, "its tokens")
        amounts.update(made["tokens"])
    for name, amount in amounts.items():
        if not _finite(amount):
            raise Damaged(f"its {name!r} is no finite number")
        if amount < 0:
            raise Damaged(f"its {name!r} is below 0")


def _finite(amount: float) -> bool:
    """Whether one can calculate with a number: no NaN, no infinity, and no whole number that is as good as one."""
    return -sys.float_info.max <= amount <= sys.float_info.max


def _check_step(step: Any, what: str) -> None:
    _check(step, _STEP, what)
    if step["error"] is not None:
        _check(step["error"], _ERROR, f"the error of {what}")
    for change in step["diff"]:
        _check(change, _CHANGE, f"a change of {what}")
    if type(step.get("said", "")) is not str:
        raise Damaged(f"{what} has words that are no text")
    for amount in step["reward"].values():
        if type(amount) not in _NUMBER or not _finite(amount):
            raise Damaged(f"{what} has a reward that is no finite number")


def _check_kind(made: dict[str, Any], kind: str) -> None:
    schema = made.get("schema")
    if type(schema) is int and schema > SCHEMA:
        raise Damaged(f"it has schema {schema}, of a newer crm_gym; this one reads up to {SCHEMA}")
    if made.get("kind") != kind:
        raise Damaged(f"it is no {kind}" if "kind" in made else "it has no 'kind'")


def _check(made: Any, types: Types, what: str) -> None:
    """Refuse what lacks one of the names, or has another type under one."""
    if type(made) is not dict:
        raise Damaged(f"{what} is no object")
    shape = id(types), tuple(made), tuple(map(type, made.values()))
    if shape in _SOUND:  # the lines of a log come in a few shapes
        return
    for name, allowed in types.items():
        if name not in made:
            raise Damaged(f"{what} has no {name!r}")
        if type(made[name]) not in allowed:
            raise Damaged(f"{what} has a {name!r} of another type, {type(made[name]).__name__}")
    if len(_SOUND) < _MOST_SOUND:
        _SOUND.add(shape)
