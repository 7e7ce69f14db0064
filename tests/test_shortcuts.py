"""Short cuts lead where the long way leads: arguments read, JSON parsed, rows written in a hurry."""

import copy
import json
import random

import pytest
from nasty import JSONISH

from crm_gym import TOOLS, ToolError, load_suite
from crm_gym.schema import TABLES, row_json, row_text
from crm_gym.strict_json import _DECODE, NotStrict, encode, parse, parse_flat
from crm_gym.tasks.goal import RefusalGoal


def calls():
    for task in load_suite():
        yield from (*task.lookups, *task.solution)
        if isinstance(task.goal, RefusalGoal):
            yield task.goal.call


def bent(arguments, rng):
    """The arguments with one or two values, also among updates, exchanged for nasty ones, dropped or added."""
    made = copy.deepcopy(arguments)
    for _ in range(rng.randint(1, 2)):
        place = made["updates"] if isinstance(made.get("updates"), dict) and rng.random() < 0.6 else made
        name = rng.choice([*place, "surprise"])
        if rng.random() < 0.2:
            place.pop(name, None)
        else:
            place[name] = rng.choice(JSONISH)
    return made


def plainly(tool, arguments):
    """What the model makes of the arguments, as a dict; the refusal's code and field if it refuses."""
    try:
        model = tool.judge(arguments)
    except ToolError as refusal:
        return refusal.code, refusal.field
    values = dict(model.__dict__)
    if "updates" in values:
        values["updates"] = {name: getattr(model.updates, name) for name in model.updates.model_fields_set}
    return values


def test_arguments_read_in_a_hurry_are_those_the_model_gives():
    rng = random.Random(5)
    hurried = 0
    for call in calls():
        tool = TOOLS[call.tool]
        for arguments in (dict(call.arguments), *(bent(call.arguments, rng) for _ in range(12))):
            values = None if tool.plan is None else tool.plan.read(arguments)
            if values is not None:
                got = values.__dict__ if hasattr(values, "__dict__") else values
                assert got == plainly(tool, arguments), (call.tool, arguments)
                hurried += 1
    assert hurried > 2_000


@pytest.mark.parametrize("seed", range(20))
def test_json_parsed_in_a_hurry_is_what_the_strict_parser_gives(seed):
    rng = random.Random(seed)
    texts = [encode(dict(call.arguments)) for call in calls()]
    for _ in range(300):
        text = list(rng.choice(texts))
        for _ in range(rng.randint(0, 3)):
            text[rng.randrange(len(text))] = rng.choice('{}[]":,\\ \t\n0123456789eE+-.nulltrueNaN\x00\x7fé')
        text = "".join(text)
        made = parse_flat(text)
        if made is not None:
            assert encode(made) == encode(_DECODE(text))
            assert encode(parse(text)) == encode(made)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":NaN}',
        '{"a":1e999}',
        '{"a":1000000000000000000}',
        '{"a":"\\ud800"',
        '{"a":01}',
        '{"a":1,}',
    ],
)
def test_what_is_not_plain_is_left_to_the_strict_parser(text):
    assert parse_flat(text) is None
    with pytest.raises(NotStrict):
        parse(text)


def test_rows_written_in_a_hurry_are_those_json_gives():
    seen = 0
    for world in {id(task.world): task.world for task in load_suite()}.values():
        for table in TABLES:
            for row in world.crm.find(table):
                assert row_text(row) == json.dumps(row_json(row), separators=(",", ":"))
                seen += 1
    assert seen > 800
