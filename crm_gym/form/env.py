"""CrmFormEnv: the same episodes for policies that choose among numbers: one tool call is a form to fill in."""

from __future__ import annotations

from typing import Any, ClassVar

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.error import ResetNeeded

from crm_gym.env import CrmEnv
from crm_gym.errors import UsageError
from crm_gym.form.arrays import Arrays, observation_space
from crm_gym.form.desk import Desk, Mask
from crm_gym.form.formline import FormLine
from crm_gym.form.layout import layout
from crm_gym.form.sheet import Sheet
from crm_gym.tools import ToolCall
from crm_gym.verify import Verdict

Info = dict[str, Any]
Observation = dict[str, np.ndarray]

_PLAN = layout()


class CrmFormEnv(gym.Env[Observation, int]):
    """CrmEnv through the numeric door: an action chooses a tool, fills a line of its form, corrects it, or submits it.

    Args:
        **keywords: Those of `CrmEnv`.

    Actions are `Discrete`; which there are now says `action_masks()`, and info["action_mask"] (int8). An action that
    is masked out is taken for a mistake of the program, not of the policy. See `crm_gym.form.layout` for the numbers.
    Observations: see `crm_gym.form.arrays.observation_space`. Values can be pointed at if the request says them, the
    schemas name them, or the CRM returned them in this episode; nothing else can.

    Rewards are those of `CrmEnv` for a submitted call, and the terms `filled` and `form` for the other steps.

    Raises:
        UsageError: If a keyword does not exist, or an action is masked out.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": ["ansi", "human"], "render_fps": 4}  # type: ignore[misc]

    def __init__(self, **keywords: Any) -> None:
        self.crm_env = CrmEnv(**keywords)
        self.render_mode = self.crm_env.render_mode
        self.observation_space = observation_space()
        self.action_space = spaces.Discrete(_PLAN.size)
        self._arrays = Arrays(1)
        self._sheet = Sheet(self._arrays, 0)
        self._desk = Desk(self._sheet)
        self._line = FormLine(self._arrays.form[0])
        self._mask: Mask = np.zeros(_PLAN.size, np.bool_)
        self._over = True

    @property
    def task(self) -> Any:
        """The task being played, with its solution: not for policies."""
        return self.crm_env.task

    @property
    def verdict(self) -> Verdict:
        """What the state says of the episode so far: not for policies."""
        return self.crm_env.verdict

    @property
    def crm(self) -> Any:
        """The CRM being played on."""
        return self.crm_env.crm

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
        action = int(action)
        if not (0 <= action < _PLAN.size and self._mask[action]):
            what = _PLAN.meaning(action) if 0 <= action < _PLAN.size else f"no action; they go to {_PLAN.size - 1}"
            raise UsageError(f"action {action} ({what}) is masked out now; choose among those of action_masks()")
        before = self._desk.filled
        call = self._desk.act(action)
        self._line.moved()
        if call is None:
            reward, info = self.crm_env.fill(before, self._desk.filled)
            observation, info = self._shown(info)
            return observation, reward, False, False, info
        return self._submitted(call, before)

    def _submitted(self, call: ToolCall, before: float) -> tuple[Observation, float, bool, bool, Info]:
        tool, desk = self._desk.tool, self._desk
        slots = desk.form.slots
        came, reward, over, info = self.crm_env.play((call.tool, dict(call.arguments), None, None), before)
        if came is not None:
            if came[1] is None:
                used = [(pick, slots[place].name) for place, picks in enumerate(desk.picks) for pick in picks]
                values = [(pick.value_slot, name) for pick, name in used if pick.value_slot >= 0]
                rows = [pick.row_slot for pick, _ in used if pick.row_slot >= 0]
                self._sheet.use([slot for slot, _ in values], rows, tool, [name for _, name in values])
            self._sheet.learn(call.tool, dict(call.arguments), came)
            self._line.called(tool, came, self.crm_env.crm.store.counts(), self._sheet)
        desk.close()
        self._over = over or came is None
        observation, info = self._shown(info)
        return observation, reward, over, came is None, info

    def _shown(self, info: Info) -> tuple[Observation, Info]:
        self._line.fill(self._desk)
        self._mask = self._desk.mask()
        info["action_mask"] = self._mask.astype(np.int8)
        return self._arrays.observation(0), info

    def render(self) -> str | None:
        """The episode as a coloured text; see `CrmEnv.render`."""
        return self.crm_env.render()

    def close(self) -> None:
        """Let go of the database, if there is one; twice is fine."""
        self.crm_env.close()
