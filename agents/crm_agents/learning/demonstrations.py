"""Demonstrations without end: processes in which an oracle plays fresh tasks and sends what it saw and did.

This module does without torch, so that a worker starts at once and stays small.
"""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

import gymnasium as gym
import numpy as np

from crm_agents.learning.door import make_env, oracle_of
from crm_gym import CrmGymError

Array = np.ndarray[Any, Any]
Block = dict[str, Array]
"""Arrays of the same length: those of the observation, "mask", "action" and "return"."""

Shapes = dict[str, tuple[tuple[int, ...], Any]]
"""Shape and type of each array of one sample."""

SAMPLES = 512
"""Length of a block."""


@dataclass(frozen=True)
class Source:
    """Where demonstrations come from.

    Attributes:
        env_id: A registered environment with the form door.
        keywords: Its keywords.
        seed: Seed of the first reset; a source plays the same tasks every time.
        discount: Of the rewards, for the returns.
    """

    env_id: str
    keywords: Mapping[str, Any]
    seed: int
    discount: float = 0.99


def blocks(source: Source, samples: int = SAMPLES) -> Iterator[Block]:
    """Blocks of a source, without end."""
    env = make_env(source.env_id, source.keywords)
    shapes = shapes_of(env)
    made, filled = _empty(shapes, samples), 0
    for sample in _samples(env, source):
        for name, value in sample.items():
            made[name][filled] = value
        filled += 1
        if filled == samples:
            yield made
            made, filled = _empty(shapes, samples), 0


def _empty(shapes: Shapes, samples: int) -> Block:
    return {name: np.zeros((samples, *shape), dtype) for name, (shape, dtype) in shapes.items()}


def _samples(env: gym.Env[Any, Any], source: Source) -> Iterator[dict[str, Any]]:
    """What the oracle saw, was allowed, did, and what came of it; episodes that it cannot win are passed over."""
    masks = env.get_wrapper_attr("action_masks")
    oracle = oracle_of(env)
    observation, _ = env.reset(seed=source.seed)
    while True:
        episode: list[dict[str, Any]] = []
        rewards: list[float] = []
        over = won = False
        while not over:
            action, _ = oracle.predict(observation, None, not episode, True)
            episode.append({**observation, "mask": masks(), "action": int(action)})
            observation, reward, terminated, truncated, info = env.step(int(action))
            rewards.append(float(reward))
            over, won = terminated or truncated, bool(info["is_success"])
        to_come = 0.0
        for sample, reward in zip(reversed(episode), reversed(rewards), strict=True):
            to_come = sample["return"] = reward + source.discount * to_come
        if won:
            yield from episode
        observation, _ = env.reset()


def pack(block: Block) -> Block:
    """A block without the lines at the ends of its views that are empty in every sample."""
    packed = dict(block)
    for name, array in block.items():
        if array.ndim == 3:
            used = np.flatnonzero(array.any((0, 2)))
            packed[name] = np.ascontiguousarray(array[:, : int(used[-1]) + 1 if len(used) else 0])
    packed["mask"] = np.packbits(block["mask"], axis=1)
    return packed


def _work(source: Source, samples: int, pipe: Connection) -> None:
    """The life of a worker: it plays and sends until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one who trains
    try:
        for block in blocks(source, samples):
            pipe.send(pack(block))
    except (BrokenPipeError, ConnectionResetError):
        pass
    except Exception as fault:
        pipe.send(fault)
        raise


class Workers:
    """Processes that demonstrate, one for each source. Each waits while nobody takes what it has sent.

    Args:
        sources: What each plays.
        samples: Length of a block.
    """

    def __init__(self, sources: list[Source], samples: int = SAMPLES) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        for source in sources:
            here, there = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(source, samples, there), daemon=True)
            process.start()
            there.close()
            self._pipes.append(here)
            self._processes.append(process)
        self._turn = 0

    def take(self) -> Block:
        """The next block, from each worker in turn: always the same ones in the same order."""
        self._turn += 1
        return _received(self._pipes[(self._turn - 1) % len(self._pipes)])

    def ready(self) -> Iterator[Block]:
        """The blocks that lie there, if any."""
        for pipe in wait(self._pipes, timeout=0):
            yield _received(pipe)  # type: ignore[arg-type]

    def close(self) -> None:
        """End the workers."""
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.terminate()
            process.join()
            process.close()

    def __enter__(self) -> Workers:
        return self

    def __exit__(self, *ended: object) -> None:
        self.close()


def _received(pipe: Connection) -> Block:
    block = pipe.recv()
    if isinstance(block, CrmGymError):  # a sentence for people, and no fault of the process
        raise block
    if isinstance(block, Exception):
        raise RuntimeError("a process that demonstrates has failed") from block
    made: Block = block
    return made


class Buffer:
    """The last demonstrations, in arrays that are made once.

    Args:
        capacity: How many are kept.
        shapes: Shapes and types of a sample.
    """

    def __init__(self, capacity: int, shapes: Shapes) -> None:
        self.capacity = capacity
        self.arrays = {name: np.zeros((capacity, *shape), dtype) for name, (shape, dtype) in shapes.items()}
        self.size = self.seen = 0

    def add(self, block: Block) -> None:
        """Keep a packed block, in place of the oldest ones once there are more than the capacity."""
        count = len(block["action"])
        places = np.arange(self.seen, self.seen + count) % self.capacity
        for name, array in self.arrays.items():
            if name == "mask":
                array[places] = np.unpackbits(block["mask"], axis=1, count=array.shape[1]).view(bool)
            elif array.ndim == 3:
                given = block[name]
                array[places, : given.shape[1]] = given
                array[places, given.shape[1] :] = 0
            else:
                array[places] = block[name]
        self.seen += count
        self.size = min(self.seen, self.capacity)

    def draw(self, rng: np.random.Generator, count: int) -> Block:
        """Some of them, drawn with replacement."""
        places = rng.integers(self.size, size=count)
        return {name: array[places] for name, array in self.arrays.items()}


def shapes_of(env: gym.Env[Any, Any]) -> Shapes:
    """Shapes and types of a sample."""
    space, actions = env.observation_space, env.action_space
    assert isinstance(space, gym.spaces.Dict)
    assert isinstance(actions, gym.spaces.Discrete)
    seen = {name: (tuple(box.shape or ()), box.dtype) for name, box in space.items()}
    return {**seen, "mask": ((int(actions.n),), np.bool_), "action": ((), np.int64), "return": ((), np.float32)}
