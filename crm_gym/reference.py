"""Reference tables that follow from the code: as JSON values, and as Markdown for the README and the terminal."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from typing import Any

from gymnasium import spaces as gym_spaces

from crm_gym import spaces
from crm_gym.atoms import FILE_EXTENSIONS
from crm_gym.entities import Ref
from crm_gym.errors import CODES, UsageError, near_miss
from crm_gym.registration import registered
from crm_gym.rewards import RewardConfig
from crm_gym.schema import TABLES, Column, Table
from crm_gym.strict_json import MAX_CHARS, MAX_DEPTH, MAX_DIGITS, encode
from crm_gym.tools import TOOLS

JSON = Any

# What JSON Schema cannot say of a kind of value, or says less plainly.
_FORMS = {
    "money": "at most two decimals",
    "percent": "whole",
    "email": "plain address, trimmed",
    "url": "http or https",
    "date": "YYYY-MM-DD",
    "datetime": "YYYY-MM-DDTHH:MM:SSZ",
    "file_name": "ends in " + ", ".join(FILE_EXTENSIONS),
    "id": "UUID",
    "names": "list of texts",
}
_ON_DELETE = {
    "restrict": "which cannot be deleted meanwhile",
    "cascade": "deleted with it",
    "empty": "emptied when that is deleted",
}
_OBSERVED = {
    "request": "what is asked, in plain language",
    "today": "the CRM's own day, YYYY-MM-DD",
    "tool": 'the last call\'s tool; "" before the first call',
    "arguments": "the last call's arguments as JSON text; cut at the limit, with a marker",
    "status": f"{spaces.NOT_CALLED}: no call yet, {spaces.OK}: it worked, {spaces.REFUSED}: it was refused",
    "error_code": 'the code of the last refusal, else ""',
    "result": "the last result as JSON text, or the refusal (code, field, message); cut at the limit, with a marker",
    "counts": "records by entity: " + ", ".join(TABLES),
    "steps": "calls so far",
}
_ACTED = {
    "tool": "number of the tool in the table of tools",
    "arguments": f"the arguments as the text of a JSON object of at most {MAX_CHARS:,} bytes and {MAX_DEPTH} levels;"
    f" whole numbers of at most {MAX_DIGITS} digits, no NaN or infinity, no name twice in an object",
}


def entities() -> JSON:
    """The eight entities with their fields."""
    return [
        {
            "name": table.name,
            "description": " ".join((table.entity.__doc__ or "").split()),
            "fields": [_field(table, column) for column in table.columns],
        }
        for table in TABLES.values()
    ]


def _field(table: Table, column: Column) -> dict[str, JSON]:
    kind = column.atom.kind.partition(":")[0]
    return {
        "name": column.name,
        "kind": kind,
        "required": column.required and column.creatable,
        "accepts": _accepted(kind, dict(column.atom.schema)),
        "remarks": _remarks(table, column),
        "description": column.description,
        "schema": dict(column.atom.schema),
    }


def _accepted(kind: str, schema: dict[str, JSON]) -> list[str]:
    """The bounds of a value in words, one each."""
    words = []
    if "enum" in schema:
        words.append(", ".join(schema["enum"]))
    if "exclusiveMinimum" in schema:
        words.append(f"more than {schema['exclusiveMinimum']:,}")
    if "minimum" in schema:
        words.append(f"{schema['minimum']:,} to {schema['maximum']:,}")
    elif "maximum" in schema:
        words.append(f"at most {schema['maximum']:,}")
    if kind in _FORMS:
        words.append(_FORMS[kind])
    if "maxLength" in schema:
        words.append(f"at most {schema['maxLength']:,} characters")
    if schema.get("minLength"):
        words.append("not blank")
    return words


def _remarks(table: Table, column: Column) -> list[str]:
    words = []
    if column.key:
        words.append("id of the record, given by the CRM")
    if column.auto:
        words.append("filled by the CRM")
    if column.unique:
        words.append("unique, compared trimmed and in any case")
    if column.ref is not None:
        words.append(_reference(column.ref))
    if column.default is not None:
        words.append(f"{column.default} if not given")
    if column.creatable and not column.mutable:
        words.append("cannot be changed")
    return words


def _reference(ref: Ref) -> str:
    target = f"the record of the kind in {ref.to}" if ref.by_field else ref.to
    return f"references {target}, {_ON_DELETE[ref.on_delete]}"


def tools() -> JSON:
    """The tools in the order of the action space; requests and share are those of a CRM team."""
    total = sum(tool.requests for tool in TOOLS.values())
    return [
        {
            "number": number,
            "name": tool.name,
            "kind": tool.kind,
            "intent": tool.intent,
            "requests": tool.requests,
            "share": tool.requests / total,
            "description": tool.description,
            "arguments": tool.schema,
        }
        for number, tool in enumerate(TOOLS.values())
    ]


def signature(schema: dict[str, JSON]) -> str:
    """The arguments of a tool's schema in one line; ? marks what may be left out."""
    parts = []
    for name, inner in schema["properties"].items():
        part = name if name in schema.get("required", ()) else name + "?"
        parts.append(f"{part} {{{signature(inner)}}}" if "properties" in inner else part)
    return ", ".join(parts)


def first_sentence(text: str) -> str:
    """The text up to its first full stop that ends a sentence."""
    return re.split(r"(?<=\.)\s", text, maxsplit=1)[0]


def refusals() -> JSON:
    """The refusal codes in the order in which the checks run."""
    return [
        {"order": order, "code": code, "meaning": meaning} for order, (code, meaning) in enumerate(CODES.items(), 1)
    ]


def ids() -> JSON:
    """The registered environments and their own keywords."""
    return [{"id": name, "keywords": dict(kw), "max_episode_steps": most} for name, (kw, most) in registered().items()]


def observations() -> JSON:
    """The keys of an observation."""
    return _space_rows(spaces.observation_space(), _OBSERVED)


def actions() -> JSON:
    """The keys of the canonical action."""
    return _space_rows(spaces.action_space(), _ACTED)


def _space_rows(space: gym_spaces.Dict, meanings: dict[str, str]) -> JSON:
    keys = sorted(space.spaces, key=list(meanings).index)
    return [{"key": key, "space": space_words(space[key]), "meaning": meanings[key]} for key in keys]


def space_words(space: gym_spaces.Space[Any]) -> str:
    """A space in a few words."""
    if isinstance(space, gym_spaces.Text):
        return f"Text, at most {space.max_length:,} printable ASCII characters"
    if isinstance(space, gym_spaces.Discrete):
        return f"Discrete({space.n})"
    if isinstance(space, gym_spaces.Box):
        return f"Box({space.low.min()}, {space.high.max()}, {space.shape}, {space.dtype})"
    return repr(space)


def rewards() -> JSON:
    """The terms of the reward, their default weights and when they are paid; then what else a reward is given."""
    fields = RewardConfig.model_fields.items()
    return [{"term": term, "weight": field.default, "meaning": field.description} for term, field in fields]


# Markdown


def _cell(value: object) -> str:
    """A value as the text of one table cell."""
    return " ".join(str(value).split()).replace("|", "\\|")


def _table(columns: dict[str, Callable[[JSON], object]], rows: Iterable[JSON]) -> str:
    lines = [list(columns), ["---"] * len(columns), *([_cell(cell(row)) for cell in columns.values()] for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def _keywords(keywords: dict[str, JSON]) -> str:
    return ", ".join(f"{name}={encode(value)}" for name, value in keywords.items()).replace('","', '", "')


def _requests(one: dict[str, JSON]) -> str:
    return f"{one['requests']:,} ({one['share']:.2%})" if one["requests"] else ""


# Of each table: the columns' heads, and the cell each makes of a JSON row.
_FIELD_COLUMNS: dict[str, Callable[[JSON], object]] = {
    "field": lambda one: _code(one["name"]),
    "kind": lambda one: one["kind"],
    "required": lambda one: "yes" if one["required"] else "",
    "accepts": lambda one: "; ".join(one["accepts"]),
    "remarks": lambda one: "; ".join(one["remarks"]),
}
_SPACE_COLUMNS: dict[str, Callable[[JSON], object]] = {
    "key": lambda one: _code(one["key"]),
    "space": lambda one: one["space"],
    "meaning": lambda one: one["meaning"],
}
_COLUMNS: dict[str, dict[str, Callable[[JSON], object]]] = {
    "tools": {
        "no.": lambda one: one["number"],
        "tool": lambda one: _code(one["name"]),
        "kind": lambda one: one["kind"],
        "arguments": lambda one: _code(signature(one["arguments"])),
        "what it does": lambda one: first_sentence(one["description"]),
        "requests": _requests,
    },
    "refusals": {
        "order": lambda one: one["order"],
        "code": lambda one: _code(one["code"]),
        "refused": lambda one: one["meaning"],
    },
    "ids": {"id": lambda one: _code(one["id"]), "keywords": lambda one: _code(_keywords(one["keywords"]))},
    "observations": _SPACE_COLUMNS,
    "actions": _SPACE_COLUMNS,
    "rewards": {
        "term": lambda one: _code(one["term"]),
        "default": lambda one: f"{one['weight']:g}",
        "paid": lambda one: one["meaning"],
    },
}

_DATA: dict[str, Callable[[], JSON]] = {
    "entities": entities,
    "tools": tools,
    "refusals": refusals,
    "ids": ids,
    "observations": observations,
    "actions": actions,
    "rewards": rewards,
}

SECTIONS: tuple[str, ...] = tuple(_DATA)
"""Names of the reference tables."""


def data(name: str) -> JSON:
    """A reference table as a JSON value.

    Raises:
        UsageError: If there is no table of that name; offers the closest.
    """
    if name not in _DATA:
        raise UsageError(f"there is no reference table {name!r}; {near_miss(name, SECTIONS)}")
    return copy.deepcopy(_DATA[name]())  # the schemas in it belong to the tools


def markdown(name: str) -> str:
    """A reference table as Markdown, without a heading.

    Raises:
        UsageError: If there is no table of that name; offers the closest.
    """
    rows = data(name)
    if name != "entities":
        return _table(_COLUMNS[name], rows)
    return "\n\n".join(
        f"**{one['name']}**: {one['description']}\n\n{_table(_FIELD_COLUMNS, one['fields'])}" for one in rows
    )
