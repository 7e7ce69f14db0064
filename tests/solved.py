"""Small tasks solved exactly: every state that a few calls reach, found by search over forks, and what is best in each.

What can be done in a state does not depend on the reward, so a task is explored once and solved for many rewards.
"""

import copy
from functools import cache
from typing import NamedTuple

from crm_gym import CrmEnv
from crm_gym.rewards import Reward
from crm_gym.verify import Verdict

NEAR = 1e-9
WORLD = {
    "name": "solved",
    "today": "2026-01-10",
    "records": [
        {"table": "Client", "key": "acme", "name": "Acme", "email": "a@acme.example", "status": "Active"},
        {"table": "Client", "key": "bolt", "name": "Bolt", "email": "b@bolt.example", "status": "Prospect"},
    ],
}
MADE = "the record made first"  # stands for its id


def _new(name):
    return {"name": name, "client_id": "@acme", "amount": 50, "stage": "Prospecting"}


def _create(name):
    return "create_new_opportunity", _new(name)


def _status(status, client="@acme"):
    return "modify_client", {"id": client, "updates": {"status": status}}


def _decline(code, field):
    return "decline", {"code": code, "field": field}


CALLS = {
    "right": _status("Inactive"),
    "back": _status("Active"),
    "wrong": _status("Prospect"),
    "slip": _status("Asleep"),
    "other": _status("Inactive", "@bolt"),
    "other back": _status("Prospect", "@bolt"),
    "new": _create("new"),
    "stray": _create("stray"),
    "delete": ("delete_opportunity", {"opportunity_id": MADE}),
    "say": ("respond", {"answer": 1}),
    "misreport": ("respond", {"answer": 7}),
    "decline": _decline("enum_value", "status"),
    "misjudge": _decline("blank", "name"),
    "finish": ("finish", {}),
}
ENDS = ("say", "misreport", "decline", "misjudge", "finish")
LEAVES = ["right", "back", "stray", "delete", "slip", "finish"]


def _call(name):
    tool, arguments = CALLS[name]
    return {"tool": tool, "arguments": arguments}


def _update(client):
    return {"update": client, "fields": {"status": "Inactive"}}


def _count(status):
    return {"from": "Client", "where": {"status": status}, "give": "count"}


CASES = {  # parts of the task, and what can be done in it
    "a change and a record": (
        {
            "changes": [_update("@acme"), {"create": "Opportunity", "fields": _new("new")}],
            "solution": [_call("right"), _call("new")],
        },
        [*LEAVES, "new", "wrong", "other"],
    ),
    "two changes": (
        {"changes": [_update("@acme"), _update("@bolt")], "solution": [_call("right"), _call("other")]},
        ["right", "back", "wrong", "slip", "other", "other back", "finish"],
    ),
    "a change and a report": (
        {"changes": [_update("@acme")], "solution": [_call("right")], "answer": _count("Prospect")},
        [*LEAVES, "say", "misreport"],
    ),
    "a report": ({"answer": _count("Active"), "family": "client_search"}, [*LEAVES, "say", "misreport"]),
    "a refusal": (
        {"refusal": {"code": "enum_value", "field": "status", "call": _call("slip")}},
        [*LEAVES, "decline", "misjudge"],
    ),
}


class Move(NamedTuple):
    """What a call does in a state: all that a reward is paid for, and the state it leads to."""

    before: Verdict
    after: Verdict
    refused: bool
    over: bool
    to: tuple


class Solvable(NamedTuple):
    """A task explored: moves by state and call."""

    start: tuple
    moves: dict[tuple, dict[str, Move]]


def fork(env):
    """An environment in the middle of the same episode that goes its own way."""
    other = copy.copy(env)
    other.crm = copy.deepcopy(env.crm)
    return other


def state(env):
    """All that the future depends on: the records, the ids to come, and what has been said."""
    made = sum(change.before is None for change in env.crm.journal.changes)
    return env.crm.state_hash(), made, *env.verdict.summary().values()


@cache
def explored(case, ends_on="success", depth=5):
    """The states within that many calls of a case's start, and every move in them."""
    parts, names = CASES[case]
    task = {"id": "T-1", "family": "modify_client", "request": "Please do it.", "world": WORLD, **parts}
    env = CrmEnv(ends_on=ends_on)
    env.reset(seed=0, options={"task": task})
    calls = _bound(env, names)
    moves, edge = {}, {state(env): env}
    for _ in range(depth):
        here, edge = edge, {}
        for at, env_there in here.items():
            moves[at] = {}
            for name, action in calls.items():
                gone = fork(env_there)
                _, _, over, _, info = gone.step(action)
                moves[at][name] = Move(env_there.verdict, gone.verdict, bool(info["error"]["code"]), over, state(gone))
                if not over and state(gone) not in moves and state(gone) not in here:
                    edge.setdefault(state(gone), gone)
    return Solvable(state(env), moves)


def _bound(env, names):
    """Calls as actions, with ids for what stands for them."""
    trial, resolve = fork(env), env.task.world.resolve
    tool, given = _create("trial")
    trial.step({"tool": tool, "arguments": resolve(given, "solved")})
    (made,) = trial.crm.journal.net
    bound = {}
    for name in names:
        tool, given = CALLS[name]
        meant = {field: made if value == MADE else value for field, value in given.items()}
        bound[name] = {"tool": tool, "arguments": resolve(meant, "solved")}
    return bound


def by_config(config):
    """A config as a function that pays for a move."""
    reward = Reward(config)
    return lambda move: reward.pay(move.before, move.after, move.refused, move.over)[1]


def solved(task, pay, discount, horizon=5):
    """What each call is worth, by state and steps left; with one left all that can be done is to end the episode."""

    @cache
    def worth(at, left):
        return {
            name: pay(move) + (0.0 if move.over else discount * max(worth(move.to, left - 1).values()))
            for name, move in task.moves[at].items()
            if left > 1 or name in ENDS
        }

    found, open_states = {}, [(task.start, horizon)]
    while open_states:
        at, left = open_states.pop()
        if (at, left) not in found:
            found[at, left] = worth(at, left)
            onward = (task.moves[at][name] for name in found[at, left])
            open_states += [(move.to, left - 1) for move in onward if not move.over]
    return found


def lasting(moves, pay, discount, sweeps=400):
    """What each move is worth, by state, where nothing but a move that is over ends an episode: by value iteration.

    Args:
        moves: By state, by name: what `pay` pays for, with `over` and `to`.
        pay: What a move pays.
        discount: Below 1.
        sweeps: How often every value is brought up to date.
    """
    paid = {at: {name: pay(move) for name, move in choices.items()} for at, choices in moves.items()}
    highest = dict.fromkeys(moves, 0.0)
    for _ in range(sweeps):
        worth = {
            at: {
                name: paid[at][name] + (0.0 if move.over else discount * highest[move.to])
                for name, move in choices.items()
            }
            for at, choices in moves.items()
        }
        highest = {at: max(choices.values()) for at, choices in worth.items()}
    return worth


def best(found):
    """The set of best choices in each state."""
    return {
        at: frozenset(name for name, value in choices.items() if value >= max(choices.values()) - NEAR)
        for at, choices in found.items()
    }
