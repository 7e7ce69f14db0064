"""Memory against PostgreSQL, in lockstep: whatever is called, both say, keep and remember the same."""

import random
from functools import cache

import pytest
from furnished import REQUIRED, arguments, furnished
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from nasty import JSONISH

from crm_gym import TOOL_NAMES, TOOLS, StaleSnapshot, ToolCall
from crm_gym.schema import TABLES, row_json
from crm_gym.store.postgres import PostgresStore
from crm_gym.tasks.sandbox_world import sandbox_world
from crm_gym.tasks.world import World
from crm_gym.tools import call

EXAMPLES, STEPS = 100, 25
WALKED, LONG_WALK = 500, 100_000
EPISODE_STEPS = 200  # of a walk, on the average
CRM_TOOLS = tuple(name for name in TOOL_NAMES if TOOLS[name].kind != "end")
TEXTS = (
    "A", "oven", "Zoë", "İstanbul ß ﬁ", "e\u0301", "  padded  ", "a%b_c\\d", "'; DROP TABLE clients; --", '"q" $1 %s',
    "\u00a0x", "\U0001f600", "\u2028", "\ufeffx", "x" * 200, "NULL", "{a,b}", "\\N", "",
)  # fmt: skip
EMAILS = (
    "a@a.example", "A@A.EXAMPLE", " a@a.example ", "b'b@b.example", "b%@b.example", "b_@b.example", "i@xn--i.example",
    "mill@old.example", "MILLS@old.example",
)  # fmt: skip
NUMBERS = (0.01, 0.1, 1, 1.1, 12.5, 40, 99, 100, 900, 12000, 70000.0, 9_999_999.99, 10_000_000, 10_000_000.01, 1.005, 0)
DAYS = ("0001-01-01", "2025-10-29", "2025-10-30", "2025-12-24", "2028-02-29", "9999-12-31", "2027-02-29")
FORMS = {"email": EMAILS, "date": DAYS, "uri": ("https://x.example/a?b=%27", "http://X.example", "x")}
FILES = ("a.pdf", "a-1_b.DOCX", "x.exe", "a.key")
NOWHERE = ("00000000-0000-0000-0000-000000000000", "", "x", "\x00", "';--")


def of(*intents):
    return tuple(name for name in CRM_TOOLS if TOOLS[name].intent in intents)


@cache
def worlds():
    return (World.of("furnished", furnished()), sandbox_world(), World("bare", "2024-02-29", ()))


class Dice:
    """Choices of a seeded generator."""

    def __init__(self, rng):
        self.number = rng.randrange

    def pick(self, values):
        return values[self.number(len(values))]

    def chance(self, percent):
        return self.number(100) >= 100 - percent  # small numbers, which hypothesis prefers, are the plain way


class DrawnDice(Dice):
    """Choices of hypothesis; never odd values themselves, which it could not always show."""

    def __init__(self, data):
        self.number = lambda count: data.draw(st.integers(0, count - 1))


class Calls:
    """Tool calls about the records that a CRM holds, mostly right."""

    def __init__(self, dice, crm, gone):
        self.dice, self.crm, self.gone = dice, crm, gone

    def request(self, tools=CRM_TOOLS):
        name = self.dice.pick(tools)
        given = dict(REQUIRED[name]) if name in REQUIRED and self.dice.chance(50) else arguments(name)
        if "search" in name or name == "summarize_opportunities":
            given = self.criteria(name)
        else:
            self.vary(given, TOOLS[name].schema["properties"], name)
        if self.dice.chance(20):
            self.spoil(given)
        return ToolCall(name, given)

    def record(self, table):
        rows = list(self.crm.find(table))
        if rows and not self.dice.chance(10):
            return self.dice.pick(rows)[0]
        return self.dice.pick((*self.gone, *NOWHERE))

    def vary(self, given, properties, tool):
        """Other records and other values in place of those given."""
        for field in list(given):
            if field == "updates":
                self.thin(given[field])
                self.vary(given[field], properties[field]["properties"], tool)
            elif field == "quote_ids":
                given[field] = [self.record("Quote") for _ in range(self.dice.number(4))]
            elif field == "entity_type":
                given[field] = self.dice.pick(properties[field]["enum"])
            elif field == "entity_id":
                given[field] = self.record(given["entity_type"])
            elif properties[field].get("format") == "uuid":
                given[field] = self.record(self.table_of(field, tool))
            elif self.dice.chance(50):
                given[field] = self.value(field, properties[field])

    def thin(self, updates):
        kept = self.dice.pick((1, 1, 2, len(updates)))
        while len(updates) > kept:
            del updates[self.dice.pick(list(updates))]

    def table_of(self, field, tool):
        if field == "id":
            return tool.removeprefix("modify_").capitalize()
        return field.removesuffix("_id").capitalize()

    def value(self, field, schema):
        if "enum" in schema:
            return self.dice.pick(schema["enum"])
        if field == "file_name":
            return self.dice.pick(FILES)
        if schema.get("format") in FORMS:
            return self.dice.pick(FORMS[schema["format"]])
        return self.dice.pick(NUMBERS if schema["type"] in ("number", "integer") else TEXTS)

    def criteria(self, tool):
        """Criteria that a record meets, and a window."""
        table = {"company_search": "Company", "summarize_opportunities": "Opportunity"}.get(tool)
        table = table or tool.removesuffix("_search").capitalize()
        rows = list(self.crm.find(table))
        known = row_json(self.dice.pick(rows)) if rows else {}
        told = [name for name, value in known.items() if value is not None]
        given = {}
        for _ in range(self.dice.number(3) if told else 0):
            name = self.dice.pick(told)
            given[name] = known[name]
            if name == "contacts":
                given[name] = known[name][0] if known[name] else "x"
        if tool != "summarize_opportunities" and self.dice.chance(50):
            given |= {"limit": self.dice.pick((1, 2, 5, 100)), "offset": self.dice.pick((0, 1, 3))}
        return given

    def spoil(self, given):
        """One value that breaks careless code, one argument missing, or one too many."""
        inner = given.get("updates")
        target = inner if type(inner) is dict and self.dice.chance(60) else given
        kind = self.dice.number(10)
        if target and kind < 7:
            target[self.dice.pick(list(target))] = self.dice.pick(JSONISH)
        elif target and kind < 8:
            del target[self.dice.pick(list(target))]
        else:
            target[self.dice.pick(("nonsense", "created_date", "name", "owner", "\x00"))] = self.dice.pick(JSONISH)


def dump(crm):
    return {table: list(crm.find(table)) for table in TABLES}


class Lockstep:
    """The same CRM twice; every move is made on both, and must show the same."""

    def __init__(self, store):
        self.store = store
        self.asked, self.worked, self.codes = set(), {}, {}
        self.episodes = 0

    def begin(self, world, seed):
        """A new episode, as the environment begins one."""
        self.store.begin(world, world.crm.find, world.crm.counts())
        self.memory, self.postgres = world.crm.fork(seed), world.crm.fork(seed, self.store)
        self.moments, self.gone = [], []
        self.episodes += 1

    def call(self, request):
        """One tool call, on PostgreSQL enclosed as the environment encloses it."""
        self.asked.add(request.tool)
        expected = call(self.memory, request)
        self.store.savepoint()
        found = call(self.postgres, request)
        if found.ok:
            self.store.release()
        else:
            self.store.rollback()
        assert found.error == expected.error or found.error.as_json() == expected.error.as_json()
        assert repr(found.raw) == repr(expected.raw)
        assert found.value == expected.value
        assert found.text() == expected.text()
        if expected.ok:
            self.worked[request.tool] = self.worked.get(request.tool, 0) + 1
        else:
            self.codes[expected.error.code] = self.codes.get(expected.error.code, 0) + 1
        self.gone += [c.id for c in self.memory.journal.changes[-5:] if c.after is None and c.id not in self.gone]

    def undo(self, place):
        """Take back the newest changes; `place` chooses how many, not more than ten."""
        mark = self.memory.mark()
        mark -= place % (min(mark, 10) + 1)
        self.memory.undo(mark)
        self.postgres.undo(mark)

    def remember(self):
        self.moments.append((self.memory.snapshot(), self.postgres.snapshot()))

    def restore(self, place):
        if not self.moments:
            return
        ours, theirs = self.moments[place % len(self.moments)]
        assert self.stale(self.memory, ours) == self.stale(self.postgres, theirs)

    @staticmethod
    def stale(crm, moment):
        try:
            crm.restore(moment)
        except StaleSnapshot:
            return True
        return False

    def look(self, dice):
        """Ask the stores themselves: one record, one unique text, every reference to a record."""
        table = dice.pick(tuple(TABLES))
        record = Calls(dice, self.memory, self.gone).record(table)
        stores = (self.memory.store, self.postgres.store)
        assert len({store.get(table, record) for store in stores}) == 1
        email = dice.pick((*EMAILS, *(row.email for row in self.memory.find("Client"))))
        assert len({store.by_unique("Client", "email", email) for store in stores}) == 1
        for other, columns in TABLES.items():
            for column in columns.columns:
                if column.ref is not None:
                    found = [store.by_ref(other, column.name, record) for store in stores]
                    # Nothing tells in which order deals that moved came to a client; all other references stay put.
                    ours, theirs = map(sorted, found) if column.ref.moves else found
                    assert ours == theirs

    def same(self):
        """Everything there is to see, after every step."""
        assert self.postgres.counts() == self.memory.counts()
        rows = dump(self.postgres)
        assert repr(rows) == repr(dump(self.memory))
        assert [len(of) for of in rows.values()] == self.postgres.counts()
        assert self.postgres.state_hash() == self.memory.state_hash()
        assert self.postgres.journal.changes == self.memory.journal.changes
        assert self.postgres.journal.net == self.memory.journal.net

    def end(self):
        assert self.postgres.recomputed_hash() == self.memory.recomputed_hash() == self.memory.state_hash()


PLACE = st.integers(0, 1_000)


class DifferentialMachine(RuleBasedStateMachine):
    """Both in lockstep; the store, with its one connection, is shared by all examples."""

    pair: Lockstep  # given by the test

    @initialize(world=st.sampled_from((0, 0, 1, 2)), seed=PLACE)
    def start(self, world, seed):
        self.pair.begin(worlds()[world], seed)

    def call(self, data, tools):
        self.pair.call(Calls(DrawnDice(data), self.pair.memory, self.pair.gone).request(tools))

    # A rule for every kind of tool, so that most steps are calls.
    @rule(data=st.data())
    def call_any(self, data):
        self.call(data, CRM_TOOLS)

    @rule(data=st.data())
    def about_a_deal(self, data):
        self.call(data, of("opportunity"))

    @rule(data=st.data())
    def about_a_client(self, data):
        self.call(data, of("client"))

    @rule(data=st.data())
    def about_a_contact(self, data):
        self.call(data, of("contact"))

    @rule(data=st.data())
    def about_a_quote(self, data):
        self.call(data, of("quote"))

    @rule(data=st.data())
    def about_a_contract_or_company(self, data):
        self.call(data, of("contract", "company"))

    @rule(data=st.data())
    def file_or_note(self, data):
        self.call(data, of("document", "note"))

    @rule(data=st.data())
    def look(self, data):
        self.pair.look(DrawnDice(data))

    @rule(place=PLACE)
    def undo(self, place):
        self.pair.undo(place)

    @rule()
    def remember(self):
        self.pair.remember()

    @precondition(lambda self: self.pair.moments)
    @rule(place=PLACE)
    def restore(self, place):
        self.pair.restore(place)

    @rule(world=st.sampled_from((0, 0, 1, 2)), seed=PLACE)
    def new_episode(self, world, seed):
        self.pair.end()
        self.pair.begin(worlds()[world], seed)

    @invariant()
    def all_is_the_same(self):
        self.pair.same()

    def teardown(self):
        if hasattr(self.pair, "memory"):
            self.pair.end()


@pytest.fixture
def pair(pg_server, request):
    """On one connection, with one schema, for all episodes of a test."""
    store = PostgresStore(pg_server.dsn, commit=getattr(request, "param", False))
    yield Lockstep(store)
    store.close()


def test_the_machine_finds_no_difference(pair):
    class Machine(DifferentialMachine):
        pass

    Machine.pair = pair
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS + 1,  # the beginning is one
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert pair.episodes >= EXAMPLES
    assert pair.asked == set(CRM_TOOLS)
    assert sum(pair.worked.values()) >= 4 * EXAMPLES, "the machine must meet both sides of the law"
    assert sum(pair.codes.values()) >= 2 * EXAMPLES


def walk(pair, seed, steps):
    """A seeded random walk over the same moves."""
    dice = Dice(random.Random(seed))
    pair.begin(worlds()[0], seed)
    for step in range(steps):
        kind = dice.number(EPISODE_STEPS)
        try:
            if kind == 0:
                pair.end()
                pair.begin(dice.pick(worlds()), step)
            elif kind < 5:
                pair.remember()
            elif kind < 9:
                pair.restore(dice.number(1_000))
            elif kind < 20:
                pair.undo(dice.number(1_000))
            elif kind < 35:
                pair.look(dice)
            else:
                pair.call(Calls(dice, pair.memory, pair.gone).request())
            pair.same()
        except BaseException as fault:
            fault.add_note(f"step {step} of seed {seed}, move {kind}")
            raise
    pair.end()


@pytest.mark.parametrize("pair", [False, True], ids=["rolled back", "committed"], indirect=True)
def test_a_walk_finds_no_difference(pair):
    walk(pair, 20251030, WALKED)
    assert set(pair.worked) == set(CRM_TOOLS)


@pytest.mark.slow
def test_a_long_walk_finds_no_difference(pair):
    walk(pair, 1, LONG_WALK)
    assert set(pair.worked) == set(CRM_TOOLS)
    assert {"not_found", "duplicate_email", "closed_deal_locked", "date_in_past", "date_order"} <= set(pair.codes)
