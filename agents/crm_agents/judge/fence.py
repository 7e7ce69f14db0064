"""A fence around what comes from a CRM or an agent: a judge reads it as data, and nothing in it can end the fence.

What is fenced stands as JSON between `<data name="...">` and `</data>`. Within, no angle bracket is left as it is, nor
anything that a reader could take for one; line breaks are escapes; what is invisible is shown as an escape. So there is
one way only to read where the data ends, whoever wrote it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_OPEN, _CLOSE = '<data name="{}">', "</data>"
_NAME = re.compile(r"[a-z_]{1,40}")
_DATA = re.compile(r'<data name="([a-z_]{1,40})">\n(.*?)\n</data>')
_DOUBTFUL = re.compile("[<>\x7f]|[^\x00-\x7f]")
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_BRACKETS = frozenset("<>")
_LOOKALIKES = frozenset(
    "\u2039\u203a\u2329\u232a\u27e8\u27e9\u276e\u276f\u276c\u276d\u3008\u3009\u02c2\u02c3\u1438\u1433"
)


def fence(name: str, value: Any) -> str:
    """The value, fenced.

    Args:
        name: What it is, in lower-case letters and underscores; ours, never a stranger's.
        value: A JSON value; texts may hold anything.

    Raises:
        ValueError: If the name is none.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"a fence is named with lower-case letters and underscores; got {name!r}")
    return f"{_OPEN.format(name)}\n{neutral(value)}\n{_CLOSE}"


def neutral(value: Any) -> str:
    """The value as JSON on one line, with nothing in it that could be taken for a delimiter."""
    return _DOUBTFUL.sub(lambda found: _harmless(found[0]), json.dumps(value, ensure_ascii=False, allow_nan=False))


def unfence(text: str) -> dict[str, Any]:
    """What is fenced in a text, by name: what a judge that reads rightly reads."""
    return {name: json.loads(body) for name, body in _DATA.findall(text)}


def visible(text: str) -> bool:
    """Whether there is anything to be seen in a text."""
    return any(unicodedata.category(char) not in _HIDDEN and not char.isspace() for char in text)


def _harmless(char: str) -> str:
    risky = (
        char in "<>\x7f"
        or unicodedata.category(char) in _HIDDEN
        or char in _LOOKALIKES
        or not _BRACKETS.isdisjoint(unicodedata.normalize("NFKC", char))
    )
    return _escape(char) if risky else char


def _escape(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) > 0x7F else f"\\u{ord(char):04x}"
