"""A task played through the public channel: by those who must succeed, and by those who must not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import gymnasium as gym

from crm_gym.backend import MEMORY
from crm_gym.baselines import ConstantAgent, DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent
from crm_gym.baselines.spoilers import DestroyAgent, OtherTaskAgent, ReadOnlyAgent, SprayAgent
from crm_gym.certify.sameness import truly_solved
from crm_gym.certify.values import EndState, play
from crm_gym.evaluation.rollout import Agent, Episode, rollout
from crm_gym.tasks.goal import ChangeGoal, RefusalGoal
from crm_gym.tasks.task import Task
from crm_gym.tools import TOOL_NAMES, ToolCall

CHANCE = ("random", "echo", "spray-writes")
"""Those that draw their calls: a true solution may be among what they draw."""

AGENTS = ("null", *CHANCE, "constant", "decline", "read-only", "other-task", "destroy-then-do")
"""Those that must get nothing."""

SHOTS = 8
"""How many calls those that draw may make."""

_LONG = 200
_ANY = "quote_prefixes"  # tasks are handed to reset; the environment's own need not be read in


@dataclass(slots=True)
class Played:
    """What the agents came to on one task.

    Attributes:
        played: The agents that played it.
        won: Those that had a success, rightly or wrongly.
        faults: One sentence a fault.
        luck: Agent and calls of every true solution that was drawn.
    """

    played: list[str] = field(default_factory=list)
    won: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    luck: list[tuple[str, str]] = field(default_factory=list)


class Arena:
    """Environments and agents, kept from task to task.

    Args:
        backends: Where the oracle plays; all others play in memory.
        seed: Fixes ids, and what is drawn.
    """

    def __init__(self, backends: tuple[str, ...] = (MEMORY,), seed: int = 0) -> None:
        self.seed = seed
        self.envs = {name: _env(name) for name in dict.fromkeys((MEMORY, *backends))}
        self.env = env = self.envs[MEMORY]
        self._other = OtherTaskAgent(env)
        self._agents: dict[str, Agent] = {
            "null": NullAgent(),
            "random": RandomAgent(seed),
            "echo": EchoAgent(seed),
            "spray-writes": SprayAgent(seed, SHOTS),
            "constant": ConstantAgent(env),
            "decline": DeclineAgent(),
            "read-only": ReadOnlyAgent(env),
            "other-task": self._other,
            "destroy-then-do": DestroyAgent(env),
        }

    def close(self) -> None:
        """Close the environments."""
        for env in self.envs.values():
            env.close()

    def play(self, task: Task, other: Task | None = None) -> Played:
        """Let everybody play the task.

        Args:
            task: The task.
            other: Another task, whose solution is not right here; without one nobody plays it.
        """
        out = Played(faults=list(self._oracles(task)))
        self._other.other = other
        for name in AGENTS:
            if name == "other-task" and other is None:
                continue
            out.played.append(name)
            episode = self._rollout(self.env, self._agents[name], task, SHOTS if name in CHANCE else _LONG)
            if episode.success:
                out.won.append(name)
                self._judge(out, name, task, episode)
            elif name == "destroy-then-do" and not episode.verdict["unexpected"]:
                out.faults.append("destroy-then-do harms nothing: there is no neighbour to be harmed")
        return out

    def _oracles(self, task: Task) -> Iterator[str]:
        """The oracle by the shortest and by the whole way, on every backend."""
        hashes: dict[tuple[bool, str], str] = {}
        for demonstrate in (False, True):
            for name, env in self.envs.items():
                way = "the whole way" if demonstrate else "the solution"
                where = "" if name == MEMORY else " on " + name.partition(":")[0]
                episode = self._rollout(env, OracleAgent(env, demonstrate), task, _LONG)
                if not episode.success:
                    yield f"the oracle does not succeed by {way}{where}: {list(episode.errors)} {episode.verdict}"
                knowing: Any = env.unwrapped
                if len(self.envs) > 1:
                    hashes[demonstrate, name] = knowing.crm.recomputed_hash()
                    if hashes[demonstrate, name] != hashes[demonstrate, MEMORY]:
                        yield f"the oracle's {way} leads to another state{where} than in memory"

    def _rollout(self, env: gym.Env[Any, Any], agent: Agent, task: Task, steps: int) -> Episode:
        return rollout(env, agent, seed=self.seed, options={"task": task}, max_steps=steps)

    def _judge(self, out: Played, name: str, task: Task, episode: Episode) -> None:
        """A success that nobody should have: a fault, unless it truly is what was asked for."""
        if name == "decline":
            agent = self._agents[name]
            assert isinstance(agent, DeclineAgent)
            goal = task.goal
            if not (isinstance(goal, RefusalGoal) and (goal.code, goal.field) == (agent.code, agent.field)):
                out.faults.append("decline succeeds where that is not the reason to decline")
            return
        calls = [ToolCall(TOOL_NAMES[one["tool"]], json.loads(one["arguments"])) for one in episode.actions]
        if name in CHANCE and self._right(task, calls):
            said = "; ".join(f"{call.tool} {json.dumps(dict(call.arguments))}" for call in calls)
            out.luck.append((name, said))
            return
        out.faults.append(f"{name} succeeds")

    def _right(self, task: Task, calls: list[ToolCall]) -> bool:
        """Whether calls lead to what the solution leads to, worked out from the records, not from the verdict."""
        end = self._replayed(task, calls)
        return truly_solved(task, end, play(task, task.solution))

    def _replayed(self, task: Task, calls: list[ToolCall]) -> EndState:
        """The episode once more: the drawn ids of new records are those of the environment, not those of a fork."""
        knowing: Any = self.env.unwrapped
        self.env.reset(seed=self.seed, options={"task": task})
        return play(task, calls, "drawn", crm=knowing.crm)


def _env(backend: str) -> gym.Env[Any, Any]:
    return gym.make("CrmEnv-v0", tasks=[_ANY], backend=backend, disable_env_checker=True)


def is_right_elsewhere(task: Task, other: Task) -> bool:
    """Whether the other task's solution would be right here too: then nothing follows from its success."""
    if task.solution == other.solution or _passes_by(task, other):
        return True
    answer, given = getattr(task.goal, "answer", None), getattr(other.goal, "answer", None)
    return answer is not None and given is not None and bool(answer.accepts(given.value))


def _passes_by(task: Task, other: Task) -> bool:
    """Whether the way to the other's changes may pass by what is asked for here, where the episode would end."""
    mine, theirs = task.goal, other.goal
    if not isinstance(mine, ChangeGoal) or not isinstance(theirs, ChangeGoal) or task.world is not other.world:
        return False
    return set(mine.changes) <= set(theirs.changes) and (mine.answer is None or theirs.answer is not None)
