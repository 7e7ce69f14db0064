"""CrmEnv: a request in plain language, tool calls as actions, a verdict from the state of the CRM."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import gymnasium as gym
from gymnasium.error import ResetNeeded

from crm_gym import render, rewards, spaces
from crm_gym.backend import backend_of
from crm_gym.crm import Crm
from crm_gym.errors import InfraError
from crm_gym.keywords import check_choices, check_flags, check_names, check_render_mode, one_option
from crm_gym.opening import Opening, opening_of, opening_of_own
from crm_gym.rewards import Reward, RewardConfig
from crm_gym.selection import Selection, sampler_of
from crm_gym.strict_json import encode
from crm_gym.tasks.dialogue import User
from crm_gym.tasks.session import ASK
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOLS, ToolResult, outcome
from crm_gym.tools.base import Outcome
from crm_gym.verify import DONE, Verdict, verify

Info = dict[str, Any]

_CHOICES = {"refusals": ("decline", "attempt"), "ends_on": ("success", "finish")}
_OPTIONS = ("task_id", "tool", "task", "level")
_ENDINGS = tuple(name for name, tool in TOOLS.items() if tool.kind == "end")
_ENDING = frozenset(_ENDINGS)
_GOLDEN = "golden"
_DONE_SUMMARY = DONE.summary()
_NO_TERMS = dict.fromkeys(rewards.TERMS, 0.0)
_NO_ERROR = {"code": "", "field": "", "message": ""}


class CrmEnv(gym.Env[spaces.Observation, Any]):
    """One episode is one task: reset gives the request, each step plays one tool call.

    Args:
        suite: The tasks to play (see `crm_gym.load_suite`).
        tasks: Only these of the suite: task ids or tool names.
        weights: How tasks are drawn: "uniform", or "frequency", as often as a CRM team asks for each tool.
        split: With suite "generated": the split, one of `crm_gym.SPLITS`.
        level: With suite "generated": only tasks of this difficulty, 1 to 5.
        families: With suite "generated": only these families of tasks.
        records: With suite "generated": size of the worlds, 10 to 100,000 records.
        backend: Where the records are kept: "memory:", or "postgresql://..." (see `crm_gym.postgres`).
        commit: With PostgreSQL: keep what the agent writes, to look at; else an episode is one open transaction.
        refusals: What solves a task that the CRM must refuse: "decline", turning it down with the right code
            and field, or "attempt", making the call and having it refused.
        ends_on: "success" ends the episode as soon as the task is solved; "finish" only when the agent ends it
            with respond, decline or finish.
        reward: Weights of the reward's terms, a mapping with fields of `RewardConfig`.
        expose_reference: Put the solution into info at reset, under "reference".
        include_tool_hints: Put the names of helpful tools into info at reset, under "tool_hints".
        render_mode: None, "ansi" (render returns a text) or "human" (every step prints it).

    Observations and actions: `crm_gym.spaces`. A malformed or refused call is an ordinary step with an error.
    The agent ends the episode with respond, decline or finish; a limit of steps is TimeLimit's business.

    `reset(options=...)` takes `{"task_id": id}`, `{"tool": name}` (one of its tasks, or of a family's), `{"task":
    mapping}`, or, with suite "generated", `{"level": number}`.

    Raises:
        UsageError: If a keyword, a choice or an option does not exist; says what does.
        TaskError: If a task given to reset is malformed.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["ansi", "human"],
        "render_fps": 4,
    }

    def __init__(
        self,
        suite: str = "golden",
        tasks: Sequence[str] | None = None,
        weights: Literal["uniform", "frequency"] = "uniform",
        split: str | None = None,
        level: int | None = None,
        families: Sequence[str] | None = None,
        records: int | None = None,
        backend: str = "memory:",
        commit: bool = False,
        refusals: Literal["decline", "attempt"] = "decline",
        ends_on: Literal["success", "finish"] = "success",
        reward: Mapping[str, float] | RewardConfig | None = None,
        expose_reference: bool = False,
        include_tool_hints: bool = False,
        render_mode: str | None = None,
        **unknown: Any,
    ) -> None:
        check_names("CrmEnv", unknown, CrmEnv)
        check_choices({"refusals": refusals, "ends_on": ends_on}, _CHOICES)
        check_render_mode(render_mode, self.metadata["render_modes"])
        check_flags({"expose_reference": expose_reference, "include_tool_hints": include_tool_hints})
        self.render_mode = render_mode
        self.observation_space = spaces.observation_space()
        self.action_space = spaces.action_space()
        self.refusals, self.ends_on = refusals, ends_on
        self.expose_reference, self.include_tool_hints = expose_reference, include_tool_hints
        self._reward = Reward(rewards.config_of(reward))
        self.sampler = sampler_of(Selection(suite, tasks, weights, refusals, split, level, families, records))
        self._backend = backend_of(backend, commit)
        self._task: Task
        self._opening: Opening
        self._over = True

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_opening"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_task" in state:
            self._opening = opening_of_own(self._task)
        if self._backend is not None:
            self._over = True  # its transaction stayed behind

    @property
    def reward_config(self) -> RewardConfig:
        """The weights of the reward's terms."""
        return self._reward.config

    @reward_config.setter
    def reward_config(self, config: RewardConfig) -> None:
        self._reward = Reward(config)

    @property
    def task(self) -> Task:
        """The task being played, with its solution: not for policies.

        Raises:
            ResetNeeded: Before the first reset.
        """
        if not hasattr(self, "_task"):
            raise ResetNeeded("there is no task yet; call reset() first")
        return self._task

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[spaces.Observation, Info]:
        """Begin an episode. The seed fixes the task, the ids and the times, byte for byte."""
        if seed is not None:  # without one, Env.reset has nothing to do
            super().reset(seed=seed)
            self.sampler.restart()
        if options:
            task, number = self._choose(options), self.sampler.draw(self)
        else:
            task, number = self.sampler.episode(self)
        opening = opening_of(task) if task.split == _GOLDEN and not options else opening_of_own(task)
        self._task, self._opening = task, opening
        self._over = True  # until there is a CRM to play on
        self.crm: Crm = opening.fork(number) if self._backend is None else self._backend.open(task, number)
        self._calls: list[ToolResult] = []
        self._heard: ToolResult | None = None
        self._user = None if task.user is None else User(task.user)
        self._steps = self._judged = 0
        self._over = False
        self._verdict = opening.verdict
        info = opening.info.copy()
        info["verdict"] = opening.summary.copy()
        info["reward_terms"] = _NO_TERMS.copy()
        info["error"] = _NO_ERROR.copy()
        info["tools"] = opening.tools
        if self.include_tool_hints:
            # The three ways to end are always among them: which one is right is not for a hint to say.
            info["tool_hints"] = encode([*task.hints, *_ENDINGS])
        if self.expose_reference:
            info["reference"] = encode([{"tool": c.tool, "arguments": c.arguments} for c in task.solution])
        if self.render_mode == "human":
            print(self._draw())
        observation = opening.observation.copy()
        observation["counts"] = observation["counts"].copy()
        return observation, info

    def step(self, action: Any) -> tuple[spaces.Observation, float, bool, bool, Info]:
        """Play one tool call; see `crm_gym.spaces.decode` for what an action may be."""
        played = spaces.decode(action)
        came, reward, over, info = self.play(played)
        begun, steps = self._opening.observation, self._steps
        if came is None:  # an outage
            return begun | {"counts": begun["counts"].copy(), "steps": steps}, reward, False, True, info
        return spaces.observe(begun, self.crm.store.counts(), steps, played, came), reward, over, False, info

    def play(self, played: spaces.Decoded, filled: float = 0.0) -> tuple[Outcome | None, float, bool, Info]:
        """A step without its observation: what came of the call, reward, terminated and info.

        None came of a call that an outage stopped: then the episode is truncated.

        Args:
            played: The call, as `crm_gym.spaces.decode` gives it.
            filled: How far the form was filled that submits it, from 0 to 1.
        """
        if self._over:
            raise ResetNeeded("the episode is over, or none has begun; call reset() first")
        tool, arguments, _, malformed = played
        came: Outcome
        if tool is None:
            came = None, malformed
        elif self._backend is None:
            came = outcome(self.crm, tool, arguments)
        else:
            try:
                came = self._backend.play(self.crm, tool, arguments)
            except InfraError as fault:
                return self._outage(fault)
        error = came[1]
        refused = error is not None
        if tool == ASK and self._user is not None and not refused:
            came = {"user": self._user.answer(arguments["about"], self.crm.journal)}, None
        self._steps += 1
        before, opening = self._verdict, self._opening
        journal = self.crm.journal
        count = len(journal.changes)
        if opening.listens:
            after = self._judge(played, came)
        elif count == self._judged:
            after = before
        else:  # worked out anew only if the state is new
            after = verify(self._task, journal)
        self._judged, self._verdict = count, after
        success = after.success
        self._over = over = (success and self.ends_on == "success") or (tool in _ENDING and not refused)
        terms, reward = self._reward.pay(before, after, refused, over, filled)
        info = opening.info.copy()
        info["is_success"] = over and success
        info["verdict"] = _DONE_SUMMARY.copy() if success else after.summary()
        info["reward_terms"] = terms
        info["error"] = _NO_ERROR.copy() if error is None else error.as_json()
        if self.render_mode is not None:
            self._calls.append(spaces.result_of(played, came))
            if self.render_mode == "human":
                print(self._draw())
        return came, reward, over, info

    def fill(self, before: float, after: float) -> tuple[float, Info]:
        """A step of a form that submits nothing: reward and info; see `crm_gym.form`.

        Args:
            before: How far the form was filled, from 0 to 1.
            after: How far it is filled now.
        """
        terms, reward = self._reward.fill(self._verdict, before, after)
        info = self._opening.info.copy()
        info.update(verdict=self._verdict.summary(), reward_terms=terms, error=_NO_ERROR.copy())
        return reward, info

    def render(self) -> str | None:
        """The episode as a coloured text: request, calls, changes, verdict. None unless render_mode is "ansi"."""
        return self._draw() if self.render_mode == "ansi" else None

    def close(self) -> None:
        """Let go of the database, if there is one; twice is fine."""
        if self._backend is not None:
            self._backend.close()
            self._over = True

    @property
    def verdict(self) -> Verdict:
        """What the state says of the episode so far, with what is missing: not for policies.

        Raises:
            ResetNeeded: Before the first reset.
        """
        if not hasattr(self, "_task"):
            raise ResetNeeded("there is no verdict yet; call reset() first")
        return self._verdict

    def _outage(self, fault: InfraError) -> tuple[None, float, bool, Info]:
        """The end of an episode whose database failed: nobody's success and nobody's failure."""
        self._over = True
        self._steps += 1
        info = self._opening.info | {"is_success": False, "verdict": self._verdict.summary(), "infra_error": str(fault)}
        info |= {"reward_terms": _NO_TERMS.copy(), "error": _NO_ERROR.copy()}
        return None, 0.0, False, info

    def _choose(self, options: Mapping[str, Any]) -> Task:
        name, value = one_option(options, _OPTIONS)
        if name == "level":
            return self.sampler.leveled(self, value)
        if name != "task":
            return self.sampler.find(value) if name == "task_id" else self.sampler.about(self, value)
        task = value if isinstance(value, Task) else Task.from_mapping(value)
        return task.by_attempt() if self.refusals == "attempt" else task

    def _judge(self, played: spaces.Decoded, came: Outcome) -> Verdict:
        """The verdict after a call where what was said counts too; worked out anew only if that or the state is new."""
        task, journal = self._task, self.crm.journal
        result = spaces.result_of(played, came)
        if task.goal.heard(result):
            self._heard = result  # what speaks to the goal is all a verdict needs of the past
        elif len(journal.changes) == self._judged:
            return self._verdict
        return verify(task, journal, () if self._heard is None else (self._heard,))

    def _draw(self) -> str:
        return render.ansi(self.task, self._calls, self.crm.journal, self._verdict, over=self._over)
