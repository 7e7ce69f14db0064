"""CrmFormEnv: the same episodes for policies that choose among numbers: one tool call is a form to fill in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from crm_gym.env import CrmEnv
from crm_gym.errors import UsageError, near_miss
from crm_gym.form.arrays import Arrays, observation_space
from crm_gym.form.desk import Desk, Mask
from crm_gym.form.formline import FormLine
from crm_gym.form.inside import Inside
from crm_gym.form.layout import layout
from crm_gym.form.sheet import Sheet
from crm_gym.keywords import check_names, shown, whole_number
from crm_gym.tasks.catalogue import names_of
from crm_gym.tools import TOOL_NAMES, TOOLS, ToolCall
from crm_gym.tools.base import Outcome

Info = dict[str, Any]
Observation = dict[str, np.ndarray]

_PLAN = layout()
_MASKED_OUT = ("ignore", "raise")


def offered(tools: Sequence[str] | None) -> Mask:
    """Which tools are offered, bool (tools,).

    Raises:
        UsageError: If a name is no tool's, or nothing is left.
    """
    names = TOOL_NAMES if tools is None else names_of(tools, "tools must be a list of names of tools")
    for name in names:
        if name not in TOOLS:
            raise UsageError(f"tools: {name!r} is no tool; {near_miss(name, TOOLS)}")
    if not names:
        raise UsageError("tools: an empty list leaves nothing to do")
    return np.array([name in names for name in TOOL_NAMES])


def submitted(
    call: ToolCall, desk: Desk, crm_env: CrmEnv, line: FormLine, before: float
) -> tuple[Outcome | None, float, bool, Info]:
    """Make the call of a form, and take in what came of it: that, reward, terminated and info; see `CrmEnv.play`.

    Args:
        call: The call.
        desk: The form.
        crm_env: The episode.
        line: Its line of numbers.
        before: How far the form was filled.
    """
    arguments, sheet = dict(call.arguments), desk.sheet
    came, reward, over, info = crm_env.play((call.tool, arguments, None, None), before)
    if came is not None:
        if came[1] is None:
            slots = desk.form.slots
            used = [(pick, slots[place].name) for place, picks in enumerate(desk.picks) for pick in picks]
            values = [(pick.value_slot, name) for pick, name in used if pick.value_slot >= 0]
            rows = [pick.row_slot for pick, _ in used if pick.row_slot >= 0]
            sheet.use([slot for slot, _ in values], rows, desk.tool, [name for _, name in values])
        sheet.learn(call.tool, arguments, came)
        line.called(desk.tool, came, crm_env.crm.store.counts(), sheet)
    return came, reward, over, info


class CrmFormEnv(Inside, gym.Env[Observation, int]):
    """CrmEnv through the numeric door: an action chooses a tool, fills a line of its form, corrects it, or submits it.

    Args:
        masked_out: What an action does that is masked out: "ignore", nothing, and the step counts; or "raise", for
            programs that never take one.
        tools: Only these tools are offered; None for all.
        **keywords: Those of `CrmEnv`.

    Attributes:
        latest: The call submitted last in this episode and what came of it: None where an outage stopped it. None
            before the first.

    Actions are `Discrete`; which there are now says `action_masks()`, and info["action_mask"] (int8). See
    `crm_gym.form.layout` for the numbers.
    Observations: see `crm_gym.form.arrays.observation_space`. Values can be pointed at if the request says them, the
    schemas name them, or the CRM returned them in this episode; nothing else can.

    Play with refusals="decline", the default: with "attempt" most tasks that the CRM must refuse cannot be solved by a
    form, as the mask leaves out the calls that the schemas would refuse.

    Rewards are those of `CrmEnv` for a submitted call, and the terms `filled` and `form` for the other steps.

    Raises:
        UsageError: If a keyword or a choice does not exist, an action is none, or it is masked out and that raises.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "human"], "render_fps": 4}  # type: ignore[misc]

    def __init__(
        self, masked_out: Literal["ignore", "raise"] = "ignore", tools: Sequence[str] | None = None, **keywords: Any
    ) -> None:
        if masked_out not in _MASKED_OUT:
            raise UsageError(f"masked_out {masked_out!r} does not exist; {near_miss(masked_out, _MASKED_OUT)}")
        check_names("CrmFormEnv", keywords, CrmFormEnv, CrmEnv)
        self.masked_out = masked_out
        self.crm_env = CrmEnv(**keywords)
        self.render_mode = self.crm_env.render_mode
        self.observation_space = observation_space()  # type: ignore[assignment]
        self.action_space = spaces.Discrete(_PLAN.size)  # type: ignore[assignment]
        self._arrays = Arrays(1)
        self._sheet = Sheet(self._arrays, 0)
        self._sheet.offered = offered(tools)
        self._desk = Desk(self._sheet)
        self._line = FormLine(self._arrays.form[0])
        self._mask: Mask = np.zeros(_PLAN.size, np.bool_)
        self._over = True
        self.latest: tuple[ToolCall, Outcome | None] | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._sheet.look_at(self._arrays)
        self._line.line = self._arrays.form[0]

    @property  # type: ignore[misc]
    def np_random(self) -> np.random.Generator:
        """The episode's generator: one for both doors, so that the same seed leads to the same tasks through either."""
        return self.crm_env.np_random

    @property
    def sheet(self) -> Sheet:
        """What can be pointed at now, as values."""
        return self._sheet

    @property
    def desk(self) -> Desk:
        """The form being filled."""
        return self._desk

    def action_masks(self) -> Mask:
        """Which actions there are now, bool (actions,)."""
        return self._mask.copy()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observation, Info]:
        """Begin an episode; see `CrmEnv.reset`."""
        if seed is not None:
            super().reset(seed=seed)
        self._over = True
        self.latest = None
        _, info = self.crm_env.reset(seed=seed, options=options)
        self._sheet.open(self.crm_env.task)
        self._desk.close()
        self._desk.focus = 0
        self._line.open(self.crm_env.crm.store.counts(), self._sheet)
        self._over = False
        return self._shown(info)

    def step(self, action: int) -> tuple[Observation, float, bool, bool, Info]:
        """Take one form step; only SUBMIT reaches the CRM."""
        if self._over:
            raise ResetNeeded("the episode is over, or none has begun; call reset() first")
        before = self._desk.filled
        number = self._number(action)
        call = None if number is None else self._desk.act(number)
        self._line.moved()
        if call is None:
            reward, info = self.crm_env.fill(before, self._desk.filled)
            observation, info = self._shown(info)
            return observation, reward, False, False, info
        return self._submitted(call, before)

    def _number(self, action: object) -> int | None:
        """The action as a number; None if it is masked out now, which counts for nothing."""
        number = whole_number(action)
        if number is None:
            raise UsageError(f"an action is a whole number from 0 to {_PLAN.size - 1}; got {shown(action)}")
        if not 0 <= number < _PLAN.size:
            raise UsageError(f"there is no action {shown(number)}; they go from 0 to {_PLAN.size - 1}")
        if self._mask[number]:
            return number
        if self.masked_out == "raise":
            what = _PLAN.meaning(number)
            raise UsageError(f"action {number} ({what}) is masked out now; choose among those of action_masks()")
        return None

    def _submitted(self, call: ToolCall, before: float) -> tuple[Observation, float, bool, bool, Info]:
        came, reward, over, info = submitted(call, self._desk, self.crm_env, self._line, before)
        self.latest = call, came
        self._desk.close()
        self._over = over or came is None
        observation, info = self._shown(info)
        return observation, reward, over, came is None, info

    def _shown(self, info: Info) -> tuple[Observation, Info]:
        self._line.fill(self._desk)
        self._mask = self._now()
        info["action_mask"] = self._mask.astype(np.int8)
        return self._arrays.observation(0), info

    def _now(self) -> Mask:
        """Which actions there are now."""
        return self._desk.mask()

    def render(self) -> str | None:
        """The episode as a coloured text; see `CrmEnv.render`."""
        return self.crm_env.render()

    def close(self) -> None:
        """Let go of the database, if there is one; twice is fine."""
        self.crm_env.close()
