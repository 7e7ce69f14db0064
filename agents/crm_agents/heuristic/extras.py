"""Arguments that a request names by their technical name, such as a field that the tool does not have."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from crm_agents.heuristic.reading import Reading, value_for

_EXTRA = re.compile(
    r"\b(?P<snake>[a-z]+(?:_[a-z]+)+)\b"
    r"|\bfield (?:named |called )?(?P<word>[a-z]+)(?= with the value|, set to| goes with| =|,? value)"
    r"|\bfill (?P<fill>[a-z]+) \("
)


def extras(reading: Reading, known: Container[str] = ()) -> dict[str, Any]:
    """An argument that a request names by its technical name, though the tool has none such or it may not be set."""
    found = next((one for one in _EXTRA.finditer(reading.plain) if one.lastgroup), None)
    if found is None:
        return {}
    name = found[found.lastgroup or 0]
    if name in known:
        return {}
    stop = reading.sentence_end(found.end())
    near = [piece for piece in reading.pieces if piece.kind in ("quoted", "id", "number", "date")]
    after = [piece for piece in near if found.end() <= piece.start <= max(stop, found.end() + 3)]
    before = [piece for piece in near if piece.end <= found.start() and found.start() - piece.end < 20]
    word = re.compile(r"\b(true|false)\b").search(reading.plain, found.start(), stop)
    if word:
        return {name: word[1] == "true"}
    piece = after[0] if after else before[-1] if before else None
    return {name: value_for(piece, {}) if piece else "yes"}
