"""The masks of the form door are exact, both ways: what they allow can be submitted, what they hide would be refused.

The rules are stated here once more, slowly, from the tools' JSON Schemas and arguments models and from the tables,
not from the door's own plan of kinds and bits.
"""

import functools
import json

import numpy as np
import pytest
from formed import PLAN, SOURCES, choose, make, twin
from pydantic import ValidationError

from crm_gym import CODES, TOOLS, ToolError
from crm_gym.form.found import BEFORE
from crm_gym.form.layout import MAX_PICKS
from crm_gym.schema import TABLES
from crm_gym.tools import outcome

EVERY_SOURCE = pytest.mark.parametrize("source", SOURCES)
SCHEMA_CODES = frozenset(list(CODES)[: list(CODES).index("not_found")])
"""The codes of a call that is wrong in itself; the others, from not_found on, depend on the records (see `CODES`)."""

TOOL_NAMES = list(TOOLS)


def reached(source, seed, steps, every):
    """Desks in states that random walks reach."""
    env, rng = make(source, masked_out="raise"), np.random.default_rng([seed, 77])
    env.reset(seed=seed)
    yield env, env.desk, rng
    for number in range(steps):
        over = env.step(choose(rng, env.action_masks()))[2]
        if over:
            env.reset()
        if over or number % every == every - 1:
            yield env, env.desk, rng


# What is allowed can be submitted


@EVERY_SOURCE
def test_what_is_allowed_can_be_submitted_and_no_schema_refuses_it(source):
    tried = submitted = 0
    for env, desk, rng in reached(source, 1, 240, 6):
        allowed = np.flatnonzero(desk.mask())
        for action in rng.permutation(allowed)[:12]:
            other = twin(desk)
            call = other.act(int(action)) or completed(other, rng)
            assert call is not None, (desk.tool, PLAN.meaning(int(action)))
            refusal = outcome(env.crm.fork(), call.tool, dict(call.arguments))[1]
            assert refusal is None or refusal.code not in SCHEMA_CODES, (call, refusal)
            tried += 1
            submitted += refusal is None
    assert tried > 300
    assert submitted > tried / 4


def completed(desk, rng):
    """The call of a random way on that ends in SUBMIT; None if there is no such way."""
    for _ in range(3 * PLAN.lines):
        mask = desk.mask()
        if mask[PLAN.submit] and rng.random() < 0.4:
            break
        mask[PLAN.back] = mask[PLAN.submit] = False
        if not mask.any():
            break
        desk.act(onward(desk, mask, rng))
    mask = desk.mask()
    while not mask[PLAN.submit]:  # lines enough: now only what must be
        mask[PLAN.back] = False
        if not mask.any():
            return None
        desk.act(onward(desk, mask, rng, going=1.0))
        mask = desk.mask()
    return desk.act(PLAN.submit)


def onward(desk, mask, rng, going=0.6):
    if desk.tool >= 0 and mask[PLAN.go] and rng.random() < going:
        return PLAN.go
    return choose(rng, mask)


def test_schema_codes_are_told_from_those_of_the_law():
    law = {"not_found", "still_referenced", "duplicate_email", "closed_deal_locked", "date_in_past", "date_order"}
    assert set(CODES) - SCHEMA_CODES == law


# What is masked out would be refused, and the other way round


@EVERY_SOURCE
def test_the_mask_says_what_the_rules_say(source):
    """Every action in every state that was reached: masked out if and only if there is a reason against it."""
    seen = [set(), set()]
    for _, desk, _ in reached(source, 2, 360, 5):
        mask = desk.mask()
        for action in range(PLAN.size):
            reason = why_not(desk, action)
            assert mask[action] == (reason is None), (PLAN.meaning(action), reason, desk.tool, desk.line, desk.picks)
            seen[reason is None].add(reason or kind_of(action))
    assert len(seen[0]) >= 12
    assert seen[1] == {"tools", "literals", "fields", "values", "rows", "go", "submit", "back", "empty"}


def kind_of(action):
    groups = ("tools", "literals", "fields", "values", "rows")
    found = [name for name in groups if action in getattr(PLAN, name)]
    return (
        found[0] if found else next(name for name in ("go", "submit", "back", "empty") if getattr(PLAN, name) == action)
    )


class Line:
    """A line of a form, as the tool's JSON Schema has it."""

    def __init__(self, tool, name, schema, required, nested=""):
        self.tool, self.name, self.required, self.nested = tool, name, required, nested
        self.many = schema.get("type") == "array" or "type" not in schema
        self.least = schema.get("minItems", 1)
        self.differ = schema.get("uniqueItems", False)
        self.schema = schema["items"] if schema.get("type") == "array" else schema

    @property
    def takes(self):
        """What kind of thing it is filled with."""
        form, kind = self.schema.get("format"), self.schema.get("type")
        if "enum" in self.schema:
            return "enum"
        if form == "uuid":
            return "id"
        if form in ("date", "date-time"):
            return "date"
        return {"integer": "number", "number": "number", "string": "text"}.get(kind, "anything")

    @property
    def takes_names(self):
        """Words about the request, said by whoever ends or asks, may be the name of a field."""
        return self.takes in ("text", "anything") and TOOLS[self.tool].kind in ("end", "ask")

    @property
    def tables(self):
        """The tables whose records its ids are of."""
        name = TOOLS[self.tool].arguments.other_id if self.name == "id" else self.name
        named = [table for table, one in TABLES.items() if name in (one.key, one.key + "s")]
        return named or list(TABLES)


@functools.cache
def lines_of(tool):
    schema = TOOLS[TOOL_NAMES[tool]].schema
    found = []
    for name, one in schema["properties"].items():
        if one.get("type") == "object":
            found += [Line(TOOL_NAMES[tool], inner, sub, False, name) for inner, sub in one["properties"].items()]
        else:
            found.append(Line(TOOL_NAMES[tool], name, one, name in schema["required"]))
    return found


def model_takes(line, value):
    """Whether the arguments model has nothing against the value there."""
    return _model_takes(line.tool, line.nested, line.name, json.dumps(value))


@functools.cache
def _model_takes(tool, nested, name, written):
    line = next(one for one in lines_of(TOOL_NAMES.index(tool)) if (one.name, one.nested) == (name, nested))
    value = json.loads(written)
    if "enum" in line.schema and value not in line.schema["enum"]:
        return value is None and not line.required and not line.nested
    given = [value] if line.least > 1 else value
    arguments = {nested: {name: given}} if nested else {name: given}
    try:
        TOOLS[tool].arguments.model_validate(arguments)
    except ValidationError as fault:
        return not [error for error in fault.errors() if name in error["loc"]]
    return True


def lacks(desk, at):
    """The first line that must be filled and is not, from that line on; None if there is none."""
    lines = lines_of(desk.tool)
    for place in range(at, len(lines)):
        if lines[place].required and len(desk.picks[place]) < lines[place].least:
            return lines[place].name
    return None


def grouped(desk):
    """Whether the object that must hold something does."""
    lines = lines_of(desk.tool)
    return not any(line.nested for line in lines) or any(
        line.nested and picks for line, picks in zip(lines, desk.picks, strict=True)
    )


def why_not(desk, action):
    """Why an action cannot be taken now; None if it can."""
    kind = kind_of(action)
    if desk.tool < 0:
        return "no form is open" if kind != "tools" else why_not_open(desk, action)
    if kind == "tools":
        return "a form is open"
    if kind == "back":
        return None
    lines = lines_of(desk.tool)
    if kind == "submit":
        if desk.pending >= 0:
            return "a field is waiting for its row"
        return (f"missing {lacks(desk, desk.line)}" if lacks(desk, desk.line) else None) or (
            None if grouped(desk) else "nothing to change"
        )
    if desk.line >= len(lines):
        return "every line is done"
    line = lines[desk.line]
    if desk.pending >= 0:
        return why_not_after_field(desk, line, kind, action)
    if kind == "go":
        return why_not_go(desk, line)
    if len(desk.picks[desk.line]) >= MAX_PICKS:
        return "the list is full"
    return why_not_filled_with(desk, line, kind, action)


def why_not_open(desk, tool):
    """A form opens if it can be completed."""
    for line in lines_of(tool):
        if line.required and len(things_for(desk, line)) < line.least:
            return "nothing to fill a line with that must be filled"
    nested = [line for line in lines_of(tool) if line.nested]
    return "nothing to change" if nested and not any(fillable(desk, line) for line in nested) else None


def fillable(desk, line):
    return bool(things_for(desk, line)) or model_takes(line, None)


def things_for(desk, line):
    """What a line can be filled with at first: different things of a list whose items must differ."""
    found = [action for action in (*PLAN.literals, *PLAN.values, *PLAN.rows) if not unfit(desk, line, action)]
    if len(found) < line.least or not found:
        found += [action for action in PLAN.fields if not unfit(desk, line, action)]
    return found


def why_not_go(desk, line):
    picks = desk.picks[desk.line]
    if line.many and picks:
        return "too few items" if len(picks) < line.least else None
    if line.required:
        return "the line must be filled"
    if line.nested and not grouped(desk):
        later = lines_of(desk.tool)[desk.line + 1 :]
        if not any(one.nested and fillable(desk, one) for one in later):
            return "the last chance to change something"
    return None


def why_not_after_field(desk, line, kind, action):
    if kind == "go":
        return None if line.takes_names else "no name of a field goes here"
    if kind != "rows":
        return "a field is waiting for its row"
    name = PLAN.field_names[desk.pending]
    return None if holds(desk, line, action - PLAN.rows.start, name) else "the row holds nothing fitting there"


def why_not_filled_with(desk, line, kind, action):
    if kind == "empty":
        return None if line.nested and model_takes(line, None) else "cannot be emptied"
    for pick in desk.picks[desk.line]:
        if action == PLAN.values.start + pick.value_slot and pick.value_slot >= 0:
            return "the value is there already"
        if action == PLAN.rows.start + pick.row_slot and pick.row_slot >= 0:
            return "the row is there already"
    return unfit(desk, line, action)


def unfit(desk, line, action):
    """Why a literal, value, field or row does not go into a line; None if it does."""
    sheet = desk.sheet
    if action in PLAN.literals:
        value = PLAN.literal_values[action - PLAN.literals.start]
        bounds = [line.schema[name] for name in ("minimum", "maximum") if line.schema.get("type") == "integer"]
        known = value in line.schema.get("enum", bounds)
        return None if known and model_takes(line, value) else "no member and no bound"
    if action in PLAN.fields:
        name = PLAN.field_names[action - PLAN.fields.start]
        held = any(holds(desk, line, place, name) for place in range(len(sheet.items)))
        return None if line.takes_names or held else "no row holds anything fitting in that field"
    if action in PLAN.values:
        return unfit_value(sheet, line, action - PLAN.values.start)
    place = action - PLAN.rows.start
    if place >= len(sheet.items):
        return "there is no such row"
    item = sheet.items[place]
    if item.origin == BEFORE:
        return "the record is no longer like that"
    if line.takes == "anything":
        return None if item.row is not None or is_list_of_records(item) else "it is not one thing"
    return None if line.takes == "id" and item.shape in line.tables else "no record of that table"


def is_list_of_records(item):
    return item.shape == "list" and "_fields" in dir(item.peers[0])


SAID = {"number": "number", "percent": "number", "amount": "number", "date": "date", "today": "date", "id": "id"}
SAID |= {"enum": "enum", "word": "name"}


def unfit_value(sheet, line, place):
    if place >= len(sheet.values):
        return "there is no such value"
    one = sheet.values[place]
    sort = SAID.get(one.kind, "text")
    fits = sort == line.takes or (sort == "name" and line.takes == "text" and line.takes_names)
    if not fits or not model_takes(line, one.value):
        return "the value does not fit"
    if line.differ:  # one way only to point at each thing
        earlier = [other.value for other in sheet.values[:place] if other.kind == "id"]
        if one.value in earlier or one.value in [item.id for item in sheet.items]:
            return "there is another way to point at it"
    return None


def holds(desk, line, place, name):
    """Whether a row holds in a field what goes into the line."""
    if place >= len(desk.sheet.items):
        return False
    item = desk.sheet.items[place]
    value = item.values.get(name)
    if value is None or line.differ:
        return False
    if line.takes == "anything":
        return True
    if isinstance(value, list | dict | bool):
        return False
    table = TABLES.get(item.shape)
    column = next((one for one in table.columns if one.name == name), None) if table else None
    if column is None:
        return line.takes == "number" and isinstance(value, int | float) and model_takes(line, value)
    schema = column.atom.schema
    if column.key or column.ref is not None:
        to = [table.name] if column.key else list(TABLES) if column.ref.by_field else [column.ref.to]
        return line.takes == "id" and bool(set(to) & set(line.tables)) and model_takes(line, value)
    sort = "enum" if "enum" in schema else "date" if schema.get("format") in ("date", "date-time") else schema["type"]
    sort = {"integer": "number", "string": "text"}.get(sort, sort)
    return sort == line.takes and model_takes(line, value)


# That the rules above are rules


def test_the_lines_are_those_of_the_forms():
    for tool, form in enumerate(PLAN.forms):
        mine = [(line.name, line.nested, line.required, line.many, line.least) for line in lines_of(tool)]
        assert mine == [(one.name, one.nested, one.required, one.many, one.least) for one in form.slots]


def test_a_list_takes_so_many_items_and_no_more():
    env = make(masked_out="raise")
    env.reset(seed=0)
    for action in (TOOL_NAMES.index("client_search"), PLAN.submit, TOOL_NAMES.index("respond")):
        env.step(action)
    name = PLAN.fields.start + PLAN.field_names.index("name")
    for _ in range(MAX_PICKS):
        env.step(name)
        env.step(PLAN.rows.start + 1)
    assert set(np.flatnonzero(env.action_masks())) == {PLAN.go, PLAN.submit, PLAN.back}
    assert all(why_not(env.desk, action) == "the list is full" for action in PLAN.fields)
    env.step(PLAN.back)
    assert env.desk.picks == [[]]


def test_a_quote_cannot_be_compared_with_itself():
    """Neither as a record and once more as what its id field holds, nor as an id that the request says twice."""
    env = make(masked_out="raise")
    env.reset(seed=0)
    env.step(TOOL_NAMES.index("quote_search"))
    env.step(PLAN.submit)
    env.step(TOOL_NAMES.index("compare_quotes"))
    assert not env.action_masks()[PLAN.fields.start : PLAN.fields.stop].any()
    (first, *_) = np.flatnonzero(env.action_masks()[PLAN.rows.start : PLAN.rows.stop])
    env.step(PLAN.rows.start + int(first))
    assert not env.action_masks()[PLAN.rows.start + first]
    with pytest.raises(ToolError):
        TOOLS["compare_quotes"].judge({"quote_ids": "x"})
