"""Records for tests of figures and reports: real episodes, played here and written down as a log would hold them."""

import functools
import itertools
import json
import random

from crm_gym import CrmEnv
from crm_gym.baselines import DeclineAgent, EchoAgent, NullAgent, OracleAgent, RandomAgent
from crm_gym.evaluation.log import LogWriter
from crm_gym.spaces import decode

RUN = {
    "kind": "run",
    "schema": 1,
    "run": "00000000000000aa",
    "agent": "scripted",
    "settings": {},
    "model": None,
    "prompt": None,
    "env_id": "CrmEnv-v0",
    "env": {"suite": "golden"},
    "seed": 0,
    "trials": 1,
    "count": 0,
    "tasks": "00000000000000bb",
    "code": "0.1.0 000000000000",
}
LIMIT = 60
AGENTS = {
    "oracle": lambda env, seed: OracleAgent(env, demonstrate=True),
    "null": lambda env, seed: NullAgent(),
    "random": lambda env, seed: RandomAgent(seed),
    "echo": lambda env, seed: EchoAgent(seed),
    "decline": lambda env, seed: DeclineAgent(),
}


def run_line(**other):
    return RUN | other


def row(one):
    return None if one is None else json.loads(json.dumps(one._asdict(), default=str))


def change(one):
    return {"table": str(one.table), "id": one.id, "before": row(one.before), "after": row(one.after)}


def step(env, action, outcome, seen):
    observation, _, _, _, info = outcome
    tool, arguments, _, _ = decode(action)
    return {
        "tool": tool,
        "arguments": arguments if tool else str(action),
        "result": observation["result"],
        "error": dict(info["error"]) if info["error"]["code"] else None,
        "reward": {name: value for name, value in info["reward_terms"].items() if value},
        "hash": env.crm.state_hash()[:16],
        "diff": [change(one) for one in env.crm.journal.changes[seen:]],
    }


def play(env, agent, seed, index, options=None, **other):
    """One episode as its record; the harness names reasons with more care."""
    observation, info = env.reset(seed=seed, options=options)
    steps, over, start, total = [], False, True, 0.0
    while not over and len(steps) < LIMIT:
        seen = len(env.crm.journal.changes)
        action, _ = agent.predict(observation, None, start)
        outcome = env.step(action)
        observation, reward, over, _, info = outcome
        steps.append(step(env, action, outcome, seen))
        start, total = False, total + reward
    won = bool(info["is_success"])
    return {
        **{name: RUN[name] for name in ("schema", "run", "agent", "model", "prompt", "tasks", "code")},
        "kind": "episode",
        "index": index,
        "task": env.task.id,
        "family": env.task.family,
        "level": env.task.difficulty,
        "polarity": env.task.polarity,
        "seed": seed,
        "trial": 0,
        "request": env.task.request,
        "today": env.task.today,
        "steps": steps,
        "total": total,
        "verdict": dict(info["verdict"]),
        "diff": [change(one) for one in env.crm.journal.net.values()],
        "terminated": over,
        "truncated": not over,
        "outcome": "success" if won else "failure",
        "reason": None if won else "extra_write" if info["verdict"]["unexpected"] else "gave_up" if over else "budget",
        "note": None,
        "said": None,
        "slips": [],
        "calls": 0,
        "tokens": None,
        "cost": None,
        "latency": None,
        "attempt": 1,
        **other,
    }


@functools.cache
def _pool(agent, suite):
    """An environment, and the records played in it so far, as JSON."""
    return CrmEnv(suite=suite), []


def played(agent, count, suite="generated"):
    """Records of seeded resets, to do with as one likes."""
    env, pool = _pool(agent, suite)
    for seed in range(len(pool), count):
        pool.append(json.dumps(play(env, AGENTS[agent](env, seed), seed, seed)))
    return [json.loads(record) for record in pool[:count]]


def modelled(count, skill=0.7, seed=0, trials=1, suite="generated", **run):
    """A run line and its records as of an agent with a model: right by chance, with tokens, costs, words and slips."""
    rng = random.Random(seed)
    line = run_line(
        agent="ClaudeAgent", model="model-large", prompt="00000000000000cc", trials=trials, count=count * trials
    )
    line |= run
    makers = ["oracle", "random", "echo", "null", "decline"]
    pools = {name: played(name, count, suite) for name in makers}
    records = []
    for task, trial in itertools.product(range(count), range(trials)):
        name = "oracle" if rng.random() < skill else rng.choice(makers[1:])
        record = json.loads(json.dumps(pools[name][task]))
        records.append(record | _by_a_model(record, rng) | {"trial": trial, "index": task * trials + trial})
    for record in records:
        record |= {name: line[name] for name in ("run", "agent", "model", "prompt")}
    for record, outcome, reason in zip(
        rng.sample(records, 4), ["model_error"] * 2 + ["infra_error"] * 2, _ENDS, strict=True
    ):
        record |= {"outcome": outcome, "reason": reason, "note": f"The model: {reason}.", "truncated": True}
    return line, records


_ENDS = ("refusal", "cut_off", "model", "database")


def _by_a_model(record, rng):
    calls = len(record["steps"]) + 1
    tokens = {
        "input": 300 * calls,
        "output": 80 * calls + rng.randrange(200),
        "cache_read": 2100 * calls,
        "cache_write": 2500,
    }
    slips = (
        [{"step": rng.randrange(calls), "kind": rng.choice(["no_call", "several_calls"])}] if rng.random() < 0.1 else []
    )
    reason = record["reason"]
    if record["outcome"] == "failure":
        reason = rng.choice(["wrong_record", "wrong_value", "wrong_tool", "extra_write", "gave_up", "over_refusal"])
    record["steps"][0]["said"] = "Let me look that up first."
    return {
        "calls": calls,
        "tokens": tokens,
        "cost": tokens["output"] * 15e-6 + tokens["input"] * 3e-6,
        "latency": calls * rng.uniform(0.4, 1.6),
        "slips": slips,
        "reason": reason,
        "said": "Done: everything you asked for is in the CRM.",
    }


def write_log(path, line, records):
    """A log as the harness would leave it."""
    with LogWriter(path, line) as writer:
        for record in records:
            writer.add(record)
    return path
