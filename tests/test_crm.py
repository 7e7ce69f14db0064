"""The one writer: law, journal, snapshots, forks, diffs and hashes; and a machine that tries to break them."""

import random
import time
from decimal import Decimal

import pytest
from furnished import RECORDS, TODAY, furnished, rid
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from crm_gym import Client, Company, Contract, Crm, Opportunity, StaleSnapshot, ToolCall, ToolError, diff
from crm_gym.entities import CLOSED_STAGES
from crm_gym.rules import LOCKED_WHEN_CLOSED
from crm_gym.schema import TABLES, row_entity
from crm_gym.tools import call

CLIENT = {
    "name": "A",
    "email": "a@a.example",
    "status": "Active",
    "industry": None,
    "phone": None,
    "address": None,
    "owner": None,
}


@pytest.fixture
def crm():
    return furnished()


def dump(crm):
    """Everything, in order."""
    return {table: list(crm.find(table)) for table in TABLES}


def named(crm, table, name):
    return crm.get(table, rid(name))


def new_client(crm, number=0, **values):
    return crm.add("Client", {**CLIENT, "email": f"c{number}@a.example", **values})


# Writing


def test_ids_and_times_follow_from_seed_and_clock():
    one, two, other = Crm(TODAY, 5), Crm(TODAY, 5), Crm(TODAY, 6)
    assert [new_client(one, n)[0] for n in range(3)] == [new_client(two, n)[0] for n in range(3)]
    assert new_client(other).client_id != one.find("Client").__next__().client_id
    assert [row.created_date[-9:] for row in one.find("Client")] == ["09:00:00Z", "09:00:01Z", "09:00:02Z"]
    assert all(row.created_date.startswith(TODAY) for row in one.find("Client"))


def test_the_same_path_taken_again_leads_to_the_same_place():
    crm = Crm(TODAY)
    new_client(crm)
    here = crm.snapshot()
    first, then = new_client(crm, 1), crm.state_hash()
    new_client(crm, 2)
    crm.restore(here)
    assert new_client(crm, 1) == first
    assert crm.state_hash() == then


def test_rows_cannot_be_written_to(crm):
    row = named(crm, "Client", "mill")
    with pytest.raises(AttributeError):
        row.name = "X"


def test_entities_handed_out_cannot_reach_the_crm(crm):
    before = crm.state_hash()
    entity = row_entity(named(crm, "Company", "bolt"))
    entity.contacts.append("Eve")
    entity.name = "X"
    assert named(crm, "Company", "bolt").contacts == ("Kim Oh", "Jo Po")
    assert crm.state_hash() == before


def test_an_entity_taken_in_cannot_reach_the_crm():
    crm, company = Crm(TODAY), Company(name="A", contacts=["Kim"])
    crm.add_entity(company)
    company.contacts.append("Eve")
    company.name = "B"
    row = crm.get("Company", company.company_id)
    assert (row.name, row.contacts) == ("A", ("Kim",))


def test_every_record_comes_back_as_it_was_taken_in(crm):
    for record in RECORDS:
        row = crm.get(type(record).__name__, getattr(record, TABLES[type(record).__name__].key))
        assert row_entity(row) == record


def test_add_entity_asks_the_law_but_for_past_dates():
    crm = Crm(TODAY)
    client = Client(name="A", email="a@a.example", status="Active")
    crm.add_entity(client)
    old = Opportunity(name="D", client_id=client.client_id, amount=1, stage="Proposal", close_date="2001-01-01")
    assert crm.add_entity(old).close_date == "2001-01-01"
    before = crm.state_hash()
    with pytest.raises(ToolError) as taken:
        crm.add_entity(Client(name="B", email="A@A.example", status="Active"))
    assert (taken.value.code, taken.value.field) == ("duplicate_email", "email")
    with pytest.raises(ToolError) as unknown:
        crm.add_entity(Opportunity(name="D", client_id=old.opportunity_id, amount=1, stage="Proposal"))
    assert (unknown.value.code, unknown.value.field) == ("not_found", "client_id")
    with pytest.raises(ValueError, match="end_date must not be before"):
        Contract(client_id=client.client_id, start_date="2025-02-02", end_date="2025-02-01")
    assert crm.state_hash() == before


def test_an_id_in_two_tables_is_refused_or_told_apart():
    """The journal's net change must know both records, or the second must not be let in."""
    crm = Crm(TODAY)
    crm.add_entity(Client(client_id=rid("same"), name="A", email="a@a.example", status="Active"))
    try:
        crm.add_entity(Company(company_id=rid("same"), name="B"))
    except ToolError:
        assert crm.counts()[list(TABLES).index("Company")] == 0
        return
    assert sorted(change.table for change in crm.journal.net.values()) == ["Client", "Company"]


def test_update_leaves_one_change_and_none_if_nothing_differs(crm):
    row = named(crm, "Client", "mill")
    assert crm.update(row, {"name": row.name}) == row
    assert len(crm.journal) == 0
    changed = crm.update(row, {"name": "New"})
    (change,) = crm.journal.changes
    assert (change.table, change.id, change.before, change.after) == ("Client", row[0], row, changed)


def test_net_forgets_what_is_back_where_it_began(crm):
    row = named(crm, "Client", "mill")
    crm.update(crm.update(row, {"name": "New"}), {"name": row.name})
    made = new_client(crm)
    crm.delete(made)
    assert len(crm.journal) == 4
    assert crm.journal.net == {}


def test_a_copy_is_exact_under_a_new_id(crm):
    row = named(crm, "Opportunity", "won")
    made = crm.copy(row)
    assert made.opportunity_id != row.opportunity_id
    assert made[1:] == row[1:]


def test_a_copy_gets_its_own_times(crm):
    made = crm.copy(named(crm, "Quote", "q1"))
    assert made.created_date.startswith(TODAY)
    assert made.created_date != named(crm, "Quote", "q1").created_date


# Deleting


def test_deleting_a_deal_takes_quotes_documents_and_notes_of_both(crm):
    gone = crm.delete(named(crm, "Opportunity", "oven"))
    assert gone[-1].opportunity_id == rid("oven")
    assert {row[0] for row in gone} == {rid(name) for name in ("oven", "q1", "q2", "d1", "d2", "n1", "n2")}
    assert all(crm.get(type(row).__name__[:-3], row[0]) is None for row in gone)
    assert named(crm, "Contract", "c2").opportunity_id is None
    assert named(crm, "Contract", "c1").opportunity_id == rid("won")
    assert sum(crm.counts()) == len(RECORDS) - 7
    crm.undo(0)
    assert dump(crm) == dump(furnished())


def test_a_record_others_depend_on_stays(crm):
    before = dump(crm)
    with pytest.raises(ToolError) as refusal:
        crm.delete(named(crm, "Client", "mill"))
    assert (refusal.value.code, refusal.value.field) == ("still_referenced", "client_id")
    assert dump(crm) == before
    assert len(crm.journal) == 0


def test_a_free_record_goes_with_its_documents_and_notes(crm):
    made = new_client(crm)
    note = crm.add("Note", {"entity_type": "Client", "entity_id": made[0], "content": "x", "created_by": None})
    assert [row[0] for row in crm.delete(made)] == [note[0], made[0]]
    assert dump(crm) == dump(furnished())


# The law holds whoever writes


def test_an_end_before_a_start_that_stands_already_is_refused(crm):
    with pytest.raises(ToolError) as refusal:
        crm.update(named(crm, "Contract", "c1"), {"end_date": "2025-01-31"})
    assert refusal.value.code == "date_order"


def test_a_contract_cannot_be_pointed_at_nothing(crm):
    with pytest.raises(ToolError) as refusal:
        crm.update(named(crm, "Contract", "c1"), {"opportunity_id": "nowhere"})
    assert refusal.value.code in ("not_found", "immutable_field")


@pytest.mark.parametrize("stage", sorted(CLOSED_STAGES))
@pytest.mark.parametrize("field", LOCKED_WHEN_CLOSED)
def test_a_closed_deal_keeps_its_terms(crm, stage, field):
    row = crm.update(named(crm, "Opportunity", "oven"), {"stage": stage})
    values = {
        "client_id": rid("mills"),
        "amount": Decimal("1.00"),
        "stage": "Proposal",
        "close_date": "2026-01-01",
        "probability": 5,
    }
    with pytest.raises(ToolError) as refusal:
        crm.update(row, {field: values[field]})
    assert (refusal.value.code, refusal.value.field) == ("closed_deal_locked", field)


@pytest.mark.parametrize(("day", "lawful"), [("2025-10-29", False), ("2025-10-30", True), ("2025-10-31", True)])
def test_a_close_date_is_today_or_later(crm, day, lawful):
    row = named(crm, "Opportunity", "oven")
    if lawful:
        assert crm.update(row, {"close_date": day}).close_date == day
    else:
        with pytest.raises(ToolError, match="2025-10-30"):
            crm.update(row, {"close_date": day})


@pytest.mark.parametrize("today", ["2025-02-30", "30.10.2025", "", "20251030"])
def test_a_day_that_is_none_is_refused(today):
    with pytest.raises(ValueError, match=r"date|day|month|YYYY"):
        Crm(today)


# Taking back


def test_undo_brings_everything_back_order_and_hash_included(crm):
    before, digest = dump(crm), crm.state_hash()
    mark = crm.mark()
    new_client(crm)
    crm.delete(named(crm, "Opportunity", "oven"))
    crm.update(named(crm, "Client", "mill"), {"email": "x@x.example"})
    assert crm.state_hash() != digest
    crm.undo(mark)
    assert dump(crm) == before
    assert crm.state_hash() == digest == crm.recomputed_hash()
    assert crm.store.by_unique("Client", "email", "x@x.example") is None
    assert crm.store.by_unique("Client", "email", "mill@old.example") == rid("mill")


def test_restore_returns_to_any_earlier_moment(crm):
    moments = []
    for number in range(5):
        moments.append((crm.snapshot(), dump(crm)))
        new_client(crm, number)
    for snapshot, then in reversed(moments):
        crm.restore(snapshot)
        assert dump(crm) == then


def test_a_snapshot_can_be_restored_again_and_again(crm):
    snapshot, before = crm.snapshot(), dump(crm)
    for number in range(3):
        new_client(crm, number)
        crm.restore(snapshot)
        assert dump(crm) == before


def test_a_snapshot_on_undone_changes_is_stale(crm):
    new_client(crm, 1)
    snapshot = crm.snapshot()
    crm.undo(0)
    with pytest.raises(StaleSnapshot):
        crm.restore(snapshot)
    new_client(crm, 2)
    before = dump(crm)
    with pytest.raises(StaleSnapshot):
        crm.restore(snapshot)
    assert dump(crm) == before


def test_a_snapshot_of_another_crm_is_stale(crm):
    snapshot = crm.snapshot()
    with pytest.raises(StaleSnapshot):
        crm.fork().restore(snapshot)
    with pytest.raises(ValueError, match="snapshot"):
        furnished().restore(snapshot)


# Copying and comparing


def test_forks_go_their_own_ways(crm):
    before = dump(crm)
    fork = crm.fork()
    assert dump(fork) == before
    new_client(fork)
    fork.delete(named(fork, "Opportunity", "oven"))
    assert dump(crm) == before
    after = dump(fork)
    crm.update(named(crm, "Client", "mill"), {"name": "X"})
    assert dump(fork) == after
    assert len(fork.fork().journal) == 0


def test_a_fork_goes_on_with_ids_or_takes_a_new_seed(crm):
    same, other = crm.fork(), crm.fork(seed=9)
    made = new_client(crm)
    assert new_client(same) == made
    assert new_client(other)[0] != made[0]
    assert other.get("Client", rid("mill")) == crm.get("Client", rid("mill"))


def test_a_fork_cannot_undo_what_came_before_it(crm):
    new_client(crm)
    fork = crm.fork()
    fork.undo(0)
    assert dump(fork) == dump(crm)


def test_diff_leads_from_one_to_the_other(crm):
    fork = crm.fork()
    assert crm.diff(fork) == []
    new_client(fork)
    fork.update(named(fork, "Client", "mill"), {"name": "X"})
    crm.update(named(crm, "Client", "mills"), {"name": "Y"})
    fork.delete(named(fork, "Quote", "q2"))
    apply(crm, changes := crm.diff(fork))
    assert changes
    assert {t: sorted(rows) for t, rows in dump(crm).items()} == {t: sorted(rows) for t, rows in dump(fork).items()}
    assert crm.state_hash() == fork.state_hash()


def apply(crm, changes):
    for change in changes:
        crm.store.put(*change)
        crm.journal.append(change)


def test_diff_turns_round(crm):
    fork = crm.fork()
    new_client(fork)
    there, back = diff(crm, fork), diff(fork, crm)
    assert [(c.table, c.id, c.after, c.before) for c in there] == [tuple(c) for c in back]


def test_diff_compares_crms_that_share_nothing():
    one, two = Crm(TODAY), Crm(TODAY)
    for record in RECORDS:
        one.add_entity(record)
    for record in RECORDS:
        two.add_entity(record)
    assert one.diff(two) == []
    assert len(one.diff(Crm(TODAY))) == len(RECORDS)


# The hash


def test_the_hash_is_64_hexadecimal_digits(crm):
    assert len(crm.state_hash()) == 64
    assert int(crm.state_hash(), 16) > 0
    assert Crm(TODAY).state_hash() == "0" * 64


def test_the_hash_does_not_know_the_history():
    records = [record for record in RECORDS if isinstance(record, Client | Company)]
    one, two = Crm(TODAY, 1), Crm("2030-01-01", 2)
    for record in records:
        one.add_entity(record)
    for record in reversed(records):
        two.add_entity(record)
    extra = new_client(two)
    two.delete(extra)
    row = next(two.find("Company"))
    two.update(two.update(row, {"name": "X"}), {"name": row.name})
    assert one.state_hash() == two.state_hash() == one.recomputed_hash()


@pytest.mark.parametrize("record", RECORDS, ids=lambda record: type(record).__name__)
def test_the_hash_sees_every_field(record):
    crm = furnished()
    before = crm.state_hash()
    table = TABLES[type(record).__name__]
    row = crm.get(table.name, getattr(record, table.key))
    for place, column in enumerate(table.columns):
        new = Decimal("7.00") if column.atom.kind == "money" else "other"
        other = row._replace(**{column.name: new if row[place] is None else None})
        crm.store.put(table.name, row[0], row, other)
        assert crm.recomputed_hash() != before, column.name
        crm.store.put(table.name, row[0], other, row)
    assert crm.recomputed_hash() == before


def test_the_hash_tells_tables_and_ids_apart():
    one, two, three = Crm(TODAY), Crm(TODAY), Crm(TODAY)
    one.add_entity(Company(company_id=rid("a"), name="X"))
    two.add_entity(Company(company_id=rid("b"), name="X"))
    three.add_entity(Client(client_id=rid("a"), name="X", email="x@x.example", status="Active"))
    assert len({crm.state_hash() for crm in (one, two, three)}) == 3


def test_the_hash_is_the_same_today_and_tomorrow(crm):
    """Written down: a change of the canonical form would break every committed digest."""
    assert crm.state_hash() == "267db46d8a84acd39c317fa0f0d64f2c09be0083ed51145f5ba8373bfdae6887"


def test_hashes_of_forks_and_parents_stay_right():
    rng = random.Random(1)
    crms = [furnished()]
    for number in range(300):
        crm = rng.choice(crms)
        kind = rng.randrange(4)
        if kind == 0:
            crms = [*crms[-5:], crm.fork(number)]
        elif kind == 1:
            crm.undo(rng.randint(0, crm.mark()))
        else:
            new_client(crm, number)
        if rng.random() < 0.5:
            assert crm.state_hash() == crm.recomputed_hash()
    assert all(crm.state_hash() == crm.recomputed_hash() for crm in crms)


# Size


def grown(count):
    crm = Crm(TODAY)
    for number in range(count):
        new_client(crm, number)
    return crm.fork()


def cost(crm):
    """Best time of a fork with a look-up, a write, a hash and an undo."""
    best = 1.0
    for number in range(30):
        start = time.perf_counter()
        for inner in range(20):
            fork = crm.fork(number)
            new_client(fork, f"x{inner}")
            fork.state_hash()
            fork.undo(0)
        best = min(best, time.perf_counter() - start)
    return best


def test_writes_do_not_scan():
    """A scan would make the larger CRM fifty times dearer; the bench measures the small print."""
    assert cost(grown(5_000)) < 5 * cost(grown(100))


# The machine

EMAILS = [f"{name}@m.example" for name in ("a", "b", "c", "A", " b")] + ["mill@old.example", "Mills@old.example"]
STAGES = ["Prospecting", "Negotiation", "Proposal", "Closed-Won", "Closed-Lost", "closed"]
AMOUNTS = [1, 25.5, 10_000_000, 300, 7.25, 0]
DAYS = ["2025-10-30", "2026-02-01", "2026-03-01", "2026-04-01", "2025-10-29"]
PICK = st.integers(0, 60)
ENTITY_TYPES = ["Opportunity", "Client", "Contact", "Quote", "Contract"]


class CrmMachine(RuleBasedStateMachine):
    """Random lives of a CRM, with everything that must hold checked after every step."""

    def __init__(self):
        super().__init__()
        self.crm = furnished()
        self.forget_the_past()
        self.moments = []
        self.others = []
        self.taken_in = 0

    def forget_the_past(self):
        self.base = {row[0]: (table, row) for table, rows in dump(self.crm).items() for row in rows}
        self.before = None

    def some(self, table, pick):
        """The id of some record of that table; now and then of none, or of another table."""
        rows = [row[0] for row in self.crm.find(table)]
        if not rows or pick % 15 == 14:
            return rid("nobody") if pick % 2 else next((row[0] for row in self.crm.find("Client")), "x")
        return rows[pick % len(rows)]

    def call(self, tool, **arguments):
        digest = self.crm.state_hash()
        result = call(self.crm, ToolCall(tool, arguments))
        if result.error is not None:
            assert self.crm.state_hash() == digest
        return result

    @rule(email=st.sampled_from(EMAILS), name=st.sampled_from(["A", "C", "B", ""]))
    def create_client(self, email, name):
        taken = {row.email.strip().casefold() for row in self.crm.find("Client")}
        result = self.call("create_new_client", name=name, email=email, status="Active")
        assert result.ok == (bool(name) and email.strip().casefold() not in taken)

    @rule(pick=PICK, email=st.sampled_from(EMAILS))
    def move_client(self, pick, email):
        self.call("modify_client", id=self.some("Client", pick), updates={"email": email})

    @rule(pick=PICK, notes=st.sampled_from(["x", "y\nz", None, "\x00"]))
    def create_contact(self, pick, notes):
        self.call("create_new_contact", first_name="F", last_name="L", client_id=self.some("Client", pick), notes=notes)

    @rule(pick=PICK, stage=st.sampled_from(STAGES), amount=st.sampled_from(AMOUNTS), day=st.sampled_from(DAYS))
    def create_deal(self, pick, stage, amount, day):
        client = self.some("Client", pick)
        self.call("create_new_opportunity", name="D", client_id=client, stage=stage, amount=amount, close_date=day)

    @rule(
        pick=PICK,
        updates=st.fixed_dictionaries(
            {},
            optional={
                "stage": st.sampled_from(STAGES),
                "amount": st.sampled_from(AMOUNTS),
                "close_date": st.sampled_from(DAYS),
                "probability": st.sampled_from([None, 1, 99, 100]),
                "notes": st.sampled_from([None, "n"]),
                "owner": st.just("o"),
            },
        ),
    )
    def change_deal(self, pick, updates):
        record = self.some("Opportunity", pick)
        closed = getattr(self.crm.get("Opportunity", record), "stage", "") in CLOSED_STAGES
        result = self.call("modify_opportunity", id=record, updates=updates)
        assert not (result.ok and closed and set(updates) & set(LOCKED_WHEN_CLOSED))

    @rule(pick=PICK, other=PICK)
    def move_deal(self, pick, other):
        updates = {"client_id": self.some("Client", other)}
        self.call("modify_opportunity", id=self.some("Opportunity", pick), updates=updates)

    @rule(pick=PICK, amount=st.sampled_from(AMOUNTS))
    def create_quote(self, pick, amount):
        self.call("create_quote", opportunity_id=self.some("Opportunity", pick), amount=amount, status="Draft")

    @rule(pick=PICK, tool=st.sampled_from(["cancel_quote", "delete_quote", "quote_details"]))
    def use_quote(self, pick, tool):
        self.call(tool, quote_id=self.some("Quote", pick))

    @rule(pick=PICK, other=PICK, end=st.sampled_from(DAYS))
    def create_contract(self, pick, other, end):
        deal = self.some("Opportunity", other)
        client = self.some("Client", pick)
        self.call("create_contract", client_id=client, opportunity_id=deal, start_date="2025-10-30", end_date=end)

    @rule(pick=PICK, kind=st.sampled_from(ENTITY_TYPES))
    def attach(self, pick, kind):
        record = self.some(kind, pick)
        self.call("add_note", entity_type=kind, entity_id=record, content="c")
        if kind != "Contact":
            self.call("upload_document", entity_type=kind, entity_id=record, file_name="a.pdf")

    @rule(pick=PICK, tool=st.sampled_from(["clone_opportunity", "delete_opportunity", "view_opportunity_details"]))
    def use_deal(self, pick, tool):
        self.call(tool, opportunity_id=self.some("Opportunity", pick))

    @rule(tool=st.sampled_from(["opportunity_search", "client_search", "summarize_opportunities", "quote_prefixes"]))
    def look(self, tool):
        digest = self.crm.state_hash()
        assert self.call(tool).ok
        assert self.crm.state_hash() == digest

    @rule(pick=PICK)
    def delete_client(self, pick):
        row = self.crm.get("Client", self.some("Client", pick))
        if row is None:
            return
        digest = self.crm.state_hash()
        tied = any(self.crm.referring(t, "client_id", row[0]) for t in ("Contact", "Opportunity", "Contract"))
        if not tied:
            self.crm.delete(row)
            return
        with pytest.raises(ToolError, match="nothing depends on"):
            self.crm.delete(row)
        assert self.crm.state_hash() == digest

    @rule(pick=PICK)
    def take_in(self, pick):
        self.taken_in += 1
        self.crm.add_entity(Company(company_id=rid(f"company {self.taken_in}"), name=f"Co {pick}"))

    @rule()
    def remember(self):
        self.moments.append((self.crm.snapshot(), dump(self.crm), self.crm.state_hash()))

    @rule(pick=PICK)
    def restore(self, pick):
        if not self.moments:
            return
        snapshot, then, digest = self.moments[pick % len(self.moments)]
        now = dump(self.crm)
        try:
            self.crm.restore(snapshot)
        except StaleSnapshot:
            assert dump(self.crm) == now
            return
        self.before = None
        assert dump(self.crm) == then
        assert self.crm.state_hash() == digest

    @rule(pick=PICK)
    def undo_some(self, pick):
        self.crm.undo(pick % (self.crm.mark() + 1))
        self.before = None

    @rule(stay=st.booleans())
    def fork(self, stay):
        """Go on with one side; the other must stay as it is."""
        fork = self.crm.fork(len(self.others) + 2)
        kept, self.crm = (fork, self.crm) if stay else (self.crm, fork)
        self.others = [*self.others[-2:], (kept, dump(kept), kept.state_hash())]
        if not stay:
            self.moments = []
            self.forget_the_past()

    @rule()
    def change_sides(self):
        if self.others:
            kept, _, _ = self.others.pop(0)
            self.others.append((self.crm, dump(self.crm), self.crm.state_hash()))
            self.crm = kept
            self.moments = []
            self.base, self.before = None, None

    @invariant()
    def all_holds(self):
        now = dump(self.crm)
        assert self.crm.counts() == [len(rows) for rows in now.values()]
        assert self.crm.state_hash() == self.crm.recomputed_hash()
        assert_keys_hold(self.crm, now)
        if self.before is not None:
            assert_closed_deals_keep(self.before, now)
        self.before = now
        if self.base is not None:
            assert_net_is_right(self.base, now, self.crm.journal.net)

    @invariant()
    def others_rest(self):
        for crm, _, digest in self.others:
            assert crm.state_hash() == digest
        if self.others:
            crm, then, _ = self.others[-1]
            assert dump(crm) == then


def assert_keys_hold(crm, now):
    for table, rows in now.items():
        for row in rows:
            assert crm.get(table, row[0]) is row or crm.get(table, row[0]) == row
            for column in TABLES[table].columns:
                value = getattr(row, column.name)
                if column.ref is not None and value is not None:
                    target = getattr(row, column.ref.to) if column.ref.by_field else column.ref.to
                    assert crm.get(target, value) is not None
                    assert row[0] in crm.store.by_ref(table, column.name, value)
    emails = [row.email.strip().casefold() for row in now["Client"]]
    assert len(set(emails)) == len(emails)
    for row in now["Client"]:
        assert crm.store.by_unique("Client", "email", row.email) == row.client_id


def assert_closed_deals_keep(before, now):
    after = {row[0]: row for row in now["Opportunity"]}
    for row in before["Opportunity"]:
        if row.stage in CLOSED_STAGES and row[0] in after:
            for field in LOCKED_WHEN_CLOSED:
                assert getattr(after[row[0]], field) == getattr(row, field)


def assert_net_is_right(base, now, net):
    after = {row[0]: (table, row) for table, rows in now.items() for row in rows}
    changed = {record for record in base.keys() | after.keys() if base.get(record) != after.get(record)}
    assert {change.id for change in net.values()} == changed
    for change in net.values():
        assert change.before == base.get(change.id, (None, None))[1]
        assert change.after == after.get(change.id, (None, None))[1]


TestCrmMachine = CrmMachine.TestCase
TestCrmMachine.settings = settings(
    max_examples=200,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
