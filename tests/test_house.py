"""The house stands: imports go down, names are public on purpose, files are short, importing is quick."""

import ast
import functools
import re
import subprocess
import sys
import time
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import crm_gym

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "crm_gym"
AGENTS = ROOT / "agents" / "crm_agents"

FLOORS = (
    ("errors", "ids", "extract", "infos"),
    ("keywords",),
    ("batch",),
    ("postgres_supervisor", "postgres_programs", "postgres_place", "postgres_server", "postgres"),
    ("atom",),
    ("atoms",),
    ("entities",),
    ("schema",),
    ("ddl",),
    ("journal",),
    ("digest",),
    ("store",),
    ("rules",),
    ("guards",),
    ("crm",),
    ("tools",),
    ("tasks",),
    ("sql_files",),
    ("verify",),
    ("rewards", "strict_json", "spaces", "render", "sampler"),
    ("opening", "backend", "generated"),
    ("selection",),
    ("env",),
    ("form", "vector"),
    ("registration", "sandbox", "wrappers", "evaluation"),
    ("baselines",),
    ("certify", "mutation"),
    ("reference", "describe"),
    ("play", "db_cli", "door_cli", "generate_cli", "certify_cli", "mutate_cli"),
    ("cli",),
    ("__init__", "__main__"),
)
LEAVES = {"strict_json", "extract"}  # imports nothing of the package: may be used from anywhere
HEIGHT = {name: height for height, names in enumerate(FLOORS) for name in names}
HEAVY = {"torch", "stable_baselines3", "anthropic", "openai", "psycopg", "tyro", "rich", "ray", "tensorboard"}
NEED_EXTRAS = {  # modules of ours that stand on an optional dependency
    "crm_gym.store.postgres",
    "crm_agents.learning.agent",
    "crm_agents.learning.train",
}
OPTIONAL = HEAVY | {"sb3_contrib", "psycopg_pool", "matplotlib", "mcp", "inspect_ai", "minari", "tqdm"}


def modules(folder=PACKAGE):
    return sorted(folder.rglob("*.py"))


def room(path):
    """The first name below the package: crm_gym/tools/quote.py is in tools."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    """Names of the modules a file imports, with the node."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            base = node.module or ""
            for alias in node.names:
                inner = PACKAGE.parent / Path(*base.split("."), alias.name)
                is_module = inner.with_suffix(".py").exists() or (inner / "__init__.py").exists()
                yield (f"{base}.{alias.name}" if is_module else base), node


def tracked():
    done = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:  # no checkout: take what lies there
        return [path for path in ROOT.rglob("*") if path.is_file() and ".venv" not in path.parts]
    return [ROOT / line for line in done.stdout.splitlines() if (ROOT / line).is_file()]


IDS = [str(path.relative_to(ROOT)) for path in modules()]


@pytest.mark.parametrize("path", modules(), ids=IDS)
def test_imports_go_down(path):
    mine = room(path)
    assert mine in HEIGHT, f"{mine} has no floor yet"
    for name, _ in imports(path):
        if name.startswith("crm_gym.") and (theirs := name.split(".")[1]) != mine:
            assert theirs in LEAVES or HEIGHT[theirs] < HEIGHT[mine] or same_floor(mine, theirs), (
                f"{path} imports {name}"
            )


def same_floor(mine, theirs):
    """On one floor imports are allowed; that they make no cycle is the next test's."""
    return HEIGHT[mine] == HEIGHT[theirs]


def test_leaves_import_nothing_of_the_package():
    for leaf in LEAVES:
        assert not [name for name, _ in imports(PACKAGE / f"{leaf}.py") if name.startswith("crm_gym")]


def test_nothing_below_imports_crm_agents():
    for path in modules():
        assert not [name for name, _ in imports(path) if name.startswith("crm_agents")]


def test_there_are_no_cycles():
    known = {dotted(path): path for path in modules()}
    graph = {
        name: {other for other, _ in imports(path) if other in known and other != name} for name, path in known.items()
    }
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("path", modules() + modules(AGENTS), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_stand_at_the_top(path):
    top = set(tree_of(path).body)
    for block in tree_of(path).body:  # `if TYPE_CHECKING:` and `try: import` count as the top
        if isinstance(block, ast.If | ast.Try):
            top |= set(ast.walk(block))
    for name, node in imports(path):
        first = name.split(".")[0]
        own_cli = path.name == "cli.py"
        assert node in top or first in OPTIONAL or name in NEED_EXTRAS or own_cli, (
            f"{path}:{node.lineno} imports {name} inside"
        )


def test_agents_use_public_names_only():
    """Of crm_gym's modules the agents may name those that hold public things, and no underscored name."""
    for path in modules(AGENTS):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "crm_gym":
                assert not [alias.name for alias in node.names if alias.name.startswith("_")]


def test_public_names_are_sorted_and_complete():
    names = crm_gym.__all__
    assert names == sorted(names, key=_rank)
    assert len(set(names)) == len(names)
    assert all(hasattr(crm_gym, name) for name in names)
    imported = set()
    for node in ast.parse((PACKAGE / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom):
            imported |= {alias.asname or alias.name for alias in node.names}
    assert imported - {"register_all"} == set(names)


def _rank(name):
    """CONSTANTS, Classes, functions, as ruff sorts them."""
    return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)


def test_names_others_rely_on_are_there():
    promised = (
        "CrmEnv Crm MockCrmApi ToolError Task ToolCall ToolResult Verdict RewardConfig TOOLS verify make_vec "
        "Client Contact Opportunity Quote Contract Company Document Note"
    )
    assert set(promised.split()) <= set(crm_gym.__all__)


def test_importing_loads_nothing_heavy():
    code = f"import sys, crm_gym; print(sorted({HEAVY!r} & {{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_importing_takes_under_half_a_second():
    code = "import time; t = time.perf_counter(); import crm_gym; print(time.perf_counter() - t)"
    best = 9.0
    for attempt in range(15):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        best = min(best, float(done.stdout))
        if attempt >= 4 and best < 0.5:
            break
        time.sleep(0)
    assert best < 0.5


@pytest.mark.parametrize("path", modules() + modules(AGENTS), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_are_short(path):
    """A longer one says why at its top: a docstring line that begins with "Long:"."""
    lines = path.read_text(encoding="utf-8").splitlines()
    doc = ast.get_docstring(ast.parse("\n".join(lines))) or ""
    assert len(lines) <= 300 or "\nLong:" in doc, f"{len(lines)} lines"


@pytest.mark.parametrize("path", modules() + modules(AGENTS), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_it_is(path):
    text = path.read_text(encoding="utf-8")
    assert not text.strip() or ast.get_docstring(ast.parse(text))


LEFT_BEHIND = (
    r"\bTO" + r"DO\b",
    r"\bFIX" + r"ME\b",
    r"\bX" + r"XX\b(?!-)",
    r"/ho" + r"me/\w",
    r"/Us" + r"ers/\w",
    r"/wo" + r"rk/\w",
    r"/tm" + r"p/\w",
    r"/ro" + r"ot/\w",
    r"C:\\" + r"\w",
)


def test_nothing_is_left_behind():
    """No reminders, no paths of one machine."""
    pattern = re.compile("|".join(LEFT_BEHIND))
    found = []
    for path in tracked():
        if path.suffix in (".png", ".gif", ".ico", ".gz", ".zip"):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert found == []
