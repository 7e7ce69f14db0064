"""A nursery of mutants: `python -P nursery.py` forks a child for every fault, plants it and runs tests against it.

Run by its path, in a process of its own that has not imported the package: what every child needs is imported
once, and the module with the fault takes the place of the one on the disk as soon as a child imports the package.
No file is written. What to do comes as one JSON object on standard input; a line of JSON comes back for each fault.
"""

from __future__ import annotations

import ast
import gc
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import json
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

WARM = ("numpy", "gymnasium", "pydantic", "pytest", "decimal", "tomllib", "hashlib", "unittest.mock", "hypothesis")
FLAGS = ("-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider")
PATIENCE, LEAST_SECONDS = 5, 2
"""A child may take so many times what the tests take without a fault, and this many seconds of the processor more."""
WALL_FACTOR = 10
"""A child that sleeps burns nothing: it is ended by the clock on the wall, much later."""
MEMORY = 4 << 30
KILLED, SURVIVED, TIMEOUT, BROKEN = "killed", "survived", "timeout", "broken"


class Planted(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives one module as it was made from a tree, in place of its file."""

    def __init__(self, name: str, path: str, tree: ast.Module) -> None:
        self.name, self.path, self.tree = name, path, tree

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The spec of the one module, None for all others."""
        if fullname != self.name:
            return None
        return importlib.util.spec_from_file_location(fullname, self.path, loader=self)

    def exec_module(self, module: ModuleType) -> None:
        """Run the tree as the module."""
        exec(compile(self.tree, self.path, "exec"), module.__dict__)


def main() -> None:
    """Read what to do, and do it."""
    order = json.load(sys.stdin)
    os.chdir(order["root"])
    sys.path.insert(0, order["root"])
    mutations = _operators().mutations
    for name in WARM:
        if importlib.util.find_spec(name.partition(".")[0]) is not None:
            importlib.import_module(name)
    _same_examples_every_time()
    gc.freeze()
    start = time.monotonic()
    used = _unharmed(order, mutations)
    if used is None:
        _say(None, BROKEN)
        return
    seconds = math.ceil(PATIENCE * used) + LEAST_SECONDS
    wall = WALL_FACTOR * (time.monotonic() - start) + 10 * seconds
    _raise_all(order, mutations, seconds, wall)
    if _unharmed(order, mutations) is None:  # a file was changed meanwhile: what was noticed was that
        _say(None, BROKEN)


def _unharmed(order: dict[str, Any], mutations: Any) -> float | None:
    """Seconds of the processor that the tests take without a fault, None if they fail."""
    _, status, used = os.wait4(_fork(order, None, mutations, 600), 0)
    return None if status else used.ru_utime + used.ru_stime


def _raise_all(order: dict[str, Any], mutations: Any, seconds: int, wall: float) -> None:
    """A child for each fault, some at a time; says of each how it ended."""
    waiting = list(reversed(order["mutants"]))
    running: dict[int, tuple[int, float]] = {}
    while waiting or running:
        while waiting and len(running) < order["jobs"]:
            index = waiting.pop()
            running[_fork(order, index, mutations, seconds)] = (index, time.monotonic() + wall)
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            index, _ = running.pop(pid)
            late = os.WIFSIGNALED(status) and os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL)
            _say(index, TIMEOUT if late else KILLED if status else SURVIVED)
            continue
        for pid, (_, end) in running.items():
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.005)


def _operators() -> Any:
    """The module `operators` beside this one; importing it by name would import the package."""
    path = Path(__file__).with_name("operators.py")
    spec = importlib.util.spec_from_file_location("mutation_operators", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def _same_examples_every_time() -> None:
    """Tests that draw examples draw the same for every fault, and keep none."""
    hypothesis = sys.modules.get("hypothesis")
    if hypothesis is not None:
        hypothesis.settings.register_profile("nursery", derandomize=True, database=None)
        hypothesis.settings.load_profile("nursery")


def _fork(order: dict[str, Any], index: int | None, mutations: Any, seconds: int) -> int:
    """A child that plants the fault (none for None), runs the tests and ends with pytest's exit code."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        silent = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(silent, stream)
        tree = ast.parse(order["source"])
        found = mutations(tree, order["source"])
        if index is not None:
            found[index].plant()
        sys.meta_path.insert(0, Planted(order["module"], order["path"], tree))
        code = int(sys.modules["pytest"].main([*FLAGS, *order["tests"]]))
    finally:
        os._exit(code)


def _say(index: int | None, outcome: str) -> None:
    print(json.dumps({"index": index, "outcome": outcome}), flush=True)


if __name__ == "__main__":
    main()
