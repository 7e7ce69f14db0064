"""A seed fixes an episode, byte for byte: in any process, on any day, anywhere."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import digest
import pytest

import crm_gym

HERE = Path(__file__).parent
PACKAGE = Path(crm_gym.__file__).parent
COMMITTED = json.loads((HERE / "digests.json").read_text(encoding="ascii"))
MEND = "if episodes were meant to change: python tests/digest.py > tests/digests.json"

CLOCK = """
import datetime, locale, time
NOW = {now}
if NOW is not None:
    real = datetime.datetime
    class Day(datetime.date):
        @classmethod
        def today(cls):
            return cls(*real.fromtimestamp(NOW, datetime.timezone.utc).timetuple()[:3])
    class Moment(real):
        @classmethod
        def now(cls, tz=None):
            return cls.fromtimestamp(NOW, tz)
        @classmethod
        def utcnow(cls):
            return cls.fromtimestamp(NOW, datetime.timezone.utc).replace(tzinfo=None)
        @classmethod
        def today(cls):
            return cls.fromtimestamp(NOW)
    datetime.date, datetime.datetime = Day, Moment
    time.time = lambda: float(NOW)
    time.time_ns = lambda: NOW * 10**9
    assert datetime.datetime.now(datetime.timezone.utc).year == {year}
    assert datetime.date.today().year == {year}
try:
    locale.setlocale(locale.LC_ALL, "")
except locale.Error:
    pass
import digest, json
print(json.dumps(digest.digests()))
"""

ELSEWHERE = {
    "hash 0, UTC, C, 1970": ("0", "UTC", "C", 0, 1970),
    "hash 1, Kiritimati, tr_TR, 2024-02-29": ("1", "Pacific/Kiritimati", "tr_TR.UTF-8", 1709208000, 2024),
    "hash 2, UTC, tr_TR, 2038-01-20": ("2", "UTC", "tr_TR.UTF-8", 2147558400, 2038),
    "hash 0, Kiritimati, C, 2099-12-31": ("0", "Pacific/Kiritimati", "C", 4102358400, 2099),
    "hash random, the machine's own place and day": ("random", None, None, None, None),
}


@pytest.fixture(scope="module")
def here():
    return digest.digests()


@pytest.mark.parametrize("name", COMMITTED)
def test_digests_are_those_committed(name, here):
    assert here.keys() == COMMITTED.keys(), MEND
    assert here[name] == COMMITTED[name], MEND


def test_a_second_time_is_the_same(here):
    assert digest.single(0, digest.GROUP) == here["episodes 0-24"]


def test_async_is_sync(here):
    assert digest.vector("async") == here["vector"]


@pytest.mark.parametrize("where", ELSEWHERE)
def test_digests_are_the_same_elsewhere(where):
    """A locale that the machine has not is left out by the process itself; the C one always is there."""
    seed, zone, place, now, year = ELSEWHERE[where]
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "TZ"))}
    environment |= {"PYTHONHASHSEED": seed, "PYTHONPATH": str(HERE), "PYTHONWARNINGS": "error"}
    if zone is not None:
        environment |= {"TZ": zone, "LC_ALL": place, "LANG": place}
    code = CLOCK.format(now=now, year=year)
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == COMMITTED, MEND


# What would break it

CLOCKS = {
    "today",
    "now",
    "utcnow",
    "fromtimestamp",
    "utcfromtimestamp",
    "time",
    "time_ns",
    "localtime",
    "gmtime",
    "ctime",
}
DICE = {"uuid1", "uuid4", "urandom", "token_hex", "token_bytes", "SystemRandom"}
MODULES = {"secrets", "time", "locale"}
SEEDED = {"Generator", "Random"}  # with a seed, that is


def sources():
    return sorted(PACKAGE.rglob("*.py"))


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def faults(tree, where):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{where}:{node.lineno} imports {name}" for name in names if name.split(".")[0] in MODULES)
            if isinstance(node, ast.ImportFrom):
                words = {alias.name for alias in node.names} & DICE
                words |= {alias.name for alias in node.names if node.module == "random"} - SEEDED
                yield from (f"{where}:{node.lineno} imports {word}" for word in words)
        elif isinstance(node, ast.Call):
            name = dotted(node.func)
            last = name.rpartition(".")[2]
            if name in {"hash", "id"}:
                yield f"{where}:{node.lineno} calls {name}(), which differs between processes"
            if "." in name and (last in CLOCKS or last in DICE):
                yield f"{where}:{node.lineno} calls {name}()"
            seeded = last in SEEDED or (last == "default_rng" and node.args)
            if (".random." in name or name.startswith("random.")) and not seeded:
                yield f"{where}:{node.lineno} calls {name}()"
            if last == "Random" and not node.args:
                yield f"{where}:{node.lineno} calls {name}() without a seed"
        elif isinstance(node, ast.For | ast.comprehension) and unordered(node.iter):
            yield f"{where}:{getattr(node, 'lineno', node.iter.lineno)} goes through a set"


def unordered(node):
    if isinstance(node, ast.Set | ast.SetComp):
        return True
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitAnd | ast.BitOr | ast.Sub):
        return unordered(node.left) or unordered(node.right)
    return isinstance(node, ast.Call) and dotted(node.func) in ("set", "frozenset")


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_no_clock_no_dice_no_hash_order(path):
    found = list(faults(ast.parse(path.read_text(encoding="utf-8")), path.name))
    if path == PACKAGE / "ids.py":
        assert [fault.partition(" ")[2] for fault in found] == ["calls uuid.uuid4()"]
    elif path.name.startswith(("postgres_", "db_cli")):  # looking after a server takes a clock; episodes take none
        assert [fault for fault in found if "uuid" in fault or "random" in fault] == []
    elif path.relative_to(PACKAGE).parts[0] == "mutation" or path == PACKAGE / "certify" / "suite.py":
        assert [fault for fault in found if "time" not in fault] == []  # they time themselves
    elif path == PACKAGE / "batch.py":
        assert [fault for fault in found if "time" not in fault] == []  # statistics=True says how long episodes took
    elif path == PACKAGE / "evaluation" / "budget.py":
        assert [fault.partition(" ")[2] for fault in found] == ["imports time"]  # a run may have so many seconds
    elif path in (PACKAGE / "evaluation" / "playing.py", PACKAGE / "evaluation" / "shapes.py"):
        # Of objects at hand, to know them again; no order comes of it.
        assert {fault.partition(" ")[2] for fault in found} == {"calls id(), which differs between processes"}
    elif path == PACKAGE / "cli.py":
        assert [fault for fault in found if "set" in fault] == []
    else:
        assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "import random\nrandom.choice('ab')",
        "import random\nrandom.seed(3)",
        "rng = random.Random()",
        "from random import choice",
        "import time",
        "from uuid import uuid4",
        "import numpy as np\nnp.random.rand()",
        "import datetime\ndatetime.date.today()",
        "datetime.now()",
        "os.urandom(3)",
        "hash('x')",
        "for x in {1, 2}: pass",
        "[x for x in set(y)]",
        "[x for x in set(y) & z]",
    ],
)
def test_the_guard_sees(line):
    assert list(faults(ast.parse(line), "x"))
