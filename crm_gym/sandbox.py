"""The CRM as a Python object: the same tools as methods, entities as results, refusals as exceptions."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, get_origin
from uuid import UUID

import numpy as np
from pydantic.fields import FieldInfo

from crm_gym.atom import Wire
from crm_gym.atoms import stamp_text
from crm_gym.crm import Crm
from crm_gym.errors import ToolError
from crm_gym.ids import DEFAULT_TODAY
from crm_gym.schema import TABLE_OF, find_marker, row_entity
from crm_gym.tools import TOOLS, Tool
from crm_gym.tools.base import Extended


class Page(list[Any]):
    """One page of a search: a list of entities.

    Attributes:
        total: How many records match in all.
        offset: How many of them come before this page.
        limit: How many a page holds at most.
    """

    def __init__(self, items: list[Any], total: int, offset: int, limit: int) -> None:
        super().__init__(items)
        self.total, self.offset, self.limit = total, offset, limit


class Details(dict[str, Any]):
    """A result of several parts: a dict whose keys are attributes too."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"{name!r} is no part of this result; it has {', '.join(self)}") from None


class MockCrmApi:
    """A CRM to try things on: every tool is a method.

    Args:
        today: The CRM's own day, YYYY-MM-DD; the machine's clock is never asked.
        seed: Fixes the ids of new records.

    Attributes:
        crm: The CRM below, with `state_hash`, `snapshot`, `fork` and so on.

    Methods take the tool's arguments by name (or in order) and return entities: `create_new_client(...)` a
    Client, `client_search(...)` a Page of them, `view_opportunity_details(...)` a Details with attributes.
    Entities are copies; changing one does not change the CRM.

    Raises:
        ToolError: From every method, if the CRM refuses the call: a ValueError with `.code`, `.field` and a
            sentence. Nothing is changed then.

    Example:
        >>> api = MockCrmApi(today="2025-10-30", seed=0)
        >>> client = api.create_new_client(name="Adler Optics", email="post@adler.example", status="Active")
        >>> api.client_search(name="adler")[0].client_id == client.client_id
        True
    """

    def __init__(self, today: str = DEFAULT_TODAY, seed: int = 0) -> None:
        self.crm = Crm(today, seed)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Callable[..., Any]: ...

    def __repr__(self) -> str:
        return f"MockCrmApi(today={self.crm.today!r}, records={sum(self.crm.counts())})"


def _method(tool: Tool) -> Callable[..., Any]:
    names = list(tool.arguments.model_fields)

    def method(self: MockCrmApi, *args: Any, **kwargs: Any) -> Any:
        if len(args) > len(names):
            raise TypeError(f"{tool.name}() takes at most {len(names)} arguments; got {len(args)}")
        given = dict(zip(names, args, strict=False))
        for name, value in kwargs.items():
            if name in given:
                raise TypeError(f"{tool.name}() got two values for {name!r}")
            given[name] = value
        return _run(self.crm, tool, given)

    method.__name__ = tool.name
    method.__qualname__ = f"MockCrmApi.{tool.name}"
    method.__doc__ = _doc(tool)
    method.__signature__ = _signature(tool)  # type: ignore[attr-defined]
    return method


def _run(crm: Crm, tool: Tool, given: dict[str, Any]) -> Any:
    mark = crm.mark()
    try:
        return _entities(tool.run(crm, tool.check({name: _wire(value) for name, value in given.items()})))
    except RecursionError:
        crm.undo(mark)
        raise ToolError("invalid_json", "arguments", "arguments must not hold themselves.") from None
    except BaseException:
        crm.undo(mark)
        raise


def _wire(value: Any) -> Any:
    """Python's own dates, times and UUIDs as the tools take them."""
    if isinstance(value, datetime):
        return stamp_text(value)
    if isinstance(value, date | UUID):
        return str(value)
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {name: _wire(item) for name, item in value.items()}
    return [_wire(item) for item in value] if isinstance(value, list | tuple) else value


def _entities(value: Any) -> Any:
    if type(value) in TABLE_OF:
        return row_entity(value)
    if isinstance(value, Extended):
        return Details({**dict(row_entity(value.row)), **_entities(value.parts)})
    if isinstance(value, dict):
        made = {name: _entities(item) for name, item in value.items()}
        if made.keys() == {"total", "offset", "limit", "rows"}:
            return Page(made["rows"], made["total"], made["offset"], made["limit"])
        return Details(made)
    return [_entities(item) for item in value] if isinstance(value, list | tuple) else value


_TYPES = {"string": str, "integer": int, "number": float, "object": dict, "array": list}


def _form(info: FieldInfo) -> dict[str, Any]:
    """JSON Schema of one argument, from its atom: the whole tool's would cost an import more than it has."""
    wire = find_marker(info, Wire)
    if wire is not None:
        return dict(wire.atom.schema)
    origin = get_origin(info.annotation) or info.annotation
    return {"type": "array" if origin is list else "object" if inspect.isclass(origin) else ""}


def _signature(tool: Tool) -> inspect.Signature:
    parameters = [inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    for name, info in tool.arguments.model_fields.items():
        default = inspect.Parameter.empty if info.is_required() else info.default
        kind: Any = _TYPES.get(_form(info).get("type", ""), Any)
        annotation = kind if info.is_required() or info.default is not None else kind | None
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=annotation)
        )
    return inspect.Signature(parameters)


def _doc(tool: Tool) -> str:
    lines = [tool.description]
    if tool.arguments.model_fields:
        lines += ["", "Args:"]
    for name, info in tool.arguments.model_fields.items():
        words = f"    {name}: {info.description}"
        if "enum" in _form(info):
            words += f" ({', '.join(_form(info)['enum'])})"
        lines.append(words)
        for inner, detail in getattr(info.annotation, "model_fields", {}).items():
            lines.append(f"        {inner}: {detail.description}")
    return "\n".join([*lines, "", "Raises:", "    ToolError: If the CRM refuses the call; nothing is changed then."])


for _tool in TOOLS.values():
    if _tool.kind in ("read", "write"):
        setattr(MockCrmApi, _tool.name, _method(_tool))

__all__ = ["Details", "MockCrmApi", "Page"]
