"""Users of dialogues: what they say, in words of their own."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from crm_gym.schema import TABLE_OF, Row
from crm_gym.tasks.dialogue import DONE, Phase, Script
from crm_gym.tasks.goal import Expected
from crm_gym.tasks.phrasing import fragment
from crm_gym.tasks.saying import kind_of
from crm_gym.tasks.scene import Scene, listed_name
from crm_gym.tools import ToolCall

KINDS = {"Client": "client", "Contact": "contact", "Opportunity": "deal", "Quote": "quote", "Contract": "contract"}
"""What people call the records of a table."""


_WAITS = (
    "I do not see [that|it] in the CRM yet.",
    "[Hm, that|That] is not [quite |]what I see in the CRM.",
    "Not yet: the CRM does not show what I asked for.",
    "I had a look, and it is not there yet.",
    "[One moment: first|First] what I asked for, please. The CRM does not show it.",
    "It does not look done to me[ yet|].",
    "The record does not look right yet.",
    "As far as I can see that is still open.",
)
_THANKS = (
    "That is all, thank you.",
    "[Great, nothing|Nothing] else from me.",
    "That was the last of it. Thanks!",
    "We are done, I think. Thank you.",
    "[Perfect, that|That] is everything.",
    "No, that was it.",
    "All done then, thank you.",
    "Nothing more to add. Cheers.",
)
_LEAVES = (
    "I have to go now. Please work with what I have told you.",
    "[Sorry, no|No] more questions: I am off to a meeting.",
    "That is as much as I can answer today.",
    "My train is here, so you will have to manage without me.",
    "I am out of time. You know all I can tell you.",
    "I cannot keep answering. Use what you have.",
    "No time left, sorry.",
    "I am away from my desk from here on.",
)
_OBJECTS = (
    "No, not the {record}: put [that one|it] back as it was.",
    "Wait, the {record} must not change. Please undo that first.",
    "I still see changes on the {record} that should not be there.",
    "I see a change on the {record}. Take it back, please.",
    "Not the {record}! It has to be as it was before.",
    "You have changed the {record}; [please |]put it back.",
    "Something is off: the {record} is not the one I meant. Restore it.",
    "No, the {record} should be exactly as it was.",
)
_QUESTIONS = {
    "next_step": "What comes next?",
    "which_record": "Which one do you mean?",
}


_WORDS = {
    "email": "e-mail address",
    "phone": "phone number",
    "title": "job title",
    "content": "text",
    "valid_until": "valid-until date",
}


def word(name: str) -> str:
    """What a topic or field is called in a sentence."""
    return {
        "email": "e-mail address",
        "phone": "phone number",
        "title": "job title",
        "content": "text",
        "valid_until": "valid-until date",
    }.get(name, name.replace("_", " "))


def ask(topic: str) -> ToolCall:
    """The question about a topic."""
    words = _QUESTIONS.get(topic, f"What shall the {word(topic)} be?")
    return ToolCall("ask_user", {"about": topic, "question": words})


NEXT = ask(DONE)


def say(scene: Scene, forms: Sequence[str], **slots: Any) -> str:
    """A sentence of the user."""
    return fragment(scene.rng, forms, slots, held_out=scene.held_out)


def words(fields: Sequence[str]) -> list[str]:
    """What several fields are called."""
    return [word(name) for name in fields]


def called(row: Row) -> str:
    """A record by its kind and name: "deal Larkspur"."""
    return f"{KINDS[TABLE_OF[type(row)]]} {listed_name(row)}"


@functools.cache
def _telling(name: str) -> tuple[str, ...]:
    kind, what = kind_of(name), word(name)
    slot = "{value:" + kind + "}" if kind else "{value}"
    return (
        f"[It is|That would be] {slot}.",
        f"The {what}[ is|:] {slot}.",
        f"Please take {slot}.",
        f"Let us say {slot}.",
        f"Make it {slot}.",
        f"[Ah, yes: |]{slot}.",
        f"{slot}[, please|].",
        f"For the {what} I have {slot}.",
    )


def tell(scene: Scene, name: str, value: Any) -> str:
    """What the user says when asked for that value."""
    return say(scene, _telling(name), value=value)


_POINTING = (
    "The one with the {detail}.",
    "I mean the one with the {detail}.",
    "[It is|Take] the one with the {detail}.",
    "The one that has the {detail}.",
    "[Sorry, |]I was thinking of the one with the {detail}.",
    "That would be the one with the {detail}.",
    "You will know it by the {detail}.",
    "Look for the one with the {detail}.",
)


def point(scene: Scene, name: str, value: Any) -> str:
    """What the user says to tell a record from others, by one of its values."""
    detail = f"name {value}" if name == "name" else scene.details({name: value})
    return say(scene, _POINTING, detail=detail)


def phase(
    scene: Scene,
    says: str = "",
    told: Mapping[str, str] | None = None,
    until: Sequence[Expected] = (),
    wrong: Sequence[Row] = (),
) -> Phase:
    """A phase whose user waits and objects in words of their own; `wrong` are records that must not be changed."""
    objections = {row[0]: say(scene, _OBJECTS, record=_name_of(scene, row)) for row in wrong}
    return Phase(says, told or {}, tuple(until), objections, say(scene, _WAITS))


def _name_of(scene: Scene, row: Row) -> str:
    """What the user calls a record that must not be changed; quotes have no name but an amount."""
    return called(row) if listed_name(row) else f"quote of {scene.written('money', row.amount)}"


def user(scene: Scene, phases: Sequence[Phase], turns: int, slack: int | None = None) -> Script:
    """A user with patience for so many answers and some more."""
    spare = scene.rng.randint(2, 6) if slack is None else slack
    return Script(tuple(phases), turns + spare, say(scene, _THANKS), say(scene, _LEAVES))
