"""What 200 seeded episodes come to, as SHA-256 digests: `python tests/digest.py` prints them as JSON.

Regenerate the committed ones, after a change that is meant to change episodes, with
`python tests/digest.py > tests/digests.json`.
"""

import hashlib
import json
import random
import sys

import gymnasium as gym
import numpy as np

import crm_gym
from crm_gym import TOOL_NAMES, TOOLS

EPISODES, GROUP = 200, 25
LANES, STEPS = 2, 60
KEYWORDS = {
    "expose_reference": True,
    "include_tool_hints": True,
    "reward": {"failure": -0.5, "progress": 0.25, "step": -0.01, "refused": -0.02},
}
NOISE = ("", "{", "[]", '{"limit": NaN}', '{"limit": 1, "limit": 2}', '{"name": "\\ud800"}', '{"colour": 1}', "null")
LOOKS = (
    "client_search",
    "opportunity_search",
    "contact_search",
    "quote_search",
    "summarize_opportunities",
    "quote_prefixes",
)


def plain(value):
    """Arrays, tuples and numpy scalars as JSON values."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return plain(value.tolist()) if isinstance(value, np.ndarray | np.generic) else value


class Script:
    """A seeded policy in canonical actions: the solution's calls among look-ups, slips and noise."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.todo = []

    def begin(self, reference):
        """A new episode; the reference is the solution as the environment shows it."""
        self.todo = json.loads(reference)

    def act(self):
        """The next tool number and arguments text."""
        kind = self.rng.random()
        if kind < 0.25:
            tool, text = self.rng.choice(LOOKS), "{}"
        elif kind < 0.35:
            tool, text = self.rng.choice(TOOL_NAMES), self.rng.choice(NOISE)
        elif kind < 0.45 and self.todo:
            tool, text = self.slip(self.todo[0])
        elif self.todo:
            call = self.todo.pop(0)
            tool, text = call["tool"], json.dumps(call["arguments"])
        else:
            tool, text = self.rng.choice((("finish", ""), ("add_note", "{}"), ("respond", '{"answer": 3}')))
        return TOOL_NAMES.index(tool), text

    def slip(self, call):
        """The right tool with one argument spoilt."""
        given = dict(call["arguments"])
        if given:
            given[self.rng.choice(sorted(given))] = self.rng.choice((None, 7, "", "x", -0.5, []))
        return call["tool"], json.dumps(given)


class Digest:
    """A SHA-256 over canonical JSON, one value after the other."""

    def __init__(self):
        self.sum = hashlib.sha256()

    def add(self, *values):
        """Take in values; nothing that is not JSON passes."""
        text = json.dumps(plain(values), sort_keys=True, separators=(",", ":"), allow_nan=False)
        self.sum.update(text.encode("ascii"))


def single(first, count):
    """Episodes of one environment, each from its own seed."""
    env, digest = gym.make("CrmEnv-v0", **KEYWORDS), Digest()
    for seed in range(first, first + count):
        script = Script(seed)
        observation, info = env.reset(seed=seed)
        digest.add(observation, info)
        script.begin(info["reference"])
        over = False
        while not over:
            tool, text = script.act()
            observation, reward, terminated, truncated, info = env.step({"tool": tool, "arguments": text})
            digest.add(observation, reward, terminated, truncated, info)
            over = terminated or truncated
        digest.add(env.unwrapped.crm.state_hash())
    return digest.sum.hexdigest()


def vector(mode):
    """Steps of a vector environment that begins new episodes by itself."""
    envs, digest = crm_gym.make_vec("CrmEnv-v0", num_envs=LANES, vectorization_mode=mode, **KEYWORDS), Digest()
    try:
        scripts = [Script(seed) for seed in range(LANES)]
        observations, infos = envs.reset(seed=list(range(LANES)))
        digest.add(observations, infos)
        for _ in range(STEPS):
            for lane in np.flatnonzero(infos.get("_reference", ())):
                scripts[lane].begin(infos["reference"][lane])
            calls = [script.act() for script in scripts]
            actions = {"tool": np.array([tool for tool, _ in calls]), "arguments": tuple(text for _, text in calls)}
            observations, rewards, terminated, truncated, infos = envs.step(actions)
            digest.add(observations, rewards, terminated, truncated, infos)
    finally:
        envs.close()
    return digest.sum.hexdigest()


def schemas():
    """What an agent is told of the tools."""
    digest = Digest()
    digest.add([[tool.name, tool.kind, tool.description, tool.schema] for tool in TOOLS.values()])
    return digest.sum.hexdigest()


def digests():
    """Everything that is committed."""
    groups = {f"episodes {n}-{n + GROUP - 1}": single(n, GROUP) for n in range(0, EPISODES, GROUP)}
    return {"tools": schemas(), **groups, "vector": vector("sync")}


if __name__ == "__main__":
    sys.stdout.write(json.dumps(digests(), indent=2) + "\n")
