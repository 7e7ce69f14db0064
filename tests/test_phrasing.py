"""Requests: their grammar, what every wording must keep, and the parts kept for held-out requests."""

import random
import re
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym.errors import TaskError
from crm_gym.extract import WEEKDAYS, dates, extract, numbers
from crm_gym.schema import TABLES
from crm_gym.tasks import notation, phrasing
from crm_gym.tasks.manners import PROTECTED, STYLES, TYPO_RATE, Manner, curt, dress, manner, misspelt, share, slip
from crm_gym.tasks.phrasing import check_forms, fragment, parse, phrase, surface_forms

settings.register_profile("house", deadline=None, derandomize=True, database=None, max_examples=300)
settings.load_profile("house")

FORMS = (
    "[Please |Could you ][set|move] the deal {deal} to {stage}, [value {sum:money}|worth {sum:money}], chance"
    " {odds:percent}, closing {day:date}, with {n:count} reminders[; note: {text:quoted}|, and note {text:quoted}].",
    "{deal} should stand at {stage}. [please |]make it {sum:money}, {day:date}, {odds:percent}, {n:count} reminders and"
    " the remark {text:quoted}",
    "Update {deal}: {stage}, {sum:money}, {odds:percent}, {day:date}, {n:count} reminders, text {text:quoted}, thanks.",
    "I need {deal} in {stage} at {sum:money} by {day:date}, likely at {odds:percent}, {n:count} reminders, text"
    " {text:quoted}.",
)
SEEDS = st.integers(0, 2**32).map(random.Random)
DAYS = st.dates(date(1990, 1, 1), date(2099, 12, 31)).map(date.isoformat)
MONEY = st.one_of(
    st.decimals(Decimal("0.01"), 10_000_000, places=2),
    st.integers(1, 10_000).map(lambda thousands: Decimal(thousands * 1000)),
    st.integers(1, 100).map(lambda part: Decimal(part * 100_000)),
    st.decimals(-10_000, 20_000_000, places=3),
)
WORDS = st.lists(st.text("abcdefgÅøß", min_size=2, max_size=12).map(str.capitalize), min_size=1, max_size=3).map(
    " ".join
)
SLOTS = st.fixed_dictionaries(
    {
        "deal": WORDS,
        "stage": st.sampled_from(["Closed-Won", "Proposal"]),
        "sum": MONEY,
        "odds": st.integers(1, 99),
        "day": DAYS,
        "n": st.integers(1, 120),
        "text": st.text("abc XYZ.,'!é3", min_size=1, max_size=60),
    }
)
EXAMPLE = {
    **{"deal": "Fjord Rail", "stage": "Closed-Won", "sum": Decimal("12500"), "odds": 60},
    **{"day": "2026-03-03", "n": 3, "text": "they said yes"},
}


@given(SEEDS, MONEY, st.booleans())
def test_money_is_read_back(rng, amount, terse):
    assert numbers(f"Set it to {notation.money(rng, amount, terse=terse)}, then stop.") == {amount}


@given(SEEDS, DAYS, st.booleans())
def test_days_are_read_back(rng, iso, terse):
    written = notation.day(rng, iso, terse=terse)
    text = f"It ends {written}."
    assert dates(text) == {iso}
    first = written.split()[0]
    assert first not in WEEKDAYS or WEEKDAYS[date.fromisoformat(iso).weekday()] == first
    assert numbers(text) == frozenset()


@given(SEEDS, st.integers(-5, 300), st.booleans())
def test_percents_and_counts_are_read_back(rng, value, terse):
    assert numbers(f"with {notation.percent(rng, value, terse=terse)}, say") == {value}
    assert numbers(f"the {notation.count(rng, value, terse=terse)} deals") == {value}


def test_notations_are_several_and_none_is_rounded():
    rng = random.Random(1)
    ways = {notation.money(rng, Decimal("12500")) for _ in range(300)}
    assert {"12500", "$12,500", "$12.5k", "12.5 thousand", "USD 12,500", "12,500 dollars"} <= ways
    assert not any("k" in notation.money(rng, Decimal("12512.50")) for _ in range(300))
    assert len({notation.day(rng, "2026-03-03") for _ in range(300)}) >= 6
    assert len({notation.percent(rng, 12) for _ in range(300)}) == 6
    assert {notation.count(rng, 12) for _ in range(50)} == {"12", "twelve"}


@pytest.mark.parametrize("iso", ["2026-02-30", "20260303", "soon", ""])
def test_no_day_is_refused(iso):
    with pytest.raises(TaskError, match="YYYY-MM-DD"):
        notation.day(random.Random(1), iso)


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("1e18"), Decimal("0.0000001")])
def test_amounts_out_of_reach_are_refused(amount):
    with pytest.raises(TaskError, match="an amount"):
        notation.money(random.Random(1), amount)


@given(SEEDS, SLOTS, st.booleans())
def test_every_value_stands_in_the_request(rng, slots, held_out):
    request = phrase(rng, FORMS, slots, held_out=held_out)
    assert slots["deal"] in request
    assert slots["stage"] in request
    assert slots["text"] in [one.value for one in extract(request) if one.kind == "quoted"]
    assert numbers(request) == {slots["sum"], slots["odds"], slots["n"]}
    assert dates(request) == {slots["day"]}
    assert len(request) < len(FORMS[0]) + len(slots["text"]) + 300


@given(st.integers(0, 2**32), st.booleans())
def test_a_seed_fixes_the_request(seed, held_out):
    first, second = (phrase(random.Random(seed), FORMS, EXAMPLE, held_out=held_out) for _ in range(2))
    assert first == second


def test_a_fragment_is_bare():
    rng, forms = random.Random(4), ("to {sum:money}", "at {sum:money}", "up to {sum:money}", "worth {sum:money}")
    said = {fragment(rng, forms, {"sum": Decimal("3.5")}, held_out=False) for _ in range(200)}
    assert {text.rsplit(" ", 1)[0] for text in said} >= {"to", "at", "up to"}
    assert all(numbers(text) == {Decimal("3.5")} and text[0].islower() for text in said)
    assert fragment(rng, forms, {"sum": 7}, held_out=True).startswith("worth ")


def requests(held_out, times=1500):
    rng = random.Random(7)
    return [phrase(rng, FORMS, EXAMPLE, held_out=held_out) for _ in range(times)]


def test_forms_and_manners_are_divided():
    assert all(surface_forms(FORMS, part) for part in (True, False))
    seen, held = requests(False), requests(True)
    assert not set(seen) & set(held)
    for style in STYLES:
        for of in (style.openers, style.closers):
            for kept, others, said in ((True, seen, held), (False, held, seen)):
                for words in share(of, kept):
                    bare = words.strip(" ,.:!")
                    assert not any(text.startswith(words) or text.endswith(" " + words) for text in others)
                    assert any(bare in text for text in said), words
        assert not set(share(style.openers, True)) & set(share(style.openers, False))


def test_share_keeps_every_fourth():
    assert share("abcdefgh", True) == ("d", "h")
    assert share("abcdefgh", False) == tuple("abcefg")


def test_manners_say_nothing_of_their_own():
    known = {
        word for table in TABLES.values() for column in table.columns for word in column.atom.schema.get("enum", ())
    }
    for style in STYLES:
        for words in (*style.openers, *style.closers):
            assert extract(words) == (), words
            assert not re.search(r"[0-9\"“”]", words)
            assert not {word.lower() for word in known} & set(re.findall(r"[a-z]+", words.lower()))
        assert all(opener.endswith((", ", ": ", ". ", "! ")) for opener in style.openers)


def test_sentences_begin_with_capitals_and_names_keep_theirs():
    for request in requests(False):
        assert not request[0].islower()
        assert not re.search(r"[.!?] [a-z]", request.replace(EXAMPLE["text"], ""))
    assert any(re.match(r"\w+( \w+)*[,:] (?:ok|so)?[a-z]", request) for request in requests(False))


FIRST = {
    "Update": "update",
    **{word: word for word in ("Closed-Won deals", "March is over", "I think", "Draft quotes")},
}


@pytest.mark.parametrize("first", FIRST)
def test_an_opener_lowers_only_a_plain_first_word(first):
    words = [first]
    dress(words, Manner("Hi there, ", "Thanks!", False))
    assert words == [f"Hi there, {FIRST[first]}. Thanks!"]


def test_terse_requests_say_no_please():
    assert [curt(words) for words in ("Please set ", "set x, please.", "could you please go", "release")] == [
        *("set ", "set x.", "could you go", "release"),
    ]


@given(SEEDS)
def test_a_slip_changes_few_letters_of_plain_words(rng):
    before = ["Could you release the shipment at stage ", " and never change the amount, except for seventeen quotes, "]
    after = list(before)
    slip(rng, after)
    changed = 0
    for old, new in zip(" ".join(before).split(" "), " ".join(after).split(" "), strict=True):
        if old != new:
            changed += 1
            assert old in ("release", "shipment", "change")
            assert (old[0], old[-1]) == (new[0], new[-1])
            assert len(old) - len(new) in (0, 1)
    assert changed <= 2


@given(SEEDS, st.text("abcdefghijklmnopqrstuvwxyz", min_size=5, max_size=12))
def test_a_slip_never_makes_a_word_with_weight(rng, word):
    assert misspelt(rng, word) == word or misspelt(rng, word) not in PROTECTED


def test_a_slip_cannot_turn_there_into_three():
    rng = random.Random(1)
    assert "three" not in {misspelt(rng, "there") for _ in range(200)}


WEIGHTY = (
    *("amount", "probability", "negotiation", "canceled", "nobody", "except", "every", "without", "before", "after"),
    *("unless", "both", "never", "not", "only", "march", "seventeen", "percent", "thousand", "quotes", "opportunities"),
)


@pytest.mark.parametrize("word", WEIGHTY)
def test_words_with_weight_are_protected(word):
    assert word in PROTECTED


def test_slips_are_met_and_are_as_rare_as_said(monkeypatch):
    assert 0 < sum("reminders" not in request for request in requests(False)) < 1500 * TYPO_RATE
    times = []
    monkeypatch.setattr(phrasing, "slip", lambda rng, words: times.append(1))
    requests(False, 4_000)
    assert abs(len(times) / 4_000 - TYPO_RATE) < 0.02


def test_manner_is_drawn_from_all_styles():
    rng = random.Random(2)
    drawn = [manner(rng, held_out=False) for _ in range(500)]
    met = {(one.terse, bool(one.opener), bool(one.closer)) for one in drawn}
    assert met == {(True, False, False), *((False, o, c) for o in (True, False) for c in (True, False))}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("set [a|b", "never closed"),
        ("set [a[b]", "never closed"),
        ("set a]", "outside"),
        ("set a | b", "outside"),
        ("set {x:colour}", "no kind of slot"),
        ("set {X}", "is no slot"),
        ("set {x", "is no slot"),
        ("set x}", "is no slot"),
        ("set [{x}|it]", "leaves out the slot x"),
        ("set [{x}[, {y}|]|{x}]", "leaves out the slot y"),
        (" ", "1 to"),
        ("x" * 2_001, "1 to"),
        ("[a|b]" * 17, "more than"),
        ("[" * 21 + "]" * 21, "deep"),
    ],
)
def test_faulty_forms_are_refused(form, message):
    with pytest.raises(TaskError, match=message):
        parse(form)


def test_a_slot_may_move_and_be_repeated():
    assert parse("[{a} to {b}|to {b}: {a}][, yes, {a}|]").names == {"a", "b"}


@pytest.mark.parametrize(
    ("forms", "message"),
    [
        (FORMS[:3], "at least 4"),
        ((*FORMS, FORMS[0]), "twice"),
        ((*FORMS[:3], "set {deal}"), "do not fit"),
        ((*FORMS[:3], "[Kindly u|U]" + FORMS[2][1:]), "can both say"),
    ],
)
def test_faulty_families_are_refused(forms, message):
    check_forms(FORMS, EXAMPLE)
    with pytest.raises(TaskError, match=message):
        check_forms(forms, EXAMPLE)


def test_wrong_slots_are_refused():
    with pytest.raises(TaskError, match="do not fit"):
        phrase(random.Random(1), FORMS, {"deal": "x"}, held_out=False)
    with pytest.raises(TaskError, match="at least 4"):
        phrase(random.Random(1), FORMS[:2], EXAMPLE, held_out=True)


def test_surface_forms_are_counted_once():
    assert surface_forms(["[a|b] [c|d|c] {x}", "a c {x}", "e {x}", "[f|g [h|i]] {x}"], False) == 5
    assert surface_forms(["[a|b] [c|d|c] {x}", "a c {x}", "e {x}", "[f|g [h|i]] {x}"], True) == 3


def test_quotation_marks_fit_around_the_text():
    assert notation.quoted("it's") == '"it\'s"'
    assert notation.quoted('a "b"') == '“a "b"”'
    for text in ("", 'a "b" “c”'):
        with pytest.raises(TaskError, match="quotation marks"):
            notation.quoted(text)
