"""A text as a policy gets it: its words and marks in numbers, and what can be pointed at in it."""

import importlib.util
import re
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crm_gym.form.mentions import LIMIT, MENTION_COLUMNS, MENTION_KINDS, VARIANTS, features, mentions
from crm_gym.form.words import (
    BIGRAM_COUNT,
    BUCKETS,
    MAX_WORDS,
    MEMBERS,
    NEWLINE,
    PLACEHOLDERS,
    VOCABULARY,
    WORD_COUNT,
    pieces,
    read,
    word_id,
)
from crm_gym.tasks.catalogue import load_suite
from crm_gym.tasks.generator import Generator
from crm_gym.tools import TOOLS

settings.register_profile("house", deadline=None, derandomize=True, database=None, max_examples=300)
settings.load_profile("house")

ROOT = Path(__file__).parent.parent


def script():
    spec = importlib.util.spec_from_file_location("vocabulary", ROOT / "scripts" / "vocabulary.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def words_of(text):
    """A text in words again; a value as <kind>, a word of no vocabulary as ?."""
    names = ["", *(f"<{kind}>" for kind in PLACEHOLDERS), *("?" * BUCKETS), *VOCABULARY]
    return " ".join(names[number] for number in read(text).words)


def said(text):
    return [(one.kind, one.value, one.variant) for one in mentions(text)]


SENTENCES = {
    "Set the amount of the deal to $12.5k.": "set the amount of the deal to <amount> .",
    "Clone the deal Zimtal and the quote v2": "clone the deal <name> and the quote <label>",
    "Cancel Draft quotes,\nplease": f"cancel draft quotes , {NEWLINE} please",
    'the note "Call Ana; then wait" on it': "the note <quoted> on it",
    "the client’s e-mail is a@zimtal.example": "the client 's e-mail is <email>",
    "status to Closed-Won by 3 March 2026": "status to closed-won by <date>",
    "which one of Zimtal Mills and Orvek Labs?": "which one of <name> and <name> ?",
    "a prefix of QX-, a version of v9.4": "a prefix of <label> , a version of <label>",
    "the quotes Sent for Zimtal Mills": "the quotes sent for <name>",
    "the xylograph of the deal": "the ? of the deal",
    "": "",
}


@pytest.mark.parametrize("text", SENTENCES)
def test_words(text):
    assert words_of(text) == SENTENCES[text]


def test_numbers_of_words():
    assert len(set(VOCABULARY)) == len(VOCABULARY)
    assert 1 + len(PLACEHOLDERS) + BUCKETS + len(VOCABULARY) == WORD_COUNT
    assert word_id(VOCABULARY[-1]) == WORD_COUNT - 1
    assert word_id("Xylograph") == word_id("xylograph") != word_id("xylographs")
    assert all(len(PLACEHOLDERS) < word_id(f"zz{n}zz") <= len(PLACEHOLDERS) + BUCKETS for n in range(200))


def test_pairs():
    one, two = read("the deal of the deal"), read("the deal")
    assert one.bigrams[0] == one.bigrams[3] == two.bigrams[0] != one.bigrams[1]
    assert one.bigrams[-1] == two.bigrams[-1] == 0
    assert len(read("").bigrams) == 0
    assert len(read("deal").bigrams) == 1
    some = read(" ".join(VOCABULARY[:200])).bigrams[:-1]
    assert len(set(some.tolist())) > 0.9 * len(some)  # few pairs share a number


def test_a_later_text_follows():
    reply = read("The owner is Ana Lee.", offset=250)
    assert len(reply.words) == 5
    assert features(mentions("The owner is Ana Lee."), reply)[0][2] == 254
    assert len(read("The owner is Ana Lee.", offset=253).words) == 3
    for offset in (256, 300):
        full = read("The owner is Ana Lee.", offset=offset)
        assert len(full.words) == len(full.bigrams) == 0
        assert features(mentions("The owner is Ana Lee."), full)[:, 2:10].max() == 0


def test_what_is_cut_off_has_no_place():
    text = "deal " * 300 + "Ana Lee"
    row = features(mentions(text), read(text))[0]
    assert len(read(text).words) == MAX_WORDS
    assert row[2:10].tolist() == [0] * 8
    assert row[0] == MENTION_KINDS.index("name") + 1


def test_a_name_and_what_follows_it():
    assert said("Close the deal Zimtal kitchen refit, west wing, today") == [
        ("name", "Zimtal", "whole"),
        ("name", "Zimtal kitchen refit", "longest"),
        ("name", "Zimtal kitchen refit, west wing", "tailed"),
        ("name", "Zimtal kitchen", "longer"),
    ]
    assert ("name", "Zimtal kitchen refit 2027", "tailed") in said("the deal Zimtal kitchen refit 2027: cancel")
    assert ("name", "Zimtal kitchen refit B", "tailed") in said("for Zimtal kitchen refit B at Orvek")
    assert ("name", "Zimtal kitchen refit 20", "tailed") not in said("for Zimtal kitchen refit 20 %")
    assert said("on Zimtal filter change the owner") == [
        ("name", "Zimtal", "whole"),
        ("name", "Zimtal filter", "longest"),
        ("name", "Zimtal filter change", "longer"),
    ]


def test_parts_of_names():
    assert said("ask Ana de Souza-Lima") == [
        ("name", "Ana de Souza-Lima", "whole"),
        ("name", "Ana", "first"),
        ("name", "de Souza-Lima", "last"),
    ]
    assert ("name", "Ana", "first") in said("ask Ana Lee of Zimtal Mills")
    assert ("name", "Ana Lee", "first") in said("ask Ana Lee of Zimtal Mills")
    assert ("name", "Zimtal Mills", "last") in said("ask Ana Lee of Zimtal Mills")
    assert ("name", "Zimtal and Sons", "first") in said("for Zimtal and Sons and Orvek Labs")
    assert ("quoted", "Lee", "last") in said('the contact "Ana Lee"')
    assert said('the note "132 Mill Road, Ely"') == [("quoted", "132 Mill Road, Ely", "whole")]
    assert ("name", "Adviser on Workshops", "title") in said("the title to Adviser on Workshops")


def test_members_of_enums():
    assert said("from Sent to approved") == [("enum", "Sent", "whole"), ("enum", "Approved", "weak")]
    assert said('status "Draft"') == [("enum", "Draft", "whole")]
    assert ("enum", "Closed-Won", "whole") in said("to Closed-Won, please")
    assert said("the quoted quoter") == []
    assert said('"an active one", see sent_active.pdf') == [
        ("quoted", "an active one", "whole"),
        ("file", "sent_active.pdf", "whole"),
    ]
    assert all(mentions(f"to {member}.")[0].literal == member for member in MEMBERS)
    assert tuple(sorted(set(MEMBERS))) == MEMBERS


def test_labels_and_names_of_fields():
    assert said("v2, V9.4, QX- and CL-90105") == [
        ("label", label, "whole") for label in ("v2", "V9.4", "QX-", "CL-90105")
    ]
    assert said("rev B of Orvek") == [("label", "rev B", "whole"), ("name", "Orvek", "whole")]
    assert [kind for kind, *_ in said("see https://zimtal.example/v2 or a2@zimtal.example")] == ["url", "email"]
    for text in ("fill ticket with", "a field named ticket", "the argument ticket", "a ticket argument", "ticket = on"):
        assert said(text) == [("word", "ticket", "whole")]
    assert said("in vat_rate, so called that") == [("word", "vat_rate", "whole")]


def test_a_row():
    text = "Hi! Owner: for Ana Lee, $1,000 by then"
    rows = dict(zip([(m.text, m.variant) for m in mentions(text)], features(mentions(text), read(text)), strict=True))
    row = dict(zip(MENTION_COLUMNS, rows["Ana Lee", "whole"].tolist(), strict=True))
    assert row == {
        "kind": MENTION_KINDS.index("name") + 1,
        "variant": VARIANTS.index("whole") + 1,
        "place": 6,
        "tokens": 1,
        **{"before3": word_id("owner"), "before2": word_id(":"), "before1": word_id("for")},
        **{"after1": word_id(","), "after2": PLACEHOLDERS.index("amount") + 1},
        **{"clause": 2, "magnitude": 0, "literal": 0, "words": 2},
    }
    amount = dict(zip(MENTION_COLUMNS, rows["$1,000", "whole"].tolist(), strict=True))
    assert (amount["place"], amount["magnitude"], amount["after2"]) == (8, 30, word_id("then"))
    long = "the deal Zimtal kitchen refit is late"
    tokens = {m.text: row[3] for m, row in zip(mentions(long), features(mentions(long), read(long)), strict=True)}
    assert tokens["Zimtal kitchen refit"] == 3
    draft = features(mentions("to Draft"), read("to Draft"))[0].tolist()
    assert draft[MENTION_COLUMNS.index("literal")] == MEMBERS.index("Draft") + 1


def test_the_likely_goes_first_if_there_is_not_room_for_all():
    text = " ".join(f"the deal Zimtal{chr(97 + n)} kitchen refit at $1{n}," for n in range(26)) + " sent"
    found = mentions(text)
    assert len(found) == LIMIT
    assert Counter(one.variant for one in found) == {"whole": 52, "longest": 12}
    assert list(found) == sorted(found, key=lambda one: one.start)


def leaves(value):
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [leaf for one in value for leaf in leaves(one)]
    return [value]


def says(one, value):
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return not isinstance(one.value, str) and one.value == Decimal(str(value))
    return value in (one.value, one.text)


ARGUMENTS = {
    name
    for tool in TOOLS.values()
    for name in (*tool.schema["properties"], *tool.schema["properties"].get("updates", {}).get("properties", {}))
}


def elsewhere(tool, name, value, request):
    """Values that no request has to say: literals, names of arguments, ids of records, answers, reasons."""
    if tool == "respond" or (tool == "decline" and (name in ("code", "reason") or value in ARGUMENTS)):
        return True
    return value in MEMBERS or (re.fullmatch("[0-9a-f-]{36}", str(value)) is not None and str(value) not in request)


MISSED = {
    (
        "CLO-008",
        "Keg tracking for inns",
    ): "small words end a name; the first two are found, and the search needs no more",
    ("CQT-007", "Onboard Wi-Fi rollout"): "begins a sentence with a word that `LEADS` takes for a verb",
    ("CQT-113", "Onboard Wi-Fi rollout pilot"): "the same",
    ("COS-005", "logistics"): "a word in small letters that nothing marks as a value",
}


def test_golden_requests_say_all_their_values():
    missed = {
        (task.id, value)
        for task in load_suite("golden")
        for found in [mentions(task.request)]
        for call in task.demonstration
        for name, argument in call.arguments.items()
        for value in leaves(argument)
        if not elsewhere(call.tool, name, value, task.request) and not any(says(one, value) for one in found)
    }
    assert missed == set(MISSED)


def test_generated_requests_say_the_names_they_search_for():
    missed, count = [], 0
    generator = Generator("test", families=("single", "declined", "workflow"))
    for task in map(generator.make, range(400)):
        found = {one.value for one in mentions(task.request)}
        for call in task.demonstration:
            name = call.arguments.get("name")
            if isinstance(name, str) and name in task.request:
                count += 1
                missed += [name] if name not in found else []
    assert count > 300
    assert len(missed) <= 0.01 * count, missed


TEXTS = st.one_of(
    st.text(max_size=300),
    st.lists(
        st.sampled_from(
            (
                *(
                    "Ana",
                    "Lee",
                    "of",
                    "and",
                    "the",
                    "deal",
                    "Draft",
                    "Sent",
                    "for",
                    "kitchen",
                    ", west wing",
                    "v2",
                    "QX-",
                ),
                *("$12k", "12%", '"', "'", "’s", ".", "! ", "one", "field", "a_b", "=", "2026-03-03", "É", "ſ", "İ"),
                *("\n", "\ud800"),
            )
        ),
        max_size=120,
    ).map(" ".join),
)


@given(TEXTS, st.integers(0, MAX_WORDS + 1))
def test_any_text_is_read(text, offset):
    found = pieces(text)
    reading, every = read(text, offset, found), mentions(text, found)
    assert every == mentions(text)
    assert reading.words.dtype == reading.bigrams.dtype == np.int16
    assert len(reading.words) == len(reading.bigrams) == len(reading.starts) <= max(0, MAX_WORDS - offset)
    assert reading.words.min(initial=1) >= 1
    assert reading.words.max(initial=0) < WORD_COUNT
    assert 0 <= reading.bigrams.min(initial=0) <= reading.bigrams.max(initial=0) < BIGRAM_COUNT
    assert reading.starts == sorted(set(reading.starts))
    assert len(every) == len({(one.kind, one.start, one.end) for one in every}) <= LIMIT
    assert [one.start for one in every] == sorted(one.start for one in every)
    for one in every:
        assert one.text == text[one.start : one.end] != ""
        assert one.kind in MENTION_KINDS
        assert one.literal is None or one.literal in MEMBERS
    rows = features(every, reading)
    assert rows.shape == (len(every), len(MENTION_COLUMNS))
    assert rows.dtype == np.int16
    assert rows.min(initial=0) >= 0
    places = rows[:, MENTION_COLUMNS.index("place")]
    assert np.all((places == 0) | ((places > offset) & (places <= offset + len(reading.words))))


@pytest.mark.parametrize(
    "unit",
    [
        "Aa ",
        "A of ",
        "A and ",
        "A a ",
        "Aa, a a ",
        "QX-",
        "v2.",
        "v-",
        "a_",
        "a-",
        "field a ",
        '"A B" ',
        "’s",
        "Sent for ",
    ],
)
def test_time_grows_with_the_text_alone(unit):
    """Quadratic reading would take a hundred times as long for ten times the text."""
    short, long = (unit * size for size in (400, 4_000))
    assert _quickest(long) < 40 * _quickest(short) + 0.004


def _quickest(text):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        features(mentions(text), read(text))
        times.append(time.perf_counter() - start)
    return min(times)


def test_every_process_reads_the_same():
    text = 'Cancel the xylograph of Ana Lee, v2, "Draft" by 3 March 2026'
    code = (
        "import sys; from crm_gym.form.mentions import *; from crm_gym.form.words import *\n"
        "t = sys.argv[1]; r = read(t)\n"
        "print(r.words.tolist(), r.bigrams.tolist(), features(mentions(t), r).tolist())"
    )
    runs = {
        subprocess.run(
            [sys.executable, "-c", code, text], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert len(runs) == 1


def test_the_vocabulary_is_of_requests():
    """A tenth of what the script reads: all that is frequent in it is in the file, in nearly its order."""
    tenth = script().vocabulary(2_000)
    assert len(set(tenth) - set(VOCABULARY)) == 0
    assert len(set(VOCABULARY[:300]) - set(tenth)) == 0
    assert [word for word in tenth[:5] if word in VOCABULARY[:6]] == tenth[:5]


@pytest.mark.slow
def test_the_vocabulary_is_up_to_date():
    assert "\n".join(script().vocabulary()) + "\n" == script().FILE.read_text(encoding="utf-8")
