"""What every store must keep to; inherit StoreContract and give `make`, or a fixture `store`."""

import random
from decimal import Decimal

import pytest

from crm_gym.ids import named_id
from crm_gym.schema import TABLES
from crm_gym.store.memory import MemoryStore

FILLED = {  # what a table wants beside what a test says: a database has its own checks
    "Client": {"status": "Active"},
    "Contact": {"first_name": "F", "last_name": "L"},
    "Opportunity": {"name": "D", "amount": Decimal("1.00"), "stage": "Proposal"},
    "Contract": {"status": "Pending"},
    "Note": {},
}


def uid(name):
    """The id that a test calls by a short name; a database takes nothing but UUIDs."""
    return named_id("store", name)


def uids(names):
    return [uid(name) for name in names]


def row(table, key, /, **values):
    """A row; what its columns of ids are given are short names."""
    made = {column.name: values.get(column.name, FILLED[table].get(column.name)) for column in TABLES[table].columns}
    made[TABLES[table].key] = key
    for column in TABLES[table].columns:
        if column.atom.kind == "id" and made[column.name] is not None:
            made[column.name] = uid(made[column.name])
    return TABLES[table].row(**made)


def client(name, email="a@x.example", title="A"):
    return row("Client", name, name=title, email=email)


def deal(name, client_id="c", **values):
    return row("Opportunity", name, client_id=client_id, **values)


def note(name, entity_id, entity_type="Client"):
    return row("Note", name, entity_type=entity_type, entity_id=entity_id, content="x")


def table_of(made):
    return type(made).__name__[:-3]


class StoreContract:
    """A store keeps rows by table and id, in creation order, with look-ups; it checks nothing."""

    def make(self):
        raise NotImplementedError

    @pytest.fixture
    def forked(self):
        """Whether a test is to fork in the middle."""
        return False

    @pytest.fixture
    def store(self):
        return self.make()

    @staticmethod
    def add(store, made):
        store.add(table_of(made), made[0], made)
        return made

    @staticmethod
    def change(store, before, **values):
        after = before._replace(**values)
        store.put(table_of(before), before[0], before, after)
        return after

    @staticmethod
    def remove(store, made):
        store.put(table_of(made), made[0], made, None)

    @staticmethod
    def put_back(store, made):
        store.put(table_of(made), made[0], None, made)

    @staticmethod
    def forget(store, made):
        store.forget(table_of(made), made[0], made)

    @staticmethod
    def ids(store, table="Client"):
        return [made[0] for made in store.find(table)]

    def test_a_new_store_is_empty(self, store):
        assert store.counts() == [0] * len(TABLES)
        assert all(list(store.find(table)) == [] and store.count(table) == 0 for table in TABLES)
        assert store.get("Client", uid("a")) is None
        assert store.by_unique("Client", "email", "a@x.example") is None
        assert store.by_ref("Opportunity", "client_id", uid("a")) == []

    def test_get_gives_what_was_put(self, store):
        made = self.add(store, client("a"))
        assert store.get("Client", uid("a")) == made
        assert store.get("Client", uid("b")) is None
        assert store.get("Contact", uid("a")) is None

    def test_put_replaces_and_removes(self, store):
        made = self.change(store, self.add(store, client("a")), name="B")
        assert store.get("Client", uid("a")).name == "B"
        assert store.count("Client") == 1
        self.remove(store, made)
        assert store.get("Client", uid("a")) is None
        assert store.count("Client") == 0

    def test_find_goes_by_creation_whatever_changes_later(self, store):
        first = [self.add(store, client(name, f"{name}@x.example")) for name in "cab"]
        self.change(store, first[0], name="last touched")
        assert self.ids(store) == uids("cab")

    def test_find_may_be_read_while_rows_come_and_go(self, store):
        for name in "ab":
            self.add(store, client(name, f"{name}@x.example"))
        rows = store.find("Client")
        first = next(rows)
        self.remove(store, store.get("Client", uid("b")))
        self.add(store, client("c", "c@x.example"))
        assert [first, *rows][0][0] == uid("a")

    def test_counts_are_a_copy_in_the_order_of_the_tables(self, store):
        self.add(store, deal("d"))
        counts = store.counts()
        assert counts == [int(table == "Opportunity") for table in TABLES]
        counts[0] = 99
        assert store.counts()[0] == 0

    def test_unique_look_ups_are_trimmed_and_case_folded(self, store):
        self.add(store, client("a", "Ana@X.example"))
        assert store.by_unique("Client", "email", "  aNA@x.EXAMPLE ") == uid("a")

    def test_unique_look_ups_follow_changes(self, store):
        made = self.add(store, client("a", "a@x.example"))
        made = self.change(store, made, email="b@x.example")
        assert store.by_unique("Client", "email", "a@x.example") is None
        assert store.by_unique("Client", "email", "b@x.example") == uid("a")
        self.remove(store, made)
        assert store.by_unique("Client", "email", "b@x.example") is None

    def test_unique_look_ups_survive_a_change_of_case(self, store):
        self.change(store, self.add(store, client("a", "a@x.example")), email="A@X.example")
        assert store.by_unique("Client", "email", "a@x.example") == uid("a")

    def test_an_address_let_go_can_be_taken_and_given_back(self, store):
        first = self.add(store, client("a", "a@x.example"))
        moved = self.change(store, first, email="b@x.example")
        second = self.add(store, client("b", "a@x.example"))
        assert store.by_unique("Client", "email", "a@x.example") == uid("b")
        self.forget(store, second)
        store.put("Client", uid("a"), moved, first)
        assert store.by_unique("Client", "email", "a@x.example") == uid("a")
        assert store.by_unique("Client", "email", "b@x.example") is None

    def test_references_are_found_in_creation_order(self, store):
        for name in "zmk":
            self.add(store, note(name, "c"))
        self.add(store, note("other", "d"))
        assert store.by_ref("Note", "entity_id", uid("c")) == uids("zmk")
        assert store.by_ref("Note", "entity_id", uid("d")) == [uid("other")]

    def test_references_follow_changes(self, store):
        made = self.add(store, deal("d", "c"))
        made = self.change(store, made, client_id=uid("e"))
        assert store.by_ref("Opportunity", "client_id", uid("c")) == []
        assert store.by_ref("Opportunity", "client_id", uid("e")) == uids("d")
        self.remove(store, made)
        assert store.by_ref("Opportunity", "client_id", uid("e")) == []

    def test_an_empty_reference_is_in_no_index(self, store):
        made = self.add(store, row("Contract", "k", client_id="c", opportunity_id="d"))
        self.change(store, made, opportunity_id=None)
        assert store.by_ref("Contract", "opportunity_id", uid("d")) == []
        assert store.by_ref("Contract", "client_id", uid("c")) == uids("k")

    def test_what_is_put_back_stands_in_its_old_place(self, store):
        made = [self.add(store, client(name, f"{name}@x.example")) for name in "abc"]
        self.remove(store, made[1])
        assert self.ids(store) == uids("ac")
        self.put_back(store, made[1])
        assert self.ids(store) == uids("abc")

    def test_a_reference_put_back_stands_in_its_old_place(self, store):
        made = [self.add(store, note(name, "c")) for name in "abc"]
        self.remove(store, made[1])
        self.put_back(store, made[1])
        assert store.by_ref("Note", "entity_id", uid("c")) == uids("abc")

    def test_what_is_forgotten_has_never_been(self, store, forked):
        made = [self.add(store, client(name, f"{name}@x.example")) for name in "ab"]
        if forked:
            store.fork()
        for one in reversed(made):
            self.forget(store, one)
        assert store.counts() == [0] * len(TABLES)
        assert self.ids(store) == []
        assert store.by_unique("Client", "email", "a@x.example") is None
        for one in reversed(made):
            self.add(store, one)
        assert self.ids(store) == uids("ba")

    def test_a_forgotten_reference_has_never_been(self, store, forked):
        made = [self.add(store, note(name, "c")) for name in "ab"]
        if forked:
            store.fork()
        for one in reversed(made):
            self.forget(store, one)
        assert store.by_ref("Note", "entity_id", uid("c")) == []
        for one in reversed(made):
            self.add(store, one)
        assert store.by_ref("Note", "entity_id", uid("c")) == uids("ba")

    def test_a_long_random_life_equals_a_list(self, store):
        """Puts, removals and undo, against the plainest store there could be."""
        rng = random.Random(5)
        plain = _Plain()
        for number in range(800):
            _live(rng, store, plain, number)
            if number % 10 == 0:
                self.equals(store, plain)

    @staticmethod
    def equals(store, plain):
        assert list(store.find("Contact")) == plain.rows
        assert store.count("Contact") == len(plain.rows)
        for target in "xyz":
            named = [made[0] for made in plain.rows if made.client_id == uid(target)]
            assert store.by_ref("Contact", "client_id", uid(target)) == named


class _Plain:
    def __init__(self, rows=()):
        self.rows = list(rows)
        self.done = []

    def fork(self):
        return _Plain(self.rows)


def _live(rng, store, plain, number):
    kind = rng.random()
    if plain.done and kind < 0.4:
        before, after, place = plain.done.pop()
        if before is None:
            store.forget("Contact", after[0], after)
            plain.rows.remove(after)
        else:
            store.put("Contact", before[0], after, before)
            if after is None:
                plain.rows.insert(place, before)
            else:
                plain.rows[place] = before
    elif plain.rows and kind < 0.5:
        place = rng.randrange(len(plain.rows))
        before = plain.rows.pop(place)
        store.put("Contact", before[0], before, None)
        plain.done.append((before, None, place))
    elif plain.rows and kind < 0.65:
        place = rng.randrange(len(plain.rows))
        before = plain.rows[place]
        after = plain.rows[place] = before._replace(title=str(number))
        store.put("Contact", before[0], before, after)
        plain.done.append((before, after, place))
    else:
        made = row("Contact", str(number), client_id=rng.choice("xyz"))
        store.add("Contact", made[0], made)
        plain.rows.append(made)
        plain.done.append((None, made, len(plain.rows) - 1))


class TestMemoryStore(StoreContract):
    def make(self):
        return MemoryStore()

    @pytest.fixture(params=[False, True], ids=["alone", "after a fork"])
    def forked(self, request):
        return request.param

    def test_a_fork_begins_as_its_parent_is(self, store):
        self.add(store, client("a"))
        self.add(store, note("n", "a"))
        fork = store.fork()
        assert self.ids(fork) == uids("a")
        assert fork.counts() == store.counts()
        assert fork.by_unique("Client", "email", "a@x.example") == uid("a")
        assert fork.by_ref("Note", "entity_id", uid("a")) == uids("n")

    def test_fork_and_parent_go_their_own_ways(self, store):
        kept, gone = self.add(store, client("a")), self.add(store, client("b", "b@x.example"))
        fork = store.fork()
        self.change(store, kept, name="parent", email="p@x.example")
        self.remove(fork, gone)
        self.add(fork, client("f", "f@x.example"))
        self.add(store, client("p", "q@x.example"))
        self.add(fork, note("n", "a"))
        assert self.ids(store) == uids("abp")
        assert self.ids(fork) == uids("af")
        assert store.get("Client", uid("a")).name == "parent"
        assert fork.get("Client", uid("a")).name == "A"
        assert store.by_unique("Client", "email", "a@x.example") is None
        assert fork.by_unique("Client", "email", "a@x.example") == uid("a")
        assert fork.by_unique("Client", "email", "b@x.example") is None
        assert store.by_ref("Note", "entity_id", uid("a")) == []
        assert (store.count("Client"), fork.count("Client")) == (3, 2)

    def test_a_fork_outlives_changes_of_a_row_made_before_it(self, store):
        made = self.add(store, client("a"))
        fork = store.fork()
        self.remove(store, made)
        again = store.fork()
        assert self.ids(fork) == uids("a")
        assert self.ids(again) == []

    def test_a_long_random_life_with_forks_equals_lists(self, store):
        rng = random.Random(3)
        alive = [(store, _Plain())]
        for number in range(3_000):
            kept, plain = rng.choice(alive)
            _live(rng, kept, plain, number)
            if number % 100 == 50:
                alive = [*rng.sample(alive, min(3, len(alive))), (kept.fork(), plain.fork())]
            if number % 10 == 0:
                for kept, plain in alive:
                    self.equals(kept, plain)

    def test_what_is_added_again_stands_in_its_old_place(self, store):
        made = [self.add(store, client(name, f"{name}@x.example")) for name in "abc"]
        self.remove(store, made[1])
        self.add(store, made[1])
        assert self.ids(store) == uids("abc")

    def test_unique_look_ups_fold_what_lowering_would_not(self, store):
        self.add(store, client("a", "Straße@X.example"))
        assert store.by_unique("Client", "email", "  STRASSE@x.EXAMPLE ") == uid("a")

    def test_layers_stay_few_however_many_forks(self):
        store = self.make()
        for number in range(2_000):
            self.add(store, client(str(number), f"{number}@x.example"))
            store = store.fork()
        assert len(store._layers) <= 12
        assert len(self.ids(store)) == 2_000

    def test_forks_of_a_resting_store_share_everything(self):
        store = self.make()
        for number in range(50):
            self.add(store, client(str(number), f"{number}@x.example"))
        one, two = store.fork(), store.fork()
        assert one._layers is two._layers
        assert list(one.touched(two)) == []
