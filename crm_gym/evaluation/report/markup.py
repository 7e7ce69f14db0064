"""HTML as text: what is not said to be markup is escaped, whoever wrote it."""

from __future__ import annotations

import html
import re
from typing import Final

VOID: Final = frozenset(("meta", "input", "line", "circle", "rect", "path", "polyline", "br"))
"""Elements that have no content."""


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, those that turn text around, and halves of surrogate pairs."""


def escaped(text: object) -> Markup:
    """Any text as markup that shows it; what cannot be seen, and would change how other text looks, as \\uXXXX."""
    if isinstance(text, Markup):
        return text
    return Markup(html.escape(_UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", str(text)), quote=True))


def joined(*parts: object, by: str = "") -> Markup:
    """Parts one after the other; None is left out."""
    return Markup(by.join(escaped(part) for part in parts if part is not None))


def tag(name: str, /, *content: object, **attributes: object) -> Markup:
    """An element.

    Args:
        name: Its name.
        content: Text and markup within; None is left out.
        attributes: A trailing underscore is dropped, others become hyphens: class_, aria_label, x1. None and False
            are left out; True is an attribute without a value.
    """
    said = "".join(_attribute(key, value) for key, value in attributes.items() if value is not None)
    if name in VOID:
        return Markup(f"<{name}{said}/>")  # the slash matters within SVG
    return Markup(f"<{name}{said}>{joined(*content)}</{name}>")


def _attribute(key: str, value: object) -> str:
    if value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escaped(value)}"'


def link(text: object, **state: object) -> Markup:
    """A link to the episodes that a state of the filters shows, such as run=0, outcome="failure"."""
    return tag("a", text, href=fragment(**state), class_="go")


def fragment(**state: object) -> str:
    """A state of the filters as the page's script reads it."""
    return "#" + "&".join(f"{key}={_quoted(str(value))}" for key, value in state.items() if value not in (None, ""))


def _quoted(text: str) -> str:
    """Percent-encoded, but for plain ASCII letters, digits and a few marks."""
    return "".join(
        letter if letter.isascii() and (letter.isalnum() or letter in "-._~") else _percent(letter) for letter in text
    )


def _percent(letter: str) -> str:
    return "".join(f"%{byte:02X}" for byte in letter.encode("utf-8", "replace"))
