"""Seeded makers of names and values, each of which gives values of one pool only.

What is made of words belongs to the pool of its telling word (a company's first word, a person's names, a deal's
first word, the domain of an e-mail), so that nothing made for one pool can come up in another. All other values
belong to the pool of the whole value, as `pool_of_value` says; amounts as text with two decimals.

Lines of business, like enums, are shared by all.
"""

from __future__ import annotations

import functools
import unicodedata
from random import Random
from typing import NamedTuple

from crm_gym.tasks import vocab_words as words
from crm_gym.tasks.splits import Pool, pool_of_value
from crm_gym.tasks.vocab_industries import INDUSTRIES, PLACES, Industry
from crm_gym.tasks.vocab_notes import NEWS, NEXT_STEPS, OPENERS
from crm_gym.tasks.vocab_values import SIZES as SIZES
from crm_gym.tasks.vocab_values import amount as amount
from crm_gym.tasks.vocab_values import amount_between as amount_between
from crm_gym.tasks.vocab_values import day_after as day_after
from crm_gym.tasks.vocab_values import day_before as day_before
from crm_gym.tasks.vocab_values import day_between as day_between
from crm_gym.tasks.vocab_values import day_of as day_of
from crm_gym.tasks.vocab_values import drawn
from crm_gym.tasks.vocab_values import percent as percent
from crm_gym.tasks.vocab_values import percents as percents
from crm_gym.tasks.vocab_values import pick as pick

INDUSTRY = {industry.name: industry for industry in INDUSTRIES}
"""Lines of business by name."""

_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ı": "i", "ß": "ss", "æ": "ae", "þ": "th", "ð": "d", "'": None})


class Person(NamedTuple):
    """A person's names."""

    first: str
    last: str

    @property
    def full(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"


@functools.cache
def shared_out(kind: str, pool: Pool) -> tuple[str, ...]:
    """The words of a list of `vocab_words` that belong to the pool."""
    return tuple(word for word in getattr(words, kind) if pool_of_value(word) == pool)


@functools.lru_cache(maxsize=65_536)
def slug(text: str) -> str:
    """A text in small ASCII letters with hyphens between words, as in domains and file names."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_PLAIN)).encode("ascii", "ignore").decode()
    return "-".join("".join(c if c.isalnum() else " " for c in plain).split())


# Companies and people


def _made_stem(rng: Random) -> str:
    return pick(rng, words.STEM_HEADS) + pick(rng, words.STEM_HEARTS) + pick(rng, words.STEM_TAILS)


def stem(rng: Random, pool: Pool, curated: float = 0.6) -> str:
    """The first word of a company's name: a curated one with that chance, else one made of syllables."""
    if rng.random() < curated:
        return pick(rng, shared_out("STEMS", pool))
    return drawn(lambda: _made_stem(rng), pool)


def industry(rng: Random) -> Industry:
    """A line of business."""
    return pick(rng, INDUSTRIES)


def company_name(rng: Random, pool: Pool, line: Industry | None = None, first: str | None = None) -> str:
    """A company's name that fits its line of business, beginning with `first` if given."""
    line = line or industry(rng)
    chance = rng.random()
    tail = f" {pick(rng, words.REGIONS)}" if chance < 0.12 else f" {pick(rng, words.FORMS)}" if chance < 0.3 else ""
    return f"{first or stem(rng, pool)} {pick(rng, line.suffixes)}{tail}"


def first_name(rng: Random, pool: Pool) -> str:
    """A given name."""
    return pick(rng, shared_out("FIRST_NAMES", pool))


def _made_last(rng: Random) -> str:
    return pick(rng, words.LAST_HEADS) + pick(rng, words.LAST_HEARTS) + pick(rng, words.LAST_TAILS)


def last_name(rng: Random, pool: Pool, curated: float = 0.7) -> str:
    """A family name: a curated one with that chance, else one made of syllables."""
    if rng.random() < curated:
        return pick(rng, shared_out("LAST_NAMES", pool))
    return drawn(lambda: _made_last(rng), pool)


def person(rng: Random, pool: Pool, curated: float = 0.7) -> Person:
    """A person; `curated` as for `last_name`."""
    return Person(first_name(rng, pool), last_name(rng, pool, curated))


@functools.cache
def _titles(pool: Pool) -> tuple[str, ...]:
    both = [f"{rank} {area}" for rank in words.TITLE_RANKS for area in words.TITLE_AREAS]
    return tuple(title for title in both if pool_of_value(title) == pool)


def title(rng: Random, pool: Pool) -> str:
    """A job title."""
    return pick(rng, _titles(pool))


# Where to reach them


def domain(company: str) -> str:
    """The internet domain of a company."""
    return f"{slug(company)}.example"


def company_email(rng: Random, pool: Pool, company: str | None = None) -> str:
    """An address of a company; of a made-up one if none is given."""
    return f"{pick(rng, words.MAILBOXES)}@{domain(company or company_name(rng, pool))}"


def person_email(rng: Random, pool: Pool, who: Person | None = None, company: str | None = None) -> str:
    """A person's address at a company; made-up ones where none are given."""
    who = who or person(rng, pool)
    return f"{slug(who.first)}.{slug(who.last)}@{domain(company or company_name(rng, pool))}"


def _phone(rng: Random) -> str:
    number = int(rng.random() * 1_000_000)
    return f"{pick(rng, words.PHONE_CODES)} 555 {number // 1000:03d} {number % 1000:03d}"


def phone(rng: Random, pool: Pool) -> str:
    """A telephone number."""
    return drawn(lambda: _phone(rng), pool)


def _address(rng: Random) -> str:
    street = pick(rng, words.STREETS)
    return f"{1 + int(rng.random() * 148)} {street}, {pick(rng, words.TOWNS)}"


def address(rng: Random, pool: Pool) -> str:
    """A postal address."""
    return drawn(lambda: _address(rng), pool)


# Deals and papers


def deal_name(rng: Random, pool: Pool, line: Industry | None = None, about: str | None = None) -> str:
    """What a deal is called: a code word, or the first word of `about` (a company), and what is sold."""
    line = line or industry(rng)
    first = about.split()[0] if about else pick(rng, shared_out("PROJECTS", pool))
    place = f", {pick(rng, PLACES)}" if rng.random() < 0.4 else ""
    return f"{first} {pick(rng, line.deals)}{place}"


def file_name(rng: Random, pool: Pool, kind: str = "Opportunity", about: str | None = None) -> str:
    """A file that would hang on a record of that kind; it begins with a code word or the first word of `about`."""
    first = slug(about.split()[0] if about else pick(rng, shared_out("PROJECTS", pool)))
    noun = pick(rng, words.FILE_NOUNS[kind])
    code = f"_{'abcdefghkmr'[int(rng.random() * 11)]}{1 + int(rng.random() * 9)}" if rng.random() < 0.3 else ""
    return f"{first}_{noun}{code}.{pick(rng, words.EXTENSIONS.get(noun, words.USUAL_EXTENSIONS))}"


def url(rng: Random, pool: Pool, about: str | None = None) -> str:
    """The address of a paper, kept by a company: `about`, or a made-up one."""
    host = domain(about or company_name(rng, pool))
    folder = slug(pick(rng, shared_out("PROJECTS", pool)))
    return f"https://files.{host}/{folder}/{pick(rng, words.FILE_NOUNS['Contract'])}"


def _quote_prefix(rng: Random) -> str:
    letters = [chr(65 + int(rng.random() * 26)) for _ in range(2 + int(rng.random() * 2))]
    return "".join(letters) + "-"


def quote_prefix(rng: Random, pool: Pool) -> str:
    """A prefix of quote numbers, such as QN-."""
    return drawn(lambda: _quote_prefix(rng), pool)


def _version(rng: Random) -> str:
    return f"v{1 + int(rng.random() * 9)}" + (f".{1 + int(rng.random() * 9)}" if rng.random() < 0.7 else "")


def version(rng: Random, pool: Pool) -> str:
    """A version label, such as v2 or v2.1."""
    return drawn(lambda: _version(rng), pool)


def note(rng: Random, pool: Pool, mood: str | None = None, who: str | None = None) -> str:
    """One line of messy notes after a call; `mood` is good, mixed or poor, `who` was on the other end."""
    news = NEWS[mood or pick(rng, tuple(NEWS))]

    def make() -> str:
        opener = pick(rng, OPENERS).format(
            who=who or pick(rng, shared_out("FIRST_NAMES", pool)), project=pick(rng, shared_out("PROJECTS", pool))
        )
        step = pick(rng, NEXT_STEPS)
        if "{" in step:
            step = step.format(other=pick(rng, shared_out("FIRST_NAMES", pool)))
        return f"{opener} {pick(rng, news)}; {step}"

    return drawn(make, pool)
