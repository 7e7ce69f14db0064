"""An oracle for the form door: the task's own demonstration, typed into forms."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import gymnasium as gym

from crm_gym.form.columns import FORM_COLUMNS, places
from crm_gym.form.desk import Desk, takes_names
from crm_gym.form.env import CrmFormEnv
from crm_gym.form.layout import MAX_PICKS, Slot, layout
from crm_gym.form.sheet import Sheet
from crm_gym.tasks.plan import filled
from crm_gym.tools import TOOL_NAMES, TOOLS, ToolCall

_PLAN = layout()
_MOVES = places(FORM_COLUMNS)["moves"]
_CHATTY = frozenset(name for name, tool in TOOLS.items() if tool.kind in ("end", "ask"))
"""Tools that take words of one's own, which may be left out."""

_FIELD = {name: place for place, name in enumerate(_PLAN.field_names)}


class NotExpressible(Exception):
    """What the form door has no way to say, and why."""


class FormOracle:
    """Plays a task's demonstration through the form door.

    It knows the task; it still can only point at what the request says and the CRM has returned.

    Args:
        env: A `CrmFormEnv`, wrapped or not.

    Attributes:
        failed: Why the way to the end could not be said to its end in this episode; None if it could.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        self.env: CrmFormEnv = env.unwrapped  # type: ignore[assignment]
        self.failed: str | None = None
        self._plan: Iterator[ToolCall] = iter(())
        self._actions: Iterator[int] = iter(())
        self._made: list[str] = []

    def predict(
        self, observation: Any, state: Any = None, episode_start: Any = None, deterministic: bool = False
    ) -> tuple[int, Any]:
        """The next action; see `crm_gym.Agent`."""
        if episode_start or not observation["form"][_MOVES]:
            self.begin()
        action = next(self._actions, None)
        if action is None:
            action = self._next_call()
        return action, state

    def begin(self) -> None:
        """Plan the episode that has begun."""
        self.failed = None
        self._plan = iter(self.env.task.demonstration)
        self._actions = iter(())
        self._made = []

    def _next_call(self) -> int:
        sheet = self.env.sheet
        for item in sheet.items:
            if item.origin == 1 and item.id not in self._made and item.call == sheet.calls:
                self._made.append(str(item.id))
        call = filled(next(self._plan, ToolCall("finish")), self._made)
        try:
            actions = actions_of(call, sheet, self.env.desk.focus)
        except NotExpressible as reason:
            self.failed = self.failed or str(reason)
            actions = [TOOL_NAMES.index("finish"), _PLAN.submit]
        self._actions = iter(actions)
        return next(self._actions)


def actions_of(call: ToolCall, sheet: Sheet, focus: int) -> list[int]:
    """The form steps that make a call.

    Raises:
        NotExpressible: If a value can be pointed at nowhere, or the form refuses the call.
    """
    tool = TOOL_NAMES.index(call.tool)
    form = _PLAN.forms[tool]
    typist = _Typist(sheet, focus)
    actions = [tool]
    skipped: list[int] = []  # lines left alone are gone past only if another follows
    listing = False
    for slot in form.slots:
        holder = call.arguments.get(slot.nested, {}) if slot.nested else call.arguments
        steps = typist.typed(call.tool, slot, holder[slot.name]) if slot.name in holder else None
        if steps is None:
            skipped.append(_PLAN.go)
            continue
        actions += [_PLAN.go] if listing else []
        actions += [*skipped, *steps]
        skipped, listing = [], slot.many
    return _possible(call, [*actions, _PLAN.submit], sheet)


def _possible(call: ToolCall, actions: list[int], sheet: Sheet) -> list[int]:
    """The steps, if the form takes every one of them: no call that its schema refuses can be said."""
    known = TOOLS[call.tool].schema["properties"]
    for name, value in call.arguments.items():
        inner = known.get(name, {}).get("properties")
        for unknown in [name] if name not in known else [one for one in value if one not in inner] if inner else []:
            raise NotExpressible(f"{call.tool}: has no line {unknown}")
    desk = Desk(sheet)
    for action in actions:
        if not desk.mask()[action]:
            raise NotExpressible(f"{call.tool}: the form has no {_PLAN.meaning(action)} there")
        desk.act(action)
    return actions


class _Typist:
    """Points at values, at those near the last one if there are several."""

    def __init__(self, sheet: Sheet, focus: int) -> None:
        self.sheet, self.focus = sheet, focus
        self._taken: set[int] = set()

    def typed(self, tool: str, slot: Slot, value: Any) -> list[int] | None:
        """The steps that fill a line; None if the line is better left alone."""
        if value is None:
            return [_PLAN.empty]
        steps = self._point(slot, value)
        if steps is None and slot.many and isinstance(value, list):
            if len(value) > MAX_PICKS:
                raise NotExpressible(f"{tool}.{slot.name}: {len(value)} items; a form takes {MAX_PICKS}")
            steps = [step for one in value for step in self._pointed(tool, slot, one)]
        if steps is None and slot.many and isinstance(value, dict):
            steps = self._grouped(value)
        if steps is None and (slot.required or tool not in _CHATTY or slot.name == "field"):
            raise NotExpressible(f"{tool}.{slot.name}: {value!r} is neither said nor found")
        return steps

    def _grouped(self, value: dict[str, Any]) -> list[int] | None:
        """What several groups hold in one field."""
        for name, field in _FIELD.items():
            places = {item.label: place for place, item in enumerate(self.sheet.items) if name in item.values}
            held = {label: self.sheet.items[places[label]].values[name] for label in value if label in places}
            if len(value) > 1 and _same(held, value):
                return [
                    step for label in value for step in (_PLAN.fields.start + field, _PLAN.rows.start + places[label])
                ]
        return None

    def _pointed(self, tool: str, slot: Slot, value: Any) -> list[int]:
        steps = self._point(slot, value)
        if steps is None:
            raise NotExpressible(f"{tool}.{slot.name}: {value!r} is neither said nor found")
        return steps

    def _point(self, slot: Slot, value: Any) -> list[int] | None:
        bit = 1 << slot.kind
        return (
            self._item(bit, value)
            or self._said(bit, value)
            or self._literal(slot, value)
            or self._held(slot, bit, value)
        )

    def _item(self, bit: int, value: Any) -> list[int] | None:
        for place, item in enumerate(self.sheet.items):
            whole = item.whole
            if self.sheet.row_bits[place] & bit and whole is not None and (whole == value or _same_set(whole, value)):
                return [_PLAN.rows.start + place]
        return None

    def _said(self, bit: int, value: Any) -> list[int] | None:
        found = [
            place
            for place, one in enumerate(self.sheet.values)
            if self.sheet.value_bits[place] & bit and _same(one.value, value) and place not in self._taken
        ]
        if not found:
            return None
        place = min(found, key=self._distance)
        self._taken.add(place)
        self.focus = self.sheet.values[place].place or self.focus
        return [_PLAN.values.start + place]

    def _distance(self, place: int) -> tuple[bool, int]:
        one = self.sheet.values[place]
        return one.used > 0, abs(one.place - self.focus)

    def _literal(self, slot: Slot, value: Any) -> list[int] | None:
        kind = _PLAN.kinds[slot.kind]
        for place, one in enumerate(_PLAN.literal_values):
            if type(one) is type(value) and one == value and one in (*kind.members, *kind.bounds):
                return [_PLAN.literals.start + place]
        return None

    def _held(self, slot: Slot, bit: int, value: Any) -> list[int] | None:
        for place, item in enumerate(self.sheet.items):
            for name, held in item.values.items():
                if name not in _FIELD:
                    continue
                if self.sheet.grants[place, _FIELD[name]] & bit and (_same(held, value) or _same_set(held, value)):
                    return [_PLAN.fields.start + _FIELD[name], _PLAN.rows.start + place]
        if takes_names(slot) and isinstance(value, str) and value in _FIELD:
            return [_PLAN.fields.start + _FIELD[value], _PLAN.go]
        return None


def _same(mine: Any, value: Any) -> bool:
    if isinstance(mine, int | float | Decimal) and isinstance(value, int | float | Decimal):
        return Decimal(str(mine)) == Decimal(str(value))
    return type(mine) is type(value) and bool(mine == value)


def _same_set(mine: Any, value: Any) -> bool:
    """Whether two lists hold the same, in whatever order."""
    return (
        isinstance(mine, list)
        and isinstance(value, list)
        and sorted(map(str, mine)) == sorted(map(str, set(map(str, value))))
    )
