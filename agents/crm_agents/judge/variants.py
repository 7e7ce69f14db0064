"""Changes of form that must not change a grade: another order, courtesies around the reply, another layout."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from crm_agents.judge.case import Case

_BEFORE = (
    "Thank you very much for getting in touch. It is always a pleasure to work with somebody who says so clearly what "
    "is needed."
)
_AFTER = (
    "I hope this helps you on your way. Please do not hesitate to write again at any time, about this or anything "
    "else; I am glad to be of service. I wish you a pleasant day and every success with all that you have before you, "
    "today, this week and beyond."
)
_SENTENCE = re.compile(r"(?<=[.!?]) +(?=[A-Z])")


def padded(case: Case) -> Case:
    """The same reply between courtesies that say nothing of the matter."""
    return replace(case, reply=f"{_BEFORE}\n\n{case.reply}\n\n{_AFTER}")


def formatted(case: Case) -> Case:
    """The same reply, word for word, as headed bullet points in Markdown."""
    points = [point for part in case.reply.split("\n\n") for point in _SENTENCE.split(part) if point.strip()]
    return replace(case, reply="## **Summary**\n\n" + "\n".join(f"- **{point}**" for point in points) + "\n\n---")


def same(case: Case) -> Case:
    """The case as it is."""
    return case


class Variant(NamedTuple):
    """A way of showing a case: what is made of it, and in which order it is shown."""

    change: Callable[[Case], Case]
    order: str


VARIANTS = {
    "order": Variant(same, "reversed"),
    "padding": Variant(padded, "plain"),
    "formatting": Variant(formatted, "plain"),
}
"""By name; the case as it is, in plain order, is none of them."""

PLAIN = Variant(same, "plain")
