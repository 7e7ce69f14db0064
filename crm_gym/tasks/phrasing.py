"""Requests in English: one form of a family, in some manner, with the values written in some notation.

A form is a small grammar in one line:

    [Please |Could you ]set {deal} to {stage}[, chance {chance:percent}| with a chance of {chance:percent}].

`[a|b|]` is one of its alternatives, which may hold others; `[a]` just groups. `{name}` is a slot, written as it is;
`{name:money}`, `{name:date}`, `{name:percent}` and `{name:count}` are written in a notation of that kind (see
`notation`), `{name:quoted}` as it is between double quotation marks. Every way through a form writes every slot.

Values are put in last: neither manners nor slips of the keyboard reach them. The forms at positions 3, 7, 11, ... of a
family, and the manners there, are for held-out requests only, the others for all the rest.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crm_gym.errors import TaskError
from crm_gym.tasks import notation
from crm_gym.tasks.manners import HELD_OUT_EVERY, TYPO_RATE, dress, manner, share, slip

LONGEST_FORM, MOST_SURFACES = 2_000, 100_000

Writer = Callable[[random.Random, Any, bool], str]


_WRITERS: dict[str, Writer] = {
    "": lambda rng, value, terse: str(value),
    "money": lambda rng, value, terse: notation.money(rng, value, terse=terse),
    "date": lambda rng, value, terse: notation.day(rng, str(value), terse=terse),
    "percent": lambda rng, value, terse: notation.percent(rng, value, terse=terse),
    "count": lambda rng, value, terse: notation.count(rng, value, terse=terse),
    "quoted": lambda rng, value, terse: notation.quoted(str(value)),
}


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value.

    Attributes:
        name: Of the value.
        kind: How to write it: "" as it is, money, date, percent, count or quoted.
    """

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Alternatives, one of which is taken."""

    ways: tuple[Way, ...]


Node = str | Slot | Choice
Way = tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """A form, read.

    Attributes:
        text: As it was written.
        nodes: Its parts, one after another.
        names: Its slots, each of which every way through it writes.
    """

    text: str
    nodes: Way
    names: frozenset[str]


_MARK = re.compile(r"([\[\]|]|\{[^{}]*\})")
_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)(?::([a-z]+))?\}")


@functools.cache
def parse(form: str) -> Form:
    """Reads a form.

    Raises:
        TaskError: If brackets do not pair, a slot is malformed or of no known kind, some way through the form leaves a
            slot out, or there are too many ways.
    """
    if not form.strip() or len(form) > LONGEST_FORM:
        raise TaskError(f"a form has 1 to {LONGEST_FORM:,} characters; got {len(form):,}")
    tokens = [token for token in _MARK.split(form) if token]
    nodes, at = _sequence(form, tokens, 0, 0)
    if at < len(tokens):
        raise _fault(form, f"{tokens[at]!r} stands outside of [...]")
    if _ways(nodes) > MOST_SURFACES:
        raise _fault(form, f"more than {MOST_SURFACES:,} ways to say it")
    missing = _mentioned(nodes) - _certain(nodes)
    if missing:
        raise _fault(form, f"some alternative leaves out the slot {', '.join(sorted(missing))}")
    return Form(form, nodes, _mentioned(nodes))


def _fault(form: str, what: str) -> TaskError:
    return TaskError(f"{what}, in the form {form[:200]!r}")


def _sequence(form: str, tokens: list[str], at: int, depth: int) -> tuple[Way, int]:
    """The nodes from a token on, up to one that ends the alternative; where that one stands."""
    nodes: list[Node] = []
    while at < len(tokens) and tokens[at] not in ("]", "|"):
        if tokens[at] == "[":
            choice, at = _choice(form, tokens, at, depth + 1)
            nodes.append(choice)
        else:
            nodes.append(_leaf(form, tokens[at]))
            at += 1
    return tuple(nodes), at


def _choice(form: str, tokens: list[str], at: int, depth: int) -> tuple[Choice, int]:
    if depth > 20:
        raise _fault(form, "alternatives within alternatives, over 20 deep")
    ways: list[Way] = []
    while at < len(tokens) and tokens[at] != "]":
        way, at = _sequence(form, tokens, at + 1, depth)
        ways.append(way)
    if at == len(tokens):
        raise _fault(form, "a [ is never closed")
    return Choice(tuple(ways)), at + 1


def _leaf(form: str, token: str) -> Node:
    slot = _SLOT.fullmatch(token)
    if slot is None and ("{" in token or "}" in token):
        raise _fault(form, f"{token!r} is no slot; one is written {{name}} or {{name:kind}}")
    if slot is None:
        return token
    kind = slot[2] or ""
    if kind not in _WRITERS:
        raise _fault(form, f"{kind!r} is no kind of slot; known are {', '.join(filter(None, _WRITERS))}")
    return Slot(slot[1], kind)


def _mentioned(nodes: Way) -> frozenset[str]:
    found = {node.name for node in nodes if isinstance(node, Slot)}
    return frozenset(found.union(*(_mentioned(way) for node in nodes if isinstance(node, Choice) for way in node.ways)))


def _certain(nodes: Way) -> frozenset[str]:
    """The slots that every way through the nodes writes."""
    found = {node.name for node in nodes if isinstance(node, Slot)}
    choices = (frozenset.intersection(*map(_certain, node.ways)) for node in nodes if isinstance(node, Choice))
    return frozenset(found.union(*choices))


def _ways(nodes: Way) -> int:
    count = 1
    for node in nodes:
        if isinstance(node, Choice):
            count *= sum(map(_ways, node.ways))
    return count


def _surfaces(nodes: Way) -> set[str]:
    said = {""}
    for node in nodes:
        if isinstance(node, Choice):
            ends = set().union(*(_surfaces(way) for way in node.ways))
        else:
            ends = {node if isinstance(node, str) else f"{{{node.name}:{node.kind}}}"}
        said = {start + end for start in said for end in ends}
    return said


def surface_forms(forms: Sequence[str], held_out: bool) -> int:
    """How many different wordings the forms of that part have, manners and notations left aside."""
    return len(_said(tuple(forms), held_out))


def _said(forms: tuple[str, ...], held_out: bool) -> set[str]:
    return set().union(*(_surfaces(form.nodes) for form in _usable(forms, held_out)))


def check_forms(forms: Sequence[str], slot_names: Iterable[str]) -> None:
    """Holds the forms of a family against the names of its slots.

    Raises:
        TaskError: If there are too few forms, one stands twice, cannot be read, or has other slots, or a
            held-out one can say what another says.
    """
    if len(forms) < HELD_OUT_EVERY:
        raise TaskError(f"a family has at least {HELD_OUT_EVERY} forms; got {len(forms)}")
    if len(set(forms)) < len(forms):
        raise TaskError(f"a form stands twice: {next(form for form in forms if list(forms).count(form) > 1)!r}")
    for form in forms:
        _check_slots(parse(form), frozenset(slot_names))
    both = _said(tuple(forms), True) & _said(tuple(forms), False)
    if both:
        raise TaskError(f"forms kept for held-out requests and others can both say {min(both)!r}")


def _check_slots(form: Form, given: frozenset[str]) -> None:
    if form.names != given:
        more, less = sorted(form.names - given), sorted(given - form.names)
        raise _fault(form.text, f"slots do not fit: the form alone has {more}, the values alone have {less}")


@functools.cache
def _usable(forms: tuple[str, ...], held_out: bool) -> tuple[Form, ...]:
    if len(forms) < HELD_OUT_EVERY:
        raise TaskError(f"a family has at least {HELD_OUT_EVERY} forms; got {len(forms)}")
    return tuple(parse(form) for form in share(forms, held_out))


def phrase(rng: random.Random, forms: Sequence[str], slots: Mapping[str, Any], *, held_out: bool) -> str:
    """A request: one of the forms, its slots filled.

    Args:
        rng: The only source of chance.
        forms: The family's forms, at least four.
        slots: The value of each slot: a text, and for typed ones an amount, an ISO date, a whole number, a text.
        held_out: Whether to use the forms and manners kept for held-out requests, or the others.

    Raises:
        TaskError: If a form is faulty, its slots are not those given, or a value cannot be written.
    """
    words, places = _draw(rng, forms, slots, held_out)
    style = manner(rng, held_out=held_out)
    dress(words, style)
    if rng.random() < TYPO_RATE:
        slip(rng, words)
    return _filled(rng, words, places, slots, style.terse)


def fragment(rng: random.Random, forms: Sequence[str], slots: Mapping[str, Any], *, held_out: bool) -> str:
    """A part of a request, to be a slot of another: like `phrase`, without manners and slips.

    Raises:
        TaskError: As `phrase`.
    """
    words, places = _draw(rng, forms, slots, held_out)
    return _filled(rng, words, places, slots, False)


def _draw(
    rng: random.Random, forms: Sequence[str], slots: Mapping[str, Any], held_out: bool
) -> tuple[list[str], list[Slot]]:
    """One way through one form: its slots, and the words before, between and after them."""
    usable = _usable(forms if type(forms) is tuple else tuple(forms), held_out)
    form = usable[int(rng.random() * len(usable))]
    if form.names != slots.keys():
        _check_slots(form, frozenset(slots))
    words, places = [""], list[Slot]()
    _spread(rng, form.nodes, words, places)
    return words, places


def _filled(rng: random.Random, words: list[str], places: list[Slot], slots: Mapping[str, Any], terse: bool) -> str:
    said = [words[0]]
    for slot, after in zip(places, words[1:], strict=True):
        said += (_WRITERS[slot.kind](rng, slots[slot.name], terse), after)
    return "".join(said)


def _spread(rng: random.Random, nodes: Way, words: list[str], places: list[Slot]) -> None:
    """Walks one way through the nodes: `words` gets what stands before, between and after the slots."""
    for node in nodes:
        if type(node) is str:
            words[-1] += node
        elif type(node) is Slot:
            places.append(node)
            words.append("")
        else:
            ways = node.ways  # type: ignore[union-attr]
            _spread(rng, ways[int(rng.random() * len(ways))], words, places)
