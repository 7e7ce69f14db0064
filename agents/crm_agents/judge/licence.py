"""Whether a judge may be used: calibrated as it is now, on the set that ships, and through the gate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crm_agents.judge.calibrate import SCHEMA
from crm_agents.judge.figures import faults
from crm_agents.judge.gate import Gate, looser, refusals
from crm_agents.judge.items import attacks, items, set_hash
from crm_agents.judge.judge import Judge
from crm_gym import UsageError
from crm_gym.strict_json import NotStrict, parse


@dataclass(frozen=True, slots=True)
class Licence:
    """What a judge's opinions are worth.

    Attributes:
        calibrated: Whether the judge, as it is now, came through a gate that is no looser than the usual one.
        answered_by: The models that answered when it did; another one's opinion is not covered.
        reasons: Why it is not calibrated.
        gate: The limits.
    """

    calibrated: bool
    answered_by: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    gate: Gate = field(default_factory=Gate)

    def covers(self, model: str) -> bool:
        """Whether an opinion that this model gave is one of the judge that was calibrated."""
        return self.calibrated and model in self.answered_by


def licence(
    judge: Judge, calibration: Path | None, gate: Gate | None = None, *, allow_uncalibrated: bool = False
) -> Licence:
    """A judge's licence.

    Args:
        judge: The judge.
        calibration: The file that `crm-agents judge calibrate` wrote; None if there is none.
        gate: The limits; the usual ones if not given, and with looser ones no judge is calibrated. The file's own word
            on whether it passed counts for nothing.
        allow_uncalibrated: Give a licence to a judge that has not come through, which says so of each opinion.

    Raises:
        UsageError: If the judge is refused, with all reasons.
    """
    gate = gate or Gate()
    if calibration is None:
        reasons: tuple[str, ...] = ("it has not been calibrated",)
        made: Mapping[str, Any] = {}
    else:
        made = read_calibration(calibration)
        reasons = (*_differences(made, judge), *faults(made, items(), attacks()), *refusals(made, gate))
    reasons += looser(gate)
    if not reasons:
        return Licence(True, tuple(made["answered_by"]), (), gate)
    if allow_uncalibrated:
        return Licence(False, (), reasons, gate)
    raise UsageError(
        f"the judge {judge.model!r} is refused: {'; '.join(reasons)}. Calibrate it with crm-agents judge calibrate, or "
        "say allow_uncalibrated=True (--allow-uncalibrated), which marks each of its opinions"
    )


def read_calibration(path: Path) -> dict[str, Any]:
    """What `crm-agents judge calibrate` wrote.

    Raises:
        UsageError: If there is no such file, or it is none.
    """
    try:
        made = parse(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise UsageError(f"{path} cannot be read: {fault.strerror}; crm-agents judge calibrate writes one") from None
    except (NotStrict, UnicodeDecodeError) as fault:
        raise UsageError(f"{path} is no calibration: {fault}") from None
    if not isinstance(made, dict) or made.get("kind") != "calibration":
        raise UsageError(f"{path} is no calibration; crm-agents judge calibrate writes one")
    return made


def _differences(made: Mapping[str, Any], judge: Judge) -> list[str]:
    """In what the calibration is not about this judge, or not of this day."""
    expected = {
        "schema": (SCHEMA, "the calibration is of another version of this package"),
        "model": (judge.model, f"the calibration is of another model, {made.get('model')!r}"),
        "prompt": (judge.prompt, "the calibration is of another prompt"),
        "settings": (judge.describe(), "the model was asked with other settings, or another way"),
        "items": (set_hash(items(), attacks()), "the calibration was on other items than those that ship"),
    }
    said = [text for name, (value, text) in expected.items() if made.get(name) != value]
    answered = made.get("answered_by")
    if not isinstance(answered, list) or not all(isinstance(name, str) for name in answered):
        said.append("the calibration does not say which models answered")
    return said
