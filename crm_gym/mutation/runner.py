"""Runs the tests of every target against its mutants, in nurseries; see `nursery` for how."""

from __future__ import annotations

import ast
import importlib.util
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from crm_gym.errors import UsageError
from crm_gym.mutation.operators import Mutation, mutations
from crm_gym.mutation.survivors import SURVIVORS, Survivor
from crm_gym.mutation.targets import TARGETS, Target

ROOT = Path(__file__).parents[2]
"""The checkout that the package is run from."""

SURVIVED, TIMEOUT = "survived", "timeout"


@dataclass(frozen=True)
class Mutant:
    """A fault of a module, and how it fared.

    Attributes:
        target: The module.
        index: Its place among the module's faults.
        mutation: The fault.
        outcome: killed, survived, or timeout (which counts as killed: the tests do not end).
    """

    target: Target
    index: int
    mutation: Mutation
    outcome: str = ""

    @property
    def reason(self) -> str | None:
        """Why it may survive, None if nobody has said."""
        return _REASONS.get(key_of(self))


Key = tuple[str, str, str, str]


def key_of(mutant: Mutant) -> Key:
    """What names a mutant even when lines move."""
    fault = mutant.mutation
    return mutant.target.module, fault.scope, fault.text, fault.change


_REASONS: dict[Key, str] = {entry.key: entry.reason for entry in SURVIVORS}


def mutants_of(targets: Iterable[Target]) -> list[Mutant]:
    """Every mutant of those modules, in order, not tried yet."""
    made = []
    for target in targets:
        source = source_of(target)
        for index, mutation in enumerate(mutations(ast.parse(source), source)):
            if target.takes(mutation.scope):
                made.append(Mutant(target, index, mutation))
    return made


def source_of(target: Target) -> str:
    """The text of a module."""
    return (ROOT / target.path).read_text(encoding="utf-8")


def sampled(mutants: Sequence[Mutant], count: int, seed: int) -> list[Mutant]:
    """So many of the mutants, drawn by the seed, in their order."""
    if count >= len(mutants):
        return list(mutants)
    places = sorted(random.Random(seed).sample(range(len(mutants)), count))
    return [mutants[place] for place in places]


def stale() -> list[Survivor]:
    """Entries of the list of survivors that name no mutant any more."""
    known = {key_of(mutant) for mutant in mutants_of(TARGETS)}
    return [entry for entry in SURVIVORS if entry.key not in known]


def check_tests() -> None:
    """Raise a UsageError unless the tests and what runs them are at hand."""
    if not (ROOT / "tests").is_dir():
        raise UsageError(
            "mutation testing runs the tests, which are not installed with the package: clone the repository, "
            "install it with pip install -e '.[dev]' and run crm-gym mutate there"
        )
    if importlib.util.find_spec("pytest") is None:
        raise UsageError("mutation testing runs the tests with pytest: install it with pip install -e '.[dev]'")
    if not hasattr(os, "fork"):
        raise UsageError("mutation testing forks processes, which this system cannot do; try it on Linux or macOS")


def run(mutants: Sequence[Mutant], jobs: int, tell: Callable[[Mutant], None] = lambda mutant: None) -> list[Mutant]:
    """The mutants with their outcomes, in the same order.

    Args:
        mutants: Which ones.
        jobs: How many are tried at a time.
        tell: Called with each as soon as its outcome is settled.

    Raises:
        UsageError: If the tests cannot be run, or fail without any fault.
    """
    check_tests()
    outcomes: dict[tuple[str, int], str] = {}
    for target in dict.fromkeys(mutant.target for mutant in mutants):
        left = {mutant.index: mutant for mutant in mutants if mutant.target == target}
        stages = [stage for stage in (target.quick, target.slow) if stage]
        for stage in stages:
            for index, outcome in _nursed(target, stage, list(left), jobs):
                outcomes[target.module, index] = outcome
                if outcome != SURVIVED or stage is stages[-1]:
                    mutant = left[index]
                    tell(Mutant(target, index, mutant.mutation, outcome))
            left = {index: one for index, one in left.items() if outcomes[target.module, index] == SURVIVED}
    return [Mutant(one.target, one.index, one.mutation, outcomes[one.target.module, one.index]) for one in mutants]


def _nursed(target: Target, tests: Sequence[str], indices: list[int], jobs: int) -> Iterator[tuple[int, str]]:
    """Index and outcome of each mutant of a module, as they come."""
    if not indices:
        return
    order = {
        "root": str(ROOT),
        "module": target.name,
        "path": str(ROOT / target.path),
        "source": source_of(target),
        "tests": list(tests),
        "mutants": indices,
        "jobs": jobs,
    }
    # One thread for each child: the children are what runs at the same time.
    quiet = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-P", str(Path(__file__).with_name("nursery.py"))]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **quiet}
    ) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        nursery.stdin.write(json.dumps(order))
        nursery.stdin.close()
        seen = 0
        for line in nursery.stdout:
            said = json.loads(line)
            if said["index"] is None:
                raise UsageError(f"these tests fail without any fault, before or after: {' '.join(tests)}")
            seen += 1
            yield said["index"], said["outcome"]
    if seen != len(indices):
        raise UsageError(f"the process that runs {' '.join(tests)} ended early, with code {nursery.returncode}")
