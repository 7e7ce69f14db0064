"""What a tool is: a name, a docstring, an arguments model, a function; and how one is called."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from crm_gym.atom import short
from crm_gym.atoms import number_json
from crm_gym.crm import Crm
from crm_gym.errors import ToolError, near_miss
from crm_gym.schema import TABLE_OF, Row, row_json, row_text
from crm_gym.strict_json import encode
from crm_gym.tools.arguments import JSON, Arguments, Plan, plain_schema, plan_of
from crm_gym.tools.refusing import Asked, refusal

Kind = Literal["read", "write", "end", "ask"]


@dataclass(frozen=True, slots=True)
class ToolCall:
    """One action: a tool's name and its arguments, JSON values by name."""

    tool: str
    arguments: Mapping[str, JSON] = field(default_factory=dict)


@dataclass(slots=True)
class ToolResult:
    """What came of a call: a JSON value, or a refusal.

    Attributes:
        call: The call, None if it could not be read.
        raw: The result as the tool gave it, rows and all; None if refused.
        error: The refusal; None if it worked.
    """

    call: ToolCall | None
    raw: Any = None
    error: ToolError | None = None

    @property
    def ok(self) -> bool:
        """Whether the call worked."""
        return self.error is None

    @property
    def value(self) -> JSON:
        """The result as a JSON value; None if refused."""
        return plain(self.raw)

    def text(self) -> str:
        """The result, or the refusal, as compact ASCII JSON text."""
        if self.error is not None:
            return encode(self.error.as_json())
        return row_text(self.raw) if type(self.raw) in TABLE_OF else encode(plain(self.raw))


Outcome = tuple[Any, ToolError | None]
"""What a call gives: rows or JSON values and None, or None and the refusal."""


@dataclass(frozen=True)
class Tool:
    """One verb of the CRM.

    Attributes:
        name: Its name, unique.
        intent: The group it belongs to (opportunity, client, ..., ending).
        kind: Whether it reads, writes, ends the episode, or asks the user.
        requests: How often it was asked for among 15,181 requests of a CRM team.
        arguments: The pydantic model of its arguments.
        run: Does the work; gets the CRM and checked arguments; returns rows or JSON values.
        description: What it does, for the model that reads it.
        plan: The short cut through the arguments model, if there is one.
    """

    name: str
    intent: str
    kind: Kind
    requests: int
    arguments: type[Arguments]
    run: Callable[[Crm, Any], Any] = field(repr=False)
    description: str = field(repr=False)
    plan: Plan | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "plan", plan_of(self.arguments))

    @functools.cached_property
    def schema(self) -> dict[str, JSON]:
        """JSON Schema of the arguments: one flat object, no references; do not change it."""
        return plain_schema(self.arguments)

    def check(self, arguments: Mapping[str, JSON]) -> Any:
        """The arguments, checked, in row form, as attributes.

        Calls that are plainly right take a short cut around pydantic; the model has the last word on all others.

        Raises:
            ToolError: For the first fault in the published order.
        """
        plan = self.plan
        if plan is not None:
            checked = plan.read(arguments)
            if checked is not None:
                return checked
        return self.judge(arguments)

    def judge(self, arguments: Mapping[str, JSON]) -> Any:
        """The arguments, checked by the model; the long way of `check`."""
        try:
            return self.arguments.model_validate(arguments)
        except ValidationError as fault:
            raise refusal(
                Asked(self.name, self.schema, self.arguments.immutable, self.arguments.other_id), fault
            ) from None


def tool(
    intent: str, kind: Kind, requests: int, arguments: type[Arguments]
) -> Callable[[Callable[[Crm, Any], Any]], Tool]:
    """Make a Tool of a function; its name and docstring become the tool's."""

    def make(run: Callable[[Crm, Any], Any]) -> Tool:
        description = " ".join((run.__doc__ or "").split())
        return Tool(run.__name__, intent, kind, requests, arguments, run, description)

    return make


def unknown_tool(name: object, tools: Mapping[str, Tool]) -> ToolError:
    """The refusal for a name that is no tool."""
    return ToolError(
        "unknown_tool", "tool", f"tool must be one of the CRM's tools; got {short(name)}: " + near_miss(name, tools)
    )


class Extended(NamedTuple):
    """A result that is a row and more: in JSON the parts follow the row's fields."""

    row: Row
    parts: dict[str, Any]


def plain(value: Any) -> JSON:
    """Rows and what holds them as JSON values."""
    if type(value) in TABLE_OF:
        return row_json(value)
    if isinstance(value, Extended):
        return {**row_json(value.row), **plain(value.parts)}
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return number_json(value) if isinstance(value, Decimal) else value
