"""Laws of the journal and the content hash: what is back where it began is no change; sums follow the changes."""

import hashlib
import itertools
import json
import random

import pytest

from crm_gym.digest import HASH_BITS, Sum, row_digest
from crm_gym.journal import Change, Journal
from crm_gym.schema import TABLES, row_json


def note(record, content):
    columns = [column.name for column in TABLES["Note"].columns]
    return TABLES["Note"].row(**dict.fromkeys(columns) | {"note_id": record, "content": content})


def change(record, before, after):
    rows = [None if text is None else note(record, text) for text in (before, after)]
    return Change("Note", record, *rows)


def plainly(changes):
    """The net change worked out anew, from nothing."""
    first, last = {}, {}
    for one in changes:
        first.setdefault(one.id, one.before)
        last[one.id] = one.after
    return {
        record: Change("Note", record, first[record], last[record]) for record in first if first[record] != last[record]
    }


@pytest.mark.parametrize("path", list(itertools.product([None, "a", "b"], repeat=4)))
def test_the_net_change_leads_from_the_beginning_to_the_end(path):
    journal, seen = Journal(), []
    for before, after in itertools.pairwise(path):
        journal.append(change("n", before, after))
        seen.append(change("n", before, after))
        assert journal.net == plainly(seen)
        assert journal.changes == seen
        assert len(journal) == len(seen)
    while seen:
        assert journal.pop() == seen.pop()
        assert journal.net == plainly(seen)
        assert len(journal) == len(seen)


def test_a_record_made_is_a_change_from_nothing():
    journal = Journal()
    journal.made("Note", "n", note("n", "x"))
    assert journal.changes == list(journal.net.values()) == [change("n", None, "x")]
    assert type(journal.changes[0]) is Change
    journal.append(change("n", "x", "y"))
    assert journal.net == {"n": change("n", None, "y")}


@pytest.mark.parametrize("again", ["a", "b"])
def test_a_record_removed_and_made_again_is_compared_with_what_it_was(again):
    journal = Journal()
    journal.append(change("n", "a", None))
    journal.made("Note", "n", note("n", again))
    assert journal.net == ({} if again == "a" else {"n": change("n", "a", "b")})
    assert journal.pop() == change("n", None, again)
    assert journal.net == {"n": change("n", "a", None)}


def test_records_are_told_apart_and_stay_in_order():
    journal = Journal()
    for record in ("c", "a", "b"):
        journal.append(change(record, None, "x"))
    journal.append(change("a", "x", None))
    assert list(journal.net) == ["c", "b"]


# The content hash


def test_a_row_digest_is_blake2b_of_its_table_and_values():
    row = note("n", "x\u00e9")
    text = json.dumps(["Note", *row_json(row).values()], separators=(",", ":"))
    expected = int.from_bytes(hashlib.blake2b(text.encode("ascii"), digest_size=32).digest(), "big")
    assert row_digest("Note", row) == expected
    assert HASH_BITS == 256
    assert row_digest("Note", None) == 0
    assert row_digest("Document", row) != expected


def total(*rows):
    return sum(row_digest("Note", row) for row in rows) % 2**256


def test_a_sum_of_nothing_is_nought_and_known_at_once():
    empty = Sum(None, [])
    assert empty.value == 0
    assert empty.get() == 0


def test_a_sum_follows_its_changes():
    rows = [note(f"n{number}", "x") for number in range(9)]
    below = Sum(None, [Change("Note", row[0], None, row) for row in rows])
    assert below.value is None
    above = Sum(below, [change("n0", "x", "y"), change("n1", "x", None)])
    top = Sum(above, [])
    assert top.value is None
    assert top.get() == total(note("n0", "y"), *rows[2:])
    assert below.value == below.get() == total(*rows)
    assert above.value == above.get() == top.value
    for link in (top, above, below):
        assert (link.below, link.changes) == (None, [])


def test_a_sum_stays_within_its_bits_whatever_comes_and_goes():
    rng, at, rows = random.Random(3), Sum(None, []), {}
    for step in range(60):
        record = f"n{rng.randrange(8)}"
        after = None if record in rows and rng.random() < 0.5 else note(record, str(step))
        at = Sum(at, [Change("Note", record, rows.get(record), after)])
        rows[record] = after
        if step % 3 == 0:
            assert at.get() == total(*(row for row in rows.values() if row is not None))
            assert 0 <= at.value < 2**256


def test_a_known_sum_is_not_worked_out_again():
    known = Sum(None, [])
    known.value = 7
    assert known.get() == 7
    assert Sum(known, []).get() == 7
    assert Sum(known, [change("n", None, "x")]).get() == 7 + row_digest("Note", note("n", "x"))
