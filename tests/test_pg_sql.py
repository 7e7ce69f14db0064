"""Nothing an agent sends becomes SQL: not in the source, and not in what the server saw."""

import ast
import random
import re
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest
from furnished import arguments, furnished
from nasty import EXOTIC, JSONISH
from psycopg import sql
from test_fuzz import corrupted, shown

import crm_gym
from crm_gym import TOOL_NAMES
from crm_gym.backend import PostgresBackend
from crm_gym.schema import TABLES
from crm_gym.store.pg_session import PREFIX, Session
from crm_gym.store.postgres import STATEMENTS, Statements
from crm_gym.tasks.world import World
from crm_gym.tools import outcome
from crm_gym.tools.base import plain

STORE = Path(crm_gym.__file__).parent / "store"

# In the source

SENDERS = {"execute", "executemany", "copy", "_run", "_send"}
"""Methods whose first argument is SQL."""

PASSING = {"_run", "_send"}
"""Functions that hand on the statement they are given; their callers are looked at instead."""

BUILDERS = {"format", "format_map", "replace", "join", "encode"}
"""Methods that make a text of texts."""

FREE = {"ddl.env_sql"}
"""Functions whose text is SQL: it follows from the entities alone."""

SQL_WORDS = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|DROP|CREATE|ALTER|SET|COPY|VACUUM|TRUNCATE|LOCK|BEGIN|COMMIT|ROLLBACK|SAVEPOINT"
    r"|FROM|WHERE|VALUES|ORDER BY)\b"
)


def dotted(node):
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def is_composed(node):
    """sql.SQL("constant"), and what format, join and as_bytes make of it."""
    if not isinstance(node, ast.Call):
        return False
    if dotted(node.func) == "sql.SQL":
        (text,) = node.args
        return is_text(text) or (isinstance(text, ast.Call) and dotted(text.func) in FREE)
    chained = isinstance(node.func, ast.Attribute) and node.func.attr in {"format", "join", "as_bytes"}
    return chained and is_composed(node.func.value)


def is_allowed(node, names):
    if isinstance(node, ast.IfExp):
        return is_allowed(node.body, names) and is_allowed(node.orelse, names)
    root = node
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    if isinstance(root, ast.Name) and root is not node:
        return root.id == "STATEMENTS"
    return is_text(node) or is_composed(node) or (isinstance(node, ast.Name) and node.id in names)


def constants(tree):
    """Names that a module gives to statements, once."""
    names = set()
    for node in tree.body:
        if not isinstance(node, ast.Assign):
            continue
        (target,) = node.targets
        pairs = (
            zip(target.elts, node.value.elts, strict=True) if isinstance(target, ast.Tuple) else [(target, node.value)]
        )
        for name, value in pairs:
            if isinstance(name, ast.Name) and is_allowed(value, names):
                names.add(name.id)
    return {name for name in names if _bound(tree, name) == 1}


def _bound(tree, name):
    """How often a name is given a value, anywhere; a parameter of that name counts."""
    return sum(
        (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name)
        or (isinstance(node, ast.arg) and node.arg == name)
        for node in ast.walk(tree)
    )


def literal_parts(node):
    """The constant texts of a text that is put together; none if it is not."""
    if isinstance(node, ast.JoinedStr):
        return [part.value for part in node.values if isinstance(part, ast.Constant)]
    parts = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        parts = [node.left, node.right]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in BUILDERS:
        parts = [] if is_composed(node) else [node.func.value, *node.args]
    parts = [inner for part in parts for inner in (part.elts if isinstance(part, ast.List | ast.Tuple) else [part])]
    found = [part.value for part in parts if is_text(part)]
    return [text.decode() if isinstance(text, bytes) else text for text in found]


def faults(tree):
    names = constants(tree)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef) and function.name in PASSING:
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SENDERS:
                    node.passes = dotted(node.args[0]) == function.args.args[1].arg
    for node in ast.walk(tree):
        if any(SQL_WORDS.search(text) for text in literal_parts(node)):
            yield f"line {node.lineno}: SQL put together as text"
        if not isinstance(node, ast.Call) or not node.args:
            continue
        if dotted(node.func) == "sql.SQL" and not is_composed(node):
            yield f"line {node.lineno}: sql.SQL of something that is no constant"
        sends = isinstance(node.func, ast.Attribute) and node.func.attr in SENDERS
        if sends and not getattr(node, "passes", False) and not is_allowed(node.args[0], names):
            yield f"line {node.lineno}: {node.func.attr} is given something that is no constant"
    for cls in ast.walk(tree):
        if isinstance(cls, ast.ClassDef) and cls.name == "Statements":
            yield from _loose_attributes(cls)


def _loose_attributes(cls):
    for node in ast.walk(cls):
        if isinstance(node, ast.Assign) and any(dotted(target).startswith("self.") for target in node.targets):
            value = node.value.value if isinstance(node.value, ast.DictComp) else node.value
            if not is_composed(value):
                yield f"line {node.lineno}: {dotted(node.targets[0])} is not composed"


@pytest.mark.parametrize("path", sorted(STORE.glob("*.py")), ids=lambda path: path.name)
def test_no_text_is_built_into_sql(path):
    assert list(faults(ast.parse(path.read_text(encoding="utf-8")))) == []


def test_the_guard_looks_at_what_sends():
    sent = sum(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in SENDERS
        for path in STORE.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    )
    assert sent >= 20


@pytest.mark.parametrize(
    "line",
    [
        'c.execute(f"SELECT {x}")',
        'c.execute("SELECT %s" % x)',
        'c.execute("SELECT " + x)',
        'c.execute("SELECT {}".format(x))',
        'c.execute(x)',
        'c.execute(x.y)',
        'c.execute(x[0], (1,))',
        'c.execute(f"{x}")',
        'c.execute(sql.SQL(x))',
        'c.execute(sql.SQL(f"SELECT {x}"))',
        'c.execute(sql.SQL("SELECT " + x).format(y))',
        'c.execute("a" if x else x)',
        'c.executemany("DELETE FROM %s" % x, y)',
        'c.copy("COPY %s FROM STDIN" % x)',
        'self._run(x)',
        'self._run(b"SELECT " + x)',
        'X = f"SELECT {y}"\nc.execute(X)',
        'X = "SELECT 1"\nX = y\nc.execute(X)',
        'X = "SELECT 1"\ndef f(X):\n    c.execute(X)',
        'q = "".join(["SELECT ", x])',
        'q = "SELECT 1 WHERE x = " + x',
        'def _run(self, statement):\n    c.execute(other)',
        'class Statements:\n    def __init__(self, x):\n        self.get = f"{x}"',
    ],
)  # fmt: skip
def test_the_guard_sees(line):
    assert list(faults(ast.parse(line)))


@pytest.mark.parametrize(
    "line",
    [
        'c.execute("SELECT %s", (x,))',
        'c.execute(sql.SQL("DROP SCHEMA {}").format(sql.Identifier(x)))',
        'A, B = b"BEGIN", b"COMMIT"\nc.execute(A if x else B)',
        "c.execute(STATEMENTS[x].by_ref[y], (z,))",
        "def _run(self, statement):\n    c.execute(statement)",
        "counts.copy()",
    ],
)
def test_the_guard_lets_through(line):
    assert list(faults(ast.parse(line))) == []


# In what the server saw

WICKED = (
    "'; DROP TABLE clients; --", "x' OR '1'='1", "1; SELECT pg_sleep(9)", "%", "_", "%%", "%s", "%(name)s", "$1", "$$",
    "\\", "\\'; --", "E'\\x27'", '"', '"; DROP SCHEMA public CASCADE; --', "{}", "{0}", "/*", "*/", "--", ">= 0",
    "<> ''", "~ '.*'", "ILIKE '%'", "IS NULL", "name", "seq", "base_clients", "(SELECT current_user)", ":name", "\x00",
    "a\x00b", "COPY clients TO PROGRAM 'true'", "\u02bc OR 1=1", "\uff07 OR 1=1", "ROLLBACK; BEGIN", "\ud800'",
)  # fmt: skip
ODD = ({"$gt": ""}, {"like": "%"}, {"contains": "x"}, [">", 0], ["a", "' OR true"], {"min": 1}, {"name": "'"})
BLOCK, LONG = 2_000, 100_000
_LINE = re.compile(r"[-0-9]+ [.:0-9]+ \S+ \[(\d+)\] LOG:  (?:statement|execute [^:]*): (.*)", re.DOTALL)
_SCHEMA = re.compile(PREFIX + "[0-9a-f]{32}")


@pytest.fixture(scope="module")
def world():
    return World.of("furnished", furnished())


@pytest.fixture(scope="module")
def listening(pg_server):
    """The server writes down every statement of the application role, as it came, without parameters."""
    role = sql.Identifier("crm_app")
    with psycopg.connect(pg_server.admin_dsn, autocommit=True) as admin:
        for setting in ("SET log_statement = 'all'", "SET log_parameter_max_length = 0"):
            admin.execute(sql.SQL("ALTER ROLE {} {}").format(role, sql.SQL(setting)))
        yield pg_server
        admin.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(role))


class Ear:
    """Reads what the server wrote down since the last time."""

    def __init__(self, server):
        self.path = server.place.log
        self.at = self.path.stat().st_size

    def heard(self, pid):
        """Every different statement of a connection, and how many there were."""
        with self.path.open("rb") as log:
            log.seek(self.at)
            text = log.read()
        self.at += len(text)
        entries = re.split(r"\n(?!\t)", text.decode("utf-8"))
        found = [match[2] for entry in entries if (match := _LINE.fullmatch(entry)) and match[1] == str(pid)]
        return {_SCHEMA.sub("<schema>", one.replace("\n\t", "\n").strip()) for one in found}, len(found)


def templates():
    """The statements of the store, as the server sees them: placeholders numbered."""
    composed = []
    for one in STATEMENTS.values():
        for value in vars(one).values():
            composed.extend(value.values() if isinstance(value, dict) else [value])
    return {numbered(text.decode()) for text in composed}


def numbered(text):
    first, *rest = text.split("%s")
    return first + "".join(f"${place}{part}" for place, part in enumerate(rest, 1))


TURNS = {
    "BEGIN",
    "COMMIT",
    "ROLLBACK",
    "SELECT 1",
    "BEGIN; SAVEPOINT call",
    "RELEASE SAVEPOINT call; SAVEPOINT call",
    "ROLLBACK TO SAVEPOINT call",
    "DEALLOCATE ALL",  # psycopg's own, after a rollback: what it has prepared might be gone
}
"""What begins and ends episodes and calls."""


def of_session(server):
    """What a connection says when it comes and when it goes, whatever is done between."""
    ear, session = Ear(server), Session(server.dsn)
    pid = session.connection().info.backend_pid
    session.close()
    return ear.heard(pid)[0]


def spoilt(rng, number):
    """A tool and arguments; what is wicked often stands where it is a lawful text, and reaches the database."""
    name = rng.choice(TOOL_NAMES)
    given = corrupted(rng, arguments(name), (*JSONISH, *EXOTIC) if number % 4 == 0 else JSONISH)
    target = given["updates"] if type(given.get("updates")) is dict and rng.random() < 0.7 else given
    kind = rng.random()
    if kind < 0.5:
        texts = [key for key, value in target.items() if type(value) is str]
        for key in rng.sample(texts, min(len(texts), rng.randrange(1, 3))):
            target[key] = rng.choice(WICKED)
    elif kind < 0.6 and target:
        target[rng.choice(list(target))] = rng.choice(ODD)
    elif kind < 0.7:
        target[rng.choice(WICKED)] = rng.choice((*WICKED, *ODD))
    elif kind < 0.72:
        name = rng.choice(WICKED)
    return name, given


def said(came):
    raw, error = came
    return (plain(raw), None) if error is None else (None, error.as_json())


def play_block(backend, world, seed, count):
    """Calls on both, with a new episode now and then; gives how many worked."""
    rng = random.Random(seed)
    worked = 0
    for number in range(count):
        if number % 40 == 0:
            ours, theirs = world.crm.fork(seed), backend.open(SimpleNamespace(world=world), seed)
        name, given = spoilt(rng, number)
        where = f"call {number} of seed {seed}: {name!a} {shown(given)}"
        mine, yours = outcome(ours, name, given), backend.play(theirs, name, given)
        assert said(mine) == said(yours), where
        assert ours.counts() == theirs.counts(), where
        assert ours.state_hash() == theirs.state_hash(), where
        worked += mine[1] is None
        if number % 40 == 39:
            assert all(list(ours.find(table)) == list(theirs.find(table)) for table in TABLES), where
    return worked


def fuzz(server, world, seeds):
    known = templates() | TURNS | of_session(server)
    backend = PostgresBackend(server.dsn, commit=False)
    seen, worked = set(), 0
    try:
        backend.open(SimpleNamespace(world=world), 0)
        pid = backend._store.session.connection().info.backend_pid
        ear = Ear(server)
        for seed in seeds:
            worked += play_block(backend, world, seed, BLOCK)
            heard, count = ear.heard(pid)
            assert heard - known == set()
            assert count > BLOCK / 2
            seen |= heard
    finally:
        backend.close()
    assert BLOCK * len(seeds) / 8 < worked < BLOCK * len(seeds) * 3 / 4
    return seen


def test_a_session_says_little_of_its_own(listening):
    heard = of_session(listening)
    assert 4 < len(heard) < 16
    assert any(one.startswith("CREATE SCHEMA") and "<schema>" in one for one in heard)
    assert 'DROP SCHEMA IF EXISTS "<schema>" CASCADE' in heard


def test_the_ear_hears_what_is_no_template(listening):
    """A statement with a value in it would be seen."""
    session = Session(listening.dsn)
    connection = session.connection()
    ear = Ear(listening)
    connection.execute(sql.SQL("SELECT {}\n AS x").format("it's"))
    connection.execute("SELECT %s", ("it's",))
    assert ear.heard(connection.info.backend_pid) == ({"SELECT 'it''s'\n AS x", "SELECT $1"}, 2)
    session.close()


def test_the_server_sees_templates_and_nothing_else(listening, world):
    seen = fuzz(listening, world, [1])
    assert {STATEMENTS["Opportunity"].find.decode(), "BEGIN; SAVEPOINT call", "ROLLBACK TO SAVEPOINT call"} <= seen
    assert len(seen & templates()) > 25


@pytest.mark.slow
def test_the_server_sees_templates_and_nothing_else_for_a_long_time(listening, world):
    fuzz(listening, world, range(2, 2 + LONG // BLOCK))


def test_every_template_is_of_known_names_and_placeholders():
    names = {table.plural for table in TABLES.values()} | {f"base_{table.plural}" for table in TABLES.values()}
    names |= {column.name for table in TABLES.values() for column in table.columns} | {"seq"}
    for one in templates():
        assert set(re.findall(r'"([^"]*)"', one.replace('"T"', "").replace('"Z"', ""))) <= names, one
    assert all(isinstance(one, Statements) for one in STATEMENTS.values())
