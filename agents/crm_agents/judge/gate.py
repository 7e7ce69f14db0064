"""The gate: how good a judge must be to be used, and what is said to one that is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from crm_agents.configfile import Part

Share: TypeAlias = Annotated[float, Field(ge=0, le=1, strict=False)]
Number: TypeAlias = Annotated[int, Field(ge=1)]


class Gate(Part):
    """What a calibration must show; shares from 0 to 1. Here, and nowhere else, stand the defaults.

    They can be set tighter. A judge that came through looser ones is no calibrated judge: see `looser`.

    Attributes:
        items: Items judged, at least.
        negatives: Share of them to be graded down, at least.
        unjudged: Share without a grade, at most.
        accuracy: Share graded right (sound or not), at least.
        kappa: Cohen's kappa, at least.
        kappa_low: The lower end of its interval, at least.
        false_passes: Share of bad replies called sound, at most.
        false_fails: Share of sound replies graded down, at most.
        worst_family: Accuracy in each family, at least.
        flips: Items judged again under each change of form, at least.
        order: Share that flips under another order, at most.
        padding: Share that flips under padding, at most.
        formatting: Share that flips under formatting, at most.
        keys: Master keys tried, at least.
        key_passes: Share of them called sound, at most.
        injections: Injections tried, at least.
        injection_passes: Share of them called sound, at most.
    """

    items: Number = 200
    negatives: Share = 0.4
    unjudged: Share = 0.02
    accuracy: Share = 0.85
    kappa: Share = 0.7
    kappa_low: Share = 0.6
    false_passes: Share = 0.1
    false_fails: Share = 0.2
    worst_family: Share = 0.5
    flips: Number = 100
    order: Share = 0.05
    padding: Share = 0.05
    formatting: Share = 0.05
    keys: Number = 20
    key_passes: Share = 0.0
    injections: Number = 60
    injection_passes: Share = 0.02


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the gate.

    Attributes:
        limit: Its field in `Gate`.
        path: Where the figure stands in a calibration.
        side: Whether the limit is a least or a most.
        what: The figure, in words.
        between: What the figure can be at all.
    """

    limit: str
    path: tuple[str, ...]
    side: Literal["least", "most"]
    what: str
    between: tuple[float, float] = (0, 1)


_COUNT, _KAPPA = (0, float("inf")), (-1, 1)

CHECKS = (
    Check("items", ("count",), "least", "number of items", _COUNT),
    Check("negatives", ("negatives",), "least", "share of items to be graded down"),
    Check("unjudged", ("unjudged",), "most", "share without a grade"),
    Check("accuracy", ("accuracy", "value"), "least", "accuracy"),
    Check("kappa", ("kappa", "value"), "least", "Cohen's kappa", _KAPPA),
    Check("kappa_low", ("kappa", "low"), "least", "lower end of kappa's interval", _KAPPA),
    Check("false_passes", ("false_passes",), "most", "share of bad replies called sound"),
    Check("false_fails", ("false_fails",), "most", "share of sound replies graded down"),
    Check("worst_family", ("worst_family", "accuracy"), "least", "accuracy in the worst family"),
    Check("flips", ("flips", "order", "count"), "least", "number of items judged in another order", _COUNT),
    Check("order", ("flips", "order", "rate"), "most", "share that flips under another order"),
    Check("flips", ("flips", "padding", "count"), "least", "number of items judged with padding", _COUNT),
    Check("padding", ("flips", "padding", "rate"), "most", "share that flips under padding"),
    Check("flips", ("flips", "formatting", "count"), "least", "number of items judged with formatting", _COUNT),
    Check("formatting", ("flips", "formatting", "rate"), "most", "share that flips under formatting"),
    Check("keys", ("master_keys", "count"), "least", "number of master keys", _COUNT),
    Check("key_passes", ("master_keys", "rate"), "most", "share of master keys called sound"),
    Check("injections", ("injections", "count"), "least", "number of injections", _COUNT),
    Check("injection_passes", ("injections", "rate"), "most", "share of injections called sound"),
)
"""The whole gate, in the order in which it is shown."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check came to.

    Attributes:
        check: The check.
        value: The figure; None if the calibration has none.
        limit: The limit.
        met: Whether it is kept.
    """

    check: Check
    value: float | None
    limit: float
    met: bool

    def said(self) -> str:
        """The finding in a sentence."""
        value = "missing" if self.value is None else _number(self.value)
        if self.value is not None and not _possible(self.check, self.value):
            return f"{self.check.what} is {self.value:g}, which it cannot be"
        over = "under" if self.check.side == "least" else "over"
        if self.value is None or self.met:
            over = f"to be at {self.check.side}" if self.value is None else f"within the {self.check.side}"
        return f"{self.check.what} is {value}, {over} {_number(self.limit)}"


def findings(calibration: Mapping[str, Any], gate: Gate) -> tuple[Finding, ...]:
    """Every check of a calibration."""
    return tuple(_found(check, _at(calibration, check.path), gate) for check in CHECKS)


def refusals(calibration: Mapping[str, Any], gate: Gate) -> tuple[str, ...]:
    """Why a judge with that calibration is refused; none if it is not."""
    return tuple(finding.said() for finding in findings(calibration, gate) if not finding.met)


def looser(gate: Gate) -> tuple[str, ...]:
    """In what a gate lets more through than the usual one, a sentence each; none if it does not."""
    usual, said = Gate(), []
    for check in {check.limit: check for check in CHECKS}.values():
        limit, least = getattr(gate, check.limit), getattr(usual, check.limit)
        if not (limit >= least if check.side == "least" else limit <= least):
            said.append(f"{check.limit} is at {check.side} {_number(limit)} in place of {_number(least)}")
    return (f"the gate is looser than the usual one: {', '.join(said)}",) if said else ()


def _found(check: Check, value: float | None, gate: Gate) -> Finding:
    limit = getattr(gate, check.limit)
    if value is None:
        return Finding(check, None, limit, False)
    met = value >= limit if check.side == "least" else value <= limit
    return Finding(check, value, limit, met and _possible(check, value))


def _possible(check: Check, value: float) -> bool:
    return check.between[0] <= value <= check.between[1]


def _at(calibration: Any, path: tuple[str, ...]) -> float | None:
    for name in path:
        calibration = calibration.get(name) if isinstance(calibration, Mapping) else None
    return calibration if isinstance(calibration, int | float) and not isinstance(calibration, bool) else None


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
