"""Judging stored episodes again: their calls are played in a fresh environment, by today's code, and compared."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import gymnasium as gym

from crm_gym.errors import AgentError, InfraError, ToolError, UsageError
from crm_gym.evaluation.log import Log, read_log
from crm_gym.evaluation.plan import Job, Plan, code_version, task_options
from crm_gym.evaluation.playing import Tape
from crm_gym.evaluation.records import EpisodeRecord, Run, StepRecord
from crm_gym.evaluation.redact import GONE
from crm_gym.evaluation.taxonomy import failure_of
from crm_gym.strict_json import encode
from crm_gym.tasks.splits import GENERATED
from crm_gym.tools import ToolCall, ToolResult

CAUSES: Final = ("task", "tool", "verdict", "unchecked")
"""Why something is not what it was. task: what was asked. tool: what came of a call, or the state after it. verdict:
the same state is judged otherwise. unchecked: the log does not say enough to play the episode again."""

_KEPT = ("said", "slips", "calls", "tokens", "cost", "latency", "attempt")
_OF_TASK = ("task", "family", "level", "polarity", "request", "today")
_OF_STEP = ("tool", "error", "result", "hash", "diff", "reward")
_OF_UNREAD = ("tool", "hash", "diff", "reward")  # why it could not be read may be lost: the log has it as text
_OF_VERDICT = ("verdict", "diff", "total", "terminated", "truncated", "outcome", "reason")
_SURROGATE = re.compile(r"\\u(d[89a-f][0-9a-f]{2})")
_PLACE_OF_ITS_OWN = ("suite", "tasks", "refusals", "ends_on")
_OF_BACKEND = ("backend", "commit")  # every backend gives the same episode; the quickest does


@dataclass(frozen=True, slots=True)
class Difference:
    """Something of an episode that today's code sees otherwise.

    Attributes:
        index: The episode's place in the run.
        task: Its task.
        seed: Its seed.
        trial: Its trial.
        cause: One of `CAUSES`; the first one that applies to the episode.
        step: The first step that differs, from 1; None if it is not a step that does.
        what: The field that differs.
        was: Its value in the log.
        now: Its value today.
    """

    index: int
    task: str
    seed: int
    trial: int
    cause: str
    step: int | None
    what: str
    was: Any
    now: Any

    def __str__(self) -> str:
        place = "" if self.step is None else f"step {self.step}: "
        who = f"{_short(self.task)[1:-1]} seed {self.seed} trial {self.trial}: {place}"
        if self.cause == "unchecked":
            return f"{who}cannot be judged again: {self.now}"
        return f"{who}{self.what} was {_short(self.was)}, is {_short(self.now)}"


def regrade(path: str | os.PathLike[str]) -> list[Difference]:
    """Everything in a log that today's code sees otherwise, episode by episode.

    Raises:
        UsageError: If there is no log, or its environment cannot be made any more.
    """
    return [difference for _, differences in judged_again(read_log(path)) for difference in differences]


def judged_again(log: Log) -> Iterator[tuple[EpisodeRecord, list[Difference]]]:
    """Every episode of a log as today's code judges it, and what differs from what the log says.

    What the agent said and cost stays. An outage stays one, and so does an agent's own end, unless the state now says
    success. What cannot be judged again stays as it is.
    """
    run = run_again(log.run)
    plan = plan_of(log.run)
    env = gym.make(plan.env_id, disable_env_checker=True, max_episode_steps=-1, **plan.keywords())
    try:
        for old in log.episodes:
            new, differences = _again(env, run, old)
            yield {**new, "run": run["run"], "tasks": run["tasks"], "code": run["code"]}, differences
    finally:
        env.close()


def plan_of(run: Run) -> Plan:
    """The plan of a log's run, on the in-memory backend."""
    keywords = {name: value for name, value in run["env"].items() if name not in _OF_BACKEND}
    own = {name: keywords.pop(name) for name in _PLACE_OF_ITS_OWN if name in keywords}
    tasks = tuple(own.pop("tasks", None) or ())
    try:
        every = Plan(run["env_id"], tasks=tasks, seed=run["seed"], trials=run["trials"], env=keywords, **own)
    except TypeError as fault:
        raise UsageError(f"the log's environment cannot be made any more: {fault}") from None
    drawn = replace(every, episodes=max(run["count"] // run["trials"], 1))
    endless = run["env"].get("suite") == GENERATED
    return drawn if endless or every.task_set() != run["tasks"] == drawn.task_set() else every


def run_again(run: Run) -> Run:
    """A log's first line, with today's code and tasks."""
    line: Run = {**run, "run": "", "tasks": plan_of(run).task_set(), "code": code_version()}
    line["run"] = hashlib.blake2b(encode(line).encode("ascii"), digest_size=8).hexdigest()
    return line


def _again(env: gym.Env[Any, Any], run: Run, old: EpisodeRecord) -> tuple[EpisodeRecord, list[Difference]]:
    """An episode, judged again, and what differs."""
    redacted = next((number for number, step in enumerate(old["steps"], 1) if GONE in encode(step["arguments"])), None)
    if redacted is not None:
        return old, [_differs(old, "unchecked", redacted, "arguments", None, "a secret was taken out of the call")]
    options = task_options(old["task"], run["env"].get("suite"))
    tape = Tape(env, Job(old["index"], old["seed"], old["trial"], options), run)
    try:
        with tape:
            _play(tape, old)
    except UsageError as fault:
        return old, [_differs(old, "task", None, "task", old["task"], str(fault))]
    new = tape.record()
    if new["task"] != old["task"]:
        return old, [_differs(old, "task", None, "task", old["task"], new["task"])]
    kept: Any = {name: old[name] for name in _KEPT}  # type: ignore[literal-required]
    new.update(kept)
    _end_as_before(tape, env, old, new)
    for then, now in zip(old["steps"], new["steps"], strict=False):
        if "said" in then:
            now["said"] = then["said"]
    return new, _compared(old, new)


def _play(tape: Tape, old: EpisodeRecord) -> None:
    """Play an episode's calls, and end it as its agent or an outage did."""
    tape.begin()
    for step in old["steps"]:
        if tape.over:
            return
        tape.step(_action(step))
    if tape.over:
        return
    note = old["note"] or ""
    if old["outcome"] == "infra_error":
        outage = InfraError(note)
        outage.kind = old["reason"]  # type: ignore[attr-defined]  # what the record calls it
        raise outage
    if old["outcome"] == "model_error" or old["note"] is not None:
        raise AgentError(old["reason"] or "", note)


def _action(step: StepRecord) -> Any:
    """The step's action, as far as the log has it."""
    tool, arguments, error = step["tool"], step["arguments"], step["error"]
    if error is not None and error["code"] == "text_invalid":
        arguments = _with_surrogates(arguments)
    return arguments if tool is None else {"tool": tool, "arguments": arguments}


def _with_surrogates(value: Any) -> Any:
    """The value with lone surrogates, which a log can only write out, put back."""
    if isinstance(value, str):
        return _SURROGATE.sub(lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, Mapping):
        return {name: _with_surrogates(item) for name, item in value.items()}
    return [_with_surrogates(item) for item in value] if isinstance(value, list) else value


def _end_as_before(tape: Tape, env: gym.Env[Any, Any], old: EpisodeRecord, new: EpisodeRecord) -> None:
    """An episode that does not end with its last call any more ends there all the same: nobody plays it on."""
    if tape.over:
        if len(new["steps"]) == len(old["steps"]):
            new["truncated"] = old["truncated"]  # a limit of steps may have come with the last call
        return
    new["truncated"] = True
    if old["terminated"]:
        inside: Any = env.unwrapped
        results = [_result(step) for step in new["steps"]]
        new["reason"] = failure_of(inside.task, inside.crm.journal, inside.verdict, results, "finish")


def _result(step: StepRecord) -> ToolResult:
    call = None if step["tool"] is None else ToolCall(step["tool"], step["arguments"])
    return ToolResult(call, None, None if step["error"] is None else ToolError(**step["error"]))


def _compared(old: EpisodeRecord, new: EpisodeRecord) -> list[Difference]:
    """What differs between two records of an episode, the first cause first."""
    pairs: dict[str, list[tuple[int | None, str, Any, Any]]] = {
        "task": [(None, name, old[name], new[name]) for name in _OF_TASK],  # type: ignore[literal-required]
        "tool": _first_step(old, new),
        "verdict": [(None, name, old[name], new[name]) for name in _OF_VERDICT],  # type: ignore[literal-required]
    }
    found: list[Difference] = []
    cause = ""
    for kind, each in pairs.items():
        unlike = [pair for pair in each if _unlike(pair[2], pair[3])]
        cause = cause or (kind if unlike else "")
        found += [_differs(old, cause, *pair) for pair in unlike]
    return found


def _first_step(old: EpisodeRecord, new: EpisodeRecord) -> list[tuple[int | None, str, Any, Any]]:
    """The fields of the first step that differs; if none does, how many there are."""
    for number, (then, now) in enumerate(zip(old["steps"], new["steps"], strict=False), 1):
        fields: list[tuple[int | None, str, Any, Any]] = [
            (number, name, then[name], now[name])  # type: ignore[literal-required]
            for name in (_OF_UNREAD if then["tool"] is None else _OF_STEP)
        ]
        if any(_unlike(was, is_) for _, _, was, is_ in fields):
            return fields
    return [(None, "steps", len(old["steps"]), len(new["steps"]))]


def _unlike(was: Any, now: Any) -> bool:
    """Whether two values are written otherwise in a log; never where a secret was taken out."""
    text = encode(was)
    return GONE not in text and text != encode(now)


def _differs(old: EpisodeRecord, cause: str, step: int | None, what: str, was: Any, now: Any) -> Difference:
    return Difference(old["index"], old["task"], old["seed"], old["trial"], cause, step, what, was, now)


def _short(value: Any) -> str:
    text = encode(value)
    return text if len(text) <= 160 else text[:157] + "..."
